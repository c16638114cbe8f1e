/* SPDX-License-Identifier: Apache-2.0
 * The nodes of an analysis: what is wired to what, and shapes as the kinds themselves infer them.  A layer is made as a
 * model would make it, but for the memory of its weights. */
#include "explain/analysis/analyser.h"

#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- wiring ---- */

static cn_status no_memory(cni_analyser *a)
{
    return cni_no_memory(a->error, "an analysis");
}

static cn_status wire_inputs(cni_analyser *a, const cni_described_call *call, cni_explained *node, const int *node_of)
{
    node->input_count = call->input_count;
    node->inputs = CNI_NEW_ARRAY(a->arena, int, (size_t)call->input_count);
    if (!node->inputs) return no_memory(a);
    for (int i = 0; i < call->input_count; i++) {
        node->inputs[i] = node_of[call->inputs[i].call];
        a->analysis->nodes[node->inputs[i]].consumer_count++;
    }
    return CN_OK;
}

static cn_status wire_consumers(cni_analyser *a)
{
    cni_analysis *analysis = a->analysis;
    for (int i = 0; i < analysis->count; i++) {
        cni_explained *node = analysis->nodes + i;
        node->consumers = CNI_NEW_ARRAY(a->arena, int, (size_t)node->consumer_count);
        if (!node->consumers) return no_memory(a);
        node->consumer_count = 0;
    }
    for (int i = 0; i < analysis->count; i++)
        for (int j = 0; j < analysis->nodes[i].input_count; j++) {
            cni_explained *from = analysis->nodes + analysis->nodes[i].inputs[j];
            from->consumers[from->consumer_count++] = i;
        }
    return CN_OK;
}

static void begin_node(cni_analyser *a, int id, const cni_described_call *call, int *first_of)
{
    const cni_description *flat = a->analysis->description;
    cni_explained *node = a->analysis->nodes + id;
    node->id = id;
    node->layer_index = call->layer;
    node->layer = flat->layers + call->layer;
    node->name = node->layer->name ? node->layer->name : "";
    node->span = node->layer->span.line ? node->layer->span : call->span;
    node->call_span = call->span;
    node->shared_with = first_of[call->layer];
    node->channels = -1;
    for (int i = 0; i < CNI_MAX_SPATIAL; i++) node->map[i] = -1;
    if (first_of[call->layer] < 0) first_of[call->layer] = id;
    if (node->layer->kind && node->layer->config)
        cni_layer_view(node->layer->kind, node->layer->config, &node->view);
    else
        node->view = (cni_view){.type = CNI_VIEW_UNKNOWN};
}

static cn_status make_nodes(cni_analyser *a)
{
    const cni_description *flat = a->analysis->description;
    cni_analysis *analysis = a->analysis;
    int *node_of = CNI_NEW_ARRAY(&a->scratch, int, (size_t)flat->call_count);
    int *first_of = CNI_NEW_ARRAY(&a->scratch, int, (size_t)flat->layer_count);
    analysis->nodes = CNI_NEW_ARRAY(a->arena, cni_explained, (size_t)flat->call_count);
    if (!node_of || !first_of || !analysis->nodes) return no_memory(a);
    for (int i = 0; i < flat->layer_count; i++) first_of[i] = -1;
    for (int i = 0; i < flat->call_count; i++) node_of[i] = -1;
    for (int i = 0; i < flat->input_count; i++)
        if (node_of[flat->inputs[i]] < 0) node_of[flat->inputs[i]] = analysis->count++;
    for (int i = 0; i < flat->call_count; i++)
        if (node_of[i] < 0) node_of[i] = analysis->count++;
    for (int i = 0; i < flat->call_count; i++) {
        begin_node(a, node_of[i], flat->calls + i, first_of);
        CN_TRY(wire_inputs(a, flat->calls + i, analysis->nodes + node_of[i], node_of));
    }
    for (int i = 0; i < flat->output_count; i++) analysis->nodes[node_of[flat->outputs[i].call]].output = true;
    return wire_consumers(a);
}

/* ---- what is known of an input without a shape: what the layers behind it ask for ---- */

/* Nodes that pass on what `from` gives, in their order, until one answers; NULL when none does. */
typedef bool answers(const cni_explained *node, void *user);

static cn_status ask_behind(cni_analyser *a, const cni_explained *from, answers *ask, void *user)
{
    const cni_analysis *analysis = a->analysis;
    bool *reached = CNI_NEW_ARRAY(&a->scratch, bool, (size_t)analysis->count);
    if (!reached) return no_memory(a);
    reached[from->id] = true;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        bool behind = false;
        for (int j = 0; j < node->input_count && !behind; j++) behind = reached[node->inputs[j]];
        if (!behind) continue;
        if (ask(node, user)) return CN_OK;
        reached[i] = node->view.type == CNI_VIEW_POINT || node->view.type == CNI_VIEW_SHIFT;
    }
    return CN_OK;
}

static bool answers_format(const cni_explained *node, void *user)
{
    *(cn_data_format *)user = node->view.format;
    return node->view.format != CN_FORMAT_DEFAULT;
}

/* The rank that a kind asks for, or 0. */
static int rank_wanted(const cni_explained *node)
{
    const cni_layer_kind *kind = node->layer->kind;
    if (!kind) return 0;
    if (node->view.spatial) return node->view.spatial + 2;
    return kind->min_rank == kind->max_rank ? kind->min_rank : 0;
}

static int64_t int_argument(const cni_explained *node, const char *key)
{
    const int *value = node->layer->config ? cni_object_member(node->layer->config, key) : NULL;
    return value && *value > 0 ? *value : -1;
}

static bool answers_shape(const cni_explained *node, void *user)
{
    const int rank = rank_wanted(node);
    cni_shape *shape = user;
    const int64_t features = int_argument(node, "in_features"), channels = int_argument(node, "in_channels");
    shape->rank = features > 0 ? 2 : rank;
    for (int i = 0; i < shape->rank; i++) shape->dims[i] = CNI_UNKNOWN;
    if (features > 0) shape->dims[1] = features;
    if (rank > 2 && channels > 0) shape->dims[node->view.format == CN_CHANNELS_LAST ? rank - 1 : 1] = channels;
    return shape->rank > 0;
}

/* ---- shapes ---- */

static cn_layer *layer_of(cni_analyser *a, const cni_explained *node)
{
    cn_layer **layer = a->layers + node->layer_index;
    if (*layer) return *layer;
    *layer = CNI_NEW(&a->scratch, cn_layer);
    if (!*layer) return NULL;
    const bool *frozen = cni_object_member(node->layer->config, "trainable");
    **layer = (cn_layer){.kind = node->layer->kind,
                         .config = node->layer->config,
                         .name = node->name,
                         .trainable = !(frozen && *frozen),
                         .blank = true,
                         .arena = &a->scratch};
    return *layer;
}

static void set_map(cni_explained *node)
{
    const cni_shape *shape = &node->shape;
    const bool first = node->format == CN_CHANNELS_FIRST;
    node->spatial = shape->rank > 2 && shape->rank - 2 <= CNI_MAX_SPATIAL ? shape->rank - 2 : 0;
    for (int i = 0; i < node->spatial; i++) node->map[i] = shape->dims[i + 1 + first];
    if (shape->rank > 1) node->channels = shape->dims[node->spatial && first ? 1 : shape->rank - 1];
}

/* "32x32x3", in the framework's order; PyTorch users write images either way, and the side of the colours tells. */
static bool read_sizes(const char *text, cni_dialect dialect, cni_shape *shape)
{
    cni_shape sizes = {.rank = 1, .dims = {CNI_UNKNOWN}};
    while (*text && sizes.rank < CNI_MAX_RANK) {
        char *end;
        const long size = strtol(text, &end, 10);
        if (end == text || size < 1 || size > INT32_MAX) return false;
        sizes.dims[sizes.rank++] = size;
        if (*end && *end != 'x') return false;
        text = end + (*end == 'x');
    }
    const int64_t last = sizes.dims[sizes.rank - 1];
    if (dialect == CNI_TORCH && sizes.rank == 4 && sizes.dims[1] > 4 && (last == 1 || last == 3 || last == 4)) {
        sizes.dims[3] = sizes.dims[2];
        sizes.dims[2] = sizes.dims[1];
        sizes.dims[1] = last;
    }
    *shape = sizes;
    return sizes.rank > 1;
}

static cn_status shape_input(cni_analyser *a, cni_explained *node)
{
    const cni_analysis *analysis = a->analysis;
    const cni_explain_options *options = &analysis->options;
    cni_shape shape = {0};
    node->format = CN_FORMAT_DEFAULT;
    CN_TRY(ask_behind(a, node, answers_format, &node->format));
    if (node->format == CN_FORMAT_DEFAULT)
        node->format = analysis->description->dialect == CNI_TORCH ? CN_CHANNELS_FIRST : CN_CHANNELS_LAST;
    if (node->id < options->input_count) {
        const int64_t *sizes = options->input[node->id];
        shape = (cni_shape){.rank = 1, .dims = {CNI_UNKNOWN}};
        for (int i = 0; i <= CNI_MAX_SPATIAL && sizes[i]; i++) shape.dims[shape.rank++] = sizes[i];
    } else if (cni_traits(node) & CNI_IS_INPUT && node->layer->config) {
        cn_layer *layer = layer_of(a, node);
        if (!layer) return no_memory(a);
        node->layer->kind->output_shape(layer, 0, NULL, &shape, &node->error);
    }
    if (shape.rank < 2 && node->id == 0)
        read_sizes(analysis->description->comments.input, analysis->description->dialect, &shape);
    if (shape.rank < 2) CN_TRY(ask_behind(a, node, answers_shape, &shape));
    if (shape.rank < 2) shape.rank = 0;
    node->shape = shape;
    set_map(node);
    return CN_OK;
}

/* Shapes of the inputs; false when one is not known. */
static bool gather(const cni_analysis *analysis, const cni_explained *node, cni_shape *in)
{
    for (int i = 0; i < node->input_count; i++) {
        in[i] = analysis->nodes[node->inputs[i]].shape;
        const int rank = node->input_count == 1 ? rank_wanted(node) : 0;
        if (in[i].rank) continue;
        if (!rank) return false;
        in[i].rank = rank;
        for (int j = 0; j < rank; j++) in[i].dims[j] = CNI_UNKNOWN;
    }
    return true;
}

/* A layer cannot be built for sizes that are not known.  Whether something else is wrong as well shows with sizes that
 * most numbers divide. */
static bool fails_for_want_of_sizes(cn_layer *layer, int count, const cni_shape *in, cni_shape *full)
{
    const int64_t divisible = 27720;
    bool open = false;
    for (int i = 0; i < count; i++) {
        full[i] = in[i];
        for (int j = 1; j < in[i].rank; j++)
            if (in[i].dims[j] < 0) {
                full[i].dims[j] = divisible;
                open = true;
            }
    }
    if (!open) return false;
    const cn_status status = cni_layer_build(layer, count, full, NULL);
    layer->weight_count = 0;
    layer->built = false;
    return status != CN_ERR_SHAPE && status != CN_ERR_INVALID;
}

/* Padding per side is a layer of its own in a model; here it widens the input. */
static void widen(const cni_explained *node, cni_shape *in)
{
    const cni_layer_kind *kind = node->layer->kind;
    if (!kind->padding || kind->padding(node->layer->config->args)->mode != CN_PADDING_SIDES) return;
    for (int i = 0; i < node->view.spatial; i++) {
        int64_t *dim = in->dims + i + 1 + (node->view.format == CN_CHANNELS_FIRST);
        if (*dim >= 0) *dim += node->view.axis[i].before + node->view.axis[i].after;
    }
}

/* Weights of a kind whose arguments tell all sizes (PyTorch) are known even when those of the input are not. */
static cn_status build(cni_analyser *a, cni_explained *node, cni_shape *in, cni_shape *spare)
{
    cn_layer *layer = layer_of(a, node);
    if (!layer) return no_memory(a);
    const cn_status status = cni_layer_build(layer, node->input_count, in, &node->error);
    if (!status) return CN_OK;
    if (!layer->built) layer->weight_count = 0;
    if (status == CN_ERR_MEMORY) return no_memory(a);
    if (!layer->built && fails_for_want_of_sizes(layer, node->input_count, in, spare)) cni_error_clear(&node->error);
    return CN_OK;
}

/* ---- shapes that change without a value changing places ---- */

static bool only_reshapes(const cni_explained *node)
{
    static const char *const names[] = {"Reshape", "View", "Unflatten", "Squeeze", "Unsqueeze"};
    const char *name = node->layer->kind ? node->layer->kind->kind.name : "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name)) return true;
    return false;
}

/* A grey image without an axis for its channel, [28, 28], is known as a map by what takes it: a Reshape to [28, 28, 1].
 * Everything back to the input is a map then. */
static bool takes_grey_images(cni_analysis *analysis, const cni_explained *node)
{
    const bool first = node->format == CN_CHANNELS_FIRST;
    cni_explained *at = analysis->nodes + node->inputs[0];
    if (node->spatial != 2 || node->channels != 1 || at->shape.rank != 3) return false;
    for (int i = 0; i < 2; i++)
        if (at->shape.dims[i + 1] != node->map[i] || node->map[i] < 1) return false;
    for (const cni_explained *back = at; back->input_count; back = analysis->nodes + back->inputs[0])
        if (back->view.type != CNI_VIEW_POINT || back->input_count != 1 || back->shape.rank != 3 ||
            back->consumer_count != 1)
            return false;
    for (;; at = analysis->nodes + at->inputs[0]) {
        if (!at->input_count && at->consumer_count != 1) return false;
        at->spatial = 2;
        at->channels = 1;
        at->format = first ? CN_CHANNELS_FIRST : CN_CHANNELS_LAST;
        for (int i = 0; i < 2; i++) at->map[i] = node->map[i];
        if (!at->input_count) return true;
    }
}

/* A Reshape sees all, as a rule; where the map stays the same, every position is what it was. */
static void keep_positions(cni_analysis *analysis, cni_explained *node)
{
    if (node->view.type != CNI_VIEW_ALL || node->input_count != 1 || !only_reshapes(node)) return;
    const cni_explained *from = analysis->nodes + node->inputs[0];
    bool same = node->spatial && node->spatial == from->spatial && node->channels == from->channels &&
                node->format == from->format;
    for (int i = 0; same && i < node->spatial; i++) same = node->map[i] > 0 && node->map[i] == from->map[i];
    if (same || takes_grey_images(analysis, node)) node->view.type = CNI_VIEW_POINT;
}

static cn_status infer(cni_analyser *a, cni_explained *node, cni_shape *in, cni_shape *spare)
{
    int outputs;
    if (!gather(a->analysis, node, in)) return CN_OK;
    CN_TRY(build(a, node, in, spare));
    if (!node->error.status) {
        if (node->input_count == 1) widen(node, in);
        cni_layer_shapes(a->layers[node->layer_index], node->input_count, in, &outputs, &node->shape, &node->error);
    }
    node->suspect = node->error.status != CN_OK;
    if (node->suspect)
        node->shape.rank = 0;
    else
        set_map(node);
    if (!node->suspect) keep_positions(a->analysis, node);
    return CN_OK;
}

/* Behind an error nothing is known of the input; what PyTorch's arguments tell of the weights is. */
static cn_status count_weights_of(cni_analyser *a, cni_explained *node)
{
    cni_shape in = {.rank = 0};
    cni_error ignored = {0};
    if (a->analysis->description->dialect != CNI_TORCH || node->input_count != 1 || !answers_shape(node, &in))
        return CN_OK;
    cn_layer *layer = layer_of(a, node);
    if (!layer) return no_memory(a);
    const cn_status status = cni_layer_build(layer, 1, &in, &ignored);
    if (!layer->built) layer->weight_count = 0;
    return status == CN_ERR_MEMORY ? no_memory(a) : CN_OK;
}

static cn_status shape_node(cni_analyser *a, cni_explained *node, cni_shape *in, cni_shape *spare)
{
    const cni_analysis *analysis = a->analysis;
    if (!node->input_count) return shape_input(a, node);
    node->format = node->view.format != CN_FORMAT_DEFAULT ? node->view.format : analysis->nodes[node->inputs[0]].format;
    for (int i = 0; i < node->input_count; i++) node->suspect |= analysis->nodes[node->inputs[i]].suspect;
    if (node->layer->kind && !node->layer->config) node->suspect = true;
    if (!node->suspect && !node->layer->kind && node->layer->told.rank) {
        node->shape = node->layer->told;
        set_map(node);
    }
    if (!node->layer->kind) return CN_OK;
    if (node->suspect) return node->layer->config ? count_weights_of(a, node) : CN_OK;
    return infer(a, node, in, spare);
}

cn_status cni_analyse_nodes(cni_analyser *a)
{
    cni_analysis *analysis = a->analysis;
    int most = 1;
    CN_TRY(make_nodes(a));
    for (int i = 0; i < analysis->count; i++)
        if (analysis->nodes[i].input_count > most) most = analysis->nodes[i].input_count;
    a->layers = CNI_NEW_ARRAY(&a->scratch, cn_layer *, (size_t)analysis->description->layer_count);
    cni_shape *in = CNI_NEW_ARRAY(&a->scratch, cni_shape, (size_t)most);
    cni_shape *spare = CNI_NEW_ARRAY(&a->scratch, cni_shape, (size_t)most);
    if (!a->layers || !in || !spare) return no_memory(a);
    for (int i = 0; i < analysis->count; i++) CN_TRY(shape_node(a, analysis->nodes + i, in, spare));
    for (int i = analysis->count - 1; i >= 0; i--)
        if (!analysis->nodes[i].input_count && analysis->nodes[i].spatial) analysis->image = i;
    return CN_OK;
}
