/* SPDX-License-Identifier: Apache-2.0
 * Comparisons: outputs agree only where nothing differs.  Numbers are the defaults that Keras 3 and PyTorch document.
 */
#include <cornu/explain.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static cn_explanation *explain(const char *before, const char *layers, const char *after)
{
    char text[1000];
    const char *error;
    cn_explanation *e = NULL;
    snprintf(text, sizeof text, "%s%s%s", before, layers, after);
    if (cn_explain(text, NULL, &e, &error)) fail_msg("%s: %s", text, error);
    return e;
}

static cn_explanation *keras(const char *layers)
{
    return explain("Sequential([Input((32, 32, 3)), ", layers, "])");
}

static cn_explanation *torch(const char *layers)
{
    return explain("import torch\nfrom torch import nn\nnet = nn.Sequential(", layers,
                   ")\nnet(torch.randn(1, 3, 32, 32))\n");
}

/* The comparison without its line ends, so that the width does not matter. */
static void compare(cn_explanation *a, cn_explanation *b, const cn_explain_style *style, char *text, size_t size)
{
    const char *found = cn_explanation_compare(a, b, style);
    if (!found) fail_msg("%s", cn_explanation_error(a));
    size_t used = 0;
    for (const char *c = found; *c && used + 1 < size; c++) {
        const bool blank = *c == ' ' || *c == '\n';
        if (blank && used && text[used - 1] == ' ') continue;
        text[used++] = blank ? ' ' : *c;
    }
    text[used] = 0;
}

static void expect(cn_explanation *a, cn_explanation *b, const char *name, const char *const *wanted)
{
    const cn_explain_style style = {.struct_size = sizeof style, .width = 200};
    char text[8000];
    compare(a, b, &style, text, sizeof text);
    for (; *wanted; wanted++) {
        const bool absent = **wanted == '!';
        if ((strstr(text, *wanted + absent) != NULL) == absent) fail_msg("%s: expected %s in\n%s", name, *wanted, text);
    }
    cn_explanation_free(a);
    cn_explanation_free(b);
}

typedef struct example {
    const char *keras, *torch;
    const char *wanted[5]; /* "!..": must not stand there */
} example;

static void check(const example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(keras(examples[i].keras), torch(examples[i].torch), examples[i].keras, examples[i].wanted);
}

static void test_equal(void **state)
{
    static const example examples[] = {
        {"Conv2D(8, 3, activation='relu')", "nn.Conv2d(3, 8, 3), nn.ReLU()", {"and outputs agree."}},
        {"Conv2D(8, 3), LeakyReLU(negative_slope=0.01)", "nn.Conv2d(3, 8, 3), nn.LeakyReLU()", {"and outputs agree."}},
        {"Conv2D(8, 3, use_bias=False), BatchNormalization(epsilon=1e-5, momentum=0.9), Activation('swish')",
         "nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.SiLU()",
         {"and outputs agree."}},
        {"Conv2D(4, 3), Flatten(), Dense(10, activation='softmax')",
         "nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(3600, 10), nn.Softmax(dim=1)",
         {"rows of a Dense behind Flatten in another order", "and outputs agree.", "w.reshape(30, 30, 4, 10)"}},
        {"Conv2D(8, 3), GlobalAveragePooling2D(), Dense(4)",
         "nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)",
         {"and outputs agree."}},
        {"Conv2D(8, 3, activation='relu'), ZeroPadding2D(1), MaxPooling2D(3, 2)",
         "nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1)",
         {"and outputs agree."}},
        {"Conv2D(8, 3), DepthwiseConv2D(3)",
         "nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, groups=8)",
         {"and outputs agree."}},
    };
    (void)state;
    check(examples, sizeof examples / sizeof *examples);
}

static void test_numbers(void **state)
{
    static const example examples[] = {
        {"Conv2D(8, 3), LeakyReLU()",
         "nn.Conv2d(3, 8, 3), nn.LeakyReLU()",
         {"leaky ReLU slope: Keras 0.3, PyTorch 0.01", "!agree"}},
        {"Conv2D(8, 3), GroupNormalization(4)",
         "nn.Conv2d(3, 8, 3), nn.GroupNorm(4, 8)",
         {"group norm epsilon: Keras 0.001, PyTorch 1e-05", "!agree"}},
        {"Conv2D(8, 3), LayerNormalization(axis=[1, 2, 3])",
         "nn.Conv2d(3, 8, 3), nn.LayerNorm((8, 30, 30))",
         {"layer norm epsilon: Keras 0.001, PyTorch 1e-05", "!axis", "!agree"}},
        {"Conv2D(8, 3, use_bias=False)", "nn.Conv2d(3, 8, 3)", {"convolution bias: Keras no, PyTorch yes", "!agree"}},
        {"Conv2D(8, 3, activation='relu')", "nn.Conv2d(3, 8, 3)", {"only in Keras: ReLU of conv2d", "!agree"}},
        {"Conv2D(8, 3), BatchNormalization(epsilon=1e-5)",
         "nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)",
         {"outputs agree; trainings will differ", "momentum: Keras 0.99, PyTorch 0.1 (= 0.9 in Keras' terms)",
          "!epsilon"}},
        {"Flatten(), Dense(10, activation='softmax')",
         "nn.Flatten(), nn.Linear(3072, 10)",
         {"softmax at the end: in Keras' network; PyTorch's", "!agree"}},
        {"Conv2D(8, 3), Dense(4)",
         "nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(7200, 4)",
         {"dense inputs: Keras 8, PyTorch 7200", "!agree"}},
    };
    (void)state;
    check(examples, sizeof examples / sizeof *examples);
}

/* What the pads hold, and what an average divides by; the code that makes one side equal to the other. */
static void test_borders(void **state)
{
    static const example examples[] = {
        {"Conv2D(8, 3, padding='same')",
         "nn.Conv2d(3, 8, 3, padding=1, padding_mode='reflect')",
         {"border of conv2d: Keras zeros, PyTorch reflected cells", "same windows, different numbers",
          "mode='reflect') then Conv2D(.., padding='valid')", "!agree"}},
        {"AveragePooling2D(3, 2, 'same')",
         "nn.AvgPool2d(3, 2, 1)",
         {"border and divisor", "pool(F.pad(x, pads)) / pool(F.pad(torch.ones_like(x), pads))",
          "ZeroPadding2D(1) then AveragePooling2D(.., padding='valid')", "!both agree"}},
        {"AveragePooling2D(3, 1, 'same')",
         "nn.AvgPool2d(3, 1, 1)",
         {"same windows, different numbers", "nn.AvgPool2d(.., padding=1, count_include_pad=False)", "!agree"}},
        {"AveragePooling2D(3, 1, 'same')", "nn.AvgPool2d(3, 1, 1, count_include_pad=False)", {"and outputs agree."}},
        {"ZeroPadding2D(1), MaxPooling2D(3, 2)",
         "nn.MaxPool2d(3, 2, 1)",
         {"border of max_pooling2d: Keras zeros, PyTorch cells that do not count", "constant_values=-1e30", "!agree"}},
    };
    (void)state;
    check(examples, sizeof examples / sizeof *examples);
}

/* The same layers in the same order, joined otherwise. */
static void test_wiring(void **state)
{
    static const char *const ends[] = {"Add()([a, c])", "Add()([c, a])", "Add()([b, c])", NULL};
    static const char *const agree[] = {"and outputs agree.", NULL},
                             *const differ[] = {
                                 "in the first add reads conv2d, conv2d_1, in the second add reads re_lu, conv2d_1",
                                 "!agree", NULL};
    (void)state;
    for (int i = 0; ends[i]; i++) {
        const char *layers = "from keras.layers import *\nimport keras\ni = keras.Input((8, 8, 4))\n"
                             "a = Conv2D(4, 1)(i)\nb = ReLU()(a)\nc = Conv2D(4, 1)(b)\nm = keras.Model(i, ";
        expect(explain(layers, ends[0], ")\n"), explain(layers, ends[i], ")\n"), ends[i], i < 2 ? agree : differ);
    }
}

static void test_inputs(void **state)
{
    static const char *const other[] = {"the sizes of the inputs differ", "!agree", NULL};
    static const char *const pools[] = {"global average pool positions: the first 1, the second 49", "!agree", NULL};
    (void)state;
    expect(torch("nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1)"), torch("nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(7)"),
           "pools", pools);
    expect(keras("Conv2D(8, 3, padding='valid')"), explain("Sequential([Input((31, 31, 3)), ", "Conv2D(8, 3)", "])"),
           "inputs", other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),  cmocka_unit_test(test_numbers), cmocka_unit_test(test_borders),
        cmocka_unit_test(test_wiring), cmocka_unit_test(test_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
