/* SPDX-License-Identifier: Apache-2.0
 * Descriptions of models: layers, arguments, calls; and without nesting. */
#include "description_testing.h"

static void a_chain_is_described_with_what_differs_from_the_defaults(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_context *context = cn_context_new();
    cn_model *model = cn_sequential_in(context, NULL);
    cn_add(model, cn_input({28, 28, 1}));
    cn_add(model, cn_conv2d(32, {3}, .padding = CN_SAME, .kernel_initializer = "he_normal"));
    cn_add(model, cn_max_pooling2d({3}, .strides = {2}));
    cn_add(model, cn_max_pooling2d({2}));
    cn_add(model, cn_flatten(.name = "flat"));
    const cni_description *d = describe(&arena, model);
    assert_true(d->sequential);
    assert_string_equal(d->name, "sequential");
    assert_int_equal(d->layer_count, 5);
    assert_int_equal(d->call_count, 5);
    assert_string_equal(d->layers[0].class_name, "InputLayer");
    assert_argument(d->layers, 0, "batch_shape", "[None, 28, 28, 1]");
    assert_int_equal(d->layers[0].argument_count, 1);
    assert_string_equal(d->layers[1].class_name, "Conv2D");
    assert_ptr_equal(d->layers[1].config, cn_get_layer(model, "conv2d")->config);
    assert_int_equal(d->layers[1].argument_count, 4);
    assert_argument(d->layers + 1, 0, "filters", "32");
    assert_argument(d->layers + 1, 1, "kernel_size", "[3, 3]");
    assert_argument(d->layers + 1, 2, "padding", "'same'");
    assert_string_equal(d->layers[1].arguments[3].key, "kernel_initializer");
    /* strides follow pool_size where they are not given */
    assert_int_equal(d->layers[2].argument_count, 2);
    assert_argument(d->layers + 2, 1, "strides", "[2, 2]");
    assert_int_equal(d->layers[3].argument_count, 0);
    assert_call(d, 0, "input_layer", 0, NULL);
    assert_call(d, 1, "conv2d", 1, (int[]){0});
    assert_call(d, 4, "flat", 1, (int[]){3});
    assert_int_equal(d->input_count, 1);
    assert_int_equal(d->inputs[0], 0);
    assert_int_equal(d->output_count, 1);
    assert_int_equal(d->outputs[0].call, 4);
    cn_model_free(model);
    cn_context_free(context);
    cni_arena_free(&arena);
}

static void a_chain_without_input_gets_one_of_unknown_shape(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_model *model = cn_sequential();
    cn_add(model, cn_conv2d(4, {3}, .name = "a"));
    cn_add(model, cn_flatten(.name = "b"));
    const cni_description *d = describe(&arena, model);
    assert_int_equal(d->layer_count, 3);
    assert_call(d, 0, "input_layer", 0, NULL);
    assert_int_equal(*(int *)cni_object_member(d->layers[d->calls[0].layer].config, "shape"), 0);
    assert_call(d, 1, "a", 1, (int[]){0});
    assert_call(d, 2, "b", 1, (int[]){1});
    assert_int_equal(d->outputs[0].call, 2);
    cn_model_free(model);
    cni_arena_free(&arena);
}

/* A small network that is called twice, on two inputs. */
static cn_model *twins(cn_context *context)
{
    cn_model *inner = cn_sequential_in(context, "tower");
    cn_add(inner, cn_input({8, 8, 3}, .name = "inside"));
    cn_add(inner, cn_conv2d(4, {3}, .name = "conv"));
    cn_add(inner, cn_flatten(.name = "flat"));
    cn_model *model = cn_functional_in(context, "twins");
    cn_node *left = cn_input_node(model, cn_input({8, 8, 3}, .name = "left"));
    cn_node *right = cn_input_node(model, cn_input({8, 8, 3}, .name = "right"));
    cn_layer *tower = cn_model_layer(model, inner);
    cn_node *a = cn_call_layer(tower, left), *b = cn_call_layer(tower, right);
    cn_node *sum = cn_call(model, cn_concatenate_layer(.name = "both"), a, b);
    cn_outputs(model, sum);
    return model;
}

static void nested_models_stay_nested_and_are_laid_flat(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_context *context = cn_context_new();
    cn_model *model = twins(context);
    const cni_description *d = describe(&arena, model);
    assert_false(d->sequential);
    assert_int_equal(d->layer_count, 4);
    assert_int_equal(d->input_count, 2);
    int nested = 0;
    for (int i = 0; i < 4; i++)
        if (d->layers[i].inner) {
            nested++;
            assert_null(d->layers[i].kind);
            assert_string_equal(d->layers[i].name, "tower");
            assert_int_equal(d->layers[i].inner->layer_count, 3);
        }
    assert_int_equal(nested, 1);

    const cni_description *flat = flatten(&arena, d);
    assert_int_equal(flat->layer_count, 5); /* left, right, tower/conv, tower/flat, both */
    assert_int_equal(flat->call_count, 7);  /* the tower's two layers twice */
    int left = flat->inputs[0], right = flat->inputs[1];
    assert_call(flat, left, "left", 0, NULL);
    assert_call(flat, right, "right", 0, NULL);
    const int both = flat->outputs[0].call;
    assert_string_equal(flat->layers[flat->calls[both].layer].name, "both");
    const int from[2] = {flat->calls[both].inputs[0].call, flat->calls[both].inputs[1].call};
    for (int i = 0; i < 2; i++) {
        assert_string_equal(flat->layers[flat->calls[from[i]].layer].name, "tower/flat");
        const int conv = flat->calls[from[i]].inputs[0].call;
        assert_call(flat, conv, "tower/conv", 1, (int[]){i == 0 ? left : right});
    }
    assert_int_equal(flat->calls[from[0]].layer, flat->calls[from[1]].layer);
    cn_model_free(model);
    cn_context_free(context);
    cni_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_described_with_what_differs_from_the_defaults),
        cmocka_unit_test(a_chain_without_input_gets_one_of_unknown_shape),
        cmocka_unit_test(nested_models_stay_nested_and_are_laid_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
