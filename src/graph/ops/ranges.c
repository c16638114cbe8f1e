/* SPDX-License-Identifier: Apache-2.0
 * Dividing work among threads, for ops. */
#include "graph/ops/ranges.h"

enum { PIECES_PER_THREAD = 4, ALIGNMENT = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

typedef struct ranges {
    cni_range_task *task;
    void *context;
    size_t n, piece;
    size_t share; /* pieces of a thread, which it is to take from the last to the first; 0: upwards */
} ranges;

static void run_piece(void *context, size_t index, int thread)
{
    const ranges *r = context;
    (void)thread;
    if (r->share) index += r->share - 1 - 2 * (index % r->share);
    const size_t begin = least(index * r->piece, r->n), end = least(begin + r->piece, r->n);
    if (begin < end) r->task(r->context, begin, end);
}

static void run_ranges(cni_pool *pool, size_t n, size_t grain, cni_range_task *task, void *context, bool down)
{
    const size_t threads = (size_t)cni_pool_threads(pool);
    if (n == 0) return;
    if (threads == 1 || n < 2 * grain) {
        task(context, 0, n);
        return;
    }
    size_t pieces = least(n / grain, PIECES_PER_THREAD * threads);
    if (pieces > threads) pieces -= pieces % threads; /* as many for each */
    size_t piece = (n + pieces - 1) / pieces;
    if (piece > ALIGNMENT) piece = (piece + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const size_t share = down && pieces > threads ? pieces / threads : 0;
    ranges r = {task, context, n, piece, share};
    cni_parallel(pool, share ? pieces : (n + piece - 1) / piece, run_piece, &r);
}

void cni_ranges(cni_pool *pool, size_t n, size_t grain, cni_range_task *task, void *context)
{
    run_ranges(pool, n, grain, task, context, false);
}

void cni_ranges_down(cni_pool *pool, size_t n, size_t grain, cni_range_task *task, void *context)
{
    run_ranges(pool, n, grain, task, context, true);
}

/* Boxes are cut along one dimension. */
typedef struct cut {
    const cni_kernels *kernels;
    const cni_box *box;
    int dim;
    const char *x;
    char *y;
} cut;

static void copy_part(void *context, size_t begin, size_t end)
{
    const cut *c = context;
    const ptrdiff_t size = (ptrdiff_t)c->kernels->real_size, first = (ptrdiff_t)begin;
    cni_box box = *c->box;
    box.dims[c->dim] = end - begin;
    c->kernels->layout.copy(&box, c->x + first * box.from[c->dim] * size, c->y + first * box.to[c->dim] * size);
}

void cni_copy_box(const cni_kernels *kernels, cni_pool *pool, const cni_box *box, const void *x, void *y)
{
    const cni_box simple = cni_box_simplified(box);
    size_t count = 1;
    int dim = 0;
    for (int i = 0; i < simple.rank; i++) {
        count *= simple.dims[i];
        if (simple.dims[dim] < (size_t)cni_pool_threads(pool) && simple.dims[i] > simple.dims[dim]) dim = i;
    }
    if (count == 0) return;
    cut c = {kernels, &simple, dim, x, y};
    cni_ranges(pool, simple.dims[dim], cni_grain_of(count / simple.dims[dim]), copy_part, &c);
}

size_t cni_slices(size_t count, size_t width)
{
    const size_t by_size = count * width / (CNI_GRAIN / 2), by_count = count / 16;
    const size_t slices = least(least(by_size, by_count), CNI_MAX_SLICES);
    return slices ? slices : 1;
}
