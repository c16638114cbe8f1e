/* SPDX-License-Identifier: Apache-2.0
 * Files in and out, the cursor, the buffer. */
#include "formats/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/cornu-test-bytes-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int files_in_folder(void)
{
    int count = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; (entry = readdir(entries));) count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

static int remove_folder(void **state)
{
    (void)state;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; (entry = readdir(entries));) unlink(in_folder(entry->d_name));
    closedir(entries);
    return rmdir(folder);
}

static cni_bytes text(const char *string)
{
    return (cni_bytes){(const uint8_t *)string, strlen(string)};
}

static void a_file_comes_back(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_error error = {0};
    cni_bytes back;
    assert_int_equal(cni_file_write(in_folder("a"), text("one\n"), &error), CN_OK);
    assert_int_equal(cni_file_read(&arena, in_folder("a"), 4, &back, &error), CN_OK);
    assert_true(cni_bytes_equal(back, "one\n", 4));
    assert_int_equal(cni_file_write(in_folder("a"), text(""), &error), CN_OK);
    assert_int_equal(cni_file_read(&arena, in_folder("a"), 4, &back, &error), CN_OK);
    assert_true(cni_bytes_equal(back, "", 0));
    assert_int_equal(files_in_folder(), 1); /* no temporary file is left */
    cni_arena_free(&arena);
}

static void modes_are_kept(void **state)
{
    (void)state;
    struct stat info;
    const mode_t before = umask(027);
    assert_int_equal(cni_file_write(in_folder("mode"), text("x"), NULL), CN_OK);
    assert_int_equal(stat(in_folder("mode"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(chmod(in_folder("mode"), 0604), 0);
    assert_int_equal(cni_file_write(in_folder("mode"), text("y"), NULL), CN_OK);
    assert_int_equal(stat(in_folder("mode"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0604);
    umask(before);
}

static void only_regular_files_are_read(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_error error = {0};
    cni_bytes back = {0};
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(cni_file_read(&arena, in_folder("pipe"), 4, &back, &error), CN_ERR_IO); /* and does not wait */
    assert_non_null(strstr(error.text, "not a regular file"));
    cni_error_clear(&error);
    assert_int_equal(cni_file_read(&arena, folder, 4, &back, &error), CN_ERR_IO);
    assert_non_null(strstr(error.text, "is a folder"));
    cni_error_clear(&error);
    assert_int_equal(cni_file_read(&arena, in_folder("absent"), 4, &back, &error), CN_ERR_IO);
    assert_non_null(strstr(error.text, "absent: cannot open: No such file"));
    assert_int_equal(cni_file_read(&arena, "/dev/zero", 4, &back, NULL), CN_ERR_IO);
    assert_null(back.data);
    assert_int_equal(cni_file_write(in_folder("pipe"), text("x"), NULL), CN_ERR_IO);
    assert_int_equal(cni_file_write(folder, text("x"), NULL), CN_ERR_IO);
    assert_int_equal(cni_file_write(in_folder("new/"), text("x"), NULL), CN_ERR_IO);
    assert_int_equal(access(in_folder("new"), F_OK), -1); /* and no folder is made for it */
    assert_int_equal(cni_file_write(in_folder("pipe/such"), text("x"), NULL), CN_ERR_IO);
    cni_arena_free(&arena);
}

static void a_link_is_replaced_and_its_target_kept(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_bytes back;
    assert_int_equal(cni_file_write(in_folder("target"), text("old"), NULL), CN_OK);
    assert_int_equal(symlink("target", in_folder("link")), 0);
    assert_int_equal(cni_file_write(in_folder("link"), text("new"), NULL), CN_OK);
    assert_int_equal(cni_file_read(&arena, in_folder("target"), 9, &back, NULL), CN_OK);
    assert_true(cni_bytes_equal(back, "old", 3));
    cni_arena_free(&arena);
}

static void sizes_and_budgets_are_limits(void **state)
{
    (void)state;
    cni_bytes back;
    assert_int_equal(cni_file_write(in_folder("ten"), text("0123456789"), NULL), CN_OK);
    for (uint64_t limit = 9; limit <= 11; limit++) {
        cni_arena arena = {0};
        assert_int_equal(cni_file_read(&arena, in_folder("ten"), limit, &back, NULL),
                         limit < 10 ? CN_ERR_LIMIT : CN_OK);
        cni_arena_free(&arena);
    }
    cni_arena arena;
    cni_arena_init(&arena, 8);
    assert_int_equal(cni_file_read(&arena, in_folder("ten"), 100, &back, NULL), CN_ERR_MEMORY);
    cni_arena_free(&arena);
}

static void standard_input_may_be_a_pipe(void **state)
{
    (void)state;
    int ends[2], before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "through a pipe", 14), 14);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    cni_arena arena = {0};
    cni_bytes back;
    assert_int_equal(cni_file_read(&arena, "-", 14, &back, NULL), CN_OK);
    assert_true(cni_bytes_equal(back, "through a pipe", 14));
    assert_int_equal(cni_file_read(&arena, "-", 14, &back, NULL), CN_OK); /* at the end: empty */
    assert_int_equal(back.size, 0);
    dup2(before, STDIN_FILENO);
    close(ends[0]);
    close(before);
    cni_arena_free(&arena);
}

static void standard_input_is_limited(void **state)
{
    (void)state;
    const int before = dup(STDIN_FILENO), zero = open("/dev/zero", O_RDONLY);
    dup2(zero, STDIN_FILENO);
    cni_arena arena = {0};
    cni_bytes back;
    assert_int_equal(cni_file_read(&arena, "-", 1 << 20, &back, NULL), CN_ERR_LIMIT);
    dup2(before, STDIN_FILENO);
    close(zero);
    close(before);
    cni_arena_free(&arena);
}

static void the_cursor_stays_inside(void **state)
{
    (void)state;
    static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    cni_cursor at = cni_cursor_of((cni_bytes){data, sizeof data});
    assert_int_equal(cni_cursor_u8(&at), 1);
    assert_int_equal(cni_cursor_u16(&at), 0x0302);
    assert_int_equal(cni_cursor_u32(&at), 0x07060504);
    assert_true(cni_cursor_u64(&at) == 0x0f0e0d0c0b0a0908u);
    assert_false(at.failed);
    assert_true(cni_cursor_take(&at, 0).data != NULL);
    assert_int_equal(cni_cursor_u8(&at), 0);
    assert_true(at.failed);
    assert_true(cni_cursor_seek(&at, 3));
    assert_int_equal(cni_cursor_u32_big(&at), 0); /* failed stays failed */
    at.failed = false;
    assert_int_equal(cni_cursor_u32_big(&at), 0x04050607);
    assert_false(cni_cursor_skip(&at, UINT64_MAX));
    assert_false(cni_cursor_seek(&at, 16));
    cni_bytes part;
    assert_true(cni_bytes_part((cni_bytes){data, 15}, 15, 0, &part));
    assert_false(cni_bytes_part((cni_bytes){data, 15}, 15, 1, &part));
    assert_false(cni_bytes_part((cni_bytes){data, 15}, 2, UINT64_MAX, &part));
}

static void products_are_checked(void **state)
{
    (void)state;
    uint64_t product;
    assert_true(cni_dims_product((int64_t[]){3, 4}, 2, 8, 96, &product) && product == 96);
    assert_false(cni_dims_product((int64_t[]){3, 4}, 2, 8, 95, &product));
    assert_false(cni_dims_product((int64_t[]){INT64_C(1) << 33, INT64_C(1) << 33}, 2, 1, UINT64_MAX, &product));
    assert_false(cni_dims_product((int64_t[]){-1}, 1, 1, 100, &product));
    assert_true(cni_dims_product(NULL, 0, 4, 4, &product) && product == 4);
    assert_true(cni_dims_product((int64_t[]){0, 5}, 2, 4, 4, &product) && product == 0);
}

static void the_buffer_grows(void **state)
{
    (void)state;
    cni_buffer buffer = {0};
    for (unsigned i = 0; i < 1000; i++) cni_buffer_u32(&buffer, i * 65537u);
    cni_buffer_u16(&buffer, 0x1234);
    cni_buffer_u8(&buffer, 0xff);
    cni_buffer_text(&buffer, "end");
    cni_cursor at = cni_cursor_of(cni_buffer_bytes(&buffer));
    for (unsigned i = 0; i < 1000; i++) assert_int_equal(cni_cursor_u32(&at), i * 65537u);
    assert_memory_equal(cni_cursor_take(&at, 6).data,
                        "\x34\x12\xff"
                        "end",
                        6);
    assert_int_equal(cni_cursor_left(&at), 0);
    assert_null(cni_buffer_extend(&buffer, SIZE_MAX - 10));
    assert_true(buffer.failed);
    cni_buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_back),
        cmocka_unit_test(modes_are_kept),
        cmocka_unit_test(only_regular_files_are_read),
        cmocka_unit_test(a_link_is_replaced_and_its_target_kept),
        cmocka_unit_test(sizes_and_budgets_are_limits),
        cmocka_unit_test(standard_input_may_be_a_pipe),
        cmocka_unit_test(standard_input_is_limited),
        cmocka_unit_test(the_cursor_stays_inside),
        cmocka_unit_test(products_are_checked),
        cmocka_unit_test(the_buffer_grows),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
