/* SPDX-License-Identifier: Apache-2.0
 * Opening an HDF5 file: the superblock, objects, paths. */
#include "formats/hdf5/hdf5_internal.h"

#include <string.h>

static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

/* ---- Superblock (II.A) ---- */

typedef struct superblock {
    uint64_t base, extension, driver, end, root;
} superblock;

/* The signature stands at 0, 512, 1024, 2048, ...: before it the user may keep what he likes. */
static bool find_signature(cni_bytes bytes, size_t *at)
{
    cni_bytes eight;
    for (uint64_t i = 0; cni_bytes_part(bytes, i, 8, &eight); i = i ? i * 2 : 512) {
        *at = (size_t)i;
        if (cni_bytes_equal(eight, signature, 8)) return true;
    }
    return false;
}

static void read_sizes(cni_h5 *file, cni_h5_cursor *cursor)
{
    file->offset_size = cni_h5_u8(cursor);
    file->length_size = cni_h5_u8(cursor);
    const unsigned sizes[2] = {file->offset_size, file->length_size};
    for (int i = 0; i < 2; i++)
        if (sizes[i] != 2 && sizes[i] != 4 && sizes[i] != 8)
            cni_h5_cursor_fail(cursor, CN_ERR_UNSUPPORTED, "superblock: %s take %u bytes; 2, 4 or 8 are supported",
                               i ? "lengths" : "addresses", sizes[i]);
}

static void read_superblock_0(cni_h5 *file, cni_h5_cursor *cursor, unsigned version, superblock *block)
{
    cni_h5_skip(cursor, 4); /* versions of free space, root entry, reserved, shared headers */
    read_sizes(file, cursor);
    if (cursor->status) return;
    cni_h5_skip(cursor, 1 + 2 + 2 + 4 + (version ? 4u : 0u)); /* ranks of the B-trees, flags */
    block->base = cni_h5_address(cursor);
    cni_h5_skip(cursor, file->offset_size); /* free space */
    block->end = cni_h5_address(cursor);
    block->driver = cni_h5_address(cursor);
    cni_h5_skip(cursor, file->offset_size); /* root's name */
    block->root = cni_h5_address(cursor);
    cni_h5_skip(cursor, 24);
}

static void read_superblock_2(cni_h5 *file, cni_h5_cursor *cursor, superblock *block)
{
    read_sizes(file, cursor);
    if (cursor->status) return;
    cni_h5_skip(cursor, 1); /* flags */
    block->base = cni_h5_address(cursor);
    block->extension = cni_h5_address(cursor);
    block->end = cni_h5_address(cursor);
    block->root = cni_h5_address(cursor);
    cni_h5_skip(cursor, 4);
    if (!cursor->status) cursor->status = cni_h5_verify(file, 0, cursor->at, cursor->what, cursor->error);
}

static cn_status check_superblock(cni_h5 *file, const superblock *block, cni_error *error)
{
    if (block->base != file->base && block->base != 0)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, 0, "superblock: base address is 0x%llx, expected 0x%zx",
                           (unsigned long long)block->base, file->base);
    if (block->driver != CNI_H5_UNDEFINED)
        return cni_h5_fail(file, error, CN_ERR_UNSUPPORTED, 0,
                           "superblock: the file has a driver information block (a file family or multi-file)");
    uint64_t end = block->end;
    if (end != CNI_H5_UNDEFINED && end >= block->base) end -= block->base; /* it is absolute, unlike all others */
    if (end > file->bytes.size)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, 0,
                           "superblock: the file should have %llu bytes and has %zu; it is cut short",
                           (unsigned long long)block->end, file->bytes.size + file->base);
    file->bytes.size = (size_t)end;
    return CN_OK;
}

static cn_status read_superblock(cni_h5 *file, superblock *block, cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_read_at(file, 0, file->bytes.size, "superblock", error);
    cni_h5_skip(&cursor, sizeof signature);
    const unsigned version = cni_h5_u8(&cursor);
    *block = (superblock){.extension = CNI_H5_UNDEFINED, .driver = CNI_H5_UNDEFINED};
    if (version > 3)
        return cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "superblock version %u; 0 to 3 are supported", version);
    if (version < 2)
        read_superblock_0(file, &cursor, version, block);
    else
        read_superblock_2(file, &cursor, block);
    CN_TRY(cursor.status);
    const size_t size = cursor.at;
    CN_TRY(check_superblock(file, block, error));
    return cni_h5_claim_bytes(file, 0, size, "superblock", NULL, error);
}

/* The extension may change how everything else is read; what it may hold and how that is refused. */
static cn_status check_extension(cni_h5 *file, uint64_t address, cni_error *error)
{
    static const struct {
        unsigned type;
        const char *what;
    } refused[] = {
        {CNI_H5_MSG_SHARED_TABLE, "a table of shared messages"},
        {CNI_H5_MSG_DRIVER_INFO, "a driver information block"},
        {CNI_H5_MSG_CACHE_IMAGE, "a metadata cache image"},
    };
    cni_h5_object extension = {.file = file, .address = (size_t)address, .path = "superblock extension"};
    CN_TRY(cni_h5_read_header(&extension, error));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (cni_h5_message_of(&extension, refused[i].type))
            return cni_h5_fail(file, error, CN_ERR_UNSUPPORTED, address, "the file has %s", refused[i].what);
    return CN_OK;
}

cn_status cni_h5_open(cni_arena *arena, cni_bytes bytes, const cni_limits *limits, cni_h5 **out, cni_error *error)
{
    *out = NULL;
    size_t base = 0;
    if (!find_signature(bytes, &base))
        return cni_fail(error, CN_ERR_FORMAT, "@0x0: not an HDF5 file: the signature \\x89HDF is missing");
    cni_h5 *file = CNI_NEW(arena, cni_h5);
    if (!file) return cni_no_memory(error, "an HDF5 file's description");
    *file = (cni_h5){.base = base, .arena = arena, .limits = limits ? *limits : cni_default_limits};
    (void)cni_bytes_part(bytes, base, bytes.size - base, &file->bytes);
    superblock block;
    CN_TRY(read_superblock(file, &block, error));
    if (block.extension != CNI_H5_UNDEFINED) CN_TRY(check_extension(file, block.extension, error));
    CN_TRY(cni_h5_object_at(file, block.root, "/", 0, &file->root, error));
    if (file->root->kind != CNI_H5_GROUP)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, block.root, "the root object is not a group");
    *out = file;
    return CN_OK;
}

/* ---- Objects ---- */

static cni_h5_kind judge_kind(const cni_h5_object *object)
{
    if (cni_h5_message_of(object, CNI_H5_MSG_LAYOUT) || cni_h5_message_of(object, CNI_H5_MSG_DATASPACE))
        return CNI_H5_DATASET;
    if (cni_h5_message_of(object, CNI_H5_MSG_DATATYPE)) return CNI_H5_NAMED_TYPE;
    if (cni_h5_message_of(object, CNI_H5_MSG_SYMBOL_TABLE) || cni_h5_message_of(object, CNI_H5_MSG_LINK_INFO) ||
        cni_h5_message_of(object, CNI_H5_MSG_LINK))
        return CNI_H5_GROUP;
    return 0;
}

static cn_status new_object(cni_h5 *file, size_t address, const char *path, unsigned depth, cni_h5_object **out,
                            cni_error *error)
{
    if (file->objects >= file->limits.h5_objects)
        return cni_h5_over(file, error, address, file->limits.h5_objects, "objects");
    file->objects++;
    cni_h5_object *object = CNI_NEW(file->arena, cni_h5_object);
    if (!object) return cni_no_memory(error, "an HDF5 object");
    *object = (cni_h5_object){.file = file, .address = address, .path = path, .depth = depth};
    CN_TRY(cni_h5_read_header(object, error));
    const cni_h5_kind kind = judge_kind(object);
    if (!kind)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, address, "object header describes no group, dataset or type");
    if (kind == CNI_H5_DATASET) CN_TRY(cni_h5_read_dataset_header(object, error));
    object->kind = kind; /* last: 0 marks an object that could not be read */
    *out = object;
    return CN_OK;
}

cn_status cni_h5_object_at(cni_h5 *file, uint64_t address, const char *path, unsigned depth, cni_h5_object **out,
                           cni_error *error)
{
    cni_h5_cursor start = cni_h5_read_at(file, address, 1, "object header", error);
    CN_TRY(start.status);
    const cni_h5_claim *claim = cni_h5_claim_at(file, start.at);
    if (!claim) return new_object(file, start.at, path, depth, out, error);
    if (strcmp(claim->what, "object header") != 0)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, address, "object header expected, found the %s", claim->what);
    cni_h5_object *object = claim->owner;
    if (!object->kind)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, address, "object header is damaged or refers to itself");
    *out = object;
    return CN_OK;
}

cni_h5_object *cni_h5_root(cni_h5 *file)
{
    return file->root;
}

cni_h5_kind cni_h5_kind_of(const cni_h5_object *object)
{
    return object->kind;
}

const char *cni_h5_path(const cni_h5_object *object)
{
    return object->path;
}

const cni_h5_message *cni_h5_message_of(const cni_h5_object *object, unsigned type)
{
    for (size_t i = 0; i < object->message_count; i++)
        if (object->messages[i].type == type) return &object->messages[i];
    return NULL;
}

cni_h5_cursor cni_h5_message_cursor(const cni_h5_object *object, const cni_h5_message *message, const char *what,
                                    cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_read_at(object->file, message->at, message->size, what, error);
    if (message->flags & CNI_H5_FLAG_SHARED && message->type != CNI_H5_MSG_DATATYPE)
        cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "%s is a shared message, which is not supported", what);
    return cursor;
}

/* ---- Paths ---- */

static const cni_h5_link *find_link(const cni_h5_object *group, const char *name, size_t length)
{
    size_t low = 0, high = group->link_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *found = group->links[middle].name;
        int order = strncmp(found, name, length);
        if (!order) order = found[length] != 0;
        if (!order) return &group->links[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* A group has one parent: so a tree of groups has no more ways through it than groups. */
static cn_status check_parent(const cni_h5_object *child, const char *path, cni_error *error)
{
    if (child->kind != CNI_H5_GROUP || strcmp(child->path, path) == 0) return CN_OK;
    char shown[72], other[72];
    return cni_h5_fail(child->file, error, CN_ERR_UNSUPPORTED, child->address,
                       "group \"%s\" is also \"%s\"; a group may be linked once only", cni_h5_show(path, shown),
                       cni_h5_show(child->path, other));
}

static cn_status open_link(cni_h5_object *group, const cni_h5_link *link, cni_h5_object **out, cni_error *error)
{
    cni_h5 *file = group->file;
    char shown[72];
    if (link->refusal)
        return cni_h5_fail(file, error, CN_ERR_UNSUPPORTED, group->address,
                           "\"%s\" is %s; only objects in the file itself are read", cni_h5_show(link->name, shown),
                           link->refusal);
    if (group->depth >= file->limits.h5_depth)
        return cni_h5_over(file, error, group->address, file->limits.h5_depth, "groups within groups");
    const char *path = cni_arena_printf(file->arena, "%s/%s", group->path[1] ? group->path : "", link->name);
    if (!path) return cni_no_memory(error, "a path");
    cni_h5_object *child = NULL;
    CN_TRY(cni_h5_object_at(file, link->address, path, group->depth + 1, &child, error));
    CN_TRY(check_parent(child, path, error));
    *out = child;
    return CN_OK;
}

static cn_status open_component(cni_h5_object *group, const char *name, size_t length, cni_h5_object **out,
                                cni_error *error)
{
    *out = NULL;
    if (group->kind != CNI_H5_GROUP) return CN_OK;
    CN_TRY(cni_h5_read_links(group, error));
    const cni_h5_link *link = find_link(group, name, length);
    return link ? open_link(group, link, out, error) : CN_OK;
}

cn_status cni_h5_find(cni_h5_object *from, const char *path, cni_h5_object **out, cni_error *error)
{
    *out = NULL;
    cni_h5_object *object = from;
    while (*path) {
        const size_t length = strcspn(path, "/");
        if (length) CN_TRY(open_component(object, path, length, &object, error));
        if (!object) return CN_OK;
        path += length;
        path += *path == '/';
    }
    *out = object;
    return CN_OK;
}

cn_status cni_h5_get(cni_h5_object *from, const char *path, cni_h5_object **out, cni_error *error)
{
    CN_TRY(cni_h5_find(from, path, out, error));
    if (*out) return CN_OK;
    char shown[72], group[72];
    return cni_h5_fail(from->file, error, CN_ERR_FORMAT, from->address, "there is no \"%s\" in \"%s\"",
                       cni_h5_show(path, shown), cni_h5_show(from->path, group));
}

cn_status cni_h5_children(cni_h5_object *group, const char *const **names, size_t *count, cni_error *error)
{
    if (group->kind != CNI_H5_GROUP)
        return cni_h5_fail(group->file, error, CN_ERR_FORMAT, group->address, "a group is expected here");
    CN_TRY(cni_h5_read_links(group, error));
    *names = group->link_names;
    *count = group->link_count;
    return CN_OK;
}
