/* SPDX-License-Identifier: Apache-2.0
 * Sums, maxima and minima, plainly.  Sums go by halves, so that rounding errors grow with the logarithm of the count.
 */
#include "kernels/elementwise/elementwise.h"

typedef CNI_REAL real;

enum { BLOCK = 128 };

static real sum_of(const real *x, size_t count, size_t step)
{
    if (count > BLOCK) {
        const size_t half = count / 2;
        return sum_of(x, half, step) + sum_of(x + half * step, count - half, step);
    }
    real sum = 0;
    for (size_t k = 0; k < count; k++) sum += x[k * step];
    return sum;
}

static real max_of(const real *x, size_t count, size_t step)
{
    real best = x[0];
    for (size_t k = 1; k < count; k++)
        if (x[k * step] > best || x[k * step] != x[k * step]) best = x[k * step];
    return best;
}

static real min_of(const real *x, size_t count, size_t step)
{
    real best = x[0];
    for (size_t k = 1; k < count; k++)
        if (x[k * step] < best || x[k * step] != x[k * step]) best = x[k * step];
    return best;
}

static real (*const functions[])(const real *x, size_t count,
                                 size_t step) = {[CNI_SUM] = sum_of, [CNI_MAX] = max_of, [CNI_MIN] = min_of};

static void reduce(cni_reduction f, const void *x, void *y, size_t outer, size_t count, size_t inner)
{
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < inner; i++)
            ((real *)y)[o * inner + i] = functions[f]((const real *)x + o * count * inner + i, count, inner);
}

void CNI_FOR_REAL(cni_reduce_part)(cni_elementwise_kernels *kernels)
{
    kernels->reduce = reduce;
}
