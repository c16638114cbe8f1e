/* SPDX-License-Identifier: Apache-2.0
 * PyTorch's activations that work number by number. */
#include "layers/torch/torch.h"

#include <string.h>

typedef struct activation_args {
    cn_layer_args head;
    double a, b;
    const char *approximate;
    bool inplace;
} activation_args;
#define ARGS activation_args

/* The old names of Hardtanh's limits are still taken: min_value, max_value. */
static const char *const approximations[] = {"none", "tanh", NULL};
static const cni_field inplace_fields[] = {CNI_TORCH_INPLACE};
static const cni_field slope_fields[] = {
    CNI_FIELD(a, "negative_slope", 0, "0.01", 0, 0, "what negative numbers are multiplied by"), CNI_TORCH_INPLACE};
static const cni_field alpha_fields[] = {CNI_FIELD(a, "alpha", 0, "1.0", 0, 0, "scale of the negative side"),
                                         CNI_TORCH_INPLACE};
static const cni_field gelu_fields[] = {
    CNI_CHOICE(approximate, "approximate", approximations, "'none'", "'tanh' computes it with a tanh")};
static const cni_field hardtanh_fields[] = {
    CNI_RENAMED(a, "min_val", "min_value", 0, "-1.0", 0, 0, "the least that comes out"),
    CNI_RENAMED(b, "max_val", "max_value", 0, "1.0", 0, 0, "the most that comes out"), CNI_TORCH_INPLACE};
static const cni_field softplus_fields[] = {
    CNI_FIELD(a, "beta", 0, "1.0", 0, 0, "how sharp the bend is"),
    CNI_FIELD(b, "threshold", 0, "20.0", 0, 0, "above it, beta * x comes out as x")};
static const cni_field threshold_fields[] = {
    CNI_FIELD(a, "threshold", CNI_REQUIRED, NULL, 0, 0, "what is above it passes"),
    CNI_FIELD(b, "value", CNI_REQUIRED, NULL, 0, 0, "what the rest becomes"), CNI_TORCH_INPLACE};

static const cni_field shrink_fields[] = {CNI_FIELD(a, "lambd", 0, "0.5", 0, 0, "how far from 0 numbers become 0")};

#define REAL(x) cni_show_real((x), (char[32]){0})

/* Activations without arguments that Keras calls by another name. */
static cn_status translate_named(cni_torch_call *call)
{
    static const struct {
        const char *torch, *keras;
    } names[] = {{"ReLU", "ReLU()"},
                 {"ReLU6", "ReLU(max_value=6.0)"},
                 {"SELU", "Activation('selu')"},
                 {"SiLU", "Activation('silu')"},
                 {"Mish", "Activation('mish')"},
                 {"Sigmoid", "Activation('sigmoid')"},
                 {"LogSigmoid", "Activation('log_sigmoid')"},
                 {"Tanh", "Activation('tanh')"},
                 {"Tanhshrink", "Activation('tanh_shrink')"},
                 {"Softsign", "Activation('softsign')"},
                 {"Hardswish", "Activation('hard_silu')"},
                 {"Hardsigmoid", "Activation('hard_sigmoid')"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].torch, call->config->kind->name) == 0) return cni_torch_say(call, "%s", names[i].keras);
    return cni_torch_refuse(call, "it has no activation of this kind");
}

static cn_status translate_leaky(cni_torch_call *call)
{
    const activation_args *args = call->config->args;
    if (!(args->a >= 0)) return cni_torch_refuse(call, "its LeakyReLU takes no slope below 0");
    return cni_torch_say(call, "LeakyReLU(negative_slope=%s)", REAL(args->a));
}

static cn_status translate_elu(cni_torch_call *call)
{
    const activation_args *args = call->config->args;
    return cni_torch_say(call, "ELU(alpha=%s)", REAL(args->a));
}

static cn_status translate_celu(cni_torch_call *call)
{
    const activation_args *args = call->config->args;
    if (args->a == 1) return cni_torch_say(call, "Activation('celu')");
    return cni_torch_say(call, "Activation(celu(alpha=%s))", REAL(args->a));
}

static cn_status translate_gelu(cni_torch_call *call)
{
    const activation_args *args = call->config->args;
    if (strcmp(args->approximate, "none") == 0) return cni_torch_say(call, "Activation('gelu')");
    return cni_torch_say(call, "Activation(gelu(approximate=True))");
}

static cn_status translate_hardtanh(cni_torch_call *call)
{
    const activation_args *args = call->config->args;
    if (args->a == -1 && args->b == 1) return cni_torch_say(call, "Activation('hard_tanh')");
    if (args->a == 0 && args->b >= 0) return cni_torch_say(call, "ReLU(max_value=%s)", REAL(args->b));
    return cni_torch_refuse(call, "its hard_tanh ends at -1 and 1");
}

/* What is above the threshold differs by less than the last digit of a float. */
static cn_status translate_softplus(cni_torch_call *call)
{
    const activation_args *args = call->config->args;
    if (args->a == 1 && args->b >= 20) return cni_torch_say(call, "Activation('softplus')");
    return cni_torch_refuse(call, "its softplus has beta=1");
}

static cn_status translate_threshold(cni_torch_call *call)
{
    const activation_args *args = call->config->args;
    return cni_torch_say(call, "Activation(threshold(%s, %s))", REAL(args->a), REAL(args->b));
}

static cn_status translate_shrink(cni_torch_call *call)
{
    const activation_args *args = call->config->args;
    const char *name = call->config->kind->name[0] == 'S' ? "soft_shrink" : "hard_shrink";
    if (args->a == 0.5) return cni_torch_say(call, "Activation('%s')", name);
    return cni_torch_say(call, "Activation(%s(threshold=%s))", name, REAL(args->a));
}

#define ACTIVATION(variable, name_, traits_, translate_, help_, ...)                                                   \
    const cni_torch_kind variable = {                                                                                  \
        .layer = {.kind = {.name = (name_), .args_size = sizeof(activation_args), .help = (help_), __VA_ARGS__},       \
                  .traits = CNI_IS_ACTIVATION | (traits_),                                                             \
                  .output_shape = cni_torch_same_shape,                                                                \
                  .keras = cni_torch_keras},                                                                           \
        .translate = (translate_)}
#define INPLACE CNI_FIELDS(inplace_fields)
/* These take any arguments, and look at none. */
#define ANYTHING .ignores_unknown = true

ACTIVATION(cni_torch_relu, "ReLU", CNI_IS_NOT_NEGATIVE, translate_named, "max(x, 0)", INPLACE);
ACTIVATION(cni_torch_relu6, "ReLU6", CNI_IS_NOT_NEGATIVE, translate_named, "min(max(x, 0), 6)", INPLACE);
ACTIVATION(cni_torch_leaky_relu, "LeakyReLU", 0, translate_leaky, "x, or negative_slope x below 0",
           CNI_FIELDS(slope_fields));
ACTIVATION(cni_torch_elu, "ELU", 0, translate_elu, "x, or alpha (exp(x) - 1) below 0", CNI_FIELDS(alpha_fields));
ACTIVATION(cni_torch_selu, "SELU", 0, translate_named, "ELU with fixed scales", INPLACE);
ACTIVATION(cni_torch_celu, "CELU", 0, translate_celu, "x, or alpha (exp(x / alpha) - 1) below 0",
           CNI_FIELDS(alpha_fields));
ACTIVATION(cni_torch_gelu, "GELU", 0, translate_gelu, "x times the normal distribution's share below x",
           CNI_FIELDS(gelu_fields));
ACTIVATION(cni_torch_silu, "SiLU", 0, translate_named, "x sigmoid(x)", INPLACE);
ACTIVATION(cni_torch_mish, "Mish", 0, translate_named, "x tanh(softplus(x))", INPLACE);
ACTIVATION(cni_torch_sigmoid, "Sigmoid", CNI_IS_NOT_NEGATIVE, translate_named, "1 / (1 + exp(-x))", ANYTHING);
ACTIVATION(cni_torch_log_sigmoid, "LogSigmoid", 0, translate_named, "log(sigmoid(x))", ANYTHING);
ACTIVATION(cni_torch_tanh, "Tanh", 0, translate_named, "tanh(x)", ANYTHING);
ACTIVATION(cni_torch_tanhshrink, "Tanhshrink", 0, translate_named, "x - tanh(x)", ANYTHING);
ACTIVATION(cni_torch_softsign, "Softsign", 0, translate_named, "x / (1 + |x|)", ANYTHING);
ACTIVATION(cni_torch_hardswish, "Hardswish", 0, translate_named, "x hardsigmoid(x)", INPLACE);
ACTIVATION(cni_torch_hardsigmoid, "Hardsigmoid", CNI_IS_NOT_NEGATIVE, translate_named, "min(max(x / 6 + 0.5, 0), 1)",
           INPLACE);
ACTIVATION(cni_torch_hardtanh, "Hardtanh", 0, translate_hardtanh, "min(max(x, min_val), max_val)",
           CNI_FIELDS(hardtanh_fields));
ACTIVATION(cni_torch_softplus, "Softplus", CNI_IS_NOT_NEGATIVE, translate_softplus, "log(1 + exp(beta x)) / beta",
           CNI_FIELDS(softplus_fields));
ACTIVATION(cni_torch_threshold, "Threshold", 0, translate_threshold, "x where it is above the threshold, else value",
           CNI_FIELDS(threshold_fields));
ACTIVATION(cni_torch_softshrink, "Softshrink", 0, translate_shrink, "towards 0 by lambd, small numbers to 0",
           CNI_FIELDS(shrink_fields));
ACTIVATION(cni_torch_hardshrink, "Hardshrink", 0, translate_shrink, "small numbers to 0", CNI_FIELDS(shrink_fields));
