/* SPDX-License-Identifier: Apache-2.0
 * What model.fit(...) of a text says becomes arguments of cn_fit; callbacks as text do what they do as structs. */
#include "model/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A model whose text called fit so.  Names that a reader does not know begin with UNKNOWN_. */
static void mark_unknown(cni_value *value)
{
    for (size_t i = 0; i < value->count; i++) mark_unknown(value->items[i]);
    if (!value->text || strncmp(value->text, "UNKNOWN_", 8) != 0) return;
    value->type = CNI_CALL;
    char *text = (char *)(uintptr_t)value->text;
    *text = '?';
    memmove(text + 1, text + 8, strlen(text + 8) + 1);
}

static cn_model *fitted(const char *call)
{
    cn_model *model = cn_sequential();
    cni_value *value;
    cni_error error = {0};
    assert_non_null(model);
    if (cni_value_read(&model->arena, call, "fit", &value, &error)) fail_msg("%s", error.text);
    mark_unknown(value);
    model->source = "model.py";
    model->fit = value;
    return model;
}

static void arguments_are_taken_in_keras_order(void **state)
{
    (void)state;
    cn_model *model =
        fitted("fit(UNKNOWN_x, UNKNOWN_y, 64, 5, 2, None, 0.25, None, False, {'0': 1.0, '3': 0}, None, 1, 7, "
               "8, 9, 2)");
    cn_fit_args args = {.struct_size = sizeof args};
    assert_int_equal(cn_fit_from_text(model, NULL, &args), CN_OK);
    assert_int_equal(args.struct_size, sizeof args);
    assert_int_equal(args.batch_size, 64);
    assert_int_equal(args.epochs, 5);
    assert_true(args.validation_split == 0.25);
    assert_true(args.no_shuffle);
    assert_int_equal(args.class_weight[1].label, 3);
    assert_true(args.class_weight[0].weight == 1 && args.class_weight[1].weight == 0 &&
                signbit(args.class_weight[1].weight));
    assert_int_equal(args.initial_epoch, 1);
    assert_int_equal(args.steps_per_epoch, 7);
    assert_int_equal(args.validation_steps, 8);
    assert_int_equal(args.validation_batch_size, 9);
    assert_int_equal(args.validation_freq, 2);
    assert_null(args.x.data);
    assert_null(args.callbacks[0]);
    cn_model_free(model);
}

static void keywords_are_taken(void **state)
{
    (void)state;
    cn_model *model =
        fitted("fit(UNKNOWN_ds, epochs=3, shuffle='batch', validation_data=UNKNOWN_val, validation_split=0.1, "
               "workers=4, verbose=UNKNOWN_v, callbacks=[ReduceLROnPlateau(patience=0), "
               "ModelCheckpoint(UNKNOWN_path), UNKNOWN_TensorBoard, EarlyStopping('loss', mode='min')])");
    cn_fit_args args = {.struct_size = sizeof args};
    assert_int_equal(cn_fit_from_text(model, NULL, &args), CN_OK);
    assert_int_equal(args.epochs, 3);
    assert_true(args.shuffle_batches && !args.no_shuffle);
    assert_true(args.validation_split == 0); /* validation_data goes first, as in Keras */
    assert_string_equal(((const cn_text_args *)(const void *)args.callbacks[0])->text, "ReduceLROnPlateau(patience=0)");
    assert_string_equal(((const cn_text_args *)(const void *)args.callbacks[1])->text,
                        "EarlyStopping('loss', mode='min')");
    assert_null(args.callbacks[2]);
    cn_model_free(model);
}

static void without_a_fit_all_is_zero(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    cn_fit_args args = {.struct_size = sizeof args, .epochs = 7};
    assert_int_equal(cn_fit_from_text(model, NULL, &args), CN_OK);
    assert_int_equal(args.epochs, 0);
    cn_model_free(model);
}

static void what_the_caller_sets_is_not_looked_at(void **state)
{
    (void)state;
    cn_model *model = fitted("fit(epochs=UNKNOWN_n, batch_size='x', initial_epoch=2)");
    cn_fit_args args = {.struct_size = sizeof args};
    assert_int_not_equal(cn_fit_from_text(model, "epochs,initial_epoch", &args), CN_OK);
    assert_int_equal(cn_fit_from_text(model, "batch_size, epochs", &args), CN_OK);
    assert_int_equal(args.epochs, 0);
    assert_int_equal(args.initial_epoch, 2);
    cn_model_free(model);
}

static void the_rest_is_refused_with_its_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"fit(epochs=UNKNOWN_n)", "model.py:1:12: error I805: fit: epochs='n': is not known without running"},
        {"fit(epoch=3)", "error I803: fit: epoch=3: fit() has no such argument; did you mean epochs?"},
        {"fit(epochs=0)", "error I804: fit: epochs=0: an integer from 1 expected"},
        {"fit(epochs=2.5)", "error I804: fit: epochs=2.5"},
        {"fit(epochs=99999999999)", "error I804: fit: epochs=99999999999"},
        {"fit(validation_split=1.0)", "error I804: fit: validation_split=1.0"},
        {"fit(shuffle='x')", "error I804: fit: shuffle='x'"},
        {"fit(class_weight=[1])", "error I804: fit: class_weight=[1]"},
        {"fit(class_weight={'a': 1})", "integers as labels"},
        {"fit(class_weight={'1': UNKNOWN_w})", "error I805: fit: class_weight"},
        {"fit(callbacks=[UNKNOWN_cb])", "error I805: fit: callbacks='cb'"},
        {"fit(callbacks=[EarlyStopping(patience=UNKNOWN_p)])", "error I805: fit: callbacks=EarlyStopping"},
        {"fit(callbacks=EarlyStopping(patiense=1))", "error I804: fit: callbacks=EarlyStopping"},
        {"fit(callbacks=[Callback()])", "takes functions"},
        {"fit(1,2,3,4,5,None,0,8,True,None,11,12,13,14,15,16,17)", "fit() takes 16 of them"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cn_model *model = fitted(cases[i][0]);
        cn_fit_args args = {.struct_size = sizeof args};
        if (cn_fit_from_text(model, NULL, &args) == CN_OK) fail_msg("%s is taken", cases[i][0]);
        if (!strstr(cn_error(model), cases[i][1])) fail_msg("%s: %s", cases[i][0], cn_error(model));
        cn_model_free(model);
    }
}

/* ---- callbacks as text ---- */

static cn_history *fit_with(cn_model *model, const cn_callback_args *callback)
{
    static float x[8] = {0, 1, 2, 3, 4, 5, 6, 7}, y[8] = {1, 3, 5, 7, 9, 11, 13, 15};
    cn_add(model, cn_input({1}));
    cn_add(model, cn_dense(1));
    cn_compile(model, .optimizer = cn_sgd(.learning_rate = CN_ZERO), .loss = "mse");
    cn_fit_args args = {.struct_size = sizeof args,
                        .x = {.data = x, .rank = 2, .shape = {8, 1}},
                        .y = {.data = y, .rank = 2, .shape = {8, 1}},
                        .epochs = 9,
                        .callbacks = {callback}};
    return cn_model_fit(model, &args);
}

/* Nothing is learned, so that the third epoch is the second without improvement. */
static void a_callback_from_text_acts(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    const cn_history *history = fit_with(model, cn_callback_text("EarlyStopping(monitor='loss', patience=2)"));
    int epochs;
    if (!history) fail_msg("%s", cn_error(model));
    cn_history_epochs(history, &epochs);
    assert_int_equal(epochs, 3);
    cn_model_free(model);
}

static void a_callback_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"EarlyStoping(patience=2)", "did you mean EarlyStopping?"},
                                           {"LearningRateScheduler(1)", "LearningRateScheduler"},
                                           {"Callback()", "takes functions"},
                                           {"None", "no callback"},
                                           {"", "callback"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cn_model *model = cn_sequential();
        assert_null(fit_with(model, cn_callback_text(cases[i][0])));
        if (!strstr(cn_error(model), cases[i][1])) fail_msg("%s: %s", cases[i][0], cn_error(model));
        cn_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_taken_in_keras_order), cmocka_unit_test(keywords_are_taken),
        cmocka_unit_test(without_a_fit_all_is_zero),          cmocka_unit_test(what_the_caller_sets_is_not_looked_at),
        cmocka_unit_test(the_rest_is_refused_with_its_place), cmocka_unit_test(a_callback_from_text_acts),
        cmocka_unit_test(a_callback_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
