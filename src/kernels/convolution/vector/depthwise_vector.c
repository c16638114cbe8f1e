/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution with vectors over channels.  A tile is some neighbouring outputs of a row by one vector of
 * channels; the channels are looped over inside the tile, because down one channel the cells are far apart.
 *
 * Where a row of the window reads neighbouring cells and the next output begins one cell later, a cell is loaded once
 * and used for all outputs of the tile that see it:
 *
 *     cells    0 1 2 3 4 5       for each row of the window: PIXELS + S - 1 loads of x, S of w, PIXELS * S
 * multiply-adds output 0 ^ ^ ^             (instead of PIXELS * S loads of x) output 1   ^ ^ ^ output 3       ^ ^ ^ S =
 * 3, PIXELS = 4 */
#include "kernels/convolution/convolution.h"
#include "kernels/vector.h"

#if CNI_VECTOR_BYTES == 32
enum { MOST_TAPS = 12 };
#else
enum { MOST_TAPS = 14 };
#endif

enum { PIXELS = 8, FEW_PIXELS = 4 };

ALWAYS_INLINE lanes take(const float *p, int some)
{
    return some < LANES ? load_some(p, some) : load(p);
}

ALWAYS_INLINE void put(float *p, lanes v, int some)
{
    if (some < LANES)
        store_some(p, v, some);
    else
        store(p, v);
}

ALWAYS_INLINE void finish(const cni_depthwise *d, const lanes *sum, float *y, int pixels, int some)
{
    UNROLL for (int i = 0; i < pixels; i++) put(y + i * d->y_pixel, d->relu ? vector_relu(sum[i]) : sum[i], some);
}

ALWAYS_INLINE void begin(const cni_depthwise *d, lanes *sum, int channel, int pixels, int some)
{
    lanes bias = d->bias ? take((const float *)d->bias + channel, some) : (lanes){0};
    UNROLL for (int i = 0; i < pixels; i++) sum[i] = bias;
}

/* Any taps. */
ALWAYS_INLINE void tile(const cni_depthwise *d, const float *x, float *y, int channel, int pixels, int some)
{
    lanes sum[PIXELS];
    begin(d, sum, channel, pixels, some);
    const float *w = (const float *)d->w + channel;
    for (int t = 0; t < d->taps; t++) {
        const float *at = x + d->tap[t] + channel;
        lanes weight = take(w + d->weight[t], some);
        UNROLL for (int i = 0; i < pixels; i++) sum[i] += take(at + i * d->x_pixel, some) * weight;
    }
    finish(d, sum, y + channel, pixels, some);
}

/* Rows of `columns` neighbouring taps. */
ALWAYS_INLINE void dense_tile(const cni_depthwise *d, const float *x, float *y, int channel, int pixels, int columns,
                              int some)
{
    lanes sum[PIXELS];
    begin(d, sum, channel, pixels, some);
    const float *w = (const float *)d->w + channel;
    for (int t = 0; t < d->taps; t += columns) {
        const float *at = x + d->tap[t] + channel;
        lanes weights[7];
        UNROLL for (int s = 0; s < columns; s++) weights[s] = take(w + d->weight[t + s], some);
        UNROLL for (int q = 0; q < pixels + columns - 1; q++, at += d->x_pixel)
        {
            lanes cell = take(at, some);
            IN_REGISTER(cell); /* 1.4 times as fast with three columns */
            UNROLL for (int s = 0; s < columns; s++) if (q - s >= 0 && q - s < pixels) sum[q - s] += cell * weights[s];
        }
    }
    finish(d, sum, y + channel, pixels, some);
}

typedef void tile_function(const cni_depthwise *d, const float *x, float *y);

/* All channels of a tile. */
#define TILE(name, call)                                                                                               \
    static void name(const cni_depthwise *d, const float *x, float *y)                                                 \
    {                                                                                                                  \
        int k = 0, some = LANES;                                                                                       \
        for (; k + LANES <= d->width; k += LANES) call;                                                                \
        some = d->width - k;                                                                                           \
        if (some > 0) call;                                                                                            \
    }
#define TILES(name, of)                                                                                                \
    TILE(name##_8, of(PIXELS))                                                                                         \
    TILE(name##_4, of(FEW_PIXELS))                                                                                     \
    TILE(name##_1, of(1))                                                                                              \
    static tile_function *const name[3] = {name##_8, name##_4, name##_1};
#define ANY(pixels)   tile(d, x, y, k, pixels, some)
#define THREE(pixels) dense_tile(d, x, y, k, pixels, 3, some)
#define FIVE(pixels)  dense_tile(d, x, y, k, pixels, 5, some)
#define SEVEN(pixels) dense_tile(d, x, y, k, pixels, 7, some)
TILES(any, ANY)
TILES(three, THREE)
TILES(five, FIVE)
TILES(seven, SEVEN)

/* A square window that moves by one cell each way: a block of outputs, so that a cell also serves several rows. */
#if CNI_VECTOR_BYTES == 32
enum { ROWS_3 = 2, COLUMNS_3 = 4, ROWS_5 = 2, COLUMNS_5 = 4 };
#else
enum { ROWS_3 = 4, COLUMNS_3 = 4, ROWS_5 = 2, COLUMNS_5 = 8 };
#endif

ALWAYS_INLINE void block(const cni_depthwise *d, const float *x, float *y, int channel, int rows, int pixels, int size,
                         int some)
{
    lanes sum[4][8];
    UNROLL for (int i = 0; i < rows; i++) begin(d, sum[i], channel, pixels, some);
    const float *w = (const float *)d->w + channel, *row = x + d->tap[0] + channel;
    UNROLL for (int p = 0; p < rows + size - 1; p++, row += d->x_row)
    {
        const float *at = row;
        UNROLL for (int q = 0; q < pixels + size - 1; q++, at += d->x_pixel)
        {
            lanes cell = take(at, some);
            IN_REGISTER(cell);
            UNROLL for (int i = 0; i < rows; i++)
                UNROLL for (int s = 0; s < size; s++) if (p - i >= 0 && p - i < size && q - s >= 0 && q - s < pixels)
                    sum[i][q - s] += cell * take(w + d->weight[(p - i) * size + s], some);
        }
    }
    UNROLL for (int i = 0; i < rows; i++) finish(d, sum[i], y + i * d->y_row + channel, pixels, some);
}

TILE(block_3, block(d, x, y, k, ROWS_3, COLUMNS_3, 3, some))
TILE(block_5, block(d, x, y, k, ROWS_5, COLUMNS_5, 5, some))
TILE(block_7, block(d, x, y, k, ROWS_5, COLUMNS_5, 7, some))

static const struct blocks {
    tile_function *compute;
    size_t rows, columns;
} blocks[8] = {
    [3] = {block_3, ROWS_3, COLUMNS_3}, [5] = {block_5, ROWS_5, COLUMNS_5}, [7] = {block_7, ROWS_5, COLUMNS_5}};

/* The last block of a row or column begins earlier where it would stick out: some outputs are computed twice. */
static void all_blocks(const cni_depthwise *d, const struct blocks *of)
{
    for (size_t r = 0; r < d->rows; r += of->rows) {
        size_t row = r + of->rows <= d->rows ? r : d->rows - of->rows;
        for (size_t p = 0; p < d->columns; p += of->columns) {
            size_t column = p + of->columns <= d->columns ? p : d->columns - of->columns;
            of->compute(d, (const float *)d->x + (ptrdiff_t)row * d->x_row + (ptrdiff_t)column * d->x_pixel,
                        (float *)d->y + (ptrdiff_t)row * d->y_row + (ptrdiff_t)column * d->y_pixel);
        }
    }
}

static bool moves_by_one(const cni_depthwise *d, int columns)
{
    if (columns >= 8 || !blocks[columns].compute || d->taps != columns * columns) return false;
    for (int t = columns; t < d->taps; t++)
        if (d->tap[t] != d->tap[t - columns] + d->x_row) return false;
    return d->rows >= blocks[columns].rows && d->columns >= blocks[columns].columns;
}

/* How many taps lie in a row, cell after cell, in all rows of the window; 1 when they do not. */
static int dense_columns(const cni_depthwise *d)
{
    int columns = 1;
    while (columns < d->taps && d->tap[columns] == d->tap[columns - 1] + d->x_pixel) columns++;
    if (d->taps % columns) return 1;
    for (int t = 0; t < d->taps; t++)
        if (t % columns && d->tap[t] != d->tap[t - 1] + d->x_pixel) return 1;
    return columns;
}

/* Tiles of one size; the last one begins earlier where it would stick out: some outputs are computed twice. */
static void row_of_tiles(const cni_depthwise *d, tile_function *const *tiles, const float *x, float *y)
{
    static const size_t sizes[] = {PIXELS, FEW_PIXELS, 1};
    int which = d->columns >= PIXELS ? 0 : d->columns >= FEW_PIXELS ? 1 : 2;
    for (size_t p = 0; p < d->columns; p += sizes[which]) {
        size_t at = p + sizes[which] <= d->columns ? p : d->columns - sizes[which];
        tiles[which](d, x + (ptrdiff_t)at * d->x_pixel, y + (ptrdiff_t)at * d->y_pixel);
    }
}

static void depthwise(const cni_depthwise *d)
{
    static tile_function *const *const dense[8] = {[3] = three, [5] = five, [7] = seven};
    int columns = d->taps ? dense_columns(d) : 1;
    if (moves_by_one(d, columns)) {
        all_blocks(d, &blocks[columns]);
        return;
    }
    tile_function *const *tiles = columns < 8 && dense[columns] ? dense[columns] : any;
    for (size_t r = 0; r < d->rows; r++)
        row_of_tiles(d, tiles, (const float *)d->x + (ptrdiff_t)r * d->x_row, (float *)d->y + (ptrdiff_t)r * d->y_row);
}

/* The gradient for the weights: `taps` sums in registers while the pixels go by. */
ALWAYS_INLINE void weigh(const cni_depthwise_weights *d, int tap, int taps, int channel, int some)
{
    lanes sum[MOST_TAPS];
    UNROLL for (int t = 0; t < taps; t++) sum[t] = (lanes){0};
    const ptrdiff_t *at = d->tap + tap;
    for (size_t r = 0; r < d->rows; r++) {
        const float *x = (const float *)d->x + (ptrdiff_t)r * d->x_row + channel;
        const float *dy = (const float *)d->dy + (ptrdiff_t)r * d->dy_row + channel;
        for (size_t p = 0; p < d->columns; p++, x += d->x_pixel, dy += d->dy_pixel) {
            lanes given = take(dy, some);
            UNROLL for (int t = 0; t < taps; t++) sum[t] += take(x + at[t], some) * given;
        }
    }
    UNROLL for (int t = 0; t < taps; t++)
    {
        float *to = (float *)d->dw + d->weight[tap + t] + channel;
        put(to, take(to, some) + sum[t], some);
    }
}

typedef void weigh_function(const cni_depthwise_weights *d, int tap, int channel);

#define WEIGH(taps)                                                                                                    \
    static void weigh_##taps(const cni_depthwise_weights *d, int tap, int channel)                                     \
    {                                                                                                                  \
        if (d->width - channel >= LANES)                                                                               \
            weigh(d, tap, taps, channel, LANES);                                                                       \
        else                                                                                                           \
            weigh(d, tap, taps, channel, d->width - channel);                                                          \
    }
WEIGH(1)
WEIGH(2)
WEIGH(3)
WEIGH(4)
WEIGH(5)
WEIGH(6)
WEIGH(7) WEIGH(8) WEIGH(9) WEIGH(10) WEIGH(11) WEIGH(12)
#if CNI_VECTOR_BYTES != 32
    WEIGH(13) WEIGH(14)
#endif

        static void depthwise_weights(const cni_depthwise_weights *d)
{
    static weigh_function *const by_taps[MOST_TAPS] = {
        weigh_1,
        weigh_2,
        weigh_3,
        weigh_4,
        weigh_5,
        weigh_6,
        weigh_7,
        weigh_8,
        weigh_9,
        weigh_10,
        weigh_11,
        weigh_12,
#if CNI_VECTOR_BYTES != 32
        weigh_13,
        weigh_14
#endif
    };
    int count = (d->taps + MOST_TAPS - 1) / MOST_TAPS;
    for (int channel = 0; channel < d->width; channel += LANES)
        for (int i = 0, tap = 0; i < count; i++) {
            int taps = d->taps / count + (i < d->taps % count);
            by_taps[taps - 1](d, tap, channel);
            tap += taps;
        }
}

void CNI_FOR_ISA(cni_depthwise_part)(cni_convolution_kernels *kernels)
{
    kernels->depthwise = depthwise;
    kernels->depthwise_weights = depthwise_weights;
}
