/* SPDX-License-Identifier: Apache-2.0
 * The code that makes the windows of one network read what those of another read. */
#include "explain/compare/compare.h"
#include "explain/translate/translate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool all_sides(const padding *p, int count)
{
    for (int i = 0; i < count; i++)
        if (p[i].before != p[0].before || p[i].used != p[0].before) return false;
    return true;
}

typedef struct recipe {
    const padding *pads;
    int count;    /* axes */
    int border;   /* what the other side's cells outside hold */
    bool none;    /* no pads at all */
    bool ratio;   /* an average that does not count the pads, which must be divided out */
    bool nonzero; /* zeros would do harm */
} recipe;

/* "0, 1, 0, 1": F.pad takes the last axis first. */
static void torch_sides(const recipe *r, char *text, size_t size)
{
    *text = 0;
    for (int i = r->count - 1; i >= 0; i--)
        snprintf(text + strlen(text), size - strlen(text), "%" PRId64 ", %" PRId64 "%s", r->pads[i].before,
                 r->pads[i].used, i ? ", " : "");
}

static void in_torch(const cni_explained *node, const recipe *r, char *text, size_t size)
{
    static const char *const modes[] = {"", "", ", mode='replicate'", ", mode='reflect'", ", mode='circular'"};
    const bool max = cni_traits_of(node) & CNI_IS_MAX_POOL, average = cni_traits_of(node) & CNI_IS_AVERAGE_POOL;
    const char *module = max ? "MaxPool" : average ? "AvgPool" : "Conv";
    char sides[TEXT];
    torch_sides(r, sides, sizeof sides);
    if (r->none)
        snprintf(text, size, "nn.%s%dd(.., padding=0)", module, r->count);
    else if (r->ratio && all_sides(r->pads, r->count))
        snprintf(text, size, "nn.AvgPool%dd(.., padding=%" PRId64 ", count_include_pad=False)", r->count,
                 r->pads[0].before);
    else if (r->ratio)
        snprintf(text, size,
                 "pool = nn.AvgPool%dd(.., padding=0); pads = (%s); "
                 "pool(F.pad(x, pads)) / pool(F.pad(torch.ones_like(x), pads))",
                 r->count, sides);
    else
        snprintf(text, size, "x = F.pad(x, (%s)%s); nn.%s%dd(.., padding=0)", sides,
                 max && r->border < CNI_BORDER_EDGE && r->nonzero ? ", value=float('-inf')"
                 : r->border > 0                                  ? modes[r->border]
                                                                  : "",
                 module, r->count);
}

/* "ZeroPadding2D(1)", "ops.pad(x, .., mode='reflect')" */
static void keras_padding(const recipe *r, char *text, size_t size)
{
    static const char *const modes[] = {"constant_values=-1e30", "constant_values=-1e30", "mode='edge'",
                                        "mode='reflect'", "mode='wrap'"};
    const bool plain = r->ratio || (!r->nonzero && r->border < CNI_BORDER_EDGE);
    if (plain && all_sides(r->pads, r->count)) {
        snprintf(text, size, "ZeroPadding%dD(%" PRId64 ")", r->count, r->pads[0].before);
        return;
    }
    snprintf(text, size,
             !plain          ? "ops.pad(x, ((0, 0), "
             : r->count == 1 ? "ZeroPadding%dD("
                             : "ZeroPadding%dD((",
             r->count);
    for (int i = 0; i < r->count; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s(%" PRId64 ", %" PRId64 ")", i ? ", " : "",
                 r->pads[i].before, r->pads[i].used);
    if (plain)
        snprintf(text + strlen(text), size - strlen(text), r->count == 1 ? ")" : "))");
    else
        snprintf(text + strlen(text), size - strlen(text), ", (0, 0)), %s)", modes[r->border < 0 ? 0 : r->border]);
}

static void in_keras(const cni_explained *node, const recipe *r, char *text, size_t size)
{
    const unsigned is = cni_traits_of(node);
    const char *class = is & CNI_IS_MAX_POOL       ? "MaxPooling"
                        : is & CNI_IS_AVERAGE_POOL ? "AveragePooling"
                        : is & CNI_IS_SEPARABLE    ? "SeparableConv"
                                                   : "Conv";
    char pads[2 * TEXT];
    keras_padding(r, pads, sizeof pads);
    if (r->none)
        snprintf(text, size, "%s%dD(.., padding='valid')", class, r->count);
    else if (r->ratio)
        snprintf(text, size,
                 "pool = AveragePooling%dD(.., padding='valid'); pad = %s; "
                 "pool(pad(x)) / pool(pad(ops.ones_like(x)))",
                 r->count, pads);
    else
        snprintf(text, size, "%s then %s%dD(.., padding='valid')", pads, class, r->count);
}

/* The pads that a layer would have to be given to read what the other reads.  `after` in full where the layer is
 * Keras' with a pad of one number for all sides: the cell that is not reached does no harm. */
static void given(const padding *p, int count, bool whole, padding *out)
{
    for (int i = 0; i < count; i++) {
        out[i] = p[i];
        if (whole) out[i].used = p[i].after;
    }
}

/* Lines of code that make the layers of `to` read what those of the other side read. */
int cni_compare_recipes(const comparison *c, const side *to, int from_index, char lines[MOST_RECIPES][4 * TEXT])
{
    char line[4 * TEXT];
    const bool torch = to->e->flat->dialect == CNI_TORCH;
    int count = 0;
    pair last = {0};
    for (int i = 0; i < c->pair_count; i++) {
        const pair p = cni_compare_pair(c, i, i ? &last : NULL);
        last = p;
        if ((p.same_pads && p.same_border) || p.a->view.type != CNI_VIEW_WINDOW) continue;
        const padding *source = from_index ? p.pb : p.pa;
        const cni_explained *node = from_index ? p.b : p.a;
        padding pads[CNI_MAX_SPATIAL];
        recipe r = {.pads = pads, .count = node->view.spatial, .border = p.border[from_index], .none = true};
        if (!source[0].known || r.border == -1) continue;
        given(source, r.count, true, pads);
        for (int k = 0; k < r.count; k++) r.none &= !pads[k].before && !pads[k].used;
        const bool average = cni_traits_of(node) & CNI_IS_AVERAGE_POOL;
        r.ratio = average && r.border == CNI_BORDER_EXCLUDED;
        r.nonzero = cni_traits_of(node) & CNI_IS_MAX_POOL && r.border == CNI_BORDER_EXCLUDED &&
                    (torch || !(cni_never_negative(c->a.analysis, p.a) || cni_never_negative(c->b.analysis, p.b)));
        if (torch)
            in_torch(node, &r, line, sizeof line);
        else
            in_keras(node, &r, line, sizeof line);
        bool known = false;
        for (int k = 0; k < count; k++) known |= !strcmp(lines[k], line);
        if (!known && count < MOST_RECIPES) strcpy(lines[count++], line);
    }
    return count;
}
