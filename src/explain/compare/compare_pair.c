/* SPDX-License-Identifier: Apache-2.0
 * One pair of windows: pads, with those of layers before them, and how far the sampling grids part. */
#include "explain/compare/compare.h"
#include "explain/translate/translate.h"

padding cni_compare_padding(const cni_analysis *analysis, const cni_explained *node, int axis)
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
        p.pa[i] = cni_compare_padding(c->a.analysis, p.a, i);
        p.pb[i] = cni_compare_padding(c->b.analysis, p.b, i);
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

verdict cni_compare_judge(const comparison *c, pair *worst, pair *final)
{
    pair last = {0};
    for (int i = 0; i < c->pair_count; i++) {
        const pair p = cni_compare_pair(c, i, i ? &last : NULL);
        if (!i || p.verdict > worst->verdict) *worst = p;
        if (!i || p.shifts) *final = p; /* behind global pooling positions are no longer told apart */
        last = p;
    }
    return worst->verdict;
}
