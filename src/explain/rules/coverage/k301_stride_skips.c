/* SPDX-License-Identifier: Apache-2.0
 * K301: windows that read some of the cells which they step over. */
#include "explain/rules/coverage/coverage.h"

#include <inttypes.h>
#include <string.h>

static bool reads_fully(const cni_explained *reader)
{
    if (reader->view.type == CNI_VIEW_SHIFT || reader->view.type == CNI_VIEW_UNKNOWN) return true;
    if (!cni_has_windows(reader)) return true;
    return !cni_skips_cells(reader);
}

static bool is_read_elsewhere(const cni_findings *findings, const cni_explained *node)
{
    const cni_explained *in = cni_input_of(findings, node, 0);
    for (int i = 0; i < in->consumer_count; i++) {
        const cni_explained *reader = findings->analysis->nodes + in->consumers[i];
        if (reader != node && reads_fully(reader)) return true;
    }
    return false;
}

static double ignored_share(const cni_explained *node)
{
    double read = 1;
    for (int i = 0; i < node->view.spatial; i++)
        read *= (double)cni_read_of_stride(node->view.axis + i) / (double)node->view.axis[i].stride;
    return 1 - read;
}

static const char *why_it_skips(cni_findings *findings, const cni_explained *node)
{
    for (int i = 0; i < node->view.spatial; i++) {
        const int64_t shared = cni_common_divisor(node->view.axis[i].stride, node->view.axis[i].dilation);
        if (shared > 1 && node->view.axis[i].size > 1)
            return cni_say(findings, " (stride and dilation share %" PRId64 ")", shared);
    }
    return "";
}

static const char *size_of_window(cni_findings *findings, const cni_explained *node)
{
    const int64_t sizes[] = {node->view.axis[0].size, node->view.axis[1].size, node->view.axis[2].size};
    const char *text = cni_say_sizes(findings, sizes, node->view.spatial);
    return node->view.spatial == 1 ? cni_say(findings, "%s-cell", text) : text;
}

/* A kernel that reaches from step to step. */
static void try_kernel(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        const bool pool = cni_is_pool(node);
        int64_t sizes[CNI_MAX_SPATIAL], half[CNI_MAX_SPATIAL];
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_view_axis *axis = node->view.axis + j;
            sizes[j] = axis->size < axis->stride ? pool ? axis->stride : axis->stride | 1 : axis->size;
            half[j] = sizes[j] / 2;
        }
        cni_edit_pair(findings, &edits, node, cni_window_key(findings, node), sizes, node->view.spatial);
        if (pool) continue;
        if (cni_is_torch(findings))
            cni_edit_pair(findings, &edits, node, "padding", half, node->view.spatial);
        else if (node->view.axis[0].rule == CNI_PAD_GIVEN)
            cni_edit_argument(&edits, node, "padding", "'same'");
    }
    cni_try(findings, finding, &edits);
}

/* A dilation that has nothing in common with the stride. */
static void try_undilated(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        if (!*why_it_skips(findings, node)) return;
        cni_edit_argument(&edits, node, cni_dilation_key(findings), "1");
        if (node->view.axis[0].before > 0 && cni_is_torch(findings))
            cni_edit_argument(&edits, node, "padding", cni_say(findings, "%" PRId64, node->view.axis[0].size / 2));
    }
    cni_try(findings, finding, &edits);
}

static const char *and_others(cni_findings *findings, const cni_node_list *list)
{
    if (list->count < 2) return "";
    return cni_say(findings, " So %s %s.", list->count == 2 ? "does" : "do",
                   cni_say_names(findings, list->nodes + 1, list->count - 1));
}

/* Those whose stride can be moved stand first: they are what a fix changes. */
static void put_movable_first(cni_findings *findings, cni_node_list *list)
{
    for (int i = 0; i < list->count; i++) {
        cni_edits edits = {.count = 0};
        const int node = list->nodes[i];
        if (!cni_move_stride(findings, &edits, findings->analysis->nodes + node)) continue;
        memmove(list->nodes + 1, list->nodes, (size_t)i * sizeof *list->nodes);
        list->nodes[0] = node;
        return;
    }
}

static void tell_skips(cni_findings *findings, const cni_rule *rule, cni_severity severity, cni_node_list *list)
{
    if (!list->count) return;
    if (findings->try_fixes && severity == CNI_WARNING) put_movable_first(findings, list);
    const cni_explained *node = findings->analysis->nodes + list->nodes[0];
    cni_finding *finding = cni_finding_add(
        findings, rule, severity, node->id, "%s reads %s with a %s window%s: %s of its input is ignored%s.%s",
        cni_say_node(findings, node), cni_say_cells_read(findings, node), size_of_window(findings, node),
        why_it_skips(findings, node), cni_say_percent(findings, ignored_share(node)),
        severity == CNI_NOTE ? " by it, and read by another layer" : "", and_others(findings, list));
    cni_finding_concerns(finding, list);
    if (!finding || !findings->try_fixes || severity == CNI_NOTE) return;
    const bool moves = cni_try_moved_strides(findings, finding, list);
    try_undilated(findings, finding, list);
    if (!moves && !finding->fix_count) try_kernel(findings, finding, list);
}

static void look_k301(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list wasted, shared;
    if (!cni_node_list_new(findings, &wasted) || !cni_node_list_new(findings, &shared)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (!cni_skips_cells(node) || node->suspect || node->input_count != 1) continue;
        cni_node_list_add(findings, rule, is_read_elsewhere(findings, node) ? &shared : &wasted, i);
    }
    tell_skips(findings, rule, CNI_WARNING, &wasted);
    tell_skips(findings, rule, CNI_NOTE, &shared);
}

const cni_rule cni_rule_k301 = {
    .id = "K301",
    .name = "stride-skips",
    .severity = CNI_WARNING,
    .or_else = "note",
    .grade = 'A',
    .look = look_k301,
    .why = "With stride s a window moves on by s cells; of each s cells it reads min(k, s/gcd(s, d)) along each axis. "
           "A 1x1 window with stride 2 reads one of two rows and one of two columns, so three quarters of a map that "
           "was computed are thrown away. ResNet-50 as first published (and in Keras) has its strides there; moving "
           "them to the 3x3 window behind costs some arithmetic and gained about half a percent of accuracy on "
           "ImageNet. On a shortcut the same window does no harm as long as the main branch reads everything; "
           "averaging 2x2 before a 1x1 without stride reads all of it.",
    .source = "He T. et al. 2018, arXiv 1812.01187; PyTorch forum 33841, 65718",
};
