/* SPDX-License-Identifier: Apache-2.0
 * Conv1D, Conv3D, DepthwiseConv1D, SeparableConv1D and SeparableConv2D: described, not run. */
#include "layers/layers.h"
#include "layers/spatial_layers.h"

#include <inttypes.h>

#define ARGS cni_spatial_args
#define NUMBERS(axes, filters_)                                                                                        \
    filters_ CNI_AXES(size, "kernel_size", axes, CNI_REQUIRED, NULL, 1, 1e5,                                           \
                      "cells of the window along each axis; one number for all"),                                      \
        CNI_AXES(strides, "strides", axes, 0, "1", 1, 1e6, "step from window to window, in cells")
#define FILTERS                                                                                                        \
    CNI_FIELD(filters, "filters", CNI_REQUIRED, NULL, 1, 1e9,                                                          \
              "number of output channels: how many patterns are looked for"),
#define NO_FILTERS
#define DILATION(axes)                                                                                                 \
    CNI_AXES(dilation_rate, "dilation_rate", axes, 0, "1", 1, 1e5, "distance between the cells that a window takes")
#define DEPTH                                                                                                          \
    CNI_FIELD(depth_multiplier, "depth_multiplier", 0, "1", 1, 1e6, "channels that each input channel becomes")
#define ACTIVATION                                                                                                     \
    CNI_NESTED("activation", &cni_activations, 0, "linear", "what the sums pass through"),                             \
        CNI_FIELD(no_bias, "use_bias", CNI_NEGATED, "True", 0, 0, "whether a number per output channel is added")
#define INITIALIZER(name) CNI_NESTED(name "_initializer", &cni_initializers, 0, "glorot_uniform", "what it starts from")
#define REGULARIZER(name) CNI_NESTED(name "_regularizer", &cni_regularizers, 0, "None", "penalty added to the loss")
#define CONSTRAINT(name)                                                                                               \
    CNI_NESTED(name "_constraint", &cni_constraints, 0, "None", "what it is held to after each update")
#define BIAS_INITIALIZER CNI_NESTED("bias_initializer", &cni_initializers, 0, "zeros", "what the bias starts from"),
#define ACTIVITY_EARLY                                                                                                 \
    CNI_NESTED("activity_regularizer", &cni_regularizers, CNI_EARLY, "None",                                           \
               "penalty on the output, divided by the batch size")
#define LORA CNI_ONLY("lora_rank", "None", CNI_READ_ONLY), CNI_ONLY("lora_alpha", "None", CNI_READ_ONLY)

#define OF_ONE(name)                                                                                                   \
    INITIALIZER(name), BIAS_INITIALIZER REGULARIZER(name), REGULARIZER("bias"), ACTIVITY_EARLY, CONSTRAINT(name),      \
        CONSTRAINT("bias")
#define CONVOLUTION(axes, choices)                                                                                     \
    NUMBERS(axes, FILTERS), CNI_SPATIAL_PADDING(choices), CNI_SPATIAL_FORMAT, DILATION(axes),                          \
        CNI_FIELD(groups, "groups", 0, "1", 1, 1e9, "channels are split into so many groups"), ACTIVATION,             \
        OF_ONE("kernel"), CNI_LAYER_FIELDS, LORA
#define SEPARABLE(axes)                                                                                                \
    NUMBERS(axes, FILTERS), CNI_SPATIAL_PADDING(cni_padding_choices), CNI_SPATIAL_FORMAT, DILATION(axes), DEPTH,       \
        ACTIVATION, INITIALIZER("depthwise"), INITIALIZER("pointwise"), BIAS_INITIALIZER REGULARIZER("depthwise"),     \
        REGULARIZER("pointwise"), REGULARIZER("bias"), ACTIVITY_EARLY, CONSTRAINT("depthwise"),                        \
        CONSTRAINT("pointwise"), CONSTRAINT("bias"), CNI_LAYER_FIELDS

static const cni_field conv1d_fields[] = {CONVOLUTION(1, cni_causal_choices)};
static const cni_field conv3d_fields[] = {CONVOLUTION(3, cni_padding_choices)};
static const cni_field depthwise_fields[] = {NUMBERS(1, NO_FILTERS),
                                             CNI_SPATIAL_PADDING(cni_padding_choices),
                                             DEPTH,
                                             CNI_SPATIAL_FORMAT,
                                             DILATION(1),
                                             ACTIVATION,
                                             OF_ONE("depthwise"),
                                             CNI_LAYER_FIELDS};
static const cni_field separable1d_fields[] = {SEPARABLE(1)};
static const cni_field separable2d_fields[] = {SEPARABLE(2)};

static cn_status check(void *given, cni_error *error)
{
    const cni_spatial_args *args = given;
    if (args->filters % args->groups != 0)
        return cni_fail(error, CN_ERR_INVALID, "groups=%d does not divide filters=%d; use %s", args->groups,
                        args->filters, cni_common_divisors(args->filters, args->filters, (char[160]){0}, 160));
    return cni_spatial_check(args, 3, error);
}

/* Output channels; 0: as many as come in, times depth_multiplier. */
static cn_status shape_with(const cn_layer *layer, const cni_shape *in, int filters, cni_shape *out, cni_error *error)
{
    const cni_spatial_args *args = layer->config->args;
    const int axis = cni_channel_axis(args->data_format, cni_spatial_axes(layer->config));
    const int64_t channels = in->dims[axis];
    CN_TRY(cni_same_channels(layer, in, axis, error));
    if (args->depth_multiplier && channels > INT32_MAX / args->depth_multiplier)
        return cni_fail(error, CN_ERR_LIMIT, "depth_multiplier=%d times %" PRId64 " channels are too many",
                        args->depth_multiplier, channels);
    const int64_t count = filters ? filters : channels < 0 ? CNI_UNKNOWN : channels * args->depth_multiplier;
    CN_TRY(cni_spatial_windows(layer->config, "kernel_size", in, count, out, error));
    return cni_activation_shape(cni_object_of(layer->config, "activation"), out, error);
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    return shape_with(layer, in, ((const cni_spatial_args *)layer->config->args)->filters, out, error);
}

static cn_status channels_of(const cn_layer *layer, const cni_shape *in, int64_t *channels, cni_error *error)
{
    const cni_spatial_args *args = layer->config->args;
    return cni_known_channels(in, cni_channel_axis(args->data_format, cni_spatial_axes(layer->config)), channels,
                              error);
}

/* sizes, in, out */
static cni_shape kernel_shape(const cn_layer *layer, const int *size, int64_t in, int64_t out)
{
    cni_shape shape = {.rank = cni_spatial_axes(layer->config)};
    for (int i = 0; i < shape.rank; i++) shape.dims[i] = size ? size[i] : 1;
    shape.dims[shape.rank++] = in;
    shape.dims[shape.rank++] = out;
    return shape;
}

static cn_status add_bias(cn_layer *layer, int64_t count, cni_error *error)
{
    if (((const cni_spatial_args *)layer->config->args)->no_bias) return CN_OK;
    return cni_layer_add_weight(layer, "bias", "bias", &CNI_SHAPE(count), true, error);
}

static cn_status build_convolution(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cni_spatial_args *args = layer->config->args;
    int64_t channels;
    CN_TRY(channels_of(layer, in, &channels, error));
    if (channels % args->groups != 0)
        return cni_fail(error, CN_ERR_SHAPE,
                        "groups=%d does not divide the %" PRId64 " channels of the input, shape %s; it must divide "
                        "them and filters=%d: use %s",
                        args->groups, channels, CNI_SHOW_SHAPE(in), args->filters,
                        cni_common_divisors(channels, args->filters, (char[160]){0}, 160));
    const cni_shape kernel = kernel_shape(layer, args->size, channels / args->groups, args->filters);
    CN_TRY(cni_layer_add_weight(layer, "kernel", "kernel", &kernel, true, error));
    return add_bias(layer, args->filters, error);
}

static cn_status build_depthwise(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cni_spatial_args *args = layer->config->args;
    int64_t channels;
    CN_TRY(channels_of(layer, in, &channels, error));
    const cni_shape kernel = kernel_shape(layer, args->size, channels, args->depth_multiplier);
    CN_TRY(cni_layer_add_weight(layer, "kernel", "depthwise", &kernel, true, error));
    return add_bias(layer, channels * args->depth_multiplier, error);
}

static cn_status build_separable(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cni_spatial_args *args = layer->config->args;
    int64_t channels;
    CN_TRY(channels_of(layer, in, &channels, error));
    const cni_shape depthwise = kernel_shape(layer, args->size, channels, args->depth_multiplier);
    const cni_shape pointwise = kernel_shape(layer, NULL, channels * args->depth_multiplier, args->filters);
    CN_TRY(cni_layer_add_weight(layer, "depthwise_kernel", "depthwise", &depthwise, true, error));
    CN_TRY(cni_layer_add_weight(layer, "pointwise_kernel", "pointwise", &pointwise, true, error));
    return add_bias(layer, args->filters, error);
}

static void view(const cni_object *config, cni_view *view)
{
    const cni_layer_kind *kind = (const cni_layer_kind *)config->kind;
    cni_view_spatial(config, view);
    view->multiplies = CNI_MULTIPLIES_AT_OUTPUTS;
    view->groups =
        kind->traits & (CNI_IS_DEPTHWISE | CNI_IS_SEPARABLE) ? 0 : ((const cni_spatial_args *)config->args)->groups;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define KIND(name_, aliases_, rows, check_, build_, traits_, rank, order_, help_, keras_, formula_)                    \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .aliases = aliases_,                                                                                  \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(cni_spatial_args),                                                                \
                 CNI_FIELDS(rows),                                                                                     \
                 .order = order_,                                                                                      \
                 .check = check_,                                                                                      \
                 .help = help_,                                                                                        \
                 .keras = keras_,                                                                                      \
                 .formula = formula_},                                                                                 \
        .min_rank = rank, .max_rank = rank, .lazily_built = true, .traits = CNI_IS_CONVOLUTION | (traits_),            \
        .output_shape = output_shape, .build = build_, .view = view                                                    \
    }
#define LENGTHS "valid: n' = floor((n - dilation_rate * (k - 1) - 1) / strides) + 1;  same: n' = ceil(n / strides)"
#define DEPTHWISE_ORDER                                                                                                \
    "name trainable dtype depth_multiplier kernel_size strides padding data_format dilation_rate activation use_bias " \
    "depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer activity_regularizer "              \
    "depthwise_constraint bias_constraint"
#define SEPARABLE_ORDER                                                                                                \
    "name trainable dtype depth_multiplier filters kernel_size strides padding data_format dilation_rate activation "  \
    "use_bias depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer "                     \
    "pointwise_regularizer bias_regularizer activity_regularizer depthwise_constraint pointwise_constraint "           \
    "bias_constraint"
#define SEPARABLE_FORMULA                                                                                              \
    "out = activation(pointwise 1x1 of (depthwise windows of in) + bias);  "                                           \
    "parameters: k * c * depth_multiplier + c * depth_multiplier * filters + filters"

const cni_layer_kind cni_conv1d_layer =
    KIND("Conv1D", NAMES("Convolution1D"), conv1d_fields, check, build_convolution, 0, 3, NULL,
         "1-D convolution: windows over a sequence; 'causal' sees what came before only",
         "Conv1D(32, 3, padding='causal')", LENGTHS);
const cni_layer_kind cni_conv3d_layer =
    KIND("Conv3D", NAMES("Convolution3D"), conv3d_fields, check, build_convolution, 0, 5, NULL,
         "3-D convolution: windows over a volume, or over rows, columns and time", "Conv3D(16, 3)", LENGTHS);
const cni_layer_kind cni_depthwise_conv1d_layer =
    KIND("DepthwiseConv1D", NULL, depthwise_fields, NULL, build_depthwise, CNI_IS_DEPTHWISE, 3, DEPTHWISE_ORDER,
         "1-D convolution of each channel by itself", "DepthwiseConv1D(3, padding='same')", LENGTHS);
const cni_layer_kind cni_separable_conv1d_layer = KIND(
    "SeparableConv1D", NAMES("SeparableConvolution1D"), separable1d_fields, NULL, build_separable, CNI_IS_SEPARABLE, 3,
    SEPARABLE_ORDER, "a depthwise 1-D convolution, then one of size 1 that mixes the channels",
    "SeparableConv1D(32, 3)", SEPARABLE_FORMULA);
const cni_layer_kind cni_separable_conv2d_layer = KIND(
    "SeparableConv2D", NAMES("SeparableConvolution2D"), separable2d_fields, NULL, build_separable, CNI_IS_SEPARABLE, 4,
    SEPARABLE_ORDER, "a depthwise convolution, then one of 1x1 that mixes the channels: far cheaper than Conv2D",
    "SeparableConv2D(32, 3, padding='same')", SEPARABLE_FORMULA);
