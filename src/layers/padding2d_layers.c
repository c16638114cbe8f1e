/* SPDX-License-Identifier: Apache-2.0
 * ZeroPadding2D and Cropping2D: rows and columns put around an image or cut off it (keras-semantics 2.9). */
#include "layers/layers.h"

#include "graph/ops/pad.h"

#include <inttypes.h>

static const char format_help[] = "'channels_last' (n, h, w, c) or 'channels_first' (n, c, h, w)";

/* Sizes of rows and columns grow by sign * (before + after). */
static void grow(cni_shape *shape, cn_data_format format, const int sides[2][2], int sign)
{
    const cni_image_axes axes = cni_image_axes_of(format);
    const int at[2] = {axes.rows, axes.columns};
    for (int i = 0; i < 2; i++)
        if (shape->dims[at[i]] >= 0) shape->dims[at[i]] += sign * ((int64_t)sides[i][0] + sides[i][1]);
}

static void shift(cni_view *view, cn_data_format format, const int sides[2][2], int sign)
{
    view->type = CNI_VIEW_SHIFT;
    view->spatial = 2;
    view->format = format;
    for (int i = 0; i < 2; i++) {
        view->axis[i].before = sign * sides[i][0];
        view->axis[i].after = sign * sides[i][1];
    }
}

static cni_tensor *pad(cni_lowering *lowering, cn_data_format format, const int sides[2][2], int sign, cni_tensor *x)
{
    const cni_image_axes axes = cni_image_axes_of(format);
    const int at[2] = {axes.rows, axes.columns};
    int64_t before[CNI_MAX_RANK] = {0}, after[CNI_MAX_RANK] = {0};
    for (int i = 0; i < 2; i++) {
        before[at[i]] = sign * sides[i][0];
        after[at[i]] = sign * sides[i][1];
    }
    return cni_pad(lowering->graph, x, before, after);
}

/* ---- ZeroPadding2D ---- */

#define ARGS cn_zero_padding2d_args
static const cni_field padding_fields[] = {
    CNI_FIELD(padding, "padding", 0, "1", 0, 0,
              "zeros around the image: p, (rows, columns) or ((top, bottom), (left, right))"),
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0, format_help),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status padded_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count, (void)error;
    const cn_zero_padding2d_args *args = layer->config->args;
    *out = *in;
    grow(out, args->data_format, args->padding, 1);
    return CN_OK;
}

static void view_padding(const cni_object *config, cni_view *view)
{
    const cn_zero_padding2d_args *args = config->args;
    shift(view, args->data_format, args->padding, 1);
}

static cni_tensor *lower_padding(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_zero_padding2d_args *args = layer->config->args;
    return pad(lowering, args->data_format, args->padding, 1, in[0]);
}

const cni_layer_kind cni_zero_padding2d_layer = {
    .kind = {.name = "ZeroPadding2D",
             .module = "keras.layers",
             .args_size = sizeof(cn_zero_padding2d_args),
             CNI_FIELDS(padding_fields),
             .help = "rows and columns of zeros around the image",
             .keras = "ZeroPadding2D(((1, 1), (2, 2)))",
             .example = "cn_add(model, cn_zero_padding2d({{1, 1}, {2, 2}}));",
             .formula = "in [n, h, w, c] -> out [n, top + h + bottom, left + w + right, c]"},
    .min_rank = 4,
    .max_rank = 4,
    .lazily_built = true,
    .traits = CNI_IS_PADDING,
    .output_shape = padded_shape,
    .view = view_padding,
    .lower = lower_padding,
};
#undef ARGS

/* ---- Cropping2D ---- */

#define ARGS cn_cropping2d_args
static const cni_field cropping_fields[] = {
    CNI_FIELD(cropping, "cropping", 0, "0", 0, 0,
              "what is cut off: p, (rows, columns) or ((top, bottom), (left, right))"),
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0, format_help),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status cropped_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cn_cropping2d_args *args = layer->config->args;
    const int(*cut)[2] = args->cropping;
    const cni_image_axes axes = cni_image_axes_of(args->data_format);
    const int64_t h = in->dims[axes.rows], w = in->dims[axes.columns];
    *out = *in;
    grow(out, args->data_format, cut, -1);
    if ((h < 0 || out->dims[axes.rows] > 0) && (w < 0 || out->dims[axes.columns] > 0)) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE,
                    "cropping=((%d, %d), (%d, %d)) leaves nothing of the input's %" PRId64 " rows and %" PRId64
                    " columns (shape %s); cut off less",
                    cut[0][0], cut[0][1], cut[1][0], cut[1][1], h, w, CNI_SHOW_SHAPE(in));
}

static void view_cropping(const cni_object *config, cni_view *view)
{
    const cn_cropping2d_args *args = config->args;
    shift(view, args->data_format, args->cropping, -1);
}

static cni_tensor *lower_cropping(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_cropping2d_args *args = layer->config->args;
    return pad(lowering, args->data_format, args->cropping, -1, in[0]);
}

const cni_layer_kind cni_cropping2d_layer = {
    .kind = {.name = "Cropping2D",
             .module = "keras.layers",
             .args_size = sizeof(cn_cropping2d_args),
             CNI_FIELDS(cropping_fields),
             .help = "cuts rows and columns off the image",
             .keras = "Cropping2D(((2, 2), (2, 2)))",
             .example = "cn_add(model, cn_cropping2d({{2, 2}, {2, 2}}));",
             .formula = "in [n, h, w, c] -> out [n, h - top - bottom, w - left - right, c]"},
    .min_rank = 4,
    .max_rank = 4,
    .lazily_built = true,
    .traits = CNI_IS_CROPPING,
    .output_shape = cropped_shape,
    .view = view_cropping,
    .lower = lower_cropping,
};
