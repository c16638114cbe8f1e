/* SPDX-License-Identifier: Apache-2.0
 * InputLayer: the shape of what a model is given (keras-semantics 2.17). */
#include "layers/layers.h"

#include <string.h>

/* C and Keras' text give shape and batch_size, JSON the two as batch_shape; `check` makes both of either. */
typedef struct input_args {
    cn_input_args given;
    int batch_shape[CN_MAX_RANK];
} input_args;

#define ARGS input_args
static const cni_field fields[] = {
    CNI_RENAMED(given.shape, "shape", "input_shape", CNI_NULLABLE | CNI_NONES, "None", 0, 0,
                "shape of one image, without the batch: (rows, columns, channels); None for a free dimension"),
    CNI_FIELD(given.batch_size, "batch_size", CNI_NULLABLE, "None", 1, 1e9,
              "number of images in a batch; free if absent"),
    CNI_ONLY("dtype", "float32", 0),
    CNI_ONLY("sparse", "False", 0),
    CNI_ONLY("ragged", "False", 0),
    CNI_RENAMED(batch_shape, "batch_shape", "batch_input_shape", CNI_NULLABLE | CNI_NONES, "None", 0, 0,
                "the shape with the batch, instead of shape and batch_size"),
    CNI_ONLY("input_tensor", "None", CNI_READ_ONLY),
    CNI_ONLY("optional", "False", 0),
    CNI_FIELD(given.name, "name", CNI_NULLABLE, "None", 0, 0, "name of the layer; numbered when absent"),
};

static cn_status check_dims(const int *dims, const char *key, cni_error *error)
{
    for (int i = 0; i < cni_ints_count(dims); i++)
        if (dims[i] < CN_NONE)
            return cni_fail(error, CN_ERR_INVALID, "%s holds %d; expected sizes from 1 upwards, None for a free one",
                            key, dims[i]);
    return CN_OK;
}

static cn_status check(void *given, cni_error *error)
{
    input_args *args = given;
    int *shape = args->given.shape, *whole = args->batch_shape;
    const int rank = cni_ints_count(shape), whole_rank = cni_ints_count(whole);
    const bool sized = args->given.batch_size != CNI_NONE_INT;
    CN_TRY(check_dims(shape, "shape", error));
    CN_TRY(check_dims(whole, "batch_shape", error));
    if (!rank && !whole_rank)
        return cni_fail(error, CN_ERR_INVALID, "shape is missing: give the shape of one image, e.g. (28, 28, 1)");
    if (whole_rank && (rank || sized))
        return cni_fail(error, CN_ERR_INVALID, "batch_shape and %s are both given; batch_shape holds the batch already",
                        rank ? "shape" : "batch_size");
    if (rank == CN_MAX_RANK)
        return cni_fail(error, CN_ERR_LIMIT, "shape has %d dimensions; at most %d are possible beside the batch", rank,
                        CN_MAX_RANK - 1);
    if (whole_rank) {
        args->given.batch_size = whole[0] == CN_NONE ? CNI_NONE_INT : whole[0];
        memcpy(shape, whole + 1, (size_t)(whole_rank - 1) * sizeof *shape);
    } else {
        whole[0] = sized ? args->given.batch_size : CN_NONE;
        memcpy(whole + 1, shape, (size_t)rank * sizeof *shape);
    }
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count, (void)in, (void)error;
    const input_args *args = layer->config->args;
    *out = (cni_shape){.rank = cni_ints_count(args->batch_shape)};
    for (int i = 0; i < out->rank; i++) out->dims[i] = args->batch_shape[i];
    return CN_OK;
}

/* Whoever lowers a model binds its inputs; an input that is called passes on what it is given. */
static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)lowering, (void)layer, (void)count;
    return in[0];
}

static const char *const aliases[] = {"Input", NULL};

const cni_layer_kind cni_input_layer = {
    .kind = {.name = "InputLayer",
             .aliases = aliases,
             .module = "keras.layers",
             .args_size = sizeof(input_args),
             .public_size = sizeof(cn_input_args),
             CNI_FIELDS(fields),
             .order = "batch_shape dtype sparse ragged name optional",
             .ignores_unknown = true,
             .check = check,
             .help = "the shape of what the model is given",
             .keras = "Input(shape=(28, 28, 1))",
             .example = "cn_add(model, cn_input({28, 28, 1}));"},
    .traits = CNI_IS_INPUT,
    .output_shape = output_shape,
    .lower = lower,
};
