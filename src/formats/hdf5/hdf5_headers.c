/* SPDX-License-Identifier: Apache-2.0
 * Object headers, versions 1 and 2 (IV.A.1): a first piece and its continuations, each a row of messages.
 *
 *   v1   version, -, messages:2, references:4, size:4, pad:4 | type:2 size:2 flags:1 pad:3 data ... | ...
 *   v2   "OHDR" version flags [times:16] [limits:4] size:1..8 | type:1 size:2 flags:1 [order:2] data ... | gap checksum
 *        "OCHK" messages ... gap checksum */
#include "formats/hdf5/hdf5_internal.h"

static const char what[] = "object header";

typedef struct header {
    cni_h5_object *object;
    unsigned version;
    bool ordered; /* v2 messages carry their creation order */
} header;

static cn_status keep_message(const header *h, cni_h5_message message, cni_error *error)
{
    cni_h5_object *object = h->object;
    if (message.type > CNI_H5_MSG_KNOWN && message.flags & CNI_H5_FLAG_MUST_KNOW)
        return cni_h5_fail(object->file, error, CN_ERR_UNSUPPORTED, message.at,
                           "object header holds a message of unknown type 0x%x that must be understood", message.type);
    if (message.type == CNI_H5_MSG_NIL) return CN_OK;
    if (!cni_h5_grow(object->file->arena, &object->messages, object->message_count, &object->message_room,
                     sizeof message))
        return cni_no_memory(error, "an object's messages");
    object->messages[object->message_count++] = message;
    return CN_OK;
}

static cn_status read_messages(const header *h, cni_h5_cursor *cursor)
{
    const size_t head = h->version == 1 ? 8 : h->ordered ? 6 : 4;
    while (!cursor->status && cni_h5_left(cursor) >= head) {
        cni_h5_message message = {.type = (uint16_t)cni_h5_u(cursor, h->version == 1 ? 2 : 1)};
        message.size = cni_h5_u16(cursor);
        message.flags = cni_h5_u8(cursor);
        cni_h5_skip(cursor, head - (h->version == 1 ? 5 : 4));
        message.at = cursor->at;
        cni_h5_skip(cursor, message.size);
        if (!cursor->status) CN_TRY(keep_message(h, message, cursor->error));
    }
    return cursor->status;
}

static cn_status read_first_1(header *h, cni_h5_cursor *cursor)
{
    cni_h5 *file = h->object->file;
    cni_h5_skip(cursor, 1 + 1 + 2 + 4);
    const uint64_t size = cni_h5_u32(cursor);
    cni_h5_skip(cursor, 4);
    CN_TRY(cursor->status);
    CN_TRY(cni_h5_claim_bytes(file, h->object->address, 16 + size, what, h->object, cursor->error));
    cni_h5_cursor messages = cni_h5_read_at(file, cursor->at, size, what, cursor->error);
    return read_messages(h, &messages);
}

static cn_status read_first_2(header *h, cni_h5_cursor *cursor)
{
    cni_h5 *file = h->object->file;
    const size_t begin = cursor->at;
    cni_h5_signature(cursor, "OHDR");
    const unsigned version = cni_h5_u8(cursor), flags = cni_h5_u8(cursor);
    if (version != 2)
        return cni_h5_cursor_fail(cursor, CN_ERR_UNSUPPORTED, "object header version %u; 1 and 2 are supported",
                                  version);
    h->ordered = flags & 4;
    cni_h5_skip(cursor, (flags & 0x20 ? 16u : 0u) + (flags & 0x10 ? 4u : 0u));
    const uint64_t size = cni_h5_u(cursor, 1u << (flags & 3));
    CN_TRY(cursor->status);
    cni_h5_cursor messages = cni_h5_read_at(file, cursor->at, size, what, cursor->error);
    CN_TRY(messages.status);
    const uint64_t total = messages.end + 4 - begin;
    CN_TRY(cni_h5_claim_bytes(file, begin, total, what, h->object, cursor->error));
    CN_TRY(cni_h5_verify(file, begin, total, what, cursor->error));
    return read_messages(h, &messages);
}

static cn_status read_continuation(const header *h, const cni_h5_message *message, cni_error *error)
{
    cni_h5 *file = h->object->file;
    cni_h5_cursor pointer = cni_h5_message_cursor(h->object, message, "continuation message", error);
    const uint64_t at = cni_h5_address(&pointer), size = cni_h5_length(&pointer);
    CN_TRY(pointer.status);
    CN_TRY(cni_h5_claim_bytes(file, at, size, "object header continuation", NULL, error));
    cni_h5_cursor messages = cni_h5_read_at(file, at, size, "object header continuation", error);
    if (h->version == 2) {
        CN_TRY(cni_h5_verify(file, at, size, "object header continuation", error));
        messages.end -= 4;
        cni_h5_signature(&messages, "OCHK");
    }
    return read_messages(h, &messages);
}

cn_status cni_h5_read_header(cni_h5_object *object, cni_error *error)
{
    cni_h5 *file = object->file;
    if (object->address > file->bytes.size)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, object->address,
                           "object header lies beyond the end of the file");
    cni_h5_cursor cursor = cni_h5_read_at(file, object->address, file->bytes.size - object->address, what, error);
    cni_h5_cursor peek = cursor;
    header h = {.object = object, .version = cni_h5_u8(&peek) == 1 ? 1 : 2};
    CN_TRY(peek.status);
    CN_TRY(h.version == 1 ? read_first_1(&h, &cursor) : read_first_2(&h, &cursor));
    size_t pieces = 0;
    for (size_t i = 0; i < object->message_count; i++) { /* grows while we read */
        const cni_h5_message message = object->messages[i];
        if (message.type != CNI_H5_MSG_CONTINUATION) continue;
        if (++pieces > file->limits.h5_continuations)
            return cni_h5_over(file, error, object->address, file->limits.h5_continuations,
                               "pieces of an object header");
        CN_TRY(read_continuation(&h, &message, error));
    }
    return CN_OK;
}
