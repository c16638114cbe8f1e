/* SPDX-License-Identifier: Apache-2.0
 * What the process may use: limits of control groups, read from made-up folders. */
#include "base/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char root[] = "/tmp/cornu-groups-XXXXXX";

static void put(const char *file, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", root, file);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void folder(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int make_root(void **state)
{
    (void)state;
    if (!mkdtemp(root)) return 1;
    folder("outer");
    folder("outer/inner");
    return 0;
}

static int drop_root(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

/* The tightest limit on the way up to the root counts, less what others hold. */
static void limits_of_groups(void **state)
{
    (void)state;
    const size_t giga = (size_t)1 << 30;
    assert_true(cni_group_memory(root, "/outer/inner") == SIZE_MAX);
    put("outer/inner/memory.max", "max\n");
    put("outer/inner/memory.current", "123456\n");
    assert_true(cni_group_memory(root, "/outer/inner") == SIZE_MAX);
    put("outer/memory.max", "4294967296\n");
    assert_true(cni_group_memory(root, "/outer/inner") == 4 * giga);
    assert_true(cni_group_memory(root, "") == SIZE_MAX);
    put("outer/memory.current", "2147483648\n"); /* some of it is this process' own */
    const size_t left = cni_group_memory(root, "/outer/inner");
    assert_in_range(left, 2 * giga, 3 * giga);
    put("outer/memory.current", "4294967000\n"); /* mostly caches of files, which are given back */
    assert_true(cni_group_memory(root, "/outer/inner") == 2 * giga);
    put("outer/inner/memory.max", "1048576\n");
    assert_in_range(cni_group_memory(root, "/outer/inner"), 1 << 19, 1 << 20);
    put("outer/inner/memory.max", "rubbish\n");
    assert_true(cni_group_memory(root, "/outer/inner") == 2 * giga);
}

static void limits_of_old_groups(void **state)
{
    (void)state;
    put("memory.limit_in_bytes", "3000000000\n");
    assert_true(cni_group_memory(root, "") == 3000000000u);
    put("memory.limit_in_bytes", "9223372036854771712\n"); /* what "no limit" reads like there */
    assert_true(cni_group_memory(root, "") == SIZE_MAX);
}

static void memory_of_the_machine(void **state)
{
    (void)state;
    const size_t bytes = cni_usable_memory();
    assert_true(bytes > (size_t)1 << 20);
    assert_true(bytes <= (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_groups),
        cmocka_unit_test(limits_of_old_groups),
        cmocka_unit_test(memory_of_the_machine),
    };
    return cmocka_run_group_tests(tests, make_root, drop_root);
}
