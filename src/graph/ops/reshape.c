/* SPDX-License-Identifier: Apache-2.0
 * Reshape: an op that does nothing, its output is an alias of its input. */
#include "graph/ops/reshape.h"

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    din[0] = cni_reshape(graph, dout[0], op->in[0]->shape);
}

static const cni_op_kind kind = {.name = "reshape", .gradient = gradient};

cni_tensor *cni_reshape(cni_graph *graph, cni_tensor *x, cni_shape shape)
{
    if (cni_shape_equal(&x->shape, &shape)) return x;
    const bool batched = shape.rank > 0 && shape.dims[0] == CNI_UNKNOWN;
    if (batched != cni_tensor_batched(x) || cni_shape_count(&shape, batched) != (int64_t)cni_tensor_image(x)) {
        cni_fail(&graph->error, CN_ERR_SHAPE, "reshape: the size must stay the same; %s cannot become %s",
                 CNI_SHOW_SHAPE(&x->shape), CNI_SHOW_SHAPE(&shape));
        return x;
    }
    cni_tensor *y = cni_append(graph, &kind, NULL, 1, &x, 1, &shape)->out[0];
    y->element = x->element;
    y->alias_of = x;
    return y;
}
