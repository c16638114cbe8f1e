/* SPDX-License-Identifier: Apache-2.0
 * Pooling, plainly. */
#include "kernels/pooling/pooling_kernels.h"
#include "kernels/pooling/pooling_spans.h"

typedef CNI_REAL real;

static void max(const cni_windows *v, const void *x, void *y, unsigned char *taps, int first, int last)
{
    bool wide = cni_wide_taps(v);
    for (int i = first; i < last; i++)
        for (int j = 0; j < v->ow; j++) {
            span rows = window_rows(v, i), columns = window_columns(v, j);
            size_t at = (size_t)i * v->ow + j;
            for (int k = 0; k < v->c; k++) {
                real best = 0;
                int tap = -1;
                for (int r = rows.first; r < rows.last; r++)
                    for (int s = columns.first; s < columns.last; s++) {
                        real value = ((const real *)x)[((size_t)r * v->w + s) * v->c + k];
                        if (tap >= 0 && !(value > best) && value == value) continue;
                        best = value;
                        tap = (r - rows.origin) * v->window[1] + s - columns.origin;
                    }
                ((real *)y)[at * v->c + k] = best;
                if (!taps) continue;
                taps[(wide ? 2 : 1) * at * v->c + k] = (unsigned char)tap;
                if (wide) taps[(2 * at + 1) * v->c + k] = (unsigned char)(tap >> 8);
            }
        }
}

static void max_gradient(const cni_windows *v, const void *dy, const unsigned char *taps, void *dx, int first, int last)
{
    bool wide = cni_wide_taps(v);
    for (int r = first; r < last; r++)
        for (int s = 0; s < v->w; s++) {
            span rows = covering_rows(v, r), columns = covering_columns(v, s);
            for (int k = 0; k < v->c; k++) {
                real sum = 0;
                for (int i = rows.first; i < rows.last; i++)
                    for (int j = columns.first; j < columns.last; j++) {
                        size_t at = (size_t)i * v->ow + j;
                        int tap = taps[(wide ? 2 : 1) * at * v->c + k];
                        if (wide) tap |= taps[(2 * at + 1) * v->c + k] << 8;
                        if (tap == tap_of(v, r, s, i, j)) sum += ((const real *)dy)[at * v->c + k];
                    }
                ((real *)dx)[((size_t)r * v->w + s) * v->c + k] = sum;
            }
        }
}

static void average(const cni_windows *v, const void *x, void *y, int first, int last)
{
    for (int i = first; i < last; i++)
        for (int j = 0; j < v->ow; j++) {
            span rows = window_rows(v, i), columns = window_columns(v, j);
            for (int k = 0; k < v->c; k++) {
                real sum = 0;
                for (int r = rows.first; r < rows.last; r++)
                    for (int s = columns.first; s < columns.last; s++)
                        sum += ((const real *)x)[((size_t)r * v->w + s) * v->c + k];
                ((real *)y)[((size_t)i * v->ow + j) * v->c + k] = sum / (real)cells_of(v, i, j);
            }
        }
}

static void average_gradient(const cni_windows *v, const void *dy, void *dx, int first, int last)
{
    for (int r = first; r < last; r++)
        for (int s = 0; s < v->w; s++) {
            span rows = covering_rows(v, r), columns = covering_columns(v, s);
            for (int k = 0; k < v->c; k++) {
                real sum = 0;
                for (int i = rows.first; i < rows.last; i++)
                    for (int j = columns.first; j < columns.last; j++)
                        sum += ((const real *)dy)[((size_t)i * v->ow + j) * v->c + k] / (real)cells_of(v, i, j);
                ((real *)dx)[((size_t)r * v->w + s) * v->c + k] = sum;
            }
        }
}

static void global_mean(const void *x, size_t cells, int c, void *y)
{
    for (int k = 0; k < c; k++) {
        real sum = 0;
        for (size_t i = 0; i < cells; i++) sum += ((const real *)x)[i * c + k];
        ((real *)y)[k] = sum / (real)cells;
    }
}

static void global_max(const void *x, size_t cells, int c, void *y)
{
    for (int k = 0; k < c; k++) {
        real best = ((const real *)x)[k];
        for (size_t i = 1; i < cells; i++) {
            real value = ((const real *)x)[i * c + k];
            if (value > best || value != value) best = value;
        }
        ((real *)y)[k] = best;
    }
}

static void global_mean_gradient(const void *dy, size_t cells, int c, void *dx)
{
    for (size_t i = 0; i < cells; i++)
        for (int k = 0; k < c; k++) ((real *)dx)[i * c + k] = ((const real *)dy)[k] / (real)cells;
}

static void global_max_gradient(const void *x, const void *y, const void *dy, size_t cells, int c, void *share,
                                void *dx)
{
    const real *from = x, *best = y, *given = dy;
    real *each = share, *to = dx;
    for (int k = 0; k < c; k++) {
        size_t equal = 0;
        for (size_t i = 0; i < cells; i++) equal += from[i * c + k] == best[k];
        each[k] = given[k] / (real)equal;
        for (size_t i = 0; i < cells; i++) to[i * c + k] = from[i * c + k] == best[k] ? each[k] : 0;
    }
}

void CNI_FOR_REAL(cni_pooling_part)(cni_pooling_kernels *kernels)
{
    *kernels = (cni_pooling_kernels){.max = max,
                                     .max_gradient = max_gradient,
                                     .average = average,
                                     .average_gradient = average_gradient,
                                     .global_mean = global_mean,
                                     .global_max = global_max,
                                     .global_mean_gradient = global_mean_gradient,
                                     .global_max_gradient = global_max_gradient};
}
