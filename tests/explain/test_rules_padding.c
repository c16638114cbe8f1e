/* SPDX-License-Identifier: Apache-2.0
 * Findings P2..: what each of them is found in, what it is not found in, and that its fixes mend it.  The numbers are
 * those of the worked examples E2, E4, E6, E8, E13, E24, E25 and of the tables of alignment. */
#include "rule_cases.h"

#define LIST(...)  "model = keras.Sequential([\n" __VA_ARGS__ "])\n"
#define TORCH(...) "# cornu: input " __VA_ARGS__

#define BLOCK(padding_before, padding)                                                                                 \
    "x = inputs = keras.Input((32, 32, 16))\n"                                                                         \
    "y = " padding_before "\n"                                                                                         \
    "y = layers.Conv2D(32, 3, strides=2, padding='" padding "')(y)\n"                                                  \
    "y = layers.ReLU()(y)\n"                                                                                           \
    "y = layers.Conv2D(32, 3, padding='same')(y)\n"                                                                    \
    "s = layers.Conv2D(32, 1, strides=2)(x)\n"                                                                         \
    "x = layers.Add()([y, s])\n"                                                                                       \
    "model = keras.Model(inputs, x)\n"

#define UP(layer)                                                                                                      \
    "inputs = keras.Input((32, 32, 16))\n"                                                                             \
    "x = layers.MaxPooling2D(2)(inputs)\n"                                                                             \
    "x = " layer "(x)\n"                                                                                               \
    "x = layers.Concatenate()([x, inputs])\n"                                                                          \
    "model = keras.Model(inputs, x)\n"

static const rule_case cases[] = {
    {"P201", CNI_NOTE, "conv2d",
     LIST("    keras.Input((128, 128, 3)),\n"
          "    layers.Conv2D(64, 5, strides=2, padding='same'),\n"),
     "padding 3 is split 1 before / 2 after, as its input of 128 asks for: every window sits 0.5 px further down and "
     "to "
     "the right",
     LIST("    keras.Input((129, 129, 3)),\n"
          "    layers.Conv2D(64, 5, strides=2, padding='same'),\n"),
     2},
    {"P201", CNI_WARNING, "max_pooling2d", /* a small map */
     LIST("    keras.Input((16, 17, 3)),\n"
          "    layers.MaxPooling2D(3, 2, 'same'),\n"),
     "0.5 px further down than centred",
     LIST("    keras.Input((17, 17, 3)),\n"
          "    layers.MaxPooling2D(3, 2, 'same'),\n"),
     0},
    {"P201", CNI_NOTE, "conv2d", /* one cause, five layers: MobileNet's shift of 15.5 px */
     LIST("    keras.Input((224, 224, 3)),\n"
          "    layers.Conv2D(8, 3, strides=2, padding='same'),\n"
          "    layers.DepthwiseConv2D(3, strides=2, padding='same'),\n"
          "    layers.DepthwiseConv2D(3, strides=2, padding='same'),\n"
          "    layers.DepthwiseConv2D(3, strides=2, padding='same'),\n"
          "    layers.DepthwiseConv2D(3, strides=2, padding='same'),\n"),
     "together 15.5 image px",
     LIST("    keras.Input((225, 225, 3)),\n"
          "    layers.Conv2D(8, 3, strides=2, padding='same'),\n"
          "    layers.DepthwiseConv2D(3, strides=2, padding='same'),\n"
          "    layers.DepthwiseConv2D(3, strides=2, padding='same'),\n"
          "    layers.DepthwiseConv2D(3, strides=2, padding='same'),\n"
          "    layers.DepthwiseConv2D(3, strides=2, padding='same'),\n"),
     2},
    {"P201", CNI_WARNING, "conv2d", /* the result is a map of the image's size */
     LIST("    keras.Input((64, 64, 3)),\n"
          "    layers.Conv2D(8, 3, strides=2, padding='same'),\n"
          "    layers.UpSampling2D(2),\n"
          "    layers.Conv2D(1, 1),\n"),
     "0 before / 1 after",
     LIST("    keras.Input((64, 64, 3)),\n"
          "    layers.ZeroPadding2D(1),\n"
          "    layers.Conv2D(8, 3, strides=2),\n"
          "    layers.UpSampling2D(2),\n"
          "    layers.Conv2D(1, 1),\n"),
     1},
    {"P203", CNI_WARNING, "max_pooling1d", /* too long for read masks */
     LIST("    keras.Input((300001, 1)),\n"
          "    layers.MaxPooling1D(2),\n"),
     "the last position of 300001 is never read (300001 = 149999*2 + 2 + 1)",
     LIST("    keras.Input((300000, 1)),\n"
          "    layers.MaxPooling1D(2),\n"),
     1},
    {"P204", CNI_NOTE, "0", /* E6 */
     TORCH("3x32x32\n"
           "net = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1))\n"),
     "of the padding 1/1 only 1/0 is used; the last padded row and column are never reached",
     TORCH("3x33x33\n"
           "net = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1))\n"),
     2},
    {"P204", CNI_NOTE, "zero_padding2d", /* padding that is a layer */
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.ZeroPadding2D(1),\n"
          "    layers.Conv2D(16, 3, strides=2),\n"),
     "of the padding 1/1 only 1/0 is used",
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.ZeroPadding2D(((1, 0), (1, 0))),\n"
          "    layers.Conv2D(16, 3, strides=2),\n"),
     2},
    {"P205", CNI_NOTE, "conv2d", /* E8 */
     LIST("    keras.Input((16, 16, 8)),\n"
          "    layers.Conv2D(8, 4, padding='same'),\n"),
     "an even window (4x4) cannot be centred: it shifts its map by 0.5 image px",
     LIST("    keras.Input((16, 16, 8)),\n"
          "    layers.Conv2D(8, 5, padding='same'),\n"),
     2},
    {"P205", CNI_WARNING, "conv2d",
     LIST("    keras.Input((64, 64, 8)),\n"
          "    layers.Conv2D(8, 2, padding='same'),\n"
          "    layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 2, padding='same'),\n"),
     "all even layers (conv2d and conv2d_1) together 1.5",
     LIST("    keras.Input((64, 64, 8)),\n"
          "    layers.Conv2D(8, 2),\n" /* without padding nothing is uneven */
          "    layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 2),\n"),
     1},
    {"P207", CNI_NOTE, "conv2d", /* E4: 1 - (19/21)^2 */
     LIST("    keras.Input((7, 7, 1)),\n"
          "    layers.Conv2D(1, 3, padding='same'),\n"),
     "18.1 % of its multiplications meet padding (3x3 on 7x7)",
     LIST("    keras.Input((14, 14, 1)),\n"
          "    layers.Conv2D(1, 3, padding='same'),\n"),
     1},
    {"P207", CNI_WARNING, "conv2d", /* E13 */
     LIST("    keras.Input((3, 3, 512)),\n"
          "    layers.Conv2D(512, 7, padding='same'),\n"),
     "81.6 %",
     LIST("    keras.Input((9, 9, 512)),\n"
          "    layers.Conv2D(512, 7),\n"),
     0},
    {"P209", CNI_WARNING, "add", BLOCK("x", "same"), "1 image px out of register",
     BLOCK("layers.ZeroPadding2D(1)(x)", "valid"), 2},
    {"P209", CNI_WARNING, "concatenate", UP("layers.Conv2DTranspose(16, 3, strides=2, padding='same')"),
     "0.5 image px out of register", UP("layers.Conv2DTranspose(16, 2, strides=2, padding='same')"), 1},
    {"P209", CNI_WARNING, "concatenate",
     "inputs = keras.Input((32, 32, 16))\n"
     "x = layers.Conv2D(16, 3, strides=2, padding='same')(inputs)\n"
     "x = layers.UpSampling2D(2)(x)\n"
     "x = layers.Concatenate()([x, inputs])\n"
     "model = keras.Model(inputs, x)\n",
     "0.5 image px out of register", UP("layers.UpSampling2D(2)"), 1},
};

/* E25: CIFAR's ResNet-20 with 'same': 1 px at the first merge of stage 2, 2 px at that of stage 3, nothing elsewhere;
 * nothing at 33x33. */
static const char resnet20[] = "def block(x, filters, stride=1):\n"
                               "    y = layers.Conv2D(filters, 3, strides=stride, padding='same')(x)\n"
                               "    y = layers.ReLU()(y)\n"
                               "    y = layers.Conv2D(filters, 3, padding='same')(y)\n"
                               "    if stride > 1:\n"
                               "        x = layers.Conv2D(filters, 1, strides=stride)(x)\n"
                               "    return layers.Add()([x, y])\n"
                               "x = inputs = keras.Input((%d, %d, 3))\n"
                               "x = layers.Conv2D(16, 3, padding='same')(x)\n"
                               "for filters in [16, 32, 64]:\n"
                               "    x = block(x, filters, 1 if filters == 16 else 2)\n"
                               "    x = block(x, filters)\n"
                               "    x = block(x, filters)\n"
                               "model = keras.Model(inputs, x)\n";

static void test_resnet20(void **state)
{
    (void)state;
    char text[1000];
    found f;
    snprintf(text, sizeof text, resnet20, 32, 32);
    find_in(&f, text, "P209");
    const cni_finding *finding = finding_of(&f, "P209");
    assert_non_null(finding);
    assert_int_equal(f.findings->count, 1); /* one place of the text */
    assert_int_equal(finding->node_count, 2);
    assert_string_equal(f.analysis->nodes[finding->nodes[0]].name, "add_3");
    assert_string_equal(f.analysis->nodes[finding->nodes[1]].name, "add_6");
    assert_non_null(strstr(finding->text, "1 image px out of register; likewise add_6 by 2 image px"));
    assert_non_null(strstr(finding->history, "jump 2, so 0.5 cells"));
    for (int i = 0; i < finding->fix_count; i++) check_fix(&f, finding, finding->fixes + i, text);
    assert_true(finding->fix_count >= 1);
    forget(&f);
    snprintf(text, sizeof text, resnet20, 33, 33);
    find_in(&f, text, "P209");
    assert_int_equal(f.findings->count, 0);
    forget(&f);
}

/* At 1x1 nothing is left to be uneven: an image is not made that small. */
static void sizes_within_reach(void **state)
{
    (void)state;
    static const char text[] = "i = keras.Input((32, 32, 3))\n"
                               "a = layers.Conv2D(8, 3, strides=2, padding='same')(i)\n"
                               "b = layers.Conv2D(8, 3, dilation_rate=2, padding='same')(a)\n"
                               "u = layers.Conv2DTranspose(8, 3, strides=2, padding='same')(b)\n"
                               "o = layers.Add()([u, layers.Conv2D(8, 1)(i)])\n";
    found f;
    find_in(&f, text, "P201");
    const cni_finding *finding = finding_of(&f, "P201");
    assert_non_null(finding);
    for (int i = 0; i < finding->fix_count; i++) assert_null(strstr(finding->fixes[i].code, "input 1x1"));
    forget(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_within_reach),
        cmocka_unit_test(test_resnet20),
    };
    return RUN_CASES("padding", cases, tests);
}
