/* SPDX-License-Identifier: Apache-2.0
 * Findings as a whole: the rows, their order, what turns them off, and that good networks have none. */
#include "rule_cases.h"

#include <stdlib.h>

static void test_rows(void **state)
{
    (void)state;
    static const char *const first[] = {"S101", "S102", "S103", "S104", "S111", "P201", "P203",
                                        "P204", "P205", "P207", "P209", "K301", "K302", "K303",
                                        "K306", "K308", "R402", "C501", "T601", "T604", "T611"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) assert_non_null(cni_rule_find(first[i]));
    assert_null(cni_rule_find("K999"));
    for (int i = 0; i < cni_rule_count; i++) {
        const cni_rule *rule = cni_rules[i];
        assert_ptr_equal(cni_rule_find(rule->id), rule);
        assert_true(rule->name && rule->look && strchr("ABC", rule->grade));
        assert_true(rule->why && strlen(rule->why) > 150);
        assert_true(rule->source && *rule->source);
        for (const char *c = rule->why; *c; c++) assert_true(*c >= ' ' && *c < 127);
    }
}

static const char many[] = "model = keras.Sequential([\n"
                           "    keras.Input((28, 28, 1)),\n"
                           "    layers.Conv2D(32, 3),\n"
                           "    layers.BatchNormalization(),\n"
                           "    layers.MaxPooling2D(2),\n"
                           "    layers.Conv2D(64, 3, 3),\n"
                           "    layers.MaxPooling2D(2, padding='same'),\n"
                           "    layers.Flatten(),\n"
                           "    layers.Dense(1, activation='softmax'),\n"
                           "])\n";

static void test_order(void **state)
{
    (void)state;
    found f;
    find_in(&f, many, NULL);
    static const int ranks[] = {[CNI_ERROR] = 0, [CNI_WARNING] = 1, [CNI_NOTE] = 2, [CNI_HINT] = 3};
    assert_true(f.findings->count > 4);
    assert_int_equal(f.findings->items[0].severity, CNI_ERROR);
    for (int i = 1; i < f.findings->count; i++) {
        const cni_finding *a = f.findings->items + i - 1, *b = a + 1;
        assert_true(ranks[a->severity] <= ranks[b->severity]);
        if (a->severity != b->severity) continue;
        assert_true(b->node < 0 || (a->node >= 0 && a->node <= b->node));
    }
    forget(&f);
}

static cn_status find_with(found *f, const char *off, const char *only, cni_error *error)
{
    return cni_find(f->analysis, off, only, &f->findings, error);
}

static void test_off_and_only(void **state)
{
    (void)state;
    cni_error error = {0};
    found f;
    find_in(&f, many, NULL);
    assert_non_null(finding_of(&f, "T611"));
    assert_non_null(finding_of(&f, "T604"));
    assert_int_equal(find_with(&f, "T611,R401", NULL, &error), CN_OK);
    assert_null(finding_of(&f, "T611"));
    assert_null(finding_of(&f, "R401"));
    assert_non_null(finding_of(&f, "T604"));
    assert_int_equal(find_with(&f, " T611 , T604 ", NULL, &error), CN_OK);
    assert_null(finding_of(&f, "T604"));
    assert_int_equal(find_with(&f, NULL, "T611", &error), CN_OK);
    assert_int_equal(f.findings->count, 1);
    assert_int_equal(find_with(&f, "", "", &error), CN_OK);
    assert_non_null(finding_of(&f, "T611"));
    assert_int_not_equal(find_with(&f, "T61", NULL, &error), CN_OK); /* not what a name begins with */
    assert_non_null(strstr(error.text, "T61"));
    forget(&f);
}

static void test_comments(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool off;
    } texts[] = {
        {"model = keras.Sequential([\n"
         "    keras.Input((28, 28, 1)),\n"
         "    layers.Conv2D(32, 3, 3),  # cornu: off T611\n"
         "])\n",
         true},
        {"model = keras.Sequential([\n"
         "    keras.Input((28, 28, 1)),\n"
         "    # cornu: off K302,T611\n"
         "    layers.Conv2D(32, 3, 3),\n"
         "])\n",
         true},
        {"model = keras.Sequential([\n"
         "    keras.Input((28, 28, 1)),\n"
         "    layers.Conv2D(32,\n"
         "                  3, 3),  # cornu: off T611\n"
         "])\n",
         true},
        {"model = keras.Sequential([\n"
         "    keras.Input((28, 28, 1)),  # cornu: off T611\n" /* speaks of its own line */
         "    layers.Conv2D(32, 3, 3),\n"
         "])\n",
         false},
        {"model = keras.Sequential([\n"
         "    keras.Input((28, 28, 1)),\n"
         "    # cornu: off K302\n"
         "    layers.Conv2D(32, 3, 3),\n"
         "])\n",
         false},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        found f;
        find_in(&f, texts[i].text, "T611");
        if ((f.findings->count == 0) != texts[i].off) fail_msg("%d findings in\n%s", f.findings->count, texts[i].text);
        forget(&f);
    }
}

/* Of a finding that lists several layers, those that are not turned off stay. */
static void test_comment_of_one(void **state)
{
    (void)state;
    found f;
    find_in(&f,
            "model = keras.Sequential([\n"
            "    keras.Input((28, 28, 1)),\n"
            "    layers.Conv2D(8, 3), layers.BatchNormalization(),  # cornu: off T601\n"
            "    layers.Conv2D(8, 3), layers.BatchNormalization(),\n"
            "])\n",
            "T601");
    assert_int_equal(f.findings->count, 1);
    assert_string_equal(f.analysis->nodes[f.findings->items[0].node].name, "conv2d_1");
    assert_int_equal(f.findings->items[0].node_count, 0);
    forget(&f);
}

/* Unknown sizes: nothing is said that depends on them. */
static void test_unknown_sizes(void **state)
{
    (void)state;
    found f;
    find_in(&f,
            "x = inputs = keras.Input((None, None, 3))\n"
            "y = layers.Conv2D(8, 3, strides=2, padding='same')(x)\n"
            "z = layers.Conv2D(8, 1, strides=2)(x)\n"
            "x = layers.Add()([y, z])\n"
            "x = layers.MaxPooling2D(2)(x)\n"
            "x = layers.Conv2D(8, 3, padding='same')(x)\n"
            "x = layers.GlobalAveragePooling2D()(x)\n"
            "model = keras.Model(inputs, layers.Dense(10)(x))\n",
            NULL);
    assert_int_equal(count_of(&f, CNI_ERROR), 0);
    assert_null(finding_of(&f, "P201"));
    assert_null(finding_of(&f, "K302"));
    assert_null(finding_of(&f, "P207"));
    assert_non_null(finding_of(&f, "K301")); /* does not depend on sizes */
    forget(&f);
}

/* After an error nothing is said of what follows from it. */
static void test_after_an_error(void **state)
{
    (void)state;
    found f;
    find_in(&f,
            "model = keras.Sequential([\n"
            "    keras.Input((28, 28)),\n"
            "    layers.Conv2D(8, 3),\n"
            "    layers.MaxPooling2D(2),\n"
            "    layers.Conv2D(8, 3, strides=4),\n"
            "    layers.Flatten(),\n"
            "    layers.Dense(10),\n"
            "])\n",
            NULL);
    assert_int_equal(count_of(&f, CNI_ERROR), 1);
    assert_string_equal(f.findings->items[0].rule->id, "S100");
    assert_null(finding_of(&f, "C501"));
    assert_null(finding_of(&f, "K302"));
    forget(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_order),
        cmocka_unit_test(test_off_and_only),   cmocka_unit_test(test_comments),
        cmocka_unit_test(test_comment_of_one), cmocka_unit_test(test_unknown_sizes),
        cmocka_unit_test(test_after_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
