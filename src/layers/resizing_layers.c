/* SPDX-License-Identifier: Apache-2.0
 * Layers that change the size of maps: up-sampling, resizing, padding and cropping of sequences and volumes, crops to a
 * given size.  Described, not run. */
#include "layers/layers.h"
#include "layers/spatial_layers.h"

#include <inttypes.h>
#include <string.h>

#define ARGS cni_spatial_args

/* ---- UpSampling ---- */

static const char *const interpolations[] = {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", NULL};
#define SIZE(axes, flags)                                                                                              \
    CNI_AXES(size, "size", axes, flags, "2", 1, 1e6, "how many times longer each axis becomes; one number for all")
#define INTERPOLATION(default_)                                                                                        \
    {                                                                                                                  \
        .key = "interpolation", .offset = offsetof(ARGS, interpolation), .member = "interpolation",                    \
        .type = CNI_FIELD_TEXT, .flags = CNI_ANY_CASE, .otherwise = (default_), .choices = interpolations,             \
        .help = "what stands between the cells: copies, straight lines, curves"                                        \
    }
static const cni_field up1_fields[] = {SIZE(1, CNI_SHOWN_SINGLE), CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field up2_fields[] = {SIZE(2, 0), CNI_SPATIAL_FORMAT, INTERPOLATION("'nearest'"), CNI_LAYER_FIELDS,
                                       CNI_ACTIVITY};
static const cni_field up3_fields[] = {SIZE(3, 0), CNI_SPATIAL_FORMAT, CNI_LAYER_FIELDS, CNI_ACTIVITY};

static cn_status up_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count, (void)error;
    const cni_spatial_args *args = layer->config->args;
    *out = *in;
    for (int i = 0; i < cni_spatial_axes(layer->config); i++) {
        int64_t *n = &out->dims[cni_first_axis(args->data_format) + i];
        if (*n > 0) *n *= args->size[i];
    }
    return CN_OK;
}

/* What curves see is not told: their weights reach over four to ten cells. */
static cni_view_type type_of(const char *interpolation)
{
    if (!interpolation || strcmp(interpolation, "nearest") == 0) return CNI_VIEW_NEAREST;
    return strcmp(interpolation, "bilinear") == 0 ? CNI_VIEW_BILINEAR : CNI_VIEW_UNKNOWN;
}

static void view_up(const cni_object *config, cni_view *view)
{
    const cni_spatial_args *args = config->args;
    view->format = args->data_format;
    view->type = type_of(args->interpolation);
    if (view->type == CNI_VIEW_UNKNOWN) return;
    view->spatial = cni_spatial_axes(config);
    for (int i = 0; i < view->spatial; i++) view->axis[i].stride = args->size[i];
}

#define UP(axes, example_)                                                                                             \
    {                                                                                                                  \
        .kind = {.name = "UpSampling" #axes "D",                                                                       \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(cni_spatial_args),                                                                \
                 CNI_FIELDS(up##axes##_fields),                                                                        \
                 .help = "makes maps larger by repeating cells, or by what lies between them",                         \
                 .keras = example_,                                                                                    \
                 .formula = "n' = n * size;  nearest: out[y] = in[floor(y / size)]"},                                  \
        .min_rank = axes + 2, .max_rank = axes + 2, .lazily_built = true, .output_shape = up_shape, .view = view_up    \
    }
const cni_layer_kind cni_up_sampling1d_layer = UP(1, "UpSampling1D(2)");
const cni_layer_kind cni_up_sampling2d_layer = UP(2, "UpSampling2D(2, interpolation='bilinear')");
const cni_layer_kind cni_up_sampling3d_layer = UP(3, "UpSampling3D(2)");

/* ---- ZeroPadding and Cropping ---- */

#define BORDERS(key_, axes, default_, help_) CNI_AXES(borders, key_, axes, 0, default_, 0, 0, help_)
static const char padding_help[] = "zeros before and behind along each axis", cropping_help[] = "what is cut off";
static const cni_field padding1_fields[] = {BORDERS("padding", 1, "1", padding_help), CNI_SPATIAL_FORMAT,
                                            CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field padding3_fields[] = {BORDERS("padding", 3, "1", padding_help), CNI_SPATIAL_FORMAT,
                                            CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field cropping1_fields[] = {BORDERS("cropping", 1, "1", cropping_help), CNI_LAYER_FIELDS,
                                             CNI_ACTIVITY};
static const cni_field cropping3_fields[] = {BORDERS("cropping", 3, "1", cropping_help), CNI_SPATIAL_FORMAT,
                                             CNI_LAYER_FIELDS, CNI_ACTIVITY};

/* 1: pads, -1: crops */
static int sign_of(const cni_object *config)
{
    return ((const cni_layer_kind *)config->kind)->traits & CNI_IS_CROPPING ? -1 : 1;
}

static cn_status border_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cni_spatial_args *args = layer->config->args;
    *out = *in;
    for (int i = 0; i < cni_spatial_axes(layer->config); i++) {
        const int axis = cni_first_axis(args->data_format) + i;
        const int64_t both = (int64_t)args->borders[i][0] + args->borders[i][1];
        if (in->dims[axis] >= 0) out->dims[axis] += sign_of(layer->config) * both;
        if (in->dims[axis] >= 0 && out->dims[axis] <= 0)
            return cni_fail(error, CN_ERR_SHAPE,
                            "cropping (%d, %d) leaves nothing of the %" PRId64
                            " cells of axis %d of the input, shape %s",
                            args->borders[i][0], args->borders[i][1], in->dims[axis], axis, CNI_SHOW_SHAPE(in));
    }
    return CN_OK;
}

static void view_borders(const cni_object *config, cni_view *view)
{
    const cni_spatial_args *args = config->args;
    view->type = CNI_VIEW_SHIFT;
    view->spatial = cni_spatial_axes(config);
    view->format = args->data_format;
    for (int i = 0; i < view->spatial; i++) {
        view->axis[i].before = sign_of(config) * args->borders[i][0];
        view->axis[i].after = sign_of(config) * args->borders[i][1];
    }
}

#define BORDER(axes, name_, rows, trait, help_)                                                                        \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(cni_spatial_args),                                                                \
                 CNI_FIELDS(rows),                                                                                     \
                 .help = help_,                                                                                        \
                 .keras = name_ "(2)"},                                                                                \
        .min_rank = axes + 2, .max_rank = axes + 2, .lazily_built = true, .traits = trait,                             \
        .output_shape = border_shape, .view = view_borders                                                             \
    }
const cni_layer_kind cni_zero_padding1d_layer =
    BORDER(1, "ZeroPadding1D", padding1_fields, CNI_IS_PADDING, "zeros before and behind a sequence");
const cni_layer_kind cni_zero_padding3d_layer =
    BORDER(3, "ZeroPadding3D", padding3_fields, CNI_IS_PADDING, "zeros around a volume");
const cni_layer_kind cni_cropping1d_layer =
    BORDER(1, "Cropping1D", cropping1_fields, CNI_IS_CROPPING, "cuts the ends off a sequence");
const cni_layer_kind cni_cropping3d_layer =
    BORDER(3, "Cropping3D", cropping3_fields, CNI_IS_CROPPING, "cuts the borders off a volume");
#undef ARGS

/* ---- to a given size ---- */

typedef struct resize_args {
    cn_layer_args head;
    int height, width, seed;
    const char *interpolation, *fill_mode;
    bool crop_to_aspect_ratio, pad_to_aspect_ratio, antialias;
    double fill_value;
    cn_data_format data_format;
    const char *name;
    bool frozen;
} resize_args;

#define ARGS   resize_args
#define HEIGHT CNI_FIELD(height, "height", CNI_REQUIRED, NULL, 1, 1e6, "rows of the output")
#define WIDTH  CNI_FIELD(width, "width", CNI_REQUIRED, NULL, 1, 1e6, "columns of the output")
#define FORMAT                                                                                                         \
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,                                                             \
              "'channels_last' (n, h, w, c) or 'channels_first' (n, c, h, w)")
static const cni_field resizing_fields[] = {
    HEIGHT,
    WIDTH,
    INTERPOLATION("'bilinear'"),
    CNI_FIELD(crop_to_aspect_ratio, "crop_to_aspect_ratio", 0, "False", 0, 0, "cut what would distort the image"),
    CNI_FIELD(pad_to_aspect_ratio, "pad_to_aspect_ratio", 0, "False", 0, 0, "pad where the image would be distorted"),
    CNI_FIELD(fill_mode, "fill_mode", 0, "'constant'", 0, 0, "what the padding holds"),
    CNI_FIELD(fill_value, "fill_value", 0, "0.0", 0, 0, "its value"),
    CNI_FIELD(antialias, "antialias", 0, "False", 0, 0, "smooth while making smaller"),
    FORMAT,
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};
static const cni_field center_crop_fields[] = {HEIGHT, WIDTH, FORMAT, CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field random_crop_fields[] = {
    HEIGHT,
    WIDTH,
    CNI_FIELD(seed, "seed", CNI_NULLABLE, "None", 0, 2147483647, "fixes what is cut out; drawn when absent"),
    FORMAT,
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status sized_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count, (void)error;
    const resize_args *args = layer->config->args;
    const cni_image_axes axes = cni_image_axes_of(args->data_format);
    *out = *in;
    out->dims[axes.rows] = args->height;
    out->dims[axes.columns] = args->width;
    return CN_OK;
}

/* To a given size: stride 0. */
static void view_sized(const cni_object *config, cni_view *view, cni_view_type type)
{
    const resize_args *args = config->args;
    view->format = args->data_format;
    view->type = type;
    if (type == CNI_VIEW_UNKNOWN) return;
    view->spatial = 2;
    for (int i = 0; i < 2; i++)
        view->axis[i] = (cni_view_axis){.size = i == 0 ? args->height : args->width, .stride = 0, .dilation = 1};
}

static void view_resizing(const cni_object *config, cni_view *view)
{
    const resize_args *args = config->args;
    const bool plain = !args->crop_to_aspect_ratio && !args->pad_to_aspect_ratio && !args->antialias;
    view_sized(config, view, plain ? type_of(args->interpolation) : CNI_VIEW_UNKNOWN);
}

/* Cuts out the middle where the image is large enough; else it is resized. */
static void view_crop(const cni_object *config, cni_view *view)
{
    view_sized(config, view, CNI_VIEW_SHIFT);
}

#define SIZED(name_, rows, order_, traits_, view_, help_, keras_)                                                      \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(resize_args),                                                                     \
                 CNI_FIELDS(rows),                                                                                     \
                 .order = order_,                                                                                      \
                 .help = help_,                                                                                        \
                 .keras = keras_,                                                                                      \
                 .formula = "in [n, h, w, c] -> out [n, height, width, c]"},                                           \
        .min_rank = 4, .max_rank = 4, .lazily_built = true, .traits = traits_, .output_shape = sized_shape,            \
        .view = view_                                                                                                  \
    }
const cni_layer_kind cni_resizing_layer =
    SIZED("Resizing", resizing_fields,
          "name trainable dtype data_format height width interpolation crop_to_aspect_ratio pad_to_aspect_ratio "
          "fill_mode fill_value antialias",
          0, view_resizing, "brings images to a given size", "Resizing(64, 64)");
const cni_layer_kind cni_center_crop_layer =
    SIZED("CenterCrop", center_crop_fields, "name trainable dtype data_format height width", CNI_IS_CROPPING, view_crop,
          "cuts out the middle of images; smaller ones are resized", "CenterCrop(64, 64)");
const cni_layer_kind cni_random_crop_layer =
    SIZED("RandomCrop", random_crop_fields, "name trainable dtype data_format height width seed",
          CNI_IS_CROPPING | CNI_NAME_HAS_PLACE, view_crop,
          "in training cuts out a random place of images, otherwise the middle", "RandomCrop(64, 64)");
