/* SPDX-License-Identifier: Apache-2.0
 * How a convolution is divided. */
#include "graph/ops/blocks.h"

#include <math.h>

enum { BLOCK_BYTES = 256 * 1024 };

bool cni_plain_relu(const cni_epilogue *epilogue)
{
    return epilogue && epilogue->function == CNI_RELU && epilogue->a == 0 && isinf(epilogue->b) && epilogue->b > 0 &&
           epilogue->c == 0;
}

static cni_axis_shape axis_of(const cni_sampling *sampling, int axis)
{
    return (cni_axis_shape){.to = sampling->to[axis],
                            .window = sampling->window[axis],
                            .stride = sampling->strides[axis],
                            .dilation = sampling->dilation[axis],
                            .padding = sampling->padding[axis],
                            .transposed = sampling->transposed};
}

static int most_outputs(const cni_sampling *sampling, int axis)
{
    return sampling->transposed ? cni_ratio_up(sampling->to[axis], sampling->strides[axis]) : sampling->to[axis];
}

/* Cells on an axis that `count` outputs of all phases together read. */
static size_t extent(const cni_sampling *sampling, int axis, int count)
{
    const int reach = (sampling->window[axis] - 1) * sampling->dilation[axis], stride = sampling->strides[axis];
    if (!sampling->transposed) return (size_t)(count - 1) * (size_t)stride + (size_t)reach + 1;
    return (size_t)(count - 1) + (size_t)((reach + stride - 1) / stride) + 1;
}

static size_t copy_bytes(const cni_sampling *sampling, int rows, size_t real_size)
{
    return extent(sampling, 0, rows) * extent(sampling, 1, most_outputs(sampling, 1)) * (size_t)sampling->from[2] *
           (size_t)sampling->repeat * real_size;
}

/* As many rows as BLOCK_BYTES hold, at least one. */
static int most_block_rows(const cni_sampling *sampling, size_t real_size)
{
    size_t one = copy_bytes(sampling, 1, real_size), two = copy_bytes(sampling, 2, real_size);
    if (one >= BLOCK_BYTES) return 1;
    size_t rows = 1 + (BLOCK_BYTES - one) / (two - one), most = (size_t)most_outputs(sampling, 0);
    return (int)(rows < most ? rows : most);
}

static size_t table_bytes(const cni_sampling *sampling)
{
    return cni_round_up((size_t)sampling->window[0] * (size_t)sampling->window[1] * sizeof(ptrdiff_t));
}

/* What the block reads: the image, or a copy. */
typedef struct input {
    const void *cells;
    int top, left; /* cell (0, 0) */
    ptrdiff_t row; /* from row to row */
} input;

/* A thread's own: this, the taps' distances, then the copy.  Tasks of one block read the same cells, those of one part
 * by the same taps: that is as the task before left it. */
typedef struct notes {
    const cni_part *part; /* NULL: none yet */
    int image, block;
    input in;
} notes;

size_t cni_blocks_own(const cni_sampling *sampling, size_t real_size)
{
    size_t bytes = cni_round_up(sizeof(notes)) + table_bytes(sampling);
    if (sampling->in_place) return bytes;
    return bytes + cni_round_up(copy_bytes(sampling, most_block_rows(sampling, real_size), real_size));
}

size_t cni_blocks_scratch(const cni_sampling *sampling)
{
    cni_axis_shape rows = axis_of(sampling, 0), columns = axis_of(sampling, 1);
    size_t parts = (size_t)cni_axis_phases(&rows) * (size_t)cni_axis_phases(&columns);
    return cni_axis_bytes(&rows) + cni_axis_bytes(&columns) + cni_round_up(parts * sizeof(cni_part));
}

static void make_parts(cni_blocks *blocks, char *memory)
{
    cni_axis_shape row_axis = axis_of(blocks->sampling, 0), column_axis = axis_of(blocks->sampling, 1);
    const cni_phase *rows = cni_axis_init(&row_axis, memory);
    memory += cni_axis_bytes(&row_axis);
    const cni_phase *columns = cni_axis_init(&column_axis, memory);
    memory += cni_axis_bytes(&column_axis);
    int column_phases = cni_axis_phases(&column_axis);
    blocks->part = (cni_part *)memory;
    blocks->parts = cni_axis_phases(&row_axis) * column_phases;
    size_t taps = 0;
    for (int i = 0; i < blocks->parts; i++) {
        cni_part *p = &blocks->part[i];
        *p = (cni_part){.rows = &rows[i / column_phases], .columns = &columns[i % column_phases], .first_tap = taps};
        p->folded = blocks->sampling->can_fold && cni_phase_dense(p->columns);
        taps += (size_t)p->rows->taps * (size_t)p->columns->taps;
    }
}

/* How long the threads take, in outputs of one unit.  Each task reads the weights of its units, which takes as long as
 * a few outputs; whoever has one task more than the others is waited for. */
static double time_of(size_t others, int rows, int columns, int units, int row_blocks, int chunks, int threads)
{
    enum { OUTPUTS_FOR_WEIGHTS = 8 };
    const double outputs = (double)cni_ratio_up(rows, row_blocks) * columns + OUTPUTS_FOR_WEIGHTS;
    const size_t tasks = others * (size_t)row_blocks * (size_t)chunks;
    return (double)((tasks + (size_t)threads - 1) / (size_t)threads) * outputs * cni_ratio_up(units, chunks);
}

/* Into how many blocks of rows and chunks of units: what takes the least time, and of what is about as good that with
 * the fewest tasks but two per thread. */
static void choose(const cni_blocks *blocks, const cni_part *part, size_t others, int least, int threads,
                   int *row_blocks, int *chunks)
{
    const int rows = part->rows->count, columns = part->columns->count, units = blocks->units;
    *row_blocks = least;
    *chunks = 1;
    if (threads == 1) return;
    double best = INFINITY;
    for (int c = 1; c <= units && c <= 4 * threads; c++) {
        if (c > 1 && cni_ratio_up(units, c) == cni_ratio_up(units, c - 1)) continue;
        for (int r = least; r <= rows && r <= least + 4 * threads; r++) {
            double time = time_of(others, rows, columns, units, r, c, threads);
            if (others * (size_t)r * (size_t)c < 2 * (size_t)threads) time *= 1.03;
            if (time >= best * 0.99) continue;
            best = time;
            *row_blocks = r;
            *chunks = c;
        }
    }
}

/* Blocks of rows that fit the cache; with several threads more of them, or chunks of units.  The part with the most
 * outputs decides for all. */
static void divide(cni_blocks *blocks, int n, int threads)
{
    const cni_part *largest = blocks->part;
    for (const cni_part *p = blocks->part; p < blocks->part + blocks->parts; p++)
        if (p->rows->count > largest->rows->count) largest = p;
    const int rows = largest->rows->count, most = most_block_rows(blocks->sampling, blocks->real_size);
    int count, chunks;
    choose(blocks, largest, (size_t)n * (size_t)blocks->parts, cni_ratio_up(rows, most), threads, &count, &chunks);
    blocks->block_rows = cni_ratio_up(rows, count);
    blocks->row_blocks = cni_ratio_up(rows, blocks->block_rows);
    blocks->chunk_units = cni_ratio_up(blocks->units, chunks);
    blocks->chunks = cni_ratio_up(blocks->units, blocks->chunk_units);
    blocks->tasks = (size_t)n * (size_t)blocks->row_blocks * (size_t)blocks->parts * (size_t)blocks->chunks;
}

void cni_blocks_init(cni_blocks *blocks, const cni_sampling *sampling, const cni_run *run, const void *x, int units,
                     void *scratch)
{
    size_t real_size = run->kernels->real_size;
    *blocks = (cni_blocks){.sampling = sampling, .real_size = real_size, .x = x, .units = units, .run = run};
    make_parts(blocks, scratch);
    const int threads = cni_pool_threads(run->pool);
    divide(blocks, run->n, threads);
    for (int i = 0; i < threads; i++) ((notes *)(void *)cni_own(run, i))->part = NULL;
}

static cni_block find(const cni_blocks *blocks, size_t task)
{
    cni_block b = {.unit = (int)(task % (size_t)blocks->chunks) * blocks->chunk_units};
    b.last_unit = cni_smaller(b.unit + blocks->chunk_units, blocks->units);
    task /= (size_t)blocks->chunks;
    const cni_part *p = b.part = &blocks->part[task % (size_t)blocks->parts];
    task /= (size_t)blocks->parts;
    b.block = (int)(task % (size_t)blocks->row_blocks);
    b.image = (int)(task / (size_t)blocks->row_blocks);
    b.first = cni_smaller(b.block * blocks->block_rows, p->rows->count);
    b.last = cni_smaller(b.first + blocks->block_rows, p->rows->count);
    b.rows = (size_t)(b.last - b.first);
    b.columns = (size_t)p->columns->count;
    return b;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Adds what outputs first ... last - 1 of a phase read; *from == *to says that there is nothing yet. */
static void widen(const cni_phase *phase, int first, int last, int *from, int *to)
{
    if (!phase->taps || first >= last) return;
    const int begin = first * phase->step + phase->position[0],
              end = (last - 1) * phase->step + phase->position[phase->taps - 1] + 1;
    const bool none = *from == *to;
    *from = none ? begin : cni_smaller(*from, begin);
    *to = none ? end : larger(*to, end);
}

/* What all parts of a block read. */
static input find_input(const cni_blocks *blocks, const cni_block *b, void *copy)
{
    const cni_sampling *s = blocks->sampling;
    const void *image =
        cni_at(blocks->x, (ptrdiff_t)b->image * s->from[0] * s->from[1] * s->from[2], blocks->real_size);
    input whole = {.cells = image, .row = (ptrdiff_t)s->from[1] * s->from[2]};
    if (s->in_place) return whole;
    cni_rectangle reads = {.channels = s->from[2], .repeat = s->repeat};
    int bottom = 0, right = 0;
    for (const cni_part *p = blocks->part; p < blocks->part + blocks->parts; p++) {
        const int first = b->block * blocks->block_rows;
        widen(p->rows, first, cni_smaller(first + blocks->block_rows, p->rows->count), &reads.top, &bottom);
        widen(p->columns, 0, p->columns->count, &reads.left, &right);
    }
    reads.rows = bottom - reads.top;
    reads.columns = right - reads.left;
    if (!reads.rows || !reads.columns) return whole;
    if (s->repeat == 1 && cni_rectangle_inside(&reads, s->from[0], s->from[1])) return whole;
    cni_rectangle_copy(&reads, image, s->from[0], s->from[1], s->from[2], blocks->real_size, copy);
    return (input){copy, reads.top, reads.left, (ptrdiff_t)reads.columns * s->from[2] * s->repeat};
}

static void read_from(const cni_blocks *blocks, cni_block *b, const input *in, const ptrdiff_t *table)
{
    const cni_phase *rows = b->part->rows, *columns = b->part->columns;
    const bool folded = b->part->folded;
    b->x = in->cells;
    b->top = in->top;
    b->left = in->left;
    b->row = in->row;
    b->pixel = (ptrdiff_t)blocks->sampling->from[2] * blocks->sampling->repeat;
    b->x_row = rows->step * in->row;
    b->x_pixel = columns->step * b->pixel;
    b->tap = table;
    b->taps = rows->taps * (folded ? cni_smaller(columns->taps, 1) : columns->taps);
    b->cells = folded ? columns->taps : 1;
}

static void find_taps(const cni_block *b, ptrdiff_t *table)
{
    const cni_phase *rows = b->part->rows, *columns = b->part->columns;
    int used = b->part->folded ? cni_smaller(columns->taps, 1) : columns->taps;
    for (int r = 0; r < rows->taps; r++)
        for (int s = 0; s < used; s++)
            *table++ = (b->first * rows->step + rows->position[r] - b->top) * b->row +
                       (columns->position[s] - b->left) * b->pixel;
}

cni_block cni_block_of(const cni_blocks *blocks, size_t task, int thread)
{
    const cni_sampling *s = blocks->sampling;
    char *memory = cni_own(blocks->run, thread);
    cni_block b = find(blocks, task);
    notes *last = (notes *)memory;
    ptrdiff_t *table = (ptrdiff_t *)(memory + cni_round_up(sizeof(notes)));
    const bool same = last->part && last->image == b.image && last->block == b.block,
               known = same && last->part == b.part;
    if (!same) last->in = find_input(blocks, &b, (char *)table + table_bytes(s));
    last->part = b.part;
    last->image = b.image;
    last->block = b.block;
    read_from(blocks, &b, &last->in, table);
    if (!known) find_taps(&b, table);
    ptrdiff_t pixel = s->to[2], row = pixel * s->to[1];
    const cni_phase *rows = b.part->rows, *columns = b.part->columns;
    b.y_row = rows->out_step * row;
    b.y_pixel = columns->out_step * pixel;
    b.y = ((ptrdiff_t)b.image * s->to[0] + rows->first) * row + b.first * b.y_row + columns->first * pixel;
    return b;
}

void cni_block_finish(const cni_blocks *blocks, const cni_block *block, const cni_epilogue *epilogue,
                      const cni_kernels *kernels, void *y, int from, int to)
{
    if (!epilogue || epilogue->function == CNI_LINEAR || cni_plain_relu(epilogue)) return;
    bool whole = to - from == blocks->sampling->to[2] && block->part->columns->out_step == 1;
    size_t pieces = whole ? 1 : block->columns, run = (whole ? block->columns : 1) * (size_t)(to - from);
    for (size_t r = 0; r < block->rows; r++)
        for (size_t q = 0; q < pieces; q++) {
            ptrdiff_t at = block->y + (ptrdiff_t)r * block->y_row + (ptrdiff_t)q * block->y_pixel + from;
            void *data = cni_at_mutable(y, at, blocks->real_size);
            kernels->elementwise.unary(epilogue, data, data, run);
        }
}
