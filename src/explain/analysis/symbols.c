/* SPDX-License-Identifier: Apache-2.0
 * Sizes that are not known, as formulas of the input's: "ceil(H/2)", "floor((H-5)/2)+1". */
#include "explain/analysis/analyser.h"
#include "explain/analysis/reads.h"

#include <inttypes.h>
#include <stdio.h>

enum { LONGEST = 400 }; /* longer formulas help nobody */

/* base + more */
typedef struct symbol {
    const char *base; /* NULL: not told */
    int64_t more;
} symbol;

static const char *show(cni_analyser *a, symbol s)
{
    if (!s.base || !s.more) return s.base;
    return cni_arena_printf(a->arena, "%s%+" PRId64, s.base, s.more);
}

static symbol named(const char *text)
{
    size_t length = 0;
    while (text && text[length]) length++;
    return (symbol){length <= LONGEST ? text : NULL, 0};
}

/* "H", "(H-3)" */
static const char *factor(cni_analyser *a, symbol s)
{
    const char *text = show(a, s);
    return s.more && text ? cni_arena_printf(a->arena, "(%s)", text) : text;
}

static symbol divided(cni_analyser *a, const char *round, symbol s, int64_t by)
{
    const char *text = factor(a, s);
    return text ? named(cni_arena_printf(a->arena, "%s(%s/%" PRId64 ")", round, text, by)) : named(NULL);
}

static symbol multiplied(cni_analyser *a, symbol s, int64_t by)
{
    const char *text = by == 1 ? NULL : factor(a, s);
    return text ? named(cni_arena_printf(a->arena, "%" PRId64 "*%s", by, text)) : s;
}

static symbol through_window(cni_analyser *a, const cni_explained *node, int axis, symbol s)
{
    const cni_axis *w = node->axis + axis;
    const cni_pad_rule rule = node->view.axis[axis].rule;
    const bool same = rule == CNI_PAD_SAME || rule == CNI_PAD_SAME_LOWER;
    if (same) return w->s == 1 ? s : divided(a, "ceil", s, w->s);
    const int64_t room = w->before + w->after - w->extent;
    const bool plain = room + w->s == 0; /* floor((H-2)/2)+1 is floor(H/2) */
    s.more += plain || w->s == 1 ? room + w->s : room;
    if (w->s == 1) return s;
    s = divided(a, w->ceil_mode ? "ceil" : "floor", s, w->s);
    s.more += !plain;
    return s;
}

static symbol through(cni_analyser *a, const cni_explained *node, int axis, symbol s)
{
    const cni_view_axis *v = node->view.axis + axis;
    cni_axis one;
    switch (node->view.type) {
    case CNI_VIEW_POINT:
        return s;
    case CNI_VIEW_WINDOW:
        return through_window(a, node, axis, s);
    case CNI_VIEW_SHIFT:
        s.more += v->before + v->after;
        return s;
    case CNI_VIEW_NEAREST:
    case CNI_VIEW_BILINEAR:
        return multiplied(a, s, v->stride);
    case CNI_VIEW_TRANSPOSED:
        cni_axis_of(&node->view, axis, 1, &one);
        s = multiplied(a, s, v->stride);
        s.more += one.o - v->stride;
        return s;
    default:
        return named(NULL);
    }
}

static symbol symbol_of(cni_analyser *a, const cni_explained *node, int axis, const symbol *known)
{
    static const char *const names[][CNI_MAX_SPATIAL] = {{""}, {"L"}, {"H", "W"}, {"D", "H", "W"}};
    if (!node->input_count && node->id == 0) return named(names[node->spatial][axis]);
    if (!node->input_count) return named(cni_arena_printf(a->arena, "%s%d", names[node->spatial][axis], node->id + 1));
    for (int i = 0; i < node->input_count; i++) {
        const cni_explained *from = a->analysis->nodes + node->inputs[i];
        if (from->spatial == node->spatial && from->map[axis] < 0)
            return through(a, node, axis, known[from->id * CNI_MAX_SPATIAL + axis]);
    }
    return named(NULL);
}

cn_status cni_analyse_symbols(cni_analyser *a)
{
    cni_analysis *analysis = a->analysis;
    symbol *known = CNI_NEW_ARRAY(&a->scratch, symbol, (size_t)analysis->count * CNI_MAX_SPATIAL);
    if (!known) return cni_no_memory(a->error, "an analysis");
    for (int i = 0; i < analysis->count; i++) {
        cni_explained *node = analysis->nodes + i;
        for (int axis = 0; axis < node->spatial; axis++) {
            if (node->map[axis] >= 0) continue;
            known[i * CNI_MAX_SPATIAL + axis] = symbol_of(a, node, axis, known);
            node->symbol[axis] = show(a, known[i * CNI_MAX_SPATIAL + axis]);
        }
    }
    return CN_OK;
}
