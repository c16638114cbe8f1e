/* SPDX-License-Identifier: Apache-2.0
 * Flatten: each image as one row of numbers (keras-semantics 2.8). */
#include "layers/layers.h"

#include "graph/ops/reshape.h"
#include "graph/ops/transpose.h"

#define ARGS cn_flatten_args
static const cni_field fields[] = {
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,
              "'channels_first' puts the channels last before it flattens, so that weights fit either format"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)layer, (void)count, (void)error;
    *out = CNI_SHAPE(in->dims[0], cni_shape_count(in, 1));
    return CN_OK;
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_flatten_args *args = layer->config->args;
    cni_tensor *x = in[0];
    cni_shape out;
    output_shape(layer, 1, &x->shape, &out, NULL);
    if (args->data_format == CN_CHANNELS_FIRST && x->shape.rank > 2) x = cni_channels_to_last(lowering->graph, x);
    return cni_reshape(lowering->graph, x, out);
}

static void view(const cni_object *config, cni_view *view)
{
    view->type = CNI_VIEW_ALL;
    view->format = ((const cn_flatten_args *)config->args)->data_format;
}

const cni_layer_kind cni_flatten_layer = {
    .kind = {.name = "Flatten",
             .module = "keras.layers",
             .args_size = sizeof(cn_flatten_args),
             CNI_FIELDS(fields),
             .help = "each image as one row of numbers, for the Dense layers that follow",
             .example = "cn_add(model, cn_flatten());",
             .formula = "in [n, h, w, c] -> out [n, h * w * c]"},
    .min_rank = 1,
    .lazily_built = true,
    .traits = CNI_IS_FLATTEN,
    .output_shape = output_shape,
    .view = view,
    .lower = lower,
};
