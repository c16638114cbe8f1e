/* SPDX-License-Identifier: Apache-2.0
 * What is folded into convolutions: random chains of padding, convolution, normalization, sum and function, planned as
 * they are and with every step an output, so that nothing may be folded.  Numbers are halves of small whole ones and
 * scales are powers of two, so both must agree to the bit, in every set of kernels. */
#include "graph/op_testing.h"
#include "graph/ops/batch_norm.h"
#include "graph/ops/binary.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/pad.h"
#include "graph/ops/pooling.h"
#include "graph/ops/unary.h"

enum { N = 2, SEEDS = 400, VARIABLES = 6 };

typedef struct variables {
    cni_variable of[VARIABLES];
    int count;
} variables;

static double whole(uint32_t *random)
{
    return (double)draw(random, 7) - 3;
}

static double power(uint32_t *random)
{
    return (double)(1 << 2 * draw(random, 3)) / 4; /* 1/4, 1, 4: roots 1/2, 1, 2 */
}

static cni_tensor *variable(cni_graph *graph, variables *all, cni_shape shape, uint32_t *random,
                            double (*value)(uint32_t *))
{
    cni_variable *v = &all->of[all->count++];
    const size_t count = (size_t)cni_shape_count(&shape, 0);
    *v = (cni_variable){.shape = shape, .data = calloc(count, sizeof(float)), .version = 1};
    assert_non_null(v->data);
    for (size_t i = 0; i < count; i++) v->data[i] = (float)value(random);
    return cni_graph_variable(graph, v);
}

static void free_variables(variables *all)
{
    for (int i = 0; i < all->count; i++) free(all->of[i].data);
}

/* A chain, and what is expected of it. */
typedef struct chain {
    cni_graph *graph;
    bool apart; /* every step is an output */
    cni_tensor *x, *z, *y;
    variables variables;
} chain;

static cni_tensor *stage(const chain *c, cni_tensor *tensor)
{
    if (c->apart) tensor->is_output = true;
    return tensor;
}

static cni_tensor *convolve(chain *c, cni_tensor *x, uint32_t *random)
{
    const int sort = (int)draw(random, 4); /* plain, transposed, grouped, with dilation */
    const int64_t from = x->shape.dims[3], to = sort == 2 ? 6 : 1 + draw(random, 40);
    cni_conv2d_attributes a = {.strides = {1 + (int)draw(random, 2), 1}, .dilation = {1, 1}, .groups = 1};
    a.top = a.left = (int)draw(random, 2);
    const int k = 1 + 2 * (int)draw(random, 2);
    if (sort == 2) a.groups = 2;
    if (sort == 3) a.dilation[0] = 2;
    const cni_shape shape = sort == 1 ? CNI_SHAPE(k, k, to, from) : CNI_SHAPE(k, k, from / a.groups, to);
    cni_tensor *w = variable(c->graph, &c->variables, shape, random, whole);
    cni_tensor *bias = draw(random, 2) ? variable(c->graph, &c->variables, CNI_SHAPE(to), random, whole) : NULL;
    const int64_t *size = x->shape.dims;
    if (sort == 1) return cni_conv2d_transpose(c->graph, x, w, bias, (int)(size[1] * a.strides[0]), (int)size[2], &a);
    return cni_conv2d(c->graph, x, w, bias, &a);
}

static cni_tensor *normalize(chain *c, cni_tensor *x, uint32_t *random)
{
    const cni_shape shape = CNI_SHAPE(x->shape.dims[3]);
    cni_tensor *gamma = draw(random, 2) ? variable(c->graph, &c->variables, shape, random, whole) : NULL;
    cni_tensor *beta = draw(random, 2) ? variable(c->graph, &c->variables, shape, random, whole) : NULL;
    cni_tensor *mean = variable(c->graph, &c->variables, shape, random, whole);
    return cni_batch_norm_inference(c->graph, x, gamma, beta, mean,
                                    variable(c->graph, &c->variables, shape, random, power), 0);
}

static const cni_epilogue functions[] = {{.function = CNI_LINEAR},
                                         {.function = CNI_RELU, .b = INFINITY},
                                         {.function = CNI_RELU6},
                                         {.function = CNI_LEAKY_RELU, .a = 0.25},
                                         {.function = CNI_SQUARE}};

/* The chain of a seed; every choice is drawn in either case. */
static void build(chain *made, uint32_t seed, bool apart, int *steps)
{
    uint32_t random = seed * 2654435761u;
    *made = (chain){.graph = cni_graph_new(), .apart = apart};
    made->x = cni_graph_input(made->graph, CNI_SHAPE(CNI_UNKNOWN, 7, 8, 4));
    cni_tensor *t = made->x;
    *steps = 1;
    const int64_t before[CNI_MAX_RANK] = {0, draw(&random, 3), draw(&random, 2)},
                  after[CNI_MAX_RANK] = {0, draw(&random, 2), draw(&random, 3)};
    const bool pads = draw(&random, 2) == 0;
    if (pads) t = stage(made, cni_pad(made->graph, t, before, after));
    cni_tensor *padded = t;
    t = stage(made, convolve(made, t, &random));
    const char *kind = t->producer->kind->name;
    if (padded != made->x && !strcmp(kind, "conv2d_transpose")) ++*steps; /* takes no padding */
    if (draw(&random, 2)) {
        t = stage(made, normalize(made, t, &random));
        ++*steps; /* scale and shift */
    }
    made->z = cni_graph_input(made->graph, t->shape);
    const int sum = (int)draw(&random, 4);
    cni_tensor *z = made->z;
    if (sum == 2) { /* computed after the convolution, and read by it */
        z = cni_affine(made->graph, z, 2, 0);
        ++*steps;
    }
    if (sum) t = stage(made, sum == 1 ? cni_add(made->graph, z, t) : cni_add(made->graph, t, z));
    t = stage(made, cni_unary_op(made->graph, t, functions[draw(&random, 5)]));
    made->y = t;
    made->y->is_output = true;
}

static cni_plan *plan_of(cni_graph *graph, const cni_kernels *kernels, bool no_sharing)
{
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = N, .kernels = kernels, .math = CN_MATH_DIRECT, .no_sharing = no_sharing};
    if (cni_plan_new(graph, &options, &plan, &error)) fail_msg("%s", error.text);
    return plan;
}

static double *run_chain(chain *c, const cni_kernels *kernels, uint32_t seed, bool no_sharing, int *steps)
{
    cni_plan *plan = plan_of(c->graph, kernels, no_sharing);
    uint32_t random = seed;
    cni_tensor *const inputs[] = {c->x, c->z};
    for (int i = 0; i < 2; i++) {
        double *values = new_values(cni_tensor_count(inputs[i], N));
        fill_whole(&random, values, cni_tensor_count(inputs[i], N));
        put(plan, kernels, inputs[i], values, N);
        free(values);
    }
    cni_plan_run(plan, CNI_GRADIENTS, N);
    double *y = new_values(cni_tensor_count(c->y, N));
    get(plan, kernels, c->y, y, N);
    *steps = cni_plan_steps(plan);
    cni_plan_free(plan);
    free_variables(&c->variables);
    return y;
}

static void chains(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    const int sets = all_kernels(kernels);
    for (uint32_t seed = 0; seed < SEEDS; seed++)
        for (int k = 0; k < sets; k++) {
            int expected_steps, steps, unused;
            chain apart, folded;
            build(&apart, seed, true, &unused);
            build(&folded, seed, false, &expected_steps);
            const size_t count = cni_tensor_count(folded.y, N);
            double *expected = run_chain(&apart, &kernels[k], seed, true, &unused);
            double *y = run_chain(&folded, &kernels[k], seed, seed % 2, &steps);
            char where[32];
            snprintf(where, sizeof where, "seed %u", seed);
            assert_same(y, expected, count, 0, "y", kernels[k].name, where);
            assert_int_equal(steps, expected_steps);
            free(y);
            free(expected);
        }
}

/* The gradient that reaches a relu: of two branches, summed and masked by the convolution that comes last. */
static void gradients(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    const int sets = all_kernels(kernels);
    for (int k = 0; k < sets; k++)
        for (int branches = 1; branches < 3; branches++) {
            double *results[2];
            size_t count = 0;
            for (int apart = 0; apart < 2; apart++) {
                uint32_t random = 5;
                variables v = {.count = 0};
                cni_graph *graph = cni_graph_new();
                cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 5, 6, 20));
                cni_tensor *first = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 5, 6, 20));
                cni_tensor *dy = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 5, 6, 12));
                const cni_conv2d_attributes a = {
                    .strides = {1, 1}, .dilation = {1, 1}, .top = 1, .bottom = 1, .left = 1, .right = 1, .groups = 1};
                cni_tensor *w = variable(graph, &v, CNI_SHAPE(3, 3, 20, 12), &random, whole);
                const cni_epilogue relu = {.function = CNI_RELU, .b = INFINITY};
                cni_tensor *y = cni_unary_op(graph, x, relu);
                cni_tensor *dx = cni_conv2d_transpose(graph, dy, w, NULL, 5, 6, &a);
                if (apart) dx->is_output = true;
                if (branches == 2) dx = cni_add(graph, first, dx);
                if (apart) dx->is_output = true;
                dx = cni_unary_gradient(graph, relu, x, y, dx);
                dx->is_output = true;
                cni_plan *plan = plan_of(graph, &kernels[k], apart);
                cni_tensor *const inputs[] = {x, first, dy};
                for (int i = 0; i < 3; i++) {
                    double *values = new_values(cni_tensor_count(inputs[i], N));
                    fill_whole(&random, values, cni_tensor_count(inputs[i], N));
                    put(plan, &kernels[k], inputs[i], values, N);
                    free(values);
                }
                cni_plan_run(plan, CNI_GRADIENTS, N);
                count = cni_tensor_count(dx, N);
                results[apart] = new_values(count);
                get(plan, &kernels[k], dx, results[apart], N);
                if (!apart) assert_int_equal(cni_plan_steps(plan), 2);
                cni_plan_free(plan);
                free_variables(&v);
            }
            assert_same(results[0], results[1], count, 0, "dx", kernels[k].name, "a masked gradient");
            free(results[0]);
            free(results[1]);
        }
}

/* Zeros before max pooling go where nothing is negative, and only there. */
static void pooling(void **state)
{
    (void)state;
    cni_kernels floats;
    cni_kernels_init(&floats, CNI_ISA_PORTABLE);
    for (int c = 0; c < 4; c++) {
        const bool positive = c & 1, far = c & 2;
        cni_graph *graph = cni_graph_new();
        cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 2, 2, 1));
        cni_tensor *t = positive ? cni_unary_op(graph, x, functions[1]) : cni_affine(graph, x, 1, 0);
        const int64_t rim = far ? 3 : 1, size[CNI_MAX_RANK] = {0, rim, rim};
        t = cni_pad(graph, t, size, size);
        const cni_pool2d_attributes a = {.window = {3, 3}, .strides = {1, 1}};
        cni_tensor *y = cni_max_pool2d(graph, t, &a);
        y->is_output = true;
        cni_plan *plan = plan_of(graph, &floats, true);
        assert_int_equal(cni_plan_steps(plan), positive && !far ? 2 : 3);
        put(plan, &floats, x, (double[]){-1, -2, -3, -4, 1, -2, -3, -4}, N);
        cni_plan_run(plan, CNI_GRADIENTS, N);
        double got[72];
        get(plan, &floats, y, got, N);
        const size_t each = cni_tensor_image(y);
        assert_true(got[0] == 0 && got[each - 1] == 0);
        assert_true(got[each] == (far ? 0 : 1));
        cni_plan_free(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains),
        cmocka_unit_test(gradients),
        cmocka_unit_test(pooling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
