/* SPDX-License-Identifier: Apache-2.0
 * cn_describe, and the rows that it reads: every kind and argument has its words, every example can be read. */
#include "train/describe.h"

#include "base/table.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void assert_says(const char *name, const char *words)
{
    const char *nearest = "untouched";
    char *text = cn_describe(name, &nearest);
    if (!text) fail_msg("nothing about %s", name ? name : "(all)");
    assert_null(nearest);
    if (!strstr(text, words)) fail_msg("no \"%s\" in\n%s", words, text);
    cn_text_free(text);
}

static void for_each_kind(void (*test)(const cni_group *group, const cni_kind *kind))
{
    for (size_t i = 0; i < cni_group_count; i++)
        for (size_t j = 0; j < cni_groups[i].family->count; j++)
            if (cni_group_owns(cni_groups + i, cni_groups[i].family->kinds[j]))
                test(cni_groups + i, cni_groups[i].family->kinds[j]);
}

static void has_words(const cni_group *group, const cni_kind *kind)
{
    if (!kind->help || !*kind->help) fail_msg("%s has no help", kind->name);
    cni_text limits = {0}; /* what is not said of a layer that C has */
    cni_describe_limits(&limits, group, kind);
    if (!group->usage && !kind->example && !limits.length) fail_msg("%s has no example in C", kind->name);
    cni_text_free(&limits);
    for (size_t i = 0; i < kind->field_count; i++) {
        const cni_field *field = kind->fields + i;
        if (cni_field_is_argument(field) && (!field->help || !*field->help))
            fail_msg("%s: %s has no help", kind->name, field->key);
        if (!(field->flags & CNI_REQUIRED) && !field->otherwise)
            fail_msg("%s: %s has no default", kind->name, field->key);
    }
}

static void every_row_has_its_words(void **state)
{
    (void)state;
    for_each_kind(has_words);
}

/* A callback that is a C function has no arguments that Keras' text could give. */
static bool is_function(const cni_kind *kind)
{
    return kind->args_size && !kind->field_count && kind->keras && strchr(kind->keras, '(');
}

static void can_be_read(const cni_group *group, const cni_kind *kind)
{
    cni_text keras = {0};
    cni_arena arena = {0};
    cni_error error = {0};
    cni_value *value;
    cni_object *object;
    cni_mt19937 seeds;
    cni_maker maker = {&arena, &seeds, CN_CHANNELS_LAST, &error};
    cni_mt_seed_python(&seeds, 1);
    cni_describe_keras(&keras, group, kind);
    if (cni_value_read(&arena, cni_text_get(&keras), "example", &value, &error)) fail_msg("%s", error.text);
    if (!is_function(kind)) {
        if (cni_object_make(&maker, group->family, value, kind->name, &object)) fail_msg("%s", error.text);
        assert_string_equal(object->kind->name, kind->name);
    }
    cni_text_free(&keras);
    cni_arena_free(&arena);
}

static void every_example_in_keras_text_can_be_read(void **state)
{
    (void)state;
    for_each_kind(can_be_read);
}

static void fits_the_terminal(const cni_group *group, const cni_kind *kind)
{
    (void)group;
    char *text = cn_describe(kind->name, NULL);
    assert_non_null(text);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (cni_columns_of(line) > 80) fail_msg("%s: longer than 80 columns: %s", kind->name, line);
    cn_text_free(text);
}

static void every_description_fits_80_columns(void **state)
{
    (void)state;
    for_each_kind(fits_the_terminal);
}

static void a_layer_is_told_whole(void **state)
{
    (void)state;
    assert_says("Conv2D", "Conv2D: layer, keras.layers.Conv2D; also Convolution2D\n");
    assert_says("Conv2D", "  filters: int, required, at least 1\n");
    assert_says("Conv2D", "  padding: 'valid', 'same' or ((top, bottom), (left, right)), default 'valid'\n");
    assert_says("Conv2D", "  use_bias: bool, default True (in C .no_bias = true)\n");
    assert_says("Conv2D", "  kernel_initializer: initializer, default glorot_uniform\n");
    assert_says("Conv2D", "Taken at this value only: dtype=float32");
    assert_says("MaxPooling2D", "  padding: 'valid' or 'same', default 'valid'\n");
    assert_says("Dropout", "  rate: float, required, from 0 to 1\n");
    assert_says("SGD", "  learning_rate: float or learning-rate schedule, default 0.01\n");
    assert_says("EarlyStopping", "  mode: 'auto', 'min' or 'max', default 'auto'\n");
    assert_says("huber", "cn_compile(model, .loss = \"Huber(delta=2.0)\");");
}

static void names_are_found_in_any_spelling(void **state)
{
    (void)state;
    assert_says("conv2d", "Conv2D: layer");
    assert_says("keras.layers.Conv2D", "Conv2D: layer");
    assert_says("he_normal", "HeNormal: initializer");
    assert_says("ADAM", "Adam: optimizer");
    assert_says("relu", "See also ReLU, a layer.\n");
    assert_says("ReLU", "ReLU: layer");
    assert_says("ReLU", "See also relu, an activation.\n");
    assert_says("Layers", "  Flatten ");
    assert_says("schedules", "  CosineDecay ");
    assert_says(NULL, "\nactivations: functions of every number\n    linear, relu,");
}

static void unknown_names_have_a_nearest_one(void **state)
{
    (void)state;
    const char *nearest = NULL;
    assert_null(cn_describe("Conv2", &nearest));
    assert_string_equal(nearest, "Conv2D");
    assert_null(cn_describe("leaky_rleu", &nearest));
    assert_string_equal(nearest, "leaky_relu");
    assert_null(cn_describe("conv", &nearest));
    assert_string_equal(nearest, "Conv2D");
    assert_null(cn_describe("loss", &nearest));
    assert_string_equal(nearest, "losses");
    assert_null(cn_describe("layer", &nearest));
    assert_string_equal(nearest, "layers");
    assert_null(cn_describe("something else", &nearest));
    assert_null(nearest);
    assert_null(cn_describe("", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_its_words),           cmocka_unit_test(every_example_in_keras_text_can_be_read),
        cmocka_unit_test(every_description_fits_80_columns), cmocka_unit_test(a_layer_is_told_whole),
        cmocka_unit_test(names_are_found_in_any_spelling),   cmocka_unit_test(unknown_names_have_a_nearest_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
