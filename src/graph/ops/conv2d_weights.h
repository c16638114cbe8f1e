/* SPDX-License-Identifier: Apache-2.0
 * The gradient of a convolution for its weights, and with it for its bias. */
#ifndef CNI_CONV2D_WEIGHTS_H
#define CNI_CONV2D_WEIGHTS_H

#include "graph/ops/conv2d.h"

/** dw, shaped like w [kh, kw, c / groups, f]: the sum over all windows of x [n, h, w, c] times dy [n, h', w', f].
 *  bias_gradient, unless NULL, gets db [f]: the sums of dy.  The attributes' epilogue is not looked at. */
cni_tensor *cni_conv2d_weights(cni_graph *graph, cni_tensor *x, cni_tensor *dy, cni_tensor *w,
                               const cni_conv2d_attributes *attributes, cni_tensor **bias_gradient);

#endif
