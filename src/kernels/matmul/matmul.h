/* SPDX-License-Identifier: Apache-2.0
 * Kernels that multiply and add: what dense layers and convolutions are made of.
 * Sizes and distances are in elements.  Pointers need only the alignment of their element, except panels.
 *
 * Packed weights.  A matrix w [k, width] becomes ceil(width / panel) panels [k, panel], the last filled up with zeros:
 *
 *        width                panel   panel
 *     +--------+            +-------+-------+
 *   k | w      |    ->    k |       | .  0 0|       each panel contiguous: exactly the order in which it is read
 *     +--------+            +-------+-------+
 *
 * Every sum runs in the order of k, so that a result depends neither on how rows, columns and panels are divided among
 * calls nor on the tile that computes it. */
#ifndef CNI_MATMUL_H
#define CNI_MATMUL_H

#include "kernels/elementwise/finish.h"
#include "kernels/matmul/condensed.h"
#include "kernels/names.h"

#include <stdbool.h>
#include <stddef.h>

/** y(r, p, j) = finish(sum over t < taps, k < depth of  x[r x_row + p x_pixel + tap[t] + k] * w[t depth + k, j])
 *  for r < rows, p < columns, j < width.  Without a scale the sum starts from finish.shift[j], else from 0.  finish.add
 * may be y.
 *
 *  One tap and one row: a product of matrices.  A table of taps: a convolution of an image whose border is in the
 * buffer, for any stride and dilation, with nothing copied. */
typedef struct cni_product {
    const void *x;
    ptrdiff_t x_row, x_pixel;
    const ptrdiff_t *tap;
    int taps, depth;
    const void *panels; /* 64-byte aligned */
    void *y;            /* element (r, p, j) at r y_row + p y_pixel + j */
    ptrdiff_t y_row, y_pixel;
    size_t rows, columns;
    int width;
    cni_finish finish;
    /* What will be needed after this: brought nearer on the way, line by line, instead of the next panel; 0 bytes:
     * nothing. */
    const void *ahead;
    size_t ahead_bytes;
} cni_product;

/** dw(i, j) = (accumulate ? dw(i, j) : 0) + sum over n < images, r < rows, p < columns of
 *  x[n x_image + r x_row + p x_pixel + x_at(i)] * dy[n dy_image + r dy_row + p dy_pixel + j]  for i < height, j <
 * width, where x_at(i) = i; or i / run * x_line + i % run, when there are runs. */
typedef struct cni_outer {
    const void *x;
    ptrdiff_t x_image, x_row, x_pixel;
    const void *dy;
    ptrdiff_t dy_image, dy_row, dy_pixel;
    size_t images, rows, columns;
    void *dw; /* element (i, j) at i dw_row + j */
    ptrdiff_t dw_row;
    int height, width;
    int run; /* 0: none; else height is a multiple of it */
    ptrdiff_t x_line;
    bool accumulate;
    /* What will be needed after this: brought nearer on the way, line by line, as far as there is time; 0 bytes:
     * nothing. The products leave the memory idle. */
    const void *ahead[2];
    size_t ahead_bytes[2];
} cni_outer;

/** Where the time goes into reading w once: for j < width
 *  thin: y[j] = start + sum over k < depth of x[k] * w[k w_row + j]   (one row)
 *  dots: y[m y_row + j] = start + sum over k < depth of x[m x_row + k] * w[j w_row + k], m < rows (at most
 * CNI_DOT_ROWS)
 *
 *  Thin sums run in the order of k, but with at most CNI_THIN_NARROW columns, where several sums may take turns: who
 *  divides columns among calls leaves more to each. */
typedef struct cni_thin {
    const void *x;
    ptrdiff_t x_row;
    const void *w;
    ptrdiff_t w_row;
    const void *bias; /* [width] or NULL */
    void *y;
    ptrdiff_t y_row;
    int rows, depth, width;
    bool relu, far; /* w is more than the caches hold: only a hint */
    bool finite;    /* so is all of w: thin need not read rows of which x is 0, which add nothing */
} cni_thin;

enum { CNI_SOON = 4 };

/** y[m y_row + j] = start + sum over k < depth of x[m x_row + k x_step] * w[k w_row + j] for m < rows, j < width; start
 *  is what is in y, when it accumulates, else bias[j] or 0.  Whole matrices where they lie, blocked for the caches. */
typedef struct cni_unpacked {
    const void *x;
    ptrdiff_t x_row, x_step;
    const void *w;
    ptrdiff_t w_row;
    const void *bias; /* [width] or NULL */
    void *y;
    ptrdiff_t y_row;
    int rows, depth, width;
    bool accumulate, relu;
    /* Arrays of soon_count elements that the caller will want next: asked for meanwhile, when there are any. */
    int soon_arrays;
    const void *soon[CNI_SOON];
    size_t soon_count;
} cni_unpacked;

enum { CNI_DOT_ROWS = 8, CNI_THIN_NARROW = 64, CNI_MAX_PANEL = 64, CNI_NARROW = 4 };

typedef struct cni_matmul_kernels {
    int panel; /* width of a panel, at most CNI_MAX_PANEL */

    /** panel[k * panel + j] = w[k * w_row + j] for k < depth, j < width <= panel; zeros in the other columns. */
    void (*pack)(const void *w, ptrdiff_t w_row, size_t depth, int width, void *panel);

    void (*product)(const cni_product *product);

    /** A product with at most CNI_NARROW columns, where lanes would be empty: they go along k instead.  A sum runs over
     *  the taps in narrow_lanes parts, which are added at the end.  Its panel is [taps, depth in pieces of
     * narrow_lanes, width, narrow_lanes], zeros in the place of k that do not exist. */
    int narrow_lanes;
    void (*narrow)(const cni_product *product);
    void (*outer)(const cni_outer *outer);
    void (*thin)(const cni_thin *thin);
    void (*dots)(const cni_thin *thin);
    void (*unpacked)(const cni_unpacked *unpacked);
    int (*condense)(const cni_condensing *condensing);
    void (*condensed)(const cni_condensed_product *product);

    /** sum[j] = (accumulate ? sum[j] : 0) + sum over r < rows of y[r * y_row + j], j < width: for each column the same
     *  order, whatever the width. */
    void (*column_sums)(const void *y, ptrdiff_t y_row, size_t rows, int width, void *sum, bool accumulate);
} cni_matmul_kernels;

void cni_matmul_portable(cni_matmul_kernels *kernels);
void cni_matmul_double(cni_matmul_kernels *kernels);
void cni_matmul_avx2(cni_matmul_kernels *kernels);
void cni_matmul_avx512(cni_matmul_kernels *kernels);
void cni_matmul_neon(cni_matmul_kernels *kernels);

/* Parts of the above, one source each */
CNI_DECLARE_PORTABLE(cni_matmul_part, cni_matmul_kernels);
CNI_DECLARE_PORTABLE(cni_condensed_part, cni_matmul_kernels);
CNI_DECLARE_OVERLAYS(cni_product_part, cni_matmul_kernels); /* pack, product */
CNI_DECLARE_OVERLAYS(cni_narrow_part, cni_matmul_kernels);
CNI_DECLARE_OVERLAYS(cni_thin_part, cni_matmul_kernels); /* thin, dots */
CNI_DECLARE_OVERLAYS(cni_condensed_part, cni_matmul_kernels);
CNI_DECLARE_OVERLAYS(cni_unpacked_part, cni_matmul_kernels);
CNI_DECLARE_OVERLAYS(cni_outer_part, cni_matmul_kernels); /* outer, column_sums */

#endif
