/* SPDX-License-Identifier: Apache-2.0
 * Texts: of fixed length, or of variable length in the global heap (III.E).
 *
 *   element  length:4 collection:address index:4 --> "GCOL" version pad:3 size | index:2 references:2 pad:4 size bytes
 * ... */
#include "formats/hdf5/hdf5_internal.h"

#include <string.h>

static const char collection_name[] = "global heap collection";

/* A collection, its objects by index. */
struct cni_h5_heap {
    size_t count;
    struct {
        size_t at, size; /* at 0: no such object */
    } objects[];
};

/* Runs over a collection's objects; first to find the largest index, then to note them. */
static cn_status scan(cni_h5_cursor cursor, cni_h5_heap *heap, size_t *largest)
{
    const size_t head = 8 + cursor.file->length_size;
    while (!cursor.status && cni_h5_left(&cursor) >= head) {
        const size_t index = cni_h5_u16(&cursor);
        cni_h5_skip(&cursor, 6);
        const uint64_t size = cni_h5_length(&cursor);
        if (!index) break; /* the free space at the end */
        const size_t at = cursor.at;
        cni_h5_skip(&cursor, size);
        if (cursor.status) break;
        const size_t pad = (8 - (size_t)(size & 7)) & 7;
        cni_h5_skip(&cursor, pad < cni_h5_left(&cursor) ? pad : cni_h5_left(&cursor));
        if (index > *largest) *largest = index;
        if (!heap) continue;
        if (heap->objects[index].at)
            return cni_h5_fail(cursor.file, cursor.error, CN_ERR_FORMAT, at, "global heap has two objects of index %zu",
                               index);
        heap->objects[index].at = at;
        heap->objects[index].size = (size_t)size;
    }
    return cursor.status;
}

static cn_status read_collection(cni_h5 *file, uint64_t at, cni_h5_heap **out, cni_error *error)
{
    const unsigned head = 8 + file->length_size;
    cni_h5_cursor cursor = cni_h5_read_at(file, at, head, collection_name, error);
    cni_h5_signature(&cursor, "GCOL");
    const unsigned version = cni_h5_u8(&cursor);
    if (version != 1)
        cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "%s version %u; 1 is supported", collection_name, version);
    cni_h5_skip(&cursor, 3);
    const uint64_t size = cni_h5_length(&cursor);
    if (size < head)
        cni_h5_cursor_fail(&cursor, CN_ERR_FORMAT, "%s of %llu bytes", collection_name, (unsigned long long)size);
    CN_TRY(cursor.status);
    cni_h5_cursor objects = cni_h5_read_at(file, at, size, collection_name, error);
    cni_h5_skip(&objects, head);
    size_t largest = 0;
    CN_TRY(scan(objects, NULL, &largest));
    cni_h5_heap *heap = cni_arena_alloc(file->arena, sizeof *heap + (largest + 1) * sizeof *heap->objects);
    if (!heap) return cni_no_memory(error, "the list of a global heap");
    heap->count = largest + 1;
    CN_TRY(scan(objects, heap, &largest));
    CN_TRY(cni_h5_claim_bytes(file, at, size, collection_name, heap, error));
    *out = heap;
    return CN_OK;
}

static cn_status find_collection(cni_h5 *file, uint64_t at, cni_h5_heap **out, cni_error *error)
{
    const cni_h5_claim *claim = at <= file->bytes.size ? cni_h5_claim_at(file, (size_t)at) : NULL;
    if (!claim) return read_collection(file, at, out, error);
    if (strcmp(claim->what, collection_name) != 0)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, at, "%s expected, found the %s", collection_name, claim->what);
    *out = claim->owner;
    return CN_OK;
}

typedef struct piece {
    const char *bytes;
    size_t size;
} piece;

static cn_status read_variable(cni_h5 *file, cni_h5_cursor *cursor, piece *out)
{
    const uint32_t length = cni_h5_u32(cursor);
    const uint64_t address = cni_h5_address(cursor);
    const uint32_t index = cni_h5_u32(cursor);
    CN_TRY(cursor->status);
    *out = (piece){"", 0};
    if (!length) return CN_OK;
    cni_h5_heap *heap = NULL;
    CN_TRY(find_collection(file, address, &heap, cursor->error));
    if (index >= heap->count || !heap->objects[index].at || heap->objects[index].size < length)
        return cni_h5_fail(file, cursor->error, CN_ERR_FORMAT, address, "global heap has no object %u of %u bytes",
                           index, length);
    cni_h5_cursor object = cni_h5_read_at(file, heap->objects[index].at, length, "global heap object", cursor->error);
    *out = (piece){(const char *)cni_h5_take(&object, length), length};
    return object.status;
}

static cn_status read_fixed(const cni_h5_type *type, cni_h5_cursor *cursor, piece *out)
{
    *out = (piece){(const char *)cni_h5_take(cursor, type->size), type->size};
    if (type->padding == 2 && out->bytes)
        while (out->size && out->bytes[out->size - 1] == ' ') out->size--;
    return cursor->status;
}

/* Zeros at the end are padding; one in the middle would hide what follows. */
static cn_status keep_text(cni_h5 *file, piece found, size_t at, const char **out, cni_error *error)
{
    while (found.size && !found.bytes[found.size - 1]) found.size--;
    if (found.size && memchr(found.bytes, 0, found.size))
        return cni_h5_fail(file, error, CN_ERR_FORMAT, at, "a text holds a zero byte");
    *out = cni_arena_text_n(file->arena, found.bytes, found.size);
    return *out ? CN_OK : cni_no_memory(error, "a text");
}

cn_status cni_h5_make_texts(cni_h5 *file, const cni_h5_info *info, cni_h5_cursor cursor, const char *const **texts,
                            cni_error *error)
{
    const bool variable = info->type.class == CNI_H5_TEXT_VARIABLE;
    const size_t count = (size_t)info->count;
    if (count && !variable && info->type.class != CNI_H5_TEXT)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, cursor.at, "texts expected, found values of type %s",
                           info->type.name);
    CN_TRY(cursor.status);
    const char **list = CNI_NEW_ARRAY(file->arena, const char *, count);
    if (!list) return cni_no_memory(error, "a list of texts");
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        piece found;
        const size_t at = cursor.at;
        CN_TRY(variable ? read_variable(file, &cursor, &found) : read_fixed(&info->type, &cursor, &found));
        if (found.size > file->limits.h5_attribute_bytes - total)
            return cni_h5_over(file, error, at, file->limits.h5_attribute_bytes, "bytes of text in one value");
        total += found.size;
        CN_TRY(keep_text(file, found, at, &list[i], error));
    }
    *texts = list;
    return CN_OK;
}
