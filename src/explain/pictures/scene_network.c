/* SPDX-License-Identifier: Apache-2.0
 * D8: the network as a strip of blocks.  D9: what each layer costs. */
#include "explain/pictures/scenes.h"

#include <math.h>

/* ---- which layers are shown ---- */

enum { QUIET = CNI_IS_ACTIVATION | CNI_IS_NORMALIZATION | CNI_IS_BATCH_NORM | CNI_IS_NOTHING | CNI_IS_DROPOUT };

/* Activations, normalizations and what does nothing in inference belong to the block before them. */
static bool is_block(const cni_explained *node)
{
    const unsigned traits = node->layer->kind ? node->layer->kind->traits : 0;
    return node->input_count != 1 || !(traits & QUIET);
}

static int block_of(const cni_analysis *analysis, int node)
{
    while (!is_block(analysis->nodes + node)) node = analysis->nodes[node].inputs[0];
    return node;
}

/* ---- D8 ---- */

static bool always(const cni_sitting *sitting)
{
    return sitting->explanation->analysis->count > 1;
}

typedef struct strip {
    cni_scene *scene;
    const cn_explanation *explanation;
    double *x, *width, *height; /* by node; width 0: no block */
    double floor;               /* blocks are centred on this line */
    double most_macs;
} strip;

static double height_of(const cni_explained *node)
{
    const int64_t side = node->spatial ? node->map[node->spatial > 1 ? node->spatial - 2 : 0] : 1;
    return side > 0 ? 14 + 14 * log2((double)side + 1) : 60;
}

static double width_of(const cni_explained *node)
{
    return 7 + (node->channels > 0 ? 0.9 * sqrt((double)node->channels) : 4);
}

/* A short network gets broad blocks. */
static double breadth(const cni_analysis *a)
{
    double sum = 0;
    for (int i = 0; i < a->count; i++)
        if (is_block(a->nodes + i)) sum += width_of(a->nodes + i) + 9;
    return sum > 0 && sum < 560 ? fmin(560 / sum, 2.2) : 1;
}

static bool lay_out(strip *s, cni_arena *arena)
{
    const cni_analysis *a = s->explanation->analysis;
    const double scale = breadth(a);
    double x = CNI_SCENE_LEFT + 10;
    s->x = CNI_NEW_ARRAY(arena, double, (size_t)a->count);
    s->width = CNI_NEW_ARRAY(arena, double, (size_t)a->count);
    s->height = CNI_NEW_ARRAY(arena, double, (size_t)a->count);
    if (!s->x || !s->width || !s->height) return false;
    for (int i = 0; i < a->count; i++) {
        const cni_explained *node = a->nodes + i;
        if (node->macs != CNI_UNSEEN && (double)node->macs > s->most_macs) s->most_macs = (double)node->macs;
        if (!is_block(node)) continue;
        s->x[i] = x;
        s->width[i] = scale * width_of(node);
        s->height[i] = height_of(node);
        x += s->width[i] + 9 * scale;
    }
    return true;
}

static double strip_width(const strip *s)
{
    double end = 0;
    for (int i = 0; i < s->explanation->analysis->count; i++)
        if (s->width[i] > 0) end = s->x[i] + s->width[i];
    return end;
}

static double tallest(const strip *s)
{
    double most = 40;
    for (int i = 0; i < s->explanation->analysis->count; i++)
        if (s->height[i] > most) most = s->height[i];
    return most;
}

/* A line to the next block, or an arc over those between. */
static void draw_edge(const strip *s, int from, int to)
{
    int between = 0;
    for (int i = from + 1; i < to; i++) between += s->width[i] > 0;
    const double x0 = s->x[from] + s->width[from], x1 = s->x[to];
    if (!between) {
        cni_scene_line(s->scene, x0, s->floor, x1, s->floor, 1, CNI_INK_LINE, 0);
        return;
    }
    const double middle0 = s->x[from] + s->width[from] / 2, middle1 = s->x[to] + s->width[to] / 2;
    double top = s->floor;
    for (int i = from; i <= to; i++)
        if (s->width[i] > 0 && s->floor - s->height[i] / 2 < top) top = s->floor - s->height[i] / 2;
    top -= 8 + (between > 12 ? 12 : between);
    cni_scene_line(s->scene, middle0, s->floor - s->height[from] / 2, middle0, top, 1.5, CNI_INK_SECOND,
                   CNI_MARK_DASHED);
    cni_scene_line(s->scene, middle0, top, middle1, top, 1.5, CNI_INK_SECOND, CNI_MARK_DASHED);
    cni_scene_line(s->scene, middle1, top, middle1, s->floor - s->height[to] / 2, 1.5, CNI_INK_SECOND,
                   CNI_MARK_DASHED | CNI_MARK_ARROW);
}

static void draw_badge(const strip *s, int i)
{
    const int severity = cni_node_severity(s->explanation, s->explanation->analysis->nodes + i);
    if (severity < CNI_WARNING) return;
    const double x = s->x[i] + s->width[i] / 2, y = s->floor + s->height[i] / 2 + 11;
    cni_scene_ellipse(s->scene, x, y, 7, 7, severity == CNI_ERROR ? CNI_INK_UNREAD_EDGE : CNI_INK_WINDOW, CNI_INK_NONE,
                      0);
    cni_scene_text(s->scene, x, y + 4, 10, 0.5, CNI_INK_ON_WINDOW, CNI_MARK_BOLD, severity == CNI_ERROR ? "x" : "!");
}

static void draw_block(const strip *s, int i, double names)
{
    const cni_explained *node = s->explanation->analysis->nodes + i;
    const double share = s->most_macs > 0 && node->macs > 0 ? (double)node->macs / s->most_macs : 0;
    const double top = s->floor - s->height[i] / 2;
    cni_scene_rect(s->scene, s->x[i], top, s->width[i], s->height[i],
                   node->input_count ? CNI_INK_OUTPUT : CNI_INK_INPUT,
                   node->input_count ? CNI_INK_OUTPUT_EDGE : CNI_INK_INPUT_EDGE, 0);
    if (share > 0) { /* filled from below: a hint that needs no colour */
        cni_mark *mark = cni_scene_rect(s->scene, s->x[i] + 1, top + (s->height[i] - 2) * (1 - share) + 1,
                                        s->width[i] - 2, (s->height[i] - 2) * share, CNI_INK_WINDOW, CNI_INK_NONE, 0);
        if (mark) mark->opacity = 0.7;
    }
    char sizes[64];
    cni_show_sizes(&node->shape, "x", sizes, sizeof sizes);
    cni_scene_text(s->scene, s->x[i] + s->width[i] / 2 + 3.5, names, 10, 1, CNI_INK_TEXT, CNI_MARK_UPRIGHT, "%.28s  %s",
                   node->name, sizes);
    draw_badge(s, i);
}

static cni_scene *draw_strip(const cni_sitting *sitting)
{
    const cni_analysis *a = sitting->explanation->analysis;
    strip s = {.explanation = sitting->explanation};
    if (!lay_out(&s, sitting->arena)) return NULL;
    const double high = tallest(&s), arcs = 34, names = 200;
    const double width = strip_width(&s) + CNI_SCENE_LEFT + 10;
    s.floor = CNI_SCENE_TOP + arcs + high / 2;
    s.scene = cni_scene_of(sitting, &cni_picture_network, width > 640 ? width : 640, arcs + high + 26 + names + 34);
    if (!s.scene) return NULL;
    cni_scene_caption(s.scene,
                      "%d layers, %s weights, %s multiply-adds for one image; the highest fill is the layer "
                      "with most of them.",
                      a->count - a->description->input_count, CNI_SHOW(count, cni_amount_sum(a->params)),
                      CNI_SHOW(short, a->macs));
    for (int i = 0; i < a->count; i++)
        for (int j = 0; s.width[i] > 0 && j < a->nodes[i].input_count; j++)
            draw_edge(&s, block_of(a, a->nodes[i].inputs[j]), i);
    for (int i = 0; i < a->count; i++)
        if (s.width[i] > 0) draw_block(&s, i, s.floor + high / 2 + 24);
    const double y = s.floor + high / 2 + 26 + names + 22;
    double x = cni_scene_legend(s.scene, CNI_SCENE_LEFT, y, CNI_INK_INPUT, CNI_INK_INPUT_EDGE, 0, "input");
    x = cni_scene_legend(s.scene, x, y, CNI_INK_OUTPUT, CNI_INK_OUTPUT_EDGE, 0,
                         "layer: height = map, width = channels");
    x = cni_scene_legend(s.scene, x, y, CNI_INK_WINDOW, CNI_INK_WINDOW, 0, "share of the multiply-adds");
    cni_scene_legend(s.scene, x, y, CNI_INK_NONE, CNI_INK_SECOND, CNI_MARK_DASHED, "skip");
    return s.scene;
}

const cni_picture cni_picture_network = {
    .id = "D8",
    .name = "network",
    .what = "the network as a strip of blocks",
    .fits = always,
    .draw = draw_strip,
};

/* ---- D9 ---- */

enum { MOST_ROWS = 60, BAR = 150, COLUMN = 230 };

typedef struct cost {
    const char *what;
    int64_t (*of)(const cni_explained *node);
} cost;

static int64_t weights_of(const cni_explained *node)
{
    return cni_amount_sum(node->params);
}

static int64_t macs_of(const cni_explained *node)
{
    return node->macs > 0 ? node->macs : 0;
}

static int64_t bytes_of(const cni_explained *node)
{
    return node->bytes_out > 0 ? node->bytes_out : 0;
}

static const cost costs[] = {{"weights", weights_of}, {"multiply-adds", macs_of}, {"output, bytes", bytes_of}};

static int rows_of(const cni_analysis *a, const cni_explained **rows)
{
    int count = 0;
    for (int i = 0; i < a->count && count < MOST_ROWS; i++)
        if (is_block(a->nodes + i)) rows[count++] = a->nodes + i;
    return count;
}

static void draw_column(cni_scene *scene, const cost *c, double x, double y, const cni_explained *const *rows,
                        int count)
{
    int64_t most = 1;
    for (int i = 0; i < count; i++)
        if (c->of(rows[i]) > most) most = c->of(rows[i]);
    cni_scene_text(scene, x, y - 6, 11, 0, CNI_INK_TEXT, CNI_MARK_BOLD, "%s", c->what);
    for (int i = 0; i < count; i++) {
        const int64_t value = c->of(rows[i]);
        const double length = BAR * (double)value / (double)most, top = y + 15.0 * i;
        if (value <= 0) continue; /* nothing, or not known */
        cni_mark *bar = cni_scene_rect(scene, x, top, length, 11, CNI_INK_FIELD, CNI_INK_FIELD, 0);
        if (bar) bar->opacity = 0.45;
        cni_scene_text(scene, x + length + 5, top + 9.5, 10, 0, CNI_INK_TEXT, 0, "%s",
                       c->of == bytes_of ? CNI_SHOW(bytes, value) : CNI_SHOW(short, value));
    }
}

static cni_scene *draw_costs(const cni_sitting *sitting)
{
    const cni_analysis *a = sitting->explanation->analysis;
    const cni_explained *rows[MOST_ROWS];
    const int count = rows_of(a, rows), shown = (int)(sizeof costs / sizeof *costs);
    const double left = CNI_SCENE_LEFT + 170, top = CNI_SCENE_TOP + 22;
    cni_scene *scene = cni_scene_of(sitting, &cni_picture_costs, left + COLUMN * shown, 22 + 15.0 * count + 24);
    if (!scene) return NULL;
    cni_scene_caption(scene, "%s weights, %s multiply-adds for one image%s.",
                      CNI_SHOW(count, weights_of(&(cni_explained){.params = a->params})), CNI_SHOW(short, a->macs),
                      count == MOST_ROWS ? "; the first 60 layers" : "");
    for (int i = 0; i < count; i++)
        cni_scene_text(scene, left - 10, top + 15.0 * i + 9.5, 10.5, 1, CNI_INK_TEXT, 0, "%.26s", rows[i]->name);
    for (int i = 0; i < shown; i++) draw_column(scene, costs + i, left + COLUMN * i, top, rows, count);
    return scene;
}

const cni_picture cni_picture_costs = {
    .id = "D9",
    .name = "costs",
    .what = "weights, multiply-adds and memory of each layer",
    .fits = always,
    .draw = draw_costs,
};
