/* SPDX-License-Identifier: Apache-2.0
 * Kernels that treat every element alike: functions of one and of two numbers, sums, fills.
 * Pointers need only the alignment of their element.  Sizes are in elements and may be 0. */
#ifndef CNI_ELEMENTWISE_H
#define CNI_ELEMENTWISE_H

#include "kernels/elementwise/epilogue.h"
#include "kernels/elementwise/finish.h"
#include "kernels/names.h"

#include <stddef.h>

/* Functions of one number */

typedef enum cni_unary_needs { CNI_NEEDS_NOTHING, CNI_NEEDS_INPUT, CNI_NEEDS_OUTPUT } cni_unary_needs;

/** What there is to know of each function; the rows stand in the order of cni_unary. */
typedef struct cni_unary_row {
    const char *name;
    cni_unary_needs needs; /* what the gradient reads beside dy; ask cni_unary_gradient_needs */
} cni_unary_row;

extern const cni_unary_row cni_unary_rows[CNI_UNARY_COUNT];

/** What the gradient of `f` with these parameters reads: leaky_relu and elu can do with their output only when a > 0.
 */
cni_unary_needs cni_unary_gradient_needs(const cni_epilogue *f);

/** The row of a kernel's table that serves `f`: its function, or one of these for the ones whose parameters make a
 * difference. */
enum { CNI_RELU_LEAKY = CNI_UNARY_COUNT, CNI_RELU_GENERAL, CNI_ELU_GENERAL, CNI_UNARY_VARIANTS };
int cni_unary_variant(const cni_epilogue *f);

/* Functions of two numbers */

typedef enum cni_binary_function {
    CNI_ADD,
    CNI_SUBTRACT,
    CNI_MULTIPLY,
    CNI_DIVIDE,
    CNI_MAXIMUM, /* NaN if one of them is */
    CNI_MINIMUM,
    CNI_PRELU,         /* a > 0: a, else b a */
    CNI_PRELU_SLOPE,   /* its slope in a: 1, b, and 0 at 0, as the gradient of max(x, 0) - alpha max(-x, 0) in JAX */
    CNI_GREATER_SHARE, /* the maximum's gradient for a: 1 if a > b, 1/2 if equal, 0 otherwise */
    CNI_LESS_SHARE,    /* the minimum's */
    CNI_EQUAL,         /* 1 or 0 */
    CNI_BINARY_COUNT
} cni_binary_function;

typedef enum cni_reduction { CNI_SUM, CNI_MEAN, CNI_MAX, CNI_MIN } cni_reduction;

/** A matrix operand of `binary`: element (r, i) is data[r * pitch + i * step], step 0 or 1, pitch any. */
typedef struct cni_rows {
    const void *data;
    size_t pitch;
    int step;
} cni_rows;

typedef struct cni_elementwise_kernels {
    /** y[i] = f(x[i]).  y may be x; otherwise they do not overlap. */
    void (*unary)(const cni_epilogue *f, const void *x, void *y, size_t n);

    /** dx[i] = f'(..) dy[i].  Reads x or y only where cni_unary_gradient_needs says so (else they may be NULL).
     *  dx may be dy, x or y. */
    void (*unary_gradient)(const cni_epilogue *f, const void *x, const void *y, const void *dy, void *dx, size_t n);

    /** y[r * c + i] = f(a(r, i), b(r, i)).  y may be a's or b's data where that is dense ([rows, c], step 1).
     *  Same shapes: rows = 1; a scalar: step 0, pitch 0; a trailing vector (bias): step 1, pitch 0. */
    void (*binary)(cni_binary_function f, cni_rows a, cni_rows b, void *y, size_t rows, size_t c);

    /** y[o, i] = reduction over k of x[o, k, i], with x [outer, count, inner].  CNI_SUM, CNI_MAX, CNI_MIN; count >= 1.
     *  Sums are blocked, in an order that depends on the sizes only.  Maximum and minimum are NaN where an x is. */
    void (*reduce)(cni_reduction f, const void *x, void *y, size_t outer, size_t count, size_t inner);

    /** y = a x + b y; does not read y when b is 0.  y may be x. */
    void (*axpby)(double a, const void *x, double b, void *y, size_t n);

    /** y [rows, c] = finish of x: scale and shift by column, add and mask laid out as x.  y may be x or add, not mask.
     */
    void (*finish)(const cni_finish *f, const void *x, void *y, size_t rows, size_t c);

    /** y[i] = value */
    void (*fill)(double value, void *y, size_t n);

    /** y[i] = mask[i] ? x[i] * scale : 0.  y may be x. */
    void (*keep)(const unsigned char *mask, double scale, const void *x, void *y, size_t n);
} cni_elementwise_kernels;

void cni_elementwise_portable(cni_elementwise_kernels *kernels);
void cni_elementwise_double(cni_elementwise_kernels *kernels);
void cni_elementwise_avx2(cni_elementwise_kernels *kernels);
void cni_elementwise_avx512(cni_elementwise_kernels *kernels);
void cni_elementwise_neon(cni_elementwise_kernels *kernels);

/* Parts of the above, one source each */
CNI_DECLARE_PORTABLE(cni_unary_part, cni_elementwise_kernels);
CNI_DECLARE_OVERLAYS(cni_unary_part, cni_elementwise_kernels);
CNI_DECLARE_PORTABLE(cni_binary_part, cni_elementwise_kernels);
CNI_DECLARE_OVERLAYS(cni_binary_part, cni_elementwise_kernels);
CNI_DECLARE_PORTABLE(cni_reduce_part, cni_elementwise_kernels);
CNI_DECLARE_OVERLAYS(cni_reduce_part, cni_elementwise_kernels);
CNI_DECLARE_PORTABLE(cni_finish_part, cni_elementwise_kernels);
CNI_DECLARE_OVERLAYS(cni_finish_part, cni_elementwise_kernels);
CNI_DECLARE_PORTABLE(cni_linear_part, cni_elementwise_kernels); /* axpby, fill, keep */
CNI_DECLARE_OVERLAYS(cni_linear_part, cni_elementwise_kernels);

#endif
