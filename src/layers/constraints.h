/* SPDX-License-Identifier: Apache-2.0
 * Constraints: what a weight becomes after each update. */
#ifndef CNI_CONSTRAINTS_H
#define CNI_CONSTRAINTS_H

#include "graph/graph.h"
#include "layers/kind.h"

extern const cni_family cni_constraints;

/** The constrained value of w as a new tensor.  `epsilon` is the context's. */
cni_tensor *cni_lower_constraint(cni_graph *graph, const cni_object *constraint, cni_tensor *w, double epsilon);

#endif
