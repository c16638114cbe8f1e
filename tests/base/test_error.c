/* SPDX-License-Identifier: Apache-2.0
 * The error slot keeps the first failure, in one line. */
#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void first_failure_is_kept(void **state)
{
    (void)state;
    cni_error error = {0};
    assert_int_equal(cni_fail(&error, CN_ERR_SHAPE, "a %d", 1), CN_ERR_SHAPE);
    assert_int_equal(cni_fail(&error, CN_ERR_IO, "b"), CN_ERR_SHAPE);
    assert_string_equal(error.text, "a 1");
    cni_fail_in(&error, "file\n%s", "x");
    assert_string_equal(error.text, "file?x: a 1");
}

static void long_text_is_cut(void **state)
{
    (void)state;
    cni_error error = {0};
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    cni_fail(&error, CN_ERR_FORMAT, "%s", text);
    cni_fail_in(&error, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void what_could_drive_a_terminal_is_escaped(void **state)
{
    (void)state;
    cni_error error = {0};
    cni_fail(&error, CN_ERR_FORMAT, "%s",
             "\x1b[31m \xff \xc3\xa9 \xc2\x9b \xe2\x82 \xed\xa0\x80 \xf0\x9f\xa6\x84 \x7f");
    assert_string_equal(error.text, "?[31m ? \xc3\xa9 ?? ?? ??? \xf0\x9f\xa6\x84 ?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_failure_is_kept), cmocka_unit_test(long_text_is_cut),
                                       cmocka_unit_test(what_could_drive_a_terminal_is_escaped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
