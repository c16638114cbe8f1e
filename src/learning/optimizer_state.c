/* SPDX-License-Identifier: Apache-2.0
 * What an optimizer remembers from step to step. */
#include "learning/optimizer_kinds.h"

#include <math.h>
#include <string.h>

struct cni_optimizer_state {
    cni_arena arena;
    const cni_object *optimizer;
    const cni_object *schedule; /* or NULL */
    cni_variable **weights;
    int count;
    bool constrained; /* a weight has a constraint */
    int64_t iteration;
    float learning_rate;
    cni_variable **averages, **accumulators, **slots[CNI_UPDATE_SLOTS]; /* by weight; NULL: not kept */
    cni_optimizer_variable *variables;                                  /* in the order of Keras' files */
    int variable_count;
    int first_scalar;
};

typedef struct making {
    cni_optimizer_state *state;
    int capacity;
    bool failed;
} making;

static void add_variable(making *m, const char *name, const cni_shape *shape, float *data, int64_t *integer)
{
    cni_optimizer_state *s = m->state;
    m->failed |= !name;
    if (!m->failed) s->variables[s->variable_count++] = (cni_optimizer_variable){name, *shape, data, integer};
}

/* A variable of zeros like a weight, e.g. "kernel_momentum". */
static cni_variable *add_like(making *m, const cni_variable *weight, const char *what)
{
    cni_arena *arena = &m->state->arena;
    cni_variable *variable = CNI_NEW(arena, cni_variable);
    /* a cache line at least, and hence more than the arena aligns to less than */
    size_t bytes = (size_t)cni_shape_count(&weight->shape, 0) * sizeof(float);
    float *data = cni_arena_alloc(arena, bytes < 4096 ? 4096 : bytes);
    const char *name = cni_arena_printf(arena, "%s_%s", weight->name ? weight->name : "variable", what);
    m->failed |= !variable || !data || !name;
    if (m->failed) return NULL;
    *variable = (cni_variable){.name = name, .shape = weight->shape, .data = data, .version = 1};
    add_variable(m, name, &weight->shape, data, NULL);
    return variable;
}

static cni_variable **new_list(making *m)
{
    cni_variable **list = CNI_NEW_ARRAY(&m->state->arena, cni_variable *, (size_t)m->state->count);
    m->failed |= !list;
    return list;
}

static cni_variable **add_all(making *m, const char *what)
{
    cni_variable **list = new_list(m);
    for (int i = 0; i < m->state->count && !m->failed; i++) list[i] = add_like(m, m->state->weights[i], what);
    return list;
}

static void add_group(making *m, const cni_slot_group *group)
{
    cni_optimizer_state *s = m->state;
    const int names = group->names[1] ? 2 : 1;
    for (int k = 0; k < names; k++) s->slots[group->slots[k]] = new_list(m);
    for (int i = 0; i < s->count; i++)
        for (int k = 0; k < names && !m->failed; k++)
            s->slots[group->slots[k]][i] = add_like(m, s->weights[i], group->names[k]);
}

static bool accumulates(const cni_optimizer_common *common)
{
    return common->gradient_accumulation_steps >= 2;
}

static void make(making *m)
{
    cni_optimizer_state *s = m->state;
    const cni_optimizer_kind *kind = (const cni_optimizer_kind *)s->optimizer->kind;
    const cni_optimizer_common *common = cni_optimizer_common_of(s->optimizer);
    const cni_shape scalar = {.rank = 0};
    s->variables = CNI_NEW_ARRAY(&s->arena, cni_optimizer_variable, (size_t)(2 + s->count * (2 + CNI_UPDATE_SLOTS)));
    m->failed |= !s->variables;
    add_variable(m, "iteration", &scalar, NULL, &s->iteration);
    if (!s->schedule) add_variable(m, "learning_rate", &scalar, &s->learning_rate, NULL);
    if (common->use_ema) s->averages = add_all(m, "average");
    if (accumulates(common)) s->accumulators = add_all(m, "gradient_accumulator");
    for (int g = 0; g < CNI_SLOT_GROUPS && kind->groups[g].names[0]; g++)
        if (kind->has_group(s->optimizer->args, g)) add_group(m, &kind->groups[g]);
}

/* The learning rate is the first member behind the head of each optimizer's struct. */
static double given_rate(const cni_object *optimizer)
{
    double rate;
    memcpy(&rate, (const char *)optimizer->args + sizeof(cn_optimizer_args), sizeof rate);
    return rate;
}

cn_status cni_optimizer_state_new(const cni_object *optimizer, cni_variable *const *weights, int count,
                                  cni_optimizer_state **state, cni_error *error)
{
    cni_arena arena = {0};
    making m = {.state = CNI_NEW(&arena, cni_optimizer_state)};
    if (m.state) {
        cni_optimizer_state *s = m.state;
        s->arena = arena;
        s->optimizer = optimizer;
        s->schedule = cni_object_of(optimizer, "learning_rate");
        s->learning_rate = (float)given_rate(optimizer);
        s->weights = CNI_NEW_ARRAY(&s->arena, cni_variable *, (size_t)count + 1);
        s->count = count;
        s->first_scalar = -1;
        m.failed = !s->weights;
        for (int i = 0; i < count && !m.failed; i++) {
            s->weights[i] = weights[i];
            s->constrained |= weights[i]->constraint != NULL;
        }
        if (!m.failed) make(&m);
    }
    if (!m.state || m.failed) {
        cni_optimizer_state_free(m.state);
        return cni_no_memory(error, "the state of an optimizer");
    }
    *state = m.state;
    return CN_OK;
}

void cni_optimizer_state_free(cni_optimizer_state *state)
{
    if (!state) return;
    cni_arena arena = state->arena; /* the state lies in it */
    cni_arena_free(&arena);
}

int cni_optimizer_variable_count(const cni_optimizer_state *state)
{
    return state->variable_count;
}

cni_optimizer_variable cni_optimizer_variable_at(cni_optimizer_state *state, int index)
{
    return state->variables[index];
}

void cni_optimizer_loaded(cni_optimizer_state *state)
{
    for (int i = 0; i < state->count; i++)
        for (int k = 0; k < CNI_UPDATE_SLOTS; k++)
            if (state->slots[k]) state->slots[k][i]->version++;
}

double cni_optimizer_learning_rate(const cni_optimizer_state *state)
{
    return state->schedule ? cni_schedule_value(state->schedule, state->iteration) : (double)state->learning_rate;
}

bool cni_optimizer_has_schedule(const cni_optimizer_state *state)
{
    return state->schedule != NULL;
}

void cni_optimizer_set_learning_rate(cni_optimizer_state *state, double learning_rate)
{
    state->learning_rate = (float)learning_rate;
}

int64_t cni_optimizer_iterations(const cni_optimizer_state *state)
{
    return state->iteration;
}

double cni_optimizer_loss_scale(const cni_optimizer_state *state)
{
    const double factor = cni_optimizer_common_of(state->optimizer)->loss_scale_factor;
    return isnan(factor) ? 1 : factor;
}

/* ---- step by step ---- */

/* Keras on JAX averages and constrains after every batch, also while gradients are being accumulated; the updates that
 * the rules and the averages count are those of the whole rounds. */
bool cni_optimizer_begin(cni_optimizer_state *state, double *scalars)
{
    const cni_optimizer_kind *kind = (const cni_optimizer_kind *)state->optimizer->kind;
    const cni_optimizer_common *common = cni_optimizer_common_of(state->optimizer);
    const int64_t round = accumulates(common) ? common->gradient_accumulation_steps : 1;
    const int64_t updates = state->iteration / round;
    const bool due = (state->iteration + 1) % round == 0;
    const float rate = (float)cni_optimizer_learning_rate(state);
    if (state->first_scalar < 0) return due;
    double *own = scalars + state->first_scalar;
    own[CNI_SCALAR_RATE] = (double)rate;
    own[CNI_SCALAR_STEP_RATE] =
        (double)(kind->step_rate ? kind->step_rate(state->optimizer->args, rate, (float)(updates + 1)) : rate);
    own[CNI_SCALAR_EMA] = updates ? (double)(float)common->ema_momentum : 0;
    own[CNI_SCALAR_DUE] = due;
    own[CNI_SCALAR_OVERWRITES] = common->use_ema && common->ema_overwrite_frequency != CNI_NONE_INT &&
                                 (updates + 1) % common->ema_overwrite_frequency == 0;
    return due || common->use_ema || state->constrained;
}

void cni_optimizer_end(cni_optimizer_state *state)
{
    state->iteration++;
}

void cni_optimizer_finish(cni_optimizer_state *state)
{
    for (int i = 0; state->averages && i < state->count; i++) {
        const size_t count = (size_t)cni_shape_count(&state->weights[i]->shape, 0);
        memcpy(state->weights[i]->data, state->averages[i]->data, count * sizeof(float));
        state->weights[i]->version++;
    }
}

/* ---- for the lowering ---- */

cni_variable *cni_optimizer_slot(const cni_optimizer_state *state, int weight, int slot)
{
    return state->slots[slot] ? state->slots[slot][weight] : NULL;
}

cni_variable *cni_optimizer_average(const cni_optimizer_state *state, int weight)
{
    return state->averages ? state->averages[weight] : NULL;
}

cni_variable *cni_optimizer_accumulator(const cni_optimizer_state *state, int weight)
{
    return state->accumulators ? state->accumulators[weight] : NULL;
}

const cni_object *cni_optimizer_of(const cni_optimizer_state *state)
{
    return state->optimizer;
}

int cni_optimizer_weights(const cni_optimizer_state *state, cni_variable *const **weights)
{
    *weights = state->weights;
    return state->count;
}

int *cni_optimizer_first_scalar(cni_optimizer_state *state)
{
    return &state->first_scalar;
}
