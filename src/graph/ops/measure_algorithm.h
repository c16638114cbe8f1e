/* SPDX-License-Identifier: Apache-2.0
 * Timing the ways to compute a convolution: CN_PLAN_MEASURE. */
#ifndef CNI_MEASURE_ALGORITHM_H
#define CNI_MEASURE_ALGORITHM_H

#include "graph/ops/choices.h"

/** Runs `op`, a convolution of any of the three kinds, alone in every way that the run allows, and fills `choice` with
 *  the times and with the fastest; the rules' way stays unless another is clearly faster.  `far`: what the network
 * reads in a run does not stay in the caches until the next.  False: no memory for it. */
bool cni_measure_algorithms(const cni_op *op, const cni_conv_shape *shape, const cni_run *most, bool far,
                            cni_choice *choice);

/** Whether a network of this size is `far`. */
bool cni_is_beyond_caches(size_t bytes, const cni_kernels *kernels);

#endif
