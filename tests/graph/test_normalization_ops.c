/* SPDX-License-Identifier: Apache-2.0
 * Batch normalization, moving averages and dropout: gradients, Keras' numbers, and independence of the threads. */
#include "graph/gradient_check.h"
#include "graph/ops/batch_norm.h"
#include "graph/ops/dropout.h"
#include "graph/ops/moving.h"
#include "graph/ops/unary.h"

#include <stdio.h>

#define BATCH CNI_UNKNOWN

/* Gradients */

typedef struct batch_norm_case {
    bool gamma, beta, statistics; /* statistics: the loss sees mean and variance as well */
} batch_norm_case;

static cni_tensor *build_train(cni_graph *graph, cni_tensor *const *in, void *context)
{
    const batch_norm_case *c = context;
    cni_batch_norm b = cni_batch_norm_train(graph, in[0], c->gamma ? in[1] : NULL, c->beta ? in[2] : NULL, 1e-3);
    cni_tensor *y = cni_unary_op(graph, b.y, (cni_epilogue){.function = CNI_TANH});
    if (c->statistics) y = cni_add(graph, cni_multiply(graph, y, b.mean), cni_multiply(graph, b.variance, b.variance));
    if (!c->gamma) y = cni_add(graph, y, in[1]);
    return c->beta ? y : cni_add(graph, y, in[2]);
}

static void train_gradients(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        batch_norm_case c = {i & 1, i & 2, i & 4};
        check_gradient(&(gradient_check){.name = "batch norm",
                                         .build = build_train,
                                         .context = &c,
                                         .inputs = 3,
                                         .shape = {CNI_SHAPE(BATCH, 2, 3, 5), CNI_SHAPE(5), CNI_SHAPE(5)},
                                         .low = {-1, 0.5},
                                         .high = {2, 1.5},
                                         .fixed = {i == 3},
                                         .seed = (uint32_t)i});
    }
}

static cni_tensor *build_inference(cni_graph *graph, cni_tensor *const *in, void *context)
{
    (void)context;
    cni_tensor *y = cni_batch_norm_inference(graph, in[0], in[1], in[2], in[3], in[4], 1e-3);
    return cni_unary_op(graph, y, (cni_epilogue){.function = CNI_SIGMOID});
}

static void inference_gradients(void **state)
{
    (void)state;
    for (int fixed = 0; fixed < 4; fixed++)
        check_gradient(
            &(gradient_check){.name = "batch norm inference",
                              .build = build_inference,
                              .inputs = 5,
                              .shape = {CNI_SHAPE(BATCH, 3, 5), CNI_SHAPE(5), CNI_SHAPE(5), CNI_SHAPE(5), CNI_SHAPE(5)},
                              .low = {0, 0, 0, -1, 0.5},
                              .high = {0, 0, 0, 1, 2},
                              .fixed = {fixed & 1, fixed & 2, fixed & 2, true, true}});
}

typedef struct dropout_case {
    cni_seed_state seed;
    cni_shape noise;
    double rate;
} dropout_case;

static cni_tensor *build_dropout(cni_graph *graph, cni_tensor *const *in, void *context)
{
    dropout_case *c = context;
    return cni_dropout(graph, in[0], &c->seed, c->rate, c->noise.rank ? &c->noise : NULL);
}

static void rewind_seed(void *context)
{
    ((dropout_case *)context)->seed.counter = 0;
}

static const cni_shape noises[] = {
    {0}, {4, {BATCH, 1, 1, 5}}, {4, {1, 2, 1, 1}}, {4, {BATCH, 2, 3, 1}}, {4, {0, 1, 3, 5}}, {4, {1, 1, 1, 1}}};

static void dropout_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof noises / sizeof *noises; i++) {
        dropout_case c = {{77, 0}, noises[i], i == 3 ? 1 : 0.4};
        check_gradient(&(gradient_check){.name = "dropout",
                                         .build = build_dropout,
                                         .context = &c,
                                         .inputs = 1,
                                         .shape = {CNI_SHAPE(BATCH, 2, 3, 5)},
                                         .before_run = rewind_seed});
    }
}

/* Numbers */

static cni_plan *plan_of(cni_graph *graph, int batch, cni_pool *pool, const cni_kernels *kernels)
{
    cni_plan *plan = NULL;
    cni_error error = {0};
    if (cni_plan_new(graph, &(cni_plan_options){.batch = batch, .kernels = kernels, .pool = pool}, &plan, &error))
        fail_msg("%s", error.text);
    return plan;
}

/* Keras 3.15.1, JAX, stateless_call(training=True) inside jit on ones; two steps. */
static const struct {
    uint32_t seed;
    double rate;
    cni_shape shape, noise;
    float kept_value;
    const char *kept[2];
} draws[] = {
    {1234, 0.3, {2, {BATCH, 12}}, {0}, 1.4285715f, {"111111110110111110101111", "010101011100111101101000"}},
    {99,
     0.5,
     {4, {BATCH, 2, 2, 4}},
     {4, {BATCH, 1, 1, 4}},
     2,
     {"11111111111111111011101110111011", "10011001100110011101110111011101"}},
    {5, 1, {2, {BATCH, 3}}, {0}, 0, {"000000", "000000"}},
};

static void dropout_draws_as_keras(void **state)
{
    (void)state;
    cni_kernels kernels;
    cni_kernels_init(&kernels, cni_cpu_isa(NULL));
    for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
        cni_seed_state seed = {draws[i].seed, 0};
        cni_graph *graph = cni_graph_new();
        cni_tensor *x = cni_graph_input(graph, draws[i].shape);
        cni_tensor *y = cni_dropout(graph, x, &seed, draws[i].rate, draws[i].noise.rank ? &draws[i].noise : NULL);
        y->is_output = true;
        cni_plan *plan = plan_of(graph, 2, NULL, &kernels);
        kernels.elementwise.fill(1, cni_plan_data(plan, x), cni_tensor_count(x, 2));
        for (int step = 0; step < 2; step++) {
            cni_plan_run(plan, CNI_GRADIENTS, 2);
            const float *got = cni_plan_data(plan, y);
            for (size_t k = 0; k < cni_tensor_count(y, 2); k++)
                if (got[k] != (draws[i].kept[step][k] == '1' ? draws[i].kept_value : 0))
                    fail_msg("draw %zu, step %d, element %zu: %.9g", i, step, k, (double)got[k]);
        }
        assert_int_equal(seed.counter, draws[i].rate < 1 ? 2 : 0);
        cni_plan_free(plan);
    }
}

/* Keras' BatchNormalization(momentum=0.9, epsilon=1e-3) on the same numbers, one training call, then inference. */
static const float bn_x[12] = {1, 2, 3, 4, 5, -6, 0.5f, 0.25f, 8, 1, 1.5f, 2};
static const double bn_train[12] = {-0.450717568397522, -1.2149369716644287, 1.1245313882827759,  1.7127268314361572,
                                    2.224055051803589,  0.22790533304214478, -0.8112916350364685, -3.221015453338623,
                                    1.622657060623169,  -0.450717568397522,  -1.7881022691726685, 1.0249062776565552};
static const double bn_inference[12] = {0.8010091185569763,  2.2449488639831543,  1.7638204097747803,
                                        3.6702957153320312,  7.710125923156738,   -0.6695897579193115,
                                        0.32279473543167114, -0.9430710077285767, 3.1157150268554688,
                                        0.8010091185569763,  1.3340860605239868,  1.4934415817260742};
static const double bn_mean[3] = {0.16250000894069672, 0.21875, 0.17499999701976776};
static const double bn_variance[3] = {1.092187523841858, 1.2042968273162842, 3.4187498092651367};

static void assert_near(const float *got, const double *expected, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - expected[i]) <= tolerance * fmax(1, fabs(expected[i]))))
            fail_msg("element %zu: %.9g instead of %.9g", i, (double)got[i], expected[i]);
}

static void batch_norm_as_keras(void **state)
{
    (void)state;
    cni_kernels kernels;
    cni_kernels_init(&kernels, cni_cpu_isa(NULL));
    float gamma[] = {1, 2, 0.5f}, beta[] = {0, -1, 1}, mean[] = {0, 0, 0}, variance[] = {1, 1, 1};
    cni_variable weights[] = {
        {.name = "gamma", .shape = CNI_SHAPE(3), .data = gamma, .version = 1, .trainable = true},
        {.name = "beta", .shape = CNI_SHAPE(3), .data = beta, .version = 1, .trainable = true},
        {.name = "moving_mean", .shape = CNI_SHAPE(3), .data = mean, .version = 1, .trainable = false},
        {.name = "moving_variance", .shape = CNI_SHAPE(3), .data = variance, .version = 1, .trainable = false}};
    for (int training = 1; training >= 0; training--) {
        cni_graph *graph = cni_graph_new();
        cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(BATCH, 2, 3)), *w[4], *y;
        for (int i = 0; i < 4; i++) w[i] = cni_graph_variable(graph, &weights[i]);
        if (training) {
            const cni_batch_norm b = cni_batch_norm_train(graph, x, w[0], w[1], 1e-3);
            cni_assign_moving(graph, &weights[2], b.mean, 0.9);
            cni_assign_moving(graph, &weights[3], b.variance, 0.9);
            y = b.y;
        } else {
            y = cni_batch_norm_inference(graph, x, w[0], w[1], w[2], w[3], 1e-3);
        }
        y->is_output = true;
        cni_plan *plan = plan_of(graph, 2, NULL, &kernels);
        memcpy(cni_plan_data(plan, x), bn_x, sizeof bn_x);
        cni_plan_run(plan, CNI_GRADIENTS, 2);
        assert_near(cni_plan_data(plan, y), training ? bn_train : bn_inference, 12, 1e-6);
        cni_plan_free(plan);
        assert_near(mean, bn_mean, 3, 1e-7);
        assert_near(variance, bn_variance, 3, 1e-7);
        assert_int_equal(weights[2].version, 2);
    }
}

/* A mean of 1e4 and a deviation of 1: the mean of squares would have lost the variance. */
static void variance_of_a_large_mean(void **state)
{
    (void)state;
    cni_kernels kernels;
    cni_kernels_init(&kernels, cni_cpu_isa(NULL));
    const int n = 50000;
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(BATCH, 3));
    const cni_batch_norm b = cni_batch_norm_train(graph, x, NULL, NULL, 1e-3);
    b.mean->is_output = b.variance->is_output = b.y->is_output = true;
    cni_plan *plan = plan_of(graph, n, NULL, &kernels);
    float *data = cni_plan_data(plan, x);
    double sum = 0, squares = 0;
    for (int i = 0; i < 3 * n; i++) data[i] = 1e4f + cni_normal1((cni_key){1, 0}, (uint64_t)i);
    for (int i = 0; i < n; i++) sum += data[3 * i];
    for (int i = 0; i < n; i++) squares += (data[3 * i] - sum / n) * (data[3 * i] - sum / n);
    cni_plan_run(plan, CNI_GRADIENTS, n);
    const float *mean = cni_plan_data(plan, b.mean), *variance = cni_plan_data(plan, b.variance);
    assert_near(mean, (double[]){sum / n}, 1, 1e-6);
    assert_near(variance, (double[]){squares / n}, 1, 1e-4);
    cni_plan_free(plan);
}

/* Threads */

typedef struct outcome {
    float loss, gradients[3][64];
} outcome;

static outcome train_once(cni_pool *pool, const cni_kernels *kernels)
{
    enum { N = 4, C = 24 };
    outcome o;
    cni_seed_state seed = {3, 0};
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(BATCH, 40, 40, C)), *w[3], *found[3];
    for (int i = 0; i < 3; i++) {
        w[i] = cni_graph_input(graph, CNI_SHAPE(C));
        w[i]->differentiable = true;
    }
    cni_tensor *y = cni_batch_norm_train(graph, cni_multiply(graph, x, w[2]), w[0], w[1], 1e-3).y;
    y = cni_unary_op(graph, y, (cni_epilogue){CNI_RELU, 0, INFINITY, 0});
    y = cni_dropout(graph, cni_multiply(graph, cni_unary_op(graph, y, (cni_epilogue){.function = CNI_TANH}), x), &seed,
                    0.25, NULL);
    cni_tensor *loss = cni_reduce(graph, CNI_MEAN, y, CNI_ALL_AXES, false);
    loss->is_output = true;
    cni_differentiate(graph, loss, w, 3, found);
    for (int i = 0; i < 3; i++) found[i]->is_output = true;
    cni_plan *plan = plan_of(graph, N, pool, kernels);
    float *data = cni_plan_data(plan, x);
    for (size_t i = 0; i < cni_tensor_count(x, N); i++) data[i] = cni_normal1((cni_key){1, 0}, i);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < C; k++)
            ((float *)cni_plan_data(plan, w[i]))[k] = 1 + cni_unit((cni_key){2, 0}, (uint64_t)k);
    cni_plan_run(plan, CNI_GRADIENTS, N);
    o.loss = *(const float *)cni_plan_data(plan, loss);
    for (int i = 0; i < 3; i++) memcpy(o.gradients[i], cni_plan_data(plan, found[i]), C * sizeof(float));
    cni_plan_free(plan);
    return o;
}

static void threads_change_nothing(void **state)
{
    (void)state;
    cni_kernels kernels;
    cni_kernels_init(&kernels, cni_cpu_isa(NULL));
    const outcome one = train_once(NULL, &kernels);
    assert_true(one.loss != 0 && one.gradients[2][0] != 0);
    for (int threads = 2; threads < 6; threads++) {
        cni_pool *pool = cni_pool_new(threads);
        const outcome many = train_once(pool, &kernels);
        cni_pool_free(pool);
        assert_memory_equal(&one.loss, &many.loss, sizeof one.loss);
        for (int i = 0; i < 3; i++) assert_memory_equal(one.gradients[i], many.gradients[i], 24 * sizeof(float));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(train_gradients),        cmocka_unit_test(inference_gradients),
        cmocka_unit_test(dropout_gradients),      cmocka_unit_test(dropout_draws_as_keras),
        cmocka_unit_test(batch_norm_as_keras),    cmocka_unit_test(variance_of_a_large_mean),
        cmocka_unit_test(threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
