/* SPDX-License-Identifier: Apache-2.0
 * Element-wise functions of two tensors, with NumPy's broadcasting. */
#ifndef CNI_OP_BINARY_H
#define CNI_OP_BINARY_H

#include "graph/graph.h"
#include "kernels/elementwise/elementwise.h"

/** y = f(a, b).  Dimensions are matched from the right; a batch meets a batch, a 1, or nothing. */
cni_tensor *cni_binary(cni_graph *graph, cni_binary_function f, cni_tensor *a, cni_tensor *b);

static inline cni_tensor *cni_add(cni_graph *graph, cni_tensor *a, cni_tensor *b)
{
    return cni_binary(graph, CNI_ADD, a, b);
}

static inline cni_tensor *cni_subtract(cni_graph *graph, cni_tensor *a, cni_tensor *b)
{
    return cni_binary(graph, CNI_SUBTRACT, a, b);
}

static inline cni_tensor *cni_multiply(cni_graph *graph, cni_tensor *a, cni_tensor *b)
{
    return cni_binary(graph, CNI_MULTIPLY, a, b);
}

static inline cni_tensor *cni_divide(cni_graph *graph, cni_tensor *a, cni_tensor *b)
{
    return cni_binary(graph, CNI_DIVIDE, a, b);
}

/** max(x, 0) - alpha max(-x, 0), alpha broadcast to x: Keras' PReLU. */
static inline cni_tensor *cni_prelu(cni_graph *graph, cni_tensor *x, cni_tensor *alpha)
{
    return cni_binary(graph, CNI_PRELU, x, alpha);
}

/** The sum of x over what was repeated when a tensor of `shape` became one of x's shape: the way back of broadcasting.
 */
cni_tensor *cni_sum_to(cni_graph *graph, cni_tensor *x, const cni_shape *shape);

#endif
