/* SPDX-License-Identifier: Apache-2.0
 * S110: a Dense that takes the last axis of a map. */
#include "explain/rules/rules.h"

static bool comes_from_windows(cni_findings *findings, int node)
{
    const bool *before = cni_ancestors(findings, node);
    for (int i = 0; before && i <= node; i++)
        if (before[i] && findings->analysis->nodes[i].view.type == CNI_VIEW_WINDOW) return true;
    return false;
}

/* Maps of one position, as in squeeze-and-excitation, are vectors in disguise; sequences are made for it. */
static bool is_map(cni_findings *findings, const cni_explained *in)
{
    bool one = true;
    for (int i = 0; i < in->spatial; i++) one &= in->map[i] == 1;
    return in->spatial && !one && (in->spatial > 1 || comes_from_windows(findings, in->id));
}

static void look_s110(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    if (cni_is_torch(findings) || !cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (cni_is(node, CNI_IS_DENSE) && node->input_count == 1 && !node->error.status &&
            is_map(findings, cni_input_of(findings, node, 0)))
            cni_node_list_add(findings, rule, &list, i);
    }
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0], *in = cni_input_of(findings, node, 0);
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_WARNING, node->id,
        "%s: Dense works on the last axis only: %s separate applications, output %s. A Flatten or pooling layer is "
        "probably missing.",
        cni_say_node(findings, node), cni_say_map(findings, in), cni_say_shape(findings, &node->shape));
    cni_finding_concerns(finding, &list);
    static const char *const layers[] = {"Flatten()", "GlobalAveragePooling2D()"};
    for (int i = 0; findings->try_fixes && i < (in->spatial == 2 ? 2 : 1); i++) {
        cni_edits edits = {.count = 0};
        cni_edit_before(&edits, node, layers[i]);
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s110 = {
    .id = "S110",
    .name = "dense-on-map",
    .severity = CNI_WARNING,
    .grade = 'A',
    .whole = true,
    .look = look_s110,
    .why = "Keras' Dense multiplies along the last axis and leaves the others alone. On a map of height x width x "
           "channels it is a 1x1 convolution: the same weights at every position, and the output is a map again. A "
           "classifier that ends so gives a class for each position, and its loss meets targets of another shape. "
           "Flatten makes one vector of the map, pooling one number of each channel.",
    .source = "Keras reference of Dense",
};
