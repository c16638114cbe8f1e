/* SPDX-License-Identifier: Apache-2.0
 * The gradient for x of a convolution whose kernels take a window axis: a convolution of dy with the window read
 * backwards.  With a stride its cells fall into phases, each with some of the taps (taps.h), which are an ordinary
 * window again. */
#ifndef CNI_WINDOW_PHASES_H
#define CNI_WINDOW_PHASES_H

#include "kernels/convolution/convolution.h"

/** An axis of the convolution: cells of x and of y, and elements from tap to tap, and from cell to cell. */
typedef struct cni_turned_axis {
    int x, y, window, stride, dilation, padding;
    ptrdiff_t w_tap, dx_cell, dy_cell;
} cni_turned_axis;

typedef struct cni_window_phase {
    cni_window_axis axis;
    ptrdiff_t w, dx; /* where tap and output 0 are */
} cni_window_phase;

/** The cells first, first + stride, ... of dx among begin ... end - 1, which see the same taps, `rest` < stride: as
 *  outputs of a convolution of dy. */
cni_window_phase cni_window_phase_of(const cni_turned_axis *axis, int rest, int begin, int end);

#endif
