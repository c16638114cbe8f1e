/* SPDX-License-Identifier: Apache-2.0
 * NumPy's .npy and .npz.
 *
 *   0x93 "NUMPY"  major minor  length (2 bytes, from version 2 on 4)  {'descr': '<f4', 'fortran_order': False, ... }
 *   data
 *
 * The header is Python text, which our reader of values reads without running anything. */
#include "formats/npy.h"
#include "base/value.h"
#include "tensor/convert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files and memory have one byte order here");

/* ---- element types ---- */

typedef enum widening { AS_IT_IS, HALF, UNSIGNED } widening;

typedef struct element {
    char kind; /* NumPy's letter */
    uint8_t size;
    cn_dtype dtype; /* what it becomes */
    uint8_t width;  /* bytes of that */
    widening widening;
} element;

static const element elements[] = {
    {'f', 4, CN_FLOAT32, 4, AS_IT_IS}, {'f', 8, CN_FLOAT64, 8, AS_IT_IS}, {'u', 1, CN_UINT8, 1, AS_IT_IS},
    {'i', 1, CN_INT8, 1, AS_IT_IS},    {'i', 2, CN_INT16, 2, AS_IT_IS},   {'i', 4, CN_INT32, 4, AS_IT_IS},
    {'i', 8, CN_INT64, 8, AS_IT_IS},   {'b', 1, CN_BOOL, 1, AS_IT_IS},    {'f', 2, CN_FLOAT32, 4, HALF},
    {'u', 2, CN_INT32, 4, UNSIGNED},   {'u', 4, CN_INT64, 8, UNSIGNED},   {'u', 8, CN_INT64, 8, UNSIGNED},
};

static const element *element_of(cn_dtype dtype)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (elements[i].dtype == dtype && elements[i].widening == AS_IT_IS) return &elements[i];
    return NULL;
}

/* ---- the header ---- */

typedef struct header {
    const element *of;
    bool big, fortran;
    int rank;
    int64_t dims[CN_MAX_RANK];
    cni_bytes data;
} header;

/* '<f4': byte order, kind, size. */
static cn_status read_descr(const cni_value *descr, header *out, cni_error *error)
{
    const char *text = cni_value_as_text(descr), *at = text;
    char shown[80];
    if (text && *at && strchr("<>|=", *at)) out->big = *at++ == '>';
    for (size_t i = 0; text && i < sizeof elements / sizeof *elements; i++)
        if (at[0] == elements[i].kind && at[1] == '0' + elements[i].size && !at[2]) out->of = &elements[i];
    if (out->of) return CN_OK;
    return cni_fail(error, CN_ERR_UNSUPPORTED,
                    "dtype %s is not read: expected float16/32/64, an integer or bool; convert with .astype('float32')",
                    cni_value_show(descr, shown, sizeof shown));
}

static cn_status read_shape(const cni_value *shape, const cni_limits *limits, header *out, cni_error *error)
{
    char shown[80];
    if (!shape || shape->type != CNI_LIST)
        return cni_fail(error, CN_ERR_FORMAT, "the header's shape is not a tuple: %s",
                        cni_value_show(shape, shown, sizeof shown));
    if (shape->count > CN_MAX_RANK)
        return cni_fail(error, CN_ERR_LIMIT, "an array of rank %zu; the limit is %d", shape->count, CN_MAX_RANK);
    for (size_t i = 0; i < shape->count; i++) {
        const cni_value *dim = shape->items[i];
        if (dim->type != CNI_INT || dim->integer < 0)
            return cni_fail(error, CN_ERR_FORMAT, "the header's shape has a dimension %s",
                            cni_value_show(dim, shown, sizeof shown));
        if ((uint64_t)dim->integer > limits->dimension)
            return cni_fail(error, CN_ERR_LIMIT, "a dimension of %" PRId64 "; the limit is %" PRIu64, dim->integer,
                            limits->dimension);
        out->dims[i] = dim->integer;
    }
    out->rank = (int)shape->count;
    return CN_OK;
}

/* Python 2 wrote long integers as 3L. */
static char *header_text(cni_arena *arena, cni_bytes bytes)
{
    char *text = cni_arena_alloc(arena, bytes.size + 1);
    size_t n = 0;
    for (size_t i = 0; text && i < bytes.size; i++)
        if (bytes.data[i] != 'L' || !i || bytes.data[i - 1] < '0' || bytes.data[i - 1] > '9')
            text[n++] = (char)bytes.data[i];
    return text;
}

static cn_status read_dict(cni_arena *arena, cni_bytes bytes, const cni_limits *limits, header *out, cni_error *error)
{
    char *text = header_text(arena, bytes);
    cni_value *dict;
    if (!text) return cni_no_memory(error, "an array");
    if (memchr(bytes.data, 0, bytes.size)) return cni_fail(error, CN_ERR_FORMAT, "the header has zero bytes");
    CN_TRY(cni_value_read(arena, text, "header", &dict, error));
    const cni_value *order = cni_value_get(dict, "fortran_order");
    if (dict->type != CNI_DICT || dict->count != 3 || !cni_value_get(dict, "descr") || !cni_value_get(dict, "shape") ||
        !order || order->type != CNI_BOOL)
        return cni_fail(error, CN_ERR_FORMAT, "the header must hold descr, fortran_order (True or False) and shape");
    out->fortran = order->truth;
    CN_TRY(read_descr(cni_value_get(dict, "descr"), out, error));
    return read_shape(cni_value_get(dict, "shape"), limits, out, error);
}

static cn_status read_header(cni_arena *arena, cni_bytes file, const cni_limits *limits, header *out, cni_error *error)
{
    cni_cursor at = cni_cursor_of(file);
    const cni_bytes magic = cni_cursor_take(&at, 6);
    const unsigned major = cni_cursor_u8(&at), minor = cni_cursor_u8(&at);
    if (at.failed || !cni_bytes_equal(magic, "\x93NUMPY", 6))
        return cni_fail(error, CN_ERR_FORMAT, "no .npy array: it does not begin as one");
    if (major < 1 || major > 3 || minor)
        return cni_fail(error, CN_ERR_UNSUPPORTED, "version %u.%u of .npy; 1.0 to 3.0 are read", major, minor);
    const uint32_t length = major == 1 ? cni_cursor_u16(&at) : cni_cursor_u32(&at);
    if (length > limits->npy_header_bytes)
        return cni_fail(error, CN_ERR_LIMIT, "a header of %u bytes; the limit is %" PRIu64, length,
                        limits->npy_header_bytes);
    const cni_bytes dict = cni_cursor_take(&at, length);
    if (at.failed) return cni_fail(error, CN_ERR_FORMAT, "the file ends within the header");
    CN_TRY(read_dict(arena, dict, limits, out, error));
    uint64_t count, size;
    if (!cni_dims_product(out->dims, out->rank, 1, limits->elements, &count))
        return cni_fail(error, CN_ERR_LIMIT, "the array has more than %" PRIu64 " elements, the limit",
                        limits->elements);
    size = count * out->of->size;
    out->data = cni_cursor_take(&at, cni_cursor_left(&at));
    if (out->data.size == size) return CN_OK;
    return cni_fail(error, CN_ERR_FORMAT, "data: expected %" PRIu64 " bytes for its shape, found %zu", size,
                    out->data.size);
}

/* ---- data ---- */

/* IEEE 754 binary16 to binary32; exact, NaN payloads kept. */
static uint32_t float_of_half(uint32_t half)
{
    const uint32_t sign = (half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 31) return sign | 0x7f800000 | fraction << 13;
    if (!exponent && !fraction) return sign;
    if (!exponent) { /* subnormal: shift until the leading one is implied */
        for (exponent = 1; !(fraction & 0x400); exponent--) fraction <<= 1;
        fraction &= 0x3ff;
    }
    return sign | (exponent + 112) << 23 | fraction << 13;
}

static uint64_t load(const uint8_t *from, unsigned size, bool big)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) value = value << 8 | from[big ? i : size - 1 - i];
    return value;
}

/* Steps through the elements in C order and gives the place of each in Fortran order. */
typedef struct walk {
    int64_t index[CN_MAX_RANK];
    uint64_t at;
} walk;

static void step(walk *place, const header *in)
{
    uint64_t strides[CN_MAX_RANK] = {1};
    for (int k = 1; k < in->rank; k++) strides[k] = strides[k - 1] * (uint64_t)in->dims[k - 1];
    for (int k = in->rank - 1; k >= 0; k--) {
        place->at += strides[k];
        if (++place->index[k] < in->dims[k]) return;
        place->at -= strides[k] * (uint64_t)in->dims[k];
        place->index[k] = 0;
    }
}

static cn_status convert(const header *in, uint8_t *to, uint64_t count, cni_error *error)
{
    walk place = {.at = 0};
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = load(in->data.data + (in->fortran ? place.at : i) * in->of->size, in->of->size, in->big);
        if (in->of->widening == HALF) value = float_of_half((uint32_t)value);
        if (in->of->widening == UNSIGNED && value > INT64_MAX)
            return cni_fail(error, CN_ERR_NUMERIC, "element %" PRIu64 " is %" PRIu64 "; only int64 is held", i, value);
        memcpy(to + i * in->of->width, &value, in->of->width);
        if (in->fortran) step(&place, in);
    }
    return CN_OK;
}

static bool is_native(const header *in)
{
    return (in->of->size == 1 || !in->big) && (!in->fortran || in->rank < 2) && in->of->widening == AS_IT_IS;
}

static cn_status check_truths(const header *in, cni_error *error)
{
    if (in->of->dtype != CN_BOOL) return CN_OK;
    for (size_t i = 0; i < in->data.size; i++)
        if (in->data.data[i] > 1)
            return cni_fail(error, CN_ERR_FORMAT, "element %zu of a bool array is %u", i, in->data.data[i]);
    return CN_OK;
}

cn_status cni_npy_read(cni_arena *arena, cni_bytes file, const cni_limits *limits, cn_array *out, cni_error *error)
{
    header in = {.rank = 0};
    CN_TRY(read_header(arena, file, limits ? limits : &cni_default_limits, &in, error));
    CN_TRY(check_truths(&in, error));
    const uint64_t count = in.data.size / in.of->size;
    const void *data = in.data.data;
    if (!is_native(&in) || (uintptr_t)data % in.of->width) {
        uint8_t *copy = cni_arena_array(arena, (size_t)count, in.of->width);
        if (!copy) return cni_no_memory(error, "an array");
        if (is_native(&in))
            memcpy(copy, data, in.data.size);
        else
            CN_TRY(convert(&in, copy, count, error));
        data = copy;
    }
    *out = (cn_array){.data = data, .dtype = in.of->dtype, .rank = in.rank};
    memcpy(out->shape, in.dims, sizeof in.dims);
    return CN_OK;
}

/* ---- writing ---- */

enum { HEADER_ROOM = 512, ALIGNMENT = 64, PREFIX = 10, GROWTH_DIGITS = 21 };

/* As _write_array_header: room for the first dimension to grow to 21 digits, then spaces up to a multiple of 64. */
static size_t write_header(char text[HEADER_ROOM], const cn_array *array, const element *of)
{
    char shape[CN_MAX_RANK * 22 + 4] = "(", first[24] = "";
    size_t n = 1;
    for (int i = 0; i < array->rank; i++)
        n += (size_t)snprintf(shape + n, sizeof shape - n, "%s%" PRId64, i ? ", " : "", array->shape[i]);
    snprintf(shape + n, sizeof shape - n, array->rank == 1 ? ",)" : ")");
    if (array->rank) snprintf(first, sizeof first, "%" PRId64, array->shape[0]);
    const int growth = array->rank ? GROWTH_DIGITS - (int)strlen(first) : 0;
    n = (size_t)snprintf(text, HEADER_ROOM, "{'descr': '%c%c%u', 'fortran_order': False, 'shape': %s, }%*s",
                         of->size == 1 ? '|' : '<', of->kind, of->size, shape, growth, "");
    const size_t padding = ALIGNMENT - (PREFIX + n + 1) % ALIGNMENT;
    memset(text + n, ' ', padding);
    text[n + padding] = '\n';
    return n + padding + 1;
}

cn_status cni_npy_write(cni_buffer *to, const cn_array *array, cni_error *error)
{
    const element *of = element_of(array->dtype);
    uint64_t count;
    if (!of || array->rank < 0 || array->rank > CN_MAX_RANK ||
        !cni_dims_product(array->shape, array->rank, 1, PTRDIFF_MAX / 8, &count) || (count && !array->data))
        return cni_fail(error, CN_ERR_INVALID,
                        "an array without data, or of a rank, shape or dtype that does not exist");
    char text[HEADER_ROOM];
    const size_t length = write_header(text, array, of);
    cni_buffer_add(to, "\x93NUMPY\x01\x00", 8);
    cni_buffer_u16(to, (unsigned)length);
    cni_buffer_add(to, text, length);
    cni_buffer_add(to, array->data, (size_t)count * of->size);
    return to->failed ? cni_no_memory(error, "a .npy array") : CN_OK;
}

/* ---- .npz ---- */

static const cni_zip_member *find(const cni_zip *zip, const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < zip->count; i++)
        if (strncmp(zip->members[i].name, name, length) == 0 && strcmp(zip->members[i].name + length, ".npy") == 0)
            return &zip->members[i];
    return NULL;
}

bool cni_npz_has(const cni_zip *zip, const char *name)
{
    return find(zip, name);
}

cn_status cni_npz_read(cni_arena *arena, const cni_zip *zip, const char *name, const cni_limits *limits, cn_array *out,
                       cni_error *error)
{
    const cni_zip_member *member = find(zip, name);
    cni_bytes bytes;
    if (!member) return cni_fail(error, CN_ERR_INVALID, "has no array \"%.64s\"", name);
    CN_TRY(cni_zip_read(arena, member, &bytes, error));
    const cn_status status = cni_npy_read(arena, bytes, limits, out, error);
    if (status) cni_fail_in(error, "member \"%.64s\"", member->name);
    return status;
}

cn_status cni_npz_add(cni_zip_writer *writer, const char *name, const cn_array *array, cni_error *error)
{
    cni_arena arena = {0};
    cni_buffer bytes = {0};
    const char *member = cni_arena_printf(&arena, "%s.npy", name);
    cn_status status = member ? cni_npy_write(&bytes, array, error) : cni_no_memory(error, "a .npz archive");
    if (!status) status = cni_zip_add(writer, member, cni_buffer_bytes(&bytes), error);
    cni_buffer_free(&bytes);
    cni_arena_free(&arena);
    return status;
}
