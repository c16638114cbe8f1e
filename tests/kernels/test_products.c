/* SPDX-License-Identifier: Apache-2.0
 * Products and pooling: every instruction set that this machine has against the portable
 * kernels, on random shapes, in memory that ends with the arrays.
 *
 * Small whole numbers give the same bits in any order; real numbers must agree within the error of a sum of K products,
 * 4 eps sqrt(K) sum |a| |b|. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernels/against_portable.h"

enum { SEEDS = 300 };

/* Packs with the kernels' own panel width and multiplies. */
static void pack_and_multiply(const cni_kernels *kernels, cni_product p, const guarded *w, guarded *y)
{
    int panel = kernels->matmul.panel, depth = p.taps * p.depth, panels = (p.width + panel - 1) / panel;
    guarded packed = new_guarded((size_t)panels * (size_t)depth * (size_t)panel);
    for (int j = 0; j < panels; j++) {
        int width = p.width - j * panel < panel ? p.width - j * panel : panel;
        kernels->matmul.pack(w->data + j * panel, p.width, (size_t)depth, width,
                             packed.data + (size_t)j * (size_t)depth * (size_t)panel);
    }
    p.panels = packed.data;
    p.y = y->data;
    kernels->matmul.product(&p);
    free_guarded(&packed);
}

/* Every other pixel of each row alone: the same bits, whatever tile computes it. */
static void check_alone(const cni_kernels *kernels, const cni_product *all, const guarded *w, const guarded *y)
{
    guarded alone = new_guarded(y->count);
    mark(&alone);
    for (size_t r = 0; r < all->rows; r++)
        for (size_t i = 0; i < all->columns; i += 2) {
            const ptrdiff_t at = (ptrdiff_t)r * all->y_row + (ptrdiff_t)i * all->y_pixel;
            const cni_finish *f = &all->finish;
            guarded there = {.data = alone.data + at, .count = (size_t)all->width};
            cni_product p = *all;
            p.rows = p.columns = 1;
            p.x = (const float *)all->x + (ptrdiff_t)r * all->x_row + (ptrdiff_t)i * all->x_pixel;
            p.finish.add = f->add ? (const float *)f->add + at : NULL;
            p.finish.mask = f->mask ? (const float *)f->mask + at : NULL;
            pack_and_multiply(kernels, p, w, &there);
            assert_memory_equal(there.data, y->data + at, there.count * sizeof(float));
        }
    free_guarded(&alone);
}

static void check_product(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    int window = 1 + (int)draw(&random, 3), stride = 1 + (int)draw(&random, 2), c = 1 + (int)draw(&random, 40);
    int rows = 1 + (int)draw(&random, 3), columns = 1 + (int)draw(&random, 47), width = 1 + (int)draw(&random, 80);
    int pixel = seed % 5 ? c : 512; /* 512: the tiles of the fast kernels are smaller */
    int image_width = (columns - 1) * stride + window, image_height = rows - 1 + window;
    ptrdiff_t taps[9];
    for (int t = 0; t < window * window; t++) taps[t] = ((ptrdiff_t)(t / window) * image_width + t % window) * pixel;
    size_t x_count = (size_t)(image_height * image_width - 1) * (size_t)pixel + (size_t)c;
    guarded x = new_guarded(x_count), w = new_guarded((size_t)(window * window * c * width));
    guarded scale = new_guarded((size_t)width), shift = new_guarded((size_t)width);
    guarded y = new_guarded((size_t)(rows * columns * width)), add = new_guarded(y.count), gate = new_guarded(y.count);
    guarded expected = new_guarded(y.count), magnitude = new_guarded(y.count);
    fill(&random, &x, whole);
    fill(&random, &w, whole);
    guarded *const reals[] = {&scale, &shift, &add, &gate};
    for (int i = 0; i < 4; i++) fill(&random, reals[i], whole);
    mark(&y);
    cni_product p = {.x = x.data,
                     .x_row = (ptrdiff_t)image_width * pixel,
                     .x_pixel = (ptrdiff_t)stride * pixel,
                     .tap = taps,
                     .taps = window * window,
                     .depth = c,
                     .y_row = (ptrdiff_t)columns * width,
                     .y_pixel = width,
                     .rows = (size_t)rows,
                     .columns = (size_t)columns,
                     .width = width,
                     .finish = {.shift = seed % 3 ? shift.data : NULL,
                                .scale = seed % 5 > 2 ? scale.data : NULL,
                                .add = seed % 7 > 3 ? add.data : NULL,
                                .mask = seed % 11 > 6 ? gate.data : NULL,
                                .clamps = seed % 13 > 5,
                                .slope = seed % 13 > 9 ? 0.25 : 0,
                                .most = seed % 17 > 8 ? 6 : INFINITY},
                     .ahead = y.data, /* also from pages that do not exist */
                     .ahead_bytes = seed % 4 ? 0 : 40 * seed};
    pack_and_multiply(kernels, p, &w, &y);
    check_alone(kernels, &p, &w, &y);
    pack_and_multiply(portable, p, &w, &expected);
    absolute(&x);
    absolute(&w);
    p.finish.mask = NULL;
    p.finish.most = INFINITY;
    for (int i = 0; i < 3; i++) absolute(reals[i]);
    pack_and_multiply(portable, p, &w, &magnitude);
    compare(&y, &expected, &magnitude, (size_t)(window * window * c) + 2, whole, "product", kernels->name, seed);
    guarded *const all[] = {&x, &w, &scale, &shift, &add, &gate, &y, &expected, &magnitude};
    for (int i = 0; i < 9; i++) free_guarded(all[i]);
}

static void products(void **state)
{
    (void)state;
    on_all_kernels(check_product, SEEDS);
}

/* Packs as the contract says. */
static guarded pack_narrow(int lanes, const cni_product *p, const guarded *w)
{
    const int pieces = (p->depth + lanes - 1) / lanes;
    guarded packed = new_guarded((size_t)(p->taps * pieces * p->width * lanes));
    for (int t = 0; t < p->taps; t++)
        for (int k = 0; k < pieces * lanes; k++)
            for (int j = 0; j < p->width; j++)
                packed.data[((t * pieces + k / lanes) * p->width + j) * lanes + k % lanes] =
                    k < p->depth ? w->data[(t * p->depth + k) * p->width + j] : 0;
    return packed;
}

static void multiply_narrow(const cni_kernels *kernels, cni_product p, const guarded *w, guarded *y)
{
    guarded packed = pack_narrow(kernels->matmul.narrow_lanes, &p, w);
    p.panels = packed.data;
    p.y = y->data;
    kernels->matmul.narrow(&p);
    free_guarded(&packed);
}

/* Like check_product; and each pixel alone has the same bits. */
static void check_narrow(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    const int width = 1 + (int)draw(&random, CNI_NARROW), depth = 1 + (int)draw(&random, seed % 2 ? 20 : 70);
    const int taps = (int)draw(&random, 5), pixel = depth + (int)draw(&random, 3), step = 1 + (int)draw(&random, 2);
    const int rows = 1 + (int)draw(&random, 3), columns = 1 + (int)draw(&random, 50);
    const int y_pixel = draw(&random, 2) ? width : width + 1 + (int)draw(&random, 5);
    const int row = (columns - 1) * step + 5;
    ptrdiff_t tap[5];
    for (int t = 0; t < taps; t++) tap[t] = (ptrdiff_t)draw(&random, 5) * pixel;
    guarded x = new_guarded((size_t)((rows * row - 1) * pixel + depth)),
            w = new_guarded((size_t)(taps * depth * width));
    guarded y = new_guarded((size_t)((rows * columns - 1) * y_pixel + width));
    guarded scale = new_guarded((size_t)width), shift = new_guarded((size_t)width);
    guarded add = new_guarded(y.count), gate = new_guarded(y.count);
    guarded expected = new_guarded(y.count), magnitude = new_guarded(y.count), alone = new_guarded(y.count);
    fill(&random, &x, whole);
    fill(&random, &w, whole);
    guarded *const reals[] = {&scale, &shift, &add, &gate};
    for (int i = 0; i < 4; i++) fill(&random, reals[i], whole);
    guarded *const marked[] = {&y, &expected, &magnitude, &alone};
    for (int i = 0; i < 4; i++) mark(marked[i]);
    cni_product p = {.x = x.data,
                     .x_row = (ptrdiff_t)row * pixel,
                     .x_pixel = (ptrdiff_t)step * pixel,
                     .tap = tap,
                     .taps = taps,
                     .depth = depth,
                     .y_row = (ptrdiff_t)columns * y_pixel,
                     .y_pixel = y_pixel,
                     .rows = (size_t)rows,
                     .columns = (size_t)columns,
                     .width = width};
    if (seed % 3)
        p.finish = (cni_finish){.shift = seed % 4 ? shift.data : NULL,
                                .scale = seed % 5 > 2 ? scale.data : NULL,
                                .add = seed % 7 > 3 ? add.data : NULL,
                                .mask = seed % 11 > 6 ? gate.data : NULL,
                                .clamps = seed % 13 > 5,
                                .slope = seed % 13 > 9 ? 0.25 : 0,
                                .most = seed % 17 > 8 ? 6 : INFINITY};
    multiply_narrow(kernels, p, &w, &y);
    multiply_narrow(portable, p, &w, &expected);
    cni_product one = p;
    one.rows = one.columns = 1;
    guarded packed = pack_narrow(kernels->matmul.narrow_lanes, &p, &w);
    one.panels = packed.data;
    for (int i = 0; i < rows * columns; i++) {
        const ptrdiff_t at = (ptrdiff_t)i * y_pixel;
        one.x = x.data + i / columns * p.x_row + i % columns * p.x_pixel;
        one.y = alone.data + at;
        one.finish.add = p.finish.add ? add.data + at : NULL;
        one.finish.mask = p.finish.mask ? gate.data + at : NULL;
        kernels->matmul.narrow(&one);
    }
    assert_memory_equal(y.data, alone.data, y.count * sizeof *y.data);
    absolute(&x);
    absolute(&w);
    p.finish.mask = NULL;
    p.finish.most = INFINITY;
    for (int i = 0; i < 3; i++) absolute(reals[i]);
    multiply_narrow(portable, p, &w, &magnitude);
    compare(&y, &expected, &magnitude, (size_t)(taps * depth) + 2, whole, "narrow product", kernels->name, seed);
    guarded *const all[] = {&x, &w, &y, &scale, &shift, &add, &gate, &expected, &magnitude, &alone, &packed};
    for (int i = 0; i < 11; i++) free_guarded(all[i]);
}

static void narrow_products(void **state)
{
    (void)state;
    on_all_kernels(check_narrow, SEEDS);
}

static void check_pack(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    (void)portable, (void)whole;
    uint32_t random = seed * 2654435761u;
    int panel = kernels->matmul.panel, width = 1 + (int)draw(&random, (uint32_t)panel);
    size_t depth = 1 + draw(&random, 70), pitch = (size_t)width + draw(&random, 5);
    guarded w = new_guarded((depth - 1) * pitch + (size_t)width), packed = new_guarded(depth * (size_t)panel);
    fill(&random, &w, false);
    mark(&packed);
    kernels->matmul.pack(w.data, (ptrdiff_t)pitch, depth, width, packed.data);
    for (size_t k = 0; k < depth; k++)
        for (int j = 0; j < panel; j++)
            assert_true(packed.data[k * (size_t)panel + (size_t)j] == (j < width ? w.data[k * pitch + (size_t)j] : 0));
    free_guarded(&w);
    free_guarded(&packed);
}

static void packing(void **state)
{
    (void)state;
    on_all_kernels(check_pack, SEEDS);
}

static void check_outer(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    int rows = 1 + (int)draw(&random, 3), columns = 1 + (int)draw(&random, 40);
    int height = 1 + (int)draw(&random, 50), width = 1 + (int)draw(&random, 80), run = 0;
    if (seed % 4 == 3) { /* as windows of one channel, or as any */
        run = draw(&random, 2) ? 3 + 2 * (int)draw(&random, 2) : 1 + (int)draw(&random, 20);
        height = run * (draw(&random, 2) ? run : 1 + (int)draw(&random, 3));
    }
    int x_pixel = height + (int)draw(&random, 4), dy_pixel = width + (int)draw(&random, 4);
    int images = 1 + (int)draw(&random, 3), pixels = images * rows * columns;
    guarded x = new_guarded((size_t)((pixels - 1) * x_pixel + height));
    guarded dy = new_guarded((size_t)((pixels - 1) * dy_pixel + width));
    guarded dw = new_guarded((size_t)(height * width)), expected = new_guarded(dw.count),
            magnitude = new_guarded(dw.count);
    fill(&random, &x, whole);
    fill(&random, &dy, whole);
    cni_outer o = {.x = x.data,
                   .x_image = (ptrdiff_t)(rows * columns) * x_pixel,
                   .x_row = (ptrdiff_t)columns * x_pixel,
                   .x_pixel = x_pixel,
                   .dy = dy.data,
                   .dy_image = (ptrdiff_t)(rows * columns) * dy_pixel,
                   .images = (size_t)images,
                   .dy_row = (ptrdiff_t)columns * dy_pixel,
                   .dy_pixel = dy_pixel,
                   .rows = (size_t)rows,
                   .columns = (size_t)columns,
                   .dw = dw.data,
                   .dw_row = width,
                   .height = height,
                   .width = width,
                   .run = run,
                   .x_line = run + (seed % 8 == 3 ? 0 : -1),
                   .accumulate = seed % 3 == 0};
    mark(&dw);
    if (o.accumulate)
        for (size_t i = 0; i < dw.count; i++) expected.data[i] = magnitude.data[i] = dw.data[i] = (float)(i % 5);
    kernels->matmul.outer(&o);
    o.dw = expected.data;
    portable->matmul.outer(&o);
    absolute(&x);
    absolute(&dy);
    o.dw = magnitude.data;
    portable->matmul.outer(&o);
    compare(&dw, &expected, &magnitude, (size_t)pixels, whole, "outer", kernels->name, seed);

    guarded sums = new_guarded((size_t)width), expected_sums = new_guarded(sums.count), large = new_guarded(sums.count);
    for (size_t i = 0; i < sums.count; i++) sums.data[i] = expected_sums.data[i] = large.data[i] = 100;
    portable->matmul.column_sums(dy.data, dy_pixel, (size_t)pixels, width, large.data, true);
    for (size_t i = 0; i < dy.count; i++) dy.data[i] = i % 3 ? dy.data[i] : -dy.data[i];
    kernels->matmul.column_sums(dy.data, dy_pixel, (size_t)pixels, width, sums.data, o.accumulate);
    portable->matmul.column_sums(dy.data, dy_pixel, (size_t)pixels, width, expected_sums.data, o.accumulate);
    compare(&sums, &expected_sums, &large, (size_t)pixels, whole, "column sums", kernels->name, seed);
    guarded *const all[] = {&x, &dy, &dw, &expected, &magnitude, &sums, &expected_sums, &large};
    for (int i = 0; i < 8; i++) free_guarded(all[i]);
}

static void outer_products(void **state)
{
    (void)state;
    on_all_kernels(check_outer, SEEDS);
}

static void check_thin(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    bool dots = seed / 2 % 2, zeros = seed / 4 % 2;
    int rows = dots ? 1 + (int)draw(&random, CNI_DOT_ROWS) : 1, depth = 1 + (int)draw(&random, seed % 3 ? 60 : 600);
    int width = 1 + (int)draw(&random, seed % 7 ? 90 : 700), w_row = (dots ? depth : width) + (int)draw(&random, 4);
    guarded x = new_guarded((size_t)(rows * depth));
    guarded w = new_guarded((size_t)(dots ? (width - 1) * w_row + depth : (depth - 1) * w_row + width));
    guarded bias = new_guarded((size_t)width), y = new_guarded((size_t)(rows * width));
    guarded expected = new_guarded(y.count), magnitude = new_guarded(y.count);
    fill(&random, &x, whole);
    fill(&random, &w, whole);
    fill(&random, &bias, whole);
    mark(&y);
    for (size_t i = 0; i < x.count && zeros; i++) x.data[i] = draw(&random, 1 + seed / 8 % 8) ? 0 : x.data[i];
    cni_thin t = {.x = x.data,
                  .x_row = depth,
                  .w = w.data,
                  .w_row = w_row,
                  .bias = seed % 3 ? bias.data : NULL,
                  .y = y.data,
                  .y_row = width,
                  .rows = rows,
                  .depth = depth,
                  .width = width,
                  .relu = seed % 5 == 0,
                  .far = seed % 9 < 4,
                  .finite = seed % 8 > 2};
    (dots ? kernels->matmul.dots : kernels->matmul.thin)(&t);
    t.y = expected.data;
    void (*judge)(const cni_thin *) = dots ? portable->matmul.dots : portable->matmul.thin;
    judge(&t);
    absolute(&x);
    absolute(&w);
    absolute(&bias);
    t.y = magnitude.data;
    judge(&t);
    compare(&y, &expected, &magnitude, (size_t)depth, whole, dots ? "dots" : "thin", kernels->name, seed);
    guarded *const all[] = {&x, &w, &bias, &y, &expected, &magnitude};
    for (int i = 0; i < 6; i++) free_guarded(all[i]);
}

/* Where all of w is finite, rows that do not count make no difference to any bit. */
static void check_zeros(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    (void)portable, (void)whole;
    uint32_t random = seed * 2654435761u;
    int depth = 1 + (int)draw(&random, seed % 3 ? 60 : 1200), width = 1 + (int)draw(&random, seed % 4 ? 300 : 900);
    guarded x = new_guarded((size_t)depth), w = new_guarded((size_t)(depth * width));
    guarded all = new_guarded((size_t)width), some = new_guarded((size_t)width);
    fill(&random, &x, false);
    fill(&random, &w, false);
    for (size_t i = 0; i < x.count; i++)
        if (!draw(&random, 1 + seed % 6)) x.data[i] = seed % 2 ? 0 : -0.0f;
    cni_thin t = {.x = x.data, .w = w.data, .w_row = width, .y = all.data, .rows = 1, .depth = depth, .width = width};
    kernels->matmul.thin(&t);
    t.y = some.data;
    t.finite = true;
    t.far = seed % 5 < 3;
    kernels->matmul.thin(&t);
    if (memcmp(all.data, some.data, (size_t)width * sizeof(float)))
        fail_msg("%s, seed %u: rows that were left out count", kernels->name, seed);
    guarded *const every[] = {&x, &w, &all, &some};
    for (int i = 0; i < 4; i++) free_guarded(every[i]);
}

static void zeros_change_no_bit(void **state)
{
    (void)state;
    on_all_kernels(check_zeros, SEEDS);
}

static void thin_products(void **state)
{
    (void)state;
    on_all_kernels(check_thin, SEEDS);
}

static void check_unpacked(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    bool turned = seed / 2 % 2; /* x is read down its columns */
    int rows = 1 + (int)draw(&random, 20), depth = 1 + (int)draw(&random, seed % 5 ? 60 : 300);
    int width = 1 + (int)draw(&random, 150), w_row = width + (int)draw(&random, 4), y_row = width;
    int x_row = turned ? 1 : depth + (int)draw(&random, 4), x_step = turned ? rows + (int)draw(&random, 4) : 1;
    guarded x = new_guarded((size_t)((rows - 1) * x_row + (depth - 1) * x_step + 1));
    guarded w = new_guarded((size_t)((depth - 1) * w_row + width)), bias = new_guarded((size_t)width);
    guarded y = new_guarded((size_t)(rows * width)), expected = new_guarded(y.count), magnitude = new_guarded(y.count);
    fill(&random, &x, whole);
    fill(&random, &w, whole);
    fill(&random, &bias, whole);
    cni_unpacked p = {.x = x.data,
                      .x_row = x_row,
                      .x_step = x_step,
                      .w = w.data,
                      .w_row = w_row,
                      .bias = seed % 3 ? bias.data : NULL,
                      .y = y.data,
                      .y_row = y_row,
                      .rows = rows,
                      .depth = depth,
                      .width = width,
                      .accumulate = seed % 4 == 0,
                      .relu = seed % 7 == 0};
    mark(&y);
    if (p.accumulate)
        for (size_t i = 0; i < y.count; i++) expected.data[i] = magnitude.data[i] = y.data[i] = (float)(i % 5);
    kernels->matmul.unpacked(&p);
    p.y = expected.data;
    portable->matmul.unpacked(&p);
    absolute(&x);
    absolute(&w);
    absolute(&bias);
    p.y = magnitude.data;
    portable->matmul.unpacked(&p);
    compare(&y, &expected, &magnitude, (size_t)depth, whole, "unpacked", kernels->name, seed);
    guarded *const all[] = {&x, &w, &bias, &y, &expected, &magnitude};
    for (int i = 0; i < 6; i++) free_guarded(all[i]);
}

static void unpacked_products(void **state)
{
    (void)state;
    on_all_kernels(check_unpacked, SEEDS);
}

/* One row and many rows, packed or not, give the same bits: the sums have one order, but those of narrow products. */
static void check_order(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    (void)portable, (void)whole;
    uint32_t random = seed * 2654435761u;
    int rows = 1 + (int)draw(&random, 20), depth = 1 + (int)draw(&random, seed % 5 ? 60 : 300),
        width = 1 + CNI_THIN_NARROW + (int)draw(&random, 90);
    guarded x = new_guarded((size_t)(rows * depth)), w = new_guarded((size_t)(depth * width));
    guarded y = new_guarded((size_t)(rows * width)), one = new_guarded(y.count), other = new_guarded(y.count);
    fill(&random, &x, false);
    fill(&random, &w, false);
    const cni_unpacked u = {.x = x.data,
                            .x_row = depth,
                            .x_step = 1,
                            .w = w.data,
                            .w_row = width,
                            .y = y.data,
                            .y_row = width,
                            .rows = rows,
                            .depth = depth,
                            .width = width};
    kernels->matmul.unpacked(&u);
    for (int m = 0; m < rows; m++) {
        const cni_thin t = {.x = x.data + m * depth,
                            .w = w.data,
                            .w_row = width,
                            .y = one.data + m * width,
                            .rows = 1,
                            .depth = depth,
                            .width = width};
        kernels->matmul.thin(&t);
    }
    const cni_product p = {.x = x.data,
                           .x_pixel = depth,
                           .tap = &(ptrdiff_t){0},
                           .taps = 1,
                           .depth = depth,
                           .y_pixel = width,
                           .rows = 1,
                           .columns = (size_t)rows,
                           .width = width};
    pack_and_multiply(kernels, p, &w, &other);
    compare(&y, &other, NULL, 0, true, "order", kernels->name, seed);
    compare(&y, &one, NULL, 0, true, "order of one row", kernels->name, seed);
    guarded *const all[] = {&x, &w, &y, &one, &other};
    for (int i = 0; i < 5; i++) free_guarded(all[i]);
}

static void the_order_of_sums_is_one(void **state)
{
    (void)state;
    on_all_kernels(check_order, SEEDS);
}

/* The same order of sums in every set of kernels: real numbers too must agree to the bit. */
static void check_pooling(const cni_kernels *kernels, const cni_kernels *portable, uint32_t seed, bool whole)
{
    uint32_t random = seed * 2654435761u;
    cni_windows v = {.c = 1 + (int)draw(&random, 70)};
    int large = seed % 10 == 0 ? 18 : 4;
    v.window[0] = 1 + (int)draw(&random, (uint32_t)large);
    v.window[1] = 1 + (int)draw(&random, (uint32_t)large);
    v.strides[0] = 1 + (int)draw(&random, 4);
    v.strides[1] = 1 + (int)draw(&random, 4);
    v.top = (int)draw(&random, (uint32_t)v.window[0]);
    v.left = (int)draw(&random, (uint32_t)v.window[1]);
    v.oh = 1 + (int)draw(&random, 4);
    v.ow = 1 + (int)draw(&random, 6);
    /* so that the last window has a cell inside, at least */
    v.h = (v.oh - 1) * v.strides[0] - v.top + 1 + (int)draw(&random, (uint32_t)v.window[0]);
    v.w = (v.ow - 1) * v.strides[1] - v.left + 1 + (int)draw(&random, (uint32_t)v.window[1]);
    if (v.h < 1) v.h = 1;
    if (v.w < 1) v.w = 1;
    size_t image = (size_t)(v.h * v.w * v.c), pooled = (size_t)(v.oh * v.ow * v.c),
           bytes = (cni_wide_taps(&v) ? 2 : 1) * pooled;
    guarded x = new_guarded(image), dy = new_guarded(pooled);
    guarded taps = new_guarded((bytes + 3) / 4), other_taps = new_guarded(taps.count);
    unsigned char *tap[] = {(unsigned char *)(taps.data + taps.count) - bytes,
                            (unsigned char *)(other_taps.data + taps.count) - bytes};
    fill(&random, &x, whole);
    fill(&random, &dy, whole);
    guarded y[2], dx[2], mean[2], back[2], global[4][2];
    for (int i = 0; i < 2; i++) {
        const cni_pooling_kernels *k = i ? &portable->pooling : &kernels->pooling;
        guarded *const big[] = {&y[i], &mean[i], &dx[i], &back[i], &global[2][i], &global[3][i]};
        for (int g = 0; g < 6; g++) {
            *big[g] = new_guarded(g < 2 ? pooled : image);
            mark(big[g]);
        }
        guarded share = new_guarded((size_t)v.c);
        for (int g = 0; g < 2; g++) global[g][i] = new_guarded((size_t)v.c);
        int middle = v.oh / 2, middle_row = v.h / 2;
        k->max(&v, x.data, y[i].data, tap[i], 0, middle);
        k->max(&v, x.data, y[i].data, tap[i], middle, v.oh);
        k->max_gradient(&v, dy.data, tap[i], dx[i].data, middle_row, v.h);
        k->max_gradient(&v, dy.data, tap[i], dx[i].data, 0, middle_row);
        k->average(&v, x.data, mean[i].data, 0, v.oh);
        k->average_gradient(&v, dy.data, back[i].data, 0, v.h);
        size_t cells = (size_t)(v.h * v.w);
        k->global_max(x.data, cells, v.c, global[0][i].data);
        k->global_mean(x.data, cells, v.c, global[1][i].data);
        k->global_max_gradient(x.data, global[0][i].data, dy.data, cells, v.c, share.data, global[2][i].data);
        k->global_mean_gradient(dy.data, cells, v.c, global[3][i].data);
        free_guarded(&share);
    }
    guarded *const pairs[][2] = {{&y[0], &y[1]},
                                 {&dx[0], &dx[1]},
                                 {&mean[0], &mean[1]},
                                 {&back[0], &back[1]},
                                 {&global[0][0], &global[0][1]},
                                 {&global[1][0], &global[1][1]},
                                 {&global[2][0], &global[2][1]},
                                 {&global[3][0], &global[3][1]}};
    static const char *const names[] = {"max",
                                        "max gradient",
                                        "average",
                                        "average gradient",
                                        "global max",
                                        "global mean",
                                        "global max gradient",
                                        "global mean gradient"};
    for (int i = 0; i < 8; i++) {
        compare(pairs[i][0], pairs[i][1], NULL, 0, true, names[i], kernels->name, seed);
        free_guarded(pairs[i][0]);
        free_guarded(pairs[i][1]);
    }
    assert_memory_equal(tap[0], tap[1], bytes);
    guarded *const all[] = {&x, &dy, &taps, &other_taps};
    for (int i = 0; i < 4; i++) free_guarded(all[i]);
}

static void pooling(void **state)
{
    (void)state;
    on_all_kernels(check_pooling, SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products),          cmocka_unit_test(narrow_products),
        cmocka_unit_test(packing),           cmocka_unit_test(outer_products),
        cmocka_unit_test(thin_products),     cmocka_unit_test(zeros_change_no_bit),
        cmocka_unit_test(unpacked_products), cmocka_unit_test(the_order_of_sums_is_one),
        cmocka_unit_test(pooling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
