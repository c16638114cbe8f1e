/* SPDX-License-Identifier: Apache-2.0
 * Normalization kernels of every instruction set against the portable ones in double, and against Keras. */
#include "base/random.h"
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static cni_kernels judge; /* double */

static void for_each_isa(void (*check)(const cni_kernels *kernels))
{
    cni_kernels_init_double(&judge);
    for (cni_isa isa = 0; isa < CNI_ISA_COUNT; isa++) {
        cni_kernels kernels;
        if (!cni_isa_available(isa)) continue;
        cni_kernels_init(&kernels, isa);
        check(&kernels);
    }
}

enum { ROWS = 150, MOST = 140, SIZE = ROWS * MOST };

/* The same numbers as float and as double */
typedef struct numbers {
    float f[SIZE + 1];
    double d[SIZE + 1];
} numbers;

static numbers x, dy, y, dx, vectors[6];

static void fill(numbers *v, uint32_t stream, double scale, double offset)
{
    for (size_t i = 0; i <= SIZE; i++)
        v->d[i] = v->f[i] = (float)(scale * (double)cni_normal1((cni_key){5, stream}, i) + offset);
}

static void assert_same(const char *what, const cni_kernels *kernels, const numbers *v, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(v->f[i] - v->d[i]) <= tolerance * fmax(1, fabs(v->d[i]))))
            fail_msg("%s: %s, element %zu: %.9g instead of %.9g", kernels->name, what, i, (double)v->f[i], v->d[i]);
    assert_true(v->f[count] == 7);
}

static const size_t widths[] = {1, 2, 3, 7, 8, 10, 15, 16, 17, 31, 32, 33, 64, 65, 100, 128, MOST};
enum { WIDTHS = sizeof widths / sizeof *widths };

static void check_rows(const cni_kernels *kernels)
{
    static float scratch[2 * MOST];
    static double scratch2[2 * MOST];
    static const char *const names[] = {"softmax", "log_softmax", "sparsemax"};
    fill(&x, 1, 2, 1);
    fill(&dy, 2, 1, 0);
    for (int f = 0; f < CNI_ROW_COUNT; f++)
        for (int w = 0; w < WIDTHS; w++) {
            const size_t c = widths[w], rows = 5;
            y.f[rows * c] = dx.f[rows * c] = 7;
            kernels->normalization.row[f].value(x.f, y.f, scratch, rows, c);
            judge.normalization.row[f].value(x.d, y.d, scratch2, rows, c);
            assert_same(names[f], kernels, &y, rows * c, 1e-6);
            const bool of_x = f == CNI_ROW_SPARSEMAX;
            kernels->normalization.row[f].gradient(of_x ? x.f : y.f, dy.f, dx.f, scratch, rows, c);
            judge.normalization.row[f].gradient(of_x ? x.d : y.d, dy.d, dx.d, scratch2, rows, c);
            assert_same(names[f], kernels, &dx, rows * c, 4e-6);
        }
}

static void rows_of_every_width(void **state)
{
    (void)state;
    for_each_isa(check_rows);
}

/* keras-semantics: a row with +infinity or NaN, or of -infinity only, is NaN; single -infinities give 0. */
static void check_special_rows(const cni_kernels *kernels)
{
    for (size_t c = 2; c < 40; c += 6)
        for (size_t at = 0; at < c; at++) {
            float row[40], out[40];
            const float special[] = {NAN, INFINITY, -INFINITY};
            for (int s = 0; s < 3; s++) {
                for (size_t i = 0; i < c; i++) row[i] = (float)i;
                row[at] = special[s];
                kernels->normalization.row[CNI_ROW_SOFTMAX].value(row, out, NULL, 1, c);
                for (size_t i = 0; i < c; i++) assert_true(s < 2 ? isnan(out[i]) : !isnan(out[i]));
                if (s == 2) assert_true(out[at] == 0);
            }
            for (size_t i = 0; i < c; i++) row[i] = -INFINITY;
            kernels->normalization.row[CNI_ROW_SOFTMAX].value(row, row, NULL, 1, c);
            for (size_t i = 0; i < c; i++) assert_true(isnan(row[i]));
        }
}

static void special_rows(void **state)
{
    (void)state;
    for_each_isa(check_special_rows);
}

/* keras.activations.sparsemax and its gradient for dy = (1, 2, -3, 0.5), Keras 3.15.1 on JAX.  In the first rows two or
 * three entries pass Keras' test, and tau is larger than that of the projection on the simplex. */
static const struct {
    float x[4], y[4], dx[4];
} sparsemax[] = {
    {{0.2f, 0.1f, -0.30000001f, -0.5f}, {0.36666667f, 0.26666668f, 0, 0}, {-2, 0, -1, 0}},
    {{0.1f, 0.15000001f, 0.050000001f, 0.1f},
     {0.062500007f, 0.11250001f, 0.012500007f, 0.062500007f},
     {0.625f, 1.5f, -3.125f, 0.25f}},
    {{0, 0, 0, 0}, {0.25f, 0.25f, 0.25f, 0.25f}, {0.5f, 1.625f, -3.25f, 0.375f}},
    {{-1, -1.2f, -0.89999998f, -1.1f}, {1.75f, 1.55f, 1.85f, 1.65f}, {0.625f, 1.875f, -3.5f, 0.25f}},
    {{2, 0.1f, 0.2f, 1.9f}, {0, 0, 0, 0}, {0, 0, -0, 0}},
    {{1, 0, 0, 0}, {1, 0, 0, 0}, {0.25f, 1, -1.5f, 0.25f}},
};

static void check_sparsemax(const cni_kernels *kernels)
{
    const float given[] = {1, 2, -3, 0.5f};
    for (size_t r = 0; r < sizeof sparsemax / sizeof *sparsemax; r++) {
        float out[4], slope[4], scratch[8];
        kernels->normalization.row[CNI_ROW_SPARSEMAX].value(sparsemax[r].x, out, scratch, 1, 4);
        kernels->normalization.row[CNI_ROW_SPARSEMAX].gradient(sparsemax[r].x, given, slope, scratch, 1, 4);
        for (int i = 0; i < 4; i++) {
            assert_true(fabsf(out[i] - sparsemax[r].y[i]) < 1e-6f);
            assert_true(fabsf(slope[i] - sparsemax[r].dx[i]) < 1e-6f);
        }
    }
}

static void sparsemax_as_keras(void **state)
{
    (void)state;
    for_each_isa(check_sparsemax);
}

/* Gates: none, relu, relu6, leaky_relu.  Where a gate opens, float and double may not differ: x and its factors are
 * multiples of 1/4 and 1/2. */
static void check_gradients(const cni_kernels *kernels, size_t rows, size_t c)
{
    static const cni_gate gates[] = {
        {.most = INFINITY}, {.most = 6}, {.zero_passes = true, .slope = 0.5, .most = INFINITY}};
    numbers *const mean = &vectors[0], *const a = &vectors[2], *const b = &vectors[3], *const k = &vectors[1];
    for (size_t i = 0; i < rows * c; i++) x.d[i] = x.f[i] = floorf(4 * x.f[i]) / 4;
    for (int g = -1; g < 3; g++) {
        cni_gate gate = {0}, gate2 = {0};
        if (g >= 0) {
            gate = gate2 = gates[g];
            for (size_t i = 0; i < c; i++) {
                vectors[4].d[i] = vectors[4].f[i] = (float)(i % 3) / 2;
                vectors[5].d[i] = vectors[5].f[i] = -(float)(i % 5 * 10) / 2;
            }
            gate.scale = vectors[4].f, gate.shift = vectors[5].f;
            gate2.scale = vectors[4].d, gate2.shift = vectors[5].d;
        }
        fill(a, 5, 1, 0);
        fill(b, 6, 1, 0);
        fill(k, 7, 1, 0);
        for (size_t i = 0; i < c; i++) mean->d[i] = mean->f[i];
        y.f[rows * c] = dx.f[rows * c] = 7;
        if (g == 1)
            for (size_t i = 0; i < rows * c; i += 3) x.d[i] = x.f[i] = i % 2 ? 0 : -x.f[i];
        kernels->normalization.gradient_combine(x.f, dy.f, g < 0 ? NULL : &gate, a->f, b->f, k->f, g == 1, dx.f, rows,
                                                c);
        judge.normalization.gradient_combine(x.d, dy.d, g < 0 ? NULL : &gate2, a->d, b->d, k->d, g == 1, dx.d, rows, c);
        assert_same("combination", kernels, &dx, rows * c, 3e-6);
        a->f[c] = b->f[c] = 7;
        kernels->normalization.gradient_sums(x.f, dy.f, g < 0 ? NULL : &gate, mean->f, a->f, b->f, rows, c);
        judge.normalization.gradient_sums(x.d, dy.d, g < 0 ? NULL : &gate2, mean->d, a->d, b->d, rows, c);
        assert_same("sum dy", kernels, a, c, 1e-5);
        assert_same("sum dy x", kernels, b, c, 2e-5);
    }
}

static void check_batch_norm(const cni_kernels *kernels)
{
    numbers *const mean = &vectors[0], *const m2 = &vectors[1];
    fill(&dy, 4, 1, 0.1);
    for (int w = 0; w < WIDTHS; w++) {
        fill(&x, 3, 2, 30);
        const size_t c = widths[w], rows = w % 2 ? ROWS : 9;
        mean->f[c] = m2->f[c] = 7;
        kernels->normalization.moments(x.f, mean->f, m2->f, rows, c);
        judge.normalization.moments(x.d, mean->d, m2->d, rows, c);
        assert_same("mean", kernels, mean, c, 1e-6);
        assert_same("m2", kernels, m2, c, 1e-5);

        check_gradients(kernels, rows, c);
    }
}

/* Blocks whose means lie far from each other: what is lost is a rounding of the whole, not of a block. */
static void check_moments_that_move(const cni_kernels *kernels)
{
    numbers *const mean = &vectors[0], *const m2 = &vectors[1];
    for (int w = 0; w < WIDTHS; w++) {
        const size_t c = widths[w];
        for (size_t r = 0; r < ROWS; r++)
            for (size_t i = 0; i < c; i++) {
                const double level = i % 3 == 0 ? 1000 : i % 3 == 1 ? (r < 64 ? 0 : 500) : (double)r * 50;
                x.d[r * c + i] = x.f[r * c + i] = (float)(level + (double)cni_normal1((cni_key){9, 1}, r * c + i));
            }
        mean->f[c] = m2->f[c] = 7;
        kernels->normalization.moments(x.f, mean->f, m2->f, ROWS, c);
        judge.normalization.moments(x.d, mean->d, m2->d, ROWS, c);
        assert_same("a mean that moves", kernels, mean, c, 1e-6);
        assert_same("m2 of a mean that moves", kernels, m2, c, 1e-5);
    }
}

/* Moments of halves, joined, are moments of the whole. */
static void check_joining(const cni_kernels *kernels)
{
    enum { C = 21 };
    float whole[2][C], left[2][C], right[2][C];
    fill(&x, 7, 1, 5);
    kernels->normalization.moments(x.f, whole[0], whole[1], ROWS, C);
    kernels->normalization.moments(x.f, left[0], left[1], 40, C);
    kernels->normalization.moments(x.f + 40 * C, right[0], right[1], ROWS - 40, C);
    kernels->normalization.join_moments(40, left[0], left[1], ROWS - 40, right[0], right[1], C);
    for (int i = 0; i < C; i++) {
        assert_true(fabsf(whole[0][i] - left[0][i]) < 5e-6f);
        assert_true(fabsf(whole[1][i] - left[1][i]) < 1e-5f * whole[1][i]);
    }
}

static void batch_normalization(void **state)
{
    (void)state;
    for_each_isa(check_batch_norm);
    for_each_isa(check_moments_that_move);
    for_each_isa(check_joining);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_of_every_width), cmocka_unit_test(special_rows),
                                       cmocka_unit_test(sparsemax_as_keras), cmocka_unit_test(batch_normalization)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
