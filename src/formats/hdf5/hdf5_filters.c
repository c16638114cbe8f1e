/* SPDX-License-Identifier: Apache-2.0
 * Filters that a chunk went through, backwards: gzip, shuffle, fletcher32. */
#include "formats/hdf5/hdf5_internal.h"

#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum { DEFLATE_MOST = 1032 }; /* no deflated byte becomes more */

typedef struct stage {
    cni_h5_object *dataset;
    const cni_h5_chunk *chunk;
    const unsigned char *bytes; /* in the file, or in one of the two scratch buffers */
    size_t size;
    unsigned next; /* the scratch buffer that is free */
    cni_error *error;
} stage;

static cn_status damaged(const stage *s, const char *what)
{
    char shown[72];
    return cni_h5_fail(s->dataset->file, s->error, CN_ERR_FORMAT, s->chunk->at, "chunk of \"%s\": %s",
                       cni_h5_show(s->dataset->path, shown), what);
}

static unsigned char *scratch(stage *s, size_t size)
{
    cni_h5 *file = s->dataset->file;
    cni_h5_scratch *buffer = &file->scratch[s->next];
    s->next = !s->next;
    if (buffer->size >= size) return buffer->bytes;
    const size_t more = size > SIZE_MAX / 2 ? size : buffer->size * 2 > size ? buffer->size * 2 : size;
    unsigned char *bytes = cni_arena_alloc(file->arena, more);
    if (bytes) *buffer = (cni_h5_scratch){bytes, more};
    return bytes;
}

static void *allocate(void *arena, unsigned count, unsigned size)
{
    return cni_arena_array(arena, count, size);
}

static void leave(void *arena, void *address) /* it goes with the arena */
{
    (void)arena, (void)address;
}

/* One decompressor serves all chunks of the file: its memory is charged once. */
static z_stream *inflater_of(cni_h5 *file)
{
    if (file->inflater) return inflateReset(file->inflater) == Z_OK ? file->inflater : NULL;
    z_stream *stream = CNI_NEW(file->arena, z_stream);
    if (!stream) return NULL;
    *stream = (z_stream){.zalloc = allocate, .zfree = leave, .opaque = file->arena};
    if (inflateInit(stream) != Z_OK) return NULL;
    return file->inflater = stream;
}

static cn_status undo_deflate(stage *s, const cni_h5_filter *filter, size_t expected)
{
    (void)filter;
    if (expected / DEFLATE_MOST > s->size || s->size > UINT32_MAX || expected > UINT32_MAX)
        return damaged(s, "compressed data are not in proportion to what they should become");
    unsigned char *out = scratch(s, expected);
    z_stream *stream = inflater_of(s->dataset->file);
    if (!out || !stream) return cni_no_memory(s->error, "a chunk's data");
    stream->next_in = s->bytes;
    stream->avail_in = (uInt)s->size;
    stream->next_out = out;
    stream->avail_out = (uInt)expected;
    if (inflate(stream, Z_FINISH) != Z_STREAM_END || stream->avail_out || stream->avail_in)
        return damaged(s, "compressed data are damaged or have not the expected size");
    s->bytes = out;
    s->size = expected;
    return CN_OK;
}

/* Shuffled: first bytes of all elements, then all second bytes, ...; what is left over stays at the end. */
static cn_status undo_shuffle(stage *s, const cni_h5_filter *filter, size_t expected)
{
    (void)expected;
    const size_t width = filter->parameter;
    if (width < 2 || s->size < width) return CN_OK;
    unsigned char *out = scratch(s, s->size);
    if (!out) return cni_no_memory(s->error, "a chunk's data");
    const size_t count = s->size / width, whole = count * width;
    for (size_t b = 0; b < width; b++)
        for (size_t i = 0; i < count; i++) out[i * width + b] = s->bytes[b * count + i];
    if (s->size > whole) memcpy(out + whole, s->bytes + whole, s->size - whole);
    s->bytes = out;
    return CN_OK;
}

/* Fletcher's checksum over big-endian 16-bit words, the last one padded with a zero byte; the way libhdf5 does it. */
static uint32_t fletcher32(const unsigned char *bytes, size_t size)
{
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i < size; i += 2) {
        a += (uint32_t)bytes[i] << 8 | (i + 1 < size ? bytes[i + 1] : 0u);
        a = (a & 0xffff) + (a >> 16);
        b += a;
        b = (b & 0xffff) + (b >> 16);
    }
    a = (a & 0xffff) + (a >> 16);
    b = (b & 0xffff) + (b >> 16);
    return b << 16 | a;
}

static cn_status check_fletcher32(stage *s, const cni_h5_filter *filter, size_t expected)
{
    (void)filter, (void)expected;
    if (s->size < 4) return damaged(s, "too short for its checksum");
    s->size -= 4;
    const unsigned char *p = s->bytes + s->size;
    const uint32_t stored = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    if (stored != fletcher32(s->bytes, s->size) && !CNI_H5_FUZZING)
        return damaged(s, "fletcher32 checksum does not match");
    return CN_OK;
}

static const struct {
    uint16_t id;
    cn_status (*undo)(stage *, const cni_h5_filter *, size_t expected);
    size_t adds; /* bytes that the filter added; for gzip nobody knows, and nobody needs to */
} filters[] = {
    {CNI_H5_DEFLATE, undo_deflate, 0},
    {CNI_H5_SHUFFLE, undo_shuffle, 0},
    {CNI_H5_FLETCHER32, check_fletcher32, 4},
};

enum { FILTERS = sizeof filters / sizeof *filters };

static unsigned row_of(uint16_t id)
{
    unsigned row = 0;
    while (row < FILTERS && filters[row].id != id) row++;
    return row;
}

/* given[i]: bytes that filter i was given when the chunk was written, as far as no gzip came before it. */
static cn_status expected_sizes(const stage *s, size_t given[CNI_H5_MAX_FILTERS])
{
    const cni_h5_pipeline *pipeline = &s->dataset->pipeline;
    size_t size = (size_t)s->dataset->layout.chunk_bytes;
    uint32_t seen = 0;
    for (unsigned i = 0; i < pipeline->count; i++) {
        given[i] = size;
        if (s->chunk->mask >> i & 1) continue;
        const unsigned row = row_of(pipeline->filters[i].id);
        if (row == FILTERS || seen & 1u << row) return damaged(s, "a filter is unknown or stands twice");
        seen |= 1u << row;
        size += filters[row].adds;
    }
    return CN_OK;
}

cn_status cni_h5_unfilter(cni_h5_object *dataset, const cni_h5_chunk *chunk, const unsigned char **out,
                          cni_error *error)
{
    cni_h5_cursor cursor = cni_h5_read_at(dataset->file, chunk->at, chunk->size, "chunk", error);
    stage s = {.dataset = dataset, .chunk = chunk, .size = (size_t)chunk->size, .error = error};
    s.bytes = cni_h5_take(&cursor, chunk->size);
    CN_TRY(cursor.status);
    const cni_h5_pipeline *pipeline = &dataset->pipeline;
    size_t given[CNI_H5_MAX_FILTERS];
    CN_TRY(expected_sizes(&s, given));
    for (unsigned i = pipeline->count; i-- > 0;) {
        if (chunk->mask >> i & 1) continue;
        const cni_h5_filter *filter = &pipeline->filters[i];
        CN_TRY(filters[row_of(filter->id)].undo(&s, filter, given[i]));
    }
    if (s.size != dataset->layout.chunk_bytes) return damaged(&s, "has not the size that its shape demands");
    *out = s.bytes;
    return CN_OK;
}
