/* SPDX-License-Identifier: Apache-2.0
 * Convolution of small groups of channels, for which products would be mostly empty. */
#ifndef CNI_GROUPED_CONV2D_H
#define CNI_GROUPED_CONV2D_H

#include "graph/ops/conv2d.h"

/** True for what the grouped kernels can do: 3 x 3 windows with stride 1 or 2, groups of 2, 4, 8 or 16 channels. */
bool cni_is_grouped_conv2d(const cni_tensor *x, const cni_tensor *w, const cni_conv2d_attributes *attributes);

/** What cni_conv2d is for those. */
cni_tensor *cni_grouped_conv2d(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias,
                               const cni_conv2d_attributes *attributes);

#endif
