/* SPDX-License-Identifier: Apache-2.0
 * D2: one axis as a ruler, windows as brackets, reads as bars.  D3: how often each pixel is read. */
#include "explain/pictures/scenes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const double cell_size = 22;

static bool fits(const cni_sitting *sitting)
{
    const cni_explained *node = sitting->node;
    if (node->view.type != CNI_VIEW_WINDOW || node->view.spatial < 1) return false;
    for (int i = 0; i < node->view.spatial; i++)
        if (node->axis[i].o < 1 || node->axis[i].n > 65536) return false;
    return cni_columns_of_map(node)->k > 1 || cni_columns_of_map(node)->s > 1;
}

static int32_t *reads_of(const cni_axis *axis, cni_arena *arena)
{
    int32_t *reads = CNI_NEW_ARRAY(arena, int32_t, (size_t)axis->n);
    if (reads) cni_axis_reads(axis, reads);
    return reads;
}

static bool same_axes(const cni_axis *a, const cni_axis *b)
{
    return a->n == b->n && a->k == b->k && a->s == b->s && a->d == b->d && a->before == b->before &&
           a->after == b->after && a->o == b->o;
}

/* ---- D2 ---- */

static void draw_cells(cni_scene *scene, const cni_track *track, const cni_axis *a, const int32_t *reads, double y)
{
    for (int i = 0; i < cni_track_count(track); i++) {
        const int64_t cell = cni_track_cell(track, i);
        double x;
        cni_track_place(track, cell, &x);
        const bool pixel = cell >= 0 && cell < a->n, unread = pixel && !reads[cell];
        const bool reached = cell < a->n + a->after_used;
        cni_scene_rect(scene, x, y, cell_size, cell_size,
                       unread    ? CNI_INK_UNREAD
                       : pixel   ? CNI_INK_INPUT
                       : reached ? CNI_INK_PADDING
                                 : CNI_INK_PAPER,
                       unread  ? CNI_INK_UNREAD_EDGE
                       : pixel ? CNI_INK_INPUT_EDGE
                               : CNI_INK_PADDING_EDGE,
                       unread  ? CNI_MARK_HATCHED
                       : pixel ? 0
                               : CNI_MARK_DASHED);
        cni_scene_text(scene, x + cell_size / 2, y + cell_size / 2 + 3.5, 9.5, 0.5, CNI_INK_TEXT, 0, "%" PRId64, cell);
    }
}

static void draw_bracket(cni_scene *scene, const cni_track *track, const cni_axis *a, int64_t output, double y)
{
    const int64_t from = output * a->s - a->before;
    double begin, end;
    if (!cni_track_span(track, from, from + a->extent - 1, &begin, &end)) return;
    cni_scene_line(scene, begin + 2, y, end - 2, y, 2, CNI_INK_WINDOW, 0);
    cni_scene_line(scene, begin + 2, y, begin + 2, y - 5, 2, CNI_INK_WINDOW, 0);
    cni_scene_line(scene, end - 2, y, end - 2, y - 5, 2, CNI_INK_WINDOW, 0);
    for (int64_t t = 0; t < a->k; t++) {
        double x;
        if (cni_track_place(track, from + t * a->d, &x))
            cni_scene_ellipse(scene, x + cell_size / 2, y, 3, 3, CNI_INK_WINDOW, CNI_INK_NONE, 0);
    }
    cni_scene_text(scene, end + 5, y + 3.5, 10, 0, CNI_INK_QUIET, 0, "out %" PRId64, output);
}

static double draw_brackets(cni_scene *scene, const cni_track *track, const cni_axis *a, double y)
{
    const int64_t outputs[] = {0, 1, 2, a->o - 2, a->o - 1};
    for (int i = 0; i < 5; i++) {
        if (outputs[i] >= a->o || outputs[i] < 0 || (i > 2 && outputs[i] <= 2)) continue;
        draw_bracket(scene, track, a, outputs[i], y);
        y += 17;
    }
    return y;
}

static double draw_bars(cni_scene *scene, const cni_track *track, const cni_axis *a, const int32_t *reads, double y)
{
    const double height = 36;
    int32_t most = 1;
    for (int64_t i = 0; i < a->n; i++)
        if (reads[i] > most) most = reads[i];
    for (int i = 0; i < cni_track_count(track); i++) {
        const int64_t cell = cni_track_cell(track, i);
        double x;
        if (cell < 0 || cell >= a->n || !cni_track_place(track, cell, &x)) continue;
        const double bar = height * reads[cell] / most;
        cni_scene_rect(scene, x + 4, y + height - bar, cell_size - 8, bar, CNI_INK_FIELD, CNI_INK_NONE, 0);
        cni_scene_text(scene, x + cell_size / 2, y + height + 12, 9.5, 0.5, CNI_INK_TEXT, 0, "%d", (int)reads[cell]);
    }
    cni_scene_text(scene, track->start - 8, y + height + 12, 10, 1, CNI_INK_QUIET, 0, "reads");
    return y + height + 26;
}

static void draw_ruler_axis(cni_scene *scene, const cni_axis *a, const char *name, double y, const int32_t *reads)
{
    const int64_t hang = a->rest < 0 ? -a->rest : 0;
    const cni_track track =
        cni_track_of(-a->before, a->n - 1 + a->after + hang, 40, 16, CNI_SCENE_LEFT + 52, cell_size);
    cni_scene_text(scene, track.start - 8, y + cell_size / 2 + 4, 11, 1, CNI_INK_TEXT, CNI_MARK_BOLD, "%s", name);
    draw_cells(scene, &track, a, reads, y);
    if (track.tail)
        cni_scene_text(scene, track.start + cell_size * track.head + track.gap / 2, y + 14, 13, 0.5, CNI_INK_QUIET, 0,
                       "...");
    const double below = draw_brackets(scene, &track, a, y + cell_size + 14);
    draw_bars(scene, &track, a, reads, below - 4);
}

static double ruler_width(const cni_axis *a)
{
    const cni_track track = cni_track_of(-a->before, a->n - 1 + a->after, 40, 16, CNI_SCENE_LEFT + 52, cell_size);
    return cni_track_end(&track) + 70;
}

static cni_scene *draw_ruler(const cni_sitting *sitting)
{
    const cni_explained *node = sitting->node;
    const cni_axis *rows = cni_rows_of(node), *columns = cni_columns_of_map(node);
    const bool both = rows && !same_axes(rows, columns);
    const double each = 190, wide = ruler_width(columns), high = both ? ruler_width(rows) : 0;
    cni_scene *scene = cni_scene_of(sitting, &cni_picture_ruler, wide > high ? wide : high, each * (both ? 2 : 1) + 6);
    if (!scene) return NULL;
    cni_scene_caption(scene,
                      "One axis: %" PRId64 " pixels, window %" PRId64 " (extent %" PRId64 "), step %" PRId64
                      ", padding %" PRId64 " before and %" PRId64 " behind, of which %" PRId64 " is used; %" PRId64
                      " outputs; pixels that are never read: %" PRId64 ".",
                      columns->n, columns->k, columns->extent, columns->s, columns->before, columns->after,
                      columns->after_used, columns->o, columns->unread);
    int32_t *across = reads_of(columns, sitting->arena), *down = both ? reads_of(rows, sitting->arena) : across;
    if (!across || !down) return NULL;
    const double y = CNI_SCENE_TOP + 14;
    draw_ruler_axis(scene, columns, both ? "x" : rows ? "x, y" : "x", y, across);
    if (both) draw_ruler_axis(scene, rows, "y", y + each, down);
    return scene;
}

const cni_picture cni_picture_ruler = {
    .id = "D2",
    .name = "ruler",
    .what = "one axis: windows as brackets, reads per pixel as bars",
    .of_layer = true,
    .fits = fits,
    .draw = draw_ruler,
};

/* ---- D3 ---- */

static bool fits_map(const cni_sitting *sitting)
{
    return fits(sitting) && cni_rows_of(sitting->node);
}

static void draw_map(cni_scene *scene, const cni_track *rows, const cni_track *columns, const int32_t *down,
                     const int32_t *across, double most)
{
    for (int i = 0; i < cni_track_count(rows); i++)
        for (int j = 0; j < cni_track_count(columns); j++) {
            const int64_t y = cni_track_cell(rows, i), x = cni_track_cell(columns, j);
            const int64_t reads = (int64_t)down[y] * across[x];
            double top, left;
            cni_track_place(rows, y, &top);
            cni_track_place(columns, x, &left);
            cni_mark *mark =
                cni_scene_rect(scene, left, top, cell_size, cell_size, reads ? CNI_INK_FIELD : CNI_INK_UNREAD,
                               reads ? CNI_INK_GRID : CNI_INK_UNREAD_EDGE, reads ? 0 : CNI_MARK_HATCHED);
            if (mark && reads) mark->opacity = 0.12 + 0.6 * (double)reads / most;
            cni_scene_text(scene, left + cell_size / 2, top + cell_size / 2 + 3.5, 9.5, 0.5, CNI_INK_TEXT, 0,
                           "%" PRId64, reads);
        }
}

static void draw_numbers(cni_scene *scene, const cni_track *rows, const cni_track *columns)
{
    double at;
    for (int i = 0; i < cni_track_count(columns); i++) {
        cni_track_place(columns, cni_track_cell(columns, i), &at);
        cni_scene_text(scene, at + cell_size / 2, rows->start - 6, 9.5, 0.5, CNI_INK_QUIET, 0, "%" PRId64,
                       cni_track_cell(columns, i));
    }
    for (int i = 0; i < cni_track_count(rows); i++) {
        cni_track_place(rows, cni_track_cell(rows, i), &at);
        cni_scene_text(scene, columns->start - 6, at + cell_size / 2 + 3.5, 9.5, 1, CNI_INK_QUIET, 0, "%" PRId64,
                       cni_track_cell(rows, i));
    }
}

static int32_t largest(const int32_t *reads, int64_t count)
{
    int32_t most = 1;
    for (int64_t i = 0; i < count; i++)
        if (reads[i] > most) most = reads[i];
    return most;
}

static cni_scene *draw_reads(const cni_sitting *sitting)
{
    const cni_axis *y = cni_rows_of(sitting->node), *x = cni_columns_of_map(sitting->node);
    int32_t *down = reads_of(y, sitting->arena), *across = reads_of(x, sitting->arena);
    if (!down || !across) return NULL;
    const cni_track rows = cni_track_of(0, y->n - 1, 32, 12, CNI_SCENE_TOP + 22, cell_size);
    const cni_track columns = cni_track_of(0, x->n - 1, 32, 12, CNI_SCENE_LEFT + 30, cell_size);
    const double most = (double)largest(down, y->n) * largest(across, x->n);
    cni_scene *scene = cni_scene_of(sitting, &cni_picture_reads, cni_track_end(&columns) + CNI_SCENE_LEFT,
                                    cni_track_end(&rows) - CNI_SCENE_TOP + 44);
    if (!scene) return NULL;
    const int64_t unread = y->n * x->n - (y->n - y->unread) * (x->n - x->unread);
    cni_scene_caption(scene,
                      "How many windows read each of the %" PRId64 "x%" PRId64 " pixels: a corner %d, far from the "
                      "borders up to %.0f; pixels that are never read: %" PRId64 ".",
                      y->n, x->n, (int)(down[0] * across[0]), most, unread);
    draw_map(scene, &rows, &columns, down, across, most);
    draw_numbers(scene, &rows, &columns);
    const double below = cni_track_end(&rows) + 26;
    const double next =
        cni_scene_legend(scene, CNI_SCENE_LEFT, below, CNI_INK_FIELD, CNI_INK_GRID, 0, "reads: the darker the more");
    if (unread)
        cni_scene_legend(scene, next, below, CNI_INK_UNREAD, CNI_INK_UNREAD_EDGE, CNI_MARK_HATCHED, "never read");
    return scene;
}

const cni_picture cni_picture_reads = {
    .id = "D3",
    .name = "reads",
    .what = "how many windows read each pixel",
    .of_layer = true,
    .fits = fits_map,
    .draw = draw_reads,
};
