/* SPDX-License-Identifier: Apache-2.0
 * Metrics: what compile(metrics=...) names.  They are counted on the host, in double, from a batch's predictions. */
#ifndef CNI_METRICS_H
#define CNI_METRICS_H

#include "layers/kind.h"
#include "tensor/shape.h"

extern const cni_family cni_metrics;

typedef struct cni_metric cni_metric;

/** A metric for targets and predictions of these shapes (batch first): "accuracy" becomes what Keras makes of it. */
cn_status cni_metric_new(const cni_object *object, const cni_shape *y_true, const cni_shape *y_pred, double epsilon,
                         cni_metric **metric, cni_error *error);
void cni_metric_free(cni_metric *metric);
void cni_metric_reset(cni_metric *metric);
/** n rows; weights: n values or NULL. */
void cni_metric_update(cni_metric *metric, const float *y_true, const float *y_pred, const float *weights, size_t n);
double cni_metric_result(const cni_metric *metric);

/** The name under which it is logged: the text as it was given, else the object's name.  Of the object: no shapes
 *  needed. */
const char *cni_metric_name(const cni_object *object);

/** Which way is better, for callbacks with mode="auto": +1 up, -1 down, 0 unknown.  By logged name without val_. */
int cni_metric_direction(const char *name);

#endif
