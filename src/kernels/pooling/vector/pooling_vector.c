/* SPDX-License-Identifier: Apache-2.0
 * Pooling with vectors over channels: one pass, each cell read as often as windows cover it. */
#include "kernels/pooling/pooling_kernels.h"
#include "kernels/pooling/pooling_spans.h"
#include "kernels/vector_bytes.h"

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

ALWAYS_INLINE mask splat_int(int32_t x)
{
    return x - (mask){0};
}

/* Larger, or not a number. */
ALWAYS_INLINE mask beats(lanes value, lanes best)
{
    return (mask)(value > best) | (mask)(value != value);
}

/* One window, one vector of channels; `x` is channel k of the image. */

ALWAYS_INLINE lanes window_max(const cni_windows *v, const float *x, span rows, span columns, int some, mask *taps)
{
    lanes best = take(x + ((size_t)rows.first * v->w + columns.first) * v->c, some);
    mask tap = splat_int((rows.first - rows.origin) * v->window[1] + columns.first - columns.origin);
    for (int r = rows.first; r < rows.last; r++) {
        const float *cell = x + ((size_t)r * v->w + columns.first) * v->c;
        int at = (r - rows.origin) * v->window[1] + columns.first - columns.origin;
        for (int s = columns.first; s < columns.last; s++, cell += v->c, at++) {
            lanes value = take(cell, some);
            mask wins = beats(value, best);
            best = choose(wins, value, best);
            if (taps) tap = (wins & splat_int(at)) | (~wins & tap);
        }
    }
    if (taps) *taps = tap;
    return best;
}

ALWAYS_INLINE void max_one(const cni_windows *v, const float *x, float *y, unsigned char *taps, bool wide, span rows,
                           span columns, int some)
{
    mask tap;
    put(y, window_max(v, x, rows, columns, some, taps ? &tap : NULL), some);
    if (!taps) return;
    store_bytes(taps, tap & splat_int(255), some);
    if (wide) store_bytes(taps + v->c, tap >> 8, some);
}

/* ---- windows of 2 x 2 and 3 x 3 that are inside the image ----
 *
 * Rows are read as they lie, and what has not been seen in the windows above is asked for some time before. */

enum { AHEAD = 1024 };

typedef struct found {
    lanes value;
    mask tap;
} found;

ALWAYS_INLINE found better(found a, found b, bool wants_taps)
{
    const mask wins = beats(b.value, a.value);
    a.value = choose(wins, b.value, a.value);
    if (wants_taps) a.tap = (wins & b.tap) | (~wins & a.tap);
    return a;
}

/* Halves against halves: the first of equals wins, since what is beaten must be less. */
ALWAYS_INLINE found best_of(const found *cells, int count, bool wants_taps)
{
    found all = cells[0];
    UNROLL for (int i = 1; i < count; i++) all = better(all, cells[i], wants_taps);
    return all;
}

ALWAYS_INLINE void max_window(const float *x, size_t row, int c, int side, int new_rows, float *y, unsigned char *taps,
                              int some)
{
    found rows[3], cells[3];
    UNROLL for (int r = 0; r < side; r++)
    {
        UNROLL for (int s = 0; s < side; s++)
        {
            const float *cell = x + (size_t)r * row + (size_t)s * (size_t)c;
            if (r >= side - new_rows && s < 2) __builtin_prefetch(cell + AHEAD);
            cells[s] = (found){take(cell, some), splat_int(r * side + s)};
        }
        rows[r] = best_of(cells, side, taps != NULL);
    }
    const found all = best_of(rows, side, taps != NULL);
    put(y, all.value, some);
    if (taps) store_bytes(taps, all.tap, some);
}

ALWAYS_INLINE void max_inside(const cni_windows *v, const float *x, float *y, unsigned char *taps, int side, int from,
                              int to)
{
    const size_t row = (size_t)v->w * v->c;
    const int new_rows = v->strides[0] < side ? v->strides[0] : side, c = v->c, step = v->strides[1] * v->c;
    for (int j = from; j < to; j++, x += step, y += c) {
        int k = 0;
        for (; k + LANES <= c; k += LANES)
            max_window(x + k, row, c, side, new_rows, y + k, taps ? taps + k : NULL, LANES);
        if (k < c) max_window(x + k, row, c, side, new_rows, y + k, taps ? taps + k : NULL, c - k);
        if (taps) taps += c;
    }
}

/* A row of windows whose rows are all inside: windows from .. to - 1 are inside altogether. */
static void max_row_inside(const cni_windows *v, const float *x, float *y, unsigned char *taps, span rows, int from,
                           int to)
{
    x += ((size_t)rows.first * v->w + (size_t)(from * v->strides[1] - v->left)) * v->c;
    if (v->window[0] == 2 && taps)
        max_inside(v, x, y, taps, 2, from, to);
    else if (v->window[0] == 2)
        max_inside(v, x, y, NULL, 2, from, to);
    else if (taps)
        max_inside(v, x, y, taps, 3, from, to);
    else
        max_inside(v, x, y, NULL, 3, from, to);
}

/* Of any windows: those from .. to - 1 of a row. */
ALWAYS_INLINE void max_some(const cni_windows *v, const float *x, float *y, unsigned char *taps, bool wide, span rows,
                            int from, int to)
{
    for (int j = from; j < to; j++, y += v->c) {
        span columns = window_columns(v, j);
        int k = 0;
        for (; k + LANES <= v->c; k += LANES)
            max_one(v, x + k, y + k, taps ? taps + k : NULL, wide, rows, columns, LANES);
        if (k < v->c) max_one(v, x + k, y + k, taps ? taps + k : NULL, wide, rows, columns, v->c - k);
        if (taps) taps += (wide ? 2 : 1) * v->c;
    }
}

static bool has_inside(const cni_windows *v)
{
    return v->window[0] == v->window[1] && (v->window[0] == 2 || v->window[0] == 3);
}

/* The windows of a row from the first whose columns are all inside on, and one past the last. */
static span columns_inside(const cni_windows *v)
{
    const int first = (v->left + v->strides[1] - 1) / v->strides[1];
    const int room = v->w + v->left - v->window[1], last = room < 0 ? 0 : room / v->strides[1] + 1;
    const int end = last < v->ow ? last : v->ow;
    return (span){first < end ? first : 0, first < end ? end : 0, 0};
}

ALWAYS_INLINE void max_rows(const cni_windows *v, const float *x, float *y, unsigned char *taps, bool wide, int first,
                            int last)
{
    const size_t pooled = (size_t)v->ow * v->c, of_taps = pooled * (wide ? 2 : 1), tap = (wide ? 2 : 1) * (size_t)v->c;
    const span inside = !wide && has_inside(v) ? columns_inside(v) : (span){0, 0, 0};
    for (int i = first; i < last; i++) {
        const span rows = window_rows(v, i);
        const bool whole = rows.last - rows.first == v->window[0];
        const int from = whole ? inside.first : 0, to = whole ? inside.last : 0;
        float *to_y = y + (size_t)i * pooled;
        unsigned char *to_taps = taps ? taps + (size_t)i * of_taps : NULL;
        if (from < to)
            max_row_inside(v, x, to_y + (size_t)from * v->c, taps ? to_taps + (size_t)from * tap : NULL, rows, from,
                           to);
        max_some(v, x, to_y, to_taps, wide, rows, 0, from);
        max_some(v, x, to_y + (size_t)to * v->c, taps ? to_taps + (size_t)to * tap : NULL, wide, rows, to, v->ow);
    }
}

static void max(const cni_windows *v, const void *x, void *y, unsigned char *taps, int first, int last)
{
    if (!taps)
        max_rows(v, x, y, NULL, false, first, last);
    else if (cni_wide_taps(v))
        max_rows(v, x, y, taps, true, first, last);
    else
        max_rows(v, x, y, taps, false, first, last);
}

/* The windows that cover one cell, one vector of channels. */
ALWAYS_INLINE lanes gather_max(const cni_windows *v, const float *dy, const unsigned char *taps, bool wide, int r,
                               int s, span rows, span columns, int some)
{
    lanes sum = {0};
    for (int i = rows.first; i < rows.last; i++)
        for (int j = columns.first; j < columns.last; j++) {
            size_t at = ((size_t)i * v->ow + j) * v->c;
            mask tap = load_bytes(taps + (wide ? 2 : 1) * at, some);
            if (wide) tap |= load_bytes(taps + 2 * at + v->c, some) << 8;
            mask taken = (mask)(tap == splat_int(tap_of(v, r, s, i, j)));
            sum += (lanes)(taken & (mask)take(dy + at, some));
        }
    return sum;
}

ALWAYS_INLINE void max_gradient_rows(const cni_windows *v, const float *dy, const unsigned char *taps, bool wide,
                                     float *dx, int first, int last)
{
    dx += (size_t)first * v->w * v->c;
    for (int r = first; r < last; r++) {
        span rows = covering_rows(v, r), columns = {0, 0, 0};
        for (int s = 0; s < v->w; s++, dx += v->c) {
            move_on(v, s, &columns);
            int k = 0;
            for (; k + LANES <= v->c; k += LANES)
                put(dx + k, gather_max(v, dy + k, taps + k, wide, r, s, rows, columns, LANES), LANES);
            if (k < v->c) put(dx + k, gather_max(v, dy + k, taps + k, wide, r, s, rows, columns, v->c - k), v->c - k);
        }
    }
}

/* ---- windows of 3 x 3, two apart ----
 *
 * Of two cells side by side the first is in the windows j - 1 (their last column) and j, the second in the middle of j:
 *
 *     j-1:  0 1 2
 *     j:        0 1 2        a row of cells is in one row of windows, or in two
 *               ^ ^ */

typedef struct covering_row {
    const float *dy;
    const unsigned char *taps; /* of window j, like dy */
    int tap;                   /* of the window's first cell in this row of cells */
} covering_row;

ALWAYS_INLINE lanes given_by(const covering_row *row, ptrdiff_t at, int tap, int some)
{
    return (lanes)((mask)(load_bytes(row->taps + at, some) == splat_int(tap)) & (mask)take(row->dy + at, some));
}

ALWAYS_INLINE void gather_two(const covering_row *windows, int rows, int c, ptrdiff_t at, float *dx, int some)
{
    lanes first = {0}, second = {0};
    UNROLL for (int i = 0; i < rows; i++)
    {
        const covering_row *row = &windows[i];
        const lanes dy = take(row->dy + at, some);
        const mask tap = load_bytes(row->taps + at, some);
        first += given_by(row, at - c, row->tap + 2, some);
        first += (lanes)((mask)(tap == splat_int(row->tap)) & (mask)dy);
        second += (lanes)((mask)(tap == splat_int(row->tap + 1)) & (mask)dy);
    }
    put(dx, first, some);
    put(dx + c, second, some);
}

ALWAYS_INLINE void gather_pairs(const covering_row *windows, int rows, int c, int from, int to, float *dx)
{
    for (int j = from; j < to; j++, dx += 2 * c) {
        const ptrdiff_t at = (ptrdiff_t)j * c;
        int k = 0;
        for (; k + LANES <= c; k += LANES) gather_two(windows, rows, c, at + k, dx + k, LANES);
        if (k < c) gather_two(windows, rows, c, at + k, dx + k, c - k);
    }
}

static void gather_cells(const cni_windows *v, const float *dy, const unsigned char *taps, float *dx, int r, int from,
                         int to)
{
    const span rows = covering_rows(v, r);
    for (int s = from; s < to; s++) {
        const span columns = covering_columns(v, s);
        float *cell = dx + (size_t)s * v->c;
        int k = 0;
        for (; k + LANES <= v->c; k += LANES)
            put(cell + k, gather_max(v, dy + k, taps + k, false, r, s, rows, columns, LANES), LANES);
        if (k < v->c) put(cell + k, gather_max(v, dy + k, taps + k, false, r, s, rows, columns, v->c - k), v->c - k);
    }
}

static bool are_threes(const cni_windows *v)
{
    return v->window[0] == 3 && v->window[1] == 3 && v->strides[0] == 2 && v->strides[1] == 2;
}

static void gather_threes(const cni_windows *v, const float *dy, const unsigned char *taps, float *dx, int first,
                          int last)
{
    const int from = 1 + v->left / 2, both = (v->w + v->left) / 2; /* windows whose pair of cells is inside */
    const int to = both < v->ow ? both : v->ow;
    for (int r = first; r < last; r++) {
        float *row = dx + (size_t)r * v->w * v->c;
        const span rows = covering_rows(v, r);
        covering_row windows[2];
        for (int i = rows.first; i < rows.last; i++) {
            const size_t at = (size_t)i * v->ow * v->c;
            windows[i - rows.first] = (covering_row){dy + at, taps + at, tap_of(v, r, -v->left, i, 0)};
        }
        if (from >= to || rows.first >= rows.last) {
            gather_cells(v, dy, taps, row, r, 0, v->w);
            continue;
        }
        float *cells = row + (size_t)(2 * from - v->left) * v->c;
        if (rows.last - rows.first == 1)
            gather_pairs(windows, 1, v->c, from, to, cells);
        else
            gather_pairs(windows, 2, v->c, from, to, cells);
        gather_cells(v, dy, taps, row, r, 0, 2 * from - v->left);
        gather_cells(v, dy, taps, row, r, 2 * to - v->left, v->w);
    }
}

/* Where no cell is in two windows: each window's taps and dy are read once for each row of it. */

ALWAYS_INLINE void spread_window(const cni_windows *v, const float *dy, const unsigned char *taps, float *dx, int cells,
                                 int tap, int some)
{
    lanes given = take(dy, some);
    mask taken = load_bytes(taps, some);
    for (int s = 0; s < cells; s++, dx += v->c)
        put(dx, (lanes)((mask)(taken == splat_int(tap + s)) & (mask)given), some);
}

/* Windows of 2 x 2, both rows of which are written. */
ALWAYS_INLINE void spread_square(const float *dy, const unsigned char *taps, float *dx, size_t row, int c, int some)
{
    const lanes given = take(dy, some);
    const mask taken = load_bytes(taps, some);
    UNROLL for (int tap = 0; tap < 4; tap++)
    {
        float *cell = dx + (size_t)(tap / 2) * row + (size_t)(tap % 2) * (size_t)c;
        put(cell, (lanes)((mask)(taken == splat_int(tap)) & (mask)given), some);
    }
}

static void spread_squares(const cni_windows *v, const float *dy, const unsigned char *taps, float *dx)
{
    const size_t row = (size_t)v->w * v->c;
    const int c = v->c;
    for (int j = 0; j < v->ow; j++, dy += c, taps += c, dx += 2 * c) {
        int k = 0;
        __builtin_prefetch(dy + AHEAD);
        for (; k + LANES <= c; k += LANES) spread_square(dy + k, taps + k, dx + k, row, c, LANES);
        if (k < c) spread_square(dy + k, taps + k, dx + k, row, c, c - k);
    }
    for (int r = 0; r < 2 && v->w > 2 * v->ow; r++, dx += row)
        memset(dx, 0, (size_t)(v->w - 2 * v->ow) * (size_t)c * sizeof *dx);
}

static bool are_squares(const cni_windows *v)
{
    return v->window[0] == 2 && v->window[1] == 2 && v->strides[0] == 2 && v->strides[1] == 2 && !v->top && !v->left &&
           v->w >= 2 * v->ow;
}

static void max_gradient_row(const cni_windows *v, const float *dy, const unsigned char *taps, float *dx, int r)
{
    const bool gaps = v->strides[1] > v->window[1] || (v->ow - 1) * v->strides[1] - v->left + v->window[1] < v->w;
    const span rows = covering_rows(v, r);
    float *row = dx + (size_t)r * v->w * v->c;
    if (gaps || rows.first >= rows.last) memset(row, 0, (size_t)v->w * v->c * sizeof *row);
    if (rows.first >= rows.last) return;
    for (int j = 0; j < v->ow; j++) {
        const span columns = window_columns(v, j);
        const size_t at = ((size_t)rows.first * v->ow + j) * v->c;
        const int tap = tap_of(v, r, columns.first, rows.first, j), cells = columns.last - columns.first;
        float *to = row + (size_t)columns.first * v->c;
        int k = 0;
        for (; k + LANES <= v->c; k += LANES) spread_window(v, dy + at + k, taps + at + k, to + k, cells, tap, LANES);
        if (k < v->c) spread_window(v, dy + at + k, taps + at + k, to + k, cells, tap, v->c - k);
    }
}

static void max_gradient_apart(const cni_windows *v, const float *dy, const unsigned char *taps, float *dx, int first,
                               int last)
{
    const bool squares = are_squares(v);
    for (int r = first; r < last; r++) {
        if (squares && r % 2 == 0 && r + 1 < last && r / 2 < v->oh) {
            const size_t at = (size_t)(r / 2) * v->ow * v->c;
            spread_squares(v, dy + at, taps + at, dx + (size_t)r * v->w * v->c);
            r++;
        } else {
            max_gradient_row(v, dy, taps, dx, r);
        }
    }
}

static void max_gradient(const cni_windows *v, const void *dy, const unsigned char *taps, void *dx, int first, int last)
{
    if (!cni_wide_taps(v) && v->strides[0] >= v->window[0] && v->strides[1] >= v->window[1])
        max_gradient_apart(v, dy, taps, dx, first, last);
    else if (are_threes(v))
        gather_threes(v, dy, taps, dx, first, last);
    else if (cni_wide_taps(v))
        max_gradient_rows(v, dy, taps, true, dx, first, last);
    else
        max_gradient_rows(v, dy, taps, false, dx, first, last);
}

ALWAYS_INLINE lanes window_sum(const cni_windows *v, const float *x, span rows, span columns, int some)
{
    lanes sum = {0};
    for (int r = rows.first; r < rows.last; r++) {
        const float *cell = x + ((size_t)r * v->w + columns.first) * v->c;
        for (int s = columns.first; s < columns.last; s++, cell += v->c) sum += take(cell, some);
    }
    return sum;
}

static void average(const cni_windows *v, const void *x, void *y, int first, int last)
{
    float *to = (float *)y + (size_t)first * v->ow * v->c;
    for (int i = first; i < last; i++) {
        span rows = window_rows(v, i);
        for (int j = 0; j < v->ow; j++, to += v->c) {
            span columns = window_columns(v, j);
            lanes cells = splat((float)cells_of(v, i, j));
            int k = 0;
            for (; k + LANES <= v->c; k += LANES)
                put(to + k, window_sum(v, (const float *)x + k, rows, columns, LANES) / cells, LANES);
            if (k < v->c) put(to + k, window_sum(v, (const float *)x + k, rows, columns, v->c - k) / cells, v->c - k);
        }
    }
}

ALWAYS_INLINE lanes gather_average(const cni_windows *v, const float *dy, span rows, span columns, int some)
{
    lanes sum = {0};
    for (int i = rows.first; i < rows.last; i++)
        for (int j = columns.first; j < columns.last; j++)
            sum += take(dy + ((size_t)i * v->ow + j) * v->c, some) / splat((float)cells_of(v, i, j));
    return sum;
}

/* A square of 2 x 2 cells gets a quarter each. */
ALWAYS_INLINE void share_square(const float *dy, float *dx, size_t row, int c, int some)
{
    const lanes each = take(dy, some) * 0.25f;
    UNROLL for (int cell = 0; cell < 4; cell++)
        put(dx + (size_t)(cell / 2) * row + (size_t)(cell % 2) * (size_t)c, each, some);
}

static void share_squares(const cni_windows *v, const float *dy, float *dx)
{
    const size_t row = (size_t)v->w * v->c;
    const int c = v->c;
    for (int j = 0; j < v->ow; j++, dy += c, dx += 2 * c) {
        int k = 0;
        for (; k + LANES <= c; k += LANES) share_square(dy + k, dx + k, row, c, LANES);
        if (k < c) share_square(dy + k, dx + k, row, c, c - k);
    }
}

static void average_gradient_rows(const cni_windows *v, const void *dy, void *dx, int first, int last)
{
    float *to = (float *)dx + (size_t)first * v->w * v->c;
    for (int r = first; r < last; r++) {
        span rows = covering_rows(v, r), columns = {0, 0, 0};
        for (int s = 0; s < v->w; s++, to += v->c) {
            move_on(v, s, &columns);
            int k = 0;
            for (; k + LANES <= v->c; k += LANES)
                put(to + k, gather_average(v, (const float *)dy + k, rows, columns, LANES), LANES);
            if (k < v->c) put(to + k, gather_average(v, (const float *)dy + k, rows, columns, v->c - k), v->c - k);
        }
    }
}

static void average_gradient(const cni_windows *v, const void *dy, void *dx, int first, int last)
{
    const bool squares = are_squares(v) && v->w == 2 * v->ow;
    const size_t row = (size_t)v->w * v->c;
    for (int r = first; r < last; r++) {
        if (squares && r % 2 == 0 && r + 1 < last && r / 2 < v->oh) {
            share_squares(v, (const float *)dy + (size_t)(r / 2) * v->ow * v->c, (float *)dx + (size_t)r * row);
            r++;
        } else {
            average_gradient_rows(v, dy, dx, r, r + 1);
        }
    }
}

/* Global: `vectors` vectors of channels at a time, down all cells. */

enum { AT_ONCE = 4 };

ALWAYS_INLINE void sum_cells(const float *x, size_t cells, int c, float *y, int vectors, int some)
{
    lanes sum[AT_ONCE] = {{0}};
    for (size_t i = 0; i < cells; i++, x += c)
        UNROLL for (int j = 0; j < vectors; j++) sum[j] += take(x + j * LANES, some);
    UNROLL for (int j = 0; j < vectors; j++) put(y + j * LANES, sum[j] / splat((float)cells), some);
}

static void global_mean(const void *x, size_t cells, int c, void *y)
{
    int k = 0;
    for (; k + AT_ONCE * LANES <= c; k += AT_ONCE * LANES)
        sum_cells((const float *)x + k, cells, c, (float *)y + k, AT_ONCE, LANES);
    for (; k + LANES <= c; k += LANES) sum_cells((const float *)x + k, cells, c, (float *)y + k, 1, LANES);
    if (k < c) sum_cells((const float *)x + k, cells, c, (float *)y + k, 1, c - k);
}

ALWAYS_INLINE void max_cells(const float *x, size_t cells, int c, float *y, int some)
{
    lanes best = take(x, some);
    for (size_t i = 1; i < cells; i++) {
        lanes value = take(x + i * (size_t)c, some);
        best = choose(beats(value, best), value, best);
    }
    put(y, best, some);
}

static void global_max(const void *x, size_t cells, int c, void *y)
{
    int k = 0;
    for (; k + LANES <= c; k += LANES) max_cells((const float *)x + k, cells, c, (float *)y + k, LANES);
    if (k < c) max_cells((const float *)x + k, cells, c, (float *)y + k, c - k);
}

ALWAYS_INLINE void spread(const float *dy, size_t cells, int c, float *dx, int some)
{
    lanes each = take(dy, some) / splat((float)cells);
    for (size_t i = 0; i < cells; i++) put(dx + i * (size_t)c, each, some);
}

static void global_mean_gradient(const void *dy, size_t cells, int c, void *dx)
{
    int k = 0;
    for (; k + LANES <= c; k += LANES) spread((const float *)dy + k, cells, c, (float *)dx + k, LANES);
    if (k < c) spread((const float *)dy + k, cells, c, (float *)dx + k, c - k);
}

ALWAYS_INLINE void spread_max(const float *x, const float *y, const float *dy, size_t cells, int c, float *dx, int some)
{
    lanes best = take(y, some), equal = {0}, one = splat(1);
    for (size_t i = 0; i < cells; i++) equal += (lanes)((mask)(take(x + i * (size_t)c, some) == best) & (mask)one);
    lanes each = take(dy, some) / equal;
    for (size_t i = 0; i < cells; i++)
        put(dx + i * (size_t)c, (lanes)((mask)(take(x + i * (size_t)c, some) == best) & (mask)each), some);
}

static void global_max_gradient(const void *x, const void *y, const void *dy, size_t cells, int c, void *share,
                                void *dx)
{
    (void)share;
    const float *from = x, *best = y, *given = dy;
    float *to = dx;
    int k = 0;
    for (; k + LANES <= c; k += LANES) spread_max(from + k, best + k, given + k, cells, c, to + k, LANES);
    if (k < c) spread_max(from + k, best + k, given + k, cells, c, to + k, c - k);
}

void CNI_FOR_ISA(cni_pooling_part)(cni_pooling_kernels *kernels)
{
    *kernels = (cni_pooling_kernels){.max = max,
                                     .max_gradient = max_gradient,
                                     .average = average,
                                     .average_gradient = average_gradient,
                                     .global_mean = global_mean,
                                     .global_max = global_max,
                                     .global_mean_gradient = global_mean_gradient,
                                     .global_max_gradient = global_max_gradient};
}
