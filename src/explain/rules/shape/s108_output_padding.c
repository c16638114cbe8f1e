/* SPDX-License-Identifier: Apache-2.0
 * S108: an output_padding that is no remainder of the stride. */
#include "explain/rules/rules.h"

#include <inttypes.h>

static void look_s108(cni_findings *findings, const cni_rule *rule)
{
    const bool torch = cni_is_torch(findings);
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        const int64_t extra = cni_written_most(node, "output_padding", 0);
        if (cni_shape_cause_of(findings, node) != CNI_CAUSE_OUTPUT_PADDING) continue;
        const int64_t stride = cni_written_most(node, cni_stride_key(findings), 1),
                      dilation = cni_written_most(node, "dilation", 1);
        const int64_t below = torch && dilation > stride ? dilation : stride;
        cni_finding *finding = cni_finding_add(
            findings, rule, CNI_ERROR, i, "%s: output_padding %" PRId64 " has to be below the stride%s, %" PRId64 ".",
            cni_say_node(findings, node), extra, torch ? " or the dilation" : "", below);
        cni_edits edits = {.count = 0};
        cni_edit_argument(&edits, node, "output_padding", cni_say(findings, "%" PRId64, below - 1));
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s108 = {
    .id = "S108",
    .name = "output-padding",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s108,
    .why = "Several input sizes give the same output size of a strided convolution, s of them. output_padding says "
           "which of the s sizes the transposed convolution goes back to, so 0 to s-1 make sense.",
    .source = "Keras' and PyTorch's reference of transposed convolution",
};
