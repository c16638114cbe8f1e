/* SPDX-License-Identifier: Apache-2.0
 * Batch normalization, vectors of channels: memory is read once and in its order, and the sums of a panel of channels
 * stay in the first cache.  BLOCK rows make a part and the parts a total, so that rounding errors grow slowly.  ROWS
 * rows are taken at a time, so that what there is for each channel is not loaded again for each number; of two matrices
 * only where they are NARROW. */
#include "kernels/finish_vector.h"
#include "kernels/joined_rows.h"
#include "kernels/normalization/normalization.h"

enum { BLOCK = 64, PANEL = 1024, AHEAD = 1024, ROWS = 4, NARROW = 320, FIRST = 16 };

ALWAYS_INLINE void store_at(float *p, lanes v, int some)
{
    if (some >= LANES)
        store(p, v);
    else
        store_some(p, v, some);
}

/* Calls f for each vector of columns: f(arguments ..., column, lanes of it). */
#define FOR_COLUMNS(width, f, ...)                                                                                     \
    do {                                                                                                               \
        size_t column_ = 0;                                                                                            \
        for (; column_ + LANES <= (width); column_ += LANES) f(__VA_ARGS__, column_, LANES);                           \
        if (column_ < (width)) f(__VA_ARGS__, column_, (int)((width)-column_));                                        \
    } while (0)

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A panel of a matrix: `width` of its `pitch` columns.  Processors fetch ahead too late where there is more to do with
 * a number than to add it; `ahead` is from where to where they are told. */
typedef struct panel {
    size_t width, pitch, ahead;
} panel;

static panel panel_of(size_t c, size_t first)
{
    const size_t width = least(c - first, PANEL);
    return (panel){width, c, width == c ? AHEAD : c};
}

ALWAYS_INLINE lanes fetch(const float *p, panel at, int some)
{
    __builtin_prefetch(p + at.ahead);
    return load_at(p, 0, some);
}

/* Of ROWS rows: memory is asked for in its order, where the panel is all of a row, and not in that of reading. */
ALWAYS_INLINE void ask(const float *rows, panel at, size_t column)
{
    const float *from = at.width == at.pitch ? rows + at.ahead + ROWS * column : rows + ROWS * at.pitch + column;
    const size_t step = at.width == at.pitch ? LANES : at.pitch;
    UNROLL for (size_t i = 0; i < ROWS; i++) __builtin_prefetch(from + i * step);
}

/* Two sums for each channel of a panel. */
typedef struct sums {
    _Alignas(CNI_VECTOR_BYTES) float first[PANEL], second[PANEL];
} sums;

static void clear(float *first, float *second, size_t width)
{
    memset(first, 0, width * sizeof(float));
    memset(second, 0, width * sizeof(float));
}

ALWAYS_INLINE void add_to(float *sum, lanes value, size_t column, int some)
{
    store_at(sum + column, load_at(sum, (ptrdiff_t)column, some) + value, some);
}

/* ---- moments, read once ----
 *
 * The sums s of d = x - mean and q of d^2 are taken with the mean of the rows before:  mean' = mean + s / n' and
 * m2' = m2 + q - s^2 / n', n' being the rows so far.  What cancels in q - s^2 / n' is what the variance itself gains
 * when the mean moves, so no digits are lost.  What a mean has lost by rounding belongs to the next s.  The mean of the
 * FIRST rows is taken before. */

ALWAYS_INLINE void add_number(const float *x, sums *s, size_t column, int some)
{
    add_to(s->first, load_at(x, (ptrdiff_t)column, some), column, some);
}

ALWAYS_INLINE void add_distance(const float *x, panel at, const float *mean, sums *s, size_t column, int some)
{
    const lanes d = fetch(x + column, at, some) - load_at(mean, (ptrdiff_t)column, some);
    add_to(s->first, d, column, some);
    add_to(s->second, d * d, column, some);
}

ALWAYS_INLINE void add_distances(const float *x, panel at, const float *mean, sums *s, size_t column, int some)
{
    const lanes from = load_at(mean, (ptrdiff_t)column, some);
    ask(x, at, column);
    x += column;
    const lanes a = load_at(x, 0, some) - from, b = load_at(x + at.pitch, 0, some) - from;
    const lanes c = load_at(x + 2 * at.pitch, 0, some) - from, d = load_at(x + 3 * at.pitch, 0, some) - from;
    add_to(s->first, (a + b) + (c + d), column, some);
    add_to(s->second, multiply_add(a, a, b * b) + multiply_add(c, c, d * d), column, some);
}

ALWAYS_INLINE void begin_moments(const sums *s, float *mean, float *m2, float *lost, float share, size_t column,
                                 int some)
{
    store_at(lost + column, (lanes){0}, some);
    store_at(mean + column, load_at(s->first, (ptrdiff_t)column, some) * share, some);
    store_at(m2 + column, (lanes){0}, some);
}

ALWAYS_INLINE void end_block(const sums *s, float *mean, float *m2, float *lost, float before, float share,
                             size_t column, int some)
{
    const ptrdiff_t at = (ptrdiff_t)column;
    const lanes sum = load_at(s->first, at, some) + before * load_at(lost, at, some), moved = sum * share;
    const lanes gained = vector_relu(load_at(s->second, at, some) - sum * moved);
    const lanes old = load_at(mean, at, some), new = old + moved;
    store_at(mean + column, new, some);
    store_at(lost + column, moved - (new - old), some);
    store_at(m2 + column, load_at(m2, at, some) + gained, some);
}

/* The mean itself is mean + lost. */
static void panel_moments(const float *x, panel at, float *mean, float *m2, float *lost, size_t rows)
{
    sums s;
    const size_t first = least(rows, FIRST);
    clear(s.first, s.second, at.width);
    for (size_t r = 0; r < first; r++) FOR_COLUMNS(at.width, add_number, x + r * at.pitch, &s);
    FOR_COLUMNS(at.width, begin_moments, &s, mean, m2, lost, 1.0f / (float)first);
    for (size_t begin = 0; begin < rows; begin += BLOCK) {
        const size_t end = least(begin + BLOCK, rows);
        clear(s.first, s.second, at.width);
        size_t r = begin;
        for (; r + ROWS <= end; r += ROWS) FOR_COLUMNS(at.width, add_distances, x + r * at.pitch, at, mean, &s);
        for (; r < end; r++) FOR_COLUMNS(at.width, add_distance, x + r * at.pitch, at, mean, &s);
        FOR_COLUMNS(at.width, end_block, &s, mean, m2, lost, (float)begin, 1.0f / (float)end);
    }
}

/* Chan, Golub & LeVeque 1983 */
ALWAYS_INLINE void join_column(float *mean, float *m2, const float *mean_b, const float *m2_b, float share, float both,
                               size_t column, int some)
{
    const ptrdiff_t at = (ptrdiff_t)column;
    const lanes own = load_at(mean, at, some), distance = load_at(mean_b, at, some) - own;
    const lanes sum = load_at(m2, at, some) + load_at(m2_b, at, some);
    store_at(mean + column, own + distance * share, some);
    store_at(m2 + column, sum + distance * distance * both, some);
}

static void join_moments(double count_a, void *mean, void *m2, double count_b, const void *mean_b, const void *m2_b,
                         size_t c)
{
    const float share = (float)(count_b / (count_a + count_b)), both = (float)(count_a * count_b / (count_a + count_b));
    FOR_COLUMNS(c, join_column, mean, m2, mean_b, m2_b, share, both);
}

/* Moments of the columns of long rows, which have equally many numbers, as those of c columns; in double, since means
 * of few numbers differ. */
static void fold_moments(const sums *of, const float *lost, size_t rows, size_t c, size_t joined, float *mean,
                         float *m2)
{
    double all[JOINED_COLUMNS], far[JOINED_COLUMNS];
    for (size_t k = 0; k < c; k++) all[k] = far[k] = 0;
    for (size_t i = 0; i < joined * c; i += c)
        for (size_t k = 0; k < c; k++) all[k] += (double)of->first[i + k] + (double)lost[i + k];
    for (size_t k = 0; k < c; k++) all[k] /= (double)joined;
    for (size_t i = 0; i < joined * c; i += c)
        for (size_t k = 0; k < c; k++) {
            const double d = (double)of->first[i + k] + (double)lost[i + k] - all[k];
            far[k] += (double)of->second[i + k] + d * d * (double)rows;
        }
    for (size_t k = 0; k < c; k++) mean[k] = (float)all[k];
    for (size_t k = 0; k < c; k++) m2[k] = (float)far[k];
}

static void joined_moments(const float *x, float *mean, float *m2, size_t rows, size_t c, size_t joined)
{
    const size_t long_rows = rows / joined, width = joined * c, rest = rows % joined;
    sums s;
    _Alignas(CNI_VECTOR_BYTES) float lost[PANEL];
    panel_moments(x, panel_of(width, 0), s.first, s.second, lost, long_rows);
    fold_moments(&s, lost, long_rows, c, joined, mean, m2);
    if (!rest) return;
    panel_moments(x + long_rows * width, panel_of(c, 0), s.first, s.second, lost, rest);
    join_moments((double)(long_rows * joined), mean, m2, (double)rest, s.first, s.second, c);
}

static void moments(const void *x, void *mean, void *m2, size_t rows, size_t c)
{
    const size_t joined = joined_rows(rows, c);
    _Alignas(CNI_VECTOR_BYTES) float lost[PANEL];
    if (joined > 1) {
        joined_moments(x, mean, m2, rows, c, joined);
        return;
    }
    for (size_t i = 0; i < c; i += PANEL)
        panel_moments((const float *)x + i, panel_of(c, i), (float *)mean + i, (float *)m2 + i, lost, rows);
}

/* ---- gradients ---- */

/* What there is of a gate; constants where they are inlined.  BOUND: a relu with an end, as relu6. */
typedef enum gating { OPEN, RELU, BOUND, CLAMP, GATINGS } gating;

static gating gating_of(const cni_gate *gate)
{
    if (!gate) return OPEN;
    if (gate->slope != 0 || gate->zero_passes) return CLAMP;
    return gate->most > 3e38 ? RELU : BOUND;
}

/* What comes back, and what there is for each channel; it may be repeated. */
typedef struct way_back {
    const float *x, *dy, *mean, *gate_scale, *gate_shift;
    float slope, most;
    bool zero_passes;
    const float *a, *b, *constant; /* of a combination */
} way_back;

static way_back way_of(const float *x, const float *dy, const cni_gate *gate, const float *mean)
{
    way_back w = {.x = x, .dy = dy, .mean = mean};
    if (gate) {
        w.gate_scale = gate->scale;
        w.gate_shift = gate->shift;
        w.slope = (float)gate->slope;
        w.most = (float)gate->most;
        w.zero_passes = gate->zero_passes;
    }
    return w;
}

typedef struct repeats {
    _Alignas(CNI_VECTOR_BYTES) float mean[JOINED_COLUMNS], scale[JOINED_COLUMNS], shift[JOINED_COLUMNS],
        a[JOINED_COLUMNS], b[JOINED_COLUMNS], constant[JOINED_COLUMNS];
} repeats;

static way_back joined_way(way_back w, size_t c, size_t joined, repeats *to)
{
    w.mean = repeated(w.mean, c, joined, to->mean);
    w.gate_scale = repeated(w.gate_scale, c, joined, to->scale);
    w.gate_shift = repeated(w.gate_shift, c, joined, to->shift);
    w.a = repeated(w.a, c, joined, to->a);
    w.b = repeated(w.b, c, joined, to->b);
    w.constant = repeated(w.constant, c, joined, to->constant);
    return w;
}

/* What there is for a vector of channels. */
typedef struct channels {
    lanes gate_scale, gate_shift, mean, a, b, constant;
} channels;

ALWAYS_INLINE lanes load_gate(const float *p, gating how, size_t column, int some)
{
    return how == OPEN ? (lanes){0} : load_at(p, (ptrdiff_t)column, some);
}

ALWAYS_INLINE lanes through(const way_back *w, gating how, const channels *at, lanes x, lanes dy)
{
    if (how == OPEN) return dy;
    const lanes v = multiply_add(x, at->gate_scale, at->gate_shift);
    if (how == RELU) return choose((mask)(v > (lanes){0}), dy, (lanes){0});
    if (how == BOUND)
        return choose((mask)(v > (lanes){0}), choose((mask)(v >= splat(w->most)), (lanes){0}, dy), (lanes){0});
    mask passes = (mask)(v > (lanes){0});
    if (w->zero_passes) passes |= (mask)(v == (lanes){0});
    return choose((mask)(v >= splat(w->most)), (lanes){0}, choose(passes, dy, dy * w->slope));
}

/* Adds g and its distance from the mean times g, of one number. */
ALWAYS_INLINE void add_one(const way_back *w, gating how, const channels *of, size_t cell, lanes *first, lanes *second,
                           int some)
{
    const lanes x = load_at(w->x + cell, 0, some), g = through(w, how, of, x, load_at(w->dy + cell, 0, some));
    *first += g;
    *second = multiply_add(g, x - of->mean, *second);
}

ALWAYS_INLINE channels summed_channels(const way_back *w, gating how, size_t column, int some)
{
    return (channels){.gate_scale = load_gate(w->gate_scale, how, column, some),
                      .gate_shift = load_gate(w->gate_shift, how, column, some),
                      .mean = load_at(w->mean, (ptrdiff_t)column, some)};
}

ALWAYS_INLINE void add_gradient(const way_back *w, gating how, panel at, size_t cell, sums *s, size_t column, int some)
{
    const channels of = summed_channels(w, how, column, some);
    lanes first = load_at(s->first, (ptrdiff_t)column, some), second = load_at(s->second, (ptrdiff_t)column, some);
    __builtin_prefetch(w->x + cell + column + at.ahead);
    __builtin_prefetch(w->dy + cell + column + at.ahead);
    add_one(w, how, &of, cell + column, &first, &second, some);
    store_at(s->first + column, first, some);
    store_at(s->second + column, second, some);
}

/* Of ROWS rows. */
ALWAYS_INLINE void add_gradients(const way_back *w, gating how, panel at, size_t cell, sums *s, size_t column, int some)
{
    const channels of = summed_channels(w, how, column, some);
    lanes first = load_at(s->first, (ptrdiff_t)column, some), second = load_at(s->second, (ptrdiff_t)column, some);
    ask(w->x + cell, at, column);
    ask(w->dy + cell, at, column);
    add_one(w, how, &of, cell + column, &first, &second, some);
    add_one(w, how, &of, cell + column + at.pitch, &first, &second, some);
    add_one(w, how, &of, cell + column + 2 * at.pitch, &first, &second, some);
    add_one(w, how, &of, cell + column + 3 * at.pitch, &first, &second, some);
    store_at(s->first + column, first, some);
    store_at(s->second + column, second, some);
}

ALWAYS_INLINE void add_part(const sums *s, float *first, float *second, size_t column, int some)
{
    add_to(first, load_at(s->first, (ptrdiff_t)column, some), column, some);
    add_to(second, load_at(s->second, (ptrdiff_t)column, some), column, some);
}

ALWAYS_INLINE void sum_panel(const way_back *from, gating how, panel at, float *first, float *second, size_t rows)
{
    const way_back w = *from; /* a copy that no store can reach, so that it stays in registers */
    sums s;
    for (size_t begin = 0; begin < rows; begin += BLOCK) {
        const size_t end = least(begin + BLOCK, rows);
        clear(s.first, s.second, at.width);
        size_t r = begin;
        for (; at.width <= NARROW && r + ROWS <= end; r += ROWS)
            FOR_COLUMNS(at.width, add_gradients, &w, how, at, r * at.pitch, &s);
        for (; r < end; r++) FOR_COLUMNS(at.width, add_gradient, &w, how, at, r * at.pitch, &s);
        FOR_COLUMNS(at.width, add_part, &s, first, second);
    }
}

static void sum_open(const way_back *w, panel at, float *first, float *second, size_t rows)
{
    sum_panel(w, OPEN, at, first, second, rows);
}

static void sum_relu(const way_back *w, panel at, float *first, float *second, size_t rows)
{
    sum_panel(w, RELU, at, first, second, rows);
}

static void sum_bound(const way_back *w, panel at, float *first, float *second, size_t rows)
{
    sum_panel(w, BOUND, at, first, second, rows);
}

static void sum_clamp(const way_back *w, panel at, float *first, float *second, size_t rows)
{
    sum_panel(w, CLAMP, at, first, second, rows);
}

static void (*const summing[GATINGS])(const way_back *w, panel at, float *first, float *second, size_t rows) = {
    [OPEN] = sum_open, [RELU] = sum_relu, [BOUND] = sum_bound, [CLAMP] = sum_clamp};

static way_back from_column(way_back w, size_t column)
{
    w.x += column;
    w.dy += column;
    w.mean += column;
    if (w.gate_scale) w.gate_scale += column;
    if (w.gate_shift) w.gate_shift += column;
    return w;
}

static void gradient_sums(const void *x, const void *dy, const cni_gate *gate, const void *mean, void *sum_dy,
                          void *sum_dyx, size_t rows, size_t c)
{
    way_back w = way_of(x, dy, gate, mean);
    const size_t joined = joined_rows(rows, c), width = joined * c, long_rows = joined > 1 ? rows / joined : 0;
    float *first = sum_dy, *second = sum_dyx;
    clear(first, second, c);
    if (joined > 1) {
        repeats more;
        sums s;
        const way_back wide = joined_way(w, c, joined, &more);
        clear(s.first, s.second, width);
        summing[gating_of(gate)](&wide, panel_of(width, 0), s.first, s.second, long_rows);
        for (size_t i = 0; i < width; i += c) {
            for (size_t k = 0; k < c; k++) first[k] += s.first[i + k];
            for (size_t k = 0; k < c; k++) second[k] += s.second[i + k];
        }
        w.x += long_rows * width;
        w.dy += long_rows * width;
        rows -= long_rows * joined;
    }
    for (size_t i = 0; i < c; i += PANEL) {
        const way_back part = from_column(w, i);
        summing[gating_of(gate)](&part, panel_of(c, i), first + i, second + i, rows);
    }
}

ALWAYS_INLINE lanes combined(const way_back *w, gating how, bool of_relu, const channels *of, size_t cell, int some)
{
    const lanes x = load_at(w->x + cell, 0, some), g = through(w, how, of, x, load_at(w->dy + cell, 0, some));
    const lanes sum = multiply_add(of->a, g, multiply_add(of->b, x, of->constant));
    return of_relu ? choose((mask)(x > (lanes){0}), sum, (lanes){0}) : sum;
}

ALWAYS_INLINE channels combined_channels(const way_back *w, gating how, size_t column, int some)
{
    const ptrdiff_t at = (ptrdiff_t)column;
    return (channels){.gate_scale = load_gate(w->gate_scale, how, column, some),
                      .gate_shift = load_gate(w->gate_shift, how, column, some),
                      .a = load_at(w->a, at, some),
                      .b = load_at(w->b, at, some),
                      .constant = load_at(w->constant, at, some)};
}

ALWAYS_INLINE void combine_cell(const way_back *w, gating how, bool of_relu, size_t cell, float *dx, size_t column,
                                int some)
{
    const channels of = combined_channels(w, how, column, some);
    __builtin_prefetch(w->x + cell + column + AHEAD);
    __builtin_prefetch(w->dy + cell + column + AHEAD);
    store_at(dx + cell + column, combined(w, how, of_relu, &of, cell + column, some), some);
}

/* Of ROWS rows. */
ALWAYS_INLINE void combine_cells(const way_back *w, gating how, bool of_relu, panel at, size_t cell, float *dx,
                                 size_t column, int some)
{
    const channels of = combined_channels(w, how, column, some);
    ask(w->x + cell, at, column);
    ask(w->dy + cell, at, column);
    const size_t second = cell + column + at.pitch, third = second + at.pitch, fourth = third + at.pitch;
    store_at(dx + cell + column, combined(w, how, of_relu, &of, cell + column, some), some);
    store_at(dx + second, combined(w, how, of_relu, &of, second, some), some);
    store_at(dx + third, combined(w, how, of_relu, &of, third, some), some);
    store_at(dx + fourth, combined(w, how, of_relu, &of, fourth, some), some);
}

ALWAYS_INLINE void combine_rows(const way_back *from, gating how, bool of_relu, float *dx, size_t rows, size_t c)
{
    const way_back w = *from;
    const panel at = {c, c, AHEAD};
    size_t r = 0;
    for (; c <= NARROW && r + ROWS <= rows; r += ROWS) FOR_COLUMNS(c, combine_cells, &w, how, of_relu, at, r * c, dx);
    for (; r < rows; r++) FOR_COLUMNS(c, combine_cell, &w, how, of_relu, r * c, dx);
}

#define COMBINING(name, how, of_relu)                                                                                  \
    static void name(const way_back *w, float *dx, size_t rows, size_t c)                                              \
    {                                                                                                                  \
        combine_rows(w, how, of_relu, dx, rows, c);                                                                    \
    }
COMBINING(combine_open, OPEN, false)
COMBINING(combine_relu, RELU, false)
COMBINING(combine_bound, BOUND, false)
COMBINING(combine_clamp, CLAMP, false)
COMBINING(combine_open_of_relu, OPEN, true)
COMBINING(combine_relu_of_relu, RELU, true)
COMBINING(combine_bound_of_relu, BOUND, true)
COMBINING(combine_clamp_of_relu, CLAMP, true)

static void (*const combining[2][GATINGS])(const way_back *w, float *dx, size_t rows, size_t c) = {
    {[OPEN] = combine_open, [RELU] = combine_relu, [BOUND] = combine_bound, [CLAMP] = combine_clamp},
    {[OPEN] = combine_open_of_relu,
     [RELU] = combine_relu_of_relu,
     [BOUND] = combine_bound_of_relu,
     [CLAMP] = combine_clamp_of_relu}};

static void gradient_combine(const void *x, const void *dy, const cni_gate *gate, const void *a, const void *b,
                             const void *k, bool of_relu, void *dx, size_t rows, size_t c)
{
    way_back w = way_of(x, dy, gate, NULL);
    const size_t joined = joined_rows(rows, c), done = joined > 1 ? rows / joined * joined : 0;
    void (*const combine)(const way_back *, float *, size_t, size_t) = combining[of_relu][gating_of(gate)];
    w.a = a;
    w.b = b;
    w.constant = k;
    if (joined > 1) {
        repeats more;
        const way_back wide = joined_way(w, c, joined, &more);
        combine(&wide, dx, rows / joined, joined * c);
        w.x += done * c;
        w.dy += done * c;
    }
    combine(&w, (float *)dx + done * c, rows - done, c);
}

void CNI_FOR_ISA(cni_batch_norm_part)(cni_normalization_kernels *kernels)
{
    kernels->moments = moments;
    kernels->join_moments = join_moments;
    kernels->gradient_sums = gradient_sums;
    kernels->gradient_combine = gradient_combine;
}
