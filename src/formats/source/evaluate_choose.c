/* SPDX-License-Identifier: Apache-2.0
 * Which of the things that a text makes is meant: a model by its name or the last one, a class or function that is only
 * defined, tensors of a piece of a network, layers that are only made; and what is told about the others. */
#include "formats/source/evaluate.h"

#include <string.h>

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
        if (model->span.line) cni_text_printf(&names, " (line %d)", model->span.line);
        d->models[d->model_count++] = shown_name(e, model);
    }
    if (d->model_count && !names.failed)
        cni_evaluate_remark(e, "I808", CNI_NOTE, chosen->span, "--model NAME chooses another one",
                            "%d models: this is '%s'; the other%s %s", d->model_count + 1, shown_name(e, chosen),
                            d->model_count > 1 ? "s are" : " one is", cni_text_get(&names));
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
        cni_name_modules(e, e->module->bindings[i].thing, e->module->bindings[i].name, 0);
    return cni_fill_description(e, d, NULL, 0, outputs, count, 0);
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

/* Calls go from those that are read by others to what they read: one pass from the last one marks all. */
static void tell_unused_calls(cni_evaluator *e)
{
    bool *read = CNI_NEW_ARRAY(e->arena, bool, (size_t)e->call_count + 1);
    bool *taken = CNI_NEW_ARRAY(e->arena, bool, (size_t)e->call_count + 1); /* by any other call */
    if (!read || !taken) return;
    for (int i = 0; i < e->model_count; i++)
        for (int j = 0; j < e->models[i]->output_count; j++) read[e->models[i]->outputs[j].call] = true;
    for (int i = e->call_count - 1; i >= 0; i--)
        for (int j = 0; j < e->calls[i].described.input_count; j++) {
            const int from = e->calls[i].described.inputs[j].call;
            taken[from] = true;
            read[from] |= read[i];
        }
    for (int i = 0; i < e->call_count && !e->remarks->errors; i++) {
        const cni_source_layer *layer = &e->layers[e->calls[i].described.layer];
        if (read[i] || taken[i] || layer->model || !layer->described.kind) continue;
        if (cni_layer_is_input(e, e->calls[i].described.layer)) continue;
        cni_evaluate_remark(e, "I807", CNI_WARNING, e->calls[i].described.span, "take it out, or give it to the model",
                            "what %s gives here is never used", layer->described.class_name);
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
    cni_model_take_lone_array(e, chosen);
    for (int i = 0; i < e->model_count; i++)
        if (!e->models[i]->inside) cni_model_trace(e, e->models[i]);
    const bool good = cni_model_trace(e, chosen);
    cni_fill_head(d, chosen);
    if (chosen->dialect == CNI_TORCH && !d->compile) d->compile = cni_torch_training(e);
    if (chosen->dialect == CNI_TORCH) cni_name_modules(e, chosen->thing, "", 0);
    list_others(e, chosen, d);
    tell_unused(e);
    if (chosen->form == CNI_MODEL_GRAPH) tell_unused_calls(e);
    if (!good) {
        d->layers = CNI_NEW(e->arena, cni_described_layer);
        return d->layers ? CN_OK : cni_no_memory(error, "a description");
    }
    return cni_fill_description(e, d, chosen->inputs, chosen->input_count, chosen->outputs, chosen->output_count, 0) &&
                   !e->exhausted
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
    if (describe_sinks(e, d)) {
        cni_doubts_matter(e, true);
        return e->exhausted ? cni_no_memory(error, "a description") : CN_OK;
    }
    cni_doubts_matter(e, false);
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
