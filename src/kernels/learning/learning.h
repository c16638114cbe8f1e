/* SPDX-License-Identifier: Apache-2.0
 * Kernels for learning: losses with their gradients, and the steps of optimizers. */
#ifndef CNI_LEARNING_H
#define CNI_LEARNING_H

#include "kernels/names.h"

#include <stdbool.h>
#include <stddef.h>

/* Losses */

typedef enum cni_loss_function {
    CNI_SQUARED_ERROR,
    CNI_ABSOLUTE_ERROR,
    CNI_HUBER,
    CNI_BINARY_CROSSENTROPY,
    CNI_CATEGORICAL_CROSSENTROPY,
    CNI_SPARSE_CROSSENTROPY, /* y holds one class number per row */
    CNI_LOSS_FUNCTIONS
} cni_loss_function;

typedef struct cni_loss_spec {
    cni_loss_function function;
    bool from_logits;
    bool ignores;          /* rows with y == ignored have loss 0 and gradient 0 (CNI_SPARSE_CROSSENTROPY) */
    double delta;          /* CNI_HUBER */
    double smoothing_keep; /* labels become y * keep + add where keep < 1 */
    double smoothing_add;
    double epsilon; /* probabilities are clipped to epsilon .. 1 - epsilon */
    double ignored;
} cni_loss_spec;

/** Rows of predictions: element i of row r is p[r * pitch + i * step]; y likewise, or y[r] for class numbers. */
typedef struct cni_loss_rows {
    size_t rows, count, pitch, step;
} cni_loss_rows;

/* Optimizers */

typedef enum cni_update_rule {
    CNI_SGD,          /* w -= rate g */
    CNI_SGD_MOMENTUM, /* slot 0: v = beta_1 v - rate g; w += v, with nesterov w += beta_1 v - rate g */
    CNI_ADAM,         /* slots: m, v, and with `corrected` the largest v; rate holds the bias correction */
    CNI_RMSPROP,      /* slots: v, and with `momentum` M, and with `corrected` the average gradient; beta_1 is rho */
    CNI_UPDATE_RULES
} cni_update_rule;

/** What one step does with each element, in this order:
 *      g /= divide;  g = g * scale / over;  g = clip(g, -clip, clip)      where they are not 0
 *      w -= w * decay * decay_rate                                        where decays
 *      the rule
 *      average = ema average + (1 - ema) w;  w = average                  where there is an average; where overwrites
 */
typedef struct cni_update {
    cni_update_rule rule;
    bool nesterov, corrected, decays, overwrites;
    bool idle; /* the rule, and what comes before it, is left out */
    double divide, scale, over, clip;
    double decay, decay_rate;
    double rate, beta_1, beta_2, epsilon, momentum;
    double keep_1, keep_2; /* 1 - beta_1, 1 - beta_2, rounded once */
    double ema, ema_rest;  /* 1 - ema */
} cni_update;

enum { CNI_UPDATE_SLOTS = 3 };

typedef struct cni_update_arrays {
    const void *gradient;
    const void *factors; /* NULL, or: the gradient of element i is factors[i / width] * gradient[i % width] */
    size_t width;
    void *accumulator;  /* the gradient's own memory, to be zeroed after use (unless idle), or NULL */
    const void *before; /* the weights */
    void *weights;      /* what they become: the same memory, or another */
    void *slots[CNI_UPDATE_SLOTS];
    void *average; /* or NULL */
} cni_update_arrays;

/** The same for rows that lie one behind the other, p [rows, count], y like it (or [rows], class numbers). */
typedef struct cni_flat_loss {
    void (*loss)(const cni_loss_spec *spec, size_t rows, size_t count, const void *y, const void *p, void *values);
    void (*gradient)(const cni_loss_spec *spec, size_t rows, size_t count, const void *y, const void *p,
                     const void *factors, void *dp);
} cni_flat_loss;

typedef struct cni_learning_kernels {
    /** values[r] = the loss of row r. */
    void (*loss)(const cni_loss_spec *spec, const cni_loss_rows *rows, const void *y, const void *p, void *values);

    /** dp(r, i) = factors[r] * d loss(r) / d p(r, i), laid out as p.  dp may be p. */
    void (*loss_gradient)(const cni_loss_spec *spec, const cni_loss_rows *rows, const void *y, const void *p,
                          const void *factors, void *dp);

    cni_flat_loss flat[CNI_LOSS_FUNCTIONS]; /* NULL where there is none: then the general ones serve */

    /** One step for n elements, with factors a multiple of `width`. */
    void (*update)(const cni_update *update, const cni_update_arrays *arrays, size_t n);

    /** The sum of (x / divide)^2, divide != 0, in an order that depends on n only. */
    double (*sum_of_squares)(const void *x, double divide, size_t n);

    /** y += x / divide */
    void (*accumulate)(const void *x, double divide, void *y, size_t n);
} cni_learning_kernels;

void cni_learning_portable(cni_learning_kernels *kernels);
void cni_learning_double(cni_learning_kernels *kernels);
void cni_learning_avx2(cni_learning_kernels *kernels);
void cni_learning_avx512(cni_learning_kernels *kernels);
void cni_learning_neon(cni_learning_kernels *kernels);

/* Parts of the above, one source each */
CNI_DECLARE_PORTABLE(cni_losses_part, cni_learning_kernels);
CNI_DECLARE_PORTABLE(cni_updates_part, cni_learning_kernels);
CNI_DECLARE_OVERLAYS(cni_losses_part, cni_learning_kernels);       /* flat: means over elements */
CNI_DECLARE_OVERLAYS(cni_class_losses_part, cni_learning_kernels); /* flat: rows of classes */
CNI_DECLARE_OVERLAYS(cni_updates_part, cni_learning_kernels);

#endif
