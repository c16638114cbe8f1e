/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution with windows of many columns, a row of outputs at a time: their sums are in registers, and so
 * is a run of neighbouring taps of one row of the window; each cell is loaded once for all outputs that see it through
 * one of these taps:
 *
 *     cells        o o o o o o o o o o    of one row
 *     outputs            o o o o          += cell * the weight of its column, for each output that sees it
 *
 * With a stride neighbours are taps, and cells, that are a stride apart.
 *
 * Rows and columns outside the image are left out.  A sum is in the order of the window's rows, and in a row in that of
 * the runs, whatever the number of outputs.  Of the weights a block of rows is copied to where they lie side by side;
 * sums wait in memory for the next block. */
#include "kernels/convolution/depthwise_parts.h"
#include "kernels/convolution/runs.h"

enum { LONGEST_RUN = 7, PATCH_ROWS = 14, BLOCK_TAPS = 256 };

#if CNI_VECTOR_BYTES == 32
enum { MOST_OUTPUTS = 7 };
#else
enum { MOST_OUTPUTS = 14 };
#endif

/* Outputs of rows first ... last - 1. */
typedef struct patch {
    int first, last, column;
    const runs *window;
    runs seen;
} patch;

ALWAYS_INLINE void add_run(lanes *sum, const lanes *w, const float *x, ptrdiff_t x_pixel, unsigned inside, int outputs,
                           int taps, int some)
{
    lanes weight[LONGEST_RUN];
    UNROLL for (int s = 0; s < taps; s++) weight[s] = w[s];
    UNROLL for (int q = 0; q < outputs + taps - 1; q++, x += x_pixel)
    {
        POINTER_IN_REGISTER(x);
        if (!(inside & 1u << q)) continue;
        lanes cell = take(x, some);
        IN_REGISTER(cell);
        UNROLL for (int s = 0; s < taps; s++) if (q >= s && q - s < outputs) sum[q - s] =
            multiply_add(cell, weight[s], sum[q - s]);
    }
}

/* A row of the window. */
ALWAYS_INLINE void add_row(const cni_depthwise *d, lanes *sum, const patch *p, const lanes *w, const float *x,
                           int outputs, int some)
{
    const ptrdiff_t x_tap = d->columns.dilation * d->columns.x, x_pixel = d->columns.stride * d->columns.x;
    const run *const last = p->seen.run + p->seen.count;
    for (const run *k = p->seen.run; k < last; k++) {
        const float *from = x + k->first * x_tap;
#define ADD(taps) add_run(sum, w + k->weight, from, x_pixel, k->inside, outputs, taps, some)
        if (k->taps == 7)
            ADD(7);
        else if (k->taps == 5)
            ADD(5);
        else if (k->taps == 4)
            ADD(4);
        else
            ADD(3);
#undef ADD
    }
}

ALWAYS_INLINE void end_row(const cni_depthwise *d, const lanes *sum, ptrdiff_t at, int outputs, ending how, int some)
{
    UNROLL for (int j = 0; j < outputs; j++) end(d, sum[j], at + j * d->columns.y, how, some);
}

/* Rows top ... bottom - 1 of the window, scaled, in the order of the runs. */
ALWAYS_INLINE void copy_weights(const cni_depthwise *d, const runs *window, int channel, int top, int bottom, lanes *w,
                                int some)
{
    const lanes scale = d->finish.scale ? load_at(d->finish.scale, channel, some) : splat(1);
    const ptrdiff_t w_tap = d->columns.w, w_next = window->step * w_tap;
    const int taps = d->columns.taps, step = window->step;
    for (int r = top; r < bottom; r++) {
        const float *row = (const float *)d->w + channel + r * d->rows.w;
        for (int first = 0; first < step; first++) {
            const float *from = row + first * w_tap;
            for (int s = first; s < taps; s += step, from += w_next) *w++ = scale * take(from, some);
        }
    }
}

/* Rows top ... bottom - 1 of the window, of those that output i sees. */
ALWAYS_INLINE void add_rows(const cni_depthwise *d, lanes *sum, const patch *p, const lanes *w, const float *x, int i,
                            int top, int bottom, int outputs, int some)
{
    const int taps = d->columns.taps;
    const ptrdiff_t x_row = d->rows.dilation * d->rows.x, x_pixel = d->columns.stride * d->columns.x;
    int begin, stop;
    taps_inside(&d->rows, i, &begin, &stop);
    begin = begin < top ? top : begin;
    stop = stop > bottom ? bottom : stop;
    x += first_cell(&d->rows, i) * d->rows.x + begin * x_row;
    w += (begin - top) * taps;
    if (taps == 7 && p->window->count == 1)
        for (int r = begin; r < stop; r++, x += x_row, w += 7)
            add_run(sum, w, x, x_pixel, p->seen.run->inside, outputs, 7, some);
    else
        for (int r = begin; r < stop; r++, x += x_row, w += taps) add_row(d, sum, p, w, x, outputs, some);
}

ALWAYS_INLINE void compute_patch(const cni_depthwise *whole, const patch *p, int channel, int outputs, int some)
{
    const cni_depthwise local = *whole, *d = &local; /* which no store can change */
    const ending how = ending_of(&d->finish);
    const int block = BLOCK_TAPS / d->columns.taps;
    lanes w[BLOCK_TAPS], sum[MOST_OUTPUTS], waiting[PATCH_ROWS][MOST_OUTPUTS];
    const lanes shift = d->finish.shift ? load_at(d->finish.shift, channel, some) : (lanes){0};
    const float *x = (const float *)d->x + channel + first_cell(&d->columns, p->column) * d->columns.x;
    for (int top = 0; top < d->rows.taps; top += block) {
        const int bottom = top + block < d->rows.taps ? top + block : d->rows.taps;
        copy_weights(d, p->window, channel, top, bottom, w, some);
        for (int i = p->first; i < p->last; i++) {
            lanes *const kept = waiting[i - p->first];
            UNROLL for (int j = 0; j < outputs; j++) sum[j] = top ? kept[j] : shift;
            add_rows(d, sum, p, w, x, i, top, bottom, outputs, some);
            const ptrdiff_t at = i * d->rows.y + p->column * d->columns.y + channel;
            if (bottom < d->rows.taps)
                UNROLL for (int j = 0; j < outputs; j++) kept[j] = sum[j];
            else if (how == PLAIN)
                end_row(d, sum, at, outputs, PLAIN, some);
            else if (how == CLAMPED)
                end_row(d, sum, at, outputs, CLAMPED, some);
            else
                end_row(d, sum, at, outputs, ANY, some);
        }
    }
}

/* Where masks cost nothing, there is no kernel of its own for less than a vector of channels. */
#if CNI_VECTOR_BYTES == 64
#define MASKED 1
#else
#define MASKED 0
#endif

static int lanes_left(const cni_depthwise *d, int channel)
{
    return d->width - channel < LANES ? d->width - channel : LANES;
}

typedef void patch_function(const cni_depthwise *d, const patch *p, int channel);

#define PATCH(outputs)                                                                                                 \
    static void patch_##outputs(const cni_depthwise *d, const patch *p, int channel)                                   \
    {                                                                                                                  \
        compute_patch(d, p, channel, outputs, MASKED ? lanes_left(d, channel) : LANES);                                \
    }
PATCH(1)
PATCH(2)
PATCH(3)
PATCH(4)
PATCH(5)
PATCH(6)
PATCH(7)
#if CNI_VECTOR_BYTES != 32
PATCH(8)
PATCH(9)
PATCH(10)
PATCH(11)
PATCH(12)
PATCH(13)
PATCH(14)
#endif

static patch_function *const patches[MOST_OUTPUTS] = {
    patch_1, patch_2, patch_3,  patch_4,  patch_5,  patch_6,  patch_7,
#if CNI_VECTOR_BYTES != 32
    patch_8, patch_9, patch_10, patch_11, patch_12, patch_13, patch_14,
#endif
};

/* Less than a vector of channels. */
static void rest_of_4(const cni_depthwise *d, const patch *p, int channel)
{
    compute_patch(d, p, channel, 4, d->width - channel);
}

static void rest_of_1(const cni_depthwise *d, const patch *p, int channel)
{
    compute_patch(d, p, channel, 1, d->width - channel);
}

static void compute_columns(const cni_depthwise *d, patch *p, int outputs)
{
    const int last = p->column + outputs, whole = MASKED ? d->width : d->width / LANES * LANES;
    p->seen = runs_seen(&d->columns, p->window, p->column, outputs);
    for (int k = 0; k < whole; k += LANES) patches[outputs - 1](d, p, k);
    while (whole < d->width && p->column < last) {
        const int step = last - p->column < 4 ? 1 : 4;
        p->seen = runs_seen(&d->columns, p->window, p->column, step);
        (step == 4 ? rest_of_4 : rest_of_1)(d, p, whole);
        p->column += step;
    }
}

/* In runs of 3, 4, 5 and 7. */
static const int next_run[LONGEST_COUNTED + 1] = {0, 0, 0, 3, 4, 5, 3, 7, 4, 5};

bool CNI_FOR_ISA(cni_depthwise_rows)(const cni_depthwise *d)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    const int height = r->last - r->first, width = c->last - c->first;
    runs window = {0};
    if (r->taps < 1 || c->taps < 1 || c->taps > BLOCK_TAPS || !find_runs(c, next_run, LONGEST_RUN, &window))
        return false;
    for (int i = 0, row = 0; row < height; i++) {
        const int next_row = part_begin(height, PATCH_ROWS, i + 1);
        for (int j = 0, column = 0; column < width; j++) {
            const int next = part_begin(width, MOST_OUTPUTS, j + 1);
            patch p = {
                .first = r->first + row, .last = r->first + next_row, .column = c->first + column, .window = &window};
            compute_columns(d, &p, next - column);
            column = next;
        }
        row = next_row;
    }
    return true;
}
