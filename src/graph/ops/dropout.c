/* SPDX-License-Identifier: Apache-2.0
 * Dropout.  The mask is an output of its own, a byte per draw, which the gradient reads again. */
#include "graph/ops/dropout.h"
#include "base/random.h"
#include "graph/ops/pairs.h"

typedef struct dropout {
    cni_seed_state *state;
    double scale; /* 1 / (1 - rate), the reciprocal in float as Keras' compiled step has it; 0: nothing is kept */
    uint32_t threshold;
} dropout;

/* Applying a mask.  Rows of x are walked with the mask's: a row's mask lies along it, or is one byte for all of it. */
typedef struct work {
    const cni_kernels *kernels;
    const cni_pair *pair; /* a: x, b: mask */
    double scale;
    const char *x;
    char *y;
    const unsigned char *mask;
    size_t c;
} work;

static size_t mask_offset(const cni_pair *pair, size_t row)
{
    size_t offset = 0;
    for (int i = pair->rank - 2; i >= 0; row /= pair->dims[i--]) offset += row % pair->dims[i] * pair->b[i];
    return offset;
}

static void apply(const work *w, const unsigned char *mask, size_t at, size_t n, bool repeated)
{
    const size_t size = w->kernels->real_size;
    const char *x = w->x + at * size;
    char *y = w->y + at * size;
    if (!repeated)
        w->kernels->elementwise.keep(mask, w->scale, x, y, n);
    else if (*mask)
        w->kernels->elementwise.axpby(w->scale, x, 0, y, n);
    else
        w->kernels->elementwise.fill(0, y, n);
}

static void apply_rows(void *context, size_t begin, size_t end)
{
    const work *w = context;
    for (size_t r = begin; r < end; r++)
        apply(w, w->mask + mask_offset(w->pair, r), r * w->c, w->c, w->pair->b[w->pair->rank - 1] == 0);
}

static void apply_elements(void *context, size_t begin, size_t end)
{
    const work *w = context;
    const bool repeated = w->pair->b[0] == 0;
    apply(w, w->mask + (repeated ? 0 : begin), begin, end - begin, repeated);
}

static void apply_mask(const cni_step *step, const cni_run *run, const cni_shape *mask_shape, const void *mask)
{
    const dropout *d = step->op->attributes;
    const cni_shape *shape = &step->op->in[0]->shape;
    const cni_pair pair = cni_pair_of(shape, shape, mask_shape, run->n);
    work w = {run->kernels, &pair, d->scale, step->in[0], step->out[0], mask, pair.dims[pair.rank - 1]};
    if (pair.rank == 1)
        cni_ranges(run->pool, w.c, CNI_GRAIN, apply_elements, &w);
    else
        cni_ranges(run->pool, cni_tensor_count(step->op->in[0], run->n) / w.c, cni_grain_of(w.c), apply_rows, &w);
}

/* Drawing: 20 rounds of threefry for each byte */

typedef struct draw {
    unsigned char *mask;
    cni_key key;
    uint32_t threshold;
} draw;

static void draw_range(void *context, size_t begin, size_t end)
{
    const draw *d = context;
    cni_fill_keep(d->mask, begin, end, d->key, d->threshold);
}

static void run(cni_step *step, const cni_run *run)
{
    const dropout *a = step->op->attributes;
    const cni_tensor *mask = step->op->out[1];
    draw d = {step->out[1], {a->state->seed, a->state->counter}, a->threshold};
    if (a->scale > 0) a->state->counter++;
    cni_ranges(run->pool, cni_tensor_count(mask, run->n), CNI_GRAIN / 16, draw_range, &d);
    apply_mask(step, run, &mask->shape, d.mask);
}

static void run_gradient(cni_step *step, const cni_run *run)
{
    apply_mask(step, run, &step->op->in[1]->shape, step->in[1]);
}

static const cni_op_kind gradient_kind = {
    .name = "dropout gradient",
    .attributes_size = sizeof(dropout),
    .run = run_gradient,
    .in_place = true,
};

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    if (!dout[0]) return;
    cni_tensor *const in[] = {dout[0], op->out[1]};
    din[0] = cni_append(graph, &gradient_kind, op->attributes, 2, in, 1, &op->in[0]->shape)->out[0];
}

static const cni_op_kind kind = {
    .name = "dropout",
    .attributes_size = sizeof(dropout),
    .gradient = gradient,
    .run = run,
    .restless = true,
    .in_place = true,
};

static bool mask_shape_of(const cni_shape *x, const cni_shape *noise, cni_shape *mask)
{
    *mask = *x;
    for (int i = 0; noise && noise->rank == x->rank && i < x->rank; i++)
        if (noise->dims[i] > 0) mask->dims[i] = noise->dims[i];
    cni_shape both;
    return !noise || (noise->rank == x->rank && cni_pair_shape(x, mask, &both) && cni_shape_equal(&both, x));
}

cni_tensor *cni_dropout(cni_graph *graph, cni_tensor *x, cni_seed_state *state, double rate,
                        const cni_shape *noise_shape)
{
    cni_shape shapes[2] = {x->shape};
    if (!(rate >= 0 && rate <= 1)) {
        cni_fail(&graph->error, CN_ERR_INVALID, "dropout: rate %g is not possible; choose one from 0 to 1", rate);
        return x;
    }
    if (!mask_shape_of(&x->shape, noise_shape, &shapes[1])) {
        cni_fail(
            &graph->error, CN_ERR_SHAPE,
            "dropout: noise_shape %s does not fit an input of shape %s; each entry must be None, 1 or that dimension",
            CNI_SHOW_SHAPE(noise_shape), CNI_SHOW_SHAPE(&x->shape));
        return x;
    }
    if (rate == 0) return x;
    dropout d = {.state = state, .threshold = cni_keep_threshold(rate)};
    if (rate < 1) d.scale = (double)(1.0f / (float)(1.0 - rate));
    cni_op *op = cni_append(graph, &kind, &d, 1, &x, 2, shapes);
    op->out[1]->element = CNI_BYTE_ELEMENT;
    return op->out[0];
}
