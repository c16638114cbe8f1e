/* SPDX-License-Identifier: Apache-2.0
 * Models from values and back: Keras' serialised objects, whatever file they stand in. */
#ifndef CNI_CONFIG_H
#define CNI_CONFIG_H

#include "model/model.h"

/** A layer from {"class_name", "config"}, or from a call as Conv2D(32, 3).  Errors are kept with the model. */
cn_status cni_layer_from_value(cn_model *model, const cni_value *value, cn_layer **layer);

/** A model from {"class_name": "Sequential" | "Functional", "config": {...}}.  Weights have shapes, but no values yet
 *  (cni_model_materialise).  `compile`: take compile_config too. */
cn_status cni_model_from_value(cn_context *context, const cni_value *value, bool compile, cn_model **model,
                               cni_error *error);

/** The same back, as Keras writes it; NULL when out of memory.  `compile`: with compile_config. */
cni_value *cni_model_to_value(cni_arena *arena, const cn_model *model, bool compile);

/** Gives every weight that has no values yet the initial ones, in Keras' order. */
cn_status cni_model_materialise(cn_model *model, cni_error *error);

#endif
