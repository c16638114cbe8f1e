/* SPDX-License-Identifier: Apache-2.0
 * What passes save in training: gradients are still those of the functions (central differences in double), and the ops
 * that were to go are gone. */
#include "graph/gradient_check.h"
#include "graph/ops/batch_norm.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/pad.h"
#include "graph/ops/pooling.h"
#include "graph/ops/unary.h"

#define BATCH CNI_UNKNOWN

static const cni_epilogue functions[] = {
    {CNI_RELU, 0, INFINITY, 0},  {CNI_RELU, 0, 6, 0},        {CNI_RELU, 0.25, INFINITY, 0}, {.function = CNI_RELU6},
    {CNI_LEAKY_RELU, 0.5, 0, 0}, {CNI_ELU, 1.5, 0, 0},       {.function = CNI_SELU},        {.function = CNI_TANH},
    {CNI_RELU, 0, 1, 0},         {CNI_LEAKY_RELU, -1, 0, 0}, {CNI_ELU, -1, 0, 0},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, RISING = FUNCTIONS - 2 }; /* without equal maxima */

/* Steps of a plan for the gradients of what `build` makes, by kind. */
static int steps_of(cni_tensor *(*build)(cni_graph *, cni_tensor *const *, void *), void *context, const char *kind)
{
    cni_kernels kernels;
    cni_kernels_init_double(&kernels);
    gradient_run run;
    const gradient_check check = {
        .build = build,
        .context = context,
        .inputs = 4,
        .shape = {CNI_SHAPE(BATCH, 6, 6, 5), CNI_SHAPE(5), CNI_SHAPE(5), CNI_SHAPE(BATCH, 6, 6, 5)},
        .fixed = {false, false, false, true}};
    gradient_plan(&run, &check, &kernels, NULL, false);
    int count = 0;
    for (int i = 0; i < cni_plan_steps(run.plan); i++)
        count += strcmp(cni_plan_step_op(run.plan, i)->kind->name, kind) == 0;
    gradient_free(&run);
    return count;
}

/* x, gamma, beta, r -> f(normalized x), or f(normalized x + r) */
typedef struct normalized {
    const cni_epilogue *f;
    bool adds, given, of_relu;
} normalized;

static cni_tensor *build_normalized(cni_graph *graph, cni_tensor *const *in, void *context)
{
    const normalized *n = context;
    cni_tensor *x = cni_affine(graph, in[0], 8, 1), *y; /* far enough to be cut off */
    if (n->of_relu) x = cni_unary_op(graph, x, functions[0]);
    if (n->given)
        y = cni_batch_norm_inference(graph, x, in[1], in[2], cni_graph_constant(graph, CNI_SHAPE(5), 0.5),
                                     cni_graph_constant(graph, CNI_SHAPE(5), 2), 1e-3);
    else
        y = cni_batch_norm_train(graph, x, in[1], in[2], 1e-3).y;
    if (n->adds) y = cni_add(graph, y, cni_affine(graph, in[3], 2, 0));
    y = cni_unary_op(graph, y, *n->f);
    return cni_multiply(graph, y, y);
}

static void functions_behind_normalizations(void **state)
{
    (void)state;
    for (int i = 0; i < 8 * FUNCTIONS; i++) {
        normalized n = {&functions[i / 8], i & 1, i & 2, i & 4};
        check_gradient(&(gradient_check){
            .name = "normalized",
            .build = build_normalized,
            .context = &n,
            .inputs = n.adds ? 4 : 3,
            .shape = {CNI_SHAPE(BATCH, 3, 2, 5), CNI_SHAPE(5), CNI_SHAPE(5), CNI_SHAPE(BATCH, 3, 2, 5)},
            .low = {0, 0.5},
            .high = {0, 4},
            .tolerance = 1e-5,
            .seed = (uint32_t)i});
    }
    for (int i = 0; i < 7; i++) {
        normalized n = {&functions[i], false, false, i % 2};
        assert_int_equal(steps_of(build_normalized, &n, "unary gradient"), i < 5 ? 0 : 1);
        n.adds = true; /* then x alone does not tell */
        n.of_relu = false;
        assert_int_equal(steps_of(build_normalized, &n, "unary gradient"), 1);
        assert_int_equal(steps_of(build_normalized, &n, "unary"), 3); /* those before it, and one's gradient */
    }
}

/* x -> pooled f(x); the pool's windows overlap or do not. */
typedef struct pooled {
    const cni_epilogue *f;
    cni_pool2d_attributes pool;
    bool zeros;
} pooled;

static cni_tensor *build_pooled(cni_graph *graph, cni_tensor *const *in, void *context)
{
    const pooled *p = context;
    cni_tensor *y = cni_unary_op(graph, cni_affine(graph, in[0], 2, 0), *p->f);
    if (p->zeros) y = cni_pad(graph, y, (int64_t[]){0, 1, 0, 0}, (int64_t[]){0, 0, 1, 0});
    y = cni_max_pool2d(graph, y, &p->pool);
    return cni_multiply(graph, y, y);
}

static void functions_before_pooling(void **state)
{
    (void)state;
    static const cni_pool2d_attributes pools[] = {{{2, 2}, {2, 2}, 0, 0, 0, 0}, {{3, 3}, {2, 2}, 1, 0, 0, 1}};
    for (int i = 0; i < 4 * RISING; i++) {
        pooled p = {&functions[i / 4], pools[i % 2], i & 2};
        if (p.zeros) p.pool.top = p.pool.right = 0;
        check_gradient(&(gradient_check){.name = "pooled",
                                         .build = build_pooled,
                                         .context = &p,
                                         .inputs = 1,
                                         .shape = {CNI_SHAPE(BATCH, 6, 5, 3)},
                                         .low = {-4},
                                         .high = {4},
                                         .distinct = {true},
                                         .tolerance = 1e-5,
                                         .seed = (uint32_t)i});
    }
}

/* x, w, b -> pooled f(conv): maxima and taps are written, what they are chosen from is not. */
static cni_tensor *build_pooled_convolution(cni_graph *graph, cni_tensor *const *in, void *context)
{
    const cni_conv2d_attributes a = {
        .strides = {1, 1}, .dilation = {1, 1}, .top = 1, .bottom = 1, .left = 1, .right = 1, .groups = 1};
    cni_tensor *y = cni_unary_op(graph, cni_conv2d(graph, in[0], in[1], in[2], &a), *(const cni_epilogue *)context);
    y = cni_max_pool2d(graph, y, &(cni_pool2d_attributes){.window = {2, 2}, .strides = {2, 2}});
    return cni_multiply(graph, y, y);
}

static void convolutions_before_pooling(void **state)
{
    (void)state;
    for (int i = 0; i < RISING - 1; i++) { /* the last one's slope is known from what it reads alone */
        cni_epilogue f = functions[i];
        const gradient_check check = {.name = "pooled convolution",
                                      .build = build_pooled_convolution,
                                      .context = &f,
                                      .inputs = 3,
                                      .shape = {CNI_SHAPE(BATCH, 6, 5, 3), CNI_SHAPE(3, 3, 3, 4), CNI_SHAPE(4)},
                                      .tolerance = 1e-5,
                                      .seed = (uint32_t)i};
        check_gradient(&check);
        cni_kernels kernels;
        cni_kernels_init_double(&kernels);
        gradient_run run;
        gradient_plan(&run, &check, &kernels, NULL, false);
        int fused = 0;
        for (int k = 0; k < cni_plan_steps(run.plan); k++) {
            assert_string_not_equal(cni_plan_step_op(run.plan, k)->kind->name, "max_pool2d");
            fused += strcmp(cni_plan_step_op(run.plan, k)->kind->name, "conv2d max_pool2d") == 0;
        }
        assert_int_equal(fused, 1);
        gradient_free(&run);
    }
}

/* Zeros round the image are the convolution's affair, forward and backward. */
static cni_tensor *build_padded(cni_graph *graph, cni_tensor *const *in, void *context)
{
    const bool depthwise = *(const bool *)context;
    const cni_conv2d_attributes a = {.strides = {2, 1}, .dilation = {1, 1}, .left = 1, .groups = 1};
    cni_tensor *x = cni_pad(graph, in[0], (int64_t[]){0, 1, 0, 0}, (int64_t[]){0, 2, 3, 0});
    return depthwise ? cni_depthwise_conv2d(graph, x, in[1], NULL, &a) : cni_conv2d(graph, x, in[1], NULL, &a);
}

static void zeros_round_convolutions(void **state)
{
    (void)state;
    for (int depthwise = 0; depthwise < 2; depthwise++) {
        bool context = depthwise;
        const gradient_check check = {
            .name = "padded",
            .build = build_padded,
            .context = &context,
            .inputs = 2,
            .shape = {CNI_SHAPE(BATCH, 5, 4, 3), depthwise ? CNI_SHAPE(3, 2, 3, 2) : CNI_SHAPE(3, 2, 3, 4)}};
        check_gradient(&check);
        cni_kernels kernels;
        cni_kernels_init_double(&kernels);
        gradient_run run;
        gradient_plan(&run, &check, &kernels, NULL, false);
        for (int i = 0; i < cni_plan_steps(run.plan); i++)
            assert_string_not_equal(cni_plan_step_op(run.plan, i)->kind->name, "pad");
        gradient_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_behind_normalizations),
        cmocka_unit_test(functions_before_pooling),
        cmocka_unit_test(convolutions_before_pooling),
        cmocka_unit_test(zeros_round_convolutions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
