/* SPDX-License-Identifier: Apache-2.0
 * Convolutions of stride 1 by every algorithm, in turn: effective GFLOP/s (of the direct sums) as a multiple of the
 * machine's own limit, and with * what the rules choose.
 *
 *     bench_winograd [-t threads] [-b batch] [-w] [-s seconds] [-a algorithm] [H W C K window]...
 *
 * -w: with the transform (packing) of the weights, as in training.  Forward, then for the data. */
#include "graph/ops/algorithm.h"
#include "graph/ops/correlate.h"
#include "graph/ops/winograd_conv2d.h"
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct shape {
    int h, w, c, f, window;
} shape;

static const shape shapes[] = {
    {32, 32, 32, 32, 3},     {16, 16, 32, 64, 3},   {16, 16, 64, 64, 3},   {8, 8, 64, 128, 3},   {8, 8, 128, 128, 3},
    {64, 64, 64, 128, 3},    {32, 32, 128, 256, 3}, {64, 64, 32, 64, 3},   {64, 64, 64, 128, 3}, {56, 56, 32, 32, 3},
    {56, 56, 64, 64, 3},     {28, 28, 128, 128, 3}, {28, 28, 64, 64, 3},   {28, 28, 32, 32, 3},  {28, 28, 256, 256, 3},
    {14, 14, 256, 256, 3},   {14, 14, 512, 512, 3}, {7, 7, 512, 512, 3},   {7, 7, 256, 256, 3},  {224, 224, 64, 64, 3},
    {112, 112, 128, 128, 3}, {56, 56, 256, 256, 3}, {28, 28, 512, 512, 3}, {14, 14, 32, 64, 5},  {28, 28, 32, 64, 5},
    {28, 28, 64, 64, 5},     {14, 14, 128, 128, 5},
};

typedef struct problem {
    shape s;
    cni_conv_pass pass;
    cni_run run;
    bool pack;
    int only; /* one algorithm; -1: all */
    float *x, *w, *y;
    void *packed[CNI_ALGORITHMS], *scratch[CNI_ALGORITHMS], *own[CNI_ALGORITHMS];
    size_t own_bytes[CNI_ALGORITHMS];
} problem;

static cni_winograd_conv winograd_of(const problem *p, cni_algorithm a)
{
    bool back = p->pass == CNI_PASS_DATA;
    int from = back ? p->s.f : p->s.c, to = back ? p->s.c : p->s.f, padding = p->s.window / 2;
    return (cni_winograd_conv){.from = {p->s.h, p->s.w, from},
                               .to = {p->s.h, p->s.w, to},
                               .window = p->s.window,
                               .results = cni_algorithm_rows[a].results,
                               .padding = {padding, padding},
                               .transposed = back,
                               .overlaps = cni_algorithm_rows[a].overlaps};
}

static cni_correlation direct_of(const problem *p)
{
    bool back = p->pass == CNI_PASS_DATA;
    int from = back ? p->s.f : p->s.c, to = back ? p->s.c : p->s.f, padding = p->s.window / 2;
    return (cni_correlation){.sampling = {.from = {p->s.h, p->s.w, from},
                                          .to = {p->s.h, p->s.w, to},
                                          .window = {p->s.window, p->s.window},
                                          .strides = {1, 1},
                                          .dilation = {1, 1},
                                          .padding = {padding, padding},
                                          .transposed = back,
                                          .repeat = 1,
                                          .can_fold = true},
                             .groups = 1};
}

static cni_conv_shape conv_shape(const problem *p)
{
    bool back = p->pass == CNI_PASS_DATA;
    int from = back ? p->s.f : p->s.c, to = back ? p->s.c : p->s.f;
    return (cni_conv_shape){.pass = p->pass,
                            .from = {p->s.h, p->s.w, from},
                            .to = {p->s.h, p->s.w, to},
                            .window = {p->s.window, p->s.window},
                            .strides = {1, 1},
                            .dilation = {1, 1},
                            .groups = 1,
                            .keeps = !p->pack};
}

static void *memory(size_t bytes)
{
    void *data = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    memset(data, 0, bytes);
    return data;
}

static float *numbers(size_t count)
{
    float *values = memory(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = (float)(i % 17) / 8 - 1;
    return values;
}

static void run(const problem *p, cni_algorithm a, bool pack)
{
    static const cni_finish none;
    cni_run own = p->run;
    own.own = p->own[a];
    own.own_bytes = p->own_bytes[a];
    if (a == CNI_DIRECT) {
        cni_correlation c = direct_of(p);
        cni_correlate(&c, &own, p->x, p->w, p->y, p->packed[a], pack, p->scratch[a]);
    } else {
        cni_winograd_conv c = winograd_of(p, a);
        cni_winograd_convolve(&c, &own, p->x, p->w, &none, NULL, p->y, p->packed[a], pack);
    }
}

static void prepare(problem *p, cni_algorithm a)
{
    const cni_kernels *kernels = p->run.kernels;
    if (a == CNI_DIRECT) {
        cni_correlation c = direct_of(p);
        p->packed[a] = memory(cni_correlation_packed(&c, sizeof(float)));
        p->scratch[a] = memory(cni_blocks_scratch(&c.sampling));
        p->own_bytes[a] = cni_blocks_own(&c.sampling, sizeof(float));
    } else {
        cni_winograd_conv c = winograd_of(p, a);
        p->packed[a] = memory(cni_winograd_weights(&c, kernels));
        p->own_bytes[a] = cni_winograd_own(&c, &p->run);
    }
    p->own[a] = memory((size_t)cni_pool_threads(p->run.pool) * p->own_bytes[a]);
    run(p, a, true);
}

static void measure(problem *p, double seconds)
{
    const int threads = cni_pool_threads(p->run.pool);
    const clockid_t of = threads > 1 ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
    const size_t cells = (size_t)p->run.n * (size_t)p->s.h * (size_t)p->s.w;
    const size_t most = (size_t)(p->s.c > p->s.f ? p->s.c : p->s.f);
    p->x = numbers(cells * most);
    p->y = numbers(cells * most);
    p->w = numbers((size_t)p->s.window * (size_t)p->s.window * (size_t)p->s.c * (size_t)p->s.f);
    double best[CNI_ALGORITHMS], spent = 0;
    bool serves[CNI_ALGORITHMS];
    const cni_conv_shape of_problem = conv_shape(p);
    for (int a = 0; a < CNI_ALGORITHMS; a++) {
        best[a] = 1e9;
        serves[a] = cni_algorithm_serves((cni_algorithm)a, &of_problem) && (p->only < 0 || p->only == a);
        if (serves[a]) prepare(p, (cni_algorithm)a);
    }
    double peak = peak_rate(p->run.kernels->name, CLOCK_THREAD_CPUTIME_ID) * threads;
    for (int i = 0; spent < seconds || i < 3; i++)
        for (int a = 0; a < CNI_ALGORITHMS; a++) {
            if (!serves[a]) continue;
            double start = seconds_now(of);
            run(p, (cni_algorithm)a, p->pack);
            double took = seconds_now(of) - start;
            spent += took;
            if (took < best[a]) best[a] = took;
        }
    double after = peak_rate(p->run.kernels->name, CLOCK_THREAD_CPUTIME_ID) * threads;
    if (after > peak) peak = after;
    const double flops = 2.0 * (double)cells * p->s.window * p->s.window * p->s.c * p->s.f * 1e-9;
    const cni_algorithm chosen = cni_choose_algorithm(&of_problem, &p->run);
    printf("%d x %3dx%3d %3d->%3d %dx%d %-7s", p->run.n, p->s.h, p->s.w, p->s.c, p->s.f, p->s.window, p->s.window,
           p->pass == CNI_PASS_DATA ? "data" : "forward");
    for (int a = 0; a < CNI_ALGORITHMS; a++) {
        if (serves[a])
            printf("  %s %5.2f (%8.3f ms)%c", cni_algorithm_rows[a].name, flops / best[a] / peak, best[a] * 1e3,
                   a == (int)chosen ? '*' : ' ');
        free(p->packed[a]);
        free(p->scratch[a]);
        free(p->own[a]);
        p->packed[a] = p->scratch[a] = p->own[a] = NULL;
    }
    printf("  peak %.0f\n", peak);
    fflush(stdout);
    free(p->x);
    free(p->y);
    free(p->w);
}

int main(int argc, char **argv)
{
    int threads = 1, batch = 1, option;
    double seconds = 0.2;
    problem p = {.only = -1};
    while ((option = getopt(argc, argv, "t:b:ws:a:")) != -1) {
        if (option == 't') threads = atoi(optarg);
        if (option == 'b') batch = atoi(optarg);
        if (option == 'w') p.pack = true;
        if (option == 'a') p.only = atoi(optarg);
        if (option == 's') seconds = atof(optarg);
    }
    cni_kernels kernels;
    cni_kernels_init(&kernels, cni_cpu_isa(NULL));
    p.run = (cni_run){.n = batch, .batch = batch, .kernels = &kernels};
    p.run.pool = threads > 1 ? cni_pool_new(threads) : NULL;
    for (int pass = 0; pass < 2; pass++) {
        p.pass = (cni_conv_pass)pass;
        for (int i = optind; i + 4 < argc; i += 5) {
            p.s = (shape){atoi(argv[i]), atoi(argv[i + 1]), atoi(argv[i + 2]), atoi(argv[i + 3]), atoi(argv[i + 4])};
            measure(&p, seconds);
        }
        for (size_t i = 0; optind == argc && i < sizeof shapes / sizeof *shapes; i++) {
            p.s = shapes[i];
            measure(&p, seconds);
        }
    }
    cni_pool_free(p.run.pool);
    return 0;
}
