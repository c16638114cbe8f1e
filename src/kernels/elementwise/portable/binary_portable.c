/* SPDX-License-Identifier: Apache-2.0
 * Functions of two numbers, plainly. */
#include "kernels/elementwise/elementwise.h"

#include <stdbool.h>

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

#include "kernels/elementwise/binary_functions.h"

static inline void map(vec (*f)(vec, vec), const real *a, int a_step, const real *b, int b_step, real *y, size_t n)
{
    for (size_t i = 0; i < n; i++, a += a_step, b += b_step) y[i] = f(*a, *b);
}

BINARY_TABLE;

static void binary(cni_binary_function f, cni_rows a, cni_rows b, void *y, size_t rows, size_t c)
{
    for (size_t r = 0; r < rows; r++)
        loops[f]((const real *)a.data + r * a.pitch, a.step, (const real *)b.data + r * b.pitch, b.step,
                 (real *)y + r * c, c);
}

void CNI_FOR_REAL(cni_binary_part)(cni_elementwise_kernels *kernels)
{
    kernels->binary = binary;
}
