/* SPDX-License-Identifier: Apache-2.0
 * Conv1DTranspose, Conv2DTranspose and Conv3DTranspose: windows that write instead of read; described, not run. */
#include "layers/layers.h"
#include "layers/spatial_layers.h"

#include <inttypes.h>
#include <string.h>

#define ARGS cni_spatial_args
#define FILTERS_TO_PADDING(axes)                                                                                       \
    CNI_FIELD(filters, "filters", CNI_REQUIRED, NULL, 1, 1e9, "number of output channels"),                            \
        CNI_AXES(size, "kernel_size", axes, CNI_REQUIRED, NULL, 1, 1e5,                                                \
                 "cells that each input cell is spread over; one number for all axes"),                                \
        CNI_AXES(strides, "strides", axes, 0, "1", 1, 1e6, "how far apart input cells lie in the output: 2 doubles"),  \
    {                                                                                                                  \
        .key = "padding", .offset = offsetof(ARGS, padding), .member = "padding", .type = CNI_FIELD_TEXT,              \
        .flags = CNI_ANY_CASE, .otherwise = "'valid'", .choices = cni_padding_choices,                                 \
        .help = "'valid': all that is written; 'same': cut to size * strides"                                          \
    }
#define OUTPUT_PADDING(axes)                                                                                           \
    CNI_AXES(output_padding, "output_padding", axes, CNI_NULLABLE | CNI_ZEROS, "None", 0, 1e6,                         \
             "cells added behind, below strides; None: as padding says")
#define DILATION_TO_END(axes)                                                                                          \
    CNI_AXES(dilation_rate, "dilation_rate", axes, 0, "1", 1, 1e5, "distance between the cells that are written"),     \
        CNI_NESTED("activation", &cni_activations, 0, "linear", "what the sums pass through"),                         \
        CNI_FIELD(no_bias, "use_bias", CNI_NEGATED, "True", 0, 0, "whether a number per filter is added"),             \
        CNI_NESTED("kernel_initializer", &cni_initializers, 0, "glorot_uniform", "what the kernel starts from"),       \
        CNI_NESTED("bias_initializer", &cni_initializers, 0, "zeros", "what the bias starts from"),                    \
        CNI_NESTED("kernel_regularizer", &cni_regularizers, 0, "None", "penalty on the kernel, added to the loss"),    \
        CNI_NESTED("bias_regularizer", &cni_regularizers, 0, "None", "penalty on the bias"),                           \
        CNI_NESTED("activity_regularizer", &cni_regularizers, CNI_EARLY, "None",                                       \
                   "penalty on the output, divided by the batch size"),                                                \
        CNI_NESTED("kernel_constraint", &cni_constraints, 0, "None", "what the kernel is held to after each update"),  \
        CNI_NESTED("bias_constraint", &cni_constraints, 0, "None", "what the bias is held to after each update"),      \
        CNI_LAYER_FIELDS, CNI_ONLY("groups", "1", CNI_READ_ONLY) /* in files of Keras 2 */

static const cni_field fields1[] = {FILTERS_TO_PADDING(1), OUTPUT_PADDING(1), CNI_SPATIAL_FORMAT, DILATION_TO_END(1)};
static const cni_field fields2[] = {FILTERS_TO_PADDING(2), OUTPUT_PADDING(2), CNI_SPATIAL_FORMAT, DILATION_TO_END(2)};
static const cni_field fields3[] = {FILTERS_TO_PADDING(3), CNI_SPATIAL_FORMAT, OUTPUT_PADDING(3), DILATION_TO_END(3)};

static cn_status check(void *given, cni_error *error)
{
    const cni_spatial_args *args = given;
    for (int i = 0; i < 3; i++)
        if (args->strides[i] && args->output_padding[i] >= args->strides[i])
            return cni_fail(error, CN_ERR_INVALID, "output_padding=%d with strides=%d; it must be below strides",
                            args->output_padding[i], args->strides[i]);
    return cni_spatial_check(args, 3, error);
}

/* Length along an axis (keras.src.backend.common.backend_utils._get_output_shape_given_tf_padding). */
static int64_t length(const cni_spatial_args *args, int axis, int64_t n)
{
    const int64_t s = args->strides[axis], a = args->output_padding[axis];
    const int64_t extent = (int64_t)(args->size[axis] - 1) * args->dilation_rate[axis] + 1;
    const bool extends = a != CNI_NONE_INT;
    if (n < 0) return CNI_UNKNOWN;
    if (strcmp(args->padding, "same") == 0) return extends ? (n - 1) * s + extent % 2 + a : n * s;
    return (n - 1) * s + extent + (extends ? a : extent < s ? s - extent : 0);
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cni_spatial_args *args = layer->config->args;
    const int axes = cni_spatial_axes(layer->config), first = cni_first_axis(args->data_format);
    const int channels = cni_channel_axis(args->data_format, axes);
    CN_TRY(cni_same_channels(layer, in, channels, error));
    *out = *in;
    for (int i = first; i < first + axes; i++) {
        out->dims[i] = length(args, i - first, in->dims[i]);
        if (in->dims[i] >= 0 && out->dims[i] <= 0)
            return cni_fail(error, CN_ERR_SHAPE, "axis %d of the input, shape %s, becomes %" PRId64 " cells long", i,
                            CNI_SHOW_SHAPE(in), out->dims[i]);
    }
    out->dims[channels] = args->filters;
    return cni_activation_shape(cni_object_of(layer->config, "activation"), out, error);
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cni_spatial_args *args = layer->config->args;
    const int axes = cni_spatial_axes(layer->config);
    int64_t channels;
    CN_TRY(cni_known_channels(in, cni_channel_axis(args->data_format, axes), &channels, error));
    cni_shape kernel = {.rank = axes + 2};
    for (int i = 0; i < axes; i++) kernel.dims[i] = args->size[i];
    kernel.dims[axes] = args->filters;
    kernel.dims[axes + 1] = channels;
    CN_TRY(cni_layer_add_weight(layer, "kernel", "kernel", &kernel, true, error));
    return args->no_bias ? CN_OK : cni_layer_add_weight(layer, "bias", "bias", &CNI_SHAPE(args->filters), true, error);
}

static void view(const cni_object *config, cni_view *view)
{
    const cni_spatial_args *args = config->args;
    cni_view_spatial(config, view);
    view->type = CNI_VIEW_TRANSPOSED;
    view->multiplies = CNI_MULTIPLIES_AT_INPUTS;
    for (int i = 0; i < view->spatial; i++) {
        view->axis[i].extends = args->output_padding[i] != CNI_NONE_INT;
        if (view->axis[i].extends) view->axis[i].output_padding = args->output_padding[i];
    }
}

#define ORDER3                                                                                                         \
    "name trainable dtype filters kernel_size strides padding output_padding data_format dilation_rate activation "    \
    "use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer "           \
    "kernel_constraint bias_constraint"
#define KIND(axes, rows, order_)                                                                                       \
    {                                                                                                                  \
        .kind = {.name = "Conv" #axes "DTranspose",                                                                    \
                 .aliases = (const char *const[]){"Convolution" #axes "DTranspose", NULL},                             \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(cni_spatial_args),                                                                \
                 CNI_FIELDS(rows),                                                                                     \
                 .order = order_,                                                                                      \
                 .check = check,                                                                                       \
                 .help = "transposed convolution: each cell is spread over a window; makes maps larger",               \
                 .keras = "Conv" #axes "DTranspose(16, 2, strides=2)",                                                 \
                 .formula = "valid: n' = (n - 1) * strides + max(k, strides);  same: n' = n * strides;  "              \
                            "output_padding a: (n - 1) * strides + k + a, same: (n - 1) * strides + k % 2 + a"},       \
        .min_rank = axes + 2, .max_rank = axes + 2, .lazily_built = true, .traits = CNI_IS_CONVOLUTION,                \
        .output_shape = output_shape, .build = build, .view = view                                                     \
    }
const cni_layer_kind cni_conv1d_transpose_layer = KIND(1, fields1, NULL);
const cni_layer_kind cni_conv2d_transpose_layer = KIND(2, fields2, NULL);
const cni_layer_kind cni_conv3d_transpose_layer = KIND(3, fields3, ORDER3);
