/* SPDX-License-Identifier: Apache-2.0
 * Findings S1..: what each of them is found in, what it is not found in, and that its fixes mend it. */
#include "rule_cases.h"

#define LIST(...)  "model = keras.Sequential([\n" __VA_ARGS__ "])\n"
#define TORCH(...) "# cornu: input " __VA_ARGS__

static const rule_case cases[] = {
    {"S100", CNI_ERROR, "conv2d",
     LIST("    keras.Input((28, 28)),\n"
          "    layers.Conv2D(8, 3),\n"),
     "(None, 28, 28)",
     LIST("    keras.Input((28, 28, 1)),\n"
          "    layers.Conv2D(8, 3),\n"),
     0},
    /* keras issue 12951: four times conv3 and pool2; 46 is the smallest image (28 > 26 > 13 > 11 > 5 > 3 > 1) */
    {"S101", CNI_ERROR, "conv2d_3",
     LIST("    keras.Input((28, 28, 1)),\n"
          "    layers.Conv2D(8, 3), layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 3), layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 3), layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 3), layers.MaxPooling2D(2),\n"
          "    layers.Flatten(), layers.Dense(10),\n"),
     "28 > 26 > 13 > 11 > 5 > 3 > 1",
     LIST("    keras.Input((46, 46, 1)),\n"
          "    layers.Conv2D(8, 3), layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 3), layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 3), layers.MaxPooling2D(2),\n"
          "    layers.Conv2D(8, 3), layers.MaxPooling2D(2),\n"
          "    layers.Flatten(), layers.Dense(10),\n"),
     2},
    {"S101", CNI_ERROR, "max_pooling2d_2",
     LIST("    keras.Input((7, 7, 1)),\n"
          "    layers.MaxPooling2D(2),\n"
          "    layers.MaxPooling2D(2),\n"
          "    layers.MaxPooling2D(2),\n"),
     "a window of 2 does not fit into 1 row (1 of input, 0 of padding)",
     LIST("    keras.Input((8, 8, 1)),\n"
          "    layers.MaxPooling2D(2),\n"
          "    layers.MaxPooling2D(2),\n"
          "    layers.MaxPooling2D(2),\n"),
     2},
    {"S102", CNI_ERROR, "1",
     TORCH("3x32x32\n"
           "net = nn.Sequential(nn.Conv2d(3, 16, 3),\n"
           "                    nn.Conv2d(32, 8, 3))\n"),
     "expects 32 channels, 16 arrive",
     TORCH("3x32x32\n"
           "net = nn.Sequential(nn.Conv2d(3, 16, 3),\n"
           "                    nn.Conv2d(16, 8, 3))\n"),
     1},
    {"S102", CNI_ERROR, "conv2d",
     LIST("    keras.Input((32, 32, 6)),\n"
          "    layers.Conv2D(8, 3, groups=4),\n"),
     "6 channels cannot be split into 4 groups; 1 or 2 would do",
     LIST("    keras.Input((32, 32, 8)),\n"
          "    layers.Conv2D(8, 3, groups=4),\n"),
     1},
    {"S103", CNI_ERROR, "concatenate",
     "x = inputs = keras.Input((178, 178, 3))\n"
     "a = layers.Conv2D(8, 3, padding='same')(x)\n"
     "x = layers.MaxPooling2D(2)(a)\n"
     "b = layers.Conv2D(8, 3, padding='same')(x)\n"
     "x = layers.MaxPooling2D(2)(b)\n"
     "x = layers.UpSampling2D(2)(x)\n"
     "x = layers.Concatenate()([x, b])\n"
     "x = layers.UpSampling2D(2)(x)\n"
     "x = layers.Concatenate()([x, a])\n"
     "model = keras.Model(inputs, x)\n",
     "88 = 2*44, but 89 went into max_pooling2d_1",
     "x = inputs = keras.Input((180, 180, 3))\n"
     "a = layers.Conv2D(8, 3, padding='same')(x)\n"
     "x = layers.MaxPooling2D(2)(a)\n"
     "b = layers.Conv2D(8, 3, padding='same')(x)\n"
     "x = layers.MaxPooling2D(2)(b)\n"
     "x = layers.UpSampling2D(2)(x)\n"
     "x = layers.Concatenate()([x, b])\n"
     "x = layers.UpSampling2D(2)(x)\n"
     "x = layers.Concatenate()([x, a])\n"
     "model = keras.Model(inputs, x)\n",
     2},
    {"S103", CNI_ERROR, "add",
     "inputs = keras.Input((32, 32, 8))\n"
     "x = layers.Conv2D(16, 3, padding='same')(inputs)\n"
     "x = layers.Add()([x, inputs])\n"
     "model = keras.Model(inputs, x)\n",
     "32x32x16 from conv2d meets 32x32x8 from",
     "inputs = keras.Input((32, 32, 8))\n"
     "x = layers.Conv2D(8, 3, padding='same')(inputs)\n"
     "x = layers.Add()([x, inputs])\n"
     "model = keras.Model(inputs, x)\n",
     1},
    {"S103", CNI_ERROR, "add",
     "inputs = keras.Input((32, 32, 8))\n"
     "x = layers.Conv2D(8, 3, strides=2, padding='same')(inputs)\n"
     "y = layers.Conv2D(8, 1)(inputs)\n"
     "x = layers.Add()([x, y])\n"
     "model = keras.Model(inputs, x)\n",
     "16x16x8 from conv2d meets 32x32x8 from conv2d_1",
     "inputs = keras.Input((32, 32, 8))\n"
     "x = layers.Conv2D(8, 3, strides=2, padding='same')(inputs)\n"
     "y = layers.Conv2D(8, 1, strides=2)(inputs)\n"
     "x = layers.Add()([x, y])\n"
     "model = keras.Model(inputs, x)\n",
     1},
    {"S104", CNI_ERROR, "4",
     TORCH("1x28x28\n"
           "net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),\n"
           "                    nn.Linear(16 * 14 * 14, 10))\n"),
     "expects 3136 values; 16x13x13 = 2704 arrive",
     TORCH("1x28x28\n"
           "net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),\n"
           "                    nn.Linear(16 * 13 * 13, 10))\n"),
     1},
    {"S104", CNI_ERROR, "4", /* PyTorch pools 13x13 down to 7x7, too */
     TORCH("1x28x28\n"
           "net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),\n"
           "                    nn.Linear(16 * 7 * 7, 10))\n"),
     "expects 784 values; 16x13x13 = 2704 arrive",
     TORCH("1x28x28\n"
           "net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(7), nn.Flatten(),\n"
           "                    nn.Linear(16 * 7 * 7, 10))\n"),
     2},
    {"S104", CNI_ERROR, "1",
     TORCH("1x28x28\n"
           "net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.Linear(16 * 26 * 26, 10))\n"),
     "the last axis of 16x26x26, which arrives, has 26: Flatten is missing before it",
     TORCH("1x28x28\n"
           "net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.Flatten(), nn.Linear(16 * 26 * 26, 10))\n"),
     1},
    {"S105", CNI_WARNING, "depthwise_conv2d",
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.DepthwiseConv2D(3, strides=2, dilation_rate=2),\n"),
     "strides 2 and dilation_rate 2",
     LIST("    keras.Input((32, 32, 3)),\n"
          "    layers.DepthwiseConv2D(3, strides=1, dilation_rate=2),\n"),
     2},
    {"S106", CNI_ERROR, "0",
     TORCH("3x32x32\n"
           "net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding='same'))\n"),
     "with stride 1 only, here it is 2",
     TORCH("3x32x32\n"
           "net = nn.Sequential(nn.Conv2d(3, 8, 3, padding='same'))\n"),
     1},
    {"S107", CNI_ERROR, "0",
     TORCH("3x32x32\n"
           "net = nn.Sequential(nn.MaxPool2d(3, padding=2))\n"),
     "padding 2 is more than half of the window of 3",
     TORCH("3x32x32\n"
           "net = nn.Sequential(nn.MaxPool2d(3, padding=1))\n"),
     1},
    {"S108", CNI_ERROR, "0",
     TORCH("3x32x32\n"
           "net = nn.Sequential(nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1, output_padding=2))\n"),
     "output_padding 2 has to be below",
     TORCH("3x32x32\n"
           "net = nn.Sequential(nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1, output_padding=1))\n"),
     1},
    {"S110", CNI_WARNING, "dense",
     LIST("    keras.Input((28, 28, 1)),\n"
          "    layers.Conv2D(8, 3),\n"
          "    layers.Dense(10, activation='softmax'),\n"),
     "26x26 separate applications, output 26x26x10",
     LIST("    keras.Input((28, 28, 1)),\n"
          "    layers.Conv2D(8, 3),\n"
          "    layers.Flatten(),\n"
          "    layers.Dense(10, activation='softmax'),\n"),
     2},
    {"S110", CNI_WARNING, "dense",
     LIST("    keras.Input((28, 4)),\n"
          "    layers.Conv1D(8, 3),\n"
          "    layers.Dense(10),\n"),
     "26 separate applications",
     /* sequences that come so are what it is made for, and maps of one position are vectors */
     LIST("    keras.Input((28, 4)),\n"
          "    layers.Dense(10),\n"),
     1},
    {"S111", CNI_WARNING, "input_layer",
     LIST("    keras.Input((1, 28, 28)),\n"
          "    layers.Conv2D(8, 3, padding='same'),\n"),
     "height 1, width 28, 28 channels",
     LIST("    keras.Input((1, 28, 28)),\n"
          "    layers.Conv2D(8, 3, padding='same', data_format='channels_first'),\n"),
     1},
};

/* The arguments are refused before there is a layer: told under the same name. */
static void test_refused_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *text, *id;
    } refused[] = {
        {"Conv2D(64, 3, strides=2, dilation_rate=2)", "S105"},
        {"Conv2DTranspose(64, 3, strides=2, dilation_rate=2)", "S105"},
        {"Conv2D(6, 3, groups=4)", "S102"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char text[200];
        found f;
        snprintf(text, sizeof text, "model = keras.Sequential([keras.Input((32, 32, 8)), layers.%s])\n",
                 refused[i].text);
        find_in_any(&f, text, NULL, false);
        const cni_finding *finding = finding_of(&f, refused[i].id);
        if (!finding || finding->severity != CNI_ERROR) fail_msg("no error %s in %s", refused[i].id, text);
        forget(&f);
    }
}

/* The first fix of the rule's finding, or what there is instead; kept until the next call. */
static void check_first_fix(const char *text, const char *id, const char *says, const char *code, int fixes)
{
    found f;
    find_in(&f, text, id);
    const cni_finding *finding = finding_of(&f, id);
    if (!finding) fail_msg("no %s in\n%s", id, text);
    if (!strstr(finding->text, says)) fail_msg("%s says %s, not %s", id, finding->text, says);
    assert_int_equal(finding->fix_count, fixes);
    if (fixes) assert_string_equal(finding->fixes[0].code, code);
    forget(&f);
}

#define VIEW(image, view, features)                                                                                    \
    "# cornu: input " image "\n"                                                                                       \
    "class Net(nn.Module):\n"                                                                                          \
    "    def __init__(self):\n"                                                                                        \
    "        super().__init__()\n"                                                                                     \
    "        self.conv = nn.Conv2d(3, 16, 3)\n"                                                                        \
    "        self.fc = nn.Linear(" features ", 10)\n"                                                                  \
    "    def forward(self, x):\n"                                                                                      \
    "        x = F.max_pool2d(self.conv(x), 2)\n"                                                                      \
    "        x = " view "\n"                                                                                           \
    "        return self.fc(x)\n"

/* The number that does not fit stands in view, and once more in Linear.  (14 - 3 + 1) / 2 = 6: 16 * 6 * 6 = 576. */
static void test_wrong_view(void **state)
{
    (void)state;
    const char *both = "view_1 expects 1024 values, and so does fc behind it; 16x6x6 = 576 arrive.";
    check_first_fix(VIEW("3x14x14", "x.view(-1, 16 * 8 * 8)", "16 * 8 * 8"), "S104", both,
                    "view(-1, 576); fc in_features=576", 1);
    check_first_fix(VIEW("3x14x14", "x.view(x.size(0), 16 * 8 * 8)", "16 * 8 * 8"), "S104", both,
                    "view(x.size(0), 576); fc in_features=576", 1);
    check_first_fix(VIEW("3x14x14", "torch.reshape(x, (-1, 1024))", "1024"), "S104",
                    "expects 1024 values, and so does fc behind it; 16x6x6 = 576",
                    "reshape(-1, 576); fc in_features=576", 1);
    check_first_fix(VIEW("3x14x14", "x.view(-1, 1024)", "576"), "S104", "view_1 expects 1024 values; 16x6x6 = 576",
                    "view(-1, 576)", 1);
    /* (22 - 2) / 2 = 10: pooling makes 8x8 of 10x10 */
    check_first_fix(VIEW("3x22x22", "x.view(-1, 1024)", "1024"), "S104", "16x10x10 = 1600 arrive",
                    "view(-1, 1600); fc in_features=1600", 2);
    found f;
    find_in(&f, VIEW("3x14x14", "x.view(-1, 576)", "576"), NULL);
    assert_int_equal(count_of(&f, CNI_ERROR), 0);
    forget(&f);
    find_in(&f, VIEW("3x14x14", "x.view(-1, 16, 8, 8)", "8"), NULL); /* no rows of values */
    assert_null(finding_of(&f, "S104"));
    assert_non_null(finding_of(&f, "S100"));
    forget(&f);
}

/* Behind an error, PyTorch's arguments still tell how many weights there are. */
static void test_weights_behind_an_error(void **state)
{
    (void)state;
    found f;
    find_in(&f, VIEW("3x14x14", "x.view(-1, 1024)", "1024"), NULL);
    const cni_explained *fc = cni_explained_find(f.analysis, "fc");
    assert_int_equal(cni_amount_sum(fc->params), 1024 * 10 + 10);
    assert_int_equal(fc->shape.rank, 0);
    forget(&f);
}

static void test_missing_channels(void **state)
{
    (void)state;
    static const struct {
        const char *text, *advice, *code;
    } texts[] = {
        {LIST("    layers.Conv2D(8, 3, input_shape=(28, 30)),\n"), "28x30x1: the channel axis is missing",
         "input 28x30x1"},
        {LIST("    keras.Input((50,)),\n"
              "    layers.Activation('relu'),\n"
              "    layers.MaxPooling1D(2),\n"),
         "50x1: the channel axis is missing", "input 50x1"},
        {LIST("    keras.Input((28, 28)),\n"
              "    layers.Conv2D(8, 3, data_format='channels_first'),\n"),
         "1x28x28: the channel axis is missing", "input 1x28x28"},
        {TORCH("28x28\n"
               "net = nn.Sequential(nn.Conv2d(1, 8, 3))\n"),
         "1x28x28: the channel axis is missing", NULL},
        {LIST("    keras.Input((28, 28, 1)),\n" /* the axis was there */
              "    layers.Reshape((28, 28)),\n"
              "    layers.Conv2D(8, 3),\n"),
         NULL, NULL},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        found f;
        find_in(&f, texts[i].text, NULL);
        const cni_finding *finding = finding_of(&f, "S100");
        if (!finding) fail_msg("no S100 in\n%s", texts[i].text);
        if (!texts[i].advice != !finding->advice || (finding->advice && !strstr(finding->advice, texts[i].advice)))
            fail_msg("advice \"%s\" for\n%s", finding->advice ? finding->advice : "", texts[i].text);
        assert_int_equal(finding->fix_count, texts[i].code != NULL);
        if (texts[i].code) assert_string_equal(finding->fixes[0].code, texts[i].code);
        for (int j = 0; j < finding->fix_count; j++) check_fix(&f, finding, finding->fixes + j, texts[i].text);
        forget(&f);
    }
}

/* Layers with the same changes are named once, with all changes. */
static void test_joined_edits(void **state)
{
    (void)state;
    found f;
    find_in(&f,
            TORCH("64x8x8\n"
                  "class A(nn.Module):\n"
                  "    def __init__(self):\n"
                  "        super().__init__()\n"
                  "        self.decoder = nn.Sequential(\n"
                  "            nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),\n"
                  "            nn.ConvTranspose2d(32, 3, 3, stride=2, padding=1, output_padding=1))\n"
                  "    def forward(self, x):\n"
                  "        return self.decoder(x)\n"),
            "K308");
    const cni_finding *finding = finding_of(&f, "K308");
    assert_non_null(finding);
    assert_true(finding->fix_count > 0);
    assert_string_equal(finding->fixes[0].code, "decoder.0, decoder.2 kernel_size=4, padding=1, output_padding=0");
    forget(&f);

    find_in(&f, cases[1].text, "S101");
    finding = finding_of(&f, "S101");
    assert_non_null(finding);
    assert_string_equal(finding->fixes[1].code, "conv2d, conv2d_1, conv2d_2, conv2d_3 padding='same'");
    forget(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_arguments),
        cmocka_unit_test(test_wrong_view),
        cmocka_unit_test(test_weights_behind_an_error),
        cmocka_unit_test(test_missing_channels),
        cmocka_unit_test(test_joined_edits),
    };
    return RUN_CASES("shape", cases, tests);
}
