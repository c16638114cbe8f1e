/* SPDX-License-Identifier: Apache-2.0
 * S107: a pooling with more padding than half of its window in PyTorch. */
#include "explain/rules/rules.h"

#include <inttypes.h>

static void look_s107(cni_findings *findings, const cni_rule *rule)
{
    if (!cni_is_torch(findings)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        int64_t most[CNI_MAX_SPATIAL];
        if (cni_shape_cause_of(findings, node) != CNI_CAUSE_POOL_PADDING) continue;
        for (int j = 0; j < node->view.spatial; j++) most[j] = node->view.axis[j].size / 2;
        cni_finding *finding =
            cni_finding_add(findings, rule, CNI_ERROR, i,
                            "%s: padding %" PRId64 " is more than half of the window of %" PRId64
                            "; PyTorch allows at most %" PRId64 ".",
                            cni_say_node(findings, node), node->view.axis[0].before, node->view.axis[0].size, most[0]);
        cni_edits edits = {.count = 0};
        cni_edit_pair(findings, &edits, node, "padding", most, node->view.spatial);
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s107 = {
    .id = "S107",
    .name = "pool-padding-too-large",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s107,
    .why = "With padding above half of the window, a pooling window could lie in the padding as a whole, and its "
           "maximum would be minus infinity. PyTorch refuses it.",
    .source = "PyTorch reference of MaxPool2d",
};
