/* SPDX-License-Identifier: Apache-2.0
 * The table: a row for each pair, and how many are equal. */
#include "explain/compare/compare.h"

#include "base/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "1/1>1/0": the pads, and what of them is reached; both axes where they differ. */
static void show_padding(const padding *p, int count, char *text)
{
    *text = 0;
    for (int i = 0; i < count; i++) {
        const size_t at = strlen(text);
        if (i && !memcmp(&p[i], &p[0], sizeof *p)) continue;
        if (!p[i].known)
            snprintf(text + at, TEXT - at, "%s?", i ? " " : "");
        else if (p[i].used != p[i].after)
            snprintf(text + at, TEXT - at, "%s%" PRId64 "/%" PRId64 ">%" PRId64 "/%" PRId64, i ? " " : "", p[i].before,
                     p[i].after, p[i].before, p[i].used);
        else
            snprintf(text + at, TEXT - at, "%s%" PRId64 "/%" PRId64, i ? " " : "", p[i].before, p[i].after);
    }
}

/* "reads -1,0,1": what window 0 reads on the first axis, pads of layers before it counted in. */
static void show_reads(const cni_explained *node, const padding *p, char *text)
{
    const cni_axis *a = &node->axis[0];
    *text = 0;
    if (!p->known || node->view.type != CNI_VIEW_WINDOW) return;
    strcpy(text, "reads ");
    for (int64_t t = 0; t < a->k && a->k < 4; t++)
        snprintf(text + strlen(text), TEXT - strlen(text), "%s%" PRId64, t ? "," : "", t * a->d - p->before);
    if (a->k > 3)
        snprintf(text + strlen(text), TEXT - strlen(text), "%" PRId64 "..%" PRId64, -p->before,
                 (a->k - 1) * a->d - p->before);
}

void cni_compare_shift(const int64_t *num, const int64_t *den, int count, char *text)
{
    *text = 0;
    bool same = true;
    char first[CNI_FIGURE] = "", one[CNI_FIGURE];
    for (int i = 0; i < count; i++) {
        cni_show_ratio(num[i], den[i], one);
        if (!i) strcpy(first, one);
        same &= !strcmp(first, one);
    }
    for (int i = 0; i < (same ? 1 : count); i++) {
        cni_show_ratio(num[i], den[i], one);
        snprintf(text + strlen(text), TEXT - strlen(text), "%s%s%s", i ? "," : "", num[i] > 0 ? "+" : "", one);
    }
    snprintf(text + strlen(text), TEXT - strlen(text), " px");
}

/* "Keras same", "PyTorch padding=1": what the windows of a side have in common. */
static void show_habit(const comparison *c, int which, char *text)
{
    const side *s = which ? &c->b : &c->a;
    const bool torch = s->e->flat->dialect == CNI_TORCH;
    int same = 0, valid = 0;
    int64_t pad = -1;
    bool equal = true, layers = false;
    for (int i = 0; i < c->pair_count; i++) {
        const cni_explained *node = &s->analysis->nodes[c->pairs[i][which]];
        const cni_view_axis *v = &node->view.axis[0];
        const padding p = cni_compare_padding(s->analysis, node, 0);
        layers |= p.layers;
        same += v->rule == CNI_PAD_SAME;
        valid += v->rule == CNI_PAD_GIVEN && !v->before && !v->after;
        if (v->rule == CNI_PAD_GIVEN) {
            equal &= pad < 0 || pad == v->before;
            pad = v->before;
        }
    }
    const int n = c->pair_count;
    snprintf(text, 60, "%s", cni_compare_name(c, s));
    if (n && same == n)
        strcat(text, torch ? " padding='same'" : " same");
    else if (n && valid == n)
        strcat(text, layers ? " explicit" : torch ? " padding=0" : " valid");
    else if (n && equal && !same)
        snprintf(text + strlen(text), 40, torch ? " padding=%" PRId64 : " pad %" PRId64, pad);
}

typedef struct widths {
    int layer, a, a_pads, b, b_pads;
} widths;

static widths measure(const comparison *c)
{
    widths w = {9, 18, 5, 20, 7};
    char text[TEXT];
    pair last = {0};
    for (int i = 0; i < c->pair_count; i++) {
        const pair p = cni_compare_pair(c, i, i ? &last : NULL);
        show_padding(p.pa, p.a->view.spatial, text);
        if ((int)strlen(text) > w.a_pads) w.a_pads = (int)strlen(text);
        show_padding(p.pb, p.b->view.spatial, text);
        if ((int)strlen(text) > w.b_pads) w.b_pads = (int)strlen(text);
        const int name = (int)cni_columns_of(p.a->name);
        if (name > w.layer) w.layer = name;
        last = p;
    }
    const int wider = w.a_pads - 5 + w.b_pads - 7;
    const int room = c->page->width - 74 - wider;
    if (w.layer > 9 + (room > 0 ? room : 0)) w.layer = 9 + (room > 0 ? room : 0);
    w.a += w.a_pads - 5;
    w.b += w.b_pads - 7;
    int over = 27 + w.layer + w.a + w.b - c->page->width; /* blanks, and the shifts */
    for (; over > 0 && w.b > 10; over--) w.b--;
    for (; over > 0 && w.a > 10; over--) w.a--;
    for (; over > 0 && w.layer > 6; over--) w.layer--;
    return w;
}

static void print_side(comparison *c, const char *pads, const char *reads, bool again, int columns, int pad_columns)
{
    char cell[2 * TEXT + 4];
    if (again || !*reads || pad_columns + 1 + (int)strlen(reads) > columns)
        snprintf(cell, sizeof cell, "%s", pads);
    else
        snprintf(cell, sizeof cell, "%-*s %s", pad_columns, pads, reads);
    cni_page_cell(c->page, CNI_PLAIN, columns, cell);
}

static void print_head(comparison *c)
{
    char left[400], right[200] = "", sizes[TEXT];
    snprintf(left, sizeof left, "cornu explain --compare %s %s", c->a.e->source, c->b.e->source);
    const cni_analysis *analysis = c->a.analysis;
    const int image = analysis->image >= 0 ? analysis->image : 0;
    if (analysis->count)
        snprintf(right, sizeof right, "input %s", cni_show_sizes(&analysis->nodes[image].shape, "x", sizes, TEXT));
    cni_page_sides(c->page, CNI_BOLD, left, right, 77);
}

static void print_columns(comparison *c, const widths *w)
{
    char habit[TEXT];
    cni_text_add(c->page->out, "  ");
    cni_page_cell(c->page, CNI_BOLD, w->layer + 2, "layer");
    show_habit(c, 0, habit);
    cni_page_cell(c->page, CNI_BOLD, w->a + 2, habit);
    show_habit(c, 1, habit);
    cni_page_cell(c->page, CNI_BOLD, w->b, habit);
    cni_page_cell(c->page, CNI_BOLD, -12, "this layer");
    cni_page_cell(c->page, CNI_BOLD, -9, "so far");
    cni_text_char(c->page->out, '\n');
}

/* One row; what the windows read is told where it is not what the row above says. */
static void print_pair(comparison *c, const widths *w, const pair *p, char said[2][TEXT])
{
    char pads[TEXT], reads[TEXT], here[TEXT] = "", far_[TEXT] = "";
    const int count = p->a->view.spatial;
    cni_text_add(c->page->out, "  ");
    cni_page_name(c->page, CNI_PLAIN, w->layer, p->a->name);
    cni_text_add(c->page->out, "  ");
    show_padding(p->pa, count, pads);
    show_reads(p->a, p->pa, reads);
    print_side(c, pads, reads, !strcmp(reads, said[0]), w->a, w->a_pads);
    strcpy(said[0], reads);
    cni_text_add(c->page->out, "  ");
    show_padding(p->pb, count, pads);
    show_reads(p->b, p->pb, reads);
    print_side(c, pads, reads, !strcmp(reads, said[1]), w->b, w->b_pads);
    strcpy(said[1], reads);
    if (p->verdict == OTHER_SIZE && p->a->axis[0].o != p->b->axis[0].o)
        snprintf(here, sizeof here, "%" PRId64 " / %" PRId64, p->a->axis[0].o, p->b->axis[0].o);
    else if (p->shifts)
        cni_compare_shift(p->here_num, p->here_den, count, here);
    if (p->shifts) cni_compare_shift(p->far_num, p->far_den, count, far_);
    if (*here || *far_) cni_page_cell(c->page, CNI_PLAIN, -11, here);
    if (*far_)
        cni_page_cell(c->page, p->verdict == OTHER_SIZE ? CNI_RED : p->verdict ? CNI_YELLOW : CNI_PLAIN, -10, far_);
    cni_page_end(c->page);
}

static bool tells(const pair *p)
{
    bool moved = false;
    for (int i = 0; p->shifts && i < p->a->view.spatial; i++) moved |= p->here_num[i] != 0;
    return p->verdict == OTHER_SIZE || p->verdict == OTHER_NUMBERS || moved || !p->same_pads;
}

void cni_compare_print_pairs(comparison *c, bool full)
{
    char said[2][TEXT] = {"", ""};
    const widths w = measure(c);
    pair last = {0};
    int equal = 0;
    print_head(c);
    for (int i = 0; i < c->pair_count; i++) {
        const pair p = cni_compare_pair(c, i, i ? &last : NULL);
        if (full || tells(&p)) {
            if (i == equal) print_columns(c, &w); /* the first row */
            print_pair(c, &w, &p, said);
        } else
            equal++;
        last = p;
    }
    if (equal)
        cni_page_printf(c->page, "  %d %s%s\n", equal, equal < c->pair_count ? "more " : "",
                        equal == 1 ? "pair of windows is equal" : "pairs of windows are equal");
}
