/* SPDX-License-Identifier: Apache-2.0
 * IDX, plain or gzipped.
 *
 *   0 0  type  rank  [dimension, 4 bytes]...  data; all numbers big-endian */
#include "formats/idx.h"

#include "formats/inflate.h"

#include <inttypes.h>
#include <string.h>

typedef struct kind {
    uint8_t code, size;
    cn_dtype dtype;
} kind;

static const kind kinds[] = {
    {0x08, 1, CN_UINT8}, {0x09, 1, CN_INT8},    {0x0B, 2, CN_INT16},
    {0x0C, 4, CN_INT32}, {0x0D, 4, CN_FLOAT32}, {0x0E, 8, CN_FLOAT64},
};

enum { MAGIC_SIZE = 4, MAX_HEADER = MAGIC_SIZE + 4 * CN_MAX_RANK };

typedef struct header {
    const kind *of;
    size_t size; /* of the header */
    cn_array array;
    uint64_t data_size;
} header;

static bool is_gzip(cni_bytes file)
{
    return file.size >= 2 && file.data[0] == 0x1f && file.data[1] == 0x8b;
}

static cn_status read_magic(cni_bytes file, header *out, cni_error *error)
{
    cni_cursor at = cni_cursor_of(file);
    const unsigned zeros = cni_cursor_u16(&at), code = cni_cursor_u8(&at), rank = cni_cursor_u8(&at);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].code == code) out->of = &kinds[i];
    if (at.failed || zeros || !out->of || !rank)
        return cni_fail(error, CN_ERR_FORMAT, "no IDX file: expected 00 00, a type 08 to 0e and a rank");
    if (rank > CN_MAX_RANK)
        return cni_fail(error, CN_ERR_LIMIT, "an IDX array of rank %u; the limit is %d", rank, CN_MAX_RANK);
    out->size = MAGIC_SIZE + 4 * (size_t)rank;
    out->array.dtype = out->of->dtype;
    out->array.rank = (int)rank;
    return CN_OK;
}

static cn_status read_dims(cni_bytes file, const cni_limits *limits, header *out, cni_error *error)
{
    cni_cursor at = cni_cursor_of(file);
    cni_cursor_skip(&at, MAGIC_SIZE);
    for (int i = 0; i < out->array.rank; i++) {
        out->array.shape[i] = cni_cursor_u32_big(&at);
        if ((uint64_t)out->array.shape[i] > limits->dimension)
            return cni_fail(error, CN_ERR_LIMIT, "an IDX dimension of %" PRId64 "; the limit is %" PRIu64,
                            out->array.shape[i], limits->dimension);
    }
    uint64_t count;
    if (at.failed) return cni_fail(error, CN_ERR_FORMAT, "the IDX file ends within its header");
    if (!cni_dims_product(out->array.shape, out->array.rank, 1, limits->elements, &count))
        return cni_fail(error, CN_ERR_LIMIT, "the IDX array has more than %" PRIu64 " elements, the limit",
                        limits->elements);
    out->data_size = count * out->of->size;
    return CN_OK;
}

static cn_status wrong_length(const header *in, size_t found, cni_error *error)
{
    return cni_fail(error, CN_ERR_FORMAT, "IDX data: expected %" PRIu64 " bytes for its shape, found %zu",
                    in->data_size, found);
}

/* The header is inflated first, so that the sizes are known, and judged, before memory for the data is asked for. */
static cn_status unpack(cni_arena *arena, cni_bytes file, const cni_limits *limits, header *in, cni_bytes *out,
                        cni_error *error)
{
    uint8_t first[MAX_HEADER];
    CN_TRY(cni_inflate_first(arena, file, CNI_DEFLATED_GZIP, first, MAGIC_SIZE, error));
    CN_TRY(read_magic((cni_bytes){first, MAGIC_SIZE}, in, error));
    CN_TRY(cni_inflate_first(arena, file, CNI_DEFLATED_GZIP, first, in->size, error));
    CN_TRY(read_dims((cni_bytes){first, in->size}, limits, in, error));
    CN_TRY(cni_check_expansion(file.size, in->data_size, limits, error));
    const size_t size = in->size + (size_t)in->data_size;
    uint8_t *data = cni_arena_alloc(arena, size);
    if (!data) return cni_fail(error, CN_ERR_MEMORY, "no memory for %zu bytes of an IDX file", size);
    CN_TRY(cni_inflate(arena, file, CNI_DEFLATED_GZIP, data, size, error));
    *out = (cni_bytes){data, size};
    return CN_OK;
}

static cn_status swap(cni_arena *arena, header *in, cni_bytes data, cni_error *error)
{
    const size_t size = in->of->size;
    uint8_t *copy = cni_arena_alloc(arena, data.size);
    if (!copy) return cni_no_memory(error, "an IDX array");
    for (size_t i = 0; i < data.size; i += size)
        for (size_t k = 0; k < size; k++) copy[i + k] = data.data[i + size - 1 - k];
    in->array.data = copy;
    return CN_OK;
}

cn_status cni_idx_read(cni_arena *arena, cni_bytes file, const cni_limits *limits, cn_array *out, cni_error *error)
{
    header in = {.size = 0};
    cni_bytes data;
    if (!limits) limits = &cni_default_limits;
    if (is_gzip(file)) {
        CN_TRY(unpack(arena, file, limits, &in, &file, error));
    } else {
        CN_TRY(read_magic(file, &in, error));
        CN_TRY(read_dims(file, limits, &in, error));
    }
    if (!cni_bytes_part(file, in.size, in.data_size, &data) || file.size - in.size != in.data_size)
        return wrong_length(&in, file.size - in.size, error);
    in.array.data = data.data;
    if (in.of->size > 1) CN_TRY(swap(arena, &in, data, error));
    *out = in.array;
    return CN_OK;
}
