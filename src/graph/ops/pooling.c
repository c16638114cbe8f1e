/* SPDX-License-Identifier: Apache-2.0
 * Pooling and its gradients.  Tasks are blocks of rows of one image; gradients gather, so nothing is added twice. */
#include "graph/ops/pooling.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/pad.h"
#include "graph/ops/taps.h"
#include "kernels/kernels.h"

enum { BLOCK_CELLS = 16 * 1024 }; /* elements read per task */

static const cni_op_kind max_kind, average_kind, global_mean_kind, global_max_kind;

static cni_windows windows_of(const cni_pool2d_attributes *a, const cni_tensor *image, const cni_tensor *pooled)
{
    const int64_t *x = image->shape.dims, *y = pooled->shape.dims;
    return (cni_windows){.h = (int)x[1],
                         .w = (int)x[2],
                         .c = (int)x[3],
                         .oh = (int)y[1],
                         .ow = (int)y[2],
                         .window = {a->window[0], a->window[1]},
                         .strides = {a->strides[0], a->strides[1]},
                         .top = a->top,
                         .left = a->left};
}

/* Work on blocks of rows: of the pooled image forward, of the image backward. */
typedef struct work {
    const cni_kernels *kernels;
    cni_windows v;
    const char *in;
    char *out;
    unsigned char *taps;
    int rows, block_rows, blocks;
    int together; /* rows that one task should have */
    void (*run)(const struct work *w, int image, int first, int last);
} work;

static size_t image_cells(const cni_windows *v)
{
    return (size_t)v->h * (size_t)v->w * (size_t)v->c;
}

static size_t pooled_cells(const cni_windows *v)
{
    return (size_t)v->oh * (size_t)v->ow * (size_t)v->c;
}

static void run_block(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    int image = (int)(index / (size_t)w->blocks), first = (int)(index % (size_t)w->blocks) * w->block_rows;
    w->run(w, image, first, cni_smaller(first + w->block_rows, w->rows));
}

static void run_blocks(work *w, const cni_run *whole_run)
{
    const cni_run some_run = cni_run_for(whole_run, 8.0 * whole_run->n * (double)image_cells(&w->v)), *run = &some_run;
    int blocks = (int)(image_cells(&w->v) / BLOCK_CELLS) + 1;
    w->block_rows = cni_ratio_up(cni_ratio_up(w->rows, cni_smaller(blocks, w->rows)), w->together) * w->together;
    w->blocks = cni_ratio_up(w->rows, w->block_rows);
    cni_parallel(run->pool, (size_t)run->n * (size_t)w->blocks, run_block, w);
}

static work forward_work(const cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    work w = {.kernels = run->kernels,
              .v = windows_of(op->attributes, op->in[0], op->out[0]),
              .in = step->in[0],
              .out = step->out[0]};
    w.rows = w.v.oh;
    w.together = 1;
    return w;
}

static work backward_work(const cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    work w = {.kernels = run->kernels,
              .v = windows_of(op->attributes, op->out[0], op->in[0]),
              .in = step->in[0],
              .out = step->out[0]};
    w.rows = w.v.h;
    w.together = w.v.strides[0];
    return w;
}

static size_t tap_bytes(const cni_windows *v)
{
    return pooled_cells(v) * (cni_wide_taps(v) ? 2 : 1);
}

static void max_rows(const work *w, int image, int first, int last)
{
    size_t real_size = w->kernels->real_size, n = (size_t)image;
    w->kernels->pooling.max(&w->v, w->in + n * image_cells(&w->v) * real_size,
                            w->out + n * pooled_cells(&w->v) * real_size,
                            w->taps ? w->taps + n * tap_bytes(&w->v) : NULL, first, last);
}

static void max_gradient_rows(const work *w, int image, int first, int last)
{
    size_t real_size = w->kernels->real_size, n = (size_t)image;
    w->kernels->pooling.max_gradient(&w->v, w->in + n * pooled_cells(&w->v) * real_size, w->taps + n * tap_bytes(&w->v),
                                     w->out + n * image_cells(&w->v) * real_size, first, last);
}

static void average_rows(const work *w, int image, int first, int last)
{
    size_t real_size = w->kernels->real_size, n = (size_t)image;
    w->kernels->pooling.average(&w->v, w->in + n * image_cells(&w->v) * real_size,
                                w->out + n * pooled_cells(&w->v) * real_size, first, last);
}

static void average_gradient_rows(const work *w, int image, int first, int last)
{
    size_t real_size = w->kernels->real_size, n = (size_t)image;
    w->kernels->pooling.average_gradient(&w->v, w->in + n * pooled_cells(&w->v) * real_size,
                                         w->out + n * image_cells(&w->v) * real_size, first, last);
}

static void run_max(cni_step *step, const cni_run *run)
{
    work w = forward_work(step, run);
    w.taps = step->op->outputs > 1 ? step->out[1] : NULL;
    w.run = max_rows;
    run_blocks(&w, run);
}

static void run_max_gradient(cni_step *step, const cni_run *run)
{
    work w = backward_work(step, run);
    w.taps = (unsigned char *)step->in[1]; /* only read */
    w.run = max_gradient_rows;
    run_blocks(&w, run);
}

static void run_average(cni_step *step, const cni_run *run)
{
    work w = forward_work(step, run);
    w.run = average_rows;
    run_blocks(&w, run);
}

static void run_average_gradient(cni_step *step, const cni_run *run)
{
    work w = backward_work(step, run);
    w.run = average_gradient_rows;
    run_blocks(&w, run);
}

static const cni_op_kind max_gradient_kind = {
    .name = "max_pool2d_gradient", .attributes_size = sizeof(cni_pool2d_attributes), .run = run_max_gradient};

static const cni_op_kind average_gradient_kind = {
    .name = "average_pool2d_gradient", .attributes_size = sizeof(cni_pool2d_attributes), .run = run_average_gradient};

static void max_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    if (op->outputs < 2 || !dout[0]) return;
    din[0] = cni_append(graph, &max_gradient_kind, op->attributes, 2, (cni_tensor *[]){dout[0], op->out[1]}, 1,
                        &op->in[0]->shape)
                 ->out[0];
}

static void average_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    din[0] = cni_append(graph, &average_gradient_kind, op->attributes, 1, &dout[0], 1, &op->in[0]->shape)->out[0];
}

/* Among numbers that are not below 0, a zero makes no other maximum than no cell at all; and where relu made them, the
 * gradient of a maximum of 0 goes nowhere.  `size` is that of what was padded, `count` that of the result. */
static bool with_zeros(cni_pool2d_attributes *a, const cni_padding *padding, const int64_t size[2],
                       const int64_t count[2])
{
    const int64_t *before = padding->before, *after = padding->after;
    if (a->top || a->left || a->bottom || a->right) return false;
    for (int i = 0; i < 4; i++)
        if (before[i] < 0 || after[i] < 0 || ((i == 0 || i == 3) && (before[i] || after[i]))) return false;
    for (int i = 0; i < 2; i++) /* every window has a cell inside */
        if (before[i + 1] >= a->window[i] || (count[i] - 1) * a->strides[i] - before[i + 1] >= size[i]) return false;
    a->top = (int)before[1];
    a->bottom = (int)after[1];
    a->left = (int)before[2];
    a->right = (int)after[2];
    return true;
}

static bool max_takes_padding(cni_op *op, const cni_padding *padding, bool positive)
{
    const int64_t *x = op->in[0]->shape.dims, *y = op->out[0]->shape.dims;
    const int64_t size[2] = {x[1] - padding->before[1] - padding->after[1],
                             x[2] - padding->before[2] - padding->after[2]};
    return positive && op->outputs == 1 && with_zeros(op->attributes, padding, size, y + 1);
}

static bool made_by_relu(const cni_tensor *tensor)
{
    const cni_op *op = tensor->alias_of ? NULL : tensor->producer;
    const cni_epilogue *f = op && op->kind->epilogue_of ? op->kind->epilogue_of(op) : NULL;
    cni_finish finish = {0};
    return f && cni_finish_clamp(&finish, f) && finish.clamps && finish.slope == 0;
}

static cni_tensor *without_zeros(cni_tensor *x, cni_pool2d_attributes *a, const cni_shape *pooled)
{
    const cni_padding *zeros = cni_zeros_round(x);
    cni_tensor *inside = zeros ? x->producer->in[0] : x;
    return zeros && made_by_relu(inside) && with_zeros(a, zeros, inside->shape.dims + 1, pooled->dims + 1) ? inside : x;
}

static const cni_op_kind max_kind = {.name = "max_pool2d",
                                     .attributes_size = sizeof(cni_pool2d_attributes),
                                     .gradient = max_gradient,
                                     .run = run_max,
                                     .take_padding = max_takes_padding};

static const cni_op_kind average_kind = {.name = "average_pool2d",
                                         .attributes_size = sizeof(cni_pool2d_attributes),
                                         .gradient = average_gradient,
                                         .run = run_average};

static cni_shape pooled_shape(const cni_tensor *x, const cni_pool2d_attributes *a)
{
    const int64_t *dims = x->shape.dims;
    int height = cni_window_count((int)dims[1], a->top, a->bottom, a->window[0], a->strides[0], 1);
    int width = cni_window_count((int)dims[2], a->left, a->right, a->window[1], a->strides[1], 1);
    return CNI_SHAPE(dims[0], height, width, dims[3]);
}

cni_tensor *cni_max_pool2d(cni_graph *graph, cni_tensor *x, const cni_pool2d_attributes *attributes)
{
    cni_pool2d_attributes own = *attributes, *a = &own;
    cni_shape shapes[2] = {pooled_shape(x, a), pooled_shape(x, a)};
    x = without_zeros(x, a, &shapes[0]);
    if ((long)a->window[0] * a->window[1] > 256) shapes[1].dims[3] *= 2; /* taps of two bytes: cni_wide_taps */
    cni_op *op = cni_append(graph, &max_kind, a, 1, &x, x->differentiable ? 2 : 1, shapes);
    if (x->differentiable) op->out[1]->element = CNI_BYTE_ELEMENT;
    return op->out[0];
}

cni_tensor *cni_average_pool2d(cni_graph *graph, cni_tensor *x, const cni_pool2d_attributes *a)
{
    cni_shape shape = pooled_shape(x, a);
    return cni_append(graph, &average_kind, a, 1, &x, 1, &shape)->out[0];
}

cni_tensor *cni_maxima_behind(const cni_op *op)
{
    return op->kind == &max_gradient_kind && op->in[1]->producer ? op->in[1]->producer->out[0] : NULL;
}

bool cni_halves(const cni_op *op)
{
    if (op->kind != &max_kind) return false;
    const cni_pool2d_attributes *a = op->attributes;
    const int64_t *x = op->in[0]->shape.dims, *y = op->out[0]->shape.dims;
    for (int i = 0; i < 2; i++)
        if (a->window[i] != 2 || a->strides[i] != 2 || 2 * y[i + 1] > x[i + 1]) return false;
    return !a->top && !a->left;
}

void cni_max_pool2d_halve(const cni_run *run, const void *x, const int size[3], void *y, unsigned char *taps)
{
    work w = {.kernels = run->kernels,
              .v = {.h = size[0],
                    .w = size[1],
                    .c = size[2],
                    .oh = size[0] / 2,
                    .ow = size[1] / 2,
                    .window = {2, 2},
                    .strides = {2, 2}},
              .in = x,
              .out = y,
              .taps = taps,
              .rows = size[0] / 2,
              .together = 1,
              .run = max_rows};
    run_blocks(&w, run);
}

/* Global: one task per image. */

typedef struct global_work {
    const cni_kernels *kernels;
    const char *x, *y, *dy;
    char *out, *share;
    size_t cells;
    int c;
    void (*reduce)(const void *x, size_t cells, int c, void *y);
} global_work;

static void reduce_image(void *context, size_t image, int thread)
{
    (void)thread;
    const global_work *w = context;
    size_t pooled = (size_t)w->c * w->kernels->real_size;
    w->reduce(w->x + image * w->cells * pooled, w->cells, w->c, w->out + image * pooled);
}

static global_work global_work_of(const cni_tensor *image, const cni_run *run)
{
    const int64_t *x = image->shape.dims;
    return (global_work){.kernels = run->kernels, .cells = (size_t)(x[1] * x[2]), .c = (int)x[3]};
}

static void run_global(cni_step *step, const cni_run *run)
{
    global_work w = global_work_of(step->op->in[0], run);
    w.x = step->in[0];
    w.out = step->out[0];
    w.reduce =
        step->op->kind == &global_max_kind ? run->kernels->pooling.global_max : run->kernels->pooling.global_mean;
    cni_parallel(run->pool, (size_t)run->n, reduce_image, &w);
}

static void spread_image(void *context, size_t image, int thread)
{
    const global_work *w = context;
    size_t pooled = (size_t)w->c * w->kernels->real_size, at = image * w->cells * pooled;
    if (w->x)
        w->kernels->pooling.global_max_gradient(w->x + at, w->y + image * pooled, w->dy + image * pooled, w->cells,
                                                w->c, w->share + (size_t)thread * cni_round_up(pooled), w->out + at);
    else
        w->kernels->pooling.global_mean_gradient(w->dy + image * pooled, w->cells, w->c, w->out + at);
}

/* In: dy; for the maximum x and y too. */
static void run_global_gradient(cni_step *step, const cni_run *run)
{
    global_work w = global_work_of(step->op->out[0], run);
    w.dy = step->in[0];
    w.x = step->op->inputs > 1 ? step->in[1] : NULL;
    w.y = step->op->inputs > 1 ? step->in[2] : NULL;
    w.out = step->out[0];
    w.share = step->workspace;
    cni_parallel(run->pool, (size_t)run->n, spread_image, &w);
}

static size_t share_bytes(const cni_op *op, const cni_run *most)
{
    return (size_t)cni_pool_threads(most->pool) *
           cni_round_up((size_t)op->out[0]->shape.dims[3] * most->kernels->real_size);
}

static const cni_op_kind global_mean_gradient_kind = {.name = "global_average_pool_gradient",
                                                      .run = run_global_gradient};

static const cni_op_kind global_max_gradient_kind = {
    .name = "global_max_pool_gradient", .workspace = share_bytes, .run = run_global_gradient};

static void global_mean_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    din[0] = cni_append(graph, &global_mean_gradient_kind, NULL, 1, &dout[0], 1, &op->in[0]->shape)->out[0];
}

static void global_max_gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    din[0] = cni_append(graph, &global_max_gradient_kind, NULL, 3, (cni_tensor *[]){dout[0], op->in[0], op->out[0]}, 1,
                        &op->in[0]->shape)
                 ->out[0];
}

static const cni_op_kind global_mean_kind = {
    .name = "global_average_pool", .gradient = global_mean_gradient, .run = run_global};

static const cni_op_kind global_max_kind = {
    .name = "global_max_pool", .gradient = global_max_gradient, .run = run_global};

static cni_tensor *append_global(cni_graph *graph, const cni_op_kind *kind, cni_tensor *x)
{
    cni_shape shape = CNI_SHAPE(x->shape.dims[0], x->shape.dims[3]);
    return cni_append(graph, kind, NULL, 1, &x, 1, &shape)->out[0];
}

cni_tensor *cni_global_average_pool(cni_graph *graph, cni_tensor *x)
{
    return append_global(graph, &global_mean_kind, x);
}

cni_tensor *cni_global_max_pool(cni_graph *graph, cni_tensor *x)
{
    return append_global(graph, &global_max_kind, x);
}
