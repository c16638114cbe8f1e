/* SPDX-License-Identifier: Apache-2.0
 * Words that several views use: windows, pads, calls, places. */
#include "explain/explanation.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- appending to a buffer ---- */

static void add(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *buffer, size_t size, const char *format, ...)
{
    const size_t at = strlen(buffer);
    va_list args;
    va_start(args, format);
    if (at + 1 < size) vsnprintf(buffer + at, size - at, format, args);
    va_end(args);
}

/* ---- sizes ---- */

/* H, ceil(H/2), (H-4): with brackets where it is no single thing. */
static void add_symbol(char *buffer, size_t size, const char *symbol)
{
    const char *end = symbol ? strrchr(symbol, ')') : NULL;
    const bool sum = symbol && (strpbrk(end ? end : symbol, "+-*") || (*symbol >= '0' && *symbol <= '9'));
    add(buffer, size, sum ? "(%s)" : "%s", symbol ? symbol : "?");
}

char *cni_show_map(const cni_explained *node, const char *by, char *buffer, size_t size)
{
    const bool first = node->format == CN_CHANNELS_FIRST;
    if (!node->spatial || node->shape.rank != node->spatial + 2) return cni_show_sizes(&node->shape, by, buffer, size);
    *buffer = 0;
    for (int i = 0; i <= node->spatial; i++) {
        const int axis = first ? i - 1 : i;
        const bool channels = first ? !i : i == node->spatial;
        const int64_t n = channels ? node->channels : node->map[axis];
        if (i) add(buffer, size, "%s", by);
        if (n >= 0)
            add(buffer, size, "%" PRId64, n);
        else
            add_symbol(buffer, size, channels ? NULL : node->symbol[axis]);
    }
    return buffer;
}

/* ---- windows ---- */

static bool all_equal(const cni_view *view, size_t offset)
{
    for (int i = 1; i < view->spatial; i++)
        if (memcmp((const char *)&view->axis[i] + offset, (const char *)&view->axis[0] + offset, sizeof(int64_t)))
            return false;
    return true;
}

static void add_numbers(const cni_view *view, size_t offset, bool once, char *buffer, size_t size)
{
    const int count = once && all_equal(view, offset) ? 1 : view->spatial;
    for (int i = 0; i < count; i++) {
        int64_t number;
        memcpy(&number, (const char *)&view->axis[i] + offset, sizeof number);
        add(buffer, size, "%s%" PRId64, i ? "x" : "", number);
    }
}

#define NUMBERS(member, once) add_numbers(view, offsetof(cni_view_axis, member), once, buffer, size)

/* Resizing, CenterCrop: to a given size, whatever comes in. */
static bool is_to_size(const cni_view *view)
{
    return view->spatial && view->axis[0].stride == 0;
}

char *cni_show_window(const cni_explained *node, char *buffer, size_t size)
{
    const cni_view *view = &node->view;
    *buffer = 0;
    switch (is_to_size(view) ? CNI_VIEW_ADAPTIVE : view->type) {
    case CNI_VIEW_WINDOW:
    case CNI_VIEW_TRANSPOSED:
        NUMBERS(size, false);
        add(buffer, size, view->type == CNI_VIEW_WINDOW ? "/" : "^");
        NUMBERS(stride, true);
        bool dilated = false;
        for (int i = 0; i < view->spatial; i++) dilated |= view->axis[i].dilation > 1;
        if (dilated) add(buffer, size, "d");
        if (dilated) NUMBERS(dilation, true);
        break;
    case CNI_VIEW_NEAREST:
    case CNI_VIEW_BILINEAR:
        add(buffer, size, "^");
        NUMBERS(stride, true);
        break;
    case CNI_VIEW_ADAPTIVE:
        add(buffer, size, "to ");
        NUMBERS(size, false);
        break;
    default:
        add(buffer, size, "-");
    }
    return buffer;
}

/* 'same' without a known size: the pads of each remainder n mod s (explain-spec 1.2), when they are two. */
static void add_cases(const cni_view_axis *axis, char *buffer, size_t size)
{
    const int64_t extent = (axis->size - 1) * axis->dilation + 1, s = axis->stride;
    int64_t least = INT64_MAX, most = 0;
    for (int64_t q = 0; q < s && q < 3; q++) {
        const int64_t total = extent - (q ? q : s) > 0 ? extent - (q ? q : s) : 0;
        least = total < least ? total : least;
        most = total > most ? total : most;
    }
    if (least == most)
        add(buffer, size, "%" PRId64 ",%" PRId64, least / 2, least - least / 2);
    else if (s == 2)
        add(buffer, size, "%" PRId64 ",%" PRId64 "|%" PRId64 ",%" PRId64, least / 2, least - least / 2, most / 2,
            most - most / 2);
    else
        add(buffer, size, "varies");
}

char *cni_show_pads(const cni_explained *node, char *buffer, size_t size)
{
    const cni_view *view = &node->view;
    const bool shift = view->type == CNI_VIEW_SHIFT && !is_to_size(view);
    *buffer = 0;
    if (!shift && view->type != CNI_VIEW_WINDOW && view->type != CNI_VIEW_TRANSPOSED) return strcpy(buffer, "-");
    for (int i = 0; i < view->spatial; i++) {
        const int64_t before = shift ? view->axis[i].before : node->axis[i].before;
        const int64_t after = shift ? view->axis[i].after : node->axis[i].after;
        const char *join = i ? "/" : "";
        const bool known = before != CNI_UNSEEN && after != CNI_UNSEEN;
        add(buffer, size, "%s%s", join, view->type == CNI_VIEW_TRANSPOSED && !i ? "cut " : "");
        if (known)
            add(buffer, size, "%" PRId64 ",%" PRId64, before, after);
        else if (view->type == CNI_VIEW_WINDOW && (view->axis[i].rule == CNI_PAD_SAME))
            add_cases(&view->axis[i], buffer, size);
        else
            add(buffer, size, "?");
        if (!known && i == 0 && view->spatial == 2 && !memcmp(&view->axis[0], &view->axis[1], sizeof *view->axis))
            break; /* the cases of both */
    }
    return buffer;
}

/* ---- names ---- */

/* Keras calls an input without a name input_layer; what is one row of a table is an input. */
const char *cni_shown_name(const cn_explanation *e, const cni_explained *node)
{
    const bool unnamed = node->layer->kind && node->layer->kind->traits & CNI_IS_INPUT && !node->layer->named;
    return unnamed && e->description->text && e->flat->input_count == 1 ? "input" : node->name;
}

const cni_explained *cni_shown_find(const cn_explanation *e, const char *name)
{
    const cni_explained *node = cni_explained_find(e->analysis, name);
    for (int i = 0; !node && i < e->analysis->count; i++)
        if (strcmp(cni_shown_name(e, &e->analysis->nodes[i]), name) == 0) node = &e->analysis->nodes[i];
    return node;
}

/* ---- calls ---- */

/* The byte at a line and column of a text. */
static size_t offset_of(const char *text, size_t size, int line, int column)
{
    size_t at = 0;
    for (; line > 1 && at < size; line--) {
        while (at < size && text[at] != '\n' && text[at] != '\r') at++;
        at += at + 1 < size && text[at] == '\r' && text[at + 1] == '\n' ? 2 : 1;
    }
    for (; column > 1 && at < size; column--)
        for (at++; at < size && (text[at] & 0xc0) == 0x80;) at++;
    return at < size ? at : size;
}

/* A piece of code on one line: comments go, and what is blank between brackets and words becomes one blank. */
static char *one_line(cni_arena *arena, const char *from, const char *end)
{
    char *out = cni_arena_alloc(arena, (size_t)(end - from) + 1), *to = out, quote = 0;
    if (!out) return NULL;
    while (from < end) {
        if (quote) {
            if (*from == quote) quote = 0;
        } else if (*from == '"' || *from == '\'') {
            quote = *from;
        } else if (*from == '#') {
            while (from < end && *from != '\n') from++;
            continue;
        } else if (strchr(" \t\r\n\\", *from)) {
            while (from < end && strchr(" \t\r\n\\", *from)) from++;
            if (to > out && to[-1] != '(' && to[-1] != '[' && from < end && !strchr(")]", *from)) *to++ = ' ';
            continue;
        }
        *to++ = *from++;
    }
    *to = 0;
    return out;
}

/* A value on one line: (3, 3) becomes 3, an object its name. */
static const char *plain_value(const cni_value *value, char *buffer, size_t size)
{
    const char *name = cni_value_as_text(cni_value_get(value, "class_name"));
    if (name) {
        snprintf(buffer, size, "'%s'", name);
        return buffer;
    }
    bool same = value && value->type == CNI_LIST && value->count > 1 && value->count < 4;
    for (size_t i = 0; same && i < value->count; i++)
        same = value->items[i]->type == CNI_INT && value->items[i]->integer == value->items[0]->integer;
    return cni_value_show(same ? value->items[0] : value, buffer, size);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static bool of_interest(const char *key)
{
    static const char *const dull[] = {"name",         "trainable",    "dtype",      "autocast",
                                       "_initializer", "_regularizer", "_constraint"};
    for (size_t i = 0; i < sizeof dull / sizeof *dull; i++)
        if (ends_with(key, dull[i])) return false;
    return true;
}

static char *call_of_config(cni_arena *arena, const cni_described_layer *layer)
{
    const cni_value *config = cni_object_config(arena, layer->config);
    const cni_kind *kind = layer->config->kind;
    char call[400], shown[120], usual[120];
    snprintf(call, sizeof call, "%s(", layer->class_name ? layer->class_name : kind->name);
    const char *join = "";
    for (size_t i = 0; config && i < kind->field_count; i++) {
        const cni_field *field = &kind->fields[i];
        const cni_value *value = cni_value_get(config, field->key);
        cni_value *otherwise = NULL;
        if (!value || !of_interest(field->key)) continue;
        plain_value(value, shown, sizeof shown);
        const bool required = field->flags & CNI_REQUIRED;
        if (!required && field->otherwise) {
            cni_value_read(arena, field->otherwise, field->key, &otherwise, NULL);
            if (otherwise && strcmp(plain_value(otherwise, usual, sizeof usual), shown) == 0) continue;
            if (value->type == CNI_NULL) continue;
        }
        if (strcmp(field->key, "data_format") == 0 && strstr(shown, "last")) continue;
        if (strcmp(field->key, "strides") == 0 && strcmp(shown, "None") == 0) continue;
        if (required)
            add(call, sizeof call, "%s%s", join, shown);
        else
            add(call, sizeof call, "%s%s=%s", join, field->key, shown);
        join = ", ";
    }
    add(call, sizeof call, ")");
    return cni_arena_text(arena, call);
}

/* Whether a piece of code holds a name whose value the reader of it cannot see: filters, in Conv2D(filters, 3). */
static bool holds_name(const char *from, const char *end)
{
    static const char *const constants[] = {"True", "False", "None"};
    char quote = 0;
    for (const char *at = from; at < end; at++) {
        if (quote ? *at == quote : *at == '"' || *at == '\'') quote = quote ? 0 : *at;
        if (quote || !(isalpha((unsigned char)*at) || *at == '_' || *at == '*')) continue;
        if (at > from && (isalnum((unsigned char)at[-1]) || at[-1] == '.')) continue; /* 1e-3, a method */
        if (*at == '*' && at > from) continue;                                        /* 2 * 3, not **options */
        size_t length = 1;
        while (at + length < end && (isalnum((unsigned char)at[length]) || at[length] == '_')) length++;
        bool plain = at + length < end && strchr("'\"=(.", at[length]); /* f'..', key=, a call */
        for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
            plain |= length == strlen(constants[i]) && strncmp(at, constants[i], length) == 0;
        if (!plain) return true;
        at += length - 1;
    }
    return false;
}

/* Conv2D(filters, 3, strides=strides) with what the names stand for: Conv2D(64, 3, strides=2). */
static char *call_of_values(cni_arena *arena, const cni_description *d, const cni_described_layer *layer)
{
    char call[400], shown[120];
    const char *join = "";
    bool names = false;
    snprintf(call, sizeof call, "%s(", layer->class_name);
    for (int i = 0; i < layer->argument_count; i++) {
        const cni_described_argument *argument = &layer->arguments[i];
        const cni_span *span = &argument->span;
        const char *from = d->text + offset_of(d->text, d->text_size, span->line, span->column);
        const char *end = d->text + offset_of(d->text, d->text_size, span->end_line, span->end_column);
        const bool named = span->line && end > from && holds_name(from, end);
        const bool formatted = from < end && memchr(from, '{', (size_t)(end - from)); /* name=f"{name}_conv" */
        names |= named;
        if ((named || formatted) && strcmp(argument->key, "name") == 0) continue;
        char *written = span->line && end > from && !named ? one_line(arena, from, end) : NULL;
        if (written)
            add(call, sizeof call, "%s%s", join, written);
        else
            add(call, sizeof call, "%s%s%s%s", join, argument->positional ? "" : argument->key,
                argument->positional ? "" : "=", plain_value(argument->value, shown, sizeof shown));
        join = ", ";
    }
    add(call, sizeof call, ")");
    return names ? cni_arena_text(arena, call) : NULL;
}

char *cni_show_call(cni_arena *arena, const cni_description *description, const cni_described_layer *layer)
{
    if (description->text && layer->span.line) {
        const char *text = description->text;
        const size_t size = description->text_size;
        const size_t from = offset_of(text, size, layer->span.line, layer->span.column);
        const size_t to = offset_of(text, size, layer->span.end_line, layer->span.end_column);
        const char *start = text + from, *end = text + (to > from ? to : from);
        const size_t length = layer->class_name ? strlen(layer->class_name) : 0;
        /* keras.layers.Conv2D(32, 3) without what stands before the class. */
        for (const char *at = start; length && at + length <= end && *at != '('; at++)
            if (memcmp(at, layer->class_name, length) == 0 && (at == start || at[-1] == '.')) {
                start = at;
                break;
            }
        if (length && end > start + length && memcmp(start, layer->class_name, length) == 0) {
            char *values = call_of_values(arena, description, layer);
            if (values) return values;
        }
        if (end > start) return one_line(arena, start, end);
    }
    if (layer->config) return call_of_config(arena, layer);
    return cni_arena_printf(arena, "%s()", layer->class_name ? layer->class_name : "?");
}

/* ---- places, severities ---- */

char *cni_show_place(const cn_explanation *explanation, cni_span span, char *buffer, size_t size)
{
    *buffer = 0;
    if (span.line && !explanation->translated)
        snprintf(buffer, size, "%s:%d:%d", explanation->description->file, span.line, span.column);
    return buffer;
}

char *cni_show_site(const cn_explanation *explanation, const cni_described_layer *layer, cni_span span, char *buffer,
                    size_t size)
{
    if (!layer || !layer->site.line || !span.line) return cni_show_place(explanation, span, buffer, size);
    cni_show_place(explanation, layer->site, buffer, size);
    if (*buffer) add(buffer, size, " in %s() at line %d", layer->inside, span.line);
    return buffer;
}

char *cni_show_finding_place(const cn_explanation *explanation, const cni_finding *finding, char *buffer, size_t size)
{
    const cni_described_layer *layer =
        finding->node >= 0 ? explanation->findings->analysis->nodes[finding->node].layer : NULL;
    return cni_show_site(explanation, layer, finding->span, buffer, size);
}

const char *cni_severity_name(cni_severity severity)
{
    static const char *const names[] = {"note", "hint", "warning", "error"};
    return names[severity];
}

int cni_node_severity(const cn_explanation *explanation, const cni_explained *node)
{
    int worst = -1;
    const cni_findings *findings = explanation->findings;
    for (int i = 0; findings && i < findings->count; i++) {
        const cni_finding *finding = &findings->items[i];
        bool concerns = finding->node == node->id;
        for (int k = 0; finding->nodes && k < finding->node_count; k++) concerns |= finding->nodes[k] == node->id;
        if (concerns && (int)finding->severity > worst) worst = (int)finding->severity;
    }
    return worst;
}

const cni_explained *cni_last_map(const cn_explanation *explanation)
{
    const cni_analysis *analysis = explanation->analysis;
    return analysis->last_map >= 0 ? &analysis->nodes[analysis->last_map] : NULL;
}
