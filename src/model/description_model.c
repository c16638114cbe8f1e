/* SPDX-License-Identifier: Apache-2.0
 * Descriptions of models. */
#include "layers/kind_members.h"
#include "layers/layers.h"
#include "model/description_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- the arguments that make a layer what it is ---- */

static bool same(const cni_value *a, const cni_value *b)
{
    if (!a || a->type != b->type || a->count != b->count || a->truth != b->truth || a->integer != b->integer)
        return false;
    if (a->real < b->real || a->real > b->real) return false;
    if (!a->text != !b->text || (a->text && strcmp(a->text, b->text) != 0)) return false;
    for (size_t i = 0; i < a->count; i++)
        if ((a->keys && strcmp(a->keys[i], b->keys[i]) != 0) || !same(a->items[i], b->items[i])) return false;
    return true;
}

/* What the constructor does not do without. */
static bool is_required(const cni_kind *kind, const char *key)
{
    const cni_field *field = cni_kind_field(kind, key);
    return (field && (field->flags & CNI_REQUIRED)) || strcmp(key, "batch_shape") == 0;
}

/* The entries of `config` that are not what they would be if they were left out. */
static cn_status add_different(cni_arena *arena, const cni_kind *kind, const cni_value *config, bool *chosen,
                               bool *added, cni_error *error)
{
    const cni_maker maker = {.arena = arena, .data_format = CN_CHANNELS_LAST};
    cni_value *given = cni_value_dict(arena);
    cni_object *made;
    for (size_t i = 0; i < config->count; i++)
        if (chosen[i] && !cni_value_add(arena, given, config->keys[i], config->items[i]))
            return cni_no_memory(error, "a description");
    const cni_value *now =
        given && !cni_object_read(&maker, kind, given, kind->name, &made) ? cni_object_config(arena, made) : NULL;
    *added = false;
    for (size_t i = 0; i < config->count; i++) {
        if (chosen[i] || same(cni_value_get(now, config->keys[i]), config->items[i])) continue;
        chosen[i] = *added = true;
    }
    return CN_OK;
}

static cn_status describe_arguments(cni_arena *arena, const cni_object *object, cni_described_layer *layer,
                                    cni_error *error)
{
    const cni_value *config = cni_object_config(arena, object);
    bool *chosen = config ? CNI_NEW_ARRAY(arena, bool, config->count + 1) : NULL;
    layer->arguments = config ? CNI_NEW_ARRAY(arena, cni_described_argument, config->count + 1) : NULL;
    if (!layer->arguments || !chosen) return cni_no_memory(error, "a description");
    for (size_t i = 0; i < config->count; i++) chosen[i] = is_required(object->kind, config->keys[i]);
    for (bool added = true; added;) CN_TRY(add_different(arena, object->kind, config, chosen, &added, error));
    for (size_t i = 0; i < config->count; i++)
        if (chosen[i] && strcmp(config->keys[i], "name") != 0)
            layer->arguments[layer->argument_count++] =
                (cni_described_argument){.key = config->keys[i], .value = config->items[i]};
    return CN_OK;
}

/* ---- models to descriptions ---- */

typedef struct numbered {
    const cn_layer *layer;
    int number;
} numbered;

typedef struct describing {
    cni_arena *arena;
    const cn_model *model;
    cni_description *out;
    numbered *layers; /* by address, with the number of the described one */
    int *calls;       /* by the id of a node: its call */
    cni_error *error;
} describing;

static cn_status describe_layer(const describing *d, const cn_layer *layer, cni_described_layer *out)
{
    *out = (cni_described_layer){.kind = layer->inner ? NULL : layer->kind,
                                 .class_name = layer->kind->kind.name,
                                 .name = layer->name,
                                 .named = true,
                                 .config = layer->config};
    if (layer->inner) return cni_description_of_model(d->arena, layer->inner, &out->inner, d->error);
    return describe_arguments(d->arena, layer->config, out, d->error);
}

static int by_address(const void *a, const void *b)
{
    const cn_layer *x = ((const numbered *)a)->layer, *y = ((const numbered *)b)->layer;
    return (x > y) - (x < y);
}

static int number_of(const describing *d, const cn_layer *layer)
{
    const numbered wanted = {layer, 0};
    return ((numbered *)bsearch(&wanted, d->layers, (size_t)d->out->layer_count, sizeof wanted, by_address))->number;
}

static cn_status describe_layers(describing *d)
{
    const cn_model *model = d->model;
    const size_t room = (size_t)model->layer_count + 2;
    cni_description *out = d->out;
    out->layers = CNI_NEW_ARRAY(d->arena, cni_described_layer, room);
    d->layers = CNI_NEW_ARRAY(d->arena, numbered, room);
    if (!out->layers || !d->layers) return cni_no_memory(d->error, "a description");
    for (int i = 0; i < model->layer_count; i++) {
        if (model->layers[i]->unused) continue;
        d->layers[out->layer_count] = (numbered){model->layers[i], out->layer_count};
        CN_TRY(describe_layer(d, model->layers[i], out->layers + out->layer_count++));
    }
    qsort(d->layers, (size_t)out->layer_count, sizeof *d->layers, by_address);
    return CN_OK;
}

static cni_tensor_reference reference_to(const describing *d, const cn_node *node)
{
    return (cni_tensor_reference){d->calls[node->id], node->tensor_index};
}

static cn_status describe_calls(describing *d)
{
    const cn_model *model = d->model;
    cni_description *out = d->out;
    out->calls = CNI_NEW_ARRAY(d->arena, cni_described_call, (size_t)model->call_count + 1);
    d->calls = CNI_NEW_ARRAY(d->arena, int, (size_t)model->node_count + 1);
    if (!out->calls || !d->calls) return cni_no_memory(d->error, "a description");
    for (int i = 0; i < model->call_count; i++)
        for (int j = 0; j < model->calls[i]->output_count; j++) d->calls[model->calls[i]->outputs[j]->id] = i;
    for (int i = 0; i < model->call_count; i++) {
        const cni_call *call = model->calls[i];
        cni_described_call *described = out->calls + out->call_count++;
        described->layer = number_of(d, call->layer);
        described->input_count = call->input_count;
        described->inputs = CNI_NEW_ARRAY(d->arena, cni_tensor_reference, (size_t)call->input_count + 1);
        if (!described->inputs) return cni_no_memory(d->error, "a description");
        for (int j = 0; j < call->input_count; j++) described->inputs[j] = reference_to(d, call->inputs[j]);
    }
    return CN_OK;
}

static cn_status describe_ends(const describing *d)
{
    const cn_model *model = d->model;
    cni_description *out = d->out;
    out->inputs = CNI_NEW_ARRAY(d->arena, int, (size_t)model->input_count + 1);
    out->outputs = CNI_NEW_ARRAY(d->arena, cni_tensor_reference, (size_t)model->output_count + 1);
    if (!out->inputs || !out->outputs) return cni_no_memory(d->error, "a description");
    for (int i = 0; i < model->input_count; i++) out->inputs[i] = reference_to(d, model->inputs[i]).call;
    for (int i = 0; i < model->output_count; i++) out->outputs[i] = reference_to(d, model->outputs[i]);
    out->input_count = model->input_count;
    out->output_count = model->output_count;
    return CN_OK;
}

static cn_status add_call(const describing *d, int layer, int input)
{
    cni_described_call *call = d->out->calls + d->out->call_count++;
    *call = (cni_described_call){.layer = layer};
    call->inputs = CNI_NEW(d->arena, cni_tensor_reference);
    if (!call->inputs) return cni_no_memory(d->error, "a description");
    if (input < 0) return CN_OK;
    call->input_count = 1;
    call->inputs[0].call = input;
    return CN_OK;
}

/* A Sequential that waits for its first input: a chain behind an input of unknown shape. */
static cn_status describe_chain(const describing *d)
{
    cni_description *out = d->out;
    const int count = out->layer_count;
    cni_described_layer *input = out->layers + out->layer_count++;
    *input = (cni_described_layer){.kind = &cni_input_layer, .class_name = "InputLayer", .name = "input_layer"};
    CN_TRY(cni_describe_unknown_input(d->arena, input->name, &input->config, d->error));
    out->calls = CNI_NEW_ARRAY(d->arena, cni_described_call, (size_t)count + 2);
    out->inputs = CNI_NEW(d->arena, int);
    out->outputs = CNI_NEW(d->arena, cni_tensor_reference);
    if (!out->calls || !out->inputs || !out->outputs) return cni_no_memory(d->error, "a description");
    CN_TRY(add_call(d, count, -1));
    for (int i = 0; i < count; i++) CN_TRY(add_call(d, i, i));
    out->outputs[0].call = count;
    out->input_count = out->output_count = 1;
    return CN_OK;
}

cn_status cni_description_of_model(cni_arena *arena, const cn_model *model, cni_description **out, cni_error *error)
{
    describing d = {.arena = arena, .model = model, .out = CNI_NEW(arena, cni_description), .error = error};
    if (!d.out) return cni_no_memory(error, "a description");
    if (model->error.status) return cni_fail(error, model->error.status, "%s", model->error.text);
    const bool waits = model->sequential && !model->input_count;
    if (!waits && !model->complete)
        return cni_fail(error, CN_ERR_STATE, "%s: the model has no outputs yet", model->name);
    d.out->arena = arena;
    d.out->dialect = CNI_KERAS;
    d.out->sequential = model->sequential;
    d.out->name = d.out->file = model->name;
    d.out->remarks.arena = arena;
    d.out->input_structure = model->input_structure;
    d.out->output_structure = model->output_structure;
    d.out->frozen = !model->trainable;
    CN_TRY(describe_layers(&d));
    if (waits)
        CN_TRY(describe_chain(&d));
    else {
        CN_TRY(describe_calls(&d));
        CN_TRY(describe_ends(&d));
    }
    *out = d.out;
    return CN_OK;
}
