/* SPDX-License-Identifier: Apache-2.0
 * Sums over the lanes of many vectors at once: two vectors are interleaved and added, then two of those, until the
 * lanes of one vector are the sums.  The order of each sum is the same wherever it stands.  Everything is static. */
#ifndef CNI_VECTOR_SUMS_H
#define CNI_VECTOR_SUMS_H

#include "kernels/vector.h"

#if CNI_VECTOR_BYTES == 64
#define CNI_ADD_ONES(a, b)                                                                                             \
    (__builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +                         \
     __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31))
#define CNI_ADD_PAIRS(a, b)                                                                                            \
    (__builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +                         \
     __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
#define CNI_ADD_FOURS(a, b)                                                                                            \
    (__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +                         \
     __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
#elif CNI_VECTOR_BYTES == 32
#define CNI_ADD_ONES(a, b)                                                                                             \
    (__builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13) +                                                         \
     __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15))
#define CNI_ADD_PAIRS(a, b)                                                                                            \
    (__builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +                                                         \
     __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15))
#define CNI_ADD_FOURS(a, b)                                                                                            \
    (__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +                                                         \
     __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15))
#else
#define CNI_ADD_ONES(a, b)  (__builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7))
#define CNI_ADD_PAIRS(a, b) (__builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7))
#endif

/* Lane i: the sum over the lanes of v[i]. */
ALWAYS_INLINE lanes sums_of_lanes(const lanes *v)
{
    lanes four[LANES / 4];
    UNROLL for (int i = 0; i < LANES / 4; i++) four[i] =
        CNI_ADD_PAIRS(CNI_ADD_ONES(v[4 * i], v[4 * i + 1]), CNI_ADD_ONES(v[4 * i + 2], v[4 * i + 3]));
#if CNI_VECTOR_BYTES == 64
    const lanes low = CNI_ADD_FOURS(four[0], four[1]), high = CNI_ADD_FOURS(four[2], four[3]);
    return CNI_ADD_FOURS(low, high);
#elif CNI_VECTOR_BYTES == 32
    return CNI_ADD_FOURS(four[0], four[1]);
#else
    return four[0];
#endif
}

#endif
