/* SPDX-License-Identifier: Apache-2.0
 * Trains a small network on 60,000 pictures of clothes (apt-get install dataset-fashion-mnist), and saves it for Keras.
 *     cc fashion_mnist.c -o fashion_mnist $(pkg-config --cflags --libs cornu) */
#include <cornu/cornu.h>
#include <cornu/data.h>
#include <stdio.h>

int main(void)
{
    cn_dataset *clothes;
    const char *error;
    if (cn_dataset_load("fashion-mnist", NULL, &clothes, &error)) return printf("%s\n", error), 1;
    const cn_data *train = cn_dataset_train(clothes), *test = cn_dataset_test(clothes);

    cn_set_random_seed(42);
    cn_model *model = cn_sequential();
    cn_add(model, cn_input(.shape = {28, 28, 1}));
    cn_add(model, cn_rescaling(.scale = {1.0 / 255}));
    cn_add(model, cn_conv2d(.filters = 32, .kernel_size = {3, 3}, .padding = CN_SAME, .activation = "relu"));
    cn_add(model, cn_max_pooling2d(.pool_size = {2, 2}));
    cn_add(model, cn_conv2d(.filters = 64, .kernel_size = {3, 3}, .activation = "relu"));
    cn_add(model, cn_max_pooling2d(.pool_size = {2, 2}));
    cn_add(model, cn_flatten());
    cn_add(model, cn_dense(.units = 10, .activation = "softmax"));
    cn_compile(model, .optimizer = cn_adam(), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"});
    const cn_history *history = cn_fit(model, train->x, train->y, .batch_size = 64, .epochs = 2);
    const cn_logs *logs = history ? cn_evaluate(model, test->x, test->y) : NULL;
    if (logs) printf("test accuracy %.4f\n", cn_logs_get(logs, "accuracy"));
    if (logs) cn_save(model, "fashion.keras");

    const bool failed = cn_failed(model);
    if (failed) fprintf(stderr, "%s\n", cn_error(model));
    cn_model_free(model);
    cn_dataset_free(clothes);
    return failed;
}
