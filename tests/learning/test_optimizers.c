/* SPDX-License-Identifier: Apache-2.0
 * Optimizers, step by step, against Keras' numbers. */
#include "learning/optimizers.h"

#include "graph/plan.h"
#include "kernels/kernels.h"
#include "layers/constraints.h"
#include "learning/golden_cases.h"

enum { WEIGHTS = 2 };

typedef struct trainer {
    cni_variable weights[WEIGHTS], *list[WEIGHTS];
    size_t sizes[WEIGHTS];
    cni_optimizer_state *state;
    cni_tensor *gradients[WEIGHTS];
    cni_plan *plan;
    cni_kernels kernels;
} trainer;

static void start(trainer *t, golden *g, const cni_object *optimizer, const cni_object *constraint, cni_isa isa,
                  cni_pool *pool)
{
    const cni_value *shapes = cni_value_get(g->head, "shapes");
    const cn_array values = golden_array(g, "start");
    const float *from = values.data;
    cni_error error = {0};
    *t = (trainer){0};
    for (int i = 0; i < WEIGHTS; i++) {
        cni_variable *w = t->list[i] = &t->weights[i];
        *w = (cni_variable){.name = i ? "b" : "a", .version = 1, .trainable = true};
        w->constraint = i ? NULL : constraint;
        w->shape.rank = (int)shapes->items[i]->count;
        for (int k = 0; k < w->shape.rank; k++) w->shape.dims[k] = shapes->items[i]->items[k]->integer;
        t->sizes[i] = (size_t)cni_shape_count(&w->shape, 0);
        w->data = cni_arena_alloc(&g->arena, 4096);
        memcpy(w->data, from, t->sizes[i] * sizeof(float));
        from += t->sizes[i];
    }
    assert_int_equal(cni_optimizer_state_new(optimizer, t->list, WEIGHTS, &t->state, &error), CN_OK);
    cni_graph *graph = cni_graph_new();
    cni_graph_scalar(graph); /* somebody else's */
    for (int i = 0; i < WEIGHTS; i++) t->gradients[i] = cni_graph_input(graph, t->weights[i].shape);
    cni_lower_optimizer(graph, t->state, t->gradients, 1e-7);
    cni_kernels_init(&t->kernels, isa);
    const cni_plan_options options = {.batch = 1, .kernels = &t->kernels, .pool = pool, .no_sharing = true};
    if (cni_plan_new(graph, &options, &t->plan, &error)) fail_msg("%s", error.text);
}

static void step(trainer *t, const float *gradients)
{
    for (int i = 0; i < WEIGHTS; i++) {
        memcpy(cni_plan_data(t->plan, t->gradients[i]), gradients, t->sizes[i] * sizeof(float));
        gradients += t->sizes[i];
    }
    const bool due = cni_optimizer_begin(t->state, cni_plan_scalars(t->plan));
    cni_plan_run(t->plan, CNI_GRADIENTS, 1);
    cni_plan_run(t->plan, CNI_REDUCE, 1);
    if (due) cni_plan_run(t->plan, CNI_UPDATE, 1);
    cni_optimizer_end(t->state);
}

static void finish(trainer *t)
{
    cni_plan_free(t->plan);
    cni_optimizer_state_free(t->state);
}

static void compare_weights(const golden *g, const trainer *t, const char *id, const char *what, const float *theirs)
{
    for (int i = 0; i < WEIGHTS; i++) {
        golden_compare(g, id, what, t->weights[i].data, theirs, t->sizes[i]);
        theirs += t->sizes[i];
    }
}

static void compare_state(golden *g, trainer *t, const cni_value *c)
{
    const cni_value *names = cni_value_get(c, "state");
    const cn_array values = golden_of(g, c, "state_values");
    const float *theirs = values.data;
    assert_int_equal(cni_optimizer_variable_count(t->state), names->count);
    for (size_t i = 0; i < names->count; i++) {
        const cni_optimizer_variable v = cni_optimizer_variable_at(t->state, (int)i);
        const cni_value *name = names->items[i];
        assert_string_equal(v.name, name->items[0]->text);
        assert_int_equal(v.shape.rank, name->items[1]->count);
        const size_t size = (size_t)cni_shape_count(&v.shape, 0);
        if (v.integer)
            assert_int_equal(*v.integer, (int64_t)*theirs);
        else
            golden_compare(g, golden_id(c), v.name, v.data, theirs, size);
        theirs += size;
    }
}

static void run_case(golden *g, const cni_value *c, cni_isa isa, cni_pool *pool)
{
    const cni_object *optimizer = golden_object(g, &cni_optimizers, cni_value_get(c, "optimizer"), golden_id(c));
    const cni_object *constraint = golden_object(g, &cni_constraints, cni_value_get(c, "constraint"), golden_id(c));
    const cn_array gradients = golden_array(g, "gradients"), steps = golden_of(g, c, "steps");
    const cn_array final = golden_of(g, c, "final");
    const size_t width = (size_t)steps.shape[1];
    trainer t;
    start(&t, g, optimizer, constraint, isa, pool);
    for (int64_t i = 0; i < steps.shape[0]; i++) {
        step(&t, (const float *)gradients.data + (size_t)i * width);
        compare_weights(g, &t, golden_id(c), "weights", (const float *)steps.data + (size_t)i * width);
    }
    compare_state(g, &t, c);
    cni_optimizer_finish(t.state);
    if (final.data) compare_weights(g, &t, golden_id(c), "final weights", final.data);
    *(const char **)cni_object_member(optimizer, "name") = golden_text(cni_value_get(c, "config"), "name");
    golden_config(g, optimizer, c);
    finish(&t);
}

static void test_golden(void **state)
{
    golden g;
    (void)state;
    golden_open(&g, "learning/optimizers.json");
    cni_pool *pool = cni_pool_new(2);
    for (size_t i = 0; i < g.cases->count; i++) {
        run_case(&g, g.cases->items[i], CNI_ISA_PORTABLE, NULL);
        run_case(&g, g.cases->items[i], cni_cpu_isa(NULL), pool);
    }
    cni_pool_free(pool);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
