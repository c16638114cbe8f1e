/* SPDX-License-Identifier: Apache-2.0
 * Whole networks: shapes, parameters, multiplications, fields.  Numbers are published ones, Keras' own, or arithmetic
 * that stands beside them. */
#include "describe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int begin(void **state)
{
    *state = calloc(1, sizeof(cni_arena));
    return 0;
}

static int end(void **state)
{
    cni_arena_free(*state);
    free(*state);
    return 0;
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

static void mnist_example_of_keras(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(28, 28, 1))\n"
                                                  "Conv2D(32, 3, activation='relu')\n"
                                                  "MaxPooling2D(2)\n"
                                                  "Conv2D(64, 3, activation='relu')\n"
                                                  "pool: MaxPooling2D(2)\n"
                                                  "Flatten()\n"
                                                  "Dropout(0.5)\n"
                                                  "Dense(10, activation='softmax')\n");
    static const int64_t sizes[] = {28, 26, 13, 11, 5}, fields[] = {1, 3, 4, 8, 10}, jumps[] = {1, 1, 2, 2, 4};
    static const int64_t params[] = {0, 320, 0, 18496, 0, 0, 0, 16010};
    static const int64_t macs[] = {0, 194688, 0, 11 * 11 * 64 * 9 * 32, 0, 0, 0, 16000};
    assert_int_equal(a->count, 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(a->nodes[i].params.trainable, params[i]);
        assert_int_equal(a->nodes[i].macs, macs[i]);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(a->nodes[i].map[0], sizes[i]);
        assert_int_equal(a->nodes[i].map[1], sizes[i]);
        for (int axis = 0; axis < 2; axis++) {
            assert_true(a->nodes[i].field[axis].affine);
            assert_int_equal(a->nodes[i].field[axis].size, fields[i]);
            assert_int_equal(a->nodes[i].field[axis].jump, jumps[i]);
            assert_int_equal(a->nodes[i].field[axis].start, 0);
        }
    }
    assert_true(a->nodes[5].field[0].all && a->nodes[7].field[1].all);
    assert_int_equal(a->params.trainable, 34826);
    assert_int_equal(a->macs, 2440960);
    assert_int_equal(a->flops, 4911306);
    assert_int_equal(a->train_macs, 7128192);
    assert_string_equal(a->nodes[a->last_map].name, "pool");
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(mnist_example_of_keras)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
