/* SPDX-License-Identifier: Apache-2.0
 * Normalization: data brought to mean 0 and variance 1 by numbers that are given, or that a file holds. */
#include "layers/layers.h"

#include "graph/ops/binary.h"
#include "graph/ops/reshape.h"
#include "graph/ops/unary.h"
#include "layers/spatial_layers.h"

#define ARGS cn_normalization_args
static const cni_field fields[] = {
    CNI_FIELD(axis, "axis", CNI_NULLABLE | CNI_SHOWN_LIST, "-1", 0, 0,
              "the axes that keep their own mean and variance; None: one for all"),
    CNI_FIELD(mean, "mean", CNI_NULLABLE, "None", 0, 0, "what is subtracted; None: learnt from data by adapt()"),
    CNI_FIELD(variance, "variance", CNI_NULLABLE, "None", 0, 0, "its root divides; None: learnt from data"),
    CNI_FIELD(invert, "invert", 0, "False", 0, 0, "the other way: multiply, then add"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status check(void *given, cni_error *error)
{
    const cn_normalization_args *args = given;
    const int means = cni_reals_count(args->mean), variances = cni_reals_count(args->variance);
    if (means == variances) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "mean holds %d numbers and variance %d; give both alike, or neither", means,
                    variances);
}

/* The axes with numbers of their own, in the order of the input. */
static cn_status find_axes(const cn_normalization_args *args, const cni_shape *in, bool *kept, cni_error *error)
{
    for (int i = 0; i < cni_ints_count(args->axis); i++) {
        const int axis = args->axis[i] < 0 ? args->axis[i] + in->rank : args->axis[i];
        if (axis < 1 || axis >= in->rank)
            return cni_fail(error, CN_ERR_SHAPE,
                            "axis=%d is not an axis of the input, shape %s; expected 1 to %d, or -1 to %d",
                            args->axis[i], CNI_SHOW_SHAPE(in), in->rank - 1, 1 - in->rank);
        kept[axis] = true;
    }
    return CN_OK;
}

/* Given numbers lie along the last of the kept axes. */
static cn_status check_given(const cn_normalization_args *args, const cni_shape *in, const bool *kept, cni_error *error)
{
    const int count = cni_reals_count(args->mean);
    int last = in->rank - 1;
    if (count < 2) return CN_OK;
    while (last > 0 && !kept[last]) last--;
    if (last > 0 && (in->dims[last] == count || in->dims[last] < 0)) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE,
                    "mean holds %d numbers; the kept axis of the input, shape %s, has another size", count,
                    CNI_SHOW_SHAPE(in));
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    bool kept[CNI_MAX_RANK] = {false};
    *out = *in;
    CN_TRY(find_axes(layer->config->args, in, kept, error));
    for (int i = 1; i < in->rank; i++)
        if (kept[i]) CN_TRY(cni_same_channels(layer, in, i, error));
    return check_given(layer->config->args, in, kept, error);
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cn_normalization_args *args = layer->config->args;
    bool kept[CNI_MAX_RANK] = {false};
    cni_shape shape = {.rank = 0};
    CN_TRY(find_axes(args, in, kept, error));
    for (int i = 1; i < in->rank; i++) {
        if (!kept[i]) continue;
        CN_TRY(cni_known_channels(in, i, &shape.dims[shape.rank], error));
        shape.rank++;
    }
    if (cni_reals_count(args->mean)) return CN_OK;
    CN_TRY(cni_layer_plain_weight(layer, "mean", "zeros", &shape, false, error));
    CN_TRY(cni_layer_plain_weight(layer, "variance", "ones", &shape, false, error));
    return cni_layer_plain_weight(layer, "count", "zeros", &(cni_shape){.rank = 0}, false, error);
}

/* Mean (0) or variance (1) in a shape that meets the input's axes. */
static cni_tensor *numbers(cni_lowering *lowering, const cn_layer *layer, int index, const cni_shape *in)
{
    const cn_normalization_args *args = layer->config->args;
    const double *given = index ? args->variance : args->mean;
    const int count = cni_reals_count(given);
    bool kept[CNI_MAX_RANK] = {false}, found = false;
    cni_shape shape = {.rank = in->rank - 1};
    if (find_axes(args, in, kept, &lowering->graph->error)) return cni_graph_constant(lowering->graph, shape, 0);
    if (count == 1) return cni_graph_constant(lowering->graph, (cni_shape){.rank = 0}, given[0]);
    for (int i = in->rank - 1; i > 0; i--) {
        shape.dims[i - 1] = kept[i] && !(count && found) ? in->dims[i] : 1;
        found |= kept[i];
    }
    cni_tensor *all = count ? cni_lower_numbers(lowering, given, count) : cni_lower_weight(lowering, layer, index);
    return cni_reshape(lowering->graph, all, shape);
}

/* Keras: the root is no smaller than backend.epsilon() */
static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_normalization_args *args = layer->config->args;
    cni_graph *graph = lowering->graph;
    cni_tensor *mean = numbers(lowering, layer, 0, &in[0]->shape),
               *variance = numbers(lowering, layer, 1, &in[0]->shape);
    cni_tensor *root = cni_unary_op(graph, variance, (cni_epilogue){.function = CNI_SQRT});
    cni_tensor *least = cni_graph_constant(graph, (cni_shape){.rank = 0}, 1e-7);
    root = cni_binary(graph, CNI_MAXIMUM, root, least);
    if (args->invert) return cni_add(graph, cni_multiply(graph, in[0], root), mean);
    return cni_divide(graph, cni_subtract(graph, in[0], mean), root);
}

const cni_layer_kind cni_normalization_layer = {
    .kind = {.name = "Normalization",
             .module = "keras.layers",
             .args_size = sizeof(cn_normalization_args),
             CNI_FIELDS(fields),
             .order = "name trainable dtype axis invert mean variance",
             .check = check,
             .help = "brings the data to mean 0 and variance 1, by numbers that are given or come with a file",
             .keras = "Normalization(mean=0.5, variance=0.25)",
             .example = "cn_add(model, cn_normalization(.mean = {0.5}, .variance = {0.25}));",
             .formula = "out = (in - mean) / sqrt(variance)"},
    .min_rank = 1,
    .lazily_built = true,
    .output_shape = output_shape,
    .build = build,
    .lower = lower,
};
