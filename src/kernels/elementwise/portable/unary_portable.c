/* SPDX-License-Identifier: Apache-2.0
 * Functions of one number, plainly: libm, one element after the other. */
#include "kernels/elementwise/elementwise.h"

#include <stdbool.h>
#include <tgmath.h>

typedef CNI_REAL real;
typedef real vec;

static inline vec v_all(double c)
{
    return (vec)c;
}

static inline vec v_select(bool mask, vec a, vec b)
{
    return mask ? a : b;
}

static inline vec v_abs(vec x)
{
    return fabs(x);
}

static inline vec v_sqrt(vec x)
{
    return sqrt(x);
}

static inline vec v_exp(vec x)
{
    return exp(x);
}

static inline vec v_expm1(vec x)
{
    return expm1(x);
}

static inline vec v_log1p(vec x)
{
    return log1p(x);
}

static inline vec v_tanh(vec x)
{
    return tanh(x);
}

static inline vec v_normal(vec x)
{
    return (real)0.5 * (real)erfc(x * (real)-0.70710678118654752440);
}

static inline vec v_sigmoid(vec x)
{
    const vec e = exp(-fabs(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

#include "kernels/elementwise/unary_functions.h"

static inline void map(vec (*f)(vec, params), const real *x, real *y, size_t n, params p)
{
    for (size_t i = 0; i < n; i++) y[i] = f(x[i], p);
}

static inline void map_slope(vec (*d)(vec, params), const real *x, const real *dy, real *dx, size_t n, params p)
{
    for (size_t i = 0; i < n; i++) dx[i] = d(x[i], p) * dy[i];
}

#include "kernels/elementwise/unary_table.h"

void CNI_FOR_REAL(cni_unary_part)(cni_elementwise_kernels *kernels)
{
    kernels->unary = unary;
    kernels->unary_gradient = unary_gradient;
}
