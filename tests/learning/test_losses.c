/* SPDX-License-Identifier: Apache-2.0
 * Losses and their gradients against Keras' numbers. */
#include "learning/losses.h"

#include "graph/plan.h"
#include "kernels/kernels.h"
#include "learning/golden_cases.h"

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
        golden_compare(&g, golden_id(c), "loss", &(float){(float)ours.value}, value.data, 1);
        golden_compare(&g, golden_id(c), "gradient", ours.gradient, gradient.data, golden_size(&gradient));
        golden_config(&g, loss, c);
        ran_cases++;
    }
    assert_true(ran_cases > 45);
    cni_pool_free(pool);
    golden_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
