/* SPDX-License-Identifier: Apache-2.0
 * Every instruction set that this machine has against the portable kernels, in memory that ends with the arrays.
 *
 * Small whole numbers give the same bits in any order; real numbers must agree within the error of a sum of K products,
 * 4 eps sqrt(K) sum |a| |b|.  To be included after cmocka.h. */
#ifndef AGAINST_PORTABLE_H
#define AGAINST_PORTABLE_H

#include <math.h>

#include "kernels/guarded.h"
#include "kernels/kernels.h"

static inline uint32_t draw(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*random * below) >> 32);
}

static inline void fill(uint32_t *random, guarded *g, bool whole)
{
    for (size_t i = 0; i < g->count; i++)
        g->data[i] = whole ? (float)draw(random, 7) - 3 : (float)draw(random, 1u << 24) / (1 << 23) - 1;
}

/* What is not written must stay what it was: NaN of this pattern. */
static const uint32_t untouched = 0x7fc12345;

static inline void mark(guarded *g)
{
    for (size_t i = 0; i < g->count; i++) memcpy(&g->data[i], &untouched, sizeof untouched);
}

static inline void compare(const guarded *got, const guarded *expected, const guarded *magnitude, size_t products,
                           bool whole, const char *what, const char *kernels, uint32_t seed)
{
    for (size_t i = 0; i < got->count; i++) {
        double bound = whole ? 0 : 4 * 1.1920929e-7 * sqrt((double)products + 1) * (double)magnitude->data[i];
        bool same = !memcmp(&got->data[i], &expected->data[i], sizeof(float)) || got->data[i] == expected->data[i] ||
                    fabs((double)got->data[i] - (double)expected->data[i]) <= bound;
        if (!same)
            fail_msg("%s, %s kernels, seed %u, element %zu: got %.9g, portable %.9g, bound %.3g", what, kernels, seed,
                     i, (double)got->data[i], (double)expected->data[i], bound);
    }
}

static inline void absolute(guarded *g)
{
    for (size_t i = 0; i < g->count; i++) g->data[i] = fabsf(g->data[i]);
}

typedef void test_function(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole);

static inline void on_all_kernels(test_function *test, uint32_t seeds)
{
    cni_kernels portable;
    cni_kernels_init(&portable, CNI_ISA_PORTABLE);
    for (int isa = 1; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        cni_kernels kernels;
        cni_kernels_init(&kernels, (cni_isa)isa);
        for (uint32_t seed = 0; seed < seeds; seed++) test(&kernels, &portable, seed, seed % 2);
    }
}

#endif
