/* SPDX-License-Identifier: Apache-2.0
 * How targets and predictions must match, for losses and metrics alike. */
#ifndef CNI_TARGET_SHAPES_H
#define CNI_TARGET_SHAPES_H

#include "tensor/shape.h"

/** The last dimension; 0 of a scalar. */
int64_t cni_last_dim(const cni_shape *shape);

/** Ranks that differ by one, where the longer ends in 1: the shorter is expanded if its rank is 1, else the longer is
 *  squeezed. */
void cni_adjust_ranks(cni_shape *a, cni_shape *b);

/** Class numbers: the shape of the predictions without their last dimension, or with 1 in its place. */
bool cni_labels_fit(const cni_shape *y_true, const cni_shape *y_pred);

/** The same rank and sizes; where `repeats` is allowed a size of 1 goes with any other, but for the batch. */
bool cni_targets_fit(const cni_shape *y_true, const cni_shape *y_pred, bool repeats);

/** Keras' choice among losses and metrics called just "crossentropy" and "accuracy". */
typedef enum cni_target_style { CNI_BINARY_TARGETS, CNI_SPARSE_TARGETS, CNI_CATEGORICAL_TARGETS } cni_target_style;
cni_target_style cni_style_of(const cni_shape *y_true, const cni_shape *y_pred);

#endif
