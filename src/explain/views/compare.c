/* SPDX-License-Identifier: Apache-2.0
 * Two networks side by side (explain-spec 6): windows are paired in their order, and for each pair it is told what they
 * read, how far the sampling grids part, and what would make them equal. */
#include "explain/views/compare.h"
#include "explain/views/translate.h"

#include "base/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PAIRED = 2000, MOST_TRIES = 80 };

/* ---- pairs ---- */

static bool is_window(const cni_explained *node)
{
    return (node->view.type == CNI_VIEW_WINDOW || node->view.type == CNI_VIEW_TRANSPOSED) && node->view.spatial;
}

static bool collect(comparison *c, side *s)
{
    s->windows = CNI_NEW_ARRAY(&c->arena, int, (size_t)s->analysis->count + 1);
    for (int i = 0; s->windows && i < s->analysis->count; i++)
        if (is_window(&s->analysis->nodes[i])) s->windows[s->count++] = i;
    return s->windows != NULL;
}

static const cni_explained *window_of(const side *s, int i)
{
    return &s->analysis->nodes[s->windows[i]];
}

/* A text that tells no size is read with that of the other network: same rows and columns, in its own order. */
static cn_status take_size(comparison *c, side *to, const side *from, cni_error *error)
{
    const cni_analysis *own = to->e->analysis, *other = from->e->analysis;
    if (own->image != 0 || other->image != 0 || own->description->input_count != 1) return CN_OK;
    const cni_explained *image = &own->nodes[0], *given = &other->nodes[0];
    const int spatial = image->spatial;
    cni_explain_options options = own->options;
    if (options.input_count || spatial != given->spatial || image->shape.rank != spatial + 2) return CN_OK;
    for (int i = 0; i < spatial; i++)
        if (image->map[i] >= 0 || given->map[i] < 1) return CN_OK;
    const bool first = image->format == CN_CHANNELS_FIRST;
    const int64_t channels = image->channels > 0 ? image->channels : given->channels;
    if (channels < 1) return CN_OK;
    options.input_count = 1;
    options.input[0][first ? 0 : spatial] = channels;
    for (int i = 0; i < spatial; i++) options.input[0][first ? i + 1 : i] = given->map[i];
    cni_analysis *sized = NULL;
    CN_TRY(cni_analyse(&c->arena, own->description, &options, &sized, error));
    to->analysis = sized;
    return CN_OK;
}

/* What must agree for two windows to be the same layer: what it does, its filters, its kernel. */
static bool alike(const cni_explained *a, const cni_explained *b)
{
    const unsigned kinds =
        CNI_IS_CONVOLUTION | CNI_IS_DEPTHWISE | CNI_IS_SEPARABLE | CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL;
    if ((cni_traits_of(a) & CNI_IS_CONVOLUTION) != (cni_traits_of(b) & CNI_IS_CONVOLUTION)) return false;
    /* A depthwise convolution is a Conv2d with groups in PyTorch. */
    if ((cni_traits_of(a) & kinds & ~CNI_IS_DEPTHWISE) != (cni_traits_of(b) & kinds & ~CNI_IS_DEPTHWISE)) return false;
    if (a->view.type != b->view.type || a->view.spatial != b->view.spatial || a->channels != b->channels) return false;
    for (int i = 0; i < a->view.spatial; i++)
        if (a->view.axis[i].size != b->view.axis[i].size) return false;
    return true;
}

/* Longest common subsequence; lengths[i][j] is that of what follows i and j. */
static bool pair_up(comparison *c)
{
    const int m = c->a.count, n = c->b.count;
    const size_t row = (size_t)n + 1;
    c->pairs = cni_arena_array(&c->arena, (size_t)(m < n ? m : n) + 1, sizeof *c->pairs);
    c->single_a = CNI_NEW_ARRAY(&c->arena, int, (size_t)m + 1);
    c->single_b = CNI_NEW_ARRAY(&c->arena, int, (size_t)n + 1);
    const bool small = m <= MOST_PAIRED && n <= MOST_PAIRED;
    int16_t *lengths = small ? cni_arena_array(&c->arena, ((size_t)m + 1) * row, sizeof *lengths) : NULL;
    if (!c->pairs || !c->single_a || !c->single_b || (small && !lengths)) return false;
    for (int i = m - 1; small && i >= 0; i--)
        for (int j = n - 1; j >= 0; j--) {
            const size_t at = (size_t)i * row + (size_t)j;
            const int16_t down = lengths[at + row], right = lengths[at + 1];
            lengths[at] = alike(window_of(&c->a, i), window_of(&c->b, j)) ? (int16_t)(lengths[at + row + 1] + 1)
                                                                          : (down > right ? down : right);
        }
    int i = 0, j = 0;
    while (i < m && j < n) {
        const size_t at = (size_t)i * row + (size_t)j;
        if (!small || alike(window_of(&c->a, i), window_of(&c->b, j))) {
            c->pairs[c->pair_count][0] = c->a.windows[i++];
            c->pairs[c->pair_count++][1] = c->b.windows[j++];
        } else if (lengths[at + row] >= lengths[at + 1])
            c->single_a[c->single_a_count++] = c->a.windows[i++];
        else
            c->single_b[c->single_b_count++] = c->b.windows[j++];
    }
    while (i < m) c->single_a[c->single_a_count++] = c->a.windows[i++];
    while (j < n) c->single_b[c->single_b_count++] = c->b.windows[j++];
    return true;
}

/* ---- one window, with the padding layers before it ---- */

static padding padding_of(const cni_analysis *analysis, const cni_explained *node, int axis)
{
    const cni_axis *a = &node->axis[axis];
    padding p = {a->before, a->after, a->after_used, false, a->before != CNI_UNSEEN && a->after != CNI_UNSEEN};
    if (a->after_used == CNI_UNSEEN) p.used = a->after;
    if (!p.known) return p;
    for (const cni_explained *at = node; at->input_count == 1;) {
        at = &analysis->nodes[at->inputs[0]];
        if (at->view.type != CNI_VIEW_SHIFT || at->view.spatial <= axis) break;
        p.before += at->view.axis[axis].before;
        p.after += at->view.axis[axis].after;
        /* What the window leaves over lies in the padding first. */
        p.used = p.after - (a->rest > 0 ? (a->rest < p.after ? a->rest : p.after) : 0);
        p.layers = true;
    }
    return p;
}

/* c_A(0) - c_B(0) on an axis. */
static bool shift_of(const cni_explained *a, const cni_explained *b, int axis, int64_t *num, int64_t *den)
{
    int64_t an, ad, bn, bd;
    if (!cni_centre_of(&a->field[axis], 0, &an, &ad) || !cni_centre_of(&b->field[axis], 0, &bn, &bd)) return false;
    return !__builtin_mul_overflow(an, bd, &an) && !__builtin_mul_overflow(bn, ad, &bn) &&
           !__builtin_sub_overflow(an, bn, num) && !__builtin_mul_overflow(ad, bd, den);
}

/* a - b of two fractions; false when it is too large. */
static bool difference(int64_t an, int64_t ad, int64_t bn, int64_t bd, int64_t *num, int64_t *den)
{
    if (ad == bd) { /* as a rule */
        *den = ad;
        return !__builtin_sub_overflow(an, bn, num);
    }
    return !__builtin_mul_overflow(an, bd, &an) && !__builtin_mul_overflow(bn, ad, &bn) &&
           !__builtin_sub_overflow(an, bn, num) && !__builtin_mul_overflow(ad, bd, den);
}

/* What the cells hold that windows reach outside, those of padding layers too; CNI_BORDER_EXCLUDED where there are
 * none, -1 where there are several kinds. */
static int border_of(const cni_analysis *analysis, const cni_explained *node)
{
    int border = -2;
    const cni_explained *at = node;
    do {
        bool pads = false;
        for (int i = 0; i < at->view.spatial; i++) {
            const bool shifts = at->view.type == CNI_VIEW_SHIFT;
            const int64_t before = shifts ? at->view.axis[i].before : at->axis[i].before;
            const int64_t after = shifts ? at->view.axis[i].after : at->axis[i].after;
            pads |= (before != CNI_UNSEEN && before > 0) || (after != CNI_UNSEEN && after > 0);
        }
        if (pads) border = border == -2 || border == (int)at->view.border ? (int)at->view.border : -1;
        at = at->input_count == 1 ? &analysis->nodes[at->inputs[0]] : NULL;
    } while (at && at->view.type == CNI_VIEW_SHIFT);
    return border;
}

/* A zero never wins over what is never negative. */
static int settled_border(const cni_analysis *analysis, const cni_explained *node)
{
    const int border = border_of(analysis, node);
    const bool max = cni_traits_of(node) & CNI_IS_MAX_POOL;
    return max && border == CNI_BORDER_ZERO && cni_never_negative(analysis, node) ? CNI_BORDER_EXCLUDED : border;
}

static void judge(pair *p)
{
    /* Where only one has pads they are at other places, which is told. */
    p->same_border = p->border[0] == -2 || p->border[1] == -2 || (p->border[0] == p->border[1] && p->border[0] >= 0);
    p->verdict = p->same_border ? IDENTICAL : OTHER_NUMBERS;
    for (int i = 0; i < p->a->view.spatial; i++) {
        const cni_axis *a = &p->a->axis[i], *b = &p->b->axis[i];
        if (a->s != b->s || a->d != b->d) p->verdict = OTHER_SIZE;
        if (p->verdict < SHIFTED && p->shifts && p->far_num[i]) p->verdict = SHIFTED;
        if (p->verdict < SHIFTED && p->pa[i].known && p->pb[i].known && p->pa[i].before != p->pb[i].before)
            p->verdict = SHIFTED;
        if (a->o != CNI_UNSEEN && b->o != CNI_UNSEEN && a->o != b->o) p->verdict = OTHER_SIZE;
    }
}

pair cni_compare_pair(const comparison *c, int index, const pair *last)
{
    pair p = {.a = &c->a.analysis->nodes[c->pairs[index][0]], .b = &c->b.analysis->nodes[c->pairs[index][1]]};
    p.shifts = c->a.analysis->image >= 0 && c->b.analysis->image >= 0;
    p.same_pads = p.known = true;
    for (int i = 0; i < p.a->view.spatial; i++) {
        p.pa[i] = padding_of(c->a.analysis, p.a, i);
        p.pb[i] = padding_of(c->b.analysis, p.b, i);
        p.same_pads &= p.pa[i].before == p.pb[i].before && p.pa[i].used == p.pb[i].used && p.pa[i].known;
        p.known &= p.pa[i].known && p.pb[i].known;
        p.shifts = p.shifts && shift_of(p.a, p.b, i, &p.far_num[i], &p.far_den[i]);
    }
    for (int i = 0; p.shifts && i < p.a->view.spatial; i++) {
        const bool first = !last || !last->shifts;
        p.shifts = difference(p.far_num[i], p.far_den[i], first ? 0 : last->far_num[i], first ? 1 : last->far_den[i],
                              &p.here_num[i], &p.here_den[i]);
    }
    p.border[0] = settled_border(c->a.analysis, p.a);
    p.border[1] = settled_border(c->b.analysis, p.b);
    if (p.a->view.type != CNI_VIEW_WINDOW) p.border[0] = p.border[1] = -2;
    judge(&p);
    return p;
}

/* ---- differences ---- */

static const char *framework(const side *s)
{
    return s->e->flat->dialect == CNI_TORCH ? "PyTorch" : "Keras";
}

/* How a side is called: by its framework where they are two, else by its file. */
const char *cni_compare_name(const comparison *c, const side *s)
{
    if (c->a.e->flat->dialect != c->b.e->flat->dialect) return framework(s);
    if (strcmp(c->a.e->source, c->b.e->source) == 0) return s == &c->a ? "the first" : "the second";
    const char *slash = strrchr(s->e->source, '/');
    return slash ? slash + 1 : s->e->source;
}

bool cni_compare_crosses(const comparison *c)
{
    return c->a.e->flat->dialect != c->b.e->flat->dialect;
}

const side *cni_compare_keras(const comparison *c)
{
    return c->a.e->flat->dialect == CNI_TORCH ? &c->b : &c->a;
}

/* Whether the images are of one size, as far as it is known. */
bool cni_compare_same_inputs(const comparison *c)
{
    const cni_analysis *a = c->a.analysis, *b = c->b.analysis;
    if (a->image < 0 || b->image < 0) return a->image == b->image;
    const cni_explained *x = &a->nodes[a->image], *y = &b->nodes[b->image];
    bool same = x->spatial == y->spatial && x->channels == y->channels;
    for (int i = 0; same && i < x->spatial; i++) same = x->map[i] == y->map[i];
    return same;
}

static void add_line(comparison *c, cni_differences *d, const char *line)
{
    const char *kept = cni_arena_text(&c->arena, line);
    if (!kept) return;
    d->lines[d->count++] = kept;
    d->outputs++;
}

/* What the cells outside hold. */
static const char *border_name(int border, bool average)
{
    static const char *const names[] = {"zeros", "cells that do not count", "the nearest cells", "reflected cells",
                                        "the cells of the other end"};
    if (border < 0) return "several things";
    if (average && border == CNI_BORDER_ZERO) return "zeros that count";
    return names[border];
}

/* Everything that is not a window's place: false when there is no memory. */
bool cni_compare_find(comparison *c, cni_differences *out)
{
    char line[4 * TEXT];
    cni_differences steps;
    const cni_compared a = {c->a.analysis, cni_compare_name(c, &c->a), c->a.e->flat->dialect == CNI_TORCH};
    const cni_compared b = {c->b.analysis, cni_compare_name(c, &c->b), c->b.e->flat->dialect == CNI_TORCH};
    if (!cni_compare_steps(&c->arena, &a, &b, &steps)) return false;
    *out = (cni_differences){.lines = CNI_NEW_ARRAY(&c->arena, const char *, (size_t)steps.count + MOST_BORDERS + 2)};
    if (!out->lines) return false;
    pair last = {0};
    for (int i = 0; i < c->pair_count; i++) {
        const pair p = cni_compare_pair(c, i, i ? &last : NULL);
        last = p;
        if (p.same_border || out->count == MOST_BORDERS) continue;
        const bool average = cni_traits_of(p.a) & CNI_IS_AVERAGE_POOL;
        snprintf(line, sizeof line, "%s of %s: %s %s, %s %s", average ? "border and divisor" : "border", p.a->name,
                 a.name, border_name(p.border[0], average), b.name, border_name(p.border[1], average));
        add_line(c, out, line);
    }
    bool known = true;
    for (int i = 0; i < c->pair_count; i++) known &= cni_compare_pair(c, i, NULL).known;
    if (!known) add_line(c, out, "sizes, and with them the pads, are not known: say --input");
    if (!cni_compare_same_inputs(c)) add_line(c, out, "the sizes of the inputs differ");
    for (int i = 0; i < steps.count; i++) out->lines[out->count++] = steps.lines[i];
    out->outputs += steps.outputs;
    return true;
}

/* ---- rows ---- */

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

static void show_shift(const int64_t *num, const int64_t *den, int count, char *text)
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
        const padding p = padding_of(s->analysis, node, 0);
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

static void print_head(comparison *c, const widths *w)
{
    char left[400], right[200] = "", sizes[TEXT], habit[TEXT];
    snprintf(left, sizeof left, "cornu explain --compare %s %s", c->a.e->source, c->b.e->source);
    const cni_analysis *analysis = c->a.analysis;
    const int image = analysis->image >= 0 ? analysis->image : 0;
    if (analysis->count)
        snprintf(right, sizeof right, "input %s", cni_show_sizes(&analysis->nodes[image].shape, "x", sizes, TEXT));
    cni_page_sides(c->page, CNI_BOLD, left, right, 77);
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
        show_shift(p->here_num, p->here_den, count, here);
    if (p->shifts) show_shift(p->far_num, p->far_den, count, far_);
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

static verdict print_pairs(comparison *c, bool full, pair *worst, pair *final)
{
    char said[2][TEXT] = {"", ""};
    const widths w = measure(c);
    pair last = {0};
    int equal = 0;
    verdict worst_yet = IDENTICAL;
    print_head(c, &w);
    for (int i = 0; i < c->pair_count; i++) {
        const pair p = cni_compare_pair(c, i, i ? &last : NULL);
        if (full || tells(&p))
            print_pair(c, &w, &p, said);
        else
            equal++;
        if (i == 0 || p.verdict > worst_yet) {
            worst_yet = p.verdict;
            *worst = p;
        }
        if (p.shifts || !i) *final = p; /* behind global pooling positions are no longer told apart */
        last = p;
    }
    if (equal)
        cni_page_printf(c->page, "  %d %s%s\n", equal, equal < c->pair_count ? "more " : "",
                        equal == 1 ? "pair is equal" : "pairs are equal");
    return worst_yet;
}

/* ---- verdict ---- */

static void print_singles(comparison *c, const side *s, const int *nodes, int count)
{
    cni_text text = {0};
    if (!count) return;
    cni_text_printf(&text, "only in %s: ", s->e->source);
    for (int i = 0; i < count && i < 8; i++)
        cni_text_printf(&text, "%s%s", i ? ", " : "", s->analysis->nodes[nodes[i]].name);
    if (count > 8) cni_text_printf(&text, " and %d more", count - 8);
    cni_page_paragraph(c->page, 2, 4, cni_text_get(&text));
    cni_text_free(&text);
}

static void sizes_of(const cni_explained *node, char *text)
{
    *text = 0;
    for (int i = 0; i < node->view.spatial; i++)
        snprintf(text + strlen(text), TEXT - strlen(text), "%s%" PRId64, i ? "x" : "", node->axis[i].o);
}

/* The first pair whose kernels hold different numbers of weights (other channels come in), or -1. */
static int uneven_pair(const comparison *c)
{
    for (int i = 0; i < c->pair_count; i++) {
        const int64_t a = c->a.analysis->nodes[c->pairs[i][0]].kernel_weights,
                      b = c->b.analysis->nodes[c->pairs[i][1]].kernel_weights;
        if (a > 0 && b > 0 && a != b) return i;
    }
    return -1;
}

/* Kernels that are not the same size cannot be copied, whatever their windows read. */
static bool print_uneven(comparison *c)
{
    const int i = uneven_pair(c);
    char text[4 * TEXT];
    if (i < 0) return false;
    const cni_explained *a = &c->a.analysis->nodes[c->pairs[i][0]], *b = &c->b.analysis->nodes[c->pairs[i][1]];
    snprintf(text, sizeof text,
             "verdict: other channels: the kernel of %s has %s weights, that of %s %s; they cannot be copied.", a->name,
             CNI_SHOW(count, a->kernel_weights), b->name, CNI_SHOW(count, b->kernel_weights));
    cni_page_paragraph(c->page, 2, 2, text);
    return true;
}

static void print_verdict(comparison *c, verdict v, const cni_differences *d, const pair *worst, const pair *final)
{
    char text[4 * TEXT], far_[TEXT], a[TEXT], b[TEXT];
    const bool complete = !c->single_a_count && !c->single_b_count;
    const char *copied =
        cni_compare_reorders(c) ? "copied (rows of a Dense behind Flatten in another order, see below)" : "copied";
    switch (v) {
    case IDENTICAL:
        snprintf(text, sizeof text, "verdict: %s.%s%s%s",
                 complete ? "all windows read the same pixels" : "what is paired reads the same pixels",
                 complete ? " Weights can be " : "", complete ? copied : "",
                 !complete    ? ""
                 : d->outputs ? ", outputs differ:"
                 : d->count   ? ", and outputs agree; trainings will differ:"
                              : ", and outputs agree.");
        break;
    case OTHER_NUMBERS:
        snprintf(text, sizeof text,
                 "verdict: same windows, different numbers. Weights can be %s, outputs will differ at the border.",
                 copied);
        break;
    case SHIFTED: {
        int64_t num[CNI_MAX_SPATIAL];
        const int count = final->a->view.spatial;
        bool apart = final->shifts;
        for (int i = 0; i < count; i++) {
            num[i] = final->far_num[i] < 0 ? -final->far_num[i] : final->far_num[i];
            apart = apart && (i == 0 || num[i] || num[0]);
        }
        show_shift(num, final->far_den, count, far_);
        snprintf(text, sizeof text,
                 apart ? "verdict: same sizes, sampling grids %s apart. Weights can be %s, outputs will differ."
                       : "verdict: same sizes, windows at other places%.0s. Weights can be %s, outputs will differ.",
                 *far_ == '+' ? far_ + 1 : far_, copied);
        break;
    }
    case OTHER_SIZE:
        sizes_of(worst->a, a);
        sizes_of(worst->b, b);
        snprintf(text, sizeof text,
                 "verdict: different sizes: %s gives %s in %s and %s in %s. Weights of convolutions can be copied, "
                 "those of a Dense behind Flatten cannot.",
                 worst->a->name, a, cni_compare_name(c, &c->a), b, cni_compare_name(c, &c->b));
        break;
    }
    cni_page_paragraph(c->page, 2, 2, text);
}

/* ---- what makes them equal ---- */

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

static void print_recipe(comparison *c, const side *to, int from_index)
{
    char lines[MOST_RECIPES][4 * TEXT], label[TEXT];
    const int count = cni_compare_recipes(c, to, from_index, lines);
    for (int i = 0; i < count; i++) {
        snprintf(label, sizeof label, "make %s equal:", cni_compare_name(c, to));
        const int columns = (int)strlen(label) > 19 ? (int)strlen(label) + 2 : 21;
        print_steps(c, i ? "" : label, columns, lines[i]);
    }
}

/* ---- sizes at which both agree ---- */

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

static void print_agreement(comparison *c, const pair *final)
{
    const cni_analysis *analysis = c->a.analysis;
    if (analysis->image < 0 || c->b.analysis->image < 0) return;
    const cni_explained *image = &analysis->nodes[analysis->image];
    /* Only the first input is changed, and it must be the image. */
    if (analysis->image != 0 || c->b.analysis->image != 0 || image->spatial != 2 || image->map[0] < 1 ||
        image->map[1] < 1)
        return;
    int64_t reach = MOST_TRIES;
    const cni_receptive_field *f = &final->a->field[0];
    if (f->affine && f->unit > 0 && f->jump / f->unit < reach) reach = f->jump / f->unit + 1;
    if ((int64_t)analysis->count * reach > 20000) reach = 20000 / analysis->count;
    for (int64_t step = 1; step <= 2 * reach; step++) {
        const int64_t by = step % 2 ? (step + 1) / 2 : -step / 2;
        const int64_t rows = image->map[0] + by, columns = image->map[1] + by;
        if (rows < 1 || columns < 1 || !agree_at(c, rows, columns)) continue;
        cni_page_printf(c->page, "  both agree at %" PRId64 "x%" PRId64 ".\n", rows, columns);
        return;
    }
}

/* ---- defaults and weights ---- */

static void print_differences(comparison *c, const cni_differences *d)
{
    for (int i = 0; i < d->count; i++) cni_page_paragraph(c->page, 2, 4, d->lines[i]);
}

/* ---- the whole ---- */

static bool compare(comparison *c, bool full)
{
    pair worst = {0}, final = {0};
    cni_differences d;
    if (!pair_up(c) || !cni_compare_find(c, &d)) return false;
    const verdict v = print_pairs(c, full, &worst, &final);
    print_singles(c, &c->a, c->single_a, c->single_a_count);
    print_singles(c, &c->b, c->single_b, c->single_b_count);
    if (!c->pair_count) {
        cni_page_printf(c->page, "  no windows to compare\n");
        print_differences(c, &d);
        if (cni_compare_crosses(c)) cni_compare_weights(c);
        return true;
    }
    const bool uneven = v == IDENTICAL && print_uneven(c);
    if (!uneven) print_verdict(c, v, &d, &worst, &final);
    if (v != IDENTICAL) {
        print_recipe(c, &c->b, 0);
        print_recipe(c, &c->a, 1);
        if (cni_compare_same_inputs(c)) print_agreement(c, &final);
    }
    print_differences(c, &d);
    if (cni_compare_crosses(c) && !uneven) cni_compare_weights(c);
    return true;
}

/* The worst pair, and the last whose place is known. */
static verdict judge_all(comparison *c, pair *worst, pair *final)
{
    pair last = {0};
    for (int i = 0; i < c->pair_count; i++) {
        const pair p = cni_compare_pair(c, i, i ? &last : NULL);
        if (!i || p.verdict > worst->verdict) *worst = p;
        if (!i || p.shifts) *final = p;
        last = p;
    }
    return worst->verdict;
}

enum { ONE_LINE = 100000 };

/* For programs and reports: the same in other words. */
static bool tell_data(comparison *c, bool json)
{
    cni_text *out = c->page->out, sentence = {0};
    cni_page line = {.out = &sentence, .width = ONE_LINE};
    pair worst = {0}, final = {0};
    cni_differences d;
    if (!pair_up(c) || !cni_compare_find(c, &d)) return false;
    const verdict v = judge_all(c, &worst, &final);
    c->page = &line;
    if (!c->pair_count)
        cni_text_add(&sentence, "no windows to compare");
    else if (v == IDENTICAL && print_uneven(c))
        d.outputs++;
    else
        print_verdict(c, v, &d, &worst, &final);
    const char *text = cni_text_get(&sentence);
    text += strspn(text, " ");
    if (strncmp(text, "verdict: ", 9) == 0) text += 9;
    char *kept = cni_arena_text(&c->arena, text);
    if (kept) kept[strcspn(kept, "\n")] = 0;
    if (kept && *kept && kept[strlen(kept) - 1] == ':') kept[strlen(kept) - 1] = '.';
    if (kept && json) cni_compare_json(c, out, &d, v, kept);
    if (kept && !json) cni_compare_markdown(c, out, &d, kept);
    cni_text_free(&sentence);
    return kept != NULL;
}

bool cni_view_compare(cn_explanation *a, cn_explanation *b, cn_explain_view view, bool full, cni_page *page)
{
    comparison c = {.page = page};
    const cn_explanation *both[] = {a, b};
    for (int i = 0; i < 2; i++)
        if (both[i]->description->remarks.errors) {
            cni_fail(&a->error, CN_ERR_INVALID, "%s: cannot be understood; explain it alone to see why",
                     both[i]->source);
            return false;
        }
    c.a = (side){.e = a, .analysis = a->analysis};
    c.b = (side){.e = b, .analysis = b->analysis};
    bool done = !take_size(&c, &c.b, &c.a, &a->error) && !take_size(&c, &c.a, &c.b, &a->error);
    if (done) {
        const bool json = view == CN_EXPLAIN_JSON, data = json || view == CN_EXPLAIN_MARKDOWN;
        done = collect(&c, &c.a) && collect(&c, &c.b) && (data ? tell_data(&c, json) : compare(&c, full));
        if (!done) cni_no_memory(&a->error, "a comparison");
    }
    cni_arena_free(&c.arena);
    return done;
}
