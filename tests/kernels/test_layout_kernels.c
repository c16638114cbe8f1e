/* SPDX-License-Identifier: Apache-2.0
 * Layout kernels of every instruction set against their definition. */
#include "base/random.h"
#include "kernels/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void for_each_isa(void (*check)(const cni_kernels *kernels))
{
    for (cni_isa isa = 0; isa < CNI_ISA_COUNT; isa++) {
        cni_kernels kernels;
        if (!cni_isa_available(isa)) continue;
        cni_kernels_init(&kernels, isa);
        check(&kernels);
    }
}

enum { MOST = 60 * 60 };

static void check_transpose(const cni_kernels *kernels)
{
    static float x[MOST], y[MOST];
    for (int i = 0; i < MOST; i++) x[i] = (float)i;
    const size_t sizes[] = {1, 3, 4, 7, 8, 9, 16, 31, 48};
    for (size_t r = 0; r < 9; r++)
        for (size_t c = 0; c < 9; c++) {
            const size_t rows = sizes[r], columns = sizes[c], x_pitch = columns + r, y_pitch = rows + c;
            for (int i = 0; i < MOST; i++) y[i] = -1;
            kernels->layout.transpose(x, x_pitch, y, y_pitch, rows, columns);
            for (size_t j = 0; j < columns; j++)
                for (size_t i = 0; i < y_pitch; i++)
                    assert_true(y[j * y_pitch + i] == (i < rows ? x[i * x_pitch + j] : -1));
        }
}

static void transposes(void **state)
{
    (void)state;
    for_each_isa(check_transpose);
}

/* Random boxes: a dense destination, or one with gaps; a source that is dense, permuted, repeated or backwards. */
static void check_box(const cni_kernels *kernels, uint32_t seed)
{
    static float x[MOST], y[MOST], expected[MOST];
    cni_box box = {.rank = 1 + (int)(cni_bits((cni_key){seed, 0}, 0) % 4)};
    size_t order[4] = {0, 1, 2, 3}, count = 1;
    for (int i = 0; i < box.rank; i++) {
        box.dims[i] = 1 + cni_bits((cni_key){seed, 1}, (uint64_t)i) % 7;
        count *= box.dims[i];
        const size_t other = cni_bits((cni_key){seed, 2}, (uint64_t)i) % (uint32_t)box.rank, kept = order[i];
        if ((int)kept >= box.rank || (int)order[other] >= box.rank) continue;
        order[i] = order[other];
        order[other] = kept;
    }
    ptrdiff_t to = 1 + (ptrdiff_t)(seed % 11 == 0), from = 1, start = 0;
    for (int i = box.rank - 1; i >= 0; to *= (ptrdiff_t)box.dims[i--]) box.to[i] = to;
    for (int i = box.rank - 1; i >= 0; from *= (ptrdiff_t)box.dims[order[i--]]) box.from[order[i]] = from;
    if (seed % 3 == 0) box.from[0] = 0;
    if (seed % 5 == 0) {
        box.from[box.rank - 1] = -box.from[box.rank - 1];
        start = -box.from[box.rank - 1] * (ptrdiff_t)(box.dims[box.rank - 1] - 1);
    }
    for (int i = 0; i < MOST; i++) {
        x[i] = (float)i;
        y[i] = expected[i] = -1;
    }
    for (size_t e = 0; e < count; e++) {
        ptrdiff_t at_x = start, at_y = 0;
        size_t rest = e;
        for (int i = box.rank - 1; i >= 0; rest /= box.dims[i--]) {
            at_x += (ptrdiff_t)(rest % box.dims[i]) * box.from[i];
            at_y += (ptrdiff_t)(rest % box.dims[i]) * box.to[i];
        }
        expected[at_y] = x[at_x];
    }
    kernels->layout.copy(&box, x + start, y);
    if (memcmp(y, expected, sizeof y)) fail_msg("%s: box of seed %u", kernels->name, seed);
}

static void check_boxes(const cni_kernels *kernels)
{
    for (uint32_t seed = 1; seed < 600; seed++) check_box(kernels, seed);
}

static void boxes(void **state)
{
    (void)state;
    for_each_isa(check_boxes);
}

static void simplified(void **state)
{
    (void)state;
    const cni_box box = {5, {2, 1, 3, 4, 5}, {60, 7, 20, 5, 1}, {120, 9, 40, 10, 2}};
    cni_box simple = cni_box_simplified(&box);
    assert_int_equal(simple.rank, 1);
    assert_int_equal(simple.dims[0], 120);
    assert_int_equal(simple.to[0], 2);
    const cni_box nhwc = {4, {2, 3, 4, 5}, {60, 1, 15, 3}, {60, 20, 5, 1}}; /* to NCHW */
    simple = cni_box_simplified(&nhwc);
    assert_int_equal(simple.rank, 3);
    assert_int_equal(simple.dims[2], 20);
    const cni_box one = {2, {1, 1}, {9, 9}, {9, 9}};
    assert_int_equal(cni_box_simplified(&one).dims[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(transposes), cmocka_unit_test(boxes),
                                       cmocka_unit_test(simplified)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
