/* SPDX-License-Identifier: Apache-2.0
 * Elementary functions of vectors of floats, for the vector sources.  NaN gives NaN.  Polynomials are minimax fits made
 * for Cornu; the errors stated are the largest found against double over the whole range (tests/kernels). */
#ifndef CNI_VECTOR_MATH_H
#define CNI_VECTOR_MATH_H

#include "kernels/vector.h"

ALWAYS_INLINE lanes vector_abs(lanes x)
{
    return (lanes)((mask)x & 0x7fffffff);
}

/* |x| with the sign of s */
ALWAYS_INLINE lanes with_sign_of(lanes x, lanes s)
{
    return (lanes)(((mask)x & 0x7fffffff) | ((mask)s & (mask)splat(-0.0f)));
}

ALWAYS_INLINE lanes vector_max(lanes a, lanes b) /* NaN if one of them is */
{
    return choose((mask)(a > b) | (mask)(a != a), a, b);
}

ALWAYS_INLINE lanes vector_min(lanes a, lanes b)
{
    return choose((mask)(a < b) | (mask)(a != a), a, b);
}

ALWAYS_INLINE lanes vector_sqrt(lanes x)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
    return (lanes)_mm256_sqrt_ps((__m256)x);
#else
    UNROLL for (int i = 0; i < LANES; i++) x[i] = __builtin_sqrtf(x[i]);
    return x;
#endif
}

/* What stands 8, 4, 2 or 1 lanes further, in the lanes below that. */
#if CNI_VECTOR_BYTES == 64
#define CNI_EIGHT_ON(v) __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)
#define CNI_FOUR_ON(v)  __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15)
#define CNI_TWO_ON(v)   __builtin_shufflevector(v, v, 2, 3, 2, 3, 6, 7, 6, 7, 10, 11, 10, 11, 14, 15, 14, 15)
#define CNI_ONE_ON(v)   __builtin_shufflevector(v, v, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15)
#elif CNI_VECTOR_BYTES == 32
#define CNI_FOUR_ON(v) __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7)
#define CNI_TWO_ON(v)  __builtin_shufflevector(v, v, 2, 3, 2, 3, 6, 7, 6, 7)
#define CNI_ONE_ON(v)  __builtin_shufflevector(v, v, 1, 1, 3, 3, 5, 5, 7, 7)
#else
#define CNI_TWO_ON(v) __builtin_shufflevector(v, v, 2, 3, 2, 3)
#define CNI_ONE_ON(v) __builtin_shufflevector(v, v, 1, 1, 3, 3)
#endif

/* Over the lanes, by halves: the order depends on the width alone. */
ALWAYS_INLINE float sum_of_lanes(lanes v)
{
#if CNI_VECTOR_BYTES == 64
    v += CNI_EIGHT_ON(v);
#endif
#if CNI_VECTOR_BYTES >= 32
    v += CNI_FOUR_ON(v);
#endif
    v += CNI_TWO_ON(v);
    v += CNI_ONE_ON(v);
    return v[0];
}

ALWAYS_INLINE float max_of_lanes(lanes v) /* NaN if there is one */
{
#if CNI_VECTOR_BYTES == 64
    v = vector_max(v, CNI_EIGHT_ON(v));
#endif
#if CNI_VECTOR_BYTES >= 32
    v = vector_max(v, CNI_FOUR_ON(v));
#endif
    v = vector_max(v, CNI_TWO_ON(v));
    return vector_max(v, CNI_ONE_ON(v))[0];
}

/* 2^n for n from -126 to 127 */
ALWAYS_INLINE lanes power_of_2(mask n)
{
    return (lanes)((n + 127) << 23);
}

/* Adding it rounds to an integer, which then stands in the low bits. */
#define CNI_ROUNDS splat(12582912.0f) /* 1.5 * 2^23 */

/* x = n ln 2 + r with |r| <= ln 2 / 2; what comes back is r, and n is told with CNI_ROUNDS added. */
ALWAYS_INLINE lanes reduce_by_ln2(lanes x, lanes *rounded)
{
    *rounded = x * 1.44269504f + CNI_ROUNDS;
    const lanes n = *rounded - CNI_ROUNDS;
    return x - n * 0.693145752f - n * 1.42860677e-6f;
}

ALWAYS_INLINE mask whole_number(lanes rounded)
{
    return (mask)rounded - (mask)CNI_ROUNDS;
}

/* p 2^n, p near 1: all that float has, from 0 to infinity */
ALWAYS_INLINE lanes times_power_of_2(lanes p, lanes rounded)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_scalef_ps((__m512)p, (__m512)(rounded - CNI_ROUNDS));
#else
    const mask n = whole_number(rounded), half = n >> 1; /* 2^n itself may be too large or too small */
    return p * power_of_2(half) * power_of_2(n - half);
#endif
}

/* (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2; error 3e-9 */
ALWAYS_INLINE lanes exp_tail(lanes r)
{
    return (((0.00139505998f * r + 0.00836895406f) * r + 0.041666206f) * r + 0.166665182f) * r + 0.5f;
}

/* exp(r) for |r| <= ln 2 / 2 */
ALWAYS_INLINE lanes exp_near_0(lanes r)
{
    return (exp_tail(r) * r + 1.0f) * r + 1.0f;
}

/* 1 ulp; down to the smallest subnormal */
ALWAYS_INLINE lanes vector_exp(lanes x)
{
    lanes n;
    const lanes r = reduce_by_ln2(vector_at_most(vector_at_least(x, splat(-105.0f)), splat(89.0f)), &n);
    return times_power_of_2(exp_near_0(r), n);
}

/* The same for x up to 0. */
ALWAYS_INLINE lanes vector_exp_of_negative(lanes x)
{
    lanes n;
    const lanes r = reduce_by_ln2(vector_at_least(x, splat(-105.0f)), &n);
    return times_power_of_2(exp_near_0(r), n);
}

/* exp(x) - 1 for x up to 88; 2 ulp */
ALWAYS_INLINE lanes vector_expm1(lanes x)
{
    lanes n;
    const lanes r = reduce_by_ln2(vector_at_most(vector_at_least(x, splat(-30.0f)), splat(88.0f)), &n);
    const lanes p = exp_tail(r) * (r * r) + r, scale = power_of_2(whole_number(n));
    return p * scale + (scale - 1.0f);
}

/* 1 ulp */
ALWAYS_INLINE lanes vector_log(lanes x)
{
    const mask root_half = (mask)splat(0.707106781f);
    const mask small = (mask)(x < 0x1p-126f);
    const lanes normal = choose(small, x * 0x1p23f, x);
    const mask e = ((mask)normal - root_half) >> 23;
    const lanes f = (lanes)((mask)normal - (e << 23)) - 1.0f; /* normal = 2^e (1 + f), 1 + f from root_half on */
    const lanes n = __builtin_convertvector(e - (small & 23), lanes);
    lanes p = -0.0785954669f * f + 0.128816232f;
    p = ((p * f - 0.131287679f) * f + 0.141811967f) * f - 0.166245535f;
    p = ((p * f + 0.200022861f) * f - 0.250008106f) * f + 0.333333164f;
    const lanes f2 = f * f, y = n * 0.693145752f + (f + (f * f2 * p - 0.5f * f2 + n * 1.42860677e-6f));
    const lanes special =
        choose((mask)(x == 0.0f), splat(-__builtin_inff()), choose((mask)(x > 0.0f), x, splat(__builtin_nanf(""))));
    return choose((mask)(x > 0.0f) & (mask)(x < __builtin_inff()), y, special);
}

/* log(1 + x) for x from 0 to 1: 2 artanh(x / (2 + x)); 2 ulp */
ALWAYS_INLINE lanes vector_log1p(lanes x)
{
    const lanes s = x / (x + 2.0f), z = s * s;
    const lanes p = ((0.140122324f * z + 0.139995694f) * z + 0.200108498f) * z + 0.333332062f;
    return 2.0f * (s * z * p + s);
}

/* 1.3 ulp */
ALWAYS_INLINE lanes vector_tanh(lanes x)
{
    const lanes z = x * x, size = vector_abs(x);
    lanes p = -0.00571703678f * z + 0.0206505787f;
    p = ((p * z - 0.0537434965f) * z + 0.133314908f) * z - 0.333332837f;
    const lanes near = x * z * p + x, far = 1.0f - 2.0f / (vector_exp(size + size) + 1.0f);
    return choose((mask)(size < 0.625f), near, with_sign_of(far, x));
}

/* 2.3 ulp */
ALWAYS_INLINE lanes vector_sigmoid(lanes x)
{
    const lanes e = vector_exp_of_negative(-vector_abs(x));
    return choose_by_sign(x, e, splat(1)) / (e + 1.0f);
}

/* The normal distribution, erfc(-x / sqrt 2) / 2.  Of a negative number it is exp(-x^2 / 2) w(t) / (1 + 2 t) for
 * t = |x| / sqrt 2, w a polynomial in (t - 2) / (t + 2) (Shepherd & Laframboise 1981).  What x^2 loses by rounding
 * would be seen in the result, so exp gets it as well.  4 ulp for normal results. */
ALWAYS_INLINE lanes vector_normal(lanes x)
{
    const lanes size = vector_at_most(vector_abs(x), splat(14.4f)), t = size * 0.707106781f;
    const lanes y = (t - 2.0f) / (t + 2.0f), square = size * size;
    lanes w = -0.000199724804f * y - 0.000614001125f;
    w = ((w * y + 0.000656655f) * y + 0.00431504892f) * y - 0.00403007167f;
    w = ((w * y - 0.0271019414f) * y + 0.082027711f) * y - 0.0830157325f;
    w = (w * y - 0.0463819914f) * y + 0.638489185f;
    lanes n;
    const lanes r = reduce_by_ln2(square * -0.5f, &n), lost = multiply_add(size, size, -square);
    const lanes tail = times_power_of_2(exp_near_0(r - 0.5f * lost), n) * w / (t + t + 1.0f);
    return choose_by_sign(x, tail, 1.0f - tail);
}

#endif
