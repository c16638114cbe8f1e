/* SPDX-License-Identifier: Apache-2.0
 * Edits that would mend a finding: gathered first, then tried together. */
#ifndef CNI_RULES_EDITS_H
#define CNI_RULES_EDITS_H

#include "explain/rules/finding.h"

enum { CNI_MAX_EDITS = 128 };

typedef struct cni_edits {
    cni_edit items[CNI_MAX_EDITS];
    int count;
    bool failed; /* too many, or something that cannot be said */
} cni_edits;

void cni_edit_argument(cni_edits *edits, const cni_explained *node, const char *key, const char *value);
void cni_edit_before(cni_edits *edits, const cni_explained *node, const char *value);
void cni_edit_replace(cni_edits *edits, const cni_explained *node, const char *value);
void cni_edit_remove(cni_edits *edits, const cni_explained *node);
void cni_edit_input(cni_edits *edits, int64_t rows, int64_t columns);
/** A number for all axes, or a pair, or three. */
void cni_edit_pair(cni_findings *findings, cni_edits *edits, const cni_explained *node, const char *key,
                   const int64_t *pair, int count);
/** Padding so that a window without any leaves nothing over: 'same', ceil_mode, half the window.  False: has padding
 *  already, or cannot have any. */
bool cni_edit_pad(cni_findings *findings, cni_edits *edits, const cni_explained *node);
/** Zeros on both sides instead of 'same': ZeroPadding2D(1) and padding='valid'. */
bool cni_edit_symmetric(cni_findings *findings, cni_edits *edits, const cni_explained *node);

/** Tries them, under a text made of them; false where they do not help, or there are none. */
bool cni_try(cni_findings *findings, cni_finding *finding, const cni_edits *edits);
/** Tries other sizes of the image, beginning with the next that leaves nothing over and pads evenly (7.4); stops at
 *  `enough` successes. */
void cni_try_inputs(cni_findings *findings, cni_finding *finding, int enough);

#endif
