/* SPDX-License-Identifier: Apache-2.0
 * UTF-8: every code point there and back, and the malformed sequences of Unicode's table 3-7. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x120000; code++) {
        char text[4];
        uint32_t again = UINT32_MAX;
        const size_t size = cni_utf8_write(text, code);
        const int good = code < 0xD800 || (code >= 0xE000 && code <= 0x10FFFF);
        assert_int_equal(cni_utf8_read(text, size, &again), good ? size : 0);
        assert_true(!good || again == code);
        assert_int_equal(cni_utf8_read(text, size - 1, NULL), 0);
    }
}

static void malformed_sequences_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80", "\xC0\x80",     "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF", "\xE2\x28\xA1", "\xC3("};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(cni_utf8_valid(bad[i], strlen(bad[i])));
    assert_true(cni_utf8_valid("a\xC3\xA9\xF0\x9F\xA6\x84", 7));
    assert_true(cni_utf8_valid("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_comes_back),
        cmocka_unit_test(malformed_sequences_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
