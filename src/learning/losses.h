/* SPDX-License-Identifier: Apache-2.0
 * Losses: what compile(loss=...) names. */
#ifndef CNI_LOSSES_H
#define CNI_LOSSES_H

#include "graph/graph.h"
#include "layers/kind.h"

/** Rows are cni_loss_kind.  "crossentropy" and "ce" are resolved by the shapes, when a loss is lowered. */
extern const cni_family cni_losses;

/** What sets one loss apart from the others. */
typedef struct cni_loss_kind cni_loss_kind;

/** Shape that targets must have for predictions of shape `y_pred` (batch first), given targets of shape `y_true`: an
 *  error with Keras' rule when they do not fit. */
cn_status cni_loss_check_shapes(const cni_object *loss, const cni_shape *y_true, const cni_shape *y_pred,
                                cni_error *error);

/** The scalar loss of a batch, weighted and reduced as Keras does, differentiable with respect to y_pred.
 *  sample_weight: NULL, [n], or the shape of the losses of single predictions (y_pred without the axis of the loss)
 * with 1 where all weigh the same.  `epsilon`: the context's. */
cni_tensor *cni_lower_loss(cni_graph *graph, const cni_object *loss, cni_tensor *y_true, cni_tensor *y_pred,
                           cni_tensor *sample_weight, double epsilon);

/** Whether the loss reads class numbers: then labels outside 0 .. classes - 1 (and not ignored) are errors that name
 *  the row; Keras on JAX would count a silent 0.  `labels`: rows * per_row values; first_row only for the message. */
bool cni_loss_reads_classes(const cni_object *loss);
cn_status cni_loss_check_labels(const cni_object *loss, const float *labels, size_t rows, size_t per_row, int classes,
                                size_t first_row, cni_error *error);

/** Keras' name of the loss object, e.g. "categorical_crossentropy". */
const char *cni_loss_name(const cni_object *loss);

#endif
