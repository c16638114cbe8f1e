/* SPDX-License-Identifier: Apache-2.0
 * Building: weights for known inputs, shapes through all layers, Keras' order of layers, lowering to a graph. */
#include "model/model.h"

#include "graph/ops/binary.h"
#include "graph/ops/reduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- shapes and weights ---- */

static cn_status check_ranks(const cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    const cni_layer_kind *kind = layer->kind;
    for (int i = 0; i < count; i++) {
        int rank = in[i].rank;
        if (kind->min_rank && kind->min_rank == kind->max_rank && rank != kind->min_rank)
            return cni_fail(error, CN_ERR_SHAPE, "expected ndim=%d, found ndim=%d: the input has shape %s%s",
                            kind->min_rank, rank, CNI_SHOW_SHAPE(in + i),
                            kind->min_rank == 4 ? " (images are (batch, rows, columns, channels))" : "");
        if (kind->min_rank && rank < kind->min_rank)
            return cni_fail(error, CN_ERR_SHAPE, "expected min_ndim=%d, found ndim=%d: the input has shape %s",
                            kind->min_rank, rank, CNI_SHOW_SHAPE(in + i));
        if (kind->max_rank && rank > kind->max_rank)
            return cni_fail(error, CN_ERR_SHAPE, "expected max_ndim=%d, found ndim=%d: the input has shape %s",
                            kind->max_rank, rank, CNI_SHOW_SHAPE(in + i));
    }
    return CN_OK;
}

/* Keeps what the first call looked like: the config's build_config, and the shapes that later calls must fit. */
static cn_status remember_inputs(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    layer->input_shapes = CNI_NEW_ARRAY(layer->arena, cni_shape, (size_t)count);
    if (!layer->input_shapes) return cni_no_memory(error, "a layer");
    memcpy(layer->input_shapes, in, (size_t)count * sizeof *in);
    layer->input_count = count;
    layer->built = true;
    return CN_OK;
}

cn_status cni_layer_build(cn_layer *layer, int count, const cni_shape *in, cni_error *error)
{
    if (layer->inner) {
        CN_TRY(cni_sequential_build(layer->inner, in, error));
        return layer->input_shapes ? CN_OK : remember_inputs(layer, count, in, error);
    }
    cni_error local = {0};
    cn_status status = check_ranks(layer, count, in, &local);
    if (!status && !layer->built) {
        if (layer->kind->build) status = layer->kind->build(layer, count, in, &local);
        if (!status) status = remember_inputs(layer, count, in, &local);
    }
    return status ? cni_fail(error, status, "%s: %s", CNI_LABEL(layer), local.text) : CN_OK;
}

cn_status cni_shape_check_size(const cni_shape *shape, cni_error *error)
{
    const double most = 0x1p40;
    double count = 1;
    for (int i = 1; i < shape->rank; i++) {
        if (shape->dims[i] > 0) count *= (double)shape->dims[i];
        if (shape->dims[i] > INT32_MAX) count = INFINITY;
    }
    if (count <= most) return CN_OK;
    return cni_fail(error, CN_ERR_LIMIT,
                    "one image would have shape %s: at most 2^31 - 1 in a dimension and 2^40 numbers are possible",
                    CNI_SHOW_SHAPE(shape));
}

cn_status cni_layer_shapes(cn_layer *layer, int count, const cni_shape *in, int *out_count, cni_shape *out,
                           cni_error *error)
{
    if (layer->inner) {
        *out_count = layer->inner->output_count;
        cn_status status = cni_model_shapes(layer->inner, count, in, out, error);
        return status ? cni_fail_in(error, "%s", CNI_LABEL(layer)) : CN_OK;
    }
    cni_error local = {0};
    *out_count = 1;
    cn_status status = check_ranks(layer, count, in, &local);
    if (!status) status = layer->kind->output_shape(layer, count, in, out, &local);
    if (!status) status = cni_shape_check_size(out, &local);
    return status ? cni_fail(error, status, "%s: %s", CNI_LABEL(layer), local.text) : CN_OK;
}

static cn_status fit_input(const cn_model *model, int index, const cni_shape *given, cni_error *error)
{
    const cni_shape *wanted = &model->inputs[index]->shape;
    if (cni_shape_compatible(wanted, given)) return CN_OK;
    return cni_fail(error, CN_ERR_SHAPE, "input %d of \"%s\" has shape %s; the model expects %s", index, model->name,
                    CNI_SHOW_SHAPE(given), CNI_SHOW_SHAPE(wanted));
}

cn_status cni_model_shapes(cn_model *model, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    if (count != model->input_count)
        return cni_fail(error, CN_ERR_SHAPE, "\"%s\" takes %d inputs, not %d", model->name, model->input_count, count);
    cni_shape *shapes = calloc((size_t)model->node_count + 1, sizeof *shapes);
    if (!shapes) return cni_no_memory(error, "shapes");
    cn_status status = CN_OK;
    for (int i = 0; i < count && !status; i++) {
        status = fit_input(model, i, in + i, error);
        shapes[model->inputs[i]->id] = in[i];
    }
    for (int i = 0; i < model->call_count && !status; i++) {
        const cni_call *call = model->calls[i];
        cni_shape inputs[CNI_MAX_INPUTS], outputs[CN_MAX_ARRAYS];
        int output_count;
        if (!call->input_count) continue;
        for (int j = 0; j < call->input_count; j++) inputs[j] = shapes[call->inputs[j]->id];
        status = cni_layer_shapes(call->layer, call->input_count, inputs, &output_count, outputs, error);
        for (int j = 0; j < call->output_count && !status; j++) shapes[call->outputs[j]->id] = outputs[j];
    }
    for (int i = 0; i < model->output_count && !status; i++) out[i] = shapes[model->outputs[i]->id];
    free(shapes);
    return status;
}

/* ---- lowering ---- */

static cni_tensor *divide_by_batch(cni_graph *graph, cni_tensor *scalar)
{
    cni_tensor *ones = cni_graph_constant(graph, CNI_SHAPE(CNI_UNKNOWN), 1);
    return cni_divide(graph, scalar, cni_reduce(graph, CNI_SUM, ones, CNI_ALL_AXES, false));
}

/* Keras: the penalty of an output is divided by the batch size, and added on every call. */
static void add_activity_penalty(cni_lowering *lowering, const cn_layer *layer, cni_tensor *y)
{
    const cni_object *regularizer = layer->config ? cni_object_of(layer->config, "activity_regularizer") : NULL;
    if (!regularizer || !lowering->penalize) return;
    cni_tensor *penalty = divide_by_batch(lowering->graph, cni_lower_regularizer(lowering->graph, regularizer, y));
    lowering->penalty = lowering->penalty ? cni_add(lowering->graph, lowering->penalty, penalty) : penalty;
}

cn_status cni_model_check_runs(const cn_model *model, cni_error *error)
{
    for (int i = 0; i < model->call_count; i++) {
        const cn_layer *layer = model->calls[i]->layer;
        if (layer->inner) {
            const cn_status status = cni_model_check_runs(layer->inner, error);
            if (status) return cni_fail_in(error, "%s", CNI_LABEL(layer));
        } else if (!layer->kind->lower) {
            return cni_fail(error, CN_ERR_UNSUPPORTED,
                            "%s: this layer can be described and explained (cornu explain), but not run yet",
                            CNI_LABEL(layer));
        }
    }
    return CN_OK;
}

static cn_status lower_call(cni_lowering *lowering, const cni_call *call, cni_tensor **tensors, cni_error *error)
{
    cn_layer *layer = call->layer;
    cni_tensor *in[CNI_MAX_INPUTS], *out[CN_MAX_ARRAYS];
    for (int i = 0; i < call->input_count; i++) in[i] = tensors[call->inputs[i]->id];
    if (layer->inner) {
        bool inside = lowering->inside;
        lowering->inside = true;
        CN_TRY(cni_model_lower(layer->inner, lowering, in, out, error));
        lowering->inside = inside;
    } else {
        lowering->layer = layer;
        lowering->graph->source = call;
        out[0] = layer->kind->lower(lowering, layer, call->input_count, in);
        if (lowering->graph->error.status)
            return cni_fail(error, lowering->graph->error.status, "%s: %s", CNI_LABEL(layer),
                            lowering->graph->error.text);
        add_activity_penalty(lowering, layer, out[0]);
        if (lowering->seen) lowering->seen(lowering->user, layer, out[0]);
    }
    for (int i = 0; i < call->output_count; i++) tensors[call->outputs[i]->id] = out[i];
    return CN_OK;
}

/* Calls in the order in which Keras runs them: it decides what a shared layer's state meets first (moving statistics,
 * the generator of Dropout). */
typedef struct turn {
    const cni_call *call;
    int place; /* among the model's calls */
} turn;

static int compare_turns(const void *a, const void *b)
{
    const turn *x = a, *y = b;
    if (x->call->depth != y->call->depth) return x->call->depth > y->call->depth ? -1 : 1;
    if (x->call->arrival != y->call->arrival) return x->call->arrival < y->call->arrival ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Keras' training step calls the layers of the outermost model one by one, and each call forgets what the layer's (or
 * the inner model's) activity regularizers had added before: of a layer that is called twice the last call counts. */
static bool is_forgotten(const turn *turns, int count, int index, const cni_lowering *lowering)
{
    const cn_layer *layer = turns[index].call->layer;
    if (lowering->inside || layer->calls < 2 || !lowering->penalize) return false;
    for (int i = index + 1; i < count; i++)
        if (turns[i].call->layer == layer) return true;
    return false;
}

static cn_status lower_turns(const turn *turns, int count, cni_lowering *lowering, cni_tensor **tensors,
                             cni_error *error)
{
    const bool penalize = lowering->penalize;
    for (int i = 0; i < count; i++) {
        if (!turns[i].call->input_count) continue;
        lowering->penalize = penalize && !is_forgotten(turns, count, i, lowering);
        CN_TRY(lower_call(lowering, turns[i].call, tensors, error));
        lowering->penalize = penalize;
    }
    return CN_OK;
}

static cn_status lower_calls(cn_model *model, cni_lowering *lowering, cni_tensor **tensors, cni_error *error)
{
    turn *turns = calloc((size_t)model->call_count + 1, sizeof *turns);
    if (!turns) return cni_no_memory(error, "a graph");
    for (int i = 0; i < model->call_count; i++) turns[i] = (turn){model->calls[i], i};
    qsort(turns, (size_t)model->call_count, sizeof *turns, compare_turns);
    const cn_status status = lower_turns(turns, model->call_count, lowering, tensors, error);
    free(turns);
    return status;
}

cn_status cni_model_lower(cn_model *model, cni_lowering *lowering, cni_tensor *const *inputs, cni_tensor **outputs,
                          cni_error *error)
{
    cni_tensor **tensors = calloc((size_t)model->node_count + 1, sizeof *tensors);
    if (!tensors) return cni_no_memory(error, "a graph");
    for (int i = 0; i < model->input_count; i++) tensors[model->inputs[i]->id] = inputs[i];
    cn_status status = lower_calls(model, lowering, tensors, error);
    for (int i = 0; i < model->output_count && !status; i++) outputs[i] = tensors[model->outputs[i]->id];
    free(tensors);
    return status;
}

/* ---- Keras' order of layers (keras.src.ops.function.map_graph) ---- */

typedef struct ordering {
    cn_model *model;
    cni_call **done; /* finished calls, as the depth-first walk leaves them */
    int done_count;
    signed char *state;             /* by call: 0 not seen, 1 in progress, 2 finished */
    int *depth;                     /* by call */
    int *layer_depth, *layer_index; /* by layer; -1 = not reached */
    int next_index, arrivals;
} ordering;

/* Depth-first from an output, without recursion: a hostile file may be 100,000 calls deep. */
static cn_status walk(ordering *o, cni_call *root, cni_error *error)
{
    cn_model *model = o->model;
    typedef struct frame {
        cni_call *call;
        int next;
    } frame;
    frame *stack = calloc((size_t)model->call_count + 1, sizeof *stack);
    int top = 0;
    if (!stack) return cni_no_memory(error, "the order of layers");
    stack[0] = (frame){root, 0};
    while (top >= 0) {
        frame *f = stack + top;
        int index = f->call->id;
        if (f->next == 0 && o->state[index] == 0) {
            o->state[index] = 1;
            int layer = f->call->layer->index;
            if (o->layer_index[layer] < 0) o->layer_index[layer] = o->next_index++;
        }
        if (o->state[index] == 2 || f->next == f->call->input_count) {
            if (o->state[index] != 2) o->done[o->done_count++] = f->call;
            o->state[index] = 2;
            top--;
            continue;
        }
        cni_call *below = f->call->inputs[f->next++]->call;
        if (o->state[below->id] == 0) stack[++top] = (frame){below, 0};
    }
    free(stack);
    return CN_OK;
}

/* `arrivals` counts the calls that have a depth: Keras' dict of depths keeps the order in which they got one. */
static void deepen(ordering *o, cni_call *call, int depth)
{
    if (o->depth[call->id] < 0) call->arrival = o->arrivals++;
    if (o->depth[call->id] < depth) o->depth[call->id] = depth;
    call->depth = o->depth[call->id];
}

static void measure_depths(ordering *o)
{
    for (int i = o->done_count - 1; i >= 0; i--) {
        cni_call *call = o->done[i];
        const int layer = call->layer->index;
        deepen(o, call, 0);
        deepen(o, call, o->layer_depth[layer]);
        o->layer_depth[layer] = call->depth;
        for (int j = 0; j < call->input_count; j++) deepen(o, call->inputs[j]->call, call->depth + 1);
    }
}

static bool before(const ordering *o, int a, int b)
{
    if (o->layer_depth[a] != o->layer_depth[b]) return o->layer_depth[a] > o->layer_depth[b];
    return o->layer_index[a] < o->layer_index[b];
}

/* Stable insertion sort: models have few layers, and their order is nearly right already. */
static void sort_layers(ordering *o, int *order)
{
    for (int i = 0; i < o->model->layer_count; i++) {
        int at = i;
        for (; at > 0 && before(o, i, order[at - 1]); at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

static cn_status rearrange(ordering *o, int *order, cni_error *error)
{
    cn_model *model = o->model;
    cn_layer **layers = calloc((size_t)model->layer_count + 1, sizeof *layers);
    if (!layers) return cni_no_memory(error, "the order of layers");
    int kept = 0;
    for (int pass = 0; pass < 2; pass++) /* layers that no output needs stay behind the others, unused */
        for (int i = 0; i < model->layer_count; i++)
            if ((o->layer_index[order[i]] >= 0 || o->layer_depth[order[i]] >= 0) == (pass == 0)) {
                layers[kept++] = model->layers[order[i]];
                if (pass == 1) model->layers[order[i]]->unused = true;
            }
    memcpy(model->layers, layers, (size_t)model->layer_count * sizeof *layers);
    free(layers);
    return CN_OK;
}

/* Calls that the outputs do not need are forgotten. */
static void drop_calls(ordering *o)
{
    cn_model *model = o->model;
    int kept = 0;
    for (int i = 0; i < model->call_count; i++) {
        bool is_model_input = false;
        for (int j = 0; j < model->input_count; j++) is_model_input |= model->inputs[j]->call == model->calls[i];
        if (o->state[i] == 2 || is_model_input) model->calls[kept++] = model->calls[i];
    }
    model->call_count = kept;
    int *next = o->layer_depth; /* by layer; depths are not needed any more */
    for (int i = 0; i < model->layer_count; i++) next[i] = 0;
    for (int i = 0; i < kept; i++) model->calls[i]->kept_index = next[model->calls[i]->layer->index]++;
}

static cn_status order_with(ordering *o, int *order, cni_error *error)
{
    cn_model *model = o->model;
    for (int i = 0; i < model->call_count; i++) model->calls[i]->id = i;
    for (int i = 0; i < model->layer_count; i++) model->layers[i]->index = i;
    for (int i = 0; i < model->call_count; i++) o->depth[i] = -1;
    for (int i = 0; i < model->layer_count; i++) o->layer_depth[i] = o->layer_index[i] = -1;
    for (int i = 0; i < model->output_count; i++) CN_TRY(walk(o, model->outputs[i]->call, error));
    measure_depths(o);
    for (int i = 0; i < model->input_count; i++) { /* inputs that nothing reads */
        int layer = model->inputs[i]->call->layer->index;
        if (o->layer_depth[layer] < 0) o->layer_depth[layer] = 0;
    }
    sort_layers(o, order);
    CN_TRY(rearrange(o, order, error));
    drop_calls(o);
    return CN_OK;
}

cn_status cni_model_order(cn_model *model, cni_error *error)
{
    size_t calls = (size_t)model->call_count + 1, layers = (size_t)model->layer_count + 1;
    ordering o = {.model = model,
                  .done = calloc(calls, sizeof *o.done),
                  .state = calloc(calls, 1),
                  .depth = calloc(calls, sizeof *o.depth),
                  .layer_depth = calloc(layers, sizeof *o.layer_depth),
                  .layer_index = calloc(layers, sizeof *o.layer_index)};
    int *order = calloc(layers, sizeof *order);
    cn_status status = o.done && o.state && o.depth && o.layer_depth && o.layer_index && order
                           ? order_with(&o, order, error)
                           : cni_no_memory(error, "the order of layers");
    free(o.done);
    free(o.state);
    free(o.depth);
    free(o.layer_depth);
    free(o.layer_index);
    free(order);
    return status;
}

/* ---- visiting ---- */

/* Keras asks the outermost model and the layer itself; a model between them passed its flag on when it was set, and a
 * layer in it may have been thawed since. */
static void visit_layers(const cn_model *model, bool frozen, cni_layer_visitor *visit, void *user)
{
    for (int i = 0; i < model->layer_count; i++) {
        cn_layer *layer = model->layers[i];
        if (layer->unused) continue;
        if (layer->inner)
            visit_layers(layer->inner, frozen, visit, user);
        else
            visit(user, layer, frozen || !layer->trainable);
    }
}

void cni_model_layers(const cn_model *model, cni_layer_visitor *visit, void *user)
{
    visit_layers(model, !model->trainable, visit, user);
}

static void visit_trained(const cn_model *model, cni_trained_visitor *visit, void *user)
{
    for (int i = 0; i < model->layer_count; i++) {
        const cn_layer *layer = model->layers[i];
        if (layer->unused) continue;
        if (layer->inner) visit_trained(layer->inner, visit, user);
        for (int j = 0; j < layer->weight_count && layer->trained; j++)
            if (layer->weights[j]->trainable) visit(user, layer->weights[j]);
    }
}

void cni_model_trained(const cn_model *model, cni_trained_visitor *visit, void *user)
{
    if (model->trained) visit_trained(model, visit, user);
}

void cni_model_take_trainable(cn_model *model)
{
    model->trained = model->trainable;
    for (int i = 0; i < model->layer_count; i++) {
        cn_layer *layer = model->layers[i];
        layer->trained = layer->trainable;
        if (layer->inner) cni_model_take_trainable(layer->inner);
    }
}

typedef struct weight_visit {
    cni_weight_visitor *visit;
    void *user;
} weight_visit;

static void visit_weights(void *user, cn_layer *layer, bool frozen)
{
    const weight_visit *v = user;
    for (int i = 0; i < layer->weight_count; i++) v->visit(v->user, layer, layer->weights[i], frozen);
}

void cni_model_weights(const cn_model *model, cni_weight_visitor *visit, void *user)
{
    weight_visit v = {visit, user};
    cni_model_layers(model, visit_weights, &v);
}

/* ---- models as layers: the inner model does the work ---- */

static cn_status inner_shape(const cn_layer *layer, int count, const cni_shape *in, cni_shape *out, cni_error *error)
{
    return cni_model_shapes(layer->inner, count, in, out, error);
}

#define MODEL_KIND(var, name_)                                                                                         \
    const cni_layer_kind var = {                                                                                       \
        .kind = {.name = name_, .module = "keras"}, .lazily_built = true, .output_shape = inner_shape}

MODEL_KIND(cni_functional_kind, "Functional");
MODEL_KIND(cni_sequential_kind, "Sequential");
