/* SPDX-License-Identifier: Apache-2.0
 * Element-wise functions of one tensor. */
#include "graph/ops/unary.h"
#include "graph/ops/ranges.h"
#include "kernels/elementwise/finish.h"

#include <math.h>
#include <stddef.h>

typedef struct unary {
    int reserved; /* an epilogue is never the first member */
    cni_epilogue f;
} unary;

typedef struct work {
    const cni_kernels *kernels;
    const cni_epilogue *f;
    const char *x, *y, *dy;
    char *out;
} work;

/* Functions that are more than a comparison are worth a thread from fewer elements on. */
static size_t grain(const cni_epilogue *f)
{
    return f->function == CNI_RELU || f->function == CNI_LEAKY_RELU || f->function == CNI_AFFINE ? CNI_GRAIN
                                                                                                 : CNI_GRAIN / 4;
}

static void run_range(void *context, size_t begin, size_t end)
{
    const work *w = context;
    const size_t at = begin * w->kernels->real_size;
    w->kernels->elementwise.unary(w->f, w->x + at, w->out + at, end - begin);
}

static void run(cni_step *step, const cni_run *run)
{
    const unary *u = step->op->attributes;
    work w = {.kernels = run->kernels, .f = &u->f, .x = step->in[0], .out = step->out[0]};
    cni_ranges(run->pool, cni_tensor_count(step->op->out[0], run->n), grain(&u->f), run_range, &w);
}

static const cni_epilogue *epilogue_of(const cni_op *op)
{
    return &((const unary *)op->attributes)->f;
}

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    din[0] = cni_unary_gradient(graph, *epilogue_of(op), op->in[0], op->out[0], dout[0]);
}

static const cni_op_kind unary_kind = {
    .name = "unary",
    .attributes_size = sizeof(unary),
    .gradient = gradient,
    .run = run,
    .in_place = true,
    .epilogue_of = epilogue_of,
    .element_wise = true,
};

cni_tensor *cni_unary_op(cni_graph *graph, cni_tensor *x, cni_epilogue f)
{
    if (f.function == CNI_LINEAR) return x;
    return cni_append(graph, &unary_kind, &(unary){.f = f}, 1, &x, 1, &x->shape)->out[0];
}

cni_tensor *cni_affine(cni_graph *graph, cni_tensor *x, double scale, double offset)
{
    return cni_unary_op(graph, x, (cni_epilogue){CNI_AFFINE, scale, offset, 0});
}

/* The gradient: dy, x or NULL, y or NULL -> dx */

static void run_gradient_range(void *context, size_t begin, size_t end)
{
    const work *w = context;
    const size_t at = begin * w->kernels->real_size;
    w->kernels->elementwise.unary_gradient(w->f, w->x ? w->x + at : NULL, w->y ? w->y + at : NULL, w->dy + at,
                                           w->out + at, end - begin);
}

static void run_gradient(cni_step *step, const cni_run *run)
{
    const unary *u = step->op->attributes;
    work w = {run->kernels, &u->f, step->in[1], step->in[2], step->in[0], step->out[0]};
    cni_ranges(run->pool, cni_tensor_count(step->op->out[0], run->n), grain(&u->f), run_gradient_range, &w);
}

/* Where relu let something through; its output is what it reads then. */
static cni_tensor *mask_of(const cni_op *op)
{
    cni_finish finish;
    const bool is_clamp = cni_finish_clamp(&finish, epilogue_of(op)) && finish.clamps;
    return is_clamp && finish.slope == 0 && isinf(finish.most) ? op->in[2] : NULL;
}

static const cni_op_kind gradient_kind = {
    .name = "unary gradient",
    .attributes_size = sizeof(unary),
    .run = run_gradient,
    .in_place = true,
    .element_wise = true,
    .mask_of = mask_of,
};

cni_tensor *cni_unary_gradient(cni_graph *graph, cni_epilogue f, cni_tensor *x, cni_tensor *y, cni_tensor *dy)
{
    if (f.function == CNI_LINEAR) return dy;
    if (f.function == CNI_AFFINE) return cni_affine(graph, dy, f.a, 0);
    const cni_unary_needs needs = cni_unary_gradient_needs(&f);
    cni_tensor *const in[] = {dy, needs == CNI_NEEDS_INPUT ? x : NULL, needs == CNI_NEEDS_OUTPUT ? y : NULL};
    return cni_append(graph, &gradient_kind, &(unary){.f = f}, 3, in, 1, &dy->shape)->out[0];
}

const cni_epilogue *cni_unary_gradient_of(const cni_op *op)
{
    return op->kind == &gradient_kind ? epilogue_of(op) : NULL;
}
