/* SPDX-License-Identifier: Apache-2.0
 * Metrics against Keras' running results. */
#include "learning/metrics.h"

#include "learning/golden_cases.h"
#include "learning/objects.h"

/* The first axis counts batches. */
static cni_shape batch_shape(const cn_array *array)
{
    cni_shape shape = {.rank = array->rank - 1, .dims = {CNI_UNKNOWN}};
    for (int i = 1; i < shape.rank; i++) shape.dims[i] = array->shape[i + 1];
    return shape;
}

static const float *batch_of(const cn_array *array, int64_t batch)
{
    if (!array->data) return NULL;
    return (const float *)array->data + golden_size(array) / (size_t)array->shape[0] * (size_t)batch;
}

static void run_case(golden *g, const cni_value *c, const cni_object *object)
{
    const cn_array y_true = golden_of(g, c, "y_true"), y_pred = golden_of(g, c, "y_pred");
    const cn_array weights = golden_of(g, c, "sample_weight");
    const cni_value *results = cni_value_get(c, "results");
    const cni_shape y = batch_shape(&y_true), p = batch_shape(&y_pred);
    cni_error error = {0};
    cni_metric *metric;
    if (cni_metric_new(object, &y, &p, 1e-7, &metric, &error)) fail_msg("%s: %s", golden_id(c), error.text);
    for (int round = 0; round < 2; round++) {
        for (int64_t i = 0; i < y_pred.shape[0]; i++) {
            cni_metric_update(metric, batch_of(&y_true, i), batch_of(&y_pred, i), batch_of(&weights, i),
                              (size_t)y_pred.shape[1]);
            const double ours = cni_metric_result(metric), theirs = results->items[i]->real;
            if (!golden_close_to(g->tolerance, ours, theirs))
                fail_msg("%s: %.9g after batch %d, Keras has %.9g", golden_id(c), ours, (int)i, theirs);
        }
        cni_metric_reset(metric);
    }
    cni_metric_free(metric);
}

static void test_golden(void **state)
{
    golden g;
    (void)state;
    golden_open(&g, "learning/metrics.json");
    for (size_t i = 0; i < g.cases->count; i++) {
        const cni_value *c = g.cases->items[i];
        if (cni_value_get(c, "results")->items[0]->type == CNI_LIST) continue; /* several thresholds: refused below */
        cni_object *object = golden_object(&g, &cni_metrics, cni_value_get(c, "metric"), golden_id(c));
        run_case(&g, c, object);
        if (!cni_value_get(c, "config")) continue;
        *(const char **)cni_object_member(object, "name") = golden_text(cni_value_get(c, "config"), "name");
        golden_config(&g, object, c);
    }
    golden_close(&g);
}

/* Two samples, three classes. */
static const float scores[] = {0.1F, 0.7F, 0.2F, 0.6F, 0.3F, 0.1F};

static double once(const char *text, cni_shape y_true, const float *y, cni_shape y_pred, const float *p)
{
    scratch s = {0};
    cni_metric *metric;
    cni_object *object = object_of(&s, &cni_metrics, text);
    assert_non_null(object);
    if (cni_metric_new(object, &y_true, &y_pred, 1e-7, &metric, &s.error)) fail_msg("%s: %s", text, s.error.text);
    cni_metric_update(metric, y, p, NULL, 2);
    const double result = cni_metric_result(metric);
    cni_metric_free(metric);
    cni_arena_free(&s.arena);
    return result;
}

static void test_accuracy_follows_shapes(void **state)
{
    (void)state;
    const cni_shape rows = CNI_SHAPE(CNI_UNKNOWN, 3), column = CNI_SHAPE(CNI_UNKNOWN, 1), flat = CNI_SHAPE(CNI_UNKNOWN);
    const float labels[] = {1, 2}, onehot[] = {0, 1, 0, 0, 0, 1}, unit[] = {0.5F, 0.51F}, yes[] = {1, 1};
    for (int i = 0; i < 3; i++) {
        const char *name = ((const char *[]){"accuracy", "ACC", "Accuracy"})[i];
        assert_true(once(name, flat, labels, rows, scores) == 0.5);
        assert_true(once(name, column, labels, rows, scores) == 0.5);
        assert_true(once(name, rows, onehot, rows, scores) == 0.5);
        assert_true(once(name, column, yes, column, unit) == 0.5); /* strictly above one half */
        assert_true(once(name, flat, yes, column, unit) == 0.5);
    }
    assert_true(once("Accuracy()", rows, scores, rows, scores) == 1);
    assert_true(once("sparse_top_k_categorical_accuracy(k=2)", flat, labels, rows, scores) == 0.5);
    assert_true(once("sparse_top_k_categorical_accuracy(k=3)", flat, labels, rows, scores) == 1);
}

static void test_names(void **state)
{
    static const char *const cases[][2] = {{"ACC", "ACC"},
                                           {"mse", "mse"},
                                           {"AUC", "AUC"},
                                           {"AUC()", "auc"},
                                           {"Precision(name='p')", "p"},
                                           {"top_k_categorical_accuracy(k=3)", "top_k_categorical_accuracy"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scratch s = {0};
        assert_string_equal(cni_metric_name(object_of(&s, &cni_metrics, cases[i][0])), cases[i][1]);
        cni_arena_free(&s.arena);
    }
}

static void test_directions(void **state)
{
    (void)state;
    assert_int_equal(cni_metric_direction("accuracy"), 1);
    assert_int_equal(cni_metric_direction("acc"), 1);
    assert_int_equal(cni_metric_direction("dense_1_categorical_accuracy"), 1);
    assert_int_equal(cni_metric_direction("auc_3"), 1);
    assert_int_equal(cni_metric_direction("mae"), -1);
    assert_int_equal(cni_metric_direction("root_mean_squared_error"), -1);
    assert_int_equal(cni_metric_direction("binary_crossentropy"), -1);
    assert_int_equal(cni_metric_direction("inaccuracy"), 0);
    assert_int_equal(cni_metric_direction("reward"), 0);
}

static void refuse(const char *text, cni_shape y_true, cni_shape y_pred, const char *word)
{
    scratch s = {0};
    cni_metric *metric = NULL;
    cni_object *object = object_of(&s, &cni_metrics, text);
    if (object) assert_int_not_equal(cni_metric_new(object, &y_true, &y_pred, 1e-7, &metric, &s.error), CN_OK);
    if (!strstr(s.error.text, word)) fail_msg("%s: no %s in: %s", text, word, s.error.text);
    cni_arena_free(&s.arena);
}

static void test_refused(void **state)
{
    (void)state;
    const cni_shape rows = CNI_SHAPE(CNI_UNKNOWN, 3), flat = CNI_SHAPE(CNI_UNKNOWN);
    refuse("acuracy", rows, rows, "acuracy");
    refuse("f1_score", rows, rows, "Keras has this metric");
    refuse("Precision(thresholds=[0.2, 0.5])", rows, rows, "thresholds");
    refuse("Precision(thresholds=1.5)", rows, rows, "thresholds");
    refuse("Precision(top_k=4)", rows, rows, "top_k");
    refuse("Recall(class_id=3)", rows, rows, "class_id");
    refuse("AUC(num_thresholds=1)", rows, rows, "num_thresholds");
    refuse("AUC(num_labels=3)", rows, rows, "multi_label");
    refuse("AUC(curve='roq')", rows, rows, "curve");
    refuse("AUC(summation_method='mid')", rows, rows, "summation_method");
    refuse("categorical_accuracy", flat, rows, "(None, 3)");
    refuse("sparse_categorical_accuracy", rows, rows, "class numbers");
    refuse("mse", CNI_SHAPE(CNI_UNKNOWN, 2), rows, "(None, 2)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),  cmocka_unit_test(test_accuracy_follows_shapes),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_directions),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
