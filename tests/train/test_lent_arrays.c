/* SPDX-License-Identifier: Apache-2.0
 * Predictors read and write the caller's arrays where they lie, when they may: the same numbers as from copies, and
 * nothing beyond the arrays' ends is touched. */
#include "kernels/guarded.h"

#include <cornu/cornu.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { SIDE = 8, CHANNELS = 16, IMAGE = SIDE * SIDE * CHANNELS, BATCH = 3 };

typedef struct network {
    const char *name;
    void (*add)(cn_model *model);
} network;

static void conv(cn_model *model)
{
    cn_add(model, cn_conv2d(16, {3}, .padding = CN_SAME));
}
static void strided(cn_model *model)
{
    cn_add(model, cn_conv2d(16, {3}, .strides = {2}, .padding = CN_SAME, .activation = "relu"));
}
static void large(cn_model *model)
{
    cn_add(model, cn_conv2d(32, {5}, .padding = CN_SAME));
}
static void pointwise(cn_model *model)
{
    cn_add(model, cn_conv2d(24, {1}, .activation = "elu"));
}
static void depthwise(cn_model *model)
{
    cn_add(model, cn_depthwise_conv2d({3}, .padding = CN_SAME));
}
static void pooling(cn_model *model)
{
    cn_add(model, cn_max_pooling2d({2}));
}
static void average(cn_model *model)
{
    cn_add(model, cn_global_average_pooling2d());
}
static void dense(cn_model *model)
{
    cn_add(model, cn_dense(16));
}
static void normalization(cn_model *model)
{
    cn_add(model, cn_batch_normalization());
}
static void activation(cn_model *model)
{
    cn_add(model, cn_relu());
}
static void flat(cn_model *model)
{
    cn_add(model, cn_flatten());
}
static void softmax(cn_model *model)
{
    cn_add(model, cn_softmax());
}

static const network networks[] = {
    {"conv", conv},           {"strided", strided},     {"5x5", large},
    {"pointwise", pointwise}, {"depthwise", depthwise}, {"pooling", pooling},
    {"average", average},     {"dense", dense},         {"normalization", normalization},
    {"relu", activation},     {"flatten", flat},        {"softmax", softmax},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

static float values[BATCH * IMAGE];
static const cn_array pictures = {values, CN_FLOAT32, 4, {BATCH, SIDE, SIDE, CHANNELS}};

static int fill(void **state)
{
    (void)state;
    for (int i = 0; i < BATCH * IMAGE; i++) values[i] = (float)(i * 37 % 101) / 101 - 0.5f;
    return 0;
}

static size_t size_of(const cn_array *array)
{
    size_t size = 1;
    for (int i = 1; i < array->rank; i++) size *= (size_t)array->shape[i];
    return size;
}

static void run(cn_predictor *predictor, int n, const float *x, float *y)
{
    if (cn_predictor_run(predictor, n, &x, &y)) fail_msg("%s", cn_predictor_error(predictor));
}

static void expect(const char *name, const float *y, const float *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(y + i, wanted + i, sizeof *y))
            fail_msg("%s: [%zu] %g, not %g", name, i, (double)y[i], (double)wanted[i]);
}

static void lent_arrays_give_what_copies_give(void **state)
{
    (void)state;
    for (int i = 0; i < NETWORKS; i++) {
        cn_model *model = cn_sequential();
        cn_add(model, cn_input({SIDE, SIDE, CHANNELS}));
        networks[i].add(model);
        const cn_array *all = cn_predict(model, pictures);
        if (!all) fail_msg("%s: %s", networks[i].name, cn_error(model));
        const size_t size = size_of(all);
        cn_predictor *predictor = cn_predictor_new(model, BATCH, 1 + i % 2);
        assert_non_null(predictor);
        for (int n = BATCH; n > 0; n--) {
            guarded x = new_guarded((size_t)n * IMAGE), y = new_guarded((size_t)n * size);
            guarded odd = new_guarded((size_t)n * size + 1), odd_x = new_guarded((size_t)n * IMAGE + 1);
            memcpy(x.data, values, (size_t)n * IMAGE * sizeof(float));
            memcpy(odd_x.data, values, (size_t)n * IMAGE * sizeof(float));
            run(predictor, n, x.data, y.data);
            expect(networks[i].name, y.data, all->data, (size_t)n * size);
            run(predictor, n, x.data, odd.data);
            expect(networks[i].name, odd.data, all->data, (size_t)n * size);
            memset(y.data, 0, (size_t)n * size * sizeof(float));
            run(predictor, n, odd_x.data, y.data);
            expect(networks[i].name, y.data, all->data, (size_t)n * size);
            if (memcmp(x.data, values, (size_t)n * IMAGE * sizeof(float)))
                fail_msg("%s: wrote its input", networks[i].name);
            free_guarded(&x);
            free_guarded(&y);
            free_guarded(&odd);
            free_guarded(&odd_x);
        }
        cn_predictor_free(predictor);
        cn_model_free(model);
    }
}

static void an_array_may_be_input_and_output(void **state)
{
    (void)state;
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({SIDE, SIDE, CHANNELS}));
    cn_add(model, cn_conv2d(CHANNELS, {3}, .padding = CN_SAME));
    cn_add(model, cn_depthwise_conv2d({3}, .padding = CN_SAME));
    const cn_array *all = cn_predict(model, pictures);
    cn_predictor *predictor = cn_predictor_new(model, BATCH, 1);
    guarded x = new_guarded(BATCH * IMAGE), y = new_guarded(BATCH * IMAGE);
    memcpy(x.data, values, sizeof values);
    run(predictor, BATCH, x.data, y.data);
    expect("apart", y.data, all->data, BATCH * IMAGE);
    run(predictor, BATCH, x.data, x.data);
    expect("the same", x.data, all->data, BATCH * IMAGE);
    memcpy(x.data, values, sizeof values);
    run(predictor, 1, x.data + IMAGE / 2, x.data + IMAGE);
    memcpy(y.data, values, sizeof values);
    run(predictor, 1, y.data + IMAGE / 2, y.data + 2 * IMAGE);
    expect("overlapping", x.data + IMAGE, y.data + 2 * IMAGE, IMAGE);
    cn_predictor_free(predictor);
    cn_model_free(model);
    free_guarded(&x);
    free_guarded(&y);
}

/* What lies in one place for the plan lies in two for the caller. */
static void outputs_that_are_one_tensor(void **state)
{
    (void)state;
    cn_model *model = cn_functional();
    cn_node *x = cn_input_node(model, cn_input({SIDE, SIDE, CHANNELS})), *y = cn_call(model, cn_conv2d(4, {1}), x);
    cn_outputs(model, y, cn_call(model, cn_flatten(), y), cn_call(model, cn_flatten(), x), y);
    cn_predictor *predictor = cn_predictor_new(model, 1, 1);
    if (!predictor) fail_msg("%s", cn_error(model));
    enum { SIZE = SIDE * SIDE * 4 };
    guarded in = new_guarded(IMAGE),
            out[4] = {new_guarded(SIZE), new_guarded(SIZE), new_guarded(IMAGE), new_guarded(SIZE)};
    memcpy(in.data, values, IMAGE * sizeof(float));
    const float *inputs[] = {in.data};
    float *outputs[] = {out[0].data, out[1].data, out[2].data, out[3].data};
    assert_int_equal(cn_predictor_run(predictor, 1, inputs, outputs), CN_OK);
    expect("flat", outputs[1], outputs[0], SIZE);
    expect("twice", outputs[3], outputs[0], SIZE);
    expect("input", outputs[2], values, IMAGE);
    assert_true(outputs[0][0] != 0 || outputs[0][1] != 0);
    for (int i = 0; i < 4; i++) free_guarded(&out[i]);
    free_guarded(&in);
    cn_predictor_free(predictor);
    cn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lent_arrays_give_what_copies_give),
        cmocka_unit_test(an_array_may_be_input_and_output),
        cmocka_unit_test(outputs_that_are_one_tensor),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
