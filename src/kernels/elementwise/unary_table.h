/* SPDX-License-Identifier: Apache-2.0
 * The kernels `unary` and `unary_gradient` out of unary_functions.h and the including file's loops `map` and
 * `map_slope`: a loop of its own for every function, and a table to find it. */

#define DEFINE_LOOPS(row, f, d)                                                                                        \
    static void value_##row(const real *x, real *y, size_t n, params p)                                                \
    {                                                                                                                  \
        map(f, x, y, n, p);                                                                                            \
    }                                                                                                                  \
    static void slope_##row(const real *x, const real *dy, real *dx, size_t n, params p)                               \
    {                                                                                                                  \
        map_slope(d, x, dy, dx, n, p);                                                                                 \
    }
UNARY_ROWS(DEFINE_LOOPS)
#undef DEFINE_LOOPS

static const struct loops {
    void (*value)(const real *x, real *y, size_t n, params p);
    void (*slope)(const real *x, const real *dy, real *dx, size_t n, params p);
} loops[CNI_UNARY_VARIANTS] = {
#define TABLE_ROW(row, f, d) [row] = {value_##row, slope_##row},
    UNARY_ROWS(TABLE_ROW)
#undef TABLE_ROW
};

static params parameters(const cni_epilogue *f)
{
    return (params){(real)f->a, (real)f->b, (real)f->c};
}

static void unary(const cni_epilogue *f, const void *x, void *y, size_t n)
{
    loops[cni_unary_variant(f)].value(x, y, n, parameters(f));
}

static void unary_gradient(const cni_epilogue *f, const void *x, const void *y, const void *dy, void *dx, size_t n)
{
    /* where neither is needed, any numbers will do */
    const void *const sources[] = {[CNI_NEEDS_NOTHING] = dy, [CNI_NEEDS_INPUT] = x, [CNI_NEEDS_OUTPUT] = y};
    loops[cni_unary_variant(f)].slope(sources[cni_unary_gradient_needs(f)], dy, dx, n, parameters(f));
}
