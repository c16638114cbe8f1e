/* SPDX-License-Identifier: Apache-2.0
 * Gradients of convolutions for their weights by Winograd's algorithm, on every set of kernels, against the definition
 * in double.  The bound is the one that the algorithm states: the error's L2 norm at most 1e-5 of the result's, and no
 * element further off than 1e-4 of the largest.  Threads change no bit, and nothing beyond the arrays is touched. */
#include "graph/op_testing.h"

#include "graph/ops/conv2d.h"
#include "graph/ops/winograd_weights.h"
#include "kernels/guarded.h"

typedef struct shape {
    int n, batch;
    cni_winograd_weights s;
} shape;

/* h w c oh ow f window points top left: images smaller than a tile, one more or less than tiles, channels round vectors
 * and panels, no zeros, zeros wider than the window, rows of tiles longer than a table, batches with and without
 * slices; few tiles, and batches of many where few tiles come. */
static const shape shapes[] = {
    {1, 1, {1, 1, 16, 1, 1, 16, 3, 6, 1, 1}},      {2, 3, {3, 5, 17, 3, 5, 20, 3, 6, 1, 1}},
    {1, 1, {4, 4, 16, 4, 4, 48, 3, 6, 1, 1}},      {3, 3, {7, 7, 20, 7, 7, 17, 3, 6, 1, 1}},
    {1, 4, {13, 14, 48, 11, 12, 33, 3, 6, 0, 0}},  {2, 2, {9, 10, 1, 11, 12, 3, 3, 6, 2, 2}},
    {1, 2, {8, 6, 32, 14, 13, 16, 3, 6, 4, 5}},    {6, 9, {29, 28, 20, 29, 28, 40, 3, 6, 1, 1}},
    {2, 2, {70, 67, 64, 70, 67, 64, 3, 6, 1, 1}},  {1, 1, {6, 90, 33, 4, 88, 65, 3, 6, 0, 0}},
    {2, 2, {17, 17, 150, 17, 17, 80, 3, 6, 1, 1}}, {1, 1, {1, 1, 16, 1, 1, 16, 5, 6, 2, 2}},
    {2, 2, {7, 6, 20, 7, 6, 33, 5, 6, 2, 2}},      {5, 8, {14, 14, 32, 10, 10, 64, 5, 6, 0, 0}},
    {1, 1, {10, 13, 17, 14, 14, 16, 5, 6, 4, 3}},  {20, 20, {12, 12, 16, 12, 12, 16, 5, 6, 2, 2}},
    {1, 1, {1, 1, 16, 1, 1, 16, 3, 4, 1, 1}},      {3, 3, {7, 7, 20, 7, 7, 17, 3, 4, 1, 1}},
    {1, 4, {13, 14, 48, 11, 12, 33, 3, 4, 0, 0}},  {1, 2, {8, 6, 32, 14, 13, 70, 3, 4, 4, 5}},
    {4, 4, {29, 28, 20, 29, 28, 40, 3, 4, 1, 1}},  {1, 70, {3, 5, 17, 3, 5, 20, 3, 6, 1, 1}},
    {2, 70, {1, 1, 16, 1, 1, 16, 5, 6, 2, 2}},     {1, 1, {8, 8, 130, 8, 8, 128, 3, 6, 1, 1}},
    {1, 1, {16, 15, 40, 16, 15, 50, 3, 6, 1, 1}},  {1, 1, {8, 8, 70, 8, 8, 67, 3, 4, 1, 1}},
    {1, 2, {8, 8, 33, 8, 8, 70, 5, 6, 2, 2}},      {2, 4, {6, 7, 19, 4, 5, 65, 3, 6, 0, 0}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct data {
    guarded x, dy, dw, db;
    double *expected, *sums;
} data;

static void random_values(uint32_t *random, guarded *g)
{
    for (size_t i = 0; i < g->count; i++) g->data[i] = (float)draw(random, 1u << 24) / (1 << 23) - 1;
}

static data new_data(const shape *t)
{
    const cni_winograd_weights *s = &t->s;
    size_t n = (size_t)t->n, w = (size_t)s->window;
    data d = {.x = new_guarded(n * (size_t)s->h * (size_t)s->w * (size_t)s->c),
              .dy = new_guarded(n * (size_t)s->oh * (size_t)s->ow * (size_t)s->f),
              .dw = new_guarded(w * w * (size_t)s->c * (size_t)s->f),
              .db = new_guarded((size_t)s->f)};
    uint32_t random = 5;
    random_values(&random, &d.x);
    random_values(&random, &d.dy);
    d.expected = new_values(d.dw.count);
    d.sums = new_values(d.db.count);
    return d;
}

static void free_data(data *d)
{
    guarded *const all[] = {&d->x, &d->dy, &d->dw, &d->db};
    for (int i = 0; i < 4; i++) free_guarded(all[i]);
    free(d->expected);
    free(d->sums);
}

static void add_window(const cni_winograd_weights *s, data *d, int n, int i, int j)
{
    const float *dy = d->dy.data + (((size_t)n * (size_t)s->oh + (size_t)i) * (size_t)s->ow + (size_t)j) * (size_t)s->f;
    for (int r = 0; r < s->window; r++)
        for (int q = 0; q < s->window; q++) {
            int row = i + r - s->top, column = j + q - s->left;
            if (row < 0 || row >= s->h || column < 0 || column >= s->w) continue;
            const float *x =
                d->x.data + (((size_t)n * (size_t)s->h + (size_t)row) * (size_t)s->w + (size_t)column) * (size_t)s->c;
            double *dw = d->expected + (size_t)(r * s->window + q) * (size_t)s->c * (size_t)s->f;
            for (int c = 0; c < s->c; c++, dw += s->f)
                for (int f = 0; f < s->f; f++) dw[f] += (double)x[c] * dy[f];
        }
    for (int f = 0; f < s->f; f++) d->sums[f] += dy[f];
}

static void define(const shape *t, data *d)
{
    for (int n = 0; n < t->n; n++)
        for (int i = 0; i < t->s.oh; i++)
            for (int j = 0; j < t->s.ow; j++) add_window(&t->s, d, n, i, j);
}

static void run(const shape *t, data *d, const cni_kernels *kernels, int threads)
{
    cni_pool *pool = cni_pool_new(threads);
    const cni_run most = {.n = t->batch, .batch = t->batch, .kernels = kernels, .pool = pool};
    guarded scratch = new_guarded((cni_winograd_weights_scratch(&t->s, &most) + 63) / 64 * 16);
    memset(scratch.data, 0xff, scratch.count * sizeof(float));
    memset(d->dw.data, 0xff, d->dw.count * sizeof(float));
    memset(d->db.data, 0xff, d->db.count * sizeof(float));
    cni_run some = most;
    some.n = t->n;
    some.own_bytes = cni_winograd_weights_own(&t->s, &most);
    guarded own = new_guarded(((size_t)cni_pool_threads(pool) * some.own_bytes + 63) / 64 * 16);
    memset(own.data, 0xff, own.count * sizeof(float));
    some.own = (char *)own.data;
    cni_winograd_weights_run(&t->s, &some, d->x.data, d->dy.data, d->dw.data, d->db.data, scratch.data);
    free_guarded(&own);
    free_guarded(&scratch);
    cni_pool_free(pool);
}

static void check_close(const float *got, const double *expected, size_t count, double norm, double most,
                        const char *what, const char *kernels, const shape *t)
{
    double error = 0, all = 0, worst = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs(got[i] - expected[i]);
        if (!(off <= worst)) worst = off;
        if (fabs(expected[i]) > largest) largest = fabs(expected[i]);
        error += off * off;
        all += expected[i] * expected[i];
    }
    if (!(sqrt(error) <= norm * sqrt(all)) || !(worst <= most * largest))
        fail_msg("%s, %s kernels, n %d of %d, %dx%dx%d -> %dx%dx%d window %d: off by %g of L2, %g of the largest", what,
                 kernels, t->n, t->batch, t->s.h, t->s.w, t->s.c, t->s.oh, t->s.ow, t->s.f, t->s.window,
                 sqrt(error / all), worst / largest);
}

static void errors_are_within_the_bound(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (int i = 0; i < SHAPES; i++) {
        data d = new_data(&shapes[i]);
        define(&shapes[i], &d);
        for (int k = 1; k < count; k++) { /* the first is double */
            run(&shapes[i], &d, &kernels[k], 1 + (i + k) % 3);
            check_close(d.dw.data, d.expected, d.dw.count, 1e-5, 1e-4, "dw", kernels[k].name, &shapes[i]);
            check_close(d.db.data, d.sums, d.db.count, 1e-5, 1e-4, "db", kernels[k].name, &shapes[i]);
        }
        free_data(&d);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (int i = 0; i < SHAPES; i++)
        for (int k = 1; k < count; k++) {
            data one = new_data(&shapes[i]), many = new_data(&shapes[i]);
            run(&shapes[i], &one, &kernels[k], 1);
            for (int threads = 2; threads <= 3; threads++) {
                run(&shapes[i], &many, &kernels[k], threads);
                assert_memory_equal(one.dw.data, many.dw.data, one.dw.count * sizeof(float));
                assert_memory_equal(one.db.data, many.db.data, one.db.count * sizeof(float));
            }
            free_data(&one);
            free_data(&many);
        }
}

/* The op takes what pays: within the bound with CN_MATH_FAST, the definition's sums with CN_MATH_DIRECT. */
static cni_tensor *build(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    const cni_winograd_weights *s = arguments;
    const cni_conv2d_attributes a = {.strides = {1, 1},
                                     .dilation = {1, 1},
                                     .top = s->top,
                                     .bottom = s->oh + s->window - 1 - s->h - s->top,
                                     .left = s->left,
                                     .right = s->ow + s->window - 1 - s->w - s->left,
                                     .groups = 1};
    return cni_conv2d(graph, in[0], in[1], NULL, &a);
}

static void the_op_keeps_the_bound_or_the_definition(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (int i = 0; i < 2 * SHAPES; i++) {
        const shape *t = &shapes[i / 2];
        const cni_winograd_weights *s = &t->s;
        if (s->oh + s->window - 1 < s->h + s->top || s->ow + s->window - 1 < s->w + s->left) continue;
        data d = new_data(t);
        bool fast = i % 2;
        for (size_t k = 0; k < d.x.count && !fast; k++) d.x.data[k] = (float)(int)(d.x.data[k] * 4);
        for (size_t k = 0; k < d.dy.count && !fast; k++) d.dy.data[k] = (float)(int)(d.dy.data[k] * 4);
        define(t, &d);
        double *x = new_values(d.x.count), *dy = new_values(d.dy.count), *w = new_values(d.dw.count),
               *dw = new_values(d.dw.count);
        for (size_t k = 0; k < d.x.count; k++) x[k] = d.x.data[k];
        for (size_t k = 0; k < d.dy.count; k++) dy[k] = d.dy.data[k];
        const trial op = {
            .n = t->n,
            .inputs = 2,
            .shapes = {CNI_SHAPE(CNI_UNKNOWN, s->h, s->w, s->c), CNI_SHAPE(s->window, s->window, s->c, s->f)},
            .values = {x, w},
            .dy = dy,
            .build = build,
            .arguments = s,
            .fast = fast,
            .gradients = {NULL, dw}};
        for (int k = 1; k < count; k++) {
            run_trial(&op, &kernels[k], 2);
            for (size_t j = 0; j < d.dw.count; j++) d.dw.data[j] = (float)dw[j];
            check_close(d.dw.data, d.expected, d.dw.count, fast ? 1e-5 : 0, fast ? 1e-4 : 0, "the op's dw",
                        kernels[k].name, t);
        }
        double *const lists[] = {x, dy, w, dw};
        for (int k = 0; k < 4; k++) free(lists[k]);
        free_data(&d);
    }
}

/* Images in one pass of the network of a known size: what is chosen is told by shapes alone. */
static void what_pays_is_chosen(void **state)
{
    (void)state;
    static const struct {
        int n;
        cni_winograd_weights s;
        int points;
    } rows[] = {{1, {56, 56, 64, 56, 56, 64, 3, 0, 1, 1}, 6},   {1, {6, 6, 64, 6, 6, 64, 3, 0, 1, 1}, 4},
                {1, {10, 10, 64, 10, 10, 64, 3, 0, 1, 1}, 6},   {1, {3, 3, 64, 3, 3, 64, 3, 0, 1, 1}, 0},
                {1, {7, 7, 512, 7, 7, 512, 3, 0, 1, 1}, 6},     {8, {7, 7, 512, 7, 7, 512, 3, 0, 1, 1}, 6},
                {1, {12, 12, 32, 8, 8, 64, 5, 0, 0, 0}, 6},     {8, {56, 56, 3, 56, 56, 64, 3, 0, 1, 1}, 0},
                {32, {28, 28, 128, 28, 28, 128, 5, 0, 2, 2}, 6}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cni_winograd_weights s = rows[i].s;
        assert_int_equal(cni_winograd_weights_choose(&s, rows[i].n), rows[i].points > 0);
        assert_int_equal(s.points, rows[i].points);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_within_the_bound), cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(the_op_keeps_the_bound_or_the_definition), cmocka_unit_test(what_pays_is_chosen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
