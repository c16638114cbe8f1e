/* SPDX-License-Identifier: Apache-2.0
 * Pooling with vectors over channels: one pass, each cell read as often as windows cover it. */
#include "kernels/pooling/pooling_kernels.h"
#include "kernels/pooling/pooling_spans.h"
#include "kernels/vector.h"

typedef unsigned char bytes __attribute__((vector_size(LANES)));
typedef unsigned char loose_bytes __attribute__((vector_size(LANES), aligned(1), may_alias));

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

/* Taps as bytes and as what can be compared. */
ALWAYS_INLINE mask take_taps(const unsigned char *p, int some)
{
    bytes v = {0};
    if (some < LANES)
        memcpy(&v, p, (size_t)some);
    else
        v = *(const loose_bytes *)p;
#if defined(__AVX512F__) /* gcc 12 widens one lane at a time */
    return (mask)_mm512_cvtepu8_epi32((__m128i)v);
#elif defined(__AVX2__)
    return (mask)_mm256_cvtepu8_epi32(_mm_set_epi64x(0, (int64_t)v));
#else
    return __builtin_convertvector(v, mask);
#endif
}

ALWAYS_INLINE void put_taps(unsigned char *p, mask taps, int some)
{
#if defined(__AVX512F__)
    bytes v = (bytes)_mm512_cvtepi32_epi8((__m512i)taps);
#elif defined(__AVX2__)
    __m256i low = _mm256_shuffle_epi8((__m256i)taps, _mm256_set1_epi32(0x0c080400)); /* to the front of each half */
    __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    bytes v = (bytes)(int64_t)_mm_cvtsi128_si64(both);
#else
    bytes v = __builtin_convertvector(taps, bytes);
#endif
    if (some < LANES)
        memcpy(p, &v, (size_t)some);
    else
        *(loose_bytes *)p = v;
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
    put_taps(taps, tap & splat_int(255), some);
    if (wide) put_taps(taps + v->c, tap >> 8, some);
}

ALWAYS_INLINE void max_rows(const cni_windows *v, const float *x, float *y, unsigned char *taps, bool wide, int first,
                            int last)
{
    y += (size_t)first * v->ow * v->c;
    if (taps) taps += (size_t)first * v->ow * v->c * (wide ? 2 : 1);
    for (int i = first; i < last; i++) {
        span rows = window_rows(v, i);
        for (int j = 0; j < v->ow; j++, y += v->c) {
            span columns = window_columns(v, j);
            int k = 0;
            for (; k + LANES <= v->c; k += LANES)
                max_one(v, x + k, y + k, taps ? taps + k : NULL, wide, rows, columns, LANES);
            if (k < v->c) max_one(v, x + k, y + k, taps ? taps + k : NULL, wide, rows, columns, v->c - k);
            if (taps) taps += (wide ? 2 : 1) * v->c;
        }
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
            mask tap = take_taps(taps + (wide ? 2 : 1) * at, some);
            if (wide) tap |= take_taps(taps + 2 * at + v->c, some) << 8;
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

/* Where no cell is in two windows: each window's taps and dy are read once for each row of it. */

ALWAYS_INLINE void spread_window(const cni_windows *v, const float *dy, const unsigned char *taps, float *dx, int cells,
                                 int tap, int some)
{
    lanes given = take(dy, some);
    mask taken = take_taps(taps, some);
    for (int s = 0; s < cells; s++, dx += v->c)
        put(dx, (lanes)((mask)(taken == splat_int(tap + s)) & (mask)given), some);
}

static void max_gradient_apart(const cni_windows *v, const float *dy, const unsigned char *taps, float *dx, int first,
                               int last)
{
    bool gaps = v->strides[1] > v->window[1] || (v->ow - 1) * v->strides[1] - v->left + v->window[1] < v->w;
    for (int r = first; r < last; r++) {
        span rows = covering_rows(v, r);
        float *row = dx + (size_t)r * v->w * v->c;
        if (gaps || rows.first >= rows.last) memset(row, 0, (size_t)v->w * v->c * sizeof *row);
        if (rows.first >= rows.last) continue;
        for (int j = 0; j < v->ow; j++) {
            span columns = window_columns(v, j);
            size_t at = ((size_t)rows.first * v->ow + j) * v->c;
            int tap = tap_of(v, r, columns.first, rows.first, j), cells = columns.last - columns.first, k = 0;
            float *to = row + (size_t)columns.first * v->c;
            for (; k + LANES <= v->c; k += LANES)
                spread_window(v, dy + at + k, taps + at + k, to + k, cells, tap, LANES);
            if (k < v->c) spread_window(v, dy + at + k, taps + at + k, to + k, cells, tap, v->c - k);
        }
    }
}

static void max_gradient(const cni_windows *v, const void *dy, const unsigned char *taps, void *dx, int first, int last)
{
    if (!cni_wide_taps(v) && v->strides[0] >= v->window[0] && v->strides[1] >= v->window[1])
        max_gradient_apart(v, dy, taps, dx, first, last);
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

static void average_gradient(const cni_windows *v, const void *dy, void *dx, int first, int last)
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
