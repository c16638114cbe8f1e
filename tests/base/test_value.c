/* SPDX-License-Identifier: Apache-2.0
 * Trees of values: numbers as Python writes them, Keras text, messages.  Expected texts are Python's. */
#include "base/value.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void reals_print_as_in_python(void **state)
{
    (void)state;
    static const struct {
        double real;
        const char *text;
    } cases[] = {
        {0.001, "0.001"},
        {1e-7, "1e-07"},
        {1.0, "1.0"},
        {NAN, "nan"},
        {-NAN, "nan"},
        {INFINITY, "inf"},
        {0x1p-1017, "7.120236347223045e-307"},
        {-INFINITY, "-inf"},
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {123456789012345678.0, "1.2345678901234568e+17"},
        {9999999999999998.0, "9999999999999998.0"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1.5e-5, "1.5e-05"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {-1.5, "-1.5"},
        {1e100, "1e+100"},
        {0.99, "0.99"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {100.0, "100.0"},
        {(double)0.1f, "0.10000000149011612"},
        {1e22, "1e+22"},
        {123456.789, "123456.789"},
        {0.0012, "0.0012"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {-2.2250738585072014e-308, "-2.2250738585072014e-308"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buffer[32];
        assert_string_equal(cni_show_real(cases[i].real, buffer), cases[i].text);
    }
}

static void random_reals_come_back(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        double real, again;
        char buffer[32];
        memcpy(&real, &bits, sizeof real);
        if (!isfinite(real)) continue;
        cni_show_real(real, buffer);
        assert_true(cni_read_real(buffer, strlen(buffer), &again));
        assert_memory_equal(&real, &again, sizeof real);
        assert_memory_equal(&(double){strtod(buffer, NULL)}, &real, sizeof real);
    }
}

static void a_locale_changes_nothing(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "de_DE.utf8")) {
        print_message("no locale with a decimal comma is installed\n");
        skip();
    }
    char buffer[32];
    double real;
    assert_string_equal(cni_show_real(0.5, buffer), "0.5");
    assert_true(cni_read_real("2.5e-1", 6, &real));
    assert_true(real == 0.25);
    setlocale(LC_NUMERIC, "C");
}

static void numbers_are_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "-",     ".",  "1e",  "1e+",   "1,5", "0x10",
                                      "nan", "1e400", "1 ", "--1", "1.5.2", "e5"};
    double real;
    int64_t integer;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(cni_read_real(bad[i], strlen(bad[i]), &real));
        assert_false(cni_read_int(bad[i], strlen(bad[i]), &integer));
    }
    assert_true(cni_read_real("1e-400", 6, &real) && real == 0);
    assert_true(cni_read_real(".5", 2, &real) && real == 0.5);
    assert_true(cni_read_real("1.", 2, &real) && real == 1);
    assert_true(cni_read_int("-9223372036854775808", 20, &integer) && integer == INT64_MIN);
    assert_true(cni_read_int("9223372036854775807", 19, &integer) && integer == INT64_MAX);
    assert_false(cni_read_int("9223372036854775808", 19, &integer));
    assert_false(cni_read_int("-9223372036854775809", 20, &integer));
}

static void keras_text_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"None", "None"},
        {" true ", "True"},
        {"False", "False"},
        {"relu", "'relu'"},
        {"'re\\'lu'", "\"re'lu\""},
        {"\"a\\n\\u00e9\\x41\"", "'a\\n\xc3\xa9"
                                 "A'"},
        {"12", "12"},
        {"-7", "-7"},
        {"+7", "7"},
        {"1_000", "1000"},
        {"1e-3", "0.001"},
        {"1.", "1.0"},
        {".5", "0.5"},
        {"-inf", "-inf"},
        {"nan", "nan"},
        {"[]", "[]"},
        {"()", "[]"},
        {"(3)", "3"},
        {"(3,)", "[3]"},
        {"(3, 4)", "[3, 4]"},
        {"[1, 'a', [2.5, None]]", "[1, 'a', [2.5, None]]"},
        {"{'a': 1, \"b\": [x]}", "{'a': 1, 'b': ['x']}"},
        {"{0: 1.5, 1: 2}", "{'0': 1.5, '1': 2}"},
        {"{}", "{}"},
        {"top_k(3)", "top_k(3)"},
        {"keras.losses.Huber(delta = 2.0,)", "Huber(delta=2.0)"},
        {"f()", "f()"},
        {"tf.nn.relu", "'relu'"},
        {"Adam(ExponentialDecay(1e-2,\n  decay_steps=5), # rate\n beta_1=.9)",
         "Adam(ExponentialDecay(0.01, decay_steps=5), beta_1=0.9)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cni_arena arena = {0};
        cni_error error = {0};
        cni_value *value = NULL;
        char shown[200];
        cn_status status = cni_value_read(&arena, cases[i].text, "loss", &value, &error);
        if (status) print_error("%s: %s\n", cases[i].text, error.text);
        assert_int_equal(status, CN_OK);
        assert_string_equal(cni_value_show(value, shown, sizeof shown), cases[i].shown);
        cni_arena_free(&arena);
    }
}

static void bad_text_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "loss, line 1, column 1: expected a value, found the end"},
        {"[1,\n  2 3]", "loss, line 2, column 5: expected ',' or ']', found \"3]\""},
        {"f(a=1, 2)", "loss, line 1, column 8: expected keyword=value, as after the first keyword, found \"2)\""},
        {"f(a=1, a=2)", "loss, line 1, column 12: \"a\" is given twice; give it once"},
        {"{'a': 1, 'a': 2}", "loss, line 1, column 17: \"a\" is given twice; give it once"},
        {"{'a'}", "loss, line 1, column 5: expected ':' after the key, found \"}\""},
        {"'abc", "loss, line 1, column 5: expected a closing ', found the end"},
        {"'\\q'", "loss, line 1, column 3: expected an escape such as \\n or \\\\ after the backslash, found \"q'\""},
        {"1 2", "loss, line 1, column 3: expected nothing after the value, found \"2\""},
        {"99999999999999999999", "loss, line 1, column 1: expected a whole number that fits 64 bits, found "
                                 "\"99999999999999999999\""},
        {"1e999", "loss, line 1, column 1: expected a number that fits a double, found \"1e999\""},
        {"a.3", "loss, line 1, column 3: expected a name, found \"3\""},
        {"-relu", "loss, line 1, column 6: expected a number after the sign, found the end"},
        {"[,]", "loss, line 1, column 2: expected a value, found \",]\""},
        {"3x", "loss, line 1, column 1: expected a number that fits a double, found \"3x\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cni_arena arena = {0};
        cni_error error = {0};
        cni_value *value = NULL;
        assert_int_equal(cni_value_read(&arena, cases[i].text, "loss", &value, &error), CN_ERR_INVALID);
        assert_string_equal(error.text, cases[i].message);
        assert_null(value);
        cni_arena_free(&arena);
    }
}

static void depth_is_limited(void **state)
{
    (void)state;
    for (int depth = 63; depth <= 65; depth++) { /* the number inside counts too */
        char text[200] = "";
        for (int i = 0; i < depth; i++) strcat(text, "[");
        strcat(text, "1");
        for (int i = 0; i < depth; i++) strcat(text, "]");
        cni_arena arena = {0};
        cni_error error = {0};
        cni_value *value;
        assert_int_equal(cni_value_read(&arena, text, "loss", &value, &error), depth < 64 ? CN_OK : CN_ERR_LIMIT);
        cni_arena_free(&arena);
    }
}

static void values_know_their_place(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_value *value;
    assert_int_equal(cni_value_read(&arena, "f(1,\n  b=[2])", "x", &value, NULL), CN_OK);
    const cni_value *b = cni_value_get(value, "b");
    assert_int_equal(b->line, 2);
    assert_int_equal(b->column, 5);
    assert_null(value->keys[0]);
    assert_null(cni_value_get(value, "c"));
    assert_null(cni_value_get(NULL, "c"));
    assert_null(cni_value_get(b, "c"));
    cni_arena_free(&arena);
}

static void trees_grow_and_show_is_cut(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_value *dict = cni_value_dict(&arena), *list = cni_value_list(&arena);
    for (int i = 0; i < 100; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        assert_true(cni_value_add(&arena, dict, key, cni_value_int(&arena, i)));
        assert_true(cni_value_add(&arena, list, NULL, cni_value_int(&arena, i)));
    }
    assert_int_equal(cni_value_get(dict, "k99")->integer, 99);
    assert_int_equal(list->items[37]->integer, 37);
    const char *repeated = "";
    assert_true(cni_value_repeated_key(dict, &repeated));
    assert_null(repeated);
    assert_true(cni_value_add(&arena, dict, "k5", cni_value_null(&arena)));
    assert_true(cni_value_repeated_key(dict, &repeated));
    assert_string_equal(repeated, "k5");
    assert_false(cni_value_add(&arena, list, NULL, NULL));
    char shown[12];
    assert_string_equal(cni_value_show(list, shown, sizeof shown), "[0, 1, 2...");
    assert_string_equal(cni_value_show(cni_value_text(&arena, NULL), shown, sizeof shown), "None");
    assert_string_equal(cni_value_show(cni_value_text(&arena, "abcd\xc3\xa9\xc3\xa9\xc3\xa9"), shown, sizeof shown),
                        "'abcd\xc3\xa9...");
    cni_arena_free(&arena);
}

static void a_full_arena_is_an_error(void **state)
{
    (void)state;
    for (size_t budget = 16;; budget += 16) {
        cni_arena arena;
        cni_error error = {0};
        cni_value *value;
        cni_arena_init(&arena, budget);
        cn_status status = cni_value_read(&arena, "f(1, 'a', b={'c': [1, 2, 3, 4, 5]})", "x", &value, &error);
        cni_arena_free(&arena);
        if (!status) break;
        assert_int_equal(status, CN_ERR_MEMORY);
        assert_true(budget < 10000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reals_print_as_in_python),   cmocka_unit_test(random_reals_come_back),
        cmocka_unit_test(a_locale_changes_nothing),   cmocka_unit_test(numbers_are_read_strictly),
        cmocka_unit_test(keras_text_is_read),         cmocka_unit_test(bad_text_is_refused_with_its_place),
        cmocka_unit_test(depth_is_limited),           cmocka_unit_test(values_know_their_place),
        cmocka_unit_test(trees_grow_and_show_is_cut), cmocka_unit_test(a_full_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
