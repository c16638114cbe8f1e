/* SPDX-License-Identifier: Apache-2.0
 * Losses and their gradients against Keras' numbers. */
#include "learning/losses.h"

#include "graph/gradient_check.h"
#include "graph/plan.h"
#include "kernels/kernels.h"
#include "learning/golden_cases.h"
#include "learning/objects.h"

typedef struct ran {
    double value;
    float gradient[512];
} ran;

static cni_tensor *input(cni_graph *graph, const cn_array *array)
{
    const cni_shape shape = golden_shape(array, true);
    return array->data ? cni_graph_input(graph, shape) : NULL;
}

static void fill(cni_plan *plan, const cni_tensor *tensor, const cn_array *array)
{
    if (tensor) memcpy(cni_plan_data(plan, tensor), array->data, golden_size(array) * sizeof(float));
}

/* The plan is made for more images than the batch has. */
static cn_status run_loss(const cni_object *loss, const cn_array *y_true, const cn_array *y_pred,
                          const cn_array *weights, cni_pool *pool, ran *out, cni_error *error)
{
    cni_kernels kernels;
    cni_plan *plan;
    const int n = (int)y_pred->shape[0];
    cni_kernels_init(&kernels, CNI_ISA_PORTABLE);
    cni_graph *graph = cni_graph_new();
    cni_tensor *p = input(graph, y_pred), *y = input(graph, y_true), *w = input(graph, weights), *gradient;
    p->differentiable = true;
    cni_tensor *value = cni_lower_loss(graph, loss, y, p, w, 1e-7);
    cni_differentiate(graph, value, &p, 1, &gradient);
    value->is_output = true;
    if (gradient) gradient->is_output = true;
    const cni_plan_options options = {.batch = n + 3, .kernels = &kernels, .pool = pool, .no_sharing = true};
    CN_TRY(cni_plan_new(graph, &options, &plan, error));
    fill(plan, p, y_pred);
    fill(plan, y, y_true);
    fill(plan, w, weights);
    cni_plan_run(plan, CNI_GRADIENTS, n);
    out->value = (double)*(float *)cni_plan_data(plan, value);
    memcpy(out->gradient, cni_plan_data(plan, gradient), golden_size(y_pred) * sizeof(float));
    cni_plan_free(plan);
    return CN_OK;
}

/* Keras does not save Huber's delta; the case says it in its name only. */
static cni_object *loss_of(golden *g, const cni_value *c)
{
    cni_value *text;
    if (strcmp(golden_id(c), "huber-delta") != 0)
        return golden_object(g, &cni_losses, cni_value_get(c, "loss"), golden_id(c));
    assert_int_equal(cni_value_read(&g->arena, "Huber(delta=0.5)", "loss", &text, NULL), CN_OK);
    return golden_object(g, &cni_losses, text, golden_id(c));
}

static bool keeps_samples(const cni_value *c)
{
    const char *reduction = golden_text(cni_value_get(cni_value_get(c, "loss"), "config"), "reduction");
    return reduction && strcmp(reduction, "none") == 0;
}

static void test_golden(void **state)
{
    golden g;
    size_t ran_cases = 0;
    (void)state;
    golden_open(&g, "learning/losses.json");
    cni_pool *pool = cni_pool_new(2);
    for (size_t i = 0; i < g.cases->count; i++) {
        const cni_value *c = g.cases->items[i];
        if (keeps_samples(c)) continue;
        const cni_object *loss = loss_of(&g, c);
        const cn_array y_true = golden_of(&g, c, "y_true"), y_pred = golden_of(&g, c, "y_pred");
        const cn_array weights = golden_of(&g, c, "sample_weight"), value = golden_of(&g, c, "value");
        const cn_array gradient = golden_of(&g, c, "gradient");
        cni_error error = {0};
        ran ours = {0};
        if (run_loss(loss, &y_true, &y_pred, &weights, pool, &ours, &error))
            fail_msg("%s: %s", golden_id(c), error.text);
        golden_compare(&g, g.tolerance, golden_id(c), "loss", &(float){(float)ours.value}, 4, value.data, 1);
        golden_compare(&g, g.tolerance, golden_id(c), "gradient", ours.gradient, 4, gradient.data,
                       golden_size(&gradient));
        golden_config(&g, loss, c);
        ran_cases++;
    }
    assert_true(ran_cases > 45);
    cni_pool_free(pool);
    golden_close(&g);
}

static void test_refused(void **state)
{
    const cni_family *family = &cni_losses;
    (void)state;
    expect_refusal(family, "categorical_crossentropie", "categorical_crossentropie");
    expect_refusal(family, "CategoricalCrossentropy(smoothing=0.1)", "smoothing");
    expect_refusal(family, "CategoricalCrossentropy(label_smoothing=1.5)", "label_smoothing");
    expect_refusal(family, "MeanSquaredError(reduction='none')", "reduction");
    expect_refusal(family, "MeanSquaredError(reduction=None)", "reduction");
    expect_refusal(family, "MeanSquaredError(reduction='auto')", "reduction");
    expect_refusal(family, "kld", "Keras has this loss");
    expect_refusal(family, "Mse", "did you mean");
}

static cn_status check_shapes(const char *text, cni_shape y_true, cni_shape y_pred, const char *word)
{
    scratch s = {0};
    cni_object *loss = object_of(&s, &cni_losses, text);
    assert_non_null(loss);
    const cn_status status = cni_loss_check_shapes(loss, &y_true, &y_pred, &s.error);
    if (status && !strstr(s.error.text, word)) fail_msg("%s: no %s in: %s", text, word, s.error.text);
    cni_arena_free(&s.arena);
    return status;
}

static void test_shapes(void **state)
{
    (void)state;
    const cni_shape flat = CNI_SHAPE(CNI_UNKNOWN), column = CNI_SHAPE(CNI_UNKNOWN, 1), rows = CNI_SHAPE(CNI_UNKNOWN, 5);
    const cni_shape map = CNI_SHAPE(CNI_UNKNOWN, 4, 4, 5), labels = CNI_SHAPE(CNI_UNKNOWN, 4, 4);
    assert_int_equal(check_shapes("categorical_crossentropy", rows, rows, ""), CN_OK);
    assert_int_not_equal(check_shapes("categorical_crossentropy", flat, rows, "sparse_categorical"), CN_OK);
    assert_int_not_equal(check_shapes("categorical_crossentropy", CNI_SHAPE(CNI_UNKNOWN, 4), rows, "(None, 4)"), CN_OK);
    assert_int_equal(check_shapes("sparse_categorical_crossentropy", flat, rows, ""), CN_OK);
    assert_int_equal(check_shapes("sparse_categorical_crossentropy", column, rows, ""), CN_OK);
    assert_int_equal(check_shapes("sparse_categorical_crossentropy", labels, map, ""), CN_OK);
    assert_int_not_equal(check_shapes("sparse_categorical_crossentropy", rows, rows, "class numbers"), CN_OK);
    assert_int_equal(check_shapes("mse", flat, column, ""), CN_OK);
    assert_int_equal(check_shapes("mse", column, rows, ""), CN_OK); /* repeated, as in Keras */
    assert_int_not_equal(check_shapes("mse", flat, rows, "the same shape"), CN_OK);
    assert_int_not_equal(check_shapes("bce", column, rows, "the same shape"), CN_OK);
    assert_int_equal(check_shapes("ce", flat, column, ""), CN_OK);
    assert_int_equal(check_shapes("crossentropy", flat, rows, ""), CN_OK);
    assert_int_equal(check_shapes("CrossEntropy", rows, rows, ""), CN_OK);
    assert_int_not_equal(check_shapes("CategoricalCrossentropy(axis=0)", rows, rows, "axis"), CN_OK);
}

static void test_labels(void **state)
{
    scratch s = {0};
    (void)state;
    const float labels[] = {0, 2, 4, -1, 5};
    cni_object *sparse = object_of(&s, &cni_losses, "SparseCategoricalCrossentropy(ignore_class=-1)");
    assert_true(cni_loss_reads_classes(sparse));
    assert_false(cni_loss_reads_classes(object_of(&s, &cni_losses, "mse")));
    assert_int_equal(cni_loss_check_labels(sparse, labels, 4, 1, 5, 100, &s.error), CN_OK);
    assert_int_not_equal(cni_loss_check_labels(sparse, labels, 5, 1, 5, 100, &s.error), CN_OK);
    assert_non_null(strstr(s.error.text, "row 104"));
    assert_non_null(strstr(s.error.text, "0 to 4"));
    cni_arena_free(&s.arena);
}

static void test_names(void **state)
{
    scratch s = {0};
    (void)state;
    assert_string_equal(cni_loss_name(object_of(&s, &cni_losses, "mse")), "mse");
    assert_string_equal(cni_loss_name(object_of(&s, &cni_losses, "MeanSquaredError")), "mean_squared_error");
    assert_string_equal(cni_loss_name(object_of(&s, &cni_losses, "Huber(2.0)")), "huber_loss");
    assert_string_equal(cni_loss_name(object_of(&s, &cni_losses, "Huber(name='h')")), "h");
    cni_arena_free(&s.arena);
}

/* ---- gradients, in double ---- */

typedef struct check_case {
    const char *text;
    cni_shape y_pred, y_true, weights;
    bool weighted;
    double pred[2], targets[2]; /* ranges */
    const cni_object *loss;
} check_case;

static cni_tensor *build_loss(cni_graph *graph, cni_tensor *const *in, void *context)
{
    const check_case *c = context;
    return cni_lower_loss(graph, c->loss, in[1], in[0], c->weighted ? in[2] : NULL, 1e-7);
}

/* Targets of class numbers are drawn as reals and truncated. */
static void test_gradients(void **state)
{
    const cni_shape rows = CNI_SHAPE(CNI_UNKNOWN, 5), map = CNI_SHAPE(CNI_UNKNOWN, 3, 2, 4),
                    flat = CNI_SHAPE(CNI_UNKNOWN);
    check_case cases[] = {
        {"mse", rows, rows, flat, true, {-2, 2}, {-2, 2}, NULL},
        {"mse", map, CNI_SHAPE(CNI_UNKNOWN, 3, 1, 4), flat, false, {-2, 2}, {-2, 2}, NULL},
        {"mse", CNI_SHAPE(CNI_UNKNOWN, 1), rows, flat, false, {-2, 2}, {-2, 2}, NULL},
        {"mae", rows, rows, flat, true, {-2, 2}, {3, 5}, NULL},
        {"Huber(0.5)", map, map, CNI_SHAPE(CNI_UNKNOWN, 3, 1), true, {-2, 2}, {-2, 2}, NULL},
        {"MeanSquaredError('sum')", rows, rows, flat, true, {-2, 2}, {-2, 2}, NULL},
        {"bce", rows, rows, flat, true, {0.1, 0.9}, {0, 1}, NULL},
        {"BinaryCrossentropy(from_logits=True, label_smoothing=0.2)", map, map, flat, true, {-3, 3}, {0, 1}, NULL},
        {"categorical_crossentropy", rows, rows, flat, true, {0.1, 0.9}, {0, 1}, NULL},
        {"CategoricalCrossentropy(label_smoothing=0.2, axis=1)", map, map, flat, true, {0.1, 0.9}, {0, 1}, NULL},
        {"CategoricalCrossentropy(from_logits=True)",
         map,
         map,
         CNI_SHAPE(CNI_UNKNOWN, 3, 2),
         true,
         {-3, 3},
         {0, 1},
         NULL},
        {"sparse_categorical_crossentropy", rows, flat, flat, true, {0.1, 0.9}, {0, 5}, NULL},
        {"SparseCategoricalCrossentropy(from_logits=True, reduction='mean_with_sample_weight')",
         map,
         CNI_SHAPE(CNI_UNKNOWN, 3, 2),
         CNI_SHAPE(CNI_UNKNOWN, 3, 2),
         true,
         {-3, 3},
         {0, 4},
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scratch s = {0};
        check_case *c = &cases[i];
        c->loss = object_of(&s, &cni_losses, c->text);
        check_gradient(&(gradient_check){.name = c->text,
                                         .build = build_loss,
                                         .context = c,
                                         .inputs = c->weighted ? 3 : 2,
                                         .shape = {c->y_pred, c->y_true, c->weights},
                                         .fixed = {false, true, true},
                                         .low = {c->pred[0], c->targets[0], 0.5},
                                         .high = {c->pred[1], c->targets[1], 2},
                                         .seed = (uint32_t)i});
        cni_arena_free(&s.arena);
    }
}

/* More entries than a slice: the sum does not depend on the threads. */
static void test_threads(void **state)
{
    enum { N = 3000, C = 7 };
    static float predictions[N * C], labels[N];
    double sum = 0, values[2];
    scratch s = {0};
    (void)state;
    for (size_t i = 0; i < N; i++) {
        double row = 0;
        labels[i] = (float)(i % C);
        for (size_t k = 0; k < C; k++) row += (double)(predictions[i * C + k] = (float)((i * 5 + k * 3) % 11 + 1));
        sum -= log((double)predictions[i * C + i % C] / row);
    }
    cni_pool *pool = cni_pool_new(3);
    for (int i = 0; i < 2; i++) {
        cni_kernels kernels;
        cni_plan *plan;
        cni_kernels_init(&kernels, CNI_ISA_PORTABLE);
        cni_graph *graph = cni_graph_new();
        cni_tensor *p = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, C));
        cni_tensor *y = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN));
        cni_tensor *loss = cni_lower_loss(graph, object_of(&s, &cni_losses, "ce"), y, p, NULL, 1e-7);
        loss->is_output = true;
        const cni_plan_options options = {.batch = N, .kernels = &kernels, .pool = i ? pool : NULL};
        assert_int_equal(cni_plan_new(graph, &options, &plan, &s.error), CN_OK);
        memcpy(cni_plan_data(plan, p), predictions, sizeof predictions);
        memcpy(cni_plan_data(plan, y), labels, sizeof labels);
        cni_plan_run(plan, CNI_GRADIENTS, N);
        values[i] = (double)*(float *)cni_plan_data(plan, loss);
        cni_plan_free(plan);
    }
    assert_true(values[0] == values[1]);
    assert_true(fabs(values[0] - sum / N) < 1e-6);
    cni_pool_free(pool);
    cni_arena_free(&s.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),  cmocka_unit_test(test_refused), cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_labels),  cmocka_unit_test(test_names),   cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
