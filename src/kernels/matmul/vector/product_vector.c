/* SPDX-License-Identifier: Apache-2.0
 * Products with vectors.  A tile of m pixels by one panel (PANEL_VECTORS vectors of columns) keeps its sums in
 * registers from the first tap to the last:
 *
 *     for each tap, k:    PANEL_VECTORS loads of w, m broadcasts of x, m * PANEL_VECTORS multiply-adds
 *
 * MOST_ROWS x PANEL_VECTORS sums are what the registers hold beside w and x. */
#include "kernels/finish_vector.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/pointwise_sums.h"

#include <math.h>

#if CNI_VECTOR_BYTES == 64
enum { MOST_ROWS = 14, PANEL_VECTORS = 2 };
#elif CNI_VECTOR_BYTES == 32
enum { MOST_ROWS = 6, PANEL_VECTORS = 2 };
#else
enum { MOST_ROWS = 8, PANEL_VECTORS = 3 };
#endif

enum { PANEL = PANEL_VECTORS * LANES, MOST_FETCHING_TILES = 32, SCALED_SUMMANDS = POINTWISE_DEPTH, MEDIUM_DEPTH = 160 };

/* Sums of few steps, a few to a tap: two loops inside each other would cost more than such a tap does. */
enum { MOST_SHORT = 32, MOST_SHORT_DEPTH = 12, MOST_SHORT_ROWS = MOST_ROWS < 7 ? MOST_ROWS : 7 };

/* What is the same for all tiles of a panel. */
typedef struct strip {
    const float *w;
    float start[PANEL] __attribute__((aligned(64)));
    float scale[PANEL] __attribute__((aligned(64)));
    float shift[PANEL] __attribute__((aligned(64)));
    int width;        /* columns that exist */
    const char *next; /* where the next panel is fetched from memory while this one is used */
    ptrdiff_t step;   /* bytes of it that are fetched for each k */
    int steps;        /* of a short sum, and where each finds its x; else 0 */
    ptrdiff_t at[MOST_SHORT];
} strip;

/* Where a panel's last vector is needed to a half only, one serves two rows: [row i, columns 16 ... 23 | row i + 1]. */
enum { MOST_PAIRS = HAS_HALVES ? (MOST_ROWS + 1) / 2 : 0, HALF = LANES / 2 };

typedef struct sums {
    lanes of[MOST_ROWS][PANEL_VECTORS], pair[MOST_PAIRS + 1];
} sums;

/* Columns of a tile: whole vectors, and perhaps a half. */
typedef struct extent {
    int rows, vectors, pairs;
} extent;

/* Like vector_finish, one step after the other for all sums: whether there is such a step is asked once. */
#define ALL(e)   UNROLL for (int i = 0; i < (e).rows; i++) UNROLL for (int j = 0; j < (e).vectors; j++)
#define PAIRS(e) UNROLL for (int i = 0; i < (e).pairs; i++)

ALWAYS_INLINE lanes load_part(const float *p, int some)
{
    return some >= LANES ? load(p) : some > 0 ? load_some(p, some) : (lanes){0};
}

#if HAS_HALVES
/* Of rows 2 i and 2 i + 1, if there is one; `p` is where the half of the tile's first row lies. */
ALWAYS_INLINE lanes load_pair(const float *p, ptrdiff_t pixel, int i, extent e, int some)
{
    const float *low = p + 2 * i * pixel;
    return load_halves(low, 2 * i + 1 < e.rows ? low + pixel : low, some);
}

ALWAYS_INLINE void store_pair(float *p, ptrdiff_t pixel, int i, extent e, lanes v, int some)
{
    store_low_half(p + 2 * i * pixel, v, some);
    if (2 * i + 1 < e.rows) store_high_half(p + (2 * i + 1) * pixel, v, some);
}
#else
#define halves(low, high)                   (low)
#define load_half_twice(p)                  load(p)
#define load_pair(p, pixel, i, e, some)     ((void)(some), (lanes){0})
#define store_pair(p, pixel, i, e, v, some) ((void)(some))
#endif

ALWAYS_INLINE lanes clamp(lanes x, float slope, float most, bool relu)
{
    return relu ? vector_relu(x) : vector_clamp(x, slope, most);
}

ALWAYS_INLINE void finish(const cni_product *p, const strip *of, sums *sum, const float *y, extent e)
{
    const cni_finish *f = &p->finish;
    const ptrdiff_t at = y - (const float *)p->y, pixel = p->y_pixel;
    const int half = e.vectors * LANES, left = of->width - half;
    if (f->scale) {
        ALL(e) sum->of[i][j] = multiply_add(sum->of[i][j], load(of->scale + j * LANES), load(of->shift + j * LANES));
        PAIRS(e)
        sum->pair[i] = multiply_add(sum->pair[i], load_half_twice(of->scale + half), load_half_twice(of->shift + half));
    }
    if (f->add) {
        const float *add = (const float *)f->add + at;
        ALL(e) sum->of[i][j] += load_part(add + i * pixel + j * LANES, of->width - j * LANES);
        PAIRS(e) sum->pair[i] += load_pair(add + half, pixel, i, e, left);
    }
    if (f->clamps) {
        const float slope = (float)f->slope, most = (float)f->most;
#define CLAMP(...)                                                                                                     \
    ALL(e) sum->of[i][j] = clamp(sum->of[i][j], __VA_ARGS__);                                                          \
    PAIRS(e) sum->pair[i] = clamp(sum->pair[i], __VA_ARGS__)
        if (slope == 0 && isinf(most)) {
            CLAMP(0, most, true);
        } else if (slope == 0) {
            CLAMP(0, most, false);
        } else {
            CLAMP(slope, most, false);
        }
#undef CLAMP
    }
    if (f->mask) {
        const float *gate = (const float *)f->mask + at;
        ALL(e)
        {
            const lanes open = load_part(gate + i * pixel + j * LANES, of->width - j * LANES);
            sum->of[i][j] = choose((mask)(open > (lanes){0}), sum->of[i][j], (lanes){0});
        }
        PAIRS(e)
        {
            const lanes open = load_pair(gate + half, pixel, i, e, left);
            sum->pair[i] = choose((mask)(open > (lanes){0}), sum->pair[i], (lanes){0});
        }
    }
}

/* What the end of a tile reads comes from memory when a batch is large; it is asked for while sums are made.  Only so
 * many requests can be under way: the mask's are for the tile after this one. */
ALWAYS_INLINE void fetch_ends(const cni_product *p, const float *y, extent e)
{
    const ptrdiff_t at = y - (const float *)p->y, next = at + e.rows * p->y_pixel;
    if (e.pairs) e.vectors++;
    if (p->finish.add) {
        const float *add = (const float *)p->finish.add + at;
        ALL(e) __builtin_prefetch(add + i * p->y_pixel + j * LANES, 0, 3);
    }
    if (p->finish.mask) {
        const float *gate = (const float *)p->finish.mask + next;
        ALL(e) __builtin_prefetch(gate + i * p->y_pixel + j * LANES, 0, 2);
    }
}

/* Rows in threes: x86 adds once or twice a distance to a pointer for nothing, and more distances than two would not
 * fit the registers. */
enum { GROUP = 3, GROUPS = (MOST_ROWS + GROUP - 1) / GROUP };

/* One step of the sums of a tile. */
ALWAYS_INLINE void step(sums *sum, const float *const *at, ptrdiff_t pixel, const float *w, extent e)
{
    lanes columns[PANEL_VECTORS], half = {0};
    UNROLL for (int j = 0; j < e.vectors; j++) columns[j] = *(const lanes *)(w + j * LANES);
    if (e.pairs) half = load_half_twice(w + e.vectors * LANES);
    UNROLL for (int i = 0; i < e.rows; i += 2)
    {
        const lanes one = splat(at[i / GROUP][i % GROUP * pixel]);
        UNROLL for (int j = 0; j < e.vectors; j++) sum->of[i][j] += one * columns[j];
        const int k = i + 1;
        if (k < e.rows) {
            const lanes two = splat(at[k / GROUP][k % GROUP * pixel]);
            UNROLL for (int j = 0; j < e.vectors; j++) sum->of[k][j] += two * columns[j];
            if (e.pairs) sum->pair[i / 2] += halves(one, two) * half;
        } else if (e.pairs) {
            sum->pair[i / 2] += one * half;
        }
    }
}

ALWAYS_INLINE void short_sums(const cni_product *p, const strip *of, sums *sum, const float *x, extent e)
{
    const float *w = of->w;
    const ptrdiff_t pixel = p->x_pixel;
    for (const ptrdiff_t *k = of->at, *const end = k + of->steps; k < end; k++, w += PANEL) {
        const float *at[GROUPS];
        UNROLL for (int g = 0; g * GROUP < e.rows; g++)
        {
            at[g] = x + *k + g * GROUP * pixel;
            POINTER_IN_REGISTER(at[g]);
        }
        step(sum, at, pixel, w, e);
    }
}

ALWAYS_INLINE void long_sums(const cni_product *p, const strip *of, sums *sum, const float *x, const char *next,
                             extent e)
{
    const float *w = of->w;
    const ptrdiff_t pixel = p->x_pixel, fetched = of->step;
    for (int t = 0; t < p->taps; t++) {
        const float *at[GROUPS], *const end = x + p->tap[t] + p->depth;
        UNROLL for (int g = 0; g * GROUP < e.rows; g++)
        {
            at[g] = x + p->tap[t] + g * GROUP * pixel;
            POINTER_IN_REGISTER(at[g]);
        }
        for (; at[0] < end; w += PANEL, next += fetched) {
            if (e.vectors + (e.pairs > 0) > 1) __builtin_prefetch(next, 0, 2); /* with one, loads are what limits */
            step(sum, at, pixel, w, e);
            UNROLL for (int g = 0; g * GROUP < e.rows; g++) at[g]++;
        }
    }
}

ALWAYS_INLINE void tile(const cni_product *p, const strip *of, const float *x, float *y, const char *next, extent e,
                        bool is_short)
{
    sums sum;
    UNROLL for (int j = 0; j < e.vectors; j++)
    {
        lanes start = load(of->start + j * LANES);
        UNROLL for (int i = 0; i < e.rows; i++) sum.of[i][j] = start;
    }
    PAIRS(e) sum.pair[i] = load_half_twice(of->start + e.vectors * LANES);
    fetch_ends(p, y, e);
    if (is_short)
        short_sums(p, of, &sum, x, e);
    else
        long_sums(p, of, &sum, x, next, e);
    finish(p, of, &sum, y, e);
    UNROLL for (int j = 0; j < e.vectors; j++)
    {
        const int some = of->width - j * LANES;
        if (some >= LANES)
            UNROLL for (int i = 0; i < e.rows; i++) store(y + i * p->y_pixel + j * LANES, sum.of[i][j]);
        else if (some > 0)
            UNROLL for (int i = 0; i < e.rows; i++) store_some(y + i * p->y_pixel + j * LANES, sum.of[i][j], some);
    }
    const int left = of->width - e.vectors * LANES;
    if (e.pairs && left == HALF)
        PAIRS(e) store_pair(y + e.vectors * LANES, p->y_pixel, i, e, sum.pair[i], HALF);
    else if (e.pairs)
        PAIRS(e) store_pair(y + e.vectors * LANES, p->y_pixel, i, e, sum.pair[i], left);
}

/* Tiles that follow each other in a row, of as many rows. */
typedef void tile_function(const cni_product *p, const strip *of, const float *x, float *y, const char *next,
                           size_t count, size_t lines);

/* kind: 0, 1 with half vectors, 2 for short sums */
#define TILE(rows, vectors, kind)                                                                                      \
    static void tile_##rows##_##vectors##kind(const cni_product *p, const strip *of, const float *x, float *y,         \
                                              const char *next, size_t count, size_t lines)                            \
    {                                                                                                                  \
        const ptrdiff_t fetched = of->step * p->taps * p->depth;                                                       \
        const extent e = {rows, vectors, (kind) == 1 ? (rows + 1) / 2 : 0};                                            \
        const ptrdiff_t x_end = p->x_row - (ptrdiff_t)count * (rows)*p->x_pixel;                                       \
        const ptrdiff_t y_end = p->y_row - (ptrdiff_t)count * (rows)*p->y_pixel;                                       \
        for (; lines; lines--, x += x_end, y += y_end)                                                                 \
            for (size_t i = 0; i < count; i++, x += (rows)*p->x_pixel, y += (rows)*p->y_pixel, next += fetched)        \
                tile(p, of, x, y, next, e, (kind) == 2);                                                               \
    }
#define TILES_6(...)                                                                                                   \
    TILE(1, __VA_ARGS__)                                                                                               \
    TILE(2, __VA_ARGS__) TILE(3, __VA_ARGS__) TILE(4, __VA_ARGS__) TILE(5, __VA_ARGS__) TILE(6, __VA_ARGS__)
#define TILES_7(...) TILES_6(__VA_ARGS__) TILE(7, __VA_ARGS__)
#define ROW_6(v)     tile_1_##v, tile_2_##v, tile_3_##v, tile_4_##v, tile_5_##v, tile_6_##v
#define ROW_7(v)     ROW_6(v), tile_7_##v
#if CNI_VECTOR_BYTES == 64
#define TILES(...)                                                                                                     \
    TILES_7(__VA_ARGS__)                                                                                               \
    TILE(8, __VA_ARGS__)                                                                                               \
    TILE(9, __VA_ARGS__)                                                                                               \
    TILE(10, __VA_ARGS__) TILE(11, __VA_ARGS__) TILE(12, __VA_ARGS__) TILE(13, __VA_ARGS__) TILE(14, __VA_ARGS__)
#define ROW(v) ROW_7(v), tile_8_##v, tile_9_##v, tile_10_##v, tile_11_##v, tile_12_##v, tile_13_##v, tile_14_##v
#elif CNI_VECTOR_BYTES == 32
#define TILES(...) TILES_6(__VA_ARGS__)
#define ROW(v)     ROW_6(v)
#else
#define TILES(...) TILES_7(__VA_ARGS__) TILE(8, __VA_ARGS__)
#define ROW(v)     ROW_7(v), tile_8_##v
#endif
#if CNI_VECTOR_BYTES == 32
#define SHORT_TILES(...) TILES_6(__VA_ARGS__)
#define SHORT_ROW(v)     ROW_6(v)
#else
#define SHORT_TILES(...) TILES_7(__VA_ARGS__)
#define SHORT_ROW(v)     ROW_7(v)
#endif

TILES(1, 0)
TILES(2, 0)
SHORT_TILES(1, 2)
SHORT_TILES(2, 2)
#if HAS_HALVES
TILES(1, 1)
#elif CNI_VECTOR_BYTES == 16
TILES(3, 0)
SHORT_TILES(3, 2)
#endif

/* [which][rows - 1] */
static tile_function *const tiles[][MOST_ROWS] = {
    {ROW(10)},
    {ROW(20)},
#if HAS_HALVES
    {ROW(11)},
#elif CNI_VECTOR_BYTES == 16
    {ROW(30)},
#endif
};

static int which_tiles(int width)
{
    if (HAS_HALVES && width > LANES && width <= LANES + HALF) return 2;
    return (width - 1) / LANES;
}

static tile_function *const short_tiles[][MOST_SHORT_ROWS] = {
    {SHORT_ROW(12)},
    {SHORT_ROW(22)},
#if CNI_VECTOR_BYTES == 16
    {SHORT_ROW(32)},
#endif
};

static bool is_short(const strip *of)
{
    return of->steps && !(HAS_HALVES && which_tiles(of->width) == PANEL_VECTORS);
}

/* Rows are cut into tiles of nearly equal size, so that no small tile is left over.  Where all are equal, one call does
 * all rows: beside short sums, finding out how pixels lie takes long. */
static void rows_of_tiles(const cni_product *p, strip *of, int column, int most)
{
    const int which = which_tiles(of->width);
    tile_function *const *by_rows = is_short(of) ? short_tiles[which] : tiles[which];
    const size_t count = (p->columns + (size_t)most - 1) / (size_t)most;
    if (!count) return;
    const size_t rows = p->columns / count, larger = p->columns % count, lines = larger ? 1 : p->rows;
    const ptrdiff_t fetched = of->step * p->taps * p->depth, pixels = (ptrdiff_t)(larger * (rows + 1));
    for (size_t r = 0; r < p->rows; r += lines) {
        const float *x = (const float *)p->x + (ptrdiff_t)r * p->x_row;
        float *y = (float *)p->y + (ptrdiff_t)r * p->y_row + column;
        if (larger) by_rows[rows](p, of, x, y, of->next, larger, 1);
        by_rows[rows - 1](p, of, x + pixels * p->x_pixel, y + pixels * p->y_pixel,
                          of->next + (ptrdiff_t)larger * fetched, count - larger, lines);
        of->next += (ptrdiff_t)(count * lines) * fetched;
    }
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
static void find_next(const cni_product *p, int most, const float *next, strip *of)
{
    const size_t count = p->rows * ((p->columns + (size_t)most - 1) / (size_t)most), line = 64;
    const size_t depth = (size_t)p->taps * (size_t)p->depth, times = count * depth;
    of->next = (const char *)next;
    of->step = count && count <= MOST_FETCHING_TILES ? (ptrdiff_t)((PANEL * sizeof(float) + count - 1) / count) : 0;
    if (!p->ahead_bytes || !times) return;
    of->next = p->ahead;
    of->step = p->ahead_bytes < times * line ? (ptrdiff_t)((p->ahead_bytes + times - 1) / times) : (ptrdiff_t)line;
}

/* Where the steps of a short sum find their x. */
static void find_steps(const cni_product *p, strip *of)
{
    if (p->taps == 1 || p->depth > MOST_SHORT_DEPTH || p->taps > MOST_SHORT || p->taps * p->depth > MOST_SHORT) return;
    for (int t = 0; t < p->taps; t++)
        for (int k = 0; k < p->depth; k++) of->at[of->steps++] = p->tap[t] + k;
}

/* A panel with its columns' scales multiplied in; `width` columns have one. */
static void scale_panel(const float *w, const float *scale, int width, size_t depth, float *to)
{
    lanes by[PANEL_VECTORS];
    UNROLL for (int j = 0; j < PANEL_VECTORS; j++) by[j] = load_part(scale + j * LANES, width - j * LANES);
    for (size_t k = 0; k < depth; k++, w += PANEL, to += PANEL)
        UNROLL for (int j = 0; j < PANEL_VECTORS; j++) * (lanes *)(to + j * LANES) =
            *(const lanes *)(w + j * LANES) * by[j];
}

/* Pixels whose distance is a multiple of 2 KiB fall into few sets of the first cache: then fewer at a time.  So it is
 * with sums that are not long: what a tile of half the size begins and ends with fits in beside the next one's sums. */
static int most_rows(const cni_product *p, const strip *of)
{
    if (MOST_ROWS > 7 && p->x_pixel % 512 == 0) return 7;
    const bool whole = of->width > LANES && which_tiles(of->width) < PANEL_VECTORS;
    return MOST_ROWS == 14 && whole && p->taps == 1 && p->depth <= MEDIUM_DEPTH ? 7 : MOST_ROWS;
}

/* By the panel at of->w; `next` is the one after it. */
static void one_panel(const cni_product *p, strip *of, const float *next, int column)
{
    const int most = most_rows(p, of);
    begin_strip(of, &p->finish, column);
    find_next(p, most, next, of);
    rows_of_tiles(p, of, column, is_short(of) && most > MOST_SHORT_ROWS ? MOST_SHORT_ROWS : most);
}

/* Scaling sums of few products takes longer than scaling the panel.  Which of the two it is may depend on the number of
 * summands alone, since it shows in the last bit. */
static void product(const cni_product *p)
{
    float scaled[2 * SCALED_SUMMANDS * PANEL] __attribute__((aligned(64)));
    const size_t depth = (size_t)p->taps * (size_t)p->depth;
    const float *scale = depth <= SCALED_SUMMANDS ? p->finish.scale : NULL, *w = p->panels;
    cni_product plain = *p;
    if (scale) plain.finish.scale = NULL;
    strip of = {.steps = 0};
    find_steps(p, &of);
    for (int j = 0; j < p->width; j += of.width) {
        const int left = p->width - j, together = pointwise_width(&plain, left);
        float *to = scaled;
        of.width = together ? together : left < PANEL ? left : PANEL;
        of.w = scale ? scaled : w;
        for (int i = 0; i < of.width; i += PANEL, w += depth * PANEL, to += depth * PANEL)
            if (scale) scale_panel(w, scale + j + i, of.width - i, depth, to);
        if (together)
            pointwise_sums(&plain, of.w, j, together);
        else
            one_panel(&plain, &of, w, j);
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
