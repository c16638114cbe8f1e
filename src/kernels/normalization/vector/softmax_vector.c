/* SPDX-License-Identifier: Apache-2.0
 * Softmax and its logarithm, a vector at a time.  A row's last vector is filled up with what changes nothing. */
#include "kernels/normalization/normalization.h"
#include "kernels/vector_math.h"

#include <math.h>

/* Lanes below n */
ALWAYS_INLINE mask below(int n)
{
    mask count = {0};
    UNROLL for (int i = 0; i < LANES; i++) count[i] = i;
    return count < n;
}

ALWAYS_INLINE lanes load_filled(const float *x, size_t left, float fill)
{
    return left >= LANES ? load(x) : choose(below((int)left), load_some(x, (int)left), splat(fill));
}

ALWAYS_INLINE void store_rest(float *y, lanes v, size_t left)
{
    if (left >= LANES)
        store(y, v);
    else
        store_some(y, v, (int)left);
}

static float maximum(const float *x, size_t c)
{
    lanes best = splat(-INFINITY);
    for (size_t i = 0; i < c; i += LANES) best = vector_max(best, load_filled(x + i, c - i, -INFINITY));
    return max_of_lanes(best);
}

/* The sum of exp(x - shift), each of which is left in y unless that is NULL. */
ALWAYS_INLINE float sum_exp(const float *x, float shift, float *y, size_t c)
{
    lanes sum = {0};
    for (size_t i = 0; i < c; i += LANES) {
        const lanes e = vector_exp(load_filled(x + i, c - i, -INFINITY) - shift);
        if (y) store_rest(y + i, e, c - i);
        sum += c - i >= LANES ? e : choose(below((int)(c - i)), e, (lanes){0});
    }
    return sum_of_lanes(sum);
}

static void softmax(const void *from, void *to, void *scratch, size_t rows, size_t c)
{
    const float *x = from;
    float *y = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, x += c, y += c) {
        const float sum = sum_exp(x, maximum(x, c), y, c);
        for (size_t i = 0; i < c; i += LANES) store_rest(y + i, load_filled(y + i, c - i, 0) / sum, c - i);
    }
}

static void log_softmax(const void *from, void *to, void *scratch, size_t rows, size_t c)
{
    const float *x = from;
    float *y = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, x += c, y += c) {
        const float shift = maximum(x, c), log_sum = logf(sum_exp(x, shift, NULL, c));
        for (size_t i = 0; i < c; i += LANES) store_rest(y + i, load_filled(x + i, c - i, 0) - shift - log_sum, c - i);
    }
}

static void softmax_gradient(const void *of, const void *given, void *to, void *scratch, size_t rows, size_t c)
{
    const float *y = of, *dy = given;
    float *dx = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, y += c, dy += c, dx += c) {
        lanes sum = {0};
        for (size_t i = 0; i < c; i += LANES) sum += load_filled(y + i, c - i, 0) * load_filled(dy + i, c - i, 0);
        const float all = sum_of_lanes(sum);
        for (size_t i = 0; i < c; i += LANES)
            store_rest(dx + i, load_filled(y + i, c - i, 0) * (load_filled(dy + i, c - i, 0) - all), c - i);
    }
}

static void log_softmax_gradient(const void *of, const void *given, void *to, void *scratch, size_t rows, size_t c)
{
    const float *y = of, *dy = given;
    float *dx = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, y += c, dy += c, dx += c) {
        lanes sum = {0};
        for (size_t i = 0; i < c; i += LANES) sum += load_filled(dy + i, c - i, 0);
        const float all = sum_of_lanes(sum);
        for (size_t i = 0; i < c; i += LANES)
            store_rest(dx + i, load_filled(dy + i, c - i, 0) - vector_exp(load_filled(y + i, c - i, 0)) * all, c - i);
    }
}

void CNI_FOR_ISA(cni_softmax_part)(cni_normalization_kernels *kernels)
{
    kernels->row[CNI_ROW_SOFTMAX] = (cni_row_kernels){softmax, softmax_gradient};
    kernels->row[CNI_ROW_LOG_SOFTMAX] = (cni_row_kernels){log_softmax, log_softmax_gradient};
}
