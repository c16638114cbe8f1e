/* SPDX-License-Identifier: Apache-2.0
 * Kernels that need a whole row or a whole channel: softmax and its relatives, batch normalization. */
#ifndef CNI_NORMALIZATION_H
#define CNI_NORMALIZATION_H

#include "kernels/names.h"

#include <stddef.h>

typedef struct cni_normalization_kernels {
    /** Over each row of x [rows, c]; y may be x.  A row with +infinity or NaN, or of -infinity only, gives NaN. */
    void (*softmax)(const void *x, void *y, size_t rows, size_t c);
    void (*log_softmax)(const void *x, void *y, size_t rows, size_t c);

    /** dx = y (dy - sum(y dy));  dx may be dy. */
    void (*softmax_gradient)(const void *y, const void *dy, void *dx, size_t rows, size_t c);
    /** dx = dy - exp(y) sum(dy);  dx may be dy. */
    void (*log_softmax_gradient)(const void *y, const void *dy, void *dx, size_t rows, size_t c);

    /** y = max(x - tau, 0) over each row, as Keras computes it (see sparsemax_portable.c).  scratch: 2 c elements. */
    void (*sparsemax)(const void *x, void *y, void *scratch, size_t rows, size_t c);
    void (*sparsemax_gradient)(const void *x, const void *dy, void *dx, void *scratch, size_t rows, size_t c);

    /** mean[c] and m2[c] = sum of (x - mean)^2 over the rows of x [rows, c]; rows >= 1. */
    void (*moments)(const void *x, void *mean, void *m2, size_t rows, size_t c);

    /** Joins (count_a, mean, m2) with (count_b, mean_b, m2_b), in place. */
    void (*join_moments)(double count_a, void *mean, void *m2, double count_b, const void *mean_b, const void *m2_b,
                         size_t c);

    /** y = x scale[c] + shift[c]; y may be x. */
    void (*scale_shift)(const void *x, const void *scale, const void *shift, void *y, size_t rows, size_t c);

    /** sum_dy[c] = sum of dy, sum_dyx[c] = sum of dy (x - mean[c]), over the rows. */
    void (*gradient_sums)(const void *x, const void *dy, const void *mean, void *sum_dy, void *sum_dyx, size_t rows,
                          size_t c);

    /** dx = a[c] dy + b[c] (x - mean[c]) + k[c]; dx may be dy or x. */
    void (*gradient_combine)(const void *x, const void *dy, const void *mean, const void *a, const void *b,
                             const void *k, void *dx, size_t rows, size_t c);
} cni_normalization_kernels;

void cni_normalization_portable(cni_normalization_kernels *kernels);
void cni_normalization_double(cni_normalization_kernels *kernels);
void cni_normalization_avx2(cni_normalization_kernels *kernels);
void cni_normalization_avx512(cni_normalization_kernels *kernels);
void cni_normalization_neon(cni_normalization_kernels *kernels);

CNI_DECLARE_PORTABLE(cni_softmax_part, cni_normalization_kernels);
CNI_DECLARE_OVERLAYS(cni_softmax_part, cni_normalization_kernels);
CNI_DECLARE_PORTABLE(cni_sparsemax_part, cni_normalization_kernels);
CNI_DECLARE_PORTABLE(cni_batch_norm_part, cni_normalization_kernels);
CNI_DECLARE_OVERLAYS(cni_batch_norm_part, cni_normalization_kernels);

#endif
