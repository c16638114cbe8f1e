/* SPDX-License-Identifier: Apache-2.0
 * Weights of Winograd's algorithm, transformed, panel by panel of the channels written:
 *
 *     U [panels, n n, channels read, panel]                     each of the n n elements a little further away than
 * that
 *
 * Where weights lie in the other direction (transposed convolutions) a piece of them is changed over first. */
#ifndef CNI_WINOGRAD_PANELS_H
#define CNI_WINOGRAD_PANELS_H

#include "graph/ops/winograd_conv2d.h"

/** Distances in elements. */
typedef struct cni_winograd_panels {
    int n, elements; /* a side of a tile, and n n */
    int panel, count;
    ptrdiff_t element; /* from element to element */
    ptrdiff_t stride;  /* from panel to panel */
} cni_winograd_panels;

cni_winograd_panels cni_winograd_panels_of(const cni_winograd_conv *conv, const cni_kernels *kernels);

/** Bytes of U, and of what a thread needs while it makes U. */
size_t cni_winograd_panels_bytes(const cni_winograd_panels *panels, const cni_kernels *kernels);
size_t cni_winograd_panels_own(const cni_winograd_conv *conv, const cni_kernels *kernels);

/** Makes U of w, on all threads of the run, each of which uses its own memory from byte `own` on. */
void cni_winograd_panels_make(const cni_winograd_conv *conv, const cni_run *run, const void *w, void *u, size_t own);

/** Channels read and written: the first, how many. */
typedef struct cni_winograd_channels {
    int from, depth, to, width;
} cni_winograd_channels;

/** Weights of some channels, from tap to tap and from channel read to channel read. */
typedef struct cni_winograd_piece {
    const void *at;
    ptrdiff_t tap, pixel;
} cni_winograd_piece;

/** They lie in w [window, window, channels read, channels written]; transposed, a copy [window, window, depth, panel]
 * is made in `own`: the channels have changed places there, and the window is turned, unless tiles overlap, whose cells
 * are sent back and not gathered. */
cni_winograd_piece cni_winograd_piece_of(const cni_winograd_conv *conv, const cni_kernels *kernels, const void *w,
                                         const cni_winograd_channels *channels, int panel, void *own);

#endif
