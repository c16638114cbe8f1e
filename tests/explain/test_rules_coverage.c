/* SPDX-License-Identifier: Apache-2.0
 * Findings K3..: what each of them is found in, what it is not found in, and that its fixes mend it.  The numbers are
 * those of the worked examples E3, E9, E13, E14, E15, E20, E21, E26. */
#include "rule_cases.h"

#define LIST(...)  "model = keras.Sequential([\n" __VA_ARGS__ "])\n"
#define TORCH(...) "# cornu: input " __VA_ARGS__

#define MNIST(pool)                                                                                                    \
    LIST("    keras.Input((28, 28, 1)),\n"                                                                             \
         "    layers.Conv2D(32, 3, activation='relu'),\n"                                                              \
         "    layers.MaxPooling2D(2),\n"                                                                               \
         "    layers.Conv2D(64, 3, activation='relu'),\n"                                                              \
         "    layers." pool ",\n"                                                                                      \
         "    layers.Flatten(),\n"                                                                                     \
         "    layers.Dropout(0.5),\n"                                                                                  \
         "    layers.Dense(10, activation='softmax'),\n")

#define BOTTLENECK(first, second)                                                                                      \
    "inputs = keras.Input((56, 56, 256))\n"                                                                            \
    "y = layers.Conv2D(64, 3, padding='same')(inputs)\n"                                                               \
    "y = layers.Conv2D(128, 1, strides=" first ")(y)\n"                                                                \
    "y = layers.Conv2D(128, 3, padding='same', strides=" second ")(y)\n"                                               \
    "model = keras.Model(inputs, y)\n"

#define DILATED(a, b, c)                                                                                               \
    LIST("    keras.Input((64, 64, 8)),\n"                                                                             \
         "    layers.Conv2D(8, 3, dilation_rate=" a ", padding='same'),\n"                                             \
         "    layers.Conv2D(8, 3, dilation_rate=" b ", padding='same'),\n"                                             \
         "    layers.Conv2D(8, 3, dilation_rate=" c ", padding='same'),\n")

static const rule_case cases[] = {
    {"K301", CNI_WARNING, "conv2d_1", BOTTLENECK("2", "1"),
     "reads every 2nd row and column with a 1x1 window: 75.0 % of its input is ignored", BOTTLENECK("1", "2"), 1},
    {"K301", CNI_WARNING, "0", /* E15 */
     TORCH("8x32x32\n"
           "net = nn.Sequential(nn.Conv2d(8, 8, 3, stride=2, padding=2, dilation=2))\n"),
     "(stride and dilation share 2): 75.0 %",
     TORCH("8x32x32\n"
           "net = nn.Sequential(nn.Conv2d(8, 8, 3, stride=2, padding=3, dilation=3))\n"),
     1},
    {"K301", CNI_NOTE, "conv2d_1", /* another layer reads all of it */
     "inputs = keras.Input((32, 32, 8))\n"
     "x = layers.Conv2D(16, 3, strides=2, padding='same')(inputs)\n"
     "y = layers.Conv2D(16, 1, strides=2)(inputs)\n"
     "model = keras.Model(inputs, layers.Add()([x, y]))\n",
     "read by another layer",
     "inputs = keras.Input((32, 32, 8))\n"
     "x = layers.Conv2D(16, 3, strides=2, padding='same')(inputs)\n"
     "y = layers.Conv2D(16, 2, strides=2)(inputs)\n"
     "model = keras.Model(inputs, layers.Add()([x, y]))\n",
     0},
    {"K302", CNI_WARNING, "max_pooling2d_1", MNIST("MaxPooling2D(2)"),
     "max_pooling2d_1 never reads row 10 and column 10 of its 11x11 input (11 = 2*5 + 1). Traced back: 108 of 784 "
     "image "
     "pixels (13.8 %) cannot change the result, 415,872 MACs (17.0 %) are wasted.",
     MNIST("MaxPooling2D(2, padding='same')"), 2},
    {"K302", CNI_WARNING, "5",
     TORCH("1x28x28\n"
           "net = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),\n"
           "                    nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),\n"
           "                    nn.Flatten(), nn.Linear(1600, 10))\n"),
     "108 of 784 image pixels (13.8 %)",
     TORCH("1x28x28\n"
           "net = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),\n"
           "                    nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True),\n"
           "                    nn.Flatten(), nn.Linear(2304, 10))\n"),
     2},
    {"K302", CNI_NOTE, "conv2d_1", /* E3: no pixel is lost, and less than 1 % */
     LIST("    keras.Input((64, 64, 3)),\n"
          "    layers.Conv2D(32, 3, padding='same'),\n"
          "    layers.Conv2D(64, 5, strides=2),\n"),
     "row 63 and column 63 of its 64x64 input (64 = 29*2 + 5 + 1)",
     LIST("    keras.Input((65, 65, 3)),\n"
          "    layers.Conv2D(32, 3, padding='same'),\n"
          "    layers.Conv2D(64, 5, strides=2),\n"),
     2},
    {"K302", CNI_WARNING, "max_pooling1d", /* signals, too */
     LIST("    keras.Input((101, 1)),\n"
          "    layers.MaxPooling1D(2),\n"
          "    layers.Conv1D(4, 3),\n"),
     "never reads position 100",
     /* the unread row is padding: P204's */
     LIST("    keras.Input((32, 32, 1)),\n"
          "    layers.ZeroPadding2D(1),\n"
          "    layers.Conv2D(4, 3, strides=2),\n"),
     1},
    {"K302", CNI_WARNING, "cropping2d",
     LIST("    keras.Input((32, 32, 1)),\n"
          "    layers.Conv2D(4, 3, padding='same'),\n"
          "    layers.Cropping2D(4),\n"),
     "cuts its 32x32 input down to 24x24",
     /* what one branch cuts off, the other reads */
     "inputs = keras.Input((32, 32, 1))\n"
     "x = layers.Conv2D(4, 3, padding='same')(inputs)\n"
     "y = layers.GlobalAveragePooling2D()(x)\n"
     "z = layers.Flatten()(layers.Cropping2D(4)(x))\n"
     "model = keras.Model(inputs, layers.Concatenate()([y, z]))\n",
     0},
    {"K303", CNI_WARNING, "conv2d_2", DILATED("2", "2", "2"),
     "reads 7 of 13 offsets per axis (29.0 % of its field); gaps of up to 1 px. Dilations 2, 2, 2 share the factor 2",
     DILATED("1", "2", "3"), 1},
    {"K303", CNI_WARNING, "conv2d_2", DILATED("2", "4", "8"), "reads 15 of 29 offsets", DILATED("1", "2", "5"), 1},
    {"K303", CNI_NOTE, "conv2d_2", DILATED("1", "2", "9"), "reads 21 of 25 offsets per axis (70.6 % of its field)",
     DILATED("2", "1", "1"), 1},
    /* axes that differ: 3 taps 3 apart are 7 rows, 5 side by side are 5 columns; 3/7 of the field */
    {"K303", CNI_WARNING, "0",
     TORCH("16x50x100\n"
           "net = nn.Sequential(nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2), dilation=(3, 1)))\n"),
     "reads 3 of 7 rows and all 5 columns (42.9 % of its field); gaps of up to 2 px. Dilation 3x1 with nothing",
     TORCH("16x50x100\n"
           "net = nn.Sequential(nn.Conv2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2)))\n"),
     0},
    {"K303", CNI_NOTE, "conv2d_2",
     LIST("    keras.Input((64, 64, 8)),\n"
          "    layers.Conv2D(8, 3, dilation_rate=(1, 2), padding='same'),\n"
          "    layers.Conv2D(8, 3, dilation_rate=(1, 2), padding='same'),\n"
          "    layers.Conv2D(8, 3, dilation_rate=(1, 2), padding='same'),\n"),
     "reads all 7 rows and 7 of 13 columns (53.8 % of its field); gaps of up to 1 px. Dilations 1x2, 1x2, 1x2 share",
     LIST("    keras.Input((64, 64, 8)),\n"
          "    layers.Conv2D(8, 3, dilation_rate=(1, 1), padding='same'),\n"
          "    layers.Conv2D(8, 3, dilation_rate=(1, 2), padding='same'),\n"
          "    layers.Conv2D(8, 3, dilation_rate=(1, 3), padding='same'),\n"),
     1},
    {"K306", CNI_WARNING, "conv2d", /* E13 */
     LIST("    keras.Input((3, 3, 512)),\n"
          "    layers.Conv2D(512, 7, padding='same'),\n"),
     "Only 25 of 49 taps of conv2d can reach its 3x3 input; 6,291,456 weights never meet data.",
     LIST("    keras.Input((4, 4, 512)),\n"
          "    layers.Conv2D(512, 7, padding='same'),\n"),
     1},
    {"K306", CNI_WARNING, "conv2d", /* E14: the middle tap alone; 8/9 of 589,824 */
     LIST("    keras.Input((10, 10, 256)),\n"
          "    layers.Conv2D(256, 3, dilation_rate=12, padding='same'),\n"),
     "Only 1 of 9 taps of conv2d can reach its 10x10 input (dilation 12); 524,288 weights",
     LIST("    keras.Input((10, 10, 256)),\n"
          "    layers.Conv2D(256, 3, dilation_rate=9, padding='same'),\n"),
     1},
    {"K308", CNI_WARNING, "conv2d_transpose", /* E20 */
     LIST("    keras.Input((7, 7, 8)),\n"
          "    layers.Conv2DTranspose(8, 3, strides=2, padding='same'),\n"),
     "receive 1 or 2 contributions per axis",
     LIST("    keras.Input((7, 7, 8)),\n"
          "    layers.Conv2DTranspose(8, 4, strides=2, padding='same'),\n"),
     2},
    {"K308", CNI_WARNING, "0",
     TORCH("8x7x7\n"
           "net = nn.Sequential(nn.ConvTranspose2d(8, 8, 3, stride=2, padding=1, output_padding=1))\n"),
     "receive 1 or 2 contributions per axis",
     TORCH("8x7x7\n"
           "net = nn.Sequential(nn.ConvTranspose2d(8, 8, 3))\n"),
     2},
};

/* E21: which single edits clear the finding, and what they cost; pooling 1 and the second convolution do not. */
static void test_mnist_fixes(void **state)
{
    (void)state;
    found f;
    find_in(&f, MNIST("MaxPooling2D(2)"), NULL);
    const cni_finding *finding = finding_of(&f, "K302");
    assert_int_equal(finding->fix_count, 2);
    assert_string_equal(finding->fixes[0].code, "MaxPooling2D(2, padding='same')");
    assert_string_equal(finding->fixes[0].result, "6x6x64");
    assert_int_equal(finding->fixes[0].params, 41866 - 34826);
    assert_int_equal(finding->fixes[0].macs, 2448000 - 2440960);
    assert_string_equal(finding->fixes[1].code, "conv2d padding='same'");
    assert_string_equal(finding->fixes[1].result, "28>14>12>6");
    assert_int_equal(finding->fixes[1].params, 7040);
    assert_int_equal(finding->fixes[1].macs, 2903040 - 2440960);
    const char *layers[] = {"max_pooling2d", "conv2d_1"};
    for (int i = 0; i < 2; i++) {
        const cni_edit edit = {.type = CNI_EDIT_ARGUMENT,
                               .layer = cni_explained_find(f.analysis, layers[i])->layer_index,
                               .key = "padding",
                               .value = "'same'"};
        cni_finding copy = *finding;
        copy.fix_count = 0;
        f.findings->tries = 1;
        assert_false(cni_finding_try(f.findings, &copy, &edit, 1, NULL));
        assert_int_equal(f.findings->tries, 0);
    }
    const cni_edit larger = {.type = CNI_EDIT_INPUT, .rows = 30, .columns = 30},
                   odd = {.type = CNI_EDIT_INPUT, .rows = 29, .columns = 29};
    cni_finding copy = *finding;
    copy.fix_count = 0;
    f.findings->tries = 2;
    assert_true(cni_finding_try(f.findings, &copy, &larger, 1, NULL));
    assert_string_equal(copy.fixes[0].code, "input 30x30");
    assert_int_equal(copy.fixes[0].params, 7040);
    assert_false(cni_finding_try(f.findings, &copy, &odd, 1, NULL));
    forget(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mnist_fixes),
    };
    return RUN_CASES("coverage", cases, tests);
}
