/* SPDX-License-Identifier: Apache-2.0
 * Regularizers: penalties on weights and outputs. */
#ifndef CNI_REGULARIZERS_H
#define CNI_REGULARIZERS_H

#include "graph/graph.h"
#include "layers/kind.h"

extern const cni_family cni_regularizers;

/** The penalty as a scalar tensor, differentiable with respect to w (a weight or a batch of outputs). */
cni_tensor *cni_lower_regularizer(cni_graph *graph, const cni_object *regularizer, cni_tensor *w);

#endif
