/* SPDX-License-Identifier: Apache-2.0
 * Initializers: what a new weight holds.  The numbers are Keras' own (keras-random: JAX backend). */
#ifndef CNI_INITIALIZERS_H
#define CNI_INITIALIZERS_H

#include "layers/kind.h"
#include "tensor/shape.h"

extern const cni_family cni_initializers;

/** Fills `out` (as many floats as the shape has).  CN_ERR_INVALID when the initializer cannot make this shape. */
cn_status cni_initialize(const cni_object *initializer, const cni_shape *shape, float *out, cni_error *error);

#endif
