/* SPDX-License-Identifier: Apache-2.0
 * Passes: what is dropped, fused and moved, what must not be, and that the numbers stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "graph/toy_ops.h"

static cni_kernels floats;

/* Plans the graph; how many steps are left? */
static int steps_of(cni_graph *graph, cni_plan **plan)
{
    *plan = toy_plan(graph, &floats, 2, true);
    assert_non_null(*plan);
    return cni_plan_steps(*plan);
}

static int plan_and_count(cni_graph *graph)
{
    cni_plan *plan;
    int steps = steps_of(graph, &plan);
    cni_plan_free(plan);
    return steps;
}

static void output(cni_tensor *tensor)
{
    tensor->is_output = true;
}

static void dead_ops(void **state)
{
    (void)state;
    float weights[4] = {0};
    cni_variable variable = {.shape = CNI_SHAPE(4), .data = weights, .version = 1};
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 4)), *dead = toy_linear(graph, x, 2);
    toy_reshape(graph, toy_linear(graph, dead, 3), x->shape);
    cni_tensor *kept = toy_reshape(graph, toy_linear(graph, x, 5), x->shape); /* needed by way of an alias */
    output(toy_linear(graph, kept, 7));
    toy_descend(graph, &variable, toy_linear(graph, cni_graph_variable(graph, &variable), 1), 0); /* 2 living ops */
    cni_graph_scalar(graph);
    cni_plan *plan;
    assert_int_equal(steps_of(graph, &plan), 4);
    assert_null(cni_plan_data(plan, dead));
    assert_non_null(cni_plan_data(plan, x)); /* whoever runs the plan fills it all the same */
    assert_non_null(cni_plan_data(plan, kept));
    cni_plan_free(plan);
}

static void fusing(void **state)
{
    (void)state;
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 2)), *t = toy_linear(graph, x, -2);
    cni_tensor *r = toy_unary(graph, t, CNI_RELU), *y = toy_unary(graph, r, CNI_SQUARE);
    output(y);
    cni_plan *plan;
    assert_int_equal(steps_of(graph, &plan), 2); /* one epilogue is free, the second function stands alone */
    assert_null(cni_plan_data(plan, t));
    assert_ptr_equal(r->producer->kind, &toy_linear_kind);
    memcpy(cni_plan_data(plan, x), (float[]){-1, 1, 3, -4}, 4 * sizeof(float));
    cni_plan_run(plan, CNI_GRADIENTS, 2);
    assert_memory_equal(cni_plan_data(plan, y), ((float[]){4, 0, 0, 64}), 4 * sizeof(float));
    cni_plan_free(plan);
}

/* Not when somebody else wants what stands between. */
static void not_fusing(void **state)
{
    (void)state;
    const cni_shape shape = CNI_SHAPE(CNI_UNKNOWN, 4);
    for (int why = 0; why < 5; why++) {
        cni_graph *graph = cni_graph_new();
        cni_tensor *t = toy_linear(graph, cni_graph_input(graph, shape), -2), *before = t;
        if (why == 0) output(t);
        if (why == 1) output(toy_linear(graph, t, 1));
        if (why == 2) output(toy_reshape(graph, t, shape));
        if (why == 3) before = toy_reshape(graph, t, shape);
        if (why == 4) graph->segment = CNI_REDUCE;
        output(toy_unary(graph, before, CNI_RELU));
        assert_int_equal(plan_and_count(graph), why == 1 ? 3 : 2);
    }
}

/* conv -> T -> relu -> + -> T' -> conv, as a channels_first model with a shortcut lowers */
static void transposes_cancel(void **state)
{
    (void)state;
    const cni_shape shape = CNI_SHAPE(CNI_UNKNOWN, 2, 3);
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, shape), *first = toy_linear(graph, x, 2);
    cni_tensor *t = toy_transpose(graph, first, 0, 2, 1), *r = toy_unary(graph, t, CNI_RELU);
    cni_tensor *half = cni_graph_constant(graph, r->shape, 0.5);
    cni_tensor *sum = toy_add(graph, toy_add(graph, r, half), t);
    cni_tensor *y = toy_linear(graph, toy_transpose(graph, sum, 0, 2, 1), 3);
    output(y);
    cni_plan *plan;
    assert_int_equal(steps_of(graph, &plan), 5); /* linear, relu, add, add, linear */
    const cni_graph *rest = cni_plan_graph(plan);
    for (int i = 0; i < rest->op_count; i++) assert_null(rest->ops[i]->kind->permutation_of);
    float *data = cni_plan_data(plan, x);
    for (int i = 0; i < 12; i++) data[i] = (float)(i - 5);
    cni_plan_run(plan, CNI_GRADIENTS, 2);
    for (int i = 0; i < 12; i++) {
        const float v = 2 * (float)(i - 5);
        assert_true(((float *)cni_plan_data(plan, y))[i] == 3 * ((v > 0 ? v : 0) + 0.5f + v));
    }
    cni_plan_free(plan);
}

/* The same in training: forward, backward and update without a transpose. */
static void transposes_cancel_in_training(void **state)
{
    (void)state;
    float weights[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    cni_variable variable = {.shape = CNI_SHAPE(2, 2, 3), .data = weights, .version = 1};
    cni_graph *graph = cni_graph_new();
    cni_tensor *w = cni_graph_variable(graph, &variable), *gradient;
    w->differentiable = true;
    cni_tensor *t = toy_transpose(graph, toy_linear(graph, w, 2), 0, 2, 1), *square = toy_multiply(graph, t, t);
    cni_tensor *back = toy_transpose(graph, toy_add(graph, square, t), 0, 2, 1);
    cni_differentiate(graph, toy_sum(graph, toy_linear(graph, back, 1)), &w, 1, &gradient);
    output(gradient);
    cni_plan *plan;
    steps_of(graph, &plan);
    const cni_graph *rest = cni_plan_graph(plan);
    for (int i = 0; i < rest->op_count; i++) assert_null(rest->ops[i]->kind->permutation_of);
    cni_plan_run(plan, CNI_GRADIENTS, 1);
    for (int i = 0; i < 12; i++) /* 4 w^2 + 2 w */
        assert_true(((float *)cni_plan_data(plan, gradient))[i] == 8 * weights[i] + 2);
    cni_plan_free(plan);
}

static void transposes_that_stay(void **state)
{
    (void)state;
    for (int why = 0; why < 6; why++) {
        cni_graph *graph = cni_graph_new();
        cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(3, 3, 3)), *t = toy_transpose(graph, x, 1, 2, 0);
        int steps = 0;
        if (why == 0) { /* a rotation done twice is not undone */
            output(toy_linear(graph, toy_transpose(graph, t, 1, 2, 0), 1));
            steps = 3;
        } else if (why == 1) { /* undone, but the result must have a place of its own */
            output(toy_transpose(graph, t, 2, 0, 1));
            steps = 2;
        } else if (why == 2) { /* different turns meet */
            output(toy_linear(graph, toy_add(graph, t, toy_transpose(graph, x, 2, 0, 1)), 1));
            steps = 4;
        } else if (why == 3) { /* an input spread along the transposed axes */
            cni_tensor *bias = cni_graph_constant(graph, CNI_SHAPE(3), 1);
            cni_tensor *sum = toy_append(graph, &toy_add_kind, NULL, t, bias, t->shape);
            output(toy_linear(graph, toy_transpose(graph, sum, 2, 0, 1), 1));
            steps = 4;
        } else if (why == 4) { /* needed by an element-wise op whose other input is not turned */
            output(toy_multiply(graph, t, x));
            output(toy_linear(graph, toy_unary(graph, t, CNI_RELU), 1));
            steps = 4;
        } else { /* somebody needs the transposed tensor anyway: moving would only add one */
            output(toy_linear(graph, t, 1));
            output(toy_linear(graph, toy_unary(graph, t, CNI_RELU), 1));
            steps = 4;
        }
        assert_int_equal(plan_and_count(graph), steps);
    }
}

/* Random graphs of transposes and element-wise ops */

enum { COUNT = 30 };

static uint32_t next(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*random * below) >> 32);
}

static cni_tensor *random_op(cni_graph *graph, cni_tensor *a, cni_tensor *b, uint32_t *random)
{
    static const int p[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const bool same = cni_shape_equal(&a->shape, &b->shape);
    switch (next(random, 10)) {
    case 0:
        return toy_linear(graph, a, 0.5);
    case 1:
        return toy_reshape(graph, a, CNI_SHAPE(2, 3, 4));
    case 2:
    case 3:
        return toy_unary(graph, a, next(random, 2) ? CNI_RELU : CNI_LINEAR);
    case 4:
        return toy_add(graph, a, cni_graph_constant(graph, a->shape, 0.5));
    case 5:
    case 6:
        return same ? toy_add(graph, a, b) : toy_unary(graph, b, CNI_RELU);
    default: {
        const int *q = p[next(random, 6)];
        return toy_transpose(graph, a, q[0], q[1], q[2]);
    }
    }
}

/* When every tensor is an output, nothing can be fused or cancelled: that plan judges the other. */
static void passes_change_nothing(void **state)
{
    (void)state;
    int steps[2] = {0, 0};
    for (uint32_t seed = 0; seed < 500; seed++) {
        cni_plan *plans[2];
        cni_tensor *last[2][3];
        for (int free = 0; free < 2; free++) {
            uint32_t random = seed;
            cni_graph *graph = cni_graph_new();
            cni_tensor *tensors[COUNT] = {cni_graph_input(graph, CNI_SHAPE(2, 3, 4))};
            for (int i = 1; i < COUNT; i++) {
                cni_tensor *a = tensors[next(&random, 3) ? i - 1 : (int)next(&random, (uint32_t)i)];
                tensors[i] = random_op(graph, a, tensors[next(&random, (uint32_t)i)], &random);
                tensors[i]->is_output = !free;
            }
            for (int i = 0; i < 3; i++) output(last[free][i] = tensors[COUNT - 1 - 5 * i]);
            plans[free] = toy_plan(graph, &floats, 1, seed % 2);
            float *x = cni_plan_data(plans[free], tensors[0]);
            for (int i = 0; i < 24; i++) x[i] = (float)i / 8 - 1;
            cni_plan_run(plans[free], CNI_GRADIENTS, 1);
            steps[free] += cni_plan_steps(plans[free]);
        }
        for (int i = 0; i < 3; i++)
            assert_memory_equal(cni_plan_data(plans[0], last[0][i]), cni_plan_data(plans[1], last[1][i]),
                                24 * sizeof(float));
        for (int i = 0; i < 2; i++) cni_plan_free(plans[i]);
    }
    assert_true(steps[1] < steps[0] / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dead_ops),
        cmocka_unit_test(fusing),
        cmocka_unit_test(not_fusing),
        cmocka_unit_test(transposes_cancel),
        cmocka_unit_test(transposes_cancel_in_training),
        cmocka_unit_test(transposes_that_stay),
        cmocka_unit_test(passes_change_nothing),
    };
    cni_kernels_init(&floats, CNI_ISA_PORTABLE);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
