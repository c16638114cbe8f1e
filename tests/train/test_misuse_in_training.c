/* SPDX-License-Identifier: Apache-2.0
 * Calls of fit, evaluate, predict and predictors that no program should make, and some that look odd and are right:
 * each gives its result, or a status and a text, and the model is as good as before. */
#include <cornu/cornu.h>

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 10, WIDE = 4, OUT = 2 };

static float x[ROWS * WIDE], y[ROWS * OUT], labels[ROWS];
#define X                                                                                                              \
    {                                                                                                                  \
        x, .rank = 2, .shape = { ROWS, WIDE }                                                                          \
    }
#define Y                                                                                                              \
    {                                                                                                                  \
        y, .rank = 2, .shape = { ROWS, OUT }                                                                           \
    }

static int fill(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS * WIDE; i++) x[i] = (float)(i % 7) / 7 - 0.4F;
    for (int i = 0; i < ROWS * OUT; i++) y[i] = (float)(i % 5) / 5;
    for (int i = 0; i < ROWS; i++) labels[i] = (float)(i % OUT);
    return 0;
}

#ifdef CORNU_FORMATS
static const cn_status no_file = CN_ERR_IO;
#else
static const cn_status no_file = CN_ERR_UNSUPPORTED;
#endif

static void assert_refused(const cn_model *model, cn_status status, const char *words)
{
    assert_int_equal(cn_error_status(model), status);
    if (!strstr(cn_error(model), words)) fail_msg("\"%s\" is not in \"%s\"", words, cn_error(model));
}

static cn_model *small(void)
{
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({WIDE}));
    cn_add(model, cn_dense(3, .activation = "tanh"));
    cn_add(model, cn_dense(OUT));
    assert_string_equal(cn_error(model), "");
    return model;
}

static cn_model *compiled(void)
{
    cn_model *model = small();
    cn_compile(model, .optimizer = cn_adam(), .loss = "mse", .metrics = {"mae"});
    assert_string_equal(cn_error(model), "");
    return model;
}

static void assert_trains(cn_model *model)
{
    assert_non_null(cn_fit(model, X, Y));
    assert_string_equal(cn_error(model), "");
    assert_non_null(cn_predict(model, X));
    assert_non_null(cn_evaluate(model, X, Y));
}

static void orders_are_told(void **state)
{
    (void)state;
    cn_model *model = small();
    assert_null(cn_fit(model, X, Y));
    assert_refused(model, CN_ERR_STATE, "compile");
    assert_null(cn_evaluate(model, X, Y));
    assert_refused(model, CN_ERR_STATE, "compile");
    assert_null(cn_train_on_batch(model, &(cn_data){.x = X, .y = Y}));
    assert_refused(model, CN_ERR_STATE, "compile");
    assert_int_equal(cn_set_learning_rate(model, 1), CN_ERR_STATE);
    cn_compile(model, .loss = "mse");
    assert_trains(model);
    cn_model_free(model);

    model = cn_sequential();
    assert_null(cn_predict(model, X));
    assert_refused(model, CN_ERR_STATE, "no layers");
    assert_null(cn_predictor_new(model, 1, 1));
    assert_refused(model, CN_ERR_STATE, "cn_build, or cn_input");
    cn_model_free(model);

    model = cn_functional();
    cn_input_node(model, cn_input({WIDE}));
    assert_null(cn_predict(model, X));
    assert_refused(model, CN_ERR_STATE, "cn_outputs");
    assert_null(cn_predictor_new(model, 1, 1));
    assert_refused(model, CN_ERR_STATE, "cn_outputs");
    cn_model_free(model);
}

static void arrays_are_checked(void **state)
{
    (void)state;
    const int64_t huge = INT64_C(1) << 40;
    const struct {
        cn_array x;
        cn_status status;
        const char *words;
    } bad[] = {
        {{0}, CN_ERR_INVALID, "x has no rows"},
        {{x, .rank = 0}, CN_ERR_INVALID, "x has no rows"},
        {{x, .rank = -1}, CN_ERR_INVALID, "x has no rows"},
        {{x, .rank = 99, .shape = {1}}, CN_ERR_SHAPE, "rank 99"},
        {{x, .dtype = (cn_dtype)77, .rank = 2, .shape = {ROWS, WIDE}}, CN_ERR_INVALID, "dtype 77"},
        {{x, .dtype = (cn_dtype)-1, .rank = 2, .shape = {ROWS, WIDE}}, CN_ERR_INVALID, "dtype"},
        {{x, .rank = 2, .shape = {0, WIDE}}, CN_ERR_INVALID, "x has no rows"},
        {{x, .rank = 2, .shape = {-3, WIDE}}, CN_ERR_SHAPE, "negative"},
        {{x, .rank = 2, .shape = {ROWS, WIDE + 1}}, CN_ERR_SHAPE, "input 0"},
        {{x, .rank = 1, .shape = {ROWS}}, CN_ERR_SHAPE, "input 0"},
        {{x, .rank = 4, .shape = {huge, huge, huge, huge}}, CN_ERR_LIMIT, "no machine"},
        {{x, .rank = 2, .shape = {1, INT64_MAX}}, CN_ERR_LIMIT, "no machine"},
    };
    cn_model *model = compiled();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(cn_model_predict(model, &(cn_predict_args){.struct_size = sizeof(cn_predict_args), .x = bad[i].x}));
        assert_refused(model, bad[i].status, bad[i].words);
        assert_null(cn_model_fit(model, &(cn_fit_args){.struct_size = sizeof(cn_fit_args), .x = bad[i].x, .y = Y}));
        assert_true(cn_failed(model));
        assert_null(cn_evaluate(model, X, {y, .rank = 2, .shape = {ROWS - 1, OUT}}));
        assert_refused(model, CN_ERR_SHAPE, "same number of samples");
    }
    assert_null(cn_predict(model, X, .batch_size = -1));
    assert_null(cn_fit(model, X, {0}));
    assert_refused(model, CN_ERR_INVALID, "no targets");
    assert_null(cn_evaluate(model, X, {0}));
    assert_refused(model, CN_ERR_INVALID, "no targets");
    assert_trains(model);
    cn_model_free(model);
}

static void free_sizes_are_checked(void **state)
{
    (void)state;
    static const float image[8 * 8 * 3];
    const int64_t huge = INT64_C(1) << 30;
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({CN_NONE, CN_NONE, 3}));
    cn_add(model, cn_conv2d(2, {3}, .padding = CN_SAME));
    cn_add(model, cn_max_pooling2d({2}, .padding = CN_SAME));
    cn_add(model, cn_global_average_pooling2d());
    assert_null(cn_predict(model, {image, .rank = 4, .shape = {1, huge, huge, 3}}));
    assert_refused(model, CN_ERR_LIMIT, "no machine");
    (void)cn_predict(model, {image, .rank = 4, .shape = {1, 0, 5, 3}}); /* an answer or an error, but no crash */
    (void)cn_predict(model, {image, .rank = 4, .shape = {1, 0, 0, 3}});
    assert_null(cn_predictor_new(model, 1, 1));
    assert_refused(model, CN_ERR_UNSUPPORTED, "free dimensions");
    const cn_array *out = cn_predict(model, {image, .rank = 4, .shape = {1, 8, 8, 3}});
    assert_non_null(out);
    assert_int_equal(out->shape[1], 2);
    cn_model_free(model);
}

/* Heights and widths one after the other: what was made for one size is not used for another. */
static void sizes_alternate(void **state)
{
    (void)state;
    enum { MOST = 9 };
    static float images[3 * MOST * MOST * 2], targets[3 * MOST * MOST];
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) images[i] = (float)(i % 13) / 13;
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({CN_NONE, CN_NONE, 2}));
    cn_add(model, cn_conv2d(3, {3}, .padding = CN_SAME, .activation = "relu"));
    cn_add(model, cn_conv2d(1, {1}));
    cn_compile(model, .loss = "mse", .metrics = {"mae", "binary_accuracy", "mse"});
    float first[MOST] = {0};
    for (int turn = 0; turn < 3; turn++)
        for (int n = 2; n <= MOST; n++) {
            const int rows = 1 + n % 3;
            const cn_array in = {images, .rank = 4, .shape = {rows, n, MOST + 2 - n, 2}};
            const cn_array out = {targets, .rank = 4, .shape = {rows, n, MOST + 2 - n, 1}};
            const cn_logs *scores = cn_evaluate(model, in, out);
            if (!scores) fail_msg("%s", cn_error(model));
            const float loss = (float)cn_logs_get(scores, "loss");
            if (turn == 0) first[n - 2] = loss;
            assert_true(loss == first[n - 2]);
            assert_non_null(cn_predict(model, in, .batch_size = 2));
        }
    cn_model_free(model);
}

static void targets_of_other_shapes_are_measured_anew(void **state)
{
    (void)state;
    static const float wide[ROWS * 64];
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({WIDE}));
    cn_add(model, cn_dense(64));
    cn_compile(model, .loss = "mse", .metrics = {"mae"});
    assert_non_null(cn_evaluate(model, X, {wide, .rank = 2, .shape = {ROWS, 64}}));
    (void)cn_evaluate(model, X, {labels, .rank = 2, .shape = {ROWS, 1}}); /* reads ten numbers, not 640 */
    assert_non_null(cn_evaluate(model, X, {wide, .rank = 2, .shape = {ROWS, 64}}));
    cn_model_free(model);
}

static void validation_is_checked(void **state)
{
    (void)state;
    cn_model *model = compiled();
    static const double splits[] = {-1, 1, 2, 1e300, -1e300, NAN, INFINITY, 0.999999};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        assert_null(cn_fit(model, X, Y, .validation_split = splits[i]));
        assert_refused(model, CN_ERR_INVALID, "validation_split");
    }
    assert_null(cn_fit(model, X, Y, .validation_data = {X}));
    assert_refused(model, CN_ERR_INVALID, "no targets");
    assert_null(cn_fit(model, X, Y, .validation_data = {{x, .rank = 2, .shape = {5, WIDE + 1}}, Y}));
    assert_refused(model, CN_ERR_SHAPE, "validation_data");
    assert_null(cn_fit(model, X, Y, .validation_data = {X, {y, .rank = 2, .shape = {ROWS, OUT + 1}}}));
    assert_null(cn_fit(model, X, Y, .validation_data = {X, Y, {y, .rank = 1, .shape = {ROWS - 1}}}));
    assert_refused(model, CN_ERR_SHAPE, "sample_weight");
    assert_non_null(cn_fit(model, X, Y,
                           .validation_data = {{x, .rank = 2, .shape = {3, WIDE}},
                                               {y, .rank = 2, .shape = {3, OUT}},
                                               {y, .rank = 1, .shape = {3}}},
                           .validation_batch_size = 1000000000));
    assert_trains(model);
    cn_model_free(model);
}

static void numbers_are_checked(void **state)
{
    (void)state;
    cn_model *model = compiled();
    assert_null(cn_fit(model, X, Y, .batch_size = -1));
    assert_refused(model, CN_ERR_INVALID, "batch_size=-1");
    assert_null(cn_fit(model, X, Y, .steps_per_epoch = -1));
    assert_null(cn_fit(model, X, Y, .validation_freq = -1));
    assert_null(cn_evaluate(model, X, Y, .batch_size = -5));
    assert_null(cn_evaluate(model, X, Y, .steps = -5));
    assert_non_null(cn_fit(model, X, Y, .epochs = -3)); /* no epochs, as in Keras */
    assert_non_null(cn_fit(model, X, Y, .initial_epoch = 5));
    assert_non_null(cn_fit(model, X, Y, .steps_per_epoch = 1000));
    assert_non_null(cn_fit(model, X, Y, .batch_size = 2147483647));
    assert_non_null(cn_evaluate(model, X, Y, .batch_size = 2147483647));
    assert_non_null(cn_predict(model, X, .batch_size = 2147483647));
    cn_model_free(model);
}

static void weights_of_samples_are_checked(void **state)
{
    (void)state;
    cn_model *model = compiled();
    assert_null(cn_fit(model, X, Y, .sample_weight = {y, .rank = 1, .shape = {ROWS - 1}}));
    assert_refused(model, CN_ERR_SHAPE, "sample_weight");
    assert_null(cn_fit(model, X, Y, .sample_weight = Y));
    assert_refused(model, CN_ERR_UNSUPPORTED, "sample_weight");
    assert_null(cn_fit(model, X, Y, .sample_weight = {y, .rank = 0}));
    assert_null(cn_fit(model, X, Y, .class_weight = {{0, 1.0}}, .sample_weight = {y, .rank = 1, .shape = {ROWS}}));
    assert_refused(model, CN_ERR_INVALID, "class_weight");
    assert_trains(model);
    cn_model_free(model);
}

static void labels_are_checked(void **state)
{
    (void)state;
    static const float bad[] = {-1, 2, 1e9F, -1e30F, NAN, INFINITY, 0.5F};
    cn_model *model = small();
    cn_compile(model, .loss = "sparse_categorical_crossentropy(from_logits=True)", .metrics = {"accuracy"});
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        float own[ROWS];
        memcpy(own, labels, sizeof own);
        own[7] = bad[i];
        const cn_history *history = cn_fit(model, X, {own, .rank = 1, .shape = {ROWS}}, .class_weight = {{0, 2.0}});
        if (bad[i] != 0.5F) {
            assert_null(history);
            assert_refused(model, CN_ERR_NUMERIC, "7");
        }
    }
    assert_non_null(cn_fit(model, X, {labels, .rank = 1, .shape = {ROWS}}));
    cn_model_free(model);
}

static void without_a_loss_there_are_still_metrics(void **state)
{
    (void)state;
    cn_model *model = small();
    cn_compile(model, .optimizer = cn_sgd(), .metrics = {"mae"});
    assert_null(cn_fit(model, X, Y));
    assert_refused(model, CN_ERR_STATE, "without a loss");
    const cn_logs *scores = cn_evaluate(model, X, Y);
    assert_true(cn_logs_get(scores, "loss") == 0 && cn_logs_get(scores, "mae") > 0);
    cn_model_free(model);
}

/* ---- callbacks ---- */

typedef struct deeds {
    cn_model *model;
    int calls;
} deeds;

static void do_everything_forbidden(void *user, cn_model *model, int64_t batch, const cn_logs *logs)
{
    deeds *d = user;
    (void)batch;
    (void)logs;
    d->calls++;
    assert_int_equal(cn_add(model, cn_dense(5)), CN_ERR_STATE);
    assert_int_equal(cn_pop(model), CN_ERR_STATE);
    assert_int_equal(cn_compile(model, .loss = "mae"), CN_ERR_STATE);
    assert_null(cn_fit(model, X, Y));
    assert_refused(model, CN_ERR_STATE, "in training");
    assert_null(cn_train_on_batch(model, &(cn_data){.x = X, .y = Y}));
    assert_int_equal(cn_set_threads(NULL, 2), CN_ERR_STATE);
    cn_clear(model);
    assert_non_null(cn_predict(model, X));
}

static void callbacks_cannot_change_the_model(void **state)
{
    (void)state;
    cn_model *model = compiled();
    deeds d = {model, 0};
    assert_non_null(
        cn_fit(model, X, Y, .batch_size = 4, .callbacks = {cn_callback(&d, .on_batch_end = do_everything_forbidden)}));
    assert_int_equal(d.calls, 3);
    assert_int_equal(cn_set_threads(NULL, 0), CN_OK);
    assert_trains(model);
    cn_model_free(model);
}

static void set_and_stop(void *user, cn_model *model, int64_t batch, const cn_logs *logs)
{
    static const float zeros[WIDE * 3];
    (void)batch;
    (void)logs;
    (*(int *)user)++;
    assert_int_equal(cn_set_weight(model, 0, (cn_array){zeros, .rank = 2, .shape = {WIDE, 3}}), CN_OK);
    assert_int_equal(cn_set_learning_rate(model, 0.5), CN_OK);
    assert_int_equal(cn_save(model, "/dev/null/x.keras"), no_file);
    cn_clear(model);
    cn_stop_training(model);
}

static void a_callback_may_set_weights_and_stop(void **state)
{
    (void)state;
    cn_model *model = compiled();
    int calls = 0;
    assert_non_null(cn_fit(model, X, Y, .batch_size = 2, .epochs = 9,
                           .callbacks = {cn_callback(&calls, .on_batch_end = set_and_stop)}));
    assert_int_equal(calls, 1);
    assert_true(cn_learning_rate(model) == 0.5);
    const cn_array w = cn_weight(model, 0);
    for (int i = 0; i < WIDE * 3; i++) assert_true(((const float *)w.data)[i] == 0);
    cn_model_free(model);
}

static void spoil_rate(void *user, cn_model *model, int epoch)
{
    (void)user;
    (void)epoch;
    (void)cn_set_learning_rate(model, NAN);
}

static void a_rate_that_is_nan_ends_in_nan_not_in_a_crash(void **state)
{
    (void)state;
    cn_model *model = compiled();
    assert_non_null(cn_fit(model, X, Y, .epochs = 2, .callbacks = {cn_callback(NULL, .on_epoch_begin = spoil_rate)}));
    assert_true(isnan(*(const float *)cn_weight(model, 0).data)); /* as in Keras */
    assert_null(cn_fit(model, X, Y, .check_finite = true));
    assert_refused(model, CN_ERR_NUMERIC, "loss is NaN");
    cn_model_free(model);
}

static void rows_that_are_not_finite_are_named(void **state)
{
    (void)state;
    float spoilt[ROWS * WIDE];
    const cn_array bad = {spoilt, .rank = 2, .shape = {ROWS, WIDE}};
    const cn_array good = X;
    const cn_array targets = Y;
    cn_model *model = compiled();
    memcpy(spoilt, x, sizeof spoilt);
    spoilt[7 * WIDE + 2] = NAN;
    for (int no_shuffle = 0; no_shuffle < 2; no_shuffle++) {
        assert_null(cn_fit(model, bad, Y, .check_finite = true, .batch_size = 3, .no_shuffle = no_shuffle));
        assert_refused(model, CN_ERR_NUMERIC, "the data hold NaN in row 7;");
    }
    spoilt[7 * WIDE + 2] = INFINITY;
    const float before = *(const float *)cn_weight(model, 0).data;
    assert_null(cn_fit(model, good, Y, .check_finite = true, .validation_data = {bad, targets}));
    assert_refused(model, CN_ERR_NUMERIC, "the validation data hold infinity in row 7");
    assert_null(cn_fit(model, bad, Y, .check_finite = true, .validation_split = 0.5));
    assert_refused(model, CN_ERR_NUMERIC, "the validation data hold infinity in row 7");
    assert_true(*(const float *)cn_weight(model, 0).data == before); /* told before the first step */
    assert_non_null(cn_fit(model, good, Y, .validation_data = {bad, targets}));
    cn_model_free(model);
}

static double bad_schedule(void *user, int epoch, double rate)
{
    (void)user;
    (void)epoch;
    (void)rate;
    return NAN;
}

static void callbacks_are_checked(void **state)
{
    (void)state;
    cn_model *model = compiled();
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_learning_rate_scheduler(NULL)}));
    assert_refused(model, CN_ERR_INVALID, "schedule");
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_learning_rate_scheduler(bad_schedule)}));
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_csv_logger(NULL)}));
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_csv_logger("/dev/null/x.csv")}));
    assert_refused(model, CN_ERR_IO, "/dev/null");
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_model_checkpoint("x.txt")}));
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_model_checkpoint("/dev/null/{epoch:99999999d}.keras")}));
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_model_checkpoint("/dev/null/{epoch:....d}.keras")}));
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_model_checkpoint("/dev/null/{nothing}.keras")}));
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_model_checkpoint("/dev/null/{loss:.2f}.keras")}));
    assert_int_equal(cn_error_status(model), no_file);
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_early_stopping("loss", .mode = "sideways")}));
    cn_callback_args unknown = {sizeof unknown, "Nothing"};
    assert_null(cn_fit(model, X, Y, .callbacks = {&unknown}));
    assert_non_null(cn_fit(model, X, Y, .epochs = 3, .callbacks = {cn_early_stopping("nothing", .mode = "min")}));
    assert_trains(model);
    cn_model_free(model);
}

/* ---- models that change between calls ---- */

static void layers_come_and_go_between_fits(void **state)
{
    (void)state;
    cn_model *model = compiled();
    assert_trains(model);
    cn_pop(model);
    cn_add(model, cn_dense(5));
    cn_add(model, cn_dense(OUT));
    assert_string_equal(cn_error(model), "");
    assert_trains(model);
    cn_pop(model);
    assert_null(cn_fit(model, X, Y)); /* five outputs now */
    assert_refused(model, CN_ERR_SHAPE, "fit");
    cn_add(model, cn_dense(OUT));
    assert_trains(model);
    assert_true(cn_learning_rate(model) > 0);
    cn_model_free(model);
}

static void freezing_waits_for_compile(void **state)
{
    (void)state;
    cn_model *model = compiled();
    float before[WIDE * 3];
    assert_non_null(cn_fit(model, X, Y, .batch_size = 5));
    cn_set_trainable(cn_layer_at(model, 0), false);
    memcpy(before, cn_weight(model, 0).data, sizeof before);
    assert_non_null(cn_fit(model, X, Y, .batch_size = 10)); /* a larger batch is planned anew */
    assert_memory_not_equal(before, cn_weight(model, 0).data, sizeof before);
    cn_compile(model, .loss = "mse");
    memcpy(before, cn_weight(model, 0).data, sizeof before);
    assert_trains(model);
    assert_memory_equal(before, cn_weight(model, 0).data, sizeof before);
    cn_set_trainable(cn_layer_at(model, 0), true);
    assert_non_null(cn_fit(model, X, Y, .batch_size = 10, .sample_weight = {y, .rank = 1, .shape = {ROWS}}));
    assert_memory_equal(before, cn_weight(model, 0).data, sizeof before);
    cn_model_free(model);
}

static void threads_may_be_set_between_calls(void **state)
{
    (void)state;
    cn_context *context = cn_context_new();
    cn_model *model = cn_sequential_in(context, NULL);
    cn_add(model, cn_input({WIDE}));
    cn_add(model, cn_dense(300, .activation = "relu"));
    cn_add(model, cn_dense(OUT));
    cn_compile(model, .loss = "mse");
    cn_set_threads(context, 1);
    const float first = *(const float *)cn_predict(model, X)->data;
    assert_non_null(cn_fit(model, X, Y, .epochs = 1, .steps_per_epoch = 1, .batch_size = ROWS));
    for (int threads = 4; threads >= 0; threads--) {
        assert_int_equal(cn_set_threads(context, threads), CN_OK);
        assert_non_null(cn_predict(model, X));
        assert_trains(model);
    }
    assert_true(isfinite(first));
    cn_model_free(model);
    cn_context_free(context);
}

/* ---- odd graphs ---- */

static void the_output_may_be_the_input(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *in = cn_input_node(model, cn_input({WIDE}));
    cn_outputs(model, in);
    const cn_array *out = cn_predict(model, X, .batch_size = 3);
    assert_string_equal(cn_error(model), "");
    assert_memory_equal(out->data, x, sizeof x);
    cn_compile(model, .loss = "mse");
    const cn_history *history = cn_fit(model, X, X); /* no weights: nothing to learn, as in Keras */
    assert_non_null(history);
    assert_true(cn_history_values(history, 0, NULL)[0] == 0);
    cn_model_free(model);
}

static void an_input_may_be_unused_and_a_node_an_output_twice(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *a = cn_input_node(model, cn_input({WIDE})), *b = cn_input_node(model, cn_input({OUT}));
    cn_node *hidden = cn_call(model, cn_dense(OUT, .activation = "tanh"), a),
            *out = cn_call(model, cn_dense(OUT), hidden);
    cn_outputs(model, out, hidden, out);
    (void)b;
    assert_int_equal(cn_input_count(model), 2);
    cn_predict_args args = {.struct_size = sizeof args, .inputs = {X, Y}, .batch_size = 4};
    const cn_array *p = cn_model_predict(model, &args);
    assert_string_equal(cn_error(model), "");
    assert_memory_equal(p[0].data, p[2].data, sizeof y);
    cn_compile(model, .loss = "mse", .output_metrics = {{"mae"}, {NULL}, {"mae", "mse"}});
    cn_fit_args fit = {.struct_size = sizeof fit, .inputs = {X, Y}, .targets = {Y, Y, Y}, .epochs = 2, .batch_size = 4};
    assert_non_null(cn_model_fit(model, &fit));
    assert_string_equal(cn_error(model), "");
    fit.targets[1] = (cn_array){0};
    assert_null(cn_model_fit(model, &fit));
    cn_model_free(model);
}

static void a_layer_called_twice_sums_its_gradients(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *a = cn_input_node(model, cn_input({WIDE}));
    cn_layer *shared = cn_layer_new(model, cn_dense(WIDE, .no_bias = true, .kernel_initializer = "identity"));
    cn_outputs(model, cn_call_layer(shared, cn_call_layer(shared, a)));
    cn_compile(model, .optimizer = cn_sgd(.learning_rate = 1.0), .loss = "mse");
    const float one[WIDE] = {1, 0, 0, 0}, zero[WIDE] = {0};
    const cn_data batch = {.x = {one, .rank = 2, .shape = {1, WIDE}}, .y = {zero, .rank = 2, .shape = {1, WIDE}}};
    assert_non_null(cn_train_on_batch(model, &batch));
    /* loss = |W^T W^T e|^2 / 4; at W = 1 its derivative by W_00 is 2 * 2 / 4 = 1 */
    assert_true(fabsf(*(const float *)cn_weight(model, 0).data) < 1e-6F);
    cn_model_free(model);
}

static void dense_takes_any_rank(void **state)
{
    (void)state;
    static float in[2 * 3 * 4 * 5], out[2 * 3 * 4 * 2];
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) in[i] = (float)i / 60 - 1;
    for (int rank = 3; rank <= 4; rank++) {
        cn_model *model = cn_sequential();
        if (rank == 3)
            cn_add(model, cn_input({12, 5}));
        else
            cn_add(model, cn_input({3, 4, 5}));
        cn_add(model, cn_dense(2, .kernel_initializer = "ones"));
        cn_compile(model, .loss = "mse");
        const cn_array a = {in, .rank = rank, .shape = {2, rank == 3 ? 12 : 3, rank == 3 ? 5 : 4, 5}};
        const cn_array t = {out, .rank = rank, .shape = {2, rank == 3 ? 12 : 3, rank == 3 ? 2 : 4, 2}};
        const float *p = cn_predict(model, a, .batch_size = 1)->data;
        for (int i = 0; i < 24; i++) {
            float sum = 0;
            for (int j = 0; j < 5; j++) sum += in[i * 5 + j];
            assert_true(fabsf(p[2 * i] - sum) < 1e-5F && fabsf(p[2 * i + 1] - sum) < 1e-5F);
        }
        assert_non_null(cn_fit(model, a, t, .batch_size = 1));
        cn_model_free(model);
    }
}

static void batches_grow_and_shrink(void **state)
{
    (void)state;
    static float many[70 * WIDE];
    for (size_t i = 0; i < sizeof many / sizeof *many; i++) many[i] = (float)(i % 11) / 11;
    cn_model *model = small();
    float whole[70 * OUT];
    memcpy(whole, cn_predict(model, {many, .rank = 2, .shape = {70, WIDE}}, .batch_size = 70)->data, sizeof whole);
    static const int sizes[] = {1, 64, 3, 70, 33, 2};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const cn_array *p = cn_predict(model, {many, .rank = 2, .shape = {70, WIDE}}, .batch_size = sizes[i]);
        assert_memory_equal(p->data, whole, sizeof whole);
        p = cn_predict(model, {many, .rank = 2, .shape = {sizes[i], WIDE}});
        assert_memory_equal(p->data, whole, (size_t)sizes[i] * OUT * sizeof(float));
    }
    cn_model_free(model);
}

/* ---- predictors ---- */

static void a_predictor_outlives_its_model(void **state)
{
    (void)state;
    cn_model *model = small();
    float wanted[ROWS * OUT], given[ROWS * OUT];
    memcpy(wanted, cn_predict(model, X)->data, sizeof wanted);
    cn_predictor *predictor = cn_predictor_new(model, ROWS, 2);
    assert_non_null(predictor);
    cn_model_free(model);
    assert_int_equal(cn_predictor_run(predictor, ROWS, (const float *[]){x}, (float *[]){given}), CN_OK);
    assert_memory_equal(given, wanted, sizeof wanted);
    assert_int_equal(cn_predictor_run(predictor, ROWS + 1, (const float *[]){x}, (float *[]){given}), CN_ERR_INVALID);
    assert_int_equal(cn_predictor_run(predictor, 0, (const float *[]){x}, (float *[]){given}), CN_ERR_INVALID);
    assert_int_equal(cn_predictor_run(predictor, 1, (const float *[]){NULL}, (float *[]){given}), CN_ERR_INVALID);
    assert_int_equal(cn_predictor_run(predictor, 1, NULL, NULL), CN_ERR_INVALID);
    assert_string_not_equal(cn_predictor_error(predictor), "");
    for (int i = 0; i < 20; i++) { /* models like the one that is gone, perhaps at its place */
        cn_model *other = small();
        assert_int_equal(cn_predictor_refresh(predictor, other), CN_ERR_STATE);
        cn_model_free(other);
    }
    cn_predictor_free(predictor);
}

static void a_predictor_is_refreshed_while_its_model_stays(void **state)
{
    (void)state;
    cn_model *model = compiled();
    float before[ROWS * OUT], after[ROWS * OUT];
    cn_predictor *predictor = cn_predictor_new(model, ROWS, 1);
    assert_int_equal(cn_predictor_run(predictor, ROWS, (const float *[]){x}, (float *[]){before}), CN_OK);
    assert_trains(model);
    cn_compile(model, .loss = "mae"); /* changes no layer */
    assert_int_equal(cn_predictor_refresh(predictor, model), CN_OK);
    assert_int_equal(cn_predictor_run(predictor, ROWS, (const float *[]){x}, (float *[]){after}), CN_OK);
    assert_memory_equal(after, cn_predict(model, X)->data, sizeof after);
    assert_memory_not_equal(after, before, sizeof after);
    cn_pop(model);
    assert_int_equal(cn_predictor_refresh(predictor, model), CN_ERR_STATE);
    assert_null(cn_predictor_new(model, 0, 1));
    assert_string_equal(cn_error(model), "cn_predictor_new: batch=0; 1 or more expected");
    assert_null(cn_predictor_new(model, 1, -1));
    assert_string_equal(cn_error(model), "cn_predictor_new: threads=-1; a number from 0 to 1024 expected");
    assert_null(cn_predictor_new(model, 1, 100000));
    assert_string_equal(cn_error(model), "cn_predictor_new: threads=100000; a number from 0 to 1024 expected");
    cn_predictor_free(predictor);
    cn_model_free(model);
}

typedef struct server {
    cn_predictor *predictor;
    const float *wanted;
    int failures;
} server;

static void *serve(void *user)
{
    server *s = user;
    float given[ROWS * OUT];
    for (int i = 0; i < 200; i++) {
        const int n = 1 + i % ROWS;
        s->failures += cn_predictor_run(s->predictor, n, (const float *[]){x}, (float *[]){given}) != CN_OK ||
                       memcmp(given, s->wanted, (size_t)n * OUT * sizeof(float)) != 0;
    }
    return NULL;
}

static void predictors_run_beside_each_other_and_a_fit(void **state)
{
    (void)state;
    enum { SERVERS = 3 };
    cn_model *model = compiled();
    float wanted[ROWS * OUT];
    memcpy(wanted, cn_predict(model, X)->data, sizeof wanted);
    server servers[SERVERS];
    pthread_t threads[SERVERS];
    for (int i = 0; i < SERVERS; i++) {
        servers[i] = (server){cn_predictor_new(model, ROWS, 1 + i), wanted, 0};
        assert_non_null(servers[i].predictor);
    }
    for (int i = 0; i < SERVERS; i++) assert_int_equal(pthread_create(threads + i, NULL, serve, servers + i), 0);
    assert_non_null(cn_fit(model, X, Y, .epochs = 20, .batch_size = 3));
    for (int i = 0; i < SERVERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(servers[i].failures, 0);
        cn_predictor_free(servers[i].predictor);
    }
    cn_model_free(model);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_told),
        cmocka_unit_test(arrays_are_checked),
        cmocka_unit_test(free_sizes_are_checked),
        cmocka_unit_test(sizes_alternate),
        cmocka_unit_test(targets_of_other_shapes_are_measured_anew),
        cmocka_unit_test(validation_is_checked),
        cmocka_unit_test(numbers_are_checked),
        cmocka_unit_test(weights_of_samples_are_checked),
        cmocka_unit_test(labels_are_checked),
        cmocka_unit_test(without_a_loss_there_are_still_metrics),
        cmocka_unit_test(callbacks_cannot_change_the_model),
        cmocka_unit_test(a_callback_may_set_weights_and_stop),
        cmocka_unit_test(rows_that_are_not_finite_are_named),
        cmocka_unit_test(a_rate_that_is_nan_ends_in_nan_not_in_a_crash),
        cmocka_unit_test(callbacks_are_checked),
        cmocka_unit_test(layers_come_and_go_between_fits),
        cmocka_unit_test(freezing_waits_for_compile),
        cmocka_unit_test(threads_may_be_set_between_calls),
        cmocka_unit_test(the_output_may_be_the_input),
        cmocka_unit_test(an_input_may_be_unused_and_a_node_an_output_twice),
        cmocka_unit_test(a_layer_called_twice_sums_its_gradients),
        cmocka_unit_test(dense_takes_any_rank),
        cmocka_unit_test(batches_grow_and_shrink),
        cmocka_unit_test(a_predictor_outlives_its_model),
        cmocka_unit_test(a_predictor_is_refreshed_while_its_model_stays),
        cmocka_unit_test(predictors_run_beside_each_other_and_a_fit),
    };
    if (count > 1) cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests(tests, fill, NULL);
}
