/* SPDX-License-Identifier: Apache-2.0
 * What PNG and JPEG have in common: detection, limits, grey. */
#include "formats/images.h"

#include <inttypes.h>
#include <string.h>

static bool begins(cni_bytes file, const char *magic, size_t size)
{
    return file.size >= size && memcmp(file.data, magic, size) == 0;
}

static bool is_png(cni_bytes file)
{
    return begins(file, "\x89PNG\r\n\x1a\n", 8);
}

static bool is_jpeg(cni_bytes file)
{
    return begins(file, "\xff\xd8\xff", 3);
}

bool cni_image_detect(cni_bytes file)
{
    return is_png(file) || is_jpeg(file);
}

cn_status cni_image_new(cni_arena *arena, uint64_t width, uint64_t height, const cni_limits *limits, cni_image *out,
                        cni_error *error)
{
    if (!width || !height)
        return cni_fail(error, CN_ERR_FORMAT, "a picture of %" PRIu64 " x %" PRIu64 " pixels", width, height);
    const bool fits = width <= limits->image_side && height <= limits->image_side &&
                      width <= limits->image_pixels / height && width <= limits->image_bytes / 3 / height &&
                      width <= INT32_MAX && height <= INT32_MAX;
    if (!fits)
        return cni_fail(error, CN_ERR_LIMIT,
                        "a picture of %" PRIu64 " x %" PRIu64 " pixels; the limits are %" PRIu64 " a side, %" PRIu64
                        " in all",
                        width, height, limits->image_side, limits->image_pixels);
    uint8_t *pixels = cni_arena_array(arena, (size_t)(width * height), 3);
    if (!pixels) return cni_fail(error, CN_ERR_MEMORY, "no memory for %" PRIu64 " x %" PRIu64 " pixels", width, height);
    *out = (cni_image){(int)height, (int)width, 3, pixels};
    return CN_OK;
}

/* ITU-R 601-2 luma in 16-bit fixed point, as Pillow computes it; grey stays what it is, as the weights sum to 2^16. */
static void make_grey(cni_image *image)
{
    const size_t count = (size_t)image->width * (size_t)image->height;
    const uint8_t *from = image->pixels;
    for (size_t i = 0; i < count; i++, from += 3)
        image->pixels[i] = (uint8_t)((from[0] * 19595u + from[1] * 38470u + from[2] * 7471u + 0x8000u) >> 16);
    image->channels = 1;
}

static cn_status read(cni_arena *arena, cni_bytes file, int channels, const cni_limits *limits, cni_image *out,
                      uint8_t **alpha, cni_error *error)
{
    cni_image image = {0};
    bool grey = false;
    if (!limits) limits = &cni_default_limits;
    if (!cni_image_detect(file))
        return cni_fail(error, CN_ERR_FORMAT, "neither a PNG nor a JPEG picture: it begins as neither");
    CN_TRY(is_png(file) ? cni_png_read(arena, file, limits, &image, &grey, alpha, error)
                        : cni_jpeg_read(arena, file, limits, &image, &grey, error));
    if (channels == 1 || (channels == 0 && grey)) make_grey(&image);
    *out = image;
    return CN_OK;
}

cn_status cni_image_read(cni_arena *arena, cni_bytes file, int channels, const cni_limits *limits, cni_image *out,
                         cni_error *error)
{
    return read(arena, file, channels, limits, out, NULL, error);
}

cn_status cni_image_read_alpha(cni_arena *arena, cni_bytes file, const cni_limits *limits, cni_image *out,
                               uint8_t **alpha, cni_error *error)
{
    *alpha = NULL;
    return read(arena, file, 0, limits, out, alpha, error);
}
