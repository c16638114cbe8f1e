/* SPDX-License-Identifier: Apache-2.0
 * Changes of a description: what a finding proposes is tried on a copy. */
#include "model/description_parts.h"

#include "base/text.h"
#include "layers/layers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct editing {
    cni_arena *arena;
    cni_description *out;
    cni_error *error;
} editing;

static cn_status no_memory(const editing *e)
{
    return cni_no_memory(e->error, "an edit");
}

/* A kind with its arguments, as the text of an edit names it: "ZeroPadding2D(1)". */
typedef struct named_kind {
    const cni_layer_kind *kind;
    const cni_value *call; /* or a bare name */
} named_kind;

static cn_status read_kind(const editing *e, const char *text, named_kind *out)
{
    const cni_family *family;
    cni_value *value;
    CN_TRY(cni_value_read(e->arena, text, "edit", &value, e->error));
    if (value->type != CNI_CALL && value->type != CNI_TEXT)
        return cni_fail(e->error, CN_ERR_INVALID, "edit: %.80s is not a layer", text);
    const cni_layer_kind *kind = cni_described_kind(e->out->dialect, value->text, &family);
    if (!kind) {
        const char *nearest = cni_family_nearest(family, value->text);
        return cni_fail(e->error, CN_ERR_INVALID, "edit: unknown %s %.80s%s%s%s", family->what, value->text,
                        nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    }
    *out = (named_kind){kind, value};
    return CN_OK;
}

/* ---- arguments ---- */

static cn_status put_argument(const editing *e, cni_described_layer *layer, const char *key, const cni_value *value)
{
    const cni_described_argument *old = cni_described_argument_of(layer, key);
    const ptrdiff_t at = old ? old - layer->arguments : layer->argument_count;
    layer->arguments = CNI_DESCRIBED_COPY(e->arena, layer->arguments, layer->argument_count, 1);
    if (!layer->arguments) return no_memory(e);
    if (old)
        layer->arguments[at].value = value;
    else
        layer->arguments[layer->argument_count++] = (cni_described_argument){.key = key, .value = value};
    return CN_OK;
}

static cn_status change_argument(const editing *e, cni_described_layer *layer, const cni_edit *edit)
{
    cni_value *value;
    CN_TRY(cni_value_read(e->arena, edit->value, edit->key, &value, e->error));
    if (!layer->kind)
        return cni_fail(e->error, CN_ERR_INVALID, "%s: nothing is known of its arguments", CNI_DESCRIBED_LABEL(layer));
    CN_TRY(put_argument(e, layer, edit->key, value));
    return cni_described_configure(e->arena, e->out->dialect, layer, e->error);
}

/* The arguments of a call: what stands by position belongs to the fields in their order. */
static cn_status take_arguments(const editing *e, const named_kind *named, cni_described_layer *layer)
{
    const cni_kind *kind = &named->kind->kind;
    const cni_value *call = named->call;
    layer->arguments = CNI_NEW_ARRAY(e->arena, cni_described_argument, call->count + 1);
    layer->argument_count = 0;
    if (!layer->arguments) return no_memory(e);
    for (size_t i = 0; i < call->count; i++) {
        const char *key = call->keys[i] ? call->keys[i] : i < kind->field_count ? kind->fields[i].key : NULL;
        if (!key)
            return cni_fail(e->error, CN_ERR_INVALID, "edit: %zu arguments; %s takes at most %zu", call->count,
                            kind->name, kind->field_count);
        layer->arguments[layer->argument_count++] =
            (cni_described_argument){.key = key, .value = call->items[i], .positional = !call->keys[i]};
    }
    return CN_OK;
}

/* ---- names ---- */

static bool is_taken(const editing *e, const char *name)
{
    for (int i = 0; i < e->out->layer_count; i++)
        if (e->out->layers[i].name && strcmp(e->out->layers[i].name, name) == 0) return true;
    return false;
}

/* A name as Keras makes them, not yet in use, in the model of the layer `beside`. */
static const char *fresh_name(const editing *e, const char *class_name, const cni_described_layer *beside)
{
    char snake[200];
    const char *slash = beside->name ? strrchr(beside->name, '/') : NULL;
    const int prefix = slash ? (int)(slash - beside->name) + 1 : 0;
    cni_snake_case(class_name, snake, sizeof snake);
    const char *name = cni_arena_printf(e->arena, "%.*s%s", prefix, beside->name ? beside->name : "", snake);
    for (int i = 1; name && is_taken(e, name); i++)
        name = cni_arena_printf(e->arena, "%.*s%s_%d", prefix, beside->name ? beside->name : "", snake, i);
    return name;
}

/* ---- other layers ---- */

/* It keeps its place in the text, and a name that the user gave. */
static cn_status replace(const editing *e, cni_described_layer *layer, const cni_edit *edit)
{
    named_kind named;
    CN_TRY(read_kind(e, edit->value, &named));
    if (!layer->named && layer->kind != named.kind) layer->name = fresh_name(e, named.kind->kind.name, layer);
    if (!layer->name) return no_memory(e);
    layer->kind = named.kind;
    layer->class_name = named.call->text;
    CN_TRY(take_arguments(e, &named, layer));
    return cni_described_configure(e->arena, e->out->dialect, layer, e->error);
}

static cn_status add_layer(const editing *e, const cni_edit *edit, int beside)
{
    cni_description *out = e->out;
    named_kind named;
    CN_TRY(read_kind(e, edit->value, &named));
    out->layers = CNI_DESCRIBED_COPY(e->arena, out->layers, out->layer_count, 1);
    if (!out->layers) return no_memory(e);
    cni_described_layer *layer = out->layers + out->layer_count;
    *layer = (cni_described_layer){.kind = named.kind, .class_name = named.call->text};
    layer->name = fresh_name(e, named.kind->kind.name, out->layers + beside);
    if (!layer->name) return no_memory(e);
    CN_TRY(take_arguments(e, &named, layer));
    out->layer_count++;
    return cni_described_configure(e->arena, out->dialect, layer, e->error);
}

/* ---- calls ---- */

/* Where the old calls went; of one that is passed by: what it was called on. */
typedef struct rewiring {
    cni_tensor_reference *at;
    const bool *gone;
} rewiring;

static void follow(const rewiring *r, cni_tensor_reference *reference)
{
    const int output = reference->output;
    const bool gone = r->gone[reference->call];
    *reference = r->at[reference->call];
    if (!gone) reference->output = output;
}

static cn_status check_single(const editing *e, const cni_described_call *call, const char *what)
{
    if (call->input_count == 1) return CN_OK;
    return cni_fail(e->error, CN_ERR_INVALID, "%s: %s, which takes one input, not %d",
                    CNI_DESCRIBED_LABEL(e->out->layers + call->layer), what, call->input_count);
}

/* Goes over all calls: those of `layer` are called on `inserted` of what they were called on, or passed by (-1). */
static cn_status rewire(const editing *e, int layer, int inserted)
{
    cni_description *out = e->out;
    const int count = out->call_count;
    cni_described_call *calls = CNI_NEW_ARRAY(e->arena, cni_described_call, 2 * (size_t)count + 1);
    bool *gone = CNI_NEW_ARRAY(e->arena, bool, (size_t)count + 1);
    const rewiring r = {CNI_NEW_ARRAY(e->arena, cni_tensor_reference, (size_t)count + 1), gone};
    int made = 0;
    if (!calls || !gone || !r.at) return no_memory(e);
    for (int i = 0; i < count; i++) {
        cni_described_call call = out->calls[i];
        call.inputs = CNI_DESCRIBED_COPY(e->arena, call.inputs, call.input_count, 0);
        if (!call.inputs) return no_memory(e);
        for (int j = 0; j < call.input_count; j++) follow(&r, call.inputs + j);
        if (call.layer == layer) {
            CN_TRY(check_single(e, &call, inserted < 0 ? "cannot be left out" : "nothing can be put before it"));
            gone[i] = inserted < 0;
            if (gone[i]) {
                r.at[i] = call.inputs[0];
                continue;
            }
            calls[made] = call;
            calls[made++].layer = inserted;
            call.inputs = CNI_NEW(e->arena, cni_tensor_reference);
            if (!call.inputs) return no_memory(e);
            call.inputs[0].call = made - 1;
        }
        r.at[i].call = made;
        calls[made++] = call;
    }
    out->calls = calls;
    out->call_count = made;
    for (int i = 0; i < out->input_count; i++) out->inputs[i] = r.at[out->inputs[i]].call;
    for (int i = 0; i < out->output_count; i++) follow(&r, out->outputs + i);
    return CN_OK;
}

/* ---- the input's size ---- */

/* That of the first layer that has a say. */
cn_data_format cni_described_format(const cni_description *d)
{
    if (d->dialect == CNI_TORCH) return CN_CHANNELS_FIRST;
    for (int i = 0; i < d->layer_count; i++) {
        const cni_object *config = d->layers[i].config;
        const cn_data_format *format = config ? cni_object_member(config, "data_format") : NULL;
        if (format) return *format;
    }
    return CN_CHANNELS_LAST;
}

cni_value *cni_described_image(cni_arena *arena, const cni_description *d, int64_t rows, int64_t columns, bool batch)
{
    const cni_object *config = d->layers[d->calls[d->inputs[0]].layer].config;
    const int *shape = config ? cni_object_member(config, "shape") : NULL;
    const int *size = config ? cni_object_member(config, "batch_size") : NULL;
    const int rank = shape ? cni_ints_count(shape) : 0;
    const bool first = cni_described_format(d) == CN_CHANNELS_FIRST;
    const int64_t channels = rank == 3 ? shape[first ? 0 : 2] : CN_NONE;
    const int64_t dims[4] = {size && *size != CNI_NONE_INT ? *size : CN_NONE, first ? channels : rows,
                             first ? rows : columns, first ? columns : channels};
    cni_value *list = cni_value_list(arena);
    if (rank != 0 && rank != 3) return NULL;
    for (int i = batch ? 0 : 1; i < 4; i++)
        if (!cni_value_add(arena, list, NULL,
                           dims[i] == CN_NONE ? cni_value_null(arena) : cni_value_int(arena, dims[i])))
            return NULL;
    return list;
}

static cn_status resize(const editing *e, const cni_edit *edit)
{
    cni_description *d = e->out;
    if (!d->input_count) return cni_fail(e->error, CN_ERR_INVALID, "the network has no input");
    cni_described_layer *layer = d->layers + d->calls[d->inputs[0]].layer;
    const cni_described_argument *whole = cni_described_argument_of(layer, "batch_shape");
    const cni_value *shape = cni_described_image(e->arena, d, edit->rows, edit->columns, whole != NULL);
    if (!cni_described_is_input(layer) || !shape)
        return cni_fail(e->error, CN_ERR_INVALID, "%s: is not an image, rows x columns cannot be given",
                        CNI_DESCRIBED_LABEL(layer));
    CN_TRY(put_argument(e, layer, whole ? "batch_shape" : "shape", shape));
    return cni_described_configure(e->arena, d->dialect, layer, e->error);
}

/* ---- one edit, all edits ---- */

static cn_status apply_to(const editing *e, const cni_edit *edit, int layer)
{
    switch (edit->type) {
    case CNI_EDIT_ARGUMENT:
        return change_argument(e, e->out->layers + layer, edit);
    case CNI_EDIT_REPLACE:
        return replace(e, e->out->layers + layer, edit);
    case CNI_EDIT_BEFORE:
        CN_TRY(add_layer(e, edit, layer));
        return rewire(e, layer, e->out->layer_count - 1);
    default:
        return rewire(e, layer, -1);
    }
}

static cn_status apply(const editing *e, const cni_edit *edit)
{
    cni_description *out = e->out;
    const int count = out->layer_count;
    if (edit->type == CNI_EDIT_INPUT) return resize(e, edit);
    if (edit->layer < 0 || edit->layer >= count)
        return cni_fail(e->error, CN_ERR_INVALID, "edit: there is no layer %d", edit->layer);
    for (int i = 0; i < count; i++)
        if (cni_described_together(out->layers + i, out->layers + edit->layer)) CN_TRY(apply_to(e, edit, i));
    return CN_OK;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool cni_edit_is_repeated(const cni_description *d, const cni_edit *edits, int index)
{
    const cni_edit *edit = edits + index;
    if (edit->type == CNI_EDIT_INPUT || edit->layer < 0 || edit->layer >= d->layer_count) return false;
    for (int i = 0; i < index; i++) {
        const cni_edit *other = edits + i;
        if (other->type == edit->type && other->layer != edit->layer && other->layer >= 0 &&
            other->layer < d->layer_count && same_text(other->key, edit->key) && same_text(other->value, edit->value) &&
            cni_described_together(d->layers + other->layer, d->layers + edit->layer))
            return true;
    }
    return false;
}

cn_status cni_description_edit(cni_arena *arena, const cni_description *description, const cni_edit *edits, int count,
                               cni_description **out, cni_error *error)
{
    cni_description *d = cni_described_copy(arena, description, 1, 0, sizeof *d);
    const editing e = {arena, d, error};
    if (!d) return no_memory(&e);
    d->arena = arena;
    d->layers = CNI_DESCRIBED_COPY(arena, d->layers, d->layer_count, 0);
    d->inputs = CNI_DESCRIBED_COPY(arena, d->inputs, d->input_count, 0);
    d->outputs = CNI_DESCRIBED_COPY(arena, d->outputs, d->output_count, 0);
    if (!d->layers || !d->inputs || !d->outputs) return no_memory(&e);
    for (int i = 0; i < count; i++)
        if (!cni_edit_is_repeated(description, edits, i)) CN_TRY(apply(&e, edits + i));
    *out = d;
    return CN_OK;
}
