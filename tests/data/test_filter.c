/* SPDX-License-Identifier: Apache-2.0
 * Filters against the definition, computed here in double: every named kernel, every border. */
#include "data/filter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { H = 7, W = 9, C = 3 };

static double cell(const cni_image *image, int y, int x, int c, const char *border)
{
    const int h = image->height, w = image->width;
    if (border[0] == 'z' && (y < 0 || y >= h || x < 0 || x >= w)) return 0;
    if (border[0] == 'r') {
        y = y < 0 ? -y : y >= h ? 2 * h - 2 - y : y;
        x = x < 0 ? -x : x >= w ? 2 * w - 2 - x : x;
    }
    y = y < 0 ? 0 : y >= h ? h - 1 : y;
    x = x < 0 ? 0 : x >= w ? w - 1 : x;
    return image->pixels[(y * w + x) * image->channels + c];
}

static double correlate(const cni_image *image, const cni_filter *f, int which, int y, int x, int c, const char *border)
{
    const bool valid = border[0] == 'v';
    double sum = 0;
    for (int i = 0; i < f->rows; i++)
        for (int j = 0; j < f->columns; j++)
            sum += (double)f->numbers[which][i * f->columns + j] * cell(image, y + i - (valid ? 0 : (f->rows - 1) / 2),
                                                                        x + j - (valid ? 0 : (f->columns - 1) / 2), c,
                                                                        border);
    return sum;
}

static void check_filter(const char *kernel, const char *border, const cni_image *image)
{
    cni_arena arena = {0};
    cni_error error = {0};
    cni_filter f;
    cni_image out;
    assert_int_equal(cni_filter_read(&arena, kernel, &f, &error), CN_OK);
    assert_int_equal(cni_filter_run(&arena, &f, border, image, NULL, &out, &error), CN_OK);
    const bool valid = border[0] == 'v';
    assert_int_equal(out.height, H - (valid ? f.rows - 1 : 0));
    assert_int_equal(out.width, W - (valid ? f.columns - 1 : 0));
    for (int y = 0; y < out.height; y++)
        for (int x = 0; x < out.width; x++)
            for (int c = 0; c < C; c++) {
                double wanted = correlate(image, &f, 0, y, x, c, border);
                if (f.kernels == 2) wanted = hypot(wanted, correlate(image, &f, 1, y, x, c, border));
                wanted = fmin(fmax(wanted, 0), 255);
                /* float32 sums may fall on the other side of a half */
                assert_true(fabs(out.pixels[(y * out.width + x) * C + c] - wanted) <= 0.5 + 1e-3);
            }
    cni_arena_free(&arena);
}

static void test_kernels(void **state)
{
    (void)state;
    static const char *const borders[] = {"edge", "zero", "reflect", "valid"};
    uint8_t pixels[H * W * C];
    for (int i = 0; i < H * W * C; i++) pixels[i] = (uint8_t)(i * 7919 % 256);
    const cni_image image = {H, W, C, pixels};
    for (int b = 0; b < 4; b++) {
        const char *name;
        for (int k = 0; cn_filter_kernel(k, &name, NULL, NULL); k++) check_filter(name, borders[b], &image);
        check_filter("1 2; 3 -4", borders[b], &image);
        check_filter("1/3, 0 0 0.5", borders[b], &image);
        check_filter("1;0;0;0;-1", borders[b], &image);
    }
}

static void test_not_flipped(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_filter f;
    cni_image out;
    uint8_t pixels[] = {10, 20, 30, 40};
    assert_int_equal(cni_filter_read(&arena, "0 0 1", &f, NULL), CN_OK); /* takes what stands on the right */
    assert_int_equal(cni_filter_run(&arena, &f, "zero", &(cni_image){1, 4, 1, pixels}, NULL, &out, NULL), CN_OK);
    assert_memory_equal(out.pixels, ((uint8_t[]){20, 30, 40, 0}), 4);
    cni_arena_free(&arena);
}

static void test_alpha_is_cut_with_the_picture(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_filter f;
    cni_image out;
    uint8_t pixels[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, alpha[9] = {11, 12, 13, 14, 15, 16, 17, 18, 19};
    assert_int_equal(cni_filter_read(&arena, "identity", &f, NULL), CN_OK);
    assert_int_equal(cni_filter_run(&arena, &f, "valid", &(cni_image){3, 3, 1, pixels}, alpha, &out, NULL), CN_OK);
    assert_int_equal(out.channels, 2);
    assert_memory_equal(out.pixels, ((uint8_t[]){5, 15}), 2);
    cni_arena_free(&arena);
}

static void check_refused(const char *kernel, const char *border, const char *words)
{
    cni_arena arena = {0};
    cni_error error = {0};
    cni_filter f;
    cni_image out;
    uint8_t pixels[4] = {0};
    if (!cni_filter_read(&arena, kernel, &f, &error))
        cni_filter_run(&arena, &f, border, &(cni_image){2, 2, 1, pixels}, NULL, &out, &error);
    assert_int_not_equal(error.status, CN_OK);
    if (!strstr(error.text, words)) fail_msg("%s: \"%s\" lacks \"%s\"", kernel, error.text, words);
    cni_arena_free(&arena);
}

static void test_refusals(void **state)
{
    (void)state;
    check_refused("sharpn", "edge", "sharpen");
    check_refused("1 2; 3", "edge", "rows of different lengths");
    check_refused("1 2; 3 4 5", "edge", "rows of different lengths");
    check_refused("", "edge", "no numbers");
    check_refused("1 x", "edge", "\"x\" is no number");
    check_refused("1/0", "edge", "no number");
    check_refused("identity", "round", "edge, zero, reflect or valid");
    check_refused("identity", "valid", "needs 3x3");
    check_refused("gaussian5", "reflect", "needs 3x3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_not_flipped),
        cmocka_unit_test(test_alpha_is_cut_with_the_picture),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
