/* SPDX-License-Identifier: Apache-2.0
 * LayerNormalization, RMSNormalization, UnitNormalization and GroupNormalization: each image by numbers of its own. */
#include "layers/layers.h"

#include "graph/ops/binary.h"
#include "graph/ops/reduce.h"
#include "graph/ops/reshape.h"
#include "graph/ops/unary.h"
#include "layers/spatial_layers.h"

#include <inttypes.h>

static const char axis_help[] = "the axis, or axes, over which each image is normalized; -1 is the last: the channels";
#define EPSILON(default_)                                                                                              \
    CNI_FIELD(epsilon, "epsilon", 0, default_, 0, 0, "added under the root, so that nothing is divided by 0")
#define CENTER_TO_END                                                                                                  \
    CNI_FIELD(no_center, "center", CNI_NEGATED, "True", 0, 0, "whether beta is added"),                                \
        CNI_FIELD(no_scale, "scale", CNI_NEGATED, "True", 0, 0, "whether it is multiplied by gamma"),                  \
        CNI_OBJECT(beta_initializer, "beta_initializer", &cni_initializers, 0, "zeros", "what beta starts from"),      \
        CNI_OBJECT(gamma_initializer, "gamma_initializer", &cni_initializers, 0, "ones", "what gamma starts from"),    \
        CNI_OBJECT(beta_regularizer, "beta_regularizer", &cni_regularizers, 0, "None",                                 \
                   "penalty on beta, added to the loss"),                                                              \
        CNI_OBJECT(gamma_regularizer, "gamma_regularizer", &cni_regularizers, 0, "None",                               \
                   "penalty on gamma, added to the loss"),                                                             \
        CNI_OBJECT(beta_constraint, "beta_constraint", &cni_constraints, 0, "None",                                    \
                   "what beta is held to after each update"),                                                          \
        CNI_OBJECT(gamma_constraint, "gamma_constraint", &cni_constraints, 0, "None",                                  \
                   "what gamma is held to after each update"),                                                         \
        CNI_LAYER_FIELDS, CNI_ACTIVITY

/* ---- axes ---- */

static cn_status find_axis(int axis, const cni_shape *in, int *at, cni_error *error)
{
    *at = axis < 0 ? axis + in->rank : axis;
    if (*at > 0 && *at < in->rank) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "axis=%d is not an axis of the input, shape %s; expected 1 to %d, or -1 to %d",
                    axis, CNI_SHOW_SHAPE(in), in->rank - 1, 1 - in->rank);
}

static const int *axes_of(const cn_layer *layer)
{
    return cni_object_member(layer->config, "axis");
}

/* Sizes along the axes, in the order in which the arguments have them. */
static cn_status axes_shape(const int *axes, const cni_shape *in, cni_shape *out, cni_error *error)
{
    *out = (cni_shape){.rank = cni_ints_count(axes)};
    for (int i = 0; i < out->rank; i++) {
        int at;
        CN_TRY(find_axis(axes[i], in, &at, error));
        out->dims[i] = in->dims[at];
    }
    return CN_OK;
}

static cn_status known_axes_shape(const int *axes, const cni_shape *in, cni_shape *out, cni_error *error)
{
    CN_TRY(axes_shape(axes, in, out, error));
    for (int i = 0; i < out->rank; i++)
        if (out->dims[i] < 0)
            return cni_fail(error, CN_ERR_SHAPE,
                            "axis %d of the input, shape %s, is not known; weights need it: give it in Input", axes[i],
                            CNI_SHOW_SHAPE(in));
    return CN_OK;
}

static unsigned bits_of(const int *axes, int rank)
{
    unsigned bits = 0;
    for (int i = 0; i < cni_ints_count(axes); i++) bits |= 1U << (axes[i] < 0 ? axes[i] + rank : axes[i]);
    return bits;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    cni_shape along;
    *out = *in;
    CN_TRY(axes_shape(axes_of(layer), in, &along, error));
    for (int i = 0; i < along.rank && layer->kind->build; i++) {
        int at;
        CN_TRY(find_axis(axes_of(layer)[i], in, &at, error));
        CN_TRY(cni_same_channels(layer, in, at, error));
    }
    return CN_OK;
}

/* Keras sorts the axes as they are given: -1 stands before 1. */
static cn_status sort(int *axes, cni_error *error)
{
    const int count = cni_ints_count(axes);
    if (!count) return cni_fail(error, CN_ERR_INVALID, "axis is empty; expected an axis, e.g. -1");
    for (int i = 1; i < count; i++)
        for (int j = i; j > 0 && axes[j - 1] > axes[j]; j--) {
            const int larger = axes[j - 1];
            axes[j - 1] = axes[j], axes[j] = larger;
        }
    return CN_OK;
}

/* ---- sums ---- */

static cni_tensor *root_over_one(cni_graph *graph, cni_tensor *x)
{
    cni_tensor *root = cni_unary_op(graph, x, (cni_epilogue){.function = CNI_SQRT});
    return cni_unary_op(graph, root, (cni_epilogue){.function = CNI_RECIPROCAL});
}

static cni_tensor *squares(cni_graph *graph, cni_reduction how, cni_tensor *x, unsigned axes)
{
    return cni_reduce(graph, how, cni_unary_op(graph, x, (cni_epilogue){.function = CNI_SQUARE}), axes, true);
}

/* (x - mean) / sqrt(variance + epsilon) over these axes */
static cni_tensor *standardize(cni_graph *graph, cni_tensor *x, unsigned axes, double epsilon)
{
    cni_tensor *centred = cni_subtract(graph, x, cni_reduce(graph, CNI_MEAN, x, axes, true));
    cni_tensor *variance = squares(graph, CNI_MEAN, centred, axes);
    return cni_multiply(graph, centred, root_over_one(graph, cni_affine(graph, variance, 1, epsilon)));
}

/* A weight that lies along some axes of x: its numbers in their order, whatever the order of the argument (as Keras).
 */
static cni_tensor *weight_along(cni_lowering *lowering, const cn_layer *layer, int index, unsigned axes,
                                const cni_shape *x)
{
    cni_shape shape = {.rank = x->rank - 1};
    for (int i = 1; i < x->rank; i++) shape.dims[i - 1] = axes >> i & 1 ? x->dims[i] : 1;
    return cni_reshape(lowering->graph, cni_lower_weight(lowering, layer, index), shape);
}

static cni_tensor *scale_and_shift(cni_lowering *lowering, const cn_layer *layer, bool scale, bool center,
                                   unsigned axes, cni_tensor *y)
{
    int next = 0;
    if (scale) y = cni_multiply(lowering->graph, y, weight_along(lowering, layer, next++, axes, &y->shape));
    return center ? cni_add(lowering->graph, y, weight_along(lowering, layer, next, axes, &y->shape)) : y;
}

static cn_status add_gamma_and_beta(cn_layer *layer, bool scale, bool center, const cni_shape *shape, cni_error *error)
{
    if (scale) CN_TRY(cni_layer_add_weight(layer, "gamma", "gamma", shape, true, error));
    return center ? cni_layer_add_weight(layer, "beta", "beta", shape, true, error) : CN_OK;
}

/* ---- LayerNormalization ---- */

#define ARGS cn_layer_normalization_args
static const cni_field layer_fields[] = {
    CNI_FIELD(axis, "axis", 0, "-1", 0, 0, axis_help),
    EPSILON("0.001"),
    CENTER_TO_END,
    CNI_ONLY("rms_scaling", "False", 0),
};
#undef ARGS

static cn_status check_layer(void *args, cni_error *error)
{
    return sort(((cn_layer_normalization_args *)args)->axis, error);
}

static cn_status build_layer(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cn_layer_normalization_args *args = layer->config->args;
    cni_shape shape;
    CN_TRY(known_axes_shape(args->axis, in, &shape, error));
    return add_gamma_and_beta(layer, !args->no_scale, !args->no_center, &shape, error);
}

static cni_tensor *lower_layer(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_layer_normalization_args *args = layer->config->args;
    const unsigned axes = bits_of(args->axis, in[0]->shape.rank);
    cni_tensor *y = standardize(lowering->graph, in[0], axes, args->epsilon);
    return scale_and_shift(lowering, layer, !args->no_scale, !args->no_center, axes, y);
}

const cni_layer_kind cni_layer_normalization_layer = {
    .kind = {.name = "LayerNormalization",
             .module = "keras.layers",
             .args_size = sizeof(cn_layer_normalization_args),
             CNI_FIELDS(layer_fields),
             .order = "name trainable dtype axis epsilon center scale rms_scaling beta_initializer gamma_initializer "
                      "beta_regularizer gamma_regularizer beta_constraint gamma_constraint",
             .check = check_layer,
             .help = "brings the channels of each position to mean 0 and variance 1",
             .example = "cn_add(model, cn_layer_normalization());",
             .formula = "out = (in - mean) * gamma / sqrt(variance + epsilon) + beta"},
    .min_rank = 2,
    .lazily_built = true,
    .traits = CNI_IS_NORMALIZATION,
    .output_shape = output_shape,
    .build = build_layer,
    .lower = lower_layer,
};

/* ---- RMSNormalization ---- */

#define ARGS cn_rms_normalization_args
static const cni_field rms_fields[] = {CNI_FIELD(axis, "axis", 0, "-1", 0, 0, axis_help), EPSILON("1e-06"),
                                       CNI_LAYER_FIELDS, CNI_ACTIVITY};
#undef ARGS

static cn_status check_rms(void *args, cni_error *error)
{
    return sort(((cn_rms_normalization_args *)args)->axis, error);
}

/* Keras multiplies by `scale` as it is, which fits the last axes only. */
static cn_status rms_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    const int *axes = axes_of(layer), axis_count = cni_ints_count(axes);
    CN_TRY(output_shape(layer, count, in, out, error));
    for (int i = 0; i < axis_count; i++)
        if ((axes[i] < 0 ? axes[i] + in->rank : axes[i]) != in->rank - axis_count + i)
            return cni_fail(error, CN_ERR_SHAPE, "axis holds %d; expected the last axes of the input, shape %s", axes[i],
                            CNI_SHOW_SHAPE(in));
    return CN_OK;
}

static cn_status build_rms(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    cni_shape shape;
    CN_TRY(known_axes_shape(axes_of(layer), in, &shape, error));
    return cni_layer_plain_weight(layer, "scale", "ones", &shape, true, error);
}

static cni_tensor *lower_rms(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_rms_normalization_args *args = layer->config->args;
    const unsigned axes = bits_of(args->axis, in[0]->shape.rank);
    cni_graph *graph = lowering->graph;
    cni_tensor *mean = cni_affine(graph, squares(graph, CNI_MEAN, in[0], axes), 1, args->epsilon);
    cni_tensor *y = cni_multiply(graph, in[0], root_over_one(graph, mean));
    return scale_and_shift(lowering, layer, true, false, axes, y);
}

const cni_layer_kind cni_rms_normalization_layer = {
    .kind = {.name = "RMSNormalization",
             .module = "keras.layers",
             .args_size = sizeof(cn_rms_normalization_args),
             CNI_FIELDS(rms_fields),
             .check = check_rms,
             .help = "divides the channels of each position by their root mean square",
             .example = "cn_add(model, cn_rms_normalization());",
             .formula = "out = in * scale / sqrt(mean of in^2 + epsilon)"},
    .min_rank = 2,
    .lazily_built = true,
    .traits = CNI_IS_NORMALIZATION,
    .output_shape = rms_shape,
    .build = build_rms,
    .lower = lower_rms,
};

/* ---- UnitNormalization ---- */

#define ARGS cn_unit_normalization_args
static const cni_field unit_fields[] = {
    CNI_FIELD(axis, "axis", CNI_SHOWN_SINGLE, "-1", 0, 0, "the axis, or axes, along which the length becomes 1"),
    CNI_LAYER_FIELDS, CNI_ACTIVITY};
#undef ARGS

/* Keras' epsilon there is fixed: numbers near zero grow at most so many times. */
static cni_tensor *lower_unit(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    cni_graph *graph = lowering->graph;
    cni_tensor *sum = squares(graph, CNI_SUM, in[0], bits_of(axes_of(layer), in[0]->shape.rank));
    cni_tensor *most = cni_graph_constant(graph, (cni_shape){.rank = 0}, 1e12);
    return cni_multiply(graph, in[0], cni_binary(graph, CNI_MINIMUM, root_over_one(graph, sum), most));
}

const cni_layer_kind cni_unit_normalization_layer = {
    .kind = {.name = "UnitNormalization",
             .module = "keras.layers",
             .args_size = sizeof(cn_unit_normalization_args),
             CNI_FIELDS(unit_fields),
             .help = "brings the channels of each position to length 1",
             .example = "cn_add(model, cn_unit_normalization());",
             .formula = "out = in / sqrt(sum of in^2)"},
    .min_rank = 2,
    .traits = CNI_IS_NORMALIZATION,
    .output_shape = output_shape,
    .lower = lower_unit,
};

/* ---- GroupNormalization ---- */

#define ARGS cn_group_normalization_args
static const cni_field group_fields[] = {
    CNI_FIELD(groups, "groups", 0, "32", -1, 1e9, "channels are split into so many groups; -1: each by itself"),
    CNI_FIELD(axis, "axis", 0, "-1", 0, 0, "the axis of the channels"),
    EPSILON("0.001"),
    CENTER_TO_END,
};
#undef ARGS

static cn_status check_group(void *given, cni_error *error)
{
    if (((const cn_group_normalization_args *)given)->groups) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "groups=0; expected an integer from 1 upwards, or -1");
}

static cn_status group_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    int axis;
    *out = *in;
    CN_TRY(find_axis(((const cn_group_normalization_args *)layer->config->args)->axis, in, &axis, error));
    if (in->rank == CNI_MAX_RANK)
        return cni_fail(error, CN_ERR_LIMIT, "the input, shape %s, has %d axes; at most %d are possible",
                        CNI_SHOW_SHAPE(in), in->rank, CNI_MAX_RANK - 1);
    return cni_same_channels(layer, in, axis, error);
}

static cn_status build_group(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cn_group_normalization_args *args = layer->config->args;
    int axis;
    int64_t channels;
    CN_TRY(find_axis(args->axis, in, &axis, error));
    CN_TRY(cni_known_channels(in, axis, &channels, error));
    if (args->groups > 0 && channels % args->groups != 0)
        return cni_fail(
            error, CN_ERR_SHAPE, "groups=%d does not divide the %" PRId64 " channels of the input, shape %s; use %s",
            args->groups, channels, CNI_SHOW_SHAPE(in), cni_common_divisors(channels, channels, (char[160]){0}, 160));
    return add_gamma_and_beta(layer, !args->no_scale, !args->no_center, &CNI_SHAPE(channels), error);
}

/* [.., c, ..] as [.., groups, c / groups, ..] */
static cni_shape split_axis(const cni_shape *shape, int axis, int64_t groups)
{
    cni_shape split = {.rank = shape->rank + 1};
    for (int i = 0; i < split.rank; i++) split.dims[i] = shape->dims[i > axis ? i - 1 : i];
    split.dims[axis] = groups;
    split.dims[axis + 1] = shape->dims[axis] / groups;
    return split;
}

static cni_tensor *lower_group(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_group_normalization_args *args = layer->config->args;
    const cni_shape whole = in[0]->shape;
    const int axis = args->axis < 0 ? args->axis + whole.rank : args->axis;
    const cni_shape split = split_axis(&whole, axis, args->groups < 0 ? whole.dims[axis] : args->groups);
    const unsigned axes = ((1U << split.rank) - 2) & ~(1U << axis);
    cni_tensor *x = cni_reshape(lowering->graph, in[0], split);
    cni_tensor *y = cni_reshape(lowering->graph, standardize(lowering->graph, x, axes, args->epsilon), whole);
    return scale_and_shift(lowering, layer, !args->no_scale, !args->no_center, 1U << axis, y);
}

const cni_layer_kind cni_group_normalization_layer = {
    .kind = {.name = "GroupNormalization",
             .module = "keras.layers",
             .args_size = sizeof(cn_group_normalization_args),
             CNI_FIELDS(group_fields),
             .check = check_group,
             .help = "brings each group of channels to mean 0 and variance 1, for every image by itself",
             .keras = "GroupNormalization(groups=8)",
             .example = "cn_add(model, cn_group_normalization(8));",
             .formula = "out = (in - mean) * gamma / sqrt(variance + epsilon) + beta, by groups"},
    .min_rank = 2,
    .lazily_built = true,
    .traits = CNI_IS_NORMALIZATION,
    .output_shape = group_shape,
    .build = build_group,
    .lower = lower_group,
};
