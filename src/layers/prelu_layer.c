/* SPDX-License-Identifier: Apache-2.0
 * PReLU: a rectified linear unit whose negative slope is learnt (keras-semantics 2.13). */
#include "layers/layers.h"

#include "graph/ops/binary.h"

#define ARGS cn_prelu_args
static const cni_field fields[] = {
    CNI_OBJECT(alpha_initializer, "alpha_initializer", &cni_initializers, 0, "zeros", "what the slopes start from"),
    CNI_OBJECT(alpha_regularizer, "alpha_regularizer", &cni_regularizers, 0, "None", "penalty on the slopes"),
    CNI_OBJECT(alpha_constraint, "alpha_constraint", &cni_constraints, 0, "None",
               "what the slopes are held to after each update"),
    CNI_FIELD(shared_axes, "shared_axes", CNI_NULLABLE, "None", 0, 0,
              "axes, from 1, along which one slope serves all: [1, 2] for one slope per channel"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)layer, (void)count, (void)error;
    *out = *in;
    return CN_OK;
}

static cn_status slope_shape(const cn_layer *layer, const cni_shape *in, cni_shape *out, cni_error *error)
{
    const cn_prelu_args *args = layer->config->args;
    *out = (cni_shape){.rank = in->rank - 1};
    for (int i = 1; i < in->rank; i++) out->dims[i - 1] = in->dims[i];
    for (int i = 0; i < cni_ints_count(args->shared_axes); i++) {
        int axis = args->shared_axes[i];
        if (axis < 1 || axis >= in->rank)
            return cni_fail(error, CN_ERR_SHAPE, "shared_axes holds %d; the input, shape %s, has the axes 1 to %d",
                            axis, CNI_SHOW_SHAPE(in), in->rank - 1);
        out->dims[axis - 1] = 1;
    }
    for (int i = 0; i < out->rank; i++)
        if (out->dims[i] < 0)
            return cni_fail(
                error, CN_ERR_SHAPE,
                "axis %d of the input, shape %s, is not known: share it by shared_axes, or give it in Input", i + 1,
                CNI_SHOW_SHAPE(in));
    return CN_OK;
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    cni_shape slopes;
    CN_TRY(slope_shape(layer, in, &slopes, error));
    return cni_layer_add_weight(layer, "alpha", "alpha", &slopes, true, error);
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    return cni_prelu(lowering->graph, in[0], cni_lower_weight(lowering, layer, 0));
}

const cni_layer_kind cni_prelu_layer = {
    .kind = {.name = "PReLU",
             .module = "keras.layers",
             .args_size = sizeof(cn_prelu_args),
             CNI_FIELDS(fields),
             .help = "rectified linear unit whose slope for negative inputs is learnt",
             .keras = "PReLU(shared_axes=[1, 2])",
             .example = "cn_add(model, cn_prelu(.shared_axes = {1, 2}));",
             .formula = "out = max(x, 0) - alpha * max(-x, 0)"},
    .min_rank = 2,
    .lazily_built = true,
    .traits = CNI_IS_ACTIVATION,
    .output_shape = output_shape,
    .build = build,
    .lower = lower,
};
