/* SPDX-License-Identifier: Apache-2.0
 * Batch normalization with given statistics as a scale and a shift. */
#ifndef CNI_FOLD_H
#define CNI_FOLD_H

#include "graph/graph.h"

/** affine[0] = gamma / sqrt(variance + epsilon), affine[1] = beta + (bias - mean) affine[0].  `statistics` are gamma,
 *  beta, mean and variance [c]; gamma, beta and bias may be NULL. */
void cni_fold_batch_norm(cni_graph *graph, cni_tensor *const statistics[4], cni_tensor *bias, double epsilon,
                         cni_tensor *affine[2]);

#endif
