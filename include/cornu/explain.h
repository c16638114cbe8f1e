/* SPDX-License-Identifier: Apache-2.0
 *
 * Cornu: pictures of what a model does.
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

#ifdef __cplusplus
extern "C" {
#endif

/** Draws the curves of a training: the losses in one panel, the metrics in another (those from 0 to 1 apart from the
 *  others), a learning rate that changes in one of its own.  The suffix of the path tells the format: .png, .svg or
 *  .pdf.  The file is replaced in one step. */
CN_API cn_status cn_plot_history(const cn_history *history, const char *path, const char **error);

#ifdef __cplusplus
}
#endif

#endif
