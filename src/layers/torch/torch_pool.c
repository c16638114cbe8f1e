/* SPDX-License-Identifier: Apache-2.0
 * MaxPool1d to 3d, AvgPool1d to 3d. */
#include "layers/torch/torch.h"

typedef struct pool_args {
    cn_layer_args head;
    cni_tuple kernel_size, stride, padding, dilation;
    bool return_indices, ceil_mode, count_include_pad;
    int divisor_override;
} pool_args;
#define ARGS pool_args

#define ROWS_IN_FRONT                                                                                                  \
    CNI_FIELD(kernel_size, "kernel_size", CNI_REQUIRED, NULL, 1, 1e5, "size of the window"),                           \
        CNI_FIELD(stride, "stride", CNI_NULLABLE, "None", 1, 1e6,                                                      \
                  "step from window to window; kernel_size if absent"),                                                \
        CNI_FIELD(padding, "padding", 0, "0", 0, 1e6, "cells around the input, at most half of kernel_size")
#define CEIL_MODE                                                                                                      \
    CNI_FIELD(ceil_mode, "ceil_mode", 0, "False", 0, 0, "whether a last window may hang over the end of the input")
#define COUNT_INCLUDE_PAD                                                                                              \
    CNI_FIELD(count_include_pad, "count_include_pad", 0, "True", 0, 0, "whether the mean counts the padding's zeros")

static const cni_field max_fields[] = {
    ROWS_IN_FRONT,
    CNI_FIELD(dilation, "dilation", 0, "1", 1, 1e5, "distance between the pixels that a window takes"),
    CNI_FIELD(return_indices, "return_indices", 0, "False", 0, 0, "whether the places of the maxima come out too"),
    CEIL_MODE,
};
static const cni_field average1_fields[] = {ROWS_IN_FRONT, CEIL_MODE, COUNT_INCLUDE_PAD};
static const cni_field average_fields[] = {
    ROWS_IN_FRONT, CEIL_MODE, COUNT_INCLUDE_PAD,
    CNI_FIELD(divisor_override, "divisor_override", CNI_NULLABLE, "None", 0, 0, "what sums are divided by instead")};

static cn_status check(int spatial, pool_args *args, cni_error *error)
{
    const cni_torch_size sizes[] = {{"kernel_size", &args->kernel_size},
                                    {"stride", &args->stride},
                                    {"padding", &args->padding},
                                    {"dilation", &args->dilation},
                                    {NULL, NULL}};
    CN_TRY(cni_torch_check_sizes(spatial, sizes, error));
    if (!args->stride.count) args->stride = args->kernel_size;
    if (args->dilation.count) return CN_OK;
    args->dilation = (cni_tuple){.count = 1, .at = {1}}; /* averages have none */
    return CN_OK;
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

static void view_of(const cni_object *config, cni_border border, cni_view *view)
{
    const pool_args *args = config->args;
    *view = (cni_view){.type = CNI_VIEW_WINDOW,
                       .spatial = cni_torch_spatial(config),
                       .ceil_mode = args->ceil_mode,
                       .border = border,
                       .groups = 1,
                       .format = CN_CHANNELS_FIRST};
    for (int i = 0; i < view->spatial; i++)
        view->axis[i] = (cni_view_axis){.size = cni_torch_at(&args->kernel_size, i),
                                        .stride = cni_torch_at(&args->stride, i),
                                        .dilation = cni_torch_at(&args->dilation, i),
                                        .before = cni_torch_at(&args->padding, i),
                                        .after = cni_torch_at(&args->padding, i)};
}

static void view_max(const cni_object *config, cni_view *view)
{
    view_of(config, CNI_BORDER_EXCLUDED, view);
}

static void view_average(const cni_object *config, cni_view *view)
{
    const pool_args *args = config->args;
    view_of(config, args->count_include_pad ? CNI_BORDER_ZERO : CNI_BORDER_EXCLUDED, view);
}

/* A check of AvgPool3d that leaves padding aside. */
static cn_status check_average3(const cn_layer *layer, const cni_shape *in, cni_error *error)
{
    const pool_args *args = layer->config->args;
    if (cni_torch_spatial(layer->config) != 3 || !(layer->kind->traits & CNI_IS_AVERAGE_POOL)) return CN_OK;
    CN_TRY(cni_torch_expect_map(layer, in, error));
    for (int i = 0; i < 3; i++)
        if (in->dims[i + 2] >= 0 && in->dims[i + 2] < cni_torch_at(&args->kernel_size, i))
            return cni_fail(error, CN_ERR_SHAPE, "kernel_size=%s is larger than the input, shape %s, padding aside",
                            CNI_TORCH_SHOW(&args->kernel_size, 3), CNI_SHOW_SHAPE(in));
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const pool_args *args = layer->config->args;
    const int spatial = cni_torch_spatial(layer->config);
    for (int i = 0; i < spatial; i++)
        if (cni_torch_at(&args->padding, i) > cni_torch_at(&args->kernel_size, i) / 2)
            return cni_fail(error, CN_ERR_SHAPE,
                            "padding=%s with kernel_size=%s: at most half of kernel_size can be padded",
                            CNI_TORCH_SHOW(&args->padding, spatial), CNI_TORCH_SHOW(&args->kernel_size, spatial));
    CN_TRY(check_average3(layer, in, error));
    return cni_torch_map(layer, in, in->dims[1], out, error);
}

/* ---- translation ---- */

/* Cells that the last window of ceil mode hangs over: -1 when that takes a size that is not known. */
static int64_t overhang(const cni_torch_call *call, const cni_view *v, int i)
{
    const cni_view_axis *axis = v->axis + i;
    const cni_shape *in = call->place->in;
    const int64_t n = in && in->rank > i + 2 ? in->dims[i + 2] : CNI_UNKNOWN;
    if (!v->ceil_mode || axis->stride == 1) return 0;
    if (n < 0) return -1;
    const int64_t o = cni_torch_length(v, i, n);
    const int64_t covered = (o - 1) * axis->stride + (axis->size - 1) * axis->dilation + 1;
    const int64_t over = covered - (n + axis->before + axis->after);
    return over > 0 ? over : 0;
}

static cn_status say_pool(cni_torch_call *call, const cni_view *v, const char *class_name, const char *padding)
{
    const pool_args *args = call->config->args;
    bool usual = true;
    for (int i = 0; i < v->spatial; i++) usual &= v->axis[i].stride == v->axis[i].size;
    return cni_torch_say(call, "%s%dD(%s%s%s, data_format='channels_first')", class_name, v->spatial,
                         CNI_TORCH_SHOW(&args->kernel_size, v->spatial),
                         usual ? "" : CNI_TORCH_OPTION("strides", &args->stride, v->spatial, 0), padding);
}

/* Keras' 'same' has as many windows in the same places; what lies outside is neither counted nor taken by either. */
static bool is_same(const cni_torch_call *call, const cni_view *v, int i)
{
    const cni_view_axis *axis = v->axis + i;
    const cni_shape *in = call->place->in;
    if (axis->stride == 1) return axis->size == 2 * axis->before + 1;
    if (!in || in->rank <= i + 2 || in->dims[i + 2] < 0) return false;
    const cni_window same = cni_window_of(in->dims[i + 2], (int)axis->size, (int)axis->stride, 1, CN_PADDING_SAME);
    return same.out == cni_torch_length(v, i, in->dims[i + 2]) && same.before == axis->before;
}

/* What windows reach beyond the end is taken into the padding, so that 'valid' gives the same windows. */
static cn_status find_overhang(cni_torch_call *call, cni_view *v, int64_t over[CNI_MAX_SPATIAL], bool *same)
{
    *same = true;
    for (int i = 0; i < v->spatial; i++) {
        over[i] = overhang(call, v, i);
        if (over[i] < 0)
            return cni_torch_refuse(call, "ceil_mode=True depends on the size of the input, which is not known here");
        *same &= is_same(call, v, i);
    }
    return CN_OK;
}

static bool any(const int64_t *numbers, int count)
{
    for (int i = 0; i < count; i++)
        if (numbers[i]) return true;
    return false;
}

static cn_status translate_max(cni_torch_call *call)
{
    const pool_args *args = call->config->args;
    int64_t over[CNI_MAX_SPATIAL];
    bool same;
    cni_view v;
    view_max(call->config, &v);
    if (args->return_indices) return cni_torch_refuse(call, "its layers give no indices");
    for (int i = 0; i < v.spatial; i++)
        if (v.axis[i].dilation > 1) return cni_torch_refuse(call, "its pooling takes no dilation");
    CN_TRY(find_overhang(call, &v, over, &same));
    if (!cni_torch_is_padded(&v) && !any(over, v.spatial)) return say_pool(call, &v, "MaxPooling", "");
    if (same) return say_pool(call, &v, "MaxPooling", ", padding='same'");
    if (!call->place->not_negative)
        return cni_torch_refuse(call, "its padding would be zeros where this one never wins; behind a layer that is "
                                      "never negative (ReLU) it would be equal");
    for (int i = 0; i < v.spatial; i++) v.axis[i].after += over[i];
    CN_TRY(cni_torch_say_padding(call, &v));
    return say_pool(call, &v, "MaxPooling", "");
}

static cn_status translate_average(cni_torch_call *call)
{
    const pool_args *args = call->config->args;
    int64_t over[CNI_MAX_SPATIAL];
    bool same;
    cni_view v;
    view_average(call->config, &v);
    if (args->divisor_override && args->divisor_override != CNI_NONE_INT)
        return cni_torch_refuse(call, "its averages take no divisor_override");
    CN_TRY(find_overhang(call, &v, over, &same));
    const bool padded = cni_torch_is_padded(&v), hangs = any(over, v.spatial);
    if (!padded && !hangs) return say_pool(call, &v, "AveragePooling", "");
    if (same && (!padded || !args->count_include_pad)) return say_pool(call, &v, "AveragePooling", ", padding='same'");
    if (hangs) return cni_torch_refuse(call, "its averages count the cells that ceil_mode's last window hangs over");
    if (!args->count_include_pad)
        return cni_torch_refuse(call, "it cannot pad on all sides without counting the zeros");
    CN_TRY(cni_torch_say_padding(call, &v));
    return say_pool(call, &v, "AveragePooling", "");
}

#define POOL(variable, name_, fields_, spatial_, trait, view_, translate_, help_)                                      \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .args_size = sizeof(pool_args),                                \
                                                        CNI_FIELDS(fields_),                                           \
                                                        .check = check##spatial_,                                      \
                                                        .help = (help_)},                                              \
                                               .traits = (trait),                                                      \
                                               .output_shape = output_shape,                                           \
                                               .view = (view_),                                                        \
                                               .keras = cni_torch_keras},                                              \
                                     .spatial = (spatial_),                                                            \
                                     .translate = (translate_)}
#define MAX_POOL(variable, name_, spatial_)                                                                            \
    POOL(variable, name_, max_fields, spatial_, CNI_IS_MAX_POOL, view_max, translate_max,                              \
         "the largest value of each window")
#define AVG_POOL(variable, name_, fields_, spatial_)                                                                   \
    POOL(variable, name_, fields_, spatial_, CNI_IS_AVERAGE_POOL, view_average, translate_average,                     \
         "the mean of each window, the padding's zeros counted")

MAX_POOL(cni_torch_max_pool1d, "MaxPool1d", 1);
MAX_POOL(cni_torch_max_pool2d, "MaxPool2d", 2);
MAX_POOL(cni_torch_max_pool3d, "MaxPool3d", 3);
AVG_POOL(cni_torch_avg_pool1d, "AvgPool1d", average1_fields, 1);
AVG_POOL(cni_torch_avg_pool2d, "AvgPool2d", average_fields, 2);
AVG_POOL(cni_torch_avg_pool3d, "AvgPool3d", average_fields, 3);
