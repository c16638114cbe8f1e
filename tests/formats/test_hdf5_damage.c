/* SPDX-License-Identifier: Apache-2.0
 * Damaged HDF5 files: cut short and changed at every byte.  Whatever comes of it, it is an answer: an error with its
 * place, or a file that is read; within its memory.  (Run by the sanitizers, this is where they look.) */
#include "hdf5_walk.h"
#include "paths.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

/* A small model's weights, and what else Keras writes. */
static void write_model(cni_arena *arena, cni_buffer *bytes)
{
    static const float kernel[12] = {1, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const int64_t step = 42;
    const char *const layers[2] = {"conv2d", "dense"};
    cni_error error = {0};
    cni_h5_writer *writer = cni_h5_writer_new(arena);
    cni_h5_item *root = cni_h5_writer_root(writer);
    cni_h5_add_dataset(root, "layers/conv2d/vars/0", CNI_H5_STORE_F32, 4, (uint64_t[]){1, 2, 2, 3}, kernel);
    cni_h5_add_text(cni_h5_add_group(root, "layers/conv2d/vars"), "name", "conv2d");
    cni_h5_add_dataset(root, "optimizer/vars/0", CNI_H5_STORE_I64, 0, NULL, &step);
    cni_h5_add_texts(root, "layer_names", layers, 2);
    cni_h5_add_group(root, "vars");
    if (cni_h5_serialise(writer, bytes, &error)) fail_msg("%s", error.text);
}

/* Reads everything in a block of just that size, so that a sanitizer sees the first byte too many. */
static void read_exactly(const uint8_t *bytes, size_t size, bool must_fail, size_t at)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size) memcpy(copy, bytes, size);
    walked w = {0};
    const cn_status status = walk_bytes((cni_bytes){copy, size}, &w);
    free(copy);
    if (must_fail && !status) fail_msg("cut to %zu bytes: no error", at);
    if (status && !w.broken && !w.refused) fail_msg("byte %zu: an error without a text", at);
    if (w.broken && !strstr(w.first_failure.text, "@0x") && w.first_failure.status != CN_ERR_MEMORY)
        fail_msg("byte %zu: no place in \"%s\"", at, w.first_failure.text);
}

static void cut_everywhere(cni_bytes file, size_t step)
{
    for (size_t size = 0; size < file.size; size += step) read_exactly(file.data, size, true, size);
}

static void change_bytes(cni_bytes file, size_t step, const uint8_t *masks, size_t count)
{
    uint8_t *bytes = malloc(file.size);
    assert_non_null(bytes);
    memcpy(bytes, file.data, file.size);
    for (size_t i = 0; i < file.size; i += step)
        for (size_t m = 0; m < count; m++) {
            bytes[i] ^= masks[m];
            read_exactly(bytes, file.size, false, i);
            bytes[i] ^= masks[m];
        }
    free(bytes);
}

/* Eight bytes at a time: sizes and addresses of 0, 2^31, 2^63, all ones, the place itself (a circle), the end. */
static void replace_fields(cni_bytes file, size_t step)
{
    uint8_t *bytes = malloc(file.size);
    assert_non_null(bytes);
    memcpy(bytes, file.data, file.size);
    for (size_t i = 0; i + 8 <= file.size; i += step) {
        const uint64_t values[] = {0, UINT64_C(1) << 31, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 7,
                                   i, file.size,         file.size - 8};
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            for (int k = 0; k < 8; k++) bytes[i + (size_t)k] = (uint8_t)(values[v] >> 8 * k);
            read_exactly(bytes, file.size, false, i);
        }
        memcpy(bytes + i, file.data + i, 8);
    }
    free(bytes);
}

static void our_own_file(void **state)
{
    (void)state;
    static const uint8_t masks[] = {0x01, 0xff};
    cni_arena arena = {0};
    cni_buffer bytes = {0};
    write_model(&arena, &bytes);
    const cni_bytes file = cni_buffer_bytes(&bytes);
    walked w = {0};
    assert_int_equal(walk_bytes(file, &w), CN_OK);
    assert_true(!w.broken && !w.refused && w.read == 2 && w.attributes == 2);
    cut_everywhere(file, 1);
    change_bytes(file, 1, masks, sizeof masks);
    replace_fields(file, 24);
    cni_buffer_free(&bytes);
    cni_arena_free(&arena);
}

/* The newest layouts guard their structures with checksums: a changed byte seldom gets past them, but everything that
 * has none is reached.  Coarser, because these files are larger. */
static void golden_files(void **state)
{
    (void)state;
    static const char *const names[] = {"earliest", "v110", "refused", "unlimited"};
    static const uint8_t masks[] = {0x41};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cni_arena arena = {0};
        cni_error error = {0};
        char path[4096], name[64];
        cni_bytes file;
        snprintf(name, sizeof name, "tests/golden/hdf5/%s.h5", names[i]);
        if (cni_file_read(&arena, source_path(path, name), 1 << 20, &file, &error)) fail_msg("%s", error.text);
        cut_everywhere(file, 251);
        change_bytes(file, 13, masks, sizeof masks);
        replace_fields(file, 520);
        cni_arena_free(&arena);
    }
}

/* The first allocation that the budget refuses, then the second, ...: each ends in "out of memory", none in a crash. */
static void too_little_memory(void **state)
{
    (void)state;
    static const char *const names[] = {"earliest", "v110"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cni_arena arena = {0};
        cni_error error = {0};
        char path[4096], name[64];
        cni_bytes file;
        snprintf(name, sizeof name, "tests/golden/hdf5/%s.h5", names[i]);
        if (cni_file_read(&arena, source_path(path, name), 1 << 20, &file, &error)) fail_msg("%s", error.text);
        walked whole = {0}, w = {0};
        (void)walk_bytes(file, &whole);
        size_t budget = 16, failures = 0;
        for (; budget < (size_t)1 << 20; budget += 16 + budget / 128) {
            w = (walked){0};
            (void)walk_on_budget(file, budget, &w);
            if (w.broken && w.first_failure.status != CN_ERR_MEMORY)
                fail_msg("%zu bytes: %s", budget, w.first_failure.text);
            if (!w.broken) break;
            failures++;
        }
        assert_true(failures > 200 && !w.broken && w.read == whole.read && w.attributes == whole.attributes);
        cni_arena_free(&arena);
    }
}

static void too_little_memory_to_write(void **state)
{
    (void)state;
    const char *const layers[2] = {"conv2d", "dense"};
    const uint64_t dims[1] = {2};
    const float data[2] = {1, 2};
    size_t failures = 0;
    for (size_t budget = 16; budget < 100000; budget += 16) {
        cni_arena arena;
        cni_arena_init(&arena, budget);
        cni_error error = {0};
        cni_buffer bytes = {0};
        cni_h5_writer *writer = cni_h5_writer_new(&arena);
        cni_h5_item *root = cni_h5_writer_root(writer);
        cni_h5_add_dataset(root, "layers/conv2d/vars/0", CNI_H5_STORE_F32, 1, dims, data);
        cni_h5_add_texts(root, "layer_names", layers, 2);
        cni_h5_add_numbers(root, "numbers", CNI_H5_STORE_F32, 1, dims, data);
        const cn_status status = writer ? cni_h5_serialise(writer, &bytes, &error) : CN_ERR_MEMORY;
        cni_buffer_free(&bytes);
        cni_arena_free(&arena);
        if (!status) {
            assert_true(failures > 10);
            return;
        }
        assert_int_equal(status, CN_ERR_MEMORY);
        failures++;
    }
    fail_msg("never enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(our_own_file), cmocka_unit_test(golden_files),
                                       cmocka_unit_test(too_little_memory),
                                       cmocka_unit_test(too_little_memory_to_write)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
