/* SPDX-License-Identifier: Apache-2.0
 * Dropout, with Keras' random numbers. */
#ifndef CNI_OP_DROPOUT_H
#define CNI_OP_DROPOUT_H

#include "graph/graph.h"

/** Keras' SeedGenerator: the key of the next draw.  It belongs to a layer; each run of a dropout op takes
 *  (seed, counter) and counts on. */
typedef struct cni_seed_state {
    uint32_t seed, counter;
} cni_seed_state;

/** y = x / (1 - rate) where kept, 0 elsewhere.  noise_shape (rank of x; CNI_UNKNOWN or 0: as x there; NULL: all of x)
 *  is what is drawn, repeated where it is 1.  rate in [0, 1]; 0 answers x; at 1 all is zero and nothing is drawn. */
cni_tensor *cni_dropout(cni_graph *graph, cni_tensor *x, cni_seed_state *state, double rate,
                        const cni_shape *noise_shape);

#endif
