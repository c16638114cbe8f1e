/* SPDX-License-Identifier: Apache-2.0
 * Pools over one and three axes, local, global and adaptive, and the adaptive ones over images: described, not run. */
#include "layers/layers.h"
#include "layers/spatial_layers.h"

#define ARGS       cni_spatial_args
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- windows ---- */

#define REST(axes)                                                                                                     \
    CNI_AXES(strides, "strides", axes, CNI_NULLABLE, "None", 1, 1e6,                                                   \
             "step from window to window, in cells; pool_size if absent"),                                             \
        CNI_SPATIAL_PADDING(cni_padding_choices), CNI_SPATIAL_FORMAT, CNI_LAYER_FIELDS, CNI_ACTIVITY
#define MAX(axes)                                                                                                      \
    {                                                                                                                  \
        CNI_AXES(size, "pool_size", axes, 0, "2", 1, 1e5, "cells of the window"), REST(axes)                           \
    }
#define AVERAGE(axes)                                                                                                  \
    {                                                                                                                  \
        CNI_AXES(size, "pool_size", axes, CNI_REQUIRED, NULL, 1, 1e5, "cells of the window"), REST(axes)               \
    }
static const cni_field max1_fields[] = MAX(1), max3_fields[] = MAX(3);
static const cni_field average1_fields[] = AVERAGE(1), average3_fields[] = AVERAGE(3);

static cn_status check(void *given, cni_error *error)
{
    cni_spatial_args *args = given;
    (void)error;
    for (int i = 0; i < 3; i++)
        if (!args->strides[i]) args->strides[i] = args->size[i];
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cni_spatial_args *args = layer->config->args;
    const int channels = cni_channel_axis(args->data_format, cni_spatial_axes(layer->config));
    return cni_spatial_windows(layer->config, "pool_size", in, in->dims[channels], out, error);
}

static void view(const cni_object *config, cni_view *view)
{
    cni_view_spatial(config, view);
    view->border = CNI_BORDER_EXCLUDED;
}

#define POOL(axes, name_, alias, rows, trait, help_)                                                                   \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .aliases = NAMES(alias),                                                                              \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(cni_spatial_args),                                                                \
                 CNI_FIELDS(rows),                                                                                     \
                 .order = "name trainable dtype pool_size padding strides data_format",                                \
                 .check = check,                                                                                       \
                 .help = help_,                                                                                        \
                 .keras = name_ "(2)",                                                                                 \
                 .formula = "valid: n' = floor((n - pool_size) / strides) + 1;  same: n' = ceil(n / strides)"},        \
        .min_rank = axes + 2, .max_rank = axes + 2, .traits = (trait) | CNI_NAME_HAS_PLACE,                            \
        .output_shape = output_shape, .view = view                                                                     \
    }
const cni_layer_kind cni_max_pooling1d_layer = POOL(1, "MaxPooling1D", "MaxPool1D", max1_fields, CNI_IS_MAX_POOL,
                                                    "the largest value of each window of a sequence");
const cni_layer_kind cni_max_pooling3d_layer =
    POOL(3, "MaxPooling3D", "MaxPool3D", max3_fields, CNI_IS_MAX_POOL, "the largest value of each window of a volume");
const cni_layer_kind cni_average_pooling1d_layer = POOL(1, "AveragePooling1D", "AvgPool1D", average1_fields,
                                                        CNI_IS_AVERAGE_POOL, "the mean of each window of a sequence");
const cni_layer_kind cni_average_pooling3d_layer = POOL(3, "AveragePooling3D", "AvgPool3D", average3_fields,
                                                        CNI_IS_AVERAGE_POOL, "the mean of each window of a volume");

/* ---- everything ---- */

static const cni_field global_fields[] = {
    CNI_SPATIAL_FORMAT,
    CNI_FIELD(keepdims, "keepdims", 0, "False", 0, 0, "whether the axes stay, with size 1"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status global_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count, (void)error;
    const cni_spatial_args *args = layer->config->args;
    const int axes = cni_spatial_axes(layer->config), first = cni_first_axis(args->data_format);
    *out = CNI_SHAPE(in->dims[0], in->dims[cni_channel_axis(args->data_format, axes)]);
    if (!args->keepdims) return CN_OK;
    *out = *in;
    for (int i = 0; i < axes; i++) out->dims[first + i] = 1;
    return CN_OK;
}

#define GLOBAL(axes, name_, alias, help_)                                                                              \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .aliases = NAMES(alias),                                                                              \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(cni_spatial_args),                                                                \
                 CNI_FIELDS(global_fields),                                                                            \
                 .help = help_},                                                                                       \
        .min_rank = axes + 2, .max_rank = axes + 2, .traits = CNI_IS_GLOBAL_POOL, .output_shape = global_shape,        \
        .view = cni_view_of_all                                                                                        \
    }
const cni_layer_kind cni_global_average_pooling1d_layer =
    GLOBAL(1, "GlobalAveragePooling1D", "GlobalAvgPool1D", "the mean of each channel over the whole sequence");
const cni_layer_kind cni_global_average_pooling3d_layer =
    GLOBAL(3, "GlobalAveragePooling3D", "GlobalAvgPool3D", "the mean of each channel over the whole volume");
const cni_layer_kind cni_global_max_pooling1d_layer =
    GLOBAL(1, "GlobalMaxPooling1D", "GlobalMaxPool1D", "the largest value of each channel over the whole sequence");
const cni_layer_kind cni_global_max_pooling3d_layer =
    GLOBAL(3, "GlobalMaxPooling3D", "GlobalMaxPool3D", "the largest value of each channel over the whole volume");

/* ---- to a given size ---- */

#define ADAPTIVE(axes)                                                                                                 \
    {                                                                                                                  \
        CNI_AXES(size, "output_size", axes, CNI_REQUIRED, NULL, 1, 1e6, "length of the output along each axis"),       \
            CNI_SPATIAL_FORMAT, CNI_LAYER_FIELDS, CNI_ACTIVITY                                                         \
    }
static const cni_field adaptive1_fields[] = ADAPTIVE(1), adaptive2_fields[] = ADAPTIVE(2),
                       adaptive3_fields[] = ADAPTIVE(3);

static cn_status adaptive_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count, (void)error;
    const cni_spatial_args *args = layer->config->args;
    *out = *in;
    for (int i = 0; i < cni_spatial_axes(layer->config); i++)
        out->dims[cni_first_axis(args->data_format) + i] = args->size[i];
    return CN_OK;
}

static void view_adaptive(const cni_object *config, cni_view *view)
{
    const cni_spatial_args *args = config->args;
    view->type = CNI_VIEW_ADAPTIVE;
    view->spatial = cni_spatial_axes(config);
    view->format = args->data_format;
    view->border = CNI_BORDER_EXCLUDED;
    for (int i = 0; i < view->spatial; i++) view->axis[i].size = args->size[i];
}

#define TO_SIZE(axes, name_, trait, help_)                                                                             \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(cni_spatial_args),                                                                \
                 CNI_FIELDS(adaptive##axes##_fields),                                                                  \
                 .help = help_,                                                                                        \
                 .keras = name_ "(4)",                                                                                 \
                 .formula = "out[y] = of in[floor(y * n / output_size) .. ceil((y + 1) * n / output_size) - 1]"},      \
        .min_rank = axes + 2, .max_rank = axes + 2, .lazily_built = true, .traits = trait,                             \
        .output_shape = adaptive_shape, .view = view_adaptive                                                          \
    }
#define MEAN    "the mean of windows that are chosen so that the output has a given size"
#define LARGEST "the largest value of windows that are chosen so that the output has a given size"
const cni_layer_kind cni_adaptive_average_pooling1d_layer =
    TO_SIZE(1, "AdaptiveAveragePooling1D", CNI_IS_AVERAGE_POOL, MEAN);
const cni_layer_kind cni_adaptive_average_pooling2d_layer =
    TO_SIZE(2, "AdaptiveAveragePooling2D", CNI_IS_AVERAGE_POOL, MEAN);
const cni_layer_kind cni_adaptive_average_pooling3d_layer =
    TO_SIZE(3, "AdaptiveAveragePooling3D", CNI_IS_AVERAGE_POOL, MEAN);
const cni_layer_kind cni_adaptive_max_pooling1d_layer = TO_SIZE(1, "AdaptiveMaxPooling1D", CNI_IS_MAX_POOL, LARGEST);
const cni_layer_kind cni_adaptive_max_pooling2d_layer = TO_SIZE(2, "AdaptiveMaxPooling2D", CNI_IS_MAX_POOL, LARGEST);
const cni_layer_kind cni_adaptive_max_pooling3d_layer = TO_SIZE(3, "AdaptiveMaxPooling3D", CNI_IS_MAX_POOL, LARGEST);
