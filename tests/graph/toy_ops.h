/* SPDX-License-Identifier: Apache-2.0
 * Kinds of ops for tests of graphs and plans: plain loops over float or double, one of each sort that a plan treats
 * in its own way. */
#ifndef TOY_OPS_H
#define TOY_OPS_H

#include "graph/graph.h"
#include "graph/plan.h"
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

static inline double toy_get(const cni_run *run, const void *data, size_t i)
{
    return run->kernels->real_size == sizeof(float) ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static inline void toy_set(const cni_run *run, void *data, size_t i, double value)
{
    if (run->kernels->real_size == sizeof(float))
        ((float *)data)[i] = (float)value;
    else
        ((double *)data)[i] = value;
}

static inline size_t toy_count(const cni_step *step, const cni_run *run)
{
    return cni_tensor_count(step->op->out[0], run->n);
}

static inline double toy_function(const cni_epilogue *f, double x)
{
    switch (f->function) {
    case CNI_RELU:
        return x > 0 ? x : 0;
    case CNI_SQUARE:
        return x * x;
    default:
        return x;
    }
}

static inline cni_tensor *toy_append(cni_graph *graph, const cni_op_kind *kind, const void *attributes, cni_tensor *a,
                                     cni_tensor *b, cni_shape shape)
{
    return cni_append(graph, kind, attributes, b ? 2 : 1, (cni_tensor *[]){a, b}, 1, &shape)->out[0];
}

/* a + b, a * b: element-wise, in place */

static void toy_run_add(cni_step *step, const cni_run *run)
{
    for (size_t i = 0, n = toy_count(step, run); i < n; i++)
        toy_set(run, step->out[0], i, toy_get(run, step->in[0], i) + toy_get(run, step->in[1], i));
}

static void toy_add_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    (void)graph, (void)op;
    din[0] = din[1] = dout[0];
}

static const cni_op_kind toy_add_kind = {
    .name = "toy_add", .gradient = toy_add_gradient, .run = toy_run_add, .in_place = true, .element_wise = true};

static inline cni_tensor *toy_add(cni_graph *graph, cni_tensor *a, cni_tensor *b)
{
    return toy_append(graph, &toy_add_kind, NULL, a, b, a->shape);
}

static void toy_run_multiply(cni_step *step, const cni_run *run)
{
    for (size_t i = 0, n = toy_count(step, run); i < n; i++)
        toy_set(run, step->out[0], i, toy_get(run, step->in[0], i) * toy_get(run, step->in[1], i));
}

static void toy_multiply_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    for (int i = 0; i < 2; i++) din[i] = toy_append(graph, op->kind, NULL, dout[0], op->in[1 - i], op->in[i]->shape);
}

static const cni_op_kind toy_multiply_kind = {.name = "toy_multiply",
                                              .gradient = toy_multiply_gradient,
                                              .run = toy_run_multiply,
                                              .in_place = true,
                                              .element_wise = true};

static inline cni_tensor *toy_multiply(cni_graph *graph, cni_tensor *a, cni_tensor *b)
{
    return toy_append(graph, &toy_multiply_kind, NULL, a, b, a->shape);
}

/* a x, with a function at its end: may take in an epilogue */

typedef struct toy_linear_attributes {
    double factor;
    cni_epilogue epilogue;
} toy_linear_attributes;

static void toy_run_linear(cni_step *step, const cni_run *run)
{
    const toy_linear_attributes *a = step->op->attributes;
    for (size_t i = 0, n = toy_count(step, run); i < n; i++)
        toy_set(run, step->out[0], i, toy_function(&a->epilogue, a->factor * toy_get(run, step->in[0], i)));
}

static void toy_linear_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    din[0] = toy_append(graph, op->kind, op->attributes, dout[0], NULL, op->in[0]->shape);
}

static const cni_op_kind toy_linear_kind = {.name = "toy_linear",
                                            .attributes_size = sizeof(toy_linear_attributes),
                                            .gradient = toy_linear_gradient,
                                            .run = toy_run_linear,
                                            .epilogue_offset = offsetof(toy_linear_attributes, epilogue)};

static inline cni_tensor *toy_linear(cni_graph *graph, cni_tensor *x, double factor)
{
    return toy_append(graph, &toy_linear_kind, &(toy_linear_attributes){.factor = factor}, x, NULL, x->shape);
}

/* f(x): may become an epilogue */

static void toy_run_unary(cni_step *step, const cni_run *run)
{
    for (size_t i = 0, n = toy_count(step, run); i < n; i++)
        toy_set(run, step->out[0], i, toy_function(step->op->attributes, toy_get(run, step->in[0], i)));
}

static const cni_epilogue *toy_epilogue_of(const cni_op *op)
{
    return op->attributes;
}

static const cni_op_kind toy_unary_kind = {.name = "toy_unary",
                                           .attributes_size = sizeof(cni_epilogue),
                                           .run = toy_run_unary,
                                           .in_place = true,
                                           .epilogue_of = toy_epilogue_of,
                                           .element_wise = true};

static inline cni_tensor *toy_unary(cni_graph *graph, cni_tensor *x, cni_unary function)
{
    return toy_append(graph, &toy_unary_kind, &(cni_epilogue){.function = function}, x, NULL, x->shape);
}

/* Reshape: an alias that nobody runs */

static void toy_reshape_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din);

static const cni_op_kind toy_reshape_kind = {.name = "toy_reshape", .gradient = toy_reshape_gradient};

static inline cni_tensor *toy_reshape(cni_graph *graph, cni_tensor *x, cni_shape shape)
{
    cni_tensor *y = toy_append(graph, &toy_reshape_kind, NULL, x, NULL, shape);
    y->alias_of = x;
    return y;
}

static void toy_reshape_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    din[0] = toy_reshape(graph, dout[0], op->in[0]->shape);
}

/* Transpose of what has rank 3: attributes are the permutation */

typedef struct toy_transpose_attributes {
    int p[3];
} toy_transpose_attributes;

static const int *toy_permutation_of(const cni_op *op)
{
    return ((const toy_transpose_attributes *)op->attributes)->p;
}

static void toy_run_transpose(cni_step *step, const cni_run *run)
{
    const int *p = toy_permutation_of(step->op);
    size_t in[3], out[3], stride[3] = {1, 1, 1};
    for (int i = 0; i < 3; i++) {
        int64_t dim = step->op->in[0]->shape.dims[i];
        in[i] = dim < 0 ? (size_t)run->n : (size_t)dim;
    }
    stride[1] = in[2];
    stride[0] = in[1] * in[2];
    for (int i = 0; i < 3; i++) out[i] = in[p[i]];
    size_t at = 0;
    for (size_t i = 0; i < out[0]; i++)
        for (size_t j = 0; j < out[1]; j++)
            for (size_t k = 0; k < out[2]; k++)
                toy_set(run, step->out[0], at++,
                        toy_get(run, step->in[0], i * stride[p[0]] + j * stride[p[1]] + k * stride[p[2]]));
}

static void toy_transpose_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    toy_transpose_attributes back;
    for (int i = 0; i < 3; i++) back.p[toy_permutation_of(op)[i]] = i;
    din[0] = toy_append(graph, op->kind, &back, dout[0], NULL, op->in[0]->shape);
}

static const cni_op_kind toy_transpose_kind = {.name = "toy_transpose",
                                               .attributes_size = sizeof(toy_transpose_attributes),
                                               .gradient = toy_transpose_gradient,
                                               .run = toy_run_transpose,
                                               .permutation_of = toy_permutation_of};

static inline cni_tensor *toy_transpose(cni_graph *graph, cni_tensor *x, int p0, int p1, int p2)
{
    const toy_transpose_attributes attributes = {{p0, p1, p2}};
    cni_shape shape = CNI_SHAPE(x->shape.dims[p0], x->shape.dims[p1], x->shape.dims[p2]);
    return toy_append(graph, &toy_transpose_kind, &attributes, x, NULL, shape);
}

/* Sum of all elements -> scalar; its gradient spreads a scalar */

static void toy_run_sum(cni_step *step, const cni_run *run)
{
    double sum = 0;
    for (size_t i = 0, n = cni_tensor_count(step->op->in[0], run->n); i < n; i++) sum += toy_get(run, step->in[0], i);
    toy_set(run, step->out[0], 0, sum);
}

static void toy_run_spread(cni_step *step, const cni_run *run)
{
    for (size_t i = 0, n = toy_count(step, run); i < n; i++)
        toy_set(run, step->out[0], i, toy_get(run, step->in[0], 0));
}

static const cni_op_kind toy_spread_kind = {.name = "toy_spread", .run = toy_run_spread};

static void toy_sum_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    din[0] = toy_append(graph, &toy_spread_kind, NULL, dout[0], NULL, op->in[0]->shape);
}

static const cni_op_kind toy_sum_kind = {.name = "toy_sum", .gradient = toy_sum_gradient, .run = toy_run_sum};

static inline cni_tensor *toy_sum(cni_graph *graph, cni_tensor *x)
{
    return toy_append(graph, &toy_sum_kind, NULL, x, NULL, (cni_shape){0});
}

/* variable <- variable - rate * gradient; in[0] is the variable, the rate a run-time scalar */

typedef struct toy_descend_attributes {
    int rate;
} toy_descend_attributes;

static void toy_run_descend(cni_step *step, const cni_run *run)
{
    const double rate = run->scalars[((const toy_descend_attributes *)step->op->attributes)->rate];
    void *variable = step->out[0];
    for (size_t i = 0, n = toy_count(step, run); i < n; i++)
        toy_set(run, variable, i, toy_get(run, variable, i) - rate * toy_get(run, step->in[1], i));
}

static const cni_op_kind toy_descend_kind = {
    .name = "toy_descend", .attributes_size = sizeof(toy_descend_attributes), .run = toy_run_descend};

static inline cni_op *toy_descend(cni_graph *graph, cni_variable *variable, cni_tensor *gradient, int rate)
{
    cni_tensor *tensor = cni_graph_variable(graph, variable);
    cni_op *op = cni_append(graph, &toy_descend_kind, &(toy_descend_attributes){rate}, 2,
                            (cni_tensor *[]){tensor, gradient}, 1, &variable->shape);
    op->out[0]->alias_of = tensor;
    op->writes = variable;
    return op;
}

/* Every output element depends on several elements of every input, out of order, by way of the workspace.
 * Whoever lays two living tensors over each other gets other numbers. */

typedef struct toy_mix_attributes {
    double factor;
} toy_mix_attributes;

static void toy_run_mix(cni_step *step, const cni_run *run)
{
    const double factor = ((const toy_mix_attributes *)step->op->attributes)->factor;
    for (int o = 0; o < step->op->outputs; o++) {
        size_t n = cni_tensor_count(step->op->out[o], run->n);
        for (size_t i = 0; i < n; i++) toy_set(run, step->out[o], i, 0);
        for (int k = 0; k < step->op->inputs; k++) {
            size_t m = cni_tensor_count(step->op->in[k], run->n);
            for (size_t i = 0; i < n; i++)
                toy_set(run, step->workspace, i, factor * toy_get(run, step->in[k], (7 * i + 3 + (size_t)o) % m));
            for (size_t i = 0; i < n; i++)
                toy_set(run, step->out[o], i,
                        sin(toy_get(run, step->out[o], i) + toy_get(run, step->workspace, n - 1 - i)));
        }
    }
}

static size_t toy_mix_workspace(const cni_op *op, const cni_run *most)
{
    size_t largest = 0;
    for (int i = 0; i < op->outputs; i++)
        if (cni_tensor_count(op->out[i], most->n) > largest) largest = cni_tensor_count(op->out[i], most->n);
    return largest * most->kernels->real_size;
}

static const cni_op_kind toy_mix_kind = {.name = "toy_mix",
                                         .attributes_size = sizeof(toy_mix_attributes),
                                         .workspace = toy_mix_workspace,
                                         .run = toy_run_mix};

/* Plans */

static inline cni_plan *toy_plan(cni_graph *graph, const cni_kernels *kernels, int batch, bool no_sharing)
{
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = batch, .kernels = kernels, .no_sharing = no_sharing};
    if (cni_plan_new(graph, &options, &plan, &error)) fprintf(stderr, "%s\n", error.text);
    return plan;
}

#endif
