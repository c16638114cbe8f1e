/* SPDX-License-Identifier: Apache-2.0
 * BatchNorm1d to 3d, their lazy forms, InstanceNorm1d to 3d, GroupNorm, LayerNorm, LocalResponseNorm. */
#include "layers/torch/torch.h"

#include <inttypes.h>
#include <math.h>

/* ---- over the batch, or over each image ---- */

typedef struct norm_args {
    cn_layer_args head;
    int num_features; /* 0: lazy */
    double eps, momentum;
    bool affine, track_running_stats, bias;
    CNI_TORCH_FACTORY_MEMBERS;
} norm_args;
#define ARGS norm_args

#define ROWS_AFTER_FEATURES(on)                                                                                        \
    CNI_FIELD(eps, "eps", 0, "1e-05", 0, 0, "added to the variance, so that nothing is divided by 0"),                 \
        CNI_FIELD(momentum, "momentum", CNI_NULLABLE, "0.1", 0, 0,                                                     \
                  "how much of a batch's statistics goes into the running ones; Keras says 0.9 for 0.1"),              \
        CNI_FIELD(affine, "affine", 0, on, 0, 0, "whether it is multiplied by a weight and a bias is added"),          \
        CNI_FIELD(track_running_stats, "track_running_stats", 0, on, 0, 0, "whether running statistics are kept"),     \
        CNI_TORCH_FACTORY, CNI_FIELD(bias, "bias", 0, "True", 0, 0, "whether affine has a bias, too")
#define FEATURES CNI_FIELD(num_features, "num_features", CNI_REQUIRED, NULL, 1, 1e9, "channels that come in")
static const cni_field batch_fields[] = {FEATURES, ROWS_AFTER_FEATURES("True")};
static const cni_field lazy_fields[] = {ROWS_AFTER_FEATURES("True")};
static const cni_field instance_fields[] = {FEATURES, ROWS_AFTER_FEATURES("False")};

/* BatchNorm1d takes vectors, too. */
static cn_status expect_rank(const cn_layer *layer, const cni_shape *in, cni_error *error)
{
    const bool vectors = cni_torch_spatial(layer->config) == 1 && layer->kind->traits & CNI_IS_BATCH_NORM;
    return vectors && in->rank == 2 ? CN_OK : cni_torch_expect_map(layer, in, error);
}

/* InstanceNorm without weights and statistics takes any number of channels, with a warning. */
static bool looks_at_channels(const cn_layer *layer)
{
    const norm_args *args = layer->config->args;
    return layer->kind->traits & CNI_IS_BATCH_NORM || args->affine || args->track_running_stats;
}

static cn_status norm_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const norm_args *args = layer->config->args;
    CN_TRY(expect_rank(layer, in, error));
    if (args->num_features && looks_at_channels(layer))
        CN_TRY(cni_torch_expect_channels("num_features", args->num_features, in, error));
    *out = *in;
    return CN_OK;
}

static cn_status norm_build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const norm_args *args = layer->config->args;
    int64_t channels = args->num_features;
    if (!channels) {
        CN_TRY(expect_rank(layer, in, error));
        CN_TRY(cni_known_channels(in, 1, &channels, error));
    }
    const cni_shape shape = CNI_SHAPE(channels);
    if (args->affine) CN_TRY(cni_torch_weight(layer, "weight", &shape, true, error));
    if (args->affine && args->bias) CN_TRY(cni_torch_weight(layer, "bias", &shape, true, error));
    if (!args->track_running_stats) return CN_OK;
    CN_TRY(cni_torch_weight(layer, "running_mean", &shape, false, error));
    return cni_torch_weight(layer, "running_var", &shape, false, error);
}

/* Keras' defaults are not said. */
static const char *weights_text(bool center, bool scale)
{
    if (center) return scale ? "" : ", scale=False";
    return scale ? ", center=False" : ", center=False, scale=False";
}

static cn_status say_groups(cni_torch_call *call, int groups, double eps, bool center, bool scale)
{
    return cni_torch_say(call, "GroupNormalization(groups=%d, axis=1, epsilon=%s%s)", groups,
                         cni_show_real(eps, (char[32]){0}), weights_text(center, scale));
}

static cn_status translate_batch(cni_torch_call *call)
{
    const norm_args *args = call->config->args;
    if (!args->track_running_stats)
        return cni_torch_refuse(call, "it always has running statistics, and this one has none");
    if (isnan(args->momentum)) return cni_torch_refuse(call, "momentum=None averages over all batches");
    return cni_torch_say(call, "BatchNormalization(axis=1, momentum=%s, epsilon=%s%s)",
                         cni_show_real(1 - args->momentum, (char[32]){0}), cni_show_real(args->eps, (char[32]){0}),
                         weights_text(args->affine && args->bias, args->affine));
}

static cn_status translate_instance(cni_torch_call *call)
{
    const norm_args *args = call->config->args;
    if (args->track_running_stats) return cni_torch_refuse(call, "it keeps no running statistics of single images");
    return say_groups(call, -1, args->eps, args->affine && args->bias, args->affine);
}

#define NORM(variable, name_, fields_, spatial_, traits_, translate_, help_)                                           \
    const cni_torch_kind variable = {                                                                                  \
        .layer = {.kind = {.name = (name_), .args_size = sizeof(norm_args), CNI_FIELDS(fields_), .help = (help_)},     \
                  .traits = (traits_),                                                                                 \
                  .output_shape = norm_shape,                                                                          \
                  .build = norm_build,                                                                                 \
                  .keras = cni_torch_keras},                                                                           \
        .spatial = (spatial_),                                                                                         \
        .translate = (translate_)}
#define BATCH_NORM(variable, name_, fields_, spatial_)                                                                 \
    NORM(variable, name_, fields_, spatial_, CNI_IS_BATCH_NORM | CNI_IS_NORMALIZATION, translate_batch,                \
         "brings each channel to mean 0 and variance 1 over the batch")
#define INSTANCE_NORM(variable, name_, spatial_)                                                                       \
    NORM(variable, name_, instance_fields, spatial_, CNI_IS_NORMALIZATION, translate_instance,                         \
         "brings each channel of each image to mean 0 and variance 1")

BATCH_NORM(cni_torch_batch_norm1d, "BatchNorm1d", batch_fields, 1);
BATCH_NORM(cni_torch_batch_norm2d, "BatchNorm2d", batch_fields, 2);
BATCH_NORM(cni_torch_batch_norm3d, "BatchNorm3d", batch_fields, 3);
BATCH_NORM(cni_torch_lazy_batch_norm1d, "LazyBatchNorm1d", lazy_fields, 1);
BATCH_NORM(cni_torch_lazy_batch_norm2d, "LazyBatchNorm2d", lazy_fields, 2);
BATCH_NORM(cni_torch_lazy_batch_norm3d, "LazyBatchNorm3d", lazy_fields, 3);
INSTANCE_NORM(cni_torch_instance_norm1d, "InstanceNorm1d", 1);
INSTANCE_NORM(cni_torch_instance_norm2d, "InstanceNorm2d", 2);
INSTANCE_NORM(cni_torch_instance_norm3d, "InstanceNorm3d", 3);
#undef ARGS

/* ---- GroupNorm ---- */

typedef struct group_args {
    cn_layer_args head;
    int num_groups, num_channels;
    double eps;
    bool affine, bias;
    CNI_TORCH_FACTORY_MEMBERS;
} group_args;
#define ARGS group_args

static const cni_field group_fields[] = {
    CNI_FIELD(num_groups, "num_groups", CNI_REQUIRED, NULL, 1, 1e9, "groups that the channels are split into"),
    CNI_FIELD(num_channels, "num_channels", CNI_REQUIRED, NULL, 1, 1e9, "channels that come in"),
    CNI_FIELD(eps, "eps", 0, "1e-05", 0, 0, "added to the variance, so that nothing is divided by 0"),
    CNI_FIELD(affine, "affine", 0, "True", 0, 0, "whether it is multiplied by a weight and a bias is added"),
    CNI_TORCH_FACTORY,
    CNI_FIELD(bias, "bias", 0, "True", 0, 0, "whether affine has a bias, too"),
};

static cn_status check_group(void *given, cni_error *error)
{
    const group_args *args = given;
    if (args->num_channels % args->num_groups == 0) return CN_OK;
    return cni_fail(error, CN_ERR_INVALID, "num_groups=%d does not divide num_channels=%d; use %s", args->num_groups,
                    args->num_channels,
                    cni_common_divisors(args->num_channels, args->num_channels, (char[160]){0}, 160));
}

static cn_status group_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const group_args *args = layer->config->args;
    if (in->rank < 2)
        return cni_fail(error, CN_ERR_SHAPE, "expected an input (batch, channels, ...), got one of shape %s",
                        CNI_SHOW_SHAPE(in));
    CN_TRY(cni_torch_expect_channels("num_channels", args->num_channels, in, error));
    *out = *in;
    return CN_OK;
}

static cn_status group_build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count, (void)in;
    const group_args *args = layer->config->args;
    const cni_shape shape = CNI_SHAPE(args->num_channels);
    if (args->affine) CN_TRY(cni_torch_weight(layer, "weight", &shape, true, error));
    return args->affine && args->bias ? cni_torch_weight(layer, "bias", &shape, true, error) : CN_OK;
}

static cn_status translate_group(cni_torch_call *call)
{
    const group_args *args = call->config->args;
    return say_groups(call, args->num_groups, args->eps, args->affine && args->bias, args->affine);
}

const cni_torch_kind cni_torch_group_norm = {
    .layer = {.kind = {.name = "GroupNorm",
                       .args_size = sizeof(group_args),
                       CNI_FIELDS(group_fields),
                       .check = check_group,
                       .help = "brings each group of channels of each image to mean 0 and variance 1"},
              .traits = CNI_IS_NORMALIZATION,
              .output_shape = group_shape,
              .build = group_build,
              .keras = cni_torch_keras},
    .translate = translate_group};
#undef ARGS

/* ---- LayerNorm ---- */

typedef struct layer_norm_args {
    cn_layer_args head;
    cni_tuple normalized_shape;
    double eps;
    bool elementwise_affine, bias;
    CNI_TORCH_FACTORY_MEMBERS;
} layer_norm_args;
#define ARGS layer_norm_args

static const cni_field layer_norm_fields[] = {
    CNI_FIELD(normalized_shape, "normalized_shape", CNI_REQUIRED, NULL, 1, 1e9, "the last sizes of the input"),
    CNI_FIELD(eps, "eps", 0, "1e-05", 0, 0, "added to the variance, so that nothing is divided by 0"),
    CNI_FIELD(elementwise_affine, "elementwise_affine", 0, "True", 0, 0, "whether there is a weight per number"),
    CNI_FIELD(bias, "bias", 0, "True", 0, 0, "whether there is a bias per number, too"),
    CNI_TORCH_FACTORY,
};

static cn_status layer_norm_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out,
                                  cni_error *error)
{
    (void)count;
    const layer_norm_args *args = layer->config->args;
    const int axes = args->normalized_shape.count;
    bool fits = axes < in->rank;
    for (int i = 0; fits && i < axes; i++) {
        const int64_t given = in->dims[in->rank - axes + i];
        fits = given < 0 || given == args->normalized_shape.at[i];
    }
    *out = *in;
    if (fits) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "normalized_shape=%s is not what the input's shape, %s, ends with",
                    CNI_TORCH_SHOW(&args->normalized_shape, axes), CNI_SHOW_SHAPE(in));
}

static cn_status layer_norm_build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count, (void)in;
    const layer_norm_args *args = layer->config->args;
    cni_shape shape = {.rank = args->normalized_shape.count};
    for (int i = 0; i < shape.rank; i++) shape.dims[i] = args->normalized_shape.at[i];
    if (args->elementwise_affine) CN_TRY(cni_torch_weight(layer, "weight", &shape, true, error));
    return args->elementwise_affine && args->bias ? cni_torch_weight(layer, "bias", &shape, true, error) : CN_OK;
}

static cn_status translate_layer_norm(cni_torch_call *call)
{
    static const char *const axes[] = {"", "-1", "[-2, -1]", "[-3, -2, -1]", "[-4, -3, -2, -1]"};
    const layer_norm_args *args = call->config->args;
    if (args->normalized_shape.count > 4) return cni_torch_refuse(call, "it has %d axes", args->normalized_shape.count);
    return cni_torch_say(call, "LayerNormalization(axis=%s, epsilon=%s%s)", axes[args->normalized_shape.count],
                         cni_show_real(args->eps, (char[32]){0}),
                         weights_text(args->elementwise_affine && args->bias, args->elementwise_affine));
}

const cni_torch_kind cni_torch_layer_norm = {
    .layer = {.kind = {.name = "LayerNorm",
                       .args_size = sizeof(layer_norm_args),
                       CNI_FIELDS(layer_norm_fields),
                       .help = "brings the numbers of each image, or of each position, to mean 0 and variance 1"},
              .traits = CNI_IS_NORMALIZATION,
              .output_shape = layer_norm_shape,
              .build = layer_norm_build,
              .keras = cni_torch_keras},
    .translate = translate_layer_norm};
#undef ARGS

/* ---- LocalResponseNorm ---- */

typedef struct response_args {
    cn_layer_args head;
    int size;
    double alpha, beta, k;
} response_args;
#define ARGS response_args

static const cni_field response_fields[] = {
    CNI_FIELD(size, "size", CNI_REQUIRED, NULL, 1, 1e6, "neighbouring channels that count"),
    CNI_FIELD(alpha, "alpha", 0, "0.0001", 0, 0, "how much they count"),
    CNI_FIELD(beta, "beta", 0, "0.75", 0, 0, "exponent of the divisor"),
    CNI_FIELD(k, "k", 0, "1.0", 0, 0, "added to the sum"),
};

static cn_status response_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)layer, (void)count;
    *out = *in;
    if (in->rank > 2) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "expected an input (batch, channels, ...) with sizes, got one of shape %s",
                    CNI_SHOW_SHAPE(in));
}

const cni_torch_kind cni_torch_local_response_norm = {
    .layer = {.kind = {.name = "LocalResponseNorm",
                       .args_size = sizeof(response_args),
                       CNI_FIELDS(response_fields),
                       .help = "divides each number by those of neighbouring channels"},
              .traits = CNI_IS_NORMALIZATION,
              .output_shape = response_shape,
              .keras = cni_torch_keras}};
