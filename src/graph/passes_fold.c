/* SPDX-License-Identifier: Apache-2.0
 * Folding into convolutions:
 *
 *     zeros round it -> conv                     conv with padding
 *     conv -> batch normalization (inference)    conv with a scale and another bias
 *     conv -> + z                                conv with z added
 *     conv -> gradient of relu                   conv with a mask
 *
 * if nobody else wants what stands between.  What remains stands where the later of the two ops stood, so that
 * everything that it reads has been computed. */
#include "graph/passes_fold.h"

#include "kernels/elementwise/finish.h"

#include <string.h>

int *cni_count_readers(cni_graph *graph)
{
    int *readers = CNI_NEW_ARRAY(&graph->arena, int, (size_t)graph->tensor_count);
    if (!readers) return NULL;
    for (int i = 0; i < graph->tensor_count; i++) readers[i] = graph->tensors[i]->is_output;
    for (int i = 0; i < graph->op_count; i++)
        for (int k = 0; k < graph->ops[i]->inputs; k++)
            if (graph->ops[i]->in[k]) readers[graph->ops[i]->in[k]->id]++;
    return readers;
}

cni_epilogue *cni_free_epilogue(const cni_op *op)
{
    if (!op->kind->epilogue_offset) return NULL;
    cni_epilogue *epilogue = (void *)((char *)op->attributes + op->kind->epilogue_offset);
    return epilogue->function == CNI_LINEAR ? epilogue : NULL;
}

/* The op that makes `in`, if `op` alone reads it and the two may become one. */
static cni_op *maker_of(const cni_op *op, const cni_tensor *in, const int *readers)
{
    cni_op *before = in ? in->producer : NULL;
    if (!before || before->out[0] != in || in->alias_of || op->out[0]->alias_of) return NULL;
    return readers[in->id] == 1 && before->segment == op->segment && !before->writes ? before : NULL;
}

/* `before` makes what `op` made, and ends as `op` ended. */
static void take_end(cni_op *before, const cni_op *op)
{
    if (op->kind->epilogue_offset) {
        const cni_epilogue *ends = (const void *)((const char *)op->attributes + op->kind->epilogue_offset);
        *cni_free_epilogue(before) = *ends;
    }
    before->out[0] = op->out[0];
    before->out[0]->producer = before;
}

/* One walk over the ops: `fold` answers the op that took over what the present one did (and is to stand in its place),
 * or NULL.  Ops that a fold appends read nothing that an op makes, and come first. */
typedef cni_op *fold_function(cni_graph *graph, const cni_op *op, const int *readers);

cn_status cni_take_ops(cni_graph *graph, int count, cni_op **ops, cni_error *error)
{
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (ops[i]) ops[kept++] = ops[i];
    graph->ops = ops;
    graph->op_capacity = count;
    graph->op_count = kept;
    return graph->error.status ? cni_fail(error, graph->error.status, "%s", graph->error.text) : CN_OK;
}

static cn_status walk(cni_graph *graph, fold_function *fold, cni_error *error)
{
    const int count = graph->op_count;
    const int *readers = cni_count_readers(graph);
    cni_op **now = CNI_NEW_ARRAY(&graph->arena, cni_op *, (size_t)count); /* what stands in a place */
    int *place = CNI_NEW_ARRAY(&graph->arena, int, (size_t)count);        /* where an op stands, by its number */
    if (!readers || !now || !place) return cni_no_memory(error, "a plan");
    for (int i = 0; i < count; i++) {
        now[i] = graph->ops[i];
        now[i]->id = place[i] = i;
    }
    for (int i = 0; i < count; i++) {
        if (!now[i]->inputs || !now[i]->outputs) continue;
        graph->segment = now[i]->segment; /* of what a fold appends */
        cni_op *taker = fold(graph, now[i], readers);
        if (!taker) continue;
        now[place[taker->id]] = NULL;
        now[i] = taker;
        place[taker->id] = i;
    }
    cni_op **ops = CNI_NEW_ARRAY(&graph->arena, cni_op *, (size_t)graph->op_count);
    if (!ops) return cni_no_memory(error, "a plan");
    const int added = graph->op_count - count;
    memcpy(ops, graph->ops + count, (size_t)added * sizeof *ops);
    memcpy(ops + added, now, (size_t)count * sizeof *ops);
    return cni_take_ops(graph, graph->op_count, ops, error);
}

/* Paddings */

static bool never_negative(const cni_tensor *tensor)
{
    const cni_op *op = tensor->producer;
    if (!op || tensor->alias_of || tensor != op->out[0]) return false;
    const cni_epilogue *f = op->kind->epilogue_of ? op->kind->epilogue_of(op) : NULL;
    if (!f && op->kind->epilogue_offset) f = (const void *)((const char *)op->attributes + op->kind->epilogue_offset);
    cni_finish finish;
    return f && cni_finish_clamp(&finish, f) && finish.clamps && finish.slope == 0;
}

cn_status cni_fold_paddings(cni_graph *graph, cni_error *error)
{
    const int *readers = cni_count_readers(graph);
    if (!readers) return cni_no_memory(error, "a plan");
    for (int i = 0; i < graph->op_count; i++) {
        cni_op *op = graph->ops[i];
        const cni_op *before = op->kind->take_padding ? maker_of(op, op->in[0], readers) : NULL;
        const cni_padding *padding = before && before->kind->padding_of ? before->kind->padding_of(before) : NULL;
        if (padding && op->kind->take_padding(op, padding, never_negative(before->in[0]))) op->in[0] = before->in[0];
    }
    return CN_OK;
}

/* Batch normalization */

static bool nobody_computes(const cni_tensor *tensor)
{
    return !tensor || (!tensor->producer && !tensor->is_input);
}

static cni_op *fold_affine(cni_graph *graph, const cni_op *op, const int *readers)
{
    cni_op *before = op->kind->affine_of ? maker_of(op, op->in[0], readers) : NULL;
    if (!before || !before->kind->takes.scale || !cni_free_epilogue(before)) return NULL;
    const cni_finish_inputs *at = &before->kind->takes;
    cni_tensor **in = before->in, *affine[2];
    if (in[at->scale] || (at->add && in[at->add]) || (at->mask && in[at->mask]) || !nobody_computes(in[at->bias]))
        return NULL;
    for (int i = 1; i < op->inputs; i++)
        if (!nobody_computes(op->in[i])) return NULL;
    op->kind->affine_of(graph, op, in[at->bias], affine);
    in[at->scale] = affine[0];
    in[at->bias] = affine[1];
    take_end(before, op);
    return before;
}

cn_status cni_fold_affines(cni_graph *graph, cni_error *error)
{
    return walk(graph, fold_affine, error);
}

/* Sums */

/* Nothing between the two reads what else `before` makes (what writes a variable runs last anyway). */
static bool can_wait(const cni_graph *graph, const cni_op *before, const cni_op *until)
{
    for (int i = before->id + 1; before->outputs > 1 && i < until->id; i++)
        for (int k = 0; k < graph->ops[i]->inputs && !graph->ops[i]->writes; k++)
            if (graph->ops[i]->in[k] && graph->ops[i]->in[k]->producer == before) return false;
    return true;
}

static cni_op *adder(const cni_graph *graph, const cni_op *sum, int which, const int *readers)
{
    const cni_tensor *other = sum->in[1 - which];
    cni_op *before = maker_of(sum, sum->in[which], readers);
    if (!before || !can_wait(graph, before, sum) || !before->kind->takes.add || !cni_free_epilogue(before) ||
        before->in[before->kind->takes.add] || (before->kind->takes.mask && before->in[before->kind->takes.mask]))
        return NULL;
    return other && other->element == CNI_REAL_ELEMENT && cni_shape_equal(&other->shape, &sum->out[0]->shape) &&
                   cni_shape_equal(&sum->in[which]->shape, &sum->out[0]->shape)
               ? before
               : NULL;
}

static cni_op *fold_sum(cni_graph *graph, const cni_op *op, const int *readers)
{
    if (!op->kind->is_sum || !op->kind->is_sum(op) || op->inputs != 2) return NULL;
    cni_op *first = adder(graph, op, 0, readers), *second = adder(graph, op, 1, readers);
    cni_op *before = first && second ? (first->id > second->id ? first : second) : first ? first : second;
    if (!before) return NULL;
    before->in[before->kind->takes.add] = before == first ? op->in[1] : op->in[0];
    take_end(before, op);
    return before;
}

cn_status cni_fold_sums(cni_graph *graph, cni_error *error)
{
    return walk(graph, fold_sum, error);
}

/* Masks */

static cni_op *fold_mask(cni_graph *graph, const cni_op *op, const int *readers)
{
    (void)graph;
    cni_tensor *mask = op->kind->mask_of ? op->kind->mask_of(op) : NULL;
    cni_op *before = mask ? maker_of(op, op->in[0], readers) : NULL;
    if (!before || !before->kind->takes.mask || !cni_free_epilogue(before) || before->in[before->kind->takes.mask] ||
        !cni_shape_equal(&mask->shape, &op->out[0]->shape))
        return NULL;
    before->in[before->kind->takes.mask] = mask;
    take_end(before, op);
    return before;
}

cn_status cni_fold_masks(cni_graph *graph, cni_error *error)
{
    return walk(graph, fold_mask, error);
}
