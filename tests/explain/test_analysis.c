/* SPDX-License-Identifier: Apache-2.0
 * Single layers and small networks: shapes, padding, parameters, multiplications, bytes, fields, read masks, memory.
 * Expected numbers were worked out by hand or with the frameworks themselves. */
#include "describe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

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

static const cni_explained *last_of(const cni_analysis *a)
{
    return a->nodes + a->count - 1;
}

static const cni_explained *keras(void **state, const char *text)
{
    return last_of(explain_keras(*state, text));
}

static const cni_explained *torch(void **state, const char *text)
{
    return last_of(explain_as(*state, CNI_TORCH, text, NULL));
}

static void assert_map(const cni_explained *node, int64_t rows, int64_t columns, int64_t channels)
{
    assert_int_equal(node->error.status, CN_OK);
    assert_int_equal(node->spatial, 2);
    assert_int_equal(node->map[0], rows);
    assert_int_equal(node->map[1], columns);
    assert_int_equal(node->channels, channels);
}

static void assert_pads(const cni_explained *node, int64_t before, int64_t after)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(node->axis[i].before, before);
        assert_int_equal(node->axis[i].after, after);
    }
}

static int64_t border_outputs(const cni_explained *node)
{
    const cni_axis *y = node->axis, *x = node->axis + 1;
    return y->o * x->o - (y->o - y->border) * (x->o - x->border);
}

static int64_t unread_inputs(const cni_explained *node)
{
    const cni_axis *y = node->axis, *x = node->axis + 1;
    return y->n * x->n - (y->n - y->unread) * (x->n - x->unread);
}

static double zero_share(const cni_explained *node)
{
    return 1 - (double)node->macs_real / (double)node->macs;
}

static void assert_costs(const cni_explained *node, int64_t params, int64_t macs)
{
    assert_int_equal(node->params.trainable + node->params.other, params);
    assert_int_equal(node->macs, macs);
}

static void assert_near(double a, double b, double within)
{
    if (!(fabs(a - b) <= within)) fail_msg("%g is not near %g", a, b);
}

/* Centres of the first and the last position, doubled; and the drift of the grid, doubled. */
static void assert_grid(const cni_explained *node, int64_t first2, int64_t last2)
{
    const cni_receptive_field *f = node->field;
    assert_true(f->affine);
    assert_int_equal(2 * f->start + f->size - 1, first2);
    assert_int_equal(2 * (f->start + f->jump * (f->count - 1)) + f->size - 1, last2);
}

/* ---- single layers ---- */

static void convolution_over_images_of_digits(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(28, 28, 1))\nConv2D(32, 3)");
    int32_t reads[28];
    assert_map(node, 26, 26, 32);
    assert_pads(node, 0, 0);
    assert_costs(node, 320, 194688);
    assert_int_equal(2 * node->macs + node->bias_adds, 411008);
    assert_int_equal(node->bytes_in, 3136);
    assert_int_equal(node->bytes_out, 86528);
    assert_int_equal(node->bytes_weights, 1280);
    assert_near(node->intensity, 4.52, 0.005);
    cni_axis_reads(node->axis, reads);
    assert_int_equal(reads[0] * reads[0], 1);
    assert_int_equal(reads[0] * reads[14], 3);
    assert_int_equal(reads[14] * reads[14], 9);
    assert_int_equal(node->field[0].size, 3);
    assert_int_equal(node->field[0].jump, 1);
    assert_int_equal(node->field[0].start, 0);
}

static void large_kernel_with_strides_and_same(void **state)
{
    const cni_analysis *a =
        explain_keras(*state, "Input(shape=(128, 128, 3))\nConv2D(64, 5, strides=2, padding='same')");
    const cni_explained *node = last_of(a);
    int32_t reads[128];
    assert_map(node, 64, 64, 64);
    assert_pads(node, 1, 2);
    assert_grid(node, 2, 254);
    assert_int_equal(a->drift2, 1);
    assert_costs(node, 4864, 19660800);
    assert_int_equal(node->macs_real, 19293888);
    assert_near(zero_share(node), 0.0187, 0.00005);
    assert_int_equal(border_outputs(node), 252);
    cni_axis_reads(node->axis, reads);
    for (int i = 60; i < 70; i++) assert_int_equal(reads[i], i % 2 ? 3 : 2);
    assert_int_equal(a->flops, 39583744);
    assert_int_equal(node->bytes_in, 196608);
    assert_int_equal(node->bytes_out, 1048576);
    assert_int_equal(node->bytes_weights, 19456);
    assert_near(node->intensity, 31.3, 0.05);
}

static void same_then_valid_leaves_a_row_unread(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(64, 64, 3))\n"
                                                  "Conv2D(32, 3, padding='same')\n"
                                                  "Conv2D(64, 5, strides=2)");
    const cni_explained *first = a->nodes + 1, *second = a->nodes + 2;
    assert_map(first, 64, 64, 32);
    assert_pads(first, 1, 1);
    assert_costs(first, 896, 3538944);
    assert_int_equal(border_outputs(first), 252);
    assert_map(second, 30, 30, 64);
    assert_int_equal(second->axis[0].rest, 1);
    assert_int_equal(second->axis[0].tail, 1);
    assert_int_equal(unread_inputs(second), 127);
    assert_costs(second, 51264, 46080000);
    assert_near(second->intensity, 96.1, 0.05);
    assert_int_equal(second->field[0].size, 7);
    assert_int_equal(second->field[0].jump, 2);
    assert_int_equal(second->field[0].start, -1);
    assert_grid(second, 4, 120);
    assert_int_equal(a->drift2, -1);
    assert_int_equal(first->needed, 4096 - 127);
}

static void zeros_around_a_small_map(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(7, 7, 1))\nConv2D(1, 3, padding='same')");
    assert_map(node, 7, 7, 1);
    assert_int_equal(node->axis[0].real, 19);
    assert_int_equal(border_outputs(node), 24);
    assert_costs(node, 10, 441);
    assert_int_equal(node->macs_real, 361);
    assert_near(zero_share(node), 0.181, 0.0005);
}

static void padding_of_pytorch(void **state)
{
    const cni_explained *node = torch(state, "Input(shape=(3, 32, 32))\nConv2d(3, 16, 5, padding=2)");
    assert_map(node, 32, 32, 16);
    assert_pads(node, 2, 2);
    assert_int_equal(node->params.trainable, 1216);
    assert_int_equal(node->macs, 1228800);
    assert_near(zero_share(node), 0.074, 0.0005);
    assert_int_equal(border_outputs(node), 240);
}

static void strides_of_two_in_three_ways(void **state)
{
    const cni_explained *node = torch(state, "Input(shape=(3, 32, 32))\nConv2d(3, 16, 3, stride=2, padding=1)");
    assert_map(node, 16, 16, 16);
    assert_costs(node, 448, 110592);
    assert_int_equal(node->axis[0].after, 1);
    assert_int_equal(node->axis[0].after_used, 0);
    assert_grid(node, 0, 60);
    node = keras(state, "Input(shape=(32, 32, 3))\nConv2D(16, 3, strides=2, padding='same')");
    assert_map(node, 16, 16, 16);
    assert_costs(node, 448, 110592);
    assert_pads(node, 0, 1);
    assert_int_equal(node->axis[0].after_used, 1);
    assert_grid(node, 2, 62);
    node = keras(state, "Input(shape=(33, 33, 3))\nConv2D(16, 3, strides=2, padding='same')");
    assert_map(node, 17, 17, 16);
    assert_costs(node, 448, 124848);
    assert_pads(node, 1, 1);
    assert_grid(node, 0, 64);
}

static void dilation_widens_the_window(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(32, 32, 16))\nConv2D(16, 3, dilation_rate=2)");
    assert_map(node, 28, 28, 16);
    assert_int_equal(node->axis[0].extent, 5);
    assert_costs(node, 2320, 1806336);
    assert_int_equal(node->field[0].size, 5);
    assert_int_equal(node->field[0].holes, 2);
    node = keras(state, "Input(shape=(32, 32, 16))\nConv2D(16, 3, dilation_rate=2, padding='same')");
    assert_map(node, 32, 32, 16);
    assert_pads(node, 2, 2);
    assert_int_equal(node->macs, 2359296);
    assert_near(zero_share(node), 0.082, 0.0005);
}

static void even_kernel_shifts(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(16, 16, 8))\nConv2D(8, 4, padding='same')");
    const cni_explained *node = last_of(a);
    int32_t reads[16];
    assert_pads(node, 1, 2);
    assert_grid(node, 1, 31);
    assert_int_equal(a->drift2, 1);
    assert_costs(node, 1032, 262144);
    assert_near(zero_share(node), 0.121, 0.0005);
    cni_axis_reads(node->axis, reads);
    assert_int_equal(reads[0] * reads[0], 4);
    assert_int_equal(reads[15] * reads[15], 9);
}

static void stride_larger_than_the_kernel(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(56, 56, 256))\nConv2D(128, 1, strides=2)");
    assert_map(node, 28, 28, 128);
    assert_int_equal(unread_inputs(node), 2352);
    assert_costs(node, 32896, 25690112);
}

static void pools(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(112, 112, 8))\nMaxPooling2D(3, 2, 'same')");
    assert_pads(node, 0, 1);
    assert_int_equal(node->map[0], 56);
    assert_grid(node, 2, 222);
    node = torch(state, "Input(shape=(8, 112, 112))\nMaxPool2d(3, 2, 1)");
    assert_int_equal(node->axis[0].before, 1);
    assert_int_equal(node->axis[0].after_used, 0);
    assert_int_equal(node->map[0], 56);
    assert_grid(node, 0, 220);
    node = keras(state, "Input(shape=(7, 7, 8))\nMaxPooling2D(2)");
    assert_map(node, 3, 3, 8);
    assert_int_equal(unread_inputs(node), 13);
    node = torch(state, "Input(shape=(8, 7, 7))\nMaxPool2d(2, ceil_mode=True)");
    assert_map(node, 4, 4, 8);
    assert_int_equal(node->axis[0].rest, -1);
    assert_int_equal(unread_inputs(node), 0);
    assert_int_equal(node->macs, 0);
}

static void separable_convolution_in_two_layers(void **state)
{
    const cni_explained *full =
        keras(state, "Input(shape=(112, 112, 32))\nConv2D(64, 3, padding='same', use_bias=False)");
    assert_costs(full, 18432, 231211008);
    assert_near(full->intensity, 94.6, 0.05);
    const cni_analysis *a = explain_keras(*state, "Input(shape=(112, 112, 32))\n"
                                                  "DepthwiseConv2D(3, padding='same', use_bias=False)\n"
                                                  "Conv2D(64, 1, use_bias=False)");
    assert_costs(a->nodes + 1, 288, 3612672);
    assert_costs(a->nodes + 2, 2048, 25690112);
    assert_near(a->nodes[1].intensity, 2.25, 0.005);
    assert_near(a->nodes[2].intensity, 10.6, 0.1);
    assert_near((double)a->macs / (double)full->macs, 1.0 / 64 + 1.0 / 9, 1e-12);
}

static void groups_share_channels(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(28, 28, 64))\nConv2D(128, 3, padding='same', groups=4)");
    assert_costs(node, 18560, 14450688);
}

static void taps_that_never_meet_data(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(3, 3, 512))\nConv2D(512, 7, padding='same')");
    assert_int_equal(node->axis[0].live * node->axis[1].live, 25);
    assert_int_equal(node->dead_weights, 6291456);
    assert_int_equal(node->kernel_weights, 12845056);
    assert_int_equal(node->params.trainable, 12845568);
    assert_near(zero_share(node), 0.816, 0.0005);
    node = keras(state, "Input(shape=(10, 10, 256))\nConv2D(256, 3, dilation_rate=12, padding='same')");
    assert_pads(node, 12, 12);
    assert_int_equal(node->axis[0].extent, 25);
    assert_int_equal(node->axis[0].live, 1);
    assert_int_equal(node->dead_weights * 9, node->kernel_weights * 8);
}

static void stride_and_dilation_with_a_common_factor(void **state)
{
    const cni_explained *node =
        torch(state, "Input(shape=(8, 32, 32))\nConv2d(8, 8, 3, stride=2, padding=2, dilation=2)");
    assert_int_equal(unread_inputs(node), 32 * 32 * 3 / 4);
    assert_int_equal(node->axis[0].least_reads, 0);
}

static void strides_that_leave_a_rest(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(224, 224, 3))\nConv2D(64, 11, strides=4)");
    assert_int_equal(node->map[0], 54);
    assert_int_equal(node->axis[0].rest, 1);
    assert_int_equal(unread_inputs(node), 447);
    node = keras(state, "Input(shape=(28, 28, 1))\nConv2D(32, 3, 3)");
    assert_map(node, 9, 9, 32);
    assert_int_equal(node->macs, 23328);
    assert_int_equal(unread_inputs(node), 55);
}

static void stem_of_both_frameworks(void **state)
{
    const cni_explained *node =
        torch(state, "Input(shape=(3, 224, 224))\nConv2d(3, 64, 7, stride=2, padding=3, bias=False)");
    assert_pads(node, 3, 3);
    assert_int_equal(node->axis[0].after_used, 2);
    assert_grid(node, 0, 444);
    assert_costs(node, 9408, 118013952);
    node = keras(state, "Input(shape=(224, 224, 3))\nConv2D(64, 7, strides=2, padding='same', use_bias=False)");
    assert_pads(node, 2, 3);
    assert_grid(node, 2, 446);
    assert_costs(node, 9408, 118013952);
}

/* ---- kinds of work ---- */

static void dense_on_maps_works_on_each_position(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(7, 5, 16))\nDense(10)");
    assert_costs(node, 170, 7 * 5 * 160);
    assert_int_equal(node->bias_adds, 350);
    assert_false(node->field[0].all);
    assert_int_equal(node->field[0].size, 1);
}

static void transposed_convolution_multiplies_at_inputs(void **state)
{
    const cni_explained *node =
        torch(state, "Input(shape=(16, 7, 7))\nConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1)");
    assert_map(node, 14, 14, 8);
    assert_costs(node, 3 * 3 * 8 * 16 + 8, 7 * 7 * 16 * 9 * 8);
    assert_true(node->macs_real == CNI_UNSEEN);
    assert_int_equal(node->axis[0].after, 0);
}

static void separable_convolution_has_two_kernels(void **state)
{
    const cni_explained *node =
        keras(state, "Input(shape=(7, 7, 8))\nSeparableConv2D(16, 3, padding='same', depth_multiplier=2)");
    assert_costs(node, 9 * 16 + 16 * 16 + 16, 49 * (9 * 16 + 16 * 16));
    assert_int_equal(node->macs_real, 19 * 19 * 16 + 49 * 16 * 16);
}

static void transposed_convolution_of_keras(void **state)
{
    const cni_explained *node =
        keras(state, "Input(shape=(7, 7, 16))\nConv2DTranspose(8, 3, strides=2, padding='same', use_bias=False)");
    assert_map(node, 14, 14, 8);
    assert_costs(node, 3 * 3 * 8 * 16, 7 * 7 * 16 * 9 * 8);
    assert_int_equal(node->axis[0].before, 0);
    assert_int_equal(node->axis[0].after, 1);
}

static void sequences_and_volumes(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(20, 4))\n"
                                                  "Conv1D(8, 3, dilation_rate=2, padding='causal')\n"
                                                  "MaxPooling1D(3)\n"
                                                  "Flatten()\n"
                                                  "Dense(2)");
    assert_int_equal(a->nodes[1].spatial, 1);
    assert_int_equal(a->nodes[1].map[0], 20);
    assert_int_equal(a->nodes[1].field[0].start, -4);
    assert_int_equal(a->nodes[1].macs, 20 * 3 * 4 * 8);
    assert_int_equal(a->nodes[2].field[0].size, 7);
    assert_int_equal(a->nodes[1].needed, 18);
    assert_null(a->nodes[1].mask);
    assert_int_equal(a->dead_pixels, 2);
    a = explain_keras(*state, "Input(shape=(9, 10, 11, 2))\n"
                              "Conv3D(4, (1, 2, 3), strides=(1, 2, 2))\n"
                              "Flatten()");
    assert_int_equal(a->nodes[1].spatial, 3);
    assert_int_equal(a->nodes[1].map[2], 5);
    assert_int_equal(a->nodes[1].macs, 9 * 5 * 5 * 6 * 2 * 4);
    assert_int_equal(a->nodes[1].field[2].size, 3);
    assert_int_equal(a->dead_pixels, 0);
}

static void batch_norm_is_folded_behind_a_kernel_only(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(8, 8, 4))\n"
                                                  "BatchNormalization()\n"
                                                  "Conv2D(6, 1)\n"
                                                  "BatchNormalization()\n"
                                                  "Conv2D(6, 1, activation='relu')\n"
                                                  "BatchNormalization()");
    assert_int_equal(a->nodes[1].macs, 8 * 8 * 4);
    assert_int_equal(a->nodes[3].macs, 0);
    assert_int_equal(a->nodes[5].macs, 8 * 8 * 6);
    assert_int_equal(a->nodes[3].params.trainable, 12);
    assert_int_equal(a->nodes[3].params.other, 12);
}

static void other_operations_have_a_column_of_their_own(void **state)
{
    const cni_analysis *a = explain_keras(*state, "x: Input(shape=(8, 8, 4))\n"
                                                  "MaxPooling2D(2)\n"
                                                  "p <- x: AveragePooling2D(2)\n"
                                                  "sum <- layer_1, p, p: Add()\n"
                                                  "ReLU()\n"
                                                  "GlobalAveragePooling2D()");
    static const int64_t operations[] = {0, 64 * 3, 64 * 4, 64 * 2, 64, 64};
    assert_int_equal(a->nodes[0].other_ops, 0);
    for (int i = 1; i < 6; i++) assert_int_equal(a->nodes[i].other_ops, operations[i]);
}

static void frozen_weights_are_other(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(8, 8, 4))\nConv2D(6, 1, trainable=False)");
    assert_int_equal(node->params.trainable, 0);
    assert_int_equal(node->params.other, 30);
}

static void shared_layers_count_once(void **state)
{
    const cni_analysis *a = explain_keras(*state, "x: Input(shape=(8, 8, 4))\n"
                                                  "a: Conv2D(4, 3, padding='same')\n"
                                                  "b <- a: =a\n");
    assert_int_equal(a->count, 3);
    assert_int_equal(a->nodes[2].shared_with, 1);
    assert_int_equal(a->nodes[1].shared_with, -1);
    assert_int_equal(a->nodes[2].params.trainable, 0);
    assert_int_equal(a->params.trainable, 148);
    assert_int_equal(a->macs, 2 * 8 * 8 * 144);
    assert_int_equal(a->nodes[2].field[0].size, 5);
    assert_int_equal(a->nodes[1].consumer_count, 1);
    assert_true(a->nodes[2].output);
}

/* ---- what is not known, or wrong ---- */

static void sizes_that_are_not_known(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(None, None, 3))\n"
                                                  "Conv2D(8, 3, strides=2, padding='same')\n"
                                                  "Conv2D(8, 5)\n"
                                                  "GlobalAveragePooling2D()\n"
                                                  "Dense(10)");
    assert_int_equal(a->nodes[1].map[0], -1);
    assert_int_equal(a->nodes[1].channels, 8);
    assert_int_equal(a->nodes[1].params.trainable, 224);
    assert_true(a->nodes[1].macs == CNI_UNSEEN);
    assert_true(a->nodes[1].macs_real == CNI_UNSEEN);
    assert_int_equal(a->nodes[2].field[0].size, 11);
    assert_int_equal(a->nodes[2].field[0].jump, 2);
    assert_true(a->nodes[2].field[0].start == CNI_UNSEEN);
    assert_null(a->nodes[2].field[0].lo);
    assert_int_equal(a->params.trainable, 224 + 1608 + 90);
    assert_true(a->macs == CNI_UNSEEN);
    assert_int_equal(a->nodes[4].macs, 80);
}

static void unknown_sizes_are_formulas(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(None, 20, 3))\n"
                                                  "Conv2D(8, 3, strides=2, padding='same')\n"
                                                  "Conv2D(8, 3)\n"
                                                  "ZeroPadding2D(3)\n"
                                                  "MaxPooling2D(2)\n"
                                                  "Conv2D(8, 5, strides=2)\n"
                                                  "Dropout(0.5)");
    static const char *const formulas[] = {"H",
                                           "ceil(H/2)",
                                           "ceil(H/2)-2",
                                           "ceil(H/2)+4",
                                           "floor((ceil(H/2)+4)/2)",
                                           "floor((floor((ceil(H/2)+4)/2)-5)/2)+1",
                                           "floor((floor((ceil(H/2)+4)/2)-5)/2)+1"};
    for (int i = 0; i < a->count; i++) {
        assert_string_equal(a->nodes[i].symbol[0], formulas[i]);
        assert_null(a->nodes[i].symbol[1]);
    }
    a = explain_as(*state, CNI_TORCH,
                   "Input(shape=(3, None, 20))\n"
                   "MaxPool2d(3, 2, ceil_mode=True)\n"
                   "Upsample(scale_factor=2)\n"
                   "ConvTranspose2d(3, 8, 3, stride=2, padding=1)",
                   NULL);
    assert_string_equal(a->nodes[1].symbol[0], "ceil((H-3)/2)+1");
    assert_string_equal(a->nodes[2].symbol[0], "2*(ceil((H-3)/2)+1)");
    assert_string_equal(a->nodes[3].symbol[0], "2*2*(ceil((H-3)/2)+1)-1");
}

static void options_give_an_input_size(void **state)
{
    const cni_explain_options options = {.input = {{32, 48, 3}}, .input_count = 1, .batch = 2, .bytes = 2};
    const cni_analysis *a = explain_as(*state, CNI_KERAS, "Input(shape=(None, None, 3))\nConv2D(8, 3)", &options);
    assert_map(a->nodes + 1, 30, 46, 8);
    assert_int_equal(a->nodes[1].bytes_out, 2 * 2 * 30 * 46 * 8);
    assert_int_equal(a->weights_bytes, 2 * 224);
}

static void pytorch_tells_channels_without_an_input(void **state)
{
    cni_description *d =
        describe_as(*state, CNI_TORCH, "Input(shape=(1,))\nConv2d(3, 16, 3)\nReLU()\nConv2d(16, 8, 3)");
    cni_analysis *a;
    d->layers[0].config->args = calloc(1, d->layers[0].kind->kind.args_size); /* a shape that nobody told */
    assert_int_equal(cni_analyse(*state, d, NULL, &a, NULL), CN_OK);
    free(d->layers[0].config->args);
    assert_int_equal(a->nodes[0].channels, 3);
    assert_int_equal(a->nodes[0].spatial, 2);
    assert_int_equal(a->params.trainable, 448 + 1160);
    assert_int_equal(a->nodes[3].field[1].size, 5);
}

static void errors_stay_in_their_nodes(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(8, 8, 3))\n"
                                                  "MaxPooling2D(4)\n"
                                                  "Conv2D(8, 3)\n"
                                                  "Flatten()\n"
                                                  "Dense(10)");
    assert_int_equal(a->nodes[1].error.status, CN_OK);
    assert_int_equal(a->nodes[2].error.status, CN_ERR_SHAPE);
    assert_true(a->nodes[2].axis[0].o <= 0);
    assert_true(a->nodes[2].suspect && a->nodes[3].suspect && a->nodes[4].suspect);
    assert_int_equal(a->nodes[3].error.status, CN_OK);
    assert_int_equal(a->nodes[3].shape.rank, 0);
    assert_int_equal(a->nodes[2].params.trainable, 224);
    assert_true(a->nodes[4].params.trainable == CNI_UNSEEN);
    assert_int_equal(a->nodes[1].needed, a->nodes[1].positions);
}

static void groups_that_do_not_divide(void **state)
{
    const cni_explained *node = keras(state, "Input(shape=(None, None, 3))\nConv2D(8, 3, groups=4)");
    assert_int_equal(node->error.status, CN_ERR_SHAPE);
    assert_true(node->suspect);
}

static void unknown_layers_are_opaque(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(8, 8, 3))\nMystery(3)\nConv2D(8, 3)");
    assert_int_equal(a->nodes[1].shape.rank, 0);
    assert_false(a->nodes[1].suspect);
    assert_int_equal(a->nodes[2].channels, 8);
    assert_true(a->nodes[2].params.trainable == CNI_UNSEEN);
    assert_true(a->nodes[2].field[0].unknown);
    assert_true(a->params.trainable == CNI_UNSEEN);
}

/* A Reshape to one channel keeps every position where it is; Reshape to other sizes does not. */
static void reshape_that_keeps_positions(void **state)
{
    const char *grey = "Input(shape=(28, 28))\nReshape((28, 28, 1))\nConv2D(8, 3)\nMaxPooling2D(2)";
    const cni_analysis *a = explain_keras(*state, grey);
    assert_int_equal(a->image, 0);
    assert_map(&a->nodes[3], 13, 13, 8);
    assert_false(a->nodes[3].field[0].all);
    assert_int_equal(a->nodes[3].field[1].size, 4);
    assert_int_equal(a->nodes[3].field[1].jump, 2);
    const cni_explained *same = keras(state, "Input(shape=(8, 8, 4))\nReshape((8, 8, 4))\nConv2D(8, 3)");
    assert_false(same->field[0].all);
    assert_int_equal(same->field[0].size, 3);
    const cni_explained *mixed = keras(state, "Input(shape=(8, 8, 4))\nReshape((4, 16, 4))\nConv2D(8, 3)");
    assert_true(mixed->field[0].all);
    const cni_explained *torch_ = torch(state, "Input(shape=(28, 28))\nUnflatten(1, (1, 28))\nConv2d(1, 8, 5)");
    assert_map(torch_, 24, 24, 8);
    assert_int_equal(torch_->field[0].size, 5);
}

/* What a text can ask for must not cost more than a moment. */
static void hostile_sizes_cost_nothing(void **state)
{
    char text[4000] = "Input(shape=(1000000, 2, 1))";
    for (int i = 0; i < 12; i++) strcat(text, "\nConv2D(1, (99991, 1), padding='same')\nReLU()");
    strcat(text, "\nMaxPooling2D((99991, 1), strides=(1, 1))\nUpSampling2D((491, 1))\nConv2D(1, (65521, 1))"
                 "\nConv2D(1, (2, 1), dilation_rate=(99991, 1))\nConv2DTranspose(1, (997, 1))");
    const clock_t start = clock();
    const cni_analysis *a = explain_keras(*state, text);
    assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
    assert_false(last_of(a)->suspect);
    assert_int_equal(a->nodes[23].field[0].size, 12 * 99990 + 1);
}

static void channels_first(void **state)
{
    const cni_analysis *a = explain_keras(*state, "Input(shape=(3, 32, 30))\n"
                                                  "Conv2D(8, 3, data_format='channels_first')\n"
                                                  "BatchNormalization(axis=1)\n"
                                                  "MaxPooling2D(2, data_format='channels_first')\n"
                                                  "Flatten()");
    assert_int_equal(a->nodes[0].channels, 3);
    assert_int_equal(a->nodes[0].map[1], 30);
    assert_map(a->nodes + 2, 30, 28, 8);
    assert_map(a->nodes + 3, 15, 14, 8);
    assert_int_equal(a->nodes[2].format, CN_CHANNELS_FIRST);
    assert_int_equal(a->nodes[1].macs, 30 * 28 * 8 * 27);
}

/* ---- a network ---- */

#define MNIST_EXAMPLE(first, pool)                                                                                     \
    "Conv2D(32, 3, activation='relu'" first ")\nMaxPooling2D(2)\nConv2D(64, 3, activation='relu')\n"                   \
    "pool: MaxPooling2D(2" pool ")\nFlatten()\nDropout(0.5)\nDense(10, activation='softmax')"

static void example_of_keras(void **state)
{
    const cni_explain_options options = {.batch = 32};
    const char *text = "Input(shape=(28, 28, 1))\n" MNIST_EXAMPLE("", "");
    const cni_analysis *a = explain_keras(*state, text);
    static const int64_t sizes[] = {28, 26, 13, 11, 5}, fields[] = {1, 3, 4, 8, 10}, jumps[] = {1, 1, 2, 2, 4};
    static const int64_t needed[] = {676, 576, 144, 100, 25};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(a->nodes[i].map[0], sizes[i]);
        assert_int_equal(a->nodes[i].field[1].size, fields[i]);
        assert_int_equal(a->nodes[i].field[1].jump, jumps[i]);
        assert_int_equal(a->nodes[i].needed, needed[i]);
    }
    assert_true(a->nodes[5].field[0].all && a->nodes[7].field[1].all);
    assert_int_equal(a->params.trainable, 34826);
    assert_int_equal(a->macs, 2440960);
    assert_int_equal(a->flops, 4911306);
    assert_int_equal(a->train_macs, 7128192);
    assert_int_equal(a->dead_pixels, 108);
    assert_int_equal(a->nodes[1].macs_dead, 28800);
    assert_int_equal(a->nodes[3].macs_dead, 387072);
    assert_int_equal(a->macs_dead, 415872);
    assert_int_equal(a->memory.peak, 108160);
    assert_int_equal(a->memory.saved, 148712);
    assert_string_equal(a->nodes[a->last_map].name, "pool");
    a = explain_as(*state, CNI_KERAS, text, &options);
    assert_int_equal(a->memory.train[2], 8777120);
    assert_int_equal(a->memory.train[0], 34826 * 8 + 4758784 + 3461120);
    assert_int_equal(a->memory.peak, 32 * 108160);
}

/* 8x8x4 floats are 1 KiB. */
static void memory_of_a_schedule(void **state)
{
    const char *text = "x: Input(shape=(8, 8, 4))\n"
                       "a: Conv2D(4, 3, padding='same')\n"
                       "bn: BatchNormalization()\n"
                       "relu: ReLU()\n"
                       "Add <- x, relu: Add()\n"
                       "again: ReLU()\n"
                       "pool: MaxPooling2D(2)\n"
                       "Flatten()";
    const cni_analysis *a = explain_keras(*state, text);
    assert_int_equal(a->memory.peak, 3 * 1024); /* image, convolution, sum */
    const cni_explain_options options = {.inplace = true};
    a = explain_as(*state, CNI_KERAS, text, &options);
    assert_int_equal(a->memory.peak, 2 * 1024);
    /* inputs of convolution and batch norm, mean and variance, both ReLUs; an index for each maximum */
    assert_int_equal(a->memory.saved, 4 * 1024 + 2 * 4 * 4 + 4 * 4 * 4);
    assert_int_equal(a->memory.working, 2 * 1024);
}

static void edits_that_clear_it(void **state)
{
    static const struct {
        const char *text;
        int64_t params, macs, dead_pixels, dead;
    } rows[] = {
        {"Input(shape=(28, 28, 1))\n" MNIST_EXAMPLE("", ", padding='same'"), 41866, 2448000, 0, 0},
        {"Input(shape=(28, 28, 1))\n" MNIST_EXAMPLE(", padding='same'", ""), 41866, 2903040, 0, 0},
        {"Input(shape=(30, 30, 1))\n" MNIST_EXAMPLE("", ""), 41866, 2903040, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const cni_analysis *a = explain_keras(*state, rows[i].text);
        assert_int_equal(a->params.trainable, rows[i].params);
        assert_int_equal(a->macs, rows[i].macs);
        assert_int_equal(a->dead_pixels, rows[i].dead_pixels);
        assert_int_equal(a->macs_dead, rows[i].dead);
    }
    const cni_analysis *a = explain_keras(*state, "Input(shape=(29, 29, 1))\n" MNIST_EXAMPLE("", ""));
    assert_true(a->macs_dead > 0);
    a = explain_keras(*state,
                      "Input(shape=(28, 28, 1))\n"
                      "Conv2D(32, 3)\nMaxPooling2D(2)\nConv2D(64, 3, padding='same')\nMaxPooling2D(2)\nFlatten()");
    assert_int_equal(a->dead_pixels, 0);
    assert_int_equal(a->macs_dead, 460800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(convolution_over_images_of_digits),
        TEST(large_kernel_with_strides_and_same),
        TEST(same_then_valid_leaves_a_row_unread),
        TEST(zeros_around_a_small_map),
        TEST(padding_of_pytorch),
        TEST(strides_of_two_in_three_ways),
        TEST(dilation_widens_the_window),
        TEST(even_kernel_shifts),
        TEST(stride_larger_than_the_kernel),
        TEST(pools),
        TEST(separable_convolution_in_two_layers),
        TEST(groups_share_channels),
        TEST(taps_that_never_meet_data),
        TEST(stride_and_dilation_with_a_common_factor),
        TEST(strides_that_leave_a_rest),
        TEST(stem_of_both_frameworks),
        TEST(dense_on_maps_works_on_each_position),
        TEST(transposed_convolution_multiplies_at_inputs),
        TEST(separable_convolution_has_two_kernels),
        TEST(transposed_convolution_of_keras),
        TEST(sequences_and_volumes),
        TEST(batch_norm_is_folded_behind_a_kernel_only),
        TEST(other_operations_have_a_column_of_their_own),
        TEST(frozen_weights_are_other),
        TEST(shared_layers_count_once),
        TEST(sizes_that_are_not_known),
        TEST(unknown_sizes_are_formulas),
        TEST(options_give_an_input_size),
        TEST(pytorch_tells_channels_without_an_input),
        TEST(errors_stay_in_their_nodes),
        TEST(groups_that_do_not_divide),
        TEST(unknown_layers_are_opaque),
        TEST(reshape_that_keeps_positions),
        TEST(hostile_sizes_cost_nothing),
        TEST(channels_first),
        TEST(example_of_keras),
        TEST(memory_of_a_schedule),
        TEST(edits_that_clear_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
