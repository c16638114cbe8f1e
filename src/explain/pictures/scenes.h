/* SPDX-License-Identifier: Apache-2.0
 * The pictures of an explained network (explain-spec 8.2): one function and one row each. */
#ifndef CNI_SCENES_H
#define CNI_SCENES_H

#include "explain/explanation.h"
#include "explain/pictures/scene.h"

typedef struct cni_picture cni_picture;

/** What a picture is drawn of; scenes live in `arena`. */
typedef struct cni_sitting {
    cni_arena *arena;
    cn_explanation *explanation;
    const cni_explained *node;   /* of a picture of one layer; else NULL */
    const cn_explanation *other; /* that it is compared with, or NULL */
} cni_sitting;

struct cni_picture {
    const char *id, *name; /* "D1", "window" */
    const char *what;      /* one line: for the help, and the title of a picture of the whole network */
    bool of_layer;
    /** Whether it has something to show of this layer (or network). */
    bool (*fits)(const cni_sitting *sitting);
    /** NULL without memory. */
    cni_scene *(*draw)(const cni_sitting *sitting);
};

/** By id or name; NULL when there is none. */
const cni_picture *cni_picture_find(const char *name);

extern const cni_picture cni_picture_window, cni_picture_ruler, cni_picture_reads, cni_picture_field, cni_picture_comb,
    cni_picture_paint, cni_picture_grids, cni_picture_network, cni_picture_costs, cni_picture_merge, cni_picture_border,
    cni_picture_dead;

/* ---- what the pictures share (scene_parts.c) ---- */

/** A scene with its title (the layer's call, or the network's name) and room for `height` dots below it: everything
 *  goes below CNI_SCENE_TOP. */
enum { CNI_SCENE_TOP = 62, CNI_SCENE_LEFT = 20 };
cni_scene *cni_scene_of(const cni_sitting *sitting, const cni_picture *picture, double width, double height);

/** The sentence under the title and for those who cannot see: call it once, it may widen the scene. */
void cni_scene_caption(cni_scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** One entry of a legend at (x, y): a swatch with its text; returns the x of the next one. */
double cni_scene_legend(cni_scene *scene, double x, double y, cni_scene_ink fill, cni_scene_ink stroke, unsigned flags,
                        const char *text);

/** The cells of one axis that fit on a page: all of them, or the first and last ones with a gap between.
 *
 *      -1 0 1 2 3 4 5 6 7  ..  122 123 124 125 126 127 128 */
enum { CNI_TRACK = 128 };
typedef struct cni_track {
    int64_t first, last;
    int head, tail; /* cells shown before and behind the gap; tail 0: all are shown */
    double start, size, gap;
} cni_track;

/** At most `whole` cells are shown whole, otherwise `corner` cells on each side. */
cni_track cni_track_of(int64_t first, int64_t last, int whole, int corner, double start, double size);
/** Cells shown, and the i-th of them. */
int cni_track_count(const cni_track *track);
int64_t cni_track_cell(const cni_track *track, int i);
/** Where a cell begins; false when it is not shown. */
bool cni_track_place(const cni_track *track, int64_t cell, double *at);
/** The part of cells from..to that is shown, as two ends; false when nothing is. */
bool cni_track_span(const cni_track *track, int64_t from, int64_t to, double *begin, double *end);
double cni_track_end(const cni_track *track);

/** The axes of a node's map that a flat picture shows: rows (NULL for a map of one axis) and columns. */
const cni_axis *cni_rows_of(const cni_explained *node);
const cni_axis *cni_columns_of_map(const cni_explained *node);

#endif
