/* SPDX-License-Identifier: Apache-2.0
 * Tables for terminals (rich 15: cells.py, _wrap.py, table.py, box.HEAVY_HEAD). */
#include "base/table.h"

#include "base/utf8.h"

#include <string.h>

/* ---- columns ---- */

typedef struct range {
    uint32_t first, last;
} range;

static bool within(uint32_t code, const range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last) return true;
    return false;
}

static int columns_of_code(uint32_t code)
{
    static const range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
                                 {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                                 {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    static const range none[] = {{0x300, 0x36f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}};
    if (code < 0x300) return 1;
    if (within(code, none, sizeof none / sizeof *none)) return 0;
    return within(code, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}

/* The character at `text`, which does not end there: its bytes and its columns.  A malformed byte takes one column. */
static size_t next_character(const char *text, int *columns)
{
    uint32_t code = '?';
    size_t size = cni_utf8_read(text, strnlen(text, 4), &code);
    *columns = columns_of_code(size ? code : '?');
    return size ? size : 1;
}

static size_t columns_of(const char *text, size_t length)
{
    size_t sum = 0;
    int columns;
    for (size_t at = 0; at < length; sum += (size_t)columns) at += next_character(text + at, &columns);
    return sum;
}

size_t cni_columns_of(const char *text)
{
    return columns_of(text, strlen(text));
}

/* Bytes of the longest beginning of `length` bytes that fits into `width` columns. */
static size_t fitting(const char *text, size_t length, size_t width)
{
    size_t at = 0, sum = 0;
    while (at < length) {
        int columns;
        size_t size = next_character(text + at, &columns);
        if (sum + (size_t)columns > width) break;
        sum += (size_t)columns;
        at += size;
    }
    return at;
}

/* ---- wrapping ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A word is what comes before the next one: blanks, letters, blanks.  `*solid` leaves out the blanks at its end. */
static size_t word(const char *text, size_t *solid)
{
    size_t end = 0;
    while (is_blank(text[end])) end++;
    while (text[end] && !is_blank(text[end])) end++;
    *solid = end;
    while (is_blank(text[end])) end++;
    return end;
}

size_t cni_wrap(const char *text, int width, bool fold)
{
    size_t room = width > 1 ? (size_t)width : 1, solid, end = word(text, &solid);
    if (!end) return 0;
    if (columns_of(text, solid) > room && fold) {
        size_t part = fitting(text, solid, room);
        int columns;
        return part ? part : next_character(text, &columns);
    }
    size_t used = columns_of(text, end);
    for (;;) {
        size_t size = word(text + end, &solid);
        if (!size || used + columns_of(text + end, solid) > room) return end;
        used += columns_of(text + end, size);
        end += size;
    }
}

static size_t without_blanks(const char *text, size_t length)
{
    while (length && is_blank(text[length - 1])) length--;
    return length;
}

/* Control characters and what is not UTF-8 become '?', blanks become ' '. */
static void add_printable(cni_text *out, const char *text, size_t length)
{
    for (size_t at = 0, size; at < length; at += size) {
        uint32_t code;
        size = cni_utf8_read(text + at, length - at, &code);
        bool plain = size && code >= 0x20 && (code < 0x7f || code >= 0xa0);
        if (plain)
            cni_text_bytes(out, text + at, size);
        else
            cni_text_char(out, is_blank(text[at]) ? ' ' : '?');
        if (!size) size = 1;
    }
}

void cni_wrapped(cni_text *out, const char *text, int width)
{
    for (size_t size; (size = cni_wrap(text, width, true)); text += size) {
        add_printable(out, text, without_blanks(text, size));
        cni_text_char(out, '\n');
    }
}

void cni_paragraph(cni_text *out, const char *text, int first, int indent, int width)
{
    while (is_blank(*text)) text++;
    for (int before = first; *text; before = indent) {
        size_t length = cni_wrap(text, width - before, true);
        cni_text_repeat(out, ' ', (size_t)before);
        add_printable(out, text, without_blanks(text, length));
        cni_text_char(out, '\n');
        text += length;
    }
}

/* ---- tables ---- */

static void pad(cni_text *out, size_t count)
{
    cni_text_repeat(out, ' ', count);
}

/* One line of a cell: cut to the width with an ellipsis, aligned, with a blank on each side. */
static void add_line(cni_text *out, const cni_column *column, const char *line, size_t length)
{
    size_t width = (size_t)column->width;
    if (column->align != CNI_ALIGN_LEFT || columns_of(line, length) > width) length = without_blanks(line, length);
    bool cut = columns_of(line, length) > width;
    if (cut) length = fitting(line, length, width - 1);
    size_t rest = width - columns_of(line, length) - cut;
    size_t before = column->align == CNI_ALIGN_RIGHT ? rest : column->align == CNI_ALIGN_CENTER ? rest / 2 : 0;
    if (cut) before = 0;
    pad(out, 1 + before);
    add_printable(out, line, length);
    if (cut) pad(out, rest); /* half of a wide character */
    if (cut) cni_text_add(out, "…");
    pad(out, cut ? 1 : 1 + rest - before);
}

static size_t lines_of(const char *text, int width)
{
    size_t lines = 0;
    for (size_t size; (size = cni_wrap(text, width, false)); text += size) lines++;
    return lines ? lines : 1;
}

enum { MAX_COLUMNS = 8 };

/* A row of cells, which hang from its top or stand on its bottom. */
static void add_row(cni_text *out, const cni_column *columns, int count, const char *const *cells, const char *bar,
                    bool bottom)
{
    const char *rest[MAX_COLUMNS];
    size_t height = 1, lines[MAX_COLUMNS];
    if (count > MAX_COLUMNS) count = MAX_COLUMNS;
    for (int i = 0; i < count; i++) {
        rest[i] = cells[i];
        lines[i] = lines_of(cells[i], columns[i].width);
        if (lines[i] > height) height = lines[i];
    }
    for (size_t line = 0; line < height; line++) {
        for (int i = 0; i < count; i++) {
            bool blank = bottom && line < height - lines[i];
            size_t size = blank ? 0 : cni_wrap(rest[i], columns[i].width, false);
            cni_text_add(out, bar);
            add_line(out, columns + i, rest[i], size);
            rest[i] += size;
        }
        cni_text_add(out, bar);
        cni_text_char(out, '\n');
    }
}

/* left ─── cross ─── right; the four of a kind of rule. */
static void add_rule(cni_text *out, const cni_column *columns, int count, const char *const rule[4])
{
    for (int i = 0; i < count; i++) {
        cni_text_add(out, i ? rule[2] : rule[0]);
        for (int j = 0; j < columns[i].width + 2; j++) cni_text_add(out, rule[1]);
    }
    cni_text_add(out, rule[3]);
    cni_text_char(out, '\n');
}

void cni_table_begin(cni_text *out, const cni_column *columns, int count)
{
    const char *headers[MAX_COLUMNS];
    for (int i = 0; i < count && i < MAX_COLUMNS; i++) headers[i] = columns[i].header;
    add_rule(out, columns, count, (const char *const[]){"┏", "━", "┳", "┓"});
    add_row(out, columns, count, headers, "┃", true);
    add_rule(out, columns, count, (const char *const[]){"┡", "━", "╇", "┩"});
}

void cni_table_row(cni_text *out, const cni_column *columns, int count, const char *const *cells, bool first)
{
    if (!first) add_rule(out, columns, count, (const char *const[]){"├", "─", "┼", "┤"});
    add_row(out, columns, count, cells, "│", false);
}

void cni_table_end(cni_text *out, const cni_column *columns, int count)
{
    add_rule(out, columns, count, (const char *const[]){"└", "─", "┴", "┘"});
}
