/* SPDX-License-Identifier: Apache-2.0
 * Products of matrices where they lie: nothing is packed.
 *
 *                       w    one stretch of columns after the other: a panel of DEPTH x PANEL stays in the first cache
 *                  +--------+---+      while tiles of ROWS rows of x go by it; meanwhile each tile asks for lines of
 * the DEPTH | panel  |.. |      panel that comes next
 *                  +--------+---+
 *            +-----+                   Sums stay in registers over DEPTH, then in y; they run in the order of k.
 *       ROWS | x   |  y
 *            +-----+ */
#include "kernels/matmul/matmul.h"
#include "kernels/vector.h"

#include <stdbool.h>

#if CNI_VECTOR_BYTES == 32
enum { ROWS = 6, VECTORS = 2 };
#else
enum { ROWS = 6, VECTORS = 4 };
#endif

enum {
    ASKS = 2, /* lines of memory that a tile asks for at each k */
    DEPTH = 128,
    COPY_ROWS = 64,
    PANEL = VECTORS * LANES,
    LINE = 64 / sizeof(float),
    LINES = (PANEL + LINE - 1) / LINE
};

/* What is the same for all tiles of a panel. */
typedef struct sheet {
    const float *w;
    ptrdiff_t w_row, x_row, x_step, y_row;
    int depth;
    const float *bias;       /* of the panel, or NULL */
    bool starts, relu;       /* the first stretch of depth; the last one, and relu is wanted */
    const float *next[ASKS]; /* what a tile asks for, at each k, and how far apart that is */
    ptrdiff_t next_step;
} sheet;

ALWAYS_INLINE lanes load_part(const float *from, int some)
{
    return some < LANES ? load_some(from, some) : load(from);
}

ALWAYS_INLINE void store_part(float *to, lanes v, int some)
{
    if (some < LANES)
        store_some(to, v, some);
    else
        store(to, v);
}

/* `last` lanes of the last vector exist. */
ALWAYS_INLINE void tile(const sheet *s, const float *x, float *y, int rows, int vectors, int last)
{
    lanes sum[ROWS][VECTORS];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++)
    {
        const int some = j + 1 < vectors ? LANES : last;
        sum[i][j] = !s->starts ? load_part(y + i * s->y_row + j * LANES, some)
                    : s->bias  ? load_part(s->bias + j * LANES, some)
                               : (lanes){0};
    }
    const ptrdiff_t x_row = s->x_row, x_step = s->x_step, w_row = s->w_row, next_step = s->next_step;
    const float *w = s->w, *next = s->next[0], *other = s->next[1];
    for (int k = 0; k < s->depth; k++, w += w_row, x += x_step, next += next_step, other += next_step) {
        lanes columns[VECTORS];
        __builtin_prefetch(next, 0, 2);
        __builtin_prefetch(other, 0, 2);
        UNROLL for (int j = 0; j < vectors; j++) columns[j] = load_part(w + j * LANES, j + 1 < vectors ? LANES : last);
        UNROLL for (int i = 0; i < rows; i++)
        {
            lanes value = splat(x[i * x_row]);
            UNROLL for (int j = 0; j < vectors; j++) sum[i][j] += value * columns[j];
        }
    }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++)
    {
        if (s->relu) sum[i][j] = vector_relu(sum[i][j]);
        store_part(y + i * s->y_row + j * LANES, sum[i][j], j + 1 < vectors ? LANES : last);
    }
}

/* Rows whose distance is a multiple of 1 KiB fall into few sets of the first cache: a panel that is used often is then
 * copied. */
static void copy_panel(sheet *s, int width, float *to)
{
    for (int k = 0; k < s->depth; k++) {
        const float *w = s->w + k * s->w_row;
        for (int j = 0; j < PANEL; j += LANES)
            *(lanes *)(to + k * PANEL + j) = j < width ? load_part(w + j, width - j) : (lanes){0};
    }
    s->w = to;
    s->w_row = PANEL;
}

typedef void tile_function(const sheet *s, const float *x, float *y, int last);

#define TILE(rows, vectors)                                                                                            \
    static void tile_##rows##_##vectors(const sheet *s, const float *x, float *y, int last)                            \
    {                                                                                                                  \
        tile(s, x, y, rows, vectors, last);                                                                            \
    }
#define TILES(vectors)                                                                                                 \
    TILE(1, vectors) TILE(2, vectors) TILE(3, vectors) TILE(4, vectors) TILE(5, vectors) TILE(6, vectors)
#define ROW(v) tile_1_##v, tile_2_##v, tile_3_##v, tile_4_##v, tile_5_##v, tile_6_##v
#define WHOLE(rows)                                                                                                    \
    static void whole_##rows(const sheet *s, const float *x, float *y, int last)                                       \
    {                                                                                                                  \
        (void)last;                                                                                                    \
        tile(s, x, y, rows, VECTORS, LANES);                                                                           \
    }

TILES(1)
TILES(2)
#if CNI_VECTOR_BYTES != 32
TILES(3)
TILES(4)
#endif
WHOLE(1)
WHOLE(2)
WHOLE(3)
WHOLE(4)
WHOLE(5)
WHOLE(6)

static tile_function *const part_tiles[VECTORS][ROWS] = {
    {ROW(1)},
    {ROW(2)},
#if CNI_VECTOR_BYTES != 32
    {ROW(3)},
    {ROW(4)},
#endif
};
static tile_function *const whole_tiles[ROWS] = {whole_1, whole_2, whole_3, whole_4, whole_5, whole_6};

/* The panel that follows: a tile asks for some lines of each of its rows. */
static void ask_for_panel(sheet *s, const float *panel, ptrdiff_t w_row, int tile)
{
    for (int i = 0; i < ASKS; i++) s->next[i] = panel + (tile * ASKS + i) % LINES * LINE;
    s->next_step = w_row;
}

/* What the caller will want: arrays in turn, a line at each k, as long as they last. */
typedef struct asking {
    size_t turn, at;
} asking;

static void ask_for_arrays(sheet *s, const cni_unpacked *u, asking *a)
{
    for (int i = 0; i < ASKS; i++) {
        s->next[i] = a->at < u->soon_count ? (const float *)u->soon[a->turn] + a->at : s->w;
        a->turn = (a->turn + 1) % (size_t)u->soon_arrays;
        if (a->turn == 0) a->at += (size_t)s->depth * LINE;
    }
    s->next_step = LINE;
}

/* All rows by one panel, in tiles of nearly equal size. */
static void run_panel(const cni_unpacked *u, sheet *s, asking *a, const float *next, const float *x, float *y,
                      int width)
{
    const int vectors = (width + LANES - 1) / LANES, count = (u->rows + ROWS - 1) / ROWS;
    tile_function *const *by_rows = width == PANEL ? whole_tiles : part_tiles[vectors - 1];
    for (int i = 0; i < count; i++) {
        const int rows = u->rows / count + (i < u->rows % count);
        if (u->soon_arrays)
            ask_for_arrays(s, u, a);
        else
            ask_for_panel(s, next, u->w_row, i);
        by_rows[rows - 1](s, x, y, width - (vectors - 1) * LANES);
        x += rows * u->x_row;
        y += rows * u->y_row;
    }
}

static void unpacked(const cni_unpacked *u)
{
    float copy[DEPTH * PANEL] __attribute__((aligned(64)));
    const bool copies = u->rows >= COPY_ROWS && u->w_row % 256 == 0;
    sheet s = {.x_row = u->x_row, .x_step = u->x_step, .y_row = u->y_row};
    asking a = {0};
    for (int k = 0; k < u->depth; k += s.depth) {
        const float *x = (const float *)u->x + k * u->x_step, *w = (const float *)u->w + k * u->w_row;
        s.depth = u->depth - k < DEPTH ? u->depth - k : DEPTH;
        s.starts = k == 0 && !u->accumulate;
        s.relu = u->relu && k + s.depth == u->depth;
        for (int j = 0; j < u->width; j += PANEL) {
            const int width = u->width - j < PANEL ? u->width - j : PANEL;
            s.w = w + j;
            s.w_row = u->w_row;
            s.bias = u->bias ? (const float *)u->bias + j : NULL;
            if (copies) copy_panel(&s, width, copy);
            run_panel(u, &s, &a, j + PANEL < u->width ? w + j + PANEL : w + s.depth * u->w_row, x, (float *)u->y + j,
                      width);
        }
    }
}

void CNI_FOR_ISA(cni_unpacked_part)(cni_matmul_kernels *kernels)
{
    kernels->unpacked = unpacked;
}
