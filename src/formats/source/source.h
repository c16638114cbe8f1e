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

/** Whether bytes are likely to be such a text: not a zip, HDF5 or JSON file, and no control characters. */
bool cni_source_detect(const char *text, size_t size);

/** "file:4:31: error I803: Conv2D() has no argument 'stride'" with the source line, a caret and the hint below it, as
 *  9.5 of the specification has it. */
void cni_remark_print(cni_text *out, const cni_description *description, const cni_remark *remark);

#endif
