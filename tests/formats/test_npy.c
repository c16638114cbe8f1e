/* SPDX-License-Identifier: Apache-2.0
 * .npy and .npz against NumPy's own bytes. */
#include "formats/npy.h"
#include "tensor/convert.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What numpy.save of NumPy 2.4.6 puts before the data of numpy.zeros(shape, dtype). */
static const struct {
    cn_dtype dtype;
    int rank;
    int64_t shape[CN_MAX_RANK];
    const char *header;
    size_t size;
} written[] = {
    {CN_FLOAT32, 2, {2, 3}, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 128},
    {CN_FLOAT64, 1, {3}, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", 128},
    {CN_UINT8, 0, {0}, "{'descr': '|u1', 'fortran_order': False, 'shape': (), }", 128},
    {CN_INT8,
     8,
     {1, 2, 3, 4, 5, 6, 7, 8},
     "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 2, 3, 4, 5, 6, 7, 8), }",
     128},
    {CN_INT16, 1, {0}, "{'descr': '<i2', 'fortran_order': False, 'shape': (0,), }", 128},
    {CN_INT32, 1, {12345}, "{'descr': '<i4', 'fortran_order': False, 'shape': (12345,), }", 128},
    {CN_INT64, 3, {2, 0, 9}, "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 0, 9), }", 128},
    {CN_BOOL, 1, {4}, "{'descr': '|b1', 'fortran_order': False, 'shape': (4,), }", 128},
    {CN_FLOAT32,
     8,
     {0, 1000000, 1000, 1000, 100, 10, 100, 10},
     "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1000000, 1000, 1000, 100, 10, 100, 10), }",
     128},
    {CN_FLOAT32,
     5,
     {0, 10000, 2000, 300, 10},
     "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 10000, 2000, 300, 10), }",
     128},
    {CN_FLOAT32,
     4,
     {100000, 0, 1000, 300},
     "{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 0, 1000, 300), }",
     128},
};

/* numpy.savez(f, x=numpy.arange(3, dtype="f4"), y=numpy.array([[1], [2]], dtype="u1")) */
static const uint8_t savez[] = {
    80,  75,  3,   4,   45,  0,   0,   0,   0,   0,   0,   0,   33,  0,   182, 140, 134, 83,  255, 255, 255, 255, 255,
    255, 255, 255, 5,   0,   20,  0,   120, 46,  110, 112, 121, 1,   0,   16,  0,   140, 0,   0,   0,   0,   0,   0,
    0,   140, 0,   0,   0,   0,   0,   0,   0,   147, 78,  85,  77,  80,  89,  1,   0,   118, 0,   123, 39,  100, 101,
    115, 99,  114, 39,  58,  32,  39,  60,  102, 52,  39,  44,  32,  39,  102, 111, 114, 116, 114, 97,  110, 95,  111,
    114, 100, 101, 114, 39,  58,  32,  70,  97,  108, 115, 101, 44,  32,  39,  115, 104, 97,  112, 101, 39,  58,  32,
    40,  51,  44,  41,  44,  32,  125, 32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,
    32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,
    32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  10,  0,
    0,   0,   0,   0,   0,   128, 63,  0,   0,   0,   64,  80,  75,  3,   4,   45,  0,   0,   0,   0,   0,   0,   0,
    33,  0,   120, 119, 160, 101, 255, 255, 255, 255, 255, 255, 255, 255, 5,   0,   20,  0,   121, 46,  110, 112, 121,
    1,   0,   16,  0,   130, 0,   0,   0,   0,   0,   0,   0,   130, 0,   0,   0,   0,   0,   0,   0,   147, 78,  85,
    77,  80,  89,  1,   0,   118, 0,   123, 39,  100, 101, 115, 99,  114, 39,  58,  32,  39,  124, 117, 49,  39,  44,
    32,  39,  102, 111, 114, 116, 114, 97,  110, 95,  111, 114, 100, 101, 114, 39,  58,  32,  70,  97,  108, 115, 101,
    44,  32,  39,  115, 104, 97,  112, 101, 39,  58,  32,  40,  50,  44,  32,  49,  41,  44,  32,  125, 32,  32,  32,
    32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,
    32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,
    32,  32,  32,  32,  32,  32,  32,  32,  32,  10,  1,   2,   80,  75,  1,   2,   45,  3,   45,  0,   0,   0,   0,
    0,   0,   0,   33,  0,   182, 140, 134, 83,  140, 0,   0,   0,   140, 0,   0,   0,   5,   0,   0,   0,   0,   0,
    0,   0,   0,   0,   0,   0,   128, 1,   0,   0,   0,   0,   120, 46,  110, 112, 121, 80,  75,  1,   2,   45,  3,
    45,  0,   0,   0,   0,   0,   0,   0,   33,  0,   120, 119, 160, 101, 130, 0,   0,   0,   130, 0,   0,   0,   5,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   128, 1,   195, 0,   0,   0,   121, 46,  110, 112, 121, 80,
    75,  5,   6,   0,   0,   0,   0,   2,   0,   2,   0,   102, 0,   0,   0,   124, 1,   0,   0,   0,   0};

/* numpy.savez_compressed(f, x=numpy.zeros(1000, "f4"), bad=numpy.array([None], dtype=object)) */
static const uint8_t savez_compressed[] = {
    80,  75,  3,   4,   45,  0,   0,   0,   8,   0,   0,   0,   33,  0,   165, 192, 148, 78,  255, 255, 255, 255, 255,
    255, 255, 255, 5,   0,   20,  0,   120, 46,  110, 112, 121, 1,   0,   16,  0,   32,  16,  0,   0,   0,   0,   0,
    0,   99,  0,   0,   0,   0,   0,   0,   0,   155, 236, 23,  234, 27,  16,  201, 200, 80,  198, 80,  173, 158, 146,
    90,  156, 92,  164, 110, 165, 160, 110, 147, 102, 162, 174, 163, 160, 158, 150, 95,  84,  82,  148, 152, 23,  159,
    95,  148, 146, 10,  18,  119, 75,  204, 41,  78,  5,   138, 23,  103, 36,  22,  164, 2,   249, 26,  134, 6,   6,
    6,   58,  154, 58,  10,  181, 10,  228, 2,   46,  134, 81,  48,  10,  70,  193, 40,  24,  5,   163, 96,  20,  140,
    130, 81,  48,  10,  70,  193, 40,  24,  5,   163, 96,  20,  12,  56,  0,   0,   80,  75,  3,   4,   45,  0,   0,
    0,   8,   0,   0,   0,   33,  0,   2,   102, 9,   27,  255, 255, 255, 255, 255, 255, 255, 255, 7,   0,   20,  0,
    98,  97,  100, 46,  110, 112, 121, 1,   0,   16,  0,   21,  1,   0,   0,   0,   0,   0,   0,   195, 0,   0,   0,
    0,   0,   0,   0,   155, 236, 23,  234, 27,  16,  201, 200, 80,  198, 80,  173, 158, 146, 90,  156, 92,  164, 110,
    165, 160, 94,  227, 175, 174, 163, 160, 158, 150, 95,  84,  82,  148, 152, 23,  159, 95,  148, 146, 10,  18,  118,
    75,  204, 41,  78,  5,   138, 23,  103, 36,  22,  164, 2,   249, 26,  134, 58,  154, 58,  10,  181, 10,  148, 0,
    174, 6,   150, 169, 93,  12,  16,  208, 35,  150, 87,  154, 91,  80,  169, 23,  159, 156, 95,  148, 170, 151, 91,
    154, 83,  146, 153, 88,  84,  148, 88,  57,  165, 135, 39,  190, 40,  53,  57,  63,  175, 184, 164, 168, 52,  185,
    100, 202, 228, 41,  61,  172, 96,  149, 83,  122, 216, 243, 82,  32,  74,  38,  79,  241, 102, 104, 157, 226, 204,
    152, 52,  165, 125, 74,  208, 20,  13,  111, 70,  111, 198, 214, 41,  25,  204, 61,  172, 41,  37,  149, 5,   169,
    32,  45,  76,  254, 22,  83,  58,  59,  32,  178, 204, 61,  140, 53,  83,  252, 252, 252, 188, 254, 3,   1,   152,
    240, 182, 47,  153, 146, 212, 25,  59,  197, 47,  17,  72,  235, 1,   0,   80,  75,  1,   2,   45,  3,   45,  0,
    0,   0,   8,   0,   0,   0,   33,  0,   165, 192, 148, 78,  99,  0,   0,   0,   32,  16,  0,   0,   5,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,   0,   128, 1,   0,   0,   0,   0,   120, 46,  110, 112, 121, 80,  75,  1,
    2,   45,  3,   45,  0,   0,   0,   8,   0,   0,   0,   33,  0,   2,   102, 9,   27,  195, 0,   0,   0,   21,  1,
    0,   0,   7,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   128, 1,   154, 0,   0,   0,   98,  97,  100,
    46,  110, 112, 121, 80,  75,  5,   6,   0,   0,   0,   0,   2,   0,   2,   0,   104, 0,   0,   0,   150, 1,   0,
    0,   0,   0};

/* A .npy file with this header and these data. */
static cni_bytes compose(cni_buffer *to, unsigned major, const char *header, const void *data, size_t size)
{
    to->size = 0;
    cni_buffer_add(to, "\x93NUMPY", 6);
    cni_buffer_u16(to, major);
    if (major == 1)
        cni_buffer_u16(to, (unsigned)strlen(header));
    else
        cni_buffer_u32(to, (uint32_t)strlen(header));
    cni_buffer_text(to, header);
    cni_buffer_add(to, data, size);
    return cni_buffer_bytes(to);
}

static void written_bytes_are_numpys(void **state)
{
    (void)state;
    static const uint8_t zeros[50000 * 8];
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        cn_array array = {.data = zeros, .dtype = written[i].dtype, .rank = written[i].rank};
        memcpy(array.shape, written[i].shape, sizeof array.shape);
        cni_buffer out = {0};
        assert_int_equal(cni_npy_write(&out, &array, NULL), CN_OK);
        uint64_t count;
        assert_true(cni_dims_product(array.shape, array.rank, 1, 50000, &count));
        assert_int_equal(out.size, written[i].size + count * cni_dtype_size(array.dtype));
        assert_memory_equal(out.data, "\x93NUMPY\x01\x00", 8);
        assert_int_equal(out.data[8] + 256 * out.data[9] + 10, written[i].size);
        const size_t length = strlen(written[i].header);
        assert_memory_equal(out.data + 10, written[i].header, length);
        for (size_t k = 10 + length; k < written[i].size - 1; k++) assert_int_equal(out.data[k], ' ');
        assert_int_equal(out.data[written[i].size - 1], '\n');
        cni_buffer_free(&out);
    }
}

static const double values[2][2][3] = {{{0, 1, 2}, {3, 4, 5}}, {{6, 7, 100}, {9, 10, 11}}};
static const char *const dtypes[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"};

/* The bytes of one number in NumPy's dtype `name`, most significant first; halves for the numbers above. */
static size_t encode(const char *name, double number, uint8_t out[8])
{
    const size_t size = (size_t)(name[1] - '0');
    uint64_t bits = (uint64_t)number;
    if (!strcmp(name, "f8")) memcpy(&bits, &number, 8);
    if (!strcmp(name, "f4")) {
        const float single = (float)number;
        uint32_t bits32;
        memcpy(&bits32, &single, 4);
        bits = bits32;
    }
    if (!strcmp(name, "f2")) {
        int exponent;
        const double fraction = frexp(number, &exponent);
        bits = number > 0 ? (uint64_t)(exponent + 14) << 10 | ((uint64_t)(fraction * 2048) & 0x3ff) : 0;
    }
    for (size_t i = 0; i < size; i++) out[i] = (uint8_t)(bits >> 8 * (size - 1 - i));
    return size;
}

static double number_at(const cn_array *array, size_t i)
{
    switch (array->dtype) {
    case CN_FLOAT32:
        return (double)((const float *)array->data)[i];
    case CN_FLOAT64:
        return ((const double *)array->data)[i];
    case CN_UINT8:
        return ((const uint8_t *)array->data)[i];
    case CN_INT8:
        return ((const int8_t *)array->data)[i];
    case CN_INT16:
        return ((const int16_t *)array->data)[i];
    case CN_INT32:
        return ((const int32_t *)array->data)[i];
    case CN_INT64:
        return (double)((const int64_t *)array->data)[i];
    default:
        return NAN;
    }
}

static void check_layout(const char *dtype, bool big, bool fortran)
{
    uint8_t data[12 * 8];
    size_t size = 0;
    for (int n = 0; n < 12; n++) {
        const int i = fortran ? n % 2 : n / 6, j = fortran ? n / 2 % 2 : n / 3 % 2, k = fortran ? n / 4 : n % 3;
        uint8_t bytes[8];
        const size_t width = encode(dtype, values[i][j][k], bytes);
        for (size_t b = 0; b < width; b++) data[size++] = bytes[big ? b : width - 1 - b];
    }
    char header[200];
    snprintf(header, sizeof header, "{'descr': '%c%s', 'fortran_order': %s, 'shape': (2, 2, 3), }  \n", big ? '>' : '<',
             dtype, fortran ? "True" : "False");
    cni_buffer file = {0};
    cni_arena arena = {0};
    cni_error error = {0};
    cn_array array;
    if (cni_npy_read(&arena, compose(&file, 1, header, data, size), NULL, &array, &error))
        fail_msg("%s: %s", header, error.text);
    assert_int_equal(array.rank, 3);
    assert_memory_equal(array.shape, ((int64_t[]){2, 2, 3}), 24);
    assert_int_equal((uintptr_t)array.data % cni_dtype_size(array.dtype), 0);
    for (size_t n = 0; n < 12; n++) assert_true(number_at(&array, n) == (&values[0][0][0])[n]);
    cni_buffer_free(&file);
    cni_arena_free(&arena);
}

static void every_dtype_order_and_layout_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        for (int way = 0; way < 4; way++) check_layout(dtypes[i], way & 1, way & 2);
}

/* numpy.float32(numpy.uint16(bits).view("f2")) */
static void halves_are_exact(void **state)
{
    (void)state;
    static const uint16_t halves[] = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x8000, 0x7c00, 0xfc00, 0x3555};
    static const float floats[] = {1,        -2,    65504,    0x1p-14f,  0x1.ff8p-15f,
                                   0x1p-24f, -0.0f, INFINITY, -INFINITY, 0x1.554p-2f};
    cni_buffer file = {0};
    cni_arena arena = {0};
    cn_array array;
    compose(&file, 1, "{'descr': '<f2', 'fortran_order': False, 'shape': (10,), }\n", halves, sizeof halves);
    assert_int_equal(cni_npy_read(&arena, cni_buffer_bytes(&file), NULL, &array, NULL), CN_OK);
    assert_memory_equal(array.data, floats, sizeof floats);
    cni_buffer_free(&file);
    cni_arena_free(&arena);
}

static void headers_of_all_ages_are_read(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n",
        "{'shape': (2L,), 'fortran_order': False, 'descr': '<i4'}",
        "{\"descr\": \"=i4\", 'fortran_order': True, 'shape': [2]}\n",
    };
    for (unsigned i = 0; i < 9; i++) {
        cni_buffer file = {0};
        cni_arena arena = {0};
        cn_array array;
        compose(&file, 1 + i / 3, good[i % 3], "\1\0\0\0\2\0\0\0", 8);
        assert_int_equal(cni_npy_read(&arena, cni_buffer_bytes(&file), NULL, &array, NULL), CN_OK);
        assert_int_equal(((const int32_t *)array.data)[1], 2);
        cni_buffer_free(&file);
        cni_arena_free(&arena);
    }
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
#define REST ", 'fortran_order': False, 'shape': (2,), }"
    static const struct {
        const char *header, *message;
    } cases[] = {
        {"{'descr': '|O'" REST, "dtype '|O' is not read"},
        {"{'descr': '<U3'" REST, "dtype '<U3' is not read"},
        {"{'descr': [('a', '<i4')]" REST, "dtype [['a', '<i4']] is not read"},
        {"{'descr': '<c8'" REST, "dtype '<c8' is not read"},
        {"{'descr': '<f16'" REST, "dtype '<f16' is not read"},
        {"{'descr': '<i'" REST, "dtype '<i' is not read"},
        {"{'descr': ''" REST, "dtype '' is not read"},
        {"{'descr': '<i4', 'fortran_order': 0, 'shape': (2,), }", "the header must hold"},
        {"{'descr': '<i4', 'shape': (2,), }", "the header must hold"},
        {"{'descr': '<i4', 'x': 1" REST, "the header must hold"},
        {"[1]", "the header must hold"},
        {"{'descr': '<i4', 'descr': '<i4'" REST, "header, line 1, column 74: \"descr\" is given twice"},
        {"__import__('os').system('x')", "header, line 1, column 17: expected nothing after the value"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2), }", "the header's shape is not a tuple"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (-2,), }", "the header's shape has a dimension -2"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2.0,), }", "the header's shape has a dimension 2.0"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2), }", "an array of rank 9"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2147483648,), }", "a dimension of 2147483648"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2147483647, 2), }", "the array has more than"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (0, 2147483647), }",
         "data: expected 0 bytes for its shape, found 8"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", "data: expected 12 bytes for its shape, found 8"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }", "data: expected 4 bytes for its shape, found 8"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (8,), }", "element 4 of a bool array is 2"},
        {"{'descr': '>u8', 'fortran_order': False, 'shape': (1,), }", NULL},
        {"{'descr': '<i4'", "header, line 1, column 16: expected ',' or '}'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cni_buffer file = {0};
        cni_arena arena = {0};
        cni_error error = {0};
        cn_array array = {0};
        compose(&file, 1, cases[i].header, "\1\0\0\0\2\0\0\0", 8);
        const cn_status status = cni_npy_read(&arena, cni_buffer_bytes(&file), NULL, &array, &error);
        if (!cases[i].message)
            assert_int_equal(status, CN_OK);
        else if (!status || strncmp(error.text, cases[i].message, strlen(cases[i].message)))
            fail_msg("expected \"%s\", found \"%s\"", cases[i].message, error.text);
        cni_buffer_free(&file);
        cni_arena_free(&arena);
    }
}

static void other_files_are_refused(void **state)
{
    (void)state;
    cni_buffer file = {0};
    cni_arena arena = {0};
    cni_error error = {0};
    cn_array array;
    compose(&file, 1, written[0].header, (float[6]){0}, 24);
    for (size_t size = 0; size < file.size; size++)
        assert_int_equal(cni_npy_read(&arena, (cni_bytes){file.data, size}, NULL, &array, NULL), CN_ERR_FORMAT);
    file.data[6] = 4;
    assert_int_equal(cni_npy_read(&arena, cni_buffer_bytes(&file), NULL, &array, NULL), CN_ERR_UNSUPPORTED);
    compose(&file, 2, written[0].header, NULL, 0);
    file.data[10] = 1; /* a header of 65536 bytes and more */
    assert_int_equal(cni_npy_read(&arena, cni_buffer_bytes(&file), NULL, &array, &error), CN_ERR_LIMIT);
    compose(&file, 1, "{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", "\0\0\0\0\0\0\0\x80", 8);
    assert_int_equal(cni_npy_read(&arena, cni_buffer_bytes(&file), NULL, &array, NULL), CN_ERR_NUMERIC);
    cni_buffer_free(&file);
    cni_arena_free(&arena);
}

static void archives_of_numpy_are_read(void **state)
{
    (void)state;
    cni_arena arena = {0};
    cni_error error = {0};
    cni_zip zip;
    cn_array x, y;
    assert_int_equal(cni_zip_open(&arena, (cni_bytes){savez, sizeof savez}, NULL, &zip, &error), CN_OK);
    assert_int_equal(cni_npz_read(&arena, &zip, "x", NULL, &x, &error), CN_OK);
    assert_int_equal(cni_npz_read(&arena, &zip, "y", NULL, &y, &error), CN_OK);
    assert_memory_equal(x.data, ((float[]){0, 1, 2}), 12);
    assert_int_equal(y.shape[0], 2);
    assert_memory_equal(y.data, "\1\2", 2);
    assert_true(cni_npz_has(&zip, "x"));
    assert_false(cni_npz_has(&zip, "x.npy"));
    assert_int_equal(cni_npz_read(&arena, &zip, "z", NULL, &x, &error), CN_ERR_INVALID);
    assert_string_equal(error.text, "has no array \"z\"");
    cni_error_clear(&error);
    /* An object array beside the one that is wanted does no harm, and is refused when wanted. */
    assert_int_equal(cni_zip_open(&arena, (cni_bytes){savez_compressed, sizeof savez_compressed}, NULL, &zip, &error),
                     CN_OK);
    assert_int_equal(cni_npz_read(&arena, &zip, "x", NULL, &x, &error), CN_OK);
    assert_int_equal(x.shape[0], 1000);
    assert_true(((const float *)x.data)[999] == 0);
    assert_int_equal(cni_npz_read(&arena, &zip, "bad", NULL, &x, &error), CN_ERR_UNSUPPORTED);
    assert_non_null(strstr(error.text, "member \"bad.npy\": dtype '|O' is not read"));
    cni_arena_free(&arena);
}

static void archives_come_back(void **state)
{
    (void)state;
    cni_zip_writer writer = {0};
    cni_arena arena = {0};
    cni_zip zip;
    cn_array back;
    const cn_array x = {.data = (float[]){1, 2, 3, 4}, .rank = 2, .shape = {2, 2}};
    const cn_array y = {.data = (int64_t[]){-5}, .dtype = CN_INT64};
    assert_int_equal(cni_npz_add(&writer, "x", &x, NULL), CN_OK);
    assert_int_equal(cni_npz_add(&writer, "y", &y, NULL), CN_OK);
    assert_int_equal(cni_zip_finish(&writer, NULL), CN_OK);
    assert_int_equal(cni_zip_open(&arena, cni_buffer_bytes(&writer.bytes), NULL, &zip, NULL), CN_OK);
    assert_int_equal(cni_npz_read(&arena, &zip, "x", NULL, &back, NULL), CN_OK);
    assert_int_equal(back.rank, 2);
    assert_memory_equal(back.data, x.data, 16);
    assert_int_equal(cni_npz_read(&arena, &zip, "y", NULL, &back, NULL), CN_OK);
    assert_int_equal(back.rank, 0);
    assert_memory_equal(back.data, y.data, 8);
    cni_zip_writer_free(&writer);
    cni_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_bytes_are_numpys),   cmocka_unit_test(every_dtype_order_and_layout_is_read),
        cmocka_unit_test(halves_are_exact),           cmocka_unit_test(headers_of_all_ages_are_read),
        cmocka_unit_test(bad_headers_are_refused),    cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(archives_of_numpy_are_read), cmocka_unit_test(archives_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
