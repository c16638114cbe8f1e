/* SPDX-License-Identifier: Apache-2.0
 * Passes that put what follows a convolution, or comes before it, into the convolution. */
#ifndef CNI_PASSES_FOLD_H
#define CNI_PASSES_FOLD_H

#include "graph/graph.h"

/** How often each tensor is read; outputs count as read once more.  In the graph's arena, by id; NULL: no memory. */
int *cni_count_readers(cni_graph *graph);

/** The op's epilogue when it can have one and has none; else NULL. */
cni_epilogue *cni_free_epilogue(const cni_op *op);

/** The graph's ops are now those of `ops` that are not NULL; the array, from the graph's arena, becomes its own. */
cn_status cni_take_ops(cni_graph *graph, int count, cni_op **ops, cni_error *error);

cn_status cni_fold_paddings(cni_graph *graph, cni_error *error);
cn_status cni_fold_affines(cni_graph *graph, cni_error *error);
cn_status cni_fold_sums(cni_graph *graph, cni_error *error);
cn_status cni_fold_masks(cni_graph *graph, cni_error *error);
cn_status cni_fold_bottlenecks(cni_graph *graph, cni_error *error);
cn_status cni_fold_pooling(cni_graph *graph, cni_error *error);

#endif
