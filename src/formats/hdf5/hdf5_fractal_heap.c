/* SPDX-License-Identifier: Apache-2.0
 * The fractal heap (III.F): objects in direct blocks, which a doubling table of indirect blocks lists.
 *
 *   row 0, 1: blocks of the first size; each later row: twice the size; `table_width` blocks in a row.
 *   Rows whose blocks would be larger than the largest direct block hold indirect blocks: tables of the same kind.
 *   An object's place: kind, offset in the heap (block headers included), length. */
#include "formats/hdf5/hdf5_dense.h"

#include <string.h>

static const char direct_name[] = "fractal heap direct block", indirect_name[] = "fractal heap indirect block";

unsigned cni_h5_width(uint64_t most)
{
    unsigned width = 1;
    while (width < 8 && most >> 8 * width) width++;
    return width;
}

static bool power_of_two(uint64_t x)
{
    return x && !(x & (x - 1));
}

static cn_status check_heap(const cni_h5_fractal *h, unsigned version, unsigned filters, cni_error *error)
{
    if (filters)
        return cni_h5_fail(h->file, error, CN_ERR_UNSUPPORTED, h->at,
                           "fractal heap with filters, which are not supported");
    if (version || !power_of_two(h->first_block) || !power_of_two(h->largest_block) ||
        h->first_block > h->largest_block || h->largest_block > UINT32_MAX || !power_of_two(h->table_width) ||
        h->heap_bits < 1 || h->heap_bits > 64 || h->root_rows > 64 ||
        h->id_size < 1 + h->offset_width + h->length_width)
        return cni_h5_fail(h->file, error, CN_ERR_FORMAT, h->at, "fractal heap of impossible sizes");
    return CN_OK;
}

cn_status cni_h5_heap_open(cni_h5 *file, uint64_t at, cni_h5_fractal *h, cni_error *error)
{
    static const char what[] = "fractal heap";
    const uint64_t L = file->length_size, O = file->offset_size, size = 26 + 12 * L + 3 * O;
    *h = (cni_h5_fractal){.file = file, .at = at};
    CN_TRY(cni_h5_claim_bytes(file, at, size, what, NULL, error));
    cni_h5_cursor cursor = cni_h5_read_at(file, at, size, what, error);
    cni_h5_signature(&cursor, "FRHP");
    const unsigned version = cni_h5_u8(&cursor);
    h->id_size = cni_h5_u16(&cursor);
    const unsigned filters = cni_h5_u16(&cursor);
    h->checked_blocks = cni_h5_u8(&cursor) & 2;
    const uint64_t largest_object = cni_h5_u32(&cursor);
    cni_h5_skip(&cursor, L); /* next huge object */
    h->huge_tree = cni_h5_address(&cursor);
    cni_h5_skip(&cursor, L + O + 8 * L); /* free space, its manager, and eight counters */
    h->table_width = cni_h5_u16(&cursor);
    h->first_block = cni_h5_length(&cursor);
    h->largest_block = cni_h5_length(&cursor);
    h->heap_bits = cni_h5_u16(&cursor);
    cni_h5_skip(&cursor, 2); /* rows at the start */
    h->root = cni_h5_address(&cursor);
    h->root_rows = cni_h5_u16(&cursor);
    CN_TRY(cursor.status);
    const unsigned in_block = cni_h5_width(h->largest_block), in_object = cni_h5_width(largest_object);
    h->offset_width = (unsigned)((h->heap_bits + 7) / 8);
    h->length_width = in_block < in_object ? in_block : in_object;
    CN_TRY(check_heap(h, version, filters, error));
    return cni_h5_verify(file, at, size, what, error);
}

/* ---- Blocks ---- */

/* A direct block's checksum covers the block with zeros in the checksum's place. */
static cn_status verify_direct(const cni_h5_fractal *h, uint64_t at, uint64_t size, cni_error *error)
{
    const uint64_t place = 5u + h->file->offset_size + h->offset_width;
    cni_h5_cursor cursor = cni_h5_read_at(h->file, at, size, direct_name, error), sum = cursor;
    const unsigned char *bytes = cni_h5_take(&cursor, size);
    cni_h5_skip(&sum, place);
    const uint32_t stored = cni_h5_u32(&sum);
    CN_TRY(sum.status);
    unsigned char *copy = cni_arena_alloc(h->file->arena, (size_t)size);
    if (!copy) return cni_no_memory(error, "a block of a heap");
    memcpy(copy, bytes, (size_t)size);
    memset(copy + place, 0, 4);
    if (stored == cni_h5_checksum(copy, (size_t)size) || CNI_H5_FUZZING) return CN_OK;
    return cni_h5_fail(h->file, error, CN_ERR_FORMAT, at, "%s: checksum does not match; the file is damaged",
                       direct_name);
}

/* Claims and checks a block when it is first met.  `size` covers its checksum, if it stands at the end. */
static cn_status meet_block(const cni_h5_fractal *h, uint64_t at, uint64_t size, const char *name, cni_error *error)
{
    cni_h5 *file = h->file;
    cni_h5_cursor cursor = cni_h5_read_at(file, at, size, name, error);
    CN_TRY(cursor.status);
    const cni_h5_claim *claim = cni_h5_claim_at(file, cursor.at);
    const bool direct = name == direct_name;
    if (claim && claim->what == name && claim->end == cursor.end) return CN_OK;
    CN_TRY(cni_h5_claim_bytes(file, at, size, name, NULL, error));
    cni_h5_signature(&cursor, direct ? "FHDB" : "FHIB");
    const unsigned version = cni_h5_u8(&cursor);
    if (version || cni_h5_address(&cursor) != h->at)
        cni_h5_cursor_fail(&cursor, CN_ERR_FORMAT, "%s of another heap", name);
    CN_TRY(cursor.status);
    if (!direct) return cni_h5_verify(file, at, size, name, error);
    return h->checked_blocks ? verify_direct(h, at, size, error) : CN_OK;
}

/* A block of the heap, and where in the heap it begins. */
typedef struct block {
    uint64_t at, size, begin;
    unsigned rows; /* 0: a direct block */
} block;

static unsigned log2_of(uint64_t x)
{
    return (unsigned)(63 - __builtin_clzll(x));
}

/* The row of the doubling table that holds an offset, the size of its blocks, and where the row begins. */
static unsigned find_row(const cni_h5_fractal *h, uint64_t offset, uint64_t *size, uint64_t *begin)
{
    const uint64_t first_row = h->first_block * h->table_width;
    *size = h->first_block;
    *begin = 0;
    if (offset < first_row) return 0;
    const unsigned row = log2_of(offset / first_row) + 1;
    *size = h->first_block << (row - 1);
    *begin = first_row << (row - 1);
    return row;
}

static uint64_t indirect_size(const cni_h5_fractal *h, unsigned rows)
{
    return 5u + h->file->offset_size + h->offset_width + (uint64_t)rows * h->table_width * h->file->offset_size + 4;
}

/* From an indirect block to the child that holds the offset.  A child is smaller than its parent, so this ends. */
static cn_status step_down(const cni_h5_fractal *h, block *b, uint64_t offset, cni_error *error)
{
    const uint64_t bytes = indirect_size(h, b->rows);
    CN_TRY(meet_block(h, b->at, bytes, indirect_name, error));
    uint64_t size, begin;
    const unsigned row = find_row(h, offset - b->begin, &size, &begin);
    if (row >= b->rows)
        return cni_h5_fail(h->file, error, CN_ERR_FORMAT, b->at, "object lies outside the fractal heap");
    const uint64_t column = (offset - b->begin - begin) / size;
    cni_h5_cursor cursor = cni_h5_read_at(h->file, b->at, bytes, indirect_name, error);
    cni_h5_skip(&cursor, 5u + h->file->offset_size + h->offset_width +
                             (row * (uint64_t)h->table_width + column) * h->file->offset_size);
    block child = {.at = cni_h5_address(&cursor), .size = size, .begin = b->begin + begin + column * size};
    CN_TRY(cursor.status);
    if (size > h->largest_block) {
        const uint64_t first_row = h->first_block * h->table_width;
        if (size < first_row)
            return cni_h5_fail(h->file, error, CN_ERR_FORMAT, b->at, "fractal heap of impossible sizes");
        child.rows = log2_of(size / first_row) + 1;
    }
    *b = child;
    return CN_OK;
}

static cn_status find_managed(const cni_h5_fractal *h, uint64_t offset, uint64_t length, const char *what,
                              cni_h5_cursor *object, cni_error *error)
{
    block b = {.at = h->root, .size = h->first_block, .rows = h->root_rows};
    for (unsigned depth = 0; b.rows; depth++) {
        if (depth > h->file->limits.h5_btree_depth)
            return cni_h5_over(h->file, error, h->at, h->file->limits.h5_btree_depth, "levels in a fractal heap");
        CN_TRY(step_down(h, &b, offset, error));
    }
    CN_TRY(meet_block(h, b.at, b.size, direct_name, error));
    const uint64_t inside = offset - b.begin;
    if (offset < b.begin || inside > b.size || length > b.size - inside)
        return cni_h5_fail(h->file, error, CN_ERR_FORMAT, h->at, "object lies outside its block of the fractal heap");
    *object = cni_h5_read_at(h->file, b.at + inside, length, what, error);
    return object->status;
}

cn_status cni_h5_heap_find(const cni_h5_fractal *h, cni_h5_cursor *place, const char *what, cni_h5_cursor *object)
{
    static const char *const kinds[4] = {"managed", "huge", "tiny", "unknown"};
    const unsigned head = cni_h5_u8(place), kind = head >> 4 & 3;
    if (head >> 6 || kind)
        return cni_h5_cursor_fail(place, CN_ERR_UNSUPPORTED, "%s objects in a fractal heap are not supported",
                                  kinds[kind]);
    const uint64_t offset = cni_h5_u(place, h->offset_width), length = cni_h5_u(place, h->length_width);
    CN_TRY(place->status);
    return find_managed(h, offset, length, what, object, place->error);
}
