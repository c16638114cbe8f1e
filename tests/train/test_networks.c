/* SPDX-License-Identifier: Apache-2.0
 * The networks of the field's texts: shapes and counts as Keras has them, a first loss of ln(classes), a step;
 * ResNet-18 and ResNet-50 as graphs; and twenty pictures that can be learned by heart. */
#include "base/random.h"

#include <cornu/cornu.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- pictures: noise ---- */

typedef struct pictures {
    float *x;
    int32_t *labels;
    cn_array data, y;
} pictures;

static pictures noise(int count, int side, int channels, int classes, float most)
{
    const size_t size = (size_t)count * (size_t)side * (size_t)side * (size_t)channels;
    pictures p = {malloc(size * sizeof(float)), malloc((size_t)count * sizeof(int32_t)), {0}, {0}};
    assert_true(p.x && p.labels);
    cni_fill_uniform(p.x, 0, size, (cni_key){11, 0}, 0, most);
    for (int i = 0; i < count; i++) p.labels[i] = i % classes;
    p.data = (cn_array){p.x, CN_FLOAT32, 4, {count, side, side, channels}};
    p.y = (cn_array){p.labels, CN_INT32, 1, {count}};
    return p;
}

static void free_pictures(pictures *p)
{
    free(p->x);
    free(p->labels);
}

/* ---- what Keras says of each ---- */

typedef struct expected_layer {
    const char *kind, *shape;
    int64_t params;
} expected_layer;

typedef struct network {
    const char *name;
    void (*add)(cn_model *model);
    int side, channels;
    int64_t params;
    expected_layer layers[12];
} network;

static void first_network(cn_model *m)
{
    cn_add(m, cn_input({28, 28, 1}));
    cn_add(m, cn_conv2d(32, {3}, .padding = CN_SAME, .activation = "relu"));
    cn_add(m, cn_max_pooling2d());
    cn_add(m, cn_flatten());
    cn_add(m, cn_dense(10, .activation = "softmax"));
}

static void wide_network(cn_model *m)
{
    cn_add(m, cn_input({64, 64, 3}));
    cn_add(m, cn_conv2d(64, {5}, .padding = CN_SAME, .activation = "relu"));
    cn_add(m, cn_conv2d(128, {3}, .padding = CN_SAME, .activation = "relu"));
    cn_add(m, cn_max_pooling2d());
    cn_add(m, cn_conv2d(256, {3}, .padding = CN_SAME, .activation = "relu"));
    cn_add(m, cn_max_pooling2d());
    cn_add(m, cn_flatten());
    cn_add(m, cn_dense(1024, .activation = "relu"));
    cn_add(m, cn_dense(10, .activation = "softmax"));
}

static void mixed_network(cn_model *m)
{
    cn_add(m, cn_input({128, 128, 3}));
    cn_add(m, cn_conv2d(32, {3}, .strides = {2}, .padding = CN_SAME, .activation = "leaky_relu"));
    cn_add(m, cn_conv2d(64, {3}, .padding = CN_SAME, .activation = "relu"));
    cn_add(m, cn_batch_normalization());
    cn_add(m, cn_conv2d(128, {3}, .padding = CN_SAME, .activation = "elu"));
    cn_add(m, cn_max_pooling2d());
    cn_add(m, cn_flatten());
    cn_add(m, cn_dense(512, .activation = "relu"));
    cn_add(m, cn_dropout(0.5));
    cn_add(m, cn_dense(10, .activation = "softmax"));
}

static void model_a(cn_model *m)
{
    cn_add(m, cn_input({28, 28, 1}));
    cn_add(m, cn_conv2d(32, {5}, .activation = "relu"));
    cn_add(m, cn_max_pooling2d({2}, .strides = {2}));
    cn_add(m, cn_conv2d(64, {5}, .activation = "relu"));
    cn_add(m, cn_max_pooling2d());
    cn_add(m, cn_flatten());
    cn_add(m, cn_dense(1000, .activation = "relu"));
    cn_add(m, cn_dense(10, .activation = "softmax"));
}

static const network networks[] = {
    {"first",
     first_network,
     28,
     1,
     63050,
     {{"Conv2D", "(None, 28, 28, 32)", 320},
      {"MaxPooling2D", "(None, 14, 14, 32)", 0},
      {"Flatten", "(None, 6272)", 0},
      {"Dense", "(None, 10)", 62730}}},
    {"wide",
     wide_network,
     64,
     3,
     67494026,
     {{"Conv2D", "(None, 64, 64, 64)", 4864},
      {"Conv2D", "(None, 64, 64, 128)", 73856},
      {"MaxPooling2D", "(None, 32, 32, 128)", 0},
      {"Conv2D", "(None, 32, 32, 256)", 295168},
      {"MaxPooling2D", "(None, 16, 16, 256)", 0},
      {"Flatten", "(None, 65536)", 0},
      {"Dense", "(None, 1024)", 67109888},
      {"Dense", "(None, 10)", 10250}}},
    {"mixed",
     mixed_network,
     128,
     3,
     67208010,
     {{"Conv2D", "(None, 64, 64, 32)", 896},
      {"Conv2D", "(None, 64, 64, 64)", 18496},
      {"BatchNormalization", "(None, 64, 64, 64)", 256},
      {"Conv2D", "(None, 64, 64, 128)", 73856},
      {"MaxPooling2D", "(None, 32, 32, 128)", 0},
      {"Flatten", "(None, 131072)", 0},
      {"Dense", "(None, 512)", 67109376},
      {"Dropout", "(None, 512)", 0},
      {"Dense", "(None, 10)", 5130}}},
    {"A",
     model_a,
     28,
     1,
     1087106,
     {{"Conv2D", "(None, 24, 24, 32)", 832},
      {"MaxPooling2D", "(None, 12, 12, 32)", 0},
      {"Conv2D", "(None, 8, 8, 64)", 51264},
      {"MaxPooling2D", "(None, 4, 4, 64)", 0},
      {"Flatten", "(None, 1024)", 0},
      {"Dense", "(None, 1000)", 1025000},
      {"Dense", "(None, 10)", 10010}}},
};

/* The shapes stand in the table one under the other. */
static void check_summary(const network *n, cn_model *model)
{
    const char *text = cn_summary(model, NULL), *at = text;
    assert_non_null(text);
    for (const expected_layer *e = n->layers; e->kind && at; e++) {
        at = strstr(at, e->shape);
        if (!at) fail_msg("%s: %s of %s is missing in\n%s", n->name, e->shape, e->kind, text);
        at++;
    }
    assert_non_null(strstr(text, "Total params: "));
}

static void check_layers(const network *n, cn_model *model)
{
    int count = 0;
    for (const expected_layer *e = n->layers; e->kind; e++, count++) {
        const cn_layer *layer = cn_layer_at(model, count);
        assert_non_null(layer);
        assert_string_equal(cn_layer_class(layer), e->kind);
        assert_int_equal(cn_layer_count_params(layer), e->params);
    }
    assert_int_equal(cn_layer_count(model), count);
    assert_int_equal(cn_count_params(model), n->params);
}

static void check_first_loss(const network *n, cn_model *model, const pictures *p)
{
    const cn_logs *logs = cn_evaluate(model, p->data, p->y);
    if (!logs) fail_msg("%s: %s", n->name, cn_error(model));
    const double loss = cn_logs_get(logs, "loss");
    if (!(fabs(loss - log(10)) <= 0.05 * log(10)))
        fail_msg("%s: the first loss is %g, ln 10 is %g", n->name, loss, log(10));
}

static void check_step(const char *name, cn_model *model, const pictures *p)
{
    const cn_logs *logs = cn_train_on_batch(model, &(cn_data){.x = p->data, .y = p->y});
    if (!logs) fail_msg("%s: %s", name, cn_error(model));
    const double loss = cn_logs_get(logs, "loss");
    if (!isfinite(loss) || loss <= 0) fail_msg("%s: the loss of the first step is %g", name, loss);
    const cn_array w = cn_weight(model, 0);
    assert_true(isfinite(((const float *)w.data)[0]));
}

static void check_network(const network *n)
{
    cn_set_random_seed(42);
    cn_model *model = cn_sequential();
    n->add(model);
    cn_compile(model, .optimizer = cn_sgd(0.01), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"});
    assert_string_equal(cn_error(model), "");
    pictures p = noise(10, n->side, n->channels, 10, 0.2f);
    check_layers(n, model);
    check_summary(n, model);
    check_first_loss(n, model, &p);
    check_step(n->name, model, &p);
    free_pictures(&p);
    cn_model_free(model);
}

static void networks_of_the_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) check_network(&networks[i]);
}

/* ---- ResNet-50 as keras.applications has it, with its names ---- */

static const char *named(const char *block, const char *what)
{
    static char text[64];
    snprintf(text, sizeof text, "%s_%s", block, what);
    return text;
}

static cn_node *convolve(cn_model *m, cn_node *x, const char *block, const char *index, int filters, int size,
                         int stride)
{
    char what[16];
    snprintf(what, sizeof what, "%s_conv", index);
    const cn_padding padding = {.mode = size > 1 ? CN_PADDING_SAME : CN_PADDING_VALID};
    x = cn_call(m, cn_conv2d(filters, {size}, .strides = {stride}, .padding = padding, .name = named(block, what)), x);
    snprintf(what, sizeof what, "%s_bn", index);
    return cn_call(m, cn_batch_normalization(.epsilon = 1.001e-5, .name = named(block, what)), x);
}

static cn_node *bottleneck(cn_model *m, cn_node *x, const char *block, int filters, int stride, bool projects)
{
    cn_node *shortcut = projects ? convolve(m, x, block, "0", 4 * filters, 1, stride) : x;
    cn_node *y = convolve(m, x, block, "1", filters, 1, stride);
    y = cn_call(m, cn_activation("relu", .name = named(block, "1_relu")), y);
    y = convolve(m, y, block, "2", filters, 3, 1);
    y = cn_call(m, cn_activation("relu", .name = named(block, "2_relu")), y);
    y = convolve(m, y, block, "3", 4 * filters, 1, 1);
    y = cn_call(m, cn_add_layer(.name = named(block, "add")), shortcut, y);
    return cn_call(m, cn_activation("relu", .name = named(block, "out")), y);
}

static cn_model *resnet50(void)
{
    static const int filters[] = {64, 128, 256, 512}, blocks[] = {3, 4, 6, 3};
    cn_model *m = cn_functional();
    cn_node *x = cn_input_node(m, cn_input({64, 64, 3}, .name = "image"));
    x = cn_call(m, cn_zero_padding2d({{3, 3}, {3, 3}}, .name = "conv1_pad"), x);
    x = cn_call(m, cn_conv2d(64, {7}, .strides = {2}, .name = "conv1_conv"), x);
    x = cn_call(m, cn_batch_normalization(.epsilon = 1.001e-5, .name = "conv1_bn"), x);
    x = cn_call(m, cn_activation("relu", .name = "conv1_relu"), x);
    x = cn_call(m, cn_zero_padding2d({{1, 1}, {1, 1}}, .name = "pool1_pad"), x);
    x = cn_call(m, cn_max_pooling2d({3}, .strides = {2}, .name = "pool1_pool"), x);
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < blocks[stage]; i++) {
            char block[32];
            snprintf(block, sizeof block, "conv%d_block%d", stage + 2, i + 1);
            x = bottleneck(m, x, block, filters[stage], stage && !i ? 2 : 1, !i);
        }
    x = cn_call(m, cn_global_average_pooling2d(.name = "avg_pool"), x);
    cn_outputs(m, cn_call(m, cn_dense(1000, .activation = "softmax", .name = "predictions"), x));
    return m;
}

static void a_resnet_50(void **state)
{
    (void)state;
    /* [layer.name for layer in keras.applications.ResNet50().layers] */
    static const char *const names[] = {
        "conv1_pad",           "conv1_conv",          "conv1_bn",
        "conv1_relu",          "pool1_pad",           "pool1_pool",
        "conv2_block1_1_conv", "conv2_block1_1_bn",   "conv2_block1_1_relu",
        "conv2_block1_2_conv", "conv2_block1_2_bn",   "conv2_block1_2_relu",
        "conv2_block1_0_conv", "conv2_block1_3_conv", "conv2_block1_0_bn",
        "conv2_block1_3_bn",   "conv2_block1_add",    "conv2_block1_out",
        "conv2_block2_1_conv",
    };
    int64_t shape[CN_MAX_RANK];
    cn_set_random_seed(1);
    cn_model *model = resnet50();
    cn_compile(model, .optimizer = cn_sgd(0.001, .momentum = 0.9), .loss = "sparse_categorical_crossentropy");
    assert_string_equal(cn_error(model), "");
    assert_int_equal(cn_count_params(model), 25636712); /* keras.applications.ResNet50() */
    assert_int_equal(cn_layer_count(model), 177);
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        assert_string_equal(cn_layer_name(cn_layer_at(model, i + 1)), names[i]);
    assert_int_equal(cn_output_shape(model, 0, shape), 2);
    assert_int_equal(shape[1], 1000);
    pictures p = noise(2, 64, 3, 1000, 1);
    check_step("ResNet-50", model, &p);
    free_pictures(&p);
    cn_model_free(model);
}

/* ---- ResNet-18 ---- */

static cn_node *normalized(cn_model *m, cn_node *x, int filters, int size, int stride)
{
    cn_padding padding = {.mode = CN_PADDING_SIDES, .top = size / 2, .bottom = size / 2};
    padding.left = padding.right = size / 2;
    if (size == 1) padding = (cn_padding){0};
    x = cn_call(m, cn_conv2d(filters, {size}, .strides = {stride}, .padding = padding, .no_bias = true), x);
    return cn_call(m, cn_batch_normalization(.epsilon = 1e-5), x);
}

static cn_node *basic_block(cn_model *m, cn_node *x, int filters, int stride)
{
    cn_node *y = cn_call(m, cn_relu(), normalized(m, x, filters, 3, stride));
    y = normalized(m, y, filters, 3, 1);
    if (stride > 1) x = normalized(m, x, filters, 1, stride);
    return cn_call(m, cn_relu(), cn_call(m, cn_add_layer(), y, x));
}

static void a_resnet_18(void **state)
{
    (void)state;
    cn_set_random_seed(1);
    cn_model *m = cn_functional();
    cn_node *x = cn_input_node(m, cn_input({64, 64, 3}));
    x = cn_call(m, cn_relu(), normalized(m, x, 64, 7, 2));
    x = cn_call(m, cn_max_pooling2d({3}, .strides = {2}), cn_call(m, cn_zero_padding2d(), x));
    for (int i = 0; i < 8; i++) x = basic_block(m, x, 64 << i / 2, i && i % 2 == 0 ? 2 : 1);
    x = cn_call(m, cn_global_average_pooling2d(), x);
    cn_outputs(m, cn_call(m, cn_dense(1000, .activation = "softmax"), x));
    cn_compile(m, .optimizer = cn_adam(), .loss = "sparse_categorical_crossentropy");
    assert_string_equal(cn_error(m), "");
    /* torchvision's 11,689,512, and the 2 * 4,800 moving statistics, which Keras counts too */
    assert_int_equal(cn_count_params(m), 11699112);
    pictures p = noise(2, 64, 3, 1000, 1);
    check_step("ResNet-18", m, &p);
    free_pictures(&p);
    cn_model_free(m);
}

/* ---- learning by heart ---- */

static void twenty_pictures_are_learned_by_heart(void **state)
{
    (void)state;
    int count;
    cn_set_random_seed(3);
    cn_model *model = cn_sequential();
    first_network(model);
    cn_compile(model, .optimizer = cn_adam(0.003), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"});
    pictures p = noise(20, 28, 1, 10, 1);
    const cn_history *history = cn_fit(model, p.data, p.y, .batch_size = 20, .epochs = 200);
    if (!history) fail_msg("%s", cn_error(model));
    const double loss = cn_history_values(history, 1, &count)[199];
    assert_string_equal(cn_history_name(history, 1), "loss");
    if (!(loss < 1e-3)) fail_msg("after 200 steps the loss of 20 pictures is %g", loss);
    assert_true(cn_history_values(history, 0, &count)[199] == 1);
    free_pictures(&p);
    cn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_of_the_texts),
        cmocka_unit_test(a_resnet_18),
        cmocka_unit_test(a_resnet_50),
        cmocka_unit_test(twenty_pictures_are_learned_by_heart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
