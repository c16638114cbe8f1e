/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution, plainly. */
#include "kernels/convolution/convolution.h"

typedef CNI_REAL real;

static void pixel(const cni_depthwise *d, const real *x, real *y)
{
    const real *bias = d->bias, *w = d->w;
    for (int j = 0; j < d->width; j++) {
        real sum = bias ? bias[j] : 0;
        for (int t = 0; t < d->taps; t++) sum += x[d->tap[t] + j] * w[d->weight[t] + j];
        y[j] = d->relu && sum <= 0 ? 0 : sum;
    }
}

static void depthwise(const cni_depthwise *d)
{
    for (size_t r = 0; r < d->rows; r++)
        for (size_t p = 0; p < d->columns; p++)
            pixel(d, (const real *)d->x + (ptrdiff_t)r * d->x_row + (ptrdiff_t)p * d->x_pixel,
                  (real *)d->y + (ptrdiff_t)r * d->y_row + (ptrdiff_t)p * d->y_pixel);
}

static void depthwise_weights(const cni_depthwise_weights *d)
{
    for (int t = 0; t < d->taps; t++) {
        real *dw = (real *)d->dw + d->weight[t];
        for (size_t r = 0; r < d->rows; r++)
            for (size_t p = 0; p < d->columns; p++) {
                const real *x = (const real *)d->x + (ptrdiff_t)r * d->x_row + (ptrdiff_t)p * d->x_pixel + d->tap[t];
                const real *dy = (const real *)d->dy + (ptrdiff_t)r * d->dy_row + (ptrdiff_t)p * d->dy_pixel;
                for (int j = 0; j < d->width; j++) dw[j] += x[j] * dy[j];
            }
    }
}

void CNI_FOR_REAL(cni_depthwise_part)(cni_convolution_kernels *kernels)
{
    *kernels = (cni_convolution_kernels){.depthwise = depthwise, .depthwise_weights = depthwise_weights};
}
