/* SPDX-License-Identifier: Apache-2.0
 * Products of one row or of few with vectors: all the time goes into reading w once.
 *
 * thin: up to PANEL vectors of columns keep their sums in registers while the rows of w go by; narrow ones add up
 * several rows of w apart, for a sum alone would wait for itself.  Wider rows go by ROWS at a time and as a whole:
 * memory is fastest in its own order, and sums in the first cache cost less than jumps.  Two rows, or more than four,
 * are slower.
 *
 * Where x is 0 after a relu, rows of w need not be read, if w is known to be finite: a list of the others is made
 * piece by piece, for products so wide that it is worth it.  Each column's sum has the same order, and so the same
 * bits, but for a sum that is -0 where adding 0 would have made it 0: whoever lets rows be left out adds y to 0 or to a
 * bias afterwards.
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

enum { AHEAD = 4, NARROW = 4, LINE = 64 / sizeof(float), ROWS = 4, WIDE = 4096, LISTED = 256 };

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

/* Rows that are not left out: `count` of those before `next`, in their order.  ROWS more are likely to follow. */
typedef struct row_list {
    int rows[LISTED + 2 * ROWS], count, next;
} row_list;

/* Keeps those from `done` on and looks at further ones. */
ALWAYS_INLINE void list_rows(row_list *list, int done, const cni_thin *t)
{
    const float *x = t->x;
    const bool all = !t->finite;
    int n = 0, k = list->next;
    for (; done < list->count; done++) list->rows[n++] = list->rows[done];
    for (const int end = smaller(k + LISTED, t->depth); k < end; k++) {
        list->rows[n] = k;
        n += all | (x[k] != 0);
    }
    for (int i = 0; i < ROWS; i++) list->rows[n + i] = smaller(k + i, t->depth - 1);
    list->count = n;
    list->next = k;
}

/* `count` rows of w, with their numbers of x, added to y; `next` says which rows are asked for meanwhile, if any. */
ALWAYS_INLINE void add_rows(const cni_thin *t, const int *rows, int count, const int *next, int column, int width)
{
    lanes value[ROWS];
    const float *w[ROWS], *soon[ROWS];
    float *y = (float *)t->y + column;
    UNROLL for (int i = 0; i < count; i++)
    {
        value[i] = splat(((const float *)t->x)[rows[i]]);
        w[i] = (const float *)t->w + rows[i] * t->w_row + column;
        if (next) soon[i] = (const float *)t->w + next[i] * t->w_row + column;
    }
    int j = 0;
    for (; j + LINE <= width; j += LINE) { /* by lines, which are looked up once */
        lanes sum[LINE / LANES];
        UNROLL for (int v = 0; v < LINE / LANES; v++) sum[v] = load(y + j + v * LANES);
        UNROLL for (int i = 0; i < count; i++)
        {
            if (next) __builtin_prefetch(soon[i] + j);
            UNROLL for (int v = 0; v < LINE / LANES; v++) sum[v] += value[i] * load(w[i] + j + v * LANES);
        }
        UNROLL for (int v = 0; v < LINE / LANES; v++) store(y + j + v * LANES, sum[v]);
    }
    for (; j + LANES <= width; j += LANES) {
        lanes sum = load(y + j);
        UNROLL for (int i = 0; i < count; i++) sum += value[i] * load(w[i] + j);
        store(y + j, sum);
    }
    if (j == width) return;
    lanes sum = load_some(y + j, width - j);
    UNROLL for (int i = 0; i < count; i++) sum += value[i] * load_some(w[i] + j, width - j);
    store_some(y + j, sum, width - j);
}

/* Sums stay in the first cache, and w is read in the order in which it lies. */
ALWAYS_INLINE void run_rows(const cni_thin *t, int column, int width, bool ask)
{
    float *y = (float *)t->y + column;
    if (t->bias)
        memcpy(y, (const float *)t->bias + column, (size_t)width * sizeof *y);
    else
        memset(y, 0, (size_t)width * sizeof *y);
    row_list list = {.count = 0};
    int done = 0;
    while (list.next < t->depth) {
        list_rows(&list, done, t);
        for (done = 0; done + ROWS <= list.count; done += ROWS) {
            const int *rows = list.rows + done;
            add_rows(t, rows, ROWS, ask ? rows + ROWS : NULL, column, width);
        }
    }
    for (; done < list.count; done++) add_rows(t, list.rows + done, 1, NULL, column, width);
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
