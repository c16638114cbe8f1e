/* SPDX-License-Identifier: Apache-2.0
 * The gradient of a convolution for its weights with a fraction of the multiplications: tiles of dy, 4x4 for a window
 * of 3x3 and 2x2 for one of 5x5, with the 6x6 cells of the image that they look at.
 *
 *   for each slice of the images, and part of the channels and filters                     tasks
 *     for each block of rows of tiles
 *       Z [36][f / 32][tiles][32] = spread of dy
 *       for each chunk of channels: V [36][c / 32][tiles][32] = input of x;  and of filters
 *         for each of the 36 positions: M [36][f / 32][c / 32][32][32] += V' Z             the outer kernel
 *         after the last block: dw = gather of M
 *
 * A chunk is all channels and filters of the part when M lives on from block to block: position by position V and Z
 * stay near, and M goes by in one stream.  Else it is small, and M stays near until it is gathered.
 *
 * A task shares nothing with the others: fetching V and Z from another core takes longer than making them again, so
 * parts are as few as threads ask for, and there is one where slices are enough.  A slice has a dw of its own; they
 * are added in their order.  Slices and blocks depend on the shapes alone, and parts change no sum. */
#include "graph/ops/winograd_weights.h"
#include "graph/ops/taps.h"
#include "graph/ops/winograd_few_weights.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    HEIGHT = 32, /* channels in a row of V, */
    LOW = 16,    /* or so many */
    WIDTH = 32,  /* filters in a row of Z */
    LINE = 16,
    LEAST_CHANNELS = 16,
    TABLE = 16, /* tiles that a transform is given at once */
    MOST_SLICES = 8,
    SLICE_TILES = 160,
    BLOCK_TILES = 112,     /* at least: M's way to and from the cache has to cost little */
    FEW_BLOCK_TILES = 56,  /* with many channels, whose */
    BLOCK_BYTES = 6 << 20, /* V and Z take this much */
    SLICE_BYTES = 5 << 20, /* of M */
    NEAR_BYTES = 1 << 20,  /* blocks of few tiles where all that they touch is not more */
    CHUNK_CHANNELS = 64,   /* at most; of more channels FEW_CHANNELS, since V and M should share the second cache */
    FEW_CHANNELS = 32,
    CHUNK_WIDTHS = 2,
    SUM_CELLS = 4096,
    FAR = 4,       /* times the second cache */
    ALIASED = 4096 /* bytes: lines so far apart share their few places in the nearest cache, 25 of them do not fit */
};

/* Of V or Z, in elements: from position to position, from row of channels to row of channels. */
typedef struct strides {
    size_t position, row;
} strides;

typedef struct work {
    const cni_winograd_weights *s;
    const cni_kernels *kernels;
    const void *x, *dy;
    void *dw, *db;
    int n, positions, cell;    /* a side of a tile */
    int image_rows, row_tiles; /* rows of tiles in an image, tiles in a row */
    int height;                /* channels in a row of V */
    int heights, widths;       /* rows of channels of V and Z */
    int slices, block_rows;
    int part_heights, part_widths, parts[2];
    bool apart; /* dw is made elsewhere first */
    bool whole; /* M of all the part is kept from block to block, and a chunk is all of it */
    int chunk_heights, chunk_widths;
    strides v, z; /* of a chunk, of a part */
    size_t m_position;
    bool asks; /* memory for the next block */
    size_t v_bytes, z_bytes, m_bytes, dw_bytes;
    ptrdiff_t tap; /* from tap to tap of dw where it is made, in elements */
    char *bias_parts, *slices_memory;
    const cni_run *run; /* whose threads have V, Z and M of their own */
} work;

/* A part of a slice. */
typedef struct task {
    const work *w;
    char *v, *z, *m;
    void *dw;
    int height, width, heights, widths; /* rows of channels: first, how many */
    int row, rows;                      /* of tiles, in this block */
    bool begins, ends;
    const char *soon[2]; /* what is still to be asked for */
    size_t left[2];
} task;

/* ---- how it is divided ---- */

static int tile_side(const cni_winograd_weights *s)
{
    return s->points + 1 - s->window;
}

static int tiles_of(const cni_winograd_weights *s, int n)
{
    int cell = tile_side(s);
    return n * cni_ratio_up(s->oh, cell) * cni_ratio_up(s->ow, cell);
}

/* Elements of M for a row of V and a row of Z. */
static size_t patch_size(const work *w)
{
    return (size_t)w->height * WIDTH;
}

/* Of M, from position to position: a line more, so that positions do not alias. */
static size_t m_position(const work *w, int heights, int widths)
{
    return patch_size(w) * (size_t)heights * (size_t)widths + LINE;
}

static size_t m_bytes(const work *w, int heights, int widths)
{
    return cni_round_up((size_t)w->positions * m_position(w, heights, widths) * w->kernels->real_size);
}

/* As few parts as threads need, of filters first: Z is made faster than V. */
static void divide_parts(work *w, int threads)
{
    int wanted = cni_ratio_up(threads, w->slices);
    w->part_widths = cni_ratio_up(w->widths, cni_smaller(w->widths, wanted));
    w->parts[1] = cni_ratio_up(w->widths, w->part_widths);
    w->part_heights = cni_ratio_up(w->heights, cni_smaller(w->heights, cni_ratio_up(wanted, w->parts[1])));
    w->parts[0] = cni_ratio_up(w->heights, w->part_heights);
}

/* Of all channels and filters, whatever the rows of V. */
static size_t all_m_bytes(const work *w)
{
    const size_t channels = (size_t)cni_ratio_up(w->s->c, LOW) * LOW, filters = (size_t)w->widths * WIDTH;
    return (size_t)w->positions * channels * filters * sizeof(float);
}

/* Tiles of a block, at least; the sums of blocks are added, so nothing but the shape decides. */
static int block_tiles(const work *w)
{
    const size_t channels = (size_t)cni_ratio_up(w->s->c, LOW) * LOW + (size_t)w->widths * WIDTH;
    const size_t tile = (size_t)w->positions * channels * sizeof(float);
    const size_t cells = (size_t)(w->cell * w->cell) * (size_t)(w->s->c + w->s->f) * sizeof(float);
    if (FEW_BLOCK_TILES * (tile + cells) + all_m_bytes(w) <= NEAR_BYTES) return FEW_BLOCK_TILES;
    const size_t tiles = BLOCK_BYTES / tile;
    return tiles > BLOCK_TILES ? BLOCK_TILES : tiles < FEW_BLOCK_TILES ? FEW_BLOCK_TILES : (int)tiles;
}

static int slices_of(const work *w, int rows)
{
    int slices = 1;
    if (all_m_bytes(w) > SLICE_BYTES) return 1;
    while (slices < MOST_SLICES && rows * w->row_tiles >= 2 * slices * SLICE_TILES && rows >= 2 * slices) slices *= 2;
    return slices;
}

static strides strides_of(int width, int rows, size_t cells)
{
    size_t row = cells * (size_t)width;
    return (strides){.position = row * (size_t)rows + LINE, .row = row}; /* a line more: no aliases */
}

static work divide(const cni_winograd_weights *s, const cni_run *run)
{
    size_t real_size = run->kernels->real_size;
    work w = {.s = s, .kernels = run->kernels, .n = run->n, .positions = s->points * s->points, .cell = tile_side(s)};
    w.image_rows = cni_ratio_up(s->oh, w.cell);
    w.row_tiles = cni_ratio_up(s->ow, w.cell);
    w.widths = cni_ratio_up(s->f, WIDTH);
    int rows = run->batch * w.image_rows, threads = cni_pool_threads(run->pool);
    w.slices = slices_of(&w, rows);
    int slice_rows = cni_ratio_up(rows, w.slices);
    int blocks = slice_rows * w.row_tiles / block_tiles(&w); /* hence blocks have up to twice as many */
    w.block_rows = cni_ratio_up(slice_rows, blocks > 1 ? blocks : 1);
    w.whole = w.block_rows < slice_rows;
    const bool few = cni_ratio_up(s->c, HEIGHT) * w.widths * w.slices < threads;
    w.height = s->c <= LOW || few ? LOW : HEIGHT;
    w.heights = cni_ratio_up(s->c, w.height);
    divide_parts(&w, threads);
    size_t cells = (size_t)w.block_rows * (size_t)w.row_tiles;
    const int chunk = (s->c > CHUNK_CHANNELS ? FEW_CHANNELS : CHUNK_CHANNELS) / w.height;
    w.chunk_heights = w.whole ? w.part_heights : cni_smaller(w.part_heights, chunk);
    w.chunk_widths = w.whole ? w.part_widths : CHUNK_WIDTHS;
    w.v = strides_of(w.height, w.chunk_heights, cells);
    w.z = strides_of(WIDTH, w.part_widths, cells);
    w.v_bytes = cni_round_up((size_t)w.positions * w.v.position * real_size);
    w.z_bytes = cni_round_up((size_t)w.positions * w.z.position * real_size);
    w.m_position = m_position(&w, w.chunk_heights, w.chunk_widths);
    w.m_bytes = m_bytes(&w, w.chunk_heights, w.chunk_widths);
    w.tap = (ptrdiff_t)s->c * s->f;
    w.apart = w.slices > 1 || (s->window > 3 && (size_t)w.tap * real_size % ALIASED == 0);
    if (w.apart) w.tap += LINE;
    w.dw_bytes = cni_round_up((size_t)s->window * (size_t)s->window * (size_t)w.tap * real_size);
    return w;
}

static size_t bias_bytes(const work *w)
{
    return cni_round_up((size_t)w->n * (size_t)w->image_rows * (size_t)w->s->f * w->kernels->real_size);
}

size_t cni_winograd_weights_scratch(const cni_winograd_weights *shape, const cni_run *most)
{
    if (cni_winograd_few_weights_serves(shape, most->batch)) return 0;
    work w = divide(shape, most);
    return bias_bytes(&w) + (w.apart ? (size_t)w.slices * w.dw_bytes : 0);
}

size_t cni_winograd_weights_own(const cni_winograd_weights *shape, const cni_run *most)
{
    if (cni_winograd_few_weights_serves(shape, most->batch)) return cni_winograd_few_weights_own(shape, most);
    work w = divide(shape, most);
    return w.v_bytes + w.z_bytes + w.m_bytes;
}

/* What things cost, in the time that a vector's multiply-add for each pair of channel and filter takes: a tile's
 * products, its transforms (the fewer channels there are on the other side, the more they weigh), and M's way to memory
 * and through the gather.  Fitted to measurements with 16 to 512 channels on images of 4x4 to 56x56; the direct way
 * leaves out what is not inside the image, and costs a tenth more than its products. */
typedef struct cost {
    int points, window;
    double tile, input, spread, gather;
} cost;

static const cost costs[] = {{6, 3, 36, 500, 300, 576}, {4, 3, 16, 200, 130, 330}, {6, 5, 36, 500, 200, 900}};
static const double few_gather = 0.25; /* of that, where M stays in the first cache */

/* Windows' cells inside the image, all windows and taps of an axis. */
static double inside(int size, int windows, int window, int padding)
{
    double count = 0;
    for (int r = 0; r < window; r++) {
        int first = padding - r > 0 ? padding - r : 0, last = cni_smaller(windows, size + padding - r);
        if (last > first) count += last - first;
    }
    return count;
}

cni_winograd_weights cni_winograd_weights_of(const cni_conv_shape *s, cni_algorithm algorithm)
{
    const cni_algorithm_row *row = &cni_algorithm_rows[algorithm];
    return (cni_winograd_weights){.h = s->from[0],
                                  .w = s->from[1],
                                  .c = s->from[2],
                                  .oh = s->to[0],
                                  .ow = s->to[1],
                                  .f = s->to[2],
                                  .window = s->window[0],
                                  .points = algorithm == CNI_DIRECT ? 0 : row->results + row->window - 1,
                                  .top = s->padding[0],
                                  .left = s->padding[1]};
}

bool cni_winograd_weights_choose(cni_winograd_weights *s, int n)
{
    if (s->c < LEAST_CHANNELS || s->f < LEAST_CHANNELS) return false;
    double least = 1.1 * n * inside(s->h, s->oh, s->window, s->top) * inside(s->w, s->ow, s->window, s->left);
    int points = 0;
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        const cost *c = &costs[i];
        if (c->window != s->window) continue;
        s->points = c->points;
        const double gather = cni_winograd_few_weights_serves(s, n) ? few_gather * c->gather : c->gather;
        double time = tiles_of(s, n) * (c->tile + c->input / s->f + c->spread / s->c) + gather;
        if (time >= least) continue;
        least = time;
        points = c->points;
    }
    s->points = points;
    return points > 0;
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
    int width, first, last;        /* channels of a row; those that are wanted */
    char *to;
    const strides *strides;
} side;

/* Reads the cells that this row of tiles is the first to need, in their order: tiles go through them in steps that the
 * processor does not foresee, and would wait for each line of memory. */
static void touch_row(const work *w, const side *s, int image, int top)
{
    int first = top <= s->top ? 0 : top + s->cells - w->cell, last = cni_smaller(top + s->cells, s->h);
    if (first >= last) return;
    size_t real_size = w->kernels->real_size, cells = (size_t)(last - first) * (size_t)s->w;
    const void *row = cni_at(s->image, ((ptrdiff_t)image * s->h + first) * s->w * s->c, real_size);
    cni_touch_cells(row, cells, s->c, s->first, s->last - s->first, real_size);
}

static void transform_row(const task *t, const side *s, int row)
{
    const work *w = t->w;
    size_t real_size = w->kernels->real_size;
    cni_winograd_tile tiles[TABLE];
    int image = (t->row + row) / w->image_rows, top = (t->row + row) % w->image_rows * w->cell + s->top;
    touch_row(w, s, image, top);
    for (int first = 0; first < w->row_tiles; first += TABLE) {
        cni_winograd_job job = {.tiles = tiles,
                                .count = (size_t)cni_smaller(TABLE, w->row_tiles - first),
                                .row = (ptrdiff_t)s->w * s->c,
                                .column = s->c,
                                .tile = s->width,
                                .position = (ptrdiff_t)s->strides->position};
        for (size_t i = 0; i < job.count; i++)
            tiles[i] = tile_at(image, top, (first + (int)i) * w->cell + s->left, s->h, s->w, s->c, s->cells);
        size_t at = (size_t)(row * w->row_tiles + first) * (size_t)s->width;
        for (int c = s->first; c < s->last; c += s->width, at += s->strides->row) {
            job.channels = cni_smaller(s->width, s->last - c);
            s->transform(&job, cni_at(s->image, c, real_size), s->to + at * real_size);
        }
    }
}

static void sum_bias(const task *t, int row, int first, int last)
{
    const work *w = t->w;
    const cni_winograd_weights *s = w->s;
    size_t real_size = w->kernels->real_size;
    int image = (t->row + row) / w->image_rows, top = (t->row + row) % w->image_rows * w->cell;
    size_t cells = (size_t)cni_smaller(w->cell, s->oh - top) * (size_t)s->ow;
    w->kernels->matmul.column_sums(
        cni_at(w->dy, ((ptrdiff_t)image * s->oh + top) * s->ow * s->f + first, real_size), s->f, cells, last - first,
        cni_at_mutable(w->bias_parts, (ptrdiff_t)(t->row + row) * s->f + first, real_size), false);
}

/* Rows of channels first ... first + heights - 1. */
static void transform_x(const task *t, int first, int heights)
{
    const work *w = t->w;
    const cni_winograd_weights *s = w->s;
    const side x = {.transform = w->kernels->winograd.input[s->points],
                    .image = w->x,
                    .h = s->h,
                    .w = s->w,
                    .c = s->c,
                    .cells = s->points,
                    .top = -s->top,
                    .left = -s->left,
                    .width = w->height,
                    .first = first * w->height,
                    .last = cni_smaller((first + heights) * w->height, s->c),
                    .to = t->v,
                    .strides = &w->v};
    for (int row = 0; row < t->rows; row++) transform_row(t, &x, row);
}

static void transform_dy(const task *t)
{
    const work *w = t->w;
    const cni_winograd_weights *s = w->s;
    const side dy = {.transform = w->kernels->winograd.spread[s->points][w->cell],
                     .image = w->dy,
                     .h = s->oh,
                     .w = s->ow,
                     .c = s->f,
                     .cells = w->cell,
                     .width = WIDTH,
                     .first = t->width * WIDTH,
                     .last = cni_smaller((t->width + t->widths) * WIDTH, s->f),
                     .to = t->z,
                     .strides = &w->z};
    for (int row = 0; row < t->rows; row++) {
        transform_row(t, &dy, row);
        if (w->db && t->height == 0) sum_bias(t, row, dy.first, dy.last);
    }
}

/* ---- M and dw ---- */

typedef struct chunk {
    int height, width, heights, widths; /* of the part */
} chunk;

/* They lie as they are computed: M goes to memory and back in one stream. */
static char *patch(const task *t, const chunk *c, int i, int j)
{
    return t->m + patch_size(t->w) * (size_t)(j * c->heights + i) * t->w->kernels->real_size;
}

/* Rows of cells, counted over all images, that so many rows of tiles look at. */
static size_t rows_before(const work *w, int rows, int top, int cells, int h)
{
    const int in_image = rows % w->image_rows;
    int last = in_image ? (in_image - 1) * w->cell + top + cells : 0;
    last = last < 0 ? 0 : cni_smaller(last, h);
    return (size_t)(rows / w->image_rows) * (size_t)h + (size_t)last;
}

/* x and dy of the next block, which the memory can bring while this one is multiplied. */
static void want_next(task *t)
{
    const work *w = t->w;
    const cni_winograd_weights *s = w->s;
    const size_t real_size = w->kernels->real_size, row = (size_t)s->w * (size_t)s->c * real_size;
    const size_t dy_row = (size_t)s->ow * (size_t)s->f * real_size;
    const int from = t->row + t->rows, to = cni_smaller(from + w->block_rows, w->n * w->image_rows);
    t->left[0] = t->left[1] = 0;
    if (!w->asks) return;
    const size_t first = rows_before(w, from, -s->top, s->points, s->h),
                 dy_first = rows_before(w, from, 0, w->cell, s->oh);
    t->soon[0] = (const char *)w->x + first * row;
    t->left[0] = (rows_before(w, to, -s->top, s->points, s->h) - first) * row;
    t->soon[1] = (const char *)w->dy + dy_first * dy_row;
    t->left[1] = (rows_before(w, to, 0, w->cell, s->oh) - dy_first) * dy_row;
}

/* The next patch of M where that comes from far; else the next block, as much as goes with one tile of the kernel. */
static void ask_for_some(task *t, cni_outer *outer)
{
    const work *w = t->w;
    if (w->whole && w->m_bytes > w->kernels->caches.l2) {
        outer->ahead_bytes[0] = patch_size(w) * w->kernels->real_size;
        outer->ahead[0] = (const char *)outer->dw + outer->ahead_bytes[0];
        return;
    }
    const size_t most = outer->columns * LINE * w->kernels->real_size;
    for (int i = 0; i < 2; i++) {
        const size_t bytes = t->left[i] < most ? t->left[i] : most;
        outer->ahead[i] = t->soon[i];
        outer->ahead_bytes[i] = bytes;
        t->soon[i] += bytes;
        t->left[i] -= bytes;
    }
}

static void multiply(task *t, const chunk *c, int position, int i, int j)
{
    const work *w = t->w;
    size_t real_size = w->kernels->real_size, at = (size_t)position;
    int height = c->height + i, width = c->width + j;
    cni_outer outer = {.x = t->v + (at * w->v.position + (size_t)i * w->v.row) * real_size,
                       .x_pixel = w->height,
                       .dy = t->z + (at * w->z.position + (size_t)width * w->z.row) * real_size,
                       .dy_pixel = WIDTH,
                       .images = 1,
                       .rows = 1,
                       .columns = (size_t)t->rows * (size_t)w->row_tiles,
                       .dw = patch(t, c, i, j) + at * w->m_position * real_size,
                       .dw_row = WIDTH,
                       .height = cni_smaller(w->height, w->s->c - (t->height + height) * w->height),
                       .width = cni_smaller(WIDTH, w->s->f - (t->width + width) * WIDTH),
                       .accumulate = !t->begins};
    ask_for_some(t, &outer);
    w->kernels->matmul.outer(&outer);
}

static void gather(const task *t, const chunk *k, int i, int j)
{
    const work *w = t->w;
    int c = w->s->c, f = w->s->f, window = w->s->window, first = (t->height + k->height + i) * w->height;
    int filter = (t->width + k->width + j) * WIDTH;
    cni_winograd_tile tiles[HEIGHT];
    const cni_winograd_job job = {.tiles = tiles,
                                  .count = (size_t)cni_smaller(w->height, c - first),
                                  .row = window * w->tap,
                                  .column = w->tap,
                                  .tile = WIDTH,
                                  .position = (ptrdiff_t)w->m_position,
                                  .channels = cni_smaller(WIDTH, f - filter)};
    for (size_t n = 0; n < job.count; n++)
        tiles[n] = (cni_winograd_tile){.at = (first + (ptrdiff_t)n) * f, .bottom = window, .right = window};
    w->kernels->winograd.gather[w->s->points][window](&job, patch(t, k, i, j), NULL, filter, t->dw);
}

static void run_chunk(task *t, const chunk *c)
{
    for (int position = 0; position < t->w->positions; position++)
        for (int j = 0; j < c->widths; j++)
            for (int i = 0; i < c->heights; i++) multiply(t, c, position, i, j);
    for (int j = 0; j < c->widths && t->ends; j++)
        for (int i = 0; i < c->heights; i++) gather(t, c, i, j);
}

/* ---- all of it ---- */

static void run_task(void *context, size_t index, int thread)
{
    const work *w = context;
    int slice = (int)(index % (size_t)w->slices), part = (int)(index / (size_t)w->slices);
    task t = {.w = w,
              .v = cni_own(w->run, thread),
              .dw = w->apart ? w->slices_memory + (size_t)slice * w->dw_bytes : w->dw,
              .height = part % w->parts[0] * w->part_heights,
              .width = part / w->parts[0] * w->part_widths};
    t.z = t.v + w->v_bytes;
    t.m = t.z + w->z_bytes;
    t.heights = cni_smaller(w->part_heights, w->heights - t.height);
    t.widths = cni_smaller(w->part_widths, w->widths - t.width);
    int64_t rows = (int64_t)w->n * w->image_rows;
    int first = (int)(rows * slice / w->slices), last = (int)(rows * (slice + 1) / w->slices);
    if (first == last && part == 0) memset(t.dw, 0, w->dw_bytes);
    for (t.row = first; t.row < last; t.row += w->block_rows) {
        t.rows = cni_smaller(w->block_rows, last - t.row);
        t.begins = t.row == first;
        t.ends = t.row + t.rows == last;
        transform_dy(&t);
        want_next(&t);
        for (int i = 0; i < t.heights; i += w->chunk_heights) {
            const int heights = cni_smaller(w->chunk_heights, t.heights - i);
            transform_x(&t, t.height + i, heights);
            for (int j = 0; j < t.widths; j += w->chunk_widths) {
                const chunk c = {i, j, heights, cni_smaller(w->chunk_widths, t.widths - j)};
                run_chunk(&t, &c);
            }
        }
    }
}

static size_t pieces_of(const work *w)
{
    return ((size_t)w->s->c * (size_t)w->s->f + SUM_CELLS - 1) / SUM_CELLS;
}

/* A piece of a tap. */
static void sum_task(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size, pieces = pieces_of(w), weights = (size_t)w->s->c * (size_t)w->s->f;
    ptrdiff_t tap = (ptrdiff_t)(index / pieces);
    size_t first = index % pieces * SUM_CELLS, rest = weights - first;
    w->kernels->matmul.column_sums(
        cni_at(w->slices_memory, tap * w->tap + (ptrdiff_t)first, real_size), (ptrdiff_t)(w->dw_bytes / real_size),
        (size_t)w->slices, (int)(rest < SUM_CELLS ? rest : SUM_CELLS),
        cni_at_mutable(w->dw, tap * (ptrdiff_t)weights + (ptrdiff_t)first, real_size), false);
}

void cni_winograd_weights_run(const cni_winograd_weights *shape, const cni_run *run, const void *x, const void *dy,
                              void *dw, void *db, void *scratch)
{
    if (cni_winograd_few_weights_serves(shape, run->batch)) {
        cni_winograd_few_weights_run(shape, run, x, dy, dw, db);
        return;
    }
    work w = divide(shape, run);
    cni_pool *pool = cni_run_for(run, 2.0 * tiles_of(shape, run->n) * w.positions * shape->c * shape->f).pool;
    const size_t cells = (size_t)shape->h * (size_t)shape->w * (size_t)shape->c +
                         (size_t)shape->oh * (size_t)shape->ow * (size_t)shape->f;
    w.asks = w.parts[0] * w.parts[1] == 1 &&
             (size_t)run->n * cells * run->kernels->real_size > FAR * run->kernels->caches.l2;
    w.x = x;
    w.dy = dy;
    w.dw = dw;
    w.db = db;
    w.bias_parts = scratch;
    w.slices_memory = w.bias_parts + bias_bytes(&w);
    w.run = run;
    cni_parallel(pool, (size_t)w.slices * (size_t)w.parts[0] * (size_t)w.parts[1], run_task, &w);
    size_t taps = (size_t)shape->window * (size_t)shape->window;
    if (w.apart) cni_parallel(pool, taps * pieces_of(&w), sum_task, &w);
    if (db)
        run->kernels->matmul.column_sums(w.bias_parts, shape->f, (size_t)run->n * (size_t)w.image_rows, shape->f, db,
                                         false);
}
