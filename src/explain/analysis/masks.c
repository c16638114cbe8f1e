/* SPDX-License-Identifier: Apache-2.0
 * Read masks: which positions of each map can still reach an output of the network (explain-spec 2.7).  What one output
 * needs is a grid, rows times columns, and stays one through windows; only where branches meet does it take a bitmap.
 */
#include "explain/analysis/analyser.h"
#include "explain/analysis/reads.h"

#include <string.h>

/* Larger maps count as needed everywhere: bitmaps beyond these words (unless what is needed is a grid), axes beyond
 * these positions, and windows beyond so many taps in all. */
enum { MOST_WORDS = 1 << 17, MOST_POSITIONS = 1 << 20, MOST_TAPS = 1 << 24 };

typedef enum amount { NONE, ALL, GRID, BITMAP } amount;

/* Sets and bitmaps are never changed once made: several nodes may point at one. */
typedef struct need {
    amount amount;
    const uint64_t *set[CNI_MAX_SPATIAL]; /* GRID: positions of each axis; NULL: all */
    const uint64_t *bits;                 /* BITMAP: 2-D only; rows of words_of(columns) */
} need;

typedef struct masks {
    cni_analyser *a;
    need *needs; /* by node */
    bool failed;
} masks;

static int64_t words_of(int64_t bits)
{
    return (bits + 63) / 64;
}

static uint64_t *new_words(masks *m, cni_arena *arena, int64_t count)
{
    uint64_t *words = CNI_NEW_ARRAY(arena, uint64_t, (size_t)count);
    m->failed |= !words;
    return words;
}

static bool get(const uint64_t *set, int64_t i)
{
    return !set || set[i / 64] >> (i % 64) & 1;
}

static void put(uint64_t *set, int64_t i)
{
    set[i / 64] |= UINT64_C(1) << (i % 64);
}

static void put_all(uint64_t *set, int64_t count)
{
    memset(set, 0xff, (size_t)(count / 64) * sizeof *set);
    if (count % 64) set[count / 64] = (UINT64_C(1) << (count % 64)) - 1;
}

static int64_t count_set(const uint64_t *set, int64_t count)
{
    int64_t sum = 0;
    if (!set) return count;
    for (int64_t i = 0; i < words_of(count); i++) sum += __builtin_popcountll(set[i]);
    return sum;
}

static bool contains(const uint64_t *set, const uint64_t *part, int64_t count)
{
    if (!set || set == part) return true;
    if (!part) return count_set(set, count) == count;
    for (int64_t i = 0; i < words_of(count); i++)
        if (part[i] & ~set[i]) return false;
    return true;
}

static bool fits(const cni_explained *node)
{
    for (int i = 0; i < node->spatial; i++)
        if (node->map[i] < 0 || node->map[i] > MOST_POSITIONS) return false;
    return true;
}

static bool can_have_bitmap(const cni_explained *node)
{
    return node->spatial == 2 && fits(node) && node->map[0] * words_of(node->map[1]) <= MOST_WORDS;
}

/* ---- through one axis ---- */

/* What the outputs of a set read; NULL: everything. */
static const uint64_t *read_by(masks *m, const cni_link *link, const uint64_t *outputs, const cni_axis *axis)
{
    const bool plain = link->type == CNI_VIEW_POINT && link->n == link->o;
    if (plain) return outputs;
    if (!outputs && link->type == CNI_VIEW_WINDOW && axis->unread == 0) return NULL;
    const bool windowed = link->type == CNI_VIEW_WINDOW || link->type == CNI_VIEW_TRANSPOSED;
    if (windowed && cni_times(link->o, link->k) > MOST_TAPS) return NULL;
    uint64_t *inputs = new_words(m, &m->a->scratch, words_of(link->n));
    if (!inputs) return NULL;
    for (int64_t y = 0; y < link->o; y++) {
        if (!get(outputs, y)) continue;
        const cni_taps taps = cni_reads_inside(link, y);
        for (int64_t t = 0; t < taps.count; t++) put(inputs, taps.first + t * taps.step);
    }
    return count_set(inputs, link->n) == link->n ? NULL : inputs;
}

/* ---- through both ---- */

static uint64_t *bitmap_of(masks *m, cni_arena *arena, const cni_explained *node, const need *wanted)
{
    const int64_t rows = node->map[0], columns = node->map[1], words = words_of(columns);
    uint64_t *bits = new_words(m, arena, rows * words);
    for (int64_t y = 0; bits && y < rows; y++) {
        uint64_t *row = bits + y * words;
        if (wanted->amount == BITMAP) memcpy(row, wanted->bits + y * words, (size_t)words * sizeof *row);
        if (wanted->amount == ALL || (wanted->amount == GRID && !wanted->set[1] && get(wanted->set[0], y)))
            put_all(row, columns);
        if (wanted->amount == GRID && wanted->set[1] && get(wanted->set[0], y))
            memcpy(row, wanted->set[1], (size_t)words * sizeof *row);
    }
    return bits;
}

/* Row after row: what a row's outputs read of a row, put into each row that they read. */
static need bitmap_read_by(masks *m, const cni_explained *node, const cni_explained *from, const cni_link *links,
                           const need *outputs)
{
    const int64_t words = words_of(from->map[1]), words_out = words_of(node->map[1]);
    if (!can_have_bitmap(from)) return (need){.amount = ALL};
    uint64_t *bits = new_words(m, &m->a->scratch, from->map[0] * words);
    const uint64_t *last = NULL, *columns = NULL;
    for (int64_t y = 0; bits && y < node->map[0]; y++) {
        const uint64_t *row = outputs->bits + y * words_out;
        const cni_taps taps = cni_reads_inside(links, y);
        if (!taps.count || !count_set(row, node->map[1])) continue;
        if (!last || memcmp(row, last, (size_t)words_out * sizeof *row) != 0)
            columns = read_by(m, links + 1, last = row, node->axis + 1);
        for (int64_t t = 0; t < taps.count; t++) {
            uint64_t *to = bits + (taps.first + t * taps.step) * words;
            if (!columns) put_all(to, from->map[1]);
            for (int64_t i = 0; columns && i < words; i++) to[i] |= columns[i];
        }
    }
    return (need){.amount = BITMAP, .bits = bits};
}

/* What a node that is needed like this needs of its input. */
static need needed_of(masks *m, const cni_explained *node, int input, const need *outputs)
{
    const cni_explained *from = m->a->analysis->nodes + node->inputs[input];
    cni_link links[CNI_MAX_SPATIAL];
    bool plain = true;
    if (!node->spatial || !fits(node) || !fits(from)) return (need){.amount = ALL};
    for (int i = 0; i < node->spatial; i++) {
        if (!cni_link_of(m->a->analysis, node, input, i, links + i)) return (need){.amount = ALL};
        plain &= links[i].type == CNI_VIEW_POINT && links[i].n == links[i].o;
    }
    if (plain) return *outputs;
    if (outputs->amount == BITMAP) return bitmap_read_by(m, node, from, links, outputs);
    need inputs = {.amount = ALL};
    for (int i = 0; i < node->spatial; i++) {
        inputs.set[i] = read_by(m, links + i, outputs->amount == GRID ? outputs->set[i] : NULL, node->axis + i);
        if (inputs.set[i]) inputs.amount = GRID;
    }
    return inputs;
}

/* ---- where branches meet ---- */

static bool grid_contains(const cni_explained *node, const need *whole, const need *part)
{
    for (int i = 0; i < node->spatial; i++)
        if (!contains(whole->set[i], part->set[i], node->map[i])) return false;
    return true;
}

static need both(masks *m, const cni_explained *node, const need *x, const need *y)
{
    if (x->amount == NONE || y->amount == ALL) return *y;
    if (y->amount == NONE || x->amount == ALL) return *x;
    if (x->amount == GRID && y->amount == GRID) {
        if (grid_contains(node, x, y)) return *x;
        if (grid_contains(node, y, x)) return *y;
    }
    if (x->amount == BITMAP && y->amount == BITMAP && x->bits == y->bits) return *x;
    const int64_t words = node->spatial == 1 ? words_of(node->map[0]) : node->map[0] * words_of(node->map[1]);
    if (node->spatial == 1) {
        uint64_t *set = new_words(m, &m->a->scratch, words);
        for (int64_t i = 0; set && i < words; i++) set[i] = x->set[0][i] | y->set[0][i];
        return (need){.amount = GRID, .set = {set}};
    }
    if (!can_have_bitmap(node)) return (need){.amount = ALL};
    uint64_t *bits = bitmap_of(m, &m->a->scratch, node, x), *more = bitmap_of(m, &m->a->scratch, node, y);
    for (int64_t i = 0; bits && more && i < words; i++) bits[i] |= more[i];
    return (need){.amount = BITMAP, .bits = bits};
}

/* ---- nodes ---- */

static int64_t count_needed(const cni_explained *node, const need *wanted)
{
    int64_t sum = 1;
    if (wanted->amount == NONE) return 0;
    if (wanted->amount == ALL) return node->positions;
    if (wanted->amount == BITMAP) return count_set(wanted->bits, node->map[0] * words_of(node->map[1]) * 64);
    for (int i = 0; i < node->spatial; i++) sum *= count_set(wanted->set[i], node->map[i]);
    return sum;
}

/* What comes after an error is not known: it may need everything. */
static bool is_opaque(const cni_explained *node)
{
    return node->suspect || !node->shape.rank;
}

static void pass_on(masks *m, cni_explained *node)
{
    const need *mine = m->needs + node->id;
    for (int i = 0; i < node->input_count && !m->failed; i++) {
        const cni_explained *from = m->a->analysis->nodes + node->inputs[i];
        need *theirs = m->needs + from->id, more = {.amount = ALL};
        if (mine->amount == NONE && !is_opaque(node)) continue;
        if (!is_opaque(node)) more = needed_of(m, node, i, mine);
        *theirs = both(m, from, theirs, &more);
    }
}

static void tell(masks *m, cni_explained *node)
{
    need *mine = m->needs + node->id;
    node->positions = node->shape.rank ? 1 : CNI_UNSEEN;
    for (int i = 0; i < node->spatial; i++)
        node->positions = cni_times(node->positions, node->map[i] < 0 ? CNI_UNSEEN : node->map[i]);
    node->needed = count_needed(node, mine);
    if (node->needed == node->positions) mine->amount = ALL;
    if (mine->amount != ALL && can_have_bitmap(node)) node->mask = bitmap_of(m, m->a->arena, node, mine);
}

cn_status cni_analyse_masks(cni_analyser *a)
{
    cni_analysis *analysis = a->analysis;
    masks m = {.a = a, .needs = CNI_NEW_ARRAY(&a->scratch, need, (size_t)analysis->count)};
    if (!m.needs) return cni_no_memory(a->error, "read masks");
    for (int i = analysis->count - 1; i >= 0 && !m.failed; i--) {
        cni_explained *node = analysis->nodes + i;
        if (node->output) m.needs[i].amount = ALL;
        tell(&m, node);
        pass_on(&m, node);
    }
    if (m.failed) return cni_no_memory(a->error, "read masks");
    if (analysis->image < 0) return CN_OK;
    const cni_explained *image = analysis->nodes + analysis->image;
    analysis->dead_pixels = image->positions == CNI_UNSEEN ? CNI_UNSEEN : image->positions - image->needed;
    return CN_OK;
}
