/* SPDX-License-Identifier: Apache-2.0
 * Optimizers: what compile(optimizer=...) names, their state, and the update as ops. */
#ifndef CNI_OPTIMIZERS_H
#define CNI_OPTIMIZERS_H

#include "graph/graph.h"
#include "layers/kind.h"

extern const cni_family cni_optimizers;
extern const cni_family cni_schedules; /* in schedules.c */

/** The value of a schedule after `step` steps, computed as Keras does (float32). */
double cni_schedule_value(const cni_object *schedule, int64_t step);

typedef struct cni_optimizer_state cni_optimizer_state;

/** State for these weights, in the order of model.trainable_variables.  The weights outlive it. */
cn_status cni_optimizer_state_new(const cni_object *optimizer, cni_variable *const *weights, int count,
                                  cni_optimizer_state **state, cni_error *error);
void cni_optimizer_state_free(cni_optimizer_state *state);

/** Everything that a file keeps, in Keras' order: iteration (is_int), learning_rate, averages, accumulators, slots. */
typedef struct cni_optimizer_variable {
    const char *name;
    cni_shape shape;
    float *data;      /* reals: the master itself */
    int64_t *integer; /* instead of data */
} cni_optimizer_variable;
int cni_optimizer_variable_count(const cni_optimizer_state *state);
cni_optimizer_variable cni_optimizer_variable_at(cni_optimizer_state *state, int index);
/** To be called after variables were written from outside. */
void cni_optimizer_loaded(cni_optimizer_state *state);

double cni_optimizer_learning_rate(const cni_optimizer_state *state); /* what the next update will use */
bool cni_optimizer_has_schedule(const cni_optimizer_state *state);
void cni_optimizer_set_learning_rate(cni_optimizer_state *state, double learning_rate);
int64_t cni_optimizer_iterations(const cni_optimizer_state *state);
/** What the loss is to be multiplied by before it is differentiated (loss_scale_factor); 1 unless set. */
double cni_optimizer_loss_scale(const cni_optimizer_state *state);

/** Appends clipping, accumulation, weight decay, update, average and constraints.  gradients[i] belongs to weights[i];
 *  NULL: no gradient, counted as zeros.  Sets graph->segment as it goes: CNI_REDUCE for norms and accumulation,
 *  CNI_UPDATE.  A state may be lowered into several graphs, each of which has asked for as many scalars before.
 *  `epsilon`: the context's, for constraints. */
void cni_lower_optimizer(cni_graph *graph, cni_optimizer_state *state, cni_tensor *const *gradients, double epsilon);

/** Before a step: fills the run's scalars.  Answers whether CNI_UPDATE is to be run (with accumulation every k-th time,
 * but always with averages or constraints).  CNI_REDUCE always is. */
bool cni_optimizer_begin(cni_optimizer_state *state, double *scalars);
/** After a step (after CNI_UPDATE when it ran). */
void cni_optimizer_end(cni_optimizer_state *state);
/** At the end of fit: the averages become the weights (use_ema). */
void cni_optimizer_finish(cni_optimizer_state *state);

#endif
