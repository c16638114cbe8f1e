/* SPDX-License-Identifier: Apache-2.0
 * How a convolution is divided: into parts (combinations of a phase of the rows and one of the columns, taps.h),
 * images, blocks of rows, and chunks of whatever units the output channels come in.  A block knows the rows that it
 * reads, with zeros around the image: copied only where it sticks out. */
#ifndef CNI_BLOCKS_H
#define CNI_BLOCKS_H

#include "graph/graph.h"
#include "kernels/kernels.h"
#include "graph/ops/taps.h"

typedef struct cni_sampling {
    int from[3], to[3]; /* height, width, channels of what is read and of what is written */
    int window[2], strides[2], dilation[2], padding[2];
    bool transposed;
    int repeat;    /* each channel that is read is needed so many times, side by side; else 1 */
    bool can_fold; /* a row of taps may count as one tap with all its cells\' channels */
    bool in_place; /* never copied: taps may lie outside the image */
} cni_sampling;

typedef struct cni_part {
    const cni_phase *rows, *columns;
    bool folded;
    size_t first_tap; /* taps of the parts before it: where its weights begin */
} cni_part;

/** Tasks: image by image, block by block, part by part, chunk by chunk of units. */
typedef struct cni_blocks {
    const cni_sampling *sampling;
    size_t real_size;
    const void *x;
    int parts;
    cni_part *part;
    int block_rows, row_blocks; /* rows of each part */
    int units, chunk_units, chunks;
    size_t tasks;
    const cni_run *run; /* whose threads' own memory is used */
} cni_blocks;

typedef struct cni_block {
    const cni_part *part;
    int image, block, first, last; /* rows of the part's outputs; there may be none */
    int unit, last_unit;
    const void *x; /* what `tap` counts from: cell (top, left) of the image */
    int top, left;
    ptrdiff_t row, pixel;     /* from cell to cell */
    ptrdiff_t x_row, x_pixel; /* from output row to output row, from output column to output column */
    const ptrdiff_t *tap;
    int taps, cells;             /* taps; cells per tap: 1, or those of a row of the window when folded */
    ptrdiff_t y, y_row, y_pixel; /* of the first output, in elements; likewise */
    size_t rows, columns;
} cni_block;

/** Bytes of scratch, and of each thread's own memory. */
size_t cni_blocks_scratch(const cni_sampling *sampling);
size_t cni_blocks_own(const cni_sampling *sampling, size_t real_size);

void cni_blocks_init(cni_blocks *blocks, const cni_sampling *sampling, const cni_run *run, const void *x, int units,
                     void *scratch);

/** The block of a task; uses the thread's own memory. */
cni_block cni_block_of(const cni_blocks *blocks, size_t task, int thread);

/** Applies the epilogue to channels from ... to - 1 of the block's outputs; nothing for linear and plain relu. */
void cni_block_finish(const cni_blocks *blocks, const cni_block *block, const cni_epilogue *epilogue,
                      const cni_kernels *kernels, void *y, int from, int to);

/** True for max(x, 0), which kernels apply by themselves. */
bool cni_plain_relu(const cni_epilogue *epilogue);

#endif
