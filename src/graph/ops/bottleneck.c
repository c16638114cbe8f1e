/* SPDX-License-Identifier: Apache-2.0
 * An inverted bottleneck in one pass, band by band:
 *
 *      x rows          first's rows         depthwise's rows      y rows
 *      + new   ----->  | kept from the  |
 *      + new           | band before    |   | band          |     band
 *      + new   ----->  | new            | > | band          | >   band
 *                        second cache         second cache
 *
 * Rows that the next band needs too are moved to the begin of their buffer.  A thread has buffers of its own. */
#include "graph/ops/bottleneck.h"
#include "graph/ops/correlate.h"
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/taps.h"
#include "kernels/convolution/window_axis.h"
#include "kernels/kernels.h"

#include <string.h>

/* Where what lies between is smaller, it stays in the second cache anyway. */
enum { BUFFER_BYTES = 512 * 1024, LARGE_BYTES = 512 * 1024 };

typedef struct attributes {
    cni_conv2d_attributes depthwise;
    cni_epilogue first, last;
} attributes;

typedef struct bands {
    int x[3], y[3], c; /* sizes of x, of y, channels between */
    cni_window_axis rows, columns;
    int rows_between, band; /* of the first's result for a band; of y */
    ptrdiff_t pitch;        /* from pixel to pixel of what lies between */
    bool expands;
} bands;

/* Whole vectors, and not so many bytes that pixels crowd few sets of the first cache. */
static ptrdiff_t pitch_of(int channels)
{
    ptrdiff_t pitch = (channels + 15) / 16 * 16;
    return pitch % 256 == 0 ? pitch + 16 : pitch;
}

static cni_window_axis axis_of(const cni_conv2d_attributes *a, int axis, const bands *b, const cni_tensor *w)
{
    return (cni_window_axis){.cells = b->x[axis],
                             .taps = (int)w->shape.dims[axis],
                             .position = axis == 0 ? -a->top : -a->left,
                             .stride = a->strides[axis],
                             .dilation = a->dilation[axis],
                             .last = b->y[axis],
                             .w = axis == 0 ? w->shape.dims[1] * b->c : b->c};
}

static bands bands_of(const cni_op *op, size_t real_size)
{
    const attributes *a = op->attributes;
    const cni_tensor *w = op->in[CNI_BOTTLENECK_W];
    bands b = {.c = (int)w->shape.dims[2], .expands = op->in[CNI_BOTTLENECK_FIRST_W] != NULL};
    for (int i = 0; i < 3; i++) {
        b.x[i] = (int)op->in[0]->shape.dims[i + 1];
        b.y[i] = (int)op->out[0]->shape.dims[i + 1];
    }
    b.rows = axis_of(&a->depthwise, 0, &b, w);
    b.columns = axis_of(&a->depthwise, 1, &b, w);
    b.pitch = pitch_of(b.c);
    b.columns.x = b.expands ? b.pitch : b.c;
    b.rows.x = b.columns.x * b.x[1];
    b.columns.y = b.pitch;
    b.rows.y = b.pitch * b.y[1];
    const ptrdiff_t reach = (ptrdiff_t)(b.rows.taps - 1) * b.rows.dilation + 1, size = (ptrdiff_t)real_size;
    const ptrdiff_t left = BUFFER_BYTES - (b.expands ? (reach - b.rows.stride) * b.rows.x * size : 0);
    const ptrdiff_t step = (b.rows.y + (b.expands ? b.rows.stride * b.rows.x : 0)) * size;
    b.band = left < step ? 1 : left / step < b.y[0] ? (int)(left / step) : b.y[0];
    b.band = cni_ratio_up(b.y[0], cni_ratio_up(b.y[0], b.band));
    const ptrdiff_t between = (ptrdiff_t)(b.band - 1) * b.rows.stride + reach;
    b.rows_between = between < b.x[0] ? (int)between : b.x[0];
    return b;
}

static size_t first_bytes(const bands *b, size_t real_size)
{
    return b->expands ? cni_round_up((size_t)b->rows_between * (size_t)b->rows.x * real_size) : 0;
}

static size_t own(const cni_op *op, const cni_run *most)
{
    const size_t real_size = most->kernels->real_size;
    const bands b = bands_of(op, real_size);
    return first_bytes(&b, real_size) + cni_round_up((size_t)b.band * (size_t)b.rows.y * real_size);
}

static size_t packed_bytes(int depth, int width, size_t real_size)
{
    return cni_round_up((size_t)depth * (size_t)(width + CNI_MAX_PANEL - 1) * real_size);
}

static size_t persistent(const cni_op *op, const cni_run *most)
{
    const bands b = bands_of(op, most->kernels->real_size);
    return (b.expands ? packed_bytes(b.x[2], b.c, most->kernels->real_size) : 0) +
           packed_bytes(b.c, b.y[2], most->kernels->real_size);
}

static void pack(const cni_kernels *kernels, const void *w, int depth, int width, void *packed)
{
    const int panel = kernels->matmul.panel;
    for (int j = 0; j < width; j += panel)
        cni_pack_panel(kernels, cni_at(w, j, kernels->real_size), width, 1, (size_t)depth,
                       cni_smaller(panel, width - j), cni_at_mutable(packed, (ptrdiff_t)j * depth, kernels->real_size));
}

typedef struct work {
    bands b;
    const cni_kernels *kernels;
    cni_step *step;
    const void *first, *last; /* packed */
    cni_finish first_finish, finish, last_finish;
    int parts;          /* of an image, for the threads */
    const cni_run *run; /* whose threads' own memory is used */
} work;

static cni_finish finish_of(const cni_step *step, int bias, int scale, const cni_epilogue *epilogue)
{
    cni_finish f = {.shift = step->in[bias], .scale = step->in[scale]};
    cni_finish_clamp(&f, epilogue);
    return f;
}

/* `pixels` pixels that lie one after the other. */
static void multiply(const work *w, const void *x, ptrdiff_t x_pixel, int depth, const void *panels, void *y,
                     ptrdiff_t y_pixel, int width, size_t pixels, const cni_finish *finish)
{
    const ptrdiff_t tap = 0;
    const cni_product p = {.x = x,
                           .x_pixel = x_pixel,
                           .tap = &tap,
                           .taps = 1,
                           .depth = depth,
                           .panels = panels,
                           .y = y,
                           .y_pixel = y_pixel,
                           .rows = 1,
                           .columns = pixels,
                           .width = width,
                           .finish = *finish};
    w->kernels->matmul.product(&p);
}

/* Rows first ... last - 1 of what lies between, of an image; those from `top` on are in the buffer, up to `bottom`. */
typedef struct window {
    int image, first, last, top, bottom;
    char *buffer;
} window;

static int clamp(ptrdiff_t value, int most)
{
    return value < 0 ? 0 : value > most ? most : (int)value;
}

static void expand(const work *w, window *v)
{
    const bands *b = &w->b;
    const size_t real_size = w->kernels->real_size, row = (size_t)b->rows.x * real_size;
    int next = v->bottom;
    if (next > v->first && v->top < v->first)
        memmove(v->buffer, v->buffer + (size_t)(v->first - v->top) * row, (size_t)(next - v->first) * row);
    if (next < v->first) next = v->first;
    if (next < v->last)
        multiply(w, cni_at(w->step->in[0], ((ptrdiff_t)v->image * b->x[0] + next) * b->x[1] * b->x[2], real_size),
                 b->x[2], b->x[2], w->first, v->buffer + (size_t)(next - v->first) * row, b->pitch, b->c,
                 (size_t)(v->last - next) * (size_t)b->x[1], &w->first_finish);
    v->top = v->first;
    v->bottom = v->last;
}

/* Rows begin ... end - 1 of y. */
static void compute_band(const work *w, window *v, int begin, int end, char *between)
{
    const bands *b = &w->b;
    const size_t real_size = w->kernels->real_size;
    const ptrdiff_t at = first_cell(&b->rows, begin);
    v->first = clamp(at, b->x[0]);
    v->last =
        clamp(at + (ptrdiff_t)(end - begin - 1) * b->rows.stride + (ptrdiff_t)(b->rows.taps - 1) * b->rows.dilation + 1,
              b->x[0]);
    if (v->last < v->first) v->last = v->first;
    if (b->expands) expand(w, v);
    cni_depthwise d = {.x = v->buffer,
                       .w = w->step->in[CNI_BOTTLENECK_W],
                       .y = between,
                       .rows = b->rows,
                       .columns = b->columns,
                       .width = b->c,
                       .finish = w->finish};
    d.rows.position = (int)at - v->first;
    d.rows.cells = v->last - v->first;
    d.rows.last = end - begin;
    if (!b->expands) d.x = cni_at(w->step->in[0], ((ptrdiff_t)v->image * b->x[0] + v->first) * b->rows.x, real_size);
    w->kernels->convolution.depthwise(&d);
    const ptrdiff_t y = ((ptrdiff_t)v->image * b->y[0] + begin) * b->y[1] * b->y[2];
    cni_finish f = w->last_finish;
    if (f.add) f.add = cni_at(f.add, y, real_size);
    multiply(w, between, b->pitch, b->c, w->last, cni_at_mutable(w->step->out[0], y, real_size), b->y[2], b->y[2],
             (size_t)(end - begin) * (size_t)b->y[1], &f);
}

static void run_part(void *context, size_t index, int thread)
{
    const work *w = context;
    const bands *b = &w->b;
    const int part = (int)(index % (size_t)w->parts), rows = b->y[0];
    window v = {.image = (int)(index / (size_t)w->parts), .buffer = cni_own(w->run, thread)};
    char *between = v.buffer + first_bytes(b, w->kernels->real_size);
    const int begin = rows * part / w->parts, end = rows * (part + 1) / w->parts;
    const int count = cni_ratio_up(end - begin, b->band);
    for (int k = 0; k < count; k++) {
        /* Of what has just been written the end is nearest: whoever keeps no rows from band to band begins there. */
        const int i = begin + (b->expands ? k : count - 1 - k) * b->band;
        compute_band(w, &v, i, cni_smaller(i + b->band, end), between);
    }
}

static void run(cni_step *step, const cni_run *run)
{
    const cni_op *op = step->op;
    const attributes *a = op->attributes;
    const size_t real_size = run->kernels->real_size;
    work w = {.b = bands_of(op, real_size), .kernels = run->kernels, .step = step, .run = run};
    const bands *b = &w.b;
    char *first = step->persistent, *last = first + (b->expands ? packed_bytes(b->x[2], b->c, real_size) : 0);
    uint64_t version = cni_variable_of(op->in[CNI_BOTTLENECK_LAST_W])->version;
    if (b->expands) version += cni_variable_of(op->in[CNI_BOTTLENECK_FIRST_W])->version;
    if (step->packed_version != version) {
        if (b->expands) pack(run->kernels, step->in[CNI_BOTTLENECK_FIRST_W], b->x[2], b->c, first);
        pack(run->kernels, step->in[CNI_BOTTLENECK_LAST_W], b->c, b->y[2], last);
        step->packed_version = version;
    }
    w.first = first;
    w.last = last;
    w.first_finish = finish_of(step, CNI_BOTTLENECK_FIRST_BIAS, CNI_BOTTLENECK_FIRST_SCALE, &a->first);
    w.finish = finish_of(step, CNI_BOTTLENECK_BIAS, CNI_BOTTLENECK_SCALE, &a->depthwise.epilogue);
    w.last_finish = finish_of(step, CNI_BOTTLENECK_LAST_BIAS, CNI_BOTTLENECK_LAST_SCALE, &a->last);
    w.last_finish.add = step->in[CNI_BOTTLENECK_ADD];
    const int threads = cni_pool_threads(run->pool);
    w.parts = run->n % threads == 0 ? 1 : cni_smaller(threads, b->y[0]);
    cni_parallel(run->pool, (size_t)run->n * (size_t)w.parts, run_part, &w);
}

static const cni_op_kind bottleneck_kind = {
    .name = "bottleneck", .attributes_size = sizeof(attributes), .own = own, .persistent = persistent, .run = run};

static const cni_epilogue *epilogue_of(const cni_op *op)
{
    return &((const cni_conv2d_attributes *)op->attributes)->epilogue;
}

static bool ends_in_clamp(const cni_op *op)
{
    cni_finish finish;
    return cni_finish_clamp(&finish, epilogue_of(op)) && !op->in[CNI_CONV_MASK];
}

static bool is_plain_pointwise(const cni_op *op)
{
    return cni_is_pointwise(op) && ends_in_clamp(op) && cni_keeps_packed(op->in[CNI_CONV_W]);
}

bool cni_bottleneck_pays(const cni_op *first, const cni_op *depthwise, const cni_op *last)
{
    if (first && (!is_plain_pointwise(first) || first->in[CNI_CONV_ADD])) return false;
    if (!is_plain_pointwise(last) || !ends_in_clamp(depthwise) || depthwise->in[CNI_CONV_ADD]) return false;
    const size_t before = cni_tensor_image(depthwise->in[0]), after = cni_tensor_image(depthwise->out[0]);
    return depthwise->in[CNI_CONV_W]->shape.dims[3] == 1 && (before + after) * sizeof(float) > LARGE_BYTES;
}

cni_op *cni_bottleneck(cni_graph *graph, const cni_op *first, const cni_op *depthwise, const cni_op *last)
{
    attributes a = {.depthwise = *(const cni_conv2d_attributes *)depthwise->attributes, .last = *epilogue_of(last)};
    cni_tensor *in[CNI_BOTTLENECK_INPUTS] = {
        [CNI_BOTTLENECK_X] = depthwise->in[CNI_CONV_X],         [CNI_BOTTLENECK_W] = depthwise->in[CNI_CONV_W],
        [CNI_BOTTLENECK_BIAS] = depthwise->in[CNI_CONV_BIAS],   [CNI_BOTTLENECK_SCALE] = depthwise->in[CNI_CONV_SCALE],
        [CNI_BOTTLENECK_LAST_W] = last->in[CNI_CONV_W],         [CNI_BOTTLENECK_LAST_BIAS] = last->in[CNI_CONV_BIAS],
        [CNI_BOTTLENECK_LAST_SCALE] = last->in[CNI_CONV_SCALE], [CNI_BOTTLENECK_ADD] = last->in[CNI_CONV_ADD],
    };
    if (first) {
        a.first = *epilogue_of(first);
        in[CNI_BOTTLENECK_X] = first->in[CNI_CONV_X];
        in[CNI_BOTTLENECK_FIRST_W] = first->in[CNI_CONV_W];
        in[CNI_BOTTLENECK_FIRST_BIAS] = first->in[CNI_CONV_BIAS];
        in[CNI_BOTTLENECK_FIRST_SCALE] = first->in[CNI_CONV_SCALE];
    }
    graph->segment = last->segment;
    cni_op *op = cni_append(graph, &bottleneck_kind, &a, CNI_BOTTLENECK_INPUTS, in, 1, &last->out[0]->shape);
    op->source = depthwise->source;
    op->out[0] = last->out[0];
    op->out[0]->producer = op;
    return op;
}
