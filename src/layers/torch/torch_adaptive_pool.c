/* SPDX-License-Identifier: Apache-2.0
 * AdaptiveAvgPool1d to 3d, AdaptiveMaxPool1d to 3d: as many windows as are wanted, whatever the size of the input. */
#include "layers/torch/torch.h"

typedef struct adaptive_args {
    cn_layer_args head;
    cni_tuple output_size;
    bool return_indices;
} adaptive_args;
#define ARGS adaptive_args

#define OUTPUT_SIZE                                                                                                    \
    CNI_FIELD(output_size, "output_size", CNI_REQUIRED | CNI_NULLABLE | CNI_NONES, NULL, 1, 1e6,                       \
              "size of the output; None: as the input's")
static const cni_field average_fields[] = {OUTPUT_SIZE};
static const cni_field max_fields[] = {OUTPUT_SIZE, CNI_FIELD(return_indices, "return_indices", 0, "False", 0, 0,
                                                              "whether the places of the maxima come out too")};

static cn_status check(int spatial, const adaptive_args *args, cni_error *error)
{
    const cni_torch_size sizes[] = {{"output_size", &args->output_size}, {NULL, NULL}};
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

/* 0: as many as come in */
static int wanted(const adaptive_args *args, int axis)
{
    const int size = args->output_size.count ? cni_torch_at(&args->output_size, axis) : CNI_NONE_INT;
    return size == CNI_NONE_INT ? 0 : size;
}

static bool all_are(const cni_object *config, int size)
{
    for (int i = 0; i < cni_torch_spatial(config); i++)
        if (wanted(config->args, i) != size) return false;
    return true;
}

static void view(const cni_object *config, cni_view *view)
{
    *view = (cni_view){.type = all_are(config, 1)   ? CNI_VIEW_ALL
                               : all_are(config, 0) ? CNI_VIEW_POINT
                                                    : CNI_VIEW_ADAPTIVE,
                       .border = CNI_BORDER_EXCLUDED,
                       .groups = 1,
                       .format = CN_CHANNELS_FIRST};
    if (view->type != CNI_VIEW_ADAPTIVE) return;
    view->spatial = cni_torch_spatial(config);
    for (int i = 0; i < view->spatial; i++)
        view->axis[i] = (cni_view_axis){.size = wanted(config->args, i), .stride = 1, .dilation = 1};
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    CN_TRY(cni_torch_expect_map(layer, in, error));
    *out = *in;
    for (int i = 2; i < in->rank; i++)
        if (wanted(layer->config->args, i - 2)) out->dims[i] = wanted(layer->config->args, i - 2);
    return CN_OK;
}

/* Windows of one size, one behind the other: what Keras' plain pooling does. */
static cn_status say_even(cni_torch_call *call, const char *which)
{
    const cni_shape *in = call->place->in;
    const int spatial = cni_torch_spatial(call->config);
    cni_tuple size = {.count = spatial};
    for (int i = 0; i < spatial; i++) {
        const int64_t n = in && in->rank == spatial + 2 ? in->dims[i + 2] : CNI_UNKNOWN;
        const int m = wanted(call->config->args, i);
        if (n < 0 && m) return cni_torch_refuse(call, "the size of the input is not known here");
        if (m && n % m) return cni_torch_refuse(call, "%d windows over %d cells are of different sizes", m, (int)n);
        size.at[i] = m ? (int)(n / m) : 1;
    }
    return cni_torch_say(call, "%sPooling%dD(%s, data_format='channels_first')", which, spatial,
                         CNI_TORCH_SHOW(&size, spatial));
}

static cn_status translate(cni_torch_call *call, const char *which)
{
    const adaptive_args *args = call->config->args;
    if (args->return_indices) return cni_torch_refuse(call, "its layers give no indices");
    if (all_are(call->config, 0)) return cni_torch_say_nothing(call);
    if (!all_are(call->config, 1)) return say_even(call, which);
    return cni_torch_say(call, "Global%sPooling%dD(data_format='channels_first', keepdims=True)", which,
                         cni_torch_spatial(call->config));
}

static cn_status translate_average(cni_torch_call *call)
{
    return translate(call, "Average");
}

static cn_status translate_max(cni_torch_call *call)
{
    return translate(call, "Max");
}

#define ADAPTIVE(variable, name_, fields_, spatial_, trait, translate_, help_)                                         \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .args_size = sizeof(adaptive_args),                            \
                                                        CNI_FIELDS(fields_),                                           \
                                                        .check = check##spatial_,                                      \
                                                        .help = (help_)},                                              \
                                               .traits = (trait),                                                      \
                                               .output_shape = output_shape,                                           \
                                               .view = view,                                                           \
                                               .keras = cni_torch_keras},                                              \
                                     .spatial = (spatial_),                                                            \
                                     .translate = (translate_)}
#define ADAPTIVE_AVG(variable, name_, spatial_)                                                                        \
    ADAPTIVE(variable, name_, average_fields, spatial_, CNI_IS_GLOBAL_POOL, translate_average,                         \
             "means over as many windows as are wanted")
#define ADAPTIVE_MAX(variable, name_, spatial_)                                                                        \
    ADAPTIVE(variable, name_, max_fields, spatial_, CNI_IS_GLOBAL_POOL, translate_max,                                 \
             "maxima of as many windows as are wanted")

ADAPTIVE_AVG(cni_torch_adaptive_avg_pool1d, "AdaptiveAvgPool1d", 1);
ADAPTIVE_AVG(cni_torch_adaptive_avg_pool2d, "AdaptiveAvgPool2d", 2);
ADAPTIVE_AVG(cni_torch_adaptive_avg_pool3d, "AdaptiveAvgPool3d", 3);
ADAPTIVE_MAX(cni_torch_adaptive_max_pool1d, "AdaptiveMaxPool1d", 1);
ADAPTIVE_MAX(cni_torch_adaptive_max_pool2d, "AdaptiveMaxPool2d", 2);
ADAPTIVE_MAX(cni_torch_adaptive_max_pool3d, "AdaptiveMaxPool3d", 3);
