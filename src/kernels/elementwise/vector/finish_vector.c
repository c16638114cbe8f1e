/* SPDX-License-Identifier: Apache-2.0
 * The finish of convolutions for matrices: a loop of its own for each set of parts.  Without scale and shift the matrix
 * is one long row. */
#include "kernels/elementwise/elementwise.h"
#include "kernels/finish_vector.h"
#include "kernels/joined_rows.h"

enum { AHEAD = 1024 };

/* What is asked for; a constant where it is inlined. */
typedef struct parts {
    bool scales, adds, clamps, masks;
} parts;

ALWAYS_INLINE lanes fetch(const void *from, size_t at, int some)
{
    __builtin_prefetch((const float *)from + at + AHEAD);
    return load_at(from, (ptrdiff_t)at, some);
}

ALWAYS_INLINE void finish_one(const cni_finish *f, parts has, const float *x, float *y, size_t at, size_t column,
                              int some)
{
    lanes v = fetch(x, at, some);
    __builtin_prefetch(y + at + AHEAD, 1); /* it is seldom near */
    if (has.scales)
        v = multiply_add(v, load_at(f->scale, (ptrdiff_t)column, some), load_at(f->shift, (ptrdiff_t)column, some));
    if (has.adds) v += fetch(f->add, at, some);
    if (has.clamps) v = vector_clamp(v, (float)f->slope, (float)f->most);
    if (has.masks) v = choose((mask)(fetch(f->mask, at, some) > (lanes){0}), v, (lanes){0});
    if (some < LANES)
        store_some(y + at, v, some);
    else
        store(y + at, v);
}

ALWAYS_INLINE void finish_rows(const cni_finish *from, parts has, const float *x, float *y, size_t rows, size_t c)
{
    const cni_finish f = *from; /* a copy that no store can reach, so that it stays in registers */
    for (size_t row = 0, at = 0; row < rows; row++) {
        size_t column = 0;
        for (; column + LANES <= c; column += LANES, at += LANES) finish_one(&f, has, x, y, at, column, LANES);
        if (column == c) continue;
        finish_one(&f, has, x, y, at, column, (int)(c - column));
        at += c - column;
    }
}

#define NAMED(bits)                                                                                                    \
    static void finish_##bits(const cni_finish *f, const float *x, float *y, size_t rows, size_t c)                    \
    {                                                                                                                  \
        finish_rows(f, (parts){(bits)&1, (bits)&2, (bits)&4, (bits)&8}, x, y, rows, c);                                \
    }
#define FOR_BITS(row)                                                                                                  \
    row(0) row(1) row(2) row(3) row(4) row(5) row(6) row(7) row(8) row(9) row(10) row(11) row(12) row(13) row(14)      \
        row(15)
FOR_BITS(NAMED)
#define ENTRY(bits) finish_##bits,

static void (*const loops[])(const cni_finish *f, const float *x, float *y, size_t rows, size_t c) = {FOR_BITS(ENTRY)};

static const float *from(const void *p, size_t at)
{
    return p ? (const float *)p + at : NULL;
}

/* Only one of scale and shift: the other is what changes nothing. */
static void finish_with(const cni_finish *f, int bits, const float *x, float *y, size_t rows, size_t c, size_t joined)
{
    float scale[JOINED_COLUMNS], shift[JOINED_COLUMNS];
    cni_finish wide = *f;
    wide.scale = repeated(f->scale, c, joined, scale);
    wide.shift = repeated(f->shift, c, joined, shift);
    loops[bits](&wide, x, y, rows / joined, joined * c);
    const size_t done = rows / joined * joined;
    cni_finish rest = *f;
    rest.add = from(f->add, done * c);
    rest.mask = from(f->mask, done * c);
    loops[bits](&rest, x + done * c, y + done * c, rows - done, c);
}

/* Columns for which a missing factor or summand stands on the stack. */
enum { SOME_COLUMNS = 256 };

static void finish_one_sided(const cni_finish *f, int bits, const float *x, float *y, size_t rows, size_t c)
{
    float other[SOME_COLUMNS];
    for (size_t i = 0; i < SOME_COLUMNS; i++) other[i] = f->scale ? 0 : 1;
    for (size_t r = 0; r < rows; r++)
        for (size_t column = 0; column < c; column += SOME_COLUMNS) {
            const size_t at = r * c + column, some = c - column < SOME_COLUMNS ? c - column : SOME_COLUMNS;
            cni_finish part = *f;
            part.scale = f->scale ? from(f->scale, column) : other;
            part.shift = f->shift ? from(f->shift, column) : other;
            part.add = from(f->add, at);
            part.mask = from(f->mask, at);
            loops[bits](&part, x + at, y + at, 1, some);
        }
}

static void finish(const cni_finish *f, const void *x, void *y, size_t rows, size_t c)
{
    const int bits = (f->scale || f->shift) | (f->add ? 2 : 0) | (f->clamps ? 4 : 0) | (f->mask ? 8 : 0);
    if (!(bits & 1))
        loops[bits](f, x, y, 1, rows * c);
    else if (f->scale && f->shift)
        finish_with(f, bits, x, y, rows, c, joined_rows(rows, c));
    else
        finish_one_sided(f, bits, x, y, rows, c);
}

void CNI_FOR_ISA(cni_finish_part)(cni_elementwise_kernels *kernels)
{
    kernels->finish = finish;
}
