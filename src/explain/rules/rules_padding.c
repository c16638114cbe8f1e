/* SPDX-License-Identifier: Apache-2.0
 * Findings P2..: where padding comes to lie, what it costs, and what it shifts. */
#include "explain/rules/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_same(const cni_explained *node, int axis)
{
    return node->view.axis[axis].rule == CNI_PAD_SAME || node->view.axis[axis].rule == CNI_PAD_SAME_LOWER;
}

/* J of what the node reads as a fraction of image pixels; false when it is not known. */
static bool jump_of_input(const cni_findings *findings, const cni_explained *node, int axis, int64_t *num, int64_t *den)
{
    const cni_explained *in = cni_input_of(findings, node, 0);
    const cni_receptive_field *field = in->field + axis;
    if (axis >= in->spatial || !field->local || field->unit < 1 || !cni_seen(field->jump) || field->jump < 1)
        return false;
    *num = field->jump;
    *den = field->unit;
    return true;
}

/* (after - before) / 2 of an axis, in image pixels, is added to num / den. */
static void add_shift(const cni_findings *findings, const cni_explained *node, int axis, int64_t *num, int64_t *den)
{
    int64_t jump, unit;
    const cni_axis *a = node->axis + axis;
    if (!cni_seen(a->before) || !cni_seen(a->after) || !jump_of_input(findings, node, axis, &jump, &unit)) return;
    const int64_t part = (a->after - a->before) * jump, over = 2 * unit; /* part / over */
    if (*den > INT32_MAX || over > INT32_MAX) return;
    *num = *num * over + part * *den;
    *den *= over;
    for (; *num % 2 == 0 && *den % 2 == 0; *den /= 2) *num /= 2;
}

static const char *sides(cni_findings *findings, const cni_explained *node, int axis)
{
    return cni_say(findings, "%" PRId64 "/%" PRId64, node->axis[axis].before, node->axis[axis].after);
}

/* "down", "to the right": where the later cells of an axis lie. */
static const char *directions(const bool axes[CNI_MAX_SPATIAL], int spatial)
{
    if (spatial == 1) return "towards the end";
    if (spatial == 2 && axes[0] && axes[1]) return "down and to the right";
    if (spatial == 2) return axes[0] ? "down" : "to the right";
    return "towards the end";
}

/* ---- P201 ---- */

/* An even window without a stride is P205's. */
static bool is_uneven(const cni_explained *node, int axis)
{
    const cni_axis *a = node->axis + axis;
    return cni_has_windows(node) && !node->suspect && axis < node->view.spatial && is_same(node, axis) && a->s > 1 &&
           cni_seen(a->before) && cni_seen(a->after) && a->before != a->after;
}

static int uneven_axis(const cni_explained *node, bool axes[CNI_MAX_SPATIAL])
{
    int first = -1;
    for (int i = CNI_MAX_SPATIAL - 1; i >= 0; i--) {
        axes[i] = is_uneven(node, i);
        if (axes[i]) first = i;
    }
    return first;
}

/* Half a cell of a small map is much of the image; a result that is a map is shifted against its target. */
static bool is_grave(const cni_explained *node, const bool *feeds_map)
{
    const int64_t small = 8;
    for (int i = 0; i < node->view.spatial; i++)
        if (is_uneven(node, i) && node->axis[i].o <= small) return true;
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
        if (is_uneven(findings->analysis->nodes + list->nodes[i], axis))
            add_shift(findings, findings->analysis->nodes + list->nodes[i], axis, &num, &den);
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
        const int before = list.count;
        if (uneven_axis(findings->analysis->nodes + i, axes) >= 0) cni_node_list_add(findings, rule, &list, i);
        if (list.count > before) grave += is_grave(findings->analysis->nodes + i, feeds);
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
    .grade = 'A',
    .whole = true,
    .look = look_p201,
    .why = "Keras' 'same' pads max((o-1)*s + k - n, 0) cells in all. When that number is odd, the odd cell goes behind "
           "(below, right), so all windows sit half a cell further down and to the right than they would if centred. A "
           "3x3 "
           "window with stride 2 on an even size reads 0,1,2 first and the padding only at the end; on an odd size it "
           "is even on both sides. Each such layer adds half of its step, counted in pixels of the image: five of them "
           "add up to "
           "15.5 px at 224 (MobileNet). A classifier learns around it; where the result is a map it is compared with a "
           "target that lies elsewhere. That uneven padding costs accuracy and leaves traces in the maps has been "
           "measured. "
           "Sizes of the form 2^m*a + 1 are even for windows of 3.",
    .source = "Alsallakh et al. 2020, arXiv 2010.02178; Keras' documentation calls 'same' even",
};

/* ---- P203 ---- */

/* Read masks are not made of what is longer; where they are, K302 tells what is lost. */
static bool is_masked(const cni_explained *node)
{
    for (int i = 0; i < node->spatial; i++)
        if (node->map[i] > CNI_MOST_POSITIONS) return false;
    return true;
}

static void look_p203(cni_findings *findings, const cni_rule *rule)
{
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (!cni_has_windows(node) || node->input_count != 1 || node->suspect) continue;
        const cni_explained *in = cni_input_of(findings, node, 0);
        if (is_masked(in) || in->consumer_count > 1 || cni_is(in, CNI_IS_PADDING)) continue;
        for (int j = 0; j < node->view.spatial; j++) {
            const cni_axis *a = node->axis + j;
            if (!cni_seen(a->tail) || a->tail < 1 || a->k < a->s || a->o < 1) continue;
            cni_finding *finding = cni_finding_add(
                findings, rule, CNI_WARNING, i,
                "%s: the last %s%s of %" PRId64 " %s never read (%" PRId64 " = %" PRId64 "*%" PRId64 " + %" PRId64
                " + %" PRId64 ").",
                cni_say_node(findings, node), a->tail > 1 ? cni_say(findings, "%" PRId64 " ", a->tail) : "",
                cni_say_axis(node->view.spatial, j, a->tail > 1), a->n, a->tail > 1 ? "are" : "is",
                a->n + a->before + a->after, a->o - 1, a->s, a->extent, a->tail + a->after);
            cni_edits edits = {.count = 0};
            if (findings->try_fixes && cni_edit_pad(findings, &edits, node)) cni_try(findings, finding, &edits);
            break;
        }
    }
}

const cni_rule cni_rule_p203 = {
    .id = "P203",
    .name = "tail-not-read",
    .severity = CNI_WARNING,
    .grade = 'A',
    .look = look_p203,
    .why = "Windows of extent e in steps of s over n cells cover (o-1)*s + e of them. What is left over at the end, up "
           "to s-1 "
           "cells, no window reads: those cells were computed for nothing, and what they alone have seen cannot change "
           "the result. Padding, ceil_mode or another input size mends it. Where it can be followed to the image (on "
           "all but very "
           "large maps) K302 tells the same, and what it costs.",
    .source = "Dumoulin & Visin, arXiv 1603.07285",
};

/* ---- P204 ---- */

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

static const char *likewise(cni_findings *findings, const cni_node_list *list)
{
    if (list->count < 2) return "";
    return cni_say(findings, " Likewise %s.", cni_say_names(findings, list->nodes + 1, list->count - 1));
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
                                           cells > 1 || both ? "are" : "is", likewise(findings, &list));
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
    .why = "nn.Conv2d(.., 3, stride=2, padding=1) on an even size pads both sides, but the last window ends before the "
           "padding "
           "behind: it reads -1,0,1 at the start and n-3,n-2,n-1 at the end. The padding looks symmetric and is not: "
           "used are 1 "
           "before and 0 after, and the grid of outputs lies half a cell up and to the left. Nothing is lost, so this "
           "is a "
           "note; on an odd size both sides are used.",
    .source = "PyTorch forum 62225; Alsallakh et al. 2020, arXiv 2010.02178",
};

/* ---- P205 ---- */

static bool is_even(const cni_explained *node, int axis)
{
    const cni_axis *a = node->axis + axis;
    return cni_has_windows(node) && axis < node->view.spatial && is_same(node, axis) && a->s == 1 && a->extent % 2 == 0;
}

static int even_axis(const cni_explained *node)
{
    for (int i = 0; i < CNI_MAX_SPATIAL; i++)
        if (is_even(node, i)) return i;
    return -1;
}

static void try_odd(cni_findings *findings, cni_finding *finding, const cni_node_list *list, int step)
{
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        int64_t sizes[CNI_MAX_SPATIAL];
        const bool pool = cni_is(node, CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL);
        for (int j = 0; j < node->view.spatial; j++) sizes[j] = node->view.axis[j].size + (is_even(node, j) ? step : 0);
        cni_edit_pair(findings, &edits, node, pool ? "pool_size" : "kernel_size", sizes, node->view.spatial);
    }
    cni_try(findings, finding, &edits);
}

static void look_p205(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++)
        if (even_axis(findings->analysis->nodes + i) >= 0) cni_node_list_add(findings, rule, &list, i);
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    const int axis = even_axis(node);
    int64_t first = 0, sum = 0, first_den = 1, sum_den = 1;
    add_shift(findings, node, axis, &first, &first_den);
    for (int i = 0; i < list.count; i++)
        if (is_even(findings->analysis->nodes + list.nodes[i], axis))
            add_shift(findings, findings->analysis->nodes + list.nodes[i], axis, &sum, &sum_den);
    const bool adds_up = list.count > 1 && sum != 0;
    if (!first) first = 1, first_den = 2; /* the size is not known, and it does not matter */
    const char *more =
        adds_up ? cni_say(findings, "; all even layers (%s) together %s",
                          cni_say_names(findings, list.nodes, list.count), cni_say_fraction(findings, sum, sum_den))
                : "";
    cni_finding *finding = cni_finding_add(
        findings, rule, adds_up ? CNI_WARNING : CNI_NOTE, node->id,
        "%s: an even window (%s) cannot be centred: it shifts its map by %s image px%s.", cni_say_node(findings, node),
        cni_say_sizes(findings, (int64_t[]){node->axis[0].k, node->axis[1].k, node->axis[2].k}, node->view.spatial),
        cni_say_fraction(findings, first < 0 ? -first : first, first_den), more);
    cni_finding_concerns(finding, &list);
    if (!finding || !findings->try_fixes) return;
    try_odd(findings, finding, &list, 1);
    try_odd(findings, finding, &list, -1);
}

const cni_rule cni_rule_p205 = {
    .id = "P205",
    .name = "even-kernel",
    .severity = CNI_NOTE,
    .grade = 'B',
    .whole = true,
    .look = look_p205,
    .why = "A window of even extent has no middle cell. With padding 'same' and stride 1 the padding k-1 is odd, and "
           "Keras puts "
           "the odd cell behind: every output sits half a cell off, in the same direction in every layer, so the "
           "shifts of a "
           "stack add up and features wander to one corner. Networks of even kernels were found to lose accuracy by "
           "it, and "
           "to gain it back with padding on alternating sides.",
    .source = "Wu et al. 2019, arXiv 1903.08385",
};

/* ---- P207 ---- */

static double padding_share(const cni_explained *node)
{
    double inside = 1;
    if (!cni_has_windows(node) || node->suspect || !cni_is(node, CNI_IS_CONVOLUTION)) return 0;
    if (node->view.border != CNI_BORDER_ZERO) return 0;
    for (int i = 0; i < node->view.spatial; i++) {
        const cni_axis *a = node->axis + i;
        if (!cni_seen(a->real) || !cni_seen(a->o) || a->o < 1) return 0;
        inside *= (double)a->real / ((double)a->o * (double)a->k);
    }
    return 1 - inside;
}

static void try_unpadded(cni_findings *findings, cni_finding *finding, const cni_node_list *list)
{
    cni_edits valid = {.count = 0}, smaller = {.count = 0};
    for (int i = 0; i < list->count; i++) {
        const cni_explained *node = findings->analysis->nodes + list->nodes[i];
        int64_t sizes[CNI_MAX_SPATIAL], pads[CNI_MAX_SPATIAL];
        for (int j = 0; j < node->view.spatial; j++) {
            sizes[j] = node->view.axis[j].size - 2;
            if (sizes[j] < 3) smaller.failed = true; /* a 1x1 is another layer */
            pads[j] = node->view.axis[j].before > 0 ? node->view.axis[j].before - node->view.axis[j].dilation : 0;
            if (pads[j] < 0) pads[j] = 0;
        }
        cni_edit_argument(&valid, node, "padding", cni_is_torch(findings) ? "0" : "'valid'");
        cni_edit_pair(findings, &smaller, node, "kernel_size", sizes, node->view.spatial);
        if (cni_is_torch(findings)) cni_edit_pair(findings, &smaller, node, "padding", pads, node->view.spatial);
    }
    cni_try(findings, finding, &valid);
    cni_try(findings, finding, &smaller);
}

static void look_p207(cni_findings *findings, const cni_rule *rule)
{
    const double noted = 0.10, much = 0.25, of_network = 0.01;
    const cni_analysis *analysis = findings->analysis;
    cni_node_list list;
    double worst = 0, wasted = 0;
    int at = -1;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        const double share = padding_share(node);
        if (share <= noted) continue;
        const int before = list.count;
        cni_node_list_add(findings, rule, &list, i);
        if (list.count == before) continue;
        if (share > much && cni_seen(node->macs)) wasted += share * (double)node->macs;
        if (share > worst) at = before;
        if (share > worst) worst = share;
    }
    if (!list.count) return;
    const int first = list.nodes[at];
    list.nodes[at] = list.nodes[0];
    list.nodes[0] = first;
    const cni_explained *node = analysis->nodes + first, *in = cni_input_of(findings, node, 0);
    const bool costs = !cni_seen(analysis->macs) || wasted > of_network * (double)analysis->macs;
    const char *others = list.count < 2
                             ? ""
                             : cni_say(findings, " More than %s in %s, too.", cni_say_percent(findings, noted),
                                       cni_say_names(findings, list.nodes + 1, list.count - 1));
    cni_finding *finding = cni_finding_add(
        findings, rule, worst > much && costs ? CNI_WARNING : CNI_NOTE, node->id,
        "%s: %s of its multiplications meet padding (%s on %s).%s", cni_say_node(findings, node),
        cni_say_percent(findings, worst),
        cni_say_sizes(findings, (int64_t[]){node->axis[0].k, node->axis[1].k, node->axis[2].k}, node->view.spatial),
        cni_say_map(findings, in), others);
    cni_finding_concerns(finding, &list);
    if (finding && findings->try_fixes && list.count <= 4) try_unpadded(findings, finding, &list);
}

const cni_rule cni_rule_p207 = {
    .id = "P207",
    .name = "much-padding",
    .severity = CNI_NOTE,
    .grade = 'A',
    .whole = true,
    .look = look_p207,
    .why =
        "A 3x3 window with padding 1 on a 7x7 map meets 19 of 21 real cells along each axis: 1 - (19/21)^2 = 18 % of "
        "its "
        "multiplications are by a zero that is always there. On 3x3 maps a 7x7 window does so 82 % of the time. The "
        "arithmetic is spent, and the outputs are made of the border as much as of the image. Above 10 % this is worth "
        "knowing; above 25 % it is a warning where it costs at least 1 % of the network's arithmetic. Fewer "
        "down-samplings before, a smaller window, or none of the padding mend it.",
    .source = "Alsallakh et al. 2020, arXiv 2010.02178; Islam et al. 2020",
};

/* ---- P209 ---- */

typedef struct misalignment {
    int a, b;                                           /* inputs of the merge */
    int64_t num[CNI_MAX_SPATIAL], den[CNI_MAX_SPATIAL]; /* of b against a */
    int axis;                                           /* the first that is off, or -1 */
} misalignment;

static misalignment misalignment_of(const cni_findings *findings, const cni_explained *node)
{
    misalignment m = {.axis = -1};
    if (!cni_is(node, CNI_IS_MERGE) || node->suspect || node->input_count < 2) return m;
    for (m.b = 1; m.b < node->input_count; m.b++) {
        for (int i = node->spatial - 1; i >= 0; i--) {
            m.num[i] = 0;
            m.den[i] = 1;
            if (cni_misalignment(findings->analysis, node, m.a, m.b, i, m.num + i, m.den + i) && m.num[i]) m.axis = i;
        }
        if (m.axis >= 0) return m;
    }
    return m;
}

static int64_t magnitude(int64_t number)
{
    return number < 0 ? -number : number;
}

/* "1 image px", "1 image px down and 0.5 px to the right". */
static const char *distance(cni_findings *findings, const misalignment *m, int spatial)
{
    const bool alike = spatial == 2 && m->num[0] * m->den[1] == m->num[1] * m->den[0];
    const char *first = cni_say_fraction(findings, magnitude(m->num[m->axis]), m->den[m->axis]);
    if (alike || spatial != 2 || !m->num[1 - m->axis]) return cni_say(findings, "%s image px", first);
    return cni_say(findings, "%s image px along the rows' axis and %s px along the columns'", first,
                   cni_say_fraction(findings, magnitude(m->num[1]), m->den[1]));
}

/* Centre of position 0 in image pixels; behind up-sampling, where positions differ, as if they were all alike. */
static const char *centre(cni_findings *findings, const cni_explained *node, int axis)
{
    const cni_receptive_field *field = node->field + axis;
    int64_t sum = 0;
    if (!field->local || !field->left || field->period < 1) return "?";
    for (int64_t i = 0; i < field->period; i++) {
        if (field->left[i] > field->right[i]) return "?";
        sum += field->left[i] + field->right[i];
    }
    return cni_say_fraction(findings, sum - field->step * (field->period - 1), 2 * field->period);
}

/* The last window with a step between the parting and the end of a branch, or NULL. */
static const cni_explained *step_of(cni_findings *findings, const cni_explained *end, int parting, int axis)
{
    const cni_analysis *analysis = findings->analysis;
    for (int i = end->id; i != parting && analysis->nodes[i].input_count; i = analysis->nodes[i].inputs[0]) {
        const cni_explained *at = analysis->nodes + i;
        const bool window = at->view.type == CNI_VIEW_WINDOW || at->view.type == CNI_VIEW_TRANSPOSED;
        if (window && axis < at->view.spatial && at->view.axis[axis].stride > 1) return at;
    }
    return NULL;
}

static const char *say_step(cni_findings *findings, const cni_explained *at, int axis)
{
    const int64_t sizes[] = {at->axis[0].k, at->axis[1].k, at->axis[2].k};
    return cni_say(findings, "   (%s%s stride %" PRId64 ", pad %s)", cni_say_sizes(findings, sizes, at->view.spatial),
                   at->view.type == CNI_VIEW_TRANSPOSED ? " transposed," : "", at->view.axis[axis].stride,
                   sides(findings, at, axis));
}

/* A line for each branch, one below the other; a branch has the name of the window that makes its step. */
static const char *branches(cni_findings *findings, const cni_explained *a, const cni_explained *b, int parting,
                            int axis)
{
    const cni_explained *const ends[] = {a, b}, *steps[2];
    const char *lines = "", *centres[2];
    int name = 0, width = 2;
    for (int i = 0; i < 2; i++) {
        steps[i] = step_of(findings, ends[i], parting, axis);
        centres[i] = centre(findings, ends[i], axis);
        const int name_length = (int)strlen((steps[i] ? steps[i] : ends[i])->name), length = (int)strlen(centres[i]);
        name = name_length > name ? name_length : name;
        width = length > width ? length : width;
    }
    for (int i = 0; i < 2; i++)
        lines = cni_say(findings, "%sbranch %-*s   position 0 centred at %*s%s\n", lines, name,
                        (steps[i] ? steps[i] : ends[i])->name, width, centres[i],
                        steps[i] ? say_step(findings, steps[i], axis) : "");
    return lines;
}

static const char *parting_line(cni_findings *findings, const cni_explained *merge, const misalignment *m, int parting)
{
    const cni_receptive_field *field = cni_input_of(findings, merge, m->a)->field + m->axis;
    const cni_explained *at = findings->analysis->nodes + (parting < 0 ? 0 : parting);
    const char *where = parting < 0 ? ""
                                    : cni_say(findings, "they part at %s (%s); ", cni_say_node(findings, at),
                                              cni_say_shape(findings, &at->shape));
    if (!field->local || field->unit < 1 || !cni_seen(field->jump) || field->jump < 1) return where;
    return cni_say(findings, "%sjump %s, so %s cells", where, cni_say_fraction(findings, field->jump, field->unit),
                   cni_say_fraction(findings, magnitude(m->num[m->axis]) * field->unit, m->den[m->axis] * field->jump));
}

/* Calls `change` for each node between the parting of two branches and their merge, for all merges of a list. */
static void each_between(cni_findings *findings, const cni_node_list *merges, cni_edits *edits, int step,
                         void (*change)(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step))
{
    const cni_analysis *analysis = findings->analysis;
    bool *done = CNI_NEW_ARRAY(findings->arena, bool, (size_t)analysis->count + 1);
    for (int i = 0; done && i < merges->count; i++) {
        const cni_explained *merge = analysis->nodes + merges->nodes[i];
        const misalignment m = misalignment_of(findings, merge);
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
    if (is_uneven(node, 0) || is_uneven(node, 1)) cni_edit_symmetric(findings, edits, node);
}

static void resize(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step)
{
    const bool pool = cni_is(node, CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL);
    int64_t sizes[CNI_MAX_SPATIAL];
    for (int i = 0; i < node->view.spatial; i++) {
        sizes[i] = node->view.axis[i].size + step;
        if (sizes[i] < 1) return;
    }
    cni_edit_pair(findings, edits, node, pool && !cni_is_torch(findings) ? "pool_size" : "kernel_size", sizes,
                  node->view.spatial);
}

/* Transposed convolutions, and even windows, get a window of another size. */
static void change_transposed(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step)
{
    if (node->view.type == CNI_VIEW_TRANSPOSED) resize(findings, edits, node, step);
}

static void change_even(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step)
{
    if (is_even(node, 0) || is_even(node, 1)) resize(findings, edits, node, step);
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
                       cni_is_torch(findings) ? "stride" : "strides", node->view.axis[0].stride, pad[1].key,
                       pad[1].value);
    }
    return NULL;
}

/* With an even window the padding of an even size is as wide on either side. */
static void change_uneven(cni_findings *findings, cni_edits *edits, const cni_explained *node, int step)
{
    if (is_uneven(node, 0) || is_uneven(node, 1)) resize(findings, edits, node, step);
}

static void mend_misaligned(cni_findings *findings, cni_finding *finding, const cni_node_list *merges)
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

static void tell_misaligned(cni_findings *findings, const cni_rule *rule, const cni_node_list *merges)
{
    const cni_explained *node = findings->analysis->nodes + merges->nodes[0];
    const misalignment m = misalignment_of(findings, node);
    const cni_explained *a = cni_input_of(findings, node, m.a), *b = cni_input_of(findings, node, m.b);
    const int parting = cni_parting(findings, a->id, b->id);
    const char *more = "";
    for (int i = 1; i < merges->count; i++) {
        const cni_explained *other = findings->analysis->nodes + merges->nodes[i];
        const misalignment of = misalignment_of(findings, other);
        more = cni_say(findings, "%s%s %s by %s", more, i == 1 ? "; likewise" : ",", cni_say_node(findings, other),
                       distance(findings, &of, other->spatial));
    }
    cni_finding *finding = cni_finding_add(findings, rule, CNI_WARNING, node->id, "%s mixes maps %s out of register%s",
                                           node->name, distance(findings, &m, node->spatial), more);
    if (!finding) return;
    finding->history =
        cni_say(findings, "%s%s", branches(findings, a, b, parting, m.axis), parting_line(findings, node, &m, parting));
    cni_finding_concerns(finding, merges);
    if (findings->try_fixes) mend_misaligned(findings, finding, merges);
}

static bool same_place(const cni_explained *a, const cni_explained *b)
{
    return a->span.line && a->span.line == b->span.line && a->span.column == b->span.column;
}

/* Whether one of the branches of merge `b` goes through merge `a`, whose shift it carries on. */
static bool is_inside(cni_findings *findings, const cni_explained *a, const cni_explained *b)
{
    const misalignment m = misalignment_of(findings, b);
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
        if (told[i] || misalignment_of(findings, first).axis < 0) continue;
        if (!cni_node_list_new(findings, &merges)) return;
        for (int j = i; j < analysis->count; j++) {
            const cni_explained *other = analysis->nodes + j;
            if (misalignment_of(findings, other).axis < 0) continue;
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
    .why =
        "A residual network adds what its branches say about one place of the image. A 3x3 window with stride 2 and "
        "Keras' "
        "'same' on an even size has its first window over 0,1,2, centred at 1; the 1x1 window with stride 2 on the "
        "shortcut is centred at 0. So the sum mixes places one cell apart, half a cell of the result, and each further "
        "stage doubles it in pixels of the image. With one cell of padding on both sides, or an odd input size, both "
        "are "
        "centred at 0. Published ResNets are aligned; the criterion is that of the study on receptive fields.",
    .source = "Araujo, Norris & Sim, Distill 2019 (alignment of paths)",
};
