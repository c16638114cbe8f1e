/* SPDX-License-Identifier: Apache-2.0
 * Timing the ways to compute a convolution.  All of them stand in one plan, so that they read the same input, lie in
 * memory alike, and what slows the machine down meanwhile meets all; the least of several runs counts.
 *
 * In a network that is larger than the caches, weights come from memory in every run, while what the step before has
 * written is near: a way that reads four times the weights looks a quarter faster than it is if it is run again and
 * again.  So caches are emptied before each run there, and the input read once. */
#include "graph/ops/measure_algorithm.h"

#include "base/float_mode.h"
#include "base/pages.h"
#include "graph/ops/conv2d.h"
#include "graph/plan_parts.h"
#include "kernels/kernels.h"

#include <string.h>

enum { LEAST_RUNS = 4, MOST_RUNS = 60, LINE = 16, LEAST_CACHE = 8 << 20, MOST_CACHE = 64 << 20 };
static const double enough_seconds = 0.25, long_step = 1e-3;
static const double clear_gain = 0.95; /* of the time of the rules' way: files written twice are the same file */

/* Any numbers but zeros, whose pages may be one. */
static void fill(float *values, size_t count)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / (float)(1 << 23) - 1;
    }
}

static void append_ways(cni_graph *graph, const cni_op *op, const cni_conv_shape *s, const cni_run *most,
                        cni_tensor *const *in)
{
    cni_shape shapes[CNI_MAX_OUTPUTS];
    cni_conv2d_attributes attributes = *(const cni_conv2d_attributes *)op->attributes;
    attributes.epilogue = (cni_epilogue){0};
    for (int i = 0; i < op->outputs; i++) shapes[i] = op->out[i]->shape;
    for (int a = 0; a < CNI_ALGORITHMS; a++) {
        if (!cni_algorithm_allowed((cni_algorithm)a, s, most)) continue;
        cni_op *way = cni_append(graph, op->kind, &attributes, op->inputs, in, op->outputs, shapes);
        way->way = a;
        for (int i = 0; i < op->outputs; i++) way->out[i]->is_output = true;
    }
}

static size_t cache_bytes(const cni_kernels *kernels)
{
    const size_t last = kernels->caches.l3 ? kernels->caches.l3 : 4 * kernels->caches.l2;
    return last < LEAST_CACHE ? LEAST_CACHE : last > MOST_CACHE ? MOST_CACHE : last;
}

bool cni_is_beyond_caches(size_t bytes, const cni_kernels *kernels)
{
    return bytes > cache_bytes(kernels);
}

typedef struct timing {
    cni_plan *plan;
    float *others; /* what else is in the caches; NULL: nothing */
    size_t others_bytes;
    const void *near; /* what the step before has written */
    size_t near_bytes;
} timing;

static float touch(const void *memory, size_t bytes)
{
    const float *values = memory;
    float sum = 0;
    for (size_t i = 0; i < bytes / sizeof *values; i += LINE) sum += values[i];
    return sum;
}

static double time_step(const timing *t, int step, bool alone)
{
    double seconds[CNI_ALGORITHMS] = {0};
    cni_plan *plan = t->plan;
    if (t->others) *t->others = touch(t->others, t->others_bytes) + touch(t->near, t->near_bytes);
    if (plan->pace.alone) plan->pace.alone[step] = alone;
    cni_run_steps(plan, step, step + 1, seconds);
    return seconds[step];
}

/* With all threads and in the caller's alone, as plans try it (pace.c). */
static bool time_ways(const timing *t, double least[CNI_ALGORITHMS])
{
    cni_plan *plan = t->plan;
    double sum = 0;
    if (plan->step_count > CNI_ALGORITHMS) return false;
    const uint64_t mode = cni_flush_denormals();
    for (int i = 0; i < plan->step_count; i++) time_step(t, i, false); /* packs */
    for (int round = 0; round < MOST_RUNS && (round < LEAST_RUNS || sum < enough_seconds); round++)
        for (int i = 0; i < plan->step_count; i++) {
            double *time = &least[plan->steps[i].op->way];
            const double took = time_step(t, i, round % 2 && *time < long_step);
            if (*time == 0 || took < *time) *time = took;
            sum += took;
        }
    cni_restore_denormals(mode);
    return true;
}

/* What stands in the way of the ways themselves. */
static bool time_plan(cni_plan *plan, const cni_tensor *x, bool far, double seconds[CNI_ALGORITHMS])
{
    timing t = {.plan = plan, .near = cni_plan_data(plan, x)};
    t.near_bytes = cni_tensor_count(x, plan->options.batch) * sizeof(float);
    t.others_bytes = far ? 2 * cache_bytes(plan->options.kernels) : 0;
    if (far) t.others = cni_pages_new(t.others_bytes);
    if (far && !t.others) return false;
    fill(t.others, t.others_bytes / sizeof(float));
    const bool timed = time_ways(&t, seconds);
    cni_pages_free(t.others, t.others_bytes);
    return timed;
}

static bool measure(const cni_op *op, const cni_conv_shape *s, const cni_run *most, cni_variable *weights, bool far,
                    double seconds[CNI_ALGORITHMS])
{
    const cni_plan_options options = {
        .batch = most->batch, .kernels = most->kernels, .pool = most->pool, .math = most->math, .ways_given = true};
    cni_graph *graph = cni_graph_new();
    cni_plan *plan;
    cni_error error = {0};
    if (!graph) return false;
    cni_tensor *in[CNI_CONV_INPUTS] = {cni_graph_input(graph, op->in[0]->shape)};
    in[1] = s->keeps ? cni_graph_variable(graph, weights) : cni_graph_input(graph, op->in[1]->shape);
    append_ways(graph, op, s, most, in);
    if (cni_plan_new(graph, &options, &plan, &error)) return false;
    for (int i = 0; i < (s->keeps ? 1 : 2); i++) fill(cni_plan_data(plan, in[i]), cni_tensor_count(in[i], most->batch));
    const bool timed = time_plan(plan, in[s->pass == CNI_PASS_WEIGHTS], far, seconds);
    cni_plan_free(plan);
    return timed;
}

bool cni_measure_algorithms(const cni_op *op, const cni_conv_shape *s, const cni_run *most, bool far,
                            cni_choice *choice)
{
    double seconds[CNI_ALGORITHMS] = {0};
    cni_variable weights = {.name = "kernel", .shape = op->in[1]->shape, .version = 1};
    const size_t count = s->keeps ? (size_t)cni_shape_count(&weights.shape, 0) : 0;
    weights.data = cni_pages_new(count * sizeof(float));
    if (!weights.data) return false;
    fill(weights.data, count);
    const bool timed = measure(op, s, most, &weights, far, seconds);
    cni_pages_free(weights.data, count * sizeof(float));
    if (!timed) return false;
    *choice = (cni_choice){.shape = *s, .batch = most->batch, .algorithm = cni_choose_algorithm(s, most)};
    double least = clear_gain * seconds[choice->algorithm];
    for (int a = 0; a < CNI_ALGORITHMS; a++) {
        choice->microseconds[a] = 1e6 * seconds[a];
        if (seconds[a] == 0 || seconds[a] > least) continue;
        least = seconds[a];
        choice->algorithm = (cni_algorithm)a;
    }
    return true;
}
