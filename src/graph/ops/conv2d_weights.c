/* SPDX-License-Identifier: Apache-2.0
 * The gradient of a convolution for its weights: for each tap, a product of the cells that the tap reads with dy, whose
 * sums run over cells.  Nothing is packed, and a tap looks only at the windows for which it is inside the image.
 *
 *   for each group, panel of filters, row of the window (and slice of the images)       tasks, each with a dw of its
 * own for each image, block of rows of dy                                               the block of dy stays in cache
 *       for each tap of that row: dw[tap, c, panel] += x' dy                            the outer kernel
 *
 * With few channels a whole row of the window is one tap: its cells' channels lie side by side, in a copy of the row
 * with its border.  Where there are too few tasks, the images are cut in slices, whose sums are added in their order:
 * how many slices depends on the shapes alone. */
#include "graph/ops/conv2d_weights.h"
#include "graph/ops/taps.h"
#include "graph/ops/winograd_weights.h"
#include "kernels/kernels.h"

#include <string.h>

enum { BLOCK_CELLS = 512, WANTED_TASKS = 32, FOLDED_CHANNELS = 4, SLICE_BYTES = 1 << 23, SUM_CELLS = 4096 };

typedef struct shape {
    int h, w, c, oh, ow, f, kh, kw, groups;
    const cni_conv2d_attributes *a;
    bool folded;
    int block_rows, block_images;
} shape;

typedef struct work {
    shape s;
    const cni_kernels *kernels;
    const void *x, *dy;
    void *dw, *db, *slices_memory, *copies;
    int n, panels, slices;
    size_t weights, copy_bytes, slice_bytes;
} work;

static shape shape_of(const cni_op *op)
{
    const int64_t *x = op->in[0]->shape.dims, *dy = op->in[1]->shape.dims, *w = op->out[0]->shape.dims;
    const cni_conv2d_attributes *a = op->attributes;
    shape s = {.h = (int)x[1],
               .w = (int)x[2],
               .c = (int)x[3],
               .oh = (int)dy[1],
               .ow = (int)dy[2],
               .f = (int)dy[3],
               .kh = (int)w[0],
               .kw = (int)w[1],
               .groups = a->groups,
               .a = a,
               .block_images = 1};
    s.folded = s.groups == 1 && s.c <= FOLDED_CHANNELS && s.kw > 1 && a->dilation[1] == 1;
    s.block_rows = cni_smaller(s.oh, s.ow < BLOCK_CELLS ? BLOCK_CELLS / s.ow : 1);
    if (s.oh * s.ow <= BLOCK_CELLS && !s.folded) s.block_images = BLOCK_CELLS / (s.oh * s.ow);
    return s;
}

/* The panels of all instruction sets are counted as if they were 32 wide, so that the slices are the same for all. */
static int slices_of(const shape *s, int n, size_t real_size)
{
    int tasks = s->groups * cni_ratio_up(s->f / s->groups, 32) * s->kh;
    size_t bytes = (size_t)s->kh * (size_t)s->kw * (size_t)(s->c / s->groups) * (size_t)s->f * real_size;
    int slices = cni_smaller(n, cni_ratio_up(WANTED_TASKS, tasks));
    int affordable = bytes < SLICE_BYTES ? (int)(SLICE_BYTES / bytes) : 1;
    return slices < affordable ? slices : affordable;
}

static int copy_columns(const shape *s)
{
    return (s->ow - 1) * s->a->strides[1] + s->kw;
}

static size_t copy_bytes(const shape *s, size_t real_size)
{
    return s->folded ? cni_round_up((size_t)s->block_rows * (size_t)copy_columns(s) * (size_t)s->c * real_size) : 0;
}

/* One slice's dw, then its db. */
static size_t slice_bytes(const shape *s, size_t real_size)
{
    size_t weights = (size_t)s->kh * (size_t)s->kw * (size_t)(s->c / s->groups) * (size_t)s->f;
    return cni_round_up((weights + (size_t)s->f) * real_size);
}

/* Whether it goes by Winograd's algorithm, and how. */
static bool winograd_of(const shape *s, const cni_run *run, cni_winograd_weights *w)
{
    const cni_conv2d_attributes *a = s->a;
    if (run->math == CN_MATH_DIRECT || run->kernels->real_size == sizeof(double) || s->groups > 1) return false;
    if (s->kh != s->kw || (s->kh != 3 && s->kh != 5)) return false;
    for (int i = 0; i < 2; i++)
        if (a->strides[i] > 1 || a->dilation[i] > 1) return false;
    *w = (cni_winograd_weights){.h = s->h,
                                .w = s->w,
                                .c = s->c,
                                .oh = s->oh,
                                .ow = s->ow,
                                .f = s->f,
                                .window = s->kh,
                                .top = a->top,
                                .left = a->left};
    return cni_winograd_weights_pays(w, run->batch);
}

static size_t workspace(const cni_op *op, const cni_run *most)
{
    shape s = shape_of(op);
    cni_winograd_weights winograd;
    if (winograd_of(&s, most, &winograd)) return cni_winograd_weights_scratch(&winograd, most);
    int slices = slices_of(&s, most->n, most->kernels->real_size);
    return (size_t)cni_pool_threads(most->pool) * copy_bytes(&s, most->kernels->real_size) +
           (slices > 1 ? (size_t)slices * slice_bytes(&s, most->kernels->real_size) : 0);
}

/* Windows first ... last - 1 of `count` for which cell i * stride + offset is one of 0 ... size - 1. */
static void clip(int size, int stride, int offset, int *first, int *last)
{
    int least = offset < 0 ? cni_ratio_up(-offset, stride) : 0;
    int most = size - 1 - offset < 0 ? 0 : (size - 1 - offset) / stride + 1;
    if (*first < least) *first = least;
    if (*last > most) *last = most;
}

typedef struct task {
    int slice, group, panel, r;
    int channel, width; /* of dy: first filter, how many */
    void *dw, *db;      /* of the slice */
} task;

/* Rows first ... last - 1 of dy, of images image ... last_image - 1. */
typedef struct block {
    int image, last_image, first, last;
} block;

static void add_outer(const work *w, const task *t, const block *b, const void *x, ptrdiff_t x_row, ptrdiff_t x_pixel,
                      int column, int columns, int s, int height)
{
    size_t real_size = w->kernels->real_size;
    ptrdiff_t dy_row = (ptrdiff_t)w->s.ow * w->s.f, dy_image = w->s.oh * dy_row;
    cni_outer outer = {
        .x = x,
        .x_image = (ptrdiff_t)w->s.h * w->s.w * w->s.c,
        .x_row = x_row,
        .x_pixel = x_pixel,
        .dy =
            cni_at(w->dy, b->image * dy_image + b->first * dy_row + (ptrdiff_t)column * w->s.f + t->channel, real_size),
        .dy_image = dy_image,
        .dy_row = dy_row,
        .dy_pixel = w->s.f,
        .images = (size_t)(b->last_image - b->image),
        .rows = (size_t)(b->last - b->first),
        .columns = (size_t)columns,
        .dw = cni_at_mutable(t->dw, ((ptrdiff_t)t->r * w->s.kw + s) * (w->s.c / w->s.groups) * w->s.f + t->channel,
                             real_size),
        .dw_row = w->s.f,
        .height = height,
        .width = t->width,
        .accumulate = true,
    };
    w->kernels->matmul.outer(&outer);
}

/* The rows of x that tap row r reads from first on, one for each row of dy, with their border. */
static void add_folded(const work *w, const task *t, const block *b, void *copy, int top)
{
    const shape *s = &w->s;
    size_t real_size = w->kernels->real_size;
    const void *x = cni_at(w->x, (ptrdiff_t)b->image * s->h * s->w * s->c, real_size);
    cni_rectangle row = {.left = -s->a->left, .rows = 1, .columns = copy_columns(s), .channels = s->c, .repeat = 1};
    ptrdiff_t copy_row = (ptrdiff_t)row.columns * s->c;
    for (int i = b->first; i < b->last; i++) {
        row.top = i * s->a->strides[0] + top;
        cni_rectangle_copy(&row, x, s->h, s->w, s->c, real_size,
                           cni_at_mutable(copy, (i - b->first) * copy_row, real_size));
    }
    add_outer(w, t, b, copy, copy_row, (ptrdiff_t)s->a->strides[1] * s->c, 0, s->ow, 0, s->kw * s->c);
}

static void add_taps(const work *w, const task *t, const block *b, int top)
{
    const shape *s = &w->s;
    int depth = s->c / s->groups;
    for (int k = 0; k < s->kw; k++) {
        int left = k * s->a->dilation[1] - s->a->left, column = 0, last_column = s->ow;
        clip(s->w, s->a->strides[1], left, &column, &last_column);
        if (column >= last_column) continue;
        ptrdiff_t row = (ptrdiff_t)b->image * s->h + b->first * s->a->strides[0] + top;
        ptrdiff_t cell = row * s->w + column * s->a->strides[1] + left;
        add_outer(w, t, b, cni_at(w->x, cell * s->c + t->group * depth, w->kernels->real_size),
                  (ptrdiff_t)s->a->strides[0] * s->w * s->c, (ptrdiff_t)s->a->strides[1] * s->c, column,
                  last_column - column, k, depth);
    }
}

static void add_bias(const work *w, const task *t, const block *b)
{
    size_t real_size = w->kernels->real_size, cells = (size_t)(b->last - b->first) * (size_t)w->s.ow;
    for (int image = b->image; image < b->last_image; image++)
        w->kernels->matmul.column_sums(
            cni_at(w->dy, ((ptrdiff_t)image * w->s.oh + b->first) * w->s.ow * w->s.f + t->channel, real_size), w->s.f,
            cells, t->width, cni_at_mutable(t->db, t->channel, real_size), true);
}

static void add_images(const work *w, const task *t, void *copy, int image, int last_image)
{
    const shape *s = &w->s;
    int top = t->r * s->a->dilation[0] - s->a->top;
    for (int i = 0; i < s->oh; i += s->block_rows) {
        block b = {image, last_image, i, cni_smaller(i + s->block_rows, s->oh)};
        if (t->db && t->r == 0) add_bias(w, t, &b);
        clip(s->h, s->a->strides[0], top, &b.first, &b.last);
        if (b.first >= b.last) continue;
        if (s->folded)
            add_folded(w, t, &b, copy, top);
        else
            add_taps(w, t, &b, top);
    }
}

static void clear(const work *w, const task *t)
{
    size_t real_size = w->kernels->real_size, bytes = (size_t)t->width * real_size;
    ptrdiff_t rows = (ptrdiff_t)w->s.kw * (w->s.c / w->s.groups);
    for (ptrdiff_t i = 0; i < rows; i++)
        memset(cni_at_mutable(t->dw, (t->r * rows + i) * w->s.f + t->channel, real_size), 0, bytes);
    if (t->db && t->r == 0) memset(cni_at_mutable(t->db, t->channel, real_size), 0, bytes);
}

static void run_task(void *context, size_t index, int thread)
{
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    int panel = w->kernels->matmul.panel, filters = w->s.f / w->s.groups;
    task t = {.slice = (int)(index % (size_t)w->slices)};
    index /= (size_t)w->slices;
    t.r = (int)(index % (size_t)w->s.kh);
    index /= (size_t)w->s.kh;
    t.panel = (int)(index % (size_t)w->panels);
    t.group = (int)(index / (size_t)w->panels);
    t.channel = t.group * filters + t.panel * panel;
    t.width = cni_smaller(panel, filters - t.panel * panel);
    t.dw = w->slices > 1 ? (char *)w->slices_memory + (size_t)t.slice * w->slice_bytes : w->dw;
    t.db = !w->db || w->slices == 1 ? w->db : cni_at_mutable(t.dw, (ptrdiff_t)w->weights, real_size);
    clear(w, &t);
    int first = (int)((int64_t)w->n * t.slice / w->slices), last = (int)((int64_t)w->n * (t.slice + 1) / w->slices);
    for (int image = first; image < last; image += w->s.block_images)
        add_images(w, &t, (char *)w->copies + (size_t)thread * w->copy_bytes, image,
                   cni_smaller(image + w->s.block_images, last));
}

/* Adds the slices in their order: tasks for pieces of dw, then tasks for pieces of db. */
static void add_slices(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size, pieces = (w->weights + SUM_CELLS - 1) / SUM_CELLS;
    bool bias = index >= pieces;
    size_t first = (bias ? index - pieces : index) * SUM_CELLS, count = bias ? (size_t)w->s.f : w->weights;
    size_t width = count - first < SUM_CELLS ? count - first : SUM_CELLS;
    w->kernels->matmul.column_sums(cni_at(w->slices_memory, (ptrdiff_t)(first + (bias ? w->weights : 0)), real_size),
                                   (ptrdiff_t)(w->slice_bytes / real_size), (size_t)w->slices, (int)width,
                                   cni_at_mutable(bias ? w->db : w->dw, (ptrdiff_t)first, real_size), false);
}

static void run_weights(cni_step *step, const cni_run *whole_run)
{
    shape s = shape_of(step->op);
    const cni_run some_run =
        cni_run_for(whole_run, 2.0 * whole_run->n * s.oh * s.ow * s.kh * s.kw * s.c * s.f / s.groups);
    const cni_run *run = &some_run;
    void *db = step->op->outputs > 1 ? step->out[1] : NULL;
    cni_winograd_weights winograd;
    if (winograd_of(&s, run, &winograd)) {
        cni_winograd_weights_run(&winograd, whole_run, step->in[0], step->in[1], step->out[0], db, step->workspace);
        return;
    }
    size_t real_size = run->kernels->real_size;
    work w = {.s = s,
              .kernels = run->kernels,
              .x = step->in[0],
              .dy = step->in[1],
              .dw = step->out[0],
              .db = db,
              .n = run->n};
    w.panels = cni_ratio_up(w.s.f / w.s.groups, run->kernels->matmul.panel);
    w.slices = slices_of(&w.s, run->n, real_size);
    w.weights = (size_t)w.s.kh * (size_t)w.s.kw * (size_t)(w.s.c / w.s.groups) * (size_t)w.s.f;
    w.copy_bytes = copy_bytes(&w.s, real_size);
    w.slice_bytes = slice_bytes(&w.s, real_size);
    w.copies = step->workspace;
    w.slices_memory = (char *)step->workspace + (size_t)cni_pool_threads(run->pool) * w.copy_bytes;
    cni_parallel(run->pool, (size_t)w.slices * (size_t)w.s.groups * (size_t)w.panels * (size_t)w.s.kh, run_task, &w);
    if (w.slices == 1) return;
    size_t sums = (w.weights + SUM_CELLS - 1) / SUM_CELLS;
    if (w.db) sums += ((size_t)w.s.f + SUM_CELLS - 1) / SUM_CELLS;
    cni_parallel(run->pool, sums, add_slices, &w);
}

static const cni_op_kind weights_kind = {.name = "conv2d_weights",
                                         .attributes_size = sizeof(cni_conv2d_attributes),
                                         .workspace = workspace,
                                         .run = run_weights};

cni_tensor *cni_conv2d_weights(cni_graph *graph, cni_tensor *x, cni_tensor *dy, cni_tensor *w,
                               const cni_conv2d_attributes *attributes, cni_tensor **bias_gradient)
{
    cni_shape shapes[2] = {w->shape, CNI_SHAPE(w->shape.dims[3])};
    cni_op *op =
        cni_append(graph, &weights_kind, attributes, 2, (cni_tensor *[]){x, dy}, bias_gradient ? 2 : 1, shapes);
    if (bias_gradient) *bias_gradient = op->out[1];
    return op->out[0];
}
