/* SPDX-License-Identifier: Apache-2.0
 * Dense products with all their gradients, against sums written out.  Whole numbers, so that every result is exact. */
#include "graph/op_testing.h"

#include "graph/ops/conv2d.h"
#include "graph/ops/dense.h"
#include "graph/ops/pooling.h"
#include "graph/ops/reshape.h"
#include "graph/ops/unary.h"
#include "graph/plan_parts.h"

typedef struct shape {
    int n, rest, in, out; /* x [n, rest, in], or [n, in] when rest is 0 */
    bool bias;
    cni_epilogue epilogue;
} shape;

static const shape shapes[] = {
    {1, 0, 1, 1, false, {0}},
    {1, 0, 300, 700, true, {0}},   /* few rows: thin */
    {1, 0, 4100, 1030, true, {0}}, /* in slices */
    {1, 0, 4200, 1000, false, {.function = CNI_RELU, .b = INFINITY}},
    {1, 0, 801, 700, true, {0}},                                    /* in fewer slices */
    {1, 0, 1500, 130, true, {.function = CNI_RELU, .b = INFINITY}}, /* few columns */
    {7, 0, 33, 10, true, {0}},
    {8, 0, 33, 10, true, {0}},
    {128, 0, 65, 100, true, {0}},
    {3, 5, 17, 37, true, {0}},
    {2, 700, 19, 35, true, {0}}, /* many rows: chunks and slices */
    {1, 2500, 40, 3, false, {0}},
    {40, 0, 600, 33, true, {0}},
    {13, 0, 64, 64, true, {.function = CNI_AFFINE, .a = 2, .b = -1}},
    {2, 0, 64, 300, true, {.function = CNI_RELU, .b = INFINITY}},
    {600, 0, 9, 70, true, {.function = CNI_RELU, .b = INFINITY}},
    {11, 0, 801, 700, true, {.function = CNI_AFFINE, .a = 2, .b = -1}}, /* rows in slices of w, */
    {12, 0, 4100, 400, true, {.function = CNI_RELU, .b = INFINITY}},    /* and in more of them: from memory */
    {2, 0, 512, 4096, true, {0}},                                       /* less deep than there might be slices */
    {4, 0, 64, 10000, true, {0}},
    {12, 0, 784, 2048, true, {.function = CNI_RELU, .b = INFINITY}},
    {1, 0, 40, 50000, true, {0}},
    {20, 0, 4100, 390, false, {0}},
};

static cni_tensor *build(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    const shape *s = arguments;
    return cni_dense(graph, in[0], in[1], in[2], s->epilogue.function ? &s->epilogue : NULL);
}

typedef struct data {
    size_t rows, x, w, y;
    double *x_values, *w_values, *bias, *dy, *result, *dx, *dw, *db;
} data;

static data new_data(const shape *s, void fill(uint32_t *random, double *values, size_t count))
{
    data d = {.rows = (size_t)s->n * (s->rest ? (size_t)s->rest : 1)};
    uint32_t random = 99;
    d.x = d.rows * (size_t)s->in;
    d.w = (size_t)s->in * (size_t)s->out;
    d.y = d.rows * (size_t)s->out;
    double **const lists[] = {&d.x_values, &d.w_values, &d.bias, &d.dy, &d.result, &d.dx, &d.dw, &d.db};
    const size_t counts[] = {d.x, d.w, (size_t)s->out, d.y, d.y, d.x, d.w, (size_t)s->out};
    for (int i = 0; i < 8; i++) {
        *lists[i] = new_values(counts[i]);
        if (i < 4) fill(&random, *lists[i], counts[i]);
    }
    return d;
}

static void free_data(data *d)
{
    double *const lists[] = {d->x_values, d->w_values, d->bias, d->dy, d->result, d->dx, d->dw, d->db};
    for (int i = 0; i < 8; i++) free(lists[i]);
}

static void multiply(const shape *s, data *d)
{
    size_t in = (size_t)s->in, out = (size_t)s->out;
    for (size_t r = 0; r < d->rows; r++)
        for (size_t j = 0; j < out; j++) {
            double sum = s->bias ? d->bias[j] : 0, dy = d->dy[r * out + j];
            for (size_t k = 0; k < in; k++) {
                sum += d->x_values[r * in + k] * d->w_values[k * out + j];
                d->dx[r * in + k] += dy * d->w_values[k * out + j];
                d->dw[k * out + j] += d->x_values[r * in + k] * dy;
            }
            d->db[j] += dy;
            d->result[r * out + j] = s->epilogue.function == CNI_AFFINE ? s->epilogue.a * sum + s->epilogue.b
                                     : s->epilogue.function == CNI_RELU ? fmax(sum, 0)
                                                                        : sum;
        }
}

static void run_on(const shape *s, data *d, const cni_kernels *kernels, int threads)
{
    bool gradients = !s->epilogue.function;
    const trial t = {
        .n = s->n,
        .inputs = 3,
        .shapes = {s->rest ? CNI_SHAPE(CNI_UNKNOWN, s->rest, s->in) : CNI_SHAPE(CNI_UNKNOWN, s->in),
                   CNI_SHAPE(s->in, s->out), s->bias ? CNI_SHAPE(s->out) : (cni_shape){0}},
        .values = {d->x_values, d->w_values, d->bias},
        .dy = d->dy,
        .build = build,
        .arguments = s,
        .y = d->result,
        .gradients = {gradients ? d->dx : NULL, gradients ? d->dw : NULL, gradients && s->bias ? d->db : NULL}};
    run_trial(&t, kernels, threads);
}

static const char *show(const shape *s)
{
    static char text[100];
    snprintf(text, sizeof text, "dense n%d rest %d in %d out %d%s function %d", s->n, s->rest, s->in, s->out,
             s->bias ? " bias" : "", (int)s->epilogue.function);
    return text;
}

static void compare(const shape *s, const data *got, const data *expected, const char *kernels)
{
    assert_same(got->result, expected->result, got->y, 0, "y", kernels, show(s));
    if (s->epilogue.function) return;
    assert_same(got->dx, expected->dx, got->x, 0, "dx", kernels, show(s));
    assert_same(got->dw, expected->dw, got->w, 0, "dw", kernels, show(s));
    if (s->bias) assert_same(got->db, expected->db, (size_t)s->out, 0, "db", kernels, show(s));
}

static void products_are_exact(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        data expected = new_data(&shapes[i], fill_whole);
        multiply(&shapes[i], &expected);
        for (int k = 0; k < count; k++) {
            data got = new_data(&shapes[i], fill_whole);
            run_on(&shapes[i], &got, &kernels[k], 1 + k % 3);
            compare(&shapes[i], &got, &expected, kernels[k].name);
            free_data(&got);
        }
        free_data(&expected);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int k = 0; k < count; k++) {
            data one = new_data(&shapes[i], fill_real), many = new_data(&shapes[i], fill_real);
            run_on(&shapes[i], &one, &kernels[k], 1);
            for (int threads = 2; threads <= 3; threads++) {
                run_on(&shapes[i], &many, &kernels[k], threads);
                compare(&shapes[i], &many, &one, kernels[k].name);
            }
            free_data(&one);
            free_data(&many);
        }
}

/* keras.layers.Dense(2): x = [[1, 2, 3], [-1, 0, 2]], kernel [[1, -1], [2, 0], [-3, 4]], bias [0.5, -0.5]. */
static void a_layer_of_keras(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    const shape s = {2, 0, 3, 2, true, {0}};
    for (int k = 0; k < count; k++) {
        double y[4];
        const trial t = {.n = 2,
                         .inputs = 3,
                         .shapes = {CNI_SHAPE(CNI_UNKNOWN, 3), CNI_SHAPE(3, 2), CNI_SHAPE(2)},
                         .values = {(const double[]){1, 2, 3, -1, 0, 2}, (const double[]){1, -1, 2, 0, -3, 4},
                                    (const double[]){0.5, -0.5}},
                         .build = build,
                         .arguments = &s,
                         .y = y};
        run_trial(&t, &kernels[k], 1);
        assert_same(y, (const double[]){-3.5, 10.5, -6.5, 8.5}, 4, 0, "y", kernels[k].name, "Keras' Dense");
    }
}

/* Rows of w of which x is 0 are left out once w is known to be finite, which no run can tell from the others; a weight
 * that is not finite is seen in each run. */
static void what_is_not_finite_is_seen(void **state)
{
    (void)state;
    enum { IN = 1500, SEEN = 1201 };
    static const int widths[] = {130, 700};
    static float weights[IN * 700] __attribute__((aligned(64)));
    cni_kernels kernels[MOST_KERNELS];
    const int count = all_kernels(kernels);
    for (int k = 0; k < count; k++)
        for (int s = 0; s < 2 && kernels[k].real_size == sizeof(float); s++) {
            const int width = widths[s];
            uint32_t random = 3;
            for (int i = 0; i < IN * width; i++) weights[i] = (float)draw(&random, 1000) / 500 - 1;
            cni_variable variable = {.shape = CNI_SHAPE(IN, width), .data = weights, .version = 1};
            cni_graph *graph = cni_graph_new();
            cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, IN));
            cni_tensor *y = cni_dense(graph, x, cni_graph_variable(graph, &variable), NULL, NULL);
            y->is_output = true;
            cni_plan *plan = toy_plan(graph, &kernels[k], 1, false);
            for (int i = 0; i < IN; i++)
                ((float *)cni_plan_data(plan, x))[i] = i % 3 ? (float)draw(&random, 1000) / 500 : 0;
            float first[700];
            for (int run = 0; run < 9; run++) {
                const float *result = cni_plan_data(plan, y);
                cni_plan_run(plan, CNI_GRADIENTS, 1);
                if (run == 0) memcpy(first, result, sizeof(float) * (size_t)width);
                const bool hidden = run > 2 && run < 6; /* in a row of which x is 0 */
                assert_true(isnan(result[7]) == hidden);
                for (int j = 0; j < width; j++)
                    if (j != 7 || !hidden) assert_memory_equal(&result[j], &first[j], sizeof(float));
                static float kept;
                if (run == 2) kept = weights[SEEN / 3 * 3 * width + 7];
                if (run == 2 || run == 5) {
                    weights[SEEN / 3 * 3 * width + 7] = run == 2 ? INFINITY : kept;
                    variable.version++;
                }
            }
            cni_plan_free(plan);
        }
}

typedef struct large {
    cni_variable variable;
    cni_tensor *x, *y;
    cni_plan *plan;
} large;

typedef cni_tensor *before_large(cni_graph *graph, cni_tensor *x);

static const cni_epilogue relu = {.function = CNI_RELU, .b = INFINITY};

static cni_tensor *relu_before(cni_graph *graph, cni_tensor *x)
{
    return cni_unary_op(graph, x, relu);
}

static float window[9 * 4];
static cni_variable window_variable = {.shape = CNI_SHAPE(3, 3, 1, 4), .data = window, .version = 1};

/* x as an image, and as many maxima. */
static cni_tensor *convolution_before(cni_graph *graph, cni_tensor *x)
{
    const cni_conv2d_attributes a = {
        .strides = {1, 1}, .dilation = {1, 1}, .top = 1, .bottom = 1, .left = 1, .right = 1, .groups = 1};
    const cni_pool2d_attributes halves = {.window = {2, 2}, .strides = {2, 2}};
    const int64_t size = x->shape.dims[1];
    cni_tensor *image = cni_reshape(graph, x, CNI_SHAPE(CNI_UNKNOWN, 64, size / 64, 1));
    cni_tensor *y = cni_conv2d(graph, image, cni_graph_variable(graph, &window_variable), NULL, &a);
    y = cni_max_pool2d(graph, cni_unary_op(graph, y, relu), &halves);
    return cni_reshape(graph, y, CNI_SHAPE(CNI_UNKNOWN, size));
}

static void plan_large(large *l, const cni_kernels *kernels, cni_pool *pool, bool snapshot, before_large *before)
{
    cni_graph *graph = cni_graph_new();
    l->x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, l->variable.shape.dims[0]));
    cni_tensor *x = before ? before(graph, l->x) : l->x;
    l->y = cni_dense(graph, x, cni_graph_variable(graph, &l->variable), NULL, NULL);
    l->y->is_output = true;
    const cni_plan_options options = {.batch = 1, .kernels = kernels, .pool = pool, .snapshot = snapshot};
    cni_error error = {0};
    assert_int_equal(cni_plan_new(graph, &options, &l->plan, &error), CN_OK);
}

static const float *run_large(large *l, float first)
{
    float *x = cni_plan_data(l->plan, l->x);
    for (int k = 0; k < l->variable.shape.dims[0]; k++) x[k] = first + (float)(k * 37 % 101) / 101;
    cni_plan_run(l->plan, CNI_GRADIENTS, 1);
    return cni_plan_data(l->plan, l->y);
}

static bool is_condensed(const large *l)
{
    return l->plan->steps[l->plan->step_count - 1].condensed;
}

/* A predictor's copy of large weights takes fewer bits, where it can, and results have the same ones. */
static void condensed_weights_change_no_bit(void **state)
{
    (void)state;
    enum { IN = 8192, OUT = 1024, RUNS = 3 };
    float *weights = aligned_alloc(64, sizeof(float) * IN * OUT);
    cni_kernels kernels[MOST_KERNELS];
    const int count = all_kernels(kernels);
    for (int k = 0; k < count; k++)
        for (int threads = 1; threads <= 3 && kernels[k].real_size == sizeof(float); threads += 2) {
            cni_pool *pool = threads > 1 ? cni_pool_new(threads) : NULL;
            large plain = {.variable = {.shape = CNI_SHAPE(IN, OUT), .data = weights, .version = 1}}, own = plain;
            large after_relu = plain, after_maxima = plain;
            uint32_t random = 3;
            for (int i = 0; i < IN * OUT; i++) weights[i] = ((float)draw(&random, 1u << 24) / (1 << 23) - 1) / 100;
            plan_large(&plain, &kernels[k], NULL, false, NULL);
            plan_large(&own, &kernels[k], pool, true, NULL);
            plan_large(&after_relu, &kernels[k], pool, true, relu_before);
            plan_large(&after_maxima, &kernels[k], pool, true, convolution_before);
            assert_true(is_condensed(&own));
            assert_false(is_condensed(&plain));
            assert_false(is_condensed(&after_relu)); /* rows are left out instead */
            assert_false(is_condensed(&after_maxima));
            for (int run = 0; run < RUNS; run++) {
                const float *expected = run_large(&plain, -0.25f), *got = run_large(&own, -0.25f);
                assert_memory_equal(got, expected, OUT * sizeof(float));
                assert_true(is_condensed(&own) == (run != 1));
                for (int i = 0; i < IN * OUT; i++) weights[i] = run == 0 && i % 2 ? 0 : weights[i] * 3 + 1e-3f;
                plain.variable.version++;
                cni_plan_refresh(own.plan);
            }
            cni_plan_free(plain.plan);
            cni_plan_free(own.plan);
            cni_plan_free(after_relu.plan);
            cni_plan_free(after_maxima.plan);
            cni_pool_free(pool);
        }
    free(weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(a_layer_of_keras),
        cmocka_unit_test(what_is_not_finite_is_seen),
        cmocka_unit_test(condensed_weights_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
