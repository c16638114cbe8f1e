/* SPDX-License-Identifier: Apache-2.0
 * Losses of elements with vectors: all elements of some rows first, then the rows. */
#include "kernels/learning/learning.h"
#include "kernels/vector_math.h"

enum { BLOCK = 1024 }; /* elements at a time */

typedef struct constants {
    const cni_loss_spec *spec;
    lanes keep, add, delta, low, high;
} constants;

ALWAYS_INLINE lanes squared_error(const constants *c, lanes y, lanes p)
{
    (void)c;
    return (y - p) * (y - p);
}

ALWAYS_INLINE lanes squared_error_slope(const constants *c, lanes y, lanes p)
{
    (void)c;
    return 2.0f * (p - y);
}

ALWAYS_INLINE lanes absolute_error(const constants *c, lanes y, lanes p)
{
    (void)c;
    return vector_abs(y - p);
}

ALWAYS_INLINE lanes absolute_error_slope(const constants *c, lanes y, lanes p)
{
    (void)c;
    const lanes e = p - y;
    return choose((mask)(e == 0.0f), (lanes){0}, choose((mask)(e != e), e, with_sign_of(splat(1), e)));
}

ALWAYS_INLINE lanes huber(const constants *c, lanes y, lanes p)
{
    const lanes e = p - y, size = vector_abs(e);
    return choose((mask)(size <= c->delta), 0.5f * (e * e), c->delta * size - 0.5f * (c->delta * c->delta));
}

ALWAYS_INLINE lanes huber_slope(const constants *c, lanes y, lanes p)
{
    const lanes e = p - y;
    return choose((mask)(vector_abs(e) <= c->delta), e, c->delta * absolute_error_slope(c, y, p));
}

ALWAYS_INLINE lanes clipped(const constants *c, lanes q)
{
    return choose((mask)(q < c->low), c->low, choose((mask)(q > c->high), c->high, q));
}

/* max(-x, 0) + log(1 + e^-|x|) = -log(sigmoid(x)) */
ALWAYS_INLINE lanes softplus_of_minus(lanes x)
{
    return choose((mask)(x < 0.0f), -x, (lanes){0}) + vector_log1p(vector_exp(-vector_abs(x)));
}

ALWAYS_INLINE lanes binary(const constants *c, lanes y, lanes p)
{
    if (c->spec->from_logits) return y * softplus_of_minus(p) + (1.0f - y) * softplus_of_minus(-p);
    const lanes q = clipped(c, p);
    return -(y * vector_log(q) + (1.0f - y) * vector_log(1.0f - q));
}

ALWAYS_INLINE lanes binary_slope(const constants *c, lanes y, lanes p)
{
    if (c->spec->from_logits) return (1.0f - y) * vector_sigmoid(p) - y * vector_sigmoid(-p);
    const lanes q = clipped(c, p), slope = (1.0f - y) / (1.0f - q) - y / q;
    const lanes inside = choose((mask)(p < c->low) | (mask)(p > c->high), (lanes){0}, slope);
    return choose((mask)(p == c->low) | (mask)(p == c->high), 0.5f * slope, inside);
}

typedef lanes element_function(const constants *c, lanes y, lanes p);

ALWAYS_INLINE void elements(const constants *c, element_function *f, const float *y, const float *p, float *to,
                            size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        const int some = n - i < LANES ? (int)(n - i) : LANES;
        lanes label = some < LANES ? load_some(y + i, some) : load(y + i);
        const lanes prediction = some < LANES ? load_some(p + i, some) : load(p + i);
        if (c->spec->smoothing_keep < 1) label = label * c->keep + c->add;
        const lanes value = f(c, label, prediction);
        if (some < LANES)
            store_some(to + i, value, some);
        else
            store(to + i, value);
    }
}

static constants constants_of(const cni_loss_spec *spec)
{
    return (constants){.spec = spec,
                       .keep = splat((float)spec->smoothing_keep),
                       .add = splat((float)spec->smoothing_add),
                       .delta = splat((float)spec->delta),
                       .low = splat((float)spec->epsilon),
                       .high = splat((float)(1 - spec->epsilon))};
}

/* A row's sum may be taken up again in the next block. */
ALWAYS_INLINE void means(const cni_loss_spec *spec, size_t rows, size_t count, const float *y, const float *p,
                         float *values, element_function *f)
{
    const constants c = constants_of(spec);
    float block[BLOCK], sum = 0;
    size_t row = 0, column = 0;
    for (size_t at = 0; at < rows * count; at += BLOCK) {
        const size_t n = rows * count - at < BLOCK ? rows * count - at : BLOCK;
        elements(&c, f, y + at, p + at, count == 1 ? values + at : block, n);
        for (size_t i = 0; i < n && count > 1; i++) {
            sum += block[i];
            if (++column < count) continue;
            values[row++] = sum / (float)count;
            sum = 0;
            column = 0;
        }
    }
}

ALWAYS_INLINE void slopes(const cni_loss_spec *spec, size_t rows, size_t count, const float *y, const float *p,
                          const float *factors, float *dp, element_function *f)
{
    const constants c = constants_of(spec);
    elements(&c, f, y, p, dp, rows * count);
    for (size_t r = 0; r < rows; r++) {
        const float share = factors[r] / (float)count;
        for (size_t i = 0; i < count; i++) dp[r * count + i] *= share;
    }
}

#define FUNCTION(name)                                                                                                 \
    static void name##_means(const cni_loss_spec *spec, size_t rows, size_t count, const void *y, const void *p,       \
                             void *values)                                                                             \
    {                                                                                                                  \
        means(spec, rows, count, y, p, values, name);                                                                  \
    }                                                                                                                  \
    static void name##_slopes(const cni_loss_spec *spec, size_t rows, size_t count, const void *y, const void *p,      \
                              const void *factors, void *dp)                                                           \
    {                                                                                                                  \
        slopes(spec, rows, count, y, p, factors, dp, name##_slope);                                                    \
    }
FUNCTION(squared_error)
FUNCTION(absolute_error)
FUNCTION(huber)
FUNCTION(binary)

void CNI_FOR_ISA(cni_losses_part)(cni_learning_kernels *kernels)
{
    kernels->flat[CNI_SQUARED_ERROR] = (cni_flat_loss){squared_error_means, squared_error_slopes};
    kernels->flat[CNI_ABSOLUTE_ERROR] = (cni_flat_loss){absolute_error_means, absolute_error_slopes};
    kernels->flat[CNI_HUBER] = (cni_flat_loss){huber_means, huber_slopes};
    kernels->flat[CNI_BINARY_CROSSENTROPY] = (cni_flat_loss){binary_means, binary_slopes};
}
