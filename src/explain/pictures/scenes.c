/* SPDX-License-Identifier: Apache-2.0
 * The list of pictures, and drawing them into a folder. */
#include "explain/pictures/scenes.h"

#include "explain/drawing.h"
#include "formats/bytes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const cni_picture *const all[] = {
    &cni_picture_window, &cni_picture_ruler, &cni_picture_reads,  &cni_picture_field,
    &cni_picture_grids,  &cni_picture_comb,  &cni_picture_paint,  &cni_picture_network,
    &cni_picture_costs,  &cni_picture_merge, &cni_picture_border, &cni_picture_dead,
};
enum { PICTURES = sizeof all / sizeof *all };

const cni_picture *cni_picture_find(const char *name)
{
    for (int i = 0; i < PICTURES; i++)
        if (strcasecmp(all[i]->id, name) == 0 || strcasecmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}

/* ---- which ones ---- */

typedef struct drawing {
    cn_explanation *explanation;
    const cn_explanation *other;
    const char *folder, *pictures, *layer;
    cni_picture_format format;
    cni_scene_theme theme;
    int count;
    cni_error *error;
} drawing;

/* Whether "D1,window" names the picture; NULL names all. */
static bool is_wanted(const char *list, const cni_picture *picture)
{
    if (!list) return true;
    for (const char *at = list; *at;) {
        const size_t length = strcspn(at, ",");
        if ((strlen(picture->id) == length && strncasecmp(at, picture->id, length) == 0) ||
            (strlen(picture->name) == length && strncasecmp(at, picture->name, length) == 0))
            return true;
        at += length + (at[length] == ',');
    }
    return false;
}

static cn_status check_list(const char *list, cni_error *error)
{
    for (const char *at = list; at && *at;) {
        const size_t length = strcspn(at, ",");
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)(length < 31 ? length : 31), at);
        if (!cni_picture_find(name))
            return cni_fail(error, CN_ERR_INVALID,
                            "picture \"%s\": there are D1 to D12 (window, ruler, reads, field, ...)", name);
        at += length + (at[length] == ',');
    }
    return CN_OK;
}

static cn_status draw_one(drawing *d, const cni_picture *picture, const cni_explained *node)
{
    cni_arena arena = {0};
    const cni_sitting sitting = {&arena, d->explanation, node, d->other};
    cn_status status = CN_OK;
    if (picture->fits(&sitting)) {
        const cni_scene *scene = picture->draw(&sitting);
        status = scene ? cni_scene_save(scene, d->theme, d->format, d->folder, d->error)
                       : cni_no_memory(d->error, "a picture");
        d->count += !status;
    }
    cni_arena_free(&arena);
    return status;
}

static cn_status draw_of_layers(drawing *d, const cni_picture *picture)
{
    const cni_analysis *analysis = d->explanation->analysis;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        if (node->suspect || node->error.status || !node->input_count) continue;
        if (d->layer && strcmp(node->name, d->layer) != 0) continue;
        CN_TRY(draw_one(d, picture, node));
    }
    return CN_OK;
}

static cn_status draw_all(drawing *d)
{
    CN_TRY(check_list(d->pictures, d->error));
    if (d->layer && !cni_explained_find(d->explanation->analysis, d->layer))
        return cni_fail(d->error, CN_ERR_INVALID, "there is no layer \"%s\"", d->layer);
    CN_TRY(cni_picture_folder(d->folder, d->error));
    for (int i = 0; i < PICTURES; i++) {
        const cni_picture *picture = all[i];
        if (!is_wanted(d->pictures, picture) || (d->layer && !picture->of_layer)) continue;
        CN_TRY(picture->of_layer ? draw_of_layers(d, picture) : draw_one(d, picture, NULL));
    }
    return CN_OK;
}

/* ---- the public face ---- */

static cn_status begin(drawing *d, const char *format)
{
    cni_error_clear(d->error);
    return cni_picture_format_find(format, &d->format, d->error);
}

cn_status cn_explanation_draw(cn_explanation *explanation, const char *folder, const char *format, const char *pictures,
                              const char *layer, bool dark, int *count)
{
    drawing d = {.explanation = explanation,
                 .folder = folder,
                 .pictures = pictures,
                 .layer = layer,
                 .theme = dark ? CNI_THEME_DARK : CNI_THEME_LIGHT,
                 .error = &explanation->error};
    cn_status status = begin(&d, format);
    if (!status) status = draw_all(&d);
    if (count) *count = d.count;
    return status;
}

cn_status cn_explanation_draw_grids(cn_explanation *a, cn_explanation *b, const char *folder, const char *format,
                                    bool dark, int *count)
{
    drawing d = {.explanation = a,
                 .other = b,
                 .folder = folder,
                 .theme = dark ? CNI_THEME_DARK : CNI_THEME_LIGHT,
                 .error = &a->error};
    cn_status status = begin(&d, format);
    if (!status) status = cni_picture_folder(d.folder, d.error);
    if (!status) status = draw_one(&d, &cni_picture_grids, NULL);
    if (count) *count = d.count;
    return status;
}
