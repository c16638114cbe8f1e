/* SPDX-License-Identifier: Apache-2.0
 * The optimizer's part of a training step, as ops:
 *
 *     CNI_REDUCE   the norm that clipping wants; with accumulation instead: sum += gradient
 *     CNI_UPDATE   (with accumulation: the norm, of the mean of the sums)
 *                  for each weight the step, in place; where there is a constraint: the step into a tensor, the
 *                  constraint, assignment */
#include "graph/ops/dense_weights.h"
#include "layers/constraints.h"
#include "learning/optimizer_kinds.h"

#include <math.h>

typedef struct lowering {
    cni_graph *graph;
    cni_optimizer_state *state;
    const cni_object *optimizer;
    const cni_optimizer_common *common;
    cni_variable *const *weights;
    int count;
    double epsilon;
    cni_update_attributes attributes; /* for every weight alike */
    cni_tensor **sources;             /* the gradients, or the sums of them */
    cni_tensor *squares;              /* of all weights, for the global norm */
} lowering;

/* Keras asks for clipping with a positive number only. */
static void set_clipping(lowering *l)
{
    const cni_optimizer_common *c = l->common;
    const double limits[] = {
        [CNI_CLIP_NORM] = c->clipnorm, [CNI_CLIP_GLOBAL_NORM] = c->global_clipnorm, [CNI_CLIP_VALUE] = c->clipvalue};
    for (int kind = CNI_CLIP_NORM; kind <= CNI_CLIP_VALUE; kind++)
        if (limits[kind] > 0) {
            l->attributes.clipping = (cni_clipping)kind;
            l->attributes.clip = limits[kind];
        }
}

static void set_attributes(lowering *l)
{
    const cni_optimizer_kind *kind = (const cni_optimizer_kind *)l->optimizer->kind;
    const bool accumulates = l->common->gradient_accumulation_steps >= 2;
    cni_update_attributes *a = &l->attributes;
    a->update = kind->rule(l->optimizer->args);
    a->zeroes = accumulates;
    if (accumulates)
        a->update.divide = l->common->gradient_accumulation_steps;
    else if (!isnan(l->common->loss_scale_factor))
        a->update.divide = l->common->loss_scale_factor;
    a->update.decays = !isnan(l->common->weight_decay);
    a->update.decay = a->update.decays ? l->common->weight_decay : 0;
    set_clipping(l);
}

/* Every graph of a state has its scalars at the same place, since whoever fills them knows the state alone. */
static void set_scalars(lowering *l)
{
    int first = 0, *known = cni_optimizer_first_scalar(l->state);
    for (int i = 0; i < CNI_UPDATE_SCALARS; i++) {
        const int slot = cni_graph_scalar(l->graph);
        if (i == 0) first = slot;
    }
    if (*known >= 0 && *known != first)
        cni_fail(&l->graph->error, CN_ERR_INVALID, "an optimizer was lowered at scalar %d and now at %d", *known,
                 first);
    *known = first;
    l->attributes.first_scalar = first;
}

/* Where the loss does not depend on a weight its gradient is zero, and decay and momentum go on. */
static void set_sources(lowering *l, cni_tensor *const *gradients)
{
    const double scale = isnan(l->common->loss_scale_factor) ? 1 : l->common->loss_scale_factor;
    l->graph->segment = CNI_REDUCE;
    for (int i = 0; i < l->count; i++) {
        cni_variable *sum = cni_optimizer_accumulator(l->state, i);
        cni_tensor *gradient = gradients[i];
        if (!gradient && !sum) gradient = cni_graph_constant(l->graph, l->weights[i]->shape, 0);
        l->sources[i] = sum ? cni_graph_variable(l->graph, sum) : gradient;
        if (sum && gradient) cni_accumulate(l->graph, gradient, scale, l->sources[i]);
    }
    if (l->attributes.zeroes) l->graph->segment = CNI_UPDATE;
}

static cni_tensor *squares_of(const lowering *l, int from, int count)
{
    const double divide = l->attributes.update.divide;
    return cni_sum_of_squares(l->graph, l->sources + from, count, divide != 0 ? divide : 1);
}

static cni_tensor *tensor_of(const lowering *l, cni_variable *variable)
{
    return variable ? cni_graph_variable(l->graph, variable) : NULL;
}

static void lower_weight(const lowering *l, int i)
{
    const cni_object *constraint = l->weights[i]->constraint;
    cni_update_inputs in = {.gradient = l->sources[i],
                            .squares = l->squares,
                            .weights = cni_graph_variable(l->graph, l->weights[i]),
                            .average = tensor_of(l, cni_optimizer_average(l->state, i))};
    for (int s = 0; s < CNI_UPDATE_SLOTS; s++) in.slots[s] = tensor_of(l, cni_optimizer_slot(l->state, i, s));
    if (l->attributes.clipping == CNI_CLIP_NORM) {
        if (!l->attributes.zeroes) l->graph->segment = CNI_REDUCE;
        in.squares = squares_of(l, i, 1);
        l->graph->segment = CNI_UPDATE;
    }
    if (!constraint && cni_dense_update(l->graph, &l->attributes, &in)) return;
    cni_tensor *stepped = cni_update_op(l->graph, &l->attributes, &in, !constraint);
    if (constraint) cni_assign(l->graph, in.weights, cni_lower_constraint(l->graph, constraint, stepped, l->epsilon));
}

void cni_lower_optimizer(cni_graph *graph, cni_optimizer_state *state, cni_tensor *const *gradients, double epsilon)
{
    lowering l = {.graph = graph, .state = state, .optimizer = cni_optimizer_of(state), .epsilon = epsilon};
    l.common = cni_optimizer_common_of(l.optimizer);
    l.count = cni_optimizer_weights(state, &l.weights);
    l.sources = CNI_NEW_ARRAY(&graph->arena, cni_tensor *, (size_t)l.count + 1);
    if (!l.sources) {
        cni_no_memory(&graph->error, "an optimizer");
        return;
    }
    set_attributes(&l);
    set_scalars(&l);
    set_sources(&l, gradients);
    if (l.attributes.clipping == CNI_CLIP_GLOBAL_NORM) l.squares = squares_of(&l, 0, l.count);
    graph->segment = CNI_UPDATE;
    for (int i = 0; i < l.count; i++) lower_weight(&l, i);
}
