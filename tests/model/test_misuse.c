/* SPDX-License-Identifier: Apache-2.0
 * Calls that no program should make: NULL everywhere, wrong orders, models within themselves.  Each is answered by a
 * status and a text; nothing crashes, leaks or spoils what was there. */
#include <cornu/cornu.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void assert_refused(const cn_model *model, cn_status status, const char *words)
{
    assert_int_equal(cn_error_status(model), status);
    if (!strstr(cn_error(model), words)) fail_msg("\"%s\" is not in \"%s\"", words, cn_error(model));
}

static void assert_good(const cn_model *model)
{
    assert_string_equal(cn_error(model), "");
}

/* Two layers on four numbers. */
static cn_model *small(void)
{
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({4}));
    cn_add(model, cn_dense(3));
    cn_add(model, cn_dense(2));
    assert_good(model);
    return model;
}

#ifdef CORNU_FORMATS
static const cn_status no_file = CN_ERR_IO;
#else
static const cn_status no_file = CN_ERR_UNSUPPORTED;
#endif

static void null_is_answered(void **state)
{
    (void)state;
    int64_t shape[CN_MAX_RANK];
    const char *error;
    cn_model *model = small(), *loaded = NULL;
    cn_layer *layer = cn_layer_at(model, 0);
    cn_node *node = NULL;

    cn_model_free(NULL);
    cn_predictor_free(NULL);
    cn_context_free(NULL);
    cn_text_free(NULL);
    cn_clear(NULL);
    assert_true(cn_failed(NULL));
    assert_int_equal(cn_error_status(NULL), CN_ERR_MEMORY);

    assert_int_equal(cn_load(NULL, NULL, &loaded, &error), CN_ERR_INVALID);
    assert_null(loaded);
    assert_non_null(error);
    assert_int_equal(cn_load("x.keras", NULL, NULL, &error), CN_ERR_INVALID);
    assert_int_equal(cn_load("no such file", NULL, &loaded, NULL), no_file);

    assert_int_equal(cn_add(NULL, cn_dense(1)), CN_ERR_MEMORY);
    assert_int_equal(cn_add_json(NULL, "Dense(1)"), CN_ERR_MEMORY);
    assert_int_not_equal(cn_add_model(NULL, NULL), CN_OK);
    assert_int_equal(cn_pop(NULL), CN_ERR_MEMORY);
    assert_int_equal(cn_build(NULL, 1, (int64_t[]){1}), CN_ERR_MEMORY);
    assert_int_equal(cn_model_compile(NULL, NULL), CN_ERR_MEMORY);
    assert_null(cn_model_fit(NULL, NULL));
    assert_null(cn_model_evaluate(NULL, NULL));
    assert_null(cn_model_predict(NULL, NULL));
    assert_null(cn_train_on_batch(NULL, NULL));
    assert_null(cn_test_on_batch(NULL, &(cn_data){0}));
    assert_int_equal(cn_save(NULL, "x.keras"), CN_ERR_MEMORY);
    assert_int_equal(cn_load_weights(NULL, "x.keras"), CN_ERR_MEMORY);
    assert_null(cn_model_json(NULL));
    assert_null(cn_summary(NULL, NULL));

    assert_null(cn_layer_new(NULL, cn_dense(1)));
    assert_null(cn_model_layer(NULL, model));
    assert_null(cn_input_node(NULL, cn_input({1})));
    assert_null(cn_call_nodes(NULL, cn_dense(1), 1, &node));
    assert_null(cn_call_layer_nodes(NULL, 1, &node));
    assert_int_equal(cn_model_outputs(NULL, 1, &node), CN_ERR_MEMORY);

    assert_non_null(cn_model_name(NULL));
    assert_int_equal(cn_input_count(NULL), 0);
    assert_int_equal(cn_output_count(NULL), 0);
    assert_int_equal(cn_input_shape(NULL, 0, shape), -1);
    assert_int_equal(cn_output_shape(NULL, 0, shape), -1);
    assert_int_equal(cn_input_shape(model, 0, NULL), 2);
    assert_int_equal(cn_output_shape(model, 0, NULL), 2);
    assert_int_equal(cn_layer_count(NULL), 0);
    assert_null(cn_layer_at(NULL, 0));
    assert_null(cn_get_layer(NULL, "dense"));
    assert_null(cn_get_layer(model, NULL));
    assert_non_null(cn_layer_name(NULL));
    assert_non_null(cn_layer_class(NULL));
    assert_false(cn_layer_trainable(NULL));
    cn_set_trainable(NULL, true);
    cn_model_set_trainable(NULL, true);
    assert_int_equal(cn_layer_count_params(NULL), 0);
    assert_int_equal(cn_count_params(NULL), 0);
    assert_int_equal(cn_layer_weight_count(NULL), 0);
    assert_null(cn_layer_weight(NULL, 0).data);
    assert_int_not_equal(cn_layer_set_weight(NULL, 0, (cn_array){0}), CN_OK);
    assert_int_equal(cn_weight_count(NULL), 0);
    assert_null(cn_weight(NULL, 0).data);
    assert_int_equal(cn_set_weight(NULL, 0, (cn_array){0}), CN_ERR_MEMORY);
    assert_null(cn_layer_weight(layer, 9).data);
    assert_null(cn_weight(model, -1).data);
    assert_int_equal(cn_set_weight(model, 0, (cn_array){0}), CN_ERR_INVALID);
    cn_clear(model);

    cn_stop_training(NULL);
    assert_true(cn_learning_rate(NULL) == 0);
    assert_int_equal(cn_set_learning_rate(NULL, 1), CN_ERR_MEMORY);

    assert_null(cn_predictor_new(NULL, 1, 1));
    assert_int_not_equal(cn_predictor_refresh(NULL, model), CN_OK);
    assert_int_not_equal(cn_predictor_run(NULL, 1, NULL, NULL), CN_OK);
    assert_non_null(cn_predictor_error(NULL));

    assert_int_equal(cn_history_count(NULL), 0);
    assert_null(cn_history_name(NULL, 0));
    assert_null(cn_history_values(NULL, 0, NULL));
    assert_null(cn_history_epochs(NULL, NULL));
    assert_true(cn_logs_get(NULL, "loss") != cn_logs_get(NULL, "loss"));
    assert_true(cn_logs_get(&(cn_logs){0}, NULL) != 0);

    cn_clear_names(NULL);
    cn_context_set_random_seed(NULL, 1);
    assert_true(cn_threads(NULL) >= 1);
    assert_non_null(cn_instruction_set(NULL));
    char *list = cn_describe(NULL, NULL);
    assert_non_null(list);
    cn_text_free(list);
    assert_good(model);
    cn_model_free(model);
}

static void null_within_a_model_is_kept_as_its_error(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    assert_int_equal(cn_add(model, NULL), CN_ERR_INVALID);
    cn_model_free(model);
    model = cn_sequential();
    assert_int_equal(cn_add_json(model, NULL), CN_ERR_INVALID);
    cn_model_free(model);
    model = cn_sequential();
    assert_int_equal(cn_add_model(model, NULL), CN_ERR_INVALID);
    cn_model_free(model);
    model = cn_sequential();
    cn_add(model, cn_dense(1));
    assert_int_equal(cn_build(model, 1, NULL), CN_ERR_INVALID);
    cn_model_free(model);
    model = cn_functional();
    cn_input_node(model, cn_input({4}));
    assert_null(cn_call_nodes(model, cn_dense(1), 1, NULL));
    assert_refused(model, CN_ERR_INVALID, "dense");
    cn_model_free(model);
    model = cn_functional();
    cn_input_node(model, cn_input({4}));
    assert_int_equal(cn_model_outputs(model, 1, NULL), CN_ERR_INVALID);
    cn_model_free(model);
    model = small();
    assert_int_equal(cn_model_compile(model, NULL), CN_ERR_INVALID);
    cn_model_free(model);
}

static void a_path_that_is_null_spoils_nothing(void **state)
{
    (void)state;
    cn_model *model = small();
    assert_int_equal(cn_save(model, NULL), CN_ERR_INVALID);
    assert_int_equal(cn_load_weights(model, NULL), CN_ERR_INVALID);
    cn_clear(model);
    assert_good(model);
    cn_model_free(model);
}

static void a_sequential_takes_no_calls(void **state)
{
    (void)state;
    cn_model *model = small();
    assert_null(cn_layer_new(model, cn_dense(5)));
    assert_refused(model, CN_ERR_STATE, "cn_add");
    cn_model_free(model);
    model = small();
    assert_null(cn_input_node(model, cn_input({4})));
    assert_refused(model, CN_ERR_STATE, "cn_add");
    cn_model_free(model);
    model = small();
    cn_model *inner = small();
    assert_null(cn_model_layer(model, inner));
    assert_refused(model, CN_ERR_STATE, "cn_add");
    cn_model_free(model);
    cn_model_free(inner);
}

static void a_finished_model_takes_no_layers(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *x = cn_input_node(model, cn_input({4})), *y = cn_call(model, cn_dense(2), x);
    assert_int_equal(cn_outputs(model, y), CN_OK);
    assert_int_equal(cn_outputs(model, x), CN_ERR_STATE);
    cn_model_free(model);

    model = cn_functional();
    x = cn_input_node(model, cn_input({4}));
    assert_int_equal(cn_outputs(model, cn_call(model, cn_dense(2), x)), CN_OK);
    assert_null(cn_layer_new(model, cn_dense(7)));
    assert_refused(model, CN_ERR_STATE, "before cn_outputs");
    assert_int_equal(cn_count_params(model), 4 * 2 + 2);
    cn_model_free(model);
}

static void nodes_of_another_model_are_refused(void **state)
{
    (void)state;
    cn_model *a = cn_functional(), *b = cn_functional();
    cn_node *x = cn_input_node(a, cn_input({4})), *y = cn_input_node(b, cn_input({4}));
    assert_null(cn_call(b, cn_add_layer(), y, x));
    assert_refused(b, CN_ERR_INVALID, "another model");
    assert_int_equal(cn_outputs(a, y), CN_ERR_INVALID);
    cn_model_free(a);
    cn_model_free(b);
}

static void an_input_that_is_called_must_fit(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *x = cn_input_node(model, cn_input({4}));
    assert_null(cn_call(model, cn_input({5}), x));
    assert_refused(model, CN_ERR_INVALID, "cn_input_node");
    cn_model_free(model);
}

static void popping_everything_leaves_an_empty_model(void **state)
{
    (void)state;
    cn_model *model = small();
    assert_int_equal(cn_pop(model), CN_OK);
    assert_int_equal(cn_pop(model), CN_OK);
    assert_int_equal(cn_layer_count(model), 0);
    assert_int_equal(cn_pop(model), CN_OK); /* the input goes too, as in Keras */
    assert_int_equal(cn_pop(model), CN_ERR_STATE);
    cn_model_free(model);

    model = small();
    cn_pop(model);
    cn_add(model, cn_dense(7));
    int64_t shape[CN_MAX_RANK];
    assert_int_equal(cn_output_shape(model, 0, shape), 2);
    assert_int_equal(shape[1], 7);
    assert_good(model);
    cn_model_free(model);
}

static void a_model_is_no_layer_of_itself(void **state)
{
    (void)state;
    cn_model *model = small();
    assert_int_equal(cn_add_model(model, model), CN_ERR_INVALID);
    cn_model_free(model);

    cn_model *a = small(), *b = cn_sequential(), *c = cn_sequential();
    cn_add(b, cn_input({4}));
    cn_add(c, cn_input({4}));
    assert_int_equal(cn_add_model(b, a), CN_OK);
    assert_int_equal(cn_add_model(c, b), CN_OK);
    assert_int_equal(cn_add_model(a, c), CN_ERR_STATE); /* a is a layer already */
    cn_model_free(c);
}

static void an_inner_model_has_one_owner(void **state)
{
    (void)state;
    cn_model *inner = small(), *a = cn_sequential(), *b = cn_sequential();
    cn_add(a, cn_input({4}));
    cn_add(b, cn_input({4}));
    assert_int_equal(cn_add_model(a, inner), CN_OK);
    assert_int_equal(cn_add_model(b, inner), CN_ERR_INVALID);
    cn_model_free(inner); /* it is a's: nothing happens */
    assert_int_equal(cn_count_params(a), 4 * 3 + 3 + 3 * 2 + 2);
    cn_model_free(a);
    cn_model_free(b);
}

static void an_inner_model_does_not_change_any_more(void **state)
{
    (void)state;
    cn_model *inner = small(), *outer = cn_sequential();
    cn_add(outer, cn_input({4}));
    cn_add_model(outer, inner);
    assert_int_equal(cn_pop(inner), CN_ERR_STATE);
    assert_int_equal(cn_add(inner, cn_dense(9)), CN_ERR_STATE);
    assert_int_equal(cn_add_json(inner, "Dense(9)"), CN_ERR_STATE);
    assert_good(outer);
    assert_int_equal(cn_count_params(outer), 4 * 3 + 3 + 3 * 2 + 2);
    cn_model_free(outer);
}

static void models_nest_only_so_deep(void **state)
{
    (void)state;
    cn_model *model = small();
    int depth = 0;
    for (; depth < 1000; depth++) {
        cn_model *outer = cn_sequential();
        cn_add(outer, cn_input({4}));
        if (cn_add_model(outer, model)) {
            assert_refused(outer, CN_ERR_LIMIT, "nested");
            cn_model_free(outer);
            break;
        }
        model = outer;
        if (depth == 30) assert_string_equal(cn_error(model), "");
    }
    assert_in_range(depth, 15, 64);
    cn_model_free(model);
}

static void a_shape_that_fails_leaves_a_model_to_be_built(void **state)
{
    (void)state;
    static const float rows[2 * 6 * 6 * 3];
    cn_model *model = cn_sequential();
    cn_add(model, cn_conv2d(4, {3}));
    cn_add(model, cn_flatten());
    cn_add(model, cn_dense(2));
    assert_null(cn_predict(model, {rows, .rank = 2, .shape = {2, 5}}));
    assert_refused(model, CN_ERR_SHAPE, "conv2d");
    assert_null(cn_predict(model, {rows, .rank = 4, .shape = {2, 0, 6, 3}}));
    assert_null(cn_predict(model, {rows, .rank = 4, .shape = {2, 6, -6, 3}}));
    assert_null(cn_predict(model, {rows, .rank = 4, .shape = {2, INT64_C(0x100000006), 6, 3}}));
    const cn_array *y = cn_predict(model, {rows, .rank = 4, .shape = {2, 6, 6, 3}});
    assert_good(model);
    assert_non_null(y);
    assert_int_equal(y->shape[1], 2);
    cn_model_free(model);
}

static void shapes_to_build_for_are_checked(void **state)
{
    (void)state;
    static const int64_t bad[][2] = {{0, 3}, {-5, 3}, {INT64_C(1) << 32, 3}, {INT64_C(0x100000003), 1}, {4, INT64_MIN}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cn_model *model = cn_sequential();
        cn_add(model, cn_dense(2));
        assert_int_not_equal(cn_build(model, 2, bad[i]), CN_OK);
        assert_int_equal(cn_weight_count(model), 0);
        cn_model_free(model);
    }
}

static void a_shared_layer_is_padded_in_every_call(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *a = cn_input_node(model, cn_input({6, 6, 1})), *b = cn_input_node(model, cn_input({8, 8, 1}));
    cn_layer *shared = cn_layer_new(model, cn_conv2d(2, {3}, .padding = CN_PAD(1, 1, 1, 1)));
    cn_node *y = cn_call_layer(shared, a), *z = cn_call_layer(shared, b);
    cn_outputs(model, y, z);
    assert_good(model);
    int64_t shape[CN_MAX_RANK];
    cn_output_shape(model, 0, shape);
    assert_int_equal(shape[1], 6);
    cn_output_shape(model, 1, shape);
    assert_int_equal(shape[1], 8);
    cn_model_free(model);
}

static void the_default_context_stays(void **state)
{
    (void)state;
    cn_context_free(cn_default_context());
    cn_model *model = small();
    assert_good(model);
    cn_model_free(model);
}

static void structs_tell_their_size(void **state)
{
    (void)state;
    cn_model *model = small();
    cn_dense_args dense = {.head = {0, "Dense"}, .units = 3};
    assert_int_equal(cn_add(model, &dense.head), CN_ERR_VERSION);
    cn_model_free(model);
    model = small();
    struct {
        cn_dense_args args;
        int more;
    } newer = {{.head = {sizeof newer, "Dense"}, .units = 3}, 1};
    assert_int_equal(cn_add(model, &newer.args.head), CN_ERR_VERSION);
    cn_model_free(model);
    model = small();
    assert_int_equal(cn_add(model, &(cn_layer_args){sizeof(cn_layer_args), NULL}), CN_ERR_UNSUPPORTED);
    cn_model_free(model);
    model = small();
    assert_null(cn_model_predict(model, &(cn_predict_args){0}));
    assert_refused(model, CN_ERR_VERSION, "struct_size");
    cn_model_free(model);
}

static void sides_of_c_structs_do_not_overflow(void **state)
{
    (void)state;
    enum { MOST = 2147483647 };
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({4, 4, 1}));
    cn_add(model, cn_zero_padding2d({{MOST, MOST}, {MOST, MOST}}));
    assert_int_not_equal(cn_error_status(model), CN_OK);
    cn_model_free(model);
    model = cn_sequential();
    cn_add(model, cn_input({4, 4, 1}));
    cn_add(model, cn_cropping2d({{MOST, MOST}, {MOST, MOST}}));
    assert_refused(model, CN_ERR_SHAPE, "cropping");
    cn_model_free(model);
    model = cn_sequential();
    cn_add(model, cn_input({4, 4, 1}));
    cn_add(model, cn_conv2d(1, {3}, .padding = CN_PAD(MOST, MOST, 0, 0)));
    assert_int_not_equal(cn_error_status(model), CN_OK);
    cn_model_free(model);
}

static void images_too_large_for_any_machine_are_refused(void **state)
{
    (void)state;
    enum { BIG = 1000000000 };
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({BIG, BIG, BIG, BIG}));
    assert_refused(model, CN_ERR_LIMIT, "input");
    cn_model_free(model);
    model = cn_sequential();
    cn_add(model, cn_input({4, 4, 4}));
    cn_add(model, cn_conv2d(1, {100000, 1}, .dilation_rate = {100000, 1}, .padding = CN_SAME));
    assert_refused(model, CN_ERR_LIMIT, "dilation_rate");
    cn_model_free(model);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_answered),
        cmocka_unit_test(null_within_a_model_is_kept_as_its_error),
        cmocka_unit_test(a_path_that_is_null_spoils_nothing),
        cmocka_unit_test(a_sequential_takes_no_calls),
        cmocka_unit_test(a_finished_model_takes_no_layers),
        cmocka_unit_test(nodes_of_another_model_are_refused),
        cmocka_unit_test(an_input_that_is_called_must_fit),
        cmocka_unit_test(popping_everything_leaves_an_empty_model),
        cmocka_unit_test(a_model_is_no_layer_of_itself),
        cmocka_unit_test(an_inner_model_has_one_owner),
        cmocka_unit_test(an_inner_model_does_not_change_any_more),
        cmocka_unit_test(models_nest_only_so_deep),
        cmocka_unit_test(a_shape_that_fails_leaves_a_model_to_be_built),
        cmocka_unit_test(shapes_to_build_for_are_checked),
        cmocka_unit_test(a_shared_layer_is_padded_in_every_call),
        cmocka_unit_test(the_default_context_stays),
        cmocka_unit_test(structs_tell_their_size),
        cmocka_unit_test(sides_of_c_structs_do_not_overflow),
        cmocka_unit_test(images_too_large_for_any_machine_are_refused),
    };
    if (count > 1) cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
