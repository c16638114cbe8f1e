/* SPDX-License-Identifier: Apache-2.0
 * ZIP: what is written comes back; whatever is damaged, ambiguous or hostile is refused.  The verdicts on the outside
 * collection were checked against Python's zipfile: all that is accepted here is accepted there, with equal content. */
#include "formats/zip.h"
#include "sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static cni_bytes text(const char *string)
{
    return (cni_bytes){(const uint8_t *)string, strlen(string)};
}

/* Two members: "a" at 0, data at 31; "b" at 36, data at 67; directory at 74: "a" at 74, "b" at 121; end at 168. */
static void write_two(cni_zip_writer *writer, const char *first, const char *second)
{
    assert_int_equal(cni_zip_add(writer, first, text("hello"), NULL), CN_OK);
    assert_int_equal(cni_zip_add(writer, second, text("goodbye"), NULL), CN_OK);
    assert_int_equal(cni_zip_finish(writer, NULL), CN_OK);
}

static cn_status read_all(cni_bytes file, const cni_limits *limits, cni_error *error)
{
    cni_arena arena = {0};
    cni_zip zip = {0};
    cni_bytes content;
    cn_status status = cni_zip_open(&arena, file, limits, &zip, error);
    for (size_t i = 0; !status && i < zip.count; i++) status = cni_zip_read(&arena, &zip.members[i], &content, error);
    cni_arena_free(&arena);
    return status;
}

static void members_come_back(void **state)
{
    (void)state;
    cni_zip_writer writer = {0};
    cni_arena arena = {0};
    cni_error error = {0};
    cni_zip zip;
    cni_bytes content;
    write_two(&writer, "a", "dir/\xc3\xa9");
    assert_int_equal(cni_zip_open(&arena, cni_buffer_bytes(&writer.bytes), NULL, &zip, &error), CN_OK);
    assert_int_equal(zip.count, 2);
    assert_string_equal(zip.members[1].name, "dir/\xc3\xa9");
    assert_int_equal(cni_zip_read(&arena, cni_zip_find(&zip, "a"), &content, &error), CN_OK);
    assert_true(cni_bytes_equal(content, "hello", 5));
    assert_int_equal(cni_zip_read(&arena, cni_zip_find(&zip, "dir/\xc3\xa9"), &content, &error), CN_OK);
    assert_true(cni_bytes_equal(content, "goodbye", 7));
    assert_null(cni_zip_find(&zip, "dir"));
    assert_true(cni_zip_detect(cni_buffer_bytes(&writer.bytes)));
    cni_zip_writer_free(&writer);
    cni_arena_free(&arena);
}

/* The bytes of Python's zipfile.ZipFile(f, "w").writestr(ZipInfo("a"), "hello"), which stores and dates 1980-01-01,
 * but for the "version made by" and the permissions that ZipInfo leaves at 0600. */
static void bytes_are_those_of_zipfile(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0x50, 0x4b, 3, 4, 20, 0, 0, 0, 0,    0,   0,    0,    0x21, 0,    0x86, 0xa6, 0x10, 0x36, 5, 0,   0,
        0,    5,    0, 0, 0,  1, 0, 0, 0,    'a', 'h',  'e',  'l',  'l',  'o',  0x50, 0x4b, 1,    2, 20,  3,
        20,   0,    0, 0, 0,  0, 0, 0, 0x21, 0,   0x86, 0xa6, 0x10, 0x36, 5,    0,    0,    0,    5, 0,   0,
        0,    1,    0, 0, 0,  0, 0, 0, 0,    0,   0,    0,    0,    0xa4, 0x81, 0,    0,    0,    0, 'a', 0x50,
        0x4b, 5,    6, 0, 0,  0, 0, 1, 0,    1,   0,    47,   0,    0,    0,    36,   0,    0,    0, 0,   0};
    cni_zip_writer writer = {0};
    assert_int_equal(cni_zip_add(&writer, "a", text("hello"), NULL), CN_OK);
    assert_int_equal(cni_zip_finish(&writer, NULL), CN_OK);
    assert_int_equal(writer.bytes.size, sizeof expected);
    assert_memory_equal(writer.bytes.data, expected, sizeof expected);
    cni_zip_writer_free(&writer);
}

static void every_change_of_a_byte_is_noticed_or_harmless(void **state)
{
    (void)state;
    cni_zip_writer writer = {0};
    write_two(&writer, "a", "b");
    const cni_bytes file = cni_buffer_bytes(&writer.bytes);
    int accepted = 0;
    for (size_t i = 0; i < file.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            writer.bytes.data[i] ^= (uint8_t)(1 << bit);
            accepted += read_all(file, NULL, NULL) == CN_OK;
            writer.bytes.data[i] ^= (uint8_t)(1 << bit);
        }
    /* Free to change, in bits of each member: versions 16 + 32, times 32 + 32, attributes 16 + 29 (29: the kind of file
     * can only become "not said"), effort and UTF-8 flags 3 + 3. */
    assert_int_equal(accepted, 2 * 163);
    for (size_t size = 0; size < file.size; size++)
        assert_int_equal(read_all((cni_bytes){file.data, size}, NULL, NULL), CN_ERR_FORMAT);
    cni_zip_writer_free(&writer);
}

static void faults_are_named(void **state)
{
    (void)state;
    static const struct {
        size_t at[2]; /* where the change goes: directory and local header; 0 = nowhere */
        unsigned value;
        const char *message;
    } cases[] = {
        {{74 + 8, 6}, 1, "member \"a\": is encrypted"},
        {{74 + 8, 6}, 0x40, "member \"a\": has flags for encryption"},
        {{74 + 10, 8}, 12, "member \"a\": is compressed by another method"},
        {{74 + 10, 0}, 8, "member \"a\": its local header and the directory do not agree"},
        {{74 + 16, 0}, 8, "member \"a\": its local header and the directory do not agree"},
        {{74 + 16, 14}, 8, "member \"a\": checksum: expected 3610a608, found 3610a686"},
        {{74 + 20, 0}, 4, "member \"a\": is stored, but in another size"},
        {{74 + 24, 0}, 4, "member \"a\": is stored, but in another size"},
        {{74 + 34, 0}, 1, "member \"a\": lies on another disk"},
        {{74 + 41, 0}, 0xa1, "member \"a\": is a link or a device"},
        {{74 + 41, 0}, 0x21, "member \"a\": is a link or a device"},
        {{74 + 46, 0}, 'c', "member \"c\": its local header and the directory do not agree"},
        {{74 + 46, 30}, '/', "the name of a member is refused: it is absolute"},
        {{74 + 46, 30}, '\\', "the name of a member is refused: it has a backslash"},
        {{74 + 46, 30}, ':', "the name of a member is refused: it has a colon"},
        {{74 + 46, 30}, '.', "the name of a member is refused: it has a part . or .."},
        {{74 + 46, 30}, 0, "the name of a member is refused: it has control characters"},
        {{74 + 46, 30}, 0xff, "the name of a member is refused: it is not UTF-8"},
        {{74 + 46, 30}, 'b', "two members are called \"b\""},
        {{74 + 42, 0}, 7, "member \"a\": its local header is missing"},
        {{74, 0}, 0, "@0x4a: entry 0 of the directory is damaged"},
        {{168 + 8, 168 + 10}, 1, "@0x79: the directory has more than the 1 entries announced"},
        {{168 + 8, 168 + 10}, 3, "3 entries cannot be in 94 bytes of directory"},
        {{168 + 4, 0}, 1, "the archive lies on several disks"},
        {{168 + 12, 0}, 93, "@0xa8: the directory, 93 bytes at 0x4a, does not end where the end record begins"},
        {{168 + 20, 0}, 1, "no zip archive"},
    };
    cni_zip_writer writer = {0};
    write_two(&writer, "a", "b");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t copy[200];
        cni_error error = {0};
        assert_int_equal(writer.bytes.size, 190);
        memcpy(copy, writer.bytes.data, 190);
        for (int k = 0; k < 2; k++)
            if (k == 0 || cases[i].at[k]) copy[cases[i].at[k]] = (uint8_t)cases[i].value;
        assert_int_not_equal(read_all((cni_bytes){copy, 190}, NULL, &error), CN_OK);
        if (strncmp(error.text, cases[i].message, strlen(cases[i].message)))
            fail_msg("expected \"%s\", found \"%s\"", cases[i].message, error.text);
    }
    cni_zip_writer_free(&writer);
}

static void overlapping_members_are_refused(void **state)
{
    (void)state;
    cni_zip_writer writer = {0};
    cni_error error = {0};
    /* The content of "a" is itself a local header and data, which a second directory entry points to. */
    cni_zip_writer inner = {0};
    assert_int_equal(cni_zip_add(&inner, "b", text("goodbye"), NULL), CN_OK);
    assert_int_equal(cni_zip_add(&writer, "a", cni_buffer_bytes(&inner.bytes), NULL), CN_OK);
    inner.directory.data[42] = 31;
    cni_buffer_add(&writer.directory, inner.directory.data, inner.directory.size);
    writer.count = 2;
    assert_int_equal(cni_zip_finish(&writer, NULL), CN_OK);
    assert_int_equal(read_all(cni_buffer_bytes(&writer.bytes), NULL, &error), CN_ERR_FORMAT);
    assert_string_equal(error.text, "members \"a\" and \"b\" overlap");
    cni_zip_writer_free(&writer);
    cni_zip_writer_free(&inner);
}

static void limits_are_kept(void **state)
{
    (void)state;
    cni_zip_writer writer = {0};
    write_two(&writer, "a", "b");
    for (uint64_t by = 0; by < 2; by++) {
        cni_limits limits = cni_default_limits;
        limits.zip_entries = 1 + by;
        assert_int_equal(read_all(cni_buffer_bytes(&writer.bytes), &limits, NULL), by ? CN_OK : CN_ERR_LIMIT);
        limits = cni_default_limits;
        limits.zip_directory_bytes = 93 + by;
        assert_int_equal(read_all(cni_buffer_bytes(&writer.bytes), &limits, NULL), by ? CN_OK : CN_ERR_LIMIT);
        limits = cni_default_limits;
        limits.zip_name_bytes = by;
        assert_int_equal(read_all(cni_buffer_bytes(&writer.bytes), &limits, NULL), by ? CN_OK : CN_ERR_LIMIT);
    }
    cni_zip_writer_free(&writer);
}

/* zlib.compress(bytes(65 << 20), 9) is 1000 : 1; the header alone must betray it, before memory is asked for. */
static void bombs_are_refused_unopened(void **state)
{
    (void)state;
    cni_zip_writer writer = {0};
    cni_error error = {0};
    write_two(&writer, "a", "b");
    uint8_t *local = writer.bytes.data, *central = local + 74;
    local[8] = central[10] = 8;
    local[25] = central[27] = 5; /* 0x05000005 bytes */
    assert_int_equal(read_all(cni_buffer_bytes(&writer.bytes), NULL, &error), CN_ERR_LIMIT);
    assert_string_equal(error.text,
                        "declares 83886092 bytes, 12 stored; limit is 100:1 above 64 MiB (--max-expansion)");
    cni_zip_writer_free(&writer);
}

static void bad_names_are_not_written(void **state)
{
    (void)state;
    static const char *const names[] = {"", "/a", "../a", "a/../b", "a\\b", "c:a", "a//b", "a/.", "a\n", "\xff"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cni_zip_writer writer = {0};
        assert_int_equal(cni_zip_add(&writer, names[i], text("x"), NULL), CN_ERR_INVALID);
        cni_zip_writer_free(&writer);
    }
}

/* Of libzip's and go-fuzz' corpora, those that are sound and use nothing that we refuse. */
static const char *const sound[] = {
    "aaaaaaaa-stored.zip",
    "changing-size-muchl.zip",
    "changing-size-muchlo.zip",
    "changing-size.zip",
    "encrypt-none.zip",
    "extra_field_align_1-0.zip",
    "extra_field_align_1-ef_ff.zip",
    "extra_field_align_1-ff.zip",
    "extra_field_align_2-0.zip",
    "extra_field_align_3-ef_00.zip",
    "extra_field_align_3-ff.zip",
    "extra_field_align_4-ff.zip",
    "fileorder.zip",
    "firstsecond.zip",
    "foo-stored.zip",
    "incons-central-date.zip",
    "incons-central-file-comment-utf8-ascii.zip",
    "incons-ef-local-dupe-utf8comment.zip",
    "incons-ef-local-dupe-utf8name.zip",
    "incons-ef-local-utf8name-ascii.zip",
    "incons-gap-before-cd.zip",
    "mtime-default.zip",
    "mtime-post-dstpoint-deflated.zip",
    "mtime-post-dstpoint.zip",
    "rename_ok.zip",
    "test-cp437-fc.zip",
    "test-utf8.zip",
    "test_open_multiple.zip",
    "testbuffer.zip",
    "testbuffer_reopen.zip",
    "testchanged.zip",
    "testcomment13.zip",
    "testdir.zip",
    "testempty.zip",
    "testfile-UTF8.zip",
    "testfile-stored-dos.zip",
    "testfile-torrentzip-modified.zip",
    "testfile.zip",
    "teststdin.zip",
    "teststored.zip",
    "zipcmp_zip_dir.zip",
    "22.zip",
};

static void judge(const char *name, cni_bytes file, void *user)
{
    bool expected = false;
    cni_error error = {0};
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) expected |= strcmp(name, sound[i]) == 0;
    if ((read_all(file, NULL, &error) == CN_OK) != expected) fail_msg("%s: %s", name, error.text);
    ++*(int *)user;
}

static void broken_archives_are_refused(void **state)
{
    (void)state;
    int judged = 0;
    if (sweep("malformed/zip", "", judge, &judged) < 0) skip();
    sweep("malformed/gofuzz_zip", "", judge, &judged);
    assert_true(judged > 100);
}

static void must_open(const char *name, cni_bytes file, void *user)
{
    cni_error error = {0};
    (void)user;
    if (!strncmp(name, "hdf5_inside", 11) || !strncmp(name, "must", 4)) return;
    if (read_all(file, NULL, &error) != CN_OK) fail_msg("%s: %s", name, error.text);
}

static void keras_archives_open(void **state)
{
    (void)state;
    if (sweep("keras_v3", "", must_open, NULL) < 0) skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_back),
        cmocka_unit_test(bytes_are_those_of_zipfile),
        cmocka_unit_test(every_change_of_a_byte_is_noticed_or_harmless),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(overlapping_members_are_refused),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(bombs_are_refused_unopened),
        cmocka_unit_test(bad_names_are_not_written),
        cmocka_unit_test(broken_archives_are_refused),
        cmocka_unit_test(keras_archives_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
