/* SPDX-License-Identifier: Apache-2.0
 * The gradient of a depthwise convolution for its weights, with vectors over channels.
 *
 * Sliding: some rows of dy go from left to right, one vector of channels at a time.  The sums for some rows of the
 * window are in registers, and so are the cells that the window is over: moving on loads one column of them.
 *
 *          cells               dy            sums
 *          o[o o o]o                         each output of dy, times the cells under its window
 *          o[o o o]o           d
 *          o[o o o]o           d
 *          o[o o o]o
 *
 * Cells outside the image are zeros that are never loaded.  Windows of many rows take several passes over a few rows of
 * dy, which stay in the first cache.  Without that many registers the cells are read for each product. */
#include "kernels/convolution/convolution.h"
#include "kernels/convolution/window_axis.h"
#include "kernels/vector_some.h"

enum { BAND_BYTES = 128 * 1024, LEAST_BAND = 4 };

/* Rows first ... last - 1 of dy, a vector of channels, and taps of the window from (tap_row, tap_column) on. */
typedef struct pass {
    int first, last, channel, tap_row, tap_column;
    int done; /* of its columns of taps, which another pass has added */
} pass;

ALWAYS_INLINE float *sum_at(const cni_depthwise_weights *d, const pass *p, int r, int s)
{
    return (float *)d->dw + (p->tap_row + r) * d->rows.w + (p->tap_column + s) * d->columns.w + p->channel;
}

ALWAYS_INLINE void load_sums(const cni_depthwise_weights *d, const pass *p, lanes sum[][7], int down, int across,
                             int some)
{
    UNROLL for (int r = 0; r < down; r++) UNROLL for (int s = 0; s < across; s++) sum[r][s] =
        take(sum_at(d, p, r, s), some);
}

ALWAYS_INLINE void store_sums(const cni_depthwise_weights *d, const pass *p, lanes sum[][7], int down, int across,
                              int some)
{
    UNROLL for (int r = 0; r < down; r++) UNROLL for (int s = 0; s < across; s++) if (s >= p->done)
        put(sum_at(d, p, r, s), sum[r][s], some);
}

#if CNI_VECTOR_BYTES != 32
/* The column of cells at x, of which those in the image have a bit in `inside`. */
ALWAYS_INLINE void load_column(lanes cells[][7], int column, const float *x, ptrdiff_t x_row, int count,
                               unsigned inside, int some)
{
    UNROLL for (int p = 0; p < count; p++) cells[p][column] = inside & 1u << p ? take(x + p * x_row, some) : (lanes){0};
}

/* `rows` rows of dy from left to right, as far as taps are inside the image. */
ALWAYS_INLINE void slide_strip(const cni_depthwise_weights *d, const pass *p, int row, lanes sum[][7], int down,
                               int across, int stride, int rows, int some)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    const int reach = (rows - 1) * stride + down;
    const unsigned inside = cells_inside(r, row, p->tap_row + reach) >> p->tap_row;
    const int before = (1 - across - c->position + stride - 1) / stride,
              behind = (c->cells - c->position - 1) / stride + 1;
    const int first = before > c->first ? before : c->first, last = behind < c->last ? behind : c->last;
    if (!inside) return;
    const float *x = (const float *)d->x + (first_cell(r, row) + p->tap_row) * r->x + p->channel;
    const float *dy = (const float *)d->dy + row * r->y + first * c->y + p->channel;
    ptrdiff_t cell = first_cell(c, first);
    lanes cells[6][7];
    UNROLL for (int s = stride; s < across; s++, cell++)
        load_column(cells, s, x + cell * c->x, r->x, reach, cell >= 0 && cell < c->cells ? inside : 0, some);
    for (int j = first; j < last; j++, dy += c->y) {
        UNROLL for (int s = 0; s + stride < across; s++) UNROLL for (int q = 0; q < reach; q++) cells[q][s] =
            cells[q][s + stride];
        UNROLL for (int s = across - stride; s < across; s++, cell++)
            load_column(cells, s, x + cell * c->x, r->x, reach, cell >= 0 && cell < c->cells ? inside : 0, some);
        UNROLL for (int i = 0; i < rows; i++)
        {
            lanes given = take(dy + i * r->y, some);
            UNROLL for (int v = 0; v < down; v++) UNROLL for (int s = 0; s < across; s++) sum[v][s] =
                multiply_add(cells[i * stride + v][s], given, sum[v][s]);
        }
    }
}

ALWAYS_INLINE void slide(const cni_depthwise_weights *d, const pass *p, int down, int across, int stride, int rows,
                         int some)
{
    lanes sum[3][7];
    load_sums(d, p, sum, down, across, some);
    int row = p->first;
    for (; row + rows <= p->last; row += rows) slide_strip(d, p, row, sum, down, across, stride, rows, some);
    for (; rows > 2 && row + 2 <= p->last; row += 2) slide_strip(d, p, row, sum, down, across, stride, 2, some);
    for (; rows > 1 && row < p->last; row++) slide_strip(d, p, row, sum, down, across, stride, 1, some);
    store_sums(d, p, sum, down, across, some);
}
#endif

#if CNI_VECTOR_BYTES == 64

/* Windows of 3 x 3, two vectors of channels at once: where pixels crowd few sets of the first cache, neighbouring lines
 * do not wait for each other.  Here the cells are loaded one by one, and the three columns of dy that see them are in
 * registers.
 */
enum { PAIR = 2 };

typedef lanes pair_sums[3][3][PAIR];

ALWAYS_INLINE void slide_pair(const cni_depthwise_weights *d, int channel, int row, pair_sums sum, int rows)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    const ptrdiff_t x_row = r->x, x_pixel = c->x, y_row = r->y, y_pixel = c->y;
    const unsigned inside = cells_inside(r, row, rows + 2);
    const float *x = (const float *)d->x + first_cell(r, row) * x_row + first_cell(c, c->first) * x_pixel + channel;
    const float *dy = (const float *)d->dy + row * y_row + c->first * y_pixel + channel;
    const int outputs = c->last - c->first, cells = c->cells;
    lanes given[2][3][PAIR] = {0};
    ptrdiff_t cell_column = first_cell(c, c->first);
    for (int q = 0; q < outputs + 2; q++, x += x_pixel, dy += y_pixel, cell_column++) {
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < PAIR; v++)
        {
            given[i][2][v] = given[i][1][v];
            given[i][1][v] = given[i][0][v];
            given[i][0][v] = q < outputs ? load(dy + i * y_row + v * LANES) : (lanes){0};
        }
        if (cell_column < 0 || cell_column >= cells) continue;
        UNROLL for (int p = 0; p < rows + 2; p++)
        {
            if (!(inside & 1u << p)) continue;
            UNROLL for (int v = 0; v < PAIR; v++)
            {
                lanes cell = load(x + p * x_row + v * LANES);
                IN_REGISTER(cell);
                UNROLL for (int i = 0; i < rows; i++) UNROLL for (int s = 0; s < 3; s++) if (p >= i && p - i < 3)
                    sum[p - i][s][v] = multiply_add(cell, given[i][s][v], sum[p - i][s][v]);
            }
        }
    }
}

static void weigh_pair(const cni_depthwise_weights *whole, const pass *p)
{
    const cni_depthwise_weights local = *whole, *d = &local;
    pair_sums sum;
    UNROLL for (int t = 0; t < 9 * PAIR; t++) sum[t / 6][t / 2 % 3][t % 2] =
        load((float *)d->dw + t / 6 * d->rows.w + t / 2 % 3 * d->columns.w + p->channel + t % 2 * LANES);
    int row = p->first;
    for (; row + 2 <= p->last; row += 2) slide_pair(d, p->channel, row, sum, 2);
    if (row < p->last) slide_pair(d, p->channel, row, sum, 1);
    UNROLL for (int t = 0; t < 9 * PAIR; t++)
        store((float *)d->dw + t / 6 * d->rows.w + t / 2 % 3 * d->columns.w + p->channel + t % 2 * LANES,
              sum[t / 6][t / 2 % 3][t % 2]);
}

/* Pixels that are a multiple of 2 KiB apart. */
static bool in_pairs(const cni_depthwise_weights *d)
{
    enum { PERIOD = 2048 / sizeof(float) };
    return d->rows.taps == 3 && d->columns.taps == 3 && d->rows.stride == 1 && d->columns.stride == 1 &&
           d->rows.dilation == 1 && d->columns.dilation == 1 &&
           (d->columns.x % PERIOD == 0 || d->columns.y % PERIOD == 0);
}
#else
enum { PAIR = 2 };

static void weigh_pair(const cni_depthwise_weights *d, const pass *p)
{
    (void)d, (void)p;
}

static bool in_pairs(const cni_depthwise_weights *d)
{
    (void)d;
    return false;
}
#endif

/* One output of dy, its cells read for each product; those inside the image only. */
ALWAYS_INLINE void add_output(const cni_depthwise_weights *d, const float *x, lanes given, lanes sum[][7],
                              unsigned rows, unsigned columns, bool edge, int down, int across, int some)
{
    const ptrdiff_t x_row = d->rows.x * d->rows.dilation, x_pixel = d->columns.x * d->columns.dilation;
    UNROLL for (int v = 0; v < down; v++)
        UNROLL for (int s = 0; s < across; s++) if (!edge || ((rows & 1u << v) && (columns & 1u << s))) sum[v][s] =
            multiply_add(take(x + v * x_row + s * x_pixel, some), given, sum[v][s]);
}

static inline unsigned taps_from(const cni_window_axis *a, int output, int tap, int count)
{
    unsigned inside = 0;
    for (int t = 0; t < count; t++) {
        ptrdiff_t cell = first_cell(a, output) + (ptrdiff_t)(tap + t) * a->dilation;
        if (cell >= 0 && cell < a->cells) inside |= 1u << t;
    }
    return inside;
}

ALWAYS_INLINE void visit(const cni_depthwise_weights *d, const pass *p, int down, int across, int some)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    const unsigned all_rows = (1u << down) - 1, all_columns = (1u << across) - 1;
    lanes sum[3][7];
    load_sums(d, p, sum, down, across, some);
    for (int i = p->first; i < p->last; i++) {
        const unsigned rows = taps_from(r, i, p->tap_row, down);
        if (!rows) continue;
        const float *x = (const float *)d->x + (first_cell(r, i) + (ptrdiff_t)p->tap_row * r->dilation) * r->x +
                         (first_cell(c, c->first) + (ptrdiff_t)p->tap_column * c->dilation) * c->x + p->channel;
        const float *dy = (const float *)d->dy + i * r->y + c->first * c->y + p->channel;
        int first, last;
        outputs_inside(c, p->tap_column, across, &first, &last);
        for (int j = c->first; j < c->last; j++, x += c->stride * c->x, dy += c->y) {
            const lanes given = take(dy, some);
            if (j >= first && j < last && rows == all_rows)
                add_output(d, x, given, sum, rows, all_columns, false, down, across, some);
            else
                add_output(d, x, given, sum, rows, taps_from(c, j, p->tap_column, across), true, down, across, some);
        }
    }
    store_sums(d, p, sum, down, across, some);
}

typedef void pass_function(const cni_depthwise_weights *d, const pass *p);

static int lanes_left(const cni_depthwise_weights *d, const pass *p)
{
    return d->width - p->channel < LANES ? d->width - p->channel : LANES;
}

#define PASS(name, of, ...)                                                                                            \
    static void name(const cni_depthwise_weights *d, const pass *p)                                                    \
    {                                                                                                                  \
        if (p->channel + LANES <= d->width)                                                                            \
            of(d, p, __VA_ARGS__, LANES);                                                                              \
        else                                                                                                           \
            of(d, p, __VA_ARGS__, lanes_left(d, p));                                                                   \
    }

PASS(visit_1_1, visit, 1, 1)
PASS(visit_1_2, visit, 1, 2)
PASS(visit_1_3, visit, 1, 3)
PASS(visit_1_4, visit, 1, 4)
PASS(visit_1_5, visit, 1, 5)
PASS(visit_1_6, visit, 1, 6)
PASS(visit_1_7, visit, 1, 7)

static pass_function *const visit_row[] = {visit_1_1, visit_1_2, visit_1_3, visit_1_4, visit_1_5, visit_1_6, visit_1_7};

enum { MOST_COLUMNS = sizeof visit_row / sizeof *visit_row };

/* Windows with passes of their own: as many rows of the window as the registers have room for. */
#if CNI_VECTOR_BYTES == 32
PASS(visit_3_3, visit, 3, 3)
PASS(visit_2_5, visit, 2, 5)
#define THREE                                                                                                          \
    {                                                                                                                  \
        3, visit_3_3                                                                                                   \
    }
#define THREE_2                                                                                                        \
    {                                                                                                                  \
        3, visit_3_3                                                                                                   \
    }
#define FIVE                                                                                                           \
    {2, visit_2_5}, {2, visit_2_5},                                                                                    \
    {                                                                                                                  \
        1, visit_1_5                                                                                                   \
    }
#define FIVE_2 FIVE
#define SEVEN                                                                                                          \
    {1, visit_1_7}, {1, visit_1_7}, {1, visit_1_7}, {1, visit_1_7}, {1, visit_1_7}, {1, visit_1_7},                    \
    {                                                                                                                  \
        1, visit_1_7                                                                                                   \
    }
#else
PASS(slide_3_3, slide, 3, 3, 1, 4)
PASS(slide_3_3_2, slide, 3, 3, 2, 2)
PASS(slide_3_5, slide, 3, 5, 1, 1)
PASS(slide_2_5, slide, 2, 5, 1, 2)
PASS(slide_3_5_2, slide, 3, 5, 2, 1)
PASS(slide_2_5_2, slide, 2, 5, 2, 1)
PASS(slide_2_7, slide, 2, 7, 1, 1)
PASS(slide_1_7, slide, 1, 7, 1, 2)
PASS(slide_1_5, slide, 1, 5, 1, 2)
#define THREE                                                                                                          \
    {                                                                                                                  \
        3, slide_3_3                                                                                                   \
    }
#define THREE_2                                                                                                        \
    {                                                                                                                  \
        3, slide_3_3_2                                                                                                 \
    }
#define FIVE                                                                                                           \
    {3, slide_3_5},                                                                                                    \
    {                                                                                                                  \
        2, slide_2_5                                                                                                   \
    }
#define FIVE_2                                                                                                         \
    {3, slide_3_5_2},                                                                                                  \
    {                                                                                                                  \
        2, slide_2_5_2                                                                                                 \
    }
#define SEVEN                                                                                                          \
    {2, slide_2_7}, {2, slide_2_7}, {2, slide_2_7},                                                                    \
    {                                                                                                                  \
        1, slide_1_7                                                                                                   \
    }
#endif

static const struct passes {
    int taps, stride;
    struct {
        int rows;
        pass_function *compute;
    } pass[7];
} kinds[] = {{3, 1, {THREE}}, {3, 2, {THREE_2}}, {5, 1, {FIVE}}, {5, 2, {FIVE_2}}, {7, 1, {SEVEN}}};

static const struct passes *find_passes(const cni_depthwise_weights *d)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    if (r->dilation != 1 || c->dilation != 1 || r->taps != c->taps || r->stride != c->stride) return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].taps == r->taps && kinds[i].stride == r->stride) return &kinds[i];
    return NULL;
}

#if CNI_VECTOR_BYTES != 32
/* Columns of a window that has no passes of its own go in strips of 7 and 5, the last of which may meet the one before
 * it; rows in as many as the registers hold. */
static pass_function *const strips[2][3] = {{slide_1_5, slide_2_5, slide_3_5}, {slide_1_7, slide_2_7}};

static bool in_strips(const cni_depthwise_weights *d)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    return r->stride == 1 && c->stride == 1 && r->dilation == 1 && c->dilation == 1 && c->taps >= 5;
}

/* A strip of the window, which `d` begins with. */
static void add_strip(const cni_depthwise_weights *d, const pass *p, int columns)
{
    cni_depthwise_weights part = *d;
    for (int left = d->rows.taps, rows; left > 0; left -= rows) {
        rows = columns == 7 || left == 4 ? 2 : 3;
        if (rows > left) rows = left;
        strips[columns == 7][rows - 1](&part, p);
        part.rows.position += rows;
        part.dw = (float *)part.dw + rows * part.rows.w;
    }
}

/* How many strips are of 5 columns, so that they are not much more than there are. */
static int strips_of_five(int taps)
{
    int best = taps, least = 5 * taps;
    for (int some = taps < 7; 5 * some < taps + 5; some++) {
        const int rest = taps - 5 * some, columns = 5 * some + (rest > 0 ? (rest + 6) / 7 * 7 : 0);
        if (columns >= least || (taps < 7 && rest > 0)) continue;
        best = some;
        least = columns;
    }
    return best;
}

static void add_strips(const cni_depthwise_weights *d, const pass *all)
{
    pass p = *all;
    const int taps = d->columns.taps, small = strips_of_five(taps);
    for (int i = 0, at = 0, next; at < taps; i++, at = next) {
        const int columns = i < small ? 5 : 7;
        cni_depthwise_weights part = *d;
        next = at + columns < taps ? at + columns : taps;
        p.done = columns - (next - at);
        part.columns.position += next - columns;
        part.dw = (float *)part.dw + (next - columns) * part.columns.w;
        add_strip(&part, &p, columns);
    }
}
#else
static bool in_strips(const cni_depthwise_weights *d)
{
    (void)d;
    return false;
}

static void add_strips(const cni_depthwise_weights *d, const pass *p)
{
    (void)d, (void)p;
}
#endif

/* The whole window, for some rows of dy and a vector of channels. */
static void add_rows(const cni_depthwise_weights *d, const struct passes *of, pass *p)
{
    p->tap_row = p->tap_column = 0;
    if (!of && in_strips(d)) {
        add_strips(d, p);
        return;
    }
    for (int i = 0; of && p->tap_row < d->rows.taps; i++) {
        of->pass[i].compute(d, p);
        p->tap_row += of->pass[i].rows;
    }
    for (; p->tap_row < d->rows.taps; p->tap_row++)
        for (p->tap_column = 0; p->tap_column < d->columns.taps;) {
            const int left = d->columns.taps - p->tap_column, some = left < MOST_COLUMNS ? left : MOST_COLUMNS;
            visit_row[some - 1](d, p);
            p->tap_column += some;
        }
}

/* All channels of a band of rows, so that a cell's neighbours are used while they are in a cache. */
static void add_bands(const cni_depthwise_weights *d, const struct passes *of)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    const int row_bytes = (c->stride * r->stride + 1) * (c->last - c->first) * d->width * (int)sizeof(float);
    int band = row_bytes > 0 && row_bytes < BAND_BYTES / LEAST_BAND ? BAND_BYTES / row_bytes / 4 * 4 : LEAST_BAND;
    const bool pairs = in_pairs(d);
    for (pass p = {.first = r->first}; p.first < r->last; p.first = p.last) {
        p.last = p.first + band < r->last ? p.first + band : r->last;
        p.channel = 0;
        for (; pairs && p.channel + PAIR * LANES <= d->width; p.channel += PAIR * LANES) weigh_pair(d, &p);
        for (; p.channel < d->width; p.channel += LANES) add_rows(d, of, &p);
    }
}

/* Few columns of the window go down instead of across. */
enum { FEW_COLUMNS = 5 };

static void swap_axes(cni_depthwise_weights *d)
{
    const cni_window_axis rows = d->rows;
    d->rows = d->columns;
    d->columns = rows;
}

static void depthwise_weights(const cni_depthwise_weights *d)
{
    const int down = undilated_parts(&d->rows), across = undilated_parts(&d->columns);
    for (int i = 0; i < down; i++)
        for (int j = 0; j < across; j++) {
            ptrdiff_t x[2], dy[2];
            cni_depthwise_weights part = *d;
            part.rows = undilated_part(&d->rows, i, down, &x[0], &dy[0]);
            part.columns = undilated_part(&d->columns, j, across, &x[1], &dy[1]);
            part.x = (const float *)d->x + x[0] + x[1];
            part.dy = (const float *)d->dy + dy[0] + dy[1];
            if (part.columns.taps < FEW_COLUMNS && part.rows.taps >= FEW_COLUMNS) swap_axes(&part);
            add_bands(&part, find_passes(&part));
        }
}

void CNI_FOR_ISA(cni_depthwise_weights_part)(cni_convolution_kernels *kernels)
{
    kernels->depthwise_weights = depthwise_weights;
}
