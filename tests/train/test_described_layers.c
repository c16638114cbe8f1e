/* SPDX-License-Identifier: Apache-2.0
 * Models with layers that are described only: everything but running them works, and running is refused by name before
 * anything is computed or written. */
#include "base/value.h"
#include "layers/layers.h"
#include "model/config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { ROWS = 4, LENGTH = 6, CHANNELS = 3, NUMBERS = LENGTH * CHANNELS };
static const float x[ROWS * NUMBERS], y[ROWS];
#define X                                                                                                              \
    {                                                                                                                  \
        x, .rank = 3, .shape = { ROWS, LENGTH, CHANNELS }                                                              \
    }
#define Y                                                                                                              \
    {                                                                                                                  \
        y, .rank = 2, .shape = { ROWS, 1 }                                                                             \
    }

/* A Sequential of these layers, each as "'Dense', {'units': 3}", behind an input of LENGTH x CHANNELS. */
static cn_model *sequential(const char *name, const char *const *layers)
{
    char text[2048];
    cni_arena arena = {0};
    cni_error error = {0};
    cni_value *value = NULL;
    cn_model *model = NULL;
    int used = snprintf(text, sizeof text,
                        "{'class_name': 'Sequential', 'config': {'name': '%s', 'layers': [{'class_name': 'InputLayer', "
                        "'config': {'batch_shape': (None, %d, %d)}}",
                        name, LENGTH, CHANNELS);
    for (; *layers; layers++) {
        const char *comma = strchr(*layers, ',');
        used += snprintf(text + used, sizeof text - (size_t)used, ", {'class_name': %.*s, 'config':%s}",
                         (int)(comma - *layers), *layers, comma + 1);
    }
    snprintf(text + used, sizeof text - (size_t)used, "]}}");
    if (cni_value_read(&arena, text, "model", &value, &error)) fail_msg("%s", error.text);
    if (cni_model_from_value(NULL, value, false, &model, &error)) fail_msg("%s: %s", text, error.text);
    cni_arena_free(&arena);
    return model;
}
#define SEQUENTIAL(name, ...) sequential(name, (const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(const cn_model *model, const char *layer)
{
    assert_int_equal(cn_error_status(model), CN_ERR_UNSUPPORTED);
    if (strstr(cn_error(model), layer) == NULL) fail_msg("\"%s\" is not in \"%s\"", layer, cn_error(model));
    assert_non_null(strstr(cn_error(model), "not run yet"));
    assert_null(strchr(cn_error(model), '\n'));
}

static void assert_cannot_run(cn_model *model, const char *layer)
{
    assert_null(cn_predict(model, X));
    assert_refused(model, layer);
    assert_null(cn_predictor_new(model, ROWS, 1));
    assert_refused(model, layer);
    assert_int_equal(cn_compile(model, .loss = "mse"), CN_OK);
    assert_null(cn_evaluate(model, X, Y));
    assert_refused(model, layer);
    assert_null(cn_fit(model, X, Y));
    assert_refused(model, layer);
    assert_null(cn_train_on_batch(model, &(cn_data){.x = X, .y = Y}));
    assert_refused(model, layer);
}

static void running_is_refused_by_name(void **state)
{
    (void)state;
    cn_model *model = SEQUENTIAL("m", "'Conv1D', {'name': 'windows', 'filters': 2, 'kernel_size': 3}",
                                 "'Flatten', {'name': 'f'}", "'Dense', {'name': 'd', 'units': 1}");
    assert_cannot_run(model, "Conv1D \"windows\"");
    cn_model_free(model);
}

static void the_rest_works(void **state)
{
    (void)state;
    cn_model *model = SEQUENTIAL("m", "'Conv1D', {'name': 'windows', 'filters': 2, 'kernel_size': 3}");
    const char *summary = cn_summary(model, NULL);
    assert_non_null(summary);
    assert_non_null(strstr(summary, "windows (Conv1D)"));
    assert_non_null(strstr(summary, "Total params: 20 ")); /* 3 * 3 * 2 + 2 */
    cn_model_free(model);
}

/* Refused before callbacks open files and before epochs are told. */
static void fit_leaves_nothing_behind(void **state)
{
    (void)state;
    char path[] = "/tmp/cornu-described-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    unlink(path);
    cn_model *model = SEQUENTIAL("m", "'Conv1D', {'name': 'windows', 'filters': 1, 'kernel_size': 6}");
    cn_compile(model, .loss = "mse");
    assert_null(cn_fit(model, X, Y, .callbacks = {cn_csv_logger(path)}));
    assert_refused(model, "windows");
    assert_int_equal(access(path, F_OK), -1);
    cn_model_free(model);
}

/* A network that would not fit into memory is refused for its layer, not for its size. */
static void weights_are_not_drawn(void **state)
{
    (void)state;
    cn_model *model = SEQUENTIAL("m", "'Conv1D', {'name': 'huge', 'filters': 100000000, 'kernel_size': 3}",
                                 "'GlobalMaxPooling1D', {'name': 'g'}", "'Dense', {'name': 'd', 'units': 10}");
    assert_null(cn_predict(model, X));
    assert_refused(model, "huge");
    cn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_is_refused_by_name),
        cmocka_unit_test(the_rest_works),
        cmocka_unit_test(fit_leaves_nothing_behind),
        cmocka_unit_test(weights_are_not_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
