/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution with vectors over channels.
 *
 * Sliding: a strip of some rows of outputs goes from left to right, one vector of channels at a time.  A cell is loaded
 * once, for all outputs of the strip that see it; the sums of the outputs that a column of cells belongs to are in
 * registers, and when a column of cells has been added, its oldest outputs are complete:
 *
 *          cells                      sums [slot][row], 3 x 3 taps:
 *          o o o|o|                   slot 2   slot 1   slot 0
 *          o o o|o|   two rows        column   column   column
 *          o o o|o|   of outputs      j - 2    j - 1    j        += this column of cells * column 2, 1, 0 of the window
 *          o o o|o|
 *           column of cells
 *
 * Where pixels crowd few sets of the first cache, strips take several vectors at once, so that what is read and written
 * of a pixel are neighbouring lines.
 *
 * Columns outside the image are left out; rows outside are, or are zeros that are never loaded.  The order of a sum is
 * that of the columns, and in a column that of the rows, whatever the number of rows of a strip.
 *
 * Windows of more columns, or rows, have a way of their own (depthwise_rows_vector.c).
 *
 * What has neither is computed in tiles of some outputs of one row, in the order of the rows.
 *
 * A dilated window with stride 1 sees only every dilation-th cell, and so do its neighbours that far away: the image
 * falls into dilation^2 images, each with a window that is not dilated. */
#include "kernels/convolution/depthwise_parts.h"

enum { MOST_ROWS = 7 };

#if CNI_VECTOR_BYTES == 32
enum { WEIGHTS_IN_REGISTERS = 4 };
#else
enum { WEIGHTS_IN_REGISTERS = 9 };
#endif

/* Outputs first ... last - 1 of some rows; `inside` has bit p when row p of the cells that they see is in the image. */
typedef struct strip {
    int row, first, last;
    unsigned inside;
    bool simple; /* two outputs or more, and nothing outside but perhaps the first and last column and row of cells */
} strip;

/* One column of cells; slots from ... to - 1 are those of outputs of the strip. */
#define IN_STRIP(slot) (!edge || ((slot) >= from && (slot) < to))

ALWAYS_INLINE void add_by_cells(lanes sum[][MOST_ROWS], const lanes *w, const float *x, ptrdiff_t x_row,
                                unsigned inside, int column, int taps_down, int taps_across, int stride, int rows,
                                int from, int to, bool edge, bool simple, int some)
{
    const int slots = (taps_across - column + stride - 1) / stride, cells = (rows - 1) * stride + taps_down;
    UNROLL for (int p = 0; p < cells; p++)
    {
        if (!(simple && p > 0 && p < cells - 1) && !(inside & 1u << p)) continue;
        lanes cell = take(x + p * x_row, some);
        IN_REGISTER(cell);
        UNROLL for (int m = 0; m < slots; m++)
        {
            if (!IN_STRIP(m)) continue;
            UNROLL for (int i = 0; i < rows; i++) if (p >= i * stride && p - i * stride < taps_down) sum[m][i] =
                multiply_add(cell, w[(p - i * stride) * taps_across + m * stride + column], sum[m][i]);
        }
    }
}

ALWAYS_INLINE void add_by_weights(lanes sum[][MOST_ROWS], const lanes *w, const float *x, ptrdiff_t x_row,
                                  unsigned inside, int column, int taps_down, int taps_across, int stride, int rows,
                                  int from, int to, bool edge, bool simple, int some)
{
    (void)simple;
    lanes cell[2 * MOST_ROWS + 7];
    const int slots = (taps_across - column + stride - 1) / stride;
    UNROLL for (int p = 0; p < (rows - 1) * stride + taps_down; p++)
    {
        cell[p] = inside & 1u << p ? take(x + p * x_row, some) : (lanes){0};
        IN_REGISTER(cell[p]);
    }
    if (edge) {
        UNROLL for (int m = 0; m < slots; m++)
        {
            if (!IN_STRIP(m)) continue;
            UNROLL for (int r = 0; r < taps_down; r++) UNROLL for (int i = 0; i < rows; i++) sum[m][i] =
                multiply_add(cell[i * stride + r], w[r * taps_across + m * stride + column], sum[m][i]);
        }
        return;
    }
    UNROLL for (int r = 0; r < taps_down; r++) UNROLL for (int m = 0; m < slots; m++)
    {
        const lanes weight = w[r * taps_across + m * stride + column];
        UNROLL for (int i = 0; i < rows; i++) sum[m][i] = multiply_add(cell[i * stride + r], weight, sum[m][i]);
    }
}

/* A column of cells, or nothing when it is not in the image. */
#define ADD_COLUMN(inside, from, to, edge)                                                                             \
    (by_cells ? add_by_cells : add_by_weights)(sum, window, x + u * x_pixel, d->rows.x, inside, u, taps_down,          \
                                               taps_across, stride, rows, from, to, edge, false, some)

ALWAYS_INLINE void slide(const cni_depthwise *whole, const strip *p, int channel, int taps_down, int taps_across,
                         int stride, int rows, ending how, int some)
{
    const cni_depthwise local = *whole, *d = &local; /* which no store can change */
    const bool by_cells = taps_down * taps_across <= WEIGHTS_IN_REGISTERS;
    const int slots = (taps_across + stride - 1) / stride, position = d->columns.position, cells = d->columns.cells;
    const ptrdiff_t x_pixel = d->columns.x;
    lanes w[MOST_TAPS], sum[7][MOST_ROWS];
    load_window(d, w, channel, taps_down, taps_across, some);
    const lanes *window = w;
    if (!by_cells) __asm__("" : "+r"(window)::"memory"); /* what has no room in registers is to stay in memory */
    const lanes shift = d->finish.shift ? load_at(d->finish.shift, channel, some) : (lanes){0};
    UNROLL for (int m = 0; m < slots; m++) UNROLL for (int i = 0; i < rows; i++) sum[m][i] = shift;
    const float *x = (const float *)d->x + channel + ((ptrdiff_t)p->row * stride + d->rows.position) * d->rows.x +
                     ((ptrdiff_t)p->first * stride + position) * x_pixel;
    ptrdiff_t at = p->row * d->rows.y + (p->first - slots + 1) * d->columns.y + channel;
    for (int t = p->first; t < p->last + slots - 1; t++) {
        const int from = t - p->last + 1, to = t - p->first + 1, first_cell = t * stride + position;
        bool edge = from > 0 || to < slots || first_cell < 0 || first_cell + stride > cells;
        if (!edge) {
            UNROLL for (int u = 0; u < stride; u++) ADD_COLUMN(p->inside, 0, slots, false);
        } else {
            UNROLL for (int u = 0; u < stride; u++) if (first_cell + u >= 0 && first_cell + u < cells)
                ADD_COLUMN(p->inside, from, to, true);
        }
        if (to >= slots) UNROLL for (int i = 0; i < rows; i++) end(d, sum[slots - 1][i], at + i * d->rows.y, how, some);
        UNROLL for (int m = slots - 1; m > 0; m--) UNROLL for (int i = 0; i < rows; i++) sum[m][i] = sum[m - 1][i];
        UNROLL for (int i = 0; i < rows; i++) sum[0][i] = shift;
        x += stride * x_pixel;
        at += d->columns.y;
    }
}

/* The same for three columns of taps and stride 1, where all columns of cells are inside but for the first and the
 * last: the usual window, without what the general loop decides at each step. */
ALWAYS_INLINE void slide_three(const cni_depthwise *whole, const strip *p, int channel, int rows, ending how, int some)
{
    const cni_depthwise local = *whole, *d = &local; /* which no store can change */
    const ptrdiff_t x_row = d->rows.x, x_pixel = d->columns.x, y_row = d->rows.y, y_pixel = d->columns.y;
    const int position = p->first + d->columns.position, last_cell = p->last + d->columns.position + 1;
    const unsigned inside = p->inside;
    lanes w[9], sum[3][MOST_ROWS];
    load_window(d, w, channel, 3, 3, some);
    const lanes shift = d->finish.shift ? load_at(d->finish.shift, channel, some) : (lanes){0};
    const float *x = (const float *)d->x + channel + (p->row + d->rows.position) * x_row + position * x_pixel;
    ptrdiff_t at = p->row * y_row + p->first * y_pixel + channel;
#define BEGIN(slot)   UNROLL for (int i = 0; i < rows; i++) sum[slot][i] = shift
#define SHIFT(slot)   UNROLL for (int i = 0; i < rows; i++) sum[slot][i] = sum[slot - 1][i]
#define ADD(from, to) add_by_cells(sum, w, x, x_row, inside, 0, 3, 3, 1, rows, from, to, true, true, some), x += x_pixel
#define END           UNROLL for (int i = 0; i < rows; i++) end(d, sum[2][i], at + i * y_row, how, some)
    BEGIN(0);
    if (position >= 0)
        ADD(0, 1);
    else
        x += x_pixel;
    SHIFT(1);
    BEGIN(0);
    ADD(0, 2);
    for (int t = p->last - p->first; t > 2; t--) {
        SHIFT(2);
        SHIFT(1);
        BEGIN(0);
        ADD(0, 3);
        END;
        at += y_pixel;
    }
    SHIFT(2);
    SHIFT(1);
    ADD(1, 3);
    END;
    at += y_pixel;
    SHIFT(2);
    if (last_cell < d->columns.cells) ADD(2, 3);
    END;
#undef BEGIN
#undef SHIFT
#undef ADD
#undef END
}

/* The same for stride 2: an output begins with two columns of cells, and the first of the next two completes it. */
ALWAYS_INLINE void slide_by_two(const cni_depthwise *whole, const strip *p, int channel, int rows, ending how, int some)
{
    const cni_depthwise local = *whole, *d = &local;
    const ptrdiff_t x_row = d->rows.x, x_pixel = d->columns.x, y_row = d->rows.y, y_pixel = d->columns.y;
    const int position = 2 * p->first + d->columns.position, last_cell = 2 * p->last + d->columns.position;
    const unsigned inside = p->inside;
    lanes w[9], sum[2][MOST_ROWS];
    load_window(d, w, channel, 3, 3, some);
    const lanes shift = d->finish.shift ? load_at(d->finish.shift, channel, some) : (lanes){0};
    const float *x = (const float *)d->x + channel + (2 * p->row + d->rows.position) * x_row + position * x_pixel;
    ptrdiff_t at = p->row * y_row + p->first * y_pixel + channel;
#define BEGIN UNROLL for (int i = 0; i < rows; i++) sum[1][i] = sum[0][i], sum[0][i] = shift
#define ADD(column, from, to)                                                                                          \
    add_by_cells(sum, w, x, x_row, inside, column, 3, 3, 2, rows, from, to, true, true, some), x += x_pixel
#define END UNROLL for (int i = 0; i < rows; i++) end(d, sum[1][i], at + i * y_row, how, some)
    UNROLL for (int i = 0; i < rows; i++) sum[0][i] = shift;
    if (position >= 0)
        ADD(0, 0, 1);
    else
        x += x_pixel;
    ADD(1, 0, 1);
    for (int t = p->last - p->first; t > 1; t--) {
        BEGIN;
        ADD(0, 0, 2);
        END;
        at += y_pixel;
        ADD(1, 0, 1);
    }
    BEGIN;
    if (last_cell < d->columns.cells) ADD(0, 1, 2);
    END;
#undef BEGIN
#undef ADD
#undef END
}

#if CNI_VECTOR_BYTES == 64

/* Wide strips: windows of 3 x 3 and several vectors of channels.  Pixels that are a multiple of 2 KiB apart lie in two
 * sets of the first cache, or in one; a set takes in one line after the other, and one that was written has to leave
 * first.  Of neighbouring lines, which are in sets of their own, one does not wait for the other.
 *
 * Sums fill the registers: weights come from memory, each for all rows.  The compiler is held to this order. */

enum { WIDE_ROWS = 4, WIDE_VECTORS = 4 };

typedef lanes wide_sums[3][WIDE_ROWS][WIDE_VECTORS];

/* A column of cells, and what it completes.  w: the window, a tap's vectors side by side, then the first summand. */
ALWAYS_INLINE void wide_column(const cni_depthwise *d, wide_sums sum, const lanes *w, const float *x, unsigned inside,
                               ptrdiff_t at, int rows, int vectors, int from, int to, ending how)
{
    UNROLL for (int v = 0; v < vectors; v++)
    {
        lanes cell[WIDE_ROWS + 2];
        UNROLL for (int p = 0; p < rows + 2; p++)
        {
            cell[p] = inside & 1u << p ? load(x + p * d->rows.x + v * LANES) : (lanes){0};
            IN_REGISTER(cell[p]);
        }
        if (from == 0) UNROLL for (int i = 0; i < rows; i++) sum[0][i][v] = w[9 * vectors + v];
        UNROLL for (int t = 0; t < 9; t++)
        {
            const int m = t % 3;
            if (m < from || m >= to) continue;
            __asm__ volatile("" : "+r"(w));
            lanes weight = w[t * vectors + v];
            IN_REGISTER(weight);
            UNROLL for (int i = 0; i < rows; i++)
            {
                sum[m][i][v] = multiply_add(cell[i + t / 3], weight, sum[m][i][v]);
                __asm__ volatile("" : "+v"(sum[m][i][v]));
            }
        }
        if (to == 3)
            UNROLL for (int i = 0; i < rows; i++) end(d, sum[2][i][v], at + i * d->rows.y + v * LANES, how, LANES);
        UNROLL for (int m = 2; m > 0; m--) UNROLL for (int i = 0; i < rows; i++) sum[m][i][v] = sum[m - 1][i][v];
    }
}

ALWAYS_INLINE void slide_wide(const cni_depthwise *whole, const strip *p, int channel, int rows, int vectors,
                              ending how)
{
    const cni_depthwise local = *whole, *d = &local; /* which no store can change */
    const ptrdiff_t x_pixel = d->columns.x, y_pixel = d->columns.y;
    const int position = p->first + d->columns.position, last_cell = p->last + d->columns.position + 1;
    const unsigned inside = p->inside;
    lanes w[10 * WIDE_VECTORS];
    for (int v = 0; v < vectors; v++) {
        lanes window[9];
        load_window(d, window, channel + v * LANES, 3, 3, LANES);
        UNROLL for (int t = 0; t < 9; t++) w[t * vectors + v] = window[t];
        w[9 * vectors + v] = d->finish.shift ? load_at(d->finish.shift, channel + v * LANES, LANES) : (lanes){0};
    }
    wide_sums sum;
    UNROLL for (int v = 0; v < vectors; v++) UNROLL for (int i = 0; i < rows; i++) sum[1][i][v] = w[9 * vectors + v];
    const float *x = (const float *)d->x + channel + (p->row + d->rows.position) * d->rows.x + position * x_pixel;
    ptrdiff_t at = p->row * d->rows.y + p->first * y_pixel + channel;
#define ADD(from, to) wide_column(d, sum, w, x, inside, at, rows, vectors, from, to, how), x += x_pixel
    if (position >= 0)
        ADD(0, 1);
    else
        x += x_pixel;
    ADD(0, 2);
    for (int t = p->last - p->first; t > 2; t--) {
        ADD(0, 3);
        at += y_pixel;
    }
    ADD(1, 3);
    at += y_pixel;
    if (last_cell < d->columns.cells)
        ADD(2, 3);
    else
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
            end(d, sum[2][i][v], at + i * d->rows.y + v * LANES, how, LANES);
#undef ADD
}

#endif

/* For one vector of channels. */
typedef void slide_function(const cni_depthwise *d, const strip *p, int channel);

#define ENDING(name, down, across, stride, rows, how, some)                                                            \
    static void name(const cni_depthwise *d, const strip *p, int channel)                                              \
    {                                                                                                                  \
        if (p->simple && stride == 1 && across == 3 && WEIGHTS_IN_REGISTERS >= 9)                                      \
            slide_three(d, p, channel, rows, how, some);                                                               \
        else if (p->simple && stride == 2 && across == 3 && WEIGHTS_IN_REGISTERS >= 9 && how != ANY)                   \
            slide_by_two(d, p, channel, rows, how, some);                                                              \
        else                                                                                                           \
            slide(d, p, channel, down, across, stride, rows, how, some);                                               \
    }
#define SLIDE(of, down, across, stride, rows)                                                                          \
    ENDING(slide_##of##_##rows##_plain, down, across, stride, rows, PLAIN, LANES)                                      \
    ENDING(slide_##of##_##rows##_clamped, down, across, stride, rows, CLAMPED, LANES)                                  \
    ENDING(slide_##of##_##rows##_any, down, across, stride, rows, ANY, lanes_left(d, channel))
#define SLIDES_1(...)  SLIDE(__VA_ARGS__, 1)
#define SLIDES_2(...)  SLIDES_1(__VA_ARGS__) SLIDE(__VA_ARGS__, 2)
#define SLIDES_3(...)  SLIDES_2(__VA_ARGS__) SLIDE(__VA_ARGS__, 3)
#define SLIDES_4(...)  SLIDES_3(__VA_ARGS__) SLIDE(__VA_ARGS__, 4)
#define SLIDES_5(...)  SLIDES_4(__VA_ARGS__) SLIDE(__VA_ARGS__, 5)
#define SLIDES_7(...)  SLIDES_5(__VA_ARGS__) SLIDE(__VA_ARGS__, 6) SLIDE(__VA_ARGS__, 7)

#define ROW_1(of, how) slide_##of##_1_##how
#define ROW_2(of, how) ROW_1(of, how), slide_##of##_2_##how
#define ROW_3(of, how) ROW_2(of, how), slide_##of##_3_##how
#define ROW_4(of, how) ROW_3(of, how), slide_##of##_4_##how
#define ROW_5(of, how) ROW_4(of, how), slide_##of##_5_##how
#define ROW_7(of, how) ROW_5(of, how), slide_##of##_6_##how, slide_##of##_7_##how

static int lanes_left(const cni_depthwise *d, int channel)
{
    return d->width - channel < LANES ? d->width - channel : LANES;
}

#if CNI_VECTOR_BYTES == 32
#define FOR_ISA(few, many) few
#else
#define FOR_ISA(few, many) many
#endif

/* How many rows of outputs the registers allow: few for 16 registers, many for 32. */
#define ROWS_OF_2   4
#define ROWS_OF_3   FOR_ISA(3, 7)
#define ROWS_OF_3_2 FOR_ISA(2, 4)
#define ROWS_OF_5   FOR_ISA(1, 4)
#define ROWS_OF_5_2 FOR_ISA(1, 4)

CNI_JOIN(SLIDES, ROWS_OF_2)
(2, 2, 2, 1) CNI_JOIN(SLIDES, ROWS_OF_3)(3, 3, 3, 1) CNI_JOIN(SLIDES, ROWS_OF_3_2)(3_2, 3, 3, 2)
    CNI_JOIN(SLIDES, ROWS_OF_5)(5, 5, 5, 1) CNI_JOIN(SLIDES, ROWS_OF_5_2)(5_2, 5, 5, 2) static const struct sliding {
    int taps, stride, most_rows;
    slide_function *of[ENDINGS][MOST_ROWS]; /* by rows - 1 */
} slidings[] = {
#define SLIDING(of, taps, stride, rows)                                                                                \
    {                                                                                                                  \
        taps, stride, rows,                                                                                            \
        {                                                                                                              \
            {CNI_JOIN(ROW, rows)(of, plain)}, {CNI_JOIN(ROW, rows)(of, clamped)},                                      \
            {                                                                                                          \
                CNI_JOIN(ROW, rows)(of, any)                                                                           \
            }                                                                                                          \
        }                                                                                                              \
    }
    SLIDING(2, 2, 1, ROWS_OF_2), SLIDING(3, 3, 1, ROWS_OF_3),     SLIDING(3_2, 3, 2, ROWS_OF_3_2),
    SLIDING(5, 5, 1, ROWS_OF_5), SLIDING(5_2, 5, 2, ROWS_OF_5_2),
};

static const struct sliding *find_sliding(const cni_depthwise *d)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    if (r->dilation != 1 || c->dilation != 1 || r->taps != c->taps || r->stride != c->stride) return NULL;
    for (size_t i = 0; i < sizeof slidings / sizeof *slidings; i++)
        if (slidings[i].taps == r->taps && slidings[i].stride == r->stride) return &slidings[i];
    return NULL;
}

/* Channels from k on of a strip. */
static void slide_channels(const cni_depthwise *d, const struct sliding *of, const strip *p, int rows, int k)
{
    const ending how = ending_of(&d->finish);
    for (; k + LANES <= d->width; k += LANES) of->of[how][rows - 1](d, p, k);
    if (k < d->width) of->of[ANY][rows - 1](d, p, k);
}

enum { LONG_STRIP = 56, SHORT_STRIP = 4, CROWDED_ROWS = 4, SMALL_WINDOW = 3, USUAL_COLUMNS = 16 };

/* The largest strips, and vectors of channels that are computed at once. */
typedef struct strips {
    int rows, columns, vectors;
} strips;

#if CNI_VECTOR_BYTES == 64

#define WIDE(rows, vectors)                                                                                            \
    static void wide_##rows##_##vectors(const cni_depthwise *d, const strip *p, int k, ending how)                     \
    {                                                                                                                  \
        if (how == PLAIN)                                                                                              \
            slide_wide(d, p, k, rows, vectors, PLAIN);                                                                 \
        else if (how == CLAMPED)                                                                                       \
            slide_wide(d, p, k, rows, vectors, CLAMPED);                                                               \
        else                                                                                                           \
            slide_wide(d, p, k, rows, vectors, ANY);                                                                   \
    }
WIDE(1, 2)
WIDE(2, 2)
WIDE(3, 2)
WIDE(4, 2)
WIDE(1, 4)
WIDE(2, 4)

/* All channels that fill wide strips; how many they are. */
static int slide_wide_channels(const cni_depthwise *d, const strip *p, int rows, int vectors)
{
    static void (*const of[][4])(const cni_depthwise *, const strip *, int,
                                 ending) = {{wide_1_2, wide_2_2, wide_3_2, wide_4_2}, {wide_1_4, wide_2_4}};
    const ending how = ending_of(&d->finish);
    int k = 0;
    for (; k + vectors * LANES <= d->width; k += vectors * LANES) of[vectors / 4][rows - 1](d, p, k, how);
    return k;
}

enum { SETS = 64, LINE_BYTES = 64 }; /* of the first cache */

/* In how many sets pixels begin that lie so many elements apart. */
static int sets_of(ptrdiff_t pixel)
{
    const ptrdiff_t bytes = pixel * (ptrdiff_t)sizeof(float), lines = bytes / LINE_BYTES % SETS,
                    lowest = lines & -lines;
    return bytes % LINE_BYTES ? SETS : lowest ? (int)(SETS / lowest) : 1;
}

/* Whether x and y meet in these sets, or are neighbours. */
static bool meets(const cni_depthwise *d, int sets)
{
    const uintptr_t lines = ((uintptr_t)d->y - (uintptr_t)d->x) / LINE_BYTES, period = (uintptr_t)(SETS / sets);
    return (lines + 1) % period < 3;
}

static strips strips_for(const cni_depthwise *d, const struct sliding *of)
{
    static const strips in_one_set = {2, LONG_STRIP, 4}, in_few_sets = {4, LONG_STRIP, 2};
    const strips usual = {of->most_rows, LONG_STRIP, 1};
    if (of->taps > SMALL_WINDOW) return usual;
    if (of->taps < SMALL_WINDOW || of->stride > 1)
        return axis_crowds(&d->rows, &d->columns) ? (strips){CROWDED_ROWS, SHORT_STRIP, 1} : usual;
    const int x_sets = sets_of(d->columns.x), y_sets = sets_of(d->columns.y), sets = x_sets < y_sets ? x_sets : y_sets;
    if (sets == 1) return in_one_set;
    if (sets == 2 || (sets == 4 && d->columns.cells > USUAL_COLUMNS)) return in_few_sets;
    return sets <= 8 && meets(d, sets) ? in_few_sets : usual;
}

#else

static int slide_wide_channels(const cni_depthwise *d, const strip *p, int rows, int vectors)
{
    (void)d, (void)p, (void)rows, (void)vectors;
    return 0;
}

static strips strips_for(const cni_depthwise *d, const struct sliding *of)
{
    if (of->taps > SMALL_WINDOW || !axis_crowds(&d->rows, &d->columns)) return (strips){of->most_rows, LONG_STRIP, 1};
    return (strips){of->most_rows < CROWDED_ROWS ? of->most_rows : CROWDED_ROWS, SHORT_STRIP, 1};
}

#endif

static void slide_all(const cni_depthwise *d, const struct sliding *of)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    const strips s = strips_for(d, of);
    const int height = r->last - r->first, width = c->last - c->first;
    for (int i = 0, row = 0; row < height; i++) {
        int rows = part_begin(height, s.rows, i + 1) - row;
        const int cells = (rows - 1) * r->stride + r->taps;
        strip p = {.row = r->first + row, .inside = cells_inside(r, r->first + row, cells)};
        const bool inner = (p.inside | 1u | 1u << (cells - 1)) == (2u << (cells - 1)) - 1;
        for (int k = 0, column = 0; column < width; k++) {
            p.first = c->first + column;
            column = part_begin(width, s.columns, k + 1);
            p.last = c->first + column;
            p.simple = inner && p.last - p.first > 1 && first_cell(c, p.first) >= -1 &&
                       first_cell(c, p.last) + 2 - c->stride <= c->cells;
            const int done = s.vectors > 1 && p.simple ? slide_wide_channels(d, &p, rows, s.vectors) : 0;
            slide_channels(d, of, &p, rows, done);
        }
        row += rows;
    }
}

/* Tiles: outputs first ... of one row, which see the same taps of the window. */

enum { PIXELS = 8, FEW_PIXELS = 4, CHUNK = 4 };

typedef struct tile {
    int row, column, top, bottom, left, right; /* taps top ... bottom - 1, left ... right - 1 */
} tile;

/* Neighbouring taps of a row of the window, where the next output sees the next cell: a cell serves several outputs. */
ALWAYS_INLINE void add_chunk(const cni_depthwise *d, lanes *sum, const float *x, const float *w, int pixels, int some)
{
    lanes weights[CHUNK];
    UNROLL for (int s = 0; s < CHUNK; s++) weights[s] = take(w + s * d->columns.w, some);
    UNROLL for (int q = 0; q < pixels + CHUNK - 1; q++)
    {
        lanes cell = take(x + q * d->columns.x, some);
        IN_REGISTER(cell);
        UNROLL for (int s = 0; s < CHUNK; s++) if (q >= s && q - s < pixels) sum[q - s] =
            multiply_add(cell, weights[s], sum[q - s]);
    }
}

ALWAYS_INLINE void add_tap(const cni_depthwise *d, lanes *sum, const float *x, const float *w, int pixels, int some)
{
    const ptrdiff_t x_pixel = d->columns.stride * d->columns.x;
    lanes weight = take(w, some);
    UNROLL for (int i = 0; i < pixels; i++) sum[i] = multiply_add(take(x + i * x_pixel, some), weight, sum[i]);
}

ALWAYS_INLINE void compute_tile(const cni_depthwise *d, const tile *t, int channel, int pixels, int some)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    const bool dense = c->stride == 1 && c->dilation == 1;
    lanes sum[PIXELS];
    UNROLL for (int i = 0; i < pixels; i++) sum[i] = (lanes){0};
    for (int v = t->top; v < t->bottom; v++) {
        ptrdiff_t row = (ptrdiff_t)t->row * r->stride + r->position + (ptrdiff_t)v * r->dilation;
        ptrdiff_t column = (ptrdiff_t)t->column * c->stride + c->position;
        const float *x = (const float *)d->x + row * r->x + column * c->x + channel;
        const float *w = (const float *)d->w + v * r->w + channel;
        int s = t->left;
        for (; dense && s + CHUNK <= t->right; s += CHUNK) add_chunk(d, sum, x + s * c->x, w + s * c->w, pixels, some);
        for (; s < t->right; s++) add_tap(d, sum, x + (ptrdiff_t)s * c->dilation * c->x, w + s * c->w, pixels, some);
    }
    ptrdiff_t at = t->row * r->y + t->column * c->y + channel;
    UNROLL for (int i = 0; i < pixels; i++, at += c->y)
        put((float *)d->y + at, vector_finish(&d->finish, sum[i], channel, at, some), some);
}

#define TILE(pixels)                                                                                                   \
    static void tile_##pixels(const cni_depthwise *d, const tile *t)                                                   \
    {                                                                                                                  \
        int k = 0;                                                                                                     \
        for (; k + LANES <= d->width; k += LANES) compute_tile(d, t, k, pixels, LANES);                                \
        if (k < d->width) compute_tile(d, t, k, pixels, d->width - k);                                                 \
    }
TILE(8)
TILE(4)
TILE(1)

/* Outputs of a row: those that see all of the window's columns in tiles, the others one by one. */
static void row_of_tiles(const cni_depthwise *d, tile *t)
{
    const cni_window_axis *c = &d->columns;
    while (t->column < c->last) {
        int count = 0, left, right;
        taps_inside(c, t->column, &t->left, &t->right);
        do {
            count++;
            if (t->column + count == c->last || count == PIXELS) break;
            taps_inside(c, t->column + count, &left, &right);
        } while (left == t->left && right == t->right);
        if (count >= PIXELS)
            tile_8(d, t);
        else if (count >= FEW_PIXELS)
            tile_4(d, t);
        else
            tile_1(d, t);
        t->column += count >= PIXELS ? PIXELS : count >= FEW_PIXELS ? FEW_PIXELS : 1;
    }
}

static void all_tiles(const cni_depthwise *d)
{
    for (int i = d->rows.first; i < d->rows.last; i++) {
        tile t = {.row = i, .column = d->columns.first};
        taps_inside(&d->rows, i, &t.top, &t.bottom);
        row_of_tiles(d, &t);
    }
}

static const void *moved(const void *p, ptrdiff_t elements)
{
    return p ? (const float *)p + elements : NULL;
}

static cni_depthwise part_of(const cni_depthwise *d, int row, int down, int column, int across)
{
    ptrdiff_t x[2], y[2];
    cni_depthwise part = *d;
    part.rows = undilated_part(&d->rows, row, down, &x[0], &y[0]);
    part.columns = undilated_part(&d->columns, column, across, &x[1], &y[1]);
    part.x = moved(d->x, x[0] + x[1]);
    part.y = (float *)d->y + y[0] + y[1];
    part.finish.add = moved(d->finish.add, y[0] + y[1]);
    part.finish.mask = moved(d->finish.mask, y[0] + y[1]);
    return part;
}

/* With rows and columns changed places. */
static bool go_down(const cni_depthwise *d)
{
    cni_depthwise turned = *d;
    turned.rows = d->columns;
    turned.columns = d->rows;
    return CNI_FOR_ISA(cni_depthwise_rows)(&turned);
}

static void depthwise(const cni_depthwise *d)
{
    const int down = undilated_parts(&d->rows), across = undilated_parts(&d->columns);
    for (int i = 0; i < down; i++)
        for (int j = 0; j < across; j++) {
            const cni_depthwise part = part_of(d, i, down, j, across);
            const struct sliding *of = find_sliding(&part);
            if (of)
                slide_all(&part, of);
            else if (!CNI_FOR_ISA(cni_depthwise_rows)(&part) && !go_down(&part))
                all_tiles(&part);
        }
}

void CNI_FOR_ISA(cni_depthwise_part)(cni_convolution_kernels *kernels)
{
    kernels->depthwise = depthwise;
}
