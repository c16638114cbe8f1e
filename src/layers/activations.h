/* SPDX-License-Identifier: Apache-2.0
 * Activations: functions by Keras' name, with their arguments; and the activation layers that Keras lets stand for one
 * (activation=LeakyReLU(0.1)).  Activation layers lower through the same rows. */
#ifndef CNI_ACTIVATIONS_H
#define CNI_ACTIVATIONS_H

#include "graph/graph.h"
#include "layers/kind.h"

extern const cni_family cni_activations;

/** activation(x); x itself when the object is NULL or linear.  The object may be an activation layer's configuration.
 */
cni_tensor *cni_lower_activation(cni_graph *graph, const cni_object *activation, cni_tensor *x);

/** Turns the shape of x into that of activation(x), or says why there is none. */
cn_status cni_activation_shape(const cni_object *activation, cni_shape *shape, cni_error *error);

/** Whether each number is treated by itself, wherever it stands. */
bool cni_activation_is_element_wise(const cni_object *activation);

#endif
