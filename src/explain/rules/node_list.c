/* SPDX-License-Identifier: Apache-2.0
 * Lists of nodes that one finding concerns. */
#include "explain/rules/node_list.h"

bool cni_node_list_new(cni_findings *findings, cni_node_list *list)
{
    *list = (cni_node_list){.nodes = CNI_NEW_ARRAY(findings->arena, int, (size_t)findings->analysis->count + 1)};
    if (!list->nodes) findings->failed = true;
    return list->nodes != NULL;
}

bool cni_node_list_add(cni_findings *findings, const cni_rule *rule, cni_node_list *list, int node)
{
    const cni_explained *nodes = findings->analysis->nodes;
    if (cni_finding_off(findings, rule, node)) return false;
    for (int i = 0; nodes[node].shared_with >= 0 && i < list->count; i++)
        if (nodes[list->nodes[i]].layer_index == nodes[node].layer_index) return false;
    list->nodes[list->count++] = node;
    return true;
}

void cni_finding_concerns(cni_finding *finding, const cni_node_list *list)
{
    if (!finding || list->count < 2) return;
    finding->nodes = list->nodes;
    finding->node_count = list->count;
}
