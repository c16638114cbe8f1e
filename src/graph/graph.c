/* SPDX-License-Identifier: Apache-2.0
 * Building graphs.  Everything lies in the graph's arena.  A graph that has failed goes on answering: its spare op and
 * spare tensor stand in for what could not be made, so that builders need not look after each call. */
#include "graph/graph.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_ATTRIBUTES = 1024 };

static cni_op *new_op(cni_arena *arena, size_t attributes, int inputs, int outputs)
{
    cni_op *op = CNI_NEW(arena, cni_op);
    if (!op) return NULL;
    op->in = CNI_NEW_ARRAY(arena, cni_tensor *, (size_t)inputs);
    op->out = CNI_NEW_ARRAY(arena, cni_tensor *, (size_t)outputs);
    op->attributes = cni_arena_alloc(arena, attributes);
    op->inputs = inputs;
    op->outputs = outputs;
    return op->in && op->out && op->attributes ? op : NULL;
}

cni_graph *cni_graph_new(void)
{
    cni_graph *graph = calloc(1, sizeof *graph);
    if (!graph) return NULL;
    graph->spare_tensor = CNI_NEW(&graph->arena, cni_tensor);
    graph->spare_op = new_op(&graph->arena, SPARE_ATTRIBUTES, CNI_MAX_INPUTS, CNI_MAX_OUTPUTS);
    if (graph->spare_tensor && graph->spare_op) return graph;
    cni_graph_free(graph);
    return NULL;
}

void cni_graph_free(cni_graph *graph)
{
    if (!graph) return;
    cni_arena_free(&graph->arena);
    free(graph);
}

/* A list with room for one more; NULL when out of memory.  An outgrown array is left to the arena, which wastes less
 * than the list is long. */
static void *grown(cni_graph *graph, void *items, int count, int *capacity)
{
    if (count < *capacity) return items;
    int more = *capacity ? 2 * *capacity : 64;
    void *list = CNI_NEW_ARRAY(&graph->arena, void *, (size_t)more);
    if (!list) {
        cni_no_memory(&graph->error, "a graph");
        return NULL;
    }
    if (count) memcpy(list, items, (size_t)count * sizeof(void *));
    *capacity = more;
    return list;
}

static cni_tensor *spare_tensor(cni_graph *graph, const cni_shape *shape)
{
    *graph->spare_tensor = (cni_tensor){.shape = *shape};
    return graph->spare_tensor;
}

cni_tensor *cni_graph_tensor(cni_graph *graph, cni_shape shape)
{
    bool batched = shape.rank > 0 && shape.dims[0] == CNI_UNKNOWN;
    if (cni_shape_count(&shape, batched) < 0) {
        cni_fail(&graph->error, CN_ERR_LIMIT,
                 "a tensor of shape %s cannot be made: its dimensions after the batch must be known, and their "
                 "product at most 2^48",
                 CNI_SHOW_SHAPE(&shape));
        return spare_tensor(graph, &CNI_SHAPE(1));
    }
    cni_tensor *tensor = CNI_NEW(&graph->arena, cni_tensor);
    cni_tensor **tensors = grown(graph, graph->tensors, graph->tensor_count, &graph->tensor_capacity);
    if (!tensor || !tensors) {
        cni_no_memory(&graph->error, "a graph");
        return spare_tensor(graph, &shape);
    }
    graph->tensors = tensors;
    *tensor = (cni_tensor){.id = graph->tensor_count, .shape = shape};
    return graph->tensors[graph->tensor_count++] = tensor;
}

cni_tensor *cni_graph_input(cni_graph *graph, cni_shape shape)
{
    cni_tensor *tensor = cni_graph_tensor(graph, shape);
    tensor->is_input = true;
    return tensor;
}

cni_tensor *cni_graph_variable(cni_graph *graph, cni_variable *variable)
{
    for (int i = 0; i < graph->variable_count; i++)
        if (graph->variables[i]->variable == variable) return graph->variables[i];
    cni_tensor *tensor = cni_graph_tensor(graph, variable->shape);
    tensor->variable = variable;
    cni_tensor **variables = grown(graph, graph->variables, graph->variable_count, &graph->variable_capacity);
    if (!variables) return tensor;
    graph->variables = variables;
    return graph->variables[graph->variable_count++] = tensor;
}

cni_tensor *cni_graph_constant(cni_graph *graph, cni_shape shape, double value)
{
    cni_tensor *tensor = cni_graph_tensor(graph, shape);
    tensor->is_constant = true;
    tensor->constant = value;
    return tensor;
}

/* The op that stands in for one that could not be made: as many outputs as asked for, all of them the spare tensor. */
static cni_op *spare_op(cni_graph *graph, const cni_op_kind *kind, int inputs, int outputs, const cni_shape *shapes)
{
    cni_op *op = graph->spare_op;
    op->kind = kind;
    op->inputs = inputs < CNI_MAX_INPUTS ? inputs : CNI_MAX_INPUTS;
    op->outputs = outputs < CNI_MAX_OUTPUTS ? outputs : CNI_MAX_OUTPUTS;
    op->writes = NULL;
    cni_tensor *tensor = spare_tensor(graph, outputs ? &shapes[0] : &CNI_SHAPE(1));
    for (int i = 0; i < op->inputs; i++) op->in[i] = tensor;
    for (int i = 0; i < op->outputs; i++) op->out[i] = tensor;
    return op;
}

cni_op *cni_append(cni_graph *graph, const cni_op_kind *kind, const void *attributes, int inputs, cni_tensor *const *in,
                   int outputs, const cni_shape *shapes)
{
    if (inputs > CNI_MAX_INPUTS || outputs > CNI_MAX_OUTPUTS)
        cni_fail(&graph->error, CN_ERR_LIMIT, "%s: %d inputs and %d outputs; at most %d and %d are possible",
                 kind->name, inputs, outputs, CNI_MAX_INPUTS, CNI_MAX_OUTPUTS);
    if (graph->error.status) return spare_op(graph, kind, inputs, outputs, shapes);

    cni_op *op = new_op(&graph->arena, kind->attributes_size, inputs, outputs);
    if (!op) {
        cni_no_memory(&graph->error, "a graph");
        return spare_op(graph, kind, inputs, outputs, shapes);
    }
    op->kind = kind;
    op->id = graph->op_count;
    op->segment = graph->segment;
    op->source = graph->source;
    if (attributes && kind->attributes_size) memcpy(op->attributes, attributes, kind->attributes_size);
    bool differentiable = false;
    for (int i = 0; i < inputs; i++) {
        op->in[i] = in[i];
        differentiable |= in[i] && in[i]->differentiable;
    }
    for (int i = 0; i < outputs; i++) {
        op->out[i] = cni_graph_tensor(graph, shapes[i]);
        op->out[i]->producer = op;
        op->out[i]->differentiable = differentiable;
    }
    cni_op **ops = grown(graph, graph->ops, graph->op_count, &graph->op_capacity);
    if (!ops) return op;
    graph->ops = ops;
    return graph->ops[graph->op_count++] = op;
}

int cni_graph_scalar(cni_graph *graph)
{
    return graph->scalar_count++;
}

size_t cni_tensor_image(const cni_tensor *tensor)
{
    return (size_t)cni_shape_count(&tensor->shape, cni_tensor_batched(tensor));
}

size_t cni_tensor_count(const cni_tensor *tensor, int n)
{
    return cni_tensor_batched(tensor) ? (size_t)n * cni_tensor_image(tensor) : cni_tensor_image(tensor);
}
