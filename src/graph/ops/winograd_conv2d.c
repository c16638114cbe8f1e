/* SPDX-License-Identifier: Apache-2.0
 * Convolutions by Winograd's algorithm.  Tiles of all images are counted through and taken in blocks:
 *
 *     V [n n, tiles, channels read]         input transform of a block
 *     M [n n, tiles, panel] = V U           (winograd_panels.h) a product for each of the n n elements and each panel
 * of channels written y                                     gather, with the finish of the convolution
 *
 * A task is a block and some of the panels: all of them, where there are blocks enough; else a thread that reads a part
 * of U only, and transforms the whole block for itself, is done sooner than threads that transform a part each and wait
 * for the others' (another core's second cache answers slowly).  Every sum runs over the channels in their order, so
 * neither blocks nor threads change a bit. */
#include "graph/ops/winograd_conv2d.h"

#include "graph/ops/taps.h"
#include "graph/ops/winograd_elements.h"
#include "graph/ops/winograd_overlap.h"
#include "graph/ops/winograd_panels.h"

#include <string.h>

enum { MOST_TILES = 112, LEAST_TILES = 14, ASSUMED_L2 = 512 * 1024, FAR = 4 };

/* What follows from the shape: sizes in elements. */
typedef struct plan {
    cni_winograd_panels u;
    ptrdiff_t pixel;   /* of V: from tile to tile */
    size_t all_tiles;  /* of the largest batch */
    size_t most_tiles; /* of a block */
    size_t real_size;
} plan;

/* Of a block: M takes a quarter of the second cache, so that one stays there while y is gathered from it; V may lie in
 * the third, from which each of its elements serves a whole panel. */
static size_t at_most_tiles(const plan *p, const cni_kernels *kernels)
{
    const cni_caches *caches = &kernels->caches;
    size_t l2 = caches->l2 ? caches->l2 : ASSUMED_L2, last = caches->l3 ? caches->l3 : 2 * l2;
    size_t m_tile = (size_t)p->u.elements * (size_t)p->u.panel * p->real_size;
    size_t v_tile = (size_t)p->u.elements * (size_t)p->pixel * p->real_size;
    size_t tiles = l2 / 4 / m_tile < last / 4 / v_tile ? l2 / 4 / m_tile : last / 4 / v_tile;
    if (tiles > MOST_TILES) return MOST_TILES;
    return tiles < LEAST_TILES ? LEAST_TILES : tiles / LEAST_TILES * LEAST_TILES;
}

static size_t all_tiles(const cni_winograd_conv *c, int images)
{
    return (size_t)images * (size_t)cni_ratio_up(c->to[0], c->results) * (size_t)cni_ratio_up(c->to[1], c->results);
}

static plan plan_of(const cni_winograd_conv *c, const cni_kernels *kernels, int batch)
{
    plan p = {.u = cni_winograd_panels_of(c, kernels), .real_size = kernels->real_size};
    p.pixel = cni_winograd_pixel(c->from[2]);
    p.all_tiles = all_tiles(c, batch);
    p.most_tiles = at_most_tiles(&p, kernels);
    if (p.most_tiles > p.all_tiles) p.most_tiles = p.all_tiles;
    return p;
}

void cni_winograd_grids(const cni_winograd_conv *c, cni_winograd_grid *from, cni_winograd_grid *to)
{
    const int rows = cni_ratio_up(c->to[0], c->results), columns = cni_ratio_up(c->to[1], c->results);
    const int cells = c->window + c->results - 1, pool = c->pooled ? 2 : 1, side = c->results / pool;
    *from = (cni_winograd_grid){c->from[0], c->from[1], c->from[2], rows,
                                columns,    cells,      c->results, {c->padding[0], c->padding[1]}};
    *to = (cni_winograd_grid){c->to[0] / pool, c->to[1] / pool, c->to[2], rows, columns, side, side, {0, 0}};
}

size_t cni_winograd_weights(const cni_winograd_conv *c, const cni_kernels *kernels)
{
    const cni_winograd_panels u = cni_winograd_panels_of(c, kernels);
    return cni_winograd_panels_bytes(&u, kernels);
}

/* How a run is divided: blocks of tiles, groups of panels. */
typedef struct division {
    size_t tiles, blocks, block_tiles;
    int groups, group_panels;
} division;

typedef struct work {
    const cni_winograd_conv *conv;
    const cni_kernels *kernels;
    plan p;
    division d;
    cni_winograd_grid from, to;
    const void *x, *w;
    const cni_finish *finish;
    const cni_epilogue *after;
    void *y, *u;
    ptrdiff_t v_position, m_position;
    bool asks;          /* memory for what comes next */
    const cni_run *run; /* whose threads have tiles, V and M of their own */
} work;

/* A thread's own: tiles; V, or a piece of weights; M. */

static size_t tile_bytes(const plan *p)
{
    return cni_round_up(p->most_tiles * sizeof(cni_winograd_tile));
}

static size_t v_bytes(const cni_winograd_conv *c, const cni_kernels *kernels, const plan *p)
{
    size_t v = (size_t)p->u.elements * (size_t)cni_winograd_spaced((ptrdiff_t)p->most_tiles * p->pixel);
    size_t bytes = v * p->real_size, weights = cni_winograd_panels_own(c, kernels);
    return cni_round_up(bytes > weights ? bytes : weights);
}

static size_t m_bytes(const plan *p)
{
    return cni_round_up((size_t)p->u.elements * (size_t)cni_winograd_spaced((ptrdiff_t)p->most_tiles * p->u.panel) *
                        p->real_size);
}

size_t cni_winograd_own(const cni_winograd_conv *c, const cni_run *most)
{
    if (c->overlaps) return cni_winograd_overlap_own(c, most);
    plan p = plan_of(c, most->kernels, most->batch);
    return tile_bytes(&p) + v_bytes(c, most->kernels, &p) + m_bytes(&p);
}

/* What a division costs: cycles by element and channel read.  A cycle has 32 multiply-adds; reading U takes a cycle for
 * so many bytes as the cache gives that it fits in; the input transform takes 2 cycles for 16 channels. */
static double cost_of(const plan *p, const division *d, double u_bytes, int threads)
{
    double tiles = (double)d->block_tiles, channels = (double)d->group_panels * p->u.panel;
    double multiply = tiles * channels / 32, read = channels * (double)p->real_size / u_bytes;
    size_t rounds = (d->blocks * (size_t)d->groups + (size_t)threads - 1) / (size_t)threads;
    return (double)rounds * ((multiply > read ? multiply : read) + tiles / 8);
}

static double u_bytes_per_cycle(const plan *p, const cni_kernels *kernels)
{
    size_t bytes = (size_t)p->u.count * (size_t)p->u.stride * p->real_size;
    return bytes < kernels->caches.l2 / 2 ? 60 : bytes < kernels->caches.l3 / 4 ? 27 : 10;
}

static division divide(const cni_winograd_conv *c, const plan *p, const cni_run *run)
{
    int threads = cni_pool_threads(run->pool);
    division best = {.tiles = all_tiles(c, run->n)};
    size_t least = (best.tiles + p->most_tiles - 1) / p->most_tiles;
    double least_cost = 0, u_bytes = u_bytes_per_cycle(p, run->kernels);
    for (int groups = 1; groups <= threads && groups <= p->u.count; groups++) {
        division d = best;
        size_t share = (size_t)cni_ratio_up(threads, groups);
        d.blocks = (least + share - 1) / share * share;
        d.block_tiles = (d.tiles + d.blocks - 1) / d.blocks;
        d.blocks = (d.tiles + d.block_tiles - 1) / d.block_tiles;
        d.group_panels = cni_ratio_up(p->u.count, groups);
        d.groups = cni_ratio_up(p->u.count, d.group_panels);
        double cost = cost_of(p, &d, u_bytes, threads);
        if (groups > 1 && cost >= least_cost) continue;
        least_cost = cost;
        best = d;
    }
    return best;
}

/* Blocks */

static void input(const work *w, size_t first, size_t count, cni_winograd_tile *tiles, void *v)
{
    cni_winograd_cut(&w->from, first, count, tiles);
    const cni_winograd_job job = {.tiles = tiles,
                                  .count = count,
                                  .row = (ptrdiff_t)w->from.width * w->from.channels,
                                  .column = w->from.channels,
                                  .tile = w->p.pixel,
                                  .position = w->v_position,
                                  .channels = w->from.channels};
    w->kernels->winograd.input[w->p.u.n](&job, w->x, v);
}

/* Rows of cells, counted over all images, that tiles before `tile` look at, and those beside it. */
static size_t rows_before(const cni_winograd_grid *g, size_t tile)
{
    const size_t columns = (size_t)g->columns, all = columns * (size_t)g->rows, image = tile / all;
    const int rows = (int)((tile % all + columns - 1) / columns);
    int last = rows ? (rows - 1) * g->step - g->padding[0] + g->size : 0;
    last = last < 0 ? 0 : cni_smaller(last, g->height);
    return image * (size_t)g->height + (size_t)last;
}

static void want(const work *w, const cni_winograd_grid *g, const void *image, size_t first, size_t last,
                 cni_wanted *all)
{
    const size_t row = (size_t)g->width * (size_t)g->channels * w->p.real_size, before = rows_before(g, first);
    if (!image || last <= first) return;
    all->at[all->range] = (const char *)image + before * row;
    all->bytes[all->range++] = (rows_before(g, last) - before) * row;
}

/* With the first panel what its gathering needs, with the last the next block. */
static cni_wanted wanted_with(const work *w, size_t first, size_t count, bool begins, bool ends)
{
    cni_wanted all = {.range = 0};
    const size_t next = first + count, rest = w->d.tiles - next;
    if (!w->asks) return all;
    if (begins) {
        want(w, &w->to, w->y, first, next, &all);
        if (w->finish->add != w->y) want(w, &w->to, w->finish->add, first, next, &all);
        want(w, &w->to, w->finish->mask, first, next, &all);
    }
    if (ends) want(w, &w->from, w->x, next, next + (rest < count ? rest : count), &all);
    all.range = 0;
    return all;
}

/* One panel of channels written, `tiles` cut from y. */
static void results(const work *w, int panel, const cni_winograd_tile *tiles, size_t count, const void *v, void *m,
                    cni_wanted *soon)
{
    const plan *p = &w->p;
    const int first = panel * p->u.panel, width = cni_smaller(p->u.panel, w->conv->to[2] - first);
    const cni_winograd_elements products = {.v = v,
                                            .u = cni_at(w->u, panel * p->u.stride, p->real_size),
                                            .m = m,
                                            .v_element = w->v_position,
                                            .v_tile = p->pixel,
                                            .u_element = p->u.element,
                                            .m_element = w->m_position,
                                            .elements = p->u.elements,
                                            .channels = w->conv->from[2],
                                            .width = width,
                                            .tiles = count};
    cni_winograd_multiply_elements(w->kernels, &products, soon);
    const cni_winograd_job job = {.tiles = tiles,
                                  .count = count,
                                  .row = (ptrdiff_t)w->to.width * w->to.channels,
                                  .column = w->to.channels,
                                  .tile = p->u.panel,
                                  .position = w->m_position,
                                  .channels = width,
                                  .taps = w->conv->taps};
    const cni_winograd_kernels *kernels = &w->kernels->winograd;
    cni_winograd_back *gather =
        w->conv->pooled ? kernels->gather_max[p->u.n][w->conv->results] : kernels->gather[p->u.n][w->conv->results];
    gather(&job, m, w->finish, first, w->y);
}

/* What is left to do element by element: tiles side by side make rows of cells; of all channels without a gap. */
static void apply_after(const work *w, const cni_winograd_tile *tiles, size_t count, int first, int channels)
{
    const ptrdiff_t row = (ptrdiff_t)w->to.width * w->to.channels;
    const bool all = channels == w->to.channels;
    for (size_t t = 0; t < count; t++)
        for (int i = 0; i < tiles[t].bottom; i++)
            for (int j = 0; j < (all ? 1 : tiles[t].right); j++) {
                ptrdiff_t at = tiles[t].at + i * row + (ptrdiff_t)j * w->to.channels + first;
                void *cells = cni_at_mutable(w->y, at, w->p.real_size);
                w->kernels->elementwise.unary(w->after, cells, cells,
                                              (size_t)channels * (size_t)(all ? tiles[t].right : 1));
            }
}

static bool goes_on(const cni_winograd_tile *tile, const cni_winograd_tile *before, ptrdiff_t pixel)
{
    return tile->at == before->at + before->right * pixel && tile->bottom == before->bottom;
}

/* Tiles side by side are rows of cells. */
static void tell(const work *w, const cni_winograd_tile *tiles, size_t count, size_t channels)
{
    const ptrdiff_t pixel = w->to.channels, row = w->to.width * pixel;
    for (size_t t = 0, next; w->conv->gather.follower && t < count; t = next) {
        size_t columns = (size_t)tiles[t].right;
        for (next = t + 1; next < count && goes_on(&tiles[next], &tiles[next - 1], pixel); next++)
            columns += (size_t)tiles[next].right;
        for (int i = 0; i < tiles[t].bottom; i++)
            cni_gather_wrote(&w->conv->gather, (size_t)((tiles[t].at + i * row) / pixel), columns, 1, channels);
    }
}

static void run_task(void *context, size_t index, int thread)
{
    const work *w = context;
    const plan *p = &w->p;
    size_t first = index / (size_t)w->d.groups * w->d.block_tiles, rest = w->d.tiles - first;
    size_t count = rest < w->d.block_tiles ? rest : w->d.block_tiles;
    int panel = (int)(index % (size_t)w->d.groups) * w->d.group_panels;
    int last = cni_smaller(panel + w->d.group_panels, p->u.count);
    cni_winograd_tile *tiles = (void *)cni_own(w->run, thread);
    char *v = (char *)tiles + tile_bytes(p), *m = v + v_bytes(w->conv, w->kernels, p);
    input(w, first, count, tiles, v);
    cni_winograd_cut(&w->to, first, count, tiles);
    for (int i = panel; i < last; i++) {
        cni_wanted soon = wanted_with(w, first, count, i == panel, i + 1 == last);
        results(w, i, tiles, count, v, m, &soon);
    }
    int channel = panel * p->u.panel, end = cni_smaller(last * p->u.panel, w->to.channels);
    if (w->after) apply_after(w, tiles, count, channel, end - channel);
    tell(w, tiles, count, (size_t)(end - channel));
}

/* Of what is read and written. */
static size_t cells_bytes(const work *w)
{
    const cni_winograd_grid *from = &w->from, *to = &w->to;
    const size_t read = (size_t)from->height * (size_t)from->width * (size_t)from->channels;
    const size_t written = (size_t)to->height * (size_t)to->width * (size_t)to->channels;
    return w->d.tiles / (size_t)to->rows / (size_t)to->columns * (read + written) * w->p.real_size;
}

void cni_winograd_convolve(const cni_winograd_conv *conv, const cni_run *whole_run, const void *x, const void *w,
                           const cni_finish *finish, const cni_epilogue *after, void *y, void *u, bool transform)
{
    if (conv->overlaps) {
        cni_winograd_overlap_convolve(conv, whole_run, x, w, finish, after, y, u, transform);
        return;
    }
    work job = {.conv = conv,
                .kernels = whole_run->kernels,
                .p = plan_of(conv, whole_run->kernels, whole_run->batch),
                .x = x,
                .w = w,
                .finish = finish,
                .after = after,
                .y = y,
                .u = u,
                .run = whole_run};
    const cni_run run = cni_run_for(whole_run, 2.0 * (double)all_tiles(conv, whole_run->n) * job.p.u.elements *
                                                   conv->from[2] * conv->to[2]);
    job.d = divide(conv, &job.p, &run);
    cni_winograd_grids(conv, &job.from, &job.to);
    job.v_position = cni_winograd_spaced((ptrdiff_t)job.d.block_tiles * job.p.pixel);
    job.m_position = cni_winograd_spaced((ptrdiff_t)job.d.block_tiles * job.p.u.panel);
    job.asks = job.d.groups == 1 && cells_bytes(&job) > (run.n > 1 ? 1 : FAR) * job.kernels->caches.l2;
    if (transform) cni_winograd_panels_make(conv, whole_run, w, u, tile_bytes(&job.p));
    if (whole_run->pack_only) return;
    cni_parallel(run.pool, job.d.blocks * (size_t)job.d.groups, run_task, &job);
}
