/* SPDX-License-Identifier: Apache-2.0
 * Weights in 28 bits without loss, for products that are bound by reading them once.
 *
 * Of a matrix' weights nearly all lie within 16 binades, so that 4 bits tell an exponent, and 3.5 bytes a weight.  That
 * exponents of trained weights carry two or three bits is what DFloat11 and ZipNN live on, which code them by their
 * entropy to save memory and disk; here their width is fixed, since a decoder has 5 cycles for 16 weights.
 *
 * A group is 8 rows, a tile 16 columns of it: 7 vectors of 16 words.  In lane l of vector i < 7
 *
 *      31 30       27 26        23 22                    0
 *     +--+-----------+------------+-----------------------+
 *     |s | 4 of row 7| e - base   | mantissa              |     of the weight in row i, column l
 *     +--+-----------+------------+-----------------------+
 *
 * where the 4 bits are, from vector 0 on, bits 26 to 23, 22 to 19, ... and 6 to 3 of the field of row 7; those of
 * vector 6 are its bits 2, 1, 0 and the sign.  So one AND and one ADD decode a weight, and twice as many the eighth.
 *
 * Patches: where one of the 8 weights of a column of a group lies outside of the 16 binades (zeros, infinities and NaN
 * do), all 8 stand there as they are.  The column's sum is computed with them, apart, in the order of rows: the bits
 * are those of a product with the weights themselves. */
#ifndef CNI_CONDENSED_H
#define CNI_CONDENSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CNI_GROUP = 8, /* rows */
    CNI_TILE = 16, /* columns */
    CNI_TILE_WORDS = 7 * CNI_TILE,
    CNI_GROUP_PATCHES = 64 /* at most */
};

typedef struct cni_patch {
    int32_t column;
    float w[CNI_GROUP];
} cni_patch;

/** A condensed matrix in a piece of memory that is large enough for the matrix itself. */
typedef struct cni_condensed {
    int groups, width;
    uint32_t *words; /* 64-byte aligned: [groups, tiles, 7, 16] */
    int32_t *first;  /* [groups + 1]: of each group its first patch; then the base */
    cni_patch *patches;
    int most_patches;
} cni_condensed;

/** Where things lie in the memory of a matrix of whole groups and whole tiles. */
cni_condensed cni_condensed_in(void *memory, int depth, int width);

/** Whether a matrix of these sizes can be condensed at all. */
bool cni_may_condense(int depth, int width);

/** Of one group, w [8, width]: its words are written if words is not NULL, its patches if patches is not NULL.  The
 *  kernel answers how many patches there are. */
typedef struct cni_condensing {
    const float *w;
    int width;
    uint32_t base; /* the least exponent: 1 <= base <= 254 - 15 */
    uint32_t *words;
    cni_patch *patches;
} cni_condensing;

/** y[j] = sum of x[k] * w[k, j] over the 8 rows of `count` groups from `first` on, for all columns. */
typedef struct cni_condensed_product {
    const cni_condensed *w;
    int first, count;
    const float *x; /* of all rows */
    float *y;
} cni_condensed_product;

/** The 16 binades that hold the most of some of w's weights: their least exponent. */
uint32_t cni_condensed_base(const float *w, size_t count);

#endif
