/* SPDX-License-Identifier: Apache-2.0
 * Choices of algorithms that come from files, and what models remember of those that they were trained by. */
#ifndef CNI_PLAN_FILES_H
#define CNI_PLAN_FILES_H

#include "model/model.h"

/** A training step was planned with these choices: they are moved into the model where the context has choices, and
 *  else the model forgets what it had. */
void cni_take_trained_ways(cn_model *model, cni_choices *used);

/** Something was planned with these choices: cn_plan_convolutions counts them. */
void cni_note_planned(cn_context *context, const cni_choices *used);

#endif
