/* SPDX-License-Identifier: Apache-2.0
 * The products of Winograd's algorithm with few tiles, plainly. */
#include "kernels/winograd/winograd.h"

typedef CNI_REAL real;

enum { LANES = 1 }; /* cni_winograd_kernels.lanes */

/* One weight window for each channel read is transformed by the portable spread, then multiplied. */
static void multiply(int n, int window, const cni_winograd_products *p)
{
    cni_winograd_kernels kernels;
    CNI_FOR_REAL(cni_winograd_part)(&kernels);
    const cni_winograd_tile tile = {.bottom = window, .right = window};
    const cni_winograd_job job = {
        .tiles = &tile, .count = 1, .row = window * p->tap, .column = p->tap, .tile = 1, .position = 1, .channels = 1};
    real u[CNI_WINOGRAD_N * CNI_WINOGRAD_N];
    for (int k = 0; k < p->depth; k++)
        for (int c = 0; c < p->width; c++) {
            kernels.spread[n][window](&job, (const real *)p->w + k * p->pixel + c, u);
            for (int e = 0; e < n * n; e++)
                for (int t = 0; t < p->tiles; t++) {
                    const real v = ((const real *)p->v)[e * p->v_position + t * CNI_WINOGRAD_CHUNK + k];
                    real *m = (real *)p->m + e * p->m_position + t * 2 * LANES + c;
                    *m = (k || p->accumulate ? *m : 0) + v * u[e];
                }
        }
}

#define MULTIPLY(n, window)                                                                                            \
    static void multiply_##n##_##window(const cni_winograd_products *products)                                         \
    {                                                                                                                  \
        multiply(n, window, products);                                                                                 \
    }
MULTIPLY(4, 3)
MULTIPLY(6, 3)
MULTIPLY(6, 5)

static void outer(const cni_winograd_outer *o)
{
    for (int e = 0; e < o->elements; e++)
        for (int c = 0; c < o->height; c++)
            for (int f = 0; f < 2 * LANES; f++) {
                const real *v = (const real *)o->v + e * o->v_position + c;
                const real *z = (const real *)o->z + e * o->z_position + f;
                real sum = 0;
                for (int t = 0; t < o->tiles; t++) sum += v[t * o->v_tile] * z[t * 2 * LANES];
                ((real *)o->m)[e * o->m_position + c * 2 * LANES + f] = sum;
            }
}

void CNI_FOR_REAL(cni_winograd_multiply_part)(cni_winograd_kernels *kernels)
{
    kernels->outer = outer;
    kernels->multiply[4][3] = multiply_4_3;
    kernels->multiply[6][3] = multiply_6_3;
    kernels->multiply[6][5] = multiply_6_5;
}
