/* SPDX-License-Identifier: Apache-2.0
 * P204: padding behind the last window. */
#include "explain/rules/rules.h"

#include <inttypes.h>

/* Cells of a padding layer's end that none of the windows on it reach; 0 when something else reads it. */
static int64_t unread_padding(const cni_findings *findings, const cni_explained *node, int axis)
{
    const int64_t after = node->view.axis[axis].after;
    int64_t least = after;
    if (after < 1 || !node->consumer_count) return 0;
    for (int i = 0; i < node->consumer_count; i++) {
        const cni_explained *reader = findings->analysis->nodes + node->consumers[i];
        if (!cni_has_windows(reader) || axis >= reader->view.spatial || !cni_seen(reader->axis[axis].tail)) return 0;
        if (reader->axis[axis].tail < least) least = reader->axis[axis].tail;
    }
    return least > 0 ? least : 0;
}

/* Padded cells behind the last window on one axis; `before` and `after` are the padding. */
static int64_t unreached(const cni_findings *findings, const cni_explained *node, int axis, int64_t *before,
                         int64_t *after)
{
    const cni_view_axis *given = node->view.axis + axis;
    *before = given->before;
    *after = given->after;
    if (axis >= node->view.spatial || node->suspect) return 0;
    if (cni_is(node, CNI_IS_PADDING) && node->view.type == CNI_VIEW_SHIFT) return unread_padding(findings, node, axis);
    const cni_axis *a = node->axis + axis;
    if (!cni_has_windows(node) || given->rule != CNI_PAD_GIVEN || given->after < 1 || !cni_seen(a->rest)) return 0;
    return a->rest > 0 ? a->after - a->after_used : 0;
}

static int unreached_axis(const cni_findings *findings, const cni_explained *node, bool axes[CNI_MAX_SPATIAL])
{
    int64_t before, after;
    int first = -1;
    for (int i = CNI_MAX_SPATIAL - 1; i >= 0; i--) {
        axes[i] = unreached(findings, node, i, &before, &after) > 0;
        if (axes[i]) first = i;
    }
    return first;
}

/* A padding layer without the cells that nobody reads. */
static void try_less(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        int64_t before[2], after[2];
        if (!cni_is(node, CNI_IS_PADDING) || node->view.spatial != 2 || cni_is_torch(findings)) return;
        for (int j = 0; j < 2; j++) after[j] -= unreached(findings, node, j, before + j, after + j);
        cni_edit_argument(&edits, node, "padding",
                          cni_say(findings, "((%" PRId64 ", %" PRId64 "), (%" PRId64 ", %" PRId64 "))", before[0],
                                  after[0], before[1], after[1]));
    }
    cni_try(findings, finding, &edits);
}

static void look_p204(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    bool axes[CNI_MAX_SPATIAL];
    int64_t before, after;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++)
        if (unreached_axis(findings, findings->analysis->nodes + i, axes) >= 0)
            cni_node_list_add(findings, rule, &list, i);
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    const int axis = unreached_axis(findings, node, axes), spatial = node->view.spatial;
    const int64_t cells = unreached(findings, node, axis, &before, &after);
    const bool both = spatial == 2 && axes[0] && axes[1];
    const char *what = cni_say(findings, "%s%s%s", cni_say_axis(spatial, axis, cells > 1), both ? " and " : "",
                               both ? cni_say_axis(spatial, 1, cells > 1) : "");
    cni_finding *finding = cni_finding_add(findings, rule, CNI_NOTE, node->id,
                                           "%s: of the padding %" PRId64 "/%" PRId64 " only %" PRId64 "/%" PRId64
                                           " is used; the last %spadded %s %s never reached.%s",
                                           cni_say_node(findings, node), before, after, before, after - cells,
                                           cells > 1 ? cni_say(findings, "%" PRId64 " ", cells) : "", what,
                                           cells > 1 || both ? "are" : "is", cni_say_likewise(findings, &list));
    cni_finding_concerns(finding, &list);
    if (!finding || !findings->try_fixes) return;
    try_less(findings, finding, &list);
    cni_try_inputs(findings, finding, 2);
}

const cni_rule cni_rule_p204 = {
    .id = "P204",
    .name = "padding-not-reached",
    .severity = CNI_NOTE,
    .grade = 'A',
    .whole = true,
    .look = look_p204,
    .why = "nn.Conv2d(.., 3, stride=2, padding=1) on an even size pads both sides, but the last window ends before "
           "the padding behind: it reads -1,0,1 at the start and n-3,n-2,n-1 at the end. The padding looks symmetric "
           "and is not: used are 1 before and 0 after, and the grid of outputs lies half a cell up and to the left. "
           "Nothing is lost, so this is a note; on an odd size both sides are used.",
    .source = "PyTorch forum 62225; Alsallakh et al. 2020, arXiv 2010.02178",
};
