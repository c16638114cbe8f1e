/* SPDX-License-Identifier: Apache-2.0
 * Phases of a gradient for x, as window axes. */
#include "graph/ops/window_phases.h"
#include "graph/ops/taps.h"

static int common_divisor(int a, int b)
{
    return b ? common_divisor(b, a % b) : a;
}

/* Taps of a phase and their positions are `period` apart. */
cni_window_phase cni_window_phase_of(const cni_turned_axis *a, int rest, int begin, int end)
{
    const int stride = a->stride, period = stride / common_divisor(stride, a->dilation);
    const int first = (rest + stride - a->padding % stride) % stride;
    int tap = 0, taps = 0;
    while (tap < period && (int64_t)tap * a->dilation % stride != rest) tap++;
    if (tap < period && tap < a->window) taps = (a->window - 1 - tap) / period + 1;
    const int last_tap = tap + (taps - 1) * period;
    cni_window_phase p = {.axis = {.cells = a->y,
                                   .taps = taps,
                                   .stride = 1,
                                   .dilation = (int)((int64_t)period * a->dilation / stride),
                                   .first = begin > first ? cni_ratio_up(begin - first, stride) : 0,
                                   .last = end > first ? cni_ratio_up(end - first, stride) : 0,
                                   .x = a->dy_cell,
                                   .w = -period * a->w_tap,
                                   .y = stride * a->dx_cell},
                          .dx = first * a->dx_cell};
    if (taps) {
        p.axis.position = (int)((first + (int64_t)a->padding - (int64_t)last_tap * a->dilation) / stride);
        p.w = last_tap * a->w_tap;
    }
    return p;
}
