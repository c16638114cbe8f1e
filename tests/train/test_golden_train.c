/* SPDX-License-Identifier: Apache-2.0
 * Training without chance against Keras (golden/train.json): every optimizer, loss, regularizer, constraint, metric,
 * argument of fit and callback, weights compared at the end. */
#ifdef CORNU_FORMATS
#include "train/golden_fit.h"

#include <inttypes.h>

/* ---- CSVLogger ---- */

static bool same_cell(golden_tolerance t, const char *ours, const char *theirs)
{
    char *end_ours, *end_theirs;
    const double a = strtod(ours, &end_ours), b = strtod(theirs, &end_theirs);
    if (!*theirs || *end_theirs || end_ours == ours || *end_ours) return strcmp(ours, theirs) == 0;
    return golden_close_to(t, a, b);
}

/* Cell by cell; what lies between cells (commas, ends of lines) to the byte. */
static void compare_csv(golden *g, const cni_value *c, const char *path, golden_tolerance t)
{
    cni_error error = {0};
    cni_bytes bytes;
    const char *theirs = golden_text(c, "csv");
    if (cni_file_read(&g->arena, path, 1 << 20, &bytes, &error)) fail_msg("%s: %s", golden_id(c), error.text);
    const char *text = cni_arena_printf(&g->arena, "%.*s", (int)bytes.size, (const char *)bytes.data), *ours = text;
    unlink(path);
    while (*ours && *theirs) {
        char own[64], wanted[64];
        const size_t a = strcspn(ours, ",\r\n"), b = strcspn(theirs, ",\r\n");
        snprintf(own, sizeof own, "%.*s", (int)a, ours);
        snprintf(wanted, sizeof wanted, "%.*s", (int)b, theirs);
        ours += a, theirs += b;
        if (!same_cell(t, own, wanted) || *ours != *theirs) break;
        if (*ours) ours++, theirs++;
    }
    if (*ours || *theirs)
        golden_fail(g, "%s: the log is\n%s\nKeras writes\n%s", golden_id(c), text, golden_text(c, "csv"));
}

/* ---- cases ---- */

static void compare_evaluation(golden *g, const cni_value *c, cn_model *model, const char *key, golden_tolerance t)
{
    cn_evaluate_args args = {.struct_size = sizeof args, .batch_size = 10};
    golden_arrays(g, cni_value_get(c, "x"), args.inputs);
    golden_arrays(g, cni_value_get(c, "y"), args.targets);
    const cn_logs *logs = cn_model_evaluate(model, &args);
    if (!logs) golden_fail(g, "%s: evaluate: %s", golden_id(c), cn_error(model));
    if (logs) golden_compare_logs(g, t, golden_id(c), key, logs, cni_value_get(c, key));
}

static void compare_epochs(golden *g, const cni_value *c, const cn_history *history)
{
    int count = 0;
    const int *epochs = cn_history_epochs(history, &count);
    const cni_value *theirs = cni_value_get(c, "epoch");
    bool same = !theirs || (size_t)count == theirs->count;
    for (int i = 0; same && i < count; i++) same = epochs[i] == (theirs ? theirs->items[i]->integer : i);
    if (!same) golden_fail(g, "%s: other epochs ran than in Keras (%d)", golden_id(c), count);
}

static void compare_optimizer(golden *g, const cni_value *c, cn_model *model)
{
    cni_error error = {0};
    const cni_value *theirs = cni_value_get(c, "variables");
    const cni_optimizer_state *state = cni_compiled_state(model, &error);
    assert_non_null(state);
    const int *accumulated = cni_object_member(model->compiled->optimizer, "gradient_accumulation_steps");
    const int64_t iterations = cni_optimizer_iterations(state) / (*accumulated > 1 ? *accumulated : 1);
    if (iterations != theirs->items[0]->integer)
        golden_fail(g, "%s: %" PRId64 " iterations, Keras counts %" PRId64, golden_id(c), iterations,
                    theirs->items[0]->integer);
    if (cni_optimizer_variable_count(state) != theirs->items[1]->integer)
        golden_fail(g, "%s: the optimizer has %d variables, in Keras %" PRId64, golden_id(c),
                    cni_optimizer_variable_count(state), theirs->items[1]->integer);
}

static void train(golden *g, const cni_value *c, cn_model *model, golden_fit *fit)
{
    const golden_tolerance t = golden_tolerance_of(cni_value_get(cni_value_get(c, "tolerance"), "history"));
    golden_set_weights(g, c, model, "initial");
    compare_evaluation(g, c, model, "evaluate", t);
    const cn_history *history = cn_model_fit(model, &fit->args);
    if (!history) {
        golden_fail(g, "%s: fit: %s", golden_id(c), cn_error(model));
        return;
    }
    golden_compare_history(g, t, golden_id(c), history, cni_value_get(c, "history"));
    compare_epochs(g, c, history);
    if (fit->csv[0]) compare_csv(g, c, fit->csv, t);
    compare_evaluation(g, c, model, "evaluate_after", t);
    golden_compare_weights(g, c, model, "final",
                           golden_tolerance_of(cni_value_get(cni_value_get(c, "tolerance"), "weights")));
    compare_optimizer(g, c, model);
}

/* What the C interface has not: validation_freq as a list of epochs, a weight for each pixel. */
static bool is_absent(const cni_value *c)
{
    return strcmp(golden_id(c), "fit-validation-list") == 0 || strcmp(golden_id(c), "loss-picture-weights") == 0;
}

static void run_case(golden *g, const cni_value *c, cni_isa isa)
{
    golden_fit fit;
    golden_fit_open(g, c, &fit);
    assert_int_equal(fit.unsupported, is_absent(c));
    if (fit.unsupported) return;
    cn_context *context = golden_context(isa);
    cn_model *model = golden_model(c, context, true);
    if (strstr(model->compile_error.text, "thresholds has 2 entries"))
        assert_string_equal(golden_id(c), "metrics-binary"); /* refused: a log holds one number for each metric */
    else if (model->compile_error.status)
        golden_fail(g, "%s: %s", golden_id(c), model->compile_error.text);
    else
        train(g, c, model, &fit);
    cn_model_free(model);
    cn_context_free(context);
}

static void run_all(cni_isa isa)
{
    golden g;
    golden_open(&g, "train.json");
    for (size_t i = 0; i < g.cases->count; i++) run_case(&g, g.cases->items[i], isa);
    golden_close(&g);
}

static void portable_kernels_train_as_keras_does(void **state)
{
    (void)state;
    run_all(CNI_ISA_PORTABLE);
}

static void the_best_kernels_train_as_keras_does(void **state)
{
    (void)state;
    run_all(cni_cpu_isa(NULL));
}

/* ---- train_on_batch, test_on_batch ---- */

static cn_array rows(cn_array array, int64_t from, int64_t to)
{
    size_t row = array.dtype == CN_FLOAT32 || array.dtype == CN_INT32 ? 4 : 1;
    for (int i = 1; i < array.rank; i++) row *= (size_t)array.shape[i];
    array.data = (const char *)array.data + (size_t)from * row;
    array.shape[0] = to - from;
    return array;
}

static void call(golden *g, const cni_value *c, cn_model *model, const cni_value *step, const cni_value *result)
{
    const golden_tolerance t = golden_tolerance_of(cni_value_get(cni_value_get(c, "tolerance"), "history"));
    const char *verb = step->items[0]->text;
    const int64_t from = step->items[1]->integer, to = step->items[2]->integer;
    cn_data batch = {.x = rows(golden_array(g, cni_value_get(c, "x")->items[0]->text), from, to),
                     .y = rows(golden_array(g, cni_value_get(c, "y")->items[0]->text), from, to)};
    if (strcmp(verb, "predict") == 0) {
        const cn_array *y = cn_predict(model, batch.x);
        const cni_value *output = cni_value_get(result, "output");
        assert_non_null(y);
        assert_int_equal(golden_size(y), output->count);
        for (size_t i = 0; i < output->count; i++)
            if (!golden_close_to(t, (double)((const float *)y->data)[i], output->items[i]->real))
                golden_fail(g, "%s: output %zu differs", golden_id(c), i);
        return;
    }
    const bool training = strcmp(verb, "train") == 0;
    const cn_logs *logs = training ? cn_train_on_batch(model, &batch) : cn_test_on_batch(model, &batch);
    if (!logs) golden_fail(g, "%s: %s: %s", golden_id(c), verb, cn_error(model));
    if (logs) golden_compare_logs(g, t, golden_id(c), verb, logs, result);
}

static void single_batches_are_as_in_keras(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "train.json");
    const cni_value *cases = cni_value_get(g.head, "batches");
    for (size_t i = 0; i < golden_count(cases); i++) {
        const cni_value *c = cases->items[i], *calls = cni_value_get(c, "calls");
        cn_context *context = golden_context(cni_cpu_isa(NULL));
        cn_model *model = golden_model(c, context, true);
        golden_set_weights(&g, c, model, "initial");
        for (size_t k = 0; k < calls->count; k++)
            call(&g, c, model, calls->items[k], cni_value_get(c, "results")->items[k]);
        golden_compare_weights(&g, c, model, "final",
                               golden_tolerance_of(cni_value_get(cni_value_get(c, "tolerance"), "weights")));
        cn_model_free(model);
        cn_context_free(context);
    }
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(portable_kernels_train_as_keras_does),
        cmocka_unit_test(the_best_kernels_train_as_keras_does),
        cmocka_unit_test(single_batches_are_as_in_keras),
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
