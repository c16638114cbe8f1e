/* SPDX-License-Identifier: Apache-2.0
 * Pooling over windows and over the whole image. */
#ifndef CNI_POOLING_H
#define CNI_POOLING_H

#include "graph/graph.h"

typedef struct cni_pool2d_attributes {
    int window[2], strides[2];    /* rows, columns */
    int top, bottom, left, right; /* padding: cells that do not count.  Every window has a cell inside the image. */
} cni_pool2d_attributes;

/** y [n, h', w', c], h' = (h + top + bottom - window) / stride + 1 rounded down; from x [n, h, w, c].  Maximum: NaN
 * where a window has one; the gradient goes to the first cell, row by row, that has the maximum.  Average: over the
 * cells inside the image. */
cni_tensor *cni_max_pool2d(cni_graph *graph, cni_tensor *x, const cni_pool2d_attributes *attributes);
cni_tensor *cni_average_pool2d(cni_graph *graph, cni_tensor *x, const cni_pool2d_attributes *attributes);

/** y [n, c]: the mean or the maximum over h and w.  The maximum's gradient is shared by all cells that have it. */
cni_tensor *cni_global_average_pool(cni_graph *graph, cni_tensor *x);
cni_tensor *cni_global_max_pool(cni_graph *graph, cni_tensor *x);

/** For passes: true for a maximum over windows of 2 x 2 that lie side by side inside the image. */
bool cni_halves(const cni_op *op);

/** What such an op does: x [n, size[0], size[1], size[2]] -> y; taps (or NULL): which cell of its window each is. */
void cni_max_pool2d_halve(const cni_run *run, const void *x, const int size[3], void *y, unsigned char *taps);

/** For passes: when `op` is the gradient of a maximum over windows, the maxima; NULL when it is another op.  What was
 *  pooled is the first input of their producer. */
cni_tensor *cni_maxima_behind(const cni_op *op);

#endif
