/* SPDX-License-Identifier: Apache-2.0
 * A training step of a small network on random images: 28x28x1, Conv 32 5x5, MaxPool, Conv 64 5x5, MaxPool, Dense 1000,
 * Dense 10; batch 128, SGD with momentum.  bench_training [threads [batch [valid]]]: the best and the median of the
 * steps. */
#include <cornu/cornu.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    enum { STEPS = 40 };
    int threads = argc > 1 ? atoi(argv[1]) : 2, batch = argc > 2 ? atoi(argv[2]) : 128;
    const cn_padding padding = {.mode = argc > 3 ? CN_PADDING_VALID : CN_PADDING_SAME};
    cn_context *context = cn_context_new();
    cn_set_threads(context, threads);
    cn_model *model = cn_sequential_in(context, NULL);
    cn_add(model, cn_input({28, 28, 1}));
    cn_add(model, cn_conv2d(32, {5}, .padding = padding, .activation = "relu"));
    cn_add(model, cn_max_pooling2d({2}));
    cn_add(model, cn_conv2d(64, {5}, .padding = padding, .activation = "relu"));
    cn_add(model, cn_max_pooling2d({2}));
    cn_add(model, cn_flatten());
    cn_add(model, cn_dense(1000, .activation = "relu"));
    cn_add(model, cn_dense(10, .activation = "softmax"));
    cn_compile(model, .optimizer = cn_sgd(0.01, .momentum = 0.9), .loss = "sparse_categorical_crossentropy");
    float *x = malloc(sizeof *x * (size_t)batch * 784), *y = malloc(sizeof *y * (size_t)batch);
    for (int i = 0; i < batch * 784; i++) x[i] = (float)(i * 7919 % 255) / 255;
    for (int i = 0; i < batch; i++) y[i] = (float)(i % 10);
    const cn_data data = {.x = {.data = x, .rank = 4, .shape = {batch, 28, 28, 1}},
                          .y = {.data = y, .rank = 1, .shape = {batch}}};
    double times[STEPS];
    for (int i = 0; i < STEPS; i++) {
        double start = now();
        if (!cn_train_on_batch(model, &data)) {
            fprintf(stderr, "%s\n", cn_error(model));
            return 1;
        }
        times[i] = now() - start;
    }
    qsort(times, STEPS, sizeof *times, ascending);
    printf("threads %d batch %d: best %.2f ms, median %.2f ms\n", threads, batch, 1e3 * times[0],
           1e3 * times[STEPS / 2]);
    free(x);
    free(y);
    cn_model_free(model);
    cn_context_free(context);
    return 0;
}
