/* SPDX-License-Identifier: Apache-2.0
 * Batch normalization, a vector of channels at a time: chunks of columns go down the rows. */
#include "kernels/normalization/normalization.h"
#include "kernels/vector.h"

enum { BLOCK = 64, WIDTH = 4 };

/* A chunk of columns: `vectors` vectors, the last of which has `last` lanes. */
typedef struct chunk {
    int vectors, last;
} chunk;

ALWAYS_INLINE lanes load_of(const float *p, chunk k, int v)
{
    return v == k.vectors - 1 && k.last < LANES ? load_some(p + v * LANES, k.last) : load(p + v * LANES);
}

ALWAYS_INLINE void store_of(float *p, lanes value, chunk k, int v)
{
    if (v == k.vectors - 1 && k.last < LANES)
        store_some(p + v * LANES, value, k.last);
    else
        store(p + v * LANES, value);
}

/* Calls f(argument ..., column, chunk) for all columns; the chunks are constants where f is inlined. */
#define FOR_CHUNKS(c, call)                                                                                            \
    do {                                                                                                               \
        size_t column = 0;                                                                                             \
        for (; column + WIDTH * LANES <= (c); column += WIDTH * LANES) {                                               \
            const chunk k = {WIDTH, LANES};                                                                            \
            call;                                                                                                      \
        }                                                                                                              \
        for (; column + LANES <= (c); column += LANES) {                                                               \
            const chunk k = {1, LANES};                                                                                \
            call;                                                                                                      \
        }                                                                                                              \
        if (column < (c)) {                                                                                            \
            const chunk k = {1, (int)((c)-column)};                                                                    \
            call;                                                                                                      \
        }                                                                                                              \
    } while (0)

ALWAYS_INLINE void moments_of(const float *x, float *mean, float *m2, size_t rows, size_t c, chunk k)
{
    lanes total[WIDTH], part[WIDTH], center[WIDTH];
    for (int pass = 0; pass < 2; pass++) {
        const float *at = x;
        UNROLL for (int v = 0; v < k.vectors; v++) total[v] = (lanes){0};
        for (size_t begin = 0; begin < rows; begin += BLOCK) {
            UNROLL for (int v = 0; v < k.vectors; v++) part[v] = (lanes){0};
            for (size_t r = begin; r < rows && r < begin + BLOCK; r++, at += c)
                UNROLL for (int v = 0; v < k.vectors; v++)
                {
                    const lanes d = pass ? load_of(at, k, v) - center[v] : load_of(at, k, v);
                    part[v] += pass ? d * d : d;
                }
            UNROLL for (int v = 0; v < k.vectors; v++) total[v] += part[v];
        }
        UNROLL for (int v = 0; v < k.vectors; v++)
        {
            if (!pass) center[v] = total[v] / (float)rows;
            store_of(pass ? m2 : mean, pass ? total[v] : center[v], k, v);
        }
    }
}

static void moments(const void *x, void *mean, void *m2, size_t rows, size_t c)
{
    FOR_CHUNKS(c, moments_of((const float *)x + column, (float *)mean + column, (float *)m2 + column, rows, c, k));
}

ALWAYS_INLINE void scale_shift_of(const float *x, const float *scale, const float *shift, float *y, size_t rows,
                                  size_t c, chunk k)
{
    lanes by[WIDTH], plus[WIDTH];
    UNROLL for (int v = 0; v < k.vectors; v++) by[v] = load_of(scale, k, v);
    UNROLL for (int v = 0; v < k.vectors; v++) plus[v] = load_of(shift, k, v);
    for (size_t r = 0; r < rows; r++, x += c, y += c)
        UNROLL for (int v = 0; v < k.vectors; v++) store_of(y, load_of(x, k, v) * by[v] + plus[v], k, v);
}

static void scale_shift(const void *x, const void *scale, const void *shift, void *y, size_t rows, size_t c)
{
    FOR_CHUNKS(c, scale_shift_of((const float *)x + column, (const float *)scale + column,
                                 (const float *)shift + column, (float *)y + column, rows, c, k));
}

ALWAYS_INLINE void gradient_sums_of(const float *x, const float *dy, const float *mean, float *sum_dy, float *sum_dyx,
                                    size_t rows, size_t c, chunk k)
{
    lanes total[2][WIDTH], part[2][WIDTH], center[WIDTH];
    UNROLL for (int v = 0; v < k.vectors; v++)
    {
        center[v] = load_of(mean, k, v);
        total[0][v] = total[1][v] = (lanes){0};
    }
    for (size_t begin = 0; begin < rows; begin += BLOCK) {
        UNROLL for (int v = 0; v < k.vectors; v++) part[0][v] = part[1][v] = (lanes){0};
        for (size_t r = begin; r < rows && r < begin + BLOCK; r++, x += c, dy += c)
            UNROLL for (int v = 0; v < k.vectors; v++)
            {
                const lanes given = load_of(dy, k, v);
                part[0][v] += given;
                part[1][v] += given * (load_of(x, k, v) - center[v]);
            }
        UNROLL for (int v = 0; v < k.vectors; v++)
        {
            total[0][v] += part[0][v];
            total[1][v] += part[1][v];
        }
    }
    UNROLL for (int v = 0; v < k.vectors; v++)
    {
        store_of(sum_dy, total[0][v], k, v);
        store_of(sum_dyx, total[1][v], k, v);
    }
}

static void gradient_sums(const void *x, const void *dy, const void *mean, void *sum_dy, void *sum_dyx, size_t rows,
                          size_t c)
{
    FOR_CHUNKS(c, gradient_sums_of((const float *)x + column, (const float *)dy + column, (const float *)mean + column,
                                   (float *)sum_dy + column, (float *)sum_dyx + column, rows, c, k));
}

typedef struct combination {
    const float *mean, *a, *b, *constant;
} combination;

ALWAYS_INLINE void combine_of(const float *x, const float *dy, combination by, float *dx, size_t rows, size_t c,
                              chunk k)
{
    lanes center[WIDTH], a[WIDTH], b[WIDTH], constant[WIDTH];
    UNROLL for (int v = 0; v < k.vectors; v++)
    {
        center[v] = load_of(by.mean, k, v);
        a[v] = load_of(by.a, k, v);
        b[v] = load_of(by.b, k, v);
        constant[v] = load_of(by.constant, k, v);
    }
    for (size_t r = 0; r < rows; r++, x += c, dy += c, dx += c)
        UNROLL for (int v = 0; v < k.vectors; v++)
            store_of(dx, a[v] * load_of(dy, k, v) + (b[v] * (load_of(x, k, v) - center[v]) + constant[v]), k, v);
}

static void gradient_combine(const void *x, const void *dy, const void *mean, const void *a, const void *b,
                             const void *constant, void *dx, size_t rows, size_t c)
{
    FOR_CHUNKS(c, combine_of((const float *)x + column, (const float *)dy + column,
                             ((combination){(const float *)mean + column, (const float *)a + column,
                                            (const float *)b + column, (const float *)constant + column}),
                             (float *)dx + column, rows, c, k));
}

void CNI_FOR_ISA(cni_batch_norm_part)(cni_normalization_kernels *kernels)
{
    kernels->moments = moments;
    kernels->scale_shift = scale_shift;
    kernels->gradient_sums = gradient_sums;
    kernels->gradient_combine = gradient_combine;
}
