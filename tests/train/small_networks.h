/* SPDX-License-Identifier: Apache-2.0
 * Small networks that together hold every layer and optimizer, and pictures to train them on. */
#ifndef CORNU_TEST_SMALL_NETWORKS_H
#define CORNU_TEST_SMALL_NETWORKS_H

#include "base/random.h"
#include "model/compile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SMALL_ROWS = 50, SMALL_SIDE = 18, SMALL_CHANNELS = 3, SMALL_CLASSES = 5 };

/* ---- pictures: noise, and in each class a bright square in a place of its own ---- */

typedef struct small_data {
    float *x;
    int32_t *labels;
    cn_array pictures, y;
} small_data;

static inline void small_data_open(small_data *data, bool channels_first)
{
    const size_t area = SMALL_SIDE * SMALL_SIDE, picture = area * SMALL_CHANNELS;
    data->x = malloc(SMALL_ROWS * picture * sizeof(float));
    data->labels = malloc(SMALL_ROWS * sizeof(int32_t));
    for (size_t row = 0; row < SMALL_ROWS; row++) {
        const size_t label = row * 7 % SMALL_CLASSES, first = label * SMALL_SIDE * 3 + label * 2;
        float *to = data->x + row * picture;
        data->labels[row] = (int32_t)label;
        for (size_t i = 0; i < picture; i++) to[i] = cni_unit((cni_key){(uint32_t)row, 1}, i) * 0.5f;
        for (size_t i = 0; i < 3 * SMALL_SIDE; i++)
            if (i % SMALL_SIDE < 4) to[(first + i) % area * (channels_first ? 1 : SMALL_CHANNELS)] += 0.5f;
    }
    data->pictures = (cn_array){data->x, CN_FLOAT32, 4, {SMALL_ROWS, SMALL_SIDE, SMALL_SIDE, SMALL_CHANNELS}};
    if (channels_first)
        data->pictures = (cn_array){data->x, CN_FLOAT32, 4, {SMALL_ROWS, SMALL_CHANNELS, SMALL_SIDE, SMALL_SIDE}};
    data->y = (cn_array){data->labels, CN_INT32, 1, {SMALL_ROWS}};
}

static inline void small_data_close(small_data *data)
{
    free(data->x);
    free(data->labels);
}

/* ---- networks ---- */

static inline cn_model *small_plain(cn_context *context)
{
    cn_model *m = cn_sequential_in(context, "plain");
    cn_add(m, cn_input({SMALL_SIDE, SMALL_SIDE, SMALL_CHANNELS}));
    cn_add(m, cn_conv2d(17, {3}, .padding = CN_SAME, .no_bias = true, .kernel_regularizer = "l2(1e-3)"));
    cn_add(m, cn_batch_normalization(.momentum = 0.8));
    cn_add(m, cn_activation("relu"));
    cn_add(m, cn_max_pooling2d());
    cn_add(m, cn_dropout(0.25));
    cn_add(m, cn_conv2d(24, {3, 2}, .strides = {2}, .activation = "leaky_relu", .kernel_constraint = "max_norm(2)"));
    cn_add(m, cn_flatten());
    cn_add(m, cn_dense(33, .activation = "elu", .activity_regularizer = "l2(1e-3)"));
    cn_add(m, cn_dropout(0.5));
    cn_add(m, cn_dense(SMALL_CLASSES, .activation = "softmax"));
    return m;
}

static inline cn_model *small_depthwise(cn_context *context)
{
    cn_model *m = cn_sequential_in(context, "depthwise");
    cn_add(m, cn_input({SMALL_SIDE, SMALL_SIDE, SMALL_CHANNELS}));
    cn_add(m, cn_rescaling({2}, {-0.5}));
    cn_add(m, cn_zero_padding2d({{1, 2}, {0, 1}}));
    cn_add(m, cn_depthwise_conv2d({3}, .depth_multiplier = 3, .activation = "swish"));
    cn_add(m, cn_conv2d(16, {1}, .activation = "tanh"));
    cn_add(m, cn_prelu(.shared_axes = {1, 2}));
    cn_add(m, cn_average_pooling2d({2}, .padding = CN_SAME));
    cn_add(m, cn_depthwise_conv2d({3}, .dilation_rate = {2}, .padding = CN_SAME));
    cn_add(m, cn_cropping2d({{1, 0}, {0, 1}}));
    cn_add(m, cn_batch_normalization());
    cn_add(m, cn_global_average_pooling2d());
    cn_add(m, cn_dense(SMALL_CLASSES));
    cn_add(m, cn_softmax());
    return m;
}

static inline cn_model *small_graph(cn_context *context)
{
    cn_model *m = cn_functional_in(context, "graph");
    cn_node *x = cn_input_node(m, cn_input({SMALL_SIDE, SMALL_SIDE, SMALL_CHANNELS}));
    cn_node *a = cn_call(m, cn_conv2d(16, {3}, .padding = CN_SAME, .activation = "relu"), x);
    cn_node *b = cn_call(m, cn_conv2d(16, {3}, .padding = CN_SAME, .groups = 4, .dilation_rate = {2}), a);
    b = cn_call(m, cn_batch_normalization(), b);
    cn_node *sum = cn_call(m, cn_relu(), cn_call(m, cn_add_layer(), a, b));
    cn_layer *shared = cn_layer_new(m, cn_conv2d(8, {5, 1}, .strides = {2}, .padding = CN_SAME));
    cn_node *gate = cn_call(m, cn_activation("sigmoid"), cn_call_layer(shared, sum));
    cn_node *both = cn_call(m, cn_multiply_layer(), gate, cn_call_layer(shared, a));
    cn_node *pooled = cn_call(m, cn_max_pooling2d({3}, .strides = {2}, .padding = CN_SAME), sum);
    cn_node *wide = cn_call(m, cn_concatenate_layer(), both, pooled);
    cn_node *flat = cn_call(m, cn_global_max_pooling2d(), cn_call(m, cn_dropout(0.1), wide));
    cn_outputs(m, cn_call(m, cn_dense(SMALL_CLASSES, .activation = "softmax"), flat));
    return m;
}

static inline cn_model *small_first(cn_context *context)
{
    cn_set_data_format(context, CN_CHANNELS_FIRST);
    cn_model *m = cn_sequential_in(context, "first");
    cn_add(m, cn_input({SMALL_CHANNELS, SMALL_SIDE, SMALL_SIDE}));
    cn_add(m, cn_conv2d(12, {3}, .activation = "relu"));
    cn_add(m, cn_batch_normalization(.axis = 1));
    cn_add(m, cn_max_pooling2d());
    cn_add(m, cn_depthwise_conv2d({3}, .strides = {2}));
    cn_add(m, cn_elu());
    cn_add(m, cn_flatten());
    cn_add(m, cn_dense(SMALL_CLASSES, .activation = "softmax"));
    return m;
}

typedef struct small_network {
    const char *name;
    cn_model *(*make)(cn_context *context);
    bool channels_first;
} small_network;

static const small_network small_networks[] = {{"plain", small_plain, false},
                                               {"depthwise", small_depthwise, false},
                                               {"graph", small_graph, false},
                                               {"first", small_first, true}};
enum { SMALL_NETWORKS = sizeof small_networks / sizeof *small_networks };

/* ---- optimizers ---- */

typedef struct small_optimizer {
    const char *text;
    bool average; /* averages become the weights when fit ends: to stop and to go on is another training */
} small_optimizer;

static const small_optimizer small_optimizers[] = {
    {"sgd(0.05)", false},
    {"sgd(0.05, momentum=0.9, nesterov=True, clipvalue=0.1)", false},
    {"adam(0.005, global_clipnorm=1.0)", false},
    {"adam(0.005, amsgrad=True, gradient_accumulation_steps=2)", false},
    {"adamw(0.005, weight_decay=0.01, clipnorm=0.5)", false},
    {"rmsprop(0.002, momentum=0.5, centered=True)", false},
    {"adam(ExponentialDecay(0.01, 3, 0.9), use_ema=True, ema_momentum=0.9)", true},
};
enum { SMALL_OPTIMIZERS = sizeof small_optimizers / sizeof *small_optimizers };

/** A compiled network in a context of its own with these kernels and this seed. */
static inline cn_model *small_model(const small_network *network, const char *optimizer, cni_isa isa, int threads)
{
    cn_context *context = cn_context_new();
    assert_non_null(context);
    context->isa = isa;
    cni_kernels_init(&context->kernels, isa);
    cn_set_threads(context, threads);
    cn_context_set_random_seed(context, 7);
    cn_model *model = network->make(context);
    cn_compile(model, .optimizer = cn_optimizer(optimizer), .loss = "sparse_categorical_crossentropy",
               .metrics = {"accuracy"});
    assert_string_equal(cn_error(model), "");
    return model;
}

static inline void small_model_free(cn_model *model)
{
    cn_context *context = model->context;
    cn_model_free(model);
    cn_context_free(context);
}

/** Where the weights of two models are not the same bits; NULL when they are. */
static inline const char *small_difference(const cn_model *a, const cn_model *b, char text[static 100])
{
    for (int i = 0; i < cn_weight_count(a); i++) {
        const cn_array x = cn_weight(a, i), y = cn_weight(b, i);
        size_t count = 1;
        for (int k = 0; k < x.rank; k++) count *= (size_t)x.shape[k];
        const float *p = x.data, *q = y.data;
        for (size_t k = 0; k < count; k++)
            if (memcmp(p + k, q + k, sizeof *p) != 0) {
                snprintf(text, 100, "weight %d[%zu]: %.9g and %.9g", i, k, (double)p[k], (double)q[k]);
                return text;
            }
    }
    return NULL;
}

#endif
