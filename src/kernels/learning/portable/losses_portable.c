/* SPDX-License-Identifier: Apache-2.0
 * Losses and their gradients, as Keras on JAX computes them. */
#include "kernels/learning/learning.h"

#include <math.h>
#include <tgmath.h>

typedef CNI_REAL real;

/* One row and the loss's parameters in the arithmetic of the kernel. */
typedef struct row {
    const cni_loss_spec *spec;
    const real *y, *p;
    size_t count, step;
    real low, high; /* probabilities are clipped to them */
    real keep, add, delta;
} row;

static real label(const row *r, size_t i)
{
    const real y = r->y[i * r->step];
    return r->spec->smoothing_keep < 1 ? y * r->keep + r->add : y;
}

static real clipped(const row *r, real q)
{
    return q < r->low ? r->low : q > r->high ? r->high : q;
}

/* How much of a gradient a clip lets through; JAX halves it where the value meets the bound. */
static real passes(const row *r, real q)
{
    if (q == r->low || q == r->high) return (real)0.5;
    return q < r->low || q > r->high ? 0 : 1;
}

/* max(-x, 0) + log(1 + e^-|x|) = -log(sigmoid(x)) */
static real softplus_of_minus(real x)
{
    return (x < 0 ? -x : 0) + log1p(exp(-fabs(x)));
}

static real sigmoid(real x)
{
    const real e = exp(-fabs(x));
    return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

/* Functions of an element: the loss is their mean. */

static real squared_error(const row *r, real y, real p)
{
    (void)r;
    return (y - p) * (y - p);
}

static real squared_error_slope(const row *r, real y, real p)
{
    (void)r;
    return 2 * (p - y);
}

static real absolute_error(const row *r, real y, real p)
{
    (void)r;
    return fabs(y - p);
}

static real sign(real x)
{
    return isnan(x) ? x : (real)((x > 0) - (x < 0));
}

static real absolute_error_slope(const row *r, real y, real p)
{
    (void)r;
    return sign(p - y);
}

static real huber(const row *r, real y, real p)
{
    const real e = p - y, size = fabs(e);
    return size <= r->delta ? (real)0.5 * (e * e) : r->delta * size - (real)0.5 * (r->delta * r->delta);
}

static real huber_slope(const row *r, real y, real p)
{
    const real e = p - y;
    return fabs(e) <= r->delta ? e : r->delta * sign(e);
}

static real binary(const row *r, real y, real p)
{
    if (r->spec->from_logits) return y * softplus_of_minus(p) + (1 - y) * softplus_of_minus(-p);
    const real q = isnan(p) ? p : clipped(r, p);
    return -(y * log(q) + (1 - y) * log(1 - q));
}

static real binary_slope(const row *r, real y, real p)
{
    if (r->spec->from_logits) return (1 - y) * sigmoid(p) - y * sigmoid(-p);
    const real q = isnan(p) ? p : clipped(r, p);
    return passes(r, p) * ((1 - y) / (1 - q) - y / q);
}

typedef struct element_wise {
    real (*value)(const row *r, real y, real p), (*slope)(const row *r, real y, real p);
} element_wise;

static const element_wise functions[CNI_LOSS_FUNCTIONS] = {
    [CNI_SQUARED_ERROR] = {squared_error, squared_error_slope},
    [CNI_ABSOLUTE_ERROR] = {absolute_error, absolute_error_slope},
    [CNI_HUBER] = {huber, huber_slope},
    [CNI_BINARY_CROSSENTROPY] = {binary, binary_slope},
};

static real mean_of(const row *r)
{
    real sum = 0;
    for (size_t i = 0; i < r->count; i++) sum += functions[r->spec->function].value(r, label(r, i), r->p[i * r->step]);
    return sum / (real)r->count;
}

static void mean_slope(const row *r, real factor, real *dp)
{
    const real share = factor / (real)r->count;
    for (size_t i = 0; i < r->count; i++)
        dp[i * r->step] = share * functions[r->spec->function].slope(r, label(r, i), r->p[i * r->step]);
}

/* Functions of a row of classes */

/* Logits: the logarithm of the sum of exponentials is top + log_sum.  Probabilities: log_sum is their sum. */
typedef struct totals {
    real top, log_sum;
} totals;

static totals totals_of(const row *r)
{
    totals t = {r->p[0], 0};
    if (!r->spec->from_logits) {
        for (size_t i = 0; i < r->count; i++) t.log_sum += r->p[i * r->step];
        return t;
    }
    for (size_t i = 1; i < r->count; i++)
        if (r->p[i * r->step] > t.top) t.top = r->p[i * r->step];
    for (size_t i = 0; i < r->count; i++) t.log_sum += exp(r->p[i * r->step] - t.top);
    t.log_sum = log(t.log_sum);
    return t;
}

static real log_probability(const row *r, const totals *t, size_t i)
{
    const real p = r->p[i * r->step];
    if (r->spec->from_logits) return p - t->top - t->log_sum;
    const real q = p / t->log_sum;
    return log(isnan(q) ? q : clipped(r, q));
}

/* The class that a row's label names, or -1: a row without one has loss 0. */
static ptrdiff_t class_of(const row *r)
{
    const real y = r->y[0];
    return y > -1 && y < (real)r->count ? (ptrdiff_t)y : -1;
}

static bool ignored(const row *r)
{
    return r->spec->ignores && r->y[0] == (real)r->spec->ignored;
}

static real categorical(const row *r)
{
    const totals t = totals_of(r);
    real sum = 0;
    for (size_t i = 0; i < r->count; i++) sum += label(r, i) * log_probability(r, &t, i);
    return -sum;
}

static real sparse(const row *r)
{
    if (ignored(r)) return 0;
    const totals t = totals_of(r);
    const ptrdiff_t at = class_of(r);
    return at < 0 ? 0 : -log_probability(r, &t, (size_t)at);
}

/* Weights of -log q: y itself, or 1 at the class that it names. */
static real target(const row *r, ptrdiff_t at, size_t i)
{
    if (r->spec->function == CNI_CATEGORICAL_CROSSENTROPY) return label(r, i);
    return (ptrdiff_t)i == at ? 1 : 0;
}

/* d(-sum y log q)/dp = q sum(y) - y for logits.  For q = p / s: u - sum(u q) with u = -(y / q) / s where the clip lets
 * it through. */
static void class_slope(const row *r, real factor, real *dp)
{
    const bool sparsely = r->spec->function == CNI_SPARSE_CROSSENTROPY;
    const ptrdiff_t at = sparsely ? class_of(r) : 0;
    if (sparsely && (ignored(r) || at < 0)) {
        for (size_t i = 0; i < r->count; i++) dp[i * r->step] = 0;
        return;
    }
    const totals t = totals_of(r);
    real all = 0;
    if (r->spec->from_logits) {
        for (size_t i = 0; i < r->count; i++) all += target(r, at, i);
        for (size_t i = 0; i < r->count; i++)
            dp[i * r->step] = factor * (exp(r->p[i * r->step] - t.top - t.log_sum) * all - target(r, at, i));
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        const real q = r->p[i * r->step] / t.log_sum;
        all += target(r, at, i) / clipped(r, q) * passes(r, q) * q;
    }
    for (size_t i = 0; i < r->count; i++) {
        const real q = r->p[i * r->step] / t.log_sum;
        dp[i * r->step] = factor * (all - target(r, at, i) / clipped(r, q) * passes(r, q)) / t.log_sum;
    }
}

static row row_of(const cni_loss_spec *spec, const cni_loss_rows *rows, const real *y, const real *p, size_t index)
{
    const size_t own = spec->function == CNI_SPARSE_CROSSENTROPY ? 1 : rows->pitch;
    return (row){.spec = spec,
                 .y = y + index * own,
                 .p = p + index * rows->pitch,
                 .count = rows->count,
                 .step = rows->step,
                 .low = (real)spec->epsilon,
                 .high = (real)(1 - spec->epsilon),
                 .keep = (real)spec->smoothing_keep,
                 .add = (real)spec->smoothing_add,
                 .delta = (real)spec->delta};
}

static void loss(const cni_loss_spec *spec, const cni_loss_rows *rows, const void *y, const void *p, void *values)
{
    static real (*const of_classes[CNI_LOSS_FUNCTIONS])(const row *) = {
        [CNI_CATEGORICAL_CROSSENTROPY] = categorical, [CNI_SPARSE_CROSSENTROPY] = sparse};
    real (*const f)(const row *) = of_classes[spec->function] ? of_classes[spec->function] : mean_of;
    for (size_t i = 0; i < rows->rows; i++) {
        const row r = row_of(spec, rows, y, p, i);
        ((real *)values)[i] = f(&r);
    }
}

static void loss_gradient(const cni_loss_spec *spec, const cni_loss_rows *rows, const void *y, const void *p,
                          const void *factors, void *dp)
{
    void (*const f)(const row *, real, real *) = functions[spec->function].slope ? mean_slope : class_slope;
    for (size_t i = 0; i < rows->rows; i++) {
        const row r = row_of(spec, rows, y, p, i);
        f(&r, ((const real *)factors)[i], (real *)dp + i * rows->pitch);
    }
}

void CNI_FOR_REAL(cni_losses_part)(cni_learning_kernels *kernels)
{
    kernels->loss = loss;
    kernels->loss_gradient = loss_gradient;
    for (int i = 0; i < CNI_LOSS_FUNCTIONS; i++) kernels->flat[i] = (cni_flat_loss){NULL, NULL};
}
