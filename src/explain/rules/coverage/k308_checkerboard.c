/* SPDX-License-Identifier: Apache-2.0
 * K308: transposed windows whose patches overlap unevenly. */
#include "explain/rules/rules.h"

#include <inttypes.h>

static bool is_patterned(const cni_explained *node)
{
    if (node->view.type != CNI_VIEW_TRANSPOSED) return false;
    for (int i = 0; i < node->view.spatial; i++)
        if (node->view.axis[i].stride > 1 && node->view.axis[i].size % node->view.axis[i].stride) return true;
    return false;
}

static void try_multiple(cni_findings *findings, cni_finding *finding, const cni_node_list *list, int times)
{
    const cni_analysis *analysis = findings->analysis;
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = analysis->nodes + list->nodes[i];
        int64_t sizes[CNI_MAX_SPATIAL], pads[CNI_MAX_SPATIAL];
        bool cut = false;
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_view_axis *axis = node->view.axis + j;
            sizes[j] = axis->stride > 1 ? times * axis->stride : axis->size;
            pads[j] = (sizes[j] - axis->stride) / 2; /* the output is stride times the input */
            cut |= (sizes[j] - axis->stride) % 2 != 0;
        }
        if (cni_is_torch(findings) && cut) return;
        cni_edit_pair(findings, &edits, node, "kernel_size", sizes, node->view.spatial);
        if (!cni_is_torch(findings)) continue;
        cni_edit_pair(findings, &edits, node, "padding", pads, node->view.spatial);
        cni_edit_argument(&edits, node, "output_padding", "0");
    }
    cni_try(findings, finding, &edits);
}

static void look_k308(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++)
        if (is_patterned(findings->analysis->nodes + i)) cni_node_list_add(findings, rule, &list, i);
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    int axis = 0;
    while (axis + 1 < node->view.spatial && node->view.axis[axis].size % node->view.axis[axis].stride == 0) axis++;
    const int64_t k = node->view.axis[axis].size, s = node->view.axis[axis].stride;
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_WARNING, node->id,
        "Outputs of %s receive %" PRId64 " or %" PRId64 " contributions per axis in a regular pattern: %" PRId64
        " is no multiple of the stride %" PRId64 ".%s",
        cni_say_node(findings, node), k / s, k / s + 1, k, s, cni_say_likewise(findings, &list));
    cni_finding_concerns(finding, &list);
    if (!finding) return;
    finding->advice = "up-sampling by copying (UpSampling2D, nn.Upsample), and a convolution after it.";
    if (!findings->try_fixes) return;
    try_multiple(findings, finding, &list, 2);
    try_multiple(findings, finding, &list, 1);
}

const cni_rule cni_rule_k308 = {
    .id = "K308",
    .name = "checkerboard",
    .severity = CNI_WARNING,
    .grade = 'A',
    .whole = true,
    .look = look_k308,
    .why = "A transposed convolution of size k paints k cells for each input, s cells apart. Where s does not divide "
           "k the painted patches overlap unevenly: with k=3 and s=2 outputs get 1 and 2 contributions in turn, along "
           "both axes, hence 1, 2 or 4. The network can learn to even it out, but in practice images made so show a "
           "checkerboard. With k=2s (4 and 2) every output gets as many; copying up-sampling and a convolution behind "
           "it have no such pattern.",
    .source = "Odena, Dumoulin & Olah, Distill 2016",
};
