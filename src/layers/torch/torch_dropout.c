/* SPDX-License-Identifier: Apache-2.0
 * What does nothing once a network is trained: Dropout and its relatives, Identity. */
#include "layers/torch/torch.h"

typedef struct dropout_args {
    cn_layer_args head;
    double p;
    bool inplace;
} dropout_args;
#define ARGS dropout_args

static const cni_field fields[] = {CNI_FIELD(p, "p", 0, "0.5", 0, 1, "share of the numbers that become 0 in training"),
                                   CNI_TORCH_INPLACE};

static cn_status say(cni_torch_call *call, const char *class_name)
{
    const dropout_args *args = call->config->args;
    return cni_torch_say(call, "%s(%s)", class_name, cni_show_real(args->p, (char[32]){0}));
}

static cn_status translate_dropout(cni_torch_call *call)
{
    return say(call, "Dropout");
}

static cn_status translate_alpha(cni_torch_call *call)
{
    return say(call, "AlphaDropout");
}

/* Whole channels; Keras' SpatialDropout1D knows channels_last only. */
static cn_status translate_channels(cni_torch_call *call)
{
    const dropout_args *args = call->config->args;
    const int spatial = cni_torch_spatial(call->config);
    if (call->place->in && call->place->in->rank != spatial + 2)
        return cni_torch_refuse(call, "its SpatialDropout%dD takes maps", spatial);
    if (spatial == 1) return cni_torch_refuse(call, "its SpatialDropout1D takes channels last only");
    return cni_torch_say(call, "SpatialDropout%dD(%s, data_format='channels_first')", spatial,
                         cni_show_real(args->p, (char[32]){0}));
}

#define DROPOUT(variable, name_, spatial_, translate_, help_)                                                          \
    const cni_torch_kind variable = {                                                                                  \
        .layer = {.kind = {.name = (name_), .args_size = sizeof(dropout_args), CNI_FIELDS(fields), .help = (help_)},   \
                  .traits = CNI_IS_DROPOUT | CNI_IS_NOTHING,                                                           \
                  .output_shape = cni_torch_same_shape,                                                                \
                  .keras = cni_torch_keras},                                                                           \
        .spatial = (spatial_),                                                                                         \
        .translate = (translate_)}

DROPOUT(cni_torch_dropout, "Dropout", 0, translate_dropout, "sets numbers to 0 at random in training");
DROPOUT(cni_torch_dropout1d, "Dropout1d", 1, translate_channels, "sets whole channels to 0 at random in training");
DROPOUT(cni_torch_dropout2d, "Dropout2d", 2, translate_channels, "sets whole channels to 0 at random in training");
DROPOUT(cni_torch_dropout3d, "Dropout3d", 3, translate_channels, "sets whole channels to 0 at random in training");
DROPOUT(cni_torch_alpha_dropout, "AlphaDropout", 0, translate_alpha, "dropout that keeps mean and variance, for SELU");

const cni_torch_kind cni_torch_identity = {.layer = {.kind = {.name = "Identity",
                                                              .ignores_unknown = true,
                                                              .args_size = sizeof(cn_layer_args),
                                                              .help = "passes what comes in, whatever its arguments"},
                                                     .traits = CNI_IS_NOTHING,
                                                     .output_shape = cni_torch_same_shape,
                                                     .keras = cni_torch_keras},
                                           .translate = cni_torch_say_nothing};
