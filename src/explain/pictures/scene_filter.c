/* SPDX-License-Identifier: Apache-2.0
 * A filter at work: the picture, the kernel, one window with its sum, the result. */
#include "base/take.h"
#include "data/filter.h"
#include "explain/drawing.h"

#include <cornu/explain.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PANEL = 240, MOST_NUMBERS = 9 };

typedef struct showing {
    cni_arena *arena;
    cni_scene *scene;
    const cni_filter *filter;
    const cni_image *image, *result;
    int row, column; /* of the window's middle, in the picture */
} showing;

static double scale_of(const cni_image *image)
{
    return (double)PANEL / (image->width > image->height ? image->width : image->height);
}

static void add_picture(const showing *s, const cni_image *image, double x, double y, const char *name)
{
    const double scale = scale_of(image);
    cni_image plain = *image;
    if (image->channels == 2 || image->channels == 4) { /* alpha is not shown */
        const int channels = image->channels - 1;
        const size_t count = (size_t)image->width * (size_t)image->height;
        plain.channels = channels;
        plain.pixels = cni_arena_array(s->arena, count, (size_t)channels);
        for (size_t i = 0; plain.pixels && i < count; i++)
            memcpy(plain.pixels + i * (size_t)channels, image->pixels + i * (size_t)image->channels, (size_t)channels);
    }
    s->scene->failed |= !plain.pixels;
    if (!plain.pixels) return;
    cni_scene_text(s->scene, x, y - 8, 12, 0, CNI_INK_TEXT, CNI_MARK_BOLD, "%s", name);
    cni_scene_image(s->scene, x, y, image->width * scale, image->height * scale, plain.pixels, image->width,
                    image->height, plain.channels);
    cni_scene_rect(s->scene, x, y, image->width * scale, image->height * scale, CNI_INK_NONE, CNI_INK_LINE, 0);
}

static double luma(const cni_image *image, int y, int x)
{
    const uint8_t *p = image->pixels + ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)image->channels;
    return image->channels < 3 ? p[0] : p[1]; /* of colours the green one: one channel is followed */
}

/* A square of numbers with shades. */
static void add_numbers(const showing *s, double x, double y, const char *name, bool kernel)
{
    const int rows = s->filter->rows, columns = s->filter->columns;
    const double cell = PANEL / (double)(rows > columns ? rows : columns);
    double most = 1e-9;
    for (int i = 0; i < rows * columns; i++) most = fmax(most, fabs((double)s->filter->numbers[0][i]));
    cni_scene_text(s->scene, x, y - 8, 12, 0, CNI_INK_TEXT, CNI_MARK_BOLD, "%s", name);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const double weight = (double)s->filter->numbers[0][i * columns + j];
            const int py = s->row + i - (rows - 1) / 2, px = s->column + j - (columns - 1) / 2;
            cni_mark *mark = cni_scene_rect(s->scene, x + cell * j, y + cell * i, cell, cell,
                                            kernel && weight < 0 ? CNI_INK_UNREAD_EDGE
                                            : kernel             ? CNI_INK_FIELD
                                                                 : CNI_INK_INPUT,
                                            CNI_INK_LINE, 0);
            if (mark && kernel) mark->opacity = 0.45 * fabs(weight) / most;
            if (rows > MOST_NUMBERS || columns > MOST_NUMBERS) continue;
            cni_scene_text(s->scene, x + cell * (j + 0.5), y + cell * (i + 0.5) + 5, cell > 40 ? 14 : 10, 0.5,
                           CNI_INK_TEXT, 0, kernel ? "%.3g" : "%.0f", kernel ? weight : luma(s->image, py, px));
        }
}

/* The sum of the window under one kernel. */
static double sum_under(const showing *s, int kernel)
{
    double sum = 0;
    for (int i = 0; i < s->filter->rows; i++)
        for (int j = 0; j < s->filter->columns; j++)
            sum += (double)s->filter->numbers[kernel][i * s->filter->columns + j] *
                   luma(s->image, s->row + i - (s->filter->rows - 1) / 2, s->column + j - (s->filter->columns - 1) / 2);
    return sum;
}

static double result_of_window(const showing *s)
{
    const double sum = sum_under(s, 0);
    return s->filter->kernels == 2 ? hypot(sum, sum_under(s, 1)) : sum;
}

/* The middle of the picture, or a place near it where the kernel has most to say. */
static void choose_window(showing *s)
{
    const int half_y = s->filter->rows, half_x = s->filter->columns;
    double most = -1;
    const int step_y = s->image->height / 24 + 1, step_x = s->image->width / 24 + 1;
    for (int y = half_y; y < s->image->height - half_y; y += step_y)
        for (int x = half_x; x < s->image->width - half_x; x += step_x) {
            showing here = *s;
            here.row = y;
            here.column = x;
            const double change = fabs(result_of_window(&here) - luma(s->image, y, x));
            if (change <= most) continue;
            most = change;
            s->row = y;
            s->column = x;
        }
}

static void mark_window(const showing *s, double x, double y)
{
    const double scale = scale_of(s->image), side = fmax(8, s->filter->columns * scale);
    cni_mark *mark = cni_scene_rect(s->scene, x + (s->column + 0.5) * scale - side / 2,
                                    y + (s->row + 0.5) * scale - side / 2, side, side, CNI_INK_NONE, CNI_INK_WINDOW, 0);
    if (mark) mark->width = 2.5;
}

static bool can_show_window(const showing *s)
{
    return s->image->height > 2 * s->filter->rows && s->image->width > 2 * s->filter->columns;
}

static void tell_result(const showing *s, double x, double y)
{
    const double result = result_of_window(s);
    const char *clipped = result < 0     ? "; below 0, so it becomes 0"
                          : result > 255 ? "; above 255, so it becomes 255"
                                         : "";
    char sums[80];
    if (s->filter->kernels == 2)
        snprintf(sums, sizeof sums, "magnitude of %.6g and %.6g: %.6g", sum_under(s, 0), sum_under(s, 1), result);
    else
        snprintf(sums, sizeof sums, "summed: %.6g", result);
    cni_scene_text(s->scene, x, y, 12, 0, CNI_INK_TEXT, 0, "window (row %d, column %d%s) times kernel, %s%s", s->row,
                   s->column, s->image->channels < 3 ? "" : ", green", sums, clipped);
}

static cni_scene *draw(showing *s, const char *name)
{
    const double top = 86, step = PANEL + 34, left = 20;
    s->scene = cni_scene_new(s->arena, "filter", "filter", left + 4 * step, top + PANEL + 44);
    if (!s->scene) return NULL;
    const bool window = can_show_window(s);
    if (window) choose_window(s);
    s->scene->title = cni_arena_printf(s->arena, "%s: a %dx%d kernel on %dx%d pixels", name, s->filter->rows,
                                       s->filter->columns, s->image->width, s->image->height);
    s->scene->caption = "Each result is the sum of a window of the picture times the kernel, which is not flipped.";
    if (!s->scene->title) s->scene->title = "";
    cni_scene_text(s->scene, left, 28, 15, 0, CNI_INK_TEXT, CNI_MARK_BOLD, "%s", s->scene->title);
    cni_scene_text(s->scene, left, 47, 12, 0, CNI_INK_QUIET, 0, "%s", s->scene->caption);
    add_picture(s, s->image, left, top, "picture");
    if (window) mark_window(s, left, top);
    if (window) add_numbers(s, left + step, top, "window", false);
    add_numbers(s, left + 2 * step, top, s->filter->kernels == 2 ? "kernel (the first of two)" : "kernel", true);
    add_picture(s, s->result, left + 3 * step, top, "result");
    if (window) tell_result(s, left + step, top + PANEL + 24);
    return s->scene;
}

static cn_status find_format(const char *path, cni_picture_format *format, cni_error *error)
{
    const char *dot = strrchr(path, '.');
    return cni_picture_format_find(dot ? dot + 1 : "", format, error);
}

static cn_status draw_filter(cni_arena *arena, const char *path, const char *out, const cn_filter_options *options,
                             bool dark, cni_error *error)
{
    cni_filter filter;
    cni_bytes file;
    cni_image image, result;
    cni_picture_format format = CNI_PICTURE_PNG;
    CN_TRY(find_format(out, &format, error));
    CN_TRY(cni_filter_read(arena, options->kernel ? options->kernel : "identity", &filter, error));
    CN_TRY(cni_file_read(arena, path, (uint64_t)1 << 30, &file, error));
    if (cni_image_read(arena, file, 0, NULL, &image, error) ||
        cni_filter_run(arena, &filter, options->border, &image, NULL, &result, error))
        return cni_fail_in(error, "%s", path);
    showing s = {.arena = arena, .filter = &filter, .image = &image, .result = &result};
    const cni_scene *scene = draw(&s, filter.name ? filter.name : "own kernel");
    if (!scene) return cni_no_memory(error, "a picture");
    return cni_scene_write(scene, dark ? CNI_THEME_DARK : CNI_THEME_LIGHT, format, out, error);
}

cn_status cn_filter_draw(const char *image, const char *out, const cn_filter_options *options, bool dark,
                         const char **error)
{
    static _Thread_local cni_error slot;
    cn_filter_options own = {0};
    cni_arena arena = {0};
    cni_error_clear(&slot);
    if (!options || !cni_take_args(&own, sizeof own, options, sizeof(size_t), "cn_filter_options", &slot))
        draw_filter(&arena, image, out, &own, dark, &slot);
    cni_arena_free(&arena);
    if (error) *error = slot.status ? slot.text : NULL;
    return slot.status;
}
