/* SPDX-License-Identifier: Apache-2.0
 * What the rules of padding share: where 'same' pads unevenly, and how far that shifts a map. */
#ifndef CNI_RULES_PADDING_H
#define CNI_RULES_PADDING_H

#include "explain/rules/rules.h"

/** 'same' pads more on one side of an axis, at a stride; an even window without one is cni_is_even's. */
bool cni_is_uneven(const cni_explained *node, int axis);
/** 'same' round an even window without a stride. */
bool cni_is_even(const cni_explained *node, int axis);
/** (after - before) / 2 of an axis, in image pixels, is added to num / den. */
void cni_add_shift(const cni_findings *findings, const cni_explained *node, int axis, int64_t *num, int64_t *den);

#endif
