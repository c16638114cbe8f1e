/* SPDX-License-Identifier: Apache-2.0
 * Gathering while one writes. */
#include "graph/ops/gather.h"

#include "graph/ops/ranges.h"

size_t cni_gather_bytes(size_t slices)
{
    return slices * sizeof(atomic_size_t);
}

static size_t channels_of(const cni_step *follower)
{
    const cni_shape *shape = &follower->op->in[0]->shape;
    return (size_t)shape->dims[shape->rank - 1];
}

cni_gather cni_gather_begin(const cni_step *host, const cni_run *run)
{
    cni_step *follower = host->follower;
    if (!follower) return (cni_gather){0};
    const cni_op *op = follower->op;
    const size_t c = channels_of(follower);
    const cni_gather g = {.follower = follower,
                          .run = run,
                          .rows = cni_tensor_count(op->in[0], run->n) / c,
                          .slices = op->kind->slicing.slices(op, run->n),
                          .left = follower->persistent};
    for (size_t s = 0; s < g.slices; s++)
        atomic_init(&g.left[s], (cni_slice_begin(g.rows, g.slices, s + 1) - cni_slice_begin(g.rows, g.slices, s)) * c);
    if (op->kind->slicing.begin) op->kind->slicing.begin(follower, run);
    follower->gathered = true;
    return g;
}

/* The slice that a row is in. */
static size_t slice_of(const cni_gather *g, size_t row)
{
    const size_t less = g->rows / g->slices, longer = g->rows % g->slices, there = longer * (less + 1);
    return row < there ? row / (less + 1) : longer + (row - there) / less;
}

void cni_gather_wrote(const cni_gather *g, size_t first, size_t count, size_t step, size_t channels)
{
    if (!g->follower) return;
    const cni_step *follower = g->follower;
    while (count) {
        const size_t slice = slice_of(g, first), end = cni_slice_begin(g->rows, g->slices, slice + 1);
        size_t some = (end - first + step - 1) / step;
        if (some > count) some = count;
        const size_t cells = some * channels;
        if (atomic_fetch_sub_explicit(&g->left[slice], cells, memory_order_acq_rel) == cells)
            follower->op->kind->slicing.slice(follower, g->run, slice);
        first += some * step;
        count -= some;
    }
}

typedef struct work {
    const cni_step *step;
    const cni_run *run;
} work;

static void run_slices(void *context, size_t begin, size_t end)
{
    const work *w = context;
    for (size_t s = begin; s < end; s++) w->step->op->kind->slicing.slice(w->step, w->run, s);
}

void cni_gather_run(cni_step *step, const cni_run *run)
{
    const cni_slicing *slicing = &step->op->kind->slicing;
    const bool gathered = step->gathered;
    step->gathered = false;
    if (gathered) return;
    if (slicing->begin) slicing->begin(step, run);
    cni_ranges(run->pool, slicing->slices(step->op, run->n), 1, run_slices, &(work){step, run});
}
