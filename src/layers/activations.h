/* SPDX-License-Identifier: Apache-2.0
 * Activations: functions by Keras' name, with their arguments; and the activation layers that Keras lets stand for one
 * (activation=LeakyReLU(0.1)).  Activation layers lower through the same rows. */
#ifndef CNI_ACTIVATIONS_H
#define CNI_ACTIVATIONS_H

#include "graph/graph.h"
#include "layers/kind.h"

extern const cni_family cni_activations;

/** activation(x); x itself when the object is NULL or linear. */
cni_tensor *cni_lower_activation(cni_graph *graph, const cni_object *activation, cni_tensor *x);

#endif
