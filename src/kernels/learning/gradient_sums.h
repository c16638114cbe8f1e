/* SPDX-License-Identifier: Apache-2.0
 * Sums over gradients as loops that compilers vectorise: included, after `real` is defined, by the portable source and
 * by the vector source. */
#ifndef CNI_GRADIENT_SUMS_H
#define CNI_GRADIENT_SUMS_H

#include <stddef.h>

enum { SUMS = 16 };

/* In double: the sum of many squares of floats keeps every digit that the float result has. */
static double sum_of_squares(const void *x, double divide, size_t n)
{
    const real *from = x, by = (real)divide;
    double sums[SUMS] = {0}, sum = 0;
    size_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
        for (size_t k = 0; k < SUMS; k++) {
            const real value = from[i + k] / by;
            sums[k] += (double)value * (double)value;
        }
    for (; i < n; i++) {
        const real value = from[i] / by;
        sum += (double)value * (double)value;
    }
    for (size_t k = 0; k < SUMS; k++) sum += sums[k];
    return sum;
}

static void accumulate(const void *x, double divide, void *y, size_t n)
{
    const real *restrict from = x, by = (real)divide;
    real *restrict to = y;
    for (size_t i = 0; i < n; i++) to[i] += from[i] / by;
}

#endif
