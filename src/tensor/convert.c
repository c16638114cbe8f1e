/* SPDX-License-Identifier: Apache-2.0
 * The caller's arrays as float. */
#include "tensor/convert.h"

#include <string.h>

typedef struct dtype_row {
    size_t size;
    void (*convert)(const void *in, size_t count, float *out);
} dtype_row;

#define CONVERT(name, type)                                                                                            \
    static void convert_##name(const void *in, size_t count, float *out)                                               \
    {                                                                                                                  \
        const type *values = in;                                                                                       \
        for (size_t i = 0; i < count; i++) out[i] = (float)values[i];                                                  \
    }

CONVERT(float64, double)
CONVERT(uint8, uint8_t)
CONVERT(int8, int8_t)
CONVERT(int16, int16_t)
CONVERT(int32, int32_t)
CONVERT(int64, int64_t)

static void convert_float32(const void *in, size_t count, float *out)
{
    memcpy(out, in, count * sizeof *out);
}

static void convert_bool(const void *in, size_t count, float *out)
{
    const uint8_t *values = in;
    for (size_t i = 0; i < count; i++) out[i] = values[i] != 0;
}

static const dtype_row rows[] = {
    [CN_FLOAT32] = {4, convert_float32}, [CN_FLOAT64] = {8, convert_float64}, [CN_UINT8] = {1, convert_uint8},
    [CN_INT8] = {1, convert_int8},       [CN_INT16] = {2, convert_int16},     [CN_INT32] = {4, convert_int32},
    [CN_INT64] = {8, convert_int64},     [CN_BOOL] = {1, convert_bool},
};

static const dtype_row *row(cn_dtype dtype)
{
    return (unsigned)dtype < sizeof rows / sizeof *rows ? rows + dtype : NULL;
}

size_t cni_dtype_size(cn_dtype dtype)
{
    return row(dtype) ? row(dtype)->size : 0;
}

cn_status cni_array_to_float(const cn_array *array, size_t begin, size_t count, float *out, cni_error *error)
{
    const dtype_row *r = row(array->dtype);
    if (!r) return cni_fail(error, CN_ERR_INVALID, "array: dtype %d does not exist", (int)array->dtype);
    r->convert((const char *)array->data + begin * r->size, count, out);
    return CN_OK;
}
