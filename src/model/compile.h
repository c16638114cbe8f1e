/* SPDX-License-Identifier: Apache-2.0
 * What compile() was told: optimizer, losses, metrics, as objects of learning/. */
#ifndef CNI_COMPILE_H
#define CNI_COMPILE_H

#include "learning/losses.h"
#include "learning/metrics.h"
#include "learning/optimizers.h"
#include "model/model.h"

/** What one output is trained for and measured by. */
typedef struct cni_target {
    cni_object *loss; /* NULL: none */
    double loss_weight;
    cni_object *metrics[CN_MAX_ARRAYS], *weighted_metrics[CN_MAX_ARRAYS];
    int metric_count, weighted_count;
} cni_target;

struct cni_compiled {
    cni_arena arena;
    cni_object *optimizer;
    cni_target targets[CN_MAX_ARRAYS];
    cni_optimizer_state *state; /* NULL until the first step, or a file's */
    /* As they were given, for Keras' JSON: NULL where nothing was. */
    cni_value *loss, *loss_weights, *metrics, *weighted_metrics;
};

/** From Keras' compile_config.  What cannot be trained by does not keep a model from predicting: the error is kept and
 *  told by cni_compiled_check. */
cn_status cni_compile_read(cn_model *model, const cni_value *config, cni_error *error);

/** Whether the model can be trained and measured; `what` begins the message. */
cn_status cni_compiled_check(const cn_model *model, const char *what, cni_error *error);
cni_value *cni_compile_write(cni_arena *arena, const cn_model *model);
void cni_compiled_free(cni_compiled *compiled);
/** The state belongs to weights that are no longer there, or no longer all.  NULL is accepted. */
void cni_compiled_forget_state(cni_compiled *compiled);

/** The optimizer's state for the weights that were trainable at compile; made when first asked for.  NULL with an
 * error. */
cni_optimizer_state *cni_compiled_state(cn_model *model, cni_error *error);

/** The name of the layer that gives an output: the key of loss and metric dicts. */
const char *cni_output_name(const cn_model *model, int index);

#endif
