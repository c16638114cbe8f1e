/* SPDX-License-Identifier: Apache-2.0
 * Steady ops: what they compute holds until somebody writes a variable that they depend on. */
#include "graph/plan_parts.h"

static void find_unwritten(const cni_graph *graph, bool *steady)
{
    for (int i = 0; i < graph->tensor_count; i++)
        steady[i] = graph->tensors[i]->is_constant || graph->tensors[i]->variable;
    for (int i = 0; i < graph->op_count; i++)
        for (int k = 0; graph->ops[i]->writes && k < graph->variable_count; k++)
            if (graph->variables[k]->variable == graph->ops[i]->writes) steady[graph->variables[k]->id] = false;
}

static bool is_steady(const cni_op *op, const bool *steady)
{
    if (op->segment != CNI_GRADIENTS || op->writes || op->kind->restless || !op->inputs) return false;
    for (int i = 0; i < op->inputs; i++)
        if (op->in[i] && (!steady[op->in[i]->id] || cni_tensor_batched(op->in[i]))) return false;
    for (int i = 0; i < op->outputs; i++)
        if (cni_tensor_batched(op->out[i])) return false;
    return true;
}

cn_status cni_find_steady(cni_plan *plan, cni_error *error)
{
    cni_graph *graph = plan->graph;
    bool *steady = CNI_NEW_ARRAY(&graph->arena, bool, (size_t)graph->tensor_count);
    bool *read = CNI_NEW_ARRAY(&graph->arena, bool, (size_t)graph->tensor_count);
    plan->watched = CNI_NEW_ARRAY(&graph->arena, const cni_variable *, (size_t)graph->variable_count);
    if (!steady || !read || !plan->watched) return cni_no_memory(error, "a plan");
    find_unwritten(graph, steady);
    for (int i = 0; i < graph->op_count; i++) {
        cni_op *op = graph->ops[i];
        op->steady = is_steady(op, steady);
        for (int k = 0; k < op->outputs && op->steady; k++) steady[op->out[k]->id] = true;
        for (int k = 0; k < op->inputs && op->steady; k++)
            if (op->in[k]) read[op->in[k]->id] = true;
    }
    for (int i = 0; i < graph->variable_count; i++)
        if (read[graph->variables[i]->id]) plan->watched[plan->watched_count++] = graph->variables[i]->variable;
    return CN_OK;
}

static uint64_t watched_versions(const cni_plan *plan)
{
    uint64_t sum = 0;
    for (int i = 0; i < plan->watched_count; i++) sum += plan->watched[i]->version;
    return sum;
}

void cni_run_steady(cni_plan *plan)
{
    const uint64_t versions = watched_versions(plan);
    if (plan->seen == versions) return;
    plan->seen = versions;
    cni_run_steps(plan, 0, plan->first_step[CNI_GRADIENTS], NULL);
}
