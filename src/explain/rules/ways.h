/* SPDX-License-Identifier: Apache-2.0
 * Ways through the graph, as rules follow them. */
#ifndef CNI_RULES_WAYS_H
#define CNI_RULES_WAYS_H

#include "explain/rules/finding.h"

static inline const cni_explained *cni_input_of(const cni_findings *findings, const cni_explained *node, int index)
{
    return findings->analysis->nodes + node->inputs[index];
}

/** The first Dense (Linear) that the node's values reach unmoved, or NULL. */
const cni_explained *cni_linear_behind(const cni_findings *findings, const cni_explained *node);

/** The node where two nodes' ways part: the last that both come from, or -1. */
int cni_parting(cni_findings *findings, int a, int b);
/** Marks the nodes from which `node` comes, itself too; count bytes.  NULL without memory. */
bool *cni_ancestors(cni_findings *findings, int node);
/** Whether a map that is a result of the network, at a resolution that was raised again, hangs on each node; NULL
 *  without memory. */
bool *cni_feeds_map(cni_findings *findings);

#endif
