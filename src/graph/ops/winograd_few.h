/* SPDX-License-Identifier: Apache-2.0
 * Convolutions by Winograd's algorithm with few tiles and weights that are new in each run: steps of training. */
#ifndef CNI_WINOGRAD_FEW_H
#define CNI_WINOGRAD_FEW_H

#include "graph/ops/algorithm.h"
#include "graph/ops/winograd_conv2d.h"

/** Whether a run of so many images has at most cni_few_tiles. */
bool cni_winograd_few_serves(const cni_winograd_conv *conv, int batch);

/** Bytes of each thread's own memory, for the largest run. */
size_t cni_winograd_few_own(const cni_winograd_conv *conv, const cni_run *most);

/** As cni_winograd_convolve; transformed weights are never seen by anybody. */
void cni_winograd_few_convolve(const cni_winograd_conv *conv, const cni_run *run, const void *x, const void *w,
                               const cni_finish *finish, const cni_epilogue *after, void *y);

#endif
