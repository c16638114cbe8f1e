/* SPDX-License-Identifier: Apache-2.0
 * D6: which offsets a stack of dilated windows reads, and its holes.  D7: which inputs paint an output of a transposed
 * convolution. */
#include "explain/pictures/scenes.h"

#include <inttypes.h>
#include <string.h>

/* ---- D6 ---- */

enum { MOST_OFFSETS = 121, MOST_STACK = 12 };

typedef struct comb {
    const cni_explained *layers[MOST_STACK]; /* the last one first */
    int count;
    int64_t size; /* of the hull */
} comb;

static const cni_axis *axis_of(const cni_explained *node)
{
    return node->view.type == CNI_VIEW_WINDOW && node->view.spatial > 0 ? cni_columns_of_map(node) : NULL;
}

/* Back from the node over windows without stride and what lies between them. */
static comb stack_of(const cni_sitting *sitting)
{
    const cni_analysis *a = sitting->explanation->analysis;
    comb c = {.size = 1};
    const cni_explained *node = sitting->node;
    while (c.count < MOST_STACK) {
        const cni_axis *axis = axis_of(node);
        if (axis && (axis->s > 1 || c.size + axis->extent - 1 > MOST_OFFSETS)) break;
        if (axis && axis->k > 1) {
            c.layers[c.count++] = node;
            c.size += axis->extent - 1;
        } else if (!axis && node->view.type != CNI_VIEW_POINT)
            break;
        if (node->input_count != 1) break;
        node = a->nodes + node->inputs[0];
    }
    return c;
}

static bool is_dilated(const cni_explained *node)
{
    const cni_axis *axis = axis_of(node);
    return axis && axis->d > 1 && axis->s == 1 && axis->k > 1;
}

/* The last of a stack: what follows is not dilated too. */
static bool fits_comb(const cni_sitting *sitting)
{
    const cni_analysis *a = sitting->explanation->analysis;
    const cni_explained *node = sitting->node;
    if (!is_dilated(node)) return false;
    while (node->consumer_count == 1) {
        node = a->nodes + node->consumers[0];
        if (is_dilated(node)) return false;
        if (node->view.type != CNI_VIEW_POINT) break;
    }
    return stack_of(sitting).count > 0;
}

/* offsets[i]: one output reads the cell i of the hull. */
static void widen(char offsets[MOST_OFFSETS], int64_t *size, const cni_axis *axis)
{
    char wider[MOST_OFFSETS] = {0};
    for (int64_t i = 0; i < *size; i++)
        for (int64_t t = 0; offsets[i] && t < axis->k; t++) wider[i + t * axis->d] = 1;
    *size += axis->extent - 1;
    memcpy(offsets, wider, sizeof wider);
}

static void draw_offsets(cni_scene *scene, const char *offsets, int64_t size, double x, double y, double cell)
{
    for (int64_t i = 0; i < size; i++)
        cni_scene_rect(scene, x + cell * (double)i, y, cell, 16, offsets[i] ? CNI_INK_WINDOW : CNI_INK_UNREAD,
                       offsets[i] ? CNI_INK_LINE : CNI_INK_UNREAD_EDGE, offsets[i] ? 0 : CNI_MARK_HATCHED);
}

static cni_scene *draw_comb(const cni_sitting *sitting)
{
    const comb c = stack_of(sitting);
    const double cell = c.size > 60 ? 7 : 12, left = CNI_SCENE_LEFT + 160, row = 26;
    cni_scene *scene = cni_scene_of(sitting, &cni_picture_comb, left + cell * (double)c.size + 120, row * c.count + 50);
    if (!scene) return NULL;
    char offsets[MOST_OFFSETS] = {1};
    int64_t size = 1, read = 0;
    for (int i = 0; i < c.count; i++) {
        const cni_axis *axis = axis_of(c.layers[i]);
        widen(offsets, &size, axis);
        const double y = CNI_SCENE_TOP + 10 + row * i;
        cni_scene_text(scene, left - 8, y + 12, 10.5, 1, CNI_INK_TEXT, 0, "%.22s  dilation %" PRId64, c.layers[i]->name,
                       axis->d);
        draw_offsets(scene, offsets, size, left + cell * (double)(c.size - size) / 2, y, cell);
        for (int64_t j = read = 0; j < size; j++) read += offsets[j];
        cni_scene_text(scene, left + cell * (double)(c.size + size) / 2 + 8, y + 12, 10.5, 0, CNI_INK_QUIET, 0,
                       "%" PRId64 " of %" PRId64, read, size);
    }
    cni_scene_caption(scene,
                      "Along one axis an output of %s reads %" PRId64 " of the %" PRId64
                      " cells of %s's input that these layers span: %.0f %% of the area.",
                      sitting->node->name, read, size, c.layers[c.count - 1]->name,
                      100.0 * (double)(read * read) / (double)(size * size));
    const double y = CNI_SCENE_TOP + row * c.count + 32;
    const double x = cni_scene_legend(scene, CNI_SCENE_LEFT, y, CNI_INK_WINDOW, CNI_INK_LINE, 0, "read");
    cni_scene_legend(scene, x, y, CNI_INK_UNREAD, CNI_INK_UNREAD_EDGE, CNI_MARK_HATCHED, "hole");
    return scene;
}

const cni_picture cni_picture_comb = {
    .id = "D6",
    .name = "comb",
    .what = "the offsets that a dilated stack reads, and its holes",
    .of_layer = true,
    .fits = fits_comb,
    .draw = draw_comb,
};

/* ---- D7 ---- */

enum { MOST_OUTPUTS = 12 };

static bool fits_paint(const cni_sitting *sitting)
{
    const cni_explained *node = sitting->node;
    return node->view.type == CNI_VIEW_TRANSPOSED && node->view.spatial > 0 && cni_columns_of_map(node)->o > 0;
}

/* Inputs that reach output y: x * s + t * d - cut = y. */
static int painters(const cni_axis *a, int64_t y, int64_t inputs[8])
{
    int count = 0;
    for (int64_t t = a->k - 1; t >= 0 && count < 8; t--) {
        const int64_t at = y + a->before - t * a->d;
        if (at >= 0 && at % a->s == 0 && at / a->s < a->n) inputs[count++] = at / a->s;
    }
    return count;
}

static cni_scene *draw_paint(const cni_sitting *sitting)
{
    static const cni_scene_ink inks[] = {CNI_INK_INPUT, CNI_INK_OUTPUT, CNI_INK_PADDING};
    static const cni_scene_ink edges[] = {CNI_INK_INPUT_EDGE, CNI_INK_OUTPUT_EDGE, CNI_INK_PADDING_EDGE};
    const cni_axis *a = cni_columns_of_map(sitting->node);
    const int outputs = a->o < MOST_OUTPUTS ? (int)a->o : MOST_OUTPUTS;
    int64_t inputs[8];
    int least = 99, most = 0;
    for (int y = 0; y < outputs; y++) {
        const int count = painters(a, y, inputs);
        if (count < least) least = count;
        if (count > most) most = count;
    }
    const double cell = 34, bar = 22, left = CNI_SCENE_LEFT + 66, floor = CNI_SCENE_TOP + 16 + most * bar;
    cni_scene *scene =
        cni_scene_of(sitting, &cni_picture_paint, left + cell * outputs + 30, floor - CNI_SCENE_TOP + 66);
    if (!scene) return NULL;
    for (int y = 0; y < outputs; y++) {
        const int count = painters(a, y, inputs);
        const double x = left + cell * y;
        for (int i = 0; i < count; i++) {
            const int shade = (int)(inputs[i] % 3);
            cni_scene_rect(scene, x + 3, floor - bar * (i + 1), cell - 6, bar - 2, inks[shade], edges[shade], 0);
            cni_scene_text(scene, x + cell / 2, floor - bar * (i + 1) + 14, 10, 0.5, CNI_INK_TEXT, 0, "%" PRId64,
                           inputs[i]);
        }
        if (!count)
            cni_scene_rect(scene, x + 3, floor - bar, cell - 6, bar - 2, CNI_INK_UNREAD, CNI_INK_UNREAD_EDGE,
                           CNI_MARK_HATCHED);
        cni_scene_rect(scene, x, floor + 4, cell, 20, CNI_INK_OUTPUT, CNI_INK_OUTPUT_EDGE, 0);
        cni_scene_text(scene, x + cell / 2, floor + 18, 10.5, 0.5, CNI_INK_TEXT, 0, "%d", y);
    }
    cni_scene_text(scene, left - 8, floor + 18, 11, 1, CNI_INK_QUIET, 0, "output");
    cni_scene_text(scene, left - 8, floor - 6, 11, 1, CNI_INK_QUIET, 0, "inputs");
    cni_scene_caption(scene,
                      "Which inputs paint the first %d of %" PRId64 " outputs of an axis (window %" PRId64
                      ", stride %" PRId64 "): from %d to %d contributions%s.",
                      outputs, a->o, a->k, a->s, least, most,
                      a->k % a->s ? "; the pattern is a checkerboard"
                                  : ", far from the borders always the same number");
    double x = cni_scene_legend(scene, CNI_SCENE_LEFT, floor + 52, CNI_INK_INPUT, CNI_INK_INPUT_EDGE, 0,
                                "contribution, with its input's number");
    if (!least)
        cni_scene_legend(scene, x, floor + 52, CNI_INK_UNREAD, CNI_INK_UNREAD_EDGE, CNI_MARK_HATCHED, "bias only");
    return scene;
}

const cni_picture cni_picture_paint = {
    .id = "D7",
    .name = "paint",
    .what = "which inputs paint each output of a transposed convolution",
    .of_layer = true,
    .fits = fits_paint,
    .draw = draw_paint,
};
