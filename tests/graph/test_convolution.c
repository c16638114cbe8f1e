/* SPDX-License-Identifier: Apache-2.0
 * Convolution, transposed and depthwise convolution with all their gradients: against sums written out as they are
 * defined, and against Keras.  Whole numbers, so that every result is exact. */
#include "graph/op_testing.h"

#include "graph/ops/binary.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/depthwise_conv2d.h"
#include "graph/ops/unary.h"

typedef enum sort { FORWARD, TRANSPOSED, DEPTHWISE } sort;

typedef struct shape {
    sort sort;
    int n, h, w, c, f; /* of the image; c channels in, f out.  Depthwise: f filters per channel */
    int kh, kw, strides[2], dilation[2], pads[4], groups;
    bool bias;
} shape;

typedef struct sizes {
    int oh, ow, of; /* what the window makes of the image */
    size_t x, w, b, y;
} sizes;

static sizes sizes_of(const shape *s)
{
    sizes z = {cni_window_count(s->h, s->pads[0], s->pads[1], s->kh, s->strides[0], s->dilation[0]),
               cni_window_count(s->w, s->pads[2], s->pads[3], s->kw, s->strides[1], s->dilation[1]),
               s->sort == DEPTHWISE ? s->c * s->f : s->f,
               0,
               0,
               0,
               0};
    size_t image = (size_t)s->n * s->h * s->w * s->c, windows = (size_t)s->n * z.oh * z.ow * z.of;
    z.w = (size_t)s->kh * s->kw * (s->c / s->groups) * s->f;
    z.x = s->sort == TRANSPOSED ? windows : image;
    z.y = s->sort == TRANSPOSED ? image : windows;
    z.b = s->sort == TRANSPOSED ? (size_t)s->c : (size_t)z.of;
    return z;
}

/* Calls each for every triple (cell of the image, weight, cell of the windows) that belongs together. */
typedef struct reference {
    const double *x, *w, *bias, *dy;
    double *y, *dx, *dw, *db;
} reference;

static void multiply_all(const shape *s, const reference *r)
{
    sizes z = sizes_of(s);
    int fg = s->f / s->groups, cg = s->c / s->groups;
    for (int n = 0; n < s->n; n++)
        for (int i = 0; i < z.oh; i++)
            for (int j = 0; j < z.ow; j++)
                for (int a = 0; a < s->kh; a++)
                    for (int b = 0; b < s->kw; b++) {
                        int row = i * s->strides[0] + a * s->dilation[0] - s->pads[0];
                        int column = j * s->strides[1] + b * s->dilation[1] - s->pads[2];
                        if (row < 0 || row >= s->h || column < 0 || column >= s->w) continue;
                        for (int k = 0; k < s->c; k++)
                            for (int f = 0; f < s->f; f++) {
                                if (s->sort != DEPTHWISE && k / cg != f / fg) continue;
                                size_t image = (((size_t)n * s->h + row) * s->w + column) * s->c + k;
                                size_t window = (((size_t)n * z.oh + i) * z.ow + j) * z.of +
                                                (s->sort == DEPTHWISE ? k * s->f + f : f);
                                size_t at = (((size_t)a * s->kw + b) * cg + k % cg) * s->f + f;
                                bool back = s->sort == TRANSPOSED;
                                r->y[back ? image : window] += r->x[back ? window : image] * r->w[at];
                                r->dx[back ? window : image] += r->dy[back ? image : window] * r->w[at];
                                r->dw[at] += r->dy[back ? image : window] * r->x[back ? window : image];
                            }
                    }
    for (size_t i = 0; i < z.y; i++) {
        r->db[i % z.b] += r->dy[i];
        if (s->bias) r->y[i] += r->bias[i % z.b];
    }
}

static cni_tensor *build(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    const shape *s = arguments;
    const cni_conv2d_attributes a = {.strides = {s->strides[0], s->strides[1]},
                                     .dilation = {s->dilation[0], s->dilation[1]},
                                     .top = s->pads[0],
                                     .bottom = s->pads[1],
                                     .left = s->pads[2],
                                     .right = s->pads[3],
                                     .groups = s->groups};
    if (s->sort == TRANSPOSED) return cni_conv2d_transpose(graph, in[0], in[1], in[2], s->h, s->w, &a);
    if (s->sort == DEPTHWISE) return cni_depthwise_conv2d(graph, in[0], in[1], in[2], &a);
    return cni_conv2d(graph, in[0], in[1], in[2], &a);
}

static const char *show(const shape *s)
{
    static const char *const names[] = {"conv2d", "conv2d_transpose", "depthwise_conv2d"};
    static char text[200];
    snprintf(text, sizeof text,
             "%s n%d %dx%dx%d f%d window %dx%d strides %d,%d dilation %d,%d pads %d,%d,%d,%d groups %d%s",
             names[s->sort], s->n, s->h, s->w, s->c, s->f, s->kh, s->kw, s->strides[0], s->strides[1], s->dilation[0],
             s->dilation[1], s->pads[0], s->pads[1], s->pads[2], s->pads[3], s->groups, s->bias ? " bias" : "");
    return text;
}

typedef struct data {
    sizes z;
    double *x, *w, *bias, *dy, *y, *dx, *dw, *db;
} data;

static data new_data(const shape *s, uint32_t seed, void fill(uint32_t *random, double *values, size_t count))
{
    data d = {.z = sizes_of(s)};
    double **const lists[] = {&d.x, &d.w, &d.bias, &d.dy, &d.y, &d.dx, &d.dw, &d.db};
    const size_t counts[] = {d.z.x, d.z.w, d.z.b, d.z.y, d.z.y, d.z.x, d.z.w, d.z.b};
    for (int i = 0; i < 8; i++) {
        *lists[i] = new_values(counts[i]);
        if (i < 4) fill(&seed, *lists[i], counts[i]);
    }
    return d;
}

static void free_data(data *d)
{
    double *const lists[] = {d->x, d->w, d->bias, d->dy, d->y, d->dx, d->dw, d->db};
    for (int i = 0; i < 8; i++) free(lists[i]);
}

static void run_on(const shape *s, data *d, const cni_kernels *kernels, int threads)
{
    cni_shape image = CNI_SHAPE(CNI_UNKNOWN, s->h, s->w, s->c);
    cni_shape windows = CNI_SHAPE(CNI_UNKNOWN, d->z.oh, d->z.ow, d->z.of);
    const trial t = {.n = s->n,
                     .inputs = 3,
                     .shapes = {s->sort == TRANSPOSED ? windows : image,
                                CNI_SHAPE(s->kh, s->kw, s->c / s->groups, s->f),
                                s->bias ? CNI_SHAPE((int64_t)d->z.b) : (cni_shape){0}},
                     .values = {d->x, d->w, d->bias},
                     .dy = d->dy,
                     .build = build,
                     .arguments = s,
                     .y = d->y,
                     .gradients = {d->dx, d->dw, s->bias ? d->db : NULL}};
    run_trial(&t, kernels, threads);
}

static void check_exact(const shape *s, const cni_kernels *kernels, int threads)
{
    data got = new_data(s, 17, fill_whole), expected = new_data(s, 17, fill_whole);
    const reference r = {expected.x, expected.w,  expected.bias, expected.dy,
                         expected.y, expected.dx, expected.dw,   expected.db};
    multiply_all(s, &r);
    run_on(s, &got, kernels, threads);
    assert_same(got.y, expected.y, got.z.y, 0, "y", kernels->name, show(s));
    assert_same(got.dx, expected.dx, got.z.x, 0, "dx", kernels->name, show(s));
    assert_same(got.dw, expected.dw, got.z.w, 0, "dw", kernels->name, show(s));
    if (s->bias) assert_same(got.db, expected.db, got.z.b, 0, "db", kernels->name, show(s));
    free_data(&got);
    free_data(&expected);
}

static const shape corners[] = {
    {FORWARD, 1, 1, 1, 1, 1, 1, 1, {1, 1}, {1, 1}, {0}, 1, false},
    {FORWARD, 3, 28, 28, 1, 32, 5, 5, {1, 1}, {1, 1}, {2, 2, 2, 2}, 1, true},
    {FORWARD, 2, 14, 14, 32, 64, 5, 5, {1, 1}, {1, 1}, {2, 2, 2, 2}, 1, true},
    {FORWARD, 1, 33, 31, 3, 20, 7, 7, {2, 2}, {1, 1}, {2, 3, 3, 3}, 1, true},
    {FORWARD, 2, 7, 7, 48, 33, 3, 3, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, true},
    {FORWARD, 2, 9, 9, 17, 50, 1, 1, {2, 2}, {1, 1}, {0}, 1, true},          /* strides jump over cells */
    {FORWARD, 1, 9, 8, 5, 6, 1, 1, {3, 4}, {1, 1}, {0}, 1, false},           /* phases without taps */
    {FORWARD, 1, 12, 12, 4, 6, 3, 3, {2, 3}, {3, 2}, {3, 3, 2, 2}, 2, true}, /* strides and dilation */
    {FORWARD, 1, 5, 5, 2, 3, 3, 3, {1, 1}, {1, 1}, {4, 5, 6, 4}, 1, false},  /* windows outside the image */
    {FORWARD, 1, 16, 16, 64, 64, 3, 3, {1, 1}, {1, 1}, {1, 1, 1, 1}, 8, true},
    {FORWARD, 1, 1, 40, 7, 9, 1, 5, {1, 2}, {1, 3}, {0, 0, 12, 0}, 1, true}, /* one row: Conv1D, causal */
    {FORWARD, 1, 70, 6, 96, 40, 3, 3, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false},
    {FORWARD, 2, 8, 8, 6, 6, 3, 3, {1, 1}, {1, 1}, {1, 1, 1, 1}, 6, true}, /* groups of one channel */
    {FORWARD, 1, 8, 9, 5, 15, 3, 2, {2, 2}, {1, 1}, {1, 1, 0, 1}, 5, true},
    {FORWARD, 2, 5, 6, 290, 270, 3, 2, {1, 1}, {1, 1}, {1, 1, 0, 1}, 1, true}, /* several chunks of channels */
    {FORWARD, 11, 7, 7, 18, 40, 3, 3, {2, 1}, {1, 1}, {1, 1, 1, 1}, 1, true},  /* blocks of images, slices */
    {FORWARD, 1, 75, 2, 3, 5, 70, 1, {1, 1}, {1, 1}, {69, 0, 0, 0}, 1, true},  /* more rows in a window than bits */
    {FORWARD, 1, 3, 3, 5, 5, 70, 1, {1, 1}, {1, 1}, {68, 67, 0, 0}, 1, true},  /* most of them outside */
    {FORWARD, 2, 40, 33, 2, 37, 5, 5, {1, 1}, {1, 1}, {0}, 1, true},           /* folded, nothing sticks out */
    {FORWARD, 3, 40, 35, 32, 3, 3, 3, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, true},  /* few filters: x and dy change places */
    {FORWARD, 2, 9, 70, 32, 20, 3, 5, {1, 1}, {2, 1}, {0, 2, 1, 3}, 1, true},
    {FORWARD, 1, 66, 65, 16, 1, 1, 1, {1, 1}, {1, 1}, {0}, 1, true},
    {FORWARD, 1, 5, 5, 16, 2, 3, 3, {1, 1}, {1, 1}, {4, 5, 6, 4}, 1, true},
    {FORWARD, 2, 9, 11, 40, 70, 3, 3, {1, 1}, {6, 5}, {6, 6, 5, 5}, 1, true}, /* rows of the window left out */
    {FORWARD, 1, 4, 8, 70, 35, 3, 3, {1, 1}, {1, 1}, {6, 5, 1, 1}, 1, true},  /* all of them */
    {FORWARD, 1, 15, 9, 64, 72, 5, 3, {2, 1}, {1, 1}, {4, 3, 1, 1}, 1, true},
    {FORWARD, 2, 13, 12, 1, 6, 5, 5, {2, 1}, {1, 1}, {1, 0, 0, 2}, 1, true}, /* for the data: few columns, folded */
    {TRANSPOSED, 2, 9, 11, 6, 5, 3, 4, {2, 3}, {1, 1}, {0, 0, 1, 2}, 1, true},
    {TRANSPOSED, 1, 8, 8, 3, 16, 2, 2, {2, 2}, {1, 1}, {0}, 1, true},
    {TRANSPOSED, 1, 14, 14, 20, 34, 5, 5, {2, 2}, {1, 1}, {1, 2, 1, 2}, 1, true},
    {FORWARD, 2, 37, 30, 70, 9, 1, 1, {2, 3}, {1, 1}, {1, 2, 2, 3}, 1, false}, /* the same, from memory */
    {TRANSPOSED, 2, 38, 33, 70, 9, 1, 1, {3, 2}, {1, 1}, {1, 0, 1, 2}, 1, false},
    /* the next ones are large enough to be divided among threads */
    {DEPTHWISE, 3, 30, 30, 70, 1, 3, 3, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, true},
    {DEPTHWISE, 2, 29, 31, 33, 2, 5, 5, {2, 2}, {1, 1}, {2, 2, 2, 2}, 1, true},
    {DEPTHWISE, 2, 14, 14, 32, 1, 3, 3, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, true},
    {DEPTHWISE, 1, 15, 13, 19, 1, 5, 5, {2, 2}, {1, 1}, {2, 2, 1, 2}, 1, true},
    {DEPTHWISE, 1, 12, 12, 70, 1, 3, 3, {1, 1}, {2, 2}, {2, 2, 2, 2}, 1, false},
    {DEPTHWISE, 2, 8, 9, 5, 3, 3, 2, {2, 1}, {1, 1}, {1, 1, 0, 1}, 1, true},
    {DEPTHWISE, 1, 10, 10, 130, 2, 7, 7, {3, 2}, {2, 3}, {6, 6, 9, 9}, 1, true},
};

static void corner_cases_are_exact(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++)
        for (int k = 0; k < count; k++) check_exact(&corners[i], &kernels[k], 1 + (int)(i + (size_t)k) % 3);
}

static shape random_shape(uint32_t seed)
{
    static const int channels[] = {1, 2, 3, 4, 5, 8, 13, 16, 17, 20, 31, 32, 33, 37, 48, 67};
    uint32_t random = seed * 2654435761u;
    shape s = {.sort = (sort)draw(&random, 3), .n = 1 + (int)draw(&random, 3), .bias = draw(&random, 2)};
    s.groups = s.sort == DEPTHWISE || draw(&random, 3) ? 1 : 1 + (int)draw(&random, 4);
    s.c = channels[draw(&random, 16)] * s.groups;
    s.f = s.sort == DEPTHWISE ? 1 + (draw(&random, 2) ? 0 : (int)draw(&random, 3))
                              : channels[draw(&random, 16)] * s.groups;
    s.kh = 1 + (int)draw(&random, 5);
    s.kw = 1 + (int)draw(&random, 5);
    for (int i = 0; i < 2; i++) {
        s.strides[i] = draw(&random, 2) ? 1 : 1 + (int)draw(&random, 4);
        s.dilation[i] = draw(&random, 3) ? 1 : 1 + (int)draw(&random, 3);
    }
    int most[2] = {(s.kh - 1) * s.dilation[0], (s.kw - 1) * s.dilation[1]};
    for (int i = 0; i < 4; i++) s.pads[i] = (int)draw(&random, (uint32_t)most[i / 2] + 1);
    s.h = most[0] + 1 + (int)draw(&random, 12);
    s.w = most[1] + 1 + (int)draw(&random, 17);
    return s;
}

static void random_cases_are_exact(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (uint32_t seed = 0; seed < 150; seed++) {
        shape s = random_shape(seed);
        for (int k = 0; k < count; k++) check_exact(&s, &kernels[k], 1 + (int)seed % 3);
    }
}

/* Real numbers: the order of the sums does not depend on the number of threads. */
static void threads_change_no_bit(void **state)
{
    (void)state;
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++)
        for (int k = 0; k < count; k++) {
            const shape *s = &corners[i];
            data one = new_data(s, 5, fill_real), many = new_data(s, 5, fill_real);
            run_on(s, &one, &kernels[k], 1);
            for (int threads = 2; threads <= 3; threads++) {
                run_on(s, &many, &kernels[k], threads);
                assert_same(many.y, one.y, one.z.y, 0, "y", kernels[k].name, show(s));
                assert_same(many.dx, one.dx, one.z.x, 0, "dx", kernels[k].name, show(s));
                assert_same(many.dw, one.dw, one.z.w, 0, "dw", kernels[k].name, show(s));
                if (s->bias) assert_same(many.db, one.db, one.z.b, 0, "db", kernels[k].name, show(s));
            }
            free_data(&one);
            free_data(&many);
        }
}

/* y = conv(relu(x)) + relu(x), whose gradient ends with an addend and a mask. */
static cni_tensor *residual(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    (void)arguments;
    const cni_conv2d_attributes a = {.strides = {1, 1}, .dilation = {1, 1}, .groups = 1};
    cni_tensor *open = cni_unary_op(graph, in[0], (cni_epilogue){.function = CNI_RELU, .b = INFINITY});
    return cni_add(graph, cni_conv2d(graph, open, in[1], NULL, &a), open);
}

/* Images of 0.9 MB each: what several of them read and write is asked for ahead, what one of them does is not. */
static void images_are_what_they_are_alone(void **state)
{
    (void)state;
    enum { IMAGES = 5, HEIGHT = 61, WIDTH = 67, CHANNELS = 52, IMAGE = HEIGHT * WIDTH * CHANNELS };
    cni_kernels kernels[MOST_KERNELS];
    const int count = all_kernels(kernels);
    uint32_t random = 7;
    double *x = new_values(IMAGES * IMAGE), *w = new_values(CHANNELS * CHANNELS), *dy = new_values(IMAGES * IMAGE);
    double *y = new_values(IMAGES * IMAGE), *dx = new_values(IMAGES * IMAGE), *one_y = new_values(IMAGE),
           *one_dx = new_values(IMAGE);
    fill_real(&random, x, IMAGES * IMAGE);
    fill_real(&random, w, CHANNELS * CHANNELS);
    fill_real(&random, dy, IMAGES * IMAGE);
    trial t = {.inputs = 2,
               .shapes = {CNI_SHAPE(CNI_UNKNOWN, HEIGHT, WIDTH, CHANNELS), CNI_SHAPE(1, 1, CHANNELS, CHANNELS)},
               .values = {x, w},
               .build = residual,
               .fast = true};
    for (int k = 2; k < count; k++) { /* neither double nor the portable ones ask */
        t.n = IMAGES;
        t.values[0] = x;
        t.dy = dy;
        t.y = y;
        t.gradients[0] = dx;
        run_trial(&t, &kernels[k], 1 + k % 2);
        for (int i = 1; i < IMAGES; i += 3) {
            t.n = 1;
            t.values[0] = x + i * IMAGE;
            t.dy = dy + i * IMAGE;
            t.y = one_y;
            t.gradients[0] = one_dx;
            run_trial(&t, &kernels[k], 1);
            assert_same(y + i * IMAGE, one_y, IMAGE, 0, "y", kernels[k].name, "an image");
            assert_same(dx + i * IMAGE, one_dx, IMAGE, 0, "dx", kernels[k].name, "an image");
        }
    }
    double *const all[] = {x, w, dy, y, dx, one_y, one_dx};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* y = conv(relu(x), w) + conv(relu(x), v), or one of them. */
static cni_tensor *branches(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    const cni_conv2d_attributes *a = arguments;
    cni_tensor *open = cni_unary_op(graph, in[0], (cni_epilogue){.function = CNI_RELU, .b = INFINITY}), *y[2] = {0};
    for (int i = 0; i < 2; i++)
        if (in[1 + i]) y[i] = cni_conv2d(graph, open, in[1 + i], NULL, &a[i]);
    return y[0] && y[1] ? cni_add(graph, y[0], y[1]) : y[0] ? y[0] : y[1];
}

/* Two convolutions with strides send back what each of them does.  Where their steps are the same nothing is read
 * between them; where a row lies above one of the images they are not. */
static void branches_meet_between_steps(void **state)
{
    (void)state;
    enum { IMAGES = 2, HEIGHT = 11, WIDTH = 14, CHANNELS = 19, FILTERS = 21, MOST = IMAGES * HEIGHT * WIDTH * FILTERS };
    enum { CASES = 16, COUNT = IMAGES * HEIGHT * WIDTH * CHANNELS };
    cni_kernels kernels[MOST_KERNELS];
    const int count = all_kernels(kernels);
    double *x = new_values(MOST), *w = new_values(MOST), *v = new_values(MOST), *dy = new_values(MOST);
    double *dx = new_values(MOST), *of_w = new_values(MOST), *of_v = new_values(MOST);
    uint32_t random = 11;
    fill_whole(&random, x, MOST);
    fill_whole(&random, w, MOST);
    fill_whole(&random, v, MOST);
    fill_whole(&random, dy, MOST);
    for (int which = 0; which < CASES * count; which++) {
        const int k = which / CASES, window = 1 + which % 2, stride = 2 + which / 4 % 2, above = which / 8 % 2;
        const cni_conv2d_attributes one = {.strides = {stride, 3}, .dilation = {1, 1}, .groups = 1};
        cni_conv2d_attributes a[2] = {one, one};
        a[1].top = above;
        a[0].bottom = above;
        const cni_shape weights = CNI_SHAPE(window, 1, CHANNELS, FILTERS);
        trial t = {.n = IMAGES,
                   .inputs = 3,
                   .shapes = {CNI_SHAPE(CNI_UNKNOWN, HEIGHT, WIDTH, CHANNELS), weights, weights},
                   .values = {x, w, v},
                   .dy = dy,
                   .build = branches,
                   .arguments = a,
                   .sharing = which / 2 % 2,
                   .gradients = {dx}};
        run_trial(&t, &kernels[k], 1 + which % 3);
        t.shapes[2].rank = 0;
        t.gradients[0] = of_w;
        run_trial(&t, &kernels[k], 1);
        t.shapes[2] = weights;
        t.shapes[1].rank = 0;
        t.gradients[0] = of_v;
        run_trial(&t, &kernels[k], 1);
        for (int i = 0; i < COUNT; i++) of_w[i] += of_v[i];
        assert_same(dx, of_w, COUNT, 0, "dx", kernels[k].name, "two branches");
    }
    double *const all[] = {x, w, v, dy, dx, of_w, of_v};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* Keras.  tools/golden/make_convolutions.py computes these with keras.ops on JAX: sum of v[i] * ((13 i) mod 17 - 8) of
 * each result, for x[i] = (7 i) mod 11 - 5, w[i] = (5 i) mod 7 - 3, bias[i] = (3 i) mod 5 - 2, dy[i] = (11 i) mod 13
 * - 6. */
typedef struct keras_case {
    shape shape;
    double y, dx, dw, db;
} keras_case;

static const keras_case keras_cases[] = {
#include "graph/keras_convolutions.inc"
};

static void fill_pattern(double *values, size_t count, int factor, int modulus, int less)
{
    for (size_t i = 0; i < count; i++) values[i] = (double)((size_t)factor * i % (size_t)modulus) - less;
}

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
    for (size_t i = 0; i < sizeof keras_cases / sizeof *keras_cases; i++)
        for (int k = 0; k < count; k++) {
            const keras_case *c = &keras_cases[i];
            data d = new_data(&c->shape, 1, fill_whole);
            fill_pattern(d.x, d.z.x, 7, 11, 5);
            fill_pattern(d.w, d.z.w, 5, 7, 3);
            fill_pattern(d.bias, d.z.b, 3, 5, 2);
            fill_pattern(d.dy, d.z.y, 11, 13, 6);
            run_on(&c->shape, &d, &kernels[k], 2);
            const double got[] = {fingerprint(d.y, d.z.y), fingerprint(d.dx, d.z.x), fingerprint(d.dw, d.z.w),
                                  fingerprint(d.db, d.z.b)};
            assert_same(got, (const double[]){c->y, c->dx, c->dw, c->db}, 4, 0, "fingerprint (y dx dw db)",
                        kernels[k].name, show(&c->shape));
            free_data(&d);
        }
}

/* Epilogues: relu in the kernel, others after it; the transposed with strides has scattered outputs. */
typedef struct finished {
    const shape *shape;
    cni_epilogue epilogue;
} finished;

static cni_tensor *build_finished(cni_graph *graph, cni_tensor *const *in, const void *arguments)
{
    const finished *f = arguments;
    cni_tensor *y = build(graph, in, f->shape);
    cni_op *op = y->producer;
    *(cni_epilogue *)((char *)op->attributes + op->kind->epilogue_offset) = f->epilogue;
    return y;
}

static void epilogues_are_applied_once_to_everything(void **state)
{
    (void)state;
    static const cni_epilogue epilogues[] = {{.function = CNI_RELU, .b = INFINITY},
                                             {.function = CNI_RELU, .a = 0.25, .b = 2, .c = 1},
                                             {.function = CNI_LEAKY_RELU, .a = 0.5},
                                             {.function = CNI_AFFINE, .a = 2, .b = 1}};
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++)
        for (int k = 0; k < 4 * count; k++) {
            const finished f = {&corners[i], epilogues[k % 4]};
            const cni_kernels *of = &kernels[k / 4];
            data d = new_data(f.shape, 23, fill_whole), expected = new_data(f.shape, 23, fill_whole);
            run_on(f.shape, &expected, of, 1);
            cni_kernels_init_double(&kernels[0]);
            kernels[0].elementwise.unary(&f.epilogue, expected.y, expected.y, d.z.y);
            trial t = {.n = f.shape->n, .inputs = 3, .build = build_finished, .arguments = &f, .y = d.y};
            cni_shape image = CNI_SHAPE(CNI_UNKNOWN, f.shape->h, f.shape->w, f.shape->c);
            cni_shape windows = CNI_SHAPE(CNI_UNKNOWN, d.z.oh, d.z.ow, d.z.of);
            t.shapes[0] = f.shape->sort == TRANSPOSED ? windows : image;
            t.shapes[1] = CNI_SHAPE(f.shape->kh, f.shape->kw, f.shape->c / f.shape->groups, f.shape->f);
            if (f.shape->bias) t.shapes[2] = CNI_SHAPE((int64_t)d.z.b);
            t.values[0] = d.x;
            t.values[1] = d.w;
            t.values[2] = d.bias;
            run_trial(&t, of, 3);
            assert_same(d.y, expected.y, d.z.y, 1e-6, "finished y", of->name, show(f.shape));
            free_data(&d);
            free_data(&expected);
        }
}

/* Packed weights follow the variable. */
static void packed_weights_follow_the_variable(void **state)
{
    (void)state;
    static float weights[3 * 3 * 4 * 6] __attribute__((aligned(64)));
    cni_kernels kernels[MOST_KERNELS];
    int count = all_kernels(kernels);
    for (int k = 1; k < count; k++) {
        cni_variable variable = {.name = "w", .shape = CNI_SHAPE(3, 3, 4, 6), .data = weights, .version = 1};
        cni_graph *graph = cni_graph_new();
        cni_tensor *x = cni_graph_input(graph, CNI_SHAPE(CNI_UNKNOWN, 5, 5, 4));
        const cni_conv2d_attributes a = {.strides = {1, 1}, .dilation = {1, 1}, .groups = 1};
        cni_tensor *y = cni_conv2d(graph, x, cni_graph_variable(graph, &variable), NULL, &a);
        y->is_output = true;
        cni_plan *plan = toy_plan(graph, &kernels[k], 1, false);
        for (int i = 0; i < 100; i++) ((float *)cni_plan_data(plan, x))[i] = 1;
        const float *result = cni_plan_data(plan, y);
        for (int value = 1; value < 4; value++) {
            for (int i = 0; i < 216; i++) weights[i] = (float)value;
            cni_plan_run(plan, CNI_GRADIENTS, 1);
            assert_true(result[53] == (float)(variable.version == (uint64_t)value ? 36 * value : 36 * (value - 1)));
            variable.version = (uint64_t)value + (value == 1 ? 1 : 0); /* the third change is not told: not seen */
        }
        cni_plan_free(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corner_cases_are_exact),
        cmocka_unit_test(random_cases_are_exact),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(images_are_what_they_are_alone),
        cmocka_unit_test(branches_meet_between_steps),
        cmocka_unit_test(results_are_those_of_keras),
        cmocka_unit_test(epilogues_are_applied_once_to_everything),
        cmocka_unit_test(packed_weights_follow_the_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
