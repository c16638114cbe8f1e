/* SPDX-License-Identifier: Apache-2.0
 * The bulk fills as compiled for each instruction set give the bits of the portable ones.  Only the best set is ever
 * called from outside, so this test takes the source in. */
#include "base/random.c"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void compare(block_function *const *some)
{
    static const struct {
        uint64_t start;
        fill f;
    } blocks[] = {
        {0, {{42, 0}, -0.3f, 0.6f, 5872026}},
        {64, {{42, 1}, 0.5f, 0.05f, 1u << 22}},
        {UINT64_C(0x3ffffffc0), {{123456789, 7}, 1, 2, 0}},
        {UINT64_C(0x400000000), {{0, 0}, -1, 2, 1u << 23}},
    };
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++)
        for (int kind = 0; kind < FILLS; kind++)
            for (uint64_t more = 0; more < 100; more++) { /* 6400 values reach every branch of the normals */
                char want[BLOCK * sizeof(float)] = {0}, got[BLOCK * sizeof(float)] = {0};
                blocks_any[kind](want, &blocks[b].f, blocks[b].start + BLOCK * more);
                some[kind](got, &blocks[b].f, blocks[b].start + BLOCK * more);
                assert_memory_equal(got, want, sizeof want);
            }
}

static void avx2(void **state)
{
    (void)state;
#if defined __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        compare(blocks_avx2);
        return;
    }
#endif
    skip();
}

static void best(void **state)
{
    (void)state;
    compare(blocks_here());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(avx2), cmocka_unit_test(best)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
