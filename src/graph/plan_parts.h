/* SPDX-License-Identifier: Apache-2.0
 * What a plan consists of: for the files of the graph's floor that make plans and run them. */
#ifndef CNI_PLAN_PARTS_H
#define CNI_PLAN_PARTS_H

#include "graph/liveness.h"
#include "graph/plan.h"

/* A variable of the plan's own, which stands in for the master: a predictor's snapshot, or a copy in double. */
typedef struct cni_copy {
    cni_variable own;
    cni_variable *master;
    size_t offset;
} cni_copy;

struct cni_plan {
    cni_graph *graph;
    cni_run run;
    cni_step *steps;
    int step_count, first_step[CNI_SEGMENTS + 1]; /* before the first of CNI_GRADIENTS stand the steady steps */
    const cni_variable **watched;                 /* what they depend on: somebody else may write it */
    int watched_count;
    uint64_t seen; /* sum of the watched versions as of the steady steps' last run: versions only grow */
    void **data;   /* by tensor id */
    double *scalars;
    cni_copy *copies;
    int copy_count;
    cni_copy **copy_of; /* by tensor id; NULL: the plan has no copies */
    int *readers;       /* cni_pack's: two numbers for each tensor */
    unsigned char *memory;
    size_t bytes, workspace_offset, workspace_bytes;
    cni_plan_options options;
    size_t real_size;
    cni_liveness liveness;
};

static inline void cni_run_step(cni_plan *plan, cni_step *step)
{
    step->op->kind->run(step, &plan->run);
    if (step->op->writes) step->op->writes->version++;
}

/** steady.c: marks the ops that depend on constants and variables alone, and runs them when a variable has changed. */
cn_status cni_find_steady(cni_plan *plan, cni_error *error);
void cni_run_steady(cni_plan *plan);

/** packing.c: copies of variables, and weights that kernels read in another order. */
cn_status cni_own_variables(cni_plan *plan, cni_error *error);
void cni_pack(cni_plan *plan);

#endif
