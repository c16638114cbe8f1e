/* SPDX-License-Identifier: Apache-2.0
 * The drawing module: charts of curves.  Two panels stand side by side, further ones below them.
 *
 *     legend, in as many rows as it needs
 *   l |
 *   o |   curves
 *   s |
 *   s +--------------
 *          epoch */
#include "explain/draw/canvas.h"
#include "explain/draw/draw_scene.h"
#include "explain/draw/ticks.h"

#include <cornu/status.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PANEL_WIDTH = 540, PANEL_HEIGHT = 360, LEFT = 80, RIGHT = 20, TOP = 16, BOTTOM = 52 };
enum { LEGEND_ROW = 19, LEGEND_LINE = 26, MARKED_POINTS = 40 };
static const double text_size = 12, label_size = 13;

typedef struct frame {
    cni_canvas *canvas;
    const cni_panel *panel;
    double x, y, width, height; /* of the curves' field */
    cni_axis across, up;
} frame;

/* ---- ranges ---- */

static bool find_range(const cni_panel *panel, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < panel->count; i++)
        for (int j = 0; j < panel->series[i].count; j++) {
            double y = panel->series[i].y[j];
            if (!isfinite(y)) continue;
            *low = fmin(*low, y);
            *high = fmax(*high, y);
        }
    return *low <= *high;
}

static void find_epochs(const cni_panel *panel, double *first, double *last)
{
    *first = INFINITY;
    *last = -INFINITY;
    for (int i = 0; i < panel->count; i++)
        for (int j = 0; j < panel->series[i].count; j++) {
            *first = fmin(*first, panel->series[i].x[j]);
            *last = fmax(*last, panel->series[i].x[j]);
        }
    if (*first > *last) *first = *last = 1;
}

static double x_of(const frame *f, double value)
{
    return f->x + f->width * cni_axis_place(&f->across, value);
}

static double y_of(const frame *f, double value)
{
    return f->y + f->height * (1 - cni_axis_place(&f->up, value));
}

/* ---- axes ---- */

static void draw_axes(const frame *f, const char *x_label)
{
    double bottom = f->y + f->height;
    for (int i = 0; i < f->up.count; i++) {
        double y = y_of(f, f->up.ticks[i]);
        cni_line(f->canvas, f->x, y, f->x + f->width, y, 1, cni_ink_grid);
        cni_text_at(f->canvas, f->up.texts[i], f->x - 8, y + 4, text_size, 1, cni_ink_quiet);
    }
    for (int i = 0; i < f->across.count; i++) {
        double x = x_of(f, f->across.ticks[i]);
        cni_line(f->canvas, x, bottom, x, bottom + 4, 1, cni_ink_line);
        cni_text_at(f->canvas, f->across.texts[i], x, bottom + 18, text_size, 0.5, cni_ink_quiet);
    }
    cni_line(f->canvas, f->x, bottom, f->x + f->width, bottom, 1, cni_ink_line);
    cni_text_at(f->canvas, x_label, f->x + f->width / 2, bottom + 38, label_size, 0.5, cni_ink_text);
    char label[96];
    snprintf(label, sizeof label, "%s%s", f->panel->label, f->up.logarithmic ? " (logarithmic)" : "");
    cni_text_upright(f->canvas, label, f->x - LEFT + 24, f->y + f->height / 2, label_size, cni_ink_text);
}

/* ---- curves ---- */

static bool is_shown(const frame *f, double y)
{
    return isfinite(y) && (!f->up.logarithmic || y > 0);
}

static void set_dashes(const frame *f, const cni_series *series)
{
    static const double dashes[] = {6, 4};
    cairo_set_dash(f->canvas->cairo, dashes, series->dashed ? 2 : 0, 0);
}

static void draw_curve(const frame *f, const cni_series *series)
{
    cairo_t *cairo = f->canvas->cairo;
    bool pen_down = false;
    cni_ink_use(f->canvas, cni_ink_of(series->colour));
    cairo_set_line_width(cairo, 2);
    set_dashes(f, series);
    for (int i = 0; i < series->count; i++) {
        bool shown = is_shown(f, series->y[i]);
        if (shown && pen_down) cairo_line_to(cairo, x_of(f, series->x[i]), y_of(f, series->y[i]));
        if (shown && !pen_down) cairo_move_to(cairo, x_of(f, series->x[i]), y_of(f, series->y[i]));
        pen_down = shown;
    }
    cairo_stroke(cairo);
    cairo_set_dash(cairo, NULL, 0, 0);
}

/* A point alone is a mark; many points would hide the curve. */
static void draw_marks(const frame *f, const cni_series *series)
{
    cni_ink ink = cni_ink_of(series->colour);
    for (int i = 0; i < series->count; i++) {
        bool alone =
            (i == 0 || !is_shown(f, series->y[i - 1])) && (i + 1 == series->count || !is_shown(f, series->y[i + 1]));
        if (is_shown(f, series->y[i]) && (alone || series->count <= MARKED_POINTS))
            cni_point_mark(f->canvas, x_of(f, series->x[i]), y_of(f, series->y[i]), series->second, ink);
    }
    if (series->best >= 0) cni_ring(f->canvas, x_of(f, series->x[series->best]), y_of(f, series->y[series->best]), ink);
}

/* ---- legend ---- */

static double entry_width(const frame *f, const cni_series *series)
{
    return LEGEND_LINE + 7 + cni_text_width(f->canvas, series->name, text_size) + 6 +
           cni_text_width(f->canvas, series->note, text_size) + 18;
}

static void draw_entry(const frame *f, const cni_series *series, double x, double y)
{
    cni_ink ink = cni_ink_of(series->colour);
    set_dashes(f, series);
    cni_line(f->canvas, x, y, x + LEGEND_LINE, y, 2, ink);
    cairo_set_dash(f->canvas->cairo, NULL, 0, 0);
    cni_point_mark(f->canvas, x + LEGEND_LINE / 2.0, y, series->second, ink);
    double text = x + LEGEND_LINE + 7;
    cni_text_at(f->canvas, series->name, text, y + 4, text_size, 0, cni_ink_text);
    text += cni_text_width(f->canvas, series->name, text_size) + 6;
    cni_text_at(f->canvas, series->note, text, y + 4, text_size, 0, cni_ink_quiet);
}

/* Rows of the legend; draws them when asked to. */
static int legend(const frame *f, double top, bool draw)
{
    double x = f->x;
    int row = 0;
    for (int i = 0; i < f->panel->count; i++) {
        double width = entry_width(f, f->panel->series + i);
        if (x > f->x && x + width > f->x + f->width + 18) {
            x = f->x;
            row++;
        }
        if (draw) draw_entry(f, f->panel->series + i, x, top + LEGEND_ROW * (row + 0.5));
        x += width;
    }
    return row + 1;
}

/* ---- all ---- */

static void draw_panel(cni_canvas *canvas, const cni_panel *panel, const char *x_label, double x, double y, int rows)
{
    frame f = {.canvas = canvas, .panel = panel, .x = x + LEFT, .width = PANEL_WIDTH - LEFT - RIGHT};
    double low, high, first, last;
    f.y = y + TOP + LEGEND_ROW * rows + 10;
    f.height = y + PANEL_HEIGHT + LEGEND_ROW * (rows - 1) - BOTTOM - f.y;
    bool finite = find_range(panel, &low, &high);
    find_epochs(panel, &first, &last);
    f.across = cni_axis_of_numbers(first, last, 10);
    f.up = cni_axis_of_values(finite ? low : 0, finite ? high : 1, 6);
    legend(&f, f.y - 10 - LEGEND_ROW * legend(&f, 0, false), true);
    draw_axes(&f, x_label);
    for (int i = 0; i < panel->count; i++) draw_curve(&f, panel->series + i);
    for (int i = 0; i < panel->count; i++) draw_marks(&f, panel->series + i);
    if (!finite)
        cni_text_at(canvas, "no finite values", f.x + f.width / 2, f.y + f.height / 2, label_size, 0.5, cni_ink_quiet);
}

static int legend_rows(cni_canvas *canvas, const cni_chart *chart)
{
    int most = 1;
    for (int i = 0; i < chart->count; i++) {
        frame f = {.canvas = canvas, .panel = chart->panels + i, .width = PANEL_WIDTH - LEFT - RIGHT};
        int rows = legend(&f, 0, false);
        if (rows > most) most = rows;
    }
    return most;
}

static const char *draw_panels(cni_canvas *canvas, const cni_chart *chart, int rows)
{
    int columns = chart->count > 1 ? 2 : 1, lines = (chart->count + 1) / 2;
    double height = PANEL_HEIGHT + LEGEND_ROW * (rows - 1);
    if (cni_canvas_open(canvas, PANEL_WIDTH * columns, height * lines))
        for (int i = 0; i < chart->count; i++)
            draw_panel(canvas, chart->panels + i, chart->x_label, PANEL_WIDTH * (i % 2), height * (i / 2), rows);
    return cni_canvas_close(canvas);
}

/* How many rows the legends take is known only once text can be measured: on a page that nobody sees. */
static bool ignore(void *user, const void *bytes, size_t size)
{
    (void)user, (void)bytes, (void)size;
    return true;
}

static cn_status draw_chart(const cni_chart *chart, cni_picture_format format, cni_picture_sink *sink, void *user,
                            char *message, size_t message_size)
{
    cni_canvas trial = {.format = CNI_PICTURE_SVG, .sink = ignore};
    int rows = cni_canvas_open(&trial, 1, 1) ? legend_rows(&trial, chart) : 1;
    cni_canvas_close(&trial);
    cni_canvas canvas = {.format = format, .sink = sink, .user = user};
    const char *problem = draw_panels(&canvas, chart, rows);
    if (!problem) return CN_OK;
    snprintf(message, message_size, "%s", problem);
    return CN_ERR_MEMORY;
}

extern const cni_drawing cn_drawing;
CN_API const cni_drawing cn_drawing = {.version = CNI_DRAWING_VERSION, .chart = draw_chart, .scene = cni_draw_scene};
