/* SPDX-License-Identifier: Apache-2.0
 * Batch normalization.  x is [rows, c], a channel is a column.  Statistics are taken slice by slice, two passes over
 * each, and joined in order (Chan, Golub & LeVeque 1983), so that a large mean costs no digits.
 *
 * Workspace: vectors of c elements, VECTORS of them and then two for each slice. */
#include "graph/ops/batch_norm.h"
#include "graph/ops/fold.h"
#include "graph/ops/ranges.h"

#include <stddef.h>

typedef struct batch_norm {
    double epsilon;
    cni_epilogue epilogue;
} batch_norm;

enum { SCALE, SHIFT, SLOPE, SUMS, SUMS_2, VECTORS }; /* SUMS, SUMS_2: sums of dy and of dy (x - mean), together */

typedef struct sizes {
    size_t c, rows, slices;
} sizes;

static sizes sizes_of(const cni_tensor *x, int n)
{
    const size_t c = (size_t)x->shape.dims[x->shape.rank - 1], rows = cni_tensor_count(x, n) / c;
    return (sizes){c, rows, cni_slices(rows, c)};
}

typedef struct work {
    const cni_kernels *kernels;
    sizes s;
    char *workspace;
    const char *x, *dy, *mean;
    char *y;
    const cni_epilogue *epilogue;
} work;

static void *vector(const work *w, size_t index)
{
    return w->workspace + index * w->s.c * w->kernels->real_size;
}

static void *slice_vectors(const work *w, size_t slice)
{
    return vector(w, VECTORS + 2 * slice);
}

static size_t offset_of(const work *w, size_t row)
{
    return row * w->s.c * w->kernels->real_size;
}

/* Arithmetic of vectors */

static void multiply(const work *w, const void *a, const void *b, void *y)
{
    w->kernels->elementwise.binary(CNI_MULTIPLY, (cni_rows){a, 0, 1}, (cni_rows){b, 0, 1}, y, 1, w->s.c);
}

/* y = 1 / sqrt(variance + epsilon) */
static void inverse_deviation(const work *w, const void *variance, double epsilon, void *y)
{
    const cni_epilogue steps[] = {{CNI_AFFINE, 1, epsilon, 0}, {.function = CNI_SQRT}, {.function = CNI_RECIPROCAL}};
    for (int i = 0; i < 3; i++) w->kernels->elementwise.unary(&steps[i], i ? y : variance, y, w->s.c);
}

/* Normalizing */

enum { EPILOGUE_PIECE = 4096 };

static void normalize_rows(void *context, size_t begin, size_t end)
{
    const work *w = context;
    const bool ends = w->epilogue->function != CNI_LINEAR;
    const size_t piece = ends ? EPILOGUE_PIECE / w->s.c + 1 : end - begin;
    for (size_t r = begin; r < end; r += piece) {
        const size_t rows = end - r < piece ? end - r : piece;
        char *y = w->y + offset_of(w, r);
        w->kernels->normalization.scale_shift(w->x + offset_of(w, r), vector(w, SCALE), vector(w, SHIFT), y, rows,
                                              w->s.c);
        if (ends) w->kernels->elementwise.unary(w->epilogue, y, y, rows * w->s.c);
    }
}

/* y = x scale + shift with scale = gamma / deviation, shift = beta - mean scale */
static void normalize(work *w, cni_pool *pool, const void *variance, const void *gamma, const void *beta,
                      double epsilon)
{
    void *scale = vector(w, SCALE), *shift = vector(w, SHIFT);
    inverse_deviation(w, variance, epsilon, scale);
    if (gamma) multiply(w, scale, gamma, scale);
    multiply(w, w->mean, scale, shift);
    w->kernels->elementwise.axpby(-1, shift, 0, shift, w->s.c);
    if (beta) w->kernels->elementwise.axpby(1, beta, 1, shift, w->s.c);
    cni_ranges(pool, w->s.rows, cni_grain_of(w->s.c), normalize_rows, w);
}

/* Training */

static size_t workspace(const cni_op *op, const cni_run *most)
{
    const sizes s = sizes_of(op->in[0], most->n);
    return (VECTORS + 2 * s.slices) * s.c * most->kernels->real_size;
}

static void slice_moments(void *context, size_t begin, size_t end)
{
    const work *w = context;
    for (size_t i = begin; i < end; i++) {
        const size_t first = cni_slice_begin(w->s.rows, w->s.slices, i);
        char *mean = slice_vectors(w, i);
        w->kernels->normalization.moments(w->x + offset_of(w, first), mean, mean + offset_of(w, 1),
                                          cni_slice_begin(w->s.rows, w->s.slices, i + 1) - first, w->s.c);
    }
}

static void statistics(work *w, cni_pool *pool, void *mean, void *variance)
{
    char *all = slice_vectors(w, 0);
    cni_ranges(pool, w->s.slices, 1, slice_moments, w);
    for (size_t i = 1; i < w->s.slices; i++) {
        const size_t first = cni_slice_begin(w->s.rows, w->s.slices, i);
        const size_t rows = cni_slice_begin(w->s.rows, w->s.slices, i + 1) - first;
        const char *part = slice_vectors(w, i);
        w->kernels->normalization.join_moments((double)first, all, all + offset_of(w, 1), (double)rows, part,
                                               part + offset_of(w, 1), w->s.c);
    }
    w->kernels->elementwise.axpby(1, all, 0, mean, w->s.c);
    w->kernels->elementwise.axpby(1.0 / (double)w->s.rows, all + offset_of(w, 1), 0, variance, w->s.c);
}

static void run_train(cni_step *step, const cni_run *run)
{
    const batch_norm *b = step->op->attributes;
    work w = {.kernels = run->kernels,
              .s = sizes_of(step->op->in[0], run->n),
              .workspace = step->workspace,
              .x = step->in[0],
              .mean = step->out[1],
              .y = step->out[0],
              .epilogue = &b->epilogue};
    statistics(&w, run->pool, step->out[1], step->out[2]);
    normalize(&w, run->pool, step->out[2], step->in[1], step->in[2], b->epsilon);
}

/* Gradients, of both kinds.  in: dy, x, mean, variance, gamma, and when training what arrives at mean and variance;
 * out: dx, dgamma, dbeta.
 *
 *   dbeta = sum dy     dgamma = sum dy (x - mean) / deviation     dx = dy gamma / deviation             statistics
 * given dx = a dy + b (x - mean) + k   with a = gamma / deviation,                                  statistics of x
 * itself b = (2 dvariance - a sum dy (x - mean) / deviation^2) / rows,   k = (dmean - a sum dy) / rows */

typedef struct batch_norm_gradient {
    double epsilon;
    bool of_train, wants_x, wants_sums;
} batch_norm_gradient;

static size_t gradient_workspace(const cni_op *op, const cni_run *most)
{
    const sizes s = sizes_of(op->in[1], most->n);
    return (VECTORS + 2 * s.slices) * s.c * most->kernels->real_size;
}

static void slice_sums(void *context, size_t begin, size_t end)
{
    const work *w = context;
    for (size_t i = begin; i < end; i++) {
        const size_t first = cni_slice_begin(w->s.rows, w->s.slices, i);
        char *sum = slice_vectors(w, i);
        w->kernels->normalization.gradient_sums(w->x + offset_of(w, first), w->dy + offset_of(w, first), w->mean, sum,
                                                sum + offset_of(w, 1),
                                                cni_slice_begin(w->s.rows, w->s.slices, i + 1) - first, w->s.c);
    }
}

static void given_statistics_rows(void *context, size_t begin, size_t end)
{
    const work *w = context;
    w->kernels->normalization.scale_shift(w->dy + offset_of(w, begin), vector(w, SCALE), vector(w, SHIFT),
                                          w->y + offset_of(w, begin), end - begin, w->s.c);
}

static void own_statistics_rows(void *context, size_t begin, size_t end)
{
    const work *w = context;
    w->kernels->normalization.gradient_combine(w->x + offset_of(w, begin), w->dy + offset_of(w, begin), w->mean,
                                               vector(w, SCALE), vector(w, SLOPE), vector(w, SHIFT),
                                               w->y + offset_of(w, begin), end - begin, w->s.c);
}

/* SLOPE = b and SHIFT = k of the formula; SCALE holds a, SLOPE 1 / deviation so far. */
static void own_statistics(const work *w, const void *dmean, const void *dvariance)
{
    const double share = 1.0 / (double)w->s.rows;
    void *scale = vector(w, SCALE), *slope = vector(w, SLOPE), *shift = vector(w, SHIFT);
    multiply(w, slope, slope, slope);
    multiply(w, slope, scale, slope);
    multiply(w, slope, vector(w, SUMS_2), slope);
    w->kernels->elementwise.axpby(-share, slope, 0, slope, w->s.c);
    if (dvariance) w->kernels->elementwise.axpby(2 * share, dvariance, 1, slope, w->s.c);
    multiply(w, scale, vector(w, SUMS), shift);
    w->kernels->elementwise.axpby(-share, shift, 0, shift, w->s.c);
    if (dmean) w->kernels->elementwise.axpby(share, dmean, 1, shift, w->s.c);
}

static void run_gradient(cni_step *step, const cni_run *run)
{
    const batch_norm_gradient *g = step->op->attributes;
    const cni_elementwise_kernels *e = &run->kernels->elementwise;
    work w = {.kernels = run->kernels,
              .s = sizes_of(step->op->in[1], run->n),
              .workspace = step->workspace,
              .x = step->in[1],
              .dy = step->in[0],
              .mean = step->in[2],
              .y = step->out[0]};
    void *scale = vector(&w, SCALE), *deviation = vector(&w, SLOPE);
    inverse_deviation(&w, step->in[3], g->epsilon, deviation);
    e->axpby(1, deviation, 0, scale, w.s.c);
    if (step->in[4]) multiply(&w, scale, step->in[4], scale);
    if (g->wants_sums || g->of_train) {
        cni_ranges(run->pool, w.s.slices, 1, slice_sums, &w);
        e->reduce(CNI_SUM, slice_vectors(&w, 0), vector(&w, SUMS), 1, w.s.slices, 2 * w.s.c);
        multiply(&w, vector(&w, SUMS_2), deviation, step->out[1]);
        e->axpby(1, vector(&w, SUMS), 0, step->out[2], w.s.c);
    }
    if (!g->wants_x) return;
    if (g->of_train)
        own_statistics(&w, step->in[5], step->in[6]);
    else
        e->fill(0, vector(&w, SHIFT), w.s.c);
    cni_ranges(run->pool, w.s.rows, cni_grain_of(w.s.c), g->of_train ? own_statistics_rows : given_statistics_rows, &w);
}

static const cni_op_kind gradient_kind = {
    .name = "batch norm gradient",
    .attributes_size = sizeof(batch_norm_gradient),
    .workspace = gradient_workspace,
    .run = run_gradient,
    .in_place = true,
};

static bool wants(const cni_tensor *tensor)
{
    return tensor && tensor->differentiable;
}

static void append_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const in[7], bool of_train,
                            cni_tensor **din)
{
    const cni_shape vector_shape = in[2]->shape;
    const batch_norm_gradient g = {((const batch_norm *)op->attributes)->epsilon, of_train, wants(op->in[0]),
                                   wants(op->in[1]) || wants(op->in[2])};
    const cni_shape shapes[] = {g.wants_x ? in[1]->shape : vector_shape, vector_shape, vector_shape};
    const cni_op *made = cni_append(graph, &gradient_kind, &g, 7, in, 3, shapes);
    for (int i = 0; i < 3; i++)
        if (wants(op->in[i])) din[i] = made->out[i];
}

static void train_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    cni_tensor *dy = dout[0] ? dout[0] : cni_graph_constant(graph, op->in[0]->shape, 0);
    append_gradient(graph, op,
                    (cni_tensor *const[]){dy, op->in[0], op->out[1], op->out[2], op->in[1], dout[1], dout[2]}, true,
                    din);
}

static void inference_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    append_gradient(graph, op, (cni_tensor *const[]){dout[0], op->in[0], op->in[3], op->in[4], op->in[1], NULL, NULL},
                    false, din);
}

static void run_inference(cni_step *step, const cni_run *run)
{
    const batch_norm *b = step->op->attributes;
    work w = {.kernels = run->kernels,
              .s = sizes_of(step->op->in[0], run->n),
              .workspace = step->workspace,
              .x = step->in[0],
              .mean = step->in[3],
              .y = step->out[0],
              .epilogue = &b->epilogue};
    normalize(&w, run->pool, step->in[4], step->in[1], step->in[2], b->epsilon);
}

/* Building */

static const cni_op_kind train_kind = {
    .name = "batch norm",
    .attributes_size = sizeof(batch_norm),
    .gradient = train_gradient,
    .workspace = workspace,
    .run = run_train,
    .in_place = true,
    .epilogue_offset = offsetof(batch_norm, epilogue),
};

static void affine_of(cni_graph *graph, const cni_op *op, cni_tensor *bias, cni_tensor *affine[2])
{
    cni_fold_batch_norm(graph, op->in + 1, bias, ((const batch_norm *)op->attributes)->epsilon, affine);
}

static const cni_op_kind inference_kind = {
    .name = "batch norm inference",
    .attributes_size = sizeof(batch_norm),
    .gradient = inference_gradient,
    .workspace = workspace,
    .run = run_inference,
    .in_place = true,
    .epilogue_offset = offsetof(batch_norm, epilogue),
    .affine_of = affine_of,
};

static bool fits(cni_graph *graph, const cni_tensor *x, cni_tensor *const *vectors, int count)
{
    if (x->shape.rank < 2 || cni_tensor_image(x) == 0) {
        cni_fail(&graph->error, CN_ERR_SHAPE, "batch norm: an input of shape %s has no channels behind its batch",
                 CNI_SHOW_SHAPE(&x->shape));
        return false;
    }
    const cni_shape wanted = CNI_SHAPE(x->shape.dims[x->shape.rank - 1]);
    for (int i = 0; i < count; i++)
        if (vectors[i] && !cni_shape_equal(&vectors[i]->shape, &wanted)) {
            cni_fail(&graph->error, CN_ERR_SHAPE,
                     "batch norm: weights of shape %s do not fit an input of shape %s; they must be %s",
                     CNI_SHOW_SHAPE(&vectors[i]->shape), CNI_SHOW_SHAPE(&x->shape), CNI_SHOW_SHAPE(&wanted));
            return false;
        }
    return true;
}

cni_batch_norm cni_batch_norm_train(cni_graph *graph, cni_tensor *x, cni_tensor *gamma, cni_tensor *beta,
                                    double epsilon)
{
    cni_tensor *const in[] = {x, gamma, beta};
    if (!fits(graph, x, in + 1, 2)) return (cni_batch_norm){x, x, x};
    const cni_shape c = CNI_SHAPE(x->shape.dims[x->shape.rank - 1]), shapes[] = {x->shape, c, c};
    const cni_op *op = cni_append(graph, &train_kind, &(batch_norm){.epsilon = epsilon}, 3, in, 3, shapes);
    return (cni_batch_norm){op->out[0], op->out[1], op->out[2]};
}

cni_tensor *cni_batch_norm_inference(cni_graph *graph, cni_tensor *x, cni_tensor *gamma, cni_tensor *beta,
                                     cni_tensor *mean, cni_tensor *variance, double epsilon)
{
    cni_tensor *const in[] = {x, gamma, beta, mean, variance};
    if (!fits(graph, x, in + 1, 4)) return x;
    return cni_append(graph, &inference_kind, &(batch_norm){.epsilon = epsilon}, 5, in, 1, &x->shape)->out[0];
}
