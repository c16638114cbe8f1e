/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution and its gradient for the weights: windows of any size, stride, dilation and place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernels/against_portable.h"

enum { SEEDS = 1500 };

static int upto(uint32_t *random, int most)
{
    return 1 + (int)draw(random, (uint32_t)most);
}

/* Sizes of both axes; only `cells` of the images exist, whatever the window sees. */
typedef struct sizes {
    cni_window_axis rows, columns;
    int c, pixel;
} sizes;

static cni_window_axis draw_axis(uint32_t *random, int taps, int stride, int dilation)
{
    cni_window_axis a = {.cells = upto(random, 20), .taps = taps, .stride = stride, .dilation = dilation};
    const int reach = (taps - 1) * dilation;
    a.position = -(int)draw(random, (uint32_t)reach + 2);
    a.last = upto(random, (a.cells - a.position) / stride + 2);
    return a;
}

static sizes draw_sizes(uint32_t *random, uint32_t seed)
{
    static const int usual[] = {3, 3, 3, 5, 5, 7, 2};
    const bool square = seed % 3 != 0 && seed % 50 != 0;
    const int most = seed % 50 ? 9 : 40; /* large ones take several blocks of rows of the window */
    const int taps = square ? usual[draw(random, 7)] : upto(random, most),
              stride = 1 + (int)draw(random, square ? 2 : 3);
    const int dilation = seed % 4 ? 1 : upto(random, 3);
    sizes s = {.rows = draw_axis(random, taps, stride, dilation), .c = upto(random, 70)};
    s.columns = square ? draw_axis(random, taps, stride, dilation)
                       : draw_axis(random, upto(random, most), upto(random, 3), upto(random, 2));
    if (seed % 7 == 0) s.c = 16 * upto(random, 4);
    s.pixel = seed % 5 ? s.c : 256; /* crowded pixels are gone through in another order */
    s.columns.x = s.pixel;
    s.rows.x = (ptrdiff_t)s.columns.cells * s.pixel;
    s.columns.y = s.c;
    s.rows.y = (ptrdiff_t)s.columns.last * s.c;
    s.columns.w = s.c;
    s.rows.w = (ptrdiff_t)s.columns.taps * s.c;
    return s;
}

static size_t cells_of(const sizes *s)
{
    return (size_t)(s->rows.cells * s->columns.cells - 1) * (size_t)s->pixel + (size_t)s->c;
}

static size_t outputs_of(const sizes *s)
{
    return (size_t)s->rows.last * (size_t)s->columns.last * (size_t)s->c;
}

static size_t weights_of(const sizes *s)
{
    return (size_t)s->rows.taps * (size_t)s->columns.taps * (size_t)s->c;
}

static void read_backwards(cni_depthwise *d, const sizes *s)
{
    d->w = (const float *)d->w + weights_of(s) - s->c;
    d->rows.w = -d->rows.w;
    d->columns.w = -d->columns.w;
}

/* The same outputs in up to eight calls. */
static void in_parts(const cni_kernels *kernels, const cni_depthwise *d, uint32_t *random)
{
    const int row = d->rows.last > 1 ? upto(random, d->rows.last - 1) : d->rows.last;
    const int column = d->columns.last > 1 ? upto(random, d->columns.last - 1) : d->columns.last;
    const int channel = d->width > 16 ? 16 : d->width;
    for (int part = 0; part < 8; part++) {
        cni_depthwise p = *d;
        p.rows.first = part & 1 ? row : 0;
        p.rows.last = part & 1 ? d->rows.last : row;
        p.columns.first = part & 2 ? column : 0;
        p.columns.last = part & 2 ? d->columns.last : column;
        const int from = part & 4 ? channel : 0;
        p.width = part & 4 ? d->width - channel : channel;
        p.x = (const float *)d->x + from;
        p.w = (const float *)d->w + from;
        p.y = (float *)d->y + from;
        const void **const reads[] = {&p.finish.scale, &p.finish.shift, &p.finish.add, &p.finish.mask};
        for (int i = 0; i < 4; i++)
            if (*reads[i]) *reads[i] = (const float *)*reads[i] + from;
        kernels->convolution.depthwise(&p);
    }
}

static void check_forward(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    const sizes s = draw_sizes(&random, seed);
    guarded x = new_guarded(cells_of(&s)), w = new_guarded(weights_of(&s));
    guarded scale = new_guarded((size_t)s.c), shift = new_guarded((size_t)s.c);
    guarded y = new_guarded(outputs_of(&s)), add = new_guarded(y.count), gate = new_guarded(y.count);
    guarded expected = new_guarded(y.count), magnitude = new_guarded(y.count), parts = new_guarded(y.count);
    guarded *const reals[] = {&x, &w, &scale, &shift, &add, &gate};
    for (int i = 0; i < 6; i++) fill(&random, reals[i], whole);
    mark(&y);
    cni_depthwise d = {.x = x.data, .w = w.data, .y = y.data, .rows = s.rows, .columns = s.columns, .width = s.c};
    const uint32_t ends = draw(&random, 64);
    if (ends & 1) d.finish.scale = scale.data;
    if (ends & 2) d.finish.shift = shift.data;
    if ((ends & 12) == 12) d.finish.add = add.data;
    if ((ends & 24) == 24) d.finish.mask = gate.data;
    if (ends & 32) {
        d.finish.clamps = true;
        d.finish.slope = ends & 4 ? 0 : 0.5;
        d.finish.most = ends & 2 ? 6 : INFINITY;
    }
    if (seed % 6 == 1) read_backwards(&d, &s);
    kernels->convolution.depthwise(&d);
    d.y = parts.data;
    in_parts(kernels, &d, &random);
    compare(&y, &parts, NULL, 0, true, "depthwise in parts", kernels->name, seed);
    d.y = expected.data;
    portable->convolution.depthwise(&d);
    for (int i = 0; i < 6; i++) absolute(reals[i]);
    d.y = magnitude.data;
    d.finish.clamps = false;
    d.finish.mask = NULL;
    portable->convolution.depthwise(&d);
    compare(&y, &expected, &magnitude, (size_t)(s.rows.taps * s.columns.taps) + 3, whole, "depthwise", kernels->name,
            seed);
    guarded *const others[] = {&y, &expected, &magnitude, &parts};
    for (int i = 0; i < 6; i++) free_guarded(reals[i]);
    for (int i = 0; i < 4; i++) free_guarded(others[i]);
}

static void forward(void **state)
{
    (void)state;
    on_all_kernels(check_forward, SEEDS);
}

static void check_weights(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    const sizes s = draw_sizes(&random, seed);
    guarded x = new_guarded(cells_of(&s)), dy = new_guarded(outputs_of(&s)), dw = new_guarded(weights_of(&s));
    guarded expected = new_guarded(dw.count), magnitude = new_guarded(dw.count);
    fill(&random, &x, whole);
    fill(&random, &dy, whole);
    for (size_t i = 0; i < dw.count; i++) dw.data[i] = expected.data[i] = magnitude.data[i] = (float)(i % 3);
    cni_depthwise_weights d = {
        .x = x.data, .dy = dy.data, .dw = dw.data, .rows = s.rows, .columns = s.columns, .width = s.c};
    kernels->convolution.depthwise_weights(&d);
    d.dw = expected.data;
    portable->convolution.depthwise_weights(&d);
    absolute(&x);
    absolute(&dy);
    d.dw = magnitude.data;
    portable->convolution.depthwise_weights(&d);
    compare(&dw, &expected, &magnitude, (size_t)(s.rows.last * s.columns.last) + 1, whole, "depthwise weights",
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
