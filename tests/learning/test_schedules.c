/* SPDX-License-Identifier: Apache-2.0
 * Schedules against Keras' values, and what they refuse. */
#include "learning/optimizers.h"

#include "learning/golden_cases.h"

static void test_golden(void **state)
{
    golden g;
    (void)state;
    golden_open(&g, "learning/schedules.json");
    const cni_value *steps = cni_value_get(g.head, "steps");
    for (size_t i = 0; i < g.cases->count; i++) {
        const cni_value *c = g.cases->items[i], *values = cni_value_get(c, "values");
        const cni_object *schedule = golden_object(&g, &cni_schedules, cni_value_get(c, "schedule"), golden_id(c));
        for (size_t k = 0; k < steps->count; k++) {
            const double ours = cni_schedule_value(schedule, steps->items[k]->integer);
            if (!golden_close_to(&g, ours, values->items[k]->real))
                fail_msg("%s: step %d gives %.9g, Keras has %.9g", golden_id(c), (int)steps->items[k]->integer, ours,
                         values->items[k]->real);
        }
        golden_config(&g, schedule, c);
    }
    golden_close(&g);
}

static void refuse(const char *text, const char *word)
{
    cni_arena arena = {0};
    cni_error error = {0};
    cni_value *value;
    cni_object *object;
    const cni_maker maker = {.arena = &arena, .error = &error};
    assert_int_equal(cni_value_read(&arena, text, "schedule", &value, &error), CN_OK);
    assert_int_not_equal(cni_object_make(&maker, &cni_schedules, value, "learning_rate", &object), CN_OK);
    if (!strstr(error.text, word)) fail_msg("%s: no %s in: %s", text, word, error.text);
    cni_arena_free(&arena);
}

static void test_refused(void **state)
{
    (void)state;
    refuse("ExponentialDecay(0.1, 0, 0.5)", "decay_steps");
    refuse("PolynomialDecay(0.1, -3)", "decay_steps");
    refuse("CosineDecayRestarts(0.1, 0)", "first_decay_steps");
    refuse("ExponentialDecay(0.1, 10)", "decay_rate");
    refuse("PiecewiseConstantDecay([10, 20], [0.1, 0.2])", "boundaries");
    refuse("ExponentialDecy(0.1, 10, 0.5)", "ExponentialDecay");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
