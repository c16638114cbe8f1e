/* SPDX-License-Identifier: Apache-2.0
 * The gradient of a convolution for its weights with a fraction of the multiplications: tiles of dy, 4x4 for a window
 * of 3x3 and 2x2 for one of 5x5, with the 6x6 cells of the image that they look at.
 *
 *     for each block of rows of tiles
 *       V [36][c / 16][tiles][16] = input of x,  Z [36][f / 32][tiles][32] = spread of dy           tasks: rows of
 * tiles for each chunk of channels and filters                                                      tasks: chunks for
 * each of the 36 positions: M [36][c][f] += V' Z                                        the outer kernel after the last
 * block: dw = gather of M
 *
 * No two chunks share a sum, so threads need no reduction, and M of a chunk stays in the cache until dw is made of it.
 * Where M is small and tiles are many, the rows are cut in slices, each with V, Z, M and a dw of its own: threads need
 * not meet after every block, and V and Z stay with the core that made them.  How many slices and blocks there are
 * depends on the shapes alone. */
#include "graph/ops/winograd_weights.h"
#include "graph/ops/taps.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    N = 6,
    POSITIONS = N * N,
    HEIGHT = 16, /* channels in a row of V */
    WIDTH = 32,  /* filters in a row of Z */
    PATCH = HEIGHT * WIDTH,
    TABLE = 16, /* tiles that a transform is given at once */
    MOST_SLICES = 16,
    SLICE_TILES = 256,
    BLOCK_TILES = 84,      /* enough for M's way to and from the cache to cost little */
    SLICE_BYTES = 1 << 20, /* of M */
    SUM_CELLS = 4096
};

typedef struct work {
    const cni_winograd_weights *s;
    const cni_kernels *kernels;
    cni_pool *pool; /* NULL where there is too little to do */
    const void *x, *dy;
    void *dw, *db;
    int n, cell, image_rows, row_tiles; /* a side of a tile; rows of tiles in an image, tiles in a row */
    int heights, widths;                /* of V's and Z's channels */
    int slices, block_rows;
    int chunk_heights, chunk_widths, chunks[2];
    bool whole; /* M of all chunks is kept from block to block; else a thread has one of a chunk */
    size_t v_position, z_position, team_bytes, m_bytes, dw_bytes; /* the first two in elements */
    char *memory, *bias_parts, *slices_memory;
} work;

/* What one slice is doing. */
typedef struct team {
    const work *w;
    char *v, *z, *m;
    void *dw;
    int row, rows; /* of tiles, in this block */
    bool begins, ends;
} team;

/* ---- how it is divided ---- */

static int tile_side(const cni_winograd_weights *s)
{
    return N + 1 - s->window;
}

static int tiles_of(const cni_winograd_weights *s, int n)
{
    int cell = tile_side(s);
    return n * cni_ratio_up(s->oh, cell) * cni_ratio_up(s->ow, cell);
}

static size_t m_bytes(int heights, int widths, size_t real_size)
{
    return (size_t)POSITIONS * PATCH * (size_t)heights * (size_t)widths * real_size;
}

static void divide_chunks(work *w, int threads)
{
    int tasks = threads > 1 ? 4 * threads : 1;
    w->chunk_heights = cni_smaller(4, w->heights);
    w->chunk_widths = cni_smaller(2, w->widths);
    for (;;) {
        w->chunks[0] = cni_ratio_up(w->heights, w->chunk_heights);
        w->chunks[1] = cni_ratio_up(w->widths, w->chunk_widths);
        if (w->chunks[0] * w->chunks[1] >= tasks || w->chunk_heights * w->chunk_widths == 1) return;
        if (w->chunk_heights > w->chunk_widths)
            w->chunk_heights = (w->chunk_heights + 1) / 2;
        else
            w->chunk_widths = 1;
    }
}

static work divide(const cni_winograd_weights *s, const cni_run *run, int batch)
{
    size_t real_size = run->kernels->real_size;
    work w = {.s = s, .kernels = run->kernels, .n = run->n, .cell = tile_side(s)};
    w.image_rows = cni_ratio_up(s->oh, w.cell);
    w.row_tiles = cni_ratio_up(s->ow, w.cell);
    w.heights = cni_ratio_up(s->c, HEIGHT);
    w.widths = cni_ratio_up(s->f, WIDTH);
    int rows = batch * w.image_rows;
    w.slices = 1;
    if (m_bytes(w.heights, w.widths, real_size) <= SLICE_BYTES) {
        w.slices = cni_smaller(MOST_SLICES, cni_smaller(rows, rows * w.row_tiles / SLICE_TILES));
        if (w.slices < 1) w.slices = 1;
    }
    w.block_rows = cni_smaller(cni_ratio_up(BLOCK_TILES, w.row_tiles), cni_ratio_up(rows, w.slices));
    w.whole = w.slices > 1 || w.block_rows < rows;
    size_t cells = (size_t)w.block_rows * (size_t)w.row_tiles;
    w.v_position = cells * (size_t)w.heights * HEIGHT + HEIGHT; /* a line more, so that positions do not alias */
    w.z_position = cells * (size_t)w.widths * WIDTH + HEIGHT;
    int threads = cni_pool_threads(run->pool);
    divide_chunks(&w, w.slices > 1 ? 1 : threads);
    w.m_bytes = w.whole ? m_bytes(w.heights, w.widths, real_size) : m_bytes(w.chunk_heights, w.chunk_widths, real_size);
    w.team_bytes = POSITIONS * (cni_round_up(w.v_position * real_size) + cni_round_up(w.z_position * real_size)) +
                   (size_t)(w.whole ? 1 : threads) * w.m_bytes;
    w.dw_bytes = cni_round_up((size_t)s->window * (size_t)s->window * (size_t)s->c * (size_t)s->f * real_size);
    return w;
}

static size_t bias_bytes(const work *w)
{
    return cni_round_up((size_t)w->n * (size_t)w->image_rows * (size_t)w->s->f * w->kernels->real_size);
}

size_t cni_winograd_weights_scratch(const cni_winograd_weights *shape, const cni_run *most)
{
    work w = divide(shape, most, most->batch);
    size_t teams = w.slices > 1 ? (size_t)cni_pool_threads(most->pool) : 1;
    return teams * w.team_bytes + bias_bytes(&w) + (w.slices > 1 ? (size_t)w.slices * w.dw_bytes : 0);
}

bool cni_winograd_weights_pays(const cni_winograd_weights *s, int n)
{
    return s->c >= 16 && s->f >= 16 && tiles_of(s, n) >= 16;
}

/* ---- V and Z ---- */

/* Cell (top, left) is the tile's first; cells inside are those of an image h by w. */
static cni_winograd_tile tile_at(int image, int top, int left, int h, int w, int c, int side)
{
    return (cni_winograd_tile){.at = (((ptrdiff_t)image * h + top) * w + left) * c,
                               .top = top < 0 ? -top : 0,
                               .bottom = cni_smaller(side, h - top),
                               .left = left < 0 ? -left : 0,
                               .right = cni_smaller(side, w - left)};
}

typedef struct side {
    cni_winograd_forth *transform;
    const void *image;
    int h, w, c, cells, top, left; /* cells of a tile's side; where the first tile begins */
    char *to;
    size_t position;
    int width; /* channels in a row */
} side;

/* Reads the cells that this row of tiles is the first to need, in their order: tiles go through them in steps that the
 * processor does not foresee, and would wait for each line of memory. */
static void touch_row(const work *w, const side *s, int image, int top)
{
    int first = top <= s->top ? 0 : top + s->cells - w->cell, last = cni_smaller(top + s->cells, s->h);
    if (first >= last) return;
    size_t row = (size_t)s->w * (size_t)s->c * w->kernels->real_size;
    cni_touch((const char *)s->image + ((size_t)image * (size_t)s->h + (size_t)first) * row,
              (size_t)(last - first) * row);
}

static void transform_row(const team *t, const side *s, int row)
{
    const work *w = t->w;
    size_t real_size = w->kernels->real_size, block_tiles = (size_t)w->block_rows * (size_t)w->row_tiles;
    cni_winograd_tile tiles[TABLE];
    int image = (t->row + row) / w->image_rows, top = (t->row + row) % w->image_rows * w->cell + s->top;
    touch_row(w, s, image, top);
    for (int first = 0; first < w->row_tiles; first += TABLE) {
        cni_winograd_job job = {.tiles = tiles,
                                .count = (size_t)cni_smaller(TABLE, w->row_tiles - first),
                                .row = (ptrdiff_t)s->w * s->c,
                                .column = s->c,
                                .tile = s->width,
                                .position = (ptrdiff_t)s->position};
        for (size_t i = 0; i < job.count; i++)
            tiles[i] = tile_at(image, top, (first + (int)i) * w->cell + s->left, s->h, s->w, s->c, s->cells);
        for (int c = 0; c < s->c; c += s->width) {
            size_t at = (size_t)c * block_tiles + (size_t)(row * w->row_tiles + first) * (size_t)s->width;
            job.channels = cni_smaller(s->width, s->c - c);
            s->transform(&job, cni_at(s->image, c, real_size), s->to + at * real_size);
        }
    }
}

static void sum_bias(const team *t, int row)
{
    const work *w = t->w;
    const cni_winograd_weights *s = w->s;
    size_t real_size = w->kernels->real_size;
    int image = (t->row + row) / w->image_rows, top = (t->row + row) % w->image_rows * w->cell;
    size_t cells = (size_t)cni_smaller(w->cell, s->oh - top) * (size_t)s->ow;
    w->kernels->matmul.column_sums(cni_at(w->dy, ((ptrdiff_t)image * s->oh + top) * s->ow * s->f, real_size), s->f,
                                   cells, s->f,
                                   cni_at_mutable(w->bias_parts, (ptrdiff_t)(t->row + row) * s->f, real_size), false);
}

static void transform_task(void *context, size_t index, int thread)
{
    (void)thread;
    const team *t = context;
    const work *w = t->w;
    const cni_winograd_weights *s = w->s;
    int row = (int)(index / 2);
    if (index % 2) {
        const side x = {.transform = w->kernels->winograd.input[N],
                        .image = w->x,
                        .h = s->h,
                        .w = s->w,
                        .c = s->c,
                        .cells = N,
                        .top = -s->top,
                        .left = -s->left,
                        .to = t->v,
                        .position = w->v_position,
                        .width = HEIGHT};
        transform_row(t, &x, row);
        return;
    }
    const side dy = {.transform = w->kernels->winograd.spread[N][w->cell],
                     .image = w->dy,
                     .h = s->oh,
                     .w = s->ow,
                     .c = s->f,
                     .cells = w->cell,
                     .to = t->z,
                     .position = w->z_position,
                     .width = WIDTH};
    transform_row(t, &dy, row);
    if (w->db) sum_bias(t, row);
}

/* ---- M and dw ---- */

static char *patch(const team *t, int height, int width, int thread)
{
    const work *w = t->w;
    size_t at = w->whole
                    ? (size_t)height * (size_t)w->widths + (size_t)width
                    : (size_t)(height % w->chunk_heights) * (size_t)w->chunk_widths + (size_t)(width % w->chunk_widths);
    return t->m + (w->whole ? 0 : (size_t)thread * w->m_bytes) + m_bytes(1, 1, w->kernels->real_size) * at;
}

static void multiply(const team *t, int position, int height, int width, char *m)
{
    const work *w = t->w;
    size_t real_size = w->kernels->real_size, block_tiles = (size_t)w->block_rows * (size_t)w->row_tiles;
    size_t v = (size_t)position * w->v_position + (size_t)height * HEIGHT * block_tiles;
    size_t z = (size_t)position * w->z_position + (size_t)width * WIDTH * block_tiles;
    const cni_outer outer = {.x = t->v + v * real_size,
                             .x_pixel = HEIGHT,
                             .dy = t->z + z * real_size,
                             .dy_pixel = WIDTH,
                             .images = 1,
                             .rows = 1,
                             .columns = (size_t)t->rows * (size_t)w->row_tiles,
                             .dw = m + (size_t)position * PATCH * real_size,
                             .dw_row = WIDTH,
                             .height = cni_smaller(HEIGHT, w->s->c - height * HEIGHT),
                             .width = cni_smaller(WIDTH, w->s->f - width * WIDTH),
                             .accumulate = !t->begins};
    w->kernels->matmul.outer(&outer);
}

static void gather(const team *t, int height, int width, const char *m)
{
    const work *w = t->w;
    int c = w->s->c, f = w->s->f, window = w->s->window;
    cni_winograd_tile tiles[HEIGHT];
    const cni_winograd_job job = {.tiles = tiles,
                                  .count = (size_t)cni_smaller(HEIGHT, c - height * HEIGHT),
                                  .row = (ptrdiff_t)window * c * f,
                                  .column = (ptrdiff_t)c * f,
                                  .tile = WIDTH,
                                  .position = PATCH,
                                  .channels = cni_smaller(WIDTH, f - width * WIDTH)};
    for (size_t i = 0; i < job.count; i++)
        tiles[i] = (cni_winograd_tile){
            .at = ((ptrdiff_t)height * HEIGHT + (ptrdiff_t)i) * f, .bottom = window, .right = window};
    w->kernels->winograd.gather[N][window](&job, m, NULL, width * WIDTH, t->dw);
}

static void chunk_task(void *context, size_t index, int thread)
{
    const team *t = context;
    const work *w = t->w;
    int height = (int)(index % (size_t)w->chunks[0]) * w->chunk_heights;
    int width = (int)(index / (size_t)w->chunks[0]) * w->chunk_widths;
    int last_height = cni_smaller(height + w->chunk_heights, w->heights);
    int last_width = cni_smaller(width + w->chunk_widths, w->widths);
    for (int position = 0; position < POSITIONS; position++)
        for (int j = width; j < last_width; j++)
            for (int i = height; i < last_height; i++) multiply(t, position, i, j, patch(t, i, j, thread));
    for (int j = width; j < last_width && t->ends; j++)
        for (int i = height; i < last_height; i++) gather(t, i, j, patch(t, i, j, thread));
}

/* ---- all of it ---- */

static void run_team(const work *w, int slice, int member, cni_pool *pool)
{
    size_t real_size = w->kernels->real_size;
    char *memory = w->memory + (size_t)member * w->team_bytes;
    team t = {.w = w, .v = memory, .dw = w->slices > 1 ? w->slices_memory + (size_t)slice * w->dw_bytes : w->dw};
    t.z = t.v + POSITIONS * cni_round_up(w->v_position * real_size);
    t.m = t.z + POSITIONS * cni_round_up(w->z_position * real_size);
    int64_t rows = (int64_t)w->n * w->image_rows;
    int first = (int)(rows * slice / w->slices), last = (int)(rows * (slice + 1) / w->slices);
    if (first == last) memset(t.dw, 0, w->dw_bytes);
    for (t.row = first; t.row < last; t.row += w->block_rows) {
        t.rows = cni_smaller(w->block_rows, last - t.row);
        t.begins = t.row == first;
        t.ends = t.row + t.rows == last;
        cni_parallel(pool, (size_t)t.rows * 2, transform_task, &t);
        cni_parallel(pool, (size_t)w->chunks[0] * (size_t)w->chunks[1], chunk_task, &t);
    }
}

static void slice_task(void *context, size_t index, int thread)
{
    run_team(context, (int)index, thread, NULL);
}

static void sum_task(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size, first = index * SUM_CELLS, count = w->dw_bytes / real_size;
    size_t weights = (size_t)w->s->window * (size_t)w->s->window * (size_t)w->s->c * (size_t)w->s->f;
    w->kernels->matmul.column_sums(w->slices_memory + first * real_size, (ptrdiff_t)count, (size_t)w->slices,
                                   (int)(weights - first < SUM_CELLS ? weights - first : SUM_CELLS),
                                   cni_at_mutable(w->dw, (ptrdiff_t)first, real_size), false);
}

void cni_winograd_weights_run(const cni_winograd_weights *shape, const cni_run *run, const void *x, const void *dy,
                              void *dw, void *db, void *scratch)
{
    work w = divide(shape, run, run->batch);
    w.pool = cni_run_for(run, 2.0 * tiles_of(shape, run->n) * POSITIONS * shape->c * shape->f).pool;
    w.x = x;
    w.dy = dy;
    w.dw = dw;
    w.db = db;
    w.bias_parts = scratch;
    w.slices_memory = w.bias_parts + bias_bytes(&w);
    w.memory = w.slices_memory + (w.slices > 1 ? (size_t)w.slices * w.dw_bytes : 0);
    if (w.slices == 1) {
        run_team(&w, 0, 0, w.pool);
    } else {
        size_t weights = (size_t)shape->window * (size_t)shape->window * (size_t)shape->c * (size_t)shape->f;
        cni_parallel(w.pool, (size_t)w.slices, slice_task, &w);
        cni_parallel(w.pool, (weights + SUM_CELLS - 1) / SUM_CELLS, sum_task, &w);
    }
    if (db)
        run->kernels->matmul.column_sums(w.bias_parts, shape->f, (size_t)run->n * (size_t)w.image_rows, shape->f, db,
                                         false);
}
