/* SPDX-License-Identifier: Apache-2.0
 * Edits in source texts.  The descriptions are made by hand: a layer is told by what stands in the text. */
#include "description_testing.h"

#include <stdio.h>

/* ---- descriptions ---- */

/* Line and column of an offset. */
static void place_of(const char *text, size_t offset, int *line, int *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n')
            ++*line, *column = 1;
        else if (((unsigned char)text[i] & 0xC0) != 0x80)
            ++*column;
    }
}

/* The span of the first occurrence of `what`. */
static cni_span span_of(const char *text, const char *what)
{
    cni_span span = {0};
    const char *at = strstr(text, what);
    if (!at) fail_msg("\"%s\" is not in \"%s\"", what, text);
    place_of(text, (size_t)(at - text), &span.line, &span.column);
    place_of(text, (size_t)(at - text) + strlen(what), &span.end_line, &span.end_column);
    return span;
}

typedef struct text_case {
    const char *text;
    const char *layer, *call;  /* what stands there; call NULL: the same */
    const char *key, *written; /* an argument, with its keyword; or NULL */
    cni_edit edit;
    const char *becomes, *refused; /* one of them */
    bool torch, positional;
} text_case;

/* An input and the layer, which is number 1. */
static cni_description *description_of(cni_arena *arena, const text_case *c)
{
    static const char *const kinds[] = {"Conv2D", "MaxPooling2D", "Flatten", "ReLU"};
    static int inputs[1] = {0};
    static cni_tensor_reference references[1] = {{0, 0}}, outputs[1] = {{1, 0}};
    cni_description *d = CNI_NEW(arena, cni_description);
    d->layers = CNI_NEW_ARRAY(arena, cni_described_layer, 2);
    d->calls = CNI_NEW_ARRAY(arena, cni_described_call, 2);
    d->arena = arena;
    d->dialect = c->torch ? CNI_TORCH : CNI_KERAS;
    d->file = "model.py";
    d->text = c->text;
    d->text_size = strlen(c->text);
    d->layers[0] = (cni_described_layer){.kind = (const cni_layer_kind *)cni_family_find(&cni_layers, "InputLayer"),
                                         .class_name = "InputLayer",
                                         .name = "input_layer"};
    cni_error error = {0};
    assert_int_equal(cni_describe_unknown_input(arena, "input_layer", &d->layers[0].config, &error), CN_OK);
    cni_described_layer *layer = d->layers + 1;
    *layer = (cni_described_layer){.class_name = "layer", .name = "it", .span = span_of(c->text, c->layer)};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strstr(c->layer, kinds[i])) layer->class_name = kinds[i];
    if (c->key) {
        layer->arguments = CNI_NEW(arena, cni_described_argument);
        layer->argument_count = 1;
        layer->arguments[0] =
            (cni_described_argument){.key = c->key, .span = span_of(c->text, c->written), .positional = c->positional};
        layer->named = strcmp(c->key, "name") == 0;
    }
    d->calls[0] = (cni_described_call){.layer = 0};
    d->calls[1] = (cni_described_call){
        .layer = 1, .input_count = 1, .inputs = references, .span = span_of(c->text, c->call ? c->call : c->layer)};
    d->layer_count = d->call_count = 2;
    d->inputs = inputs;
    d->outputs = outputs;
    d->input_count = d->output_count = 1;
    return d;
}

static void run(const text_case *c)
{
    cni_arena arena = {0};
    cni_error error = {0};
    cni_edit edit = c->edit;
    edit.layer = 1;
    const char *after = cni_description_edit_text(&arena, description_of(&arena, c), &edit, 1, &error);
    if (c->refused) {
        if (after) fail_msg("became \"%s\"", after);
        if (!strstr(error.text, c->refused)) fail_msg("\"%s\" is not in \"%s\"", c->refused, error.text);
    } else {
        if (!after) fail_msg("%s: %s", c->text, error.text);
        assert_string_equal(after, c->becomes);
    }
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

/* ---- arguments ---- */

static void arguments_are_replaced_where_they_stand(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"x = layers.Conv2D(8, 3, padding = 'valid')(x)", "layers.Conv2D(8, 3, padding = 'valid')", .key = "padding",
         .written = "padding = 'valid'", .edit = SET("padding", "'same'"),
         .becomes = "x = layers.Conv2D(8, 3, padding = 'same')(x)"},
        {"x = layers.Conv2D(8, (3, 3))(x)", "layers.Conv2D(8, (3, 3))", .key = "kernel_size", .written = "(3, 3)",
         .positional = true, .edit = SET("kernel_size", "(2, 2)"), .becomes = "x = layers.Conv2D(8, (2, 2))(x)"},
        {"# über\nx = 'ä'; y = Conv2D(7, 3)(x)  # 7", "Conv2D(7, 3)", .key = "filters", .written = "7",
         .positional = true, .edit = SET("filters", "16"), .becomes = "# über\nx = 'ä'; y = Conv2D(16, 3)(x)  # 7"},
        {"options = dict(padding='valid')\ny = Conv2D(8, 3, **options)(x)", "Conv2D(8, 3, **options)", .key = "padding",
         .written = "padding='valid'", .edit = SET("padding", "'same'"), .refused = "another place of the text"},
        {"y = Conv2D(8, 3, **options)(x)", "Conv2D(8, 3, **options)", .key = "padding", .written = "**options",
         .edit = SET("padding", "'same'"), .refused = "another place of the text"},
    };
    RUN(cases);
}

static void arguments_are_added_at_the_end(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"Sequential([MaxPooling2D()])", "MaxPooling2D()", .edit = SET("padding", "'same'"),
         .becomes = "Sequential([MaxPooling2D(padding='same')])"},
        {"m.add(MaxPooling2D(2))", "MaxPooling2D(2)", .edit = SET("padding", "'same'"),
         .becomes = "m.add(MaxPooling2D(2, padding='same'))"},
        {"y = Conv2D(\n    8,\n    (3, 3),  # ) a comment\n)(x)", "Conv2D(\n    8,\n    (3, 3),  # ) a comment\n)",
         .edit = SET("padding", "'same'"),
         .becomes = "y = Conv2D(\n    8,\n    (3, 3), padding='same'  # ) a comment\n)(x)"},
        {"y = Conv2D(8, 3, name=')')(x)", "Conv2D(8, 3, name=')')", .edit = SET("strides", "2"),
         .becomes = "y = Conv2D(8, 3, name=')', strides=2)(x)"},
        {"x = F.max_pool2d(x, 2)", "F.max_pool2d(x, 2)", .edit = SET("ceil_mode", "True"), .torch = true,
         .becomes = "x = F.max_pool2d(x, 2, ceil_mode=True)"},
        {"x = a + b", "a + b", .edit = SET("axis", "1"), .refused = "not made by a call"},
    };
    RUN(cases);
}

static void several_edits_meet(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_error error = {0};
    const text_case c = {.text = "Sequential([Conv2D()])", .layer = "Conv2D()"};
    cni_edit edits[] = {SET("filters", "8"), SET("kernel_size", "3"), BEFORE("ZeroPadding2D(1)")};
    for (int i = 0; i < 3; i++) edits[i].layer = 1;
    const cni_description *d = description_of(&arena, &c);
    const char *after = cni_description_edit_text(&arena, d, edits, 3, &error);
    assert_non_null(after);
    assert_string_equal(after, "Sequential([ZeroPadding2D(1), Conv2D(filters=8, kernel_size=3)])");
    edits[1] = (cni_edit){CNI_EDIT_REPLACE, .layer = 1, .value = "Flatten()"};
    assert_null(cni_description_edit_text(&arena, d, edits, 2, &error));
    assert_non_null(strstr(error.text, "in one place"));
    cni_arena_free(&arena);
}

/* ---- other layers ---- */

static void a_call_is_replaced(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"x = layers.Flatten()(x)", "layers.Flatten()", .edit = REPLACE("GlobalAveragePooling2D()"),
         .becomes = "x = layers.GlobalAveragePooling2D()(x)"},
        {"x = layers.Flatten(name='f')(x)", "layers.Flatten(name='f')", .key = "name", .written = "name='f'",
         .edit = REPLACE("GlobalAveragePooling2D"), .becomes = "x = layers.GlobalAveragePooling2D(name='f')(x)"},
        {"from keras.layers import Dense, Flatten\nfrom keras import Input\nm.add(Flatten())", "Flatten()",
         .edit = REPLACE("MaxPooling2D(2)"),
         .becomes = "from keras.layers import Dense, Flatten, MaxPooling2D\nfrom keras import Input\n"
                    "m.add(MaxPooling2D(2))"},
        {"from keras.layers import (MaxPooling2D,\n  Flatten)\nm.add(Flatten())", "Flatten()",
         .edit = REPLACE("MaxPooling2D(2)"),
         .becomes = "from keras.layers import (MaxPooling2D,\n  Flatten)\nm.add(MaxPooling2D(2))"},
        {"x = x.flatten(1)", "x.flatten(1)", .edit = REPLACE("AdaptiveAvgPool2d(1)"), .torch = true,
         .refused = "it is a function"},
    };
    RUN(cases);
}

static void a_layer_is_put_before_in_a_list(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"m = Sequential([layers.Flatten(), layers.Conv2D(8, 3)])", "layers.Conv2D(8, 3)",
         .edit = BEFORE("ZeroPadding2D(1)"),
         .becomes = "m = Sequential([layers.Flatten(), layers.ZeroPadding2D(1), layers.Conv2D(8, 3)])"},
        {"m = Sequential([\n    layers.Conv2D(8, 3),\n])", "layers.Conv2D(8, 3)", .edit = BEFORE("ZeroPadding2D(1)"),
         .becomes = "m = Sequential([\n    layers.ZeroPadding2D(1),\n    layers.Conv2D(8, 3),\n])"},
        {"net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())", "nn.Conv2d(1, 8, 3)", .edit = BEFORE("ZeroPad2d(1)"),
         .torch = true, .becomes = "net = nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(1, 8, 3), nn.ReLU())"},
    };
    RUN(cases);
}

static void a_layer_is_put_before_in_statements(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"for i in r:\n    m.add(Conv2D(8, 3))\n", "Conv2D(8, 3)", .edit = BEFORE("ZeroPadding2D(1)"),
         .becomes = "for i in r:\n    m.add(ZeroPadding2D(1))\n    m.add(Conv2D(8, 3))\n"},
        {"for i in r: m.add(Conv2D(8, 3))", "Conv2D(8, 3)", .edit = BEFORE("ZeroPadding2D(1)"),
         .becomes = "for i in r: m.add(ZeroPadding2D(1)); m.add(Conv2D(8, 3))"},
        {"a = 1\r\nm.add(Conv2D(8, 3))\r\n", "Conv2D(8, 3)", .edit = BEFORE("ZeroPadding2D(1)"),
         .becomes = "a = 1\r\nm.add(ZeroPadding2D(1))\r\nm.add(Conv2D(8, 3))\r\n"},
        {"c = Conv2D(8, 3)\nm.add(c)\n", "Conv2D(8, 3)", .call = "m.add(c)", .edit = BEFORE("ZeroPadding2D(1)"),
         .becomes = "c = Conv2D(8, 3)\nm.add(ZeroPadding2D(1))\nm.add(c)\n"},
    };
    RUN(cases);
}

static void calls_are_wrapped(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"x = layers.Conv2D(8, 3)(x)", "layers.Conv2D(8, 3)", .call = "layers.Conv2D(8, 3)(x)",
         .edit = BEFORE("ZeroPadding2D(1)"), .becomes = "x = layers.Conv2D(8, 3)(layers.ZeroPadding2D(1)(x))"},
        {"x = Conv2D(8, 3)(f(x, 1), training=True)", "Conv2D(8, 3)", .call = "Conv2D(8, 3)(f(x, 1), training=True)",
         .edit = BEFORE("ZeroPadding2D(1)"), .becomes = "x = Conv2D(8, 3)(ZeroPadding2D(1)(f(x, 1)), training=True)"},
        {"conv = Conv2D(8, 3)\nx = conv(x)", "Conv2D(8, 3)", .call = "conv(x)", .edit = BEFORE("ZeroPadding2D(1)"),
         .becomes = "conv = Conv2D(8, 3)\nx = conv(ZeroPadding2D(1)(x))"},
        {"conv = Conv2D(8, 3)\nx = conv(inputs=x)", "Conv2D(8, 3)", .call = "conv(inputs=x)",
         .edit = BEFORE("ZeroPadding2D(1)"), .refused = "what it is called on"},
        {"conv = Conv2D(8, 3)\nx = conv(x)", "Conv2D(8, 3)", .edit = BEFORE("ZeroPadding2D(1)"),
         .refused = "where it is called"},
        {"self.c = nn.Conv2d(1, 8, 3)", "nn.Conv2d(1, 8, 3)", .edit = BEFORE("ZeroPad2d(1)"), .torch = true,
         .becomes = "self.c = nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(1, 8, 3))"},
        {"x = F.max_pool2d(F.relu(x), 2)", "F.max_pool2d(F.relu(x), 2)", .edit = BEFORE("ZeroPad2d(1)"), .torch = true,
         .becomes = "x = F.max_pool2d(nn.ZeroPad2d(1)(F.relu(x)), 2)"},
        {"x = x.flatten(1)", "x.flatten(1)", .edit = BEFORE("ZeroPad2d(1)"), .torch = true, .refused = "a method of"},
    };
    RUN(cases);
}

static void layers_are_left_out(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"m = Sequential([Flatten(), ReLU(), Flatten()])", "ReLU()", .edit = REMOVE,
         .becomes = "m = Sequential([Flatten(), Flatten()])"},
        {"m = Sequential([Flatten(), ReLU()])", "ReLU()", .edit = REMOVE, .becomes = "m = Sequential([Flatten()])"},
        {"m = Sequential([\n  Flatten(),\n  ReLU(),\n])", "ReLU()", .edit = REMOVE,
         .becomes = "m = Sequential([\n  Flatten(),\n])"},
        {"a = 1\nm.add(ReLU())\nm.add(Flatten())", "ReLU()", .edit = REMOVE, .becomes = "a = 1\nm.add(Flatten())"},
        {"for i in r:\n  m.add(ReLU())\n", "ReLU()", .edit = REMOVE, .becomes = "for i in r:\n  pass\n"},
        {"x = ReLU()(f(x))", "ReLU()", .edit = REMOVE, .becomes = "x = f(x)"},
        {"self.r = nn.ReLU()", "nn.ReLU()", .edit = REMOVE, .torch = true, .becomes = "self.r = nn.Identity()"},
        {"x = F.relu(g(x), True)", "F.relu(g(x), True)", .edit = REMOVE, .torch = true, .becomes = "x = g(x)"},
    };
    RUN(cases);
}

/* ---- the input ---- */

typedef struct input_case {
    const char *text, *key, *written, *layer, *comment, *becomes;
    bool torch;
} input_case;

static void the_input_changes_where_its_shape_stands(void **state)
{
    (void)state;
    static const input_case cases[] = {
        {"x = Input(shape=(28, 28, 1), name='x')", "shape", "shape=(28, 28, 1)",
         .becomes = "x = Input(shape=(48, 64, 1), name='x')"},
        {"x = Input([None, None, 3])", "shape", "[None, None, 3]", .becomes = "x = Input([48, 64, 3])"},
        {"Conv2D(8, (3, 3), input_shape=(n, n, 1))", NULL, NULL, "Conv2D(8, (3, 3), input_shape=(n, n, 1))",
         .becomes = "Conv2D(8, (3, 3), input_shape=(48, 64, 1))"},
        {"x = Input(batch_shape=(None, 28, 28, 1))", "batch_shape", "batch_shape=(None, 28, 28, 1)",
         .becomes = "x = Input(batch_shape=(None, 48, 64, 1))"},
        {"x = Input(shape=size)", "shape", "shape=size", .becomes = "x = Input(shape=(48, 64, None))"},
        {"x = torch.randn(1, 3, 32, 32)", NULL, NULL, "torch.randn(1, 3, 32, 32)", .torch = true,
         .becomes = "x = torch.randn(1, 3, 48, 64)"},
        {"a = 32\n# cornu: input 32x32x3\nConv2D(8, 3)", .comment = "32x32x3",
         .becomes = "a = 32\n# cornu: input 48x64x3\nConv2D(8, 3)"},
        {"Conv2D(8, 3)", .becomes = NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const input_case *c = cases + i;
        const text_case as = {.text = c->text, .layer = c->text, .torch = c->torch};
        const cni_edit edit = {CNI_EDIT_INPUT, .rows = 48, .columns = 64};
        cni_arena arena = {0};
        cni_error error = {0};
        cni_description *d = description_of(&arena, &as);
        cni_described_argument argument = {.key = c->key, .positional = c->key && !strchr(c->written, '=')};
        if (c->key) {
            argument.span = span_of(c->text, c->written);
            d->layers[0].arguments = &argument;
            d->layers[0].argument_count = 1;
        }
        if (c->layer) d->layers[0].span = span_of(c->text, c->layer);
        if (c->comment) snprintf(d->comments.input, sizeof d->comments.input, "%s", c->comment);
        const char *after = cni_description_edit_text(&arena, d, &edit, 1, &error);
        if (c->becomes && !after) fail_msg("%s: %s", c->text, error.text);
        if (c->becomes)
            assert_string_equal(after, c->becomes);
        else
            assert_non_null(strstr(error.text, "give --input"));
        cni_arena_free(&arena);
    }
}

static void a_file_has_no_text(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_error error = {0};
    cn_model *model = cn_sequential();
    cn_add(model, cn_flatten());
    const cni_edit edit = {.type = CNI_EDIT_REMOVE};
    assert_null(cni_description_edit_text(&arena, describe(&arena, model), &edit, 1, &error));
    assert_non_null(strstr(error.text, "from a file"));
    cn_model_free(model);
    cni_arena_free(&arena);
}

/* Whatever stands there, nothing is read beyond it. */
static void broken_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"x = Conv2D(8, 3", "'", "\"\"\"", "((((", "))))", "\xE2\x80\x9C", "f(]", "\\"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int type = CNI_EDIT_ARGUMENT; type <= CNI_EDIT_INPUT; type++) {
            cni_arena arena = {0};
            cni_error error = {0};
            const text_case c = {.text = texts[i], .layer = texts[i]};
            const cni_edit edit = {(cni_edit_type)type, .layer = 1, .key = "a",
                                   .value = "B()",      .rows = 1,  .columns = 2};
            assert_null(cni_description_edit_text(&arena, description_of(&arena, &c), &edit, 1, &error));
            assert_int_not_equal(error.status, CN_OK);
            cni_arena_free(&arena);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_replaced_where_they_stand),
        cmocka_unit_test(arguments_are_added_at_the_end),
        cmocka_unit_test(several_edits_meet),
        cmocka_unit_test(a_call_is_replaced),
        cmocka_unit_test(a_layer_is_put_before_in_a_list),
        cmocka_unit_test(a_layer_is_put_before_in_statements),
        cmocka_unit_test(calls_are_wrapped),
        cmocka_unit_test(layers_are_left_out),
        cmocka_unit_test(the_input_changes_where_its_shape_stands),
        cmocka_unit_test(a_file_has_no_text),
        cmocka_unit_test(broken_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
