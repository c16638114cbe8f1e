/* SPDX-License-Identifier: Apache-2.0
 * Descriptions: small helpers, and the same network without nesting. */
#include "model/description_parts.h"

#include "layers/layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ---- */

void *cni_described_copy(cni_arena *arena, const void *items, int count, int room, size_t size)
{
    void *copy = cni_arena_array(arena, (size_t)(count + room) + 1, size);
    if (copy && count) memcpy(copy, items, (size_t)count * size);
    return copy;
}

char *cni_described_label(const cni_described_layer *layer, char *buffer, size_t size)
{
    const char *class_name = layer->class_name ? layer->class_name : "layer";
    if (layer->name)
        snprintf(buffer, size, "%.60s \"%.100s\"", class_name, layer->name);
    else
        snprintf(buffer, size, "%.60s", class_name);
    return buffer;
}

const cni_described_argument *cni_described_argument_of(const cni_described_layer *layer, const char *key)
{
    for (int i = 0; i < layer->argument_count; i++)
        if (strcmp(layer->arguments[i].key, key) == 0) return layer->arguments + i;
    return NULL;
}

static bool has_field(const cni_layer_kind *kind, const char *key)
{
    for (size_t i = 0; i < kind->kind.field_count; i++)
        if (strcmp(kind->kind.fields[i].key, key) == 0) return true;
    return false;
}

cni_value *cni_described_arguments(cni_arena *arena, const cni_described_layer *layer)
{
    cni_value *dict = cni_value_dict(arena);
    for (int i = 0; dict && i < layer->argument_count; i++) {
        const cni_described_argument *argument = layer->arguments + i;
        if (strcmp(argument->key, "name") == 0 || !has_field(layer->kind, argument->key)) continue;
        if (!cni_value_add(arena, dict, argument->key, (cni_value *)(uintptr_t)argument->value)) return NULL;
    }
    if (!dict || !layer->name || !has_field(layer->kind, "name")) return dict;
    return cni_value_add(arena, dict, "name", cni_value_text(arena, layer->name)) ? dict : NULL;
}

const cni_layer_kind *cni_described_kind(cni_dialect dialect, const char *name, const cni_family **family)
{
    *family = dialect == CNI_TORCH ? &cni_torch_layers : &cni_layers;
    const cni_kind *kind = cni_family_find(*family, name);
    if (kind || dialect != CNI_TORCH) return (const cni_layer_kind *)kind;
    kind = cni_family_find(&cni_layers, name); /* an input */
    if (kind) *family = &cni_layers;
    return (const cni_layer_kind *)kind;
}

cn_status cni_described_configure(cni_arena *arena, cni_dialect dialect, cni_described_layer *layer, cni_error *error)
{
    const cni_maker maker = {.arena = arena, .data_format = CN_CHANNELS_LAST, .error = error};
    const cni_family *family;
    cni_value *arguments = cni_described_arguments(arena, layer);
    if (!arguments) return cni_no_memory(error, "a description");
    layer->config = NULL;
    CN_TRY(cni_object_read(&maker, &layer->kind->kind, arguments, CNI_DESCRIBED_LABEL(layer), &layer->config));
    cni_described_kind(dialect, layer->kind->kind.name, &family);
    layer->config->family = family;
    return CN_OK;
}

bool cni_described_together(const cni_described_layer *a, const cni_described_layer *b)
{
    const cni_span *s = &a->span, *t = &b->span;
    return a == b || (s->line && s->line == t->line && s->column == t->column && s->end_line == t->end_line &&
                      s->end_column == t->end_column);
}

bool cni_described_is_input(const cni_described_layer *layer)
{
    return layer->kind == &cni_input_layer;
}

cn_status cni_describe_unknown_input(cni_arena *arena, const char *name, cni_object **out, cni_error *error)
{
    const cni_maker maker = {.arena = arena, .error = error};
    cni_value *config = cni_value_dict(arena), *shape = cni_value_list(arena);
    if (!config || !cni_value_add(arena, shape, NULL, cni_value_int(arena, 1)) ||
        !cni_value_add(arena, config, "shape", shape) ||
        !cni_value_add(arena, config, "name", cni_value_text(arena, name)))
        return cni_no_memory(error, "an input");
    CN_TRY(cni_object_read(&maker, &cni_input_layer.kind, config, "Input", out));
    *(int *)cni_object_member(*out, "shape") = 0;
    *(int *)cni_object_member(*out, "batch_shape") = 0;
    (*out)->family = &cni_layers;
    return CN_OK;
}

/* ---- flattening ---- */

typedef struct flattening {
    cni_arena *arena;
    cni_description *out;
    int layer_capacity, call_capacity, levels;
    bool sequential;
    cni_error *error;
} flattening;

/* One description that is being laid out: which flat layers its layers became.  An inner model's are those of the
 * layer that it is, whichever call is laid out. */
typedef struct level {
    const cni_description *description;
    int *layers; /* by layer: the flat one; of a model its index in `inner` */
    struct level **inner;
} level;

static bool make_room(flattening *f, void **items, int count, int *capacity, size_t size)
{
    if (count < *capacity) return true;
    const int wanted = *capacity ? 2 * *capacity : 64;
    void *larger = cni_described_copy(f->arena, *items, count, wanted - count, size);
    if (!larger) return false;
    *items = larger;
    *capacity = wanted;
    return true;
}

static cn_status add_layer(flattening *f, const char *prefix, const cni_described_layer *layer, int *index)
{
    cni_description *out = f->out;
    if (!make_room(f, (void **)&out->layers, out->layer_count, &f->layer_capacity, sizeof *out->layers))
        return cni_no_memory(f->error, "a description");
    cni_described_layer *copy = out->layers + out->layer_count;
    *copy = *layer;
    if (*prefix) copy->name = cni_arena_printf(f->arena, "%s%s", prefix, layer->name);
    *index = out->layer_count++;
    return copy->name ? CN_OK : cni_no_memory(f->error, "a description");
}

/* Layers of inner models stand where the model stood; their inputs are left out. */
static cn_status lay_layers(flattening *f, const cni_description *description, const char *prefix, level **out)
{
    const size_t count = (size_t)description->layer_count + 1;
    level *l = CNI_NEW(f->arena, level);
    if (!l) return cni_no_memory(f->error, "a description");
    *l = (level){description, CNI_NEW_ARRAY(f->arena, int, count), CNI_NEW_ARRAY(f->arena, level *, count)};
    if (!l->layers || !l->inner) return cni_no_memory(f->error, "a description");
    if (++f->levels > CNI_MAX_NESTING)
        return cni_fail(f->error, CN_ERR_LIMIT, "models are nested more than %d deep", CNI_MAX_NESTING);
    f->sequential &= description->sequential;
    for (int i = 0; i < description->layer_count; i++) {
        const cni_described_layer *layer = description->layers + i;
        if (layer->inner) {
            const char *longer = cni_arena_printf(f->arena, "%s%s/", prefix, layer->name);
            if (!longer) return cni_no_memory(f->error, "a description");
            CN_TRY(lay_layers(f, layer->inner, longer, l->inner + i));
        } else if (!*prefix || !cni_described_is_input(layer))
            CN_TRY(add_layer(f, prefix, layer, l->layers + i));
    }
    f->levels--;
    *out = l;
    return CN_OK;
}

/* What the outputs of a call became: of most calls one reference, of a model's as many as it has outputs. */
typedef cni_tensor_reference *outcome;

static cn_status add_call(flattening *f, const cni_described_call *call, int layer, const cni_tensor_reference *inputs,
                          outcome *result)
{
    cni_description *out = f->out;
    if (out->call_count == CNI_MAX_DESCRIBED_CALLS)
        return cni_fail(f->error, CN_ERR_LIMIT, "%s: more than %d calls of layers", out->name ? out->name : "the model",
                        CNI_MAX_DESCRIBED_CALLS);
    *result = CNI_NEW(f->arena, cni_tensor_reference);
    if (!*result || !make_room(f, (void **)&out->calls, out->call_count, &f->call_capacity, sizeof *out->calls))
        return cni_no_memory(f->error, "a description");
    cni_described_call *copy = out->calls + out->call_count;
    *copy = *call;
    copy->layer = layer;
    copy->inputs = CNI_DESCRIBED_COPY(f->arena, inputs, call->input_count, 0);
    if (!copy->inputs) return cni_no_memory(f->error, "a description");
    **result = (cni_tensor_reference){out->call_count++, 0};
    return CN_OK;
}

static cn_status lay_calls(flattening *f, const level *l, const cni_tensor_reference *given,
                           cni_tensor_reference *outputs);

static int place_of(const cni_description *description, int call)
{
    for (int i = 0; i < description->input_count; i++)
        if (description->inputs[i] == call) return i;
    return -1;
}

/* Only models have more than one reference in their outcome. */
static cni_tensor_reference resolve(const cni_description *d, const outcome *outcomes, cni_tensor_reference r)
{
    const bool model = d->layers[d->calls[r.call].layer].inner != NULL;
    cni_tensor_reference found = outcomes[r.call][model ? r.output : 0];
    if (!model) found.output += r.output;
    return found;
}

static cn_status lay_inner(flattening *f, const level *l, const cni_described_call *call,
                           const cni_tensor_reference *inputs, outcome *result)
{
    const cni_described_layer *layer = l->description->layers + call->layer;
    if (call->input_count != layer->inner->input_count)
        return cni_fail(f->error, CN_ERR_INVALID, "%s: takes %d inputs, not %d", CNI_DESCRIBED_LABEL(layer),
                        layer->inner->input_count, call->input_count);
    *result = CNI_NEW_ARRAY(f->arena, cni_tensor_reference, (size_t)layer->inner->output_count + 1);
    if (!*result) return cni_no_memory(f->error, "a description");
    return lay_calls(f, l->inner[call->layer], inputs, *result);
}

/* An input of an inner model becomes what the model is called on. */
static cn_status lay_input(flattening *f, const level *l, int index, const cni_tensor_reference *given, outcome *result)
{
    const cni_description *d = l->description;
    const int place = place_of(d, index);
    *result = CNI_NEW(f->arena, cni_tensor_reference);
    if (!*result) return cni_no_memory(f->error, "a description");
    if (place < 0)
        return cni_fail(f->error, CN_ERR_INVALID, "%s: is not among the inputs of the model \"%s\"",
                        CNI_DESCRIBED_LABEL(d->layers + d->calls[index].layer), d->name);
    **result = given[place];
    return CN_OK;
}

static cn_status lay_call(flattening *f, const level *l, int index, const cni_tensor_reference *given,
                          outcome *outcomes)
{
    const cni_description *d = l->description;
    const cni_described_call *call = d->calls + index;
    const cni_described_layer *layer = d->layers + call->layer;
    if (given && cni_described_is_input(layer)) return lay_input(f, l, index, given, outcomes + index);
    cni_tensor_reference *inputs = CNI_NEW_ARRAY(f->arena, cni_tensor_reference, (size_t)call->input_count + 1);
    if (!inputs) return cni_no_memory(f->error, "a description");
    for (int i = 0; i < call->input_count; i++) inputs[i] = resolve(d, outcomes, call->inputs[i]);
    if (layer->inner) return lay_inner(f, l, call, inputs, outcomes + index);
    return add_call(f, call, l->layers[call->layer], inputs, outcomes + index);
}

/* The calls of a description, once for each call of it.  `given` NULL: the outermost, whose inputs stay. */
static cn_status lay_calls(flattening *f, const level *l, const cni_tensor_reference *given,
                           cni_tensor_reference *outputs)
{
    const cni_description *d = l->description;
    outcome *outcomes = CNI_NEW_ARRAY(f->arena, outcome, (size_t)d->call_count + 1);
    if (!outcomes) return cni_no_memory(f->error, "a description");
    for (int i = 0; i < d->call_count; i++) CN_TRY(lay_call(f, l, i, given, outcomes));
    for (int i = 0; i < d->output_count; i++) outputs[i] = resolve(d, outcomes, d->outputs[i]);
    if (given) return CN_OK;
    f->out->inputs = CNI_DESCRIBED_COPY(f->arena, d->inputs, d->input_count, 0);
    if (!f->out->inputs) return cni_no_memory(f->error, "a description");
    for (int i = 0; i < d->input_count; i++) f->out->inputs[i] = outcomes[d->inputs[i]]->call;
    return CN_OK;
}

cn_status cni_description_flatten(cni_arena *arena, const cni_description *description, cni_description **out,
                                  cni_error *error)
{
    cni_description *flat = cni_described_copy(arena, description, 1, 0, sizeof *flat);
    flattening f = {.arena = arena, .out = flat, .sequential = true, .error = error};
    level *outermost;
    if (!flat) return cni_no_memory(error, "a description");
    flat->arena = arena;
    flat->layers = NULL;
    flat->calls = NULL;
    flat->layer_count = flat->call_count = 0;
    flat->outputs = CNI_DESCRIBED_COPY(arena, description->outputs, description->output_count, 0);
    if (!flat->outputs) return cni_no_memory(error, "a description");
    CN_TRY(lay_layers(&f, description, "", &outermost));
    CN_TRY(lay_calls(&f, outermost, NULL, flat->outputs));
    flat->sequential = f.sequential;
    *out = flat;
    return CN_OK;
}
