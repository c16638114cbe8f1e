/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution: each channel has windows of its own. */
#ifndef CNI_DEPTHWISE_CONV2D_H
#define CNI_DEPTHWISE_CONV2D_H

#include "graph/ops/conv2d.h"

/** y [n, h', w', c m], y[..., k m + j] = epilogue(channel k of x [n, h, w, c] * w [kh, kw, k, j] + bias[k m + j]);
 *  w [kh, kw, c, m]; bias may be NULL; attributes->groups is not looked at.  Any strides and dilation together. */
cni_tensor *cni_depthwise_conv2d(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias,
                                 const cni_conv2d_attributes *attributes);

/** The forward one. */
bool cni_is_depthwise(const cni_op *op);

#endif
