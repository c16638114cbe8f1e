/* SPDX-License-Identifier: Apache-2.0
 * Times on this machine: what it can do at best, and how long each layer takes alone.  One thread, the shortest of
 * several runs. */
#include "explain/explanation.h"

#include "layers/layers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LEAST_RUNS = 3, MOST_RUNS = 30, MOST_ELEMENTS = 1 << 28 };
static const double enough_ms = 30; /* for one layer */

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* ---- running a model ---- */

typedef struct run {
    cn_predictor *predictor;
    int batch;
    float *inputs[CN_MAX_ARRAYS], *output;
} run;

static void run_free(run *r)
{
    cn_predictor_free(r->predictor);
    for (int i = 0; i < CN_MAX_ARRAYS; i++) free(r->inputs[i]);
    free(r->output);
}

static float *numbers(int64_t count)
{
    if (count < 1 || count > MOST_ELEMENTS) return NULL;
    float *data = malloc((size_t)count * sizeof *data);
    for (int64_t i = 0; data && i < count; i++) data[i] = (float)(i % 17) / 16 - 0.5f;
    return data;
}

/* The shortest run in milliseconds; negative when it cannot run. */
static double shortest(run *r)
{
    double best = -1, sum = 0;
    const float *inputs[CN_MAX_ARRAYS];
    for (int i = 0; i < CN_MAX_ARRAYS; i++) inputs[i] = r->inputs[i];
    for (int i = 0; i < MOST_RUNS && (i < LEAST_RUNS || sum < enough_ms); i++) {
        const double start = now_ms();
        if (cn_predictor_run(r->predictor, r->batch, inputs, &r->output)) return -1;
        const double took = now_ms() - start;
        if (best < 0 || took < best) best = took;
        sum += took;
    }
    return best;
}

/* ---- the machine ---- */

static double peak_flops(void)
{
    enum { SIZE = 512, ROWS = 256 };
    run r = {.batch = ROWS};
    cn_model *model = cn_sequential();
    double best = -1;
    if (model && !cn_add(model, cn_input({SIZE})) && !cn_add(model, cn_dense(SIZE, .no_bias = true)))
        r.predictor = cn_predictor_new(model, ROWS, 1);
    r.inputs[0] = numbers(SIZE * ROWS);
    r.output = numbers(SIZE * ROWS);
    if (r.predictor && r.inputs[0] && r.output) best = shortest(&r);
    run_free(&r);
    cn_model_free(model);
    return best > 0 ? 2.0 * SIZE * SIZE * ROWS / (best / 1e3) : 0;
}

/* Bytes read and bytes written by a copy that no cache holds. */
static double bandwidth(void)
{
    enum { BYTES = 64 << 20 };
    char *from = malloc(BYTES), *to = malloc(BYTES);
    double best = -1;
    if (from && to) {
        memset(from, 1, BYTES);
        for (int i = 0; i < 4; i++) {
            const double start = now_ms();
            memcpy(to, from, BYTES);
            const double took = now_ms() - start;
            if (i && (best < 0 || took < best)) best = took;
            from[i] = to[BYTES - 1 - i]; /* the copy is wanted */
        }
    }
    free(from);
    free(to);
    return best > 0 ? 2.0 * BYTES / (best / 1e3) : 0;
}

void cni_measure_machine(cn_explanation *e)
{
    e->peak_flops = peak_flops();
    e->bandwidth = bandwidth();
}

/* ---- one layer ---- */

static cni_object *input_of(cni_arena *arena, const cni_shape *shape, int index)
{
    char name[24];
    cni_error ignored = {0};
    const cni_maker maker = {.arena = arena, .data_format = CN_CHANNELS_LAST, .error = &ignored};
    cni_value *config = cni_value_dict(arena), *sizes = cni_value_list(arena);
    cni_object *object = NULL;
    snprintf(name, sizeof name, "input_%d", index);
    bool done = config && sizes && cni_value_add(arena, sizes, NULL, cni_value_null(arena));
    for (int i = 1; done && i < shape->rank; i++)
        done = cni_value_add(arena, sizes, NULL, cni_value_int(arena, shape->dims[i]));
    done = done && cni_value_add(arena, config, "batch_shape", sizes) &&
           cni_value_add(arena, config, "name", cni_value_text(arena, name));
    if (!done || cni_object_read(&maker, &cni_input_layer.kind, config, "Input", &object)) return NULL;
    object->family = &cni_layers;
    return object;
}

/* A network of inputs and this one layer. */
static cni_description *alone(cni_arena *arena, const cni_analysis *analysis, const cni_explained *node)
{
    const int inputs = node->input_count;
    cni_description *d = CNI_NEW(arena, cni_description);
    cni_described_layer *layers = CNI_NEW_ARRAY(arena, cni_described_layer, (size_t)inputs + 1);
    cni_described_call *calls = CNI_NEW_ARRAY(arena, cni_described_call, (size_t)inputs + 1);
    cni_tensor_reference *references = CNI_NEW_ARRAY(arena, cni_tensor_reference, (size_t)inputs + 1);
    int *input_calls = CNI_NEW_ARRAY(arena, int, (size_t)inputs + 1);
    if (!d || !layers || !calls || !references || !input_calls) return NULL;
    for (int i = 0; i < inputs; i++) {
        cni_object *config = input_of(arena, &analysis->nodes[node->inputs[i]].shape, i);
        if (!config) return NULL;
        layers[i] = (cni_described_layer){
            .kind = &cni_input_layer, .class_name = "InputLayer", .name = "input", .config = config};
        calls[i].layer = input_calls[i] = references[i].call = i;
    }
    layers[inputs] = *node->layer;
    calls[inputs] = (cni_described_call){.layer = inputs, .input_count = inputs, .inputs = references};
    references[inputs] = (cni_tensor_reference){.call = inputs};
    *d = (cni_description){.arena = arena,
                           .dialect = CNI_KERAS,
                           .name = "alone",
                           .file = "<text>",
                           .layers = layers,
                           .layer_count = inputs + 1,
                           .calls = calls,
                           .call_count = inputs + 1,
                           .inputs = input_calls,
                           .input_count = inputs,
                           .outputs = references + inputs,
                           .output_count = 1};
    return d;
}

static int64_t elements(const cni_explained *node, int batch)
{
    const int64_t count = cni_shape_count(&node->shape, 1);
    return count < 0 ? -1 : count * batch;
}

static double time_of(cn_explanation *e, const cni_explained *node)
{
    cni_arena arena = {0};
    cni_error ignored = {0};
    cn_model *model = NULL;
    run r = {.batch = e->given.batch};
    double best = -1;
    cni_description *d = node->input_count <= CN_MAX_ARRAYS ? alone(&arena, e->analysis, node) : NULL;
    bool ready = d && !cni_model_from_description(cn_default_context(), d, &model, &ignored);
    if (ready) r.predictor = cn_predictor_new(model, r.batch, 1);
    ready = ready && r.predictor && (r.output = numbers(elements(node, r.batch)));
    for (int i = 0; ready && i < node->input_count; i++)
        ready = (r.inputs[i] = numbers(elements(&e->analysis->nodes[node->inputs[i]], r.batch))) != NULL;
    if (ready) best = shortest(&r);
    run_free(&r);
    cn_model_free(model);
    cni_arena_free(&arena);
    return best;
}

static bool can_run(const cni_explained *node)
{
    const cni_layer_kind *kind = node->layer->kind;
    return node->input_count && kind && kind->lower && !(kind->traits & CNI_IS_INPUT) && !node->suspect &&
           node->layer->config;
}

void cni_measure_layers(cn_explanation *e)
{
    for (int i = 0; i < e->analysis->count; i++) {
        cni_explained *node = &e->analysis->nodes[i];
        const double took = can_run(node) ? time_of(e, node) : -1;
        if (took >= 0) node->measured_ms = took;
    }
}
