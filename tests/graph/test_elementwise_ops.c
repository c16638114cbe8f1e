/* SPDX-License-Identifier: Apache-2.0
 * Gradients of element-wise ops, reductions, row functions and of what moves elements. */
#include "graph/gradient_check.h"
#include "graph/ops/concatenate.h"
#include "graph/ops/pad.h"
#include "graph/ops/reshape.h"
#include "graph/ops/softmax.h"
#include "graph/ops/transpose.h"
#include "graph/ops/unary.h"

#define BATCH CNI_UNKNOWN

/* Functions of one number */

static cni_tensor *build_unary(cni_graph *graph, cni_tensor *const *in, void *context)
{
    return cni_unary_op(graph, in[0], *(cni_epilogue *)context);
}

static const struct {
    cni_epilogue f;
    double low, high;
} functions[] = {
    {{CNI_RELU, 0, INFINITY, 0}, -2, 2},    {{CNI_RELU, 0.1, INFINITY, 0}, -2, 2},
    {{CNI_RELU, 0.1, 1.5, 0.5}, -2, 2},     {{CNI_RELU, 0, 6, 0}, -2, 8},
    {{CNI_ELU, 1.3, 0, 0}, -3, 3},          {{CNI_SELU, 0, 0, 0}, -3, 3},
    {{CNI_CELU, 1.5, 0, 0}, -3, 3},         {{CNI_GELU, 0, 0, 0}, -4, 4},
    {{CNI_GELU_TANH, 0, 0, 0}, -4, 4},      {{CNI_SILU, 0, 0, 0}, -4, 4},
    {{CNI_MISH, 0, 0, 0}, -4, 4},           {{CNI_MISH, 0, 0, 0}, 15, 30},
    {{CNI_SIGMOID, 0, 0, 0}, -4, 4},        {{CNI_HARD_SIGMOID, 0, 0, 0}, -4, 4},
    {{CNI_HARD_SILU, 0, 0, 0}, -4, 4},      {{CNI_LOG_SIGMOID, 0, 0, 0}, -4, 4},
    {{CNI_SPARSE_SIGMOID, 0, 0, 0}, -2, 2}, {{CNI_TANH, 0, 0, 0}, -3, 3},
    {{CNI_HARD_TANH, 0, 0, 0}, -2, 2},      {{CNI_TANH_SHRINK, 0, 0, 0}, -3, 3},
    {{CNI_SOFT_SHRINK, 0.5, 0, 0}, -2, 2},  {{CNI_HARD_SHRINK, 0.5, 0, 0}, -2, 2},
    {{CNI_SOFTPLUS, 0, 0, 0}, -4, 4},       {{CNI_SPARSE_PLUS, 0, 0, 0}, -2, 2},
    {{CNI_SQUAREPLUS, 4, 0, 0}, -3, 3},     {{CNI_SOFTSIGN, 0, 0, 0}, -3, 3},
    {{CNI_EXPONENTIAL, 0, 0, 0}, -2, 2},    {{CNI_LEAKY_RELU, 0.2, 0, 0}, -2, 2},
    {{CNI_LEAKY_RELU, 0, 0, 0}, -2, 2},     {{CNI_LEAKY_RELU, -0.5, 0, 0}, -2, 2},
    {{CNI_RELU6, 0, 0, 0}, -2, 8},          {{CNI_AFFINE, -1.5, 0.25, 0}, -2, 2},
    {{CNI_SQUARE, 0, 0, 0}, -2, 2},         {{CNI_SQRT, 0, 0, 0}, 0.5, 3},
    {{CNI_RECIPROCAL, 0, 0, 0}, 0.5, 3},
};

static void unary_gradients(void **state)
{
    (void)state;
    bool seen[CNI_UNARY_COUNT] = {[CNI_LINEAR] = true};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        cni_epilogue f = functions[i].f;
        seen[f.function] = true;
        check_gradient(&(gradient_check){.name = cni_unary_rows[f.function].name,
                                         .build = build_unary,
                                         .context = &f,
                                         .inputs = 1,
                                         .shape = {CNI_SHAPE(BATCH, 7, 3)},
                                         .low = {functions[i].low},
                                         .high = {functions[i].high},
                                         .seed = (uint32_t)i});
    }
    for (int f = 0; f < CNI_UNARY_COUNT; f++)
        if (!seen[f]) fail_msg("%s is not checked", cni_unary_rows[f].name);
}

/* x -> relu(x + 1) -> tanh: the epilogue is fused, the gradient must not notice */
static cni_tensor *build_chain(cni_graph *graph, cni_tensor *const *in, void *context)
{
    (void)context;
    cni_tensor *sum = cni_add(graph, in[0], in[1]);
    cni_tensor *y = cni_unary_op(graph, sum, (cni_epilogue){CNI_RELU, 0, INFINITY, 0});
    y = cni_unary_op(graph, cni_multiply(graph, y, in[1]), (cni_epilogue){.function = CNI_TANH});
    return cni_unary_op(graph, cni_multiply(graph, y, y), (cni_epilogue){.function = CNI_GELU});
}

static void chain(void **state)
{
    (void)state;
    check_gradient(&(gradient_check){.name = "chain",
                                     .build = build_chain,
                                     .inputs = 2,
                                     .shape = {CNI_SHAPE(BATCH, 4, 3), CNI_SHAPE(3)},
                                     .seed = 5});
}

/* Functions of two */

static cni_tensor *build_binary(cni_graph *graph, cni_tensor *const *in, void *context)
{
    return cni_binary(graph, *(cni_binary_function *)context, in[0], in[1]);
}

static const cni_shape pairs[][2] = {
    {{2, {BATCH, 5}}, {2, {BATCH, 5}}},
    {{4, {BATCH, 2, 3, 4}}, {1, {4}}},
    {{1, {4}}, {4, {BATCH, 2, 3, 4}}},
    {{4, {BATCH, 2, 3, 4}}, {4, {BATCH, 1, 1, 4}}},
    {{4, {BATCH, 2, 3, 4}}, {4, {BATCH, 2, 3, 1}}},
    {{4, {BATCH, 2, 1, 4}}, {3, {1, 3, 1}}},
    {{3, {2, 1, 3}}, {3, {1, 4, 1}}},
    {{2, {BATCH, 3}}, {0}},
    {{2, {BATCH, 1}}, {2, {1, 5}}},
    {{2, {BATCH, 3}}, {2, {1, 3}}},
    {{1, {1}}, {2, {1, 1}}},
};

static void binary_gradients(void **state)
{
    (void)state;
    for (cni_binary_function f = 0; f < CNI_BINARY_COUNT; f++) {
        if (f >= CNI_PRELU_SLOPE) continue;
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
            char name[100];
            snprintf(name, sizeof name, "function %d, pair %zu", (int)f, i);
            check_gradient(&(gradient_check){.name = name,
                                             .build = build_binary,
                                             .context = &f,
                                             .inputs = 2,
                                             .shape = {pairs[i][0], pairs[i][1]},
                                             .low = {-2, f == CNI_DIVIDE ? 0.5 : -2},
                                             .high = {2, 2.1},
                                             .seed = (uint32_t)i});
        }
    }
}

static void shapes_that_do_not_fit(void **state)
{
    (void)state;
    const cni_shape wrong[][2] = {
        {{2, {BATCH, 5}}, {2, {BATCH, 4}}},
        {{2, {BATCH, 5}}, {2, {3, 5}}},    /* a batch against a known number */
        {{2, {BATCH, 5}}, {3, {2, 1, 5}}}, /* a batch that would not be in front */
        {{2, {3, 4}}, {1, {3}}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cni_graph *graph = cni_graph_new();
        cni_add(graph, cni_graph_input(graph, wrong[i][0]), cni_graph_input(graph, wrong[i][1]));
        assert_int_equal(graph->error.status, CN_ERR_SHAPE);
        cni_graph_free(graph);
    }
}

/* Reductions */

typedef struct reduction {
    cni_reduction f;
    unsigned axes;
    bool keepdims;
} reduction;

static cni_tensor *build_reduce(cni_graph *graph, cni_tensor *const *in, void *context)
{
    const reduction *r = context;
    return cni_reduce(graph, r->f, in[0], r->axes, r->keepdims);
}

static void reduce_gradients(void **state)
{
    (void)state;
    const cni_reduction all[] = {CNI_SUM, CNI_MEAN, CNI_MAX, CNI_MIN};
    const unsigned axes[] = {1, 2, 8, 6, 5, 10, 7, 14, 15};
    for (int f = 0; f < 4; f++)
        for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
            for (int keep = 0; keep < 2; keep++) {
                char name[100];
                reduction r = {all[f], axes[i], keep};
                snprintf(name, sizeof name, "reduction %d over %#x", f, axes[i]);
                check_gradient(&(gradient_check){.name = name,
                                                 .build = build_reduce,
                                                 .context = &r,
                                                 .inputs = 1,
                                                 .shape = {CNI_SHAPE(BATCH, 2, 3, 4)},
                                                 .distinct = {true},
                                                 .seed = (uint32_t)i});
            }
}

static cni_tensor *build_broadcast(cni_graph *graph, cni_tensor *const *in, void *context)
{
    return cni_broadcast(graph, in[0], *(cni_shape *)context);
}

static void broadcast_gradient(void **state)
{
    (void)state;
    cni_shape to = CNI_SHAPE(BATCH, 2, 3, 4);
    const cni_shape from[] = {{1, {4}}, {4, {BATCH, 1, 1, 4}}, {3, {2, 1, 1}}, {0}};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        check_gradient(&(gradient_check){
            .name = "broadcast", .build = build_broadcast, .context = &to, .inputs = 1, .shape = {from[i]}});
}

/* Rows */

static cni_tensor *build_softmax(cni_graph *graph, cni_tensor *const *in, void *context)
{
    return cni_softmax(graph, in[0], *(int *)context);
}

static cni_tensor *build_log_softmax(cni_graph *graph, cni_tensor *const *in, void *context)
{
    return cni_log_softmax(graph, in[0], *(int *)context);
}

static cni_tensor *build_sparsemax(cni_graph *graph, cni_tensor *const *in, void *context)
{
    (void)context;
    return cni_sparsemax(graph, in[0]);
}

static cni_tensor *build_glu(cni_graph *graph, cni_tensor *const *in, void *context)
{
    return cni_glu(graph, in[0], *(int *)context);
}

static void row_gradients(void **state)
{
    (void)state;
    for (int axis = -3; axis < 4; axis++) {
        if (axis == 0) continue;
        gradient_check c = {.name = "softmax",
                            .build = build_softmax,
                            .context = &axis,
                            .inputs = 1,
                            .shape = {CNI_SHAPE(BATCH, 2, 4, 6)},
                            .low = {-3},
                            .high = {3}};
        check_gradient(&c);
        c.name = "log_softmax";
        c.build = build_log_softmax;
        check_gradient(&c);
        c.name = "glu";
        c.build = build_glu;
        check_gradient(&c);
    }
    for (uint32_t seed = 0; seed < 4; seed++)
        check_gradient(&(gradient_check){.name = "sparsemax",
                                         .build = build_sparsemax,
                                         .inputs = 1,
                                         .shape = {CNI_SHAPE(BATCH, 2, 5)},
                                         .low = {-0.2},
                                         .high = {0.4},
                                         .tolerance = 1e-4,
                                         .seed = seed});
}

/* What moves elements */

static cni_tensor *build_transpose(cni_graph *graph, cni_tensor *const *in, void *context)
{
    return cni_transpose(graph, in[0], context);
}

static cni_tensor *build_reshape(cni_graph *graph, cni_tensor *const *in, void *context)
{
    (void)context;
    cni_tensor *y = cni_reshape(graph, in[0], CNI_SHAPE(BATCH, 6, 4));
    return cni_multiply(graph, y, y);
}

static cni_tensor *build_pad(cni_graph *graph, cni_tensor *const *in, void *context)
{
    const int64_t(*p)[4] = context;
    return cni_pad(graph, in[0], p[0], p[1]);
}

static cni_tensor *build_concatenate(cni_graph *graph, cni_tensor *const *in, void *context)
{
    (void)context;
    cni_tensor *const three[] = {in[0], in[1], in[0]};
    return cni_concatenate(graph, three, 3, -2);
}

static void moving_gradients(void **state)
{
    (void)state;
    int permutations[][4] = {{0, 2, 3, 1}, {0, 3, 1, 2}, {0, 3, 2, 1}, {0, 1, 3, 2}};
    for (int i = 0; i < 4; i++)
        check_gradient(&(gradient_check){.name = "transpose",
                                         .build = build_transpose,
                                         .context = permutations[i],
                                         .inputs = 1,
                                         .shape = {CNI_SHAPE(BATCH, 2, 3, 4)}});
    check_gradient(&(gradient_check){
        .name = "reshape", .build = build_reshape, .inputs = 1, .shape = {CNI_SHAPE(BATCH, 2, 3, 4)}});
    int64_t pads[][2][4] = {
        {{0, 1, 2, 0}, {0, 0, 1, 3}}, {{0, -1, 0, -2}, {0, 0, -1, 0}}, {{0, 2, -1, 0}, {0, -1, 1, 0}}};
    for (int i = 0; i < 3; i++)
        check_gradient(&(gradient_check){
            .name = "pad", .build = build_pad, .context = pads[i], .inputs = 1, .shape = {CNI_SHAPE(BATCH, 2, 3, 4)}});
    check_gradient(&(gradient_check){.name = "concatenate",
                                     .build = build_concatenate,
                                     .inputs = 2,
                                     .shape = {CNI_SHAPE(BATCH, 2, 3, 4), CNI_SHAPE(BATCH, 2, 1, 4)}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary_gradients),  cmocka_unit_test(chain),
        cmocka_unit_test(binary_gradients), cmocka_unit_test(shapes_that_do_not_fit),
        cmocka_unit_test(reduce_gradients), cmocka_unit_test(broadcast_gradient),
        cmocka_unit_test(row_gradients),    cmocka_unit_test(moving_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
