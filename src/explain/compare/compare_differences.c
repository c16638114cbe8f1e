/* SPDX-License-Identifier: Apache-2.0
 * What differs beside the places of windows. */
#include "explain/compare/compare.h"

#include <stdio.h>
#include <string.h>

static const char *framework(const side *s)
{
    return s->e->flat->dialect == CNI_TORCH ? "PyTorch" : "Keras";
}

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
    if (!cni_compare_same_inputs(c)) {
        char sizes[2][TEXT] = {"none", "none"};
        const side *both[] = {&c->a, &c->b};
        for (int i = 0; i < 2; i++) {
            const cni_analysis *analysis = both[i]->analysis;
            if (analysis->image >= 0) cni_show_sizes(&analysis->nodes[analysis->image].shape, "x", sizes[i], TEXT);
        }
        snprintf(line, sizeof line, "the sizes of the inputs differ: %s %s, %s %s", a.name, sizes[0], b.name, sizes[1]);
        add_line(c, out, line);
    }
    for (int i = 0; i < steps.count; i++) out->lines[out->count++] = steps.lines[i];
    out->outputs += steps.outputs;
    return true;
}
