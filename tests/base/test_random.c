/* SPDX-License-Identifier: Apache-2.0
 * Random numbers: every value below came from CPython, NumPy, or Keras 3.15.1 on JAX 0.10.2, as float bits. */
#include "base/random.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static float f32(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t b32(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

#define assert_bits(got, want) assert_bits_((got), (want), #got, __LINE__)
static void assert_bits_(float got, uint32_t want, const char *what, int line)
{
    if (b32(got) != want)
        fail_msg("line %d: %s is %08x (%.9g), expected %08x (%.9g)", line, what, b32(got), got, want, f32(want));
}

static void mt_first_words(void **state)
{
    (void)state;
    static const uint32_t want[][5] = {{0, 3626764237u, 1654615998u, 2357136044u, 2546248239u},
                                       {7, 1390851128u, 4071050724u, 327741615u, 976413892u},
                                       {42, 2746317213u, 478163327u, 1608637542u, 3421126067u}};
    for (size_t i = 0; i < COUNT(want); i++) {
        cni_mt19937 mt;
        cni_mt_seed_python(&mt, want[i][0]);
        assert_int_equal(cni_mt_next(&mt), want[i][1]);
        assert_int_equal(cni_mt_next(&mt), want[i][2]);
        cni_mt_seed_numpy(&mt, want[i][0]);
        assert_int_equal(cni_mt_next(&mt), want[i][3]);
        assert_int_equal(cni_mt_next(&mt), want[i][4]);
    }
}

/* std::mt19937: the 10000th word with the default seed 5489 is 4123659995 by the C++ standard. */
static void mt_ten_thousandth_word(void **state)
{
    (void)state;
    cni_mt19937 mt;
    cni_mt_seed_numpy(&mt, 5489);
    for (int i = 1; i < 10000; i++) cni_mt_next(&mt);
    assert_int_equal(cni_mt_next(&mt), 4123659995u);
}

static void default_seeds(void **state)
{
    (void)state;
    static const uint32_t want[][7] = {
        {0, 906691060, 413654000, 813847340, 955892129, 451585302, 43469774},
        {7, 347712783, 161973070, 423938500, 698935573, 51847157, 77777869},
        {42, 686579304, 119540832, 26855093, 796233791, 295310486, 262950629},
    };
    for (size_t i = 0; i < COUNT(want); i++) {
        cni_mt19937 mt;
        cni_mt_seed_python(&mt, want[i][0]);
        for (size_t j = 1; j < 7; j++) assert_int_equal(cni_py_default_seed(&mt), want[i][j]);
    }
}

static void check_order(const size_t *got, const int *want, size_t n)
{
    for (size_t i = 0; i < n; i++) assert_int_equal(got[i], want[i]);
}

static void permutations(void **state)
{
    (void)state;
    static const int want[][2][10] = {{{2, 8, 4, 9, 1, 6, 7, 3, 0, 5}, {3, 5, 1, 2, 9, 8, 0, 6, 7, 4}},
                                      {{8, 1, 5, 0, 7, 2, 9, 4, 3, 6}, {0, 1, 8, 5, 3, 4, 7, 9, 6, 2}}};
    static const uint32_t seeds[] = {0, 42};
    size_t order[20];
    cni_mt19937 mt;
    for (size_t i = 0; i < COUNT(want); i++) {
        cni_mt_seed_numpy(&mt, seeds[i]);
        for (size_t j = 0; j < 2; j++) {
            cni_np_permutation(&mt, order, 10);
            check_order(order, want[i][j], 10);
        }
    }
    /* the three permutations of Keras' first fit of 20 rows: one is thrown away, two epochs */
    static const int fit[][20] = {{1, 17, 2, 5, 11, 0, 18, 6, 13, 19, 10, 14, 8, 16, 9, 12, 7, 3, 4, 15},
                                  {18, 7, 15, 14, 17, 3, 1, 10, 4, 6, 9, 8, 2, 0, 13, 11, 16, 5, 12, 19},
                                  {8, 2, 6, 1, 17, 4, 5, 11, 13, 14, 15, 19, 3, 9, 10, 18, 7, 12, 16, 0}};
    cni_mt_seed_numpy(&mt, 7);
    for (size_t i = 0; i < COUNT(fit); i++) {
        cni_np_permutation(&mt, order, 20);
        check_order(order, fit[i], 20);
    }
}

static void seed_generator(void **state)
{
    (void)state;
    /* keras.random.* without a seed after set_random_seed(7) */
    static const uint32_t want[][2] = {{347712783, 0}, {434912, 5387}, {546841, 95987}, {661810, 95110}};
    cni_key key = {347712783, 0};
    for (size_t i = 0; i < COUNT(want); i++) {
        cni_key got = cni_seed_next_unordered(&key);
        assert_int_equal(got.k0, want[i][0]);
        assert_int_equal(got.k1, want[i][1]);
    }
    key = (cni_key){161973070, 0}; /* a Dropout layer after 6 steps */
    for (uint32_t i = 0; i < 6; i++) assert_int_equal(cni_seed_next(&key).k1, i);
    assert_int_equal(key.k0, 161973070);
    assert_int_equal(key.k1, 6);
}

/* The known answers of Random123. */
static void threefry(void **state)
{
    (void)state;
    cni_key got = cni_threefry((cni_key){0, 0}, 0, 0);
    assert_int_equal(got.k0, 0x6b200159);
    assert_int_equal(got.k1, 0x99ba4efe);
    got = cni_threefry((cni_key){UINT32_MAX, UINT32_MAX}, UINT32_MAX, UINT32_MAX);
    assert_int_equal(got.k0, 0x1cb996fc);
    assert_int_equal(got.k1, 0xbb002be7);
    got = cni_threefry((cni_key){0x13198a2e, 0x03707344}, 0x243f6a88, 0x85a308d3);
    assert_int_equal(got.k0, 0xc4923a9c);
    assert_int_equal(got.k1, 0x483df7a0);
}

typedef struct draws {
    cni_key key;
    uint32_t bits[8], units[8], uniforms[8], normals[8], truncated[8], split[4];
    int integers[12], order[10];
} draws;

static const draws drawn[] = {
    {{42, 0},
     {0x911532a1, 0x10c7cdb8, 0x61b54987, 0xb6433e01, 0xc940cb96, 0x67244373, 0x7ffb838b, 0x7577e53f},
     {4754073, 549862, 3201700, 5972383, 6594661, 3379745, 4193729, 3849202},
     {0x3d23fead, 0xbe8576a5, 0xbd9166a7, 0x3e023afc, 0x3e2fceb2, 0xbd6ea3ed, 0xb82c8000, 0xbcca354d},
     {0x3e2c1669, 0xbfc140c2, 0xbe9a28a7, 0x3f0f2329, 0x3f4b09a5, 0xbe7bc190, 0xb93415e7, 0xbdd3914a},
     {0x3e243037, 0xbfaf61dc, 0xbe92f19c, 0x3f07f504, 0x3f3fca28, 0xbe70156c, 0xb92bf765, 0xbdc9e8c8},
     {0xde79f4b9, 0x4f6cc618, 0xe6bdada3, 0xf67a601b},
     {9, 6, 4, 2, 8, 1, 7, 6, 4, 1, 1, 0},
     {4, 3, 2, 8, 7, 6, 0, 5, 9, 1}},
    {{42, 1},
     {0xb93095be, 0xf60c1e02, 0x24c261b8, 0x2d7ae266, 0x5f8eef1a, 0x58fa2b25, 0x615f5966, 0x85c7f68a},
     {6068298, 8062479, 1204528, 1490289, 3131255, 2915605, 3190700, 4383739},
     {0x3e094164, 0x3e8da824, 0xbe5afa4d, 0xbe460c49, 0xbd9bb857, 0xbdbb4f37, 0xbd930327, 0x3c5dfe81},
     {0x3f17cc86, 0x3fe1c63c, 0xbf883bc5, 0xbf6ca11e, 0xbea5797f, 0xbec8a6b4, 0xbe9bebb1, 0x3d67fb34},
     {0x3f101734, 0x3fc729b2, 0xbf7ec89e, 0xbf5e8ee0, 0xbe9db255, 0xbebf12f8, 0xbe949e54, 0x3d5d6a4b},
     {0xbe1884e6, 0x07281158, 0x1a4bb9cd, 0xec47a7cf},
     {4, 3, 3, 8, 9, 2, 4, 7, 5, 8, 3, 5},
     {4, 1, 3, 0, 2, 8, 6, 9, 7, 5}},
};

static void single_draws(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(drawn); k++) {
        const draws *d = &drawn[k];
        for (uint32_t i = 0; i < 8; i++) {
            assert_int_equal(cni_bits(d->key, i), d->bits[i]);
            assert_true(cni_unit(d->key, i) * 0x1p23f == (float)d->units[i]);
            assert_bits(cni_uniform(d->key, i, -0.3f, 0.3f), d->uniforms[i]);
            assert_bits(cni_normal1(d->key, i), d->normals[i]);
            assert_bits(cni_trunc1(d->key, i), d->truncated[i]);
        }
        for (uint32_t i = 0; i < 2; i++) {
            cni_key sub = cni_split(d->key, i);
            assert_int_equal(sub.k0, d->split[2 * i]);
            assert_int_equal(sub.k1, d->split[2 * i + 1]);
        }
        for (uint32_t i = 0; i < 12; i++) assert_int_equal(cni_randint(d->key, i, 0, 10), d->integers[i]);
        size_t order[10];
        assert_true(cni_shuffle(d->key, order, 10));
        check_order(order, d->order, 10);
    }
    /* keras.random.uniform((4,), seed=42) */
    static const double uniforms[] = {0.566729665, 0.0655486584, 0.381672382, 0.711963534};
    for (uint32_t i = 0; i < 4; i++) assert_true(cni_uniform((cni_key){42, 0}, i, 0, 1) == (float)uniforms[i]);
    size_t one = 7;
    assert_true(cni_shuffle((cni_key){1, 2}, &one, 1));
    assert_int_equal(one, 0);
    assert_true(cni_shuffle((cni_key){1, 2}, &one, 0));
}

static void normals(void **state)
{
    (void)state;
    static const uint32_t want[] = {0xbf6566aa, 0xbf66be2d, 0xc047608c, 0x3e7c32b7,
                                    0xbf5a5a29, 0x3f8b6fa1, 0xbf17a361, 0x3f9f33ce};
    for (uint32_t i = 0; i < COUNT(want); i++) assert_bits(cni_normal1((cni_key){123456789, 0}, i), want[i]);
    assert_bits(cni_trunc1((cni_key){123456789, 0}, 2), 0xbffdf424); /* far tail */

    static float x[10000];
    cni_fill_normal(x, 0, COUNT(x), (cni_key){42, 0}, 0, 1);
    uint32_t all = 0;
    float least = x[0], most = x[0];
    for (size_t i = 0; i < COUNT(x); i++) {
        all ^= b32(x[i]);
        least = fminf(least, x[i]);
        most = fmaxf(most, x[i]);
    }
    assert_int_equal(all, 0x78103ccc);
    assert_true(least == -3.95931745f);
    assert_true(most == 3.62525392f);
}

static void functions(void **state)
{
    (void)state;
    static const uint32_t inverse[][3] = {/* u, erfinv(u), log1p(-u * u) */
                                          {0xbf7fffff, 0xc07547ca, 0xc17f1402}, {0xbf000000, 0xbef430fe, 0xbe934b10},
                                          {0xbc23d70a, 0xbc113406, 0xb8d1b9c6}, {0x38d1b717, 0x38b9daf1, 0xb22bcc76},
                                          {0x3e99999a, 0x3e8b803d, 0xbdc125f6}, {0x3f23d70a, 0x3f25b2e2, 0xbf06e686},
                                          {0x3f266666, 0x3f292dbf, 0xbf0c8e54}, {0x3f666666, 0x3f94e009, 0xbfd492d4},
                                          {0x3f7fbe77, 0x4014e999, 0xc0c6e254}, {0x3f7ff972, 0x403010d3, 0xc10845be}};
    for (size_t i = 0; i < COUNT(inverse); i++) {
        float u = f32(inverse[i][0]);
        assert_bits(cni_erfinv(u), inverse[i][1]);
        assert_bits(cni_log1p(u * -u), inverse[i][2]);
    }
    static const uint32_t logarithm[][2] = {{0x3dcccccd, 0xc0135d8e},
                                            {0x3f000000, 0xbf317218},
                                            {0x3f400000, 0xbe934b11},
                                            {0x3fc00000, 0x3ecf991f},
                                            {0x37fba882, 0xc126a107}};
    for (size_t i = 0; i < COUNT(logarithm); i++) assert_bits(cni_logx(f32(logarithm[i][0])), logarithm[i][1]);
}

/* Keras' initializers with seed 1234 */
typedef struct initializer {
    const char *name;
    enum { UNIFORM, NORMAL, TRUNCATED } draw;
    double width; /* limit, or standard deviation */
    size_t count;
    uint32_t first[8], sum, all;
} initializer;

static double variance(double scale, double fan)
{
    return scale / fan;
}

static double cut(double v)
{
    return sqrt(v) / 0.87962566103423978;
}

static double limit(double v)
{
    return sqrt(3 * v);
}

static void initializers(void **state)
{
    (void)state;
    const initializer rows[] = {
        {"glorot_uniform (3,3,1,32)",
         UNIFORM,
         limit(variance(1, (9 + 288) / 2.0)),
         288,
         {0xbd5af42d, 0x3b8b0d21, 0xbe05266d, 0xbd925501, 0xbca29ffd, 0xbe1114c6, 0x3cd1c3ca, 0x3d0d7563},
         0x3f6e597c,
         0x8552d939},
        {"glorot_normal (128,10)",
         TRUNCATED,
         cut(variance(1, (128 + 10) / 2.0)),
         1280,
         {0xbd82b121, 0x3ba03529, 0xbe55fc86, 0xbdb44002, 0xbcbc3559, 0xbe8a3964, 0x3cf387bf, 0x3d254fc3},
         0x3fc1ea62,
         0x834e947a},
        {"he_normal (3,3,8,16)",
         TRUNCATED,
         cut(variance(2, 72)),
         1152,
         {0xbdb4ef4c, 0x3bddcc26, 0xbe942019, 0xbdf98b7c, 0xbd024807, 0xbebf5cda, 0x3d289381, 0x3d64dd0e},
         0x403cf733,
         0x822e7692},
        {"he_uniform (64,10)",
         UNIFORM,
         limit(variance(2, 64)),
         640,
         {0xbdebd61b, 0x3c15c5dd, 0xbe8f6aad, 0xbe1d9d73, 0xbd2f2a0b, 0xbe9c4488, 0x3d61f057, 0x3d985da3},
         0x41258a56,
         0x823da402},
        {"lecun_normal (128,10)",
         TRUNCATED,
         cut(variance(1, 128)),
         1280,
         {0xbd3fe909, 0x3b6b4072, 0xbe1d1c57, 0xbd845756, 0xbc8a2f2b, 0xbe4af887, 0x3cb2cd53, 0x3cf2bf14},
         0x3f8e5fd1,
         0x82aeaeb8},
        {"lecun_uniform (128,10)",
         UNIFORM,
         limit(variance(1, 128)),
         1280,
         {0xbd6bd61b, 0x3b95c5dd, 0xbe0f6aad, 0xbd9d9d73, 0xbcaf2a0b, 0xbe1c4488, 0x3ce1f057, 0x3d185da3},
         0x3f59cfff,
         0x83ec431b},
        {"random_normal (100,16)",
         NORMAL,
         0.05,
         1600,
         {0xbcc8d5d5, 0x3af548c8, 0xbdb047c9, 0xbd0b020b, 0xbc1023f4, 0xbe16fe23, 0x3c3a9159, 0x3c7d7558},
         0xbe9f8b5a,
         0x0c7ed2a6},
        {"random_uniform (100,16)",
         UNIFORM,
         0.05,
         1600,
         {0xbc9a0c33, 0x3ac3a99a, 0xbd3b5bda, 0xbccde84d, 0xbbe4d567, 0xbd4c25b3, 0x3c139527, 0x3c470cc0},
         0xbdab2c92,
         0x08e2079d},
        {"truncated_normal (100,16)",
         TRUNCATED,
         0.05,
         1600,
         {0xbcbefc5f, 0x3aea1e55, 0xbd9c5a97, 0xbd03b422, 0xbc0984c3, 0xbdc9fe39, 0x3c31f0d3, 0x3c7193ba},
         0xbe9db563,
         0x0ce906ad},
    };
    const cni_key key = {1234, 0};
    for (size_t r = 0; r < COUNT(rows); r++) {
        const initializer *row = &rows[r];
        float x[1600], sum = 0, w = (float)row->width;
        if (row->draw == UNIFORM) cni_fill_uniform(x, 0, row->count, key, -w, w);
        if (row->draw == NORMAL) cni_fill_normal(x, 0, row->count, key, 0, w);
        if (row->draw == TRUNCATED) cni_fill_truncated_normal(x, 0, row->count, key, 0, w);
        uint32_t all = 0;
        for (size_t i = 0; i < row->count; i++) {
            if (i < 8 && b32(x[i]) != row->first[i]) fail_msg("%s: value %zu is %08x", row->name, i, b32(x[i]));
            all ^= b32(x[i]);
            sum += x[i];
        }
        if (b32(sum) != row->sum || all != row->all) fail_msg("%s: sum %08x xor %08x", row->name, b32(sum), all);
    }
}

/* Orthogonal, seed 7, (4, 4): the Q whose R has a positive diagonal is unique, so Gram-Schmidt finds it too. */
static void orthogonal(void **state)
{
    (void)state;
    static const double want[4][4] = {{-0.182723, -0.677416, 0.711961, -0.028821},
                                      {-0.597775, -0.161259, -0.277108, 0.734760},
                                      {0.383228, 0.436449, 0.538345, 0.610601},
                                      {-0.680010, 0.569750, 0.355679, -0.294048}};
    float a[16];
    cni_fill_normal(a, 0, 16, (cni_key){7, 0}, 0, 1);
    double q[4][4];
    for (int j = 0; j < 4; j++) {
        for (int i = 0; i < 4; i++) q[i][j] = a[4 * i + j];
        for (int k = 0; k < j; k++) {
            double dot = 0;
            for (int i = 0; i < 4; i++) dot += q[i][j] * q[i][k];
            for (int i = 0; i < 4; i++) q[i][j] -= dot * q[i][k];
        }
        double norm = 0;
        for (int i = 0; i < 4; i++) norm += q[i][j] * q[i][j];
        for (int i = 0; i < 4; i++) q[i][j] /= sqrt(norm);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) assert_true(fabs(q[i][j] - want[i][j]) < 1.5e-6);
}

static void dropout(void **state)
{
    (void)state;
    static const struct {
        double rate;
        uint32_t threshold, reciprocal;
    } rates[] = {{0.1, 7549747, 0x3f8e38e4}, {0.2, 6710887, 0x3fa00000}, {0.25, 6291456, 0x3faaaaab},
                 {0.3, 5872026, 0x3fb6db6e}, {0.4, 5033165, 0x3fd55555}, {0.5, 4194304, 0x40000000},
                 {0.7, 2516583, 0},          {0.9, 838861, 0},           {0, 1u << 23, 0x3f800000}};
    for (size_t i = 0; i < COUNT(rates); i++) {
        assert_int_equal(cni_keep_threshold(rates[i].rate), rates[i].threshold);
        if (rates[i].reciprocal) assert_bits(1.0f / (float)(1.0 - rates[i].rate), rates[i].reciprocal);
    }
    assert_int_equal(cni_keep_threshold(1), 0);

    static const char *const masks[] = {"11100111110010110110010110011110", "00111111100110000011110111111011"};
    static const int kept[] = {7014, 6904};
    for (uint32_t t = 0; t < 2; t++) {
        uint8_t mask[10000];
        memset(mask, 0xaa, sizeof mask);
        cni_fill_keep(mask, 0, sizeof mask, (cni_key){42, t}, cni_keep_threshold(0.3));
        int count = 0;
        for (size_t i = 0; i < sizeof mask; i++) {
            count += mask[i];
            if (i < 32) assert_int_equal(mask[i], masks[t][i] - '0');
            assert_int_equal(mask[i], cni_keep(cni_bits((cni_key){42, t}, i), cni_keep_threshold(0.3)));
        }
        assert_int_equal(count, kept[t]);
    }
}

/* What Keras' jitted step makes of eight ones with key (42, 0) */
static void noise_layers(void **state)
{
    (void)state;
    static const uint32_t noise[] = {0x3f8226ae, 0x3f595973, 0x3f784ac4, 0x3f872828,
                                     0x3f8a26e2, 0x3f79b4c3, 0x3f7ffee0, 0x3f7d5afc};
    static const uint32_t product[] = {0x3f8e150c, 0x3c3e3d39, 0x3f4d8a29, 0x3faeda4a,
                                       0x3fc275ad, 0x3f56cbf7, 0x3f7ff8a2, 0x3f6eafe4};
    static const uint32_t alpha[] = {0x3fa85362, 0xbf879f46, 0x3fa85362, 0x3fa85362,
                                     0x3fa85362, 0x3fa85362, 0x3fa85362, 0x3fa85362};
    const cni_key key = {42, 0};
    float e[8];
    cni_fill_erfinv(e, 0, 8, key);
    float sd = f32(0x3fb504f3) * 0.1f, sd3 = f32(0x3fb504f3) * (float)sqrt(0.3 / (1 - 0.3));
    double ap = -1.6732632423543772 * 1.0507009873554805;
    double a = pow((1 - 0.3) * (1 + 0.3 * ap * ap), -0.5), b = -a * ap * 0.3;
    for (uint32_t i = 0; i < 8; i++) {
        assert_bits(fmaf(e[i], sd, 1.0f), noise[i]);
        assert_bits(1.0f * fmaf(e[i], sd3, 1.0f), product[i]);
        bool kept = cni_unit(key, i) >= 0.3f;
        assert_bits(fmaf(kept ? 1.0f : (float)ap, (float)a, (float)b), alpha[i]);
    }
}

/* Keras 3.15.1, JAX 0.10.2, NumPy 2.4 and CPython 3.11, run for this test */
static void more_of_python_and_numpy(void **state)
{
    (void)state;
    cni_mt19937 mt;
    cni_mt_seed_python(&mt, UINT32_MAX);
    assert_int_equal(cni_mt_next(&mt), 2728839433u);
    assert_int_equal(cni_mt_next(&mt), 2661025012u);
    assert_int_equal(cni_py_below(&mt, UINT32_MAX), 872737089);
    assert_int_equal(cni_py_below(&mt, UINT32_MAX), 924893097);
    cni_mt_seed_numpy(&mt, UINT32_MAX);
    assert_int_equal(cni_mt_next(&mt), 419326371);

    /* random.seed(2024); random.shuffle(list(range(12))); random.randrange of some numbers */
    static const int order[] = {0, 6, 8, 1, 10, 11, 5, 3, 4, 9, 2, 7};
    static const uint32_t below[][2] = {{1, 0}, {2, 1}, {3, 2}, {256, 111}, {257, 158}, {1u << 31, 1418364069}};
    size_t items[12];
    for (size_t i = 0; i < 12; i++) items[i] = i;
    cni_mt_seed_python(&mt, 2024);
    cni_py_shuffle(&mt, items, 12);
    check_order(items, order, 12);
    for (size_t i = 0; i < COUNT(below); i++) assert_int_equal(cni_py_below(&mt, below[i][0]), below[i][1]);

    static const int first[] = {444, 898, 186, 584, 664, 457, 99, 941};
    static size_t rows[1000];
    cni_mt_seed_numpy(&mt, 2024);
    cni_np_permutation(&mt, rows, 1000);
    check_order(rows, first, 8);
    size_t sum = 0;
    for (size_t i = 0; i < 1000; i++) sum += i * rows[i];
    assert_int_equal(sum, 249126334);
}

static void more_of_keras(void **state)
{
    (void)state;
    static const struct {
        int32_t low, high, want[6];
    } integers[] = {
        {-5, 5, {3, 4, -1, 1, 1, 2}},
        {0, 1, {0, 0, 0, 0, 0, 0}},
        {0, 1000000007, {504761356, 868110036, 827665989, 778793894, 113845794, 187321217}},
        {INT32_MIN, INT32_MAX, {-1642722292, -279373605, 1680182362, -1368689754, 1966362174, 2039837597}},
        {3, 3, {3, 3, 3, 3, 3, 3}},
    };
    for (size_t k = 0; k < COUNT(integers); k++)
        for (uint32_t i = 0; i < 6; i++)
            assert_int_equal(cni_randint((cni_key){77, 0}, i, integers[k].low, integers[k].high), integers[k].want[i]);

    static const int first[] = {2214, 2594, 967, 3843, 2365, 2152, 161, 980};
    static size_t order[5000];
    assert_true(cni_shuffle((cni_key){5, 0}, order, 5000));
    check_order(order, first, 8);
    size_t sum = 0;
    for (size_t i = 0; i < 5000; i++) sum += i * order[i];
    assert_true(sum == 31349593066u);

    static const float logits[] = {-2.0f, -1.5f, -0.25f, 0.5f, 0.25f, 0.25f};
    static const int want[] = {2, 2, 0, 2, 0, 2, 1, 0, 2, 2, 2, 2, 0, 1, 2, 1, 2, 2, 2, 0, 2, 0, 0, 1};
    int32_t drawn_classes[24];
    cni_categorical((cni_key){31, 0}, logits, 2, 3, 12, drawn_classes);
    for (size_t i = 0; i < 24; i++) assert_int_equal(drawn_classes[i], want[i]);
}

/* 333333 values at once, key (99, 0): the last two, and the XOR of all */
static void large_fills(void **state)
{
    (void)state;
    enum { SIZE = 333333 };
    static const uint32_t want[3][3] = {{0x3f09f2ac, 0x3d3011fc, 0x32db3186},
                                        {0x3f284b1a, 0x3e8d26b6, 0x3adb1b83},
                                        {0xbf522350, 0xbfa06ff3, 0xbf7f6f8d}};
    const cni_key key = {99, 0};
    float *x = calloc(SIZE, sizeof *x);
    assert_non_null(x);
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0) cni_fill_uniform(x, 0, SIZE, key, -0.1234f, 0.777f);
        if (kind == 1) cni_fill_normal(x, 0, SIZE, key, 0.5f, 0.25f);
        if (kind == 2) cni_fill_truncated_normal(x, 0, SIZE, key, -1, 0.3f);
        uint32_t all = 0;
        for (size_t i = 0; i < SIZE; i++) all ^= b32(x[i]);
        assert_bits(x[SIZE - 2], want[kind][0]);
        assert_bits(x[SIZE - 1], want[kind][1]);
        assert_int_equal(all, want[kind][2]);
    }
    free(x);

    /* keras.random.dropout(ones(100003), 0.15, seed=8) */
    uint8_t *mask = calloc(100003, 1);
    assert_non_null(mask);
    cni_fill_keep(mask, 0, 100003, (cni_key){8, 0}, cni_keep_threshold(0.15));
    int kept = 0;
    for (size_t i = 0; i < 100003; i++) kept += mask[i];
    assert_int_equal(kept, 84826);
    free(mask);
}

/* A fill of any range equals the single draws there, and touches nothing beside it. */
static void ragged_fills(void **state)
{
    (void)state;
    static const size_t ranges[][2] = {{0, 0}, {5, 5}, {0, 1}, {63, 65}, {64, 128}, {1, 200}, {127, 192}, {100, 101}};
    const cni_key key = {3, 9};
    for (size_t r = 0; r < COUNT(ranges); r++) {
        size_t begin = ranges[r][0], end = ranges[r][1];
        float u[256], n[256], t[256], e[256];
        uint32_t bits[256];
        uint8_t mask[256];
        for (size_t i = 0; i < 256; i++) u[i] = n[i] = t[i] = e[i] = 99, bits[i] = 99, mask[i] = 99;
        cni_fill_uniform(u, begin, end, key, -2, 3);
        cni_fill_normal(n, begin, end, key, 1, 2);
        cni_fill_truncated_normal(t, begin, end, key, 1, 2);
        cni_fill_erfinv(e, begin, end, key);
        cni_fill_bits(bits, begin, end, key);
        cni_fill_keep(mask, begin, end, key, 1u << 22);
        for (size_t i = 0; i < 256; i++) {
            bool in = i >= begin && i < end;
            assert_bits(u[i], b32(in ? cni_uniform(key, i, -2, 3) : 99));
            assert_bits(n[i], b32(in ? cni_normal(key, i, 1, 2) : 99));
            assert_bits(t[i], b32(in ? cni_truncated_normal(key, i, 1, 2) : 99));
            assert_bits(e[i], b32(in ? cni_erfinv(cni_uniform(key, i, -0x1.fffffep-1f, 1)) : 99));
            assert_int_equal(bits[i], in ? cni_bits(key, i) : 99);
            assert_int_equal(mask[i], in ? cni_unit(key, i) < 0.5f : 99);
        }
    }
}

/* Beyond 2^32 elements the high counter word counts.  (The mask's pages before that are never touched.) */
static void index_beyond_32_bits(void **state)
{
    (void)state;
    const uint64_t edge = UINT64_C(1) << 32;
    assert_int_equal(cni_bits((cni_key){42, 0}, edge + 5), 0x361547d1u ^ 0x5896057du);
    assert_int_equal(cni_bits((cni_key){42, 0}, 2 * edge - 2), 0x8d63f3b8u ^ 0x18ce998eu);
    size_t size = edge + 8192;
    uint8_t *mask = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mask == MAP_FAILED) skip();
    cni_fill_keep(mask, edge - 70, edge + 70, (cni_key){42, 0}, 1u << 22);
    for (size_t i = edge - 70; i < edge + 70; i++) assert_int_equal(mask[i], cni_bits((cni_key){42, 0}, i) >> 31 == 0);
    munmap(mask, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mt_first_words), cmocka_unit_test(mt_ten_thousandth_word),
        cmocka_unit_test(default_seeds),  cmocka_unit_test(permutations),
        cmocka_unit_test(seed_generator), cmocka_unit_test(threefry),
        cmocka_unit_test(single_draws),   cmocka_unit_test(normals),
        cmocka_unit_test(functions),      cmocka_unit_test(initializers),
        cmocka_unit_test(orthogonal),     cmocka_unit_test(dropout),
        cmocka_unit_test(noise_layers),   cmocka_unit_test(more_of_python_and_numpy),
        cmocka_unit_test(more_of_keras),  cmocka_unit_test(large_fills),
        cmocka_unit_test(ragged_fills),   cmocka_unit_test(index_beyond_32_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
