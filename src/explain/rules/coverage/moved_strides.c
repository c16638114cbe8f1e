/* SPDX-License-Identifier: Apache-2.0
 * A stride is taken back to where it is read: 1x1 stride 2, then 3x3, becomes 1x1, then 3x3 stride 2. */
#include "explain/rules/coverage/coverage.h"

static const cni_explained *window_after(const cni_findings *findings, const cni_explained *node)
{
    while (node->consumer_count == 1) {
        node = findings->analysis->nodes + node->consumers[0];
        if (cni_has_windows(node)) return node;
        if (node->view.type != CNI_VIEW_POINT || node->input_count != 1) return NULL;
    }
    return NULL;
}

bool cni_move_stride(cni_findings *findings, cni_edits *edits, const cni_explained *node)
{
    const cni_explained *next = window_after(findings, node);
    int64_t moved[CNI_MAX_SPATIAL], ones[CNI_MAX_SPATIAL];
    const char *key = cni_stride_key(findings);
    if (!next || !cni_is(next, CNI_IS_CONVOLUTION) || next->view.spatial != node->view.spatial) return false;
    for (int i = 0; i < node->view.spatial; i++) {
        const cni_view_axis *to = next->view.axis + i;
        ones[i] = 1;
        moved[i] = node->view.axis[i].stride * to->stride;
        if (to->size < moved[i] || to->dilation > 1) return false;
    }
    cni_edit_pair(findings, edits, node, key, ones, node->view.spatial);
    cni_edit_pair(findings, edits, next, key, moved, node->view.spatial);
    return true;
}

/* All of a list's strides that can be moved. */
static bool move_strides(cni_findings *findings, cni_edits *edits, const cni_node_list *list)
{
    bool any = false;
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        any |= cni_skips_cells(node) && cni_move_stride(findings, edits, node);
    }
    return any;
}

/* As a fix; where a function makes these layers and others, as advice. */
bool cni_try_moved_strides(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits moved = {.count = 0};
    if (!move_strides(findings, &moved, list)) return false;
    return cni_try(findings, finding, &moved) ||
           (!moved.failed && cni_finding_advise(findings, finding, moved.items, moved.count));
}
