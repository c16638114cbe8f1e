/* SPDX-License-Identifier: Apache-2.0
 * Scenes as SVG.  Own lines instead of cairo's: cairo turns text into outlines, which nobody can search, select or have
 * read aloud. */
#include "explain/pictures/scene.h"

#include "base/utf8.h"
#include "formats/bytes.h"
#include "formats/images.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    cni_text *out;
    const cni_scene *scene;
    cni_scene_theme theme;
    bool classes; /* inks by class, for a page */
} writer;

/* ---- pieces ---- */

/* What XML does not allow in a text becomes '?'. */
void cni_markup_text(cni_text *out, const char *text)
{
    const size_t length = strlen(text);
    uint32_t code;
    for (size_t at = 0, size; at < length; at += size) {
        size = cni_utf8_read(text + at, length - at, &code);
        const bool bad = !size || code < 0x20 || (code >= 0x7f && code < 0xa0) || (code & 0xfffe) == 0xfffe;
        if (bad)
            cni_text_char(out, '?');
        else if (code == '<' || code == '>' || code == '&' || code == '"')
            cni_text_printf(out, "&#%u;", (unsigned)code);
        else
            cni_text_bytes(out, text + at, size);
        if (!size) size = 1;
    }
}

/* At most two decimals and no more than are needed: the same bytes everywhere. */
static void add_number(cni_text *out, double value)
{
    char text[40];
    const double most = 1e9; /* no picture is that large; NaN becomes 0 */
    const double sane = isnan(value) ? 0 : fmax(-most, fmin(most, value));
    const long long hundredths = llround(sane * 100);
    const unsigned long long whole = (unsigned long long)llabs(hundredths);
    snprintf(text, sizeof text, "%s%llu.%02llu", hundredths < 0 ? "-" : "", whole / 100, whole % 100);
    size_t length = strlen(text);
    while (text[length - 1] == '0') text[--length] = 0;
    if (text[length - 1] == '.') text[--length] = 0;
    cni_text_add(out, text);
}

static void add_attribute(const writer *w, const char *name, double value)
{
    cni_text_printf(w->out, " %s=\"", name);
    add_number(w->out, value);
    cni_text_char(w->out, '"');
}

static void add_paint(const writer *w, const char *what, cni_scene_ink ink)
{
    if (ink == CNI_INK_NONE)
        cni_text_printf(w->out, " %s=\"none\"", what);
    else if (w->classes)
        cni_text_printf(w->out, " %s=\"var(--%s)\"", what, cni_scene_ink_name(ink));
    else
        cni_text_printf(w->out, " %s=\"#%06X\"", what, (unsigned)cni_scene_colour(ink, w->theme));
}

static void add_stroke(const writer *w, const cni_mark *mark)
{
    if (mark->stroke == CNI_INK_NONE) return;
    add_paint(w, "stroke", mark->stroke);
    if (mark->width < 1 || mark->width > 1) add_attribute(w, "stroke-width", mark->width);
    if (mark->flags & CNI_MARK_DASHED) cni_text_add(w->out, " stroke-dasharray=\"4 3\"");
    if (mark->flags & CNI_MARK_DOTTED) cni_text_add(w->out, " stroke-dasharray=\"1 3\"");
}

static void add_fill(const writer *w, const cni_mark *mark)
{
    add_paint(w, "fill", mark->fill);
    if (mark->opacity < 1) add_attribute(w, "fill-opacity", mark->opacity);
}

/* ---- marks ---- */

/* Lines that rise to the right, 6 dots apart, cut at the rectangle. */
static void add_hatch(const writer *w, const cni_mark *m)
{
    const double step = 6;
    cni_text_add(w->out, "<path d=\"");
    for (double c = step; c < m->w + m->h; c += step) {
        const double x0 = fmax(0, c - m->h), x1 = fmin(m->w, c);
        cni_text_char(w->out, 'M');
        add_number(w->out, m->x + x0);
        cni_text_char(w->out, ' ');
        add_number(w->out, m->y + (c - x0));
        cni_text_char(w->out, 'L');
        add_number(w->out, m->x + x1);
        cni_text_char(w->out, ' ');
        add_number(w->out, m->y + (c - x1));
    }
    cni_text_add(w->out, "\" fill=\"none\"");
    add_paint(w, "stroke", m->stroke);
    cni_text_add(w->out, "/>\n");
}

static void add_rect(const writer *w, const cni_mark *mark)
{
    cni_text_add(w->out, "<rect");
    add_attribute(w, "x", mark->x);
    add_attribute(w, "y", mark->y);
    add_attribute(w, "width", mark->w);
    add_attribute(w, "height", mark->h);
    add_fill(w, mark);
    add_stroke(w, mark);
    cni_text_add(w->out, "/>\n");
    if (mark->flags & CNI_MARK_HATCHED) add_hatch(w, mark);
}

static void add_ellipse(const writer *w, const cni_mark *mark)
{
    cni_text_add(w->out, "<ellipse");
    add_attribute(w, "cx", mark->x);
    add_attribute(w, "cy", mark->y);
    add_attribute(w, "rx", mark->w);
    add_attribute(w, "ry", mark->h);
    add_fill(w, mark);
    add_stroke(w, mark);
    cni_text_add(w->out, "/>\n");
}

static void add_point(const writer *w, double x, double y)
{
    add_number(w->out, x);
    cni_text_char(w->out, ',');
    add_number(w->out, y);
}

static void add_head(const writer *w, const cni_mark *m)
{
    const double length = hypot(m->w - m->x, m->h - m->y), size = 5 + m->width;
    if (!(length > 0)) return;
    const double ux = (m->w - m->x) / length, uy = (m->h - m->y) / length;
    cni_text_add(w->out, "<polygon points=\"");
    add_point(w, m->w, m->h);
    cni_text_char(w->out, ' ');
    add_point(w, m->w - size * ux - size / 2 * uy, m->h - size * uy + size / 2 * ux);
    cni_text_char(w->out, ' ');
    add_point(w, m->w - size * ux + size / 2 * uy, m->h - size * uy - size / 2 * ux);
    cni_text_char(w->out, '"');
    add_paint(w, "fill", m->stroke);
    cni_text_add(w->out, "/>\n");
}

static void add_line(const writer *w, const cni_mark *mark)
{
    cni_text_add(w->out, "<line");
    add_attribute(w, "x1", mark->x);
    add_attribute(w, "y1", mark->y);
    add_attribute(w, "x2", mark->w);
    add_attribute(w, "y2", mark->h);
    add_stroke(w, mark);
    cni_text_add(w->out, "/>\n");
    if (mark->flags & CNI_MARK_ARROW) add_head(w, mark);
}

static void add_text(const writer *w, const cni_mark *mark)
{
    cni_text_add(w->out, "<text");
    add_attribute(w, "x", mark->x);
    add_attribute(w, "y", mark->y);
    add_attribute(w, "font-size", mark->size);
    if (mark->anchor > 0) cni_text_printf(w->out, " text-anchor=\"%s\"", mark->anchor < 1 ? "middle" : "end");
    if (mark->flags & CNI_MARK_BOLD) cni_text_add(w->out, " font-weight=\"bold\"");
    if (mark->flags & CNI_MARK_MONO) cni_text_add(w->out, " font-family=\"monospace\"");
    if (mark->flags & CNI_MARK_UPRIGHT) {
        cni_text_add(w->out, " transform=\"rotate(-90 ");
        add_point(w, mark->x, mark->y);
        cni_text_add(w->out, ")\"");
    }
    add_paint(w, "fill", mark->fill);
    cni_text_char(w->out, '>');
    cni_markup_text(w->out, mark->text ? mark->text : "");
    cni_text_add(w->out, "</text>\n");
}

static void add_base64(cni_text *out, cni_bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size; i += 3) {
        const size_t left = bytes.size - i;
        const uint32_t three = (uint32_t)bytes.data[i] << 16 | (left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0) |
                               (left > 2 ? bytes.data[i + 2] : 0);
        cni_text_char(out, digits[three >> 18]);
        cni_text_char(out, digits[three >> 12 & 63]);
        cni_text_char(out, left > 1 ? digits[three >> 6 & 63] : '=');
        cni_text_char(out, left > 2 ? digits[three & 63] : '=');
    }
}

static void add_image(const writer *w, const cni_mark *mark)
{
    cni_buffer png = {0};
    const cni_image image = {mark->rows, mark->columns, mark->channels, (uint8_t *)(uintptr_t)mark->pixels};
    if (cni_png_write(&png, &image, NULL)) {
        w->out->failed = true;
    } else {
        cni_text_add(w->out, "<image");
        add_attribute(w, "x", mark->x);
        add_attribute(w, "y", mark->y);
        add_attribute(w, "width", mark->w);
        add_attribute(w, "height", mark->h);
        if (mark->w >= mark->columns) cni_text_add(w->out, " style=\"image-rendering:pixelated\"");
        cni_text_add(w->out, " preserveAspectRatio=\"none\" href=\"data:image/png;base64,");
        add_base64(w->out, cni_buffer_bytes(&png));
        cni_text_add(w->out, "\"/>\n");
    }
    cni_buffer_free(&png);
}

static void add_mark(const writer *w, const cni_mark *mark)
{
    static void (*const adders[])(const writer *, const cni_mark *) = {
        [CNI_MARK_RECT] = add_rect, [CNI_MARK_ELLIPSE] = add_ellipse, [CNI_MARK_LINE] = add_line,
        [CNI_MARK_TEXT] = add_text, [CNI_MARK_IMAGE] = add_image,
    };
    adders[mark->type](w, mark);
}

/* ---- documents ---- */

static void add_scene(const writer *w)
{
    const cni_scene *scene = w->scene;
    cni_text *out = w->out;
    cni_text_add(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
    add_number(out, scene->width);
    cni_text_char(out, ' ');
    add_number(out, scene->height);
    cni_text_char(out, '"');
    add_attribute(w, "width", scene->width);
    add_attribute(w, "height", scene->height);
    cni_text_add(out, " role=\"img\" font-family=\"sans-serif\" aria-label=\"");
    cni_markup_text(out, scene->caption);
    cni_text_add(out, "\">\n<title>");
    cni_markup_text(out, scene->title);
    cni_text_add(out, "</title>\n<desc>");
    cni_markup_text(out, scene->caption);
    cni_text_add(out, "</desc>\n");
    add_rect(w, &(cni_mark){.w = scene->width, .h = scene->height, .fill = CNI_INK_PAPER, .opacity = 1});
    for (int i = 0; i < scene->count; i++) add_mark(w, scene->marks + i);
    cni_text_add(out, "</svg>\n");
    out->failed |= scene->failed;
}

void cni_scene_svg(cni_text *out, const cni_scene *scene, cni_scene_theme theme)
{
    cni_text_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    add_scene(&(writer){out, scene, theme, false});
}

void cni_scene_inline(cni_text *out, const cni_scene *scene)
{
    add_scene(&(writer){out, scene, CNI_THEME_LIGHT, true});
}

static void add_inks(cni_text *out, cni_scene_theme theme)
{
    for (int i = CNI_INK_NONE + 1; i < CNI_INKS; i++)
        cni_text_printf(out, "--%s:#%06X;", cni_scene_ink_name((cni_scene_ink)i),
                        (unsigned)cni_scene_colour((cni_scene_ink)i, theme));
}

void cni_scene_style(cni_text *out)
{
    cni_text_add(out, ":root{color-scheme:light dark;");
    add_inks(out, CNI_THEME_LIGHT);
    cni_text_add(out, "}\n@media (prefers-color-scheme:dark){:root{");
    add_inks(out, CNI_THEME_DARK);
    cni_text_add(out, "}}\n");
}
