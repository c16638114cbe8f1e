/* SPDX-License-Identifier: Apache-2.0
 * Whether a tree and the remarks about its text point into the text. */
#ifndef CORNU_TEST_SYNTAX_PLACES_H
#define CORNU_TEST_SYNTAX_PLACES_H

#include "base/utf8.h"
#include "formats/source/syntax.h"

#include <stdlib.h>
#include <string.h>

typedef struct places {
    int lines, *widths; /* of line 1, 2, ...: in characters */
} places;

/* Lines end with LF, CRLF or CR. */
static inline bool measure_lines(const char *text, size_t size, places *out)
{
    size_t at = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *out = (places){.lines = 1, .widths = calloc(size + 2, sizeof *out->widths)};
    if (!out->widths) return false;
    while (at < size) {
        size_t length = cni_utf8_read(text + at, size - at, NULL);
        if (text[at] == '\n' || text[at] == '\r') {
            length = text[at] == '\r' && at + 1 < size && text[at + 1] == '\n' ? 2 : 1;
            out->lines++;
        } else
            out->widths[out->lines]++;
        at += length ? length : 1;
    }
    return true;
}

static inline bool is_inside(const places *lines, const cni_span *span)
{
    return span->line >= 1 && span->column >= 1 && span->end_line <= lines->lines && span->end_line >= span->line &&
           span->column <= lines->widths[span->line] + 1 && span->end_column <= lines->widths[span->end_line] + 1 &&
           (span->end_line > span->line || span->end_column >= span->column);
}

static inline bool tree_inside(const places *lines, const cni_syntax *node)
{
    if (!node) return true;
    if (!is_inside(lines, &node->span) || node->height < 1) return false;
    for (size_t i = 0; i < node->count; i++) {
        if (!tree_inside(lines, node->items[i]) || (node->keys && !tree_inside(lines, node->keys[i]))) return false;
        if (node->items[i] && node->items[i]->height >= node->height) return false;
    }
    return true;
}

/** What is wrong with them, or NULL. */
static inline const char *misplaced(const char *text, size_t size, const cni_syntax *module, const cni_remarks *remarks)
{
    places lines;
    const char *wrong = NULL;
    if (!measure_lines(text, size, &lines)) return NULL;
    if (cni_utf8_valid(text, size) && !tree_inside(&lines, module)) wrong = "a node outside of the text";
    for (int i = 0; i < remarks->count; i++)
        if (!is_inside(&lines, &remarks->items[i].span)) wrong = "a remark outside of the text";
    free(lines.widths);
    return wrong;
}

#endif
