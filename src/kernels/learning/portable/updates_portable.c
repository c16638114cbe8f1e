/* SPDX-License-Identifier: Apache-2.0
 * The steps of optimizers, plainly.  An array is walked in blocks that stay in the first-level cache, so that what a
 * step does with a block reads main memory once. */
#include "kernels/learning/learning.h"

#include <math.h>
#include <string.h>

typedef CNI_REAL real;
#include "kernels/learning/gradient_sums.h"

enum { BLOCK = 1024 };

static real root(real x)
{
    return sizeof(real) == sizeof(float) ? (real)sqrtf((float)x) : (real)sqrt((double)x);
}

/* What a block's rule works on.  The arrays never overlap. */
typedef struct block {
    const real *restrict g;
    real *restrict w;
    real *restrict slots[CNI_UPDATE_SLOTS];
    size_t n;
} block;

static void sgd(const cni_update *u, const block *b)
{
    const real rate = (real)u->rate;
    const real *restrict g = b->g;
    real *restrict w = b->w;
    for (size_t i = 0; i < b->n; i++) w[i] -= g[i] * rate;
}

static void sgd_momentum(const cni_update *u, const block *b)
{
    const real rate = (real)u->rate, beta = (real)u->beta_1;
    const real *restrict g = b->g;
    real *restrict w = b->w, *restrict v = b->slots[0];
    if (u->nesterov)
        for (size_t i = 0; i < b->n; i++) {
            v[i] = v[i] * beta - g[i] * rate;
            w[i] += v[i] * beta - g[i] * rate;
        }
    else
        for (size_t i = 0; i < b->n; i++) {
            v[i] = v[i] * beta - g[i] * rate;
            w[i] += v[i];
        }
}

static void adam(const cni_update *u, const block *b)
{
    const real rate = (real)u->rate, keep_1 = (real)u->keep_1, keep_2 = (real)u->keep_2, epsilon = (real)u->epsilon;
    const real *restrict g = b->g;
    real *restrict w = b->w, *restrict m = b->slots[0], *restrict v = b->slots[1], *restrict top = b->slots[2];
    if (u->corrected)
        for (size_t i = 0; i < b->n; i++) {
            m[i] += (g[i] - m[i]) * keep_1;
            v[i] += (g[i] * g[i] - v[i]) * keep_2;
            top[i] = v[i] > top[i] || isnan(v[i]) ? v[i] : top[i];
            w[i] -= m[i] * rate / (root(top[i]) + epsilon);
        }
    else
        for (size_t i = 0; i < b->n; i++) {
            m[i] += (g[i] - m[i]) * keep_1;
            v[i] += (g[i] * g[i] - v[i]) * keep_2;
            w[i] -= m[i] * rate / (root(v[i]) + epsilon);
        }
}

static void rmsprop(const cni_update *u, const block *b)
{
    const real rate = (real)u->rate, rho = (real)u->beta_1, keep = (real)u->keep_1, epsilon = (real)u->epsilon;
    const real momentum = (real)u->momentum;
    real step[BLOCK];
    const real *restrict g = b->g;
    real *restrict w = b->w, *restrict v = b->slots[0], *restrict m = b->slots[1], *restrict a = b->slots[2];
    for (size_t i = 0; i < b->n; i++) v[i] = rho * v[i] + keep * (g[i] * g[i]);
    if (u->corrected)
        for (size_t i = 0; i < b->n; i++) {
            a[i] = rho * a[i] + keep * g[i];
            step[i] = rate * g[i] / root(v[i] - a[i] * a[i] + epsilon);
        }
    else
        for (size_t i = 0; i < b->n; i++) step[i] = rate * g[i] / root(v[i] + epsilon);
    if (u->momentum > 0)
        for (size_t i = 0; i < b->n; i++) {
            m[i] = momentum * m[i] + step[i];
            w[i] -= m[i];
        }
    else
        for (size_t i = 0; i < b->n; i++) w[i] -= step[i];
}

/* The gradient as the rule reads it; `room` holds it when it is not the one given. */
static const real *prepared(const cni_update *u, const real *restrict g, real *restrict room, size_t n)
{
    const real divide = (real)u->divide, scale = (real)u->scale, over = (real)u->over, clip = (real)u->clip;
    if (u->divide == 0 && u->scale == 0 && u->clip == 0) return g;
    if (u->divide != 0)
        for (size_t i = 0; i < n; i++) room[i] = g[i] / divide;
    else
        memcpy(room, g, n * sizeof *g);
    if (u->scale != 0)
        for (size_t i = 0; i < n; i++) room[i] *= scale;
    if (u->scale != 0 && u->over != 0)
        for (size_t i = 0; i < n; i++) room[i] /= over;
    if (u->clip != 0)
        for (size_t i = 0; i < n; i++) {
            room[i] = room[i] < -clip ? -clip : room[i];
            room[i] = room[i] > clip ? clip : room[i];
        }
    return room;
}

static void decay(const cni_update *u, real *restrict w, size_t n)
{
    const real by = (real)u->decay, rate = (real)u->decay_rate;
    for (size_t i = 0; i < n; i++) w[i] -= w[i] * by * rate;
}

static void average(const cni_update *u, real *restrict a, real *restrict w, size_t n)
{
    const real ema = (real)u->ema, rest = (real)u->ema_rest;
    for (size_t i = 0; i < n; i++) a[i] = ema * a[i] + rest * w[i];
    if (u->overwrites) memcpy(w, a, n * sizeof *w);
}

static void update_block(const cni_update *u, const cni_update_arrays *a, size_t at, const real *g, size_t n)
{
    static void (*const rules[CNI_UPDATE_RULES])(const cni_update *, const block *) = {
        [CNI_SGD] = sgd,
        [CNI_SGD_MOMENTUM] = sgd_momentum,
        [CNI_ADAM] = adam,
        [CNI_RMSPROP] = rmsprop,
    };
    real room[BLOCK], *w = (real *)a->weights + at;
    if (a->before != a->weights) memcpy(w, (const real *)a->before + at, n * sizeof *w);
    if (!u->idle) {
        block b = {.g = prepared(u, g, room, n), .w = w, .n = n};
        for (int s = 0; s < CNI_UPDATE_SLOTS; s++) b.slots[s] = a->slots[s] ? (real *)a->slots[s] + at : NULL;
        if (u->decays) decay(u, w, n);
        rules[u->rule](u, &b);
        if (a->accumulator) memset((real *)a->accumulator + at, 0, n * sizeof(real));
    }
    if (a->average) average(u, (real *)a->average + at, w, n);
}

/* The gradient of element `at` is *factor * *g, where there is a factor. */
static void update_row(const cni_update *u, const cni_update_arrays *a, size_t row, const real *g, const real *factor,
                       size_t n)
{
    real product[BLOCK];
    for (size_t at = 0; at < n; at += BLOCK) {
        const size_t some = n - at < BLOCK ? n - at : BLOCK;
        for (size_t i = 0; i < some && factor; i++) product[i] = 0 + *factor * g[at + i];
        update_block(u, a, row + at, factor ? product : g + at, some);
    }
}

static void update(const cni_update *u, const cni_update_arrays *a, size_t n)
{
    const real *factors = a->factors;
    if (!factors) update_row(u, a, 0, a->gradient, NULL, n);
    for (size_t row = 0; row < n && factors; row += a->width) update_row(u, a, row, a->gradient, factors++, a->width);
}

void CNI_FOR_REAL(cni_updates_part)(cni_learning_kernels *kernels)
{
    kernels->update = update;
    kernels->sum_of_squares = sum_of_squares;
    kernels->accumulate = accumulate;
}
