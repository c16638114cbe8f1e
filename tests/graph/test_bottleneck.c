/* SPDX-License-Identifier: Apache-2.0
 * Pointwise, depthwise and pointwise convolutions in one pass: the same bits as one after the other, in every set of
 * kernels, with any number of threads. */
#include "graph/op_testing.h"
#include "graph/ops/binary.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/unary.h"

enum { N = 3, VARIABLES = 6 };

typedef struct block {
    int h, w, c, expanded, out; /* expanded: 0 when there is no first convolution */
    int taps, stride, dilation, top, left;
    bool shortcut, relu;
} block;

static const block blocks[] = {
    {40, 37, 8, 96, 24, 3, 1, 1, 1, 1, false, true},  {41, 40, 16, 90, 16, 3, 2, 1, 0, 1, false, true},
    {40, 37, 24, 100, 24, 5, 1, 1, 2, 2, true, true}, {64, 33, 64, 0, 20, 3, 1, 1, 1, 1, false, true},
    {40, 37, 7, 130, 9, 3, 1, 2, 2, 1, false, false}, {30, 40, 128, 0, 128, 3, 1, 1, 1, 1, true, false},
    {15, 16, 40, 512, 33, 5, 2, 1, 2, 3, false, true}};

typedef struct network {
    cni_graph *graph;
    cni_tensor *x, *y;
    cni_variable variables[VARIABLES];
    int count;
} network;

static cni_tensor *variable(network *net, uint32_t *random, cni_shape shape)
{
    cni_variable *v = &net->variables[net->count++];
    const size_t count = (size_t)cni_shape_count(&shape, 0);
    *v = (cni_variable){.shape = shape, .data = calloc(count, sizeof(float)), .version = 1};
    double *values = new_values(count);
    fill_real(random, values, count);
    for (size_t i = 0; i < count; i++) v->data[i] = (float)values[i];
    free(values);
    return cni_graph_variable(net->graph, v);
}

static cni_tensor *end(network *net, const block *b, cni_tensor *t, bool apart)
{
    if (b->relu) t = cni_unary_op(net->graph, t, (cni_epilogue){.function = CNI_RELU6});
    t->is_output = apart;
    return t;
}

static cni_tensor *pointwise(network *net, uint32_t *random, cni_tensor *x, int to)
{
    const cni_conv2d_attributes a = {.strides = {1, 1}, .dilation = {1, 1}, .groups = 1};
    cni_tensor *w = variable(net, random, CNI_SHAPE(1, 1, x->shape.dims[3], to));
    return cni_conv2d(net->graph, x, w, variable(net, random, CNI_SHAPE(to)), &a);
}

static void build(network *net, const block *b, bool apart)
{
    uint32_t random = (uint32_t)(b - blocks) + 5;
    *net = (network){.graph = cni_graph_new()};
    cni_tensor *t = net->x = cni_graph_input(net->graph, CNI_SHAPE(CNI_UNKNOWN, b->h, b->w, b->c));
    if (b->expanded) t = end(net, b, pointwise(net, &random, t, b->expanded), apart);
    const cni_conv2d_attributes a = {.strides = {b->stride, b->stride},
                                     .dilation = {b->dilation, b->dilation},
                                     .top = b->top,
                                     .bottom = b->taps / 2 * b->dilation,
                                     .left = b->left,
                                     .right = b->left,
                                     .groups = 1};
    cni_tensor *w = variable(net, &random, CNI_SHAPE(b->taps, b->taps, t->shape.dims[3], 1));
    t = end(net, b, cni_depthwise_conv2d(net->graph, t, w, variable(net, &random, CNI_SHAPE(t->shape.dims[3])), &a),
            apart);
    t = pointwise(net, &random, t, b->out);
    if (b->shortcut) t = cni_add(net->graph, net->x, t);
    net->y = t;
    net->y->is_output = true;
}

/* Values of y after two runs: what one leaves behind must not disturb the next. */
static double *run_network(network *net, const cni_kernels *kernels, int threads, int n, int *steps)
{
    cni_pool *pool = cni_pool_new(threads);
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = N, .kernels = kernels, .pool = pool};
    if (cni_plan_new(net->graph, &options, &plan, &error)) fail_msg("%s", error.text);
    const size_t count = cni_tensor_count(net->x, n), results = cni_tensor_count(net->y, n);
    double *values = new_values(count), *y = new_values(results);
    uint32_t random = 77;
    for (int i = 0; i < 2; i++) {
        fill_real(&random, values, count);
        put(plan, kernels, net->x, values, n);
        cni_plan_run(plan, CNI_GRADIENTS, n);
    }
    get(plan, kernels, net->y, y, n);
    *steps = cni_plan_steps(plan);
    cni_plan_free(plan);
    cni_pool_free(pool);
    free(values);
    for (int i = 0; i < net->count; i++) free(net->variables[i].data);
    return y;
}

static void check(const block *b, const cni_kernels *kernels, int threads, int n)
{
    network apart, together;
    build(&apart, b, true);
    build(&together, b, false);
    const size_t count = cni_tensor_count(apart.y, n);
    int steps[2];
    double *expected = run_network(&apart, kernels, 1, n, &steps[0]);
    double *y = run_network(&together, kernels, threads, n, &steps[1]);
    char where[48];
    snprintf(where, sizeof where, "block %td, %d threads, %d images", b - blocks, threads, n);
    assert_same(y, expected, count, 0, "y", kernels->name, where);
    assert_int_equal(steps[0], b->expanded ? 3 : 2);
    assert_int_equal(steps[1], 1);
    free(y);
    free(expected);
}

static void the_same_bits(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    const int sets = all_kernels(kernels);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        for (int k = 0; k < sets; k++) check(&blocks[i], &kernels[k], 1 + (int)i % 3, 1 + (int)(i + (size_t)k) % N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
