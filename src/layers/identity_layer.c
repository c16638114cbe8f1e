/* SPDX-License-Identifier: Apache-2.0
 * Identity: its input as it is. */
#include "layers/layers.h"

#define ARGS cn_identity_args
static const cni_field fields[] = {CNI_LAYER_FIELDS, CNI_ACTIVITY};

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)layer, (void)count, (void)error;
    *out = *in;
    return CN_OK;
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)lowering, (void)layer, (void)count;
    return in[0];
}

const cni_layer_kind cni_identity_layer = {
    .kind = {.name = "Identity",
             .module = "keras.layers",
             .args_size = sizeof(cn_identity_args),
             CNI_FIELDS(fields),
             .help = "its input as it is",
             .example = "cn_add(model, cn_identity());",
             .formula = "out = in"},
    .min_rank = 1,
    .traits = CNI_IS_NOTHING,
    .output_shape = output_shape,
    .lower = lower,
};
