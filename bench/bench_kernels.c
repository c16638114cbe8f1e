/* SPDX-License-Identifier: Apache-2.0
 * How fast the kernels are, beside the machine's own limit: a loop of multiply-adds measured in the same process, right
 * before and after each shape.
 *
 *     bench_kernels [--list core,tails] [--pass fwd,data,weights] [--filter TEXT] [--batch N] [--threads T]
 *                   [--math direct] [--seconds S] [--json] [--error] [TEXT...]
 *
 * With --error how exact they are instead: the L2 norm of the error, against the same sums in double precision,
 * relative to that of the result, and what the direct kernels do; random numbers as they are behind a relu.  A list is
 * a file, or the name of one in bench/shapes.  A line is a shape, and a name after a blank:
 *
 *     conv  g1mb1ic64ih56iw56oc64oh56ow56kh3kw3sh1sw1ph1pw1dh0dw0 a 3x3 layer of ResNet-50
 *
 * g groups, mb images, ic, ih, iw and oc, oh, ow channels, rows and columns in and out, kh, kw kernel, sh, sw strides,
 * ph, pw zeros above and left, dh, dw cells left out between taps.  The second of a pair repeats the first, g, mb, sh
 * are 1 when they are left out, and ph, dh are 0; oh may be left out where as many zeros come behind as in front.
 * Instead of conv: dense (mb, ic, oc), max (pooling).  Operations count as the definition has them, padded taps too,
 * whatever the algorithm: an algorithm that multiplies less passes 100 %. */
#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/dense.h"
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/pooling.h"
#include "kernels/kernels.h"

#include <ctype.h>
#include <math.h>
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

/* ---- the limit of one core: 24 sums in registers, nothing else ---- */

#if defined(__x86_64__)
#include <immintrin.h>

#define SUMS(F)    F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9)
#define SUMS_24(F) SUMS(F) F(10) F(11) F(12) F(13) F(14) F(15) F(16) F(17) F(18) F(19) F(20) F(21) F(22) F(23)
#define ADD(i)     __asm__("vfmadd231ps %1, %1, %0" : "+v"(sum_##i) : "v"(x));
#define USE(i)     __asm__ volatile("" ::"v"(sum_##i));

__attribute__((target("avx512f"))) static void multiply_add_512(long times)
{
#define DECLARE(i) __m512 sum_##i = _mm512_setzero_ps();
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
#undef DECLARE
}

static double peak(const cni_kernels *kernels)
{
    enum { TIMES = 100000 };
    const bool wide = !strcmp(kernels->name, "avx512");
    double best = 0;
    for (int i = 0; i < 8; i++) {
        const double start = now();
        if (wide)
            multiply_add_512(TIMES);
        else
            multiply_add_256(TIMES);
        const double rate = 2.0 * TIMES * (wide ? 24 * 16 : 10 * 8) / (now() - start) * 1e-9;
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

/* ---- shapes ---- */

typedef enum sort { CONV, DENSE, MAX_POOL, SORTS } sort;
static const char *const sort_names[SORTS] = {"conv", "dense", "max"};

typedef struct shape {
    sort sort;
    int g, mb, ic, ih, iw, oc, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw;
    char name[80];
} shape;

typedef struct field {
    const char *name;
    size_t offset;
} field;

#define FIELD(m)                                                                                                       \
    {                                                                                                                  \
#m, offsetof(shape, m)                                                                                         \
    }
static const field fields[] = {FIELD(g),  FIELD(mb), FIELD(ic), FIELD(ih), FIELD(iw), FIELD(oc), FIELD(oh), FIELD(ow),
                               FIELD(kh), FIELD(kw), FIELD(sh), FIELD(sw), FIELD(ph), FIELD(pw), FIELD(dh), FIELD(dw)};

static int *find_field(shape *s, const char **text)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const size_t length = strlen(fields[i].name);
        if (strncmp(*text, fields[i].name, length) != 0 || !isdigit((unsigned char)(*text)[length])) continue;
        *text += length;
        return (int *)(void *)((char *)s + fields[i].offset);
    }
    return NULL;
}

static int out_size(int in, int kernel, int stride, int pad, int gap)
{
    return (in + 2 * pad - (kernel - 1) * (gap + 1) - 1) / stride + 1;
}

static void fill_in(shape *s)
{
    if (s->sort == MAX_POOL) s->oc = s->ic;
    if (s->iw < 0) s->iw = s->ih;
    if (s->kw < 0) s->kw = s->kh;
    if (s->sw < 0) s->sw = s->sh;
    if (s->pw < 0) s->pw = s->ph;
    if (s->dw < 0) s->dw = s->dh;
    if (s->ow < 0) s->ow = s->oh >= 0 ? s->oh : out_size(s->iw, s->kw, s->sw, s->pw, s->dw);
    if (s->oh < 0) s->oh = out_size(s->ih, s->kh, s->sh, s->ph, s->dh);
}

/* "conv g1ic64... name" */
static bool read_shape(const char *line, shape *s)
{
    char word[16];
    int at = 0;
    *s = (shape){.g = 1, .mb = 1, .ih = 1, .iw = -1, .oh = -1, .ow = -1, .kh = 1, .kw = -1, .sh = 1, .sw = -1};
    s->pw = s->dw = -1;
    s->sort = SORTS;
    if (sscanf(line, "%15s %n", word, &at) != 1) return false;
    for (int i = 0; i < SORTS; i++)
        if (!strcmp(word, sort_names[i])) s->sort = (sort)i;
    if (s->sort == SORTS) return false;
    const char *text = line + at;
    while (*text && !isspace((unsigned char)*text)) {
        int *value = find_field(s, &text);
        if (!value) return false;
        *value = (int)strtol(text, (char **)&text, 10);
    }
    text += strspn(text, " ");
    snprintf(s->name, sizeof s->name, "%.*s", (int)strcspn(text, "\n"), text);
    fill_in(s);
    return s->ic > 0 && s->oc > 0 && s->oh > 0 && s->ow > 0 && s->mb > 0 && s->g > 0 && s->ic % s->g == 0;
}

static bool is_depthwise(const shape *s)
{
    return s->g > 1 && s->g == s->ic && s->oc == s->ic;
}

static double flops(const shape *s)
{
    const double windows = (double)s->mb * s->oh * s->ow, taps = (double)s->kh * s->kw;
    return 2 * windows * taps * (s->sort == MAX_POOL ? 1 : (double)s->ic / s->g) * s->oc;
}

static void describe(const shape *s, char *text, size_t size)
{
    if (s->sort == DENSE) {
        snprintf(text, size, "dense %d->%d, batch %d", s->ic, s->oc, s->mb);
        return;
    }
    const char *kind = s->sort == MAX_POOL ? "max " : is_depthwise(s) ? "depthwise " : "";
    int at = snprintf(text, size, "%s%dx%d/%d ", kind, s->kh, s->kw, s->sh);
    if (is_depthwise(s) || s->sort == MAX_POOL)
        at += snprintf(text + at, size - (size_t)at, "%d", s->ic);
    else
        at += snprintf(text + at, size - (size_t)at, "%d->%d", s->ic, s->oc);
    at += snprintf(text + at, size - (size_t)at, " %dx%d", s->ih, s->iw);
    if (s->mb > 1) at += snprintf(text + at, size - (size_t)at, " n%d", s->mb);
    if (s->dh) at += snprintf(text + at, size - (size_t)at, " d%d", s->dh + 1);
    if (s->g > 1 && !is_depthwise(s)) snprintf(text + at, size - (size_t)at, " g%d", s->g);
}

/* ---- one pass of one shape ---- */

typedef enum pass { FORWARD, DATA, WEIGHTS, PASSES } pass;
static const char *const pass_names[PASSES] = {"fwd", "data", "weights"};

typedef struct settings {
    const char *lists, *filter;
    char *const *words;
    bool passes[PASSES], json, error;
    int batch, threads, word_count;
    double seconds;
    cn_math math;
    cni_kernels kernels;
    cni_pool *pool;
} settings;

static int behind(int in, int out, int kernel, int stride, int pad, int gap)
{
    const int all = (out - 1) * stride + (kernel - 1) * (gap + 1) + 1 - in - pad;
    return all > 0 ? all : 0;
}

static cni_tensor *append(cni_graph *graph, const shape *s, cni_tensor *x, cni_tensor *w)
{
    const cni_conv2d_attributes a = {.strides = {s->sh, s->sw},
                                     .dilation = {s->dh + 1, s->dw + 1},
                                     .top = s->ph,
                                     .bottom = behind(s->ih, s->oh, s->kh, s->sh, s->ph, s->dh),
                                     .left = s->pw,
                                     .right = behind(s->iw, s->ow, s->kw, s->sw, s->pw, s->dw),
                                     .groups = is_depthwise(s) ? 1 : s->g};
    if (s->sort == DENSE) return cni_dense(graph, x, w, NULL, NULL);
    if (s->sort == CONV) return (is_depthwise(s) ? cni_depthwise_conv2d : cni_conv2d)(graph, x, w, NULL, &a);
    const cni_pool2d_attributes p = {{s->kh, s->kw}, {s->sh, s->sw}, a.top, a.bottom, a.left, a.right};
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

static void fill(float *values, size_t count, size_t period)
{
    for (size_t i = 0; values && i < count; i++) values[i] = (float)(i % period) - (float)(period / 2);
}

/* The graph of a pass: *x and *dy are what is to be filled, *out what it computes.  NULL when that is nothing. */
static cni_graph *make_graph(const shape *s, pass which, cni_variable *variable, cni_tensor **x, cni_tensor **dy,
                             cni_tensor **out)
{
    cni_graph *graph = cni_graph_new();
    *x = cni_graph_input(graph, s->sort == DENSE ? CNI_SHAPE(CNI_UNKNOWN, s->ic)
                                                 : CNI_SHAPE(CNI_UNKNOWN, s->ih, s->iw, s->ic));
    cni_tensor *w = cni_graph_variable(graph, variable), *wanted = which == DATA ? *x : w, *gradient = NULL;
    (*x)->differentiable = which == DATA;
    w->differentiable = which == WEIGHTS;
    cni_tensor *y = append(graph, s, *x, w);
    *dy = NULL;
    *out = y;
    y->is_output = which == FORWARD;
    if (which == FORWARD) return graph;
    *dy = cni_graph_input(graph, y->shape);
    cni_shape scalar = {0};
    cni_tensor *loss = cni_append(graph, &end_kind, NULL, 2, (cni_tensor *[]){y, *dy}, 1, &scalar)->out[0];
    cni_differentiate(graph, loss, &wanted, 1, &gradient);
    *out = gradient;
    if (gradient) {
        gradient->is_output = true;
        return graph;
    }
    cni_graph_free(graph);
    return NULL;
}

static double best_run(cni_plan *plan, const shape *s, double seconds)
{
    double best = 1e9, spent = 0;
    for (int i = 0; i < 2000 && (spent < seconds || i < 5); i++) {
        const double start = now();
        cni_plan_run(plan, CNI_GRADIENTS, s->mb);
        const double took = now() - start;
        spent += took;
        if (took < best) best = took;
    }
    return best;
}

static cni_variable make_weights(const shape *s)
{
    const cni_shape sizes = s->sort == DENSE  ? CNI_SHAPE(s->ic, s->oc)
                            : is_depthwise(s) ? CNI_SHAPE(s->kh, s->kw, s->ic, 1)
                                              : CNI_SHAPE(s->kh, s->kw, s->ic / s->g, s->oc);
    const size_t bytes = (size_t)cni_shape_count(&sizes, 0) * sizeof(float);
    cni_variable variable = {.name = "w", .shape = sizes, .version = 1};
    variable.data = aligned_alloc(64, (bytes + 63) / 64 * 64);
    return variable;
}

/* Seconds of one run, 0 where there is nothing to compute. */
static double measure(const shape *s, const settings *set, pass which)
{
    cni_variable variable = make_weights(s);
    fill(variable.data, (size_t)cni_shape_count(&variable.shape, 0), 7);
    cni_tensor *x, *dy, *out;
    cni_graph *graph = make_graph(s, which, &variable, &x, &dy, &out);
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = s->mb, .math = set->math, .kernels = &set->kernels, .pool = set->pool};
    double best = 0;
    if (graph && !cni_plan_new(graph, &options, &plan, &error)) {
        fill(cni_plan_data(plan, x), cni_tensor_count(x, s->mb), 11);
        if (dy) fill(cni_plan_data(plan, dy), cni_tensor_count(dy, s->mb), 5);
        best = best_run(plan, s, set->seconds);
    }
    cni_plan_free(plan);
    free(variable.data);
    return best;
}

/* ---- errors ---- */

/* Nearly normal: the sum of four numbers from -1 to 1, of variance 4 / 3. */
static float draw(uint32_t *state)
{
    float sum = 0;
    for (int i = 0; i < 4; i++) {
        *state = *state * 1664525u + 1013904223u;
        sum += (float)(*state >> 8) / (float)(1 << 23) - 1;
    }
    return sum;
}

static void fill_random(void *values, size_t count, bool doubles, bool positive, uint32_t seed)
{
    for (size_t i = 0; values && i < count; i++) {
        const float value = draw(&seed), shown = positive && value < 0 ? 0 : value;
        if (doubles)
            ((double *)values)[i] = (double)shown;
        else
            ((float *)values)[i] = shown;
    }
}

/* What a pass computes, as doubles: to be freed.  NULL where there is nothing to compute. */
static double *compute(const shape *s, const settings *set, pass which, const cni_kernels *kernels, cn_math math,
                       size_t *count)
{
    const bool doubles = kernels->real_size == sizeof(double);
    cni_variable variable = make_weights(s);
    const size_t weights = (size_t)cni_shape_count(&variable.shape, 0);
    const float scale = sqrtf(1.5f * (float)s->oc / (float)weights); /* He: variance 2 / the cells of a window */
    fill_random(variable.data, weights, false, false, 1);
    for (size_t i = 0; i < weights; i++) variable.data[i] *= scale;
    cni_tensor *x, *dy, *out;
    cni_graph *graph = make_graph(s, which, &variable, &x, &dy, &out);
    cni_plan *plan = NULL;
    cni_error error = {0};
    const cni_plan_options options = {.batch = s->mb, .math = math, .kernels = kernels, .pool = set->pool};
    double *result = NULL;
    if (graph && !cni_plan_new(graph, &options, &plan, &error)) {
        fill_random(cni_plan_data(plan, x), cni_tensor_count(x, s->mb), doubles, true, 2);
        if (dy) fill_random(cni_plan_data(plan, dy), cni_tensor_count(dy, s->mb), doubles, false, 3);
        cni_plan_run(plan, CNI_GRADIENTS, s->mb);
        *count = cni_tensor_count(out, s->mb);
        result = malloc(*count * sizeof *result + 1);
        const void *values = cni_plan_data(plan, out);
        for (size_t i = 0; i < *count; i++)
            result[i] = doubles ? ((const double *)values)[i] : (double)((const float *)values)[i];
    }
    cni_plan_free(plan);
    free(variable.data);
    return result;
}

typedef struct deviation {
    double norm, worst; /* relative to the result's norm, and to its largest element */
} deviation;

static deviation deviation_of(const double *values, const double *exact, size_t count)
{
    double off = 0, all = 0, worst = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        off += (values[i] - exact[i]) * (values[i] - exact[i]);
        all += exact[i] * exact[i];
        worst = fmax(worst, fabs(values[i] - exact[i]));
        largest = fmax(largest, fabs(exact[i]));
    }
    return (deviation){sqrt(off / all), worst / largest};
}

static void run_error(const char *list, const shape *s, const char *text, const settings *set)
{
    cni_kernels doubles;
    cni_kernels_init_double(&doubles);
    for (int which = 0; which < PASSES; which++) {
        size_t count = 0;
        if (!set->passes[which]) continue;
        double *fast = compute(s, set, (pass)which, &set->kernels, CN_MATH_FAST, &count);
        double *direct = compute(s, set, (pass)which, &set->kernels, CN_MATH_DIRECT, &count);
        double *exact = compute(s, set, (pass)which, &doubles, CN_MATH_DIRECT, &count);
        if (fast && direct && exact) {
            const deviation f = deviation_of(fast, exact, count), d = deviation_of(direct, exact, count);
            if (set->json)
                printf("{\"list\": \"%s\", \"shape\": \"%s\", \"pass\": \"%s\", \"l2\": %.3g, \"worst\": %.3g, "
                       "\"direct_l2\": %.3g, \"direct_worst\": %.3g}\n",
                       list, text, pass_names[which], f.norm, f.worst, d.norm, d.worst);
            else
                printf("%-36s %-8s L2 %.2g, worst / largest %.2g; direct %.2g, %.2g; ratio of L2 %.2f\n", text,
                       pass_names[which], f.norm, f.worst, d.norm, d.worst, f.norm / d.norm);
            fflush(stdout);
        }
        free(fast);
        free(direct);
        free(exact);
    }
}

/* ---- lists ---- */

typedef struct summary {
    double *shares[PASSES]; /* of the peak */
    int count[PASSES], capacity;
} summary;

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool is_wanted(const shape *s, const char *text, const settings *set)
{
    bool wanted = !set->filter || strstr(text, set->filter) || strstr(s->name, set->filter);
    bool named = !set->word_count;
    for (int i = 0; i < set->word_count; i++) named |= strstr(text, set->words[i]) || strstr(s->name, set->words[i]);
    return wanted && named;
}

static void note(summary *sum, pass which, double share)
{
    if (sum->count[which] == sum->capacity) return;
    sum->shares[which][sum->count[which]++] = share;
}

static void run_shape(const char *list, const shape *s, const settings *set, summary *sum)
{
    char text[120];
    describe(s, text, sizeof text);
    if (!is_wanted(s, text, set)) return;
    if (set->error) {
        run_error(list, s, text, set);
        return;
    }
    if (set->json)
        printf("{\"list\": \"%s\", \"shape\": \"%s\", \"name\": \"%s\", \"mflop\": %.6g", list, text, s->name,
               1e-6 * flops(s));
    else
        printf("%-36s", text);
    fflush(stdout);
    const double before = peak(&set->kernels);
    double rates[PASSES] = {0}, times[PASSES] = {0};
    for (int which = 0; which < PASSES; which++) {
        times[which] = set->passes[which] ? measure(s, set, (pass)which) : 0;
        rates[which] = times[which] > 0 ? 1e-9 * flops(s) / times[which] : 0;
    }
    const double after = peak(&set->kernels), limit = fmax(before, after) * set->threads;
    for (int which = 0; which < PASSES; which++) {
        const double percent = limit > 0 ? 100 * rates[which] / limit : 0;
        if (set->passes[which] && rates[which] > 0) note(sum, (pass)which, percent);
        if (!set->passes[which]) continue;
        if (set->json)
            printf(", \"%s_us\": %.6g, \"%s_percent\": %.4g", pass_names[which], 1e6 * times[which], pass_names[which],
                   percent);
        else if (rates[which] > 0)
            printf(" %9.1f us %5.0f %4.0f%%", 1e6 * times[which], rates[which], percent);
        else
            printf("         -                ");
    }
    if (set->json)
        printf(", \"peak\": %.4g}\n", limit);
    else
        printf("  %4.0f%s %s\n", limit, fabs(before - after) > 0.03 * before ? "~" : " ", s->name);
    fflush(stdout);
}

static FILE *open_list(const char *name)
{
    char path[512];
    FILE *file = fopen(name, "r");
    if (file) return file;
    snprintf(path, sizeof path, "%s/%s.txt", CORNU_SHAPES, name);
    return fopen(path, "r");
}

static void print_summary(const char *list, const settings *set, summary *sum)
{
    printf("%-36s", "median, geometric mean");
    for (int which = 0; which < PASSES; which++) {
        const int count = sum->count[which];
        double logs = 0;
        if (!set->passes[which]) continue;
        qsort(sum->shares[which], (size_t)count, sizeof(double), ascending);
        for (int i = 0; i < count; i++) logs += log(sum->shares[which][i]);
        if (count)
            printf("        %4.0f%%, %4.0f%%      ", sum->shares[which][count / 2], exp(logs / count));
        else
            printf("         -                ");
    }
    printf("  %s\n", list);
}

static bool run_list(const char *name, const settings *set)
{
    enum { MOST = 1000 };
    char line[300];
    FILE *file = open_list(name);
    if (!file) {
        fprintf(stderr, "bench_kernels: there is no list %s\n", name);
        return false;
    }
    summary sum = {.capacity = MOST};
    for (int i = 0; i < PASSES; i++) sum.shares[i] = calloc(MOST, sizeof(double));
    if (!set->json) printf("== %s\n", name);
    while (fgets(line, sizeof line, file)) {
        shape s;
        if (*line == '#' || *line == '\n') continue;
        if (!read_shape(line, &s)) {
            fprintf(stderr, "bench_kernels: %s: cannot read: %s", name, line);
            continue;
        }
        if (set->batch) s.mb = set->batch;
        run_shape(name, &s, set, &sum);
    }
    fclose(file);
    if (!set->json && !set->error) print_summary(name, set, &sum);
    for (int i = 0; i < PASSES; i++) free(sum.shares[i]);
    return true;
}

/* ---- arguments ---- */

static bool read_arguments(int argc, char **argv, settings *set)
{
    const char *passes = "fwd,data,weights";
    *set = (settings){.lists = "core", .threads = 1, .seconds = 0.12, .words = argv + argc};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : "";
        if (*word != '-') {
            set->words = argv + i;
            set->word_count = argc - i;
            break;
        }
        if (!strcmp(word, "--json") || !strcmp(word, "--error")) {
            if (!strcmp(word, "--json"))
                set->json = true;
            else
                set->error = true;
            continue;
        }
        if (!strcmp(word, "--list"))
            set->lists = next;
        else if (!strcmp(word, "--pass"))
            passes = next;
        else if (!strcmp(word, "--filter"))
            set->filter = next;
        else if (!strcmp(word, "--batch"))
            set->batch = atoi(next);
        else if (!strcmp(word, "--threads"))
            set->threads = atoi(next);
        else if (!strcmp(word, "--seconds"))
            set->seconds = atof(next);
        else if (!strcmp(word, "--math"))
            set->math = !strcmp(next, "direct") ? CN_MATH_DIRECT : CN_MATH_FAST;
        else
            return false;
        i++;
    }
    for (int i = 0; i < PASSES; i++) set->passes[i] = strstr(passes, pass_names[i]) != NULL;
    return set->threads > 0 && set->batch >= 0;
}

int main(int argc, char **argv)
{
    settings set;
    if (!read_arguments(argc, argv, &set)) {
        fprintf(stderr, "bench_kernels [--list core,tails] [--pass fwd,data,weights] [--filter TEXT] [--batch N] "
                        "[--threads T] [--math direct] [--seconds S] [--json] [--error] [TEXT...]\n");
        return 2;
    }
    set.pool = cni_pool_new(set.threads);
    if (set.threads == 1) clock_used = CLOCK_THREAD_CPUTIME_ID;
    cni_kernels_init(&set.kernels, cni_cpu_isa(NULL));
    if (!set.json && !set.error)
        printf("%s kernels, %d thread%s, %s; time, GFLOP/s, %% of the multiply-adds that the cores can do\n%-36s",
               set.kernels.name, set.threads, set.threads == 1 ? "" : "s", set.math ? "direct" : "fast", "");
    for (int i = 0; i < PASSES && !set.json && !set.error; i++)
        if (set.passes[i]) printf("%26s", pass_names[i]);
    if (!set.json && !set.error) printf("  peak\n");
    bool done = true;
    char *lists = strdup(set.lists), *rest = lists, *name;
    while ((name = strsep(&rest, ","))) done &= run_list(name, &set);
    free(lists);
    cni_pool_free(set.pool);
    return done ? 0 : 1;
}
