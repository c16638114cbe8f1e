/* SPDX-License-Identifier: Apache-2.0
 * Concatenate: inputs laid side by side along an axis (keras-semantics 2.14). */
#include "layers/layers.h"

#include "graph/ops/concatenate.h"

#define ARGS cn_concatenate_args
static const cni_field fields[] = {
    CNI_FIELD(axis, "axis", 0, "-1", 0, 0, "the axis along which they are laid; -1 is the last, the channels"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status check_axis(int axis, const cni_shape *in, int *at, cni_error *error)
{
    *at = axis < 0 ? axis + in->rank : axis;
    if (*at > 0 && *at < in->rank) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "axis=%d is not an axis of %s beside the batch; expected 1 to %d, or -1 to %d",
                    axis, CNI_SHOW_SHAPE(in), in->rank - 1, 1 - in->rank);
}

static cn_status join(cni_shape *out, const cni_shape *in, int axis, cni_error *error)
{
    const int64_t a = out->dims[axis], b = in->dims[axis];
    cni_shape same = *in; /* in, were it not for the axis */
    same.dims[axis] = a;
    if (!cni_shape_compatible(out, &same))
        return cni_fail(error, CN_ERR_SHAPE, "inputs of shapes %s and %s do not fit; they may differ in axis %d only",
                        CNI_SHOW_SHAPE(out), CNI_SHOW_SHAPE(in), axis);
    for (int i = 0; i < out->rank; i++)
        if (out->dims[i] < 0) out->dims[i] = in->dims[i];
    out->dims[axis] = a < 0 || b < 0 ? CNI_UNKNOWN : a + b;
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    const cn_concatenate_args *args = layer->config->args;
    int axis;
    CN_TRY(check_axis(args->axis, in, &axis, error));
    *out = in[0];
    for (int i = 1; i < count; i++) CN_TRY(join(out, in + i, axis, error));
    for (int i = 0; i < count; i++)
        if (in[i].dims[0] < 0) out->dims[0] = CNI_UNKNOWN;
    return CN_OK;
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    const cn_concatenate_args *args = layer->config->args;
    return cni_concatenate(lowering->graph, in, count, args->axis);
}

const cni_layer_kind cni_concatenate_layer = {
    .kind = {.name = "Concatenate",
             .module = "keras.layers",
             .args_size = sizeof(cn_concatenate_args),
             CNI_FIELDS(fields),
             .help = "lays its inputs side by side: channels of several branches become one image",
             .example = "y = cn_call(model, cn_concatenate_layer(), y, x);",
             .formula = "in [n, h, w, c0], [n, h, w, c1] -> out [n, h, w, c0 + c1]"},
    .min_rank = 2,
    .merges = true,
    .lazily_built = true,
    .traits = CNI_IS_MERGE | CNI_IS_CONCATENATE,
    .output_shape = output_shape,
    .lower = lower,
};
