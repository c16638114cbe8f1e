/* SPDX-License-Identifier: Apache-2.0
 * Weights that do not fit, or are damaged: the model has what it had. */
#include "paths.h"

#include "formats/bytes.h"

#include <cornu/cornu.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char golden[] = CORNU_SOURCE_DIR "/tests/golden/files/weights.weights.h5";

/* The model of weights.weights.h5, or one whose last layer differs. */
static cn_model *network(int units)
{
    cn_model *model = cn_sequential();
    cn_add(model, cn_input({8, 8, 2}));
    cn_add(model, cn_conv2d(3, {3}, .strides = {2}, .activation = "relu"));
    cn_add(model, cn_flatten());
    cn_add(model, cn_dense(units, .activation = "softmax"));
    cn_compile(model, .optimizer = cn_adam(), .loss = "categorical_crossentropy");
    assert_string_equal(cn_error(model), "");
    return model;
}

typedef struct kept {
    float kernel[3 * 3 * 2 * 3], bias[3], dense[27 * 3];
    double rate;
} kept;

static kept look(const cn_model *model)
{
    kept k = {.rate = cn_learning_rate(model)};
    memcpy(k.kernel, cn_weight(model, 0).data, sizeof k.kernel);
    memcpy(k.bias, cn_weight(model, 1).data, sizeof k.bias);
    memcpy(k.dense, cn_weight(model, 2).data, sizeof k.dense);
    return k;
}

static void a_later_layer_that_does_not_fit_leaves_the_first_alone(void **state)
{
    (void)state;
    cn_model *model = network(4);
    const kept before = look(model);
    assert_int_equal(cn_load_weights(model, golden), CN_ERR_SHAPE);
    assert_non_null(strstr(cn_error(model), "dense"));
    const kept after = look(model);
    assert_memory_equal(before.kernel, after.kernel, sizeof before.kernel);
    assert_memory_equal(before.dense, after.dense, sizeof before.dense);
    cn_model_free(model);
}

/* Every beginning of the file, and every byte of it changed: all of the weights, or none. */
static void damage_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    char path[] = "/tmp/cornu-weights-XXXXXX.weights.h5";
    const int fd = mkstemps(path, 11);
    assert_true(fd >= 0);
    cni_arena arena = {0};
    cni_error error = {0};
    cni_bytes file;
    assert_int_equal(cni_file_read(&arena, golden, 1 << 20, &file, &error), CN_OK);
    uint8_t *damaged = malloc(file.size);
    assert_non_null(damaged);
    cn_model *model = network(3);
    const kept first = look(model);
    int refused = 0, taken = 0;
    for (size_t i = 0; i < file.size; i += 61) {
        memcpy(damaged, file.data, file.size);
        damaged[i] ^= 0x15;
        const size_t size = i % 2 ? file.size : i;
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, damaged, size, 0), (ssize_t)size);
        const bool good = cn_load_weights(model, path) == CN_OK;
        const kept after = look(model);
        if (!good) {
            assert_memory_equal(&first, &after, sizeof first);
            refused++;
            continue;
        }
        taken++;
        cn_model_free(model); /* the seeds go on, but what is compared begins anew */
        model = network(3);
        for (int k = 0; k < 3; k++) {
            const float *from = k == 0 ? first.kernel : k == 1 ? first.bias : first.dense;
            cn_array w = cn_weight(model, k);
            w.data = from;
            assert_int_equal(cn_set_weight(model, k, w), CN_OK);
        }
    }
    assert_true(refused > 50 && taken > 50);
    cn_model_free(model);
    free(damaged);
    cni_arena_free(&arena);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_layer_that_does_not_fit_leaves_the_first_alone),
        cmocka_unit_test(damage_is_taken_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
