/* SPDX-License-Identifier: Apache-2.0
 * From what the text made to a description: which model is meant, which calls it needs, and how its layers are called.
 */
#include "formats/source/evaluate.h"

#include "layers/layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Keras' names ---- */

const char *cni_keras_name(cni_evaluator *e, const char *class_name)
{
    char snake[100];
    cni_snake_case(class_name, snake, sizeof snake);
    int at = 0;
    while (at < e->counter_count && strcmp(e->counters[at].name, snake) != 0) at++;
    if (at == e->counter_count) {
        if (at == e->counter_capacity) {
            const int capacity = at ? 2 * at : 32;
            void *more = cni_arena_array(e->arena, (size_t)capacity, sizeof *e->counters);
            if (!more) return e->exhausted = true, "";
            if (at) memcpy(more, e->counters, (size_t)at * sizeof *e->counters);
            e->counters = more, e->counter_capacity = capacity;
        }
        const char *kept = cni_arena_text(e->arena, snake);
        if (!kept) return e->exhausted = true, "";
        e->counters[at].name = kept;
        e->counters[at].count = 0;
        e->counter_count++;
    }
    const int number = e->counters[at].count++;
    const char *name = number ? cni_arena_printf(e->arena, "%s_%d", snake, number) : e->counters[at].name;
    return name ? name : (e->exhausted = true, "");
}

/* ---- PyTorch's names: the path from the model ---- */

static const char *path_to(cni_evaluator *e, const char *prefix, const char *name)
{
    const char *path = cni_arena_printf(e->arena, "%s%s%s", prefix, *prefix ? "." : "", name ? name : "");
    return path ? path : (e->exhausted = true, "");
}

static void name_items(cni_evaluator *e, const cni_thing *list, const char *path, int depth)
{
    for (size_t i = 0; i < list->count; i++) {
        const cni_thing *key = list->type == CNI_THING_DICT ? list->keys[i] : NULL;
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        cni_name_modules(e, list->items[i], path_to(e, path, key && key->type == CNI_THING_TEXT ? key->text : number),
                         depth);
    }
}

static void name_model(cni_evaluator *e, cni_source_model *model, const char *path, int depth)
{
    if (model->tracing) return; /* on the way down already */
    model->tracing = true;
    for (int i = 0; i < model->part_count; i++)
        cni_name_modules(e, model->parts[i].thing, path_to(e, path, model->parts[i].name), depth);
    const cni_scope *attributes = model->thing->type == CNI_THING_INSTANCE ? model->thing->scope : NULL;
    for (int i = 0; attributes && i < attributes->count; i++)
        cni_name_modules(e, attributes->bindings[i].thing, path_to(e, path, attributes->bindings[i].name), depth);
    model->tracing = false;
}

void cni_name_modules(cni_evaluator *e, cni_thing *thing, const char *path, int depth)
{
    cni_source_model *model = cni_model_of(thing);
    if (depth > 16 || e->exhausted) return;
    if (thing->type == CNI_THING_LAYER && !e->layers[thing->layer].described.name)
        e->layers[thing->layer].described.name = path;
    else if (model)
        name_model(e, model, path, depth + 1);
    else if (cni_thing_is_list(thing) || thing->type == CNI_THING_DICT)
        name_items(e, thing, path, depth + 1);
    else if (thing->type == CNI_THING_INSTANCE && strcmp(path, "self") == 0) /* of a piece without its class */
        for (int i = 0; i < thing->scope->count; i++)
            cni_name_modules(e, thing->scope->bindings[i].thing, thing->scope->bindings[i].name, depth + 1);
}

/* ---- what a model needs ---- */

typedef struct selection {
    cni_evaluator *e;
    const cni_tensor_reference *inputs, *outputs;
    int input_count, output_count;
    bool *needed; /* by call */
    int *calls;   /* by call: the description's, or -1 */
    int *layers;  /* by layer: the description's, or -1 */
    int *order;   /* the layers, as the description has them */
    int layer_count;
} selection;

static bool is_input_of(const selection *s, int call)
{
    for (int i = 0; i < s->input_count; i++)
        if (s->inputs[i].call == call) return true;
    return false;
}

/* Calls behind the outputs, back to the inputs. */
static bool mark_needed(selection *s)
{
    cni_evaluator *e = s->e;
    for (int i = 0; i < s->output_count; i++) s->needed[s->outputs[i].call] = true;
    for (int i = 0; i < s->input_count; i++) s->needed[s->inputs[i].call] = true;
    for (int i = e->call_count - 1; i >= 0; i--) {
        const cni_described_call *call = &e->calls[i].described;
        if (!s->needed[i] || is_input_of(s, i)) continue;
        for (int j = 0; j < call->input_count; j++) s->needed[call->inputs[j].call] = true;
    }
    return !e->exhausted;
}

/* keras.Model(inputs=layer.output, ...): what comes out there is put in instead. */
static bool replace_inputs(selection *s)
{
    cni_evaluator *e = s->e;
    for (int i = 0; i < s->input_count; i++) {
        cni_described_call *call = &e->calls[s->inputs[i].call].described;
        if (!call->input_count) continue;
        const cni_shape shape = cni_tensor_shape(e, s->inputs[i]);
        const cni_thing *input =
            cni_make_input(e, cni_shape_value(e, &shape), NULL, e->layers[call->layer].dialect, call->span);
        if (input->type != CNI_THING_TENSOR) return false;
        e->calls[s->inputs[i].call].described = e->calls[input->tensor.call].described;
    }
    return true;
}

/* Inputs first, then layers as they were made. */
static void order_layers(selection *s)
{
    cni_evaluator *e = s->e;
    for (int i = 0; i < e->layer_count; i++) s->layers[i] = -1;
    for (int i = 0; i < e->call_count; i++)
        if (s->needed[i]) s->layers[e->calls[i].described.layer] = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < e->layer_count; i++)
            if (s->layers[i] >= 0 && cni_layer_is_input(e, i) == (pass == 0)) {
                s->order[s->layer_count] = i;
                s->layers[i] = s->layer_count++;
            }
}

/* ---- PyTorch's numbers ---- */

static const char *base_of(cni_evaluator *e, const cni_source_layer *layer)
{
    char snake[100];
    if (layer->base) return layer->base;
    cni_snake_case(layer->described.class_name, snake, sizeof snake);
    const char *base = cni_arena_text(e->arena, snake);
    return base ? base : (e->exhausted = true, NULL);
}

/* What has no path is numbered by its kind, from 1: max_pool2d_1.  An input is called so. */
static void number_layers(selection *s)
{
    cni_evaluator *e = s->e;
    const char **bases = CNI_NEW_ARRAY(e->arena, const char *, (size_t)s->layer_count + 1); /* of those without path */
    for (int i = 0; bases && i < s->layer_count; i++) {
        cni_source_layer *layer = &e->layers[s->order[i]];
        if (layer->described.name || !(bases[i] = base_of(e, layer))) continue;
        int number = 1;
        for (int j = 0; j < i; j++) number += bases[j] && strcmp(bases[j], bases[i]) == 0;
        const bool input = number == 1 && cni_layer_is_input(e, s->order[i]);
        layer->described.name = input ? "input" : cni_arena_printf(e->arena, "%s_%d", bases[i], number);
        if (!layer->described.name) e->exhausted = true;
    }
    if (!bases) e->exhausted = true;
}

/* ---- the description ---- */

static cni_description *describe_inner(cni_evaluator *e, const cni_source_model *model, int depth);

static bool fill_layers(selection *s, cni_description *d, int depth)
{
    cni_evaluator *e = s->e;
    d->layer_count = s->layer_count;
    d->layers = CNI_NEW_ARRAY(e->arena, cni_described_layer, (size_t)s->layer_count + 1);
    for (int i = 0; d->layers && i < s->layer_count; i++) {
        const cni_source_layer *layer = &e->layers[s->order[i]];
        d->layers[i] = layer->described;
        d->layers[i].made = s->order[i] + 1;
        if (layer->doubt) cni_doubt_matters(e, layer->doubt);
        if (layer->model && depth >= CNI_MAX_NESTING)
            cni_evaluate_error(e, "I812", layer->described.span, NULL, "models nested more deeply than %d",
                               CNI_MAX_NESTING);
        else if (layer->model && !(d->layers[i].inner = describe_inner(e, layer->model, depth + 1)))
            return false;
    }
    return d->layers;
}

static bool fill_calls(selection *s, cni_description *d)
{
    cni_evaluator *e = s->e;
    d->calls = CNI_NEW_ARRAY(e->arena, cni_described_call, (size_t)e->call_count + 1);
    for (int i = 0; d->calls && i < e->call_count; i++) {
        s->calls[i] = -1;
        if (!s->needed[i]) continue;
        cni_described_call *call = &d->calls[d->call_count];
        *call = e->calls[i].described;
        call->layer = s->layers[call->layer];
        call->inputs = CNI_NEW_ARRAY(e->arena, cni_tensor_reference, (size_t)call->input_count + 1);
        if (!call->inputs) return false;
        for (int j = 0; j < call->input_count; j++) {
            const cni_tensor_reference from = e->calls[i].described.inputs[j];
            call->inputs[j] = (cni_tensor_reference){s->calls[from.call], from.output};
        }
        s->calls[i] = d->call_count++;
    }
    return d->calls;
}

/* The inputs that the model names, then others that its outputs reach. */
static bool fill_ends(selection *s, cni_description *d)
{
    d->inputs = CNI_NEW_ARRAY(s->e->arena, int, (size_t)d->call_count + (size_t)s->input_count + 1);
    d->outputs = CNI_NEW_ARRAY(s->e->arena, cni_tensor_reference, (size_t)s->output_count + 1);
    if (!d->inputs || !d->outputs) return false;
    for (int i = 0; i < s->input_count; i++) d->inputs[d->input_count++] = s->calls[s->inputs[i].call];
    for (int i = 0; i < d->call_count; i++) {
        bool known = d->calls[i].input_count > 0;
        for (int j = 0; j < d->input_count; j++) known |= d->inputs[j] == i;
        if (!known) d->inputs[d->input_count++] = i;
    }
    for (int i = 0; i < s->output_count; i++)
        d->outputs[d->output_count++] = (cni_tensor_reference){s->calls[s->outputs[i].call], s->outputs[i].output};
    return true;
}

bool cni_fill_description(cni_evaluator *e, cni_description *d, const cni_tensor_reference *inputs, int input_count,
                          const cni_tensor_reference *outputs, int output_count, int depth)
{
    selection s = {
        .e = e, .inputs = inputs, .outputs = outputs, .input_count = input_count, .output_count = output_count};
    if (!replace_inputs(&s)) return false;
    s.needed = CNI_NEW_ARRAY(e->arena, bool, (size_t)e->call_count + 1);
    s.calls = CNI_NEW_ARRAY(e->arena, int, (size_t)e->call_count + 1);
    s.layers = CNI_NEW_ARRAY(e->arena, int, (size_t)e->layer_count + 1);
    s.order = CNI_NEW_ARRAY(e->arena, int, (size_t)e->layer_count + 1);
    if (!s.needed || !s.calls || !s.layers || !s.order || !mark_needed(&s)) return false;
    order_layers(&s);
    number_layers(&s);
    d->arena = e->arena;
    return fill_layers(&s, d, depth) && fill_calls(&s, d) && fill_ends(&s, d);
}

void cni_fill_head(cni_description *d, const cni_source_model *model)
{
    d->dialect = model->dialect;
    d->sequential = model->form == CNI_MODEL_CHAIN && model->dialect == CNI_KERAS;
    d->name = model->named || !model->variable || model->dialect == CNI_KERAS ? model->name : model->variable;
    d->frozen = model->frozen;
    d->compile = model->compile;
    d->fit = model->fit;
    d->input_structure = model->input_structure;
    d->output_structure = model->output_structure;
}

static cni_description *describe_inner(cni_evaluator *e, const cni_source_model *model, int depth)
{
    cni_description *d = CNI_NEW(e->arena, cni_description);
    if (!d) return NULL;
    cni_fill_head(d, model);
    const bool good =
        cni_fill_description(e, d, model->inputs, model->input_count, model->outputs, model->output_count, depth);
    return good ? d : NULL;
}
