/* SPDX-License-Identifier: Apache-2.0
 * Ways through the graph. */
#include "explain/rules/ways.h"
#include "explain/rules/arguments.h"

const cni_explained *cni_linear_behind(const cni_findings *findings, const cni_explained *node)
{
    do {
        if (!node->consumer_count) return NULL;
        node = findings->analysis->nodes + node->consumers[0];
        if (cni_is(node, CNI_IS_DENSE)) return node;
    } while (node->view.type == CNI_VIEW_POINT && node->input_count == 1);
    return NULL;
}

bool *cni_ancestors(cni_findings *findings, int node)
{
    const cni_analysis *analysis = findings->analysis;
    bool *marks = CNI_NEW_ARRAY(findings->arena, bool, (size_t)analysis->count + 1);
    if (!marks) {
        findings->failed = true;
        return NULL;
    }
    marks[node] = true;
    for (int i = node; i >= 0; i--) /* what a node is called on stands before it */
        for (int j = 0; marks[i] && j < analysis->nodes[i].input_count; j++) marks[analysis->nodes[i].inputs[j]] = true;
    return marks;
}

int cni_parting(cni_findings *findings, int a, int b)
{
    const bool *of_a = cni_ancestors(findings, a), *of_b = cni_ancestors(findings, b);
    for (int i = a < b ? a : b; of_a && of_b && i >= 0; i--)
        if (of_a[i] && of_b[i]) return i;
    return -1;
}

static bool raises(const cni_view *view)
{
    return view->type == CNI_VIEW_TRANSPOSED || view->type == CNI_VIEW_NEAREST || view->type == CNI_VIEW_BILINEAR;
}

bool *cni_feeds_map(cni_findings *findings)
{
    const cni_analysis *analysis = findings->analysis;
    bool *raised = CNI_NEW_ARRAY(findings->arena, bool, (size_t)analysis->count + 1);
    bool *feeds = CNI_NEW_ARRAY(findings->arena, bool, (size_t)analysis->count + 1);
    if (!raised || !feeds) {
        findings->failed = true;
        return NULL;
    }
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        raised[i] = raises(&node->view);
        for (int j = 0; j < node->input_count; j++) raised[i] |= raised[node->inputs[j]];
    }
    for (int i = analysis->count - 1; i >= 0; i--) {
        const cni_explained *node = analysis->nodes + i;
        feeds[i] |= node->output && raised[i] && node->spatial && node->map[0] != 1;
        for (int j = 0; feeds[i] && node->view.type != CNI_VIEW_ALL && j < node->input_count; j++)
            feeds[node->inputs[j]] = true;
    }
    return feeds;
}
