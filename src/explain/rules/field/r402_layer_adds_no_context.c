/* SPDX-License-Identifier: Apache-2.0
 * R402: windows over what has seen the whole image already. */
#include "explain/rules/rules.h"

/* Whether all that reaches a convolution has seen the whole image on every axis. */
static bool has_seen_all(const cni_findings *findings, const cni_explained *node)
{
    const cni_analysis *analysis = findings->analysis;
    const cni_explained *in = cni_input_of(findings, node, 0), *image = analysis->nodes + analysis->image;
    for (int i = 0; i < node->view.spatial; i++) {
        int64_t width;
        if (i >= in->spatial || !cni_in_pixels(in->field + i, in->field[i].least_size, &width)) return false;
        if (image->map[i] < 1 || width < image->map[i]) return false;
    }
    return true;
}

static bool is_candidate(const cni_findings *findings, const cni_explained *node)
{
    bool extends = false;
    if (!cni_has_windows(node) || !cni_is(node, CNI_IS_CONVOLUTION) || node->input_count != 1 || node->suspect)
        return false;
    for (int i = 0; i < node->view.spatial; i++) extends |= node->view.axis[i].size > 1;
    return extends && has_seen_all(findings, node);
}

/* What a window takes in whole is a dense layer by another name. */
static bool is_larger_than_window(const cni_findings *findings, const cni_explained *node)
{
    const cni_explained *in = cni_input_of(findings, node, 0);
    for (int i = 0; i < node->view.spatial; i++)
        if (in->map[i] > node->axis[i].extent) return true;
    return false;
}

/* A step less on the way: the first pooling, or the first stride. */
static void try_slower(cni_findings *findings, cni_finding *finding)
{
    const cni_analysis *analysis = findings->analysis;
    for (int i = 0; i < finding->node; i++) {
        const cni_explained *node = analysis->nodes + i;
        cni_edits edits = {.count = 0};
        if (!cni_has_windows(node) || node->view.axis[0].stride < 2) continue;
        if (cni_is_pool(node))
            cni_edit_remove(&edits, node);
        else
            cni_edit_argument(&edits, node, cni_stride_key(findings), "1");
        cni_try(findings, finding, &edits);
        return;
    }
}

/* An image that is larger than what the last of them has seen. */
static void try_larger_image(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    const cni_analysis *analysis = findings->analysis;
    const cni_explained *image = analysis->nodes, *last = analysis->nodes + list->nodes[list->count - 1];
    const cni_explained *in = cni_input_of(findings, last, 0);
    int64_t least = 0, jump = 1;
    if (analysis->image != 0 || image->spatial != 2 || !cni_in_pixels(in->field, in->field->least_size, &least)) return;
    if (cni_seen(in->field->jump)) jump = in->field->jump / in->field->unit;
    const int64_t step = jump > 0 ? jump : 1, target = (least / step + 1) * step;
    if (target > 8 * image->map[0] || image->map[0] != image->map[1]) return;
    cni_edits edits = {.count = 0};
    cni_edit_input(&edits, target, target);
    cni_try(findings, finding, &edits);
}

static void look_r402(cni_findings *findings, const cni_rule *rule)
{
    const cni_analysis *analysis = findings->analysis;
    cni_node_list list;
    int64_t weights = 0;
    if (analysis->image < 0 || !cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        if (!is_candidate(findings, node) || (!list.count && !is_larger_than_window(findings, node))) continue;
        const bool added = cni_node_list_add(findings, rule, &list, i);
        if (added && cni_seen(cni_amount_sum(node->params))) weights += cni_amount_sum(node->params);
    }
    if (!list.count) return;
    const cni_explained *node = analysis->nodes + list.nodes[0];
    const int64_t all = cni_amount_sum(analysis->params);
    const char *after = list.count > 1 ? cni_say(findings, " (and %d after it)", list.count - 1) : "";
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_HINT, node->id,
        "%s%s already see%s the whole %s image at %s input. In published experiments such layers contributed little; "
        "%s %s of the %s weights (%s).",
        cni_say_node(findings, node), after, list.count > 1 ? "" : "s",
        cni_say_map(findings, analysis->nodes + analysis->image), list.count > 1 ? "their" : "its",
        list.count > 1 ? "they hold" : "it holds", cni_say_count(findings, weights), cni_say_count(findings, all),
        cni_say_percent(findings, all > 0 ? (double)weights / (double)all : 0));
    cni_finding_concerns(finding, &list);
    if (!finding || !findings->try_fixes) return;
    try_larger_image(findings, finding, &list);
    try_slower(findings, finding);
}

const cni_rule cni_rule_r402 = {
    .id = "R402",
    .name = "layer-adds-no-context",
    .severity = CNI_HINT,
    .grade = 'C',
    .whole = true,
    .look = look_r402,
    .why = "Once every path to a layer has a field as large as the image, a further 3x3 window brings in nothing that "
           "was not there. With probes trained on each layer's output, such layers were found to add little or "
           "nothing to accuracy, in VGG and ResNet variants alike; removing them, or giving larger images, used the "
           "weights better. VGG16's convolutions on 32x32 images are the usual case: seven of thirteen, with 92 % of "
           "the weights. This rests on experiments with classifiers and is no proof for yours.",
    .source = "Richter et al. 2021, arXiv 2106.12307",
};
