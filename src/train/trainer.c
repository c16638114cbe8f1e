/* SPDX-License-Identifier: Apache-2.0
 * The trainer: programs and scores. */
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double cni_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int cni_batch_for_steps(size_t rows, size_t steps)
{
    const size_t batch = rows / steps + (rows % steps != 0);
    return batch < INT32_MAX ? (int)batch : INT32_MAX;
}

static void free_programs(cni_trainer *trainer)
{
    for (int i = 0; i < CNI_MODES; i++)
        for (int j = 0; j < CNI_SHAPES; j++) {
            cni_program_free(trainer->programs[i][j]);
            trainer->programs[i][j] = NULL;
        }
}

static void trainer_free(void *data)
{
    cni_trainer *trainer = data;
    if (!trainer) return;
    free_programs(trainer);
    for (int i = 0; i < trainer->measure_count; i++) cni_metric_free(trainer->measures[i].metric);
    cni_arena_free(&trainer->arena);
    free(trainer);
}

cni_trainer *cni_trainer_of(cn_model *model, cni_error *error)
{
    cni_attachment *slot = model->attachments + CNI_ATTACH_TRAINER;
    cni_trainer *trainer = slot->data;
    if (trainer && trainer->wiring == model->wiring) return trainer;
    trainer_free(trainer);
    slot->data = trainer = calloc(1, sizeof *trainer);
    slot->release = trainer_free;
    if (!trainer) {
        cni_no_memory(error, "a trainer");
        return NULL;
    }
    trainer->model = model;
    trainer->wiring = model->wiring;
    return trainer;
}

cn_status cni_trainer_program(cni_trainer *trainer, const cni_samples *rows, cni_mode mode, int batch,
                              cni_program **program, cni_error *error)
{
    cni_program_key key;
    cn_context *context = trainer->model->context;
    cni_pool *pool = cni_context_pool(context);
    cni_samples_key(trainer->model, rows, mode, batch, &key);
    if (trainer->pools != context->pools) free_programs(trainer); /* their threads have ended */
    trainer->pools = context->pools;
    cni_program **slots = trainer->programs[mode], *found = NULL;
    int at = 0;
    while (at < CNI_SHAPES - 1 && !(slots[at] && cni_program_fits(slots[at], &key))) at++;
    if (slots[at] && cni_program_fits(slots[at], &key))
        found = slots[at];
    else {
        cni_program_free(slots[at]);
        slots[at] = NULL;
        CN_TRY(cni_program_new(trainer->model, &key, pool, &found, error));
    }
    memmove(slots + 1, slots, (size_t)at * sizeof *slots);
    slots[0] = *program = found;
    return CN_OK;
}

/* ---- names, as Keras' CompileMetrics gives them ---- */

static bool is_taken(const cni_trainer *trainer, const char *name)
{
    for (int i = 0; i < trainer->measure_count; i++)
        if (strcmp(trainer->measures[i].name, name) == 0) return true;
    return false;
}

static const char *measure_name(cni_trainer *trainer, const cni_object *object, int output, bool weighted)
{
    cni_arena *arena = &trainer->arena;
    const char *base = cni_metric_name(object);
    const char *prefix = trainer->model->output_count > 1 ? cni_output_name(trainer->model, output) : NULL;
    const char *name = prefix ? cni_arena_printf(arena, "%s_%s", prefix, base) : cni_arena_text(arena, base);
    if (name && weighted && is_taken(trainer, name))
        name = prefix ? cni_arena_printf(arena, "%s_weighted_%s", prefix, base)
                      : cni_arena_printf(arena, "weighted_%s", base);
    const char *numbered = name;
    for (int i = 1; numbered && is_taken(trainer, numbered); i++) numbered = cni_arena_printf(arena, "%s_%d", name, i);
    return numbered;
}

/* The metric itself, which remembers: another shape begins anew. */
static cn_status fit_measure(cni_trainer *trainer, const cni_program *program, cni_measure *measure, cni_error *error)
{
    const cni_shape *y_true = program->key.targets + measure->output,
                    *y_pred = program->output_shapes + measure->output;
    if (!y_true->rank)
        return cni_fail(error, CN_ERR_INVALID, "metrics: output \"%s\" has no targets to be measured by",
                        cni_output_name(trainer->model, measure->output));
    if (measure->metric && cni_shape_equal(&measure->y_true, y_true) && cni_shape_equal(&measure->y_pred, y_pred))
        return CN_OK;
    cni_metric_free(measure->metric);
    measure->metric = NULL;
    CN_TRY(cni_metric_new(measure->object, y_true, y_pred, trainer->model->context->epsilon, &measure->metric, error));
    measure->y_true = *y_true;
    measure->y_pred = *y_pred;
    return CN_OK;
}

static cn_status add_measure(cni_trainer *trainer, const cni_object *object, int output, bool weighted,
                             cni_error *error)
{
    cni_measure *measure = trainer->measures + trainer->measure_count;
    *measure = (cni_measure){.object = object,
                             .output = output,
                             .weighted = weighted,
                             .name = measure_name(trainer, object, output, weighted)};
    if (!measure->name) return cni_no_memory(error, "a metric");
    trainer->measure_count++;
    return CN_OK;
}

static cn_status add_measures(cni_trainer *trainer, bool weighted, cni_error *error)
{
    for (int i = 0; i < trainer->model->output_count; i++) {
        const cni_target *target = trainer->model->compiled->targets + i;
        int count = weighted ? target->weighted_count : target->metric_count;
        for (int j = 0; j < count; j++)
            CN_TRY(
                add_measure(trainer, weighted ? target->weighted_metrics[j] : target->metrics[j], i, weighted, error));
    }
    return CN_OK;
}

static cn_status name_losses(cni_trainer *trainer, const cni_program *program, cni_error *error)
{
    int count = 0;
    for (int i = 0; i < program->output_count; i++) count += program->losses[i] != NULL;
    for (int i = 0; i < program->output_count && count > 1; i++) {
        if (!program->losses[i]) continue;
        trainer->loss_names[i] = cni_arena_printf(&trainer->arena, "%s_loss", cni_output_name(trainer->model, i));
        if (!trainer->loss_names[i]) return cni_no_memory(error, "logs");
    }
    return CN_OK;
}

static cn_status list_measures(cni_trainer *trainer, const cni_program *program, cni_error *error)
{
    int count = 0;
    for (int i = 0; i < program->output_count; i++) {
        const cni_target *target = trainer->model->compiled->targets + i;
        count += target->metric_count + target->weighted_count;
    }
    trainer->measures = CNI_NEW_ARRAY(&trainer->arena, cni_measure, (size_t)count + 1);
    if (!trainer->measures) return cni_no_memory(error, "metrics");
    CN_TRY(name_losses(trainer, program, error));
    CN_TRY(add_measures(trainer, false, error));
    return add_measures(trainer, true, error);
}

cn_status cni_trainer_measure(cni_trainer *trainer, const cni_program *program, cni_error *error)
{
    if (!trainer->measures) CN_TRY(list_measures(trainer, program, error));
    for (int i = 0; i < trainer->measure_count; i++)
        CN_TRY(fit_measure(trainer, program, trainer->measures + i, error));
    return CN_OK;
}

/* ---- scores ---- */

void cni_trainer_reset(cni_trainer *trainer)
{
    trainer->rows = trainer->loss = 0;
    memset(trainer->losses, 0, sizeof trainer->losses);
    for (int i = 0; i < trainer->measure_count; i++)
        if (trainer->measures[i].metric) cni_metric_reset(trainer->measures[i].metric);
}

void cni_trainer_update(cni_trainer *trainer, const cni_program *program, int n)
{
    trainer->seen = true;
    trainer->rows += n;
    trainer->loss += (double)*program->total * n;
    for (int i = 0; i < program->output_count; i++)
        if (program->losses[i]) trainer->losses[i] += (double)*program->losses[i] * n;
    for (int i = 0; i < trainer->measure_count; i++) {
        const cni_measure *m = trainer->measures + i;
        cni_metric_update(m->metric, program->y_true[m->output], program->y_pred[m->output],
                          m->weighted ? program->sample_weight : NULL, (size_t)n);
    }
}

static void add_score(cni_trainer *trainer, const char *name, double value)
{
    if (trainer->logs.count == CNI_MAX_SCORES) return;
    trainer->names[trainer->logs.count] = name;
    trainer->values[trainer->logs.count++] = value;
}

static void sort_scores(cni_trainer *trainer, int from)
{
    for (int i = from + 1; i < trainer->logs.count; i++) {
        const char *name = trainer->names[i];
        double value = trainer->values[i];
        int at = i;
        for (; at > from && strcmp(trainer->names[at - 1], name) > 0; at--) {
            trainer->names[at] = trainer->names[at - 1];
            trainer->values[at] = trainer->values[at - 1];
        }
        trainer->names[at] = name;
        trainer->values[at] = value;
    }
}

const cn_logs *cni_trainer_scores(cni_trainer *trainer, bool sorted)
{
    double rows = trainer->rows > 0 ? trainer->rows : 1;
    trainer->logs = (cn_logs){0, trainer->names, trainer->values};
    add_score(trainer, "loss", trainer->loss / rows);
    for (int i = 0; i < CN_MAX_ARRAYS; i++)
        if (trainer->loss_names[i]) add_score(trainer, trainer->loss_names[i], trainer->losses[i] / rows);
    int metrics = trainer->logs.count;
    for (int i = 0; i < trainer->measure_count; i++) {
        const cni_measure *m = trainer->measures + i;
        add_score(trainer, m->name, m->metric ? cni_metric_result(m->metric) : NAN);
    }
    if (sorted)
        sort_scores(trainer, 0);
    else if (trainer->model->output_count > 1)
        sort_scores(trainer, metrics);
    return &trainer->logs;
}

double cn_logs_get(const cn_logs *logs, const char *name)
{
    for (int i = 0; logs && name && i < logs->count; i++)
        if (strcmp(logs->names[i], name) == 0) return logs->values[i];
    return NAN;
}

int64_t cn_plan_memory(const cn_model *model)
{
    const cni_trainer *trainer = model ? model->attachments[CNI_ATTACH_TRAINER].data : NULL;
    int64_t bytes = 0;
    for (int i = 0; trainer && i < CNI_MODES; i++)
        for (int j = 0; j < CNI_SHAPES; j++)
            if (trainer->programs[i][j]) bytes += (int64_t)cni_plan_arena_bytes(trainer->programs[i][j]->plan);
    return bytes;
}
