/* SPDX-License-Identifier: Apache-2.0
 * LayerNormalization, GroupNormalization, UnitNormalization, RMSNormalization and Normalization: described, not run. */
#include "layers/layers.h"
#include "layers/spatial_layers.h"

#include <inttypes.h>

typedef struct normalization_args {
    cn_layer_args head;
    int axis[8], group_axis, groups;
    double epsilon, mean[16], variance[16];
    bool no_center, no_scale, invert;
    const char *name;
    bool frozen;
} normalization_args;

#define ARGS normalization_args
#define EPSILON(default_)                                                                                              \
    CNI_FIELD(epsilon, "epsilon", 0, default_, 0, 0, "added to the variance, so that nothing is divided by 0")
#define CENTER_TO_END                                                                                                  \
    CNI_FIELD(no_center, "center", CNI_NEGATED, "True", 0, 0, "whether beta is added"),                                \
        CNI_FIELD(no_scale, "scale", CNI_NEGATED, "True", 0, 0, "whether it is multiplied by gamma"),                  \
        CNI_NESTED("beta_initializer", &cni_initializers, 0, "zeros", "what beta starts from"),                        \
        CNI_NESTED("gamma_initializer", &cni_initializers, 0, "ones", "what gamma starts from"),                       \
        CNI_NESTED("beta_regularizer", &cni_regularizers, 0, "None", "penalty on beta, added to the loss"),            \
        CNI_NESTED("gamma_regularizer", &cni_regularizers, 0, "None", "penalty on gamma, added to the loss"),          \
        CNI_NESTED("beta_constraint", &cni_constraints, 0, "None", "what beta is held to after each update"),          \
        CNI_NESTED("gamma_constraint", &cni_constraints, 0, "None", "what gamma is held to after each update"),        \
        CNI_LAYER_FIELDS, CNI_ACTIVITY

static cn_status find_axis(int axis, const cni_shape *in, int *at, cni_error *error)
{
    *at = axis < 0 ? axis + in->rank : axis;
    if (*at > 0 && *at < in->rank) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "axis=%d is not an axis of the input, shape %s; expected 1 to %d, or -1 to %d",
                    axis, CNI_SHOW_SHAPE(in), in->rank - 1, 1 - in->rank);
}

/* Sizes along the axes, in the order in which the arguments have them. */
static cn_status axes_shape(const normalization_args *args, const cni_shape *in, cni_shape *out, cni_error *error)
{
    *out = (cni_shape){.rank = cni_ints_count(args->axis)};
    for (int i = 0; i < out->rank; i++) {
        int at;
        CN_TRY(find_axis(args->axis[i], in, &at, error));
        out->dims[i] = in->dims[at];
    }
    return CN_OK;
}

static cn_status known_axes_shape(const normalization_args *args, const cni_shape *in, cni_shape *out, cni_error *error)
{
    CN_TRY(axes_shape(args, in, out, error));
    for (int i = 0; i < out->rank; i++)
        if (out->dims[i] < 0)
            return cni_fail(error, CN_ERR_SHAPE,
                            "axis %d of the input, shape %s, is not known; weights need it: give it in Input",
                            args->axis[i], CNI_SHOW_SHAPE(in));
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    cni_shape along;
    *out = *in;
    return axes_shape(layer->config->args, in, &along, error);
}

static cn_status add_gamma_and_beta(cn_layer *layer, const cni_shape *shape, cni_error *error)
{
    const normalization_args *args = layer->config->args;
    if (!args->no_scale) CN_TRY(cni_layer_add_weight(layer, "gamma", "gamma", shape, true, error));
    return args->no_center ? CN_OK : cni_layer_add_weight(layer, "beta", "beta", shape, true, error);
}

/* Keras sorts the axes as they are given: -1 stands before 1. */
static cn_status sort_axes(void *given, cni_error *error)
{
    int *axis = ((normalization_args *)given)->axis;
    const int count = cni_ints_count(axis);
    if (!count) return cni_fail(error, CN_ERR_INVALID, "axis is empty; expected an axis, e.g. -1");
    for (int i = 1; i < count; i++)
        for (int j = i; j > 0 && axis[j - 1] > axis[j]; j--) {
            const int larger = axis[j - 1];
            axis[j - 1] = axis[j], axis[j] = larger;
        }
    return CN_OK;
}

#define KIND(name_, rows, check_, traits_, shape_, build_, help_, keras_, formula_)                                    \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(normalization_args),                                                              \
                 CNI_FIELDS(rows),                                                                                     \
                 .check = check_,                                                                                      \
                 .help = help_,                                                                                        \
                 .keras = keras_,                                                                                      \
                 .formula = formula_},                                                                                 \
        .min_rank = 2, .lazily_built = (build_) != NULL, .traits = traits_, .output_shape = shape_, .build = build_    \
    }

/* ---- LayerNormalization, RMSNormalization, UnitNormalization ---- */

static const cni_field layer_fields[] = {
    CNI_FIELD(axis, "axis", 0, "-1", 0, 0, "the axis, or axes, over which each number of the batch is normalized"),
    EPSILON("0.001"),
    CENTER_TO_END,
    CNI_ONLY("rms_scaling", "False", 0),
};
static const cni_field rms_fields[] = {
    CNI_FIELD(axis, "axis", 0, "-1", 0, 0, "the axis, or axes, over which the mean square is taken"), EPSILON("1e-06"),
    CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field unit_fields[] = {
    CNI_FIELD(axis, "axis", CNI_SHOWN_SINGLE, "-1", 0, 0, "the axis, or axes, along which the length becomes 1"),
    CNI_LAYER_FIELDS, CNI_ACTIVITY};

static cn_status build_layer(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    cni_shape shape;
    CN_TRY(known_axes_shape(layer->config->args, in, &shape, error));
    return add_gamma_and_beta(layer, &shape, error);
}

static cn_status build_rms(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    cni_shape shape;
    CN_TRY(known_axes_shape(layer->config->args, in, &shape, error));
    return cni_layer_plain_weight(layer, "scale", "ones", &shape, true, error);
}

#define LAYER_ORDER                                                                                                    \
    "name trainable dtype axis epsilon center scale rms_scaling beta_initializer gamma_initializer beta_regularizer "  \
    "gamma_regularizer beta_constraint gamma_constraint"
const cni_layer_kind cni_layer_normalization_layer = {
    .kind = {.name = "LayerNormalization",
             .module = "keras.layers",
             .args_size = sizeof(normalization_args),
             CNI_FIELDS(layer_fields),
             .order = LAYER_ORDER,
             .check = sort_axes,
             .help = "brings the channels of each position to mean 0 and variance 1",
             .formula = "out = (in - mean) * gamma / sqrt(variance + epsilon) + beta"},
    .min_rank = 2,
    .lazily_built = true,
    .traits = CNI_IS_NORMALIZATION,
    .output_shape = output_shape,
    .build = build_layer,
};
const cni_layer_kind cni_rms_normalization_layer =
    KIND("RMSNormalization", rms_fields, sort_axes, CNI_IS_NORMALIZATION, output_shape, build_rms,
         "divides the channels of each position by their root mean square", NULL,
         "out = in * scale / sqrt(mean of in^2 + epsilon)");
const cni_layer_kind cni_unit_normalization_layer =
    KIND("UnitNormalization", unit_fields, NULL, CNI_IS_NORMALIZATION, output_shape, NULL,
         "brings the channels of each position to length 1", NULL, "out = in / sqrt(sum of in^2)");

/* ---- GroupNormalization ---- */

static const cni_field group_fields[] = {
    CNI_FIELD(groups, "groups", 0, "32", -1, 1e9, "channels are split into so many groups; -1: each by itself"),
    CNI_FIELD(group_axis, "axis", 0, "-1", 0, 0, "the axis of the channels"),
    EPSILON("0.001"),
    CENTER_TO_END,
};

static cn_status check_groups(void *given, cni_error *error)
{
    if (((const normalization_args *)given)->groups) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "groups=0; expected an integer from 1 upwards, or -1");
}

static cn_status group_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    int axis;
    *out = *in;
    CN_TRY(find_axis(((const normalization_args *)layer->config->args)->group_axis, in, &axis, error));
    return cni_same_channels(layer, in, axis, error);
}

static cn_status build_group(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const normalization_args *args = layer->config->args;
    int axis;
    int64_t channels;
    CN_TRY(find_axis(args->group_axis, in, &axis, error));
    CN_TRY(cni_known_channels(in, axis, &channels, error));
    if (args->groups > 0 && channels % args->groups != 0)
        return cni_fail(
            error, CN_ERR_SHAPE, "groups=%d does not divide the %" PRId64 " channels of the input, shape %s; use %s",
            args->groups, channels, CNI_SHOW_SHAPE(in), cni_common_divisors(channels, channels, (char[160]){0}, 160));
    return add_gamma_and_beta(layer, &CNI_SHAPE(channels), error);
}

const cni_layer_kind cni_group_normalization_layer =
    KIND("GroupNormalization", group_fields, check_groups, CNI_IS_NORMALIZATION, group_shape, build_group,
         "brings each group of channels to mean 0 and variance 1, for every image by itself",
         "GroupNormalization(groups=8)", "out = (in - mean) * gamma / sqrt(variance + epsilon) + beta, by groups");

/* ---- Normalization ---- */

static const cni_field input_fields[] = {
    CNI_FIELD(axis, "axis", CNI_NULLABLE | CNI_SHOWN_LIST, "-1", 0, 0,
              "the axes that keep their own mean and variance; None: one for all"),
    CNI_FIELD(mean, "mean", CNI_NULLABLE, "None", 0, 0, "what is subtracted; None: learnt from data by adapt()"),
    CNI_FIELD(variance, "variance", CNI_NULLABLE, "None", 0, 0, "its root divides; None: learnt from data"),
    CNI_FIELD(invert, "invert", 0, "False", 0, 0, "the other way: multiply, then add"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status check_input(void *given, cni_error *error)
{
    const normalization_args *args = given;
    const int means = cni_reals_count(args->mean), variances = cni_reals_count(args->variance);
    if (means == variances) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "mean holds %d numbers and variance %d; give both alike, or neither", means,
                    variances);
}

/* Axes in the order of the input. */
static cn_status kept_shape(const normalization_args *args, const cni_shape *in, cni_shape *out, cni_error *error)
{
    bool kept[CNI_MAX_RANK] = {false};
    cni_shape any;
    CN_TRY(known_axes_shape(args, in, &any, error));
    for (int i = 0; i < any.rank; i++) kept[args->axis[i] < 0 ? args->axis[i] + in->rank : args->axis[i]] = true;
    *out = (cni_shape){.rank = 0};
    for (int i = 0; i < in->rank; i++)
        if (kept[i]) out->dims[out->rank++] = in->dims[i];
    return CN_OK;
}

static cn_status build_input(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const normalization_args *args = layer->config->args;
    cni_shape shape;
    CN_TRY(kept_shape(args, in, &shape, error));
    if (cni_reals_count(args->mean)) return CN_OK;
    CN_TRY(cni_layer_plain_weight(layer, "mean", "zeros", &shape, false, error));
    CN_TRY(cni_layer_plain_weight(layer, "variance", "ones", &shape, false, error));
    return cni_layer_plain_weight(layer, "count", "zeros", &(cni_shape){.rank = 0}, false, error);
}

const cni_layer_kind cni_normalization_layer = {
    .kind = {.name = "Normalization",
             .module = "keras.layers",
             .args_size = sizeof(normalization_args),
             CNI_FIELDS(input_fields),
             .order = "name trainable dtype axis invert mean variance",
             .check = check_input,
             .help = "brings the data to mean 0 and variance 1, by numbers that are given or learnt from it",
             .keras = "Normalization(mean=0.5, variance=0.25)",
             .formula = "out = (in - mean) / sqrt(variance)"},
    .min_rank = 1,
    .lazily_built = true,
    .output_shape = output_shape,
    .build = build_input,
};
