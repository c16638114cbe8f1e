/* SPDX-License-Identifier: Apache-2.0
 * Every kind of the registry against what Keras says of it (golden/layer_configs.txt): configuration, shapes of outputs
 * and weights; and every member of the argument structs in cornu.h against the rows. */
#include "layers/layer_cases.h"

#include "graph/plan.h"
#include "kernels/kernels.h"
#include "paths.h"

enum { LINE = 4096, COLUMNS = 5, SHOWN = 8192 };

typedef struct keras_case {
    workshop shop;
    const cni_family *family;
    const char *call;
    const cni_value *inputs, *results, *config;
    cni_object *object;
} keras_case;

static const cni_family *family_named(const char *name)
{
    static const cni_family *const families[] = {&cni_layers, &cni_activations, &cni_initializers, &cni_regularizers,
                                                 &cni_constraints};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcmp(strchr(families[i]->module, '.') + 1, name) == 0) return families[i];
    fail_msg("no family %s", name);
    return NULL;
}

static void open_case(keras_case *c, char *line)
{
    char *columns[COLUMNS];
    line[strcspn(line, "\n")] = 0;
    for (int i = 0; i < COLUMNS; i++) {
        columns[i] = line;
        line += strcspn(line, "\t");
        if (*line) *line++ = 0;
    }
    workshop_open(&c->shop);
    c->family = family_named(columns[0]);
    c->call = columns[1];
    c->inputs = workshop_value(&c->shop, columns[2]);
    c->results = workshop_value(&c->shop, columns[3]);
    c->config = workshop_value(&c->shop, columns[4]);
    c->object = workshop_object(&c->shop, c->family, c->call);
    if (!c->object) fail_msg("%s: %s", c->call, c->shop.error.text);
}

/* Calls `test` for every line of Keras' answers. */
static int for_each_case(void (*test)(keras_case *c))
{
    char path[4096], line[LINE];
    int count = 0;
    FILE *file = fopen(source_path(path, "tests/golden/layer_configs.txt"), "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); count++) {
        keras_case c;
        open_case(&c, line);
        test(&c);
        workshop_close(&c.shop);
    }
    fclose(file);
    return count;
}

static cni_value *written(keras_case *c, const cni_object *object)
{
    return c->family == &cni_layers ? cni_object_config(&c->shop.arena, object)
                                    : cni_object_write(&c->shop.arena, object);
}

static void assert_same_value(const keras_case *c, const cni_value *ours, const cni_value *theirs)
{
    static char a[SHOWN], b[SHOWN];
    assert_non_null(ours);
    cni_value_show(ours, a, sizeof a);
    cni_value_show(theirs, b, sizeof b);
    if (strcmp(a, b) != 0) fail_msg("%s\n  ours:  %s\n  Keras: %s", c->call, a, b);
}

static void check_config(keras_case *c)
{
    if (c->config->type == CNI_NULL) return;
    assert_same_value(c, written(c, c->object), c->config);
}

static void configurations_are_those_of_keras(void **state)
{
    (void)state;
    assert_true(for_each_case(check_config) > 100);
}

static void check_round_trip(keras_case *c)
{
    if (c->config->type == CNI_NULL) return;
    cni_maker maker = workshop_maker(&c->shop);
    cni_object *again = NULL;
    cn_status status = c->family == &cni_layers ? cni_object_read(&maker, c->object->kind, c->config, "it", &again)
                                                : cni_object_make(&maker, c->family, c->config, "it", &again);
    if (status) fail_msg("%s: %s", c->call, c->shop.error.text);
    again->family = c->family;
    assert_same_value(c, written(c, again), c->config);
}

static void configurations_go_round(void **state)
{
    (void)state;
    for_each_case(check_round_trip);
}

/* ---- shapes ---- */

static void assert_shape(const keras_case *c, const cni_shape *ours, const cni_shape *theirs)
{
    if (!cni_shape_equal(ours, theirs))
        fail_msg("%s: shape %s; Keras has %s", c->call, CNI_SHOW_SHAPE(ours), CNI_SHOW_SHAPE(theirs));
}

static void build_case(keras_case *c, cn_layer *layer, int count, cni_shape *in)
{
    cn_status status = layer->kind->build ? layer->kind->build(layer, count, in, &c->shop.error) : CN_OK;
    if (status) fail_msg("%s: %s", c->call, c->shop.error.text);
    layer->built = true;
    layer->input_count = count;
    layer->input_shapes = in;
}

static void check_shapes(keras_case *c)
{
    if (c->family != &cni_layers) return;
    cni_shape in[8], out, wanted = shape_of(c->results->items[0]);
    const int count = shapes_of(c->inputs, in);
    const cni_value *weights = c->results->items[1];
    cn_layer layer = layer_of(&c->shop, c->object);
    build_case(c, &layer, count, in);
    if (layer.kind->output_shape(&layer, count, in, &out, &c->shop.error))
        fail_msg("%s: %s", c->call, c->shop.error.text);
    assert_shape(c, &out, &wanted);
    assert_int_equal(layer.weight_count, weights->count);
    for (int i = 0; i < layer.weight_count; i++) {
        wanted = shape_of(weights->items[i]);
        assert_shape(c, &layer.weights[i]->shape, &wanted);
        assert_int_equal((uintptr_t)layer.weights[i]->data % 64, 0);
        assert_int_equal(layer.weights[i]->version, 1);
    }
    if (layer.kind->lazily_built != c->results->items[2]->truth) fail_msg("%s: lazily_built", c->call);
    cni_layer_free_weights(&layer);
}

static void shapes_are_those_of_keras(void **state)
{
    (void)state;
    for_each_case(check_shapes);
}

static bool is_known(int count, const cni_shape *in)
{
    for (int i = 0; i < count; i++)
        if (in[i].dims[0] != CNI_UNKNOWN || cni_shape_count(in + i, 1) < 0) return false;
    return count > 0;
}

/* Lowers the layer, answers the output's shape, runs it once to see that it can be run. */
static cni_shape lowered_shape(keras_case *c, cn_layer *layer, int count, const cni_shape *in, bool training)
{
    cni_graph *graph = cni_graph_new();
    cni_lowering lowering = {.graph = graph, .training = training, .layer = layer};
    cni_tensor *inputs[8];
    cni_kernels kernels;
    cni_plan *plan;
    for (int i = 0; i < count; i++) inputs[i] = cni_graph_input(graph, in[i]);
    cni_tensor *out = layer->kind->lower(&lowering, layer, count, inputs);
    if (graph->error.status) fail_msg("%s: %s", c->call, graph->error.text);
    const cni_shape shape = out->shape;
    out->is_output = true;
    cni_kernels_init(&kernels, CNI_ISA_PORTABLE);
    const cni_plan_options options = {.batch = 2, .kernels = &kernels};
    if (cni_plan_new(graph, &options, &plan, &c->shop.error)) fail_msg("%s: %s", c->call, c->shop.error.text);
    for (int i = 0; i < count; i++)
        memset(cni_plan_data(plan, inputs[i]), 0, 2 * sizeof(float) * (size_t)cni_shape_count(in + i, 1));
    cni_plan_run(plan, CNI_GRADIENTS, 2);
    cni_plan_free(plan);
    return shape;
}

static void check_lowering(keras_case *c)
{
    cni_shape in[8], out, lowered;
    if (c->family != &cni_layers || !((const cni_layer_kind *)c->object->kind)->lower) return;
    const int count = shapes_of(c->inputs, in);
    if (!is_known(count, in)) return;
    cn_layer layer = layer_of(&c->shop, c->object);
    build_case(c, &layer, count, in);
    assert_int_equal(layer.kind->output_shape(&layer, count, in, &out, &c->shop.error), CN_OK);
    for (int training = 0; training < 2; training++) {
        lowered = lowered_shape(c, &layer, count, in, training);
        assert_shape(c, &lowered, &out);
    }
    cni_layer_free_weights(&layer);
}

static void lowered_tensors_have_the_shapes_announced(void **state)
{
    (void)state;
    for_each_case(check_lowering);
}

/* ---- the registry ---- */

static bool seen[256];

static void mark_kind(keras_case *c)
{
    for (size_t i = 0; i < cni_layers.count; i++)
        if (c->object->kind == cni_layers.kinds[i]) seen[i] = true;
}

static void every_kind_is_compared_with_keras(void **state)
{
    (void)state;
    for_each_case(mark_kind);
    for (size_t i = 0; i < cni_layers.count; i++)
        if (!seen[i]) fail_msg("%s has no line in layer_configs.txt", cni_layers.kinds[i]->name);
}

static void every_row_can_be_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < cni_layers.count; i++) {
        const cni_kind *kind = cni_layers.kinds[i];
        if (!kind->help) fail_msg("%s has no help", kind->name);
        if (kind->example && !strstr(kind->example, "cn_")) fail_msg("%s: no example in C", kind->name);
        if (!kind->example && kind->public_size) fail_msg("%s: a struct without an example", kind->name);
        for (size_t j = 0; j < kind->field_count; j++)
            if (kind->fields[j].type != CNI_FIELD_NOTHING && !kind->fields[j].help)
                fail_msg("%s: %s has no help", kind->name, kind->fields[j].key);
    }
}

/* ---- the header ---- */

static char *read_header(void)
{
    char path[4096];
    FILE *file = fopen(source_path(path, "include/cornu/cornu.h"), "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 1000);
    fclose(file);
    return text;
}

/* The struct that the macro of this class fills: #define cn_dense(...) CN_ARGS_(cn_dense_args, "Dense", ... */
static bool struct_of(const char *header, const char *class_name, char name[64])
{
    char quoted[80];
    snprintf(quoted, sizeof quoted, ", \"%s\", __VA_ARGS__", class_name);
    const char *at = strstr(header, quoted);
    if (!at) return false;
    const char *begin = at;
    while (begin[-1] != '(') begin--;
    snprintf(name, 64, "%.*s", (int)(at - begin), begin);
    return true;
}

static const cni_field *row_of_member(const cni_kind *kind, const char *member)
{
    char use[80];
    const bool negated = strncmp(member, "no_", 3) == 0;
    snprintf(use, sizeof use, "use_%s", negated ? member + 3 : "");
    for (size_t i = 0; i < kind->field_count; i++) {
        const cni_field *field = kind->fields + i;
        if (field->type == CNI_FIELD_NOTHING || (field->flags & CNI_NO_MEMBER)) continue;
        const bool same = strcmp(field->key, member) == 0 && !(field->flags & CNI_NEGATED);
        const bool opposite = (field->flags & CNI_NEGATED) &&
                              ((negated && (strcmp(field->key, use) == 0 || strcmp(field->key, member + 3) == 0)) ||
                               (strcmp(member, "frozen") == 0 && strcmp(field->key, "trainable") == 0));
        if (same || opposite) return field;
    }
    return NULL;
}

/* What the comment calls the default, "" if nothing: the word after "default ". */
static void told_default(const char *line, char out[64])
{
    const char *at = strstr(line, "default ");
    out[0] = 0;
    if (!at) return;
    at += strlen("default ");
    at += *at == '"';
    snprintf(out, 64, "%.*s", (int)strcspn(at, " ,;\"*("), at);
    if (strcmp(out, "CN_VALID") == 0) strcpy(out, "'valid'");
}

static void check_default(const cni_kind *kind, const cni_field *field, const char *line)
{
    char told[64];
    told_default(line, told);
    if (!told[0] || strstr(line, "default:") || (field->flags & CNI_REQUIRED)) return;
    const char *real = field->otherwise;
    char *end_told, *end_real;
    const double a = strtod(told, &end_told), b = strtod(real, &end_real);
    const bool numbers = !*end_told && !*end_real;
    if (numbers ? a != b : strcmp(told, real) != 0)
        fail_msg("%s: %s: cornu.h says default %s, its row %s", kind->name, field->key, told, real);
}

/* One line of a struct: "    const char *name; ..." or "    int pool_size[2]; ..." */
static int check_line(const cni_kind *kind, const char *line)
{
    char declaration[128], *member;
    const size_t length = strcspn(line, ";");
    snprintf(declaration, sizeof declaration, "%.*s", (int)length, line);
    declaration[strcspn(declaration, "[")] = 0;
    member = declaration + strlen(declaration);
    while (member > declaration && member[-1] != ' ' && member[-1] != '*') member--;
    if (strcmp(member, "head") == 0) return 0;
    const cni_field *field = row_of_member(kind, member);
    if (!field) fail_msg("%s: the member %s of cornu.h has no row", kind->name, member);
    check_default(kind, field, line);
    return 1;
}

static void check_struct(const char *header, const cni_kind *kind, const char *name)
{
    char opening[128], line[512];
    int members = 0, rows = 0;
    snprintf(opening, sizeof opening, "typedef struct %s {\n", name);
    const char *at = strstr(header, opening);
    if (!at) fail_msg("%s: no struct %s", kind->name, name);
    for (at += strlen(opening); *at != '}'; at += strcspn(at, "\n") + 1) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        if (!strchr(line, ';')) fail_msg("%s: not one member: %s", name, line);
        members += check_line(kind, line);
    }
    const size_t known = kind->public_size ? kind->public_size : kind->args_size;
    for (size_t i = 0; i < kind->field_count; i++)
        rows += kind->fields[i].type != CNI_FIELD_NOTHING && !(kind->fields[i].flags & CNI_NO_MEMBER) &&
                kind->fields[i].offset < known;
    if (members != rows) fail_msg("%s: %d members in cornu.h, %d rows", kind->name, members, rows);
}

static void every_member_of_the_header_has_a_row(void **state)
{
    (void)state;
    char *header = read_header();
    for (size_t i = 0; i < cni_layers.count; i++) {
        char name[64];
        if (!cni_layers.kinds[i]->example) {
            if (struct_of(header, cni_layers.kinds[i]->name, name)) fail_msg("%s: no example", name);
            continue;
        }
        if (!struct_of(header, cni_layers.kinds[i]->name, name))
            fail_msg("%s: no macro in cornu.h", cni_layers.kinds[i]->name);
        check_struct(header, cni_layers.kinds[i], name);
    }
    free(header);
}

/* A struct of which only what is required is given is what Keras makes of the call. */
static void structs_have_the_defaults_of_texts(void **state)
{
    (void)state;
    static const char *const calls[] = {"Conv2D(8, 3, name='x')",
                                        "DepthwiseConv2D(3, name='x')",
                                        "Conv2DTranspose(4, 2, name='x')",
                                        "Conv2DTranspose(4, 2, 2, output_padding=0, name='x')",
                                        "Conv2DTranspose(4, 2, 2, 'same', (0, 1), name='x')",
                                        "Dense(5, name='x')",
                                        "Dropout(0.25, name='x')",
                                        "BatchNormalization(name='x')",
                                        "MaxPooling2D(name='x')",
                                        "Softmax(name='x')",
                                        "InputLayer((28, 28, 1), name='x')"};
    const cn_layer_args *const structs[] = {
        cn_conv2d(8, {3}, .name = "x"),
        cn_depthwise_conv2d({3}, .name = "x"),
        cn_conv2d_transpose(4, {2}, .name = "x"),
        cn_conv2d_transpose(4, {2}, {2}, .output_padding = {CN_ZERO_INT}, .name = "x"),
        cn_conv2d_transpose(4, {2}, {2}, CN_SAME, {CN_ZERO_INT, 1}, .name = "x"),
        cn_dense(5, .name = "x"),
        cn_dropout(0.25, .name = "x"),
        cn_batch_normalization(.name = "x"),
        cn_max_pooling2d(.name = "x"),
        cn_softmax(.name = "x"),
        cn_input({28, 28, 1}, .name = "x")};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        keras_case c = {.family = &cni_layers, .call = calls[i]};
        workshop_open(&c.shop);
        cni_maker maker = workshop_maker(&c.shop);
        c.object = workshop_object(&c.shop, &cni_layers, calls[i]);
        cni_object *copied = NULL;
        if (cni_object_copy(&maker, c.object->kind, structs[i], "it", &copied)) fail_msg("%s", c.shop.error.text);
        assert_same_value(&c, cni_object_config(&c.shop.arena, copied), cni_object_config(&c.shop.arena, c.object));
        workshop_close(&c.shop);
    }
}

/* What older releases wrote. */
static void older_spellings_are_read(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"BatchNormalization(axis=[3])", "BatchNormalization(axis=3)"},
        {"LeakyReLU(alpha=0.1)", "LeakyReLU(negative_slope=0.1)"},
        {"InputLayer(batch_input_shape=[None, 4])", "Input((4,))"},
        {"Convolution2D(8, 3, activation='swish')", "Conv2D(8, (3, 3), activation='silu')"},
        {"MaxPool2D()", "MaxPooling2D((2, 2))"},
        {"Activation(None)", "Activation('linear')"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        keras_case c = {.call = pairs[i][0]};
        workshop_open(&c.shop);
        const cni_object *old = workshop_object(&c.shop, &cni_layers, pairs[i][0]);
        const cni_object *new = workshop_object(&c.shop, &cni_layers, pairs[i][1]);
        if (!old || !new) fail_msg("%s: %s", c.call, c.shop.error.text);
        assert_same_value(&c, cni_object_config(&c.shop.arena, old), cni_object_config(&c.shop.arena, new));
        workshop_close(&c.shop);
    }
}

/* Functions with arguments have no name that Keras could save: the layer that does the same stands for them. */
static void functions_with_arguments_are_written_as_layers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"leaky_relu(negative_slope=0.1)", "{'module': 'keras.layers', 'class_name': 'LeakyReLU', "
                                           "'config': {'negative_slope': 0.1}, 'registered_name': None}"},
        {"relu(max_value=6.0)", "{'module': 'keras.layers', 'class_name': 'ReLU', 'config': {'negative_slope': 0.0, "
                                "'max_value': 6.0, 'threshold': 0.0}, 'registered_name': None}"},
        {"elu(alpha=1.0)", "'elu'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keras_case c = {.call = cases[i][0]};
        workshop_open(&c.shop);
        const cni_object *object = workshop_object(&c.shop, &cni_activations, cases[i][0]);
        const cni_value *wanted = workshop_value(&c.shop, cases[i][1]);
        if (!object) fail_msg("%s: %s", c.call, c.shop.error.text);
        assert_same_value(&c, cni_object_write(&c.shop.arena, object), wanted);
        workshop_close(&c.shop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_are_those_of_keras),
        cmocka_unit_test(configurations_go_round),
        cmocka_unit_test(shapes_are_those_of_keras),
        cmocka_unit_test(lowered_tensors_have_the_shapes_announced),
        cmocka_unit_test(every_kind_is_compared_with_keras),
        cmocka_unit_test(every_row_can_be_explained),
        cmocka_unit_test(every_member_of_the_header_has_a_row),
        cmocka_unit_test(structs_have_the_defaults_of_texts),
        cmocka_unit_test(older_spellings_are_read),
        cmocka_unit_test(functions_with_arguments_are_written_as_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
