/* SPDX-License-Identifier: Apache-2.0
 * HDF5 files that other people made: models of many Keras versions read completely, a zoo of format versions opens and
 * lists, damaged and hostile files end in an error.  Skipped where the material (CORNU_SHARED) is absent. */
#include "hdf5_walk.h"

#include <ftw.h>
#include <stdarg.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <cmocka.h>

typedef void file_check(const char *path, const unsigned char *bytes, size_t size);

static file_check *current_check;
static size_t files_seen;

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)where;
    if (type != FTW_F || !(ends_with(path, ".h5") || ends_with(path, ".hdf5") || ends_with(path, ".scope"))) return 0;
    size_t size = 0;
    unsigned char *bytes = walk_load(path, &size);
    assert_non_null(bytes);
    files_seen++;
    current_check(path, bytes, size);
    free(bytes);
    return 0;
}

static void check_folder(const char *folder, size_t least, file_check *check)
{
    const char *shared = getenv("CORNU_SHARED");
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", shared ? shared : "../shared", folder);
    struct stat there;
    if (stat(path, &there)) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    current_check = check;
    files_seen = 0;
    nftw(path, visit, 16, FTW_PHYS);
    assert_true(files_seen >= least);
}

static void reads_whole(const char *path, const unsigned char *bytes, size_t size)
{
    walked w = {0};
    const cn_status status = walk_bytes(bytes, size, (size_t)256 << 20, &w);
    const bool zoo = strstr(path, "hdf5_format_zoo");
    if (status || w.broken || (!zoo && (w.refused || w.read != w.datasets)))
        fail_msg("%s: %s %s", path, w.first_failure.text, w.first_refusal.text);
}

static void ends_in_error(const char *path, const unsigned char *bytes, size_t size)
{
    walked w = {0};
    (void)walk_bytes(bytes, size, (size_t)256 << 20, &w);
    const bool container_is_sound = strstr(path, "h5_config_filters"); /* the damage is in the JSON inside */
    if (!container_is_sound && !w.broken && !w.refused) fail_msg("%s: no error", path);
    if (container_is_sound && (w.broken || w.refused)) fail_msg("%s: %s", path, w.first_failure.text);
    if (w.broken) assert_true(w.first_failure.text[0] != 0);
}

static void real_files_are_read(void **state)
{
    (void)state;
    check_folder("data/keras_h5", 110, reads_whole);
    check_folder("data/keras_outputs", 40, reads_whole);
}

static void damaged_files_end_in_errors(void **state)
{
    (void)state;
    check_folder("data/malformed", 22, ends_in_error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_files_are_read),
                                       cmocka_unit_test(damaged_files_end_in_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
