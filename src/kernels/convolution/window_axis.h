/* SPDX-License-Identifier: Apache-2.0
 * Arithmetic of window axes, for the vector sources.  Everything is static. */
#ifndef CNI_WINDOW_AXIS_H
#define CNI_WINDOW_AXIS_H

#include "kernels/convolution/convolution.h"

#include <stdbool.h>

/** The cell that tap 0 of an output looks at. */
static inline ptrdiff_t first_cell(const cni_window_axis *a, int output)
{
    return (ptrdiff_t)output * a->stride + a->position;
}

/** The taps of an output that are inside the image: first ... last - 1. */
static inline void taps_inside(const cni_window_axis *a, int output, int *first, int *last)
{
    ptrdiff_t at = first_cell(a, output);
    int t = 0;
    while (t < a->taps && at + (ptrdiff_t)t * a->dilation < 0) t++;
    *first = t;
    while (t < a->taps && at + (ptrdiff_t)t * a->dilation < a->cells) t++;
    *last = t;
}

/** Which of `count` cells from the first one of an output on are inside: a bit each. */
static inline unsigned cells_inside(const cni_window_axis *a, int output, int count)
{
    unsigned inside = 0;
    ptrdiff_t at = first_cell(a, output);
    for (int p = 0; p < count; p++)
        if (at + p >= 0 && at + p < a->cells) inside |= 1u << p;
    return inside;
}

/** The outputs of which taps tap ... tap + count - 1 are all inside: first ... last - 1, none when they cross. */
static inline void outputs_inside(const cni_window_axis *a, int tap, int count, int *first, int *last)
{
    ptrdiff_t begin = a->position + (ptrdiff_t)tap * a->dilation, end = begin + (ptrdiff_t)(count - 1) * a->dilation;
    *first = begin < 0 ? (int)((-begin + a->stride - 1) / a->stride) : 0;
    *last = end < a->cells ? (int)((a->cells - 1 - end) / a->stride) + 1 : 0;
}

/** With stride 1 a dilated window sees only every dilation-th cell, and so do its neighbours that far away: an axis
 *  falls into so many axes without dilation. */
static inline int undilated_parts(const cni_window_axis *a)
{
    return a->stride == 1 && a->taps > 1 ? a->dilation : 1;
}

/** Outputs rest, rest + parts, ... of an axis; *x and *y: where its cell and its output 0 are. */
static inline cni_window_axis undilated_part(const cni_window_axis *a, int rest, int parts, ptrdiff_t *x, ptrdiff_t *y)
{
    cni_window_axis e = *a;
    *x = *y = 0;
    if (a->taps == 1) e.dilation = 1;
    if (parts == 1) return e;
    const int at = rest + a->position, cell = (at % parts + parts) % parts;
    e.dilation = 1;
    e.position = (at - cell) / parts;
    e.cells = a->cells > cell ? (a->cells - cell - 1) / parts + 1 : 0;
    e.first = a->first > rest ? (a->first - rest + parts - 1) / parts : 0;
    e.last = a->last > rest ? (a->last - rest + parts - 1) / parts : 0;
    e.x *= parts;
    e.y *= parts;
    *x = cell * a->x;
    *y = rest * a->y;
    return e;
}

/** `count` things in as few parts of nearly equal size as it takes for none to be larger than `most`: where one begins.
 */
static inline int part_begin(int count, int most, int part)
{
    int parts = (count + most - 1) / most, larger = count % parts;
    return count / parts * part + (part < larger ? part : larger);
}

/** Pixels whose distance is a multiple of 1 KiB, or rows of them one of 4 KiB, share few sets of the first cache. */
static inline bool axis_crowds(const cni_window_axis *rows, const cni_window_axis *columns)
{
    return columns->x % 256 == 0 || columns->y % 256 == 0 || rows->x % 1024 == 0 || rows->y % 1024 == 0;
}

#endif
