/* SPDX-License-Identifier: Apache-2.0
 * From a text with Keras or PyTorch code to a description (explain-spec 11).  The text is parsed and its constants
 * computed; nothing is ever run.
 *
 *     text --syntax.h--> tree --evaluate--> layers, calls, models --> description
 */
#ifndef CNI_SOURCE_H
#define CNI_SOURCE_H

#include "base/text.h"
#include "model/description.h"

/** Reads a text.  `file` names it in messages; `model` selects one of several models (NULL: the last).  A text that
 *  holds errors gives a description all the same, as far as it goes, with the errors in its remarks; only a lack of
 *  memory, or a text that is not UTF-8 or larger than 1 MiB, fails here.  A lone layer or a list of layers is a model
 *  too.  The arena must outlive the description; the text is copied. */
cn_status cni_source_read(cni_arena *arena, const char *text, size_t size, const char *file, const char *model,
                          cni_description **out, cni_error *error);

/** Whether an argument is code itself and no file's name: it holds a bracket or a newline, and no such file exists. */
bool cni_source_is_code(const char *argument);

/** Whether a file's name says that it is a model or data (.keras, .h5, .json, ...): with a text in it, it is damaged.
 */
bool cni_source_is_model_name(const char *file);

/** Whether bytes are likely to be such a text: not a zip, HDF5 or JSON file, and no control characters. */
bool cni_source_detect(const char *text, size_t size);

/** The sizes of one input without the batch, in the framework's order; 0 ends. */
typedef int64_t cni_source_size[CNI_MAX_SPATIAL + 1];

/** Reads "128x128x3", of several inputs "128x128x3,10".  Of PyTorch's networks sizes with the channels last, as Keras
 *  has them, are turned round.  `sizes` are 0 before. */
cn_status cni_source_sizes(const char *text, cni_dialect dialect, cni_source_size sizes[CN_MAX_ARRAYS], int *count,
                           cni_error *error);

/** Whether the text tells the sizes of all inputs; the batch may be free. */
bool cni_source_knows_input(const cni_description *description);

/** Gives the inputs of a description these sizes, as "# cornu: input 128x128x3" asks for. */
cn_status cni_source_set_input(cni_description *description, const char *text, cni_error *error);

/** "file:4:31: error I803: Conv2D() has no argument 'stride'" with the source line, a caret and the hint below it, as
 *  9.5 of the specification has it.  Words that would go beyond `width` columns (0: 160) go on below, and of a longer
 *  source line the part around the caret is shown. */
void cni_remark_print(cni_text *out, const cni_description *description, const cni_remark *remark, int width);

#endif
