/* SPDX-License-Identifier: Apache-2.0
 * Edits of descriptions, on copies. */
#include "description_testing.h"

/* input, conv2d, conv2d_1, max_pooling2d, flatten */
static cn_model *chain(cn_context *context)
{
    cn_model *model = cn_sequential_in(context, "chain");
    cn_add(model, cn_input({28, 28, 1}, .name = "image"));
    cn_add(model, cn_conv2d(8, {3}));
    cn_add(model, cn_conv2d(8, {3}));
    cn_add(model, cn_max_pooling2d({2}));
    cn_add(model, cn_flatten());
    return model;
}

static cni_description *edited(cni_arena *arena, const cni_description *d, cni_edit edit)
{
    cni_error error = {0};
    cni_description *out = NULL;
    if (cni_description_edit(arena, d, &edit, 1, &out, &error)) fail_msg("%s", error.text);
    return out;
}

static void assert_refused(cni_arena *arena, const cni_description *d, cni_edit edit, const char *words)
{
    cni_error error = {0};
    cni_description *out = NULL;
    assert_int_not_equal(cni_description_edit(arena, d, &edit, 1, &out, &error), CN_OK);
    if (!strstr(error.text, words)) fail_msg("\"%s\" is not in \"%s\"", words, error.text);
}

typedef struct fixture {
    cni_arena arena;
    cn_context *context;
    cn_model *model;
    cni_description *d;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    f = (fixture){.context = cn_context_new()};
    f.model = chain(f.context);
    f.d = describe(&f.arena, f.model);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    cn_model_free(f->model);
    cn_context_free(f->context);
    cni_arena_free(&f->arena);
    return 0;
}

static int filters(const cni_description *d, int layer)
{
    return *(int *)cni_object_member(d->layers[layer].config, "filters");
}

static void an_argument_is_replaced_in_a_copy(void **state)
{
    fixture *f = *state;
    const cni_description *out =
        edited(&f->arena, f->d, (cni_edit){CNI_EDIT_ARGUMENT, .layer = 1, .key = "filters", .value = "16"});
    assert_int_equal(filters(out, 1), 16);
    assert_int_equal(filters(out, 2), 8);
    assert_int_equal(filters(f->d, 1), 8);
    assert_argument(f->d->layers + 1, 0, "filters", "8");
    assert_argument(out->layers + 1, 0, "filters", "16");
    assert_string_equal(out->layers[1].name, "conv2d");
    out = edited(&f->arena, out, (cni_edit){CNI_EDIT_ARGUMENT, .layer = 1, .key = "padding", .value = "'same'"});
    assert_int_equal(filters(out, 1), 16);
    assert_int_equal(((cn_padding *)cni_object_member(out->layers[1].config, "padding"))->mode, CN_PADDING_SAME);
}

static void what_stands_in_one_place_changes_together(void **state)
{
    fixture *f = *state;
    f->d->layers[1].span = f->d->layers[2].span = (cni_span){5, 9, 5, 28};
    const cni_description *out =
        edited(&f->arena, f->d, (cni_edit){CNI_EDIT_ARGUMENT, .layer = 1, .key = "filters", .value = "16"});
    assert_int_equal(filters(out, 1), 16);
    assert_int_equal(filters(out, 2), 16);
    out = edited(&f->arena, f->d, (cni_edit){CNI_EDIT_BEFORE, .layer = 2, .value = "ZeroPadding2D(1)"});
    assert_int_equal(out->layer_count, 7);
    assert_int_equal(out->call_count, 7);
    assert_call(out, 1, "zero_padding2d", 1, (int[]){0});
    assert_call(out, 3, "zero_padding2d_1", 1, (int[]){2});
}

static void ranges_and_checks_hold(void **state)
{
    fixture *f = *state;
    assert_refused(&f->arena, f->d, (cni_edit){CNI_EDIT_ARGUMENT, .layer = 1, .key = "filters", .value = "0"},
                   "Conv2D \"conv2d\": filters=0; expected");
    assert_refused(&f->arena, f->d, (cni_edit){CNI_EDIT_ARGUMENT, .layer = 1, .key = "groups", .value = "3"},
                   "groups=3 does not divide filters=8");
    assert_refused(&f->arena, f->d, (cni_edit){CNI_EDIT_REPLACE, .layer = 1, .value = "Conf2D(1)"},
                   "did you mean Conv2D?");
    assert_refused(&f->arena, f->d, (cni_edit){CNI_EDIT_REMOVE, .layer = 0}, "cannot be left out");
    assert_refused(&f->arena, f->d, (cni_edit){CNI_EDIT_REMOVE, .layer = 9}, "no layer 9");
}

static void a_layer_becomes_another(void **state)
{
    fixture *f = *state;
    const cni_description *out =
        edited(&f->arena, f->d, (cni_edit){CNI_EDIT_REPLACE, .layer = 4, .value = "GlobalAveragePooling2D()"});
    assert_string_equal(out->layers[4].class_name, "GlobalAveragePooling2D");
    assert_string_equal(out->layers[4].kind->kind.name, "GlobalAveragePooling2D");
    assert_int_equal(out->call_count, 5);
    out = edited(&f->arena, f->d, (cni_edit){CNI_EDIT_REPLACE, .layer = 3, .value = "Conv2D(8, 3, strides=2)"});
    assert_int_equal(((int *)cni_object_member(out->layers[3].config, "kernel_size"))[1], 3);
    assert_argument(out->layers + 3, 2, "strides", "2");
    assert_string_equal(f->d->layers[3].class_name, "MaxPooling2D");
}

static void a_layer_that_is_replaced_gets_a_new_name_unless_it_was_given(void **state)
{
    fixture *f = *state;
    const cni_edit edit = {CNI_EDIT_REPLACE, .layer = 3, .value = "Conv2D(8, 3)"};
    f->d->layers[3].named = false;
    assert_string_equal(edited(&f->arena, f->d, edit)->layers[3].name, "conv2d_2");
    f->d->layers[3].named = true;
    assert_string_equal(edited(&f->arena, f->d, edit)->layers[3].name, "max_pooling2d");
}

static void a_layer_is_put_before_another(void **state)
{
    fixture *f = *state;
    const cni_description *out =
        edited(&f->arena, f->d, (cni_edit){CNI_EDIT_BEFORE, .layer = 2, .value = "ZeroPadding2D(2)"});
    assert_int_equal(out->layer_count, 6);
    assert_string_equal(out->layers[2].name, "conv2d_1");
    assert_string_equal(out->layers[5].name, "zero_padding2d");
    assert_call(out, 1, "conv2d", 1, (int[]){0});
    assert_call(out, 2, "zero_padding2d", 1, (int[]){1});
    assert_call(out, 3, "conv2d_1", 1, (int[]){2});
    assert_call(out, 5, "flatten", 1, (int[]){4});
    assert_int_equal(out->outputs[0].call, 5);
    assert_int_equal(f->d->call_count, 5);
    assert_call(f->d, 2, "conv2d_1", 1, (int[]){1});
}

static void a_layer_is_passed_by(void **state)
{
    fixture *f = *state;
    const cni_edit edits[] = {{CNI_EDIT_REMOVE, .layer = 4}, {CNI_EDIT_REMOVE, .layer = 2}};
    cni_error error = {0};
    cni_description *out = NULL;
    assert_int_equal(cni_description_edit(&f->arena, f->d, edits, 2, &out, &error), CN_OK);
    assert_int_equal(out->call_count, 3);
    assert_call(out, 1, "conv2d", 1, (int[]){0});
    assert_call(out, 2, "max_pooling2d", 1, (int[]){1});
    assert_int_equal(out->outputs[0].call, 2);
}

static void the_input_gets_another_size(void **state)
{
    fixture *f = *state;
    const cni_description *out = edited(&f->arena, f->d, (cni_edit){CNI_EDIT_INPUT, .rows = 32, .columns = 48});
    const int *shape = cni_object_member(out->layers[0].config, "shape");
    assert_int_equal(shape[0], 32);
    assert_int_equal(shape[1], 48);
    assert_int_equal(shape[2], 1);
    assert_string_equal(out->layers[0].name, "image");

    cn_model *unknown = cn_sequential_in(f->context, "unknown");
    cn_add(unknown, cn_conv2d(4, {3}, .data_format = CN_CHANNELS_FIRST));
    out = edited(&f->arena, describe(&f->arena, unknown), (cni_edit){CNI_EDIT_INPUT, .rows = 5, .columns = 6});
    shape = cni_object_member(out->layers[1].config, "shape");
    assert_int_equal(shape[0], CN_NONE);
    assert_int_equal(shape[1], 5);
    assert_int_equal(shape[2], 6);
    cn_model_free(unknown);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_argument_is_replaced_in_a_copy),
        TEST(what_stands_in_one_place_changes_together),
        TEST(ranges_and_checks_hold),
        TEST(a_layer_becomes_another),
        TEST(a_layer_that_is_replaced_gets_a_new_name_unless_it_was_given),
        TEST(a_layer_is_put_before_another),
        TEST(a_layer_is_passed_by),
        TEST(the_input_gets_another_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
