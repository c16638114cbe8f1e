/* SPDX-License-Identifier: Apache-2.0
 * A network that was read and examined, and the views of it.  A view is a function that appends to a page; pages are
 * plain text of a width.  What a view prints is computed before: views only lay out. */
#ifndef CNI_EXPLANATION_H
#define CNI_EXPLANATION_H

#include "base/text.h"
#include "explain/analysis/figures.h"
#include "explain/rules/finding.h"

#include <cornu/explain.h>

/** Whose way of counting the last column follows (counting.c). */
typedef struct cni_counting {
    const char *name;   /* "torchinfo" */
    const char *column; /* "MACs" */
    const char *what;   /* the convention, in a line */
    int64_t (*count)(const cni_analysis *analysis, const cni_explained *node);
    bool no_statistics; /* running means and variances are no parameters */
} cni_counting;

/** The parameters of a node, or of all when it is NULL, as the explanation counts them. */
int64_t cni_counted_params(const cn_explanation *explanation, const cni_explained *node);

/** NULL for a name that is not known.  The first row is Cornu's own. */
const cni_counting *cni_counting_find(const char *name);
extern const cni_counting cni_countings[];
extern const int cni_counting_count;

struct cn_explanation {
    cni_arena arena;
    const char *source;       /* what the headline calls it: the path, or "<text>" */
    cn_explain_options given; /* its texts live in the arena */
    const cni_counting *counting;
    cni_description *description; /* as it was read */
    cni_description *flat;
    cni_analysis *analysis;
    cni_findings *findings;
    cn_model *model;      /* that a file held; NULL for a text */
    bool batched;         /* a batch was asked for: training's memory is told */
    bool translated;      /* from the other framework's words: its text is not the user's */
    cni_error unmeasured; /* why there are no measured times */
    cni_error error;
    cni_text text; /* the last view */
};

/* ---- pages (page.c) ---- */

typedef enum cni_tint { CNI_PLAIN, CNI_BOLD, CNI_FAINT, CNI_RED, CNI_YELLOW, CNI_BLUE, CNI_GREEN } cni_tint;

typedef struct cni_page {
    cni_text *out;
    int width;
    bool ascii, colour;
} cni_page;

/** Appends `text` in a tint; control characters become "?", and with `ascii` what is not ASCII too. */
void cni_page_text(cni_page *page, cni_tint tint, const char *text);
/** The same in at least `columns` columns (negative: right-aligned), cut with an ellipsis when it is longer. */
void cni_page_cell(cni_page *page, cni_tint tint, int columns, const char *text);
/** The same for a name, which is cut in its middle: names of layers differ at their ends. */
void cni_page_name(cni_page *page, cni_tint tint, int columns, const char *name);
void cni_page_printf(cni_page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The end of a line, without the blanks before it. */
void cni_page_end(cni_page *page);

/** Pieces of a line that are kept together: they are joined by three blanks and go to the next line, after `indent`
 *  blanks, when the line is full.  `column`: where the line stands, updated. */
void cni_page_piece(cni_page *page, int *column, int indent, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** A paragraph within the width, `first` blanks before its first line and `indent` before the others. */
void cni_page_paragraph(cni_page *page, int first, int indent, const char *text);

/** "left" and "right" on one line, `columns` wide when that is room enough. */
void cni_page_sides(cni_page *page, cni_tint tint, const char *left, const char *right, int columns);

/* ---- views: false after cni_fail in explanation->error ---- */

bool cni_view_summary(cn_explanation *explanation, cni_page *page);
bool cni_view_findings(cn_explanation *explanation, cni_page *page);
bool cni_view_card(cn_explanation *explanation, const cni_explained *node, cni_page *page);
bool cni_view_json(cn_explanation *explanation, cni_page *page);
bool cni_view_markdown(cn_explanation *explanation, cni_page *page);
bool cni_view_html(cn_explanation *explanation, cni_page *page);
/** `view`: JSON, Markdown; any other is the terminal. */
bool cni_view_compare(cn_explanation *a, cn_explanation *b, cn_explain_view view, bool full, cni_page *page);
/** A string of JSON; NULL is null. */
void cni_json_string(cni_text *out, const char *string);
/** Text in which nothing is markup. */
void cni_markdown_plain(cni_text *out, const char *text);

/* ---- words that several views use (words.c) ---- */

/** The worst severity of the findings at a node, or -1. */
int cni_node_severity(const cn_explanation *explanation, const cni_explained *node);
/** The name; "input" for the only input of a text, when it was not given one. */
const char *cni_shown_name(const cn_explanation *explanation, const cni_explained *node);
/** The node that is called so, by its name or the name it is shown by; NULL when there is none. */
const cni_explained *cni_shown_find(const cn_explanation *explanation, const char *name);
/** "32x32x3", in the order of the framework; with formulas for sizes that are not known: "(H-2)x(W-2)x8". */
char *cni_show_map(const cni_explained *node, const char *by, char *buffer, size_t size);
/** "3x3/2", "-". */
char *cni_show_window(const cni_explained *node, char *buffer, size_t size);
/** "0,1/0,1": top, bottom / left, right. */
char *cni_show_pads(const cni_explained *node, char *buffer, size_t size);
/** The layer as a call: what was written, or what its configuration says: Conv2D(64, 5, strides=2). */
char *cni_show_call(cni_arena *arena, const cni_description *description, const cni_described_layer *layer);
/** "mnist.py:9:5", or "" where the place is not known. */
char *cni_show_place(const cn_explanation *explanation, cni_span span, char *buffer, size_t size);
/** The place of a layer, or of something in its call: of one that a function makes, where that is called comes first:
 *  "resnet.py:31:9 in block() at line 12". */
char *cni_show_finding_place(const cn_explanation *explanation, const cni_finding *finding, char *buffer, size_t size);
char *cni_show_site(const cn_explanation *explanation, const cni_described_layer *layer, cni_span span, char *buffer,
                    size_t size);
/** What a fix changes: "6x6x64, params +7,040, MACs +0.3 %". */
void cni_show_cost(const cni_fix *fix, char *text, size_t size);
const char *cni_severity_name(cni_severity severity);
/** Node of the last window on the map that all fields refer to; NULL. */
const cni_explained *cni_last_map(const cn_explanation *explanation);

#endif
