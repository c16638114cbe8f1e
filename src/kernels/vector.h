/* SPDX-License-Identifier: Apache-2.0
 * Vectors of floats for the vector sources, one width per instruction set: arithmetic is that of the compiler's vector
 * types; only what they cannot say stands here per instruction set.  Everything is static. */
#ifndef CNI_VECTOR_H
#define CNI_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { LANES = CNI_VECTOR_BYTES / 4 };

typedef float lanes __attribute__((vector_size(CNI_VECTOR_BYTES)));
typedef int32_t mask __attribute__((vector_size(CNI_VECTOR_BYTES))); /* a lane is 0 or -1 */
typedef float loose_lanes __attribute__((vector_size(CNI_VECTOR_BYTES), aligned(4), may_alias));

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)") /* plain "unroll" comes too late: sums stay in memory */
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

ALWAYS_INLINE lanes load(const float *p)
{
    return *(const loose_lanes *)p;
}

ALWAYS_INLINE void store(float *p, lanes v)
{
    *(loose_lanes *)p = v;
}

ALWAYS_INLINE lanes splat(float x)
{
    return x - (lanes){0};
}

/* Keeps the compiler from loading the same cell again for every use. */
#if defined(__AVX512F__)
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#elif defined(__x86_64__)
#define IN_REGISTER(v) __asm__("" : "+x"(v))
#elif defined(__aarch64__)
#define IN_REGISTER(v) __asm__("" : "+w"(v))
#else
#define IN_REGISTER(v) ((void)0)
#endif

/* Keeps the compiler from knowing how a pointer follows from others, and so from computing it again. */
#define POINTER_IN_REGISTER(p) __asm__("" : "+r"(p))

ALWAYS_INLINE lanes choose(mask which, lanes yes, lanes no)
{
    return (lanes)((which & (mask)yes) | (~which & (mask)no));
}

/* a b + c, rounded once, everywhere: where the compiler may fuse it does so in one copy of a loop and not in the other,
 * and how rows are divided would show. */
ALWAYS_INLINE lanes multiply_add(lanes a, lanes b, lanes c)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
    return (lanes)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
    return (lanes)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

/* max(x, 0) that keeps NaN. */
ALWAYS_INLINE lanes vector_relu(lanes x)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_max_ps(_mm512_setzero_ps(), (__m512)x); /* with a NaN the second operand comes back */
#elif defined(__AVX2__)
    return (lanes)_mm256_max_ps(_mm256_setzero_ps(), (__m256)x);
#else
    return choose((mask)(x <= (lanes){0}), (lanes){0}, x);
#endif
}

/* max(x, least) that keeps NaN. */
ALWAYS_INLINE lanes vector_at_least(lanes x, lanes least)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_max_ps((__m512)least, (__m512)x);
#elif defined(__AVX2__)
    return (lanes)_mm256_max_ps((__m256)least, (__m256)x);
#else
    return choose((mask)(x <= least), least, x);
#endif
}

/* min(x, most) that keeps NaN. */
ALWAYS_INLINE lanes vector_at_most(lanes x, lanes most)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_min_ps((__m512)most, (__m512)x);
#elif defined(__AVX2__)
    return (lanes)_mm256_min_ps((__m256)most, (__m256)x);
#else
    return choose((mask)(x > most), most, x);
#endif
}

/* Where the sign of s is set `negative`, elsewhere `positive`. */
ALWAYS_INLINE lanes choose_by_sign(lanes s, lanes negative, lanes positive)
{
#if defined(__AVX512F__)
    const __mmask16 is_negative = _mm512_cmplt_epi32_mask((__m512i)s, _mm512_setzero_si512());
    return (lanes)_mm512_mask_blend_ps(is_negative, (__m512)positive, (__m512)negative);
#elif defined(__AVX2__)
    return (lanes)_mm256_blendv_ps((__m256)positive, (__m256)negative, (__m256)s);
#else
    return choose((mask)s >> 31, negative, positive);
#endif
}

/* All lanes when `all` is -1; nothing is touched and all are 0 when it is 0. */
ALWAYS_INLINE lanes load_if(const float *p, int32_t all)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_maskz_loadu_ps((__mmask16)all, p);
#elif defined(__AVX2__)
    return (lanes)_mm256_maskload_ps(p, _mm256_set1_epi32(all));
#else
    return all ? load(p) : (lanes){0};
#endif
}

/* The first n lanes, 0 < n <= LANES; nothing beyond them is touched, the others are 0. */

#if defined(__AVX512F__)
ALWAYS_INLINE lanes load_some(const float *p, int n)
{
    return (lanes)_mm512_maskz_loadu_ps((__mmask16)(0xffffu >> (LANES - n)), p);
}

ALWAYS_INLINE void store_some(float *p, lanes v, int n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)(0xffffu >> (LANES - n)), (__m512)v);
}
#elif defined(__AVX2__)
ALWAYS_INLINE __m256i first_lanes(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

ALWAYS_INLINE lanes load_some(const float *p, int n)
{
    return (lanes)_mm256_maskload_ps(p, first_lanes(n));
}

ALWAYS_INLINE void store_some(float *p, lanes v, int n)
{
    _mm256_maskstore_ps(p, first_lanes(n), (__m256)v);
}
#else
ALWAYS_INLINE lanes load_some(const float *p, int n)
{
    lanes v = {0};
    memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
}

ALWAYS_INLINE void store_some(float *p, lanes v, int n)
{
    memcpy(p, &v, (size_t)n * sizeof *p);
}
#endif

/* Two halves of vectors in one, [low | high]; of what lies in memory the first n values each, 0 < n <= LANES / 2. */
#if defined(__AVX512F__)
#define HAS_HALVES 1

ALWAYS_INLINE lanes halves(lanes low, lanes high)
{
    return (lanes)_mm512_mask_blend_ps(0xff00, (__m512)low, (__m512)high);
}

ALWAYS_INLINE lanes load_half_twice(const float *p)
{
    return (lanes)_mm512_castpd_ps(_mm512_broadcast_f64x4(_mm256_castps_pd(_mm256_loadu_ps(p))));
}

ALWAYS_INLINE lanes load_halves(const float *low, const float *high, int n)
{
    const unsigned some = 0xffu >> (LANES / 2 - n);
    const __m512 first = _mm512_maskz_loadu_ps((__mmask16)some, low);
    return (lanes)_mm512_mask_loadu_ps(first, (__mmask16)(some << 8), high - LANES / 2);
}

ALWAYS_INLINE void store_low_half(float *p, lanes v, int n)
{
    if (n == LANES / 2)
        _mm256_storeu_ps(p, _mm512_castps512_ps256((__m512)v));
    else
        store_some(p, v, n);
}

ALWAYS_INLINE void store_high_half(float *p, lanes v, int n)
{
    const __m256d high = _mm512_extractf64x4_pd(_mm512_castps_pd((__m512)v), 1);
    if (n == LANES / 2)
        _mm256_storeu_ps(p, _mm256_castpd_ps(high));
    else
        store_some(p, (lanes)_mm512_castps256_ps512(_mm256_castpd_ps(high)), n);
}
#else
#define HAS_HALVES 0
#endif

#endif
