/* SPDX-License-Identifier: Apache-2.0
 * Networks as source text in the other framework's words; the text is then read like any other. */
#ifndef CNI_TRANSLATE_H
#define CNI_TRANSLATE_H

#include "explain/analysis/analysis.h"

#include "base/text.h"

/** PyTorch code for a Keras network, with PyTorch's habits: padding=(k-1)/2 for 'same' with stride 1, k/2 with a
 *  larger one.  A layer that has no counterpart is an error that names it. */
cn_status cni_say_in_torch(const cni_analysis *analysis, cni_text *out, cni_error *error);

/** Keras code for a PyTorch network; maps stay channels first.  `habits`: what pads by half a kernel becomes 'same', as
 *  people write it; with a stride that is another network.  Else it is the same one. */
cn_status cni_say_in_keras(const cni_analysis *analysis, bool habits, cni_arena *arena, cni_text *out,
                           cni_error *error);

/** Whether nothing that comes into the node is ever below zero: behind ReLU, pools of it, padding with zeros. */
bool cni_never_negative(const cni_analysis *analysis, const cni_explained *node);

/** The node's name as an identifier of Python. */
const char *cni_identifier(const cni_explained *node, char *buffer, size_t size);

#endif
