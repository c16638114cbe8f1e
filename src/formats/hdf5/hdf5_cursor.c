/* SPDX-License-Identifier: Apache-2.0
 * The bounds-checked cursor over an HDF5 file, and its checksum. */
#include "formats/hdf5/hdf5_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static cn_status fail_at(const cni_h5 *file, cni_error *error, cn_status status, uint64_t at, const char *format,
                         va_list args) __attribute__((format(printf, 5, 0)));

static cn_status fail_at(const cni_h5 *file, cni_error *error, cn_status status, uint64_t at, const char *format,
                         va_list args)
{
    char text[600];
    vsnprintf(text, sizeof text, format, args);
    return cni_fail(error, status, "@0x%llx: %s", (unsigned long long)(at + file->base), text);
}

cn_status cni_h5_fail(const cni_h5 *file, cni_error *error, cn_status status, uint64_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    status = fail_at(file, error, status, at, format, args);
    va_end(args);
    return status;
}

cn_status cni_h5_cursor_fail(cni_h5_cursor *cursor, cn_status status, const char *format, ...)
{
    if (cursor->status) return cursor->status;
    va_list args;
    va_start(args, format);
    cursor->status = fail_at(cursor->file, cursor->error, status, cursor->at, format, args);
    va_end(args);
    cursor->at = cursor->end;
    return cursor->status;
}

cn_status cni_h5_over(const cni_h5 *file, cni_error *error, uint64_t at, uint64_t limit, const char *what)
{
    return cni_h5_fail(file, error, CN_ERR_LIMIT, at,
                       "more than %llu %s; that is the limit for a file of unknown origin", (unsigned long long)limit,
                       what);
}

const char *cni_h5_show(const char *text, char buffer[72])
{
    size_t length = strnlen(text, 65);
    if (length <= 64) return memcpy(buffer, text, length + 1);
    length = 61;
    while (length && ((unsigned char)text[length] & 0xc0) == 0x80) length--; /* to the start of a character */
    memcpy(buffer, text, length);
    memcpy(buffer + length, "...", 4);
    return buffer;
}

cni_h5_cursor cni_h5_read_at(const cni_h5 *file, uint64_t at, uint64_t size, const char *what, cni_error *error)
{
    cni_h5_cursor cursor = {.file = file, .error = error, .what = what};
    cni_bytes part;
    if (!cni_bytes_part(file->bytes, at, size, &part)) {
        cursor.status = cni_h5_fail(file, error, CN_ERR_FORMAT, at,
                                    "%s of %llu bytes reaches beyond the end of the file (%zu bytes); the file is "
                                    "damaged or cut short",
                                    what, (unsigned long long)size, file->bytes.size);
        return cursor;
    }
    cursor.at = (size_t)at;
    cursor.end = (size_t)(at + size);
    return cursor;
}

const unsigned char *cni_h5_take(cni_h5_cursor *cursor, uint64_t size)
{
    if (cursor->status) return NULL;
    if (size > cni_h5_left(cursor)) {
        cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "%s ends too early: %llu more bytes expected, %zu left", cursor->what,
                           (unsigned long long)size, cni_h5_left(cursor));
        return NULL;
    }
    cni_bytes bytes;
    (void)cni_bytes_part(cursor->file->bytes, cursor->at, size, &bytes);
    cursor->at += (size_t)size;
    return bytes.data;
}

void cni_h5_skip(cni_h5_cursor *cursor, uint64_t size)
{
    (void)cni_h5_take(cursor, size);
}

uint64_t cni_h5_u(cni_h5_cursor *cursor, unsigned width)
{
    const unsigned char *bytes = cni_h5_take(cursor, width);
    uint64_t value = 0;
    if (bytes)
        while (width--) value = value << 8 | bytes[width];
    return value;
}

uint64_t cni_h5_address(cni_h5_cursor *cursor)
{
    const unsigned width = cursor->file->offset_size;
    uint64_t value = cni_h5_u(cursor, width);
    return value == UINT64_MAX >> (64 - 8 * width) ? CNI_H5_UNDEFINED : value;
}

uint64_t cni_h5_length(cni_h5_cursor *cursor)
{
    return cni_h5_u(cursor, cursor->file->length_size);
}

void cni_h5_signature(cni_h5_cursor *cursor, const char *four)
{
    cni_h5_cursor start = *cursor;
    const unsigned char *bytes = cni_h5_take(cursor, 4);
    if (bytes && memcmp(bytes, four, 4) != 0) {
        cni_h5_cursor_fail(&start, CN_ERR_FORMAT, "%s: expected the signature \"%s\", found %02x %02x %02x %02x",
                           cursor->what, four, bytes[0], bytes[1], bytes[2], bytes[3]);
        *cursor = start;
    }
}

bool cni_h5_grow(cni_arena *arena, void *array, size_t count, size_t *room, size_t element)
{
    if (count < *room) return true;
    void *old = NULL;
    memcpy(&old, array, sizeof old); /* array is the address of some T * */
    const size_t more = *room ? *room * 2 : 8;
    void *grown = cni_arena_array(arena, more, element);
    if (!grown) return false;
    if (count) memcpy(grown, old, count * element);
    memcpy(array, &grown, sizeof grown);
    *room = more;
    return true;
}

static uint32_t rotate(uint32_t x, unsigned k)
{
    return x << k | x >> (32 - k);
}

static uint32_t word(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Bob Jenkins' hashlittle (lookup3.c, public domain), with initial value 0. */
uint32_t cni_h5_checksum(const unsigned char *bytes, size_t size)
{
    uint32_t a = 0xdeadbeefu + (uint32_t)size, b = a, c = a;
    while (size > 12) {
        a += word(bytes), b += word(bytes + 4), c += word(bytes + 8);
        a -= c, a ^= rotate(c, 4), c += b;
        b -= a, b ^= rotate(a, 6), a += c;
        c -= b, c ^= rotate(b, 8), b += a;
        a -= c, a ^= rotate(c, 16), c += b;
        b -= a, b ^= rotate(a, 19), a += c;
        c -= b, c ^= rotate(b, 4), b += a;
        bytes += 12, size -= 12;
    }
    if (!size) return c;
    unsigned char last[12] = {0};
    memcpy(last, bytes, size);
    a += word(last), b += word(last + 4), c += word(last + 8);
    c ^= b, c -= rotate(b, 14);
    a ^= c, a -= rotate(c, 11);
    b ^= a, b -= rotate(a, 25);
    c ^= b, c -= rotate(b, 16);
    a ^= c, a -= rotate(c, 4);
    b ^= a, b -= rotate(a, 14);
    c ^= b, c -= rotate(b, 24);
    return c;
}

cn_status cni_h5_verify(const cni_h5 *file, uint64_t at, uint64_t size, const char *what, cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_read_at(file, at, size, what, error);
    if (size < 4) return cni_h5_cursor_fail(&cursor, CN_ERR_FORMAT, "%s is too short for a checksum", what);
    const unsigned char *bytes = cni_h5_take(&cursor, size - 4);
    const uint32_t stored = cni_h5_u32(&cursor);
    if (cursor.status) return cursor.status;
    const uint32_t computed = cni_h5_checksum(bytes, (size_t)size - 4);
    if (stored == computed || CNI_H5_FUZZING) return CN_OK;
    return cni_h5_fail(file, error, CN_ERR_FORMAT, at, "%s: checksum is %08x, expected %08x; the file is damaged", what,
                       stored, computed);
}
