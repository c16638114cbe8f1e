/* SPDX-License-Identifier: Apache-2.0
 * Element-wise functions of one tensor. */
#ifndef CNI_OP_UNARY_H
#define CNI_OP_UNARY_H

#include "graph/graph.h"

/** y = f(x); x itself when f is linear. */
cni_tensor *cni_unary_op(cni_graph *graph, cni_tensor *x, cni_epilogue f);

/** y = scale x + offset */
cni_tensor *cni_affine(cni_graph *graph, cni_tensor *x, double scale, double offset);

/** The gradient of x -> y = f(x) for dy.  Ops with an epilogue use it: x may be NULL where
 *  cni_unary_gradient_needs(f) does not ask for it. */
cni_tensor *cni_unary_gradient(cni_graph *graph, cni_epilogue f, cni_tensor *x, cni_tensor *y, cni_tensor *dy);

/** For passes: the function whose gradient this op is (in: dy, x or NULL, y or NULL), NULL when it is another op. */
const cni_epilogue *cni_unary_gradient_of(const cni_op *op);

#endif
