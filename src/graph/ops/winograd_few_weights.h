/* SPDX-License-Identifier: Apache-2.0
 * The gradient for the weights by Winograd's algorithm where tiles are few: small batches of small images. */
#ifndef CNI_WINOGRAD_FEW_WEIGHTS_H
#define CNI_WINOGRAD_FEW_WEIGHTS_H

#include "graph/ops/winograd_weights.h"

/** Whether there are at most 64 tiles in a run of so many images. */
bool cni_winograd_few_weights_serves(const cni_winograd_weights *shape, int batch);

/* As cni_winograd_weights_own and cni_winograd_weights_run, which call them. */

size_t cni_winograd_few_weights_own(const cni_winograd_weights *shape, const cni_run *most);

void cni_winograd_few_weights_run(const cni_winograd_weights *shape, const cni_run *run, const void *x, const void *dy,
                                  void *dw, void *db);

#endif
