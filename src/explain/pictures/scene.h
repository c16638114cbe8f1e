/* SPDX-License-Identifier: Apache-2.0
 * A picture as plain data: what stands where, in inks that have a meaning.  One scene becomes SVG (text stays text), a
 * PNG or PDF (by the drawing module), or a part of the HTML page, light or dark.
 *
 * Measures are those of a page at 96 dots per inch; y goes down.  Colour is never the only carrier: every class has a
 * pattern, a dash or a letter too (explain-spec 8.1).  The hues are Okabe and Ito's (2008). */
#ifndef CNI_SCENE_H
#define CNI_SCENE_H

#include "base/arena.h"
#include "base/text.h"

#include <stdint.h>

typedef enum cni_scene_ink {
    CNI_INK_NONE,
    CNI_INK_PAPER,
    CNI_INK_TEXT,
    CNI_INK_QUIET, /* text of less weight */
    CNI_INK_LINE,
    CNI_INK_GRID,
    CNI_INK_INPUT, /* cells: fill, and their edge */
    CNI_INK_INPUT_EDGE,
    CNI_INK_PADDING,
    CNI_INK_PADDING_EDGE,
    CNI_INK_WINDOW, /* the window now */
    CNI_INK_OUTPUT,
    CNI_INK_OUTPUT_EDGE,
    CNI_INK_UNREAD,
    CNI_INK_UNREAD_EDGE,
    CNI_INK_SECOND,    /* the other framework */
    CNI_INK_FIELD,     /* hulls, effective fields, heat */
    CNI_INK_ON_WINDOW, /* text on CNI_INK_WINDOW */
    CNI_INKS
} cni_scene_ink;

typedef enum cni_scene_theme { CNI_THEME_LIGHT, CNI_THEME_DARK } cni_scene_theme;

/** Red, green, blue as 0xRRGGBB, and the name that the page's style sheet knows it by. */
uint32_t cni_scene_colour(cni_scene_ink ink, cni_scene_theme theme);
const char *cni_scene_ink_name(cni_scene_ink ink);

typedef enum cni_mark_type {
    CNI_MARK_RECT,
    CNI_MARK_ELLIPSE,
    CNI_MARK_LINE,
    CNI_MARK_TEXT,
    CNI_MARK_IMAGE
} cni_mark_type;

enum {
    CNI_MARK_DASHED = 1,
    CNI_MARK_DOTTED = 2,
    CNI_MARK_HATCHED = 4, /* diagonal lines in the stroke's ink over the fill */
    CNI_MARK_ARROW = 8,   /* a head at the end of a line */
    CNI_MARK_BOLD = 16,
    CNI_MARK_UPRIGHT = 32, /* text that runs upwards, centred on (x, y) */
    CNI_MARK_MONO = 64     /* text of equal widths: code */
};

typedef struct cni_mark {
    cni_mark_type type;
    unsigned flags;
    double x, y, w, h; /* RECT, IMAGE: corner and size; ELLIPSE: centre and radii; LINE: from (x, y) to (w, h) */
    cni_scene_ink fill, stroke;
    double width;          /* of the stroke */
    double opacity;        /* of the fill, 0 to 1 */
    const char *text;      /* TEXT: on the base line y */
    double size;           /* TEXT: in dots */
    double anchor;         /* TEXT: 0 begins at x, 0.5 is centred on it, 1 ends there */
    const uint8_t *pixels; /* IMAGE: columns * rows * channels bytes, channels 1 or 3; drawn without smoothing */
    int columns, rows, channels;
} cni_mark;

typedef struct cni_scene {
    cni_arena *arena;
    const char *id;      /* "D1" */
    const char *name;    /* of the file, without suffix: "conv2d-window" */
    const char *title;   /* the layer's call */
    const char *caption; /* one sentence with the numbers that matter: also the picture's description */
    double width, height;
    cni_mark *marks;
    int count, capacity;
    bool failed; /* out of memory */
} cni_scene;

/** An empty scene.  Texts are kept as they are: let the arena own them. */
cni_scene *cni_scene_new(cni_arena *arena, const char *id, const char *name, double width, double height);

/** Each appends a mark and returns it for what is left to say (NULL without memory: pass it on to nothing). */
cni_mark *cni_scene_rect(cni_scene *scene, double x, double y, double w, double h, cni_scene_ink fill,
                         cni_scene_ink stroke, unsigned flags);
cni_mark *cni_scene_ellipse(cni_scene *scene, double x, double y, double rx, double ry, cni_scene_ink fill,
                            cni_scene_ink stroke, unsigned flags);
cni_mark *cni_scene_line(cni_scene *scene, double x0, double y0, double x1, double y1, double width,
                         cni_scene_ink stroke, unsigned flags);
cni_mark *cni_scene_text(cni_scene *scene, double x, double y, double size, double anchor, cni_scene_ink ink,
                         unsigned flags, const char *format, ...) __attribute__((format(printf, 8, 9)));
cni_mark *cni_scene_image(cni_scene *scene, double x, double y, double w, double h, const uint8_t *pixels, int columns,
                          int rows, int channels);

/** About how wide a text will be: fonts differ, so leave room. */
double cni_scene_text_width(const char *text, double size, unsigned flags);

/** Appends an SVG document: text stays text, no scripts, nothing from elsewhere.  The same bytes for the same scene. */
void cni_scene_svg(cni_text *out, const cni_scene *scene, cni_scene_theme theme);

/** Appends an <svg> element for a page whose style sheet gives the inks by class, light and dark. */
void cni_scene_inline(cni_text *out, const cni_scene *scene);

/** Appends text as XML and HTML have it: < > & and quotes escaped, what they do not allow as "?". */
void cni_markup_text(cni_text *out, const char *text);

/** Appends that style sheet: classes in light, and in dark where the reader prefers it. */
void cni_scene_style(cni_text *out);

#endif
