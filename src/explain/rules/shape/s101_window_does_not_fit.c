/* SPDX-License-Identifier: Apache-2.0
 * S101: windows that are larger than what they are to read. */
#include "explain/rules/rules.h"

#include <inttypes.h>

/* The last map that follows from this one by windows alone: what has to have at least one position. */
static const cni_explained *last_window_behind(const cni_findings *findings, const cni_explained *node)
{
    const cni_analysis *analysis = findings->analysis;
    const cni_explained *last = node;
    while (node->consumer_count) {
        node = analysis->nodes + node->consumers[0];
        if (node->view.type == CNI_VIEW_WINDOW)
            last = node;
        else if (node->view.type != CNI_VIEW_POINT && node->view.type != CNI_VIEW_SHIFT)
            break;
        if (cni_is(node, CNI_IS_DENSE)) break;
    }
    return last;
}

/* The smallest image for which `node` has one position, going back over first inputs; false when it cannot be told. */
static bool least_image(const cni_findings *findings, const cni_explained *node, int axis, int64_t *size)
{
    int64_t need = 1, most;
    for (;; node = cni_input_of(findings, node, 0)) {
        const cni_view *view = &node->view;
        if (!node->input_count) break;
        if (view->type == CNI_VIEW_WINDOW && axis < view->spatial)
            cni_axis_inputs(view, axis, need, &need, &most);
        else if (view->type == CNI_VIEW_SHIFT)
            need -= view->axis[axis].before + view->axis[axis].after;
        else if (view->type == CNI_VIEW_NEAREST || view->type == CNI_VIEW_BILINEAR)
            need = (need + view->axis[axis].stride - 1) / view->axis[axis].stride;
        else if (view->type != CNI_VIEW_POINT)
            return false;
        if (need < 1) need = 1;
        if (need > INT32_MAX) return false;
    }
    *size = need;
    return true;
}

static void try_least_image(cni_findings *findings, cni_finding *finding, const cni_explained *node)
{
    const cni_explained *image = findings->analysis->nodes, *last = last_window_behind(findings, node);
    cni_edits edits = {.count = 0};
    int64_t size[2];
    if (node->view.spatial != 2 || image->spatial != 2) return;
    for (int i = 0; i < 2; i++) {
        if (!least_image(findings, last, i, size + i)) return;
        if (size[i] < image->map[i]) size[i] = image->map[i];
    }
    if (image->map[0] == image->map[1]) size[0] = size[1] = size[0] > size[1] ? size[0] : size[1];
    cni_edit_input(&edits, size[0], size[1]);
    cni_try(findings, finding, &edits);
}

/* Every unpadded convolution on the way keeps its size. */
static void try_all_padded(cni_findings *findings, cni_finding *finding, const cni_explained *node)
{
    const bool *before = cni_ancestors(findings, last_window_behind(findings, node)->id);
    cni_edits edits = {.count = 0};
    for (int i = 0; before && i < findings->analysis->count; i++) {
        const cni_explained *at = findings->analysis->nodes + i;
        if (before[i] && cni_is(at, CNI_IS_CONVOLUTION) && cni_has_windows(at) && at->view.axis[0].size > 1)
            cni_edit_pad(findings, &edits, at);
    }
    cni_try(findings, finding, &edits);
}

static void tell_window(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    int axis = 0;
    while (axis + 1 < node->view.spatial && !(cni_seen(node->axis[axis].o) && node->axis[axis].o <= 0)) axis++;
    const cni_axis *a = node->axis + axis;
    const int from = node->inputs[0];
    const int64_t padding = a->before + a->after, cells = a->n + padding;
    cni_finding *finding = cni_finding_add(findings, rule, CNI_ERROR, node->id,
                                           "%s: a window of %" PRId64 " does not fit into %" PRId64 " %s (%" PRId64
                                           " of input, %" PRId64 " of padding).",
                                           cni_say_node(findings, node), a->extent, cells,
                                           cni_say_axis(node->view.spatial, axis, cells != 1), a->n, padding);
    if (!finding) return;
    finding->history = cni_say(findings, "%s on the way: %s", cni_say_axis(node->view.spatial, axis, true),
                               cni_say_way(findings, findings->analysis, -1, from, axis, " > "));
    if (!findings->try_fixes) return;
    try_least_image(findings, finding, node);
    cni_edits pad = {.count = 0}, drop = {.count = 0};
    if (!cni_edit_pad(findings, &pad, node) || !cni_try(findings, finding, &pad))
        try_all_padded(findings, finding, node);
    if (!cni_is_pool(node)) return;
    cni_edit_remove(&drop, node);
    cni_try(findings, finding, &drop);
}

static void look_s101(cni_findings *findings, const cni_rule *rule)
{
    cni_each_cause(findings, rule, CNI_CAUSE_WINDOW, tell_window);
}

const cni_rule cni_rule_s101 = {
    .id = "S101",
    .name = "window-does-not-fit",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s101,
    .why = "A window of extent e over n cells with P cells of padding gives floor((n + P - e) / s) + 1 outputs. Where "
           "n + P is below e that is 0 or less: there is no place for the window even once. Every unpadded 3x3 window "
           "takes two cells off each axis and every pooling by 2 halves it, so maps shrink faster than one expects: "
           "28 > 26 > 13 > 11 > 5 > 3 > 1. Padding 'same' keeps sizes, fewer poolings keep them larger, and a larger "
           "input gives the last window its cells.",
    .source = "keras issues 12951, 6649, 7611; Dumoulin & Visin, arXiv 1603.07285",
};
