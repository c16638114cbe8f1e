/* SPDX-License-Identifier: Apache-2.0
 * Plans: a graph made ready for one machine.  Dead ops dropped, element-wise functions fused into the ops before them,
 * buffers placed in one arena by liveness.  Running a plan is a loop over its steps: no allocation, no look-up. */
#ifndef CNI_PLAN_H
#define CNI_PLAN_H

#include "graph/graph.h"

#include <stdio.h>

typedef struct cni_plan cni_plan;

typedef struct cni_plan_options {
    int batch;                  /* largest n; at least 1 */
    const cni_kernels *kernels; /* these two outlive the plan */
    cni_pool *pool;
    cn_math math;
    cni_choices *choices; /* how convolutions are computed, where the rules are not asked; NULL: nowhere */
    cni_choices *used;    /* takes what was chosen for each convolution; NULL: nobody */
    bool ways_given;      /* ops have their `way` already: nothing is chosen */
    bool snapshot;        /* the plan keeps copies of the variables (predictors); cni_plan_refresh takes new ones */
    size_t budget;        /* most bytes that the plan may allocate; 0: the machine's memory */
    bool sizes_only;      /* nothing is allocated, and nothing can run: for cni_plan_arena_bytes */
    bool no_sharing;      /* for tests: each tensor has a place of its own, filled with NaN before each run */
} cni_plan_options;

/** Takes the graph (it is freed with the plan; on failure at once). */
cn_status cni_plan_new(cni_graph *graph, const cni_plan_options *options, cni_plan **plan, cni_error *error);
void cni_plan_free(cni_plan *plan);

/** Where a tensor lies; NULL when it was optimised away.  Valid as long as the plan.  Inputs are written here before a
 *  run, outputs are read here after it; both hold batch * image elements. */
void *cni_plan_data(const cni_plan *plan, const cni_tensor *tensor);

/** Whether an input or output has a place that no other input, output or variable shares: then it may lie elsewhere. */
bool cni_plan_may_lie(const cni_plan *plan, const cni_tensor *tensor);

/** From now on such a tensor lies at `data`, on a line of cache, where as many images are as a run has; NULL: again
 *  where the plan has its place. */
void cni_plan_lie(cni_plan *plan, const cni_tensor *tensor, void *data);

/** The run-time scalars, by slot. */
double *cni_plan_scalars(cni_plan *plan);

/** Runs one segment for n images (1 <= n <= batch).  CNI_GRADIENTS of a forward graph is the whole of it. */
void cni_plan_run(cni_plan *plan, cni_segment segment, int n);

/** The same, and adds to seconds[step] how long each step took. */
void cni_plan_run_timed(cni_plan *plan, cni_segment segment, int n, double *seconds);
/** What a step runs.  An op that no layer asked for has the source NULL. */
const cni_op *cni_plan_step_op(const cni_plan *plan, int step);

/** Takes the variables' present values: plans with `snapshot`, and plans of double kernels, which own copies too (there
 *  the graph's tensors get variables of the plan; nothing is written back). */
void cni_plan_refresh(cni_plan *plan);

/** Bytes of the tensors' memory, workspace, packed weights and copies. */
size_t cni_plan_arena_bytes(const cni_plan *plan);
int cni_plan_steps(const cni_plan *plan);
const cni_graph *cni_plan_graph(const cni_plan *plan);

/** One line per step: segment, kind, where each input and output lies, shapes.  For debugging. */
void cni_plan_print(const cni_plan *plan, FILE *out);

#endif
