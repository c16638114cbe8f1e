/* SPDX-License-Identifier: Apache-2.0
 * Predictors: a snapshot of a model's weights in a plan of its own, with its own threads and error. */
#include "model/config.h"
#include "train/trainer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

/* Of an input or output: whether the plan may read or write the caller's array, and which one it does now. */
typedef struct lending {
    bool possible;
    const float *lent;
} lending;

struct cn_predictor {
    cni_program *program;
    cni_pool *pool;
    cn_model *model;
    uint64_t wiring;
    lending inputs[CN_MAX_ARRAYS], outputs[CN_MAX_ARRAYS];
    cni_error error;
};

static cn_status check_new(const cn_model *model, int batch, int threads, cni_error *error)
{
    enum { MOST_THREADS = 1024 };
    if (batch < 1) return cni_fail(error, CN_ERR_INVALID, "cn_predictor_new: batch=%d; 1 or more expected", batch);
    if (threads < 0 || threads > MOST_THREADS)
        return cni_fail(error, CN_ERR_INVALID, "cn_predictor_new: threads=%d; a number from 0 to %d expected", threads,
                        MOST_THREADS);
    if (model->complete) return CN_OK;
    if (!model->sequential)
        return cni_fail(error, CN_ERR_STATE,
                        "cn_predictor_new: the model has no outputs yet (cn_outputs)");
    return cni_fail(error, CN_ERR_STATE,
                    "cn_predictor_new: the model has no weights yet, since the size of its input is not known: give it "
                    "(cn_build, or cn_input as the first layer)");
}

cn_predictor *cn_predictor_new(cn_model *model, int batch, int threads)
{
    if (!model || model->error.status) return NULL;
    cni_error *error = &model->call_error;
    cni_error_clear(error);
    cni_program_key key = {.mode = CNI_PREDICT,
                           .batch = batch,
                           .math = model->context->math,
                           .plan = model->context->choices.version,
                           .snapshot = true};
    if (check_new(model, batch, threads, error)) return NULL;
    for (int i = 0; i < model->input_count; i++) {
        key.inputs[i] = model->inputs[i]->shape;
        key.inputs[i].dims[0] = CNI_UNKNOWN;
        if (cni_shape_count(key.inputs + i, 1) < 0) {
            cni_fail(error, CN_ERR_UNSUPPORTED,
                     "cn_predictor_new: input %d has free dimensions %s; a predictor needs them fixed (cn_predict "
                     "takes any size)",
                     i, CNI_SHOW_SHAPE(key.inputs + i));
            return NULL;
        }
    }
    cn_predictor *predictor = calloc(1, sizeof *predictor);
    if (!predictor) {
        cni_no_memory(error, "a predictor");
        return NULL;
    }
    predictor->model = model;
    predictor->wiring = model->wiring;
    if (threads > 1) predictor->pool = cni_pool_new(threads);
    if (cni_program_new(model, &key, predictor->pool, &predictor->program, error)) {
        cn_predictor_free(predictor);
        return NULL;
    }
    const cni_program *program = predictor->program;
    for (int i = 0; i < program->input_count; i++)
        predictor->inputs[i].possible = cni_plan_may_lie(program->plan, program->x_tensor[i]);
    for (int i = 0; i < program->output_count; i++)
        predictor->outputs[i].possible = cni_plan_may_lie(program->plan, program->y_tensor[i]);
    return predictor;
}

void cn_predictor_free(cn_predictor *predictor)
{
    if (!predictor) return;
    cni_program_free(predictor->program);
    cni_pool_free(predictor->pool);
    free(predictor);
}

cn_status cn_predictor_refresh(cn_predictor *predictor, const cn_model *model)
{
    if (!predictor) return CN_ERR_MEMORY;
    cni_error_clear(&predictor->error);
    if (!model || model != predictor->model || model->wiring != predictor->wiring)
        return cni_fail(&predictor->error, CN_ERR_STATE,
                        "cn_predictor_refresh: the predictor was made from another model, or the model has changed");
    CN_TRY(cni_model_materialise(predictor->model, &predictor->error));
    cni_plan_refresh(predictor->program->plan);
    return CN_OK;
}

static cn_status check_run(cn_predictor *predictor, int n, const float *const *inputs, float *const *outputs)
{
    const cni_program *program = predictor->program;
    cni_error *error = &predictor->error;
    bool given = inputs && outputs;
    if (n < 1 || n > program->key.batch)
        return cni_fail(error, CN_ERR_INVALID, "cn_predictor_run: n=%d; from 1 to %d", n, program->key.batch);
    for (int i = 0; i < program->input_count && given; i++) given = inputs[i] != NULL;
    for (int i = 0; i < program->output_count && given; i++) given = outputs[i] != NULL;
    return given ? CN_OK
                 : cni_fail(error, CN_ERR_INVALID,
                            "cn_predictor_run: %d inputs and %d outputs expected, one of them is NULL",
                            program->input_count, program->output_count);
}

/* Lets the plan read or write the caller's array, if it can; else the array must be copied. */
static bool lend(cni_plan *plan, lending *l, const cni_tensor *tensor, const float *array, bool apart)
{
    if (!l->possible || !apart || (uintptr_t)array % LINE) array = NULL;
    if (l->lent != array) {
        cni_plan_lie(plan, tensor, (void *)(uintptr_t)array);
        l->lent = array;
    }
    return array != NULL;
}

static size_t input_bytes(const cni_program *program, int i, int n)
{
    return (size_t)n * (size_t)cni_shape_count(program->key.inputs + i, 1) * sizeof(float);
}

static size_t output_bytes(const cni_program *program, int i, int n)
{
    return (size_t)n * (size_t)cni_shape_count(program->output_shapes + i, 1) * sizeof(float);
}

/* Whether the array has no byte in common with an output, but for the output `own`. */
static bool is_apart(const cni_program *program, int n, const float *array, size_t bytes, float *const *outputs,
                     int own)
{
    const uintptr_t at = (uintptr_t)array;
    for (int i = 0; i < program->output_count; i++) {
        const uintptr_t y = (uintptr_t)outputs[i];
        if (i != own && at < y + output_bytes(program, i, n) && y < at + bytes) return false;
    }
    return true;
}

cn_status cn_predictor_run(cn_predictor *predictor, int n, const float *const *inputs, float *const *outputs)
{
    if (!predictor) return CN_ERR_MEMORY;
    cni_program *program = predictor->program;
    cni_error_clear(&predictor->error);
    CN_TRY(check_run(predictor, n, inputs, outputs));
    bool apart = true;
    for (int i = 0; i < program->input_count; i++)
        apart = apart && is_apart(program, n, inputs[i], input_bytes(program, i, n), outputs, -1);
    for (int i = 0; i < program->output_count; i++)
        apart = apart && is_apart(program, n, outputs[i], output_bytes(program, i, n), outputs, i);
    for (int i = 0; i < program->input_count; i++)
        if (!lend(program->plan, &predictor->inputs[i], program->x_tensor[i], inputs[i], apart))
            memcpy(program->x[i], inputs[i], input_bytes(program, i, n));
    for (int i = 0; i < program->output_count; i++)
        lend(program->plan, &predictor->outputs[i], program->y_tensor[i], outputs[i], apart);
    cni_plan_run(program->plan, CNI_GRADIENTS, n);
    for (int i = 0; i < program->output_count; i++)
        if (!predictor->outputs[i].lent) memcpy(outputs[i], program->y_pred[i], output_bytes(program, i, n));
    return CN_OK;
}

const char *cn_predictor_error(const cn_predictor *predictor)
{
    return predictor ? predictor->error.text : "no predictor";
}

int64_t cn_predictor_memory(const cn_predictor *predictor)
{
    return predictor ? (int64_t)cni_plan_arena_bytes(predictor->program->plan) : 0;
}
