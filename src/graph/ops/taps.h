/* SPDX-License-Identifier: Apache-2.0
 * Where the taps of a window fall, one axis at a time; and rectangles of an image with zeros around it.
 *
 * Forward, output i reads cells i * stride + r * dilation - padding, one per tap r: one phase.
 *
 * Transposed (the gradient for the input, Conv2DTranspose), cell i was read by the windows (i + padding - r * dilation)
 * / stride where that division leaves nothing.  The cells fall into `stride` phases; the cells of a phase share their
 * taps, and from one of them to the next the window moves by one:
 *
 *      stride 2, three taps:   cell   0 1 2 3 4 5          phase 0: cells 0 2 4 .., taps 2 and 0
 *                              taps   0 1 0 1 0 1          phase 1: cells 1 3 5 .., tap 1
 *                                     2   2   2
 *
 * So each phase is an ordinary convolution with stride 1 and some of the taps. */
#ifndef CNI_TAPS_H
#define CNI_TAPS_H

#include "graph/graph.h"

/** The taps of one phase on one axis: output number k lies at cell first + k * out_step, and tap t reads cell
 *  k * step + position[t] (perhaps outside) with weight index[t].  Positions ascend. */
typedef struct cni_phase {
    int count, first, out_step;
    int step, taps;
    int *position, *index;
} cni_phase;

typedef struct cni_axis_shape {
    int to; /* cells written */
    int window, stride, dilation, padding;
    bool transposed;
} cni_axis_shape;

/** How many phases an axis has: 1 forward, `stride` transposed. */
int cni_axis_phases(const cni_axis_shape *shape);

/** Bytes of memory for the phases of one axis. */
size_t cni_axis_bytes(const cni_axis_shape *shape);

/** Fills the memory; returns the first of cni_axis_phases phases. */
cni_phase *cni_axis_init(const cni_axis_shape *shape, void *memory);

/** True when each tap reads the cell after that of the tap before. */
bool cni_phase_dense(const cni_phase *phase);

/** Outputs from `first` on, at most up to `last`, of which the same taps are inside an image of `size` cells: returns
 *  where they end; these are taps *tap ... *last_tap - 1. */
int cni_phase_segment(const cni_phase *phase, int size, int first, int last, int *tap, int *last_tap);

/** A rectangle of an image [h, w, c] of reals of `real_size` bytes, zero outside the image. */
typedef struct cni_rectangle {
    int top, left, rows, columns; /* top and left may be negative, the end may be beyond the image's */
    int channel, channels;        /* which channels: first, how many */
    int repeat;                   /* each channel so many times, side by side */
} cni_rectangle;

bool cni_rectangle_inside(const cni_rectangle *rectangle, int h, int w);

/** to [rows, columns, channels * repeat] */
void cni_rectangle_copy(const cni_rectangle *rectangle, const void *image, int h, int w, int c, size_t real_size,
                        void *to);

/** What is usual here. */

/** The run, without its other threads when there is so little to do that waking them would take longer. */
static inline cni_run cni_run_for(const cni_run *run, double operations)
{
    cni_run alone = *run;
    if (operations < 1e6) alone.pool = NULL; /* about 3 microseconds of multiply-adds; a fork and join takes one */
    return alone;
}

/** Reads a little of every line of memory, in order: brings them nearer as fast as the memory can, where they will be
 *  needed in an order that the processor does not foresee. */
static inline void cni_touch(const void *data, size_t bytes)
{
    const volatile char *at = data;
    for (size_t i = 0; i < bytes; i += 64) (void)at[i];
}

/** The same for `wanted` channels, from `channel` on, of so many cells. */
static inline void cni_touch_cells(const void *data, size_t cells, int channels, int channel, int wanted,
                                   size_t real_size)
{
    size_t pitch = (size_t)channels * real_size, bytes = (size_t)wanted * real_size;
    const char *at = (const char *)data + (size_t)channel * real_size;
    if (wanted == channels) {
        cni_touch(at, cells * bytes);
        return;
    }
    for (size_t i = 0; i < cells; i++, at += pitch) cni_touch(at, bytes);
}

static inline size_t cni_round_up(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static inline int cni_smaller(int a, int b)
{
    return a < b ? a : b;
}

static inline int cni_ratio_up(int a, int b)
{
    return (a + b - 1) / b;
}

static inline const void *cni_at(const void *data, ptrdiff_t element, size_t real_size)
{
    return (const char *)data + element * (ptrdiff_t)real_size;
}

static inline void *cni_at_mutable(void *data, ptrdiff_t element, size_t real_size)
{
    return (char *)data + element * (ptrdiff_t)real_size;
}

#endif
