/* SPDX-License-Identifier: Apache-2.0
 * What becomes of a graph before it is planned: pairs of transposes cancel, ops that nobody needs go, element-wise
 * functions join the ops before them. */
#ifndef CNI_PASSES_H
#define CNI_PASSES_H

#include "graph/graph.h"

/** All of them, in their order, for a plan of so many images. */
cn_status cni_passes(cni_graph *graph, int batch, cni_error *error);

/** Those that save passes over memory in training (passes_training.c). */
cn_status cni_passes_training(cni_graph *graph, cni_error *error);

/** Moments of batch normalizations are taken by those who write x (passes_gather.c). */
cn_status cni_passes_gather(cni_graph *graph, int batch, cni_error *error);

#endif
