/* SPDX-License-Identifier: Apache-2.0
 * JSON.  The two long texts are what Python's json.dumps makes of one document, with indent=None and indent=4. */
#include "formats/json.h"
#include "sweep.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char dense[] =
    "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"seq \\u00e9\\u20ac\\ud83e\\udd84 "
    "\\u007f\\u0001\\\"\\\\\\b\\f\\n\\r\\t/\", \"list\": [1, -2, 0, 9223372036854775807, -9223372036854775808], "
    "\"reals\": [0.1, 1e-07, 1e+16, 1.0, -0.0, 5e-324, NaN, Infinity, -Infinity], \"none\": null, \"yes\": true, "
    "\"no\": false, \"empty\": [], \"nothing\": {}, \"deep\": [[{\"a\": [1.5, {\"b\": \"c\"}]}]]}, \"\": \"\"}";
static const char indented[] =
    "{\n"
    "    \"class_name\": \"Sequential\",\n"
    "    \"config\": {\n"
    "        \"name\": \"seq \\u00e9\\u20ac\\ud83e\\udd84 \\u007f\\u0001\\\"\\\\\\b\\f\\n\\r\\t/\",\n"
    "        \"list\": [\n"
    "            1,\n"
    "            -2,\n"
    "            0,\n"
    "            9223372036854775807,\n"
    "            -9223372036854775808\n"
    "        ],\n"
    "        \"reals\": [\n"
    "            0.1,\n"
    "            1e-07,\n"
    "            1e+16,\n"
    "            1.0,\n"
    "            -0.0,\n"
    "            5e-324,\n"
    "            NaN,\n"
    "            Infinity,\n"
    "            -Infinity\n"
    "        ],\n"
    "        \"none\": null,\n"
    "        \"yes\": true,\n"
    "        \"no\": false,\n"
    "        \"empty\": [],\n"
    "        \"nothing\": {},\n"
    "        \"deep\": [\n"
    "            [\n"
    "                {\n"
    "                    \"a\": [\n"
    "                        1.5,\n"
    "                        {\n"
    "                            \"b\": \"c\"\n"
    "                        }\n"
    "                    ]\n"
    "                }\n"
    "            ]\n"
    "        ]\n"
    "    },\n"
    "    \"\": \"\"\n"
    "}";

static cni_bytes bytes_of(const char *text)
{
    return (cni_bytes){(const uint8_t *)text, strlen(text)};
}

static void texts_of_python_come_back(void **state)
{
    (void)state;
    const char *const texts[] = {dense, indented};
    for (int i = 0; i < 4; i++) {
        cni_arena arena = {0};
        cni_error error = {0};
        cni_value *value = NULL;
        cni_bytes back;
        if (cni_json_read(&arena, bytes_of(texts[i / 2]), NULL, &value, &error)) fail_msg("%s", error.text);
        assert_int_equal(cni_json_write(&arena, value, i % 2 * 4, &back, &error), CN_OK);
        assert_string_equal((const char *)back.data, texts[i % 2]);
        assert_int_equal(back.size, strlen(texts[i % 2]));
        cni_arena_free(&arena);
    }
}

static void values_are_what_they_say(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_value *value;
    assert_int_equal(cni_json_read(&arena, bytes_of(indented), NULL, &value, NULL), CN_OK);
    const cni_value *config = cni_value_get(value, "config");
    assert_string_equal(cni_value_as_text(cni_value_get(config, "name")),
                        "seq \xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x84 \x7f\x01\"\\\b\f\n\r\t/");
    assert_true(cni_value_get(config, "list")->items[4]->integer == INT64_MIN);
    const cni_value *reals = cni_value_get(config, "reals");
    assert_int_equal(reals->items[3]->type, CNI_REAL);
    assert_true(isnan(reals->items[6]->real));
    assert_true(reals->items[8]->real == -INFINITY);
    assert_true(signbit(reals->items[4]->real));
    assert_int_equal(cni_value_get(config, "none")->type, CNI_NULL);
    assert_true(cni_value_get(config, "yes")->truth);
    assert_int_equal(cni_value_get(config, "empty")->count, 0);
    assert_int_equal(config->line, 3);
    assert_int_equal(config->column, 15);
    assert_int_equal(reals->items[1]->line, 14);
    assert_int_equal(reals->items[1]->column, 13);
    cni_arena_free(&arena);
}

static void plain_forms_are_read(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {" \t\r\n1 ", "1"},
        {"-0", "0"},
        {"-0.0", "-0.0"},
        {"1E+2", "100.0"},
        {"1e-400", "0.0"},
        {"\"\\/\\u0041\"", "\"/A\""},
        {"\"\\ud83e\\uDD84\"", "\"\\ud83e\\udd84\""},
        {"\"\xc3\xa9\"", "\"\\u00e9\""},
        {"[ ]", "[]"},
        {"{ }", "{}"},
        {"[1 , 2]", "[1, 2]"},
        {"{\"a\" : 1}", "{\"a\": 1}"},
        {"-Infinity", "-Infinity"},
        {"0.5", "0.5"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cni_arena arena = {0};
        cni_error error = {0};
        cni_value *value;
        cni_bytes back;
        if (cni_json_read(&arena, bytes_of(good[i][0]), NULL, &value, &error))
            fail_msg("%s: %s", good[i][0], error.text);
        assert_int_equal(cni_json_write(&arena, value, 0, &back, NULL), CN_OK);
        assert_string_equal((const char *)back.data, good[i][1]);
        cni_arena_free(&arena);
    }
}

static void bad_texts_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "line 1, column 1: expected a value, found the end"},
        {"\xef\xbb\xbf"
         "1",
         "line 1, column 1: expected a value, found byte 0xef"},
        {"{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", "line 3, column 8: the object that ends here has \"a\" twice"},
        {"[1,]", "line 1, column 4: expected a value, found ']'"},
        {"[1 2]", "line 1, column 4: expected ',' or ']', found '2'"},
        {"{\"a\" 1}", "line 1, column 6: expected ':', found '1'"},
        {"{a: 1}", "line 1, column 2: expected a key in '\"', found 'a'"},
        {"{\"a\": 1,}", "line 1, column 9: expected a key in '\"', found '}'"},
        {"1 2", "line 1, column 3: expected nothing more, found '2'"},
        {"[1", "line 1, column 3: expected ',' or ']', found the end"},
        {"\"abc", "line 1, column 5: expected a closing '\"', found the end"},
        {"\"a\nb\"", "line 1, column 3: expected a closing '\"', found byte 0x0a"},
        {"\"\\x41\"", "line 1, column 3: expected an escape such as \\n or \\u00e9, found 'x'"},
        {"\"\\u00g0\"", "line 1, column 6: expected four hexadecimal digits, found 'g'"},
        {"\"\\ud800\"", "line 1, column 8: a surrogate without its other half"},
        {"\"\\udc00\\ud800\"", "line 1, column 8: a surrogate without its other half"},
        {"\"\\ud800\\u0041\"", "line 1, column 14: a surrogate without its other half"},
        {"\"\\u0000\"", "line 1, column 8: a zero byte in a string"},
        {"\"ab\xc3(\"", "line 1, column 4: malformed UTF-8"},
        {"\"\xed\xa0\x80\"", "line 1, column 2: malformed UTF-8"},
        {"01", "line 1, column 1: expected a number as in JSON, found '0'"},
        {"-", "line 1, column 1: expected a number as in JSON, found '-'"},
        {"1.", "line 1, column 1: expected a number as in JSON, found '1'"},
        {"1.e5", "line 1, column 1: expected a number as in JSON, found '1'"},
        {"1e", "line 1, column 1: expected a number as in JSON, found '1'"},
        {"+1", "line 1, column 1: expected a value, found '+'"},
        {".5", "line 1, column 1: expected a value, found '.'"},
        {"1e400", "line 1, column 1: a number too large for a double"},
        {"9223372036854775808", "line 1, column 1: a whole number beyond 64 bits"},
        {"nul", "line 1, column 1: expected a value, found 'n'"},
        {"nan", "line 1, column 1: expected a value, found 'n'"},
        {"'a'", "line 1, column 1: expected a value, found '''"},
        {"True", "line 1, column 1: expected a value, found 'T'"},
        {"[1] // no", "line 1, column 5: expected nothing more, found '/'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cni_arena arena = {0};
        cni_error error = {0};
        cni_value *value = NULL;
        assert_int_not_equal(cni_json_read(&arena, bytes_of(cases[i].text), NULL, &value, &error), CN_OK);
        assert_string_equal(error.text, cases[i].message);
        assert_null(value);
        cni_arena_free(&arena);
    }
}

static cn_status status_of(const char *text, size_t size, const cni_limits *limits)
{
    cni_arena arena = {0};
    cni_value *value;
    const cn_status status = cni_json_read(&arena, (cni_bytes){(const uint8_t *)text, size}, limits, &value, NULL);
    cni_arena_free(&arena);
    return status;
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof dense - 1; size++)
        assert_int_equal(status_of(dense, size, NULL), CN_ERR_FORMAT);
}

static void limits_are_kept(void **state)
{
    (void)state;
    for (int by = -1; by <= 1; by++) {
        char text[300];
        const int depth = 100 + by;
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(status_of(text, 2 * (size_t)depth, NULL), by > 0 ? CN_ERR_LIMIT : CN_OK);
        cni_limits limits = cni_default_limits;
        limits.json_values = (uint64_t)(4 - by);
        assert_int_equal(status_of("[1,2,3]", 7, &limits), by > 0 ? CN_ERR_LIMIT : CN_OK);
        limits = cni_default_limits;
        limits.json_string_bytes = (uint64_t)(3 - by);
        assert_int_equal(status_of("\"abc\"", 5, &limits), by > 0 ? CN_ERR_LIMIT : CN_OK);
        limits = cni_default_limits;
        limits.json_bytes = (uint64_t)(5 - by);
        assert_int_equal(status_of("\"abc\"", 5, &limits), by > 0 ? CN_ERR_LIMIT : CN_OK);
    }
}

static void many_keys_are_no_attack(void **state)
{
    (void)state;
    cni_buffer text = {0};
    for (int i = 0; i < 200000; i++) {
        char key[32];
        snprintf(key, sizeof key, "%c\"k%d\":0", i ? ',' : '{', i);
        cni_buffer_text(&text, key);
    }
    cni_buffer_text(&text, "}");
    assert_int_equal(status_of((const char *)text.data, text.size, NULL), CN_OK);
    text.size--;
    cni_buffer_text(&text, ",\"k77777\":1}");
    assert_int_equal(status_of((const char *)text.data, text.size, NULL), CN_ERR_FORMAT);
    cni_buffer_free(&text);
}

static void what_json_lacks_is_not_written(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_bytes out;
    assert_int_equal(cni_json_write(&arena, cni_value_call(&arena, "l2"), 0, &out, NULL), CN_ERR_INVALID);
    assert_int_equal(cni_json_write(&arena, cni_value_text(&arena, "\xff"), 0, &out, NULL), CN_ERR_INVALID);
    cni_arena_free(&arena);
}

static void a_full_arena_is_an_error(void **state)
{
    (void)state;
    cn_status status = CN_ERR_MEMORY;
    for (size_t budget = 16; status && budget < 100000; budget += 64) {
        cni_arena arena;
        cni_value *value;
        cni_arena_init(&arena, budget);
        status = cni_json_read(&arena, bytes_of(dense), NULL, &value, NULL);
        cni_arena_free(&arena);
        assert_true(status == CN_OK || status == CN_ERR_MEMORY);
    }
    assert_int_equal(status, CN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_python_come_back), cmocka_unit_test(values_are_what_they_say),
        cmocka_unit_test(plain_forms_are_read),      cmocka_unit_test(bad_texts_are_refused_with_their_place),
        cmocka_unit_test(every_cut_is_refused),      cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(many_keys_are_no_attack),   cmocka_unit_test(what_json_lacks_is_not_written),
        cmocka_unit_test(a_full_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
