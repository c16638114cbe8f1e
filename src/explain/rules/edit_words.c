/* SPDX-License-Identifier: Apache-2.0
 * Edits as a user would write them: "MaxPooling2D(2, padding='same')". */
#include "explain/rules/edit_words.h"
#include "explain/rules/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The text of a span, in one line. */
static bool slice(const cni_description *d, const cni_span *span, char *out, size_t size)
{
    const char *at = d->text, *end = d->text ? d->text + d->text_size : NULL;
    size_t length = 0;
    if (!at || !span->line) return false;
    int line = 1, column = 1;
    for (; at < end; at++) {
        if (line > span->end_line || (line == span->end_line && column >= span->end_column)) break;
        const bool inside = line > span->line || (line == span->line && column >= span->column);
        const bool blank = *at == '\n' || *at == '\r' || *at == ' ' || *at == '\t';
        if (inside && !(blank && length && out[length - 1] == ' ')) {
            if (length + 2 > size) return false;
            out[length++] = blank ? ' ' : *at;
        }
        if (*at == '\n') {
            line++;
            column = 1;
        } else if ((at[1] & 0xc0) != 0x80) {
            column++;
        }
    }
    out[length] = 0;
    return length > 0;
}

typedef struct writing {
    const cni_description *d;
    const cni_described_layer *layer;
    const cni_edit *edits;
    int count;
    char *out;
    size_t size, length;
} writing;

static void put(writing *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(writing *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(w->out + w->length, w->size - w->length, format, args);
    va_end(args);
    if (length > 0) w->length += (size_t)length;
    if (w->length >= w->size) w->length = w->size - 1;
}

static const char *edited(const writing *w, const char *key)
{
    const char *value = NULL;
    for (int i = 0; i < w->count; i++)
        if (w->edits[i].type == CNI_EDIT_ARGUMENT && strcmp(w->edits[i].key, key) == 0) value = w->edits[i].value;
    return value;
}

static bool is_default(const writing *w, const char *key, const char *value)
{
    const cni_kind *kind = &w->layer->kind->kind;
    for (size_t i = 0; i < kind->field_count; i++)
        if (strcmp(kind->fields[i].key, key) == 0)
            return kind->fields[i].otherwise && strcmp(kind->fields[i].otherwise, value) == 0;
    return false;
}

/* The layer's making with the edits in it: "MaxPooling2D(2, padding='same')"; false where it would be long. */
static bool write_call(writing *w)
{
    const cni_described_layer *layer = w->layer;
    const char *link = "";
    bool named = false;
    if (!layer->class_name) return false;
    put(w, "%s%s(", w->d->dialect == CNI_TORCH ? "nn." : "", layer->class_name);
    for (int i = 0; i < layer->argument_count; i++) {
        const cni_described_argument *argument = layer->arguments + i;
        const char *value = edited(w, argument->key);
        char text[64];
        if (value && is_default(w, argument->key, value)) {
            named = true; /* what stood behind it by position would move up */
            continue;
        }
        named |= !argument->positional;
        if (named && argument->positional) return false;
        if (!value && !slice(w->d, &argument->span, text, sizeof text)) return false;
        put(w, "%s%s%s%s", link, value && !argument->positional ? argument->key : "",
            value && !argument->positional ? "=" : "", value ? value : text);
        link = ", ";
    }
    for (int i = 0; i < w->count; i++) {
        const cni_edit *edit = w->edits + i;
        bool known = edit->type != CNI_EDIT_ARGUMENT;
        for (int j = 0; j < layer->argument_count; j++) known |= strcmp(layer->arguments[j].key, edit->key) == 0;
        if (!known) put(w, "%s%s=%s", link, edit->key, edit->value);
        if (!known) link = ", ";
    }
    put(w, ")");
    return w->length < 64;
}

static const char *layer_name(const cni_findings *findings, int layer)
{
    const char *name = findings->analysis->description->layers[layer].name;
    return name ? name : "?";
}

/* One layer's making with all edits of its arguments; NULL where it cannot be written so. */
static const char *whole_call(cni_findings *findings, int layer, const cni_edit *edits, int count)
{
    const cni_description *d = findings->analysis->description;
    char text[200];
    cni_edit *mine = CNI_NEW_ARRAY(findings->arena, cni_edit, (size_t)count);
    writing w = {.d = d, .layer = d->layers + layer, .edits = mine, .out = text, .size = sizeof text};
    for (int i = 0; mine && i < count; i++) {
        if (edits[i].type == CNI_EDIT_INPUT || edits[i].type == CNI_EDIT_BEFORE || edits[i].layer != layer) continue;
        if (edits[i].type != CNI_EDIT_ARGUMENT) return NULL;
        mine[w.count++] = edits[i];
    }
    return w.layer->kind && write_call(&w) ? cni_arena_text(findings->arena, text) : NULL;
}

static bool is_number(const char *name)
{
    return *name && name[strspn(name, "0123456789.")] == 0;
}

static bool same_change(const cni_edit *a, const cni_edit *b)
{
    return a->type == b->type && a->type != CNI_EDIT_INPUT &&
           strcmp(a->value ? a->value : "", b->value ? b->value : "") == 0 &&
           strcmp(a->key ? a->key : "", b->key ? b->key : "") == 0;
}

/* Whether other layers get what this one gets: they are told together. */
static bool is_one_of_many(const cni_edit *edits, int count, int layer)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count && edits[i].layer == layer; j++)
            if (edits[j].layer != layer && same_change(edits + i, edits + j)) return true;
    return false;
}

/* Whether an edit is told as the layer's whole making: the finding's own layer, and layers without a name that speaks.
 */
static const char *call_of(cni_findings *findings, const cni_finding *finding, const cni_edit *edits, int count, int i)
{
    const int layer = edits[i].layer;
    const int own = finding->node >= 0 ? findings->analysis->nodes[finding->node].layer_index : -1;
    if (edits[i].type != CNI_EDIT_ARGUMENT || is_one_of_many(edits, count, layer)) return NULL;
    const bool alone = finding->node_count < 2 && layer == own;
    if (!alone && !is_number(layer_name(findings, layer))) return NULL;
    const char *call = whole_call(findings, layer, edits, count);
    return !call || alone ? call : cni_say(findings, "%s: %s", layer_name(findings, layer), call);
}

static int count_same(const writing *w, int index)
{
    int count = 0;
    for (int i = 0; i < w->count; i++) count += same_change(w->edits + i, w->edits + index);
    return count;
}

/* "conv2d, conv2d_3": the layers of edits that say the same, from `first` on. */
static void put_layers(writing *w, cni_findings *findings, int first)
{
    enum { MOST = 4, SHOWN = 3 };
    const int all = count_same(w, first), shown = all > MOST ? SHOWN : all;
    int count = 0;
    for (int i = first; i < w->count && count < shown; i++) {
        if (!same_change(w->edits + i, w->edits + first)) continue;
        const char *name = layer_name(findings, w->edits[i].layer);
        const char *class_name = w->d->layers[w->edits[i].layer].class_name;
        put(w, "%s%s", count ? ", " : "", name);
        if (is_number(name) && class_name) put(w, " (%s)", class_name);
        count++;
    }
    if (shown < all) put(w, " and %d more", all - shown);
}

/* Whether two arguments are changed in the same layers. */
static bool same_layers(const writing *w, int a, int b)
{
    if (w->edits[b].type != CNI_EDIT_ARGUMENT || count_same(w, a) != count_same(w, b)) return false;
    for (int i = 0; i < w->count; i++) {
        bool both = !same_change(w->edits + i, w->edits + a);
        for (int j = 0; j < w->count && !both; j++)
            both = same_change(w->edits + j, w->edits + b) && w->edits[j].layer == w->edits[i].layer;
        if (!both) return false;
    }
    return true;
}

/* "decoder.2, decoder.4 kernel_size=4, padding=1": what else changes in the same layers goes with it. */
static void put_arguments(writing *w, int first, bool *said)
{
    const char *link = " ";
    for (int i = first; i < w->count; i++) {
        if (said[i] || (i != first && !same_layers(w, first, i))) continue;
        put(w, "%s%s=%s", link, w->edits[i].key, w->edits[i].value);
        link = ", ";
        for (int j = i; j < w->count; j++) said[j] |= same_change(w->edits + i, w->edits + j);
    }
}

static void put_edit(writing *w, cni_findings *findings, int i, bool *said)
{
    const cni_edit *edit = w->edits + i;
    const char *nn = w->d->dialect == CNI_TORCH ? "nn." : "";
    if (edit->type == CNI_EDIT_INPUT) {
        put(w, "input %lldx%lld", (long long)edit->rows, (long long)edit->columns);
        return;
    }
    if (edit->type == CNI_EDIT_BEFORE) put(w, "%s%s before ", nn, edit->value);
    if (edit->type == CNI_EDIT_REPLACE) put(w, "%s%s instead of ", nn, edit->value);
    if (edit->type == CNI_EDIT_REMOVE) put(w, "without ");
    put_layers(w, findings, i);
    if (edit->type == CNI_EDIT_ARGUMENT) put_arguments(w, i, said);
    for (int j = i; j < w->count; j++) said[j] |= same_change(edit, w->edits + j);
}

const char *cni_say_edits(cni_findings *findings, const cni_finding *finding, const cni_edit *edits, int count)
{
    char text[400] = "";
    writing w = {
        .d = findings->analysis->description, .edits = edits, .count = count, .out = text, .size = sizeof text};
    bool *said = CNI_NEW_ARRAY(findings->arena, bool, (size_t)count + 1);
    for (int i = 0; said && i < count; i++) {
        const char *call = call_of(findings, finding, edits, count, i);
        if (said[i]) continue;
        if (w.length) put(&w, "; ");
        if (call)
            put(&w, "%s", call);
        else
            put_edit(&w, findings, i, said);
        for (int j = i; call && j < count; j++)
            said[j] |= edits[j].type == CNI_EDIT_ARGUMENT && edits[i].layer == edits[j].layer;
    }
    return said ? cni_arena_text(findings->arena, text) : NULL;
}
