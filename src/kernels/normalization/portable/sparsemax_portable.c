/* SPDX-License-Identifier: Apache-2.0
 * Sparsemax as Keras computes it (3.15, every backend): with the row sorted, s_1 >= s_2 >= ..., and C_k = s_1 + .. +
 * s_k,
 *
 *   K = how many k have s_k > (C_k - 1) / k;   tau = (C_1 + ... + C_K - 1) / K;   y = max(x - tau, 0)
 *
 * The projection on the simplex (Martins & Astudillo 2016) has C_K where Keras has C_1 + ... + C_K: the two agree when
 * one entry stays.  Cornu gives Keras' numbers.  Portable only: the sort dominates. */
#include "kernels/normalization/normalization.h"

#include <stdlib.h>

typedef CNI_REAL real;

typedef struct entry {
    real value, index;
} entry;

/* Descending, NaN last, equal ones in their order. */
static int compare(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int x_nan = x->value != x->value, y_nan = y->value != y->value;
    if (x_nan || y_nan) return x_nan - y_nan;
    if (x->value != y->value) return x->value < y->value ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

/* Sorts the row and returns tau; *kept = K. */
static real threshold(const real *x, entry *sorted, size_t c, size_t *kept)
{
    for (size_t i = 0; i < c; i++) sorted[i] = (entry){x[i], (real)i};
    qsort(sorted, c, sizeof *sorted, compare);
    real sum = 0, sums = 0;
    *kept = 0;
    for (size_t k = 0; k < c; k++) {
        sum += sorted[k].value;
        if (!(sorted[k].value - (sum - 1) / (real)(k + 1) > 0)) continue;
        sums += sum;
        ++*kept;
    }
    return (sums - 1) / (real)*kept;
}

static void sparsemax(const void *from, void *to, void *scratch, size_t rows, size_t c)
{
    const real *x = from;
    real *y = to;
    for (size_t r = 0; r < rows; r++, x += c, y += c) {
        size_t kept;
        const real tau = threshold(x, scratch, c, &kept);
        for (size_t i = 0; i < c; i++) y[i] = x[i] - tau <= 0 ? 0 : x[i] - tau;
    }
}

/* s_j stands in C_j ... C_K, so tau' is (K - j + 1) / K for the j-th largest.  At y = 0: half, as JAX's maximum. */
static void sparsemax_gradient(const void *from, const void *given, void *to, void *scratch, size_t rows, size_t c)
{
    const real *x = from, *dy = given;
    const entry *sorted = scratch;
    real *dx = to;
    for (size_t r = 0; r < rows; r++, x += c, dy += c, dx += c) {
        size_t kept;
        const real tau = threshold(x, scratch, c, &kept);
        real sum = 0;
        for (size_t i = 0; i < c; i++) {
            dx[i] = x[i] > tau ? dy[i] : x[i] == tau ? dy[i] / 2 : 0;
            sum += dx[i];
        }
        for (size_t j = 0; j < kept; j++) dx[(size_t)sorted[j].index] -= sum * (real)(kept - j) / (real)kept;
    }
}

void CNI_FOR_REAL(cni_sparsemax_part)(cni_normalization_kernels *kernels)
{
    kernels->row[CNI_ROW_SPARSEMAX] = (cni_row_kernels){sparsemax, sparsemax_gradient};
}
