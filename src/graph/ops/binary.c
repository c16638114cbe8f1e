/* SPDX-License-Identifier: Apache-2.0
 * Element-wise functions of two tensors. */
#include "graph/ops/binary.h"
#include "graph/ops/pairs.h"
#include "graph/ops/reduce.h"
#include "graph/ops/reshape.h"
#include "graph/ops/unary.h"

#include <stddef.h>

typedef struct binary {
    cni_binary_function f;
    cni_epilogue epilogue;
} binary;

static const char *const names[CNI_BINARY_COUNT] = {
    [CNI_ADD] = "add",
    [CNI_SUBTRACT] = "subtract",
    [CNI_MULTIPLY] = "multiply",
    [CNI_DIVIDE] = "divide",
    [CNI_MAXIMUM] = "maximum",
    [CNI_MINIMUM] = "minimum",
    [CNI_PRELU] = "prelu",
    [CNI_PRELU_SLOPE] = "prelu slope",
    [CNI_GREATER_SHARE] = "greater share",
    [CNI_LESS_SHARE] = "less share",
    [CNI_EQUAL] = "equal",
};

static void run(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    const binary *b = op->attributes;
    const cni_pair pair = cni_pair_of(&op->out[0]->shape, &op->in[0]->shape, &op->in[1]->shape, run->n);
    cni_pair_run(run->kernels, run->pool, &pair, b->f, &b->epilogue, step->in[0], step->in[1], step->out[0]);
}

/* Gradients: what arrives at an operand, in the shape of the result. */

static cni_tensor *same(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    (void)graph, (void)op;
    return dy;
}

static cni_tensor *negative(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    (void)op;
    return cni_affine(graph, dy, -1, 0);
}

static cni_tensor *times_a(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return cni_multiply(graph, dy, op->in[0]);
}

static cni_tensor *times_b(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return cni_multiply(graph, dy, op->in[1]);
}

static cni_tensor *over_b(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return cni_divide(graph, dy, op->in[1]);
}

/* d(a / b) / db = -y / b */
static cni_tensor *quotient_by_b(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return cni_affine(graph, cni_divide(graph, cni_multiply(graph, dy, op->out[0]), op->in[1]), -1, 0);
}

static cni_tensor *share(cni_graph *graph, cni_binary_function f, cni_tensor *a, cni_tensor *b, cni_tensor *dy)
{
    return cni_multiply(graph, dy, cni_binary(graph, f, a, b));
}

static cni_tensor *greater_a(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return share(graph, CNI_GREATER_SHARE, op->in[0], op->in[1], dy);
}

static cni_tensor *greater_b(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return share(graph, CNI_GREATER_SHARE, op->in[1], op->in[0], dy);
}

static cni_tensor *less_a(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return share(graph, CNI_LESS_SHARE, op->in[0], op->in[1], dy);
}

static cni_tensor *less_b(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return share(graph, CNI_LESS_SHARE, op->in[1], op->in[0], dy);
}

static cni_tensor *prelu_x(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return share(graph, CNI_PRELU_SLOPE, op->in[0], op->in[1], dy);
}

static cni_tensor *prelu_alpha(cni_graph *graph, const cni_op *op, cni_tensor *dy)
{
    return share(graph, CNI_MINIMUM, op->in[0], cni_graph_constant(graph, (cni_shape){.rank = 0}, 0), dy);
}

/* No entry: flat wherever it has a slope at all. */
static cni_tensor *(*const partials[CNI_BINARY_COUNT][2])(cni_graph *, const cni_op *, cni_tensor *) = {
    [CNI_ADD] = {same, same},
    [CNI_SUBTRACT] = {same, negative},
    [CNI_MULTIPLY] = {times_b, times_a},
    [CNI_DIVIDE] = {over_b, quotient_by_b},
    [CNI_MAXIMUM] = {greater_a, greater_b},
    [CNI_MINIMUM] = {less_a, less_b},
    [CNI_PRELU] = {prelu_x, prelu_alpha},
};

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    const binary *b = op->attributes;
    for (int i = 0; i < 2; i++)
        if (op->in[i]->differentiable && partials[b->f][i])
            din[i] = cni_sum_to(graph, partials[b->f][i](graph, op, dout[0]), &op->in[i]->shape);
}

static bool is_sum(const cni_op *op)
{
    return ((const binary *)op->attributes)->f == CNI_ADD;
}

static const cni_op_kind kind = {
    .name = "binary",
    .attributes_size = sizeof(binary),
    .gradient = gradient,
    .run = run,
    .in_place = true,
    .epilogue_offset = offsetof(binary, epilogue),
    .element_wise = true,
    .is_sum = is_sum,
};

cni_tensor *cni_binary(cni_graph *graph, cni_binary_function f, cni_tensor *a, cni_tensor *b)
{
    cni_shape shape;
    if (!cni_pair_shape(&a->shape, &b->shape, &shape)) {
        cni_fail(&graph->error, CN_ERR_SHAPE,
                 "%s: shapes %s and %s do not fit together; from the right, dimensions must be equal or 1", names[f],
                 CNI_SHOW_SHAPE(&a->shape), CNI_SHOW_SHAPE(&b->shape));
        return a;
    }
    return cni_append(graph, &kind, &(binary){.f = f}, 2, (cni_tensor *[]){a, b}, 1, &shape)->out[0];
}

cni_tensor *cni_sum_to(cni_graph *graph, cni_tensor *x, const cni_shape *shape)
{
    const int added = x->shape.rank - shape->rank;
    unsigned axes = 0;
    for (int i = 0; i < x->shape.rank; i++) {
        const int64_t dim = i < added ? 1 : shape->dims[i - added];
        if (dim == 1 && x->shape.dims[i] != 1) axes |= 1u << i;
    }
    if (axes) x = cni_reduce(graph, CNI_SUM, x, axes, true);
    return cni_reshape(graph, x, *shape);
}
