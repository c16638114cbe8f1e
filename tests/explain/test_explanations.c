/* SPDX-License-Identifier: Apache-2.0
 * Views of networks against tests/explain/golden/NAME.txt: a line that says what it is, then
 *
 *     @ file mnist.py      what follows is the text of this file
 *     @ code               what follows is given as code
 *     @ input 32x32x3      options: input, only, off, like, dtype, batch, as
 *     @ layer conv2d       the card of this layer;  @ view json, full, markdown
 *     @ expect             what follows is expected; a line "..." stands for any number of lines
 *
 * With two files the two are compared.  Expected numbers come from section 4 of the specification and from hand. */
#include "base/table.h"
#include "formats/json.h"
#include "paths.h"

#include <cornu/explain.h>

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { MOST_LINES = 400 };

typedef struct example {
    char name[256];
    char *data;
    const char *files[2], *code, *layer, *view;
    cn_explain_options options;
    const char *as;
    char *text[2]; /* of the files */
    char *expected;
    int file_count;
} example;

/* ---- reading ---- */

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *data = calloc(1, 1 << 16);
    const size_t size = fread(data, 1, (1 << 16) - 1, file);
    assert_true(size > 0 && size < (1 << 16) - 1);
    fclose(file);
    return data;
}

static bool option(const char *line, const char *name, const char **value)
{
    const size_t length = strlen(name);
    if (strncmp(line, name, length) != 0 || (line[length] && line[length] != ' ')) return false;
    *value = line[length] ? line + length + 1 : "";
    return true;
}

/* A line that begins with "@ "; returns where text that follows is kept, or NULL. */
static char **directive(example *e, const char *line)
{
    const char *value;
    if (option(line, "file", &e->files[e->file_count < 2 ? e->file_count : 1])) {
        assert_true(e->file_count < 2);
        return &e->text[e->file_count++];
    }
    if (option(line, "code", &e->code)) return &e->text[0];
    if (option(line, "expect", &value)) return &e->expected;
    if (option(line, "batch", &value)) {
        e->options.batch = atoi(value);
        return NULL;
    }
    assert_true(option(line, "input", &e->options.input) || option(line, "only", &e->options.only) ||
                option(line, "off", &e->options.off) || option(line, "like", &e->options.like) ||
                option(line, "dtype", &e->options.dtype) || option(line, "model", &e->options.model) ||
                option(line, "layer", &e->layer) || option(line, "view", &e->view) || option(line, "as", &e->as));
    return NULL;
}

static void read_example(example *e, const char *path)
{
    e->data = read_whole(path);
    e->options.struct_size = sizeof e->options;
    for (char *line = e->data, *next; *line; line = next) {
        next = strchr(line, '\n');
        assert_non_null(next);
        next++;
        if (strncmp(line, "@ ", 2) != 0) continue;
        if (line > e->data) line[-1] = 0; /* ends the text before it */
        next[-1] = 0;
        char **text = directive(e, line + 2);
        if (text) *text = next;
    }
}

/* ---- comparing ---- */

static int split(char *text, char **lines)
{
    int count = 0;
    for (char *line = text; *line;) {
        assert_true(count < MOST_LINES);
        lines[count++] = line;
        line += strcspn(line, "\n");
        if (*line) *line++ = 0;
    }
    return count;
}

static bool matches(char **want, int wanted, char **have, int found)
{
    if (!wanted) return !found;
    if (strcmp(*want, "...") == 0)
        return matches(want + 1, wanted - 1, have, found) || (found && matches(want, wanted, have + 1, found - 1));
    return found && strcmp(*want, *have) == 0 && matches(want + 1, wanted - 1, have + 1, found - 1);
}

static void check_text(const example *e, const char *found)
{
    static char *want[MOST_LINES], *have[MOST_LINES];
    char *expected = strdup(e->expected), *text = strdup(found);
    const int wanted = split(expected, want), count = split(text, have);
    if (!matches(want, wanted, have, count)) fail_msg("%s: expected\n%s\nfound\n%s", e->name, e->expected, found);
    free(expected);
    free(text);
}

/* ---- running ---- */

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    /* The newline of the last line gave way to the 0. */
    assert_true(fputs(text, file) >= 0 && fputc('\n', file) != EOF);
    fclose(file);
}

static cn_explanation *explain(const example *e, const char *source)
{
    const char *error = NULL;
    cn_explanation *explanation = NULL;
    if (cn_explain(source, &e->options, &explanation, &error)) fail_msg("%s: %s", e->name, error);
    assert_null(error);
    return explanation;
}

static cn_explain_view view_of(const char *name)
{
    static const char *const names[] = {"summary", "layer", "full", "json", "markdown"};
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return (cn_explain_view)i;
    assert_null(name);
    return CN_EXPLAIN_SUMMARY;
}

static void run_example(const example *e)
{
    const cn_explain_style style = {.struct_size = sizeof style, .layer = e->layer};
    for (int i = 0; i < e->file_count; i++) write_file(e->files[i], e->text[i]);
    cn_explanation *a = explain(e, e->file_count ? e->files[0] : e->text[0]), *b = NULL;
    const char *error = NULL, *text;
    if (e->file_count > 1) b = explain(e, e->files[1]);
    if (e->as && cn_explanation_translate(a, e->as, &b, &error)) fail_msg("%s: %s", e->name, error);
    if (b && !e->view)
        text = cn_explanation_compare(a, b, &style);
    else
        text = cn_explanation_text(b ? b : a, e->layer ? CN_EXPLAIN_LAYER : view_of(e->view), &style);
    if (!text) fail_msg("%s: %s", e->name, cn_explanation_error(a));
    check_text(e, text);
    cn_explanation_free(b);
    cn_explanation_free(a);
    for (int i = 0; i < e->file_count; i++) unlink(e->files[i]);
}

static char folder[] = "/tmp/cornu-explain-XXXXXX";

static void run_named(const char *name)
{
    char path[4096], relative[300];
    example e = {0};
    snprintf(relative, sizeof relative, "tests/explain/golden/%s.txt", name);
    snprintf(e.name, sizeof e.name, "%s", name);
    read_example(&e, source_path(path, relative));
    run_example(&e);
    free(e.data);
}

#define GOLDEN(name)                                                                                                   \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        run_named(#name);                                                                                              \
    }

/* ---- the terminal: nothing is wider than it ---- */

/* The columns of a line without its colours. */
static size_t columns_of(const char *line, size_t length)
{
    char plain[4096];
    size_t used = 0;
    for (size_t i = 0; i < length && used + 1 < sizeof plain; i++) {
        if (line[i] == '\033')
            while (i < length && line[i] != 'm') i++;
        else
            plain[used++] = line[i];
    }
    plain[used] = 0;
    return cni_columns_of(plain);
}

static void check_width(const char *name, const char *text, const cn_explain_style *style)
{
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        if (columns_of(line, length) > (size_t)style->width)
            fail_msg("%s: wider than %d: %.*s", name, style->width, (int)length, line);
        for (size_t i = 0; style->ascii && i < length; i++)
            if (line[i] & 0x80) fail_msg("%s: not ASCII: %.*s", name, (int)length, line);
        if (!style->colour && memchr(line, '\033', length)) fail_msg("%s: coloured: %.*s", name, (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void check_widths(cn_explanation *e, cn_explanation *other, const char *name)
{
    static const int widths[] = {60, 80, 81, 132};
    bool coloured = false;
    for (size_t i = 0; i < 4 * sizeof widths / sizeof *widths; i++) {
        const cn_explain_style style = {
            .struct_size = sizeof style, .width = widths[i / 4], .ascii = i & 1, .colour = i & 2, .full = true};
        const char *text =
            other ? cn_explanation_compare(e, other, &style) : cn_explanation_text(e, CN_EXPLAIN_FULL, &style);
        assert_non_null(text);
        check_width(name, text, &style);
        coloured |= style.colour && strchr(text, '\033');
    }
    assert_true(coloured || cn_explanation_count(e, 3));
}

static void test_width_of_models(void **state)
{
    (void)state;
    char path[4096];
    glob_t found;
    const char *error;
    snprintf(path, sizeof path, "%s/tests/golden/files/*.keras", CORNU_SOURCE_DIR);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    int count = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        cn_explanation *e;
        if (cn_explain(found.gl_pathv[i], NULL, &e, &error)) fail_msg("%s", error);
        check_widths(e, NULL, found.gl_pathv[i]);
        check_widths(e, e, found.gl_pathv[i]);
        cn_explanation_free(e);
        count++;
    }
    globfree(&found);
    assert_true(count > 5);
}

static void test_width_of_texts(void **state)
{
    (void)state;
    char path[4096];
    glob_t found;
    snprintf(path, sizeof path, "%s/tests/explain/golden/*.txt", CORNU_SOURCE_DIR);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        example e = {0};
        read_example(&e, found.gl_pathv[i]);
        for (int k = 0; k < e.file_count; k++) write_file(e.files[k], e.text[k]);
        cn_explanation *a = explain(&e, e.file_count ? e.files[0] : e.text[0]);
        cn_explanation *b = e.file_count > 1 ? explain(&e, e.files[1]) : NULL;
        check_widths(a, NULL, found.gl_pathv[i]);
        if (b) check_widths(a, b, found.gl_pathv[i]);
        cn_explanation_free(b);
        cn_explanation_free(a);
        for (int k = 0; k < e.file_count; k++) unlink(e.files[k]);
        free(e.data);
    }
    globfree(&found);
}

/* ---- JSON ---- */

static const char mnist[] = "model = keras.Sequential([\n"
                            "    keras.Input((28, 28, 1)),\n"
                            "    layers.Conv2D(32, 3, activation='relu'),\n"
                            "    layers.MaxPooling2D(2),\n"
                            "    layers.Conv2D(64, 3, activation='relu'),\n"
                            "    layers.MaxPooling2D(2),\n"
                            "    layers.Flatten(),\n"
                            "    layers.Dropout(0.5),\n"
                            "    layers.Dense(10, activation='softmax'),\n"
                            "])\n";

static const cni_value *json_of(cni_arena *arena, const cn_explain_options *options, const char *text)
{
    cn_explanation *e;
    cni_value *value;
    const char *error;
    cni_error problem = {0};
    if (cn_explain(text, options, &e, &error)) fail_msg("%s", error);
    const char *json = cn_explanation_text(e, CN_EXPLAIN_JSON, NULL);
    assert_non_null(json);
    const cni_bytes bytes = {(const uint8_t *)cni_arena_text(arena, json), strlen(json)};
    if (cni_json_read(arena, bytes, NULL, &value, &problem)) fail_msg("%s", problem.text);
    cn_explanation_free(e);
    return value;
}

/* "layers.4.y.n": members and indices. */
static const cni_value *at(const cni_value *value, const char *path)
{
    char word[64];
    while (value && *path) {
        const size_t length = strcspn(path, ".");
        snprintf(word, sizeof word, "%.*s", (int)length, path);
        if (value->type == CNI_LIST)
            value = (size_t)atoi(word) < value->count ? value->items[atoi(word)] : NULL;
        else
            value = cni_value_get(value, word);
        path += length + (path[length] == '.');
    }
    return value;
}

static void check_value(const cni_value *json, const char *path, const char *expected)
{
    char shown[200];
    const cni_value *value = at(json, path);
    if (!value) fail_msg("%s is missing", path);
    cni_value_show(value, shown, sizeof shown);
    if (strcmp(shown, expected) != 0) fail_msg("%s: expected %s, found %s", path, expected, shown);
}

/* The example of explain-spec 12, with the numbers of E21. */
static void test_json(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        {"schema", "1"},
        {"dialect", "'keras'"},
        {"input.0", "[28, 28, 1]"},
        {"dtype", "'f32'"},
        {"batch", "1"},
        {"layers.0.kind", "'input'"},
        {"layers.0.y", "None"},
        {"layers.4.id", "4"},
        {"layers.4.name", "'max_pooling2d_1'"},
        {"layers.4.kind", "'maxpool'"},
        {"layers.4.inputs", "[3]"},
        {"layers.4.span", "[6, 5, 6, 27]"},
        {"layers.4.output", "[5, 5, 64]"},
        {"layers.4.data_format", "'channels_last'"},
        {"layers.4.y.n", "11"},
        {"layers.4.y.k", "2"},
        {"layers.4.y.s", "2"},
        {"layers.4.y.d", "1"},
        {"layers.4.y.pad", "[0, 0]"},
        {"layers.4.y.used", "[0, 0]"},
        {"layers.4.y.o", "5"},
        {"layers.4.y.rem", "1"},
        {"layers.4.y.unread", "1"},
        {"layers.4.y.border", "0"},
        {"layers.4.y.real", "10"},
        {"layers.4.y.taps", "10"},
        {"layers.4.y.dead_taps", "0"},
        {"layers.4.y.formula", "'floor((11-2)/2)+1 = 5'"},
        {"layers.4.x.n", "11"},
        {"layers.4.field.y", "[10, 4, 0]"},
        {"layers.4.field.x", "[10, 4, 0]"},
        {"layers.4.field.min", "[10, 10]"},
        {"layers.4.field.centre0", "[[9, 2], [9, 2]]"},
        {"layers.4.params.trainable", "0"},
        {"layers.4.macs", "0"},
        {"layers.4.macs_real", "0"},
        {"layers.4.macs_dead", "0"},
        {"layers.4.needed", "25"},
        {"layers.4.positions", "25"},
        {"layers.4.bytes.in", "30976"},
        {"layers.4.bytes.out", "6400"},
        {"layers.4.bytes.weights", "0"},
        {"layers.5.field", "'all'"},
        {"layers.3.needed", "100"},
        {"layers.3.macs_dead", "387072"},
        {"layers.1.macs_dead", "28800"},
        {"totals.params.trainable", "34826"},
        {"totals.macs", "2440960"},
        {"totals.flops", "4911306"},
        {"totals.train_macs", "7128192"},
        {"totals.dead_pixels", "108"},
        {"memory.peak", "108160"},
        {"memory.saved", "148712"},
        {"memory.train", "None"},
        {"findings.0.id", "'K302'"},
        {"findings.0.severity", "'warning'"},
        {"findings.0.layer", "4"},
        {"findings.0.grade", "'A'"},
        {"findings.0.fixes.0.cost.params", "7040"},
    };
    cni_arena arena = {0};
    const cni_value *json = json_of(&arena, NULL, mnist);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) check_value(json, expected[i][0], expected[i][1]);
    /* Batch 32 with Adam: weights and state, saved, gradients. */
    json = json_of(&arena, &(cn_explain_options){.struct_size = sizeof(cn_explain_options), .batch = 32}, mnist);
    check_value(json, "memory.train.adam", "8777120");
    /* An error in the text is a finding. */
    json = json_of(&arena, NULL, "layers.Conv2D(32, 3, stride=2)");
    check_value(json, "findings.0.id", "'I803'");
    check_value(json, "findings.0.severity", "'error'");
    cni_arena_free(&arena);
}

/* The same network as torchinfo, TensorFlow's profiler and darknet count it, by hand:
 *   torchinfo  320 * 676 + 18496 * 121 + 16010
 *   tf         2 * 194688 + 21632, 4 * 5408, 2 * 2230272 + 7744, 4 * 1600, 2 * 16000 + 10 + 5 * 10
 *   darknet    2 * 194688, 4 * 5408, 2 * 2230272, 4 * 1600 */
static void test_counting(void **state)
{
    (void)state;
    static const struct {
        const char *like;
        int64_t total;
    } cases[] = {{"cornu", 2440960}, {"torchinfo", 2470346}, {"tf", 4939388}, {"darknet", 4877952}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cni_arena arena = {0};
        const cn_explain_options options = {.struct_size = sizeof options, .like = cases[i].like};
        const cni_value *layers = at(json_of(&arena, &options, mnist), "layers");
        int64_t sum = 0;
        for (size_t k = 0; k < layers->count; k++) {
            const cni_value *count = cni_value_get(layers->items[k], i ? "counted" : "macs");
            assert_non_null(count);
            sum += count->integer;
        }
        assert_int_equal(sum, cases[i].total);
        cni_arena_free(&arena);
    }
    cn_explanation *e;
    const char *error;
    const cn_explain_options options = {.struct_size = sizeof options, .like = "caffe"};
    assert_int_equal(cn_explain(mnist, &options, &e, &error), CN_ERR_INVALID);
    assert_string_equal(error, "like 'caffe': expected cornu, torchinfo, tf or darknet");
}

/* ---- words ---- */

/* Every term is printed whole, and found by each of its names. */
static void test_definitions(void **state)
{
    (void)state;
    char name[64];
    const char *all = cn_explain_define(NULL);
    assert_non_null(all);
    check_width("--define", all, &(cn_explain_style){.width = 80});
    char *terms = strdup(all);
    int count = 0;
    for (char *line = strtok(terms, "\n"); line; line = strtok(NULL, "\n")) {
        if (*line == ' ') continue;
        snprintf(name, sizeof name, "%.*s", (int)(strstr(line, "  (") ? strstr(line, "  (") - line : (int)strlen(line)),
                 line);
        const char *one = cn_explain_define(name);
        if (!one || strncmp(one, name, strlen(name)) != 0) fail_msg("%s is not defined", name);
        count++;
    }
    free(terms);
    assert_true(count > 50);
    static const char *const others[] = {"RF", "jump", "MACs", "flops", "J", "FLOP/byte", "pad", "leftover", "TF"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!cn_explain_define(others[i])) fail_msg("%s is not defined", others[i]);
    assert_null(cn_explain_define("flux capacitor"));
    assert_null(cn_explain_why("K999"));
    assert_non_null(strstr(cn_explain_why("k302"), "dead-computation"));
    assert_non_null(strstr(cn_explain_why(NULL), "I803"));
}

/* What a layer costs whose arguments could not be taken is not known: null, never 0. */
static void test_unread_costs(void **state)
{
    (void)state;
    cni_arena arena = {0};
    const cni_value *json =
        json_of(&arena, NULL, "Sequential([Input((8, 8, 3)), Conv2D(8, 3, strides=2, dilation_rate=2), ReLU()])");
    static const char *const unknown[] = {"layers.1.output", "layers.1.macs",           "layers.1.params.trainable",
                                          "totals.macs",     "totals.params.trainable", "totals.flops"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        const cni_value *value = at(json, unknown[i]);
        if (!value || value->type != CNI_NULL) fail_msg("%s is told", unknown[i]);
    }
    assert_int_equal(at(json, "layers.2.params.trainable")->integer, 0);
    cni_arena_free(&arena);
}

static const char *compared(const char *a, const char *b, char *out, size_t size)
{
    cn_explanation *one, *other;
    const char *error;
    if (cn_explain(a, NULL, &one, &error)) fail_msg("%s", error);
    if (cn_explain(b, NULL, &other, &error)) fail_msg("%s", error);
    const char *text = cn_explanation_compare(one, other, NULL);
    assert_non_null(text);
    snprintf(out, size, "%s", text);
    cn_explanation_free(one);
    cn_explanation_free(other);
    return out;
}

/* Conv2D(8, 3) of 3 channels has 9*3*8 = 216 weights, of one 72. */
static void test_what_can_be_copied(void **state)
{
    (void)state;
    char text[4000];
    const char *keras = "Sequential([Input((8, 8, 3)), Conv2D(8, 3), LayerNormalization(), Dense(4, 'softmax')])";
    compared(keras, "nn.Sequential(nn.Conv2d(1, 8, 3))", text, sizeof text);
    if (!strstr(text, "kernel of conv2d has 216 weights, that of 0 72")) fail_msg("%s", text);
    assert_null(strstr(text, "weights, from Keras"));
    compared(keras, "nn.Sequential(nn.Conv2d(3, 8, 3), nn.LayerNorm(6))", text, sizeof text);
    if (!strstr(text, "layer norm epsilon: Keras 0.001, PyTorch 1e-05\n") ||
        !strstr(text, "softmax at the end: in Keras") || strstr(text, "behind Flatten"))
        fail_msg("%s", text);
}

/* ---- translation ---- */

/* Keras 3's defaults are not PyTorch's: LeakyReLU has 0.3, its function 0.2, PyTorch 0.01. */
static void test_translated_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *keras, *torch;
    } cases[] = {
        {"LeakyReLU()", "F.leaky_relu(input_layer, 0.3)"},
        {"LeakyReLU(negative_slope=0.01)", "F.leaky_relu(input_layer)"},
        {"Activation('leaky_relu')", "F.leaky_relu(input_layer, 0.2)"},
        {"ELU(alpha=0.5)", "F.elu(input_layer, alpha=0.5)"},
        {"ELU()", "F.elu(input_layer)"},
        {"ReLU(max_value=6)", "F.relu6(input_layer)"},
        {"ReLU(max_value=4)", "F.hardtanh(input_layer, 0.0, 4.0)"},
        {"ReLU(negative_slope=0.1)", "F.leaky_relu(input_layer, 0.1)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        const char *error;
        cn_explanation *keras, *torch;
        snprintf(text, sizeof text, "Sequential([Input((8, 8, 3)), %s])", cases[i].keras);
        if (cn_explain(text, NULL, &keras, &error)) fail_msg("%s: %s", text, error);
        if (cn_explanation_translate(keras, "torch", &torch, &error)) fail_msg("%s: %s", text, error);
        const char *full = cn_explanation_text(torch, CN_EXPLAIN_FULL, NULL);
        if (!full || !strstr(full, cases[i].torch)) fail_msg("%s: expected %s in\n%s", text, cases[i].torch, full);
        cn_explanation_free(torch);
        cn_explanation_free(keras);
    }
}

/* .keras was Keras 2's suffix for a while; the failure tells so, and not what a node lacks. */
static void test_keras_2_file(void **state)
{
    (void)state;
    char path[4096];
    const char *file = shared_path(path, "data/keras_v3/autoencoder_conv2dtranspose.keras"), *error;
    cn_explanation *e;
    if (!file) skip();
    assert_int_equal(cn_explain(file, NULL, &e, &error), CN_ERR_UNSUPPORTED);
    assert_non_null(strstr(error, "conv2dtranspose.keras: was saved by Keras 2.13.1"));
    cn_model *model;
    char text[1000];
    snprintf(text, sizeof text, "%s", error);
    assert_int_equal(cn_load(file, NULL, &model, &error), CN_ERR_UNSUPPORTED); /* told alike */
    assert_string_equal(error, text);
}

GOLDEN(summary)
GOLDEN(card)
GOLDEN(compare)
GOLDEN(error)
GOLDEN(in_function)
GOLDEN(found_in_function)
GOLDEN(merge)
GOLDEN(conv_valid)
GOLDEN(conv_same_stride)
GOLDEN(conv_same_small)
GOLDEN(padded_by_hand)
GOLDEN(torch_valid)
GOLDEN(torch_padded)
GOLDEN(torch_stride)
GOLDEN(no_flatten)
GOLDEN(no_kernel)
GOLDEN(translated)
GOLDEN(sizes_differ)
GOLDEN(compare_flatten)
GOLDEN(pool_in_keras)
GOLDEN(open_sizes)
GOLDEN(torch_totals)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_card),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_in_function),
        cmocka_unit_test(test_found_in_function),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_conv_valid),
        cmocka_unit_test(test_conv_same_stride),
        cmocka_unit_test(test_conv_same_small),
        cmocka_unit_test(test_padded_by_hand),
        cmocka_unit_test(test_torch_valid),
        cmocka_unit_test(test_torch_padded),
        cmocka_unit_test(test_torch_stride),
        cmocka_unit_test(test_no_flatten),
        cmocka_unit_test(test_no_kernel),
        cmocka_unit_test(test_translated),
        cmocka_unit_test(test_sizes_differ),
        cmocka_unit_test(test_compare_flatten),
        cmocka_unit_test(test_pool_in_keras),
        cmocka_unit_test(test_open_sizes),
        cmocka_unit_test(test_torch_totals),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_definitions),
        cmocka_unit_test(test_translated_arguments),
        cmocka_unit_test(test_unread_costs),
        cmocka_unit_test(test_what_can_be_copied),
        cmocka_unit_test(test_keras_2_file),
        cmocka_unit_test(test_width_of_models),
        cmocka_unit_test(test_width_of_texts),
    };
    if (!mkdtemp(folder) || chdir(folder)) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (chdir("/") || rmdir(folder)) return 1;
    return failed;
}
