/* SPDX-License-Identifier: Apache-2.0
 * Edits in source texts, read again: the edited text says what the edited description says. */
#include "../model/description_testing.h"

#include "formats/source/source.h"

static cni_description *read_text(cni_arena *arena, const char *text)
{
    cni_error error = {0};
    cni_description *d = NULL;
    if (cni_source_read(arena, text, strlen(text), "model.py", NULL, &d, &error)) fail_msg("%s", error.text);
    for (int i = 0; i < d->remarks.count; i++)
        if (d->remarks.items[i].severity == CNI_ERROR) fail_msg("%s\n%s", text, d->remarks.items[i].text);
    return flatten(arena, d);
}

static const char *arguments_of(cni_arena *arena, const cni_described_layer *layer)
{
    static char shown[4][4000];
    static int next;
    if (!layer->config) return "?";
    const cni_value *config = cni_object_config(arena, layer->config);
    cni_value *rest = cni_value_dict(arena);
    for (size_t i = 0; i < config->count; i++)
        if (strcmp(config->keys[i], "name") != 0)
            cni_value_add(arena, rest, config->keys[i], (cni_value *)(uintptr_t)config->items[i]);
    next = (next + 1) % 4;
    return cni_value_show(rest, shown[next], sizeof *shown);
}

/* Kinds, arguments and wiring; names are numbered anew. */
static void assert_same_network(cni_arena *arena, const cni_description *a, const cni_description *b, const char *text)
{
    if (a->call_count != b->call_count) fail_msg("%d calls, %d read of\n%s", a->call_count, b->call_count, text);
    for (int i = 0; i < a->call_count; i++) {
        const cni_described_call *x = a->calls + i, *y = b->calls + i;
        const cni_described_layer *left = a->layers + x->layer, *right = b->layers + y->layer;
        if (left->kind != right->kind) fail_msg("%s, but %s read of\n%s", left->class_name, right->class_name, text);
        assert_string_equal(arguments_of(arena, left), arguments_of(arena, right));
        assert_int_equal(x->input_count, y->input_count);
        for (int j = 0; j < x->input_count; j++) assert_int_equal(x->inputs[j].call, y->inputs[j].call);
    }
    assert_int_equal(a->output_count, b->output_count);
    for (int i = 0; i < a->output_count; i++) assert_int_equal(a->outputs[i].call, b->outputs[i].call);
}

typedef struct text_case {
    const char *text, *layer; /* the layer's name */
    cni_edit edit;
} text_case;

static int layer_of(const cni_description *d, const text_case *c)
{
    for (int i = 0; c->layer && i < d->layer_count; i++)
        if (strcmp(d->layers[i].name, c->layer) == 0) return i;
    if (c->layer) fail_msg("there is no %s in\n%s", c->layer, c->text);
    return 0;
}

static void run(const text_case *c)
{
    cni_arena arena = {0};
    cni_error error = {0};
    cni_description *edited = NULL;
    const cni_description *d = read_text(&arena, c->text);
    cni_edit edit = c->edit;
    edit.layer = layer_of(d, c);
    if (cni_description_edit(&arena, d, &edit, 1, &edited, &error)) fail_msg("%s", error.text);
    const char *text = cni_description_edit_text(&arena, d, &edit, 1, &error);
    if (!text) fail_msg("%s\n%s", c->text, error.text);
    assert_string_not_equal(text, c->text);
    assert_same_network(&arena, edited, read_text(&arena, text), text);
    cni_arena_free(&arena);
}

#define RUN(cases)                                                                                                     \
    for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++) run((cases) + i)
#define SET(key_, value_)                                                                                              \
    {                                                                                                                  \
        .type = CNI_EDIT_ARGUMENT, .key = (key_), .value = (value_)                                                    \
    }
#define BEFORE(value_)                                                                                                 \
    {                                                                                                                  \
        .type = CNI_EDIT_BEFORE, .value = (value_)                                                                     \
    }
#define REPLACE(value_)                                                                                                \
    {                                                                                                                  \
        .type = CNI_EDIT_REPLACE, .value = (value_)                                                                    \
    }
#define REMOVE                                                                                                         \
    {                                                                                                                  \
        .type = CNI_EDIT_REMOVE                                                                                        \
    }
#define RESIZE                                                                                                         \
    {                                                                                                                  \
        .type = CNI_EDIT_INPUT, .rows = 40, .columns = 44                                                              \
    }

static const char chain[] = "import keras\n"
                            "from keras import layers\n"
                            "model = keras.Sequential([\n"
                            "    keras.Input(shape=(28, 28, 1)),\n"
                            "    layers.Conv2D(8, 3, padding='valid', activation='relu'),  # the first\n"
                            "    layers.MaxPooling2D(),\n"
                            "    layers.Flatten(),\n"
                            "    layers.Dense(10)])\n";
static const char statements[] = "from keras import Input, Sequential\n"
                                 "from keras.layers import Conv2D, MaxPooling2D, Flatten, Dense\n"
                                 "m = Sequential()\n"
                                 "m.add(Input((28, 28, 1)))\n"
                                 "for f in (4, 8):\n"
                                 "    m.add(Conv2D(f, 3))\n"
                                 "    m.add(MaxPooling2D(2))\n"
                                 "m.add(Flatten())\n";
static const char graph[] = "from tensorflow.keras import layers as L, Model, Input\n"
                            "def block(x, f):\n"
                            "    c = L.Conv2D(f, 3, padding='same')\n"
                            "    x = c(x)\n"
                            "    return L.ReLU()(x)\n"
                            "inp = Input(shape=(32, 32, 3))\n"
                            "x = block(inp, 8)\n"
                            "y = block(x, 8)\n"
                            "out = L.Dense(2)(L.Flatten()(L.Add()([x, y])))\n"
                            "model = Model(inp, out)\n";
static const char modules[] = "import torch\n"
                              "import torch.nn as nn\n"
                              "import torch.nn.functional as F\n"
                              "class Net(nn.Module):\n"
                              "    def __init__(self):\n"
                              "        super().__init__()\n"
                              "        self.conv = nn.Conv2d(3, 8, 3, padding=1)\n"
                              "        self.pool = nn.MaxPool2d(2)\n"
                              "        self.tail = nn.Sequential(nn.Flatten(), nn.Linear(8 * 16 * 16, 10))\n"
                              "    def forward(self, x):\n"
                              "        x = F.relu(self.conv(x))\n"
                              "        return self.tail(self.pool(x))\n"
                              "y = Net()(torch.randn(1, 3, 32, 32))\n";

static void keras_texts_say_what_was_edited(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {chain, "conv2d", SET("padding", "'same'")},
        {chain, "conv2d", SET("strides", "2")},
        {chain, "conv2d", SET("filters", "16")},
        {chain, "max_pooling2d", SET("padding", "'same'")},
        {chain, "flatten", REPLACE("GlobalAveragePooling2D()")},
        {chain, "conv2d", BEFORE("ZeroPadding2D(1)")},
        {chain, "max_pooling2d", REMOVE},
        {chain, NULL, RESIZE},
        {statements, "conv2d", SET("kernel_size", "5")},
        {statements, "conv2d_1", BEFORE("ZeroPadding2D(1)")},
        {statements, "max_pooling2d", REMOVE},
        {statements, "flatten", REMOVE},
        {statements, "flatten", REPLACE("GlobalMaxPooling2D()")},
        {statements, NULL, RESIZE},
        {graph, "conv2d", SET("padding", "'valid'")},
        {graph, "conv2d_1", BEFORE("ZeroPadding2D(1)")},
        {graph, "re_lu", REMOVE},
        {graph, "conv2d", REMOVE},
        {graph, "flatten", REPLACE("GlobalMaxPooling2D()")},
        {graph, NULL, RESIZE},
    };
    RUN(cases);
}

static void pytorch_texts_say_what_was_edited(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {modules, "conv", SET("stride", "2")},
        {modules, "pool", SET("ceil_mode", "True")},
        {modules, "conv", BEFORE("ZeroPad2d(1)")},
        {modules, "tail.0", REPLACE("Flatten(1)")},
        {modules, "tail.1", BEFORE("Identity()")},
        {modules, "pool", REPLACE("AvgPool2d(2)")},
        {modules, NULL, RESIZE},
    };
    RUN(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keras_texts_say_what_was_edited),
        cmocka_unit_test(pytorch_texts_say_what_was_edited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
