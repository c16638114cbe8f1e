/* SPDX-License-Identifier: Apache-2.0
 * Plans: memory shared without harm, segments, state, copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "graph/place.h"
#include "graph/toy_ops.h"

static const cni_kernels floats = {.name = "test", .real_size = sizeof(float)};
static const cni_kernels doubles = {.name = "test", .real_size = sizeof(double)};

static uint32_t next(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*random * below) >> 32);
}

/* Places */

static void places_do_not_overlap(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 300; seed++) {
        uint32_t random = seed;
        enum { MOST = 60 };
        cni_place places[MOST], *list[MOST];
        int count = (int)next(&random, MOST);
        for (int i = 0; i < count; i++) {
            int first = (int)next(&random, 50);
            places[i] = (cni_place){
                .first = first, .last = first + (int)next(&random, 10), .id = i, .size = 64 * (1 + next(&random, 9))};
            list[i] = &places[i];
        }
        size_t bytes = cni_place_all(list, count), end = 0, peak = 0;
        for (int i = 0; i < count; i++) {
            assert_int_equal(places[i].offset % 64, 0);
            if (places[i].offset + places[i].size > end) end = places[i].offset + places[i].size;
            for (int k = 0; k < i; k++) {
                bool times = places[i].last >= places[k].first && places[k].last >= places[i].first;
                bool bytes_too = places[i].offset < places[k].offset + places[k].size &&
                                 places[k].offset < places[i].offset + places[i].size;
                assert_false(times && bytes_too);
            }
        }
        for (int now = 0; now < 60; now++) {
            size_t sum = 0;
            for (int i = 0; i < count; i++)
                if (places[i].first <= now && now <= places[i].last) sum += places[i].size;
            if (sum > peak) peak = sum;
        }
        assert_int_equal(bytes, end);
        assert_in_range(bytes, peak, peak + peak / 2);
    }
}

/* [0..1] and [2..3] fill the same bytes; the small one goes into the gap that fits it best. */
static void places_fill_gaps(void **state)
{
    (void)state;
    cni_place a = {0, 3, 0, 1024, 0}, b = {0, 1, 1, 512, 0}, c = {2, 3, 2, 512, 0}, d = {0, 3, 3, 256, 0};
    cni_place *list[] = {&d, &c, &b, &a};
    assert_int_equal(cni_place_all(list, 4), 1024 + 512 + 256);
    assert_int_equal(b.offset, c.offset);
}

/* Between times 5 and 9 there are gaps of 1024 bytes at 0 and of 896 at 1984. */
static void the_best_gap_is_taken(void **state)
{
    (void)state;
    cni_place a = {0, 4, 0, 1024, 0}, b = {0, 9, 1, 960, 0}, c = {0, 4, 2, 896, 0}, d = {0, 9, 3, 832, 0},
              e = {5, 9, 4, 128, 0};
    cni_place *list[] = {&e, &d, &c, &b, &a};
    assert_int_equal(cni_place_all(list, 5), 1024 + 960 + 896 + 832);
    assert_int_equal(c.offset, 1984);
    assert_int_equal(e.offset, 1984);

    cni_place f = {0, 4, 5, 832, 0}, g = {0, 9, 6, 768, 0}; /* and now a gap of 1728 at 1984 */
    cni_place *again[] = {&e, &g, &f, &c, &b, &a};
    assert_int_equal(cni_place_all(again, 6), 1024 + 960 + 896 + 832 + 768);
    assert_int_equal(g.offset, 3712);
    assert_int_equal(e.offset, 0);
}

/* Random graphs */

enum { VARIABLES = 3, INPUTS = 2, TENSORS = 80 };

typedef struct model {
    float weights[VARIABLES][64];
    cni_variable variables[VARIABLES];
    cni_tensor *inputs[INPUTS], *outputs[TENSORS];
    int output_count, rate;
    cni_plan *plan;
} model;

static cni_shape random_shape(uint32_t *random)
{
    static const int64_t widths[] = {1, 4, 6, 16, 48};
    int64_t width = widths[next(random, 5)];
    switch (next(random, 4)) {
    case 0:
        return CNI_SHAPE(width);
    case 1:
        return CNI_SHAPE(CNI_UNKNOWN, 2, width);
    default:
        return CNI_SHAPE(CNI_UNKNOWN, width);
    }
}

static cni_tensor *random_op(cni_graph *graph, cni_tensor **tensors, int count, uint32_t *random)
{
    /* mostly what was made last, so that tensors die */
    cni_tensor *in[3];
    for (int i = 0; i < 3; i++) in[i] = tensors[next(random, 2) ? next(random, (uint32_t)count) : (uint32_t)count - 1];
    cni_shape shapes[2] = {random_shape(random), random_shape(random)};
    const double factor = 0.5 + next(random, 100) / 50.0;
    switch (next(random, 8)) {
    case 0:
        return toy_linear(graph, in[0], factor);
    case 1:
        return toy_unary(graph, in[0], next(random, 2) ? CNI_RELU : CNI_SQUARE);
    case 2:
        return toy_reshape(graph, in[0], in[0]->shape);
    case 3:
        return cni_shape_equal(&in[0]->shape, &in[1]->shape) ? toy_add(graph, in[0], in[1])
                                                             : toy_unary(graph, in[0], CNI_RELU);
    case 4:
        return in[0]->shape.rank == 3 ? toy_transpose(graph, in[0], 0, 2, 1) : toy_linear(graph, in[0], -factor);
    default: {
        cni_op *op = cni_append(graph, &toy_mix_kind, &(toy_mix_attributes){factor}, 1 + (int)next(random, 3), in,
                                1 + (int)next(random, 2), shapes);
        return op->out[next(random, (uint32_t)op->outputs)];
    }
    }
}

static void random_model(model *m, uint32_t seed, bool no_sharing, int batch, bool outputs)
{
    uint32_t random = seed;
    *m = (model){0};
    cni_graph *graph = cni_graph_new();
    cni_tensor *tensors[TENSORS];
    int count = 0;
    m->rate = cni_graph_scalar(graph);
    for (int i = 0; i < INPUTS; i++) tensors[count++] = m->inputs[i] = cni_graph_input(graph, random_shape(&random));
    for (int i = 0; i < VARIABLES; i++) {
        for (int k = 0; k < 64; k++) m->weights[i][k] = (float)next(&random, 1000) / 1000;
        m->variables[i] = (cni_variable){
            .name = "weight", .shape = CNI_SHAPE(1 + next(&random, 64)), .data = m->weights[i], .version = 1};
        tensors[count++] = cni_graph_variable(graph, &m->variables[i]);
    }
    tensors[count++] = cni_graph_constant(graph, random_shape(&random), 0.25);
    int wanted = count + 5 + (int)next(&random, TENSORS - 20);
    while (count < wanted) {
        graph->segment = (cni_segment)(3 * count / wanted);
        if (next(&random, 12) == 0) {
            const int i = (int)next(&random, VARIABLES);
            cni_op *op = cni_append(graph, &toy_mix_kind, &(toy_mix_attributes){0.5}, 1, &tensors[count - 1], 1,
                                    &m->variables[i].shape);
            toy_descend(graph, &m->variables[i], op->out[0], m->rate);
        }
        tensors[count] = random_op(graph, tensors, count, &random);
        if (next(&random, 8) == 0 || count + 1 == wanted) {
            tensors[count]->is_output = outputs || count + 1 == wanted;
            m->outputs[m->output_count++] = tensors[count];
        }
        count++;
    }
    m->plan = toy_plan(graph, &floats, batch, no_sharing);
    assert_non_null(m->plan);
    cni_plan_scalars(m->plan)[m->rate] = 0.01;
}

static void fill_inputs(const model *m, uint32_t seed, int n)
{
    for (int i = 0; i < INPUTS; i++) {
        float *x = cni_plan_data(m->plan, m->inputs[i]);
        uint32_t random = seed;
        for (size_t k = 0; k < cni_tensor_count(m->inputs[i], n); k++) x[k] = (float)next(&random, 2000) / 1000 - 1;
    }
}

static void assert_same(const cni_tensor *tensor, const float *a, const float *b, int n)
{
    assert_non_null(a);
    assert_non_null(b);
    for (size_t k = 0; k < cni_tensor_count(tensor, n); k++) assert_false(isnan(b[k]));
    assert_memory_equal(a, b, cni_tensor_count(tensor, n) * sizeof(float));
}

/* A plan that shares memory computes what one computes whose tensors each have a place of their own, whatever segment
 * runs how often and however many images there are. */
static void sharing_changes_nothing(void **state)
{
    (void)state;
    static const cni_segment order[] = {CNI_GRADIENTS, CNI_GRADIENTS, CNI_REDUCE, CNI_GRADIENTS, CNI_REDUCE,
                                        CNI_UPDATE,    CNI_GRADIENTS, CNI_REDUCE, CNI_UPDATE};
    size_t shared_bytes = 0, own_bytes = 0;
    for (uint32_t seed = 0; seed < 400; seed++) {
        model shared, own;
        const int batch = 1 + (int)(seed % 5);
        random_model(&shared, seed, false, batch, seed % 2);
        random_model(&own, seed, true, batch, seed % 2);
        shared_bytes += cni_plan_arena_bytes(shared.plan);
        own_bytes += cni_plan_arena_bytes(own.plan);
        bool run[CNI_SEGMENTS] = {false};
        for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
            const int n = batch - (i > 5 && batch > 1); /* the last, smaller batch */
            if (order[i] == CNI_GRADIENTS) {
                fill_inputs(&shared, seed + (uint32_t)i, n);
                fill_inputs(&own, seed + (uint32_t)i, n);
            }
            cni_plan_run(shared.plan, order[i], n);
            cni_plan_run(own.plan, order[i], n);
            run[order[i]] = true;
            for (int k = 0; k < shared.output_count; k++) {
                const cni_tensor *a = shared.outputs[k], *b = own.outputs[k];
                if (!a->is_output || !a->producer || a->producer->segment != order[i]) continue;
                assert_same(a, cni_plan_data(shared.plan, a), cni_plan_data(own.plan, b), n);
            }
        }
        assert_true(run[CNI_UPDATE]);
        for (int i = 0; i < VARIABLES; i++) {
            assert_memory_equal(shared.weights[i], own.weights[i], sizeof shared.weights[i]);
            assert_int_equal(shared.variables[i].version, own.variables[i].version);
        }
        cni_plan_free(shared.plan);
        cni_plan_free(own.plan);
    }
    assert_true(shared_bytes < own_bytes * 3 / 4);
}

/* A chain of element-wise ops needs one buffer beside input and output. */
static void in_place(void **state)
{
    (void)state;
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 16));
    cni_tensor *a = toy_linear(graph, x, 2), *b = toy_add(graph, a, x), *c = toy_add(graph, b, x);
    cni_tensor *y = toy_linear(graph, c, 1);
    y->is_output = true;
    cni_plan *plan = toy_plan(graph, &floats, 4, false);
    assert_ptr_equal(cni_plan_data(plan, a), cni_plan_data(plan, b));
    assert_ptr_equal(cni_plan_data(plan, a), cni_plan_data(plan, c));
    assert_ptr_not_equal(cni_plan_data(plan, a), cni_plan_data(plan, x));
    float *data = cni_plan_data(plan, x);
    for (int i = 0; i < 64; i++) data[i] = (float)i;
    cni_plan_run(plan, CNI_GRADIENTS, 4);
    for (int i = 0; i < 64; i++) {
        assert_true(((float *)cni_plan_data(plan, y))[i] == 4 * (float)i);
        assert_true(data[i] == (float)i);
    }
    cni_plan_free(plan);
}

/* In place only where nobody looks at the input afterwards: not itself, not by another name, not in the same op. */
static void not_in_place(void **state)
{
    (void)state;
    const cni_shape shape = CNI_SHAPE(CNI_UNKNOWN, 16);
    for (int reader = 0; reader < 4; reader++) {
        cni_graph *graph = cni_graph_new();
        cni_tensor *a = toy_linear(graph, cni_graph_input(graph, shape), 2);
        cni_tensor *other = reader == 1 ? toy_reshape(graph, a, CNI_SHAPE(CNI_UNKNOWN, 4, 4)) : a;
        cni_tensor *b = toy_add(graph, a, reader == 2 ? a : a->producer->in[0]);
        cni_tensor *y = toy_linear(graph, b, 1), *z = reader < 2 ? toy_linear(graph, other, 1) : y;
        y->is_output = z->is_output = true;
        cni_plan *plan = toy_plan(graph, &floats, 4, false);
        if (reader < 3)
            assert_ptr_not_equal(cni_plan_data(plan, a), cni_plan_data(plan, b));
        else
            assert_ptr_equal(cni_plan_data(plan, a), cni_plan_data(plan, b));
        cni_plan_free(plan);
    }
}

static void sizes_must_be_equal(void **state)
{
    (void)state;
    const cni_shape in[] = {CNI_SHAPE(CNI_UNKNOWN, 16), CNI_SHAPE(CNI_UNKNOWN, 16), CNI_SHAPE(CNI_UNKNOWN, 16)};
    const cni_shape out[] = {CNI_SHAPE(CNI_UNKNOWN, 4, 4), CNI_SHAPE(CNI_UNKNOWN, 15), CNI_SHAPE(16)};
    for (int i = 0; i < 3; i++) {
        cni_graph *graph = cni_graph_new();
        cni_tensor *a = toy_linear(graph, cni_graph_input(graph, in[i]), 2);
        cni_tensor *b = toy_append(graph, &toy_add_kind, NULL, a, a->producer->in[0], out[i]);
        toy_linear(graph, b, 1)->is_output = true;
        cni_plan *plan = toy_plan(graph, &floats, 1, false); /* with one image (16,) is as large as (None, 16) */
        assert_true((cni_plan_data(plan, a) == cni_plan_data(plan, b)) == (i == 0));
        cni_plan_free(plan);
    }
}

/* What the update reads of the gradients is not written over by the update. */
static void gradients_stay_for_the_update(void **state)
{
    (void)state;
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(4)), *gradient = toy_linear(graph, x, 2);
    graph->segment = CNI_UPDATE;
    cni_tensor *y = toy_linear(graph, toy_add(graph, gradient, x), 1);
    y->is_output = true;
    cni_plan *plan = toy_plan(graph, &floats, 1, false);
    *(float *)cni_plan_data(plan, x) = 5;
    cni_plan_run(plan, CNI_GRADIENTS, 1);
    for (int i = 0; i < 2; i++) {
        cni_plan_run(plan, CNI_UPDATE, 1);
        assert_true(*(float *)cni_plan_data(plan, y) == 15);
        assert_true(*(float *)cni_plan_data(plan, gradient) == 10);
    }
    cni_plan_free(plan);
}

static void aliases_share(void **state)
{
    (void)state;
    float weights[6] = {1, 2, 3, 4, 5, 6};
    cni_variable variable = {.shape = CNI_SHAPE(2, 3), .data = weights, .version = 1};
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 6));
    cni_tensor *flat = toy_reshape(graph, cni_graph_variable(graph, &variable), CNI_SHAPE(6));
    cni_tensor *a = toy_linear(graph, x, 2);
    cni_tensor *b = toy_reshape(graph, toy_reshape(graph, a, CNI_SHAPE(CNI_UNKNOWN, 2, 3)), CNI_SHAPE(CNI_UNKNOWN, 6));
    cni_tensor *sum = toy_sum(graph, flat);
    b->is_output = sum->is_output = true;
    cni_plan *plan = toy_plan(graph, &floats, 2, false);
    assert_ptr_equal(cni_plan_data(plan, flat), weights);
    assert_ptr_equal(cni_plan_data(plan, a), cni_plan_data(plan, b));
    assert_int_equal(cni_plan_steps(plan), 2);
    *(float *)cni_plan_data(plan, x) = 5;
    cni_plan_run(plan, CNI_GRADIENTS, 2);
    assert_true(*(float *)cni_plan_data(plan, sum) == 21);
    assert_true(*(float *)cni_plan_data(plan, b) == 10);
    cni_plan_free(plan);
}

/* Each segment runs its own ops; writers come last and count the version up. */
static void segments(void **state)
{
    (void)state;
    float weights[2] = {1, 2};
    cni_variable variable = {.shape = CNI_SHAPE(2), .data = weights, .version = 1};
    cni_graph *graph = cni_graph_new();
    cni_tensor *w = cni_graph_variable(graph, &variable), *gradient = cni_graph_constant(graph, CNI_SHAPE(2), 1);
    int rate = cni_graph_scalar(graph);
    graph->segment = CNI_UPDATE;
    toy_descend(graph, &variable, gradient, rate);
    cni_tensor *before = toy_linear(graph, w, 1);
    graph->segment = CNI_GRADIENTS;
    cni_tensor *twice = toy_linear(graph, w, 2);
    before->is_output = twice->is_output = true;
    cni_plan *plan = toy_plan(graph, &floats, 1, false);
    cni_plan_scalars(plan)[rate] = 0.5;
    cni_plan_run(plan, CNI_GRADIENTS, 1);
    assert_int_equal(variable.version, 1);
    cni_plan_run(plan, CNI_REDUCE, 1);
    cni_plan_run(plan, CNI_UPDATE, 1);
    assert_int_equal(variable.version, 2);
    assert_true(weights[0] == 0.5f && weights[1] == 1.5f);
    assert_true(((float *)cni_plan_data(plan, before))[1] == 2); /* it read before the write */
    cni_plan_run(plan, CNI_GRADIENTS, 1);
    assert_true(((float *)cni_plan_data(plan, twice))[1] == 3);
    cni_plan_free(plan);
}

static void a_writers_output_is_for_later(void **state)
{
    (void)state;
    float weights[2] = {1, 2};
    cni_variable variable = {.shape = CNI_SHAPE(2), .data = weights, .version = 1};
    cni_graph *graph = cni_graph_new();
    cni_op *op = toy_descend(graph, &variable, cni_graph_constant(graph, CNI_SHAPE(2), 1), cni_graph_scalar(graph));
    toy_linear(graph, op->out[0], 1)->is_output = true;
    cni_plan *plan = NULL;
    cni_error error = {0};
    assert_int_equal(cni_plan_new(graph, &(cni_plan_options){.batch = 1, .kernels = &floats}, &plan, &error),
                     CN_ERR_INVALID);
    assert_null(plan);
}

/* Predictors do not see what training writes until they ask. */
static void snapshots(void **state)
{
    (void)state;
    float weights[2] = {1, 2};
    cni_variable variable = {.shape = CNI_SHAPE(2), .data = weights, .version = 7};
    cni_graph *graph = cni_graph_new();
    cni_tensor *w = cni_graph_variable(graph, &variable), *y = toy_linear(graph, w, 1);
    y->is_output = true;
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = 1, .kernels = &floats, .snapshot = true};
    assert_int_equal(cni_plan_new(graph, &options, &plan, &error), CN_OK);
    weights[1] = 5;
    uint64_t version = w->variable->version;
    cni_plan_run(plan, CNI_GRADIENTS, 1);
    assert_true(((float *)cni_plan_data(plan, y))[1] == 2);
    assert_true(w->variable->version == version && version > 0);
    cni_plan_refresh(plan);
    assert_true(w->variable->version > version); /* packed copies are stale */
    cni_plan_run(plan, CNI_GRADIENTS, 1);
    assert_true(((float *)cni_plan_data(plan, y))[1] == 5);
    cni_plan_free(plan);
}

/* In double everything is double, constants and variables too, and the master is left alone. */
static void double_plans(void **state)
{
    (void)state;
    float weights[3] = {0.1f, 0.2f, 0.3f};
    cni_variable variable = {.shape = CNI_SHAPE(3), .data = weights, .version = 1};
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(3)), *third = cni_graph_constant(graph, CNI_SHAPE(3), 1.0 / 3);
    cni_tensor *w = cni_graph_variable(graph, &variable);
    cni_tensor *y = toy_add(graph, toy_multiply(graph, w, third), x);
    y->is_output = true;
    int rate = cni_graph_scalar(graph);
    graph->segment = CNI_UPDATE;
    toy_descend(graph, &variable, third, rate);
    cni_plan *plan = toy_plan(graph, &doubles, 1, false);
    cni_plan_scalars(plan)[rate] = 1;
    ((double *)cni_plan_data(plan, x))[2] = 1e-12;
    cni_plan_run(plan, CNI_GRADIENTS, 1);
    assert_true(((double *)cni_plan_data(plan, y))[2] == (double)0.3f * (1.0 / 3) + 1e-12);
    cni_plan_run(plan, CNI_UPDATE, 1);
    assert_true(((double *)cni_plan_data(plan, w))[2] == (double)0.3f - 1.0 / 3);
    assert_true(weights[2] == 0.3f && variable.version == 1);
    cni_plan_refresh(plan);
    assert_true(((double *)cni_plan_data(plan, w))[2] == (double)0.3f);
    cni_plan_free(plan);
}

static void run_count(cni_step *step, const cni_run *run)
{
    toy_set(run, step->out[0], 0, ++*(double *)step->persistent);
}

static size_t count_persistent(const cni_op *op, const cni_run *most)
{
    (void)op;
    return most->n == 3 && cni_pool_threads(most->pool) == 1 ? sizeof(double) : 0;
}

static void persistent_memory_stays(void **state)
{
    (void)state;
    static const cni_op_kind kind = {.name = "count", .persistent = count_persistent, .run = run_count};
    for (int no_sharing = 0; no_sharing < 2; no_sharing++) {
        cni_graph *graph = cni_graph_new();
        cni_tensor *y[2];
        for (int i = 0; i < 2; i++) {
            y[i] = cni_append(graph, &kind, NULL, 0, NULL, 1, &(cni_shape){0})->out[0];
            y[i]->is_output = true;
            graph->segment = CNI_REDUCE;
        }
        cni_plan *plan = toy_plan(graph, &floats, 3, no_sharing);
        for (int i = 0; i < 3; i++) cni_plan_run(plan, CNI_GRADIENTS, 1);
        cni_plan_run(plan, CNI_REDUCE, 1);
        assert_true(*(float *)cni_plan_data(plan, y[0]) == 3);
        assert_true(*(float *)cni_plan_data(plan, y[1]) == 1);
        cni_plan_free(plan);
    }
}

static int tallied; /* how often something was called */

/* 2^-140 is no normal float. */
static void denormals_are_zero_in_a_run(void **state)
{
    (void)state;
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(1)), *y = toy_multiply(graph, x, x);
    y->is_output = true;
    cni_plan *plan = toy_plan(graph, &floats, 1, false);
    volatile float small = 0x1p-70f;
    *(float *)cni_plan_data(plan, x) = small;
    cni_plan_run(plan, CNI_GRADIENTS, 1);
#if defined __x86_64__ || defined __aarch64__
    assert_true(*(float *)cni_plan_data(plan, y) == 0);
#endif
    assert_true(small * small > 0); /* the caller's mode is what it was */
    cni_plan_free(plan);
}

/* Steady ops: y = x + f(v), where f is run only when v has changed. */

static void run_tally(cni_step *step, const cni_run *run)
{
    tallied++;
    for (size_t i = 0, n = toy_count(step, run); i < n; i++)
        toy_set(run, step->out[0], i, 3 * toy_get(run, step->in[0], i));
}

static const cni_op_kind tally_kind = {.name = "tally", .run = run_tally, .in_place = true};
static const cni_op_kind restless_kind = {.name = "restless", .run = run_tally, .restless = true};

typedef struct steady_plan {
    float weights[2];
    cni_variable variable;
    cni_plan *plan;
    cni_tensor *x, *y, *f;
} steady_plan;

/* Between x and y lie more tensors, which would like to have the memory of what is steady. */
static void make_steady(steady_plan *s, const cni_op_kind *kind, const cni_kernels *kernels, bool snapshot)
{
    s->weights[0] = 1;
    s->weights[1] = 2;
    s->variable = (cni_variable){.shape = CNI_SHAPE(2), .data = s->weights, .version = 5};
    cni_graph *graph = cni_graph_new();
    s->x = cni_graph_input(graph, CNI_SHAPE(2));
    cni_tensor *w = cni_graph_variable(graph, &s->variable), *x = s->x;
    for (int i = 0; i < 4; i++) x = toy_transpose(graph, toy_reshape(graph, x, CNI_SHAPE(1, 1, 2)), 0, 2, 1);
    x = toy_reshape(graph, x, CNI_SHAPE(2));
    s->f = toy_append(graph, kind, NULL, toy_reshape(graph, w, CNI_SHAPE(2)), NULL, CNI_SHAPE(2));
    s->f = toy_append(graph, kind, NULL, s->f, NULL, CNI_SHAPE(2));
    s->y = toy_add(graph, x, s->f);
    s->y->is_output = true;
    cni_error error = {0};
    const cni_plan_options options = {.batch = 1, .kernels = kernels, .snapshot = snapshot};
    tallied = 0;
    assert_int_equal(cni_plan_new(graph, &options, &s->plan, &error), CN_OK);
}

static double run_steady_plan(steady_plan *s, const cni_kernels *kernels)
{
    const cni_run run = {.kernels = kernels};
    toy_set(&run, cni_plan_data(s->plan, s->x), 1, 100);
    cni_plan_run(s->plan, CNI_GRADIENTS, 1);
    return toy_get(&run, cni_plan_data(s->plan, s->y), 1);
}

static void steady_ops_run_when_a_variable_changes(void **state)
{
    (void)state;
    steady_plan s;
    make_steady(&s, &tally_kind, &floats, false);
    assert_int_equal(tallied, 2); /* when the plan is made */
    for (int i = 0; i < 3; i++) assert_true(run_steady_plan(&s, &floats) == 118);
    assert_int_equal(tallied, 2);
    s.weights[1] = 3;
    s.variable.version++;
    for (int i = 0; i < 3; i++) assert_true(run_steady_plan(&s, &floats) == 127);
    assert_int_equal(tallied, 4);
    double seconds[20] = {0};
    s.variable.version++;
    cni_plan_run_timed(s.plan, CNI_GRADIENTS, 1, seconds);
    assert_int_equal(tallied, 6);
    cni_plan_free(s.plan);
}

static void steady_ops_follow_copies(void **state)
{
    (void)state;
    const cni_kernels *kernels[] = {&floats, &doubles};
    for (int i = 0; i < 2; i++) {
        steady_plan s;
        make_steady(&s, &tally_kind, kernels[i], i == 0);
        assert_int_equal(tallied, 2);
        s.weights[1] = 3;
        s.variable.version++;
        assert_true(run_steady_plan(&s, kernels[i]) == 118);
        assert_int_equal(tallied, 2);
        cni_plan_refresh(s.plan);
        assert_true(run_steady_plan(&s, kernels[i]) == 127);
        assert_int_equal(tallied, 4);
        cni_plan_free(s.plan);
    }
}

static void restless_ops_run_each_time(void **state)
{
    (void)state;
    steady_plan s;
    make_steady(&s, &restless_kind, &floats, false);
    assert_int_equal(tallied, 0);
    for (int i = 1; i < 4; i++) {
        assert_true(run_steady_plan(&s, &floats) == 118);
        assert_int_equal(tallied, 2 * i);
    }
    cni_plan_free(s.plan);
}

/* What depends on a variable that the plan writes, and what computes it, is not steady. */
static void written_variables_are_not_steady(void **state)
{
    (void)state;
    float weights[2] = {1, 2};
    cni_variable variable = {.shape = CNI_SHAPE(2), .data = weights, .version = 1};
    cni_graph *graph = cni_graph_new();
    cni_tensor *y = toy_append(graph, &tally_kind, NULL, cni_graph_variable(graph, &variable), NULL, CNI_SHAPE(2));
    cni_tensor *one = toy_append(graph, &tally_kind, NULL, cni_graph_constant(graph, CNI_SHAPE(2), 1), NULL, y->shape);
    y->is_output = one->is_output = true;
    const int rate = cni_graph_scalar(graph);
    toy_descend(graph, &variable, one, rate);
    tallied = 0;
    cni_plan *plan = toy_plan(graph, &floats, 1, false);
    assert_int_equal(tallied, 1);
    cni_plan_scalars(plan)[rate] = 1;
    for (int i = 0; i < 3; i++) {
        cni_plan_run(plan, CNI_GRADIENTS, 1);
        assert_true(((float *)cni_plan_data(plan, y))[1] == (float)(3 * (2 - 3 * i)));
    }
    assert_int_equal(tallied, 4);
    cni_plan_free(plan);
}

/* Steps that threads make slower run alone, the others with all threads; and that may change. */

enum { SLOW_ALONE, SLOW_TOGETHER, PACED };
static int pooled[PACED]; /* runs with the pool, by step */
static bool reversed;

static void run_paced(cni_step *step, const cni_run *run)
{
    const int which = *(const int *)step->op->attributes;
    const bool slow = (run->pool != NULL) == ((which == SLOW_TOGETHER) != reversed);
    pooled[which] += run->pool != NULL;
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < (slow ? 60000 : 5000));
    toy_set(run, step->out[0], 0, 1);
}

static int runs_with_pool(cni_plan *plan, int n, int runs, int which)
{
    pooled[which] = 0;
    for (int i = 0; i < runs; i++) cni_plan_run(plan, CNI_GRADIENTS, n);
    return pooled[which];
}

static void steps_choose_their_threads(void **state)
{
    (void)state;
    static const cni_op_kind kind = {.name = "paced", .attributes_size = sizeof(int), .run = run_paced};
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 1));
    for (int i = 0; i < PACED; i++) {
        cni_tensor *y = toy_append(graph, &kind, &i, x, NULL, x->shape);
        y->is_output = true;
    }
    cni_pool *pool = cni_pool_new(2);
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = 4, .kernels = &floats, .pool = pool};
    reversed = false;
    assert_int_equal(cni_plan_new(graph, &options, &plan, &error), CN_OK);
    assert_int_equal(runs_with_pool(plan, 4, 6, SLOW_TOGETHER), 6); /* the first runs go with all threads */
    runs_with_pool(plan, 4, 40, SLOW_ALONE);
    assert_int_equal(runs_with_pool(plan, 4, 50, SLOW_ALONE), 50);
    assert_int_equal(runs_with_pool(plan, 4, 50, SLOW_TOGETHER), 0);
    reversed = true; /* smaller batches now and then change nothing, many of them begin anew */
    assert_int_equal(runs_with_pool(plan, 1, 50, SLOW_TOGETHER), 0);
    runs_with_pool(plan, 1, 100, SLOW_ALONE);
    assert_int_equal(runs_with_pool(plan, 1, 50, SLOW_ALONE), 0);
    assert_int_equal(runs_with_pool(plan, 1, 50, SLOW_TOGETHER), 50);
    cni_plan_free(plan);
    cni_pool_free(pool);
}

static void a_plan_can_be_read(void **state)
{
    (void)state;
    float weights[4] = {0};
    cni_variable variable = {.name = "kernel", .shape = CNI_SHAPE(4), .data = weights, .version = 1};
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 4)), *w = cni_graph_variable(graph, &variable);
    cni_op *op = cni_append(graph, &toy_mix_kind, NULL, 3, (cni_tensor *[]){x, w, NULL}, 1, &x->shape);
    op->out[0]->is_output = true;
    cni_plan *plan = toy_plan(graph, &floats, 3, false);
    char text[2000] = {0};
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    cni_plan_print(plan, out);
    fclose(out);
    assert_non_null(strstr(text, "  0 gradients toy_mix: t0(None, 4)@0 t1(4,)@kernel - -> t2(None, 4)@64\n"));
    cni_plan_free(plan);
}

static void too_much_memory(void **state)
{
    (void)state;
    static const struct {
        int64_t width;
        int batch;
        size_t budget;
        const char *why;
    } cases[] = {
        {1 << 20, 8, 1 << 20, "there are 1.0 MB: choose a smaller batch or smaller images"},
        {INT64_C(1) << 40, 1 << 20, 0, ""},   /* over what the machine has */
        {INT64_C(1) << 47, INT32_MAX, 0, ""}, /* over what can be counted */
        {INT64_C(1) << 45, 8, (size_t)1 << 60, "the system refuses them"},
        {INT64_C(1) << 46, 1, (size_t)1 << 60, ": choose smaller images"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cni_graph *graph = cni_graph_new();
        cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, cases[i].width));
        toy_linear(graph, x, 1)->is_output = true;
        cni_plan *plan = NULL;
        cni_error error = {0};
        const cni_plan_options options = {.batch = cases[i].batch, .kernels = &floats, .budget = cases[i].budget};
        assert_int_equal(cni_plan_new(graph, &options, &plan, &error), CN_ERR_MEMORY);
        assert_non_null(strstr(error.text, CNI_SHOW_SHAPE(&CNI_SHAPE(CNI_UNKNOWN, cases[i].width))));
        if (!strstr(error.text, cases[i].why)) fail_msg("%s", error.text);
        assert_null(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_do_not_overlap),
        cmocka_unit_test(places_fill_gaps),
        cmocka_unit_test(the_best_gap_is_taken),
        cmocka_unit_test(sizes_must_be_equal),
        cmocka_unit_test(gradients_stay_for_the_update),
        cmocka_unit_test(sharing_changes_nothing),
        cmocka_unit_test(in_place),
        cmocka_unit_test(not_in_place),
        cmocka_unit_test(aliases_share),
        cmocka_unit_test(segments),
        cmocka_unit_test(a_writers_output_is_for_later),
        cmocka_unit_test(snapshots),
        cmocka_unit_test(double_plans),
        cmocka_unit_test(persistent_memory_stays),
        cmocka_unit_test(denormals_are_zero_in_a_run),
        cmocka_unit_test(steady_ops_run_when_a_variable_changes),
        cmocka_unit_test(steady_ops_follow_copies),
        cmocka_unit_test(restless_ops_run_each_time),
        cmocka_unit_test(written_variables_are_not_steady),
        cmocka_unit_test(steps_choose_their_threads),
        cmocka_unit_test(a_plan_can_be_read),
        cmocka_unit_test(too_much_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
