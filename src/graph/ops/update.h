/* SPDX-License-Identifier: Apache-2.0
 * What an optimizer does with gradients and weights: norms, accumulation, the step itself, assignment. */
#ifndef CNI_OP_UPDATE_H
#define CNI_OP_UPDATE_H

#include "graph/graph.h"
#include "kernels/learning/learning.h"

/** The run-time scalars of a step, one slot after the other. */
typedef enum cni_update_scalar {
    CNI_SCALAR_RATE,       /* the learning rate */
    CNI_SCALAR_STEP_RATE,  /* what the rule multiplies with: Adam's has the bias correction in it */
    CNI_SCALAR_EMA,        /* how much of the average is kept */
    CNI_SCALAR_DUE,        /* 0: gradients are still being accumulated, weights stay */
    CNI_SCALAR_OVERWRITES, /* 1: the averages become the weights */
    CNI_UPDATE_SCALARS
} cni_update_scalar;

typedef enum cni_clipping { CNI_NO_CLIPPING, CNI_CLIP_NORM, CNI_CLIP_GLOBAL_NORM, CNI_CLIP_VALUE } cni_clipping;

typedef struct cni_update_attributes {
    cni_update update; /* what does not change from step to step */
    cni_clipping clipping;
    double clip;
    int first_scalar;
    bool zeroes; /* the gradient is an accumulator: it starts again from zero */
} cni_update_attributes;

typedef struct cni_update_inputs {
    cni_tensor *gradient;
    cni_tensor *squares; /* the sum of squares that the clipping wants, or NULL */
    cni_tensor *weights;
    cni_tensor *slots[CNI_UPDATE_SLOTS];
    cni_tensor *average;
} cni_update_inputs;

/** The step.  In place: the weights' variable is written, and the answer is NULL.  Else what the weights become is a
 * new tensor; slots are written all the same. */
cni_tensor *cni_update_op(cni_graph *graph, const cni_update_attributes *attributes, const cni_update_inputs *inputs,
                          bool in_place);

/** For ops that end in a step: what it reads, in the order of the op's inputs, and the step for `count` elements from
 *  element `at` of the variable on, whose gradients are at `gradient`. */
enum {
    CNI_UPDATE_GRADIENT,
    CNI_UPDATE_SQUARES,
    CNI_UPDATE_WEIGHTS,
    CNI_UPDATE_SLOT,
    CNI_UPDATE_AVERAGE = CNI_UPDATE_SLOT + CNI_UPDATE_SLOTS,
    CNI_UPDATE_INPUTS
};

typedef struct cni_update_work {
    const cni_kernels *kernels;
    cni_update update;
    cni_update_arrays arrays;
} cni_update_work;

void cni_update_list(const cni_update_inputs *inputs, cni_tensor *in[CNI_UPDATE_INPUTS]);
cni_update_work cni_update_begin(const cni_step *step, const cni_run *run, const cni_update_attributes *attributes);
void cni_update_part(const cni_update_work *work, const void *gradient, size_t at, size_t count);

/** The same for whole rows of `width` elements: the gradient of row r is factors[r] times the row at `gradient`. */
void cni_update_rows(const cni_update_work *work, const void *gradient, const void *factors, size_t width, size_t at,
                     size_t count);

/** The sum of all (x / divide)^2 as a scalar. */
cni_tensor *cni_sum_of_squares(cni_graph *graph, cni_tensor *const *tensors, int count, double divide);

/** sum += x / divide, where `sum` is a variable's tensor. */
void cni_accumulate(cni_graph *graph, cni_tensor *x, double divide, cni_tensor *sum);

/** The variable becomes x. */
void cni_assign(cni_graph *graph, cni_tensor *variable, cni_tensor *x);

#endif
