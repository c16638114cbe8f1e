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

static void name_modules(cni_evaluator *e, cni_thing *thing, const char *path, int depth);

static void name_items(cni_evaluator *e, const cni_thing *list, const char *path, int depth)
{
    for (size_t i = 0; i < list->count; i++) {
        const cni_thing *key = list->type == CNI_THING_DICT ? list->keys[i] : NULL;
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        name_modules(e, list->items[i], path_to(e, path, key && key->type == CNI_THING_TEXT ? key->text : number),
                     depth);
    }
}

static void name_model(cni_evaluator *e, cni_source_model *model, const char *path, int depth)
{
    if (model->tracing) return; /* on the way down already */
    model->tracing = true;
    for (int i = 0; i < model->part_count; i++)
        name_modules(e, model->parts[i].thing, path_to(e, path, model->parts[i].name), depth);
    const cni_scope *attributes = model->thing->type == CNI_THING_INSTANCE ? model->thing->scope : NULL;
    for (int i = 0; attributes && i < attributes->count; i++)
        name_modules(e, attributes->bindings[i].thing, path_to(e, path, attributes->bindings[i].name), depth);
    model->tracing = false;
}

static void name_modules(cni_evaluator *e, cni_thing *thing, const char *path, int depth)
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
            name_modules(e, thing->scope->bindings[i].thing, thing->scope->bindings[i].name, depth + 1);
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

static bool fill(cni_evaluator *e, cni_description *d, const cni_tensor_reference *inputs, int input_count,
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

static void fill_head(cni_description *d, const cni_source_model *model)
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
    fill_head(d, model);
    const bool good = fill(e, d, model->inputs, model->input_count, model->outputs, model->output_count, depth);
    return good ? d : NULL;
}

/* ---- which model is meant ---- */

static bool is_called(const cni_source_model *model, const char *name)
{
    return (model->variable && strcmp(model->variable, name) == 0) || (model->name && strcmp(model->name, name) == 0);
}

/* What the text calls it; where another one is called so too, Keras' name. */
static const char *shown_name(const cni_evaluator *e, const cni_source_model *model)
{
    const char *name = model->name ? model->name : "model";
    if (!model->variable || model->named) return name;
    for (int i = 0; i < e->model_count; i++) {
        const cni_source_model *other = e->models[i];
        if (other != model && other->variable && strcmp(other->variable, model->variable) == 0 &&
            model->dialect == CNI_KERAS)
            return name;
    }
    return model->variable;
}

static cni_source_model *choose(cni_evaluator *e, const char *name)
{
    cni_source_model *chosen = NULL;
    for (int i = 0; i < e->model_count; i++)
        if (name ? is_called(e->models[i], name) : !e->models[i]->inside) chosen = e->models[i];
    for (int i = 0; !chosen && !name && i < e->model_count; i++) chosen = e->models[i];
    return chosen;
}

/* The others, as names that --model takes. */
static void list_others(cni_evaluator *e, const cni_source_model *chosen, cni_description *d)
{
    cni_text names = {0};
    d->models = CNI_NEW_ARRAY(e->arena, const char *, (size_t)e->model_count + 1);
    if (!d->models) return;
    for (int i = 0; i < e->model_count; i++) {
        const cni_source_model *model = e->models[i];
        const bool part = model->inside && model->dialect == CNI_TORCH;
        if (model == chosen || part || (model->inside && !model->variable)) continue;
        cni_text_printf(&names, "%s%s", names.length ? ", " : "", shown_name(e, model));
        d->models[d->model_count++] = shown_name(e, model);
    }
    if (d->model_count && !names.failed)
        cni_evaluate_remark(e, "I808", CNI_NOTE, chosen->span, "--model NAME chooses another one",
                            "%d models: this is '%s'; the others are %s", d->model_count + 1, shown_name(e, chosen),
                            cni_text_get(&names));
    cni_text_free(&names);
}

/* ---- texts without a model ---- */

static bool has_no_needs(const cni_syntax *definition, size_t first)
{
    for (size_t i = first; i < definition->count; i++)
        if (!definition->items[i]->count && definition->items[i]->text[0] != '*') return false;
    return true;
}

/* A class or function that is only defined: the last one that needs no arguments. */
static bool run_definition(cni_evaluator *e, cni_thing_type type)
{
    cni_thing *last = NULL;
    for (int i = 0; i < e->module->count; i++) {
        cni_thing *thing = e->module->bindings[i].thing;
        const cni_thing *init =
            type == CNI_THING_CLASS && thing->type == type ? cni_class_member(thing, "__init__", NULL) : NULL;
        if (thing->type != type || (type == CNI_THING_CLASS && !cni_class_root(thing))) continue;
        if (init && init->type == CNI_THING_FUNCTION && !has_no_needs(init->syntax, 2)) continue;
        if (type == CNI_THING_FUNCTION && (!has_no_needs(thing->syntax, 1) || !cni_builds_layers(e, thing->syntax)))
            continue;
        last = thing;
    }
    if (!last) return false;
    cni_actuals none = {.span = last->span, .callee = last->span};
    cni_call_thing(e, last, &none);
    return true;
}

/* Tensors that nothing uses are what a piece of a network gives. */
static bool describe_sinks(cni_evaluator *e, cni_description *d)
{
    cni_tensor_reference *outputs = CNI_NEW_ARRAY(e->arena, cni_tensor_reference, (size_t)e->call_count + 1);
    bool *used = CNI_NEW_ARRAY(e->arena, bool, (size_t)e->call_count + 1);
    int count = 0;
    if (!outputs || !used) return false;
    for (int i = 0; i < e->call_count; i++)
        for (int j = 0; j < e->calls[i].described.input_count; j++) used[e->calls[i].described.inputs[j].call] = true;
    for (int i = 0; i < e->call_count; i++)
        if (!used[i] && e->calls[i].described.input_count) outputs[count++] = (cni_tensor_reference){i, 0};
    if (!count) return false;
    d->dialect = e->layers[e->calls[outputs[0].call].described.layer].dialect;
    d->name = d->dialect == CNI_KERAS ? cni_keras_name(e, "Functional") : "model";
    for (int i = 0; d->dialect == CNI_TORCH && i < e->module->count; i++)
        name_modules(e, e->module->bindings[i].thing, e->module->bindings[i].name, 0);
    return fill(e, d, NULL, 0, outputs, count, 0);
}

/* Layers that are only made stand behind each other. */
static cni_source_model *chain_of_layers(cni_evaluator *e)
{
    cni_source_model *model = NULL;
    cni_thing *input = NULL;
    for (int i = 0; i < e->call_count; i++)
        if (!e->calls[i].described.input_count) input = cni_thing_tensor(e, i, 0);
    for (int i = 0; i < e->layer_count; i++) {
        if (e->layers[i].used) continue;
        if (!model) {
            model = cni_model_new(e, CNI_MODEL_CHAIN, e->layers[i].dialect, e->layers[i].described.span);
            if (!model) return NULL;
            model->name = model->dialect == CNI_KERAS ? cni_keras_name(e, "Sequential") : "Sequential";
            model->input = input;
        }
        cni_model_append(e, model, NULL, cni_thing_layer(e, i), e->layers[i].described.span);
    }
    return model;
}

/* ---- what is left over ---- */

static void tell_unused(cni_evaluator *e)
{
    for (int i = 0; i < e->layer_count && !e->remarks->errors; i++) {
        const cni_source_layer *layer = &e->layers[i];
        if (layer->used || layer->broken || !layer->described.kind || cni_layer_is_input(e, i)) continue;
        cni_evaluate_remark(e, "I807", CNI_WARNING, layer->described.span, "call it: layer(x), or take it out",
                            "%s is made and never used", layer->described.class_name);
    }
}

/* Net(upscale_factor) of a class that cannot be made without arguments. */
static const cni_thing *last_class(const cni_evaluator *e)
{
    const cni_thing *last = NULL;
    for (int i = 0; i < e->module->count; i++) {
        const cni_thing *thing = e->module->bindings[i].thing;
        if (thing->type == CNI_THING_CLASS && cni_class_root(thing)) last = thing;
    }
    return last;
}

void cni_evaluate_nothing(cni_evaluator *e)
{
    const cni_thing *class_ = last_class(e);
    if (class_)
        cni_evaluate_error(e, "I810", class_->span,
                           cni_arena_printf(e->arena, "add a line that makes one: model = %s(...)", class_->text),
                           "%.60s is defined, and never made", class_->text);
    else
        cni_evaluate_error(e, "I809", (cni_span){1, 1, 1, 1}, "for example Conv2D(32, 3), or a model",
                           "the text makes no layers");
}

static cn_status describe_model(cni_evaluator *e, cni_source_model *chosen, cni_description *d, cni_error *error)
{
    for (int i = 0; i < e->model_count; i++)
        if (!e->models[i]->inside) cni_model_trace(e, e->models[i]);
    const bool good = cni_model_trace(e, chosen);
    fill_head(d, chosen);
    if (chosen->dialect == CNI_TORCH) name_model(e, chosen, "", 0);
    list_others(e, chosen, d);
    tell_unused(e);
    if (!good) {
        d->layers = CNI_NEW(e->arena, cni_described_layer);
        return d->layers ? CN_OK : cni_no_memory(error, "a description");
    }
    return fill(e, d, chosen->inputs, chosen->input_count, chosen->outputs, chosen->output_count, 0) && !e->exhausted
               ? CN_OK
               : cni_no_memory(error, "a description");
}

static cni_source_model *find_model(cni_evaluator *e, const char *choice)
{
    cni_source_model *chosen = choose(e, choice);
    if (!chosen && !e->layer_count && run_definition(e, CNI_THING_FUNCTION)) chosen = choose(e, choice);
    if (!chosen && run_definition(e, CNI_THING_CLASS)) chosen = choose(e, choice);
    return chosen;
}

static cn_status describe_choice(cni_evaluator *e, const char *choice, cni_description *d, cni_error *error)
{
    const bool any = e->model_count > 0;
    cni_source_model *chosen = find_model(e, choice);
    if (!chosen && choice && any)
        cni_evaluate_error(e, "I808", (cni_span){1, 1, 1, 1}, NULL, "there is no model '%.60s'", choice);
    if (!chosen) chosen = choose(e, NULL);
    if (chosen) return describe_model(e, chosen, d, error);
    if (describe_sinks(e, d)) return e->exhausted ? cni_no_memory(error, "a description") : CN_OK;
    chosen = chain_of_layers(e);
    return chosen ? describe_model(e, chosen, d, error) : CN_OK;
}

/* Whatever the text makes draws seeds. */
static bool list_made(cni_evaluator *e, cni_description *d)
{
    cni_described_layer *made = CNI_NEW_ARRAY(e->arena, cni_described_layer, (size_t)e->layer_count + 1);
    for (int i = 0; made && i < e->layer_count; i++) made[i] = e->layers[i].described;
    d->made = made;
    d->made_count = made ? e->layer_count : 0;
    return made;
}

cn_status cni_evaluate_describe(cni_evaluator *e, const char *choice, cni_description *d, cni_error *error)
{
    CN_TRY(describe_choice(e, choice, d, error));
    return list_made(e, d) ? CN_OK : cni_no_memory(error, "a description");
}
