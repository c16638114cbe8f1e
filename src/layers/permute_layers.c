/* SPDX-License-Identifier: Apache-2.0
 * Permute and RepeatVector: the same numbers in another order, or several times.  Described, not run. */
#include "layers/layers.h"
#include "layers/spatial_layers.h"

typedef struct permute_args {
    cn_layer_args head;
    int dims[8], n;
    const char *name;
    bool frozen;
} permute_args;

#define ARGS permute_args
static const cni_field permute_fields[] = {
    CNI_FIELD(dims, "dims", CNI_REQUIRED, NULL, 0, 0, "the axes in their new order, from 1, without the batch: (2, 1)"),
    CNI_LAYER_FIELDS, CNI_ACTIVITY};
static const cni_field repeat_fields[] = {CNI_FIELD(n, "n", CNI_REQUIRED, NULL, 1, 1e9, "how many times"),
                                          CNI_LAYER_FIELDS, CNI_ACTIVITY};

static cn_status check(void *given, cni_error *error)
{
    const permute_args *args = given;
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
    const permute_args *args = layer->config->args;
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
    const permute_args *args = config->args;
    for (int i = 0; i < cni_ints_count(args->dims); i++)
        if (args->dims[i] != i + 1) view->type = CNI_VIEW_ALL;
}

static cn_status repeated_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count, (void)error;
    *out = CNI_SHAPE(in->dims[0], ((const permute_args *)layer->config->args)->n, in->dims[1]);
    return CN_OK;
}

const cni_layer_kind cni_permute_layer = {
    .kind = {.name = "Permute",
             .module = "keras.layers",
             .args_size = sizeof(permute_args),
             CNI_FIELDS(permute_fields),
             .check = check,
             .help = "puts the axes in another order",
             .keras = "Permute((2, 1))",
             .formula = "out.shape[i] = in.shape[dims[i]]"},
    .min_rank = 1,
    .lazily_built = true,
    .output_shape = permuted_shape,
    .view = view_permute,
};

const cni_layer_kind cni_repeat_vector_layer = {
    .kind = {.name = "RepeatVector",
             .module = "keras.layers",
             .args_size = sizeof(permute_args),
             CNI_FIELDS(repeat_fields),
             .help = "repeats each row of numbers",
             .keras = "RepeatVector(3)",
             .formula = "in [batch, c] -> out [batch, n, c]"},
    .min_rank = 2,
    .max_rank = 2,
    .lazily_built = true,
    .output_shape = repeated_shape,
    .view = cni_view_of_all,
};
