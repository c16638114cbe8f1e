/* SPDX-License-Identifier: Apache-2.0
 * Class numbers as rows of zeros with a one: what keras.utils.to_categorical does for a text that trains with
 * categorical_crossentropy. */
#include "data/dataset.h"
#include "model/compile.h"

#include <string.h>

/* The number of classes when the model's loss wants rows and the labels are numbers; else 0. */
static int64_t classes_wanted(const cn_model *model, const cn_array *y)
{
    if (!model->compiled || model->output_count != 1 || !y->data) return 0;
    const cni_object *loss = model->compiled->targets[0].loss;
    const cni_shape *out = &model->outputs[0]->shape;
    const bool numbers =
        y->dtype != CN_FLOAT32 && y->dtype != CN_FLOAT64 && (y->rank == 1 || (y->rank == 2 && y->shape[1] == 1));
    if (!loss || strcmp(loss->kind->name, "CategoricalCrossentropy") != 0 || !numbers || out->rank != 2) return 0;
    return out->dims[1] > 1 ? out->dims[1] : 0;
}

static cn_status make_rows(cni_arena *arena, const cn_array *y, int64_t classes, cn_array *out, cni_error *error)
{
    const int64_t count = y->shape[0];
    float *rows = cni_arena_array(arena, (size_t)count, (size_t)classes * sizeof *rows);
    if (!rows) return cni_no_memory(error, "one-hot labels");
    for (int64_t i = 0; i < count; i++) {
        const double label = cn_array_value(y, i);
        if (!(label >= 0 && label < (double)classes))
            return cni_fail(error, CN_ERR_INVALID, "row %lld has label %g; the model has %lld classes, 0 to %lld",
                            (long long)i, label, (long long)classes, (long long)classes - 1);
        rows[i * classes + (int64_t)label] = 1;
    }
    *out = (cn_array){rows, CN_FLOAT32, 2, {count, classes}};
    return CN_OK;
}

cn_status cn_dataset_suit(cn_dataset *dataset, const cn_model *model, const cn_data *part, cn_data *suited,
                          const char **error)
{
    cni_error *slot = cni_data_error(error);
    *suited = *part;
    const int64_t classes = classes_wanted(model, &part->y);
    if (classes) make_rows(&dataset->arena, &part->y, classes, &suited->y, slot);
    return cni_tell_error(slot, error);
}
