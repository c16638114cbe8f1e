/* SPDX-License-Identifier: Apache-2.0
 * The gradient of a convolution for its weights: for each tap, a product of the cells that the tap reads with dy, whose
 * sums run over cells.  Nothing is packed, and a tap looks only at the windows for which it is inside the image.
 *
 *   for each slice, group, chunk of channels, chunk of filters (and row of the window)      tasks: no two share a sum
 *     for each block of rows of dy, or of whole images                                      fits in a core's own cache
 *       for each tap: dw[tap, channels, filters] += x' dy                                   the outer kernel
 *
 * With few channels a whole row of the window is one tap: its cells' channels lie side by side, in a copy of the rows
 * with their border.  Where dw is small, the blocks are cut in slices with a dw of their own, which are added in their
 * order: how many blocks and slices there are depends on the shapes alone.  With few filters x and dy change places. */
#include "graph/ops/conv2d_weights.h"
#include "graph/ops/taps.h"
#include "graph/ops/winograd_weights.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    BLOCK_CELLS = 256, /* of dy: a panel of them stays in the nearest cache */
    CHUNK = 256,       /* channels and filters: with them a block stays in the next */
    PANELS = 64,       /* chunks of filters are whole panels of every instruction set */
    LEAST_CHUNK = 28,  /* channels: two tiles of the outer kernel */
    WANTED_SLICES = 8, /* times chunks */
    SLICE_BYTES = 1 << 22,
    FOLDED_CHANNELS = 4,
    LANES = 16, /* of the widest vectors */
    MOST_TURNED = 64,
    FAR_BYTES = 1 << 19, /* images and dy that may be far away */
    SUM_CELLS = 4096
};

typedef struct shape {
    int h, w, c, oh, ow, f, kh, kw, groups;
    int depth, filters; /* channels and filters of a group */
    cni_conv2d_attributes a;
    bool turned, folded, far;
    int block_rows, block_images, row_blocks; /* rows of dy of a block; blocks of an image (or of images) */
    int height, heights, width, widths;       /* a chunk's channels and filters; how many chunks */
    int task_rows, row_tasks;                 /* rows of the window of a task; tasks for all */
    int slices;
} shape;

typedef struct work {
    shape s;
    const cni_kernels *kernels;
    const void *x, *dy;
    void *dw, *db, *slices_memory;
    const cni_run *run; /* whose threads have a copy of their own */
    int n, blocks;
    size_t weights, slice_bytes;
} work;

/* ---- how it is divided ---- */

/* Of the lanes that so many channels take, the share that is not empty. */
static double lanes_used(int channels)
{
    return (double)channels / (cni_ratio_up(channels, LANES) * LANES);
}

/* Few filters would leave lanes empty.  With stride 1 x and dy can change places, under a window turned round:
 *
 *     dw(r, s)[c, f] = sum of x(p + r - top) dy(p) = sum of dy(q + r' - top') x(q) = dw'(r', s')[f, c]
 *     where r' = (kh - 1) - r, top' = (kh - 1) dilation - top */
static void turn(shape *s)
{
    const int top = (s->kh - 1) * s->a.dilation[0] - s->a.top, left = (s->kw - 1) * s->a.dilation[1] - s->a.left;
    s->turned = s->groups == 1 && s->f <= MOST_TURNED && lanes_used(s->c) > 1.1 * lanes_used(s->f) &&
                s->a.strides[0] == 1 && s->a.strides[1] == 1 && top >= 0 && left >= 0;
    if (!s->turned) return;
    const int h = s->h, w = s->w, c = s->c;
    s->h = s->oh;
    s->w = s->ow;
    s->c = s->f;
    s->oh = h;
    s->ow = w;
    s->f = c;
    s->a.top = top;
    s->a.left = left;
}

static int copy_columns(const shape *s)
{
    return (s->ow - 1) * s->a.strides[1] + s->kw;
}

static int copy_rows(const shape *s, int rows)
{
    return (rows - 1) * s->a.strides[0] + (s->kh - 1) * s->a.dilation[0] + 1;
}

static size_t copy_bytes(const shape *s, size_t real_size)
{
    if (!s->folded) return 0;
    return cni_round_up((size_t)copy_rows(s, s->block_rows) * (size_t)copy_columns(s) * (size_t)s->c * real_size);
}

static size_t weights_of(const shape *s)
{
    return (size_t)s->kh * (size_t)s->kw * (size_t)s->depth * (size_t)s->f;
}

/* One slice's dw, then its db. */
static size_t slice_bytes(const shape *s, size_t real_size)
{
    return cni_round_up((weights_of(s) + (size_t)s->f) * real_size);
}

static int blocks_of(const shape *s, int n)
{
    return cni_ratio_up(n, s->block_images) * s->row_blocks;
}

static int tasks_of(const shape *s)
{
    return s->slices * s->groups * s->heights * s->widths * s->row_tasks;
}

/* Smaller tasks where threads would have nothing to do: they change no sum. */
static void divide_among(shape *s, int threads)
{
    int wanted = threads > 1 ? 4 * threads : 1;
    if (tasks_of(s) < wanted && !s->folded) {
        s->task_rows = 1;
        s->row_tasks = s->kh;
    }
    while (tasks_of(s) < wanted && s->width > PANELS / 2) {
        s->width = s->width > PANELS ? cni_ratio_up(s->width / 2, PANELS) * PANELS : PANELS / 2;
        s->widths = cni_ratio_up(s->filters, s->width);
    }
    while (tasks_of(s) < wanted && s->height > LEAST_CHUNK && !s->folded) {
        s->height = (s->height + 1) / 2;
        s->heights = cni_ratio_up(s->depth, s->height);
    }
}

static shape shape_of(const cni_op *op, const cni_run *run)
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
               .a = *a,
               .block_images = 1,
               .row_tasks = 1};
    size_t real_size = run->kernels->real_size;
    turn(&s);
    s.depth = s.c / s.groups;
    s.filters = s.f / s.groups;
    s.folded = s.groups == 1 && s.c <= FOLDED_CHANNELS && s.kw > 1 && a->dilation[1] == 1;
    s.block_rows = cni_smaller(s.oh, s.ow < BLOCK_CELLS ? BLOCK_CELLS / s.ow : 1);
    if (s.oh * s.ow <= BLOCK_CELLS && !s.folded) s.block_images = BLOCK_CELLS / (s.oh * s.ow);
    s.row_blocks = cni_ratio_up(s.oh, s.block_rows);
    s.heights = s.folded ? 1 : cni_ratio_up(s.depth, CHUNK);
    s.height = s.folded ? s.kw * s.c : cni_ratio_up(s.depth, s.heights);
    s.width = cni_ratio_up(cni_ratio_up(s.filters, cni_ratio_up(s.filters, CHUNK)), PANELS) * PANELS;
    s.widths = cni_ratio_up(s.filters, s.width);
    s.task_rows = s.kh;
    int chunks = s.groups * s.heights * s.widths, slices = cni_ratio_up(WANTED_SLICES, chunks);
    size_t bytes = slice_bytes(&s, real_size), affordable = bytes < SLICE_BYTES ? SLICE_BYTES / bytes : 1;
    s.slices = cni_smaller(slices, blocks_of(&s, run->batch));
    if ((size_t)s.slices > affordable) s.slices = (int)affordable;
    s.far = ((size_t)s.h * (size_t)s.w * (size_t)s.c + (size_t)s.oh * (size_t)s.ow * (size_t)s.f) * (size_t)run->n *
                real_size >
            FAR_BYTES;
    divide_among(&s, cni_pool_threads(run->pool));
    return s;
}

static cni_conv_shape conv_shape(const cni_op *op)
{
    const int64_t *x = op->in[0]->shape.dims, *dy = op->in[1]->shape.dims, *window = op->out[0]->shape.dims;
    const cni_conv2d_attributes *a = op->attributes;
    return (cni_conv_shape){.pass = CNI_PASS_WEIGHTS,
                            .from = {(int)x[1], (int)x[2], (int)x[3]},
                            .to = {(int)dy[1], (int)dy[2], (int)dy[3]},
                            .window = {(int)window[0], (int)window[1]},
                            .strides = {a->strides[0], a->strides[1]},
                            .dilation = {a->dilation[0], a->dilation[1]},
                            .groups = a->groups,
                            .padding = {a->top, a->left}};
}

static int choose(const cni_op *op, const cni_run *most, const cni_choosing *choosing)
{
    const cni_conv_shape s = conv_shape(op);
    return (int)cni_planned_algorithm(op, &s, most, choosing);
}

/* Whether it goes by Winograd's algorithm, and how. */
static bool winograd_of(const cni_op *op, cni_winograd_weights *w)
{
    const cni_conv_shape s = conv_shape(op);
    *w = cni_winograd_weights_of(&s, (cni_algorithm)op->way);
    return op->way != CNI_DIRECT;
}

static size_t workspace(const cni_op *op, const cni_run *most)
{
    cni_winograd_weights winograd;
    if (winograd_of(op, &winograd)) return cni_winograd_weights_scratch(&winograd, most);
    shape s = shape_of(op, most);
    const size_t real_size = most->kernels->real_size;
    return (s.slices > 1 ? (size_t)s.slices * slice_bytes(&s, real_size) : 0) +
           (s.turned ? cni_round_up(weights_of(&s) * real_size) : 0);
}

static size_t own(const cni_op *op, const cni_run *most)
{
    cni_winograd_weights winograd;
    if (winograd_of(op, &winograd)) return cni_winograd_weights_own(&winograd, most);
    shape s = shape_of(op, most);
    return copy_bytes(&s, most->kernels->real_size);
}

/* Windows first ... last - 1 of `count` for which cell i * stride + offset is one of 0 ... size - 1. */
static void clip(int size, int stride, int offset, int *first, int *last)
{
    int least = offset < 0 ? cni_ratio_up(-offset, stride) : 0;
    int most = size - 1 - offset < 0 ? 0 : (size - 1 - offset) / stride + 1;
    if (*first < least) *first = least;
    if (*last > most) *last = most;
}

/* ---- one task ---- */

/* Cells of x and of dy that follow each other, all their channels or some: `bytes` 0 where they do not. */
typedef struct near_cells {
    const void *data[2];
    size_t bytes[2];
} near_cells;

typedef struct task {
    int channel, height;      /* of the group: first, how many */
    int group, filter, width; /* of dy: first, how many */
    int row, last_row;        /* of the window */
    void *dw, *db;            /* of the slice; db NULL: not this task's */
    void *copy;
    near_cells ahead; /* of the next block */
} task;

/* Rows first ... last - 1 of dy, of images image ... last_image - 1. */
typedef struct block {
    int image, last_image, first, last;
} block;

static block block_at(const work *w, int index)
{
    const shape *s = &w->s;
    int image = index / s->row_blocks * s->block_images, first = index % s->row_blocks * s->block_rows;
    return (block){image, cni_smaller(image + s->block_images, w->n), first, cni_smaller(first + s->block_rows, s->oh)};
}

/* Where the weights of a tap of a task begin. */
static void *weights_at(const work *w, const task *t, int r, int s)
{
    ptrdiff_t row = ((ptrdiff_t)r * w->s.kw + s) * w->s.depth + t->channel;
    return cni_at_mutable(t->dw, row * w->s.f + t->filter, w->kernels->real_size);
}

static void clear(const work *w, const task *t, int r, int s)
{
    char *at = weights_at(w, t, r, s);
    size_t real_size = w->kernels->real_size;
    for (int i = 0; i < t->height; i++, at += (size_t)w->s.f * real_size) memset(at, 0, (size_t)t->width * real_size);
}

/* What `x` is, and from where in a row the windows are. */
typedef struct window {
    const void *x;
    ptrdiff_t row, pixel,
        line; /* from row of dy to row of dy, column to column, folded row of the window to the next */
    int column, columns;
} window;

static void add_outer(const work *w, const task *t, const block *b, const window *c, int r, int s, bool accumulate)
{
    size_t real_size = w->kernels->real_size;
    ptrdiff_t dy_row = (ptrdiff_t)w->s.ow * w->s.f, dy_image = w->s.oh * dy_row;
    cni_outer outer = {
        .x = c->x,
        .x_image = (ptrdiff_t)w->s.h * w->s.w * w->s.c,
        .x_row = c->row,
        .x_pixel = c->pixel,
        .dy = cni_at(w->dy, b->image * dy_image + b->first * dy_row + (ptrdiff_t)c->column * w->s.f + t->filter,
                     real_size),
        .dy_image = dy_image,
        .dy_row = dy_row,
        .dy_pixel = w->s.f,
        .images = (size_t)(b->last_image - b->image),
        .rows = (size_t)(b->last - b->first),
        .columns = (size_t)c->columns,
        .dw = weights_at(w, t, r, s),
        .dw_row = w->s.f,
        .height = t->height * (w->s.folded ? w->s.kh : 1),
        .width = t->width,
        .run = w->s.folded ? t->height : 0,
        .x_line = c->line,
        .accumulate = accumulate,
    };
    size_t part = (size_t)((r - t->row) * w->s.kw + s);
    size_t parts = w->s.folded ? 1 : (size_t)((t->last_row - t->row) * w->s.kw);
    for (int i = 0; i < 2; i++) {
        if (!t->ahead.bytes[i]) continue;
        size_t share = (t->ahead.bytes[i] / parts + 63) / 64 * 64;
        outer.ahead[i] = (const char *)t->ahead.data[i] + part * share;
        outer.ahead_bytes[i] = share;
    }
    w->kernels->matmul.outer(&outer);
}

/* All taps, from the rows of x with their border: a copy, unless nothing sticks out. */
static void add_folded(const work *w, const task *t, const block *b, bool accumulate)
{
    const shape *s = &w->s;
    size_t real_size = w->kernels->real_size;
    const void *x = cni_at(w->x, (ptrdiff_t)b->image * s->h * s->w * s->c, real_size);
    const cni_rectangle reads = {.top = b->first * s->a.strides[0] - s->a.top,
                                 .left = -s->a.left,
                                 .rows = copy_rows(s, b->last - b->first),
                                 .columns = copy_columns(s),
                                 .channels = s->c,
                                 .repeat = 1};
    ptrdiff_t row = (ptrdiff_t)reads.columns * s->c;
    if (cni_rectangle_inside(&reads, s->h, s->w)) {
        row = (ptrdiff_t)s->w * s->c;
        x = cni_at(x, reads.top * row + (ptrdiff_t)reads.left * s->c, real_size);
    } else {
        cni_rectangle_copy(&reads, x, s->h, s->w, s->c, real_size, t->copy);
        x = t->copy;
    }
    const window c = {.x = x,
                      .row = s->a.strides[0] * row,
                      .pixel = (ptrdiff_t)s->a.strides[1] * s->c,
                      .line = s->a.dilation[0] * row,
                      .columns = s->ow};
    add_outer(w, t, b, &c, 0, 0, accumulate);
}

/* The taps of row r of the window, over those rows of the block that it is inside for; false: over none. */
static bool add_taps(const work *w, const task *t, const block *whole, int r, bool accumulate)
{
    const shape *s = &w->s;
    block b = *whole;
    int top = r * s->a.dilation[0] - s->a.top;
    clip(s->h, s->a.strides[0], top, &b.first, &b.last);
    if (b.first >= b.last) return false;
    for (int k = 0; k < s->kw; k++) {
        int left = k * s->a.dilation[1] - s->a.left, column = 0, last_column = s->ow;
        clip(s->w, s->a.strides[1], left, &column, &last_column);
        if (column >= last_column) {
            if (!accumulate) clear(w, t, r, k);
            continue;
        }
        ptrdiff_t row = (ptrdiff_t)b.image * s->h + b.first * s->a.strides[0] + top;
        ptrdiff_t cell = row * s->w + column * s->a.strides[1] + left;
        const window c = {.x = cni_at(w->x, cell * s->c + t->group * s->depth + t->channel, w->kernels->real_size),
                          .row = (ptrdiff_t)s->a.strides[0] * s->w * s->c,
                          .pixel = (ptrdiff_t)s->a.strides[1] * s->c,
                          .column = column,
                          .columns = last_column - column};
        add_outer(w, t, &b, &c, r, k, accumulate);
    }
    return true;
}

static void add_bias(const work *w, const task *t, const block *b, bool accumulate)
{
    size_t real_size = w->kernels->real_size, cells = (size_t)(b->last - b->first) * (size_t)w->s.ow;
    for (int image = b->image; image < b->last_image; image++, accumulate = true)
        w->kernels->matmul.column_sums(
            cni_at(w->dy, ((ptrdiff_t)image * w->s.oh + b->first) * w->s.ow * w->s.f + t->filter, real_size), w->s.f,
            cells, t->width, cni_at_mutable(t->db, t->filter, real_size), accumulate);
}

/* Cells between the steps of the stride are not read. */
static bool has_gaps(const shape *s)
{
    return s->kh == 1 && s->kw == 1 && (s->a.strides[0] > 1 || s->a.strides[1] > 1);
}

/* What the block needs of memory, as far as it lies in one piece each. */
static near_cells cells_of(const work *w, const task *t, const block *b)
{
    const shape *s = &w->s;
    size_t real_size = w->kernels->real_size;
    int top = b->first * s->a.strides[0] - s->a.top, bottom = top + copy_rows(s, b->last - b->first);
    top = top < 0 ? 0 : top;
    bottom = cni_smaller(bottom, s->h);
    ptrdiff_t x_row = (ptrdiff_t)s->w * s->c, dy_row = (ptrdiff_t)s->ow * s->f;
    ptrdiff_t images = b->last_image - b->image - 1;
    near_cells n = {.data = {cni_at(w->x, ((ptrdiff_t)b->image * s->h + top) * x_row, real_size),
                             cni_at(w->dy, ((ptrdiff_t)b->image * s->oh + b->first) * dy_row, real_size)}};
    if ((s->folded || t->height == s->c) && top < bottom && !has_gaps(s))
        n.bytes[0] = (size_t)((images * s->h + bottom - top) * x_row) * real_size;
    if (t->width == s->f) n.bytes[1] = (size_t)((images * s->oh + b->last - b->first) * dy_row) * real_size;
    return n;
}

/* The cells of x that a block reads of an image, where there are gaps. */
static void touch_steps(const work *w, const task *t, const block *b, int image)
{
    const shape *s = &w->s;
    const int *strides = s->a.strides;
    int first = b->first, last = b->last, column = 0, last_column = s->ow;
    clip(s->h, strides[0], -s->a.top, &first, &last);
    clip(s->w, strides[1], -s->a.left, &column, &last_column);
    for (int r = first; r < last && column < last_column; r++) {
        const ptrdiff_t row = (ptrdiff_t)image * s->h + r * strides[0] - s->a.top;
        const ptrdiff_t cell = row * s->w + column * strides[1] - s->a.left;
        cni_touch_cells(cni_at(w->x, cell * s->c, w->kernels->real_size), (size_t)(last_column - column),
                        s->c * strides[1], t->group * s->depth + t->channel, t->height, w->kernels->real_size);
    }
}

/* Reads the block's cells in their order: the outer kernel goes through them a few channels at a time, in steps that
 * the processor does not foresee, and would wait for each line of memory. */
static void touch_block(const work *w, const task *t, const block *b)
{
    const shape *s = &w->s;
    size_t real_size = w->kernels->real_size;
    int top = b->first * s->a.strides[0] - s->a.top, bottom = top + copy_rows(s, b->last - b->first);
    top = top < 0 ? 0 : top;
    bottom = cni_smaller(bottom, s->h);
    for (int i = b->image; i < b->last_image; i++) {
        ptrdiff_t dy = ((ptrdiff_t)i * s->oh + b->first) * s->ow, x = ((ptrdiff_t)i * s->h + top) * s->w;
        if (!t->db)
            cni_touch_cells(cni_at(w->dy, dy * s->f, real_size), (size_t)(b->last - b->first) * (size_t)s->ow, s->f,
                            t->filter, t->width, real_size);
        if (has_gaps(s))
            touch_steps(w, t, b, i);
        else if (top < bottom && !s->folded)
            cni_touch_cells(cni_at(w->x, x * s->c, real_size), (size_t)(bottom - top) * (size_t)s->w, s->c,
                            t->group * s->depth + t->channel, t->height, real_size);
    }
}

/* Windows may have any number of rows: one bit for each of the first, the others are cleared beforehand. */
typedef uint64_t begun_rows;
enum { MOST_BEGUN = 64 };

static void add_block(const work *w, const task *t, const block *b, bool first, begun_rows *begun)
{
    if (t->db) add_bias(w, t, b, !first);
    /* Folded rows of the window are one product, which has brought the next block as near as touching would. */
    if (w->s.far && (first || !w->s.folded)) touch_block(w, t, b);
    if (w->s.folded) {
        add_folded(w, t, b, !first);
        return;
    }
    for (int r = t->row; r < t->last_row; r++) {
        int bit = r - t->row;
        bool accumulate = bit >= MOST_BEGUN || (*begun >> bit & 1);
        if (add_taps(w, t, b, r, accumulate) && !accumulate) *begun |= (begun_rows)1 << bit;
    }
}

static void clear_row(const work *w, const task *t, int r)
{
    for (int k = 0; k < (w->s.folded ? 1 : w->s.kw); k++) clear(w, t, r, k);
}

static task task_at(const work *w, size_t index, int thread, int *slice)
{
    const shape *s = &w->s;
    size_t real_size = w->kernels->real_size;
    const int in_slice = tasks_of(s) / s->slices; /* a thread's slices are of images that it has worked on before */
    int i = (int)index % in_slice;
    *slice = (int)index / in_slice;
    task t = {.row = i % s->row_tasks * s->task_rows, .copy = cni_own(w->run, thread)};
    t.last_row = cni_smaller(t.row + s->task_rows, s->kh);
    i /= s->row_tasks;
    t.channel = i % s->heights * s->height;
    t.height = s->folded ? s->height : cni_smaller(s->height, s->depth - t.channel);
    i /= s->heights;
    int filter = i % s->widths * s->width;
    t.width = cni_smaller(s->width, s->filters - filter);
    t.group = i / s->widths;
    t.filter = t.group * s->filters + filter;
    t.dw = s->slices > 1 ? (char *)w->slices_memory + (size_t)*slice * w->slice_bytes : w->dw;
    if (w->db && t.row == 0 && t.channel == 0)
        t.db = s->slices > 1 ? cni_at_mutable(t.dw, (ptrdiff_t)w->weights, real_size) : w->db;
    return t;
}

static void run_task(void *context, size_t index, int thread)
{
    const work *w = context;
    int slice;
    task t = task_at(w, index, thread, &slice);
    int first = (int)((int64_t)w->blocks * slice / w->s.slices),
        last = (int)((int64_t)w->blocks * (slice + 1) / w->s.slices);
    begun_rows begun = 0;
    bool adds = !w->s.folded || first == last; /* else the first block writes all rows */
    for (int r = t.row + MOST_BEGUN; r < t.last_row && adds; r++) clear_row(w, &t, r);
    for (int i = first; i < last; i++) {
        block b = block_at(w, i), next = block_at(w, i + 1);
        t.ahead = (near_cells){0};
        if (w->s.far && i + 1 < last) t.ahead = cells_of(w, &t, &next);
        add_block(w, &t, &b, i == first, &begun);
    }
    if (first == last && t.db)
        memset(cni_at_mutable(t.db, t.filter, w->kernels->real_size), 0, (size_t)t.width * w->kernels->real_size);
    for (int r = t.row; r < cni_smaller(t.last_row, t.row + MOST_BEGUN) && adds; r++)
        if (!(begun >> (r - t.row) & 1)) clear_row(w, &t, r);
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
                                   (ptrdiff_t)(w->slice_bytes / real_size), (size_t)w->s.slices, (int)width,
                                   cni_at_mutable(bias ? w->db : w->dw, (ptrdiff_t)first, real_size), false);
}

static void turn_back(const work *w, void *dw)
{
    const shape *s = &w->s;
    const size_t real_size = w->kernels->real_size;
    const ptrdiff_t tap = (ptrdiff_t)s->c * s->f;
    const int taps = s->kh * s->kw;
    for (int t = 0; t < taps; t++)
        w->kernels->layout.transpose(cni_at(w->dw, t * tap, real_size), (size_t)s->f,
                                     cni_at_mutable(dw, (taps - 1 - t) * tap, real_size), (size_t)s->c, (size_t)s->c,
                                     (size_t)s->f);
}

/* db, where dy is w->x: so many cells of few filters side by side as fill the lanes. */
static void sum_filters(const work *w, void *db)
{
    enum { SIDE_BY_SIDE = 16, MOST_FEW = 16 };
    double sums[SIDE_BY_SIDE * MOST_FEW];
    const size_t real_size = w->kernels->real_size, all = (size_t)w->n * (size_t)w->s.h * (size_t)w->s.w;
    const int f = w->s.c, side = f <= MOST_FEW ? SIDE_BY_SIDE : 1;
    const size_t step = (size_t)side * BLOCK_CELLS;
    for (size_t first = 0; first < all; first += step) {
        const size_t cells = all - first < step ? all - first : step, rows = cells / (size_t)side;
        const void *dy = cni_at(w->x, (ptrdiff_t)first * f, real_size);
        const void *rest = cni_at(dy, (ptrdiff_t)rows * side * f, real_size);
        if (side == 1) {
            w->kernels->matmul.column_sums(dy, f, rows, f, db, first > 0);
            continue;
        }
        w->kernels->matmul.column_sums(dy, (ptrdiff_t)side * f, rows, side * f, sums, false);
        w->kernels->matmul.column_sums(sums, f, (size_t)side, f, db, first > 0);
        w->kernels->matmul.column_sums(rest, f, cells % (size_t)side, f, db, true);
    }
}

static void run_weights(cni_step *step, const cni_run *run)
{
    void *db = step->op->outputs > 1 ? step->out[1] : NULL;
    cni_winograd_weights winograd;
    if (winograd_of(step->op, &winograd)) {
        cni_winograd_weights_run(&winograd, run, step->in[0], step->in[1], step->out[0], db, step->workspace);
        return;
    }
    size_t real_size = run->kernels->real_size;
    const shape s = shape_of(step->op, run);
    work w = {.s = s,
              .kernels = run->kernels,
              .x = step->in[s.turned ? 1 : 0],
              .dy = step->in[s.turned ? 0 : 1],
              .db = s.turned ? NULL : db,
              .n = run->n};
    w.blocks = blocks_of(&s, run->n);
    w.weights = weights_of(&s);
    w.slice_bytes = slice_bytes(&s, real_size);
    w.run = run;
    w.slices_memory = step->workspace;
    w.dw = s.turned ? (char *)w.slices_memory + (s.slices > 1 ? (size_t)s.slices * w.slice_bytes : 0) : step->out[0];
    cni_pool *pool = cni_run_for(run, 2.0 * run->n * s.oh * s.ow * (double)w.weights).pool;
    cni_parallel(pool, (size_t)tasks_of(&s), run_task, &w);
    if (s.slices > 1) {
        size_t sums = (w.weights + SUM_CELLS - 1) / SUM_CELLS;
        if (w.db) sums += ((size_t)s.f + SUM_CELLS - 1) / SUM_CELLS;
        cni_parallel(pool, sums, add_slices, &w);
    }
    if (!s.turned) return;
    turn_back(&w, step->out[0]);
    if (db) sum_filters(&w, db);
}

static const cni_op_kind weights_kind = {.name = "conv2d_weights",
                                         .attributes_size = sizeof(cni_conv2d_attributes),
                                         .choose = choose,
                                         .workspace = workspace,
                                         .own = own,
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
