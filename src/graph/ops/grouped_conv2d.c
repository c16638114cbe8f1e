/* SPDX-License-Identifier: Apache-2.0
 * Convolution of small groups of channels and its gradients.  That for x is the same convolution of dy with the window
 * turned round and each group's weights transposed, phase by phase (window_phases.h), or left to conv2d_transpose. */
#include "graph/ops/grouped_conv2d.h"
#include "graph/ops/dense.h"
#include "graph/ops/conv2d_weights.h"
#include "graph/ops/taps.h"
#include "graph/ops/window_phases.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    USUAL_TAPS = 3,
    MOST_TAPS = 11,
    MOST_GROUP = 16,
    WIDTH = 16,
    LEAST_ROWS = 6,
    CHUNK = 64,
    MOST_SLICES = 8,
    SLICE_BYTES = 1 << 23
};

static const cni_op_kind grouped_kind, data_kind, weights_kind;

/* Sizes of x and y, the images before and after the convolution. */
typedef struct extents {
    int x[3], y[3], window[2], strides[2], dilation[2], padding[2], group;
} extents;

static extents extents_of(const cni_conv2d_attributes *a, const cni_tensor *x, const cni_tensor *w, const cni_tensor *y)
{
    extents e = {.padding = {a->top, a->left}};
    for (int i = 0; i < 3; i++) {
        e.x[i] = (int)x->shape.dims[i + 1];
        e.y[i] = (int)y->shape.dims[i + 1];
    }
    for (int i = 0; i < 2; i++) {
        e.window[i] = (int)w->shape.dims[i];
        e.strides[i] = a->strides[i];
        e.dilation[i] = a->dilation[i];
    }
    e.group = e.x[2] / a->groups;
    return e;
}

static extents forward(const cni_op *op)
{
    return extents_of(op->attributes, op->in[CNI_CONV_X], op->in[CNI_CONV_W], op->out[0]);
}

/* For the data: dy is read and dx is written. */
static extents backward(const cni_op *op)
{
    return extents_of(op->attributes, op->out[0], op->in[CNI_CONV_W], op->in[CNI_CONV_X]);
}

static double operations(const extents *e, int n)
{
    return 2.0 * n * e->y[0] * e->y[1] * e->y[2] * e->window[0] * e->window[1] * e->group;
}

/* w [rows, columns, group, c]: from tap to tap. */
static ptrdiff_t tap_of(const extents *e, int axis)
{
    return (ptrdiff_t)(axis == 0 ? e->window[1] : 1) * e->group * e->y[2];
}

static ptrdiff_t cell_of(const int *image, int axis)
{
    return (ptrdiff_t)(axis == 0 ? image[1] : 1) * image[2];
}

static cni_window_axis axis_of(const extents *e, int axis)
{
    return (cni_window_axis){.cells = e->x[axis],
                             .taps = e->window[axis],
                             .position = -e->padding[axis],
                             .stride = e->strides[axis],
                             .dilation = e->dilation[axis],
                             .last = e->y[axis],
                             .x = cell_of(e->x, axis),
                             .w = tap_of(e, axis),
                             .y = cell_of(e->y, axis)};
}

/* The whole convolution as one phase, or one of those of its gradient for x, of cells begin ... end - 1 of what is
 * written. */
static cni_window_phase phase_of(const extents *e, bool turned, int axis, int rest, int begin, int end)
{
    if (!turned) {
        cni_window_phase whole = {.axis = axis_of(e, axis)};
        whole.axis.first = begin;
        whole.axis.last = end;
        return whole;
    }
    const cni_turned_axis a = {.x = e->x[axis],
                               .y = e->y[axis],
                               .window = e->window[axis],
                               .stride = e->strides[axis],
                               .dilation = e->dilation[axis],
                               .padding = e->padding[axis],
                               .w_tap = tap_of(e, axis),
                               .dx_cell = cell_of(e->x, axis),
                               .dy_cell = cell_of(e->y, axis)};
    return cni_window_phase_of(&a, rest, begin, end);
}

typedef struct work {
    extents e;
    bool turned;
    int from[3], to[3]; /* what is read and written */
    const cni_kernels *kernels;
    const cni_epilogue *after; /* what the finish does not do, or NULL */
    cni_finish finish;
    const void *x, *w;
    void *y;
    int bands, rows, chunks, channels;
} work;

static void divide(work *w, int n, int threads)
{
    const int wanted = threads > 1 ? cni_ratio_up(4 * threads, n) : 1;
    const int bands = cni_smaller(wanted, w->to[0] > LEAST_ROWS ? w->to[0] / LEAST_ROWS : 1);
    w->rows = cni_ratio_up(w->to[0], bands);
    w->bands = cni_ratio_up(w->to[0], w->rows);
    const int chunks = cni_smaller(cni_ratio_up(wanted, w->bands), cni_ratio_up(w->to[2], CHUNK));
    w->channels = cni_ratio_up(cni_ratio_up(w->to[2], chunks), WIDTH) * WIDTH;
    w->chunks = cni_ratio_up(w->to[2], w->channels);
}

static const void *moved(const void *data, ptrdiff_t elements, size_t real_size)
{
    return data ? cni_at(data, elements, real_size) : NULL;
}

typedef struct task {
    int begin, end, channel, width; /* rows of what is written */
    ptrdiff_t from, to;             /* where its image and channels are */
} task;

static void compute_phase(const work *w, const task *t, int row_rest, int column_rest)
{
    const size_t real_size = w->kernels->real_size;
    const cni_window_phase rows = phase_of(&w->e, w->turned, 0, row_rest, t->begin, t->end);
    const cni_window_phase columns = phase_of(&w->e, w->turned, 1, column_rest, 0, w->to[1]);
    const ptrdiff_t y = t->to + rows.dx + columns.dx;
    cni_grouped g = {.of = {.x = cni_at(w->x, t->from, real_size),
                            .w = cni_at(w->w, rows.w + columns.w + t->channel, real_size),
                            .y = cni_at_mutable(w->y, y, real_size),
                            .rows = rows.axis,
                            .columns = columns.axis,
                            .width = t->width,
                            .finish = w->finish},
                     .group = w->e.group,
                     .w_member = w->e.y[2]};
    cni_finish *f = &g.of.finish;
    f->scale = moved(f->scale, t->channel, real_size);
    f->shift = moved(f->shift, t->channel, real_size);
    f->add = moved(f->add, y, real_size);
    f->mask = moved(f->mask, y, real_size);
    if (rows.axis.first < rows.axis.last && columns.axis.first < columns.axis.last) w->kernels->convolution.grouped(&g);
}

/* What the finish does not do. */
static void apply_after(const work *w, const task *t)
{
    for (int i = t->begin; i < t->end; i++)
        for (int j = 0; j < w->to[1]; j++) {
            const ptrdiff_t at = t->to + i * cell_of(w->to, 0) + j * cell_of(w->to, 1);
            void *y = cni_at_mutable(w->y, at, w->kernels->real_size);
            w->kernels->elementwise.unary(w->after, y, y, (size_t)t->width);
        }
}

static void run_task(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    const int band = (int)(index / (size_t)w->chunks) % w->bands;
    const ptrdiff_t image = (ptrdiff_t)(index / (size_t)w->chunks / (size_t)w->bands);
    task t = {.begin = band * w->rows, .channel = (int)(index % (size_t)w->chunks) * w->channels};
    t.end = cni_smaller(t.begin + w->rows, w->to[0]);
    t.width = cni_smaller(w->channels, w->to[2] - t.channel);
    t.from = image * w->from[0] * cell_of(w->from, 0) + t.channel;
    t.to = image * w->to[0] * cell_of(w->to, 0) + t.channel;
    for (int i = 0; i < (w->turned ? w->e.strides[0] : 1); i++)
        for (int j = 0; j < (w->turned ? w->e.strides[1] : 1); j++) compute_phase(w, &t, i, j);
    if (w->after) apply_after(w, &t);
}

static void convolve(cni_step *step, const cni_run *whole_run, const extents *e, bool turned, const void *weights)
{
    const cni_run run = cni_run_for(whole_run, operations(e, whole_run->n));
    const cni_epilogue *epilogue = &((const cni_conv2d_attributes *)step->op->attributes)->epilogue;
    work w = {
        .e = *e, .turned = turned, .kernels = run.kernels, .x = step->in[CNI_CONV_X], .w = weights, .y = step->out[0]};
    memcpy(w.from, turned ? e->y : e->x, sizeof w.from);
    memcpy(w.to, turned ? e->x : e->y, sizeof w.to);
    w.after = cni_conv_finish(step, epilogue, &w.finish) ? NULL : epilogue;
    divide(&w, run.n, cni_pool_threads(run.pool));
    cni_parallel(run.pool, (size_t)run.n * (size_t)w.bands * (size_t)w.chunks, run_task, &w);
}

static void run_forward(cni_step *step, const cni_run *run)
{
    const extents e = forward(step->op);
    convolve(step, run, &e, false, step->in[CNI_CONV_W]);
}

/* For the data.  turned[r][s][m][g group + k] = w[r][s][k][g group + m]. */

static size_t data_workspace(const cni_op *op, const cni_run *most)
{
    return cni_round_up(cni_tensor_image(op->in[CNI_CONV_W]) * most->kernels->real_size);
}

static void turn(const cni_kernels *kernels, const extents *e, const void *w, void *to)
{
    const ptrdiff_t tap = tap_of(e, 1);
    for (int t = 0; t < e->window[0] * e->window[1]; t++)
        for (int c = 0; c < e->x[2]; c += e->group)
            kernels->layout.transpose(cni_at(w, t * tap + c, kernels->real_size), (size_t)e->x[2],
                                      cni_at_mutable(to, t * tap + c, kernels->real_size), (size_t)e->x[2],
                                      (size_t)e->group, (size_t)e->group);
}

static void run_data(cni_step *step, const cni_run *run)
{
    const extents e = backward(step->op);
    turn(run->kernels, &e, step->in[CNI_CONV_W], step->workspace);
    convolve(step, run, &e, true, step->workspace);
}

/* For the weights: in x, dy.  Tasks: chunks of channels and slices of the images, added in their order. */

typedef struct weights_work {
    extents e;
    const cni_kernels *kernels;
    const void *x, *dy;
    void *dw;
    char *slice_memory;
    size_t weights, slice_bytes;
    int n, slices, chunks;
} weights_work;

static weights_work plan_weights(const cni_op *op, const cni_run *run)
{
    weights_work w = {.e = extents_of(op->attributes, op->in[0], op->out[0], op->in[1]),
                      .kernels = run->kernels,
                      .weights = cni_tensor_image(op->out[0]),
                      .n = run->n};
    w.slice_bytes = cni_round_up(w.weights * run->kernels->real_size);
    w.slices = cni_smaller(run->n, MOST_SLICES);
    if ((size_t)w.slices * w.slice_bytes > SLICE_BYTES) w.slices = 1;
    w.chunks = cni_ratio_up(w.e.y[2], CHUNK);
    return w;
}

static size_t weights_workspace(const cni_op *op, const cni_run *most)
{
    const weights_work w = plan_weights(op, most);
    return w.slices > 1 ? (size_t)w.slices * w.slice_bytes : 0;
}

static void weigh(void *context, size_t index, int thread)
{
    (void)thread;
    const weights_work *w = context;
    const extents *e = &w->e;
    const size_t real_size = w->kernels->real_size;
    const int slice = (int)(index % (size_t)w->slices), channel = (int)(index / (size_t)w->slices) * CHUNK;
    void *dw = w->slices > 1 ? w->slice_memory + (size_t)slice * w->slice_bytes : w->dw;
    cni_grouped_weights g = {.of = {.dw = cni_at_mutable(dw, channel, real_size),
                                    .rows = axis_of(e, 0),
                                    .columns = axis_of(e, 1),
                                    .width = cni_smaller(CHUNK, e->y[2] - channel)},
                             .group = e->group,
                             .w_member = e->y[2]};
    for (int i = 0; i < e->window[0] * e->window[1] * e->group; i++)
        memset(cni_at_mutable(g.of.dw, (ptrdiff_t)i * e->y[2], real_size), 0, (size_t)g.of.width * real_size);
    const int last = (int)((int64_t)w->n * (slice + 1) / w->slices);
    for (int image = (int)((int64_t)w->n * slice / w->slices); image < last; image++) {
        g.of.x = cni_at(w->x, (ptrdiff_t)image * e->x[0] * e->x[1] * e->x[2] + channel, real_size);
        g.of.dy = cni_at(w->dy, (ptrdiff_t)image * e->y[0] * e->y[1] * e->y[2] + channel, real_size);
        w->kernels->convolution.grouped_weights(&g);
    }
}

static void run_weights(cni_step *step, const cni_run *whole_run)
{
    weights_work w = plan_weights(step->op, whole_run);
    const cni_run run = cni_run_for(whole_run, operations(&w.e, whole_run->n));
    w.x = step->in[0];
    w.dy = step->in[1];
    w.dw = step->out[0];
    w.slice_memory = step->workspace;
    cni_parallel(run.pool, (size_t)w.chunks * (size_t)w.slices, weigh, &w);
    if (w.slices > 1)
        run.kernels->matmul.column_sums(w.slice_memory, (ptrdiff_t)(w.slice_bytes / run.kernels->real_size),
                                        (size_t)w.slices, (int)w.weights, w.dw, false);
}

static bool is_usual(const cni_tensor *w)
{
    return w->shape.dims[0] == USUAL_TAPS && w->shape.dims[1] == USUAL_TAPS;
}

/* What a product of 16 columns does faster: it turns no weights, and phases have few taps for each member spread. */
static bool turns(const cni_tensor *w, const cni_conv2d_attributes *a)
{
    return w->shape.dims[2] < MOST_GROUP || (is_usual(w) && a->strides[0] == 1);
}

static bool has_weights_kernel(const cni_tensor *w, const cni_conv2d_attributes *a)
{
    const int64_t *window = w->shape.dims;
    if (a->strides[0] != a->strides[1] || (window[2] == MOST_GROUP && a->dilation[0] * a->dilation[1] > 1))
        return false;
    return is_usual(w) || (a->strides[0] == 1 && window[1] >= USUAL_TAPS);
}

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    cni_tensor *x = op->in[0], *w = op->in[1], *bias = op->in[2], *dy = dout[0];
    cni_conv2d_attributes a = *(const cni_conv2d_attributes *)op->attributes;
    a.epilogue = (cni_epilogue){0};
    const bool wants_bias = bias && bias->differentiable, own = has_weights_kernel(w, &a);
    if (x->differentiable && !turns(w, &a))
        din[0] = cni_conv2d_transpose(graph, dy, w, NULL, (int)x->shape.dims[1], (int)x->shape.dims[2], &a);
    else if (x->differentiable)
        din[0] =
            cni_append(graph, &data_kind, &a, CNI_CONV_INPUTS, (cni_tensor *[CNI_CONV_INPUTS]){dy, w}, 1, &x->shape)
                ->out[0];
    if (w->differentiable && own)
        din[1] = cni_append(graph, &weights_kind, &a, 2, (cni_tensor *[]){x, dy}, 1, &w->shape)->out[0];
    else if (w->differentiable)
        din[1] = cni_conv2d_weights(graph, x, dy, w, &a, wants_bias ? &din[2] : NULL);
    if (wants_bias && (own || !w->differentiable)) din[2] = cni_column_sums(graph, dy);
}

static const cni_op_kind grouped_kind = {.name = "grouped_conv2d",
                                         .attributes_size = sizeof(cni_conv2d_attributes),
                                         .gradient = gradient,
                                         .run = run_forward,
                                         .epilogue_offset = offsetof(cni_conv2d_attributes, epilogue),
                                         .takes = CNI_CONV_TAKES,
                                         .take_padding = cni_conv_take_padding};

static const cni_op_kind data_kind = {.name = "grouped_conv2d_data",
                                      .attributes_size = sizeof(cni_conv2d_attributes),
                                      .workspace = data_workspace,
                                      .run = run_data,
                                      .epilogue_offset = offsetof(cni_conv2d_attributes, epilogue),
                                      .takes = CNI_CONV_TAKES};

static const cni_op_kind weights_kind = {.name = "grouped_conv2d_weights",
                                         .attributes_size = sizeof(cni_conv2d_attributes),
                                         .workspace = weights_workspace,
                                         .run = run_weights};

bool cni_is_grouped_conv2d(const cni_tensor *x, const cni_tensor *w, const cni_conv2d_attributes *a)
{
    const int64_t c = x->shape.dims[3], group = c / a->groups;
    if (a->groups == 1 || w->shape.dims[3] != c || c % WIDTH) return false;
    for (int i = 0; i < 2; i++) {
        const int64_t taps = w->shape.dims[i];
        if (taps < a->strides[i] || taps > MOST_TAPS || a->strides[i] > 2 || (a->strides[i] > 1 && a->dilation[i] > 1))
            return false;
    }
    return (group == 2 || group == 4 || group == 8 || group == 16) && w->shape.dims[0] * w->shape.dims[1] > 1;
}

cni_tensor *cni_grouped_conv2d(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias,
                               const cni_conv2d_attributes *a)
{
    const int64_t *from = x->shape.dims;
    const int64_t *taps = w->shape.dims;
    const int height = cni_window_count((int)from[1], a->top, a->bottom, (int)taps[0], a->strides[0], a->dilation[0]);
    const int width = cni_window_count((int)from[2], a->left, a->right, (int)taps[1], a->strides[1], a->dilation[1]);
    const cni_shape y = CNI_SHAPE(from[0], height, width, w->shape.dims[3]);
    cni_tensor *in[CNI_CONV_INPUTS] = {x, w, bias};
    return cni_append(graph, &grouped_kind, a, CNI_CONV_INPUTS, in, 1, &y)->out[0];
}
