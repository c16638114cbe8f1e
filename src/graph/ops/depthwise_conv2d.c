/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution and its gradients.  With m filters per channel, each channel of x is repeated m times while a
 * block is copied, so that the kernel knows only one filter per channel; the gradient for x adds them up again. */
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/blocks.h"
#include "graph/ops/dense.h"

#include <string.h>

enum { WEIGHT_CHANNELS = 64, WANTED_TASKS = 32, SLICE_BYTES = 1 << 23, COPY_BYTES = 128 * 1024 };

static const cni_op_kind depthwise_kind, data_kind, weights_kind;

static cni_sampling sampling_of(const cni_op *op, const cni_tensor *w, bool transposed)
{
    const cni_conv2d_attributes *a = op->attributes;
    const int64_t *from = op->in[0]->shape.dims, *to = op->out[0]->shape.dims, *window = w->shape.dims;
    return (cni_sampling){.from = {(int)from[1], (int)from[2], (int)from[3]},
                          .to = {(int)to[1], (int)to[2], (int)to[3]},
                          .window = {(int)window[0], (int)window[1]},
                          .strides = {a->strides[0], a->strides[1]},
                          .dilation = {a->dilation[0], a->dilation[1]},
                          .padding = {a->top, a->left},
                          .transposed = transposed,
                          .repeat = transposed ? 1 : (int)window[3]};
}

/* Forward: in x, w, bias.  For the data: in dy, w. */

typedef struct work {
    const cni_kernels *kernels;
    const cni_epilogue *epilogue;
    cni_blocks blocks;
    const void *w, *bias; /* w of a part: first_tap * width */
    void *y;
    char *sums; /* of m filters, before they are added up: for each thread */
    size_t sums_bytes;
    int width, m;
} work;

static cni_depthwise kernel_of(const work *w, const cni_block *b)
{
    size_t real_size = w->kernels->real_size;
    return (cni_depthwise){.x = b->x,
                           .x_row = b->x_row,
                           .x_pixel = b->x_pixel,
                           .tap = b->tap,
                           .taps = b->taps,
                           .w = cni_at(w->w, (ptrdiff_t)b->part->first_tap * w->width, real_size),
                           .bias = w->bias,
                           .y = cni_at_mutable(w->y, b->y, real_size),
                           .y_row = b->y_row,
                           .y_pixel = b->y_pixel,
                           .rows = b->rows,
                           .columns = b->columns,
                           .width = w->width,
                           .relu = cni_plain_relu(w->epilogue)};
}

static void forward_block(void *context, size_t index, int thread)
{
    const work *w = context;
    cni_block b = cni_block_of(&w->blocks, index, thread);
    cni_depthwise kernel = kernel_of(w, &b);
    w->kernels->convolution.depthwise(&kernel);
    cni_block_finish(&w->blocks, &b, w->epilogue, w->kernels, w->y, 0, w->width);
}

static size_t forward_workspace(const cni_op *op, int n, int threads, size_t real_size)
{
    (void)n;
    cni_sampling sampling = sampling_of(op, op->in[1], false);
    return cni_blocks_scratch(&sampling, threads, real_size);
}

static void run_forward(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    cni_sampling sampling = sampling_of(op, op->in[1], false);
    work w = {.kernels = run->kernels,
              .epilogue = &((const cni_conv2d_attributes *)op->attributes)->epilogue,
              .w = step->in[1],
              .bias = step->in[2],
              .y = step->out[0],
              .width = sampling.to[2]};
    cni_blocks_init(&w.blocks, &sampling, run, step->in[0], 1, step->workspace);
    cni_parallel(run->pool, w.blocks.tasks, forward_block, &w);
}

/* dx[k] = the sum of m neighbours. */
static void add_filters(const work *w, const cni_block *b, const void *sums)
{
    size_t real_size = w->kernels->real_size;
    ptrdiff_t at = 0;
    for (size_t r = 0; r < b->rows; r++)
        for (size_t q = 0; q < b->columns; q++, at += w->width) {
            ptrdiff_t to = b->y + (ptrdiff_t)r * b->y_row + (ptrdiff_t)q * b->y_pixel;
            w->kernels->elementwise.reduce(CNI_SUM, cni_at(sums, at, real_size), cni_at_mutable(w->y, to, real_size),
                                           (size_t)(w->width / w->m), (size_t)w->m, 1);
        }
}

static void data_block(void *context, size_t index, int thread)
{
    const work *w = context;
    cni_block b = cni_block_of(&w->blocks, index, thread);
    cni_depthwise kernel = kernel_of(w, &b);
    if (w->m > 1) {
        kernel.y = w->sums + (size_t)thread * w->sums_bytes;
        kernel.y_pixel = w->width;
        kernel.y_row = (ptrdiff_t)b.columns * w->width;
    }
    w->kernels->convolution.depthwise(&kernel);
    if (w->m > 1) add_filters(w, &b, kernel.y);
}

static size_t taps_bytes(const cni_op *op, size_t real_size)
{
    return cni_round_up(cni_tensor_image(op->in[1]) * real_size);
}

/* A block has at most as many outputs as dx has cells. */
static size_t sums_bytes(const cni_op *op, size_t real_size)
{
    const int64_t *dx = op->out[0]->shape.dims, *w = op->in[1]->shape.dims;
    return w[3] > 1 ? cni_round_up((size_t)(dx[1] * dx[2] * w[2] * w[3]) * real_size) : 0;
}

static size_t data_workspace(const cni_op *op, int n, int threads, size_t real_size)
{
    (void)n;
    cni_sampling sampling = sampling_of(op, op->in[1], true);
    return taps_bytes(op, real_size) + (size_t)threads * sums_bytes(op, real_size) +
           cni_blocks_scratch(&sampling, threads, real_size);
}

/* Rows of w in the order in which the parts use them. */
static void sort_taps(const work *w, const void *from, void *to)
{
    size_t real_size = w->kernels->real_size;
    char *at = to;
    for (int i = 0; i < w->blocks.parts; i++) {
        const cni_phase *rows = w->blocks.part[i].rows, *columns = w->blocks.part[i].columns;
        for (int r = 0; r < rows->taps; r++)
            for (int s = 0; s < columns->taps; s++, at += (size_t)w->width * real_size) {
                ptrdiff_t tap = (ptrdiff_t)rows->index[r] * w->blocks.sampling->window[1] + columns->index[s];
                memcpy(at, cni_at(from, tap * w->width, real_size), (size_t)w->width * real_size);
            }
    }
}

static void run_data(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    size_t real_size = run->kernels->real_size;
    cni_sampling sampling = sampling_of(op, op->in[1], true);
    char *memory = step->workspace;
    work w = {.kernels = run->kernels,
              .w = memory,
              .y = step->out[0],
              .sums = memory + taps_bytes(op, real_size),
              .sums_bytes = sums_bytes(op, real_size),
              .width = sampling.from[2],
              .m = (int)op->in[1]->shape.dims[3]};
    cni_blocks_init(&w.blocks, &sampling, run, step->in[0], 1,
                    w.sums + (size_t)cni_pool_threads(run->pool) * w.sums_bytes);
    sort_taps(&w, step->in[1], memory);
    cni_parallel(run->pool, w.blocks.tasks, data_block, &w);
}

/* For the weights: in x, dy.  Tasks: channels of dy, and slices of the images, which are added in their order.  How
 * many is a matter of the shapes alone. */

typedef struct weights_work {
    const cni_kernels *kernels;
    cni_sampling s;
    const void *x, *dy;
    void *dw;
    char *slice_memory, *private_memory;
    size_t weights, slice_bytes, private_bytes, table_bytes;
    int n, m, channels, pieces, slices, block_rows;
} weights_work;

static int rows_read(const cni_sampling *s, int rows)
{
    return (rows - 1) * s->strides[0] + (s->window[0] - 1) * s->dilation[0] + 1;
}

static int columns_read(const cni_sampling *s)
{
    return (s->to[1] - 1) * s->strides[1] + (s->window[1] - 1) * s->dilation[1] + 1;
}

/* Everything but the pointers. */
static weights_work plan_weights(const cni_op *op, int n, size_t real_size)
{
    const cni_conv2d_attributes *a = op->attributes;
    const int64_t *from = op->in[0]->shape.dims, *to = op->in[1]->shape.dims, *w = op->out[0]->shape.dims;
    weights_work p = {.s = {.from = {(int)from[1], (int)from[2], (int)from[3]},
                            .to = {(int)to[1], (int)to[2], (int)to[3]},
                            .window = {(int)w[0], (int)w[1]},
                            .strides = {a->strides[0], a->strides[1]},
                            .dilation = {a->dilation[0], a->dilation[1]},
                            .padding = {a->top, a->left}},
                      .n = n,
                      .m = (int)w[3]};
    p.channels = cni_smaller((int)from[3], WEIGHT_CHANNELS / p.m > 0 ? WEIGHT_CHANNELS / p.m : 1);
    p.pieces = cni_ratio_up((int)from[3], p.channels);
    p.weights = cni_tensor_image(op->out[0]);
    p.slice_bytes = cni_round_up(p.weights * real_size);
    p.slices = cni_smaller(n, cni_ratio_up(WANTED_TASKS, p.pieces));
    if ((size_t)p.slices * p.slice_bytes > SLICE_BYTES) p.slices = 1;
    size_t row = (size_t)columns_read(&p.s) * (size_t)(p.channels * p.m) * real_size;
    p.block_rows = 1;
    while (p.block_rows < p.s.to[0] && row * (size_t)rows_read(&p.s, p.block_rows + 1) <= COPY_BYTES) p.block_rows++;
    p.table_bytes = cni_round_up((size_t)(w[0] * w[1]) * sizeof(ptrdiff_t));
    p.private_bytes = p.table_bytes + cni_round_up(row * (size_t)rows_read(&p.s, p.block_rows));
    return p;
}

static size_t weights_workspace(const cni_op *op, int n, int threads, size_t real_size)
{
    weights_work p = plan_weights(op, n, real_size);
    return (size_t)threads * p.private_bytes + (p.slices > 1 ? (size_t)p.slices * p.slice_bytes : 0);
}

static void weigh_block(const weights_work *w, int image, int first, int last, int channel, int channels,
                        const ptrdiff_t *tap, void *copy, void *dw, bool accumulate)
{
    const cni_sampling *s = &w->s;
    size_t real_size = w->kernels->real_size;
    cni_rectangle reads = {.top = first * s->strides[0] - s->padding[0],
                           .left = -s->padding[1],
                           .rows = rows_read(s, last - first),
                           .columns = columns_read(s),
                           .channel = channel,
                           .channels = channels,
                           .repeat = w->m};
    cni_rectangle_copy(&reads, cni_at(w->x, (ptrdiff_t)image * s->from[0] * s->from[1] * s->from[2], real_size),
                       s->from[0], s->from[1], s->from[2], real_size, copy);
    ptrdiff_t pixel = (ptrdiff_t)channels * w->m, dy_row = (ptrdiff_t)s->to[1] * s->to[2];
    cni_depthwise_weights kernel = {
        .x = copy,
        .x_row = s->strides[0] * reads.columns * pixel,
        .x_pixel = s->strides[1] * pixel,
        .tap = tap,
        .taps = s->window[0] * s->window[1],
        .dy = cni_at(w->dy, ((ptrdiff_t)image * s->to[0] + first) * dy_row + (ptrdiff_t)channel * w->m, real_size),
        .dy_row = dy_row,
        .dy_pixel = s->to[2],
        .rows = (size_t)(last - first),
        .columns = (size_t)s->to[1],
        .dw = cni_at_mutable(dw, (ptrdiff_t)channel * w->m, real_size),
        .dw_row = s->to[2],
        .width = (int)pixel,
        .accumulate = accumulate,
    };
    w->kernels->convolution.depthwise_weights(&kernel);
}

static void weigh(void *context, size_t index, int thread)
{
    const weights_work *w = context;
    const cni_sampling *s = &w->s;
    int slice = (int)(index % (size_t)w->slices), channel = (int)(index / (size_t)w->slices) * w->channels;
    int channels = cni_smaller(w->channels, s->from[2] - channel);
    char *memory = w->private_memory + (size_t)thread * w->private_bytes;
    ptrdiff_t *tap = (ptrdiff_t *)memory, pixel = (ptrdiff_t)channels * w->m;
    for (int r = 0; r < s->window[0]; r++)
        for (int k = 0; k < s->window[1]; k++)
            tap[r * s->window[1] + k] =
                ((ptrdiff_t)r * s->dilation[0] * columns_read(s) + (ptrdiff_t)k * s->dilation[1]) * pixel;
    void *dw = w->slices > 1 ? w->slice_memory + (size_t)slice * w->slice_bytes : w->dw;
    int first = (int)((int64_t)w->n * slice / w->slices), last = (int)((int64_t)w->n * (slice + 1) / w->slices);
    for (int image = first; image < last; image++)
        for (int row = 0; row < s->to[0]; row += w->block_rows)
            weigh_block(w, image, row, cni_smaller(row + w->block_rows, s->to[0]), channel, channels, tap,
                        memory + w->table_bytes, dw, image > first || row > 0);
}

static void run_weights(cni_step *step, const cni_run *run)
{
    size_t real_size = run->kernels->real_size;
    weights_work w = plan_weights(step->op, run->n, real_size);
    w.kernels = run->kernels;
    w.x = step->in[0];
    w.dy = step->in[1];
    w.dw = step->out[0];
    w.private_memory = step->workspace;
    w.slice_memory = w.private_memory + (size_t)cni_pool_threads(run->pool) * w.private_bytes;
    cni_parallel(run->pool, (size_t)w.pieces * (size_t)w.slices, weigh, &w);
    if (w.slices > 1)
        run->kernels->matmul.column_sums(w.slice_memory, (ptrdiff_t)(w.slice_bytes / real_size), (size_t)w.slices,
                                         (int)w.weights, w.dw, false);
}

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    cni_tensor *x = op->in[0], *w = op->in[1], *bias = op->in[2], *dy = dout[0];
    cni_conv2d_attributes a = *(const cni_conv2d_attributes *)op->attributes;
    a.epilogue = (cni_epilogue){0};
    if (x->differentiable) din[0] = cni_append(graph, &data_kind, &a, 2, (cni_tensor *[]){dy, w}, 1, &x->shape)->out[0];
    if (w->differentiable)
        din[1] = cni_append(graph, &weights_kind, &a, 2, (cni_tensor *[]){x, dy}, 1, &w->shape)->out[0];
    if (bias && bias->differentiable) din[2] = cni_column_sums(graph, dy);
}

static const cni_op_kind depthwise_kind = {.name = "depthwise_conv2d",
                                           .attributes_size = sizeof(cni_conv2d_attributes),
                                           .gradient = gradient,
                                           .workspace = forward_workspace,
                                           .run = run_forward,
                                           .epilogue_offset = offsetof(cni_conv2d_attributes, epilogue)};

static const cni_op_kind data_kind = {.name = "depthwise_conv2d_data",
                                      .attributes_size = sizeof(cni_conv2d_attributes),
                                      .workspace = data_workspace,
                                      .run = run_data};

static const cni_op_kind weights_kind = {.name = "depthwise_conv2d_weights",
                                         .attributes_size = sizeof(cni_conv2d_attributes),
                                         .workspace = weights_workspace,
                                         .run = run_weights};

cni_tensor *cni_depthwise_conv2d(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias,
                                 const cni_conv2d_attributes *a)
{
    const int64_t *from = x->shape.dims, *window = w->shape.dims;
    int height = cni_window_count((int)from[1], a->top, a->bottom, (int)window[0], a->strides[0], a->dilation[0]);
    int width = cni_window_count((int)from[2], a->left, a->right, (int)window[1], a->strides[1], a->dilation[1]);
    cni_shape shape = CNI_SHAPE(from[0], height, width, from[3] * window[3]);
    return cni_append(graph, &depthwise_kind, a, 3, (cni_tensor *[]){x, w, bias}, 1, &shape)->out[0];
}
