/* SPDX-License-Identifier: Apache-2.0
 * Transpose: axes in another order. */
#ifndef CNI_OP_TRANSPOSE_H
#define CNI_OP_TRANSPOSE_H

#include "graph/graph.h"

/** Axis i of the result is axis permutation[i] of x; a batch stays in front.  x itself when nothing moves. */
cni_tensor *cni_transpose(cni_graph *graph, cni_tensor *x, const int *permutation);

/** [n, h, w, c] from [n, c, h, w], and back; any rank from 3 on. */
cni_tensor *cni_channels_to_last(cni_graph *graph, cni_tensor *x);
cni_tensor *cni_channels_to_first(cni_graph *graph, cni_tensor *x);

#endif
