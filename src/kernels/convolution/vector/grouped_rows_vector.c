/* SPDX-License-Identifier: Apache-2.0
 * Convolution of small groups of channels with any window, a row of outputs at a time: as depthwise_rows_vector.c, once
 * for each member of the groups, which is spread over its group (grouped_parts.h).  A sum is in the order of the
 * window's rows, in a row in that of the runs, and in a run in that of the members. */
#include "kernels/convolution/grouped_parts.h"
#include "kernels/convolution/runs.h"

enum { LONGEST_RUN = 5, PATCH_ROWS = 14, BLOCK_WEIGHTS = 512 };

#if CNI_VECTOR_BYTES == 32
enum { MOST_OUTPUTS = 7 };
#else
enum { MOST_OUTPUTS = 14 };
#endif

/* Outputs of rows first ... last - 1, a vector of channels. */
typedef struct patch {
    int first, last, column, channel;
    const runs *window;
    const member *members;
    runs seen;
} patch;

ALWAYS_INLINE void add_member(lanes *sum, const lanes *w, const float *x, ptrdiff_t x_pixel, const member *of,
                              unsigned inside, int outputs, int taps)
{
    lanes weight[LONGEST_RUN];
    UNROLL for (int s = 0; s < taps; s++) weight[s] = w[s];
    UNROLL for (int q = 0; q < outputs + taps - 1; q++, x += x_pixel)
    {
        POINTER_IN_REGISTER(x);
        if (!(inside & 1u << q)) continue;
        lanes cell = spread(x, of);
        IN_REGISTER(cell);
        UNROLL for (int s = 0; s < taps; s++) if (q >= s && q - s < outputs) sum[q - s] =
            multiply_add(cell, weight[s], sum[q - s]);
    }
}

/* A row of the window.  w: [member][tap in the order of the runs] */
ALWAYS_INLINE void add_row(const cni_grouped *g, lanes *sum, const patch *p, const lanes *w, const float *x,
                           int outputs)
{
    const cni_window_axis *c = &g->of.columns;
    const ptrdiff_t x_tap = c->dilation * c->x, x_pixel = c->stride * c->x;
    const int group = g->group, all = c->taps;
    const run *const last = p->seen.run + p->seen.count;
    for (const run *k = p->seen.run; k < last; k++) {
        const float *from = x + k->first * x_tap;
        const lanes *weights = w + k->weight;
#define ADD(taps)                                                                                                      \
    for (int m = 0; m < group; m++, weights += all)                                                                    \
    add_member(sum, weights, from, x_pixel, &p->members[m], k->inside, outputs, taps)
        if (k->taps == 5)
            ADD(5);
        else if (k->taps == 3)
            ADD(3);
        else if (k->taps == 2)
            ADD(2);
        else
            ADD(1);
#undef ADD
    }
}

/* Rows top ... bottom - 1 of the window. */
static void copy_weights(const cni_grouped *g, const patch *p, int top, int bottom, lanes *w)
{
    const cni_window_axis *c = &g->of.columns;
    const int step = p->window->step;
    for (int r = top; r < bottom; r++)
        for (int m = 0; m < g->group; m++) {
            const float *row = (const float *)g->of.w + p->channel + r * g->of.rows.w + m * g->w_member;
            for (int first = 0; first < step; first++)
                for (int s = first; s < c->taps; s += step) *w++ = load(row + s * c->w);
        }
}

ALWAYS_INLINE void compute_patch(const cni_grouped *whole, const patch *p, int outputs)
{
    const cni_grouped local = *whole, *g = &local; /* which no store can change */
    const cni_window_axis *r = &g->of.rows, *c = &g->of.columns;
    const int width = c->taps * g->group, block = BLOCK_WEIGHTS / width;
    lanes w[BLOCK_WEIGHTS], sum[MOST_OUTPUTS], waiting[PATCH_ROWS][MOST_OUTPUTS];
    const float *x = (const float *)g->of.x + p->channel + first_cell(c, p->column) * c->x;
    for (int top = 0; top < r->taps; top += block) {
        const int bottom = top + block < r->taps ? top + block : r->taps;
        copy_weights(g, p, top, bottom, w);
        for (int i = p->first; i < p->last; i++) {
            lanes *const kept = waiting[i - p->first];
            int begin, stop;
            taps_inside(r, i, &begin, &stop);
            begin = begin < top ? top : begin;
            stop = stop > bottom ? bottom : stop;
            UNROLL for (int j = 0; j < outputs; j++) sum[j] = top ? kept[j] : (lanes){0};
            for (int t = begin; t < stop; t++)
                add_row(g, sum, p, w + (t - top) * width, x + (first_cell(r, i) + (ptrdiff_t)t * r->dilation) * r->x,
                        outputs);
            ptrdiff_t at = i * r->y + p->column * c->y + p->channel;
            if (bottom < r->taps)
                UNROLL for (int j = 0; j < outputs; j++) kept[j] = sum[j];
            else
                UNROLL for (int j = 0; j < outputs; j++, at += c->y)
                    store((float *)g->of.y + at, vector_finish(&g->of.finish, sum[j], p->channel, at, LANES));
        }
    }
}

#define PATCH(outputs)                                                                                                 \
    static void patch_##outputs(const cni_grouped *g, const patch *p)                                                  \
    {                                                                                                                  \
        compute_patch(g, p, outputs);                                                                                  \
    }
PATCH(1)
PATCH(2)
PATCH(4)
PATCH(5)
PATCH(7)
#if CNI_VECTOR_BYTES != 32
PATCH(8)
PATCH(10)
PATCH(14)
#endif

static const struct {
    int outputs;
    void (*compute)(const cni_grouped *g, const patch *p);
} patches[] = {
#if CNI_VECTOR_BYTES != 32
    {14, patch_14}, {10, patch_10}, {8, patch_8},
#endif
    {7, patch_7},   {5, patch_5},   {4, patch_4}, {2, patch_2}, {1, patch_1},
};

/* In runs of 1, 2, 3 and 5. */
static const int next_run[LONGEST_COUNTED + 1] = {0, 1, 2, 3, 2, 5, 3, 5, 5, 5};

static void compute_channels(const cni_grouped *g, patch *p)
{
    member members[MOST_GROUP];
    p->members = members;
    find_members(g->group, 0, members);
    for (p->channel = 0; p->channel < g->of.width; p->channel += LANES) {
        if (g->group > LANES) find_members(g->group, p->channel, members);
        const cni_window_axis *c = &g->of.columns;
        for (int column = c->first, k = 0; column < c->last; column += patches[k].outputs) {
            while (patches[k].outputs > c->last - column) k++;
            p->column = column;
            p->seen = runs_seen(c, p->window, column, patches[k].outputs);
            patches[k].compute(g, p);
        }
    }
}

void CNI_FOR_ISA(cni_grouped_rows)(const cni_grouped *g)
{
    const cni_window_axis *r = &g->of.rows;
    const int height = r->last - r->first;
    runs window;
    if (!find_runs(&g->of.columns, next_run, LONGEST_RUN, &window)) return;
    for (int i = 0, row = 0; row < height; i++) {
        const int next = part_begin(height, PATCH_ROWS, i + 1);
        patch p = {.first = r->first + row, .last = r->first + next, .window = &window};
        compute_channels(g, &p);
        row = next;
    }
}
