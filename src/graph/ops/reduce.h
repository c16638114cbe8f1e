/* SPDX-License-Identifier: Apache-2.0
 * Sums, means, maxima and minima over axes, and broadcasting, their way back. */
#ifndef CNI_OP_REDUCE_H
#define CNI_OP_REDUCE_H

#include "graph/graph.h"
#include "kernels/elementwise/elementwise.h"

enum { CNI_ALL_AXES = (1 << CNI_MAX_RANK) - 1 };

/** y = f of x over the axes whose bit is set in `axes` (bit i = axis i).  keepdims leaves dimensions of size 1.  Over
 *  the batch: the result is not batched, and a mean divides by the images of the run. */
cni_tensor *cni_reduce(cni_graph *graph, cni_reduction f, cni_tensor *x, unsigned axes, bool keepdims);

/** x repeated up to `shape`, NumPy's way. */
cni_tensor *cni_broadcast(cni_graph *graph, cni_tensor *x, cni_shape shape);

#endif
