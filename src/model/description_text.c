/* SPDX-License-Identifier: Apache-2.0
 * Edits made in the source text, where the layers and their arguments stand.  What the text cannot say is refused with
 * the reason. */
#include "model/description_parts.h"
#include "model/description_words.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of the text that becomes another. */
typedef struct change {
    size_t start, end;
    const char *text;
    int order; /* in which it was made */
} change;

typedef struct editing {
    cni_arena *arena;
    const cni_description *d;
    cni_words words;
    change *changes;
    int count, capacity;
    cni_error *error;
} editing;

static cn_status no_memory(const editing *e)
{
    return cni_no_memory(e->error, "an edit");
}

/* ---- changes ---- */

static cn_status add_change(editing *e, size_t start, size_t end, const char *text)
{
    if (!text) return no_memory(e);
    if (e->count == e->capacity) {
        const int wanted = e->capacity ? 2 * e->capacity : 16;
        e->changes = CNI_DESCRIBED_COPY(e->arena, e->changes, e->count, wanted - e->count);
        if (!e->changes) return no_memory(e);
        e->capacity = wanted;
    }
    e->changes[e->count] = (change){start, end, text, e->count};
    e->count++;
    return CN_OK;
}

static bool has_change(const editing *e, size_t at)
{
    for (int i = 0; i < e->count; i++)
        if (e->changes[i].start == at && e->changes[i].end == at) return true;
    return false;
}

static int by_place(const void *a, const void *b)
{
    const change *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if ((x->end == x->start) != (y->end == y->start)) return x->end == x->start ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static char *write_changed(editing *e)
{
    cni_text out = {0};
    size_t at = 0;
    qsort(e->changes, (size_t)e->count, sizeof *e->changes, by_place);
    for (int i = 0; i < e->count; i++) {
        const change *c = e->changes + i;
        if (c->start < at) {
            cni_text_free(&out);
            cni_fail(e->error, CN_ERR_INVALID, "two of the changes are in one place of the text");
            return NULL;
        }
        cni_text_bytes(&out, e->words.text + at, c->start - at);
        cni_text_add(&out, c->text);
        at = c->end;
    }
    cni_text_bytes(&out, e->words.text + at, e->words.size - at);
    char *text = out.failed ? NULL : cni_arena_text(e->arena, cni_text_get(&out));
    cni_text_free(&out);
    if (!text) no_memory(e);
    return text;
}

/* ---- words ---- */

static size_t start_of(const editing *e, int word)
{
    return e->words.items[word].start;
}

static size_t end_of(const editing *e, int word)
{
    return e->words.items[word].end;
}

static char type_of(const editing *e, int word)
{
    return cni_word_type(&e->words, word);
}

static const char *source(const editing *e, size_t start, size_t end)
{
    return cni_arena_text_n(e->arena, e->words.text + start, end - start);
}

/* layers.Conv2D(32, 3): callee up to `open`, the bracket's words. */
typedef struct making {
    cni_phrase words;
    int open, close;
    const char *prefix;     /* "layers." or "" */
    const char *class_name; /* as it stands there */
    bool function;          /* F.relu(x), concatenate([a, b]): made and called in one */
} making;

static cn_status refuse(const editing *e, int layer, const char *reason)
{
    const cni_described_layer *l = e->d->layers + layer;
    return cni_fail(e->error, CN_ERR_UNSUPPORTED, "%s, line %d: %s", CNI_DESCRIBED_LABEL(l), l->span.line, reason);
}

static cn_status find_making(const editing *e, int layer, making *out)
{
    const cni_described_layer *l = e->d->layers + layer;
    *out = (making){.close = -1};
    if (!cni_words_of(&e->words, l->span, &out->words)) return refuse(e, layer, "it does not stand in the text itself");
    if (type_of(e, out->words.last) != ')') return refuse(e, layer, "it is not made by a call");
    out->close = out->words.last;
    out->open = e->words.items[out->close].partner;
    const int name = out->open - 1;
    if (out->open <= out->words.first || type_of(e, name) != 'n') return refuse(e, layer, "it is not made by a call");
    out->prefix = source(e, start_of(e, out->words.first), start_of(e, name));
    out->class_name = source(e, start_of(e, name), end_of(e, name));
    if (!out->prefix || !out->class_name) return no_memory(e);
    out->function = out->class_name[0] >= 'a' && out->class_name[0] <= 'z';
    return CN_OK;
}

/* ---- arguments ---- */

static cn_status append_argument(editing *e, const making *m, const cni_edit *edit)
{
    const int last = m->close - 1;
    const size_t at = end_of(e, last);
    const bool first = last == m->open && !has_change(e, at);
    const bool comma = type_of(e, last) == ',' && !has_change(e, at);
    return add_change(e, at, at,
                      cni_arena_printf(e->arena, "%s%s=%s",
                                       first   ? ""
                                       : comma ? " "
                                               : ", ",
                                       edit->key, edit->value));
}

static cn_status change_argument(editing *e, const cni_edit *edit)
{
    making m;
    cni_phrase words;
    const cni_described_argument *argument = cni_described_argument_of(e->d->layers + edit->layer, edit->key);
    CN_TRY(find_making(e, edit->layer, &m));
    if (!argument || !argument->span.line) return append_argument(e, &m, edit);
    if (!cni_words_of(&e->words, argument->span, &words) || words.first <= m.open || words.last >= m.close ||
        type_of(e, words.first) == '*')
        return refuse(e, edit->layer, "the argument comes from another place of the text");
    if (!argument->positional && type_of(e, words.first + 1) == '=') words.first += 2;
    if (words.first > words.last) return refuse(e, edit->layer, "the argument comes from another place of the text");
    return add_change(e, start_of(e, words.first), end_of(e, words.last), edit->value);
}

/* ---- what stands in for a layer, or before it ---- */

/* from keras.layers import */
static bool is_from(const editing *e, int word)
{
    if (!cni_word_is(&e->words, word, "import")) return false;
    for (word--; type_of(e, word) == '.' || (type_of(e, word) == 'n' && !cni_word_is(&e->words, word, "from"));
         word--) {}
    return cni_word_is(&e->words, word, "from");
}

/* An import that names the old class and not the new one gets it too:  from keras.layers import Conv2D, ZeroPadding2D
 */
static cn_status import(editing *e, const char *old, const char *new)
{
    const cni_words *w = &e->words;
    int found = -1;
    for (int i = 0; i < w->count; i++) {
        if (!is_from(e, i)) continue;
        int at = i + 1 + (type_of(e, i + 1) == '(');
        for (; type_of(e, at) == 'n'; at += 2) {
            const bool renamed = cni_word_is(w, at + 1, "as");
            if (cni_word_is(w, at, new) && !renamed) return CN_OK;
            if (cni_word_is(w, at, old) && !renamed) found = at;
            if (renamed) at += 2;
            if (type_of(e, at + 1) != ',') break;
        }
    }
    const char *text = cni_arena_printf(e->arena, ", %s", new);
    if (found < 0) return CN_OK;
    if (!text) return no_memory(e);
    const size_t behind = end_of(e, found);
    for (int i = 0; i < e->count; i++)
        if (e->changes[i].start == behind && strcmp(e->changes[i].text, text) == 0) return CN_OK;
    return add_change(e, behind, behind, text);
}

/* "ZeroPadding2D(1)" as it is called here: "layers.ZeroPadding2D(1)". */
static cn_status write_layer(editing *e, const making *m, const char *prefix, const char *value, const char **out)
{
    const size_t name = strcspn(value, "(");
    const bool bare = !value[name], prefixed = memchr(value, '.', name) != NULL;
    const char *class_name = cni_arena_text_n(e->arena, value, name);
    *out = cni_arena_printf(e->arena, "%s%s%s", prefixed ? "" : prefix, value, bare ? "()" : "");
    if (!class_name || !*out) return no_memory(e);
    return *prefix || prefixed ? CN_OK : import(e, m->class_name, class_name);
}

/* A name that the user gave stays. */
static cn_status with_name(editing *e, int layer, const char **text)
{
    cni_phrase words;
    const cni_described_argument *name = cni_described_argument_of(e->d->layers + layer, "name");
    if (!name || !e->d->layers[layer].named || !cni_words_of(&e->words, name->span, &words)) return CN_OK;
    const char *written = source(e, start_of(e, words.first), end_of(e, words.last));
    const size_t length = strlen(*text) - 1;
    const bool empty = (*text)[length - 1] == '(';
    if (!written) return no_memory(e);
    *text = cni_arena_printf(e->arena, "%.*s%s%s%s)", (int)length, *text, empty ? "" : ", ",
                             name->positional ? "name=" : "", written);
    return *text ? CN_OK : no_memory(e);
}

static cn_status replace(editing *e, const cni_edit *edit)
{
    making m;
    const char *text;
    CN_TRY(find_making(e, edit->layer, &m));
    if (m.function) return refuse(e, edit->layer, "it is a function, which no layer can stand for in this place");
    CN_TRY(write_layer(e, &m, m.prefix, edit->value, &text));
    CN_TRY(with_name(e, edit->layer, &text));
    return add_change(e, start_of(e, m.words.first), end_of(e, m.words.last), text);
}

/* ---- calls: layer(x) becomes layer(new(x)), or x ---- */

static cn_status wrap_call(editing *e, int layer, cni_phrase call, int open, const char *text)
{
    cni_phrase x;
    if (!cni_words_item(&e->words, open, &x) || type_of(e, x.first) == '*' || type_of(e, x.first + 1) == '=')
        return refuse(e, layer, "what it is called on cannot be told from the text");
    const size_t start = start_of(e, x.first), end = end_of(e, x.last);
    if (!text) {
        CN_TRY(add_change(e, start_of(e, call.first), start, ""));
        return add_change(e, end, end_of(e, call.last), "");
    }
    CN_TRY(add_change(e, start, start, cni_arena_printf(e->arena, "%s(", text)));
    return add_change(e, end, end, ")");
}

/* ---- statements: model.add(layer) ---- */

/* The dotted name before `model.add(`; false when something else is there. */
static bool find_receiver(const editing *e, int open, cni_phrase *out)
{
    if (type_of(e, open - 2) != '.' || type_of(e, open - 3) != 'n') return false;
    int first = open - 3;
    while (type_of(e, first - 1) == '.' && type_of(e, first - 2) == 'n') first -= 2;
    *out = (cni_phrase){first, open - 3};
    const char before = type_of(e, first - 1);
    return before != '.' && (before == ';' || before == ':' || cni_is_first_on_line(&e->words, start_of(e, first)));
}

static bool is_add(const editing *e, int open)
{
    return type_of(e, open) == '(' && type_of(e, open - 2) == '.' &&
           (cni_word_is(&e->words, open - 1, "add") || cni_word_is(&e->words, open - 1, "append"));
}

static cn_status change_statement(editing *e, int layer, int open, const char *text)
{
    const cni_words *w = &e->words;
    cni_phrase receiver;
    const int close = w->items[open].partner;
    if (!find_receiver(e, open, &receiver)) return refuse(e, layer, "it is added in an expression");
    const size_t start = start_of(e, receiver.first), line = cni_line_start(w, start);
    const bool alone = cni_is_first_on_line(w, start);
    if (!text) { /* a block must not become empty */
        size_t end = end_of(e, close);
        const bool whole = alone && start == line && cni_is_last_on_line(w, end);
        if (whole) end = cni_line_end(w, end);
        if (whole && end < w->size) end += w->text[end] == '\r' && w->text[end + 1] == '\n' ? 2 : 1;
        return add_change(e, start, end, whole ? "" : "pass");
    }
    const char *added = source(e, start, end_of(e, open)), *indent = source(e, line, start);
    const char *newline = memchr(w->text, '\r', w->size) ? "\r\n" : "\n";
    if (!added || !indent) return no_memory(e);
    return add_change(e, start, start,
                      alone ? cni_arena_printf(e->arena, "%s%s)%s%s", added, text, newline, indent)
                            : cni_arena_printf(e->arena, "%s%s); ", added, text));
}

/* ---- lists: [a, layer, b] ---- */

static cn_status change_list(editing *e, cni_phrase item, const char *text)
{
    const cni_words *w = &e->words;
    const size_t start = start_of(e, item.first);
    if (text) {
        const char *indent = source(e, cni_line_start(w, start), start);
        const char *newline = memchr(w->text, '\r', w->size) ? "\r\n" : "\n";
        if (!indent) return no_memory(e);
        return add_change(e, start, start,
                          cni_is_first_on_line(w, start) ? cni_arena_printf(e->arena, "%s,%s%s", text, newline, indent)
                                                         : cni_arena_printf(e->arena, "%s, ", text));
    }
    if (type_of(e, item.last + 1) == ',') {
        const bool more = type_of(e, item.last + 2) != ']' && type_of(e, item.last + 2) != ')';
        const bool lines = !more || cni_is_first_on_line(w, start_of(e, item.last + 2));
        if (lines && cni_is_first_on_line(w, start) && cni_is_last_on_line(w, end_of(e, item.last + 1))) {
            size_t end = cni_line_end(w, end_of(e, item.last + 1));
            if (end < w->size) end += w->text[end] == '\r' && w->text[end + 1] == '\n' ? 2 : 1;
            return add_change(e, cni_line_start(w, start), end, "");
        }
        return add_change(e, start, more ? start_of(e, item.last + 2) : end_of(e, item.last + 1), "");
    }
    if (type_of(e, item.first - 1) == ',') return add_change(e, start_of(e, item.first - 1), end_of(e, item.last), "");
    return add_change(e, start, end_of(e, item.last), "");
}

/* ---- before a layer, or without it ---- */

static bool same_span(const cni_span *a, const cni_span *b)
{
    return a->line == b->line && a->column == b->column && a->end_line == b->end_line && a->end_column == b->end_column;
}

/* A layer with a name of its own is called elsewhere.  Calls that stand in one place change once. */
static cn_status change_calls(editing *e, int layer, const char *text)
{
    const cni_description *d = e->d;
    const cni_described_layer *own = d->layers + layer;
    bool any = false;
    for (int i = 0; i < d->call_count; i++) {
        const cni_described_call *call = d->calls + i;
        cni_phrase words;
        if (!cni_described_together(d->layers + call->layer, own)) continue;
        bool before = false;
        for (int j = 0; j < i && !before; j++)
            before =
                cni_described_together(d->layers + d->calls[j].layer, own) && same_span(&d->calls[j].span, &call->span);
        if (before) continue;
        if (same_span(&call->span, &own->span) || !cni_words_of(&e->words, call->span, &words) ||
            type_of(e, words.last) != ')')
            return refuse(e, layer, "where it is called cannot be told from the text");
        const int open = e->words.items[words.last].partner;
        if (is_add(e, open))
            CN_TRY(change_statement(e, layer, open, text));
        else
            CN_TRY(wrap_call(e, layer, words, open, text));
        any = true;
    }
    return any ? CN_OK : refuse(e, layer, "where it is called cannot be told from the text");
}

/* PyTorch: a module may be several. */
static cn_status change_module(editing *e, const making *m, const char *text)
{
    const size_t start = start_of(e, m->words.first), end = end_of(e, m->words.last);
    if (!text) return add_change(e, start, end, cni_arena_printf(e->arena, "%sIdentity()", m->prefix));
    if (!*m->prefix) CN_TRY(import(e, m->class_name, "Sequential"));
    CN_TRY(add_change(e, start, start, cni_arena_printf(e->arena, "%sSequential(%s, ", m->prefix, text)));
    return add_change(e, end, end, ")");
}

static cn_status change_function(editing *e, int layer, const making *m, const char *text)
{
    static const char *const known[] = {"F", "torch", "nn", "keras", "tf", "layers"};
    bool good = m->words.first == m->open - 1;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) good |= cni_word_is(&e->words, m->words.first, known[i]);
    return good ? wrap_call(e, layer, m->words, m->open, text)
                : refuse(e, layer, "it is written as a method of what it is called on");
}

/* An item of a list or of the arguments of Sequential(...). */
static bool is_item(const editing *e, const making *m, int *round)
{
    const char before = type_of(e, m->words.first - 1), behind = type_of(e, m->words.last + 1);
    *round = cni_words_round(&e->words, m->words.first);
    if (*round < 0) return false;
    if (before != ',' && before != '[' && before != '(') return false;
    return behind == ',' || behind == ']' || behind == ')';
}

/* `value` NULL: without it. */
static cn_status change_flow(editing *e, int layer, const char *value)
{
    making m;
    const char *text = NULL;
    int round;
    CN_TRY(find_making(e, layer, &m));
    const bool torch = e->d->dialect == CNI_TORCH;
    if (value) CN_TRY(write_layer(e, &m, m.function && torch ? "nn." : m.prefix, value, &text));
    if (m.function) return change_function(e, layer, &m, text);
    if (type_of(e, m.close + 1) == '(' && e->words.items[m.close + 1].partner >= 0) {
        const int last = e->words.items[m.close + 1].partner;
        return wrap_call(e, layer, (cni_phrase){m.words.first, last}, m.close + 1, text);
    }
    if (is_item(e, &m, &round)) {
        if (is_add(e, round)) return change_statement(e, layer, round, text);
        if (type_of(e, round) == '[' || cni_word_is(&e->words, round - 1, "Sequential"))
            return change_list(e, m.words, text);
    }
    return torch ? change_module(e, &m, text) : change_calls(e, layer, text);
}

/* ---- the input's size ---- */

static bool is_simple(const editing *e, cni_phrase item)
{
    for (int i = item.first; i <= item.last; i++)
        if (strchr("()[]{}=s", type_of(e, i))) return false;
    return true;
}

/* The items of a bracket that may be a shape: three or four, with the batch; 0: it is none. */
static int shape_items(const editing *e, int open, cni_phrase items[4])
{
    if (e->words.items[open].partner < 0 || !cni_words_item(&e->words, open, items)) return 0;
    int count = 1;
    while (count < 4 && is_simple(e, items[count - 1])) {
        items[count] = items[count - 1];
        if (!cni_words_next_item(&e->words, open, items + count)) break;
        count++;
    }
    cni_phrase next = items[count - 1];
    const bool more = cni_words_next_item(&e->words, open, &next);
    return count >= 3 && !more && is_simple(e, items[count - 1]) ? count : 0;
}

static cn_status put_number(editing *e, cni_phrase item, int64_t number)
{
    return add_change(e, start_of(e, item.first), end_of(e, item.last), cni_arena_printf(e->arena, "%" PRId64, number));
}

static cn_status resize_within(editing *e, cni_phrase words, const cni_edit *edit, bool *done)
{
    cni_phrase items[4];
    const int rows = cni_described_format(e->d) == CN_CHANNELS_FIRST ? 2 : 3; /* from the end */
    *done = false;
    for (int i = words.first; i <= words.last; i++) {
        const char type = type_of(e, i);
        const int count = type == '(' || type == '[' ? shape_items(e, i, items) : 0;
        if (!count) continue;
        *done = true;
        CN_TRY(put_number(e, items[count - rows], edit->rows));
        return put_number(e, items[count - rows + 1], edit->columns);
    }
    return CN_OK;
}

/* shape=size: the literal stands where the name stood. */
static cn_status write_shape(editing *e, cni_phrase words, const cni_described_argument *argument, const cni_edit *edit)
{
    char shown[100];
    const bool batch = strncmp(argument->key, "batch", 5) == 0;
    const cni_value *shape = cni_described_image(e->arena, e->d, edit->rows, edit->columns, batch);
    if (!shape) return cni_fail(e->error, CN_ERR_UNSUPPORTED, "the input is not an image");
    if (!argument->positional && type_of(e, words.first + 1) == '=') words.first += 2;
    cni_value_show(shape, shown, sizeof shown);
    shown[0] = '(';
    shown[strlen(shown) - 1] = ')';
    return add_change(e, start_of(e, words.first), end_of(e, words.last), cni_arena_text(e->arena, shown));
}

/* # cornu: input 32x32x3 */
static cn_status resize_comment(editing *e, const cni_edit *edit)
{
    const cni_words *w = &e->words;
    int64_t sizes[4] = {0};
    int count = 0;
    const char *spec = e->d->comments.input, *at = NULL;
    for (const char *s = spec; *s && count < 4; s += *s != 0) {
        sizes[count++] = strtoll(s, NULL, 10);
        s += strcspn(s, "xX");
    }
    for (size_t i = 0; i + strlen(spec) <= w->size && !at; i++)
        if (memcmp(w->text + i, spec, strlen(spec)) == 0) {
            const char *line = source(e, cni_line_start(w, i), i);
            if (!line) return no_memory(e);
            if (strchr(line, '#') && strstr(line, "cornu:")) at = w->text + i;
        }
    if (!at || count != 3) return cni_fail(e->error, CN_ERR_UNSUPPORTED, "the text's comment gives no image");
    const bool first = cni_described_format(e->d) == CN_CHANNELS_FIRST;
    const char *text =
        first ? cni_arena_printf(e->arena, "%" PRId64 "x%" PRId64 "x%" PRId64, sizes[0], edit->rows, edit->columns)
              : cni_arena_printf(e->arena, "%" PRId64 "x%" PRId64 "x%" PRId64, edit->rows, edit->columns, sizes[2]);
    const size_t start = (size_t)(at - w->text);
    return add_change(e, start, start + strlen(spec), text);
}

static cn_status resize(editing *e, const cni_edit *edit)
{
    const cni_description *d = e->d;
    const cni_described_layer *layer = d->input_count ? d->layers + d->calls[d->inputs[0]].layer : NULL;
    bool done = false;
    cni_phrase words;
    for (int i = 0; layer && i < layer->argument_count; i++) {
        const cni_described_argument *argument = layer->arguments + i;
        if (!strstr(argument->key, "shape") || !cni_words_of(&e->words, argument->span, &words)) continue;
        CN_TRY(resize_within(e, words, edit, &done));
        return done ? CN_OK : write_shape(e, words, argument, edit);
    }
    if (layer && cni_words_of(&e->words, layer->span, &words)) CN_TRY(resize_within(e, words, edit, &done));
    if (done) return CN_OK;
    if (*d->comments.input) return resize_comment(e, edit);
    return cni_fail(e->error, CN_ERR_UNSUPPORTED, "the text does not tell the size of the input; give --input");
}

/* ---- the whole ---- */

static cn_status apply(editing *e, const cni_edit *edit)
{
    if (edit->type == CNI_EDIT_INPUT) return resize(e, edit);
    if (edit->layer < 0 || edit->layer >= e->d->layer_count)
        return cni_fail(e->error, CN_ERR_INVALID, "edit: there is no layer %d in the text", edit->layer);
    switch (edit->type) {
    case CNI_EDIT_ARGUMENT:
        return change_argument(e, edit);
    case CNI_EDIT_REPLACE:
        return replace(e, edit);
    case CNI_EDIT_BEFORE:
        return change_flow(e, edit->layer, edit->value);
    default:
        return change_flow(e, edit->layer, NULL);
    }
}

char *cni_description_edit_text(cni_arena *arena, const cni_description *description, const cni_edit *edits, int count,
                                cni_error *error)
{
    editing e = {.arena = arena, .d = description, .error = error};
    if (!description->text) {
        cni_fail(error, CN_ERR_UNSUPPORTED, "%s comes from a file, not from a text",
                 description->file ? description->file : "the model");
        return NULL;
    }
    if (cni_words_read(arena, description->text, description->text_size, &e.words, error)) return NULL;
    for (int i = 0; i < count; i++)
        if (!cni_edit_is_repeated(description, edits, i) && apply(&e, edits + i)) return NULL;
    return write_changed(&e);
}
