/* SPDX-License-Identifier: Apache-2.0
 * Callbacks against Keras' (golden/callbacks.json): a model of one weight, which is set at the beginning of each epoch,
 * so that a case says what its callback sees (loss: its square; mae: its size). */
#ifdef CORNU_FORMATS
#include "train/golden_fit.h"

#include <dirent.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MOST_ROWS = 8 };

/* ---- the model, and the callback that leads it ---- */

typedef struct leader {
    golden *g;
    const cni_value *c, *trace; /* trace: what Keras calls, NULL: not followed */
    size_t event;
    int epoch, stop_epoch;
    int64_t stop_batch; /* -1: at the end of the epoch */
} leader;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "batch_end 0 loss mae": the event, then the names of the logs in alphabetical order. */
static void note(leader *l, const char *event, int64_t number, const cn_logs *logs)
{
    const char *names[64];
    char text[500];
    const int count = logs ? logs->count : 0;
    int length = number < 0 ? snprintf(text, sizeof text, "%s", event)
                            : snprintf(text, sizeof text, "%s %" PRId64, event, number);
    if (!l->trace) return;
    for (int i = 0; i < count; i++) names[i] = logs->names[i];
    qsort(names, (size_t)count, sizeof *names, by_name);
    for (int i = 0; i < count; i++) length += snprintf(text + length, sizeof text - (size_t)length, " %s", names[i]);
    if (l->event >= l->trace->count || strcmp(text, l->trace->items[l->event]->text) != 0)
        golden_fail(l->g, "%s: event %zu is \"%s\", in Keras \"%s\"", golden_id(l->c), l->event, text,
                    l->event < l->trace->count ? l->trace->items[l->event]->text : "");
    l->event++;
}

static void train_begin(void *user, cn_model *model)
{
    (void)model;
    note(user, "train_begin", -1, NULL);
}

static void train_end(void *user, cn_model *model, const cn_logs *logs)
{
    (void)model;
    note(user, "train_end", -1, logs);
}

static void epoch_begin(void *user, cn_model *model, int epoch)
{
    leader *l = user;
    const float w = (float)golden_number(cni_value_get(l->c, "weights")->items[epoch]);
    l->epoch = epoch;
    assert_int_equal(cn_set_weight(model, 0, (cn_array){&w, CN_FLOAT32, 2, {1, 1}}), CN_OK);
    note(l, "epoch_begin", epoch, NULL);
}

static void epoch_end(void *user, cn_model *model, int epoch, const cn_logs *logs)
{
    leader *l = user;
    note(l, "epoch_end", epoch, logs);
    if (l->stop_epoch == epoch && l->stop_batch < 0) cn_stop_training(model);
}

static void batch_begin(void *user, cn_model *model, int64_t batch)
{
    (void)model;
    note(user, "batch_begin", batch, NULL);
}

static void batch_end(void *user, cn_model *model, int64_t batch, const cn_logs *logs)
{
    leader *l = user;
    note(l, "batch_end", batch, logs);
    if (l->stop_epoch == l->epoch && l->stop_batch == batch) cn_stop_training(model);
}

static cn_model *one_weight(const golden *g, cn_context *context)
{
    cn_model *model = cn_sequential_in(context, NULL);
    cn_add(model, cn_input({1}));
    cn_add(model, cn_dense(1, .no_bias = true));
    cn_compile(model, .optimizer = cn_sgd(cni_value_get(g->head, "rate")->real), .loss = "mse", .metrics = {"mae"});
    assert_string_equal(cn_error(model), "");
    return model;
}

static int int_of(const cni_value *c, const char *key, int otherwise)
{
    const cni_value *value = cni_value_get(c, key);
    return value ? (int)value->integer : otherwise;
}

/* Trains a case with one callback (or none).  The rows are all 1, their targets 0. */
static cn_history *train(golden *g, const cni_value *c, cn_model *model, const cn_callback_args *callback)
{
    const cni_value *stop = cni_value_get(c, "stop"), *validation = cni_value_get(c, "validation");
    float ones[MOST_ROWS], zeros[MOST_ROWS] = {0};
    const int rows = int_of(c, "rows", 1), bad = int_of(c, "nan_row", -1);
    const cn_array x = {ones, CN_FLOAT32, 2, {rows, 1}}, y = {zeros, CN_FLOAT32, 2, {rows, 1}};
    leader l = {.g = g, .c = c, .trace = cni_value_get(c, "trace"), .stop_epoch = int_of(stop, "epoch", -1)};
    l.stop_batch = int_of(stop, "batch", -1);
    for (int i = 0; i < MOST_ROWS; i++) ones[i] = 1;
    if (bad >= 0) zeros[bad] = NAN;
    cn_fit_args args = {.struct_size = sizeof args, .x = x, .y = y, .batch_size = 1, .no_shuffle = true};
    args.epochs = (int)cni_value_get(c, "weights")->count;
    args.steps_per_epoch = int_of(c, "steps_per_epoch", 0);
    if (!validation || validation->truth) args.validation_data[0] = x, args.validation_data[1] = y;
    args.callbacks[0] =
        cn_callback(.user = &l, .on_train_begin = train_begin, .on_train_end = train_end, .on_epoch_begin = epoch_begin,
                    .on_epoch_end = epoch_end, .on_batch_begin = batch_begin, .on_batch_end = batch_end);
    args.callbacks[1] = callback;
    cn_history *history = cn_model_fit(model, &args);
    if (history && l.trace && l.event != l.trace->count)
        golden_fail(g, "%s: %zu events, in Keras %zu", golden_id(c), l.event, l.trace->count);
    return history;
}

/* ---- what came of it ---- */

static bool same(double ours, double theirs)
{
    return (isnan(ours) && isnan(theirs)) || (float)ours == (float)theirs;
}

static double weight_of(const cn_model *model)
{
    return (double)*(const float *)cn_weight(model, 0).data;
}

static void compare_rates(golden *g, const cni_value *c, const cn_model *model, const cn_history *history)
{
    const cni_value *theirs = cni_value_get(c, "learning_rate");
    int count = 0, last = cn_history_count(history) - 1;
    if (!theirs) return;
    assert_string_equal(cn_history_name(history, last), "learning_rate");
    const double *ours = cn_history_values(history, last, &count);
    for (int i = 0; i < count && i < (int)theirs->count; i++)
        if (!same(ours[i], theirs->items[i]->real))
            golden_fail(g, "%s: the rate of epoch %d is %g, in Keras %g", golden_id(c), i, ours[i],
                        theirs->items[i]->real);
    if (!same(cn_learning_rate(model), cni_value_get(c, "last_rate")->real))
        golden_fail(g, "%s: the last rate is %g", golden_id(c), cn_learning_rate(model));
}

static void run_case(golden *g, const cni_value *c)
{
    cn_context *context = golden_context(cni_cpu_isa(NULL));
    cn_model *model = one_weight(g, context);
    golden_fit fit = {.csv = ""};
    int count = 0;
    const cni_value callback = {.type = CNI_DICT,
                                .count = 2,
                                .keys = (const char *[]){"name", "arguments"},
                                .items = (cni_value *[]){(cni_value *)(uintptr_t)cni_value_get(c, "callback"),
                                                         (cni_value *)(uintptr_t)cni_value_get(c, "arguments")}};
    const cn_history *history = train(g, c, model, golden_callback(&fit, 0, &callback));
    if (!history) fail_msg("%s: %s", golden_id(c), cn_error(model));
    cn_history_epochs(history, &count);
    if (count != int_of(c, "epochs", -1))
        golden_fail(g, "%s: %d epochs, in Keras %d", golden_id(c), count, int_of(c, "epochs", -1));
    if (!same(weight_of(model), golden_number(cni_value_get(c, "final"))))
        golden_fail(g, "%s: ends with the weight %g, in Keras with %g", golden_id(c), weight_of(model),
                    golden_number(cni_value_get(c, "final")));
    compare_rates(g, c, model, history);
    cn_model_free(model);
    cn_context_free(context);
}

static void early_stopping_and_plateaus(void **state)
{
    (void)state;
    golden g;
    int count = 0;
    golden_open(&g, "callbacks.json");
    for (size_t i = 0; i < g.cases->count; i++)
        if (strcmp(golden_text(g.cases->items[i], "callback"), "ModelCheckpoint") != 0) {
            run_case(&g, g.cases->items[i]);
            count++;
        }
    assert_true(count > 60);
    golden_close(&g);
}

/* ---- files ---- */

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static int files_seen;

static int count_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)path, (void)info, (void)walk;
    files_seen += type == FTW_F;
    return 0;
}

/* The files are there under Keras' names, no other is, and each holds the weight of its moment. */
static void compare_files(golden *g, const cni_value *c, const char *folder)
{
    const cni_value *files = cni_value_get(c, "files");
    for (size_t i = 0; i < files->count; i++) {
        char path[4096];
        cn_context *context = golden_context(CNI_ISA_PORTABLE);
        cn_model *model = one_weight(g, context);
        snprintf(path, sizeof path, "%s/%s", folder, files->keys[i]);
        if (cn_load_weights(model, path))
            golden_fail(g, "%s: %s", golden_id(c), cn_error(model));
        else if (!same(weight_of(model), golden_number(files->items[i])))
            golden_fail(g, "%s: %s holds %g, in Keras %g", golden_id(c), files->keys[i], weight_of(model),
                        golden_number(files->items[i]));
        cn_model_free(model);
        cn_context_free(context);
    }
    files_seen = 0;
    nftw(folder, count_one, 8, FTW_PHYS);
    if (files_seen != (int)files->count)
        golden_fail(g, "%s: %d files, in Keras %zu", golden_id(c), files_seen, files->count);
}

static void run_checkpoint(golden *g, const cni_value *c)
{
    char folder[] = "/tmp/cornu-test-XXXXXX", path[4096];
    const cni_value *given = cni_value_get(c, "arguments");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%s", folder, golden_text(given, "filepath"));
    cn_context *context = golden_context(CNI_ISA_PORTABLE);
    cn_model *model = one_weight(g, context);
    const cn_history *history =
        train(g, c, model,
              cn_model_checkpoint(path, .monitor = golden_text(given, "monitor"), .mode = golden_text(given, "mode"),
                                  .save_best_only = golden_true(given, "save_best_only"),
                                  .save_weights_only = golden_true(given, "save_weights_only"),
                                  .initial_value_threshold = golden_real(given, "initial_value_threshold")));
    if (!history) golden_fail(g, "%s: %s", golden_id(c), cn_error(model));
    if (history) compare_files(g, c, folder);
    cn_model_free(model);
    cn_context_free(context);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void checkpoints(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "callbacks.json");
    for (size_t i = 0; i < g.cases->count; i++)
        if (strcmp(golden_text(g.cases->items[i], "callback"), "ModelCheckpoint") == 0)
            run_checkpoint(&g, g.cases->items[i]);
    golden_close(&g);
}

/* save_freq counts batches over the ends of epochs: 3 rows, every second one. */
static void checkpoints_between_batches(void **state)
{
    (void)state;
    static const char *const expected[] = {"1-2.keras", "2-1.keras", "2-3.keras", "3-2.keras"};
    char folder[] = "/tmp/cornu-test-XXXXXX", path[4096];
    float ones[3] = {1, 1, 1};
    assert_non_null(mkdtemp(folder));
    const golden g = {0};
    cn_context *context = golden_context(CNI_ISA_PORTABLE);
    cn_model *model = cn_sequential_in(context, NULL);
    (void)g;
    cn_add(model, cn_input({1}));
    cn_add(model, cn_dense(1));
    cn_compile(model, .optimizer = cn_sgd(0.1), .loss = "mse");
    const cn_array x = {ones, CN_FLOAT32, 2, {3, 1}};
    snprintf(path, sizeof path, "%s/{epoch}-{batch}.keras", folder);
    if (!cn_fit(model, x, x, .batch_size = 1, .epochs = 3, .callbacks = {cn_model_checkpoint(path, .save_freq = 2)}))
        fail_msg("%s", cn_error(model));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, expected[i]);
        if (access(path, R_OK)) fail_msg("%s is not there", expected[i]);
    }
    files_seen = 0;
    nftw(folder, count_one, 8, FTW_PHYS);
    assert_int_equal(files_seen, sizeof expected / sizeof *expected);
    cn_model_free(model);
    cn_context_free(context);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void names_that_cannot_be_filled_in(void **state)
{
    (void)state;
    static const char *const paths[] = {"{val_loss}.keras", "{epoch:.2d}.keras", "{loss:.2}.keras", "{loss:x}.keras",
                                        "{batch}.keras",    "{epoch.keras",      "{loss:d}.keras"};
    float one = 1;
    const cn_array x = {&one, CN_FLOAT32, 2, {1, 1}};
    cn_context *context = golden_context(CNI_ISA_PORTABLE);
    cn_model *model = cn_sequential_in(context, NULL);
    cn_add(model, cn_input({1}));
    cn_add(model, cn_dense(1));
    cn_compile(model, .loss = "mse");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_null(cn_fit(model, x, x, .callbacks = {cn_model_checkpoint(paths[i])}));
        assert_non_null(strstr(cn_error(model), "cannot fill in"));
    }
    assert_null(cn_fit(model, x, x, .callbacks = {cn_model_checkpoint("model.h6")}));
    assert_non_null(strstr(cn_error(model), "must end in .keras"));
    cn_model_free(model);
    cn_context_free(context);
}

/* ---- the order of events, and how training ends ---- */

static void run_events(const char *key, bool terminates)
{
    golden g;
    golden_open(&g, "callbacks.json");
    const cni_value *cases = cni_value_get(g.head, key);
    for (size_t i = 0; i < cases->count; i++) {
        int count = 0;
        cn_context *context = golden_context(CNI_ISA_PORTABLE);
        cn_model *model = one_weight(&g, context);
        const cn_history *history = train(&g, cases->items[i], model, terminates ? cn_terminate_on_nan() : NULL);
        if (!history) fail_msg("%s: %s", golden_id(cases->items[i]), cn_error(model));
        cn_history_epochs(history, &count);
        assert_int_equal(count, int_of(cases->items[i], "epochs", -1));
        cn_model_free(model);
        cn_context_free(context);
    }
    golden_close(&g);
}

static void events_come_in_the_order_of_keras(void **state)
{
    (void)state;
    run_events("events", false);
}

static void nan_ends_training(void **state)
{
    (void)state;
    run_events("terminations", true);
}

static void nan_is_an_error_when_asked_for(void **state)
{
    (void)state;
    float bad[2] = {1, NAN};
    const cn_array x = {bad, CN_FLOAT32, 2, {2, 1}};
    cn_context *context = golden_context(CNI_ISA_PORTABLE);
    cn_model *model = cn_sequential_in(context, NULL);
    cn_add(model, cn_input({1}));
    cn_add(model, cn_dense(1));
    cn_compile(model, .loss = "mse");
    assert_null(cn_fit(model, x, x, .callbacks = {cn_terminate_on_nan(.raise_error = true)}));
    assert_int_equal(cn_error_status(model), CN_ERR_NUMERIC);
    cn_model_free(model);
    cn_context_free(context);
}

/* ---- evaluate's list ---- */

static bool is_among(const cni_value *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i]->text, name) == 0) return true;
    return false;
}

static cn_array array_of(golden *g, const cni_value *rows)
{
    const size_t columns = rows->items[0]->count;
    float *values = cni_arena_alloc(&g->arena, rows->count * columns * sizeof(float));
    for (size_t i = 0; i < rows->count; i++)
        for (size_t k = 0; k < columns; k++) values[i * columns + k] = (float)rows->items[i]->items[k]->real;
    return (cn_array){values, CN_FLOAT32, 2, {(int64_t)rows->count, (int64_t)columns}};
}

static void evaluate_lists_in_the_order_of_keras(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "callbacks.json");
    const cni_value *cases = cni_value_get(g.head, "orders");
    for (size_t i = 0; i < cases->count; i++) {
        const cni_value *c = cases->items[i], *names = cni_value_get(c, "names"), *y = cni_value_get(c, "y");
        cn_context *context = golden_context(CNI_ISA_PORTABLE);
        cn_model *model = golden_model(c, context, true);
        cn_evaluate_args args = {.struct_size = sizeof args, .x = array_of(&g, cni_value_get(c, "x"))};
        for (size_t k = 0; k < y->count; k++) args.targets[k] = array_of(&g, y->items[k]);
        const cn_logs *logs = cn_model_evaluate(model, &args);
        if (!logs) fail_msg("%s: %s", golden_id(c), cn_error(model));
        assert_int_equal(logs->count, names->count);
        for (int k = 0; k < logs->count; k++) {
            const double theirs = cni_value_get(c, "values")->items[k]->real;
            if (!is_among(names->items[k], logs->names[k]) ||
                !golden_close_to((golden_tolerance){1e-5, 1e-6}, logs->values[k], theirs))
                golden_fail(&g, "%s: value %d is %s = %g, in Keras %s = %g", golden_id(c), k, logs->names[k],
                            logs->values[k], names->items[k]->items[0]->text, theirs);
        }
        cn_model_free(model);
        cn_context_free(context);
    }
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(early_stopping_and_plateaus),       cmocka_unit_test(checkpoints),
        cmocka_unit_test(checkpoints_between_batches),       cmocka_unit_test(names_that_cannot_be_filled_in),
        cmocka_unit_test(events_come_in_the_order_of_keras), cmocka_unit_test(nan_ends_training),
        cmocka_unit_test(nan_is_an_error_when_asked_for),    cmocka_unit_test(evaluate_lists_in_the_order_of_keras),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
#include <stdio.h>

int main(void)
{
    puts("built without formats: the golden files cannot be read");
    return 77;
}
#endif
