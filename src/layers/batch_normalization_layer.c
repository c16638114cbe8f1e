/* SPDX-License-Identifier: Apache-2.0
 * BatchNormalization: numbers of mean 0 and variance 1 along an axis (keras-semantics 2.10). */
#include "layers/layers.h"

#include "graph/ops/batch_norm.h"
#include "graph/ops/moving.h"
#include "graph/ops/transpose.h"

#define ARGS cn_batch_normalization_args
static const cni_field fields[] = {
    CNI_FIELD(axis, "axis", CNI_SHOWN_SINGLE, "-1", 0, 0, "the axis that keeps its numbers apart: the channels; -1 is the last"),
    CNI_FIELD(momentum, "momentum", 0, "0.99", 0, 0, "how much of the moving statistics stays in each training step"),
    CNI_FIELD(epsilon, "epsilon", 0, "0.001", 0, 0, "added to the variance, so that nothing is divided by 0"),
    CNI_FIELD(no_center, "center", CNI_NEGATED, "True", 0, 0, "whether beta is added"),
    CNI_FIELD(no_scale, "scale", CNI_NEGATED, "True", 0, 0, "whether it is multiplied by gamma"),
    CNI_OBJECT(beta_initializer, "beta_initializer", &cni_initializers, 0, "zeros", "what beta starts from"),
    CNI_OBJECT(gamma_initializer, "gamma_initializer", &cni_initializers, 0, "ones", "what gamma starts from"),
    CNI_OBJECT(moving_mean_initializer, "moving_mean_initializer", &cni_initializers, 0, "zeros",
               "what the moving mean starts from"),
    CNI_OBJECT(moving_variance_initializer, "moving_variance_initializer", &cni_initializers, 0, "ones",
               "what the moving variance starts from"),
    CNI_OBJECT(beta_regularizer, "beta_regularizer", &cni_regularizers, 0, "None",
               "penalty on beta, added to the loss"),
    CNI_OBJECT(gamma_regularizer, "gamma_regularizer", &cni_regularizers, 0, "None",
               "penalty on gamma, added to the loss"),
    CNI_OBJECT(beta_constraint, "beta_constraint", &cni_constraints, 0, "None",
               "what beta is held to after each update"),
    CNI_OBJECT(gamma_constraint, "gamma_constraint", &cni_constraints, 0, "None",
               "what gamma is held to after each update"),
    CNI_ONLY("renorm", "False", CNI_READ_ONLY),
    CNI_ONLY("renorm_clipping", "None", CNI_READ_ONLY),
    CNI_ONLY("renorm_momentum", "0.99", CNI_READ_ONLY),
    CNI_ONLY("synchronized", "False", 0),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status find_axis(const cn_layer *layer, const cni_shape *in, int *axis, cni_error *error)
{
    const cn_batch_normalization_args *args = layer->config->args;
    *axis = args->axis < 0 ? args->axis + in->rank : args->axis;
    if (*axis > 0 && *axis < in->rank) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "axis=%d is not an axis of the input, shape %s; expected 1 to %d, or -1 to %d",
                    args->axis, CNI_SHOW_SHAPE(in), in->rank - 1, 1 - in->rank);
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    int axis;
    CN_TRY(find_axis(layer, in, &axis, error));
    *out = *in;
    return cni_same_channels(layer, in, axis, error);
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cn_batch_normalization_args *args = layer->config->args;
    int axis;
    int64_t channels;
    CN_TRY(find_axis(layer, in, &axis, error));
    CN_TRY(cni_known_channels(in, axis, &channels, error));
    const cni_shape shape = CNI_SHAPE(channels);
    if (!args->no_scale) CN_TRY(cni_layer_add_weight(layer, "gamma", "gamma", &shape, true, error));
    if (!args->no_center) CN_TRY(cni_layer_add_weight(layer, "beta", "beta", &shape, true, error));
    CN_TRY(cni_layer_add_weight(layer, "moving_mean", "moving_mean", &shape, false, error));
    return cni_layer_add_weight(layer, "moving_variance", "moving_variance", &shape, false, error);
}

/* Normalizes x over its last axis: with the batch's statistics in training, which then move the layer's own. */
static cni_tensor *normalize(cni_lowering *lowering, cn_layer *layer, cni_tensor *x)
{
    const cn_batch_normalization_args *args = layer->config->args;
    cni_graph *graph = lowering->graph;
    int next = 0;
    cni_tensor *gamma = args->no_scale ? NULL : cni_lower_weight(lowering, layer, next++);
    cni_tensor *beta = args->no_center ? NULL : cni_lower_weight(lowering, layer, next++);
    cni_variable *mean = layer->weights[next], *variance = layer->weights[next + 1];
    if (!lowering->training || lowering->frozen || !layer->trained)
        return cni_batch_norm_inference(graph, x, gamma, beta, cni_graph_variable(graph, mean),
                                        cni_graph_variable(graph, variance), args->epsilon);
    const cni_batch_norm norm = cni_batch_norm_train(graph, x, gamma, beta, args->epsilon);
    cni_assign_moving(graph, mean, norm.mean, args->momentum);
    cni_assign_moving(graph, variance, norm.variance, args->momentum);
    return norm.y;
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cni_shape *shape = &in[0]->shape;
    int axis, permutation[CNI_MAX_RANK], inverse[CNI_MAX_RANK];
    if (find_axis(layer, shape, &axis, &lowering->graph->error)) return in[0];
    for (int i = 0; i < shape->rank; i++) permutation[i] = i < axis ? i : i < shape->rank - 1 ? i + 1 : axis;
    for (int i = 0; i < shape->rank; i++) inverse[permutation[i]] = i;
    cni_tensor *y = normalize(lowering, layer, cni_transpose(lowering->graph, in[0], permutation));
    return cni_transpose(lowering->graph, y, inverse);
}

const cni_layer_kind cni_batch_normalization_layer = {
    .kind = {.name = "BatchNormalization",
             .module = "keras.layers",
             .args_size = sizeof(cn_batch_normalization_args),
             CNI_FIELDS(fields),
             .help = "brings each channel to mean 0 and variance 1, which makes training faster and steadier",
             .example = "cn_add(model, cn_batch_normalization());",
             .formula = "out = (in - mean) * gamma / sqrt(variance + epsilon) + beta"},
    .min_rank = 2,
    .lazily_built = true,
    .traits = CNI_IS_BATCH_NORM | CNI_IS_NORMALIZATION,
    .output_shape = output_shape,
    .build = build,
    .lower = lower,
};
