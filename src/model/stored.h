/* SPDX-License-Identifier: Apache-2.0
 * Weights that need not be in memory: a model that was loaded for predicting keeps its file open, plans drop the pages
 * of weights that they have packed, and who wants the weights themselves reads them again. */
#ifndef CNI_STORED_H
#define CNI_STORED_H

#include "model/model.h"

#include <sys/stat.h>

/** Keeps `path` open, from which the model has just been read; `before` is how the file looked before that.  No
 * failure: then the weights stay in memory. */
void cni_model_keep_file(cn_model *model, const char *path, const struct stat *before);

/** Reads again what was dropped. */
cn_status cni_model_read_dropped(cn_model *model, cni_error *error);

/** From here on nothing is dropped any more: training changes weights.  Whatever was dropped has been read again. */
void cni_model_forget_file(cn_model *model);

#endif
