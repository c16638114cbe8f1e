/* SPDX-License-Identifier: Apache-2.0
 * Attributes: small named values beside an object (IV.A.2.m). */
#include "formats/hdf5/hdf5_internal.h"

#include <string.h>

typedef struct part_sizes {
    uint64_t name, type, space;
} part_sizes;

static uint64_t padded(uint64_t size, unsigned version)
{
    return version == 1 ? (size + 7) / 8 * 8 : size;
}

/* A cursor over the next part of a message, which the message's own cursor then leaves behind. */
static cni_h5_cursor next_part(cni_h5_cursor *cursor, uint64_t size, unsigned version)
{
    cni_h5_cursor part = *cursor;
    cni_h5_skip(cursor, padded(size, version));
    if (cursor->status) return *cursor;
    part.end = part.at + (size_t)size;
    return part;
}

static cn_status read_name(cni_h5_cursor *cursor, const part_sizes *sizes, unsigned version, cni_arena *arena,
                           const char **out)
{
    cni_h5_cursor part = next_part(cursor, sizes->name, version);
    const char *bytes = (const char *)cni_h5_take(&part, sizes->name);
    CN_TRY(cursor->status);
    const size_t length = strnlen(bytes, (size_t)sizes->name);
    if (length > cursor->file->limits.h5_name_bytes)
        return cni_h5_over(cursor->file, cursor->error, cursor->at, cursor->file->limits.h5_name_bytes,
                           "bytes in an attribute's name");
    if (!cni_h5_good_name(bytes, length))
        return cni_h5_cursor_fail(cursor, CN_ERR_FORMAT,
                                  "attribute's name is empty, has control characters or is no UTF-8");
    *out = cni_arena_text_n(arena, bytes, length);
    return *out ? CN_OK : cni_no_memory(cursor->error, "an attribute's name");
}

static cn_status check_size(const cni_h5_attribute *a, cni_h5_cursor *cursor)
{
    uint64_t size;
    if (__builtin_mul_overflow(a->info.count, a->info.type.size, &size) || size > cni_h5_left(cursor))
        return cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "attribute \"%.64s\" ends too early", a->name);
    if (size > cursor->file->limits.h5_attribute_bytes)
        return cni_h5_over(cursor->file, cursor->error, cursor->at, cursor->file->limits.h5_attribute_bytes,
                           "bytes in an attribute");
    return CN_OK;
}

cn_status cni_h5_read_attribute_message(cni_h5_object *object, cni_h5_cursor cursor)
{
    cni_h5 *file = object->file;
    const unsigned version = cni_h5_u8(&cursor), flags = cni_h5_u8(&cursor);
    if (version < 1 || version > 3)
        cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "attribute version %u; 1 to 3 are supported", version);
    part_sizes sizes = {.name = cni_h5_u16(&cursor)};
    sizes.type = cni_h5_u16(&cursor);
    sizes.space = cni_h5_u16(&cursor);
    cni_h5_skip(&cursor, version == 3); /* character set of the name */
    if (version > 1 && flags & 2)
        cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "attribute has a shared dataspace, which is not supported");
    CN_TRY(cursor.status);
    cni_h5_attribute a = {.file = file};
    CN_TRY(read_name(&cursor, &sizes, version, file->arena, &a.name));
    cni_h5_cursor type = next_part(&cursor, sizes.type, version);
    CN_TRY(cni_h5_read_type_message(file, &type, version > 1 && flags & 1, &a.info.type));
    cni_h5_cursor space = next_part(&cursor, sizes.space, version);
    cni_h5_read_dataspace(&space, &a.info);
    CN_TRY(space.status);
    CN_TRY(check_size(&a, &cursor));
    a.at = cursor.at;
    a.size = (size_t)a.info.count * a.info.type.size;
    if (!cni_h5_grow(file->arena, &object->attributes, object->attribute_count, &object->attribute_room, sizeof a))
        return cni_no_memory(cursor.error, "attributes");
    object->attributes[object->attribute_count++] = a;
    return CN_OK;
}

static cn_status read_info(cni_h5_object *object, const cni_h5_message *message, cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_message_cursor(object, message, "attribute info message", error);
    const unsigned version = cni_h5_u8(&cursor), flags = cni_h5_u8(&cursor);
    if (version) cni_h5_cursor_fail(&cursor, CN_ERR_UNSUPPORTED, "attribute info version %u; 0 is supported", version);
    cni_h5_skip(&cursor, flags & 1 ? 2 : 0); /* largest creation index */
    const uint64_t heap = cni_h5_address(&cursor), names = cni_h5_address(&cursor);
    CN_TRY(cursor.status);
    return heap == CNI_H5_UNDEFINED ? CN_OK : cni_h5_read_dense(object, heap, names, false, error);
}

static cn_status list_names(cni_h5_object *object, cni_error *error)
{
    object->attribute_names = CNI_NEW_ARRAY(object->file->arena, const char *, object->attribute_count);
    if (!object->attribute_names) return cni_no_memory(error, "attributes' names");
    for (size_t i = 0; i < object->attribute_count; i++) object->attribute_names[i] = object->attributes[i].name;
    return CN_OK;
}

static cn_status read_attributes(cni_h5_object *object, cni_error *error)
{
    if (object->attributes_read) return CN_OK;
    object->attribute_count = 0;
    for (size_t i = 0; i < object->message_count; i++) {
        const cni_h5_message *message = &object->messages[i];
        if (message->type == CNI_H5_MSG_ATTRIBUTE)
            CN_TRY(cni_h5_read_attribute_message(object, cni_h5_message_cursor(object, message, "attribute", error)));
        if (message->type == CNI_H5_MSG_ATTRIBUTE_INFO) CN_TRY(read_info(object, message, error));
    }
    CN_TRY(list_names(object, error));
    object->attributes_read = true;
    return CN_OK;
}

cn_status cni_h5_attribute_find(cni_h5_object *object, const char *name, const cni_h5_attribute **out, cni_error *error)
{
    *out = NULL;
    CN_TRY(read_attributes(object, error));
    for (size_t i = 0; i < object->attribute_count; i++) {
        if (strcmp(object->attribute_names[i], name) != 0) continue;
        if (*out)
            return cni_h5_fail(object->file, error, CN_ERR_FORMAT, object->address,
                               "two attributes are named \"%.64s\"", name);
        *out = &object->attributes[i];
    }
    return CN_OK;
}

cn_status cni_h5_attribute_names(cni_h5_object *object, const char *const **names, size_t *count, cni_error *error)
{
    CN_TRY(read_attributes(object, error));
    *names = object->attribute_names;
    *count = object->attribute_count;
    return CN_OK;
}

const cni_h5_info *cni_h5_attribute_info(const cni_h5_attribute *attribute)
{
    return &attribute->info;
}

cn_status cni_h5_attribute_texts(const cni_h5_attribute *a, const char *const **texts, size_t *count, cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_read_at(a->file, a->at, a->size, "attribute's data", error);
    const cn_status status = cni_h5_make_texts(a->file, &a->info, cursor, texts, error);
    *count = status ? 0 : (size_t)a->info.count;
    return status ? cni_fail_in(error, "attribute \"%.64s\"", a->name) : CN_OK;
}

cn_status cni_h5_attribute_text(const cni_h5_attribute *a, const char **text, cni_error *error)
{
    const char *const *texts = NULL;
    size_t count = 0;
    if (a->info.count != 1)
        return cni_h5_fail(a->file, error, CN_ERR_FORMAT, a->at,
                           "attribute \"%.64s\": one text expected, found %llu values", a->name,
                           (unsigned long long)a->info.count);
    CN_TRY(cni_h5_attribute_texts(a, &texts, &count, error));
    *text = texts[0];
    return CN_OK;
}

cn_status cni_h5_attribute_read(const cni_h5_attribute *a, cni_h5_number as, void *out, size_t count, cni_error *error)
{
    if (a->info.count != count || !cni_h5_convertible(&a->info.type, as))
        return cni_h5_fail(a->file, error, CN_ERR_FORMAT, a->at,
                           "attribute \"%.64s\": %zu numbers expected, found %llu of type %s", a->name, count,
                           (unsigned long long)a->info.count, a->info.type.name);
    cni_h5_cursor cursor = cni_h5_read_at(a->file, a->at, a->size, "attribute's data", error);
    const unsigned char *bytes = cni_h5_take(&cursor, a->size);
    CN_TRY(cursor.status);
    if (cni_h5_convert(&a->info.type, bytes, count, as, out)) return CN_OK;
    return cni_h5_fail(a->file, error, CN_ERR_NUMERIC, a->at, "attribute \"%.64s\": a number does not fit", a->name);
}
