/* SPDX-License-Identifier: Apache-2.0
 * The weights that a text starts from under a seed are those of Keras 3.15.1 (JAX), to the last bit: every layer and
 * every initializer that the text makes draws in its turn, also what the model does not use. */
#include "../model/description_testing.h"

#include "formats/source/source.h"

typedef struct text_case {
    const char *text;
    float kernels[4][3]; /* the first numbers of each, after keras.utils.set_random_seed(42) */
} text_case;

static const text_case cases[] = {
    {"import keras\n"
     "from keras import layers\n"
     "inner = keras.Sequential([keras.Input((6, 6, 4)), layers.Conv2D(5, 3), layers.Dropout(0.3)], name='tower')\n"
     "inp = keras.Input((8, 8, 2))\n"
     "conv = layers.Conv2D(4, 3, kernel_initializer='he_normal')\n"
     "unused = layers.Dense(3)\n"
     "drop = layers.Dropout(0.5)\n"
     "x = inner(drop(conv(inp)))\n"
     "x = layers.Flatten()(x)\n"
     "x = layers.Dense(7, activation='relu')(x)\n"
     "model = keras.Model(inp, layers.Dense(3)(x))\n",
     {{0.0169632081F, -0.276503533F, 0.0847843513F},
      {-0.232251987F, 0.0320492238F, -0.132345408F},
      {0.133394912F, 0.0184679106F, -0.132634118F},
      {-0.29678607F, 0.232051715F, 0.10047549F}}},
    {"from tensorflow import keras\n"
     "from tensorflow.keras import layers\n"
     "init = keras.initializers.HeNormal()\n"
     "other = keras.Sequential([layers.Dense(3), layers.Dropout(0.2)])\n"
     "m = keras.Sequential()\n"
     "m.add(keras.Input((8, 8, 1)))\n"
     "for f in (2, 3):\n"
     "    m.add(layers.Conv2D(f, 3, kernel_initializer=init))\n"
     "    m.add(layers.Dropout(0.1 * f))\n"
     "m.add(layers.Flatten())\n"
     "m.add(layers.Dense(5, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02)))\n"
     "m.add(layers.Dense(4))\n",
     {{-0.709589601F, 0.0757460445F, -0.33177942F},
      {-0.501755655F, 0.0535605438F, -0.23460348F},
      {0.0137411272F, 0.00176504382F, -0.0136493193F},
      {-0.312839985F, 0.244603992F, 0.105910465F}}},
};

static void weights_are_those_of_keras(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cni_arena arena = {0};
        cni_error error = {0};
        cni_description *d;
        cn_model *model;
        cn_context *context = cn_context_new();
        cn_context_set_random_seed(context, 42);
        if (cni_source_read(&arena, cases[i].text, strlen(cases[i].text), "model.py", NULL, &d, &error) ||
            cni_model_from_description(context, d, &model, &error))
            fail_msg("%s", error.text);
        assert_int_equal(cn_weight_count(model), 8); /* kernels and biases in turn */
        for (int k = 0; k < 4; k++)
            assert_memory_equal(cn_weight(model, 2 * k).data, cases[i].kernels[k], sizeof cases[i].kernels[k]);
        cn_model_free(model);
        cn_context_free(context);
        cni_arena_free(&arena);
    }
}

/* The seeds that were drawn are not arguments. */
static void seeds_are_not_saved(void **state)
{
    (void)state;
    static const char text[] = "Sequential([Input((4,)), Dense(2, kernel_initializer=HeNormal()),"
                               "            Dense(2, kernel_initializer=HeNormal(seed=3))])";
    cni_arena arena = {0};
    cni_error error = {0};
    cni_description *d;
    cn_model *model = NULL;
    if (cni_source_read(&arena, text, strlen(text), "model.py", NULL, &d, &error) ||
        cni_model_from_description(NULL, d, &model, &error))
        fail_msg("%s", error.text);
    const char *json = cn_model_json(model);
    assert_non_null(json);
    assert_non_null(strstr(json, "\"HeNormal\", \"config\": {\"seed\": null}"));
    assert_non_null(strstr(json, "\"HeNormal\", \"config\": {\"seed\": 3}"));
    cn_model_free(model);
    cni_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_those_of_keras),
        cmocka_unit_test(seeds_are_not_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
