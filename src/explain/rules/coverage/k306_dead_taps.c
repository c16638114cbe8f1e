/* SPDX-License-Identifier: Apache-2.0
 * K306: taps that lie in the padding wherever the window stands. */
#include "explain/rules/coverage/coverage.h"

#include <inttypes.h>

bool cni_has_dead_taps(const cni_explained *node)
{
    if (!cni_has_windows(node) || !cni_is(node, CNI_IS_CONVOLUTION) || node->suspect) return false;
    for (int i = 0; i < node->view.spatial; i++)
        if (!cni_seen(node->axis[i].live) || node->axis[i].o < 1) return false;
    for (int i = 0; i < node->view.spatial; i++)
        if (node->axis[i].live < node->axis[i].k) return true;
    return false;
}

static int64_t product(const cni_explained *node, bool live)
{
    int64_t taps = 1;
    for (int i = 0; i < node->view.spatial; i++) taps *= live ? node->axis[i].live : node->axis[i].k;
    return taps;
}

/* A kernel of the size that is alive, with the padding that keeps it in place. */
static void try_live_size(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        int64_t sizes[CNI_MAX_SPATIAL], pads[CNI_MAX_SPATIAL];
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_view_axis *axis = node->view.axis + j;
            sizes[j] = node->axis[j].live > 0 ? node->axis[j].live : 1;
            pads[j] = axis->before - (axis->size - sizes[j]) * axis->dilation / 2;
            if (pads[j] < 0) pads[j] = 0;
        }
        cni_edit_pair(findings, &edits, node, "kernel_size", sizes, node->view.spatial);
        if (cni_is_torch(findings)) cni_edit_pair(findings, &edits, node, "padding", pads, node->view.spatial);
    }
    cni_try(findings, finding, &edits);
}

static void look_k306(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    int64_t dead = 0;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *at = findings->analysis->nodes + i;
        if (!cni_has_dead_taps(at) || !cni_node_list_add(findings, rule, &list, i)) continue;
        if (cni_seen(at->dead_weights)) dead += at->dead_weights;
    }
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_WARNING, node->id,
        "Only %" PRId64 " of %" PRId64 " taps of %s can reach its %s input%s; %s weights never meet data.%s",
        product(node, true), product(node, false), cni_say_node(findings, node),
        cni_say_map(findings, cni_input_of(findings, node, 0)),
        node->view.axis[0].dilation > 1 ? cni_say(findings, " (dilation %" PRId64 ")", node->view.axis[0].dilation)
                                        : "",
        cni_say_count(findings, dead), cni_say_likewise(findings, &list));
    cni_finding_concerns(finding, &list);
    if (finding && findings->try_fixes) try_live_size(findings, finding, &list);
}

const cni_rule cni_rule_k306 = {
    .id = "K306",
    .name = "dead-taps",
    .severity = CNI_WARNING,
    .grade = 'A',
    .whole = true,
    .look = look_k306,
    .why = "A 7x7 window with padding 'same' on a 3x3 map can be shifted by one cell to each side only, so its outer "
           "taps lie in the padding wherever it stands: 24 of 49 never meet data, get no gradient, and are stored and "
           "multiplied for nothing. Large dilations on small maps do the same: at dilation 12 on a 10x10 map only the "
           "middle tap is left, and the layer is a 1x1 convolution. A kernel of the live size gives exactly the same "
           "results.",
    .source = "own computation; Chen et al. 2017 (DeepLabv3), arXiv 1706.05587, for dilations",
};
