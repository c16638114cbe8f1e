/* SPDX-License-Identifier: Apache-2.0
 * Receptive fields (explain-spec 2).  Each axis of each node has two descriptions of what its positions see: hulls in
 * an endless image, which repeat with a period (of one position, but behind up-sampling), and the hull of each position
 * in the image as it is.  Both follow from the inputs' by what an output reads, so that no operation has rules of its
 * own. */
#include "explain/analysis/analyser.h"
#include "explain/analysis/reads.h"
#include "explain/analysis/whole.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef cni_receptive_field field;

enum { MOST_PERIOD = 512, MOST_OFFSETS = 1 << 16 };
static const int64_t far_away = INT64_C(1) << 48; /* hulls beyond are not told */
static const int64_t nowhere = INT64_C(1) << 60;  /* left end of a hull of nothing */

/* ---- hulls in an endless image ---- */

typedef struct hull {
    int64_t left, right; /* nothing: nowhere, -nowhere */
} hull;

static hull hull_at(const field *f, int64_t i)
{
    const int64_t round = cni_divide_down(i, f->period), phase = i - round * f->period;
    if (f->left[phase] == nowhere) return (hull){nowhere, -nowhere};
    return (hull){f->left[phase] + round * f->step, f->right[phase] + round * f->step};
}

static hull join(hull a, hull b)
{
    return (hull){cni_least(a.left, b.left), cni_most(a.right, b.right)};
}

/* Hulls move right with the position, but for phases: the ends of what taps see are among those of the first period of
 * them and those of the last. */
static hull hull_of(const field *from, cni_taps taps)
{
    const int64_t turn = from->period / cni_common_divisor(from->period, taps.step);
    hull all = {nowhere, -nowhere};
    for (int64_t t = 0; t < taps.count && t < turn; t++) {
        all = join(all, hull_at(from, taps.first + t * taps.step));
        all = join(all, hull_at(from, taps.first + (taps.count - 1 - t) * taps.step));
    }
    return all;
}

static bool repeats_with(const field *f, const int64_t *left, const int64_t *right, int64_t period)
{
    const int64_t step = f->step / (f->period / period);
    if (f->step % (f->period / period)) return false;
    for (int64_t i = 0; i + period < f->period; i++) {
        const bool nothing = left[i] == nowhere;
        if (nothing != (left[i + period] == nowhere)) return false;
        if (!nothing && (left[i + period] != left[i] + step || right[i + period] != right[i] + step)) return false;
    }
    return true;
}

/* The shortest period that tells the same. */
static void reduce(field *f, const int64_t *left, const int64_t *right)
{
    for (int64_t prime = 2; prime <= f->period; prime++)
        while (f->period % prime == 0 && repeats_with(f, left, right, f->period / prime)) {
            f->step /= prime;
            f->period /= prime;
        }
}

/* Period and step of what a link makes of positions that repeat; false when they do not, or in too long a period. */
static bool find_period(const field *from, const cni_link *link, int64_t *period, int64_t *step)
{
    *period = from->period;
    *step = from->step;
    if (link->type == CNI_VIEW_WINDOW) {
        *period /= cni_common_divisor(from->period, link->s);
        *step *= link->s / (from->period / *period);
    } else if (link->type == CNI_VIEW_TRANSPOSED || link->type == CNI_VIEW_NEAREST || link->type == CNI_VIEW_BILINEAR) {
        if (link->s == 0 || link->s > MOST_PERIOD) return false;
        *period *= link->s;
    }
    if (link->type == CNI_VIEW_ADAPTIVE || (link->type == CNI_VIEW_BILINEAR && link->corners)) return false;
    return *period <= MOST_PERIOD && *step < far_away;
}

/* What an output reads when sizes are unknown begins anywhere. */
static cni_taps reads_somewhere(const cni_link *link, int64_t y, bool *floating)
{
    cni_link zero = *link;
    if (link->before == CNI_UNSEEN) {
        zero.before = 0;
        *floating = true;
    }
    return cni_reads(&zero, y);
}

static cn_status repeat(cni_analyser *a, const field *from, const cni_link *link, field *to)
{
    int64_t period, step;
    if (!from->left || link->stretched || !find_period(from, link, &period, &step)) return CN_OK;
    int64_t *left = CNI_NEW_ARRAY(a->arena, int64_t, 2 * (size_t)period);
    if (!left) return cni_no_memory(a->error, "fields");
    int64_t *right = left + period;
    to->floating = from->floating;
    for (int64_t i = 0; i < period; i++) {
        const hull h = hull_of(from, reads_somewhere(link, i, &to->floating));
        left[i] = h.left;
        right[i] = h.right;
        if (h.left != nowhere && (h.right > far_away || h.left < -far_away)) return CN_OK;
    }
    to->period = period;
    to->step = step;
    reduce(to, left, right);
    to->left = left;
    to->right = right;
    return CN_OK;
}

/* ---- hulls in the image as it is ---- */

/* Least `lo` and largest `hi` of any run of 2^j taps, by doubling. */
typedef struct runs {
    int32_t *lo[20], *hi[20];
    int64_t n, step;
    int levels;
} runs;

static bool add_level(cni_analyser *a, runs *r)
{
    const int j = r->levels;
    const int64_t reach = r->step << (j - 1);
    r->lo[j] = CNI_NEW_ARRAY(&a->scratch, int32_t, (size_t)r->n);
    r->hi[j] = CNI_NEW_ARRAY(&a->scratch, int32_t, (size_t)r->n);
    if (!r->lo[j] || !r->hi[j]) return false;
    for (int64_t i = 0; i + reach < r->n; i++) {
        const int32_t *lo = r->lo[j - 1], *hi = r->hi[j - 1];
        r->lo[j][i] = lo[i] < lo[i + reach] ? lo[i] : lo[i + reach];
        r->hi[j][i] = hi[i] > hi[i + reach] ? hi[i] : hi[i + reach];
    }
    r->levels++;
    return true;
}

static bool see_position(cni_analyser *a, runs *r, cni_taps taps, int32_t *lo, int32_t *hi)
{
    int j = 0;
    *lo = INT32_MAX;
    *hi = -1;
    if (!taps.count) return true;
    r->step = taps.count > 1 ? taps.step : r->step;
    while (taps.count >> (j + 1)) j++;
    while (r->levels <= j)
        if (!add_level(a, r)) return false;
    const int64_t second = taps.first + (taps.count - (INT64_C(1) << j)) * taps.step;
    *lo = r->lo[j][taps.first] < r->lo[j][second] ? r->lo[j][taps.first] : r->lo[j][second];
    *hi = r->hi[j][taps.first] > r->hi[j][second] ? r->hi[j][taps.first] : r->hi[j][second];
    return true;
}

static bool is_costly(const cni_link *link)
{
    return link->type == CNI_VIEW_TRANSPOSED && link->s > 1 && link->d > 1 && link->k > 64;
}

static cn_status new_hulls(cni_analyser *a, field *to)
{
    to->lo = CNI_NEW_ARRAY(a->arena, int32_t, 2 * (size_t)to->count);
    if (!to->lo) return cni_no_memory(a->error, "fields");
    to->hi = to->lo + to->count;
    for (int64_t y = 0; y < to->count; y++) {
        to->lo[y] = INT32_MAX;
        to->hi[y] = -1;
    }
    return CN_OK;
}

/* Widens the hulls of `to` by what it reads of `from`. */
static cn_status see_image(cni_analyser *a, const field *from, const cni_link *link, field *to)
{
    runs r = {.lo = {from->lo}, .hi = {from->hi}, .n = from->count, .step = 1, .levels = 1};
    for (int64_t y = 0; y < to->count; y++) {
        int32_t lo, hi;
        if (!see_position(a, &r, cni_reads_inside(link, y), &lo, &hi)) return cni_no_memory(a->error, "fields");
        if (lo < to->lo[y]) to->lo[y] = lo;
        if (hi > to->hi[y]) to->hi[y] = hi;
    }
    return CN_OK;
}

/* ---- numbers from hulls ---- */

static void number_unknown(field *f)
{
    f->unit = 1;
    f->affine = false;
    f->size = f->jump = f->start = f->least = f->most = f->clean = CNI_UNSEEN;
}

static void number_endless(field *f)
{
    const int64_t divisor = cni_common_divisor(f->step, f->period);
    f->unit = f->period / divisor;
    f->jump = f->step / divisor;
    f->affine = f->period == 1 && f->left[0] != nowhere;
    f->least = nowhere;
    f->most = 0;
    for (int64_t i = 0; i < f->period; i++) {
        const int64_t size = f->left[i] == nowhere ? 0 : f->right[i] - f->left[i] + 1;
        f->least = cni_least(f->least, size);
        f->most = cni_most(f->most, size);
    }
    f->size = f->most * f->unit;
    f->start = f->affine && !f->floating ? f->left[0] : CNI_UNSEEN;
}

static void number_hulls(field *f)
{
    f->least = INT32_MAX;
    f->most = 0;
    for (int64_t y = 0; y < f->count; y++) {
        const int64_t size = f->lo[y] > f->hi[y] ? 0 : f->hi[y] - f->lo[y] + 1;
        f->least = cni_least(f->least, size);
        f->most = cni_most(f->most, size);
    }
    f->size = f->most;
}

static void count_clean(field *f, int64_t n)
{
    f->clean = CNI_UNSEEN;
    if (!f->left || f->floating || n < 0 || f->count < 0) return;
    f->clean = 0;
    if (f->affine && f->step > 0) {
        const int64_t first = f->left[0] >= 0 ? 0 : cni_divide_down(-f->left[0] + f->step - 1, f->step);
        const int64_t end = cni_divide_down(n - 1 - f->right[0], f->step) + 1;
        f->clean = cni_most(cni_least(end, f->count) - first, 0);
        return;
    }
    if (f->count > CNI_MOST_POSITIONS) {
        f->clean = CNI_UNSEEN;
        return;
    }
    for (int64_t y = 0; y < f->count; y++) {
        const hull h = hull_at(f, y);
        f->clean += h.left == nowhere || (h.left >= 0 && h.right < n);
    }
}

/* ---- offsets that are read ---- */

/* Bits 0 .. width-1 from the left end of the hull; NULL: all of them. */
typedef struct offsets {
    bool known;
    int64_t width;
    uint64_t *bits;
} offsets;

static int64_t words_of(int64_t bits)
{
    return (bits + 63) / 64;
}

static void add_shifted(uint64_t *to, const offsets *from, int64_t by)
{
    for (int64_t i = 0; i < words_of(from->width); i++) {
        const int64_t left = from->width - i * 64;
        const uint64_t whole = left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        const uint64_t word = from->bits ? from->bits[i] : whole;
        const int64_t at = i + by / 64, shift = by % 64;
        to[at] |= word << shift;
        if (shift && word >> (64 - shift)) to[at + 1] |= word >> (64 - shift);
    }
}

static int64_t count_bits(const uint64_t *words, int64_t count)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++) sum += __builtin_popcountll(words[i]);
    return sum;
}

static offsets finish_offsets(uint64_t *bits, int64_t width)
{
    if (!bits) return (offsets){0};
    return (offsets){true, width, count_bits(bits, words_of(width)) == width ? NULL : bits};
}

/* Of a window over positions that are `jump` apart. */
static offsets widen_offsets(cni_analyser *a, const offsets *from, const cni_link *link, int64_t jump)
{
    const int64_t apart = link->d * jump, width = from->width + (link->k - 1) * apart;
    if (!from->known) return *from;
    if (link->k == 1) return *from;
    if (!from->bits && apart <= from->width) return (offsets){true, width, NULL};
    if (width > MOST_OFFSETS) return (offsets){0};
    uint64_t *bits = CNI_NEW_ARRAY(&a->scratch, uint64_t, (size_t)words_of(width) + 1);
    for (int64_t t = 0; bits && t < link->k; t++) add_shifted(bits, from, t * apart);
    return finish_offsets(bits, width);
}

/* ---- nodes ---- */

/* What is kept of an axis while fields are made. */
typedef struct state {
    offsets offsets;
    int64_t least_path; /* smallest field over all paths, in pixels */
} state;

static void begin_image(field *f, state *s, int64_t count)
{
    static const int64_t zero = 0;
    f->local = true;
    f->count = count < 0 ? CNI_UNSEEN : count;
    f->period = f->step = 1;
    f->left = f->right = &zero;
    s->offsets = (offsets){true, 1, NULL};
    s->least_path = 1;
}

static cn_status show_image(cni_analyser *a, field *f)
{
    if (f->count == CNI_UNSEEN || f->count > CNI_MOST_POSITIONS) return CN_OK;
    CN_TRY(new_hulls(a, f));
    for (int32_t i = 0; i < (int32_t)f->count; i++) f->lo[i] = f->hi[i] = i;
    return CN_OK;
}

/* Adaptive pooling whose inputs can be shared out evenly is a window. */
static void make_even(cni_link *link)
{
    if (link->type != CNI_VIEW_ADAPTIVE || link->n <= 0 || link->k <= 0 || link->n % link->k) return;
    link->type = CNI_VIEW_WINDOW;
    link->k = link->s = link->n / link->k;
    link->d = 1;
    link->before = 0;
}

static double added_variance(const field *from, const cni_link *link)
{
    const double jump = from->left ? (double)from->step / (double)from->period : NAN;
    double k = (double)link->k, d = (double)link->d;
    if (link->type == CNI_VIEW_WINDOW) return jump * jump * d * d * (k * k - 1) / 12;
    if (link->type != CNI_VIEW_TRANSPOSED) return 0;
    k /= (double)link->s;
    return k > 1 ? jump * jump * d * d * (k * k - 1) / 12 : 0;
}

/* The field of one path: `from` as it is seen through the link. */
static cn_status follow(cni_analyser *a, const field *from, const state *before, const cni_link *link, field *to,
                        state *after)
{
    const bool same = link->type == CNI_VIEW_POINT && link->n == link->o;
    if (same) {
        *to = *from;
        *after = *before;
        return CN_OK;
    }
    CN_TRY(repeat(a, from, link, to));
    if (from->lo && to->count != CNI_UNSEEN && to->count <= CNI_MOST_POSITIONS && !is_costly(link)) {
        CN_TRY(new_hulls(a, to));
        CN_TRY(see_image(a, from, link, to));
    }
    to->variance = from->variance + added_variance(from, link);
    if (to->left)
        number_endless(to);
    else if (to->lo)
        number_hulls(to);
    const bool known = to->size != CNI_UNSEEN && from->most != CNI_UNSEEN;
    after->least_path =
        !known ? CNI_UNSEEN : cni_least(to->most, before->least_path + cni_most(to->most - from->most, 0));
    const bool alike = link->type == CNI_VIEW_WINDOW || link->s == 1; /* all positions read the same offsets */
    after->offsets = (offsets){0};
    if (alike && to->left && to->affine && from->affine) {
        const bool spreads = link->type == CNI_VIEW_WINDOW || link->type == CNI_VIEW_TRANSPOSED;
        after->offsets = spreads ? widen_offsets(a, &before->offsets, link, from->step) : before->offsets;
    }
    return CN_OK;
}

/* ---- merges ---- */

static bool same_jump(const field *a, const field *b)
{
    return a->left && b->left && a->step * b->period == b->step * a->period;
}

static cn_status join_endless(cni_analyser *a, const field *other, field *to)
{
    const int64_t period = to->period / cni_common_divisor(to->period, other->period) * other->period;
    if (period > MOST_PERIOD) {
        to->left = to->right = NULL;
        return CN_OK;
    }
    int64_t *left = CNI_NEW_ARRAY(a->arena, int64_t, 2 * (size_t)period);
    if (!left) return cni_no_memory(a->error, "fields");
    int64_t *right = left + period;
    for (int64_t i = 0; i < period; i++) {
        const hull h = join(hull_at(to, i), hull_at(other, i));
        left[i] = h.left;
        right[i] = h.right;
    }
    to->step *= period / to->period;
    to->period = period;
    to->floating |= other->floating;
    reduce(to, left, right);
    to->left = left;
    to->right = right;
    return CN_OK;
}

static cn_status join_hulls(cni_analyser *a, const field *other, field *to)
{
    const int32_t *lo = to->lo, *hi = to->hi;
    if (!lo || !other->lo) {
        to->lo = to->hi = NULL;
        return CN_OK;
    }
    CN_TRY(new_hulls(a, to));
    for (int64_t y = 0; y < to->count; y++) {
        to->lo[y] = lo[y] < other->lo[y] ? lo[y] : other->lo[y];
        to->hi[y] = hi[y] > other->hi[y] ? hi[y] : other->hi[y];
    }
    return CN_OK;
}

static void join_offsets(cni_analyser *a, const field *x, const offsets *of_x, const field *y, const offsets *of_y,
                         offsets *out)
{
    const bool fit = of_x->known && of_y->known && x->affine && y->affine && same_jump(x, y);
    *out = (offsets){0};
    if (!fit || x->floating || y->floating) return;
    const int64_t left = cni_least(x->left[0], y->left[0]), width = cni_most(x->right[0], y->right[0]) - left + 1;
    if ((!of_x->bits && of_x->width == width) || (!of_y->bits && of_y->width == width)) {
        *out = (offsets){true, width, NULL};
        return;
    }
    if (width > MOST_OFFSETS) return;
    uint64_t *bits = CNI_NEW_ARRAY(&a->scratch, uint64_t, (size_t)words_of(width) + 1);
    if (!bits) return;
    add_shifted(bits, of_x, x->left[0] - left);
    add_shifted(bits, of_y, y->left[0] - left);
    *out = finish_offsets(bits, width);
}

/* One more path into a node. */
static cn_status merge(cni_analyser *a, const field *path, const state *of_path, field *to, state *all)
{
    const field old = *to;
    if (!old.local) {
        const bool sees_all = old.all, unknown = old.unknown;
        *to = *path;
        *all = *of_path;
        to->all |= sees_all;
        to->unknown |= unknown;
        return CN_OK;
    }
    const offsets offsets_before = all->offsets;
    join_offsets(a, &old, &offsets_before, path, &of_path->offsets, &all->offsets);
    if (same_jump(&old, path))
        CN_TRY(join_endless(a, path, to));
    else
        to->left = to->right = NULL;
    CN_TRY(join_hulls(a, path, to));
    to->all |= path->all;
    to->unknown |= path->unknown;
    to->variance = fmax(to->variance, path->variance);
    number_unknown(to);
    if (to->left)
        number_endless(to);
    else if (to->lo)
        number_hulls(to);
    const bool known = all->least_path != CNI_UNSEEN && of_path->least_path != CNI_UNSEEN;
    all->least_path = known ? cni_least(all->least_path, of_path->least_path) : CNI_UNSEEN;
    return CN_OK;
}

static bool is_same_path(const field *a, const field *b)
{
    return a->left == b->left && a->lo == b->lo && a->local == b->local && a->all == b->all;
}

static cn_status add_path(cni_analyser *a, cni_explained *node, int input, int axis, const state *states, int axes)
{
    const cni_explained *from = a->analysis->nodes + node->inputs[input];
    const field *f = from->field + axis;
    field *to = node->field + axis;
    cni_link link;
    state *all = (state *)states + node->id * axes + axis, after = {0};
    field path = {.count = to->count, .local = f->local, .all = f->all, .unknown = f->unknown};
    if (from->origin != node->origin && from->origin >= 0) return CN_OK; /* of another image */
    if (!f->local && !f->all && !f->unknown) return CN_OK;
    if (node->view.type == CNI_VIEW_ALL) {
        to->all = true;
        to->unknown |= f->unknown;
        return CN_OK;
    }
    const bool linked = cni_link_of(a->analysis, node, input, axis, &link);
    if (!linked && !f->local) { /* a vector that gates */
        to->all |= f->all;
        to->unknown |= f->unknown || node->view.type == CNI_VIEW_UNKNOWN;
        return CN_OK;
    }
    if (!linked) {
        to->unknown = true;
        return CN_OK;
    }
    if (!f->local) {
        to->all |= f->all;
        to->unknown |= f->unknown;
        return CN_OK;
    }
    make_even(&link);
    number_unknown(&path);
    CN_TRY(follow(a, f, states + from->id * axes + axis, &link, &path, &after));
    if (to->local && is_same_path(to, &path)) return CN_OK;
    return merge(a, &path, &after, to, all);
}

static void finish(field *f, const state *s, int64_t image)
{
    f->holes = s->offsets.known
                   ? s->offsets.bits ? s->offsets.width - count_bits(s->offsets.bits, words_of(s->offsets.width)) : 0
                   : CNI_UNSEEN;
    f->least_size = s->least_path == CNI_UNSEEN ? CNI_UNSEEN : s->least_path * f->unit;
    count_clean(f, image);
    if (f->local) return;
    number_unknown(f);
    f->least_size = f->holes = CNI_UNSEEN;
}

/* The first image that a node sees; nodes are in the order in which they run, inputs first. */
static int origin_of(const cni_analysis *analysis, const cni_explained *node, int axes)
{
    if (!node->input_count) return node->spatial == axes ? node->id : -1;
    int origin = -1;
    for (int i = 0; i < node->input_count; i++) {
        const int other = analysis->nodes[node->inputs[i]].origin;
        if (other >= 0 && (origin < 0 || other < origin)) origin = other;
    }
    return origin;
}

static cn_status see(cni_analyser *a, cni_explained *node, state *states, int axes)
{
    cni_analysis *analysis = a->analysis;
    node->origin = origin_of(analysis, node, axes);
    const cni_explained *image = analysis->nodes + (node->origin < 0 ? analysis->image : node->origin);
    for (int i = 0; i < axes; i++) {
        field *f = node->field + i;
        state *s = states + node->id * axes + i;
        f->count = node->spatial != axes ? 1 : node->map[i] < 0 ? CNI_UNSEEN : node->map[i];
        f->unit = 1;
        if (node->id == node->origin) {
            begin_image(f, s, node->map[i]);
            number_endless(f);
            CN_TRY(show_image(a, f));
        }
        for (int j = 0; j < node->input_count; j++) CN_TRY(add_path(a, node, j, i, states, axes));
        finish(f, s, image->map[i]);
    }
    return CN_OK;
}

static void find_axes(cni_analysis *analysis, cni_explained *node)
{
    if (node->view.type != CNI_VIEW_WINDOW && node->view.type != CNI_VIEW_TRANSPOSED) return;
    if (!node->input_count) return;
    const cni_explained *from = analysis->nodes + node->inputs[0];
    for (int i = 0; i < node->view.spatial; i++)
        cni_axis_of(&node->view, i, from->spatial == node->view.spatial ? from->map[i] : CNI_UNSEEN, node->axis + i);
}

/* ---- of the whole network ---- */

static bool drift_of(const cni_analysis *analysis, const cni_explained *node, int axis, int64_t *twice)
{
    const field *f = node->field + axis;
    const int64_t n = analysis->nodes[analysis->image].map[axis];
    if (!f->left || f->floating || f->count <= 0 || n < 0) return false;
    const hull first = hull_at(f, 0), last = hull_at(f, f->count - 1);
    if (first.left == nowhere || last.left == nowhere) return false;
    const int64_t four = (first.left + first.right + last.left + last.right - 2 * (n - 1)) * f->unit;
    *twice = four / 2;
    return four % 2 == 0;
}

static void summarise(cni_analysis *analysis, int axes)
{
    double variance = 0;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        if (!node->input_count || node->origin != analysis->image) continue;
        if (node->spatial == axes && node->field[0].local) analysis->last_map = i;
    }
    if (analysis->last_map < 0) return;
    const cni_explained *last = analysis->nodes + analysis->last_map;
    for (int i = 0; i < axes; i++) {
        int64_t twice;
        variance = fmax(variance, last->field[i].variance);
        if (!drift_of(analysis, last, i, &twice)) continue;
        if (analysis->drift2 == CNI_UNSEEN || llabs(twice) > llabs(analysis->drift2)) analysis->drift2 = twice;
    }
    analysis->sigma = sqrt(variance);
    analysis->width95 = 2 * 1.96 * analysis->sigma;
}

cn_status cni_analyse_fields(cni_analyser *a)
{
    cni_analysis *analysis = a->analysis;
    const int axes = analysis->image < 0 ? 0 : analysis->nodes[analysis->image].spatial;
    state *states = CNI_NEW_ARRAY(&a->scratch, state, (size_t)analysis->count * (size_t)(axes ? axes : 1));
    if (!states) return cni_no_memory(a->error, "fields");
    for (int i = 0; i < analysis->count; i++) {
        find_axes(analysis, analysis->nodes + i);
        if (axes) CN_TRY(see(a, analysis->nodes + i, states, axes));
    }
    if (axes) summarise(analysis, axes);
    return CN_OK;
}

bool cni_misalignment(const cni_analysis *analysis, const cni_explained *merge_node, int a, int b, int axis,
                      int64_t *num, int64_t *den)
{
    const field *x = analysis->nodes[merge_node->inputs[a]].field + axis;
    const field *y = analysis->nodes[merge_node->inputs[b]].field + axis;
    if (analysis->nodes[merge_node->inputs[a]].origin != analysis->nodes[merge_node->inputs[b]].origin) return false;
    if (!x->local || !y->local || !same_jump(x, y) || x->floating || y->floating) return false;
    const int64_t period = x->period / cni_common_divisor(x->period, y->period) * y->period;
    int64_t sum = 0, count = 0;
    for (int64_t i = 0; i < period; i++) {
        const hull of_x = hull_at(x, i), of_y = hull_at(y, i);
        if (of_x.left == nowhere || of_y.left == nowhere) continue;
        sum += of_y.left + of_y.right - of_x.left - of_x.right;
        count += 2;
    }
    if (!count) return false;
    const int64_t divisor = cni_common_divisor(llabs(sum), count);
    *num = sum / divisor;
    *den = count / divisor;
    return true;
}
