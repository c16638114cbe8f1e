/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms of results with vectors of channels, and the finish of a convolution. */
#include "kernels/finish_vector.h"
#include "kernels/vector_bytes.h"
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
typedef enum ending { NOTHING, PLAIN, ADDED, ANY, ENDINGS } ending;

typedef struct ends {
    const cni_finish *finish; /* PLAIN, ADDED: only `add` of it is looked at */
    lanes scale, shift, least;
} ends;

ALWAYS_INLINE ending ending_of(const cni_finish *f)
{
    if (!f) return NOTHING;
    if (f->mask || (f->clamps && (f->slope != 0 || f->most < (double)INFINITY))) return ANY;
    return f->add ? ADDED : PLAIN;
}

ALWAYS_INLINE ends ends_at(ending how, const cni_finish *finish, int column, int some)
{
    ends e = {.finish = finish, .scale = splat(1)};
    if (how == NOTHING || how == ANY) return e;
    if (finish->scale) e.scale = load_at(finish->scale, column, some);
    if (finish->shift) e.shift = load_at(finish->shift, column, some);
    e.least = splat(finish->clamps ? 0 : -INFINITY);
    return e;
}

ALWAYS_INLINE lanes ended(ending how, const ends *e, lanes sum, int column, ptrdiff_t at, int some)
{
    if (how == NOTHING) return sum;
    if (how == ANY) return vector_finish(e->finish, sum, column, at, some);
    sum = multiply_add(sum, e->scale, e->shift);
    if (how == ADDED) sum += load_at(e->finish->add, at, some);
    return vector_at_least(sum, e->least);
}

ALWAYS_INLINE void put(lanes value, float *y, int some)
{
    if (some >= LANES)
        store(y, value);
    else
        store_some(y, value, some);
}

/* The cells of the next tile, to be written. */
ALWAYS_INLINE void ask_for(int k, const cni_winograd_job *job, const float *y)
{
    UNROLL for (int i = 0; i < k; i++) UNROLL for (int j = 0; j < k; j++)
        __builtin_prefetch(y + i * job->row + j * job->column, 1);
}

typedef struct found {
    lanes value;
    mask tap; /* which of four cells */
} found;

/* The larger, NaN if there is one, the first of equals. */
ALWAYS_INLINE found larger(found a, found b, bool wants_taps)
{
    const mask wins = (mask)(b.value > a.value) | (mask)(b.value != b.value);
    a.value = choose(wins, b.value, a.value);
    if (wants_taps) a.tap = (wins & b.tap) | (~wins & a.tap);
    return a;
}

/* The largest of the four results that become maximum (i, j). */
ALWAYS_INLINE found largest(ending how, const ends *e, lanes y[MOST][MOST], int i, int j, int column, int some,
                            bool wants_taps)
{
    found cells[4];
    UNROLL for (int c = 0; c < 4; c++) cells[c] =
        (found){ended(how, e, y[2 * i + c / 2][2 * j + c % 2], column, 0, some), (mask){0} + c};
    return larger(larger(cells[0], cells[1], wants_taps), larger(cells[2], cells[3], wants_taps), wants_taps);
}

typedef enum wanted { RESULTS, MAXIMA, MAXIMA_AND_TAPS } wanted;

ALWAYS_INLINE void cell(wanted what, ending how, const ends *e, lanes y[MOST][MOST], int i, int j,
                        const cni_winograd_job *job, int column, ptrdiff_t at, int some, float *image)
{
    if (what == RESULTS) {
        put(ended(how, e, y[i][j], column, at, some), image + at, some);
        return;
    }
    const found best = largest(how, e, y, i, j, column, some, what == MAXIMA_AND_TAPS);
    put(best.value, image + at, some);
    if (what == MAXIMA_AND_TAPS) store_bytes(job->taps + at, best.tap, some);
}

/* Some channels of a tile, LANES or fewer.  What is too large to stand there cell by cell, and gains nothing by it, is
 * a loop, as at borders. */
ALWAYS_INLINE void channels(wanted what, ending how, int n, int k, const cni_winograd_job *job,
                            const cni_winograd_tile *tile, const float *m, const cni_finish *finish, int column,
                            int some, float *image)
{
    const int side = what == RESULTS ? k : k / 2;
    const ptrdiff_t at = tile->at + column;
    lanes y[MOST][MOST];
    results(n, k, job, m, some, y);
    const ends e = ends_at(how, finish, column, some);
    const bool is_small = how != ANY || k == 2;
    if (is_small && is_whole(tile, side)) {
        UNROLL for (int i = 0; i < side; i++) UNROLL for (int j = 0; j < side; j++)
            cell(what, how, &e, y, i, j, job, column, at + i * job->row + j * job->column, some, image);
        return;
    }
    lanes kept[MOST][MOST]; /* y itself stays in registers */
    UNROLL for (int i = 0; i < k; i++) UNROLL for (int j = 0; j < k; j++) kept[i][j] = y[i][j];
    for (int i = tile->top; i < tile->bottom; i++)
        for (int j = tile->left; j < tile->right; j++)
            cell(what, how, &e, kept, i, j, job, column, at + i * job->row + j * job->column, some, image);
}

ALWAYS_INLINE void tiles(wanted what, ending how, int n, int k, const cni_winograd_job *job, const float *transform,
                         const cni_finish *finish, int first, float *image)
{
    const int side = what == RESULTS ? k : k / 2;
    for (size_t t = 0; t < job->count; t++, transform += job->tile) {
        const cni_winograd_tile *tile = &job->tiles[t];
        const float *next = t + 1 < job->count && is_whole(&tile[1], side) ? image + tile[1].at + first : NULL;
        int c = 0;
        for (; c + LANES <= job->channels; c += LANES) {
            if (next) ask_for(side, job, next + c);
            channels(what, how, n, k, job, tile, transform + c, finish, first + c, LANES, image);
        }
        const int left = job->channels - c;
        if (left) channels(what, how, n, k, job, tile, transform + c, finish, first + c, left, image);
    }
}

#define TILES(name, what, how, n, k)                                                                                   \
    static void name##_##how(const cni_winograd_job *job, const void *transform, const cni_finish *finish, int first,  \
                             void *image)                                                                              \
    {                                                                                                                  \
        tiles(what, how, n, k, job, transform, finish, first, image);                                                  \
    }

/* Of convolutions. */
#define GATHER(n, k)                                                                                                   \
    TILES(gather_##n##_##k, RESULTS, NOTHING, n, k)                                                                    \
    TILES(gather_##n##_##k, RESULTS, PLAIN, n, k)                                                                      \
    TILES(gather_##n##_##k, RESULTS, ADDED, n, k)                                                                      \
    TILES(gather_##n##_##k, RESULTS, ANY, n, k)                                                                        \
    static void gather_##n##_##k(const cni_winograd_job *job, const void *transform, const cni_finish *finish,         \
                                 int first, void *image)                                                               \
    {                                                                                                                  \
        static cni_winograd_back *const by_ending[ENDINGS] = {gather_##n##_##k##_NOTHING, gather_##n##_##k##_PLAIN,    \
                                                              gather_##n##_##k##_ADDED, gather_##n##_##k##_ANY};       \
        by_ending[ending_of(finish)](job, transform, finish, first, image);                                            \
    }
GATHER(4, 2)
GATHER(6, 2)
GATHER(6, 4)

/* Of gradients for weights, which have no finish. */
#define GATHER_WINDOW(n, k)                                                                                            \
    TILES(gather_##n##_##k, RESULTS, NOTHING, n, k)                                                                    \
    TILES(gather_##n##_##k, RESULTS, ANY, n, k)                                                                        \
    static void gather_##n##_##k(const cni_winograd_job *job, const void *transform, const cni_finish *finish,         \
                                 int first, void *image)                                                               \
    {                                                                                                                  \
        (finish ? gather_##n##_##k##_ANY : gather_##n##_##k##_NOTHING)(job, transform, finish, first, image);          \
    }
GATHER_WINDOW(4, 3)
GATHER_WINDOW(6, 3)
GATHER_WINDOW(6, 5)

#define GATHER_MAX(n, k)                                                                                               \
    TILES(maxima_##n##_##k, MAXIMA, PLAIN, n, k)                                                                       \
    TILES(maxima_##n##_##k, MAXIMA, ANY, n, k)                                                                         \
    TILES(maxima_and_taps_##n##_##k, MAXIMA_AND_TAPS, PLAIN, n, k)                                                     \
    TILES(maxima_and_taps_##n##_##k, MAXIMA_AND_TAPS, ANY, n, k)                                                       \
    static void gather_max_##n##_##k(const cni_winograd_job *job, const void *transform, const cni_finish *finish,     \
                                     int first, void *image)                                                           \
    {                                                                                                                  \
        static const cni_finish nothing = {0};                                                                         \
        if (ending_of(finish) == PLAIN)                                                                                \
            (job->taps ? maxima_and_taps_##n##_##k##_PLAIN : maxima_##n##_##k##_PLAIN)(job, transform, finish, first,  \
                                                                                       image);                         \
        else                                                                                                           \
            (job->taps ? maxima_and_taps_##n##_##k##_ANY                                                               \
                       : maxima_##n##_##k##_ANY)(job, transform, finish ? finish : &nothing, first, image);            \
    }
GATHER_MAX(4, 2)
GATHER_MAX(6, 2)
GATHER_MAX(6, 4)

void CNI_FOR_ISA(cni_winograd_back_part)(cni_winograd_kernels *kernels)
{
    kernels->gather[4][2] = gather_4_2;
    kernels->gather[4][3] = gather_4_3;
    kernels->gather[6][2] = gather_6_2;
    kernels->gather[6][3] = gather_6_3;
    kernels->gather[6][4] = gather_6_4;
    kernels->gather[6][5] = gather_6_5;
    kernels->gather_max[4][2] = gather_max_4_2;
    kernels->gather_max[6][2] = gather_max_6_2;
    kernels->gather_max[6][4] = gather_max_6_4;
}
