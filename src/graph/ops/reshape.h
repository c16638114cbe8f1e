/* SPDX-License-Identifier: Apache-2.0
 * The same elements under another shape, and one element standing for many. */
#ifndef CNI_OP_RESHAPE_H
#define CNI_OP_RESHAPE_H

#include "graph/graph.h"

/** x under another shape of the same size; no memory and no time.  Batched tensors keep their batch in front
 *  (CNI_UNKNOWN as dims[0] and nowhere else). */
cni_tensor *cni_reshape(cni_graph *graph, cni_tensor *x, cni_shape shape);

#endif
