/* SPDX-License-Identifier: Apache-2.0
 * Functions of a whole row: softmax and its relatives. */
#ifndef CNI_OP_SOFTMAX_H
#define CNI_OP_SOFTMAX_H

#include "graph/graph.h"

/** Over `axis` (negative: from the end), which is not the batch. */
cni_tensor *cni_softmax(cni_graph *graph, cni_tensor *x, int axis);
cni_tensor *cni_log_softmax(cni_graph *graph, cni_tensor *x, int axis);

/** Over the last axis. */
cni_tensor *cni_sparsemax(cni_graph *graph, cni_tensor *x);

/** a * sigmoid(b), where a and b are the halves of x along `axis`. */
cni_tensor *cni_glu(cni_graph *graph, cni_tensor *x, int axis);

#endif
