/* SPDX-License-Identifier: Apache-2.0
 * Initializers to the last bit, and the weights that layers make with them.  Expected are the numbers of Keras 3.15 on
 * JAX. */
#include "layers/layer_cases.h"

#include <math.h>

static uint32_t bits_of(float real)
{
    uint32_t bits;
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

static float *initialize(workshop *shop, const char *call, cni_shape shape)
{
    cni_object *object = workshop_object(shop, &cni_initializers, call);
    if (!object) fail_msg("%s: %s", call, shop->error.text);
    float *out = malloc((size_t)cni_shape_count(&shape, 0) * sizeof *out);
    assert_non_null(out);
    if (cni_initialize(object, &shape, out, &shop->error)) fail_msg("%s: %s", call, shop->error.text);
    return out;
}

static void seeded_initializers_give_the_bits_of_keras(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        cni_shape shape;
        uint32_t first[8], xored, sum; /* of all: bits exclusive-or'ed, values added from the left */
    } cases[] = {
        {"glorot_uniform(seed=1234)",
         {4, {3, 3, 1, 32}},
         {0xbd5af42d, 0x3b8b0d21, 0xbe05266d, 0xbd925501, 0xbca29ffd, 0xbe1114c6, 0x3cd1c3ca, 0x3d0d7563},
         0x8552d939,
         0x3f6e597c},
        {"GlorotNormal(seed=1234)",
         {2, {128, 10}},
         {0xbd82b121, 0x3ba03529, 0xbe55fc86, 0xbdb44002, 0xbcbc3559, 0xbe8a3964, 0x3cf387bf, 0x3d254fc3},
         0x834e947a,
         0x3fc1ea62},
        {"he_normal(1234)",
         {4, {3, 3, 8, 16}},
         {0xbdb4ef4c, 0x3bddcc26, 0xbe942019, 0xbdf98b7c, 0xbd024807, 0xbebf5cda, 0x3d289381, 0x3d64dd0e},
         0x822e7692,
         0x403cf733},
        {"he_uniform(seed=1234)",
         {2, {64, 10}},
         {0xbdebd61b, 0x3c15c5dd, 0xbe8f6aad, 0xbe1d9d73, 0xbd2f2a0b, 0xbe9c4488, 0x3d61f057, 0x3d985da3},
         0x823da402,
         0x41258a56},
        {"lecun_normal(seed=1234)",
         {2, {128, 10}},
         {0xbd3fe909, 0x3b6b4072, 0xbe1d1c57, 0xbd845756, 0xbc8a2f2b, 0xbe4af887, 0x3cb2cd53, 0x3cf2bf14},
         0x82aeaeb8,
         0x3f8e5fd1},
        {"lecun_uniform(seed=1234)",
         {2, {128, 10}},
         {0xbd6bd61b, 0x3b95c5dd, 0xbe0f6aad, 0xbd9d9d73, 0xbcaf2a0b, 0xbe1c4488, 0x3ce1f057, 0x3d185da3},
         0x83ec431b,
         0x3f59cfff},
        {"random_normal(seed=1234)",
         {2, {100, 16}},
         {0xbcc8d5d5, 0x3af548c8, 0xbdb047c9, 0xbd0b020b, 0xbc1023f4, 0xbe16fe23, 0x3c3a9159, 0x3c7d7558},
         0x0c7ed2a6,
         0xbe9f8b5a},
        {"random_uniform(seed=1234)",
         {2, {100, 16}},
         {0xbc9a0c33, 0x3ac3a99a, 0xbd3b5bda, 0xbccde84d, 0xbbe4d567, 0xbd4c25b3, 0x3c139527, 0x3c470cc0},
         0x08e2079d,
         0xbdab2c92},
        {"truncated_normal(seed=1234)",
         {2, {100, 16}},
         {0xbcbefc5f, 0x3aea1e55, 0xbd9c5a97, 0xbd03b422, 0xbc0984c3, 0xbdc9fe39, 0x3c31f0d3, 0x3c7193ba},
         0x0ce906ad,
         0xbe9db563},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        workshop shop;
        workshop_open(&shop);
        float *values = initialize(&shop, cases[i].call, cases[i].shape), sum = 0;
        uint32_t xored = 0;
        for (size_t j = 0; j < 8; j++)
            if (bits_of(values[j]) != cases[i].first[j]) fail_msg("%s: value %zu", cases[i].call, j);
        for (int64_t j = 0; j < cni_shape_count(&cases[i].shape, 0); j++) {
            xored ^= bits_of(values[j]);
            sum += values[j];
        }
        if (xored != cases[i].xored || bits_of(sum) != cases[i].sum) fail_msg("%s: xor or sum", cases[i].call);
        free(values);
        workshop_close(&shop);
    }
}

static void orthogonal_agrees_to_the_last_digits(void **state)
{
    (void)state;
    static const double expected[16] = {-0.182723, -0.677416, 0.711961, -0.028821, -0.597775, -0.161259,
                                        -0.277108, 0.734760,  0.383228, 0.436449,  0.538345,  0.610601,
                                        -0.680010, 0.569750,  0.355679, -0.294048};
    workshop shop;
    workshop_open(&shop);
    float *values = initialize(&shop, "orthogonal(seed=7)", CNI_SHAPE(4, 4));
    for (int i = 0; i < 16; i++) assert_true(fabs((double)values[i] - expected[i]) < 1.5e-6);
    free(values);
    workshop_close(&shop);
}

/* The rows, or columns, of what is not square are at right angles and of the length of the gain. */
static void orthogonal_matrices_are_orthogonal(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{7, 3}, {3, 7}, {1, 5}, {5, 1}, {6, 6}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        workshop shop;
        workshop_open(&shop);
        const int64_t rows = shapes[k][0], cols = shapes[k][1], count = rows < cols ? rows : cols;
        const int64_t vector = rows < cols ? cols : 1, step = rows < cols ? 1 : cols,
                      length = rows < cols ? cols : rows;
        float *q = initialize(&shop, "Orthogonal(gain=2.0, seed=3)", CNI_SHAPE(rows, cols));
        for (int64_t i = 0; i < count; i++)
            for (int64_t j = 0; j < count; j++) {
                double dot = 0;
                for (int64_t e = 0; e < length; e++)
                    dot += (double)q[i * vector + e * step] * (double)q[j * vector + e * step];
                assert_true(fabs(dot - (i == j ? 4 : 0)) < 1e-5);
            }
        free(q);
        workshop_close(&shop);
    }
}

static void plain_initializers_give_what_they_say(void **state)
{
    (void)state;
    workshop shop;
    workshop_open(&shop);
    float *zeros = initialize(&shop, "zeros", CNI_SHAPE(3)), *ones = initialize(&shop, "Ones()", CNI_SHAPE(3));
    float *same = initialize(&shop, "constant(0.1)", CNI_SHAPE(2, 2));
    float *identity = initialize(&shop, "identity(gain=3.0)", CNI_SHAPE(2, 3));
    static const float expected[6] = {3, 0, 0, 0, 3, 0};
    for (int i = 0; i < 3; i++) {
        assert_true(zeros[i] == 0.0f);
        assert_true(ones[i] == 1.0f);
        assert_true(same[i] == 0.1f);
    }
    assert_memory_equal(identity, expected, sizeof expected);
    free(zeros);
    free(ones);
    free(same);
    free(identity);
    workshop_close(&shop);
}

static void initializers_refuse_shapes_they_cannot_make(void **state)
{
    (void)state;
    static const char *const calls[] = {"identity", "orthogonal"};
    for (size_t i = 0; i < 2; i++) {
        workshop shop;
        float out[8];
        workshop_open(&shop);
        cni_object *object = workshop_object(&shop, &cni_initializers, calls[i]);
        assert_int_equal(cni_initialize(object, &CNI_SHAPE(8), out, &shop.error), CN_ERR_INVALID);
        assert_non_null(strstr(shop.error.text, "(8,)"));
        workshop_close(&shop);
    }
}

/* ---- weights of layers ---- */

/* After set_random_seed(7): [Dense, Dense(kernel_initializer=None)] draw 347712783 when the first is made and 161973070
 * when the second is built (keras-random 1.2, 7). */
static void default_seeds_are_drawn_in_keras_order(void **state)
{
    (void)state;
    workshop shop;
    workshop_open(&shop);
    cni_mt_seed_python(&shop.seeds, 7);
    cn_layer first = layer_of(&shop, workshop_object(&shop, &cni_layers, "Dense(4)"));
    cn_layer second = layer_of(&shop, workshop_object(&shop, &cni_layers, "Dense(4, kernel_initializer=None)"));
    cni_shape in = CNI_SHAPE(CNI_UNKNOWN, 3);
    assert_int_equal(first.kind->build(&first, 1, &in, &shop.error), CN_OK);
    assert_int_equal(second.kind->build(&second, 1, &in, &shop.error), CN_OK);
    float *expected_first = initialize(&shop, "glorot_uniform(seed=347712783)", CNI_SHAPE(3, 4));
    float *expected_second = initialize(&shop, "glorot_uniform(seed=161973070)", CNI_SHAPE(3, 4));
    assert_memory_equal(first.weights[0]->data, expected_first, 12 * sizeof(float));
    assert_memory_equal(second.weights[0]->data, expected_second, 12 * sizeof(float));
    free(expected_first);
    free(expected_second);
    cni_layer_free_weights(&first);
    cni_layer_free_weights(&second);
    workshop_close(&shop);
}

static void weights_know_what_the_layer_gave(void **state)
{
    (void)state;
    workshop shop;
    workshop_open(&shop);
    cn_layer layer =
        layer_of(&shop, workshop_object(&shop, &cni_layers,
                                        "BatchNormalization(gamma_regularizer='l2', beta_constraint='non_neg')"));
    cni_shape in = CNI_SHAPE(CNI_UNKNOWN, 5);
    static const char *const names[] = {"gamma", "beta", "moving_mean", "moving_variance"};
    assert_int_equal(layer.kind->build(&layer, 1, &in, &shop.error), CN_OK);
    assert_int_equal(layer.weight_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(layer.weights[i]->name, names[i]);
        assert_int_equal(layer.weights[i]->trainable, i < 2);
        assert_int_equal(layer.weights[i]->regularizer != NULL, i == 0);
        assert_int_equal(layer.weights[i]->constraint != NULL, i == 1);
        assert_non_null(layer.weights[i]->initializer);
    }
    cni_layer_free_weights(&layer);
    workshop_close(&shop);
}

static void blank_weights_wait_to_be_filled(void **state)
{
    (void)state;
    workshop shop;
    workshop_open(&shop);
    cn_layer layer = layer_of(&shop, workshop_object(&shop, &cni_layers, "Dense(2, bias_initializer='ones')"));
    cni_shape in = CNI_SHAPE(CNI_UNKNOWN, 3);
    layer.blank = true;
    assert_int_equal(layer.kind->build(&layer, 1, &in, &shop.error), CN_OK);
    assert_null(layer.weights[1]->data);
    assert_int_equal(cni_layer_fill(&layer, &shop.error), CN_OK);
    assert_true(layer.weights[1]->data[1] == 1.0f);
    cni_layer_free_weights(&layer);
    workshop_close(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeded_initializers_give_the_bits_of_keras),
        cmocka_unit_test(orthogonal_agrees_to_the_last_digits),
        cmocka_unit_test(orthogonal_matrices_are_orthogonal),
        cmocka_unit_test(plain_initializers_give_what_they_say),
        cmocka_unit_test(initializers_refuse_shapes_they_cannot_make),
        cmocka_unit_test(default_seeds_are_drawn_in_keras_order),
        cmocka_unit_test(weights_know_what_the_layer_gave),
        cmocka_unit_test(blank_weights_wait_to_be_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
