/* SPDX-License-Identifier: Apache-2.0
 * A page that is drawn on with cairo and becomes a PNG, SVG or PDF.  Measures are those of a page at 96 dots per inch;
 * a PNG has twice as many. */
#ifndef CNI_CANVAS_H
#define CNI_CANVAS_H

#include "explain/drawing.h"

#include <cairo.h>

typedef struct cni_canvas {
    cairo_surface_t *surface;
    cairo_t *cairo;
    cni_picture_format format;
    cni_picture_sink *sink;
    void *user;
} cni_canvas;

typedef struct cni_ink {
    double red, green, blue;
} cni_ink;

extern const cni_ink cni_ink_text, cni_ink_quiet, cni_ink_line, cni_ink_grid;

/** Colours that people with any kind of colour blindness tell apart (Okabe and Ito, 2008), from the clearest on; they
 *  begin again after the last. */
cni_ink cni_ink_of(int colour);

bool cni_canvas_open(cni_canvas *canvas, double width, double height);
/** Gives the picture to the sink; NULL, or what went wrong. */
const char *cni_canvas_close(cni_canvas *canvas);

void cni_ink_use(cni_canvas *canvas, cni_ink ink);
void cni_line(cni_canvas *canvas, double x0, double y0, double x1, double y1, double width, cni_ink ink);
/** A filled circle, or an open square. */
void cni_point_mark(cni_canvas *canvas, double x, double y, bool open, cni_ink ink);
void cni_ring(cni_canvas *canvas, double x, double y, cni_ink ink);

double cni_text_width(cni_canvas *canvas, const char *text, double size);
/** Text whose anchor (0 left, 0.5 middle, 1 right) is at x, on the base line y. */
void cni_text_at(cni_canvas *canvas, const char *text, double x, double y, double size, double anchor, cni_ink ink);
/** The same, upwards, centred on y. */
void cni_text_upright(cni_canvas *canvas, const char *text, double x, double y, double size, cni_ink ink);

#endif
