/* SPDX-License-Identifier: Apache-2.0
 * Programs: lowering a model with its losses, penalties and optimizer, and planning the whole. */
#include "train/program.h"

#include "graph/ops/binary.h"
#include "graph/ops/unary.h"
#include "model/config.h"
#include "model/plan_files.h"
#include "model/stored.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct making {
    cn_model *model;
    const cni_program_key *key;
    cni_graph *graph;
    cni_lowering lowering;
    cni_tensor *x[CN_MAX_ARRAYS], *y_pred[CN_MAX_ARRAYS], *y_true[CN_MAX_ARRAYS], *losses[CN_MAX_ARRAYS];
    cni_tensor *sample_weight, *total;
    cni_error *error;
} making;

static cni_tensor *plus(cni_graph *graph, cni_tensor *a, cni_tensor *b)
{
    return a && b ? cni_add(graph, a, b) : a ? a : b;
}

static cn_status lower_forward(making *m)
{
    const cn_model *model = m->model;
    cni_shape shapes[CN_MAX_ARRAYS];
    CN_TRY(cni_model_shapes(m->model, model->input_count, m->key->inputs, shapes, m->error));
    for (int i = 0; i < model->input_count; i++) m->x[i] = cni_graph_input(m->graph, m->key->inputs[i]);
    m->lowering = (cni_lowering){.graph = m->graph,
                                 .training = m->key->mode == CNI_TRAIN,
                                 .penalize = m->key->mode != CNI_PREDICT,
                                 .frozen = !model->trained};
    CN_TRY(cni_model_lower(m->model, &m->lowering, m->x, m->y_pred, m->error));
    for (int i = 0; i < model->output_count; i++) {
        if (m->y_pred[i]->is_input) m->y_pred[i] = cni_affine(m->graph, m->y_pred[i], 1, 0);
        m->y_pred[i]->is_output = true;
    }
    return CN_OK;
}

static cn_status lower_losses(making *m)
{
    const cni_compiled *compiled = m->model->compiled;
    double epsilon = m->model->context->epsilon;
    if (m->key->weighted) m->sample_weight = cni_graph_input(m->graph, CNI_SHAPE(CNI_UNKNOWN));
    for (int i = 0; i < m->model->output_count; i++) {
        const cni_target *target = compiled->targets + i;
        if (m->key->targets[i].rank) m->y_true[i] = cni_graph_input(m->graph, m->key->targets[i]);
        if (!target->loss) continue;
        if (!m->y_true[i])
            return cni_fail(m->error, CN_ERR_INVALID, "loss %s: output \"%s\" has no targets (y) to be compared with",
                            cni_loss_name(target->loss), cni_output_name(m->model, i));
        m->losses[i] = cni_lower_loss(m->graph, target->loss, m->y_true[i], m->y_pred[i], m->sample_weight, epsilon);
        m->losses[i]->is_output = true;
        cni_tensor *share =
            target->loss_weight == 1 ? m->losses[i] : cni_affine(m->graph, m->losses[i], target->loss_weight, 0);
        m->total = plus(m->graph, m->total, share);
    }
    m->total = plus(m->graph, m->total, m->lowering.penalty);
    return CN_OK;
}

/* Regularizers count for trainable weights only. */
static void add_weight_penalty(void *user, cni_variable *weight)
{
    making *m = user;
    if (!weight->regularizer) return;
    cni_tensor *w = cni_graph_variable(m->graph, weight);
    w->differentiable = m->key->mode == CNI_TRAIN;
    m->total = plus(m->graph, m->total, cni_lower_regularizer(m->graph, weight->regularizer, w));
}

typedef struct wanted {
    making *m;
    cni_tensor **weights, **gradients;
    int count;
} wanted;

static void collect(void *user, cni_variable *weight)
{
    wanted *w = user;
    if (w->weights) w->weights[w->count] = cni_graph_variable(w->m->graph, weight);
    w->count++;
}

static cn_status lower_update(making *m)
{
    cni_optimizer_state *state = cni_compiled_state(m->model, m->error);
    if (!state) return m->error->status;
    wanted w = {.m = m};
    cni_model_trained(m->model, collect, &w);
    size_t size = (size_t)w.count + 1;
    w.weights = calloc(size, sizeof *w.weights);
    w.gradients = calloc(size, sizeof *w.gradients);
    w.count = 0;
    if (w.weights && w.gradients) {
        cni_model_trained(m->model, collect, &w);
        const double scale = cni_optimizer_loss_scale(state);
        cni_tensor *scaled = scale == 1 ? m->total : cni_affine(m->graph, m->total, scale, 0);
        cni_differentiate(m->graph, scaled, w.weights, w.count, w.gradients);
        cni_lower_optimizer(m->graph, state, w.gradients, m->model->context->epsilon);
    }
    cn_status status = w.weights && w.gradients ? CN_OK : cni_no_memory(m->error, "a training step");
    free(w.weights);
    free(w.gradients);
    return status;
}

static cn_status lower(making *m)
{
    CN_TRY(cni_model_check_runs(m->model, m->error));
    CN_TRY(cni_model_materialise(m->model, m->error));
    if (m->key->mode == CNI_TRAIN) cni_model_forget_file(m->model);
    CN_TRY(lower_forward(m));
    if (m->key->mode == CNI_PREDICT) return CN_OK;
    CN_TRY(lower_losses(m));
    cni_model_trained(m->model, add_weight_penalty, m);
    if (!m->total && m->key->mode == CNI_TRAIN)
        return cni_fail(
            m->error, CN_ERR_STATE,
            "the model was compiled without a loss: there is nothing to train for; give cn_compile a .loss, "
            "e.g. \"mse\"");
    if (!m->total) m->total = cni_graph_constant(m->graph, (cni_shape){0}, 0);
    m->total->is_output = true;
    return m->key->mode == CNI_TRAIN ? lower_update(m) : CN_OK;
}

static void locate(making *m, cni_program *program)
{
    program->input_count = m->model->input_count;
    program->output_count = m->model->output_count;
    for (int i = 0; i < program->input_count; i++) {
        program->x[i] = cni_plan_data(program->plan, m->x[i]);
        program->x_tensor[i] = m->x[i];
    }
    for (int i = 0; i < program->output_count; i++) {
        program->y_pred[i] = cni_plan_data(program->plan, m->y_pred[i]);
        program->y_tensor[i] = m->y_pred[i];
        program->output_shapes[i] = m->y_pred[i]->shape;
        if (m->y_true[i]) program->y_true[i] = cni_plan_data(program->plan, m->y_true[i]);
        if (m->losses[i]) program->losses[i] = cni_plan_data(program->plan, m->losses[i]);
    }
    if (m->sample_weight) program->sample_weight = cni_plan_data(program->plan, m->sample_weight);
    if (m->total) program->total = cni_plan_data(program->plan, m->total);
}

cn_status cni_program_new(cn_model *model, const cni_program_key *key, cni_pool *pool, cni_program **out,
                          cni_error *error)
{
    cni_program *program = calloc(1, sizeof *program);
    cni_graph *graph = cni_graph_new();
    making m = {.model = model, .key = key, .graph = graph, .error = error};
    if (!program || !graph) {
        free(program);
        cni_graph_free(graph);
        return cni_no_memory(error, "a plan");
    }
    program->key = *key;
    cni_choices used = {0};
    cn_status status = lower(&m);
    if (!status && graph->error.status) status = cni_fail(error, graph->error.status, "%s", graph->error.text);
    if (status) cni_graph_free(graph);
    cni_plan_options options = {.batch = key->batch,
                                .kernels = &model->context->kernels,
                                .pool = pool,
                                .math = key->math,
                                .choices = &model->context->choices,
                                .used = &used,
                                .snapshot = key->snapshot};
    if (!status) status = cni_plan_new(graph, &options, &program->plan, error);
    if (!status) cni_note_planned(model->context, &used);
    if (!status && key->mode == CNI_TRAIN) cni_take_trained_ways(model, &used);
    cni_choices_clear(&used);
    if (status) {
        free(program);
        return status;
    }
    locate(&m, program);
    *out = program;
    return CN_OK;
}

void cni_program_free(cni_program *program)
{
    if (!program) return;
    cni_plan_free(program->plan);
    free(program);
}

bool cni_program_fits(const cni_program *program, const cni_program_key *key)
{
    const cni_program_key *own = &program->key;
    bool fits = own->mode == key->mode && own->batch >= key->batch && own->weighted == key->weighted &&
                own->math == key->math && own->plan == key->plan && own->snapshot == key->snapshot;
    for (int i = 0; i < CN_MAX_ARRAYS && fits; i++)
        fits = cni_shape_equal(own->inputs + i, key->inputs + i) && cni_shape_equal(own->targets + i, key->targets + i);
    return fits;
}

bool cni_program_run(cn_model *model, cni_program *program, int n, bool finite)
{
    if (program->key.mode != CNI_TRAIN) {
        cni_plan_run(program->plan, CNI_GRADIENTS, n);
        return true;
    }
    cni_optimizer_state *state = model->compiled->state;
    bool due = cni_optimizer_begin(state, cni_plan_scalars(program->plan));
    cni_plan_run(program->plan, CNI_GRADIENTS, n);
    if (finite && !isfinite(*program->total)) return false;
    cni_plan_run(program->plan, CNI_REDUCE, n);
    if (due) cni_plan_run(program->plan, CNI_UPDATE, n);
    cni_optimizer_end(state);
    return true;
}
