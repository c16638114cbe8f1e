/* SPDX-License-Identifier: Apache-2.0
 * Inflating to a known size.  The compressed texts are Python's: zlib.compress, gzip.compress(mtime=0). */
#include "formats/inflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const char plain[] = "abcabcabcabcabcabcabcabc"; /* b"abc" * 8 */
static const uint8_t zlib_text[] = {0x78, 0x9c, 0x4b, 0x4c, 0x4a, 0x4e, 0xc4, 0x86, 0x00, 0x72, 0xe0, 0x09, 0x31};
static const uint8_t gzip_text[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0x4c, 0x4a,
                                    0x4e, 0xc4, 0x86, 0x00, 0x37, 0x0f, 0x20, 0x01, 0x18, 0x00, 0x00, 0x00};

static const struct {
    cni_deflated kind;
    const uint8_t *data;
    size_t size;
} cases[] = {{CNI_DEFLATED_ZLIB, zlib_text, sizeof zlib_text},
             {CNI_DEFLATED_GZIP, gzip_text, sizeof gzip_text},
             {CNI_DEFLATED_RAW, zlib_text + 2, sizeof zlib_text - 6}};

enum { CASES = sizeof cases / sizeof *cases, LENGTH = sizeof plain - 1 };

static cn_status inflate_case(int i, size_t cut, size_t size, char *out, cni_error *error)
{
    cni_arena arena = {0};
    const cni_bytes from = {cases[i].data, cases[i].size - cut};
    const cn_status status = cni_inflate(&arena, from, cases[i].kind, out, size, error);
    cni_arena_free(&arena);
    return status;
}

static void known_sizes_are_filled(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        char out[LENGTH];
        assert_int_equal(inflate_case(i, 0, LENGTH, out, NULL), CN_OK);
        assert_memory_equal(out, plain, LENGTH);
    }
}

static void other_sizes_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        for (size_t size = 0; size < 40; size++) {
            char out[40];
            cni_error error = {0};
            if (size == LENGTH) continue;
            assert_int_equal(inflate_case(i, 0, size, out, &error), CN_ERR_FORMAT);
            assert_non_null(strstr(error.text, size < LENGTH ? "hold more than" : "end after 24"));
        }
}

static void cut_and_lengthened_data_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        char out[LENGTH];
        for (size_t cut = 1; cut <= cases[i].size; cut++)
            assert_int_equal(inflate_case(i, cut, LENGTH, out, NULL), CN_ERR_FORMAT);
        uint8_t longer[64] = {0};
        memcpy(longer, cases[i].data, cases[i].size);
        cni_arena arena = {0};
        cni_error error = {0};
        const cni_bytes from = {longer, cases[i].size + 1};
        assert_int_equal(cni_inflate(&arena, from, cases[i].kind, out, LENGTH, &error), CN_ERR_FORMAT);
        assert_string_equal(error.text, "1 bytes follow the compressed data");
        cni_arena_free(&arena);
    }
}

static void checksums_are_verified(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t bad[64];
        char out[LENGTH];
        memcpy(bad, cases[i].data, cases[i].size);
        bad[cases[i].size - 5 * (i == 1) - 1] ^= 1; /* zlib's Adler-32, gzip's CRC-32 */
        cni_arena arena = {0};
        cni_error error = {0};
        const cni_bytes from = {bad, cases[i].size};
        assert_int_equal(cni_inflate(&arena, from, cases[i].kind, out, LENGTH, &error), CN_ERR_FORMAT);
        assert_non_null(strstr(error.text, "incorrect data check"));
        cni_arena_free(&arena);
    }
}

static void a_beginning_can_be_had(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        char out[4];
        cni_arena arena = {0};
        const cni_bytes from = {cases[i].data, cases[i].size};
        assert_int_equal(cni_inflate_first(&arena, from, cases[i].kind, out, 4, NULL), CN_OK);
        assert_memory_equal(out, plain, 4);
        cni_arena_free(&arena);
    }
}

static void tables_are_charged(void **state)
{
    (void)state;
    char out[LENGTH];
    cni_arena arena;
    cni_arena_init(&arena, 1000);
    const cni_bytes from = {zlib_text, sizeof zlib_text};
    assert_int_equal(cni_inflate(&arena, from, CNI_DEFLATED_ZLIB, out, LENGTH, NULL), CN_ERR_MEMORY);
    cni_arena_free(&arena);
}

static void expansion_is_limited(void **state)
{
    (void)state;
    const uint64_t free_bytes = 64 << 20;
    assert_int_equal(cni_check_expansion(0, free_bytes, NULL, NULL), CN_OK);
    assert_int_equal(cni_check_expansion(0, free_bytes + 1, NULL, NULL), CN_ERR_LIMIT);
    assert_int_equal(cni_check_expansion(1000000, 99999999, NULL, NULL), CN_OK);
    assert_int_equal(cni_check_expansion(1000000, 100000000, NULL, NULL), CN_OK);
    assert_int_equal(cni_check_expansion(1000000, 100000001, NULL, NULL), CN_ERR_LIMIT);
    assert_int_equal(cni_check_expansion(80, 34359738368, NULL, NULL), CN_ERR_LIMIT);
    assert_int_equal(cni_check_expansion(UINT64_MAX, UINT64_MAX, NULL, NULL), CN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sizes_are_filled),
        cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(cut_and_lengthened_data_are_refused),
        cmocka_unit_test(checksums_are_verified),
        cmocka_unit_test(a_beginning_can_be_had),
        cmocka_unit_test(tables_are_charged),
        cmocka_unit_test(expansion_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
