/* SPDX-License-Identifier: Apache-2.0
 * Kernels that move elements and change none. */
#ifndef CNI_LAYOUT_H
#define CNI_LAYOUT_H

#include "kernels/names.h"

#include <stddef.h>

enum { CNI_LAYOUT_RANK = 8 };

/** A box of elements to copy: dims[0 .. rank - 1], strides in elements (0 repeats, negative goes backwards). */
typedef struct cni_box {
    int rank;
    size_t dims[CNI_LAYOUT_RANK];
    ptrdiff_t from[CNI_LAYOUT_RANK];
    ptrdiff_t to[CNI_LAYOUT_RANK];
} cni_box;

/** The same box with as few dimensions as possible: neighbours merged, ones dropped; rank >= 1. */
cni_box cni_box_simplified(const cni_box *box);

typedef struct cni_layout_kernels {
    /** y[j * y_pitch + i] = x[i * x_pitch + j], i < rows, j < columns.  x and y do not overlap. */
    void (*transpose)(const void *x, size_t x_pitch, void *y, size_t y_pitch, size_t rows, size_t columns);

    /** Copies the box.  x and y do not overlap; inner dimensions with stride 1 on both sides are fastest, and two with
     *  stride 1 on opposite sides are transposed. */
    void (*copy)(const cni_box *box, const void *x, void *y);
} cni_layout_kernels;

void cni_layout_portable(cni_layout_kernels *kernels);
void cni_layout_double(cni_layout_kernels *kernels);
void cni_layout_avx2(cni_layout_kernels *kernels);
void cni_layout_avx512(cni_layout_kernels *kernels);
void cni_layout_neon(cni_layout_kernels *kernels);

CNI_DECLARE_PORTABLE(cni_layout_part, cni_layout_kernels);
CNI_DECLARE_OVERLAYS(cni_layout_part, cni_layout_kernels);

#endif
