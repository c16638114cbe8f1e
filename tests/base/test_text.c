/* SPDX-License-Identifier: Apache-2.0
 * Growing text, "did you mean", and the names that Keras makes of class names. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void text_grows(void **state)
{
    (void)state;
    cni_text text = {0};
    assert_string_equal(cni_text_get(&text), "");
    cni_text_printf(&text, "%d+%s", 12, "x");
    cni_text_char(&text, '=');
    cni_text_bytes(&text, "a\0b", 3);
    cni_text_add(&text, NULL);
    cni_text_add(&text, "c");
    cni_text_repeat(&text, '-', 3);
    assert_int_equal(text.length, 12);
    char *got = cni_text_take(&text);
    assert_memory_equal(got, "12+x=a\0bc---", 13);
    free(got);
    assert_int_equal(text.length, 0);

    got = cni_text_take(&text); /* an empty text is a string too */
    assert_string_equal(got, "");
    free(got);
}

/* Every length round the first capacity, by every way of appending, ends with a 0 in its own memory. */
static void text_at_its_edges(void **state)
{
    (void)state;
    char line[300];
    memset(line, 'x', sizeof line);
    for (size_t n = 100; n < 299; n++) {
        cni_text a = {0}, b = {0}, c = {0};
        line[n] = 0;
        cni_text_add(&a, line);
        cni_text_printf(&b, "%s", line);
        cni_text_repeat(&c, 'x', n - 1);
        cni_text_char(&c, 'x');
        assert_string_equal(cni_text_get(&a), line);
        assert_string_equal(cni_text_get(&b), line);
        assert_string_equal(cni_text_get(&c), line);
        cni_text_free(&a);
        cni_text_free(&b);
        cni_text_free(&c);
        line[n] = 'x';
    }
    cni_text all = {0};
    for (int i = 0; i < 5000; i++) cni_text_printf(&all, "%04d,", i);
    assert_int_equal(all.length, 25000);
    assert_memory_equal(all.data + 24995, "4999,", 6);
    cni_text_free(&all);
}

static void out_of_memory_is_remembered(void **state)
{
    (void)state;
    cni_text text = {0};
    cni_text_add(&text, "kept");
    cni_text_repeat(&text, 'x', SIZE_MAX / 2);
    assert_true(text.failed);
    cni_text_add(&text, "more");
    cni_text_printf(&text, "%s", "more");
    assert_string_equal(cni_text_get(&text), "kept");
    assert_null(cni_text_take(&text));
    assert_false(text.failed);
}

static void nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"filters",       "kernel_size",
                                        "strides",       "padding",
                                        "activation",    NULL,
                                        "use_bias",      "relu",
                                        "elu",           "adam",
                                        "sgd",           "x",
                                        "max_pooling2d", "categorical_crossentropy"};
    static const char *const pairs[][2] = {
        {"filter", "filters"},
        {"kernal_size", "kernel_size"},
        {"kernelsize", "kernel_size"},
        {"KERNEL_SIZE", "kernel_size"},
        {"stride", "strides"},
        {"paddnig", "padding"}, /* two neighbours swapped */
        {"activaton", "activation"},
        {"ReLU", "relu"},
        {"elo", "elu"},
        {"sdg", "sgd"},
        {"adma", "adam"},
        {"maxpooling2d", "max_pooling2d"},
        {"catgorical_crosentropy", "categorical_crossentropy"},
        {"data_format", NULL},
        {"y", NULL}, /* one letter replaced is another word */
        {"ad", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const char *got = cni_nearest(pairs[i][0], names, COUNT(names));
        if (!got || !pairs[i][1]) {
            if (got != pairs[i][1]) fail_msg("%s: %s, expected %s", pairs[i][0], got, pairs[i][1]);
        } else {
            assert_string_equal(got, pairs[i][1]);
        }
    }
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_null(cni_nearest(longer, names, COUNT(names)));
    const char *hostile[] = {longer, "", "xxxx"};
    assert_string_equal(cni_nearest("xxx", hostile, 3), "xxxx");
    assert_null(cni_nearest("xxx", NULL, 0));
}

/* keras.src.utils.naming.to_snake_case of Keras 3.15.1 */
static void snake_case(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"Conv1D", "conv1d"},
        {"Conv2D", "conv2d"},
        {"Conv3D", "conv3d"},
        {"Conv2DTranspose", "conv2d_transpose"},
        {"DepthwiseConv2D", "depthwise_conv2d"},
        {"SeparableConv2D", "separable_conv2d"},
        {"Dense", "dense"},
        {"MaxPooling2D", "max_pooling2d"},
        {"AveragePooling2D", "average_pooling2d"},
        {"GlobalAveragePooling2D", "global_average_pooling2d"},
        {"GlobalMaxPooling2D", "global_max_pooling2d"},
        {"Flatten", "flatten"},
        {"Reshape", "reshape"},
        {"Permute", "permute"},
        {"ZeroPadding2D", "zero_padding2d"},
        {"Cropping2D", "cropping2d"},
        {"UpSampling2D", "up_sampling2d"},
        {"BatchNormalization", "batch_normalization"},
        {"LayerNormalization", "layer_normalization"},
        {"GroupNormalization", "group_normalization"},
        {"Dropout", "dropout"},
        {"SpatialDropout2D", "spatial_dropout2d"},
        {"GaussianNoise", "gaussian_noise"},
        {"Activation", "activation"},
        {"ReLU", "re_lu"},
        {"LeakyReLU", "leaky_re_lu"},
        {"PReLU", "p_re_lu"},
        {"ELU", "elu"},
        {"Softmax", "softmax"},
        {"Add", "add"},
        {"Subtract", "subtract"},
        {"Multiply", "multiply"},
        {"Average", "average"},
        {"Maximum", "maximum"},
        {"Minimum", "minimum"},
        {"Concatenate", "concatenate"},
        {"Rescaling", "rescaling"},
        {"Normalization", "normalization"},
        {"Resizing", "resizing"},
        {"RandomFlip", "random_flip"},
        {"InputLayer", "input_layer"},
        {"Sequential", "sequential"},
        {"Functional", "functional"},
        {"RMSprop", "rm_sprop"},
        {"AdamW", "adam_w"},
        {"LSTM", "lstm"},
        {"GRU", "gru"},
        {"ConvLSTM2D", "conv_lstm2d"},
        {"SimpleRNN", "simple_rnn"},
        {"TFSMLayer", "tfsm_layer"},
        {"My_Layer", "my__layer"},
        {"ABcDe", "a_bc_de"},
        {"aBCd", "a_b_cd"},
        {"X", "x"},
        {"XY", "xy"},
        {"Xy", "xy"},
        {"_Foo", "__foo"},
        {"A1B2Cd", "a1b2_cd"},
        {"F1Score", "f1_score"},
        {"Bad-Name!", "bad_name"},
        {"2D", "2d"},
        {"BinaryIoU", "binary_io_u"},
        {"AUC", "auc"},
        {"KLDivergence", "kl_divergence"},
        {"", ""},
    };
    char name[64];
    for (size_t i = 0; i < COUNT(pairs); i++) {
        size_t length = cni_snake_case(pairs[i][0], name, sizeof name);
        assert_string_equal(name, pairs[i][1]);
        assert_int_equal(length, strlen(pairs[i][1]));
    }
}

static void snake_case_is_cut(void **state)
{
    (void)state;
    char name[8];
    for (size_t size = 1; size <= sizeof name; size++) {
        memset(name, '#', sizeof name);
        assert_int_equal(cni_snake_case("MaxPooling2D", name, size), strlen("max_pooling2d"));
        assert_int_equal(strlen(name), size - 1);
        assert_memory_equal(name, "max_pooling2d", size - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows),
        cmocka_unit_test(text_at_its_edges),
        cmocka_unit_test(out_of_memory_is_remembered),
        cmocka_unit_test(nearest),
        cmocka_unit_test(snake_case),
        cmocka_unit_test(snake_case_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
