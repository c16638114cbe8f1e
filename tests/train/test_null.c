/* SPDX-License-Identifier: Apache-2.0
 * Nothing instead of a model, a layer, a node, a context: functions answer as the header says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cornu/cornu.h>

#include <math.h>
#include <string.h>

static const cn_array none;

/* What is asked of nothing is nothing. */
static void nothing_is_told_of_nothing(void **state)
{
    (void)state;
    int64_t shape[CN_MAX_RANK];
    int count = 7;
    assert_true(isnan(cn_logs_get(NULL, "loss")));
    assert_true(cn_failed(NULL));
    assert_true(strlen(cn_error(NULL)) > 0);
    assert_int_equal(cn_error_status(NULL), CN_ERR_MEMORY);
    assert_null(cn_model_json(NULL));
    assert_null(cn_summary(NULL, NULL));
    assert_string_equal(cn_model_name(NULL), "");
    assert_int_equal(cn_input_count(NULL), 0);
    assert_int_equal(cn_output_count(NULL), 0);
    assert_int_equal(cn_input_shape(NULL, 0, shape), -1);
    assert_int_equal(cn_output_shape(NULL, 0, shape), -1);
    assert_int_equal(cn_label_count(NULL), 0);
    assert_null(cn_label(NULL, 0));
    assert_int_equal(cn_layer_count(NULL), 0);
    assert_null(cn_layer_at(NULL, 0));
    assert_null(cn_get_layer(NULL, "conv2d"));
    assert_string_equal(cn_layer_name(NULL), "");
    assert_string_equal(cn_layer_class(NULL), "");
    assert_false(cn_layer_trainable(NULL));
    assert_int_equal(cn_layer_count_params(NULL), 0);
    assert_int_equal(cn_count_params(NULL), 0);
    assert_int_equal(cn_layer_weight_count(NULL), 0);
    assert_null(cn_layer_weight(NULL, 0).data);
    assert_int_equal(cn_weight_count(NULL), 0);
    assert_null(cn_weight(NULL, 0).data);
    assert_int_equal(cn_history_count(NULL), 0);
    assert_null(cn_history_name(NULL, 0));
    assert_null(cn_history_values(NULL, 0, &count));
    assert_null(cn_history_epochs(NULL, &count));
    assert_int_equal(count, 0);
    assert_true(cn_learning_rate(NULL) == 0);
    assert_int_equal(cn_plan_memory(NULL), 0);
    assert_int_equal(cn_predictor_memory(NULL), 0);
    assert_true(strlen(cn_predictor_error(NULL)) > 0);
    assert_int_equal(cn_text_scaling_line(NULL), 0);
    assert_string_equal(cn_plan_note(NULL), "");
}

/* What a constructor gave for lack of memory fails for lack of memory. */
static void nothing_is_done_with_nothing(void **state)
{
    (void)state;
    const int64_t shape[] = {4};
    cn_fit_args args = {.struct_size = sizeof args};
    cn_node *no_node = NULL;
    float *output = NULL;
    const float *input = NULL;
    assert_null(cn_predict(NULL, none));
    assert_null(cn_predictor_new(NULL, 1, 1));
    assert_int_equal(cn_predictor_refresh(NULL, NULL), CN_ERR_MEMORY);
    assert_int_equal(cn_predictor_run(NULL, 1, &input, &output), CN_ERR_MEMORY);
    assert_int_equal(cn_add(NULL, cn_dense(3)), CN_ERR_MEMORY);
    assert_int_equal(cn_add_json(NULL, "Dense(3)"), CN_ERR_MEMORY);
    assert_int_equal(cn_add_model(NULL, NULL), CN_ERR_MEMORY);
    assert_int_equal(cn_pop(NULL), CN_ERR_MEMORY);
    assert_int_equal(cn_build(NULL, 1, shape), CN_ERR_MEMORY);
    assert_int_equal(cn_compile(NULL, .loss = "mse"), CN_ERR_MEMORY);
    assert_null(cn_fit(NULL, none, none));
    assert_null(cn_evaluate(NULL, none, none));
    assert_null(cn_train_on_batch(NULL, NULL));
    assert_null(cn_test_on_batch(NULL, NULL));
    assert_int_equal(cn_fit_from_text(NULL, NULL, &args), CN_ERR_MEMORY);
    assert_int_equal(cn_save(NULL, "x.keras"), CN_ERR_MEMORY);
    assert_int_equal(cn_load_weights(NULL, "x.weights.h5"), CN_ERR_MEMORY);
    assert_int_equal(cn_set_labels(NULL, 0, NULL), CN_ERR_MEMORY);
    assert_int_equal(cn_set_weight(NULL, 0, none), CN_ERR_MEMORY);
    assert_int_equal(cn_layer_set_weight(NULL, 0, none), CN_ERR_INVALID);
    assert_int_equal(cn_set_learning_rate(NULL, 0.1), CN_ERR_MEMORY);
    assert_null(cn_input_node(NULL, cn_input({4})));
    assert_null(cn_call_nodes(NULL, cn_dense(3), 1, &no_node));
    assert_null(cn_layer_new(NULL, cn_dense(3)));
    assert_null(cn_model_layer(NULL, NULL));
    assert_null(cn_call_layer_nodes(NULL, 1, &no_node));
    assert_null(cn_node_output(NULL, 0));
    assert_int_equal(cn_model_outputs(NULL, 1, &no_node), CN_ERR_MEMORY);
    cn_set_trainable(NULL, true);
    cn_model_set_trainable(NULL, true);
    cn_stop_training(NULL);
    cn_clear(NULL);
}

/* NULL is freed like free(NULL); for contexts it is the default one. */
static void nothing_is_freed_and_the_default_context_is_meant(void **state)
{
    (void)state;
    cn_model_free(NULL);
    cn_predictor_free(NULL);
    cn_context_free(NULL);
    cn_text_free(NULL);
    assert_int_equal(cn_set_threads(NULL, 1), CN_OK);
    assert_int_equal(cn_threads(NULL), 1);
    assert_int_equal(cn_set_math(NULL, CN_MATH_FAST), CN_OK);
    assert_int_equal(cn_set_plan(NULL, CN_PLAN_ESTIMATE), CN_OK);
    assert_int_equal(cn_plan_file_load(NULL, NULL, NULL), CN_OK);
    assert_int_equal(cn_plan_convolutions(NULL, NULL), 0);
    assert_int_equal(cn_set_data_format(NULL, CN_CHANNELS_LAST), CN_OK);
    cn_context_set_random_seed(NULL, 1);
    cn_clear_names(NULL);
    assert_true(strlen(cn_instruction_set(NULL)) > 0);
    cn_context_free(cn_default_context());
    assert_int_equal(cn_threads(NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_of_nothing),
        cmocka_unit_test(nothing_is_done_with_nothing),
        cmocka_unit_test(nothing_is_freed_and_the_default_context_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
