/* SPDX-License-Identifier: Apache-2.0
 * Moments that are gathered while somebody writes are, to the bit, those of the tensor that was written, with any
 * number of threads: whatever way it is computed in, every cell is counted once.  What is written is, to the bit, what
 * is written when nobody gathers. */
#include "graph/op_testing.h"

#include "graph/ops/batch_norm.h"
#include "graph/ops/conv2d.h"

#include <string.h>

#define BATCH CNI_UNKNOWN
enum { IMAGES = 3 };

typedef struct net {
    int height, width, channels, filters, window, stride, padding, groups;
    bool transposed, fast, elu;
} net;

/* Tiles and blocks that end at no border of slices, images of one row or column, phases without taps. */
static const net nets[] = {
    {40, 37, 8, 24, 1, 1, 0, 1, .elu = true},
    {57, 56, 16, 96, 1, 1, 0, 1, .fast = false},
    {29, 31, 5, 40, 3, 2, 1, 1, .fast = false},
    {29, 31, 5, 40, 3, 2, 1, 1, .transposed = true},
    {23, 24, 16, 40, 1, 3, 0, 1, .transposed = true},
    {29, 31, 24, 48, 3, 1, 1, 4, .fast = false},
    {33, 35, 40, 72, 3, 1, 1, 1, .fast = true},
    {33, 35, 40, 72, 3, 1, 1, 1, .fast = true, .transposed = true},
    {33, 35, 40, 72, 3, 1, 0, 1, .fast = true, .transposed = true},
    {1, 200, 32, 64, 3, 1, 1, 1, .fast = true, .elu = true},
    {200, 1, 32, 64, 3, 1, 1, 1, .fast = true},
    {5, 41, 32, 64, 3, 1, 1, 1, .fast = true},
    {30, 30, 16, 32, 5, 1, 2, 1, .fast = true},
    {56, 57, 40, 40, 3, 1, 1, 40, .fast = false},
    {57, 55, 40, 40, 3, 2, 1, 40, .fast = false},
    {57, 55, 20, 40, 3, 2, 1, 20, .fast = false},
    {3, 3, 8, 8, 3, 1, 1, 1, .fast = false},
};
enum { NETS = sizeof nets / sizeof *nets };

typedef struct moments {
    cni_shape shape; /* of x */
    size_t count;
    double *x, *mean, *variance;
    bool alone; /* nobody takes moments: only x is made */
    bool gathered;
} moments;

/* Runs what makes x, or x itself where `given` is not NULL. */
static void run(const net *n, const double *given, const cni_kernels *kernels, int threads, moments *m)
{
    cni_graph *graph = cni_graph_new();
    cni_tensor *in, *w = NULL, *x;
    if (given) {
        in = x = cni_graph_input(graph, m->shape);
    } else {
        const cni_conv2d_attributes a = {.strides = {n->stride, n->stride},
                                         .dilation = {1, 1},
                                         .top = n->padding,
                                         .bottom = n->padding,
                                         .left = n->padding,
                                         .right = n->padding,
                                         .groups = n->groups,
                                         .epilogue = {.function = n->elu ? CNI_ELU : CNI_LINEAR, .a = 1}};
        const int read = n->transposed ? n->filters : n->channels, written = n->transposed ? n->channels : n->filters;
        in = cni_graph_input(graph, CNI_SHAPE(BATCH, n->height, n->width, n->channels));
        w = cni_graph_input(graph, CNI_SHAPE(n->window, n->window, read / n->groups, written));
        const int reach = n->stride + n->window - 1 - 2 * n->padding;
        x = n->transposed ? cni_conv2d_transpose(graph, in, w, NULL, (n->height - 1) * n->stride + reach,
                                                 (n->width - 1) * n->stride + reach, &a)
                          : cni_conv2d(graph, in, w, NULL, &a);
        m->shape = x->shape;
        m->count = IMAGES * cni_tensor_image(x);
        m->x = new_values(m->count);
    }
    const size_t c = (size_t)x->shape.dims[3];
    m->mean = new_values(c);
    m->variance = new_values(c);
    const cni_batch_norm norm =
        m->alone ? (cni_batch_norm){x, NULL, NULL} : cni_batch_norm_train(graph, x, NULL, NULL, 1e-3);
    x->is_output = norm.y->is_output = true;
    if (!m->alone) norm.mean->is_output = norm.variance->is_output = true;
    cni_pool *pool = cni_pool_new(threads);
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = IMAGES + 1,
                                      .kernels = kernels,
                                      .pool = pool,
                                      .math = n->fast ? CN_MATH_FAST : CN_MATH_DIRECT,
                                      .no_sharing = true};
    if (cni_plan_new(graph, &options, &plan, &error)) fail_msg("%s", error.text);
    for (int i = 0; i < cni_plan_steps(plan); i++)
        m->gathered |= !strcmp(cni_plan_step_op(plan, i)->kind->name, "batch norm moments");
    uint32_t random = 1;
    double *values = new_values(cni_tensor_count(in, IMAGES)), *weights = new_values(w ? cni_tensor_image(w) : 0);
    fill_real(&random, values, cni_tensor_count(in, IMAGES));
    if (w) fill_real(&random, weights, cni_tensor_image(w));
    put(plan, kernels, in, given ? given : values, IMAGES);
    if (w) put(plan, kernels, w, weights, 1);
    for (int again = 0; again < 2; again++) cni_plan_run(plan, CNI_GRADIENTS, IMAGES);
    if (!given) get(plan, kernels, x, m->x, IMAGES);
    if (!m->alone) get(plan, kernels, norm.mean, m->mean, 1);
    if (!m->alone) get(plan, kernels, norm.variance, m->variance, 1);
    free(values);
    free(weights);
    cni_plan_free(plan);
    cni_pool_free(pool);
}

static void done(moments *m)
{
    free(m->x);
    free(m->mean);
    free(m->variance);
}

static void compare(const net *n, const cni_kernels *kernels, int threads)
{
    moments here = {0}, alone = {.alone = true};
    run(n, NULL, kernels, threads, &here);
    run(n, NULL, kernels, 1, &alone);
    moments there = {.shape = here.shape};
    run(n, here.x, kernels, 1, &there);
    assert_true(here.gathered);
    assert_false(there.gathered || alone.gathered);
    const int which = (int)(n - nets);
    const size_t bytes = (size_t)here.shape.dims[3] * sizeof(double);
    if (memcmp(here.x, alone.x, here.count * sizeof(double)) != 0)
        fail_msg("case %d, %s kernels, %d threads: another x", which, kernels->name, threads);
    if (memcmp(here.mean, there.mean, bytes) != 0 || memcmp(here.variance, there.variance, bytes) != 0)
        fail_msg("case %d, %s kernels, %d threads: other moments", which, kernels->name, threads);
    done(&here);
    done(&alone);
    done(&there);
}

static void gathered_moments(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    const int count = all_kernels(kernels);
    for (int i = 0; i < NETS; i++)
        for (int k = 0; k < count; k++)
            for (int threads = 1; threads <= 3; threads++) compare(&nets[i], &kernels[k], threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gathered_moments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
