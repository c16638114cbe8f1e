/* SPDX-License-Identifier: Apache-2.0
 * Dense: every output is a weighted sum of all inputs (keras-semantics 2.5). */
#include "layers/layers.h"

#include "graph/ops/conv2d.h"
#include "graph/ops/dense.h"
#include "graph/ops/reshape.h"

#define ARGS cn_dense_args
static const cni_field fields[] = {
    CNI_FIELD(units, "units", CNI_REQUIRED, NULL, 1, 1e9, "number of outputs; in the last layer, one per class"),
    CNI_OBJECT(activation, "activation", &cni_activations, 0, "linear", "what the sums pass through"),
    CNI_FIELD(no_bias, "use_bias", CNI_NEGATED, "True", 0, 0, "whether a number per output is added"),
    CNI_OBJECT(kernel_initializer, "kernel_initializer", &cni_initializers, 0, "glorot_uniform",
               "what the kernel starts from"),
    CNI_OBJECT(bias_initializer, "bias_initializer", &cni_initializers, 0, "zeros", "what the bias starts from"),
    CNI_OBJECT(kernel_regularizer, "kernel_regularizer", &cni_regularizers, 0, "None",
               "penalty on the kernel, added to the loss"),
    CNI_OBJECT(bias_regularizer, "bias_regularizer", &cni_regularizers, 0, "None", "penalty on the bias"),
    CNI_OBJECT(activity_regularizer, "activity_regularizer", &cni_regularizers, CNI_EARLY | CNI_UNWRITTEN, "None",
               "penalty on the output, divided by the batch size"),
    CNI_OBJECT(kernel_constraint, "kernel_constraint", &cni_constraints, 0, "None",
               "what the kernel is held to after each update"),
    CNI_OBJECT(bias_constraint, "bias_constraint", &cni_constraints, 0, "None",
               "what the bias is held to after each update"),
    CNI_LAYER_FIELDS,
    CNI_ONLY("lora_rank", "None", CNI_READ_ONLY),
    CNI_ONLY("lora_alpha", "None", CNI_READ_ONLY),
    CNI_ONLY("quantization_config", "None", CNI_READ_ONLY),
};

static cn_status output_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    (void)count;
    const cn_dense_args *args = layer->config->args;
    CN_TRY(cni_same_channels(layer, in, in->rank - 1, error));
    *out = *in;
    out->dims[in->rank - 1] = args->units;
    return cni_activation_shape(cni_object_of(layer->config, "activation"), out, error);
}

static cn_status build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    (void)count;
    const cn_dense_args *args = layer->config->args;
    int64_t channels;
    CN_TRY(cni_known_channels(in, in->rank - 1, &channels, error));
    CN_TRY(cni_layer_add_weight(layer, "kernel", "kernel", &CNI_SHAPE(channels, args->units), true, error));
    return args->no_bias ? CN_OK : cni_layer_add_weight(layer, "bias", "bias", &CNI_SHAPE(args->units), true, error);
}

/* Over the channels of images, for prediction: a pointwise convolution, which packs w once and takes up what follows.
 * In training w changes, and dense gradients need no memory; with fewer pixels w is better read as it lies. */
enum { LEAST_PIXELS = 16 };

static bool is_pointwise(const cni_shape *x)
{
    const int64_t *n = x->dims;
    return x->rank == 4 && n[1] > 0 && n[2] > 0 && n[1] * n[2] >= LEAST_PIXELS;
}

static cni_tensor *multiply(cni_graph *graph, bool training, cni_tensor *x, cni_tensor *kernel, cni_tensor *bias)
{
    const int64_t *n = kernel->shape.dims;
    if (training || !is_pointwise(&x->shape)) return cni_dense(graph, x, kernel, bias, NULL);
    const cni_conv2d_attributes a = {.strides = {1, 1}, .dilation = {1, 1}, .groups = 1};
    return cni_conv2d(graph, x, cni_reshape(graph, kernel, CNI_SHAPE(1, 1, n[0], n[1])), bias, &a);
}

static cni_tensor *lower(cni_lowering *lowering, cn_layer *layer, int count, cni_tensor *const *in)
{
    (void)count;
    const cn_dense_args *args = layer->config->args;
    cni_tensor *kernel = cni_lower_weight(lowering, layer, 0);
    cni_tensor *bias = args->no_bias ? NULL : cni_lower_weight(lowering, layer, 1);
    cni_tensor *y = multiply(lowering->graph, lowering->training, in[0], kernel, bias);
    return cni_lower_activation(lowering->graph, cni_object_of(layer->config, "activation"), y);
}

static void view(const cni_object *config, cni_view *view)
{
    (void)config;
    view->multiplies = CNI_MULTIPLIES_AT_OUTPUTS;
}

const cni_layer_kind cni_dense_layer = {
    .kind = {.name = "Dense",
             .module = "keras.layers",
             .args_size = sizeof(cn_dense_args),
             CNI_FIELDS(fields),
             .help = "fully connected: every output is a weighted sum of all inputs",
             .keras = "Dense(10, activation='softmax')",
             .example = "cn_add(model, cn_dense(10, .activation = \"softmax\"));",
             .formula = "out = activation(in . kernel + bias), over the last axis"},
    .min_rank = 2,
    .lazily_built = true,
    .traits = CNI_IS_DENSE,
    .output_shape = output_shape,
    .build = build,
    .view = view,
    .lower = lower,
};
