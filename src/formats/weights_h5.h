/* SPDX-License-Identifier: Apache-2.0
 * model.weights.h5: the weights and the optimizer's state, by the structure of the model (keras-semantics 6.2). */
#ifndef CNI_WEIGHTS_H5_H
#define CNI_WEIGHTS_H5_H

#include "formats/hdf5/hdf5.h"
#include "model/model.h"

/** Takes every weight of a built model, each checked against its shape before a byte is copied; the optimizer's state
 *  too where the file has one that fits.  A failure changes nothing: what a model has already is replaced only when all
 *  has been read, from the arena. */
cn_status cni_weights_read(cn_model *model, cni_h5_object *root, cni_arena *arena, cni_error *error);

cn_status cni_weights_write(cn_model *model, cni_arena *arena, cni_buffer *out, cni_error *error);

#endif
