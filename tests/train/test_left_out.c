/* SPDX-License-Identifier: Apache-2.0
 * What a newcomer leaves out: the loss, the targets, Flatten, the batch, the order of the axes. */
#include <cornu/cornu.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 8, SIDE = 6 };

static float pictures[ROWS][SIDE][SIDE][3], numbers[ROWS][1];
static const cn_array x = {pictures, CN_FLOAT32, 4, {ROWS, SIDE, SIDE, 3}}, none;
static const cn_array y = {numbers, CN_FLOAT32, 2, {ROWS, 1}}, labels = {numbers, CN_FLOAT32, 1, {ROWS}};

static cn_model *network(bool flat, const char *loss, const char *metric, const char *regularizer)
{
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({SIDE, SIDE, 3}));
    if (flat) cn_add(model, cn_flatten());
    cn_add(model, cn_dense(1, .kernel_regularizer = regularizer, .kernel_initializer = "ones"));
    cn_compile(model, .optimizer = cn_sgd(0.01), .loss = loss, .metrics = {metric});
    assert_string_equal(cn_error(model), "");
    return model;
}

static void fails(cn_model *model, cn_status status, const char *words)
{
    assert_int_equal(cn_error_status(model), status);
    if (!strstr(cn_error(model), words)) fail_msg("\"%s\" not in: %s", words, cn_error(model));
    cn_clear(model);
}

/* Keras: evaluate answers 0 and the metrics.  Training for nothing is an error on Keras' other backends, and here. */
static void test_no_loss(void **state)
{
    (void)state;
    cn_model *model = network(true, NULL, "mae", NULL);
    const cn_logs *logs = cn_evaluate(model, x, y);
    assert_non_null(logs);
    assert_true(cn_logs_get(logs, "loss") == 0);
    assert_true(cn_logs_get(logs, "mae") == 0);
    assert_null(cn_fit(model, x, y));
    fails(model, CN_ERR_STATE, "compiled without a loss");
    assert_null(cn_train_on_batch(model, &(cn_data){.x = x, .y = y}));
    fails(model, CN_ERR_STATE, "compiled without a loss");
    cn_model_free(model);
}

/* Keras: a penalty alone is a loss; 0.01 times 108 ones. */
static void test_penalty_alone(void **state)
{
    (void)state;
    cn_model *model = network(true, NULL, NULL, "l2(0.01)");
    const cn_logs *logs = cn_evaluate(model, x, y);
    assert_non_null(logs);
    assert_float_equal(cn_logs_get(logs, "loss"), 1.08, 1e-6);
    assert_non_null(cn_fit(model, x, y));
    cn_model_free(model);
}

static void test_no_targets(void **state)
{
    (void)state;
    cn_model *model = network(true, "mse", NULL, NULL);
    assert_null(cn_fit(model, x, none));
    fails(model, CN_ERR_INVALID, "has no targets (y) to be compared with");
    assert_null(cn_evaluate(model, x, none));
    fails(model, CN_ERR_INVALID, "has no targets (y) to be compared with");
    assert_non_null(cn_predict(model, x));
    cn_model_free(model);
}

static void test_no_flatten(void **state)
{
    (void)state;
    cn_model *model = network(false, "sparse_categorical_crossentropy", NULL, NULL);
    assert_null(cn_fit(model, x, labels));
    fails(model, CN_ERR_SHAPE, "Flatten");
    cn_model_free(model);
    model = network(false, "categorical_crossentropy", NULL, NULL);
    assert_null(cn_fit(model, x, y));
    fails(model, CN_ERR_SHAPE, "Flatten");
    cn_model_free(model);
}

static void test_axes(void **state)
{
    (void)state;
    cn_model *model = network(true, "mse", NULL, NULL);
    const cn_array first = {pictures, CN_FLOAT32, 4, {ROWS, 3, SIDE, SIDE}},
                   one = {pictures, CN_FLOAT32, 3, {SIDE, SIDE, 3}};
    const cn_array other = {pictures, CN_FLOAT32, 4, {ROWS, SIDE, SIDE, 1}};
    assert_null(cn_fit(model, first, y));
    fails(model, CN_ERR_SHAPE, "(8, 3, 6, 6); the model expects (None, 6, 6, 3): the channels come last");
    assert_null(cn_predict(model, one));
    fails(model, CN_ERR_SHAPE, "(6, 6, 3); the model expects (None, 6, 6, 3): a batch of one is (1, 6, 6, 3)");
    assert_null(cn_predict(model, other));
    assert_null(strstr(cn_error(model), "channels"));
    assert_null(strstr(cn_error(model), "batch"));
    cn_model_free(model);
}

/* A slip in a text is found in its layer. */
static void test_text(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    cn_add(model, cn_dense(3, .kernel_initializer = "he_normal(seed=)", .name = "last"));
    fails(model, CN_ERR_INVALID, "Dense \"last\": kernel_initializer, line 1, column 16: expected a value");
    cn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_loss),    cmocka_unit_test(test_penalty_alone), cmocka_unit_test(test_no_targets),
        cmocka_unit_test(test_no_flatten), cmocka_unit_test(test_axes),          cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
