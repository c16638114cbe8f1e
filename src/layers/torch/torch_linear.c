/* SPDX-License-Identifier: Apache-2.0
 * Linear and LazyLinear: a sum over the last axis. */
#include "layers/torch/torch.h"

#include <inttypes.h>

typedef struct linear_args {
    cn_layer_args head;
    int in_features, out_features; /* in_features 0: lazy */
    bool bias;
    CNI_TORCH_FACTORY_MEMBERS;
} linear_args;
#define ARGS linear_args

#define ROWS_AFTER_IN                                                                                                  \
    CNI_FIELD(out_features, "out_features", CNI_REQUIRED, NULL, 1, 1e9, "numbers that go out"),                        \
        CNI_FIELD(bias, "bias", 0, "True", 0, 0, "whether a number per output is added"), CNI_TORCH_FACTORY
static const cni_field fields[] = {
    CNI_FIELD(in_features, "in_features", CNI_REQUIRED, NULL, 1, 1e9, "numbers that come in"), ROWS_AFTER_IN};
static const cni_field lazy_fields[] = {ROWS_AFTER_IN};

static void view(const cni_object *config, cni_view *view)
{
    (void)config;
    *view = (cni_view){.type = CNI_VIEW_POINT, .multiplies = CNI_MULTIPLIES_AT_OUTPUTS, .groups = 1};
}

static cn_status wrong_size(const linear_args *args, const cni_shape *in, cni_error *error)
{
    const int64_t given = in->dims[in->rank - 1], flat = cni_shape_count(in, 1);
    const char *shape = CNI_SHOW_SHAPE(in);
    if (flat == args->in_features)
        return cni_fail(error, CN_ERR_SHAPE,
                        "in_features=%d, but the last axis of the input, shape %s, has %" PRId64
                        ": put Flatten() before it",
                        args->in_features, shape, given);
    if (in->rank > 2 && flat > 0)
        return cni_fail(error, CN_ERR_SHAPE,
                        "in_features=%d, but the last axis of the input, shape %s, has %" PRId64
                        ": put Flatten() before it, which gives %" PRId64 " values, or write in_features=%" PRId64,
                        args->in_features, shape, given, flat, given);
    return cni_fail(error, CN_ERR_SHAPE,
                    "in_features=%d, but %" PRId64 " values arrive (shape %s); in_features=%" PRId64 " would fit",
                    args->in_features, given, shape, given);
}

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const linear_args *args = layer->config->args;
    if (in->rank < 2)
        return cni_fail(error, CN_ERR_SHAPE, "expected an input (batch, values), got one of shape %s",
                        CNI_SHOW_SHAPE(in));
    const int64_t given = in->dims[in->rank - 1];
    if (args->in_features && given >= 0 && given != args->in_features) return wrong_size(args, in, error);
    *out = *in;
    out->dims[in->rank - 1] = args->out_features;
    return CN_OK;
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const linear_args *args = layer->config->args;
    int64_t features = args->in_features;
    if (!features && in->rank < 2)
        return cni_fail(error, CN_ERR_SHAPE, "expected an input (batch, values), got one of shape %s",
                        CNI_SHOW_SHAPE(in));
    if (!features) CN_TRY(cni_known_channels(in, in->rank - 1, &features, error));
    CN_TRY(cni_torch_weight(layer, "weight", &CNI_SHAPE(args->out_features, features), true, error));
    return args->bias ? cni_torch_weight(layer, "bias", &CNI_SHAPE(args->out_features), true, error) : CN_OK;
}

static cn_status translate(cni_torch_call *call)
{
    const linear_args *args = call->config->args;
    const cni_shape *in = call->place->in;
    const int64_t fan_in = args->in_features ? args->in_features : in && in->rank ? in->dims[in->rank - 1] : 0;
    return cni_torch_say(call, "Dense(%d%s%s)", args->out_features, args->bias ? "" : ", use_bias=False",
                         cni_torch_initializers(call, (double)fan_in, args->bias, (char[256]){0}, 256));
}

#define LINEAR(variable, name_, fields_, help_)                                                                        \
    const cni_torch_kind variable = {                                                                                  \
        .layer = {.kind = {.name = (name_), .args_size = sizeof(linear_args), CNI_FIELDS(fields_), .help = (help_)},   \
                  .traits = CNI_IS_DENSE,                                                                              \
                  .output_shape = output_shape,                                                                        \
                  .build = build,                                                                                      \
                  .view = view,                                                                                        \
                  .keras = cni_torch_keras},                                                                           \
        .translate = translate}

LINEAR(cni_torch_linear, "Linear", fields, "each output is a weighted sum of all inputs");
LINEAR(cni_torch_lazy_linear, "LazyLinear", lazy_fields, "the same, with in_features from the first input");
