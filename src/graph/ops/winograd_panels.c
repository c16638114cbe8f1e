/* SPDX-License-Identifier: Apache-2.0
 * Transforms weights in pieces of CHUNK channels read and one panel of channels written. */
#include "graph/ops/winograd_panels.h"

#include "graph/ops/taps.h"
#include "graph/ops/winograd_elements.h"

#include <string.h>

enum { CHUNK = 16 };

cni_winograd_panels cni_winograd_panels_of(const cni_winograd_conv *c, const cni_kernels *kernels)
{
    cni_winograd_panels p = {.n = c->window + c->results - 1, .panel = kernels->matmul.panel};
    p.elements = p.n * p.n;
    p.count = cni_ratio_up(c->to[2], p.panel);
    p.element = cni_winograd_spaced((ptrdiff_t)c->from[2] * p.panel);
    p.stride = p.elements * p.element;
    return p;
}

size_t cni_winograd_panels_bytes(const cni_winograd_panels *p, const cni_kernels *kernels)
{
    return cni_round_up((size_t)p->count * (size_t)p->stride * kernels->real_size);
}

size_t cni_winograd_panels_own(const cni_winograd_conv *c, const cni_kernels *kernels)
{
    return c->transposed ? (size_t)(c->window * c->window * CHUNK * kernels->matmul.panel) * kernels->real_size : 0;
}

cni_winograd_piece cni_winograd_piece_of(const cni_winograd_conv *c, const cni_kernels *kernels, const void *w,
                                         const cni_winograd_channels *channels, int panel, void *own)
{
    const size_t real_size = kernels->real_size;
    const ptrdiff_t tap = (ptrdiff_t)c->from[2] * c->to[2], own_tap = (ptrdiff_t)channels->depth * panel;
    const int taps = c->window * c->window;
    if (!c->transposed) {
        const ptrdiff_t first = (ptrdiff_t)channels->from * c->to[2] + channels->to;
        return (cni_winograd_piece){cni_at(w, first, real_size), tap, c->to[2]};
    }
    for (int t = 0; t < taps; t++) {
        const ptrdiff_t first = t * tap + (ptrdiff_t)channels->to * c->from[2] + channels->from;
        const int turned = c->overlaps ? t : taps - 1 - t;
        kernels->layout.transpose(cni_at(w, first, real_size), (size_t)c->from[2],
                                  cni_at_mutable(own, turned * own_tap, real_size), (size_t)panel,
                                  (size_t)channels->width, (size_t)channels->depth);
    }
    return (cni_winograd_piece){own, own_tap, panel};
}

typedef struct work {
    const cni_winograd_conv *conv;
    const cni_run *run;
    cni_winograd_panels p;
    const void *w;
    void *u;
    size_t own;
} work;

static void make_piece(void *context, size_t index, int thread)
{
    const work *w = context;
    const cni_winograd_panels *p = &w->p;
    const cni_kernels *kernels = w->run->kernels;
    const int *from = w->conv->from, *to = w->conv->to, window = w->conv->window;
    const int chunks = cni_ratio_up(from[2], CHUNK), panel = (int)index / chunks;
    cni_winograd_channels channels = {.from = (int)index % chunks * CHUNK, .to = panel * p->panel};
    channels.depth = cni_smaller(CHUNK, from[2] - channels.from);
    channels.width = cni_smaller(p->panel, to[2] - channels.to);
    const cni_winograd_piece piece =
        cni_winograd_piece_of(w->conv, kernels, w->w, &channels, p->panel, cni_own(w->run, thread) + w->own);
    cni_winograd_tile tiles[CHUNK];
    for (int i = 0; i < channels.depth; i++)
        tiles[i] = (cni_winograd_tile){.at = i * piece.pixel, .bottom = window, .right = window};
    const cni_winograd_job job = {.tiles = tiles,
                                  .count = (size_t)channels.depth,
                                  .row = window * piece.tap,
                                  .column = piece.tap,
                                  .tile = p->panel,
                                  .position = p->element,
                                  .channels = channels.width};
    void *u = cni_at_mutable(w->u, panel * p->stride + (ptrdiff_t)channels.from * p->panel, kernels->real_size);
    for (int a = 0; a < p->elements && channels.width < p->panel; a++)
        memset(cni_at_mutable(u, a * p->element, kernels->real_size), 0,
               (size_t)(channels.depth * p->panel) * kernels->real_size);
    kernels->winograd.spread[p->n][window](&job, piece.at, u);
}

void cni_winograd_panels_make(const cni_winograd_conv *conv, const cni_run *run, const void *w, void *u, size_t own)
{
    work job = {.conv = conv, .run = run, .p = cni_winograd_panels_of(conv, run->kernels), .w = w, .u = u, .own = own};
    cni_parallel(run->pool, (size_t)(job.p.count * cni_ratio_up(conv->from[2], CHUNK)), make_piece, &job);
}
