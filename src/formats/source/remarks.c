/* SPDX-License-Identifier: Apache-2.0
 * What a reader has to say about a text: keeping remarks in its order, and printing one below its line. */
#include "formats/source/source.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
    SHOWN = 160, /* columns, where nobody says how wide the page is */
    NARROWEST = 40,
    GUTTER = 8 /* "    4 | " */
};

/* ---- keeping ---- */

static bool is_before(const cni_span *a, const cni_span *b)
{
    if (!a->line || !b->line) return a->line && !b->line; /* what has no place comes last */
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

static bool same_remark(const cni_remark *remark, const char *id, const cni_span *span, const char *text)
{
    return strcmp(remark->id, id) == 0 && memcmp(&remark->span, span, sizeof *span) == 0 &&
           strcmp(remark->text, text) == 0;
}

void cni_remark_add(cni_remarks *remarks, const char *id, cni_severity severity, cni_span span, const char *hint,
                    const char *format, ...)
{
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (int i = 0; i < remarks->count; i++)
        if (same_remark(&remarks->items[i], id, &span, text)) return; /* a loop comes by again */

    /* Notes leave room for the errors that may follow. */
    const int errors = remarks->errors < CNI_MAX_ERRORS ? remarks->errors : CNI_MAX_ERRORS;
    bool full = remarks->count - errors >= CNI_MAX_REMARKS - CNI_MAX_ERRORS;
    if (severity == CNI_ERROR) full = remarks->errors++ >= CNI_MAX_ERRORS;
    if (full) return;

    cni_remark remark = {.severity = severity, .span = span, .hint = hint};
    snprintf(remark.id, sizeof remark.id, "%s", id);
    remark.text = remarks->arena ? cni_arena_text(remarks->arena, text) : NULL;
    if (!remark.text) remark.text = "(no memory for the message)";
    int at = remarks->count++;
    for (; at && is_before(&span, &remarks->items[at - 1].span); at--) remarks->items[at] = remarks->items[at - 1];
    remarks->items[at] = remark;
}

/* ---- printing ---- */

/* The line with this number, without its end; ends are LF, CRLF and CR. */
static const char *find_line(const char *text, size_t size, int line, size_t *length)
{
    size_t at = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (int number = 1; number < line; number++) {
        while (at < size && text[at] != '\n' && text[at] != '\r') at++;
        if (at == size) return NULL;
        at += text[at] == '\r' && at + 1 < size && text[at + 1] == '\n' ? 2 : 1;
    }
    size_t end = at;
    while (end < size && text[end] != '\n' && text[end] != '\r') end++;
    *length = end - at;
    return text + at;
}

/* Characters first..last of the line, from 0; tabs and control characters as spaces, so that columns stay. */
static void print_line(cni_text *out, const char *line, size_t length, int first, int last)
{
    int column = 0;
    for (size_t at = 0, size; at < length && column < last; at += size, column++) {
        if (!(size = cni_utf8_read(line + at, length - at, NULL))) size = 1;
        if (column < first) continue;
        const unsigned char c = (unsigned char)line[at];
        if (c < 0x20 || c == 0x7F || (size == 1 && c >= 0x80))
            cni_text_char(out, ' ');
        else
            cni_text_bytes(out, line + at, size);
    }
}

static int characters(const char *line, size_t length)
{
    int count = 0;
    for (size_t at = 0, size; at < length; at += size, count++)
        if (!(size = cni_utf8_read(line + at, length - at, NULL))) size = 1;
    return count;
}

/* Where the part of a line begins that fits into `room` characters and has the caret's word in it. */
static int window(int width, int column, int end, int room)
{
    if (width <= room) return 0;
    int first = column - (room - (end - column)) / 2; /* the word in the middle */
    if (end - column > room) first = column;
    if (first > width - room) first = width - room;
    return first > 0 ? first : 0;
}

static void print_place(cni_text *out, const char *line, size_t length, const cni_span *span, int page)
{
    const int width = characters(line, length), column = span->column - 1;
    const int room = width <= page - GUTTER ? page - GUTTER : page - GUTTER - 6; /* "..." on both sides */
    int end = span->end_line > span->line ? width : span->end_column - 1;
    const int first = window(width, column, end > column ? end : column + 1, room);
    const int last = width - first > room ? first + room : width;
    if (end > last) end = last;

    cni_text_printf(out, "%5d | %s", span->line, first ? "..." : "");
    print_line(out, line, length, first, last);
    cni_text_add(out, last < width ? "...\n      | " : "\n      | ");
    cni_text_repeat(out, ' ', (size_t)(column - first) + (first ? 3 : 0));
    cni_text_char(out, '^');
    if (end > column + 1) cni_text_repeat(out, '~', (size_t)(end - column - 1));
    cni_text_char(out, '\n');
}

/* The words of `text`, from `column` on; lines that would be wider than the page go on below, indented. */
static void print_words(cni_text *out, int page, int column, const char *text)
{
    bool fresh = true;
    while (*(text += strspn(text, " \n"))) {
        const size_t length = strcspn(text, " \n");
        const int width = characters(text, length);
        if (!fresh && column + 1 + width > page) {
            cni_text_add(out, "\n");
            cni_text_repeat(out, ' ', GUTTER);
            column = GUTTER;
            fresh = true;
        }
        if (!fresh) cni_text_char(out, ' ');
        cni_text_bytes(out, text, length);
        column += width + !fresh;
        fresh = false;
        text += length;
    }
    cni_text_char(out, '\n');
}

void cni_remark_print(cni_text *out, const cni_description *description, const cni_remark *remark, int width)
{
    static const char *const severities[] = {"note", "hint", "warning", "error"};
    const cni_span *span = &remark->span;
    const int page = width > NARROWEST ? width : width ? NARROWEST : SHOWN;
    cni_text head = {0};
    cni_text_add(&head, description->file ? description->file : "<text>");
    if (span->line) cni_text_printf(&head, ":%d:%d", span->line, span->column);
    cni_text_printf(&head, ": %s %s: %s", severities[remark->severity], remark->id, remark->text);
    print_words(out, page, 0, cni_text_get(&head));
    cni_text_free(&head);
    size_t length = 0;
    const char *line = description->text && span->line > 0
                           ? find_line(description->text, description->text_size, span->line, &length)
                           : NULL;
    if (line && span->column > 0) print_place(out, line, length, span, page);
    if (!remark->hint) return;
    cni_text_add(out, "      = ");
    print_words(out, page, GUTTER, remark->hint);
}

/* ---- detecting ---- */

bool cni_source_is_model_name(const char *file)
{
    static const char *const suffixes[] = {".keras", ".json", ".h5", ".hdf5", ".npz", ".npy", ".onnx", ".safetensors"};
    const size_t length = strlen(file);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const size_t tail = strlen(suffixes[i]);
        if (length >= tail && strcasecmp(file + length - tail, suffixes[i]) == 0) return true;
    }
    return false;
}

bool cni_source_is_code(const char *argument)
{
    struct stat info;
    const size_t length = strlen(argument);
    if (!strpbrk(argument, "(\n") || stat(argument, &info) == 0) return false;
    return !cni_source_is_model_name(argument) && !(length > 3 && strcmp(argument + length - 3, ".py") == 0);
}

bool cni_source_detect(const char *text, size_t size)
{
    if (!size || !cni_utf8_valid(text, size)) return false;
    size_t first = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (size_t i = first; i < size; i++) {
        const unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && !(c >= '\t' && c <= '\r')) || c == 0x7F) return false;
    }
    while (first < size && (text[first] == ' ' || (text[first] >= '\t' && text[first] <= '\r'))) first++;
    return first < size && text[first] != '{' && text[first] != '<'; /* JSON, XML */
}
