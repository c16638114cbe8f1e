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
    SMALL_ROWS = 512,           /* so many rows are multiplied with w as it lies */
    CHUNK_BYTES = 256 * 1024,   /* beyond, w is packed, and rows are taken in chunks that stay in cache */
    THIN_BYTES = 512 * 1024,    /* of weights that one thread reads as fast as two, with one row or few */
    THIN_COLUMNS = 128,         /* of a task then, at least */
    LINE = 16,                  /* elements: columns are cut at multiples of it */
    SLICED_BYTES = 2000000,     /* of weights that one row takes in slices of their rows, */
    SLICES = 4,                 /* so many */
    FAR_BYTES = 6 << 20,        /* of weights that are seldom found in a cache, and */
    FAR_SLICES = 8,             /* their slices */
    CONDENSED_BYTES = 32 << 20, /* of weights that surely come from memory */
    FEW_SLICES = 2,             /* of less, where there are more rows */
    SLICE_UNIT = 128,           /* rows of w: whole panels of the kernel */
    SUMMED_ROWS = 8,            /* of y, per task that adds slices */
    UNIT = 64,                  /* columns, and */
    UNIT_ROWS = 24,             /* rows of a task with more rows, at least */
    TURNED_ROWS = 56,           /* of w per task of a product the other way round: whole tiles */
    SUM_ROWS = 256,             /* column sums: rows per slice, at least */
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
    int depth, width, panels, chunk_panels, column_parts, row_parts, slices;
    int row_slices; /* of more rows */
    bool far;       /* w comes from memory */
    size_t slice_bytes;
    const cni_run *run; /* whose threads' own memory is used */
    char *scratch;
    const cni_condensed *condensed;  /* w is that, if it is not NULL */
    bool transposed, finite, learns; /* w is finite; or is to be found out */
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

/* How a product is made, by the largest run (so that memory is reserved for it): of one row, or transposed of few, w
 * streams by; other rows take it as it lies, or when transposed, are multiplied the other way round; many rows are
 * worth the packing of w. */
typedef enum way { STREAMED, UNPACKED, TURNED, PACKED } way;

static way way_of(const cni_op *op, size_t rows, size_t most_rows)
{
    if (rows <= (is_transposed(op) ? CNI_DOT_ROWS : 1)) return STREAMED;
    if (most_rows > SMALL_ROWS || (is_transposed(op) && op->in[2])) return PACKED;
    return is_transposed(op) ? TURNED : UNPACKED;
}

static size_t packed_bytes(const cni_op *op, size_t real_size)
{
    return cni_round_up((size_t)columns_of(op->in[0]) * (size_t)(columns_of(op->out[0]) + CNI_MAX_PANEL - 1) *
                        real_size);
}

static size_t persistent(const cni_op *op, const cni_run *most)
{
    const size_t rows = rows_of(op->in[0], most->batch);
    const bool packed = way_of(op, rows, rows) == PACKED && cni_keeps_packed(op->in[1]);
    return packed ? packed_bytes(op, most->kernels->real_size) : 0;
}

/* Turned: rows of w times all of x, by each thread; and x packed. */
static size_t turned_bytes(size_t rows, size_t real_size)
{
    return cni_round_up(TURNED_ROWS * rows * real_size);
}

/* Into how many slices of its rows one row takes w; 0: by columns.  Slices lie together in memory, and few columns can
 * not be divided otherwise. */
static int slices_of(const cni_op *op, size_t real_size)
{
    const size_t bytes = cni_tensor_image(op->in[1]) * real_size;
    const bool narrow = columns_of(op->out[0]) < 2 * THIN_COLUMNS && bytes >= THIN_BYTES;
    if (is_transposed(op)) return 0;
    return bytes >= FAR_BYTES ? FAR_SLICES : narrow || bytes >= SLICED_BYTES ? SLICES : 0;
}

/* One row: the sums of each slice of w. */
static size_t sliced_bytes(const cni_op *op, size_t real_size)
{
    return (size_t)slices_of(op, real_size) * cni_round_up((size_t)columns_of(op->out[0]) * real_size);
}

/* More rows: into how many slices of its rows w is cut, by the largest run.  Adding them has to be little beside. */
static int row_slices_of(const cni_op *op, size_t most_rows, size_t real_size)
{
    const size_t bytes = cni_tensor_image(op->in[1]) * real_size;
    const size_t sums = most_rows * (size_t)columns_of(op->out[0]) * real_size;
    int slices = bytes >= FAR_BYTES ? FAR_SLICES : bytes >= SLICED_BYTES ? FEW_SLICES : 1;
    const int units = cni_ratio_up(columns_of(op->in[0]), SLICE_UNIT); /* none may be empty */
    while (slices > 1 && (slices > units || (size_t)slices * sums > bytes / 8)) slices /= 2;
    return slices;
}

static size_t row_slice_bytes(const cni_op *op, size_t rows, size_t real_size)
{
    return cni_round_up(rows * (size_t)columns_of(op->out[0]) * real_size);
}

static size_t workspace(const cni_op *op, const cni_run *most)
{
    const size_t rows = rows_of(op->in[0], most->batch), real_size = most->kernels->real_size;
    const way how = way_of(op, rows, rows);
    size_t bytes = 0;
    if (how == PACKED && !cni_keeps_packed(op->in[1])) bytes = packed_bytes(op, real_size);
    if (how == TURNED) bytes = cni_round_up((rows + CNI_MAX_PANEL) * (size_t)columns_of(op->in[0]) * real_size);
    if (how == UNPACKED) bytes = (size_t)row_slices_of(op, rows, real_size) * row_slice_bytes(op, rows, real_size);
    return bytes > sliced_bytes(op, real_size) ? bytes : sliced_bytes(op, real_size);
}

static size_t own(const cni_op *op, const cni_run *most)
{
    const size_t rows = rows_of(op->in[0], most->batch);
    return way_of(op, rows, rows) == TURNED ? turned_bytes(rows, most->kernels->real_size) : 0;
}

static bool makes_zeros(const cni_epilogue *f, const cni_kernels *kernels)
{
    float y = -1;
    if (f && f->function != CNI_LINEAR) kernels->elementwise.unary(f, &y, &y, 1);
    return y == 0;
}

/* Whether many of x are 0, as after a relu: w's rows are then left out, which saves more than fewer bits. */
static bool has_zeros(const cni_tensor *x, const cni_kernels *kernels)
{
    while (x->producer) {
        const cni_op *op = x->producer;
        const size_t at = op->kind->epilogue_offset;
        if (at && makes_zeros((const void *)((const char *)op->attributes + at), kernels)) return true;
        if (op->kind->epilogue_of && makes_zeros(op->kind->epilogue_of(op), kernels)) return true;
        for (int i = 1; i < op->inputs; i++)
            if (op->in[i]) return false;
        x = op->in[0];
    }
    return false;
}

static bool condenses(const cni_op *op, const cni_run *most)
{
    const size_t bytes = cni_tensor_image(op->in[1]) * most->kernels->real_size;
    return rows_of(op->in[0], most->batch) == 1 && bytes >= CONDENSED_BYTES && slices_of(op, sizeof(float)) &&
           cni_may_condense(columns_of(op->in[0]), columns_of(op->out[0])) && !has_zeros(op->in[0], most->kernels);
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

/* Of w packed as a whole: some rows by some panels. */
static void multiply_packed(void *context, size_t index, int thread)
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

/* Part `index` of `parts` of `count`, cut at multiples of `unit`. */
static int part_begin(int count, int unit, int parts, int index)
{
    return cni_smaller((int)((int64_t)cni_ratio_up(count, unit) * index / parts) * unit, count);
}

static void multiply_unpacked(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    const bool whole = w->row_slices == 1;
    const int row = (int)index % w->row_parts, rows = (int)w->rows;
    index /= (size_t)w->row_parts;
    const int column = (int)index % w->column_parts, slice = (int)index / w->column_parts;
    const int j = part_begin(w->width, UNIT, w->column_parts, column), i = part_begin(rows, 1, w->row_parts, row);
    const int k = part_begin(w->depth, SLICE_UNIT, w->row_slices, slice);
    void *y = whole ? w->y : w->scratch + (size_t)slice * w->slice_bytes;
    const cni_unpacked product = {
        .x = cni_at(w->x, (ptrdiff_t)i * w->depth + k, real_size),
        .x_row = w->depth,
        .x_step = 1,
        .w = cni_at(w->w, (ptrdiff_t)k * w->width + j, real_size),
        .w_row = w->width,
        .bias = w->bias && slice == 0 ? cni_at(w->bias, j, real_size) : NULL,
        .y = cni_at_mutable(y, (ptrdiff_t)i * w->width + j, real_size),
        .y_row = w->width,
        .rows = part_begin(rows, 1, w->row_parts, row + 1) - i,
        .depth = part_begin(w->depth, SLICE_UNIT, w->row_slices, slice + 1) - k,
        .width = part_begin(w->width, UNIT, w->column_parts, column + 1) - j,
        .relu = whole && cni_plain_relu(w->epilogue),
    };
    w->kernels->matmul.unpacked(&product);
    if (whole) finish(w, (size_t)i, (size_t)product.rows, j, product.width);
}

/* Some rows of y, whose slices follow each other. */
static void add_row_slices(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    const size_t real_size = w->kernels->real_size, first = index * SUMMED_ROWS, rest = w->rows - first;
    const size_t count = (rest < SUMMED_ROWS ? rest : SUMMED_ROWS) * (size_t)w->width;
    const ptrdiff_t at = (ptrdiff_t)first * w->width;
    void *y = cni_at_mutable(w->y, at, real_size);
    w->kernels->matmul.column_sums(cni_at(w->scratch, at, real_size), (ptrdiff_t)(w->slice_bytes / real_size),
                                   (size_t)w->row_slices, (int)count, y, false);
    if (w->epilogue && w->epilogue->function != CNI_LINEAR) w->kernels->elementwise.unary(w->epilogue, y, y, count);
}

static void run_unpacked(work *w, cni_pool *pool)
{
    int threads = cni_pool_threads(pool), wanted = threads > 1 ? 2 * threads : 1;
    w->column_parts = cni_smaller(cni_ratio_up(w->width, UNIT), cni_ratio_up(wanted, w->row_slices));
    w->row_parts =
        cni_smaller(cni_ratio_up(wanted, w->row_slices * w->column_parts), cni_ratio_up((int)w->rows, UNIT_ROWS));
    cni_parallel(pool, (size_t)(w->row_slices * w->column_parts * w->row_parts), multiply_unpacked, w);
    if (w->row_slices > 1) cni_parallel(pool, (w->rows + SUMMED_ROWS - 1) / SUMMED_ROWS, add_row_slices, w);
}

/* y = x w' the other way round: y' = w x', for which w lies right, x is packed, and little is left to be transposed. */

static void pack_rows(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    int panel = w->kernels->matmul.panel, r = (int)index * panel;
    cni_pack_panel(w->kernels, cni_at(w->x, (ptrdiff_t)r * w->depth, real_size), 1, w->depth, (size_t)w->depth,
                   cni_smaller((int)w->rows - r, panel), cni_at_mutable(w->packed, (ptrdiff_t)r * w->depth, real_size));
}

static void multiply_turned(void *context, size_t index, int thread)
{
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    int j = (int)index * TURNED_ROWS, columns = cni_smaller(w->width - j, TURNED_ROWS);
    char *turned = cni_own(w->run, thread);
    cni_product product = {
        .x = cni_at(w->w, (ptrdiff_t)j * w->depth, real_size),
        .x_pixel = w->depth,
        .tap = &(ptrdiff_t){0},
        .taps = 1,
        .depth = w->depth,
        .panels = w->packed,
        .y = turned,
        .y_pixel = (ptrdiff_t)w->rows,
        .rows = 1,
        .columns = (size_t)columns,
        .width = (int)w->rows,
    };
    const int next = cni_smaller(w->width - j - columns, TURNED_ROWS);
    if (w->far && w->rows <= LINE) { /* one vector: the product has no time to ask for more */
        cni_touch(product.x, (size_t)columns * (size_t)w->depth * real_size);
    } else if (w->far) {
        product.ahead = cni_at(product.x, (ptrdiff_t)columns * w->depth, real_size);
        product.ahead_bytes = (size_t)next * (size_t)w->depth * real_size;
    }
    w->kernels->matmul.product(&product);
    w->kernels->layout.transpose(turned, w->rows, cni_at_mutable(w->y, j, real_size), (size_t)w->width, (size_t)columns,
                                 w->rows);
    if (cni_plain_relu(w->epilogue)) /* which the other products do themselves */
        for (size_t r = 0; r < w->rows; r++) {
            void *y = cni_at_mutable(w->y, (ptrdiff_t)r * w->width + j, real_size);
            w->kernels->elementwise.unary(w->epilogue, y, y, (size_t)columns);
        }
    finish(w, 0, w->rows, j, columns);
}

static void run_turned(work *w, cni_pool *pool)
{
    const size_t panel = (size_t)w->kernels->matmul.panel;
    w->packed = w->scratch;
    cni_parallel(pool, (w->rows + panel - 1) / panel, pack_rows, w);
    cni_parallel(pool, (size_t)cni_ratio_up(w->width, TURNED_ROWS), multiply_turned, w);
}

/* Each thread streams a share of w, columns of it or (transposed) rows.  The kernel's sums of narrow products have an
 * order of their own: hence the least width. */
static void multiply_streamed(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    int j = part_begin(w->width, LINE, w->column_parts, (int)index);
    const cni_thin thin = {
        .x = w->x,
        .x_row = w->depth,
        .w = cni_at(w->w, (ptrdiff_t)j * (w->transposed ? w->depth : 1), real_size),
        .w_row = w->transposed ? w->depth : w->width,
        .bias = w->bias ? cni_at(w->bias, j, real_size) : NULL,
        .y = cni_at_mutable(w->y, j, real_size),
        .y_row = w->width,
        .rows = (int)w->rows,
        .depth = w->depth,
        .width = part_begin(w->width, LINE, w->column_parts, (int)index + 1) - j,
        .relu = cni_plain_relu(w->epilogue),
    };
    if (w->transposed)
        w->kernels->matmul.dots(&thin);
    else
        w->kernels->matmul.thin(&thin);
    finish(w, 0, w->rows, j, thin.width);
}

/* Rows of w that follow each other: what they add to y. */
static void multiply_slice(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    size_t real_size = w->kernels->real_size;
    const int k = part_begin(w->depth, LINE, w->slices, (int)index);
    const int depth = part_begin(w->depth, LINE, w->slices, (int)index + 1) - k;
    void *y = w->scratch + index * cni_round_up((size_t)w->width * real_size);
    if (w->condensed) {
        w->kernels->matmul.condensed(&(cni_condensed_product){
            .w = w->condensed, .first = k / CNI_GROUP, .count = depth / CNI_GROUP, .x = w->x, .y = y});
        return;
    }
    const cni_thin thin = {
        .x = cni_at(w->x, k, real_size),
        .w = cni_at(w->w, (ptrdiff_t)k * w->width, real_size),
        .w_row = w->width,
        .y = y,
        .rows = 1,
        .depth = depth,
        .width = w->width,
        .far = (size_t)w->depth * (size_t)w->width * real_size >= FAR_BYTES,
        .finite = w->finite,
    };
    w->kernels->matmul.thin(&thin);
}

/* A product that read all of w and is finite has seen that w is: what is not finite stays so, and 0 times it is NaN. */
static bool all_finite(const float *y, int count)
{
    bool finite = true;
    for (int j = 0; j < count; j++) finite &= y[j] - y[j] == 0;
    return finite;
}

static void run_sliced(work *w, cni_pool *pool)
{
    size_t real_size = w->kernels->real_size, bytes = (size_t)w->width * real_size;
    cni_parallel(pool, (size_t)w->slices, multiply_slice, w);
    if (w->bias) memcpy(w->y, w->bias, bytes);
    w->kernels->matmul.column_sums(w->scratch, (ptrdiff_t)(cni_round_up(bytes) / real_size), (size_t)w->slices,
                                   w->width, w->y, w->bias != NULL);
    if (w->learns) w->finite = all_finite(w->y, w->width);
    if (w->epilogue && w->epilogue->function != CNI_LINEAR)
        w->kernels->elementwise.unary(w->epilogue, w->y, w->y, (size_t)w->width);
}

static void run_streamed(work *w, cni_pool *pool)
{
    size_t bytes = (size_t)w->depth * (size_t)w->width * w->kernels->real_size;
    int most = w->width / THIN_COLUMNS > 1 ? w->width / THIN_COLUMNS : 1;
    w->column_parts = bytes < THIN_BYTES ? 1 : cni_smaller(cni_pool_threads(pool), most);
    cni_parallel(pool, (size_t)w->column_parts, multiply_streamed, w);
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

static void run_packed(work *w, cni_step *step, cni_pool *pool)
{
    w->panels = cni_ratio_up(w->width, w->kernels->matmul.panel);
    size_t tasks = divide(w, cni_pool_threads(pool));
    bool pack;
    w->packed = cni_packed_weights(step, step->op->in[1], step->workspace, &pack);
    if (pack) cni_parallel(pool, (size_t)w->panels, pack_panel, w);
    cni_parallel(pool, tasks, multiply_packed, w);
}

/* Rows of w of which x is 0, as many are after a relu, are left out as soon as w is known to be finite: from the second
 * run on that sees the same weights. */
static void run_sparse(work *w, cni_step *step, cni_pool *pool)
{
    const cni_variable *variable = step->op->in[1]->variable;
    const uint64_t version = variable && w->kernels->real_size == sizeof(float) ? variable->version : 0;
    cni_condensed condensed;
    if (step->condensed) {
        condensed = cni_condensed_in((void *)w->w, w->depth, w->width);
        w->condensed = &condensed;
    }
    w->finite = version && step->finite_version == version;
    w->learns = version && !w->finite;
    run_sliced(w, pool);
    if (w->finite) step->finite_version = version;
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
              .slices = slices_of(op, run->kernels->real_size),
              .run = run,
              .scratch = step->workspace,
              .transposed = attributes->transposed};
    const size_t most_rows = rows_of(op->in[0], run->batch);
    const way how = way_of(op, w.rows, most_rows);
    w.far = cni_tensor_image(op->in[1]) * run->kernels->real_size >= FAR_BYTES;
    w.row_slices = row_slices_of(op, most_rows, run->kernels->real_size);
    w.slice_bytes = row_slice_bytes(op, most_rows, run->kernels->real_size);
    if (how == STREAMED && w.slices)
        run_sparse(&w, step, whole_run->pool);
    else if (how == STREAMED)
        run_streamed(&w, whole_run->pool);
    else if (how == UNPACKED)
        run_unpacked(&w, run->pool);
    else if (how == TURNED)
        run_turned(&w, run->pool);
    else
        run_packed(&w, step, run->pool);
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
                                       .own = own,
                                       .persistent = persistent,
                                       .condenses = condenses,
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
