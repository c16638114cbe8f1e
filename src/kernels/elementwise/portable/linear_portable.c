/* SPDX-License-Identifier: Apache-2.0
 * Sums of multiples, fills and masks, plainly. */
#include "kernels/elementwise/elementwise.h"

typedef CNI_REAL real;

static void axpby(double a, const void *x, double b, void *y, size_t n)
{
    const real *from = x, by_a = (real)a, by_b = (real)b;
    real *to = y;
    if (b == 0)
        for (size_t i = 0; i < n; i++) to[i] = by_a * from[i];
    else
        for (size_t i = 0; i < n; i++) to[i] = by_a * from[i] + by_b * to[i];
}

static void fill(double value, void *y, size_t n)
{
    for (size_t i = 0; i < n; i++) ((real *)y)[i] = (real)value;
}

static void keep(const unsigned char *mask, double scale, const void *x, void *y, size_t n)
{
    const real *from = x, by = (real)scale;
    real *to = y;
    for (size_t i = 0; i < n; i++) to[i] = mask[i] ? from[i] * by : 0;
}

void CNI_FOR_REAL(cni_linear_part)(cni_elementwise_kernels *kernels)
{
    kernels->axpby = axpby;
    kernels->fill = fill;
    kernels->keep = keep;
}
