/* SPDX-License-Identifier: Apache-2.0
 * D4: what one position of every layer sees of the image, one hull in the other.  D11: how much of each position's
 * field lies in the padding. */
#include "explain/pictures/scenes.h"

#include <inttypes.h>
#include <math.h>

static double pixels(int64_t units, const cni_receptive_field *field)
{
    return (double)units / (double)field->unit;
}

static bool has_field(const cni_explained *node)
{
    if (node->spatial < 2) return false;
    for (int i = node->spatial - 2; i < node->spatial; i++) {
        const cni_receptive_field *f = node->field + i;
        if (f->all || !f->affine || f->size == CNI_UNSEEN || f->start == CNI_UNSEEN || f->unit < 1 || f->count < 1)
            return false;
    }
    return true;
}

static const cni_explained *image_of(const cni_sitting *sitting)
{
    const cni_analysis *a = sitting->explanation->analysis;
    const cni_explained *image = a->image < 0 ? NULL : a->nodes + a->image;
    return image && image->spatial >= 2 && image->map[image->spatial - 1] > 0 && image->map[image->spatial - 2] > 0
               ? image
               : NULL;
}

/* ---- D4 ---- */

enum { MOST_STEPS = 48 };

/* The layers after which a position sees more than before. */
static int steps_of(const cni_analysis *analysis, const cni_explained *steps[MOST_STEPS])
{
    int count = 0;
    double widest = 1;
    for (int i = 0; i < analysis->count && count < MOST_STEPS; i++) {
        const cni_explained *node = analysis->nodes + i;
        if (!has_field(node)) continue;
        const double r = pixels(node->field[node->spatial - 1].size, node->field + node->spatial - 1);
        if (r <= widest) continue;
        widest = r;
        steps[count++] = node;
    }
    return count;
}

static bool fits_ladder(const cni_sitting *sitting)
{
    const cni_explained *steps[MOST_STEPS];
    return image_of(sitting) && steps_of(sitting->explanation->analysis, steps) > 0;
}

typedef struct ladder {
    cni_scene *scene;
    double x, y, scale; /* of the image */
    int64_t rows, columns;
} ladder;

/* Where the hull begins of the position that lies nearest to the middle of the image. */
static double begin_of(const cni_receptive_field *f, int64_t image)
{
    const double first = pixels(f->start, f) + pixels(f->size, f) / 2, jump = pixels(f->jump, f);
    const double position = round(((double)image / 2 - first) / jump);
    return pixels(f->start, f) + jump * fmin(fmax(position, 0), (double)(f->count - 1));
}

/* What sticks out of the image is dashed. */
static void draw_hull(const ladder *l, const cni_explained *node, bool last)
{
    const cni_receptive_field *down = node->field + node->spatial - 2, *across = down + 1;
    const double top = begin_of(down, l->rows), left = begin_of(across, l->columns);
    const double high = pixels(down->size, down), wide = pixels(across->size, across);
    const double bottom = top + high, right = left + wide;
    const bool clipped = top < 0 || left < 0 || bottom > (double)l->rows || right > (double)l->columns;
    cni_mark *mark = cni_scene_rect(l->scene, l->x + left * l->scale, l->y + top * l->scale, wide * l->scale,
                                    high * l->scale, CNI_INK_FIELD, CNI_INK_FIELD, clipped ? CNI_MARK_DASHED : 0);
    if (mark) mark->opacity = 0.10;
    if (mark && last) mark->width = 2.5;
    const double cx = l->x + (left + wide / 2) * l->scale, cy = l->y + (top + high / 2) * l->scale;
    cni_scene_line(l->scene, cx - 3, cy, cx + 3, cy, 1, CNI_INK_TEXT, 0);
    cni_scene_line(l->scene, cx, cy - 3, cx, cy + 3, 1, CNI_INK_TEXT, 0);
}

static void draw_effective(const ladder *l, const cni_analysis *analysis, const cni_explained *node)
{
    const cni_receptive_field *down = node->field + node->spatial - 2, *across = down + 1;
    if (!(analysis->sigma > 0)) return;
    const double cy = begin_of(down, l->rows) + pixels(down->size, down) / 2;
    const double cx = begin_of(across, l->columns) + pixels(across->size, across) / 2;
    cni_mark *mark =
        cni_scene_ellipse(l->scene, l->x + cx * l->scale, l->y + cy * l->scale, 2 * analysis->sigma * l->scale,
                          2 * analysis->sigma * l->scale, CNI_INK_NONE, CNI_INK_WINDOW, CNI_MARK_DOTTED);
    if (mark) mark->width = 2;
}

static void draw_stairs(const ladder *l, const cni_explained *const *steps, int count, double x, double top)
{
    const double widest = pixels(steps[count - 1]->field[steps[count - 1]->spatial - 1].size,
                                 steps[count - 1]->field + steps[count - 1]->spatial - 1);
    for (int i = 0; i < count; i++) {
        const cni_receptive_field *f = steps[i]->field + steps[i]->spatial - 1;
        const double r = pixels(f->size, f), y = top + 14.0 * i;
        cni_scene_text(l->scene, x + 118, y + 9, 10, 1, CNI_INK_TEXT, 0, "%.22s", steps[i]->name);
        cni_mark *bar = cni_scene_rect(l->scene, x + 124, y, 150 * r / widest, 11, CNI_INK_FIELD, CNI_INK_FIELD, 0);
        if (bar) bar->opacity = 0.35;
        cni_scene_text(l->scene, x + 130 + 150 * r / widest, y + 9, 10, 0, CNI_INK_TEXT, 0, "%g  (jump %g)", r,
                       pixels(f->jump, f));
    }
}

/* How far the hull stands out of the image, on the side where it is more. */
static double overhang(const cni_receptive_field *f, int64_t image)
{
    const double begin = begin_of(f, image);
    return fmax(-begin, begin + pixels(f->size, f) - (double)image);
}

static cni_scene *draw_ladder(const cni_sitting *sitting)
{
    const cni_analysis *analysis = sitting->explanation->analysis;
    const cni_explained *image = image_of(sitting), *steps[MOST_STEPS];
    const int count = steps_of(analysis, steps);
    ladder l = {.rows = image->map[image->spatial - 2], .columns = image->map[image->spatial - 1]};
    const cni_explained *last = steps[count - 1];
    const cni_receptive_field *down = last->field + last->spatial - 2, *across = down + 1;
    const double side = 300;
    double out_x = 0, out_y = 0; /* what sticks out needs room too */
    for (int i = 0; i < count; i++) {
        const cni_receptive_field *v = steps[i]->field + steps[i]->spatial - 2;
        out_y = fmax(out_y, overhang(v, l.rows));
        out_x = fmax(out_x, overhang(v + 1, l.columns));
    }
    const double tall = (double)l.rows + 2 * out_y, broad = (double)l.columns + 2 * out_x;
    l.scale = side / (tall > broad ? tall : broad);
    l.x = CNI_SCENE_LEFT + out_x * l.scale;
    l.y = CNI_SCENE_TOP + 6 + out_y * l.scale;
    const double stairs = 14.0 * count + 8, height = tall * l.scale > stairs ? tall * l.scale : stairs;
    l.scene = cni_scene_of(sitting, &cni_picture_field, CNI_SCENE_LEFT + side + 400, height + 48);
    if (!l.scene) return NULL;
    cni_scene_caption(l.scene,
                      "A position of %s sees %gx%g of the image's %" PRId64 "x%" PRId64
                      " pixels and steps by %g; before training about %.0f pixels carry 95 %% of the weight.",
                      last->name, pixels(down->size, down), pixels(across->size, across), l.rows, l.columns,
                      pixels(across->jump, across), analysis->width95);
    cni_scene_rect(l.scene, l.x, l.y, (double)l.columns * l.scale, (double)l.rows * l.scale, CNI_INK_INPUT,
                   CNI_INK_INPUT_EDGE, 0);
    for (int i = count - 1; i >= 0; i--) draw_hull(&l, steps[i], i == count - 1);
    draw_effective(&l, analysis, last);
    draw_stairs(&l, steps, count, CNI_SCENE_LEFT + side + 16, CNI_SCENE_TOP + 8);
    const double y = CNI_SCENE_TOP + height + 30;
    double x = cni_scene_legend(l.scene, CNI_SCENE_LEFT, y, CNI_INK_INPUT, CNI_INK_INPUT_EDGE, 0, "image");
    x = cni_scene_legend(l.scene, x, y, CNI_INK_NONE, CNI_INK_FIELD, 0, "field of the middle position");
    x = cni_scene_legend(l.scene, x, y, CNI_INK_NONE, CNI_INK_FIELD, CNI_MARK_DASHED, "reaches into padding");
    cni_scene_legend(l.scene, x, y, CNI_INK_NONE, CNI_INK_WINDOW, CNI_MARK_DOTTED, "effective (2 sigma, estimate)");
    return l.scene;
}

const cni_picture cni_picture_field = {
    .id = "D4",
    .name = "field",
    .what = "what a position of each layer sees of the image",
    .fits = fits_ladder,
    .draw = draw_ladder,
};

/* ---- D11 ---- */

static const cni_explained *last_map_of(const cni_sitting *sitting)
{
    const cni_analysis *a = sitting->explanation->analysis;
    const cni_explained *node = a->last_map < 0 ? NULL : a->nodes + a->last_map;
    return node && has_field(node) && node->field[node->spatial - 1].lo && node->field[node->spatial - 2].lo ? node
                                                                                                             : NULL;
}

/* Whether the last position's field ends behind the image. */
static bool stands_out(const cni_receptive_field *f, int64_t image)
{
    return f->start < 0 || pixels(f->start + f->jump * (f->count - 1) + f->size, f) > (double)image;
}

static bool fits_border(const cni_sitting *sitting)
{
    const cni_explained *node = last_map_of(sitting), *image = image_of(sitting);
    if (!node || !image) return false;
    const cni_receptive_field *down = node->field + node->spatial - 2, *across = down + 1;
    return stands_out(across, image->map[image->spatial - 1]) || stands_out(down, image->map[image->spatial - 2]);
}

/* The share of a position's field that lies inside the image. */
static double inside(const cni_receptive_field *f, int64_t y)
{
    return (double)(f->hi[y] - f->lo[y] + 1) / pixels(f->size, f);
}

static cni_scene *draw_border(const cni_sitting *sitting)
{
    const double cell = 26;
    const cni_explained *node = last_map_of(sitting);
    const cni_receptive_field *down = node->field + node->spatial - 2, *across = down + 1;
    const cni_track rows = cni_track_of(0, down->count - 1, 32, 12, CNI_SCENE_TOP + 20, cell);
    const cni_track columns = cni_track_of(0, across->count - 1, 32, 12, CNI_SCENE_LEFT + 26, cell);
    cni_scene *scene = cni_scene_of(sitting, &cni_picture_border, cni_track_end(&columns) + CNI_SCENE_LEFT,
                                    cni_track_end(&rows) - CNI_SCENE_TOP + 44);
    if (!scene) return NULL;
    int64_t clean_rows = 0, clean_columns = 0;
    for (int64_t y = 0; y < down->count; y++) clean_rows += inside(down, y) >= 1;
    for (int64_t x = 0; x < across->count; x++) clean_columns += inside(across, x) >= 1;
    cni_scene_caption(scene,
                      "The share of the field of each position of %s, in per cent, that lies in padding; %" PRId64
                      " of %" PRId64 " positions see the image only.",
                      node->name, clean_rows * clean_columns, down->count * across->count);
    for (int i = 0; i < cni_track_count(&rows); i++)
        for (int j = 0; j < cni_track_count(&columns); j++) {
            const int64_t y = cni_track_cell(&rows, i), x = cni_track_cell(&columns, j);
            const double share = 1 - inside(down, y) * inside(across, x);
            double top, left;
            cni_track_place(&rows, y, &top);
            cni_track_place(&columns, x, &left);
            cni_mark *mark = cni_scene_rect(scene, left, top, cell, cell, CNI_INK_WINDOW, CNI_INK_GRID, 0);
            if (mark) mark->opacity = 0.75 * share;
            cni_scene_text(scene, left + cell / 2, top + cell / 2 + 4, 10, 0.5, CNI_INK_TEXT, 0, "%.0f", 100 * share);
        }
    cni_scene_legend(scene, CNI_SCENE_LEFT, cni_track_end(&rows) + 26, CNI_INK_WINDOW, CNI_INK_GRID, 0,
                     "the darker, the more padding");
    return scene;
}

const cni_picture cni_picture_border = {
    .id = "D11",
    .name = "border",
    .what = "how much of each last position's field lies in padding",
    .fits = fits_border,
    .draw = draw_border,
};
