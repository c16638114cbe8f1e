/* SPDX-License-Identifier: Apache-2.0
 * Sums, means, maxima and minima over axes.  Neighbouring axes that go the same way are one, so that x is
 * [keep, sum, keep, sum, ...]; each stage removes the last `sum`:  [outer, count, inner] -> [outer, inner]. */
#include "graph/ops/reduce.h"
#include "graph/ops/binary.h"
#include "graph/ops/pairs.h"
#include "graph/ops/reshape.h"

typedef struct reduce {
    cni_reduction f;
    unsigned axes;
} reduce;

typedef struct stage {
    size_t outer, count, inner;
    size_t slices; /* count is cut into so many when there are few outer ones */
} stage;

typedef struct stages {
    int count;
    stage stage[CNI_MAX_RANK];
    size_t elements; /* x's elements per element of the result */
} stages;

enum { MANY_OUTER = 64 };

static size_t product(const size_t *dims, int begin, int end)
{
    size_t count = 1;
    for (int i = begin; i < end; i++) count *= dims[i];
    return count;
}

static stages stages_of(const cni_op *op, int n)
{
    const cni_shape *shape = &op->in[0]->shape;
    const unsigned axes = ((const reduce *)op->attributes)->axes;
    size_t dims[CNI_MAX_RANK];
    for (int i = 0; i < shape->rank; i++) dims[i] = shape->dims[i] == CNI_UNKNOWN ? (size_t)n : (size_t)shape->dims[i];

    stages s = {.elements = 1};
    size_t inner = 1;
    for (int end = shape->rank, begin; end > 0; end = begin) {
        const unsigned summed = axes >> (end - 1) & 1;
        for (begin = end - 1; begin > 0 && (axes >> (begin - 1) & 1) == summed; begin--) {}
        const size_t count = product(dims, begin, end), outer = product(dims, 0, begin);
        if (!summed) inner *= count;
        if (!summed || count == 1) continue;
        s.stage[s.count++] = (stage){outer, count, inner, outer < MANY_OUTER ? cni_slices(count, inner) : 1};
        s.elements *= count;
    }
    return s;
}

static size_t result_size(const stage *s)
{
    return s->outer * s->inner;
}

static size_t partial_size(const stage *s)
{
    return s->slices > 1 ? s->slices * result_size(s) : 0;
}

static size_t workspace(const cni_op *op, const cni_run *most)
{
    const stages s = stages_of(op, most->n);
    size_t size = 0;
    for (int i = 0; i < s.count; i++) size += result_size(&s.stage[i]) + partial_size(&s.stage[i]);
    return size * most->kernels->real_size;
}

typedef struct work {
    const cni_kernels *kernels;
    cni_reduction f;
    const stage *s;
    const char *x;
    char *y;
} work;

static void run_outer(void *context, size_t begin, size_t end)
{
    const work *w = context;
    const size_t size = w->kernels->real_size, inner = w->s->inner * size;
    w->kernels->elementwise.reduce(w->f, w->x + begin * w->s->count * inner, w->y + begin * inner, end - begin,
                                   w->s->count, w->s->inner);
}

/* x [outer, count, inner] -> y [outer, slices, inner] */
static void run_slices(void *context, size_t begin, size_t end)
{
    const work *w = context;
    const stage *s = w->s;
    const size_t inner = s->inner * w->kernels->real_size;
    for (size_t i = begin; i < end; i++) {
        const size_t o = i / s->slices, slice = i % s->slices;
        const size_t first = cni_slice_begin(s->count, s->slices, slice);
        const size_t last = cni_slice_begin(s->count, s->slices, slice + 1);
        w->kernels->elementwise.reduce(w->f, w->x + (o * s->count + first) * inner, w->y + i * inner, 1, last - first,
                                       s->inner);
    }
}

static void run_stage(const cni_run *run, cni_reduction f, const stage *s, const char *x, char *partial, char *y)
{
    stage last = *s;
    work w = {run->kernels, f, s, x, partial};
    if (s->slices > 1) {
        cni_ranges(run->pool, s->outer * s->slices, 1, run_slices, &w);
        last.count = s->slices;
        w = (work){run->kernels, f, &last, partial, NULL};
    }
    w.y = y;
    cni_ranges(run->pool, s->outer, cni_grain_of(last.count * s->inner), run_outer, &w);
}

static void run(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    const cni_reduction f = ((const reduce *)op->attributes)->f;
    const stages s = stages_of(op, run->n);
    const size_t size = run->kernels->real_size, count = cni_tensor_count(op->out[0], run->n);
    const char *x = step->in[0];
    char *free = step->workspace;
    for (int i = 0; i < s.count; i++) {
        char *partial = free, *y = partial + partial_size(&s.stage[i]) * size;
        free = y + result_size(&s.stage[i]) * size;
        if (i == s.count - 1) y = step->out[0];
        run_stage(run, f == CNI_MEAN ? CNI_SUM : f, &s.stage[i], x, partial, y);
        x = y;
    }
    if (f == CNI_MEAN || s.count == 0)
        run->kernels->elementwise.axpby(1.0 / (double)s.elements, x, 0, step->out[0], count);
}

/* Gradients */

static cni_tensor *spread(cni_graph *graph, cni_tensor *x, cni_shape shape, const cni_op *mean);

/* Ties share the gradient, as in JAX. */
static cni_tensor *extreme_gradient(cni_graph *graph, cni_tensor *x, cni_tensor *y, cni_tensor *dy, unsigned axes)
{
    cni_tensor *equal = cni_binary(graph, CNI_EQUAL, x, y);
    return cni_multiply(graph, equal, cni_divide(graph, dy, cni_reduce(graph, CNI_SUM, equal, axes, true)));
}

static cni_shape kept_shape(const cni_shape *shape, unsigned axes)
{
    cni_shape kept = *shape;
    for (int i = 0; i < kept.rank; i++)
        if (axes >> i & 1) kept.dims[i] = 1;
    return kept;
}

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    const reduce *r = op->attributes;
    cni_tensor *x = op->in[0];
    const cni_shape kept = kept_shape(&x->shape, r->axes);
    cni_tensor *dy = cni_reshape(graph, dout[0], kept);
    if (r->f == CNI_MAX || r->f == CNI_MIN)
        din[0] = extreme_gradient(graph, x, cni_reshape(graph, op->out[0], kept), dy, r->axes);
    else
        din[0] = spread(graph, dy, x->shape, r->f == CNI_MEAN ? op : NULL);
}

static const cni_op_kind kind = {
    .name = "reduce",
    .attributes_size = sizeof(reduce),
    .gradient = gradient,
    .workspace = workspace,
    .run = run,
};

cni_tensor *cni_reduce(cni_graph *graph, cni_reduction f, cni_tensor *x, unsigned axes, bool keepdims)
{
    axes &= (1u << x->shape.rank) - 1;
    if (axes == 0) return x;
    const cni_shape kept = kept_shape(&x->shape, axes);
    cni_shape shape = {.rank = 0};
    for (int i = 0; i < kept.rank; i++)
        if (keepdims || !(axes >> i & 1)) shape.dims[shape.rank++] = kept.dims[i];
    if (cni_tensor_image(x) == 0) {
        cni_fail(&graph->error, CN_ERR_SHAPE, "reduce: nothing to reduce in a tensor of shape %s",
                 CNI_SHOW_SHAPE(&x->shape));
        return x;
    }
    return cni_append(graph, &kind, &(reduce){f, axes}, 1, &x, 1, &shape)->out[0];
}

/* Broadcasting: each element of the result is one of x, over the number of those that a mean was taken of. */

typedef struct broadcast {
    double scale;
    bool over_batch; /* scale is divided by the images of the run */
} broadcast;

static void run_broadcast(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    const broadcast *b = op->attributes;
    const cni_shape one = {.rank = 0};
    const cni_epilogue none = {.function = CNI_LINEAR};
    const cni_pair pair = cni_pair_of(&op->out[0]->shape, &op->in[0]->shape, &one, run->n);
    double scale; /* room for either real */
    run->kernels->elementwise.fill(b->over_batch ? b->scale / run->n : b->scale, &scale, 1);
    cni_pair_run(run->kernels, run->pool, &pair, CNI_MULTIPLY, &none, step->in[0], &scale, step->out[0]);
}

static void broadcast_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    din[0] = cni_sum_to(graph, dout[0], &op->in[0]->shape);
}

static const cni_op_kind broadcast_kind = {
    .name = "broadcast",
    .attributes_size = sizeof(broadcast),
    .gradient = broadcast_gradient,
    .run = run_broadcast,
};

/* The same, divided: it is a gradient, and nobody differentiates it. */
static const cni_op_kind mean_gradient_kind = {
    .name = "mean gradient",
    .attributes_size = sizeof(broadcast),
    .run = run_broadcast,
};

/* x repeated up to `shape`, divided by what `mean` (or NULL) was the mean of */
static cni_tensor *spread(cni_graph *graph, cni_tensor *x, cni_shape shape, const cni_op *mean)
{
    broadcast b = {.scale = 1};
    if (mean) {
        const unsigned axes = ((const reduce *)mean->attributes)->axes;
        b.over_batch = cni_tensor_batched(mean->in[0]) && (axes & 1);
        for (int i = b.over_batch; i < shape.rank; i++)
            if (axes >> i & 1) b.scale /= (double)shape.dims[i];
    }
    return cni_append(graph, mean ? &mean_gradient_kind : &broadcast_kind, &b, 1, &x, 1, &shape)->out[0];
}

cni_tensor *cni_broadcast(cni_graph *graph, cni_tensor *x, cni_shape shape)
{
    cni_shape both;
    if (cni_shape_equal(&x->shape, &shape)) return x;
    if (!cni_pair_shape(&x->shape, &shape, &both) || !cni_shape_equal(&both, &shape)) {
        cni_fail(&graph->error, CN_ERR_SHAPE, "broadcast: shape %s cannot be repeated up to %s",
                 CNI_SHOW_SHAPE(&x->shape), CNI_SHOW_SHAPE(&shape));
        return x;
    }
    return spread(graph, x, shape, NULL);
}
