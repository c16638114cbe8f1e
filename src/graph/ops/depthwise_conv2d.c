/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution and its gradients.  With m filters per channel, each channel of x is repeated m times while
 * some rows are copied, so that the kernels know only one filter per channel; the gradient for x adds them up again.
 *
 * The gradient for x is a convolution of dy with the window read backwards.  With a stride its cells fall into phases,
 * each with some of the taps (taps.h), which are an ordinary window again. */
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/dense.h"
#include "graph/ops/gather.h"
#include "graph/ops/taps.h"
#include "graph/ops/window_phases.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    LEAST_ROWS = 7,      /* of a band */
    LEAST_CHANNELS = 64, /* of a chunk */
    WEIGHT_CHANNELS = 64,
    WANTED_TASKS = 32,
    SLICE_BYTES = 1 << 23,
    COPY_BYTES = 128 * 1024
};

static const cni_op_kind depthwise_kind, data_kind, summed_data_kind, weights_kind;

/* Sizes of x and y, the images before and after the convolution; y has m times as many channels. */
typedef struct extents {
    int x[3], y[3], window[2], strides[2], dilation[2], padding[2], m;
} extents;

static extents shape_of(const cni_conv2d_attributes *a, const cni_tensor *x, const cni_tensor *w, const cni_tensor *y)
{
    extents s = {.strides = {a->strides[0], a->strides[1]},
                 .dilation = {a->dilation[0], a->dilation[1]},
                 .padding = {a->top, a->left},
                 .m = (int)w->shape.dims[3]};
    for (int i = 0; i < 3; i++) {
        s.x[i] = (int)x->shape.dims[i + 1];
        s.y[i] = (int)y->shape.dims[i + 1];
    }
    for (int i = 0; i < 2; i++) s.window[i] = (int)w->shape.dims[i];
    return s;
}

/* Multiply-adds go at half the pace of those of a product here. */
static double operations(const extents *s, int n)
{
    return 4.0 * n * s->y[0] * s->y[1] * s->y[2] * s->window[0] * s->window[1];
}

/* Of NHWC with `channels`: from row to row, from column to column. */
static ptrdiff_t pitch_of(const int *image, int axis, int channels)
{
    return axis == 0 ? (ptrdiff_t)image[1] * channels : channels;
}

static cni_window_axis forward_axis(const extents *s, int axis)
{
    return (cni_window_axis){.cells = s->x[axis],
                             .taps = s->window[axis],
                             .position = -s->padding[axis],
                             .stride = s->strides[axis],
                             .dilation = s->dilation[axis],
                             .last = s->y[axis],
                             .x = pitch_of(s->x, axis, s->y[2]),
                             .w = pitch_of(s->window, axis, s->y[2]),
                             .y = pitch_of(s->y, axis, s->y[2])};
}

static cni_window_phase phase_of(const extents *s, int axis, int rest, int begin, int end)
{
    const cni_turned_axis a = {.x = s->x[axis],
                               .y = s->y[axis],
                               .window = s->window[axis],
                               .stride = s->strides[axis],
                               .dilation = s->dilation[axis],
                               .padding = s->padding[axis],
                               .w_tap = pitch_of(s->window, axis, s->y[2]),
                               .dx_cell = pitch_of(s->x, axis, s->y[2]),
                               .dy_cell = pitch_of(s->y, axis, s->y[2])};
    return cni_window_phase_of(&a, rest, begin, end);
}

/* Forward and for the data: tasks are a band of rows of an image, all of its channels or a chunk of them. */

typedef struct work {
    extents s;
    const cni_kernels *kernels;
    const cni_epilogue *epilogue;
    bool clamps; /* the finish does all that the epilogue says */
    cni_finish finish;
    cni_gather gather; /* told what is written */
    const void *x, *w;
    void *y;
    const cni_run *run;                /* whose threads have what m filters per channel need of their own */
    int bands, rows, chunks, channels; /* of y forward, of dx for the data: rows of a band, channels of a chunk */
} work;

/* Bands while they have some rows, then chunks: a few tasks for each thread. */
static void divide(work *w, const int to[3], int n, int threads)
{
    const int wanted = threads > 1 ? cni_ratio_up(4 * threads, n) : 1;
    const int bands = cni_smaller(wanted, to[0] > LEAST_ROWS ? to[0] / LEAST_ROWS : 1);
    w->rows = cni_ratio_up(to[0], bands);
    w->bands = cni_ratio_up(to[0], w->rows);
    const int vectors = cni_ratio_up(w->s.y[2], LEAST_CHANNELS);
    const int chunks = w->s.m > 1 ? 1 : cni_smaller(cni_ratio_up(wanted, w->bands), vectors);
    w->channels = cni_ratio_up(cni_ratio_up(w->s.y[2], chunks), 16) * 16;
    w->chunks = cni_ratio_up(w->s.y[2], w->channels);
}

typedef struct task {
    int image, begin, end; /* rows begin ... end - 1 */
    int channel, width;
} task;

static task task_of(const work *w, const int to[3], size_t index)
{
    task t = {.channel = (int)(index % (size_t)w->chunks) * w->channels};
    index /= (size_t)w->chunks;
    t.begin = (int)(index % (size_t)w->bands) * w->rows;
    t.end = cni_smaller(t.begin + w->rows, to[0]);
    t.image = (int)(index / (size_t)w->bands);
    t.width = cni_smaller(w->channels, w->s.y[2] - t.channel);
    return t;
}

static const void *moved(const void *data, ptrdiff_t elements, size_t real_size)
{
    return data ? cni_at(data, elements, real_size) : NULL;
}

/* The finish of outputs that begin at element `at`, with `channel`. */
static cni_finish finish_at(const work *w, ptrdiff_t at, int channel)
{
    const size_t real_size = w->kernels->real_size;
    cni_finish f = w->finish;
    f.scale = moved(f.scale, channel, real_size);
    f.shift = moved(f.shift, channel, real_size);
    f.add = moved(f.add, at, real_size);
    f.mask = moved(f.mask, at, real_size);
    return f;
}

/* Rows of a task that are done at a time: all, or as many as are still near when they are gathered. */
static int rows_at_once(const work *w, const task *t, const int to[3])
{
    const size_t row = (size_t)to[1] * (size_t)to[2] * w->kernels->real_size;
    const int rows = (int)(CNI_GATHER_BYTES / row) / LEAST_ROWS * LEAST_ROWS;
    return !w->gather.follower ? t->end - t->begin : rows < LEAST_ROWS ? LEAST_ROWS : rows;
}

static void tell(const work *w, const task *t, const int to[3])
{
    const size_t columns = (size_t)to[1], first = ((size_t)t->image * (size_t)to[0] + (size_t)t->begin) * columns;
    cni_gather_wrote(&w->gather, first, (size_t)(t->end - t->begin) * columns, 1, (size_t)t->width);
}

/* Applies an epilogue that is no clamp to what a task has written. */
static void apply_epilogue(const work *w, const task *t, const int to[3])
{
    const size_t real_size = w->kernels->real_size;
    if (w->clamps) return;
    const bool whole = w->chunks == 1;
    const size_t pieces = whole ? 1 : (size_t)(t->end - t->begin) * (size_t)to[1];
    const size_t run = whole ? (size_t)(t->end - t->begin) * (size_t)to[1] * (size_t)t->width : (size_t)t->width;
    ptrdiff_t at = ((ptrdiff_t)t->image * to[0] + t->begin) * to[1] * to[2] + t->channel;
    for (size_t i = 0; i < pieces; i++, at += to[2]) {
        void *data = cni_at_mutable(w->y, at, real_size);
        w->kernels->elementwise.unary(w->epilogue, data, data, run);
    }
}

/* Rows first ... last - 1 of an image of x, each channel m times. */
static void repeat_channels(const extents *s, const void *x, int first, int last, int channel, int channels,
                            size_t real_size, void *to)
{
    const cni_rectangle r = {.top = first,
                             .rows = last - first,
                             .columns = s->x[1],
                             .channel = channel,
                             .channels = channels,
                             .repeat = s->m};
    cni_rectangle_copy(&r, x, s->x[0], s->x[1], s->x[2], real_size, to);
}

/* The rows of x that rows begin ... end - 1 of y see: first ... last - 1. */
static void rows_seen(const cni_window_axis *rows, int begin, int end, int *first, int *last)
{
    int64_t top = (int64_t)begin * rows->stride + rows->position;
    int64_t bottom = (int64_t)(end - 1) * rows->stride + rows->position + (int64_t)(rows->taps - 1) * rows->dilation;
    *first = top < 0 ? 0 : top > rows->cells ? rows->cells : (int)top;
    *last = bottom < *first ? *first : bottom >= rows->cells ? rows->cells : (int)bottom + 1;
}

static size_t repeated_bytes(const extents *s, int rows, size_t real_size)
{
    const cni_window_axis axis = forward_axis(s, 0);
    int most = (rows - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1;
    return cni_round_up((size_t)cni_smaller(most, s->x[0]) * (size_t)s->x[1] * (size_t)s->y[2] * real_size);
}

static void forward_task(void *context, size_t index, int thread)
{
    const work *w = context;
    const extents *s = &w->s;
    const size_t real_size = w->kernels->real_size;
    task t = task_of(w, s->y, index);
    const ptrdiff_t y = (ptrdiff_t)t.image * s->y[0] * s->y[1] * s->y[2] + t.channel;
    const ptrdiff_t x = (ptrdiff_t)t.image * s->x[0] * s->x[1] * s->x[2] + t.channel;
    cni_depthwise d = {.x = cni_at(w->x, x, real_size),
                       .w = cni_at(w->w, t.channel, real_size),
                       .y = cni_at_mutable(w->y, y, real_size),
                       .rows = forward_axis(s, 0),
                       .columns = forward_axis(s, 1),
                       .width = t.width,
                       .finish = finish_at(w, y, t.channel)};
    if (s->m > 1) {
        int first, last;
        void *copy = cni_own(w->run, thread);
        rows_seen(&d.rows, t.begin, t.end, &first, &last);
        repeat_channels(s, d.x, first, last, 0, s->x[2], real_size, copy);
        d.x = copy;
        d.rows.position -= first;
        d.rows.cells = last - first;
    }
    const int end = t.end, step = rows_at_once(w, &t, s->y);
    for (; t.begin < end; t.begin = t.end) {
        t.end = cni_smaller(t.begin + step, end);
        d.rows.first = t.begin;
        d.rows.last = t.end;
        w->kernels->convolution.depthwise(&d);
        apply_epilogue(w, &t, s->y);
        tell(w, &t, s->y);
    }
}

static extents forward_shape(const cni_op *op)
{
    return shape_of(op->attributes, op->in[0], op->in[1], op->out[0]);
}

static size_t forward_own(const cni_op *op, const cni_run *most)
{
    const extents s = forward_shape(op);
    return s.m > 1 ? repeated_bytes(&s, s.y[0], most->kernels->real_size) : 0;
}

static work begin_work(cni_step *step, const cni_run *run, const extents *s)
{
    const cni_conv2d_attributes *a = step->op->attributes;
    work w = {.s = *s,
              .kernels = run->kernels,
              .epilogue = &a->epilogue,
              .x = step->in[CNI_CONV_X],
              .w = step->in[CNI_CONV_W],
              .y = step->out[0],
              .run = run};
    w.clamps = cni_conv_finish(step, &a->epilogue, &w.finish);
    return w;
}

static void run_forward(cni_step *step, const cni_run *whole_run)
{
    const extents s = forward_shape(step->op);
    const cni_run run = cni_run_for(whole_run, operations(&s, whole_run->n));
    work w = begin_work(step, &run, &s);
    divide(&w, s.y, run.n, cni_pool_threads(run.pool));
    w.gather = cni_gather_begin(step, whole_run);
    cni_parallel(run.pool, (size_t)run.n * (size_t)w.bands * (size_t)w.chunks, forward_task, &w);
}

/* One phase of a band of dx.  dx: row 0 of the image, or of a copy that begins with row `top`. */
static void compute_phase(const work *w, const task *t, int row_rest, int column_rest, void *dx, int top)
{
    const extents *s = &w->s;
    const size_t real_size = w->kernels->real_size;
    const cni_window_phase rows = phase_of(s, 0, row_rest, t->begin, t->end),
                           columns = phase_of(s, 1, column_rest, 0, s->x[1]);
    const ptrdiff_t dy = (ptrdiff_t)t->image * s->y[0] * s->y[1] * s->y[2] + t->channel;
    const ptrdiff_t at = (ptrdiff_t)t->image * s->x[0] * s->x[1] * s->x[2] + t->channel + rows.dx + columns.dx;
    const ptrdiff_t to = rows.dx + columns.dx - top * pitch_of(s->x, 0, s->y[2]);
    const cni_depthwise d = {.x = cni_at(w->x, dy, real_size),
                             .w = cni_at(w->w, rows.w + columns.w + t->channel, real_size),
                             .y = cni_at_mutable(dx, to, real_size),
                             .rows = rows.axis,
                             .columns = columns.axis,
                             .width = t->width,
                             .finish = s->m > 1 ? (cni_finish){0} : finish_at(w, at, t->channel)};
    if (rows.axis.first < rows.axis.last && columns.axis.first < columns.axis.last)
        w->kernels->convolution.depthwise(&d);
}

static void all_phases(const work *w, const task *t, void *dx, int top)
{
    for (int i = 0; i < w->s.strides[0]; i++)
        for (int j = 0; j < w->s.strides[1]; j++) compute_phase(w, t, i, j, dx, top);
}

/* dx[k] = the sum of m neighbours. */
static void add_filters(const work *w, const task *t, const void *sums)
{
    const extents *s = &w->s;
    const size_t real_size = w->kernels->real_size;
    const ptrdiff_t to = ((ptrdiff_t)t->image * s->x[0] + t->begin) * s->x[1] * s->x[2];
    const size_t cells = (size_t)(t->end - t->begin) * (size_t)s->x[1] * (size_t)s->x[2];
    w->kernels->elementwise.reduce(CNI_SUM, sums, cni_at_mutable(w->y, to, real_size), cells, (size_t)s->m, 1);
}

static void data_task(void *context, size_t index, int thread)
{
    const work *w = context;
    const extents *s = &w->s;
    const size_t real_size = w->kernels->real_size;
    task t = task_of(w, s->x, index);
    if (s->m > 1) {
        void *sums = cni_own(w->run, thread);
        all_phases(w, &t, sums, t.begin);
        add_filters(w, &t, sums);
        return;
    }
    void *dx = cni_at_mutable(w->y, (ptrdiff_t)t.image * s->x[0] * s->x[1] * s->x[2] + t.channel, real_size);
    const int end = t.end, step = rows_at_once(w, &t, s->x);
    for (; t.begin < end; t.begin = t.end) {
        t.end = cni_smaller(t.begin + step, end);
        all_phases(w, &t, dx, 0);
        apply_epilogue(w, &t, s->x);
        tell(w, &t, s->x);
    }
}

static extents data_shape(const cni_op *op)
{
    return shape_of(op->attributes, op->out[0], op->in[1], op->in[0]);
}

static size_t sums_bytes(const extents *s, size_t real_size)
{
    return s->m > 1 ? cni_round_up((size_t)s->x[0] * (size_t)s->x[1] * (size_t)s->y[2] * real_size) : 0;
}

static size_t data_own(const cni_op *op, const cni_run *most)
{
    const extents s = data_shape(op);
    return sums_bytes(&s, most->kernels->real_size);
}

static void run_data(cni_step *step, const cni_run *whole_run)
{
    const extents s = data_shape(step->op);
    const cni_run run = cni_run_for(whole_run, operations(&s, whole_run->n));
    work w = begin_work(step, &run, &s);
    divide(&w, s.x, run.n, cni_pool_threads(run.pool));
    w.gather = cni_gather_begin(step, whole_run);
    cni_parallel(run.pool, (size_t)run.n * (size_t)w.bands * (size_t)w.chunks, data_task, &w);
}

/* For the weights: in x, dy.  Tasks: a piece of the channels, and a slice of the rows of all images; the slices are
 * added in their order.  How many there are is a matter of the shapes alone. */

typedef struct weights_work {
    extents s;
    const cni_kernels *kernels;
    const void *x, *dy;
    void *dw;
    char *slice_memory;
    const cni_run *run; /* whose threads have copies of their own, */
    size_t weights, slice_bytes, copy_bytes;
    int channels, pieces;     /* of x */
    int bands, units, slices; /* bands of an image; all bands of all images */
    int copied_rows;          /* of dy at a time, where x is copied */
} weights_work;

/* Everything but the pointers. */
static weights_work plan_weights(const cni_op *op, const cni_run *run)
{
    const size_t real_size = run->kernels->real_size;
    const extents s = shape_of(op->attributes, op->in[0], op->out[0], op->in[1]);
    weights_work p = {.s = s, .weights = cni_tensor_image(op->out[0])};
    p.channels = cni_smaller(s.x[2], s.m < WEIGHT_CHANNELS ? WEIGHT_CHANNELS / s.m : 1);
    p.pieces = cni_ratio_up(s.x[2], p.channels);
    p.slice_bytes = cni_round_up(p.weights * real_size);
    int wanted = cni_ratio_up(WANTED_TASKS, p.pieces);
    if ((size_t)wanted * p.slice_bytes > SLICE_BYTES) wanted = 1;
    p.bands = cni_smaller(cni_ratio_up(cni_smaller(wanted, 4), run->batch),
                          s.y[0] >= 2 * LEAST_ROWS ? s.y[0] / LEAST_ROWS : 1);
    p.units = run->n * p.bands;
    p.slices = cni_smaller(p.units, wanted);
    if (s.m > 1) {
        const size_t row = repeated_bytes(&s, 1, real_size);
        p.copied_rows = row < COPY_BYTES ? cni_smaller((int)(COPY_BYTES / row), s.y[0]) : 1;
        p.copy_bytes = repeated_bytes(&s, p.copied_rows, real_size);
    }
    return p;
}

static size_t weights_workspace(const cni_op *op, const cni_run *most)
{
    const weights_work p = plan_weights(op, most);
    return p.slices > 1 ? (size_t)p.slices * p.slice_bytes : 0;
}

static size_t weights_own(const cni_op *op, const cni_run *most)
{
    return plan_weights(op, most).copy_bytes;
}

/* Rows begin ... end - 1 of dy. */
static void weigh_rows(const weights_work *w, const task *t, void *dw, char *copy)
{
    const extents *s = &w->s;
    const size_t real_size = w->kernels->real_size;
    const ptrdiff_t x = (ptrdiff_t)t->image * s->x[0] * s->x[1] * s->x[2];
    const ptrdiff_t dy = (ptrdiff_t)t->image * s->y[0] * s->y[1] * s->y[2] + t->channel;
    cni_depthwise_weights d = {.x = cni_at(w->x, s->m > 1 ? x : x + t->channel, real_size),
                               .dy = cni_at(w->dy, dy, real_size),
                               .dw = cni_at_mutable(dw, t->channel, real_size),
                               .rows = forward_axis(s, 0),
                               .columns = forward_axis(s, 1),
                               .width = t->width};
    d.rows.first = t->begin;
    d.rows.last = t->end;
    if (s->m > 1) {
        int first, last;
        rows_seen(&d.rows, t->begin, t->end, &first, &last);
        repeat_channels(s, d.x, first, last, t->channel / s->m, t->width / s->m, real_size, copy);
        d.x = copy;
        d.rows.position -= first;
        d.rows.cells = last - first;
        d.rows.x = (ptrdiff_t)s->x[1] * t->width;
        d.columns.x = t->width;
    }
    w->kernels->convolution.depthwise_weights(&d);
}

static void weigh_band(const weights_work *w, task t, int last_row, void *dw, char *copy)
{
    const int step = w->s.m > 1 ? w->copied_rows : last_row - t.begin;
    for (; t.begin < last_row; t.begin = t.end) {
        t.end = cni_smaller(t.begin + step, last_row);
        weigh_rows(w, &t, dw, copy);
    }
}

static void weigh(void *context, size_t index, int thread)
{
    const weights_work *w = context;
    const extents *s = &w->s;
    const size_t real_size = w->kernels->real_size;
    const int slice = (int)(index / (size_t)w->pieces), channel = (int)(index % (size_t)w->pieces) * w->channels;
    task t = {.channel = channel * s->m, .width = cni_smaller(w->channels, s->x[2] - channel) * s->m};
    void *dw = w->slices > 1 ? w->slice_memory + (size_t)slice * w->slice_bytes : w->dw;
    for (int i = 0; i < s->window[0] * s->window[1]; i++)
        memset(cni_at_mutable(dw, (ptrdiff_t)i * s->y[2] + t.channel, real_size), 0, (size_t)t.width * real_size);
    const int last = (int)((int64_t)w->units * (slice + 1) / w->slices);
    for (int unit = (int)((int64_t)w->units * slice / w->slices); unit < last; unit++) {
        const int band = unit % w->bands;
        t.image = unit / w->bands;
        t.begin = s->y[0] * band / w->bands;
        weigh_band(w, t, s->y[0] * (band + 1) / w->bands, dw, cni_own(w->run, thread));
    }
}

static void run_weights(cni_step *step, const cni_run *whole_run)
{
    const size_t real_size = whole_run->kernels->real_size;
    weights_work w = plan_weights(step->op, whole_run);
    const cni_run run = cni_run_for(whole_run, operations(&w.s, whole_run->n));
    w.kernels = run.kernels;
    w.x = step->in[0];
    w.dy = step->in[1];
    w.dw = step->out[0];
    w.run = whole_run;
    w.slice_memory = step->workspace;
    cni_parallel(run.pool, (size_t)w.pieces * (size_t)w.slices, weigh, &w);
    if (w.slices > 1)
        run.kernels->matmul.column_sums(w.slice_memory, (ptrdiff_t)(w.slice_bytes / real_size), (size_t)w.slices,
                                        (int)w.weights, w.dw, false);
}

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    cni_tensor *x = op->in[0], *w = op->in[1], *bias = op->in[2], *dy = dout[0];
    cni_conv2d_attributes a = *(const cni_conv2d_attributes *)op->attributes;
    a.epilogue = (cni_epilogue){0};
    if (x->differentiable)
        din[0] = cni_append(graph, w->shape.dims[3] > 1 ? &summed_data_kind : &data_kind, &a, CNI_CONV_INPUTS,
                            (cni_tensor *[CNI_CONV_INPUTS]){dy, w}, 1, &x->shape)
                     ->out[0];
    if (w->differentiable)
        din[1] = cni_append(graph, &weights_kind, &a, 2, (cni_tensor *[]){x, dy}, 1, &w->shape)->out[0];
    if (bias && bias->differentiable) din[2] = cni_column_sums(graph, dy);
}

static const cni_op_kind depthwise_kind = {.name = "depthwise_conv2d",
                                           .attributes_size = sizeof(cni_conv2d_attributes),
                                           .gradient = gradient,
                                           .own = forward_own,
                                           .run = run_forward,
                                           .epilogue_offset = offsetof(cni_conv2d_attributes, epilogue),
                                           .takes = CNI_CONV_TAKES,
                                           .gathers = true,
                                           .take_padding = cni_conv_take_padding};

static const cni_op_kind data_kind = {.name = "depthwise_conv2d_data",
                                      .attributes_size = sizeof(cni_conv2d_attributes),
                                      .own = data_own,
                                      .run = run_data,
                                      .takes = CNI_CONV_TAKES,
                                      .gathers = true};

/* Sums of several filters' gradients, which nothing is done to on the way. */
static const cni_op_kind summed_data_kind = {.name = "depthwise_conv2d_data",
                                             .attributes_size = sizeof(cni_conv2d_attributes),
                                             .own = data_own,
                                             .run = run_data};

static const cni_op_kind weights_kind = {.name = "depthwise_conv2d_weights",
                                         .attributes_size = sizeof(cni_conv2d_attributes),
                                         .workspace = weights_workspace,
                                         .own = weights_own,
                                         .run = run_weights};

cni_tensor *cni_depthwise_conv2d(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias,
                                 const cni_conv2d_attributes *attributes)
{
    cni_conv2d_attributes own = *attributes, *a = &own;
    x = cni_conv_without_zeros(x, a);
    const int64_t *from = x->shape.dims, *window = w->shape.dims;
    int height = cni_window_count((int)from[1], a->top, a->bottom, (int)window[0], a->strides[0], a->dilation[0]);
    int width = cni_window_count((int)from[2], a->left, a->right, (int)window[1], a->strides[1], a->dilation[1]);
    cni_shape shape = CNI_SHAPE(from[0], height, width, from[3] * window[3]);
    return cni_append(graph, &depthwise_kind, a, CNI_CONV_INPUTS, (cni_tensor *[CNI_CONV_INPUTS]){x, w, bias}, 1,
                      &shape)
        ->out[0];
}

bool cni_is_depthwise(const cni_op *op)
{
    return op->kind == &depthwise_kind;
}
