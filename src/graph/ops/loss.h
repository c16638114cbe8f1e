/* SPDX-License-Identifier: Apache-2.0
 * The loss of a batch in one op, and its gradient in another. */
#ifndef CNI_OP_LOSS_H
#define CNI_OP_LOSS_H

#include "graph/graph.h"
#include "kernels/learning/learning.h"

/** What the weighted losses of all entries are divided by. */
typedef enum cni_loss_divisor {
    CNI_BY_ENTRIES, /* their number; where rows are ignored, the number of the others */
    CNI_BY_WEIGHTS, /* the sum of the weights; without weights as above */
    CNI_BY_ONE
} cni_loss_divisor;

/** Predictions are [n, outer, count, inner]: an entry is what stands along `count`, and there are outer * inner of them
 *  in each sample.  Class numbers have the shape of the entries (inner is 1), other targets that of the predictions. */
typedef struct cni_loss_attributes {
    cni_loss_spec spec;
    cni_loss_divisor divisor;
    size_t outer, count, inner;
    double repeats; /* how often each given weight stands in `weights` (broadcast); 1: once */
} cni_loss_attributes;

/** The scalar.  `weights`: one for each sample or one for each entry, or NULL.  0 where it would be divided by 0. */
cni_tensor *cni_loss(cni_graph *graph, const cni_loss_attributes *attributes, cni_tensor *predictions,
                     cni_tensor *targets, cni_tensor *weights);

#endif
