/* SPDX-License-Identifier: Apache-2.0
 * Bytes in memory: the cursor, products, the growing buffer. */
#include "formats/bytes.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

cni_cursor cni_cursor_of(cni_bytes bytes)
{
    return (cni_cursor){.data = bytes.data, .size = bytes.size};
}

size_t cni_cursor_left(const cni_cursor *cursor)
{
    return cursor->size - cursor->at;
}

bool cni_cursor_seek(cni_cursor *cursor, uint64_t at)
{
    if (at > cursor->size) return cursor->failed = true, false;
    cursor->at = (size_t)at;
    return true;
}

bool cni_cursor_skip(cni_cursor *cursor, uint64_t size)
{
    return cni_cursor_take(cursor, size).data;
}

cni_bytes cni_cursor_take(cni_cursor *cursor, uint64_t size)
{
    if (cursor->failed || size > cni_cursor_left(cursor)) {
        cursor->failed = true;
        return (cni_bytes){NULL, 0};
    }
    const uint8_t *data = size || cursor->data ? cursor->data + cursor->at : (const uint8_t *)"";
    cursor->at += (size_t)size;
    return (cni_bytes){data, (size_t)size};
}

static uint64_t take_number(cni_cursor *cursor, unsigned size, bool big)
{
    uint64_t value = 0;
    const uint8_t *data = cni_cursor_take(cursor, size).data;
    for (unsigned i = 0; data && i < size; i++) value = value << 8 | data[big ? i : size - 1 - i];
    return value;
}

uint8_t cni_cursor_u8(cni_cursor *cursor)
{
    return (uint8_t)take_number(cursor, 1, false);
}

uint16_t cni_cursor_u16(cni_cursor *cursor)
{
    return (uint16_t)take_number(cursor, 2, false);
}

uint32_t cni_cursor_u32(cni_cursor *cursor)
{
    return (uint32_t)take_number(cursor, 4, false);
}

uint64_t cni_cursor_u64(cni_cursor *cursor)
{
    return take_number(cursor, 8, false);
}

uint32_t cni_cursor_u32_big(cni_cursor *cursor)
{
    return (uint32_t)take_number(cursor, 4, true);
}

bool cni_bytes_part(cni_bytes bytes, uint64_t from, uint64_t size, cni_bytes *out)
{
    if (from > bytes.size || size > bytes.size - from) return false;
    *out = (cni_bytes){bytes.data ? bytes.data + from : bytes.data, (size_t)size};
    return true;
}

bool cni_bytes_equal(cni_bytes bytes, const void *data, size_t size)
{
    return bytes.size == size && (!size || memcmp(bytes.data, data, size) == 0);
}

bool cni_dims_product(const int64_t *dims, int rank, uint64_t scale, uint64_t limit, uint64_t *out)
{
    uint64_t product = scale;
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(product, (uint64_t)dims[i], &product)) return false;
    *out = product;
    return product <= limit;
}

/* ---- writing ---- */

void cni_buffer_free(cni_buffer *buffer)
{
    free(buffer->data);
    *buffer = (cni_buffer){0};
}

static bool grow(cni_buffer *buffer, size_t size)
{
    if (size > PTRDIFF_MAX / 2 - buffer->size) return false;
    size_t room = buffer->room ? buffer->room : 256;
    while (room - buffer->size < size) room *= 2;
    uint8_t *data = realloc(buffer->data, room);
    if (!data) return false;
    buffer->data = data;
    buffer->room = room;
    return true;
}

uint8_t *cni_buffer_extend(cni_buffer *buffer, size_t size)
{
    if (buffer->failed) return NULL;
    if ((buffer->room - buffer->size < size || !buffer->data) && !grow(buffer, size)) {
        buffer->failed = true;
        return NULL;
    }
    buffer->size += size;
    return buffer->data + buffer->size - size;
}

void cni_buffer_add(cni_buffer *buffer, const void *data, size_t size)
{
    uint8_t *to = cni_buffer_extend(buffer, size);
    if (to && size) memcpy(to, data, size);
}

void cni_buffer_text(cni_buffer *buffer, const char *text)
{
    cni_buffer_add(buffer, text, strlen(text));
}

static void add_number(cni_buffer *buffer, uint64_t value, unsigned size)
{
    uint8_t *to = cni_buffer_extend(buffer, size);
    for (unsigned i = 0; to && i < size; i++) to[i] = (uint8_t)(value >> 8 * i);
}

void cni_buffer_u8(cni_buffer *buffer, unsigned value)
{
    add_number(buffer, value, 1);
}

void cni_buffer_u16(cni_buffer *buffer, unsigned value)
{
    add_number(buffer, value, 2);
}

void cni_buffer_u32(cni_buffer *buffer, uint32_t value)
{
    add_number(buffer, value, 4);
}

cni_bytes cni_buffer_bytes(const cni_buffer *buffer)
{
    return (cni_bytes){buffer->data, buffer->size};
}
