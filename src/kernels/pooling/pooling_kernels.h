/* SPDX-License-Identifier: Apache-2.0
 * Kernels for pooling.  One image per call, dense [h, w, c]; rows from `first` up to `last` of what is written, so that
 * an image can be divided.  Every element written is a function of elements read (gradients gather): no order of calls
 * and no division changes a bit. */
#ifndef CNI_POOLING_KERNELS_H
#define CNI_POOLING_KERNELS_H

#include "kernels/names.h"

#include <stdbool.h>
#include <stddef.h>

/** Windows over an image.  Output (i, j) looks at rows i * strides[0] - top + r, r < window[0], and columns alike;
 *  cells outside the image do not count.  Every window has a cell inside. */
typedef struct cni_windows {
    int h, w, c;   /* the image */
    int oh, ow;    /* how many windows */
    int window[2]; /* rows, columns */
    int strides[2];
    int top, left; /* padding */
} cni_windows;

/** Taps (which cell of its window was the maximum, row-major) take two bytes when a window has more than 256 cells:
 *  then they lie as [oh, ow, 2, c], the low bytes of all channels first. */
static inline bool cni_wide_taps(const cni_windows *v)
{
    return (long)v->window[0] * v->window[1] > 256;
}

typedef struct cni_pooling_kernels {
    /** y [oh, ow, c]: the maximum, NaN where the window has one; taps (or NULL): the first cell that has it. */
    void (*max)(const cni_windows *v, const void *x, void *y, unsigned char *taps, int first, int last);

    /** dx [h, w, c]: the sum of dy over the windows that took this cell. */
    void (*max_gradient)(const cni_windows *v, const void *dy, const unsigned char *taps, void *dx, int first,
                         int last);

    /** y [oh, ow, c]: the mean of the cells that are inside the image. */
    void (*average)(const cni_windows *v, const void *x, void *y, int first, int last);
    void (*average_gradient)(const cni_windows *v, const void *dy, void *dx, int first, int last);

    /** y[c]: mean, or maximum (NaN if there is one), over x [cells, c]. */
    void (*global_mean)(const void *x, size_t cells, int c, void *y);
    void (*global_max)(const void *x, size_t cells, int c, void *y);

    /** dx [cells, c] = dy[c] / cells. */
    void (*global_mean_gradient)(const void *dy, size_t cells, int c, void *dx);

    /** dx = dy[c] / (how many cells are equal to y[c]) in these cells, 0 elsewhere.  share [c] is scratch. */
    void (*global_max_gradient)(const void *x, const void *y, const void *dy, size_t cells, int c, void *share,
                                void *dx);
} cni_pooling_kernels;

void cni_pooling_portable(cni_pooling_kernels *kernels);
void cni_pooling_double(cni_pooling_kernels *kernels);
void cni_pooling_avx2(cni_pooling_kernels *kernels);
void cni_pooling_avx512(cni_pooling_kernels *kernels);
void cni_pooling_neon(cni_pooling_kernels *kernels);

/* Parts of the above, one source each */
CNI_DECLARE_PORTABLE(cni_pooling_part, cni_pooling_kernels);
CNI_DECLARE_OVERLAYS(cni_pooling_part, cni_pooling_kernels);

#endif
