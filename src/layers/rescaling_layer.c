/* SPDX-License-Identifier: Apache-2.0
 * Rescaling: numbers into another range (keras-semantics 2.15). */
#include "layers/layers.h"

#include "graph/ops/binary.h"
#include "graph/ops/unary.h"

#include <inttypes.h>

#define ARGS cn_rescaling_args
static const cni_field fields[] = {
    CNI_FIELD(scale, "scale", CNI_REQUIRED, NULL, 0, 0,
              "factor; one number, or one for each number along the last axis"),
    CNI_FIELD(offset, "offset", 0, "0.0", 0, 0, "what is added then; one number, or one for each along the last axis"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

/* Lists are spread along the last axis; NumPy's rules, so an axis of size 1 grows. */
static cn_status spread(const char *key, int count, cni_shape *shape, cni_error *error)
{
    int64_t *last = &shape->dims[shape->rank - 1];
    if (count == 1 || *last < 0 || *last == count) return CN_OK;
    if (*last != 1)
        return cni_fail(error, CN_ERR_SHAPE,
                        "%s holds %d numbers; the last axis of the input, shape %s, has %" PRId64
                        ": give 1 or %" PRId64,
                        key, count, CNI_SHOW_SHAPE(shape), *last, *last);
    *last = count;
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cn_rescaling_args *args = layer->config->args;
    *out = *in;
    CN_TRY(spread("scale", cni_reals_count(args->scale), out, error));
    return spread("offset", cni_reals_count(args->offset), out, error);
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_rescaling_args *args = layer->config->args;
    const int scales = cni_reals_count(args->scale), offsets = cni_reals_count(args->offset);
    if (scales == 1 && offsets == 1) return cni_affine(lowering->graph, in[0], args->scale[0], args->offset[0]);
    cni_tensor *scaled = cni_multiply(lowering->graph, in[0], cni_lower_numbers(lowering, args->scale, scales));
    return cni_add(lowering->graph, scaled, cni_lower_numbers(lowering, args->offset, offsets));
}

const cni_layer_kind cni_rescaling_layer = {
    .kind = {.name = "Rescaling",
             .module = "keras.layers",
             .args_size = sizeof(cn_rescaling_args),
             CNI_FIELDS(fields),
             .help = "brings numbers into another range: bytes into 0 .. 1",
             .example = "cn_add(model, cn_rescaling({1.0 / 255}));",
             .formula = "out = in * scale + offset"},
    .min_rank = 1,
    .lazily_built = true,
    .output_shape = output_shape,
    .lower = lower,
};
