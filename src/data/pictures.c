/* SPDX-License-Identifier: Apache-2.0
 * Pictures as a model takes them: its size, its colours, its order of axes. */
#include "data/dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a model takes ---- */

static bool is_colours(int64_t size)
{
    return size == 1 || size == 3;
}

static int free_is_zero(int64_t size)
{
    return size > 0 ? (int)size : 0;
}

cn_status cni_picture_form_of(const cn_model *model, cni_picture_form *form, cni_error *error)
{
    int64_t shape[CN_MAX_RANK];
    *form = (cni_picture_form){0};
    const int rank = model ? cn_input_shape(model, 0, shape) : -1;
    if (rank < 0) return CN_OK;
    if (cn_input_count(model) != 1)
        return cni_fail(error, CN_ERR_SHAPE, "pictures go to one input; this model has %d: give arrays (.npy, .npz)",
                        cn_input_count(model));
    if (rank != 3 && rank != 4)
        return cni_fail(error, CN_ERR_SHAPE,
                        "pictures need an input (height, width, channels); this model's has %d dimensions", rank - 1);
    /* Where only the first axis can be colours the model is channels_first. */
    form->channels_first = rank == 4 && !is_colours(shape[3]) && is_colours(shape[1]);
    form->flat = rank == 3;
    const int64_t *size = shape + 1 + form->channels_first;
    const int64_t channels = form->flat ? 1 : form->channels_first ? shape[1] : shape[3];
    if (channels > 0 && !is_colours(channels))
        return cni_fail(error, CN_ERR_SHAPE, "pictures have 1 or 3 channels; this model's input has %" PRId64,
                        channels);
    form->height = free_is_zero(size[0]);
    form->width = free_is_zero(size[1]);
    form->channels = free_is_zero(channels);
    return CN_OK;
}

cn_status cni_pictures_new(cni_arena *arena, const cni_picture_form *form, int64_t count, cn_array *out,
                           cni_error *error)
{
    const int64_t h = form->height, w = form->width, c = form->channels;
    *out = (cn_array){.dtype = CN_UINT8, .rank = form->flat ? 3 : 4, .shape = {count, h, w, c}};
    if (form->channels_first) memcpy(out->shape, (int64_t[]){count, c, h, w}, 4 * sizeof(int64_t));
    if (form->flat) out->shape[3] = 0;
    out->data = cni_arena_array(arena, (size_t)count, (size_t)h * (size_t)w * (size_t)c);
    if (out->data) return CN_OK;
    return cni_fail(error, CN_ERR_LIMIT, "%" PRId64 " pictures of %dx%d pixels do not fit into the memory allowed",
                    count, form->width, form->height);
}

/* ---- the order of axes ---- */

static void channels_first(const uint8_t *from, uint8_t *to, int64_t count, int64_t area, int64_t channels)
{
    for (int64_t n = 0; n < count; n++, from += area * channels)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t i = 0; i < area; i++) *to++ = from[i * channels + c];
}

cn_status cni_pictures_arrange(cni_arena *arena, const cn_model *model, cn_array *pictures, cni_error *error)
{
    cni_picture_form form;
    cni_error ignored = {0};
    const int64_t *s = pictures->shape;
    const int64_t channels = pictures->rank == 4 ? s[3] : 1;
    if (!pictures->data || pictures->dtype != CN_UINT8 || pictures->rank < 3 || !model) return CN_OK;
    if (cni_picture_form_of(model, &form, &ignored) || !form.channels_first) return CN_OK;
    if (pictures->rank == 4 && is_colours(s[1]) && !is_colours(s[3])) return CN_OK; /* they are so already */
    cn_array out = {.dtype = CN_UINT8, .rank = 4, .shape = {s[0], channels, s[1], s[2]}, .data = pictures->data};
    if (channels > 1) {
        uint8_t *to = cni_arena_array(arena, (size_t)s[0], (size_t)(s[1] * s[2] * channels));
        if (!to) return cni_no_memory(error, "pictures with the channels first");
        channels_first(pictures->data, to, s[0], s[1] * s[2], channels);
        out.data = to;
    }
    *pictures = out;
    return CN_OK;
}

/* ---- resizing ---- */

typedef struct tap {
    int low, high;
    float part; /* of `high` */
} tap;

/* Output cell i looks at (i + 0.5) * in / out - 0.5. */
static tap tap_at(int i, int in, int out)
{
    const float at = ((float)i + 0.5F) * ((float)in / (float)out) - 0.5F;
    const int floor_at = at < 0 ? -1 : (int)at;
    return (tap){floor_at < 0 ? 0 : floor_at, floor_at + 1 < in ? floor_at + 1 : in - 1, at - (float)floor_at};
}

static uint8_t blend(const cni_image *from, tap y, tap x, int c)
{
    const uint8_t *low = from->pixels + (size_t)y.low * (size_t)from->width * (size_t)from->channels + c;
    const uint8_t *high = from->pixels + (size_t)y.high * (size_t)from->width * (size_t)from->channels + c;
    const size_t left = (size_t)x.low * (size_t)from->channels, right = (size_t)x.high * (size_t)from->channels;
    const float top = (float)low[left] + ((float)low[right] - (float)low[left]) * x.part;
    const float bottom = (float)high[left] + ((float)high[right] - (float)high[left]) * x.part;
    return (uint8_t)(top + (bottom - top) * y.part + 0.5F);
}

void cni_picture_resize(const cni_image *from, const cni_picture_form *form, uint8_t *to)
{
    const int h = form->height, w = form->width, channels = form->channels;
    for (int i = 0; i < h; i++) {
        const tap y = tap_at(i, from->height, h);
        for (int j = 0; j < w; j++) {
            const tap x = tap_at(j, from->width, w);
            for (int c = 0; c < channels; c++) {
                const int at = form->channels_first ? (c * h + i) * w + j : (i * w + j) * channels + c;
                to[at] = blend(from, y, x, c);
            }
        }
    }
}

/* ---- files ---- */

/* What is free is taken from the picture; the rest must agree, or is made to. */
static cn_status fit(const char *path, const cni_image *image, cni_picture_form *form, bool may_resize, bool *resized,
                     cni_error *error)
{
    if (!form->height) form->height = image->height;
    if (!form->width) form->width = image->width;
    form->channels = image->channels;
    *resized = form->height != image->height || form->width != image->width;
    if (may_resize || !*resized) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE,
                    "%s: %dx%d pixels, but the pictures before have %dx%d; the model does not say which size to take: "
                    "bring them to one size",
                    path, image->width, image->height, form->width, form->height);
}

cn_status cni_picture_read(const char *path, uint64_t memory, cni_picture_form *form, bool may_resize, cn_array *into,
                           int64_t row, bool *resized, cni_error *error)
{
    cni_arena arena;
    cni_bytes file;
    cni_image image;
    cni_arena_init(&arena, (size_t)memory);
    cn_status status = cni_file_read(&arena, path, (uint64_t)1 << 30, &file, error);
    if (!status && cni_image_read(&arena, file, form->channels, NULL, &image, error))
        status = cni_fail_in(error, "%s", path);
    if (!status) status = fit(path, &image, form, may_resize, resized, error);
    if (!status && into) {
        const size_t size = (size_t)form->height * (size_t)form->width * (size_t)form->channels;
        cni_picture_resize(&image, form, (uint8_t *)(uintptr_t)into->data + (size_t)row * size);
    }
    cni_arena_free(&arena);
    return status;
}
