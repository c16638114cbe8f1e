/* SPDX-License-Identifier: Apache-2.0
 * What looks at a whole dimension: Softmax, Softmin, LogSoftmax, Softmax2d, GLU; and PReLU, whose slopes are learned.
 */
#include "layers/torch/torch.h"

#include <inttypes.h>
#include <string.h>

typedef struct softmax_args {
    cn_layer_args head;
    int dim;
} softmax_args;
#define ARGS softmax_args

static const cni_field softmax_fields[] = {
    CNI_FIELD(dim, "dim", CNI_NULLABLE, "None", -8, 7, "dimension whose numbers sum to 1; None: 1, or 0 for vectors")};
static const cni_field glu_fields[] = {CNI_FIELD(dim, "dim", 0, "-1", -8, 7, "dimension that is halved")};

/* None: as PyTorch has it, with a warning. */
static int dim_of(const cni_object *config, int rank)
{
    const softmax_args *args = config->args;
    if (strcmp(config->kind->name, "Softmax2d") == 0) return -3;
    return args->dim != CNI_NONE_INT ? args->dim : rank == 3 || rank < 2 ? 0 : 1;
}

static cn_status softmax_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    int dim;
    *out = *in;
    if (cni_torch_spatial(layer->config) && in->rank != 3) CN_TRY(cni_torch_expect_map(layer, in, error));
    return cni_torch_dim("dim", dim_of(layer->config, in->rank), in->rank, in, &dim, error);
}

static cn_status translate_softmax(cni_torch_call *call)
{
    const cni_shape *in = call->place->in;
    const int dim = dim_of(call->config, in ? in->rank : 2);
    if (dim == 0) return cni_torch_refuse(call, "it never mixes images");
    return cni_torch_say(call, "Softmax(axis=%d)", dim);
}

/* Of vectors, the dimension is Keras' default. */
static cn_status translate_log(cni_torch_call *call)
{
    const cni_shape *in = call->place->in;
    const int rank = in ? in->rank : 2, dim = dim_of(call->config, rank);
    if (dim == 0) return cni_torch_refuse(call, "it never mixes images");
    if (dim == -1 || dim == rank - 1) return cni_torch_say(call, "Activation('log_softmax')");
    return cni_torch_say(call, "Activation(log_softmax(axis=%d))", dim);
}

static cn_status glu_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const softmax_args *args = layer->config->args;
    int dim;
    *out = *in;
    CN_TRY(cni_torch_dim("dim", args->dim, in->rank, in, &dim, error));
    if (in->dims[dim] >= 0 && in->dims[dim] % 2)
        return cni_fail(error, CN_ERR_SHAPE, "dimension %d of the input, shape %s, cannot be halved", dim,
                        CNI_SHOW_SHAPE(in));
    if (in->dims[dim] >= 0) out->dims[dim] /= 2;
    return CN_OK;
}

static cn_status translate_glu(cni_torch_call *call)
{
    const softmax_args *args = call->config->args;
    if (args->dim == -1) return cni_torch_say(call, "Activation('glu')");
    return cni_torch_say(call, "Activation(glu(axis=%d))", args->dim);
}

#define SOFTMAX(variable, name_, fields_, count_, spatial_, traits_, shape_, translate_, help_)                        \
    const cni_torch_kind variable = {.layer = {.kind = {.name = (name_),                                               \
                                                        .args_size = sizeof(softmax_args),                             \
                                                        .fields = (fields_),                                           \
                                                        .field_count = (count_),                                       \
                                                        .help = (help_)},                                              \
                                               .traits = CNI_IS_ACTIVATION | (traits_),                                \
                                               .output_shape = (shape_),                                               \
                                               .keras = cni_torch_keras},                                              \
                                     .spatial = (spatial_),                                                            \
                                     .translate = (translate_)}

SOFTMAX(cni_torch_softmax, "Softmax", softmax_fields, 1, 0, CNI_IS_SOFTMAX | CNI_IS_NOT_NEGATIVE, softmax_shape,
        translate_softmax, "positive numbers that sum to 1");
SOFTMAX(cni_torch_softmin, "Softmin", softmax_fields, 1, 0, CNI_IS_NOT_NEGATIVE, softmax_shape, NULL,
        "softmax of the negative");
SOFTMAX(cni_torch_softmax2d, "Softmax2d", NULL, 0, 2, CNI_IS_SOFTMAX | CNI_IS_NOT_NEGATIVE, softmax_shape,
        translate_softmax, "softmax over the channels of each position");
SOFTMAX(cni_torch_log_softmax, "LogSoftmax", softmax_fields, 1, 0, 0, softmax_shape, translate_log,
        "logarithm of the softmax");
SOFTMAX(cni_torch_glu, "GLU", glu_fields, 1, 0, 0, glu_shape, translate_glu, "one half opens and shuts the other");
#undef ARGS

/* ---- PReLU ---- */

typedef struct prelu_args {
    cn_layer_args head;
    int num_parameters;
    double init;
    CNI_TORCH_FACTORY_MEMBERS;
} prelu_args;
#define ARGS prelu_args

static const cni_field prelu_fields[] = {
    CNI_FIELD(num_parameters, "num_parameters", 0, "1", 1, 1e9, "one slope for all, or one per channel"),
    CNI_FIELD(init, "init", 0, "0.25", 0, 0, "what the slopes start from"), CNI_TORCH_FACTORY};

static cn_status prelu_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const prelu_args *args = layer->config->args;
    *out = *in;
    if (args->num_parameters == 1) return CN_OK;
    return cni_torch_expect_channels("num_parameters", args->num_parameters, in, error);
}

static cn_status prelu_build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count, (void)in;
    const prelu_args *args = layer->config->args;
    return cni_torch_weight(layer, "weight", &CNI_SHAPE(args->num_parameters), true, error);
}

static cn_status translate_prelu(cni_torch_call *call)
{
    static const char *const behind[] = {
        "", "", "", ", shared_axes=[2]", ", shared_axes=[2, 3]", ", shared_axes=[2, 3, 4]"};
    static const char *const all[] = {
        "", "", ", shared_axes=[1]", ", shared_axes=[1, 2]", ", shared_axes=[1, 2, 3]", ", shared_axes=[1, 2, 3, 4]"};
    const prelu_args *args = call->config->args;
    const cni_shape *in = call->place->in;
    if (!in || in->rank < 2 || in->rank > 5)
        return cni_torch_refuse(call, "its slopes are shared along axes, and those of the input are not known here");
    const bool single = args->num_parameters == 1 && in->dims[1] != 1;
    return cni_torch_say(call, "PReLU(alpha_initializer=Constant(%s)%s)", cni_show_real(args->init, (char[32]){0}),
                         single ? all[in->rank] : behind[in->rank]);
}

const cni_torch_kind cni_torch_prelu = {.layer = {.kind = {.name = "PReLU",
                                                           .args_size = sizeof(prelu_args),
                                                           CNI_FIELDS(prelu_fields),
                                                           .help = "x, or a learned slope times x below 0"},
                                                  .traits = CNI_IS_ACTIVATION,
                                                  .output_shape = prelu_shape,
                                                  .build = prelu_build,
                                                  .keras = cni_torch_keras},
                                        .translate = translate_prelu};
