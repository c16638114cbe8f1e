/* SPDX-License-Identifier: Apache-2.0
 * Timing the ways to compute a convolution.  All of them stand in one plan, so that they read the same input, lie in
 * memory alike, and what slows the machine down meanwhile meets all; the least of several runs counts. */
#include "graph/ops/measure_algorithm.h"

#include "base/pages.h"
#include "graph/ops/conv2d.h"
#include "graph/plan.h"

#include <string.h>

enum { LEAST_RUNS = 4, MOST_RUNS = 60 };
static const double enough_seconds = 0.25;
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

static bool time_ways(cni_plan *plan, int batch, double seconds[CNI_ALGORITHMS])
{
    const int steps = cni_plan_steps(plan);
    double times[CNI_ALGORITHMS], sum = 0;
    if (steps > CNI_ALGORITHMS) return false;
    for (int round = 0; round < MOST_RUNS && (round < LEAST_RUNS || sum < enough_seconds); round++) {
        memset(times, 0, sizeof times);
        cni_plan_run_timed(plan, CNI_GRADIENTS, batch, times);
        for (int i = 0; i < steps; i++) {
            double *least = &seconds[cni_plan_step_op(plan, i)->way];
            sum += times[i];
            if (round && (*least == 0 || times[i] < *least)) *least = times[i]; /* the first one packs */
        }
    }
    return true;
}

static bool measure(const cni_op *op, const cni_conv_shape *s, const cni_run *most, cni_variable *weights,
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
    const bool timed = time_ways(plan, most->batch, seconds);
    cni_plan_free(plan);
    return timed;
}

bool cni_measure_algorithms(const cni_op *op, const cni_conv_shape *s, const cni_run *most, cni_choice *choice)
{
    double seconds[CNI_ALGORITHMS] = {0};
    cni_variable weights = {.name = "kernel", .shape = op->in[1]->shape, .version = 1};
    const size_t count = s->keeps ? (size_t)cni_shape_count(&weights.shape, 0) : 0;
    weights.data = cni_pages_new(count * sizeof(float));
    if (!weights.data) return false;
    fill(weights.data, count);
    const bool timed = measure(op, s, most, &weights, seconds);
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
