/* SPDX-License-Identifier: Apache-2.0
 * What a network has learned, as pictures: the kernels of its convolutions, the feature maps of one image. */
#include "explain/drawing.h"
#include "explain/analysis/features.h"
#include "explain/pictures/scenes.h"

#include <cornu/data.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TILES = 64, ACROSS = 8, GAP = 8 };

typedef struct showing {
    cn_explanation *explanation;
    const char *folder, *layer;
    cni_picture_format format;
    cni_scene_theme theme;
    int count;
    cni_error *error;
} showing;

/* Numbers of a picture: value(y, x, channel) = values[y * row + x * column + channel * step]. */
typedef struct tile {
    const float *values;
    int64_t rows, columns, row, column, step;
    int channels; /* 1 or 3 */
} tile;

static void find_range(const tile *t, float *low, float *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t y = 0; y < t->rows; y++)
        for (int64_t x = 0; x < t->columns; x++)
            for (int c = 0; c < t->channels; c++) {
                const float value = t->values[y * t->row + x * t->column + c * t->step];
                if (!isfinite(value)) continue;
                *low = fminf(*low, value);
                *high = fmaxf(*high, value);
            }
}

static uint8_t shade(float value, float low, float high)
{
    if (!(high > low) || !isfinite(value)) return 128;
    return (uint8_t)lrintf(255 * (value - low) / (high - low));
}

static uint8_t *pixels_of(cni_arena *arena, const tile *t, float low, float high)
{
    uint8_t *pixels = cni_arena_array(arena, (size_t)(t->rows * t->columns), (size_t)t->channels), *to = pixels;
    for (int64_t y = 0; pixels && y < t->rows; y++)
        for (int64_t x = 0; x < t->columns; x++)
            for (int c = 0; c < t->channels; c++)
                *to++ = shade(t->values[y * t->row + x * t->column + c * t->step], low, high);
    return pixels;
}

/* Small things are shown large: whole numbers of dots for a cell. */
static double scale_for(int64_t rows, int64_t columns)
{
    const double side = (double)(rows > columns ? rows : columns);
    const double scale = floor(80 / side);
    return scale >= 1 ? scale : fmax(112 / side, 0.25);
}

static void add_tile(cni_scene *scene, const tile *t, int index, double scale, const char *label)
{
    float low, high;
    find_range(t, &low, &high);
    const double wide = (double)t->columns * scale, high_ = (double)t->rows * scale;
    const double x = CNI_SCENE_LEFT + (wide + GAP) * (index % ACROSS);
    const double y = CNI_SCENE_TOP + 8 + (high_ + GAP + 12) * (index / ACROSS);
    const uint8_t *pixels = pixels_of(scene->arena, t, low, high);
    scene->failed |= !pixels;
    if (!pixels) return;
    cni_scene_image(scene, x, y, wide, high_, pixels, (int)t->columns, (int)t->rows, t->channels);
    cni_scene_rect(scene, x, y, wide, high_, CNI_INK_NONE, CNI_INK_LINE, 0);
    if (high > low)
        cni_scene_text(scene, x, y + high_ + 10, 8.5, 0, CNI_INK_QUIET, 0, "%s", label);
    else /* a dead map, most often */
        cni_scene_text(scene, x, y + high_ + 10, 8.5, 0, CNI_INK_QUIET, 0, "%s: all %.3g", label, (double)low);
}

static cni_scene *new_sheet(showing *s, cni_arena *arena, const char *name, const char *what, int tiles, int64_t rows,
                            int64_t columns)
{
    const double scale = scale_for(rows, columns);
    const int across = tiles < ACROSS ? tiles : ACROSS, down = (tiles + ACROSS - 1) / ACROSS;
    char file[160];
    snprintf(file, sizeof file, "%.120s-%s", name, what);
    for (char *c = file; *c; c++)
        if (*c == '/' || (unsigned char)*c <= ' ') *c = '_';
    const double width = 2 * CNI_SCENE_LEFT + ((double)columns * scale + GAP) * across;
    cni_scene *scene = cni_scene_new(arena, what, cni_arena_text(arena, file), width > 420 ? width : 420,
                                     CNI_SCENE_TOP + 20 + ((double)rows * scale + GAP + 12) * down);
    if (!scene) cni_no_memory(s->error, "a picture");
    if (!scene) return NULL;
    scene->title = cni_arena_printf(arena, "%s   %s", name, what);
    if (!scene->title) scene->title = "";
    cni_scene_text(scene, CNI_SCENE_LEFT, 26, 14, 0, CNI_INK_TEXT, CNI_MARK_BOLD, "%s", scene->title);
    return scene;
}

static cn_status finish(showing *s, const cni_scene *scene)
{
    CN_TRY(cni_scene_save(scene, s->theme, s->format, s->folder, s->error));
    s->count++;
    return CN_OK;
}

/* ---- kernels: [rows, columns, channels, filters] ---- */

static tile kernel_tile(const cni_variable *kernel, int64_t channel, int64_t filter)
{
    const int64_t *d = kernel->shape.dims;
    const bool colours = d[2] == 3;
    return (tile){.values = kernel->data + (colours ? 0 : channel * d[3]) + filter,
                  .rows = d[0],
                  .columns = d[1],
                  .row = d[1] * d[2] * d[3],
                  .column = d[2] * d[3],
                  .step = d[3],
                  .channels = colours ? 3 : 1};
}

static cn_status show_kernels(showing *s, const cn_layer *layer)
{
    const cni_variable *kernel = layer->weight_count ? layer->weights[0] : NULL;
    if (!(layer->kind->traits & CNI_IS_CONVOLUTION) || !kernel || !kernel->data || kernel->shape.rank != 4)
        return CN_OK;
    const int64_t *d = kernel->shape.dims;
    if (d[0] * d[1] < 2) return CN_OK; /* a 1x1 kernel has no picture */
    const int64_t channels = d[2] == 3 ? 1 : d[2], all = channels * d[3];
    const int tiles = (int)(all < MOST_TILES ? all : MOST_TILES);
    cni_arena arena = {0};
    cni_scene *scene = new_sheet(s, &arena, layer->name, "kernels", tiles, d[0], d[1]);
    cn_status status = scene ? CN_OK : s->error->status;
    for (int i = 0; scene && i < tiles; i++) {
        const tile t = kernel_tile(kernel, i / d[3], i % d[3]);
        char label[40];
        snprintf(label, sizeof label, channels > 1 ? "%d of channel %d" : "%d", (int)(i % d[3]), (int)(i / d[3]));
        add_tile(scene, &t, i, scale_for(d[0], d[1]), label);
    }
    if (scene) {
        cni_scene_caption(scene,
                          "%d of %" PRId64 " kernels of %" PRId64 "x%" PRId64
                          "%s; each from its least weight (black) to "
                          "its largest (white).",
                          tiles, all, d[0], d[1], d[2] == 3 ? ", in the colours that they answer to" : "");
        status = finish(s, scene);
    }
    cni_arena_free(&arena);
    return status;
}

/* ---- feature maps ---- */

static tile feature_tile(const cni_feature *f, bool first, int64_t channel)
{
    const int64_t *d = f->shape.dims;
    return first ? (tile){.values = f->values + channel * d[2] * d[3],
                          .rows = d[2],
                          .columns = d[3],
                          .row = d[3],
                          .column = 1,
                          .channels = 1}
                 : (tile){.values = f->values + channel,
                          .rows = d[1],
                          .columns = d[2],
                          .row = d[2] * d[3],
                          .column = d[3],
                          .channels = 1};
}

static bool is_worth_showing(const cn_layer *layer)
{
    return !(layer->kind->traits & (CNI_IS_NOTHING | CNI_IS_DROPOUT | CNI_IS_PADDING | CNI_IS_CROPPING | CNI_IS_INPUT));
}

static cn_status show_features(showing *s, const cni_feature *f, bool first)
{
    const int64_t channels = f->shape.dims[first ? 1 : 3];
    const tile one = feature_tile(f, first, 0);
    const int tiles = (int)(channels < MOST_TILES ? channels : MOST_TILES);
    if (!is_worth_showing(f->layer) || one.rows * one.columns < 4) return CN_OK;
    cni_arena arena = {0};
    cni_scene *scene = new_sheet(s, &arena, f->layer->name, "features", tiles, one.rows, one.columns);
    cn_status status = scene ? CN_OK : s->error->status;
    float low, high, least = INFINITY, most = -INFINITY;
    for (int i = 0; scene && i < tiles; i++) {
        const tile t = feature_tile(f, first, i);
        char label[40];
        find_range(&t, &low, &high);
        least = fminf(least, low);
        most = fmaxf(most, high);
        snprintf(label, sizeof label, "%d", i);
        add_tile(scene, &t, i, scale_for(one.rows, one.columns), label);
    }
    if (scene) {
        cni_scene_caption(
            scene,
            "%d of %" PRId64 " maps of %" PRId64 "x%" PRId64 " (%s); each from its least value (black) to its "
            "largest (white); all lie between %.3g and %.3g.",
            tiles, channels, one.rows, one.columns, f->layer->kind->kind.name, (double)least, (double)most);
        status = finish(s, scene);
    }
    cni_arena_free(&arena);
    return status;
}

/* ---- all of it ---- */

static void show_layer(void *user, cn_layer *layer, bool frozen)
{
    (void)frozen;
    showing *s = user;
    if (s->error->status || (s->layer && strcmp(s->layer, layer->name) != 0)) return;
    show_kernels(s, layer);
}

static cn_data_format format_of(const cn_model *model)
{
    const cni_shape *shape = &model->inputs[0]->shape;
    const bool last = shape->dims[3] == 1 || shape->dims[3] == 3;
    return !last && (shape->dims[1] == 1 || shape->dims[1] == 3) ? CN_CHANNELS_FIRST : CN_CHANNELS_LAST;
}

static cn_status show_image(showing *s, cn_model *model, const char *path)
{
    const cn_dataset_options options = {.struct_size = sizeof options, .model = model};
    const char *why;
    cn_dataset *data;
    cni_features features = {0};
    const cn_status loaded = cn_dataset_load_inputs(1, &path, &options, &data, &why);
    if (loaded) return cni_fail(s->error, loaded, "%s", why);
    const cn_data *test = cn_dataset_test(data);
    cn_status status = cni_features_run(model, &test->x, &features, s->error);
    const bool first = !status && format_of(model) == CN_CHANNELS_FIRST;
    for (int i = 0; i < features.count && !status; i++)
        if (!s->layer || strcmp(s->layer, features.items[i].layer->name) == 0)
            status = show_features(s, features.items + i, first);
    cni_features_free(&features);
    cn_dataset_free(data);
    return status;
}

static cn_status show(showing *s, const char *image)
{
    cn_model *model = s->explanation->model;
    if (!model)
        return cni_fail(s->error, CN_ERR_INVALID,
                        "%s: a text has no weights, so there is nothing learned to show; give a trained model (.keras)",
                        s->explanation->source);
    CN_TRY(cni_picture_folder(s->folder, s->error));
    CN_TRY(show_image(s, model, image));
    cni_model_layers(model, show_layer, s);
    if (!s->error->status && !s->count)
        return cni_fail(s->error, CN_ERR_INVALID, "%s%s: nothing to draw", s->layer ? "layer " : "",
                        s->layer ? s->layer : s->explanation->source);
    return s->error->status;
}

cn_status cn_explanation_features(cn_explanation *explanation, const char *image, const char *folder,
                                  const char *format, const char *layer, bool dark, int *count)
{
    showing s = {.explanation = explanation,
                 .folder = folder,
                 .layer = layer,
                 .theme = dark ? CNI_THEME_DARK : CNI_THEME_LIGHT,
                 .error = &explanation->error};
    cni_error_clear(s.error);
    cn_status status = cni_picture_format_find(format, &s.format, s.error);
    if (!status) status = show(&s, image);
    if (count) *count = s.count;
    return status;
}
