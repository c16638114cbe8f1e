/* SPDX-License-Identifier: Apache-2.0
 * What the vector sources of depthwise convolution share.  Everything is static but the last. */
#ifndef CNI_DEPTHWISE_PARTS_H
#define CNI_DEPTHWISE_PARTS_H

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/window_axis.h"
#include "kernels/finish_vector.h"
#include "kernels/vector_some.h"

enum { MOST_TAPS = 49 };

typedef enum ending { PLAIN, CLAMPED, ANY, ENDINGS } ending;

ALWAYS_INLINE ending ending_of(const cni_finish *f)
{
    return f->add || f->mask || (f->clamps && f->slope != 0) ? ANY : f->clamps ? CLAMPED : PLAIN;
}

/* The finish without what the weights and the first summand have taken in already. */
ALWAYS_INLINE void end(const cni_depthwise *d, lanes sum, ptrdiff_t at, ending how, int some)
{
    const cni_finish *f = &d->finish;
    if (how != PLAIN) {
        if (f->add && how == ANY) sum += load_at(f->add, at, some);
        if (f->clamps || how == CLAMPED) sum = vector_clamp(sum, how == CLAMPED ? 0 : (float)f->slope, (float)f->most);
        if (f->mask && how == ANY) sum = choose((mask)(load_at(f->mask, at, some) > (lanes){0}), sum, (lanes){0});
    }
    put((float *)d->y + at, sum, some);
}

/* The window of a vector of channels, scaled. */
ALWAYS_INLINE void load_window(const cni_depthwise *d, lanes *w, int channel, int taps_down, int taps_across, int some)
{
    const float *from = (const float *)d->w + channel;
    UNROLL for (int r = 0; r < taps_down; r++) UNROLL for (int s = 0; s < taps_across; s++) w[r * taps_across + s] =
        take(from + r * d->rows.w + s * d->columns.w, some);
    if (!d->finish.scale) return;
    const lanes scale = load_at(d->finish.scale, channel, some);
    UNROLL for (int t = 0; t < taps_down * taps_across; t++) w[t] *= scale;
}

/* Windows of many columns, a row of outputs at a time; false: this one is not for it. */
bool CNI_FOR_ISA(cni_depthwise_rows)(const cni_depthwise *depthwise);

#endif
