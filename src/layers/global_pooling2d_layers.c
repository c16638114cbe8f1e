/* SPDX-License-Identifier: Apache-2.0
 * GlobalAveragePooling2D and GlobalMaxPooling2D (keras-semantics 2.7). */
#include "layers/layers.h"

#include "graph/ops/pooling.h"
#include "graph/ops/reshape.h"

#define ARGS cn_global_pooling2d_args
static const cni_field fields[] = {
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,
              "'channels_last' (n, h, w, c) or 'channels_first' (n, c, h, w)"),
    CNI_FIELD(keepdims, "keepdims", 0, "False", 0, 0, "whether rows and columns stay, with size 1"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count, (void)error;
    const cn_global_pooling2d_args *args = layer->config->args;
    const cni_image_axes axes = cni_image_axes_of(args->data_format);
    const int64_t n = in->dims[0], c = in->dims[axes.channels];
    *out = CNI_SHAPE(n, c);
    if (args->keepdims) *out = args->data_format == CN_CHANNELS_FIRST ? CNI_SHAPE(n, c, 1, 1) : CNI_SHAPE(n, 1, 1, c);
    return CN_OK;
}

static cni_tensor *lower_with(cni_tensor *(*append)(cni_graph *graph, cni_tensor *x), cni_lowering *lowering,
                              const cn_layer *layer, cni_tensor *in)
{
    const cn_global_pooling2d_args *args = layer->config->args;
    cni_shape out;
    output_shape(layer, 1, &in->shape, &out, NULL);
    cni_tensor *y = append(lowering->graph, cni_lower_to_nhwc(lowering, args->data_format, in));
    return cni_reshape(lowering->graph, y, out);
}

static cni_tensor *lower_average(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    return lower_with(cni_global_average_pool, lowering, layer, in[0]);
}

static cni_tensor *lower_max(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    return lower_with(cni_global_max_pool, lowering, layer, in[0]);
}

static void view(const cni_object *config, cni_view *view)
{
    view->type = CNI_VIEW_ALL;
    view->format = ((const cn_global_pooling2d_args *)config->args)->data_format;
}

static const char *const average_aliases[] = {"GlobalAvgPool2D", NULL}, *const max_aliases[] = {"GlobalMaxPool2D",
                                                                                                NULL};

const cni_layer_kind cni_global_average_pooling2d_layer = {
    .kind = {.name = "GlobalAveragePooling2D",
             .aliases = average_aliases,
             .module = "keras.layers",
             .args_size = sizeof(cn_global_pooling2d_args),
             CNI_FIELDS(fields),
             .help = "the mean of each channel over the whole image",
             .example = "cn_add(model, cn_global_average_pooling2d());",
             .formula = "out[n, c] = mean over rows and columns of in[n, .., .., c]"},
    .min_rank = 4,
    .max_rank = 4,
    .traits = CNI_IS_GLOBAL_POOL,
    .output_shape = output_shape,
    .view = view,
    .lower = lower_average,
};

const cni_layer_kind cni_global_max_pooling2d_layer = {
    .kind = {.name = "GlobalMaxPooling2D",
             .aliases = max_aliases,
             .module = "keras.layers",
             .args_size = sizeof(cn_global_pooling2d_args),
             CNI_FIELDS(fields),
             .help = "the largest value of each channel over the whole image",
             .example = "cn_add(model, cn_global_max_pooling2d());",
             .formula = "out[n, c] = maximum over rows and columns of in[n, .., .., c]"},
    .min_rank = 4,
    .max_rank = 4,
    .traits = CNI_IS_GLOBAL_POOL,
    .output_shape = output_shape,
    .view = view,
    .lower = lower_max,
};
