/* SPDX-License-Identifier: Apache-2.0
 * P205: even windows, which cannot be centred. */
#include "explain/rules/padding/padding.h"

static int even_axis(const cni_explained *node)
{
    for (int i = 0; i < CNI_MAX_SPATIAL; i++)
        if (cni_is_even(node, i)) return i;
    return -1;
}

static void try_odd(cni_findings *findings, cni_finding *finding, const cni_node_list *list, int step)
{
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        int64_t sizes[CNI_MAX_SPATIAL];
        for (int j = 0; j < node->view.spatial; j++)
            sizes[j] = node->view.axis[j].size + (cni_is_even(node, j) ? step : 0);
        cni_edit_pair(findings, &edits, node, cni_window_key(findings, node), sizes, node->view.spatial);
    }
    cni_try(findings, finding, &edits);
}

static void look_p205(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++)
        if (even_axis(findings->analysis->nodes + i) >= 0) cni_node_list_add(findings, rule, &list, i);
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    const int axis = even_axis(node);
    int64_t first = 0, sum = 0, first_den = 1, sum_den = 1;
    cni_add_shift(findings, node, axis, &first, &first_den);
    for (int i = 0; i < list.count; i++)
        if (cni_is_even(findings->analysis->nodes + list.nodes[i], axis))
            cni_add_shift(findings, findings->analysis->nodes + list.nodes[i], axis, &sum, &sum_den);
    const bool adds_up = list.count > 1 && sum != 0;
    if (!first) first = 1, first_den = 2; /* the size is not known, and it does not matter */
    const char *more =
        adds_up ? cni_say(findings, "; all even layers (%s) together %s",
                          cni_say_names(findings, list.nodes, list.count), cni_say_fraction(findings, sum, sum_den))
                : "";
    cni_finding *finding = cni_finding_add(
        findings, rule, adds_up ? CNI_WARNING : CNI_NOTE, node->id,
        "%s: an even window (%s) cannot be centred: it shifts its map by %s image px%s.", cni_say_node(findings, node),
        cni_say_sizes(findings, (int64_t[]){node->axis[0].k, node->axis[1].k, node->axis[2].k}, node->view.spatial),
        cni_say_fraction(findings, first < 0 ? -first : first, first_den), more);
    cni_finding_concerns(finding, &list);
    if (!finding || !findings->try_fixes) return;
    try_odd(findings, finding, &list, 1);
    try_odd(findings, finding, &list, -1);
}

const cni_rule cni_rule_p205 = {
    .id = "P205",
    .name = "even-kernel",
    .severity = CNI_NOTE,
    .grade = 'B',
    .whole = true,
    .look = look_p205,
    .why = "A window of even extent has no middle cell. With padding 'same' and stride 1 the padding k-1 is odd, and "
           "Keras puts the odd cell behind: every output sits half a cell off, in the same direction in every layer, "
           "so the shifts of a stack add up and features wander to one corner. Networks of even kernels were found to "
           "lose accuracy by it, and to gain it back with padding on alternating sides.",
    .source = "Wu et al. 2019, arXiv 1903.08385",
};
