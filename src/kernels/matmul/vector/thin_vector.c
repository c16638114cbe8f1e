/* SPDX-License-Identifier: Apache-2.0
 * Products of one row or of few with vectors: all the time goes into reading w once.
 *
 * thin: up to PANEL vectors of columns keep their sums in registers while the rows of w go by; narrow ones add up
 * several rows of w apart, for a sum alone would wait for itself.  Wider rows go by ROWS at a time and as a whole:
 * memory is fastest in its own order, and sums in the first cache cost less than jumps.  Two rows, or more than four,
 * are slower.
 *
 * dots: DOTS rows of w at a time, each with up to DOT_ROWS rows of x. */
#include "kernels/matmul/matmul.h"
#include "kernels/vector.h"
#include "kernels/vector_math.h"

#if CNI_VECTOR_BYTES == 32
enum { PANEL = 12, DOTS = 4, DOT_ROWS = 2 };
#else
enum { PANEL = 16, DOTS = 4, DOT_ROWS = 4 };
#endif

enum { AHEAD = 4, NARROW = 4, LINE = 64 / sizeof(float), ROWS = 4, WIDE = 4096 };

ALWAYS_INLINE int smaller(int a, int b)
{
    return a < b ? a : b;
}

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

/* `chains` sums for each column, added up at the end; the last vector has `last` lanes, all of them when
 * `whole`. */
ALWAYS_INLINE void panel(const cni_thin *t, int vectors, int chains, bool whole, int last)
{
    lanes sum[PANEL];
    const float *x = t->x, *w = t->w, *start = t->bias;
    UNROLL for (int i = 0; i < chains * vectors; i++) sum[i] = (lanes){0};
    if (start)
        UNROLL for (int j = 0; j < vectors; j++) sum[j] =
            load_part(start + j * LANES, whole || j + 1 < vectors ? LANES : last);
    int k = 0;
    for (; k + chains <= t->depth; k += chains) UNROLL for (int i = 0; i < chains; i++, w += t->w_row)
        {
            lanes value = splat(x[k + i]);
            for (int j = 0; j < vectors * LANES && chains == 1; j += LINE) __builtin_prefetch(w + AHEAD * t->w_row + j);
            UNROLL for (int j = 0; j < vectors; j++) sum[i * vectors + j] +=
                value * load_part(w + j * LANES, whole || j + 1 < vectors ? LANES : last);
        }
    for (; k < t->depth; k++, w += t->w_row)
        UNROLL for (int j = 0; j < vectors; j++) sum[j] +=
            splat(x[k]) * load_part(w + j * LANES, whole || j + 1 < vectors ? LANES : last);
    UNROLL for (int i = 1; i < chains; i++) UNROLL for (int j = 0; j < vectors; j++) sum[j] += sum[i * vectors + j];
    UNROLL for (int j = 0; j < vectors; j++)
    {
        if (t->relu) sum[j] = vector_relu(sum[j]);
        store_part((float *)t->y + j * LANES, sum[j], whole || j + 1 < vectors ? LANES : last);
    }
}

typedef void panel_function(const cni_thin *t, int last);

#define PANELS(vectors)                                                                                                \
    static void whole_##vectors(const cni_thin *t, int last)                                                           \
    {                                                                                                                  \
        (void)last;                                                                                                    \
        panel(t, vectors, vectors <= NARROW ? PANEL / NARROW * NARROW / vectors : 1, true, LANES);                     \
    }                                                                                                                  \
    static void part_##vectors(const cni_thin *t, int last)                                                            \
    {                                                                                                                  \
        panel(t, vectors, vectors <= NARROW ? PANEL / NARROW * NARROW / vectors : 1, false, last);                     \
    }
#define TO_12(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12)
#if CNI_VECTOR_BYTES == 32
#define ALL(F) TO_12(F)
#else
#define ALL(F) TO_12(F) F(13) F(14) F(15) F(16)
#endif
ALL(PANELS)

#define WHOLE(vectors) whole_##vectors,
#define PART(vectors)  part_##vectors,
static panel_function *const whole_panels[PANEL] = {ALL(WHOLE)}, *const part_panels[PANEL] = {ALL(PART)};

static void run_panel(const cni_thin *t)
{
    const int vectors = (t->width + LANES - 1) / LANES, last = t->width - (vectors - 1) * LANES;
    panel_function *const run = last < LANES ? part_panels[vectors - 1] : whole_panels[vectors - 1];
    run(t, last);
}

/* `count` rows of w, with their numbers of x, added to y; as many rows after them are asked for. */
ALWAYS_INLINE void add_rows(const float *x, const float *w, ptrdiff_t w_row, int count, bool ask, float *y, int width)
{
    lanes value[ROWS];
    UNROLL for (int i = 0; i < count; i++) value[i] = splat(x[i]);
    int j = 0;
    for (; j + LANES <= width; j += LANES) {
        lanes sum = load(y + j);
        UNROLL for (int i = 0; i < count; i++)
        {
            if (ask && j % LINE == 0) __builtin_prefetch(w + (i + count) * w_row + j);
            sum += value[i] * load(w + i * w_row + j);
        }
        store(y + j, sum);
    }
    if (j == width) return;
    lanes sum = load_some(y + j, width - j);
    UNROLL for (int i = 0; i < count; i++) sum += value[i] * load_some(w + i * w_row + j, width - j);
    store_some(y + j, sum, width - j);
}

/* Sums stay in the first cache, and w is read in the order in which it lies. */
ALWAYS_INLINE void run_rows(const cni_thin *t, int column, int width, bool ask)
{
    const float *x = t->x, *w = (const float *)t->w + column;
    float *y = (float *)t->y + column;
    if (t->bias)
        memcpy(y, (const float *)t->bias + column, (size_t)width * sizeof *y);
    else
        memset(y, 0, (size_t)width * sizeof *y);
    int k = 0;
    for (; k + ROWS <= t->depth; k += ROWS) add_rows(x + k, w + k * t->w_row, t->w_row, ROWS, ask, y, width);
    for (; k < t->depth; k++) add_rows(x + k, w + k * t->w_row, t->w_row, 1, false, y, width);
    for (int j = 0; j < width && t->relu; j += LANES) {
        const int some = smaller(width - j, LANES);
        store_part(y + j, vector_relu(load_part(y + j, some)), some);
    }
}

static void run_near(const cni_thin *t, int column, int width)
{
    run_rows(t, column, width, true);
}

static void run_far(const cni_thin *t, int column, int width)
{
    run_rows(t, column, width, false);
}

static void thin(const cni_thin *t)
{
    if (t->width <= PANEL * LANES)
        run_panel(t);
    else
        for (int j = 0; j < t->width; j += WIDE) (t->far ? run_far : run_near)(t, j, smaller(t->width - j, WIDE));
}

ALWAYS_INLINE void dots_tile(const cni_thin *t, int first, int rows, int column, int columns)
{
    const float *x = (const float *)t->x + first * t->x_row, *w = (const float *)t->w + column * t->w_row;
    lanes sum[DOT_ROWS * DOTS];
    UNROLL for (int i = 0; i < rows * columns; i++) sum[i] = (lanes){0};
    int whole = t->depth / LANES * LANES, rest = t->depth - whole;
    for (int k = 0; k < whole; k += LANES) {
        lanes values[DOT_ROWS];
        UNROLL for (int m = 0; m < rows; m++) values[m] = load(x + m * t->x_row + k);
        UNROLL for (int j = 0; j < columns; j++)
        {
            lanes of = load(w + j * t->w_row + k);
            UNROLL for (int m = 0; m < rows; m++) sum[m * columns + j] += values[m] * of;
        }
    }
    if (rest)
        UNROLL for (int m = 0; m < rows; m++) UNROLL for (int j = 0; j < columns; j++) sum[m * columns + j] +=
            load_some(x + m * t->x_row + whole, rest) * load_some(w + j * t->w_row + whole, rest);
    UNROLL for (int m = 0; m < rows; m++) UNROLL for (int j = 0; j < columns; j++)
    {
        float dot = sum_of_lanes(sum[m * columns + j]) + (t->bias ? ((const float *)t->bias)[column + j] : 0);
        ((float *)t->y)[(first + m) * t->y_row + column + j] = t->relu && dot <= 0 ? 0 : dot;
    }
}

ALWAYS_INLINE void dots_rows(const cni_thin *t, int column, int columns)
{
    int m = 0;
    for (; m + DOT_ROWS <= t->rows; m += DOT_ROWS) dots_tile(t, m, DOT_ROWS, column, columns);
    for (; m < t->rows; m++) dots_tile(t, m, 1, column, columns);
}

static void dots(const cni_thin *t)
{
    int j = 0;
    for (; j + DOTS <= t->width; j += DOTS) dots_rows(t, j, DOTS);
    for (; j < t->width; j++) dots_rows(t, j, 1);
}

void CNI_FOR_ISA(cni_thin_part)(cni_matmul_kernels *kernels)
{
    kernels->thin = thin;
    kernels->dots = dots;
}
