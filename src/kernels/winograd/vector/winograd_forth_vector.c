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

/* Where the cells of a tile that sticks out lie, from its own place.  Those outside lie where another one is, since
 * even a masked load from a page that does not exist takes hundreds of cycles, and count as zero: inside is 0, else -1.
 */
typedef struct places {
    ptrdiff_t at[MOST][MOST];
    int32_t inside[MOST][MOST];
} places;

static void find_places(const cni_winograd_job *job, const cni_winograd_tile *tile, int k, places *p)
{
    const bool any = tile->top < tile->bottom && tile->left < tile->right;
    const ptrdiff_t other = any ? tile->top * job->row + tile->left * job->column : -tile->at;
    for (int i = 0; i < k; i++)
        for (int j = 0; j < k; j++) {
            const bool inside = i >= tile->top && i < tile->bottom && j >= tile->left && j < tile->right;
            p->inside[i][j] = -inside;
            p->at[i][j] = inside ? i * job->row + j * job->column : other;
        }
}

/* `places` is NULL where all cells are inside. */
ALWAYS_INLINE lanes cell(const cni_winograd_job *job, const places *p, const float *x, int i, int j, int some)
{
    if (!p) {
        const float *at = x + i * job->row + j * job->column;
        return some >= LANES ? load(at) : load_some(at, some);
    }
    if (some >= LANES) return load_if(x + p->at[i][j], p->inside[i][j]);
    return p->inside[i][j] ? load_some(x + p->at[i][j], some) : (lanes){0};
}

ALWAYS_INLINE void channels(bool input, int n, int k, const cni_winograd_job *job, const float *x, const places *p,
                            float *v, int some)
{
    const ptrdiff_t position = job->position; /* stores might change it, for all that the compiler knows */
    lanes half[MOST][MOST];
    UNROLL for (int j = 0; j < k; j++)
    {
        lanes d[MOST], r[MOST];
        UNROLL for (int i = 0; i < k; i++) d[i] = cell(job, p, x, i, j, some);
        line(input, n, k, d, r);
        UNROLL for (int i = 0; i < n; i++) half[i][j] = r[i];
    }
    UNROLL for (int i = 0; i < n; i++)
    {
        lanes r[MOST];
        line(input, n, k, half[i], r);
        UNROLL for (int j = 0; j < n; j++)
        {
            if (some >= LANES)
                store(v + j * position, r[j]);
            else
                store_some(v + j * position, r[j], some);
        }
        v += n * position;
    }
}

/* The cells of a tile that the one before it did not have, while that one is computed.  Tiles of 2x2 cells are of dy
 * and have none in common; so few are asked for too late by the processor.  For 4x4 it made no difference. */
ALWAYS_INLINE void ask_for(bool input, int k, const cni_winograd_job *job, const float *x)
{
    if (!input && k != 2) return;
    UNROLL for (int i = 0; i < k; i++) UNROLL for (int j = input ? 2 : 0; j < k; j++)
        __builtin_prefetch(x + i * job->row + j * job->column, 0, 2);
}

ALWAYS_INLINE void tile_channels(bool input, int n, int k, const cni_winograd_job *job, const float *x, const places *p,
                                 const float *next, float *v)
{
    int c = 0;
    for (; c + LANES <= job->channels; c += LANES) {
        if (next) ask_for(input, k, job, next + c);
        channels(input, n, k, job, x + c, p, v + c, LANES);
    }
    if (c < job->channels) channels(input, n, k, job, x + c, p, v + c, job->channels - c);
}

ALWAYS_INLINE void tiles(bool input, int n, int k, const cni_winograd_job *job, const float *image, float *transform)
{
    for (size_t t = 0; t < job->count; t++, transform += job->tile) {
        const cni_winograd_tile *tile = &job->tiles[t];
        const float *x = image + tile->at, *next = NULL;
        if (t + 1 < job->count && is_whole(&tile[1], k)) next = image + tile[1].at;
        if (is_whole(tile, k)) {
            tile_channels(input, n, k, job, x, NULL, next, transform);
            continue;
        }
        places p;
        find_places(job, tile, k, &p);
        tile_channels(input, n, k, job, x, &p, next, transform);
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
    kernels->lanes = LANES;
    kernels->input[4] = input_4;
    kernels->input[6] = input_6;
    kernels->spread[4][2] = spread_4_2;
    kernels->spread[4][3] = spread_4_3;
    kernels->spread[6][2] = spread_6_2;
    kernels->spread[6][3] = spread_6_3;
    kernels->spread[6][4] = spread_6_4;
    kernels->spread[6][5] = spread_6_5;
}
