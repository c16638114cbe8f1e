/* SPDX-License-Identifier: Apache-2.0
 * Every keyword macro of cornu.h, in the form that C99 to C17 and C++20 share (keywords in the order of declaration);
 * what only C has (arguments by position) stands at the end.  Compiled by headers.sh in every standard, never run. */
#include <cornu/cornu.h>

int use_keywords(cn_array x, cn_array y, cn_array weights);

static double schedule(void *user, int epoch, double learning_rate)
{
    (void)user;
    return epoch ? learning_rate / 2 : learning_rate;
}

static void use_layers(cn_model *model)
{
    cn_add(model, cn_input(.shape = {28, 28, 1}));
    cn_add(model,
           cn_conv2d(.filters = 32, .kernel_size = {3}, .padding = CN_SAME, .activation = "relu", .no_bias = true));
    cn_add(model, cn_conv2d(.filters = 8, .kernel_size = {3, 5}, .padding = CN_PAD(1, 1, 2, 2), .dilation_rate = {2}));
    cn_add(model, cn_depthwise_conv2d(.kernel_size = {3}, .padding = CN_VALID, .depth_multiplier = 2));
    cn_add(model,
           cn_conv2d_transpose(.filters = 4, .kernel_size = {3}, .strides = {2}, .output_padding = {CN_ZERO_INT, 1}));
    cn_add(model, cn_max_pooling2d());
    cn_add(model, cn_average_pooling2d(.pool_size = {2, 2}, .data_format = CN_CHANNELS_LAST));
    cn_add(model, cn_batch_normalization(.momentum = CN_ZERO, .no_scale = true));
    cn_add(model, cn_zero_padding2d(.padding = {{1, 2}, {3, 4}}));
    cn_add(model, cn_cropping2d(.cropping = {{1, 2}, {3, 4}}));
    cn_add(model, cn_rescaling(.scale = {1.0 / 255}));
    cn_add(model, cn_relu(.max_value = 6));
    cn_add(model, cn_leaky_relu(.negative_slope = 0.1));
    cn_add(model, cn_elu());
    cn_add(model, cn_prelu(.shared_axes = {1, 2}));
    cn_add(model, cn_softmax(.axis = {-1}));
    cn_add(model, cn_activation(.activation = "tanh"));
    cn_add(model, cn_reshape(.target_shape = {4, -1}));
    cn_add(model, cn_global_average_pooling2d(.keepdims = true));
    cn_add(model, cn_global_max_pooling2d());
    cn_add(model, cn_flatten());
    cn_add(model, cn_dropout(.rate = 0.5, .seed = CN_ZERO_INT));
    cn_add(model, cn_spatial_dropout2d(.rate = 0.5, .data_format = CN_CHANNELS_FIRST));
    cn_add(model, cn_layer_normalization(.axis = {1, -1}, .no_scale = true));
    cn_add(model, cn_group_normalization(.groups = 4, .beta_regularizer = "l2"));
    cn_add(model, cn_unit_normalization(.axis = {1}));
    cn_add(model, cn_rms_normalization(.axis = {1}, .epsilon = 1e-3));
    cn_add(model, cn_normalization(.mean = {0.5, CN_ZERO}, .variance = {1, 2}));
    cn_add(model, cn_permute(.dims = {2, 1}));
    cn_add(model, cn_repeat_vector(.n = 3));
    cn_add(model, cn_identity());
    cn_add(model, cn_dense(.units = 10, .activation = "softmax", .name = "classes"));
}

static cn_model *use_functional(void)
{
    cn_model *model = cn_functional();
    cn_node *x = cn_input_node(model, cn_input(.shape = {CN_NONE, CN_NONE, 3}));
    cn_layer *shared = cn_layer_new(model, cn_conv2d(.filters = 3, .kernel_size = {1}));
    cn_node *y = cn_call_layer(shared, x);
    y = cn_call(model, cn_add_layer(), cn_call_layer(shared, y), x);
    y = cn_call(model, cn_multiply_layer(), y, x);
    y = cn_call(model, cn_subtract_layer(), cn_call(model, cn_average_layer(), y, x), x);
    y = cn_call(model, cn_maximum_layer(), cn_call(model, cn_minimum_layer(), y, x), x);
    y = cn_call(model, cn_concatenate_layer(.axis = -1), y, x);
    cn_outputs(model, y, x);
    return model;
}

int use_keywords(cn_array x, cn_array y, cn_array weights)
{
    cn_model *model = cn_sequential();
    use_layers(model);
    cn_compile(model, .optimizer = cn_sgd(.learning_rate = 0.01, .momentum = 0.9), .loss = "mse",
               .metrics = {"accuracy"});
    cn_compile(model, .optimizer = cn_adam(), .loss = "mse");
    cn_compile(model, .optimizer = cn_adamw(.learning_rate = 1e-3, .weight_decay = 0.1), .loss = "mse");
    cn_compile(model, .optimizer = cn_rmsprop(.rho = 0.8, .clipnorm = 1), .loss = "mse");
    cn_compile(model, .optimizer = cn_optimizer("adam(1e-3)"), .loss = "mse", .metrics = {"accuracy", "top_k(3)"});
    cn_history *history =
        cn_fit(model, x, y, .batch_size = 32, .epochs = 12,
               .callbacks = {cn_early_stopping(.patience = 3),
                             cn_model_checkpoint(.filepath = "best.keras", .save_best_only = true),
                             cn_learning_rate_scheduler(.schedule = schedule), cn_reduce_lr_on_plateau(.factor = 0.5),
                             cn_csv_logger(.filename = "log.csv"), cn_terminate_on_nan(), cn_callback(.user = NULL)},
               .validation_data = {x, y, weights}, .class_weight = {{0, 2.0}, {1, CN_ZERO}}, .sample_weight = weights);
    const cn_logs *logs = cn_evaluate(model, x, y, .batch_size = 128);
    const cn_array *classes = cn_predict(model, x, .batch_size = 128);
    cn_model_free(use_functional());
    const int done = history && logs && classes && !cn_failed(model);
    cn_model_free(model);
    return done;
}

#ifndef __cplusplus
cn_model *use_positions(cn_array x, cn_array y);

cn_model *use_positions(cn_array x, cn_array y)
{
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({28, 28, 1}));
    cn_add(model, cn_conv2d(32, {3, 3}, .activation = "relu", .padding = CN_SAME));
    cn_add(model, cn_max_pooling2d({2, 2}));
    cn_add(model, cn_flatten());
    cn_add(model, cn_dropout(0.5));
    cn_add(model, cn_dense(10, .activation = "softmax"));
    cn_compile(model, .optimizer = cn_sgd(0.01, .momentum = 0.9), .loss = "mse", .metrics = {"accuracy"});
    cn_fit(model, x, y);
    cn_evaluate(model, x, y);
    cn_predict(model, x);
    return model;
}
#endif
