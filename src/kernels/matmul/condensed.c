/* SPDX-License-Identifier: Apache-2.0
 * Weights in 28 bits: where they lie, and which binades are worth it. */
#include "kernels/matmul/condensed.h"

#include <string.h>

bool cni_may_condense(int depth, int width)
{
    return depth % CNI_GROUP == 0 && width % CNI_TILE == 0 && width >= 128 && depth >= 1024;
}

cni_condensed cni_condensed_in(void *memory, int depth, int width)
{
    const size_t floats = (size_t)depth * (size_t)width, words = floats / 8 * 7;
    cni_condensed c = {.groups = depth / CNI_GROUP, .width = width, .words = memory};
    c.first = (int32_t *)c.words + words;
    c.patches = (cni_patch *)(c.first + c.groups + 2);
    /* Patches cost as much as a row of their tile: where they are many, nothing is gained. */
    const size_t room = (floats - words - (size_t)c.groups - 2) * sizeof(float) / sizeof(cni_patch);
    c.most_patches = (int)(room < 8 * (size_t)c.groups ? room : 8 * (size_t)c.groups);
    return c;
}

uint32_t cni_condensed_base(const float *w, size_t count)
{
    enum { EXPONENTS = 256, WINDOW = 16, RUN = 64, SKIP = 64, ALL = 1 << 20 };
    size_t of[EXPONENTS] = {0}, best = 0;
    const size_t step = count > ALL ? (size_t)RUN * SKIP : RUN;
    for (size_t begin = 0; begin < count; begin += step)
        for (size_t i = begin; i < begin + RUN && i < count; i++) {
            uint32_t bits;
            memcpy(&bits, &w[i], sizeof bits);
            of[bits >> 23 & 255]++;
        }
    uint32_t base = 1;
    for (uint32_t least = 1; least + WINDOW <= EXPONENTS - 1; least++) {
        size_t within = 0;
        for (uint32_t e = least; e < least + WINDOW; e++) within += of[e];
        if (within > best) best = within, base = least;
    }
    return base;
}
