/* SPDX-License-Identifier: Apache-2.0
 * Other sizes of the image as a fix. */
#include "explain/rules/rules.h"

/* Twice the largest jump of any map, in pixels: what is exact repeats with the product of the strides. */
static int64_t reach_of(const cni_analysis *analysis)
{
    enum { FAR = 256 };
    int64_t reach = 1;
    for (int i = 0; i < analysis->count; i++)
        for (int axis = 0; axis < analysis->nodes[i].spatial; axis++) {
            const cni_receptive_field *field = analysis->nodes[i].field + axis;
            if (field->local && field->unit > 0 && cni_seen(field->jump) && field->jump / field->unit > reach)
                reach = field->jump / field->unit;
        }
    return reach < FAR / 2 ? 2 * reach : FAR;
}

/* The next size in steps of `step` that is exact along both axes; the other axis keeps its relation.  An image of less
 * than half its size would be another task. */
static bool exact_from(const cni_analysis *analysis, const int64_t now[2], int step, int64_t out[2])
{
    const int64_t reach = reach_of(analysis);
    for (int i = 1; i <= reach; i++) {
        out[0] = now[0] + (int64_t)i * step;
        out[1] = now[1] + (int64_t)i * step;
        if (2 * out[0] < now[0] || 2 * out[1] < now[1]) return false;
        if (cni_exact_input(analysis, out[0], out[1])) return true;
    }
    return false;
}

void cni_try_inputs(cni_findings *findings, cni_finding *finding, int enough)
{
    const cni_analysis *analysis = findings->analysis;
    if (!findings->try_fixes || analysis->image != 0 || finding->fix_count >= enough) return;
    const cni_explained *image = analysis->nodes;
    if (image->spatial != 2 || image->map[0] < 1 || image->map[1] < 1) return;
    for (int step = 1; step >= -1 && finding->fix_count < enough; step -= 2) {
        int64_t size[2];
        cni_edits edits = {.count = 0};
        if (!exact_from(analysis, image->map, step, size)) continue;
        cni_edit_input(&edits, size[0], size[1]);
        cni_try(findings, finding, &edits);
    }
}
