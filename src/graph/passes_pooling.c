/* SPDX-License-Identifier: Apache-2.0
 * A convolution and the maxima of its results become one op, where nobody else wants the results. */
#include "graph/passes_fold.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/pooling.h"

cn_status cni_fold_pooling(cni_graph *graph, cni_error *error)
{
    const int count = graph->op_count;
    const int *readers = cni_count_readers(graph);
    cni_op **ops = CNI_NEW_ARRAY(&graph->arena, cni_op *, (size_t)count);
    if (!readers || !ops) return cni_no_memory(error, "a plan");
    for (int i = 0; i < count; i++) graph->ops[i]->id = i;
    for (int i = 0; i < count; i++) {
        const cni_op *pool = ops[i] = graph->ops[i];
        if (!cni_halves(pool)) continue;
        const cni_tensor *results = pool->in[0];
        const cni_op *conv = results->alias_of ? NULL : results->producer;
        if (!conv || readers[results->id] != 1 || conv->segment != pool->segment || !cni_conv2d_can_pool(conv))
            continue;
        ops[i] = cni_conv2d_pooled(graph, conv, pool);
        ops[conv->id] = NULL;
    }
    return cni_take_ops(graph, count, ops, error);
}
