/* SPDX-License-Identifier: Apache-2.0
 * Convolutions by Winograd's algorithm, forward and for the data, by every algorithm and on every set of kernels:
 * against the definition in double, within the bound that they state: the error's L2 norm at most 1e-5 of the result's,
 * and no element further off than 1e-4 of the largest.  Neither threads nor the size of the batch change a bit. */
#include "graph/op_testing.h"

#include "graph/ops/algorithm.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/winograd_conv2d.h"
#include "graph/ops/winograd_few.h"

typedef struct shape {
    int n, h, w, c, f, window, top, left; /* of the image that is read; `more` or less rows and columns are written */
    int more[2];
} shape;

/* Images smaller than a tile, one more or less than tiles, channels around vectors and panels, no padding, more padding
 * than the window reads, and padding below zero, as gradients of such have. */
static const shape shapes[] = {
    {1, 1, 1, 16, 16, 3, 1, 1, {0, 0}},     {2, 3, 5, 17, 20, 3, 1, 1, {0, 0}},
    {1, 4, 4, 16, 48, 3, 1, 1, {0, 0}},     {3, 7, 7, 20, 17, 3, 1, 1, {0, 0}},
    {1, 13, 14, 48, 33, 3, 0, 0, {-2, -2}}, {2, 9, 10, 1, 3, 3, 2, 2, {2, 2}},
    {2, 12, 11, 16, 70, 3, 0, 1, {-1, 3}},  {1, 8, 6, 32, 16, 3, 4, 5, {6, 7}},
    {1, 9, 9, 16, 16, 3, -1, -2, {-4, -5}}, {4, 29, 28, 64, 64, 3, 1, 1, {0, 0}},
    {1, 17, 17, 260, 40, 3, 1, 1, {0, 0}},  {1, 1, 1, 16, 16, 5, 2, 2, {0, 0}},
    {2, 7, 6, 20, 33, 5, 2, 2, {0, 0}},     {3, 14, 14, 32, 64, 5, 0, 0, {-4, -4}},
    {1, 10, 13, 17, 16, 5, 4, 3, {4, 1}},   {5, 8, 8, 64, 32, 5, 4, 4, {4, 4}},
    {2, 11, 9, 33, 64, 3, 2, 2, {2, 2}},    {1, 8, 7, 70, 67, 3, 1, 1, {0, 0}},
    {1, 2, 2, 130, 32, 3, 1, 1, {0, 0}},    {1, 4, 4, 24, 33, 5, 2, 2, {0, 0}},
    {4, 8, 7, 70, 120, 3, 1, 1, {0, 0}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct sizes {
    int oh, ow;
    size_t x, w, y;
} sizes;

static sizes sizes_of(const shape *s)
{
    sizes z = {.oh = s->h + s->more[0], .ow = s->w + s->more[1]};
    z.x = (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
    z.y = (size_t)s->n * (size_t)z.oh * (size_t)z.ow * (size_t)s->f;
    z.w = (size_t)s->window * (size_t)s->window * (size_t)s->c * (size_t)s->f;
    return z;
}

static float *new_floats(size_t count)
{
    float *values = aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64);
    memset(values, 0xff, count * sizeof *values);
    return values;
}

static float *random_floats(uint32_t *random, size_t count)
{
    float *values = new_floats(count);
    for (size_t i = 0; i < count; i++) values[i] = (float)draw(random, 1u << 24) / (1 << 23) - 1;
    return values;
}

typedef struct data {
    float *x, *w, *vectors[2], *images[2];
    double *sums;
    cni_finish finish;
} data;

/* What w(r, q) of channels k -> j is, when it is turned and its channels changed over. */
static size_t weight_at(const shape *s, bool transposed, int r, int q, int k, int j)
{
    int last = s->window - 1;
    if (!transposed)
        return (((size_t)r * (size_t)s->window + (size_t)q) * (size_t)s->c + (size_t)k) * (size_t)s->f + (size_t)j;
    return (((size_t)(last - r) * (size_t)s->window + (size_t)(last - q)) * (size_t)s->f + (size_t)j) * (size_t)s->c +
           (size_t)k;
}

static double sum_at(const shape *s, const data *d, bool transposed, int n, int i, int j, int f)
{
    double sum = 0;
    for (int r = 0; r < s->window; r++)
        for (int q = 0; q < s->window; q++) {
            int row = i + r - s->top, column = j + q - s->left;
            if (row < 0 || row >= s->h || column < 0 || column >= s->w) continue;
            const float *x =
                d->x + (((size_t)n * (size_t)s->h + (size_t)row) * (size_t)s->w + (size_t)column) * (size_t)s->c;
            for (int k = 0; k < s->c; k++) sum += (double)x[k] * (double)d->w[weight_at(s, transposed, r, q, k, f)];
        }
    return sum;
}

static data new_data(const shape *s, bool transposed, uint32_t seed)
{
    sizes z = sizes_of(s);
    data d = {.x = random_floats(&seed, z.x), .w = random_floats(&seed, z.w), .sums = new_values(z.y)};
    for (int i = 0; i < 2; i++) {
        d.vectors[i] = random_floats(&seed, (size_t)s->f);
        d.images[i] = random_floats(&seed, z.y);
    }
    size_t at = 0;
    for (int n = 0; n < s->n; n++)
        for (int i = 0; i < z.oh; i++)
            for (int j = 0; j < z.ow; j++)
                for (int f = 0; f < s->f; f++) d.sums[at++] = sum_at(s, &d, transposed, n, i, j, f);
    if (seed % 3 == 0) return d;
    d.finish = (cni_finish){.scale = d.vectors[0],
                            .shift = d.vectors[1],
                            .add = d.images[0],
                            .mask = d.images[1],
                            .clamps = true,
                            .slope = 0.25,
                            .most = 2};
    return d;
}

static void free_data(data *d)
{
    float *const all[] = {d->x, d->w, d->vectors[0], d->vectors[1], d->images[0], d->images[1]};
    for (int i = 0; i < 6; i++) free(all[i]);
    free(d->sums);
}

static double expected_at(const shape *s, const data *d, const cni_epilogue *after, size_t i)
{
    size_t f = i % (size_t)s->f;
    double v = d->sums[i];
    if (d->finish.clamps) {
        v = v * (double)d->vectors[0][f] + (double)d->vectors[1][f] + (double)d->images[0][i];
        v = v < 0 ? 0.25 * v : v;
        v = v > 2 ? 2 : v;
        v = d->images[1][i] > 0 ? v : 0;
    }
    return after ? 2 * v + 1 : v;
}

static const cni_epilogue twice_and_one = {.function = CNI_AFFINE, .a = 2, .b = 1};

static float *convolve(const shape *s, const data *d, bool transposed, cni_algorithm algorithm,
                       const cni_epilogue *after, const cni_kernels *kernels, int threads, int batch, bool few)
{
    sizes z = sizes_of(s);
    const cni_winograd_conv conv = {.from = {s->h, s->w, s->c},
                                    .to = {z.oh, z.ow, s->f},
                                    .window = s->window,
                                    .results = cni_algorithm_rows[algorithm].results,
                                    .padding = {s->top, s->left},
                                    .transposed = transposed,
                                    .overlaps = cni_algorithm_rows[algorithm].overlaps};
    cni_pool *pool = threads > 1 ? cni_pool_new(threads) : NULL;
    cni_run run = {.n = s->n, .batch = batch, .kernels = kernels, .pool = pool};
    run.own_bytes = few ? cni_winograd_few_own(&conv, &run) : cni_winograd_own(&conv, &run);
    size_t scratch_bytes = (size_t)cni_pool_threads(pool) * run.own_bytes,
           u_bytes = cni_winograd_weights(&conv, kernels);
    float *y = new_floats(z.y), *u = new_floats(u_bytes / 4), *scratch = new_floats(scratch_bytes / 4 + 16);
    scratch[scratch_bytes / 4] = 42;
    run.own = (char *)scratch;
    if (few)
        cni_winograd_few_convolve(&conv, &run, d->x, d->w, &d->finish, after, y);
    else
        cni_winograd_convolve(&conv, &run, d->x, d->w, &d->finish, after, y, u, true);
    assert_true(scratch[scratch_bytes / 4] == 42);
    free(u);
    free(scratch);
    cni_pool_free(pool);
    return y;
}

static void check_bound(const shape *s, const data *d, const cni_epilogue *after, const float *y, const char *what,
                        const char *kernels)
{
    double square = 0, squares = 0, worst = 0, largest = 0;
    for (size_t i = 0, count = sizes_of(s).y; i < count; i++) {
        double expected = expected_at(s, d, after, i), error = fabs((double)y[i] - expected);
        if (!(error >= 0)) fail_msg("%s, %s kernels: NaN", what, kernels);
        square += error * error;
        squares += expected * expected;
        worst = fmax(worst, error);
        largest = fmax(largest, fabs(expected));
    }
    if (!(sqrt(square) <= 1e-5 * sqrt(squares)) || !(worst <= 1e-4 * largest))
        fail_msg("%s, %s kernels, %dx%dx%d -> %d: relative L2 error %.3g, worst %.3g of %.3g", what, kernels, s->h,
                 s->w, s->c, s->f, sqrt(square / squares), worst, largest);
}

static void check_shape(const shape *s, cni_algorithm algorithm, bool transposed, const cni_kernels *kernels,
                        uint32_t seed, bool few)
{
    data d = new_data(s, transposed, seed);
    const cni_epilogue *after = seed % 2 ? &twice_and_one : NULL;
    float *one = convolve(s, &d, transposed, algorithm, after, kernels, 1, s->n, few);
    check_bound(s, &d, after, one, cni_algorithm_rows[algorithm].name, kernels->name);
    for (int threads = 2; threads <= 3; threads++) {
        float *many = convolve(s, &d, transposed, algorithm, after, kernels, threads, s->n + 3 * (threads - 2), few);
        assert_memory_equal(one, many, sizes_of(s).y * sizeof *one);
        free(many);
    }
    free(one);
    free_data(&d);
}

static void every_algorithm_keeps_its_bound(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (int i = 0; i < SHAPES; i++)
        for (int k = 1; k < count; k++)
            for (int a = CNI_F43; a < CNI_ALGORITHMS; a++)
                for (int transposed = cni_algorithm_rows[a].overlaps;
                     transposed < 2 && cni_algorithm_rows[a].window == shapes[i].window; transposed++)
                    check_shape(&shapes[i], (cni_algorithm)a, transposed, &kernels[k],
                                (uint32_t)(i * 7 + a * 3 + transposed), false);
}

/* Where tiles are few, also with weights that are transformed piece by piece. */
static bool has_few(const shape *s, cni_algorithm algorithm)
{
    const sizes z = sizes_of(s);
    const cni_winograd_conv conv = {
        .from = {s->h, s->w, s->c}, .to = {z.oh, z.ow, s->f}, .results = cni_algorithm_rows[algorithm].results};
    return cni_winograd_few_serves(&conv, s->n + 3);
}

static void few_tiles_keep_the_bound(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels), cases = 0;
    for (int i = 0; i < SHAPES; i++)
        for (int k = 1; k < count; k++)
            for (int a = CNI_F43; a < CNI_OVERLAP_43; a++) {
                if (cni_algorithm_rows[a].window != shapes[i].window || !has_few(&shapes[i], (cni_algorithm)a))
                    continue;
                for (int transposed = 0; transposed < 2; transposed++, cases++)
                    check_shape(&shapes[i], (cni_algorithm)a, transposed, &kernels[k], (uint32_t)(i + a + transposed),
                                true);
            }
    assert_true(cases > 0);
}

/* The op: as shapes decide, beside the sums of the definition, in one graph with its gradients. */

static cni_tensor *build(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    const int *padding = arguments;
    const cni_conv2d_attributes a = {.strides = {1, 1},
                                     .dilation = {1, 1},
                                     .top = *padding,
                                     .bottom = *padding,
                                     .left = *padding,
                                     .right = *padding,
                                     .groups = 1};
    return cni_conv2d(graph, in[0], in[1], in[2], &a);
}

static void compare(const double *fast, const double *exact, size_t count, const char *what, const char *kernels)
{
    double square = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        square += (fast[i] - exact[i]) * (fast[i] - exact[i]);
        squares += exact[i] * exact[i];
    }
    if (!(sqrt(square) <= 1e-5 * sqrt(squares)))
        fail_msg("%s, %s kernels: relative L2 error %.3g", what, kernels, sqrt(square / squares));
}

static void ops_keep_the_bound(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    static const int cases[][6] = {{1, 8, 8, 128, 48, 3},
                                   {1, 15, 14, 40, 20, 3},
                                   {2, 16, 18, 32, 48, 3},
                                   {1, 28, 28, 64, 64, 3},
                                   {4, 14, 13, 32, 64, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *c = cases[i], padding = c[5] / 2;
        size_t cells = (size_t)(c[0] * c[1] * c[2]), xs = cells * (size_t)c[3], ys = cells * (size_t)c[4];
        size_t ws = (size_t)(c[5] * c[5] * c[3] * c[4]);
        uint32_t random = 5;
        double *x = new_values(xs), *w = new_values(ws), *b = new_values((size_t)c[4]), *dy = new_values(ys);
        fill_real(&random, x, xs);
        fill_real(&random, w, ws);
        fill_real(&random, b, (size_t)c[4]);
        fill_real(&random, dy, ys);
        double *y[2] = {new_values(ys), new_values(ys)}, *dx[2] = {new_values(xs), new_values(xs)};
        double *dw[2] = {new_values(ws), new_values(ws)};
        trial t = {
            .n = c[0],
            .inputs = 3,
            .shapes = {CNI_SHAPE(CNI_UNKNOWN, c[1], c[2], c[3]), CNI_SHAPE(c[5], c[5], c[3], c[4]), CNI_SHAPE(c[4])},
            .values = {x, w, b},
            .dy = dy,
            .build = build,
            .arguments = &padding};
        for (int k = 0; k < count; k++) {
            t.fast = k > 0;
            t.y = y[t.fast];
            t.gradients[0] = dx[t.fast];
            t.gradients[1] = dw[t.fast];
            run_trial(&t, &kernels[k], 1 + k % 3);
            if (!k) continue;
            compare(y[1], y[0], ys, "y", kernels[k].name);
            compare(dx[1], dx[0], xs, "dx", kernels[k].name);
            compare(dw[1], dw[0], ws, "dw", kernels[k].name);
        }
        double *const all[] = {x, w, b, dy, y[0], y[1], dx[0], dx[1], dw[0], dw[1]};
        for (int k = 0; k < 10; k++) free(all[k]);
    }
}

/* Nothing but shapes, pass, kernels and math decide. */
static void direct_mode_is_direct(void **state)
{
    (void)state;
    cni_kernels floats, doubles;
    cni_kernels_init(&floats, cni_cpu_isa(NULL));
    cni_kernels_init_double(&doubles);
    const cni_conv_shape s = {
        .from = {56, 56, 64}, .to = {56, 56, 64}, .window = {3, 3}, .strides = {1, 1}, .dilation = {1, 1}, .groups = 1};
    cni_run run = {.n = 8, .batch = 8, .kernels = &floats};
    const cni_algorithm fast = cni_choose_algorithm(&s, &run);
    run.n = 1;
    assert_true(fast != CNI_DIRECT && fast == cni_choose_algorithm(&s, &run));
    run.math = CN_MATH_DIRECT;
    assert_int_equal(cni_choose_algorithm(&s, &run), CNI_DIRECT);
    run.math = CN_MATH_FAST;
    run.kernels = &doubles;
    assert_int_equal(cni_choose_algorithm(&s, &run), CNI_DIRECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_algorithm_keeps_its_bound),
                                       cmocka_unit_test(few_tiles_keep_the_bound), cmocka_unit_test(ops_keep_the_bound),
                                       cmocka_unit_test(direct_mode_is_direct)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
