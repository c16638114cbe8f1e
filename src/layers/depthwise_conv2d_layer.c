/* SPDX-License-Identifier: Apache-2.0
 * DepthwiseConv2D: each channel is convolved by itself (keras-semantics 2.2). */
#include "layers/convolution_layers.h"
#include "layers/layers.h"

#include "graph/ops/depthwise_conv2d.h"

#include <inttypes.h>

#define ARGS cn_depthwise_conv2d_args
static const cni_field fields[] = {
    CNI_FIELD(kernel_size, "kernel_size", CNI_REQUIRED, NULL, 1, 1e5,
              "rows and columns of the window; one number for both"),
    CNI_FIELD(strides, "strides", 0, "1", 1, 1e6, "step from window to window, in pixels: 2 halves the image"),
    CNI_FIELD(padding, "padding", 0, "'valid'", 0, 0,
              "'valid': windows inside the image; 'same': zeros around, size / strides"),
    CNI_FIELD(depth_multiplier, "depth_multiplier", 0, "1", 1, 1e6, "output channels for each input channel"),
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,
              "'channels_last' (n, h, w, c) or 'channels_first' (n, c, h, w)"),
    CNI_FIELD(dilation_rate, "dilation_rate", 0, "1", 1, 1e5,
              "distance between the pixels that a window takes: 2 skips every other"),
    CNI_OBJECT(activation, "activation", &cni_activations, 0, "linear", "what the sums pass through"),
    CNI_FIELD(no_bias, "use_bias", CNI_NEGATED, "True", 0, 0, "whether a number per output channel is added"),
    CNI_OBJECT(depthwise_initializer, "depthwise_initializer", &cni_initializers, 0, "glorot_uniform",
               "what the kernel starts from"),
    CNI_OBJECT(bias_initializer, "bias_initializer", &cni_initializers, 0, "zeros", "what the bias starts from"),
    CNI_OBJECT(depthwise_regularizer, "depthwise_regularizer", &cni_regularizers, 0, "None",
               "penalty on the kernel, added to the loss"),
    CNI_OBJECT(bias_regularizer, "bias_regularizer", &cni_regularizers, 0, "None", "penalty on the bias"),
    CNI_OBJECT(activity_regularizer, "activity_regularizer", &cni_regularizers, CNI_EARLY, "None",
               "penalty on the output, divided by the batch size"),
    CNI_OBJECT(depthwise_constraint, "depthwise_constraint", &cni_constraints, 0, "None",
               "what the kernel is held to after each update"),
    CNI_OBJECT(bias_constraint, "bias_constraint", &cni_constraints, 0, "None",
               "what the bias is held to after each update"),
    CNI_LAYER_FIELDS,
    CNI_ONLY("groups", "1", CNI_READ_ONLY), /* in files of Keras 2 */
};

static cni_windowed windows(const cn_depthwise_conv2d_args *args)
{
    return (cni_windowed){"kernel_size",       args->kernel_size,  args->strides,
                          args->dilation_rate, args->padding.mode, args->data_format};
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cn_depthwise_conv2d_args *args = layer->config->args;
    const cni_windowed windowed = windows(args);
    const int axis = cni_image_axes_of(args->data_format).channels;
    const int64_t channels = in->dims[axis];
    CN_TRY(cni_same_channels(layer, in, axis, error));
    if (channels > INT32_MAX / args->depth_multiplier)
        return cni_fail(error, CN_ERR_LIMIT, "depth_multiplier=%d times %" PRId64 " channels are too many",
                        args->depth_multiplier, channels);
    CN_TRY(
        cni_windowed_shape(&windowed, in, channels < 0 ? CNI_UNKNOWN : channels * args->depth_multiplier, out, error));
    return cni_activation_shape(cni_object_of(layer->config, "activation"), out, error);
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cn_depthwise_conv2d_args *args = layer->config->args;
    int64_t channels;
    CN_TRY(cni_known_channels(in, cni_image_axes_of(args->data_format).channels, &channels, error));
    const cni_shape kernel = CNI_SHAPE(args->kernel_size[0], args->kernel_size[1], channels, args->depth_multiplier);
    CN_TRY(cni_layer_add_weight(layer, "kernel", "depthwise", &kernel, true, error));
    return args->no_bias ? CN_OK
                         : cni_layer_add_weight(layer, "bias", "bias", &CNI_SHAPE(channels * args->depth_multiplier),
                                                true, error);
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_depthwise_conv2d_args *args = layer->config->args;
    const cni_windowed windowed = windows(args);
    cni_tensor *x = cni_lower_to_nhwc(lowering, args->data_format, in[0]);
    cni_tensor *kernel = cni_lower_weight(lowering, layer, 0);
    cni_tensor *bias = args->no_bias ? NULL : cni_lower_weight(lowering, layer, 1);
    const cni_conv2d_attributes attributes = cni_convolution_of(&windowed, 1, x);
    cni_tensor *y = cni_depthwise_conv2d(lowering->graph, x, kernel, bias, &attributes);
    return cni_lower_finish(lowering, args->data_format, cni_object_of(layer->config, "activation"), y);
}

static void view(const cni_object *config, cni_view *view)
{
    const cn_depthwise_conv2d_args *args = config->args;
    const cni_windowed windowed = windows(args);
    cni_view_windows(view, &windowed, &args->padding);
    view->multiplies = CNI_MULTIPLIES_AT_OUTPUTS;
    view->groups = 0;
}

static cn_padding *padding(void *args)
{
    return &((cn_depthwise_conv2d_args *)args)->padding;
}

const cni_layer_kind cni_depthwise_conv2d_layer = {
    .kind = {.name = "DepthwiseConv2D",
             .module = "keras.layers",
             .args_size = sizeof(cn_depthwise_conv2d_args),
             CNI_FIELDS(fields),
             .order =
                 "name trainable dtype depth_multiplier kernel_size strides padding data_format dilation_rate "
                 "activation use_bias depthwise_initializer bias_initializer depthwise_regularizer bias_regularizer "
                 "activity_regularizer depthwise_constraint bias_constraint",
             .help = "2-D convolution of each channel by itself: far cheaper than Conv2D, and it does not mix channels",
             .keras = "DepthwiseConv2D(3, padding='same')",
             .example = "cn_add(model, cn_depthwise_conv2d({3, 3}, .padding = CN_SAME));",
             .formula = "out[.., c * depth_multiplier + m] = activation(sum over the window of in[.., c] * kernel[.., "
                        "c, m] + bias)"},
    .min_rank = 4,
    .max_rank = 4,
    .lazily_built = true,
    .traits = CNI_IS_CONVOLUTION | CNI_IS_DEPTHWISE,
    .output_shape = output_shape,
    .build = build,
    .view = view,
    .lower = lower,
    .padding = padding,
};
