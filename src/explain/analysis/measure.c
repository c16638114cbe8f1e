/* SPDX-License-Identifier: Apache-2.0
 * Measuring: the described network is made a model, planned as for predictions, and its steps are timed one by one. */
#include "explain/analysis/measure.h"

#include "explain/analysis/analyser.h"
#include "graph/plan.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- a model and its graph ---- */

typedef struct measuring {
    cn_context *context;
    cni_analysis *analysis;
    cn_model *model;
    cni_plan *plan;
    cni_tensor *inputs[CN_MAX_ARRAYS];
    cni_error *error;
} measuring;

static cn_status build(measuring *m)
{
    const cni_description *flat = m->analysis->description;
    for (int i = 0; i < m->analysis->count; i++)
        if (m->analysis->nodes[i].error.status || cni_elements(m->analysis->nodes + i) == CNI_UNSEEN)
            return cni_fail(m->error, CN_ERR_SHAPE, "%s: its size is not known", m->analysis->nodes[i].name);
    CN_TRY(cni_model_from_description(m->context, flat, &m->model, m->error));
    if (!m->model->complete && flat->input_count == 1)
        CN_TRY(cni_sequential_build(m->model, &m->analysis->nodes[0].shape, m->error));
    return cni_model_check_runs(m->model, m->error);
}

static cn_status lower(measuring *m, cni_graph *graph)
{
    const cn_model *model = m->model;
    cni_tensor *outputs[CN_MAX_ARRAYS];
    cni_lowering lowering = {.graph = graph};
    if (model->input_count > m->analysis->count) return cni_fail(m->error, CN_ERR_STATE, "inputs are missing");
    cni_shape shapes[CN_MAX_ARRAYS], answers[CN_MAX_ARRAYS];
    for (int i = 0; i < model->input_count; i++) {
        shapes[i] = m->analysis->nodes[i].shape; /* inputs come first */
        shapes[i].dims[0] = CNI_UNKNOWN;
        m->inputs[i] = cni_graph_input(graph, shapes[i]);
    }
    CN_TRY(cni_model_shapes(m->model, model->input_count, shapes, answers, m->error));
    CN_TRY(cni_model_lower(m->model, &lowering, m->inputs, outputs, m->error));
    for (int i = 0; i < model->output_count; i++) outputs[i]->is_output = true;
    return CN_OK;
}

static cn_status plan(measuring *m, bool sizes_only)
{
    const int64_t batch = m->analysis->options.batch > 0 ? m->analysis->options.batch : 1;
    const cni_plan_options options = {.batch = batch < INT32_MAX ? (int)batch : INT32_MAX,
                                      .kernels = &m->context->kernels,
                                      .pool = cni_context_pool(m->context),
                                      .math = m->context->math,
                                      .choices = &m->context->choices,
                                      .sizes_only = sizes_only};
    cni_graph *graph = cni_graph_new();
    if (!graph) return cni_no_memory(m->error, "a graph");
    const cn_status status = lower(m, graph);
    if (!status) return cni_plan_new(graph, &options, &m->plan, m->error);
    cni_graph_free(graph);
    return status;
}

static void finish(measuring *m)
{
    cni_plan_free(m->plan);
    cn_model_free(m->model);
}

cn_status cni_measure_plan(cn_context *context, cni_analysis *analysis, cni_error *error)
{
    measuring m = {.context = context, .analysis = analysis, .error = error};
    cn_status status = build(&m);
    if (!status) status = plan(&m, true);
    if (!status) analysis->memory.plan = (int64_t)cni_plan_arena_bytes(m.plan);
    finish(&m);
    return status;
}

/* ---- whose step it is ---- */

static bool is_named(const char *node, const char *name, bool part)
{
    for (; *node; node++, name++)
        if (*name != (*node == '/' ? '.' : *node)) return false;
    return part ? *name == '_' : !*name;
}

/* PyTorch's layers become several, NAME_CONV2D and the like, of which the last is called NAME. */
static int layer_of(const cni_description *flat, const char *name)
{
    for (int part = 0; part < 2; part++)
        for (int i = 0; i < flat->layer_count; i++)
            if (flat->layers[i].name && is_named(flat->layers[i].name, name, part)) return i;
    return -1;
}

/* Padding per side is a layer of the model's own. */
static const cn_layer *padded_by(const cn_model *model, const cn_layer *layer)
{
    for (int i = 0; i < model->layer_count; i++)
        if (model->layers[i]->padding == layer) return model->layers[i];
    return layer;
}

static cni_explained *node_of(const measuring *m, const cni_call *call)
{
    const int layer = layer_of(m->analysis->description, padded_by(m->model, call->layer)->name);
    cni_explained *found = NULL;
    for (int i = 0, turn = 0; i < m->analysis->count && layer >= 0; i++)
        if (m->analysis->nodes[i].layer_index == layer && turn++ <= call->node_index) found = m->analysis->nodes + i;
    return found;
}

/* ---- times ---- */

static void give_zeros(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)layer, (void)frozen;
    measuring *m = user;
    if (!m->error->status) cni_variable_allocate(weight, m->error);
}

static void share_out(const measuring *m, const double *best)
{
    cni_explained *node = NULL;
    for (int i = 0; i < cni_plan_steps(m->plan); i++) {
        const cni_call *call = cni_plan_step_op(m->plan, i)->source;
        cni_explained *own = call ? node_of(m, call) : NULL;
        if (own) node = own;
        if (node) node->measured_ms = 1e3 * best[i] + (isnan(node->measured_ms) ? 0 : node->measured_ms);
    }
}

static cn_status time_steps(measuring *m, double *best, double *seconds)
{
    enum { MOST_RUNS = 20 };
    const double patience = 0.4, start = now();
    const int64_t batch = m->analysis->options.batch > 0 ? m->analysis->options.batch : 1;
    const int steps = cni_plan_steps(m->plan);
    cni_plan_run(m->plan, CNI_GRADIENTS, (int)batch); /* packs the weights */
    for (int run = 0; run < MOST_RUNS && (run < 2 || now() - start < patience); run++) {
        memset(seconds, 0, (size_t)steps * sizeof *seconds);
        cni_plan_run_timed(m->plan, CNI_GRADIENTS, (int)batch, seconds);
        for (int i = 0; i < steps; i++)
            if (run == 0 || seconds[i] < best[i]) best[i] = seconds[i];
    }
    share_out(m, best);
    return CN_OK;
}

static cn_status run(measuring *m)
{
    CN_TRY(build(m));
    cni_model_weights(m->model, give_zeros, m);
    CN_TRY(m->error->status);
    CN_TRY(plan(m, false));
    m->analysis->memory.plan = (int64_t)cni_plan_arena_bytes(m->plan);
    const size_t steps = (size_t)cni_plan_steps(m->plan);
    double *best = calloc(2 * steps + 1, sizeof *best);
    const cn_status status = best ? time_steps(m, best, best + steps) : cni_no_memory(m->error, "a measurement");
    free(best);
    return status;
}

cn_status cni_measure_times(cn_context *context, cni_analysis *analysis, cni_error *error)
{
    cni_error local = {0};
    measuring m = {.context = context, .analysis = analysis, .error = &local};
    cni_measure_machine(context, &analysis->options.peak_flops, &analysis->options.bandwidth);
    cni_expect_times(analysis);
    const cn_status status = run(&m);
    finish(&m);
    return status ? cni_fail(error, status, "%s", local.text) : CN_OK;
}

/* ---- the machine ---- */

enum { DEPTH = 256, COLUMNS = 84, ROUNDS = 200, TRIES = 5 };

typedef struct probe {
    const cni_kernels *kernels;
    float *memory; /* by thread: a panel of weights, one row of numbers, the result */
    size_t each;
    unsigned char *from, *to;
    size_t bytes;
} probe;

/* A product whose numbers never leave the first cache: all columns read the same row. */
static void multiply(void *user, size_t index, int thread)
{
    (void)thread;
    const probe *p = user;
    const int panel = p->kernels->matmul.panel;
    float *panels = p->memory + index * p->each, *x = panels + (size_t)DEPTH * (size_t)panel, *y = x + DEPTH;
    static const ptrdiff_t tap = 0;
    const cni_product product = {.x = x,
                                 .tap = &tap,
                                 .taps = 1,
                                 .depth = DEPTH,
                                 .panels = panels,
                                 .y = y,
                                 .y_pixel = panel,
                                 .rows = 1,
                                 .columns = COLUMNS,
                                 .width = panel};
    for (int i = 0; i < ROUNDS; i++) p->kernels->matmul.product(&product);
}

static void copy(void *user, size_t index, int thread)
{
    (void)thread;
    const probe *p = user;
    memcpy(p->to + index * p->bytes, p->from + index * p->bytes, p->bytes);
}

static double best_of(cni_pool *pool, cni_task *task, probe *p)
{
    double best = INFINITY;
    for (int i = 0; i < TRIES; i++) {
        const double start = now();
        cni_parallel(pool, (size_t)cni_pool_threads(pool), task, p);
        best = fmin(best, now() - start);
    }
    return best;
}

void cni_measure_machine(cn_context *context, double *flops_per_second, double *bytes_per_second)
{
    const size_t all = (size_t)64 << 20, line = 16;
    cni_pool *pool = cni_context_pool(context);
    const size_t threads = (size_t)cni_pool_threads(pool), panel = (size_t)context->kernels.matmul.panel;
    probe p = {.kernels = &context->kernels, .bytes = all / 2 / threads};
    p.each = (DEPTH * panel + DEPTH + COLUMNS * panel + line - 1) / line * line;
    p.memory = aligned_alloc(64, threads * p.each * sizeof *p.memory);
    p.from = aligned_alloc(64, all);
    *flops_per_second = *bytes_per_second = 0;
    if (p.memory && p.from) {
        memset(p.memory, 0, threads * p.each * sizeof *p.memory);
        memset(p.from, 1, all);
        p.to = p.from + all / 2;
        const double flops = 2.0 * DEPTH * COLUMNS * (double)panel * ROUNDS * (double)threads;
        *flops_per_second = flops / best_of(pool, multiply, &p);
        *bytes_per_second = 2.0 * (double)p.bytes * (double)threads / best_of(pool, copy, &p);
    }
    free(p.memory);
    free(p.from);
}
