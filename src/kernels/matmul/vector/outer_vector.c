/* SPDX-License-Identifier: Apache-2.0
 * Sums of outer products with vectors: a tile of dw, m rows by one panel, stays in registers while the pixels go by.
 *
 *     for each pixel:    PANEL_VECTORS loads of dy, m broadcasts of x, m * PANEL_VECTORS multiply-adds
 *
 * Nothing is packed: in NHWC both x and dy of a pixel lie side by side. */
#include "kernels/matmul/matmul.h"
#include "kernels/vector.h"

#include <stdbool.h>

#if CNI_VECTOR_BYTES == 64
enum { MOST_ROWS = 14, PANEL_VECTORS = 2 };
#elif CNI_VECTOR_BYTES == 32
enum { MOST_ROWS = 6, PANEL_VECTORS = 2 };
#else
enum { MOST_ROWS = 12, PANEL_VECTORS = 2 };
#endif

enum { PANEL = PANEL_VECTORS * LANES, LINE = 64 };

ALWAYS_INLINE void add_to(float *dw, lanes sum, int some, bool accumulate)
{
    if (some >= LANES)
        store(dw, accumulate ? load(dw) + sum : sum);
    else
        store_some(dw, accumulate ? load_some(dw, some) + sum : sum, some);
}

/* Row i of a tile, the first of which is row `start` of dw; x is where the run of row `start` begins. */
ALWAYS_INLINE float cell(const float *x, ptrdiff_t line, int run, int start, int i)
{
    return run ? x[((start + i) / run - start / run) * line + (start + i) % run] : x[i];
}

/* `last` is how many lanes of the last vector exist; all of them when `whole`.  With every pixel that goes by, a line
 * from `ahead` on is prefetched where it `fetches`: in a version of its own, for short sums notice the instruction.
 * Two lines, where there are runs: the few tiles of those are the only ones that a block has. */
ALWAYS_INLINE void tile(const cni_outer *o, const float *x, const float *dy, float *dw, int run, int start, int height,
                        int vectors, bool whole, bool fetches, int last, const char *ahead)
{
    const ptrdiff_t line = o->x_line;
    lanes sum[MOST_ROWS][PANEL_VECTORS];
    UNROLL for (int i = 0; i < height; i++) UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = (lanes){0};
    for (size_t n = 0; n < o->images; n++, x += o->x_image, dy += o->dy_image)
        for (size_t r = 0; r < o->rows; r++) {
            const float *xp = x + (ptrdiff_t)r * o->x_row, *dyp = dy + (ptrdiff_t)r * o->dy_row;
            for (size_t p = 0; p < o->columns; p++, xp += o->x_pixel, dyp += o->dy_pixel) {
                lanes columns[PANEL_VECTORS];
                if (fetches) {
                    __builtin_prefetch(ahead, 0, 2);
                    if (run) __builtin_prefetch(ahead + LINE, 0, 2);
                    ahead += run ? 2 * LINE : LINE;
                }
                UNROLL for (int j = 0; j < vectors; j++) columns[j] =
                    whole || j + 1 < vectors ? load(dyp + j * LANES) : load_some(dyp + j * LANES, last);
                UNROLL for (int i = 0; i < height; i++)
                {
                    lanes value = splat(cell(xp, line, run, start, i));
                    UNROLL for (int j = 0; j < vectors; j++) sum[i][j] += value * columns[j];
                }
            }
        }
    UNROLL for (int i = 0; i < height; i++) UNROLL for (int j = 0; j < vectors; j++)
        add_to(dw + i * o->dw_row + j * LANES, sum[i][j], whole || j + 1 < vectors ? LANES : last, o->accumulate);
}

typedef void tile_function(const cni_outer *o, const float *x, const float *dy, float *dw, int last, const char *ahead);

#define TILE(height, vectors, whole, fetches, name)                                                                    \
    static void name##_##height##_##vectors(const cni_outer *o, const float *x, const float *dy, float *dw, int last,  \
                                            const char *ahead)                                                         \
    {                                                                                                                  \
        tile(o, x, dy, dw, 0, 0, height, vectors, whole, fetches, last, ahead);                                        \
    }
#define TILES_6(v, ...)                                                                                                \
    TILE(1, v, __VA_ARGS__)                                                                                            \
    TILE(2, v, __VA_ARGS__)                                                                                            \
    TILE(3, v, __VA_ARGS__) TILE(4, v, __VA_ARGS__) TILE(5, v, __VA_ARGS__) TILE(6, v, __VA_ARGS__)
#define TILES_12(v, ...)                                                                                               \
    TILES_6(v, __VA_ARGS__)                                                                                            \
    TILE(7, v, __VA_ARGS__)                                                                                            \
    TILE(8, v, __VA_ARGS__)                                                                                            \
    TILE(9, v, __VA_ARGS__) TILE(10, v, __VA_ARGS__) TILE(11, v, __VA_ARGS__) TILE(12, v, __VA_ARGS__)
#define ROW_6(v, name) name##_1_##v, name##_2_##v, name##_3_##v, name##_4_##v, name##_5_##v, name##_6_##v
#define ROW_12(v, name)                                                                                                \
    ROW_6(v, name), name##_7_##v, name##_8_##v, name##_9_##v, name##_10_##v, name##_11_##v, name##_12_##v
#if CNI_VECTOR_BYTES == 64
#define TILES(v, ...) TILES_12(v, __VA_ARGS__) TILE(13, v, __VA_ARGS__) TILE(14, v, __VA_ARGS__)
#define ROW(v, name)  ROW_12(v, name), name##_13_##v, name##_14_##v
#elif CNI_VECTOR_BYTES == 32
#define TILES(v, ...) TILES_6(v, __VA_ARGS__)
#define ROW(v, name)  ROW_6(v, name)
#else
#define TILES(v, ...) TILES_12(v, __VA_ARGS__)
#define ROW(v, name)  ROW_12(v, name)
#endif

TILES(2, true, false, whole)
TILES(2, false, false, part)
TILES(1, false, false, part)
TILES(2, true, true, whole_fetch)
TILES(2, false, true, part_fetch)
TILES(1, false, true, part_fetch)

/* By whether it fetches. */
static tile_function *const whole_tiles[2][MOST_ROWS] = {{ROW(2, whole)}, {ROW(2, whole_fetch)}};
static tile_function *const part_tiles[2][PANEL_VECTORS][MOST_ROWS] = {{{ROW(1, part)}, {ROW(2, part)}},
                                                                       {{ROW(1, part_fetch)}, {ROW(2, part_fetch)}}};

/* Short runs, which alone would leave most sums of a tile unused, together. */
typedef struct piece {
    int start, height;
    tile_function *whole[2], *part[2][PANEL_VECTORS]; /* by whether it fetches */
} piece;

#define RUN_TILE(run, start, height, v, whole, fetches, name)                                                          \
    static void run_##run##_##start##_##v##_##name(const cni_outer *o, const float *x, const float *dy, float *dw,     \
                                                   int last, const char *ahead)                                        \
    {                                                                                                                  \
        tile(o, x, dy, dw, run, start, height, v, whole, fetches, last, ahead);                                        \
    }
#define RUN_TILES(run, start, height)                                                                                  \
    RUN_TILE(run, start, height, 2, true, false, whole)                                                                \
    RUN_TILE(run, start, height, 2, false, false, part)                                                                \
    RUN_TILE(run, start, height, 1, false, false, part)                                                                \
    RUN_TILE(run, start, height, 2, true, true, whole_fetch)                                                           \
    RUN_TILE(run, start, height, 2, false, true, part_fetch)                                                           \
    RUN_TILE(run, start, height, 1, false, true, part_fetch)
#define PIECE(run, first, rows)                                                                                        \
    {                                                                                                                  \
        .start = first, .height = rows, .whole = {run_##run##_##first##_2_whole, run_##run##_##first##_2_whole_fetch}, \
        .part = {                                                                                                      \
            {run_##run##_##first##_1_part, run_##run##_##first##_2_part},                                              \
            {run_##run##_##first##_1_part_fetch, run_##run##_##first##_2_part_fetch}                                   \
        }                                                                                                              \
    }

#if CNI_VECTOR_BYTES == 32
RUN_TILES(3, 0, 5)
RUN_TILES(3, 5, 4)
static const piece threes[] = {PIECE(3, 0, 5), PIECE(3, 5, 4)};
#else
RUN_TILES(3, 0, 9)
static const piece threes[] = {PIECE(3, 0, 9)};
#endif
#if CNI_VECTOR_BYTES == 64
RUN_TILES(5, 0, 13)
RUN_TILES(5, 13, 12)
static const piece fives[] = {PIECE(5, 0, 13), PIECE(5, 13, 12)};
#endif

typedef struct run_plan {
    int run, height, count;
    const piece *pieces;
} run_plan;

static const run_plan run_plans[] = {
    {3, 9, sizeof threes / sizeof *threes, threes},
#if CNI_VECTOR_BYTES == 64
    {5, 25, sizeof fives / sizeof *fives, fives},
#endif
};

static const run_plan *plan_of(const cni_outer *o)
{
    for (size_t i = 0; i < sizeof run_plans / sizeof *run_plans; i++)
        if (run_plans[i].run == o->run && run_plans[i].height == o->height) return &run_plans[i];
    return NULL;
}

/* Where the lines for the next tile begin, of which there are so many for each pixel; NULL: there are none left.
 * Beyond the end of a place nothing is lost but time. */
static const char *next_lines(const cni_outer *o, size_t lines, size_t *done)
{
    size_t bytes = o->images * o->rows * o->columns * lines * LINE, at = *done;
    *done += bytes;
    for (int i = 0; i < 2; i++) {
        if (at < o->ahead_bytes[i]) return (const char *)o->ahead[i] + at;
        at -= (o->ahead_bytes[i] + bytes - 1) / bytes * bytes;
    }
    return NULL;
}

/* Rows of dw side by side in x. */
static void outer_run(const cni_outer *o, size_t *fetched)
{
    int count = (o->height + MOST_ROWS - 1) / MOST_ROWS;
    bool fetches = o->ahead_bytes[0] + o->ahead_bytes[1] > 0;
    for (int j = 0; j < o->width; j += PANEL) {
        int width = o->width - j < PANEL ? o->width - j : PANEL, vectors = (width + LANES - 1) / LANES;
        for (int t = 0, i = 0; t < count; t++) {
            int height = o->height / count + (t < o->height % count);
            const char *ahead = fetches ? next_lines(o, 1, fetched) : NULL;
            tile_function *const *by_height = width == PANEL ? whole_tiles[!!ahead] : part_tiles[!!ahead][vectors - 1];
            by_height[height - 1](o, (const float *)o->x + i, (const float *)o->dy + j,
                                  (float *)o->dw + i * o->dw_row + j, width - (vectors - 1) * LANES, ahead);
            i += height;
        }
    }
}

static void outer_runs(const cni_outer *o, const run_plan *plan)
{
    bool fetches = o->ahead_bytes[0] + o->ahead_bytes[1] > 0;
    size_t fetched = 0;
    for (int j = 0; j < o->width; j += PANEL) {
        int width = o->width - j < PANEL ? o->width - j : PANEL, vectors = (width + LANES - 1) / LANES;
        for (const piece *p = plan->pieces; p < plan->pieces + plan->count; p++) {
            const char *ahead = fetches ? next_lines(o, 2, &fetched) : NULL;
            tile_function *compute = width == PANEL ? p->whole[!!ahead] : p->part[!!ahead][vectors - 1];
            compute(o, (const float *)o->x + p->start / plan->run * o->x_line, (const float *)o->dy + j,
                    (float *)o->dw + p->start * o->dw_row + j, width - (vectors - 1) * LANES, ahead);
        }
    }
}

static void outer(const cni_outer *o)
{
    const run_plan *plan = o->run ? plan_of(o) : NULL;
    if (plan) {
        outer_runs(o, plan);
        return;
    }
    size_t fetched = 0;
    cni_outer one = *o;
    if (o->run) one.height = o->run;
    for (int i = 0; i < o->height; i += one.height) {
        outer_run(&one, &fetched);
        one.x = (const float *)one.x + o->x_line;
        one.dw = (float *)one.dw + one.height * o->dw_row;
    }
}

/* Four sums for each column, so that additions need not wait for each other: of every fourth row, whichever columns
 * there are beside it. */
enum { CHAINS = 4, MOST_SUM_VECTORS = CNI_VECTOR_BYTES == 32 ? 2 : 4 };

ALWAYS_INLINE lanes load_columns(const float *y, int last)
{
    return last < LANES ? load_some(y, last) : load(y);
}

ALWAYS_INLINE void sum_columns(const float *y, ptrdiff_t y_row, size_t rows, int vectors, int last, float *to,
                               bool accumulate)
{
    lanes sum[MOST_SUM_VECTORS][CHAINS];
    UNROLL for (int j = 0; j < vectors; j++) UNROLL for (int i = 0; i < CHAINS; i++) sum[j][i] = (lanes){0};
    size_t r = 0;
    for (; r + CHAINS <= rows; r += CHAINS, y += CHAINS * y_row)
        UNROLL for (int i = 0; i < CHAINS; i++) UNROLL for (int j = 0; j < vectors; j++) sum[j][i] +=
            load_columns(y + i * y_row + j * LANES, last);
    for (; r < rows; r++, y += y_row)
        UNROLL for (int j = 0; j < vectors; j++) sum[j][0] += load_columns(y + j * LANES, last);
    UNROLL for (int j = 0; j < vectors; j++)
        add_to(to + j * LANES, (sum[j][0] + sum[j][1]) + (sum[j][2] + sum[j][3]), last, accumulate);
}

static void column_sums(const void *y, ptrdiff_t y_row, size_t rows, int width, void *sum, bool accumulate)
{
    enum { MOST = MOST_SUM_VECTORS };
    const float *from = y;
    float *to = sum;
    int j = 0;
    for (; j + MOST * LANES <= width; j += MOST * LANES)
        sum_columns(from + j, y_row, rows, MOST, LANES, to + j, accumulate);
    for (; j + LANES <= width; j += LANES) sum_columns(from + j, y_row, rows, 1, LANES, to + j, accumulate);
    if (j < width) sum_columns(from + j, y_row, rows, 1, width - j, to + j, accumulate);
}

void CNI_FOR_ISA(cni_outer_part)(cni_matmul_kernels *kernels)
{
    kernels->outer = outer;
    kernels->column_sums = column_sums;
}
