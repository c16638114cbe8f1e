/* SPDX-License-Identifier: Apache-2.0
 * The steps of optimizers with vectors: weights and slots go through registers once.
 *
 * What most steps need, a rule and nothing around it, is compiled for each rule by itself; what comes before a rule
 * and after it is asked for vector by vector. */
#include "kernels/learning/learning.h"
#include "kernels/vector_math.h"

#include <math.h>
#include <string.h>

typedef float real;
#include "kernels/learning/gradient_sums.h"

enum {
    AHEAD = 512
}; /* elements: memory is asked for what comes so much later, which reads and writes of up to five
      arrays hide from the processor's own guesses */

typedef struct constants {
    lanes rate, beta_1, keep_1, keep_2, epsilon, momentum;
    lanes divide, scale, over, clip, decay, decay_rate, ema, ema_rest;
} constants;

/* A vector of each array. */
typedef struct state {
    lanes w, slots[CNI_UPDATE_SLOTS];
} state;

ALWAYS_INLINE void sgd(const cni_update *u, const constants *c, lanes g, state *s)
{
    (void)u;
    s->w = multiply_add(-g, c->rate, s->w);
}

ALWAYS_INLINE void sgd_momentum(const cni_update *u, const constants *c, lanes g, state *s)
{
    lanes *v = s->slots;
    *v = multiply_add(-g, c->rate, *v * c->beta_1);
    s->w += u->nesterov ? multiply_add(-g, c->rate, *v * c->beta_1) : *v;
}

ALWAYS_INLINE void adam(const cni_update *u, const constants *c, lanes g, state *s)
{
    lanes *m = s->slots, *v = m + 1, *top = m + 2;
    *m = multiply_add(g - *m, c->keep_1, *m);
    *v = multiply_add(multiply_add(g, g, -*v), c->keep_2, *v);
    if (u->corrected) *top = choose((mask)(*v > *top) | (mask)(*v != *v), *v, *top);
    s->w -= *m * c->rate / (vector_sqrt(u->corrected ? *top : *v) + c->epsilon);
}

ALWAYS_INLINE void rmsprop(const cni_update *u, const constants *c, lanes g, state *s)
{
    lanes *v = s->slots, *m = v + 1, *a = v + 2, square;
    *v = multiply_add(c->keep_1, g * g, c->beta_1 * *v);
    square = *v;
    if (u->corrected) {
        *a = multiply_add(c->keep_1, g, c->beta_1 * *a);
        square = multiply_add(-*a, *a, square);
    }
    lanes step = c->rate * g / vector_sqrt(square + c->epsilon);
    if (u->momentum > 0) step = *m = multiply_add(c->momentum, *m, step);
    s->w -= step;
}

/* The gradient as the rule reads it. */
ALWAYS_INLINE lanes prepared(const cni_update *u, const constants *c, lanes g)
{
    if (u->divide != 0) g /= c->divide;
    if (u->scale != 0) g *= c->scale;
    if (u->scale != 0 && u->over != 0) g /= c->over;
    if (u->clip != 0) {
        g = choose((mask)(g < -c->clip), -c->clip, g);
        g = choose((mask)(g > c->clip), c->clip, g);
    }
    return g;
}

ALWAYS_INLINE lanes load_part(const void *from, size_t at, int some)
{
    const float *p = (const float *)from + at;
    return some < LANES ? load_some(p, some) : load(p);
}

ALWAYS_INLINE void store_part(void *to, size_t at, lanes v, int some)
{
    float *p = (float *)to + at;
    if (some < LANES)
        store_some(p, v, some);
    else
        store(p, v);
}

typedef void rule_function(const cni_update *u, const constants *c, lanes g, state *s);

/* Elements at, at + 1, ...: `some` of them.  `plain`: nothing but the rule. */
ALWAYS_INLINE void step_vector(const cni_update *u, const cni_update_arrays *a, const constants *c, rule_function *rule,
                               bool plain, lanes g, size_t at, int some)
{
    state s = {.w = load_part(a->before, at, some)};
    UNROLL for (int i = 0; i < CNI_UPDATE_SLOTS; i++) if (a->slots[i]) s.slots[i] = load_part(a->slots[i], at, some);
    if (plain || !u->idle) {
        if (!plain) {
            g = prepared(u, c, g);
            if (u->decays) s.w = multiply_add(-(s.w * c->decay), c->decay_rate, s.w);
        }
        rule(u, c, g, &s);
        UNROLL for (int i = 0; i < CNI_UPDATE_SLOTS; i++) if (a->slots[i])
            store_part(a->slots[i], at, s.slots[i], some);
        if (!plain && a->accumulator) store_part(a->accumulator, at, (lanes){0}, some);
    }
    if (!plain && a->average) {
        const lanes average = multiply_add(c->ema, load_part(a->average, at, some), c->ema_rest * s.w);
        store_part(a->average, at, average, some);
        if (u->overwrites) s.w = average;
    }
    store_part(a->weights, at, s.w, some);
}

ALWAYS_INLINE void ask_for(const void *data, size_t at)
{
    if (data)
        for (size_t i = 0; i < LANES; i += 16) __builtin_prefetch((const float *)data + at + AHEAD + i);
}

/* n elements from `row` on.  The product with a factor is rounded, as if it had been stored. */
ALWAYS_INLINE void step_row(const cni_update *u, const cni_update_arrays *a, const constants *c, rule_function *rule,
                            bool plain, const float *factor, size_t row, size_t n)
{
    const float *gradient = a->gradient;
    const lanes by = splat(factor ? *factor : 1);
    for (size_t i = 0; i < n; i += LANES) {
        const int some = n - i < LANES ? (int)(n - i) : LANES;
        if (i % 16 == 0) {
            ask_for(a->weights, row + i);
            UNROLL for (int k = 0; k < CNI_UPDATE_SLOTS; k++) ask_for(a->slots[k], row + i);
        }
        lanes g = load_part(gradient, i, some);
        if (factor) g = multiply_add(by, g, (lanes){0});
        IN_REGISTER(g);
        step_vector(u, a, c, rule, plain, g, row + i, some);
    }
}

ALWAYS_INLINE void step_rows(const cni_update *u, const cni_update_arrays *a, const constants *c, rule_function *rule,
                             bool plain, size_t n)
{
    const float *factor = a->factors;
    if (!factor)
        step_row(u, a, c, rule, plain, NULL, 0, n);
    else
        for (size_t row = 0; row < n; row += a->width) step_row(u, a, c, rule, plain, factor++, row, a->width);
}

typedef void step_function(const cni_update *u, const cni_update_arrays *a, const constants *c, size_t n);

/* What is read in loops is copied, since stores of vectors could reach everything else.  Slots that a rule does not
 * have are known not to be there. */
#define STEP(name, rule, slots_)                                                                                       \
    static void name##_plain(const cni_update *u, const cni_update_arrays *a, const constants *c, size_t n)            \
    {                                                                                                                  \
        const cni_update own_u = *u;                                                                                   \
        const constants own_c = *c;                                                                                    \
        cni_update_arrays own = *a;                                                                                    \
        for (int i = slots_; i < CNI_UPDATE_SLOTS; i++) own.slots[i] = NULL;                                           \
        step_rows(&own_u, &own, &own_c, rule, true, n);                                                                \
    }                                                                                                                  \
    static void name##_whole(const cni_update *u, const cni_update_arrays *a, const constants *c, size_t n)            \
    {                                                                                                                  \
        const cni_update own_u = *u;                                                                                   \
        const constants own_c = *c;                                                                                    \
        const cni_update_arrays own = *a;                                                                              \
        step_rows(&own_u, &own, &own_c, rule, false, n);                                                               \
    }
STEP(sgd, sgd, 0)
STEP(sgd_momentum, sgd_momentum, 1)
STEP(adam, adam, 3)
STEP(rmsprop, rmsprop, 3)

static bool is_plain(const cni_update *u, const cni_update_arrays *a)
{
    return !u->idle && !u->decays && !a->average && !a->accumulator && u->divide == 0 && u->scale == 0 && u->clip == 0;
}

static constants constants_of(const cni_update *u)
{
    return (constants){.rate = splat((float)u->rate),
                       .beta_1 = splat((float)u->beta_1),
                       .keep_1 = splat((float)u->keep_1),
                       .keep_2 = splat((float)u->keep_2),
                       .epsilon = splat((float)u->epsilon),
                       .momentum = splat((float)u->momentum),
                       .divide = splat((float)u->divide),
                       .scale = splat((float)u->scale),
                       .over = splat((float)u->over),
                       .clip = splat((float)u->clip),
                       .decay = splat((float)u->decay),
                       .decay_rate = splat((float)u->decay_rate),
                       .ema = splat((float)u->ema),
                       .ema_rest = splat((float)u->ema_rest)};
}

static void update(const cni_update *u, const cni_update_arrays *a, size_t n)
{
    static step_function *const plain[CNI_UPDATE_RULES] = {[CNI_SGD] = sgd_plain,
                                                           [CNI_SGD_MOMENTUM] = sgd_momentum_plain,
                                                           [CNI_ADAM] = adam_plain,
                                                           [CNI_RMSPROP] = rmsprop_plain};
    static step_function *const whole[CNI_UPDATE_RULES] = {[CNI_SGD] = sgd_whole,
                                                           [CNI_SGD_MOMENTUM] = sgd_momentum_whole,
                                                           [CNI_ADAM] = adam_whole,
                                                           [CNI_RMSPROP] = rmsprop_whole};
    const constants c = constants_of(u);
    (is_plain(u, a) ? plain : whole)[u->rule](u, a, &c, n);
}

void CNI_FOR_ISA(cni_updates_part)(cni_learning_kernels *kernels)
{
    kernels->update = update;
    kernels->sum_of_squares = sum_of_squares;
    kernels->accumulate = accumulate;
}
