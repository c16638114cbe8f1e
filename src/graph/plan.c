/* SPDX-License-Identifier: Apache-2.0
 * Plans.  All memory of a plan is one block:
 *
 *   | tensors, by liveness | slack | workspace | each thread's own | persistent, of each step | copies of variables |
 *
 * The slack is for vector loads that pass the end of the last tensor. */
#include "graph/plan.h"

#include "base/float_mode.h"
#include "base/machine.h"
#include "base/pages.h"
#include "graph/ops/measure_algorithm.h"
#include "graph/passes.h"
#include "graph/plan_parts.h"
#include "kernels/kernels.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE_COPY = 1 << 16, PAGE = 4096 };

/* Sizes that do not wrap: what is too large stays at SIZE_MAX and meets the budget. */
static size_t reserve(size_t *end, size_t bytes)
{
    size_t offset = *end;
    if (bytes > SIZE_MAX - CNI_PLACE_ALIGN || bytes + CNI_PLACE_ALIGN > SIZE_MAX - offset)
        *end = SIZE_MAX;
    else
        *end = (offset + bytes + CNI_PLACE_ALIGN - 1) / CNI_PLACE_ALIGN * CNI_PLACE_ALIGN;
    return offset;
}

/* Steady ops first, then segments one after the other, and in each the ops that write variables last. */
static cn_status order_ops(cni_graph *graph, cni_error *error)
{
    cni_op **ordered = CNI_NEW_ARRAY(&graph->arena, cni_op *, (size_t)graph->op_count);
    bool *made = CNI_NEW_ARRAY(&graph->arena, bool, (size_t)graph->tensor_count);
    if (!ordered || !made) return cni_no_memory(error, "a plan");
    int count = 0;
    for (int i = 0; i < graph->op_count; i++)
        if (graph->ops[i]->steady) ordered[count++] = graph->ops[i];
    for (int turn = 0; turn < 2 * CNI_SEGMENTS; turn++)
        for (int i = 0; i < graph->op_count; i++) {
            cni_op *op = graph->ops[i];
            if (!op->steady && (int)op->segment == turn / 2 && (op->writes != NULL) == turn % 2) ordered[count++] = op;
        }
    graph->ops = ordered;
    graph->op_capacity = graph->op_count;
    for (int now = 0; now < count; now++) {
        cni_op *op = ordered[now];
        op->id = now;
        for (int i = 0; i < op->inputs; i++)
            if (op->in[i] && op->in[i]->producer && !made[op->in[i]->id])
                return cni_fail(error, CN_ERR_INVALID,
                                "op %s reads what %s computes only later: an op may not read an earlier segment's "
                                "future, nor in its segment the output of an op that writes a variable",
                                op->kind->name, op->in[i]->producer->kind->name);
        for (int i = 0; i < op->outputs; i++) made[op->out[i]->id] = true;
    }
    return CN_OK;
}

/* Memory */

static cn_status allocate(cni_plan *plan, cni_error *error)
{
    size_t most = plan->options.budget ? plan->options.budget : cni_usable_memory() / 5 * 4;
    const bool fits = plan->bytes <= most;
    if (fits) plan->memory = cni_pages_new(plan->bytes);
    if (plan->memory) return CN_OK;
    const cni_tensor *largest = plan->liveness.largest;
    const double mega = 1e6;
    size_t bytes = largest ? cni_tensor_bytes(largest, plan->options.batch, plan->real_size) : 0;
    char why[80] = "the system refuses them (a limit of the process, as ulimit -v sets it?)";
    if (!fits) snprintf(why, sizeof why, "there are %.1f MB", (double)most / mega);
    const char *smaller = plan->options.batch > 1 ? "a smaller batch or smaller images" : "smaller images";
    return cni_fail(error, CN_ERR_MEMORY,
                    "%d image%s at once need%s %.1f MB of memory, of which the largest tensor, %s, takes %.1f MB; %s: "
                    "choose %s",
                    plan->options.batch, plan->options.batch == 1 ? "" : "s", plan->options.batch == 1 ? "s" : "",
                    (double)plan->bytes / mega, largest ? CNI_SHOW_SHAPE(&largest->shape) : "none",
                    (double)bytes / mega, why, smaller);
}

static size_t own_bytes(const cni_plan *plan)
{
    return plan->run.own_bytes * (size_t)cni_pool_threads(plan->run.pool);
}

/* Reserves everything, then allocates it at once.  Until then step->persistent holds an offset. */
static cn_status give_memory(cni_plan *plan, size_t *persistent, cni_error *error)
{
    plan->run.n = plan->options.batch;
    plan->bytes = plan->liveness.bytes;
    reserve(&plan->bytes, CNI_PLACE_ALIGN);
    for (int i = 0; i < plan->step_count; i++) {
        const cni_op *op = plan->steps[i].op;
        size_t bytes = op->kind->workspace ? op->kind->workspace(op, &plan->run) : 0;
        if (bytes > plan->workspace_bytes) plan->workspace_bytes = bytes;
        bytes = op->kind->own ? op->kind->own(op, &plan->run) : 0;
        if (bytes > plan->run.own_bytes) plan->run.own_bytes = (bytes + PAGE - 1) / PAGE * PAGE;
    }
    plan->workspace_offset = reserve(&plan->bytes, plan->workspace_bytes);
    plan->own_offset = reserve(&plan->bytes, own_bytes(plan));
    for (int i = 0; i < plan->step_count; i++) {
        const cni_op *op = plan->steps[i].op;
        size_t bytes = op->kind->persistent ? op->kind->persistent(op, &plan->run) : 0;
        persistent[i] = bytes ? reserve(&plan->bytes, bytes) : SIZE_MAX;
    }
    for (int large = 0; large < 2; large++) /* the large ones may stay untouched: apart from the small ones */
        for (int i = 0; i < plan->copy_count; i++) {
            const size_t bytes = (size_t)cni_shape_count(&plan->copies[i].own.shape, 0) * plan->real_size;
            if ((bytes >= LARGE_COPY) == large) plan->copies[i].offset = reserve(&plan->bytes, bytes);
        }
    if (plan->options.sizes_only) return CN_OK;
    CN_TRY(allocate(plan, error));
    for (int i = 0; i < plan->copy_count; i++)
        plan->copies[i].own.data = (void *)(plan->memory + plan->copies[i].offset);
    return CN_OK;
}

static void resolve_tensors(cni_plan *plan)
{
    for (int i = 0; i < plan->graph->tensor_count; i++) {
        const cni_tensor *home = cni_home(plan->graph, &plan->liveness, plan->graph->tensors[i]);
        if (home->variable)
            plan->data[i] = home->variable->data;
        else if (plan->liveness.lives[i].used)
            plan->data[i] = plan->memory + plan->liveness.lives[home->id].place.offset;
    }
}

static void resolve_steps(cni_plan *plan, const size_t *persistent)
{
    plan->run.own = (char *)plan->memory + plan->own_offset;
    for (int i = 0; i < plan->step_count; i++) {
        cni_step *step = &plan->steps[i];
        for (int k = 0; k < step->op->inputs; k++)
            step->in[k] = step->op->in[k] ? plan->data[step->op->in[k]->id] : NULL;
        for (int k = 0; k < step->op->outputs; k++) step->out[k] = plan->data[step->op->out[k]->id];
        step->workspace = plan->memory + plan->workspace_offset;
        if (persistent[i] != SIZE_MAX) step->persistent = plan->memory + persistent[i];
    }
}

static void fill_constants(cni_plan *plan)
{
    for (int i = 0; i < plan->graph->tensor_count; i++) {
        const cni_tensor *tensor = plan->graph->tensors[i];
        if (!tensor->is_constant || !plan->data[i]) continue;
        size_t count = cni_tensor_count(tensor, plan->options.batch);
        float *floats = plan->data[i];
        double *doubles = plan->data[i];
        if (tensor->element == CNI_BYTE_ELEMENT)
            memset(plan->data[i], (int)tensor->constant, count);
        else if (plan->real_size == sizeof(float))
            for (size_t k = 0; k < count; k++) floats[k] = (float)tensor->constant;
        else
            for (size_t k = 0; k < count; k++) doubles[k] = tensor->constant;
    }
}

/* Making */

/* Tensors and variables. */
static size_t network_bytes(const cni_plan *plan)
{
    size_t bytes = plan->liveness.bytes;
    for (int i = 0; i < plan->graph->variable_count; i++)
        bytes += (size_t)cni_shape_count(&plan->graph->variables[i]->shape, 0) * plan->real_size;
    return bytes;
}

static void choose_ways(cni_plan *plan)
{
    const cni_plan_options *o = &plan->options;
    cni_choosing choosing = {.known = o->choices, .used = o->used};
    choosing.measures = o->choices && o->choices->measure && !o->sizes_only;
    choosing.far = choosing.measures && cni_is_beyond_caches(network_bytes(plan), o->kernels);
    plan->run.n = o->batch;
    for (int i = 0; i < plan->graph->op_count && !o->ways_given; i++) {
        cni_op *op = plan->graph->ops[i];
        if (op->kind->choose) op->way = op->kind->choose(op, &plan->run, &choosing);
    }
}

static cn_status make_steps(cni_plan *plan, cni_error *error)
{
    cni_graph *graph = plan->graph;
    plan->steps = CNI_NEW_ARRAY(&graph->arena, cni_step, (size_t)graph->op_count);
    if (!plan->steps) return cni_no_memory(error, "a plan");
    for (int i = 0; i < graph->op_count; i++) {
        const cni_op *op = graph->ops[i];
        if (!op->kind->run) continue; /* a reshape: its output is an alias */
        cni_step *step = &plan->steps[plan->step_count++];
        step->op = op;
        if (step > plan->steps && step[-1].op->follower == op) step[-1].follower = step;
        step->in = CNI_NEW_ARRAY(&graph->arena, const void *, (size_t)op->inputs);
        step->out = CNI_NEW_ARRAY(&graph->arena, void *, (size_t)op->outputs);
        if (!step->in || !step->out) return cni_no_memory(error, "a plan");
        for (int s = op->steady ? 0 : (int)op->segment + 1; s <= CNI_SEGMENTS; s++)
            plan->first_step[s] = plan->step_count;
    }
    return CN_OK;
}

static cn_status make(cni_plan *plan, cni_error *error)
{
    cni_graph *graph = plan->graph;
    if (graph->error.status) return cni_fail(error, graph->error.status, "%s", graph->error.text);
    graph->source = NULL;
    CN_TRY(cni_passes(graph, plan->options.batch, error));
    CN_TRY(cni_find_steady(plan, error));
    CN_TRY(order_ops(graph, error));
    CN_TRY(cni_own_variables(plan, error));
    CN_TRY(cni_liveness_find(graph, plan->options.batch, plan->real_size, plan->options.no_sharing, &plan->liveness,
                             error));
    CN_TRY(make_steps(plan, error));
    CN_TRY(cni_pace_init(plan, error));
    size_t *persistent = CNI_NEW_ARRAY(&graph->arena, size_t, (size_t)plan->step_count);
    plan->data = CNI_NEW_ARRAY(&graph->arena, void *, (size_t)graph->tensor_count);
    plan->scalars = CNI_NEW_ARRAY(&graph->arena, double, (size_t)graph->scalar_count);
    plan->readers = CNI_NEW_ARRAY(&graph->arena, int, 2 * (size_t)graph->tensor_count);
    if (!persistent || !plan->data || !plan->scalars || !plan->readers) return cni_no_memory(error, "a plan");
    plan->run.scalars = plan->scalars;
    choose_ways(plan);
    CN_TRY(give_memory(plan, persistent, error));
    if (plan->options.sizes_only) return CN_OK;
    resolve_tensors(plan);
    resolve_steps(plan, persistent);
    fill_constants(plan);
    cni_plan_refresh(plan);
    const uint64_t mode = cni_flush_denormals();
    cni_run_steady(plan);
    cni_restore_denormals(mode);
    return CN_OK;
}

cn_status cni_plan_new(cni_graph *graph, const cni_plan_options *options, cni_plan **plan, cni_error *error)
{
    assert(options->batch >= 1 && options->kernels);
    cni_plan *made = calloc(1, sizeof *made);
    if (!made) {
        cni_graph_free(graph);
        return cni_no_memory(error, "a plan");
    }
    made->graph = graph;
    made->options = *options;
    made->real_size = options->kernels->real_size;
    made->seen = UINT64_MAX;
    made->run =
        (cni_run){.batch = options->batch, .math = options->math, .kernels = options->kernels, .pool = options->pool};
    cn_status status = make(made, error);
    if (status)
        cni_plan_free(made);
    else
        *plan = made;
    return status;
}

void cni_plan_free(cni_plan *plan)
{
    if (!plan) return;
    cni_let_go(plan);
    cni_pages_free(plan->memory, plan->bytes);
    cni_graph_free(plan->graph);
    free(plan);
}

/* Running */

/* Without sharing, whoever reads what this run has not written meets NaN (all bits set). */
static void poison(cni_plan *plan, cni_segment segment)
{
    for (int i = plan->first_step[segment]; i < plan->first_step[segment + 1]; i++)
        for (int k = 0; k < plan->steps[i].op->outputs; k++) {
            const cni_tensor *tensor = plan->steps[i].op->out[k];
            size_t bytes = cni_tensor_bytes(tensor, plan->options.batch, plan->real_size);
            if (!tensor->alias_of) memset(plan->steps[i].out[k], 0xff, bytes);
        }
    memset(plan->memory + plan->workspace_offset, 0xff, plan->workspace_bytes);
    memset(plan->run.own, 0xff, own_bytes(plan));
}

static void run_segment(cni_plan *plan, cni_segment segment, int n, double *seconds)
{
    assert(n >= 1 && n <= plan->options.batch);
    plan->run.n = n;
    const uint64_t mode = cni_flush_denormals();
    cni_pool_hold(plan->run.pool);
    if (segment == CNI_GRADIENTS) {
        cni_pace_next(plan, n);
        cni_run_steady(plan);
    }
    cni_run_steps(plan, plan->first_step[segment], plan->first_step[segment + 1], seconds);
    cni_pool_release(plan->run.pool);
    cni_restore_denormals(mode);
}

void cni_plan_run(cni_plan *plan, cni_segment segment, int n)
{
    if (plan->options.no_sharing) poison(plan, segment);
    run_segment(plan, segment, n, NULL);
}

void cni_plan_run_timed(cni_plan *plan, cni_segment segment, int n, double *seconds)
{
    run_segment(plan, segment, n, seconds);
}

/* Looking */

const cni_op *cni_plan_step_op(const cni_plan *plan, int step)
{
    return plan->steps[step].op;
}

void *cni_plan_data(const cni_plan *plan, const cni_tensor *tensor)
{
    return plan->data[tensor->id];
}

bool cni_plan_may_lie(const cni_plan *plan, const cni_tensor *tensor)
{
    const cni_tensor *home = cni_home(plan->graph, &plan->liveness, tensor);
    if (home->variable || home->is_constant || !plan->data[tensor->id] || plan->options.no_sharing) return false;
    for (int i = 0; i < plan->graph->tensor_count; i++) {
        const cni_tensor *other = plan->graph->tensors[i];
        if (other != tensor && (other->is_input || other->is_output) &&
            cni_home(plan->graph, &plan->liveness, other) == home)
            return false;
    }
    return true;
}

void cni_plan_lie(cni_plan *plan, const cni_tensor *tensor, void *data)
{
    const cni_tensor *home = cni_home(plan->graph, &plan->liveness, tensor);
    if (!data) data = plan->data[tensor->id];
    for (int i = 0; i < plan->step_count; i++) {
        cni_step *step = &plan->steps[i];
        for (int k = 0; k < step->op->inputs; k++)
            if (step->op->in[k] && cni_home(plan->graph, &plan->liveness, step->op->in[k]) == home) step->in[k] = data;
        for (int k = 0; k < step->op->outputs; k++)
            if (cni_home(plan->graph, &plan->liveness, step->op->out[k]) == home) step->out[k] = data;
    }
}

double *cni_plan_scalars(cni_plan *plan)
{
    return plan->scalars;
}

size_t cni_plan_arena_bytes(const cni_plan *plan)
{
    return plan->bytes;
}

int cni_plan_steps(const cni_plan *plan)
{
    return plan->step_count;
}

const cni_graph *cni_plan_graph(const cni_plan *plan)
{
    return plan->graph;
}

static void print_tensor(const cni_plan *plan, const cni_tensor *tensor, FILE *out)
{
    if (!tensor) {
        fprintf(out, " -");
        return;
    }
    const cni_tensor *home = cni_home(plan->graph, &plan->liveness, tensor);
    fprintf(out, " t%d%s", tensor->id, CNI_SHOW_SHAPE(&tensor->shape));
    if (home->variable)
        fprintf(out, "@%s", home->variable->name ? home->variable->name : "variable");
    else
        fprintf(out, "@%zu", plan->liveness.lives[home->id].place.offset);
    if (home != tensor) fprintf(out, "=t%d", home->id);
}

void cni_plan_print(const cni_plan *plan, FILE *out)
{
    static const char *const segments[] = {"gradients", "reduce", "update"};
    for (int i = 0; i < plan->step_count; i++) {
        const cni_op *op = plan->steps[i].op;
        fprintf(out, "%3d %-9s %s:", i, op->steady ? "steady" : segments[op->segment], op->kind->name);
        for (int k = 0; k < op->inputs; k++) print_tensor(plan, op->in[k], out);
        fprintf(out, " ->");
        for (int k = 0; k < op->outputs; k++) print_tensor(plan, op->out[k], out);
        if (op->writes) fprintf(out, " writes %s", op->writes->name ? op->writes->name : "variable");
        fprintf(out, "\n");
    }
    fprintf(out, "%zu bytes, of which tensors %zu, workspace %zu\n", plan->bytes, plan->liveness.bytes,
            plan->workspace_bytes);
}
