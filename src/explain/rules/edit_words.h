/* SPDX-License-Identifier: Apache-2.0
 * Edits as a user would write them. */
#ifndef CNI_RULES_EDIT_WORDS_H
#define CNI_RULES_EDIT_WORDS_H

#include "explain/rules/finding.h"

/** "MaxPooling2D(2, padding='same')", "conv2d, conv2d_1 padding='same'; input 225x225", in the findings' arena; NULL
 *  without memory. */
const char *cni_say_edits(cni_findings *findings, const cni_finding *finding, const cni_edit *edits, int count);

#endif
