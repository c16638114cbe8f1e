/* SPDX-License-Identifier: Apache-2.0
 * JPEG, by libjpeg-turbo.  Its errors arrive by longjmp, which never leaves this file. */
#include "formats/images.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr manager;
    jmp_buf out;
    cni_arena *arena;
    cni_bytes file;
    const cni_limits *limits;
    cni_image *image;
    bool *grey;
    cn_status status;
    cni_error *error;
} decoder;

/* ---- errors ---- */

static void stop(j_common_ptr jpeg)
{
    decoder *in = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    const int code = jpeg->err->msg_code;
    jpeg->err->format_message(jpeg, text);
    in->status = cni_fail(in->error, code == JERR_OUT_OF_MEMORY ? CN_ERR_MEMORY : CN_ERR_FORMAT, "JPEG: %s", text);
    longjmp(in->out, 1);
}

/* Warnings mean damaged data, but for a few that cameras and old programs cause in sound pictures. */
static void warn(j_common_ptr jpeg, int level)
{
    static const int harmless[] = {JWRN_EXTRANEOUS_DATA, JWRN_JFIF_MAJOR, JWRN_ADOBE_XFORM, JWRN_NOT_SEQUENTIAL};
    if (level >= 0) return;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (jpeg->err->msg_code == harmless[i]) return;
    stop(jpeg);
}

static void say_nothing(j_common_ptr jpeg)
{
    (void)jpeg;
}

/* ---- limits ---- */

/* The next marker at or after `at`: its code, with `at` behind it; 0 at the end.  Stuffed zeros, fill bytes and restart
 * markers belong to the data. */
static unsigned next_marker(cni_bytes file, size_t *at)
{
    while (*at + 1 < file.size) {
        const uint8_t *found = memchr(file.data + *at, 0xff, file.size - *at - 1);
        if (!found) break;
        *at = (size_t)(found - file.data) + 1;
        const unsigned code = file.data[*at];
        if (code != 0xff) ++*at;
        if (code && code != 0xff && (code < 0xd0 || code > 0xd7)) return code;
    }
    *at = file.size;
    return 0;
}

/* Each scan of a progressive picture goes over all of it, so many scans in a small file cost hours. */
static cn_status check_markers(cni_bytes file, const cni_limits *limits, cni_error *error)
{
    enum { SOI = 0xd8, EOI = 0xd9, SOS = 0xda, TEM = 0x01 };
    uint64_t markers = 0, scans = 0;
    for (size_t at = 0; at < file.size;) {
        const unsigned code = next_marker(file, &at);
        if (!code || code == EOI) break;
        markers++;
        scans += code == SOS;
        if (code == SOI || code == TEM || at + 2 > file.size) continue;
        at += (size_t)(file.data[at] << 8 | file.data[at + 1]);
    }
    if (markers <= limits->jpeg_markers && scans <= limits->jpeg_scans) return CN_OK;
    return cni_fail(error, CN_ERR_LIMIT,
                    "JPEG: %" PRIu64 " markers, %" PRIu64 " scans; the limits are %" PRIu64 " and %" PRIu64, markers,
                    scans, limits->jpeg_markers, limits->jpeg_scans);
}

/* A picture in several scans is held whole as 16-bit coefficients, in blocks of 8 x 8 that fill whole MCUs. */
static cn_status charge_coefficients(decoder *in)
{
    if (!jpeg_has_multiple_scans(&in->jpeg)) return CN_OK;
    const size_t width = in->jpeg.image_width + 64, height = in->jpeg.image_height + 64;
    const size_t components = (size_t)in->jpeg.num_components;
    if (cni_arena_charge(in->arena, width * height * components * sizeof(JCOEF))) return CN_OK;
    return cni_fail(in->error, CN_ERR_MEMORY, "no memory for the coefficients of %zu x %zu pixels", width, height);
}

static cn_status check_colours(decoder *in)
{
    static const struct {
        J_COLOR_SPACE space;
        const char *name;
    } refused[] = {{JCS_CMYK, "CMYK"}, {JCS_YCCK, "YCCK"}};
    *in->grey = in->jpeg.jpeg_color_space == JCS_GRAYSCALE;
    const J_COLOR_SPACE space = in->jpeg.jpeg_color_space;
    if (space == JCS_GRAYSCALE || space == JCS_YCbCr || space == JCS_RGB) return CN_OK;
    const char *name = "of unknown colours";
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i].space == space) name = refused[i].name;
    return cni_fail(in->error, CN_ERR_UNSUPPORTED, "a JPEG picture %s (%d components); save it as RGB or grey", name,
                    in->jpeg.num_components);
}

/* ---- decoding ---- */

static cn_status prepare(decoder *in)
{
    CN_TRY(cni_image_new(in->arena, in->jpeg.image_width, in->jpeg.image_height, in->limits, in->image, in->error));
    CN_TRY(check_colours(in));
    return charge_coefficients(in);
}

static cn_status decode(decoder *in)
{
    if (setjmp(in->out)) return in->status;
    jpeg_create_decompress(&in->jpeg);
    in->jpeg.client_data = in;
    jpeg_mem_src(&in->jpeg, in->file.data, in->file.size);
    jpeg_read_header(&in->jpeg, TRUE);
    CN_TRY(prepare(in));
    in->jpeg.out_color_space = JCS_RGB;
    jpeg_start_decompress(&in->jpeg);
    const size_t row = (size_t)in->image->width * 3;
    while (in->jpeg.output_scanline < in->jpeg.output_height) {
        JSAMPROW to = in->image->pixels + in->jpeg.output_scanline * row;
        jpeg_read_scanlines(&in->jpeg, &to, 1);
    }
    jpeg_finish_decompress(&in->jpeg);
    return CN_OK;
}

cn_status cni_jpeg_read(cni_arena *arena, cni_bytes file, const cni_limits *limits, cni_image *out, bool *grey,
                        cni_error *error)
{
    CN_TRY(check_markers(file, limits, error));
    decoder in = {.arena = arena, .file = file, .limits = limits, .image = out, .grey = grey, .error = error};
    in.jpeg.err = jpeg_std_error(&in.manager);
    in.manager.error_exit = stop;
    in.manager.emit_message = warn;
    in.manager.output_message = say_nothing;
    in.jpeg.client_data = &in; /* an error may come before it can be set again */
    const cn_status status = decode(&in);
    jpeg_destroy_decompress(&in.jpeg);
    return status;
}
