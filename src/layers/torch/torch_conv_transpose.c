/* SPDX-License-Identifier: Apache-2.0
 * ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, and their lazy forms. */
#include "layers/torch/torch.h"

typedef struct transpose_args {
    cn_layer_args head;
    int in_channels, out_channels; /* in_channels 0: lazy */
    cni_tuple kernel_size, stride, padding, output_padding, dilation;
    int groups;
    bool bias;
    const char *padding_mode;
    CNI_TORCH_FACTORY_MEMBERS;
} transpose_args;
#define ARGS transpose_args

static const char *const padding_modes[] = {"zeros", NULL};

#define ROWS_AFTER_IN                                                                                                  \
    CNI_FIELD(out_channels, "out_channels", CNI_REQUIRED, NULL, 1, 1e9, "channels that go out"),                       \
        CNI_FIELD(kernel_size, "kernel_size", CNI_REQUIRED, NULL, 1, 1e5, "size of the window"),                       \
        CNI_FIELD(stride, "stride", 0, "1", 1, 1e6, "step from window to window in the output"),                       \
        CNI_FIELD(padding, "padding", 0, "0", 0, 1e6, "cells that are cut off each side of the output"),               \
        CNI_FIELD(output_padding, "output_padding", 0, "0", 0, 1e6, "cells that are added behind the output"),         \
        CNI_FIELD(groups, "groups", 0, "1", 1, 1e9, "channels are split into so many groups"),                         \
        CNI_FIELD(bias, "bias", 0, "True", 0, 0, "whether a number per channel is added"),                             \
        CNI_FIELD(dilation, "dilation", 0, "1", 1, 1e5, "distance between the pixels that a window takes"),            \
        CNI_CHOICE(padding_mode, "padding_mode", padding_modes, "'zeros'", "zeros is all that there is"),              \
        CNI_TORCH_FACTORY

static const cni_field fields[] = {
    CNI_FIELD(in_channels, "in_channels", CNI_REQUIRED, NULL, 1, 1e9, "channels that come in"), ROWS_AFTER_IN};
static const cni_field lazy_fields[] = {ROWS_AFTER_IN};

static cn_status check(int spatial, const transpose_args *args, cni_error *error)
{
    const cni_torch_size sizes[] = {{"kernel_size", &args->kernel_size}, {"stride", &args->stride},
                                    {"padding", &args->padding},         {"output_padding", &args->output_padding},
                                    {"dilation", &args->dilation},       {NULL, NULL}};
    return cni_torch_check_sizes(spatial, sizes, error);
}

static cn_status check1(void *args, cni_error *error)
{
    return check(1, args, error);
}

static cn_status check2(void *args, cni_error *error)
{
    return check(2, args, error);
}

static cn_status check3(void *args, cni_error *error)
{
    return check(3, args, error);
}

/* ---- geometry ---- */

static void view(const cni_object *config, cni_view *view)
{
    const transpose_args *args = config->args;
    *view = (cni_view){.type = CNI_VIEW_TRANSPOSED,
                       .spatial = cni_torch_spatial(config),
                       .multiplies = CNI_MULTIPLIES_AT_INPUTS,
                       .groups = args->groups,
                       .format = CN_CHANNELS_FIRST};
    for (int i = 0; i < view->spatial; i++)
        view->axis[i] = (cni_view_axis){.size = cni_torch_at(&args->kernel_size, i),
                                        .stride = cni_torch_at(&args->stride, i),
                                        .dilation = cni_torch_at(&args->dilation, i),
                                        .before = cni_torch_at(&args->padding, i),
                                        .after = cni_torch_at(&args->padding, i),
                                        .extends = true,
                                        .output_padding = cni_torch_at(&args->output_padding, i)};
}

static int64_t channels_of(const transpose_args *args, const cni_shape *in)
{
    return args->in_channels ? args->in_channels : in->rank > 1 ? in->dims[1] : CNI_UNKNOWN;
}

static cn_status check_groups(const transpose_args *args, int64_t channels, cni_error *error)
{
    const bool odd_in = channels >= 0 && channels % args->groups;
    if (!odd_in && args->out_channels % args->groups == 0) return CN_OK;
    return cni_fail(
        error, CN_ERR_SHAPE, "groups=%d does not divide %s=%d; use %s", args->groups,
        odd_in ? "in_channels" : "out_channels", odd_in ? (int)channels : args->out_channels,
        cni_common_divisors(channels >= 0 ? channels : args->out_channels, args->out_channels, (char[160]){0}, 160));
}

static cn_status check_output_padding(const cn_layer *layer, cni_error *error)
{
    const transpose_args *args = layer->config->args;
    const int spatial = cni_torch_spatial(layer->config);
    for (int i = 0; i < spatial; i++) {
        const int a = cni_torch_at(&args->output_padding, i);
        if (a < cni_torch_at(&args->stride, i) || a < cni_torch_at(&args->dilation, i)) continue;
        return cni_fail(error, CN_ERR_SHAPE,
                        "output_padding=%s with stride=%s and dilation=%s: it must be smaller than one of them",
                        CNI_TORCH_SHOW(&args->output_padding, spatial), CNI_TORCH_SHOW(&args->stride, spatial),
                        CNI_TORCH_SHOW(&args->dilation, spatial));
    }
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const transpose_args *args = layer->config->args;
    CN_TRY(cni_torch_expect_map(layer, in, error));
    if (args->in_channels) CN_TRY(cni_torch_expect_channels("in_channels", args->in_channels, in, error));
    CN_TRY(check_groups(args, channels_of(args, in), error));
    CN_TRY(check_output_padding(layer, error));
    return cni_torch_map(layer, in, args->out_channels, out, error);
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const transpose_args *args = layer->config->args;
    const int spatial = cni_torch_spatial(layer->config);
    if (!args->in_channels) CN_TRY(cni_torch_expect_map(layer, in, error));
    const int64_t channels = channels_of(args, in);
    if (channels < 0) return cni_known_channels(in, 1, &(int64_t){0}, error);
    CN_TRY(check_groups(args, channels, error));
    cni_shape weight = {.rank = spatial + 2, .dims = {channels, args->out_channels / args->groups}};
    for (int i = 0; i < spatial; i++) weight.dims[i + 2] = cni_torch_at(&args->kernel_size, i);
    CN_TRY(cni_torch_weight(layer, "weight", &weight, true, error));
    return args->bias ? cni_torch_weight(layer, "bias", &CNI_SHAPE(args->out_channels), true, error) : CN_OK;
}

/* ---- translation ---- */

static bool any_above_one(const cni_tuple *tuple, int spatial)
{
    for (int i = 0; i < spatial; i++)
        if (cni_torch_at(tuple, i) > 1) return true;
    return false;
}

/* With padding='valid' and output_padding given, Keras' output is PyTorch's before anything is cut off. */
static cn_status translate(cni_torch_call *call)
{
    const transpose_args *args = call->config->args;
    cni_view v = {0};
    view(call->config, &v);
    double fan_in = args->out_channels / args->groups;
    for (int i = 0; i < v.spatial; i++) {
        fan_in *= (double)v.axis[i].size;
        if (v.axis[i].output_padding >= v.axis[i].stride)
            return cni_torch_refuse(call, "its output_padding is below the stride");
        v.axis[i].before = v.axis[i].after = -v.axis[i].before;
    }
    if (args->groups > 1) return cni_torch_refuse(call, "its transposed convolution has no groups");
    if (any_above_one(&args->stride, v.spatial) && any_above_one(&args->dilation, v.spatial))
        return cni_torch_refuse(call, "it takes no stride together with a dilation");
    CN_TRY(cni_torch_say(
        call, "Conv%dDTranspose(%d, %s%s, output_padding=%s, data_format='channels_first'%s%s%s)", v.spatial,
        args->out_channels, CNI_TORCH_SHOW(&args->kernel_size, v.spatial),
        CNI_TORCH_OPTION("strides", &args->stride, v.spatial, 1), CNI_TORCH_SHOW(&args->output_padding, v.spatial),
        CNI_TORCH_OPTION("dilation_rate", &args->dilation, v.spatial, 1), args->bias ? "" : ", use_bias=False",
        cni_torch_initializers(call, fan_in, args->bias, (char[256]){0}, 256)));
    return cni_torch_say_padding(call, &v);
}

#define TRANSPOSE(variable, name_, fields_, spatial_, help_)                                                           \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .args_size = sizeof(transpose_args),                           \
                                                        CNI_FIELDS(fields_),                                           \
                                                        .check = check##spatial_,                                      \
                                                        .help = (help_)},                                              \
                                               .traits = CNI_IS_CONVOLUTION,                                           \
                                               .output_shape = output_shape,                                           \
                                               .build = build,                                                         \
                                               .view = view,                                                           \
                                               .keras = cni_torch_keras},                                              \
                                     .spatial = (spatial_),                                                            \
                                     .translate = translate}

static const char help[] = "transposed convolution: each input writes a window of the output";
static const char lazy_help[] = "the same, with in_channels from the first input";

TRANSPOSE(cni_torch_conv_transpose1d, "ConvTranspose1d", fields, 1, help);
TRANSPOSE(cni_torch_conv_transpose2d, "ConvTranspose2d", fields, 2, help);
TRANSPOSE(cni_torch_conv_transpose3d, "ConvTranspose3d", fields, 3, help);
TRANSPOSE(cni_torch_lazy_conv_transpose1d, "LazyConvTranspose1d", lazy_fields, 1, lazy_help);
TRANSPOSE(cni_torch_lazy_conv_transpose2d, "LazyConvTranspose2d", lazy_fields, 2, lazy_help);
TRANSPOSE(cni_torch_lazy_conv_transpose3d, "LazyConvTranspose3d", lazy_fields, 3, lazy_help);
