/* SPDX-License-Identifier: Apache-2.0
 * What ops compute, by their definitions: with fewer images than the plan is made for, with one thread and with many.
 * What they refuse, and in which words. */
#include "graph/ops/batch_norm.h"
#include "graph/ops/binary.h"
#include "graph/ops/concatenate.h"
#include "graph/ops/dropout.h"
#include "graph/ops/moving.h"
#include "graph/ops/pad.h"
#include "graph/ops/reduce.h"
#include "graph/ops/reshape.h"
#include "graph/ops/softmax.h"
#include "graph/ops/transpose.h"
#include "graph/ops/unary.h"
#include "graph/plan.h"
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define BATCH CNI_UNKNOWN

enum { BATCH_SIZE = 5, N = 3, INPUTS = 3 };

/* A graph of one op, run; x[i] are its inputs, filled with numbers that are all different and exact in float. */
typedef struct world {
    cni_graph *graph;
    cni_plan *plan;
    cni_pool *pool;
    cni_kernels kernels;
    cni_tensor *in[INPUTS];
    const float *x[INPUTS];
    const float *y;
} world;

static void begin(world *w, cni_pool *pool, const cni_shape *shapes, int inputs)
{
    *w = (world){.graph = cni_graph_new(), .pool = pool};
    cni_kernels_init(&w->kernels, cni_cpu_isa(NULL));
    for (int i = 0; i < inputs; i++) w->in[i] = cni_graph_input(w->graph, shapes[i]);
}

static void finish(world *w, cni_tensor *y)
{
    cni_error error = {0};
    const cni_plan_options options = {.batch = BATCH_SIZE, .kernels = &w->kernels, .pool = w->pool, .no_sharing = true};
    y->is_output = true;
    if (cni_plan_new(w->graph, &options, &w->plan, &error)) fail_msg("%s", error.text);
    for (int i = 0; i < INPUTS && w->in[i]; i++) {
        float *data = cni_plan_data(w->plan, w->in[i]);
        for (size_t k = 0; k < cni_tensor_count(w->in[i], BATCH_SIZE); k++)
            data[k] = (float)((k * 7 + (size_t)i * 3) % 1021) - 500;
        w->x[i] = data;
    }
    cni_plan_run(w->plan, CNI_GRADIENTS, N);
    w->y = cni_plan_data(w->plan, y);
}

static void for_one_and_many_threads(void (*check)(cni_pool *pool))
{
    check(NULL);
    cni_pool *pool = cni_pool_new(4);
    check(pool);
    cni_pool_free(pool);
}

/* Large enough to be divided among threads */
enum { H = 33, W = 29, C = 37, IMAGE = H * W * C };

static const cni_shape image = {4, {BATCH, H, W, C}};

static size_t at(size_t n, size_t h, size_t w, size_t c)
{
    return ((n * H + h) * W + w) * C + c;
}

#define FOR_EACH_ELEMENT                                                                                               \
    for (size_t n = 0; n < N; n++)                                                                                     \
        for (size_t h = 0; h < H; h++)                                                                                 \
            for (size_t w = 0; w < W; w++)                                                                             \
                for (size_t c = 0; c < C; c++)

static void check_transpose(cni_pool *pool)
{
    world o;
    begin(&o, pool, &image, 1);
    finish(&o, cni_channels_to_first(o.graph, o.in[0]));
    FOR_EACH_ELEMENT assert_true(o.y[((n * C + c) * H + h) * W + w] == o.x[0][at(n, h, w, c)]);
    cni_plan_free(o.plan);

    begin(&o, pool, &CNI_SHAPE(BATCH, C, H, W), 1);
    finish(&o, cni_channels_to_last(o.graph, o.in[0]));
    FOR_EACH_ELEMENT assert_true(o.y[at(n, h, w, c)] == o.x[0][((n * C + c) * H + h) * W + w]);
    cni_plan_free(o.plan);

    begin(&o, pool, &image, 1);
    finish(&o, cni_transpose(o.graph, o.in[0], (int[]){0, 3, 2, 1}));
    FOR_EACH_ELEMENT assert_true(o.y[((n * C + c) * W + w) * H + h] == o.x[0][at(n, h, w, c)]);
    cni_plan_free(o.plan);
}

static void transposes(void **state)
{
    (void)state;
    for_one_and_many_threads(check_transpose);
}

static void check_pad(cni_pool *pool)
{
    world o;
    const int64_t before[] = {0, 2, -1, 0}, after[] = {0, 1, 3, 5};
    const size_t h2 = H + 3, w2 = W + 2, c2 = C + 5;
    begin(&o, pool, &image, 1);
    cni_tensor *y = cni_pad(o.graph, o.in[0], before, after);
    assert_true(cni_shape_equal(&y->shape, &CNI_SHAPE(BATCH, (int64_t)h2, (int64_t)w2, (int64_t)c2)));
    finish(&o, y);
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < h2; h++)
            for (size_t w = 0; w < w2; w++)
                for (size_t c = 0; c < c2; c++) {
                    const bool inside = h >= 2 && h < H + 2 && w < W - 1 && c < C;
                    assert_true(o.y[((n * h2 + h) * w2 + w) * c2 + c] == (inside ? o.x[0][at(n, h - 2, w + 1, c)] : 0));
                }
    cni_plan_free(o.plan);

    begin(&o, pool, &image, 1);
    finish(&o, cni_slice(o.graph, o.in[0], -2, 4, 20));
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < H; h++)
            for (size_t w = 0; w < 20; w++)
                for (size_t c = 0; c < C; c++)
                    assert_true(o.y[((n * H + h) * 20 + w) * C + c] == o.x[0][at(n, h, w + 4, c)]);
    cni_plan_free(o.plan);
}

static void pads_and_slices(void **state)
{
    (void)state;
    for_one_and_many_threads(check_pad);
}

static void check_concatenate(cni_pool *pool)
{
    world o;
    const cni_shape shapes[] = {image, {4, {BATCH, H, W, 3}}, {4, {BATCH, H, W, 1}}};
    begin(&o, pool, shapes, 3);
    finish(&o, cni_concatenate(o.graph, o.in, 3, -1));
    const size_t widths[] = {C, 3, 1};
    for (size_t r = 0; r < N * H * W; r++)
        for (size_t i = 0, column = 0; i < 3; column += widths[i++])
            for (size_t c = 0; c < widths[i]; c++)
                assert_true(o.y[r * (C + 4) + column + c] == o.x[i][r * widths[i] + c]);
    cni_plan_free(o.plan);

    const cni_shape tall[] = {image, {4, {BATCH, 2, W, C}}};
    begin(&o, pool, tall, 2);
    finish(&o, cni_concatenate(o.graph, o.in, 2, 1));
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < H + 2; h++)
            for (size_t k = 0; k < W * C; k++)
                assert_true(o.y[(n * (H + 2) + h) * W * C + k] ==
                            (h < H ? o.x[0][(n * H + h) * W * C + k] : o.x[1][(n * 2 + h - H) * W * C + k]));
    cni_plan_free(o.plan);
}

static void concatenations(void **state)
{
    (void)state;
    for_one_and_many_threads(check_concatenate);
}

/* Each pattern of repeated axes; SUBTRACT, so that the operands cannot be taken for each other. */
static void check_broadcasting(cni_pool *pool)
{
    const cni_shape others[] = {
        image,          {1, {C}}, {4, {BATCH, 1, 1, C}}, {4, {BATCH, H, W, 1}}, {4, {BATCH, 1, W, 1}},
        {3, {H, 1, C}}, {0},      {4, {1, H, 1, 1}}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (int swapped = 0; swapped < 2; swapped++) {
            world o;
            const cni_shape shapes[] = {image, others[i]};
            const int missing = 4 - others[i].rank;
            size_t step[4] = {0}, size = 1;
            for (int k = 3; k >= missing; k--) {
                const int64_t dim = others[i].dims[k - missing];
                step[k] = dim == 1 ? 0 : size;
                size *= dim == BATCH ? N : (size_t)dim;
            }
            begin(&o, pool, shapes, 2);
            finish(&o, cni_unary_op(o.graph, cni_subtract(o.graph, o.in[swapped], o.in[!swapped]),
                                    (cni_epilogue){CNI_LEAKY_RELU, 2, 0, 0}));
            assert_int_equal(cni_plan_steps(o.plan), 1); /* the function is fused */
            FOR_EACH_ELEMENT
            {
                const float d = o.x[0][at(n, h, w, c)] - o.x[1][n * step[0] + h * step[1] + w * step[2] + c * step[3]];
                const float expected = swapped ? -d : d;
                assert_true(o.y[at(n, h, w, c)] == (expected >= 0 ? expected : 2 * expected));
            }
            cni_plan_free(o.plan);
        }
}

static void broadcasting(void **state)
{
    (void)state;
    for_one_and_many_threads(check_broadcasting);
}

/* Sums and maxima over each set of axes; the numbers are whole, so that every order gives the same. */
static void check_reduce(cni_pool *pool)
{
    for (unsigned axes = 1; axes < 16; axes++)
        for (int f = 0; f < 3; f++) {
            const cni_reduction functions[] = {CNI_SUM, CNI_MAX, CNI_MEAN};
            world o;
            begin(&o, pool, &image, 1);
            cni_tensor *y = cni_reduce(o.graph, functions[f], o.in[0], axes, axes & 2);
            finish(&o, y);
            static double expected[N * IMAGE];
            const size_t dims[] = {N, H, W, C};
            size_t step[4], size = 1, count = 1;
            for (int k = 3; k >= 0; k--) {
                step[k] = axes >> k & 1 ? 0 : size;
                size *= axes >> k & 1 ? 1 : dims[k];
                count *= axes >> k & 1 ? dims[k] : 1;
            }
            assert_int_equal(cni_tensor_count(y, N), size);
            for (size_t i = 0; i < size; i++) expected[i] = f == 1 ? -INFINITY : 0;
            FOR_EACH_ELEMENT
            {
                double *e = &expected[n * step[0] + h * step[1] + w * step[2] + c * step[3]];
                *e = f == 1 ? fmax(*e, o.x[0][at(n, h, w, c)]) : *e + o.x[0][at(n, h, w, c)];
            }
            for (size_t i = 0; i < size; i++) {
                const double e = f == 2 ? expected[i] / (double)count : expected[i];
                if (!(fabs(o.y[i] - e) <= 1e-6 * fmax(1, fabs(e))))
                    fail_msg("axes %#x: %g, %g", axes, (double)o.y[i], e);
            }
            cni_plan_free(o.plan);
        }
}

static void reductions(void **state)
{
    (void)state;
    for_one_and_many_threads(check_reduce);
}

static void check_softmax(cni_pool *pool)
{
    world o;
    begin(&o, pool, &image, 1);
    finish(&o, cni_softmax(o.graph, cni_affine(o.graph, o.in[0], 0.01, 0), 1));
    for (size_t n = 0; n < N; n++)
        for (size_t k = 0; k < W * C; k++) {
            double sum = 0;
            for (size_t h = 0; h < H; h++) sum += exp(0.01 * (double)o.x[0][(n * H + h) * W * C + k]);
            for (size_t h = 0; h < H; h++) {
                const double e = exp(0.01 * (double)o.x[0][(n * H + h) * W * C + k]) / sum;
                assert_true(fabs(o.y[(n * H + h) * W * C + k] - e) < 1e-6 * e);
            }
        }
    cni_plan_free(o.plan);
}

static void softmax_over_rows(void **state)
{
    (void)state;
    for_one_and_many_threads(check_softmax);
}

static void glu_and_prelu(void **state)
{
    (void)state;
    world o;
    begin(&o, NULL, &CNI_SHAPE(BATCH, 4), 1);
    cni_tensor *x = cni_affine(o.graph, o.in[0], 0.01, 0);
    finish(&o, cni_glu(o.graph, x, -1));
    for (int n = 0; n < N; n++)
        for (int i = 0; i < 2; i++) {
            const double a = 0.01 * (double)o.x[0][4 * n + i], b = 0.01 * (double)o.x[0][4 * n + 2 + i];
            assert_true(fabs(o.y[2 * n + i] - a / (1 + exp(-b))) < 1e-6);
        }
    cni_plan_free(o.plan);

    const cni_shape shapes[] = {{3, {BATCH, 100, 4}}, {2, {1, 4}}};
    begin(&o, NULL, shapes, 2);
    finish(&o, cni_prelu(o.graph, o.in[0], o.in[1]));
    for (int i = 0; i < N * 400; i++) assert_true(o.y[i] == (o.x[0][i] > 0 ? o.x[0][i] : o.x[0][i] * o.x[1][i % 4]));
    cni_plan_free(o.plan);
}

/* Refusals */

typedef cni_tensor *refused(cni_graph *graph, cni_tensor *x);

static cni_tensor *bad_reshape(cni_graph *graph, cni_tensor *x)
{
    return cni_reshape(graph, x, CNI_SHAPE(BATCH, 7));
}

static cni_tensor *bad_reshape_of_batch(cni_graph *graph, cni_tensor *x)
{
    return cni_reshape(graph, x, CNI_SHAPE(2, 3));
}

static cni_tensor *bad_transpose(cni_graph *graph, cni_tensor *x)
{
    return cni_transpose(graph, x, (int[]){1, 0, 2});
}

static cni_tensor *bad_permutation(cni_graph *graph, cni_tensor *x)
{
    return cni_transpose(graph, x, (int[]){0, 1, 1});
}

static cni_tensor *bad_slice(cni_graph *graph, cni_tensor *x)
{
    return cni_slice(graph, x, 1, 1, 2);
}

static cni_tensor *bad_slice_axis(cni_graph *graph, cni_tensor *x)
{
    return cni_slice(graph, x, 5, 0, 1);
}

static cni_tensor *slice_of_batch(cni_graph *graph, cni_tensor *x)
{
    return cni_slice(graph, x, 0, 0, 1);
}

static cni_tensor *bad_crop(cni_graph *graph, cni_tensor *x)
{
    return cni_pad(graph, x, (int64_t[]){0, 0, -2}, (int64_t[]){0, 0, -1});
}

static cni_tensor *bad_concatenate(cni_graph *graph, cni_tensor *x)
{
    return cni_concatenate(graph, (cni_tensor *[]){x, cni_graph_input(graph, CNI_SHAPE(BATCH, 2, 4))}, 2, 1);
}

static cni_tensor *concatenation_of_batches(cni_graph *graph, cni_tensor *x)
{
    return cni_concatenate(graph, (cni_tensor *[]){x, x}, 2, 0);
}

static cni_tensor *bad_softmax(cni_graph *graph, cni_tensor *x)
{
    return cni_softmax(graph, x, 3);
}

static cni_tensor *softmax_of_batch(cni_graph *graph, cni_tensor *x)
{
    return cni_softmax(graph, x, -3);
}

static cni_tensor *bad_glu(cni_graph *graph, cni_tensor *x)
{
    return cni_glu(graph, x, -1);
}

static cni_tensor *bad_broadcast(cni_graph *graph, cni_tensor *x)
{
    return cni_broadcast(graph, x, CNI_SHAPE(BATCH, 4, 3));
}

static cni_tensor *bad_rate(cni_graph *graph, cni_tensor *x)
{
    return cni_dropout(graph, x, &(cni_seed_state){1, 0}, 1.5, NULL);
}

static cni_tensor *bad_noise(cni_graph *graph, cni_tensor *x)
{
    return cni_dropout(graph, x, &(cni_seed_state){1, 0}, 0.5, &CNI_SHAPE(BATCH, 2, 2));
}

static cni_tensor *bad_gamma(cni_graph *graph, cni_tensor *x)
{
    return cni_batch_norm_train(graph, x, cni_graph_input(graph, CNI_SHAPE(2)), NULL, 1e-3).y;
}

static cni_tensor *bad_statistics(cni_graph *graph, cni_tensor *x)
{
    cni_tensor *two = cni_graph_input(graph, CNI_SHAPE(2)), *three = cni_graph_input(graph, CNI_SHAPE(3));
    return cni_batch_norm_inference(graph, x, NULL, NULL, three, two, 1e-3);
}

static cni_tensor *bad_moving(cni_graph *graph, cni_tensor *x)
{
    static cni_variable variable = {.name = "moving_mean", .shape = {1, {4}}};
    cni_assign_moving(graph, &variable, x, 0.9);
    return x;
}

static const struct {
    refused *build;
    const char *says;
} refusals[] = {
    {bad_reshape, "reshape: the size must stay the same"},
    {bad_reshape_of_batch, "reshape: the size must stay the same"},
    {bad_transpose, "a batch must stay in front"},
    {bad_permutation, "each be named once"},
    {bad_slice, "choose them within its size"},
    {bad_slice_axis, "choose them within its size"},
    {slice_of_batch, "choose them within its size"},
    {bad_crop, "something of it must be left"},
    {bad_concatenate, "must agree in all but axis 1"},
    {concatenation_of_batches, "an axis behind the batch"},
    {bad_softmax, "axis 3 is not possible for shape (None, 2, 3)"},
    {softmax_of_batch, "choose one behind the batch"},
    {bad_glu, "its size must be even"},
    {bad_broadcast, "cannot be repeated"},
    {bad_rate, "choose one from 0 to 1"},
    {bad_noise, "each entry must be None, 1 or that dimension"},
    {bad_gamma, "they must be (3,)"},
    {bad_statistics, "they must be (3,)"},
    {bad_moving, "moving_mean"},
};

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        cni_graph *graph = cni_graph_new();
        cni_tensor *y = refusals[i].build(graph, cni_graph_input(graph, CNI_SHAPE(BATCH, 2, 3)));
        assert_non_null(y);
        if (!graph->error.status || !strstr(graph->error.text, refusals[i].says))
            fail_msg("refusal %zu says \"%s\" and not \"%s\"", i, graph->error.text, refusals[i].says);
        cni_add(graph, y, y); /* building goes on */
        cni_graph_free(graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transposes),    cmocka_unit_test(pads_and_slices), cmocka_unit_test(concatenations),
        cmocka_unit_test(broadcasting),  cmocka_unit_test(reductions),      cmocka_unit_test(softmax_over_rows),
        cmocka_unit_test(glu_and_prelu), cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
