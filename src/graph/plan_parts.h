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

/* Which steps run on the caller's thread alone: pace.c. */
enum { CNI_WAYS = 3, CNI_PACE_KEPT = 3 };
typedef struct cni_pace_times {
    double least[CNI_PACE_KEPT]; /* seconds, ascending; 0 = none yet */
} cni_pace_times;

typedef struct cni_pace {
    int n, round, others;            /* the batch that is looked at, runs of it so far, and runs of other sizes since */
    int way;                         /* what this run is timed for; -1: it is not */
    bool *alone, any_alone;          /* by step; NULL: there is one thread only */
    cni_pace_times *times[CNI_WAYS]; /* by step */
} cni_pace;

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
    int *readers;       /* cni_pack's: two numbers for each tensor; then which ones the plan holds */
    bool holds;         /* the plan is among the holders of the variables that it reads */
    unsigned char *memory;
    size_t bytes, workspace_offset, workspace_bytes, own_offset;
    cni_plan_options options;
    size_t real_size;
    cni_liveness liveness;
    cni_pace pace;
};

/** steady.c: marks the ops that depend on constants and variables alone, and runs them when a variable has changed. */
cn_status cni_find_steady(cni_plan *plan, cni_error *error);
void cni_run_steady(cni_plan *plan);

/** packing.c: copies of variables, and weights that kernels read in another order. */
cn_status cni_own_variables(cni_plan *plan, cni_error *error);
void cni_let_go(cni_plan *plan);

/** condensing.c: the step that may read this variable's copy condensed, if it is the only one that reads it; NULL:
 * none. And the copy itself, on which the master's pages are given back, if they may be.  False: it is to be an
 * ordinary copy, and the master is untouched. */
cni_step *cni_condensing_step(const cni_plan *plan, const cni_tensor *tensor);
bool cni_condense(const cni_plan *plan, const cni_copy *c, bool drops);

/** pace.c: before a run of CNI_GRADIENTS; and the steps first ... last - 1, whose times are added to seconds[i] if that
 *  is not NULL. */
cn_status cni_pace_init(cni_plan *plan, cni_error *error);
void cni_pace_next(cni_plan *plan, int n);
void cni_run_steps(cni_plan *plan, int first, int last, double *seconds);

#endif
