/* SPDX-License-Identifier: Apache-2.0
 * Bytes: whole files in and out, a bounds-checked cursor for every reader, a growing buffer for every writer. */
#ifndef CNI_BYTES_H
#define CNI_BYTES_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cni_bytes {
    const uint8_t *data;
    size_t size;
} cni_bytes;

/* ---- files ---- */

/** Reads a regular file of at most `limit` bytes whole into the arena; "-" reads standard input, whatever it is.
 *  Errors name the path. */
cn_status cni_file_read(cni_arena *arena, const char *path, uint64_t limit, cni_bytes *out, cni_error *error);

/** Replaces a file in one step: whoever looks sees the old one or the new one, whole, even after a power failure.
 *  The mode of the old file is kept.  "-" writes to standard output.  Errors name the path. */
cn_status cni_file_write(const char *path, cni_bytes bytes, cni_error *error);

/* ---- reading ---- */

/** A place in bytes that never leaves them.  What lies past the end reads as 0 and sets `failed`, which stays set: read
 *  a whole record, then ask once. */
typedef struct cni_cursor {
    const uint8_t *data;
    size_t size, at;
    bool failed;
} cni_cursor;

cni_cursor cni_cursor_of(cni_bytes bytes);
size_t cni_cursor_left(const cni_cursor *cursor);
bool cni_cursor_seek(cni_cursor *cursor, uint64_t at);
bool cni_cursor_skip(cni_cursor *cursor, uint64_t size);

/** The next `size` bytes; none (data NULL) when they are not there. */
cni_bytes cni_cursor_take(cni_cursor *cursor, uint64_t size);

uint8_t cni_cursor_u8(cni_cursor *cursor);
uint16_t cni_cursor_u16(cni_cursor *cursor); /* little-endian, as are the next two */
uint32_t cni_cursor_u32(cni_cursor *cursor);
uint64_t cni_cursor_u64(cni_cursor *cursor);
uint32_t cni_cursor_u32_big(cni_cursor *cursor);

/** Some bytes within others; false when they do not lie inside. */
bool cni_bytes_part(cni_bytes bytes, uint64_t from, uint64_t size, cni_bytes *out);

bool cni_bytes_equal(cni_bytes bytes, const void *data, size_t size);

/** dims[0] * dims[1] * ... * scale; false above `limit`.  An empty product is `scale`. */
bool cni_dims_product(const int64_t *dims, int rank, uint64_t scale, uint64_t limit, uint64_t *out);

/* ---- writing ---- */

/** Grows as it is written to.  Running out of memory sets `failed`, which stays set: write everything, then ask once.
 */
typedef struct cni_buffer {
    uint8_t *data;
    size_t size, room;
    bool failed;
} cni_buffer;

void cni_buffer_free(cni_buffer *buffer);
void cni_buffer_add(cni_buffer *buffer, const void *data, size_t size);
void cni_buffer_text(cni_buffer *buffer, const char *text);
void cni_buffer_u8(cni_buffer *buffer, unsigned value);
void cni_buffer_u16(cni_buffer *buffer, unsigned value); /* little-endian, as are the next two */
void cni_buffer_u32(cni_buffer *buffer, uint32_t value);

/** `size` bytes at the end for the caller to fill; NULL when failed. */
uint8_t *cni_buffer_extend(cni_buffer *buffer, size_t size);

cni_bytes cni_buffer_bytes(const cni_buffer *buffer);

#endif
