/* SPDX-License-Identifier: Apache-2.0
 * The gradient of a convolution for its weights by Winograd's algorithm: windows of 3x3 or 5x5, stride 1.
 *
 * Bound of the error, against sums in double: its L2 norm is at most 1e-5 of the result's, and no element is further
 * off than 1e-4 of the largest.  Measured with normal data, x after a relu, 16 to 4096 tiles: up to 1e-6 (3x3), 1.1e-6
 * (5x5), 3e-7 (3x3 with four points); direct sums 2.4e-7. */
#ifndef CNI_WINOGRAD_WEIGHTS_H
#define CNI_WINOGRAD_WEIGHTS_H

#include "graph/ops/algorithm.h"

typedef struct cni_winograd_weights {
    int h, w, c, oh, ow, f; /* image and windows */
    int window;             /* 3 or 5 */
    int points;             /* 6, or 4 with a window of 3: tiles of dy have points + 1 - window cells a side */
    int top, left;          /* zeros before the image */
} cni_winograd_weights;

/** By an algorithm that is not direct (CNI_DIRECT: `points` stays 0). */
cni_winograd_weights cni_winograd_weights_of(const cni_conv_shape *shape, cni_algorithm algorithm);

/** Whether it is worth it for n images at most; sets `points`. */
bool cni_winograd_weights_choose(cni_winograd_weights *shape, int n);

/** Bytes of scratch, and of each thread's own memory, for the largest run. */
size_t cni_winograd_weights_scratch(const cni_winograd_weights *shape, const cni_run *most);
size_t cni_winograd_weights_own(const cni_winograd_weights *shape, const cni_run *most);

/** dw [window, window, c, f]: the sum over all windows of x [n, h, w, c] times dy [n, oh, ow, f]; db [f], the sums of
 *  dy, unless NULL. */
void cni_winograd_weights_run(const cni_winograd_weights *shape, const cni_run *run, const void *x, const void *dy,
                              void *dw, void *db, void *scratch);

#endif
