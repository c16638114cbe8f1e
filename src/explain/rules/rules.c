/* SPDX-License-Identifier: Apache-2.0
 * What rules share: words, arguments, ways through the graph. */
#include "explain/rules/rules.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

static const char *kept(cni_findings *findings, const char *text)
{
    if (!text) findings->failed = true;
    return text ? text : "";
}

const char *cni_say(cni_findings *findings, const char *format, ...)
{
    char text[4000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return kept(findings, cni_arena_text(findings->arena, text));
}

const char *cni_say_count(cni_findings *findings, int64_t count)
{
    char digits[24], out[32];
    const int length = snprintf(digits, sizeof digits, "%" PRId64, count < 0 ? -count : count);
    size_t at = 0;
    if (count < 0) out[at++] = '-';
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    return kept(findings, cni_arena_text_n(findings->arena, out, at));
}

const char *cni_say_percent(cni_findings *findings, double share)
{
    const double percent = 100 * share, size = fabs(percent);
    int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    if (size == 0) decimals = 0;
    return cni_say(findings, "%.*f %%", decimals, percent);
}

static int64_t divisor_of(int64_t a, int64_t b)
{
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

const char *cni_say_fraction(cni_findings *findings, int64_t num, int64_t den)
{
    const int64_t common = num ? divisor_of(num, den) : den;
    num /= common;
    den /= common;
    if (den == 1) return cni_say(findings, "%" PRId64, num);
    for (int64_t power = 10; power <= 1000; power *= 10) /* 2, 4, 5, 8: as a decimal fraction */
        if (power % den == 0)
            return cni_say(findings, "%.*f", (int)(log10((double)power) + 0.5), (double)num / (double)den);
    return cni_say(findings, "%" PRId64 "/%" PRId64, num, den);
}

const char *cni_say_node(cni_findings *findings, const cni_explained *node)
{
    const char *last = strrchr(node->name, '.');
    last = last ? last + 1 : node->name;
    const bool number = *last && last[strspn(last, "0123456789")] == 0;
    if (!number || !node->layer->class_name) return node->name;
    return cni_say(findings, "%s (%s)", node->name, node->layer->class_name);
}

const char *cni_say_names(cni_findings *findings, const int *nodes, int count)
{
    enum { SHOWN = 4 };
    char text[1000] = "";
    const int shown = count > SHOWN + 1 ? SHOWN : count;
    size_t at = 0;
    for (int i = 0; i < shown && at < sizeof text; i++) {
        const char *link = i == 0 ? "" : i == count - 1 ? " and " : ", ";
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.160s", link,
                               cni_say_node(findings, findings->analysis->nodes + nodes[i]));
    }
    if (shown < count && at < sizeof text) snprintf(text + at, sizeof text - at, " and %d more", count - shown);
    return kept(findings, cni_arena_text(findings->arena, text));
}

static const char *by_times(cni_findings *findings, const int64_t *sizes, int count)
{
    char text[200] = "";
    size_t at = 0;
    for (int i = 0; i < count && at < sizeof text; i++)
        at += (size_t)(sizes[i] < 0 ? snprintf(text + at, sizeof text - at, "%s?", i ? "x" : "")
                                    : snprintf(text + at, sizeof text - at, "%s%" PRId64, i ? "x" : "", sizes[i]));
    return kept(findings, cni_arena_text(findings->arena, text));
}

const char *cni_say_shape(cni_findings *findings, const cni_shape *shape)
{
    return by_times(findings, shape->dims + 1, shape->rank > 1 ? shape->rank - 1 : 0);
}

const char *cni_say_map(cni_findings *findings, const cni_explained *node)
{
    return by_times(findings, node->map, node->spatial);
}

const char *cni_say_sizes(cni_findings *findings, const int64_t *sizes, int count)
{
    return by_times(findings, sizes, count);
}

const char *cni_say_axis(int spatial, int axis, bool plural)
{
    static const char *const words[3][2] = {{"plane", "planes"}, {"row", "rows"}, {"column", "columns"}};
    if (spatial == 1) return plural ? "positions" : "position";
    return words[spatial == 2 ? axis + 1 : axis][plural];
}

const char *cni_say_way(cni_findings *findings, const cni_analysis *analysis, int from, int to, int axis,
                        const char *link)
{
    enum { MOST = 24 };
    int64_t sizes[MOST];
    int count = 0;
    for (int i = to; i >= 0 && i < analysis->count && count < MOST; i = analysis->nodes[i].inputs[0]) {
        const cni_explained *node = analysis->nodes + i;
        const bool pads = node->view.type == CNI_VIEW_SHIFT && i != to;
        const int64_t size = axis < node->spatial && !pads ? node->map[axis] : -1;
        if (size > 0 && (!count || sizes[count - 1] != size)) sizes[count++] = size;
        if (i == from || !node->input_count) break;
    }
    char text[400] = "";
    size_t at = 0;
    for (int i = count - 1; i >= 0 && at < sizeof text; i--)
        at += (size_t)snprintf(text + at, sizeof text - at, "%" PRId64 "%s", sizes[i], i ? link : "");
    return kept(findings, cni_arena_text(findings->arena, text));
}

/* ---- lists ---- */

bool cni_node_list_new(cni_findings *findings, cni_node_list *list)
{
    *list = (cni_node_list){.nodes = CNI_NEW_ARRAY(findings->arena, int, (size_t)findings->analysis->count + 1)};
    if (!list->nodes) findings->failed = true;
    return list->nodes != NULL;
}

void cni_node_list_add(cni_findings *findings, const cni_rule *rule, cni_node_list *list, int node)
{
    const cni_explained *nodes = findings->analysis->nodes;
    if (cni_finding_off(findings, rule, node)) return;
    for (int i = 0; nodes[node].shared_with >= 0 && i < list->count; i++)
        if (nodes[list->nodes[i]].layer_index == nodes[node].layer_index) return;
    list->nodes[list->count++] = node;
}

void cni_finding_concerns(cni_finding *finding, const cni_node_list *list)
{
    if (!finding || list->count < 2) return;
    finding->nodes = list->nodes;
    finding->node_count = list->count;
}

/* ---- layers ---- */

const cni_explained *cni_input_of(const cni_findings *findings, const cni_explained *node, int index)
{
    return findings->analysis->nodes + node->inputs[index];
}

static const cni_field *field_of(const cni_explained *node, const char *key)
{
    const cni_layer_kind *kind = node->layer->kind;
    if (!kind || !node->layer->config) return NULL;
    for (size_t i = 0; i < kind->kind.field_count; i++)
        if (strcmp(kind->kind.fields[i].key, key) == 0) return kind->kind.fields + i;
    return NULL;
}

bool cni_config_int(const cni_explained *node, const char *key, int64_t *value)
{
    const cni_field *field = field_of(node, key);
    const int *member = field && field->type == CNI_FIELD_INT ? cni_object_member(node->layer->config, key) : NULL;
    if (!member || *member == CNI_NONE_INT) return false;
    *value = *member;
    return true;
}

bool cni_config_bool(const cni_explained *node, const char *key, bool *value)
{
    const cni_field *field = field_of(node, key);
    const bool *member = field && field->type == CNI_FIELD_BOOL ? cni_object_member(node->layer->config, key) : NULL;
    if (!member) return false;
    *value = *member != ((field->flags & CNI_NEGATED) != 0);
    return true;
}

const cni_value *cni_written(const cni_explained *node, const char *key)
{
    for (int i = 0; i < node->layer->argument_count; i++)
        if (node->layer->arguments[i].key && strcmp(node->layer->arguments[i].key, key) == 0)
            return node->layer->arguments[i].value;
    return NULL;
}

int64_t cni_written_most(const cni_explained *node, const char *key, int64_t otherwise)
{
    const cni_value *value = cni_written(node, key);
    if (value && value->type == CNI_INT) return value->integer;
    if (!value || value->type != CNI_LIST || !value->count) return otherwise;
    int64_t most = INT64_MIN;
    for (size_t i = 0; i < value->count; i++)
        if (value->items[i]->type == CNI_INT && value->items[i]->integer > most) most = value->items[i]->integer;
    return most == INT64_MIN ? otherwise : most;
}

/* ---- errors of shapes ---- */

bool cni_expected(const cni_analysis *analysis, const cni_explained *node, const char **key, int64_t *expected,
                  int64_t *arriving)
{
    static const char *const keys[] = {"in_channels", "num_features", "num_channels", "in_features"};
    if (analysis->description->dialect != CNI_TORCH || node->input_count != 1) return false;
    const cni_shape *in = &analysis->nodes[node->inputs[0]].shape;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!cni_config_int(node, keys[i], expected) || *expected < 1 || in->rank < 2) continue;
        const bool last = strcmp(keys[i], "in_features") == 0;
        if (!last && node->view.spatial && in->rank != node->view.spatial + 2) continue; /* an axis is missing */
        *key = keys[i];
        *arriving = in->dims[last ? in->rank - 1 : 1];
        return *arriving > 0;
    }
    return false;
}

bool cni_flat_view(const cni_explained *node, int64_t *batch, int64_t *values)
{
    const cni_value *shape = cni_written(node, "shape");
    if (!node->layer->kind || strcmp(node->layer->kind->kind.name, "View") != 0 || node->input_count != 1) return false;
    if (!shape || shape->type != CNI_LIST || shape->count != 2 || shape->items[1]->type != CNI_INT) return false;
    *batch = shape->items[0]->type == CNI_INT ? shape->items[0]->integer : CNI_UNSEEN;
    *values = shape->items[1]->integer;
    return *values > 0;
}

/* Rows of as many values as a Linear behind them counts: what the view cannot give is the Linear's matter. */
static bool view_does_not_fit(const cni_findings *findings, const cni_explained *node)
{
    int64_t batch, values;
    const cni_shape *in = node->input_count == 1 ? &cni_input_of(findings, node, 0)->shape : NULL;
    return cni_flat_view(node, &batch, &values) && in->rank > 1 && cni_shape_count(in, 1) > 0 &&
           cni_linear_behind(findings, node);
}

static bool groups_do_not_fit(const cni_findings *findings, const cni_explained *node)
{
    const int64_t groups = node->view.groups;
    int64_t filters = 0;
    if (groups < 2 || !cni_is(node, CNI_IS_CONVOLUTION) || node->input_count != 1) return false;
    const int64_t channels = cni_input_of(findings, node, 0)->channels;
    if (!cni_config_int(node, "filters", &filters)) cni_config_int(node, "out_channels", &filters);
    return (channels > 0 && channels % groups) || filters % groups;
}

static bool window_does_not_fit(const cni_explained *node)
{
    for (int i = 0; cni_has_windows(node) && i < node->view.spatial; i++)
        if (cni_seen(node->axis[i].o) && node->axis[i].o <= 0 && node->axis[i].n > 0) return true;
    return false;
}

/* Arguments that exclude each other: each framework has its own. */
static cni_shape_cause cause_in_arguments(const cni_findings *findings, const cni_explained *node)
{
    const bool torch = cni_is_torch(findings);
    const int64_t stride = cni_written_most(node, torch ? "stride" : "strides", 1);
    const int64_t dilation = cni_written_most(node, torch ? "dilation" : "dilation_rate", 1);
    const int64_t extra = cni_written_most(node, "output_padding", 0);
    const char *padding = cni_value_as_text(cni_written(node, "padding"));
    for (int i = 0; torch && cni_is(node, CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL) && i < node->view.spatial; i++)
        if (cni_has_windows(node) && node->view.axis[i].before > node->view.axis[i].size / 2)
            return CNI_CAUSE_POOL_PADDING;
    if (!cni_is(node, CNI_IS_CONVOLUTION)) return CNI_CAUSE_NONE;
    if (torch && padding && strcmp(padding, "same") == 0 && stride > 1) return CNI_CAUSE_SAME_STRIDE;
    if (extra > 0 && extra >= stride && !(torch && extra < dilation)) return CNI_CAUSE_OUTPUT_PADDING;
    return !torch && !node->layer->config && stride > 1 && dilation > 1 ? CNI_CAUSE_STRIDE_DILATION : CNI_CAUSE_NONE;
}

cni_shape_cause cni_shape_cause_of(const cni_findings *findings, const cni_explained *node)
{
    const char *key;
    int64_t expected, arriving;
    const cni_shape_cause cause = cause_in_arguments(findings, node);
    if (cause != CNI_CAUSE_NONE || !node->layer->config) return cause;
    if (cni_expected(findings->analysis, node, &key, &expected, &arriving) && expected != arriving)
        return strcmp(key, "in_features") == 0 ? CNI_CAUSE_LINEAR : CNI_CAUSE_CHANNELS;
    if (groups_do_not_fit(findings, node)) return CNI_CAUSE_GROUPS;
    if (!node->error.status) return CNI_CAUSE_NONE;
    if (window_does_not_fit(node)) return CNI_CAUSE_WINDOW;
    if (view_does_not_fit(findings, node)) return CNI_CAUSE_LINEAR;
    return cni_is(node, CNI_IS_MERGE) ? CNI_CAUSE_MERGE : CNI_CAUSE_OTHER;
}

/* ---- ways through the graph ---- */

const cni_explained *cni_linear_behind(const cni_findings *findings, const cni_explained *node)
{
    do {
        if (!node->consumer_count) return NULL;
        node = findings->analysis->nodes + node->consumers[0];
        if (cni_is(node, CNI_IS_DENSE)) return node;
    } while (node->view.type == CNI_VIEW_POINT && node->input_count == 1);
    return NULL;
}

bool *cni_ancestors(cni_findings *findings, int node)
{
    const cni_analysis *analysis = findings->analysis;
    bool *marks = CNI_NEW_ARRAY(findings->arena, bool, (size_t)analysis->count + 1);
    if (!marks) {
        findings->failed = true;
        return NULL;
    }
    marks[node] = true;
    for (int i = node; i >= 0; i--) /* what a node is called on stands before it */
        for (int j = 0; marks[i] && j < analysis->nodes[i].input_count; j++) marks[analysis->nodes[i].inputs[j]] = true;
    return marks;
}

int cni_parting(const cni_findings *findings, int a, int b)
{
    const bool *of_a = cni_ancestors((cni_findings *)findings, a), *of_b = cni_ancestors((cni_findings *)findings, b);
    for (int i = a < b ? a : b; of_a && of_b && i >= 0; i--)
        if (of_a[i] && of_b[i]) return i;
    return -1;
}

static bool raises(const cni_view *view)
{
    return view->type == CNI_VIEW_TRANSPOSED || view->type == CNI_VIEW_NEAREST || view->type == CNI_VIEW_BILINEAR;
}

bool *cni_feeds_map(cni_findings *findings)
{
    const cni_analysis *analysis = findings->analysis;
    bool *raised = CNI_NEW_ARRAY(findings->arena, bool, (size_t)analysis->count + 1);
    bool *feeds = CNI_NEW_ARRAY(findings->arena, bool, (size_t)analysis->count + 1);
    if (!raised || !feeds) {
        findings->failed = true;
        return NULL;
    }
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        raised[i] = raises(&node->view);
        for (int j = 0; j < node->input_count; j++) raised[i] |= raised[node->inputs[j]];
    }
    for (int i = analysis->count - 1; i >= 0; i--) {
        const cni_explained *node = analysis->nodes + i;
        feeds[i] |= node->output && raised[i] && node->spatial && node->map[0] != 1;
        for (int j = 0; feeds[i] && node->view.type != CNI_VIEW_ALL && j < node->input_count; j++)
            feeds[node->inputs[j]] = true;
    }
    return feeds;
}

/* ---- edits ---- */

static void add_edit(cni_edits *edits, cni_edit edit)
{
    if (edits->count == CNI_MAX_EDITS)
        edits->failed = true;
    else
        edits->items[edits->count++] = edit;
}

void cni_edit_argument(cni_edits *edits, const cni_explained *node, const char *key, const char *value)
{
    add_edit(edits, (cni_edit){.type = CNI_EDIT_ARGUMENT, .layer = node->layer_index, .key = key, .value = value});
}

void cni_edit_before(cni_edits *edits, const cni_explained *node, const char *value)
{
    add_edit(edits, (cni_edit){.type = CNI_EDIT_BEFORE, .layer = node->layer_index, .value = value});
}

void cni_edit_replace(cni_edits *edits, const cni_explained *node, const char *value)
{
    add_edit(edits, (cni_edit){.type = CNI_EDIT_REPLACE, .layer = node->layer_index, .value = value});
}

void cni_edit_input(cni_edits *edits, int64_t rows, int64_t columns)
{
    add_edit(edits, (cni_edit){.type = CNI_EDIT_INPUT, .layer = -1, .rows = rows, .columns = columns});
}

static const char *pair_text(cni_findings *findings, const int64_t *pair, int count)
{
    bool equal = true;
    for (int i = 1; i < count; i++) equal &= pair[i] == pair[0];
    if (equal) return cni_say(findings, "%" PRId64, pair[0]);
    if (count == 2) return cni_say(findings, "(%" PRId64 ", %" PRId64 ")", pair[0], pair[1]);
    return cni_say(findings, "(%" PRId64 ", %" PRId64 ", %" PRId64 ")", pair[0], pair[1], pair[2]);
}

void cni_edit_pair(cni_findings *findings, cni_edits *edits, const cni_explained *node, const char *key,
                   const int64_t *pair, int count)
{
    cni_edit_argument(edits, node, key, pair_text(findings, pair, count));
}

static bool has_argument(const cni_explained *node, const char *key)
{
    return field_of(node, key) != NULL;
}

static bool is_padded(const cni_explained *node)
{
    for (int i = 0; i < node->view.spatial; i++)
        if (node->view.axis[i].rule != CNI_PAD_GIVEN || node->view.axis[i].before || node->view.axis[i].after)
            return true;
    return false;
}

bool cni_edit_pad(cni_findings *findings, cni_edits *edits, const cni_explained *node)
{
    const bool pool = cni_is(node, CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL);
    if (!cni_has_windows(node) || !has_argument(node, "padding")) return false;
    if (pool && has_argument(node, "ceil_mode")) {
        if (!node->view.ceil_mode) cni_edit_argument(edits, node, "ceil_mode", "True");
        return !node->view.ceil_mode;
    }
    if (is_padded(node)) return false;
    if (!cni_is_torch(findings)) {
        cni_edit_argument(edits, node, "padding", "'same'");
        return true;
    }
    int64_t half[CNI_MAX_SPATIAL];
    for (int i = 0; i < node->view.spatial; i++) {
        half[i] = (node->view.axis[i].size - 1) * node->view.axis[i].dilation / 2;
        if (node->view.axis[i].size == 1) return false;
    }
    cni_edit_pair(findings, edits, node, "padding", half, node->view.spatial);
    return true;
}

bool cni_edit_symmetric(cni_findings *findings, cni_edits *edits, const cni_explained *node)
{
    int64_t half[CNI_MAX_SPATIAL];
    if (cni_is_torch(findings) || node->view.spatial != 2 || !cni_is(node, CNI_IS_CONVOLUTION)) return false;
    for (int i = 0; i < 2; i++) {
        if (node->axis[i].extent % 2 == 0) return false;
        half[i] = node->axis[i].extent / 2;
    }
    cni_edit_before(edits, node, cni_say(findings, "ZeroPadding2D(%s)", pair_text(findings, half, 2)));
    cni_edit_argument(edits, node, "padding", "'valid'");
    return true;
}

bool cni_try(cni_findings *findings, cni_finding *finding, const cni_edits *edits)
{
    if (edits->failed || !edits->count) return false;
    return cni_finding_try(findings, finding, edits->items, edits->count, NULL);
}

/* ---- other sizes of the image ---- */

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
