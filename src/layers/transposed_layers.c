/* SPDX-License-Identifier: Apache-2.0
 * Conv1DTranspose and Conv2DTranspose: windows that write instead of read, which is what a convolution sends back to
 * its image (keras-semantics 2.4); Conv3DTranspose is described, not run. */
#include "layers/layers.h"
#include "layers/spatial_layers.h"

#include "graph/ops/conv2d.h"
#include "graph/ops/reshape.h"

#include <inttypes.h>

/* ---- arguments ---- */

static const char size_help[] = "cells that each input cell is spread over; one number for all axes";
static const char strides_help[] = "how far apart input cells lie in the output: 2 doubles";
static const char padding_help[] = "'valid': all that is written; 'same': cut to size * strides";
static const char more_help[] = "cells added behind, below strides; None: as padding says";
static const char dilation_help[] = "distance between the cells that are written";
#define FILTERS CNI_FIELD(filters, "filters", CNI_REQUIRED, NULL, 1, 1e9, "number of output channels")
#define NO_BIAS CNI_FIELD(no_bias, "use_bias", CNI_NEGATED, "True", 0, 0, "whether a number per filter is added")
#define OBJECTS(OBJECT)                                                                                                \
    OBJECT(kernel_initializer, initializers, 0, "glorot_uniform", "what the kernel starts from"),                      \
        OBJECT(bias_initializer, initializers, 0, "zeros", "what the bias starts from"),                               \
        OBJECT(kernel_regularizer, regularizers, 0, "None", "penalty on the kernel, added to the loss"),               \
        OBJECT(bias_regularizer, regularizers, 0, "None", "penalty on the bias"),                                      \
        OBJECT(activity_regularizer, regularizers, CNI_EARLY, "None",                                                  \
               "penalty on the output, divided by the batch size"),                                                    \
        OBJECT(kernel_constraint, constraints, 0, "None", "what the kernel is held to after each update"),             \
        OBJECT(bias_constraint, constraints, 0, "None", "what the bias is held to after each update"),                 \
        CNI_LAYER_FIELDS, CNI_ONLY("groups", "1", CNI_READ_ONLY) /* in files of Keras 2 */
#define OF_MEMBER(m, family, flags, default_, help) CNI_OBJECT(m, #m, &cni_##family, flags, default_, help)
#define OF_TEXT(m, family, flags, default_, help)   CNI_NESTED(#m, &cni_##family, flags, default_, help)

#define ARGS                                        cni_spatial_args
#define FILTERS_TO_PADDING(axes)                                                                                       \
    FILTERS, CNI_AXES(size, "kernel_size", axes, CNI_REQUIRED, NULL, 1, 1e5, size_help),                               \
        CNI_AXES(strides, "strides", axes, 0, "1", 1, 1e6, strides_help),                                              \
    {                                                                                                                  \
        .key = "padding", .offset = offsetof(ARGS, padding), .member = "padding", .type = CNI_FIELD_TEXT,              \
        .flags = CNI_ANY_CASE, .otherwise = "'valid'", .choices = cni_padding_choices, .help = padding_help            \
    }
#define OUTPUT_PADDING(axes)                                                                                           \
    CNI_AXES(output_padding, "output_padding", axes, CNI_NULLABLE | CNI_ZEROS, "None", 0, 1e6, more_help)
#define DILATION_TO_END(axes)                                                                                          \
    CNI_AXES(dilation_rate, "dilation_rate", axes, 0, "1", 1, 1e5, dilation_help),                                     \
        CNI_NESTED("activation", &cni_activations, 0, "linear", "what the sums pass through"), NO_BIAS,                \
        OBJECTS(OF_TEXT)
static const cni_field fields1[] = {FILTERS_TO_PADDING(1), OUTPUT_PADDING(1), CNI_SPATIAL_FORMAT, DILATION_TO_END(1)};
static const cni_field fields3[] = {FILTERS_TO_PADDING(3), CNI_SPATIAL_FORMAT, OUTPUT_PADDING(3), DILATION_TO_END(3)};
#undef ARGS
#define ARGS cn_conv2d_transpose_args
static const cni_field fields2[] = {
    FILTERS,
    CNI_FIELD(kernel_size, "kernel_size", CNI_REQUIRED, NULL, 1, 1e5, size_help),
    CNI_FIELD(strides, "strides", 0, "1", 1, 1e6, strides_help),
    CNI_FIELD(padding, "padding", 0, "'valid'", 0, 0, padding_help),
    CNI_FIELD(output_padding, "output_padding", CNI_NULLABLE | CNI_ZEROS, "None", 0, 1e6, more_help),
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,
              "'channels_last' (n, h, w, c) or 'channels_first' (n, c, h, w)"),
    CNI_FIELD(dilation_rate, "dilation_rate", 0, "1", 1, 1e5, dilation_help),
    CNI_OBJECT(activation, "activation", &cni_activations, 0, "linear", "what the sums pass through"),
    NO_BIAS,
    OBJECTS(OF_MEMBER)};

static cn_status check_axes(const int *strides, const int *output_padding, int axes, cni_error *error)
{
    for (int i = 0; i < axes; i++)
        if (strides[i] && output_padding[i] >= strides[i])
            return cni_fail(error, CN_ERR_INVALID, "output_padding=%d with strides=%d; it must be below strides",
                            output_padding[i], strides[i]);
    return CN_OK;
}

static cn_status check(void *given, cni_error *error)
{
    const cni_spatial_args *args = given;
    CN_TRY(check_axes(args->strides, args->output_padding, 3, error));
    return cni_spatial_check(args, 3, error);
}

static cn_status check_image(void *given, cni_error *error)
{
    const cn_conv2d_transpose_args *args = given;
    const cn_padding *p = &args->padding;
    const cni_spatial_args both = {.strides = {args->strides[0], args->strides[1]},
                                   .dilation_rate = {args->dilation_rate[0], args->dilation_rate[1]}};
    if (p->mode == CN_PADDING_SIDES)
        return cni_fail(error, CN_ERR_INVALID,
                        "padding=((%d, %d), (%d, %d)); a transposed convolution takes 'valid' or 'same': put a "
                        "Cropping2D behind it",
                        p->top, p->bottom, p->left, p->right);
    CN_TRY(check_axes(args->strides, args->output_padding, 2, error));
    return cni_spatial_check(&both, 2, error);
}

/* ---- geometry ---- */

static void set_output_padding(cni_view_axis *axis, int output_padding)
{
    axis->extends = output_padding != CNI_NONE_INT;
    if (axis->extends) axis->output_padding = output_padding;
}

static void view(const cni_object *config, cni_view *view)
{
    const cni_spatial_args *args = config->args;
    cni_view_spatial(config, view);
    view->type = CNI_VIEW_TRANSPOSED;
    view->multiplies = CNI_MULTIPLIES_AT_INPUTS;
    for (int i = 0; i < view->spatial; i++) set_output_padding(&view->axis[i], args->output_padding[i]);
}

static void view_image(const cni_object *config, cni_view *view)
{
    const cn_conv2d_transpose_args *args = config->args;
    cni_view_windows(view,
                     &(cni_windowed){"kernel_size", args->kernel_size, args->strides, args->dilation_rate,
                                     args->padding.mode, args->data_format},
                     &args->padding);
    view->type = CNI_VIEW_TRANSPOSED;
    view->multiplies = CNI_MULTIPLIES_AT_INPUTS;
    for (int i = 0; i < view->spatial; i++) set_output_padding(&view->axis[i], args->output_padding[i]);
}

/* What all of them know, however their arguments lie. */
typedef struct known {
    cni_view view; /* of a layer: groups are 1 */
    int filters;
    bool no_bias;
} known;

static known known_of(const cn_layer *layer)
{
    known k = {.filters = *(const int *)cni_object_member(layer->config, "filters"),
               .no_bias = *(const bool *)cni_object_member(layer->config, "use_bias")};
    layer->kind->view(layer->config, &k.view);
    return k;
}

/* Cells from the first that a window writes to its last. */
static int64_t extent_of(const cni_view_axis *a)
{
    return (a->size - 1) * a->dilation + 1;
}

/* Length along an axis (keras.src.backend.common.backend_utils._get_output_shape_given_tf_padding). */
static int64_t length(const cni_view_axis *a, int64_t n)
{
    const int64_t s = a->stride, extent = extent_of(a);
    if (n < 0) return CNI_UNKNOWN;
    if (a->rule == CNI_PAD_SAME) return a->extends ? (n - 1) * s + extent % 2 + a->output_padding : n * s;
    return (n - 1) * s + extent + (a->extends ? a->output_padding : extent < s ? s - extent : 0);
}

/* Cells that the first window writes before the output's first. */
static int cut_before(const cni_view_axis *a)
{
    const int64_t beyond = extent_of(a) - (a->extends ? extent_of(a) % 2 + a->output_padding : a->stride);
    return a->rule == CNI_PAD_SAME && beyond > 0 ? (int)(beyond / 2) : 0;
}

static cn_status check_length(const cni_view_axis *a, int axis, const cni_shape *in, int64_t length, cni_error *error)
{
    if (in->dims[axis] >= 0 && length <= 0)
        return cni_fail(error, CN_ERR_SHAPE, "axis %d of the input, shape %s, becomes %" PRId64 " cells long", axis,
                        CNI_SHOW_SHAPE(in), length);
    if (length > INT32_MAX || extent_of(a) > INT32_MAX)
        return cni_fail(error, CN_ERR_LIMIT,
                        "kernel_size=%" PRId64 ", strides=%" PRId64 " and dilation_rate=%" PRId64
                        " make axis %d of the input, shape %s, too long",
                        a->size, a->stride, a->dilation, axis, CNI_SHOW_SHAPE(in));
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const known k = known_of(layer);
    const int first = cni_first_axis(k.view.format), channels = cni_channel_axis(k.view.format, k.view.spatial);
    CN_TRY(cni_same_channels(layer, in, channels, error));
    *out = *in;
    for (int i = 0; i < k.view.spatial; i++) {
        out->dims[first + i] = length(&k.view.axis[i], in->dims[first + i]);
        CN_TRY(check_length(&k.view.axis[i], first + i, in, out->dims[first + i], error));
    }
    out->dims[channels] = k.filters;
    return cni_activation_shape(cni_object_of(layer->config, "activation"), out, error);
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const known k = known_of(layer);
    const int axes = k.view.spatial;
    int64_t channels;
    CN_TRY(cni_known_channels(in, cni_channel_axis(k.view.format, axes), &channels, error));
    cni_shape kernel = {.rank = axes + 2};
    for (int i = 0; i < axes; i++) kernel.dims[i] = k.view.axis[i].size;
    kernel.dims[axes] = k.filters;
    kernel.dims[axes + 1] = channels;
    CN_TRY(cni_layer_add_weight(layer, "kernel", "kernel", &kernel, true, error));
    return k.no_bias ? CN_OK : cni_layer_add_weight(layer, "bias", "bias", &CNI_SHAPE(k.filters), true, error);
}

/* ---- ops: a sequence is an image of one row ---- */

static cni_tensor *with_row(cni_graph *graph, cn_data_format format, cni_tensor *x)
{
    const int64_t *n = x->shape.dims;
    return cni_reshape(graph, x,
                       format == CN_CHANNELS_FIRST ? CNI_SHAPE(n[0], n[1], 1, n[2]) : CNI_SHAPE(n[0], 1, n[1], n[2]));
}

static cni_tensor *without_row(cni_graph *graph, cn_data_format format, cni_tensor *y)
{
    const int64_t *n = y->shape.dims;
    return cni_reshape(graph, y, CNI_SHAPE(n[0], n[format == CN_CHANNELS_FIRST ? 1 : 2], n[3]));
}

static cni_tensor *lower_image(cni_lowering *lowering, cn_layer *layer, cni_tensor *image, cni_tensor *kernel)
{
    static const cni_view_axis one_row = {.size = 1, .stride = 1, .dilation = 1};
    const known k = known_of(layer);
    const cni_view_axis *rows = k.view.spatial == 1 ? &one_row : k.view.axis;
    const cni_view_axis *columns = &k.view.axis[k.view.spatial - 1];
    cni_tensor *x = cni_lower_to_nhwc(lowering, k.view.format, image);
    cni_tensor *bias = k.no_bias ? NULL : cni_lower_weight(lowering, layer, 1);
    const cni_conv2d_attributes a = {.strides = {(int)rows->stride, (int)columns->stride},
                                     .dilation = {(int)rows->dilation, (int)columns->dilation},
                                     .top = cut_before(rows),
                                     .left = cut_before(columns),
                                     .groups = 1};
    cni_tensor *y = cni_conv2d_transpose(lowering->graph, x, kernel, bias, (int)length(rows, x->shape.dims[1]),
                                         (int)length(columns, x->shape.dims[2]), &a);
    return cni_lower_finish(lowering, k.view.format, cni_object_of(layer->config, "activation"), y);
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    return lower_image(lowering, layer, in[0], cni_lower_weight(lowering, layer, 0));
}

static cni_tensor *lower_line(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_data_format format = ((const cni_spatial_args *)layer->config->args)->data_format;
    cni_tensor *kernel = cni_lower_weight(lowering, layer, 0);
    const int64_t *w = kernel->shape.dims;
    kernel = cni_reshape(lowering->graph, kernel, CNI_SHAPE(1, w[0], w[1], w[2]));
    cni_tensor *y = lower_image(lowering, layer, with_row(lowering->graph, format, in[0]), kernel);
    return without_row(lowering->graph, format, y);
}

/* ---- the kinds ---- */

#define ORDER3                                                                                                         \
    "name trainable dtype filters kernel_size strides padding output_padding data_format dilation_rate activation "    \
    "use_bias kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer "           \
    "kernel_constraint bias_constraint"
#define KIND(axes, arguments, rows, order_, check_, example_, view_, lower_)                                           \
    {                                                                                                                  \
        .kind = {.name = "Conv" #axes "DTranspose",                                                                    \
                 .aliases = (const char *const[]){"Convolution" #axes "DTranspose", NULL},                             \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(arguments),                                                                       \
                 CNI_FIELDS(rows),                                                                                     \
                 .order = order_,                                                                                      \
                 .check = check_,                                                                                      \
                 .help = "transposed convolution: each cell is spread over a window; makes maps larger",               \
                 .keras = "Conv" #axes "DTranspose(16, 2, strides=2)",                                                 \
                 .example = example_,                                                                                  \
                 .formula = "valid: n' = (n - 1) * strides + max(k, strides);  same: n' = n * strides;  "              \
                            "output_padding a: (n - 1) * strides + k + a, same: (n - 1) * strides + k % 2 + a"},       \
        .min_rank = axes + 2, .max_rank = axes + 2, .lazily_built = true, .traits = CNI_IS_CONVOLUTION,                \
        .output_shape = output_shape, .build = build, .view = view_, .lower = lower_                                   \
    }
const cni_layer_kind cni_conv1d_transpose_layer =
    KIND(1, cni_spatial_args, fields1, NULL, check, NULL, view, lower_line);
const cni_layer_kind cni_conv2d_transpose_layer =
    KIND(2, cn_conv2d_transpose_args, fields2, NULL, check_image,
         "cn_add(model, cn_conv2d_transpose(16, {2}, .strides = {2}));", view_image, lower);
const cni_layer_kind cni_conv3d_transpose_layer = KIND(3, cni_spatial_args, fields3, ORDER3, check, NULL, view, NULL);
