/* SPDX-License-Identifier: Apache-2.0
 * Reshape: the same numbers in another shape (keras-semantics 2.8). */
#include "layers/layers.h"

#include "graph/ops/reshape.h"

#include <inttypes.h>

#define ARGS cn_reshape_args
static const cni_field fields[] = {
    CNI_FIELD(target_shape, "target_shape", CNI_REQUIRED, NULL, 0, 0,
              "the new shape, without the batch; at most one -1, which takes what is left"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status check(void *given, cni_error *error)
{
    const cn_reshape_args *args = given;
    const int rank = cni_ints_count(args->target_shape);
    int unknown = 0;
    for (int i = 0; i < rank; i++) {
        unknown += args->target_shape[i] == -1;
        if (args->target_shape[i] < -1)
            return cni_fail(error, CN_ERR_INVALID, "target_shape holds %d; expected sizes from 1 upwards, or one -1",
                            args->target_shape[i]);
    }
    if (unknown > 1)
        return cni_fail(error, CN_ERR_INVALID, "target_shape holds %d times -1; at most one size can be left open",
                        unknown);
    if (rank == CN_MAX_RANK)
        return cni_fail(error, CN_ERR_LIMIT, "target_shape has %d dimensions; at most %d are possible beside the batch",
                        rank, CN_MAX_RANK - 1);
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cn_reshape_args *args = layer->config->args;
    const int64_t have = cni_shape_count(in, 1);
    int open = 0;
    *out = (cni_shape){.rank = 1 + cni_ints_count(args->target_shape), .dims = {1}};
    for (int i = 1; i < out->rank; i++) {
        out->dims[i] = args->target_shape[i - 1];
        if (out->dims[i] == -1) open = i;
    }
    if (open) out->dims[open] = 1;
    const int64_t want = cni_shape_count(out, 1);
    out->dims[0] = in->dims[0];
    if (have < 0 && open) out->dims[open] = CNI_UNKNOWN;
    if (have < 0) return CN_OK;
    if (want <= 0 || (open ? have % want != 0 : have != want)) {
        if (open) out->dims[open] = CNI_UNKNOWN;
        return cni_fail(error, CN_ERR_SHAPE,
                        "target_shape does not fit: the input, shape %s, has %" PRId64 " numbers for each image, which "
                        "cannot become %s",
                        CNI_SHOW_SHAPE(in), have, CNI_SHOW_SHAPE(out));
    }
    if (open) out->dims[open] = have / want;
    return CN_OK;
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    cni_shape out;
    output_shape(layer, 1, &in[0]->shape, &out, &lowering->graph->error);
    return cni_reshape(lowering->graph, in[0], out);
}

/* Which axes are a map afterwards cannot be told from the arguments. */
static void view(const cni_object *config, cni_view *view)
{
    (void)config;
    view->type = CNI_VIEW_ALL;
}

const cni_layer_kind cni_reshape_layer = {
    .kind = {.name = "Reshape",
             .module = "keras.layers",
             .args_size = sizeof(cn_reshape_args),
             CNI_FIELDS(fields),
             .check = check,
             .help = "the same numbers in another shape",
             .keras = "Reshape((7, 7, -1))",
             .example = "cn_add(model, cn_reshape({7, 7, -1}));",
             .formula = "in [n, ...] -> out [n, target_shape]"},
    .min_rank = 1,
    .output_shape = output_shape,
    .view = view,
    .lower = lower,
};
