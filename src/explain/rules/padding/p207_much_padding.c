/* SPDX-License-Identifier: Apache-2.0
 * P207: multiplications by zeros of the padding. */
#include "explain/rules/rules.h"

static double padding_share(const cni_explained *node)
{
    double inside = 1;
    if (!cni_has_windows(node) || node->suspect || !cni_is(node, CNI_IS_CONVOLUTION)) return 0;
    if (node->view.border != CNI_BORDER_ZERO) return 0;
    for (int i = 0; i < node->view.spatial; i++) {
        const cni_axis *a = node->axis + i;
        if (!cni_seen(a->real) || !cni_seen(a->o) || a->o < 1) return 0;
        inside *= (double)a->real / ((double)a->o * (double)a->k);
    }
    return 1 - inside;
}

static void try_unpadded(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits valid = {.count = 0}, smaller = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        int64_t sizes[CNI_MAX_SPATIAL], pads[CNI_MAX_SPATIAL];
        for (int j = 0; j < node->view.spatial; j++) {
            sizes[j] = node->view.axis[j].size - 2;
            if (sizes[j] < 3) smaller.failed = true; /* a 1x1 is another layer */
            pads[j] = node->view.axis[j].before > 0 ? node->view.axis[j].before - node->view.axis[j].dilation : 0;
            if (pads[j] < 0) pads[j] = 0;
        }
        cni_edit_argument(&valid, node, "padding", cni_is_torch(findings) ? "0" : "'valid'");
        cni_edit_pair(findings, &smaller, node, "kernel_size", sizes, node->view.spatial);
        if (cni_is_torch(findings)) cni_edit_pair(findings, &smaller, node, "padding", pads, node->view.spatial);
    }
    cni_try(findings, finding, &valid);
    cni_try(findings, finding, &smaller);
}

static void look_p207(cni_findings *findings, const cni_rule *rule)
{
    const double noted = 0.10, much = 0.25, of_network = 0.01;
    const cni_analysis *analysis = findings->analysis;
    cni_node_list list;
    double worst = 0, wasted = 0;
    int at = -1;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        const double share = padding_share(node);
        if (share <= noted) continue;
        if (!cni_node_list_add(findings, rule, &list, i)) continue;
        if (share > much && cni_seen(node->macs)) wasted += share * (double)node->macs;
        if (share > worst) at = list.count - 1;
        if (share > worst) worst = share;
    }
    if (!list.count) return;
    const int first = list.nodes[at];
    list.nodes[at] = list.nodes[0];
    list.nodes[0] = first;
    const cni_explained *node = analysis->nodes + first, *in = cni_input_of(findings, node, 0);
    const bool costs = !cni_seen(analysis->macs) || wasted > of_network * (double)analysis->macs;
    const char *others = list.count < 2
                             ? ""
                             : cni_say(findings, " More than %s in %s, too.", cni_say_percent(findings, noted),
                                       cni_say_names(findings, list.nodes + 1, list.count - 1));
    cni_finding *finding = cni_finding_add(
        findings, rule, worst > much && costs ? CNI_WARNING : CNI_NOTE, node->id,
        "%s: %s of its multiplications meet padding (%s on %s).%s", cni_say_node(findings, node),
        cni_say_percent(findings, worst),
        cni_say_sizes(findings, (int64_t[]){node->axis[0].k, node->axis[1].k, node->axis[2].k}, node->view.spatial),
        cni_say_map(findings, in), others);
    cni_finding_concerns(finding, &list);
    if (finding && findings->try_fixes && list.count <= 4) try_unpadded(findings, finding, &list);
}

const cni_rule cni_rule_p207 = {
    .id = "P207",
    .name = "much-padding",
    .severity = CNI_NOTE,
    .grade = 'A',
    .whole = true,
    .look = look_p207,
    .why = "A 3x3 window with padding 1 on a 7x7 map meets 19 of 21 real cells along each axis: 1 - (19/21)^2 = 18 % "
           "of its multiplications are by a zero that is always there. On 3x3 maps a 7x7 window does so 82 % of the "
           "time. The arithmetic is spent, and the outputs are made of the border as much as of the image. Above 10 % "
           "this is worth knowing; above 25 % it is a warning where it costs at least 1 % of the network's "
           "arithmetic. Fewer down-samplings before, a smaller window, or none of the padding mend it.",
    .source = "Alsallakh et al. 2020, arXiv 2010.02178; Islam et al. 2020",
};
