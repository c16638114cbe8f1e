/* SPDX-License-Identifier: Apache-2.0
 * Sums, maxima and minima, a vector at a time.  Three shapes of x [outer, count, inner]: inner of a vector or more goes
 * by chunks of columns; a smaller one by LANES rows at once, which fill `inner` vectors; inner = 1 is that with long
 * rows. Within each, BLOCK steps make a part and the parts a total, so that rounding errors grow slowly; the fewer lanes,
 * the more steps there are, and the longer parts may be. */
#include "kernels/elementwise/elementwise.h"
#include "kernels/vector_math.h"

enum { BLOCK = 1024 / LANES, WIDTH = 4 };

typedef lanes combine(lanes a, lanes b);

/* One of a function's two forms is called where the other cannot be; both are inlined. */
typedef struct reducer {
    combine *all;
    float (*one)(float a, float b);
    float start;
} reducer;

ALWAYS_INLINE float add_one(float a, float b)
{
    return a + b;
}

ALWAYS_INLINE float maximum_one(float a, float b)
{
    return ((a > b) | (a != a)) ? a : b;
}

ALWAYS_INLINE float minimum_one(float a, float b)
{
    return ((a < b) | (a != a)) ? a : b;
}

ALWAYS_INLINE lanes add(lanes a, lanes b)
{
    return a + b;
}

ALWAYS_INLINE lanes maximum(lanes a, lanes b)
{
    return vector_max(a, b);
}

ALWAYS_INLINE lanes minimum(lanes a, lanes b)
{
    return vector_min(a, b);
}

/* `vectors` vectors of columns, the last of which has `last` lanes. */
ALWAYS_INLINE void columns(reducer f, const float *x, float *y, size_t count, size_t inner, int vectors, int last)
{
    lanes total[WIDTH], part[WIDTH];
    UNROLL for (int v = 0; v < vectors; v++) total[v] = splat(f.start);
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        UNROLL for (int v = 0; v < vectors; v++) part[v] = splat(f.start);
        for (size_t k = begin; k < count && k < begin + BLOCK; k++, x += inner) {
            UNROLL for (int v = 0; v < vectors; v++) part[v] =
                f.all(part[v], v == vectors - 1 && last < LANES ? load_some(x + v * LANES, last) : load(x + v * LANES));
        }
        UNROLL for (int v = 0; v < vectors; v++) total[v] = f.all(total[v], part[v]);
    }
    UNROLL for (int v = 0; v < vectors; v++)
    {
        if (v == vectors - 1 && last < LANES)
            store_some(y + v * LANES, total[v], last);
        else
            store(y + v * LANES, total[v]);
    }
}

ALWAYS_INLINE void wide(reducer f, const float *x, float *y, size_t count, size_t inner)
{
    size_t i = 0;
    for (; i + WIDTH * LANES <= inner; i += WIDTH * LANES) columns(f, x + i, y + i, count, inner, WIDTH, LANES);
    for (; i + LANES <= inner; i += LANES) columns(f, x + i, y + i, count, inner, 1, LANES);
    if (i < inner) columns(f, x + i, y + i, count, inner, 1, (int)(inner - i));
}

/* inner < LANES: LANES rows are `inner` vectors, and element e of them belongs to column e % inner. */
ALWAYS_INLINE void narrow(reducer f, const float *x, float *y, size_t count, size_t inner)
{
    lanes total[LANES], part[LANES];
    float spread[LANES * LANES];
    const size_t groups = count / LANES;
    for (size_t v = 0; v < inner; v++) total[v] = splat(f.start);
    for (size_t begin = 0; begin < groups; begin += BLOCK) {
        for (size_t v = 0; v < inner; v++) part[v] = splat(f.start);
        for (size_t k = begin; k < groups && k < begin + BLOCK; k++, x += inner * LANES)
            for (size_t v = 0; v < inner; v++) part[v] = f.all(part[v], load(x + v * LANES));
        for (size_t v = 0; v < inner; v++) total[v] = f.all(total[v], part[v]);
    }
    for (size_t v = 0; v < inner; v++) store(spread + v * LANES, total[v]);
    for (size_t i = 0; i < inner; i++) {
        float all = f.start;
        for (size_t k = 0; k < LANES && groups; k++) all = f.one(all, spread[k * inner + i]);
        for (size_t k = 0; k < count % LANES; k++) all = f.one(all, x[k * inner + i]);
        y[i] = all;
    }
}

/* inner = 1: WIDTH vectors of a row at once */
ALWAYS_INLINE void row(reducer f, const float *x, float *y, size_t count)
{
    float total[WIDTH * LANES];
    const size_t step = WIDTH * LANES, steps = count / step;
    if (steps < 2) {
        narrow(f, x, y, count, 1);
        return;
    }
    columns(f, x, total, steps, step, WIDTH, LANES);
    float last;
    narrow(f, x + steps * step, &last, count - steps * step, 1);
    for (size_t i = 0; i < step; i++) last = f.one(last, total[i]);
    *y = last;
}

ALWAYS_INLINE void reduce_by(reducer f, const float *x, float *y, size_t outer, size_t count, size_t inner)
{
    for (size_t o = 0; o < outer; o++, x += count * inner, y += inner) {
        if (inner == 1)
            row(f, x, y, count);
        else if (inner < LANES && count > LANES)
            narrow(f, x, y, count, inner);
        else
            wide(f, x, y, count, inner);
    }
}

static void reduce(cni_reduction f, const void *x, void *y, size_t outer, size_t count, size_t inner)
{
    if (f == CNI_SUM)
        reduce_by((reducer){add, add_one, 0}, x, y, outer, count, inner);
    else if (f == CNI_MAX)
        reduce_by((reducer){maximum, maximum_one, -__builtin_inff()}, x, y, outer, count, inner);
    else
        reduce_by((reducer){minimum, minimum_one, __builtin_inff()}, x, y, outer, count, inner);
}

void CNI_FOR_ISA(cni_reduce_part)(cni_elementwise_kernels *kernels)
{
    kernels->reduce = reduce;
}
