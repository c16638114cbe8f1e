/* SPDX-License-Identifier: Apache-2.0
 * D1: the window walks over the padded input; the outputs that it gives stand beside it. */
#include "explain/pictures/scenes.h"

#include <inttypes.h>

static const double cell_size = 22;

typedef struct walk {
    cni_scene *scene;
    const cni_axis *rows, *columns;
    cni_axis one; /* the rows of a map that has none */
    cni_track input_rows, input_columns, output_rows, output_columns;
} walk;

static bool fits(const cni_sitting *sitting)
{
    const cni_explained *node = sitting->node;
    if (node->view.type != CNI_VIEW_WINDOW || node->view.spatial < 1) return false;
    const cni_axis *rows = cni_rows_of(node), *columns = cni_columns_of_map(node);
    return columns->o > 0 && (!rows || rows->o > 0);
}

/* Cells that windows of an axis can meet: padding, pixels, padding, and what hangs over in ceil mode. */
static int64_t last_cell(const cni_axis *a)
{
    const int64_t hang = a->rest < 0 ? -a->rest : 0;
    return a->n - 1 + a->after + hang;
}

static cni_track input_track(const cni_axis *a, double start)
{
    int64_t corner = a->extent + a->s > 9 ? a->extent + a->s : 9;
    if (corner > 14) corner = 14;
    return cni_track_of(-a->before, last_cell(a), 24, (int)corner, start, cell_size);
}

static walk begin(const cni_explained *node)
{
    walk w = {.rows = cni_rows_of(node), .columns = cni_columns_of_map(node)};
    w.one = (cni_axis){.n = 1, .k = 1, .s = 1, .d = 1, .extent = 1, .o = 1, .live = 1};
    return w;
}

static const cni_axis *rows_of(const walk *w)
{
    return w->rows ? w->rows : &w->one;
}

static void place_tracks(walk *w)
{
    const double top = CNI_SCENE_TOP + 22, left = CNI_SCENE_LEFT + 30;
    w->input_rows = input_track(rows_of(w), top);
    w->input_columns = input_track(w->columns, left);
    const double right = cni_track_end(&w->input_columns) + 84;
    w->output_rows = cni_track_of(0, rows_of(w)->o - 1, 24, 9, top, cell_size);
    w->output_columns = cni_track_of(0, w->columns->o - 1, 24, 9, right, cell_size);
}

/* ---- the input ---- */

static bool is_padding(const cni_axis *a, int64_t i)
{
    return i < 0 || i >= a->n;
}

static bool is_reached(const cni_axis *a, int64_t i)
{
    return i < a->n + a->after_used;
}

static bool is_read(const cni_axis *a, int64_t i)
{
    for (int64_t t = 0; t < a->k; t++) {
        const int64_t from = i + a->before - t * a->d;
        if (from >= 0 && from % a->s == 0 && from / a->s < a->o) return true;
    }
    return false;
}

static void draw_cell(const walk *w, int64_t y, int64_t x, double top, double left, const char *filler)
{
    const cni_axis *rows = rows_of(w), *columns = w->columns;
    cni_scene *scene = w->scene;
    if (!is_padding(rows, y) && !is_padding(columns, x)) {
        const bool read = is_read(rows, y) && is_read(columns, x);
        cni_scene_rect(scene, left, top, cell_size, cell_size, read ? CNI_INK_INPUT : CNI_INK_UNREAD,
                       read ? CNI_INK_INPUT_EDGE : CNI_INK_UNREAD_EDGE, read ? 0 : CNI_MARK_HATCHED);
        return;
    }
    const bool reached = is_reached(rows, y) && is_reached(columns, x);
    cni_scene_rect(scene, left, top, cell_size, cell_size, reached ? CNI_INK_PADDING : CNI_INK_PAPER,
                   CNI_INK_PADDING_EDGE, CNI_MARK_DASHED);
    if (reached)
        cni_scene_text(scene, left + cell_size / 2, top + cell_size / 2 + 4, filler[1] ? 8 : 10, 0.5, CNI_INK_QUIET, 0,
                       "%s", filler);
}

static void draw_indices(const walk *w, const cni_track *rows, const cni_track *columns)
{
    double at;
    for (int i = 0; i < cni_track_count(columns); i++) {
        const int64_t cell = cni_track_cell(columns, i);
        cni_track_place(columns, cell, &at);
        cni_scene_text(w->scene, at + cell_size / 2, rows->start - 6, 9.5, 0.5, CNI_INK_QUIET, 0, "%" PRId64, cell);
    }
    for (int i = 0; i < cni_track_count(rows); i++) {
        const int64_t cell = cni_track_cell(rows, i);
        cni_track_place(rows, cell, &at);
        cni_scene_text(w->scene, columns->start - 6, at + cell_size / 2 + 3.5, 9.5, 1, CNI_INK_QUIET, 0, "%" PRId64,
                       cell);
    }
}

static void draw_gaps(const walk *w, const cni_track *rows, const cni_track *columns)
{
    const double middle = columns->start + cell_size * columns->head + columns->gap / 2;
    const double half = rows->start + cell_size * rows->head + rows->gap / 2;
    for (int i = 0; columns->tail && i < cni_track_count(rows); i += 4) {
        double at;
        cni_track_place(rows, cni_track_cell(rows, i), &at);
        cni_scene_text(w->scene, middle, at + cell_size / 2 + 4, 13, 0.5, CNI_INK_QUIET, 0, "...");
    }
    for (int i = 0; rows->tail && i < cni_track_count(columns); i += 4) {
        double at;
        cni_track_place(columns, cni_track_cell(columns, i), &at);
        cni_scene_text(w->scene, at + cell_size / 2 + 4, half, 13, 0.5, CNI_INK_QUIET, CNI_MARK_UPRIGHT, "...");
    }
}

static void draw_input(const walk *w, const cni_explained *node)
{
    const bool maximum = node->layer->kind && (node->layer->kind->traits & CNI_IS_MAX_POOL);
    for (int i = 0; i < cni_track_count(&w->input_rows); i++)
        for (int j = 0; j < cni_track_count(&w->input_columns); j++) {
            const int64_t y = cni_track_cell(&w->input_rows, i), x = cni_track_cell(&w->input_columns, j);
            double top, left;
            cni_track_place(&w->input_rows, y, &top);
            cni_track_place(&w->input_columns, x, &left);
            draw_cell(w, y, x, top, left, maximum ? "-inf" : "0");
        }
    draw_indices(w, &w->input_rows, &w->input_columns);
    draw_gaps(w, &w->input_rows, &w->input_columns);
}

/* ---- windows and outputs ---- */

static void draw_taps(const walk *w, int64_t y0, int64_t x0)
{
    const cni_axis *rows = rows_of(w), *columns = w->columns;
    for (int64_t t = 0; t < rows->k; t++)
        for (int64_t u = 0; u < columns->k; u++) {
            double top, left;
            if (!cni_track_place(&w->input_rows, y0 + t * rows->d, &top) ||
                !cni_track_place(&w->input_columns, x0 + u * columns->d, &left))
                continue;
            cni_mark *mark = cni_scene_rect(w->scene, left + 1, top + 1, cell_size - 2, cell_size - 2, CNI_INK_WINDOW,
                                            CNI_INK_NONE, 0);
            if (mark) mark->opacity = 0.55;
        }
}

static void draw_window(const walk *w, int64_t y, int64_t x, char letter, bool first)
{
    const cni_axis *rows = rows_of(w), *columns = w->columns;
    const int64_t y0 = y * rows->s - rows->before, x0 = x * columns->s - columns->before;
    double top, bottom, left, right;
    if (!cni_track_span(&w->input_rows, y0, y0 + rows->extent - 1, &top, &bottom) ||
        !cni_track_span(&w->input_columns, x0, x0 + columns->extent - 1, &left, &right))
        return;
    if (first) draw_taps(w, y0, x0);
    cni_mark *mark = cni_scene_rect(w->scene, left + 1, top + 1, right - left - 2, bottom - top - 2, CNI_INK_NONE,
                                    CNI_INK_WINDOW, first ? 0 : CNI_MARK_DASHED);
    if (mark) mark->width = first ? 3 : 2;
    cni_scene_rect(w->scene, right - 15, bottom - 15, 14, 14, CNI_INK_WINDOW, CNI_INK_NONE, 0);
    cni_scene_text(w->scene, right - 8, bottom - 4.5, 10.5, 0.5, CNI_INK_ON_WINDOW, CNI_MARK_BOLD, "%c", letter);
}

static void draw_output(const walk *w)
{
    for (int i = 0; i < cni_track_count(&w->output_rows); i++)
        for (int j = 0; j < cni_track_count(&w->output_columns); j++) {
            double top, left;
            cni_track_place(&w->output_rows, cni_track_cell(&w->output_rows, i), &top);
            cni_track_place(&w->output_columns, cni_track_cell(&w->output_columns, j), &left);
            cni_scene_rect(w->scene, left, top, cell_size, cell_size, CNI_INK_OUTPUT, CNI_INK_OUTPUT_EDGE, 0);
        }
    draw_indices(w, &w->output_rows, &w->output_columns);
    draw_gaps(w, &w->output_rows, &w->output_columns);
}

static void mark_output(const walk *w, int64_t y, int64_t x, char letter)
{
    double top, left;
    if (!cni_track_place(&w->output_rows, y, &top) || !cni_track_place(&w->output_columns, x, &left)) return;
    cni_scene_rect(w->scene, left + 3, top + 3, cell_size - 6, cell_size - 6, CNI_INK_WINDOW, CNI_INK_NONE, 0);
    cni_scene_text(w->scene, left + cell_size / 2, top + cell_size / 2 + 4, 10.5, 0.5, CNI_INK_ON_WINDOW, CNI_MARK_BOLD,
                   "%c", letter);
}

static void draw_walk(const walk *w)
{
    const int64_t last_y = rows_of(w)->o - 1, last_x = w->columns->o - 1;
    const struct {
        int64_t y, x;
        bool there;
    } steps[] = {{0, 0, true}, {0, 1, last_x > 0}, {1, 0, last_y > 0}, {last_y, last_x, last_y > 1 || last_x > 1}};
    for (int i = 3; i >= 0; i--)
        if (steps[i].there) draw_window(w, steps[i].y, steps[i].x, (char)('A' + i), i == 0);
    draw_output(w);
    for (int i = 0; i < 4; i++)
        if (steps[i].there) mark_output(w, steps[i].y, steps[i].x, (char)('A' + i));
}

static void draw_step(const walk *w, double y)
{
    double from, to;
    const cni_axis *a = w->columns;
    if (a->o < 2 || !cni_track_place(&w->input_columns, -a->before, &from) ||
        !cni_track_place(&w->input_columns, a->s - a->before, &to))
        return;
    cni_scene_line(w->scene, from, y, to, y, 2, CNI_INK_WINDOW, CNI_MARK_ARROW);
    cni_scene_text(w->scene, to + 8, y + 4, 11, 0, CNI_INK_QUIET, 0, "step %" PRId64, a->s);
}

static void draw_legend(const walk *w, double y)
{
    const cni_axis *rows = rows_of(w), *columns = w->columns;
    double x = cni_scene_legend(w->scene, CNI_SCENE_LEFT, y, CNI_INK_INPUT, CNI_INK_INPUT_EDGE, 0, "pixel");
    if (rows->before || rows->after || columns->before || columns->after)
        x = cni_scene_legend(w->scene, x, y, CNI_INK_PADDING, CNI_INK_PADDING_EDGE, CNI_MARK_DASHED, "padding");
    if (rows->after_used < rows->after || columns->after_used < columns->after)
        x = cni_scene_legend(w->scene, x, y, CNI_INK_PAPER, CNI_INK_PADDING_EDGE, CNI_MARK_DASHED,
                             "padding never reached");
    if (rows->unread > 0 || columns->unread > 0)
        x = cni_scene_legend(w->scene, x, y, CNI_INK_UNREAD, CNI_INK_UNREAD_EDGE, CNI_MARK_HATCHED, "never read");
    x = cni_scene_legend(w->scene, x, y, CNI_INK_WINDOW, CNI_INK_WINDOW, 0, "window");
    cni_scene_legend(w->scene, x, y, CNI_INK_OUTPUT, CNI_INK_OUTPUT_EDGE, 0, "output");
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static cni_scene *draw(const cni_sitting *sitting)
{
    const cni_explained *node = sitting->node;
    walk w = begin(node);
    place_tracks(&w);
    const double bottom = larger(cni_track_end(&w.input_rows), cni_track_end(&w.output_rows));
    const double right = larger(cni_track_end(&w.output_columns), 560);
    w.scene = cni_scene_of(sitting, &cni_picture_window, right + CNI_SCENE_LEFT, bottom - CNI_SCENE_TOP + 66);
    if (!w.scene) return NULL;
    const cni_axis *rows = rows_of(&w), *columns = w.columns;
    cni_scene_caption(w.scene,
                      "A %" PRId64 "x%" PRId64 " window goes over %" PRId64 "x%" PRId64 " pixels in steps of %" PRId64
                      "; padding top %" PRId64 ", bottom %" PRId64 ", left %" PRId64 ", right %" PRId64
                      "; the output has %" PRId64 "x%" PRId64 " positions.",
                      rows->k, columns->k, rows->n, columns->n, columns->s, rows->before, rows->after, columns->before,
                      columns->after, rows->o, columns->o);
    draw_input(&w, node);
    draw_walk(&w);
    const double middle = (w.input_rows.start + cni_track_end(&w.input_rows)) / 2;
    cni_scene_line(w.scene, cni_track_end(&w.input_columns) + 14, middle, w.output_columns.start - 34, middle, 2,
                   CNI_INK_LINE, CNI_MARK_ARROW);
    draw_step(&w, bottom + 16);
    draw_legend(&w, bottom + 46);
    return w.scene;
}

const cni_picture cni_picture_window = {
    .id = "D1",
    .name = "window",
    .what = "the window walks over the padded input",
    .of_layer = true,
    .fits = fits,
    .draw = draw,
};
