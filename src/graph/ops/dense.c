/* SPDX-License-Identifier: Apache-2.0
 * Dense layers' product and its gradient for the data:   y = x w    dx = dy w'
 * A few rows read w as it is, once; more rows read it packed.  The others are in dense_weights.c. */
#include "graph/ops/dense.h"
#include "graph/ops/correlate.h"
#include "graph/ops/dense_weights.h"
#include "graph/ops/taps.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    SMALL_ROWS = 512,         /* up to so many rows the work is divided by columns only */
    CHUNK_BYTES = 256 * 1024, /* beyond, rows are taken in chunks that stay in cache */
    THIN_BYTES = 512 * 1024,  /* of weights that one thread reads as fast, with few rows */
    THIN_COLUMNS = 128,       /* of a task with few rows, at least */
    LINE = 16,                /* elements: columns are cut at multiples of it */
    SUM_ROWS = 256,           /* column sums: rows per slice, at least */
    SUM_SLICES = 32
};

typedef struct dense_attributes {
    bool transposed; /* multiply by w' */
    cni_epilogue epilogue;
} dense_attributes;

/* x [..., in] * w [in, out], or * w [out, in]' */
typedef struct work {
    const cni_kernels *kernels;
    const cni_epilogue *epilogue;
    const void *x, *w, *bias;
    void *y, *packed;
    size_t rows, chunk_rows, chunks;
    int depth, width, panels, chunk_panels, shares;
    bool transposed;
} work;

static const cni_op_kind dense_kind;

static size_t rows_of(const cni_tensor *x, int n)
{
    return cni_tensor_count(x, n) / (size_t)x->shape.dims[x->shape.rank - 1];
}

static int columns_of(const cni_tensor *x)
{
    return (int)x->shape.dims[x->shape.rank - 1];
}

static bool is_transposed(const cni_op *op)
{
    return ((const dense_attributes *)op->attributes)->transposed;
}

static size_t packed_bytes(const cni_op *op, size_t real_size)
{
    return cni_round_up((size_t)columns_of(op->in[0]) * (size_t)(columns_of(op->out[0]) + CNI_MAX_PANEL - 1) *
                        real_size);
}

/* Few rows stream the weights as they are. */
static bool always_thin(const cni_op *op, const cni_run *most)
{
    return rows_of(op->in[0], most->batch) < CNI_THIN_ROWS;
}

static size_t persistent(const cni_op *op, const cni_run *most)
{
    if (always_thin(op, most) || !cni_keeps_packed(op->in[1])) return 0;
    return packed_bytes(op, most->kernels->real_size);
}

static size_t workspace(const cni_op *op, const cni_run *most)
{
    if (always_thin(op, most) || cni_keeps_packed(op->in[1])) return 0;
    return packed_bytes(op, most->kernels->real_size);
}

static void pack_panel(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    int panel = w->kernels->matmul.panel, j = (int)index * panel;
    ptrdiff_t k_step = w->transposed ? 1 : w->width, j_step = w->transposed ? w->depth : 1;
    cni_pack_panel(w->kernels, cni_at(w->w, j * j_step, real_size), k_step, j_step, (size_t)w->depth,
                   cni_smaller(w->width - j, panel), cni_at_mutable(w->packed, (ptrdiff_t)j * w->depth, real_size));
}

static void finish(const work *w, size_t first, size_t rows, int column, int columns)
{
    if (!w->epilogue || w->epilogue->function == CNI_LINEAR || cni_plain_relu(w->epilogue)) return;
    size_t real_size = w->kernels->real_size, run = columns == w->width ? rows * (size_t)columns : (size_t)columns;
    for (size_t done = 0; done < rows * (size_t)columns; done += run, first++) {
        void *y = cni_at_mutable(w->y, (ptrdiff_t)first * w->width + column, real_size);
        w->kernels->elementwise.unary(w->epilogue, y, y, run);
    }
}

static void multiply(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    size_t first = index % w->chunks * w->chunk_rows;
    size_t rows = w->rows - first < w->chunk_rows ? w->rows - first : w->chunk_rows;
    int panel = w->kernels->matmul.panel, j = (int)(index / w->chunks) * w->chunk_panels * panel;
    cni_product product = {
        .x = cni_at(w->x, (ptrdiff_t)first * w->depth, real_size),
        .x_pixel = w->depth,
        .tap = &(ptrdiff_t){0},
        .taps = 1,
        .depth = w->depth,
        .panels = cni_at(w->packed, (ptrdiff_t)j * w->depth, real_size),
        .y = cni_at_mutable(w->y, (ptrdiff_t)first * w->width + j, real_size),
        .y_pixel = w->width,
        .rows = 1,
        .columns = rows,
        .width = cni_smaller(w->width - j, w->chunk_panels * panel),
        .finish.shift = w->bias ? cni_at(w->bias, j, real_size) : NULL,
    };
    bool finished = cni_finish_clamp(&product.finish, w->epilogue);
    w->kernels->matmul.product(&product);
    if (!finished) finish(w, first, rows, j, product.width);
}

/* Few rows: each thread streams a share of w, columns of it or (transposed) rows.  The kernel's sums of narrow products
 * have an order of their own: hence the least width. */
static void multiply_thin(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    int lines = cni_ratio_up(w->width, LINE), j = lines * (int)index / w->shares * LINE;
    int end = cni_smaller(lines * ((int)index + 1) / w->shares * LINE, w->width);
    cni_thin thin = {
        .x = w->x,
        .x_row = w->depth,
        .w = cni_at(w->w, (ptrdiff_t)j * (w->transposed ? w->depth : 1), real_size),
        .w_row = w->transposed ? w->depth : w->width,
        .bias = w->bias ? cni_at(w->bias, j, real_size) : NULL,
        .y = cni_at_mutable(w->y, j, real_size),
        .y_row = w->width,
        .rows = (int)w->rows,
        .depth = w->depth,
        .width = end - j,
        .relu = cni_plain_relu(w->epilogue),
    };
    if (w->transposed)
        w->kernels->matmul.dots(&thin);
    else
        w->kernels->matmul.thin(&thin);
    finish(w, 0, w->rows, j, thin.width);
}

static void run_thin(work *w, cni_pool *pool)
{
    size_t bytes = (size_t)w->depth * (size_t)w->width * w->kernels->real_size;
    int most = w->width / THIN_COLUMNS > 1 ? w->width / THIN_COLUMNS : 1;
    w->shares = bytes < THIN_BYTES ? 1 : cni_smaller(cni_pool_threads(pool), most);
    cni_parallel(pool, (size_t)w->shares, multiply_thin, w);
}

/* Chunks of rows that stay in cache while the panels go by, and a few tasks per thread. */
static size_t divide(work *w, int threads)
{
    size_t fit = CHUNK_BYTES / ((size_t)w->depth * w->kernels->real_size) / 56 * 56;
    w->chunk_rows = w->rows <= SMALL_ROWS ? w->rows : fit < 112 ? 112 : fit;
    w->chunks = (w->rows + w->chunk_rows - 1) / w->chunk_rows;
    size_t wanted = threads > 1 ? 4 * (size_t)threads : 1, columns = w->chunks < wanted ? wanted / w->chunks : 1;
    if (w->rows <= SMALL_ROWS) columns = (size_t)w->panels;
    w->chunk_panels = cni_ratio_up(w->panels, columns < (size_t)w->panels ? (int)columns : w->panels);
    return w->chunks * (size_t)cni_ratio_up(w->panels, w->chunk_panels);
}

/* Multiply-adds of a product, of either kind. */
static double operations(const cni_op *op, int n, const cni_tensor *w)
{
    return 2.0 * (double)rows_of(op->in[0], n) * (double)cni_tensor_image(w);
}

static void run_dense(cni_step *step, const cni_run *whole_run)
{
    const cni_op *op = step->op;
    const cni_run some_run = cni_run_for(whole_run, operations(op, whole_run->n, op->in[1])), *run = &some_run;
    const dense_attributes *attributes = op->attributes;
    work w = {.kernels = run->kernels,
              .epilogue = &attributes->epilogue,
              .x = step->in[0],
              .w = step->in[1],
              .bias = step->in[2],
              .y = step->out[0],
              .rows = rows_of(op->in[0], run->n),
              .depth = columns_of(op->in[0]),
              .width = columns_of(op->out[0]),
              .transposed = attributes->transposed};
    if (w.rows < CNI_THIN_ROWS) {
        run_thin(&w, whole_run->pool);
        return;
    }
    w.panels = cni_ratio_up(w.width, run->kernels->matmul.panel);
    size_t tasks = divide(&w, cni_pool_threads(run->pool));
    bool pack;
    w.packed = cni_packed_weights(step, op->in[1], step->workspace, &pack);
    if (pack) cni_parallel(run->pool, (size_t)w.panels, pack_panel, &w);
    cni_parallel(run->pool, tasks, multiply, &w);
}

static cni_tensor *append(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias, int64_t columns,
                          const dense_attributes *attributes)
{
    cni_shape shape = x->shape;
    shape.dims[shape.rank - 1] = columns;
    return cni_append(graph, &dense_kind, attributes, 3, (cni_tensor *[]){x, w, bias}, 1, &shape)->out[0];
}

static void gradient(cni_graph *graph, const cni_op *op, cni_tensor *const *dout, cni_tensor **din)
{
    cni_tensor *x = op->in[0], *w = op->in[1], *bias = op->in[2], *dy = dout[0];
    bool transposed = is_transposed(op), wants_bias = bias && bias->differentiable;
    if (x->differentiable)
        din[0] = append(graph, dy, w, NULL, columns_of(x), &(dense_attributes){.transposed = !transposed});
    if (w->differentiable && !transposed)
        din[1] = cni_dense_weights(graph, x, dy, wants_bias ? &din[2] : NULL);
    else if (w->differentiable)
        din[1] = cni_dense_weights(graph, dy, x, NULL);
    if (wants_bias && !din[2]) din[2] = cni_column_sums(graph, dy);
}

static const cni_op_kind dense_kind = {.name = "dense",
                                       .attributes_size = sizeof(dense_attributes),
                                       .gradient = gradient,
                                       .workspace = workspace,
                                       .persistent = persistent,
                                       .run = run_dense,
                                       .epilogue_offset = offsetof(dense_attributes, epilogue)};

cni_tensor *cni_dense(cni_graph *graph, cni_tensor *x, cni_tensor *w, cni_tensor *bias, const cni_epilogue *epilogue)
{
    dense_attributes attributes = {.epilogue = epilogue ? *epilogue : (cni_epilogue){0}};
    return append(graph, x, w, bias, w->shape.dims[1], &attributes);
}

/* Column sums: slices of the rows, as many as the rows say, then the sum of the slices. */

typedef struct sums_work {
    const cni_kernels *kernels;
    const void *x;
    void *slice_memory;
    size_t rows, slices;
    int columns;
} sums_work;

static size_t sum_slices(size_t rows)
{
    size_t slices = rows / SUM_ROWS;
    return slices < 1 ? 1 : slices > SUM_SLICES ? SUM_SLICES : slices;
}

static size_t sums_workspace(const cni_op *op, const cni_run *most)
{
    return sum_slices(rows_of(op->in[0], most->n)) * (size_t)columns_of(op->in[0]) * most->kernels->real_size;
}

static void sum_slice(void *context, size_t index, int thread)
{
    (void)thread;
    const sums_work *w = context;
    size_t real_size = w->kernels->real_size;
    size_t first = w->rows * index / w->slices, last = w->rows * (index + 1) / w->slices;
    w->kernels->matmul.column_sums(cni_at(w->x, (ptrdiff_t)first * w->columns, real_size), w->columns, last - first,
                                   w->columns,
                                   cni_at_mutable(w->slice_memory, (ptrdiff_t)index * w->columns, real_size), false);
}

static void run_sums(cni_step *step, const cni_run *whole_run)
{
    const cni_tensor *x = step->op->in[0];
    const cni_run some_run = cni_run_for(whole_run, 8.0 * (double)cni_tensor_count(x, whole_run->n)), *run = &some_run;
    sums_work w = {.kernels = run->kernels,
                   .x = step->in[0],
                   .slice_memory = step->workspace,
                   .rows = rows_of(x, run->n),
                   .columns = columns_of(x)};
    w.slices = sum_slices(w.rows);
    cni_parallel(run->pool, w.slices, sum_slice, &w);
    run->kernels->matmul.column_sums(w.slice_memory, w.columns, w.slices, w.columns, step->out[0], false);
}

static const cni_op_kind sums_kind = {.name = "column_sums", .workspace = sums_workspace, .run = run_sums};

cni_tensor *cni_column_sums(cni_graph *graph, cni_tensor *x)
{
    cni_shape shape = CNI_SHAPE(x->shape.dims[x->shape.rank - 1]);
    return cni_append(graph, &sums_kind, NULL, 1, &x, 1, &shape)->out[0];
}
