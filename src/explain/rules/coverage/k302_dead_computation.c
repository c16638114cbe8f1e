/* SPDX-License-Identifier: Apache-2.0
 * K302: what is computed and cannot change the result. */
#include "explain/rules/coverage/coverage.h"

#include <inttypes.h>

/* The input whose cells are lost: behind a padding layer, what was padded. */
static const cni_explained *what_is_read(const cni_findings *findings, const cni_explained *node)
{
    const cni_explained *in = cni_input_of(findings, node, 0);
    while (in->view.type == CNI_VIEW_SHIFT && in->input_count == 1) in = cni_input_of(findings, in, 0);
    return in;
}

static bool cuts(const cni_explained *node)
{
    for (int i = 0; node->view.type == CNI_VIEW_SHIFT && i < node->view.spatial; i++)
        if (node->view.axis[i].before < 0 || node->view.axis[i].after < 0) return true;
    return false;
}

/* A window or a cropping that leaves out cells which nobody else reads either. */
static bool loses(const cni_findings *findings, const cni_explained *node)
{
    bool out = cuts(node);
    if (node->input_count != 1 || node->suspect) return false;
    if (node->view.type != CNI_VIEW_WINDOW && !out) return false;
    for (int i = 0; node->view.type == CNI_VIEW_WINDOW && i < node->view.spatial; i++)
        out |= cni_seen(node->axis[i].unread) && node->axis[i].unread > 0;
    const cni_explained *read = what_is_read(findings, node);
    return out && cni_seen(read->needed) && read->needed < read->positions;
}

static const char *range_of(cni_findings *findings, int spatial, int axis, int64_t from, int64_t count)
{
    if (count == 1) return cni_say(findings, "%s %" PRId64, cni_say_axis(spatial, axis, false), from);
    return cni_say(findings, "%s %" PRId64 " to %" PRId64, cni_say_axis(spatial, axis, true), from, from + count - 1);
}

/* "(11 = 2*5 + 1)": what windows cover of n, with the padding where there is some. */
static const char *sum_of(cni_findings *findings, const cni_axis *a)
{
    const char *padding = a->before + a->after ? cni_say(findings, " + %" PRId64, a->before + a->after) : "";
    if (a->extent == a->s)
        return cni_say(findings, "(%" PRId64 "%s = %" PRId64 "*%" PRId64 " + %" PRId64 ")", a->n, padding, a->s, a->o,
                       a->rest);
    return cni_say(findings, "(%" PRId64 "%s = %" PRId64 "*%" PRId64 " + %" PRId64 " + %" PRId64 ")", a->n, padding,
                   a->o - 1, a->s, a->extent, a->rest);
}

static const char *loss_of_window(cni_findings *findings, const cni_explained *node)
{
    const char *rows = "";
    const cni_axis *last = NULL;
    bool said = false;
    if (cni_skips_cells(node))
        return cni_say(findings, "reads only %s of its %s input", cni_say_cells_read(findings, node),
                       cni_say_map(findings, cni_input_of(findings, node, 0)));
    for (int i = 0; i < node->view.spatial; i++) {
        const cni_axis *a = node->axis + i;
        if (a->tail < 1) continue;
        rows = cni_say(findings, "%s%s%s", rows, said ? " and " : "",
                       range_of(findings, node->view.spatial, i, a->n - a->tail, a->tail));
        said = true;
        last = a;
    }
    const char *input = cni_say_map(findings, cni_input_of(findings, node, 0));
    if (!last) return cni_say(findings, "does not read all of its %s input", input);
    return cni_say(findings, "never reads %s of its %s input %s", rows, input, sum_of(findings, last));
}

static const char *loss_of(cni_findings *findings, const cni_explained *node)
{
    if (node->view.type == CNI_VIEW_WINDOW) return loss_of_window(findings, node);
    return cni_say(findings, "cuts its %s input down to %s", cni_say_map(findings, cni_input_of(findings, node, 0)),
                   cni_say_map(findings, node));
}

static const char *traced_back(cni_findings *findings)
{
    const cni_analysis *analysis = findings->analysis;
    const bool pixels = cni_seen(analysis->dead_pixels) && analysis->dead_pixels > 0, macs = analysis->macs_dead > 0;
    const char *of_image = "", *of_macs = "";
    if (pixels) {
        const int64_t all = analysis->nodes[analysis->image].positions;
        of_image = cni_say(findings, "%s of %s image pixels (%s) cannot change the result",
                           cni_say_count(findings, analysis->dead_pixels), cni_say_count(findings, all),
                           cni_say_percent(findings, (double)analysis->dead_pixels / (double)all));
    }
    if (macs)
        of_macs = cni_say(findings, "%s MACs (%s) are wasted", cni_say_count(findings, analysis->macs_dead),
                          cni_say_percent(findings, (double)analysis->macs_dead / (double)analysis->macs));
    return cni_say(findings, "%s%s%s", of_image, pixels && macs ? ", " : "", of_macs);
}

/* Layers whose work is lost, the dearest first; for one or two the text itself says enough. */
static const char *where_it_is_lost(cni_findings *findings)
{
    enum { SHOWN = 6 };
    const cni_analysis *analysis = findings->analysis;
    const char *lines = NULL;
    int64_t below = INT64_MAX;
    int last = -1, shown = 0;
    for (; shown < SHOWN; shown++) {
        const cni_explained *next = NULL;
        for (int i = 0; i < analysis->count; i++) {
            const cni_explained *node = analysis->nodes + i;
            if (!cni_seen(node->macs_dead) || node->macs_dead < 1) continue;
            if (node->macs_dead > below || (node->macs_dead == below && i <= last)) continue;
            if (!next || node->macs_dead > next->macs_dead) next = node;
        }
        if (!next) break;
        below = next->macs_dead;
        last = next->id;
        lines = cni_say(findings, "%s%s%s: %s of %s positions are read, %s MACs wasted", lines ? lines : "",
                        lines ? "\n" : "", cni_say_node(findings, next), cni_say_count(findings, next->needed),
                        cni_say_count(findings, next->positions), cni_say_count(findings, next->macs_dead));
    }
    return shown > 2 ? lines : NULL;
}

/* Padding on every layer that leaves something out, as one fix. */
static void try_padding(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++)
        if (!cni_edit_pad(findings, &edits, findings->analysis->nodes + list->nodes[i])) return;
    cni_try(findings, finding, &edits);
}

/* Padding on one unpadded window before them, from the image on. */
static void try_earlier(cni_findings *findings, cni_finding *finding, const cni_node_list *list, int enough)
{
    enum { MOST = 3 };
    const int end = list->nodes[list->count - 1];
    const bool *before = cni_ancestors(findings, end);
    int tried = 0;
    for (int i = 0; before && i < end && tried < MOST && finding->fix_count < enough; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        cni_edits edits = {.count = 0};
        if (!before[i] || !cni_is(node, CNI_IS_CONVOLUTION) || node->axis[0].k < 2) continue;
        if (!cni_edit_pad(findings, &edits, node)) continue;
        tried++;
        cni_try(findings, finding, &edits);
    }
}

static void mend_losses(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    const int enough = 2;
    cni_try_moved_strides(findings, finding, list);
    try_padding(findings, finding, list);
    try_earlier(findings, finding, list, enough);
    cni_try_inputs(findings, finding, enough);
}

static void look_k302(cni_findings *findings, const cni_rule *rule)
{
    const double little = 0.01;
    const cni_analysis *analysis = findings->analysis;
    const bool pixels = cni_seen(analysis->dead_pixels) && analysis->dead_pixels > 0;
    cni_node_list list;
    if (!cni_seen(analysis->macs_dead) || (!pixels && analysis->macs_dead < 1) || !cni_node_list_new(findings, &list))
        return;
    for (int i = 0; i < analysis->count; i++)
        if (loses(findings, analysis->nodes + i)) cni_node_list_add(findings, rule, &list, i);
    if (!list.count) return;
    const bool much = pixels || (double)analysis->macs_dead > little * (double)analysis->macs;
    const cni_explained *node = analysis->nodes + list.nodes[0];
    const char *others = list.count < 2 ? ""
                                        : cni_say(findings, " %s %s cells out, too.",
                                                  cni_say_names(findings, list.nodes + 1, list.count - 1),
                                                  list.count == 2 ? "leaves" : "leave");
    cni_finding *finding =
        cni_finding_add(findings, rule, much ? CNI_WARNING : CNI_NOTE, node->id, "%s %s.%s Traced back: %s.",
                        cni_say_node(findings, node), loss_of(findings, node), others, traced_back(findings));
    cni_finding_concerns(finding, &list);
    if (!finding) return;
    finding->history = where_it_is_lost(findings);
    if (findings->try_fixes) mend_losses(findings, finding, &list);
}

const cni_rule cni_rule_k302 = {
    .id = "K302",
    .name = "dead-computation",
    .severity = CNI_WARNING,
    .grade = 'A',
    .whole = true,
    .look = look_k302,
    .why = "Going back from the outputs of the network, each window marks the positions that it reads. What stays "
           "unmarked was computed and can never change the result. The usual cause is a pooling by 2 of an odd map: "
           "11 = 2*5 + 1, so the last row and column are dropped, and with them everything that only they have seen. "
           "In the well-known MNIST example that is 13.8 % of the image and 17 % of the multiplications. A pooling "
           "with padding 'same' (or ceil_mode), one padded convolution before, or another input size mends it. "
           "Normalization in training looks at all positions and so at these, too; that is not counted.",
    .source = "own computation (read masks); geometry after Dumoulin & Visin, arXiv 1603.07285",
};
