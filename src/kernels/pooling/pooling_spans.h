/* SPDX-License-Identifier: Apache-2.0
 * Which cells a window has, and which windows a cell is in.  For the sources of the pooling kernels only: everything is
 * static, so that each instruction set has its own. */
#ifndef CNI_POOLING_SPANS_H
#define CNI_POOLING_SPANS_H

#include "kernels/pooling/pooling_kernels.h"

typedef struct span {
    int first, last; /* last is one past */
    int origin;      /* where the window begins, perhaps outside the image */
} span;

static inline span window_of(int i, int stride, int padding, int window, int size)
{
    int origin = i * stride - padding;
    return (span){origin < 0 ? 0 : origin, origin + window > size ? size : origin + window, origin};
}

static inline span window_rows(const cni_windows *v, int i)
{
    return window_of(i, v->strides[0], v->top, v->window[0], v->h);
}

static inline span window_columns(const cni_windows *v, int j)
{
    return window_of(j, v->strides[1], v->left, v->window[1], v->w);
}

/* Windows i with i * stride - padding <= r < i * stride - padding + window. */
static inline span covering(int r, int stride, int padding, int window, int count)
{
    int below = r + padding - window;
    int first = below < 0 ? 0 : below / stride + 1, last = (r + padding) / stride + 1;
    return (span){first, last > count ? count : last, 0};
}

static inline span covering_rows(const cni_windows *v, int r)
{
    return covering(r, v->strides[0], v->top, v->window[0], v->oh);
}

static inline span covering_columns(const cni_windows *v, int s)
{
    return covering(s, v->strides[1], v->left, v->window[1], v->ow);
}

/* From covering_columns(v, s - 1) to covering_columns(v, s), without a division. */
static inline void move_on(const cni_windows *v, int s, span *columns)
{
    while (columns->last < v->ow && columns->last * v->strides[1] - v->left <= s) columns->last++;
    while (columns->first < columns->last && columns->first * v->strides[1] - v->left + v->window[1] <= s)
        columns->first++;
}

/* The tap by which window (i, j) sees cell (r, s). */
static inline int tap_of(const cni_windows *v, int r, int s, int i, int j)
{
    return (r - i * v->strides[0] + v->top) * v->window[1] + s - j * v->strides[1] + v->left;
}

/* How many cells of window (i, j) are inside the image. */
static inline int cells_of(const cni_windows *v, int i, int j)
{
    span rows = window_rows(v, i), columns = window_columns(v, j);
    return (rows.last - rows.first) * (columns.last - columns.first);
}

#endif
