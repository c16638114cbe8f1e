/* SPDX-License-Identifier: Apache-2.0
 * Rows of any length, whose last vector is filled up with what changes nothing.  Everything is static. */
#ifndef CNI_VECTOR_ROWS_H
#define CNI_VECTOR_ROWS_H

#include "kernels/vector_math.h"

#include <math.h>

/* Lanes below n */
ALWAYS_INLINE mask below(size_t n)
{
    mask count = {0};
    UNROLL for (int i = 0; i < LANES; i++) count[i] = i;
    return count < (int32_t)n;
}

/* Zeros behind the row's end. */
ALWAYS_INLINE lanes load_rest(const float *x, size_t left)
{
    return left >= LANES ? load(x) : load_some(x, (int)left);
}

ALWAYS_INLINE lanes load_filled(const float *x, size_t left, float fill)
{
    return left >= LANES ? load(x) : choose(below(left), load_some(x, (int)left), splat(fill));
}

ALWAYS_INLINE void store_rest(float *y, lanes v, size_t left)
{
    if (left >= LANES)
        store(y, v);
    else
        store_some(y, v, (int)left);
}

/* Zeros behind the row's end, whatever stands there in v. */
ALWAYS_INLINE lanes only_row(lanes v, size_t left)
{
    return left >= LANES ? v : choose(below(left), v, (lanes){0});
}

ALWAYS_INLINE float row_maximum(const float *x, size_t c)
{
    lanes best = splat(-INFINITY);
    for (size_t i = 0; i < c; i += LANES) best = vector_max(best, load_filled(x + i, c - i, -INFINITY));
    return max_of_lanes(best);
}

ALWAYS_INLINE float row_sum(const float *x, size_t c)
{
    lanes sum = {0};
    for (size_t i = 0; i < c; i += LANES) sum += load_rest(x + i, c - i);
    return sum_of_lanes(sum);
}

/* The sum of exp(x - shift), each of which is left in y unless that is NULL. */
ALWAYS_INLINE float row_exponentials(const float *x, float shift, float *y, size_t c)
{
    lanes sum = {0};
    for (size_t i = 0; i < c; i += LANES) {
        const lanes e = vector_exp(load_filled(x + i, c - i, -INFINITY) - shift);
        if (y) store_rest(y + i, e, c - i);
        sum += only_row(e, c - i);
    }
    return sum_of_lanes(sum);
}

#endif
