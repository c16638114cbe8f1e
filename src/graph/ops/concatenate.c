/* SPDX-License-Identifier: Apache-2.0
 * Concatenate: each input is a box of the output. */
#include "graph/ops/concatenate.h"
#include "graph/ops/pad.h"
#include "graph/ops/ranges.h"

typedef struct concatenate {
    int axis;
} concatenate;

/* [outer, own size along the axis * inner] goes into [outer, whole size * inner] at an offset. */
static void run(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    const int axis = ((const concatenate *)op->attributes)->axis;
    const cni_shape *shape = &op->out[0]->shape;
    const size_t width = (size_t)cni_shape_count(shape, axis), outer = cni_tensor_count(op->out[0], run->n) / width;
    char *y = step->out[0];
    for (int i = 0; i < op->inputs; i++) {
        const size_t own = (size_t)cni_shape_count(&op->in[i]->shape, axis);
        const cni_box box = {2, {outer, own}, {(ptrdiff_t)own, 1}, {(ptrdiff_t)width, 1}};
        cni_copy_box(run->kernels, run->pool, &box, step->in[i], y);
        y += own * run->kernels->real_size;
    }
}

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    const int axis = ((const concatenate *)op->attributes)->axis;
    int64_t begin = 0;
    for (int i = 0; i < op->inputs; begin += op->in[i++]->shape.dims[axis])
        if (op->in[i]->differentiable) din[i] = cni_slice(graph, dout[0], axis, begin, op->in[i]->shape.dims[axis]);
}

static const cni_op_kind kind = {
    .name = "concatenate",
    .attributes_size = sizeof(concatenate),
    .gradient = gradient,
    .run = run,
};

static bool differ_elsewhere(const cni_shape *a, const cni_shape *b, int axis)
{
    for (int i = 0; i < a->rank; i++)
        if (a->rank == b->rank && i != axis && a->dims[i] != b->dims[i]) return true;
    return a->rank != b->rank;
}

cni_tensor *cni_concatenate(cni_graph *graph, cni_tensor *const *x, int count, int axis)
{
    cni_shape shape = x[0]->shape;
    const int at = axis < 0 ? axis + shape.rank : axis;
    if (count > CNI_MAX_INPUTS || at < 0 || at >= shape.rank || shape.dims[at] == CNI_UNKNOWN) {
        cni_fail(&graph->error, CN_ERR_SHAPE,
                 "concatenate: %d tensors of shape %s along axis %d; at most %d are possible, along an axis behind the "
                 "batch",
                 count, CNI_SHOW_SHAPE(&shape), axis, CNI_MAX_INPUTS);
        return x[0];
    }
    for (int i = 1; i < count; i++) {
        if (differ_elsewhere(&shape, &x[i]->shape, at)) {
            cni_fail(&graph->error, CN_ERR_SHAPE, "concatenate: shapes %s and %s must agree in all but axis %d",
                     CNI_SHOW_SHAPE(&x[0]->shape), CNI_SHOW_SHAPE(&x[i]->shape), axis);
            return x[0];
        }
        shape.dims[at] += x[i]->shape.dims[at];
    }
    return count == 1 ? x[0] : cni_append(graph, &kind, &(concatenate){at}, count, x, 1, &shape)->out[0];
}
