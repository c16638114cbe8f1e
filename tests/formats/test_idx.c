/* SPDX-License-Identifier: Apache-2.0
 * IDX files and CIFAR-10 batches.  Sums of the data sets are CRC-32s computed by NumPy and zlib in Python. */
#include "formats/cifar.h"
#include "formats/idx.h"
#include "sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zlib.h>

static cn_status read_idx(const void *data, size_t size, const cni_limits *limits, cn_array *out, cni_error *error)
{
    static cni_arena arena; /* the arrays of one test at a time */
    cni_arena_free(&arena);
    return cni_idx_read(&arena, (cni_bytes){data, size}, limits, out, error);
}

static void every_type_is_read(void **state)
{
    (void)state;
    static const struct {
        uint8_t file[24];
        size_t size;
        cn_dtype dtype;
        uint8_t values[16]; /* little-endian */
    } cases[] = {
        {{0, 0, 8, 1, 0, 0, 0, 2, 1, 255}, 10, CN_UINT8, {1, 255}},
        {{0, 0, 9, 1, 0, 0, 0, 2, 1, 255}, 10, CN_INT8, {1, 255}},
        {{0, 0, 11, 1, 0, 0, 0, 2, 1, 2, 255, 254}, 12, CN_INT16, {2, 1, 254, 255}},
        {{0, 0, 12, 1, 0, 0, 0, 1, 1, 2, 3, 4}, 12, CN_INT32, {4, 3, 2, 1}},
        {{0, 0, 13, 1, 0, 0, 0, 1, 0x3f, 0x80, 0, 0}, 12, CN_FLOAT32, {0, 0, 0x80, 0x3f}},
        {{0, 0, 14, 1, 0, 0, 0, 1, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0}, 16, CN_FLOAT64, {0, 0, 0, 0, 0, 0, 0xf0, 0x3f}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cn_array array;
        assert_int_equal(read_idx(cases[i].file, cases[i].size, NULL, &array, NULL), CN_OK);
        assert_int_equal(array.dtype, cases[i].dtype);
        assert_int_equal(array.rank, 1);
        assert_memory_equal(array.data, cases[i].values, cases[i].size - 8);
        for (size_t size = 0; size < cases[i].size; size++)
            assert_int_equal(read_idx(cases[i].file, size, NULL, &array, NULL), CN_ERR_FORMAT);
        assert_int_equal(read_idx(cases[i].file, cases[i].size + 1, NULL, &array, NULL), CN_ERR_FORMAT);
    }
}

/* gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]), mtime=0) */
static const uint8_t packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60,
                                 0xe0, 0x60, 0x62, 0x60, 0x60, 0x00, 0x61, 0x66, 0x46, 0x26, 0x66, 0x16,
                                 0x56, 0x36, 0x00, 0x48, 0x94, 0x3e, 0xe5, 0x12, 0x00, 0x00, 0x00};

static void gzipped_files_are_read(void **state)
{
    (void)state;
    cn_array array;
    assert_int_equal(read_idx(packed, sizeof packed, NULL, &array, NULL), CN_OK);
    assert_int_equal(array.rank, 2);
    assert_int_equal(array.shape[0], 2);
    assert_int_equal(array.shape[1], 3);
    assert_memory_equal(array.data, "\1\2\3\4\5\6", 6);
    for (size_t size = 0; size < sizeof packed; size++)
        assert_int_equal(read_idx(packed, size, NULL, &array, NULL), CN_ERR_FORMAT);
    for (size_t i = 0; i < sizeof packed; i++) {
        uint8_t bad[sizeof packed];
        memcpy(bad, packed, sizeof packed);
        bad[i] ^= 2;
        if (i == 4 || i == 5 || i == 6 || i == 7 || i == 8 || i == 9) continue; /* time, effort, system */
        assert_int_not_equal(read_idx(bad, sizeof bad, NULL, &array, NULL), CN_OK);
    }
}

/* A gzipped file of `count` zeros, which claims as many. */
static cni_buffer pack_zeros(uint32_t count)
{
    cni_buffer plain = {0}, out = {0};
    cni_buffer_add(&plain, "\0\0\x8\1", 4);
    for (int i = 3; i >= 0; i--) cni_buffer_u8(&plain, count >> 8 * i & 255);
    memset(cni_buffer_extend(&plain, count), 0, count);
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + 15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = plain.data;
    stream.avail_in = (unsigned)plain.size;
    stream.next_out = cni_buffer_extend(&out, plain.size / 500 + 1000);
    stream.avail_out = (unsigned)out.size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.size = stream.total_out;
    deflateEnd(&stream);
    cni_buffer_free(&plain);
    return out;
}

static void bombs_are_refused(void **state)
{
    (void)state;
    cn_array array;
    cni_error error = {0};
    cni_limits limits = cni_default_limits;
    cni_buffer file = pack_zeros(1 << 20);
    assert_int_equal(read_idx(file.data, file.size, NULL, &array, NULL), CN_OK); /* small ones may shrink a lot */
    limits.free_expansion = 1 << 19;
    assert_int_equal(read_idx(file.data, file.size, &limits, &array, &error), CN_ERR_LIMIT);
    assert_non_null(strstr(error.text, "declares 1048576 bytes"));
    cni_buffer_free(&file);
}

static void limits_are_kept(void **state)
{
    (void)state;
    static const uint8_t file[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    static const uint8_t huge[] = {0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    static const uint8_t deep[] = {0, 0, 8, 9};
    cn_array array;
    for (uint64_t by = 0; by < 2; by++) {
        cni_limits limits = cni_default_limits;
        limits.dimension = 2 + by;
        assert_int_equal(read_idx(file, sizeof file, &limits, &array, NULL), by ? CN_OK : CN_ERR_LIMIT);
        limits = cni_default_limits;
        limits.elements = 5 + by;
        assert_int_equal(read_idx(file, sizeof file, &limits, &array, NULL), by ? CN_OK : CN_ERR_LIMIT);
    }
    assert_int_equal(read_idx(huge, sizeof huge, NULL, &array, NULL), CN_ERR_LIMIT);
    assert_int_equal(read_idx(deep, sizeof deep, NULL, &array, NULL), CN_ERR_LIMIT);
}

static void refuse(const char *name, cni_bytes file, void *user)
{
    cn_array array;
    (void)user;
    if (read_idx(file.data, file.size, NULL, &array, NULL) == CN_OK) fail_msg("%s is read", name);
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    const int count = sweep("malformed/derived", "idx", refuse, NULL);
    if (count < 0) skip();
    assert_true(count >= 3);
}

static uint32_t sum(const cn_array *array, size_t size)
{
    return (uint32_t)crc32_z(0, array->data, size);
}

static void fashion_mnist_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int rank;
        size_t size;
        uint32_t sum;
    } files[] = {{"train-images-idx3", 3, 47040000, 0xae65dccd},
                 {"train-labels-idx1", 1, 60000, 0x2ed6e46a},
                 {"t10k-images-idx3", 3, 7840000, 0x12728439},
                 {"t10k-labels-idx1", 1, 10000, 0x242bc73f}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[200];
        cni_arena arena = {0};
        cni_error error = {0};
        cni_bytes file;
        cn_array array;
        snprintf(path, sizeof path, "/usr/share/datasets/fashion-mnist/%s-ubyte.gz", files[i].name);
        if (cni_file_read(&arena, path, 1 << 30, &file, &error)) {
            print_message("%s (Debian's dataset-fashion-mnist)\n", error.text);
            skip();
        }
        assert_int_equal(cni_idx_read(&arena, file, NULL, &array, &error), CN_OK);
        assert_int_equal(array.rank, files[i].rank);
        assert_int_equal(array.dtype, CN_UINT8);
        assert_int_equal(sum(&array, files[i].size), files[i].sum);
        cni_arena_free(&arena);
    }
}

static void cifar_records_are_read(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_error error = {0};
    cni_buffer file = {0};
    cn_array images, labels;
    for (unsigned i = 0; i < 2; i++) {
        cni_buffer_u8(&file, 9 - i);
        for (unsigned k = 0; k < 3072; k++) cni_buffer_u8(&file, k / 1024 * 50 + k % 37 + i);
    }
    assert_int_equal(cni_cifar10_read(&arena, cni_buffer_bytes(&file), &images, &labels, &error), CN_OK);
    assert_memory_equal(images.shape, ((int64_t[]){2, 32, 32, 3}), 32);
    assert_memory_equal(labels.shape, ((int64_t[]){2, 1}), 16);
    assert_memory_equal(labels.data, "\x9\x8", 2);
    const uint8_t *pixel = (const uint8_t *)images.data + 3072 + 3 * 40; /* row 1, column 8 of the second */
    for (unsigned c = 0; c < 3; c++) assert_int_equal(pixel[c], c * 50 + (1024 * c + 40) % 37 + 1);
    file.size--;
    assert_int_equal(cni_cifar10_read(&arena, cni_buffer_bytes(&file), &images, &labels, NULL), CN_ERR_FORMAT);
    file.size = 0;
    assert_int_equal(cni_cifar10_read(&arena, cni_buffer_bytes(&file), &images, &labels, NULL), CN_ERR_FORMAT);
    file.size = 3073;
    file.data[0] = 10;
    assert_int_equal(cni_cifar10_read(&arena, cni_buffer_bytes(&file), &images, &labels, &error), CN_ERR_FORMAT);
    assert_string_equal(error.text, "record 0: label 10; CIFAR-10 has 0 to 9");
    cni_buffer_free(&file);
    cni_arena_free(&arena);
}

static void check_batch(const char *name, cni_bytes file, void *user)
{
    cni_arena arena = {0};
    cn_array images, labels;
    (void)name, (void)user;
    assert_int_equal(cni_cifar10_read(&arena, file, &images, &labels, NULL), CN_OK);
    assert_int_equal(images.shape[0], 4000);
    assert_int_equal(sum(&images, 4000 * 3072), 0xc157fd26);
    assert_int_equal(sum(&labels, 4000), 0xe8800a48);
    cni_arena_free(&arena);
}

static void a_batch_of_cifar10_is_read(void **state)
{
    (void)state;
    if (sweep("cifar10", "data_batch_1.first4000", check_batch, NULL) < 1) skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),       cmocka_unit_test(gzipped_files_are_read),
        cmocka_unit_test(bombs_are_refused),        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(broken_files_are_refused), cmocka_unit_test(fashion_mnist_is_read),
        cmocka_unit_test(cifar_records_are_read),   cmocka_unit_test(a_batch_of_cifar10_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
