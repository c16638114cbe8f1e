/* SPDX-License-Identifier: Apache-2.0
 * A functional model: a residual block, and a second input that joins at the end; trained on made-up data. */
#include <cornu/cornu.h>
#include <stdio.h>

enum { ROWS = 64, SIZE = 8 };

static cn_model *make_model(void)
{
    cn_model *model = cn_functional();
    cn_node *picture = cn_input_node(model, cn_input(.shape = {SIZE, SIZE, 3}, .name = "picture"));
    cn_node *weight = cn_input_node(model, cn_input(.shape = {1}, .name = "weight"));

    cn_node *x =
        cn_call(model, cn_conv2d(.filters = 16, .kernel_size = {3}, .padding = CN_SAME, .activation = "relu"), picture);
    cn_node *y = cn_call(model, cn_conv2d(.filters = 16, .kernel_size = {3}, .padding = CN_SAME, .no_bias = true), x);
    y = cn_call(model, cn_batch_normalization(), y);
    y = cn_call(model, cn_add_layer(), y, x);
    y = cn_call(model, cn_relu(), y);
    y = cn_call(model, cn_global_average_pooling2d(), y);
    y = cn_call(model, cn_concatenate_layer(), y, weight);
    y = cn_call(model, cn_dense(.units = 2, .activation = "softmax"), y);
    cn_outputs(model, y);
    cn_compile(model, .optimizer = cn_adam(.learning_rate = 0.01), .loss = "sparse_categorical_crossentropy",
               .metrics = {"accuracy"});
    return model;
}

int main(void)
{
    static float pictures[ROWS][SIZE][SIZE][3], weights[ROWS][1];
    static uint8_t labels[ROWS];
    for (int i = 0; i < ROWS; i++) { /* class 1 is brighter to the right */
        labels[i] = i % 2;
        weights[i][0] = (float)(i % 5);
        for (int p = 0; p < SIZE * SIZE * 3; p++)
            pictures[i][p / (SIZE * 3)][p / 3 % SIZE][p % 3] =
                (float)((i * 31 + p * 17) % 13) / 13 + (float)(labels[i] * (p / 3 % SIZE)) / 8;
    }
    const cn_array x = {pictures, CN_FLOAT32, 4, {ROWS, SIZE, SIZE, 3}}, w = {weights, CN_FLOAT32, 2, {ROWS, 1}};
    const cn_array y = {labels, CN_UINT8, 1, {ROWS}}, none = {NULL, CN_FLOAT32, 0, {0}};

    cn_set_random_seed(1);
    cn_model *model = make_model();
    const cn_history *history = cn_fit(model, none, y, .inputs = {x, w}, .batch_size = 16, .epochs = 20);
    for (int i = 0; i < cn_history_count(history); i++) {
        int epochs;
        const double *values = cn_history_values(history, i, &epochs);
        printf("%s: %.4f at first, %.4f at last\n", cn_history_name(history, i), values[0], values[epochs - 1]);
    }
    if (cn_failed(model))
        fprintf(stderr, "%s\n", cn_error(model));
    else
        puts(cn_summary(model, NULL));
    const int failed = cn_failed(model);
    cn_model_free(model);
    return failed;
}
