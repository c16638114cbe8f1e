/* SPDX-License-Identifier: Apache-2.0
 * Pages of cairo. */
#include "explain/draw/canvas.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>

const cni_ink cni_ink_text = {0.15, 0.15, 0.15}, cni_ink_quiet = {0.35, 0.35, 0.35}, cni_ink_line = {0.55, 0.55, 0.55},
              cni_ink_grid = {0.90, 0.90, 0.90};
static const cni_ink paper = {1, 1, 1};

cni_ink cni_ink_of(int colour)
{
    static const cni_ink inks[] = {
        {0.000, 0.447, 0.698}, /* blue */
        {0.835, 0.369, 0.000}, /* vermilion */
        {0.000, 0.620, 0.451}, /* bluish green */
        {0.800, 0.475, 0.655}, /* reddish purple */
        {0.902, 0.624, 0.000}, /* orange */
        {0.337, 0.706, 0.914}, /* sky blue */
        {0.000, 0.000, 0.000},
    };
    return inks[(unsigned)colour % (sizeof inks / sizeof *inks)];
}

static cairo_status_t pass_on(void *closure, const unsigned char *bytes, unsigned size)
{
    cni_canvas *canvas = closure;
    return canvas->sink(canvas->user, bytes, size) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

bool cni_canvas_open(cni_canvas *canvas, double width, double height)
{
    const double dots = 2, point = 0.75; /* 96 dots per inch are 72 points */
    double scale = canvas->format == CNI_PICTURE_PNG ? dots : point;
    if (canvas->format == CNI_PICTURE_PNG)
        canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(width * scale), (int)(height * scale));
    else if (canvas->format == CNI_PICTURE_SVG)
        canvas->surface = cairo_svg_surface_create_for_stream(pass_on, canvas, width * scale, height * scale);
    else
        canvas->surface = cairo_pdf_surface_create_for_stream(pass_on, canvas, width * scale, height * scale);
    canvas->cairo = cairo_create(canvas->surface);
    cairo_scale(canvas->cairo, scale, scale);
    cairo_select_font_face(canvas->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_line_join(canvas->cairo, CAIRO_LINE_JOIN_ROUND);
    cni_ink_use(canvas, paper);
    cairo_paint(canvas->cairo);
    return cairo_status(canvas->cairo) == CAIRO_STATUS_SUCCESS;
}

const char *cni_canvas_close(cni_canvas *canvas)
{
    cairo_status_t status = cairo_status(canvas->cairo);
    cairo_destroy(canvas->cairo);
    if (!status && canvas->format == CNI_PICTURE_PNG)
        status = cairo_surface_write_to_png_stream(canvas->surface, pass_on, canvas);
    cairo_surface_finish(canvas->surface); /* SVG and PDF are written now */
    if (!status) status = cairo_surface_status(canvas->surface);
    cairo_surface_destroy(canvas->surface);
    return status ? cairo_status_to_string(status) : NULL;
}

void cni_ink_use(cni_canvas *canvas, cni_ink ink)
{
    cairo_set_source_rgb(canvas->cairo, ink.red, ink.green, ink.blue);
}

void cni_line(cni_canvas *canvas, double x0, double y0, double x1, double y1, double width, cni_ink ink)
{
    cni_ink_use(canvas, ink);
    cairo_set_line_width(canvas->cairo, width);
    cairo_move_to(canvas->cairo, x0, y0);
    cairo_line_to(canvas->cairo, x1, y1);
    cairo_stroke(canvas->cairo);
}

void cni_point_mark(cni_canvas *canvas, double x, double y, bool open, cni_ink ink)
{
    const double size = 3;
    if (open)
        cairo_rectangle(canvas->cairo, x - size, y - size, 2 * size, 2 * size);
    else
        cairo_arc(canvas->cairo, x, y, size, 0, 2 * M_PI);
    cni_ink_use(canvas, open ? paper : ink);
    cairo_fill_preserve(canvas->cairo);
    cni_ink_use(canvas, ink);
    cairo_set_line_width(canvas->cairo, 1.5);
    cairo_stroke(canvas->cairo);
}

void cni_ring(cni_canvas *canvas, double x, double y, cni_ink ink)
{
    cni_ink_use(canvas, ink);
    cairo_set_line_width(canvas->cairo, 1.2);
    cairo_new_sub_path(canvas->cairo);
    cairo_arc(canvas->cairo, x, y, 7.5, 0, 2 * M_PI);
    cairo_stroke(canvas->cairo);
}

double cni_text_width(cni_canvas *canvas, const char *text, double size)
{
    cairo_text_extents_t extents;
    cairo_set_font_size(canvas->cairo, size);
    cairo_text_extents(canvas->cairo, text, &extents);
    return extents.x_advance;
}

void cni_text_at(cni_canvas *canvas, const char *text, double x, double y, double size, double anchor, cni_ink ink)
{
    cni_ink_use(canvas, ink);
    cairo_move_to(canvas->cairo, x - anchor * cni_text_width(canvas, text, size), y);
    cairo_show_text(canvas->cairo, text);
    cairo_new_path(canvas->cairo);
}

void cni_text_upright(cni_canvas *canvas, const char *text, double x, double y, double size, cni_ink ink)
{
    cairo_save(canvas->cairo);
    cairo_translate(canvas->cairo, x, y);
    cairo_rotate(canvas->cairo, -M_PI / 2);
    cni_text_at(canvas, text, 0, 0, size, 0.5, ink);
    cairo_restore(canvas->cairo);
}
