/* SPDX-License-Identifier: Apache-2.0
 * What the HDF5 writer writes, the reader reads back: values, shapes, thousands of names, texts of every length; and
 * the limits of both. */
#include "formats/hdf5/hdf5.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* A writer, and after serialising the file that it wrote. */
typedef struct fixture {
    cni_arena arena;
    cni_h5_writer *writer;
    cni_h5_item *root;
    cni_buffer bytes;
    cni_error error;
    cni_h5 *file;
} fixture;

static void start(fixture *f)
{
    *f = (fixture){0};
    f->writer = cni_h5_writer_new(&f->arena);
    f->root = cni_h5_writer_root(f->writer);
    assert_non_null(f->root);
}

static void reopen(fixture *f, const cni_limits *limits)
{
    if (cni_h5_serialise(f->writer, &f->bytes, &f->error) ||
        cni_h5_open(&f->arena, cni_buffer_bytes(&f->bytes), limits, &f->file, &f->error))
        fail_msg("%s", f->error.text);
}

static void finish(fixture *f)
{
    cni_buffer_free(&f->bytes);
    cni_arena_free(&f->arena);
}

static cni_h5_object *get(fixture *f, const char *path)
{
    cni_h5_object *object = NULL;
    if (cni_h5_get(cni_h5_root(f->file), path, &object, &f->error)) fail_msg("%s", f->error.text);
    return object;
}

static const char *text_of(fixture *f, const char *path, const char *name)
{
    const cni_h5_attribute *a = NULL;
    const char *text = NULL;
    if (cni_h5_attribute_find(get(f, path), name, &a, &f->error)) fail_msg("%s", f->error.text);
    assert_non_null(a);
    if (cni_h5_attribute_text(a, &text, &f->error)) fail_msg("%s", f->error.text);
    return text;
}

static void datasets_come_back(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const float kernel[2][3] = {{0, -1.5f, 2}, {3.25f, 1e-40f, 5}};
    const double scalar = 1.0 / 3;
    const int32_t small = INT32_MIN;
    const int64_t large = INT64_MAX;
    const uint32_t seeds[2] = {7, UINT32_MAX};
    const uint8_t bytes[3] = {0, 1, 255};
    cni_h5_add_dataset(f.root, "layers/conv2d/vars/0", CNI_H5_STORE_F32, 2, (uint64_t[]){2, 3}, kernel);
    cni_h5_add_dataset(f.root, "f64", CNI_H5_STORE_F64, 0, NULL, &scalar);
    cni_h5_add_dataset(f.root, "i32", CNI_H5_STORE_I32, 0, NULL, &small);
    cni_h5_add_dataset(f.root, "i64", CNI_H5_STORE_I64, 0, NULL, &large);
    cni_h5_add_dataset(f.root, "u32", CNI_H5_STORE_U32, 1, (uint64_t[]){2}, seeds);
    cni_h5_add_dataset(f.root, "u8", CNI_H5_STORE_U8, 1, (uint64_t[]){3}, bytes);
    cni_h5_add_dataset(f.root, "empty", CNI_H5_STORE_F32, 2, (uint64_t[]){0, 4}, NULL);
    cni_h5_add_group(f.root, "layers/dropout/vars");
    reopen(&f, NULL);

    float read[2][3];
    cni_h5_info info;
    assert_int_equal(cni_h5_dataset_info(get(&f, "layers/conv2d/vars/0"), &info, &f.error), CN_OK);
    assert_int_equal(info.rank, 2);
    assert_true(info.dims[0] == 2 && info.dims[1] == 3 && info.count == 6);
    assert_string_equal(info.type.name, "float32");
    assert_int_equal(cni_h5_read_f32(get(&f, "layers/conv2d/vars/0"), &read[0][0], 6, &f.error), CN_OK);
    assert_memory_equal(read, kernel, sizeof kernel);

    double f64;
    int32_t i32;
    int64_t i64;
    uint32_t u32[2];
    uint8_t u8[3];
    assert_int_equal(cni_h5_read(get(&f, "f64"), CNI_H5_F64, &f64, 1, &f.error), CN_OK);
    assert_true(f64 == scalar);
    assert_int_equal(cni_h5_read(get(&f, "i32"), CNI_H5_I32, &i32, 1, &f.error), CN_OK);
    assert_true(i32 == INT32_MIN);
    assert_int_equal(cni_h5_read(get(&f, "i64"), CNI_H5_I64, &i64, 1, &f.error), CN_OK);
    assert_true(i64 == INT64_MAX);
    assert_int_equal(cni_h5_read(get(&f, "u32"), CNI_H5_U32, u32, 2, &f.error), CN_OK);
    assert_memory_equal(u32, seeds, sizeof seeds);
    assert_int_equal(cni_h5_read(get(&f, "u8"), CNI_H5_U8, u8, 3, &f.error), CN_OK);
    assert_memory_equal(u8, bytes, sizeof bytes);
    assert_int_equal(cni_h5_read_raw(get(&f, "u32"), u32, sizeof u32, &f.error), CN_OK);
    assert_memory_equal(u32, seeds, sizeof seeds);
    assert_int_equal(cni_h5_dataset_info(get(&f, "empty"), &info, &f.error), CN_OK);
    assert_true(info.rank == 2 && info.dims[1] == 4 && info.count == 0);
    assert_int_equal(cni_h5_read_f32(get(&f, "empty"), NULL, 0, &f.error), CN_OK);
    const char *const *names;
    size_t count;
    assert_int_equal(cni_h5_children(get(&f, "layers/dropout/vars"), &names, &count, &f.error), CN_OK);
    assert_int_equal(count, 0);
    finish(&f);
}

static void numbers_are_converted_or_refused(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const int64_t integers[3] = {16777217, -3, INT64_MIN};
    const float real = 0.1f;
    cni_h5_add_dataset(f.root, "i", CNI_H5_STORE_I64, 1, (uint64_t[]){3}, integers);
    cni_h5_add_dataset(f.root, "r", CNI_H5_STORE_F32, 0, NULL, &real);
    reopen(&f, NULL);
    float read[3];
    double wide;
    int32_t narrow[3];
    assert_int_equal(cni_h5_read_f32(get(&f, "i"), read, 3, &f.error), CN_OK);
    assert_true(read[0] == 16777216.0f && read[1] == -3 && read[2] == -0x1p63f); /* 2^24 + 1 rounds to even */
    assert_int_equal(cni_h5_read(get(&f, "r"), CNI_H5_F64, &wide, 1, &f.error), CN_OK);
    assert_true(wide == (double)0.1f);
    assert_int_equal(cni_h5_read(get(&f, "i"), CNI_H5_I32, narrow, 3, &f.error), CN_ERR_NUMERIC);
    cni_error_clear(&f.error);
    assert_int_equal(cni_h5_read(get(&f, "r"), CNI_H5_I32, narrow, 1, &f.error), CN_ERR_UNSUPPORTED);
    cni_error_clear(&f.error);
    assert_int_equal(cni_h5_read_f32(get(&f, "i"), read, 2, &f.error), CN_ERR_SHAPE);
    assert_non_null(strstr(f.error.text, "\"/i\" has 3 elements; 2 expected"));
    finish(&f);
}

static void attributes_come_back(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const char *const names[3] = {"conv2d", "", "d\xc3\xa9nse"};
    const double numbers[2] = {1.5, -2};
    const int64_t one = -7;
    cni_h5_item *vars = cni_h5_add_group(f.root, "vars");
    cni_h5_add_text(f.root, "backend", "jax");
    cni_h5_add_texts(vars, "layer_names", names, 3);
    cni_h5_add_texts(vars, "weight_names", NULL, 0);
    cni_h5_add_numbers(vars, "numbers", CNI_H5_STORE_F64, 1, (uint64_t[]){2}, numbers);
    cni_h5_add_numbers(vars, "one", CNI_H5_STORE_I64, 0, NULL, &one);
    reopen(&f, NULL);
    assert_string_equal(text_of(&f, "", "backend"), "jax");
    const cni_h5_attribute *a = NULL;
    const char *const *read;
    size_t count = 9;
    double two[2];
    int32_t integer;
    assert_int_equal(cni_h5_attribute_find(get(&f, "vars"), "layer_names", &a, &f.error), CN_OK);
    assert_int_equal(cni_h5_attribute_texts(a, &read, &count, &f.error), CN_OK);
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++) assert_string_equal(read[i], names[i]);
    assert_int_equal(cni_h5_attribute_find(get(&f, "vars"), "weight_names", &a, &f.error), CN_OK);
    assert_int_equal(cni_h5_attribute_texts(a, &read, &count, &f.error), CN_OK);
    assert_int_equal(count, 0);
    assert_int_equal(cni_h5_attribute_find(get(&f, "vars"), "numbers", &a, &f.error), CN_OK);
    assert_int_equal(cni_h5_attribute_read(a, CNI_H5_F64, two, 2, &f.error), CN_OK);
    assert_true(two[0] == 1.5 && two[1] == -2);
    assert_int_equal(cni_h5_attribute_find(get(&f, "vars"), "one", &a, &f.error), CN_OK);
    assert_int_equal(cni_h5_attribute_read(a, CNI_H5_I32, &integer, 1, &f.error), CN_OK);
    assert_int_equal(integer, -7);
    assert_int_equal(cni_h5_attribute_find(get(&f, "vars"), "absent", &a, &f.error), CN_OK);
    assert_null(a);
    finish(&f);
}

static void name_of(char name[32], int i)
{
    snprintf(name, 32, "conv2d_%d", i);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* 8 names make a symbol table node, 32 of those a B-tree node, 32 of those the next level. */
static void groups_of_any_size_come_back(void **state)
{
    (void)state;
    static const int sizes[] = {1, 7, 8, 9, 255, 256, 257, 3000, 8192, 8193};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int n = sizes[s];
        fixture f;
        start(&f);
        cni_h5_item *group = cni_h5_add_group(f.root, "layers");
        float *values = malloc((size_t)n * sizeof *values);
        char(*sorted)[32] = malloc((size_t)n * sizeof *sorted);
        for (int i = 0; i < n; i++) {
            name_of(sorted[i], i);
            values[i] = (float)i;
            cni_h5_add_dataset(group, sorted[i], CNI_H5_STORE_F32, 0, NULL, &values[i]);
        }
        reopen(&f, NULL);
        qsort(sorted, (size_t)n, sizeof *sorted, by_text);
        const char *const *names;
        size_t count;
        assert_int_equal(cni_h5_children(get(&f, "layers"), &names, &count, &f.error), CN_OK);
        assert_int_equal(count, n);
        for (int i = 0; i < n; i++) {
            char path[64], name[32];
            float value = -1;
            assert_string_equal(names[i], sorted[i]);
            name_of(name, i);
            snprintf(path, sizeof path, "layers/%s", name);
            assert_int_equal(cni_h5_read_f32(get(&f, path), &value, 1, &f.error), CN_OK);
            assert_true(value == (float)i);
        }
        free(values);
        free(sorted);
        finish(&f);
    }
}

/* A collection of 4096 bytes holds one text of 4064: 16 bytes for its own head, 16 for the text's. */
static void texts_of_any_length_come_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 7, 8, 9, 4055, 4056, 4057, 4063, 4064, 4065, 4072, 4080, 70000, 3000000};
    enum { COUNT = sizeof lengths / sizeof *lengths };
    fixture f;
    start(&f);
    char *text = malloc(3000001), name[32];
    for (int i = 0; i < COUNT; i++) {
        memset(text, 'a' + i, lengths[i]);
        text[lengths[i]] = 0;
        name_of(name, i);
        cni_h5_add_text(f.root, name, text);
    }
    reopen(&f, NULL);
    for (int i = 0; i < COUNT; i++) {
        memset(text, 'a' + i, lengths[i]);
        text[lengths[i]] = 0;
        name_of(name, i);
        assert_string_equal(text_of(&f, "", name), text);
    }
    free(text);
    finish(&f);
}

static cn_status write_status(fixture *f, const char *part)
{
    const cn_status status = cni_h5_serialise(f->writer, &f->bytes, &f->error);
    if (part && !strstr(f->error.text, part)) fail_msg("\"%s\" expected in \"%s\"", part, f->error.text);
    finish(f);
    return status;
}

/* 65528 bytes are the most for a message: 64 of heads for a name of one letter, 16 for each text. */
static void attributes_beyond_64_kib_are_refused(void **state)
{
    (void)state;
    const char **texts = malloc(5000 * sizeof *texts);
    for (int i = 0; i < 5000; i++) texts[i] = "x";
    fixture f;
    start(&f);
    cni_h5_add_texts(f.root, "a", texts, 4091);
    assert_int_equal(write_status(&f, NULL), CN_OK);
    start(&f);
    cni_h5_add_texts(f.root, "a", texts, 4092);
    assert_int_equal(write_status(&f, "attribute \"a\" of \"\" has more than 64 KiB; split it"), CN_ERR_LIMIT);
    start(&f);
    cni_h5_add_texts(f.root, "a", texts, 5000);
    assert_int_equal(write_status(&f, "split it"), CN_ERR_LIMIT);
    free(texts);
}

static void impossible_trees_are_refused(void **state)
{
    (void)state;
    const float x = 1;
    fixture f;
    start(&f);
    cni_h5_add_dataset(f.root, "a", CNI_H5_STORE_F32, 0, NULL, &x);
    assert_null(cni_h5_add_dataset(f.root, "a", CNI_H5_STORE_F32, 0, NULL, &x));
    assert_null(cni_h5_add_group(f.root, "later calls answer NULL"));
    assert_int_equal(write_status(&f, "\"a\" is there already"), CN_ERR_INVALID);
    start(&f);
    cni_h5_add_group(cni_h5_add_dataset(f.root, "a", CNI_H5_STORE_F32, 0, NULL, &x), "b");
    assert_int_equal(write_status(&f, "\"a\" is a dataset"), CN_ERR_INVALID);
    static const char *const bad[] = {"", "..", ".", "a//b", "a/", "a\nb", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        start(&f);
        assert_null(cni_h5_add_group(f.root, bad[i]));
        assert_int_equal(write_status(&f, "cannot be a name"), CN_ERR_INVALID);
    }
    start(&f);
    cni_h5_add_text(f.root, "a", "1");
    cni_h5_add_text(f.root, "a", "2");
    assert_int_equal(write_status(&f, "attribute \"a\" is there already"), CN_ERR_INVALID);
    start(&f);
    cni_h5_item *deep = f.root;
    for (int i = 0; i < 64; i++) deep = cni_h5_add_group(deep, "g");
    assert_non_null(deep);
    assert_null(cni_h5_add_group(deep, "g"));
    assert_int_equal(write_status(&f, "more than 64 groups deep"), CN_ERR_LIMIT);
}

/* One file, read with each limit at, and one below, what it needs. */
static cn_status status_with(const cni_limits *limits, bool *found)
{
    fixture f;
    start(&f);
    float zeros[12] = {0};
    cni_h5_add_dataset(f.root, "one/two/three", CNI_H5_STORE_F32, 2, (uint64_t[]){3, 4}, zeros);
    cni_h5_add_text(f.root, "0123456789", "a text of 22 bytes ...");
    assert_int_equal(cni_h5_serialise(f.writer, &f.bytes, &f.error), CN_OK);
    cn_status status = cni_h5_open(&f.arena, cni_buffer_bytes(&f.bytes), limits, &f.file, &f.error);
    cni_h5_object *object = NULL;
    const cni_h5_attribute *a = NULL;
    const char *text = NULL;
    if (!status) status = cni_h5_find(cni_h5_root(f.file), "one/two/three", &object, &f.error);
    if (!status) status = cni_h5_read_f32(object, zeros, 12, &f.error);
    if (!status) status = cni_h5_attribute_find(cni_h5_root(f.file), "0123456789", &a, &f.error);
    if (!status) status = cni_h5_attribute_text(a, &text, &f.error);
    *found = text && strcmp(text, "a text of 22 bytes ...") == 0;
    finish(&f);
    return status;
}

static void limits_hold_exactly(void **state)
{
    (void)state;
    cni_limits limits;
    bool found;
    const struct {
        uint64_t *field, needed;
    } rows[] = {
        {&limits.h5_objects, 4},          {&limits.h5_depth, 3},  {&limits.h5_name_bytes, 10},
        {&limits.h5_attribute_bytes, 22}, {&limits.elements, 12}, {&limits.dimension, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int more = -1; more <= 1; more++) {
            limits = cni_default_limits;
            *rows[i].field = rows[i].needed + (uint64_t)(int64_t)more;
            assert_int_equal(status_with(&limits, &found), more < 0 ? CN_ERR_LIMIT : CN_OK);
            assert_int_equal(found, more >= 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datasets_come_back),
        cmocka_unit_test(numbers_are_converted_or_refused),
        cmocka_unit_test(attributes_come_back),
        cmocka_unit_test(groups_of_any_size_come_back),
        cmocka_unit_test(texts_of_any_length_come_back),
        cmocka_unit_test(attributes_beyond_64_kib_are_refused),
        cmocka_unit_test(impossible_trees_are_refused),
        cmocka_unit_test(limits_hold_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
