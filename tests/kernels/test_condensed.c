/* SPDX-License-Identifier: Apache-2.0
 * Weights in 28 bits: nothing is lost, every instruction set writes the same words, and a product has the bits of one
 * with the weights themselves. */
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernels/against_portable.h"

enum { SEEDS = 300 };

/* Uniform, rarely something else: `kind` 0 nothing, 1 tiny, 2 hostile, 3 any bits at all, 4 all the same. */
static float number(uint32_t *random, int kind, float scale)
{
    static const float hostile[] = {0,        -0.0f,   INFINITY, -INFINITY,    NAN,    FLT_MIN,
                                    -FLT_MIN, FLT_MAX, -FLT_MAX, FLT_MIN / 64, 1e-45f, -1e-45f};
    const float usual = ((float)draw(random, 1u << 24) / (1 << 23) - 1) * scale;
    union {
        uint32_t bits;
        float value;
    } any = {.bits = draw(random, 1u << 16) << 16 | draw(random, 1u << 16)};
    if (kind == 4) return scale;
    if (kind == 3 && draw(random, 4) == 0) return any.value;
    if (draw(random, 150)) return usual;
    return kind == 1 ? usual / 65536 : kind == 2 ? hostile[draw(random, sizeof hostile / sizeof *hostile)] : usual;
}

typedef struct matrix {
    guarded w, memory;
    cni_condensed condensed;
    uint32_t base;
} matrix;

/* Patches may be more than a plan would take: there is memory for all of them. */
static void condense(matrix *m, const cni_kernels *kernels, int depth, int width)
{
    m->memory = new_guarded((size_t)(depth / 8 * (width * 7 + 1) + 2 + depth / 8 * width * 9));
    cni_condensed *c = &m->condensed;
    *c = (cni_condensed){.groups = depth / 8, .width = width, .words = (uint32_t *)m->memory.data};
    c->first = (int32_t *)c->words + depth / 8 * width * 7;
    c->patches = (cni_patch *)(c->first + c->groups + 2);
    c->first[0] = 0;
    for (int g = 0; g < c->groups; g++) {
        cni_condensing part = {.w = m->w.data + g * 8 * width, .width = width, .base = m->base};
        const int counted = kernels->matmul.condense(&part);
        part.words = c->words + g * 7 * width;
        part.patches = c->patches + c->first[g];
        assert_int_equal(kernels->matmul.condense(&part), counted);
        c->first[g + 1] = c->first[g] + counted;
    }
    c->first[c->groups + 1] = (int32_t)m->base;
}

static bool same(float a, float b)
{
    return (isnan(a) && isnan(b)) || !memcmp(&a, &b, sizeof a);
}

static void multiply(const cni_kernels *kernels, const cni_condensed *c, int first, int count, const float *x, float *y)
{
    const cni_condensed_product product = {.w = c, .first = first, .count = count, .x = x, .y = y};
    kernels->matmul.condensed(&product);
}

static bool few_patches(const cni_condensed *c)
{
    for (int g = 0; g < c->groups; g++)
        if (c->first[g + 1] - c->first[g] > CNI_GROUP_PATCHES) return false;
    return true;
}

static void check(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    (void)whole;
    uint32_t random = seed * 2654435761u;
    const int depth = 8 * (1 + (int)draw(&random, 12)), width = 16 * (17 + (int)draw(&random, 6));
    const int kind = (int)(seed % 5);
    const float scale = ldexpf(1, (int)draw(&random, 60) - 30);
    matrix m = {.w = new_guarded((size_t)(depth * width))}, judge = {.w = m.w};
    for (size_t i = 0; i < m.w.count; i++) m.w.data[i] = number(&random, kind, scale);
    m.base = judge.base = cni_condensed_base(m.w.data, m.w.count);
    assert_in_range(m.base, 1, 254 - 15);
    condense(&m, kernels, depth, width);
    condense(&judge, portable, depth, width);
    const size_t used = (size_t)(depth / 8 * (width * 7 + 1) + 2 + 9 * m.condensed.first[depth / 8]);
    if (memcmp(m.memory.data, judge.memory.data, used * sizeof(float)))
        fail_msg("%s, seed %u: other words than portable", kernels->name, seed);
    if (kind == 0 && m.condensed.first[depth / 8] > depth * width / 1000)
        fail_msg("%d patches among %d uniform weights", m.condensed.first[depth / 8], depth * width);

    guarded x = new_guarded((size_t)depth), y = new_guarded((size_t)width), raw = new_guarded((size_t)width);
    const int first = (int)draw(&random, (uint32_t)(depth / 8)), count = depth / 8 - first;
    for (int trial = 0; trial < 4 && few_patches(&m.condensed); trial++) {
        const int one = (int)draw(&random, (uint32_t)depth); /* a row is read back by itself, or all are added up */
        for (int k = 0; k < depth; k++)
            x.data[k] = trial < 2 ? (float)(k == one) : (float)draw(&random, 1u << 20) / (1 << 19) - 1;
        cni_thin thin = {.x = x.data + first * 8,
                         .w = m.w.data + first * 8 * width,
                         .w_row = width,
                         .y = raw.data,
                         .rows = 1,
                         .depth = count * 8,
                         .width = width};
        kernels->matmul.thin(&thin);
        multiply(kernels, &m.condensed, first, count, x.data, y.data);
        for (int j = 0; j < width; j++)
            if (!same(y.data[j], raw.data[j]))
                fail_msg("%s, seed %u, column %d: %a with %a", kernels->name, seed, j, (double)y.data[j],
                         (double)raw.data[j]);
        for (int j = 0; j < width && trial < 2 && kind < 2 && one >= first * 8; j++)
            assert_true(y.data[j] == m.w.data[one * width + j]);
    }
    guarded *const all[] = {&m.w, &m.memory, &judge.memory, &x, &y, &raw};
    for (int i = 0; i < 6; i++) free_guarded(all[i]);
}

static void nothing_is_lost(void **state)
{
    (void)state;
    cni_kernels portable;
    cni_kernels_init(&portable, CNI_ISA_PORTABLE);
    for (uint32_t seed = 0; seed < SEEDS; seed++) check(&portable, &portable, seed, false);
    on_all_kernels(check, SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
