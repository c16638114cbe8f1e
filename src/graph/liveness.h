/* SPDX-License-Identifier: Apache-2.0
 * Where tensors lie: how long each is needed, who may take over whose memory, and offsets in one arena. */
#ifndef CNI_LIVENESS_H
#define CNI_LIVENESS_H

#include "graph/graph.h"
#include "graph/place.h"

typedef struct cni_life {
    cni_place place; /* of a tensor that is its own home */
    int home;        /* the tensor whose memory this one uses: its own, that of what it is an alias of, or that of the
                        input it is computed over */
    bool used;       /* somebody computes, reads or fills it */
    bool pinned;     /* its memory is never another's */
} cni_life;

typedef struct cni_liveness {
    cni_life *lives; /* by tensor id; in the graph's arena */
    size_t bytes;    /* of the arena */
    const cni_tensor *largest;
} cni_liveness;

/** Places the tensors of a graph whose ops stand in the order in which they will run.  Variables have memory of their
 *  own and get none here. */
cn_status cni_liveness_find(cni_graph *graph, int batch, size_t real_size, bool no_sharing, cni_liveness *liveness,
                            cni_error *error);

/** Whose memory a tensor uses in the end. */
const cni_tensor *cni_home(const cni_graph *graph, const cni_liveness *liveness, const cni_tensor *tensor);

/** Bytes of a tensor for n images; SIZE_MAX when they are too many to count. */
size_t cni_tensor_bytes(const cni_tensor *tensor, int n, size_t real_size);

#endif
