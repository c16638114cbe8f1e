/* SPDX-License-Identifier: Apache-2.0
 * How fast the kernels are, beside the machine's own limit: a loop of multiply-adds measured in the same process, right
 * before and after.  bench_kernels [words]: only cases whose name has one of the words in it. */
#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/dense.h"
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/pooling.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With one thread the time that this thread computes, which others on the machine do not disturb as much. */
static clockid_t clock_used = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;
    clock_gettime(clock_used, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The limit of one core: 24 sums in registers, nothing else. */
#if defined(__x86_64__)
#include <immintrin.h>

#define SUMS(F)    F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9)
#define SUMS_24(F) SUMS(F) F(10) F(11) F(12) F(13) F(14) F(15) F(16) F(17) F(18) F(19) F(20) F(21) F(22) F(23)

__attribute__((target("avx512f"))) static void multiply_add_512(long times)
{
#define DECLARE(i) __m512 sum_##i = _mm512_setzero_ps();
#define ADD(i)     __asm__("vfmadd231ps %1, %1, %0" : "+v"(sum_##i) : "v"(x));
#define USE(i)     __asm__ volatile("" ::"v"(sum_##i));
    __m512 x = _mm512_setzero_ps();
    SUMS_24(DECLARE)
    for (long i = 0; i < times; i++) {
        SUMS_24(ADD)
    }
    SUMS_24(USE)
#undef DECLARE
}

__attribute__((target("avx2,fma"))) static void multiply_add_256(long times)
{
#define DECLARE(i) __m256 sum_##i = _mm256_setzero_ps();
    __m256 x = _mm256_setzero_ps();
    SUMS(DECLARE)
    for (long i = 0; i < times; i++) {
        SUMS(ADD)
    }
    SUMS(USE)
}

static double peak(const cni_kernels *kernels)
{
    enum { TIMES = 100000 };
    bool wide = !strcmp(kernels->name, "avx512");
    double best = 0;
    for (int i = 0; i < 20; i++) {
        double start = now();
        if (wide)
            multiply_add_512(TIMES);
        else
            multiply_add_256(TIMES);
        double rate = 2.0 * TIMES * (wide ? 24 * 16 : 10 * 8) / (now() - start) * 1e-9;
        if (rate > best) best = rate;
    }
    return best;
}
#else
static double peak(const cni_kernels *kernels)
{
    (void)kernels;
    return 0; /* not known: no percentages */
}
#endif

typedef enum sort { CONV, DENSE, DEPTHWISE, MAX_POOL } sort;

typedef struct bench_case {
    sort sort;
    int n, h, w, c, f, k, stride, dilation, groups;
} bench_case;

static const bench_case cases[] = {
    {CONV, 1, 56, 56, 64, 64, 3, 1, 1, 1},      {CONV, 1, 28, 28, 128, 128, 3, 1, 1, 1},
    {CONV, 1, 14, 14, 256, 256, 3, 1, 1, 1},    {CONV, 1, 7, 7, 512, 512, 3, 1, 1, 1},
    {CONV, 1, 224, 224, 3, 64, 7, 2, 1, 1},     {CONV, 1, 28, 28, 1, 32, 3, 1, 1, 1},
    {CONV, 1, 32, 32, 3, 32, 3, 1, 1, 1},       {CONV, 1, 56, 56, 128, 128, 3, 2, 1, 1},
    {CONV, 1, 56, 56, 64, 256, 1, 1, 1, 1},     {CONV, 1, 14, 14, 1024, 256, 1, 1, 1, 1},
    {CONV, 1, 7, 7, 2048, 512, 1, 1, 1, 1},     {CONV, 1, 28, 28, 20, 20, 3, 1, 1, 1},
    {CONV, 1, 28, 28, 50, 50, 3, 1, 1, 1},      {CONV, 1, 112, 112, 16, 16, 3, 1, 1, 1},
    {CONV, 1, 8, 8, 32, 32, 3, 1, 1, 1},        {CONV, 1, 4, 4, 64, 64, 3, 1, 1, 1},
    {CONV, 1, 28, 28, 256, 256, 3, 1, 1, 32},   {CONV, 128, 28, 28, 1, 32, 5, 1, 1, 1},
    {CONV, 128, 14, 14, 32, 64, 5, 1, 1, 1},    {CONV, 8, 7, 7, 512, 512, 3, 1, 1, 1},
    {CONV, 8, 7, 7, 2048, 512, 1, 1, 1, 1},     {CONV, 16, 14, 14, 64, 64, 3, 1, 1, 1},
    {DENSE, 128, 1, 1, 3136, 1000, 1, 1, 1, 1}, {DENSE, 128, 1, 1, 1000, 10, 1, 1, 1, 1},
    {DENSE, 1, 1, 1, 3136, 1000, 1, 1, 1, 1},   {DEPTHWISE, 1, 112, 112, 32, 1, 3, 1, 1, 1},
    {DEPTHWISE, 1, 56, 56, 128, 1, 3, 1, 1, 1}, {DEPTHWISE, 1, 14, 14, 512, 1, 3, 1, 1, 1},
    {DEPTHWISE, 1, 28, 28, 256, 1, 5, 1, 1, 1}, {DEPTHWISE, 1, 14, 14, 384, 1, 7, 1, 1, 1},
    {DEPTHWISE, 1, 28, 28, 256, 1, 3, 1, 2, 1}, {DEPTHWISE, 1, 28, 28, 32, 1, 3, 1, 1, 1},
    {DEPTHWISE, 1, 28, 28, 32, 1, 5, 1, 1, 1},  {MAX_POOL, 128, 28, 28, 32, 1, 2, 2, 1, 1},
    {MAX_POOL, 1, 112, 112, 64, 1, 3, 2, 1, 1},
};

static cni_tensor *forward(cni_graph *graph, const bench_case *c, cni_tensor *x, cni_tensor *w)
{
    int before[2], after[2], size[2] = {c->h, c->w};
    for (int i = 0; i < 2; i++) {
        int all = ((size[i] + c->stride - 1) / c->stride - 1) * c->stride + (c->k - 1) * c->dilation + 1 - size[i];
        before[i] = all > 0 ? all / 2 : 0;
        after[i] = all > 0 ? all - before[i] : 0;
    }
    const cni_conv2d_attributes a = {.strides = {c->stride, c->stride},
                                     .dilation = {c->dilation, c->dilation},
                                     .top = before[0],
                                     .bottom = after[0],
                                     .left = before[1],
                                     .right = after[1],
                                     .groups = c->groups};
    if (c->sort == CONV) return cni_conv2d(graph, x, w, NULL, &a);
    if (c->sort == DEPTHWISE) return cni_depthwise_conv2d(graph, x, w, NULL, &a);
    if (c->sort == DENSE) return cni_dense(graph, x, w, NULL, NULL);
    const cni_pool2d_attributes p = {{c->k, c->k}, {c->stride, c->stride}, before[0], after[0], before[1], after[1]};
    return cni_max_pool2d(graph, x, &p);
}

/* A loss whose gradient is what the caller puts there: `dy` is an input. */
static void no_run(cni_step *step, const cni_run *run)
{
    (void)step, (void)run;
}

static void end_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    (void)graph, (void)dout;
    din[0] = op->in[1];
}

static const cni_op_kind end_kind = {.name = "end", .gradient = end_gradient, .run = no_run};

/* which: 0 forward, 1 for the data, 2 for the weights.  Seconds of one run. */
static double measure(const bench_case *c, const cni_kernels *kernels, cni_pool *pool, int which)
{
    cni_graph *graph = cni_graph_new();
    cni_tensor *x = cni_graph_input(graph, c->sort == DENSE ? CNI_SHAPE(CNI_UNKNOWN, c->c)
                                                            : CNI_SHAPE(CNI_UNKNOWN, c->h, c->w, c->c));
    cni_shape shape = c->sort == DENSE ? CNI_SHAPE(c->c, c->f) : CNI_SHAPE(c->k, c->k, c->c / c->groups, c->f);
    size_t weights = (size_t)cni_shape_count(&shape, 0);
    cni_variable variable = {.name = "w", .shape = shape, .version = 1};
    variable.data = aligned_alloc(64, (weights * sizeof(float) + 63) / 64 * 64);
    for (size_t i = 0; i < weights; i++) variable.data[i] = (float)(i % 7) - 3;
    cni_tensor *w = cni_graph_variable(graph, &variable), *wanted = which == 1 ? x : w, *gradient = NULL;
    x->differentiable = which == 1;
    w->differentiable = which == 2;
    cni_tensor *y = forward(graph, c, x, w), *dy = NULL;
    y->is_output = !which;
    if (which) {
        dy = cni_graph_input(graph, y->shape);
        cni_shape scalar = {0};
        cni_tensor *loss = cni_append(graph, &end_kind, NULL, 2, (cni_tensor *[]){y, dy}, 1, &scalar)->out[0];
        cni_differentiate(graph, loss, &wanted, 1, &gradient);
        if (gradient) gradient->is_output = true;
    }
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = c->n, .kernels = kernels, .pool = pool};
    double best = 1e9;
    if ((which && !gradient) || cni_plan_new(graph, &options, &plan, &error)) {
        free(variable.data);
        return 0;
    }
    float *values = cni_plan_data(plan, x);
    for (size_t i = 0, count = cni_tensor_count(x, c->n); values && i < count; i++) values[i] = (float)(i % 11) - 5;
    values = dy ? cni_plan_data(plan, dy) : NULL;
    for (size_t i = 0, count = dy ? cni_tensor_count(dy, c->n) : 0; values && i < count; i++)
        values[i] = (float)(i % 5) - 2;
    double spent = 0;
    for (int i = 0; i < 1000 && (spent < 0.15 || i < 5); i++) {
        double start = now();
        cni_plan_run(plan, CNI_GRADIENTS, c->n);
        double took = now() - start;
        spent += took;
        if (took < best) best = took;
    }
    cni_plan_free(plan);
    free(variable.data);
    return best;
}

static double flops(const bench_case *c)
{
    int oh = (c->h + c->stride - 1) / c->stride, ow = (c->w + c->stride - 1) / c->stride;
    double windows = (double)c->n * oh * ow, taps = (double)c->k * c->k;
    if (c->sort == DEPTHWISE || c->sort == MAX_POOL) return 2 * windows * taps * c->c;
    return 2 * windows * taps * c->c / c->groups * c->f;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"conv", "dense", "depthwise", "maxpool"};
    const char *threads = getenv("THREADS");
    cni_pool *pool = cni_pool_new(threads ? atoi(threads) : 1);
    if (cni_pool_threads(pool) == 1) clock_used = CLOCK_THREAD_CPUTIME_ID;
    cni_kernels kernels;
    cni_kernels_init(&kernels, cni_cpu_isa(NULL));
    printf("%s kernels, %d threads; GFLOP/s, and %% of one core's multiply-adds\n", kernels.name,
           cni_pool_threads(pool));
    printf("%-44s %22s %22s %22s\n", "", "forward", "for the data", "for the weights");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bench_case *c = &cases[i];
        char name[100];
        snprintf(name, sizeof name, "%s n%d %dx%d %d->%d k%d s%d d%d g%d", names[c->sort], c->n, c->h, c->w, c->c, c->f,
                 c->k, c->stride, c->dilation, c->groups);
        bool wanted = argc < 2;
        for (int k = 1; k < argc; k++) wanted |= strstr(name, argv[k]) != NULL;
        if (!wanted) continue;
        printf("%-44s", name);
        double limit = peak(&kernels);
        for (int which = 0; which < 3; which++) {
            double seconds = measure(c, &kernels, pool, which), rate = seconds ? flops(c) / seconds * 1e-9 : 0;
            printf("  %8.1f us %4.0f %3.0f%%", seconds * 1e6, rate, limit ? 100 * rate / limit : 0);
            fflush(stdout);
        }
        printf("  of %.0f\n", limit);
    }
    cni_pool_free(pool);
    return 0;
}
