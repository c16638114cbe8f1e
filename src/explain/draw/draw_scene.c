/* SPDX-License-Identifier: Apache-2.0
 * The drawing module: scenes. */
#include "explain/draw/canvas.h"
#include "explain/draw/draw_scene.h"

#include <math.h>
#include <stdio.h>

typedef struct painter {
    cni_canvas *canvas;
    const cni_scene_palette *palette;
} painter;

static void use(const painter *p, cni_scene_ink ink, double opacity)
{
    const uint32_t c = p->palette->colours[ink];
    cairo_set_source_rgba(p->canvas->cairo, (c >> 16) / 255.0, (c >> 8 & 255) / 255.0, (c & 255) / 255.0, opacity);
}

static void fill(const painter *p, const cni_mark *mark)
{
    if (mark->fill == CNI_INK_NONE) return;
    use(p, mark->fill, mark->opacity);
    cairo_fill_preserve(p->canvas->cairo);
}

static void stroke(const painter *p, const cni_mark *mark)
{
    static const double dashes[] = {4, 3}, dots[] = {1, 3};
    cairo_t *cairo = p->canvas->cairo;
    if (mark->stroke != CNI_INK_NONE) {
        use(p, mark->stroke, 1);
        cairo_set_line_width(cairo, mark->width);
        if (mark->flags & (CNI_MARK_DASHED | CNI_MARK_DOTTED))
            cairo_set_dash(cairo, mark->flags & CNI_MARK_DASHED ? dashes : dots, 2, 0);
        cairo_stroke_preserve(cairo);
        cairo_set_dash(cairo, NULL, 0, 0);
    }
    cairo_new_path(cairo);
}

static void hatch(const painter *p, const cni_mark *m)
{
    const double step = 6;
    use(p, m->stroke, 1);
    cairo_set_line_width(p->canvas->cairo, 1);
    for (double c = step; c < m->w + m->h; c += step) {
        const double x0 = fmax(0, c - m->h), x1 = fmin(m->w, c);
        cairo_move_to(p->canvas->cairo, m->x + x0, m->y + (c - x0));
        cairo_line_to(p->canvas->cairo, m->x + x1, m->y + (c - x1));
    }
    cairo_stroke(p->canvas->cairo);
}

static void paint_rect(const painter *p, const cni_mark *mark)
{
    cairo_rectangle(p->canvas->cairo, mark->x, mark->y, mark->w, mark->h);
    fill(p, mark);
    stroke(p, mark);
    if (mark->flags & CNI_MARK_HATCHED) hatch(p, mark);
}

static void paint_ellipse(const painter *p, const cni_mark *mark)
{
    cairo_t *cairo = p->canvas->cairo;
    cairo_save(cairo);
    cairo_translate(cairo, mark->x, mark->y);
    cairo_scale(cairo, fmax(mark->w, 1e-3), fmax(mark->h, 1e-3));
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, 0, 0, 1, 0, 2 * M_PI);
    cairo_restore(cairo);
    fill(p, mark);
    stroke(p, mark);
}

static void paint_head(const painter *p, const cni_mark *m)
{
    cairo_t *cairo = p->canvas->cairo;
    const double length = hypot(m->w - m->x, m->h - m->y), size = 5 + m->width;
    if (!(length > 0)) return;
    const double ux = (m->w - m->x) / length, uy = (m->h - m->y) / length;
    cairo_move_to(cairo, m->w, m->h);
    cairo_line_to(cairo, m->w - size * ux - size / 2 * uy, m->h - size * uy + size / 2 * ux);
    cairo_line_to(cairo, m->w - size * ux + size / 2 * uy, m->h - size * uy - size / 2 * ux);
    cairo_close_path(cairo);
    use(p, m->stroke, 1);
    cairo_fill(cairo);
}

static void paint_line(const painter *p, const cni_mark *mark)
{
    cairo_move_to(p->canvas->cairo, mark->x, mark->y);
    cairo_line_to(p->canvas->cairo, mark->w, mark->h);
    stroke(p, mark);
    if (mark->flags & CNI_MARK_ARROW) paint_head(p, mark);
}

static void paint_text(const painter *p, const cni_mark *mark)
{
    cairo_t *cairo = p->canvas->cairo;
    if (!mark->text) return;
    cairo_text_extents_t extents;
    cairo_save(cairo);
    cairo_select_font_face(cairo, mark->flags & CNI_MARK_MONO ? "monospace" : "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           mark->flags & CNI_MARK_BOLD ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, mark->size);
    cairo_text_extents(cairo, mark->text, &extents);
    use(p, mark->fill, 1);
    cairo_translate(cairo, mark->x, mark->y);
    if (mark->flags & CNI_MARK_UPRIGHT) cairo_rotate(cairo, -M_PI / 2);
    cairo_move_to(cairo, -mark->anchor * extents.x_advance, 0);
    cairo_show_text(cairo, mark->text);
    cairo_new_path(cairo);
    cairo_restore(cairo);
}

static void paint_image(const painter *p, const cni_mark *mark)
{
    cairo_t *cairo = p->canvas->cairo;
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, mark->columns, mark->rows);
    unsigned char *rows = cairo_image_surface_get_data(image);
    if (rows) {
        const int stride = cairo_image_surface_get_stride(image);
        for (int y = 0; y < mark->rows; y++)
            for (int x = 0; x < mark->columns; x++) {
                const uint8_t *from =
                    mark->pixels + ((size_t)y * (size_t)mark->columns + (size_t)x) * (size_t)mark->channels;
                const int green = mark->channels == 3 ? 1 : 0, blue = mark->channels == 3 ? 2 : 0;
                ((uint32_t *)(void *)(rows + (size_t)y * (size_t)stride))[x] =
                    (uint32_t)from[0] << 16 | (uint32_t)from[green] << 8 | from[blue];
            }
        cairo_surface_mark_dirty(image);
        cairo_save(cairo);
        cairo_translate(cairo, mark->x, mark->y);
        cairo_scale(cairo, mark->w / mark->columns, mark->h / mark->rows);
        cairo_set_source_surface(cairo, image, 0, 0);
        /* Pixels that are shown large keep their edges. */
        const bool large = mark->w >= mark->columns;
        cairo_pattern_set_filter(cairo_get_source(cairo), large ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
        cairo_paint(cairo);
        cairo_restore(cairo);
    }
    cairo_surface_destroy(image);
}

cn_status cni_draw_scene(const cni_scene *scene, const cni_scene_palette *palette, cni_picture_format format,
                         cni_picture_sink *sink, void *user, char *message, size_t message_size)
{
    static void (*const painters[])(const painter *, const cni_mark *) = {
        [CNI_MARK_RECT] = paint_rect, [CNI_MARK_ELLIPSE] = paint_ellipse, [CNI_MARK_LINE] = paint_line,
        [CNI_MARK_TEXT] = paint_text, [CNI_MARK_IMAGE] = paint_image,
    };
    cni_canvas canvas = {.format = format, .sink = sink, .user = user};
    const painter p = {&canvas, palette};
    if (cni_canvas_open(&canvas, scene->width, scene->height)) {
        use(&p, CNI_INK_PAPER, 1);
        cairo_paint(canvas.cairo);
        for (int i = 0; i < scene->count; i++) painters[scene->marks[i].type](&p, scene->marks + i);
    }
    const char *problem = cni_canvas_close(&canvas);
    if (!problem) return CN_OK;
    snprintf(message, message_size, "%s", problem);
    return CN_ERR_MEMORY;
}
