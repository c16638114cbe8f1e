/* SPDX-License-Identifier: Apache-2.0
 * Kernels that need a whole row or a whole channel: softmax and its relatives, batch normalization. */
#ifndef CNI_NORMALIZATION_H
#define CNI_NORMALIZATION_H

#include "kernels/names.h"

#include <stdbool.h>
#include <stddef.h>

/** Functions of a row of c elements, for x [rows, c]. */
typedef enum cni_row_function {
    CNI_ROW_SOFTMAX, /* a row with +infinity or NaN, or of -infinity only, gives NaN */
    CNI_ROW_LOG_SOFTMAX,
    CNI_ROW_SPARSEMAX, /* max(x - tau, 0), as Keras computes it: see sparsemax_portable.c.  scratch: 2 c elements */
    CNI_ROW_COUNT
} cni_row_function;

typedef struct cni_row_kernels {
    /** y may be x.  scratch may be NULL where none is asked for above. */
    void (*value)(const void *x, void *y, void *scratch, size_t rows, size_t c);

    /** `of` is y; sparsemax: x.  dx may be dy. */
    void (*gradient)(const void *of, const void *dy, void *dx, void *scratch, size_t rows, size_t c);
} cni_row_kernels;

/** The way back through a relu behind a normalization: with v = x scale[c] + shift[c], computed as `finish`
 *  (elementwise.h) does, g = dy where v > 0, or v >= 0 if zero passes; slope dy below; 0 where v >= most.  A gate that
 * is NULL lets everything through: g = dy. */
typedef struct cni_gate {
    const void *scale, *shift;
    bool zero_passes;
    double slope, most;
} cni_gate;

typedef struct cni_normalization_kernels {
    cni_row_kernels row[CNI_ROW_COUNT];

    /** mean[c] and m2[c] = sum of (x - mean)^2 over the rows of x [rows, c]; rows >= 1. */
    void (*moments)(const void *x, void *mean, void *m2, size_t rows, size_t c);

    /** Joins (count_a, mean, m2) with (count_b, mean_b, m2_b), in place. */
    void (*join_moments)(double count_a, void *mean, void *m2, double count_b, const void *mean_b, const void *m2_b,
                         size_t c);

    /** With g = dy through the gate: sum_dy[c] = sum of g, sum_dyx[c] = sum of g (x - mean[c]), over the rows. */
    void (*gradient_sums)(const void *x, const void *dy, const cni_gate *gate, const void *mean, void *sum_dy,
                          void *sum_dyx, size_t rows, size_t c);

    /** dx = a[c] g + b[c] x + k[c], and 0 where x is not above 0 if `of_relu`; dx may be dy or x. */
    void (*gradient_combine)(const void *x, const void *dy, const cni_gate *gate, const void *a, const void *b,
                             const void *k, bool of_relu, void *dx, size_t rows, size_t c);
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
