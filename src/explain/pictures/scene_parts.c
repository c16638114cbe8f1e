/* SPDX-License-Identifier: Apache-2.0
 * What pictures have in common: title, caption, legend, cells with a gap. */
#include "explain/pictures/scenes.h"

#include "base/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- title and caption ---- */

static const char *title_of(const cni_sitting *sitting, const cni_picture *picture)
{
    const cni_analysis *analysis = sitting->explanation->analysis;
    const cni_explained *node = sitting->node;
    const char *name = sitting->explanation->description->name;
    if (!node) return cni_arena_printf(sitting->arena, "%s: %s", name ? name : "network", picture->what);
    const char *call = cni_show_call(sitting->arena, analysis->description, node->layer);
    return cni_arena_printf(sitting->arena, "%s   %s", node->name, call ? call : "");
}

cni_scene *cni_scene_of(const cni_sitting *sitting, const cni_picture *picture, double width, double height)
{
    const cni_explained *node = sitting->node;
    char file[160];
    snprintf(file, sizeof file, "%s%s%s", node ? node->name : "", node ? "-" : "", picture->name);
    for (char *c = file; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *c)) *c = '_';
    cni_scene *scene =
        cni_scene_new(sitting->arena, picture->id, cni_arena_text(sitting->arena, file), width, CNI_SCENE_TOP + height);
    if (!scene) return NULL;
    const char *title = title_of(sitting, picture);
    scene->title = title ? title : "";
    scene->failed |= !title || !scene->name;
    const double needed = 2 * CNI_SCENE_LEFT + cni_scene_text_width(scene->title, 14, CNI_MARK_BOLD);
    if (needed > scene->width) scene->width = needed < 900 ? needed : 900;
    cni_scene_text(scene, CNI_SCENE_LEFT, 26, 14, 0, CNI_INK_TEXT, CNI_MARK_BOLD, "%s", scene->title);
    return scene;
}

/* Long captions take a second line, in a wider picture if need be. */
void cni_scene_caption(cni_scene *scene, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = cni_arena_text(scene->arena, text);
    scene->failed |= !kept;
    if (!kept) return;
    scene->caption = kept;
    const double size = 11.5, letter = 0.55 * size;
    const double half = 2 * CNI_SCENE_LEFT + letter * 0.56 * (double)cni_columns_of(kept);
    if (scene->width < half) scene->width = half;
    const int columns = (int)((scene->width - 2 * CNI_SCENE_LEFT) / letter);
    double y = 43;
    for (const char *at = kept; *at; y += 14) {
        const size_t length = cni_wrap(at, columns, true);
        if (!length) break;
        cni_scene_text(scene, CNI_SCENE_LEFT, y, size, 0, CNI_INK_QUIET, 0, "%.*s", (int)length, at);
        at += length;
    }
}

double cni_scene_legend(cni_scene *scene, double x, double y, cni_scene_ink fill, cni_scene_ink stroke, unsigned flags,
                        const char *text)
{
    cni_scene_rect(scene, x, y - 10, 14, 12, fill, stroke, flags);
    cni_scene_text(scene, x + 20, y, 11, 0, CNI_INK_QUIET, 0, "%s", text);
    return x + 20 + cni_scene_text_width(text, 11, 0) + 18;
}

/* ---- cells ---- */

cni_track cni_track_of(int64_t first, int64_t last, int whole, int corner, double start, double size)
{
    cni_track track = {.first = first, .last = last, .start = start, .size = size, .gap = size * 1.6};
    const int64_t count = last - first + 1;
    if (count <= whole || count <= 2 * corner + 1)
        track.head = (int)(count > 0 ? count : 0);
    else
        track.head = track.tail = corner;
    return track;
}

int cni_track_count(const cni_track *track)
{
    return track->head + track->tail;
}

int64_t cni_track_cell(const cni_track *track, int i)
{
    return i < track->head ? track->first + i : track->last - (track->head + track->tail - 1 - i);
}

bool cni_track_place(const cni_track *track, int64_t cell, double *at)
{
    const int64_t from_first = cell - track->first, from_last = track->last - cell;
    if (from_first >= 0 && from_first < track->head)
        *at = track->start + track->size * (double)from_first;
    else if (from_last >= 0 && from_last < track->tail)
        *at = track->start + track->size * (double)(track->head + track->tail - 1 - from_last) + track->gap;
    else
        return false;
    return true;
}

bool cni_track_span(const cni_track *track, int64_t from, int64_t to, double *begin, double *end)
{
    bool any = false;
    for (int i = 0; i < cni_track_count(track); i++) {
        const int64_t cell = cni_track_cell(track, i);
        double at;
        if (cell < from || cell > to || !cni_track_place(track, cell, &at)) continue;
        if (!any) *begin = at;
        *end = at + track->size;
        any = true;
    }
    return any;
}

double cni_track_end(const cni_track *track)
{
    return track->start + track->size * (double)cni_track_count(track) + (track->tail ? track->gap : 0);
}

/* ---- axes ---- */

const cni_axis *cni_rows_of(const cni_explained *node)
{
    return node->view.spatial >= 2 ? node->axis + node->view.spatial - 2 : NULL;
}

const cni_axis *cni_columns_of_map(const cni_explained *node)
{
    return node->axis + node->view.spatial - 1;
}
