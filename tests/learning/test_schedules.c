/* SPDX-License-Identifier: Apache-2.0
 * Schedules against Keras' values, and what they refuse. */
#include "learning/optimizers.h"

#include "learning/golden_cases.h"
#include "learning/objects.h"

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
            if (!golden_close_to(g.tolerance, ours, values->items[k]->real))
                fail_msg("%s: step %d gives %.9g, Keras has %.9g", golden_id(c), (int)steps->items[k]->integer, ours,
                         values->items[k]->real);
        }
        golden_config(&g, schedule, c);
    }
    golden_close(&g);
}

static void test_refused(void **state)
{
    (void)state;
    expect_refusal(&cni_schedules, "ExponentialDecay(0.1, 0, 0.5)", "decay_steps");
    expect_refusal(&cni_schedules, "PolynomialDecay(0.1, -3)", "decay_steps");
    expect_refusal(&cni_schedules, "CosineDecayRestarts(0.1, 0)", "first_decay_steps");
    expect_refusal(&cni_schedules, "ExponentialDecay(0.1, 10)", "decay_rate");
    expect_refusal(&cni_schedules, "PiecewiseConstantDecay([10, 20], [0.1, 0.2])", "boundaries");
    expect_refusal(&cni_schedules, "ExponentialDecy(0.1, 10, 0.5)", "ExponentialDecay");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
