/* SPDX-License-Identifier: Apache-2.0
 * Weights in 28 bits, plainly.  There are only floats, in the table of double kernels too, where nobody asks for them.
 */
#include "kernels/matmul/matmul.h"

#include <string.h>

static const uint32_t sign = 1u << 31, magnitude = ~(1u << 31), field = 0x87ffffff;

static int condense(const cni_condensing *c)
{
    int count = 0;
    for (int j = 0; j < c->width; j++) {
        uint32_t bits[CNI_GROUP];
        bool outside = false;
        for (int i = 0; i < CNI_GROUP; i++) {
            memcpy(&bits[i], &c->w[i * c->width + j], sizeof bits[i]);
            const uint32_t above = (bits[i] & magnitude) - (c->base << 23);
            outside |= above >> 27 != 0;
            bits[i] = (bits[i] & sign) | (above & field & magnitude);
        }
        if (outside && c->patches) {
            c->patches[count].column = j;
            for (int i = 0; i < CNI_GROUP; i++) c->patches[count].w[i] = c->w[i * c->width + j];
        }
        count += outside;
        uint32_t *const to = c->words ? c->words + j / CNI_TILE * CNI_TILE_WORDS + j % CNI_TILE : NULL;
        const uint32_t last = bits[7];
        for (int i = 0; i < 6 && to; i++) to[i * CNI_TILE] = bits[i] | (last >> (23 - 4 * i) & 15) << 27;
        if (to) to[6 * CNI_TILE] = bits[6] | (last & 7) << 28 | (last >> 31) << 27;
    }
    return count;
}

/* The 8 weights of a column of a tile. */
static void decode(const uint32_t *from, uint32_t base, float *w)
{
    uint32_t bits[CNI_GROUP] = {0};
    for (int i = 0; i < 7; i++) bits[i] = from[i * CNI_TILE] & field;
    for (int i = 0; i < 6; i++) bits[7] |= (from[i * CNI_TILE] >> 27 & 15) << (23 - 4 * i);
    bits[7] |= (from[6 * CNI_TILE] >> 28 & 7) | (from[6 * CNI_TILE] >> 27 & 1) << 31;
    for (int i = 0; i < CNI_GROUP; i++) bits[i] += base << 23;
    memcpy(w, bits, sizeof bits);
}

static void condensed(const cni_condensed_product *p)
{
    const cni_condensed *c = p->w;
    const uint32_t base = (uint32_t)c->first[c->groups + 1];
    memset(p->y, 0, (size_t)c->width * sizeof *p->y);
    for (int g = p->first; g < p->first + p->count; g++) {
        const float *x = p->x + g * CNI_GROUP;
        const cni_patch *patch = c->patches + c->first[g], *const end = c->patches + c->first[g + 1];
        for (int j = 0; j < c->width; j++) {
            float w[CNI_GROUP];
            const size_t tile = (size_t)g * (size_t)c->width + (size_t)(j / CNI_TILE * CNI_TILE);
            decode(c->words + tile * 7 + j % CNI_TILE, base, w);
            if (patch < end && patch->column == j) memcpy(w, patch++->w, sizeof w);
            for (int i = 0; i < CNI_GROUP; i++) p->y[j] += x[i] * w[i];
        }
    }
}

void CNI_FOR_REAL(cni_condensed_part)(cni_matmul_kernels *kernels)
{
    kernels->condense = condense;
    kernels->condensed = condensed;
}
