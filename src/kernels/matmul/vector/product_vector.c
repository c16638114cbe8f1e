/* SPDX-License-Identifier: Apache-2.0
 * Products with vectors.  A tile of m pixels by one panel (PANEL_VECTORS vectors of columns) keeps its sums in
 * registers from the first tap to the last:
 *
 *     for each tap, k:    PANEL_VECTORS loads of w, m broadcasts of x, m * PANEL_VECTORS multiply-adds
 *
 * MOST_ROWS x PANEL_VECTORS sums are what the registers hold beside w and x. */
#include "kernels/finish_vector.h"
#include "kernels/matmul/matmul.h"

#include <math.h>

#if CNI_VECTOR_BYTES == 64
enum { MOST_ROWS = 14, PANEL_VECTORS = 2 };
#elif CNI_VECTOR_BYTES == 32
enum { MOST_ROWS = 6, PANEL_VECTORS = 2 };
#else
enum { MOST_ROWS = 8, PANEL_VECTORS = 3 };
#endif

enum { PANEL = PANEL_VECTORS * LANES, MOST_FETCHING_TILES = 32 };

/* What is the same for all tiles of a panel. */
typedef struct strip {
    const float *w;
    float start[PANEL] __attribute__((aligned(64)));
    float scale[PANEL] __attribute__((aligned(64)));
    float shift[PANEL] __attribute__((aligned(64)));
    int width;        /* columns that exist */
    const char *next; /* where the next panel is fetched from memory while this one is used */
    ptrdiff_t step;   /* bytes of it that are fetched for each k */
} strip;

typedef lanes sums[MOST_ROWS][PANEL_VECTORS];

/* Like vector_finish, one step after the other for all sums: whether there is such a step is asked once. */
#define ALL(rows, vectors) UNROLL for (int i = 0; i < (rows); i++) UNROLL for (int j = 0; j < (vectors); j++)

ALWAYS_INLINE lanes load_part(const float *p, int some)
{
    return some >= LANES ? load(p) : some > 0 ? load_some(p, some) : (lanes){0};
}

ALWAYS_INLINE void finish(const cni_product *p, const strip *of, sums sum, const float *y, int rows, int vectors)
{
    const cni_finish *f = &p->finish;
    const ptrdiff_t at = y - (const float *)p->y, pixel = p->y_pixel;
    if (f->scale) {
        ALL(rows, vectors) sum[i][j] = sum[i][j] * load(of->scale + j * LANES) + load(of->shift + j * LANES);
    }
    if (f->add) {
        const float *add = (const float *)f->add + at;
        ALL(rows, vectors) sum[i][j] += load_part(add + i * pixel + j * LANES, of->width - j * LANES);
    }
    if (f->clamps) {
        const float slope = (float)f->slope, most = (float)f->most;
        if (slope == 0 && isinf(most))
            ALL(rows, vectors) sum[i][j] = vector_relu(sum[i][j]);
        else if (slope == 0)
            ALL(rows, vectors) sum[i][j] = vector_clamp(sum[i][j], 0, most);
        else
            ALL(rows, vectors) sum[i][j] = vector_clamp(sum[i][j], slope, most);
    }
    if (f->mask) {
        const float *gate = (const float *)f->mask + at;
        ALL(rows, vectors)
        {
            const lanes open = load_part(gate + i * pixel + j * LANES, of->width - j * LANES);
            sum[i][j] = choose((mask)(open > (lanes){0}), sum[i][j], (lanes){0});
        }
    }
}

/* What the end of a tile reads comes from memory when a batch is large; it is asked for while sums are made.  Only so
 * many requests can be under way: the mask's are for the tile after this one. */
ALWAYS_INLINE void fetch_ends(const cni_product *p, const float *y, int rows, int vectors)
{
    const ptrdiff_t at = y - (const float *)p->y, next = at + rows * p->y_pixel;
    if (p->finish.add) {
        const float *add = (const float *)p->finish.add + at;
        ALL(rows, vectors) __builtin_prefetch(add + i * p->y_pixel + j * LANES, 0, 3);
    }
    if (p->finish.mask) {
        const float *gate = (const float *)p->finish.mask + next;
        ALL(rows, vectors) __builtin_prefetch(gate + i * p->y_pixel + j * LANES, 0, 2);
    }
}

ALWAYS_INLINE void tile(const cni_product *p, const strip *of, const float *x, float *y, const char *next, int rows,
                        int vectors)
{
    sums sum;
    UNROLL for (int j = 0; j < vectors; j++)
    {
        lanes start = load(of->start + j * LANES);
        UNROLL for (int i = 0; i < rows; i++) sum[i][j] = start;
    }
    fetch_ends(p, y, rows, vectors);
    const float *w = of->w;
    const ptrdiff_t pixel = p->x_pixel, step = of->step;
    for (int t = 0; t < p->taps; t++) {
        const float *at = x + p->tap[t], *end = at + p->depth;
        for (; at < end; at++, w += PANEL, next += step) {
            if (vectors > 1) __builtin_prefetch(next, 0, 2); /* with one, loads are what limits */
            lanes columns[PANEL_VECTORS];
            UNROLL for (int j = 0; j < vectors; j++) columns[j] = *(const lanes *)(w + j * LANES);
            UNROLL for (int i = 0; i < rows; i++)
            {
                lanes value = splat(at[i * pixel]);
                UNROLL for (int j = 0; j < vectors; j++) sum[i][j] += value * columns[j];
            }
        }
    }
    finish(p, of, sum, y, rows, vectors);
    UNROLL for (int j = 0; j < vectors; j++)
    {
        const int some = of->width - j * LANES;
        if (some >= LANES)
            UNROLL for (int i = 0; i < rows; i++) store(y + i * p->y_pixel + j * LANES, sum[i][j]);
        else if (some > 0)
            UNROLL for (int i = 0; i < rows; i++) store_some(y + i * p->y_pixel + j * LANES, sum[i][j], some);
    }
}

/* Tiles that follow each other in a row. */
typedef void tile_function(const cni_product *p, const strip *of, const float *x, float *y, const char *next,
                           size_t count);

#define TILE(rows, vectors)                                                                                            \
    static void tile_##rows##_##vectors(const cni_product *p, const strip *of, const float *x, float *y,               \
                                        const char *next, size_t count)                                                \
    {                                                                                                                  \
        const ptrdiff_t fetched = of->step * p->taps * p->depth;                                                       \
        for (; count; count--, x += (rows)*p->x_pixel, y += (rows)*p->y_pixel, next += fetched)                        \
            tile(p, of, x, y, next, rows, vectors);                                                                    \
    }
#define TILES_6(vectors)                                                                                               \
    TILE(1, vectors) TILE(2, vectors) TILE(3, vectors) TILE(4, vectors) TILE(5, vectors) TILE(6, vectors)
#define ROW_6(v) tile_1_##v, tile_2_##v, tile_3_##v, tile_4_##v, tile_5_##v, tile_6_##v
#if CNI_VECTOR_BYTES == 64
#define TILES(v)                                                                                                       \
    TILES_6(v)                                                                                                         \
    TILE(7, v) TILE(8, v) TILE(9, v) TILE(10, v) TILE(11, v) TILE(12, v) TILE(13, v) TILE(14, v)
#define ROW(v)                                                                                                         \
    ROW_6(v), tile_7_##v, tile_8_##v, tile_9_##v, tile_10_##v, tile_11_##v, tile_12_##v, tile_13_##v, tile_14_##v
#elif CNI_VECTOR_BYTES == 32
#define TILES(v) TILES_6(v)
#define ROW(v)   ROW_6(v)
#else
#define TILES(v) TILES_6(v) TILE(7, v) TILE(8, v)
#define ROW(v)   ROW_6(v), tile_7_##v, tile_8_##v
#endif

TILES(1)
TILES(2)
#if CNI_VECTOR_BYTES == 16
TILES(3)
#endif

/* [vectors - 1][rows - 1] */
static tile_function *const tiles[PANEL_VECTORS][MOST_ROWS] = {
    {ROW(1)},
    {ROW(2)},
#if CNI_VECTOR_BYTES == 16
    {ROW(3)},
#endif
};

/* Rows are cut into tiles of nearly equal size, so that no small tile is left over. */
static void row_of_tiles(const cni_product *p, strip *of, const float *x, float *y, int most)
{
    tile_function *const *by_rows =
        tiles[of->width > (PANEL_VECTORS - 1) * LANES ? PANEL_VECTORS - 1 : (of->width - 1) / LANES];
    const size_t count = (p->columns + (size_t)most - 1) / (size_t)most;
    const size_t rows = count ? p->columns / count : 0, larger = count ? p->columns % count : 0;
    const ptrdiff_t fetched = of->step * p->taps * p->depth, pixels = (ptrdiff_t)(larger * (rows + 1));
    if (larger) by_rows[rows](p, of, x, y, of->next, larger);
    if (rows)
        by_rows[rows - 1](p, of, x + pixels * p->x_pixel, y + pixels * p->y_pixel,
                          of->next + (ptrdiff_t)larger * fetched, count - larger);
    of->next += (ptrdiff_t)count * fetched;
}

static void begin_strip(strip *of, const cni_finish *finish, int column)
{
    const size_t bytes = (size_t)of->width * sizeof(float);
    float *shift = finish->scale ? of->shift : of->start;
    if (of->width < PANEL) {
        memset(of->start, 0, sizeof of->start);
        memset(of->scale, 0, sizeof of->scale);
        memset(of->shift, 0, sizeof of->shift);
    }
    if (finish->scale) memcpy(of->scale, (const float *)finish->scale + column, bytes);
    if (finish->shift) memcpy(shift, (const float *)finish->shift + column, bytes);
}

/* The next panel is fetched in as many parts as this one has tiles; with many tiles the hardware is early enough. */
static ptrdiff_t step_of(const cni_product *p, int most)
{
    const size_t count = p->rows * ((p->columns + (size_t)most - 1) / (size_t)most);
    return count && count <= MOST_FETCHING_TILES ? (ptrdiff_t)((PANEL * sizeof(float) + count - 1) / count) : 0;
}

static void product(const cni_product *p)
{
    /* Pixels whose distance is a multiple of 2 KiB fall into few sets of the first cache: then fewer at a time. */
    int most = p->x_pixel % 512 == 0 && MOST_ROWS > 7 ? 7 : MOST_ROWS;
    strip of = {.w = p->panels, .step = step_of(p, most)};
    for (int j = 0; j < p->width; j += PANEL, of.w += (size_t)p->taps * (size_t)p->depth * PANEL) {
        of.width = p->width - j < PANEL ? p->width - j : PANEL;
        begin_strip(&of, &p->finish, j);
        of.next = (const char *)(of.w + (size_t)p->taps * (size_t)p->depth * PANEL);
        for (size_t r = 0; r < p->rows; r++)
            row_of_tiles(p, &of, (const float *)p->x + (ptrdiff_t)r * p->x_row,
                         (float *)p->y + (ptrdiff_t)r * p->y_row + j, most);
    }
}

static void pack(const void *from, ptrdiff_t w_row, size_t depth, int width, void *panel)
{
    const float *w = from;
    float *to = panel;
    for (size_t k = 0; k < depth; k++, w += w_row, to += PANEL) UNROLL for (int j = 0; j < PANEL; j += LANES)
        {
            int some = width - j;
            *(lanes *)(to + j) = some >= LANES ? load(w + j) : some > 0 ? load_some(w + j, some) : (lanes){0};
        }
}

void CNI_FOR_ISA(cni_product_part)(cni_matmul_kernels *kernels)
{
    kernels->panel = PANEL;
    kernels->pack = pack;
    kernels->product = product;
}
