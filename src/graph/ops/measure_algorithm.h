/* SPDX-License-Identifier: Apache-2.0
 * Timing the ways to compute a convolution: CN_PLAN_MEASURE. */
#ifndef CNI_MEASURE_ALGORITHM_H
#define CNI_MEASURE_ALGORITHM_H

#include "graph/ops/choices.h"

/** Runs `op`, a convolution of any of the three kinds, alone in every way that the run allows, and fills `choice` with
 *  the times and with the fastest; the rules' way stays unless another is clearly faster.  False: no memory for it. */
bool cni_measure_algorithms(const cni_op *op, const cni_conv_shape *shape, const cni_run *most, cni_choice *choice);

#endif
