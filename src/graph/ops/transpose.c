/* SPDX-License-Identifier: Apache-2.0
 * Transpose: one copy of a box. */
#include "graph/ops/transpose.h"
#include "graph/ops/ranges.h"

typedef struct transpose {
    int permutation[CNI_MAX_RANK];
} transpose;

static const int *permutation_of(const cni_op *op)
{
    return ((const transpose *)op->attributes)->permutation;
}

static void run(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    const int *p = permutation_of(op), rank = op->out[0]->shape.rank;
    size_t dims[CNI_MAX_RANK];
    for (int i = 0; i < rank; i++)
        dims[i] = op->in[0]->shape.dims[i] == CNI_UNKNOWN ? (size_t)run->n : (size_t)op->in[0]->shape.dims[i];
    cni_box box = {.rank = rank};
    ptrdiff_t from[CNI_MAX_RANK], x_step = 1, y_step = 1;
    for (int i = rank - 1; i >= 0; x_step *= (ptrdiff_t)dims[i--]) from[i] = x_step;
    for (int i = rank - 1; i >= 0; y_step *= (ptrdiff_t)dims[p[i--]]) {
        box.dims[i] = dims[p[i]];
        box.from[i] = from[p[i]];
        box.to[i] = y_step;
    }
    cni_copy_box(run->kernels, run->pool, &box, step->in[0], step->out[0]);
}

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    const int *p = permutation_of(op);
    int inverse[CNI_MAX_RANK];
    for (int i = 0; i < op->out[0]->shape.rank; i++) inverse[p[i]] = i;
    din[0] = cni_transpose(graph, dout[0], inverse);
}

static const cni_op_kind kind = {
    .name = "transpose",
    .attributes_size = sizeof(transpose),
    .gradient = gradient,
    .run = run,
    .permutation_of = permutation_of,
};

static bool is_permutation(const cni_tensor *x, const int *p)
{
    unsigned seen = 0;
    for (int i = 0; i < x->shape.rank; i++)
        if (p[i] >= 0 && p[i] < x->shape.rank) seen |= 1u << p[i];
    return seen == (1u << x->shape.rank) - 1 && !(cni_tensor_batched(x) && p[0] != 0);
}

cni_tensor *cni_transpose(cni_graph *graph, cni_tensor *x, const int *permutation)
{
    if (!is_permutation(x, permutation)) {
        cni_fail(&graph->error, CN_ERR_SHAPE,
                 "transpose: the axes of shape %s must each be named once, and a batch must stay in front",
                 CNI_SHOW_SHAPE(&x->shape));
        return x;
    }
    transpose t = {{0}};
    cni_shape shape = {.rank = x->shape.rank};
    bool moves = false;
    for (int i = 0; i < shape.rank; i++) {
        t.permutation[i] = permutation[i];
        shape.dims[i] = x->shape.dims[permutation[i]];
        moves |= permutation[i] != i;
    }
    return moves ? cni_append(graph, &kind, &t, 1, &x, 1, &shape)->out[0] : x;
}

cni_tensor *cni_channels_to_last(cni_graph *graph, cni_tensor *x)
{
    int p[CNI_MAX_RANK] = {0};
    for (int i = 1; i < x->shape.rank; i++) p[i] = i + 1 < x->shape.rank ? i + 1 : 1;
    return cni_transpose(graph, x, p);
}

cni_tensor *cni_channels_to_first(cni_graph *graph, cni_tensor *x)
{
    int p[CNI_MAX_RANK] = {0};
    for (int i = 1; i < x->shape.rank; i++) p[i] = i > 1 ? i - 1 : x->shape.rank - 1;
    return cni_transpose(graph, x, p);
}
