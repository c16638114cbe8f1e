/* SPDX-License-Identifier: Apache-2.0
 * .keras, version 3: a zip of metadata.json, config.json and model.weights.h5 (keras-semantics 6.1). */
#ifndef CNI_KERAS_H
#define CNI_KERAS_H

#include "formats/bytes.h"
#include "model/model.h"

/** `path` is for messages. */
cn_status cni_keras_read(const char *path, cni_bytes file, const cn_load_options *options, cni_arena *arena,
                         cn_model **model, cni_error *error);
/** The same members as files of a folder. */
cn_status cni_keras_read_folder(const char *path, const cn_load_options *options, cni_arena *arena, cn_model **model,
                                cni_error *error);
/** After a failure: whether metadata.json tells that Keras 2 wrote the file (2.12 to 2.15 had this suffix too, with
 *  nodes and weights that stand otherwise).  True: that is what *error says then. */
bool cni_keras_2(cni_bytes metadata, cni_arena *arena, cni_error *error);
/** Only the weights, into a built model. */
cn_status cni_keras_read_weights(cn_model *model, cni_bytes file, cni_arena *arena, cni_error *error);

cn_status cni_keras_write(cn_model *model, cni_buffer *out, cni_error *error);

/** A .weights.h5 that lies in memory. */
cn_status cni_weights_from_bytes(cn_model *model, cni_bytes bytes, cni_arena *arena, cni_error *error);

#endif
