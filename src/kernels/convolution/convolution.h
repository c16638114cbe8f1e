/* SPDX-License-Identifier: Apache-2.0
 * Kernels for depthwise convolution: each channel has its own window.  (What mixes channels is a product: matmul.) */
#ifndef CNI_CONVOLUTION_H
#define CNI_CONVOLUTION_H

#include "kernels/elementwise/finish.h"
#include "kernels/names.h"

#include <stdbool.h>
#include <stddef.h>

/** The rows, or the columns, of images and of a window.  Output i looks with tap t at cell
 *  i * stride + position + t * dilation; a tap that is outside 0 ... cells - 1 counts for nothing. */
typedef struct cni_window_axis {
    int cells, taps, position, stride, dilation;
    int first, last;   /* outputs: first ... last - 1 */
    ptrdiff_t x, w, y; /* elements from cell to cell, from tap to tap (negative: the window is read backwards) and from
                          output to output */
} cni_window_axis;

/** y(i, j, k) = finish(sum over the taps (r, s) of x(cell of i and r, cell of j and s, k) * w(r, s, k))  for k < width.
 *  x, w, y: cell, tap and output (0, 0); what the finish reads is counted from there. */
typedef struct cni_depthwise {
    const void *x, *w;
    void *y;
    cni_window_axis rows, columns;
    int width;
    cni_finish finish;
} cni_depthwise;

/** dw(r, s, k) += sum over the outputs (i, j) of x(cell of i and r, cell of j and s, k) * dy(i, j, k)  for k < width.
 */
typedef struct cni_depthwise_weights {
    const void *x, *dy;
    void *dw;
    cni_window_axis rows, columns; /* y of an axis: of dy */
    int width;
} cni_depthwise_weights;

/** Groups of `group` neighbouring channels, which have as many neighbouring outputs: what is said above for depthwise,
 *  with a sum over the members m < group of the channel's group g in the place of channel k = g * group + m' itself:
 *  x(.., g * group + m) * w(r, s, m, k), the weights of member m lying w_member further on. */
typedef struct cni_grouped {
    cni_depthwise of;
    int group;
    ptrdiff_t w_member;
} cni_grouped;

typedef struct cni_grouped_weights {
    cni_depthwise_weights of;
    int group;
    ptrdiff_t w_member;
} cni_grouped_weights;

typedef struct cni_convolution_kernels {
    /** A result depends neither on how outputs and channels are divided among calls nor on first and last. */
    void (*depthwise)(const cni_depthwise *depthwise);
    void (*depthwise_weights)(const cni_depthwise_weights *weights);

    /** group is 2, 4, 8 or 16, width a multiple of 16; windows have 1 to 11 rows and columns, and an axis with a stride
     *  is not dilated.  For the weights strides are equal; with 2 the window is 3 x 3, else it has 3 columns or more. */
    void (*grouped)(const cni_grouped *grouped);
    void (*grouped_weights)(const cni_grouped_weights *weights);
} cni_convolution_kernels;

void cni_convolution_portable(cni_convolution_kernels *kernels);
void cni_convolution_double(cni_convolution_kernels *kernels);
void cni_convolution_avx2(cni_convolution_kernels *kernels);
void cni_convolution_avx512(cni_convolution_kernels *kernels);
void cni_convolution_neon(cni_convolution_kernels *kernels);

/* Parts of the above, one source each */
CNI_DECLARE_PORTABLE(cni_depthwise_part, cni_convolution_kernels);
CNI_DECLARE_OVERLAYS(cni_depthwise_part, cni_convolution_kernels);
CNI_DECLARE_OVERLAYS(cni_depthwise_weights_part, cni_convolution_kernels);
CNI_DECLARE_PORTABLE(cni_grouped_part, cni_convolution_kernels);
CNI_DECLARE_OVERLAYS(cni_grouped_part, cni_convolution_kernels);

#endif
