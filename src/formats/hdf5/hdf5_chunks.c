/* SPDX-License-Identifier: Apache-2.0
 * Where the chunks of a dataset lie (III.A.1, and appendix C for the indices of layout 4).
 *
 *   "TREE" 1 level entries:2 left right | size:4 mask:4 offset:8 x (rank + 1) child | ... */
#include "formats/hdf5/hdf5_internal.h"

static const char tree_name[] = "chunk B-tree node";

/* Chunks that the dataset's shape has room for, along axis i; rounds up without overflow. */
static uint64_t chunks_along(const cni_h5_object *dataset, unsigned i)
{
    const uint64_t size = dataset->info.dims[i], chunk = dataset->layout.chunk[i];
    return size / chunk + (size % chunk != 0);
}

static uint64_t chunks_in(const cni_h5_object *dataset)
{
    uint64_t count = 1; /* no overflow: at most the number of elements */
    for (unsigned i = 0; i < dataset->info.rank; i++) count *= chunks_along(dataset, i);
    return count;
}

static cn_status check_size(const cni_h5_object *dataset, const cni_h5_chunk *chunk, cni_error *error)
{
    const cni_h5_pipeline *pipeline = &dataset->pipeline;
    if (pipeline->count || chunk->size == dataset->layout.chunk_bytes) return CN_OK;
    return cni_h5_fail(dataset->file, error, CN_ERR_FORMAT, chunk->at, "chunk of %llu bytes, expected %llu",
                       (unsigned long long)chunk->size, (unsigned long long)dataset->layout.chunk_bytes);
}

/* The offset of the n-th chunk. */
void cni_h5_chunk_offset(const cni_h5_object *dataset, const cni_h5_chunk *chunk, uint64_t offset[CNI_H5_MAX_RANK])
{
    uint64_t n = chunk->number;
    for (unsigned i = dataset->info.rank; i-- > 0;) {
        const uint64_t along = chunks_along(dataset, i);
        offset[i] = n % along * dataset->layout.chunk[i];
        n /= along;
    }
}

/* The number of the chunk at an offset, read axis by axis. */
static uint64_t read_offset(const cni_h5_object *dataset, cni_h5_cursor *cursor)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < dataset->info.rank; i++) {
        const uint64_t offset = cni_h5_u(cursor, 8), chunk = dataset->layout.chunk[i];
        if (offset % chunk || offset >= dataset->info.dims[i])
            cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "chunk starts at %llu on axis %u of %llu",
                               (unsigned long long)offset, i, (unsigned long long)dataset->info.dims[i]);
        number = number * chunks_along(dataset, i) + offset / chunk;
    }
    return number;
}

static cn_status add_chunk(cni_h5_object *dataset, cni_h5_chunk chunk, cni_error *error)
{
    cni_h5 *file = dataset->file;
    CN_TRY(check_size(dataset, &chunk, error));
    CN_TRY(cni_h5_claim_bytes(file, chunk.at, chunk.size, "chunk", NULL, error));
    if (!cni_h5_grow(file->arena, &dataset->chunks, dataset->chunk_count, &dataset->chunk_room, sizeof chunk))
        return cni_no_memory(error, "a list of chunks");
    dataset->chunks[dataset->chunk_count++] = chunk;
    return CN_OK;
}

/* ---- Layout 3: the version 1 B-tree ---- */

static cn_status read_tree(cni_h5_object *dataset, uint64_t at, int level, cni_error *error)
{
    cni_h5 *file = dataset->file;
    const unsigned rank = dataset->info.rank;
    const uint64_t head = 8 + 2u * file->offset_size, key = 8 + 8u * (rank + 1);
    cni_h5_cursor cursor = cni_h5_read_at(file, at, head, tree_name, error);
    cni_h5_signature(&cursor, "TREE");
    const unsigned type = cni_h5_u8(&cursor), found = cni_h5_u8(&cursor), count = cni_h5_u16(&cursor);
    CN_TRY(cursor.status);
    if (type != 1 || found > file->limits.h5_btree_depth || (level >= 0 && found != (unsigned)level))
        return cni_h5_fail(file, error, CN_ERR_FORMAT, at,
                           "chunk B-tree node of type %u and level %u, expected 1 and %d", type, found,
                           level < 0 ? 0 : level);
    const uint64_t size = count * (key + file->offset_size);
    CN_TRY(cni_h5_claim_bytes(file, at, head + size + key, tree_name, NULL, error));
    cni_h5_cursor entries = cni_h5_read_at(file, at + head, size, tree_name, error);
    for (unsigned i = 0; i < count; i++) {
        cni_h5_chunk chunk = {.size = cni_h5_u32(&entries)};
        chunk.mask = cni_h5_u32(&entries);
        if (found)
            cni_h5_skip(&entries, 8u * rank); /* a key: it need not be inside */
        else
            chunk.number = read_offset(dataset, &entries);
        cni_h5_skip(&entries, 8); /* the axis of bytes */
        chunk.at = cni_h5_address(&entries);
        CN_TRY(entries.status);
        CN_TRY(found ? read_tree(dataset, chunk.at, (int)found - 1, error) : add_chunk(dataset, chunk, error));
    }
    return CN_OK;
}

/* ---- Layout 4 ---- */

static cn_status read_single(cni_h5_object *dataset, cni_error *error)
{
    const cni_h5_layout *layout = &dataset->layout;
    const bool filtered = layout->flags & 2;
    const cni_h5_chunk chunk = {.at = layout->at,
                                .size = filtered ? layout->size : layout->chunk_bytes,
                                .mask = filtered ? layout->mask : UINT32_MAX};
    return add_chunk(dataset, chunk, error);
}

/* Chunks one after the other, unfiltered. */
static cn_status read_implicit(cni_h5_object *dataset, cni_error *error)
{
    const cni_h5_layout *layout = &dataset->layout;
    const uint64_t count = chunks_in(dataset);
    if (count > dataset->file->bytes.size / layout->chunk_bytes || dataset->pipeline.count)
        return cni_h5_fail(dataset->file, error, CN_ERR_FORMAT, layout->at, "implicit chunks do not fit the file");
    for (uint64_t n = 0; n < count; n++) {
        cni_h5_chunk chunk = {.number = n, .at = layout->at + n * layout->chunk_bytes, .size = layout->chunk_bytes};
        if (layout->at > dataset->file->bytes.size)
            return cni_h5_fail(dataset->file, error, CN_ERR_FORMAT, layout->at, "chunks lie beyond the file");
        CN_TRY(add_chunk(dataset, chunk, error));
    }
    return CN_OK;
}

/* The elements of a fixed array: address, and for filtered chunks size and mask. */
static cn_status read_elements(cni_h5_object *dataset, cni_h5_cursor *cursor, uint64_t first, uint64_t count,
                               unsigned width)
{
    const unsigned size_width = width - dataset->file->offset_size;
    for (uint64_t n = first; n < first + count; n++) {
        cni_h5_chunk chunk = {.number = n, .at = cni_h5_address(cursor), .size = dataset->layout.chunk_bytes};
        if (size_width) {
            chunk.size = cni_h5_u(cursor, size_width - 4);
            chunk.mask = cni_h5_u32(cursor);
        }
        CN_TRY(cursor->status);
        if (chunk.at == CNI_H5_UNDEFINED) continue;
        CN_TRY(add_chunk(dataset, chunk, cursor->error));
    }
    return CN_OK;
}

/* Data block: "FADB" version client header [bitmap of pages] elements checksum [pages: elements checksum]. */
static cn_status read_fixed_data(cni_h5_object *dataset, uint64_t at, uint64_t count, unsigned width,
                                 unsigned page_bits, cni_error *error)
{
    static const char what[] = "fixed array's data";
    cni_h5 *file = dataset->file;
    const uint64_t per_page = UINT64_C(1) << page_bits, head = 6 + file->offset_size;
    const uint64_t pages = count > per_page ? count / per_page + (count % per_page != 0) : 0;
    const uint64_t block = head + (pages ? (pages + 7) / 8 : count * width) + 4;
    CN_TRY(cni_h5_claim_bytes(file, at, block, what, NULL, error));
    CN_TRY(cni_h5_verify(file, at, block, what, error));
    cni_h5_cursor cursor = cni_h5_read_at(file, at, block, what, error);
    cni_h5_signature(&cursor, "FADB");
    cni_h5_skip(&cursor, 2 + file->offset_size);
    if (!pages) return read_elements(dataset, &cursor, 0, count, width);
    const unsigned char *bitmap = cni_h5_take(&cursor, (pages + 7) / 8);
    CN_TRY(cursor.status);
    at += block;
    for (uint64_t p = 0; p < pages; p++) {
        const uint64_t here = p + 1 < pages ? per_page : count - p * per_page, size = here * width + 4;
        if (bitmap[p / 8] >> (7 - p % 8) & 1) {
            CN_TRY(cni_h5_claim_bytes(file, at, size, what, NULL, error));
            CN_TRY(cni_h5_verify(file, at, size, what, error));
            cni_h5_cursor page = cni_h5_read_at(file, at, size, what, error);
            CN_TRY(read_elements(dataset, &page, p * per_page, here, width));
        }
        at += size;
    }
    return CN_OK;
}

/* Header: "FAHD" version client entry-size page-bits count data checksum. */
static cn_status read_fixed(cni_h5_object *dataset, cni_error *error)
{
    static const char what[] = "fixed array";
    cni_h5 *file = dataset->file;
    const uint64_t at = dataset->layout.at, size = 8 + file->length_size + file->offset_size + 4u;
    CN_TRY(cni_h5_claim_bytes(file, at, size, what, NULL, error));
    CN_TRY(cni_h5_verify(file, at, size, what, error));
    cni_h5_cursor cursor = cni_h5_read_at(file, at, size, what, error);
    cni_h5_signature(&cursor, "FAHD");
    const unsigned version = cni_h5_u8(&cursor), client = cni_h5_u8(&cursor);
    const unsigned width = cni_h5_u8(&cursor), page_bits = cni_h5_u8(&cursor);
    const uint64_t count = cni_h5_length(&cursor), data = cni_h5_address(&cursor);
    CN_TRY(cursor.status);
    const bool filtered = client == 1;
    const unsigned least = file->offset_size + (filtered ? 4 + 1 : 0),
                   most = file->offset_size + (filtered ? 4 + 8 : 0);
    if (version || client > 1 || filtered != (dataset->pipeline.count > 0) || width < least || width > most ||
        page_bits > 31 || count != chunks_in(dataset))
        return cni_h5_fail(file, error, CN_ERR_FORMAT, at, "fixed array does not fit its dataset");
    if (data == CNI_H5_UNDEFINED) return CN_OK;
    if (count > file->bytes.size / width)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, at, "fixed array is longer than the file");
    return read_fixed_data(dataset, data, count, width, page_bits, error);
}

cn_status cni_h5_read_chunk_index(cni_h5_object *dataset, cni_error *error)
{
    const cni_h5_layout *layout = &dataset->layout;
    dataset->chunk_count = 0;
    if (layout->at == CNI_H5_UNDEFINED || !dataset->info.count) return CN_OK;
    switch (layout->index) {
    case CNI_H5_INDEX_TREE:
        return read_tree(dataset, layout->at, -1, error);
    case CNI_H5_INDEX_SINGLE:
        return read_single(dataset, error);
    case CNI_H5_INDEX_IMPLICIT:
        return read_implicit(dataset, error);
    case CNI_H5_INDEX_FIXED:
        return read_fixed(dataset, error);
    case CNI_H5_INDEX_EXTENSIBLE:
    case CNI_H5_INDEX_TREE2:
        break;
    }
    return cni_h5_fail(dataset->file, error, CN_ERR_UNSUPPORTED, dataset->address,
                       "dataset with an unlimited axis in the newest chunk index (%s); write it with libver='earliest'",
                       layout->index == CNI_H5_INDEX_TREE2 ? "B-tree 2" : "extensible array");
}
