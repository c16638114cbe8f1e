/* SPDX-License-Identifier: Apache-2.0
 * Convolution of small groups of channels and its gradient for the weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernels/against_portable.h"

enum { SEEDS = 300, USUAL_TAPS = 3 };

static int upto(uint32_t *random, int most)
{
    return 1 + (int)draw(random, (uint32_t)most);
}

static cni_window_axis draw_axis(uint32_t *random, int taps, int stride, int dilation, int most)
{
    cni_window_axis a = {.cells = upto(random, most), .taps = taps, .stride = stride, .dilation = dilation};
    a.position = -(int)draw(random, (uint32_t)((taps - 1) * dilation) + 2);
    a.last = upto(random, (a.cells - a.position) / stride + 2);
    return a;
}

typedef struct sizes {
    cni_window_axis rows, columns;
    int c, group;
} sizes;

/* `weighed`: as a gradient for the weights takes it. */
static sizes draw_sizes(uint32_t *random, uint32_t seed, bool weighed)
{
    const bool any = seed % 2;
    const int stride = any && weighed ? 1 : upto(random, 2),
              dilation = stride > 1 || seed % 4 != 1 ? 1 : upto(random, 3);
    const int down = any ? upto(random, 11) : USUAL_TAPS,
              across = any ? (weighed ? 2 + upto(random, 9) : upto(random, 11)) : USUAL_TAPS;
    sizes s = {.c = 16 * upto(random, 4), .group = 2 << draw(random, 4)};
    s.rows = draw_axis(random, down, stride, dilation, 20);
    s.columns = draw_axis(random, across, any && !weighed && dilation == 1 ? upto(random, 2) : stride, dilation,
                          seed % 10 ? 20 : 90);
    s.columns.x = s.columns.y = s.c;
    s.rows.x = (ptrdiff_t)s.columns.cells * s.c;
    s.rows.y = (ptrdiff_t)s.columns.last * s.c;
    s.columns.w = (ptrdiff_t)s.group * s.c;
    s.rows.w = across * s.columns.w;
    return s;
}

static guarded cells_of(const sizes *s)
{
    return new_guarded((size_t)(s->rows.cells * s->columns.cells * s->c));
}

static guarded outputs_of(const sizes *s)
{
    return new_guarded((size_t)(s->rows.last * s->columns.last * s->c));
}

static guarded weights_of(const sizes *s)
{
    return new_guarded((size_t)(s->rows.taps * s->columns.taps * s->group * s->c));
}

/* The upper rows, then the others. */
static void in_two_parts(const cni_kernels *kernels, cni_grouped g)
{
    const int last = g.of.rows.last;
    g.of.rows.last = last / 2;
    kernels->convolution.grouped(&g);
    g.of.rows.first = last / 2;
    g.of.rows.last = last;
    kernels->convolution.grouped(&g);
}

/* As a gradient for x reads it. */
static void read_backwards(cni_depthwise *d)
{
    d->w = (const float *)d->w + (d->rows.taps - 1) * d->rows.w + (d->columns.taps - 1) * d->columns.w;
    d->rows.w = -d->rows.w;
    d->columns.w = -d->columns.w;
}

static void check_forward(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    const sizes s = draw_sizes(&random, seed, false);
    guarded x = cells_of(&s), w = weights_of(&s), y = outputs_of(&s), parts = outputs_of(&s);
    guarded add = outputs_of(&s), shift = new_guarded((size_t)s.c), expected = outputs_of(&s),
            magnitude = outputs_of(&s);
    guarded *const reals[] = {&x, &w, &add, &shift};
    for (int i = 0; i < 4; i++) fill(&random, reals[i], whole);
    mark(&y);
    cni_grouped g = {.of = {.x = x.data,
                            .w = w.data,
                            .y = y.data,
                            .rows = s.rows,
                            .columns = s.columns,
                            .width = s.c,
                            .finish = {.shift = seed % 3 ? shift.data : NULL, .add = seed % 5 ? NULL : add.data}},
                     .group = s.group,
                     .w_member = s.c};
    if (seed % 4 == 1) g.of.finish.clamps = true, g.of.finish.most = INFINITY;
    if (seed % 6 > 3) read_backwards(&g.of);
    kernels->convolution.grouped(&g);
    g.of.y = parts.data;
    in_two_parts(kernels, g);
    compare(&y, &parts, NULL, 0, true, "grouped in parts", kernels->name, seed);
    g.of.y = expected.data;
    portable->convolution.grouped(&g);
    for (int i = 0; i < 4; i++) absolute(reals[i]);
    g.of.y = magnitude.data;
    g.of.finish.clamps = false;
    portable->convolution.grouped(&g);
    compare(&y, &expected, &magnitude, (size_t)(s.rows.taps * s.columns.taps * s.group) + 2, whole, "grouped",
            kernels->name, seed);
    guarded *const others[] = {&y, &parts, &expected, &magnitude};
    for (int i = 0; i < 4; i++) {
        free_guarded(reals[i]);
        free_guarded(others[i]);
    }
}

static void forward(void **state)
{
    (void)state;
    on_all_kernels(check_forward, SEEDS);
}

static void check_weights(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    const sizes s = draw_sizes(&random, seed, true);
    guarded x = cells_of(&s), dy = outputs_of(&s), dw = weights_of(&s), expected = weights_of(&s);
    guarded magnitude = weights_of(&s);
    fill(&random, &x, whole);
    fill(&random, &dy, whole);
    for (size_t i = 0; i < dw.count; i++) dw.data[i] = expected.data[i] = magnitude.data[i] = (float)(i % 3);
    cni_grouped_weights g = {
        .of = {.x = x.data, .dy = dy.data, .dw = dw.data, .rows = s.rows, .columns = s.columns, .width = s.c},
        .group = s.group,
        .w_member = s.c};
    kernels->convolution.grouped_weights(&g);
    g.of.dw = expected.data;
    portable->convolution.grouped_weights(&g);
    absolute(&x);
    absolute(&dy);
    g.of.dw = magnitude.data;
    portable->convolution.grouped_weights(&g);
    compare(&dw, &expected, &magnitude, (size_t)(s.rows.last * s.columns.last) + 1, whole, "grouped weights",
            kernels->name, seed);
    guarded *const all[] = {&x, &dy, &dw, &expected, &magnitude};
    for (int i = 0; i < 5; i++) free_guarded(all[i]);
}

static void weights(void **state)
{
    (void)state;
    on_all_kernels(check_weights, SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward),
        cmocka_unit_test(weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
