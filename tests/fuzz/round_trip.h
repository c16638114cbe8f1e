/* SPDX-License-Identifier: Apache-2.0
 * Whatever loads is looked at, run once, saved, and must come back the same. */
#ifndef ROUND_TRIP_H
#define ROUND_TRIP_H

#include "base/value.h"
#include "formats/json.h"
#include "formats/keras.h"
#include "model/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FREE_SIZE = 8, ROWS = 2, MOST_ELEMENTS = 1 << 18 };

/* What the fuzzer calls a finding. */
static inline void must(bool holds, const char *what, const char *why)
{
    if (holds) return;
    fprintf(stderr, "%s: %s\n", what, why);
    abort();
}

/* One line that says something. */
static inline void must_tell(cn_status status, const cni_error *error)
{
    must(status == error->status, "status and error differ", error->text);
    must(error->text[0] && !strchr(error->text, '\n'), "an error is one line", error->text);
}

/* Elements of all tensors, as far as they are known: small models only are run. */
static inline double model_size(const cn_model *model)
{
    double size = (double)cn_count_params(model);
    for (int i = 0; i < model->call_count; i++) {
        const cni_call *call = model->calls[i];
        if (call->layer->inner) size += model_size(call->layer->inner);
        for (int j = 0; j < call->output_count; j++) {
            double count = ROWS;
            const cni_shape *shape = &call->outputs[j]->shape;
            for (int k = 1; k < shape->rank; k++) count *= shape->dims[k] < 0 ? FREE_SIZE : (double)shape->dims[k];
            size += count;
        }
    }
    return size;
}

static inline bool fill_inputs(const cn_model *model, cn_array *inputs, float *numbers)
{
    double total = 0;
    for (int i = 0; i < cn_input_count(model); i++) {
        cn_array *x = inputs + i;
        *x = (cn_array){.data = numbers, .rank = cn_input_shape(model, i, x->shape)};
        double count = 1;
        for (int j = 0; j < x->rank; j++) {
            if (x->shape[j] < 0) x->shape[j] = j ? FREE_SIZE : ROWS;
            count *= (double)x->shape[j];
        }
        total += count;
    }
    return total > 0 && total < MOST_ELEMENTS;
}

static inline bool is_same_array(const cn_array *a, const cn_array *b)
{
    size_t count = 1;
    const float *x = a->data, *y = b->data;
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->shape[i] != b->shape[i]) return false;
        count *= (size_t)a->shape[i];
    }
    for (size_t i = 0; i < count; i++)
        if (!(x[i] == y[i] || (isnan(x[i]) && isnan(y[i])))) return false;
    return true;
}

/* The same predictions, or the same refusal. */
static inline void compare_predictions(cn_model *model, cn_model *again, const cn_array *inputs)
{
    cn_predict_args args = {.struct_size = sizeof args};
    memcpy(args.inputs, inputs, sizeof args.inputs);
    const cn_array *a = cn_model_predict(model, &args), *b = cn_model_predict(again, &args);
    must(!a == !b, "one predicts and the other does not", a ? cn_error(again) : cn_error(model));
    if (!a) must_tell(cn_error_status(model), &model->call_error);
    for (int i = 0; a && i < cn_output_count(model); i++)
        must(is_same_array(a + i, b + i), "predictions differ after saving", cn_model_name(model));
    cn_clear(model);
}

static inline void compare_configs(cn_model *model, cn_model *again)
{
    cni_arena arena = {0};
    cni_error error = {0};
    cni_bytes a, b;
    cn_status status = cni_json_write(&arena, cni_model_to_value(&arena, model, true), 0, &a, &error);
    if (!status) status = cni_json_write(&arena, cni_model_to_value(&arena, again, true), 0, &b, &error);
    must(!status, "a configuration cannot be written", error.text);
    must(a.size == b.size && memcmp(a.data, b.data, a.size) == 0, "configurations differ after saving",
         (const char *)a.data);
    cni_arena_free(&arena);
}

static inline cn_model *save_and_load(cn_model *model)
{
    cni_arena arena;
    cni_error error = {0};
    cni_buffer file = {0};
    cn_model *again = NULL;
    cn_load_options options = {.struct_size = sizeof options, .context = model->context};
    cni_arena_init(&arena, (size_t)256 << 20);
    must(!cni_keras_write(model, &file, &error), "a model cannot be saved", error.text);
    cn_status status = cni_keras_read("again", cni_buffer_bytes(&file), &options, &arena, &again, &error);
    must(!status, "what was saved is refused", error.text);
    cni_buffer_free(&file);
    cni_arena_free(&arena);
    return again;
}

/* The second copy must be the first: a model made by calls may write arguments in another form than files do. */
static inline void round_trip(cn_model *model)
{
    static float numbers[MOST_ELEMENTS];
    cn_array inputs[CN_MAX_ARRAYS] = {{0}};
    if (model_size(model) > MOST_ELEMENTS) return;
    cn_model *first = save_and_load(model), *second = save_and_load(first);
    compare_configs(first, second);
    for (size_t i = 0; i < MOST_ELEMENTS; i++) numbers[i] = (float)(i % 101) / 64 - 0.75F;
    if (fill_inputs(model, inputs, numbers)) compare_predictions(model, second, inputs);
    cn_model_free(first);
    cn_model_free(second);
}

#endif
