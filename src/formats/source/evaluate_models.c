/* SPDX-License-Identifier: Apache-2.0
 * Models: chains that grow part by part, graphs from inputs to outputs, and objects of the text's own classes.  Laying
 * one out (tracing) makes the calls of its layers. */
#include "formats/source/evaluate.h"

#include "layers/layers.h"

#include <stdio.h>
#include <string.h>

cni_source_model *cni_model_new(cni_evaluator *e, cni_model_form form, cni_dialect dialect, cni_span span)
{
    cni_source_model *model = CNI_NEW(e->arena, cni_source_model);
    if (!model) return e->exhausted = true, NULL;
    *model = (cni_source_model){.form = form, .dialect = dialect, .span = span, .layer = -1};
    if (form != CNI_MODEL_CLASS) {
        model->thing = cni_thing_new(e, CNI_THING_MODEL, span);
        if (model->thing == e->broken) return NULL;
        model->thing->model = model;
    }
    if (e->model_count < CNI_MAX_MODELS) e->models[e->model_count++] = model;
    return model;
}

cni_source_model *cni_model_of(const cni_thing *thing)
{
    return thing->type == CNI_THING_MODEL || thing->type == CNI_THING_INSTANCE ? thing->model : NULL;
}

/* ---- chains ---- */

/* layers.Flatten without its brackets. */
static cni_thing *refuse_class(cni_evaluator *e, const cni_thing *part, cni_span span)
{
    const char *name = cni_path_last(part->text);
    return cni_evaluate_error(e, "I804", span, cni_arena_printf(e->arena, "write %s()", name),
                              "the class %s, where a layer is expected", name);
}

static void begin_with(cni_evaluator *e, cni_source_model *model, cni_thing *tensor, cni_span span)
{
    const cni_described_call *call = &e->calls[tensor->tensor.call].described;
    if (model->part_count || model->input || !cni_layer_is_input(e, call->layer))
        cni_evaluate_error(e, "I804", span, "layers are put into a chain without being called",
                           "a tensor, where a layer is expected");
    else
        model->input = tensor;
}

/* Whether the thing can be a part; what is not is told. */
static bool is_part(cni_evaluator *e, cni_source_model *model, cni_thing *part, cni_span span)
{
    bool is_layer = false;
    cni_dialect dialect;
    if (part->type == CNI_THING_TENSOR) {
        begin_with(e, model, part, span);
        return false;
    }
    if (cni_thing_is_module(part) || part->type == CNI_THING_FUNCTION) return true;
    if (part->type == CNI_THING_PATH) cni_path_layer(part->text, &is_layer, &dialect);
    if (is_layer)
        refuse_class(e, part, span);
    else if (cni_thing_is_list(part))
        cni_evaluate_error(e, "I804", span, model->dialect == CNI_TORCH ? "nn.Sequential(*layers)" : NULL,
                           "a list, where a layer is expected");
    else if (part->type != CNI_THING_BROKEN && part->type != CNI_THING_OPAQUE)
        cni_evaluate_error(e, "I804", span, NULL, "%s, where a layer is expected", cni_thing_describe(part));
    return false;
}

static bool make_room(cni_evaluator *e, cni_source_model *model)
{
    if (model->part_count < model->part_capacity) return true;
    const int capacity = model->part_capacity ? 2 * model->part_capacity : 8;
    cni_chain_part *more = CNI_NEW_ARRAY(e->arena, cni_chain_part, (size_t)capacity);
    if (!more) return !(e->exhausted = true);
    if (model->part_count) memcpy(more, model->parts, (size_t)model->part_count * sizeof *more);
    model->parts = more, model->part_capacity = capacity;
    return true;
}

static void mark_used(cni_evaluator *e, cni_thing *part)
{
    cni_source_model *model = cni_model_of(part);
    if (part->type == CNI_THING_LAYER) e->layers[part->layer].used = true;
    if (model) model->inside = true;
}

/* A first layer with input_shape= brings the input with it. */
static void begin_with_shape(cni_evaluator *e, cni_source_model *model, const cni_thing *part)
{
    const cni_source_layer *layer = part->type == CNI_THING_LAYER ? &e->layers[part->layer] : NULL;
    if (model->part_count || model->input || !layer || !layer->input_shape) return;
    model->input = cni_make_input(e, layer->input_shape, NULL, model->dialect, layer->input_span);
}

/* A part that is not known: what follows has no shape, and nothing is said about it. */
static cni_thing *unknown_part(cni_evaluator *e, const cni_source_model *model, const cni_thing *part, cni_span span)
{
    cni_thing_matters(e, part);
    if (part->type == CNI_THING_OPAQUE) cni_evaluate_error(e, "I802", span, NULL, "a layer that is not known here");
    return cni_thing_layer(e, cni_make_unknown(e, "Unknown", model->dialect, span));
}

void cni_model_append(cni_evaluator *e, cni_source_model *model, const char *name, cni_thing *part, cni_span span)
{
    const bool good = is_part(e, model, part, span);
    if (!good && part->type == CNI_THING_TENSOR) return;
    if (!good) part = unknown_part(e, model, part, span);
    if (good && part->type == CNI_THING_LAYER && cni_layer_is_input(e, part->layer)) {
        model->input = cni_thing_tensor(e, cni_call_of_input(e, part->layer), 0);
        return;
    }
    if (!make_room(e, model)) return;
    if (!name && model->dialect == CNI_TORCH) name = cni_arena_printf(e->arena, "%d", model->part_count);
    begin_with_shape(e, model, part);
    model->parts[model->part_count++] = (cni_chain_part){name, part, span};
    model->traced = false;
    mark_used(e, part);
}

void cni_model_set_part(cni_evaluator *e, cni_source_model *model, const char *name, cni_thing *part)
{
    for (int i = 0; i < model->part_count; i++)
        if (model->parts[i].name && strcmp(model->parts[i].name, name) == 0 && cni_thing_is_module(part)) {
            model->parts[i].thing = part;
            model->traced = false;
            mark_used(e, part);
            return;
        }
}

const char *cni_part_at(const cni_source_model *model, int64_t index, char buffer[24])
{
    const int64_t at = index < 0 ? index + model->part_count : index;
    (void)buffer;
    return at >= 0 && at < model->part_count && model->parts[at].name ? model->parts[at].name : "";
}

/* ---- inputs ---- */

/* The first layer of a chain, however deep; NULL: none is seen. */
static cni_source_layer *first_layer(cni_evaluator *e, const cni_thing *thing, int depth)
{
    const cni_source_model *model = cni_model_of(thing);
    if (depth > 16) return NULL;
    if (thing->type == CNI_THING_LAYER) return &e->layers[thing->layer];
    if (!model || model->form == CNI_MODEL_GRAPH) return NULL;
    for (int i = 0; i < model->part_count; i++) {
        cni_source_layer *first = first_layer(e, model->parts[i].thing, depth + 1);
        if (first) return first;
    }
    return NULL;
}

static const cni_value *argument(const cni_described_layer *layer, const char *key)
{
    for (int i = 0; i < layer->argument_count; i++)
        if (strcmp(layer->arguments[i].key, key) == 0) return layer->arguments[i].value;
    return NULL;
}

/* What the first layer says about its input: Conv2d(3, ...) takes (3, None, None), Linear(784, ...) takes (784,). */
static const cni_value *shape_for(cni_evaluator *e, const cni_described_layer *layer)
{
    static const struct {
        const char *key;
        int spatial; /* -1: by the last letters of the class, 2d */
    } rows[] = {{"in_channels", -1}, {"in_features", 0}, {"num_features", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const cni_value *channels = argument(layer, rows[i].key);
        if (!channels || channels->type != CNI_INT) continue;
        const size_t length = strlen(layer->class_name);
        const char digit = length > 2 ? layer->class_name[length - 2] : '2';
        const int spatial = rows[i].spatial >= 0 ? rows[i].spatial : digit >= '1' && digit <= '3' ? digit - '0' : 2;
        cni_value *shape = cni_value_list(e->arena);
        cni_value_add(e->arena, shape, NULL, cni_value_int(e->arena, channels->integer));
        for (int j = 0; j < spatial; j++) cni_value_add(e->arena, shape, NULL, cni_value_null(e->arena));
        return shape;
    }
    return NULL;
}

/* The first layer, in the order of the text, that tells about its input. */
static const cni_value *shape_from_layers(cni_evaluator *e, const cni_source_model *model)
{
    for (int i = 0; i < e->layer_count; i++) {
        const cni_source_layer *layer = &e->layers[i];
        const cni_value *shape = layer->dialect == CNI_TORCH ? shape_for(e, &layer->described) : NULL;
        if (shape && (!model->first_layer || i >= model->first_layer)) return shape;
    }
    return NULL;
}

/* The same of a chain, whose first layers may leave the number of channels as it is. */
static const cni_value *shape_of_chain(cni_evaluator *e, const cni_thing *thing, int depth, bool *stop)
{
    enum {
        KEEPS = CNI_IS_ACTIVATION | CNI_IS_DROPOUT | CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL | CNI_IS_PADDING |
                CNI_IS_CROPPING | CNI_IS_NOTHING
    };
    const cni_source_model *model = cni_model_of(thing);
    const cni_value *shape = NULL;
    if (thing->type == CNI_THING_LAYER) {
        const cni_described_layer *layer = &e->layers[thing->layer].described;
        shape = shape_for(e, layer);
        *stop = shape || !layer->kind || !(layer->kind->traits & KEEPS);
    } else if (model && model->form == CNI_MODEL_CLASS && !model->part_count) {
        shape = shape_from_layers(e, model);
        *stop = true;
    } else
        *stop = !model || model->form == CNI_MODEL_GRAPH || depth > 16;
    for (int i = 0; model && !*stop && i < model->part_count; i++)
        shape = shape_of_chain(e, model->parts[i].thing, depth + 1, stop);
    return shape;
}

/* Where a chain begins with a model that has its own input, that input's shape. */
static const cni_value *shape_of_first_model(cni_evaluator *e, const cni_source_model *model)
{
    cni_source_model *first = model->part_count ? cni_model_of(model->parts[0].thing) : NULL;
    if (!first || first->dialect != CNI_KERAS || !cni_model_trace(e, first) || first->input_count != 1) return NULL;
    const cni_shape shape = cni_tensor_shape(e, first->inputs[0]);
    return cni_shape_value(e, &shape);
}

static cni_thing *make_chain_input(cni_evaluator *e, cni_source_model *model)
{
    const cni_source_layer *first = first_layer(e, model->thing, 0);
    const cni_value *shape = model->shape;
    cni_span span = model->shape_span;
    if (!shape && first && first->input_shape) shape = first->input_shape, span = first->input_span;
    bool stop;
    if (!shape && model->dialect == CNI_TORCH) shape = shape_of_chain(e, model->thing, 0, &stop);
    if (!shape) shape = shape_of_first_model(e, model);
    return cni_make_input(e, shape, NULL, model->dialect, span);
}

/* ---- building, as Keras counts it ---- */

/* Whether Keras knows the input of a chain without having seen a tensor. */
static bool knows_input(cni_evaluator *e, const cni_source_model *model)
{
    const cni_thing *first = model->parts[0].thing;
    if (model->input || model->built) return true;
    if (first->type == CNI_THING_LAYER) return e->layers[first->layer].input_shape != NULL;
    const cni_source_model *inner = cni_model_of(first);
    return inner && model->part_count > 1 && (inner->form == CNI_MODEL_GRAPH || inner->built);
}

static bool is_unbuilt_chain(const cni_source_model *model)
{
    return model && model->form == CNI_MODEL_CHAIN && model->dialect == CNI_KERAS && model->part_count && !model->built;
}

static void count_functional(cni_evaluator *e, cni_source_model *model)
{
    model->built = true;
    cni_keras_name(e, "Functional");
    for (int i = 0; i < model->part_count; i++) {
        cni_source_model *inner = cni_model_of(model->parts[i].thing);
        if (is_unbuilt_chain(inner)) count_functional(e, inner);
    }
}

void cni_model_count_build(cni_evaluator *e, cni_source_model *model, bool called)
{
    if (model->form != CNI_MODEL_CHAIN || model->dialect != CNI_KERAS || !model->part_count) return;
    if (called ? model->built : !knows_input(e, model)) return;
    count_functional(e, model);
    if (!model->input) model->input = make_chain_input(e, model); /* its name counts too */
}

/* ---- laying out ---- */

static bool keep_tensors(cni_evaluator *e, cni_thing *things, cni_dialect dialect, cni_span span,
                         cni_tensor_reference **out, int *count)
{
    if (cni_thing_is_doubtful(things)) cni_thing_matters(e, things);
    return things->type != CNI_THING_BROKEN && cni_thing_holds_tensor(things) &&
           cni_tensors_of(e, things, dialect, span, out, count);
}

static cni_thing *apply_parts(cni_evaluator *e, cni_source_model *model, cni_thing *x, cni_span span)
{
    enum { MAX_CHAINS = 64 };
    if (e->chains >= MAX_CHAINS)
        return cni_evaluate_error(e, "I812", model->span, NULL, "chains nested more deeply than %d", MAX_CHAINS);
    e->chains++;
    for (int i = 0; i < model->part_count && !e->stopped; i++)
        x = cni_apply_to(e, model->parts[i].thing, x, span.line ? span : model->parts[i].span);
    e->chains--;
    return x;
}

static bool trace_chain(cni_evaluator *e, cni_source_model *model)
{
    if (!model->input) model->input = make_chain_input(e, model);
    cni_thing *y = apply_parts(e, model, model->input, (cni_span){0});
    return keep_tensors(e, model->input, model->dialect, model->span, &model->inputs, &model->input_count) &&
           keep_tensors(e, y, model->dialect, model->span, &model->outputs, &model->output_count);
}

/* Parameters without defaults, self not counted: those are the tensors. */
static int tensors_wanted(const cni_syntax *definition)
{
    int count = 0;
    for (size_t i = 2; i < definition->count; i++)
        count += !definition->items[i]->count && definition->items[i]->text[0] != '*';
    return count;
}

static cni_thing *class_input(cni_evaluator *e, cni_source_model *model, int index)
{
    const cni_value *shape = index == 0 ? model->shape : index <= model->shape_count ? model->shapes[index - 1] : NULL;
    if (!shape && index == 0 && model->dialect == CNI_TORCH) shape = shape_from_layers(e, model);
    return cni_make_input(e, shape, NULL, model->dialect, shape == model->shape ? model->shape_span : (cni_span){0});
}

static cni_thing *forward_of(const cni_source_model *model, cni_thing **holder)
{
    static const char *const names[2][2] = {[CNI_KERAS] = {"call", "__call__"}, [CNI_TORCH] = {"forward", "__call__"}};
    for (int i = 0; i < 2; i++) {
        cni_thing *found = cni_class_member(model->thing->of, names[model->dialect][i], holder);
        if (found && found->type == CNI_THING_FUNCTION) return found;
    }
    return NULL;
}

static bool trace_class(cni_evaluator *e, cni_source_model *model)
{
    cni_thing *holder = NULL, *forward = forward_of(model, &holder);
    if (!forward) {
        if (model->part_count) return trace_chain(e, model);
        if (!e->remarks->errors && !e->doubts)
            cni_evaluate_error(e, "I809", model->thing->of->syntax->span, NULL, "%.60s has no %s()",
                               model->thing->of->text, model->dialect == CNI_TORCH ? "forward" : "call");
        return false;
    }
    cni_actuals actuals = {.span = model->span, .callee = model->span};
    cni_thing *inputs = cni_thing_new(e, CNI_THING_LIST, model->span);
    const int wanted = tensors_wanted(forward->syntax);
    for (int i = 0; i < (wanted > 0 ? wanted : 1); i++) {
        cni_thing *input = class_input(e, model, i);
        cni_thing_append(e, inputs, input);
        cni_actuals_add(e, &actuals, NULL, input, model->span);
    }
    cni_thing *y = cni_call_function(e, forward, model->thing, holder, &actuals);
    const bool good = keep_tensors(e, y, model->dialect, model->span, &model->outputs, &model->output_count);
    if (!good && y->type != CNI_THING_BROKEN && !e->remarks->errors)
        cni_evaluate_error(e, "I806", forward->syntax->span, NULL, "%.60s() does not return a tensor that is known",
                           forward->syntax->text);
    return keep_tensors(e, inputs, model->dialect, model->span, &model->inputs, &model->input_count) && good;
}

bool cni_model_trace(cni_evaluator *e, cni_source_model *model)
{
    if (model->traced || model->form == CNI_MODEL_GRAPH) return model->output_count > 0;
    if (model->tracing || e->stopped || e->exhausted) return false;
    cni_frame *frame = e->frame;
    cni_scope *scope = e->scope;
    model->tracing = true;
    model->input_count = model->output_count = 0;
    const bool good = model->form == CNI_MODEL_CHAIN ? trace_chain(e, model) : trace_class(e, model);
    model->tracing = false;
    model->traced = true;
    e->frame = frame, e->scope = scope;
    return good;
}

/* The same number of axes, and of channels. */
static bool fits_input(const cni_value *wanted, const cni_value *shape)
{
    return shape && shape->type == CNI_LIST && shape->count == wanted->count && shape->items[0]->type == CNI_INT &&
           shape->items[0]->integer == wanted->items[0]->integer;
}

void cni_model_take_lone_array(cni_evaluator *e, cni_source_model *model)
{
    bool stop;
    if (model->dialect != CNI_TORCH || model->form == CNI_MODEL_GRAPH || model->shape || model->input) return;
    const cni_value *wanted = shape_of_chain(e, model->thing, 0, &stop);
    const cni_thing *found = NULL;
    for (int i = 0; wanted && i < e->module->count; i++) {
        const cni_thing *thing = e->module->bindings[i].thing;
        if (thing->type != CNI_THING_OPAQUE || !thing->shape || !fits_input(wanted, cni_shape_value(e, thing->shape)))
            continue;
        if (found) return;
        found = thing;
    }
    if (found) cni_model_take_shape(model, 0, cni_shape_value(e, found->shape), found->span);
}

/* ---- applying ---- */

/* A Keras model as a layer of another one. */
static cni_thing *apply_as_layer(cni_evaluator *e, cni_source_model *model, cni_thing *inputs, cni_span span)
{
    if (model->form == CNI_MODEL_CHAIN && !model->input && !model->shape && inputs->type == CNI_THING_TENSOR) {
        const cni_shape shape = cni_tensor_shape(e, inputs->tensor);
        const cni_source_layer *first = first_layer(e, model->thing, 0);
        if (!first || !first->input_shape) model->shape = cni_shape_value(e, &shape);
    }
    if (model->tracing) return cni_evaluate_error(e, "I812", span, NULL, "a model that holds itself");
    cni_model_count_build(e, model, true);
    cni_model_trace(e, model);
    model->inside = true;
    if (model->layer < 0) {
        model->layer = cni_make_model_layer(e, model);
        if (model->layer < 0) return e->broken;
    }
    return cni_apply_layer(e, model->layer, inputs, span);
}

static cni_thing *apply_instance(cni_evaluator *e, cni_thing *instance, cni_actuals *actuals)
{
    cni_thing *holder = NULL, *forward = NULL;
    if (instance->model) {
        forward = forward_of(instance->model, &holder);
        instance->model->inside = true;
    } else
        forward = cni_class_member(instance->of, "__call__", &holder);
    if (forward && forward->type == CNI_THING_FUNCTION) return cni_call_function(e, forward, instance, holder, actuals);
    cni_thing *x = cni_actuals_thing(actuals, 0, NULL);
    if (instance->model && instance->model->part_count && x) return apply_parts(e, instance->model, x, actuals->span);
    return cni_evaluate_error(e, "I809", actuals->span, NULL, "%.60s has no forward() or call()", instance->text);
}

/* An array given to a whole model tells the shape of its input. */
static bool take_shape(cni_evaluator *e, cni_source_model *model, const cni_actuals *actuals)
{
    if ((e->frame && e->frame->self) || !actuals->count) return false;
    for (int i = 0; i < actuals->count; i++) {
        const cni_thing *thing = actuals->items[i].thing;
        if (thing->type != CNI_THING_OPAQUE || actuals->items[i].key) continue;
        if (!thing->shape) return i == 0;
        const cni_value *shape = cni_shape_value(e, thing->shape);
        cni_model_take_shape(model, i, shape, thing->span);
    }
    return actuals->items[0].thing->type == CNI_THING_OPAQUE;
}

void cni_model_take_shape(cni_source_model *model, int index, const cni_value *shape, cni_span span)
{
    if (index == 0 && !model->shape && shape && !model->input) {
        model->shape = shape;
        model->shape_span = span;
        model->traced = false;
    } else if (index > 0 && index <= CN_MAX_ARRAYS && index > model->shape_count)
        model->shapes[model->shape_count++] = shape;
}

/* model(array): what comes out of the model itself. */
static cni_thing *outputs_of(cni_evaluator *e, cni_source_model *model, cni_span span)
{
    if (!cni_model_trace(e, model)) return e->broken;
    if (model->output_count == 1) return cni_thing_tensor(e, model->outputs[0].call, model->outputs[0].output);
    cni_thing *all = cni_thing_new(e, CNI_THING_TUPLE, span);
    for (int i = 0; i < model->output_count; i++)
        cni_thing_append(e, all, cni_thing_tensor(e, model->outputs[i].call, model->outputs[i].output));
    return all;
}

/* The tensors of a call of a layer: its positional arguments, and inputs=. */
static cni_thing *inputs_of(cni_evaluator *e, cni_actuals *actuals)
{
    cni_thing *first = cni_actuals_thing(actuals, 0, "inputs");
    if (!first && (first = cni_actuals_thing(actuals, -1, "input"))) return first;
    if (!first) return cni_thing_new(e, CNI_THING_LIST, actuals->span);
    cni_thing *second = cni_actuals_thing(actuals, 1, NULL);
    if (!second || !cni_thing_holds_tensor(second)) return first;
    cni_thing *both = cni_thing_new(e, CNI_THING_LIST, actuals->span);
    cni_thing_append(e, both, first);
    for (int i = 1; second; second = cni_actuals_thing(actuals, ++i, NULL)) cni_thing_append(e, both, second);
    return both;
}

cni_thing *cni_apply(cni_evaluator *e, cni_thing *module, cni_actuals *actuals)
{
    cni_source_model *model = cni_model_of(module);
    if (model && take_shape(e, model, actuals)) return outputs_of(e, model, actuals->span);
    if (module->type == CNI_THING_INSTANCE) return apply_instance(e, module, actuals);
    cni_thing *inputs = inputs_of(e, actuals);
    if (module->type == CNI_THING_LAYER) return cni_apply_layer(e, module->layer, inputs, actuals->span);
    if (model->dialect == CNI_KERAS) return apply_as_layer(e, model, inputs, actuals->span);
    model->inside |= e->frame != NULL;
    return apply_parts(e, model, inputs, actuals->span);
}

cni_thing *cni_apply_to(cni_evaluator *e, cni_thing *module, cni_thing *inputs, cni_span span)
{
    cni_actuals actuals = {.span = span, .callee = span};
    cni_actuals_add(e, &actuals, NULL, inputs, span);
    if (module->type == CNI_THING_BROKEN) return module;
    if (inputs->type == CNI_THING_BROKEN) return inputs;
    return cni_call_thing(e, module, &actuals);
}
