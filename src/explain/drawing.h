/* SPDX-License-Identifier: Apache-2.0
 * What lies between the library and the drawing module, cornu-draw.so (src/explain/draw): plain data and one table of
 * functions.  The module knows nothing of models; the library knows nothing of cairo. */
#ifndef CNI_DRAWING_H
#define CNI_DRAWING_H

#include "base/error.h"
#include "explain/pictures/scene.h"

#include <cornu/cornu.h>

#include <stdbool.h>
#include <stddef.h>

typedef enum cni_picture_format { CNI_PICTURE_PNG, CNI_PICTURE_SVG, CNI_PICTURE_PDF } cni_picture_format;

/** One curve.  What is not finite interrupts it. */
typedef struct cni_series {
    const char *name;
    char note[64]; /* behind the name in the legend */
    int colour;    /* among the module's */
    bool second;   /* open marks: the validation's */
    bool dashed;
    int best; /* the point that gets a ring, or -1 */
    int count;
    double *x, *y;
} cni_series;

typedef struct cni_panel {
    char label[64]; /* of the upright axis */
    cni_series *series;
    int count;
} cni_panel;

enum { CNI_MAX_PANELS = 4 };

/** Panels over one kind of x; x is whole (epochs). */
typedef struct cni_chart {
    const char *x_label;
    cni_panel panels[CNI_MAX_PANELS];
    int count;
} cni_chart;

/** Takes the next bytes of a picture; false when it cannot. */
typedef bool cni_picture_sink(void *user, const void *bytes, size_t size);

/** What the inks of a scene look like: 0xRRGGBB each. */
typedef struct cni_scene_palette {
    uint32_t colours[CNI_INKS];
} cni_scene_palette;

/** The module's only symbol, CNI_DRAWING_SYMBOL, is one of these. */
typedef struct cni_drawing {
    unsigned version;
    cn_status (*chart)(const cni_chart *chart, cni_picture_format format, cni_picture_sink *sink, void *user,
                       char *message, size_t message_size);
    cn_status (*scene)(const cni_scene *scene, const cni_scene_palette *palette, cni_picture_format format,
                       cni_picture_sink *sink, void *user, char *message, size_t message_size);
} cni_drawing;

#define CNI_DRAWING_SYMBOL "cn_drawing"
enum { CNI_DRAWING_VERSION = 2 };

/** What there is to draw of a training; freed by cni_chart_free, also after an error. */
cn_status cni_chart_of_history(const cn_history *history, cni_chart *chart, cni_error *error);
void cni_chart_free(cni_chart *chart);

/** Writes a scene to a file in the given format: SVG as text by ourselves, PNG and PDF by the module. */
cn_status cni_scene_write(const cni_scene *scene, cni_scene_theme theme, cni_picture_format format, const char *path,
                          cni_error *error);

/** The same as FOLDER/NAME.SUFFIX, by the scene's name. */
cn_status cni_scene_save(const cni_scene *scene, cni_scene_theme theme, cni_picture_format format, const char *folder,
                         cni_error *error);

/** Makes a folder for pictures; one that is there already is as good. */
cn_status cni_picture_folder(const char *folder, cni_error *error);

/** "svg", "png" or "pdf". */
cn_status cni_picture_format_find(const char *name, cni_picture_format *format, cni_error *error);

/** Loads the module; it stays loaded. */
cn_status cni_drawing_open(const cni_drawing **drawing, cni_error *error);

#endif
