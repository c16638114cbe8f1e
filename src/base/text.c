/* SPDX-License-Identifier: Apache-2.0
 * Text: a string that grows, the nearest of some names, Keras' snake case.  Letters are ASCII's, whatever the locale.
 */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- growing ---- */

/* Room for `size` more bytes and the 0. */
static bool make_room(cni_text *text, size_t size)
{
    if (text->failed) return false;
    if (size < text->capacity - text->length) return true;
    text->failed = size > SIZE_MAX / 4 - text->length;
    if (text->failed) return false;
    size_t capacity = text->capacity ? text->capacity : 128;
    while (capacity - text->length <= size) capacity *= 2;
    char *data = realloc(text->data, capacity);
    text->failed = !data;
    if (!data) return false;
    text->data = data;
    text->capacity = capacity;
    return true;
}

void cni_text_bytes(cni_text *text, const void *bytes, size_t size)
{
    if (!make_room(text, size)) return;
    if (size) memcpy(text->data + text->length, bytes, size);
    text->length += size;
    text->data[text->length] = 0;
}

void cni_text_add(cni_text *text, const char *string)
{
    if (string) cni_text_bytes(text, string, strlen(string));
}

void cni_text_char(cni_text *text, char c)
{
    cni_text_bytes(text, &c, 1);
}

void cni_text_repeat(cni_text *text, char c, size_t count)
{
    if (!make_room(text, count)) return;
    memset(text->data + text->length, c, count);
    text->length += count;
    text->data[text->length] = 0;
}

void cni_text_printf(cni_text *text, const char *format, ...)
{
    if (!make_room(text, 0)) return;
    size_t room = text->capacity - text->length;
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(text->data + text->length, room, format, arguments);
    if (length < 0) {
        text->data[text->length] = 0;
        text->failed = true;
    } else if ((size_t)length < room) {
        text->length += (size_t)length;
    } else if (make_room(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    } else {
        text->data[text->length] = 0;
    }
    va_end(again);
    va_end(arguments);
}

const char *cni_text_get(const cni_text *text)
{
    return text->data ? text->data : "";
}

char *cni_text_take(cni_text *text)
{
    cni_text_bytes(text, "", 0); /* so that an empty text is a string too */
    char *data = text->data;
    if (text->failed) {
        free(data);
        data = NULL;
    }
    *text = (cni_text){0};
    return data;
}

void cni_text_free(cni_text *text)
{
    free(text->data);
    *text = (cni_text){0};
}

/* ---- letters ---- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static char lower(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

/* ---- nearest ---- */

enum { LONGEST = 63 }; /* of a word or name; nothing is near to a longer one */

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, or swap two neighbours; row by row of the usual table. */
static int edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    int rows[3][LONGEST + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++) row[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int *oldest = before;
        before = above, above = row, row = oldest;
        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[nb];
}

const char *cni_nearest(const char *word, const char *const *names, size_t count)
{
    size_t length = strlen(word);
    if (length == 0 || length > LONGEST) return NULL;
    const char *nearest = NULL;
    int best = length < 6 ? 2 : (int)length / 3 + 1; /* one more than is allowed */
    for (size_t i = 0; i < count; i++) {
        size_t other = names[i] ? strlen(names[i]) : 0;
        if (other == 0 || other > LONGEST) continue;
        int distance = edit_distance(word, length, names[i], other);
        if (distance >= best || distance >= (int)(length < other ? length : other)) continue;
        nearest = names[i];
        best = distance;
    }
    return nearest;
}

/* ---- snake case ---- */

/* Keras drops \W; the bytes of UTF-8 letters are kept. */
static bool is_word(char c)
{
    return is_lower(c) || is_upper(c) || (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

static const char *next_word_char(const char *at)
{
    while (*at && !is_word(*at)) at++;
    return at;
}

/* Keras' two regular expressions, (.)([A-Z][a-z]+) and ([a-z])([A-Z]), put "_" before a capital that is not the first
 * letter and either stands before a lower-case letter or behind one. */
size_t cni_snake_case(const char *camel, char *out, size_t size)
{
    size_t length = 0;
    char previous = 0;
    for (const char *at = next_word_char(camel); *at;) {
        char c = *at;
        at = next_word_char(at + 1);
        if (previous && is_upper(c) && (is_lower(*at) || is_lower(previous))) {
            if (length + 1 < size) out[length] = '_';
            length++;
        }
        if (length + 1 < size) out[length] = lower(c);
        length++;
        previous = c;
    }
    out[length < size ? length : size - 1] = 0;
    return length;
}
