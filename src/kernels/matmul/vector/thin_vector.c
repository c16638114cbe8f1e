/* SPDX-License-Identifier: Apache-2.0
 * Products of one row or of few with vectors: all the time goes into reading w once.
 *
 * thin: a panel of up to PANEL vectors of columns keeps its sums in registers while the rows of w go by, a stretch
 * of each; processors do not see such jumps coming, so what is needed AHEAD rows later is asked for.  Narrow panels
 * add up several rows of w apart, for a sum alone would wait for itself.
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

enum { AHEAD = 4, NARROW = 4, STRETCH = 256, LINE = 64 / sizeof(float) };

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
ALWAYS_INLINE void panel(const cni_thin *t, int column, int vectors, int chains, bool whole, int last)
{
    lanes sum[PANEL];
    const float *x = t->x, *w = (const float *)t->w + column, *start = t->bias ? (const float *)t->bias + column : NULL;
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
        store_part((float *)t->y + column + j * LANES, sum[j], whole || j + 1 < vectors ? LANES : last);
    }
}

typedef void panel_function(const cni_thin *t, int column, int last);

#define PANELS(vectors)                                                                                                \
    static void whole_##vectors(const cni_thin *t, int column, int last)                                               \
    {                                                                                                                  \
        (void)last;                                                                                                    \
        panel(t, column, vectors, vectors <= NARROW ? PANEL / NARROW * NARROW / vectors : 1, true, LANES);             \
    }                                                                                                                  \
    static void part_##vectors(const cni_thin *t, int column, int last)                                                \
    {                                                                                                                  \
        panel(t, column, vectors, vectors <= NARROW ? PANEL / NARROW * NARROW / vectors : 1, false, last);             \
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

/* Panels of nearly equal size. */
static void run_panels(const cni_thin *t)
{
    int vectors = (t->width + LANES - 1) / LANES, count = (vectors + PANEL - 1) / PANEL;
    int last = t->width - (vectors - 1) * LANES;
    for (int i = 0, column = 0; i < count; i++) {
        int own = vectors / count + (i < vectors % count);
        bool part = i + 1 == count && last < LANES;
        panel_function *compute = part ? part_panels[own - 1] : whole_panels[own - 1];
        compute(t, column, last);
        column += own * LANES;
    }
}

/* Panels take STRETCH rows of w and hand over to the next, so that all of a page is read while it is known; sums go on
 * where they were left. */
static void thin(const cni_thin *t)
{
    cni_thin stretch = *t;
    if (t->width <= CNI_THIN_NARROW || t->width <= PANEL * LANES) {
        run_panels(t);
        return;
    }
    for (int k = 0; k < t->depth || k == 0; k += STRETCH) {
        const bool ends = t->depth - k <= STRETCH;
        stretch.depth = ends ? t->depth - k : STRETCH;
        stretch.relu = t->relu && ends;
        run_panels(&stretch);
        stretch.x = (const float *)stretch.x + STRETCH;
        stretch.w = (const float *)stretch.w + STRETCH * t->w_row;
        stretch.bias = t->y;
    }
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
