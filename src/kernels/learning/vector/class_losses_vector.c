/* SPDX-License-Identifier: Apache-2.0
 * Crossentropies of rows of classes with vectors.  Logarithms of which a row needs one are taken for many rows at once;
 * a row of classes that one vector holds never goes back to memory between its sum and its result. */
#include "kernels/learning/learning.h"
#include "kernels/vector_rows.h"

#include <stddef.h>

enum { ROWS = 256 }; /* whose logarithms are taken together */

typedef struct constants {
    lanes keep, add, low, high;
    float least, most; /* low and high */
    bool smooths;
} constants;

static constants constants_of(const cni_loss_spec *spec)
{
    const float least = (float)spec->epsilon, most = (float)(1 - spec->epsilon);
    return (constants){.keep = splat((float)spec->smoothing_keep),
                       .add = splat((float)spec->smoothing_add),
                       .low = splat(least),
                       .high = splat(most),
                       .least = least,
                       .most = most,
                       .smooths = spec->smoothing_keep < 1};
}

ALWAYS_INLINE lanes clipped(const constants *c, lanes q)
{
    return choose((mask)(q < c->low), c->low, choose((mask)(q > c->high), c->high, q));
}

static void take_logarithms(float *x, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) store_rest(x + i, vector_log(load_filled(x + i, n - i, 1)), n - i);
}

/* ---- one class per row ---- */

/* The class that a row's label names, or -1: the row has loss 0. */
ALWAYS_INLINE ptrdiff_t class_of(const cni_loss_spec *spec, float y, size_t count)
{
    if (spec->ignores && y == (float)spec->ignored) return -1;
    return y > -1 && y < (float)count ? (ptrdiff_t)y : -1;
}

/* With q = p / sum: its clipped logarithm.  From logits: p - top - log(sum of exp(p - top)). */
static void sparse_values(const cni_loss_spec *spec, size_t rows, size_t count, const float *y, const float *p,
                          float *values)
{
    const constants c = constants_of(spec);
    float shifted[ROWS];
    for (size_t r = 0; r < rows; r++, p += count) {
        const ptrdiff_t at = class_of(spec, y[r], count);
        const float own = at < 0 ? 0 : p[at];
        if (spec->from_logits) {
            const float top = row_maximum(p, count);
            shifted[r] = own - top;
            values[r] = row_exponentials(p, top, NULL, count);
        } else {
            const float q = own / row_sum(p, count);
            shifted[r] = 0;
            values[r] = q < c.least ? c.least : q > c.most ? c.most : q;
        }
    }
    take_logarithms(values, rows);
    for (size_t r = 0; r < rows; r++)
        values[r] = class_of(spec, y[r], count) < 0 ? 0 : spec->from_logits ? values[r] - shifted[r] : -values[r];
}

static void sparse_loss(const cni_loss_spec *spec, size_t rows, size_t count, const void *y, const void *p,
                        void *values)
{
    for (size_t r = 0; r < rows; r += ROWS)
        sparse_values(spec, rows - r < ROWS ? rows - r : ROWS, count, (const float *)y + r,
                      (const float *)p + r * count, (float *)values + r);
}

ALWAYS_INLINE void fill_row(float *to, float value, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) store_rest(to + i, splat(value), count - i);
}

/* q = p / sum and u = 1 / q at the class, where the clip lets it through: dp = (u q - u) / sum there, u q / sum
 * elsewhere.  JAX halves what goes through a clip where the value meets the bound. */
ALWAYS_INLINE void sparse_probabilities(const constants *c, size_t count, size_t at, const float *p, float factor,
                                        float *dp)
{
    const float sum = row_sum(p, count), q = p[at] / sum;
    const bool outside = q < c->least || q > c->most, meets = q == c->least || q == c->most;
    const float u = outside ? 0 : meets ? 0.5f / q : 1 / q, all = u * q + (sum - sum);
    fill_row(dp, factor * all / sum, count);
    dp[at] = factor * (all - u) / sum;
}

ALWAYS_INLINE void sparse_logits(size_t count, size_t at, const float *p, float factor, float *dp)
{
    const float top = row_maximum(p, count), share = 1 / row_exponentials(p, top, dp, count);
    for (size_t i = 0; i < count; i += LANES)
        store_rest(dp + i, factor * (share * load_rest(dp + i, count - i)), count - i);
    dp[at] -= factor;
}

static void sparse_gradient(const cni_loss_spec *spec, size_t rows, size_t count, const void *labels, const void *given,
                            const void *factors, void *to)
{
    const constants c = constants_of(spec);
    const float *y = labels, *p = given, *factor = factors;
    float *dp = to;
    for (size_t r = 0; r < rows; r++, p += count, dp += count) {
        const ptrdiff_t at = class_of(spec, y[r], count);
        if (at < 0)
            fill_row(dp, 0, count);
        else if (spec->from_logits)
            sparse_logits(count, (size_t)at, p, factor[r], dp);
        else
            sparse_probabilities(&c, count, (size_t)at, p, factor[r], dp);
    }
}

/* ---- a label for each class ---- */

ALWAYS_INLINE lanes labels_at(const constants *c, const float *y, size_t left)
{
    const lanes y_here = load_rest(y, left);
    return c->smooths ? only_row(y_here * c->keep + c->add, left) : y_here;
}

ALWAYS_INLINE float row_of_logits(const constants *c, const float *y, const float *p, size_t count)
{
    const float top = row_maximum(p, count);
    const lanes log_sum = vector_log(splat(row_exponentials(p, top, NULL, count)));
    lanes sum = {0};
    for (size_t i = 0; i < count; i += LANES)
        sum += labels_at(c, y + i, count - i) * (load_filled(p + i, count - i, top) - top - log_sum);
    return -sum_of_lanes(sum);
}

ALWAYS_INLINE float row_of_probabilities(const constants *c, const float *y, const float *p, size_t count)
{
    const lanes all = splat(row_sum(p, count));
    lanes sum = {0};
    for (size_t i = 0; i < count; i += LANES)
        sum += labels_at(c, y + i, count - i) * vector_log(clipped(c, load_rest(p + i, count - i) / all));
    return -sum_of_lanes(sum);
}

static void categorical_loss(const cni_loss_spec *spec, size_t rows, size_t count, const void *labels,
                             const void *given, void *values)
{
    const constants c = constants_of(spec);
    const float *y = labels, *p = given;
    for (size_t r = 0; r < rows; r++, y += count, p += count)
        ((float *)values)[r] =
            spec->from_logits ? row_of_logits(&c, y, p, count) : row_of_probabilities(&c, y, p, count);
}

/* y / q where the clip lets it through */
ALWAYS_INLINE lanes slope_of(const constants *c, lanes y, lanes q)
{
    const lanes u = y / q;
    const lanes inside = choose((mask)(q < c->low) | (mask)(q > c->high), (lanes){0}, u);
    return choose((mask)(q == c->low) | (mask)(q == c->high), 0.5f * u, inside);
}

/* dp = (sum(u q) - u) / sum; u goes over dp, but where one vector holds it. */
ALWAYS_INLINE void categorical_probabilities(const constants *c, size_t count, const float *y, const float *p,
                                             float factor, float *dp)
{
    const lanes sum = splat(row_sum(p, count));
    lanes all = {0}, u = {0};
    for (size_t i = 0; i < count; i += LANES) {
        const lanes q = load_rest(p + i, count - i) / sum;
        u = only_row(slope_of(c, labels_at(c, y + i, count - i), q), count - i);
        all += u * q;
        if (count > LANES) store_rest(dp + i, u, count - i);
    }
    all = splat(sum_of_lanes(all));
    if (count <= LANES) {
        store_rest(dp, factor * (all - u) / sum, count);
        return;
    }
    for (size_t i = 0; i < count; i += LANES)
        store_rest(dp + i, factor * (all - load_rest(dp + i, count - i)) / sum, count - i);
}

/* dp = exp(p - top) sum(y) / sum(exp) - y */
ALWAYS_INLINE void categorical_logits(const constants *c, size_t count, const float *y, const float *p, float factor,
                                      float *dp)
{
    lanes labels = {0};
    for (size_t i = 0; i < count; i += LANES) labels += labels_at(c, y + i, count - i);
    const float share = sum_of_lanes(labels) / row_exponentials(p, row_maximum(p, count), dp, count);
    for (size_t i = 0; i < count; i += LANES) {
        const lanes e = load_rest(dp + i, count - i);
        store_rest(dp + i, factor * (e * share - labels_at(c, y + i, count - i)), count - i);
    }
}

static void categorical_gradient(const cni_loss_spec *spec, size_t rows, size_t count, const void *labels,
                                 const void *given, const void *factors, void *to)
{
    const constants c = constants_of(spec);
    const float *y = labels, *p = given, *factor = factors;
    float *dp = to;
    for (size_t r = 0; r < rows; r++, y += count, p += count, dp += count) {
        if (spec->from_logits)
            categorical_logits(&c, count, y, p, factor[r], dp);
        else
            categorical_probabilities(&c, count, y, p, factor[r], dp);
    }
}

void CNI_FOR_ISA(cni_class_losses_part)(cni_learning_kernels *kernels)
{
    kernels->flat[CNI_SPARSE_CROSSENTROPY] = (cni_flat_loss){sparse_loss, sparse_gradient};
    kernels->flat[CNI_CATEGORICAL_CROSSENTROPY] = (cni_flat_loss){categorical_loss, categorical_gradient};
}
