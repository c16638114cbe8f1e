/* SPDX-License-Identifier: Apache-2.0
 * What the rows of layer kinds tell those who explain: geometry, traits, activations. */
#include "layers/layers.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

typedef struct described {
    cni_arena arena;
    cni_error error;
    const cni_layer_kind *kind;
    cni_object *config;
    cni_view view;
} described;

/* `text` is a call as Keras' text has it; free with `forget`. */
static described describe(const char *text)
{
    described d = {0};
    cni_value *call = NULL;
    assert_int_equal(cni_value_read(&d.arena, text, "layer", &call, &d.error), CN_OK);
    const cni_maker maker = {.arena = &d.arena, .data_format = CN_CHANNELS_LAST, .error = &d.error};
    if (cni_object_make(&maker, &cni_layers, call, "layer", &d.config)) fail_msg("%s: %s", text, d.error.text);
    d.kind = (const cni_layer_kind *)d.config->kind;
    cni_layer_view(d.kind, d.config, &d.view);
    return d;
}

/* An axis as "type size/stride/dilation rule before:after", in short. */
static void expect_axis(const char *text, int axis, int64_t size, int64_t stride, int64_t dilation, cni_pad_rule rule,
                        int64_t before, int64_t after)
{
    described d = describe(text);
    const cni_view_axis *a = d.view.axis + axis;
    assert_true(axis < d.view.spatial);
    assert_int_equal(a->size, size);
    assert_int_equal(a->stride, stride);
    assert_int_equal(a->dilation, dilation);
    assert_int_equal(a->rule, rule);
    assert_int_equal(a->before, before);
    assert_int_equal(a->after, after);
    cni_arena_free(&d.arena);
}

static void windows(void **state)
{
    (void)state;
    expect_axis("Conv2D(8, (3, 5), strides=(2, 1), padding='same')", 0, 3, 2, 1, CNI_PAD_SAME, 0, 0);
    expect_axis("Conv2D(8, (3, 5), strides=(2, 1), padding='same')", 1, 5, 1, 1, CNI_PAD_SAME, 0, 0);
    expect_axis("Conv2D(8, 3, dilation_rate=(1, 4))", 1, 3, 1, 4, CNI_PAD_GIVEN, 0, 0);
    expect_axis("Conv2D(8, 3, padding=((1, 2), (3, 4)))", 0, 3, 1, 1, CNI_PAD_GIVEN, 1, 2);
    expect_axis("Conv2D(8, 3, padding=((1, 2), (3, 4)))", 1, 3, 1, 1, CNI_PAD_GIVEN, 3, 4);
    expect_axis("DepthwiseConv2D(5, 2)", 0, 5, 2, 1, CNI_PAD_GIVEN, 0, 0);
    expect_axis("MaxPooling2D((2, 3))", 1, 3, 3, 1, CNI_PAD_GIVEN, 0, 0);
    expect_axis("AveragePooling2D(3, 2, 'same')", 0, 3, 2, 1, CNI_PAD_SAME, 0, 0);
    expect_axis("ZeroPadding2D(((1, 2), (3, 4)))", 1, 1, 1, 1, CNI_PAD_GIVEN, 3, 4);
    expect_axis("Cropping2D(((1, 2), (3, 4)))", 0, 1, 1, 1, CNI_PAD_GIVEN, -1, -2);
    expect_axis("Conv1D(8, 3, padding='causal', dilation_rate=4)", 0, 3, 1, 4, CNI_PAD_CAUSAL, 0, 0);
    expect_axis("Conv3D(8, (1, 2, 3), strides=(3, 2, 1), padding='same')", 2, 3, 1, 1, CNI_PAD_SAME, 0, 0);
    expect_axis("SeparableConv2D(8, (3, 5), 2)", 1, 5, 2, 1, CNI_PAD_GIVEN, 0, 0);
    expect_axis("MaxPooling1D(3)", 0, 3, 3, 1, CNI_PAD_GIVEN, 0, 0);
    expect_axis("AveragePooling3D(2, 1, 'same')", 2, 2, 1, 1, CNI_PAD_SAME, 0, 0);
    expect_axis("Conv2DTranspose(8, (2, 4), (2, 3), 'same')", 1, 4, 3, 1, CNI_PAD_SAME, 0, 0);
    expect_axis("AdaptiveAveragePooling2D((4, 7))", 1, 7, 1, 1, CNI_PAD_GIVEN, 0, 0);
    expect_axis("UpSampling2D((2, 3))", 1, 1, 3, 1, CNI_PAD_GIVEN, 0, 0);
    expect_axis("UpSampling1D(4)", 0, 1, 4, 1, CNI_PAD_GIVEN, 0, 0);
    expect_axis("Resizing(5, 6)", 0, 5, 0, 1, CNI_PAD_GIVEN, 0, 0);
    expect_axis("CenterCrop(5, 6)", 1, 6, 0, 1, CNI_PAD_GIVEN, 0, 0);
    expect_axis("ZeroPadding1D((1, 2))", 0, 1, 1, 1, CNI_PAD_GIVEN, 1, 2);
    expect_axis("Cropping3D(((1, 2), (3, 4), (5, 6)))", 2, 1, 1, 1, CNI_PAD_GIVEN, -5, -6);
}

static void transposed_windows_know_their_output_padding(void **state)
{
    (void)state;
    described plain = describe("Conv2DTranspose(8, 3, 2)"),
              given = describe("Conv2DTranspose(8, 3, 2, 'same', (0, 1))");
    assert_int_equal(plain.view.type, CNI_VIEW_TRANSPOSED);
    assert_int_equal(plain.view.multiplies, CNI_MULTIPLIES_AT_INPUTS);
    assert_false(plain.view.axis[0].extends);
    assert_true(given.view.axis[0].extends);
    assert_int_equal(given.view.axis[0].output_padding, 0);
    assert_int_equal(given.view.axis[1].output_padding, 1);
    cni_arena_free(&plain.arena);
    cni_arena_free(&given.arena);
}

typedef struct expected {
    const char *text;
    cni_view_type type;
    cni_border border;
    cni_multiplies multiplies;
    int groups;
    cn_data_format format;
    unsigned traits;
} expected;

static void whole_views(void **state)
{
    (void)state;
    static const expected cases[] = {
        {"Conv2D(8, 3, groups=4, data_format='channels_first')", CNI_VIEW_WINDOW, CNI_BORDER_ZERO,
         CNI_MULTIPLIES_AT_OUTPUTS, 4, CN_CHANNELS_FIRST, CNI_IS_CONVOLUTION},
        {"DepthwiseConv2D(3)", CNI_VIEW_WINDOW, CNI_BORDER_ZERO, CNI_MULTIPLIES_AT_OUTPUTS, 0, CN_CHANNELS_LAST,
         CNI_IS_CONVOLUTION | CNI_IS_DEPTHWISE},
        {"Dense(3)", CNI_VIEW_POINT, CNI_BORDER_ZERO, CNI_MULTIPLIES_AT_OUTPUTS, 1, CN_FORMAT_DEFAULT, CNI_IS_DENSE},
        {"MaxPooling2D()", CNI_VIEW_WINDOW, CNI_BORDER_EXCLUDED, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST,
         CNI_IS_MAX_POOL},
        {"AveragePooling2D(2)", CNI_VIEW_WINDOW, CNI_BORDER_EXCLUDED, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST,
         CNI_IS_AVERAGE_POOL},
        {"GlobalMaxPooling2D()", CNI_VIEW_ALL, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST,
         CNI_IS_GLOBAL_POOL},
        {"Flatten()", CNI_VIEW_ALL, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST, CNI_IS_FLATTEN},
        {"Cropping2D(1)", CNI_VIEW_SHIFT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST, CNI_IS_CROPPING},
        {"Dropout(0.5)", CNI_VIEW_POINT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_FORMAT_DEFAULT,
         CNI_IS_DROPOUT | CNI_IS_NOTHING},
        {"Softmax()", CNI_VIEW_POINT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_FORMAT_DEFAULT,
         CNI_IS_ACTIVATION | CNI_IS_SOFTMAX},
        {"Conv1D(8, 3, groups=2)", CNI_VIEW_WINDOW, CNI_BORDER_ZERO, CNI_MULTIPLIES_AT_OUTPUTS, 2, CN_CHANNELS_LAST,
         CNI_IS_CONVOLUTION},
        {"SeparableConv2D(8, 3)", CNI_VIEW_WINDOW, CNI_BORDER_ZERO, CNI_MULTIPLIES_AT_OUTPUTS, 0, CN_CHANNELS_LAST,
         CNI_IS_CONVOLUTION | CNI_IS_SEPARABLE},
        {"MaxPooling3D()", CNI_VIEW_WINDOW, CNI_BORDER_EXCLUDED, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST,
         CNI_IS_MAX_POOL},
        {"GlobalMaxPooling1D('channels_first')", CNI_VIEW_ALL, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1,
         CN_CHANNELS_FIRST, CNI_IS_GLOBAL_POOL},
        {"AdaptiveMaxPooling2D(4)", CNI_VIEW_ADAPTIVE, CNI_BORDER_EXCLUDED, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST,
         CNI_IS_MAX_POOL},
        {"UpSampling2D()", CNI_VIEW_NEAREST, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST, 0},
        {"UpSampling2D(interpolation='bilinear')", CNI_VIEW_BILINEAR, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1,
         CN_CHANNELS_LAST, 0},
        {"UpSampling2D(interpolation='lanczos3')", CNI_VIEW_UNKNOWN, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1,
         CN_CHANNELS_LAST, 0},
        {"Resizing(4, 4)", CNI_VIEW_BILINEAR, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST, 0},
        {"Resizing(4, 4, antialias=True)", CNI_VIEW_UNKNOWN, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST,
         0},
        {"ZeroPadding3D()", CNI_VIEW_SHIFT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_CHANNELS_LAST, CNI_IS_PADDING},
        {"Permute((1, 2, 3))", CNI_VIEW_POINT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_FORMAT_DEFAULT, 0},
        {"Permute((2, 1, 3))", CNI_VIEW_ALL, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_FORMAT_DEFAULT, 0},
        {"GroupNormalization()", CNI_VIEW_POINT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_FORMAT_DEFAULT,
         CNI_IS_NORMALIZATION},
        {"RandomFlip()", CNI_VIEW_POINT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_FORMAT_DEFAULT, CNI_IS_NOTHING},
        {"SpatialDropout2D(0.5)", CNI_VIEW_POINT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_FORMAT_DEFAULT,
         CNI_IS_DROPOUT | CNI_IS_NOTHING},
        {"Subtract()", CNI_VIEW_POINT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_FORMAT_DEFAULT, CNI_IS_MERGE},
        {"Concatenate()", CNI_VIEW_POINT, CNI_BORDER_ZERO, CNI_MULTIPLIES_NOT, 1, CN_FORMAT_DEFAULT,
         CNI_IS_MERGE | CNI_IS_CONCATENATE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        described d = describe(cases[i].text);
        assert_int_equal(d.view.type, cases[i].type);
        assert_int_equal(d.view.border, cases[i].border);
        assert_int_equal(d.view.multiplies, cases[i].multiplies);
        assert_int_equal(d.view.groups, cases[i].groups);
        assert_int_equal(d.view.format, cases[i].format);
        assert_int_equal(d.kind->traits & ~(unsigned)CNI_NAME_HAS_PLACE, cases[i].traits);
        cni_arena_free(&d.arena);
    }
}

static void activations(void **state)
{
    (void)state;
    static const struct {
        const char *text, *activation;
        bool not_negative;
    } cases[] = {
        {"Conv2D(8, 3)", NULL, false},
        {"Conv2D(8, 3, activation='relu')", "relu", true},
        {"Dense(8, activation=LeakyReLU(0.1))", "LeakyReLU", false},
        {"Activation('sigmoid')", "sigmoid", true},
        {"Activation('linear')", NULL, false},
        {"Activation('tanh')", "tanh", false},
        {"ReLU()", "ReLU", true},
        {"ReLU(negative_slope=0.1)", "ReLU", false},
        {"Softmax()", "Softmax", true},
        {"ELU()", "ELU", false},
        {"MaxPooling2D()", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        described d = describe(cases[i].text);
        const char *name = cni_layer_activation(d.kind, d.config);
        if (!cases[i].activation)
            assert_null(name);
        else
            assert_string_equal(name, cases[i].activation);
        assert_int_equal(cni_layer_is_not_negative(d.kind, d.config), cases[i].not_negative);
        cni_arena_free(&d.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows),
        cmocka_unit_test(transposed_windows_know_their_output_padding),
        cmocka_unit_test(whole_views),
        cmocka_unit_test(activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
