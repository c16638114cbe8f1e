/* SPDX-License-Identifier: Apache-2.0
 * Passes that save passes: what goes over whole tensors for one operation per element joins an op that goes over them
 * anyway.  In training that is half the traffic of a network with batch normalization. */
#include "graph/ops/batch_norm.h"
#include "graph/ops/pooling.h"
#include "graph/ops/unary.h"
#include "graph/passes.h"
#include "graph/passes_fold.h"

/* dx = normalization's gradient(relu's gradient(dy)): what relu let through is known from x. */
static bool gate_normalization(cni_op *op, int *readers)
{
    const cni_op *before = op->inputs && op->in[0] && !op->in[0]->alias_of ? op->in[0]->producer : NULL;
    if (!before || readers[op->in[0]->id] != 1 || before->segment != op->segment) return false;
    const cni_epilogue *f = cni_unary_gradient_of(before);
    if (!f || !cni_batch_norm_take_gate(op, f, before->in[2])) return false;
    readers[op->in[0]->id]--;
    readers[before->in[0]->id]++;
    op->in[0] = before->in[0];
    return true;
}

/* The gradient of a relu before a normalization: x is what it let through, and read anyway. */
static bool relu_before_normalization(cni_graph *graph, int at, const int *readers)
{
    const cni_op *op = graph->ops[at];
    const cni_tensor *mask = op->inputs && op->kind->mask_of ? op->kind->mask_of(op) : NULL;
    cni_op *before = mask && !op->in[0]->alias_of ? op->in[0]->producer : NULL;
    if (!before || before->out[0] != op->in[0] || readers[op->in[0]->id] != 1 || op->out[0]->alias_of) return false;
    if (before->segment != op->segment || !cni_batch_norm_take_relu(before, mask)) return false;
    before->out[0] = op->out[0];
    before->out[0]->producer = before;
    graph->ops[at] = NULL;
    return true;
}

static void close_gaps(cni_graph *graph)
{
    int count = 0;
    for (int i = 0; i < graph->op_count; i++)
        if (graph->ops[i]) graph->ops[count++] = graph->ops[i];
    graph->op_count = count;
}

/* max pooling's gradient, then that of the function y = f(x) before it:
 *
 *     dp -> to the cells that were the maxima -> times f'(y)         of the image's size
 *     dp -> times f'(maximum) -> to the cells that were the maxima   of the maxima's size
 *
 * Each dp goes to a cell whose y is the maximum.  Then nobody needs y any more: it is not kept for the way back. */
static bool slope_before_pooling(cni_graph *graph, int at, int *readers)
{
    cni_op *slope = graph->ops[at], *pooling = NULL;
    const cni_epilogue *f = cni_unary_gradient_of(slope);
    cni_tensor *y = f ? slope->in[2] : NULL, *dy = slope->inputs ? slope->in[0] : NULL;
    if (!y || slope->in[1] || dy->alias_of || readers[dy->id] != 1 || slope->out[0]->alias_of) return false;
    int from = at;
    while (--from >= 0 && graph->ops[from] != dy->producer) {}
    if (from >= 0) pooling = graph->ops[from];
    cni_tensor *maxima = pooling ? cni_maxima_behind(pooling) : NULL;
    if (!maxima || maxima->producer->in[0] != y || pooling->segment != slope->segment) return false;
    cni_tensor *between = cni_graph_tensor(graph, maxima->shape);
    pooling->out[0] = slope->out[0];
    pooling->out[0]->producer = pooling;
    slope->in[0] = pooling->in[0];
    slope->in[2] = maxima;
    pooling->in[0] = slope->out[0] = between;
    between->producer = slope;
    graph->ops[from] = slope;
    graph->ops[at] = pooling;
    return true;
}

cn_status cni_passes_training(cni_graph *graph, cni_error *error)
{
    int *readers = cni_count_readers(graph);
    if (!readers) return cni_no_memory(error, "a plan");
    for (int i = 0; i < graph->op_count; i++) gate_normalization(graph->ops[i], readers);
    for (int i = 0; i < graph->op_count; i++) relu_before_normalization(graph, i, readers);
    close_gaps(graph);
    for (int i = 0; i < graph->op_count; i++) slope_before_pooling(graph, i, readers);
    return graph->error.status ? cni_fail(error, graph->error.status, "%s", graph->error.text) : CN_OK;
}
