/* SPDX-License-Identifier: Apache-2.0
 * predict: all rows of the inputs through the model, batch by batch. */
#include "train/trainer.h"

#include "base/take.h"

#include <stdlib.h>
#include <string.h>

typedef struct results { /* what the last prediction gave; belongs to the model */
    int count;
    cn_array arrays[CN_MAX_ARRAYS];
} results;

static void results_free(void *data)
{
    results *r = data;
    if (!r) return;
    for (int i = 0; i < r->count; i++) free((void *)(uintptr_t)r->arrays[i].data);
    free(r);
}

static cn_status new_results(cn_model *model, const cni_program *program, size_t rows, results **out)
{
    cni_attachment *slot = model->attachments + CNI_ATTACH_RESULTS;
    results_free(slot->data);
    results *r = slot->data = calloc(1, sizeof *r);
    slot->release = results_free;
    if (!r) return cni_no_memory(&model->call_error, "predictions");
    for (int i = 0; i < program->output_count; i++) {
        const cni_shape *shape = program->output_shapes + i;
        cn_array *array = r->arrays + i;
        array->rank = shape->rank;
        memcpy(array->shape, shape->dims, sizeof array->shape);
        array->shape[0] = (int64_t)rows;
        array->data = calloc(rows * (size_t)cni_shape_count(shape, 1) + 1, sizeof(float));
        if (!array->data) return cni_no_memory(&model->call_error, "predictions");
        r->count++;
    }
    *out = r;
    return CN_OK;
}

static void take(const cni_program *program, results *r, size_t first, int n)
{
    for (int i = 0; i < program->output_count; i++) {
        size_t row = (size_t)cni_shape_count(program->output_shapes + i, 1);
        float *out = (float *)(uintptr_t)r->arrays[i].data;
        memcpy(out + first * row, program->y_pred[i], (size_t)n * row * sizeof(float));
    }
}

static cn_status predict(cn_model *model, const cni_samples *rows, int batch, results **r)
{
    cni_error *error = &model->call_error;
    cni_program *program;
    CN_TRY(cni_build_for_rows(model, rows, "predict", error));
    CN_TRY(cni_samples_check(model, rows, "predict", error));
    cni_trainer *trainer = cni_trainer_of(model, error);
    if (!trainer) return error->status;
    if ((size_t)batch > rows->count) batch = (int)rows->count;
    CN_TRY(cni_trainer_program(trainer, rows, CNI_PREDICT, batch, &program, error));
    CN_TRY(new_results(model, program, rows->count, r));
    for (size_t first = 0; first < rows->count; first += (size_t)batch) {
        int n = rows->count - first < (size_t)batch ? (int)(rows->count - first) : batch;
        CN_TRY(cni_samples_gather(rows, NULL, first, n, program, error));
        cni_program_run(model, program, n, false);
        take(program, *r, first, n);
    }
    return CN_OK;
}

const cn_array *cn_model_predict(cn_model *model, const cn_predict_args *args)
{
    cn_predict_args given;
    cni_samples rows = {0};
    results *r = NULL;
    if (!model || model->error.status) return NULL;
    cni_error_clear(&model->call_error);
    if (cni_take_args(&given, sizeof given, args, sizeof(size_t), "predict", &model->call_error)) return NULL;
    if (given.batch_size < 0) {
        cni_fail(&model->call_error, CN_ERR_INVALID, "predict: batch_size=%d; it cannot be negative", given.batch_size);
        return NULL;
    }
    rows.inputs = cni_samples_spread(given.x, given.inputs, rows.x);
    rows.count = cni_samples_total(&rows);
    return predict(model, &rows, given.batch_size > 0 ? given.batch_size : 32, &r) ? NULL : r->arrays;
}
