/* SPDX-License-Identifier: Apache-2.0
 * A depthwise convolution, the pointwise one after it and the one before it become one op, where nobody else wants what
 * lies between. */
#include "graph/passes_fold.h"
#include "graph/ops/bottleneck.h"
#include "graph/ops/depthwise_conv2d.h"

/* Who made `tensor`, when only one op reads it. */
static cni_op *maker_of(const cni_tensor *tensor, const cni_op *reader, const int *readers)
{
    cni_op *op = tensor->producer;
    if (!op || tensor->alias_of || op->out[0] != tensor || op->outputs != 1 || readers[tensor->id] != 1) return NULL;
    return op->segment == reader->segment && !op->writes ? op : NULL;
}

cn_status cni_fold_bottlenecks(cni_graph *graph, cni_error *error)
{
    const int count = graph->op_count;
    const int *readers = cni_count_readers(graph);
    cni_op **ops = CNI_NEW_ARRAY(&graph->arena, cni_op *, (size_t)count);
    if (!readers || !ops) return cni_no_memory(error, "a plan");
    for (int i = 0; i < count; i++) graph->ops[i]->id = i;
    for (int i = 0; i < count; i++) {
        cni_op *last = ops[i] = graph->ops[i];
        cni_op *depthwise = cni_is_pointwise(last) ? maker_of(last->in[0], last, readers) : NULL;
        if (!depthwise || !cni_is_depthwise(depthwise)) continue;
        cni_op *first = maker_of(depthwise->in[0], last, readers);
        if (!first || !cni_bottleneck_pays(first, depthwise, last)) first = NULL;
        if (!cni_bottleneck_pays(first, depthwise, last)) continue;
        ops[i] = cni_bottleneck(graph, first, depthwise, last);
        ops[depthwise->id] = NULL;
        if (first) ops[first->id] = NULL;
    }
    return cni_take_ops(graph, count, ops, error);
}
