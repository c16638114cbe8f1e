/* SPDX-License-Identifier: Apache-2.0
 * The rules by which convolutions are computed, and what they were measured on. */
#include "graph/ops/algorithm.h"

#include "graph/ops/measure_algorithm.h"
#include "graph/ops/taps.h"
#include "graph/ops/winograd_weights.h"
#include "kernels/kernels.h"

#include <math.h>

const cni_algorithm_row cni_algorithm_rows[CNI_ALGORITHMS] = {
    {"direct", 0, 0, false},
    {"F(4x4,3x3)", 4, 3, false},
    {"F(2x2,3x3)", 2, 3, false},
    {"F(2x2,5x5)", 2, 5, false},
    {"overlapping-F(4x4,3x3)", 4, 3, true},
    {"overlapping-F(2x2,5x5)", 2, 5, true},
};

/* Tiles of an image for those that overlap: images are not divided there. */
enum { MOST_OVERLAPPING = 112 };

static int tiles_of(const cni_conv_shape *s, const cni_algorithm_row *row)
{
    const int *of = row->overlaps ? s->from : s->to;
    return cni_ratio_up(of[0], row->results) * cni_ratio_up(of[1], row->results);
}

bool cni_algorithm_serves(cni_algorithm algorithm, const cni_conv_shape *s)
{
    const cni_algorithm_row *row = &cni_algorithm_rows[algorithm];
    const int window = row->window;
    if (row->overlaps && (s->pass != CNI_PASS_DATA || tiles_of(s, row) > MOST_OVERLAPPING)) return false;
    return algorithm == CNI_DIRECT ||
           (s->groups == 1 && s->window[0] == window && s->window[1] == window && s->strides[0] == 1 &&
            s->strides[1] == 1 && s->dilation[0] == 1 && s->dilation[1] == 1);
}

/* What a convolution costs, in cycles of a core with two multiply-adds of 16 lanes in each (fewer lanes: all grows by
 * the same factor).  The numbers are measured on an AMD Zen 5 of 2026 and are the same on every machine, or the sums
 * would not be.  On 304 cases (38 shapes of 4 ... 512 channels and 4x4 ... 64x64 cells, batches 1 and 8, both passes,
 * weights transformed once or every time) what this chooses took 10 % longer than the fastest 6 times, at most 1.5
 * times as long. */

enum { LANES = 16, ROWS = 14, BLOCK = 56 };

static int vectors_of(int channels)
{
    return cni_ratio_up(channels, LANES);
}

/* Bytes of weights that a core reads in a cycle: from its second cache, from the third, from memory. */
static double bytes_per_cycle(double bytes)
{
    return bytes < 5e5 ? 60 : bytes < 4e6 ? 27 : 10;
}

/* Sums for `rows` results over `depth` channels: a panel has two vectors of them, its weights are read meanwhile. */
static double product_cost(double rows, double depth, int vectors, double weights)
{
    double step = rows > 4 ? rows : 4, read = 128 / bytes_per_cycle(weights), last = 0.67 * rows > 4 ? 0.67 * rows : 4;
    double calls = 120 + 40 * ceil(rows / ROWS);
    double pairs = vectors / 2 * (depth * (step > read ? step : read) / 0.97 + calls);
    return vectors % 2 ? pairs + depth * (last > read / 2 ? last : read / 2) / 0.97 + calls : pairs;
}

/* Few channels written: vectors go along those that are read, and end in a sum over their lanes. */
static double narrow_cost(const cni_conv_shape *s, int n)
{
    const double results = (double)n * s->to[0] * s->to[1] * s->to[2];
    return results * (0.6 * s->window[0] * s->window[1] * vectors_of(s->from[2]) + 3) + 2000;
}

static double direct_cost(const cni_conv_shape *s, int n)
{
    if (s->to[2] <= CNI_NARROW && s->from[2] >= LANES / 2) return narrow_cost(s, n);
    double taps = (double)s->window[0] * s->window[1], weights = taps * s->from[2] * s->to[2] * 4;
    double pairs = vectors_of(s->to[2]) / 2 + (vectors_of(s->to[2]) % 2 ? 0.67 : 0);
    double multiply = (double)n * s->to[0] * s->to[1] * taps * s->from[2] * pairs / 0.95 + 2000;
    double read = weights / bytes_per_cycle(weights);
    if (!s->keeps) multiply += weights / 16; /* packing */
    return multiply > read ? multiply : read;
}

/* Few tiles and new weights (winograd_few.c), for each channel read and vector written: transforming the weights, which
 * may have to come from far, and the products. */
static double few_cost(const cni_conv_shape *s, double elements, int vectors, double tiles)
{
    const double k = s->window[0], read = k * k * 64 / bytes_per_cycle(k * k * s->from[2] * s->to[2] * 4);
    const double each = 2.4 * elements + (k > 3 ? 40 : 0) + (s->pass == CNI_PASS_DATA ? 4.5 * k * k : 0);
    return s->from[2] * (double)vectors * ((each > read ? each : read) + 0.62 * elements * tiles);
}

static double winograd_cost(cni_algorithm algorithm, const cni_conv_shape *s, int n)
{
    const int m = cni_algorithm_rows[algorithm].results, k = cni_algorithm_rows[algorithm].window;
    const double elements = (m + k - 1) * (m + k - 1);
    const bool overlaps = cni_algorithm_rows[algorithm].overlaps;
    const double tiles = (double)n * tiles_of(s, &cni_algorithm_rows[algorithm]);
    const double blocks = ceil(tiles / BLOCK), c = s->from[2];
    const int vectors = vectors_of(s->to[2]);
    const double u = elements * c * (vectors + vectors % 2) * LANES * 4;
    double ends;
    if (overlaps) {
        ends = tiles * vectors_of(s->from[2]) * 100; /* spread */
        ends += tiles * vectors * 160 + (double)n * s->to[0] * s->to[1] * vectors * 6;
    } else {
        ends = tiles * vectors_of(s->from[2]) * (elements > 16 ? 135 : 55);        /* input transform */
        ends += tiles * vectors * (elements > 16 ? 100 : 45) * (m == 4 ? 1.3 : 1); /* gather */
    }
    if (!s->keeps && !overlaps && tiles <= cni_few_tiles(s->from[2], s->to[2]))
        return 2000 + ends + few_cost(s, elements, vectors, tiles);
    double cost = 2000 + ends + blocks * elements * product_cost(tiles / blocks, c, vectors, u);
    double transform = c * vectors * elements * 64 / (u < 1.5e6 ? 14 : 6);            /* spread: limited by writing */
    return s->keeps ? cost : cost + transform * (s->pass == CNI_PASS_DATA ? 1.3 : 1); /* turned first */
}

/* Weights of F(4x4, 3x3) take four times their memory, for as long as the plan lives, those of F(2x2, 3x3) 1.8 times:
 * where they are many, the former must be a third faster. */
static double price(cni_algorithm algorithm, const cni_conv_shape *s)
{
    const double weights = (double)s->from[2] * s->to[2];
    return (algorithm == CNI_F43 || algorithm == CNI_OVERLAP_43) && s->keeps && weights >= 65536 ? 1.33 : 1;
}

bool cni_algorithm_allowed(cni_algorithm algorithm, const cni_conv_shape *s, const cni_run *run)
{
    if (algorithm == CNI_DIRECT) return true;
    if (run->math == CN_MATH_DIRECT || run->kernels->real_size == sizeof(double)) return false;
    return cni_algorithm_serves(algorithm, s) && (s->pass == CNI_PASS_WEIGHTS || run->kernels->winograd.lanes > 1);
}

static cni_algorithm choose_for_weights(const cni_conv_shape *s, const cni_run *run)
{
    cni_winograd_weights w = cni_winograd_weights_of(s, CNI_DIRECT);
    if (!cni_winograd_weights_choose(&w, run->batch)) return CNI_DIRECT;
    return w.window == 5 ? CNI_F25 : w.points == 4 ? CNI_F23 : CNI_F43;
}

static bool any_allowed(const cni_conv_shape *s, const cni_run *run)
{
    for (int a = CNI_DIRECT + 1; a < CNI_ALGORITHMS; a++)
        if (cni_algorithm_allowed((cni_algorithm)a, s, run)) return true;
    return false;
}

cni_algorithm cni_choose_algorithm(const cni_conv_shape *s, const cni_run *run)
{
    if (!any_allowed(s, run)) return CNI_DIRECT;
    if (s->pass == CNI_PASS_WEIGHTS) return choose_for_weights(s, run);
    cni_algorithm best = CNI_DIRECT;
    double least = direct_cost(s, run->batch);
    for (int a = CNI_DIRECT + 1; a < CNI_ALGORITHMS; a++) {
        const cni_algorithm algorithm = (cni_algorithm)a;
        if (!cni_algorithm_serves(algorithm, s)) continue;
        const double cost = winograd_cost(algorithm, s, run->batch) * price(algorithm, s);
        if (cost >= least) continue;
        least = cost;
        best = algorithm;
    }
    return best;
}

static cni_algorithm choice_of(const cni_op *op, const cni_conv_shape *s, const cni_run *most,
                               const cni_choosing *choosing)
{
    cni_choice measured;
    const cni_choice *row = cni_choices_find(choosing->known, s, most->batch);
    if (!row && choosing->measures && cni_measure_algorithms(op, s, most, choosing->far, &measured)) {
        if (cni_choices_put(choosing->known, &measured)) choosing->known->measured = true;
        row = &measured;
    }
    return row && cni_algorithm_allowed(row->algorithm, s, most) ? row->algorithm : cni_choose_algorithm(s, most);
}

cni_algorithm cni_planned_algorithm(const cni_op *op, const cni_conv_shape *s, const cni_run *most,
                                    const cni_choosing *choosing)
{
    if (!any_allowed(s, most)) return CNI_DIRECT;
    if (!choosing->known) return cni_choose_algorithm(s, most);
    const cni_algorithm algorithm = choice_of(op, s, most, choosing);
    const cni_choice used = {.shape = *s, .batch = most->batch, .algorithm = algorithm};
    if (choosing->used) cni_choices_put(choosing->used, &used); /* without memory there is less to compare later */
    return algorithm;
}
