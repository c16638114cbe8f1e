/* SPDX-License-Identifier: Apache-2.0
 * Losses: every instruction set that this machine has against the portable kernels in double, in memory
 * that ends with the arrays.
 *
 * Means over elements.  An element has fewer than 16 operations, of which exponentials and logarithms are off by 2 ulp;
 * what they work on is at most `largest`, so that 32 eps largest bounds an element and the mean of a row besides the
 * rounding of its sum. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernels/guarded.h"
#include "kernels/kernels.h"

enum { SEEDS = 300 };

static uint32_t draw(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*random * below) >> 32);
}

static cni_loss_spec spec_of(uint32_t seed)
{
    uint32_t random = seed * 2654435761u;
    cni_loss_spec spec = {.function = (cni_loss_function)(seed % (CNI_BINARY_CROSSENTROPY + 1)),
                          .from_logits = draw(&random, 2),
                          .delta = 0.75,
                          .smoothing_keep = 1,
                          .epsilon = 0x1p-7}; /* as exact in float as in double */
    if (spec.function == CNI_BINARY_CROSSENTROPY && draw(&random, 2)) {
        spec.smoothing_keep = 0.875;
        spec.smoothing_add = 0.0625;
    }
    return spec;
}

typedef struct trial {
    cni_loss_spec spec;
    size_t rows, count;
    guarded y, p, factors, values, dp;
    double *y64, *p64, *factors64, *values64, *dp64;
    double largest; /* of what is computed with */
} trial;

static trial new_trial(uint32_t seed)
{
    uint32_t random = seed * 7919 + 1;
    trial t = {.spec = spec_of(seed), .rows = 1 + draw(&random, 40), .count = 1 + draw(&random, seed % 3 ? 70 : 1)};
    if (seed % 50 == 0) t.count = 2500;
    const bool probabilities = t.spec.function == CNI_BINARY_CROSSENTROPY && !t.spec.from_logits;
    const size_t size = t.rows * t.count;
    t.y = new_guarded(size), t.p = new_guarded(size), t.dp = new_guarded(size);
    t.factors = new_guarded(t.rows), t.values = new_guarded(t.rows);
    t.y64 = malloc(size * sizeof(double)), t.p64 = malloc(size * sizeof(double)),
    t.dp64 = malloc(size * sizeof(double));
    t.factors64 = malloc(t.rows * sizeof(double)), t.values64 = malloc(t.rows * sizeof(double));
    t.largest = probabilities ? 128 : 8;
    for (size_t i = 0; i < size; i++) {
        const float at = (float)draw(&random, 1u << 24) / (1 << 24);
        t.y.data[i] = (float)draw(&random, 2);
        t.p.data[i] = probabilities ? 0.03125F + 0.9375F * at : 8 * at - 4;
        if (draw(&random, 16) == 0) t.p.data[i] = t.y.data[i] = 1; /* no error at all; outside of the clip */
        t.y64[i] = (double)t.y.data[i];
        t.p64[i] = (double)t.p.data[i];
    }
    for (size_t r = 0; r < t.rows; r++) t.factors64[r] = (double)(t.factors.data[r] = 1 + (float)draw(&random, 3));
    return t;
}

static void free_trial(trial *t)
{
    guarded *const all[] = {&t->y, &t->p, &t->factors, &t->values, &t->dp};
    for (int i = 0; i < 5; i++) free_guarded(all[i]);
    double *const lists[] = {t->y64, t->p64, t->factors64, t->values64, t->dp64};
    for (int i = 0; i < 5; i++) free(lists[i]);
}

static void check(const char *what, const char *kernels, uint32_t seed, size_t i, double got, double expected,
                  double bound)
{
    if (!(fabs(got - expected) <= bound))
        fail_msg("%s, %s kernels, seed %u, element %zu: got %.9g, portable in double %.9g", what, kernels, seed, i, got,
                 expected);
}

static void flat_losses(void **state)
{
    (void)state;
    cni_kernels doubles, kernels;
    cni_kernels_init_double(&doubles);
    for (int isa = 1; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        cni_kernels_init(&kernels, (cni_isa)isa);
        for (uint32_t seed = 0; seed < SEEDS; seed++) {
            trial t = new_trial(seed);
            const cni_loss_rows rows = {t.rows, t.count, t.count, 1};
            const cni_flat_loss *flat = &kernels.learning.flat[t.spec.function];
            flat->loss(&t.spec, t.rows, t.count, t.y.data, t.p.data, t.values.data);
            flat->gradient(&t.spec, t.rows, t.count, t.y.data, t.p.data, t.factors.data, t.dp.data);
            doubles.learning.loss(&t.spec, &rows, t.y64, t.p64, t.values64);
            doubles.learning.loss_gradient(&t.spec, &rows, t.y64, t.p64, t.factors64, t.dp64);
            const double bound = 32 * 1.1920929e-7 * t.largest;
            for (size_t r = 0; r < t.rows; r++)
                check("loss", kernels.name, seed, r, (double)t.values.data[r], t.values64[r],
                      bound * (1 + (double)t.count / 32));
            for (size_t i = 0; i < t.rows * t.count; i++)
                check("gradient", kernels.name, seed, i, (double)t.dp.data[i], t.dp64[i], bound * 3 / (double)t.count);
            free_trial(&t);
        }
    }
}

/* Rows of classes.
 *
 * Probabilities of every second trial are whole numbers whose sum is a power of 2, so that p / sum is exact and meets
 * the bounds of the clip exactly; the others keep away from the bounds.  With T the sum of a row's labels, eps 2^-23:
 * sums of a row are off by at most count / 4 + 2 roundings, logarithms and exponentials by 2 ulp, an exponential's
 * argument by `range` eps.  A loss is at most T |log q| with q from `least` on; a gradient at most (T + label / q) /
 * sum for probabilities and T for logits. */

typedef struct class_trial {
    cni_loss_spec spec;
    size_t rows, count, labels;
    guarded y, p, factors, values, dp;
    double *y64, *p64, *factors64, *values64, *dp64;
} class_trial;

static float label_for(const class_trial *t, uint32_t *random, uint32_t i)
{
    if (t->spec.function == CNI_CATEGORICAL_CROSSENTROPY) return draw(random, 4) == 0 ? (float)draw(random, 3) / 2 : 0;
    const float odd[] = {-1, (float)t->count, (float)t->spec.ignored};
    return i % 9 == 8 ? odd[draw(random, 3)] : (float)draw(random, (uint32_t)t->count);
}

static void draw_row(const class_trial *t, uint32_t *random, bool exact, float *p)
{
    uint32_t sum = 0, power = 1;
    for (size_t i = 0; i < t->count; i++) {
        if (t->spec.from_logits) p[i] = 8 * (float)draw(random, 1u << 24) / (1 << 24) - 4;
        if (t->spec.from_logits && draw(random, 64) == 0) p[i] *= 16;
        if (t->spec.from_logits) continue;
        const uint32_t whole = draw(random, 8) == 0 ? 1u << draw(random, 8) : draw(random, 64);
        p[i] = exact ? (float)whole : 0.25F + 0.75F * (float)draw(random, 1u << 24) / (1 << 24);
        sum += whole;
    }
    if (!exact || t->spec.from_logits) return;
    while (power < sum || power < 128) power *= 2;
    p[draw(random, (uint32_t)t->count)] += (float)(power - sum);
}

static class_trial new_class_trial(uint32_t seed)
{
    uint32_t random = seed * 7919 + 5;
    const bool exact = seed % 2;
    class_trial t = {.rows = 1 + draw(&random, 40), .count = 1 + draw(&random, seed % 3 ? 70 : 17)};
    if (seed % 50 == 0) t.count = 1500;
    if (seed % 70 == 1) t.rows = 300;
    t.spec = (cni_loss_spec){.function = draw(&random, 2) ? CNI_CATEGORICAL_CROSSENTROPY : CNI_SPARSE_CROSSENTROPY,
                             .from_logits = draw(&random, 2),
                             .ignores = draw(&random, 2),
                             .ignored = 2,
                             .smoothing_keep = 1,
                             .epsilon = exact ? 0x1p-7 : 0x1p-20};
    if (t.spec.function == CNI_CATEGORICAL_CROSSENTROPY && draw(&random, 2)) {
        t.spec.smoothing_keep = 0.875;
        t.spec.smoothing_add = 0.125 / 64;
    }
    const size_t size = t.rows * t.count;
    t.labels = t.spec.function == CNI_CATEGORICAL_CROSSENTROPY ? size : t.rows;
    t.y = new_guarded(t.labels), t.p = new_guarded(size), t.dp = new_guarded(size);
    t.factors = new_guarded(t.rows), t.values = new_guarded(t.rows);
    t.y64 = malloc(t.labels * sizeof(double)), t.p64 = malloc(size * sizeof(double));
    t.dp64 = malloc(size * sizeof(double));
    t.factors64 = malloc(t.rows * sizeof(double)), t.values64 = malloc(t.rows * sizeof(double));
    for (size_t r = 0; r < t.rows; r++) draw_row(&t, &random, exact, t.p.data + r * t.count);
    for (size_t i = 0; i < t.labels; i++) t.y64[i] = (double)(t.y.data[i] = label_for(&t, &random, (uint32_t)i));
    for (size_t i = 0; i < size; i++) t.p64[i] = (double)t.p.data[i];
    for (size_t r = 0; r < t.rows; r++) t.factors64[r] = (double)(t.factors.data[r] = 1 + (float)draw(&random, 3));
    return t;
}

static void free_class_trial(class_trial *t)
{
    guarded *const all[] = {&t->y, &t->p, &t->factors, &t->values, &t->dp};
    for (int i = 0; i < 5; i++) free_guarded(all[i]);
    double *const lists[] = {t->y64, t->p64, t->factors64, t->values64, t->dp64};
    for (int i = 0; i < 5; i++) free(lists[i]);
}

static void check_class_row(const class_trial *t, const char *kernels, uint32_t seed, size_t r)
{
    const double eps = 1.1920929e-7, roundings = 16 + (double)t->count / 4;
    const double *p = t->p64 + r * t->count, *y = t->labels == t->rows ? NULL : t->y64 + r * t->count;
    double sum = 0, all = 0, largest = 0;
    for (size_t i = 0; i < t->count; i++) {
        sum += p[i];
        all += y ? y[i] * t->spec.smoothing_keep + t->spec.smoothing_add : 0;
        if (fabs(p[i]) > largest) largest = fabs(p[i]);
    }
    if (!y) all = 1;
    const double range = t->spec.from_logits ? 8 * largest : 14; /* -log(2^-20) < 14 */
    check("loss", kernels, seed, r, (double)t->values.data[r], t->values64[r], eps * all * (range + roundings));
    for (size_t i = 0; i < t->count; i++) {
        const double label = y ? y[i] + 0.125 : 1, q = p[i] / sum;
        const double size = t->spec.from_logits   ? all * (1 + 4 * largest)
                            : q < t->spec.epsilon ? all / sum
                                                  : (all + label / q) / sum;
        check("gradient", kernels, seed, r * t->count + i, (double)t->dp.data[r * t->count + i],
              t->dp64[r * t->count + i], eps * t->factors64[r] * size * roundings);
    }
}

static void class_losses(void **state)
{
    (void)state;
    cni_kernels doubles, kernels;
    cni_kernels_init_double(&doubles);
    for (int isa = 1; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        cni_kernels_init(&kernels, (cni_isa)isa);
        for (uint32_t seed = 0; seed < SEEDS; seed++) {
            class_trial t = new_class_trial(seed);
            const cni_loss_rows rows = {t.rows, t.count, t.count, 1};
            const cni_flat_loss *flat = &kernels.learning.flat[t.spec.function];
            flat->loss(&t.spec, t.rows, t.count, t.y.data, t.p.data, t.values.data);
            flat->gradient(&t.spec, t.rows, t.count, t.y.data, t.p.data, t.factors.data, t.dp.data);
            doubles.learning.loss(&t.spec, &rows, t.y64, t.p64, t.values64);
            doubles.learning.loss_gradient(&t.spec, &rows, t.y64, t.p64, t.factors64, t.dp64);
            for (size_t r = 0; r < t.rows; r++) check_class_row(&t, kernels.name, seed, r);
            flat->gradient(&t.spec, t.rows, t.count, t.y.data, t.p.data, t.factors.data, t.p.data); /* over p */
            assert_memory_equal(t.p.data, t.dp.data, t.rows * t.count * sizeof(float));
            free_class_trial(&t);
        }
    }
}

/* A row of classes with NaN, of zeros (0 / 0), of what the clip cuts off, and one whose label is not a class. */
static void class_edges(void **state)
{
    (void)state;
    for (int isa = 0; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        cni_kernels kernels;
        cni_kernels_init(&kernels, (cni_isa)isa);
        const cni_flat_loss *flat = &kernels.learning.flat[CNI_SPARSE_CROSSENTROPY];
        const cni_loss_spec spec = {
            .function = CNI_SPARSE_CROSSENTROPY, .smoothing_keep = 1, .epsilon = 0x1p-7, .ignores = true, .ignored = 1};
        if (!flat->loss) continue;
        float p[15] = {1, NAN, 1, 0, 0, 0, 0, 1, 0, 1, 1, 2, 1, 1, 2}, y[5] = {0, 0, 0, 3, 1};
        float values[5], factors[5] = {1, 1, 1, 1, 1}, dp[15];
        flat->loss(&spec, 5, 3, y, p, values);
        flat->gradient(&spec, 5, 3, y, p, factors, dp);
        assert_true(isnan(values[0]) && isnan(values[1]) && values[3] == 0 && values[4] == 0);
        assert_float_equal(values[2], 7 * 0.69314718, 1e-6);
        for (int i = 0; i < 15; i++) assert_true(i < 6 ? isnan(dp[i]) : dp[i] == 0);
    }
}

/* NaN stays, infinite errors have finite slopes, and the gradient may be written over the predictions. */
static void edges(void **state)
{
    (void)state;
    for (int isa = 0; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        cni_kernels kernels;
        cni_kernels_init(&kernels, (cni_isa)isa);
        for (int f = 0; f <= CNI_BINARY_CROSSENTROPY; f++) {
            const cni_flat_loss *flat = &kernels.learning.flat[f];
            const cni_loss_spec spec = {.function = (cni_loss_function)f,
                                        .from_logits = true,
                                        .delta = 1,
                                        .smoothing_keep = 1,
                                        .epsilon = 0x1p-7}; /* as exact in float as in double */
            float y[3] = {1, 1, 1}, p[3] = {NAN, INFINITY, -INFINITY}, values[3], factors[3] = {1, 1, 1};
            if (!flat->loss) continue;
            flat->loss(&spec, 3, 1, y, p, values);
            flat->gradient(&spec, 3, 1, y, p, factors, p);
            assert_true(isnan(values[0]) && isnan(p[0]));
            assert_true(f == CNI_BINARY_CROSSENTROPY || (isinf(values[1]) && isinf(values[2])));
            if (f == CNI_ABSOLUTE_ERROR || f == CNI_HUBER) assert_true(p[1] == 1 && p[2] == -1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(flat_losses), cmocka_unit_test(edges),
                                       cmocka_unit_test(class_losses), cmocka_unit_test(class_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
