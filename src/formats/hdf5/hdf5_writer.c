/* SPDX-License-Identifier: Apache-2.0
 * Building the tree of an HDF5 file to be written. */
#include "formats/hdf5/hdf5_internal.h"
#include "formats/hdf5/hdf5_tree.h"

#include <string.h>

/* Specification IV.A.2.d; byte for byte what h5py 3.16 writes. */
const cni_h5_coded_type cni_h5_codes[CNI_H5_CODES] = {
    [CNI_H5_STORE_F32] = {4, 20, {0x11, 0x20, 0x1f, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127}},
    [CNI_H5_STORE_F64] = {8, 20, {0x11, 0x20, 0x3f, 0, 8, 0, 0, 0, 0, 0, 64, 0, 52, 11, 0, 52, 0xff, 3}},
    [CNI_H5_STORE_I32] = {4, 12, {0x10, 0x08, 0, 0, 4, 0, 0, 0, 0, 0, 32}},
    [CNI_H5_STORE_I64] = {8, 12, {0x10, 0x08, 0, 0, 8, 0, 0, 0, 0, 0, 64}},
    [CNI_H5_STORE_U32] = {4, 12, {0x10, 0x00, 0, 0, 4, 0, 0, 0, 0, 0, 32}},
    [CNI_H5_STORE_U8] = {1, 12, {0x10, 0x00, 0, 0, 1, 0, 0, 0, 0, 0, 8}},
    [CNI_H5_CODE_TEXT] = {16, 20, {0x19, 1, 1, 0, 16, 0, 0, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8}},
};

enum { MOST_DEPTH = 64, MOST_NAME = 255 }; /* as the reader's limits, so that what is written can be read */

static cni_h5_item *out_of_memory(cni_h5_writer *writer)
{
    cni_no_memory(&writer->error, "an HDF5 file");
    return NULL;
}

static cni_h5_item *new_item(cni_h5_writer *writer, const char *name, unsigned depth)
{
    cni_h5_item *item = CNI_NEW(writer->arena, cni_h5_item);
    if (!item) return out_of_memory(writer);
    *item = (cni_h5_item){.writer = writer, .name = name, .depth = depth};
    return item;
}

cni_h5_writer *cni_h5_writer_new(cni_arena *arena)
{
    cni_h5_writer *writer = CNI_NEW(arena, cni_h5_writer);
    if (!writer) return NULL;
    *writer = (cni_h5_writer){.arena = arena};
    writer->root = new_item(writer, "", 0);
    return writer->root ? writer : NULL;
}

cni_h5_item *cni_h5_writer_root(cni_h5_writer *writer)
{
    return writer ? writer->root : NULL;
}

/* ---- Children ---- */

/* The place of a name among the children: of the child itself, or where it should go. */
static size_t place_of(const cni_h5_item *group, const char *name, bool *there)
{
    size_t low = 0, high = group->child_count;
    *there = false;
    while (low < high && !*there) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(group->children[middle]->name, name);
        *there = !order;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

static cni_h5_item *insert(cni_h5_item *group, size_t at, const char *name)
{
    cni_h5_writer *writer = group->writer;
    char shown[72];
    if (group->depth >= MOST_DEPTH) {
        cni_fail(&writer->error, CN_ERR_LIMIT, "HDF5: \"%s\" would be more than %d groups deep",
                 cni_h5_show(name, shown), MOST_DEPTH);
        return NULL;
    }
    cni_h5_item *item = new_item(writer, name, group->depth + 1);
    if (!item) return NULL;
    if (!cni_h5_grow(writer->arena, &group->children, group->child_count, &group->child_room, sizeof item))
        return out_of_memory(writer);
    memmove(group->children + at + 1, group->children + at, (group->child_count - at) * sizeof item);
    group->children[at] = item;
    group->child_count++;
    return item;
}

static const char *copy_name(cni_h5_writer *writer, const char *name, size_t length)
{
    const char *copy = cni_arena_text_n(writer->arena, name, length);
    if (!copy) {
        out_of_memory(writer);
        return NULL;
    }
    char shown[72];
    if (cni_h5_good_name(name, length) && length <= MOST_NAME && strcmp(copy, ".") != 0 && strcmp(copy, "..") != 0)
        return copy;
    cni_fail(&writer->error, CN_ERR_INVALID,
             "HDF5: \"%s\" cannot be a name: 1 to %d bytes of UTF-8 without control "
             "characters are expected",
             cni_h5_show(copy, shown), MOST_NAME);
    return NULL;
}

/* The item of that name: the one there is, when it is a group and a group is wanted, or a new one. */
static cni_h5_item *add_component(cni_h5_item *parent, const char *name, size_t length, bool dataset)
{
    cni_h5_writer *writer = parent->writer;
    const char *copy = copy_name(writer, name, length);
    if (!copy) return NULL;
    bool there;
    const size_t at = place_of(parent, copy, &there);
    if (there && !dataset && !parent->children[at]->is_dataset) return parent->children[at];
    char shown[72];
    if (there || parent->is_dataset) {
        cni_fail(&writer->error, CN_ERR_INVALID, "HDF5: \"%s\" %s", cni_h5_show(there ? copy : parent->name, shown),
                 there ? "is there already" : "is a dataset and cannot hold others");
        return NULL;
    }
    cni_h5_item *item = insert(parent, at, copy);
    if (item) item->is_dataset = dataset;
    return item;
}

static cni_h5_item *add_path(cni_h5_item *parent, const char *path, bool dataset)
{
    while (parent && !parent->writer->error.status) {
        const size_t length = strcspn(path, "/");
        const bool last = !path[length];
        parent = add_component(parent, path, length, dataset && last);
        if (last) return parent;
        path += length + 1;
    }
    return NULL;
}

cni_h5_item *cni_h5_add_group(cni_h5_item *parent, const char *path)
{
    return add_path(parent, path, false);
}

/* ---- Values ---- */

static bool set_shape(cni_h5_writer *writer, cni_h5_value *value, unsigned code, unsigned rank, const uint64_t *dims)
{
    *value = (cni_h5_value){.code = code, .rank = rank, .count = 1};
    bool fits = rank <= CNI_H5_MAX_RANK;
    for (unsigned i = 0; fits && i < rank; i++) {
        value->dims[i] = dims[i];
        fits = !__builtin_mul_overflow(value->count, dims[i], &value->count);
    }
    fits = fits && value->count <= (uint64_t)PTRDIFF_MAX / cni_h5_codes[code].size;
    if (!fits) cni_fail(&writer->error, CN_ERR_LIMIT, "HDF5: a value is too large to be written");
    return fits;
}

cni_h5_item *cni_h5_add_dataset(cni_h5_item *parent, const char *path, cni_h5_store type, unsigned rank,
                                const uint64_t *dims, const void *data)
{
    cni_h5_item *item = add_path(parent, path, true);
    if (!item || !set_shape(item->writer, &item->value, type, rank, dims)) return NULL;
    item->value.data = data;
    return item;
}

/* The attribute, still without its data; NULL when something went wrong. */
static cni_h5_value *add_attribute(cni_h5_item *item, const char *name, unsigned code, unsigned rank,
                                   const uint64_t *dims)
{
    if (!item || item->writer->error.status) return NULL;
    cni_h5_writer *writer = item->writer;
    cni_h5_added_attribute added = {.name = copy_name(writer, name, strlen(name))};
    if (!added.name || !set_shape(writer, &added.value, code, rank, dims)) return NULL;
    char shown[72];
    for (size_t i = 0; i < item->attribute_count; i++)
        if (strcmp(item->attributes[i].name, name) == 0) {
            cni_fail(&writer->error, CN_ERR_INVALID, "HDF5: attribute \"%s\" is there already",
                     cni_h5_show(name, shown));
            return NULL;
        }
    if (added.value.count > CNI_H5_ATTRIBUTE_LIMIT / cni_h5_codes[code].size) {
        cni_fail(&writer->error, CN_ERR_LIMIT,
                 "HDF5: attribute \"%s\" has more than 64 KiB; split it, as Keras does (%s0, %s1, ...)",
                 cni_h5_show(name, shown), shown, shown);
        return NULL;
    }
    if (!cni_h5_grow(writer->arena, &item->attributes, item->attribute_count, &item->attribute_room, sizeof added)) {
        out_of_memory(writer);
        return NULL;
    }
    item->attributes[item->attribute_count] = added;
    return &item->attributes[item->attribute_count++].value;
}

static void set_texts(cni_h5_writer *writer, cni_h5_value *value, const char *const *texts, size_t count)
{
    value->texts = CNI_NEW_ARRAY(writer->arena, cni_h5_stored_text, count);
    bool made = value->texts;
    for (size_t i = 0; made && i < count; i++) {
        cni_h5_stored_text *stored = &value->texts[i];
        *stored = (cni_h5_stored_text){.text = cni_arena_text(writer->arena, texts[i]), .length = strlen(texts[i])};
        if (stored->length > UINT32_MAX) cni_fail(&writer->error, CN_ERR_LIMIT, "HDF5: a text of more than 4 GiB");
        made = stored->text;
    }
    if (!made) out_of_memory(writer);
}

void cni_h5_add_text(cni_h5_item *item, const char *name, const char *text)
{
    cni_h5_value *value = add_attribute(item, name, CNI_H5_CODE_TEXT, 0, NULL);
    if (value) set_texts(item->writer, value, &text, 1);
}

void cni_h5_add_texts(cni_h5_item *item, const char *name, const char *const *texts, size_t count)
{
    const uint64_t dims[1] = {count};
    const unsigned code = count ? CNI_H5_CODE_TEXT : CNI_H5_STORE_F64; /* what NumPy makes of [] */
    cni_h5_value *value = add_attribute(item, name, code, 1, dims);
    if (value && count) set_texts(item->writer, value, texts, count);
}

void cni_h5_add_numbers(cni_h5_item *item, const char *name, cni_h5_store type, unsigned rank, const uint64_t *dims,
                        const void *data)
{
    cni_h5_value *value = add_attribute(item, name, type, rank, dims);
    if (!value) return;
    const size_t size = (size_t)value->count * cni_h5_codes[type].size;
    void *copy = cni_arena_alloc(item->writer->arena, size);
    if (!copy)
        out_of_memory(item->writer);
    else if (size)
        memcpy(copy, data, size);
    value->data = copy;
}
