/* SPDX-License-Identifier: Apache-2.0
 * Lists of nodes that one finding concerns. */
#ifndef CNI_RULES_NODE_LIST_H
#define CNI_RULES_NODE_LIST_H

#include "explain/rules/finding.h"

typedef struct cni_node_list {
    int *nodes;
    int count;
} cni_node_list;

/** Room for as many nodes as there are; false without memory. */
bool cni_node_list_new(cni_findings *findings, cni_node_list *list);
/** Adds it, and says so, unless the rule is turned off there or its layer is listed (a later call of it). */
bool cni_node_list_add(cni_findings *findings, const cni_rule *rule, cni_node_list *list, int node);
/** What the finding concerns. */
void cni_finding_concerns(cni_finding *finding, const cni_node_list *list);

#endif
