/* SPDX-License-Identifier: Apache-2.0
 * The family of layer kinds. */
#include "layers/layers.h"

#define ROW(layer) &layer.kind,
static const cni_kind *const kinds[] = {CNI_LAYER_KINDS(ROW)};

const cni_family cni_layers = {
    .what = "layer", .module = "keras.layers", .kinds = kinds, .count = sizeof kinds / sizeof *kinds};
