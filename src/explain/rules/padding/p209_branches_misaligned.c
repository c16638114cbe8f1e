/* SPDX-License-Identifier: Apache-2.0
 * P209: merges of maps that are out of register. */
#include "explain/rules/padding/misalignment.h"

static void tell_misaligned(cni_findings *findings, const cni_rule *rule, const cni_node_list *merges)
{
    const cni_explained *node = findings->analysis->nodes + merges->nodes[0];
    const cni_misaligned m = cni_misaligned_of(findings, node);
    const cni_explained *a = cni_input_of(findings, node, m.a), *b = cni_input_of(findings, node, m.b);
    const int parting = cni_parting(findings, a->id, b->id);
    const char *more = "";
    for (int i = 1; i < merges->count; i++) {
        const cni_explained *other = findings->analysis->nodes + merges->nodes[i];
        const cni_misaligned of = cni_misaligned_of(findings, other);
        more = cni_say(findings, "%s%s %s by %s", more, i == 1 ? "; likewise" : ",", cni_say_node(findings, other),
                       cni_say_distance(findings, &of, other->spatial));
    }
    cni_finding *finding = cni_finding_add(findings, rule, CNI_WARNING, node->id, "%s mixes maps %s out of register%s",
                                           node->name, cni_say_distance(findings, &m, node->spatial), more);
    if (!finding) return;
    finding->history = cni_say(findings, "%s%s", cni_say_branches(findings, a, b, parting, m.axis),
                               cni_say_parting(findings, node, &m, parting));
    cni_finding_concerns(finding, merges);
    if (findings->try_fixes) cni_try_realigning(findings, finding, merges);
}

static bool same_place(const cni_explained *a, const cni_explained *b)
{
    return a->span.line && a->span.line == b->span.line && a->span.column == b->span.column;
}

/* Whether one of the branches of merge `b` goes through merge `a`, whose shift it carries on. */
static bool is_inside(cni_findings *findings, const cni_explained *a, const cni_explained *b)
{
    const cni_misaligned m = cni_misaligned_of(findings, b);
    const bool *before = cni_ancestors(findings, b->id);
    return before && before[a->id] && a->id > cni_parting(findings, b->inputs[m.a], b->inputs[m.b]);
}

/* Merges that come from one place of the text (a function, a loop), and those inside each other, are one finding. */
static void look_p209(cni_findings *findings, const cni_rule *rule)
{
    const cni_analysis *analysis = findings->analysis;
    bool *told = CNI_NEW_ARRAY(findings->arena, bool, (size_t)analysis->count + 1);
    if (!told) {
        findings->failed = true;
        return;
    }
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *first = analysis->nodes + i;
        cni_node_list merges;
        if (told[i] || cni_misaligned_of(findings, first).axis < 0) continue;
        if (!cni_node_list_new(findings, &merges)) return;
        for (int j = i; j < analysis->count; j++) {
            const cni_explained *other = analysis->nodes + j;
            if (cni_misaligned_of(findings, other).axis < 0) continue;
            if (j != i && !same_place(first, other) && !is_inside(findings, first, other)) continue;
            told[j] = true;
            cni_node_list_add(findings, rule, &merges, j);
        }
        if (merges.count) tell_misaligned(findings, rule, &merges);
    }
}

const cni_rule cni_rule_p209 = {
    .id = "P209",
    .name = "branches-misaligned",
    .severity = CNI_WARNING,
    .grade = 'A',
    .look = look_p209,
    .why = "A residual network adds what its branches say about one place of the image. A 3x3 window with stride 2 "
           "and Keras' 'same' on an even size has its first window over 0,1,2, centred at 1; the 1x1 window with "
           "stride 2 on the shortcut is centred at 0. So the sum mixes places one cell apart, half a cell of the "
           "result, and each further stage doubles it in pixels of the image. With one cell of padding on both sides, "
           "or an odd input size, both are centred at 0. Published ResNets are aligned; the criterion is that of the "
           "study on receptive fields.",
    .source = "Araujo, Norris & Sim, Distill 2019 (alignment of paths)",
};
