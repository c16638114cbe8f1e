/* SPDX-License-Identifier: Apache-2.0
 * What layer kinds share: weights, data formats, windows. */
#include "layers/layer.h"

#include "base/pages.h"
#include "graph/ops/transpose.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- weights ---- */

enum { ALIGNMENT = 64 };
static const int64_t most_elements = INT64_C(1) << 30;

static cn_status new_variable(cn_layer *layer, const char *name, const cni_shape *shape, cni_variable **out,
                              cni_error *error)
{
    int64_t count = cni_shape_count(shape, 0);
    if (count < 0 || count > most_elements)
        return cni_fail(error, CN_ERR_LIMIT, "the weight %s would have shape %s; at most 2^30 numbers are possible",
                        name, CNI_SHOW_SHAPE(shape));
    cni_variable *variable = CNI_NEW(layer->arena, cni_variable);
    if (!variable) return cni_no_memory(error, name);
    variable->name = cni_arena_text(layer->arena, name);
    if (!variable->name) return cni_no_memory(error, name);
    variable->shape = *shape;
    variable->version = 1;
    *out = variable;
    return CN_OK;
}

cn_status cni_variable_allocate(cni_variable *variable, cni_error *error)
{
    if (variable->data) return CN_OK;
    size_t bytes = (size_t)cni_shape_count(&variable->shape, 0) * sizeof(float);
    bytes = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    variable->data = aligned_alloc(ALIGNMENT, bytes);
    if (!variable->data) return cni_no_memory(error, variable->name);
    cni_pages_clear(variable->data, bytes);
    return CN_OK;
}

static cn_status fill(cni_variable *variable, cni_error *error)
{
    CN_TRY(cni_variable_allocate(variable, error));
    return cni_initialize(variable->initializer, &variable->shape, variable->data, error);
}

cn_status cni_layer_fill(cn_layer *layer, cni_error *error)
{
    for (int i = 0; i < layer->weight_count; i++)
        if (!layer->weights[i]->data) CN_TRY(fill(layer->weights[i], error));
    return CN_OK;
}

/* Keras: a weight whose initializer is None gets glorot_uniform, with a seed drawn now. */
static cn_status default_initializer(const cn_layer *layer, const cni_object **initializer, cni_error *error)
{
    const cni_maker maker = {.arena = layer->arena, .seeds = layer->seeds, .error = error};
    const cni_value name = {.type = CNI_TEXT, .text = "glorot_uniform"};
    cni_object *object;
    CN_TRY(cni_object_make(&maker, &cni_initializers, &name, "initializer", &object));
    *initializer = object;
    return CN_OK;
}

cn_status cni_layer_weight(cn_layer *layer, const char *name, const cni_shape *shape, const cni_object *initializer,
                           const cni_object *regularizer, const cni_object *constraint, bool trainable,
                           cni_error *error)
{
    if (layer->weight_count == CNI_MAX_WEIGHTS)
        return cni_fail(error, CN_ERR_LIMIT, "more than %d weights", CNI_MAX_WEIGHTS);
    if (!initializer) CN_TRY(default_initializer(layer, &initializer, error));
    cni_variable *variable = NULL;
    CN_TRY(new_variable(layer, name, shape, &variable, error));
    variable->trainable = trainable;
    variable->initializer = initializer;
    variable->regularizer = regularizer;
    variable->constraint = constraint;
    layer->weights[layer->weight_count++] = variable;
    return layer->blank ? CN_OK : fill(variable, error);
}

static const cni_object *object_of(const cn_layer *layer, const char *argument, const char *what)
{
    char key[64];
    snprintf(key, sizeof key, "%s_%s", argument, what);
    return cni_object_of(layer->config, key);
}

cn_status cni_layer_add_weight(cn_layer *layer, const char *name, const char *argument, const cni_shape *shape,
                               bool trainable, cni_error *error)
{
    return cni_layer_weight(layer, name, shape, object_of(layer, argument, "initializer"),
                            object_of(layer, argument, "regularizer"), object_of(layer, argument, "constraint"),
                            trainable, error);
}

void cni_layer_free_weights(cn_layer *layer)
{
    for (int i = 0; i < layer->weight_count; i++) free(layer->weights[i]->data);
    layer->weight_count = 0;
}

cni_tensor *cni_lower_weight(cni_lowering *lowering, const cn_layer *layer, int index)
{
    cni_variable *variable = layer->weights[index];
    cni_tensor *tensor = cni_graph_variable(lowering->graph, variable);
    if (lowering->training && !lowering->frozen && layer->trained && variable->trainable) tensor->differentiable = true;
    return tensor;
}

/* The variable lies in the graph's arena: it lives as long as the plan that is made of the graph. */
cni_tensor *cni_lower_numbers(cni_lowering *lowering, const double *numbers, int count)
{
    const size_t aligned = 4096; /* from here on the arena aligns to 64 bytes */
    size_t bytes = (size_t)count * sizeof(float);
    cni_arena *arena = &lowering->graph->arena;
    cni_variable *variable = CNI_NEW(arena, cni_variable);
    float *data = cni_arena_alloc(arena, bytes < aligned ? aligned : bytes);
    if (!variable || !data) {
        cni_no_memory(&lowering->graph->error, "a graph");
        return cni_graph_tensor(lowering->graph, CNI_SHAPE(count));
    }
    for (int i = 0; i < count; i++) data[i] = (float)numbers[i];
    *variable = (cni_variable){.name = "numbers", .shape = CNI_SHAPE(count), .data = data, .version = 1};
    return cni_graph_variable(lowering->graph, variable);
}

/* ---- data formats ---- */

cni_tensor *cni_lower_to_nhwc(cni_lowering *lowering, cn_data_format format, cni_tensor *x)
{
    return format == CN_CHANNELS_FIRST ? cni_channels_to_last(lowering->graph, x) : x;
}

cni_tensor *cni_lower_from_nhwc(cni_lowering *lowering, cn_data_format format, cni_tensor *x)
{
    return format == CN_CHANNELS_FIRST ? cni_channels_to_first(lowering->graph, x) : x;
}

cni_tensor *cni_lower_finish(cni_lowering *lowering, cn_data_format format, const cni_object *activation, cni_tensor *y)
{
    if (cni_activation_is_element_wise(activation))
        return cni_lower_from_nhwc(lowering, format, cni_lower_activation(lowering->graph, activation, y));
    return cni_lower_activation(lowering->graph, activation, cni_lower_from_nhwc(lowering, format, y));
}

cn_status cni_known_channels(const cni_shape *in, int axis, int64_t *channels, cni_error *error)
{
    *channels = in->dims[axis];
    if (*channels >= 0) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE,
                    "axis %d of the input, shape %s, is not known; weights need it: give it in Input", axis,
                    CNI_SHOW_SHAPE(in));
}

cn_status cni_same_channels(const cn_layer *layer, const cni_shape *in, int axis, cni_error *error)
{
    if (!layer->built || !layer->input_shapes || in->rank != layer->input_shapes->rank) return CN_OK;
    const int64_t wanted = layer->input_shapes->dims[axis], given = in->dims[axis];
    if (wanted < 0 || given < 0 || wanted == given) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE,
                    "axis %d of the input, shape %s, is %" PRId64 "; the layer was built for %" PRId64, axis,
                    CNI_SHOW_SHAPE(in), given, wanted);
}

/* ---- windows ---- */

cni_window cni_window_of(int64_t n, int kernel, int stride, int dilation, cn_padding_mode mode)
{
    if (n < 0) return (cni_window){.out = CNI_UNKNOWN};
    const int64_t span = (int64_t)(kernel - 1) * dilation + 1;
    if (mode != CN_PADDING_SAME) {
        if (span > n) return (cni_window){.out = 0};
        return (cni_window){.out = (n - span) / stride + 1};
    }
    if (n == 0) return (cni_window){.out = 0};
    const int64_t out = (n - 1) / stride + 1, total = (out - 1) * stride + span - n;
    if (total <= 0) return (cni_window){.out = out};
    return (cni_window){.out = out, .before = (int)(total / 2), .after = (int)(total - total / 2)};
}

/* "(3, 3)", and what it spans when dilation spreads it */
static cn_status too_large(const cni_windowed *w, const cni_shape *in, const int64_t span[2], cni_error *error)
{
    char spread[80] = "";
    if (w->dilation && (w->dilation[0] > 1 || w->dilation[1] > 1))
        snprintf(spread, sizeof spread, " with dilation_rate=(%d, %d)", w->dilation[0], w->dilation[1]);
    cni_image_axes axes = cni_image_axes_of(w->format);
    return cni_fail(error, CN_ERR_SHAPE,
                    "%s=(%d, %d)%s covers %" PRId64 " x %" PRId64 " pixels, more than the input's %" PRId64
                    " x %" PRId64 " (shape %s): make it smaller, the input larger, or padding 'same'",
                    w->argument, w->size[0], w->size[1], spread, span[0], span[1], in->dims[axes.rows],
                    in->dims[axes.columns], CNI_SHOW_SHAPE(in));
}

cn_status cni_windowed_shape(const cni_windowed *w, const cni_shape *in, int64_t channels, cni_shape *out,
                             cni_error *error)
{
    const cni_image_axes axes = cni_image_axes_of(w->format);
    const int at[2] = {axes.rows, axes.columns};
    int64_t span[2];
    *out = *in;
    for (int i = 0; i < 2; i++) {
        int dilation = w->dilation ? w->dilation[i] : 1;
        span[i] = (int64_t)(w->size[i] - 1) * dilation + 1;
        if (span[i] > INT32_MAX)
            return cni_fail(error, CN_ERR_LIMIT, "%s=%d with dilation_rate=%d covers %" PRId64 " pixels; too many",
                            w->argument, w->size[i], dilation, span[i]);
        out->dims[at[i]] = cni_window_of(in->dims[at[i]], w->size[i], w->strides[i], dilation, w->mode).out;
    }
    out->dims[axes.channels] = channels;
    if (w->mode == CN_PADDING_VALID && (out->dims[axes.rows] == 0 || out->dims[axes.columns] == 0))
        return too_large(w, in, span, error);
    return CN_OK;
}

char *cni_common_divisors(int64_t a, int64_t b, char *buffer, size_t size)
{
    enum { SHOWN = 12 };
    int64_t found[SHOWN + 1];
    int count = 0;
    for (int64_t d = 1; d <= a && d <= b && d <= 100000 && count <= SHOWN; d++)
        if (a % d == 0 && b % d == 0) found[count++] = d;
    size_t used = 0;
    buffer[0] = 0;
    for (int i = 0; i < count && used < size; i++) {
        const char *before = i == 0 ? "" : i == SHOWN ? ", ..." : i == count - 1 ? " or " : ", ";
        int length = i == SHOWN ? snprintf(buffer + used, size - used, "%s", before)
                                : snprintf(buffer + used, size - used, "%s%" PRId64, before, found[i]);
        used += (size_t)length;
    }
    return buffer;
}
