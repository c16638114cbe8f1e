/* SPDX-License-Identifier: Apache-2.0
 * dw [in, out] = x [rows, in]' dy [rows, out], and db = sums of dy.
 *
 * Alone: tasks are panels of columns, pieces of rows, slices of the sum.  With the step of an optimizer: tasks are
 * blocks of dw, which stay in cache until w and its slots have been stepped with them. */
#include "graph/ops/dense_weights.h"
#include "graph/ops/taps.h"
#include "kernels/kernels.h"

enum {
    SLICE_ROWS = 512,  /* of x and dy, at least, where they are cut into slices */
    PANEL = 64,        /* columns of dw per task, and */
    BLOCK_DEPTH = 252, /* rows */
    WANTED_TASKS = 32,
    SLICE_BYTES = 1 << 23,
    FEW_ROWS = 8,             /* so few need no tall blocks: then a block stays in the first cache */
    FEW_ELEMENTS = 8192,      /* of such a block */
    TALL = 24,                /* rows of dw in another: whole tiles of the kernel */
    BLOCK_ELEMENTS = 1 << 16, /* of a block, about */
    BLOCK_COLUMNS = 4096,
    FUSED_ELEMENTS = 1 << 16 /* fewer stay in cache anyway */
};

typedef struct work {
    const cni_kernels *kernels;
    const void *x, *dy;
    void *dw, *db, *slice_memory;
    size_t rows, slices, slice_bytes;
    int in, out, panels, pieces;
} work;

static int columns_of(const cni_tensor *x)
{
    return (int)x->shape.dims[x->shape.rank - 1];
}

static size_t rows_of(const cni_tensor *x, int n)
{
    return cni_tensor_count(x, n) / (size_t)columns_of(x);
}

static size_t slices_of(size_t rows, int in, int out, size_t real_size)
{
    size_t tasks = (size_t)cni_ratio_up(out, PANEL) * (size_t)cni_ratio_up(in, BLOCK_DEPTH);
    size_t slices = (WANTED_TASKS + tasks - 1) / tasks, most = rows / SLICE_ROWS ? rows / SLICE_ROWS : 1;
    size_t affordable = SLICE_BYTES / ((size_t)in * (size_t)out * real_size);
    if (slices > most) slices = most;
    return slices < affordable ? slices : affordable ? affordable : 1;
}

static size_t slice_bytes(int in, int out, size_t real_size)
{
    return cni_round_up(((size_t)in + 1) * (size_t)out * real_size);
}

static size_t weights_workspace(const cni_op *op, const cni_run *most)
{
    int in = columns_of(op->in[0]), out = columns_of(op->in[1]);
    size_t slices = slices_of(rows_of(op->in[0], most->n), in, out, most->kernels->real_size);
    return slices > 1 ? slices * slice_bytes(in, out, most->kernels->real_size) : 0;
}

/* A block of dw: rows i ..., columns j ..., summed over rows first ... last - 1 of x and dy. */
typedef struct block {
    int i, j, height, width;
    size_t first, last;
    void *dw, *db; /* its first elements; db may be NULL */
    ptrdiff_t dw_row;
    const cni_update_work *update; /* what will read the block, or NULL */
} block;

/* Weights and slots of the block come near while it is made.  (Of narrower blocks they lie row by row.) */
static void ask_for_variables(const work *w, const block *b, cni_unpacked *product)
{
    if (!b->update || b->width < w->out) return;
    const size_t at = (size_t)b->i * (size_t)w->out * w->kernels->real_size;
    const cni_update_arrays *arrays = &b->update->arrays;
    product->soon_count = (size_t)b->height * (size_t)b->width;
    product->soon[product->soon_arrays++] = (const char *)arrays->before + at;
    for (int i = 0; i < CNI_UPDATE_SLOTS; i++)
        if (arrays->slots[i]) product->soon[product->soon_arrays++] = (const char *)arrays->slots[i] + at;
}

static void weigh_block(const work *w, const block *b)
{
    size_t real_size = w->kernels->real_size;
    const void *dy = cni_at(w->dy, (ptrdiff_t)b->first * w->out + b->j, real_size);
    cni_unpacked product = {
        .x = cni_at(w->x, (ptrdiff_t)b->first * w->in + b->i, real_size),
        .x_row = 1,
        .x_step = w->in,
        .w = dy,
        .w_row = w->out,
        .y = b->dw,
        .y_row = b->dw_row,
        .rows = b->height,
        .depth = (int)(b->last - b->first),
        .width = b->width,
    };
    ask_for_variables(w, b, &product);
    if (b->dw) w->kernels->matmul.unpacked(&product);
    if (b->db) w->kernels->matmul.column_sums(dy, w->out, b->last - b->first, b->width, b->db, false);
}

static void weigh(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size, slice = index % w->slices;
    index /= w->slices;
    int j = (int)(index % (size_t)w->panels) * PANEL, i = (int)(index / (size_t)w->panels) * BLOCK_DEPTH;
    void *dw = w->slices > 1 ? (char *)w->slice_memory + slice * w->slice_bytes : w->dw;
    void *db = !w->db || w->slices == 1 ? w->db : cni_at_mutable(dw, (ptrdiff_t)w->in * w->out, real_size);
    const block b = {.i = i,
                     .j = j,
                     .height = cni_smaller(w->in - i, BLOCK_DEPTH),
                     .width = cni_smaller(w->out - j, PANEL),
                     .first = w->rows * slice / w->slices,
                     .last = w->rows * (slice + 1) / w->slices,
                     .dw = cni_at_mutable(dw, (ptrdiff_t)i * w->out + j, real_size),
                     .db = db && i == 0 ? cni_at_mutable(db, j, real_size) : NULL,
                     .dw_row = w->out};
    weigh_block(w, &b);
}

static void add_slices(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    bool bias = index == (size_t)w->in; /* a row of dw each, then db */
    w->kernels->matmul.column_sums(cni_at(w->slice_memory, (ptrdiff_t)index * w->out, real_size),
                                   (ptrdiff_t)(w->slice_bytes / real_size), w->slices, w->out,
                                   bias ? w->db : cni_at_mutable(w->dw, (ptrdiff_t)index * w->out, real_size), false);
}

static work work_of(const cni_op *op, const cni_run *run, const void *x, const void *dy, int first_input)
{
    work w = {.kernels = run->kernels,
              .x = x,
              .dy = dy,
              .rows = rows_of(op->in[first_input], run->n),
              .in = columns_of(op->in[first_input]),
              .out = columns_of(op->in[first_input + 1])};
    w.panels = cni_ratio_up(w.out, PANEL);
    return w;
}

static void run_weights(cni_step *step, const cni_run *whole_run)
{
    const cni_op *op = step->op;
    work w = work_of(op, whole_run, step->in[0], step->in[1], 0);
    const cni_run some_run = cni_run_for(whole_run, 2.0 * (double)w.rows * w.in * w.out), *run = &some_run;
    w.dw = step->out[0];
    w.db = op->outputs > 1 ? step->out[1] : NULL;
    w.slice_memory = step->workspace;
    w.pieces = cni_ratio_up(w.in, BLOCK_DEPTH);
    w.slices = slices_of(w.rows, w.in, w.out, run->kernels->real_size);
    w.slice_bytes = slice_bytes(w.in, w.out, run->kernels->real_size);
    cni_parallel(run->pool, w.slices * (size_t)w.panels * (size_t)w.pieces, weigh, &w);
    if (w.slices > 1) cni_parallel(run->pool, (size_t)w.in + (w.db ? 1 : 0), add_slices, &w);
}

static const cni_op_kind weights_kind = {.name = "dense_weights", .workspace = weights_workspace, .run = run_weights};

cni_tensor *cni_dense_weights(cni_graph *graph, cni_tensor *x, cni_tensor *dy, cni_tensor **bias_gradient)
{
    int64_t in = columns_of(x), out = columns_of(dy);
    cni_shape shapes[2] = {CNI_SHAPE(in, out), CNI_SHAPE(out)};
    cni_op *op = cni_append(graph, &weights_kind, NULL, 2, (cni_tensor *[]){x, dy}, bias_gradient ? 2 : 1, shapes);
    if (bias_gradient) *bias_gradient = op->out[1];
    return op->out[0];
}

/* db alone: what is left of dense_weights when dw is made elsewhere. */

static void sum_panel(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    int j = (int)index * PANEL;
    const block b = {.j = j,
                     .width = cni_smaller(w->out - j, PANEL),
                     .last = w->rows,
                     .db = cni_at_mutable(w->db, j, w->kernels->real_size)};
    weigh_block(w, &b);
}

static void run_bias(cni_step *step, const cni_run *whole_run)
{
    work w = work_of(step->op, whole_run, step->in[0], step->in[1], 0);
    const cni_run run = cni_run_for(whole_run, 4.0 * (double)w.rows * w.out);
    w.db = step->out[0];
    cni_parallel(run.pool, (size_t)w.panels, sum_panel, &w);
}

static const cni_op_kind bias_kind = {.name = "dense_bias", .run = run_bias};

/* With the step.  in: those of an update, then x and dy */

enum { IN_X = CNI_UPDATE_INPUTS, IN_DY, FUSED_INPUTS };

typedef struct fused {
    work w;
    cni_update_work update;
    int height, width, columns; /* of a block; blocks beside each other */
    const cni_run *run;         /* whose threads' own memory is used */
} fused;

static void shape_blocks(const cni_op *op, int n, fused *f)
{
    int in = columns_of(op->in[IN_X]), out = columns_of(op->in[IN_DY]);
    bool few = rows_of(op->in[IN_X], n) <= FEW_ROWS;
    f->width = cni_smaller(out, BLOCK_COLUMNS);
    f->columns = cni_ratio_up(out, f->width);
    f->height = (few ? FEW_ELEMENTS : BLOCK_ELEMENTS) / f->width;
    if (f->height < 1) f->height = 1;
    if (!few) f->height = f->height < TALL / 4 ? TALL / 4 : f->height > TALL ? TALL : f->height;
    f->height = cni_smaller(f->height, in);
}

/* A run of fewer rows may take blocks of another shape, but never larger ones. */
static size_t fused_own(const cni_op *op, const cni_run *most)
{
    (void)op;
    return cni_round_up((size_t)(BLOCK_ELEMENTS + TALL * BLOCK_COLUMNS) * most->kernels->real_size);
}

/* One row of x and dy: the kernel of the step multiplies them. */
static void step_rows(void *context, size_t index, int thread)
{
    (void)thread;
    const fused *f = context;
    const work *w = &f->w;
    int i = (int)index * f->height;
    size_t rows = (size_t)cni_smaller(w->in - i, f->height), out = (size_t)w->out;
    cni_update_rows(&f->update, w->dy, cni_at(w->x, i, w->kernels->real_size), out, (size_t)i * out, rows * out);
}

static void step_block(void *context, size_t index, int thread)
{
    const fused *f = context;
    size_t real_size = f->w.kernels->real_size;
    int i = (int)(index / (size_t)f->columns) * f->height, j = (int)(index % (size_t)f->columns) * f->width;
    block b = {.i = i,
               .j = j,
               .height = cni_smaller(f->w.in - i, f->height),
               .width = cni_smaller(f->w.out - j, f->width),
               .last = f->w.rows,
               .dw = cni_own(f->run, thread),
               .update = &f->update};
    b.dw_row = b.width;
    weigh_block(&f->w, &b);
    size_t at = (size_t)i * (size_t)f->w.out + (size_t)j, count = (size_t)b.width;
    int runs = b.height;
    if (b.width == f->w.out) {
        count *= (size_t)runs;
        runs = 1;
    }
    for (int r = 0; r < runs; r++, at += (size_t)f->w.out)
        cni_update_part(&f->update, cni_at(b.dw, r * b.dw_row, real_size), at, count);
}

static void run_fused(cni_step *step, const cni_run *run)
{
    fused f = {.w = work_of(step->op, run, step->in[IN_X], step->in[IN_DY], IN_X),
               .update = cni_update_begin(step, run, step->op->attributes),
               .run = run};
    shape_blocks(step->op, run->n, &f);
    if (f.w.rows == 1) {
        f.height = BLOCK_ELEMENTS / f.w.out + 1;
        cni_parallel(run->pool, (size_t)cni_ratio_up(f.w.in, f.height), step_rows, &f);
        return;
    }
    cni_parallel(run->pool, (size_t)cni_ratio_up(f.w.in, f.height) * (size_t)f.columns, step_block, &f);
}

static const cni_op_kind fused_kind = {
    .name = "dense_update", .attributes_size = sizeof(cni_update_attributes), .own = fused_own, .run = run_fused};

static bool is_read(const cni_graph *graph, const cni_tensor *tensor)
{
    for (int i = 0; i < graph->op_count; i++)
        for (int k = 0; k < graph->ops[i]->inputs; k++)
            if (graph->ops[i]->in[k] == tensor) return true;
    return tensor->is_output;
}

bool cni_dense_update(cni_graph *graph, const cni_update_attributes *attributes, const cni_update_inputs *inputs)
{
    if (graph->error.status) return false; /* ops that could not be made are not whole */
    cni_tensor *dw = inputs->gradient;
    cni_op *op = dw->producer;
    if (!op || op->kind != &weights_kind || dw->alias_of || is_read(graph, dw) || inputs->squares) return false;
    if (attributes->zeroes || cni_shape_count(&dw->shape, 0) < FUSED_ELEMENTS) return false;
    cni_tensor *in[FUSED_INPUTS];
    cni_update_list(inputs, in);
    in[CNI_UPDATE_GRADIENT] = NULL;
    in[IN_X] = op->in[0];
    in[IN_DY] = op->in[1];
    cni_append(graph, &fused_kind, attributes, FUSED_INPUTS, in, 0, NULL)->writes = inputs->weights->variable;
    if (op->outputs == 2) {
        op->kind = &bias_kind;
        op->outputs = 1;
        op->out[0] = op->out[1];
    }
    return true;
}
