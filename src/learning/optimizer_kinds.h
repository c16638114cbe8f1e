/* SPDX-License-Identifier: Apache-2.0
 * What sets one optimizer apart from the others. */
#ifndef CNI_OPTIMIZER_KINDS_H
#define CNI_OPTIMIZER_KINDS_H

#include "graph/ops/update.h"
#include "learning/optimizers.h"

/** What all optimizers take; it stands in each of their structs. */
typedef struct cni_optimizer_common {
    CN_OPTIMIZER_MEMBERS_
} cni_optimizer_common;

enum { CNI_SLOT_GROUPS = 3 };

/** Slots that are kept variable by variable: "momentum", "velocity". */
typedef struct cni_slot_group {
    const char *names[2]; /* the second may be NULL */
    int slots[2];         /* the rule's numbers of them */
} cni_slot_group;

typedef struct cni_optimizer_kind {
    cni_kind kind;
    size_t common;                          /* where the struct of arguments has its cni_optimizer_common */
    cni_slot_group groups[CNI_SLOT_GROUPS]; /* in the order of Keras' files; ends at a group without a name */
    /** Whether the arguments ask for the group. */
    bool (*has_group)(const void *args, int group);
    /** The rule with what does not change from step to step. */
    cni_update (*rule)(const void *args);
    /** What the rule multiplies with at step t (from 1), in float32; NULL: the rate itself. */
    float (*step_rate)(const void *args, float rate, float t);
} cni_optimizer_kind;

static inline cni_optimizer_common *cni_optimizer_common_of(const cni_object *optimizer)
{
    const cni_optimizer_kind *kind = (const cni_optimizer_kind *)optimizer->kind;
    return (void *)((char *)optimizer->args + kind->common);
}

/** The variables that the state keeps for each weight. */
cni_variable *cni_optimizer_slot(const cni_optimizer_state *state, int weight, int slot); /* NULL: not kept */
cni_variable *cni_optimizer_average(const cni_optimizer_state *state, int weight);
cni_variable *cni_optimizer_accumulator(const cni_optimizer_state *state, int weight);

const cni_object *cni_optimizer_of(const cni_optimizer_state *state);
int cni_optimizer_weights(const cni_optimizer_state *state, cni_variable *const **weights);

/** The first slot of the run's scalars in graphs that were lowered with this state; -1: none was. */
int *cni_optimizer_first_scalar(cni_optimizer_state *state);

#endif
