/* SPDX-License-Identifier: Apache-2.0
 * Moving averages kept in variables. */
#ifndef CNI_OP_MOVING_H
#define CNI_OP_MOVING_H

#include "graph/graph.h"

/** Appends variable = variable * momentum + value * (1 - momentum).  It happens at the end of its segment, after every
 *  op that reads the variable, and has no result. */
void cni_assign_moving(cni_graph *graph, cni_variable *variable, cni_tensor *value, double momentum);

#endif
