/* SPDX-License-Identifier: Apache-2.0
 * Pages: text within a width, in colour or not, in ASCII or not. */
#include "explain/explanation.h"

#include "base/table.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- characters ---- */

static const struct {
    uint32_t code;
    const char *ascii;
} spellings[] = {
    {0xa0, " "},   {0xb1, "+-"},   {0xb2, "2"},   {0xb5, "u"},    {0xb7, "*"},    {0xd7, "x"},
    {0x2013, "-"}, {0x2014, "-"},  {0x2018, "'"}, {0x2019, "'"},  {0x201c, "\""}, {0x201d, "\""},
    {0x2026, "~"}, {0x2192, "->"}, {0x2248, "~"}, {0x2264, "<="}, {0x2265, ">="},
};

static const char *ascii_of(uint32_t code)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (spellings[i].code == code) return spellings[i].ascii;
    return "?";
}

/* One character of a text for people; returns its bytes. */
static size_t add_character(cni_page *page, const char *text)
{
    uint32_t code = '?';
    size_t size = cni_utf8_read(text, strnlen(text, 4), &code);
    if (!size || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
        cni_text_char(page->out, '?');
        return size ? size : 1;
    }
    if (page->ascii && code >= 0x7f)
        cni_text_add(page->out, ascii_of(code));
    else
        cni_text_bytes(page->out, text, size);
    return size;
}

static size_t columns_of(const cni_page *page, const char *text)
{
    size_t sum = 0;
    if (!page->ascii) return cni_columns_of(text);
    while (*text) {
        uint32_t code = '?';
        size_t size = cni_utf8_read(text, strnlen(text, 4), &code);
        sum += size > 1 ? strlen(ascii_of(code)) : 1;
        text += size ? size : 1;
    }
    return sum;
}

/* ---- text ---- */

static const char *const tints[] = {"", "\033[1m", "\033[2m", "\033[31m", "\033[33m", "\033[34m", "\033[32m"};

static void begin(cni_page *page, cni_tint tint)
{
    if (page->colour) cni_text_add(page->out, tints[tint]);
}

static void end(cni_page *page, cni_tint tint)
{
    if (page->colour && tint) cni_text_add(page->out, "\033[0m");
}

void cni_page_text(cni_page *page, cni_tint tint, const char *text)
{
    begin(page, tint);
    while (*text) text += add_character(page, text);
    end(page, tint);
}

/* As much of `text` as fits into `room` columns with a mark behind it. */
static void add_cut(cni_page *page, const char *text, size_t room)
{
    char one[5];
    for (size_t used = 0; *text;) {
        uint32_t code;
        size_t size = cni_utf8_read(text, strnlen(text, 4), &code);
        if (!size) size = 1;
        memcpy(one, text, size);
        one[size] = 0;
        used += columns_of(page, one);
        if (used + 1 > room) break;
        add_character(page, text);
        text += size;
    }
    cni_text_add(page->out, page->ascii ? "~" : "…");
}

void cni_page_cell(cni_page *page, cni_tint tint, int columns, const char *text)
{
    const size_t room = (size_t)(columns < 0 ? -columns : columns), used = columns_of(page, text);
    if (columns < 0 && used < room) cni_text_repeat(page->out, ' ', room - used);
    begin(page, tint);
    if (used <= room)
        cni_page_text(page, CNI_PLAIN, text);
    else
        add_cut(page, text, room);
    end(page, tint);
    if (columns > 0 && used < room) cni_text_repeat(page->out, ' ', room - used);
}

void cni_page_name(cni_page *page, cni_tint tint, int columns, const char *name)
{
    char text[256];
    const size_t length = strlen(name), room = (size_t)columns;
    bool simple = length > room && room > 4 && length < sizeof text - 8;
    for (const char *c = name; *c; c++) simple &= *c > 0x20 && *c < 0x7f;
    if (simple) {
        const size_t head = (room - 1) * 2 / 5, tail = room - 1 - head;
        snprintf(text, sizeof text, "%.*s%s%s", (int)head, name, page->ascii ? "~" : "…", name + length - tail);
    }
    cni_page_cell(page, tint, columns, simple ? text : name);
}

void cni_page_printf(cni_page *page, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *at = text, *line; *at; at = line) {
        line = strchr(at, '\n');
        if (line) *line++ = 0;
        cni_page_text(page, CNI_PLAIN, at);
        if (!line) break;
        cni_text_char(page->out, '\n');
    }
}

void cni_page_piece(cni_page *page, int *column, int indent, const char *format, ...)
{
    char text[1024];
    const char *piece = text;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int columns = (int)columns_of(page, piece);
    if (*column > indent && *column + columns > page->width) {
        cni_text_char(page->out, '\n');
        cni_text_repeat(page->out, ' ', (size_t)indent);
        *column = indent;
        piece += strspn(piece, " ");
        columns = (int)columns_of(page, piece);
    }
    if (*column + columns > page->width)
        cni_page_cell(page, CNI_PLAIN, page->width - *column, piece);
    else
        cni_page_text(page, CNI_PLAIN, piece);
    *column += columns;
}

void cni_page_end(cni_page *page)
{
    cni_text *out = page->out;
    while (out->length && out->data[out->length - 1] == ' ') out->data[--out->length] = 0;
    cni_text_char(out, '\n');
}

/* ---- paragraphs ---- */

void cni_page_paragraph(cni_page *page, int first, int indent, const char *text)
{
    char word[256];
    int column = first;
    bool fresh = true;
    cni_text_repeat(page->out, ' ', (size_t)first);
    while (*(text += strspn(text, " \n"))) {
        size_t length = strcspn(text, " \n");
        if (strncmp(text + length, " %", 2) == 0) length += 2 + strcspn(text + length + 2, " \n"); /* 13.8 % */
        if (length >= sizeof word) length = sizeof word - 1;
        memcpy(word, text, length);
        word[length] = 0;
        text += length;
        const int columns = (int)columns_of(page, word);
        if (!fresh && column + 1 + columns > page->width) {
            cni_text_char(page->out, '\n');
            cni_text_repeat(page->out, ' ', (size_t)indent);
            column = indent;
            fresh = true;
        }
        if (!fresh) cni_text_char(page->out, ' ');
        cni_page_cell(page, CNI_PLAIN, columns < page->width - column ? columns : page->width - column, word);
        column += columns + !fresh;
        fresh = false;
    }
    cni_text_char(page->out, '\n');
}

void cni_page_sides(cni_page *page, cni_tint tint, const char *left, const char *right, int columns)
{
    const int a = (int)columns_of(page, left), b = (int)columns_of(page, right);
    if (columns > page->width) columns = page->width;
    if (a + 2 + b > page->width) {
        cni_page_cell(page, tint, a < page->width ? a : page->width, left);
        cni_text_char(page->out, '\n');
        if (b) cni_page_paragraph(page, 2, 2, right);
        return;
    }
    cni_page_text(page, tint, left);
    if (b) cni_text_repeat(page->out, ' ', (size_t)(a + 2 + b > columns ? 2 : columns - a - b));
    cni_page_text(page, CNI_PLAIN, right);
    cni_text_char(page->out, '\n');
}
