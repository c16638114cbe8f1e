/* SPDX-License-Identifier: Apache-2.0
 * Random numbers, bit for bit those of Keras 3 on JAX.  Three generators: Python's MT19937 hands out default seeds,
 * NumPy's shuffles rows, threefry2x32 makes every tensor.
 *
 * A tensor's element i (row-major) depends only on the key and on i, so any range can be drawn by any thread.  The
 * fill functions take the start of the *whole* tensor and write out[begin] .. out[end - 1].
 * Nothing here allocates unless it says so; all functions may run in any thread, on objects of their own. */
#ifndef CNI_RANDOM_H
#define CNI_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Mersenne twister */

typedef struct cni_mt19937 {
    uint32_t word[624];
    int next; /* the word that is handed out next; 624 = all used */
} cni_mt19937;

void cni_mt_seed_python(cni_mt19937 *mt, uint32_t seed); /* random.seed(seed) */
void cni_mt_seed_numpy(cni_mt19937 *mt, uint32_t seed);  /* numpy.random.seed(seed) */
uint32_t cni_mt_next(cni_mt19937 *mt);

/** Keras' seed for a layer or initializer without one: random.randint(1, 10**9). */
uint32_t cni_py_default_seed(cni_mt19937 *mt);
uint32_t cni_py_below(cni_mt19937 *mt, uint32_t n); /* 0 .. n - 1; n > 0 */
void cni_py_shuffle(cni_mt19937 *mt, size_t *items, size_t n);

/** numpy.random.permutation(n); n < 2^32. */
void cni_np_permutation(cni_mt19937 *mt, size_t *out, size_t n);

/* Threefry */

/** A key is Keras' pair [seed, counter]; an initializer's is {seed, 0}. */
typedef struct cni_key {
    uint32_t k0, k1;
} cni_key;

/** keras.random.SeedGenerator: the key of this call; the state moves on.  Layers use the first, keras.random.* without
 *  a seed the second. */
cni_key cni_seed_next(cni_key *state);
cni_key cni_seed_next_unordered(cni_key *state);

cni_key cni_threefry(cni_key key, uint32_t x0, uint32_t x1);
uint32_t cni_bits(cni_key key, uint64_t i);
cni_key cni_split(cni_key key, uint32_t i); /* sub-key i */

float cni_unit(cni_key key, uint64_t i); /* [0, 1), a multiple of 2^-23 */
float cni_uniform(cni_key key, uint64_t i, float low, float high);
float cni_normal1(cni_key key, uint64_t i);
float cni_trunc1(cni_key key, uint64_t i); /* within (-2, 2) */
float cni_normal(cni_key key, uint64_t i, float mean, float sd);
float cni_truncated_normal(cni_key key, uint64_t i, float mean, float sd);
int32_t cni_randint(cni_key key, uint64_t i, int32_t low, int32_t high); /* low .. high - 1 */

/** keras.random.categorical of logits [rows, classes] into out [rows, samples]. */
void cni_categorical(cni_key key, const float *logits, size_t rows, size_t classes, size_t samples, int32_t *out);

/** keras.random.shuffle of 0 .. n - 1; n < 2^32.  Allocates 16 n bytes meanwhile; false when there is no memory. */
bool cni_shuffle(cni_key key, size_t *out, size_t n);

/* XLA's float functions, as far as the normals need them */
float cni_erfinv(float u); /* -1 < u < 1 */
float cni_log1p(float t);  /* -1 < t <= 0 */
float cni_logx(float y);   /* natural logarithm; 0 < y < infinity */

/* Bulk */

void cni_fill_bits(uint32_t *out, size_t begin, size_t end, cni_key key);
void cni_fill_uniform(float *out, size_t begin, size_t end, cni_key key, float low, float high);
void cni_fill_normal(float *out, size_t begin, size_t end, cni_key key, float mean, float sd);
void cni_fill_truncated_normal(float *out, size_t begin, size_t end, cni_key key, float mean, float sd);
/** normal1 / sqrt(2), that is erfinv of the uniform: what GaussianNoise and GaussianDropout multiply. */
void cni_fill_erfinv(float *out, size_t begin, size_t end, cni_key key);

/** Dropout: element i is kept if (bits >> 9) < threshold.  rate in [0, 1]. */
uint32_t cni_keep_threshold(double rate);
static inline bool cni_keep(uint32_t bits, uint32_t threshold)
{
    return bits >> 9 < threshold;
}
void cni_fill_keep(uint8_t *mask, size_t begin, size_t end, cni_key key, uint32_t threshold); /* 1 = kept, 0 = not */

#endif
