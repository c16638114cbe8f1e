/* SPDX-License-Identifier: Apache-2.0
 * What makes two networks equal: code for either of them, or another size of the image. */
#include "explain/compare/compare.h"

#include "base/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "x = F.pad(x, ..); " and "ZeroPadding2D(1) then ": where a line of code may be broken. */
static size_t step_of(const char *code)
{
    static const char *const joins[] = {"; ", " then "};
    size_t length = strlen(code);
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        const char *join = strstr(code, joins[i]);
        const size_t end = join ? (size_t)(join - code) + strlen(joins[i]) : length;
        if (end < length) length = end;
    }
    return length;
}

/* Code behind a label: on its line, or each step on a line of its own, a little to the left where it is long. */
static void print_steps(comparison *c, const char *label, int columns, const char *code)
{
    const int room = c->page->width - 2 - columns;
    const bool whole = (int)cni_columns_of(code) <= room;
    char step[4 * TEXT];
    bool fits = true;
    for (const char *at = code; *at; at += step_of(at)) fits &= (int)step_of(at) <= room;
    const int indent = whole || fits ? 2 + columns : 6;
    if (*label || indent > 6) {
        cni_text_add(c->page->out, "  ");
        cni_page_cell(c->page, CNI_GREEN, columns, label);
        if (indent == 6) cni_page_end(c->page);
    }
    for (const char *at = code; *at;) {
        const size_t length = whole ? strlen(at) : step_of(at);
        snprintf(step, sizeof step, "%.*s", (int)length, at);
        if (indent == 6) {
            cni_page_paragraph(c->page, indent, indent + 2, step);
        } else {
            if (at > code) cni_text_repeat(c->page->out, ' ', (size_t)indent);
            cni_page_text(c->page, CNI_PLAIN, step);
            cni_page_end(c->page);
        }
        at += length;
    }
}

void cni_compare_print_recipe(comparison *c, const side *to, int from_index)
{
    char lines[MOST_RECIPES][4 * TEXT], label[TEXT];
    const int count = cni_compare_recipes(c, to, from_index, lines);
    for (int i = 0; i < count; i++) {
        snprintf(label, sizeof label, "make %s equal:", cni_compare_name(c, to));
        const int columns = (int)strlen(label) > 19 ? (int)strlen(label) + 2 : 21;
        print_steps(c, i ? "" : label, columns, lines[i]);
    }
}

/* Both networks with another input; whether every pair reads the same pixels. */
static bool agree_at(const comparison *c, int64_t rows, int64_t columns)
{
    comparison other = *c;
    cni_arena arena = {0};
    cni_error ignored = {0};
    bool agree = true;
    side *sides[] = {&other.a, &other.b};
    for (int k = 0; k < 2 && agree; k++) {
        const cni_analysis *analysis = sides[k]->analysis;
        const cni_explained *image = &analysis->nodes[analysis->image];
        cni_explain_options options = analysis->options;
        cni_analysis *changed = NULL;
        const bool first = image->format == CN_CHANNELS_FIRST;
        memset(options.input[0], 0, sizeof options.input[0]);
        if (!options.input_count) options.input_count = 1;
        options.input[0][first ? 1 : 0] = rows;
        options.input[0][first ? 2 : 1] = columns;
        options.input[0][first ? 0 : 2] = image->channels;
        agree = cni_analyse(&arena, analysis->description, &options, &changed, &ignored) == CN_OK &&
                changed->count == analysis->count;
        sides[k]->analysis = changed;
    }
    pair last = {0};
    for (int i = 0; agree && i < c->pair_count; i++) {
        const pair p = cni_compare_pair(&other, i, i ? &last : NULL);
        agree = p.verdict == IDENTICAL && p.a->axis[0].o > 0;
        for (int k = 0; k < p.a->view.spatial; k++) agree &= p.pa[k].before == p.pb[k].before;
        last = p;
    }
    cni_arena_free(&arena);
    return agree;
}

void cni_compare_print_agreement(comparison *c, const pair *final)
{
    const cni_analysis *analysis = c->a.analysis;
    if (analysis->image < 0 || c->b.analysis->image < 0) return;
    const cni_explained *image = &analysis->nodes[analysis->image];
    /* Only the first input is changed, and it must be the image. */
    if (analysis->image != 0 || c->b.analysis->image != 0 || image->spatial != 2 || image->map[0] < 1 ||
        image->map[1] < 1)
        return;
    enum { MOST_TRIES = 80, MOST_NODES = 20000 };
    int64_t reach = MOST_TRIES;
    const cni_receptive_field *f = &final->a->field[0];
    if (f->affine && f->unit > 0 && f->jump / f->unit < reach) reach = f->jump / f->unit + 1;
    if ((int64_t)analysis->count * reach > MOST_NODES) reach = MOST_NODES / analysis->count;
    for (int64_t step = 1; step <= 2 * reach; step++) {
        const int64_t by = step % 2 ? (step + 1) / 2 : -step / 2;
        const int64_t rows = image->map[0] + by, columns = image->map[1] + by;
        if (rows < 1 || columns < 1 || !agree_at(c, rows, columns)) continue;
        cni_page_printf(c->page, "  both agree at %" PRId64 "x%" PRId64 ".\n", rows, columns);
        return;
    }
}
