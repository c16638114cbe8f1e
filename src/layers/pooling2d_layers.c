/* SPDX-License-Identifier: Apache-2.0
 * MaxPooling2D and AveragePooling2D (keras-semantics 2.6). */
#include "layers/layers.h"

#include "graph/ops/pooling.h"

#define ARGS cn_pooling2d_args
#define ROWS_AFTER_SIZE                                                                                                \
    CNI_FIELD(strides, "strides", CNI_NULLABLE, "None", 1, 1e6,                                                        \
              "step from window to window, in pixels; pool_size if absent"),                                           \
        CNI_FIELD(padding, "padding", 0, "'valid'", 0, 0,                                                              \
                  "'valid': windows inside the image; 'same': windows may stand out"),                                 \
        CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,                                                         \
                  "'channels_last' (n, h, w, c) or 'channels_first' (n, c, h, w)"),                                    \
        CNI_LAYER_FIELDS, CNI_ACTIVITY
static const char size_help[] = "rows and columns of the window; one number for both";
static const cni_field max_fields[] = {CNI_FIELD(pool_size, "pool_size", 0, "2", 1, 1e5, size_help), ROWS_AFTER_SIZE};
static const cni_field average_fields[] = {CNI_FIELD(pool_size, "pool_size", CNI_REQUIRED, NULL, 1, 1e5, size_help),
                                           ROWS_AFTER_SIZE};

static cn_status check(void *given, cni_error *error)
{
    cn_pooling2d_args *args = given;
    if (args->padding.mode == CN_PADDING_SIDES)
        return cni_fail(error, CN_ERR_INVALID,
                        "padding=((%d, %d), (%d, %d)); pooling takes 'valid' or 'same': put a ZeroPadding2D before it",
                        args->padding.top, args->padding.bottom, args->padding.left, args->padding.right);
    for (int i = 0; i < 2; i++)
        if (!args->strides[i]) args->strides[i] = args->pool_size[i];
    return CN_OK;
}

static cni_windowed windows(const cn_pooling2d_args *args)
{
    return (cni_windowed){"pool_size", args->pool_size, args->strides, NULL, args->padding.mode, args->data_format};
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cn_pooling2d_args *args = layer->config->args;
    const cni_windowed windowed = windows(args);
    return cni_windowed_shape(&windowed, in, in->dims[cni_image_axes_of(args->data_format).channels], out, error);
}

static void view(const cni_object *config, cni_view *view)
{
    const cn_pooling2d_args *args = config->args;
    const cni_windowed windowed = windows(args);
    cni_view_windows(view, &windowed, &args->padding);
    view->border = CNI_BORDER_EXCLUDED;
}

typedef cni_tensor *pool(cni_graph *graph, cni_tensor *x, const cni_pool2d_attributes *attributes);

static cni_tensor *lower_with(pool *append, cni_lowering *lowering, const cn_layer *layer, cni_tensor *in)
{
    const cn_pooling2d_args *args = layer->config->args;
    const int *k = args->pool_size, *s = args->strides;
    cni_tensor *x = cni_lower_to_nhwc(lowering, args->data_format, in);
    const cni_window rows = cni_window_of(x->shape.dims[1], k[0], s[0], 1, args->padding.mode);
    const cni_window columns = cni_window_of(x->shape.dims[2], k[1], s[1], 1, args->padding.mode);
    const cni_pool2d_attributes attributes = {.window = {k[0], k[1]},
                                              .strides = {s[0], s[1]},
                                              .top = rows.before,
                                              .bottom = rows.after,
                                              .left = columns.before,
                                              .right = columns.after};
    return cni_lower_from_nhwc(lowering, args->data_format, append(lowering->graph, x, &attributes));
}

static cni_tensor *lower_max(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    return lower_with(cni_max_pool2d, lowering, layer, in[0]);
}

static cni_tensor *lower_average(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    return lower_with(cni_average_pool2d, lowering, layer, in[0]);
}

#define ORDER "name trainable dtype pool_size padding strides data_format"
static const char *const max_aliases[] = {"MaxPool2D", NULL}, *const average_aliases[] = {"AvgPool2D", NULL};

const cni_layer_kind cni_max_pooling2d_layer = {
    .kind = {.name = "MaxPooling2D",
             .aliases = max_aliases,
             .module = "keras.layers",
             .args_size = sizeof(cn_pooling2d_args),
             CNI_FIELDS(max_fields),
             .order = ORDER,
             .check = check,
             .help = "the largest value of each window: makes images smaller and keeps what stands out",
             .keras = "MaxPooling2D(2)",
             .example = "cn_add(model, cn_max_pooling2d({2, 2}));",
             .formula = "valid: h' = floor((h - pool_size) / strides) + 1;  same: h' = ceil(h / strides)"},
    .min_rank = 4,
    .max_rank = 4,
    .traits = CNI_IS_MAX_POOL | CNI_NAME_HAS_PLACE,
    .output_shape = output_shape,
    .view = view,
    .lower = lower_max,
};

const cni_layer_kind cni_average_pooling2d_layer = {
    .kind = {.name = "AveragePooling2D",
             .aliases = average_aliases,
             .module = "keras.layers",
             .args_size = sizeof(cn_pooling2d_args),
             CNI_FIELDS(average_fields),
             .order = ORDER,
             .check = check,
             .help = "the mean of each window; with 'same', of the cells inside the image",
             .keras = "AveragePooling2D(2)",
             .example = "cn_add(model, cn_average_pooling2d({2, 2}));",
             .formula = "valid: h' = floor((h - pool_size) / strides) + 1;  same: h' = ceil(h / strides)"},
    .min_rank = 4,
    .max_rank = 4,
    .traits = CNI_IS_AVERAGE_POOL | CNI_NAME_HAS_PLACE,
    .output_shape = output_shape,
    .view = view,
    .lower = lower_average,
};
