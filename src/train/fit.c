/* SPDX-License-Identifier: Apache-2.0
 * fit: epochs over shuffled rows, validation, history. */
#include "train/fit.h"

#include "base/take.h"
#include "tensor/convert.h"
#include "train/callback.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is said ---- */

void cni_fit_say(const cni_fit *fit, const char *format, ...)
{
    if (!fit->args->progress) return;
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cn_progress progress = {.epoch = fit->epoch, .epochs = fit->args->epochs, .message = text};
    fit->args->progress(fit->args->progress_user, &progress);
}

static void tell(const cni_fit *fit, int64_t step, bool end_of_epoch, const cn_logs *logs)
{
    if (!fit->args->progress) return;
    cn_progress progress = {.epoch = fit->epoch,
                            .epochs = fit->args->epochs,
                            .step = step,
                            .steps = fit->steps,
                            .seconds = cni_now() - fit->epoch_began,
                            .end_of_epoch = end_of_epoch,
                            .logs = *logs};
    fit->args->progress(fit->args->progress_user, &progress);
}

const double *cni_fit_logged(const cni_fit *fit, const char *name)
{
    for (int i = 0; i < fit->logs.count; i++)
        if (strcmp(fit->names[i], name) == 0) return fit->values + i;
    return NULL;
}

/* Before the first batch: metrics have no values yet, but names.  Those of several outputs and weighted ones get
 * prefixes and are not looked into. */
static const char *metric_at(const cni_fit *fit, int index)
{
    const cni_target *target = fit->model->compiled->targets;
    return index < target->metric_count ? cni_metric_name(target->metrics[index]) : NULL;
}

bool cni_fit_may_log(const cni_fit *fit, const char *name)
{
    const bool validation = strncmp(name, "val_", 4) == 0;
    const char *own = validation ? name + 4 : name, *metric;
    if (validation && !fit->validates) return false;
    if (fit->model->output_count > 1 || fit->model->compiled->targets->weighted_count) return true;
    for (int i = 0; (metric = metric_at(fit, i)); i++)
        if (strncmp(own, metric, strlen(metric)) == 0) return true; /* a second one is accuracy_1 */
    return strcmp(own, "loss") == 0 || strcmp(own, "learning_rate") == 0;
}

const char *cni_fit_log_names(cni_fit *fit)
{
    const char *all = "", *metric;
    for (int val = 0; val <= fit->validates && all; val++) {
        all = cni_arena_printf(&fit->arena, "%s%sloss", all, val ? ", val_" : "");
        for (int i = 0; all && (metric = metric_at(fit, i)); i++)
            all = cni_arena_printf(&fit->arena, "%s, %s%s", all, val ? "val_" : "", metric);
    }
    return all ? all : "";
}

void cni_fit_log(cni_fit *fit, const char *name, double value)
{
    const double *logged = cni_fit_logged(fit, name);
    if (logged) {
        fit->values[logged - fit->values] = value;
        return;
    }
    if (fit->logs.count > 2 * CNI_MAX_SCORES) return;
    fit->names[fit->logs.count] = name;
    fit->values[fit->logs.count++] = value;
}

/* ---- rows ---- */

static cn_status split_validation(cni_fit *fit)
{
    const double split = fit->args->validation_split;
    const size_t total = cni_samples_total(&fit->train);
    const bool fraction = split > 0 && split < 1;
    const size_t first = fraction ? (size_t)floor((double)total * (1.0 - split)) : 0;
    if (!first || first == total)
        return cni_fail(fit->error, CN_ERR_INVALID,
                        "fit: validation_split=%g of %zu samples leaves none %s; give a fraction between 0 and 1",
                        split, total, first ? "to validate on" : "to train on");
    fit->validation = fit->train;
    fit->validation.first = first;
    fit->validation.count = total - first;
    fit->train.count = first;
    fit->validates = true;
    return CN_OK;
}

static cn_status take_validation(cni_fit *fit)
{
    const cn_fit_args *args = fit->args;
    bool one = args->validation_data[0].data != NULL;
    if (!one && !args->validation.x.data && !args->validation.inputs[0].data)
        return args->validation_split != 0 ? split_validation(fit) : CN_OK;
    cni_samples *rows = &fit->validation;
    rows->inputs = one ? cni_samples_spread(args->validation_data[0], NULL, rows->x)
                       : cni_samples_spread(args->validation.x, args->validation.inputs, rows->x);
    rows->targets = one ? cni_samples_spread(args->validation_data[1], args->validation.targets, rows->y)
                        : cni_samples_spread(args->validation.y, args->validation.targets, rows->y);
    rows->sample_weight = one ? args->validation_data[2] : args->validation.sample_weight;
    rows->count = cni_samples_total(rows);
    fit->validates = true;
    CN_TRY(cni_samples_check(fit->model, rows, "validation_data", fit->error));
    return cni_samples_need_targets(fit->model, rows, "validation_data", fit->error);
}

static cn_status take_rows(cni_fit *fit)
{
    const cn_fit_args *args = fit->args;
    fit->train.inputs = cni_samples_spread(args->x, args->inputs, fit->train.x);
    fit->train.targets = cni_samples_spread(args->y, args->targets, fit->train.y);
    fit->train.sample_weight = args->sample_weight;
    fit->train.count = cni_samples_total(&fit->train);
    CN_TRY(cni_build_for_rows(fit->model, &fit->train, "fit", fit->error));
    CN_TRY(cni_samples_check(fit->model, &fit->train, "fit", fit->error));
    CN_TRY(cni_samples_need_targets(fit->model, &fit->train, "fit", fit->error));
    return take_validation(fit);
}

/* ---- class weights: a weight for each row, by its label (argmax of one-hot rows) ---- */

static size_t row_size(const cn_array *array)
{
    size_t size = 1;
    for (int i = 1; i < array->rank; i++) size *= (size_t)array->shape[i];
    return size;
}

static int label_of(const float *row, size_t size)
{
    size_t best = 0;
    for (size_t i = 1; i < size; i++)
        if (row[i] > row[best]) best = i;
    return size == 1 ? (int)lrintf(row[0]) : (int)best;
}

static double weight_of(const cn_class_weight *weights, int label)
{
    for (int i = 0; i < 64 && (weights[i].weight != 0 || signbit(weights[i].weight)); i++)
        if (weights[i].label == label) return weights[i].weight;
    return 1;
}

static cn_status weigh_classes(cni_fit *fit)
{
    const cn_class_weight *given = fit->args->class_weight;
    if (given[0].weight == 0 && !signbit(given[0].weight)) return CN_OK;
    if (fit->train.sample_weight.data || fit->train.targets != 1)
        return cni_fail(fit->error, CN_ERR_INVALID, "fit: class_weight goes with one output and without sample_weight");
    const cn_array *y = fit->train.y;
    size_t total = cni_samples_total(&fit->train), size = row_size(y);
    float *weights = CNI_NEW_ARRAY(&fit->arena, float, total), *row = CNI_NEW_ARRAY(&fit->arena, float, size);
    if (!weights || !row) return cni_no_memory(fit->error, "class weights");
    for (size_t i = 0; i < total; i++) {
        CN_TRY(cni_array_to_float(y, i * size, size, row, fit->error));
        weights[i] = (float)weight_of(given, label_of(row, size));
    }
    fit->train.weights = weights;
    return CN_OK;
}

/* ---- passes over the data ---- */

static int batch_size_at(const cni_fit *fit, int64_t batch)
{
    size_t first = (size_t)batch * (size_t)fit->batch, left = fit->train.count - first;
    return left < (size_t)fit->batch ? (int)left : fit->batch;
}

/* Keras draws the order of a pass when its first batch is fetched, with shuffle="batch" that of each batch. */
static void draw_order(cni_fit *fit, int64_t batch)
{
    cni_mt19937 *numpy = &fit->model->context->numpy;
    if (!fit->order) return;
    if (!fit->args->shuffle_batches) {
        if (batch == 0) cni_np_permutation(numpy, fit->order, fit->train.count);
        return;
    }
    size_t first = (size_t)batch * (size_t)fit->batch, n = (size_t)batch_size_at(fit, batch);
    cni_np_permutation(numpy, fit->order + first, n);
    for (size_t i = 0; i < n; i++) fit->order[first + i] += first;
}

static cn_status plan_passes(cni_fit *fit)
{
    const cn_fit_args *args = fit->args;
    size_t steps = args->steps_per_epoch > 0 ? (size_t)args->steps_per_epoch : 0;
    fit->batch = args->batch_size > 0 ? args->batch_size : 32;
    if (args->batch_size <= 0 && steps) fit->batch = cni_batch_for_steps(fit->train.count, steps);
    fit->batches = (int64_t)((fit->train.count + (size_t)fit->batch - 1) / (size_t)fit->batch);
    fit->steps = steps ? (int64_t)steps : fit->batches;
    if (args->no_shuffle) return CN_OK;
    fit->order = CNI_NEW_ARRAY(&fit->arena, size_t, fit->train.count);
    if (!fit->order) return cni_no_memory(fit->error, "the order of the samples");
    /* The first fit after compile looks at a batch to build loss and metrics, and forgets it (keras-random 5.1). */
    if (!fit->trainer->seen) draw_order(fit, 0);
    return CN_OK;
}

/* ---- callbacks ---- */

#define CALL(fit, event, ...)                                                                                          \
    do {                                                                                                               \
        for (int i_ = 0; i_ < (fit)->callback_count; i_++) {                                                           \
            cni_callback *c_ = (fit)->callbacks[i_];                                                                   \
            if (c_->kind->event) CN_TRY(c_->kind->event(__VA_ARGS__));                                                 \
        }                                                                                                              \
    } while (0)

/* ---- the loop ---- */

static cn_status check_data(const cni_fit *fit, const cni_program *program, size_t first, int n, int64_t step)
{
    for (int i = 0; i < program->input_count; i++) {
        const size_t size = (size_t)cni_shape_count(program->key.inputs + i, 1), count = (size_t)n * size;
        for (size_t j = 0; j < count; j++) {
            if (isfinite(program->x[i][j])) continue;
            const size_t row = first + j / size;
            return cni_fail(fit->error, CN_ERR_NUMERIC,
                            "epoch %d, batch %" PRId64 ": the data hold %s in row %zu; training stopped before this "
                            "batch",
                            fit->epoch + 1, step + 1, isnan(program->x[i][j]) ? "NaN" : "infinity",
                            fit->order ? fit->order[row] : row);
        }
    }
    return CN_OK;
}

/* Validation measures only, but what it says is of no use then: better known before the first epoch than behind it. */
static cn_status check_validation(const cni_fit *fit)
{
    const cni_samples *rows = &fit->validation;
    for (int i = 0; fit->validates && fit->args->check_finite && i < rows->inputs; i++) {
        const cn_array *x = rows->x + i;
        const size_t size = row_size(x), end = (rows->first + rows->count) * size;
        if (x->dtype != CN_FLOAT32 && x->dtype != CN_FLOAT64) continue;
        for (size_t j = rows->first * size; j < end; j++) {
            const double value = x->dtype == CN_FLOAT32 ? ((const float *)x->data)[j] : ((const double *)x->data)[j];
            if (isfinite(value)) continue;
            return cni_fail(fit->error, CN_ERR_NUMERIC, "fit: the validation data hold %s in row %zu",
                            isnan(value) ? "NaN" : "infinity", j / size);
        }
    }
    return CN_OK;
}

static cn_status train_batch(cni_fit *fit, int64_t step)
{
    cni_program *program;
    size_t first = (size_t)fit->at * (size_t)fit->batch;
    int n = batch_size_at(fit, fit->at);
    bool finite = fit->args->check_finite;
    int capacity = (size_t)fit->batch < fit->train.count ? fit->batch : (int)fit->train.count;
    draw_order(fit, fit->at);
    CN_TRY(cni_trainer_program(fit->trainer, &fit->train, CNI_TRAIN, capacity, &program, fit->error));
    CN_TRY(cni_trainer_measure(fit->trainer, program, fit->error));
    CN_TRY(cni_samples_gather(&fit->train, fit->order, first, n, program, fit->error));
    CN_TRY(cni_samples_check_labels(fit->model, &fit->train, program, fit->order, first, n, fit->error));
    if (finite) CN_TRY(check_data(fit, program, first, n, step));
    if (!cni_program_run(fit->model, program, n, finite))
        return cni_fail(fit->error, CN_ERR_NUMERIC,
                        "epoch %d, batch %" PRId64 ": the loss is %s; training stopped before this update. A smaller "
                        "learning rate, or clipnorm, may help",
                        fit->epoch + 1, step + 1, isnan(*program->total) ? "NaN" : "infinite");
    cni_trainer_update(fit->trainer, program, n);
    fit->at = fit->at + 1 < fit->batches ? fit->at + 1 : 0;
    return CN_OK;
}

static bool is_interrupted(const cni_fit *fit)
{
    return fit->args->interrupt && *fit->args->interrupt;
}

static cn_status run_batches(cni_fit *fit)
{
    for (int64_t step = 0; step < fit->steps; step++) {
        if (step && fit->at == 0 && fit->args->steps_per_epoch > 0) {
            cni_fit_say(fit, "Your input ran out of data: the epoch ends after %" PRId64 " of %" PRId64 " steps", step,
                        fit->steps);
            break;
        }
        fit->done = step + 1;
        CALL(fit, batch_begin, c_, step);
        CN_TRY(train_batch(fit, step));
        const cn_logs *logs = cni_trainer_scores(fit->trainer, true);
        tell(fit, step + 1, false, logs);
        CALL(fit, batch_end, c_, step, cni_trainer_scores(fit->trainer, true));
        if (fit->model->stop_training || is_interrupted(fit)) break;
    }
    return CN_OK;
}

static cn_status validate(cni_fit *fit)
{
    const cn_fit_args *args = fit->args;
    int frequency = args->validation_freq > 0 ? args->validation_freq : 1;
    if (!fit->validates || (fit->epoch + 1) % frequency) return CN_OK;
    int batch = args->validation_batch_size > 0 ? args->validation_batch_size : fit->batch;
    CN_TRY(cni_trainer_evaluate(fit->trainer, &fit->validation, batch, args->validation_steps, NULL, NULL, fit->error));
    const cn_logs *scores = cni_trainer_scores(fit->trainer, true);
    for (int i = 0; i < scores->count; i++) {
        const char *name = cni_arena_printf(&fit->arena, "val_%s", scores->names[i]);
        if (!name) return cni_no_memory(fit->error, "logs");
        cni_fit_log(fit, name, scores->values[i]);
    }
    return CN_OK;
}

static cn_status run_epoch(cni_fit *fit)
{
    cni_trainer_reset(fit->trainer);
    fit->epoch_began = cni_now();
    fit->logs = (cn_logs){0, fit->names, fit->values};
    CALL(fit, epoch_begin, c_, fit->epoch);
    CN_TRY(run_batches(fit));
    if (is_interrupted(fit)) return CN_OK;
    const cn_logs *scores = cni_trainer_scores(fit->trainer, true);
    for (int i = 0; i < scores->count; i++) cni_fit_log(fit, scores->names[i], scores->values[i]);
    CN_TRY(validate(fit));
    CALL(fit, epoch_end, c_, fit->epoch);
    tell(fit, fit->done, true, &fit->logs);
    return cni_history_add(fit->history, fit->epoch, &fit->logs, fit->error);
}

static cn_status run(cni_fit *fit)
{
    int epochs = fit->args->epochs > 0 ? fit->args->epochs : fit->args->epochs == 0 ? 1 : 0;
    const int first = fit->args->initial_epoch == CN_ZERO_INT ? 0 : fit->args->initial_epoch;
    CALL(fit, train_begin, c_);
    for (fit->epoch = first; fit->epoch < epochs; fit->epoch++) {
        CN_TRY(run_epoch(fit));
        if (fit->model->stop_training || is_interrupted(fit)) break;
    }
    if (fit->model->compiled->state) cni_optimizer_finish(fit->model->compiled->state);
    CALL(fit, train_end, c_);
    return CN_OK;
}

static cn_status check_counts(const cni_fit *fit)
{
    const cn_fit_args *a = fit->args;
    const struct {
        const char *name;
        int value;
    } counts[] = {{"batch_size", a->batch_size},
                  {"steps_per_epoch", a->steps_per_epoch},
                  {"validation_steps", a->validation_steps},
                  {"validation_batch_size", a->validation_batch_size},
                  {"validation_freq", a->validation_freq}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i].value < 0)
            return cni_fail(fit->error, CN_ERR_INVALID, "fit: %s=%d; expected an integer from 1 upwards",
                            counts[i].name, counts[i].value);
    return CN_OK;
}

static cn_status prepare(cni_fit *fit)
{
    cn_model *model = fit->model;
    CN_TRY(check_counts(fit));
    CN_TRY(cni_compiled_check(model, "fit", fit->error));
    if (!fit->history) return cni_no_memory(fit->error, "the history");
    CN_TRY(take_rows(fit));
    CN_TRY(cni_model_check_runs(model, fit->error));
    CN_TRY(check_validation(fit));
    CN_TRY(weigh_classes(fit));
    fit->trainer = cni_trainer_of(model, fit->error);
    if (!fit->trainer) return fit->error->status;
    CN_TRY(plan_passes(fit));
    return cni_fit_callbacks(fit);
}

/* Callbacks find the model and its context in use: neither may be changed under the plans that run. */
static cn_status run_busy(cni_fit *fit)
{
    fit->model->busy = true;
    fit->model->context->running++;
    const cn_status status = run(fit);
    fit->model->context->running--;
    fit->model->busy = false;
    return status;
}

static cn_history *fit_model(cn_model *model, const cn_fit_args *args)
{
    cni_attachment *slot = model->attachments + CNI_ATTACH_HISTORY;
    cni_history_free(slot->data);
    slot->release = cni_history_free;
    slot->data = cni_history_new();
    cni_fit *fit = calloc(1, sizeof *fit);
    if (!fit) {
        cni_no_memory(&model->call_error, "fit");
        return NULL;
    }
    *fit = (cni_fit){.model = model, .args = args, .error = &model->call_error, .history = slot->data};
    model->stop_training = false;
    cn_status status = prepare(fit);
    if (!status) status = run_busy(fit);
    for (int i = 0; i < fit->callback_count; i++)
        if (fit->callbacks[i]->kind->release) fit->callbacks[i]->kind->release(fit->callbacks[i]);
    cn_history *history = fit->history;
    cni_arena_free(&fit->arena);
    free(fit);
    return status ? NULL : history;
}

cn_history *cn_model_fit(cn_model *model, const cn_fit_args *args)
{
    cn_fit_args given;
    if (!model || model->error.status) return NULL;
    cni_error_clear(&model->call_error);
    if (model->busy) {
        cni_fail(&model->call_error, CN_ERR_STATE, "fit: the model is in training");
        return NULL;
    }
    if (cni_take_args(&given, sizeof given, args, sizeof(size_t), "fit", &model->call_error)) return NULL;
    return fit_model(model, &given);
}

void cn_stop_training(cn_model *model)
{
    if (model) model->stop_training = true;
}
