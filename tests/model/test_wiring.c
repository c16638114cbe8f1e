/* SPDX-License-Identifier: Apache-2.0
 * Models by the public calls: shapes, names, orders as Keras gives them, and errors that say what to do. */
#include <cornu/cornu.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void assert_shape(const cn_model *model, int rank, const int64_t *wanted)
{
    int64_t shape[CN_MAX_RANK];
    assert_int_equal(cn_output_shape(model, 0, shape), rank);
    for (int i = 0; i < rank; i++) assert_int_equal(shape[i], wanted[i]);
}

static void assert_error(const cn_model *model, cn_status status, const char *words)
{
    assert_int_equal(cn_error_status(model), status);
    if (!strstr(cn_error(model), words)) fail_msg("\"%s\" is not in \"%s\"", words, cn_error(model));
}

static void sequential_has_keras_shapes_and_counts(void **state)
{
    (void)state;
    cn_clear_names(cn_default_context());
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({28, 28, 1}));
    cn_add(model, cn_conv2d(32, {3, 3}, .activation = "relu", .padding = CN_SAME));
    cn_add(model, cn_max_pooling2d({2, 2}));
    cn_add(model, cn_flatten());
    cn_add(model, cn_dense(10, .activation = "softmax"));
    assert_string_equal(cn_error(model), "");
    assert_shape(model, 2, (int64_t[]){CN_NONE, 10});
    assert_int_equal(cn_count_params(model), 3 * 3 * 32 + 32 + 14 * 14 * 32 * 10 + 10);
    assert_int_equal(cn_layer_count(model), 4); /* the input is hidden */
    assert_string_equal(cn_model_name(model), "sequential");
    assert_string_equal(cn_layer_name(cn_layer_at(model, 0)), "conv2d");
    assert_string_equal(cn_layer_name(cn_layer_at(model, 1)), "max_pooling2d");
    assert_int_equal(cn_weight_count(model), 4);
    assert_int_equal(cn_weight(model, 0).shape[3], 32);
    cn_model_free(model);
}

static void names_are_numbered_and_explicit_ones_do_not_count(void **state)
{
    (void)state;
    cn_context *context = cn_context_new();
    cn_model *model = cn_sequential_in(context, NULL);
    cn_add(model, cn_input({4}));
    cn_add(model, cn_dense(2));
    cn_add(model, cn_dense(2, .name = "mine"));
    cn_add(model, cn_dense(2));
    assert_string_equal(cn_layer_name(cn_layer_at(model, 2)), "dense_1");
    cn_add(model, cn_dense(2, .name = "dense"));
    assert_error(model, CN_ERR_INVALID, "names must be unique");
    cn_model_free(model);
    cn_context_free(context);
}

static void a_deferred_model_is_built_by_its_first_shape(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    cn_add(model, cn_conv2d(4, {3}));
    cn_add(model, cn_flatten());
    cn_add(model, cn_dense(2));
    assert_int_equal(cn_weight_count(model), 0);
    cn_build(model, 3, (int64_t[]){8, 8, 3});
    assert_string_equal(cn_error(model), "");
    assert_shape(model, 2, (int64_t[]){CN_NONE, 2});
    assert_int_equal(cn_count_params(model), 3 * 3 * 3 * 4 + 4 + 6 * 6 * 4 * 2 + 2);
    cn_model_free(model);
}

/* Keras: a legacy input_shape (or input_dim) of the first layer stands for an Input; elsewhere it says nothing. */
static void older_texts_give_the_shape_to_the_first_layer(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    cn_add_json(model, "Conv2D(4, 3, activation='relu', input_shape=(8, 8, 3))");
    cn_add_json(model, "Flatten(input_shape=(5, 5))");
    cn_add_json(model, "{'class_name': 'Dense', 'config': {'units': 2, 'input_dim': 7}}");
    assert_string_equal(cn_error(model), "");
    assert_shape(model, 2, (int64_t[]){CN_NONE, 2});
    assert_int_equal(cn_count_params(model), 3 * 3 * 3 * 4 + 4 + 6 * 6 * 4 * 2 + 2);
    cn_model_free(model);

    model = cn_sequential();
    cn_add_json(model, "Dense(3, input_dim=4)");
    assert_string_equal(cn_error(model), "");
    assert_int_equal(cn_count_params(model), 15);
    cn_model_free(model);

    model = cn_sequential();
    cn_add_json(model, "Dense(3, input_shape='four')");
    assert_error(model, CN_ERR_INVALID, "shape='four'");
    cn_model_free(model);
}

static void explicit_padding_is_a_layer_before(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({10, 10, 1}));
    cn_add(model, cn_conv2d(2, {3}, .padding = CN_PAD(1, 2, 3, 4), .strides = {2}));
    assert_string_equal(cn_error(model), "");
    assert_shape(model, 4, (int64_t[]){CN_NONE, 6, 8, 2});
    assert_string_equal(cn_layer_class(cn_layer_at(model, 0)), "ZeroPadding2D");
    assert_string_equal(cn_layer_class(cn_layer_at(model, 1)), "Conv2D");
    cn_model_free(model);

    model = cn_sequential();
    cn_add(model, cn_input({10, 10, 1}));
    cn_add_json(model, "Conv2D(2, 3, strides=2, padding=((1, 2), (3, 4)))");
    assert_string_equal(cn_error(model), "");
    assert_shape(model, 4, (int64_t[]){CN_NONE, 6, 8, 2});
    cn_model_free(model);
}

static void a_shared_layer_pads_at_every_call(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *x = cn_input_node(model, cn_input({10, 10, 2}));
    cn_layer *conv = cn_layer_new(model, cn_conv2d(2, {3}, .padding = CN_PAD(2, 0, 2, 0)));
    cn_outputs(model, cn_call_layer(conv, cn_call_layer(conv, x)));
    assert_string_equal(cn_error(model), "");
    assert_shape(model, 4, (int64_t[]){CN_NONE, 10, 10, 2});
    assert_int_equal(cn_layer_count(model), 3);
    cn_model_free(model);
}

static void the_first_error_stays_and_names_the_layer(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({8, 8, 4}));
    cn_add(model, cn_conv2d(6, {3}, .groups = 3, .name = "stem"));
    assert_error(model, CN_ERR_SHAPE, "Conv2D \"stem\"");
    cn_add(model, cn_dense(.units = -1));
    assert_error(model, CN_ERR_SHAPE, "groups=3");
    cn_model_free(model);

    model = cn_sequential();
    cn_add(model, cn_input({8, 8, 4}));
    cn_add(model, cn_conv2d(6, {3}, .strides = {2}, .dilation_rate = {2}));
    assert_error(model, CN_ERR_INVALID, "dilation_rate");
    cn_model_free(model);

    model = cn_sequential();
    cn_add(model, cn_input({8, 8, 4}));
    cn_add(model, cn_conv2d(6, {9}));
    assert_error(model, CN_ERR_SHAPE, "kernel_size");
    cn_model_free(model);

    model = cn_sequential();
    cn_add(model, cn_input({8}));
    cn_add(model, cn_dense(6, .activation = "rellu"));
    assert_error(model, CN_ERR_INVALID, "did you mean relu?");
    cn_model_free(model);
}

static void functional_models_merge_and_share(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *x = cn_input_node(model, cn_input({8, 8, 3}, .name = "image"));
    cn_layer *shared = cn_layer_new(model, cn_conv2d(3, {3}, .padding = CN_SAME, .name = "shared"));
    cn_node *a = cn_call_layer(shared, x), *b = cn_call_layer(shared, a);
    cn_node *sum = cn_call(model, cn_add_layer(.name = "sum"), a, b);
    cn_node *y = cn_call(model, cn_concatenate_layer(.name = "both"), sum, x);
    cn_outputs(model, y);
    assert_string_equal(cn_error(model), "");
    assert_shape(model, 4, (int64_t[]){CN_NONE, 8, 8, 6});
    assert_int_equal(cn_count_params(model), 3 * 3 * 3 * 3 + 3); /* counted once */
    /* Keras: Model(image, both).layers */
    static const char *const order[] = {"image", "shared", "sum", "both"};
    assert_int_equal(cn_layer_count(model), 4);
    for (int i = 0; i < 4; i++) assert_string_equal(cn_layer_name(cn_layer_at(model, i)), order[i]);
    cn_model_free(model);
}

static void models_are_layers(void **state)
{
    (void)state;
    cn_model *inner = cn_sequential_in(NULL, "inner");
    cn_add(inner, cn_input({4}));
    cn_add(inner, cn_dense(3));
    cn_model *model = cn_functional();
    cn_node *x = cn_input_node(model, cn_input({4})), *z = cn_input_node(model, cn_input({4}));
    cn_layer *layer = cn_model_layer(model, inner);
    cn_node *y = cn_call(model, cn_multiply_layer(), cn_call_layer(layer, x), cn_call_layer(layer, z));
    cn_outputs(model, y);
    assert_string_equal(cn_error(model), "");
    assert_int_equal(cn_count_params(model), 15);
    assert_int_equal(cn_layer_weight_count(layer), 2);
    cn_model_free(model); /* and the inner model with it */
}

static void a_model_with_two_outputs_is_a_layer(void **state)
{
    (void)state;
    cn_model *inner = cn_functional();
    cn_node *x = cn_input_node(inner, cn_input({4}));
    cn_outputs(inner, cn_call(inner, cn_dense(2), x), cn_call(inner, cn_dense(3), x));
    cn_model *model = cn_functional();
    cn_node *first = cn_call_layer(cn_model_layer(model, inner), cn_input_node(model, cn_input({4})));
    assert_ptr_equal(cn_node_output(first, 0), first);
    assert_null(cn_node_output(first, 2));
    cn_outputs(model, cn_call(model, cn_concatenate_layer(), first, cn_node_output(first, 1)));
    assert_string_equal(cn_error(model), "");
    assert_shape(model, 2, (int64_t[]){CN_NONE, 5});
    cn_model_free(model);
}

static void a_forgotten_input_is_told(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *x = cn_input_node(model, cn_input({4}));
    cn_node *y = cn_call(model, cn_add_layer(.name = "sum"), x, NULL);
    assert_null(y);
    assert_error(model, CN_ERR_INVALID, "input 1 is missing");
    assert_null(cn_call(model, cn_dense(3), y)); /* passed on without another message */
    assert_error(model, CN_ERR_INVALID, "Add \"sum\"");
    cn_model_free(model);
}

static void weights_are_set_by_shape(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({2}));
    cn_add(model, cn_dense(3, .no_bias = true));
    double values[6] = {1, 2, 3, 4, 5, 6};
    cn_array array = {values, CN_FLOAT64, 2, {2, 3}};
    assert_int_equal(cn_set_weight(model, 0, array), CN_OK);
    assert_true(((const float *)cn_weight(model, 0).data)[5] == 6);
    array.shape[0] = 3, array.shape[1] = 2;
    assert_int_equal(cn_set_weight(model, 0, array), CN_ERR_SHAPE);
    assert_error(model, CN_ERR_SHAPE, "(2, 3)");
    cn_clear(model);
    assert_false(cn_failed(model));
    float x[2] = {1, 10};
    const cn_array *y = cn_predict(model, (cn_array){x, CN_FLOAT32, 2, {1, 2}});
    assert_non_null(y);
    assert_true(((const float *)y->data)[0] == 41);
    cn_model_free(model);
}

/* Keras 3.15.1: inner.trainable = False; inner.get_layer("a").trainable = True; then 4 weights of the outer model
 * train, and none when the outer model itself is frozen. */
static void a_layer_thawed_in_a_frozen_model_trains(void **state)
{
    (void)state;
    cn_model *inner = cn_functional();
    cn_node *x = cn_input_node(inner, cn_input({4}));
    cn_outputs(inner, cn_call(inner, cn_dense(3, .name = "a"), cn_call(inner, cn_dense(3, .name = "b"), x)));
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({4}));
    cn_add_model(model, inner);
    cn_add(model, cn_dense(2));
    cn_model_set_trainable(inner, false);
    cn_set_trainable(cn_get_layer(inner, "a"), true);
    cn_compile(model, .optimizer = cn_sgd(1.0), .loss = "mse");
    float before[12], data[4] = {1, 2, 3, 4}, target[2] = {9, 9};
    memcpy(before, cn_weight(model, 0).data, sizeof before);
    assert_non_null(
        cn_train_on_batch(model, &(cn_data){.x = {data, CN_FLOAT32, 2, {1, 4}}, .y = {target, CN_FLOAT32, 2, {1, 2}}}));
    assert_memory_equal(before, cn_layer_weight(cn_get_layer(inner, "b"), 0).data, sizeof before);
    assert_memory_not_equal(cn_layer_weight(cn_get_layer(inner, "a"), 1).data, (float[3]){0}, sizeof(float[3]));
    assert_non_null(strstr(cn_summary(model, NULL), " Trainable params: 20 "));
    cn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequential_has_keras_shapes_and_counts),
        cmocka_unit_test(names_are_numbered_and_explicit_ones_do_not_count),
        cmocka_unit_test(a_deferred_model_is_built_by_its_first_shape),
        cmocka_unit_test(older_texts_give_the_shape_to_the_first_layer),
        cmocka_unit_test(explicit_padding_is_a_layer_before),
        cmocka_unit_test(a_shared_layer_pads_at_every_call),
        cmocka_unit_test(the_first_error_stays_and_names_the_layer),
        cmocka_unit_test(functional_models_merge_and_share),
        cmocka_unit_test(models_are_layers),
        cmocka_unit_test(a_model_with_two_outputs_is_a_layer),
        cmocka_unit_test(a_forgotten_input_is_told),
        cmocka_unit_test(weights_are_set_by_shape),
        cmocka_unit_test(a_layer_thawed_in_a_frozen_model_trains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
