/* SPDX-License-Identifier: Apache-2.0
 * Convolutions of stride 1 by Winograd's algorithm (kernels/winograd/winograd.h), forward and transposed. */
#ifndef CNI_WINOGRAD_CONV2D_H
#define CNI_WINOGRAD_CONV2D_H

#include "graph/graph.h"
#include "graph/ops/gather.h"
#include "graph/ops/winograd_tiles.h"
#include "kernels/kernels.h"

/** y(i, j) = sum over r, s of x(i + r - padding[0], j + s - padding[1]) w(r, s), 0 outside x.
 *  w [window, window, channels read, channels written]; transposed: the window is turned by 180 degrees and the two
 *  channels of w change places.
 *  pooled: what is written are the maxima of 2 x 2 results, [to[0] / 2, to[1] / 2, to[2]] of them; to[0] and to[1] are
 *  even, there is neither `add` nor `mask`, and what is done `after` must not change which result is the largest.
 *  taps, unless NULL: for each of them which of its four results it is, a byte each. */
typedef struct cni_winograd_conv {
    int from[3], to[3]; /* height, width, channels of x and of y */
    int window, results;
    int padding[2]; /* may be negative */
    bool transposed, pooled;
    unsigned char *taps;
    bool overlaps;     /* tiles are cut from what is read (winograd_overlap.h); only when transposed */
    cni_gather gather; /* told what is written; not where tiles overlap, nor when pooled */
} cni_winograd_conv;

/** The tiles that x and y are cut into, where they are cut from what is written. */
void cni_winograd_grids(const cni_winograd_conv *conv, cni_winograd_grid *from, cni_winograd_grid *to);

/** Bytes of transformed weights. */
size_t cni_winograd_weights(const cni_winograd_conv *conv, const cni_kernels *kernels);

/** Bytes of each thread's own memory, for the largest run. */
size_t cni_winograd_own(const cni_winograd_conv *conv, const cni_run *most);

/** `u` takes the transformed weights when `transform` is true (what it held is of no interest) and is read in any case.
 *  `after`, an element-wise function, is applied to y at the end, or NULL. */
void cni_winograd_convolve(const cni_winograd_conv *conv, const cni_run *run, const void *x, const void *w,
                           const cni_finish *finish, const cni_epilogue *after, void *y, void *u, bool transform);

#endif
