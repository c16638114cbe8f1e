/* SPDX-License-Identifier: Apache-2.0
 * Kernels for depthwise convolution: each channel has its own window.  (What mixes channels is a product: matmul.)
 * All taps of a call are inside the image for all outputs of the call, so that a tap is a constant distance: any stride
 * and dilation.  Whoever calls leaves out the taps that are outside. */
#ifndef CNI_CONVOLUTION_H
#define CNI_CONVOLUTION_H

#include "kernels/names.h"

#include <stdbool.h>
#include <stddef.h>

/** y(r, p, j) = bias[j] + sum over t < taps of x[r x_row + p x_pixel + tap[t] + j] * w[weight[t] + j]
 *  for r < rows, p < columns, j < width; in the order of the taps. */
typedef struct cni_depthwise {
    const void *x;
    ptrdiff_t x_row, x_pixel;
    const ptrdiff_t *tap, *weight;
    int taps;
    const void *w;
    const void *bias; /* [width] or NULL */
    void *y;          /* element (r, p, j) at r y_row + p y_pixel + j */
    ptrdiff_t y_row, y_pixel;
    size_t rows, columns;
    int width;
    bool relu; /* y = max(y, 0), NaN stays */
} cni_depthwise;

/** dw[weight[t] + j] += sum over r < rows, p < columns of
 *  x[r x_row + p x_pixel + tap[t] + j] * dy[r dy_row + p dy_pixel + j]   for t < taps, j < width. */
typedef struct cni_depthwise_weights {
    const void *x;
    ptrdiff_t x_row, x_pixel;
    const ptrdiff_t *tap, *weight;
    int taps;
    const void *dy;
    ptrdiff_t dy_row, dy_pixel;
    size_t rows, columns;
    void *dw;
    int width;
} cni_depthwise_weights;

typedef struct cni_convolution_kernels {
    void (*depthwise)(const cni_depthwise *depthwise);
    void (*depthwise_weights)(const cni_depthwise_weights *weights);
} cni_convolution_kernels;

void cni_convolution_portable(cni_convolution_kernels *kernels);
void cni_convolution_double(cni_convolution_kernels *kernels);
void cni_convolution_avx2(cni_convolution_kernels *kernels);
void cni_convolution_avx512(cni_convolution_kernels *kernels);
void cni_convolution_neon(cni_convolution_kernels *kernels);

/* Parts of the above, one source each */
CNI_DECLARE_PORTABLE(cni_depthwise_part, cni_convolution_kernels);
CNI_DECLARE_OVERLAYS(cni_depthwise_part, cni_convolution_kernels);

#endif
