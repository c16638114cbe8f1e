/* SPDX-License-Identifier: Apache-2.0
 * Reverse-mode differentiation: a walk over the ops from the last to the first, in which each op that a gradient
 * reaches appends the ops that hand it on. */
#include "graph/graph.h"
#include "graph/ops/binary.h"

typedef struct walk {
    cni_graph *graph;
    cni_tensor **gradients; /* by id of the tensors that existed before the walk; NULL: none has arrived */
    int tensors;
} walk;

/* What several readers of a tensor send back is summed, in the order in which it arrives. */
static void arrive(walk *w, const cni_op *op, const cni_tensor *tensor, cni_tensor *gradient)
{
    if (!cni_shape_equal(&tensor->shape, &gradient->shape)) {
        cni_fail(&w->graph->error, CN_ERR_SHAPE, "the gradient of %s has shape %s where its input has %s",
                 op->kind->name, CNI_SHOW_SHAPE(&gradient->shape), CNI_SHOW_SHAPE(&tensor->shape));
        return;
    }
    cni_tensor **sum = &w->gradients[tensor->id];
    *sum = *sum ? cni_add(w->graph, *sum, gradient) : gradient;
}

static void pass_through(walk *w, const cni_op *op)
{
    cni_tensor *dout[CNI_MAX_OUTPUTS] = {NULL}, *din[CNI_MAX_INPUTS] = {NULL};
    bool reached = false, asked = false;
    for (int i = 0; i < op->outputs; i++) {
        dout[i] = w->gradients[op->out[i]->id];
        reached |= dout[i] != NULL;
    }
    for (int i = 0; i < op->inputs; i++) asked |= op->in[i] && op->in[i]->differentiable;
    if (!reached || !asked) return;
    if (!op->kind->gradient) {
        cni_fail(&w->graph->error, CN_ERR_UNSUPPORTED, "the loss depends on a weight through %s, which has no gradient",
                 op->kind->name);
        return;
    }
    op->kind->gradient(w->graph, op, dout, din);
    for (int i = 0; i < op->inputs && !w->graph->error.status; i++)
        if (din[i] && op->in[i] && op->in[i]->differentiable) arrive(w, op, op->in[i], din[i]);
}

void cni_differentiate(cni_graph *graph, cni_tensor *loss, cni_tensor *const *wanted, int count, cni_tensor **gradients)
{
    for (int i = 0; i < count; i++) gradients[i] = NULL;
    if (graph->error.status) return;
    if (loss->shape.rank) {
        cni_fail(&graph->error, CN_ERR_SHAPE, "a loss of shape %s cannot be differentiated: it must be a scalar",
                 CNI_SHOW_SHAPE(&loss->shape));
        return;
    }
    walk w = {.graph = graph, .tensors = graph->tensor_count};
    w.gradients = CNI_NEW_ARRAY(&graph->arena, cni_tensor *, (size_t)w.tensors);
    if (!w.gradients) {
        cni_no_memory(&graph->error, "gradients");
        return;
    }
    if (loss->differentiable) w.gradients[loss->id] = cni_graph_constant(graph, loss->shape, 1);
    for (int i = graph->op_count - 1; i >= 0 && !graph->error.status; i--) pass_through(&w, graph->ops[i]);
    for (int i = 0; i < count; i++) gradients[i] = w.gradients[wanted[i]->id];
}
