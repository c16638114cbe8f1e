/* SPDX-License-Identifier: Apache-2.0
 * Scenes: inks, and how marks are put down. */
#include "explain/pictures/scene.h"

#include "base/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* explain-spec 8.1; texts keep a contrast of 4.5 : 1 and more on paper and on the fills of cells. */
static const struct ink {
    const char *name;
    uint32_t light, dark;
} inks[CNI_INKS] = {
    [CNI_INK_NONE] = {"none", 0, 0},
    [CNI_INK_PAPER] = {"paper", 0xFFFFFF, 0x14181D},
    [CNI_INK_TEXT] = {"text", 0x1B1F24, 0xE8EAED},
    [CNI_INK_QUIET] = {"quiet", 0x57606A, 0xA9B1BA},
    [CNI_INK_LINE] = {"line", 0x8A8A8A, 0x8A929B},
    [CNI_INK_GRID] = {"grid", 0xE3E6EA, 0x2B3138},
    [CNI_INK_INPUT] = {"input", 0xDCE9F5, 0x16324A},
    [CNI_INK_INPUT_EDGE] = {"input-edge", 0x0072B2, 0x4BA3DB},
    [CNI_INK_PADDING] = {"padding", 0xE6E6E6, 0x3A3A3A},
    [CNI_INK_PADDING_EDGE] = {"padding-edge", 0x8A8A8A, 0x8A8A8A},
    [CNI_INK_WINDOW] = {"window", 0xE69F00, 0xE69F00},
    [CNI_INK_OUTPUT] = {"output", 0xCFEBDD, 0x0E3B2C},
    [CNI_INK_OUTPUT_EDGE] = {"output-edge", 0x009E73, 0x2BC299},
    [CNI_INK_UNREAD] = {"unread", 0xF6D5C4, 0x4A2310},
    [CNI_INK_UNREAD_EDGE] = {"unread-edge", 0xD55E00, 0xF0803C},
    [CNI_INK_SECOND] = {"second", 0xCC79A7, 0xCC79A7},
    [CNI_INK_FIELD] = {"field", 0x56B4E9, 0x56B4E9},
    [CNI_INK_ON_WINDOW] = {"on-window", 0x1B1F24, 0x1B1F24},
};

uint32_t cni_scene_colour(cni_scene_ink ink, cni_scene_theme theme)
{
    return theme == CNI_THEME_DARK ? inks[ink].dark : inks[ink].light;
}

const char *cni_scene_ink_name(cni_scene_ink ink)
{
    return inks[ink].name;
}

cni_scene *cni_scene_new(cni_arena *arena, const char *id, const char *name, double width, double height)
{
    cni_scene *scene = CNI_NEW(arena, cni_scene);
    if (!scene) return NULL;
    scene->arena = arena;
    scene->id = id;
    scene->name = name;
    scene->title = scene->caption = "";
    scene->width = width;
    scene->height = height;
    return scene;
}

static cni_mark *add(cni_scene *scene, cni_mark_type type, double x, double y, unsigned flags)
{
    if (scene->count == scene->capacity) {
        const int wanted = scene->capacity ? 2 * scene->capacity : 64;
        cni_mark *larger = CNI_NEW_ARRAY(scene->arena, cni_mark, (size_t)wanted);
        scene->failed |= !larger;
        if (!larger) return NULL;
        if (scene->count) memcpy(larger, scene->marks, (size_t)scene->count * sizeof *larger);
        scene->marks = larger;
        scene->capacity = wanted;
    }
    cni_mark *mark = scene->marks + scene->count++;
    *mark = (cni_mark){.type = type, .flags = flags, .x = x, .y = y, .opacity = 1, .width = 1};
    return mark;
}

static cni_mark *add_area(cni_scene *scene, cni_mark_type type, double x, double y, double w, double h,
                          cni_scene_ink fill, cni_scene_ink stroke, unsigned flags)
{
    cni_mark *mark = add(scene, type, x, y, flags);
    if (!mark) return NULL;
    mark->w = w;
    mark->h = h;
    mark->fill = fill;
    mark->stroke = stroke;
    return mark;
}

cni_mark *cni_scene_rect(cni_scene *scene, double x, double y, double w, double h, cni_scene_ink fill,
                         cni_scene_ink stroke, unsigned flags)
{
    return add_area(scene, CNI_MARK_RECT, x, y, w, h, fill, stroke, flags);
}

cni_mark *cni_scene_ellipse(cni_scene *scene, double x, double y, double rx, double ry, cni_scene_ink fill,
                            cni_scene_ink stroke, unsigned flags)
{
    return add_area(scene, CNI_MARK_ELLIPSE, x, y, rx, ry, fill, stroke, flags);
}

cni_mark *cni_scene_line(cni_scene *scene, double x0, double y0, double x1, double y1, double width,
                         cni_scene_ink stroke, unsigned flags)
{
    cni_mark *mark = add_area(scene, CNI_MARK_LINE, x0, y0, x1, y1, CNI_INK_NONE, stroke, flags);
    if (mark) mark->width = width;
    return mark;
}

cni_mark *cni_scene_image(cni_scene *scene, double x, double y, double w, double h, const uint8_t *pixels, int columns,
                          int rows, int channels)
{
    cni_mark *mark = add_area(scene, CNI_MARK_IMAGE, x, y, w, h, CNI_INK_NONE, CNI_INK_NONE, 0);
    if (!mark) return NULL;
    mark->pixels = pixels;
    mark->columns = columns;
    mark->rows = rows;
    mark->channels = channels;
    return mark;
}

cni_mark *cni_scene_text(cni_scene *scene, double x, double y, double size, double anchor, cni_scene_ink ink,
                         unsigned flags, const char *format, ...)
{
    cni_mark *mark = add(scene, CNI_MARK_TEXT, x, y, flags);
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!mark) return NULL;
    mark->fill = ink;
    mark->size = size;
    mark->anchor = anchor;
    mark->text = cni_arena_text(scene->arena, text);
    scene->failed |= !mark->text;
    return mark;
}

double cni_scene_text_width(const char *text, double size, unsigned flags)
{
    const double share = flags & CNI_MARK_MONO ? 0.62 : flags & CNI_MARK_BOLD ? 0.60 : 0.55;
    return share * size * (double)cni_columns_of(text);
}
