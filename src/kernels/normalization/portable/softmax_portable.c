/* SPDX-License-Identifier: Apache-2.0
 * Softmax and its logarithm, plainly: shifted by the row's maximum. */
#include "kernels/normalization/normalization.h"

#include <tgmath.h>

typedef CNI_REAL real;

static real maximum(const real *x, size_t c)
{
    real best = x[0];
    for (size_t i = 1; i < c; i++)
        if (x[i] > best || x[i] != x[i]) best = x[i];
    return best;
}

static void softmax(const void *from, void *to, void *scratch, size_t rows, size_t c)
{
    const real *x = from;
    real *y = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, x += c, y += c) {
        const real shift = maximum(x, c);
        real sum = 0;
        for (size_t i = 0; i < c; i++) sum += y[i] = exp(x[i] - shift);
        for (size_t i = 0; i < c; i++) y[i] /= sum;
    }
}

static void log_softmax(const void *from, void *to, void *scratch, size_t rows, size_t c)
{
    const real *x = from;
    real *y = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, x += c, y += c) {
        const real shift = maximum(x, c);
        real sum = 0;
        for (size_t i = 0; i < c; i++) sum += exp(x[i] - shift);
        const real log_sum = log(sum);
        for (size_t i = 0; i < c; i++) y[i] = x[i] - shift - log_sum;
    }
}

static void softmax_gradient(const void *of, const void *given, void *to, void *scratch, size_t rows, size_t c)
{
    const real *y = of, *dy = given;
    real *dx = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, y += c, dy += c, dx += c) {
        real sum = 0;
        for (size_t i = 0; i < c; i++) sum += y[i] * dy[i];
        for (size_t i = 0; i < c; i++) dx[i] = y[i] * (dy[i] - sum);
    }
}

static void log_softmax_gradient(const void *of, const void *given, void *to, void *scratch, size_t rows, size_t c)
{
    const real *y = of, *dy = given;
    real *dx = to;
    (void)scratch;
    for (size_t r = 0; r < rows; r++, y += c, dy += c, dx += c) {
        real sum = 0;
        for (size_t i = 0; i < c; i++) sum += dy[i];
        for (size_t i = 0; i < c; i++) dx[i] = dy[i] - exp(y[i]) * sum;
    }
}

void CNI_FOR_REAL(cni_softmax_part)(cni_normalization_kernels *kernels)
{
    kernels->row[CNI_ROW_SOFTMAX] = (cni_row_kernels){softmax, softmax_gradient};
    kernels->row[CNI_ROW_LOG_SOFTMAX] = (cni_row_kernels){log_softmax, log_softmax_gradient};
}
