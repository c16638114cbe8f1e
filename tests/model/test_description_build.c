/* SPDX-License-Identifier: Apache-2.0
 * Models from descriptions: what comes back is what went in, weights under a seed included. */
#ifdef CORNU_FORMATS
#include "description_testing.h"

#include "golden_models.h"
#include "model/compile.h"
#include "paths.h"

#include <glob.h>

static cn_model *build(cn_context *context, const cni_description *d)
{
    cni_error error = {0};
    cn_model *model = NULL;
    if (cni_model_from_description(context, d, &model, &error)) fail_msg("%s: %s", d->name, error.text);
    assert_string_equal(cn_error(model), "");
    return model;
}

static void assert_same_weights(cn_model *a, cn_model *b)
{
    assert_int_equal(cn_weight_count(a), cn_weight_count(b));
    for (int i = 0; i < cn_weight_count(a); i++) {
        const cn_array x = cn_weight(a, i), y = cn_weight(b, i);
        assert_int_equal(golden_size(&x), golden_size(&y));
        assert_memory_equal(x.data, y.data, golden_size(&x) * sizeof(float));
    }
}

/* ---- there and back ---- */

static const char *json_of(cni_arena *arena, const cn_model *model)
{
    cni_error error = {0};
    cni_bytes bytes;
    if (cni_json_write(arena, cni_model_to_value(arena, model, false), 0, &bytes, &error)) fail_msg("%s", error.text);
    return cni_arena_text_n(arena, (const char *)bytes.data, bytes.size);
}

static void assert_comes_back(const cn_model *model, const char *what)
{
    cni_arena arena = {0};
    cn_context *context = cn_context_new();
    context->data_format = model->context->data_format;
    cn_model *again = build(context, describe(&arena, model));
    const char *before = json_of(&arena, model), *after = json_of(&arena, again);
    if (strcmp(before, after) != 0) fail_msg("%s:\n%s\n%s", what, before, after);
    cn_model_free(again);
    cn_context_free(context);
    cni_arena_free(&arena);
}

static void golden_models_come_back(void **state)
{
    (void)state;
    golden g;
    golden_open(&g, "train.json");
    for (size_t i = 0; i < g.cases->count; i++) {
        cn_context *context = cn_context_new();
        cn_model *model = golden_model(g.cases->items[i], context, false);
        assert_comes_back(model, golden_id(g.cases->items[i]));
        cn_model_free(model);
        cn_context_free(context);
    }
    golden_close(&g);
}

static void acceptance_models_come_back(void **state)
{
    (void)state;
    static const char *const patterns[] = {"acceptance/summary/*.keras", "acceptance/*/*/model.keras",
                                           "data/keras_v3/*.keras"};
    char folder[4096], pattern[4200];
    if (!shared_path(folder, "acceptance")) skip();
    int count = 0;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        glob_t found;
        snprintf(pattern, sizeof pattern, "%.*s%s", (int)(strlen(folder) - strlen("acceptance")), folder, patterns[i]);
        if (glob(pattern, 0, NULL, &found)) continue;
        for (size_t j = 0; j < found.gl_pathc; j++) {
            const cn_load_options options = {.struct_size = sizeof options, .no_compile = true};
            cn_model *model = NULL;
            const char *error;
            if (cn_load(found.gl_pathv[j], &options, &model, &error)) continue; /* others test what is refused */
            assert_comes_back(model, found.gl_pathv[j]);
            cn_model_free(model);
            count++;
        }
        globfree(&found);
    }
    assert_true(count > 100);
}

static void a_chain_without_input_stays_without(void **state)
{
    (void)state;
    cn_context *context = cn_context_new();
    cn_model *model = cn_sequential_in(context, "late");
    cn_add(model, cn_conv2d(4, {3}));
    cn_add(model, cn_flatten());
    assert_comes_back(model, "late");
    cn_model_free(model);
    cn_context_free(context);
}

/* ---- as a text would be ---- */

/* What a reader of texts makes: names are numbered, not given. */
static void unname(cni_description *d)
{
    for (int i = 0; i < d->layer_count; i++) {
        d->layers[i].named = false;
        if (d->layers[i].inner) unname(d->layers[i].inner);
    }
}

static cn_model *drawing(cn_context *context)
{
    cn_model *inner = cn_sequential_in(context, "inner");
    cn_add(inner, cn_input({6, 6, 4}));
    cn_add(inner, cn_conv2d(4, {3}));
    cn_add(inner, cn_dropout(0.5));
    cn_model *model = cn_sequential_in(context, "outer");
    cn_add(model, cn_input({8, 8, 2}));
    cn_add(model, cn_conv2d(4, {3}));
    cn_add(model, cn_dropout(0.5));
    cn_add_model(model, inner);
    cn_add(model, cn_dropout(0.5, .seed = 5));
    cn_add(model, cn_flatten());
    cn_add(model, cn_dense(3));
    return model;
}

static uint32_t seed_of(const cn_model *model, const char *layer)
{
    const cn_layer *found = cni_find_layer(model, layer);
    assert_non_null(found);
    return found->seed.seed;
}

static void seeds_are_drawn_in_the_order_of_the_layers(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_context *contexts[2] = {cn_context_new(), cn_context_new()};
    for (int i = 0; i < 2; i++) cn_context_set_random_seed(contexts[i], 7);
    cn_model *inner_first = cn_sequential_in(contexts[0], "model");
    cn_add(inner_first, cn_input({8, 8, 2}));
    cn_add(inner_first, cn_conv2d(4, {3}));
    cn_add(inner_first, cn_dropout(0.5));
    cn_add(inner_first, cn_conv2d(4, {3}));
    cn_add(inner_first, cn_dropout(0.5, .seed = 5));
    cn_add(inner_first, cn_dropout(0.25));
    cn_add(inner_first, cn_dense(3));
    cni_description *d = describe(&arena, inner_first);
    unname(d);
    cn_model *again = build(contexts[1], d);
    assert_same_weights(inner_first, again);
    assert_int_equal(seed_of(inner_first, "dropout"), seed_of(again, "dropout"));
    assert_int_equal(seed_of(again, "dropout_1"), 5);
    assert_int_equal(seed_of(inner_first, "dropout_2"), seed_of(again, "dropout_2"));
    /* names and seeds go on where a text leaves them */
    cn_model *next[2];
    for (int i = 0; i < 2; i++) {
        next[i] = cn_sequential_in(contexts[i], "next");
        cn_add(next[i], cn_input({4}));
        cn_add(next[i], cn_dense(3));
        assert_string_equal(cn_layer_name(cn_layer_at(next[i], 0)), "dense_1");
    }
    assert_same_weights(next[0], next[1]);
    for (int i = 0; i < 2; i++) cn_model_free(next[i]);
    cn_model_free(inner_first);
    cn_model_free(again);
    for (int i = 0; i < 2; i++) cn_context_free(contexts[i]);
    cni_arena_free(&arena);
}

static void nested_models_draw_in_their_place(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_context *contexts[2] = {cn_context_new(), cn_context_new()};
    cn_model *model = drawing(contexts[0]);
    cni_description *d = describe(&arena, model);
    cn_model *again[2];
    cn_context_set_random_seed(contexts[0], 3);
    again[0] = golden_model(&(cni_value){.type = CNI_DICT,
                                         .count = 1,
                                         .keys = (const char *[]){"model"},
                                         .items = (cni_value *[]){cni_model_to_value(&arena, model, false)}},
                            contexts[0], false);
    cn_context_set_random_seed(contexts[1], 3);
    again[1] = build(contexts[1], d);
    assert_same_weights(again[0], again[1]);
    assert_int_equal(seed_of(again[0], "dropout_1"), seed_of(again[1], "dropout_1"));
    for (int i = 0; i < 2; i++) cn_model_free(again[i]);
    cn_model_free(model);
    for (int i = 0; i < 2; i++) cn_context_free(contexts[i]);
    cni_arena_free(&arena);
}

static const cni_value *value_of(cni_arena *arena, const char *text)
{
    cni_error error = {0};
    cni_value *value;
    if (cni_value_read(arena, text, "a test", &value, &error)) fail_msg("%s", error.text);
    return value;
}

static void what_compile_was_told_is_taken(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_context *context = cn_context_new();
    cn_model *model = drawing(context);
    cni_description *d = describe(&arena, model);
    d->compile = value_of(&arena, "compile('sgd', loss=MeanSquaredError(), metrics=['mae'], jit_compile=False)");
    cn_model *again = build(context, d);
    assert_non_null(again->compiled);
    assert_string_equal(again->compiled->optimizer->kind->name, "SGD");
    assert_string_equal(again->compiled->targets[0].loss->kind->name, "MeanSquaredError");
    assert_int_equal(again->compiled->targets[0].metric_count, 1);
    cn_model_free(again);
    d->compile = value_of(&arena, "compile(optimizer='adom')");
    again = build(context, d);
    assert_null(again->compiled);
    assert_non_null(strstr(again->compile_error.text, "adom"));
    cn_model_free(again);
    cn_model_free(model);
    cn_context_free(context);
    cni_arena_free(&arena);
}

/* ---- what cannot be built ---- */

static void assert_refused(const cni_description *d, const char *words)
{
    cni_error error = {0};
    cn_model *model = NULL;
    assert_int_not_equal(cni_model_from_description(NULL, d, &model, &error), CN_OK);
    assert_null(model);
    if (!strstr(error.text, words)) fail_msg("\"%s\" is not in \"%s\"", words, error.text);
}

static void refusals_tell_the_place(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_context *context = cn_context_new();
    cn_model *model = drawing(context);
    cni_description *d = describe(&arena, model);
    d->file = "model.py";
    d->layers[1].span = (cni_span){12, 5, 12, 20};
    cni_described_layer layer = d->layers[1];
    d->layers[1].kind = NULL;
    d->layers[1].class_name = "Conv9D";
    assert_refused(d, "model.py:12: Conv9D \"conv2d_1\": not a layer that Cornu knows");
    d->layers[1] = layer;
    d->layers[1].arguments[0].value = value_of(&arena, "0");
    assert_refused(d, "model.py:12: Conv2D \"conv2d_1\": filters=0");
    d->layers[1].arguments[0].value = value_of(&arena, "2");
    d->layers[1].arguments[1].value = value_of(&arena, "9");
    assert_refused(d, "model.py:12: Conv2D \"conv2d_1\": ");
    d->layers[1].arguments[1].value = value_of(&arena, "3");
    assert_refused(d, "model.py: Sequential \"inner\": "); /* 2 channels where 4 are expected */
    d->remarks.items[0] = (cni_remark){"I806", CNI_ERROR, {3, 4, 3, 9}, "no", NULL};
    d->remarks.count = d->remarks.errors = 1;
    assert_refused(d, "model.py:3:4: error I806: no");
    cn_model_free(model);
    cn_context_free(context);
    cni_arena_free(&arena);
}

/* ---- PyTorch ---- */

static cni_described_layer module(cni_arena *arena, const char *name, const char *text)
{
    const cni_value *call = value_of(arena, text);
    const cni_kind *kind = cni_family_find(&cni_torch_layers, call->text);
    assert_non_null(kind);
    cni_described_layer layer = {.kind = (const cni_layer_kind *)kind, .class_name = call->text, .name = name};
    layer.arguments = CNI_NEW_ARRAY(arena, cni_described_argument, call->count + 1);
    for (size_t i = 0; i < call->count; i++)
        layer.arguments[layer.argument_count++] = (cni_described_argument){
            .key = call->keys[i] ? call->keys[i] : kind->fields[i].key, .value = call->items[i]};
    return layer;
}

static void pytorch_is_translated(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cn_context *context = cn_context_new();
    cn_model *input = cn_sequential_in(context, "net");
    cn_add(input, cn_input({3, 8, 8}));
    cn_add(input, cn_flatten());
    cni_description *d = describe(&arena, input);
    cni_described_layer layers[] = {d->layers[0],
                                    module(&arena, "0", "Conv2d(3, 4, 3, stride=2, padding=1)"),
                                    module(&arena, "1", "ReLU()"),
                                    module(&arena, "2", "MaxPool2d(2, padding=1)"),
                                    module(&arena, "3", "Identity()"),
                                    module(&arena, "4", "Flatten()"),
                                    module(&arena, "5", "Linear(36, 10)")};
    cni_described_call calls[7];
    for (int i = 0; i < 7; i++) {
        cni_tensor_reference *inputs = CNI_NEW(&arena, cni_tensor_reference);
        inputs->call = i - 1;
        calls[i] = (cni_described_call){.layer = i, .input_count = i > 0, .inputs = inputs};
    }
    d->dialect = CNI_TORCH;
    d->layers = layers;
    d->calls = calls;
    d->layer_count = d->call_count = 7;
    d->outputs[0].call = 6;
    for (int chain = 0; chain < 2; chain++) {
        d->sequential = chain;
        cn_model *model = build(context, d);
        int64_t shape[CN_MAX_RANK];
        assert_int_equal(cn_output_shape(model, 0, shape), 2);
        assert_int_equal(shape[1], 10);
        assert_int_equal(cn_count_params(model), 3 * 3 * 3 * 4 + 4 + 36 * 10 + 10);
        assert_string_equal(cn_layer_class(cni_find_layer(model, "0")), "Conv2D");
        assert_string_equal(cn_layer_class(cni_find_layer(model, "0_zero_padding2d")), "ZeroPadding2D");
        cn_model_free(model);
    }
    /* zeros around the map are what a maximum over it may be, where all is positive only */
    layers[2] = module(&arena, "1", "Tanh()");
    layers[3].span = (cni_span){4, 1, 4, 9};
    d->file = "net.py";
    assert_refused(d, "net.py:4: MaxPool2d has no equal in Keras");
    cn_model_free(input);
    cn_context_free(context);
    cni_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_models_come_back),
        cmocka_unit_test(acceptance_models_come_back),
        cmocka_unit_test(a_chain_without_input_stays_without),
        cmocka_unit_test(seeds_are_drawn_in_the_order_of_the_layers),
        cmocka_unit_test(nested_models_draw_in_their_place),
        cmocka_unit_test(what_compile_was_told_is_taken),
        cmocka_unit_test(refusals_tell_the_place),
        cmocka_unit_test(pytorch_is_translated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
#include <stdio.h>

int main(void)
{
    puts("built without formats: the golden files cannot be read");
    return 77;
}
#endif
