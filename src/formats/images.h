/* SPDX-License-Identifier: Apache-2.0
 * PNG and JPEG pictures, to and from bytes of [height, width, channels]. */
#ifndef CNI_IMAGES_H
#define CNI_IMAGES_H

#include "formats/bytes.h"
#include "formats/limits.h"

typedef struct cni_image {
    int height, width, channels; /* channels: 1 grey, 3 red green blue; 2 and 4: with alpha behind (only to write) */
    uint8_t *pixels;
} cni_image;

/** Whether the bytes begin as a PNG or JPEG file does. */
bool cni_image_detect(cni_bytes file);

/** Decodes a picture as Pillow's Image.open(f).convert("L") or convert("RGB") does: `channels` 1 or 3, or 0 for what
 * the file itself has.  Alpha is dropped; of 16 bits the upper 8 are kept.  Every size is checked before memory is
 * asked for; damaged and truncated files, CMYK and 12-bit JPEGs are refused. */
cn_status cni_image_read(cni_arena *arena, cni_bytes file, int channels, const cni_limits *limits, cni_image *out,
                         cni_error *error);

/** The same with the file's own channels, and its alpha apart: height * width bytes, or NULL where it has none. */
cn_status cni_image_read_alpha(cni_arena *arena, cni_bytes file, const cni_limits *limits, cni_image *out,
                               uint8_t **alpha, cni_error *error);

/** Appends a PNG file of 8 bits a channel. */
cn_status cni_png_write(cni_buffer *to, const cni_image *image, cni_error *error);

/* ---- between the files of this reader ---- */

/** Checks the size against the limits and allocates three channels. */
cn_status cni_image_new(cni_arena *arena, uint64_t width, uint64_t height, const cni_limits *limits, cni_image *out,
                        cni_error *error);

/** Decode to three channels; *grey tells whether the file has no colour.  `alpha` (may be NULL) as above. */
cn_status cni_png_read(cni_arena *arena, cni_bytes file, const cni_limits *limits, cni_image *out, bool *grey,
                       uint8_t **alpha, cni_error *error);
cn_status cni_jpeg_read(cni_arena *arena, cni_bytes file, const cni_limits *limits, cni_image *out, bool *grey,
                        cni_error *error);

#endif
