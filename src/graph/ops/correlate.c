/* SPDX-License-Identifier: Apache-2.0
 * Convolutions that mix channels, forward and transposed.  A unit is a panel of output channels of one group. */
#include "graph/ops/correlate.h"

#include <stdint.h>
#include <string.h>

typedef struct work {
    const cni_correlation *correlation;
    const cni_kernels *kernels;
    cni_blocks blocks;
    const void *x, *w;
    void *y, *packed;
    size_t x_bytes, y_bytes;
    int depth, width, panels; /* of one group: channels read, channels written, panels */
    bool narrow;              /* by the kernel for few columns */
    bool asks;
} work;

/* With fewer numbers read at a time, the lanes of that kernel would be empty too. */
enum { LEAST_NARROW_DEPTH = 8 };

bool cni_keeps_packed(const cni_tensor *w)
{
    return cni_variable_of(w) && !w->differentiable;
}

void *cni_packed_weights(cni_step *step, const cni_tensor *w, void *otherwise, bool *pack)
{
    *pack = true;
    if (!cni_keeps_packed(w)) return otherwise;
    const uint64_t version = cni_variable_of(w)->version;
    *pack = step->packed_version != version;
    step->packed_version = version;
    return step->persistent;
}

void cni_pack_panel(const cni_kernels *kernels, const void *w, ptrdiff_t k_step, ptrdiff_t j_step, size_t depth,
                    int width, void *panel)
{
    size_t pitch = (size_t)kernels->matmul.panel;
    if (j_step == 1) {
        kernels->matmul.pack(w, k_step, depth, width, panel);
        return;
    }
    if ((size_t)width < pitch) memset(panel, 0, depth * pitch * kernels->real_size);
    kernels->layout.transpose(w, (size_t)j_step, panel, pitch, (size_t)width, depth);
}

size_t cni_correlation_packed(const cni_correlation *c, size_t real_size)
{
    const cni_sampling *s = &c->sampling;
    size_t taps = (size_t)s->window[0] * (size_t)s->window[1], depth = (size_t)(s->from[2] / c->groups);
    size_t width = (size_t)(s->to[2] / c->groups) + CNI_MAX_PANEL - 1;
    return cni_round_up(taps * depth * width * (size_t)c->groups * real_size);
}

/* Where the panels of a unit of a part begin, in elements: part after part, unit after unit, tap after tap. */
static ptrdiff_t panel_of(const work *w, const cni_part *part, int unit)
{
    size_t taps = (size_t)part->rows->taps * (size_t)part->columns->taps;
    size_t before = part->first_tap * (size_t)w->blocks.units + taps * (size_t)unit;
    return (ptrdiff_t)(before * (size_t)w->depth * (size_t)w->kernels->matmul.panel);
}

/* k counts through the channels of a tap's cells; those of a part follow each other. */
static void pack_narrow(const work *w, const cni_part *part, int group, void *to)
{
    const cni_sampling *s = &w->correlation->sampling;
    const int lanes = w->kernels->matmul.narrow_lanes, cells = part->folded ? part->columns->taps : 1;
    const int taps = part->rows->taps * part->columns->taps / (cells ? cells : 1), depth = cells * w->depth;
    const size_t real_size = w->kernels->real_size;
    const ptrdiff_t filters = s->transposed ? s->from[2] : s->to[2], rows = s->transposed ? w->width : w->depth;
    const ptrdiff_t k_step = s->transposed ? 1 : filters, j_step = s->transposed ? filters : 1;
    const ptrdiff_t first = group * (filters / w->correlation->groups);
    char *at = to;
    for (int t = 0; t < taps; t++)
        for (int piece = 0; piece < depth; piece += lanes)
            for (int j = 0; j < w->width; j++)
                for (int k = piece; k < piece + lanes; k++, at += real_size) {
                    if (k >= depth) {
                        memset(at, 0, real_size);
                        continue;
                    }
                    const int cell = t * cells + k / w->depth, columns = part->columns->taps;
                    const ptrdiff_t tap = (ptrdiff_t)part->rows->index[cell / columns] * s->window[1] +
                                          part->columns->index[cell % columns];
                    memcpy(at,
                           cni_at(w->w, tap * rows * filters + first + k % w->depth * k_step + j * j_step, real_size),
                           real_size);
                }
}

static void pack_panel(void *context, size_t index, int thread)
{
    (void)thread;
    const work *w = context;
    const cni_sampling *s = &w->correlation->sampling;
    const cni_part *part = &w->blocks.part[index / (size_t)w->blocks.units];
    int unit = (int)(index % (size_t)w->blocks.units), group = unit / w->panels, panel = w->kernels->matmul.panel;
    int j = unit % w->panels * panel;
    size_t real_size = w->kernels->real_size;
    ptrdiff_t filters = s->transposed ? s->from[2] : s->to[2], rows = s->transposed ? w->width : w->depth;
    ptrdiff_t k_step = s->transposed ? 1 : filters, j_step = s->transposed ? filters : 1;
    ptrdiff_t first = group * (filters / w->correlation->groups) + j * j_step;
    char *to = cni_at_mutable(w->packed, panel_of(w, part, unit), real_size);
    if (w->narrow) {
        pack_narrow(w, part, group, to);
        return;
    }
    for (int r = 0; r < part->rows->taps; r++)
        for (int k = 0; k < part->columns->taps; k++, to += (size_t)w->depth * (size_t)panel * real_size) {
            ptrdiff_t tap = (ptrdiff_t)part->rows->index[r] * s->window[1] + part->columns->index[k];
            cni_pack_panel(w->kernels, cni_at(w->w, tap * rows * filters + first, real_size), k_step, j_step,
                           (size_t)w->depth, cni_smaller(w->width - j, panel), to);
        }
}

/* Rows that follow each other without a gap are one long row. */
static void join_rows(cni_product *product)
{
    ptrdiff_t columns = (ptrdiff_t)product->columns;
    if (product->x_row != columns * product->x_pixel || product->y_row != columns * product->y_pixel) return;
    product->columns *= product->rows;
    product->rows = 1;
}

static int channel_of(const work *w, int unit)
{
    return unit / w->panels * w->width + unit % w->panels * w->kernels->matmul.panel;
}

static const void *from_there(const void *data, ptrdiff_t at, size_t real_size)
{
    return data ? cni_at(data, at, real_size) : NULL;
}

/* The finish of what begins at y[at], a place of channel `channel`. */
static cni_finish finish_at(const cni_finish *all, int channel, ptrdiff_t at, size_t real_size)
{
    cni_finish finish = *all;
    finish.scale = from_there(all->scale, channel, real_size);
    finish.shift = from_there(all->shift, channel, real_size);
    finish.add = from_there(all->add, at, real_size);
    finish.mask = from_there(all->mask, at, real_size);
    return finish;
}

/* Whether rows of the window that lie outside the image are worth a product less: what one of them takes for a row of
 * outputs against two calls more.  It follows from the shape alone. */
static bool leaves_taps_out(const work *w, const cni_block *b)
{
    enum { LEAST_STEPS = 512 };
    const cni_phase *rows = b->part->rows;
    const int size = w->correlation->sampling.from[0], count = rows->count;
    const size_t steps = (size_t)b->part->columns->taps * (size_t)w->depth * b->columns;
    if (steps < LEAST_STEPS || !rows->taps || !count) return false;
    return rows->position[0] < 0 || (count - 1) * rows->step + rows->position[rows->taps - 1] >= size;
}

/* The panel of a product that begins at column j. */
static cni_product panel_at(const work *w, const cni_product *all, int j)
{
    const size_t real_size = w->kernels->real_size;
    cni_product panel = *all;
    panel.panels = cni_at(all->panels, (ptrdiff_t)j * all->taps * all->depth, real_size);
    panel.y = cni_at_mutable(all->y, j, real_size);
    panel.width = cni_smaller(w->kernels->matmul.panel, all->width - j);
    panel.finish = finish_at(&all->finish, j, j, real_size);
    return panel;
}

/* Panel by panel; rows of outputs with as many rows of the window inside the image are a product. */
static void compute_inside(const work *w, const cni_block *b, const cni_product *all)
{
    const cni_phase *rows = b->part->rows;
    const size_t real_size = w->kernels->real_size;
    const int panel = w->kernels->matmul.panel, row_taps = b->taps / rows->taps;
    const ptrdiff_t tap_weights = (ptrdiff_t)all->depth * panel;
    for (int j = 0; j < all->width; j += panel)
        for (int first = b->first, end, tap, last; first < b->last; first = end) {
            end = cni_phase_segment(rows, w->correlation->sampling.from[0], first, b->last, &tap, &last);
            const ptrdiff_t y = (ptrdiff_t)(first - b->first) * b->y_row;
            cni_product some = panel_at(w, all, j);
            some.x = cni_at(all->x, (ptrdiff_t)(first - b->first) * b->x_row, real_size);
            some.tap = all->tap + tap * row_taps;
            some.taps = (last - tap) * row_taps;
            some.panels = cni_at(some.panels, tap * row_taps * tap_weights, real_size);
            some.y = cni_at_mutable(some.y, y, real_size);
            some.rows = (size_t)(end - first);
            some.finish = finish_at(&some.finish, 0, y, real_size);
            w->kernels->matmul.product(&some);
        }
}

/* Asking for memory in its own order, the only one in which it is fast.  Panels go through all pixels a few columns at
 * a time; so each of them asks for a piece of what the rows after these read and write, a line with each step of its
 * sums:
 *
 *     panels of these rows   |  0  1  2  3  4  5  6  7 |          what ends sums: addend and mask, of which one is y;
 *     asked for              |  addend ... |  mask ... |          else what they read, and y
 *
 * That pays where it comes from memory, where weights stay near meanwhile, and where sums are not the shortest. */

enum { STREAMS = 2, ASKED_BYTES = 128 * 1024, MOST_ASKING_WEIGHTS = 1 << 20, LEAST_ASKING_DEPTH = 49 };
enum { FAR_BYTES = 4 << 20, FAR_INPUT_BYTES = 8 << 20 };

static bool has_ends(const work *w)
{
    return w->correlation->finish.add || w->correlation->finish.mask;
}

static bool asks(const work *w)
{
    const cni_sampling *s = &w->correlation->sampling;
    const size_t weights = (size_t)w->depth * (size_t)w->width * w->kernels->real_size;
    const bool pointwise =
        w->correlation->groups == 1 && s->window[0] * s->window[1] * s->strides[0] * s->strides[1] == 1;
    return pointwise && !w->narrow && w->depth >= LEAST_ASKING_DEPTH && weights <= MOST_ASKING_WEIGHTS &&
           (w->y_bytes >= FAR_BYTES || (w->x_bytes >= FAR_INPUT_BYTES && !has_ends(w)));
}

typedef struct stream {
    const char *from;
    size_t bytes;
} stream;

/* Of a tensor of which the first `done` bytes are done with: no more than `wanted`. */
static stream stream_at(const void *tensor, size_t bytes, size_t done, size_t wanted)
{
    if (!tensor || done >= bytes) return (stream){0};
    return (stream){(const char *)tensor + done, bytes - done < wanted ? bytes - done : wanted};
}

static void find_streams(const work *w, const cni_block *b, stream all[STREAMS])
{
    const cni_finish *f = &w->correlation->finish;
    const size_t real_size = w->kernels->real_size, pixels = b->rows * b->columns;
    const size_t wrote = pixels * (size_t)w->width * real_size, read = pixels * (size_t)w->depth * real_size;
    const size_t y = (size_t)b->y * real_size + wrote;
    const size_t x = (size_t)((uintptr_t)cni_at(b->x, *b->tap, real_size) - (uintptr_t)w->x) + read;
    all[0] = f->add ? stream_at(f->add, w->y_bytes, y, wrote) : stream_at(w->x, w->x_bytes, x, read);
    all[1] = stream_at(f->mask ? f->mask : w->y, w->y_bytes, y, wrote);
}

static void compute_asking(const work *w, const cni_block *b, const cni_product *all)
{
    stream streams[STREAMS];
    find_streams(w, b, streams);
    for (int u = 0; u < w->panels; u++) {
        const int which = u * STREAMS / w->panels, first = (which * w->panels + 1) / STREAMS;
        const size_t share = (size_t)((which + 1) * w->panels + 1) / STREAMS - (size_t)first;
        const stream *s = &streams[which];
        const size_t piece = (s->bytes + share - 1) / share, done = piece * (size_t)(u - first);
        const stream mine = stream_at(s->from, s->bytes, done, piece);
        cni_product some = panel_at(w, all, u * w->kernels->matmul.panel);
        some.ahead = mine.from;
        some.ahead_bytes = mine.bytes;
        w->kernels->matmul.product(&some);
    }
}

/* Units unit ... last_unit - 1, all of one group. */
static void compute_group(const work *w, const cni_block *b, int unit, int last_unit)
{
    size_t real_size = w->kernels->real_size;
    int group = unit / w->panels, channel = channel_of(w, unit), panel = w->kernels->matmul.panel;
    cni_product product = {
        .x = cni_at(b->x, (ptrdiff_t)group * w->depth, real_size),
        .x_row = b->x_row,
        .x_pixel = b->x_pixel,
        .tap = b->tap,
        .taps = b->taps,
        .depth = b->cells * w->depth,
        .panels = cni_at(w->packed, panel_of(w, b->part, unit), real_size),
        .y = cni_at_mutable(w->y, b->y + channel, real_size),
        .y_row = b->y_row,
        .y_pixel = b->y_pixel,
        .rows = b->rows,
        .columns = b->columns,
        .width = cni_smaller((group + 1) * w->width - channel, (last_unit - unit) * panel),
        .finish = finish_at(&w->correlation->finish, channel, b->y + channel, real_size),
    };
    if (w->narrow) {
        w->kernels->matmul.narrow(&product);
    } else if (leaves_taps_out(w, b)) {
        compute_inside(w, b, &product);
    } else {
        if (b->taps == 1) join_rows(&product);
        if (w->asks && product.rows == 1 && last_unit - unit == w->panels)
            compute_asking(w, b, &product);
        else
            w->kernels->matmul.product(&product);
    }
}

/* Outputs between the steps of a stride get nothing.  Then they are what is added, over which there is nothing to do,
 * or zeros: nobody has to look for them in an addend of the same steps. */
static bool is_nothing(const work *w, const cni_block *b)
{
    const cni_finish *f = &w->correlation->finish;
    if (b->taps || f->scale || f->shift || f->clamps || w->correlation->epilogue) return false;
    return f->add ? w->correlation->adds_steps || (f->add == w->y && !f->mask) : true;
}

static void write_zeros(const work *w, const cni_block *b, int channel, int last_channel)
{
    const size_t real_size = w->kernels->real_size, bytes = (size_t)(last_channel - channel) * real_size;
    for (size_t r = 0; r < b->rows; r++)
        for (size_t q = 0; q < b->columns; q++) {
            const ptrdiff_t at = b->y + (ptrdiff_t)r * b->y_row + (ptrdiff_t)q * b->y_pixel + channel;
            memset(cni_at_mutable(w->y, at, real_size), 0, bytes);
        }
}

static void compute_rows(const work *w, const cni_block *b)
{
    const int last = b->last_unit - 1, first_channel = channel_of(w, b->unit),
              last_channel =
                  cni_smaller(channel_of(w, last) + w->kernels->matmul.panel, (last / w->panels + 1) * w->width);
    const bool nothing = is_nothing(w, b);
    if (nothing && w->correlation->finish.add != w->y) write_zeros(w, b, first_channel, last_channel);
    for (int unit = b->unit; unit < b->last_unit && !nothing;) {
        int next = cni_smaller((unit / w->panels + 1) * w->panels, b->last_unit);
        compute_group(w, b, unit, next);
        unit = next;
    }
    cni_block_finish(&w->blocks, b, w->correlation->epilogue, w->kernels, w->y, first_channel, last_channel);
    const size_t pixel = (size_t)w->correlation->sampling.to[2];
    for (size_t r = 0; r < b->rows && w->correlation->gather.follower; r++)
        cni_gather_wrote(&w->correlation->gather, (size_t)(b->y + (ptrdiff_t)r * b->y_row) / pixel, b->columns,
                         (size_t)b->y_pixel / pixel, (size_t)(last_channel - first_channel));
}

/* Rows that are written at a time. */
static int rows_at_once(const work *w, const cni_block *b)
{
    const size_t pixel = b->columns * w->kernels->real_size, row = pixel * (size_t)w->correlation->sampling.to[2];
    size_t rows = w->correlation->gather.follower ? CNI_GATHER_BYTES / row : b->rows;
    if (w->asks) rows = ASKED_BYTES / (pixel * (size_t)(w->depth > w->width ? w->depth : w->width));
    return rows ? (int)rows : 1;
}

static void compute_block(void *context, size_t index, int thread)
{
    const work *w = context;
    cni_block b = cni_block_of(&w->blocks, index, thread);
    if (!b.rows || !b.columns) return;
    const int end = b.last, most = rows_at_once(w, &b);
    for (; b.first < end; b.first = b.last) {
        b.last = cni_smaller(b.first + most, end);
        b.rows = (size_t)(b.last - b.first);
        compute_rows(w, &b);
        b.x = cni_at(b.x, (ptrdiff_t)b.rows * b.x_row, w->kernels->real_size);
        b.y += (ptrdiff_t)b.rows * b.y_row;
    }
}

static double operations(const cni_correlation *c, int n)
{
    const cni_sampling *s = &c->sampling;
    const int *windows = s->transposed ? s->from : s->to; /* one product per window, tap and pair of channels */
    return 2.0 * n * windows[0] * windows[1] * s->window[0] * s->window[1] * s->from[2] * s->to[2] / c->groups;
}

/* Of those that lie side by side under each tap. */
static int least_cells(const cni_sampling *s)
{
    const int cells = s->transposed ? s->window[1] / s->strides[1] : s->window[1];
    return s->can_fold && s->dilation[1] == 1 && cells > 1 ? cells : 1;
}

static size_t bytes_of(const int shape[3], const cni_run *run)
{
    return (size_t)run->n * (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2] * run->kernels->real_size;
}

void cni_correlate(const cni_correlation *correlation, const cni_run *whole_run, const void *x, const void *w, void *y,
                   void *packed, bool pack, void *scratch)
{
    const cni_sampling *s = &correlation->sampling;
    const cni_run some_run = cni_run_for(whole_run, operations(correlation, whole_run->n)), *run = &some_run;
    work job = {.correlation = correlation,
                .kernels = run->kernels,
                .x = x,
                .w = w,
                .y = y,
                .packed = packed,
                .x_bytes = bytes_of(s->from, run),
                .y_bytes = bytes_of(s->to, run),
                .depth = s->from[2] / correlation->groups,
                .width = s->to[2] / correlation->groups};
    job.narrow = job.width <= CNI_NARROW && least_cells(s) * job.depth >= LEAST_NARROW_DEPTH;
    job.panels = cni_ratio_up(job.width, run->kernels->matmul.panel);
    cni_blocks_init(&job.blocks, s, run, x, job.panels * correlation->groups, scratch);
    job.asks = asks(&job);
    if (pack) cni_parallel(run->pool, (size_t)job.blocks.parts * (size_t)job.blocks.units, pack_panel, &job);
    if (run->pack_only) return;
    cni_parallel(run->pool, job.blocks.tasks, compute_block, &job);
}
