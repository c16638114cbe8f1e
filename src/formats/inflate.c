/* SPDX-License-Identifier: Apache-2.0
 * Decompression of deflated data whose size is known beforehand, by zlib. */
#include "formats/inflate.h"

#define ZLIB_CONST
#include <zlib.h>

static void *allocate(void *arena, unsigned count, unsigned size)
{
    return cni_arena_array(arena, count, size);
}

static void leave(void *arena, void *address) /* it goes with the arena */
{
    (void)arena, (void)address;
}

static unsigned some(size_t size)
{
    return size < UINT32_MAX ? (unsigned)size : UINT32_MAX;
}

static cn_status explain(const z_stream *stream, int code, size_t done, size_t size, cni_error *error)
{
    if (code == Z_MEM_ERROR) return cni_no_memory(error, "tables for decompression");
    if (code == Z_STREAM_END)
        return cni_fail(error, CN_ERR_FORMAT, "the compressed data end after %zu of the declared %zu bytes", done,
                        size);
    if (code == Z_NEED_DICT) return cni_fail(error, CN_ERR_UNSUPPORTED, "the compressed data want a dictionary");
    if (code == Z_OK || code == Z_BUF_ERROR)
        return cni_fail(error, CN_ERR_FORMAT, "the compressed data are cut off after %zu of the declared %zu bytes",
                        done, size);
    return cni_fail(error, CN_ERR_FORMAT, "the compressed data are damaged: %s", stream->msg ? stream->msg : "no zlib");
}

/* The stream must end here: one spare byte shows whether more would come. */
static cn_status finish(z_stream *stream, size_t left, size_t size, cni_error *error)
{
    Bytef spare;
    stream->next_out = &spare;
    stream->avail_out = 1;
    const int code = inflate(stream, Z_FINISH);
    if (!stream->avail_out)
        return cni_fail(error, CN_ERR_FORMAT, "the compressed data hold more than the declared %zu bytes", size);
    if (code != Z_STREAM_END) return explain(stream, code, size, size, error);
    left += stream->avail_in;
    if (left) return cni_fail(error, CN_ERR_FORMAT, "%zu bytes follow the compressed data", left);
    return CN_OK;
}

static cn_status run(z_stream *stream, cni_bytes from, uint8_t *to, size_t size, bool whole, cni_error *error)
{
    size_t left_in = from.size, done = 0;
    int code = Z_OK;
    stream->next_in = from.data;
    while (code == Z_OK && done < size) {
        if (!stream->avail_in) left_in -= stream->avail_in = some(left_in);
        const unsigned room = some(size - done);
        stream->next_out = to + done;
        stream->avail_out = room;
        code = inflate(stream, Z_NO_FLUSH);
        done += room - stream->avail_out;
    }
    if (done < size) return explain(stream, code, done, size, error);
    if (!whole) return CN_OK;
    if (code == Z_STREAM_END) {
        left_in += stream->avail_in;
        if (left_in) return cni_fail(error, CN_ERR_FORMAT, "%zu bytes follow the compressed data", left_in);
        return CN_OK;
    }
    if (!stream->avail_in) left_in -= stream->avail_in = some(left_in);
    return finish(stream, left_in, size, error);
}

static cn_status start(cni_arena *arena, cni_bytes from, cni_deflated kind, void *to, size_t size, bool whole,
                       cni_error *error)
{
    static const int window_bits[] = {
        [CNI_DEFLATED_RAW] = -15, [CNI_DEFLATED_ZLIB] = 15, [CNI_DEFLATED_GZIP] = 16 + 15};
    z_stream stream = {.zalloc = allocate, .zfree = leave, .opaque = arena};
    if (inflateInit2(&stream, window_bits[kind]) != Z_OK) return cni_no_memory(error, "tables for decompression");
    const cn_status status = run(&stream, from, to, size, whole, error);
    inflateEnd(&stream);
    return status;
}

cn_status cni_inflate(cni_arena *arena, cni_bytes from, cni_deflated kind, void *to, size_t size, cni_error *error)
{
    return start(arena, from, kind, to, size, true, error);
}

cn_status cni_inflate_first(cni_arena *arena, cni_bytes from, cni_deflated kind, void *to, size_t size,
                            cni_error *error)
{
    return start(arena, from, kind, to, size, false, error);
}

cn_status cni_check_expansion(uint64_t stored, uint64_t declared, const cni_limits *limits, cni_error *error)
{
    if (!limits) limits = &cni_default_limits;
    if (declared <= limits->free_expansion || (declared - 1) / limits->expansion < stored) return CN_OK;
    return cni_fail(error, CN_ERR_LIMIT,
                    "declares %llu bytes, %llu stored; limit is %llu:1 above %llu MiB (--max-expansion)",
                    (unsigned long long)declared, (unsigned long long)stored, (unsigned long long)limits->expansion,
                    (unsigned long long)(limits->free_expansion >> 20));
}
