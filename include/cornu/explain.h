/* SPDX-License-Identifier: Apache-2.0
 *
 * Cornu: what a network does, layer by layer, what it costs and what is wrong with it; pictures.
 *
 *     cn_explanation *e;
 *     const char *error;
 *     if (cn_explain("model.py", NULL, &e, &error)) { puts(error); return 1; }
 *     fputs(cn_explanation_text(e, CN_EXPLAIN_SUMMARY, NULL), stdout);
 *     cn_explanation_free(e);
 *
 * Drawing is a module (cornu-draw.so) that is loaded when a picture is first asked for, so that programs which draw
 * nothing start quickly and need no drawing library.  It is looked for in the folder that the environment variable
 * CORNU_MODULES names, beside the library or program, and where it is installed (lib/cornu).
 *
 * Functions take `const char **error`: one line, valid until the next call of a function of this header by the same
 * thread; NULL on success.  `error` itself may be NULL.
 */
#ifndef CORNU_EXPLAIN_H
#define CORNU_EXPLAIN_H

#include <cornu/cornu.h>
#include <cornu/data.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------------------------------------- 1. explanations */

/** A network that was read and examined.  Its texts live until it is freed. */
typedef struct cn_explanation cn_explanation;

typedef struct cn_explain_options {
    size_t struct_size;
    const char *input; /* "224x224x3", for several inputs parted by commas; NULL: what the text says */
    const char *model; /* of several models in a text, the one to explain; NULL: the last */
    const char *off;   /* findings to leave out: "P201,C501" */
    const char *only;  /* or the only ones to look for */
    const char *like;  /* whose way of counting: "torchinfo", "tf", "darknet"; NULL: Cornu's own */
    const char *dtype; /* "f32" (default), "f16", "i8": for bytes */
    int batch;         /* default 1 */
    bool measure;      /* run each layer and tell its time beside the expected one */
    bool inplace;      /* element-wise layers reuse a dead input */
} cn_explain_options;

/** Reads and examines a network: a path to source text (Keras or PyTorch code, which is parsed and never run), to a
 *  .keras or .json file; "-" for standard input; or the code itself ("Conv2D(64, 5, strides=2)").  Errors in the text
 *  or the network do not fail here: they are findings.  `options` may be NULL. */
CN_API cn_status cn_explain(const char *source, const cn_explain_options *options, cn_explanation **explanation,
                            const char **error);

/** Floating-point operations for one sample, a multiply-add counted as two: of the forward pass, or of it and the
 *  gradients that training needs.  NaN where they are not known. */
CN_API double cn_explanation_flops(const cn_explanation *explanation, bool training);

/** NULL is accepted. */
CN_API void cn_explanation_free(cn_explanation *explanation);

/** Findings of a severity: 0 note, 1 hint, 2 warning, 3 error. */
CN_API int cn_explanation_count(const cn_explanation *explanation, int severity);

typedef enum cn_explain_view {
    CN_EXPLAIN_SUMMARY, /* the table, and findings */
    CN_EXPLAIN_LAYER,   /* one layer's card: `layer` of the style names it */
    CN_EXPLAIN_FULL,    /* the table and every layer's card */
    CN_EXPLAIN_JSON,    /* for programs: schema 1 */
    CN_EXPLAIN_MARKDOWN,
    CN_EXPLAIN_HTML /* one self-contained page with pictures */
} cn_explain_view;

typedef struct cn_explain_style {
    size_t struct_size;
    const char *layer; /* CN_EXPLAIN_LAYER */
    int width;         /* columns; default 80 */
    bool ascii, colour;
    bool full;            /* comparisons: pairs that are equal row by row, too */
    cn_explain_view view; /* comparisons: CN_EXPLAIN_JSON, CN_EXPLAIN_MARKDOWN; any other: for the terminal */
} cn_explain_style;

/** A view as text, valid until the next call for this explanation.  NULL after an error: cn_explanation_error. */
CN_API const char *cn_explanation_text(cn_explanation *explanation, cn_explain_view view,
                                       const cn_explain_style *style);
CN_API const char *cn_explanation_error(const cn_explanation *explanation);

/** How two networks differ: sizes, sampling grids, border values, defaults; and the code that makes either equal to the
 *  other; between Keras and PyTorch also how weights are carried over.  The text is valid until the next call for `a`.
 */
CN_API const char *cn_explanation_compare(cn_explanation *a, cn_explanation *b, const cn_explain_style *style);

/** The same network in the other framework's words: "torch" with its usual habits, "keras" as exactly as it can be said,
 *  "keras-habits" with padding='same' for PyTorch's padding of half a kernel. */
CN_API cn_status cn_explanation_translate(const cn_explanation *explanation, const char *dialect,
                                          cn_explanation **translated, const char **error);

/** The reasoning behind a finding ("K302"), and what a term means ("receptive field"); NULL if unknown.  A NULL term
 *  gives the list of all. */
CN_API const char *cn_explain_why(const char *id);
CN_API const char *cn_explain_define(const char *term);

/** Draws pictures into a folder, which is made when it is not there: `format` "svg", "png" or "pdf"; `pictures`
 *  "D1,D4" or NULL for those that the network calls for; `dark` for a dark page.  *count tells how many were made. */
CN_API cn_status cn_explanation_draw(cn_explanation *explanation, const char *folder, const char *format,
                                     const char *pictures, const char *layer, bool dark, int *count);

/** Draws the sampling grids of two networks over one image into the folder, as "grids". */
CN_API cn_status cn_explanation_draw_grids(cn_explanation *a, cn_explanation *b, const char *folder, const char *format,
                                           bool dark, int *count);

/** Draws what a trained network has learned, of a model file: the kernels of its convolutions as pictures, and the
 *  feature maps of one image (PNG, JPEG), layer by layer: each map from its least value (black) to its largest (white).
 *  At most 64 kernels and maps of a layer are shown.  `layer` NULL: all layers. */
CN_API cn_status cn_explanation_features(cn_explanation *explanation, const char *image, const char *folder,
                                         const char *format, const char *layer, bool dark, int *count);

/** Draws cn_filter at work: the picture, one window with its numbers, the kernel, the result, side by side.  The suffix
 *  of `out` tells the format: .svg, .png or .pdf. */
CN_API cn_status cn_filter_draw(const char *image, const char *out, const cn_filter_options *options, bool dark,
                                const char **error);

/* ------------------------------------------------------------------------------------------------- 2. trainings */

/** Draws the curves of a training: the losses in one panel, the metrics in another (those from 0 to 1 apart from the
 *  others), a learning rate that changes in one of its own.  The suffix of the path tells the format: .png, .svg or
 *  .pdf.  The file is replaced in one step. */
CN_API cn_status cn_plot_history(const cn_history *history, const char *path, const char **error);

#ifdef __cplusplus
}
#endif

#endif
