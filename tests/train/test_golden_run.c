/* SPDX-License-Identifier: Apache-2.0
 * Whole runs with a seed against Keras (golden/run.json): shuffling, dropout, a validation split.  Initial weights and
 * seeds to the last bit; losses to rounding; accuracies to one sample. */
#ifdef CORNU_FORMATS
#include "train/golden_fit.h"

typedef struct whole_run {
    golden *g;
    const cni_value *c;
    cn_model *model;
    cn_array x, y;
} whole_run;

static const char *array_name(const whole_run *r, const char *key)
{
    const cni_value *value = cni_value_get(r->g->head, key);
    return value->type == CNI_LIST ? value->items[0]->text : value->text;
}

static golden_tolerance tolerance_for(const whole_run *r, const char *name)
{
    const cni_value *tolerance = cni_value_get(r->c, "tolerance");
    return golden_tolerance_of(cni_value_get(tolerance, strstr(name, "loss") ? "loss" : "others"));
}

static void compare(const whole_run *r, const char *verb, const cni_value *result, const char *name, const double *ours,
                    int count)
{
    const cni_value *theirs = cni_value_get(result, name);
    if (!theirs || theirs->count != (size_t)count) {
        golden_fail(r->g, "%s: %s: %s has %d values, in Keras %zu", golden_id(r->c), verb, name, count,
                    golden_count(theirs));
        return;
    }
    for (int i = 0; i < count; i++)
        if (!golden_close_to(tolerance_for(r, name), ours[i], theirs->items[i]->real))
            golden_fail(r->g, "%s: %s: %s[%d] is %.9g, Keras has %.9g", golden_id(r->c), verb, name, i, ours[i],
                        theirs->items[i]->real);
}

static void compare_logs(const whole_run *r, const char *verb, const cni_value *result, const cn_logs *logs)
{
    if (!logs) fail_msg("%s: %s: %s", golden_id(r->c), verb, cn_error(r->model));
    assert_int_equal(logs->count, result->count);
    for (int i = 0; i < logs->count; i++) compare(r, verb, result, logs->names[i], logs->values + i, 1);
}

static void fit(const whole_run *r, const cni_value *given, const cni_value *result)
{
    golden_fit it = {.args = {.struct_size = sizeof it.args, .x = r->x, .y = r->y}};
    golden_fit_arguments(&it, given);
    assert_false(it.unsupported);
    if (golden_true(given, "validation_data")) {
        const cni_value *names = cni_value_get(r->g->head, "validation");
        it.args.validation_data[0] = golden_array(r->g, names->items[0]->text);
        it.args.validation_data[1] = golden_array(r->g, names->items[1]->text);
    }
    const cn_history *history = cn_model_fit(r->model, &it.args);
    if (!history) fail_msg("%s: fit: %s", golden_id(r->c), cn_error(r->model));
    assert_int_equal(cn_history_count(history), result->count);
    for (int i = 0; i < cn_history_count(history); i++) {
        int count = 0;
        const double *values = cn_history_values(history, i, &count);
        compare(r, "fit", result, cn_history_name(history, i), values, count);
    }
}

static void predict(const whole_run *r, const cni_value *result)
{
    const cn_array *y = cn_predict(r->model, r->x);
    double sum = 0;
    const double theirs = cni_value_get(result, "sum")->items[0]->real;
    assert_non_null(y);
    for (int64_t i = 0; i < y->shape[0]; i++)
        sum += (double)((const float *)y->data)[(size_t)i * (golden_size(y) / (size_t)y->shape[0])];
    if (!golden_close_to((golden_tolerance){1e-5, 1e-5}, sum, theirs))
        golden_fail(r->g, "%s: predict: the first column's sum is %.9g, in Keras %.9g", golden_id(r->c), sum, theirs);
}

static cn_array rows(cn_array array, const cni_value *range)
{
    size_t row = golden_size(&array) / (size_t)array.shape[0] * (array.dtype == CN_UINT8 ? 1 : 4);
    array.data = (const char *)array.data + (size_t)range->items[0]->integer * row;
    array.shape[0] = range->items[1]->integer - range->items[0]->integer;
    return array;
}

static void call(const whole_run *r, const cni_value *step)
{
    const char *verb = golden_text(step, "verb");
    const cni_value *given = cni_value_get(step, "arguments"), *result = cni_value_get(step, "result");
    const cni_value *range = cni_value_get(given, "rows");
    if (strcmp(verb, "fit") == 0) {
        fit(r, given, result);
    } else if (strcmp(verb, "evaluate") == 0) {
        compare_logs(r, verb, result, cn_evaluate(r->model, r->x, r->y, .batch_size = golden_int(given, "batch_size")));
    } else if (strcmp(verb, "train_on_batch") == 0) {
        const cn_data batch = {.x = rows(r->x, range), .y = rows(r->y, range)};
        compare_logs(r, verb, result, cn_train_on_batch(r->model, &batch));
    } else {
        assert_string_equal(verb, "predict");
        predict(r, result);
    }
}

typedef struct generators {
    const whole_run *r;
    const cni_value *theirs;
    size_t seen;
} generators;

static void compare_generator(void *user, cn_layer *layer, bool frozen)
{
    (void)frozen;
    generators *g = user;
    if (!layer->kind->seeded || !layer->kind->seeded(layer)) return;
    if (g->seen == g->theirs->count) fail_msg("%s: more generators than in Keras", golden_id(g->r->c));
    const cni_value *state = g->theirs->items[g->seen++];
    if (layer->seed.seed != (uint32_t)state->items[0]->integer ||
        layer->seed.counter != (uint32_t)state->items[1]->integer)
        golden_fail(g->r->g, "%s: %s: the generator is at (%u, %u), in Keras at (%u, %u)", golden_id(g->r->c),
                    layer->name, layer->seed.seed, layer->seed.counter, (unsigned)state->items[0]->integer,
                    (unsigned)state->items[1]->integer);
}

/* What would be drawn next is what Keras would draw next. */
static void compare_streams(const whole_run *r, cn_context *context)
{
    const cni_value *next = cni_value_get(r->c, "next"), *order = cni_value_get(next, "numpy");
    size_t permutation[64];
    const uint32_t seed = cni_py_default_seed(&context->python);
    if (seed != (uint32_t)cni_value_get(next, "python")->integer)
        golden_fail(r->g, "%s: the next default seed is %u", golden_id(r->c), seed);
    assert_true(order->count <= 64);
    cni_np_permutation(&context->numpy, permutation, order->count);
    for (size_t i = 0; i < order->count; i++)
        if (permutation[i] != (size_t)order->items[i]->integer) {
            golden_fail(r->g, "%s: the next permutation is another one", golden_id(r->c));
            return;
        }
}

static void run_case(golden *g, const cni_value *c, cni_isa isa, int threads)
{
    cn_context *context = golden_context(isa);
    whole_run r = {.g = g, .c = c};
    r.x = golden_array(g, array_name(&r, "x"));
    r.y = golden_array(g, array_name(&r, "y"));
    cn_set_threads(context, threads);
    cn_context_set_random_seed(context, (uint32_t)cni_value_get(c, "seed")->integer);
    r.model = golden_model(c, context, true);
    golden_weight_bits(g, c, r.model, "initial");
    const cni_value *calls = cni_value_get(c, "calls");
    for (size_t i = 0; i < calls->count; i++) call(&r, calls->items[i]);
    golden_compare_weights(g, c, r.model, "final",
                           golden_tolerance_of(cni_value_get(cni_value_get(c, "tolerance"), "weights")));
    generators own = {&r, cni_value_get(c, "generators"), 0};
    cni_model_layers(r.model, compare_generator, &own);
    assert_int_equal(own.seen, own.theirs->count);
    compare_streams(&r, context);
    cn_model_free(r.model);
    cn_context_free(context);
}

static void runs_with_a_seed_are_those_of_keras(void **state)
{
    (void)state;
    golden g;
    cni_isa isas[CNI_ISA_COUNT];
    const int count = golden_isas(isas);
    golden_open(&g, "run.json");
    for (size_t i = 0; i < g.cases->count; i++)
        for (int k = 0; k < count; k++) run_case(&g, g.cases->items[i], isas[k], 1 + k);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_with_a_seed_are_those_of_keras)};
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
