/* SPDX-License-Identifier: Apache-2.0
 * Values times a number, for models that were trained on such: what `x_train / 255` is in a text. */
#include "data/dataset.h"

#include "tensor/convert.h"

static cn_status scale_array(cni_arena *arena, cn_array *x, double scale, cni_error *error)
{
    size_t count = x->data ? 1 : 0;
    for (int i = 0; i < x->rank; i++) count *= (size_t)x->shape[i];
    if (!count) return CN_OK;
    float *values = cni_arena_array(arena, count, sizeof *values);
    if (!values) return cni_no_memory(error, "scaled data");
    CN_TRY(cni_array_to_float(x, 0, count, values, error));
    for (size_t i = 0; i < count; i++) values[i] = (float)((double)values[i] * scale);
    x->data = values;
    x->dtype = CN_FLOAT32;
    return CN_OK;
}

cn_status cni_data_scale(cni_arena *arena, cn_data *data, double scale, cni_error *error)
{
    CN_TRY(scale_array(arena, &data->x, scale, error));
    for (int i = 0; i < CN_MAX_ARRAYS; i++) CN_TRY(scale_array(arena, data->inputs + i, scale, error));
    return CN_OK;
}
