/* SPDX-License-Identifier: Apache-2.0
 * The words of a source text, for edits. */
#include "model/description_words.h"

#include "base/utf8.h"

#include <string.h>

/* ---- cutting ---- */

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_name(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

/* Behind a text that begins at `at`; one that is not closed ends with its line. */
static size_t pass_quoted(const char *text, size_t size, size_t at)
{
    const char quote = text[at];
    const bool triple = at + 2 < size && text[at + 1] == quote && text[at + 2] == quote;
    for (at += triple ? 3 : 1; at < size; at++) {
        if (text[at] == '\\')
            at++;
        else if (text[at] == quote && !triple)
            return at + 1;
        else if (triple && at + 2 < size && text[at] == quote && text[at + 1] == quote && text[at + 2] == quote)
            return at + 3;
        else if (is_line_end(text[at]) && !triple)
            return at;
    }
    return size;
}

/* Quotes and blanks of web pages: 3 for a curly quote of either kind, which ends at the next of them; 0: none. */
static bool is_curly(const char *text, size_t size, size_t at)
{
    const unsigned char *c = (const unsigned char *)text + at;
    return at + 2 < size && c[0] == 0xE2 && c[1] == 0x80 && c[2] >= 0x98 && c[2] <= 0x9F;
}

static size_t pass_curly(const char *text, size_t size, size_t at)
{
    for (at += 3; at < size && !is_line_end(text[at]); at++)
        if (is_curly(text, size, at)) return at + 3;
    return at;
}

static size_t blank_size(const char *text, size_t size, size_t at)
{
    uint32_t code = 0;
    if ((unsigned char)text[at] < 0x80) return strchr(" \t\f\v\\", text[at]) || is_line_end(text[at]) ? 1 : 0;
    const size_t bytes = cni_utf8_read(text + at, size - at, &code);
    const bool blank =
        code == 0xA0 || (code >= 0x2000 && code <= 0x200B) || code == 0x202F || code == 0x3000 || code == 0xFEFF;
    return blank ? bytes : 0;
}

static size_t pass_comment(const char *text, size_t size, size_t at)
{
    while (at < size && !is_line_end(text[at])) at++;
    return at;
}

static cni_word word_at(const char *text, size_t size, size_t at)
{
    cni_word word = {.start = at, .end = at + 1, .type = text[at], .partner = -1};
    if (text[at] == '\'' || text[at] == '"') {
        word.type = 's';
        word.end = pass_quoted(text, size, at);
    } else if (is_curly(text, size, at)) {
        word.type = 's';
        word.end = pass_curly(text, size, at);
    } else if (is_name((unsigned char)text[at])) {
        word.type = 'n';
        while (word.end < size && is_name((unsigned char)text[word.end]) && !is_curly(text, size, word.end) &&
               !blank_size(text, size, word.end))
            word.end++;
    }
    return word;
}

static bool opens(char type)
{
    return type == '(' || type == '[' || type == '{';
}

static bool closes(char type)
{
    return type == ')' || type == ']' || type == '}';
}

/* `open` is the innermost bracket that waits; one that waits holds in `partner` the one round it. */
static void pair(cni_words *words, int index, int *open)
{
    cni_word *word = words->items + index;
    if (opens(word->type)) {
        word->partner = *open;
        *open = index;
    } else if (closes(word->type) && *open >= 0) {
        cni_word *other = words->items + *open;
        const int outer = other->partner;
        word->partner = *open;
        other->partner = index;
        *open = outer;
    }
}

static void cut(cni_words *words)
{
    const char *text = words->text;
    const size_t size = words->size;
    int open = -1;
    for (size_t at = 0; at < size;) {
        const size_t blank = blank_size(text, size, at);
        if (blank || text[at] == '#') {
            at = blank ? at + blank : pass_comment(text, size, at);
            continue;
        }
        words->items[words->count] = word_at(text, size, at);
        at = words->items[words->count].end;
        pair(words, words->count++, &open);
    }
    while (open >= 0) { /* never closed */
        const int outer = words->items[open].partner;
        words->items[open].partner = -1;
        open = outer;
    }
}

static void find_lines(cni_words *words)
{
    words->lines[words->line_count++] = words->size >= 3 && memcmp(words->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (size_t at = 0; at < words->size; at++) {
        if (!is_line_end(words->text[at])) continue;
        if (words->text[at] == '\r' && at + 1 < words->size && words->text[at + 1] == '\n') at++;
        words->lines[words->line_count++] = at + 1;
    }
}

cn_status cni_words_read(cni_arena *arena, const char *text, size_t size, cni_words *out, cni_error *error)
{
    *out = (cni_words){.text = text, .size = size};
    out->items = CNI_NEW_ARRAY(arena, cni_word, size + 1);
    out->lines = CNI_NEW_ARRAY(arena, size_t, size + 2);
    if (!out->items || !out->lines) return cni_no_memory(error, "an edit");
    cut(out);
    find_lines(out);
    return CN_OK;
}

/* ---- finding ---- */

static bool offset_of(const cni_words *words, int line, int column, size_t *out)
{
    if (line < 1 || line > words->line_count || column < 1) return false;
    size_t at = words->lines[line - 1];
    for (int i = 1; i < column; i++) {
        uint32_t code;
        const size_t bytes = at < words->size ? cni_utf8_read(words->text + at, words->size - at, &code) : 0;
        if (!bytes) return false;
        at += bytes;
    }
    *out = at;
    return true;
}

/* The first word that begins at an offset or behind it. */
static int word_from(const cni_words *words, size_t offset)
{
    int low = 0, high = words->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (words->items[middle].start < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool cni_words_of(const cni_words *words, cni_span span, cni_phrase *out)
{
    size_t start, end;
    if (!offset_of(words, span.line, span.column, &start) || !offset_of(words, span.end_line, span.end_column, &end))
        return false;
    out->first = word_from(words, start);
    out->last = word_from(words, end) - 1;
    return out->first <= out->last && words->items[out->first].start == start && words->items[out->last].end == end;
}

bool cni_word_is(const cni_words *words, int index, const char *text)
{
    if (index < 0 || index >= words->count) return false;
    const cni_word *word = words->items + index;
    return word->end - word->start == strlen(text) && memcmp(words->text + word->start, text, strlen(text)) == 0;
}

int cni_words_round(const cni_words *words, int index)
{
    for (index--; index >= 0; index--) {
        const cni_word *word = words->items + index;
        if (opens(word->type)) return index;
        if (closes(word->type)) index = word->partner;
    }
    return -1;
}

/* From `first` to the comma or bracket that ends the item. */
static bool item_from(const cni_words *words, int open, int first, cni_phrase *out)
{
    const int close = words->items[open].partner;
    int at = first;
    for (; at < close && words->items[at].type != ','; at++)
        if (opens(words->items[at].type)) {
            if (words->items[at].partner < 0) return false;
            at = words->items[at].partner;
        }
    *out = (cni_phrase){first, at - 1};
    return at > first;
}

bool cni_words_item(const cni_words *words, int open, cni_phrase *out)
{
    return item_from(words, open, open + 1, out);
}

bool cni_words_next_item(const cni_words *words, int open, cni_phrase *item)
{
    return cni_word_type(words, item->last + 1) == ',' && item_from(words, open, item->last + 2, item);
}

/* ---- lines ---- */

size_t cni_line_start(const cni_words *words, size_t offset)
{
    while (offset > 0 && !is_line_end(words->text[offset - 1])) offset--;
    return offset;
}

bool cni_is_first_on_line(const cni_words *words, size_t offset)
{
    size_t at = cni_line_start(words, offset);
    while (at < offset && (words->text[at] == ' ' || words->text[at] == '\t')) at++;
    return at == offset;
}

size_t cni_line_end(const cni_words *words, size_t offset)
{
    while (offset < words->size && !is_line_end(words->text[offset])) offset++;
    return offset;
}

bool cni_is_last_on_line(const cni_words *words, size_t offset)
{
    const size_t end = cni_line_end(words, offset);
    while (offset < end && (words->text[offset] == ' ' || words->text[offset] == '\t')) offset++;
    return offset == end;
}
