/* SPDX-License-Identifier: Apache-2.0
 * An inverted bottleneck in one pass: a pointwise convolution (or none), a depthwise one, a pointwise one.  What lies
 * between them never exists as a whole: some rows of it at a time stay in the second cache. */
#ifndef CNI_BOTTLENECK_H
#define CNI_BOTTLENECK_H

#include "graph/ops/conv2d.h"

/** The FIRST ones are NULL when there is no first convolution; biases, scales and ADD may be NULL. */
enum {
    CNI_BOTTLENECK_X,
    CNI_BOTTLENECK_FIRST_W,
    CNI_BOTTLENECK_FIRST_BIAS,
    CNI_BOTTLENECK_FIRST_SCALE,
    CNI_BOTTLENECK_W,
    CNI_BOTTLENECK_BIAS,
    CNI_BOTTLENECK_SCALE,
    CNI_BOTTLENECK_LAST_W,
    CNI_BOTTLENECK_LAST_BIAS,
    CNI_BOTTLENECK_LAST_SCALE,
    CNI_BOTTLENECK_ADD,
    CNI_BOTTLENECK_INPUTS
};

/** For prediction.  y is the output of the three ops that it replaces (`first` may be NULL): last's.  Their results are
 *  the same to the bit.  Never NULL; nobody reads what was between. */
cni_op *cni_bottleneck(cni_graph *graph, const cni_op *first, const cni_op *depthwise, const cni_op *last);

/** True when such a run of ops may become one, and is faster as one. */
bool cni_bottleneck_pays(const cni_op *first, const cni_op *depthwise, const cni_op *last);

#endif
