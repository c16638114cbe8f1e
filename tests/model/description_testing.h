/* SPDX-License-Identifier: Apache-2.0
 * What the tests of descriptions share. */
#ifndef CORNU_TEST_DESCRIPTION_TESTING_H
#define CORNU_TEST_DESCRIPTION_TESTING_H

#include "model/description.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static inline cni_description *describe(cni_arena *arena, const cn_model *model)
{
    cni_error error = {0};
    cni_description *description = NULL;
    assert_string_equal(cn_error(model), "");
    if (cni_description_of_model(arena, model, &description, &error)) fail_msg("%s", error.text);
    return description;
}

static inline cni_description *flatten(cni_arena *arena, const cni_description *description)
{
    cni_error error = {0};
    cni_description *flat = NULL;
    if (cni_description_flatten(arena, description, &flat, &error)) fail_msg("%s", error.text);
    return flat;
}

/** Call `call` is one of this layer, on the first outputs of these calls. */
static inline void assert_call(const cni_description *d, int call, const char *layer, int count, const int *inputs)
{
    assert_in_range(call, 0, d->call_count - 1);
    const cni_described_call *c = d->calls + call;
    assert_string_equal(d->layers[c->layer].name, layer);
    assert_int_equal(c->input_count, count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(c->inputs[i].call, inputs[i]);
        assert_int_equal(c->inputs[i].output, 0);
    }
}

static inline void assert_argument(const cni_described_layer *layer, int index, const char *key, const char *value)
{
    char shown[200];
    assert_in_range(index, 0, layer->argument_count - 1);
    assert_string_equal(layer->arguments[index].key, key);
    assert_string_equal(cni_value_show(layer->arguments[index].value, shown, sizeof shown), value);
}

#endif
