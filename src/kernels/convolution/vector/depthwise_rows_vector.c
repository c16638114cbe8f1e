/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution with windows of 7 x 7, a row of outputs at a time: their sums are in registers, and so is one
 * row of the window; each cell of a row is loaded once for all outputs that see it:
 *
 *     cells        o o o o o o o o o o    of one row
 *     outputs            o o o o          += cell * the weight of its column, for each output that sees it
 *
 * Rows and columns outside the image are left out.  A sum is in the order of the window's rows, and in a row in that of
 * its columns, whatever the number of outputs. */
#include "kernels/convolution/depthwise_parts.h"

enum { TAPS = 7 };

#if CNI_VECTOR_BYTES == 32
enum { MOST_OUTPUTS = 7 };
#else
enum { MOST_OUTPUTS = 14 };
#endif

/* Outputs of rows first ... last - 1; `inside` has bit q when column q of the cells that they see is in the image. */
typedef struct patch {
    int first, last, column;
    unsigned inside;
} patch;

ALWAYS_INLINE void add_row(lanes *sum, const lanes *w, const float *x, ptrdiff_t x_pixel, unsigned inside, int outputs,
                           int some)
{
    lanes weight[TAPS];
    UNROLL for (int s = 0; s < TAPS; s++) weight[s] = w[s];
    UNROLL for (int q = 0; q < outputs + TAPS - 1; q++, x += x_pixel)
    {
        POINTER_IN_REGISTER(x);
        if (!(inside & 1u << q)) continue;
        lanes cell = take(x, some);
        IN_REGISTER(cell);
        UNROLL for (int s = 0; s < TAPS; s++) if (q >= s && q - s < outputs) sum[q - s] =
            multiply_add(cell, weight[s], sum[q - s]);
    }
}

ALWAYS_INLINE void end_row(const cni_depthwise *d, const lanes *sum, ptrdiff_t at, int outputs, ending how, int some)
{
    UNROLL for (int j = 0; j < outputs; j++) end(d, sum[j], at + j * d->columns.y, how, some);
}

ALWAYS_INLINE void compute_patch(const cni_depthwise *whole, const patch *p, int channel, int outputs, int some)
{
    const cni_depthwise local = *whole, *d = &local; /* which no store can change */
    const ending how = some == LANES ? ending_of(&d->finish) : ANY;
    const unsigned inside = p->inside;
    lanes w[MOST_TAPS], sum[MOST_OUTPUTS];
    load_window(d, w, channel, TAPS, TAPS, some);
    const lanes *window = w;
    __asm__("" : "+r"(window)::"memory");
    const lanes shift = d->finish.shift ? load_at(d->finish.shift, channel, some) : (lanes){0};
    const float *x = (const float *)d->x + channel + (p->column + d->columns.position) * d->columns.x;
    for (int i = p->first; i < p->last; i++) {
        int top, bottom;
        taps_inside(&d->rows, i, &top, &bottom);
        UNROLL for (int j = 0; j < outputs; j++) sum[j] = shift;
        for (int r = top; r < bottom; r++)
            add_row(sum, window + r * TAPS, x + (i + d->rows.position + r) * d->rows.x, d->columns.x, inside, outputs,
                    some);
        const ptrdiff_t at = i * d->rows.y + p->column * d->columns.y + channel;
        if (how == PLAIN)
            end_row(d, sum, at, outputs, PLAIN, some);
        else if (how == CLAMPED)
            end_row(d, sum, at, outputs, CLAMPED, some);
        else
            end_row(d, sum, at, outputs, ANY, some);
    }
}

typedef void patch_function(const cni_depthwise *d, const patch *p, int channel);

#define PATCH(outputs)                                                                                                 \
    static void patch_##outputs(const cni_depthwise *d, const patch *p, int channel)                                   \
    {                                                                                                                  \
        compute_patch(d, p, channel, outputs, LANES);                                                                  \
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

enum { PATCH_ROWS = 14 };

static void compute_columns(const cni_depthwise *d, patch *p, int outputs)
{
    const cni_window_axis *c = &d->columns;
    const int last = p->column + outputs, whole = d->width / LANES * LANES;
    p->inside = cells_inside(c, p->column, outputs + TAPS - 1);
    for (int k = 0; k < whole; k += LANES) patches[outputs - 1](d, p, k);
    while (whole < d->width && p->column < last) {
        const int step = last - p->column < 4 ? 1 : 4;
        p->inside = cells_inside(c, p->column, step + TAPS - 1);
        (step == 4 ? rest_of_4 : rest_of_1)(d, p, whole);
        p->column += step;
    }
}

void CNI_FOR_ISA(cni_depthwise_rows)(const cni_depthwise *d)
{
    const cni_window_axis *r = &d->rows, *c = &d->columns;
    const int height = r->last - r->first, width = c->last - c->first;
    for (int i = 0, row = 0; row < height; i++) {
        const int next_row = part_begin(height, PATCH_ROWS, i + 1);
        for (int j = 0, column = 0; column < width; j++) {
            const int next = part_begin(width, MOST_OUTPUTS, j + 1);
            patch p = {.first = r->first + row, .last = r->first + next_row, .column = c->first + column};
            compute_columns(d, &p, next - column);
            column = next;
        }
        row = next_row;
    }
}
