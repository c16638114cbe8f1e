/* SPDX-License-Identifier: Apache-2.0
 * Keras text: what callers paste as layers, losses, metrics, optimizers and arguments of layers. */
#include "fuzz.h"
#include "round_trip.h"

static void make_all(cni_arena *arena, const cni_value *value)
{
    extern const cni_family cni_losses, cni_metrics, cni_optimizers;
    const cni_family *const families[] = {&cni_losses,       &cni_metrics,      &cni_optimizers, &cni_activations,
                                          &cni_initializers, &cni_regularizers, &cni_constraints};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        cni_error error = {0};
        cni_maker maker = {.arena = arena, .data_format = CN_CHANNELS_LAST, .error = &error};
        cni_object *object;
        cn_status status = cni_object_make(&maker, families[i], value, "text", &object);
        if (status)
            must_tell(status, &error);
        else if (object)
            must(cni_object_write(arena, object), "an object cannot be written", families[i]->what);
    }
}

static void add_layer(const char *text)
{
    cn_context *context = cn_context_new();
    cn_model *model = cn_sequential_in(context, "model");
    cn_input_args input = {.head = {sizeof input, "InputLayer"}, .shape = {6, 6, 4}};
    model->deferred = true; /* as in a file: weights get memory when they are needed */
    (void)cn_add(model, &input.head);
    if (cn_add_json(model, text))
        must_tell(cn_error_status(model), &model->error);
    else
        round_trip(model);
    cn_model_free(model);
    cn_context_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cni_arena arena;
    cni_error error = {0};
    cni_value *value;
    char *text = malloc(size + 1), shown[64];
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    cni_arena_init(&arena, (size_t)256 << 20);
    cn_status status = cni_value_read(&arena, text, "text", &value, &error);
    if (status)
        must_tell(status, &error);
    else {
        (void)cni_value_show(value, shown, sizeof shown);
        make_all(&arena, value);
        add_layer(text);
    }
    cni_arena_free(&arena);
    free(text);
    return 0;
}
