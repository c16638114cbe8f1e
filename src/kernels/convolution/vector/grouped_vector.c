/* SPDX-License-Identifier: Apache-2.0
 * Convolution of small groups of channels.  A vector holds one or more whole groups; member m of
 * each is spread over its group, and then the product of a tap is that of a depthwise convolution, which slides as that
 * one does (depthwise_vector.c, depthwise_weights_vector.c) where the window is of 3 x 3; others are left to
 * grouped_rows_vector.c:
 *
 *      x        a b c d | e f g h        two groups of four
 *      m = 1    b b b b | f f f f        times the weights from there to the four outputs of each group
 */
#include "kernels/convolution/grouped_parts.h"

enum { TAPS = 3, MOST_ROWS = 6, MOST_COLUMNS = 5, BAND = 4, COPY_VECTORS = 640 };

#if CNI_VECTOR_BYTES == 32
enum { SLIDING_ROWS = 3 };
#else
enum { SLIDING_ROWS = 6 };
#endif

/* Outputs of some rows; `inside` has bit p when row p of the cells that they see is in the image. */
typedef struct strip {
    int row;
    unsigned inside;
    const lanes *w; /* [member][row of the window][column] */
    const member *members;
} strip;

/* Rows in threes: x86 adds once or twice a distance to a pointer for nothing. */
enum { APART = 3, BASES = (2 * MOST_ROWS + APART) / APART };

/* A column of cells, for the slots from ... to - 1.  Where all rows are in the image nothing asks for them. */
ALWAYS_INLINE void add_column(const cni_grouped *g, const strip *p, lanes sum[][MOST_ROWS], const float *x, int column,
                              int stride, int rows, int from, int to, bool edge, bool whole)
{
    const int slots = (TAPS - column + stride - 1) / stride, cells = (rows - 1) * stride + TAPS;
    const ptrdiff_t row = g->of.rows.x;
    const float *base[BASES];
    UNROLL for (int q = 0; q < cells; q += APART)
    {
        base[q / APART] = x + q * row;
        if (whole) POINTER_IN_REGISTER(base[q / APART]);
    }
    for (int k = 0; k < g->group; k++) {
        const lanes *w = p->w + k * TAPS * TAPS + column;
        lanes cell[2 * MOST_ROWS + 1];
        UNROLL for (int q = 0; q < cells; q++)
        {
            const float *at = base[q / APART] + q % APART * row;
            cell[q] = whole || p->inside & 1u << q ? spread(at, &p->members[k]) : (lanes){0};
            IN_REGISTER(cell[q]);
        }
        UNROLL for (int m = 0; m < slots; m++)
        {
            if (edge && (m < from || m >= to)) continue;
            UNROLL for (int r = 0; r < TAPS; r++) UNROLL for (int i = 0; i < rows; i++) sum[m][i] =
                multiply_add(cell[i * stride + r], w[r * TAPS + m * stride], sum[m][i]);
        }
    }
}

ALWAYS_INLINE void slide(const cni_grouped *g, const strip *p, int channel, int stride, int rows, bool whole)
{
    const cni_depthwise *d = &g->of;
    const int slots = (TAPS + stride - 1) / stride, first = d->columns.first, last = d->columns.last;
    lanes sum[TAPS][MOST_ROWS];
    UNROLL for (int m = 0; m < slots; m++) UNROLL for (int i = 0; i < rows; i++) sum[m][i] = (lanes){0};
    const float *x = (const float *)d->x + channel + first_cell(&d->rows, p->row) * d->rows.x +
                     first_cell(&d->columns, first) * d->columns.x;
    ptrdiff_t at = p->row * d->rows.y + (first - slots + 1) * d->columns.y + channel;
    for (int t = first; t < last + slots - 1; t++) {
        const int from = t - last + 1, to = t - first + 1;
        const ptrdiff_t cell = first_cell(&d->columns, t);
        UNROLL for (int u = 0; u < stride; u++)
        {
            if (cell + u < 0 || cell + u >= d->columns.cells) continue;
            if (from <= 0 && to >= slots)
                add_column(g, p, sum, x + u * d->columns.x, u, stride, rows, 0, slots, false, whole);
            else
                add_column(g, p, sum, x + u * d->columns.x, u, stride, rows, from, to, true, whole);
        }
        if (to >= slots) UNROLL for (int i = 0; i < rows; i++)
            {
                const ptrdiff_t y = at + i * d->rows.y;
                store((float *)d->y + y, vector_finish(&d->finish, sum[slots - 1][i], channel, y, LANES));
            }
        UNROLL for (int m = slots - 1; m > 0; m--) UNROLL for (int i = 0; i < rows; i++) sum[m][i] = sum[m - 1][i];
        UNROLL for (int i = 0; i < rows; i++) sum[0][i] = (lanes){0};
        x += stride * d->columns.x;
        at += d->columns.y;
    }
}

typedef void slide_function(const cni_grouped *g, const strip *p, int channel);

#define SLIDE(stride, rows)                                                                                            \
    static void slide_##stride##_##rows(const cni_grouped *g, const strip *p, int channel)                             \
    {                                                                                                                  \
        if (p->inside == (1u << ((rows - 1) * stride + TAPS)) - 1)                                                     \
            slide(g, p, channel, stride, rows, true);                                                                  \
        else                                                                                                           \
            slide(g, p, channel, stride, rows, false);                                                                 \
    }
#if CNI_VECTOR_BYTES == 32
#define SLIDES(stride) SLIDE(stride, 1) SLIDE(stride, 2) SLIDE(stride, 3)
#define ROW(stride)    slide_##stride##_1, slide_##stride##_2, slide_##stride##_3
#else
#define SLIDES(stride)                                                                                                 \
    SLIDE(stride, 1) SLIDE(stride, 2) SLIDE(stride, 3) SLIDE(stride, 4) SLIDE(stride, 5) SLIDE(stride, 6)
#define ROW(stride)                                                                                                    \
    slide_##stride##_1, slide_##stride##_2, slide_##stride##_3, slide_##stride##_4, slide_##stride##_5,                \
        slide_##stride##_6
#endif
SLIDES(1)
SLIDES(2)

/* [stride - 1][rows - 1] */
static slide_function *const slides[2][SLIDING_ROWS] = {{ROW(1)}, {ROW(2)}};

static void load_window(const cni_grouped *g, lanes *w, int channel)
{
    const float *from = (const float *)g->of.w + channel;
    for (int k = 0; k < g->group; k++, from += g->w_member)
        for (int r = 0; r < TAPS; r++)
            for (int s = 0; s < TAPS; s++) *w++ = load(from + r * g->of.rows.w + s * g->of.columns.w);
}

static void slide_all(const cni_grouped *g)
{
    const cni_window_axis *r = &g->of.rows;
    const int height = r->last - r->first;
    lanes w[MOST_GROUP * TAPS * TAPS];
    member members[MOST_GROUP];
    for (int channel = 0; channel < g->of.width; channel += LANES) {
        load_window(g, w, channel);
        find_members(g->group, channel, members);
        for (int i = 0, row = 0; row < height; i++) {
            const int rows = part_begin(height, SLIDING_ROWS, i + 1) - row;
            const strip p = {.row = r->first + row,
                             .inside = cells_inside(r, r->first + row, (rows - 1) * r->stride + TAPS),
                             .w = w,
                             .members = members};
            slides[r->stride - 1][rows - 1](g, &p, channel);
            row += rows;
        }
    }
}

static const void *moved(const void *p, ptrdiff_t elements)
{
    return p ? (const float *)p + elements : NULL;
}

static bool slides_over(const cni_grouped *g)
{
    const cni_window_axis *r = &g->of.rows, *c = &g->of.columns;
    return r->taps == TAPS && c->taps == TAPS && r->stride == c->stride && r->stride <= 2 && r->dilation == 1 &&
           c->dilation == 1;
}

/* A dilated window falls into windows that are not (depthwise_vector.c). */
static void grouped(const cni_grouped *g)
{
    const int down = undilated_parts(&g->of.rows), across = undilated_parts(&g->of.columns);
    for (int i = 0; i < down * across; i++) {
        ptrdiff_t x[2], y[2];
        cni_grouped part = *g;
        part.of.rows = undilated_part(&g->of.rows, i / across, down, &x[0], &y[0]);
        part.of.columns = undilated_part(&g->of.columns, i % across, across, &x[1], &y[1]);
        part.of.x = moved(g->of.x, x[0] + x[1]);
        part.of.y = (float *)g->of.y + y[0] + y[1];
        part.of.finish.add = moved(g->of.finish.add, y[0] + y[1]);
        part.of.finish.mask = moved(g->of.finish.mask, y[0] + y[1]);
        if (part.of.rows.first >= part.of.rows.last || part.of.columns.first >= part.of.columns.last) continue;
        (slides_over(&part) ? slide_all : CNI_FOR_ISA(cni_grouped_rows))(&part);
    }
}

/* The gradient for the weights: `down` rows of the window at a time, one member. */
ALWAYS_INLINE void load_column(lanes cells[][MOST_COLUMNS], int column, const float *x, ptrdiff_t x_row, int count,
                               unsigned inside, const member *of, bool asks_once)
{
    if (asks_once && inside == (1u << count) - 1)
        UNROLL for (int q = 0; q < count; q++) cells[q][column] = spread(x + q * x_row, of);
    else
        UNROLL for (int q = 0; q < count; q++) cells[q][column] =
            inside & 1u << q ? spread(x + q * x_row, of) : (lanes){0};
}

ALWAYS_INLINE void weigh_strip(const cni_depthwise_weights *d, const member *of, int channel, int row,
                               lanes sum[][MOST_COLUMNS], int down, int across, int stride, int rows)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    const int reach = (rows - 1) * stride + down;
    const unsigned inside = cells_inside(r, row, reach);
    const float *x = (const float *)d->x + first_cell(r, row) * r->x + channel;
    const float *dy = (const float *)d->dy + row * r->y + c->first * c->y + channel;
    ptrdiff_t cell = first_cell(c, c->first);
    lanes cells[5][MOST_COLUMNS];
    UNROLL for (int s = stride; s < across; s++, cell++)
        load_column(cells, s, x + cell * c->x, r->x, reach, cell >= 0 && cell < c->cells ? inside : 0, of, stride > 1);
    for (int j = c->first; j < c->last; j++, dy += c->y) {
        UNROLL for (int s = 0; s + stride < across; s++) UNROLL for (int q = 0; q < reach; q++) cells[q][s] =
            cells[q][s + stride];
        UNROLL for (int s = across - stride; s < across; s++, cell++) load_column(
            cells, s, x + cell * c->x, r->x, reach, cell >= 0 && cell < c->cells ? inside : 0, of, stride > 1);
        UNROLL for (int i = 0; i < rows; i++)
        {
            const lanes given = load(dy + i * r->y);
            UNROLL for (int v = 0; v < down; v++) UNROLL for (int s = 0; s < across; s++) sum[v][s] =
                multiply_add(cells[i * stride + v][s], given, sum[v][s]);
        }
    }
}

/* Rows first ... last - 1 of dy. */
ALWAYS_INLINE void weigh(const cni_grouped_weights *g, const member *of, int k, int channel, int first, int last,
                         int done, int down, int across, int stride, int rows)
{
    const cni_depthwise_weights *d = &g->of;
    float *dw = (float *)d->dw + k * g->w_member + channel;
    lanes sum[TAPS][MOST_COLUMNS];
    UNROLL for (int v = 0; v < down; v++) UNROLL for (int s = 0; s < across; s++) sum[v][s] =
        load(dw + v * d->rows.w + s * d->columns.w);
    for (; first + rows <= last; first += rows) weigh_strip(d, of, channel, first, sum, down, across, stride, rows);
    for (; rows > 1 && first < last; first++) weigh_strip(d, of, channel, first, sum, down, across, stride, 1);
    if (done == 0)
        UNROLL for (int v = 0; v < down; v++) UNROLL for (int s = 0; s < across; s++)
            store(dw + v * d->rows.w + s * d->columns.w, sum[v][s]);
    else
        UNROLL for (int v = 0; v < down; v++) UNROLL for (int s = 1; s < across; s++) if (s >= done)
            store(dw + v * d->rows.w + s * d->columns.w, sum[v][s]);
}

#if CNI_VECTOR_BYTES == 32
enum { FEW_ROWS = 1 }; /* of dy */

static cni_grouped_weights third_row(const cni_grouped_weights *g)
{
    cni_grouped_weights rest = *g;
    rest.of.rows.position += 2;
    rest.of.dw = (float *)g->of.dw + 2 * g->of.rows.w;
    return rest;
}
#else
enum { FEW_ROWS = 2 };
#endif

/* Windows of 3 x 3, all of it. */
static void weigh_1(const cni_grouped_weights *g, const member *of, int k, int channel, int first, int last)
{
#if CNI_VECTOR_BYTES == 32
    weigh(g, of, k, channel, first, last, 0, 2, 3, 1, 1);
    cni_grouped_weights rest = third_row(g);
    weigh(&rest, of, k, channel, first, last, 0, 1, 3, 1, 2);
#else
    weigh(g, of, k, channel, first, last, 0, 3, 3, 1, 2);
#endif
}

static void weigh_2(const cni_grouped_weights *g, const member *of, int k, int channel, int first, int last)
{
#if CNI_VECTOR_BYTES == 32
    weigh(g, of, k, channel, first, last, 0, 2, 3, 2, 1);
    cni_grouped_weights rest = third_row(g);
    weigh(&rest, of, k, channel, first, last, 0, 1, 3, 2, 2);
#else
    weigh(g, of, k, channel, first, last, 0, 3, 3, 2, 2);
#endif
}

/* Other windows: their columns go in strips of 5 and 3, the last of which may meet the one before it and leave out what
 * is done. */
typedef void pass_function(const cni_grouped_weights *g, const member *of, int k, int channel, int first, int last,
                           int done);

#define PASS(name, ...)                                                                                                \
    static void name(const cni_grouped_weights *g, const member *of, int k, int channel, int first, int last,          \
                     int done)                                                                                         \
    {                                                                                                                  \
        weigh(g, of, k, channel, first, last, done, __VA_ARGS__);                                                      \
    }
PASS(pass_1_3, 1, 3, 1, 2)
PASS(pass_1_5, 1, 5, 1, FEW_ROWS)
PASS(pass_2_3, 2, 3, 1, FEW_ROWS)
#if CNI_VECTOR_BYTES == 32
static pass_function *const threes[] = {pass_1_3, pass_2_3}, *const fives[] = {pass_1_5};
#else
PASS(pass_2_5, 2, 5, 1, 1)
static pass_function *const threes[] = {pass_1_3, pass_2_3}, *const fives[] = {pass_1_5, pass_2_5};
#endif

static const struct strip_kind {
    int columns, rows;
    pass_function *const *of;
} five = {5, sizeof fives / sizeof *fives, fives}, three = {3, sizeof threes / sizeof *threes, threes};

static void weigh_strips(const cni_grouped_weights *g, const member *members, int channel, int first, int last)
{
    const int taps = g->of.columns.taps;
    for (int at = 0, next; at < taps; at = next) {
        const int wanted = taps - at;
        const struct strip_kind *kind = wanted <= 4 || wanted == 6 ? &three : &five;
        cni_grouped_weights part = *g;
        next = at + kind->columns < taps ? at + kind->columns : taps;
        part.of.columns.position += next - kind->columns;
        part.of.dw = (float *)part.of.dw + (next - kind->columns) * part.of.columns.w;
        for (int left = g->of.rows.taps, rows; left > 0; left -= rows) {
            rows = left < kind->rows ? left : kind->rows;
            for (int k = 0; k < g->group; k++)
                kind->of[rows - 1](&part, &members[k], k, channel, first, last, at + kind->columns - next);
            part.of.rows.position += rows;
            part.of.dw = (float *)part.of.dw + rows * part.of.rows.w;
        }
    }
}

/* Rows first ... last - 1 of dy, all members. */
static void weigh_band(const cni_grouped_weights *g, const member *members, int channel, int first, int last)
{
    if (g->of.rows.taps == TAPS && g->of.columns.taps == TAPS)
        for (int k = 0; k < g->group; k++)
            (g->of.rows.stride == 1 ? weigh_1 : weigh_2)(g, &members[k], k, channel, first, last);
    else
        weigh_strips(g, members, channel, first, last);
}

/* A vector of the channels of some rows, pixel after pixel. */
static float *copy_rows(const float *from, ptrdiff_t row, ptrdiff_t pixel, int rows, int columns, float *to)
{
    for (int i = 0; i < rows; i++, from += row)
        for (int j = 0; j < columns; j++, to += LANES) store(to, load(from + j * pixel));
    return to;
}

/* The same from a copy: pixels that are far apart would push each other out of the first cache between two members. */
static void weigh_copy(const cni_grouped_weights *g, const member *members, int channel, int first, int last,
                       float *copy)
{
    const cni_window_axis *r = &g->of.rows, *c = &g->of.columns;
    const ptrdiff_t from = first_cell(r, first), to = first_cell(r, last - 1) + r->taps;
    const int top = from < 0 ? 0 : from > r->cells ? r->cells : (int)from;
    const int bottom = to < top ? top : to > r->cells ? r->cells : (int)to;
    cni_grouped_weights near = *g;
    near.of.x = copy;
    near.of.dy = copy_rows((const float *)g->of.x + top * r->x + channel, r->x, c->x, bottom - top, c->cells, copy);
    copy_rows((const float *)g->of.dy + first * r->y + channel, r->y, c->y, last - first, c->last, (float *)near.of.dy);
    near.of.dw = (float *)g->of.dw + channel;
    near.of.rows.position = (int)from - top;
    near.of.rows.cells = bottom - top;
    near.of.rows.x = (ptrdiff_t)c->cells * LANES;
    near.of.rows.y = (ptrdiff_t)c->last * LANES;
    near.of.columns.x = near.of.columns.y = LANES;
    weigh_band(&near, members, 0, 0, last - first);
}

static void weigh_all(const cni_grouped_weights *g)
{
    const cni_window_axis *r = &g->of.rows, *c = &g->of.columns;
    const int reach = (BAND - 1) * r->stride + r->taps;
    lanes copy[COPY_VECTORS];
    member members[MOST_GROUP];
    const bool copies = (ptrdiff_t)reach * c->cells + (ptrdiff_t)BAND * c->last <= COPY_VECTORS;
    for (int channel = 0; channel < g->of.width; channel += LANES) {
        find_members(g->group, channel, members);
        for (int first = r->first; first < r->last; first += BAND) {
            const int last = first + BAND < r->last ? first + BAND : r->last;
            if (copies && (g->group <= LANES))
                weigh_copy(g, members, channel, first, last, (float *)copy);
            else
                weigh_band(g, members, channel, first, last);
        }
    }
}

static void grouped_weights(const cni_grouped_weights *g)
{
    const int down = undilated_parts(&g->of.rows), across = undilated_parts(&g->of.columns);
    for (int i = 0; i < down * across; i++) {
        ptrdiff_t x[2], dy[2];
        cni_grouped_weights part = *g;
        part.of.rows = undilated_part(&g->of.rows, i / across, down, &x[0], &dy[0]);
        part.of.columns = undilated_part(&g->of.columns, i % across, across, &x[1], &dy[1]);
        part.of.x = (const float *)g->of.x + x[0] + x[1];
        part.of.dy = (const float *)g->of.dy + dy[0] + dy[1];
        weigh_all(&part);
    }
}

void CNI_FOR_ISA(cni_grouped_part)(cni_convolution_kernels *kernels)
{
    kernels->grouped = grouped;
    kernels->grouped_weights = grouped_weights;
}
