/* SPDX-License-Identifier: Apache-2.0
 * Products with few columns: lanes go along k.  A tile of m pixels by all columns keeps m * width sums of LANES parts
 * in registers, which become one vector of results at its end:
 *
 *     for each tap, LANES of k:    width loads of w, m loads of x, m * width multiply-adds */
#include "kernels/finish_vector.h"
#include "kernels/matmul/matmul.h"
#include "kernels/vector_sums.h"

#if CNI_VECTOR_BYTES == 32
enum { SUMS = 8 };
#else
enum { SUMS = 16 };
#endif

typedef float results[SUMS];

/* With many pixels there is no register for each one's distance: every third has an address of its own. */
enum { APART = 3, FEW_ROWS = 8, BASES = (SUMS + APART - 1) / APART };

ALWAYS_INLINE int apart(int rows)
{
    return rows > FEW_ROWS ? APART : rows;
}

#define IN_ADDRESS(p) __asm__("" : "+r"(p))

ALWAYS_INLINE void step(lanes *sum, const float **base, ptrdiff_t pixel, const float *w, int rows, int width, int some)
{
    lanes column[CNI_NARROW];
    UNROLL for (int j = 0; j < width; j++) column[j] = *(const lanes *)(w + j * LANES);
    UNROLL for (int i = 0; i < rows; i++)
    {
        const float *x = base[i / apart(rows)] + i % apart(rows) * pixel;
        lanes value = some >= LANES ? load(x) : load_some(x, some);
        if (width > 1) IN_REGISTER(value);
        UNROLL for (int j = 0; j < width; j++) sum[i * width + j] = multiply_add(value, column[j], sum[i * width + j]);
    }
    UNROLL for (int i = 0; i < rows; i += apart(rows)) base[i / apart(rows)] += LANES;
}

/* What a row of tiles needs of the product, in registers. */
typedef struct sources {
    const ptrdiff_t *tap;
    int taps, depth;
    ptrdiff_t pixel;
    const float *w;
} sources;

ALWAYS_INLINE void sum_tile(const sources *s, const float *x, int rows, int width, float *to)
{
    lanes sum[SUMS];
    UNROLL for (int i = 0; i < SUMS; i++) sum[i] = (lanes){0};
    const float *w = s->w;
    for (int t = 0; t < s->taps; t++) {
        const float *base[BASES];
        UNROLL for (int i = 0; i < rows; i += apart(rows))
        {
            base[i / apart(rows)] = x + s->tap[t] + i * s->pixel;
            if (rows > FEW_ROWS) IN_ADDRESS(base[i / apart(rows)]);
        }
        int k = s->depth;
        for (; k >= LANES; k -= LANES, w += width * LANES) step(sum, base, s->pixel, w, rows, width, LANES);
        if (!k) continue;
        step(sum, base, s->pixel, w, rows, width, k);
        w += width * LANES;
    }
    UNROLL for (int i = 0; i < rows * width; i += LANES) store(to + i, sums_of_lanes(sum + i));
}

/* Without a finish, results side by side. */
ALWAYS_INLINE void put(const cni_product *p, bool plain, const float *from, float *y, int rows, int width)
{
    for (int i = 0; i < rows; i++, from += width, y += p->y_pixel) {
        if (plain) {
            UNROLL for (int j = 0; j < width; j++) y[j] = from[j];
            continue;
        }
        const lanes sum = load_some(from, width);
        store_some(y, vector_finish(&p->finish, sum, 0, y - (const float *)p->y, width), width);
    }
}

typedef void tile_function(const cni_product *p, bool plain, const float *x, float *y, size_t count);

#define TILE(rows, width)                                                                                              \
    static void tile_##rows##_##width(const cni_product *p, bool plain, const float *x, float *y, size_t count)        \
    {                                                                                                                  \
        const sources s = {p->tap, p->taps, p->depth, p->x_pixel, p->panels};                                          \
        const bool dense = plain && p->y_pixel == (width);                                                             \
        for (; count; count--, x += (rows)*p->x_pixel, y += (rows)*p->y_pixel) {                                       \
            results sum;                                                                                               \
            sum_tile(&s, x, rows, width, sum);                                                                         \
            if (dense)                                                                                                 \
                memcpy(y, sum, (rows) * (width) * sizeof *sum);                                                        \
            else                                                                                                       \
                put(p, plain, sum, y, rows, width);                                                                    \
        }                                                                                                              \
    }
#define TILES_2(width) TILE(1, width) TILE(2, width)
#define TILES_4(width) TILES_2(width) TILE(3, width) TILE(4, width)
#define TILES_8(width) TILES_4(width) TILE(5, width) TILE(6, width) TILE(7, width) TILE(8, width)
#define ROW_2(width)   tile_1_##width, tile_2_##width
#define ROW_4(width)   ROW_2(width), tile_3_##width, tile_4_##width
#define ROW_8(width)   ROW_4(width), tile_5_##width, tile_6_##width, tile_7_##width, tile_8_##width
#if CNI_VECTOR_BYTES == 32
TILES_8(1)
TILES_4(2)
TILES_2(3)
TILES_2(4)
/* [width - 1][rows - 1] */
static tile_function *const tiles[CNI_NARROW][SUMS] = {{ROW_8(1)}, {ROW_4(2)}, {ROW_2(3)}, {ROW_2(4)}};
#else
TILES_8(1)
TILE(9, 1)
TILE(10, 1)
TILE(11, 1)
TILE(12, 1)
TILE(13, 1)
TILE(14, 1)
TILE(15, 1) TILE(16, 1) TILES_8(2) TILES_4(3) TILE(5, 3)
    TILES_4(4) static tile_function *const tiles[CNI_NARROW][SUMS] = {
        {ROW_8(1), tile_9_1, tile_10_1, tile_11_1, tile_12_1, tile_13_1, tile_14_1, tile_15_1, tile_16_1},
        {ROW_8(2)},
        {ROW_4(3), tile_5_3},
        {ROW_4(4)}};
#endif

/* Tiles first ... first + count - 1 of all rows; a row has `larger` tiles of rows + 1 pixels, then some of rows. */
static void strip_of_tiles(const cni_product *p, bool plain, size_t rows, size_t larger, size_t first, size_t count)
{
    tile_function *const *by_rows = tiles[p->width - 1];
    const size_t pixels = first * rows + (first < larger ? first : larger);
    const size_t begin = first < larger ? larger - first : 0, wide = begin < count ? begin : count;
    const ptrdiff_t next = (ptrdiff_t)(wide * (rows + 1));
    for (size_t r = 0; r < p->rows; r++) {
        const float *x = (const float *)p->x + (ptrdiff_t)r * p->x_row + (ptrdiff_t)pixels * p->x_pixel;
        float *y = (float *)p->y + (ptrdiff_t)r * p->y_row + (ptrdiff_t)pixels * p->y_pixel;
        if (wide) by_rows[rows](p, plain, x, y, wide);
        if (wide < count) by_rows[rows - 1](p, plain, x + next * p->x_pixel, y + next * p->y_pixel, count - wide);
    }
}

/* What a strip of tiles reads of x for one row of results should stay in the nearest cache for the row after it. */
enum { STRIP_FLOATS = 6144 };

/* Rows are cut into tiles of nearly equal size. */
static void narrow(const cni_product *p)
{
    const cni_finish *f = &p->finish;
    const bool plain = !f->scale && !f->shift && !f->add && !f->mask && !f->clamps;
    const size_t most = (size_t)(SUMS / p->width), count = (p->columns + most - 1) / most;
    if (!count) return;
    const size_t rows = p->columns / count, larger = p->columns % count;
    const size_t tile = most * (size_t)p->x_pixel * (size_t)(p->taps + 1);
    const size_t strip = p->rows == 1 ? count : tile < STRIP_FLOATS ? STRIP_FLOATS / tile : 1;
    for (size_t first = 0; first < count; first += strip)
        strip_of_tiles(p, plain, rows, larger, first, count - first < strip ? count - first : strip);
}

void CNI_FOR_ISA(cni_narrow_part)(cni_matmul_kernels *kernels)
{
    kernels->narrow_lanes = LANES;
    kernels->narrow = narrow;
}
