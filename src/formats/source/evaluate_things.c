/* SPDX-License-Identifier: Apache-2.0
 * Things: making them, comparing them, and turning them into plain values. */
#include "formats/source/evaluate.h"

#include <inttypes.h>
#include <string.h>

bool cni_evaluate_work(cni_evaluator *e, int weight, cni_span span)
{
    enum { MOST = 16000000 }; /* bytes times a dozen: what a text of 1 MiB can need, and a computer has */
    if (e->stopped || e->exhausted) return false;
    if ((e->work += weight) < MOST) return true;
    e->stopped = true;
    cni_evaluate_remark(e, "I812", CNI_ERROR, span, "take out what is no network", "too much to compute");
    return false;
}

cni_thing *cni_thing_new(cni_evaluator *e, cni_thing_type type, cni_span span)
{
    enum { WEIGHT = 16 };
    if (!cni_evaluate_work(e, WEIGHT, span)) return e->broken;
    cni_thing *thing = CNI_NEW(e->arena, cni_thing);
    if (!thing) {
        e->exhausted = true;
        return e->broken;
    }
    thing->type = type;
    thing->span = span;
    return thing;
}

/* The broken thing is one for all: what is written into it would be seen everywhere. */
#define MAKE(type_, member, given)                                                                                     \
    cni_thing *thing = cni_thing_new(e, (type_), span);                                                                \
    if (thing != e->broken) thing->member = (given);                                                                   \
    return thing

cni_thing *cni_thing_bool(cni_evaluator *e, bool truth, cni_span span)
{
    MAKE(CNI_THING_BOOL, truth, truth);
}

cni_thing *cni_thing_int(cni_evaluator *e, int64_t integer, cni_span span)
{
    MAKE(CNI_THING_INT, integer, integer);
}

cni_thing *cni_thing_real(cni_evaluator *e, double real, cni_span span)
{
    MAKE(CNI_THING_REAL, real, real);
}

cni_thing *cni_thing_text(cni_evaluator *e, const char *text, cni_span span)
{
    if (!text) return e->exhausted = true, e->broken;
    MAKE(CNI_THING_TEXT, text, text);
}

cni_thing *cni_thing_path(cni_evaluator *e, const char *path, cni_span span)
{
    if (!path) return e->exhausted = true, e->broken;
    MAKE(CNI_THING_PATH, text, path);
}

/* Where a place of one line lies in the text; "" when it cannot be found. */
static const char *written(cni_evaluator *e, const cni_span *span, size_t *length)
{
    const char *at = e->text, *end = e->text + e->text_size;
    *length = 0;
    if (!at || span->line < 1 || span->end_line != span->line || e->text_size > 1 << 16) return "";
    for (int line = 1; line < span->line && at < end; at++)
        if (*at == '\n') line++;
    for (int column = 1; column < span->column && at < end; at++)
        if (((unsigned char)at[1] & 0xC0) != 0x80) column++;
    const int columns = span->end_column - span->column;
    if (columns < 0 || columns > 40 || columns > end - at) return "";
    *length = (size_t)columns;
    return at;
}

cni_thing *cni_thing_opaque(cni_evaluator *e, cni_span span)
{
    MAKE(CNI_THING_OPAQUE, text, NULL);
}

cni_thing *cni_thing_array(cni_evaluator *e, const cni_shape *shape, cni_span span)
{
    cni_thing *thing = cni_thing_opaque(e, span);
    cni_shape *kept = CNI_NEW(e->arena, cni_shape);
    if (!kept || thing == e->broken) return e->exhausted = true, e->broken;
    *kept = *shape;
    thing->shape = kept;
    return thing;
}

cni_thing *cni_thing_layer(cni_evaluator *e, int layer)
{
    const cni_span span = layer >= 0 ? e->layers[layer].described.span : (cni_span){0};
    if (layer < 0) return e->broken;
    MAKE(CNI_THING_LAYER, layer, layer);
}

cni_thing *cni_thing_tensor(cni_evaluator *e, int call, int output)
{
    const cni_span span = call >= 0 ? e->calls[call].described.span : (cni_span){0};
    if (call < 0) return e->broken;
    MAKE(CNI_THING_TENSOR, tensor, ((cni_tensor_reference){call, output}));
}

cni_thing *cni_thing_bound(cni_evaluator *e, cni_thing *of, const char *method, cni_thing *function, cni_span span)
{
    cni_thing *thing = cni_thing_new(e, CNI_THING_BOUND, span);
    if (thing == e->broken) return thing;
    thing->of = of;
    thing->text = method;
    thing->function = function;
    return thing;
}

/* Room for one more item (and key) in a list, tuple or dict. */
static bool grow(cni_evaluator *e, cni_thing *list)
{
    if (list->count < list->capacity) return true;
    const size_t capacity = list->capacity ? 2 * list->capacity : 4;
    cni_thing **items = CNI_NEW_ARRAY(e->arena, cni_thing *, capacity);
    cni_thing **keys = list->type == CNI_THING_DICT ? CNI_NEW_ARRAY(e->arena, cni_thing *, capacity) : NULL;
    if (!items || (list->type == CNI_THING_DICT && !keys)) return !(e->exhausted = true);
    if (list->count) memcpy(items, list->items, list->count * sizeof *items);
    if (list->count && keys) memcpy(keys, list->keys, list->count * sizeof *keys);
    list->items = items, list->keys = keys, list->capacity = capacity;
    return true;
}

void cni_thing_append(cni_evaluator *e, cni_thing *list, cni_thing *item)
{
    if (list == e->broken || !cni_evaluate_work(e, 1, list->span) || !grow(e, list)) return;
    list->items[list->count++] = item;
}

void cni_thing_put(cni_evaluator *e, cni_thing *dict, cni_thing *key, cni_thing *item)
{
    if (dict == e->broken) return;
    for (size_t i = 0; i < dict->count; i++)
        if (cni_thing_equal(e, dict->keys[i], key)) {
            dict->items[i] = item;
            return;
        }
    if (e->stopped || !grow(e, dict)) return;
    dict->keys[dict->count] = key;
    dict->items[dict->count++] = item;
}

cni_thing *cni_thing_of_value(cni_evaluator *e, const cni_value *value, cni_span span)
{
    cni_thing *list;
    switch (value->type) {
    case CNI_BOOL:
        return cni_thing_bool(e, value->truth, span);
    case CNI_INT:
        return cni_thing_int(e, value->integer, span);
    case CNI_REAL:
        return cni_thing_real(e, value->real, span);
    case CNI_TEXT:
        return cni_thing_text(e, value->text, span);
    case CNI_LIST:
        list = cni_thing_new(e, CNI_THING_TUPLE, span);
        for (size_t i = 0; i < value->count; i++)
            cni_thing_append(e, list, cni_thing_of_value(e, value->items[i], span));
        return list;
    case CNI_NULL:
        return e->none;
    default:
        return cni_thing_opaque(e, span);
    }
}

/* ---- asking ---- */

bool cni_thing_is_list(const cni_thing *thing)
{
    return thing->type == CNI_THING_LIST || thing->type == CNI_THING_TUPLE;
}

bool cni_thing_is_number(const cni_thing *thing)
{
    return thing->type == CNI_THING_INT || thing->type == CNI_THING_REAL || thing->type == CNI_THING_BOOL;
}

double cni_thing_number(const cni_thing *thing)
{
    return thing->type == CNI_THING_REAL  ? thing->real
           : thing->type == CNI_THING_INT ? (double)thing->integer
                                          : (double)thing->truth;
}

bool cni_thing_is_module(const cni_thing *thing)
{
    return thing->type == CNI_THING_LAYER || thing->type == CNI_THING_MODEL || thing->type == CNI_THING_INSTANCE;
}

/* Lists may hold themselves, and each other many times over: walks are bounded. */
typedef struct walk {
    int depth, items;
} walk;
enum { MAX_DEPTH = 32, MAX_WALK = 20000 };

static bool equal(const cni_thing *a, const cni_thing *b, walk *w);

static bool equal_lists(const cni_thing *a, const cni_thing *b, walk *w)
{
    bool same = a->count == b->count && w->depth < MAX_DEPTH;
    w->depth++;
    for (size_t i = 0; same && i < a->count; i++) same = w->items++ < MAX_WALK && equal(a->items[i], b->items[i], w);
    w->depth--;
    return same;
}

static bool equal(const cni_thing *a, const cni_thing *b, walk *w)
{
    if (a == b) return true;
    if (cni_thing_is_number(a) && cni_thing_is_number(b)) return cni_thing_number(a) == cni_thing_number(b);
    if (a->type != b->type) return false;
    switch (a->type) {
    case CNI_THING_NONE:
        return true;
    case CNI_THING_TEXT:
    case CNI_THING_PATH:
        return strcmp(a->text, b->text) == 0;
    case CNI_THING_TUPLE:
    case CNI_THING_LIST:
        return equal_lists(a, b, w);
    case CNI_THING_LAYER:
        return a->layer == b->layer;
    case CNI_THING_MODEL:
        return a->model == b->model;
    default:
        return false;
    }
}

bool cni_thing_equal(cni_evaluator *e, const cni_thing *a, const cni_thing *b)
{
    walk w = {0, 0};
    const bool same = equal(a, b, &w);
    return cni_evaluate_work(e, 1 + w.items / 4, a->span) && same;
}

static bool holds_tensor(const cni_thing *thing, walk *w)
{
    if (thing->type == CNI_THING_TENSOR) return true;
    if (!cni_thing_is_list(thing) && thing->type != CNI_THING_DICT) return false;
    bool found = false;
    w->depth++;
    for (size_t i = 0; !found && i < thing->count && w->depth < MAX_DEPTH && w->items++ < MAX_WALK; i++)
        found = holds_tensor(thing->items[i], w);
    w->depth--;
    return found;
}

bool cni_thing_holds_tensor(const cni_thing *thing)
{
    return holds_tensor(thing, &(walk){0, 0});
}

const char *cni_thing_describe(const cni_thing *thing)
{
    static const char *const names[] = {
        [CNI_THING_BROKEN] = "something that was not understood",
        [CNI_THING_NONE] = "None",
        [CNI_THING_BOOL] = "a truth value",
        [CNI_THING_INT] = "an integer",
        [CNI_THING_REAL] = "a float",
        [CNI_THING_TEXT] = "a text",
        [CNI_THING_TUPLE] = "a tuple",
        [CNI_THING_LIST] = "a list",
        [CNI_THING_DICT] = "a dict",
        [CNI_THING_SLICE] = "a slice",
        [CNI_THING_PATH] = "a name of a library",
        [CNI_THING_VALUE] = "an object of a library",
        [CNI_THING_OPAQUE] = "a value that is not known here",
        [CNI_THING_LAYER] = "a layer",
        [CNI_THING_TENSOR] = "a tensor",
        [CNI_THING_MODEL] = "a model",
        [CNI_THING_FUNCTION] = "a function",
        [CNI_THING_CLASS] = "a class",
        [CNI_THING_INSTANCE] = "an object",
        [CNI_THING_BOUND] = "a method",
        [CNI_THING_SUPER] = "a method",
    };
    return names[thing->type];
}

/* ---- as plain values ---- */

static cni_value *placed(cni_value *value, const cni_span *span)
{
    if (!value) return NULL;
    value->line = (uint32_t)span->line;
    value->column = (uint32_t)span->column;
    return value;
}

/* "?x_train" */
static cni_value *open_value(cni_evaluator *e, const cni_thing *thing)
{
    size_t length;
    const char *text = thing->text && thing->type != CNI_THING_TEXT ? thing->text : written(e, &thing->span, &length);
    if (text == thing->text) length = strlen(text);
    char *name = cni_arena_printf(e->arena, "?%.*s", (int)length, text);
    return name ? placed(cni_value_call(e->arena, name), &thing->span) : NULL;
}

/* A dict by labels, class_weight={0: 1.0, 1: 2.5}, has their numbers as texts, as in JSON. */
static const char *key_text(cni_evaluator *e, const cni_thing *key)
{
    if (key->type == CNI_THING_INT) return cni_arena_printf(e->arena, "%" PRId64, key->integer);
    return key->type == CNI_THING_TEXT ? key->text : NULL;
}

static cni_value *list_items(cni_evaluator *e, const cni_thing *thing, bool open, const cni_thing **culprit)
{
    const bool dict = thing->type == CNI_THING_DICT;
    cni_value *list = dict ? cni_value_dict(e->arena) : cni_value_list(e->arena);
    for (size_t i = 0; list && i < thing->count; i++) {
        const char *key = dict ? key_text(e, thing->keys[i]) : NULL;
        if (dict && !key) continue;
        cni_value *item = cni_thing_value(e, thing->items[i], open, culprit);
        if (!item || !cni_value_add(e->arena, list, key, item)) return NULL;
    }
    return list;
}

static cni_value *list_value(cni_evaluator *e, const cni_thing *thing, bool open, const cni_thing **culprit)
{
    enum { MAX_VALUES = 1000000 };
    if (e->walk_depth >= MAX_DEPTH || (e->walked += (int)thing->count) > MAX_VALUES) {
        if (culprit) *culprit = thing;
        return NULL;
    }
    e->walk_depth++;
    cni_value *value = list_items(e, thing, open, culprit);
    e->walk_depth--;
    return value;
}

/* A layer where a function is wanted, activation=LeakyReLU(0.1): a call with the layer's arguments. */
static cni_value *layer_value(cni_evaluator *e, const cni_thing *thing)
{
    cni_source_layer *layer = &e->layers[thing->layer];
    if (!layer->described.kind || layer->broken) return NULL;
    layer->used = true;
    cni_value *call = cni_value_call(e->arena, layer->described.kind->kind.name);
    for (int i = 0; call && i < layer->described.argument_count; i++) {
        const cni_described_argument *argument = &layer->described.arguments[i];
        cni_value *copy = CNI_NEW(e->arena, cni_value);
        if (!copy) return NULL;
        *copy = *argument->value;
        if (!cni_value_add(e->arena, call, argument->key, copy)) return NULL;
    }
    return call;
}

static cni_value *copied(cni_evaluator *e, const cni_thing *thing)
{
    cni_value *copy = CNI_NEW(e->arena, cni_value);
    if (copy) *copy = *thing->value;
    return copy;
}

/* tf.float32 is a text to Keras, keras.activations.relu the name of a function. */
static cni_value *path_value(cni_evaluator *e, const cni_thing *thing)
{
    return placed(cni_value_text(e->arena, cni_path_last(thing->text)), &thing->span);
}

static bool is_constant_path(const char *path)
{
    return cni_path_is_value(path) || cni_path_under(path, "keras") || cni_path_under(path, "tensorflow") ||
           cni_path_under(path, "torch");
}

cni_value *cni_thing_value(cni_evaluator *e, const cni_thing *thing, bool open, const cni_thing **culprit)
{
    cni_value *value = NULL;
    switch (thing->type) {
    case CNI_THING_NONE:
        return cni_value_null(e->arena);
    case CNI_THING_BOOL:
        return placed(cni_value_bool(e->arena, thing->truth), &thing->span);
    case CNI_THING_INT:
        return placed(cni_value_int(e->arena, thing->integer), &thing->span);
    case CNI_THING_REAL:
        return placed(cni_value_real(e->arena, thing->real), &thing->span);
    case CNI_THING_TEXT:
        return placed(cni_value_text(e->arena, thing->text), &thing->span);
    case CNI_THING_TUPLE:
    case CNI_THING_LIST:
    case CNI_THING_DICT:
        return placed(list_value(e, thing, open, culprit), &thing->span);
    case CNI_THING_VALUE:
        return copied(e, thing);
    case CNI_THING_PATH:
        if (is_constant_path(thing->text)) return path_value(e, thing);
        break;
    case CNI_THING_LAYER:
        value = layer_value(e, thing);
        break;
    default:
        break;
    }
    if (value) return value;
    if (open) return open_value(e, thing);
    if (culprit) *culprit = thing;
    return NULL;
}
