/* SPDX-License-Identifier: Apache-2.0
 * Passes that save passes: what goes over whole tensors for one operation per element joins an op that goes over them
 * anyway.  In training that is half the traffic of a network with batch normalization. */
#include "graph/ops/batch_norm.h"
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

cn_status cni_passes_training(cni_graph *graph, cni_error *error)
{
    int *readers = cni_count_readers(graph);
    if (!readers) return cni_no_memory(error, "a plan");
    for (int i = 0; i < graph->op_count; i++) gate_normalization(graph->ops[i], readers);
    return CN_OK;
}
