/* SPDX-License-Identifier: Apache-2.0
 * Laying a tree out as an HDF5 file, the way libhdf5 does by default: superblock 0, symbol tables, headers of
 * version 1.
 *
 *   superblock | global heap collections | for each group, from the leaves up: what it holds, symbol table nodes,
 *   local heap, B-tree nodes level by level, header | for each dataset: data, header
 *
 * One pass runs twice: without memory, to learn all addresses and the size; then into memory of that size.  A thing is
 * written after the things it points at, except by the superblock, which knows from the first run. */
#include "formats/hdf5/hdf5_internal.h"
#include "formats/hdf5/hdf5_tree.h"

#include <string.h>

enum {
    SUPERBLOCK = 96,
    LEAF_K = 4,      /* a symbol table node holds up to 2 * 4 names */
    INTERNAL_K = 16, /* a B-tree node up to 2 * 16 children */
    SYMBOLS = 2 * LEAF_K,
    CHILDREN = 2 * INTERNAL_K,
    SYMBOL = 40,
    SYMBOL_NODE = 8 + SYMBOLS * SYMBOL,
    TREE_NODE = 24 + (CHILDREN + 1) * 8 + CHILDREN * 8,
    COLLECTION = 4096, /* the least size of a global heap collection */
    HEAP_HEAD = 16,    /* of a collection, and of each object in it */
    MOST_INDEX = 65535
};

typedef struct out {
    unsigned char *bytes; /* NULL: only count */
    uint64_t at;
    uint64_t end; /* of the file; known in the second run */
} out;

static void put(out *o, const void *bytes, uint64_t size)
{
    if (o->bytes && size) memcpy(o->bytes + o->at, bytes, (size_t)size);
    o->at += size;
}

static void put_u(out *o, uint64_t value, unsigned width)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < width; i++) bytes[i] = (unsigned char)(value >> 8 * i);
    put(o, bytes, width);
}

static void put_zeros(out *o, uint64_t size)
{
    if (o->bytes && size) memset(o->bytes + o->at, 0, (size_t)size);
    o->at += size;
}

static uint64_t round_up(uint64_t size)
{
    return (size + 7) / 8 * 8;
}

static void align(out *o)
{
    put_zeros(o, round_up(o->at) - o->at);
}

static void put_numbers(out *o, const void *data, uint64_t count, unsigned size)
{
    const uint16_t one = 1;
    unsigned char little;
    memcpy(&little, &one, 1);
    if (little || size == 1) {
        put(o, data, count * size);
        return;
    }
    const unsigned char *bytes = data;
    for (uint64_t i = 0; i < count; i++, bytes += size)
        for (unsigned k = size; k-- > 0;) put(o, bytes + k, 1);
}

/* ---- Global heap: the texts of all attributes ---- */

typedef struct collection {
    uint64_t begin, size; /* size 0: none is open */
    uint32_t next;
} collection;

static void close_collection(out *o, collection *c)
{
    if (!c->size) return;
    const uint64_t left = c->begin + c->size - o->at;
    if (left >= HEAP_HEAD) { /* object 0 is what is free */
        put_zeros(o, 8);
        put_u(o, left, 8);
        put_zeros(o, left - HEAP_HEAD);
    } else {
        put_zeros(o, left);
    }
    c->size = 0;
}

static void open_collection(out *o, collection *c, uint64_t need)
{
    const uint64_t size = HEAP_HEAD + need;
    *c = (collection){.begin = o->at, .size = size < COLLECTION ? COLLECTION : size, .next = 1};
    put(o, "GCOL\1\0\0", 8);
    put_u(o, c->size, 8);
}

static void put_heap_text(out *o, collection *c, cni_h5_stored_text *text)
{
    if (!text->length) return; /* an empty text lies nowhere */
    const uint64_t need = HEAP_HEAD + round_up(text->length);
    if (!c->size || c->next > MOST_INDEX || need > c->begin + c->size - o->at) {
        close_collection(o, c);
        open_collection(o, c, need);
    }
    text->collection = c->begin;
    text->index = c->next++;
    put_u(o, text->index, 2);
    put_u(o, 1, 2); /* references */
    put_zeros(o, 4);
    put_u(o, text->length, 8);
    put(o, text->text, text->length);
    align(o);
}

static void put_texts_of(out *o, collection *c, cni_h5_item *item)
{
    for (size_t i = 0; i < item->attribute_count; i++) {
        cni_h5_value *value = &item->attributes[i].value;
        for (uint64_t k = 0; value->texts && k < value->count; k++) put_heap_text(o, c, &value->texts[k]);
    }
    for (size_t i = 0; i < item->child_count; i++) put_texts_of(o, c, item->children[i]); /* depth: MOST_DEPTH */
}

/* ---- Messages ---- */

static uint64_t space_size(const cni_h5_value *value)
{
    return 8 + 16u * value->rank;
}

/* Size and, a second time, largest size of each axis, as libhdf5 writes it. */
static void put_space(out *o, const cni_h5_value *value)
{
    put_u(o, 1, 1);
    put_u(o, value->rank, 1);
    put_u(o, value->rank > 0, 1);
    put_zeros(o, 5);
    for (unsigned twice = 0; twice < 2; twice++)
        for (unsigned i = 0; i < value->rank; i++) put_u(o, value->dims[i], 8);
}

static void put_type(out *o, const cni_h5_value *value)
{
    const cni_h5_coded_type *type = &cni_h5_codes[value->code];
    put(o, type->code, type->code_size);
    align(o);
}

static void put_message_head(out *o, unsigned type, uint64_t size, unsigned flags)
{
    put_u(o, type, 2);
    put_u(o, size, 2);
    put_u(o, flags, 1);
    put_zeros(o, 3);
}

static uint64_t value_size(const cni_h5_value *value)
{
    return value->count * cni_h5_codes[value->code].size;
}

static uint64_t attribute_size(const cni_h5_added_attribute *a)
{
    return 8 + round_up(strlen(a->name) + 1) + round_up(cni_h5_codes[a->value.code].code_size) + space_size(&a->value) +
           round_up(value_size(&a->value));
}

static void put_attribute(out *o, const cni_h5_added_attribute *a)
{
    const cni_h5_value *value = &a->value;
    put_message_head(o, CNI_H5_MSG_ATTRIBUTE, attribute_size(a), 0);
    put_u(o, 1, 2); /* version */
    put_u(o, strlen(a->name) + 1, 2);
    put_u(o, cni_h5_codes[value->code].code_size, 2);
    put_u(o, space_size(value), 2);
    put(o, a->name, strlen(a->name) + 1);
    align(o);
    put_type(o, value);
    put_space(o, value);
    for (uint64_t i = 0; value->texts && i < value->count; i++) {
        put_u(o, value->texts[i].length, 4);
        put_u(o, value->texts[i].collection, 8);
        put_u(o, value->texts[i].index, 4);
    }
    if (!value->texts) put_numbers(o, value->data, value->count, cni_h5_codes[value->code].size);
    align(o);
}

static void put_header_head(out *o, const cni_h5_item *item, unsigned messages, uint64_t size)
{
    for (size_t i = 0; i < item->attribute_count; i++) size += 8 + attribute_size(&item->attributes[i]);
    put_u(o, 1, 2); /* version */
    put_u(o, messages + item->attribute_count, 2);
    put_u(o, 1, 4); /* references */
    put_u(o, size, 4);
    put_zeros(o, 4);
}

/* ---- Datasets ---- */

static void put_dataset(out *o, cni_h5_item *item)
{
    const cni_h5_value *value = &item->value;
    const uint64_t data = o->at, size = value_size(value), type = round_up(cni_h5_codes[value->code].code_size);
    put_numbers(o, value->data, value->count, cni_h5_codes[value->code].size);
    align(o);
    item->header = o->at;
    put_header_head(o, item, 4, 8 + space_size(value) + 8 + type + 8 + 8 + 8 + 24);
    put_message_head(o, CNI_H5_MSG_DATASPACE, space_size(value), 0);
    put_space(o, value);
    put_message_head(o, CNI_H5_MSG_DATATYPE, type, 1);
    put_type(o, value);
    put_message_head(o, CNI_H5_MSG_FILL, 8, 1);
    put(o, "\2\2\2\1\0\0\0", 8); /* allocated late, filled if set, the default: zeros */
    put_message_head(o, CNI_H5_MSG_LAYOUT, 24, 0);
    put(o, "\3\1", 2); /* version, contiguous */
    put_u(o, size ? data : CNI_H5_UNDEFINED, 8);
    put_u(o, size, 8);
    put_zeros(o, 6);
    for (size_t i = 0; i < item->attribute_count; i++) put_attribute(o, &item->attributes[i]);
}

/* ---- Groups ---- */

static void put_symbol(out *o, const cni_h5_item *item)
{
    put_u(o, item->name_at, 8);
    put_u(o, item->header, 8);
    put_u(o, !item->is_dataset, 4); /* 1: the scratch space repeats the symbol table message */
    put_zeros(o, 4);
    put_u(o, item->is_dataset ? 0 : item->tree, 8);
    put_u(o, item->is_dataset ? 0 : item->heap, 8);
}

static void put_symbol_nodes(out *o, const cni_h5_item *group)
{
    for (size_t first = 0; first < group->child_count; first += SYMBOLS) {
        const size_t left = group->child_count - first, count = left < SYMBOLS ? left : SYMBOLS;
        put(o, "SNOD\1", 6);
        put_u(o, count, 2);
        for (size_t i = 0; i < count; i++) put_symbol(o, group->children[first + i]);
        put_zeros(o, (SYMBOLS - count) * SYMBOL);
    }
}

/* Names one after the other, the empty one first: B-trees begin with it. */
static void put_local_heap(out *o, cni_h5_item *group)
{
    enum { NOTHING_FREE = 1 };
    uint64_t size = 8;
    for (size_t i = 0; i < group->child_count; i++) {
        group->children[i]->name_at = size;
        size += round_up(strlen(group->children[i]->name) + 1);
    }
    group->heap = o->at;
    put(o, "HEAP\0\0\0", 8);
    put_u(o, size, 8);
    put_u(o, NOTHING_FREE, 8);
    put_u(o, o->at + 8, 8);
    put_zeros(o, 8);
    for (size_t i = 0; i < group->child_count; i++) {
        put(o, group->children[i]->name, strlen(group->children[i]->name) + 1);
        align(o);
    }
}

/* The key after the first `nodes` symbol table nodes: the last name in them. */
static uint64_t key_after(const cni_h5_item *group, size_t nodes)
{
    size_t names = nodes * SYMBOLS;
    if (names > group->child_count) names = group->child_count;
    return names ? group->children[names - 1]->name_at : 0;
}

/* One level: `count` children of `size` bytes each lie one after the other from `child` on, each over `reach` symbol
 * table nodes. */
static void put_tree_level(out *o, const cni_h5_item *group, unsigned level, uint64_t child, size_t count,
                           uint64_t size, size_t reach)
{
    const uint64_t begin = o->at;
    const size_t nodes = count ? (count + CHILDREN - 1) / CHILDREN : 1;
    for (size_t n = 0; n < nodes; n++) {
        const size_t first = n * CHILDREN, left = count - first, here = left < CHILDREN ? left : CHILDREN;
        put(o, "TREE", 5); /* type 0: a group's */
        put_u(o, level, 1);
        put_u(o, here, 2);
        put_u(o, n ? begin + (n - 1) * TREE_NODE : CNI_H5_UNDEFINED, 8);
        put_u(o, n + 1 < nodes ? begin + (n + 1) * TREE_NODE : CNI_H5_UNDEFINED, 8);
        put_u(o, key_after(group, first * reach), 8);
        for (size_t i = 0; i < here; i++) {
            put_u(o, child + (first + i) * size, 8);
            put_u(o, key_after(group, (first + i + 1) * reach), 8);
        }
        put_zeros(o, (CHILDREN - here) * 16);
    }
}

static void put_tree(out *o, cni_h5_item *group, uint64_t symbol_nodes)
{
    size_t count = (group->child_count + SYMBOLS - 1) / SYMBOLS, reach = 1;
    uint64_t child = symbol_nodes, size = SYMBOL_NODE;
    for (unsigned level = 0;; level++) {
        group->tree = o->at;
        put_tree_level(o, group, level, child, count, size, reach);
        if (count <= CHILDREN) return;
        count = (count + CHILDREN - 1) / CHILDREN;
        child = group->tree;
        size = TREE_NODE;
        reach *= CHILDREN;
    }
}

static void put_group(out *o, cni_h5_item *group)
{
    for (size_t i = 0; i < group->child_count; i++) {
        if (group->children[i]->is_dataset)
            put_dataset(o, group->children[i]);
        else
            put_group(o, group->children[i]); /* depth: MOST_DEPTH */
    }
    put_local_heap(o, group);
    const uint64_t symbol_nodes = o->at;
    put_symbol_nodes(o, group);
    put_tree(o, group, symbol_nodes);
    group->header = o->at;
    put_header_head(o, group, 1, 8 + 16);
    put_message_head(o, CNI_H5_MSG_SYMBOL_TABLE, 16, 0);
    put_u(o, group->tree, 8);
    put_u(o, group->heap, 8);
    for (size_t i = 0; i < group->attribute_count; i++) put_attribute(o, &group->attributes[i]);
}

/* ---- The file ---- */

static void put_superblock(out *o, const cni_h5_item *root)
{
    put(o, "\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08", 16);
    put_u(o, LEAF_K, 2);
    put_u(o, INTERNAL_K, 2);
    put_zeros(o, 4 + 8); /* flags, base address */
    put_u(o, CNI_H5_UNDEFINED, 8);
    put_u(o, o->end, 8);
    put_u(o, CNI_H5_UNDEFINED, 8);
    put_symbol(o, root);
}

static void put_file(out *o, cni_h5_item *root)
{
    put_superblock(o, root);
    collection c = {0};
    put_texts_of(o, &c, root);
    close_collection(o, &c);
    put_group(o, root);
}

static cn_status check_attributes(cni_h5_item *item, cni_error *error)
{
    char shown[72], name[72];
    if (item->attribute_count > UINT16_MAX - 4)
        return cni_fail(error, CN_ERR_LIMIT, "HDF5: \"%s\" has too many attributes", cni_h5_show(item->name, name));
    for (size_t i = 0; i < item->attribute_count; i++) {
        const cni_h5_added_attribute *a = &item->attributes[i];
        if (attribute_size(a) > CNI_H5_ATTRIBUTE_LIMIT)
            return cni_fail(error, CN_ERR_LIMIT,
                            "HDF5: attribute \"%s\" of \"%s\" has more than 64 KiB; split it, as Keras does",
                            cni_h5_show(a->name, shown), cni_h5_show(item->name, name));
    }
    for (size_t i = 0; i < item->child_count; i++) CN_TRY(check_attributes(item->children[i], error));
    return CN_OK;
}

cn_status cni_h5_serialise(cni_h5_writer *writer, cni_buffer *to, cni_error *error)
{
    if (writer->error.status) return cni_fail(error, writer->error.status, "%s", writer->error.text);
    CN_TRY(check_attributes(writer->root, error));
    out count = {0};
    put_file(&count, writer->root);
    out written = {.bytes = cni_buffer_extend(to, (size_t)count.at), .end = count.at};
    if (!written.bytes) return cni_no_memory(error, "an HDF5 file");
    put_file(&written, writer->root);
    return CN_OK;
}
