/* SPDX-License-Identifier: Apache-2.0
 * HDF5 files that other people made: models of many Keras versions read completely, a zoo of format versions opens and
 * lists, damaged and hostile files end in an error.  Skipped where the outside collection is absent. */
#include "hdf5_walk.h"
#include "sweep.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void reads_whole(const char *name, cni_bytes file, void *user)
{
    (void)user;
    walked w = {0};
    const size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".json") == 0) return;
    const cn_status status = walk_bytes(file, &w);
    if (status || w.broken || w.refused || w.read != w.datasets)
        fail_msg("%s: %s %s", name, w.first_failure.text, w.first_refusal.text);
}

/* Compound types, soft links and the like are refused; the rest is read, and nothing is called broken. */
static void opens_and_lists(const char *name, cni_bytes file, void *user)
{
    size_t *read = user;
    walked w = {0};
    if (walk_bytes(file, &w) || w.broken) fail_msg("%s: %s", name, w.first_failure.text);
    *read += w.read;
}

static void ends_in_error(const char *name, cni_bytes file, void *user)
{
    (void)user;
    walked w = {0};
    (void)walk_bytes(file, &w);
    const bool sound = strstr(name, "h5_config_filters"); /* the damage is in the JSON inside */
    if (!sound && !w.broken && !w.refused) fail_msg("%s: no error", name);
    if (sound && (w.broken || w.refused)) fail_msg("%s: %s", name, w.first_failure.text);
}

static int seen(int count)
{
    if (count >= 0) return count;
    print_message("the outside collection is absent (CORNU_SHARED)\n");
    skip();
    return 0;
}

static void models_are_read(void **state)
{
    (void)state;
    assert_true(seen(sweep("keras_h5", "", reads_whole, NULL)) >= 7);
    assert_true(seen(sweep("keras_h5/dl4j", "", reads_whole, NULL)) >= 14);
    assert_true(seen(sweep("keras_h5/dl4j_tfkeras", "", reads_whole, NULL)) >= 50);
    assert_true(seen(sweep("keras_h5/must_refuse", "", reads_whole, NULL)) >= 7);
    assert_true(seen(sweep("keras_h5/json_plus_weights", "", reads_whole, NULL)) >= 1);
    assert_true(seen(sweep("keras_v3", "hdf5_inside", reads_whole, NULL)) >= 1);
}

static void versions_are_listed(void **state)
{
    (void)state;
    size_t read = 0;
    assert_true(seen(sweep("keras_h5/hdf5_format_zoo", "", opens_and_lists, &read)) >= 30);
    assert_true(read >= 90);
}

static void damaged_files_end_in_errors(void **state)
{
    (void)state;
    assert_true(seen(sweep("malformed/hdf5", "", ends_in_error, NULL)) >= 10);
    assert_true(seen(sweep("malformed/derived", "h5_", ends_in_error, NULL)) >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(models_are_read), cmocka_unit_test(versions_are_listed),
                                       cmocka_unit_test(damaged_files_end_in_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
