/* SPDX-License-Identifier: Apache-2.0
 * Winograd's algorithm with few tiles.  All transformed weights together are larger than the second cache, and each of
 * them would be read once: writing them down takes longer than the products.  So the products' kernel transforms them
 * piece by piece:
 *
 *   V [channels read / CHUNK][n n][tiles][CHUNK] = input of x                   each thread for itself
 *   for each panel of channels written                                          tasks
 *     M [n n][tiles][panel] = V (spread of w)
 *     y = gather of M
 *
 * Every sum runs over the channels in their order, whatever the panels. */
#include "graph/ops/winograd_few.h"

#include "graph/ops/taps.h"
#include "graph/ops/winograd_elements.h"
#include "graph/ops/winograd_panels.h"

#include <string.h>

enum { CHUNK = CNI_WINOGRAD_CHUNK };

typedef struct plan {
    int n, elements, panel, panels, chunks;
    size_t tiles; /* of this run */
    ptrdiff_t v_position, m_position, m_tile;
    size_t v_bytes, turned_bytes, m_bytes;
} plan;

typedef struct work {
    const cni_winograd_conv *conv;
    const cni_kernels *kernels;
    plan p;
    cni_winograd_grid from, to;
    int group_panels;
    const void *x, *w;
    const cni_finish *finish;
    const cni_epilogue *after;
    void *y;
    const cni_run *run;
    int images;
} work;

static size_t tiles_of(const cni_winograd_conv *c, int images)
{
    return (size_t)images * (size_t)cni_ratio_up(c->to[0], c->results) * (size_t)cni_ratio_up(c->to[1], c->results);
}

bool cni_winograd_few_serves(const cni_winograd_conv *conv, int batch)
{
    return tiles_of(conv, batch) <= (size_t)cni_few_tiles(conv->from[2], conv->to[2]);
}

/* Panels are of two vectors, or of one where threads would have nothing to do. */
static plan plan_of(const cni_winograd_conv *c, const cni_kernels *kernels, int threads, int images)
{
    const int lanes = kernels->winograd.lanes, vectors = cni_ratio_up(c->to[2], lanes);
    const size_t real = kernels->real_size;
    plan p = {.n = c->window + c->results - 1, .panel = vectors < 2 * threads ? lanes : 2 * lanes};
    p.elements = p.n * p.n;
    p.m_tile = 2 * lanes;
    p.panels = cni_ratio_up(c->to[2], p.panel);
    p.chunks = cni_ratio_up(c->from[2], CHUNK);
    p.tiles = tiles_of(c, images);
    p.v_position = cni_winograd_spaced((ptrdiff_t)p.tiles * CHUNK);
    p.m_position = cni_winograd_spaced((ptrdiff_t)p.tiles * p.m_tile);
    p.v_bytes = cni_round_up((size_t)p.chunks * (size_t)p.elements * (size_t)p.v_position * real);
    p.turned_bytes = c->transposed ? cni_round_up((size_t)(c->window * c->window * CHUNK) * (size_t)p.panel * real) : 0;
    p.m_bytes = cni_round_up((size_t)p.elements * (size_t)p.m_position * real);
    return p;
}

static size_t own_bytes(const plan *p)
{
    return p->v_bytes + p->turned_bytes + p->m_bytes;
}

size_t cni_winograd_few_own(const cni_winograd_conv *conv, const cni_run *most)
{
    const int threads = cni_pool_threads(most->pool);
    const plan alone = plan_of(conv, most->kernels, 1, most->batch);
    const plan p = plan_of(conv, most->kernels, threads, most->batch);
    return own_bytes(&p) > own_bytes(&alone) ? own_bytes(&p) : own_bytes(&alone);
}

/* V, chunk by chunk of channels. */
static void input(const work *w, char *v)
{
    const plan *p = &w->p;
    cni_winograd_tile tiles[CNI_FEW_TILES];
    cni_winograd_cut(&w->from, 0, p->tiles, tiles);
    cni_winograd_job job = {.tiles = tiles,
                            .count = p->tiles,
                            .row = (ptrdiff_t)w->from.width * w->from.channels,
                            .column = w->from.channels,
                            .tile = CHUNK,
                            .position = p->v_position};
    for (int i = 0; i < p->chunks; i++) {
        job.channels = cni_smaller(CHUNK, w->from.channels - i * CHUNK);
        w->kernels->winograd.input[p->n](&job, cni_at(w->x, i * CHUNK, w->kernels->real_size),
                                         v + (size_t)i * (size_t)(p->elements * p->v_position) * w->kernels->real_size);
    }
}

static void run_panel(const work *w, int panel, const cni_winograd_tile *tiles, char *own)
{
    const plan *p = &w->p;
    const cni_winograd_conv *c = w->conv;
    const size_t real_size = w->kernels->real_size;
    char *turned = own + p->v_bytes, *m = turned + p->turned_bytes;
    const int j0 = panel * p->panel, width = cni_smaller(p->panel, c->to[2] - j0);
    cni_winograd_products products = {
        .m = m, .v_position = p->v_position, .m_position = p->m_position, .tiles = (int)p->tiles, .width = width};
    for (int i = 0; i < p->chunks; i++) {
        products.v = own + (size_t)i * (size_t)(p->elements * p->v_position) * real_size;
        products.depth = cni_smaller(CHUNK, c->from[2] - i * CHUNK);
        const cni_winograd_channels channels = {i * CHUNK, products.depth, j0, width};
        const cni_winograd_piece from = cni_winograd_piece_of(c, w->kernels, w->w, &channels, p->panel, turned);
        products.w = from.at;
        products.tap = from.tap;
        products.pixel = from.pixel;
        products.accumulate = i > 0;
        w->kernels->winograd.multiply[p->n][c->window](&products);
    }
    const cni_winograd_job job = {.tiles = tiles,
                                  .count = p->tiles,
                                  .row = (ptrdiff_t)w->to.width * w->to.channels,
                                  .column = w->to.channels,
                                  .tile = p->m_tile,
                                  .position = p->m_position,
                                  .channels = width,
                                  .taps = c->taps};
    const cni_winograd_kernels *kernels = &w->kernels->winograd;
    cni_winograd_back *gather = c->pooled ? kernels->gather_max[p->n][c->results] : kernels->gather[p->n][c->results];
    gather(&job, m, w->finish, j0, w->y);
}

/* What is left to do element by element; channels first ... last - 1 of y's pixels. */
static void apply_after(const work *w, int first, int last)
{
    const cni_winograd_grid *to = &w->to;
    size_t pixels = (size_t)w->images * (size_t)to->height * (size_t)to->width, channels = (size_t)(last - first);
    if (last - first == to->channels) {
        channels *= pixels;
        pixels = 1;
    }
    for (size_t i = 0; i < pixels; i++) {
        void *cells = cni_at_mutable(w->y, (ptrdiff_t)i * to->channels + first, w->kernels->real_size);
        w->kernels->elementwise.unary(w->after, cells, cells, channels);
    }
}

static void run_task(void *context, size_t index, int thread)
{
    const work *w = context;
    const int first = (int)index * w->group_panels, last = cni_smaller(first + w->group_panels, w->p.panels);
    char *own = cni_own(w->run, thread);
    cni_winograd_tile tiles[CNI_FEW_TILES];
    input(w, own);
    cni_winograd_cut(&w->to, 0, w->p.tiles, tiles);
    for (int i = first; i < last; i++) run_panel(w, i, tiles, own);
    if (w->after) apply_after(w, first * w->p.panel, cni_smaller(last * w->p.panel, w->to.channels));
}

void cni_winograd_few_convolve(const cni_winograd_conv *c, const cni_run *whole_run, const void *x, const void *w,
                               const cni_finish *finish, const cni_epilogue *after, void *y)
{
    const int n = c->window + c->results - 1;
    const cni_run run = cni_run_for(whole_run, 2.0 * (double)tiles_of(c, whole_run->n) * n * n * c->from[2] * c->to[2]);
    const int threads = cni_pool_threads(run.pool);
    work job = {.conv = c,
                .kernels = run.kernels,
                .p = plan_of(c, run.kernels, threads, run.n),
                .x = x,
                .w = w,
                .finish = finish,
                .after = after,
                .y = y,
                .run = whole_run,
                .images = run.n};
    cni_winograd_grids(c, &job.from, &job.to);
    job.group_panels = cni_ratio_up(job.p.panels, threads);
    cni_parallel(run.pool, (size_t)cni_ratio_up(job.p.panels, job.group_panels), run_task, &job);
}
