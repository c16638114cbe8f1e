/* SPDX-License-Identifier: Apache-2.0
 * One axis of one window in closed forms: whatever the sizes, a few divisions.
 *
 * All counts are of one lattice: the points y s + t d with 0 <= y < Y and 0 <= t < T, and those of them that lie in
 * first .. first + length - 1.  A window's taps are such points (first = before, length = n), and so are the outputs
 * that a transposed convolution's inputs reach (first = cells cut off, length = o). */
#include "explain/analysis/analysis.h"
#include "explain/analysis/whole.h"

#include <inttypes.h>
#include <stdio.h>

/* Maps beyond this have no counts: no shape is that large, and products would leave 64 bits. */
#define LARGEST (INT64_C(1) << 32)

static int64_t between(int64_t a, int64_t low, int64_t high)
{
    return cni_most(low, cni_least(a, high));
}

/* ---- the lattice ---- */

/* The sum over i = 0 .. count-1 of floor((a i + b) / m), a and b not negative: Euclid's algorithm. */
static int64_t sum_of_quotients(int64_t count, int64_t m, int64_t a, int64_t b)
{
    int64_t sum = 0;
    while (count > 0) {
        sum += count * (count - 1) / 2 * (a / m) + count * (b / m);
        a %= m;
        b %= m;
        const int64_t top = a * count + b;
        if (top < m) break;
        count = top / m;
        b = top % m;
        const int64_t old = m;
        m = a;
        a = old;
    }
    return sum;
}

typedef struct lattice {
    int64_t Y, T, s, d;
} lattice;

/* Pairs (y, t) with y s + t d <= x. */
static int64_t pairs_up_to(const lattice *g, int64_t x)
{
    if (x < 0 || g->Y <= 0 || g->T <= 0) return 0;
    const int64_t end = cni_least(g->T, x / g->d + 1); /* from there on no y */
    const int64_t full = x - (g->Y - 1) * g->s;        /* t d up to this: all y */
    const int64_t start = full < 0 ? 0 : cni_least(end, full / g->d + 1);
    const int64_t last = x - (end - 1) * g->d; /* from end-1 back to start it grows by d */
    return start * g->Y + sum_of_quotients(end - start, g->s, g->d, last) + (end - start);
}

static int64_t pairs(const lattice *g, int64_t first, int64_t length)
{
    return pairs_up_to(g, first + length - 1) - pairs_up_to(g, first - 1);
}

/* Different numbers among the points.  t and t + s / g lie d / g apart in y, g = gcd(s, d): of each t below s / g there
 * is one row of numbers s apart, as long as the rows of its repetitions overlap. */
static int64_t numbers(const lattice *g, int64_t first, int64_t length)
{
    const int64_t divisor = cni_common_divisor(g->s, g->d), turn = g->s / divisor, shift = g->d / divisor;
    if (g->Y <= 0 || g->T <= 0) return 0;
    if (shift > g->Y || g->T <= turn) return pairs(g, first, length);
    const int64_t rounds = g->T / turn, more = g->T % turn; /* t below `more` have one round more */
    const lattice longer = {g->Y + rounds * shift, more, g->s, g->d};
    const lattice shorter = {g->Y + (rounds - 1) * shift, turn - more, g->s, g->d};
    return pairs(&longer, first, length) + pairs(&shorter, first - more * g->d, length);
}

/* How many i in 0 .. count-1 have (a i + b) mod m < limit. */
static int64_t remainders_below(int64_t count, int64_t m, int64_t a, int64_t b, int64_t limit)
{
    if (count <= 0) return 0;
    if (limit >= m) return count;
    b = (b % m + m) % m;
    return sum_of_quotients(count, m, a % m, b + m) - sum_of_quotients(count, m, a % m, b + m - limit);
}

/* The t for which some y has a point there. */
static int64_t taps_inside(const lattice *g, int64_t first, int64_t length)
{
    if (g->Y <= 0 || g->T <= 0 || length <= 0) return 0;
    /* t d <= first + length - 1, and with the last y at least `first` */
    const int64_t end = between(cni_divide_down(first + length - 1, g->d) + 1, 0, g->T);
    const int64_t start = between(cni_divide_up(first - (g->Y - 1) * g->s, g->d), 0, end);
    if (length >= g->s) return end - start;
    /* those with t d < first must not be stepped over: the first y from there on lies (t d - first) mod s behind it */
    const int64_t alone = between(cni_divide_up(first, g->d), start, end);
    return end - alone + remainders_below(alone - start, g->s, g->d, start * g->d - first, length);
}

static int64_t positions_inside(const lattice *g, int64_t first, int64_t length)
{
    const lattice turned = {g->T, g->Y, g->d, g->s};
    return taps_inside(&turned, first, length);
}

/* ---- windows ---- */

static int64_t window_outputs(const cni_axis *a, bool same, bool ceil_mode)
{
    if (same) return cni_divide_up(a->n, a->s);
    const int64_t room = a->n + a->before + a->after - a->extent;
    if (!ceil_mode) return cni_divide_down(room, a->s) + 1;
    const int64_t o = cni_divide_up(room, a->s) + 1;
    return (o - 1) * a->s >= a->n + a->before ? o - 1 : o;
}

static bool is_same(cni_pad_rule rule)
{
    return rule == CNI_PAD_SAME || rule == CNI_PAD_SAME_LOWER;
}

static void share_padding(cni_axis *a, cni_pad_rule rule, int64_t total)
{
    const int64_t half = total / 2, rest = total - half;
    a->before = rule == CNI_PAD_SAME_LOWER ? rest : half;
    a->after = total - a->before;
}

static void pad_window(cni_axis *a, const cni_view_axis *v)
{
    a->before = v->before;
    a->after = v->after;
    if (v->rule == CNI_PAD_CAUSAL) {
        a->before = a->extent - 1;
        a->after = 0;
    }
    if (!is_same(v->rule)) return;
    if (a->n != CNI_UNSEEN) {
        share_padding(a, v->rule, cni_most((window_outputs(a, true, false) - 1) * a->s + a->extent - a->n, 0));
    } else if (a->s == 1) {
        share_padding(a, v->rule, a->extent - 1);
    } else {
        a->before = a->after = CNI_UNSEEN;
    }
}

static void count_window(cni_axis *a)
{
    const lattice g = {a->o, a->k, a->s, a->d};
    const int64_t n = a->n, end = (a->o - 1) * a->s + a->extent;
    a->rest = n + a->before + a->after - end;
    a->after_used = a->after - between(a->rest, 0, a->after) + cni_most(-a->rest, 0);
    a->tail = between(a->rest - a->after, 0, n);
    a->real = pairs(&g, a->before, n);
    a->live = taps_inside(&g, a->before, n);
    a->unread = n - numbers(&g, a->before, n);
    a->blind = a->o - positions_inside(&g, a->before, n);
    const int64_t left = between(cni_divide_up(a->before, a->s), 0, a->o); /* those below have a tap before 0 */
    const int64_t right = between(cni_divide_down(n - a->extent + a->before, a->s) + 1, 0, a->o);
    a->border = right < left ? a->o : left + a->o - right;
}

/* ---- transposed convolution: the whole is (n-1) s + extent long, and cut ---- */

static void cut_transposed(cni_axis *a, const cni_view_axis *v)
{
    const bool known = a->n != CNI_UNSEEN, same = is_same(v->rule);
    const int64_t odd = a->extent % 2, more = v->extends ? v->output_padding : 0;
    const int64_t steps = known ? (a->n - 1) * a->s : 0, whole = steps + a->extent;
    if (same) {
        const int64_t o = v->extends ? steps + odd + more : steps + a->s;
        const int64_t half =
            v->extends ? cni_divide_down(a->extent - odd - more, 2) : cni_divide_down(a->extent - a->s, 2);
        a->before = cni_most(half, 0);
        if (v->rule == CNI_PAD_SAME_LOWER) a->before = cni_most(a->extent - (o - steps), 0) - a->before;
        a->after = whole - o - a->before;
    } else {
        a->before = v->before;
        a->after = v->extends ? v->after - more : v->after - cni_most(a->s - a->extent, 0);
    }
    a->o = known ? whole - a->before - a->after : CNI_UNSEEN;
}

static void count_transposed(cni_axis *a)
{
    const lattice g = {a->n, a->k, a->s, a->d};
    const int64_t divisor = cni_common_divisor(a->s, a->d), turn = a->s / divisor, shift = a->d / divisor;
    const int64_t rounds = a->k / turn, more = a->k % turn;
    a->after_used = a->after;
    a->real = pairs(&g, a->before, a->o);
    a->live = taps_inside(&g, a->before, a->o);
    a->unread = a->n - positions_inside(&g, a->before, a->o);
    a->blind = a->o - numbers(&g, a->before, a->o);
    /* Outputs that taps can reach, were the input endless, less those whose taps all have an input.  Of each t below
     * s / g there is one row of outputs; its other taps lie `shift` inputs further left each. */
    const int64_t far =
        shift + (cni_most(a->before, -a->before) + a->o) / a->s + 2; /* inputs before 0 that might reach */
    const lattice endless = {a->n + 2 * far, cni_least(a->k, turn), a->s, a->d};
    const lattice longer = {a->n - rounds * shift, more, a->s, a->d};
    const lattice shorter = {a->n - (rounds - 1) * shift, cni_least(a->k, turn) - more, a->s, a->d};
    const int64_t within = pairs(&longer, a->before - rounds * shift * a->s, a->o) +
                           (rounds ? pairs(&shorter, a->before - (rounds - 1) * shift * a->s - more * a->d, a->o) : 0);
    a->border = pairs(&endless, a->before + far * a->s, a->o) - within;
}

static void know_nothing(cni_axis *a)
{
    a->rest = a->after_used = a->tail = a->unread = a->border = a->blind = a->real = a->live = CNI_UNSEEN;
}

void cni_axis_of(const cni_view *view, int axis, int64_t n, cni_axis *out)
{
    const cni_view_axis *v = view->axis + axis;
    *out = (cni_axis){.n = n < 0 ? CNI_UNSEEN : n, .k = v->size, .s = v->stride, .d = v->dilation};
    out->extent = (v->size - 1) * v->dilation + 1;
    out->transposed = view->type == CNI_VIEW_TRANSPOSED;
    out->ceil_mode = view->ceil_mode && !out->transposed && !is_same(v->rule);
    const int64_t divisor = cni_common_divisor(v->stride, v->dilation), turn = v->stride / divisor;
    out->least_reads = divisor > 1 ? 0 : v->size / turn;
    out->most_reads = cni_divide_up(v->size, turn);
    if (out->transposed) {
        cut_transposed(out, v);
    } else {
        pad_window(out, v);
        out->o = n < 0 ? CNI_UNSEEN : window_outputs(out, is_same(v->rule), out->ceil_mode);
    }
    if (n < 0 || out->o > LARGEST)
        know_nothing(out);
    else if (out->o > 0 && out->transposed)
        count_transposed(out);
    else if (out->o > 0)
        count_window(out);
    else
        out->unread = n;
}

void cni_axis_reads(const cni_axis *a, int32_t *reads)
{
    if (a->n == CNI_UNSEEN) return;
    for (int64_t i = 0; i < a->n; i++) reads[i] = 0;
    for (int64_t t = 0; t < a->k; t++) {
        const int64_t at = t * a->d - a->before; /* output y reads y s + at; input x reaches x s + at */
        const int64_t inside = a->transposed ? a->o : a->n, all = a->transposed ? a->n : a->o;
        const int64_t first = cni_most(cni_divide_up(-at, a->s), 0),
                      last = cni_least(cni_divide_down(inside - 1 - at, a->s), all - 1);
        for (int64_t y = first; y <= last; y++) reads[a->transposed ? y : y * a->s + at]++;
    }
}

/* ---- formulas ---- */

/* "+3", "-3" or nothing */
static char *show_sum(int64_t more, char buffer[24])
{
    buffer[0] = 0;
    if (more) snprintf(buffer, 24, "%+" PRId64, more);
    return buffer;
}

static void window_formula(const cni_axis *a, const char *n, bool same, char *buffer, size_t size)
{
    char more[24];
    if (same && a->s == 1) {
        snprintf(buffer, size, "%s", n);
    } else if (same) {
        snprintf(buffer, size, "ceil(%s/%" PRId64 ")", n, a->s);
    } else {
        const int64_t raw = a->n == CNI_UNSEEN ? 0 : cni_divide_up(a->n + a->before + a->after - a->extent, a->s) + 1;
        const bool cut = a->ceil_mode && a->n != CNI_UNSEEN && raw > a->o;
        snprintf(buffer, size, "%s((%s%s-%" PRId64 ")/%" PRId64 ")+1%s", a->ceil_mode ? "ceil" : "floor", n,
                 show_sum(a->before + a->after, more), a->extent, a->s, cut ? "-1" : "");
    }
}

static void transposed_formula(const cni_axis *a, const cni_view_axis *v, const char *n, char *buffer, size_t size)
{
    char cut[24];
    if (is_same(v->rule) && !v->extends)
        snprintf(buffer, size, "%s*%" PRId64, n, a->s);
    else
        snprintf(buffer, size, "(%s-1)*%" PRId64 "+%" PRId64 "%s", n, a->s, a->extent,
                 show_sum(-(a->before + a->after), cut));
}

char *cni_axis_formula(const cni_view *view, int axis, const cni_axis *a, char *buffer, size_t size)
{
    const cni_view_axis *v = view->axis + axis;
    char n[24] = "n", text[160];
    if (a->n != CNI_UNSEEN) snprintf(n, sizeof n, "%" PRId64, a->n);
    if (a->transposed)
        transposed_formula(a, v, n, text, sizeof text);
    else
        window_formula(a, n, is_same(v->rule), text, sizeof text);
    if (a->o == CNI_UNSEEN)
        snprintf(buffer, size, "%s", text);
    else
        snprintf(buffer, size, "%s = %" PRId64, text, a->o);
    return buffer;
}

/* ---- which inputs give o outputs ---- */

void cni_axis_inputs(const cni_view *view, int axis, int64_t o, int64_t *fewest, int64_t *largest)
{
    const cni_view_axis *v = view->axis + axis;
    cni_axis a;
    cni_axis_of(view, axis, 1, &a);
    const int64_t s = a.s, room = a.extent - a.before - a.after;
    if (a.transposed) { /* one more input, s more outputs */
        *fewest = *largest = (o - a.o) % s == 0 ? 1 + (o - a.o) / s : 0;
    } else if (is_same(v->rule)) {
        *fewest = (o - 1) * s + 1;
        *largest = o * s;
    } else if (!a.ceil_mode) {
        *fewest = (o - 1) * s + room;
        *largest = *fewest + s - 1;
    } else { /* the last window overhangs by less than s, and begins before the input's end */
        *fewest = cni_most((o - 2) * s + room + 1, (o - 1) * s - a.before + 1);
        *largest = cni_most((o - 1) * s + room, cni_least(o * s + room, o * s - a.before));
    }
    *fewest = cni_most(*fewest, 1);
    if (*largest < *fewest) *largest = *fewest - 1;
}
