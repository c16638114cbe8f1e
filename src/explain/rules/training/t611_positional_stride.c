/* SPDX-License-Identifier: Apache-2.0
 * T611: Conv2D(32, 3, 3), whose second 3 is a stride. */
#include "explain/rules/rules.h"

#include <inttypes.h>
#include <string.h>

/* Conv2D(32, 3, 3): three integers by position, and the third is the second again. */
static bool repeats_kernel(const cni_explained *node, int64_t *filters, int64_t *k)
{
    const cni_described_layer *layer = node->layer;
    static const char *const keys[] = {"filters", "kernel_size", "strides"};
    if (!cni_is(node, CNI_IS_CONVOLUTION) || layer->argument_count < 3) return false;
    for (int i = 0; i < 3; i++) {
        const cni_described_argument *argument = layer->arguments + i;
        if (!argument->positional || !argument->key || strcmp(argument->key, keys[i]) != 0) return false;
        if (!argument->value || argument->value->type != CNI_INT) return false;
    }
    *filters = layer->arguments[0].value->integer;
    *k = layer->arguments[1].value->integer;
    return *k > 1 && layer->arguments[2].value->integer == *k;
}

static void look_t611(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    int64_t filters, k;
    if (cni_is_torch(findings) || !cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (node->view.spatial == 2 && repeats_kernel(node, &filters, &k)) cni_node_list_add(findings, rule, &list, i);
    }
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    repeats_kernel(node, &filters, &k);
    cni_finding *finding =
        cni_finding_add(findings, rule, CNI_WARNING, node->id,
                        "%s: %s(%" PRId64 ", %" PRId64 ", %" PRId64 ") means kernel %" PRId64 ", stride %" PRId64
                        ". For a %" PRId64 "x%" PRId64 " window write (%" PRId64 ", %" PRId64 ").%s",
                        cni_say_node(findings, node), node->layer->class_name, filters, k, k, k, k, k, k, k, k,
                        cni_say_likewise(findings, &list));
    cni_finding_concerns(finding, &list);
    if (!finding || !findings->try_fixes) return;
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list.count; i++) {
        const cni_explained *each = findings->analysis->nodes + list.nodes[i];
        repeats_kernel(each, &filters, &k);
        cni_edit_argument(&edits, each, "kernel_size", cni_say(findings, "(%" PRId64 ", %" PRId64 ")", k, k));
        cni_edit_argument(&edits, each, "strides", "1");
    }
    cni_try(findings, finding, &edits);
}

const cni_rule cni_rule_t611 = {
    .id = "T611",
    .name = "positional-stride",
    .severity = CNI_WARNING,
    .grade = 'A',
    .whole = true,
    .look = look_t611,
    .why = "In Keras 1 Convolution2D(32, 3, 3) meant a 3x3 window: rows and columns were two arguments. Since Keras 2 "
           "the second is the window, a number or a pair, and the third is the stride. So the old habit gives windows "
           "that stand side by side: 28x28 becomes 9x9 instead of 26x26, quietly. If it is meant (patches, as in "
           "vision transformers), strides=16 by name says so and ends this warning.",
    .source = "keras issues 10300, 16826",
};
