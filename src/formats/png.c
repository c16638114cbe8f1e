/* SPDX-License-Identifier: Apache-2.0
 * PNG, by libspng, after a walk over the chunks: it counts them, and checks the CRCs of those too that do not matter
 * for pixels.
 *
 *   magic (8 bytes)  [length, type, data, crc of type and data]...  IEND */
#include "formats/images.h"

#include <inttypes.h>
#include <spng.h>
#include <zlib.h>

static cn_status failed(int code, cni_error *error)
{
    const bool memory = code == SPNG_EMEM || code == SPNG_EZLIB_INIT; /* zlib begins or has no memory */
    return cni_fail(error, memory ? CN_ERR_MEMORY : CN_ERR_FORMAT, "PNG: %s", spng_strerror(code));
}

static cn_status check_chunks(cni_bytes file, const cni_limits *limits, cni_error *error)
{
    cni_cursor at = cni_cursor_of(file);
    cni_cursor_skip(&at, 8);
    for (uint64_t ancillary = 0;;) {
        const size_t begin = at.at;
        const uint32_t length = cni_cursor_u32_big(&at);
        const cni_bytes type = cni_cursor_take(&at, 4);
        cni_cursor_skip(&at, length);
        const uint32_t crc = cni_cursor_u32_big(&at);
        if (at.failed) return cni_fail(error, CN_ERR_FORMAT, "PNG @0x%zx: the file ends within a chunk", begin);
        if (crc != crc32_z(0, type.data, (size_t)length + 4))
            return cni_fail(error, CN_ERR_FORMAT, "PNG @0x%zx: checksum of chunk %.4s", begin, (const char *)type.data);
        if (cni_bytes_equal(type, "IEND", 4)) return CN_OK;
        ancillary += (type.data[0] & 0x20) != 0;
        if (ancillary > limits->png_chunks)
            return cni_fail(error, CN_ERR_LIMIT, "PNG: more than %" PRIu64 " ancillary chunks", limits->png_chunks);
    }
}

static size_t at_most_size(uint64_t value)
{
    return value < SIZE_MAX ? (size_t)value : SIZE_MAX;
}

/* Red, green, blue and alpha, four bytes a pixel, to three bytes and one. */
static cn_status split_alpha(cni_arena *arena, const uint8_t *from, cni_image *out, uint8_t **alpha, cni_error *error)
{
    const size_t count = (size_t)out->width * (size_t)out->height;
    *alpha = cni_arena_array(arena, count, 1);
    if (!*alpha) return cni_no_memory(error, "the alpha of a picture");
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < 3; c++) out->pixels[3 * i + c] = from[4 * i + c];
        (*alpha)[i] = from[4 * i + 3];
    }
    return CN_OK;
}

static bool has_alpha(spng_ctx *png, const struct spng_ihdr *header)
{
    struct spng_trns transparent;
    return header->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
           header->color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA || spng_get_trns(png, &transparent) == 0;
}

static cn_status decode_with_alpha(spng_ctx *png, cni_arena *arena, cni_image *out, uint8_t **alpha, cni_error *error)
{
    const size_t size = (size_t)out->width * (size_t)out->height * 4;
    uint8_t *pixels = cni_arena_array(arena, size, 1);
    if (!pixels) return cni_no_memory(error, "a picture with alpha");
    int code = spng_decode_image(png, pixels, size, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
    if (!code) code = spng_decode_chunks(png);
    return code ? failed(code, error) : split_alpha(arena, pixels, out, alpha, error);
}

static cn_status decode(spng_ctx *png, cni_arena *arena, cni_bytes file, const cni_limits *limits, cni_image *out,
                        bool *grey, uint8_t **alpha, cni_error *error)
{
    struct spng_ihdr header;
    const size_t chunk = at_most_size(limits->png_chunk_bytes);
    int code = spng_set_png_buffer(png, file.data, file.size);
    if (!code) code = spng_set_chunk_limits(png, chunk, chunk);
    if (!code) code = spng_get_ihdr(png, &header);
    if (code) return failed(code, error);
    CN_TRY(cni_image_new(arena, header.width, header.height, limits, out, error));
    *grey = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE || header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
    if (alpha && has_alpha(png, &header)) return decode_with_alpha(png, arena, out, alpha, error);
    code = spng_decode_image(png, out->pixels, (size_t)header.width * header.height * 3, SPNG_FMT_RGB8, 0);
    if (!code) code = spng_decode_chunks(png); /* up to the end */
    return code ? failed(code, error) : CN_OK;
}

cn_status cni_png_read(cni_arena *arena, cni_bytes file, const cni_limits *limits, cni_image *out, bool *grey,
                       uint8_t **alpha, cni_error *error)
{
    CN_TRY(check_chunks(file, limits, error));
    spng_ctx *png = spng_ctx_new(0);
    if (!png) return cni_no_memory(error, "a PNG decoder");
    const cn_status status = decode(png, arena, file, limits, out, grey, alpha, error);
    spng_ctx_free(png);
    return status;
}

static cn_status encode(spng_ctx *png, cni_buffer *to, const cni_image *image, cni_error *error)
{
    static const uint8_t colour_types[] = {SPNG_COLOR_TYPE_GRAYSCALE, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA,
                                           SPNG_COLOR_TYPE_TRUECOLOR, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA};
    struct spng_ihdr header = {
        .width = (uint32_t)image->width,
        .height = (uint32_t)image->height,
        .bit_depth = 8,
        .color_type = colour_types[image->channels - 1],
    };
    const size_t size = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    int code = spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    if (!code) code = spng_set_ihdr(png, &header);
    if (!code) code = spng_encode_image(png, image->pixels, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    size_t length = 0;
    void *file = code ? NULL : spng_get_png_buffer(png, &length, &code);
    if (file) cni_buffer_add(to, file, length);
    free(file);
    if (code) return failed(code, error);
    return to->failed ? cni_no_memory(error, "a PNG file") : CN_OK;
}

cn_status cni_png_write(cni_buffer *to, const cni_image *image, cni_error *error)
{
    if (image->width < 1 || image->height < 1 || image->channels < 1 || image->channels > 4 || !image->pixels)
        return cni_fail(error, CN_ERR_INVALID, "a picture of %d x %d pixels and %d channels; expected 1 to 4 channels",
                        image->width, image->height, image->channels);
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    if (!png) return cni_no_memory(error, "a PNG encoder");
    const cn_status status = encode(png, to, image, error);
    spng_ctx_free(png);
    return status;
}
