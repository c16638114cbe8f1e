/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms of images and weights with vectors of channels: nothing is ever shuffled. */
#include "winograd_lines.h"

/* B' or S E_k, on one line */
ALWAYS_INLINE void line(bool input, int n, int k, const lanes *d, lanes *r)
{
    if (input)
        input_line(n, d, r);
    else
        spread_line(n, k, d, r);
}

ALWAYS_INLINE lanes load_up_to(const float *p, int some)
{
    return some >= LANES ? load(p) : load_some(p, some);
}

/* Column j of the tile.  Outside the image there are zeros. */
ALWAYS_INLINE void load_column(int k, bool whole, const cni_winograd_tile *tile, const float *x, ptrdiff_t row, int j,
                               int some, lanes *d)
{
    bool column = whole || (j >= tile->left && j < tile->right);
    UNROLL for (int i = 0; i < k; i++)
    {
        bool inside = column && (whole || (i >= tile->top && i < tile->bottom));
        d[i] = inside ? load_up_to(x + i * row, some) : (lanes){0};
    }
}

ALWAYS_INLINE void channels(bool input, int n, int k, bool whole, const cni_winograd_job *job,
                            const cni_winograd_tile *tile, const float *x, float *v, int some)
{
    lanes half[MOST][MOST];
    UNROLL for (int j = 0; j < k; j++)
    {
        lanes d[MOST], r[MOST];
        load_column(k, whole, tile, x + j * job->column, job->row, j, some, d);
        line(input, n, k, d, r);
        UNROLL for (int i = 0; i < n; i++) half[i][j] = r[i];
    }
    UNROLL for (int i = 0; i < n; i++)
    {
        lanes r[MOST];
        line(input, n, k, half[i], r);
        UNROLL for (int j = 0; j < n; j++, v += job->position)
        {
            if (some >= LANES)
                store(v, r[j]);
            else
                store_some(v, r[j], some);
        }
    }
}

/* The cells of a tile that the one before it did not have, while that one is computed. */
ALWAYS_INLINE void ask_for(int k, const cni_winograd_job *job, const float *x)
{
    UNROLL for (int i = 0; i < k; i++) UNROLL for (int j = 2; j < k; j++)
        __builtin_prefetch(x + i * job->row + j * job->column, 0, 2);
}

ALWAYS_INLINE void tile_channels(bool input, int n, int k, bool whole, const cni_winograd_job *job,
                                 const cni_winograd_tile *tile, const float *x, const float *next, float *v)
{
    int c = 0;
    for (; c + LANES <= job->channels; c += LANES) {
        if (input) ask_for(k, job, next + c);
        channels(input, n, k, whole, job, tile, x + c, v + c, LANES);
    }
    if (c < job->channels) channels(input, n, k, whole, job, tile, x + c, v + c, job->channels - c);
}

ALWAYS_INLINE void tiles(bool input, int n, int k, const cni_winograd_job *job, const float *image, float *transform)
{
    for (size_t t = 0; t < job->count; t++, transform += job->tile) {
        const cni_winograd_tile *tile = &job->tiles[t];
        const float *x = image + tile->at, *next = image + tile[t + 1 < job->count].at;
        if (tile->top == 0 && tile->left == 0 && tile->bottom == k && tile->right == k)
            tile_channels(input, n, k, true, job, tile, x, next, transform);
        else
            tile_channels(input, n, k, false, job, tile, x, next, transform);
    }
}

#define INPUT(n)                                                                                                       \
    static void input_##n(const cni_winograd_job *job, const void *image, void *transform)                             \
    {                                                                                                                  \
        tiles(true, n, n, job, image, transform);                                                                      \
    }
#define SPREAD(n, k)                                                                                                   \
    static void spread_##n##_##k(const cni_winograd_job *job, const void *image, void *transform)                      \
    {                                                                                                                  \
        tiles(false, n, k, job, image, transform);                                                                     \
    }
INPUT(4)
INPUT(6)
SPREAD(4, 2)
SPREAD(4, 3)
SPREAD(6, 2)
SPREAD(6, 3)
SPREAD(6, 4)
SPREAD(6, 5)

void CNI_FOR_ISA(cni_winograd_forth_part)(cni_winograd_kernels *kernels)
{
    kernels->input[4] = input_4;
    kernels->input[6] = input_6;
    kernels->spread[4][2] = spread_4_2;
    kernels->spread[4][3] = spread_4_3;
    kernels->spread[6][2] = spread_6_2;
    kernels->spread[6][3] = spread_6_3;
    kernels->spread[6][4] = spread_6_4;
    kernels->spread[6][5] = spread_6_5;
}
