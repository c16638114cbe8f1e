/* SPDX-License-Identifier: Apache-2.0
 * The finish of convolutions for matrices, plainly. */
#include "kernels/elementwise/elementwise.h"
#include "kernels/finish_portable.h"

typedef CNI_REAL real;

static void finish(const cni_finish *f, const void *x, void *y, size_t rows, size_t c)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < c; i++)
            ((real *)y)[r * c + i] = portable_finish(f, ((const real *)x)[r * c + i], i, (ptrdiff_t)(r * c + i));
}

void CNI_FOR_REAL(cni_finish_part)(cni_elementwise_kernels *kernels)
{
    kernels->finish = finish;
}
