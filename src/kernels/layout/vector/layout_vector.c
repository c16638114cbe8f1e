/* SPDX-License-Identifier: Apache-2.0
 * Transposes by squares that fit the registers: SIDE rows are read, interleaved in log2(SIDE) stages, and written. */
#include "kernels/layout/layout.h"

#include "kernels/vector.h"

typedef float real;

enum { SIDE = CNI_VECTOR_BYTES >= 32 ? 8 : 4 };

typedef float square_row __attribute__((vector_size(4 * SIDE)));
typedef float loose_row __attribute__((vector_size(4 * SIDE), aligned(4), may_alias));

/* Stage by stage, row i and row i + SIDE / 2 are zipped: after log2(SIDE) of them rows are columns. */
#if CNI_VECTOR_BYTES >= 32
#define ZIP_LOW(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
enum { STAGES = 3 };
#else
#define ZIP_LOW(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
enum { STAGES = 2 };
#endif

ALWAYS_INLINE void transpose_square(const float *x, size_t x_pitch, float *y, size_t y_pitch)
{
    square_row row[SIDE], zipped[SIDE];
    UNROLL for (int i = 0; i < SIDE; i++) row[i] = *(const loose_row *)(x + (size_t)i * x_pitch);
    UNROLL for (int stage = 0; stage < STAGES; stage++)
    {
        UNROLL for (int i = 0; i < SIDE / 2; i++)
        {
            zipped[2 * i] = ZIP_LOW(row[i], row[i + SIDE / 2]);
            zipped[2 * i + 1] = ZIP_HIGH(row[i], row[i + SIDE / 2]);
        }
        UNROLL for (int i = 0; i < SIDE; i++) row[i] = zipped[i];
    }
    UNROLL for (int i = 0; i < SIDE; i++) * (loose_row *)(y + (size_t)i * y_pitch) = row[i];
}

static void transpose_edge(const float *x, size_t x_pitch, float *y, size_t y_pitch, size_t rows, size_t columns)
{
    for (size_t j = 0; j < columns; j++)
        for (size_t i = 0; i < rows; i++) y[j * y_pitch + i] = x[i * x_pitch + j];
}

#if CNI_VECTOR_BYTES == 64
/* Four times as much at once, in one stage more. */
enum { LARGE = 16 };

ALWAYS_INLINE void transpose_large(const float *x, size_t x_pitch, float *y, size_t y_pitch)
{
    lanes row[LARGE], zipped[LARGE];
    UNROLL for (int i = 0; i < LARGE; i++) row[i] = load(x + (size_t)i * x_pitch);
    UNROLL for (int stage = 0; stage < 4; stage++)
    {
        UNROLL for (int i = 0; i < LARGE / 2; i++)
        {
            const lanes a = row[i], b = row[i + LARGE / 2];
            zipped[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            zipped[2 * i + 1] =
                __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
        UNROLL for (int i = 0; i < LARGE; i++) row[i] = zipped[i];
    }
    UNROLL for (int i = 0; i < LARGE; i++) store(y + (size_t)i * y_pitch, row[i]);
}

static void transpose_all_large(const float *x, size_t x_pitch, float *y, size_t y_pitch, size_t rows, size_t columns)
{
    for (size_t j = 0; j < columns; j += LARGE)
        for (size_t i = 0; i < rows; i += LARGE)
            transpose_large(x + i * x_pitch + j, x_pitch, y + j * y_pitch + i, y_pitch);
}
#endif

/* Squares one below the other write side by side. */
static void transpose(const void *from, size_t x_pitch, void *to, size_t y_pitch, size_t rows, size_t columns)
{
    const float *x = from;
    float *y = to;
#if CNI_VECTOR_BYTES == 64
    if (rows % LARGE == 0 && columns % LARGE == 0) {
        transpose_all_large(x, x_pitch, y, y_pitch, rows, columns);
        return;
    }
#endif
    const size_t whole_rows = rows - rows % SIDE, whole_columns = columns - columns % SIDE;
    for (size_t j = 0; j < whole_columns; j += SIDE)
        for (size_t i = 0; i < whole_rows; i += SIDE)
            transpose_square(x + i * x_pitch + j, x_pitch, y + j * y_pitch + i, y_pitch);
    transpose_edge(x + whole_columns, x_pitch, y + whole_columns * y_pitch, y_pitch, whole_rows,
                   columns - whole_columns);
    transpose_edge(x + whole_rows * x_pitch, x_pitch, y + whole_rows, y_pitch, rows - whole_rows, columns);
}

#include "kernels/layout/box_copy.h"

void CNI_FOR_ISA(cni_layout_part)(cni_layout_kernels *kernels)
{
    kernels->transpose = transpose;
    kernels->copy = copy;
}
