/* SPDX-License-Identifier: Apache-2.0
 * Dropout and SpatialDropout2D: in training some numbers, or whole channels, are left out, at random (keras-semantics
 * 2.12). */
#include "layers/layers.h"

#include <inttypes.h>

#define ARGS cn_dropout_args
static const cni_field fields[] = {
    CNI_FIELD(rate, "rate", CNI_REQUIRED, NULL, 0, 1, "share of the numbers that are left out, 0 to 1"),
    CNI_FIELD(noise_shape, "noise_shape", CNI_NULLABLE | CNI_NONES, "None", 0, 0,
              "shape of what is drawn, with the batch; 1 leaves out a whole axis, None is the input's size"),
    CNI_FIELD(seed, "seed", CNI_NULLABLE, "None", 0, 2147483647, "fixes what is left out; drawn when absent"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status check(void *given, cni_error *error)
{
    const cn_dropout_args *args = given;
    for (int i = 0; i < cni_ints_count(args->noise_shape); i++)
        if (args->noise_shape[i] < CN_NONE)
            return cni_fail(error, CN_ERR_INVALID, "noise_shape holds %d; expected sizes from 1 upwards, or None",
                            args->noise_shape[i]);
    return CN_OK;
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cn_dropout_args *args = layer->config->args;
    const int rank = cni_ints_count(args->noise_shape);
    *out = *in;
    if (!rank) return CN_OK;
    if (rank != in->rank)
        return cni_fail(error, CN_ERR_SHAPE, "noise_shape has %d dimensions, the input, shape %s, has %d", rank,
                        CNI_SHOW_SHAPE(in), in->rank);
    for (int i = 0; i < rank; i++) {
        const int noise = args->noise_shape[i];
        if (noise != 1 && noise != CN_NONE && noise != in->dims[i] && (i == 0 || in->dims[i] >= 0))
            return cni_fail(error, CN_ERR_SHAPE,
                            "noise_shape holds %d for axis %d of the input, shape %s; give None or 1", noise, i,
                            CNI_SHOW_SHAPE(in));
    }
    return CN_OK;
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_dropout_args *args = layer->config->args;
    if (!lowering->training || args->rate == 0) return in[0];
    cni_shape noise = {.rank = cni_ints_count(args->noise_shape)};
    for (int i = 0; i < noise.rank; i++) noise.dims[i] = args->noise_shape[i];
    return cni_dropout(lowering->graph, in[0], &layer->seed, args->rate, noise.rank ? &noise : NULL);
}

static bool seeded(const cn_layer *layer)
{
    return ((const cn_dropout_args *)layer->config->args)->rate > 0;
}

const cni_layer_kind cni_dropout_layer = {
    .kind = {.name = "Dropout",
             .module = "keras.layers",
             .args_size = sizeof(cn_dropout_args),
             CNI_FIELDS(fields),
             .order = "name trainable dtype rate seed noise_shape",
             .check = check,
             .help = "in training leaves out a share of the numbers, so that none is relied on too much",
             .keras = "Dropout(0.5)",
             .example = "cn_add(model, cn_dropout(0.5));",
             .formula = "training: in / (1 - rate) where kept, else 0;  otherwise: in"},
    .min_rank = 1,
    .traits = CNI_IS_DROPOUT | CNI_IS_NOTHING,
    .output_shape = output_shape,
    .lower = lower,
    .seeded = seeded,
};
#undef ARGS

/* ---- SpatialDropout2D ---- */

#define ARGS cn_spatial_dropout2d_args
static const cni_field spatial_fields[] = {
    CNI_FIELD(rate, "rate", CNI_REQUIRED, NULL, 0, 1, "share of the channels that are left out, 0 to 1"),
    CNI_FIELD(data_format, "data_format", 0, "None", 0, 0,
              "'channels_last' (n, h, w, c) or 'channels_first' (n, c, h, w)"),
    CNI_FIELD(seed, "seed", CNI_NULLABLE, "None", 0, 2147483647, "fixes what is left out; drawn when absent"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status same_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)layer, (void)count, (void)error;
    *out = *in;
    return CN_OK;
}

static cni_tensor *lower_spatial(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_spatial_dropout2d_args *args = layer->config->args;
    const cni_image_axes axes = cni_image_axes_of(args->data_format);
    if (!lowering->training || args->rate == 0) return in[0];
    cni_shape noise = {.rank = 4, .dims = {CNI_UNKNOWN, CNI_UNKNOWN, CNI_UNKNOWN, CNI_UNKNOWN}};
    noise.dims[axes.rows] = noise.dims[axes.columns] = 1;
    return cni_dropout(lowering->graph, in[0], &layer->seed, args->rate, &noise);
}

static bool seeded_spatial(const cn_layer *layer)
{
    return ((const cn_spatial_dropout2d_args *)layer->config->args)->rate > 0;
}

const cni_layer_kind cni_spatial_dropout2d_layer = {
    .kind = {.name = "SpatialDropout2D",
             .module = "keras.layers",
             .args_size = sizeof(cn_spatial_dropout2d_args),
             CNI_FIELDS(spatial_fields),
             .order = "rate seed name dtype data_format",
             .help = "in training leaves out whole channels, at random",
             .keras = "SpatialDropout2D(0.2)",
             .example = "cn_add(model, cn_spatial_dropout2d(0.2));",
             .formula = "training: in / (1 - rate) in the channels that are kept, else 0;  otherwise: in"},
    .min_rank = 4,
    .max_rank = 4,
    .traits = CNI_IS_DROPOUT | CNI_IS_NOTHING | CNI_NAME_HAS_PLACE,
    .output_shape = same_shape,
    .lower = lower_spatial,
    .seeded = seeded_spatial,
};
