/* SPDX-License-Identifier: Apache-2.0
 * What the rules of coverage share: windows that step over cells, taps that never meet data. */
#ifndef CNI_RULES_COVERAGE_H
#define CNI_RULES_COVERAGE_H

#include "explain/rules/rules.h"

/** Of each `stride` cells of an axis, how many are read, far from the borders (1.4). */
int64_t cni_read_of_stride(const cni_view_axis *axis);
/** Whether windows read some of the cells which they step over. */
bool cni_skips_cells(const cni_explained *node);
/** "every 2nd row and column"; with a dilation that shares a factor, and other windows, what of how many. */
const char *cni_say_cells_read(cni_findings *findings, const cni_explained *node);

/** A node's stride goes to the next window, which reads all that it steps over; false where there is none. */
bool cni_move_stride(cni_findings *findings, cni_edits *edits, const cni_explained *node);
/** All of a list's strides that can be moved: as a fix; where a function makes these layers and others, as advice. */
bool cni_try_moved_strides(cni_findings *findings, cni_finding *finding, const cni_node_list *list);

/** Taps that lie in the padding wherever the window stands (K306). */
bool cni_has_dead_taps(const cni_explained *node);

#endif
