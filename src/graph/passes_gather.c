/* SPDX-License-Identifier: Apache-2.0
 * The moments of a batch normalization are taken where x is written:
 *
 *     conv -> x                                conv -> x, with its follower: moments of x, slice by slice
 *     x -> moments -> normalized x             x, moments -> normalized x
 *
 * Other readers of x do not matter: nothing of it is changed. */
#include "graph/ops/batch_norm.h"
#include "graph/passes.h"
#include "graph/passes_fold.h"

/* Who writes what `op` reads first, and can gather. */
static cni_op *host_of(const cni_op *op)
{
    const cni_tensor *x = op->inputs ? op->in[0] : NULL;
    cni_op *host = x && !x->alias_of ? x->producer : NULL;
    if (!host || !host->kind->gathers || host->follower || host->out[0] != x) return NULL;
    return host->segment == op->segment && !host->writes ? host : NULL;
}

cn_status cni_passes_gather(cni_graph *graph, int batch, cni_error *error)
{
    const int count = graph->op_count;
    cni_op **ops = CNI_NEW_ARRAY(&graph->arena, cni_op *, 2 * (size_t)count);
    if (!ops) return cni_no_memory(error, "a plan");
    for (int i = 0; i < count; i++) {
        cni_op *op = graph->ops[i], *host = host_of(op);
        if (host) host->follower = cni_batch_norm_moments(graph, op, batch);
    }
    for (int i = 0; i < count; i++) {
        ops[2 * i] = graph->ops[i];
        ops[2 * i + 1] = graph->ops[i]->follower;
    }
    return cni_take_ops(graph, 2 * count, ops, error);
}
