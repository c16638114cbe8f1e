/* SPDX-License-Identifier: Apache-2.0
 * A program of somebody who only has the installed library: it trains on arrays, and needs no file for that.
 * Pictures of 8x8 pixels, bright on the left (class 0) or on the right (class 1), over some noise. */
#include <cornu/cornu.h>
#include <stdio.h>

enum { PICTURES = 128, SIDE = 8 };

static float pictures[PICTURES][SIDE][SIDE][1];
static int32_t classes[PICTURES];

static void draw(void)
{
    unsigned noise = 1;
    for (int i = 0; i < PICTURES; i++) {
        classes[i] = i % 2;
        for (int row = 0; row < SIDE; row++)
            for (int column = 0; column < SIDE; column++) {
                noise = noise * 1664525u + 1013904223u;
                pictures[i][row][column][0] = (column / (SIDE / 2) == classes[i]) + (float)(noise >> 24) / 512.0f;
            }
    }
}

int main(void)
{
    draw();
    const cn_array x = {pictures, CN_FLOAT32, 4, {PICTURES, SIDE, SIDE, 1}}, y = {classes, CN_INT32, 1, {PICTURES}};
    cn_set_random_seed(1);
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({SIDE, SIDE, 1}));
    cn_add(model, cn_conv2d(4, {3, 3}, .activation = "relu"));
    cn_add(model, cn_flatten());
    cn_add(model, cn_dense(2, .activation = "softmax"));
    cn_compile(model, .optimizer = cn_sgd(0.05), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"});
    cn_fit(model, x, y, .batch_size = 16, .epochs = 10);
    const cn_logs *result = cn_evaluate(model, x, y);
    if (cn_failed(model)) {
        fprintf(stderr, "%s\n", cn_error(model));
        return 1;
    }
    const double accuracy = cn_logs_get(result, "accuracy");
    printf("Cornu %s, accuracy %.3f\n", cn_version(), accuracy);
    cn_model_free(model);
    return accuracy < 0.95;
}
