/* SPDX-License-Identifier: Apache-2.0
 * Configurations that no Keras has written: each is refused in one line that names the place, quickly, and without a
 * model left over. */
#include "base/text.h"

#include <cornu/cornu.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "/tmp/cornu-hostile-XXXXXX";

static int make_path(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static cn_status load(const char *json, cn_model **model, const char **error)
{
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_true(fputs(json, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return cn_load(path, NULL, model, error);
}

static void assert_refused(const char *json, cn_status status, const char *words)
{
    cn_model *model;
    const char *error;
    const cn_status found = load(json, &model, &error);
    assert_null(model);
    if (found != status || !strstr(error, words) || !strstr(error, path) || strchr(error, '\n'))
        fail_msg("%s, \"%s\" expected; found %s, %s", cn_status_name(status), words, cn_status_name(found), error);
}

/* ---- writing configurations ---- */

#define TENSOR(name, node, tensor)                                                                                     \
    "{\"class_name\": \"__keras_tensor__\", \"config\": {\"shape\": [null, 4], \"keras_history\": [\"" name            \
    "\", " #node ", " #tensor "]}}"
#define CALL(...) "{\"args\": [" __VA_ARGS__ "], \"kwargs\": {}}"
#define INPUT(name, calls)                                                                                             \
    "{\"class_name\": \"InputLayer\", \"config\": {\"batch_shape\": [null, 4], \"name\": \"" name                      \
    "\"}, \"inbound_nodes\": [" calls "]}"
#define LAYER(class, name, calls)                                                                                      \
    "{\"class_name\": \"" class "\", \"config\": {\"name\": \"" name "\"}, \"inbound_nodes\": [" calls "]}"
#define MODEL(layers, inputs, outputs)                                                                                 \
    "{\"class_name\": \"Functional\", \"config\": {\"name\": \"m\", \"layers\": [" layers                              \
    "], \"input_layers\": [" inputs "], \"output_layers\": [" outputs "]}}"
#define CHAIN(layers) "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"m\", \"layers\": [" layers "]}}"

static void wrong_graphs_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        cn_status status;
        const char *words;
    } cases[] = {
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("a", 0, 0))), "[\"i\", 0, 0]", "[\"a\", 0, 0]"),
         CN_ERR_FORMAT, "ReLU \"a\": its inputs cannot be resolved"},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("b", 0, 0))) "," LAYER("ReLU", "b",
                                                                                        CALL(TENSOR("a", 0, 0))),
               "[\"i\", 0, 0]", "[\"a\", 0, 0]"),
         CN_ERR_FORMAT, "cannot be resolved"},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("i", 0, 0)) "," CALL(TENSOR("a", 1, 0))),
               "[\"i\", 0, 0]", "[\"a\", 1, 0]"),
         CN_ERR_FORMAT, "cannot be resolved"},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("i", 0, 7))), "[\"i\", 0, 0]", "[\"a\", 0, 0]"),
         CN_ERR_FORMAT, "cannot be resolved"},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("i", 99999, 0))) "," LAYER("ReLU", "b",
                                                                                            CALL(TENSOR("a", 9, 0))),
               "[\"i\", 0, 0]", "[\"b\", 0, 0]"),
         CN_ERR_FORMAT, "cannot be resolved"},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("i", -1, 0))), "[\"i\", 0, 0]", "[\"a\", 0, 0]"),
         CN_ERR_FORMAT, "ReLU \"a\""},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("no", 0, 0))), "[\"i\", 0, 0]", "[\"a\", 0, 0]"),
         CN_ERR_FORMAT, "\"no\""},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("i", 0, 0))), "[\"i\", 0, 0]", "[\"a\", 1, 0]"),
         CN_ERR_FORMAT, "output_layers names node 1"},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("i", 0, 0))), "[\"i\", 0, 0], [\"i\", 0, 0]",
               "[\"a\", 0, 0]"),
         CN_ERR_FORMAT, "InputLayer \"i\": input_layers names it twice"},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "a", CALL(TENSOR("i", 0, 0))), "[\"a\", 0, 0]", "[\"a\", 0, 0]"),
         CN_ERR_FORMAT, "no InputLayer"},
        {MODEL(INPUT("i", "") "," INPUT("j", CALL(TENSOR("i", 0, 0))), "[\"i\", 0, 0]", "[\"j\", 0, 0]"), CN_ERR_FORMAT,
         "InputLayer \"j\": inbound_nodes of an input must be empty"},
        {MODEL(INPUT("i", "") "," LAYER("ReLU", "i", CALL(TENSOR("i", 0, 0))), "[\"i\", 0, 0]", "[\"i\", 0, 0]"),
         CN_ERR_FORMAT, "names must be unique"},
        {MODEL(INPUT("i", "") "," LAYER("Add", "a", CALL("[]")), "[\"i\", 0, 0]", "[\"a\", 0, 0]"), CN_ERR_LIMIT,
         "Add \"a\": 0 inputs"},
        {MODEL(INPUT("i", ""), "[\"i\", 0, 0]", ""), CN_ERR_FORMAT, "output_layers"},
        {MODEL(INPUT("i", ""), "", "[\"i\", 0, 0]"), CN_ERR_FORMAT, "input_layers"},
        {MODEL("", "", ""), CN_ERR_FORMAT, "\"layers\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].json, cases[i].status, cases[i].words);
}

static void names_that_drive_terminals_are_refused(void **state)
{
    (void)state;
    assert_refused(CHAIN(INPUT("i", "") "," LAYER("ReLU", "a\\u001b[2J", "")), CN_ERR_INVALID, "control characters");
    assert_refused(CHAIN(INPUT("i", "") "," LAYER("ReLU", "a\\u0085", "")), CN_ERR_INVALID, "control characters");
    assert_refused(CHAIN(INPUT("i", "") "," LAYER("ReLU", "../a", "")), CN_ERR_INVALID, "'/'");
    assert_refused(CHAIN(INPUT("i", "") "," LAYER("ReLU", "", "")), CN_ERR_INVALID, "name");
    assert_refused("{\"class_name\": \"Sequential\", \"config\": {\"name\": \"a/b\", \"layers\": []}}", CN_ERR_INVALID,
                   "Sequential \"a/b\"");
    assert_refused("{\"class_name\": \"Sequential\", \"config\": {\"name\": \"a\\nb\", \"layers\": []}}",
                   CN_ERR_INVALID, "name");
}

/* "layer" LAYERS - 1 is called first; the last call of "layer" 0 is the end of the chain.  Every call waits for one
 * that stands behind it in the file. */
static void calls_in_the_worst_order_take_no_longer(void **state)
{
    (void)state;
    enum { LAYERS = 900, CALLS = 110 };
    cni_text json = {0};
    cni_text_add(&json, "{\"class_name\": \"Functional\", \"config\": {\"name\": \"m\", \"layers\": [" INPUT("i", ""));
    for (int i = 0; i < LAYERS; i++) {
        cni_text_printf(&json, ", {\"class_name\": \"ReLU\", \"config\": {\"name\": \"r%d\"}, \"inbound_nodes\": [", i);
        for (int j = 0; j < CALLS; j++) {
            char from[40] = "\"i\", 0";
            if (i < LAYERS - 1)
                snprintf(from, sizeof from, "\"r%d\", %d", i + 1, j);
            else if (j)
                snprintf(from, sizeof from, "\"r0\", %d", j - 1);
            cni_text_printf(&json,
                            "%s{\"args\": [{\"class_name\": \"__keras_tensor__\", \"config\": {\"keras_history\": [%s, "
                            "0]}}], \"kwargs\": {}}",
                            j ? ", " : "", from);
        }
        cni_text_add(&json, "]}");
    }
    cni_text_printf(&json, "], \"input_layers\": [\"i\", 0, 0], \"output_layers\": [\"r0\", %d, 0]}}", CALLS - 1);
    cn_model *model;
    const char *error;
    const double begin = seconds();
    if (load(cni_text_get(&json), &model, &error)) fail_msg("%s", error);
    assert_true(seconds() - begin < 5);
    cni_text_free(&json);
    assert_int_equal(cn_layer_count(model), LAYERS + 1);
    const float x[4] = {-1, 0, 1, 2}, wanted[4] = {0, 0, 1, 2};
    const cn_array *y = cn_predict(model, {x, .rank = 2, .shape = {1, 4}});
    assert_string_equal(cn_error(model), "");
    assert_memory_equal(y->data, wanted, sizeof wanted);
    cn_model_free(model);
}

static void numbers_beyond_all_machines_are_refused(void **state)
{
    (void)state;
#define IMAGE(dims)       "{\"class_name\": \"InputLayer\", \"config\": {\"batch_shape\": " dims ", \"name\": \"i\"}}"
#define WITH(class, args) "{\"class_name\": \"" class "\", \"config\": {\"name\": \"x\", " args "}}"
    static const struct {
        const char *json;
        cn_status status;
        const char *words;
    } cases[] = {
        {CHAIN(IMAGE("[null, 1000000000, 1000000000, 3]")), CN_ERR_LIMIT, "InputLayer \"i\""},
        {CHAIN(IMAGE("[null, 0, 4]")), CN_ERR_INVALID, "batch_shape"},
        {CHAIN(IMAGE("[null, 4294967300]")), CN_ERR_INVALID, "batch_shape"},
        {CHAIN(IMAGE("[null, 1, 1, 1, 1, 1, 1, 1, 1]")), CN_ERR_INVALID, "batch_shape"},
        {CHAIN(IMAGE("[null, 4, 4, 1]") "," WITH("ZeroPadding2D", "\"padding\": 1000000")), CN_ERR_LIMIT,
         "ZeroPadding2D \"x\""},
        {CHAIN(IMAGE("[null, 4, 4, 1]") "," WITH("ZeroPadding2D", "\"padding\": 1e9")), CN_ERR_INVALID, "padding"},
        {CHAIN(IMAGE("[null, 4, 4, 1]") "," WITH(
             "Conv2D", "\"filters\": 1, \"kernel_size\": [99999, 1], \"padding\": \"same\", \"dilation_rate\": 99999")),
         CN_ERR_LIMIT, "Conv2D \"x\": kernel_size"},
        {CHAIN(IMAGE("[null, 4, 4, 1]") "," WITH("Conv2D", "\"filters\": 2147483647, \"kernel_size\": 3")),
         CN_ERR_INVALID, "filters=2147483647"},
        {CHAIN(IMAGE("[null, 4, 4, 1]") "," WITH("Conv2D", "\"filters\": 1000000000, \"kernel_size\": 3")),
         CN_ERR_LIMIT, "Conv2D \"x\""},
        {CHAIN(IMAGE("[null, 4]") "," WITH("Dense", "\"units\": 1000000000")), CN_ERR_LIMIT, "Dense \"x\""},
        {CHAIN(IMAGE("[null, 4]") "," WITH("Reshape", "\"target_shape\": [1000000000, 1000000000, -1]")), CN_ERR_SHAPE,
         "Reshape \"x\""},
        {CHAIN(IMAGE("[null, null, 4]") "," WITH("Reshape", "\"target_shape\": [1000000000, 1000000000, 1000000000]")),
         CN_ERR_LIMIT, "Reshape \"x\""},
        {CHAIN(IMAGE("[null, 4, 4, 1]") "," WITH("Dropout", "\"rate\": 0.5, \"noise_shape\": [7, 7, 7, 7]")),
         CN_ERR_SHAPE, "noise_shape"},
        {CHAIN(IMAGE("[null, null, null, null]") "," WITH("Conv2D", "\"filters\": 1, \"kernel_size\": 3")),
         CN_ERR_SHAPE, "not known"},
        {CHAIN(IMAGE("[null, 4]") "," WITH("BatchNormalization", "\"momentum\": NaN")), CN_ERR_INVALID, "momentum=nan"},
        {CHAIN(IMAGE("[null, 4]") "," WITH("Rescaling", "\"scale\": [1.0, NaN, 1.0, 1.0]")), CN_ERR_INVALID, "scale="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].json, cases[i].status, cases[i].words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_graphs_are_refused),
        cmocka_unit_test(names_that_drive_terminals_are_refused),
        cmocka_unit_test(calls_in_the_worst_order_take_no_longer),
        cmocka_unit_test(numbers_beyond_all_machines_are_refused),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
