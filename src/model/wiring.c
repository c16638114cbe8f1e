/* SPDX-License-Identifier: Apache-2.0
 * Wiring: how layers become a model.  The first thing that goes wrong is kept with the model. */
#include "model/model.h"

#include "base/utf8.h"
#include "layers/layers.h"
#include "model/compile.h"
#include "model/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- growing ---- */

static bool grow(void **items, int count, int *capacity)
{
    if (count < *capacity) return true;
    int wanted = *capacity ? 2 * *capacity : 16;
    void *larger = realloc(*items, (size_t)wanted * sizeof(void *));
    if (!larger) return false;
    *items = larger;
    *capacity = wanted;
    return true;
}

static cn_status add_layer(cn_model *model, cn_layer *layer)
{
    if (!grow((void **)&model->layers, model->layer_count, &model->layer_capacity))
        return cni_no_memory(&model->error, "a layer");
    model->layers[model->layer_count++] = layer;
    return CN_OK;
}

/* Names go into files, tables and logs. */
static cn_status check_text(cn_model *model, const char *class_name, const char *name)
{
    const size_t length = strlen(name);
    bool good = length >= 1 && length <= 255;
    uint32_t code = 0;
    for (size_t at = 0, size; good && at < length; at += size) {
        size = cni_utf8_read(name + at, length - at, &code);
        good = size && code != '/' && code >= 0x20 && (code < 0x7f || code >= 0xa0);
    }
    if (good) return CN_OK;
    return cni_fail(&model->error, CN_ERR_INVALID,
                    "%s \"%.80s\": name must be 1 to 255 bytes of UTF-8 and cannot contain '/' or control characters",
                    class_name, name);
}

/* ---- models ---- */

static cn_model *new_model(cn_context *context, const char *name, bool sequential)
{
    if (!context) context = cn_default_context();
    cn_model *model = context ? calloc(1, sizeof *model) : NULL;
    if (!model) return NULL;
    model->context = context;
    model->sequential = sequential;
    model->trainable = model->trained = true;
    model->height = 1;
    model->wiring = ++context->wirings;
    model->name = name ? cni_arena_text(&model->arena, name)
                       : cni_context_name(model->context, &model->arena, sequential ? "Sequential" : "Functional");
    if (!model->name)
        cni_no_memory(&model->error, "a model");
    else
        check_text(model, sequential ? "Sequential" : "Functional", model->name);
    const cni_error *error = model->context->cpu_error.status ? &model->context->cpu_error : &model->context->error;
    if (error->status) cni_fail(&model->error, error->status, "%s", error->text);
    return model;
}

cn_model *cn_sequential_in(cn_context *context, const char *name)
{
    return new_model(context, name, true);
}

cn_model *cn_sequential(void)
{
    return new_model(NULL, NULL, true);
}

cn_model *cn_functional_in(cn_context *context, const char *name)
{
    return new_model(context, name, false);
}

cn_model *cn_functional(void)
{
    return new_model(NULL, NULL, false);
}

void cni_model_detach(cn_model *model, int attachment)
{
    cni_attachment *slot = model->attachments + attachment;
    if (slot->release) slot->release(slot->data);
    slot->data = NULL;
}

static void free_model(cn_model *model)
{
    if (!model) return;
    for (int i = 0; i < CNI_ATTACHMENTS; i++) cni_model_detach(model, i);
    for (int i = 0; i < model->layer_count; i++) {
        cni_layer_free_weights(model->layers[i]);
        free_model(model->layers[i]->inner);
    }
    cni_compiled_free(model->compiled);
    free(model->layers);
    free(model->calls);
    free(model->text);
    cni_choices_clear(&model->trained_ways);
    cni_arena_free(&model->arena);
    free(model);
}

/* A model that is a layer is freed with the model whose layer it is. */
void cn_model_free(cn_model *model)
{
    if (model && !model->outer) free_model(model);
}

bool cn_failed(const cn_model *model)
{
    return !model || model->error.status || model->call_error.status;
}

const char *cn_error(const cn_model *model)
{
    if (!model) return "no model (out of memory)";
    return model->error.status ? model->error.text : model->call_error.text;
}

cn_status cn_error_status(const cn_model *model)
{
    if (!model) return CN_ERR_MEMORY;
    return model->error.status ? model->error.status : model->call_error.status;
}

void cn_clear(cn_model *model)
{
    if (model) cni_error_clear(&model->call_error);
}

cni_maker cni_model_maker(cn_model *model)
{
    return (cni_maker){&model->arena, &model->context->python, model->context->data_format, &model->error};
}

/* Whether layers may come and go.  What is asked of a model that must not change now does not spoil it. */
static cn_status may_change(cn_model *model, bool sequential)
{
    if (!model) return CN_ERR_MEMORY;
    if (model->error.status) return model->error.status;
    if (model->outer || model->busy) {
        cni_error_clear(&model->call_error);
        return cni_fail(&model->call_error, CN_ERR_STATE,
                        model->busy ? "%s: the model is in training; its layers cannot change now"
                                    : "%s: the model is a layer of another one; its layers cannot change any more",
                        model->name);
    }
    if (model->sequential != sequential)
        return cni_fail(&model->error, CN_ERR_STATE,
                        sequential ? "%s: cn_add and cn_pop are for Sequential models; use cn_call"
                                   : "%s: layers are called while a functional model is made; a Sequential one grows "
                                     "by cn_add",
                        model->name);
    if (!sequential && model->complete)
        return cni_fail(&model->error, CN_ERR_STATE,
                        "%s: layers are made and called while a functional model is made, before cn_outputs",
                        model->name);
    return CN_OK;
}

/* Layers or calls have changed: plans and the optimizer's state were made for others. */
static void forget_plans(cn_model *model)
{
    model->wiring = ++model->context->wirings;
    cni_compiled_forget_state(model->compiled);
}

/* ---- layers ---- */

char *cni_layer_label(const cn_layer *layer, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s \"%s\"", layer->kind->kind.name, layer->name);
    return buffer;
}

cn_layer *cni_find_layer(const cn_model *model, const char *name)
{
    for (int i = 0; i < model->layer_count; i++)
        if (strcmp(model->layers[i]->name, name) == 0) return model->layers[i];
    return NULL;
}

void cni_layer_write_trainable(cn_layer *layer)
{
    bool *frozen = layer->config ? cni_object_member(layer->config, "trainable") : NULL;
    if (frozen) *frozen = !layer->trainable;
}

static cn_status name_layer(cn_model *model, cn_layer *layer)
{
    const char **name = cni_object_member(layer->config, "name");
    if (name && !*name) *name = cni_context_name(model->context, &model->arena, layer->kind->kind.name);
    layer->name = name ? *name : NULL;
    if (!layer->name) return cni_no_memory(&model->error, "a layer's name");
    return check_text(model, layer->kind->kind.name, layer->name);
}

static cn_status new_layer(cn_model *model, cn_layer **out)
{
    cn_layer *layer = CNI_NEW(&model->arena, cn_layer);
    if (!layer) return cni_no_memory(&model->error, "a layer");
    layer->model = model;
    layer->arena = &model->arena;
    layer->seeds = &model->context->python;
    layer->blank = model->deferred;
    layer->trainable = true;
    *out = layer;
    return CN_OK;
}

/* Keras draws a layer's own default seed when the layer is made. */
static void seed_layer(cn_model *model, cn_layer *layer)
{
    if (!layer->kind->seeded || !layer->kind->seeded(layer)) return;
    const int *seed = cni_object_member(layer->config, "seed");
    layer->seed.seed = seed && *seed != CNI_NONE_INT ? (uint32_t)*seed : cni_py_default_seed(&model->context->python);
}

cn_status cni_layer_make(cn_model *model, const cni_layer_kind *kind, cni_object *config, cn_layer **out)
{
    cn_layer *layer = NULL;
    CN_TRY(new_layer(model, &layer));
    layer->kind = kind;
    layer->config = config;
    CN_TRY(name_layer(model, layer));
    const bool *frozen = cni_object_member(config, "trainable");
    layer->trainable = layer->trained = !frozen || !*frozen;
    seed_layer(model, layer);
    CN_TRY(add_layer(model, layer));
    *out = layer;
    return CN_OK;
}

/* Models within a model, itself included, as a path from the outermost to the innermost. */
static cn_status check_nesting(cn_model *model, const cn_model *inner)
{
    int levels = inner->height;
    for (const cn_model *m = model; m; m = m->outer, levels++)
        if (m == inner)
            return cni_fail(&model->error, CN_ERR_INVALID, "%s: a model cannot be a layer of itself", model->name);
    if (levels <= CNI_MAX_NESTING) return CN_OK;
    return cni_fail(&model->error, CN_ERR_LIMIT, "%s: models are nested more than %d deep", model->name,
                    CNI_MAX_NESTING);
}

static void own(cn_model *model, cn_model *inner)
{
    inner->outer = model;
    for (int height = inner->height + 1; model && model->height < height; model = model->outer)
        model->height = height++;
}

cn_status cni_layer_make_inner(cn_model *model, cn_model *inner, cn_layer **out)
{
    if (!inner) return cni_fail(&model->error, CN_ERR_INVALID, "%s: no model given (NULL)", model->name);
    if (inner->outer || inner->busy)
        return cni_fail(&model->error, CN_ERR_INVALID, "%s: a model can be a layer of one model only", model->name);
    CN_TRY(check_nesting(model, inner));
    if (inner->error.status)
        return cni_fail(&model->error, inner->error.status, "%s: %s", inner->name, inner->error.text);
    cn_layer *layer = NULL;
    CN_TRY(new_layer(model, &layer));
    layer->kind = inner->sequential ? &cni_sequential_kind : &cni_functional_kind;
    layer->inner = inner;
    layer->name = inner->name;
    layer->trainable = inner->trainable;
    layer->trained = inner->trained;
    layer->built = inner->complete;
    layer->deferred = !inner->complete;
    CN_TRY(add_layer(model, layer));
    own(model, inner);
    *out = layer;
    return CN_OK;
}

static cn_status unknown_kind(cn_model *model, const char *class_name)
{
    char shown[65];
    snprintf(shown, sizeof shown, "%s", class_name ? class_name : "(no name)");
    const char *nearest = class_name ? cni_family_nearest(&cni_layers, class_name) : NULL;
    return cni_fail(&model->error, CN_ERR_UNSUPPORTED, "unknown layer class %s%s%s%s", shown,
                    nearest ? "; did you mean " : "; see `cornu help layers`", nearest ? nearest : "",
                    nearest ? "?" : "");
}

static const char *given_name(const cni_kind *kind, const void *args)
{
    size_t size;
    memcpy(&size, args, sizeof size);
    for (size_t i = 0; i < kind->field_count; i++)
        if (strcmp(kind->fields[i].key, "name") == 0 && size >= kind->fields[i].offset + sizeof(char *))
            return *(const char *const *)((const char *)args + kind->fields[i].offset);
    return NULL;
}

/* A layer from a C struct; errors are kept with the model. */
static cn_status layer_from_args(cn_model *model, const cn_layer_args *args, cn_layer **out)
{
    if (model->error.status) return model->error.status;
    if (!args) return cni_fail(&model->error, CN_ERR_INVALID, "%s: no layer given (NULL)", model->name);
    const cni_kind *kind = args->class_name ? cni_family_find(&cni_layers, args->class_name) : NULL;
    if (!kind) return unknown_kind(model, args->class_name);
    const char *name = given_name(kind, args);
    char where[200];
    snprintf(where, sizeof where, name ? "%s \"%.100s\"" : "%s", kind->name, name);
    cni_maker maker = cni_model_maker(model);
    cni_object *config;
    CN_TRY(cni_object_copy(&maker, kind, args, where, &config));
    config->family = &cni_layers;
    return cni_layer_make(model, (const cni_layer_kind *)kind, config, out);
}

cn_layer *cn_layer_new(cn_model *model, const cn_layer_args *args)
{
    cn_layer *layer = NULL;
    return !may_change(model, false) && !layer_from_args(model, args, &layer) ? layer : NULL;
}

cn_layer *cn_model_layer(cn_model *model, cn_model *inner)
{
    cn_layer *layer = NULL;
    return !may_change(model, false) && !cni_layer_make_inner(model, inner, &layer) ? layer : NULL;
}

/* ---- calls ---- */

static cn_node *new_node(cn_model *model, cni_call *call, int tensor_index, const cni_shape *shape)
{
    cn_node *node = CNI_NEW(&model->arena, cn_node);
    if (!node) return NULL;
    *node = (cn_node){call, tensor_index, model->node_count++, *shape};
    return node;
}

static cn_status new_call(cn_layer *layer, int count, cn_node *const *inputs, int outputs, const cni_shape *shapes,
                          cni_call **out)
{
    cn_model *model = layer->model;
    cni_call *call = CNI_NEW(&model->arena, cni_call);
    if (!call || !grow((void **)&model->calls, model->call_count, &model->call_capacity))
        return cni_no_memory(&model->error, "a call of a layer");
    call->layer = layer;
    call->node_index = call->kept_index = layer->calls++;
    call->input_count = count;
    call->output_count = outputs;
    call->inputs = CNI_NEW_ARRAY(&model->arena, cn_node *, (size_t)count + 1);
    call->outputs = CNI_NEW_ARRAY(&model->arena, cn_node *, (size_t)outputs);
    if (!call->inputs || !call->outputs) return cni_no_memory(&model->error, "a call of a layer");
    for (int i = 0; i < count; i++) call->inputs[i] = inputs[i];
    for (int i = 0; i < outputs; i++) {
        call->outputs[i] = new_node(model, call, i, shapes + i);
        if (!call->outputs[i]) return cni_no_memory(&model->error, "a call of a layer");
    }
    model->calls[model->call_count++] = call;
    *out = call;
    return CN_OK;
}

bool cni_is_input_layer(const cn_layer *layer)
{
    return layer->kind == &cni_input_layer;
}

bool cni_layer_is_listed(const cn_layer *layer)
{
    return !layer->unused && !(layer->model->sequential && cni_is_input_layer(layer));
}

static cn_status check_call(const cn_layer *layer, int count, cn_node *const *inputs)
{
    cni_error *error = &layer->model->error;
    if (cni_is_input_layer(layer))
        return cni_fail(error, CN_ERR_INVALID, "%s: an input is not called on nodes; it is made by cn_input_node",
                        CNI_LABEL(layer));
    if (!inputs) return cni_fail(error, CN_ERR_INVALID, "%s: no nodes given (NULL)", CNI_LABEL(layer));
    if (count > CNI_MAX_INPUTS)
        return cni_fail(error, CN_ERR_LIMIT, "%s: %d inputs; at most %d", CNI_LABEL(layer), count, CNI_MAX_INPUTS);
    for (int i = 0; i < count; i++)
        if (!inputs[i] || inputs[i]->call->layer->model != layer->model)
            return cni_fail(error, CN_ERR_INVALID, "%s: input %d is %s", CNI_LABEL(layer), i,
                            inputs[i] ? "a node of another model" : "missing");
    int wanted = layer->inner ? layer->inner->input_count : 1;
    if (layer->inner && layer->inner->sequential && !wanted) wanted = 1;
    if (count < 1 || (!layer->kind->merges && count != wanted))
        return cni_fail(error, CN_ERR_INVALID, "%s: takes %d input%s, not %d", CNI_LABEL(layer), wanted,
                        wanted == 1 ? "" : "s", count);
    return CN_OK;
}

/* Checks, builds, infers the shapes; gives the call with its outputs. */
static cn_status call_layer(cn_layer *layer, int count, cn_node *const *inputs, cni_call **call)
{
    cn_model *model = layer->model;
    cni_shape in[CNI_MAX_INPUTS], out[CN_MAX_ARRAYS];
    int outputs;
    CN_TRY(check_call(layer, count, inputs));
    for (int i = 0; i < count; i++) in[i] = inputs[i]->shape;
    CN_TRY(cni_layer_build(layer, count, in, &model->error));
    CN_TRY(cni_layer_shapes(layer, count, in, &outputs, out, &model->error));
    return new_call(layer, count, inputs, outputs, out, call);
}

static cn_status call_input(cn_layer *layer, cn_node **node)
{
    cn_model *model = layer->model;
    cni_shape shape;
    cni_call *call;
    CN_TRY(layer->kind->output_shape(layer, 0, NULL, &shape, &model->error));
    if (cni_shape_check_size(&shape, &model->error)) return cni_fail_in(&model->error, "%s", CNI_LABEL(layer));
    if (model->input_count == CN_MAX_ARRAYS)
        return cni_fail(&model->error, CN_ERR_LIMIT, "%s: more than %d inputs", model->name, CN_MAX_ARRAYS);
    layer->built = true;
    CN_TRY(new_call(layer, 0, NULL, 1, &shape, &call));
    *node = model->inputs[model->input_count++] = call->outputs[0];
    return CN_OK;
}

cn_status cni_call_input(cn_layer *layer)
{
    cn_node *node;
    return call_input(layer, &node);
}

/* Explicit padding is a ZeroPadding2D before the layer, which becomes 'valid': so Keras can read the model. */
static cn_status split_padding(cn_layer *layer)
{
    cn_model *model = layer->model;
    cn_padding *padding = layer->kind->padding ? layer->kind->padding(layer->config->args) : NULL;
    if (!padding || padding->mode != CN_PADDING_SIDES) return CN_OK;
    const cn_data_format *format = cni_object_member(layer->config, "data_format");
    cn_zero_padding2d_args args = {.head = {sizeof args, "ZeroPadding2D"},
                                   .padding = {{padding->top, padding->bottom}, {padding->left, padding->right}},
                                   .data_format = *format};
    bool none = !padding->top && !padding->bottom && !padding->left && !padding->right;
    *padding = (cn_padding){.mode = CN_PADDING_VALID};
    if (none) return CN_OK;
    CN_TRY(layer_from_args(model, &args.head, &layer->padding));
    cn_layer **last = model->layers + model->layer_count - 1;
    if (model->sequential) last[0] = layer, last[-1] = layer->padding;
    return CN_OK;
}

cn_status cni_call_padded(cn_layer *layer, int count, cn_node *const *inputs, cni_call **call)
{
    CN_TRY(split_padding(layer));
    if (!layer->padding) return call_layer(layer, count, inputs, call);
    CN_TRY(call_layer(layer->padding, count, inputs, call));
    return call_layer(layer, 1, (*call)->outputs, call);
}

cn_node *cn_call_layer_nodes(cn_layer *layer, int count, cn_node *const *nodes)
{
    if (!layer || layer->model->error.status) return NULL;
    cn_model *model = layer->model;
    cni_call *call = NULL;
    if (may_change(model, false)) return NULL;
    return cni_call_padded(layer, count, nodes, &call) == CN_OK ? call->outputs[0] : NULL;
}

cn_node *cn_node_output(cn_node *node, int index)
{
    return node && index >= 0 && index < node->call->output_count ? node->call->outputs[index] : NULL;
}

cn_node *cn_call_nodes(cn_model *model, const cn_layer_args *args, int count, cn_node *const *nodes)
{
    cn_layer *layer = cn_layer_new(model, args);
    return layer ? cn_call_layer_nodes(layer, count, nodes) : NULL;
}

cn_node *cn_input_node(cn_model *model, const cn_layer_args *input)
{
    cn_layer *layer = cn_layer_new(model, input);
    cn_node *node = NULL;
    if (layer && !cni_is_input_layer(layer))
        cni_fail(&model->error, CN_ERR_INVALID, "%s: cn_input_node takes cn_input(...)", CNI_LABEL(layer));
    return layer && cni_is_input_layer(layer) && call_input(layer, &node) == CN_OK ? node : NULL;
}

/* ---- Sequential ---- */

static cn_status check_name(cn_model *model, const cn_layer *layer)
{
    for (int i = 0; i < model->layer_count; i++)
        if (model->layers[i] != layer && strcmp(model->layers[i]->name, layer->name) == 0)
            return cni_fail(&model->error, CN_ERR_INVALID,
                            "%s: the model has a layer of that name already; names must be unique", CNI_LABEL(layer));
    return CN_OK;
}

static cn_status chain(cn_model *model, cn_layer *layer)
{
    cni_call *call;
    if (!model->tip) return CN_OK; /* deferred: built with the first input */
    CN_TRY(call_layer(layer, 1, &model->tip, &call));
    if (call->output_count != 1)
        return cni_fail(&model->error, CN_ERR_INVALID, "%s: a Sequential model takes layers with one output",
                        CNI_LABEL(layer));
    model->tip = model->outputs[0] = call->outputs[0];
    model->output_count = 1;
    model->complete = true;
    forget_plans(model);
    return CN_OK;
}

cn_status cni_sequential_append(cn_model *model, cn_layer *layer)
{
    CN_TRY(check_name(model, layer));
    if (cni_is_input_layer(layer)) {
        if (model->layer_count > 1)
            return cni_fail(&model->error, CN_ERR_INVALID, "%s: an input can only be the first layer",
                            CNI_LABEL(layer));
        return call_input(layer, &model->tip);
    }
    CN_TRY(split_padding(layer));
    if (layer->padding) {
        CN_TRY(check_name(model, layer->padding));
        CN_TRY(chain(model, layer->padding));
    }
    return chain(model, layer);
}

/* What a shape that does not fit has begun: the model is again the layers that it was, without weights. */
static void unbuild(cn_model *model, int count)
{
    memmove(model->layers, model->layers + model->layer_count - count, (size_t)count * sizeof *model->layers);
    model->layer_count = count;
    model->call_count = model->input_count = model->output_count = 0;
    model->tip = NULL;
    model->complete = false;
    for (int i = 0; i < count; i++) {
        cn_layer *layer = model->layers[i];
        cni_layer_free_weights(layer);
        layer->built = layer->inner && !layer->deferred;
        layer->input_shapes = NULL;
        layer->calls = 0;
        if (layer->deferred && layer->inner->input_count) unbuild(layer->inner, layer->inner->layer_count - 1);
    }
    forget_plans(model);
}

static cn_status check_input(const cn_model *model, const cni_shape *input, cni_error *error)
{
    const int64_t most = 1000000000;
    for (int i = 1; i < input->rank; i++)
        if (input->dims[i] != CNI_UNKNOWN && (input->dims[i] < 1 || input->dims[i] > most))
            return cni_fail(error, CN_ERR_SHAPE, "%s: a model cannot be built for inputs of shape %s", model->name,
                            CNI_SHOW_SHAPE(input));
    return CN_OK;
}

cn_status cni_sequential_build(cn_model *model, const cni_shape *input, cni_error *error)
{
    if (!model->sequential || model->input_count) return CN_OK;
    if (model->error.status) return cni_fail(error, model->error.status, "%s", model->error.text);
    if (!model->layer_count) return cni_fail(error, CN_ERR_STATE, "%s: the model has no layers", model->name);
    CN_TRY(check_input(model, input, error));
    cn_input_args args = {.head = {sizeof args, "InputLayer"}};
    for (int i = 1; i < input->rank; i++) args.shape[i - 1] = (int)input->dims[i];
    cn_layer *layer;
    int count = model->layer_count;
    cn_status status = layer_from_args(model, &args.head, &layer);
    if (!status) {
        memmove(model->layers + 1, model->layers, (size_t)count * sizeof *model->layers);
        model->layers[0] = layer;
        status = call_input(layer, &model->tip);
    }
    for (int i = 1; i <= count && !status; i++) status = chain(model, model->layers[i]);
    if (!status) return CN_OK;
    const cni_error failure = model->error; /* the caller's: another shape may fit */
    unbuild(model, count);
    cni_error_clear(&model->error);
    return cni_fail(error, status, "%s", failure.text);
}

cn_status cn_build(cn_model *model, int rank, const int64_t *shape)
{
    CN_TRY(may_change(model, true));
    cni_shape input = {.dims = {CNI_UNKNOWN}};
    if (rank < 1 || rank >= CNI_MAX_RANK || !shape)
        return cni_fail(&model->error, CN_ERR_INVALID, "cn_build: %s; a shape of 1 to %d dimensions expected",
                        shape ? "too few or too many dimensions" : "no shape given (NULL)", CNI_MAX_RANK - 1);
    input.rank = rank + 1;
    for (int i = 0; i < rank; i++) input.dims[i + 1] = shape[i];
    return cni_sequential_build(model, &input, &model->error);
}

cn_status cn_add(cn_model *model, const cn_layer_args *args)
{
    cn_layer *layer = NULL;
    CN_TRY(may_change(model, true));
    CN_TRY(layer_from_args(model, args, &layer));
    return cni_sequential_append(model, layer);
}

cn_status cn_add_json(cn_model *model, const char *json)
{
    cn_layer *layer = NULL;
    CN_TRY(may_change(model, true));
    if (!json) return cni_fail(&model->error, CN_ERR_INVALID, "%s: no layer given (NULL)", model->name);
    cni_value *value;
    CN_TRY(cni_value_read(&model->arena, json, "cn_add_json", &value, &model->error));
    CN_TRY(cni_layer_from_value(model, value, &layer));
    return cni_sequential_append(model, layer);
}

cn_status cn_add_model(cn_model *model, cn_model *inner)
{
    cn_layer *layer;
    CN_TRY(may_change(model, true));
    CN_TRY(cni_layer_make_inner(model, inner, &layer));
    return cni_sequential_append(model, layer);
}

cn_status cn_pop(cn_model *model)
{
    CN_TRY(may_change(model, true));
    if (!model->layer_count)
        return cni_fail(&model->error, CN_ERR_STATE, "%s: there is no layer to remove", model->name);
    cn_layer *layer = model->layers[--model->layer_count];
    cni_layer_free_weights(layer);
    free_model(layer->inner);
    if (model->call_count && model->calls[model->call_count - 1]->layer == layer) {
        cni_call *call = model->calls[--model->call_count];
        model->tip = model->outputs[0] = call->input_count ? call->inputs[0] : NULL;
        if (cni_is_input_layer(layer)) model->input_count = 0;
        model->complete = model->call_count > 1;
        model->output_count = model->complete;
    }
    forget_plans(model);
    return CN_OK;
}

/* ---- functional ---- */

cn_status cni_model_set_outputs(cn_model *model, int count, cn_node *const *outputs)
{
    if (count < 1 || count > CN_MAX_ARRAYS)
        return cni_fail(&model->error, CN_ERR_LIMIT, "%s: %d outputs; from 1 to %d", model->name, count, CN_MAX_ARRAYS);
    if (!outputs) return cni_fail(&model->error, CN_ERR_INVALID, "%s: no outputs given (NULL)", model->name);
    for (int i = 0; i < count; i++) {
        if (!outputs[i] || outputs[i]->call->layer->model != model)
            return cni_fail(&model->error, CN_ERR_INVALID, "%s: output %d is not a node of this model", model->name, i);
        model->outputs[i] = outputs[i];
    }
    model->output_count = count;
    CN_TRY(cni_model_order(model, &model->error));
    for (int i = 0; i < model->layer_count; i++) CN_TRY(check_name(model, model->layers[i]));
    model->complete = true;
    forget_plans(model);
    return CN_OK;
}

cn_status cn_model_outputs(cn_model *model, int count, cn_node *const *nodes)
{
    CN_TRY(may_change(model, false));
    return cni_model_set_outputs(model, count, nodes);
}
