/* SPDX-License-Identifier: Apache-2.0
 * Fields behind layers that bring maps to a given size, against the pixels that give weight to each output. */
#include "describe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Pixels of an axis of n that output y of o mixes, as floating point tells it. */
static void expected_pixels(const char *how, int n, int o, int y, int *low, int *high)
{
    const double u = (y + 0.5) * n / o - 0.5;
    *low = *high = (int)floor(u + 0.5);
    if (strcmp(how, "bilinear") != 0) return;
    *low = (int)floor(u + 1e-9);
    *high = (int)ceil(u - 1e-9);
    if (*low < 0) *low = 0;
    if (*high > n - 1) *high = n - 1;
}

static void check_resizing(const char *how, int n, int o)
{
    char text[200];
    cni_arena arena = {0};
    snprintf(text, sizeof text, "Input(shape=(%d, 9, 1))\nResizing(%d, 9, '%s')\n", n, o, how);
    const cni_analysis *a = explain_keras(&arena, text);
    const cni_receptive_field *f = a->nodes[1].field;
    assert_int_equal(a->nodes[1].map[0], o);
    assert_non_null(f[0].lo);
    for (int y = 0; y < o; y++) {
        int low, high;
        expected_pixels(how, n, o, y, &low, &high);
        if (f[0].lo[y] != low || f[0].hi[y] != high)
            fail_msg("%s %d -> %d: output %d sees %d..%d; expected %d..%d", how, n, o, y, f[0].lo[y], f[0].hi[y], low,
                     high);
        assert_true(f[1].lo[0] == 0 && f[1].hi[8] == 8);
    }
    cni_arena_free(&arena);
}

static void resized_maps_see_the_pixels_that_they_mix(void **state)
{
    (void)state;
    for (int n = 1; n < 14; n++)
        for (int o = 1; o < 14; o++) {
            check_resizing("nearest", n, o);
            check_resizing("bilinear", n, o);
        }
}

static void a_whole_factor_is_up_sampling(void **state)
{
    (void)state;
    cni_arena arena = {0};
    const cni_analysis *a = explain_keras(&arena, "Input(shape=(8, 8, 1))\nResizing(16, 24, 'nearest')\n");
    const cni_analysis *b = explain_keras(&arena, "Input(shape=(8, 8, 1))\nUpSampling2D((2, 3))\n");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a->nodes[1].field[i].unit, b->nodes[1].field[i].unit);
        assert_int_equal(a->nodes[1].field[i].jump, b->nodes[1].field[i].jump);
    }
    cni_arena_free(&arena);
}

static void crops_keep_the_middle(void **state)
{
    (void)state;
    cni_arena arena = {0};
    const cni_analysis *a = explain_keras(&arena, "Input(shape=(9, 8, 1))\nCenterCrop(4, 8)\n");
    const cni_receptive_field *f = a->nodes[1].field;
    assert_int_equal(f[0].lo[0], 2); /* int((9 - 4) / 2) */
    assert_int_equal(f[0].hi[3], 5);
    assert_int_equal(f[1].lo[0], 0);
    cni_arena_free(&arena);
}

/* What cannot be told is not told, and nothing is divided by zero. */
static void without_sizes_nothing_is_told(void **state)
{
    (void)state;
    static const char *const layers[] = {"Resizing(4, 4)", "CenterCrop(4, 4)", "Resizing(4, 4, 'lanczos3')",
                                         "RandomCrop(4, 4)"};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        char text[200];
        cni_arena arena = {0};
        snprintf(text, sizeof text, "Input(shape=(None, None, 1))\n%s\nConv2D(2, 3)\n", layers[i]);
        const cni_analysis *a = explain_keras(&arena, text);
        assert_int_equal(a->nodes[2].map[0], 2);
        assert_false(a->nodes[1].field[0].affine);
        cni_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resized_maps_see_the_pixels_that_they_mix),
        cmocka_unit_test(a_whole_factor_is_up_sampling),
        cmocka_unit_test(crops_keep_the_middle),
        cmocka_unit_test(without_sizes_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
