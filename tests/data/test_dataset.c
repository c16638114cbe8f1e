/* SPDX-License-Identifier: Apache-2.0
 * Data sets: every kind of source, resizing against Keras, refusals, results written. */
#include "paths.h"

#include "data/dataset.h"

#include <cornu/data.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- a folder of its own ---- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/cornu-data-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char paths[8][128];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void make(const char *name)
{
    assert_int_equal(mkdir(in_folder(name), 0777), 0);
}

static void write_file(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void write_grey(const char *name, int h, int w, uint8_t value)
{
    uint8_t pixels[256];
    cni_buffer bytes = {0};
    memset(pixels, value, sizeof pixels);
    assert_int_equal(cni_png_write(&bytes, &(cni_image){h, w, 1, pixels}, NULL), CN_OK);
    write_file(name, bytes.data, bytes.size);
    cni_buffer_free(&bytes);
}

static void assert_refused(const char *spec, cn_status wanted, const char *words)
{
    cn_dataset *dataset;
    const char *error;
    assert_int_equal(cn_dataset_load(spec, NULL, &dataset, &error), wanted);
    assert_null(dataset);
    if (!strstr(error, words)) fail_msg("'%s' lacks '%s'", error, words);
}

/* ---- specs ---- */

static void unknown_specs(void **state)
{
    (void)state;
    assert_refused("fashion-mnst", CN_ERR_INVALID, "did you mean fashion-mnist?");
    assert_refused("zzz", CN_ERR_INVALID, "FILE.npz");
    assert_refused("mnist", CN_ERR_INVALID, "write mnist:DIR");
    assert_refused("images:", CN_ERR_INVALID, "write images:DIR");
    assert_refused("fashion-mnist:/x", CN_ERR_INVALID, "takes no folder");
    assert_refused("/nowhere/at.npz", CN_ERR_IO, "/nowhere/at.npz");
    assert_refused("images:/nowhere", CN_ERR_IO, "/nowhere");
    assert_refused("cifar10:/nowhere", CN_ERR_IO, "/nowhere");
    assert_refused("mnist:/nowhere", CN_ERR_IO, "train-images-idx3-ubyte");
}

/* ---- IDX ---- */

static const uint8_t pictures[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4};
static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 9};

static void mnist_files(void **state)
{
    (void)state;
    cn_dataset *dataset;
    const char *error;
    char spec[128];
    snprintf(spec, sizeof spec, "mnist:%s", folder);
    write_file("train-images-idx3-ubyte", pictures, sizeof pictures);
    assert_refused(spec, CN_ERR_IO, "train-labels-idx1-ubyte");
    write_file("train-labels.idx1-ubyte", labels, sizeof labels);
    assert_int_equal(cn_dataset_load(spec, NULL, &dataset, &error), CN_OK);
    assert_null(error);
    const cn_data *train = cn_dataset_train(dataset);
    assert_int_equal(cn_data_rows(train), 2);
    assert_int_equal(train->x.dtype, CN_UINT8);
    assert_int_equal(train->x.rank, 3);
    assert_true(cn_array_value(&train->x, 3) == 4);
    assert_true(cn_array_value(&train->y, 1) == 9);
    assert_true(isnan(cn_array_value(&train->y, 2)));
    assert_null(cn_dataset_test(dataset));
    cn_dataset_free(dataset);
    write_file("train-labels.idx1-ubyte", (uint8_t[]){0, 0, 8, 1, 0, 0, 0, 1, 7}, 9);
    assert_refused(spec, CN_ERR_SHAPE, "2 pictures");
}

/* The first labels of the files, as anybody can see with zcat and od. */
static void fashion_mnist(void **state)
{
    (void)state;
    static const int first[] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5}, first_test[] = {9, 2, 1, 1, 6, 1, 4, 6, 5, 7};
    cn_dataset *dataset;
    const char *error;
    if (access("/usr/share/datasets/fashion-mnist", F_OK)) {
        assert_refused("fashion-mnist", CN_ERR_IO, "apt-get install dataset-fashion-mnist");
        print_message("dataset-fashion-mnist is not installed\n");
        skip();
    }
    assert_int_equal(cn_dataset_load("fashion-mnist", NULL, &dataset, &error), CN_OK);
    const cn_data *train = cn_dataset_train(dataset), *test = cn_dataset_test(dataset);
    assert_int_equal(cn_data_rows(train), 60000);
    assert_int_equal(cn_data_rows(test), 10000);
    assert_int_equal(test->x.shape[2], 28);
    for (int i = 0; i < 10; i++) {
        assert_int_equal((int)cn_array_value(&train->y, i), first[i]);
        assert_int_equal((int)cn_array_value(&test->y, i), first_test[i]);
    }
    assert_int_equal(cn_dataset_class_count(dataset), 10);
    assert_string_equal(cn_dataset_class_name(dataset, 9), "Ankle boot");
    assert_null(cn_dataset_class_name(dataset, 10));
    cn_dataset_free(dataset);
    const cn_dataset_options little = {.struct_size = sizeof little, .memory = 1 << 20};
    assert_int_not_equal(cn_dataset_load("fashion-mnist", &little, &dataset, &error), CN_OK);
    assert_null(dataset);
}

/* ---- CIFAR-10 ---- */

static void cifar_files(void **state)
{
    (void)state;
    static uint8_t record[3073];
    char spec[128];
    cn_dataset *dataset;
    snprintf(spec, sizeof spec, "cifar10:%s", folder);
    assert_refused(spec, CN_ERR_IO, "data_batch_1.bin");
    for (int file = 1; file <= 2; file++) {
        record[0] = (uint8_t)file;
        record[1] = (uint8_t)(10 * file);
        write_file(file == 1 ? "data_batch_1.bin" : "data_batch_2.bin", record, sizeof record);
    }
    assert_int_equal(cn_dataset_load(spec, NULL, &dataset, NULL), CN_OK);
    const cn_data *train = cn_dataset_train(dataset);
    assert_int_equal(cn_data_rows(train), 2);
    assert_true(cn_array_value(&train->y, 1) == 2);
    assert_true(cn_array_value(&train->x, 32 * 32 * 3) == 20);
    assert_string_equal(cn_dataset_class_name(dataset, 2), "bird");
    cn_dataset_free(dataset);

    cn_dataset_options options = {.struct_size = sizeof options, .scale = 1.0 / 255};
    assert_int_equal(cn_dataset_load(spec, &options, &dataset, NULL), CN_OK);
    assert_int_equal(cn_dataset_train(dataset)->x.dtype, CN_FLOAT32);
    assert_true(cn_array_value(&cn_dataset_train(dataset)->x, 32 * 32 * 3) == (double)(20.0F / 255));
    assert_true(cn_array_value(&cn_dataset_train(dataset)->y, 1) == 2);
    cn_dataset_free(dataset);
    const char *error;
    options.scale = NAN;
    assert_int_equal(cn_dataset_load(spec, &options, &dataset, &error), CN_ERR_INVALID);
    assert_non_null(strstr(error, "scale is NaN"));
    assert_null(dataset);
    options.struct_size -= sizeof options.scale;
    assert_int_equal(cn_dataset_load(spec, &options, &dataset, &error), CN_ERR_VERSION);
    write_file("data_batch_3.bin", record, 100);
    assert_refused(spec, CN_ERR_FORMAT, "data_batch_3.bin: 100 bytes");
}

/* ---- folders of pictures ---- */

static void picture_folders(void **state)
{
    (void)state;
    char spec[128];
    cn_dataset *dataset;
    make("ants"), make("bees");
    snprintf(spec, sizeof spec, "images:%s", folder);
    write_grey("ants/a.png", 4, 5, 10), write_grey("ants/b.PNG", 4, 5, 11);
    write_grey("ants/c.png", 4, 5, 12), write_grey("ants/d.png", 4, 5, 13);
    write_grey("bees/a.png", 4, 5, 20), write_grey("bees/b.png", 4, 5, 21);
    write_file("bees/notes.txt", "x", 1);
    assert_int_equal(cn_dataset_load(spec, NULL, &dataset, NULL), CN_OK);
    const cn_data *train = cn_dataset_train(dataset);
    const int64_t shape[] = {6, 4, 5, 3};
    assert_memory_equal(train->x.shape, shape, sizeof shape);
    /* Places: ants 1/8 3/8 5/8 7/8, bees 1/4 3/4. */
    static const uint8_t values[] = {10, 20, 11, 12, 21, 13}, classes[] = {0, 1, 0, 0, 1, 0};
    for (int i = 0; i < 6; i++) {
        assert_int_equal((int)cn_array_value(&train->x, i * 60 + 59), values[i]);
        assert_int_equal((int)cn_array_value(&train->y, i), classes[i]);
    }
    assert_string_equal(cn_dataset_class_name(dataset, 1), "bees");
    assert_non_null(strstr(cn_dataset_note(dataset), "1 file passed over"));
    assert_null(cn_dataset_test(dataset));
    cn_dataset_free(dataset);
    write_grey("bees/c.png", 5, 5, 1);
    assert_refused(spec, CN_ERR_SHAPE, "5x5 pixels, but the pictures before have 5x4");
    write_file("bees/c.png", "no", 2);
    assert_refused(spec, CN_ERR_FORMAT, "bees/c.png");
    make("cats");
    assert_refused(spec, CN_ERR_FORMAT, "cats: holds no .png");
}

static void picture_folders_with_test(void **state)
{
    (void)state;
    char spec[128];
    cn_dataset *dataset;
    make("train"), make("test"), make("train/a"), make("train/b"), make("test/b");
    write_grey("train/a/1.png", 2, 2, 1), write_grey("train/b/1.png", 2, 2, 2), write_grey("test/b/1.png", 2, 2, 3);
    snprintf(spec, sizeof spec, "images:%s", folder);
    assert_int_equal(cn_dataset_load(spec, NULL, &dataset, NULL), CN_OK);
    assert_int_equal(cn_data_rows(cn_dataset_train(dataset)), 2);
    assert_int_equal(cn_data_rows(cn_dataset_test(dataset)), 1);
    assert_int_equal((int)cn_array_value(&cn_dataset_test(dataset)->y, 0), 1);
    assert_int_equal(cn_dataset_class_count(dataset), 2);
    cn_dataset_free(dataset);
    assert_int_equal(cn_dataset_load_labels(spec, &dataset, NULL), CN_OK);
    assert_string_equal(cn_dataset_class_name(dataset, 1), "b");
    cn_dataset_free(dataset);
    make("test/c");
    assert_refused(spec, CN_ERR_FORMAT, "no such class");
}

/* keras.ops.image.resize([[0, 30], [60, 90]], (3, 4), "bilinear"), rounded up from a half; and without a change. */
static void resizing(void **state)
{
    (void)state;
    static uint8_t pixels[] = {0, 30, 60, 90};
    static const uint8_t larger[] = {0, 8, 23, 30, 30, 38, 53, 60, 60, 68, 83, 90};
    const cni_image image = {2, 2, 1, pixels};
    uint8_t out[12];
    cni_picture_resize(&image, &(cni_picture_form){3, 4, 1, false, false}, out);
    assert_memory_equal(out, larger, 12);
    cni_picture_resize(&image, &(cni_picture_form){2, 2, 1, false, false}, out);
    assert_memory_equal(out, pixels, 4);
    /* keras.ops.image.resize([[0, 10, 20, 40]], (1, 2)): the middle of each pair. */
    static uint8_t row[] = {0, 10, 20, 40};
    cni_picture_resize(&(cni_image){1, 4, 1, row}, &(cni_picture_form){1, 2, 1, false, false}, out);
    assert_memory_equal(out, ((uint8_t[]){5, 30}), 2);
    /* channels_first: planes. */
    static uint8_t colours[] = {1, 2, 3, 4, 5, 6};
    cni_picture_resize(&(cni_image){1, 2, 3, colours}, &(cni_picture_form){1, 2, 3, true, false}, out);
    assert_memory_equal(out, ((uint8_t[]){1, 4, 2, 5, 3, 6}), 6);
}

/* ---- .npz ---- */

static cn_array column(const float *values, int64_t rows)
{
    return (cn_array){values, CN_FLOAT32, 2, {rows, 1}};
}

static void save(const char *name, int count, const char *const *names)
{
    static const float values[] = {1, 2, 3};
    cn_array arrays[8];
    for (int i = 0; i < count; i++) arrays[i] = column(values, 3);
    assert_int_equal(cn_arrays_save(in_folder(name), count, arrays, names, NULL), CN_OK);
}

static void npz_files(void **state)
{
    (void)state;
    cn_dataset *dataset;
    save("all.npz", 5, (const char *[]){"x_train", "y_train", "x_test", "y_test", "sample_weight"});
    assert_int_equal(cn_dataset_load(in_folder("all.npz"), NULL, &dataset, NULL), CN_OK);
    assert_true(cn_array_value(&cn_dataset_test(dataset)->y, 2) == 3);
    assert_non_null(cn_dataset_train(dataset)->sample_weight.data);
    assert_null(cn_dataset_test(dataset)->sample_weight.data);
    cn_dataset_free(dataset);
    save("short.npz", 2, (const char *[]){"x", "y"});
    assert_int_equal(cn_dataset_load(in_folder("short.npz"), NULL, &dataset, NULL), CN_OK);
    assert_int_equal(cn_data_rows(cn_dataset_train(dataset)), 3);
    assert_null(cn_dataset_test(dataset));
    cn_dataset_free(dataset);
    save("many.npz", 4, (const char *[]){"x_train_0", "x_train_1", "y_train0", "y_train1"});
    assert_int_equal(cn_dataset_load(in_folder("many.npz"), NULL, &dataset, NULL), CN_OK);
    const cn_data *train = cn_dataset_train(dataset);
    assert_null(train->x.data);
    assert_non_null(train->inputs[1].data);
    assert_null(train->inputs[2].data);
    assert_non_null(train->targets[1].data);
    assert_int_equal(cn_data_rows(train), 3);
    cn_dataset_free(dataset);
    save("no_y.npz", 1, (const char *[]){"x_train"});
    assert_refused(in_folder("no_y.npz"), CN_ERR_FORMAT, "holds x_train but no y_train");
    save("odd.npz", 2, (const char *[]){"images", "labels"});
    assert_refused(in_folder("odd.npz"), CN_ERR_FORMAT, "its arrays are images, labels");
}

/* ---- inputs of predict ---- */

static cn_status load_inputs(int count, const char *a, const char *b, cn_dataset **dataset, const char **error)
{
    return cn_dataset_load_inputs(count, (const char *[]){a, b}, NULL, dataset, error);
}

static void inputs(void **state)
{
    (void)state;
    cn_dataset *dataset;
    const char *error;
    const float values[] = {1, 2, 3};
    const cn_array array = column(values, 3);
    write_grey("a.png", 2, 3, 7), write_grey("b.png", 2, 3, 8), write_grey("c.png", 3, 3, 8);
    write_file("text", "hello world", 11);
    assert_int_equal(cn_arrays_save(in_folder("x.npy"), 1, &array, NULL, NULL), CN_OK);
    assert_int_equal(load_inputs(2, in_folder("a.png"), in_folder("b.png"), &dataset, &error), CN_OK);
    const int64_t shape[] = {2, 2, 3, 1};
    assert_memory_equal(cn_dataset_test(dataset)->x.shape, shape, sizeof shape);
    assert_string_equal(cn_dataset_row_name(dataset, 1), in_folder("b.png"));
    assert_null(cn_dataset_row_name(dataset, 2));
    cn_dataset_free(dataset);
    assert_int_equal(load_inputs(1, in_folder("x.npy"), NULL, &dataset, &error), CN_OK);
    assert_true(cn_array_value(&cn_dataset_test(dataset)->x, 1) == 2);
    cn_dataset_free(dataset);
    assert_int_equal(load_inputs(2, in_folder("a.png"), in_folder("c.png"), &dataset, &error), CN_ERR_SHAPE);
    assert_int_equal(load_inputs(2, in_folder("x.npy"), in_folder("x.npy"), &dataset, &error), CN_ERR_SHAPE);
    assert_int_equal(load_inputs(2, in_folder("a.png"), in_folder("x.npy"), &dataset, &error), CN_ERR_FORMAT);
    assert_int_equal(load_inputs(1, in_folder("text"), NULL, &dataset, &error), CN_ERR_UNSUPPORTED);
    assert_non_null(strstr(error, "no PNG, JPEG, .npy or .npz"));
    assert_int_equal(load_inputs(1, "-", NULL, &dataset, &error), CN_ERR_UNSUPPORTED);
    assert_int_equal(load_inputs(0, NULL, NULL, &dataset, &error), CN_ERR_INVALID);
}

static void labels_of_files(void **state)
{
    (void)state;
    cn_dataset *dataset;
    const char *error;
    write_file("labels.txt", "cat\r\nblue dog\n\n", 15);
    assert_int_equal(cn_dataset_load_labels(in_folder("labels.txt"), &dataset, &error), CN_OK);
    assert_int_equal(cn_dataset_class_count(dataset), 2);
    assert_string_equal(cn_dataset_class_name(dataset, 0), "cat");
    assert_string_equal(cn_dataset_class_name(dataset, 1), "blue dog");
    cn_dataset_free(dataset);
    assert_int_equal(cn_dataset_load_labels("cifar10", &dataset, &error), CN_OK);
    assert_string_equal(cn_dataset_class_name(dataset, 9), "truck");
    cn_dataset_free(dataset);
    write_file("empty.txt", "\n", 1);
    assert_int_equal(cn_dataset_load_labels(in_folder("empty.txt"), &dataset, &error), CN_ERR_FORMAT);
    assert_int_equal(cn_dataset_load_labels(in_folder("none.txt"), &dataset, &error), CN_ERR_IO);
}

static void saving(void **state)
{
    (void)state;
    const float values[] = {1, 2, 3};
    const cn_array arrays[] = {column(values, 3), column(values, 3)};
    const char *error;
    assert_int_equal(cn_arrays_save(in_folder("two.npy"), 2, arrays, NULL, &error), CN_ERR_INVALID);
    assert_non_null(strstr(error, "2 arrays go into an .npz"));
    assert_int_equal(cn_arrays_save("/dev/null/x.npy", 1, arrays, NULL, &error), CN_ERR_IO);
    assert_int_equal(cn_text_save(in_folder("text"), "one\n", NULL), CN_OK);
    struct stat info;
    assert_int_equal(stat(in_folder("text"), &info), 0);
    assert_int_equal(info.st_size, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_specs),   TEST(mnist_files),
        TEST(fashion_mnist),   TEST(cifar_files),
        TEST(picture_folders), TEST(resizing),
        TEST(npz_files),       TEST(labels_of_files),
        TEST(inputs),          TEST(picture_folders_with_test),
        TEST(saving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
