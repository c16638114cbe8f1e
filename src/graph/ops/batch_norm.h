/* SPDX-License-Identifier: Apache-2.0
 * Batch normalization over the last axis: y = (x - mean) gamma / sqrt(variance + epsilon) + beta. */
#ifndef CNI_OP_BATCH_NORM_H
#define CNI_OP_BATCH_NORM_H

#include "graph/graph.h"

typedef struct cni_batch_norm {
    cni_tensor *y, *mean, *variance; /* variance: biased */
} cni_batch_norm;

/** With the statistics of x [.., c] itself, over all axes but the last.  gamma, beta [c], or NULL for 1 and 0. */
cni_batch_norm cni_batch_norm_train(cni_graph *graph, cni_tensor *x, cni_tensor *gamma, cni_tensor *beta,
                                    double epsilon);

/** With given statistics [c]; gradients for x, gamma and beta. */
cni_tensor *cni_batch_norm_inference(cni_graph *graph, cni_tensor *x, cni_tensor *gamma, cni_tensor *beta,
                                     cni_tensor *mean, cni_tensor *variance, double epsilon);

/* For passes */

/** When `op` is the gradient of the batch normalization that y is the result of, with f, a relu, behind it: from now on
 *  it reads what arrives at y instead of what arrives at the normalization's own result. */
bool cni_batch_norm_take_gate(cni_op *op, const cni_epilogue *f, const cni_tensor *y);

/** When `op` is the gradient of a batch normalization of `mask`, the output of a relu: from now on its first result is
 * 0 where that is, as the gradient of the relu makes it. */
bool cni_batch_norm_take_relu(cni_op *op, const cni_tensor *mask);

/** Of a batch normalization with its own statistics: appends an op that takes the moments of x, of so many images,
 * slice by slice, and that `op` reads from now on.  NULL: `op` is none, or has one. */
cni_op *cni_batch_norm_moments(cni_graph *graph, cni_op *op, int batch);

#endif
