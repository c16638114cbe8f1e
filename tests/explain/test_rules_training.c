/* SPDX-License-Identifier: Apache-2.0
 * Findings R4.., C5.., T6..: what each of them is found in, what it is not found in, and that its fixes mend it. */
#include "rule_cases.h"

#define LIST(...)  "model = keras.Sequential([\n" __VA_ARGS__ "])\n"
#define TORCH(...) "# cornu: input " __VA_ARGS__

static const rule_case cases[] = {
    {"R401", CNI_NOTE, NULL,
     LIST("    keras.Input((28, 28, 1)),\n"
          "    layers.Conv2D(32, 3), layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(64, 3), layers.MaxPooling2D(2),\n"
          "    layers.Flatten(), layers.Dense(10),\n"),
     "field of the last map 10x10 of 28x28, jump 4",
     LIST("    keras.Input((28,)),\n"
          "    layers.Dense(10),\n"),
     0},
    {"R401", CNI_NOTE, NULL,
     TORCH("16x50x100\n"
           "net = nn.Sequential(nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2), dilation=(3, 1)))\n"),
     "field of the last map 7x5 of 50x100, jump 2x1",
     LIST("    keras.Input((28,)),\n"
          "    layers.Dense(10),\n"),
     0},
    {"R402", CNI_HINT, "conv2d_3",
     LIST("    keras.Input((16, 16, 3)),\n"
          "    layers.Conv2D(8, 7, padding='same'),\n"
          "    layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 3, padding='same'),\n"
          "    layers.Conv2D(8, 5, padding='same'),\n" /* 7, 8, 12, 20 */
          "    layers.Conv2D(8, 3, padding='same'),\n"),
     "conv2d_3 already sees the whole 16x16 image at its input",
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.Conv2D(8, 7, padding='same'),\n"
          "    layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 3, padding='same'),\n"
          "    layers.Conv2D(8, 5, padding='same'),\n"
          "    layers.Conv2D(8, 3, padding='same'),\n"),
     1},
    {"C501", CNI_WARNING, "dense",
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.Conv2D(16, 3, padding='same'),\n"
          "    layers.Flatten(),\n"
          "    layers.Dropout(0.5),\n"
          "    layers.Dense(64),\n"
          "    layers.Dense(10),\n"),
     "dense after flatten holds 1,048,640 of 1,049,738 weights (99.9 %)",
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.Conv2D(16, 3, padding='same'),\n"
          "    layers.GlobalAveragePooling2D(),\n"
          "    layers.Dropout(0.5),\n"
          "    layers.Dense(64),\n"
          "    layers.Dense(10),\n"),
     1},
    {"C501", CNI_HINT, "3",
     TORCH("3x8x8\n"
           "net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10))\n"),
     "3 (Linear) after 2 (Flatten) holds 5,770",
     TORCH("3x8x8\n"
           "net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))\n"),
     1},
    {"T601", CNI_HINT, "conv2d",
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.Conv2D(16, 3),\n"
          "    layers.BatchNormalization(),\n"
          "    layers.Dense(24),\n"
          "    layers.BatchNormalization(),\n"),
     "The bias of conv2d (16 weights) is cancelled by batch_normalization. So are those of dense: 40 weights in all.",
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.Conv2D(16, 3, activation='relu'),\n" /* not cancelled behind a relu */
          "    layers.BatchNormalization(),\n"
          "    layers.Dense(24),\n"
          "    layers.BatchNormalization(center=False),\n"
          "    layers.Dense(24, use_bias=False),\n"
          "    layers.BatchNormalization(),\n"),
     1},
    {"T601", CNI_HINT, "conv2d", /* the mean over anything but the channels leaves the bias */
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.Conv2D(16, 3),\n"
          "    layers.BatchNormalization(axis=3),\n"),
     "The bias of conv2d (16 weights) is cancelled by batch_normalization.",
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.Conv2D(16, 3),\n"
          "    layers.BatchNormalization(axis=1),\n"),
     1},
    {"T601", CNI_HINT, "0",
     TORCH("3x8x8\n"
           "net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16))\n"),
     "The bias of 0 (Conv2d) (16 weights) is cancelled by 1 (BatchNorm2d).",
     TORCH("3x8x8\n"
           "net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16, affine=False))\n"),
     1},
    {"T604", CNI_ERROR, "dense",
     LIST("    keras.Input((8,)),\n"
          "    layers.Dense(1, activation='softmax'),\n"),
     "softmax over an axis of length 1",
     LIST("    keras.Input((8,)),\n"
          "    layers.Dense(1, activation='sigmoid'),\n"),
     2},
    {"T604", CNI_ERROR, "softmax",
     LIST("    keras.Input((8,)),\n"
          "    layers.Dense(1),\n"
          "    layers.Softmax(),\n"),
     "always 1",
     LIST("    keras.Input((8,)),\n"
          "    layers.Dense(2),\n"
          "    layers.Softmax(),\n"),
     2},
    {"T604", CNI_ERROR, "1",
     TORCH("8\n"
           "net = nn.Sequential(nn.Linear(8, 1), nn.Softmax(dim=1))\n"),
     "always 1",
     TORCH("8\n"
           "net = nn.Sequential(nn.Linear(8, 2), nn.Softmax(dim=1))\n"),
     1},
    {"T611", CNI_WARNING, "conv2d",
     LIST("    keras.Input((28, 28, 1)),\n"
          "    layers.Conv2D(32, 3, 3, activation='relu'),\n"),
     "Conv2D(32, 3, 3) means kernel 3, stride 3. For a 3x3 window write (3, 3)",
     LIST("    keras.Input((28, 28, 1)),\n"
          "    layers.Conv2D(32, 3, strides=3, activation='relu'),\n" /* by name it is meant */
          "    layers.Conv2D(32, 3, 2),\n"
          "    layers.Conv2D(32, 1, 1),\n"),
     1},
};

/* E28: VGG16's convolutions on 32x32. */
static void test_vgg16_small(void **state)
{
    (void)state;
    static const char text[] = "model = keras.Sequential([keras.Input((32, 32, 3))])\n"
                               "for filters, times in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:\n"
                               "    for i in range(times):\n"
                               "        model.add(layers.Conv2D(filters, 3, padding='same', activation='relu'))\n"
                               "    model.add(layers.MaxPooling2D(2))\n";
    found f;
    find_in(&f, text, "R402");
    const cni_finding *finding = finding_of(&f, "R402");
    assert_non_null(finding);
    assert_int_equal(finding->node_count, 7);
    assert_string_equal(f.analysis->nodes[finding->node].name, "conv2d_6"); /* conv3_3 */
    assert_non_null(strstr(finding->text, "13,569,280 of the 14,714,688 weights (92.2 %)"));
    forget(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vgg16_small),
    };
    return RUN_CASES("training", cases, tests);
}
