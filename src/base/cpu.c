/* SPDX-License-Identifier: Apache-2.0
 * What this processor can do, and how large its caches are. */
#include "base/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined __x86_64__
#include <cpuid.h>
#endif

/* ---- instruction sets ---- */

static bool always(void)
{
    return true;
}

#if defined __x86_64__
/* The compiler's run time looks at XCR0 too, that is whether the operating system saves the registers. */
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#else
#define has_avx2   NULL
#define has_avx512 NULL
#endif

#if defined __aarch64__
#define has_neon always /* part of the base architecture */
#else
#define has_neon NULL
#endif

/* From the plainest to the best of each architecture. */
static const struct {
    const char *name;
    bool (*available)(void); /* NULL: not on this architecture */
} sets[CNI_ISA_COUNT] = {
    [CNI_ISA_PORTABLE] = {"portable", always},
    [CNI_ISA_AVX2] = {"avx2", has_avx2},
    [CNI_ISA_AVX512] = {"avx512", has_avx512},
    [CNI_ISA_NEON] = {"neon", has_neon},
};

const char *cni_isa_name(cni_isa isa)
{
    return sets[isa].name;
}

bool cni_isa_available(cni_isa isa)
{
    return sets[isa].available && sets[isa].available();
}

static cni_isa best(void)
{
    cni_isa isa = CNI_ISA_PORTABLE;
    for (int i = 0; i < CNI_ISA_COUNT; i++)
        if (cni_isa_available((cni_isa)i)) isa = (cni_isa)i;
    return isa;
}

static cni_isa refuse(cni_error *error, const char *wanted)
{
    char list[64] = "";
    for (int i = 0; i < CNI_ISA_COUNT; i++) {
        if (!cni_isa_available((cni_isa)i)) continue;
        if (*list) strcat(list, ", ");
        strcat(list, sets[i].name); /* the names and commas together are shorter than the list */
    }
    cni_fail(error, CN_ERR_INVALID,
             "CORNU_CPU=%.40s: not an instruction set of this machine; use one of %s, or unset it", wanted, list);
    return CNI_ISA_PORTABLE;
}

cni_isa cni_cpu_isa(cni_error *error)
{
    const char *wanted = getenv("CORNU_CPU");
    if (!wanted || !*wanted) return best();
    for (int i = 0; i < CNI_ISA_COUNT; i++)
        if (strcmp(wanted, sets[i].name) == 0 && cni_isa_available((cni_isa)i)) return (cni_isa)i;
    return refuse(error, wanted);
}

/* ---- caches ---- */

static void set_level(cni_caches *caches, unsigned level, size_t size)
{
    if (level == 1) caches->l1d = size;
    if (level == 2) caches->l2 = size;
    if (level == 3) caches->l3 = size;
}

#if defined __x86_64__
/* Leaf 4 of Intel and 0x8000001D of AMD have one layout: eax type (1 data, 3 unified) and level; ebx line size,
 * partitions and ways, ecx sets, each less one. */
static void ask_leaf(unsigned leaf, cni_caches *caches)
{
    unsigned eax, ebx, ecx, edx;
    for (unsigned i = 0; i < 16; i++) {
        if (!__get_cpuid_count(leaf, i, &eax, &ebx, &ecx, &edx)) return;
        unsigned type = eax & 31, level = eax >> 5 & 7;
        if (type == 0) return;
        if (type == 2) continue; /* instructions */
        size_t line = (ebx & 0xfff) + 1, partitions = (ebx >> 12 & 0x3ff) + 1, ways = (ebx >> 22) + 1;
        set_level(caches, level, line * partitions * ways * ((size_t)ecx + 1));
    }
}

static void ask_processor(cni_caches *caches)
{
    ask_leaf(4, caches);
    unsigned eax, ebx, ecx = 0, edx;
    bool topology_extensions = __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx >> 22 & 1;
    if (!caches->l1d && topology_extensions) ask_leaf(0x8000001d, caches);
}
#else
static void ask_processor(cni_caches *caches)
{
    (void)caches;
}
#endif

static bool read_word(unsigned index, const char *name, char *word, int size)
{
    char path[100];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%u/%s", index, name);
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool good = fgets(word, size, file) != NULL;
    fclose(file);
    return good;
}

static void ask_system(cni_caches *caches)
{
    char type[32], level[32], size[32]; /* "Data", "1", "48K" */
    for (unsigned i = 0; i < 16; i++) {
        if (!read_word(i, "type", type, sizeof type)) return;
        if (type[0] == 'I' || !read_word(i, "level", level, sizeof level) || !read_word(i, "size", size, sizeof size))
            continue;
        char *unit;
        size_t bytes = strtoul(size, &unit, 10);
        set_level(caches, (unsigned)strtoul(level, NULL, 10),
                  *unit == 'K'   ? bytes << 10
                  : *unit == 'M' ? bytes << 20
                                 : bytes);
    }
}

cni_caches cni_cpu_caches(void)
{
    cni_caches caches = {0};
    ask_processor(&caches);
    if (!caches.l1d) ask_system(&caches);
    return caches;
}
