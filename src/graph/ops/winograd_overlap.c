/* SPDX-License-Identifier: Apache-2.0
 * Transposed convolutions by Winograd's algorithm, tiles cut from what is read.  A block is some whole images:
 *
 *     V [n n, tiles, channels read]         m x m cells of x, spread
 *     M [n n, tiles, panel] = V U           a product for each of the n n elements and each panel of channels written
 *     sums [rows, columns, panel]           of one image: the n x n cells that each tile sends back, added up
 *     y                                     those of the sums that are inside, finished
 *
 *         x  0 0 1 1        sums  0 0 0 0 0 0 . .       5x5, tiles of 2x2: each reaches 6x6 cells, of which
 *            0 0 1 1              . . 1 1 1 1 1 1       four columns are its neighbour's too
 *
 * A task is a block and some of the panels.  Every sum runs over the channels, then over the tiles in their order. */
#include "graph/ops/winograd_overlap.h"

#include "graph/ops/taps.h"
#include "graph/ops/winograd_elements.h"
#include "graph/ops/winograd_panels.h"

#include <string.h>

enum { ASSUMED_L2 = 512 * 1024 };

/* What follows from the shape: sizes in elements, [0] rows and [1] columns. */
typedef struct plan {
    cni_winograd_panels u;
    int tiles[2], image_tiles, block_images;
    int before[2], skip[2]; /* sums before those of the first tile, and before the first that is written */
    int sums[2];
    ptrdiff_t pixel; /* of V: from tile to tile */
    size_t real_size;
} plan;

typedef struct work {
    const cni_winograd_conv *conv;
    const cni_kernels *kernels;
    plan p;
    int images, groups, group_panels;
    ptrdiff_t v_position, m_position;
    const void *x, *w;
    const cni_finish *finish;
    const cni_epilogue *after;
    void *y, *u;
    const cni_run *run; /* whose threads have tiles, V, M and sums of their own */
} work;

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* As many images as leave M in a quarter of the second cache. */
static int images_of_block(const plan *p, const cni_kernels *kernels, int batch)
{
    size_t l2 = kernels->caches.l2 ? kernels->caches.l2 : ASSUMED_L2;
    size_t image = (size_t)(p->image_tiles * p->u.elements * p->u.panel) * p->real_size;
    int images = (int)(l2 / 4 / image);
    return larger(1, cni_smaller(images, batch));
}

static plan plan_of(const cni_winograd_conv *c, const cni_kernels *kernels, int batch)
{
    plan p = {.u = cni_winograd_panels_of(c, kernels), .real_size = kernels->real_size};
    for (int i = 0; i < 2; i++) {
        const int padding = c->window - 1 - c->padding[i];
        p.tiles[i] = cni_ratio_up(c->from[i], c->results);
        p.before[i] = larger(-padding, 0);
        p.skip[i] = larger(padding, 0);
        p.sums[i] = larger(p.before[i] + p.tiles[i] * c->results + c->window - 1, p.skip[i] + c->to[i]);
    }
    p.image_tiles = p.tiles[0] * p.tiles[1];
    p.block_images = images_of_block(&p, kernels, batch);
    p.pixel = cni_winograd_pixel(c->from[2]);
    return p;
}

/* A thread's own: tiles of x, places of an image's tiles in the sums; V, or a piece of weights; M; sums. */

static size_t tile_bytes(const plan *p)
{
    return cni_round_up((size_t)((p->block_images + 1) * p->image_tiles) * sizeof(cni_winograd_tile));
}

static size_t v_bytes(const cni_winograd_conv *c, const cni_kernels *kernels, const plan *p)
{
    size_t v = (size_t)p->u.elements * (size_t)cni_winograd_spaced(p->block_images * p->image_tiles * p->pixel);
    size_t bytes = v * p->real_size, weights = cni_winograd_panels_own(c, kernels);
    return cni_round_up(bytes > weights ? bytes : weights);
}

static size_t m_bytes(const plan *p)
{
    return cni_round_up((size_t)p->u.elements *
                        (size_t)cni_winograd_spaced((ptrdiff_t)p->block_images * p->image_tiles * p->u.panel) *
                        p->real_size);
}

size_t cni_winograd_overlap_own(const cni_winograd_conv *c, const cni_run *most)
{
    plan p = plan_of(c, most->kernels, most->batch);
    return tile_bytes(&p) + v_bytes(c, most->kernels, &p) + m_bytes(&p) +
           cni_round_up((size_t)p.sums[0] * (size_t)p.sums[1] * (size_t)p.u.panel * p.real_size);
}

/* Blocks */

static void spread(const work *w, int image, int images, cni_winograd_tile *tiles, void *v)
{
    const cni_winograd_conv *c = w->conv;
    const plan *p = &w->p;
    const cni_winograd_grid grid = {c->from[0],  c->from[1], c->from[2], p->tiles[0],
                                    p->tiles[1], c->results, c->results, {0, 0}};
    const size_t count = (size_t)(images * p->image_tiles);
    cni_winograd_cut(&grid, (size_t)image * (size_t)p->image_tiles, count, tiles);
    const cni_winograd_job job = {.tiles = tiles,
                                  .count = count,
                                  .row = (ptrdiff_t)c->from[1] * c->from[2],
                                  .column = c->from[2],
                                  .tile = p->pixel,
                                  .position = w->v_position,
                                  .channels = c->from[2]};
    w->kernels->winograd.spread[p->u.n][c->results](&job, w->x, v);
}

static void multiply(const work *w, int panel, int width, int images, const void *v, void *m)
{
    const plan *p = &w->p;
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
                                            .tiles = (size_t)(images * p->image_tiles)};
    cni_winograd_multiply_elements(w->kernels, &products, NULL);
}

static void find_places(const plan *p, int results, cni_winograd_tile *tiles)
{
    for (int i = 0; i < p->tiles[0]; i++)
        for (int j = 0; j < p->tiles[1]; j++) {
            const int row = p->before[0] + i * results, column = p->before[1] + j * results;
            *tiles++ = (cni_winograd_tile){
                .at = ((ptrdiff_t)row * p->sums[1] + column) * p->u.panel, .bottom = p->u.n, .right = p->u.n};
        }
}

/* What the sums of an image begin with: the shift, where nothing is scaled before it is added. */
static void begin_sums(const work *w, int first, int width, char *sums)
{
    const plan *p = &w->p;
    const size_t cells = (size_t)(p->sums[0] * p->sums[1]), pixel = (size_t)p->u.panel * p->real_size;
    if (w->finish->scale || !w->finish->shift) {
        memset(sums, 0, cells * pixel);
        return;
    }
    for (size_t i = 0; i < cells; i++)
        memcpy(sums + i * pixel, cni_at(w->finish->shift, first, p->real_size), (size_t)width * p->real_size);
}

static const void *from_there(const void *data, ptrdiff_t at, size_t real_size)
{
    return data ? cni_at(data, at, real_size) : NULL;
}

/* `count` pixels of a row: all their channels at once, where the panel is all of them. */
static void finish_pixels(const work *w, int first, int width, const char *sums, ptrdiff_t at, int count)
{
    const plan *p = &w->p;
    const bool whole = width == p->u.panel && width == w->conv->to[2];
    const int step = whole ? count : 1;
    for (int i = 0; i < count; i += step, at += (ptrdiff_t)step * w->conv->to[2]) {
        cni_finish f = *w->finish;
        f.shift = f.scale ? from_there(f.shift, first, p->real_size) : NULL;
        f.scale = from_there(f.scale, first, p->real_size);
        f.add = from_there(f.add, at, p->real_size);
        f.mask = from_there(f.mask, at, p->real_size);
        void *y = cni_at_mutable(w->y, at, p->real_size);
        w->kernels->elementwise.finish(&f, sums + (size_t)(i * p->u.panel) * p->real_size, y, (size_t)step,
                                       (size_t)width);
        if (w->after) w->kernels->elementwise.unary(w->after, y, y, (size_t)(step * width));
    }
}

static void results(const work *w, int image, int panel, const cni_winograd_tile *places, const char *m, char *sums)
{
    const plan *p = &w->p;
    const int *to = w->conv->to, first = panel * p->u.panel, width = cni_smaller(p->u.panel, to[2] - first);
    begin_sums(w, first, width, sums);
    const cni_winograd_job job = {.tiles = places,
                                  .count = (size_t)p->image_tiles,
                                  .row = (ptrdiff_t)p->sums[1] * p->u.panel,
                                  .column = p->u.panel,
                                  .tile = p->u.panel,
                                  .position = w->m_position,
                                  .channels = width};
    w->kernels->winograd.overlap[p->u.n](&job, m, sums);
    for (int i = 0; i < to[0]; i++) {
        const ptrdiff_t cell = (ptrdiff_t)(i + p->skip[0]) * p->sums[1] + p->skip[1];
        finish_pixels(w, first, width, cni_at_mutable(sums, cell * p->u.panel, p->real_size),
                      ((ptrdiff_t)image * to[0] + i) * to[1] * to[2] + first, to[1]);
    }
}

static void run_task(void *context, size_t index, int thread)
{
    const work *w = context;
    const plan *p = &w->p;
    const int blocks = (int)(index / (size_t)w->groups), panel = (int)(index % (size_t)w->groups) * w->group_panels;
    const int image = blocks * p->block_images, images = cni_smaller(p->block_images, w->images - image);
    const int last = cni_smaller(panel + w->group_panels, p->u.count);
    char *own = cni_own(w->run, thread);
    cni_winograd_tile *tiles = (void *)own, *places = tiles + p->block_images * p->image_tiles;
    char *v = own + tile_bytes(p), *m = v + v_bytes(w->conv, w->kernels, p), *sums = m + m_bytes(p);
    spread(w, image, images, tiles, v);
    find_places(p, w->conv->results, places);
    for (int i = panel; i < last; i++) {
        multiply(w, i, cni_smaller(p->u.panel, w->conv->to[2] - i * p->u.panel), images, v, m);
        for (int k = 0; k < images; k++)
            results(w, image + k, i, places, m + (size_t)(k * p->image_tiles * p->u.panel) * p->real_size, sums);
    }
}

/* Fewer images to a block or fewer panels to a task, until every thread has one: neither changes a sum. */
static void divide(work *w, int threads)
{
    plan *p = &w->p;
    p->block_images = cni_smaller(p->block_images, cni_ratio_up(w->images, threads));
    const int blocks = cni_ratio_up(w->images, p->block_images);
    w->group_panels = cni_ratio_up(p->u.count, cni_smaller(p->u.count, cni_ratio_up(threads, blocks)));
    w->groups = cni_ratio_up(p->u.count, w->group_panels);
}

void cni_winograd_overlap_convolve(const cni_winograd_conv *conv, const cni_run *whole_run, const void *x,
                                   const void *w, const cni_finish *finish, const cni_epilogue *after, void *y, void *u,
                                   bool transform)
{
    work job = {.conv = conv,
                .kernels = whole_run->kernels,
                .p = plan_of(conv, whole_run->kernels, whole_run->batch),
                .images = whole_run->n,
                .x = x,
                .w = w,
                .finish = finish,
                .after = after,
                .y = y,
                .u = u,
                .run = whole_run};
    const cni_run run =
        cni_run_for(whole_run, 2.0 * whole_run->n * job.p.image_tiles * job.p.u.elements * conv->from[2] * conv->to[2]);
    divide(&job, cni_pool_threads(run.pool));
    job.v_position = cni_winograd_spaced(job.p.block_images * job.p.image_tiles * job.p.pixel);
    job.m_position = cni_winograd_spaced((ptrdiff_t)job.p.block_images * job.p.image_tiles * job.p.u.panel);
    if (transform) cni_winograd_panels_make(conv, whole_run, w, u, tile_bytes(&job.p));
    if (whole_run->pack_only) return;
    cni_parallel(run.pool, (size_t)(cni_ratio_up(job.images, job.p.block_images) * job.groups), run_task, &job);
}
