/* SPDX-License-Identifier: Apache-2.0
 * Dense storage: many links or attributes of one object, kept as messages in a fractal heap and listed in a version 2
 * B-tree by the hash of their names (III.A.2).  The tree is walked whole; its order does not matter to us.
 *
 *   "BTHD" version type node-size:4 record-size:2 depth:2 split merge root records:2 total checksum
 *   "BTIN" version type records | child: address, records, [records below] ... | checksum       "BTLF" without children
 */
#include "formats/hdf5/hdf5_dense.h"

enum { LINKS_BY_NAME = 5, ATTRIBUTES_BY_NAME = 8, MOST_LEVELS = 64 };

static const char what[] = "B-tree 2 node";

typedef struct tree {
    cni_h5_object *object;
    cni_h5_fractal *heap;
    unsigned type;
    uint64_t node_size, record_size;
    unsigned count_width;               /* of a child's own records */
    unsigned total_widths[MOST_LEVELS]; /* of all records below a child on that level */
} tree;

/* A record: the place in the heap and the hash, in an order that depends on the type (III.A.2, types 5 and 8). */
static cn_status read_record(const tree *t, cni_h5_cursor *cursor)
{
    cni_h5_cursor record = *cursor, found;
    cni_h5_skip(cursor, t->record_size);
    CN_TRY(cursor->status);
    record.end = record.at + (size_t)t->record_size;
    if (t->type == LINKS_BY_NAME) {
        cni_h5_skip(&record, 4); /* hash */
        CN_TRY(cni_h5_heap_find(t->heap, &record, "link message", &found));
        return cni_h5_read_link_message(t->object, found);
    }
    cni_h5_cursor flags = record;
    cni_h5_skip(&flags, t->heap->id_size);
    if (cni_h5_u8(&flags) & CNI_H5_FLAG_SHARED)
        return cni_h5_cursor_fail(&flags, CN_ERR_UNSUPPORTED, "shared attributes are not supported");
    CN_TRY(cni_h5_heap_find(t->heap, &record, "attribute", &found));
    return cni_h5_read_attribute_message(t->object, found);
}

static cn_status read_node(const tree *t, uint64_t at, uint64_t records, unsigned level, cni_error *error)
{
    cni_h5 *file = t->object->file;
    uint64_t size = records * t->record_size + 10; /* at most 2^16 * 2^16 */
    const unsigned pointer = file->offset_size + t->count_width + (level > 1 ? t->total_widths[level - 1] : 0);
    if (level) size += (records + 1) * pointer;
    if (size > t->node_size) return cni_h5_fail(file, error, CN_ERR_FORMAT, at, "%s holds more than its size", what);
    CN_TRY(cni_h5_claim_bytes(file, at, size, what, NULL, error));
    CN_TRY(cni_h5_verify(file, at, size, what, error));
    cni_h5_cursor cursor = cni_h5_read_at(file, at, size, what, error);
    cni_h5_signature(&cursor, level ? "BTIN" : "BTLF");
    const unsigned version = cni_h5_u8(&cursor), type = cni_h5_u8(&cursor);
    if (version || type != t->type)
        cni_h5_cursor_fail(&cursor, CN_ERR_FORMAT, "%s of version %u, type %u", what, version, type);
    for (uint64_t i = 0; i < records; i++) CN_TRY(read_record(t, &cursor));
    for (uint64_t i = 0; level && i <= records; i++) {
        const uint64_t child = cni_h5_address(&cursor), count = cni_h5_u(&cursor, t->count_width);
        cni_h5_skip(&cursor, level > 1 ? t->total_widths[level - 1] : 0);
        CN_TRY(cursor.status);
        if (count > UINT16_MAX) return cni_h5_fail(file, error, CN_ERR_FORMAT, child, "%s of too many records", what);
        CN_TRY(read_node(t, child, count, level - 1, error));
    }
    return cursor.status;
}

/* How wide the counts in the nodes are follows from how many records fit. */
static bool measure(tree *t, unsigned depth)
{
    const uint64_t room = t->node_size - 10;
    uint64_t most = room / t->record_size, total = most;
    t->count_width = cni_h5_width(most);
    t->total_widths[0] = t->count_width;
    for (unsigned level = 1; level <= depth; level++) {
        const unsigned pointer =
            t->object->file->offset_size + t->count_width + (level > 1 ? t->total_widths[level - 1] : 0);
        if (room < pointer) return false;
        most = (room - pointer) / (t->record_size + pointer);
        if (__builtin_mul_overflow(total, most + 1, &total) || __builtin_add_overflow(total, most, &total))
            return false;
        t->total_widths[level] = cni_h5_width(total);
    }
    return most > 0;
}

static cn_status read_tree(tree *t, uint64_t at, cni_error *error)
{
    cni_h5 *file = t->object->file;
    const uint64_t size = 16 + file->offset_size + 2 + file->length_size + 4u;
    CN_TRY(cni_h5_claim_bytes(file, at, size, "B-tree 2", NULL, error));
    CN_TRY(cni_h5_verify(file, at, size, "B-tree 2", error));
    cni_h5_cursor cursor = cni_h5_read_at(file, at, size, "B-tree 2", error);
    cni_h5_signature(&cursor, "BTHD");
    const unsigned version = cni_h5_u8(&cursor), type = cni_h5_u8(&cursor);
    t->node_size = cni_h5_u32(&cursor);
    t->record_size = cni_h5_u16(&cursor);
    const unsigned depth = cni_h5_u16(&cursor);
    cni_h5_skip(&cursor, 2);
    const uint64_t root = cni_h5_address(&cursor), records = cni_h5_u16(&cursor);
    CN_TRY(cursor.status);
    if (version || type != t->type || t->node_size < 10 || !t->record_size || depth > file->limits.h5_btree_depth ||
        depth >= MOST_LEVELS || !measure(t, depth))
        return cni_h5_fail(file, error, CN_ERR_FORMAT, at, "B-tree 2 of version %u, type %u, depth %u", version, type,
                           depth);
    return root == CNI_H5_UNDEFINED ? CN_OK : read_node(t, root, records, depth, error);
}

cn_status cni_h5_read_dense(cni_h5_object *object, uint64_t heap, uint64_t names, bool links, cni_error *error)
{
    cni_h5_fractal fractal;
    CN_TRY(cni_h5_heap_open(object->file, heap, &fractal, error));
    tree t = {.object = object, .heap = &fractal, .type = links ? LINKS_BY_NAME : ATTRIBUTES_BY_NAME};
    return read_tree(&t, names, error);
}
