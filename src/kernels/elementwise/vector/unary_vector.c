/* SPDX-License-Identifier: Apache-2.0
 * Functions of one number, a vector at a time. */
#include "kernels/elementwise/elementwise.h"
#include "kernels/vector_math.h"

#include <stdbool.h>

typedef float real;
typedef lanes vec;

#define v_all(c)              splat((float)(c))
#define v_select(which, a, b) choose((mask)(which), a, b)
#define v_abs                 vector_abs
#define v_sqrt                vector_sqrt
#define v_exp                 vector_exp
#define v_expm1               vector_expm1
#define v_log1p               vector_log1p
#define v_tanh                vector_tanh
#define v_normal              vector_normal
#define v_sigmoid             vector_sigmoid

#include "kernels/elementwise/unary_functions.h"

ALWAYS_INLINE void map(vec (*f)(vec, params), const real *x, real *y, size_t n, params p)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) store(y + i, f(load(x + i), p));
    if (i < n) store_some(y + i, f(load_some(x + i, (int)(n - i)), p), (int)(n - i));
}

ALWAYS_INLINE void map_slope(vec (*d)(vec, params), const real *x, const real *dy, real *dx, size_t n, params p)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) store(dx + i, d(load(x + i), p) * load(dy + i));
    if (i == n) return;
    const int rest = (int)(n - i);
    store_some(dx + i, d(load_some(x + i, rest), p) * load_some(dy + i, rest), rest);
}

#include "kernels/elementwise/unary_table.h"

void CNI_FOR_ISA(cni_unary_part)(cni_elementwise_kernels *kernels)
{
    kernels->unary = unary;
    kernels->unary_gradient = unary_gradient;
}
