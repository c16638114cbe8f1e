/* SPDX-License-Identifier: Apache-2.0
 * P201: 'same' with a stride pads one cell more behind. */
#include "explain/rules/padding/padding.h"

#include <inttypes.h>

/* "down", "to the right": where the later cells of an axis lie. */
static const char *directions(const bool axes[CNI_MAX_SPATIAL], int spatial)
{
    if (spatial == 1) return "towards the end";
    if (spatial == 2 && axes[0] && axes[1]) return "down and to the right";
    if (spatial == 2) return axes[0] ? "down" : "to the right";
    return "towards the end";
}

static int uneven_axis(const cni_explained *node, bool axes[CNI_MAX_SPATIAL])
{
    int first = -1;
    for (int i = CNI_MAX_SPATIAL - 1; i >= 0; i--) {
        axes[i] = cni_is_uneven(node, i);
        if (axes[i]) first = i;
    }
    return first;
}

/* Half a cell of a small map is much of the image; a result that is a map is shifted against its target. */
static bool is_grave(const cni_explained *node, const bool *feeds_map)
{
    const int64_t small = 8;
    for (int i = 0; i < node->view.spatial; i++)
        if (cni_is_uneven(node, i) && node->axis[i].o <= small) return true;
    return feeds_map && feeds_map[node->id];
}

static void try_even(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits pads = {.count = 0};
    bool all = true;
    if (!findings->try_fixes) return;
    for (int i = 0; i < list->count && all; i++)
        all = cni_edit_symmetric(findings, &pads, findings->analysis->nodes + list->nodes[i]);
    if (all) cni_try(findings, finding, &pads);
    cni_try_inputs(findings, finding, 2);
}

static const char *together(cni_findings *findings, const cni_node_list *list, int axis)
{
    int64_t num = 0, den = 1;
    if (list->count < 2) return "";
    for (int i = 0; i < list->count; i++)
        if (cni_is_uneven(findings->analysis->nodes + list->nodes[i], axis))
            cni_add_shift(findings, findings->analysis->nodes + list->nodes[i], axis, &num, &den);
    return cni_say(findings, " So %s %s; together %s image px.", list->count == 2 ? "does" : "do",
                   cni_say_names(findings, list->nodes + 1, list->count - 1), cni_say_fraction(findings, num, den));
}

static void look_p201(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    const bool *feeds = cni_feeds_map(findings);
    bool axes[CNI_MAX_SPATIAL];
    int grave = 0;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *at = findings->analysis->nodes + i;
        if (uneven_axis(at, axes) >= 0 && cni_node_list_add(findings, rule, &list, i)) grave += is_grave(at, feeds);
    }
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    const int axis = uneven_axis(node, axes);
    const cni_axis *a = node->axis + axis;
    const cni_severity severity = 2 * grave >= list.count ? CNI_WARNING : CNI_NOTE;
    cni_finding *finding = cni_finding_add(findings, rule, severity, node->id,
                                           "%s: padding %" PRId64 " is split %" PRId64 " before / %" PRId64
                                           " after, as its input of %" PRId64
                                           " asks for: every window sits %s px further %s than centred.%s",
                                           cni_say_node(findings, node), a->before + a->after, a->before, a->after,
                                           a->n, cni_say_fraction(findings, a->after - a->before, 2),
                                           directions(axes, node->view.spatial), together(findings, &list, axis));
    cni_finding_concerns(finding, &list);
    if (finding) try_even(findings, finding, &list);
}

const cni_rule cni_rule_p201 = {
    .id = "P201",
    .name = "uneven-padding",
    .severity = CNI_NOTE,
    .or_else = "warning",
    .grade = 'A',
    .whole = true,
    .look = look_p201,
    .why = "Keras' 'same' pads max((o-1)*s + k - n, 0) cells in all. When that number is odd, the odd cell goes "
           "behind (below, right), so all windows sit half a cell further down and to the right than they would if "
           "centred. A 3x3 window with stride 2 on an even size reads 0,1,2 first and the padding only at the end; on "
           "an odd size it is even on both sides. Each such layer adds half of its step, counted in pixels of the "
           "image: five of them add up to 15.5 px at 224 (MobileNet). A classifier learns around it; where the result "
           "is a map it is compared with a target that lies elsewhere. That uneven padding costs accuracy and leaves "
           "traces in the maps has been measured. Sizes of the form 2^m*a + 1 are even for windows of 3.",
    .source = "Alsallakh et al. 2020, arXiv 2010.02178; Keras' documentation calls 'same' even",
};
