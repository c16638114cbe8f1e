/* SPDX-License-Identifier: Apache-2.0
 * Which positions of an input one output position reads, on one axis: the same answer for hulls and for read masks. */
#ifndef CNI_READS_H
#define CNI_READS_H

#include "explain/analysis/analysis.h"

/** How an axis of a node reads the same axis of one of its inputs. */
typedef struct cni_link {
    cni_view_type type; /* POINT, WINDOW, TRANSPOSED, SHIFT, NEAREST, BILINEAR or ADAPTIVE */
    cni_border border;
    int64_t n, o;    /* -1: not known */
    int64_t k, s, d; /* s: of up-sampling the factor, 0 when it is no whole number; k: of adaptive pooling the number of
                        outputs */
    int64_t before;  /* concatenation along this axis: POINT with outputs that the other inputs give */
    bool corners;    /* BILINEAR: first and last positions of both lie on each other */
    bool stretched;  /* POINT: an input of size 1 is read by all */
} cni_link;

/** Whether padded cells hold pixels again, and not zeros or nothing. */
static inline bool cni_repeats_pixels(cni_border border)
{
    return border == CNI_BORDER_EDGE || border == CNI_BORDER_REFLECT || border == CNI_BORDER_WRAP;
}

/** first, first + step, ... */
typedef struct cni_taps {
    int64_t first, step, count;
} cni_taps;

/** The link of an axis between a node and its input of this place; false when there is none: the node sees all, or
 *  nothing is known of it. */
bool cni_link_of(const cni_analysis *analysis, const cni_explained *node, int input, int axis, cni_link *link);

/** What output y reads, were the input endless. */
cni_taps cni_reads(const cni_link *link, int64_t y);

/** What it reads of 0..n-1.  The border of edge and reflection padding is read through it. */
cni_taps cni_reads_inside(const cni_link *link, int64_t y);

#endif
