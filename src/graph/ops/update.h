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

/** The sum of all (x / divide)^2 as a scalar. */
cni_tensor *cni_sum_of_squares(cni_graph *graph, cni_tensor *const *tensors, int count, double divide);

/** sum += x / divide, where `sum` is a variable's tensor. */
void cni_accumulate(cni_graph *graph, cni_tensor *x, double divide, cni_tensor *sum);

/** The variable becomes x. */
void cni_assign(cni_graph *graph, cni_tensor *variable, cni_tensor *x);

#endif
