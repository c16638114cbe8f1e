/* SPDX-License-Identifier: Apache-2.0
 * Batch normalization.  x is [rows, c], a channel is a column.  Statistics are taken slice by slice and joined in order
 * (Chan, Golub & LeVeque 1983), so that a large mean costs no digits.  Every op goes over its tensors twice: for sums,
 * up the rows, and for its result, down them, so that what was read last is read again from the cache.  A pass may make
 * an op of the moments: then they are taken while x is written (gather.h), and this op goes over x once.
 *
 * Workspace: vectors of c elements, VECTORS of them and then two for each slice. */
#include "graph/ops/batch_norm.h"
#include "graph/ops/fold.h"
#include "graph/ops/gather.h"
#include "graph/ops/ranges.h"
#include "graph/ops/taps.h"

#include <stddef.h>

typedef struct batch_norm {
    double epsilon;
    cni_epilogue epilogue;
} batch_norm;

/* What the two ops read.  ADD, of x's shape, is NULL until a pass puts it there: y = f(normalized x + add).  So is
 * SUMS: two vectors for each slice, of which the op then takes no sums itself. */
enum { X, GAMMA, BETA, TRAIN_ADD, TRAIN_SUMS, TRAIN_INPUTS, MEAN = TRAIN_ADD, VARIANCE, GIVEN_ADD, GIVEN_INPUTS };

/* SUMS, SUMS_2: sums of dy and of dy (x - mean), together; GATE_SCALE, GATE_SHIFT: what the forward pass had */
enum { SCALE, SHIFT, SLOPE, SUMS, SUMS_2, GATE_SCALE, GATE_SHIFT, VECTORS };

typedef struct sizes {
    size_t c, rows, slices;
} sizes;

enum { SLICE_ROWS = 64, SLICE_CELLS = 8192, MOST_CELLS = 65536 };

/* Slices that are worth a thread's while, and not many more than that: joining them costs as well; but each is to fit
 * the second cache. */
static sizes sizes_of(const cni_tensor *x, int n)
{
    const size_t c = (size_t)x->shape.dims[x->shape.rank - 1], rows = cni_tensor_count(x, n) / c;
    const size_t by_size = rows * c / SLICE_CELLS, by_count = rows / SLICE_ROWS;
    const size_t least = rows * c / MOST_CELLS, most = least > CNI_MAX_SLICES ? least : CNI_MAX_SLICES;
    size_t slices = by_size < by_count ? by_size : by_count;
    if (slices > most) slices = most;
    slices -= slices > 4 ? slices % 4 : slices / 3; /* 1, 2, or as many for each of four threads */
    return (sizes){c, rows, slices < 1 ? 1 : slices};
}

typedef struct work {
    const cni_kernels *kernels;
    sizes s;
    char *workspace, *parts; /* parts: two vectors for each slice */
    const char *x, *dy, *mean, *add;
    char *y;
    const cni_epilogue *epilogue;
    cni_finish finish;
    bool ends;            /* the epilogue is more than the finish can do */
    const cni_gate *gate; /* or NULL */
    bool of_relu;         /* x is what a relu has let through, and the gradient goes on through that */
} work;

static void *vector(const work *w, size_t index)
{
    return w->workspace + index * w->s.c * w->kernels->real_size;
}

static void *slice_vectors(const work *w, size_t slice)
{
    return w->parts + 2 * slice * w->s.c * w->kernels->real_size;
}

/* Where moments are: those that an op of their own has taken, or memory for them. */
static char *parts_of(const work *w, const void *taken)
{
    return taken ? (char *)(uintptr_t)taken : vector(w, VECTORS);
}

static size_t offset_of(const work *w, size_t row)
{
    return row * w->s.c * w->kernels->real_size;
}

/* Pieces of rows, some in the second cache, from the last to the first: who reads next begins with what is nearest.
 * Within a piece it goes upwards, the only way that processors foresee. */

enum { PIECE = 65536 };

static void downwards(const work *w, size_t begin, size_t end, void (*piece)(const work *w, size_t first, size_t rows))
{
    const size_t rows = PIECE / w->s.c + 1;
    for (size_t left = end; left > begin;) {
        const size_t some = left - begin < rows ? left - begin : rows;
        left -= some;
        piece(w, left, some);
    }
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

static void normalize_piece(const work *w, size_t first, size_t rows)
{
    cni_finish finish = w->finish;
    char *y = w->y + offset_of(w, first);
    if (finish.add) finish.add = w->add + offset_of(w, first);
    w->kernels->elementwise.finish(&finish, w->x + offset_of(w, first), y, rows, w->s.c);
    if (w->ends) w->kernels->elementwise.unary(w->epilogue, y, y, rows * w->s.c);
}

static void normalize_rows(void *context, size_t begin, size_t end)
{
    downwards(context, begin, end, normalize_piece);
}

/* scale = gamma / deviation, shift = beta - mean scale.  The gradient needs the same bits again. */
static void scale_and_shift(const work *w, const void *variance, const void *gamma, const void *beta, double epsilon,
                            void *scale, void *shift)
{
    inverse_deviation(w, variance, epsilon, scale);
    if (gamma) multiply(w, scale, gamma, scale);
    multiply(w, w->mean, scale, shift);
    w->kernels->elementwise.axpby(-1, shift, 0, shift, w->s.c);
    if (beta) w->kernels->elementwise.axpby(1, beta, 1, shift, w->s.c);
}

/* y = f(x scale + shift + add) */
static void normalize(work *w, cni_pool *pool, const void *variance, const void *gamma, const void *beta,
                      const void *add, double epsilon)
{
    void *scale = vector(w, SCALE), *shift = vector(w, SHIFT);
    scale_and_shift(w, variance, gamma, beta, epsilon, scale, shift);
    w->add = add;
    w->finish = (cni_finish){.scale = scale, .shift = shift, .add = add};
    w->ends = !cni_finish_clamp(&w->finish, w->epilogue);
    cni_ranges_down(pool, w->s.rows, cni_grain_of(w->s.c), normalize_rows, w);
}

/* Training */

static size_t workspace(const cni_op *op, const cni_run *most)
{
    const sizes s = sizes_of(op->in[0], most->n);
    return (VECTORS + 2 * s.slices) * s.c * most->kernels->real_size;
}

static void moments_of_slice(const work *w, size_t slice)
{
    const size_t first = cni_slice_begin(w->s.rows, w->s.slices, slice);
    char *mean = slice_vectors(w, slice);
    w->kernels->normalization.moments(w->x + offset_of(w, first), mean, mean + offset_of(w, 1),
                                      cni_slice_begin(w->s.rows, w->s.slices, slice + 1) - first, w->s.c);
}

static void slice_moments(void *context, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) moments_of_slice(context, i);
}

static void join_slices(const work *w, void *mean, void *variance)
{
    char *all = slice_vectors(w, 0);
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
              .x = step->in[X],
              .mean = step->out[1],
              .y = step->out[0],
              .epilogue = &b->epilogue};
    w.parts = parts_of(&w, step->in[TRAIN_SUMS]);
    if (!step->in[TRAIN_SUMS]) cni_ranges(run->pool, w.s.slices, 1, slice_moments, &w);
    join_slices(&w, step->out[1], step->out[2]);
    normalize(&w, run->pool, step->out[2], step->in[GAMMA], step->in[BETA], step->in[TRAIN_ADD], b->epsilon);
}

/* Gradients, of both kinds.  With g = dy through the gate, which a pass makes of a relu behind the normalization:
 *
 *   dbeta = sum g     dgamma = sum g (x - mean) / deviation     dx = g gamma / deviation               statistics
 * given dx = a g + b x + k   with a = gamma / deviation,                                              statistics of x
 * itself b = (2 dvariance - a sum g (x - mean) / deviation^2) / rows,   k = (dmean - a sum g) / rows - b mean */

typedef struct batch_norm_gradient {
    double epsilon;
    bool of_train, wants_x, wants_sums, gated, of_relu;
    cni_epilogue relu; /* of the gate */
} batch_norm_gradient;

/* DMEAN, DVARIANCE: what arrives at the statistics, when training; BETA is for the gate. */
enum { OF_DY, OF_X, OF_MEAN, OF_VARIANCE, OF_GAMMA, OF_DMEAN, OF_DVARIANCE, OF_BETA, GRADIENT_INPUTS };

static size_t gradient_workspace(const cni_op *op, const cni_run *most)
{
    const sizes s = sizes_of(op->in[OF_X], most->n);
    return (VECTORS + 2 * s.slices) * s.c * most->kernels->real_size;
}

static void slice_sums(void *context, size_t begin, size_t end)
{
    const work *w = context;
    for (size_t i = begin; i < end; i++) {
        const size_t first = cni_slice_begin(w->s.rows, w->s.slices, i);
        char *sum = slice_vectors(w, i);
        w->kernels->normalization.gradient_sums(w->x + offset_of(w, first), w->dy + offset_of(w, first), w->gate,
                                                w->mean, sum, sum + offset_of(w, 1),
                                                cni_slice_begin(w->s.rows, w->s.slices, i + 1) - first, w->s.c);
    }
}

static void combine_piece(const work *w, size_t first, size_t rows)
{
    const size_t at = offset_of(w, first);
    w->kernels->normalization.gradient_combine(w->x + at, w->dy + at, w->gate, vector(w, SCALE), vector(w, SLOPE),
                                               vector(w, SHIFT), w->of_relu, w->y + at, rows, w->s.c);
}

static void scale_piece(const work *w, size_t first, size_t rows)
{
    const cni_finish finish = {.scale = vector(w, SCALE)};
    w->kernels->elementwise.finish(&finish, w->dy + offset_of(w, first), w->y + offset_of(w, first), rows, w->s.c);
}

static void combine_rows(void *context, size_t begin, size_t end)
{
    downwards(context, begin, end, combine_piece);
}

static void scale_rows(void *context, size_t begin, size_t end)
{
    downwards(context, begin, end, scale_piece);
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
    multiply(w, slope, w->mean, vector(w, SUMS));
    w->kernels->elementwise.axpby(-1, vector(w, SUMS), 1, shift, w->s.c);
}

static void given_statistics(const work *w)
{
    w->kernels->elementwise.fill(0, vector(w, SLOPE), w->s.c);
    w->kernels->elementwise.fill(0, vector(w, SHIFT), w->s.c);
}

static cni_gate gate_of(const cni_epilogue *f, const void *scale, const void *shift)
{
    cni_finish clamp;
    cni_finish_clamp(&clamp, f);
    return (cni_gate){.scale = scale,
                      .shift = shift,
                      .zero_passes = cni_unary_variant(f) == CNI_LEAKY_RELU || cni_unary_variant(f) == CNI_RELU_LEAKY,
                      .slope = clamp.slope,
                      .most = clamp.most};
}

static void run_gradient(cni_step *step, const cni_run *run)
{
    const batch_norm_gradient *g = step->op->attributes;
    const cni_elementwise_kernels *e = &run->kernels->elementwise;
    work w = {.kernels = run->kernels,
              .s = sizes_of(step->op->in[OF_X], run->n),
              .workspace = step->workspace,
              .x = step->in[OF_X],
              .dy = step->in[OF_DY],
              .mean = step->in[OF_MEAN],
              .y = step->out[0],
              .of_relu = g->of_relu};
    void *scale = vector(&w, SCALE), *deviation = vector(&w, SLOPE);
    cni_gate gate;
    if (g->gated) {
        scale_and_shift(&w, step->in[OF_VARIANCE], step->in[OF_GAMMA], step->in[OF_BETA], g->epsilon,
                        vector(&w, GATE_SCALE), vector(&w, GATE_SHIFT));
        gate = gate_of(&g->relu, vector(&w, GATE_SCALE), vector(&w, GATE_SHIFT));
        w.gate = &gate;
    }
    w.parts = vector(&w, VECTORS);
    inverse_deviation(&w, step->in[OF_VARIANCE], g->epsilon, deviation);
    e->axpby(1, deviation, 0, scale, w.s.c);
    if (step->in[OF_GAMMA]) multiply(&w, scale, step->in[OF_GAMMA], scale);
    if (g->wants_sums || g->of_train) {
        cni_ranges(run->pool, w.s.slices, 1, slice_sums, &w);
        e->reduce(CNI_SUM, slice_vectors(&w, 0), vector(&w, SUMS), 1, w.s.slices, 2 * w.s.c);
        multiply(&w, vector(&w, SUMS_2), deviation, step->out[1]);
        e->axpby(1, vector(&w, SUMS), 0, step->out[2], w.s.c);
    }
    if (!g->wants_x) return;
    if (g->of_train)
        own_statistics(&w, step->in[OF_DMEAN], step->in[OF_DVARIANCE]);
    else
        given_statistics(&w);
    cni_ranges_down(run->pool, w.s.rows, cni_grain_of(w.s.c),
                    g->of_train || w.gate || w.of_relu ? combine_rows : scale_rows, &w);
}

static const cni_op_kind gradient_kind = {
    .name = "batch norm gradient",
    .attributes_size = sizeof(batch_norm_gradient),
    .workspace = gradient_workspace,
    .run = run_gradient,
    .in_place = true,
};

/* Moments as an op of their own, which may follow whoever writes x. */

static size_t slices_of(const cni_op *op, int n)
{
    return sizes_of(op->in[0], n).slices;
}

static size_t moments_persistent(const cni_op *op, const cni_run *most)
{
    return cni_gather_bytes(slices_of(op, most->n));
}

static void moments_slice(const cni_step *step, const cni_run *run, size_t slice)
{
    const work w = {
        .kernels = run->kernels, .s = sizes_of(step->op->in[0], run->n), .x = step->in[0], .parts = step->out[0]};
    moments_of_slice(&w, slice);
}

static const cni_op_kind moments_kind = {
    .name = "batch norm moments",
    .persistent = moments_persistent,
    .run = cni_gather_run,
    .slicing = {.slices = slices_of, .slice = moments_slice},
};

static bool wants(const cni_tensor *tensor)
{
    return tensor && tensor->differentiable;
}

static void append_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const in[GRADIENT_INPUTS], bool of_train,
                            cni_tensor **din)
{
    const cni_shape vector_shape = in[2]->shape;
    const batch_norm_gradient g = {.epsilon = ((const batch_norm *)op->attributes)->epsilon,
                                   .of_train = of_train,
                                   .wants_x = wants(op->in[X]),
                                   .wants_sums = wants(op->in[GAMMA]) || wants(op->in[BETA])};
    const cni_shape shapes[] = {g.wants_x ? in[1]->shape : vector_shape, vector_shape, vector_shape};
    const cni_op *made = cni_append(graph, &gradient_kind, &g, GRADIENT_INPUTS, in, 3, shapes);
    for (int i = 0; i < 3; i++)
        if (wants(op->in[i])) din[i] = made->out[i];
}

static void train_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    cni_tensor *dy = dout[0] ? dout[0] : cni_graph_constant(graph, op->in[0]->shape, 0);
    append_gradient(
        graph, op,
        (cni_tensor *const[]){dy, op->in[X], op->out[1], op->out[2], op->in[GAMMA], dout[1], dout[2], op->in[BETA]},
        true, din);
}

static void inference_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    append_gradient(graph, op,
                    (cni_tensor *const[]){dout[0], op->in[X], op->in[MEAN], op->in[VARIANCE], op->in[GAMMA], NULL, NULL,
                                          op->in[BETA]},
                    false, din);
}

static void run_inference(cni_step *step, const cni_run *run)
{
    const batch_norm *b = step->op->attributes;
    work w = {.kernels = run->kernels,
              .s = sizes_of(step->op->in[0], run->n),
              .workspace = step->workspace,
              .x = step->in[X],
              .mean = step->in[MEAN],
              .y = step->out[0],
              .epilogue = &b->epilogue};
    normalize(&w, run->pool, step->in[VARIANCE], step->in[GAMMA], step->in[BETA], step->in[GIVEN_ADD], b->epsilon);
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
    .takes = {.add = TRAIN_ADD},
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
    .takes = {.add = GIVEN_ADD},
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
    cni_tensor *const in[TRAIN_INPUTS] = {x, gamma, beta};
    if (!fits(graph, x, in + 1, 2)) return (cni_batch_norm){x, x, x};
    const cni_shape c = CNI_SHAPE(x->shape.dims[x->shape.rank - 1]), shapes[] = {x->shape, c, c};
    const cni_op *op = cni_append(graph, &train_kind, &(batch_norm){.epsilon = epsilon}, TRAIN_INPUTS, in, 3, shapes);
    return (cni_batch_norm){op->out[0], op->out[1], op->out[2]};
}

cni_tensor *cni_batch_norm_inference(cni_graph *graph, cni_tensor *x, cni_tensor *gamma, cni_tensor *beta,
                                     cni_tensor *mean, cni_tensor *variance, double epsilon)
{
    cni_tensor *const in[GIVEN_INPUTS] = {x, gamma, beta, mean, variance};
    if (!fits(graph, x, in + 1, 4)) return x;
    return cni_append(graph, &inference_kind, &(batch_norm){.epsilon = epsilon}, GIVEN_INPUTS, in, 1, &x->shape)
        ->out[0];
}

/* For passes */

static bool same_function(const cni_epilogue *a, const cni_epilogue *b)
{
    return a->function == b->function && a->a == b->a && a->b == b->b && a->c == b->c;
}

/* A relu whose slope a gate knows: with another bound than 6 it is 1/2 there. */
static bool can_be_gate(const cni_epilogue *f)
{
    cni_finish clamp = {0};
    if (f->function == CNI_LINEAR || !cni_finish_clamp(&clamp, f)) return false;
    const int variant = cni_unary_variant(f);
    return variant == CNI_RELU || variant == CNI_RELU6 || variant == CNI_LEAKY_RELU || variant == CNI_RELU_LEAKY;
}

bool cni_batch_norm_take_gate(cni_op *op, const cni_epilogue *f, const cni_tensor *y)
{
    if (op->kind != &gradient_kind || !y || !can_be_gate(f)) return false;
    batch_norm_gradient *g = op->attributes;
    const cni_op *forward = y->producer;
    if (g->gated || !forward || forward->out[0] != y || forward->in[X] != op->in[OF_X]) return false;
    if (forward->kind != (g->of_train ? &train_kind : &inference_kind)) return false;
    if (forward->in[g->of_train ? TRAIN_ADD : GIVEN_ADD]) return false;
    if (forward->in[GAMMA] != op->in[OF_GAMMA] || forward->in[BETA] != op->in[OF_BETA]) return false;
    if (!same_function(f, &((const batch_norm *)forward->attributes)->epilogue)) return false;
    g->gated = true;
    g->relu = *f;
    return true;
}

bool cni_batch_norm_take_relu(cni_op *op, const cni_tensor *mask)
{
    if (op->kind != &gradient_kind || op->in[OF_X] != mask) return false;
    batch_norm_gradient *g = op->attributes;
    if (!g->wants_x || g->of_relu) return false;
    return g->of_relu = true;
}

cni_op *cni_batch_norm_moments(cni_graph *graph, cni_op *op, int batch)
{
    if (op->kind != &train_kind || op->in[TRAIN_SUMS]) return NULL;
    const sizes s = sizes_of(op->in[X], batch);
    const cni_shape parts = CNI_SHAPE((int64_t)(2 * s.slices * s.c));
    graph->segment = op->segment;
    graph->source = op->source;
    cni_op *moments = cni_append(graph, &moments_kind, NULL, 1, op->in, 1, &parts);
    op->in[TRAIN_SUMS] = moments->out[0];
    return moments;
}
