/* SPDX-License-Identifier: Apache-2.0
 * S103: maps of other sizes, or channels, meet in a merge. */
#include "explain/rules/rules.h"

#include <inttypes.h>

/* The axis of the shape along which inputs are put one behind the other; -1: none. */
static int64_t joined_axis(const cni_explained *node, int rank)
{
    return cni_is(node, CNI_IS_CONCATENATE) ? cni_config_axis(node, rank, -1) : -1;
}

/* The first input that does not go with input 0; `axis`: that of the map where they differ, or -1 for the channels. */
static int clashing_input(const cni_findings *findings, const cni_explained *node, int *axis)
{
    const cni_explained *a = cni_input_of(findings, node, 0);
    const bool joins = cni_is(node, CNI_IS_CONCATENATE), first = a->format == CN_CHANNELS_FIRST && a->spatial;
    *axis = -1;
    for (int i = 1; i < node->input_count; i++) {
        const cni_explained *b = cni_input_of(findings, node, i);
        if (a->shape.rank != b->shape.rank) return i;
        for (int j = 1; j < a->shape.rank; j++) {
            const int64_t x = a->shape.dims[j], y = b->shape.dims[j];
            if (x == y || x < 0 || y < 0 || j == joined_axis(node, a->shape.rank)) continue;
            if (!joins && (x == 1 || y == 1)) continue; /* is stretched */
            const int at = j - 1 - first;
            *axis = at >= 0 && at < a->spatial ? at : -1;
            return i;
        }
    }
    return node->input_count > 1 ? 1 : 0;
}

/* A step of the branch that does not come out even: "x: 2 * 89 = 178, but 179 went in". */
static const char *uneven_step(cni_findings *findings, int node, int parting, int axis)
{
    const cni_analysis *analysis = findings->analysis;
    for (int i = node; i != parting && i >= 0; i = analysis->nodes[i].inputs[0]) {
        const cni_explained *at = analysis->nodes + i;
        if (!at->input_count) break;
        if (!cni_has_windows(at) || axis >= at->view.spatial) continue;
        const cni_axis *a = at->axis + axis;
        if (!cni_seen(a->o) || a->s < 2 || a->n == a->o * a->s) continue;
        return cni_say(findings, "; %" PRId64 " = %" PRId64 "*%" PRId64 ", but %" PRId64 " went into %s", a->o * a->s,
                       a->s, a->o, a->n, cni_say_node(findings, at));
    }
    return "";
}

static const char *branch_line(cni_findings *findings, int node, int parting, int axis)
{
    const char *way = cni_say_way(findings, findings->analysis, parting, node, axis < 0 ? 0 : axis, " > ");
    return cni_say(findings, "%s: %s%s", cni_say_node(findings, findings->analysis->nodes + node), way,
                   axis < 0 ? "" : uneven_step(findings, node, parting, axis));
}

/* The image at the nearest sizes that halve as often as the network does. */
static void try_even_images(cni_findings *findings, cni_finding *finding)
{
    const cni_analysis *analysis = findings->analysis;
    const cni_explained *image = analysis->nodes;
    int64_t jump = 1;
    if (analysis->image != 0 || image->spatial != 2) return;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        int64_t pixels;
        if (node->spatial && cni_in_pixels(node->field, node->field->jump, &pixels) && pixels > jump) jump = pixels;
    }
    if (jump < 2) return;
    for (int up = 1; up >= 0; up--) {
        cni_edits edits = {.count = 0};
        const int64_t rows = (image->map[0] + up * (jump - 1)) / jump * jump;
        const int64_t columns = (image->map[1] + up * (jump - 1)) / jump * jump;
        if (rows < 1 || columns < 1 || (rows == image->map[0] && columns == image->map[1])) continue;
        cni_edit_input(&edits, rows, columns);
        cni_try(findings, finding, &edits);
    }
}

/* Unpadded windows between the parting and the merge keep their sizes. */
static void try_same(cni_findings *findings, cni_finding *finding, const cni_explained *merge, int parting)
{
    const cni_analysis *analysis = findings->analysis;
    const bool *before = cni_ancestors(findings, merge->id);
    cni_edits edits = {.count = 0};
    for (int i = parting + 1; before && i < merge->id; i++) {
        const cni_explained *node = analysis->nodes + i;
        if (before[i] && cni_has_windows(node) && node->axis[0].k > 1 && node->axis[0].s == 1)
            cni_edit_pad(findings, &edits, node);
    }
    cni_try(findings, finding, &edits);
}

/* The last convolution of a branch, if only layers follow that leave its channels alone. */
static const cni_explained *maker_of(const cni_findings *findings, const cni_explained *node)
{
    while (!cni_is(node, CNI_IS_CONVOLUTION | CNI_IS_DENSE)) {
        if (node->input_count != 1 || node->view.type == CNI_VIEW_ALL) return NULL;
        node = cni_input_of(findings, node, 0);
    }
    return node;
}

static void try_channels(cni_findings *findings, cni_finding *finding, const cni_explained *from, int64_t channels)
{
    const cni_explained *maker = maker_of(findings, from);
    int64_t now;
    const char *key = maker ? cni_outputs_key(maker, &now) : NULL;
    cni_edits edits = {.count = 0};
    if (!key) return;
    cni_edit_argument(&edits, maker, key, cni_say(findings, "%" PRId64, channels));
    cni_try(findings, finding, &edits);
}

/* The larger branch takes the step that the smaller one took. */
static void try_stride(cni_findings *findings, cni_finding *finding, const cni_explained *larger,
                       const cni_explained *smaller, int axis)
{
    const cni_explained *maker = maker_of(findings, larger);
    int64_t ratio[2];
    if (!maker || larger->spatial != 2 || axis < 0 || !cni_has_windows(maker)) return;
    for (int i = 0; i < 2; i++) {
        if (smaller->map[i] < 1) return;
        ratio[i] = (larger->map[i] + smaller->map[i] - 1) / smaller->map[i] * maker->axis[i].s;
    }
    if (ratio[0] == maker->axis[0].s && ratio[1] == maker->axis[1].s) return;
    cni_edits edits = {.count = 0};
    cni_edit_pair(findings, &edits, maker, cni_stride_key(findings), ratio, 2);
    cni_try(findings, finding, &edits);
}

static const char *crop_advice(cni_findings *findings, const cni_explained *larger, const cni_explained *smaller)
{
    const int64_t rows = larger->map[0] - smaller->map[0], columns = larger->map[1] - smaller->map[1];
    if (larger->spatial != 2 || rows < 0 || columns < 0 || rows + columns == 0) return NULL;
    if (cni_is_torch(findings))
        return cni_say(findings,
                       "padding %s by the difference: F.pad(x, (%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ")).",
                       cni_say_node(findings, smaller), columns / 2, columns - columns / 2, rows / 2, rows - rows / 2);
    return cni_say(findings,
                   "cutting the difference off %s: Cropping2D(((%" PRId64 ", %" PRId64 "), (%" PRId64 ", %" PRId64
                   "))); or padding %s by it: ZeroPadding2D(((%" PRId64 ", %" PRId64 "), (%" PRId64 ", %" PRId64 "))).",
                   cni_say_node(findings, larger), rows / 2, rows - rows / 2, columns / 2, columns - columns / 2,
                   cni_say_node(findings, smaller), rows / 2, rows - rows / 2, columns / 2, columns - columns / 2);
}

static void mend_merge(cni_findings *findings, cni_finding *finding, const cni_explained *merge, const cni_explained *a,
                       const cni_explained *b, int axis)
{
    const bool a_larger = axis >= 0 && a->map[axis] > b->map[axis];
    const cni_explained *larger = a_larger ? a : b, *smaller = a_larger ? b : a;
    const int parting = cni_parting(findings, a->id, b->id);
    if (axis < 0) {
        try_channels(findings, finding, b, a->channels);
        try_channels(findings, finding, a, b->channels);
        return;
    }
    finding->advice = crop_advice(findings, larger, smaller);
    if (!findings->try_fixes) return;
    try_even_images(findings, finding);
    try_same(findings, finding, merge, parting);
    try_stride(findings, finding, larger, smaller, axis);
}

static void tell_merge(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    int axis = -1;
    const int other = clashing_input(findings, node, &axis);
    if (!other) return;
    const cni_explained *a = cni_input_of(findings, node, 0), *b = cni_input_of(findings, node, other);
    const int parting = cni_parting(findings, a->id, b->id);
    cni_finding *finding =
        cni_finding_add(findings, rule, CNI_ERROR, node->id, "%s: %s from %s meets %s from %s.",
                        cni_say_node(findings, node), cni_say_shape(findings, &a->shape), cni_say_node(findings, a),
                        cni_say_shape(findings, &b->shape), cni_say_node(findings, b));
    if (!finding) return;
    const char *first = branch_line(findings, a->id, parting, axis),
               *second = branch_line(findings, b->id, parting, axis);
    if (axis >= 0 && parting >= 0)
        finding->history = cni_say(findings, "%s from %s on\n%s\n%s", cni_say_axis(a->spatial, axis, true),
                                   findings->analysis->nodes[parting].name, first, second);
    mend_merge(findings, finding, node, a, b, axis);
}

static void look_s103(cni_findings *findings, const cni_rule *rule)
{
    cni_each_cause(findings, rule, CNI_CAUSE_MERGE, tell_merge);
}

const cni_rule cni_rule_s103 = {
    .id = "S103",
    .name = "merge-size-mismatch",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s103,
    .why = "Add and Concatenate put maps on top of each other, so their sizes have to be equal. They part where one "
           "branch rounds and the other does not: a pooling of 179 gives 89, and doubling 89 gives 178, not 179. With "
           "d halvings and doublings all is well when height and width are multiples of 2^d. Unpadded windows on one "
           "branch only, or a stride that the shortcut lacks, have the same effect.",
    .source = "keras issue 19964; segmentation_models issues 1 and 154",
};
