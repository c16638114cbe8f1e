/* SPDX-License-Identifier: Apache-2.0
 * Findings S1..: what does not fit together.  The framework would refuse it, or read it as something else than meant.
 */
#include "explain/rules/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void each_cause(cni_findings *findings, const cni_rule *rule, cni_shape_cause cause,
                       void (*tell)(cni_findings *findings, const cni_rule *rule, const cni_explained *node))
{
    for (int i = 0; i < findings->analysis->count; i++)
        if (cni_shape_cause_of(findings, findings->analysis->nodes + i) == cause)
            tell(findings, rule, findings->analysis->nodes + i);
}

/* ---- S100: what no other rule speaks of ---- */

/* The message of an error without the layer's own label: Conv2D "conv2d": kernel_size=... */
static const char *message_of(const cni_explained *node)
{
    const char *text = node->error.text, *label = strstr(text, "\": ");
    const size_t length = strlen(node->name);
    const bool own = label && (size_t)(label - text) > length && strncmp(label - length, node->name, length) == 0;
    return own ? label + 3 : text;
}

/* The input of the network that comes to this node as it is, without its axis of channels (grey images); else NULL. */
static const cni_explained *without_channels(const cni_findings *findings, const cni_explained *node)
{
    const int spatial = node->view.spatial;
    if (!spatial || !cni_is(node, CNI_IS_CONVOLUTION | CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL)) return NULL;
    while (node->input_count == 1) {
        node = cni_input_of(findings, node, 0);
        if (node->input_count && node->view.type != CNI_VIEW_POINT) return NULL;
    }
    return !node->input_count && node->shape.rank == spatial + 1 ? node : NULL;
}

static void mend_channels(cni_findings *findings, cni_finding *finding, const cni_explained *node,
                          const cni_explained *image)
{
    const int count = image->shape.rank - 1;
    const bool first = node->view.format == CN_CHANNELS_FIRST;
    const char *shape = cni_say_shape(findings, &image->shape), *list = first ? "1" : "";
    for (int i = 0; i < count; i++) {
        const int64_t size = image->shape.dims[i + 1];
        const char *text = size < 0 ? "None" : cni_say(findings, "%" PRId64, size);
        list = cni_say(findings, "%s%s%s", list, *list ? ", " : "", text);
    }
    shape = cni_say(findings, first ? "1x%s" : "%sx1", shape);
    finding->advice = cni_say(findings, "%s: the channel axis is missing; grey images have one channel.", shape);
    if (cni_is_torch(findings) || !findings->try_fixes) return;
    cni_edits edits = {.count = 0};
    cni_edit_argument(&edits, image, "shape", cni_say(findings, first ? "(%s)" : "(%s, 1)", list));
    if (!edits.failed)
        cni_finding_try(findings, finding, edits.items, edits.count, cni_say(findings, "input %s", shape));
}

static void tell_other(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    cni_finding *finding =
        cni_finding_add(findings, rule, CNI_ERROR, node->id, "%s: %s.", cni_say_node(findings, node), message_of(node));
    const cni_explained *image = without_channels(findings, node);
    if (finding && image) mend_channels(findings, finding, node, image);
}

static void look_s100(cni_findings *findings, const cni_rule *rule)
{
    each_cause(findings, rule, CNI_CAUSE_OTHER, tell_other);
}

const cni_rule cni_rule_s100 = {
    .id = "S100",
    .name = "does-not-fit",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s100,
    .why =
        "Each layer asks for an input of a certain form: Conv2D for (height, width, channels), a Reshape for as many "
        "values as its target has. What arrives here has another form, so the framework refuses to build the "
        "network. Most often a layer between is missing (Flatten before Dense, the channel axis of grey images: "
        "28x28x1, not 28x28), or a size was computed by hand for another input.",
    .source = "Keras' and PyTorch's own checks of shapes",
};

/* ---- S101 ---- */

/* The last map that follows from this one by windows alone: what has to have at least one position. */
static const cni_explained *last_window_behind(const cni_findings *findings, const cni_explained *node)
{
    const cni_analysis *analysis = findings->analysis;
    const cni_explained *last = node;
    while (node->consumer_count) {
        node = analysis->nodes + node->consumers[0];
        if (node->view.type == CNI_VIEW_WINDOW)
            last = node;
        else if (node->view.type != CNI_VIEW_POINT && node->view.type != CNI_VIEW_SHIFT)
            break;
        if (cni_is(node, CNI_IS_DENSE)) break;
    }
    return last;
}

/* The smallest image for which `node` has one position, going back over first inputs; false when it cannot be told. */
static bool least_image(const cni_findings *findings, const cni_explained *node, int axis, int64_t *size)
{
    int64_t need = 1, most;
    for (;; node = cni_input_of(findings, node, 0)) {
        const cni_view *view = &node->view;
        if (!node->input_count) break;
        if (view->type == CNI_VIEW_WINDOW && axis < view->spatial)
            cni_axis_inputs(view, axis, need, &need, &most);
        else if (view->type == CNI_VIEW_SHIFT)
            need -= view->axis[axis].before + view->axis[axis].after;
        else if (view->type == CNI_VIEW_NEAREST || view->type == CNI_VIEW_BILINEAR)
            need = (need + view->axis[axis].stride - 1) / view->axis[axis].stride;
        else if (view->type != CNI_VIEW_POINT)
            return false;
        if (need < 1) need = 1;
        if (need > INT32_MAX) return false;
    }
    *size = need;
    return true;
}

static void try_least_image(cni_findings *findings, cni_finding *finding, const cni_explained *node)
{
    const cni_explained *image = findings->analysis->nodes, *last = last_window_behind(findings, node);
    cni_edits edits = {.count = 0};
    int64_t size[2];
    if (node->view.spatial != 2 || image->spatial != 2) return;
    for (int i = 0; i < 2; i++) {
        if (!least_image(findings, last, i, size + i)) return;
        if (size[i] < image->map[i]) size[i] = image->map[i];
    }
    if (image->map[0] == image->map[1]) size[0] = size[1] = size[0] > size[1] ? size[0] : size[1];
    cni_edit_input(&edits, size[0], size[1]);
    cni_try(findings, finding, &edits);
}

/* Every unpadded convolution on the way keeps its size. */
static void try_all_padded(cni_findings *findings, cni_finding *finding, const cni_explained *node)
{
    const bool *before = cni_ancestors(findings, last_window_behind(findings, node)->id);
    cni_edits edits = {.count = 0};
    for (int i = 0; before && i < findings->analysis->count; i++) {
        const cni_explained *at = findings->analysis->nodes + i;
        if (before[i] && cni_is(at, CNI_IS_CONVOLUTION) && cni_has_windows(at) && at->view.axis[0].size > 1)
            cni_edit_pad(findings, &edits, at);
    }
    cni_try(findings, finding, &edits);
}

static void tell_window(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    int axis = 0;
    while (axis + 1 < node->view.spatial && !(cni_seen(node->axis[axis].o) && node->axis[axis].o <= 0)) axis++;
    const cni_axis *a = node->axis + axis;
    const int from = node->inputs[0];
    const int64_t padding = a->before + a->after, cells = a->n + padding;
    cni_finding *finding = cni_finding_add(findings, rule, CNI_ERROR, node->id,
                                           "%s: a window of %" PRId64 " does not fit into %" PRId64 " %s (%" PRId64
                                           " of input, %" PRId64 " of padding).",
                                           cni_say_node(findings, node), a->extent, cells,
                                           cni_say_axis(node->view.spatial, axis, cells != 1), a->n, padding);
    if (!finding) return;
    finding->history = cni_say(findings, "%s on the way: %s", cni_say_axis(node->view.spatial, axis, true),
                               cni_say_way(findings, findings->analysis, -1, from, axis, " > "));
    if (!findings->try_fixes) return;
    try_least_image(findings, finding, node);
    cni_edits pad = {.count = 0}, drop = {.count = 0};
    if (!cni_edit_pad(findings, &pad, node) || !cni_try(findings, finding, &pad))
        try_all_padded(findings, finding, node);
    if (!cni_is(node, CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL)) return;
    drop.items[drop.count++] = (cni_edit){.type = CNI_EDIT_REMOVE, .layer = node->layer_index};
    cni_try(findings, finding, &drop);
}

static void look_s101(cni_findings *findings, const cni_rule *rule)
{
    each_cause(findings, rule, CNI_CAUSE_WINDOW, tell_window);
}

const cni_rule cni_rule_s101 = {
    .id = "S101",
    .name = "window-does-not-fit",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s101,
    .why =
        "A window of extent e over n cells with P cells of padding gives floor((n + P - e) / s) + 1 outputs. Where n + "
        "P "
        "is below e that is 0 or less: there is no place for the window even once. Every unpadded 3x3 window takes "
        "two cells off each axis and every pooling by 2 halves it, so maps shrink faster than one expects: 28 > 26 > "
        "13 > 11 > 5 > 3 > 1. Padding 'same' keeps sizes, fewer poolings keep them larger, and a larger input "
        "gives the last window its cells.",
    .source = "keras issues 12951, 6649, 7611; Dumoulin & Visin, arXiv 1603.07285",
};

/* ---- S102 ---- */

static void tell_channels(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const char *key = NULL;
    int64_t expected = 0, arriving = 0;
    cni_edits edits = {.count = 0};
    if (!cni_expected(findings->analysis, node, &key, &expected, &arriving)) return;
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_ERROR, node->id, "%s expects %" PRId64 " channel%s, %" PRId64 " arrive%s (from %s, %s).",
        cni_say_node(findings, node), expected, expected == 1 ? "" : "s", arriving, arriving == 1 ? "s" : "",
        cni_say_node(findings, cni_input_of(findings, node, 0)),
        cni_say_shape(findings, &cni_input_of(findings, node, 0)->shape));
    if (!findings->try_fixes) return;
    cni_edit_argument(&edits, node, key, cni_say(findings, "%" PRId64, arriving));
    cni_try(findings, finding, &edits);
}

static int64_t filters_of(const cni_explained *node)
{
    int64_t filters = 0;
    if (!cni_config_int(node, "filters", &filters)) cni_config_int(node, "out_channels", &filters);
    return filters;
}

/* The divisors of both that are nearest to `groups`, one below and one above. */
static void try_groups(cni_findings *findings, cni_finding *finding, const cni_explained *node, int64_t channels)
{
    const int64_t filters = filters_of(node), groups = node->view.groups;
    for (int step = -1; step <= 1; step += 2)
        for (int64_t g = groups + step; g >= 1 && g <= channels && g <= filters; g += step) {
            if (channels % g || filters % g) continue;
            cni_edits edits = {.count = 0};
            cni_edit_argument(&edits, node, "groups", cni_say(findings, "%" PRId64, g));
            cni_try(findings, finding, &edits);
            break;
        }
}

static void tell_groups(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const int64_t channels = cni_input_of(findings, node, 0)->channels, filters = filters_of(node);
    const int64_t groups = node->view.groups;
    const bool in = channels > 0 && channels % groups;
    char divisors[160];
    cni_common_divisors(channels > 0 ? channels : filters, filters, divisors, sizeof divisors);
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_ERROR, node->id, "%s: %" PRId64 " %s cannot be split into %" PRId64 " groups; %s would do.",
        cni_say_node(findings, node), in ? channels : filters, in ? "channels" : "filters", groups, divisors);
    if (finding && findings->try_fixes && channels > 0) try_groups(findings, finding, node, channels);
}

/* Keras refuses filters and groups before there is a layer. */
static void tell_written_groups(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const cni_value *filters = cni_written(node, "filters"), *groups = cni_written(node, "groups");
    if (node->layer->config || !cni_is(node, CNI_IS_CONVOLUTION)) return;
    if (!filters || !groups || filters->type != CNI_INT || groups->type != CNI_INT || groups->integer < 1) return;
    if (filters->integer % groups->integer == 0) return;
    char divisors[160];
    cni_common_divisors(filters->integer, filters->integer, divisors, sizeof divisors);
    cni_finding_add(findings, rule, CNI_ERROR, node->id,
                    "%s: %" PRId64 " filters cannot be split into %" PRId64 " groups; %s would do.",
                    cni_say_node(findings, node), filters->integer, groups->integer, divisors);
}

static void look_s102(cni_findings *findings, const cni_rule *rule)
{
    each_cause(findings, rule, CNI_CAUSE_CHANNELS, tell_channels);
    each_cause(findings, rule, CNI_CAUSE_GROUPS, tell_groups);
    for (int i = 0; i < findings->analysis->count; i++)
        tell_written_groups(findings, rule, findings->analysis->nodes + i);
}

const cni_rule cni_rule_s102 = {
    .id = "S102",
    .name = "channel-mismatch",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s102,
    .why =
        "A kernel has one slice for each channel that comes in. PyTorch wants that number written down, and it must be "
        "what the layer before puts out; Keras takes it from there. With groups=g both the channels that come in and "
        "the filters are dealt out to g groups of equal size, so g has to divide both numbers.",
    .source = "PyTorch and Keras reference of Conv2d / Conv2D",
};

/* ---- S103 ---- */

/* The axis of the shape along which inputs are put one behind the other; -1: none. */
static int64_t joined_axis(const cni_explained *node, int rank)
{
    int64_t axis = -1;
    if (!cni_is(node, CNI_IS_CONCATENATE)) return -1;
    if (!cni_config_int(node, "axis", &axis)) cni_config_int(node, "dim", &axis);
    return axis < 0 ? axis + rank : axis;
}

/* The first input that does not go with input 0; `axis`: that of the map where they differ, or -1 for the channels. */
static int clashing_input(const cni_findings *findings, const cni_explained *node, int *axis)
{
    const cni_explained *a = cni_input_of(findings, node, 0);
    const bool joins = cni_is(node, CNI_IS_CONCATENATE), first = a->format == CN_CHANNELS_FIRST && a->spatial;
    *axis = -1;
    for (int i = 1; i < node->input_count; i++) {
        const cni_explained *b = cni_input_of(findings, node, i);
        if (a->shape.rank != b->shape.rank) return i;
        for (int j = 1; j < a->shape.rank; j++) {
            const int64_t x = a->shape.dims[j], y = b->shape.dims[j];
            if (x == y || x < 0 || y < 0 || j == joined_axis(node, a->shape.rank)) continue;
            if (!joins && (x == 1 || y == 1)) continue; /* is stretched */
            const int at = j - 1 - first;
            *axis = at >= 0 && at < a->spatial ? at : -1;
            return i;
        }
    }
    return node->input_count > 1 ? 1 : 0;
}

/* A step of the branch that does not come out even: "x: 2 * 89 = 178, but 179 went in". */
static const char *uneven_step(cni_findings *findings, int node, int parting, int axis)
{
    const cni_analysis *analysis = findings->analysis;
    for (int i = node; i != parting && i >= 0; i = analysis->nodes[i].inputs[0]) {
        const cni_explained *at = analysis->nodes + i;
        if (!at->input_count) break;
        if (!cni_has_windows(at) || axis >= at->view.spatial) continue;
        const cni_axis *a = at->axis + axis;
        if (!cni_seen(a->o) || a->s < 2 || a->n == a->o * a->s) continue;
        return cni_say(findings, "; %" PRId64 " = %" PRId64 "*%" PRId64 ", but %" PRId64 " went into %s", a->o * a->s,
                       a->s, a->o, a->n, cni_say_node(findings, at));
    }
    return "";
}

static const char *branch_line(cni_findings *findings, int node, int parting, int axis)
{
    const char *way = cni_say_way(findings, findings->analysis, parting, node, axis < 0 ? 0 : axis, " > ");
    return cni_say(findings, "%s: %s%s", cni_say_node(findings, findings->analysis->nodes + node), way,
                   axis < 0 ? "" : uneven_step(findings, node, parting, axis));
}

/* The image at the nearest sizes that halve as often as the network does. */
static void try_even_images(cni_findings *findings, cni_finding *finding)
{
    const cni_analysis *analysis = findings->analysis;
    const cni_explained *image = analysis->nodes;
    int64_t jump = 1;
    if (analysis->image != 0 || image->spatial != 2) return;
    for (int i = 0; i < analysis->count; i++) {
        const cni_receptive_field *field = analysis->nodes[i].field;
        const bool whole = analysis->nodes[i].spatial && field->local && field->unit > 0 && cni_seen(field->jump) &&
                           field->jump % field->unit == 0;
        if (whole && field->jump / field->unit > jump) jump = field->jump / field->unit;
    }
    if (jump < 2) return;
    for (int up = 1; up >= 0; up--) {
        cni_edits edits = {.count = 0};
        const int64_t rows = (image->map[0] + up * (jump - 1)) / jump * jump;
        const int64_t columns = (image->map[1] + up * (jump - 1)) / jump * jump;
        if (rows < 1 || columns < 1 || (rows == image->map[0] && columns == image->map[1])) continue;
        cni_edit_input(&edits, rows, columns);
        cni_try(findings, finding, &edits);
    }
}

/* Unpadded windows between the parting and the merge keep their sizes. */
static void try_same(cni_findings *findings, cni_finding *finding, const cni_explained *merge, int parting)
{
    const cni_analysis *analysis = findings->analysis;
    const bool *before = cni_ancestors(findings, merge->id);
    cni_edits edits = {.count = 0};
    for (int i = parting + 1; before && i < merge->id; i++) {
        const cni_explained *node = analysis->nodes + i;
        if (before[i] && cni_has_windows(node) && node->axis[0].k > 1 && node->axis[0].s == 1)
            cni_edit_pad(findings, &edits, node);
    }
    cni_try(findings, finding, &edits);
}

/* The last convolution of a branch, if only layers follow that leave its channels alone. */
static const cni_explained *maker_of(const cni_findings *findings, const cni_explained *node)
{
    while (!cni_is(node, CNI_IS_CONVOLUTION | CNI_IS_DENSE)) {
        if (node->input_count != 1 || node->view.type == CNI_VIEW_ALL) return NULL;
        node = cni_input_of(findings, node, 0);
    }
    return node;
}

static void try_channels(cni_findings *findings, cni_finding *finding, const cni_explained *from, int64_t channels)
{
    const cni_explained *maker = maker_of(findings, from);
    static const char *const keys[] = {"filters", "out_channels", "units", "out_features"};
    int64_t now;
    for (size_t i = 0; maker && i < sizeof keys / sizeof *keys; i++) {
        if (!cni_config_int(maker, keys[i], &now)) continue;
        cni_edits edits = {.count = 0};
        cni_edit_argument(&edits, maker, keys[i], cni_say(findings, "%" PRId64, channels));
        cni_try(findings, finding, &edits);
    }
}

/* The larger branch takes the step that the smaller one took. */
static void try_stride(cni_findings *findings, cni_finding *finding, const cni_explained *larger,
                       const cni_explained *smaller, int axis)
{
    const cni_explained *maker = maker_of(findings, larger);
    int64_t ratio[2];
    if (!maker || larger->spatial != 2 || axis < 0 || !cni_has_windows(maker)) return;
    for (int i = 0; i < 2; i++) {
        if (smaller->map[i] < 1) return;
        ratio[i] = (larger->map[i] + smaller->map[i] - 1) / smaller->map[i] * maker->axis[i].s;
    }
    if (ratio[0] == maker->axis[0].s && ratio[1] == maker->axis[1].s) return;
    cni_edits edits = {.count = 0};
    cni_edit_pair(findings, &edits, maker, cni_is_torch(findings) ? "stride" : "strides", ratio, 2);
    cni_try(findings, finding, &edits);
}

static const char *crop_advice(cni_findings *findings, const cni_explained *larger, const cni_explained *smaller)
{
    const int64_t rows = larger->map[0] - smaller->map[0], columns = larger->map[1] - smaller->map[1];
    if (larger->spatial != 2 || rows < 0 || columns < 0 || rows + columns == 0) return NULL;
    if (cni_is_torch(findings))
        return cni_say(findings,
                       "padding %s by the difference: F.pad(x, (%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ")).",
                       cni_say_node(findings, smaller), columns / 2, columns - columns / 2, rows / 2, rows - rows / 2);
    return cni_say(findings,
                   "cutting the difference off %s: Cropping2D(((%" PRId64 ", %" PRId64 "), (%" PRId64 ", %" PRId64
                   "))); or padding %s by it: ZeroPadding2D(((%" PRId64 ", %" PRId64 "), (%" PRId64 ", %" PRId64 "))).",
                   cni_say_node(findings, larger), rows / 2, rows - rows / 2, columns / 2, columns - columns / 2,
                   cni_say_node(findings, smaller), rows / 2, rows - rows / 2, columns / 2, columns - columns / 2);
}

static void mend_merge(cni_findings *findings, cni_finding *finding, const cni_explained *merge, const cni_explained *a,
                       const cni_explained *b, int axis)
{
    const bool a_larger = axis >= 0 && a->map[axis] > b->map[axis];
    const cni_explained *larger = a_larger ? a : b, *smaller = a_larger ? b : a;
    const int parting = cni_parting(findings, a->id, b->id);
    if (axis < 0) {
        try_channels(findings, finding, b, a->channels);
        try_channels(findings, finding, a, b->channels);
        return;
    }
    finding->advice = crop_advice(findings, larger, smaller);
    if (!findings->try_fixes) return;
    try_even_images(findings, finding);
    try_same(findings, finding, merge, parting);
    try_stride(findings, finding, larger, smaller, axis);
}

static void tell_merge(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    int axis = -1;
    const int other = clashing_input(findings, node, &axis);
    if (!other) return;
    const cni_explained *a = cni_input_of(findings, node, 0), *b = cni_input_of(findings, node, other);
    const int parting = cni_parting(findings, a->id, b->id);
    cni_finding *finding =
        cni_finding_add(findings, rule, CNI_ERROR, node->id, "%s: %s from %s meets %s from %s.",
                        cni_say_node(findings, node), cni_say_shape(findings, &a->shape), cni_say_node(findings, a),
                        cni_say_shape(findings, &b->shape), cni_say_node(findings, b));
    if (!finding) return;
    const char *first = branch_line(findings, a->id, parting, axis),
               *second = branch_line(findings, b->id, parting, axis);
    if (axis >= 0 && parting >= 0)
        finding->history = cni_say(findings, "%s from %s on\n%s\n%s", cni_say_axis(a->spatial, axis, true),
                                   findings->analysis->nodes[parting].name, first, second);
    mend_merge(findings, finding, node, a, b, axis);
}

static void look_s103(cni_findings *findings, const cni_rule *rule)
{
    each_cause(findings, rule, CNI_CAUSE_MERGE, tell_merge);
}

const cni_rule cni_rule_s103 = {
    .id = "S103",
    .name = "merge-size-mismatch",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s103,
    .why = "Add and Concatenate put maps on top of each other, so their sizes have to be equal. They part where one "
           "branch "
           "rounds and the other does not: a pooling of 179 gives 89, and doubling 89 gives 178, not 179. With d "
           "halvings and doublings all is well when height and width are multiples of 2^d. Unpadded windows on one "
           "branch only, or a stride that the shortcut lacks, have the same effect.",
    .source = "keras issue 19964; segmentation_models issues 1 and 154",
};

/* ---- S104 ---- */

/* The last map before, when its values are those that arrive: "32x6x6 = ". */
static const char *map_of(cni_findings *findings, const cni_explained *map, int64_t arriving)
{
    const bool all = map->spatial && cni_shape_count(&map->shape, 1) == arriving;
    return all ? cni_say(findings, "%s = ", cni_say_shape(findings, &map->shape)) : "";
}

/* Adaptive pooling gives `expected` values: for square maps, and no larger ones than arrive. */
static void try_pooling(cni_findings *findings, cni_finding *finding, const cni_explained *flatten,
                        const cni_explained *map, int64_t expected)
{
    int64_t side = 1;
    cni_edits edits = {.count = 0};
    if (map->spatial != 2 || map->channels < 1 || expected % map->channels) return;
    while (side * side < expected / map->channels) side++;
    if (side * side != expected / map->channels || side > map->map[0] || side > map->map[1]) return;
    cni_edit_before(&edits, flatten, cni_say(findings, "AdaptiveAvgPool2d(%" PRId64 ")", side));
    cni_try(findings, finding, &edits);
}

/* How the text calls it: the last of both words before the end of the span. */
static const char *method_of(const cni_findings *findings, const cni_span *span)
{
    const cni_description *d = findings->analysis->description;
    const char *at = d->text, *end = at ? at + d->text_size : NULL, *word = "view";
    for (int line = 1; at && line <= span->end_line; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        if (line == span->end_line && stop - at >= span->end_column) stop = at + span->end_column - 1;
        for (const char *c = at; line >= span->line && c + 8 <= stop; c++) {
            if (memcmp(c, ".view", 5) == 0) word = "view";
            if (memcmp(c, ".reshape", 8) == 0) word = "reshape";
        }
        at = newline ? newline + 1 : NULL;
    }
    return word;
}

/* x.view(-1, 2048) of 32x6x6: the number stands here, and once more in the Linear behind. */
static void tell_view(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const cni_explained *in = cni_input_of(findings, node, 0), *linear = cni_linear_behind(findings, node);
    const int64_t arriving = cni_shape_count(&in->shape, 1);
    int64_t batch, values, features = 0;
    if (!cni_flat_view(node, &batch, &values)) return;
    const bool too = linear && cni_config_int(linear, "in_features", &features) && features == values;
    cni_finding *finding =
        cni_finding_add(findings, rule, CNI_ERROR, node->id, "%s expects %" PRId64 " values%s; %s%" PRId64 " arrive.",
                        cni_say_node(findings, node), values,
                        too ? cni_say(findings, ", and so does %s behind it", cni_say_node(findings, linear)) : "",
                        map_of(findings, in, arriving), arriving);
    if (!finding) return;
    finding->advice = "torch.flatten(x, 1) takes all values of an image, and nn.LazyLinear their number from the first "
                      "batch.";
    if (!findings->try_fixes) return;
    const char *rows = batch == CNI_UNSEEN ? "None" : cni_say(findings, "%" PRId64, batch);
    const char *method = method_of(findings, &node->span);
    cni_edits number = {.count = 0};
    cni_edit_argument(&number, node, "shape", cni_say(findings, "(%s, %" PRId64 ")", rows, arriving));
    if (!number.failed)
        cni_finding_try(
            findings, finding, number.items, number.count,
            cni_say(findings, "%s(%s, %" PRId64 ")", method, batch == CNI_UNSEEN ? "x.size(0)" : rows, arriving));
    try_pooling(findings, finding, node, in, values);
}

static void tell_linear(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const char *key = NULL;
    int64_t expected = 0, arriving = 0;
    if (!cni_is(node, CNI_IS_DENSE)) {
        tell_view(findings, rule, node);
        return;
    }
    if (!cni_expected(findings->analysis, node, &key, &expected, &arriving)) return;
    const cni_explained *in = cni_input_of(findings, node, 0), *map = in;
    while (map->input_count == 1 && !map->spatial) map = cni_input_of(findings, map, 0);
    const int64_t all = map->shape.rank > 1 ? cni_shape_count(&map->shape, 1) : -1;
    const char *of = cni_say_shape(findings, &map->shape);
    cni_finding *finding;
    if (in->spatial)
        finding =
            cni_finding_add(findings, rule, CNI_ERROR, node->id,
                            "%s expects %" PRId64 " values; the last axis of %s, which arrives, has %" PRId64 "%s.",
                            cni_say_node(findings, node), expected, of, arriving,
                            all == expected ? ": Flatten is missing before it" : "");
    else
        finding =
            cni_finding_add(findings, rule, CNI_ERROR, node->id, "%s expects %" PRId64 " values; %s%" PRId64 " arrive.",
                            cni_say_node(findings, node), expected, map_of(findings, map, arriving), arriving);
    if (!finding) return;
    finding->advice = "nn.LazyLinear, which takes the number from the first batch.";
    if (!findings->try_fixes) return;
    if (in->spatial) {
        cni_edits flatten = {.count = 0};
        cni_edit_before(&flatten, node, "Flatten()");
        if (all > 0 && all != expected)
            cni_edit_argument(&flatten, node, "in_features", cni_say(findings, "%" PRId64, all));
        cni_try(findings, finding, &flatten);
        return;
    }
    cni_edits number = {.count = 0};
    cni_edit_argument(&number, node, "in_features", cni_say(findings, "%" PRId64, arriving));
    cni_try(findings, finding, &number);
    if (in->view.type == CNI_VIEW_ALL) try_pooling(findings, finding, in, map, expected);
}

static void look_s104(cni_findings *findings, const cni_rule *rule)
{
    each_cause(findings, rule, CNI_CAUSE_LINEAR, tell_linear);
}

const cni_rule cni_rule_s104 = {
    .id = "S104",
    .name = "linear-size",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s104,
    .why =
        "nn.Linear has a column of weights for each value that comes in, and in_features says how many. Behind Flatten "
        "that is channels * height * width of the last map, so it changes with the size of the image and with every "
        "padding and stride before. Adaptive pooling before Flatten makes it independent of them; nn.LazyLinear "
        "counts by itself.",
    .source = "PyTorch reference of Linear, LazyLinear and AdaptiveAvgPool2d",
};

/* ---- S105 to S108: arguments that exclude each other ---- */

static void look_s105(cni_findings *findings, const cni_rule *rule)
{
    if (cni_is_torch(findings)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        const int64_t stride = cni_written_most(node, "strides", 1),
                      dilation = cni_written_most(node, "dilation_rate", 1);
        if (!cni_is(node, CNI_IS_CONVOLUTION) || stride < 2 || dilation < 2) continue;
        const bool allowed = node->layer->config != NULL; /* depthwise, separable: documented as incompatible */
        cni_finding *finding =
            cni_finding_add(findings, rule, allowed ? CNI_WARNING : CNI_ERROR, i,
                            "%s has strides %" PRId64 " and dilation_rate %" PRId64 ": %s one of them has to be 1.",
                            cni_say_node(findings, node), stride, dilation,
                            allowed ? "Keras' documentation says that" : "Keras refuses both together,");
        cni_edits undilated = {.count = 0}, unstrided = {.count = 0};
        cni_edit_argument(&undilated, node, "dilation_rate", "1");
        cni_edit_argument(&unstrided, node, "strides", "1");
        cni_try(findings, finding, &undilated);
        cni_try(findings, finding, &unstrided);
    }
}

const cni_rule cni_rule_s105 = {
    .id = "S105",
    .name = "stride-with-dilation",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s105,
    .why =
        "A stride skips positions of the output, a dilation skips cells between the taps. Where both share a factor, "
        "rows and columns of the input are never read at all. Keras refuses the combination for Conv2D and its "
        "transposed form when the layer is made; for depthwise and separable convolutions its documentation calls it "
        "incompatible.",
    .source = "Keras' constructor checks and reference",
};

static void look_s106(cni_findings *findings, const cni_rule *rule)
{
    if (!cni_is_torch(findings)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        const int64_t stride = cni_written_most(node, "stride", 1), kernel = cni_written_most(node, "kernel_size", 1);
        if (cni_shape_cause_of(findings, node) != CNI_CAUSE_SAME_STRIDE) continue;
        cni_finding *finding =
            cni_finding_add(findings, rule, CNI_ERROR, i,
                            "%s: PyTorch takes padding='same' with stride 1 only, here it is %" PRId64 ".",
                            cni_say_node(findings, node), stride);
        if (!finding) continue;
        const int64_t extent = (kernel - 1) * cni_written_most(node, "dilation", 1) + 1;
        const int64_t total = extent > stride ? extent - stride : 0; /* of an even size */
        finding->advice =
            cni_say(findings,
                    "doing what Keras' 'same' does at sizes that %" PRId64 " divides: x = F.pad(x, (%" PRId64
                    ", %" PRId64 ", %" PRId64 ", %" PRId64 ")) and padding=0.",
                    stride, total / 2, total - total / 2, total / 2, total - total / 2);
        cni_edits edits = {.count = 0};
        cni_edit_argument(&edits, node, "padding", cni_say(findings, "%" PRId64, extent / 2));
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s106 = {
    .id = "S106",
    .name = "same-with-stride-in-pytorch",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s106,
    .why =
        "With a stride, 'same' depends on the size of the input: Keras pads max((o-1)*s + k - n, 0) cells and puts the "
        "odd one behind. PyTorch has no such rule and refuses; padding=k//2 gives the same sizes, but its windows "
        "sit elsewhere (one cell further to the left and up for 3x3 with stride 2 on an even size). To copy weights "
        "from Keras, pad by hand.",
    .source = "PyTorch reference of Conv2d; section on comparing frameworks",
};

static void look_s107(cni_findings *findings, const cni_rule *rule)
{
    if (!cni_is_torch(findings)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        int64_t most[CNI_MAX_SPATIAL];
        if (cni_shape_cause_of(findings, node) != CNI_CAUSE_POOL_PADDING) continue;
        for (int j = 0; j < node->view.spatial; j++) most[j] = node->view.axis[j].size / 2;
        cni_finding *finding =
            cni_finding_add(findings, rule, CNI_ERROR, i,
                            "%s: padding %" PRId64 " is more than half of the window of %" PRId64
                            "; PyTorch allows at most %" PRId64 ".",
                            cni_say_node(findings, node), node->view.axis[0].before, node->view.axis[0].size, most[0]);
        cni_edits edits = {.count = 0};
        cni_edit_pair(findings, &edits, node, "padding", most, node->view.spatial);
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s107 = {
    .id = "S107",
    .name = "pool-padding-too-large",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s107,
    .why =
        "With padding above half of the window, a pooling window could lie in the padding as a whole, and its maximum "
        "would be minus infinity. PyTorch refuses it.",
    .source = "PyTorch reference of MaxPool2d",
};

static void look_s108(cni_findings *findings, const cni_rule *rule)
{
    const bool torch = cni_is_torch(findings);
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        const int64_t extra = cni_written_most(node, "output_padding", 0);
        if (cni_shape_cause_of(findings, node) != CNI_CAUSE_OUTPUT_PADDING) continue;
        const int64_t stride = cni_written_most(node, torch ? "stride" : "strides", 1),
                      dilation = cni_written_most(node, "dilation", 1);
        const int64_t below = torch && dilation > stride ? dilation : stride;
        cni_finding *finding = cni_finding_add(
            findings, rule, CNI_ERROR, i, "%s: output_padding %" PRId64 " has to be below the stride%s, %" PRId64 ".",
            cni_say_node(findings, node), extra, torch ? " or the dilation" : "", below);
        cni_edits edits = {.count = 0};
        cni_edit_argument(&edits, node, "output_padding", cni_say(findings, "%" PRId64, below - 1));
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s108 = {
    .id = "S108",
    .name = "output-padding",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s108,
    .why = "Several input sizes give the same output size of a strided convolution, s of them. output_padding says "
           "which of "
           "the s sizes the transposed convolution goes back to, so 0 to s-1 make sense.",
    .source = "Keras' and PyTorch's reference of transposed convolution",
};

/* ---- S110 ---- */

static bool comes_from_windows(cni_findings *findings, int node)
{
    const bool *before = cni_ancestors(findings, node);
    for (int i = 0; before && i <= node; i++)
        if (before[i] && findings->analysis->nodes[i].view.type == CNI_VIEW_WINDOW) return true;
    return false;
}

/* Maps of one position, as in squeeze-and-excitation, are vectors in disguise; sequences are made for it. */
static bool is_map(cni_findings *findings, const cni_explained *in)
{
    bool one = true;
    for (int i = 0; i < in->spatial; i++) one &= in->map[i] == 1;
    return in->spatial && !one && (in->spatial > 1 || comes_from_windows(findings, in->id));
}

static void look_s110(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    if (cni_is_torch(findings) || !cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (cni_is(node, CNI_IS_DENSE) && node->input_count == 1 && !node->error.status &&
            is_map(findings, cni_input_of(findings, node, 0)))
            cni_node_list_add(findings, rule, &list, i);
    }
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0], *in = cni_input_of(findings, node, 0);
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_WARNING, node->id,
        "%s: Dense works on the last axis only: %s separate applications, output %s. A Flatten or pooling layer is "
        "probably missing.",
        cni_say_node(findings, node), cni_say_map(findings, in), cni_say_shape(findings, &node->shape));
    cni_finding_concerns(finding, &list);
    static const char *const layers[] = {"Flatten()", "GlobalAveragePooling2D()"};
    for (int i = 0; findings->try_fixes && i < (in->spatial == 2 ? 2 : 1); i++) {
        cni_edits edits = {.count = 0};
        cni_edit_before(&edits, node, layers[i]);
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s110 = {
    .id = "S110",
    .name = "dense-on-map",
    .severity = CNI_WARNING,
    .grade = 'A',
    .whole = true,
    .look = look_s110,
    .why = "Keras' Dense multiplies along the last axis and leaves the others alone. On a map of height x width x "
           "channels it is a 1x1 convolution: the same weights at every position, and the output is a map again. A "
           "classifier that ends so gives a class for each position, and its loss meets targets of another shape. "
           "Flatten makes one vector of the map, pooling one number of each channel.",
    .source = "Keras reference of Dense",
};

/* ---- S111 ---- */

static void look_s111(cni_findings *findings, const cni_rule *rule)
{
    if (cni_is_torch(findings)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        const int64_t *dims = node->shape.dims + 1;
        if (node->input_count || node->shape.rank != 4 || node->format == CN_CHANNELS_FIRST) continue;
        if ((dims[0] != 1 && dims[0] != 3 && dims[0] != 4) || dims[1] < 16 || dims[2] < 16) continue;
        cni_finding *finding = cni_finding_add(findings, rule, CNI_WARNING, i,
                                               "%s: input %s is read as height %" PRId64 ", width %" PRId64 ", %" PRId64
                                               " channels. It looks like channels first.",
                                               cni_say_node(findings, node), cni_say_shape(findings, &node->shape),
                                               dims[0], dims[1], dims[2]);
        if (!finding) continue;
        finding->advice = "data_format='channels_first' in every layer, or "
                          "keras.config.set_image_data_format('channels_first'), for data that has its channels first.";
        cni_edits edits = {.count = 0};
        cni_edit_argument(&edits, node, "shape",
                          cni_say(findings, "(%" PRId64 ", %" PRId64 ", %" PRId64 ")", dims[1], dims[2], dims[0]));
        cni_try(findings, finding, &edits);
    }
}

const cni_rule cni_rule_s111 = {
    .id = "S111",
    .name = "looks-like-channels-first",
    .severity = CNI_WARNING,
    .grade = 'C',
    .look = look_s111,
    .why =
        "Keras reads shapes as height, width, channels unless it is told otherwise; PyTorch and older texts put the "
        "channels first. A shape such as 1x28x28 is then an image of one row with 28 channels: 3x3 windows do not fit, "
        "or with padding look past the image most of the time. That it was meant otherwise is a guess from 1, 3 or 4 "
        "in "
        "front of two larger numbers.",
    .source = "keras issue 7611",
};
