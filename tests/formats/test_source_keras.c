/* SPDX-License-Identifier: Apache-2.0
 * Keras texts: sequential, functional, and what stands around a network. */
#include "source_check.h"

static void a_list_of_layers(void **state)
{
    (void)state;
    reading r;
    const cni_description *d =
        read_good(&r, "model = keras.Sequential([                       # trailing comma, comments\n"
                      "    keras.Input((32, 32, 3)),\n"
                      "    layers.Conv2D(32, (3, 3), strides=2, padding=\"same\", activation='relu'),\n"
                      "    layers.MaxPooling2D(),\n"
                      "])\n");
    assert_true(d->sequential);
    assert_int_equal(d->dialect, CNI_KERAS);
    assert_string_equal(d->name, "sequential");
    assert_string_equal(wiring(&r, d), "input_layer conv2d(input_layer) max_pooling2d(conv2d) > max_pooling2d");
    assert_int_equal(ints_of(d, "conv2d", "filters")[0], 32);
    assert_int_equal(ints_of(d, "conv2d", "strides")[1], 2);
    assert_int_equal(ints_of(d, "input_layer", "shape")[2], 3);
    const cni_described_layer *conv = layer_named(d, "conv2d");
    assert_int_equal(conv->span.line, 3);
    assert_int_equal(conv->span.column, 5);
    assert_int_equal(conv->argument_count, 5);
    assert_string_equal(conv->arguments[2].key, "strides");
    assert_int_equal(conv->arguments[2].span.column, 31);
    assert_false(conv->arguments[2].positional);
    assert_true(conv->arguments[0].positional);
    done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
