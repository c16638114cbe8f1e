/* SPDX-License-Identifier: Apache-2.0
 * How a convolution is computed.  The answer decides which sums are formed, so it follows from the shape, the pass, the
 * plan's batch, the kernels and the math mode: never from the number of threads, nor from time. */
#ifndef CNI_ALGORITHM_H
#define CNI_ALGORITHM_H

#include "graph/graph.h"

typedef enum cni_conv_pass { CNI_PASS_FORWARD, CNI_PASS_DATA, CNI_PASS_WEIGHTS, CNI_PASSES } cni_conv_pass;

/** Winograd's F(m x m, k x k): m x m results of a window of k x k cells are computed together. */
typedef enum cni_algorithm {
    CNI_DIRECT,
    CNI_F43,
    CNI_F23,
    CNI_F25,
    CNI_OVERLAP_43, /* for the data: tiles of dy, each sent back to m + k - 1 x m + k - 1 cells (winograd_overlap.h) */
    CNI_OVERLAP_25,
    CNI_ALGORITHMS
} cni_algorithm;

/** By algorithm: its name, m and k (0: direct). */
typedef struct cni_algorithm_row {
    const char *name;
    int results, window;
    bool overlaps;
} cni_algorithm_row;

extern const cni_algorithm_row cni_algorithm_rows[CNI_ALGORITHMS];

/** Of the pass: `results` and `from` are what is tiled, for CNI_PASS_DATA the image and dy; for the others y and x. */
typedef struct cni_conv_shape {
    cni_conv_pass pass;
    int from[3], to[3]; /* height, width, channels of what is read and of what is written (for WEIGHTS: of x and dy) */
    int window[2], strides[2], dilation[2], groups;
    int padding[2]; /* rows above and columns before the image */
    bool keeps;     /* weights are transformed once for all runs, and take memory for as long */
} cni_conv_shape;

/** As many tiles of the largest batch as are few, never more than CNI_FEW_TILES: weights that are new in each run are
 * then transformed piece by piece (winograd_few.h). */
enum { CNI_FEW_TILES = 32, CNI_FEWER_TILES = 16, CNI_MANY_WEIGHTS = 8192 };

static inline int cni_few_tiles(int channels_read, int channels_written)
{
    return (int64_t)channels_read * channels_written >= CNI_MANY_WEIGHTS ? CNI_FEW_TILES : CNI_FEWER_TILES;
}

/** True when the algorithm computes such a convolution at all. */
bool cni_algorithm_serves(cni_algorithm algorithm, const cni_conv_shape *shape);

/** Whether it may be taken in this run: the math mode and the kernels allow it, and it serves the shape. */
bool cni_algorithm_allowed(cni_algorithm algorithm, const cni_conv_shape *shape, const cni_run *run);

/** What the rules say for a run of run->batch images. */
cni_algorithm cni_choose_algorithm(const cni_conv_shape *shape, const cni_run *run);

/** What a plan takes for `op`, a convolution of this shape: what is known of it, else what the rules say.
 *  Where it is asked for, what is not known is measured (choices.h). */
cni_algorithm cni_planned_algorithm(const cni_op *op, const cni_conv_shape *shape, const cni_run *most,
                                    const cni_choosing *choosing);

#endif
