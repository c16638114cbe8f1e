/* SPDX-License-Identifier: Apache-2.0
 * Conv1d, Conv2d, Conv3d, and their lazy forms, which take in_channels from the first input. */
#include "layers/torch/torch.h"

#include <stdio.h>
#include <string.h>

typedef struct conv_args {
    cn_layer_args head;
    int in_channels, out_channels; /* in_channels 0: lazy */
    cni_tuple kernel_size, stride, padding, dilation;
    int groups;
    bool bias;
    const char *padding_mode;
    CNI_TORCH_FACTORY_MEMBERS;
} conv_args;
#define ARGS conv_args

static const char *const paddings[] = {"valid", "same", NULL};
static const char *const padding_modes[] = {"zeros", "reflect", "replicate", "circular", NULL};

#define ROWS_AFTER_IN                                                                                                  \
    CNI_FIELD(out_channels, "out_channels", CNI_REQUIRED, NULL, 1, 1e9, "channels that go out"),                       \
        CNI_FIELD(kernel_size, "kernel_size", CNI_REQUIRED, NULL, 1, 1e5, "size of the window"),                       \
        CNI_FIELD(stride, "stride", 0, "1", 1, 1e6, "step from window to window"),                                     \
        {.key = "padding",                                                                                             \
         .offset = offsetof(conv_args, padding),                                                                       \
         .member = "padding",                                                                                          \
         .type = CNI_FIELD_TUPLE,                                                                                      \
         .otherwise = "0",                                                                                             \
         .max = 1e6,                                                                                                   \
         .choices = paddings,                                                                                          \
         .help = "an integer from 0, one per axis, 'valid' or 'same'"},                                                \
        CNI_FIELD(dilation, "dilation", 0, "1", 1, 1e5, "distance between the pixels that a window takes"),            \
        CNI_FIELD(groups, "groups", 0, "1", 1, 1e9, "channels are split into so many groups"),                         \
        CNI_FIELD(bias, "bias", 0, "True", 0, 0, "whether a number per channel is added"),                             \
        CNI_CHOICE(padding_mode, "padding_mode", padding_modes, "'zeros'", "what the padding holds"),                  \
        CNI_TORCH_FACTORY

static const cni_field fields[] = {
    CNI_FIELD(in_channels, "in_channels", CNI_REQUIRED, NULL, 1, 1e9, "channels that come in"), ROWS_AFTER_IN};
static const cni_field lazy_fields[] = {ROWS_AFTER_IN};

static cn_status check(int spatial, const conv_args *args, cni_error *error)
{
    const cni_torch_size sizes[] = {{"kernel_size", &args->kernel_size},
                                    {"stride", &args->stride},
                                    {"padding", &args->padding},
                                    {"dilation", &args->dilation},
                                    {NULL, NULL}};
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

static cni_border border_of(const char *padding_mode)
{
    static const cni_border borders[] = {CNI_BORDER_ZERO, CNI_BORDER_REFLECT, CNI_BORDER_EDGE, CNI_BORDER_WRAP};
    for (int i = 0; padding_modes[i]; i++)
        if (strcmp(padding_modes[i], padding_mode) == 0) return borders[i];
    return CNI_BORDER_ZERO;
}

/* 'same' puts the odd cell behind, as Keras does; with a stride PyTorch refuses it. */
static cni_view_axis axis_of(const conv_args *args, int i)
{
    cni_view_axis axis = {.size = cni_torch_at(&args->kernel_size, i),
                          .stride = cni_torch_at(&args->stride, i),
                          .dilation = cni_torch_at(&args->dilation, i)};
    if (!args->padding.text) {
        axis.before = axis.after = cni_torch_at(&args->padding, i);
    } else if (args->padding.text[0] == 's') {
        const int64_t total = (axis.size - 1) * axis.dilation;
        axis.before = total / 2;
        axis.after = total - axis.before;
    }
    return axis;
}

static void view(const cni_object *config, cni_view *view)
{
    const conv_args *args = config->args;
    *view = (cni_view){.type = CNI_VIEW_WINDOW,
                       .spatial = cni_torch_spatial(config),
                       .border = border_of(args->padding_mode),
                       .multiplies = CNI_MULTIPLIES_AT_OUTPUTS,
                       .groups = args->groups,
                       .format = CN_CHANNELS_FIRST};
    for (int i = 0; i < view->spatial; i++) view->axis[i] = axis_of(args, i);
}

static cn_status check_same(const cn_layer *layer, cni_error *error)
{
    const conv_args *args = layer->config->args;
    const int spatial = cni_torch_spatial(layer->config);
    if (!args->padding.text || args->padding.text[0] != 's') return CN_OK;
    for (int i = 0; i < spatial; i++)
        if (cni_torch_at(&args->stride, i) > 1)
            return cni_fail(error, CN_ERR_SHAPE,
                            "padding='same' with stride=%s: PyTorch takes 'same' with stride=1 only; give padding as "
                            "numbers",
                            CNI_TORCH_SHOW(&args->stride, spatial));
    return CN_OK;
}

static cn_status check_groups(const conv_args *args, int64_t channels, cni_error *error)
{
    const char *key = channels >= 0 && channels % args->groups ? "in_channels" : "out_channels";
    const int64_t odd = channels >= 0 && channels % args->groups ? channels : args->out_channels;
    if (odd % args->groups == 0) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "groups=%d does not divide %s=%d; use %s", args->groups, key, (int)odd,
                    cni_common_divisors(channels >= 0 ? channels : odd, args->out_channels, (char[160]){0}, 160));
}

static int64_t channels_of(const conv_args *args, const cni_shape *in)
{
    return args->in_channels ? args->in_channels : in->rank > 1 ? in->dims[1] : CNI_UNKNOWN;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const conv_args *args = layer->config->args;
    CN_TRY(cni_torch_expect_map(layer, in, error));
    if (args->in_channels) CN_TRY(cni_torch_expect_channels("in_channels", args->in_channels, in, error));
    CN_TRY(check_groups(args, channels_of(args, in), error));
    CN_TRY(check_same(layer, error));
    return cni_torch_map(layer, in, args->out_channels, out, error);
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const conv_args *args = layer->config->args;
    const int spatial = cni_torch_spatial(layer->config);
    if (!args->in_channels) CN_TRY(cni_torch_expect_map(layer, in, error));
    const int64_t channels = channels_of(args, in);
    if (channels < 0) return cni_known_channels(in, 1, &(int64_t){0}, error);
    CN_TRY(check_groups(args, channels, error));
    cni_shape weight = {.rank = spatial + 2, .dims = {args->out_channels, channels / args->groups}};
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

/* Keras' 'same' pads as this does: no stride, and as much on either side. */
static bool is_same(const cni_view *view)
{
    for (int i = 0; i < view->spatial; i++) {
        const cni_view_axis *axis = view->axis + i;
        const int64_t total = (axis->size - 1) * axis->dilation;
        if (axis->stride != 1 || axis->before != total / 2 || axis->after != total - total / 2) return false;
    }
    return true;
}

static double fan_in(const cni_torch_call *call, const cni_view *v)
{
    const conv_args *args = call->config->args;
    const cni_shape *in = call->place->in;
    const int64_t channels = args->in_channels ? args->in_channels : in ? channels_of(args, in) : 0;
    double fan = (double)(channels / args->groups);
    for (int i = 0; i < v->spatial; i++) fan *= (double)v->axis[i].size;
    return fan;
}

static cn_status translate(cni_torch_call *call)
{
    const conv_args *args = call->config->args;
    cni_view v = {0};
    view(call->config, &v);
    if (v.border != CNI_BORDER_ZERO && cni_torch_is_padded(&v))
        return cni_torch_refuse(call, "its layers pad with zeros, not with padding_mode='%s'", args->padding_mode);
    if (any_above_one(&args->stride, v.spatial) && any_above_one(&args->dilation, v.spatial))
        return cni_torch_refuse(call, "it takes no stride together with a dilation");
    const bool same = cni_torch_is_padded(&v) && is_same(&v);
    char groups[32] = "";
    if (args->groups > 1) snprintf(groups, sizeof groups, ", groups=%d", args->groups);
    if (!same) CN_TRY(cni_torch_say_padding(call, &v));
    return cni_torch_say(call, "Conv%dD(%d, %s%s%s, data_format='channels_first'%s%s%s%s)", v.spatial,
                         args->out_channels, CNI_TORCH_SHOW(&args->kernel_size, v.spatial),
                         CNI_TORCH_OPTION("strides", &args->stride, v.spatial, 1), same ? ", padding='same'" : "",
                         CNI_TORCH_OPTION("dilation_rate", &args->dilation, v.spatial, 1), groups,
                         args->bias ? "" : ", use_bias=False",
                         cni_torch_initializers(call, fan_in(call, &v), args->bias, (char[256]){0}, 256));
}

#define CONV(variable, name_, fields_, spatial_, help_)                                                                \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .args_size = sizeof(conv_args),                                \
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

static const char help[] = "convolution: each output is a weighted sum over a window";
static const char lazy_help[] = "the same, with in_channels from the first input";

CONV(cni_torch_conv1d, "Conv1d", fields, 1, help);
CONV(cni_torch_conv2d, "Conv2d", fields, 2, help);
CONV(cni_torch_conv3d, "Conv3d", fields, 3, help);
CONV(cni_torch_lazy_conv1d, "LazyConv1d", lazy_fields, 1, lazy_help);
CONV(cni_torch_lazy_conv2d, "LazyConv2d", lazy_fields, 2, lazy_help);
CONV(cni_torch_lazy_conv3d, "LazyConv3d", lazy_fields, 3, lazy_help);
