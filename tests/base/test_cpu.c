/* SPDX-License-Identifier: Apache-2.0
 * The instruction set that is chosen, CORNU_CPU, and the caches' sizes. */
#include "base/cpu.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int restore(void **state)
{
    (void)state;
    return unsetenv("CORNU_CPU");
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(cni_isa_name(CNI_ISA_PORTABLE), "portable");
    assert_string_equal(cni_isa_name(CNI_ISA_AVX2), "avx2");
    assert_string_equal(cni_isa_name(CNI_ISA_AVX512), "avx512");
    assert_string_equal(cni_isa_name(CNI_ISA_NEON), "neon");
}

#if defined __x86_64__
enum { X86 = true };
#else
enum { X86 = false }; /* an emulator shows the list of the machine that it runs on */
#endif

/* Whether the kernel lists the flag for the first processor. */
static bool listed(const char *flag)
{
    static char line[16384];
    FILE *file = fopen("/proc/cpuinfo", "r");
    bool found = false;
    char word[32];
    snprintf(word, sizeof word, " %s ", flag);
    while (file && !found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = ' ';
        found = strncmp(line, "flags", 5) == 0 && strstr(line, word);
    }
    if (file) fclose(file);
    return found;
}

static void what_the_kernel_lists(void **state)
{
    (void)state;
    bool avx2 = X86 && listed("avx2") && listed("fma");
    bool avx512 = avx2 && listed("avx512f") && listed("avx512bw") && listed("avx512vl") && listed("avx512dq");
    assert_int_equal(cni_isa_available(CNI_ISA_AVX2), avx2);
    assert_int_equal(cni_isa_available(CNI_ISA_AVX512), avx512);
    assert_true(cni_isa_available(CNI_ISA_PORTABLE));
    unsetenv("CORNU_CPU");
#if defined __aarch64__
    assert_int_equal(cni_cpu_isa(NULL), CNI_ISA_NEON);
#else
    assert_false(cni_isa_available(CNI_ISA_NEON));
    assert_int_equal(cni_cpu_isa(NULL), avx512 ? CNI_ISA_AVX512 : avx2 ? CNI_ISA_AVX2 : CNI_ISA_PORTABLE);
#endif
    setenv("CORNU_CPU", "", 1); /* as if unset */
    assert_int_equal(cni_cpu_isa(NULL) == CNI_ISA_PORTABLE, !avx2 && !cni_isa_available(CNI_ISA_NEON));
}

static void the_environment_chooses(void **state)
{
    (void)state;
    for (int i = 0; i < CNI_ISA_COUNT; i++) {
        cni_error error = {0};
        setenv("CORNU_CPU", cni_isa_name((cni_isa)i), 1);
        cni_isa got = cni_cpu_isa(&error);
        bool available = cni_isa_available((cni_isa)i);
        assert_int_equal(got, available ? i : CNI_ISA_PORTABLE);
        assert_int_equal(error.status, available ? CN_OK : CN_ERR_INVALID);
    }
}

static void an_unknown_name_is_refused(void **state)
{
    (void)state;
    cni_error error = {0};
    setenv("CORNU_CPU", "AVX9", 1);
    assert_int_equal(cni_cpu_isa(&error), CNI_ISA_PORTABLE);
    assert_int_equal(error.status, CN_ERR_INVALID);
    assert_non_null(strstr(error.text, "CORNU_CPU=AVX9"));
    assert_non_null(strstr(error.text, "portable"));
    for (int i = 0; i < CNI_ISA_COUNT; i++)
        assert_int_equal(strstr(error.text, cni_isa_name((cni_isa)i)) != NULL, cni_isa_available((cni_isa)i));
    assert_int_equal(cni_cpu_isa(NULL), CNI_ISA_PORTABLE);
}

static bool read_text(int core, int index, const char *name, char text[32])
{
    char path[100];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cache/index%d/%s", core, index, name);
    FILE *file = fopen(path, "r");
    bool good = file && fgets(text, 32, file);
    if (file) fclose(file);
    if (good) text[strcspn(text, "\n")] = 0;
    return good;
}

/* The kernel's own view of this core, where there is one; cores of one processor may differ. */
static void check_level(int level, const char *kind, size_t bytes)
{
    char size[32], text[32], want[32];
    snprintf(size, sizeof size, "%zuK", bytes >> 10);
    snprintf(want, sizeof want, "%d", level);
    int core = sched_getcpu();
    for (int i = 0; read_text(core, i, "level", text); i++) {
        if (strcmp(text, want) != 0 || !read_text(core, i, "type", text) || strcmp(text, kind) != 0) continue;
        if (read_text(core, i, "size", text)) assert_string_equal(size, text);
    }
}

static void stay_on_this_core(void)
{
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(sched_getcpu(), &here);
    sched_setaffinity(0, sizeof here, &here);
}

static void caches(void **state)
{
    (void)state;
    stay_on_this_core();
    cni_caches c = cni_cpu_caches();
    print_message("caches: %zu %zu %zu bytes\n", c.l1d, c.l2, c.l3);
    if (!c.l1d) skip(); /* nobody told us, as in some virtual machines */
    assert_in_range(c.l1d, 4 << 10, 1 << 20);
    assert_true(c.l2 == 0 || c.l2 > c.l1d);
    assert_true(c.l3 == 0 || c.l3 > c.l1d);
    check_level(1, "Data", c.l1d);
    check_level(2, "Unified", c.l2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test_teardown(what_the_kernel_lists, restore),
        cmocka_unit_test_teardown(the_environment_chooses, restore),
        cmocka_unit_test_teardown(an_unknown_name_is_refused, restore),
        cmocka_unit_test(caches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
