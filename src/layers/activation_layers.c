/* SPDX-License-Identifier: Apache-2.0
 * Activations as layers: Activation, ReLU, LeakyReLU, ELU, Softmax (keras-semantics 2.13).  What they compute stands in
 * activations.c, which knows these kinds too. */
#include "layers/layers.h"

#include <float.h>

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    *out = *in;
    return cni_activation_shape(layer->config, out, error);
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    return cni_lower_activation(lowering->graph, layer->config, in[0]);
}

#define KIND(name_, traits_, args, rows, order_, help_, keras_, example_, formula_)                                    \
    {                                                                                                                  \
        .kind = {.name = name_,                                                                                        \
                 .module = "keras.layers",                                                                             \
                 .args_size = sizeof(args),                                                                            \
                 CNI_FIELDS(rows),                                                                                     \
                 .order = order_,                                                                                      \
                 .help = help_,                                                                                        \
                 .keras = keras_,                                                                                      \
                 .example = "cn_add(model, " example_ ");",                                                            \
                 .formula = formula_},                                                                                 \
        .min_rank = 1, .traits = CNI_IS_ACTIVATION | (traits_), .output_shape = output_shape, .lower = lower           \
    }

#define ARGS cn_relu_args
static const cni_field relu_fields[] = {
    CNI_FIELD(max_value, "max_value", CNI_NULLABLE, "None", 0, DBL_MAX, "nothing above this comes out; None: no limit"),
    CNI_FIELD(negative_slope, "negative_slope", 0, "0.0", 0, DBL_MAX, "slope at or below the threshold"),
    CNI_FIELD(threshold, "threshold", 0, "0.0", 0, DBL_MAX, "what is above it passes"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};
const cni_layer_kind cni_relu_layer =
    KIND("ReLU", CNI_IS_NOT_NEGATIVE, cn_relu_args, relu_fields, NULL, "rectified linear unit", "ReLU(max_value=6.0)",
         "cn_relu(.max_value = 6)", "x > threshold: min(x, max_value), else negative_slope * (x - threshold)");
#undef ARGS

#define ARGS cn_leaky_relu_args
static const cni_field leaky_relu_fields[] = {
    CNI_RENAMED(negative_slope, "negative_slope", "alpha", 0, "0.3", 0, DBL_MAX, "slope for negative inputs"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};
const cni_layer_kind cni_leaky_relu_layer =
    KIND("LeakyReLU", 0, cn_leaky_relu_args, leaky_relu_fields, NULL,
         "rectified linear unit that lets a little of the "
         "negative through",
         "LeakyReLU(negative_slope=0.1)", "cn_leaky_relu(.negative_slope = 0.1)", "x >= 0: x, else negative_slope * x");
#undef ARGS

#define ARGS cn_elu_args
static const cni_field elu_fields[] = {
    CNI_FIELD(alpha, "alpha", 0, "1.0", 0, 0, "what very negative inputs become, with a minus"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};
const cni_layer_kind cni_elu_layer =
    KIND("ELU", 0, cn_elu_args, elu_fields, "name alpha trainable dtype", "exponential linear unit", NULL, "cn_elu()",
         "x > 0: x, else alpha * (exp(x) - 1)");
#undef ARGS

#define ARGS cn_softmax_args
static const cni_field softmax_fields[] = {
    CNI_FIELD(axis, "axis", CNI_SHOWN_SINGLE, "-1", 0, 0, "the axis, or axes, over which the results sum to 1"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};
const cni_layer_kind cni_softmax_layer =
    KIND("Softmax", CNI_IS_SOFTMAX, cn_softmax_args, softmax_fields, NULL,
         "positive numbers that sum to 1: probabilities", NULL, "cn_softmax()", "exp(x - max) / sum of exp(x - max)");
#undef ARGS

/* Activation: any function by name. */

#define ARGS cn_activation_args
static const cni_field activation_fields[] = {
    CNI_OBJECT(activation, "activation", &cni_activations, CNI_REQUIRED, NULL, "the function, by name or as a call"),
    CNI_LAYER_FIELDS,
    CNI_ACTIVITY,
};

static cn_status named_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    *out = *in;
    return cni_activation_shape(cni_object_of(layer->config, "activation"), out, error);
}

static cni_tensor *lower_named(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    return cni_lower_activation(lowering->graph, cni_object_of(layer->config, "activation"), in[0]);
}

const cni_layer_kind cni_activation_layer = {
    .kind = {.name = "Activation",
             .module = "keras.layers",
             .args_size = sizeof(cn_activation_args),
             CNI_FIELDS(activation_fields),
             .help = "a function of every number: \"relu\", \"tanh\", \"softmax\", ... (cornu help activations)",
             .keras = "Activation('relu')",
             .example = "cn_add(model, cn_activation(\"relu\"));",
             .formula = "out = activation(in)"},
    .min_rank = 1,
    .traits = CNI_IS_ACTIVATION,
    .output_shape = named_shape,
    .lower = lower_named,
};
