/* SPDX-License-Identifier: Apache-2.0
 * D12: positions that cannot influence the result, layer by layer, and pixels of the image. */
#include "explain/pictures/scenes.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_MAPS = 8, ACROSS = 4 };
static const double side = 150;

static bool is_dead(const cni_explained *node)
{
    return node->mask && node->spatial == 2 && node->needed < node->positions && node->map[0] > 0 && node->map[1] > 0;
}

static int maps_of(const cni_analysis *analysis, const cni_explained *maps[MOST_MAPS])
{
    int count = 0;
    for (int i = 0; i < analysis->count && count < MOST_MAPS; i++) {
        const cni_explained *node = analysis->nodes + i;
        const bool window = node->view.type == CNI_VIEW_WINDOW || node->view.type == CNI_VIEW_TRANSPOSED;
        if (is_dead(node) && (window || !node->input_count)) maps[count++] = node;
    }
    return count;
}

static bool fits(const cni_sitting *sitting)
{
    const cni_explained *maps[MOST_MAPS];
    return maps_of(sitting->explanation->analysis, maps) > 0;
}

static bool is_needed(const uint64_t *row, int64_t x)
{
    return row[x / 64] >> (x % 64) & 1;
}

/* Rows that are equal are drawn as one; runs of dead cells as one rectangle. */
static void draw_mask(cni_scene *scene, const cni_explained *node, double x, double y, double scale)
{
    const int64_t rows = node->map[0], columns = node->map[1], words = (columns + 63) / 64;
    for (int64_t i = 0, next; i < rows; i = next) {
        const uint64_t *row = node->mask + i * words;
        for (next = i + 1; next < rows; next++)
            if (memcmp(row, node->mask + next * words, (size_t)words * sizeof *row) != 0) break;
        for (int64_t j = 0, end; j < columns; j = end) {
            const bool needed = is_needed(row, j);
            for (end = j + 1; end < columns && is_needed(row, end) == needed; end++) {}
            if (needed) continue;
            cni_scene_rect(scene, x + (double)j * scale, y + (double)i * scale, (double)(end - j) * scale,
                           (double)(next - i) * scale, CNI_INK_UNREAD, CNI_INK_UNREAD_EDGE, CNI_MARK_HATCHED);
        }
    }
}

static void draw_node(cni_scene *scene, const cni_explained *node, double x, double y)
{
    const int64_t rows = node->map[0], columns = node->map[1];
    const double scale = side / (double)(rows > columns ? rows : columns);
    cni_scene_text(scene, x, y + 11, 11, 0, CNI_INK_TEXT, CNI_MARK_BOLD, "%.20s", node->name);
    cni_scene_text(scene, x, y + 25, 10, 0, CNI_INK_QUIET, 0, "%" PRId64 " of %" PRId64 " dead",
                   node->positions - node->needed, node->positions);
    cni_scene_rect(scene, x, y + 32, (double)columns * scale, (double)rows * scale,
                   node->input_count ? CNI_INK_OUTPUT : CNI_INK_INPUT,
                   node->input_count ? CNI_INK_OUTPUT_EDGE : CNI_INK_INPUT_EDGE, 0);
    draw_mask(scene, node, x, y + 32, scale);
}

static int64_t dead_macs(const cni_analysis *analysis)
{
    int64_t sum = 0;
    for (int i = 0; i < analysis->count; i++)
        if (analysis->nodes[i].macs_dead > 0) sum += analysis->nodes[i].macs_dead;
    return sum;
}

static cni_scene *draw(const cni_sitting *sitting)
{
    const cni_analysis *a = sitting->explanation->analysis;
    const cni_explained *maps[MOST_MAPS];
    const int count = maps_of(a, maps), columns = count < ACROSS ? count : ACROSS, rows = (count + ACROSS - 1) / ACROSS;
    const double step_x = side + 28, step_y = side + 52;
    cni_scene *scene =
        cni_scene_of(sitting, &cni_picture_dead, 2 * CNI_SCENE_LEFT + step_x * columns, step_y * rows + 34);
    if (!scene) return NULL;
    cni_scene_caption(scene,
                      "Hatched positions are computed and never read: %s multiply-adds of %s are wasted, and %" PRId64
                      " image pixels cannot change the result.",
                      CNI_SHOW(short, dead_macs(a)), CNI_SHOW(short, a->macs), a->dead_pixels);
    for (int i = 0; i < count; i++)
        draw_node(scene, maps[i], CNI_SCENE_LEFT + step_x * (i % ACROSS), CNI_SCENE_TOP + 6 + step_y * (i / ACROSS));
    const double y = CNI_SCENE_TOP + step_y * rows + 22;
    cni_scene_legend(scene, CNI_SCENE_LEFT, y, CNI_INK_UNREAD, CNI_INK_UNREAD_EDGE, CNI_MARK_HATCHED,
                     "cannot influence the result");
    return scene;
}

const cni_picture cni_picture_dead = {
    .id = "D12",
    .name = "dead",
    .what = "positions and pixels that cannot influence the result",
    .fits = fits,
    .draw = draw,
};
