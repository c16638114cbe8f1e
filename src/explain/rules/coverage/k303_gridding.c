/* SPDX-License-Identifier: Apache-2.0
 * K303: stacks of dilated windows that read a grid and leave holes. */
#include "explain/rules/coverage/coverage.h"
#include "explain/rules/coverage/offsets.h"

#include <inttypes.h>
#include <string.h>

static bool is_dilated(const cni_explained *node, int axis)
{
    return cni_has_windows(node) && axis < node->view.spatial && node->view.axis[axis].dilation > 1 &&
           node->view.axis[axis].size > 1;
}

/* A stack: windows one after the other, up to a stride, a merge or the end.  Its last window, or `node` itself. */
static const cni_explained *end_of_stack(const cni_findings *findings, const cni_explained *node, int axis,
                                         bool *dilated_later)
{
    const cni_analysis *analysis = findings->analysis;
    *dilated_later = false;
    for (const cni_explained *at = node; at->consumer_count == 1;) {
        at = analysis->nodes + at->consumers[0];
        const bool window = cni_has_windows(at);
        if (window ? at->view.axis[axis].stride > 1 : at->view.type != CNI_VIEW_POINT || at->input_count != 1) break;
        if (at->suspect) break;
        *dilated_later |= is_dilated(at, axis);
        if (window) node = at;
    }
    return node;
}

typedef struct stack {
    int nodes[CNI_MOST_RATES]; /* its windows, the first first */
    int count, axis;
} stack;

static stack stack_of(const cni_findings *findings, const cni_explained *node, int axis)
{
    stack s = {.axis = axis};
    const cni_explained *last = node;
    for (;; node = cni_input_of(findings, node, 0)) {
        const bool window = cni_has_windows(node);
        if (!window && (node->view.type != CNI_VIEW_POINT || node->input_count != 1)) break;
        if (window && node != last && node->view.axis[axis].stride > 1) break;
        if (window && node->view.axis[axis].size > 1) {
            if (s.count == CNI_MOST_RATES) break;
            memmove(s.nodes + 1, s.nodes, (size_t)s.count * sizeof *s.nodes);
            s.nodes[0] = node->id;
            s.count++;
        }
        if (!node->input_count) break;
    }
    return s;
}

/* The gap in what one output reads along an axis, by the windows on the way from the image; 0 where branches meet. */
static int64_t gap_of(cni_findings *findings, const cni_explained *node, int axis)
{
    cni_offsets *set = CNI_NEW(findings->arena, cni_offsets);
    int64_t gap = 0;
    if (!set) {
        findings->failed = true;
        return 0;
    }
    set->bits[0] = 1;
    /* from the image on: J is known of each input, so the order of the steps does not matter */
    for (; node->input_count == 1; node = cni_input_of(findings, node, 0)) {
        const cni_receptive_field *field = cni_input_of(findings, node, 0)->field + axis;
        if (!cni_has_windows(node)) continue;
        if (!field->local || field->unit != 1 || !cni_seen(field->jump)) return 0;
        if (!cni_offsets_widen(set, node->view.axis[axis].size, node->view.axis[axis].dilation * field->jump)) return 0;
    }
    if (node->input_count == 0) gap = cni_offsets_gap(set);
    return gap;
}

/* Whether the windows of a stack are the same along all axes. */
static bool is_square(const cni_findings *findings, const stack *s)
{
    bool square = true;
    for (int i = 0; i < s->count; i++) {
        const cni_view *view = &findings->analysis->nodes[s->nodes[i]].view;
        for (int j = 1; j < view->spatial; j++)
            square &= view->axis[j].size == view->axis[0].size && view->axis[j].dilation == view->axis[0].dilation;
    }
    return square;
}

static void edit_rates(cni_findings *findings, cni_edits *edits, const stack *s, const int64_t *d)
{
    const bool torch = cni_is_torch(findings), square = is_square(findings, s);
    for (int i = 0; i < s->count; i++) {
        const cni_explained *node = findings->analysis->nodes + s->nodes[i];
        int64_t dilations[CNI_MAX_SPATIAL], pads[CNI_MAX_SPATIAL];
        bool padded = false;
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_view_axis *axis = node->view.axis + j;
            dilations[j] = square || j == s->axis ? d[i] : axis->dilation;
            pads[j] =
                dilations[j] == axis->dilation || !axis->before ? axis->before : (axis->size - 1) * dilations[j] / 2;
            padded |= pads[j] != axis->before;
        }
        if (d[i] == node->view.axis[s->axis].dilation) continue;
        cni_edit_pair(findings, edits, node, cni_dilation_key(findings), dilations, node->view.spatial);
        if (torch && padded) cni_edit_pair(findings, edits, node, "padding", pads, node->view.spatial);
    }
}

static void try_rates(cni_findings *findings, cni_finding *finding, const stack *s)
{
    int64_t k[CNI_MOST_RATES], rates[CNI_MOST_RATES], reach = 0;
    cni_edits edits = {.count = 0};
    for (int i = 0; i < s->count; i++) {
        const cni_view_axis *axis = findings->analysis->nodes[s->nodes[i]].view.axis + s->axis;
        k[i] = axis->size;
        reach += (axis->size - 1) * axis->dilation;
    }
    if (!cni_rates_without_holes(findings->arena, k, s->count, reach, rates)) return;
    edit_rates(findings, &edits, s, rates);
    cni_try(findings, finding, &edits);
}

/* "2, 2, 2"; "3x1, 1" where the axes differ. */
static const char *list_of_rates(cni_findings *findings, const stack *s, int64_t *shared)
{
    const char *list = "";
    *shared = 0;
    for (int i = 0; i < s->count; i++) {
        const cni_view *view = &findings->analysis->nodes[s->nodes[i]].view;
        int64_t d[CNI_MAX_SPATIAL];
        bool equal = true;
        for (int j = 0; j < view->spatial; j++) {
            d[j] = view->axis[j].dilation;
            equal &= d[j] == d[0];
        }
        list = cni_say(findings, "%s%s%s", list, i ? ", " : "", cni_say_sizes(findings, d, equal ? 1 : view->spatial));
        *shared = cni_common_divisor(d[s->axis], *shared);
    }
    return list;
}

static int64_t width_of(const cni_receptive_field *field)
{
    return field->size / field->unit;
}

static bool has_whole_width(const cni_receptive_field *field)
{
    int64_t width;
    return cni_in_pixels(field, field->size, &width) && cni_seen(field->holes);
}

/* "7 of 13 offsets per axis"; "3 of 7 rows and all 5 columns" where the axes differ. */
static const char *offsets_read(cni_findings *findings, const cni_explained *end)
{
    const char *text = "";
    bool equal = true;
    for (int i = 1; i < end->spatial; i++)
        equal &= end->field[i].holes == end->field->holes && width_of(end->field + i) == width_of(end->field);
    for (int i = 0; i < (equal ? 1 : end->spatial); i++) {
        const int64_t r = width_of(end->field + i), read = r - end->field[i].holes;
        const char *link = !i ? "" : i == end->spatial - 1 ? " and " : ", ";
        const char *part = read == r && !equal ? cni_say(findings, "all %" PRId64, r)
                                               : cni_say(findings, "%" PRId64 " of %" PRId64, read, r);
        text = cni_say(findings, "%s%s%s %s", text, link, part,
                       equal ? "offsets per axis" : cni_say_axis(end->spatial, i, r != 1));
    }
    return text;
}

static void tell_holes(cni_findings *findings, const cni_rule *rule, const cni_explained *node,
                       const cni_explained *end, int axis)
{
    int64_t shared, gap = 0;
    double share = 1;
    for (int i = 0; i < end->spatial; i++) {
        const int64_t r = width_of(end->field + i), wide = gap_of(findings, end, i);
        share *= (double)(r - end->field[i].holes) / (double)r;
        if (wide > gap) gap = wide;
    }
    const stack s = stack_of(findings, node, axis);
    const char *list = list_of_rates(findings, &s, &shared);
    cni_finding *finding = cni_finding_add(
        findings, rule, share < 0.5 ? CNI_WARNING : CNI_NOTE, node->id,
        "One output of %s reads %s (%s of its field)%s. Dilation%s %s%s.", cni_say_node(findings, node),
        offsets_read(findings, end), cni_say_percent(findings, share),
        gap > 0 ? cni_say(findings, "; gaps of up to %" PRId64 " px", gap) : "", s.count > 1 ? "s" : "", list,
        s.count > 1 && shared > 1 ? cni_say(findings, " share the factor %" PRId64, shared)
        : s.count > 1             ? " leave holes"
                                  : " with nothing that fills in between");
    if (finding && findings->try_fixes) try_rates(findings, finding, &s);
}

/* The end of the stack of which this is the last dilated window, if holes are left along the axis; else NULL. */
static const cni_explained *end_with_holes(const cni_findings *findings, const cni_explained *node, int axis)
{
    bool later, whole = true;
    if (!is_dilated(node, axis)) return NULL;
    const cni_explained *end = end_of_stack(findings, node, axis, &later);
    for (int i = 0; i < end->spatial; i++) whole &= has_whole_width(end->field + i);
    return !later && whole && axis < end->spatial && end->field[axis].holes > 0 ? end : NULL;
}

static void look_k303(cni_findings *findings, const cni_rule *rule)
{
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i, *end = NULL;
        int axis = 0;
        if (cni_has_dead_taps(node) || node->suspect || !node->spatial) continue;
        while (axis < node->spatial && !(end = end_with_holes(findings, node, axis))) axis++;
        if (end) tell_holes(findings, rule, node, end, axis);
    }
}

const cni_rule cni_rule_k303 = {
    .id = "K303",
    .name = "gridding",
    .severity = CNI_WARNING,
    .grade = 'A',
    .look = look_k303,
    .why = "A dilated window reads every d-th cell. Stacked, the sets of offsets add: with dilations 2, 2, 2 one "
           "output reaches 13 pixels wide but reads only 7 of them along each axis, 29 % of the area; neighbouring "
           "outputs read other pixels, and the results form a grid. Rates without a common factor that begin with 1, "
           "such as 1, 2, 3 or 1, 2, 5, read every pixel of the field. The offsets are counted exactly here; the "
           "usual rule of thumb accepts 2, 2, 2.",
    .source = "Wang et al. 2017, arXiv 1702.08502; Yu & Koltun 2015, arXiv 1511.07122",
};
