/* SPDX-License-Identifier: Apache-2.0
 * Building graphs, and what happens when one cannot be built. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "graph/toy_ops.h"

static void counts(void **state)
{
    (void)state;
    cni_graph *graph = cni_graph_new();
    const cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 4, 3));
    const cni_tensor *w = cni_graph_constant(graph, CNI_SHAPE(4, 3), 2);
    const cni_tensor *s = cni_graph_constant(graph, (cni_shape){0}, 2);
    assert_int_equal(cni_tensor_image(x), 12);
    assert_int_equal(cni_tensor_count(x, 5), 60);
    assert_int_equal(cni_tensor_count(w, 5), 12);
    assert_int_equal(cni_tensor_count(s, 5), 1);
    assert_int_equal(cni_graph_scalar(graph), 0);
    assert_int_equal(cni_graph_scalar(graph), 1);
    cni_graph_free(graph);
}

static void a_variable_has_one_tensor(void **state)
{
    (void)state;
    cni_variable a = {.shape = CNI_SHAPE(2)}, b = {.shape = CNI_SHAPE(3)};
    cni_graph *graph = cni_graph_new();
    cni_tensor *ta = cni_graph_variable(graph, &a), *tb = cni_graph_variable(graph, &b);
    assert_ptr_not_equal(ta, tb);
    assert_ptr_equal(cni_graph_variable(graph, &a), ta);
    assert_ptr_equal(cni_graph_variable(graph, &b), tb);
    assert_int_equal(tb->shape.dims[0], 3);
    cni_graph_free(graph);
}

static void ops_know_what_they_were_given(void **state)
{
    (void)state;
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 4));
    toy_linear_attributes attributes = {.factor = 3};
    graph->segment = CNI_REDUCE;
    const cni_op *op = cni_append(graph, &toy_linear_kind, &attributes, 2, (cni_tensor *[]){x, NULL}, 2,
                                  (cni_shape[]){CNI_SHAPE(5), CNI_SHAPE(6)});
    attributes.factor = 4;
    assert_true(((const toy_linear_attributes *)op->attributes)->factor == 3);
    assert_ptr_equal(op->in[0], x);
    assert_null(op->in[1]);
    assert_int_equal(op->segment, CNI_REDUCE);
    assert_int_equal(op->out[1]->shape.dims[0], 6);
    assert_ptr_equal(op->out[1]->producer, op);
    assert_false(op->out[0]->differentiable);
    x->differentiable = true;
    assert_true(toy_linear(graph, x, 1)->differentiable);
    for (int i = 0; i < 1000; i++) toy_linear(graph, x, i);
    assert_int_equal(graph->op_count, 1002);
    for (int i = 0; i < graph->op_count; i++) assert_int_equal(graph->ops[i]->id, i);
    for (int i = 0; i < graph->tensor_count; i++) assert_int_equal(graph->tensors[i]->id, i);
    assert_int_equal(graph->error.status, CN_OK);
    cni_graph_free(graph);
}

static void too_large_is_refused(void **state)
{
    (void)state;
    const cni_shape shapes[] = {CNI_SHAPE(CNI_UNKNOWN, CNI_UNKNOWN, 3), CNI_SHAPE(1 << 20, 1 << 20, 1 << 20)};
    for (int i = 0; i < 2; i++) {
        cni_graph *graph = cni_graph_new();
        cni_tensor *x = cni_graph_input(graph, shapes[i]);
        assert_int_equal(graph->error.status, CN_ERR_LIMIT);
        assert_non_null(toy_linear(graph, x, 1)); /* building goes on */
        cni_graph_free(graph);
    }
    cni_graph *graph = cni_graph_new();
    cni_tensor *many[CNI_MAX_INPUTS + 1];
    for (int i = 0; i <= CNI_MAX_INPUTS; i++) many[i] = cni_graph_input(graph, CNI_SHAPE(1));
    assert_non_null(cni_append(graph, &toy_mix_kind, NULL, CNI_MAX_INPUTS, many, 1, &CNI_SHAPE(1))->out[0]);
    assert_int_equal(graph->error.status, CN_OK);
    const cni_op *op = cni_append(graph, &toy_mix_kind, NULL, CNI_MAX_INPUTS + 1, many, 1, &CNI_SHAPE(1));
    assert_int_equal(graph->error.status, CN_ERR_LIMIT);
    assert_non_null(op->out[0]);
    cni_graph_free(graph);
}

/* Whatever allocation fails: the builder may go on to the end, and the plan tells. */
static void memory_runs_out(void **state)
{
    (void)state;
    cni_kernels kernels = {.real_size = sizeof(float)};
    float data[2] = {1, 2};
    cni_variable variable = {.shape = CNI_SHAPE(2), .data = data, .version = 1};
    bool made = false;
    int refused = 0;
    for (size_t budget = 1; !made; budget += 100) {
        cni_graph *graph = cni_graph_new();
        assert_non_null(graph);
        graph->arena.budget = graph->arena.used + budget;
        cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 2)), *w = cni_graph_variable(graph, &variable);
        w->differentiable = true;
        for (int i = 0; i < 40; i++) x = toy_add(graph, toy_linear(graph, x, 1), toy_reshape(graph, x, x->shape));
        cni_tensor *loss = toy_sum(graph, toy_multiply(graph, w, w)), *gradient;
        cni_differentiate(graph, loss, &w, 1, &gradient);
        if (gradient) toy_descend(graph, &variable, gradient, cni_graph_scalar(graph));
        x->is_output = true;
        cni_plan *plan = NULL;
        cni_error error = {0};
        const cni_plan_options options = {.batch = 2, .kernels = &kernels, .snapshot = true};
        made = cni_plan_new(graph, &options, &plan, &error) == CN_OK;
        assert_true(made == (plan != NULL));
        if (!made) assert_int_equal(error.status, CN_ERR_MEMORY);
        refused += !made;
        cni_plan_free(plan);
    }
    assert_in_range(refused, 100, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(a_variable_has_one_tensor),
        cmocka_unit_test(ops_know_what_they_were_given),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
