/* SPDX-License-Identifier: Apache-2.0
 * Sums of multiples, fills and masks, a vector at a time. */
#include "kernels/elementwise/elementwise.h"
#include "kernels/vector_bytes.h"

static void axpby(double a, const void *x, double b, void *y, size_t n)
{
    const float *from = x, by_a = (float)a, by_b = (float)b;
    float *to = y;
    size_t i = 0;
    if (b == 0) {
        for (; i + LANES <= n; i += LANES) store(to + i, by_a * load(from + i));
        for (; i < n; i++) to[i] = by_a * from[i];
    } else {
        for (; i + LANES <= n; i += LANES) store(to + i, by_a * load(from + i) + by_b * load(to + i));
        if (i == n) return;
        const int rest = (int)(n - i);
        store_some(to + i, by_a * load_some(from + i, rest) + by_b * load_some(to + i, rest), rest);
    }
}

static void fill(double value, void *y, size_t n)
{
    float *to = y;
    const lanes all = splat((float)value);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) store(to + i, all);
    for (; i < n; i++) to[i] = (float)value;
}

static void keep(const unsigned char *kept, double scale, const void *x, void *y, size_t n)
{
    const float *from = x, by = (float)scale;
    float *to = y;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const mask which = load_bytes(kept + i, LANES) != 0;
        store(to + i, choose(which, by * load(from + i), (lanes){0}));
    }
    for (; i < n; i++) to[i] = kept[i] ? by * from[i] : 0;
}

void CNI_FOR_ISA(cni_linear_part)(cni_elementwise_kernels *kernels)
{
    kernels->axpby = axpby;
    kernels->fill = fill;
    kernels->keep = keep;
}
