/* SPDX-License-Identifier: Apache-2.0
 * Which rule an error of shapes belongs to: each error is told by one rule. */
#ifndef CNI_RULES_SHAPE_CAUSES_H
#define CNI_RULES_SHAPE_CAUSES_H

#include "explain/rules/finding.h"

typedef enum cni_shape_cause {
    CNI_CAUSE_NONE,
    CNI_CAUSE_WINDOW,
    CNI_CAUSE_CHANNELS, /* arrive, and others are expected */
    CNI_CAUSE_GROUPS,
    CNI_CAUSE_MERGE,
    CNI_CAUSE_LINEAR,
    CNI_CAUSE_STRIDE_DILATION, /* Keras refuses both */
    CNI_CAUSE_SAME_STRIDE,     /* PyTorch refuses both */
    CNI_CAUSE_POOL_PADDING,
    CNI_CAUSE_OUTPUT_PADDING,
    CNI_CAUSE_OTHER
} cni_shape_cause;

cni_shape_cause cni_shape_cause_of(const cni_findings *findings, const cni_explained *node);

/** Calls `tell` for each node whose error has this cause. */
void cni_each_cause(cni_findings *findings, const cni_rule *rule, cni_shape_cause cause,
                    void (*tell)(cni_findings *findings, const cni_rule *rule, const cni_explained *node));

#endif
