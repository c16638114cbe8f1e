/* SPDX-License-Identifier: Apache-2.0
 * Transposed convolutions of stride 1 by Winograd's algorithm, tiles cut from what is read: where padding is small
 * there are fewer of them than tiles of what is written, and none of their cells is a zero beyond the border. */
#ifndef CNI_WINOGRAD_OVERLAP_H
#define CNI_WINOGRAD_OVERLAP_H

#include "graph/ops/winograd_conv2d.h"

/* As cni_winograd_own and cni_winograd_convolve, which call them when conv->overlaps. */

size_t cni_winograd_overlap_own(const cni_winograd_conv *conv, const cni_run *most);

void cni_winograd_overlap_convolve(const cni_winograd_conv *conv, const cni_run *run, const void *x, const void *w,
                                   const cni_finish *finish, const cni_epilogue *after, void *y, void *u,
                                   bool transform);

#endif
