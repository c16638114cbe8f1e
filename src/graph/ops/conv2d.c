/* SPDX-License-Identifier: Apache-2.0
 * Two-dimensional convolution: three kinds of ops, each the gradient of the others.
 *
 *     y = conv2d(x, w)    dx = conv2d_transpose(dy, w)    dw = conv2d_weights(x, dy) */
#include "graph/ops/conv2d.h"
#include "graph/ops/algorithm.h"
#include "graph/ops/conv2d_weights.h"
#include "graph/ops/correlate.h"
#include "graph/ops/dense.h"
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/grouped_conv2d.h"
#include "graph/ops/pad.h"
#include "graph/ops/pooling.h"
#include "graph/ops/reshape.h"
#include "graph/ops/taps.h"
#include "graph/ops/winograd_conv2d.h"
#include "graph/ops/winograd_few.h"
#include "kernels/kernels.h"

static const cni_op_kind conv2d_kind, pooled_kind, transpose_kind;

int cni_window_count(int size, int before, int after, int window, int stride, int dilation)
{
    return (size + before + after - (window - 1) * dilation - 1) / stride + 1;
}

static bool is_transposed(const cni_op *op)
{
    return op->kind == &transpose_kind;
}

static bool is_pooled(const cni_op *op)
{
    return op->kind == &pooled_kind;
}

/* Of a forward convolution: [rows, columns, filters] of its results, of which no more may be left than their maxima. */
static cni_shape results_of(const cni_tensor *x, const cni_tensor *w, const cni_conv2d_attributes *a)
{
    const int64_t *from = x->shape.dims, *window = w->shape.dims;
    int height = cni_window_count((int)from[1], a->top, a->bottom, (int)window[0], a->strides[0], a->dilation[0]);
    int width = cni_window_count((int)from[2], a->left, a->right, (int)window[1], a->strides[1], a->dilation[1]);
    return CNI_SHAPE(from[0], height, width, window[3]);
}

static cni_correlation correlation_of(const cni_op *op)
{
    const cni_conv2d_attributes *a = op->attributes;
    const cni_shape results = is_pooled(op) ? results_of(op->in[0], op->in[1], a) : op->out[0]->shape;
    const int64_t *from = op->in[0]->shape.dims, *to = results.dims, *w = op->in[1]->shape.dims;
    return (cni_correlation){.sampling = {.from = {(int)from[1], (int)from[2], (int)from[3]},
                                          .to = {(int)to[1], (int)to[2], (int)to[3]},
                                          .window = {(int)w[0], (int)w[1]},
                                          .strides = {a->strides[0], a->strides[1]},
                                          .dilation = {a->dilation[0], a->dilation[1]},
                                          .padding = {a->top, a->left},
                                          .transposed = is_transposed(op),
                                          .repeat = 1,
                                          .can_fold = a->groups == 1},
                             .groups = a->groups};
}

static int choose(const cni_op *op, const cni_run *most, const cni_choosing *choosing)
{
    const cni_correlation c = correlation_of(op);
    const cni_sampling *s = &c.sampling;
    const cni_conv_shape shape = {.pass = s->transposed ? CNI_PASS_DATA : CNI_PASS_FORWARD,
                                  .from = {s->from[0], s->from[1], s->from[2]},
                                  .to = {s->to[0], s->to[1], s->to[2]},
                                  .window = {s->window[0], s->window[1]},
                                  .strides = {s->strides[0], s->strides[1]},
                                  .dilation = {s->dilation[0], s->dilation[1]},
                                  .groups = c.groups,
                                  .padding = {s->padding[0], s->padding[1]},
                                  .keeps = cni_keeps_packed(op->in[CNI_CONV_W])};
    return (int)cni_planned_algorithm(op, &shape, most, choosing);
}

/* What is added comes from a convolution of the same steps, between which it made zeros. */
static bool adds_steps(const cni_op *op)
{
    const cni_tensor *add = op->in[CNI_CONV_ADD];
    const cni_op *maker = add && !add->alias_of ? add->producer : NULL;
    if (!is_transposed(op) || !maker || !is_transposed(maker) || maker->out[0] != add || maker->way != CNI_DIRECT)
        return false;
    for (int i = CNI_CONV_BIAS; i < CNI_CONV_INPUTS; i++)
        if (maker->in[i]) return false;
    if (((const cni_conv2d_attributes *)maker->attributes)->epilogue.function != CNI_LINEAR) return false;
    const cni_sampling a = correlation_of(op).sampling, b = correlation_of(maker).sampling;
    for (int i = 0; i < 2; i++)
        if (a.window[i] != b.window[i] || a.strides[i] != b.strides[i] || a.dilation[i] != b.dilation[i] ||
            a.padding[i] != b.padding[i])
            return false;
    return true;
}

static cni_winograd_conv winograd_of(const cni_op *op, cni_algorithm algorithm)
{
    const cni_correlation c = correlation_of(op);
    const cni_sampling *s = &c.sampling;
    const int window = s->window[0];
    const int64_t *out = op->out[0]->shape.dims, wanted = is_pooled(op) ? 2 : 1;
    return (cni_winograd_conv){
        .from = {s->from[0], s->from[1], s->from[2]},
        .to = {(int)(out[1] * wanted), (int)(out[2] * wanted), s->to[2]},
        .window = window,
        .results = cni_algorithm_rows[algorithm].results,
        .padding = {s->transposed ? window - 1 - s->padding[0] : s->padding[0],
                    s->transposed ? window - 1 - s->padding[1] : s->padding[1]},
        .transposed = s->transposed,
        .pooled = is_pooled(op),
        .overlaps = cni_algorithm_rows[algorithm].overlaps,
    };
}

/* Of all results, where another op is to find their maxima. */
static size_t results_bytes(const cni_op *op, const cni_run *run)
{
    if (!is_pooled(op)) return 0;
    const cni_shape results = results_of(op->in[0], op->in[1], op->attributes);
    return cni_round_up((size_t)run->batch * (size_t)cni_shape_count(&results, 1) * run->kernels->real_size);
}

/* Weights are not worth transforming ahead. */
static bool is_few(const cni_op *op, const cni_winograd_conv *shape, const cni_run *run)
{
    return !cni_keeps_packed(op->in[CNI_CONV_W]) && !shape->overlaps && cni_winograd_few_serves(shape, run->batch);
}

/* Bytes of packed weights, and of scratch beside them. */
static size_t packed_bytes(const cni_op *op, const cni_run *run, size_t *scratch)
{
    const cni_algorithm algorithm = (cni_algorithm)op->way;
    if (algorithm == CNI_DIRECT) {
        const cni_correlation shape = correlation_of(op);
        *scratch = results_bytes(op, run) + cni_blocks_scratch(&shape.sampling);
        return cni_correlation_packed(&shape, run->kernels->real_size);
    }
    const cni_winograd_conv shape = winograd_of(op, algorithm);
    *scratch = 0;
    return is_few(op, &shape, run) ? 0 : cni_winograd_weights(&shape, run->kernels);
}

static size_t own(const cni_op *op, const cni_run *run)
{
    const cni_algorithm algorithm = (cni_algorithm)op->way;
    if (algorithm == CNI_DIRECT) {
        const cni_correlation shape = correlation_of(op);
        return cni_blocks_own(&shape.sampling, run->kernels->real_size);
    }
    const cni_winograd_conv shape = winograd_of(op, algorithm);
    return is_few(op, &shape, run) ? cni_winograd_few_own(&shape, run) : cni_winograd_own(&shape, run);
}

/* Packed weights lie in the persistent memory when they are worth keeping, else at the head of the workspace. */

static size_t persistent(const cni_op *op, const cni_run *most)
{
    size_t scratch;
    return cni_keeps_packed(op->in[1]) ? packed_bytes(op, most, &scratch) : 0;
}

static size_t workspace(const cni_op *op, const cni_run *most)
{
    size_t scratch, packed = packed_bytes(op, most, &scratch);
    return scratch + (cni_keeps_packed(op->in[1]) ? 0 : packed);
}

/* Of a convolution whose maxima are wanted: which result each is, where the way back asks for that. */
static unsigned char *taps_of(const cni_step *step)
{
    return is_pooled(step->op) && step->op->outputs > 1 ? step->out[1] : NULL;
}

static void run(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    const cni_epilogue *epilogue = &((const cni_conv2d_attributes *)op->attributes)->epilogue;
    cni_finish finish;
    const cni_epilogue *after = cni_conv_finish(step, epilogue, &finish) ? NULL : epilogue;
    size_t scratch, bytes = packed_bytes(op, run, &scratch);
    bool pack;
    void *packed = cni_packed_weights(step, op->in[1], step->workspace, &pack);
    char *rest = (char *)step->workspace + (cni_keeps_packed(op->in[1]) ? 0 : bytes);
    const cni_algorithm algorithm = (cni_algorithm)op->way;
    if (algorithm == CNI_DIRECT) {
        cni_correlation shape = correlation_of(op);
        shape.finish = finish;
        shape.epilogue = after;
        shape.adds_steps = adds_steps(op);
        if (!run->pack_only) shape.gather = cni_gather_begin(step, run);
        void *results = is_pooled(op) ? rest : step->out[0];
        cni_correlate(&shape, run, step->in[0], step->in[1], results, packed, pack, rest + results_bytes(op, run));
        if (is_pooled(op) && !run->pack_only)
            cni_max_pool2d_halve(run, results, shape.sampling.to, step->out[0], taps_of(step));
    } else {
        cni_winograd_conv shape = winograd_of(op, algorithm);
        shape.taps = taps_of(step);
        if (is_few(op, &shape, run)) {
            cni_winograd_few_convolve(&shape, run, step->in[0], step->in[1], &finish, after, step->out[0]);
            return;
        }
        if (!run->pack_only && !shape.overlaps) shape.gather = cni_gather_begin(step, run);
        cni_winograd_convolve(&shape, run, step->in[0], step->in[1], &finish, after, step->out[0], packed, pack);
    }
}

bool cni_is_pointwise(const cni_op *op)
{
    if (op->kind != &conv2d_kind) return false;
    const cni_conv2d_attributes *a = op->attributes;
    const int64_t *w = op->in[CNI_CONV_W]->shape.dims;
    return w[0] == 1 && w[1] == 1 && a->strides[0] == 1 && a->strides[1] == 1 && a->groups == 1 &&
           !(a->top || a->bottom || a->left || a->right);
}

bool cni_conv_finish(const cni_step *step, const cni_epilogue *epilogue, cni_finish *finish)
{
    *finish = (cni_finish){.scale = step->in[CNI_CONV_SCALE],
                           .shift = step->in[CNI_CONV_BIAS],
                           .add = step->in[CNI_CONV_ADD],
                           .mask = step->in[CNI_CONV_MASK]};
    return cni_finish_clamp(finish, epilogue);
}

bool cni_conv_take_padding(cni_op *op, const cni_padding *padding, bool positive)
{
    (void)positive;
    cni_conv2d_attributes *a = op->attributes;
    const int64_t *before = padding->before, *after = padding->after;
    for (int i = 0; i < 4; i++)
        if (before[i] < 0 || after[i] < 0 || ((i == 0 || i == 3) && (before[i] || after[i]))) return false;
    a->top += (int)before[1];
    a->bottom += (int)after[1];
    a->left += (int)before[2];
    a->right += (int)after[2];
    return true;
}

static cni_tensor *append(cni_graph *graph, const cni_op_kind *kind, cni_tensor *x, cni_tensor *w, cni_tensor *bias,
                          int64_t height, int64_t width, int64_t channels, const cni_conv2d_attributes *attributes)
{
    cni_shape shape = CNI_SHAPE(x->shape.dims[0], height, width, channels);
    return cni_append(graph, kind, attributes, CNI_CONV_INPUTS, (cni_tensor *[CNI_CONV_INPUTS]){x, w, bias}, 1, &shape)
        ->out[0];
}

cni_tensor *cni_conv_without_zeros(cni_tensor *x, cni_conv2d_attributes *a)
{
    const cni_padding *zeros = cni_zeros_round(x);
    if (!zeros) return x;
    a->top += (int)zeros->before[1];
    a->bottom += (int)zeros->after[1];
    a->left += (int)zeros->before[2];
    a->right += (int)zeros->after[2];
    return x->producer->in[0];
}

cni_tensor *cni_conv2d(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias,
                       const cni_conv2d_attributes *attributes)
{
    cni_conv2d_attributes own = *attributes, *a = &own;
    x = cni_conv_without_zeros(x, a);
    const int64_t *from = x->shape.dims, *window = w->shape.dims;
    if (a->groups > 1 && a->groups == from[3]) { /* the same weights in the same order, under another shape */
        cni_shape shape = CNI_SHAPE(window[0], window[1], from[3], window[3] / from[3]);
        return cni_depthwise_conv2d(graph, x, cni_reshape(graph, w, shape), bias, a);
    }
    if (cni_is_grouped_conv2d(x, w, a)) return cni_grouped_conv2d(graph, x, w, bias, a);
    const cni_shape y = results_of(x, w, a);
    return append(graph, &conv2d_kind, x, w, bias, y.dims[1], y.dims[2], y.dims[3], a);
}

/* Functions that keep the order of numbers: the largest of what they make is made of the largest.  Different numbers
 * may become one (tanh of 9 and of 10): then the gradient goes to the larger one, and not to the first as it does where
 * the function comes before the maxima.  The slope there is next to nothing. */
static bool keeps_order(const cni_epilogue *f)
{
    static const bool rising[CNI_UNARY_COUNT] = {
        [CNI_ELU] = true,          [CNI_SELU] = true,     [CNI_CELU] = true,     [CNI_SIGMOID] = true,
        [CNI_LOG_SIGMOID] = true,  [CNI_TANH] = true,     [CNI_SOFTPLUS] = true, [CNI_SOFTSIGN] = true,
        [CNI_HARD_SIGMOID] = true, [CNI_HARD_TANH] = true};
    cni_finish finish = {0};
    if (cni_finish_clamp(&finish, f)) return finish.slope >= 0;
    return rising[f->function] && f->a >= 0;
}

bool cni_conv2d_can_pool(const cni_op *op)
{
    if (op->kind != &conv2d_kind || op->in[CNI_CONV_ADD] || op->in[CNI_CONV_MASK]) return false;
    const cni_conv2d_attributes *a = op->attributes;
    const int64_t *w = op->in[CNI_CONV_W]->shape.dims;
    const cni_conv_shape shape = {.window = {(int)w[0], (int)w[1]},
                                  .strides = {a->strides[0], a->strides[1]},
                                  .dilation = {a->dilation[0], a->dilation[1]},
                                  .groups = a->groups};
    bool serves = false;
    for (int k = CNI_DIRECT + 1; k < CNI_ALGORITHMS; k++) serves |= cni_algorithm_serves((cni_algorithm)k, &shape);
    return serves && keeps_order(&a->epilogue);
}

cni_op *cni_conv2d_pooled(cni_graph *graph, const cni_op *conv, const cni_op *pool)
{
    graph->segment = conv->segment;
    const cni_shape shapes[2] = {pool->out[0]->shape, pool->out[0]->shape};
    cni_op *op = cni_append(graph, &pooled_kind, conv->attributes, conv->inputs, conv->in, pool->outputs, shapes);
    op->source = conv->source;
    for (int i = 0; i < pool->outputs; i++) {
        op->out[i] = pool->out[i];
        op->out[i]->producer = op;
    }
    return op;
}

cni_tensor *cni_conv2d_transpose(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias, int height,
                                 int width, const cni_conv2d_attributes *a)
{
    return append(graph, &transpose_kind, x, w, bias, height, width, w->shape.dims[2] * a->groups, a);
}

static void conv2d_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    cni_tensor *x = op->in[0], *w = op->in[1], *bias = op->in[2];
    const int64_t *from = x->shape.dims;
    cni_conv2d_attributes a = *(const cni_conv2d_attributes *)op->attributes;
    a.epilogue = (cni_epilogue){0};
    if (x->differentiable) din[0] = append(graph, &transpose_kind, dout[0], w, NULL, from[1], from[2], from[3], &a);
    if (w->differentiable)
        din[1] = cni_conv2d_weights(graph, x, dout[0], w, &a, bias && bias->differentiable ? &din[2] : NULL);
    else if (bias && bias->differentiable)
        din[2] = cni_column_sums(graph, dout[0]);
}

static void transpose_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    cni_tensor *x = op->in[0], *w = op->in[1], *bias = op->in[2];
    const int64_t *from = x->shape.dims;
    cni_conv2d_attributes a = *(const cni_conv2d_attributes *)op->attributes;
    a.epilogue = (cni_epilogue){0};
    if (x->differentiable) din[0] = append(graph, &conv2d_kind, dout[0], w, NULL, from[1], from[2], from[3], &a);
    if (w->differentiable) din[1] = cni_conv2d_weights(graph, dout[0], x, w, &a, NULL);
    if (bias && bias->differentiable) din[2] = cni_column_sums(graph, dout[0]);
}

static const cni_op_kind conv2d_kind = {.name = "conv2d",
                                        .attributes_size = sizeof(cni_conv2d_attributes),
                                        .gradient = conv2d_gradient,
                                        .choose = choose,
                                        .workspace = workspace,
                                        .own = own,
                                        .persistent = persistent,
                                        .packs = true,
                                        .run = run,
                                        .in_place = true,
                                        .in_place_input = CNI_CONV_ADD,
                                        .epilogue_offset = offsetof(cni_conv2d_attributes, epilogue),
                                        .takes = CNI_CONV_TAKES,
                                        .gathers = true,
                                        .take_padding = cni_conv_take_padding};

/* Its function keeps the order, so that it ends the op as well: the maximum of f of the sums is f of the maximum. */
static const cni_op_kind pooled_kind = {.name = "conv2d max_pool2d",
                                        .attributes_size = sizeof(cni_conv2d_attributes),
                                        .choose = choose,
                                        .workspace = workspace,
                                        .own = own,
                                        .persistent = persistent,
                                        .packs = true,
                                        .epilogue_offset = offsetof(cni_conv2d_attributes, epilogue),
                                        .run = run};

static const cni_op_kind transpose_kind = {.name = "conv2d_transpose",
                                           .attributes_size = sizeof(cni_conv2d_attributes),
                                           .gradient = transpose_gradient,
                                           .choose = choose,
                                           .workspace = workspace,
                                           .own = own,
                                           .persistent = persistent,
                                           .packs = true,
                                           .run = run,
                                           .in_place = true,
                                           .in_place_input = CNI_CONV_ADD,
                                           .epilogue_offset = offsetof(cni_conv2d_attributes, epilogue),
                                           .takes = CNI_CONV_TAKES,
                                           .gathers = true};
