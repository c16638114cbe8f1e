/* SPDX-License-Identifier: Apache-2.0
 * What the convolution layers share: from windows over an image to the attributes of the op. */
#ifndef CNI_CONVOLUTION_LAYERS_H
#define CNI_CONVOLUTION_LAYERS_H

#include "graph/ops/conv2d.h"
#include "layers/layer.h"

/** For an image x [n, h, w, c] of known size. */
static inline cni_conv2d_attributes cni_convolution_of(const cni_windowed *v, int groups, const cni_tensor *x)
{
    const cni_window rows = cni_window_of(x->shape.dims[1], v->size[0], v->strides[0], v->dilation[0], v->mode);
    const cni_window columns = cni_window_of(x->shape.dims[2], v->size[1], v->strides[1], v->dilation[1], v->mode);
    return (cni_conv2d_attributes){.strides = {v->strides[0], v->strides[1]},
                                   .dilation = {v->dilation[0], v->dilation[1]},
                                   .top = rows.before,
                                   .bottom = rows.after,
                                   .left = columns.before,
                                   .right = columns.after,
                                   .groups = groups};
}

#endif
