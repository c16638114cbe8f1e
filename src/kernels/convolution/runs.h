/* SPDX-License-Identifier: Apache-2.0
 * A row of a window in runs of neighbouring taps, for the vector sources: a cell is loaded once for all outputs that
 * see it through one of these taps.  With a stride neighbours are taps, and cells, that are a stride apart.  Everything
 * is static. */
#ifndef CNI_RUNS_H
#define CNI_RUNS_H

#include "kernels/convolution/window_axis.h"

enum { MOST_RUNS = 40, LONGEST_COUNTED = 9 };

/* Taps first, first + step, ...; bit q of `inside`: cell q of those that some outputs see is in the image. */
typedef struct run {
    int first, taps, weight; /* where its weights are in their order */
    unsigned inside;
} run;

/* The runs of a row of the window, or those that see the image. */
typedef struct runs {
    int count, step;
    run run[MOST_RUNS];
} runs;

/* Taps first, first + step, ... in runs of next[taps that are left], or `most` where that is not counted. */
static bool add_runs(runs *window, int first, int taps, const int *next, int most)
{
    while (taps > 0) {
        const int some = taps > LONGEST_COUNTED ? most : next[taps];
        if (!some || window->count == MOST_RUNS) return false;
        window->run[window->count++] = (run){.first = first, .taps = some};
        first += some * window->step;
        taps -= some;
    }
    return true;
}

static int common_divisor(int a, int b)
{
    return b ? common_divisor(b, a % b) : a;
}

/* False where the taps of the window do not fall into such runs. */
static bool find_runs(const cni_window_axis *c, const int *next, int most, runs *window)
{
    window->count = 0;
    window->step = c->stride / common_divisor(c->stride, c->dilation);
    if (window->step * c->dilation != c->stride) return false;
    for (int first = 0; first < window->step && first < c->taps; first++)
        if (!add_runs(window, first, (c->taps - first - 1) / window->step + 1, next, most)) return false;
    for (int i = 1; i < window->count; i++) window->run[i].weight = window->run[i - 1].weight + window->run[i - 1].taps;
    return true;
}

/* The runs through which outputs from `column` on see the image, and where they do. */
static runs runs_seen(const cni_window_axis *c, const runs *window, int column, int outputs)
{
    runs seen = {.step = window->step};
    for (int i = 0; i < window->count; i++) {
        run *k = &seen.run[seen.count];
        *k = window->run[i];
        ptrdiff_t at = first_cell(c, column) + (ptrdiff_t)k->first * c->dilation;
        k->inside = 0;
        for (int q = 0; q < outputs + k->taps - 1; q++, at += c->stride)
            if (at >= 0 && at < c->cells) k->inside |= 1u << q;
        if (k->inside) seen.count++;
    }
    return seen;
}

#endif
