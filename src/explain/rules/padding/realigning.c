/* SPDX-License-Identifier: Apache-2.0
 * Brings the branches of a merge back into register: other padding or other windows between their parting and the
 * merge. */
#include "explain/rules/padding/misalignment.h"
#include "explain/rules/padding/padding.h"

#include <inttypes.h>

/* Calls `change` for each node between the parting of two branches and their merge, for all merges of a list. */
static void each_between(cni_findings *findings, const cni_node_list *merges, cni_edits *edits, int step,
                         void (*change)(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step))
{
    const cni_analysis *analysis = findings->analysis;
    bool *done = CNI_NEW_ARRAY(findings->arena, bool, (size_t)analysis->count + 1);
    for (int i = 0; done && i < merges->count; i++) {
        const cni_explained *merge = analysis->nodes + merges->nodes[i];
        const cni_misaligned m = cni_misaligned_of(findings, merge);
        const int parting = cni_parting(findings, merge->inputs[m.a], merge->inputs[m.b]);
        const bool *before = cni_ancestors(findings, merge->id);
        for (int j = parting + 1; before && j < merge->id; j++) {
            if (before[j] && !done[j]) change(findings, edits, analysis->nodes + j, step);
            done[j] |= before[j];
        }
    }
}

/* Strided windows get as much padding on both sides. */
static void make_symmetric(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step)
{
    (void)step;
    if (cni_is_uneven(node, 0) || cni_is_uneven(node, 1)) cni_edit_symmetric(findings, edits, node);
}

static void resize(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step)
{
    int64_t sizes[CNI_MAX_SPATIAL];
    for (int i = 0; i < node->view.spatial; i++) {
        sizes[i] = node->view.axis[i].size + step;
        if (sizes[i] < 1) return;
    }
    cni_edit_pair(findings, edits, node, cni_window_key(findings, node), sizes, node->view.spatial);
}

static void change_transposed(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step)
{
    if (node->view.type == CNI_VIEW_TRANSPOSED) resize(findings, edits, node, step);
}

static void change_even(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step)
{
    if (cni_is_even(node, 0) || cni_is_even(node, 1)) resize(findings, edits, node, step);
}

/* With an even window the padding of an even size is as wide on either side. */
static void change_uneven(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step)
{
    if (cni_is_uneven(node, 0) || cni_is_uneven(node, 1)) resize(findings, edits, node, step);
}

/* ZeroPadding2D(1) + Conv2D(.., strides=2, padding='valid'), where that is one layer's mending; else NULL. */
static const char *symmetric_pattern(cni_findings *findings, const cni_edits *edits)
{
    const cni_edit *pad = edits->items;
    const cni_description *description = findings->analysis->description;
    if (edits->failed || edits->count != 2 || pad->type != CNI_EDIT_BEFORE || pad[1].type != CNI_EDIT_ARGUMENT ||
        pad->layer != pad[1].layer)
        return NULL;
    const cni_described_layer *layer = &description->layers[pad->layer];
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (node->layer != layer) continue;
        return cni_say(findings, "%s + %s(.., %s=%" PRId64 ", %s=%s)", pad->value, layer->class_name,
                       cni_stride_key(findings), node->view.axis[0].stride, pad[1].key, pad[1].value);
    }
    return NULL;
}

void cni_try_realigning(cni_findings *findings, cni_finding *finding, const cni_node_list *merges)
{
    static const struct {
        void (*change)(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step);
        int step;
    } ways[] = {
        {make_symmetric, 0}, {change_even, 1}, {change_transposed, 1}, {change_transposed, -1}, {change_uneven, 1}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways && finding->fix_count < 2; i++) {
        cni_edits edits = {.count = 0};
        each_between(findings, merges, &edits, ways[i].step, ways[i].change);
        const char *pattern = ways[i].change == make_symmetric ? symmetric_pattern(findings, &edits) : NULL;
        if (!pattern)
            cni_try(findings, finding, &edits);
        else if (cni_finding_try(findings, finding, edits.items, edits.count, pattern))
            finding->fixes[finding->fix_count - 1].result = "0 px"; /* apart */
    }
    cni_try_inputs(findings, finding, 2);
}
