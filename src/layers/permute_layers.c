/* SPDX-License-Identifier: Apache-2.0
 * Permute and RepeatVector: the same numbers in another order, or several times. */
#include "layers/layers.h"
#include "layers/spatial_layers.h"

#include "graph/ops/reduce.h"
#include "graph/ops/reshape.h"
#include "graph/ops/transpose.h"

#define ARGS cn_permute_args
static const cni_field permute_fields[] = {
    CNI_FIELD(dims, "dims", CNI_REQUIRED, NULL, 0, 0, "the axes in their new order, from 1, without the batch: (2, 1)"),
    CNI_LAYER_FIELDS, CNI_ACTIVITY};
#undef ARGS
#define ARGS cn_repeat_vector_args
static const cni_field repeat_fields[] = {CNI_FIELD(n, "n", CNI_REQUIRED, NULL, 1, 1e9, "how many times"),
                                          CNI_LAYER_FIELDS, CNI_ACTIVITY};

static cn_status check(void *given, cni_error *error)
{
    const cn_permute_args *args = given;
    const int count = cni_ints_count(args->dims);
    bool seen[8] = {false};
    for (int i = 0; i < count; i++) {
        const int dim = args->dims[i];
        if (dim < 1 || dim > count || seen[dim - 1])
            return cni_fail(error, CN_ERR_INVALID,
                            "dims holds %d%s; expected each of 1 to %d once: the axes without the batch", dim,
                            dim >= 1 && dim <= count ? " twice" : "", count);
        seen[dim - 1] = true;
    }
    if (count == CN_MAX_RANK)
        return cni_fail(error, CN_ERR_LIMIT, "dims holds %d axes; at most %d are possible beside the batch", count,
                        CN_MAX_RANK - 1);
    return CN_OK;
}

static cn_status permuted_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cn_permute_args *args = layer->config->args;
    const int axes = cni_ints_count(args->dims);
    if (in->rank != axes + 1)
        return cni_fail(error, CN_ERR_SHAPE, "dims holds %d axes; the input, shape %s, has %d beside the batch", axes,
                        CNI_SHOW_SHAPE(in), in->rank - 1);
    *out = *in;
    for (int i = 0; i < axes; i++) out->dims[i + 1] = in->dims[args->dims[i]];
    return CN_OK;
}

/* Axes that change places are not followed. */
static void view_permute(const cni_object *config, cni_view *view)
{
    const cn_permute_args *args = config->args;
    for (int i = 0; i < cni_ints_count(args->dims); i++)
        if (args->dims[i] != i + 1) view->type = CNI_VIEW_ALL;
}

static cni_tensor *lower_permute(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_permute_args *args = layer->config->args;
    int permutation[CNI_MAX_RANK] = {0};
    for (int i = 0; i < cni_ints_count(args->dims); i++) permutation[i + 1] = args->dims[i];
    return cni_transpose(lowering->graph, in[0], permutation);
}

static cn_status repeated_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count, (void)error;
    *out = CNI_SHAPE(in->dims[0], ((const cn_repeat_vector_args *)layer->config->args)->n, in->dims[1]);
    return CN_OK;
}

static cni_tensor *lower_repeat(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    const int64_t batch = in[0]->shape.dims[0], width = in[0]->shape.dims[1];
    cni_shape out;
    repeated_shape(layer, count, &in[0]->shape, &out, NULL);
    return cni_broadcast(lowering->graph, cni_reshape(lowering->graph, in[0], CNI_SHAPE(batch, 1, width)), out);
}

const cni_layer_kind cni_permute_layer = {
    .kind = {.name = "Permute",
             .module = "keras.layers",
             .args_size = sizeof(cn_permute_args),
             CNI_FIELDS(permute_fields),
             .check = check,
             .help = "puts the axes in another order",
             .keras = "Permute((2, 1))",
             .example = "cn_add(model, cn_permute({2, 1}));",
             .formula = "out.shape[i] = in.shape[dims[i]]"},
    .min_rank = 1,
    .lazily_built = true,
    .output_shape = permuted_shape,
    .view = view_permute,
    .lower = lower_permute,
};

const cni_layer_kind cni_repeat_vector_layer = {
    .kind = {.name = "RepeatVector",
             .module = "keras.layers",
             .args_size = sizeof(cn_repeat_vector_args),
             CNI_FIELDS(repeat_fields),
             .help = "repeats each row of numbers",
             .keras = "RepeatVector(3)",
             .example = "cn_add(model, cn_repeat_vector(3));",
             .formula = "in [batch, c] -> out [batch, n, c]"},
    .min_rank = 2,
    .max_rank = 2,
    .lazily_built = true,
    .output_shape = repeated_shape,
    .view = cni_view_of_all,
    .lower = lower_repeat,
};
