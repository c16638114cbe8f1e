/* SPDX-License-Identifier: Apache-2.0
 * What a trained network does with one image: the outputs of its layers. */
#ifndef CNI_FEATURES_H
#define CNI_FEATURES_H

#include "model/model.h"

typedef struct cni_feature {
    const cn_layer *layer;
    cni_tensor *tensor;
    cni_shape shape;     /* with a batch of one */
    const float *values; /* in the layer's own data format */
} cni_feature;

typedef struct cni_features {
    cni_feature *items; /* in the order in which the layers run */
    int count, capacity;
    struct cni_plan *plan;
    bool failed;
} cni_features;

/** Runs the model on one image of its first input and keeps the output of every layer whose output has maps.  To be
 *  freed also after an error. */
cn_status cni_features_run(cn_model *model, const cn_array *image, cni_features *out, cni_error *error);
void cni_features_free(cni_features *features);

#endif
