/* SPDX-License-Identifier: Apache-2.0
 * Two tensors walked together, NumPy's way: dimensions are matched from the right, those of size 1 are repeated. */
#ifndef CNI_PAIRS_H
#define CNI_PAIRS_H

#include "graph/graph.h"
#include "graph/ops/ranges.h"

/** The walk: dims of the result, and for each operand the distance in elements (0: repeated).  As few dimensions as
 *  possible, at least 1. */
typedef struct cni_pair {
    int rank;
    size_t dims[CNI_MAX_RANK], a[CNI_MAX_RANK], b[CNI_MAX_RANK];
} cni_pair;

/** The shape of the result.  False: they do not fit (a batch stays at the front and meets a batch, a 1 or nothing). */
bool cni_pair_shape(const cni_shape *a, const cni_shape *b, cni_shape *out);

/** For n images; `out` = cni_pair_shape of the two. */
cni_pair cni_pair_of(const cni_shape *out, const cni_shape *a, const cni_shape *b, int n);

/** y = epilogue(f(a, b)), by all threads.  y may be the memory of an operand that is not repeated. */
void cni_pair_run(const cni_kernels *kernels, cni_pool *pool, const cni_pair *pair, cni_binary_function f,
                  const cni_epilogue *epilogue, const void *a, const void *b, void *y);

#endif
