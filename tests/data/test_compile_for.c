/* SPDX-License-Identifier: Apache-2.0
 * Compiling for data: what is chosen, what is kept, what is replaced, what is refused. */
#include <cornu/data.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 4 };

static const uint8_t numbers[ROWS] = {0, 1, 2, 1};
static const float reals[ROWS * 3] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0};
static const float pixels[ROWS * 2];

static cn_data data_of(cn_array y)
{
    return (cn_data){.x = {pixels, CN_FLOAT32, 2, {ROWS, 2}}, .y = y};
}

static const cn_array classes = {numbers, CN_UINT8, 1, {ROWS}}, column = {numbers, CN_UINT8, 2, {ROWS, 1}};
static const cn_array one_hot = {reals, CN_FLOAT32, 2, {ROWS, 3}}, values = {reals, CN_FLOAT32, 1, {ROWS}};

static cn_model *network(int units, const char *activation)
{
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({2}));
    cn_add(model, cn_dense(units, .activation = activation));
    assert_false(cn_failed(model));
    return model;
}

static void assert_chosen(int units, const char *activation, cn_array y, const char *wanted)
{
    const cn_data data = data_of(y);
    const char *chosen;
    cn_model *model = network(units, activation);
    if (cn_compile_for(model, &data, NULL, &chosen)) fail_msg("%s", cn_error(model));
    assert_string_equal(chosen, wanted);
    if (!cn_fit(model, data.x, data.y)) fail_msg("%s", cn_error(model)); /* and it can be trained so */
    cn_model_free(model);
}

static void choices(void **state)
{
    (void)state;
    assert_chosen(3, "softmax", classes, "optimizer adam, loss sparse_categorical_crossentropy, metrics accuracy");
    assert_chosen(3, "softmax", column, "optimizer adam, loss sparse_categorical_crossentropy, metrics accuracy");
    assert_chosen(3, "softmax", one_hot, "optimizer adam, loss categorical_crossentropy, metrics accuracy");
    assert_chosen(1, "sigmoid", values, "optimizer adam, loss binary_crossentropy, metrics accuracy");
    assert_chosen(3, NULL, classes,
                  "optimizer adam, loss sparse_categorical_crossentropy(from_logits=True), metrics accuracy");
    assert_chosen(1, NULL, values, "optimizer adam, loss mse, metrics mae");
    assert_chosen(3, NULL, one_hot, "optimizer adam, loss mse, metrics mae");
}

static void the_softmax_may_be_a_layer_or_within_a_model(void **state)
{
    (void)state;
    const cn_data data = data_of(classes);
    const char *chosen;
    cn_model *inner = network(3, NULL), *outer = cn_sequential();
    cn_add(inner, cn_softmax());
    cn_add(outer, cn_input({2}));
    cn_add_model(outer, inner);
    assert_int_equal(cn_compile_for(outer, &data, NULL, &chosen), CN_OK);
    assert_non_null(strstr(chosen, "loss sparse_categorical_crossentropy,"));
    cn_model_free(outer);
}

static void a_model_that_waits_for_its_input_is_built(void **state)
{
    (void)state;
    const cn_data data = data_of(classes);
    const char *chosen;
    cn_model *model = cn_sequential();
    cn_add(model, cn_dense(3, .activation = "softmax"));
    assert_int_equal(cn_compile_for(model, &data, NULL, &chosen), CN_OK);
    assert_int_equal(cn_count_params(model), 9);
    cn_model_free(model);
}

static const char *json_of(cn_model *model)
{
    const char *json = cn_model_json(model);
    assert_non_null(json);
    return json;
}

static void what_is_compiled_is_kept(void **state)
{
    (void)state;
    const cn_data data = data_of(one_hot);
    const char *chosen;
    cn_model *model = network(3, "softmax");
    cn_compile(model, .optimizer = cn_sgd(0.5, .momentum = 0.25), .loss = "mse", .metrics = {"mae"});
    assert_int_equal(cn_compile_for(model, &data, NULL, &chosen), CN_OK);
    assert_null(chosen);
    const cn_compile_args loss = {.struct_size = sizeof loss, .loss = "huber"};
    assert_int_equal(cn_compile_for(model, &data, &loss, &chosen), CN_OK);
    assert_null(chosen);
    assert_non_null(strstr(json_of(model), "\"momentum\": 0.25"));
    assert_non_null(strstr(json_of(model), "huber"));
    assert_non_null(strstr(json_of(model), "mae"));
    assert_float_equal((float)cn_learning_rate(model), 0.5F, 0);
    cn_compile_args adam = {.struct_size = sizeof adam, .optimizer = cn_optimizer("adam(0.125)")};
    assert_int_equal(cn_compile_for(model, &data, &adam, &chosen), CN_OK);
    assert_float_equal((float)cn_learning_rate(model), 0.125F, 0);
    assert_non_null(strstr(json_of(model), "huber"));
    cn_model_free(model);
}

static void refusals(void **state)
{
    (void)state;
    const cn_data data = data_of(classes);
    cn_model *model = network(3, "softmax");
    const cn_compile_args wrong_loss = {.struct_size = sizeof wrong_loss, .loss = "sparse_categorical_crossentrop"};
    assert_int_equal(cn_compile_for(model, &data, &wrong_loss, NULL), CN_ERR_INVALID);
    assert_non_null(strstr(cn_error(model), "sparse_categorical_crossentrop"));
    cn_compile_args wrong_optimizer = {.struct_size = sizeof wrong_optimizer, .optimizer = cn_optimizer("adam(lr=1)")};
    assert_int_equal(cn_compile_for(model, &data, &wrong_optimizer, NULL), CN_ERR_INVALID);
    const cn_compile_args no_size = {.loss = "mse"};
    assert_int_equal(cn_compile_for(model, &data, &no_size, NULL), CN_ERR_VERSION);
    assert_int_equal(cn_compile_for(model, &data, NULL, NULL), CN_OK);
    assert_false(cn_failed(model));
    cn_model_free(model);
    assert_int_equal(cn_compile_for(NULL, &data, NULL, NULL), CN_ERR_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices),
        cmocka_unit_test(the_softmax_may_be_a_layer_or_within_a_model),
        cmocka_unit_test(a_model_that_waits_for_its_input_is_built),
        cmocka_unit_test(what_is_compiled_is_kept),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
