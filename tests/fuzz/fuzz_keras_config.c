/* SPDX-License-Identifier: Apache-2.0
 * A model's configuration: JSON to model to shapes, run, saved, read again. */
#include "fuzz.h"
#include "round_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cni_arena arena;
    cni_error error = {0};
    cni_value *value;
    cn_model *model = NULL;
    cni_arena_init(&arena, (size_t)256 << 20);
    cn_status status = cni_json_read(&arena, (cni_bytes){data, size}, NULL, &value, &error);
    if (!status) {
        cn_context *context = cn_context_new();
        status = cni_model_from_value(context, value, true, &model, &error);
        must(!status == !!model, "a failed load left a model, or a good one none", error.text);
        if (model) round_trip(model);
        cn_model_free(model);
        cn_context_free(context);
    }
    if (status) must_tell(status, &error);
    cni_arena_free(&arena);
    return 0;
}
