/* SPDX-License-Identifier: Apache-2.0
 * D5: the sampling grids of two networks over one image.  D10: branches that meet out of register. */
#include "explain/pictures/scenes.h"

#include <inttypes.h>
#include <math.h>

static double centre(const cni_receptive_field *f, int64_t position)
{
    return ((double)f->start + (double)f->jump * (double)position + ((double)f->size - (double)f->unit) / 2) /
           (double)f->unit;
}

static bool is_placed(const cni_receptive_field *f)
{
    return !f->all && f->affine && f->unit > 0 && f->start != CNI_UNSEEN && f->size != CNI_UNSEEN;
}

/* ---- D10 ---- */

/* The branch that is out of register with the first one, and the axis. */
static bool find_branch(const cni_sitting *sitting, int *branch, int *axis, double *shift)
{
    const cni_explained *node = sitting->node;
    for (int i = 1; i < node->input_count; i++)
        for (int j = 0; j < node->spatial; j++) {
            int64_t num, den;
            if (!cni_misalignment(sitting->explanation->analysis, node, 0, i, j, &num, &den) || !num) continue;
            *branch = i;
            *axis = j;
            *shift = (double)num / (double)den;
            return true;
        }
    return false;
}

static bool fits_merge(const cni_sitting *sitting)
{
    int branch, axis;
    double shift;
    const cni_explained *node = sitting->node, *nodes = sitting->explanation->analysis->nodes;
    return node->input_count > 1 && find_branch(sitting, &branch, &axis, &shift) &&
           is_placed(nodes[node->inputs[0]].field + axis) && is_placed(nodes[node->inputs[branch]].field + axis);
}

enum { TEETH = 6 };

static void draw_teeth(cni_scene *scene, const cni_explained *branch, const cni_receptive_field *f, double zero,
                       double scale, double y, bool second)
{
    cni_scene_text(scene, zero - 24, y + 4, 11, 1, CNI_INK_TEXT, 0, "%.24s", branch->name);
    for (int i = 0; i < TEETH && i < f->count; i++) {
        const double x = zero + scale * centre(f, i);
        if (second)
            cni_scene_rect(scene, x - 6, y - 6, 12, 12, CNI_INK_NONE, CNI_INK_SECOND, CNI_MARK_DASHED)->width = 2;
        else
            cni_scene_ellipse(scene, x, y, 6, 6, CNI_INK_WINDOW, CNI_INK_NONE, 0);
        cni_scene_text(scene, x, y - 10, 10, 0.5, CNI_INK_QUIET, 0, "%g", centre(f, i));
    }
}

static cni_scene *draw_merge(const cni_sitting *sitting)
{
    int branch = 1, axis = 0;
    double shift = 0;
    const cni_explained *nodes = sitting->explanation->analysis->nodes, *node = sitting->node;
    find_branch(sitting, &branch, &axis, &shift);
    const cni_explained *a = nodes + node->inputs[0], *b = nodes + node->inputs[branch];
    const cni_receptive_field *fa = a->field + axis, *fb = b->field + axis;
    const double jump = (double)fa->jump / (double)fa->unit, zero = CNI_SCENE_LEFT + 190;
    const double span = jump * (TEETH - 1) + fabs(shift) + fmax(0, -centre(fa, 0)), scale = 420 / fmax(span, 1);
    cni_scene *scene = cni_scene_of(sitting, &cni_picture_merge, zero + 470, 150);
    if (!scene) return NULL;
    cni_scene_caption(
        scene,
        "%s combines maps that are %g image pixels (%g cells) out of register: position 0 lies at %g in %s "
        "and at %g in %s.",
        node->name, fabs(shift), fabs(shift) / jump, centre(fa, 0), a->name, centre(fb, 0), b->name);
    const double y0 = CNI_SCENE_TOP + 34, y1 = y0 + 52;
    draw_teeth(scene, a, fa, zero, scale, y0, false);
    draw_teeth(scene, b, fb, zero, scale, y1, true);
    const double xa = zero + scale * centre(fa, 0), xb = zero + scale * centre(fb, 0);
    cni_scene_line(scene, xa, y0 + 8, xa, y1 + 22, 1, CNI_INK_WINDOW, CNI_MARK_DOTTED);
    cni_scene_line(scene, xb, y1 + 8, xb, y1 + 22, 1, CNI_INK_SECOND, CNI_MARK_DOTTED);
    cni_scene_line(scene, xa, y1 + 20, xb, y1 + 20, 2, CNI_INK_UNREAD_EDGE, CNI_MARK_ARROW);
    cni_scene_text(scene, fmax(xa, xb) + 8, y1 + 24, 11, 0, CNI_INK_TEXT, CNI_MARK_BOLD, "%+g px", shift);
    cni_scene_text(scene, CNI_SCENE_LEFT, y1 + 50, 11, 0, CNI_INK_QUIET, 0,
                   "centres of the first positions along %s, in image pixels",
                   axis == node->spatial - 1   ? "x"
                   : axis == node->spatial - 2 ? "y"
                                               : "z");
    return scene;
}

const cni_picture cni_picture_merge = {
    .id = "D10",
    .name = "merge",
    .what = "branches that meet out of register",
    .of_layer = true,
    .fits = fits_merge,
    .draw = draw_merge,
};

/* ---- D5 ---- */

static const cni_explained *last_map(const cn_explanation *explanation)
{
    const cni_analysis *a = explanation ? explanation->analysis : NULL;
    const cni_explained *node = !a || a->last_map < 0 ? NULL : a->nodes + a->last_map;
    if (!node || node->spatial < 2) return NULL;
    return is_placed(node->field + node->spatial - 1) && is_placed(node->field + node->spatial - 2) ? node : NULL;
}

static int64_t image_side(const cn_explanation *explanation, int from_end)
{
    const cni_analysis *a = explanation->analysis;
    const cni_explained *image = a->nodes + a->image;
    return image->map[image->spatial - from_end];
}

static bool fits_grids(const cni_sitting *sitting)
{
    return last_map(sitting->explanation) && last_map(sitting->other) && image_side(sitting->explanation, 1) > 0 &&
           image_side(sitting->explanation, 2) > 0;
}

typedef struct corner {
    double x, y, scale;   /* of the drawing's corner */
    double row, column;   /* image pixel that lies there */
    double rows, columns; /* shown */
} corner;

static void draw_points(cni_scene *scene, const corner *c, const cni_explained *node, bool second)
{
    const cni_receptive_field *down = node->field + node->spatial - 2, *across = down + 1;
    for (int64_t i = 0; i < down->count; i++)
        for (int64_t j = 0; j < across->count; j++) {
            const double y = centre(down, i) - c->row + 0.5, x = centre(across, j) - c->column + 0.5;
            if (y < 0 || x < 0 || y > c->rows || x > c->columns) continue;
            const double px = c->x + x * c->scale, py = c->y + y * c->scale;
            if (second)
                cni_scene_rect(scene, px - 6, py - 6, 12, 12, CNI_INK_NONE, CNI_INK_SECOND, CNI_MARK_DASHED)->width = 2;
            else
                cni_scene_ellipse(scene, px, py, 5, 5, CNI_INK_WINDOW, CNI_INK_NONE, 0);
        }
}

static void draw_corner(cni_scene *scene, const corner *c, const cni_explained *a, const cni_explained *b,
                        const char *name)
{
    cni_scene_rect(scene, c->x, c->y, c->columns * c->scale, c->rows * c->scale, CNI_INK_INPUT, CNI_INK_INPUT_EDGE, 0);
    cni_scene_text(scene, c->x, c->y - 12, 11, 0, CNI_INK_QUIET, 0, "%s", name);
    draw_points(scene, c, a, false);
    draw_points(scene, c, b, true);
}

static cni_scene *draw_grids(const cni_sitting *sitting)
{
    const cni_explained *a = last_map(sitting->explanation), *b = last_map(sitting->other);
    const double rows = (double)image_side(sitting->explanation, 2),
                 columns = (double)image_side(sitting->explanation, 1);
    const cni_receptive_field *fa = a->field + a->spatial - 1, *fb = b->field + b->spatial - 1;
    const double jump = (double)fa->jump / (double)fa->unit, shift = centre(fa, 0) - centre(fb, 0);
    const double shown = fmin(fmax(3 * jump, 8), fmin(rows, columns)), side = 260, top = CNI_SCENE_TOP + 30;
    const corner first = {CNI_SCENE_LEFT, top, side / shown, 0, 0, shown, shown};
    const corner last = {CNI_SCENE_LEFT + side + 40, top, side / shown, rows - shown, columns - shown, shown, shown};
    cni_scene *scene = cni_scene_of(sitting, &cni_picture_grids, 2 * side + 40 + 2 * CNI_SCENE_LEFT, side + 86);
    if (!scene) return NULL;
    cni_scene_caption(scene,
                      "Where the last maps look: position 0 at %g in the first network and at %g in the second, %+g "
                      "image pixels apart; positions are %g pixels from each other.",
                      centre(fa, 0), centre(fb, 0), shift, jump);
    draw_corner(scene, &first, a, b, "upper left corner of the image");
    draw_corner(scene, &last, a, b, "lower right corner");
    if (fabs(shift) > 0) {
        const double x0 = first.x + (centre(fb, 0) + 0.5) * first.scale, y = top + side + 14;
        cni_scene_line(scene, x0, y, x0 + shift * first.scale, y, 2, CNI_INK_UNREAD_EDGE, CNI_MARK_ARROW);
        cni_scene_text(scene, fmax(x0, x0 + shift * first.scale) + 8, y + 4, 11, 0, CNI_INK_TEXT, CNI_MARK_BOLD,
                       "%+g px", shift);
    }
    const double next = cni_scene_legend(scene, CNI_SCENE_LEFT, top + side + 44, CNI_INK_WINDOW, CNI_INK_WINDOW, 0,
                                         "first network (dots)");
    cni_scene_legend(scene, next, top + side + 44, CNI_INK_NONE, CNI_INK_SECOND, CNI_MARK_DASHED,
                     "second network (squares)");
    return scene;
}

const cni_picture cni_picture_grids = {
    .id = "D5",
    .name = "grids",
    .what = "the sampling grids of two networks over one image",
    .fits = fits_grids,
    .draw = draw_grids,
};
