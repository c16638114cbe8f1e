/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms: correlations with fewer multiplications.  On one axis, an n-cell patch d of the image, k
 * weights w and m = n + 1 - k results y:
 *
 *     y = E_m' [ (S E_k w) * (B' d) ]           * multiplies element by element
 *
 * Row i of E_k holds the powers 1, p, p^2, .. of the i-th point, the last row (the point at infinity) only the highest;
 * B' is the inverse of E_n', its rows scaled to small numbers, and S makes good for that.  On two axes each transform
 * is applied to the columns, then to the rows.  Hence three transforms, whatever the passes need:
 *
 *     input    n x n -> n x n    B' d B            the image, in all passes of all windows
 *     spread   k x k -> n x n    S E_k w E_k' S    weights; and dy, where weights are wanted
 *     gather   n x n -> k x k    E_k' m E_k        results; and gradients of weights
 *
 *     y  (window k)   gather_m [ sum over channels of spread_k w * input x ]
 *     dw              gather_k [ sum over tiles of    spread_m dy * input x ]
 *
 * Seen as products of polynomials, B S^-1 finds the n coefficients of a product from (twice scaled) values at the
 * points.  So what m x m cells of dy send back to the n x n cells of x that they were made of needs a fourth transform:
 *
 *     overlap  n x n -> n x n    B S^-1 m S^-1 B'         added to what other tiles sent to the same cells
 *
 *     dx              overlap [ sum over filters of spread_k w * spread_m dy ]
 *
 *     n = 6, points 0, 1/sqrt 2, -1/sqrt 2, sqrt 2, -sqrt 2, infinity: F(4x4, 3x3), F(2x2, 5x5)
 *     n = 4, points 0, 1, -1, infinity:                                F(2x2, 3x3)
 *
 * A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks" (2015); for the points B. Barabasz et al.,
 * "Error analysis and improving the accuracy of Winograd convolution" (2018). */
#ifndef CNI_WINOGRAD_H
#define CNI_WINOGRAD_H

#include "kernels/elementwise/finish.h"
#include "kernels/names.h"

#include <stdbool.h>
#include <stddef.h>

/** A square of cells; those outside the image count as zero and are not written. */
typedef struct cni_winograd_tile {
    ptrdiff_t at;                 /* element of its cell (0, 0), which may be outside */
    int top, bottom, left, right; /* cells (i, j) with top <= i < bottom, left <= j < right are inside */
} cni_winograd_tile;

/** Where cells and their transforms lie.  Channel c of cell (i, j) of tile t is element
 *  tiles[t].at + i row + j column + c of the image (of weights: a tile per channel read, "channels" are those written);
 *  channel c of its transform's element (i, j) is element (n i + j) position + t tile + c.  Let
 *  `position` be an odd number of cache lines: else the n n elements of a tile fall into few sets of the caches, which
 *  made writing four times slower. */
typedef struct cni_winograd_job {
    const cni_winograd_tile *tiles;
    size_t count;
    ptrdiff_t row, column;
    ptrdiff_t tile, position;
    int channels;
    unsigned char
        *taps; /* of maxima, or NULL: which of the four cells each is, a byte where the maximum is an element */
} cni_winograd_job;

enum { CNI_WINOGRAD_N = 6 }; /* the largest n */

typedef void cni_winograd_forth(const cni_winograd_job *job, const void *image, void *transform);

/** Channel c of the job is channel first + c of the image and of `finish` (which may be NULL). */
typedef void cni_winograd_back(const cni_winograd_job *job, const void *transform, const cni_finish *finish, int first,
                               void *image);

/** Added to the image; all cells of the tiles are inside. */
typedef void cni_winograd_overlap(const cni_winograd_job *job, const void *transform, void *image);

enum { CNI_WINOGRAD_CHUNK = 64 };

/** m[e][t][c] (+)= sum over k of v[e][t][k] u[e][k][c], where u is the spread of w: elements of transforms, tiles, at
 *  most CNI_WINOGRAD_CHUNK channels read, at most 2 `lanes` channels written.  A tile's row of v has CNI_WINOGRAD_CHUNK
 *  elements, one of m 2 `lanes`, which may all be written.  Weight (r, s) of channel read k and channel written c is
 *  element (window r + s) tap + k pixel + c of w. */
typedef struct cni_winograd_products {
    const void *v, *w;
    void *m;
    ptrdiff_t v_position, m_position; /* from element to element */
    ptrdiff_t tap, pixel;
    int tiles, depth, width;
    bool accumulate;
} cni_winograd_products;

/** For few tiles: transformed weights are made in the nearest cache and used at once.  The order of a sum is that of k,
 *  whatever else is computed with it. */
typedef void cni_winograd_multiply(const cni_winograd_products *products);

/** m[e][c][f] = sum over t of v[e][t][c] z[e][t][f]: elements of transforms, channels read, filters, tiles.  Rows of z
 *  and m have 2 `lanes`, all of which count. */
typedef struct cni_winograd_outer {
    const void *v, *z;
    void *m;
    ptrdiff_t v_position, v_tile, z_position, m_position;
    int elements, tiles, height;
} cni_winograd_outer;

/** For few tiles, in their order. */
typedef void cni_winograd_gradient(const cni_winograd_outer *outer);

/** Nothing but the cells and channels named is read or written.  A NaN or infinity of a tile reaches all of what the
 * tile becomes. */
typedef struct cni_winograd_kernels {
    int lanes; /* channels computed at once; 1: plain C, which gains nothing by fewer multiplications */
    cni_winograd_forth *input[CNI_WINOGRAD_N + 1];                  /* by n: 4, 6 */
    cni_winograd_forth *spread[CNI_WINOGRAD_N + 1][CNI_WINOGRAD_N]; /* by n and k: 4: 2, 3; 6: 2, 3, 4, 5 */
    cni_winograd_back *gather[CNI_WINOGRAD_N + 1][CNI_WINOGRAD_N];  /* likewise */
    /** Of k x k results, k even, the maxima of 2 x 2, NaN where one is, the first of equals: the image and its tiles,
     * of k / 2 x k / 2 cells, are those of the maxima.  `finish` comes before the maximum and has neither `add` nor
     * `mask`. */
    cni_winograd_back *gather_max[CNI_WINOGRAD_N + 1][CNI_WINOGRAD_N];   /* 4: 2; 6: 2, 4 */
    cni_winograd_overlap *overlap[CNI_WINOGRAD_N + 1];                   /* by n: 6 */
    cni_winograd_multiply *multiply[CNI_WINOGRAD_N + 1][CNI_WINOGRAD_N]; /* by n and window: 4: 3; 6: 3, 5 */
    cni_winograd_gradient *outer;
} cni_winograd_kernels;

void cni_winograd_portable(cni_winograd_kernels *kernels);
void cni_winograd_double(cni_winograd_kernels *kernels);
void cni_winograd_avx2(cni_winograd_kernels *kernels);
void cni_winograd_avx512(cni_winograd_kernels *kernels);
void cni_winograd_neon(cni_winograd_kernels *kernels);

/* Parts of the above, one source each */
CNI_DECLARE_PORTABLE(cni_winograd_part, cni_winograd_kernels);
CNI_DECLARE_PORTABLE(cni_winograd_multiply_part, cni_winograd_kernels);
CNI_DECLARE_OVERLAYS(cni_winograd_forth_part, cni_winograd_kernels);
CNI_DECLARE_OVERLAYS(cni_winograd_back_part, cni_winograd_kernels);
CNI_DECLARE_OVERLAYS(cni_winograd_overlap_part, cni_winograd_kernels);
CNI_DECLARE_OVERLAYS(cni_winograd_multiply_part, cni_winograd_kernels);

#endif
