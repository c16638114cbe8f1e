/* SPDX-License-Identifier: Apache-2.0
 * S105: a stride and a dilation in one layer of Keras'. */
#include "explain/rules/rules.h"

#include <inttypes.h>

static void look_s105(cni_findings *findings, const cni_rule *rule)
{
    if (cni_is_torch(findings)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        const int64_t stride = cni_written_most(node, "strides", 1),
                      dilation = cni_written_most(node, "dilation_rate", 1);
        if (!cni_is(node, CNI_IS_CONVOLUTION) || stride < 2 || dilation < 2) continue;
        const bool allowed = node->layer->config != NULL; /* depthwise, separable: documented as incompatible */
        cni_finding *finding =
            cni_finding_add(findings, rule, allowed ? CNI_WARNING : CNI_ERROR, i,
                            "%s has strides %" PRId64 " and dilation_rate %" PRId64 ": %s one of them has to be 1.",
                            cni_say_node(findings, node), stride, dilation,
                            allowed ? "Keras' documentation says that" : "Keras refuses both together,");
        cni_edits undilated = {.count = 0}, unstrided = {.count = 0};
        cni_edit_argument(&undilated, node, "dilation_rate", "1");
        cni_edit_argument(&unstrided, node, "strides", "1");
        cni_try(findings, finding, &undilated);
        cni_try(findings, finding, &unstrided);
    }
}

const cni_rule cni_rule_s105 = {
    .id = "S105",
    .name = "stride-with-dilation",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s105,
    .why = "A stride skips positions of the output, a dilation skips cells between the taps. Where both share a "
           "factor, rows and columns of the input are never read at all. Keras refuses the combination for Conv2D and "
           "its transposed form when the layer is made; for depthwise and separable convolutions its documentation "
           "calls it incompatible.",
    .source = "Keras' constructor checks and reference",
};
