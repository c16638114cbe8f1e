/* SPDX-License-Identifier: Apache-2.0
 * Padding and cropping: the part that x and y share is copied, the rest of y is zero. */
#include "graph/ops/pad.h"
#include "graph/ops/ranges.h"

static int64_t at_least_0(int64_t n)
{
    return n > 0 ? n : 0;
}

typedef struct work {
    const cni_kernels *kernels;
    char *y;
} work;

static void zero(void *context, size_t begin, size_t end)
{
    const work *w = context;
    w->kernels->elementwise.fill(0, w->y + begin * w->kernels->real_size, end - begin);
}

static void run(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    const cni_padding *p = op->attributes;
    const size_t size = run->kernels->real_size;
    const cni_shape *from = &op->in[0]->shape, *to = &op->out[0]->shape;
    ptrdiff_t x_step = 1, y_step = 1, x_begin = 0, y_begin = 0;
    cni_box box = {.rank = to->rank};
    bool fills = false;
    for (int i = to->rank - 1; i >= 0; i--) {
        const int64_t x_dim = from->dims[i] == CNI_UNKNOWN ? run->n : from->dims[i];
        const int64_t y_dim = to->dims[i] == CNI_UNKNOWN ? run->n : to->dims[i];
        box.dims[i] = (size_t)(y_dim - at_least_0(p->before[i]) - at_least_0(p->after[i]));
        box.from[i] = x_step;
        box.to[i] = y_step;
        x_begin += at_least_0(-p->before[i]) * x_step;
        y_begin += at_least_0(p->before[i]) * y_step;
        x_step *= x_dim;
        y_step *= y_dim;
        fills |= p->before[i] > 0 || p->after[i] > 0;
    }
    work w = {run->kernels, step->out[0]};
    if (fills) cni_ranges(run->pool, (size_t)y_step, CNI_GRAIN, zero, &w);
    cni_copy_box(run->kernels, run->pool, &box, (const char *)step->in[0] + x_begin * (ptrdiff_t)size,
                 w.y + y_begin * (ptrdiff_t)size);
}

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    const cni_padding *p = op->attributes;
    cni_padding back;
    for (int i = 0; i < CNI_MAX_RANK; i++) {
        back.before[i] = -p->before[i];
        back.after[i] = -p->after[i];
    }
    din[0] = cni_pad(graph, dout[0], back.before, back.after);
}

static const cni_padding *padding_of(const cni_op *op)
{
    return op->attributes;
}

static const cni_op_kind kind = {
    .name = "pad",
    .attributes_size = sizeof(cni_padding),
    .gradient = gradient,
    .run = run,
    .padding_of = padding_of,
};

/* What is cut off must be there, and what is left of x must not be less than nothing. */
static bool fits(const cni_tensor *x, int i, int64_t before, int64_t after)
{
    const int64_t limit = INT64_C(1) << 40, dim = x->shape.dims[i];
    if (before == 0 && after == 0) return true;
    if (dim == CNI_UNKNOWN || before > limit || after > limit || before < -dim || after < -dim) return false;
    return dim - at_least_0(-before) - at_least_0(-after) >= 1;
}

cni_tensor *cni_pad(cni_graph *graph, cni_tensor *x, const int64_t *before, const int64_t *after)
{
    cni_padding p = {{0}, {0}};
    cni_shape shape = x->shape;
    bool changes = false;
    for (int i = 0; i < shape.rank; i++) {
        if (!fits(x, i, before[i], after[i])) {
            cni_fail(&graph->error, CN_ERR_SHAPE,
                     "pad: axis %d of shape %s cannot get %lld elements before and %lld after; something of it must be "
                     "left, and a batch stays as it is",
                     i, CNI_SHOW_SHAPE(&x->shape), (long long)before[i], (long long)after[i]);
            return x;
        }
        p.before[i] = before[i];
        p.after[i] = after[i];
        shape.dims[i] += before[i] + after[i];
        changes |= before[i] || after[i];
    }
    return changes ? cni_append(graph, &kind, &p, 1, &x, 1, &shape)->out[0] : x;
}

cni_tensor *cni_slice(cni_graph *graph, cni_tensor *x, int axis, int64_t begin, int64_t length)
{
    const int rank = x->shape.rank, at = axis < 0 ? axis + rank : axis;
    const int64_t dim = at >= 0 && at < rank ? x->shape.dims[at] : 0;
    if (begin < 0 || length < 1 || begin > dim || length > dim - begin) {
        cni_fail(&graph->error, CN_ERR_SHAPE,
                 "slice: axis %d of shape %s has no elements from %lld on, %lld of them; choose them within its size",
                 axis, CNI_SHOW_SHAPE(&x->shape), (long long)begin, (long long)length);
        return x;
    }
    int64_t before[CNI_MAX_RANK] = {0}, after[CNI_MAX_RANK] = {0};
    before[at] = -begin;
    after[at] = begin + length - dim;
    return cni_pad(graph, x, before, after);
}

const cni_padding *cni_zeros_round(const cni_tensor *x)
{
    if (!x->producer || x->producer->kind != &kind || x->shape.rank != 4) return NULL;
    const cni_padding *p = x->producer->attributes;
    for (int i = 0; i < 4; i++) {
        const bool inner = i == 1 || i == 2;
        if (p->before[i] < 0 || p->after[i] < 0 || (!inner && (p->before[i] || p->after[i]))) return NULL;
        if (p->before[i] > INT32_MAX / 4 || p->after[i] > INT32_MAX / 4) return NULL;
    }
    return p;
}
