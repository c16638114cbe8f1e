/* SPDX-License-Identifier: Apache-2.0
 * What a group holds: a symbol table (version 1 B-tree, local heap), link messages, or both in a dense heap.
 *
 *   header --symbol table--> TREE --> TREE --> SNOD: name (offset in the heap), object header, ...
 *                       `--> HEAP --> names, each ending in 0 */
#include "formats/hdf5/hdf5_internal.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

bool cni_h5_good_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) return false;
    return length > 0 && cni_utf8_valid(name, length);
}

static cn_status check_link_name(const cni_h5 *file, const char *name, size_t at, cni_error *error)
{
    const uint64_t most = file->limits.h5_name_bytes;
    const size_t length = strlen(name);
    if (length > most) return cni_h5_over(file, error, at, most, "bytes in a name");
    if (!cni_h5_good_name(name, length) || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
        return cni_h5_fail(
            file, error, CN_ERR_FORMAT, at,
            "a name in a group is empty, \".\", \"..\", has a slash or control character, or is no UTF-8");
    return CN_OK;
}

static cn_status add_link(cni_h5_object *group, cni_h5_link link, size_t at, cni_error *error)
{
    cni_h5 *file = group->file;
    CN_TRY(check_link_name(file, link.name, at, error));
    if (group->link_count >= file->limits.h5_objects)
        return cni_h5_over(file, error, at, file->limits.h5_objects, "members in a group");
    if (!cni_h5_grow(file->arena, &group->links, group->link_count, &group->link_room, sizeof link))
        return cni_no_memory(error, "a group's members");
    group->links[group->link_count++] = link;
    return CN_OK;
}

/* ---- Symbol tables (III.A.1, III.B, III.C, III.D) ---- */

typedef struct table {
    cni_h5_object *group;
    size_t names, names_size; /* the local heap's data */
} table;

static cn_status read_local_heap(table *t, uint64_t at, cni_error *error)
{
    cni_h5 *file = t->group->file;
    const uint64_t size = 8 + 2u * file->length_size + file->offset_size;
    CN_TRY(cni_h5_claim_bytes(file, at, size, "local heap", NULL, error));
    cni_h5_cursor cursor = cni_h5_read_at(file, at, size, "local heap", error);
    cni_h5_signature(&cursor, "HEAP");
    const unsigned version = cni_h5_u8(&cursor);
    if (version) cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "local heap version %u; 0 is supported", version);
    cni_h5_skip(&cursor, 3);
    const uint64_t data_size = cni_h5_length(&cursor);
    cni_h5_skip(&cursor, file->length_size); /* free list */
    const uint64_t data = cni_h5_address(&cursor);
    CN_TRY(cursor.status);
    CN_TRY(cni_h5_claim_bytes(file, data, data_size, "local heap's data", NULL, error));
    t->names = (size_t)data;
    t->names_size = (size_t)data_size;
    return CN_OK;
}

static cn_status read_symbol(const table *t, cni_h5_cursor *cursor)
{
    const cni_h5 *file = t->group->file;
    const size_t at = cursor->at;
    const uint64_t name = cni_h5_address(cursor), header = cni_h5_address(cursor);
    const uint32_t cache = cni_h5_u32(cursor);
    cni_h5_skip(cursor, 4 + 16);
    CN_TRY(cursor->status);
    cni_h5_cursor names = cni_h5_read_at(file, t->names, t->names_size, "local heap's data", cursor->error);
    cni_h5_skip(&names, name);
    const size_t left = cni_h5_left(&names);
    const char *text = (const char *)cni_h5_take(&names, left);
    if (!text || !memchr(text, 0, left))
        return cni_h5_fail(file, cursor->error, CN_ERR_FORMAT, at, "symbol's name lies outside the local heap");
    const cni_h5_link link = {.name = text, .address = header, .refusal = cache == 2 ? "a soft link" : NULL};
    return add_link(t->group, link, at, cursor->error);
}

static cn_status read_symbols(const table *t, uint64_t at, cni_error *error)
{
    cni_h5 *file = t->group->file;
    cni_h5_cursor cursor = cni_h5_read_at(file, at, 8, "symbol table node", error);
    cni_h5_signature(&cursor, "SNOD");
    const unsigned version = cni_h5_u8(&cursor);
    if (version != 1)
        cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "symbol table node version %u; 1 is supported", version);
    cni_h5_skip(&cursor, 1);
    const uint64_t count = cni_h5_u16(&cursor), size = count * (2u * file->offset_size + 24);
    CN_TRY(cursor.status);
    CN_TRY(cni_h5_claim_bytes(file, at, 8 + size, "symbol table node", NULL, error));
    cni_h5_cursor symbols = cni_h5_read_at(file, at + 8, size, "symbol table node", error);
    for (uint64_t i = 0; i < count; i++) CN_TRY(read_symbol(t, &symbols));
    return CN_OK;
}

/* A node of the B-tree; `level` is what its parent expects, or -1 for the root.  It falls by one with every step. */
static cn_status read_tree(const table *t, uint64_t at, int level, cni_error *error)
{
    cni_h5 *file = t->group->file;
    const uint64_t head = 8 + 2u * file->offset_size, pair = file->length_size + file->offset_size;
    cni_h5_cursor cursor = cni_h5_read_at(file, at, head, "group B-tree node", error);
    cni_h5_signature(&cursor, "TREE");
    const unsigned type = cni_h5_u8(&cursor), found = cni_h5_u8(&cursor), count = cni_h5_u16(&cursor);
    CN_TRY(cursor.status);
    if (type != 0 || found > file->limits.h5_btree_depth || (level >= 0 && found != (unsigned)level))
        return cni_h5_fail(file, error, CN_ERR_FORMAT, at,
                           "group B-tree node of type %u and level %u, expected 0 and %d", type, found,
                           level < 0 ? 0 : level);
    CN_TRY(cni_h5_claim_bytes(file, at, head + count * pair + file->length_size, "group B-tree node", NULL, error));
    cni_h5_cursor entries = cni_h5_read_at(file, at + head, count * pair, "group B-tree node", error);
    for (unsigned i = 0; i < count; i++) {
        cni_h5_skip(&entries, file->length_size); /* the key */
        const uint64_t child = cni_h5_address(&entries);
        CN_TRY(entries.status);
        CN_TRY(found ? read_tree(t, child, (int)found - 1, error) : read_symbols(t, child, error));
    }
    return CN_OK;
}

static cn_status read_symbol_table(cni_h5_object *group, const cni_h5_message *message, cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_message_cursor(group, message, "symbol table message", error);
    const uint64_t tree = cni_h5_address(&cursor), heap = cni_h5_address(&cursor);
    CN_TRY(cursor.status);
    table t = {.group = group};
    CN_TRY(read_local_heap(&t, heap, error));
    return read_tree(&t, tree, -1, error);
}

/* ---- Links (IV.A.2.g, IV.A.2.c) ---- */

cn_status cni_h5_read_link_message(cni_h5_object *group, cni_h5_cursor cursor)
{
    const size_t at = cursor.at;
    const unsigned version = cni_h5_u8(&cursor), flags = cni_h5_u8(&cursor);
    if (version != 1)
        cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "link message version %u; 1 is supported", version);
    const unsigned type = flags & 8 ? cni_h5_u8(&cursor) : 0;
    cni_h5_skip(&cursor, (flags & 4 ? 8u : 0u) + (flags & 16 ? 1u : 0u)); /* creation order, character set */
    const uint64_t length = cni_h5_u(&cursor, 1u << (flags & 3));
    const char *name = (const char *)cni_h5_take(&cursor, length);
    cni_h5_link link = {.address = CNI_H5_UNDEFINED};
    if (type == 0)
        link.address = cni_h5_address(&cursor);
    else
        link.refusal = type == 1 ? "a soft link" : type == 64 ? "an external link" : "a user-defined link";
    CN_TRY(cursor.status);
    if (memchr(name, 0, (size_t)length))
        return cni_h5_fail(cursor.file, cursor.error, CN_ERR_FORMAT, at, "a link's name holds a zero byte");
    link.name = cni_arena_text_n(group->file->arena, name, (size_t)length);
    if (!link.name) return cni_no_memory(cursor.error, "a link's name");
    return add_link(group, link, at, cursor.error);
}

static cn_status read_link_info(cni_h5_object *group, const cni_h5_message *message, cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_message_cursor(group, message, "link info message", error);
    const unsigned version = cni_h5_u8(&cursor), flags = cni_h5_u8(&cursor);
    if (version)
        cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "link info message version %u; 0 is supported", version);
    cni_h5_skip(&cursor, flags & 1 ? 8 : 0); /* largest creation order */
    const uint64_t heap = cni_h5_address(&cursor), names = cni_h5_address(&cursor);
    CN_TRY(cursor.status);
    return heap == CNI_H5_UNDEFINED ? CN_OK : cni_h5_read_dense(group, heap, names, true, error);
}

/* ---- All together ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const cni_h5_link *)a)->name, ((const cni_h5_link *)b)->name);
}

/* Symbol tables come sorted; sorting takes memory that the arena does not see, so it is done only where needed. */
static void sort_links(cni_h5_object *group)
{
    for (size_t i = 1; i < group->link_count; i++)
        if (by_name(&group->links[i - 1], &group->links[i]) > 0) {
            qsort(group->links, group->link_count, sizeof *group->links, by_name);
            return;
        }
}

static cn_status list_names(cni_h5_object *group, cni_error *error)
{
    sort_links(group);
    group->link_names = CNI_NEW_ARRAY(group->file->arena, const char *, group->link_count);
    if (!group->link_names) return cni_no_memory(error, "a group's names");
    for (size_t i = 0; i < group->link_count; i++) {
        group->link_names[i] = group->links[i].name;
        char shown[72];
        if (i && strcmp(group->link_names[i - 1], group->link_names[i]) == 0)
            return cni_h5_fail(group->file, error, CN_ERR_FORMAT, group->address,
                               "a group has two members named \"%s\"", cni_h5_show(group->link_names[i], shown));
    }
    return CN_OK;
}

cn_status cni_h5_read_links(cni_h5_object *group, cni_error *error)
{
    if (group->links_read) return CN_OK;
    group->link_count = 0;
    for (size_t i = 0; i < group->message_count; i++) {
        const cni_h5_message *message = &group->messages[i];
        if (message->type == CNI_H5_MSG_SYMBOL_TABLE) CN_TRY(read_symbol_table(group, message, error));
        if (message->type == CNI_H5_MSG_LINK_INFO) CN_TRY(read_link_info(group, message, error));
        if (message->type == CNI_H5_MSG_LINK)
            CN_TRY(cni_h5_read_link_message(group, cni_h5_message_cursor(group, message, "link message", error)));
    }
    CN_TRY(list_names(group, error));
    group->links_read = true;
    return CN_OK;
}
