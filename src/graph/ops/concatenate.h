/* SPDX-License-Identifier: Apache-2.0
 * Concatenate: tensors laid one behind the other. */
#ifndef CNI_OP_CONCATENATE_H
#define CNI_OP_CONCATENATE_H

#include "graph/graph.h"

/** 1 to CNI_MAX_INPUTS tensors that differ in nothing but `axis`, which is not the batch (negative: from the end). */
cni_tensor *cni_concatenate(cni_graph *graph, cni_tensor *const *x, int count, int axis);

#endif
