/* SPDX-License-Identifier: Apache-2.0
 * Findings K3..: what windows read and what they pass over; what is computed and cannot reach the result. */
#include "explain/rules/rules.h"
#include "explain/analysis/whole.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of each `stride` cells of an axis, how many are read, far from the borders (1.4). */
static int64_t read_of_stride(const cni_view_axis *axis)
{
    const int64_t step = axis->stride / cni_common_divisor(axis->stride, axis->dilation);
    return axis->size < step ? axis->size : step;
}

static bool skips(const cni_explained *node)
{
    for (int i = 0; cni_has_windows(node) && i < node->view.spatial; i++) {
        const cni_view_axis *axis = node->view.axis + i;
        if (read_of_stride(axis) < axis->stride && !(node->axis[i].n > 0 && node->axis[i].n <= axis->size)) return true;
    }
    return false;
}

/* ---- moving a stride to where it is read: 1x1 stride 2, then 3x3 becomes 1x1, then 3x3 stride 2 ---- */

static const cni_explained *window_after(const cni_findings *findings, const cni_explained *node)
{
    while (node->consumer_count == 1) {
        node = findings->analysis->nodes + node->consumers[0];
        if (cni_has_windows(node)) return node;
        if (node->view.type != CNI_VIEW_POINT || node->input_count != 1) return NULL;
    }
    return NULL;
}

static bool move_stride(cni_findings *findings, cni_edits *edits, const cni_explained *node)
{
    const cni_explained *next = window_after(findings, node);
    int64_t moved[CNI_MAX_SPATIAL], ones[CNI_MAX_SPATIAL];
    const char *key = cni_is_torch(findings) ? "stride" : "strides";
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
        any |= skips(node) && move_stride(findings, edits, node);
    }
    return any;
}

/* As a fix; where a function makes these layers and others, as advice. */
static bool try_to_move(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits moved = {.count = 0};
    if (!move_strides(findings, &moved, list)) return false;
    return cni_try(findings, finding, &moved) ||
           (!moved.failed && cni_finding_advise(findings, finding, moved.items, moved.count));
}

/* ---- K301 ---- */

static bool reads_fully(const cni_explained *reader)
{
    if (reader->view.type == CNI_VIEW_SHIFT || reader->view.type == CNI_VIEW_UNKNOWN) return true;
    if (!cni_has_windows(reader)) return true;
    return !skips(reader);
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
        read *= (double)read_of_stride(node->view.axis + i) / (double)node->view.axis[i].stride;
    return 1 - read;
}

static const char *ordinal(cni_findings *findings, int64_t n)
{
    static const char *const ends[] = {"th", "st", "nd", "rd"};
    return cni_say(findings, "%" PRId64 "%s", n, n < 4 ? ends[n] : ends[0]);
}

/* "reads every 2nd row and column"; with a dilation that shares a factor, and other windows, what of how many. */
static const char *what_it_reads(cni_findings *findings, const cni_explained *node)
{
    const cni_view *view = &node->view;
    const char *all = "";
    for (int i = 0, said = 0; i < view->spatial; i++) {
        const cni_view_axis *axis = view->axis + i;
        const int64_t read = read_of_stride(axis);
        if (read == axis->stride) continue;
        const bool alike = i > 0 && said && read == read_of_stride(axis - 1) && axis->stride == axis[-1].stride;
        const char *word = cni_say_axis(view->spatial, i, read > 1);
        const char *share = read == 1 ? cni_say(findings, "every %s ", ordinal(findings, axis->stride))
                                      : cni_say(findings, "%" PRId64 " of %" PRId64 " ", read, axis->stride);
        all = cni_say(findings, "%s%s%s%s", all, said ? " and " : "", alike ? "" : share, word);
        said = 1;
    }
    return all;
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
        const bool pool = cni_is(node, CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL);
        int64_t sizes[CNI_MAX_SPATIAL], half[CNI_MAX_SPATIAL];
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_view_axis *axis = node->view.axis + j;
            sizes[j] = axis->size < axis->stride ? pool ? axis->stride : axis->stride | 1 : axis->size;
            half[j] = sizes[j] / 2;
        }
        if (pool && !cni_is_torch(findings)) {
            cni_edit_pair(findings, &edits, node, "pool_size", sizes, node->view.spatial);
            continue;
        }
        cni_edit_pair(findings, &edits, node, "kernel_size", sizes, node->view.spatial);
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
        cni_edit_argument(&edits, node, cni_is_torch(findings) ? "dilation" : "dilation_rate", "1");
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
        if (!move_stride(findings, &edits, findings->analysis->nodes + node)) continue;
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
        cni_say_node(findings, node), what_it_reads(findings, node), size_of_window(findings, node),
        why_it_skips(findings, node), cni_say_percent(findings, ignored_share(node)),
        severity == CNI_NOTE ? " by it, and read by another layer" : "", and_others(findings, list));
    cni_finding_concerns(finding, list);
    if (!finding || !findings->try_fixes || severity == CNI_NOTE) return;
    const bool moves = try_to_move(findings, finding, list);
    try_undilated(findings, finding, list);
    if (!moves && !finding->fix_count) try_kernel(findings, finding, list);
}

static void look_k301(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list wasted, shared;
    if (!cni_node_list_new(findings, &wasted) || !cni_node_list_new(findings, &shared)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (!skips(node) || node->suspect || node->input_count != 1) continue;
        cni_node_list_add(findings, rule, is_read_elsewhere(findings, node) ? &shared : &wasted, i);
    }
    tell_skips(findings, rule, CNI_WARNING, &wasted);
    tell_skips(findings, rule, CNI_NOTE, &shared);
}

const cni_rule cni_rule_k301 = {
    .id = "K301",
    .name = "stride-skips",
    .severity = CNI_WARNING,
    .grade = 'A',
    .look = look_k301,
    .why =
        "With stride s a window moves on by s cells; of each s cells it reads min(k, s/gcd(s, d)) along each axis. A "
        "1x1 window "
        "with stride 2 reads one of two rows and one of two columns, so three quarters of a map that was computed are "
        "thrown away. ResNet-50 as first published (and in Keras) has its strides there; moving them to the "
        "3x3 window behind costs some arithmetic and gained about half a percent of accuracy on ImageNet. On a "
        "shortcut the same window does no harm as long as the main branch reads everything; averaging 2x2 before a "
        "1x1 without stride reads all of it.",
    .source = "He T. et al. 2018, arXiv 1812.01187; PyTorch forum 33841, 65718",
};

/* ---- K302 ---- */

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
    if (skips(node))
        return cni_say(findings, "reads only %s of its %s input", what_it_reads(findings, node),
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
    try_to_move(findings, finding, list);
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
    .why =
        "Going back from the outputs of the network, each window marks the positions that it reads. What stays "
        "unmarked "
        "was computed and can never change the result. The usual cause is a pooling by 2 of an odd map: 11 = 2*5 + 1, "
        "so the last row and column are dropped, and with them everything that only they have seen. In the "
        "well-known MNIST example that is 13.8 % of the image and 17 % of the multiplications. A pooling with padding "
        "'same' (or "
        "ceil_mode), one padded convolution before, or another input size mends it. Normalization in training looks at "
        "all "
        "positions and so at these, too; that is not counted.",
    .source = "own computation (read masks); geometry after Dumoulin & Visin, arXiv 1603.07285",
};

/* Taps that lie in the padding wherever the window stands (K306). */
static bool has_dead_taps(const cni_explained *node)
{
    if (!cni_has_windows(node) || !cni_is(node, CNI_IS_CONVOLUTION) || node->suspect) return false;
    for (int i = 0; i < node->view.spatial; i++)
        if (!cni_seen(node->axis[i].live) || node->axis[i].o < 1) return false;
    for (int i = 0; i < node->view.spatial; i++)
        if (node->axis[i].live < node->axis[i].k) return true;
    return false;
}

/* ---- K303 ---- */

enum { LONGEST = 64 * 64 }; /* offsets that sets of this size hold */

typedef struct offsets {
    uint64_t bits[LONGEST / 64 + 1];
    int64_t reach; /* the largest */
} offsets;

static bool is_in(const offsets *set, int64_t i)
{
    return i >= 0 && i <= set->reach && (set->bits[i / 64] >> (i % 64) & 1);
}

/* What a window of k taps, `step` pixels apart, makes of a set; false where it becomes too long. */
static bool widen(offsets *set, int64_t k, int64_t step)
{
    offsets next = {.reach = set->reach + (k - 1) * step};
    if (step < 1 || k < 1 || k > LONGEST || step > LONGEST || next.reach >= LONGEST) return false;
    for (int64_t i = 0; i <= set->reach; i++) {
        if (!is_in(set, i)) continue;
        for (int64_t t = 0; t < k; t++) next.bits[(i + t * step) / 64] |= UINT64_C(1) << ((i + t * step) % 64);
    }
    *set = next;
    return true;
}

static int64_t size_of(const offsets *set)
{
    int64_t count = 0;
    for (int i = 0; i <= LONGEST / 64; i++) count += __builtin_popcountll(set->bits[i]);
    return count;
}

static int64_t widest_gap(const offsets *set)
{
    int64_t gap = 0, most = 0;
    for (int64_t i = 0; i <= set->reach; i++) {
        gap = is_in(set, i) ? 0 : gap + 1;
        if (gap > most) most = gap;
    }
    return most;
}

static bool is_dilated(const cni_explained *node, int axis)
{
    return cni_has_windows(node) && axis < node->view.spatial && node->view.axis[axis].dilation > 1 &&
           node->view.axis[axis].size > 1;
}

/* A stack: windows one after the other, up to a stride, a merge or the end.  Its last window, or `node` itself. */
static const cni_explained *end_of_stack(const cni_findings *findings, const cni_explained *node, int axis,
                                         bool *dilated_later)
{
    const cni_analysis *analysis = findings->analysis;
    *dilated_later = false;
    for (const cni_explained *at = node; at->consumer_count == 1;) {
        at = analysis->nodes + at->consumers[0];
        const bool window = cni_has_windows(at);
        if (window ? at->view.axis[axis].stride > 1 : at->view.type != CNI_VIEW_POINT || at->input_count != 1) break;
        if (at->suspect) break;
        *dilated_later |= is_dilated(at, axis);
        if (window) node = at;
    }
    return node;
}

typedef struct stack {
    int nodes[8]; /* its windows, the first first */
    int count, axis;
} stack;

static stack stack_of(const cni_findings *findings, const cni_explained *node, int axis)
{
    stack s = {.axis = axis};
    const cni_explained *last = node;
    for (;; node = cni_input_of(findings, node, 0)) {
        const bool window = cni_has_windows(node);
        if (!window && (node->view.type != CNI_VIEW_POINT || node->input_count != 1)) break;
        if (window && node != last && node->view.axis[axis].stride > 1) break;
        if (window && node->view.axis[axis].size > 1) {
            if (s.count == 8) break;
            memmove(s.nodes + 1, s.nodes, (size_t)s.count * sizeof *s.nodes);
            s.nodes[0] = node->id;
            s.count++;
        }
        if (!node->input_count) break;
    }
    return s;
}

/* The gap in what one output reads along an axis, by the windows on the way from the image; 0 where branches meet. */
static int64_t gap_of(cni_findings *findings, const cni_explained *node, int axis)
{
    offsets *set = CNI_NEW(findings->arena, offsets);
    int64_t gap = 0;
    if (!set) {
        findings->failed = true;
        return 0;
    }
    set->bits[0] = 1;
    /* from the image on: J is known of each input, so the order of the steps does not matter */
    for (; node->input_count == 1; node = cni_input_of(findings, node, 0)) {
        const cni_receptive_field *field = cni_input_of(findings, node, 0)->field + axis;
        if (!cni_has_windows(node)) continue;
        if (!field->local || field->unit != 1 || !cni_seen(field->jump)) return 0;
        if (!widen(set, node->view.axis[axis].size, node->view.axis[axis].dilation * field->jump)) return 0;
    }
    if (node->input_count == 0) gap = widest_gap(set);
    return gap;
}

/* Lists of rates, not falling, whose offsets leave no holes: the one with the least reach that is not below `reach`,
 * or, with `below`, the one with the largest reach below it; of equal ones the one with the smallest last rate. */
typedef struct rates {
    const int64_t *k;
    int count;
    bool below;
    int64_t reach, best;
    int64_t now[8], found[8];
    offsets *sets; /* one for each depth */
} rates;

static void judge(rates *r)
{
    const offsets *set = r->sets + r->count;
    const int64_t gain = r->below ? set->reach - r->best : r->best - set->reach;
    const bool better = !r->best || gain > 0 || (gain == 0 && r->now[r->count - 1] < r->found[r->count - 1]);
    if ((set->reach < r->reach) != r->below || !better || size_of(set) != set->reach + 1) return;
    r->best = set->reach;
    memcpy(r->found, r->now, sizeof r->now);
}

static void search(rates *r, int depth)
{
    const int64_t most = 16;
    if (depth == r->count) {
        judge(r);
        return;
    }
    for (int64_t d = depth ? r->now[depth - 1] : 1; d <= (depth ? most : 1); d++) {
        r->sets[depth + 1] = r->sets[depth];
        r->now[depth] = d;
        if (!widen(r->sets + depth + 1, r->k[depth], d)) return;
        const int64_t reach = r->sets[depth + 1].reach;
        if (r->below ? reach >= r->reach : r->best && reach > r->best) return;
        search(r, depth + 1);
    }
}

/* Whether the windows of a stack are the same along all axes. */
static bool is_square(const cni_findings *findings, const stack *s)
{
    bool square = true;
    for (int i = 0; i < s->count; i++) {
        const cni_view *view = &findings->analysis->nodes[s->nodes[i]].view;
        for (int j = 1; j < view->spatial; j++)
            square &= view->axis[j].size == view->axis[0].size && view->axis[j].dilation == view->axis[0].dilation;
    }
    return square;
}

static void edit_rates(cni_findings *findings, cni_edits *edits, const stack *s, const int64_t *d)
{
    const bool torch = cni_is_torch(findings), square = is_square(findings, s);
    for (int i = 0; i < s->count; i++) {
        const cni_explained *node = findings->analysis->nodes + s->nodes[i];
        int64_t dilations[CNI_MAX_SPATIAL], pads[CNI_MAX_SPATIAL];
        bool padded = false;
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_view_axis *axis = node->view.axis + j;
            dilations[j] = square || j == s->axis ? d[i] : axis->dilation;
            pads[j] =
                dilations[j] == axis->dilation || !axis->before ? axis->before : (axis->size - 1) * dilations[j] / 2;
            padded |= pads[j] != axis->before;
        }
        if (d[i] == node->view.axis[s->axis].dilation) continue;
        cni_edit_pair(findings, edits, node, torch ? "dilation" : "dilation_rate", dilations, node->view.spatial);
        if (torch && padded) cni_edit_pair(findings, edits, node, "padding", pads, node->view.spatial);
    }
}

static void try_rates(cni_findings *findings, cni_finding *finding, const stack *s)
{
    enum { MOST = 5 };
    int64_t k[8];
    rates r = {.k = k, .count = s->count};
    if (s->count < 2 || s->count > MOST) return;
    for (int i = 0; i < s->count; i++) {
        const cni_view_axis *axis = findings->analysis->nodes[s->nodes[i]].view.axis + s->axis;
        k[i] = axis->size;
        r.reach += (axis->size - 1) * axis->dilation;
    }
    r.sets = CNI_NEW_ARRAY(findings->arena, offsets, (size_t)s->count + 1);
    if (!r.sets || r.reach > 128) return;
    r.sets[0].bits[0] = 1;
    search(&r, 0);
    r.below = !r.best;
    if (r.below) search(&r, 0);
    cni_edits edits = {.count = 0};
    if (!r.best) return;
    edit_rates(findings, &edits, s, r.found);
    cni_try(findings, finding, &edits);
}

/* "2, 2, 2"; "3x1, 1" where the axes differ. */
static const char *list_of_rates(cni_findings *findings, const stack *s, int64_t *shared)
{
    const char *list = "";
    *shared = 0;
    for (int i = 0; i < s->count; i++) {
        const cni_view *view = &findings->analysis->nodes[s->nodes[i]].view;
        int64_t d[CNI_MAX_SPATIAL];
        bool equal = true;
        for (int j = 0; j < view->spatial; j++) {
            d[j] = view->axis[j].dilation;
            equal &= d[j] == d[0];
        }
        list = cni_say(findings, "%s%s%s", list, i ? ", " : "", cni_say_sizes(findings, d, equal ? 1 : view->spatial));
        *shared = cni_common_divisor(d[s->axis], *shared);
    }
    return list;
}

static int64_t width_of(const cni_receptive_field *field)
{
    return field->size / field->unit;
}

static bool has_whole_width(const cni_receptive_field *field)
{
    return field->local && field->unit > 0 && cni_seen(field->size) && field->size % field->unit == 0 &&
           cni_seen(field->holes);
}

/* "7 of 13 offsets per axis"; "3 of 7 rows and all 5 columns" where the axes differ. */
static const char *offsets_read(cni_findings *findings, const cni_explained *end)
{
    const char *text = "";
    bool equal = true;
    for (int i = 1; i < end->spatial; i++)
        equal &= end->field[i].holes == end->field->holes && width_of(end->field + i) == width_of(end->field);
    for (int i = 0; i < (equal ? 1 : end->spatial); i++) {
        const int64_t r = width_of(end->field + i), read = r - end->field[i].holes;
        const char *link = !i ? "" : i == end->spatial - 1 ? " and " : ", ";
        const char *part = read == r && !equal ? cni_say(findings, "all %" PRId64, r)
                                               : cni_say(findings, "%" PRId64 " of %" PRId64, read, r);
        text = cni_say(findings, "%s%s%s %s", text, link, part,
                       equal ? "offsets per axis" : cni_say_axis(end->spatial, i, r != 1));
    }
    return text;
}

static void tell_holes(cni_findings *findings, const cni_rule *rule, const cni_explained *node,
                       const cni_explained *end, int axis)
{
    int64_t shared, gap = 0;
    double share = 1;
    for (int i = 0; i < end->spatial; i++) {
        const int64_t r = width_of(end->field + i), wide = gap_of(findings, end, i);
        share *= (double)(r - end->field[i].holes) / (double)r;
        if (wide > gap) gap = wide;
    }
    const stack s = stack_of(findings, node, axis);
    const char *list = list_of_rates(findings, &s, &shared);
    cni_finding *finding = cni_finding_add(
        findings, rule, share < 0.5 ? CNI_WARNING : CNI_NOTE, node->id,
        "One output of %s reads %s (%s of its field)%s. Dilation%s %s%s.", cni_say_node(findings, node),
        offsets_read(findings, end), cni_say_percent(findings, share),
        gap > 0 ? cni_say(findings, "; gaps of up to %" PRId64 " px", gap) : "", s.count > 1 ? "s" : "", list,
        s.count > 1 && shared > 1 ? cni_say(findings, " share the factor %" PRId64, shared)
        : s.count > 1             ? " leave holes"
                                  : " with nothing that fills in between");
    if (finding && findings->try_fixes) try_rates(findings, finding, &s);
}

/* The end of the stack of which this is the last dilated window, if holes are left along the axis; else NULL. */
static const cni_explained *end_with_holes(const cni_findings *findings, const cni_explained *node, int axis)
{
    bool later, whole = true;
    if (!is_dilated(node, axis)) return NULL;
    const cni_explained *end = end_of_stack(findings, node, axis, &later);
    for (int i = 0; i < end->spatial; i++) whole &= has_whole_width(end->field + i);
    return !later && whole && axis < end->spatial && end->field[axis].holes > 0 ? end : NULL;
}

static void look_k303(cni_findings *findings, const cni_rule *rule)
{
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i, *end = NULL;
        int axis = 0;
        if (has_dead_taps(node) || node->suspect || !node->spatial) continue;
        while (axis < node->spatial && !(end = end_with_holes(findings, node, axis))) axis++;
        if (end) tell_holes(findings, rule, node, end, axis);
    }
}

const cni_rule cni_rule_k303 = {
    .id = "K303",
    .name = "gridding",
    .severity = CNI_WARNING,
    .grade = 'A',
    .look = look_k303,
    .why = "A dilated window reads every d-th cell. Stacked, the sets of offsets add: with dilations 2, 2, 2 one "
           "output reaches 13 "
           "pixels wide but reads only 7 of them along each axis, 29 % of the area; neighbouring outputs read other "
           "pixels, "
           "and the results form a grid. Rates without a common factor that begin with 1, such as 1, 2, 3 or 1, 2, 5, "
           "read every "
           "pixel of the field. The offsets are counted exactly here; the usual rule of thumb accepts 2, 2, 2.",
    .source = "Wang et al. 2017, arXiv 1702.08502; Yu & Koltun 2015, arXiv 1511.07122",
};

/* ---- K306 ---- */

static int64_t product(const cni_explained *node, bool live)
{
    int64_t taps = 1;
    for (int i = 0; i < node->view.spatial; i++) taps *= live ? node->axis[i].live : node->axis[i].k;
    return taps;
}

/* A kernel of the size that is alive, with the padding that keeps it in place. */
static void try_live_size(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        int64_t sizes[CNI_MAX_SPATIAL], pads[CNI_MAX_SPATIAL];
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_view_axis *axis = node->view.axis + j;
            sizes[j] = node->axis[j].live > 0 ? node->axis[j].live : 1;
            pads[j] = axis->before - (axis->size - sizes[j]) * axis->dilation / 2;
            if (pads[j] < 0) pads[j] = 0;
        }
        cni_edit_pair(findings, &edits, node, "kernel_size", sizes, node->view.spatial);
        if (cni_is_torch(findings)) cni_edit_pair(findings, &edits, node, "padding", pads, node->view.spatial);
    }
    cni_try(findings, finding, &edits);
}

static void look_k306(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    int64_t dead = 0;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const int before = list.count;
        if (has_dead_taps(findings->analysis->nodes + i)) cni_node_list_add(findings, rule, &list, i);
        if (list.count > before && cni_seen(findings->analysis->nodes[i].dead_weights))
            dead += findings->analysis->nodes[i].dead_weights;
    }
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    const char *others =
        list.count < 2 ? ""
                       : cni_say(findings, " Likewise %s.", cni_say_names(findings, list.nodes + 1, list.count - 1));
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_WARNING, node->id,
        "Only %" PRId64 " of %" PRId64 " taps of %s can reach its %s input%s; %s weights never meet data.%s",
        product(node, true), product(node, false), cni_say_node(findings, node),
        cni_say_map(findings, cni_input_of(findings, node, 0)),
        node->view.axis[0].dilation > 1 ? cni_say(findings, " (dilation %" PRId64 ")", node->view.axis[0].dilation)
                                        : "",
        cni_say_count(findings, dead), others);
    cni_finding_concerns(finding, &list);
    if (finding && findings->try_fixes) try_live_size(findings, finding, &list);
}

const cni_rule cni_rule_k306 = {
    .id = "K306",
    .name = "dead-taps",
    .severity = CNI_WARNING,
    .grade = 'A',
    .whole = true,
    .look = look_k306,
    .why =
        "A 7x7 window with padding 'same' on a 3x3 map can be shifted by one cell to each side only, so its outer taps "
        "lie in "
        "the padding wherever it stands: 24 of 49 never meet data, get no gradient, and are stored and multiplied for "
        "nothing. Large dilations on small maps do the same: at dilation 12 on a 10x10 map only the middle tap is "
        "left, and the "
        "layer is a 1x1 convolution. A kernel of the live size gives exactly the same results.",
    .source = "own computation; Chen et al. 2017 (DeepLabv3), arXiv 1706.05587, for dilations",
};

/* ---- K308 ---- */

static bool is_patterned(const cni_explained *node)
{
    if (node->view.type != CNI_VIEW_TRANSPOSED) return false;
    for (int i = 0; i < node->view.spatial; i++)
        if (node->view.axis[i].stride > 1 && node->view.axis[i].size % node->view.axis[i].stride) return true;
    return false;
}

static void try_multiple(cni_findings *findings, cni_finding *finding, const cni_node_list *list, int times)
{
    const cni_analysis *analysis = findings->analysis;
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = analysis->nodes + list->nodes[i];
        int64_t sizes[CNI_MAX_SPATIAL], pads[CNI_MAX_SPATIAL];
        bool cut = false;
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_view_axis *axis = node->view.axis + j;
            sizes[j] = axis->stride > 1 ? times * axis->stride : axis->size;
            pads[j] = (sizes[j] - axis->stride) / 2; /* the output is stride times the input */
            cut |= (sizes[j] - axis->stride) % 2 != 0;
        }
        if (cni_is_torch(findings) && cut) return;
        cni_edit_pair(findings, &edits, node, "kernel_size", sizes, node->view.spatial);
        if (!cni_is_torch(findings)) continue;
        cni_edit_pair(findings, &edits, node, "padding", pads, node->view.spatial);
        cni_edit_argument(&edits, node, "output_padding", "0");
    }
    cni_try(findings, finding, &edits);
}

static void look_k308(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++)
        if (is_patterned(findings->analysis->nodes + i)) cni_node_list_add(findings, rule, &list, i);
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    int axis = 0;
    while (axis + 1 < node->view.spatial && node->view.axis[axis].size % node->view.axis[axis].stride == 0) axis++;
    const int64_t k = node->view.axis[axis].size, s = node->view.axis[axis].stride;
    const char *others =
        list.count < 2 ? ""
                       : cni_say(findings, " Likewise %s.", cni_say_names(findings, list.nodes + 1, list.count - 1));
    cni_finding *finding = cni_finding_add(findings, rule, CNI_WARNING, node->id,
                                           "Outputs of %s receive %" PRId64 " or %" PRId64
                                           " contributions per axis in a regular pattern: %" PRId64
                                           " is no multiple of the stride %" PRId64 ".%s",
                                           cni_say_node(findings, node), k / s, k / s + 1, k, s, others);
    cni_finding_concerns(finding, &list);
    if (!finding) return;
    finding->advice = "up-sampling by copying (UpSampling2D, nn.Upsample), and a convolution after it.";
    if (!findings->try_fixes) return;
    try_multiple(findings, finding, &list, 2);
    try_multiple(findings, finding, &list, 1);
}

const cni_rule cni_rule_k308 = {
    .id = "K308",
    .name = "checkerboard",
    .severity = CNI_WARNING,
    .grade = 'A',
    .whole = true,
    .look = look_k308,
    .why =
        "A transposed convolution of size k paints k cells for each input, s cells apart. Where s does not divide k "
        "the painted "
        "patches overlap unevenly: with k=3 and s=2 outputs get 1 and 2 contributions in turn, along both axes, hence "
        "1, "
        "2 or 4. The network can learn to even it out, but in practice images made so show a checkerboard. With k=2s "
        "(4 and 2) every output gets as many; copying up-sampling and a convolution behind it have no such pattern.",
    .source = "Odena, Dumoulin & Olah, Distill 2016",
};
