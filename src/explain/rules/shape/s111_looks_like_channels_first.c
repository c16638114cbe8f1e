/* SPDX-License-Identifier: Apache-2.0
 * S111: an image whose channels seem to stand first. */
#include "explain/rules/rules.h"

#include <inttypes.h>

static void look_s111(cni_findings *findings, const cni_rule *rule)
{
    if (cni_is_torch(findings)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        const int64_t *dims = node->shape.dims + 1;
        if (node->input_count || node->shape.rank != 4 || node->format == CN_CHANNELS_FIRST) continue;
        if ((dims[0] != 1 && dims[0] != 3 && dims[0] != 4) || dims[1] < 16 || dims[2] < 16) continue;
        cni_finding *finding = cni_finding_add(findings, rule, CNI_WARNING, i,
                                               "%s: input %s is read as height %" PRId64 ", width %" PRId64 ", %" PRId64
                                               " channels. It looks like channels first.",
                                               cni_say_node(findings, node), cni_say_shape(findings, &node->shape),
                                               dims[0], dims[1], dims[2]);
        if (!finding) continue;
        finding->advice = "data_format='channels_first' in every layer, or "
                          "keras.config.set_image_data_format('channels_first'), for data that has its channels first.";
        cni_edits edits = {.count = 0};
        cni_edit_argument(&edits, node, "shape",
                          cni_say(findings, "(%" PRId64 ", %" PRId64 ", %" PRId64 ")", dims[1], dims[2], dims[0]));
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s111 = {
    .id = "S111",
    .name = "looks-like-channels-first",
    .severity = CNI_WARNING,
    .grade = 'C',
    .look = look_s111,
    .why = "Keras reads shapes as height, width, channels unless it is told otherwise; PyTorch and older texts put "
           "the channels first. A shape such as 1x28x28 is then an image of one row with 28 channels: 3x3 windows do "
           "not fit, or with padding look past the image most of the time. That it was meant otherwise is a guess "
           "from 1, 3 or 4 in front of two larger numbers.",
    .source = "keras issue 7611",
};
