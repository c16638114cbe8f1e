/* SPDX-License-Identifier: Apache-2.0
 * Variables of a plan's own, and weights packed when the plan is made.
 *
 * A predictor's snapshot needs no copy of weights that its steps read in another order anyway: they are packed straight
 * from the masters.  A model that was loaded for predicting drops masters of which nobody needs more than is packed. */
#include "graph/plan_parts.h"

#include "base/pages.h"
#include "kernels/kernels.h"

#include <string.h>

enum { LARGE = 4 << 20 }; /* bytes of a variable */

cn_status cni_own_variables(cni_plan *plan, cni_error *error)
{
    cni_graph *graph = plan->graph;
    if (!plan->options.snapshot && plan->real_size == sizeof(float)) return CN_OK;
    plan->copies = CNI_NEW_ARRAY(&graph->arena, cni_copy, (size_t)graph->variable_count);
    plan->copy_of = CNI_NEW_ARRAY(&graph->arena, cni_copy *, (size_t)graph->tensor_count);
    if (!plan->copies || !plan->copy_of) return cni_no_memory(error, "a plan");
    for (int i = 0; i < graph->variable_count; i++) {
        cni_tensor *tensor = graph->variables[i];
        cni_copy *c = &plan->copies[plan->copy_count++];
        c->master = tensor->variable;
        c->own = *c->master;
        c->own.version = c->own.stored_version = 0;
        plan->copy_of[tensor->id] = c;
        tensor->variable = &c->own;
        for (int k = 0; k < plan->watched_count; k++)
            if (plan->watched[k] == c->master) plan->watched[k] = &c->own;
    }
    for (int i = 0; i < graph->op_count; i++)
        for (int k = 0; graph->ops[i]->writes && k < plan->copy_count; k++)
            if (graph->ops[i]->writes == plan->copies[k].master) graph->ops[i]->writes = &plan->copies[k].own;
    return CN_OK;
}

static size_t bytes_of(const cni_variable *variable)
{
    return (size_t)cni_shape_count(&variable->shape, 0) * sizeof(float);
}

static bool is_stored(const cni_variable *variable)
{
    return variable->stored_version && variable->stored_version == variable->version && !variable->holders;
}

static void drop(cni_variable *variable)
{
    if (!is_stored(variable)) return;
    variable->dropped = true;
    cni_pages_drop(variable->data, bytes_of(variable));
}

/* A master that can be read again goes while it is copied. */
static void copy_floats(const cni_copy *c, size_t count)
{
    enum { PIECE = 1 << 20 };
    const bool stored = is_stored(c->master);
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t size = (count - done < PIECE ? count - done : PIECE) * sizeof(float);
        memcpy(c->own.data + done, c->master->data + done, size);
        if (stored) cni_pages_drop(c->master->data + done, size);
    }
    drop(c->master);
}

static void copy_values(const cni_plan *plan, cni_copy *c)
{
    const size_t count = (size_t)cni_shape_count(&c->own.shape, 0);
    double *to = (void *)c->own.data;
    if (plan->real_size == sizeof(float))
        copy_floats(c, count);
    else
        for (size_t k = 0; k < count; k++) to[k] = c->master->data[k];
}

/* Condensed, where a step would rather have it so. */
static void take_values(const cni_plan *plan, const cni_tensor *tensor, bool read_once)
{
    cni_copy *c = plan->copy_of[tensor->id];
    const bool may = read_once && !tensor->is_output && plan->real_size == sizeof(float);
    cni_step *step = may ? cni_condensing_step(plan, tensor) : NULL;
    if (step) step->condensed = cni_condense(plan, c, is_stored(c->master));
    if (step && step->condensed)
        drop(c->master);
    else
        copy_values(plan, c);
}

/* What a tensor of a variable is a name of; NULL: no variable. */
static const cni_tensor *variable_tensor(const cni_plan *plan, const cni_tensor *tensor)
{
    const cni_tensor *home = tensor ? cni_home(plan->graph, &plan->liveness, tensor) : NULL;
    return home && home->variable ? home : NULL;
}

/* The variable that a step packs and does not read otherwise. */
static const cni_tensor *packed_by(const cni_plan *plan, const cni_op *op)
{
    return op->kind->packs && !op->steady ? variable_tensor(plan, op->in[1]) : NULL;
}

/* How many inputs of steps read each variable, and do more than pack it. */
static void count_readers(const cni_plan *plan, int *readers, int *others)
{
    for (int i = 0; i < plan->step_count; i++) {
        const cni_op *op = plan->steps[i].op;
        const cni_tensor *packed = packed_by(plan, op);
        for (int k = 0; k < op->inputs; k++) {
            const cni_tensor *read = variable_tensor(plan, op->in[k]);
            if (!read) continue;
            readers[read->id]++;
            others[read->id] += k != 1 || read != packed;
        }
    }
}

static cni_variable *master_of(const cni_plan *plan, const cni_tensor *tensor)
{
    const cni_copy *c = plan->copy_of ? plan->copy_of[tensor->id] : NULL;
    return c ? c->master : tensor->variable;
}

/* False: it went on reading the variable itself. */
static bool pack_step(cni_plan *plan, cni_step *step, const cni_tensor *tensor)
{
    const void *own = step->in[1];
    cni_run run = plan->run;
    run.n = 1;
    run.pack_only = true;
    step->in[1] = master_of(plan, tensor)->data;
    step->op->kind->run(step, &run);
    step->in[1] = own;
    return step->packed_version == tensor->variable->version;
}

/* The large ones or the others: large ones first, since memory is at its most when the last one is packed beside its
 * master. */
static void pack_some(cni_plan *plan, bool large, int *readers, int *others)
{
    for (int i = 0; i < plan->step_count; i++) {
        const cni_tensor *tensor = packed_by(plan, plan->steps[i].op);
        if (!tensor || others[tensor->id]) continue;
        cni_variable *master = master_of(plan, tensor);
        if ((bytes_of(master) >= LARGE) != large) continue;
        if (master == tensor->variable && !is_stored(master)) continue; /* it is packed by the first run */
        if (!pack_step(plan, &plan->steps[i], tensor))
            others[tensor->id]++;
        else if (--readers[tensor->id] == 0)
            drop(master);
    }
}

static void pack(cni_plan *plan)
{
    int *readers = plan->readers, *others = plan->readers + plan->graph->tensor_count;
    cni_let_go(plan);
    memset(readers, 0, 2 * (size_t)plan->graph->tensor_count * sizeof *readers);
    count_readers(plan, readers, others);
    for (int i = 0; i < plan->graph->variable_count; i++) { /* the graph's own output, perhaps */
        const int id = plan->graph->variables[i]->id;
        if (!readers[id]) readers[id] = others[id] = 1;
    }
    for (int large = 1; large >= 0 && plan->real_size == sizeof(float); large--)
        pack_some(plan, large, readers, others);
    for (int i = 0; i < plan->graph->variable_count; i++) {
        const cni_tensor *tensor = plan->graph->variables[i];
        const bool read = readers[tensor->id] || plan->real_size != sizeof(float);
        if (plan->copy_of && read) take_values(plan, tensor, readers[tensor->id] == 1);
        readers[tensor->id] = !plan->copy_of && read && tensor->variable->stored_version;
        if (readers[tensor->id]) tensor->variable->holders++;
    }
    plan->holds = true;
}

void cni_let_go(cni_plan *plan)
{
    for (int i = 0; i < plan->graph->variable_count && plan->holds; i++) {
        const cni_tensor *tensor = plan->graph->variables[i];
        if (plan->readers[tensor->id]) tensor->variable->holders--;
    }
}

void cni_plan_refresh(cni_plan *plan)
{
    for (int i = 0; i < plan->copy_count; i++) plan->copies[i].own.version++;
    pack(plan);
}
