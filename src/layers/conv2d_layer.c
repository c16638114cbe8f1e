/* SPDX-License-Identifier: Apache-2.0
 * Conv2D: two-dimensional convolution, as Keras has it: cross-correlation (keras-semantics 1). */
#include "layers/convolution_layers.h"
#include "layers/layers.h"

#define ARGS cn_conv2d_args
static const cni_field fields[] = {
    CNI_FIELD(filters, "filters", CNI_REQUIRED, NULL, 1, 1e9,
              "number of output channels: how many patterns are looked for"),
    CNI_FIELD(kernel_size, "kernel_size", CNI_REQUIRED, NULL, 1, 1e5,
              "rows and columns of the window; one number for both"),
    CNI_FIELD(strides, "strides", 0, "1", 1, 1e6, "step from window to window, in pixels: 2 halves the image"),
    CNI_FIELD(padding, "padding", 0, "'valid'", 0, 0,
              "'valid': windows inside the image; 'same': zeros around, size / strides"),
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,
              "'channels_last' (n, h, w, c) or 'channels_first' (n, c, h, w)"),
    CNI_FIELD(dilation_rate, "dilation_rate", 0, "1", 1, 1e5,
              "distance between the pixels that a window takes: 2 skips every other"),
    CNI_FIELD(groups, "groups", 0, "1", 1, 1e9,
              "channels are split into so many groups, each with its share of the filters"),
    CNI_OBJECT(activation, "activation", &cni_activations, 0, "linear", "what the sums pass through"),
    CNI_FIELD(no_bias, "use_bias", CNI_NEGATED, "True", 0, 0, "whether a number per filter is added"),
    CNI_OBJECT(kernel_initializer, "kernel_initializer", &cni_initializers, 0, "glorot_uniform",
               "what the kernel starts from"),
    CNI_OBJECT(bias_initializer, "bias_initializer", &cni_initializers, 0, "zeros", "what the bias starts from"),
    CNI_OBJECT(kernel_regularizer, "kernel_regularizer", &cni_regularizers, 0, "None",
               "penalty on the kernel, added to the loss"),
    CNI_OBJECT(bias_regularizer, "bias_regularizer", &cni_regularizers, 0, "None", "penalty on the bias"),
    CNI_OBJECT(activity_regularizer, "activity_regularizer", &cni_regularizers, CNI_EARLY, "None",
               "penalty on the output, divided by the batch size"),
    CNI_OBJECT(kernel_constraint, "kernel_constraint", &cni_constraints, 0, "None",
               "what the kernel is held to after each update"),
    CNI_OBJECT(bias_constraint, "bias_constraint", &cni_constraints, 0, "None",
               "what the bias is held to after each update"),
    CNI_LAYER_FIELDS,
    CNI_ONLY("lora_rank", "None", CNI_READ_ONLY),
    CNI_ONLY("lora_alpha", "None", CNI_READ_ONLY),
};

static int larger(const int pair[2])
{
    return pair[0] > pair[1] ? pair[0] : pair[1];
}

static cn_status check(void *given, cni_error *error)
{
    const cn_conv2d_args *args = given;
    if (args->filters % args->groups != 0)
        return cni_fail(error, CN_ERR_INVALID, "groups=%d does not divide filters=%d; use %s", args->groups,
                        args->filters, cni_common_divisors(args->filters, args->filters, (char[160]){0}, 160));
    if (larger(args->strides) > 1 && larger(args->dilation_rate) > 1)
        return cni_fail(error, CN_ERR_INVALID,
                        "strides=(%d, %d) and dilation_rate=(%d, %d) are both above 1; one of them must be 1",
                        args->strides[0], args->strides[1], args->dilation_rate[0], args->dilation_rate[1]);
    return CN_OK;
}

static cn_status check_groups(const cn_conv2d_args *args, const cni_shape *in, int64_t channels, cni_error *error)
{
    if (channels % args->groups == 0) return CN_OK;
    return cni_fail(
        error, CN_ERR_SHAPE,
        "groups=%d does not divide the %d channels of the input, shape %s; it must divide them and filters=%d: "
        "use %s",
        args->groups, (int)channels, CNI_SHOW_SHAPE(in), args->filters,
        cni_common_divisors(channels, args->filters, (char[160]){0}, 160));
}

static cni_windowed windows(const cn_conv2d_args *args)
{
    return (cni_windowed){"kernel_size",       args->kernel_size,  args->strides,
                          args->dilation_rate, args->padding.mode, args->data_format};
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cn_conv2d_args *args = layer->config->args;
    const cni_windowed windowed = windows(args);
    CN_TRY(cni_same_channels(layer, in, cni_image_axes_of(args->data_format).channels, error));
    CN_TRY(cni_windowed_shape(&windowed, in, args->filters, out, error));
    return cni_activation_shape(cni_object_of(layer->config, "activation"), out, error);
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cn_conv2d_args *args = layer->config->args;
    int64_t channels;
    CN_TRY(cni_known_channels(in, cni_image_axes_of(args->data_format).channels, &channels, error));
    CN_TRY(check_groups(args, in, channels, error));
    const cni_shape kernel =
        CNI_SHAPE(args->kernel_size[0], args->kernel_size[1], channels / args->groups, args->filters);
    CN_TRY(cni_layer_add_weight(layer, "kernel", "kernel", &kernel, true, error));
    return args->no_bias ? CN_OK : cni_layer_add_weight(layer, "bias", "bias", &CNI_SHAPE(args->filters), true, error);
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_conv2d_args *args = layer->config->args;
    const cni_windowed windowed = windows(args);
    cni_tensor *x = cni_lower_to_nhwc(lowering, args->data_format, in[0]);
    cni_tensor *kernel = cni_lower_weight(lowering, layer, 0);
    cni_tensor *bias = args->no_bias ? NULL : cni_lower_weight(lowering, layer, 1);
    const cni_conv2d_attributes attributes = cni_convolution_of(&windowed, args->groups, x);
    cni_tensor *y = cni_conv2d(lowering->graph, x, kernel, bias, &attributes);
    return cni_lower_finish(lowering, args->data_format, cni_object_of(layer->config, "activation"), y);
}

static void view(const cni_object *config, cni_view *view)
{
    const cn_conv2d_args *args = config->args;
    const cni_windowed windowed = windows(args);
    cni_view_windows(view, &windowed, &args->padding);
    view->multiplies = CNI_MULTIPLIES_AT_OUTPUTS;
    view->groups = args->groups;
}

static cn_padding *padding(void *args)
{
    return &((cn_conv2d_args *)args)->padding;
}

static const char *const aliases[] = {"Convolution2D", NULL};

const cni_layer_kind cni_conv2d_layer = {
    .kind = {.name = "Conv2D",
             .aliases = aliases,
             .module = "keras.layers",
             .args_size = sizeof(cn_conv2d_args),
             CNI_FIELDS(fields),
             .check = check,
             .help = "2-D convolution: each output pixel is a weighted sum over a window of the image",
             .keras = "Conv2D(32, 3, activation='relu', padding='same')",
             .example = "cn_add(model, cn_conv2d(32, {3}, .activation = \"relu\", .padding = CN_SAME));",
             .formula =
                 "out = activation(sum over the window of in * kernel + bias);  "
                 "valid: h' = floor((h - dilation_rate * (kh - 1) - 1) / strides) + 1;  same: h' = ceil(h / strides)"},
    .min_rank = 4,
    .max_rank = 4,
    .lazily_built = true,
    .traits = CNI_IS_CONVOLUTION,
    .output_shape = output_shape,
    .build = build,
    .view = view,
    .lower = lower,
    .padding = padding,
};
