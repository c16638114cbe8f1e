/* SPDX-License-Identifier: Apache-2.0
 * Functions of a whole row.  The kernels want a row to lie together: another axis is transposed there and back. */
#include "graph/ops/softmax.h"
#include "graph/ops/binary.h"
#include "graph/ops/pad.h"
#include "graph/ops/ranges.h"
#include "graph/ops/transpose.h"
#include "graph/ops/unary.h"

typedef struct rows {
    cni_row_function f;
} rows;

static const struct row_facts {
    const char *name;
    bool gradient_reads_x; /* else y */
    size_t scratch;        /* elements per element of a row */
} facts[CNI_ROW_COUNT] = {
    [CNI_ROW_SOFTMAX] = {"softmax", false, 0},
    [CNI_ROW_LOG_SOFTMAX] = {"log_softmax", false, 0},
    [CNI_ROW_SPARSEMAX] = {"sparsemax", true, 2},
};

static size_t row_of(const cni_op *op)
{
    const cni_shape *shape = &op->out[0]->shape;
    return (size_t)shape->dims[shape->rank - 1];
}

static size_t workspace(const cni_op *op, const cni_run *most)
{
    return facts[((const rows *)op->attributes)->f].scratch * row_of(op) * most->kernels->real_size;
}

typedef struct work {
    const cni_kernels *kernels;
    cni_row_function f;
    size_t c;
    const char *from, *dy; /* dy NULL: the function itself */
    char *to;
    void *scratch;
} work;

static void run_range(void *context, size_t begin, size_t end)
{
    const work *w = context;
    const cni_row_kernels *kernels = &w->kernels->normalization.row[w->f];
    const size_t at = begin * w->c * w->kernels->real_size;
    if (w->dy)
        kernels->gradient(w->from + at, w->dy + at, w->to + at, w->scratch, end - begin, w->c);
    else
        kernels->value(w->from + at, w->to + at, w->scratch, end - begin, w->c);
}

/* An exponential costs some eight times what a sum does.  Where there is scratch memory, it is for one thread. */
static void run_rows(const cni_step *step, const cni_run *run, work *w)
{
    w->kernels = run->kernels;
    w->f = ((const rows *)step->op->attributes)->f;
    w->c = row_of(step->op);
    w->to = step->out[0];
    w->scratch = step->workspace;
    const size_t count = cni_tensor_count(step->op->out[0], run->n) / w->c;
    cni_ranges(facts[w->f].scratch ? NULL : run->pool, count, CNI_GRAIN / 8 / w->c + 1, run_range, w);
}

static void run(cni_step *step, const cni_run *run)
{
    run_rows(step, run, &(work){.from = step->in[0]});
}

static void run_gradient(cni_step *step, const cni_run *run)
{
    run_rows(step, run, &(work){.from = step->in[1], .dy = step->in[0]});
}

static const cni_op_kind gradient_kind = {
    .name = "row gradient",
    .attributes_size = sizeof(rows),
    .workspace = workspace,
    .run = run_gradient,
    .in_place = true,
};

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    const rows *r = op->attributes;
    cni_tensor *const in[] = {dout[0], facts[r->f].gradient_reads_x ? op->in[0] : op->out[0]};
    din[0] = cni_append(graph, &gradient_kind, r, 2, in, 1, &op->out[0]->shape)->out[0];
}

static const cni_op_kind kind = {
    .name = "rows",
    .attributes_size = sizeof(rows),
    .gradient = gradient,
    .workspace = workspace,
    .run = run,
    .in_place = true,
};

/* Building */

static cni_tensor *over_axis(cni_graph *graph, cni_row_function f, cni_tensor *x, int axis)
{
    const int rank = x->shape.rank, at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank || (at == 0 && cni_tensor_batched(x)) || x->shape.dims[at] < 1) {
        cni_fail(&graph->error, CN_ERR_SHAPE, "%s: axis %d is not possible for shape %s; choose one behind the batch",
                 facts[f].name, axis, CNI_SHOW_SHAPE(&x->shape));
        return x;
    }
    int swapped[CNI_MAX_RANK];
    for (int i = 0; i < rank; i++) swapped[i] = i == at ? rank - 1 : i == rank - 1 ? at : i;
    cni_tensor *y = cni_transpose(graph, x, swapped);
    y = cni_append(graph, &kind, &(rows){f}, 1, &y, 1, &y->shape)->out[0];
    return cni_transpose(graph, y, swapped);
}

cni_tensor *cni_softmax(cni_graph *graph, cni_tensor *x, int axis)
{
    return over_axis(graph, CNI_ROW_SOFTMAX, x, axis);
}

cni_tensor *cni_log_softmax(cni_graph *graph, cni_tensor *x, int axis)
{
    return over_axis(graph, CNI_ROW_LOG_SOFTMAX, x, axis);
}

cni_tensor *cni_sparsemax(cni_graph *graph, cni_tensor *x)
{
    return over_axis(graph, CNI_ROW_SPARSEMAX, x, -1);
}

cni_tensor *cni_glu(cni_graph *graph, cni_tensor *x, int axis)
{
    const int rank = x->shape.rank, at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank || x->shape.dims[at] < 2 || x->shape.dims[at] % 2) {
        cni_fail(&graph->error, CN_ERR_SHAPE,
                 "glu: axis %d of shape %s cannot be split in halves; its size must be even", axis,
                 CNI_SHOW_SHAPE(&x->shape));
        return x;
    }
    const int64_t half = x->shape.dims[at] / 2;
    cni_tensor *a = cni_slice(graph, x, at, 0, half), *b = cni_slice(graph, x, at, half, half);
    return cni_multiply(graph, a, cni_unary_op(graph, b, (cni_epilogue){.function = CNI_SIGMOID}));
}
