/* SPDX-License-Identifier: Apache-2.0
 * Winograd's transforms, plainly: products with the matrices that winograd.h names. */
#include "kernels/winograd/winograd.h"

#include "kernels/finish_portable.h"

typedef CNI_REAL real;

#define ROOT      1.41421356237309504880
#define HALF_ROOT 0.70710678118654752440

enum { N = CNI_WINOGRAD_N };

typedef real matrix[N][N];

/* Row i: the product of (x - p) over the finite points p but the i-th, lowest power first; the last row: over all. */
static const matrix input_4 = {{1, 0, -1}, {0, 1, 1}, {0, -1, 1}, {0, -1, 0, 1}};
static const matrix input_6 = {{1, 0, (real)-2.5, 0, 1},
                               {0, (real)-ROOT, -2, (real)HALF_ROOT, 1},
                               {0, (real)ROOT, -2, (real)-HALF_ROOT, 1},
                               {0, (real)-HALF_ROOT, (real)-0.5, (real)ROOT, 1},
                               {0, (real)HALF_ROOT, (real)-0.5, (real)-ROOT, 1},
                               {0, 1, 0, (real)-2.5, 0, 1}};

static const double points_4[] = {0, 1, -1}, points_6[] = {0, HALF_ROOT, -HALF_ROOT, ROOT, -ROOT};

/* One over the i-th row's value at its own point. */
static const double scales_4[] = {1, 0.5, 0.5, 1}, scales_6[] = {1, -2. / 3, -2. / 3, 1. / 6, 1. / 6, 1};

/* S E_k or E_k. */
static void powers(int n, int k, bool scaled, matrix e)
{
    const double *points = n == 4 ? points_4 : points_6, *scales = n == 4 ? scales_4 : scales_6;
    for (int i = 0; i < n; i++) {
        double power = scaled ? scales[i] : 1;
        for (int j = 0; j < k; j++) {
            e[i][j] = i < n - 1 ? (real)power : j == k - 1;
            power *= i < n - 1 ? points[i] : 0;
        }
    }
}

/* to = a from a', where a [rows, columns]. */
static void both_ways(int rows, int columns, const matrix a, const matrix from, matrix to)
{
    matrix half;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            half[i][j] = 0;
            for (int k = 0; k < columns; k++) half[i][j] += a[i][k] * from[k][j];
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            to[i][j] = 0;
            for (int k = 0; k < columns; k++) to[i][j] += half[i][k] * a[j][k];
        }
}

static void forth(int n, int k, const matrix a, const cni_winograd_job *job, const real *image, real *transform)
{
    matrix from, to;
    for (size_t t = 0; t < job->count; t++)
        for (int c = 0; c < job->channels; c++) {
            const cni_winograd_tile *tile = &job->tiles[t];
            for (int i = 0; i < k; i++)
                for (int j = 0; j < k; j++) {
                    bool inside = i >= tile->top && i < tile->bottom && j >= tile->left && j < tile->right;
                    from[i][j] = inside ? image[tile->at + i * job->row + j * job->column + c] : 0;
                }
            both_ways(n, k, a, from, to);
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++)
                    transform[(n * i + j) * job->position + (ptrdiff_t)t * job->tile + c] = to[i][j];
        }
}

typedef struct results {
    matrix of;
} results;

/* Of one tile and channel. */
static results results_at(int n, int k, const cni_winograd_job *job, const real *transform, size_t t, int c)
{
    matrix e, a, from;
    results r;
    powers(n, k, false, e);
    for (int i = 0; i < k; i++)
        for (int j = 0; j < n; j++) a[i][j] = e[j][i];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) from[i][j] = transform[(n * i + j) * job->position + (ptrdiff_t)t * job->tile + c];
    both_ways(k, n, a, from, r.of);
    return r;
}

static real ended(const cni_finish *finish, real sum, int channel, ptrdiff_t at)
{
    return finish ? portable_finish(finish, sum, (size_t)channel, at) : sum;
}

static void back(int n, int k, const cni_winograd_job *job, const real *transform, const cni_finish *finish, int first,
                 real *image)
{
    for (size_t t = 0; t < job->count; t++)
        for (int c = 0; c < job->channels; c++) {
            const cni_winograd_tile *tile = &job->tiles[t];
            const results r = results_at(n, k, job, transform, t, c);
            for (int i = tile->top; i < tile->bottom; i++)
                for (int j = tile->left; j < tile->right; j++) {
                    ptrdiff_t at = tile->at + i * job->row + j * job->column + first + c;
                    image[at] = ended(finish, r.of[i][j], first + c, at);
                }
        }
}

static real largest(const results *r, int i, int j, const cni_finish *finish, int channel, unsigned char *tap)
{
    real best = 0;
    for (int s = 0; s < 4; s++) {
        real value = ended(finish, r->of[2 * i + s / 2][2 * j + s % 2], channel, 0);
        if (s > 0 && !(value > best || value != value)) continue;
        best = value;
        *tap = (unsigned char)s;
    }
    return best;
}

static void back_max(int n, int k, const cni_winograd_job *job, const real *transform, const cni_finish *finish,
                     int first, real *image)
{
    for (size_t t = 0; t < job->count; t++)
        for (int c = 0; c < job->channels; c++) {
            const cni_winograd_tile *tile = &job->tiles[t];
            const results r = results_at(n, k, job, transform, t, c);
            for (int i = tile->top; i < tile->bottom; i++)
                for (int j = tile->left; j < tile->right; j++) {
                    const ptrdiff_t at = tile->at + i * job->row + j * job->column + first + c;
                    unsigned char tap;
                    image[at] = largest(&r, i, j, finish, first + c, &tap);
                    if (job->taps) job->taps[at] = tap;
                }
        }
}

static void overlap_of_6(const cni_winograd_job *job, const void *transform, void *image)
{
    const real *m = transform;
    real *x = image;
    matrix a, from, to;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) a[i][j] = (real)((double)input_6[j][i] / scales_6[j]);
    for (size_t t = 0; t < job->count; t++)
        for (int c = 0; c < job->channels; c++) {
            for (int e = 0; e < 36; e++) from[e / 6][e % 6] = m[e * job->position + (ptrdiff_t)t * job->tile + c];
            both_ways(6, 6, a, from, to);
            for (int i = 0; i < 6; i++)
                for (int j = 0; j < 6; j++) x[job->tiles[t].at + i * job->row + j * job->column + c] += to[i][j];
        }
}

#define INPUT(n)                                                                                                       \
    static void input_of_##n(const cni_winograd_job *job, const void *image, void *transform)                          \
    {                                                                                                                  \
        forth(n, n, input_##n, job, image, transform);                                                                 \
    }
#define SPREAD_AND_GATHER(n, k)                                                                                        \
    static void spread_##n##_##k(const cni_winograd_job *job, const void *image, void *transform)                      \
    {                                                                                                                  \
        matrix e;                                                                                                      \
        powers(n, k, true, e);                                                                                         \
        forth(n, k, e, job, image, transform);                                                                         \
    }                                                                                                                  \
    static void gather_##n##_##k(const cni_winograd_job *job, const void *transform, const cni_finish *finish,         \
                                 int first, void *image)                                                               \
    {                                                                                                                  \
        back(n, k, job, transform, finish, first, image);                                                              \
    }
#define GATHER_MAX(n, k)                                                                                               \
    static void gather_max_##n##_##k(const cni_winograd_job *job, const void *transform, const cni_finish *finish,     \
                                     int first, void *image)                                                           \
    {                                                                                                                  \
        back_max(n, k, job, transform, finish, first, image);                                                          \
    }
INPUT(4)
INPUT(6)
SPREAD_AND_GATHER(4, 2)
SPREAD_AND_GATHER(4, 3)
SPREAD_AND_GATHER(6, 2)
SPREAD_AND_GATHER(6, 3)
SPREAD_AND_GATHER(6, 4)
SPREAD_AND_GATHER(6, 5)
GATHER_MAX(4, 2)
GATHER_MAX(6, 2)
GATHER_MAX(6, 4)

void CNI_FOR_REAL(cni_winograd_part)(cni_winograd_kernels *kernels)
{
    *kernels = (cni_winograd_kernels){
        .lanes = 1,
        .input = {[4] = input_of_4, [6] = input_of_6},
        .spread = {[4] = {[2] = spread_4_2, [3] = spread_4_3},
                   [6] = {[2] = spread_6_2, [3] = spread_6_3, [4] = spread_6_4, [5] = spread_6_5}},
        .gather = {[4] = {[2] = gather_4_2, [3] = gather_4_3},
                   [6] = {[2] = gather_6_2, [3] = gather_6_3, [4] = gather_6_4, [5] = gather_6_5}},
        .gather_max = {[4] = {[2] = gather_max_4_2}, [6] = {[2] = gather_max_6_2, [4] = gather_max_6_4}},
        .overlap = {[6] = overlap_of_6},
    };
}
