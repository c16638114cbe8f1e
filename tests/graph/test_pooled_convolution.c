/* SPDX-License-Identifier: Apache-2.0
 * A convolution and the maxima of its results in one op: what they are one after the other, for every set of kernels
 * and both ways of computing.  The sums are the same; what may differ by the last bits is how a compiler fuses the
 * transforms' multiplications and additions in two copies of a loop, and a function of the largest instead of the
 * largest of a function. */
#include "graph/op_testing.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/pooling.h"
#include "graph/ops/unary.h"

enum { N = 3, VARIABLES = 2 };

typedef struct network {
    int h, w, c, f, window, padding, stride;
    int cut; /* what the maximum leaves out: 1: a last row and column that are odd; 0: it pads them */
    cni_epilogue after;
    bool wanted_too; /* the results are asked for */
    bool fused;
} network;

static const network networks[] = {
    {16, 16, 16, 32, 3, 1, 1, 1, {CNI_RELU, 0, INFINITY, 0}, false, true},
    {17, 14, 20, 40, 3, 1, 1, 1, {CNI_LINEAR, 0, 0, 0}, false, true},
    {13, 15, 32, 17, 3, 0, 1, 1, {CNI_LEAKY_RELU, 0.25, 0, 0}, false, true},
    {15, 21, 16, 70, 3, 1, 1, 1, {CNI_ELU, 1, 0, 0}, false, true},
    {14, 14, 48, 33, 3, 1, 1, 0, {CNI_TANH, 0, 0, 0}, false, true},
    {30, 28, 64, 64, 3, 1, 1, 1, {CNI_RELU6, 0, 0, 0}, false, true},
    {12, 12, 32, 64, 5, 0, 1, 1, {CNI_RELU, 0, INFINITY, 0}, false, true},
    {11, 13, 20, 33, 5, 2, 1, 1, {CNI_SELU, 0, 0, 0}, false, true},
    {5, 6, 256, 40, 3, 1, 1, 1, {CNI_RELU, 0.5, 2, 0}, false, true},
    {7, 9, 1, 3, 3, 1, 1, 1, {CNI_LINEAR, 0, 0, 0}, false, true},   /* direct */
    {3, 2, 16, 16, 3, 1, 1, 1, {CNI_LINEAR, 0, 0, 0}, false, true}, /* one window */
    {15, 15, 32, 32, 3, 1, 1, 0, {CNI_LINEAR, 0, 0, 0}, false, false},
    {16, 16, 32, 32, 3, 1, 2, 1, {CNI_LINEAR, 0, 0, 0}, false, false},
    {16, 16, 32, 32, 3, 1, 1, 1, {CNI_LINEAR, 0, 0, 0}, true, false},
    {16, 16, 32, 32, 3, 1, 1, 1, {CNI_LEAKY_RELU, -0.5, 0, 0}, false, false},
    {16, 16, 32, 32, 3, 1, 1, 1, {CNI_GELU, 0, 0, 0}, false, false},
    {16, 16, 16, 16, 1, 0, 1, 1, {CNI_LINEAR, 0, 0, 0}, false, false},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

typedef struct trial_run {
    cn_math math;
    const cni_kernels *kernels;
    int threads, n;
    bool not_a_number; /* somewhere in x */
} trial_run;

static cni_tensor *variable(cni_graph *graph, cni_variable *v, uint32_t *random, cni_shape shape)
{
    const size_t count = (size_t)cni_shape_count(&shape, 0);
    *v = (cni_variable){.shape = shape, .data = calloc(count, sizeof(float)), .version = 1};
    for (size_t i = 0; i < count; i++) v->data[i] = (float)draw(random, 1u << 20) / (1 << 19) - 1;
    return cni_graph_variable(graph, v);
}

static double *run_network(const network *net, bool apart, const trial_run *t, size_t *count, int *steps)
{
    uint32_t random = (uint32_t)(net - networks) + 5;
    cni_graph *graph = cni_graph_new();
    cni_variable variables[VARIABLES];
    cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, net->h, net->w, net->c));
    const cni_conv2d_attributes a = {.strides = {net->stride, net->stride},
                                     .dilation = {1, 1},
                                     .top = net->padding,
                                     .bottom = net->padding,
                                     .left = net->padding,
                                     .right = net->padding,
                                     .groups = 1};
    cni_tensor *w = variable(graph, &variables[0], &random, CNI_SHAPE(net->window, net->window, net->c, net->f));
    cni_tensor *y = cni_conv2d(graph, x, w, variable(graph, &variables[1], &random, CNI_SHAPE(net->f)), &a);
    if (net->after.function != CNI_LINEAR) y = cni_unary_op(graph, y, net->after);
    y->is_output = apart || net->wanted_too;
    const int more = net->cut ? 0 : 1;
    const cni_pool2d_attributes pool = {.window = {2, 2},
                                        .strides = {2, 2},
                                        .bottom = more * (int)(y->shape.dims[1] % 2),
                                        .right = more * (int)(y->shape.dims[2] % 2)};
    y = cni_max_pool2d(graph, y, &pool);
    y->is_output = true;
    cni_pool *threads = cni_pool_new(t->threads);
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = N, .kernels = t->kernels, .pool = threads, .math = t->math};
    if (cni_plan_new(graph, &options, &plan, &error)) fail_msg("%s", error.text);
    const size_t values = cni_tensor_count(x, t->n);
    double *in = new_values(values), *out = new_values(*count = cni_tensor_count(y, t->n));
    for (int i = 0; i < 2; i++) { /* what a run leaves behind must not disturb the next */
        fill_real(&random, in, values);
        if (t->not_a_number) in[draw(&random, (uint32_t)values)] = NAN;
        put(plan, t->kernels, x, in, t->n);
        cni_plan_run(plan, CNI_GRADIENTS, t->n);
    }
    get(plan, t->kernels, y, out, t->n);
    *steps = cni_plan_steps(plan);
    cni_plan_free(plan);
    cni_pool_free(threads);
    for (int i = 0; i < VARIABLES; i++) free(variables[i].data);
    free(in);
    return out;
}

static void check(const network *net, const trial_run *t)
{
    size_t count;
    int steps[2];
    double *expected = run_network(net, true, t, &count, &steps[0]);
    double *y = run_network(net, false, t, &count, &steps[1]), largest = 0;
    assert_int_equal(steps[0], 2);
    assert_int_equal(steps[1], net->fused ? 1 : 2);
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < count; i++)
        if (isnan(expected[i]) ? !isnan(y[i]) : !(fabs(y[i] - expected[i]) <= 2e-6 * largest))
            fail_msg("network %td, %s kernels, %d threads, math %d: maximum %zu is %.9g, not %.9g", net - networks,
                     t->kernels->name, t->threads, (int)t->math, i, y[i], expected[i]);
    trial_run other = *t; /* threads do not change a bit */
    other.threads = 3;
    double *more = run_network(net, false, &other, &count, &steps[1]);
    assert_memory_equal(y, more, count * sizeof *y);
    free(more);
    free(y);
    free(expected);
}

static void as_one_after_the_other(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    const int sets = all_kernels(kernels);
    for (int i = 0; i < NETWORKS; i++)
        for (int k = 0; k < sets; k++)
            for (int math = 0; math < 2; math++)
                check(&networks[i], &(trial_run){.math = math ? CN_MATH_DIRECT : CN_MATH_FAST,
                                                 .kernels = &kernels[k],
                                                 .threads = 1 + i % 2,
                                                 .n = 1 + (i + k) % N,
                                                 .not_a_number = (i + k) % 2});
}

/* With their gradients: what was the largest is known by its tap.  The gradients are those of the same kernels, so they
 * differ by what the maxima differ by. */

typedef struct arguments {
    const network *net;
    bool apart;
} arguments;

static cni_tensor *build(cni_graph *graph, cni_tensor *const *in, const void *given)
{
    const arguments *args = given;
    const network *net = args->net;
    const cni_conv2d_attributes a = {.strides = {1, 1},
                                     .dilation = {1, 1},
                                     .top = net->padding,
                                     .bottom = net->padding,
                                     .left = net->padding,
                                     .right = net->padding,
                                     .groups = 1};
    cni_tensor *y = cni_conv2d(graph, in[0], in[1], in[2], &a);
    if (net->after.function != CNI_LINEAR) y = cni_unary_op(graph, y, net->after);
    y->is_output = args->apart;
    return cni_max_pool2d(graph, y, &(cni_pool2d_attributes){.window = {2, 2}, .strides = {2, 2}});
}

static void check_gradients(const network *net, const cni_kernels *kernels, int threads)
{
    const int oh = net->h + 2 * net->padding - net->window + 1, ow = net->w + 2 * net->padding - net->window + 1;
    const size_t counts[] = {(size_t)(N * net->h * net->w * net->c),
                             (size_t)(net->window * net->window * net->c * net->f), (size_t)net->f,
                             (size_t)(N * (oh / 2) * (ow / 2) * net->f)};
    uint32_t random = (uint32_t)(net - networks) + 77;
    double *values[4], *results[2][4];
    for (int i = 0; i < 4; i++) {
        fill_real(&random, values[i] = new_values(counts[i]), counts[i]);
        for (int k = 0; k < 2; k++) results[k][i] = new_values(counts[i]);
    }
    for (int k = 0; k < 2; k++)
        run_trial(&(trial){.n = N,
                           .inputs = 3,
                           .shapes = {CNI_SHAPE(CNI_UNKNOWN, net->h, net->w, net->c),
                                      CNI_SHAPE(net->window, net->window, net->c, net->f), CNI_SHAPE(net->f)},
                           .values = {values[0], values[1], values[2]},
                           .dy = values[3],
                           .build = build,
                           .arguments = &(arguments){net, k},
                           .fast = true,
                           .y = results[k][3],
                           .gradients = {results[k][0], results[k][1], results[k][2]}},
                  kernels, threads);
    for (int i = 0; i < 4; i++) {
        double largest = 0;
        for (size_t e = 0; e < counts[i]; e++) largest = fmax(largest, fabs(results[1][i][e]));
        for (size_t e = 0; e < counts[i]; e++)
            if (!(fabs(results[0][i][e] - results[1][i][e]) <= 2e-6 * largest))
                fail_msg("network %td, %s kernels: gradient %d, element %zu is %.9g, not %.9g", net - networks,
                         kernels->name, i, e, results[0][i][e], results[1][i][e]);
        free(values[i]), free(results[0][i]), free(results[1][i]);
    }
}

static void gradients_too(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    const int sets = all_kernels(kernels);
    for (int i = 0; i < NETWORKS; i++)
        for (int k = 0; k < sets && networks[i].fused; k++) check_gradients(&networks[i], &kernels[k], 1 + i % 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_one_after_the_other), cmocka_unit_test(gradients_too)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
