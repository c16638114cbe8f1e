/* SPDX-License-Identifier: Apache-2.0
 * Weights in 28 bits: a tile's eight rows are decoded in registers and added to 16 sums, which stay in the first cache.
 * Memory is read in its own order, a little of it asked for early: decoding leaves the fetchers of the processor
 * behind.
 */
#include "kernels/matmul/matmul.h"
#include "kernels/vector.h"

typedef uint32_t words __attribute__((vector_size(CNI_VECTOR_BYTES)));
typedef uint32_t loose_words __attribute__((vector_size(CNI_VECTOR_BYTES), aligned(4), may_alias));

enum { AHEAD = 1024, LINE = 16 }; /* words */

ALWAYS_INLINE words load_words(const uint32_t *p)
{
    return *(const loose_words *)p;
}

ALWAYS_INLINE words all(uint32_t word)
{
    return word - (words){0};
}

ALWAYS_INLINE words merge(uint32_t bits, words yes, words no)
{
    const words which = all(bits);
    return (yes & which) | (no & ~which);
}

ALWAYS_INLINE words decode_last(const words *of)
{
    words last = of[0] >> 4;
    last = merge(0x07800000, last, of[1] >> 8);
    last = merge(0x07f80000, last, of[2] >> 12);
    last = merge(0x07ff8000, last, of[3] >> 16);
    last = merge(0x07fff800, last, of[4] >> 20);
    last = merge(0x07ffff80, last, of[5] >> 24);
    return merge(0x07fffff8, last, of[6] << 4 | of[6] >> 28);
}

ALWAYS_INLINE void add_tile(const uint32_t *from, words base, const lanes *x, float *y)
{
    for (int l = 0; l < CNI_TILE; l += LANES) {
        words of[CNI_GROUP];
        lanes sum = load(y + l);
        UNROLL for (int i = 0; i < 7; i++) of[i] = load_words(from + i * CNI_TILE + l);
        of[7] = decode_last(of);
        UNROLL for (int i = 0; i < CNI_GROUP; i++) sum += x[i] * (lanes)((of[i] & all(0x87ffffff)) + base);
        store(y + l, sum);
    }
}

static void patched(const cni_patch *patches, int count, const float *x, const float *y, float *sums)
{
    for (int p = 0; p < count; p++) {
        float sum = y[patches[p].column];
        for (int i = 0; i < CNI_GROUP; i++) sum += x[i] * patches[p].w[i];
        sums[p] = sum;
    }
}

static void condensed(const cni_condensed_product *p)
{
    const cni_condensed *c = p->w;
    const int width = c->width;
    const words base = all((uint32_t)c->first[c->groups + 1] << 23);
    const uint32_t *from = c->words + (size_t)p->first * (size_t)width * 7;
    float *const y = p->y, sums[CNI_GROUP_PATCHES];
    memset(y, 0, (size_t)width * sizeof *y);
    for (int g = p->first; g < p->first + p->count; g++) {
        const float *const numbers = p->x + g * CNI_GROUP;
        const cni_patch *patches = c->patches + c->first[g];
        const int count = c->first[g + 1] - c->first[g];
        patched(patches, count, numbers, y, sums);
        lanes x[CNI_GROUP];
        UNROLL for (int i = 0; i < CNI_GROUP; i++) x[i] = splat(numbers[i]);
        for (int j = 0; j < width; j += CNI_TILE, from += CNI_TILE_WORDS) {
            UNROLL for (int i = 0; i < CNI_TILE_WORDS; i += LINE) __builtin_prefetch(from + AHEAD + i);
            add_tile(from, base, x, y + j);
        }
        for (int i = 0; i < count; i++) y[patches[i].column] = sums[i];
    }
}

/* Answers whether a weight is outside of the 16 binades. */
ALWAYS_INLINE words encode(const float *w, int width, words base, uint32_t *to)
{
    words of[CNI_GROUP], outside = {0};
    UNROLL for (int i = 0; i < CNI_GROUP; i++)
    {
        const words bits = (words)load(w + i * width), above = (bits & all(0x7fffffff)) - base;
        outside |= above >> 27;
        of[i] = (bits & all(0x80000000)) | (above & all(0x07ffffff));
    }
    if (to) {
        UNROLL for (int i = 0; i < 6; i++) of[i] |= (of[7] >> (23 - 4 * i) & all(15)) << 27;
        of[6] |= (of[7] & all(7)) << 28 | (of[7] >> 31) << 27;
        UNROLL for (int i = 0; i < 7; i++) * (loose_words *)(to + i * CNI_TILE) = of[i];
    }
    return outside;
}

ALWAYS_INLINE int find(const cni_condensing *c, int column, words outside, int count)
{
    for (int l = 0; l < LANES; l++) {
        if (!outside[l]) continue;
        if (c->patches) {
            cni_patch *const patch = &c->patches[count];
            patch->column = column + l;
            for (int i = 0; i < CNI_GROUP; i++) patch->w[i] = c->w[i * c->width + column + l];
        }
        count++;
    }
    return count;
}

static int condense(const cni_condensing *c)
{
    const words base = all(c->base << 23);
    int count = 0;
    for (int j = 0; j < c->width; j += LANES) {
        uint32_t *const to = c->words ? c->words + j / CNI_TILE * CNI_TILE_WORDS + j % CNI_TILE : NULL;
        const words outside = encode(c->w + j, c->width, base, to);
        uint32_t any = 0;
        for (int l = 0; l < LANES; l++) any |= outside[l];
        if (any) count = find(c, j, outside, count);
    }
    return count;
}

void CNI_FOR_ISA(cni_condensed_part)(cni_matmul_kernels *kernels)
{
    kernels->condense = condense;
    kernels->condensed = condensed;
}
