/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms of results with vectors of channels, and the finish of a convolution. */
#include "kernels/finish_vector.h"
#include "winograd_lines.h"

#include <math.h>

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

/* How a result ends.  What most convolutions have is asked once for all tiles: a bias or none, a relu or none. */
typedef enum ending { PLAIN, ADDED, ANY } ending;

typedef struct ends {
    const cni_finish *finish; /* PLAIN, ADDED: only `add` of it is looked at; NULL: nothing to be done at all */
    lanes scale, shift, least;
} ends;

ALWAYS_INLINE ending ending_of(const cni_finish *f)
{
    if (f->mask || (f->clamps && (f->slope != 0 || f->most < (double)INFINITY))) return ANY;
    return f->add ? ADDED : PLAIN;
}

ALWAYS_INLINE ends ends_at(ending how, const cni_finish *finish, int column, int some)
{
    ends e = {.finish = finish, .scale = splat(1)};
    if (!finish || how == ANY) return e;
    if (finish->scale) e.scale = load_at(finish->scale, column, some);
    if (finish->shift) e.shift = load_at(finish->shift, column, some);
    e.least = splat(finish->clamps ? 0 : -INFINITY);
    return e;
}

ALWAYS_INLINE void put(ending how, const ends *e, lanes sum, int column, ptrdiff_t at, int some, float *y)
{
    if (e->finish && how == ANY) {
        sum = vector_finish(e->finish, sum, column, at, some);
    } else if (e->finish) {
        sum = multiply_add(sum, e->scale, e->shift);
        if (how == ADDED) sum += load_at(e->finish->add, at, some);
        sum = vector_at_least(sum, e->least);
    }
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

ALWAYS_INLINE void channels(ending how, int n, int k, const cni_winograd_job *job, const cni_winograd_tile *tile,
                            const float *m, const cni_finish *finish, int column, int some, float *image)
{
    lanes y[MOST][MOST];
    results(n, k, job, m, some, y);
    const ends e = ends_at(how, finish, column, some);
    ptrdiff_t at = tile->at + column;
    if (is_whole(tile, k)) {
        UNROLL for (int i = 0; i < k; i++) UNROLL for (int j = 0; j < k; j++)
            put(how, &e, y[i][j], column, at + i * job->row + j * job->column, some, image);
        return;
    }
    for (int i = tile->top; i < tile->bottom; i++)
        for (int j = tile->left; j < tile->right; j++)
            put(how, &e, y[i][j], column, at + i * job->row + j * job->column, some, image);
}

ALWAYS_INLINE void tiles(ending how, int n, int k, const cni_winograd_job *job, const float *transform,
                         const cni_finish *finish, int first, float *image)
{
    for (size_t t = 0; t < job->count; t++, transform += job->tile) {
        const cni_winograd_tile *tile = &job->tiles[t];
        const float *next = t + 1 < job->count && is_whole(&tile[1], k) ? image + tile[1].at + first : NULL;
        int c = 0;
        for (; c + LANES <= job->channels; c += LANES) {
            if (next) ask_for(k, job, next + c);
            channels(how, n, k, job, tile, transform + c, finish, first + c, LANES, image);
        }
        if (c < job->channels)
            channels(how, n, k, job, tile, transform + c, finish, first + c, job->channels - c, image);
    }
}

#define GATHER(n, k)                                                                                                   \
    static void gather_##n##_##k(const cni_winograd_job *job, const void *transform, const cni_finish *finish,         \
                                 int first, void *image)                                                               \
    {                                                                                                                  \
        const ending how = finish ? ending_of(finish) : PLAIN;                                                         \
        if (!finish)                                                                                                   \
            tiles(PLAIN, n, k, job, transform, NULL, first, image);                                                    \
        else if (how == PLAIN)                                                                                         \
            tiles(PLAIN, n, k, job, transform, finish, first, image);                                                  \
        else if (how == ADDED)                                                                                         \
            tiles(ADDED, n, k, job, transform, finish, first, image);                                                  \
        else                                                                                                           \
            tiles(ANY, n, k, job, transform, finish, first, image);                                                    \
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
