/* SPDX-License-Identifier: Apache-2.0
 * Rewriting a graph before it is planned.  A pass walks the ops once, in order; it changes what ops read and produce
 * and leaves what became useless to the removal of dead ops.  What a kind allows stands in its row, so that no pass
 * knows a kind by name. */
#include "graph/passes.h"

#include "graph/passes_fold.h"

#include <string.h>

/* Removal of dead ops */

static bool wanted(const cni_op *op, const bool *read)
{
    if (op->writes) return true;
    for (int i = 0; i < op->outputs; i++)
        if (op->out[i]->is_output || read[op->out[i]->id]) return true;
    return false;
}

static cn_status remove_dead_ops(cni_graph *graph, cni_error *error)
{
    bool *read = CNI_NEW_ARRAY(&graph->arena, bool, (size_t)graph->tensor_count);
    cni_op **living = CNI_NEW_ARRAY(&graph->arena, cni_op *, (size_t)graph->op_count);
    if (!read || !living) return cni_no_memory(error, "a plan");
    int first = graph->op_count; /* the living are gathered from the end of the list */
    for (int i = graph->op_count - 1; i >= 0; i--) {
        cni_op *op = graph->ops[i];
        if (!wanted(op, read)) continue;
        for (int k = 0; k < op->inputs; k++)
            if (op->in[k]) read[op->in[k]->id] = true;
        living[--first] = op;
    }
    graph->op_count = graph->op_capacity = graph->op_count - first;
    graph->ops = living + first;
    return CN_OK;
}

/* Transposes.  In a channels_first model each convolution stands between two of them:
 *
 *     conv -> T -> relu -> T' -> conv        T' undoes T
 *     conv -> relu -> T -> T' -> conv        element-wise ops change places with the transpose before them
 *     conv -> relu -> conv                   and the pair is gone */

/* What a tensor is the transpose of: out of `op`, which reads the tensor as it was. */
static const cni_op *transpose_of(const cni_tensor *tensor)
{
    const cni_op *op = tensor->alias_of ? NULL : tensor->producer;
    return op && op->kind->permutation_of ? op : NULL;
}

static bool same_permutation(const cni_op *a, const cni_op *b)
{
    int rank = a->out[0]->shape.rank;
    return rank == b->out[0]->shape.rank &&
           !memcmp(a->kind->permutation_of(a), b->kind->permutation_of(b), (size_t)rank * sizeof(int));
}

/* out = transpose(transpose(x, p), q) is x when p[q[i]] = i. */
static bool undoes(const cni_op *second, const cni_op *first)
{
    const int *p = first->kind->permutation_of(first), *q = second->kind->permutation_of(second);
    for (int i = 0; i < second->out[0]->shape.rank; i++)
        if (p[q[i]] != i) return false;
    return true;
}

static bool one_element(const cni_tensor *tensor)
{
    return !cni_tensor_batched(tensor) && cni_tensor_image(tensor) == 1;
}

/* The transpose that all inputs of an element-wise op come from; NULL when there is none, or when something else would
 * go on needing a transposed input, so that nothing would be saved. */
static const cni_op *common_transpose(const cni_op *op, const bool *held)
{
    const cni_op *common = NULL;
    if (!op->kind->element_wise || op->outputs != 1 || op->out[0]->alias_of || op->writes) return NULL;
    for (int i = 0; i < op->inputs; i++) {
        const cni_tensor *in = op->in[i];
        if (!in || one_element(in)) continue;
        if (!cni_shape_equal(&in->shape, &op->out[0]->shape)) return NULL;
        if (in->is_constant) continue;
        const cni_op *transpose = transpose_of(in);
        if (!transpose || held[in->id] || (common && !same_permutation(common, transpose))) return NULL;
        common = transpose;
    }
    return common;
}

/* y = f(T(x)) becomes z = f(x), y = T(z); answers the transpose. */
static cni_op *move_before(cni_graph *graph, cni_op *op, const cni_op *transpose)
{
    const int *p = transpose->kind->permutation_of(transpose);
    cni_tensor *y = op->out[0];
    cni_shape shape = y->shape;
    for (int i = 0; i < shape.rank; i++) shape.dims[p[i]] = y->shape.dims[i];
    for (int i = 0; i < op->inputs; i++) {
        cni_tensor *in = op->in[i];
        if (!in || one_element(in)) continue;
        op->in[i] = in->is_constant ? cni_graph_constant(graph, shape, in->constant) : in->producer->in[0];
    }
    cni_tensor *z = cni_graph_tensor(graph, shape);
    z->element = y->element;
    z->producer = op;
    op->out[0] = z;
    cni_op *moved = CNI_NEW(&graph->arena, cni_op);
    if (!moved) return NULL;
    *moved = *transpose;
    moved->segment = op->segment;
    moved->in = CNI_NEW(&graph->arena, cni_tensor *);
    moved->out = CNI_NEW(&graph->arena, cni_tensor *);
    if (!moved->in || !moved->out) return NULL;
    moved->in[0] = z;
    moved->out[0] = y;
    y->producer = moved;
    return moved;
}

/* Does the op turn what it makes, or would it once transposes have moved as far as they can? */
static bool turns(const cni_op *op, const bool *turned)
{
    if (op->kind->permutation_of) return true;
    bool any = false;
    for (int i = 0; i < op->inputs && op->kind->element_wise; i++) {
        if (!op->in[i] || op->in[i]->is_constant || one_element(op->in[i])) continue;
        if (!turned[op->in[i]->id]) return false;
        any = true;
    }
    return any;
}

/* Tensors that somebody reads who can neither undo a transpose nor change places with it. */
static void find_held(const cni_graph *graph, bool *held, bool *turned)
{
    for (int i = 0; i < graph->tensor_count; i++) held[i] = graph->tensors[i]->is_output;
    for (int i = 0; i < graph->op_count; i++) {
        const cni_op *op = graph->ops[i];
        const bool passes_on = turns(op, turned);
        if (op->outputs) turned[op->out[0]->id] = passes_on;
        for (int k = 0; k < op->inputs; k++)
            if (op->in[k] && !passes_on) held[op->in[k]->id] = true;
    }
}

static cn_status cancel_transposes(cni_graph *graph, cni_error *error)
{
    const int tensors = graph->tensor_count; /* those before the pass made new ones */
    bool *held = CNI_NEW_ARRAY(&graph->arena, bool, (size_t)tensors);
    bool *turned = CNI_NEW_ARRAY(&graph->arena, bool, (size_t)tensors);
    cni_tensor **now = CNI_NEW_ARRAY(&graph->arena, cni_tensor *, (size_t)tensors); /* what stands for a tensor */
    cni_op **ops = CNI_NEW_ARRAY(&graph->arena, cni_op *, 2 * (size_t)graph->op_count);
    if (!held || !turned || !now || !ops) return cni_no_memory(error, "a plan");
    find_held(graph, held, turned);
    int count = 0;
    for (int i = 0; i < graph->op_count; i++) {
        cni_op *op = graph->ops[i];
        for (int k = 0; k < op->inputs; k++)
            if (op->in[k] && op->in[k]->id < tensors && now[op->in[k]->id]) op->in[k] = now[op->in[k]->id];
        for (int k = 0; k < op->outputs; k++) {
            cni_tensor *root = op->out[k]->alias_of;
            if (root && root->id < tensors && now[root->id]) op->out[k]->alias_of = now[root->id];
        }
        ops[count++] = op;
        if (op->kind->permutation_of) {
            const cni_op *first = transpose_of(op->in[0]);
            if (first && undoes(op, first)) now[op->out[0]->id] = first->in[0];
            continue;
        }
        const cni_op *transpose = common_transpose(op, held);
        if (!transpose) continue;
        ops[count] = move_before(graph, op, transpose);
        if (!ops[count++]) return cni_no_memory(error, "a plan");
    }
    graph->ops = ops;
    graph->op_count = count;
    graph->op_capacity = 2 * count;
    return graph->error.status ? cni_fail(error, graph->error.status, "%s", graph->error.text) : CN_OK;
}

/* Fusing: conv -> relu becomes conv with relu at its end, if nobody else wants the convolution's own result. */

static bool fuse(cni_op *op, const int *readers)
{
    const cni_epilogue *function = op->kind->epilogue_of ? op->kind->epilogue_of(op) : NULL;
    cni_op *before = op->in[0] ? op->in[0]->producer : NULL;
    if (!function || !before || before->out[0] != op->in[0] || before->segment != op->segment) return false;
    if (op->in[0]->alias_of || op->out[0]->alias_of || readers[op->in[0]->id] != 1) return false;
    cni_epilogue *epilogue = cni_free_epilogue(before);
    if (!epilogue) return false;
    *epilogue = *function;
    before->out[0] = op->out[0];
    before->out[0]->producer = before;
    return true;
}

static cn_status fuse_epilogues(cni_graph *graph, cni_error *error)
{
    const int *readers = cni_count_readers(graph);
    if (!readers) return cni_no_memory(error, "a plan");
    int count = 0;
    for (int i = 0; i < graph->op_count; i++)
        if (!graph->ops[i]->inputs || !fuse(graph->ops[i], readers)) graph->ops[count++] = graph->ops[i];
    graph->op_count = count;
    return CN_OK;
}

cn_status cni_passes(cni_graph *graph, int batch, cni_error *error)
{
    CN_TRY(remove_dead_ops(graph, error));
    CN_TRY(cancel_transposes(graph, error));
    CN_TRY(remove_dead_ops(graph, error));
    CN_TRY(cni_fold_paddings(graph, error));
    CN_TRY(remove_dead_ops(graph, error));
    CN_TRY(cni_fold_affines(graph, error));
    CN_TRY(cni_fold_sums(graph, error));
    CN_TRY(fuse_epilogues(graph, error));
    CN_TRY(cni_passes_training(graph, error));
    CN_TRY(remove_dead_ops(graph, error));
    CN_TRY(cni_fold_masks(graph, error));
    CN_TRY(cni_fold_bottlenecks(graph, error));
    CN_TRY(cni_fold_pooling(graph, error));
    return cni_passes_gather(graph, batch, error);
}
