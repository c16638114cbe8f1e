/* SPDX-License-Identifier: Apache-2.0
 * Two-dimensional convolution, its transposed, and their gradients.  Any strides, dilation and groups together. */
#ifndef CNI_CONV2D_H
#define CNI_CONV2D_H

#include "graph/graph.h"
#include "kernels/elementwise/finish.h"

/** What convolutions of all kinds (depthwise, transposed) read.  SCALE, ADD and MASK are put there by passes and are
 * NULL before: y = epilogue(conv(x, w) scale + bias + add), 0 where mask is not above 0 (cni_finish). */
enum { CNI_CONV_X, CNI_CONV_W, CNI_CONV_BIAS, CNI_CONV_SCALE, CNI_CONV_ADD, CNI_CONV_MASK, CNI_CONV_INPUTS };

typedef struct cni_conv2d_attributes {
    int strides[2], dilation[2];  /* rows, columns; at least 1 */
    int top, bottom, left, right; /* rows and columns of zeros round the image */
    int groups;                   /* divides the channels read and the channels written */
    cni_epilogue epilogue;
} cni_conv2d_attributes;

/** y [n, h', w', f] = epilogue(x [n, h, w, c] * w [kh, kw, c / groups, f] + bias [f]); bias may be NULL.
 *  h' = (h + top + bottom - (kh - 1) dilation - 1) / stride + 1, rounded down, at least 1. */
cni_tensor *cni_conv2d(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias,
                       const cni_conv2d_attributes *attributes);

/** What such a convolution of an image [n, height, width, c] sends back: y [n, height, width, c] = epilogue(bias [c] +
 *  sum of x [n, h', w', f] w [kh, kw, c / groups, f] at the cells i * stride + r * dilation - top that are inside).
 *  Only top and left count, at least 0; h' and w' are what they are.  bias may be NULL. */
cni_tensor *cni_conv2d_transpose(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias, int height,
                                 int width, const cni_conv2d_attributes *attributes);

/** The finish of a step of such an op: its bias as the shift.  Where the epilogue is no clamp it has to be applied
 *  afterwards (false is answered; mask and such an epilogue never come together). */
bool cni_conv_finish(const cni_step *step, const cni_epilogue *epilogue, cni_finish *finish);

/** Of the rows of all kinds of convolutions. */
#define CNI_CONV_TAKES                                                                                                 \
    {                                                                                                                  \
        .bias = CNI_CONV_BIAS, .scale = CNI_CONV_SCALE, .add = CNI_CONV_ADD, .mask = CNI_CONV_MASK                     \
    }

/** take_padding of the forward kinds. */
bool cni_conv_take_padding(cni_op *op, const cni_padding *padding, bool positive);

/** x, or what it is a padding of: then the attributes pad as well. */
cni_tensor *cni_conv_without_zeros(cni_tensor *x, cni_conv2d_attributes *a);

/** A convolution forward with a window of one cell, stride 1 and nothing round the image: a product for each pixel. */
bool cni_is_pointwise(const cni_op *op);

/** For passes: y and the maxima of its windows of 2 x 2 side by side (cni_halves) as one op; y itself is not kept. */
bool cni_conv2d_can_pool(const cni_op *op);
cni_op *cni_conv2d_pooled(cni_graph *graph, const cni_op *conv, const cni_op *pool);

/** The output size of one axis: (size + before + after - (window - 1) dilation - 1) / stride + 1. */
int cni_window_count(int size, int before, int after, int window, int stride, int dilation);

#endif
