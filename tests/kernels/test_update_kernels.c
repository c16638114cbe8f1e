/* SPDX-License-Identifier: Apache-2.0
 * The steps of optimizers: every instruction set that this machine has against the portable kernels, in memory that
 * ends with the arrays.
 *
 * Weights, slots and gradients are at most 1, what is divided by is at least 1/2, and a step has fewer than 16
 * operations, each of which rounds a number below 8 (fused ones round once less): 64 eps at most. */
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

enum { SEEDS = 400, ARRAYS = 2 + CNI_UPDATE_SLOTS };

static uint32_t draw(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*random * below) >> 32);
}

static guarded filled(uint32_t seed, size_t count, float least, float most)
{
    guarded g = new_guarded(count);
    for (size_t i = 0; i < count; i++) g.data[i] = least + (most - least) * (float)draw(&seed, 1u << 24) / (1 << 24);
    return g;
}

/* What a step works on; made twice from one seed. */
typedef struct trial {
    guarded g, factors, memory[ARRAYS]; /* weights, average, slots */
    cni_update_arrays arrays;
} trial;

static trial new_trial(uint32_t seed, const cni_update *u, size_t rows, size_t width, bool factors, bool average)
{
    const int slots[CNI_UPDATE_RULES] = {
        [CNI_SGD_MOMENTUM] = 1, [CNI_ADAM] = u->corrected ? 3 : 2, [CNI_RMSPROP] = u->corrected ? 3 : 2};
    trial t = {.g = filled(seed, factors ? width : rows * width, -1, 1), .factors = filled(seed + 1, rows, -1, 1)};
    for (int i = 0; i < ARRAYS; i++) {
        const bool below_a_root = (u->rule == CNI_ADAM && i == 3) || (u->rule == CNI_RMSPROP && i == 2);
        t.memory[i] = filled(seed + 2 + (uint32_t)i, rows * width, below_a_root ? 0.5F : -0.5F, 1);
    }
    t.arrays = (cni_update_arrays){.gradient = t.g.data,
                                   .factors = factors ? t.factors.data : NULL,
                                   .width = width,
                                   .before = t.memory[0].data,
                                   .weights = t.memory[0].data,
                                   .average = average ? t.memory[1].data : NULL};
    for (int i = 0; i < slots[u->rule]; i++) t.arrays.slots[i] = t.memory[2 + i].data;
    if (u->rule == CNI_RMSPROP && u->momentum == 0) t.arrays.slots[1] = NULL;
    return t;
}

static void free_trial(trial *t)
{
    free_guarded(&t->g);
    free_guarded(&t->factors);
    for (int i = 0; i < ARRAYS; i++) free_guarded(&t->memory[i]);
}

static cni_update update_of(uint32_t seed)
{
    uint32_t random = seed * 2654435761u;
    cni_update u = {.rule = (cni_update_rule)(seed % CNI_UPDATE_RULES),
                    .nesterov = draw(&random, 2),
                    .corrected = draw(&random, 2),
                    .rate = 0.1,
                    .decay_rate = 0.1,
                    .beta_1 = 0.9,
                    .beta_2 = 0.999,
                    .keep_1 = (double)(1 - 0.9F),
                    .keep_2 = (double)(1 - 0.999F),
                    .epsilon = 1e-7,
                    .momentum = draw(&random, 2) ? 0.5 : 0,
                    .ema = 0.75,
                    .ema_rest = 0.25};
    if (u.rule == CNI_RMSPROP) u.epsilon = 1; /* the centred square may be 0 */
    if (seed % 3) return u;
    if (draw(&random, 2)) u.divide = 3;
    if (draw(&random, 2)) u.scale = 0.5;
    if (draw(&random, 2)) u.over = 2;
    if (draw(&random, 2)) u.clip = 0.25;
    u.decays = draw(&random, 2);
    u.decay = 0.5;
    u.idle = draw(&random, 8) == 0;
    u.overwrites = draw(&random, 2);
    return u;
}

static void compare(const trial *got, const trial *expected, const char *kernels, uint32_t seed)
{
    for (int k = 0; k < ARRAYS; k++)
        for (size_t i = 0; i < got->memory[k].count; i++) {
            const double a = (double)got->memory[k].data[i], b = (double)expected->memory[k].data[i];
            if (!(fabs(a - b) <= 64 * 1.1920929e-7))
                fail_msg("%s kernels, seed %u, array %d, element %zu: got %.9g, portable %.9g", kernels, seed, k, i, a,
                         b);
        }
}

static void steps(void **state)
{
    (void)state;
    cni_kernels portable, kernels;
    cni_kernels_init(&portable, CNI_ISA_PORTABLE);
    for (int isa = 1; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        cni_kernels_init(&kernels, (cni_isa)isa);
        for (uint32_t seed = 0; seed < SEEDS; seed++) {
            uint32_t random = seed * 7919 + 1;
            const cni_update u = update_of(seed);
            const bool factors = draw(&random, 2), average = seed % 3 == 0 && draw(&random, 2);
            const size_t rows = factors ? 1 + draw(&random, 5) : 1, width = 1 + draw(&random, seed % 5 ? 70 : 2500);
            trial got = new_trial(seed, &u, rows, width, factors, average);
            trial expected = new_trial(seed, &u, rows, width, factors, average);
            kernels.learning.update(&u, &got.arrays, rows * width);
            portable.learning.update(&u, &expected.arrays, rows * width);
            compare(&got, &expected, kernels.name, seed);
            free_trial(&got);
            free_trial(&expected);
        }
    }
}

/* A product with a factor gives the bits that it gives when it is stored first; an accumulator is zeroed; weights may
 * go elsewhere. */
static void ways(void **state)
{
    (void)state;
    enum { ROWS = 3, WIDTH = 37, SIZE = ROWS * WIDTH };
    for (int isa = 0; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        cni_kernels kernels;
        cni_kernels_init(&kernels, (cni_isa)isa);
        for (uint32_t seed = 0; seed < CNI_UPDATE_RULES * 4; seed++) {
            cni_update u = update_of(3 * seed + 1);
            u.rule = (cni_update_rule)(seed % CNI_UPDATE_RULES);
            trial a = new_trial(seed, &u, ROWS, WIDTH, true, false), b = new_trial(seed, &u, ROWS, WIDTH, true, false);
            float stored[SIZE], zero[SIZE] = {0}, elsewhere[SIZE];
            for (int i = 0; i < SIZE; i++) stored[i] = a.factors.data[i / WIDTH] * a.g.data[i % WIDTH];
            kernels.learning.update(&u, &a.arrays, SIZE);
            b.arrays.factors = NULL;
            b.arrays.gradient = b.arrays.accumulator = stored;
            b.arrays.weights = elsewhere;
            kernels.learning.update(&u, &b.arrays, SIZE);
            assert_memory_equal(a.memory[0].data, elsewhere, sizeof elsewhere);
            assert_memory_equal(stored, zero, sizeof zero);
            for (int k = 1; k < ARRAYS; k++) assert_memory_equal(a.memory[k].data, b.memory[k].data, sizeof zero);
            free_trial(&a);
            free_trial(&b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps), cmocka_unit_test(ways)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
