/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms: together they are a correlation (the portable kernels in double, against the definition), and
 * every instruction set agrees with the portable kernels in double.
 *
 * Bound: an element is a sum over cells of (two constants) cell.  On its way through one line a cell meets a rounded
 * constant, its product and at most four sums; on two lines that makes 12 roundings of a half eps each, relative to
 * sum |constants| |cell|, which the transform of unit patches gives. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernels/guarded.h"
#include "kernels/kernels.h"

enum { N = CNI_WINOGRAD_N, CELLS = N * N, CHANNELS = 40, TILES = 5, SEEDS = 60 };

static const int sizes[][2] = {{4, 2}, {4, 3}, {6, 2}, {6, 3}, {6, 4}, {6, 5}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static uint32_t draw(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*random * below) >> 32);
}

static double number(uint32_t *random)
{
    return (double)draw(random, 1u << 24) / (1 << 23) - 1;
}

static const cni_kernels *judge(void)
{
    static cni_kernels kernels;
    if (!kernels.name) cni_kernels_init_double(&kernels);
    return &kernels;
}

/* One patch, one channel. */
static cni_winograd_job patch(const cni_winograd_tile *tile, int k)
{
    return (cni_winograd_job){
        .tiles = tile, .count = 1, .row = k, .column = 1, .tile = 1, .position = 1, .channels = 1};
}

static cni_winograd_tile whole_tile(int k)
{
    return (cni_winograd_tile){.bottom = k, .right = k};
}

/* y = gather_m [ spread_k w * input x ] */
static void correlations(void **state)
{
    (void)state;
    const cni_winograd_kernels *kernels = &judge()->winograd;
    uint32_t random = 1;
    for (int s = 0; s < SIZES; s++) {
        int n = sizes[s][0], k = sizes[s][1], m = n + 1 - k;
        double x[CELLS], w[CELLS], v[CELLS], u[CELLS], y[CELLS];
        for (int i = 0; i < CELLS; i++) x[i] = number(&random);
        for (int i = 0; i < CELLS; i++) w[i] = number(&random);
        cni_winograd_tile large = whole_tile(n), window = whole_tile(k), small = whole_tile(m);
        cni_winograd_job input = patch(&large, n), spread = patch(&window, k), gather = patch(&small, m);
        kernels->input[n](&input, x, v);
        kernels->spread[n][k](&spread, w, u);
        for (int i = 0; i < n * n; i++) v[i] *= u[i];
        kernels->gather[n][m](&gather, v, NULL, 0, y);
        for (int i = 0; i < m; i++)
            for (int j = 0; j < m; j++) {
                double sum = 0;
                for (int r = 0; r < k; r++)
                    for (int q = 0; q < k; q++) sum += x[(i + r) * n + j + q] * w[r * k + q];
                assert_float_equal(y[i * m + j], sum, 1e-13);
            }
    }
}

/* x = overlap [ spread_k w * spread_m y ]: what y sends back, on top of what is there. */
static void products(void **state)
{
    (void)state;
    const cni_winograd_kernels *kernels = &judge()->winograd;
    uint32_t random = 1;
    for (int k = 2; k <= 5; k++) {
        int n = 6, m = n + 1 - k;
        double x[CELLS], sums[CELLS], w[CELLS], v[CELLS], u[CELLS], y[CELLS];
        for (int i = 0; i < CELLS; i++) x[i] = sums[i] = number(&random);
        for (int i = 0; i < CELLS; i++) w[i] = number(&random);
        for (int i = 0; i < CELLS; i++) y[i] = number(&random);
        cni_winograd_tile large = whole_tile(n), window = whole_tile(k), small = whole_tile(m);
        cni_winograd_job overlap = patch(&large, n), spread = patch(&window, k), from = patch(&small, m);
        kernels->spread[n][m](&from, y, v);
        kernels->spread[n][k](&spread, w, u);
        for (int i = 0; i < n * n; i++) v[i] *= u[i];
        kernels->overlap[n](&overlap, v, x);
        for (int i = 0; i < m * m; i++)
            for (int r = 0; r < k * k; r++) sums[(i / m + r / k) * n + i % m + r % k] += y[i] * w[r];
        for (int i = 0; i < n * n; i++) assert_float_equal(x[i], sums[i], 1e-13);
    }
}

/* The sum of |constants| |cells| of a transform from a x a to b x b. */
typedef struct constants {
    double of[CELLS][CELLS];
} constants;

static double magnitude(const constants *a, const double *cells, int count, int element)
{
    double sum = 0;
    for (int i = 0; i < count; i++) sum += fabs(a->of[element][i]) * fabs(cells[i]);
    return sum;
}

static const double roundings = 12 * 5.9604645e-8;

/* What is not written must stay what it was: NaN of this pattern. */
static const uint32_t untouched = 0x7fc12345;

static void mark(guarded *g)
{
    for (size_t i = 0; i < g->count; i++) memcpy(&g->data[i], &untouched, sizeof untouched);
}

static bool is_untouched(const guarded *g, size_t at)
{
    return !memcmp(&g->data[at], &untouched, sizeof untouched);
}

/* Tiles that stick out on any side, one after the other. */
static void draw_tiles(uint32_t *random, int k, cni_winograd_tile *tiles, size_t count, int channels)
{
    for (size_t t = 0; t < count; t++) {
        tiles[t] = (cni_winograd_tile){.at = (ptrdiff_t)t * k * k * channels, .bottom = k, .right = k};
        if (draw(random, 2)) continue;
        tiles[t].top = (int)draw(random, (uint32_t)k);
        tiles[t].bottom = tiles[t].top + (int)draw(random, (uint32_t)(k - tiles[t].top + 1));
        tiles[t].left = (int)draw(random, (uint32_t)k);
        tiles[t].right = tiles[t].left + (int)draw(random, (uint32_t)(k - tiles[t].left + 1));
    }
    tiles[count - 1] = (cni_winograd_tile){.at = tiles[count - 1].at, .bottom = k, .right = k}; /* for the guard */
}

static bool inside(const cni_winograd_tile *t, int i, int j)
{
    return i >= t->top && i < t->bottom && j >= t->left && j < t->right;
}

typedef struct test_case {
    int channels;
    size_t count;
    cni_winograd_tile tiles[TILES];
    cni_winograd_job job;
} test_case;

static test_case draw_case(uint32_t *random, int k)
{
    test_case c = {.channels = 1 + (int)draw(random, CHANNELS), .count = 1 + draw(random, TILES)};
    draw_tiles(random, k, c.tiles, c.count, c.channels);
    ptrdiff_t tile = c.channels + (ptrdiff_t)draw(random, 3);
    ptrdiff_t position = (ptrdiff_t)c.count * tile + (ptrdiff_t)draw(random, 20);
    c.job = (cni_winograd_job){.count = c.count,
                               .row = (ptrdiff_t)k * c.channels,
                               .column = c.channels,
                               .tile = tile,
                               .position = position,
                               .channels = c.channels};
    return c;
}

static size_t transform_count(const test_case *c, int n)
{
    return (size_t)((n * n - 1) * c->job.position + ((ptrdiff_t)c->count - 1) * c->job.tile + c->channels);
}

static void check_forth(cni_winograd_forth *kernel, cni_winograd_forth *exact, int n, int k, uint32_t seed,
                        const char *name)
{
    uint32_t random = seed * 2654435761u;
    test_case c = draw_case(&random, k);
    c.job.tiles = c.tiles;
    constants a;
    cni_winograd_tile tile = whole_tile(k);
    cni_winograd_job one = patch(&tile, k);
    for (int i = 0; i < k * k; i++) {
        double unit[CELLS] = {0}, v[CELLS];
        unit[i] = 1;
        exact(&one, unit, v);
        for (int e = 0; e < n * n; e++) a.of[e][i] = v[e];
    }
    guarded x = new_guarded(c.count * (size_t)(k * k * c.channels)), v = new_guarded(transform_count(&c, n));
    mark(&x); /* cells outside stay NaN */
    for (size_t t = 0; t < c.count; t++)
        for (int i = 0; i < k * k * c.channels; i++)
            if (inside(&c.tiles[t], i / c.channels / k, i / c.channels % k))
                x.data[c.tiles[t].at + i] = (float)number(&random);
    mark(&v);
    kernel(&c.job, x.data, v.data);
    size_t written = 0;
    for (size_t t = 0; t < c.count; t++)
        for (int channel = 0; channel < c.channels; channel++) {
            double cells[CELLS], expected[CELLS];
            for (int i = 0; i < k * k; i++)
                cells[i] = inside(&c.tiles[t], i / k, i % k)
                               ? (double)x.data[c.tiles[t].at + (ptrdiff_t)i * c.channels + channel]
                               : 0;
            exact(&one, cells, expected);
            for (int e = 0; e < n * n; e++) {
                double got = (double)v.data[e * c.job.position + (ptrdiff_t)t * c.job.tile + channel];
                if (!(fabs(got - expected[e]) <= roundings * magnitude(&a, cells, k * k, e)))
                    fail_msg("%s, seed %u, tile %zu, channel %d, element %d: got %.9g, exact %.9g", name, seed, t,
                             channel, e, got, expected[e]);
                written++;
            }
        }
    for (size_t i = 0; i < v.count; i++) written += is_untouched(&v, i);
    assert_int_equal(written, v.count);
    free_guarded(&x);
    free_guarded(&v);
}

static cni_finish draw_finish(uint32_t *random, guarded *vectors, guarded *images)
{
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < vectors[i].count; k++) vectors[i].data[k] = (float)number(random);
        for (size_t k = 0; k < images[i].count; k++) images[i].data[k] = (float)number(random);
    }
    cni_finish f = {.scale = draw(random, 2) ? vectors[0].data : NULL,
                    .shift = draw(random, 2) ? vectors[1].data : NULL,
                    .add = draw(random, 2) ? images[0].data : NULL,
                    .mask = draw(random, 2) ? images[1].data : NULL,
                    .clamps = draw(random, 2)};
    f.slope = draw(random, 2) ? 0.25 : 0;
    f.most = draw(random, 2) ? 0.5 : INFINITY;
    return f;
}

/* In double, and how much an error before the scale grows: at most by |scale|, and by three more roundings. */
static double finished(const cni_finish *f, double sum, ptrdiff_t column, ptrdiff_t at, double *bound)
{
    double scale = f->scale ? (double)((const float *)f->scale)[column] : 1;
    sum *= scale;
    *bound *= fabs(scale);
    if (f->shift) sum += (double)((const float *)f->shift)[column];
    if (f->add) sum += (double)((const float *)f->add)[at];
    *bound += 3 * 5.9604645e-8 * (fabs(sum) + 2);
    if (f->clamps) {
        if (sum < 0) sum *= f->slope;
        if (sum > f->most) sum = f->most;
    }
    if (f->mask && !(((const float *)f->mask)[at] > 0)) sum = 0;
    return sum;
}

static void check_back(cni_winograd_back *kernel, cni_winograd_back *exact, int n, int k, uint32_t seed,
                       const char *name)
{
    uint32_t random = seed * 2654435761u;
    test_case c = draw_case(&random, k);
    c.job.tiles = c.tiles;
    int first = (int)draw(&random, 9); /* the image has channels before the job's, and two behind */
    int pitch = first + c.channels + 2;
    for (size_t t = 0; t < c.count; t++) c.tiles[t].at = (ptrdiff_t)t * k * k * pitch;
    c.job.row = (ptrdiff_t)k * pitch;
    c.job.column = pitch;
    constants a;
    cni_winograd_tile tile = whole_tile(k);
    cni_winograd_job one = patch(&tile, k);
    for (int i = 0; i < n * n; i++) {
        double unit[CELLS] = {0}, y[CELLS];
        unit[i] = 1;
        exact(&one, unit, NULL, 0, y);
        for (int e = 0; e < k * k; e++) a.of[e][i] = y[e];
    }
    size_t count = c.count * (size_t)(k * k * pitch);
    guarded m = new_guarded(transform_count(&c, n)), y = new_guarded(count);
    guarded vectors[2] = {new_guarded((size_t)pitch), new_guarded((size_t)pitch)};
    guarded images[2] = {new_guarded(count), new_guarded(count)};
    for (size_t i = 0; i < m.count; i++) m.data[i] = (float)number(&random);
    mark(&y);
    cni_finish f = draw_finish(&random, vectors, images);
    bool with = seed % 4;
    kernel(&c.job, m.data, with ? &f : NULL, first, y.data);
    size_t written = 0;
    for (size_t t = 0; t < c.count; t++)
        for (int channel = 0; channel < c.channels; channel++) {
            double from[CELLS], expected[CELLS];
            for (int i = 0; i < n * n; i++)
                from[i] = (double)m.data[i * c.job.position + (ptrdiff_t)t * c.job.tile + channel];
            exact(&one, from, NULL, 0, expected);
            for (int e = 0; e < k * k; e++) {
                if (!inside(&c.tiles[t], e / k, e % k)) continue;
                ptrdiff_t at = c.tiles[t].at + (ptrdiff_t)e * pitch + first + channel;
                double bound = roundings * magnitude(&a, from, n * n, e);
                double wanted = with ? finished(&f, expected[e], first + channel, at, &bound) : expected[e];
                if (!(fabs((double)y.data[at] - wanted) <= bound))
                    fail_msg("%s, seed %u, tile %zu, channel %d, cell %d: got %.9g, exact %.9g", name, seed, t, channel,
                             e, (double)y.data[at], wanted);
                written++;
            }
        }
    for (size_t i = 0; i < y.count; i++) written += is_untouched(&y, i);
    assert_int_equal(written, y.count);
    guarded *const all[] = {&m, &y, &vectors[0], &vectors[1], &images[0], &images[1]};
    for (int i = 0; i < 6; i++) free_guarded(all[i]);
}

/* Maxima of 2 x 2 are those of what the kernels in double gather; two maxima are no further apart than the worst of
 * their cells.  Taps name a cell that is the maximum within these bounds, of equals (all of m is 0) the first.  NaN
 * comes where one is gathered; what does not depend on it is as if it were 0. */
enum { UNTOUCHED_TAP = 0xee };

static void check_maxima(const cni_winograd_kernels *kernels, cni_winograd_back *exact, int n, int k, uint32_t seed,
                         const char *name)
{
    uint32_t random = seed * 2654435761u;
    test_case c = draw_case(&random, k / 2);
    c.job.tiles = c.tiles;
    int first = (int)draw(&random, 9), pitch = first + c.channels + 2, half = k / 2;
    for (size_t t = 0; t < c.count; t++) c.tiles[t].at = (ptrdiff_t)t * half * half * pitch;
    c.job.row = (ptrdiff_t)half * pitch;
    c.job.column = pitch;
    cni_winograd_tile tile = whole_tile(k);
    cni_winograd_job one = patch(&tile, k);
    constants a;
    for (int i = 0; i < n * n; i++) {
        double unit[CELLS] = {0}, y[CELLS];
        unit[i] = 1;
        exact(&one, unit, NULL, 0, y);
        for (int e = 0; e < k * k; e++) a.of[e][i] = y[e];
    }
    size_t count = c.count * (size_t)(half * half * pitch);
    guarded m = new_guarded(transform_count(&c, n)), y = new_guarded(count);
    guarded vectors[2] = {new_guarded((size_t)pitch), new_guarded((size_t)pitch)};
    guarded images[2] = {new_guarded(1), new_guarded(1)};
    for (size_t i = 0; i < m.count; i++) m.data[i] = (float)number(&random);
    const bool equal = seed % 7 == 0, taps_too = seed % 2;
    for (size_t i = 0; i < m.count && equal; i++) m.data[i] = 0;
    unsigned char *taps = malloc(count);
    memset(taps, UNTOUCHED_TAP, count);
    c.job.taps = taps_too ? taps : NULL;
    if (seed % 3 == 0 && !equal) m.data[draw(&random, (uint32_t)m.count)] = NAN;
    mark(&y);
    cni_finish f = draw_finish(&random, vectors, images);
    f.add = f.mask = NULL;
    const bool with = seed % 4;
    kernels->gather_max[n][k](&c.job, m.data, with ? &f : NULL, first, y.data);
    size_t written = 0;
    for (size_t t = 0; t < c.count; t++)
        for (int channel = 0; channel < c.channels; channel++) {
            double from[CELLS], expected[CELLS];
            float alone[CELLS], gathered[CELLS];
            for (int i = 0; i < n * n; i++) {
                alone[i] = m.data[i * c.job.position + (ptrdiff_t)t * c.job.tile + channel];
                from[i] = isnan(alone[i]) ? 0 : (double)alone[i];
            }
            exact(&one, from, NULL, 0, expected);
            kernels->gather[n][k](&one, alone, NULL, 0, gathered);
            for (int e = 0; e < half * half; e++) {
                if (!inside(&c.tiles[t], e / half, e % half)) continue;
                double wanted = -INFINITY, most = 0, values[4];
                bool none = false, nones[4];
                for (int s = 0; s < 4; s++) {
                    int cell = (2 * (e / half) + s / 2) * k + 2 * (e % half) + s % 2;
                    double bound = roundings * magnitude(&a, from, n * n, cell);
                    double value = with ? finished(&f, expected[cell], first + channel, 0, &bound) : expected[cell];
                    none |= nones[s] = isnan(gathered[cell]);
                    values[s] = value;
                    wanted = fmax(wanted, value);
                    most = fmax(most, bound);
                }
                const ptrdiff_t at = c.tiles[t].at + (ptrdiff_t)e * pitch + first + channel;
                const double got = (double)y.data[at];
                const unsigned tap = taps_too ? taps[at] : 0;
                taps[at] = UNTOUCHED_TAP;
                if (taps_too && (tap > 3 || (equal && tap) || (none ? !nones[tap] : values[tap] < wanted - 2 * most)))
                    fail_msg("%s, seed %u, tile %zu, channel %d, maximum %d: tap %u", name, seed, t, channel, e, tap);
                if (none ? !isnan(got) : !(fabs(got - wanted) <= most))
                    fail_msg("%s, seed %u, tile %zu, channel %d, maximum %d: got %.9g, exact %.9g", name, seed, t,
                             channel, e, got, none ? (double)NAN : wanted);
                written++;
            }
        }
    for (size_t i = 0; i < y.count; i++) written += is_untouched(&y, i);
    assert_int_equal(written, y.count);
    guarded *const all[] = {&m, &y, &vectors[0], &vectors[1], &images[0], &images[1]};
    for (int i = 0; i < 6; i++) free_guarded(all[i]);
    for (size_t i = 0; i < count; i++) assert_int_equal(taps[i], UNTOUCHED_TAP);
    free(taps);
}

/* Tiles that overlap, or that lie side by side.  Adding is one rounding more each time. */
static void check_overlap(cni_winograd_overlap *kernel, cni_winograd_overlap *exact, uint32_t seed, const char *name)
{
    enum { n = 6 };
    uint32_t random = seed * 2654435761u;
    test_case c = draw_case(&random, n);
    c.job.tiles = c.tiles;
    const int pitch = c.channels + (int)draw(&random, 3), step = 1 + (int)draw(&random, n);
    const ptrdiff_t columns = (ptrdiff_t)(c.count - 1) * step + n;
    for (size_t t = 0; t < c.count; t++)
        c.tiles[t] = (cni_winograd_tile){.at = (ptrdiff_t)t * step * pitch, .bottom = n, .right = n};
    c.job.row = columns * pitch;
    c.job.column = pitch;
    constants a;
    cni_winograd_tile tile = whole_tile(n);
    cni_winograd_job one = patch(&tile, n);
    for (int i = 0; i < n * n; i++) {
        double unit[CELLS] = {0}, y[CELLS] = {0};
        unit[i] = 1;
        exact(&one, unit, y);
        for (int e = 0; e < n * n; e++) a.of[e][i] = y[e];
    }
    const size_t count = (size_t)((n * columns - 1) * pitch + c.channels);
    guarded m = new_guarded(transform_count(&c, n)), y = new_guarded(count);
    for (size_t i = 0; i < m.count; i++) m.data[i] = (float)number(&random);
    double *wanted = calloc(count, sizeof *wanted), *bound = calloc(count, sizeof *bound);
    mark(&y);
    for (size_t i = 0; i < count; i++) {
        if ((ptrdiff_t)i % pitch >= c.channels) continue;
        y.data[i] = (float)number(&random);
        wanted[i] = (double)y.data[i];
        bound[i] = fabs(wanted[i]) * (double)TILES * 5.9604645e-8;
    }
    for (size_t t = 0; t < c.count; t++)
        for (int channel = 0; channel < c.channels; channel++) {
            double from[CELLS], to[CELLS] = {0};
            for (int i = 0; i < n * n; i++)
                from[i] = (double)m.data[i * c.job.position + (ptrdiff_t)t * c.job.tile + channel];
            exact(&one, from, to);
            for (int e = 0; e < n * n; e++) {
                ptrdiff_t at = c.tiles[t].at + e / n * c.job.row + e % n * c.job.column + channel;
                wanted[at] += to[e];
                bound[at] += (roundings + (double)TILES * 5.9604645e-8) * magnitude(&a, from, n * n, e);
            }
        }
    kernel(&c.job, m.data, y.data);
    for (size_t i = 0; i < count; i++) {
        const bool gap = (ptrdiff_t)i % pitch >= c.channels;
        if (gap ? !is_untouched(&y, i) : !(fabs((double)y.data[i] - wanted[i]) <= bound[i]))
            fail_msg("%s, seed %u, element %zu: got %.9g, exact %.9g", name, seed, i, (double)y.data[i], wanted[i]);
    }
    free(wanted);
    free(bound);
    free_guarded(&m);
    free_guarded(&y);
}

static void on_all_kernels(void (*test)(const cni_kernels *kernels, uint32_t seed))
{
    for (int isa = 0; isa < CNI_ISA_COUNT; isa++) {
        if (!cni_isa_available((cni_isa)isa)) continue;
        cni_kernels kernels;
        cni_kernels_init(&kernels, (cni_isa)isa);
        for (uint32_t seed = 0; seed < SEEDS; seed++) test(&kernels, seed);
    }
}

static void check_inputs(const cni_kernels *kernels, uint32_t seed)
{
    int n = seed % 2 ? 6 : 4;
    check_forth(kernels->winograd.input[n], judge()->winograd.input[n], n, n, seed, kernels->name);
}

static void inputs(void **state)
{
    (void)state;
    on_all_kernels(check_inputs);
}

static void check_others(const cni_kernels *kernels, uint32_t seed)
{
    for (int s = 0; s < SIZES; s++) {
        int n = sizes[s][0], k = sizes[s][1];
        check_forth(kernels->winograd.spread[n][k], judge()->winograd.spread[n][k], n, k, seed, kernels->name);
        check_back(kernels->winograd.gather[n][k], judge()->winograd.gather[n][k], n, k, seed, kernels->name);
    }
}

static void spreads_and_gathers(void **state)
{
    (void)state;
    on_all_kernels(check_others);
}

static void check_all_maxima(const cni_kernels *kernels, uint32_t seed)
{
    static const int pooled[][2] = {{4, 2}, {6, 2}, {6, 4}};
    for (int s = 0; s < 3; s++) {
        int n = pooled[s][0], k = pooled[s][1];
        check_maxima(&kernels->winograd, judge()->winograd.gather[n][k], n, k, seed, kernels->name);
    }
}

static void maxima(void **state)
{
    (void)state;
    on_all_kernels(check_all_maxima);
}

static void check_overlaps(const cni_kernels *kernels, uint32_t seed)
{
    check_overlap(kernels->winograd.overlap[6], judge()->winograd.overlap[6], seed, kernels->name);
}

static void overlaps(void **state)
{
    (void)state;
    on_all_kernels(check_overlaps);
}

/* Bound: u is off by as much as a transform may be, and a sum of k products by (k + 1) half eps, both relative to
 * sum |v| sum |constants| |weights|. */
static void check_products(const cni_kernels *kernels, int n, int window, uint32_t seed)
{
    uint32_t random = seed * 2654435761u + (uint32_t)(n * 8 + window);
    const int lanes = kernels->winograd.lanes, taps = window * window;
    const int tiles = 1 + (int)draw(&random, 17), width = 1 + (int)draw(&random, 2 * (uint32_t)lanes);
    const int depth = seed % 4 ? 1 + (int)draw(&random, CNI_WINOGRAD_CHUNK) : CNI_WINOGRAD_CHUNK;
    cni_winograd_products p = {.tiles = tiles, .depth = depth, .width = width, .accumulate = seed % 2};
    p.v_position = (tiles - 1) * CNI_WINOGRAD_CHUNK + depth + (ptrdiff_t)draw(&random, 20);
    p.m_position = tiles * 2 * lanes + (ptrdiff_t)draw(&random, 20);
    p.pixel = width + (ptrdiff_t)draw(&random, 5);
    p.tap = depth * p.pixel;
    guarded v = new_guarded((size_t)((n * n - 1) * p.v_position + (tiles - 1) * CNI_WINOGRAD_CHUNK + depth));
    guarded w = new_guarded((size_t)((taps - 1) * p.tap + (depth - 1) * p.pixel + width));
    guarded m = new_guarded((size_t)((n * n - 1) * p.m_position + tiles * 2 * lanes));
    for (size_t i = 0; i < v.count; i++) v.data[i] = (float)number(&random);
    for (size_t i = 0; i < w.count; i++) w.data[i] = (float)number(&random);
    float *before = malloc(m.count * sizeof *before);
    for (size_t i = 0; i < m.count; i++) m.data[i] = before[i] = p.accumulate ? (float)number(&random) : NAN;
    p.v = v.data;
    p.w = w.data;
    p.m = m.data;
    kernels->winograd.multiply[n][window](&p);
    cni_winograd_tile tile = whole_tile(window);
    cni_winograd_job one = patch(&tile, window);
    constants a;
    for (int i = 0; i < taps; i++) {
        double unit[CELLS] = {0}, u[CELLS];
        unit[i] = 1;
        judge()->winograd.spread[n][window](&one, unit, u);
        for (int e = 0; e < n * n; e++) a.of[e][i] = u[e];
    }
    for (int c = 0; c < width; c++)
        for (int e = 0; e < n * n; e++)
            for (int t = 0; t < tiles; t++) {
                const size_t at = (size_t)(e * p.m_position + (t * 2 * lanes + c));
                double sum = p.accumulate ? (double)before[at] : 0, total = fabs(sum);
                for (int k = 0; k < depth; k++) {
                    double cells[CELLS], u = 0;
                    const double x = (double)v.data[e * p.v_position + t * CNI_WINOGRAD_CHUNK + k];
                    for (int i = 0; i < taps; i++) cells[i] = (double)w.data[i * p.tap + k * p.pixel + c];
                    for (int i = 0; i < taps; i++) u += a.of[e][i] * cells[i];
                    sum += x * u;
                    total += fabs(x) * magnitude(&a, cells, taps, e);
                }
                const double bound = (roundings + (depth + 1) * 5.9604645e-8) * total;
                if (!(fabs((double)m.data[at] - sum) <= bound))
                    fail_msg(
                        "%s, F of %d points for %d, seed %u, tile %d, channel %d, element %d: got %.9g, exact %.9g",
                        kernels->name, n, window, seed, t, c, e, (double)m.data[at], sum);
            }
    free(before);
    guarded *const all[] = {&v, &w, &m};
    for (int i = 0; i < 3; i++) free_guarded(all[i]);
}

static void check_all_products(const cni_kernels *kernels, uint32_t seed)
{
    check_products(kernels, 4, 3, seed);
    check_products(kernels, 6, 3, seed);
    check_products(kernels, 6, 5, seed);
}

static void products_of_few_tiles(void **state)
{
    (void)state;
    on_all_kernels(check_all_products);
}

/* Whole numbers: exactly. */
static void check_outer(const cni_kernels *kernels, uint32_t seed)
{
    uint32_t random = seed * 2654435761u;
    const int row = 2 * kernels->winograd.lanes;
    cni_winograd_outer o = {
        .elements = seed % 2 ? 36 : 16, .tiles = 1 + (int)draw(&random, 16), .height = 1 + (int)draw(&random, 18)};
    o.v_tile = o.height + (ptrdiff_t)draw(&random, 3);
    o.v_position = o.tiles * o.v_tile + (ptrdiff_t)draw(&random, 20);
    o.z_position = o.tiles * row + (ptrdiff_t)draw(&random, 20);
    o.m_position = o.height * row + (ptrdiff_t)draw(&random, 20);
    guarded v = new_guarded((size_t)((o.elements - 1) * o.v_position + (o.tiles - 1) * o.v_tile + o.height));
    guarded z = new_guarded((size_t)((o.elements - 1) * o.z_position + o.tiles * row));
    guarded m = new_guarded((size_t)((o.elements - 1) * o.m_position + o.height * row));
    for (size_t i = 0; i < v.count; i++) v.data[i] = (float)draw(&random, 7) - 3;
    for (size_t i = 0; i < z.count; i++) z.data[i] = (float)draw(&random, 7) - 3;
    mark(&m);
    o.v = v.data;
    o.z = z.data;
    o.m = m.data;
    kernels->winograd.outer(&o);
    size_t written = 0;
    for (int e = 0; e < o.elements; e++)
        for (int c = 0; c < o.height; c++)
            for (int f = 0; f < row; f++, written++) {
                float sum = 0;
                for (int t = 0; t < o.tiles; t++)
                    sum += v.data[e * o.v_position + t * o.v_tile + c] * z.data[e * o.z_position + t * row + f];
                if (m.data[e * o.m_position + c * row + f] != sum)
                    fail_msg("%s, seed %u, element %d, channel %d, filter %d", kernels->name, seed, e, c, f);
            }
    for (size_t i = 0; i < m.count; i++) written += is_untouched(&m, i);
    assert_int_equal(written, m.count);
    guarded *const all[] = {&v, &z, &m};
    for (int i = 0; i < 3; i++) free_guarded(all[i]);
}

static void gradients_of_few_tiles(void **state)
{
    (void)state;
    on_all_kernels(check_outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(correlations),
                                       cmocka_unit_test(products),
                                       cmocka_unit_test(inputs),
                                       cmocka_unit_test(spreads_and_gathers),
                                       cmocka_unit_test(maxima),
                                       cmocka_unit_test(overlaps),
                                       cmocka_unit_test(products_of_few_tiles),
                                       cmocka_unit_test(gradients_of_few_tiles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
