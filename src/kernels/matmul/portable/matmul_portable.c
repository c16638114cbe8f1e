/* SPDX-License-Identifier: Apache-2.0
 * Products, plainly.  m rows, k depth, j columns of the weights. */
#include "kernels/finish_portable.h"
#include "kernels/matmul/matmul.h"

#include <string.h>

typedef CNI_REAL real;

enum { PANEL = 8 };

static real relu(real x)
{
    return x <= 0 ? 0 : x; /* NaN stays */
}

static void pack(const void *w, ptrdiff_t w_row, size_t depth, int width, void *panel)
{
    const real *from = w;
    real *to = panel;
    for (size_t k = 0; k < depth; k++, to += PANEL)
        for (int j = 0; j < PANEL; j++) to[j] = j < width ? from[(ptrdiff_t)k * w_row + j] : 0;
}

/* One pixel by one panel. */
static void cell(const cni_product *p, const cni_finish *finish, const real *x, const real *w, const real *start,
                 int column, int width, ptrdiff_t at)
{
    real sum[PANEL] = {0}, *y = p->y;
    if (start) memcpy(sum, start + column, (size_t)width * sizeof *start);
    for (int t = 0; t < p->taps; t++) {
        const real *from = x + p->tap[t];
        for (int k = 0; k < p->depth; k++, w += PANEL)
            for (int j = 0; j < PANEL; j++) sum[j] += from[k] * w[j];
    }
    for (int j = 0; j < width; j++) y[at + j] = portable_finish(finish, sum[j], (size_t)(column + j), at + j);
}

static void product(const cni_product *p)
{
    const real *x = p->x, *w = p->panels, *start = p->finish.scale ? NULL : p->finish.shift;
    cni_finish finish = p->finish;
    if (start) finish.shift = NULL;
    for (int j = 0; j < p->width; j += PANEL, w += (size_t)p->taps * p->depth * PANEL) {
        int width = p->width - j < PANEL ? p->width - j : PANEL;
        for (size_t r = 0; r < p->rows; r++)
            for (size_t q = 0; q < p->columns; q++)
                cell(p, &finish, x + (ptrdiff_t)r * p->x_row + (ptrdiff_t)q * p->x_pixel, w, start, j, width,
                     (ptrdiff_t)r * p->y_row + (ptrdiff_t)q * p->y_pixel + j);
    }
}

/* As if a vector were one lane. */
static void narrow(const cni_product *p)
{
    const real *x = p->x;
    for (size_t r = 0; r < p->rows; r++)
        for (size_t q = 0; q < p->columns; q++)
            for (int j = 0; j < p->width; j++) {
                const real *w = (const real *)p->panels + j;
                const ptrdiff_t at = (ptrdiff_t)r * p->y_row + (ptrdiff_t)q * p->y_pixel + j;
                real sum = 0;
                for (int t = 0; t < p->taps; t++) {
                    const real *from = x + (ptrdiff_t)r * p->x_row + (ptrdiff_t)q * p->x_pixel + p->tap[t];
                    for (int k = 0; k < p->depth; k++, w += p->width) sum += from[k] * *w;
                }
                ((real *)p->y)[at] = portable_finish(&p->finish, sum, (size_t)j, at);
            }
}

static void outer(const cni_outer *o)
{
    real *dw = o->dw;
    for (int i = 0; i < o->height && !o->accumulate; i++) memset(dw + i * o->dw_row, 0, (size_t)o->width * sizeof *dw);
    for (size_t n = 0; n < o->images; n++)
        for (size_t r = 0; r < o->rows; r++)
            for (size_t q = 0; q < o->columns; q++) {
                const real *x = (const real *)o->x + (ptrdiff_t)n * o->x_image + (ptrdiff_t)r * o->x_row +
                                (ptrdiff_t)q * o->x_pixel;
                const real *dy = (const real *)o->dy + (ptrdiff_t)n * o->dy_image + (ptrdiff_t)r * o->dy_row +
                                 (ptrdiff_t)q * o->dy_pixel;
                for (int i = 0; i < o->height; i++) {
                    const real value = o->run ? x[i / o->run * o->x_line + i % o->run] : x[i];
                    for (int j = 0; j < o->width; j++) dw[i * o->dw_row + j] += value * dy[j];
                }
            }
}

static void thin(const cni_thin *t)
{
    const real *bias = t->bias, *x = t->x, *w = t->w;
    real *y = t->y;
    for (int j = 0; j < t->width; j++) y[j] = bias ? bias[j] : 0;
    for (int k = 0; k < t->depth; k++, w += t->w_row)
        for (int j = 0; j < t->width; j++) y[j] += x[k] * w[j];
    for (int j = 0; j < t->width && t->relu; j++) y[j] = relu(y[j]);
}

static void dots(const cni_thin *t)
{
    for (int m = 0; m < t->rows; m++) {
        const real *x = (const real *)t->x + m * t->x_row, *w = t->w;
        real *y = (real *)t->y + m * t->y_row;
        for (int j = 0; j < t->width; j++, w += t->w_row) {
            real sum = 0;
            for (int k = 0; k < t->depth; k++) sum += x[k] * w[k];
            if (t->bias) sum += ((const real *)t->bias)[j];
            y[j] = t->relu ? relu(sum) : sum;
        }
    }
}

static void unpacked(const cni_unpacked *p)
{
    const real *bias = p->bias;
    for (int m = 0; m < p->rows; m++) {
        const real *x = (const real *)p->x + m * p->x_row, *w = p->w;
        real *y = (real *)p->y + m * p->y_row;
        for (int j = 0; j < p->width && !p->accumulate; j++) y[j] = bias ? bias[j] : 0;
        for (int k = 0; k < p->depth; k++, x += p->x_step, w += p->w_row)
            for (int j = 0; j < p->width; j++) y[j] += *x * w[j];
        for (int j = 0; j < p->width && p->relu; j++) y[j] = relu(y[j]);
    }
}

static void column_sums(const void *y, ptrdiff_t y_row, size_t rows, int width, void *sum, bool accumulate)
{
    const real *from = y;
    real *to = sum;
    if (!accumulate) memset(to, 0, (size_t)width * sizeof *to);
    for (size_t r = 0; r < rows; r++, from += y_row)
        for (int j = 0; j < width; j++) to[j] += from[j];
}

void CNI_FOR_REAL(cni_matmul_part)(cni_matmul_kernels *kernels)
{
    *kernels = (cni_matmul_kernels){.panel = PANEL,
                                    .pack = pack,
                                    .product = product,
                                    .narrow_lanes = 1,
                                    .narrow = narrow,
                                    .outer = outer,
                                    .thin = thin,
                                    .dots = dots,
                                    .unpacked = unpacked,
                                    .column_sums = column_sums};
}
