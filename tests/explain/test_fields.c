/* SPDX-License-Identifier: Apache-2.0
 * Fields, misalignment and read masks of random networks against sets of pixels, enumerated position by position from
 * the definitions of the layers. */
#include "describe.h"
#include "networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { LARGEST = 60, HALF = 2048, RUNS = 4000 };

static uint32_t seed;

static int draw(int from, int to)
{
    seed = seed * 1664525u + 1013904223u;
    return from + (int)((seed >> 8) % (uint32_t)(to - from + 1));
}

/* ---- random networks ---- */

static void draw_layer(network *n, bool torch, bool halves)
{
    const int k = draw(1, 5), s = halves ? draw(1, 3) : 1, d = s > 1 && !torch ? 1 : draw(1, 3), p = draw(0, 3);
    const char *same = draw(0, 1) ? "same" : "valid";
    switch (draw(0, 8)) {
    case 8:
        if (torch)
            line(n, "AdaptiveAvgPool2d((%d, %d))", draw(2, 9), draw(2, 9));
        else
            line(n, "AveragePooling2D(%d, %d, '%s')", k, s, same);
        return;
    case 0:
        if (torch)
            line(n, "MaxPool2d(%d, %d, %d, ceil_mode=%s)", k, s, k / 2, draw(0, 1) ? "True" : "False");
        else
            line(n, "MaxPooling2D(%d, %d, '%s')", k, s, same);
        return;
    case 1:
        if (torch)
            line(n, "ConvTranspose2d(1, 1, %d, stride=%d, padding=%d, dilation=%d)", k, s, draw(0, 1), d);
        else
            line(n, "Conv2DTranspose(1, %d, strides=%d, padding='%s', dilation_rate=%d)", k, s, same, d);
        return;
    case 2:
        if (torch)
            line(n, "Upsample(scale_factor=%d, mode='%s')", s, draw(0, 1) ? "nearest" : "bilinear");
        else
            line(n, "UpSampling2D(%d, interpolation='%s')", s, draw(0, 1) ? "nearest" : "bilinear");
        return;
    case 3:
        if (torch)
            line(n, "ZeroPad2d((%d, %d, %d, %d))", p, draw(0, 2), draw(0, 2), 1);
        else
            line(n, "ZeroPadding2D(((%d, %d), (%d, %d)))", p, draw(0, 2), draw(0, 2), 1);
        return;
    default:
        if (torch)
            line(n, "Conv2d(1, 1, %d, stride=%d, padding=%d, dilation=%d)", k, s, p, d);
        else
            line(n, "Conv2D(1, %d, strides=%d, padding='%s', dilation_rate=%d)", k, s, same, d);
    }
}

/* Common layers, two branches that are added, more layers. */
static void draw_network(network *n, bool torch, bool branches)
{
    network_begin(n);
    const int rows = draw(8, LARGEST), columns = draw(8, LARGEST);
    line(n, torch ? "Input(shape=(1, %d, %d))" : "Input(shape=(%d, %d, 1))", rows, columns);
    for (int i = draw(0, 2); i > 0; i--) draw_layer(n, torch, true);
    line(n, torch ? "fork: ReLU()" : "fork: ReLU()");
    if (!branches) return;
    for (int branch = 0; branch < 2; branch++) {
        line(n, "b%d <- fork: ReLU()", branch);
        for (int i = draw(0, 2); i > 0; i--) draw_layer(n, torch, true);
        line(n, "e%d: ReLU()", branch);
    }
    line(n, "merge <- e0, e1: %s", torch ? "Cat(dim=1)" : "Add()");
    if (torch)
        line(n, "Conv2d(2, 1, %d, stride=%d)", draw(1, 2), draw(1, 3));
    else
        line(n, "Conv2D(1, %d, strides=%d)", draw(1, 2), draw(1, 3));
}

/* ---- the definitions ---- */

/* Whether output y of a layer takes input x (of n, or of endlessly many) into account. */
static bool takes(const cni_explained *node, int axis, int64_t y, int64_t x, int64_t n)
{
    const cni_axis *a = node->axis + axis;
    const int64_t f = node->view.axis[axis].stride;
    const int64_t m = node->map[axis];
    int64_t u;
    switch (node->view.type) {
    case CNI_VIEW_WINDOW:
        for (int64_t t = 0; t < a->k; t++)
            if (y * a->s - a->before + t * a->d == x) return true;
        return false;
    case CNI_VIEW_TRANSPOSED:
        for (int64_t t = 0; t < a->k; t++)
            if (x * a->s + t * a->d - a->before == y) return true;
        return false;
    case CNI_VIEW_SHIFT:
        return x == y - node->view.axis[axis].before;
    case CNI_VIEW_NEAREST:
        return y >= x * f && y < (x + 1) * f;
    case CNI_VIEW_BILINEAR: /* twice f times the place between pixels: nearer than one pixel */
        u = 2 * y + 1 - f - 2 * f * x;
        return u > -2 * f && u < 2 * f;
    case CNI_VIEW_ADAPTIVE: /* its windows begin at floor(y n / m) and end before ceil((y + 1) n / m) */
        if (n % m == 0) return (x < 0 ? (x + 1) / (n / m) - 1 : x / (n / m)) == y;
        return (x + 1) * m > y * n && x * m < (y + 1) * n;
    default:
        return x == y;
    }
}

static bool takes_inside(const cni_explained *node, int axis, int64_t y, int64_t x, int64_t n)
{
    if (takes(node, axis, y, x, n)) return true;
    if (node->view.type != CNI_VIEW_BILINEAR) return false;
    return (x == 0 && takes(node, axis, y, -1, n)) || (x == n - 1 && takes(node, axis, y, n, n)); /* clamped */
}

/* Pixels that position y of a node sees, as bits. */
static uint64_t sees(const cni_analysis *a, const cni_explained *node, int axis, int64_t y)
{
    uint64_t set = 0;
    if (node->id == a->image) return UINT64_C(1) << y;
    for (int i = 0; i < node->input_count; i++) {
        const cni_explained *from = a->nodes + node->inputs[i];
        for (int64_t x = 0; x < from->map[axis]; x++)
            if (takes_inside(node, axis, y, x, from->map[axis])) set |= sees(a, from, axis, x);
    }
    return set;
}

/* The same when no map ends. */
static void sees_endlessly(const cni_analysis *a, const cni_explained *node, int axis, int64_t y, bool *set)
{
    if (node->id == a->image) {
        set[HALF + y] = true;
        return;
    }
    const int64_t n = a->nodes[node->inputs[0]].map[axis], f = node->view.axis[axis].stride;
    int64_t centre = y;
    if (node->view.type == CNI_VIEW_WINDOW) centre = y * f;
    if (node->view.type == CNI_VIEW_ADAPTIVE) centre = y * n / node->map[axis];
    if (node->view.type == CNI_VIEW_TRANSPOSED || node->view.type == CNI_VIEW_NEAREST ||
        node->view.type == CNI_VIEW_BILINEAR)
        centre = y / f;
    for (int i = 0; i < node->input_count; i++)
        for (int64_t x = centre - 60; x <= centre + 60; x++)
            if (takes(node, axis, y, x, n)) sees_endlessly(a, a->nodes + node->inputs[i], axis, x, set);
}

/* ---- comparisons ---- */

static void assert_same(const char *text, const cni_explained *node, const char *what, int64_t y, int64_t got,
                        int64_t wanted)
{
    if (got != wanted)
        fail_msg("%s\nnode %d, position %d: %s is %d, not %d", text, node->id, (int)y, what, (int)got, (int)wanted);
}

static void check_clipped(const char *text, const cni_analysis *a, const cni_explained *node, int axis)
{
    const cni_receptive_field *f = node->field + axis;
    assert_non_null(f->lo);
    for (int64_t y = 0; y < f->count; y++) {
        const uint64_t set = sees(a, node, axis, y);
        assert_same(text, node, "lo", y, f->lo[y] == INT32_MAX ? -1 : f->lo[y], set ? __builtin_ctzll(set) : -1);
        assert_same(text, node, "hi", y, f->hi[y], set ? 63 - __builtin_clzll(set) : -1);
    }
}

static bool hull(const bool *set, int64_t *left, int64_t *right, int64_t *count)
{
    *left = INT64_MAX;
    *count = 0;
    for (int64_t i = 0; i < 2 * HALF; i++) {
        if (!set[i]) continue;
        if (*left == INT64_MAX) *left = i - HALF;
        *right = i - HALF;
        ++*count;
    }
    return *count > 0;
}

static void check_endless(const char *text, const cni_analysis *a, const cni_explained *node, int axis)
{
    const cni_receptive_field *f = node->field + axis;
    int64_t clean = 0, smallest = INT64_MAX, largest = 0, phases = f->period;
    if (!f->left) return;
    for (int64_t y = 0; y < (f->count > phases ? f->count : phases); y++) {
        bool set[2 * HALF] = {false};
        int64_t left, right, count;
        sees_endlessly(a, node, axis, y, set);
        const bool nothing = !hull(set, &left, &right, &count);
        const int64_t phase = y % f->period, moved = y / f->period * f->step;
        assert_same(text, node, "nothing", y, f->left[phase] > f->right[phase], nothing);
        const int64_t size = nothing ? 0 : right - left + 1;
        smallest = size < smallest ? size : smallest;
        largest = size > largest ? size : largest;
        if (y < f->count) clean += nothing || (left >= 0 && right < a->nodes[a->image].map[axis]);
        if (nothing) continue;
        assert_same(text, node, "left", y, f->left[phase] + moved, left);
        assert_same(text, node, "right", y, f->right[phase] + moved, right);
        if (f->holes != CNI_UNSEEN) assert_same(text, node, "offsets", y, f->size - f->holes, count);
        if (f->affine) assert_same(text, node, "start", y, f->start + f->jump * y, left);
    }
    assert_same(text, node, "clean", 0, f->clean, clean);
    assert_same(text, node, "least", 0, f->least, smallest);
    assert_same(text, node, "most", 0, f->most, largest);
    assert_same(text, node, "size", 0, f->size, largest * f->unit);
}

/* The mean difference of centres over many positions far from the origin. */
static void check_misalignment(const char *text, const cni_analysis *a, const cni_explained *node, int axis)
{
    int64_t num, den, sum = 0, count = 0;
    if (!cni_misalignment(a, node, 0, 1, axis, &num, &den)) return;
    const cni_receptive_field *f = node->field + axis;
    int64_t period = f->period;
    for (int i = 0; i < 2; i++) period *= a->nodes[node->inputs[i]].field[axis].period;
    if (period > 200) return;
    for (int64_t y = 0; y < period; y++) {
        int64_t left[2], right[2], seen;
        bool any = true;
        for (int i = 0; i < 2; i++) {
            bool set[2 * HALF] = {false};
            sees_endlessly(a, a->nodes + node->inputs[i], axis, y, set);
            any &= hull(set, left + i, right + i, &seen);
        }
        if (!any) continue;
        sum += left[1] + right[1] - left[0] - right[0];
        count += 2;
    }
    assert_same(text, node, "misalignment", 0, num * count, sum * den);
}

/* Windows are counted as the kinds themselves say. */
static void check_sizes(const char *text, const cni_analysis *a)
{
    for (int i = 0; i < a->count; i++) {
        const cni_explained *node = a->nodes + i;
        if (node->view.type != CNI_VIEW_WINDOW && node->view.type != CNI_VIEW_TRANSPOSED) continue;
        for (int axis = 0; axis < 2; axis++) assert_same(text, node, "o", axis, node->axis[axis].o, node->map[axis]);
    }
}

/* Reachability: needed[y][x] of a node from those of its consumers. */
static void check_masks(const char *text, const cni_analysis *a)
{
    static bool needed[64][512][512];
    memset(needed, 0, sizeof needed[0] * (size_t)a->count);
    for (int i = a->count - 1; i >= 0; i--) {
        const cni_explained *node = a->nodes + i;
        int64_t count = 0;
        for (int64_t y = 0; y < node->map[0]; y++)
            for (int64_t x = 0; x < node->map[1]; x++) {
                needed[i][y][x] |= node->output;
                count += needed[i][y][x];
                const bool told = !node->mask || node->mask[y * ((node->map[1] + 63) / 64) + x / 64] >> (x % 64) & 1;
                assert_same(text, node, "mask", y * 1000 + x, told, needed[i][y][x]);
            }
        assert_same(text, node, "needed", 0, node->needed, count);
        for (int j = 0; j < node->input_count; j++) {
            const cni_explained *from = a->nodes + node->inputs[j];
            for (int64_t v = 0; v < from->map[1]; v++) {
                bool column[512] = {false}; /* rows of the node with something that column v feeds */
                for (int64_t x = 0; x < node->map[1]; x++) {
                    if (!takes_inside(node, 1, x, v, from->map[1])) continue;
                    for (int64_t y = 0; y < node->map[0]; y++) column[y] |= needed[i][y][x];
                }
                for (int64_t u = 0; u < from->map[0]; u++)
                    for (int64_t y = 0; y < node->map[0]; y++)
                        if (column[y] && takes_inside(node, 0, y, u, from->map[0])) needed[from->id][u][v] = true;
            }
        }
    }
}

/* Without errors, too large maps, and maps of one row that are repeated. */
static bool is_whole(const cni_analysis *a)
{
    for (int i = 0; i < a->count; i++) {
        const cni_explained *node = a->nodes + i;
        if (node->suspect || node->map[0] > 300 || node->map[1] > 300) return false;
        for (int j = 0; j < 2 && node->input_count == 2; j++)
            for (int axis = 0; axis < 2; axis++)
                if (a->nodes[node->inputs[j]].map[axis] != node->map[axis]) return false;
    }
    return true;
}

static void random_networks(bool branches)
{
    int checked = 0;
    for (seed = branches; checked < RUNS / (branches ? 4 : 8); seed++) {
        cni_arena arena = {0};
        network n;
        const bool torch = draw(0, 1);
        draw_network(&n, torch, branches);
        const char *text = network_end(&n);
        const cni_analysis *a = explain_as(&arena, torch ? CNI_TORCH : CNI_KERAS, text, NULL);
        if (is_whole(a)) {
            checked++;
            for (int axis = 0; axis < 2; axis++)
                for (int i = 0; i < a->count; i++) {
                    if (a->nodes[i].view.type == CNI_VIEW_POINT && a->nodes[i].input_count == 1) continue;
                    if (checked % 4 == 0) check_clipped(text, a, a->nodes + i, axis);
                    check_endless(text, a, a->nodes + i, axis);
                    if (a->nodes[i].input_count == 2) check_misalignment(text, a, a->nodes + i, axis);
                }
            check_sizes(text, a);
            check_masks(text, a);
        }
        free(n.text);
        cni_arena_free(&arena);
    }
}

static void chains(void **state)
{
    (void)state;
    random_networks(false);
}

static void networks_with_two_branches(void **state)
{
    (void)state;
    random_networks(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chains), cmocka_unit_test(networks_with_two_branches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
