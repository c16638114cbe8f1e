/* SPDX-License-Identifier: Apache-2.0
 * Transposes and copies, plainly; transposes by tiles, so that both sides stay in cache. */
#include "kernels/layout/layout.h"

typedef CNI_REAL real;

enum { TILE = 16 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void transpose(const void *x, size_t x_pitch, void *y, size_t y_pitch, size_t rows, size_t columns)
{
    for (size_t i0 = 0; i0 < rows; i0 += TILE)
        for (size_t j0 = 0; j0 < columns; j0 += TILE)
            for (size_t j = j0; j < least(j0 + TILE, columns); j++)
                for (size_t i = i0; i < least(i0 + TILE, rows); i++)
                    ((real *)y)[j * y_pitch + i] = ((const real *)x)[i * x_pitch + j];
}

#include "kernels/layout/box_copy.h"

void CNI_FOR_REAL(cni_layout_part)(cni_layout_kernels *kernels)
{
    kernels->transpose = transpose;
    kernels->copy = copy;
}
