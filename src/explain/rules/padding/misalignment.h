/* SPDX-License-Identifier: Apache-2.0
 * Merges of maps that are out of register (P209): how far, what is said of it, what mends it. */
#ifndef CNI_RULES_MISALIGNMENT_H
#define CNI_RULES_MISALIGNMENT_H

#include "explain/rules/rules.h"

typedef struct cni_misaligned {
    int a, b;                                           /* inputs of the merge */
    int64_t num[CNI_MAX_SPATIAL], den[CNI_MAX_SPATIAL]; /* of b against a, in image pixels */
    int axis;                                           /* the first that is off, or -1 */
} cni_misaligned;

cni_misaligned cni_misaligned_of(const cni_findings *findings, const cni_explained *node);

/** "1 image px", "1 image px along the rows' axis and 0.5 px along the columns'". */
const char *cni_say_distance(cni_findings *findings, const cni_misaligned *m, int spatial);
/** A line for each branch, one below the other; a branch has the name of the window that makes its step. */
const char *cni_say_branches(cni_findings *findings, const cni_explained *a, const cni_explained *b, int parting,
                             int axis);
/** "they part at stem (128x128x32); jump 2, so 0.5 cells" */
const char *cni_say_parting(cni_findings *findings, const cni_explained *merge, const cni_misaligned *m, int parting);

/** Tries other padding and other windows between the parting and the merge, for all merges of the list. */
void cni_try_realigning(cni_findings *findings, cni_finding *finding, const cni_node_list *merges);

#endif
