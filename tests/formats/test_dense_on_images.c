/* SPDX-License-Identifier: Apache-2.0
 * Dense over the channels of images, which predictions compute as convolutions, against its definition; also where the
 * same weights are read as they lie, and where they were loaded for predicting only and dropped. */
#include <cornu/cornu.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { HEIGHT = 4, WIDTH = 5, PIXELS = HEIGHT * WIDTH, CHANNELS = 160, IMAGES = 3 };

static float x[IMAGES * PIXELS * CHANNELS];
static double expected[IMAGES * PIXELS * CHANNELS], bound[IMAGES * PIXELS * CHANNELS];

/* x + dense(x), and where `twice` is set, times the same layer of the means over the image */
static cn_model *make(bool twice)
{
    cn_set_random_seed(7);
    cn_model *m = cn_functional();
    cn_node *in = cn_input_node(m, cn_input({HEIGHT, WIDTH, CHANNELS}));
    cn_layer *dense = cn_layer_new(m, cn_dense(CHANNELS, .bias_initializer = "glorot_uniform"));
    cn_node *y = cn_call(m, cn_add_layer(), in, cn_call_layer(dense, in));
    cn_node *mean = cn_call(m, cn_global_average_pooling2d(.keepdims = true), in);
    cn_outputs(m, twice ? cn_call(m, cn_multiply_layer(), y, cn_call_layer(dense, mean)) : y);
    if (cn_failed(m)) fail_msg("%s", cn_error(m));
    return m;
}

/* One column of the layer, and what its rounding may come to: 4 eps sqrt(K) sum |a| |b| */
static double column(const cn_model *m, const double *from, int j, double *error)
{
    const float *w = cn_weight(m, 0).data, *bias = cn_weight(m, 1).data;
    double sum = (double)bias[j], size = fabs(sum);
    for (int k = 0; k < CHANNELS; k++) {
        const double product = from[k] * (double)w[k * CHANNELS + j];
        sum += product;
        size += fabs(product);
    }
    *error = 4 * 0x1p-24 * sqrt(CHANNELS) * size;
    return sum;
}

static void expect(const cn_model *m, bool twice)
{
    for (int image = 0; image < IMAGES; image++) {
        double mean[CHANNELS] = {0};
        for (int i = 0; i < PIXELS * CHANNELS; i++)
            mean[i % CHANNELS] += (double)x[image * PIXELS * CHANNELS + i] / PIXELS;
        for (int p = 0; p < PIXELS; p++)
            for (int j = 0; j < CHANNELS; j++) {
                double from[CHANNELS], error, gate_error = 0, gate = twice ? column(m, mean, j, &gate_error) : 1;
                const int at = (image * PIXELS + p) * CHANNELS;
                for (int k = 0; k < CHANNELS; k++) from[k] = (double)x[at + k];
                const double y = from[j] + column(m, from, j, &error);
                expected[at + j] = y * gate;
                bound[at + j] = (error + 0x1p-23 * fabs(y)) * (fabs(gate) + gate_error) + gate_error * fabs(y) * 2;
            }
    }
}

static void check(cn_model *m, int images)
{
    const cn_array *y = cn_predict(m, {x, .rank = 4, .shape = {images, HEIGHT, WIDTH, CHANNELS}}, .batch_size = images);
    if (!y) fail_msg("%s", cn_error(m));
    const float *got = y[0].data;
    for (int i = 0; i < images * PIXELS * CHANNELS; i++)
        if (!(fabs((double)got[i] - expected[i]) <= bound[i]))
            fail_msg("element %d of %d images is %.9g instead of %.9g, bound %.3g", i, images, (double)got[i],
                     expected[i], bound[i]);
}

static void check_model(bool twice)
{
    char path[] = "/tmp/cornu-dense-XXXXXX", name[64];
    cn_model *m = make(twice);
    expect(m, twice);
    check(m, 1);
    check(m, IMAGES);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    snprintf(name, sizeof name, "%s.keras", path);
    assert_int_equal(cn_save(m, name), CN_OK);
    cn_model_free(m);
    const cn_load_options options = {.struct_size = sizeof options, .predict_only = true};
    const char *error;
    if (cn_load(name, &options, &m, &error)) fail_msg("%s", error);
    check(m, IMAGES);
    check(m, 1);
    cn_model_free(m);
    unlink(name);
    unlink(path);
}

static void as_defined(void **state)
{
    (void)state;
    check_model(false);
}

static void weights_are_also_read_as_they_lie(void **state)
{
    (void)state;
    check_model(true);
}

int main(void)
{
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = (float)(i * 7919 % 1000) / 1000 - 0.5f;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_defined),
        cmocka_unit_test(weights_are_also_read_as_they_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
