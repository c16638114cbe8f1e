/* SPDX-License-Identifier: Apache-2.0
 * P203: the last cells of a map, which no window reads. */
#include "explain/rules/rules.h"

#include <inttypes.h>

/* Read masks are not made of what is longer; where they are, K302 tells what is lost. */
static bool is_masked(const cni_explained *node)
{
    for (int i = 0; i < node->spatial; i++)
        if (node->map[i] > CNI_MOST_POSITIONS) return false;
    return true;
}

static void look_p203(cni_findings *findings, const cni_rule *rule)
{
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (!cni_has_windows(node) || node->input_count != 1 || node->suspect) continue;
        const cni_explained *in = cni_input_of(findings, node, 0);
        if (is_masked(in) || in->consumer_count > 1 || cni_is(in, CNI_IS_PADDING)) continue;
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_axis *a = node->axis + j;
            if (!cni_seen(a->tail) || a->tail < 1 || a->k < a->s || a->o < 1) continue;
            cni_finding *finding = cni_finding_add(
                findings, rule, CNI_WARNING, i,
                "%s: the last %s%s of %" PRId64 " %s never read (%" PRId64 " = %" PRId64 "*%" PRId64 " + %" PRId64
                " + %" PRId64 ").",
                cni_say_node(findings, node), a->tail > 1 ? cni_say(findings, "%" PRId64 " ", a->tail) : "",
                cni_say_axis(node->view.spatial, j, a->tail > 1), a->n, a->tail > 1 ? "are" : "is",
                a->n + a->before + a->after, a->o - 1, a->s, a->extent, a->tail + a->after);
            cni_edits edits = {.count = 0};
            if (findings->try_fixes && cni_edit_pad(findings, &edits, node)) cni_try(findings, finding, &edits);
            break;
        }
    }
}

const cni_rule cni_rule_p203 = {
    .id = "P203",
    .name = "tail-not-read",
    .severity = CNI_WARNING,
    .grade = 'A',
    .look = look_p203,
    .why = "Windows of extent e in steps of s over n cells cover (o-1)*s + e of them. What is left over at the end, "
           "up to s-1 cells, no window reads: those cells were computed for nothing, and what they alone have seen "
           "cannot change the result. Padding, ceil_mode or another input size mends it. Where it can be followed to "
           "the image (on all but very large maps) K302 tells the same, and what it costs.",
    .source = "Dumoulin & Visin, arXiv 1603.07285",
};
