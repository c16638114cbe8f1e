/* SPDX-License-Identifier: Apache-2.0
 * A comparison for programs (JSON, schema 1) and for reports (Markdown).
 *
 *     { "schema": 1, "compare": [{"source", "dialect", "input"}, ..], "verdict", "text", "outputs_agree",
 *       "pairs": [{"layers": [a, b], "verdict", "y": {"o": [a, b], "pad": [[before, after], ..], "used": [..],
 *                 "shift": [num, den], "so_far": [num, den]}, "x"}], "only": [[..], [..]], "differences": [..],
 *       "recipes": [[code that makes a equal], [b]] } */
#include "explain/compare/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const verdict_names[] = {"identical", "same window, different numbers", "same size, shifted",
                                            "different size"};

static void number(cni_text *out, int64_t n)
{
    if (n == CNI_UNSEEN || n < 0)
        cni_text_add(out, "null");
    else
        cni_text_printf(out, "%" PRId64, n);
}

static void strings(cni_text *out, const char *const *lines, int count)
{
    cni_text_char(out, '[');
    for (int i = 0; i < count; i++) {
        cni_text_add(out, i ? ", " : "");
        cni_json_string(out, lines[i]);
    }
    cni_text_char(out, ']');
}

static void json_side(const side *s, cni_text *out)
{
    const cni_analysis *analysis = s->analysis;
    cni_text_add(out, "{\"source\": ");
    cni_json_string(out, s->e->source);
    cni_text_printf(out, ", \"dialect\": \"%s\", \"input\": ", s->e->flat->dialect == CNI_TORCH ? "torch" : "keras");
    const cni_shape *shape = analysis->image >= 0 ? &analysis->nodes[analysis->image].shape : NULL;
    cni_text_add(out, shape ? "[" : "null");
    for (int i = 1; shape && i < shape->rank; i++) {
        cni_text_add(out, i > 1 ? ", " : "");
        number(out, shape->dims[i]);
    }
    cni_text_add(out, shape ? "]}" : "}");
}

static void json_pads(const padding *p, bool used, cni_text *out)
{
    if (p->known)
        cni_text_printf(out, "[%" PRId64 ", %" PRId64 "]", p->before, used ? p->used : p->after);
    else
        cni_text_add(out, "null");
}

/* In lowest terms. */
static void json_shift(const char *name, bool known, int64_t num, int64_t den, cni_text *out)
{
    int64_t a = num < 0 ? -num : num, b = den;
    while (known && b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    if (known && a) num /= a, den /= a;
    if (known)
        cni_text_printf(out, ", \"%s\": [%" PRId64 ", %" PRId64 "]", name, num, den);
    else
        cni_text_printf(out, ", \"%s\": null", name);
}

static void json_axis(const pair *p, int axis, cni_text *out)
{
    cni_text_add(out, "{\"o\": [");
    number(out, p->a->axis[axis].o);
    cni_text_add(out, ", ");
    number(out, p->b->axis[axis].o);
    for (int used = 0; used < 2; used++) {
        cni_text_add(out, used ? "], \"used\": [" : "], \"pad\": [");
        json_pads(&p->pa[axis], used, out);
        cni_text_add(out, ", ");
        json_pads(&p->pb[axis], used, out);
    }
    cni_text_char(out, ']');
    json_shift("shift", p->shifts, p->here_num[axis], p->here_den[axis], out);
    json_shift("so_far", p->shifts, p->far_num[axis], p->far_den[axis], out);
    cni_text_char(out, '}');
}

static void json_pair(const pair *p, cni_text *out)
{
    static const char *const axes[] = {"z", "y", "x"};
    const int count = p->a->view.spatial;
    cni_text_add(out, "{\"layers\": ");
    strings(out, (const char *const[]){p->a->name, p->b->name}, 2);
    cni_text_printf(out, ", \"verdict\": \"%s\"", verdict_names[p->verdict]);
    for (int i = 0; i < count; i++) {
        cni_text_printf(out, ", \"%s\": ", axes[count == 1 ? 1 : 3 - count + i]);
        json_axis(p, i, out);
    }
    cni_text_char(out, '}');
}

static void json_singles(const side *s, const int *nodes, int count, cni_text *out)
{
    cni_text_char(out, '[');
    for (int i = 0; i < count; i++) {
        cni_text_add(out, i ? ", " : "");
        cni_json_string(out, s->analysis->nodes[nodes[i]].name);
    }
    cni_text_char(out, ']');
}

static int recipes_for(const comparison *c, int which, char lines[MOST_RECIPES][4 * TEXT])
{
    return cni_compare_recipes(c, which ? &c->b : &c->a, !which, lines);
}

void cni_compare_json(const comparison *c, cni_text *out, const cni_differences *d, verdict worst, const char *sentence)
{
    char lines[MOST_RECIPES][4 * TEXT];
    const bool agree = worst == IDENTICAL && c->pair_count && !d->outputs && !c->single_a_count && !c->single_b_count;
    pair last = {0};
    cni_text_add(out, "{\"schema\": 1, \"compare\": [");
    json_side(&c->a, out);
    cni_text_add(out, ", ");
    json_side(&c->b, out);
    cni_text_printf(out, "], \"verdict\": \"%s\", \"text\": ", verdict_names[worst]);
    cni_json_string(out, sentence);
    cni_text_printf(out, ", \"outputs_agree\": %s,\n \"pairs\": [", agree ? "true" : "false");
    for (int i = 0; i < c->pair_count; i++) {
        const pair p = cni_compare_pair(c, i, i ? &last : NULL);
        cni_text_add(out, i ? ",\n  " : "\n  ");
        json_pair(&p, out);
        last = p;
    }
    cni_text_add(out, "],\n \"only\": [");
    json_singles(&c->a, c->single_a, c->single_a_count, out);
    cni_text_add(out, ", ");
    json_singles(&c->b, c->single_b, c->single_b_count, out);
    cni_text_add(out, "],\n \"differences\": ");
    strings(out, d->lines, d->count);
    cni_text_add(out, ",\n \"recipes\": [");
    for (int which = 0; which < 2; which++) {
        const char *code[MOST_RECIPES];
        const int count = recipes_for(c, which, lines);
        for (int i = 0; i < count; i++) code[i] = lines[i];
        cni_text_add(out, which ? ", " : "");
        strings(out, code, count);
    }
    cni_text_add(out, "]}\n");
}

/* ---- Markdown ---- */

static void pads_cell(const padding *p, int count, cni_text *out)
{
    for (int i = 0; i < count; i++) {
        if (i && !memcmp(&p[i], &p[0], sizeof *p)) continue;
        if (p[i].known)
            cni_text_printf(out, "%s%" PRId64 "/%" PRId64, i ? ", " : "", p[i].before, p[i].used);
        else
            cni_text_printf(out, "%s?", i ? ", " : "");
    }
}

static void sizes_cell(const cni_explained *node, cni_text *out)
{
    for (int i = 0; i < node->view.spatial; i++) {
        cni_text_add(out, i ? "x" : "");
        if (node->axis[i].o == CNI_UNSEEN)
            cni_text_char(out, '?');
        else
            cni_text_printf(out, "%" PRId64, node->axis[i].o);
    }
}

static void row(const pair *p, cni_text *out)
{
    char shift[CNI_FIGURE];
    const int count = p->a->view.spatial;
    cni_text_add(out, "| ");
    cni_markdown_plain(out, p->a->name);
    cni_text_add(out, " | ");
    cni_markdown_plain(out, p->b->name);
    cni_text_add(out, " | ");
    sizes_cell(p->a, out);
    cni_text_add(out, " | ");
    sizes_cell(p->b, out);
    cni_text_add(out, " | ");
    pads_cell(p->pa, count, out);
    cni_text_add(out, " | ");
    pads_cell(p->pb, count, out);
    cni_text_add(out, " | ");
    bool same = true;
    for (int i = 1; i < count; i++) same &= p->far_num[i] * p->far_den[0] == p->far_num[0] * p->far_den[i];
    for (int i = 0; p->shifts && i < (same ? 1 : count); i++)
        cni_text_printf(out, "%s%s", i ? ", " : "", cni_show_ratio(p->far_num[i], p->far_den[i], shift));
    cni_text_printf(out, "%s | %s |\n", p->shifts ? " px" : "", verdict_names[p->verdict]);
}

void cni_compare_markdown(const comparison *c, cni_text *out, const cni_differences *d, const char *sentence)
{
    char lines[MOST_RECIPES][4 * TEXT];
    const side *sides[] = {&c->a, &c->b};
    pair last = {0};
    cni_text_add(out, "## ");
    cni_markdown_plain(out, c->a.e->source);
    cni_text_add(out, " and ");
    cni_markdown_plain(out, c->b.e->source);
    cni_text_add(out, "\n\n| A | B | size A | size B | pads A | pads B | so far | verdict |\n"
                      "|---|---|---:|---:|---:|---:|---:|---|\n");
    for (int i = 0; i < c->pair_count; i++) {
        const pair p = cni_compare_pair(c, i, i ? &last : NULL);
        row(&p, out);
        last = p;
    }
    cni_text_add(out, "\nVerdict: ");
    cni_markdown_plain(out, sentence);
    cni_text_add(out, "\n\n");
    for (int i = 0; i < d->count; i++) {
        cni_text_add(out, "- ");
        cni_markdown_plain(out, d->lines[i]);
        cni_text_char(out, '\n');
    }
    for (int which = 0; which < 2; which++) {
        const int count = recipes_for(c, which, lines);
        if (!count) continue;
        cni_text_add(out, "\nTo make ");
        cni_markdown_plain(out, cni_compare_name(c, sides[which]));
        cni_text_add(out, " equal:\n\n");
        for (int i = 0; i < count; i++) cni_text_printf(out, "    %s\n", lines[i]);
    }
}
