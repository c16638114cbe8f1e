/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution, plainly. */
#include "kernels/convolution/convolution.h"
#include "kernels/finish_portable.h"

typedef CNI_REAL real;

/* The cell that output i looks at with tap t, or -1. */
static ptrdiff_t cell(const cni_window_axis *a, int i, int t)
{
    ptrdiff_t at = (ptrdiff_t)i * a->stride + a->position + (ptrdiff_t)t * a->dilation;
    return at < a->cells ? at : -1;
}

static real window_sum(const cni_depthwise *d, int i, int j, int k)
{
    const real *x = d->x, *w = d->w;
    real sum = 0;
    for (int r = 0; r < d->rows.taps; r++)
        for (int s = 0; s < d->columns.taps; s++) {
            ptrdiff_t row = cell(&d->rows, i, r), column = cell(&d->columns, j, s);
            if (row < 0 || column < 0) continue;
            sum += x[row * d->rows.x + column * d->columns.x + k] * w[r * d->rows.w + s * d->columns.w + k];
        }
    return sum;
}

static void depthwise(const cni_depthwise *d)
{
    for (int i = d->rows.first; i < d->rows.last; i++)
        for (int j = d->columns.first; j < d->columns.last; j++)
            for (int k = 0; k < d->width; k++) {
                ptrdiff_t at = i * d->rows.y + j * d->columns.y + k;
                ((real *)d->y)[at] = portable_finish(&d->finish, window_sum(d, i, j, k), (size_t)k, at);
            }
}

static void depthwise_weights(const cni_depthwise_weights *d)
{
    const cni_window_axis *rows = &d->rows, *columns = &d->columns;
    for (int r = 0; r < rows->taps; r++)
        for (int s = 0; s < columns->taps; s++)
            for (int i = rows->first; i < rows->last; i++)
                for (int j = columns->first; j < columns->last; j++) {
                    ptrdiff_t row = cell(rows, i, r), column = cell(columns, j, s);
                    if (row < 0 || column < 0) continue;
                    const real *x = (const real *)d->x + row * rows->x + column * columns->x;
                    const real *dy = (const real *)d->dy + i * rows->y + j * columns->y;
                    real *dw = (real *)d->dw + r * rows->w + s * columns->w;
                    for (int k = 0; k < d->width; k++) dw[k] += x[k] * dy[k];
                }
}

void CNI_FOR_REAL(cni_depthwise_part)(cni_convolution_kernels *kernels)
{
    *kernels = (cni_convolution_kernels){.depthwise = depthwise, .depthwise_weights = depthwise_weights};
}
