/* SPDX-License-Identifier: Apache-2.0
 * Files that Keras wrote (golden/files): weights and optimizer to the last bit, predictions, and training that goes on
 * where Keras stopped; and the same once more from the file that Cornu writes of it. */
#include "train/golden_fit.h"

#include <stdio.h>

static cn_model *load(const char *path, cn_context *context, const char *id)
{
    const cn_load_options options = {.struct_size = sizeof options, .context = context};
    cn_model *model = NULL;
    const char *error = NULL;
    if (cn_load(path, &options, &model, &error)) fail_msg("%s: %s", id, error);
    return model;
}

/* A .keras file, or weights for the model of the case. */
static cn_model *open_case(const cni_value *c, cn_context *context)
{
    char path[4096], inside[512];
    snprintf(inside, sizeof inside, "tests/golden/%s", golden_text(c, "file"));
    source_path(path, inside);
    if (!cni_value_get(c, "model")) return load(path, context, golden_id(c));
    cn_model *model = golden_model(c, context, true);
    if (cn_load_weights(model, path)) fail_msg("%s: %s", golden_id(c), cn_error(model));
    return model;
}

static void compare_optimizer(golden *g, const cni_value *c, cn_model *model)
{
    cni_error error = {0};
    const cni_value *theirs = cni_value_get(c, "optimizer_state");
    const cn_array values = golden_of(g, c, "optimizer_values");
    if (!theirs) return;
    cni_optimizer_state *state = cni_compiled_state(model, &error);
    assert_non_null(state);
    if (cni_optimizer_variable_count(state) != (int)theirs->count) {
        golden_fail(g, "%s: %d variables of the optimizer, in Keras %zu", golden_id(c),
                    cni_optimizer_variable_count(state), theirs->count);
        return;
    }
    const float *at = values.data;
    for (int i = 0; i < (int)theirs->count; i++) {
        const cni_optimizer_variable own = cni_optimizer_variable_at(state, i);
        const size_t count = (size_t)cni_shape_count(&own.shape, 0);
        const float whole = own.integer ? (float)*own.integer : 0;
        golden_compare_bits(g, golden_id(c), theirs->items[i]->items[0]->text, own.integer ? &whole : own.data, at,
                            count);
        at += count;
    }
    assert_int_equal((size_t)(at - (const float *)values.data), golden_size(&values));
}

static void compare_outputs(golden *g, const cni_value *c, cn_model *model)
{
    const cni_value *outputs = cni_value_get(c, "outputs");
    cn_predict_args args = {.struct_size = sizeof args};
    golden_arrays(g, cni_value_get(c, "x"), args.inputs);
    for (int i = 0; i < CN_MAX_ARRAYS && args.inputs[i].data; i++)
        args.inputs[i].shape[0] = cni_value_get(c, "predict_rows")->integer;
    const cn_array *y = cn_model_predict(model, &args);
    if (!y) fail_msg("%s: %s", golden_id(c), cn_error(model));
    for (size_t i = 0; i < outputs->count; i++) {
        const cn_array theirs = golden_array(g, outputs->items[i]->text);
        assert_int_equal(golden_size(&y[i]), golden_size(&theirs));
        golden_compare(g, golden_tolerance_of(cni_value_get(cni_value_get(c, "tolerance"), "outputs")), golden_id(c),
                       "output", y[i].data, 4, theirs.data, golden_size(&theirs));
    }
}

static void go_on(golden *g, const cni_value *c, cn_model *model)
{
    golden_fit fit;
    const cni_value *tolerance = cni_value_get(c, "tolerance");
    if (!cni_value_get(c, "fit")) {
        assert_null(model->compiled);
        return;
    }
    golden_fit_open(g, c, &fit);
    const cn_history *history = cn_model_fit(model, &fit.args);
    if (!history) fail_msg("%s: %s", golden_id(c), cn_error(model));
    golden_compare_history(g, golden_tolerance_of(cni_value_get(tolerance, "history")), golden_id(c), history,
                           cni_value_get(c, "history"));
    golden_compare_weights(g, c, model, "final", golden_tolerance_of(cni_value_get(tolerance, "weights")));
}

static void check_model(golden *g, const cni_value *c, cn_model *model)
{
    golden_weight_bits(g, c, model, "weights");
    compare_optimizer(g, c, model);
    compare_outputs(g, c, model);
}

static void files_of_keras_train_on(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "files.json");
    for (size_t i = 0; i < g.cases->count; i++) {
        cn_context *context = golden_context(cni_cpu_isa(NULL));
        cn_model *model = open_case(g.cases->items[i], context);
        check_model(&g, g.cases->items[i], model);
        go_on(&g, g.cases->items[i], model);
        cn_model_free(model);
        cn_context_free(context);
    }
    golden_close(&g);
}

static void our_files_of_the_same_models_train_on(void **state)
{
    (void)state;
    golden g;
    char path[64];
    snprintf(path, sizeof path, "/tmp/cornu-test-%ld.keras", (long)getpid());
    golden_open(&g, "files.json");
    for (size_t i = 0; i < g.cases->count; i++) {
        const cni_value *c = g.cases->items[i];
        cn_context *context = golden_context(cni_cpu_isa(NULL));
        cn_model *first = open_case(c, context);
        if (cn_save(first, path)) fail_msg("%s: %s", golden_id(c), cn_error(first));
        cn_model_free(first);
        cn_model *model = load(path, context, golden_id(c));
        check_model(&g, c, model);
        go_on(&g, c, model);
        cn_model_free(model);
        cn_context_free(context);
    }
    unlink(path);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_keras_train_on),
        cmocka_unit_test(our_files_of_the_same_models_train_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
