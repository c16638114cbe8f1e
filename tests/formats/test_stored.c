/* SPDX-License-Identifier: Apache-2.0
 * Models that were loaded for predicting: weights that were packed are dropped, and read again for whoever asks. */
#include "graph/graph.h"
#include "model/model.h"

#include <cornu/cornu.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { SIDE = 6, CHANNELS = 64, OUTPUTS = 17, ROWS = 3 }; /* each of the three kernels has 64 KiB or more */

static char path[] = "/tmp/cornu-stored-XXXXXX";
static float x[ROWS * SIDE * SIDE * CHANNELS], expected[ROWS * OUTPUTS];
static float *kernel; /* of the first convolution */

static cn_array rows(int count)
{
    return (cn_array){.data = x, .rank = 4, .shape = {count, SIDE, SIDE, CHANNELS}};
}

/* Two convolutions with weights worth dropping, one of them called twice. */
static cn_model *make(void)
{
    cn_set_random_seed(7);
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({SIDE, SIDE, CHANNELS}));
    cn_add(model, cn_conv2d(CHANNELS, {3}, .padding = {.mode = CN_PADDING_SAME}, .activation = "relu"));
    cn_add(model, cn_conv2d(CHANNELS, {3}));
    cn_add(model, cn_batch_normalization());
    cn_add(model, cn_flatten());
    cn_add(model, cn_dense(OUTPUTS));
    return model;
}

static const float *predict(cn_model *model, int count)
{
    const cn_array *y = cn_predict(model, rows(count), .batch_size = count);
    if (!y) fail_msg("%s", cn_error(model));
    return y[0].data;
}

static int make_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = (float)(i * 7919 % 1000) / 1000 - 0.5f;
    const int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    char name[64];
    snprintf(name, sizeof name, "%s.keras", path);
    cn_model *model = make();
    memcpy(expected, predict(model, ROWS), sizeof expected);
    const cn_array weight = cn_weight(model, 0);
    const size_t bytes = 9 * CHANNELS * CHANNELS * sizeof(float);
    kernel = malloc(bytes);
    memcpy(kernel, weight.data, bytes);
    const int status = cn_save(model, name);
    cn_model_free(model);
    return status;
}

static int drop_file(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "%s.keras", path);
    unlink(name);
    unlink(path);
    free(kernel);
    return 0;
}

static cn_model *load(void)
{
    char name[64];
    snprintf(name, sizeof name, "%s.keras", path);
    const cn_load_options options = {.struct_size = sizeof options, .predict_only = true};
    cn_model *model;
    const char *error;
    if (cn_load(name, &options, &model, &error)) fail_msg("%s", error);
    return model;
}

static void count(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)layer, (void)frozen;
    *(int *)user += weight->dropped;
}

static int dropped(const cn_model *model)
{
    int number = 0;
    cni_model_weights(model, count, &number);
    return number;
}

static void assert_close(const float *y, int count_of_rows)
{
    for (int i = 0; i < count_of_rows * OUTPUTS; i++)
        assert_true(y[i] > expected[i] - 1e-4f && y[i] < expected[i] + 1e-4f);
}

static void assert_kernel(const cn_model *model)
{
    const cn_array weight = cn_weight(model, 0);
    assert_non_null(weight.data);
    assert_memory_equal(weight.data, kernel, 9 * CHANNELS * CHANNELS * sizeof(float));
}

static void packed_weights_are_dropped(void **state)
{
    (void)state;
    cn_model *model = load();
    assert_int_equal(dropped(model), 0);
    assert_close(predict(model, ROWS), ROWS);
    assert_int_equal(dropped(model), 2);
    assert_kernel(model);
    assert_int_equal(dropped(model), 0);
    assert_close(predict(model, ROWS), ROWS); /* the same plan */
    assert_close(predict(model, 1), 1);
    cn_model_free(model);
    model = load();
    assert_close(predict(model, 1), 1);
    assert_int_equal(dropped(model), 2);
    assert_close(predict(model, ROWS), ROWS); /* a new plan, for more rows */
    assert_int_equal(dropped(model), 2);
    cn_model_free(model);
}

static void predictors(void **state)
{
    (void)state;
    cn_model *model = load();
    cn_predictor *a = cn_predictor_new(model, ROWS, 1), *b = cn_predictor_new(model, 1, 2);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(dropped(model), 3); /* they have copies of what they do not pack */
    float y[ROWS * OUTPUTS];
    const float *in = x;
    float *out = y;
    assert_int_equal(cn_predictor_run(a, ROWS, &in, &out), CN_OK);
    assert_close(y, ROWS);
    assert_int_equal(cn_predictor_run(b, 1, &in, &out), CN_OK);
    assert_close(y, 1);
    assert_int_equal(cn_predictor_refresh(a, model), CN_OK);
    assert_int_equal(cn_predictor_run(a, ROWS, &in, &out), CN_OK);
    assert_close(y, ROWS);
    cn_predictor_free(a);
    assert_close(predict(model, ROWS), ROWS); /* a plan that reads the last kernel itself */
    assert_int_equal(dropped(model), 2);
    a = cn_predictor_new(model, ROWS, 1); /* does not take it away from it */
    assert_int_equal(dropped(model), 2);
    assert_close(predict(model, ROWS), ROWS);
    assert_int_equal(cn_predictor_run(a, ROWS, &in, &out), CN_OK);
    assert_close(y, ROWS);
    cn_predictor_free(a);
    cn_predictor_free(b);
    cn_model_free(model);
}

/* What the caller writes is kept, whatever the file says. */
static void written_weights_stay(void **state)
{
    (void)state;
    cn_model *model = load();
    predict(model, ROWS);
    cn_array weight = {.data = kernel, .rank = 4, .shape = {3, 3, CHANNELS, CHANNELS}};
    float *doubled = malloc(9 * CHANNELS * CHANNELS * sizeof(float));
    for (int i = 0; i < 9 * CHANNELS * CHANNELS; i++) doubled[i] = 2 * kernel[i];
    weight.data = doubled;
    assert_int_equal(cn_set_weight(model, 0, weight), CN_OK);
    predict(model, ROWS);
    assert_int_equal(dropped(model), 0);
    cn_model *other = load();
    assert_close(predict(other, 1), 1);
    cn_model_free(other);
    assert_memory_equal(cn_weight(model, 0).data, doubled, 9 * CHANNELS * CHANNELS * sizeof(float));
    free(doubled);
    cn_model_free(model);
}

static void training_works(void **state)
{
    (void)state;
    cn_model *model = load();
    predict(model, ROWS);
    assert_int_equal(dropped(model), 2);
    cn_compile(model, .optimizer = cn_sgd(0.01), .loss = "mse");
    const cn_data data = {.x = rows(ROWS), .y = {.data = expected, .rank = 2, .shape = {ROWS, OUTPUTS}}};
    const cn_logs *logs = cn_train_on_batch(model, &data);
    assert_non_null(logs);
    assert_int_equal(dropped(model), 0);
    predict(model, ROWS);
    assert_int_equal(dropped(model), 0);
    cn_model_free(model);
}

static void a_changed_file_is_told(void **state)
{
    (void)state;
    cn_model *model = load();
    predict(model, ROWS);
    char name[64];
    snprintf(name, sizeof name, "%s.keras", path);
    FILE *file = fopen(name, "ab");
    fputc(0, file);
    fclose(file);
    predict(model, ROWS);
    assert_null(cn_weight(model, 0).data);
    assert_non_null(strstr(cn_error(model), "has changed since it was loaded"));
    cn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_weights_are_dropped), cmocka_unit_test(predictors),
        cmocka_unit_test(written_weights_stay),       cmocka_unit_test(training_works),
        cmocka_unit_test(a_changed_file_is_told),
    };
    return cmocka_run_group_tests(tests, make_file, drop_file);
}
