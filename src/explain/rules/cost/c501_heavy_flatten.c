/* SPDX-License-Identifier: Apache-2.0
 * C501: a dense layer with a weight for each position of a map. */
#include "explain/rules/rules.h"

/* The Flatten of a map that a dense layer stands behind, with only element-wise layers between; NULL: none. */
static const cni_explained *flatten_before(const cni_findings *findings, const cni_explained *node)
{
    while (node->input_count == 1) {
        node = cni_input_of(findings, node, 0);
        if (cni_is(node, CNI_IS_FLATTEN)) break;
        if (node->view.type != CNI_VIEW_POINT || cni_is(node, CNI_IS_DENSE)) return NULL;
    }
    if (!cni_is(node, CNI_IS_FLATTEN) || node->input_count != 1) return NULL;
    const cni_explained *map = cni_input_of(findings, node, 0);
    for (int i = 0; i < map->spatial; i++)
        if (map->map[i] > 1) return node;
    return NULL;
}

static void tell_heavy(cni_findings *findings, const cni_rule *rule, const cni_explained *node,
                       const cni_explained *flatten)
{
    const double half = 0.5;
    const int64_t many = 100000;
    const cni_analysis *analysis = findings->analysis;
    const cni_explained *map = cni_input_of(findings, flatten, 0);
    const int64_t mine = cni_amount_sum(node->params);
    const int64_t all = cni_amount_sum(analysis->params);
    const double share = all > 0 ? (double)mine / (double)all : 0;
    if (mine < 1 || !cni_seen(all)) return;
    cni_finding *finding = cni_finding_add(
        findings, rule, share > half && mine > many ? CNI_WARNING : CNI_HINT, node->id,
        "%s after %s holds %s of %s weights (%s), one for each of %s values and output.", cni_say_node(findings, node),
        cni_say_node(findings, flatten), cni_say_count(findings, mine), cni_say_count(findings, all),
        cni_say_percent(findings, share), cni_say_shape(findings, &map->shape));
    if (!finding || !findings->try_fixes || map->spatial != 2) return;
    cni_edits edits = {.count = 0};
    if (cni_is_torch(findings))
        cni_edit_before(&edits, flatten, "AdaptiveAvgPool2d(1)");
    else
        cni_edit_replace(&edits, flatten, "GlobalAveragePooling2D()");
    cni_try(findings, finding, &edits);
}

static void look_c501(cni_findings *findings, const cni_rule *rule)
{
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (!cni_is(node, CNI_IS_DENSE) || node->suspect || node->shared_with >= 0) continue;
        const cni_explained *flatten = flatten_before(findings, node);
        if (flatten) tell_heavy(findings, rule, node, flatten);
    }
}

const cni_rule cni_rule_c501 = {
    .id = "C501",
    .name = "heavy-flatten",
    .severity = CNI_WARNING,
    .or_else = "hint",
    .grade = 'A',
    .look = look_c501,
    .why = "Flatten hands every position of every channel to the dense layer as a value of its own, and each of them "
           "has a weight for each output: 7*7*512*4096 = 102,760,448 in VGG16, three quarters of the network. They "
           "tie what was learned to its place and to one size of the image, and over-fit first. Averaging each "
           "channel over the map leaves as many values as there are channels; one more pooling before Flatten takes "
           "three quarters off. Whether position matters to the task decides. Above half of all weights and 100,000 "
           "of them this is a warning, else a hint.",
    .source = "Lin et al. 2013 (Network in Network), arXiv 1312.4400",
};
