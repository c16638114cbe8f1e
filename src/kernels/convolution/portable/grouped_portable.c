/* SPDX-License-Identifier: Apache-2.0
 * Convolution of small groups of channels, plainly: any window. */
#include "kernels/convolution/convolution.h"
#include "kernels/finish_portable.h"

typedef CNI_REAL real;

static ptrdiff_t cell(const cni_window_axis *a, int i, int t)
{
    ptrdiff_t at = (ptrdiff_t)i * a->stride + a->position + (ptrdiff_t)t * a->dilation;
    return at < a->cells ? at : -1;
}

/* The products of one tap. */
static real tap_sum(const cni_grouped *g, ptrdiff_t x, ptrdiff_t w, int k)
{
    const real *members = (const real *)g->of.x + x + k / g->group * g->group;
    real sum = 0;
    for (int m = 0; m < g->group; m++) sum += members[m] * ((const real *)g->of.w)[w + m * g->w_member + k];
    return sum;
}

static real window_sum(const cni_grouped *g, int i, int j, int k)
{
    const cni_window_axis *rows = &g->of.rows, *columns = &g->of.columns;
    real sum = 0;
    for (int r = 0; r < rows->taps; r++)
        for (int s = 0; s < columns->taps; s++) {
            ptrdiff_t row = cell(rows, i, r), column = cell(columns, j, s);
            if (row < 0 || column < 0) continue;
            sum += tap_sum(g, row * rows->x + column * columns->x, r * rows->w + s * columns->w, k);
        }
    return sum;
}

static void grouped(const cni_grouped *g)
{
    const cni_depthwise *d = &g->of;
    for (int i = d->rows.first; i < d->rows.last; i++)
        for (int j = d->columns.first; j < d->columns.last; j++)
            for (int k = 0; k < d->width; k++) {
                ptrdiff_t at = i * d->rows.y + j * d->columns.y + k;
                ((real *)d->y)[at] = portable_finish(&d->finish, window_sum(g, i, j, k), (size_t)k, at);
            }
}

/* One cell times one output of dy. */
static void add_products(const cni_grouped_weights *g, const real *x, const real *dy, real *dw)
{
    for (int m = 0; m < g->group; m++, dw += g->w_member)
        for (int k = 0; k < g->of.width; k++) dw[k] += x[k / g->group * g->group + m] * dy[k];
}

static void grouped_weights(const cni_grouped_weights *g)
{
    const cni_depthwise_weights *d = &g->of;
    const cni_window_axis *rows = &d->rows, *columns = &d->columns;
    for (int r = 0; r < rows->taps; r++)
        for (int s = 0; s < columns->taps; s++)
            for (int i = rows->first; i < rows->last; i++)
                for (int j = columns->first; j < columns->last; j++) {
                    ptrdiff_t row = cell(rows, i, r), column = cell(columns, j, s);
                    if (row < 0 || column < 0) continue;
                    add_products(g, (const real *)d->x + row * rows->x + column * columns->x,
                                 (const real *)d->dy + i * rows->y + j * columns->y,
                                 (real *)d->dw + r * rows->w + s * columns->w);
                }
}

void CNI_FOR_REAL(cni_grouped_part)(cni_convolution_kernels *kernels)
{
    kernels->grouped = grouped;
    kernels->grouped_weights = grouped_weights;
}
