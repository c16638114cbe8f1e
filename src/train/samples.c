/* SPDX-License-Identifier: Apache-2.0
 * Rows of the caller's arrays. */
#include "train/samples.h"

#include "tensor/convert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static cni_shape shape_of(const cn_array *array)
{
    cni_shape shape = {.rank = array->rank};
    memcpy(shape.dims, array->shape, sizeof shape.dims);
    return shape;
}

int cni_samples_spread(cn_array one, const cn_array *several, cn_array *out)
{
    int count = 0;
    if (one.data) out[count++] = one;
    for (int i = 0; i < CN_MAX_ARRAYS && several && several[i].data && !one.data; i++) out[count++] = several[i];
    return count;
}

size_t cni_samples_total(const cni_samples *rows)
{
    return rows->x[0].rank > 0 ? (size_t)rows->x[0].shape[0] : 0;
}

static cn_status check_array(const cn_array *array, const char *what, const char *name, size_t total, cni_error *error)
{
    if (!array->data) return cni_fail(error, CN_ERR_INVALID, "%s: %s is missing", what, name);
    if (!cni_dtype_size(array->dtype))
        return cni_fail(error, CN_ERR_INVALID, "%s: %s has dtype %d, which does not exist", what, name,
                        (int)array->dtype);
    if (array->rank < 1 || array->rank > CNI_MAX_RANK)
        return cni_fail(error, CN_ERR_SHAPE, "%s: %s has rank %d; arrays have the batch first, rank 1 to %d", what,
                        name, array->rank, CNI_MAX_RANK);
    for (int i = 0; i < array->rank; i++)
        if (array->shape[i] < 0) return cni_fail(error, CN_ERR_SHAPE, "%s: %s has a negative dimension", what, name);
    const cni_shape shape = shape_of(array);
    bool small = cni_shape_count(&shape, 0) >= 0;
    for (int i = 1; i < array->rank; i++) small &= array->shape[i] <= INT32_MAX;
    if (!small)
        return cni_fail(error, CN_ERR_LIMIT, "%s: %s has shape %s: no machine holds so many numbers", what, name,
                        CNI_SHOW_SHAPE(&shape));
    if ((size_t)array->shape[0] != total)
        return cni_fail(error, CN_ERR_SHAPE,
                        "%s: %s has %" PRId64 " rows and x has %zu: all arrays must have the same number of samples",
                        what, name, array->shape[0], total);
    return CN_OK;
}

/* Keras: an axis of size 1 at the end may be missing or too many. */
static bool fit_shape(const cni_shape *wanted, cni_shape *given)
{
    if (given->rank + 1 == wanted->rank && wanted->dims[wanted->rank - 1] == 1)
        given->dims[given->rank++] = 1;
    else if (given->rank == wanted->rank + 1 && given->dims[given->rank - 1] == 1)
        given->rank--;
    cni_shape free_batch = *wanted, rows = *given;
    free_batch.dims[0] = rows.dims[0] = CNI_UNKNOWN;
    return cni_shape_compatible(&free_batch, &rows);
}

/* What probably happened to an input of the wrong shape: channels on the wrong side, or no batch. */
static void suspect(const cni_shape *wanted, const cni_shape *given, char *hint, size_t size)
{
    cni_shape moved = *given, batch = {.rank = given->rank + 1, .dims = {1}};
    *hint = '\0';
    if (given->rank == 4) {
        cni_shape last = {.rank = 4, .dims = {given->dims[0], given->dims[2], given->dims[3], given->dims[1]}};
        cni_shape first = {.rank = 4, .dims = {given->dims[0], given->dims[3], given->dims[1], given->dims[2]}};
        moved = last;
        if (fit_shape(wanted, &moved))
            snprintf(hint, size, ": the channels come last here; transpose the array to %s", CNI_SHOW_SHAPE(&last));
        moved = first;
        if (!*hint && fit_shape(wanted, &moved))
            snprintf(hint, size, ": the channels come first here; transpose the array to %s", CNI_SHOW_SHAPE(&first));
    }
    if (*hint || batch.rank > CNI_MAX_RANK || batch.rank != wanted->rank) return;
    memcpy(batch.dims + 1, given->dims, (size_t)given->rank * sizeof *given->dims);
    if (fit_shape(wanted, &batch)) snprintf(hint, size, ": a batch of one is %s", CNI_SHOW_SHAPE(&batch));
}

static cn_status check_inputs(const cn_model *model, const cni_samples *rows, const char *what, cni_error *error)
{
    if (rows->inputs != model->input_count)
        return cni_fail(error, CN_ERR_SHAPE, "%s: the model has %d inputs, and %d arrays were given", what,
                        model->input_count, rows->inputs);
    for (int i = 0; i < rows->inputs; i++) {
        CN_TRY(check_array(rows->x + i, what, "x", cni_samples_total(rows), error));
        cni_shape given = shape_of(rows->x + i), shown = given;
        if (fit_shape(&model->inputs[i]->shape, &given)) continue;
        char hint[200];
        suspect(&model->inputs[i]->shape, &shown, hint, sizeof hint);
        return cni_fail(error, CN_ERR_SHAPE, "%s: input %d (\"%s\") has shape %s; the model expects %s%s", what, i,
                        model->inputs[i]->call->layer->name, CNI_SHOW_SHAPE(&shown),
                        CNI_SHOW_SHAPE(&model->inputs[i]->shape), hint);
    }
    return CN_OK;
}

static cn_status check_targets(const cn_model *model, const cni_samples *rows, const char *what, cni_error *error)
{
    if (rows->targets != model->output_count)
        return cni_fail(error, CN_ERR_SHAPE, "%s: the model has %d outputs, and %d target arrays were given", what,
                        model->output_count, rows->targets);
    for (int i = 0; i < rows->targets; i++) {
        const cni_object *loss = model->compiled->targets[i].loss;
        if (!rows->y[i].data && !loss) continue;
        CN_TRY(check_array(rows->y + i, what, "y", cni_samples_total(rows), error));
        cni_shape given = shape_of(rows->y + i);
        given.dims[0] = CNI_UNKNOWN;
        cn_status status = loss ? cni_loss_check_shapes(loss, &given, &model->outputs[i]->shape, error) : CN_OK;
        if (status) return cni_fail_in(error, "%s: output \"%s\"", what, cni_output_name(model, i));
    }
    return CN_OK;
}

cn_status cni_samples_need_targets(const cn_model *model, const cni_samples *rows, const char *what, cni_error *error)
{
    for (int i = 0; i < model->output_count && !rows->targets; i++) {
        const cni_target *target = model->compiled->targets + i;
        if (target->loss || target->metric_count || target->weighted_count)
            return cni_fail(error, CN_ERR_INVALID, "%s: output \"%s\" has no targets (y) to be compared with", what,
                            cni_output_name(model, i));
    }
    return CN_OK;
}

cn_status cni_samples_check(const cn_model *model, const cni_samples *rows, const char *what, cni_error *error)
{
    if (!cni_samples_total(rows) || !rows->x[0].data) return cni_fail(error, CN_ERR_INVALID, "%s: x has no rows", what);
    CN_TRY(check_inputs(model, rows, what, error));
    if (rows->targets) CN_TRY(check_targets(model, rows, what, error));
    if (!rows->sample_weight.data) return CN_OK;
    CN_TRY(check_array(&rows->sample_weight, what, "sample_weight", cni_samples_total(rows), error));
    cni_shape given = shape_of(&rows->sample_weight);
    if (cni_shape_count(&given, 1) != 1)
        return cni_fail(error, CN_ERR_UNSUPPORTED, "%s: sample_weight has shape %s; one weight per sample is supported",
                        what, CNI_SHOW_SHAPE(&given));
    return CN_OK;
}

cn_status cni_build_for_rows(cn_model *model, const cni_samples *rows, const char *what, cni_error *error)
{
    if (model->complete) return CN_OK;
    if (!model->sequential) return cni_fail(error, CN_ERR_STATE, "%s: the model has no outputs yet (cn_outputs)", what);
    if (!rows->x[0].data || rows->x[0].rank < 2 || rows->x[0].rank > CNI_MAX_RANK)
        return cni_fail(error, CN_ERR_SHAPE, "%s: x must be an array of samples to build the model for", what);
    cni_shape shape = shape_of(rows->x);
    shape.dims[0] = CNI_UNKNOWN;
    return cni_sequential_build(model, &shape, error);
}

void cni_samples_key(const cn_model *model, const cni_samples *rows, cni_mode mode, int batch, cni_program_key *key)
{
    *key = (cni_program_key){
        .mode = mode, .batch = batch, .math = model->context->math, .plan = model->context->choices.version};
    key->weighted = mode != CNI_PREDICT && (rows->sample_weight.data || rows->weights);
    for (int i = 0; i < rows->inputs; i++) {
        key->inputs[i] = shape_of(rows->x + i);
        fit_shape(&model->inputs[i]->shape, key->inputs + i);
        key->inputs[i].dims[0] = CNI_UNKNOWN;
        for (int j = key->inputs[i].rank; j < CNI_MAX_RANK; j++) key->inputs[i].dims[j] = 0;
    }
    for (int i = 0; i < rows->targets && mode != CNI_PREDICT; i++) {
        if (!rows->y[i].data) continue;
        key->targets[i] = shape_of(rows->y + i);
        key->targets[i].dims[0] = CNI_UNKNOWN;
    }
}

/* One row after the other; runs of neighbours are copied at once. */
static cn_status gather(const cn_array *array, size_t first, const size_t *order, size_t begin, int n, float *out,
                        cni_error *error)
{
    size_t row = 1;
    for (int i = 1; i < array->rank; i++) row *= (size_t)array->shape[i];
    if (!order) return cni_array_to_float(array, (first + begin) * row, (size_t)n * row, out, error);
    for (int i = 0; i < n; i++)
        CN_TRY(cni_array_to_float(array, (first + order[begin + (size_t)i]) * row, row, out + (size_t)i * row, error));
    return CN_OK;
}

static size_t row_number(const cni_samples *rows, const size_t *order, size_t index)
{
    return rows->first + (order ? order[index] : index);
}

cn_status cni_samples_gather(const cni_samples *rows, const size_t *order, size_t begin, int n, cni_program *program,
                             cni_error *error)
{
    for (int i = 0; i < rows->inputs; i++)
        CN_TRY(gather(rows->x + i, rows->first, order, begin, n, program->x[i], error));
    for (int i = 0; i < rows->targets; i++)
        if (program->y_true[i]) CN_TRY(gather(rows->y + i, rows->first, order, begin, n, program->y_true[i], error));
    if (!program->sample_weight) return CN_OK;
    if (rows->sample_weight.data)
        return gather(&rows->sample_weight, rows->first, order, begin, n, program->sample_weight, error);
    for (int i = 0; i < n; i++) program->sample_weight[i] = rows->weights[row_number(rows, order, begin + (size_t)i)];
    return CN_OK;
}

cn_status cni_samples_check_labels(const cn_model *model, const cni_samples *rows, const cni_program *program,
                                   const size_t *order, size_t begin, int n, cni_error *error)
{
    for (int i = 0; i < rows->targets; i++) {
        const cni_object *loss = model->compiled->targets[i].loss;
        if (!loss || !program->y_true[i] || !cni_loss_reads_classes(loss)) continue;
        const cni_shape *pred = program->output_shapes + i;
        size_t per_row = (size_t)cni_shape_count(program->key.targets + i, 1);
        int classes = (int)pred->dims[pred->rank - 1];
        for (int j = 0; j < n; j++) /* row by row, so that the message can name the row of the caller's array */
            CN_TRY(cni_loss_check_labels(loss, program->y_true[i] + (size_t)j * per_row, 1, per_row, classes,
                                         row_number(rows, order, begin + (size_t)j), error));
    }
    return CN_OK;
}
