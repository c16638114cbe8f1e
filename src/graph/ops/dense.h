/* SPDX-License-Identifier: Apache-2.0
 * Dense layers' product, and sums over rows. */
#ifndef CNI_DENSE_H
#define CNI_DENSE_H

#include "graph/graph.h"

/** y [..., out] = epilogue(x [..., in] * w [in, out] + bias [out]); bias and epilogue may be NULL.  x has rank 2 at
 *  least; everything before the last dimension counts as rows. */
cni_tensor *cni_dense(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias, const cni_epilogue *epilogue);

/** sum [c] = the sums of x [..., c] over everything before the last dimension. */
cni_tensor *cni_column_sums(cni_graph *graph, cni_tensor *x);

#endif
