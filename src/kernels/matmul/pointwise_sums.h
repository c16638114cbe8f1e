/* SPDX-License-Identifier: Apache-2.0
 * Products with one tap and short sums: 1x1 convolutions of few channels.
 *
 * What a tile begins and ends with (starting sums, clamping, storing) takes as long as several k.  It costs nothing
 * while another tile's multiply-adds are under way, and the processor looks as far ahead as a few hundred instructions:
 * so tiles are small, just large enough to keep the multipliers busy (6 x 2 or 4 x 3 sums), two k to a turn of the
 * loop, and nothing is asked that could be known before.  A last panel of which one vector is needed goes along with
 * the panel before it.  Longer sums lose more by reading each panel twice as often, and from far away.
 *
 * Everything is static; results are those of the other tiles, bit for bit. */
#ifndef CNI_POINTWISE_SUMS_H
#define CNI_POINTWISE_SUMS_H

#include "kernels/finish_vector.h"
#include "kernels/matmul/matmul.h"

#include <math.h>

enum { POINTWISE_DEPTH = 48, POINTWISE_PANEL = 2 * LANES };

#if CNI_VECTOR_BYTES == 64

enum { POINTWISE_PIXELS = 20, POINTWISE_VECTORS = 3 };

/* Panels, the second one a vector wide or not there; of that `some` lanes are stored. */
typedef struct pointwise_panels {
    const float *w, *tail;
    lanes start[POINTWISE_VECTORS];
    float most;
    int some;
} pointwise_panels;

#define POINTWISE_ALL UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++)

/* Rows in threes, as in the larger tiles. */
ALWAYS_INLINE void pointwise_step(lanes sum[][POINTWISE_VECTORS], const float *const *at, ptrdiff_t pixel, int k,
                                  const float *w, const float *tail, int rows, int vectors)
{
    lanes column[POINTWISE_VECTORS];
    UNROLL for (int j = 0; j < 2; j++) column[j] = *(const lanes *)(w + k * POINTWISE_PANEL + j * LANES);
    if (vectors == 3) column[2] = *(const lanes *)(tail + k * POINTWISE_PANEL);
    UNROLL for (int i = 0; i < rows; i++)
    {
        const lanes cell = splat(at[i / 3][i % 3 * pixel + k]);
        UNROLL for (int j = 0; j < vectors; j++) sum[i][j] += cell * column[j];
    }
}

ALWAYS_INLINE void pointwise_tiles(const cni_product *p, const pointwise_panels *of, const float *x, float *y,
                                   size_t count, int rows, int vectors, bool clamps)
{
    const ptrdiff_t pixel = p->x_pixel, y_pixel = p->y_pixel;
    const int depth = p->depth, some = of->some;
    const lanes most = splat(of->most);
    for (; count; count--, x += rows * pixel) {
        lanes sum[6][POINTWISE_VECTORS];
        POINTWISE_ALL sum[i][j] = of->start[j];
        const float *w = of->w, *tail = of->tail;
        const float *at[2] = {x + *p->tap, x + *p->tap + 3 * pixel};
        POINTER_IN_REGISTER(at[1]);
        for (int k = depth; k > 1; k -= 2) {
            pointwise_step(sum, at, pixel, 0, w, tail, rows, vectors);
            pointwise_step(sum, at, pixel, 1, w, tail, rows, vectors);
            at[0] += 2, at[1] += 2, w += 2 * POINTWISE_PANEL, tail += 2 * POINTWISE_PANEL;
        }
        if (depth % 2) pointwise_step(sum, at, pixel, 0, w, tail, rows, vectors);
        if (clamps) POINTWISE_ALL sum[i][j] = vector_at_most(vector_relu(sum[i][j]), most);
        UNROLL for (int i = 0; i < rows; i++)
        {
            store(y, sum[i][0]);
            store(y + LANES, sum[i][1]);
            if (vectors == 3 && some == LANES) store(y + 2 * LANES, sum[i][2]);
            if (vectors == 3 && some != LANES) store_some(y + 2 * LANES, sum[i][2], some);
            y += y_pixel;
            POINTER_IN_REGISTER(y);
        }
    }
}

#undef POINTWISE_ALL

typedef void pointwise_function(const cni_product *p, const pointwise_panels *of, const float *x, float *y,
                                size_t count);

#define POINTWISE(rows, vectors, clamps)                                                                               \
    static void pointwise_##rows##vectors##clamps(const cni_product *p, const pointwise_panels *of, const float *x,    \
                                                  float *y, size_t count)                                              \
    {                                                                                                                  \
        pointwise_tiles(p, of, x, y, count, rows, vectors, clamps);                                                    \
    }
POINTWISE(6, 2, 0)
POINTWISE(5, 2, 0)
POINTWISE(4, 3, 0)
POINTWISE(3, 3, 0)
POINTWISE(6, 2, 1)
POINTWISE(5, 2, 1)
POINTWISE(4, 3, 1)
POINTWISE(3, 3, 1)
#undef POINTWISE

/* [three vectors][clamps][one row less] */
static pointwise_function *const pointwise_functions[2][2][2] = {
    {{pointwise_620, pointwise_520}, {pointwise_621, pointwise_521}},
    {{pointwise_430, pointwise_330}, {pointwise_431, pointwise_331}}};

static bool is_pointwise(const cni_product *p)
{
    const cni_finish *f = &p->finish;
    return p->taps == 1 && p->depth <= POINTWISE_DEPTH && p->columns >= POINTWISE_PIXELS && !p->ahead_bytes &&
           !f->scale && !f->add && !f->mask && (!f->clamps || f->slope == 0);
}

/* How many columns are done at a time, of a product that is short and has so many left: 0: not here. */
static int pointwise_width(const cni_product *p, int left)
{
    if (left < POINTWISE_PANEL || !is_pointwise(p)) return 0;
    const bool tail = left > POINTWISE_PANEL && left <= POINTWISE_PANEL + LANES;
    return tail ? left : POINTWISE_PANEL;
}

/* `width` columns, by panels that lie at w.  Some tiles have a row less than the others, so that none is left over. */
static void pointwise_sums(const cni_product *p, const float *w, int column, int width)
{
    const cni_finish *f = &p->finish;
    const bool tail = width > POINTWISE_PANEL;
    pointwise_panels of = {.w = w,
                           .tail = tail ? w + (size_t)p->depth * POINTWISE_PANEL : w,
                           .most = f->clamps ? (float)f->most : INFINITY,
                           .some = width - POINTWISE_PANEL};
    for (int j = 0; f->shift && j < width; j += LANES) of.start[j / LANES] = load_at(f->shift, column + j, width - j);
    pointwise_function *const *by_rows = pointwise_functions[tail][f->clamps];
    const size_t most = tail ? 4 : 6, count = (p->columns + most - 1) / most, larger = p->columns - count * (most - 1);
    for (size_t r = 0; r < p->rows; r++) {
        const float *x = (const float *)p->x + (ptrdiff_t)r * p->x_row;
        float *y = (float *)p->y + (ptrdiff_t)r * p->y_row + column;
        const ptrdiff_t done = (ptrdiff_t)(larger * most);
        by_rows[0](p, &of, x, y, larger);
        by_rows[1](p, &of, x + done * p->x_pixel, y + done * p->y_pixel, count - larger);
    }
}

#else

static int pointwise_width(const cni_product *p, int left)
{
    (void)p, (void)left;
    return 0;
}

static void pointwise_sums(const cni_product *p, const float *w, int column, int width)
{
    (void)p, (void)w, (void)column, (void)width;
}

#endif

#endif
