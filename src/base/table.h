/* SPDX-License-Identifier: Apache-2.0
 * Tables for terminals, line for line as Python's rich draws them (it draws Keras' summaries), and wrapped text.
 * Widths are columns of a terminal: a CJK character takes two, a combining mark none.  Control characters, which a
 * hostile file may have put into a name, are shown as '?'. */
#ifndef CNI_TABLE_H
#define CNI_TABLE_H

#include "base/text.h"

typedef enum cni_align { CNI_ALIGN_LEFT, CNI_ALIGN_RIGHT, CNI_ALIGN_CENTER } cni_align;

typedef struct cni_column {
    const char *header;
    cni_align align;
    int width; /* of the text; a blank is added on each side */
} cni_column;

/** Columns that a text takes on a terminal. */
size_t cni_columns_of(const char *text);

/** Bytes of the line that `text` begins with when it is wrapped at blanks to `width` columns; the blanks at its end are
 *  counted in.  A longer word is cut where the line ends (`fold`) or makes a line of its own, too long.  0 at the end
 *  of the text. */
size_t cni_wrap(const char *text, int width, bool fold);

/** The text in lines of at most `width` columns, each with its newline. */
void cni_wrapped(cni_text *out, const char *text, int width);

/** A paragraph: wrapped lines, each after `indent` blanks (but `first` blanks before the first), all within `width`. */
void cni_paragraph(cni_text *out, const char *text, int first, int indent, int width);

/** Header, rows, end.  What does not fit into its cell is wrapped; a longer word is cut and ends in an ellipsis. */
void cni_table_begin(cni_text *out, const cni_column *columns, int count);
void cni_table_row(cni_text *out, const cni_column *columns, int count, const char *const *cells, bool first);
void cni_table_end(cni_text *out, const cni_column *columns, int count);

#endif
