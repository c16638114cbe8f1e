/* SPDX-License-Identifier: Apache-2.0
 * The functions of two numbers, written once for plain numbers and for vectors; words as in unary_functions.h. */

static inline vec b_add(vec a, vec b)
{
    return a + b;
}

static inline vec b_subtract(vec a, vec b)
{
    return a - b;
}

static inline vec b_multiply(vec a, vec b)
{
    return a * b;
}

static inline vec b_divide(vec a, vec b)
{
    return a / b;
}

/* When neither a > b nor a is NaN, b is the answer, NaN or not. */
static inline vec b_maximum(vec a, vec b)
{
    return v_select((a > b) | (a != a), a, b);
}

static inline vec b_minimum(vec a, vec b)
{
    return v_select((a < b) | (a != a), a, b);
}

static inline vec b_prelu(vec a, vec b)
{
    return v_select(a > (real)0, a, b * a);
}

static inline vec b_prelu_slope(vec a, vec b)
{
    return v_select(a > (real)0, v_all(1), v_select(a < (real)0, b, v_all(0)));
}

static inline vec b_equal(vec a, vec b)
{
    return v_select(a == b, v_all(1), v_all(0));
}

static inline vec b_greater_share(vec a, vec b)
{
    return v_select(a > b, v_all(1), v_select(a == b, v_all(0.5), v_all(0)));
}

static inline vec b_less_share(vec a, vec b)
{
    return b_greater_share(b, a);
}

/* Loops of the including file: map(f, a, a_step, b, b_step, y, n). */
#define BINARY_ROWS(ROW)                                                                                               \
    ROW(CNI_ADD, b_add)                                                                                                \
    ROW(CNI_SUBTRACT, b_subtract)                                                                                      \
    ROW(CNI_MULTIPLY, b_multiply)                                                                                      \
    ROW(CNI_DIVIDE, b_divide)                                                                                          \
    ROW(CNI_MAXIMUM, b_maximum)                                                                                        \
    ROW(CNI_MINIMUM, b_minimum)                                                                                        \
    ROW(CNI_PRELU, b_prelu)                                                                                            \
    ROW(CNI_PRELU_SLOPE, b_prelu_slope)                                                                                \
    ROW(CNI_GREATER_SHARE, b_greater_share)                                                                            \
    ROW(CNI_LESS_SHARE, b_less_share)                                                                                  \
    ROW(CNI_EQUAL, b_equal)

#define DEFINE_LOOP(row, f)                                                                                            \
    static void loop_##row(const real *a, int a_step, const real *b, int b_step, real *y, size_t n)                    \
    {                                                                                                                  \
        map(f, a, a_step, b, b_step, y, n);                                                                            \
    }

#define BINARY_TABLE                                                                                                   \
    BINARY_ROWS(DEFINE_LOOP)                                                                                           \
    static void (*const loops[CNI_BINARY_COUNT])(const real *a, int a_step, const real *b, int b_step, real *y,        \
                                                 size_t n) = {BINARY_ROWS(TABLE_ROW)}
#define TABLE_ROW(row, f) [row] = loop_##row,
