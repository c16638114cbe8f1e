/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution and its gradients.  With m filters per channel, each channel of x is repeated m times while a
 * block is copied, so that the kernel knows only one filter per channel; the gradient for x adds them up again. */
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/blocks.h"
#include "graph/ops/dense.h"

#include <string.h>

enum { WEIGHT_CHANNELS = 64, WANTED_TASKS = 32, SLICE_BYTES = 1 << 23, COPY_BYTES = 128 * 1024 };

static const cni_op_kind depthwise_kind, data_kind, weights_kind;

/* Work in place leaves out the taps outside, in pieces along the border; a copy has zeros there.  The pieces cost more
 * when the border is a large part of the image. */
static bool mostly_inside(const cni_sampling *s)
{
    double inside = 1;
    for (int i = 0; i < 2; i++) {
        const int steps = s->transposed ? 1 : s->strides[i], to = s->transposed ? s->from[i] : s->to[i];
        const int border = (s->window[i] - 1) * s->dilation[i] / steps;
        inside *= border < to ? 1 - (double)border / to : 0;
    }
    return inside >= 0.5;
}

static cni_sampling sampling_of(const cni_op *op, const cni_tensor *w, bool transposed)
{
    const cni_conv2d_attributes *a = op->attributes;
    const int64_t *from = op->in[0]->shape.dims, *to = op->out[0]->shape.dims, *window = w->shape.dims;
    cni_sampling s = {.from = {(int)from[1], (int)from[2], (int)from[3]},
                      .to = {(int)to[1], (int)to[2], (int)to[3]},
                      .window = {(int)window[0], (int)window[1]},
                      .strides = {a->strides[0], a->strides[1]},
                      .dilation = {a->dilation[0], a->dilation[1]},
                      .padding = {a->top, a->left},
                      .transposed = transposed,
                      .repeat = transposed ? 1 : (int)window[3]};
    s.in_place = s.repeat == 1 && mostly_inside(&s);
    return s;
}

/* Where a tap of a part lies in w. */
static ptrdiff_t weight_of(const cni_sampling *s, const cni_phase *rows, const cni_phase *columns, int r, int k,
                           int width)
{
    return ((ptrdiff_t)rows->index[r] * s->window[1] + columns->index[k]) * width;
}

static size_t table_bytes(const cni_sampling *s)
{
    return cni_round_up(2 * (size_t)s->window[0] * (size_t)s->window[1] * sizeof(ptrdiff_t));
}

/* Forward: in x, w, bias.  For the data: in dy, w. */

typedef struct work {
    const cni_kernels *kernels;
    const cni_epilogue *epilogue;
    cni_blocks blocks;
    const void *w, *bias;
    void *y;
    char *tables, *sums; /* of each thread: taps; m filters before they are added up */
    size_t table_bytes, sums_bytes;
    int width, m;
} work;

/* Some outputs of a block, which have the same taps inside the image. */
typedef struct piece {
    int row, last_row, column, last_column;
    int tap_row, last_tap_row, tap_column, last_tap_column;
} piece;

static void find_taps(const work *w, const cni_block *b, const piece *p, ptrdiff_t *tap, ptrdiff_t *weight)
{
    const cni_phase *rows = b->part->rows, *columns = b->part->columns;
    for (int r = p->tap_row; r < p->last_tap_row; r++)
        for (int k = p->tap_column; k < p->last_tap_column; k++) {
            *tap++ = (ptrdiff_t)(p->row * rows->step + rows->position[r] - b->top) * b->row +
                     (ptrdiff_t)(p->column * columns->step + columns->position[k] - b->left) * b->pixel;
            *weight++ = weight_of(w->blocks.sampling, rows, columns, r, k, w->width);
        }
}

/* y: where the block's first output is to go. */
static void compute_piece(const work *w, const cni_block *b, const piece *p, ptrdiff_t *table, void *y, ptrdiff_t y_row,
                          ptrdiff_t y_pixel)
{
    size_t real_size = w->kernels->real_size;
    int taps = (p->last_tap_row - p->tap_row) * (p->last_tap_column - p->tap_column);
    find_taps(w, b, p, table, table + taps);
    const cni_depthwise kernel = {
        .x = b->x,
        .x_row = b->x_row,
        .x_pixel = b->x_pixel,
        .tap = table,
        .weight = table + taps,
        .taps = taps,
        .w = w->w,
        .bias = w->bias,
        .y = cni_at_mutable(y, (p->row - b->first) * y_row + p->column * y_pixel, real_size),
        .y_row = y_row,
        .y_pixel = y_pixel,
        .rows = (size_t)(p->last_row - p->row),
        .columns = (size_t)(p->last_column - p->column),
        .width = w->width,
        .relu = cni_plain_relu(w->epilogue),
    };
    w->kernels->convolution.depthwise(&kernel);
}

static void compute_block(const work *w, const cni_block *b, int thread, void *y, ptrdiff_t y_row, ptrdiff_t y_pixel)
{
    const cni_sampling *s = w->blocks.sampling;
    const cni_phase *rows = b->part->rows, *columns = b->part->columns;
    ptrdiff_t *table = (ptrdiff_t *)(w->tables + (size_t)thread * w->table_bytes);
    if (!s->in_place) { /* a copy with its border: everything is inside */
        const piece all = {b->first, b->last, 0, columns->count, 0, rows->taps, 0, columns->taps};
        compute_piece(w, b, &all, table, y, y_row, y_pixel);
        return;
    }
    piece p;
    for (p.row = b->first; p.row < b->last; p.row = p.last_row) {
        p.last_row = cni_phase_segment(rows, s->from[0], p.row, b->last, &p.tap_row, &p.last_tap_row);
        for (p.column = 0; p.column < columns->count; p.column = p.last_column) {
            p.last_column =
                cni_phase_segment(columns, s->from[1], p.column, columns->count, &p.tap_column, &p.last_tap_column);
            compute_piece(w, b, &p, table, y, y_row, y_pixel);
        }
    }
}

/* Multiply-adds go at half the pace of those of a product here. */
static double operations(int n, const cni_tensor *windows, const int window[2])
{
    return 4.0 * n * (double)cni_tensor_image(windows) * window[0] * window[1];
}

static void forward_block(void *context, size_t index, int thread)
{
    const work *w = context;
    cni_block b = cni_block_of(&w->blocks, index, thread);
    compute_block(w, &b, thread, cni_at_mutable(w->y, b.y, w->kernels->real_size), b.y_row, b.y_pixel);
    cni_block_finish(&w->blocks, &b, w->epilogue, w->kernels, w->y, 0, w->width);
}

static size_t forward_workspace(const cni_op *op, const cni_run *most)
{
    cni_sampling sampling = sampling_of(op, op->in[1], false);
    return (size_t)cni_pool_threads(most->pool) * table_bytes(&sampling) +
           cni_blocks_scratch(&sampling, cni_pool_threads(most->pool), most->kernels->real_size);
}

static void run_forward(cni_step *step, const cni_run *whole_run)
{
    const cni_op *op = step->op;
    cni_sampling sampling = sampling_of(op, op->in[1], false);
    const cni_run some_run = cni_run_for(whole_run, operations(whole_run->n, op->out[0], sampling.window));
    const cni_run *run = &some_run;
    work w = {.kernels = run->kernels,
              .epilogue = &((const cni_conv2d_attributes *)op->attributes)->epilogue,
              .w = step->in[1],
              .bias = step->in[2],
              .y = step->out[0],
              .tables = step->workspace,
              .table_bytes = table_bytes(&sampling),
              .width = sampling.to[2]};
    cni_blocks_init(&w.blocks, &sampling, run, step->in[0], 1,
                    w.tables + (size_t)cni_pool_threads(run->pool) * w.table_bytes);
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
    if (w->m == 1) {
        compute_block(w, &b, thread, cni_at_mutable(w->y, b.y, w->kernels->real_size), b.y_row, b.y_pixel);
        return;
    }
    void *sums = w->sums + (size_t)thread * w->sums_bytes;
    compute_block(w, &b, thread, sums, (ptrdiff_t)b.columns * w->width, w->width);
    add_filters(w, &b, sums);
}

/* A block has at most as many outputs as dx has cells. */
static size_t sums_bytes(const cni_op *op, size_t real_size)
{
    const int64_t *dx = op->out[0]->shape.dims, *w = op->in[1]->shape.dims;
    return w[3] > 1 ? cni_round_up((size_t)(dx[1] * dx[2] * w[2] * w[3]) * real_size) : 0;
}

static size_t data_workspace(const cni_op *op, const cni_run *most)
{
    cni_sampling sampling = sampling_of(op, op->in[1], true);
    return (size_t)cni_pool_threads(most->pool) * (table_bytes(&sampling) + sums_bytes(op, most->kernels->real_size)) +
           cni_blocks_scratch(&sampling, cni_pool_threads(most->pool), most->kernels->real_size);
}

static void run_data(cni_step *step, const cni_run *whole_run)
{
    const cni_op *op = step->op;
    cni_sampling sampling = sampling_of(op, op->in[1], true);
    const cni_run some_run = cni_run_for(whole_run, operations(whole_run->n, op->in[0], sampling.window));
    const cni_run *run = &some_run;
    size_t threads = (size_t)cni_pool_threads(run->pool);
    work w = {.kernels = run->kernels,
              .w = step->in[1],
              .y = step->out[0],
              .tables = step->workspace,
              .table_bytes = table_bytes(&sampling),
              .sums_bytes = sums_bytes(op, run->kernels->real_size),
              .width = sampling.from[2],
              .m = (int)op->in[1]->shape.dims[3]};
    w.sums = w.tables + threads * w.table_bytes;
    cni_blocks_init(&w.blocks, &sampling, run, step->in[0], 1, w.sums + threads * w.sums_bytes);
    cni_parallel(run->pool, w.blocks.tasks, data_block, &w);
}

/* For the weights: in x, dy.  Tasks: some channels of dy, and slices of the images, which are added in their order. How
 * many is a matter of the shapes alone. */

typedef struct weights_work {
    const cni_kernels *kernels;
    cni_sampling s;
    const cni_phase *rows, *columns;
    const void *x, *dy;
    void *dw;
    char *slice_memory, *private_memory;
    size_t weights, slice_bytes, private_bytes, table_bytes, axis_bytes;
    int n, m, channels, pieces, slices, block_rows, reach[2];
    bool copies; /* the channels of a task are copied, so that they lie side by side */
} weights_work;

static cni_axis_shape axis_of(const cni_sampling *s, int axis)
{
    return (cni_axis_shape){.to = s->to[axis],
                            .window = s->window[axis],
                            .stride = s->strides[axis],
                            .dilation = s->dilation[axis],
                            .padding = s->padding[axis]};
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
    cni_axis_shape rows = axis_of(&p.s, 0), columns = axis_of(&p.s, 1);
    p.axis_bytes = cni_axis_bytes(&rows) + cni_axis_bytes(&columns);
    p.table_bytes = table_bytes(&p.s);
    p.private_bytes = p.table_bytes;
    p.block_rows = p.s.to[0];
    p.reach[0] = cni_axis_reach(&rows) + 1;
    p.reach[1] = cni_axis_reach(&columns) + 1;
    p.copies = p.m > 1 || p.pieces > 1 || !mostly_inside(&p.s);
    if (p.copies) {
        size_t columns_read = (size_t)((p.s.to[1] - 1) * p.s.strides[1] + p.reach[1]);
        size_t row = columns_read * (size_t)(p.channels * p.m) * real_size;
        int most = (int)(COPY_BYTES / row), fit = most > p.reach[0] ? (most - p.reach[0]) / p.s.strides[0] + 1 : 1;
        p.block_rows = cni_smaller(fit, p.s.to[0]);
        p.private_bytes += cni_round_up(row * (size_t)((p.block_rows - 1) * p.s.strides[0] + p.reach[0]));
    }
    return p;
}

static size_t weights_workspace(const cni_op *op, const cni_run *most)
{
    weights_work p = plan_weights(op, most->n, most->kernels->real_size);
    return p.axis_bytes + (size_t)cni_pool_threads(most->pool) * p.private_bytes +
           (p.slices > 1 ? (size_t)p.slices * p.slice_bytes : 0);
}

/* x: cell (top, left) of the image, or of a copy. */
typedef struct weights_input {
    const void *x;
    int top, left;
    ptrdiff_t row, pixel;      /* from cell to cell */
    int image, channel, width; /* of dy */
    void *dw;
} weights_input;

static void weigh_piece(const weights_work *w, const weights_input *in, const piece *p, ptrdiff_t *table)
{
    const cni_sampling *s = &w->s;
    size_t real_size = w->kernels->real_size;
    int taps = 0, most = s->window[0] * s->window[1];
    for (int r = p->tap_row; r < p->last_tap_row; r++)
        for (int k = p->tap_column; k < p->last_tap_column; k++, taps++) {
            table[taps] = (p->row * w->rows->step + w->rows->position[r] - in->top) * in->row +
                          (p->column * w->columns->step + w->columns->position[k] - in->left) * in->pixel;
            table[most + taps] = weight_of(s, w->rows, w->columns, r, k, s->to[2]);
        }
    ptrdiff_t dy_row = (ptrdiff_t)s->to[1] * s->to[2];
    const cni_depthwise_weights kernel = {
        .x = in->x,
        .x_row = s->strides[0] * in->row,
        .x_pixel = s->strides[1] * in->pixel,
        .tap = table,
        .weight = table + most,
        .taps = taps,
        .dy = cni_at(
            w->dy, ((ptrdiff_t)in->image * s->to[0] + p->row) * dy_row + (ptrdiff_t)p->column * s->to[2] + in->channel,
            real_size),
        .dy_row = dy_row,
        .dy_pixel = s->to[2],
        .rows = (size_t)(p->last_row - p->row),
        .columns = (size_t)(p->last_column - p->column),
        .dw = in->dw,
        .width = in->width,
    };
    w->kernels->convolution.depthwise_weights(&kernel);
}

/* In place: piece by piece, each with the taps that are inside. */
static void weigh_pieces(const weights_work *w, const weights_input *in, ptrdiff_t *table)
{
    const cni_sampling *s = &w->s;
    piece p;
    for (p.row = 0; p.row < s->to[0]; p.row = p.last_row) {
        p.last_row = cni_phase_segment(w->rows, s->from[0], p.row, s->to[0], &p.tap_row, &p.last_tap_row);
        for (p.column = 0; p.column < s->to[1]; p.column = p.last_column) {
            p.last_column =
                cni_phase_segment(w->columns, s->from[1], p.column, s->to[1], &p.tap_column, &p.last_tap_column);
            weigh_piece(w, in, &p, table);
        }
    }
}

/* What output rows first ... last - 1 read, with its border: then all taps are inside. */
static void weigh_copy(const weights_work *w, weights_input *in, int first, int last, char *memory)
{
    const cni_sampling *s = &w->s;
    size_t real_size = w->kernels->real_size;
    in->top = first * s->strides[0] - s->padding[0];
    const cni_rectangle reads = {.top = in->top,
                                 .left = in->left,
                                 .rows = (last - first - 1) * s->strides[0] + w->reach[0],
                                 .columns = (s->to[1] - 1) * s->strides[1] + w->reach[1],
                                 .channel = in->channel / w->m,
                                 .channels = in->width / w->m,
                                 .repeat = w->m};
    ptrdiff_t image = (ptrdiff_t)in->image * s->from[0] * s->from[1] * s->from[2];
    cni_rectangle_copy(&reads, cni_at(w->x, image, real_size), s->from[0], s->from[1], s->from[2], real_size,
                       memory + w->table_bytes);
    in->x = memory + w->table_bytes;
    const piece all = {first, last, 0, s->to[1], 0, s->window[0], 0, s->window[1]};
    weigh_piece(w, in, &all, (ptrdiff_t *)memory);
}

static void weigh_image(const weights_work *w, weights_input *in, char *memory)
{
    const cni_sampling *s = &w->s;
    if (!w->copies) {
        in->x = cni_at(w->x, (ptrdiff_t)in->image * s->from[0] * in->row, w->kernels->real_size);
        weigh_pieces(w, in, (ptrdiff_t *)memory);
        return;
    }
    for (int first = 0; first < s->to[0]; first += w->block_rows)
        weigh_copy(w, in, first, cni_smaller(first + w->block_rows, s->to[0]), memory);
}

static void weigh(void *context, size_t index, int thread)
{
    const weights_work *w = context;
    const cni_sampling *s = &w->s;
    size_t real_size = w->kernels->real_size;
    int slice = (int)(index % (size_t)w->slices), channel = (int)(index / (size_t)w->slices) * w->channels;
    int channels = cni_smaller(w->channels, s->from[2] - channel);
    void *dw = w->slices > 1 ? w->slice_memory + (size_t)slice * w->slice_bytes : w->dw;
    weights_input in = {.pixel = w->copies ? channels * w->m : s->from[2],
                        .channel = channel * w->m,
                        .width = channels * w->m,
                        .dw = cni_at_mutable(dw, (ptrdiff_t)channel * w->m, real_size)};
    in.left = w->copies ? -s->padding[1] : 0;
    in.row = (w->copies ? (s->to[1] - 1) * s->strides[1] + w->reach[1] : s->from[1]) * in.pixel;
    for (int t = 0; t < s->window[0] * s->window[1]; t++)
        memset(cni_at_mutable(in.dw, (ptrdiff_t)t * s->to[2], real_size), 0, (size_t)in.width * real_size);
    int first = (int)((int64_t)w->n * slice / w->slices), last = (int)((int64_t)w->n * (slice + 1) / w->slices);
    for (in.image = first; in.image < last; in.image++)
        weigh_image(w, &in, w->private_memory + (size_t)thread * w->private_bytes);
}

static void run_weights(cni_step *step, const cni_run *whole_run)
{
    size_t real_size = whole_run->kernels->real_size;
    weights_work w = plan_weights(step->op, whole_run->n, real_size);
    const cni_run some_run = cni_run_for(whole_run, operations(whole_run->n, step->op->in[1], w.s.window));
    const cni_run *run = &some_run;
    cni_axis_shape rows = axis_of(&w.s, 0), columns = axis_of(&w.s, 1);
    char *memory = step->workspace;
    w.kernels = run->kernels;
    w.rows = cni_axis_init(&rows, memory);
    w.columns = cni_axis_init(&columns, memory + cni_axis_bytes(&rows));
    w.x = step->in[0];
    w.dy = step->in[1];
    w.dw = step->out[0];
    w.private_memory = memory + w.axis_bytes;
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
    if (x->differentiable)
        din[0] =
            cni_append(graph, &data_kind, &a, CNI_CONV_INPUTS, (cni_tensor *[CNI_CONV_INPUTS]){dy, w}, 1, &x->shape)
                ->out[0];
    if (w->differentiable)
        din[1] = cni_append(graph, &weights_kind, &a, 2, (cni_tensor *[]){x, dy}, 1, &w->shape)->out[0];
    if (bias && bias->differentiable) din[2] = cni_column_sums(graph, dy);
}

static const cni_op_kind depthwise_kind = {.name = "depthwise_conv2d",
                                           .attributes_size = sizeof(cni_conv2d_attributes),
                                           .gradient = gradient,
                                           .workspace = forward_workspace,
                                           .run = run_forward,
                                           .epilogue_offset = offsetof(cni_conv2d_attributes, epilogue),
                                           .take_padding = cni_conv_take_padding};

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
    return cni_append(graph, &depthwise_kind, a, CNI_CONV_INPUTS, (cni_tensor *[CNI_CONV_INPUTS]){x, w, bias}, 1,
                      &shape)
        ->out[0];
}
