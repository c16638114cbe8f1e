/* SPDX-License-Identifier: Apache-2.0
 * Random numbers, bit for bit those of Keras 3.15 on JAX 0.10 (XLA on a processor with fused multiply-add).
 *
 * Every fmaf below is one that XLA fuses, and no other operation may be fused: compile with -ffp-contract=off.
 * Constants are the exact floats of XLA's polynomials. */
#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* ---- Mersenne twister: Matsumoto, Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998) ---- */

enum { MT_SIZE = 624, MT_SHIFT = 397 };

void cni_mt_seed_numpy(cni_mt19937 *mt, uint32_t seed)
{
    uint32_t *word = mt->word;
    word[0] = seed;
    for (uint32_t j = 1; j < MT_SIZE; j++) word[j] = 1812433253u * (word[j - 1] ^ word[j - 1] >> 30) + j;
    mt->next = MT_SIZE;
}

/* The reference init_by_array with a key of one word; the longer of the two lengths is always MT_SIZE. */
void cni_mt_seed_python(cni_mt19937 *mt, uint32_t seed)
{
    cni_mt_seed_numpy(mt, 19650218u);
    uint32_t *word = mt->word;
    uint32_t i = 1;
    for (uint32_t k = 0; k < MT_SIZE; k++) {
        word[i] = (word[i] ^ (word[i - 1] ^ word[i - 1] >> 30) * 1664525u) + seed;
        if (++i == MT_SIZE) word[0] = word[MT_SIZE - 1], i = 1;
    }
    for (uint32_t k = 0; k < MT_SIZE - 1; k++) {
        word[i] = (word[i] ^ (word[i - 1] ^ word[i - 1] >> 30) * 1566083941u) - i;
        if (++i == MT_SIZE) word[0] = word[MT_SIZE - 1], i = 1;
    }
    word[0] = 0x80000000u;
}

static void mt_refill(cni_mt19937 *mt)
{
    uint32_t *word = mt->word;
    for (int i = 0; i < MT_SIZE; i++) {
        uint32_t y = (word[i] & 0x80000000u) | (word[(i + 1) % MT_SIZE] & 0x7fffffffu);
        word[i] = word[(i + MT_SHIFT) % MT_SIZE] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    mt->next = 0;
}

uint32_t cni_mt_next(cni_mt19937 *mt)
{
    if (mt->next >= MT_SIZE) mt_refill(mt);
    uint32_t y = mt->word[mt->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

uint32_t cni_py_default_seed(cni_mt19937 *mt)
{
    return cni_py_below(mt, 1000000000u) + 1;
}

uint32_t cni_py_below(cni_mt19937 *mt, uint32_t n)
{
    assert(n > 0);
    int bits = 1;
    while (bits < 32 && n >> bits) bits++;
    uint32_t r;
    do r = cni_mt_next(mt) >> (32 - bits);
    while (r >= n);
    return r;
}

static void swap(size_t *a, size_t *b)
{
    size_t t = *a;
    *a = *b;
    *b = t;
}

void cni_py_shuffle(cni_mt19937 *mt, size_t *items, size_t n)
{
    assert(n <= UINT32_MAX);
    for (size_t i = n; i-- > 1;) swap(&items[i], &items[cni_py_below(mt, (uint32_t)i + 1)]);
}

/* 0 .. most */
static uint32_t numpy_interval(cni_mt19937 *mt, uint32_t most)
{
    if (most == 0) return 0; /* without drawing, as NumPy */
    uint32_t mask = most;
    for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    uint32_t value;
    do value = cni_mt_next(mt) & mask;
    while (value > most);
    return value;
}

void cni_np_permutation(cni_mt19937 *mt, size_t *out, size_t n)
{
    assert(n <= UINT32_MAX);
    for (size_t i = 0; i < n; i++) out[i] = i;
    for (size_t i = n; i-- > 1;) swap(&out[i], &out[numpy_interval(mt, (uint32_t)i)]);
}

/* ---- threefry2x32, 20 rounds: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 ---- */

cni_key cni_seed_next(cni_key *state)
{
    cni_key key = *state;
    state->k1++;
    return key;
}

cni_key cni_seed_next_unordered(cni_key *state)
{
    cni_key key = *state;
    state->k0 = (key.k0 + 1) * 5387u % 933199u;
    state->k1 = (key.k1 + 1) * 5387u % 933199u;
    return key;
}

INLINE void mix(cni_key *x, int rotation)
{
    x->k0 += x->k1;
    x->k1 = x->k1 << rotation | x->k1 >> (32 - rotation);
    x->k1 ^= x->k0;
}

INLINE void four_rounds(cni_key *x, int r0, int r1, int r2, int r3, uint32_t add0, uint32_t add1)
{
    mix(x, r0);
    mix(x, r1);
    mix(x, r2);
    mix(x, r3);
    x->k0 += add0;
    x->k1 += add1;
}

INLINE cni_key threefry(cni_key key, uint32_t x0, uint32_t x1)
{
    uint32_t k0 = key.k0, k1 = key.k1, k2 = k0 ^ k1 ^ 0x1bd11bdau;
    cni_key x = {x0 + k0, x1 + k1};
    four_rounds(&x, 13, 15, 26, 6, k1, k2 + 1);
    four_rounds(&x, 17, 29, 16, 24, k2, k0 + 2);
    four_rounds(&x, 13, 15, 26, 6, k0, k1 + 3);
    four_rounds(&x, 17, 29, 16, 24, k1, k2 + 4);
    four_rounds(&x, 13, 15, 26, 6, k2, k0 + 5);
    return x;
}

cni_key cni_threefry(cni_key key, uint32_t x0, uint32_t x1)
{
    return threefry(key, x0, x1);
}

cni_key cni_split(cni_key key, uint32_t i)
{
    return threefry(key, 0, i);
}

uint32_t cni_bits(cni_key key, uint64_t i)
{
    cni_key x = threefry(key, (uint32_t)(i >> 32), (uint32_t)i);
    return x.k0 ^ x.k1;
}

/* ---- floats ---- */

INLINE float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

INLINE uint32_t to_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* yes ? a : b, in a form that stays free of branches and so lets the loops below become vector code. */
INLINE float choose(bool yes, float a, float b)
{
    uint32_t mask = -(uint32_t)yes;
    return from_bits((to_bits(a) & mask) | (to_bits(b) & ~mask));
}

/* The Cephes logarithm as XLA evaluates it: y = m * 2^e with m in [sqrt(1/2), sqrt(2)). */
INLINE float logx(float y)
{
    uint32_t b = to_bits(choose(y > 0x1p-126f, y, 0x1p-126f));
    float m = from_bits((b & 0x807fffffu) | 0x3f000000u);
    bool low = m < 0x1.6a09e6p-1f;
    float e = (float)((int32_t)(b >> 23) - 127) + 1.0f - choose(low, 1.0f, 0.0f);
    float x = (m - 1.0f) + choose(low, m, 0.0f);
    float z = x * x, z3 = z * x;
    float p0 = fmaf(fmaf(x, 0x1.204376p-4f, -0x1.d7a370p-4f), x, 0x1.de4a34p-4f);
    float p1 = fmaf(fmaf(x, -0x1.fcba9ep-4f, 0x1.23d37ep-3f), x, -0x1.555ca0p-3f);
    float p2 = fmaf(fmaf(x, 0x1.999d58p-3f, -0x1.fffff8p-3f), x, 0x1.555554p-2f);
    float p = fmaf(z3, fmaf(z3, p0, p1), p2);
    float q = fmaf(z3, p, e * -0x1.bd0106p-13f);
    float r = fmaf(-z, 0.5f, x) + q;
    return fmaf(e, 0x1.63p-1f, r);
}

INLINE float log1p_near_0(float t)
{
    float n = 4.527e-05f, d = 1.0f;
    n = fmaf(n, t, 0x1.fe818ap-2f), d = fmaf(d, t, 0x1.e2035ap+3f);
    n = fmaf(n, t, 0x1.a509f4p+2f), d = fmaf(d, t, 0x1.4c30b6p+6f);
    n = fmaf(n, t, 0x1.de9738p+4f), d = fmaf(d, t, 0x1.bb865ap+7f);
    n = fmaf(n, t, 0x1.e798ecp+5f), d = fmaf(d, t, 0x1.351946p+8f);
    n = fmaf(n, t, 0x1.c8e75ap+5f), d = fmaf(d, t, 0x1.b0db14p+7f);
    n = fmaf(n, t, 0x1.40a202p+4f), d = fmaf(d, t, 0x1.e0f304p+5f);
    float t2 = t * t;
    float e = fmaf(-t2, 0.5f, (t * t2) * (n / d));
    return t + e;
}

INLINE float log1px(float t)
{
    return choose(fabsf(t) >= 0x1.a8279ap-2f, logx(t + 1.0f), log1p_near_0(t));
}

/* Giles, "Approximating the erfinv function", GPU Computing Gems 2 (2011). */
INLINE float erfinv(float u)
{
    float l = log1px(u * -u);
    bool near = l > -5.0f;
    float w = choose(near, -2.5f - l, sqrtf(-l) - 3.0f);
    float p = choose(near, 0x1.e2cb10p-26f, -0x1.a3e136p-13f);
    p = fmaf(p, w, choose(near, 0x1.70966cp-22f, 0x1.a76ad6p-14f));
    p = fmaf(p, w, choose(near, -0x1.d8e6aep-19f, 0x1.61b8e4p-10f));
    p = fmaf(p, w, choose(near, -0x1.26b582p-18f, -0x1.e17bcep-9f));
    p = fmaf(p, w, choose(near, 0x1.ca65b6p-13f, 0x1.7824f6p-8f));
    p = fmaf(p, w, choose(near, -0x1.48a810p-10f, -0x1.f38baep-8f));
    p = fmaf(p, w, choose(near, -0x1.11c9dep-8f, 0x1.354afcp-7f));
    p = fmaf(p, w, choose(near, 0x1.f91ec6p-3f, 0x1.006db6p+0f));
    p = fmaf(p, w, choose(near, 0x1.805c5ep+0f, 0x1.6a9efcp+1f));
    return u * p;
}

#define SQRT_2  0x1.6a09e6p+0f
#define ERF_CUT 0x1.e8b430p-1f /* erf(sqrt(2)), where the truncated normal is cut, as XLA computes it */

INLINE float unit_of(uint32_t bits)
{
    return (float)(int32_t)(bits >> 9) * 0x1p-23f; /* signed: the conversion that every vector unit has */
}

INLINE float uniform_of(uint32_t bits, float low, float width)
{
    float x = fmaf(unit_of(bits), width, low);
    return choose(x < low, low, x);
}

INLINE float erfinv_of(uint32_t bits)
{
    return erfinv(uniform_of(bits, -0x1.fffffep-1f, 2.0f)); /* 1 - -0x1.fffffep-1 rounds to 2 */
}

INLINE float normal1_of(uint32_t bits)
{
    return erfinv_of(bits) * SQRT_2;
}

INLINE float trunc1_of(uint32_t bits)
{
    float x = erfinv(uniform_of(bits, -ERF_CUT, ERF_CUT - -ERF_CUT)) * SQRT_2;
    x = choose(x < -0x1.fffffep+0f, -0x1.fffffep+0f, x);
    return choose(x > 0x1.fffffep+0f, 0x1.fffffep+0f, x);
}

float cni_logx(float y)
{
    return logx(y);
}

float cni_log1p(float t)
{
    return log1px(t);
}

float cni_erfinv(float u)
{
    return erfinv(u);
}

float cni_unit(cni_key key, uint64_t i)
{
    return unit_of(cni_bits(key, i));
}

float cni_uniform(cni_key key, uint64_t i, float low, float high)
{
    return uniform_of(cni_bits(key, i), low, high - low);
}

float cni_normal1(cni_key key, uint64_t i)
{
    return normal1_of(cni_bits(key, i));
}

float cni_trunc1(cni_key key, uint64_t i)
{
    return trunc1_of(cni_bits(key, i));
}

float cni_normal(cni_key key, uint64_t i, float mean, float sd)
{
    return cni_normal1(key, i) * sd + mean;
}

float cni_truncated_normal(cni_key key, uint64_t i, float mean, float sd)
{
    return cni_trunc1(key, i) * sd + mean;
}

/* ---- integers, categories, orders ---- */

int32_t cni_randint(cni_key key, uint64_t i, int32_t low, int32_t high)
{
    uint32_t span = high > low ? (uint32_t)high - (uint32_t)low : 1;
    uint32_t m = 65536u % span;
    m = m * m % span;
    uint32_t a = cni_bits(cni_split(key, 0), i), b = cni_bits(cni_split(key, 1), i);
    return (int32_t)((uint32_t)low + (a % span * m + b % span) % span);
}

void cni_categorical(cni_key key, const float *logits, size_t rows, size_t classes, size_t samples, int32_t *out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t s = 0; s < samples; s++) {
            float best = -INFINITY;
            int32_t at = 0;
            for (size_t c = 0; c < classes; c++) {
                float u = cni_unit(key, (r * classes + c) * samples + s) + 0x1p-126f;
                float gumbel = -logx(-logx(u));
                float value = gumbel + logits[r * classes + c];
                if (value > best) best = value, at = (int32_t)c;
            }
            out[r * samples + s] = at;
        }
}

typedef struct sort_item {
    uint32_t bits, place; /* equal bits keep their order */
    size_t value;
} sort_item;

static int by_bits(const void *a, const void *b)
{
    const sort_item *x = a, *y = b;
    if (x->bits != y->bits) return x->bits < y->bits ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

bool cni_shuffle(cni_key key, size_t *out, size_t n)
{
    assert(n <= UINT32_MAX);
    for (size_t i = 0; i < n; i++) out[i] = i;
    if (n < 2) return true;
    sort_item *items = calloc(n, sizeof *items);
    if (!items) return false;
    int rounds = (int)ceil(3 * log((double)n) / log(4294967295.0));
    for (; rounds > 0; rounds--) {
        cni_key sub = cni_split(key, 1);
        key = cni_split(key, 0);
        for (size_t i = 0; i < n; i++) items[i] = (sort_item){cni_bits(sub, i), (uint32_t)i, out[i]};
        qsort(items, n, sizeof *items, by_bits);
        for (size_t i = 0; i < n; i++) out[i] = items[i].value;
    }
    free(items);
    return true;
}

/* ---- bulk ----
 * Blocks of 64 indices, aligned in the index so that the high counter word is one per block; a ragged block is made
 * whole and copied in part.  The block functions are compiled for several instruction sets and give the same bits
 * with each, since fmaf is exact everywhere; without the hardware's fmaf the normals merely take long. */

enum { BLOCK = 64 };

typedef struct fill {
    cni_key key;
    float a, b; /* low and width; or mean and standard deviation */
    uint32_t threshold;
} fill;

typedef void block_function(void *out, const fill *f, uint64_t start);

INLINE uint32_t block_bits(const fill *f, uint64_t start, uint32_t j)
{
    cni_key x = threefry(f->key, (uint32_t)(start >> 32), (uint32_t)start + j);
    return x.k0 ^ x.k1;
}

#define FOR_BLOCK(type, expression)                                                                                    \
    do {                                                                                                               \
        const fill g = *f;                                                                                             \
        type *restrict to = out;                                                                                       \
        for (uint32_t j = 0; j < BLOCK; j++) {                                                                         \
            uint32_t bits = block_bits(&g, start, j);                                                                  \
            to[j] = expression;                                                                                        \
        }                                                                                                              \
    } while (0)

INLINE void bits_block(void *out, const fill *f, uint64_t start)
{
    FOR_BLOCK(uint32_t, bits);
}

INLINE void uniform_block(void *out, const fill *f, uint64_t start)
{
    FOR_BLOCK(float, uniform_of(bits, g.a, g.b));
}

INLINE void erfinv_block(void *out, const fill *f, uint64_t start)
{
    FOR_BLOCK(float, erfinv_of(bits));
}

INLINE void normal_block(void *out, const fill *f, uint64_t start)
{
    FOR_BLOCK(float, normal1_of(bits) * g.b + g.a);
}

INLINE void truncated_block(void *out, const fill *f, uint64_t start)
{
    FOR_BLOCK(float, trunc1_of(bits) * g.b + g.a);
}

INLINE void keep_block(void *out, const fill *f, uint64_t start)
{
    uint32_t kept[BLOCK];
    {
        const fill g = *f;
        for (uint32_t j = 0; j < BLOCK; j++) kept[j] = cni_keep(block_bits(&g, start, j), g.threshold);
    }
    uint8_t *to = out;
    for (uint32_t j = 0; j < BLOCK; j++) to[j] = (uint8_t)kept[j];
}

enum { BITS, UNIFORM, ERFINV, NORMAL, TRUNCATED, KEEP, FILLS };

#define COMPILED_FOR(isa, attribute)                                                                                   \
    attribute static void bits_##isa(void *out, const fill *f, uint64_t start)                                         \
    {                                                                                                                  \
        bits_block(out, f, start);                                                                                     \
    }                                                                                                                  \
    attribute static void uniform_##isa(void *out, const fill *f, uint64_t start)                                      \
    {                                                                                                                  \
        uniform_block(out, f, start);                                                                                  \
    }                                                                                                                  \
    attribute static void erfinv_##isa(void *out, const fill *f, uint64_t start)                                       \
    {                                                                                                                  \
        erfinv_block(out, f, start);                                                                                   \
    }                                                                                                                  \
    attribute static void normal_##isa(void *out, const fill *f, uint64_t start)                                       \
    {                                                                                                                  \
        normal_block(out, f, start);                                                                                   \
    }                                                                                                                  \
    attribute static void truncated_##isa(void *out, const fill *f, uint64_t start)                                    \
    {                                                                                                                  \
        truncated_block(out, f, start);                                                                                \
    }                                                                                                                  \
    attribute static void keep_##isa(void *out, const fill *f, uint64_t start)                                         \
    {                                                                                                                  \
        keep_block(out, f, start);                                                                                     \
    }                                                                                                                  \
    static block_function *const blocks_##isa[FILLS] = {bits_##isa,   uniform_##isa,   erfinv_##isa,                   \
                                                        normal_##isa, truncated_##isa, keep_##isa}

COMPILED_FOR(any, );
#if defined __x86_64__
COMPILED_FOR(avx2, __attribute__((target("avx2,fma"))));
COMPILED_FOR(avx512, __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))));
#endif

static block_function *const *blocks_here(void)
{
#if defined __x86_64__
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return blocks_avx512;
    if (avx2) return blocks_avx2;
#endif
    return blocks_any;
}

static void fill_range(int kind, char *out, size_t size, size_t begin, size_t end, const fill *f)
{
    block_function *block = blocks_here()[kind];
    char part[BLOCK * sizeof(float)];
    for (size_t start = begin - begin % BLOCK; start < end; start += BLOCK) {
        size_t from = start < begin ? begin : start, to = end - start < BLOCK ? end : start + BLOCK;
        if (to - from == BLOCK) {
            block(out + start * size, f, start);
        } else {
            block(part, f, start);
            memcpy(out + from * size, part + (from - start) * size, (to - from) * size);
        }
    }
}

void cni_fill_bits(uint32_t *out, size_t begin, size_t end, cni_key key)
{
    fill_range(BITS, (char *)out, sizeof *out, begin, end, &(fill){.key = key});
}

void cni_fill_uniform(float *out, size_t begin, size_t end, cni_key key, float low, float high)
{
    fill_range(UNIFORM, (char *)out, sizeof *out, begin, end, &(fill){.key = key, .a = low, .b = high - low});
}

void cni_fill_erfinv(float *out, size_t begin, size_t end, cni_key key)
{
    fill_range(ERFINV, (char *)out, sizeof *out, begin, end, &(fill){.key = key});
}

void cni_fill_normal(float *out, size_t begin, size_t end, cni_key key, float mean, float sd)
{
    fill_range(NORMAL, (char *)out, sizeof *out, begin, end, &(fill){.key = key, .a = mean, .b = sd});
}

void cni_fill_truncated_normal(float *out, size_t begin, size_t end, cni_key key, float mean, float sd)
{
    fill_range(TRUNCATED, (char *)out, sizeof *out, begin, end, &(fill){.key = key, .a = mean, .b = sd});
}

uint32_t cni_keep_threshold(double rate)
{
    float keep = (float)(1.0 - rate);
    return (uint32_t)ceilf(keep * 0x1p23f);
}

void cni_fill_keep(uint8_t *mask, size_t begin, size_t end, cni_key key, uint32_t threshold)
{
    fill_range(KEEP, (char *)mask, sizeof *mask, begin, end, &(fill){.key = key, .threshold = threshold});
}
