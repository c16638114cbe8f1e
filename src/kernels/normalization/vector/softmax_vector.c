/* SPDX-License-Identifier: Apache-2.0
 * Softmax and its logarithm, a vector at a time.  A row's last vector is filled up with what changes nothing. */
#include "kernels/normalization/normalization.h"
#include "kernels/vector_rows.h"

/* What one vector holds does not go to memory in between. */
ALWAYS_INLINE void softmax_of_few(const float *x, float *y, size_t c)
{
    const lanes v = load_filled(x, c, -INFINITY), e = only_row(vector_exp(v - max_of_lanes(v)), c);
    store_rest(y, e / sum_of_lanes(e), c);
}

static void softmax(const void *from, void *to, void *scratch, size_t rows, size_t c)
{
    const float *x = from;
    float *y = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, x += c, y += c) {
        if (c <= LANES) {
            softmax_of_few(x, y, c);
            continue;
        }
        const float sum = row_exponentials(x, row_maximum(x, c), y, c);
        for (size_t i = 0; i < c; i += LANES) store_rest(y + i, load_filled(y + i, c - i, 0) / sum, c - i);
    }
}

static void log_softmax(const void *from, void *to, void *scratch, size_t rows, size_t c)
{
    const float *x = from;
    float *y = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, x += c, y += c) {
        const float shift = row_maximum(x, c), log_sum = logf(row_exponentials(x, shift, NULL, c));
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
