/* SPDX-License-Identifier: Apache-2.0
 * The gradient of dense layers by their weights, alone or together with the step that it is made for. */
#ifndef CNI_DENSE_WEIGHTS_H
#define CNI_DENSE_WEIGHTS_H

#include "graph/ops/update.h"

/** dw [in, out] = x [..., in]' dy [..., out]; and the sums of dy, where they are asked for. */
cni_tensor *cni_dense_weights(cni_graph *graph, cni_tensor *x, cni_tensor *dy, cni_tensor **bias_gradient);

/** The step of an optimizer whose gradient comes from cni_dense_weights and is read by nobody else: an op that makes
 *  the gradient block by block, each in cache, and uses it at once, so that it never goes through memory.  The same
 *  bits as with two ops (but where these would have summed the rows in slices).  False when the gradient is not of this
 *  kind, or too small to gain by it; then nothing has happened. */
bool cni_dense_update(cni_graph *graph, const cni_update_attributes *attributes, const cni_update_inputs *inputs);

#endif
