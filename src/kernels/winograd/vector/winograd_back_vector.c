/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms of results with vectors of channels, and the finish of a convolution. */
#include "kernels/finish_vector.h"
#include "winograd_lines.h"

/* One vector of channels of one tile: y = E_k' m E_k. */
ALWAYS_INLINE void results(int n, int k, const cni_winograd_job *job, const float *m, int some, lanes y[MOST][MOST])
{
    lanes half[MOST][MOST];
    UNROLL for (int j = 0; j < n; j++)
    {
        lanes column[MOST], r[MOST];
        UNROLL for (int i = 0; i < n; i++) column[i] = load_at(m, (n * i + j) * job->position, some);
        gather_line(n, k, column, r);
        UNROLL for (int i = 0; i < k; i++) half[i][j] = r[i];
    }
    UNROLL for (int i = 0; i < k; i++) gather_line(n, k, half[i], y[i]);
}

ALWAYS_INLINE void put(const cni_finish *finish, lanes sum, int column, ptrdiff_t at, int some, float *y)
{
    if (finish) sum = vector_finish(finish, sum, column, at, some);
    if (some >= LANES)
        store(y + at, sum);
    else
        store_some(y + at, sum, some);
}

/* The cells of the next tile, to be written. */
ALWAYS_INLINE void ask_for(int k, const cni_winograd_job *job, const float *y)
{
    UNROLL for (int i = 0; i < k; i++) UNROLL for (int j = 0; j < k; j++)
        __builtin_prefetch(y + i * job->row + j * job->column, 1);
}

ALWAYS_INLINE void channels(int n, int k, const cni_winograd_job *job, const cni_winograd_tile *tile, const float *m,
                            const cni_finish *finish, int column, int some, float *image)
{
    lanes y[MOST][MOST];
    results(n, k, job, m, some, y);
    bool whole = tile->top == 0 && tile->left == 0 && tile->bottom == k && tile->right == k;
    ptrdiff_t at = tile->at + column;
    if (whole) {
        UNROLL for (int i = 0; i < k; i++) UNROLL for (int j = 0; j < k; j++)
            put(finish, y[i][j], column, at + i * job->row + j * job->column, some, image);
        return;
    }
    for (int i = tile->top; i < tile->bottom; i++)
        for (int j = tile->left; j < tile->right; j++)
            put(finish, y[i][j], column, at + i * job->row + j * job->column, some, image);
}

ALWAYS_INLINE void tiles(int n, int k, const cni_winograd_job *job, const float *transform, const cni_finish *finish,
                         int first, float *image)
{
    for (size_t t = 0; t < job->count; t++, transform += job->tile) {
        const cni_winograd_tile *tile = &job->tiles[t];
        const float *next = image + tile[t + 1 < job->count].at + first;
        int c = 0;
        for (; c + LANES <= job->channels; c += LANES) {
            ask_for(k, job, next + c);
            channels(n, k, job, tile, transform + c, finish, first + c, LANES, image);
        }
        if (c < job->channels) channels(n, k, job, tile, transform + c, finish, first + c, job->channels - c, image);
    }
}

#define GATHER(n, k)                                                                                                   \
    static void gather_##n##_##k(const cni_winograd_job *job, const void *transform, const cni_finish *finish,         \
                                 int first, void *image)                                                               \
    {                                                                                                                  \
        tiles(n, k, job, transform, finish, first, image);                                                             \
    }
GATHER(4, 2)
GATHER(4, 3)
GATHER(6, 2)
GATHER(6, 3)
GATHER(6, 4)
GATHER(6, 5)

void CNI_FOR_ISA(cni_winograd_back_part)(cni_winograd_kernels *kernels)
{
    kernels->gather[4][2] = gather_4_2;
    kernels->gather[4][3] = gather_4_3;
    kernels->gather[6][2] = gather_6_2;
    kernels->gather[6][3] = gather_6_3;
    kernels->gather[6][4] = gather_6_4;
    kernels->gather[6][5] = gather_6_5;
}
