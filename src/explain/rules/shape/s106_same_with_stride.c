/* SPDX-License-Identifier: Apache-2.0
 * S106: 'same' with a stride in PyTorch. */
#include "explain/rules/rules.h"

#include <inttypes.h>

static void look_s106(cni_findings *findings, const cni_rule *rule)
{
    if (!cni_is_torch(findings)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        const int64_t stride = cni_written_most(node, "stride", 1), kernel = cni_written_most(node, "kernel_size", 1);
        if (cni_shape_cause_of(findings, node) != CNI_CAUSE_SAME_STRIDE) continue;
        cni_finding *finding =
            cni_finding_add(findings, rule, CNI_ERROR, i,
                            "%s: PyTorch takes padding='same' with stride 1 only, here it is %" PRId64 ".",
                            cni_say_node(findings, node), stride);
        if (!finding) continue;
        const int64_t extent = (kernel - 1) * cni_written_most(node, "dilation", 1) + 1;
        const int64_t total = extent > stride ? extent - stride : 0; /* of an even size */
        finding->advice =
            cni_say(findings,
                    "doing what Keras' 'same' does at sizes that %" PRId64 " divides: x = F.pad(x, (%" PRId64
                    ", %" PRId64 ", %" PRId64 ", %" PRId64 ")) and padding=0.",
                    stride, total / 2, total - total / 2, total / 2, total - total / 2);
        cni_edits edits = {.count = 0};
        cni_edit_argument(&edits, node, "padding", cni_say(findings, "%" PRId64, extent / 2));
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s106 = {
    .id = "S106",
    .name = "same-with-stride-in-pytorch",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s106,
    .why = "With a stride, 'same' depends on the size of the input: Keras pads max((o-1)*s + k - n, 0) cells and puts "
           "the odd one behind. PyTorch has no such rule and refuses; padding=k//2 gives the same sizes, but its "
           "windows sit elsewhere (one cell further to the left and up for 3x3 with stride 2 on an even size). To "
           "copy weights from Keras, pad by hand.",
    .source = "PyTorch reference of Conv2d; section on comparing frameworks",
};
