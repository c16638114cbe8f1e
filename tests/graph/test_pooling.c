/* SPDX-License-Identifier: Apache-2.0
 * Pooling and its gradients: against what the words say, written out, and against Keras. */
#include "graph/op_testing.h"

#include "graph/ops/conv2d.h"
#include "graph/ops/pooling.h"

typedef enum sort { MAX, AVERAGE, GLOBAL_MAX, GLOBAL_AVERAGE, SORTS } sort;

typedef struct shape {
    sort sort;
    int n, h, w, c, window[2], strides[2], pads[4];
} shape;

static bool is_global(const shape *s)
{
    return s->sort >= GLOBAL_MAX;
}

static int outputs(const shape *s, int axis)
{
    int size = axis ? s->w : s->h;
    return is_global(s)
               ? 1
               : cni_window_count(size, s->pads[2 * axis], s->pads[2 * axis + 1], s->window[axis], s->strides[axis], 1);
}

static cni_tensor *build(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    const shape *s = arguments;
    const cni_pool2d_attributes a = {
        {s->window[0], s->window[1]}, {s->strides[0], s->strides[1]}, s->pads[0], s->pads[1], s->pads[2], s->pads[3]};
    if (s->sort == MAX) return cni_max_pool2d(graph, in[0], &a);
    if (s->sort == AVERAGE) return cni_average_pool2d(graph, in[0], &a);
    return s->sort == GLOBAL_MAX ? cni_global_max_pool(graph, in[0]) : cni_global_average_pool(graph, in[0]);
}

/* One window of one channel: the cells' places in x, in order. */
static int cells_of(const shape *s, int n, int i, int j, int k, size_t *cells)
{
    int count = 0, rows = is_global(s) ? s->h : s->window[0], columns = is_global(s) ? s->w : s->window[1];
    for (int a = 0; a < rows; a++)
        for (int b = 0; b < columns; b++) {
            int row = i * s->strides[0] + a - s->pads[0], column = j * s->strides[1] + b - s->pads[2];
            if (row < 0 || row >= s->h || column < 0 || column >= s->w) continue;
            cells[count++] = (((size_t)n * s->h + row) * s->w + column) * s->c + k;
        }
    return count;
}

static void pool_one(const shape *s, const size_t *cells, int count, const double *x, double *y, double dy, double *dx)
{
    double best = x[cells[0]], sum = 0;
    int first = 0, equal = 0;
    for (int i = 0; i < count; i++) {
        if (x[cells[i]] > best) {
            best = x[cells[i]];
            first = i;
        }
        sum += x[cells[i]];
    }
    bool mean = s->sort == AVERAGE || s->sort == GLOBAL_AVERAGE;
    *y = mean ? sum / count : best;
    for (int i = 0; i < count; i++) equal += x[cells[i]] == best;
    for (int i = 0; i < count; i++) {
        if (mean) dx[cells[i]] += dy / count;
        if (s->sort == MAX && i == first) dx[cells[i]] += dy;
        if (s->sort == GLOBAL_MAX && x[cells[i]] == best) dx[cells[i]] += dy / equal;
    }
}

static void pool_all(const shape *s, const double *x, const double *dy, double *y, double *dx)
{
    size_t *cells = calloc((size_t)s->h * s->w + 1, sizeof *cells), at = 0;
    for (int n = 0; n < s->n; n++)
        for (int i = 0; i < outputs(s, 0); i++)
            for (int j = 0; j < outputs(s, 1); j++)
                for (int k = 0; k < s->c; k++, at++)
                    pool_one(s, cells, cells_of(s, n, i, j, k, cells), x, &y[at], dy[at], dx);
    free(cells);
}

static const char *show(const shape *s)
{
    static const char *const names[] = {"max", "average", "global max", "global average"};
    static char text[150];
    snprintf(text, sizeof text, "%s n%d %dx%dx%d window %dx%d strides %d,%d pads %d,%d,%d,%d", names[s->sort], s->n,
             s->h, s->w, s->c, s->window[0], s->window[1], s->strides[0], s->strides[1], s->pads[0], s->pads[1],
             s->pads[2], s->pads[3]);
    return text;
}

static size_t image_count(const shape *s)
{
    return (size_t)s->n * s->h * s->w * s->c;
}

static size_t pooled_count(const shape *s)
{
    return (size_t)s->n * outputs(s, 0) * outputs(s, 1) * s->c;
}

static void run_on(const shape *s, const double *x, const double *dy, double *y, double *dx, const cni_kernels *kernels,
                   int threads)
{
    const trial t = {.n = s->n,
                     .inputs = 1,
                     .shapes = {CNI_SHAPE(CNI_UNKNOWN, s->h, s->w, s->c)},
                     .values = {x},
                     .dy = dy,
                     .build = build,
                     .arguments = s,
                     .y = y,
                     .gradients = {dx}};
    run_trial(&t, kernels, threads);
}

static void check(const shape *s, const cni_kernels *kernels, int threads)
{
    size_t image = image_count(s), pooled = pooled_count(s);
    uint32_t random = 3;
    double *x = new_values(image), *dy = new_values(pooled), *y = new_values(pooled), *dx = new_values(image);
    double *want_y = new_values(pooled), *want_dx = new_values(image);
    fill_whole(&random, x, image);
    fill_whole(&random, dy, pooled);
    pool_all(s, x, dy, want_y, want_dx);
    run_on(s, x, dy, y, dx, kernels, threads);
    assert_same(y, want_y, pooled, s->sort == MAX || s->sort == GLOBAL_MAX ? 0 : 1e-6, "y", kernels->name, show(s));
    assert_same(dx, want_dx, image, s->sort == MAX ? 0 : 1e-6, "dx", kernels->name, show(s));
    run_on(s, x, NULL, y, NULL, kernels, threads); /* without a gradient: no taps are kept */
    assert_same(y, want_y, pooled, 1e-6, "y alone", kernels->name, show(s));
    double *const lists[] = {x, dy, y, dx, want_y, want_dx};
    for (int i = 0; i < 6; i++) free(lists[i]);
}

static shape random_shape(uint32_t seed)
{
    static const int channels[] = {1, 2, 3, 7, 8, 16, 17, 20, 32, 35, 64, 100};
    uint32_t random = seed * 2654435761u + 1;
    shape s = {.sort = (sort)draw(&random, SORTS), .n = 1 + (int)draw(&random, 3), .c = channels[draw(&random, 12)]};
    for (int i = 0; i < 2; i++) {
        s.window[i] = is_global(&s) ? 1 : 1 + (int)draw(&random, 4);
        s.strides[i] = is_global(&s) ? 1 : 1 + (int)draw(&random, 4);
        for (int k = 0; k < 2; k++) s.pads[2 * i + k] = (int)draw(&random, (uint32_t)s.window[i]);
    }
    s.h = s.window[0] + (int)draw(&random, 9);
    s.w = s.window[1] + (int)draw(&random, 12);
    return s;
}

static void random_cases(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (uint32_t seed = 0; seed < 150; seed++) {
        shape s = random_shape(seed);
        for (int k = 0; k < count; k++) check(&s, &kernels[k], 1 + (int)seed % 3);
    }
}

/* 17 x 17 = 289 cells: the taps need two bytes. */
static void large_windows(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    static const shape shapes[] = {{MAX, 2, 20, 19, 18, {17, 17}, {2, 1}, {0, 3, 5, 0}},
                                   {MAX, 1, 17, 17, 3, {16, 16}, {1, 1}, {0}}};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < count; k++) check(&shapes[i], &kernels[k], 2);
}

/* Windows of 3 x 3, two apart: their gradients are gathered for two cells at a time. */
static void threes(void **state)
{
    (void)state;
    static const int channels[] = {1, 8, 17, 40};
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (uint32_t seed = 0; seed < 120; seed++) {
        uint32_t random = seed * 2654435761u + 9;
        shape s = {
            MAX, 1 + (int)draw(&random, 2), 3 + (int)draw(&random, 9), 3 + (int)draw(&random, 12), 0, {3, 3}, {2, 2},
            {0}};
        s.c = channels[draw(&random, 4)];
        for (int i = 0; i < 4; i++) s.pads[i] = (int)draw(&random, 3);
        for (int k = 0; k < count; k++) check(&s, &kernels[k], 1 + (int)seed % 3);
    }
}

/* Enough to be divided among threads. */
static void large_images(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    static const shape shapes[] = {{MAX, 4, 41, 40, 33, {3, 2}, {2, 2}, {1, 1, 0, 0}},
                                   {AVERAGE, 3, 64, 40, 20, {2, 3}, {2, 1}, {0, 0, 1, 1}},
                                   {GLOBAL_MAX, 5, 31, 31, 40, {1, 1}, {1, 1}, {0}},
                                   {GLOBAL_AVERAGE, 5, 31, 31, 40, {1, 1}, {1, 1}, {0}}};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < count; k++) check(&shapes[i], &kernels[k], 1 + (i + k) % 3);
}

static void special_values(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    const shape same = {MAX, 1, 3, 3, 1, {2, 2}, {1, 1}, {0, 1, 0, 1}},
                global = {GLOBAL_MAX, 1, 3, 3, 1, {1, 1}, {1, 1}, {0}};
    const double x[] = {0, 1, 2, 3, NAN, 5, 6, 7, 8}, low[] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY,
                                                               -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    const double dy[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (int k = 0; k < count; k++) {
        double y[9], dx[9];
        run_on(&same, x, NULL, y, NULL, &kernels[k], 1); /* as Keras on JAX */
        assert_same(y, (const double[]){NAN, NAN, 5, NAN, NAN, 8, 7, 8, 8}, 9, 0, "y", kernels[k].name, "NaN");
        run_on(&global, x, NULL, y, NULL, &kernels[k], 1);
        assert_same(y, (const double[]){NAN}, 1, 0, "y", kernels[k].name, "NaN, global");
        run_on(&same, low, dy, y, dx, &kernels[k], 1); /* padding is no maximum, even here */
        assert_same(y, low, 9, 0, "y", kernels[k].name, "-infinity");
        assert_same(dx, dy, 9, 0, "dx", kernels[k].name, "-infinity");
    }
}

/* tools/golden/make_poolings.py: the same patterns and fingerprints as in test_convolution.c. */
static const struct {
    shape shape;
    double y, dx;
} keras_cases[] = {
#include "graph/keras_poolings.inc"
};

static double fingerprint(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i] * ((double)(13 * i % 17) - 8);
    return sum;
}

static void results_are_those_of_keras(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (size_t i = 0; i < sizeof keras_cases / sizeof *keras_cases; i++) {
        const shape *s = &keras_cases[i].shape;
        size_t image = image_count(s), pooled = pooled_count(s);
        double *x = new_values(image), *dy = new_values(pooled), *y = new_values(pooled), *dx = new_values(image);
        for (size_t e = 0; e < image; e++) x[e] = (double)(7 * e % 11) - 5;
        for (size_t e = 0; e < pooled; e++) dy[e] = (double)(11 * e % 13) - 6;
        for (int k = 0; k < count; k++) {
            run_on(s, x, dy, y, dx, &kernels[k], 2);
            const double got[] = {fingerprint(y, pooled), fingerprint(dx, image)};
            const double expected[] = {keras_cases[i].y, keras_cases[i].dx};
            assert_same(got, expected, 2, s->sort == MAX ? 0 : 1e-5, "fingerprint (y dx)", kernels[k].name, show(s));
        }
        double *const lists[] = {x, dy, y, dx};
        for (int e = 0; e < 4; e++) free(lists[e]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_cases), cmocka_unit_test(large_windows),  cmocka_unit_test(threes),
        cmocka_unit_test(large_images), cmocka_unit_test(special_values), cmocka_unit_test(results_are_those_of_keras),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
