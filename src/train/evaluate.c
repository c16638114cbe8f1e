/* SPDX-License-Identifier: Apache-2.0
 * evaluate, and single steps on a batch. */
#include "train/trainer.h"

#include "base/take.h"

#include <string.h>

static void tell(cn_progress_writer *progress, void *user, cni_trainer *trainer, int64_t step, int64_t steps,
                 double begin)
{
    if (!progress) return;
    cn_progress now = {.step = step,
                       .steps = steps,
                       .seconds = cni_now() - begin,
                       .evaluating = true,
                       .end_of_epoch = step == steps,
                       .logs = *cni_trainer_scores(trainer, true)};
    progress(user, &now);
}

cn_status cni_trainer_evaluate(cni_trainer *trainer, const cni_samples *rows, int batch, int steps,
                               cn_progress_writer *progress, void *user, cni_error *error)
{
    cni_program *program;
    double begin = cni_now();
    if ((size_t)batch > rows->count) batch = (int)rows->count; /* a plan for no more than there is */
    int64_t batches = ((int64_t)rows->count + batch - 1) / batch;
    if (steps > 0 && steps < batches) batches = steps;
    CN_TRY(cni_trainer_program(trainer, rows, CNI_EVALUATE, batch, &program, error));
    CN_TRY(cni_trainer_measure(trainer, program, error));
    cni_trainer_reset(trainer);
    for (int64_t i = 0; i < batches; i++) {
        size_t first = (size_t)i * (size_t)batch, left = rows->count - first;
        int n = left < (size_t)batch ? (int)left : batch;
        CN_TRY(cni_samples_gather(rows, NULL, first, n, program, error));
        CN_TRY(cni_samples_check_labels(trainer->model, rows, program, NULL, first, n, error));
        cni_program_run(trainer->model, program, n, false);
        cni_trainer_update(trainer, program, n);
        tell(progress, user, trainer, i + 1, batches, begin);
    }
    return CN_OK;
}

static void rows_of(const cn_data *data, cni_samples *rows)
{
    *rows = (cni_samples){.sample_weight = data->sample_weight};
    rows->inputs = cni_samples_spread(data->x, data->inputs, rows->x);
    rows->targets = cni_samples_spread(data->y, data->targets, rows->y);
    rows->count = cni_samples_total(rows);
}

static cn_status ready(cn_model *model, const cni_samples *rows, const char *what)
{
    cni_error *error = &model->call_error;
    cni_error_clear(error);
    if (model->error.status) return model->error.status;
    CN_TRY(cni_compiled_check(model, what, error));
    CN_TRY(cni_build_for_rows(model, rows, what, error));
    CN_TRY(cni_samples_check(model, rows, what, error));
    return cni_samples_need_targets(model, rows, what, error);
}

static const cn_logs *evaluate(cn_model *model, const cn_evaluate_args *args)
{
    cni_samples rows;
    cn_data data = {.x = args->x, .y = args->y, .sample_weight = args->sample_weight};
    memcpy(data.inputs, args->inputs, sizeof data.inputs);
    memcpy(data.targets, args->targets, sizeof data.targets);
    rows_of(&data, &rows);
    if (ready(model, &rows, "evaluate")) return NULL;
    cni_trainer *trainer = cni_trainer_of(model, &model->call_error);
    int batch = args->batch_size > 0 ? args->batch_size : 32;
    if (args->steps > 0 && args->batch_size <= 0) batch = cni_batch_for_steps(rows.count, (size_t)args->steps);
    if (!trainer || cni_trainer_evaluate(trainer, &rows, batch, args->steps, args->progress, args->progress_user,
                                         &model->call_error))
        return NULL;
    return cni_trainer_scores(trainer, false);
}

const cn_logs *cn_model_evaluate(cn_model *model, const cn_evaluate_args *args)
{
    cn_evaluate_args given;
    if (!model || model->error.status) return NULL;
    cni_error_clear(&model->call_error);
    if (cni_take_args(&given, sizeof given, args, sizeof(size_t), "evaluate", &model->call_error)) return NULL;
    if (given.batch_size < 0 || given.steps < 0) {
        cni_fail(&model->call_error, CN_ERR_INVALID, "evaluate: batch_size=%d, steps=%d; they cannot be negative",
                 given.batch_size, given.steps);
        return NULL;
    }
    model->context->running++;
    const cn_logs *scores = evaluate(model, &given);
    model->context->running--;
    return scores;
}

static const cn_logs *on_batch(cn_model *model, const cn_data *batch, cni_mode mode, const char *what)
{
    cni_samples rows;
    cni_program *program;
    if (!model) return NULL;
    cni_error *error = &model->call_error;
    rows_of(batch ? batch : &(cn_data){0}, &rows);
    if (ready(model, &rows, what)) return NULL;
    if (rows.count > INT32_MAX || model->busy) {
        cni_fail(error, model->busy ? CN_ERR_STATE : CN_ERR_LIMIT, "%s: %s", what,
                 model->busy ? "the model is in training" : "too many rows for one batch");
        return NULL;
    }
    cni_trainer *trainer = cni_trainer_of(model, error);
    int n = (int)rows.count;
    if (!trainer || cni_trainer_program(trainer, &rows, mode, n, &program, error) ||
        cni_trainer_measure(trainer, program, error) || cni_samples_gather(&rows, NULL, 0, n, program, error) ||
        cni_samples_check_labels(model, &rows, program, NULL, 0, n, error))
        return NULL;
    cni_trainer_reset(trainer);
    cni_program_run(model, program, n, false);
    cni_trainer_update(trainer, program, n);
    return cni_trainer_scores(trainer, false);
}

const cn_logs *cn_train_on_batch(cn_model *model, const cn_data *batch)
{
    return on_batch(model, batch, CNI_TRAIN, "train_on_batch");
}

const cn_logs *cn_test_on_batch(cn_model *model, const cn_data *batch)
{
    return on_batch(model, batch, CNI_EVALUATE, "test_on_batch");
}
