/* SPDX-License-Identifier: Apache-2.0
 * Differentiation: against calculus, and against differences on random graphs, in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "graph/toy_ops.h"

static cni_kernels doubles;
static const char gradient_sum[] = "binary";
enum { N = 6 };

typedef struct setup {
    float weights[N];
    cni_variable variable;
    cni_graph *graph;
    cni_tensor *w;
} setup;

static void begin(setup *s)
{
    *s = (setup){.weights = {-2, -0.5f, 0.25f, 1, 1.5f, 3}};
    s->variable = (cni_variable){.shape = CNI_SHAPE(1, 2, 3), .data = s->weights, .version = 1};
    s->graph = cni_graph_new();
    s->w = cni_graph_variable(s->graph, &s->variable);
    s->w->differentiable = true;
}

/* d loss / d w is polynomial c0 + c1 w + c2 w^2 at each element. */
static void assert_gradient(setup *s, cni_tensor *loss, double c0, double c1, double c2)
{
    cni_tensor *gradient = NULL;
    cni_differentiate(s->graph, loss, &s->w, 1, &gradient);
    assert_string_equal(s->graph->error.text, "");
    assert_non_null(gradient);
    assert_true(cni_shape_equal(&gradient->shape, &s->variable.shape));
    gradient->is_output = true;
    cni_plan *plan = toy_plan(s->graph, &doubles, 1, true);
    cni_plan_run(plan, CNI_GRADIENTS, 1);
    const double *g = cni_plan_data(plan, gradient);
    for (int i = 0; i < N; i++) {
        const double w = (double)s->weights[i];
        assert_true(fabs(g[i] - (c0 + c1 * w + c2 * w * w)) <= 1e-12);
    }
    cni_plan_free(plan);
}

static void shared_inputs_sum(void **state)
{
    (void)state;
    setup s;
    begin(&s); /* w w + 3 w */
    cni_tensor *y = toy_add(s.graph, toy_multiply(s.graph, s.w, s.w), toy_linear(s.graph, s.w, 3));
    assert_gradient(&s, toy_sum(s.graph, y), 3, 2, 0);
}

static void diamonds(void **state)
{
    (void)state;
    setup s;
    begin(&s); /* a = 2 w; a a + a w + a = 6 w^2 + 2 w */
    cni_tensor *a = toy_linear(s.graph, s.w, 2);
    cni_tensor *y = toy_add(s.graph, toy_multiply(s.graph, a, a), toy_multiply(s.graph, a, s.w));
    assert_gradient(&s, toy_sum(s.graph, toy_add(s.graph, y, a)), 2, 12, 0);
}

static void aliases_and_transposes(void **state)
{
    (void)state;
    setup s;
    begin(&s); /* w^3, by way of other shapes; the gradient arrives through an alias and beside it */
    cni_tensor *flat = toy_reshape(s.graph, s.w, CNI_SHAPE(6));
    cni_tensor *square = toy_multiply(s.graph, flat, flat);
    cni_tensor *turned = toy_transpose(s.graph, toy_reshape(s.graph, square, CNI_SHAPE(1, 2, 3)), 2, 0, 1);
    cni_tensor *cube = toy_multiply(s.graph, turned, toy_transpose(s.graph, s.w, 2, 0, 1));
    assert_gradient(&s, toy_sum(s.graph, cube), 0, 0, 3);
}

static void twice(void **state)
{
    (void)state;
    setup s;
    begin(&s); /* (w^3)'' = 6 w */
    cni_tensor *cube = toy_multiply(s.graph, toy_multiply(s.graph, s.w, s.w), s.w), *gradient;
    cni_differentiate(s.graph, toy_sum(s.graph, cube), &s.w, 1, &gradient);
    assert_gradient(&s, toy_sum(s.graph, gradient), 0, 6, 0);
}

/* Two outputs, of which the loss may use one: w and w + 1. */

static void split_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    (void)graph, (void)op;
    assert_null(dout[0]);
    din[0] = dout[1];
}

static void run_split(cni_step *step, const cni_run *run)
{
    for (size_t i = 0, n = toy_count(step, run); i < n; i++) {
        toy_set(run, step->out[0], i, toy_get(run, step->in[0], i));
        toy_set(run, step->out[1], i, toy_get(run, step->in[0], i) + 1);
    }
}

static const cni_op_kind split = {.name = "split", .gradient = split_gradient, .run = run_split};

static void outputs_without_gradient(void **state)
{
    (void)state;
    setup s;
    begin(&s); /* (w + 1)^2 */
    cni_op *op = cni_append(s.graph, &split, NULL, 1, &s.w, 2, (cni_shape[]){s.w->shape, s.w->shape});
    assert_gradient(&s, toy_sum(s.graph, toy_multiply(s.graph, op->out[1], op->out[1])), 2, 2, 0);
}

static void what_the_loss_does_not_depend_on(void **state)
{
    (void)state;
    setup s;
    begin(&s);
    cni_tensor *x = cni_graph_input(s.graph, CNI_SHAPE(CNI_UNKNOWN, 4));
    cni_tensor *frozen = cni_graph_input(s.graph, x->shape), *aside = toy_multiply(s.graph, s.w, s.w);
    x->differentiable = true;
    cni_tensor *y = toy_multiply(s.graph, toy_multiply(s.graph, x, frozen), frozen);
    y = toy_multiply(s.graph, y, toy_unary(s.graph, frozen, CNI_RELU));
    cni_tensor *wanted[] = {s.w, x, aside}, *gradients[3] = {s.w, s.w, s.w};
    const int ops = s.graph->op_count;
    cni_differentiate(s.graph, toy_sum(s.graph, y), wanted, 3, gradients);
    assert_int_equal(s.graph->error.status, CN_OK); /* the unary kind has no gradient, but none is asked of it */
    assert_null(gradients[0]);
    assert_non_null(gradients[1]);
    assert_null(gradients[2]);
    for (int i = ops; i < s.graph->op_count; i++) /* nothing is summed for what has no gradient */
        assert_string_not_equal(s.graph->ops[i]->kind->name, gradient_sum);
    cni_differentiate(s.graph, toy_sum(s.graph, frozen), wanted, 1, gradients);
    assert_null(gradients[0]);
    assert_true(s.graph->op_count > ops);
    cni_graph_free(s.graph);
}

static void what_cannot_be_differentiated(void **state)
{
    (void)state;
    setup s;
    cni_tensor *gradient;
    begin(&s);
    cni_differentiate(s.graph, toy_sum(s.graph, toy_unary(s.graph, s.w, CNI_RELU)), &s.w, 1, &gradient);
    assert_int_equal(s.graph->error.status, CN_ERR_UNSUPPORTED);
    assert_non_null(strstr(s.graph->error.text, "toy_unary"));
    cni_graph_free(s.graph);
    begin(&s);
    cni_differentiate(s.graph, s.w, &s.w, 1, &gradient);
    assert_int_equal(s.graph->error.status, CN_ERR_SHAPE);
    assert_null(gradient);
    cni_graph_free(s.graph);
}

/* Random graphs */

static uint32_t next(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*random * below) >> 32);
}

static cni_tensor *random_loss(cni_graph *graph, cni_tensor *w, uint32_t seed)
{
    enum { COUNT = 14 };
    cni_tensor *tensors[COUNT + 1] = {w};
    for (int count = 1; count <= COUNT; count++) {
        cni_tensor *a = tensors[next(&seed, (uint32_t)count)], *b = tensors[next(&seed, (uint32_t)count)],
                   **y = tensors + count;
        const bool same = cni_shape_equal(&a->shape, &b->shape);
        switch (next(&seed, 5)) {
        case 0:
            *y = toy_linear(graph, a, 0.25 + next(&seed, 4) * 0.25);
            break;
        case 1:
            *y = toy_transpose(graph, a, 0, 2, 1);
            break;
        case 2:
            *y = toy_reshape(graph, a, CNI_SHAPE(1, 3, 2));
            break;
        case 3:
            *y = same ? toy_multiply(graph, a, b) : toy_linear(graph, a, -0.5);
            break;
        default:
            *y = same ? toy_add(graph, a, b) : toy_linear(graph, a, 0.5);
            break;
        }
    }
    cni_tensor *loss = toy_sum(graph, tensors[COUNT]);
    for (int i = COUNT - 4; i < COUNT; i++) loss = toy_add(graph, loss, toy_sum(graph, tensors[i]));
    return loss;
}

static void differences(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 200; seed++) {
        setup s;
        begin(&s);
        for (int i = 0; i < N; i++) s.weights[i] /= 4;
        cni_tensor *loss = random_loss(s.graph, s.w, seed), *gradient;
        cni_differentiate(s.graph, loss, &s.w, 1, &gradient);
        if (!gradient) {
            cni_graph_free(s.graph);
            continue;
        }
        gradient->is_output = loss->is_output = true;
        cni_plan *plan = toy_plan(s.graph, &doubles, 1, false);
        double *w = cni_plan_data(plan, s.w), g[N];
        cni_plan_run(plan, CNI_GRADIENTS, 1);
        memcpy(g, cni_plan_data(plan, gradient), sizeof g);
        for (int i = 0; i < N; i++) {
            const double at = w[i], step = 1e-5;
            double around[2];
            for (int side = 0; side < 2; side++) {
                w[i] = side ? at + step : at - step;
                s.w->variable->version++;
                cni_plan_run(plan, CNI_GRADIENTS, 1);
                around[side] = *(double *)cni_plan_data(plan, loss);
            }
            w[i] = at;
            s.w->variable->version++;
            assert_true(fabs(g[i] - ((around[1] - around[0]) / (2 * step))) <= 1e-6 * (1 + fabs(g[i])));
        }
        cni_plan_free(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_inputs_sum),
        cmocka_unit_test(diamonds),
        cmocka_unit_test(aliases_and_transposes),
        cmocka_unit_test(twice),
        cmocka_unit_test(outputs_without_gradient),
        cmocka_unit_test(what_the_loss_does_not_depend_on),
        cmocka_unit_test(what_cannot_be_differentiated),
        cmocka_unit_test(differences),
    };
    cni_kernels_init_double(&doubles);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
