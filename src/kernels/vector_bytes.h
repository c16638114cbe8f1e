/* SPDX-License-Identifier: Apache-2.0
 * Bytes beside vectors of floats, for the vector sources: masks, taps.  gcc 12 converts one lane at a time where it is
 * not told the instruction.  Everything is static. */
#ifndef CNI_VECTOR_BYTES_H
#define CNI_VECTOR_BYTES_H

#include "kernels/vector.h"

typedef unsigned char bytes __attribute__((vector_size(LANES)));
typedef unsigned char loose_bytes __attribute__((vector_size(LANES), aligned(1), may_alias));

/* The first `some` bytes (LANES: all), each in a lane; the others are 0. */
ALWAYS_INLINE mask load_bytes(const unsigned char *p, int some)
{
    bytes v = {0};
    if (some < LANES)
        memcpy(&v, p, (size_t)some);
    else
        v = *(const loose_bytes *)p;
#if defined(__AVX512F__)
    return (mask)_mm512_cvtepu8_epi32((__m128i)v);
#elif defined(__AVX2__)
    return (mask)_mm256_cvtepu8_epi32(_mm_set_epi64x(0, (int64_t)v));
#else
    return __builtin_convertvector(v, mask);
#endif
}

/* The low bytes of the first `some` lanes. */
ALWAYS_INLINE void store_bytes(unsigned char *p, mask from, int some)
{
#if defined(__AVX512F__)
    bytes v = (bytes)_mm512_cvtepi32_epi8((__m512i)from);
#elif defined(__AVX2__)
    __m256i low = _mm256_shuffle_epi8((__m256i)from, _mm256_set1_epi32(0x0c080400)); /* to the front of each half */
    __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    bytes v = (bytes)(int64_t)_mm_cvtsi128_si64(both);
#else
    bytes v = __builtin_convertvector(from, bytes);
#endif
    if (some < LANES)
        memcpy(p, &v, (size_t)some);
    else
        *(loose_bytes *)p = v;
}

#endif
