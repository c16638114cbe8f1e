/* SPDX-License-Identifier: Apache-2.0
 * Functions of two numbers, a vector at a time. */
#include "kernels/elementwise/elementwise.h"
#include "kernels/vector_math.h"

#include <stdbool.h>

typedef float real;
typedef lanes vec;

#define v_all(c)              splat((float)(c))
#define v_select(which, a, b) choose((mask)(which), a, b)

#include "kernels/elementwise/binary_functions.h"

ALWAYS_INLINE vec operand(const real *p, int step, size_t i)
{
    return step ? load(p + i) : splat(*p);
}

ALWAYS_INLINE vec last_operand(const real *p, int step, size_t i, int n)
{
    return step ? load_some(p + i, n) : splat(*p);
}

ALWAYS_INLINE void map_steps(vec (*f)(vec, vec), const real *a, int a_step, const real *b, int b_step, real *y,
                             size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) store(y + i, f(operand(a, a_step, i), operand(b, b_step, i)));
    if (i == n) return;
    const int rest = (int)(n - i);
    store_some(y + i, f(last_operand(a, a_step, i, rest), last_operand(b, b_step, i, rest)), rest);
}

ALWAYS_INLINE void map(vec (*f)(vec, vec), const real *a, int a_step, const real *b, int b_step, real *y, size_t n)
{
    if (a_step && b_step)
        map_steps(f, a, 1, b, 1, y, n);
    else if (a_step)
        map_steps(f, a, 1, b, 0, y, n);
    else if (b_step)
        map_steps(f, a, 0, b, 1, y, n);
    else
        map_steps(f, a, 0, b, 0, y, n);
}

BINARY_TABLE;

static void each_row(cni_binary_function f, cni_rows a, cni_rows b, real *y, size_t rows, size_t c)
{
    const real *of_a = a.data, *of_b = b.data;
    for (size_t r = 0; r < rows; r++, of_a += a.pitch, of_b += b.pitch, y += c)
        loops[f](of_a, a.step, of_b, b.step, y, c);
}

/* A few channels against one vector of them: rows are joined, LANES at a time, and the vector repeated as often. */

static bool is_dense(cni_rows rows, size_t c)
{
    return rows.step == 1 && rows.pitch == c;
}

static bool is_repeated(cni_rows rows)
{
    return rows.step == 1 && rows.pitch == 0;
}

static void join_rows(cni_rows *rows, real *repeated, size_t c)
{
    if (is_repeated(*rows)) {
        for (size_t i = 0; i < LANES * c; i++) repeated[i] = ((const real *)rows->data)[i % c];
        rows->data = repeated;
    } else {
        rows->pitch *= LANES;
    }
}

static void binary(cni_binary_function f, cni_rows a, cni_rows b, void *y, size_t rows, size_t c)
{
    const bool joins = (is_dense(a, c) && is_repeated(b)) || (is_repeated(a) && is_dense(b, c));
    if (joins && c > 0 && c < LANES && rows > LANES) {
        const size_t many = rows / LANES, done = many * LANES;
        real repeated[LANES * LANES];
        cni_rows joined_a = a, joined_b = b;
        join_rows(&joined_a, repeated, c);
        join_rows(&joined_b, repeated, c);
        each_row(f, joined_a, joined_b, y, many, LANES * c);
        a.data = (const real *)a.data + done * a.pitch;
        b.data = (const real *)b.data + done * b.pitch;
        y = (real *)y + done * c;
        rows -= done;
    }
    each_row(f, a, b, y, rows, c);
}

void CNI_FOR_ISA(cni_binary_part)(cni_elementwise_kernels *kernels)
{
    kernels->binary = binary;
}
