/* SPDX-License-Identifier: Apache-2.0
 * The gradient for the weights with few tiles.  M would be four times the gradient, for as many multiply-adds as there
 * are tiles: so it is made for a few channels at a time and gathered while it lies in the first cache.
 *
 *   V [c / CHUNK][n n][tiles][CHUNK] = input of x                      each thread for itself
 *   for each panel of filters                                          tasks: panels, and parts of the channels
 *     Z [n n][tiles][panel] = spread of dy
 *     for each few channels
 *       M [n n][channels][panel] = V' Z
 *       dw = gather of M */
#include "graph/ops/winograd_few_weights.h"

#include "graph/ops/taps.h"
#include "graph/ops/winograd_elements.h"
#include "graph/ops/winograd_tiles.h"
#include "kernels/kernels.h"

#include <string.h>

enum { CHUNK = 16, FEW_TILES = 64, FEWER_TILES = 6, MOST_CHANNELS = 8 };

typedef struct plan {
    int cell, elements, panel, panels, chunks, tiles, rows, columns;
    int channels; /* that are gathered at a time */
    ptrdiff_t v_position, z_position, m_position;
    size_t v_bytes, z_bytes, m_bytes;
} plan;

typedef struct work {
    const cni_winograd_weights *s;
    const cni_kernels *kernels;
    plan p;
    int group_panels, parts, part_chunks, images; /* of the channels: where there are fewer panels than threads */
    const void *x, *dy;
    void *dw, *db;
    const cni_run *run;
} work;

static plan plan_of(const cni_winograd_weights *s, const cni_kernels *kernels, int images)
{
    const size_t real = kernels->real_size;
    plan p = {.cell = s->points + 1 - s->window,
              .elements = s->points * s->points,
              .panel = 2 * kernels->winograd.lanes,
              .chunks = cni_ratio_up(s->c, CHUNK)};
    p.panels = cni_ratio_up(s->f, p.panel);
    p.rows = cni_ratio_up(s->oh, p.cell);
    p.columns = cni_ratio_up(s->ow, p.cell);
    p.tiles = images * p.rows * p.columns;
    p.channels = p.tiles > FEWER_TILES ? MOST_CHANNELS : MOST_CHANNELS / 2;
    p.v_position = cni_winograd_spaced((ptrdiff_t)p.tiles * CHUNK);
    p.z_position = cni_winograd_spaced((ptrdiff_t)p.tiles * p.panel);
    p.m_position = cni_winograd_spaced((ptrdiff_t)p.channels * p.panel);
    p.v_bytes = cni_round_up((size_t)p.chunks * (size_t)p.elements * (size_t)p.v_position * real);
    p.z_bytes = cni_round_up((size_t)p.elements * (size_t)p.z_position * real);
    p.m_bytes = cni_round_up((size_t)p.elements * (size_t)p.m_position * real);
    return p;
}

bool cni_winograd_few_weights_serves(const cni_winograd_weights *s, int batch)
{
    const int cell = s->points + 1 - s->window;
    return (int64_t)batch * cni_ratio_up(s->oh, cell) * cni_ratio_up(s->ow, cell) <= FEW_TILES;
}

size_t cni_winograd_few_weights_own(const cni_winograd_weights *s, const cni_run *most)
{
    const plan p = plan_of(s, most->kernels, most->batch);
    return p.v_bytes + p.z_bytes + p.m_bytes;
}

static void input(const work *w, int first, int last, char *v)
{
    const plan *p = &w->p;
    const cni_winograd_weights *s = w->s;
    const size_t real_size = w->kernels->real_size;
    cni_winograd_tile tiles[FEW_TILES];
    const cni_winograd_grid x = {s->h, s->w, s->c, p->rows, p->columns, s->points, p->cell, {s->top, s->left}};
    cni_winograd_cut(&x, 0, (size_t)p->tiles, tiles);
    cni_winograd_job job = {.tiles = tiles,
                            .count = (size_t)p->tiles,
                            .row = (ptrdiff_t)s->w * s->c,
                            .column = s->c,
                            .tile = CHUNK,
                            .position = p->v_position};
    for (int i = first; i < last; i++) {
        job.channels = cni_smaller(CHUNK, s->c - i * CHUNK);
        w->kernels->winograd.input[s->points](&job, cni_at(w->x, i * CHUNK, real_size),
                                              v + (size_t)i * (size_t)(p->elements * p->v_position) * real_size);
    }
}

static void spread(const work *w, const cni_winograd_tile *tiles, int first, int width, char *z)
{
    const plan *p = &w->p;
    const cni_winograd_weights *s = w->s;
    const cni_winograd_job job = {.tiles = tiles,
                                  .count = (size_t)p->tiles,
                                  .row = (ptrdiff_t)s->ow * s->f,
                                  .column = s->f,
                                  .tile = p->panel,
                                  .position = p->z_position,
                                  .channels = width};
    if (width < p->panel) memset(z, 0, p->z_bytes);
    w->kernels->winograd.spread[s->points][p->cell](&job, cni_at(w->dy, first, w->kernels->real_size), z);
}

static void gather(const work *w, int channel, int count, int filter, int width, const char *m)
{
    const cni_winograd_weights *s = w->s;
    const ptrdiff_t tap = (ptrdiff_t)s->c * s->f;
    cni_winograd_tile tiles[MOST_CHANNELS];
    const cni_winograd_job job = {.tiles = tiles,
                                  .count = (size_t)count,
                                  .row = s->window * tap,
                                  .column = tap,
                                  .tile = w->p.panel,
                                  .position = w->p.m_position,
                                  .channels = width};
    for (int i = 0; i < count; i++)
        tiles[i] = (cni_winograd_tile){.at = (channel + (ptrdiff_t)i) * s->f, .bottom = s->window, .right = s->window};
    w->kernels->winograd.gather[s->points][s->window](&job, m, NULL, filter, w->dw);
}

static void run_panel(const work *w, int panel, int first_chunk, int last_chunk, const cni_winograd_tile *tiles,
                      char *own)
{
    const plan *p = &w->p;
    const cni_winograd_weights *s = w->s;
    const size_t real_size = w->kernels->real_size;
    const int first = panel * p->panel, width = cni_smaller(p->panel, s->f - first);
    char *z = own + p->v_bytes, *m = z + p->z_bytes;
    spread(w, tiles, first, width, z);
    cni_winograd_outer outer = {.z = z,
                                .m = m,
                                .v_position = p->v_position,
                                .v_tile = CHUNK,
                                .z_position = p->z_position,
                                .m_position = p->m_position,
                                .elements = p->elements,
                                .tiles = p->tiles};
    const int end = cni_smaller(last_chunk * CHUNK, s->c);
    for (int c = first_chunk * CHUNK; c < end; c += p->channels) {
        outer.height = cni_smaller(p->channels, end - c);
        outer.v = own + ((size_t)(c / CHUNK) * (size_t)(p->elements * p->v_position) + (size_t)(c % CHUNK)) * real_size;
        w->kernels->winograd.outer(&outer);
        gather(w, c, outer.height, first, width, m);
    }
    if (w->db && first_chunk == 0)
        w->kernels->matmul.column_sums(cni_at(w->dy, first, real_size), s->f,
                                       (size_t)w->images * (size_t)s->oh * (size_t)s->ow, width,
                                       cni_at_mutable(w->db, first, real_size), false);
}

static void run_task(void *context, size_t index, int thread)
{
    const work *w = context;
    const plan *p = &w->p;
    const int first = (int)index / w->parts * w->group_panels;
    const int last = cni_smaller(first + w->group_panels, p->panels);
    const int chunk = (int)index % w->parts * w->part_chunks, end = cni_smaller(chunk + w->part_chunks, p->chunks);
    char *own = cni_own(w->run, thread);
    cni_winograd_tile tiles[FEW_TILES];
    input(w, chunk, end, own);
    const cni_winograd_grid dy = {w->s->oh, w->s->ow, w->s->f, p->rows, p->columns, p->cell, p->cell, {0, 0}};
    cni_winograd_cut(&dy, 0, (size_t)p->tiles, tiles);
    for (int i = first; i < last; i++) run_panel(w, i, chunk, end, tiles, own);
}

void cni_winograd_few_weights_run(const cni_winograd_weights *s, const cni_run *whole_run, const void *x,
                                  const void *dy, void *dw, void *db)
{
    const plan p = plan_of(s, whole_run->kernels, whole_run->n);
    const cni_run run = cni_run_for(whole_run, 2.0 * p.tiles * p.elements * s->c * s->f);
    const int threads = cni_pool_threads(run.pool);
    const int part_chunks = cni_ratio_up(p.chunks, p.panels < threads ? cni_ratio_up(threads, p.panels) : 1);
    const work w = {.s = s,
                    .kernels = run.kernels,
                    .p = p,
                    .group_panels = cni_ratio_up(p.panels, threads),
                    .parts = cni_ratio_up(p.chunks, part_chunks),
                    .part_chunks = part_chunks,
                    .images = run.n,
                    .x = x,
                    .dy = dy,
                    .dw = dw,
                    .db = db,
                    .run = whole_run};
    cni_parallel(run.pool, (size_t)cni_ratio_up(p.panels, w.group_panels) * (size_t)w.parts, run_task,
                 (void *)(uintptr_t)&w);
}
