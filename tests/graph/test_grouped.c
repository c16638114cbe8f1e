/* SPDX-License-Identifier: Apache-2.0
 * Convolution of small groups beside what it stands for: a convolution whose weights between groups are zero.  Small
 * whole numbers, so both agree to the bit. */
#include "graph/op_testing.h"
#include "graph/ops/conv2d.h"

enum { N = 5 };

typedef struct sample {
    int h, w, c, group, stride, top, left, rows, columns, dilation;
} sample;

static const sample samples[] = {
    {7, 9, 32, 8, 1, 1, 1, 3, 3, 1},    {14, 13, 48, 4, 1, 0, 2, 3, 3, 1},  {9, 8, 16, 2, 2, 1, 0, 3, 3, 1},
    {12, 15, 64, 16, 1, 1, 1, 3, 3, 1}, {11, 10, 32, 16, 2, 0, 1, 3, 3, 1}, {20, 6, 16, 8, 1, 2, 2, 3, 3, 1},
    {13, 17, 32, 4, 1, 2, 2, 5, 5, 1},  {12, 11, 48, 8, 2, 1, 2, 5, 4, 1},  {15, 14, 16, 4, 1, 2, 1, 3, 3, 2},
    {10, 21, 32, 2, 1, 0, 3, 1, 7, 1},  {13, 10, 32, 16, 2, 2, 3, 6, 7, 1}, {14, 12, 16, 8, 1, 4, 3, 3, 2, 3},
};

static cni_conv2d_attributes attributes_of(const sample *s, int groups)
{
    return (cni_conv2d_attributes){.strides = {s->stride, s->stride},
                                   .dilation = {s->dilation, s->dilation},
                                   .top = s->top,
                                   .bottom = 1,
                                   .left = s->left,
                                   .right = 1,
                                   .groups = groups};
}

static cni_tensor *build_grouped(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    const sample *s = arguments;
    const cni_conv2d_attributes a = attributes_of(s, s->c / s->group);
    return cni_conv2d(graph, in[0], in[1], in[2], &a);
}

static cni_tensor *build_whole(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    const cni_conv2d_attributes a = attributes_of(arguments, 1);
    return cni_conv2d(graph, in[0], in[1], in[2], &a);
}

/* Where weight (tap, k, f) of the groups stands among all weights. */
static size_t whole_at(const sample *s, int tap, int k, int f)
{
    return ((size_t)tap * (size_t)s->c + (size_t)(f / s->group * s->group + k)) * (size_t)s->c + (size_t)f;
}

static void check(const sample *s, const cni_kernels *kernels, int threads)
{
    uint32_t random = 17;
    const int taps = s->rows * s->columns;
    const int oh = cni_window_count(s->h, s->top, 1, s->rows, s->stride, s->dilation);
    const int ow = cni_window_count(s->w, s->left, 1, s->columns, s->stride, s->dilation);
    const size_t cells = (size_t)(N * s->h * s->w * s->c), outputs = (size_t)(N * oh * ow * s->c);
    const size_t weights = (size_t)(taps * s->group * s->c), all = (size_t)(taps * s->c * s->c);
    double *x = new_values(cells), *w = new_values(weights), *big = new_values(all), *bias = new_values((size_t)s->c);
    double *dy = new_values(outputs), *y[2], *dx[2], *dw = new_values(weights), *dbig = new_values(all), *db[2];
    fill_whole(&random, x, cells);
    fill_whole(&random, w, weights);
    fill_whole(&random, bias, (size_t)s->c);
    fill_whole(&random, dy, outputs);
    for (int t = 0; t < taps; t++)
        for (int k = 0; k < s->group; k++)
            for (int f = 0; f < s->c; f++) big[whole_at(s, t, k, f)] = w[(t * s->group + k) * s->c + f];
    for (int i = 0; i < 2; i++) {
        y[i] = new_values(outputs);
        dx[i] = new_values(cells);
        db[i] = new_values((size_t)s->c);
        const trial t = {.n = N,
                         .inputs = 3,
                         .shapes = {CNI_SHAPE(CNI_UNKNOWN, s->h, s->w, s->c),
                                    CNI_SHAPE(s->rows, s->columns, i ? s->c : s->group, s->c), CNI_SHAPE(s->c)},
                         .values = {x, i ? big : w, bias},
                         .dy = dy,
                         .build = i ? build_whole : build_grouped,
                         .arguments = s,
                         .y = y[i],
                         .gradients = {dx[i], i ? dbig : dw, db[i]}};
        run_trial(&t, kernels, threads);
    }
    char where[32];
    snprintf(where, sizeof where, "sample %td", s - samples);
    assert_same(y[0], y[1], outputs, 0, "y", kernels->name, where);
    assert_same(dx[0], dx[1], cells, 0, "dx", kernels->name, where);
    assert_same(db[0], db[1], (size_t)s->c, 0, "db", kernels->name, where);
    for (int t = 0; t < taps; t++)
        for (int k = 0; k < s->group; k++)
            for (int f = 0; f < s->c; f++) assert_true(dw[(t * s->group + k) * s->c + f] == dbig[whole_at(s, t, k, f)]);
    double *const values[] = {x, w, big, bias, dy, y[0], y[1], dx[0], dx[1], dw, dbig, db[0], db[1]};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) free(values[i]);
}

static void groups_are_blocks_of_the_whole(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    const int sets = all_kernels(kernels);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        for (int k = 0; k < sets; k++) check(&samples[i], &kernels[k], 1 + (int)i % 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_blocks_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
