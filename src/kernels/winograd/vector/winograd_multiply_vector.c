/* SPDX-License-Identifier: Apache-2.0
 * The products of Winograd's algorithm with few tiles.  For two rows of elements at once (points p and -p, whose
 * transforms share their work; and the ends), and for each piece of channels read:
 *
 *     U [2 n][PIECE][2 vectors]            spread of the weights, in the first cache
 *     M [2 n][tiles][2 vectors] += V U     the sums of some tiles in registers
 *
 * All of U at once would not fit beside M, and fetching it back from the second cache takes longer than making it. */
#include "winograd_lines.h"

enum { PIECE = 8, ROWS = LANES == 8 ? 5 : 8 }; /* of tiles, with two vectors each; AVX2 has half the registers */

/* ---- U ---- */

/* Vectors of one channel read.  Weights come in short pieces of far rows, which the processor does not foresee: those
 * that are needed in a while are asked for. */
ALWAYS_INLINE void spread_pair(int n, int window, int first, int second, const float *w, ptrdiff_t tap, ptrdiff_t ahead,
                               int some, float *u)
{
    lanes half[2][MOST];
    UNROLL for (int j = 0; j < window; j++)
    {
        lanes d[MOST], r[MOST];
        UNROLL for (int i = 0; i < window; i++)
        {
            const float *at = w + (window * i + j) * tap;
            d[i] = some >= LANES ? load(at) : load_some(at, some);
            if (ahead) __builtin_prefetch(at + ahead);
        }
        spread_line(n, window, d, r);
        half[0][j] = r[first];
        half[1][j] = r[second];
    }
    UNROLL for (int i = 0; i < 2; i++)
    {
        lanes r[MOST];
        spread_line(n, window, half[i], r);
        UNROLL for (int j = 0; j < n; j++) store(u + (n * i + j) * PIECE * 2 * LANES, r[j]);
    }
}

ALWAYS_INLINE void spread_piece(int n, int window, int first, int second, const cni_winograd_products *p, int k,
                                int count, float *u)
{
    const ptrdiff_t tap = p->tap, pixel = p->pixel, ahead = first ? 0 : PIECE * pixel;
    const int width = p->width;
    const float *w = (const float *)p->w + k * pixel;
    for (int i = 0; i < count; i++, w += pixel, u += 2 * LANES) {
        if (width >= 2 * LANES) {
            spread_pair(n, window, first, second, w, tap, ahead, LANES, u);
            spread_pair(n, window, first, second, w + LANES, tap, ahead, LANES, u + LANES);
        } else {
            spread_pair(n, window, first, second, w, tap, 0, width < LANES ? width : LANES, u);
            if (width > LANES) spread_pair(n, window, first, second, w + LANES, tap, 0, width - LANES, u + LANES);
        }
    }
}

/* ---- M ---- */

/* A row of elements. */
ALWAYS_INLINE void multiply_rows(int rows, int vectors, const cni_winograd_products *p, int n, const float *v,
                                 const float *u, int depth, bool accumulate, float *m)
{
    const ptrdiff_t v_position = p->v_position, m_position = p->m_position;
    enum { M_TILE = 2 * LANES };
    for (int e = 0; e < n; e++, v += v_position, u += PIECE * 2 * LANES, m += m_position) {
        lanes sum[ROWS][2];
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++) sum[i][j] =
            accumulate ? load(m + i * M_TILE + j * LANES) : (lanes){0};
        for (int k = 0; k < depth; k++) {
            lanes w[2];
            UNROLL for (int j = 0; j < vectors; j++) w[j] = load(u + (2 * k + j) * LANES);
            UNROLL for (int i = 0; i < rows; i++)
            {
                const lanes x = splat(v[i * CNI_WINOGRAD_CHUNK + k]);
                UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = multiply_add(x, w[j], sum[i][j]);
            }
        }
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++)
            store(m + i * M_TILE + j * LANES, sum[i][j]);
    }
}

typedef void some_rows(const cni_winograd_products *p, int n, const float *v, const float *u, int depth,
                       bool accumulate, float *m);

#define SOME_ROWS(rows, vectors)                                                                                       \
    static void rows_##rows##_##vectors(const cni_winograd_products *p, int n, const float *v, const float *u,         \
                                        int depth, bool accumulate, float *m)                                          \
    {                                                                                                                  \
        multiply_rows(rows, vectors, p, n, v, u, depth, accumulate, m);                                                \
    }
#define BOTH(rows)                                                                                                     \
    SOME_ROWS(rows, 1)                                                                                                 \
    SOME_ROWS(rows, 2)
BOTH(1)
BOTH(2)
BOTH(3)
BOTH(4)
BOTH(5)
#if CNI_VECTOR_BYTES != 32
BOTH(6)
BOTH(7)
BOTH(8)
#endif

static some_rows *const some_of[][2] = {
    {rows_1_1, rows_1_2}, {rows_2_1, rows_2_2}, {rows_3_1, rows_3_2}, {rows_4_1, rows_4_2}, {rows_5_1, rows_5_2},
#if CNI_VECTOR_BYTES != 32
    {rows_6_1, rows_6_2}, {rows_7_1, rows_7_2}, {rows_8_1, rows_8_2}
#endif
};

/* ---- all of it ---- */

/* Rows `first` and `second` of the elements. */
ALWAYS_INLINE void pair_of_rows(int n, int window, int first, int second, const cni_winograd_products *p)
{
    _Alignas(CNI_VECTOR_BYTES) float u[2 * MOST * PIECE * 2 * LANES];
    const int groups = (p->tiles + ROWS - 1) / ROWS, vectors = p->width > LANES ? 2 : 1;
    const int rows[2] = {first, second};
    for (int k = 0; k < p->depth; k += PIECE) {
        const int count = p->depth - k < PIECE ? p->depth - k : PIECE;
        spread_piece(n, window, first, second, p, k, count, u);
        for (int g = 0; g < groups; g++) {
            const int tile = p->tiles * g / groups, tiles = p->tiles * (g + 1) / groups - tile;
            for (int i = 0; i < 2; i++)
                some_of[tiles - 1][vectors - 1](
                    p, n, (const float *)p->v + n * rows[i] * p->v_position + tile * CNI_WINOGRAD_CHUNK + k,
                    u + n * i * PIECE * 2 * LANES, count, k || p->accumulate,
                    (float *)p->m + n * rows[i] * p->m_position + tile * 2 * LANES);
        }
    }
}

#define MULTIPLY_6(window)                                                                                             \
    static void multiply_6_##window(const cni_winograd_products *products)                                             \
    {                                                                                                                  \
        pair_of_rows(6, window, 0, 5, products);                                                                       \
        pair_of_rows(6, window, 1, 2, products);                                                                       \
        pair_of_rows(6, window, 3, 4, products);                                                                       \
    }
MULTIPLY_6(3)
MULTIPLY_6(5)

static void multiply_4_3(const cni_winograd_products *products)
{
    pair_of_rows(4, 3, 0, 3, products);
    pair_of_rows(4, 3, 1, 2, products);
}

/* ---- gradients for weights ---- */

ALWAYS_INLINE void outer_rows(int rows, const cni_winograd_outer *o, const float *v, float *m)
{
    const ptrdiff_t v_position = o->v_position, z_position = o->z_position, m_position = o->m_position;
    const ptrdiff_t v_tile = o->v_tile;
    const float *z = o->z;
    const int elements = o->elements, tiles = o->tiles;
    for (int e = 0; e < elements; e++, v += v_position, z += z_position, m += m_position) {
        lanes sum[ROWS][2] = {0};
        const float *x = v, *d = z;
        for (int t = 0; t < tiles; t++, x += v_tile, d += 2 * LANES) {
            const lanes first = load(d), second = load(d + LANES);
            UNROLL for (int i = 0; i < rows; i++)
            {
                const lanes one = splat(x[i]);
                sum[i][0] = multiply_add(one, first, sum[i][0]);
                sum[i][1] = multiply_add(one, second, sum[i][1]);
            }
        }
        UNROLL for (int i = 0; i < rows; i++)
        {
            store(m + 2 * i * LANES, sum[i][0]);
            store(m + (2 * i + 1) * LANES, sum[i][1]);
        }
    }
}

typedef void some_outer(const cni_winograd_outer *o, const float *v, float *m);

#define OUTER(rows)                                                                                                    \
    static void outer_##rows(const cni_winograd_outer *o, const float *v, float *m)                                    \
    {                                                                                                                  \
        outer_rows(rows, o, v, m);                                                                                     \
    }
OUTER(1)
OUTER(2)
OUTER(3)
OUTER(4)
OUTER(5)
#if CNI_VECTOR_BYTES != 32
OUTER(6)
OUTER(7)
OUTER(8)
#endif

static some_outer *const outer_of[] = {outer_1, outer_2, outer_3, outer_4, outer_5,
#if CNI_VECTOR_BYTES != 32
                                       outer_6, outer_7, outer_8
#endif
};

static void outer(const cni_winograd_outer *o)
{
    const int groups = (o->height + ROWS - 1) / ROWS;
    for (int g = 0; g < groups; g++) {
        const int first = o->height * g / groups, rows = o->height * (g + 1) / groups - first;
        outer_of[rows - 1](o, (const float *)o->v + first, (float *)o->m + first * 2 * LANES);
    }
}

void CNI_FOR_ISA(cni_winograd_multiply_part)(cni_winograd_kernels *kernels)
{
    kernels->outer = outer;
    kernels->multiply[4][3] = multiply_4_3;
    kernels->multiply[6][3] = multiply_6_3;
    kernels->multiply[6][5] = multiply_6_5;
}
