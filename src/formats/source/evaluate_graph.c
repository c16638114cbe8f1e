/* SPDX-License-Identifier: Apache-2.0
 * The network as it is written: calls of layers on tensors, inputs, and shapes as far as they are known. */
#include "formats/source/evaluate.h"

#include "layers/layers.h"

#include <string.h>

bool cni_layer_is_input(const cni_evaluator *e, int layer)
{
    return e->layers[layer].described.kind == &cni_input_layer;
}

/* ---- shapes ---- */

static cni_shape shape_of_model(cni_evaluator *e, const cni_source_model *model)
{
    if (!model->traced || model->output_count != 1) return (cni_shape){0};
    return cni_tensor_shape(e, model->outputs[0]);
}

static bool fits_rank(const cni_layer_kind *kind, const cni_shape *shape)
{
    return (!kind->min_rank || shape->rank >= kind->min_rank) && (!kind->max_rank || shape->rank <= kind->max_rank);
}

/* What a layer makes of shapes; what does not fit is for others to tell. */
static cni_shape output_shape(cni_evaluator *e, const cni_described_call *call)
{
    enum { MAX = 64 };
    const cni_source_layer *source = &e->layers[call->layer];
    const cni_layer_kind *kind = source->described.kind;
    cni_shape in[MAX], out = {0};
    if (source->model) return shape_of_model(e, source->model);
    if (source->described.told.rank) return source->described.told;
    if (!kind || !source->described.config || !kind->output_shape || call->input_count > MAX) return out;
    for (int i = 0; i < call->input_count; i++) {
        in[i] = cni_tensor_shape(e, call->inputs[i]);
        if (!in[i].rank || !fits_rank(kind, &in[i])) return out;
    }
    cni_error error = {0};
    const cn_layer layer = {.kind = kind,
                            .config = source->described.config,
                            .name = source->described.name ? source->described.name : "",
                            .arena = e->arena,
                            .input_count = call->input_count,
                            .input_shapes = in};
    if (kind->output_shape(&layer, call->input_count, in, &out, &error)) out = (cni_shape){0};
    for (int i = 1; i < out.rank; i++)
        if (out.dims[i] <= 0 && out.dims[i] != CNI_UNKNOWN) return (cni_shape){0};
    return out;
}

cni_shape cni_tensor_shape(cni_evaluator *e, cni_tensor_reference tensor)
{
    return tensor.output ? (cni_shape){0} : e->calls[tensor.call].shape;
}

const cni_value *cni_shape_value(cni_evaluator *e, const cni_shape *shape)
{
    if (shape->rank < 2) return NULL;
    cni_value *list = cni_value_list(e->arena);
    for (int i = 1; list && i < shape->rank; i++)
        cni_value_add(e->arena, list, NULL,
                      shape->dims[i] >= 0 ? cni_value_int(e->arena, shape->dims[i]) : cni_value_null(e->arena));
    return list;
}

/* ---- calls ---- */

static int new_call(cni_evaluator *e, const cni_described_call *call)
{
    enum { WEIGHT = 1000 };
    if (!cni_evaluate_work(e, WEIGHT, call->span)) return -1;
    if (e->call_count == e->call_capacity) {
        const int capacity = e->call_capacity ? 2 * e->call_capacity : 128;
        cni_source_call *more = CNI_NEW_ARRAY(e->arena, cni_source_call, (size_t)capacity);
        if (!more) {
            e->exhausted = true;
            return -1;
        }
        if (e->call_count) memcpy(more, e->calls, (size_t)e->call_count * sizeof *more);
        e->calls = more, e->call_capacity = capacity;
    }
    e->layers[call->layer].used = true;
    e->calls[e->call_count] = (cni_source_call){.described = *call, .shape = output_shape(e, call)};
    return e->call_count++;
}

int cni_call_of_input(cni_evaluator *e, int layer)
{
    for (int i = 0; i < e->call_count; i++)
        if (e->calls[i].described.layer == layer) return i;
    return new_call(e, &(cni_described_call){.layer = layer, .span = e->layers[layer].described.span});
}

cni_thing *cni_make_input(cni_evaluator *e, const cni_value *shape, const char *name, cni_dialect dialect,
                          cni_span span)
{
    int layer;
    if (shape) {
        cni_actuals actuals = {.span = span, .callee = span};
        cni_actuals_add(e, &actuals, "shape", cni_thing_of_value(e, shape, span), span);
        if (name) cni_actuals_add(e, &actuals, "name", cni_thing_text(e, name, span), span);
        layer = cni_make_layer(e, &cni_input_layer, NULL, dialect, &actuals);
    } else
        layer = cni_make_unknown_input(e, name, dialect, span);
    if (layer < 0) return e->broken;
    e->layers[layer].base = "input";
    return cni_thing_tensor(e, new_call(e, &(cni_described_call){.layer = layer, .span = span}), 0);
}

/* ---- tensors among what is given ---- */

/* An array of numbers stands for an input of its shape. */
static cni_thing *input_of_array(cni_evaluator *e, cni_thing *array, cni_dialect dialect)
{
    if (!array->of) {
        const cni_value *shape = array->shape ? cni_shape_value(e, array->shape) : NULL;
        array->of = cni_make_input(e, shape, NULL, dialect, array->span);
        if (!shape)
            cni_evaluate_remark(e, "I805", CNI_NOTE, array->span, NULL,
                                "not known here: taken as an input of unknown shape");
    }
    return array->of;
}

typedef struct gathering {
    cni_tensor_reference *items;
    int count, capacity, depth;
    cni_thing *doubtful; /* found among them */
} gathering;
enum { MAX_TENSORS = 1000, MAX_DEPTH = 16 /* of lists in lists */ };

static bool gather(cni_evaluator *e, cni_thing *thing, cni_dialect dialect, cni_span span, gathering *g);

static bool gather_items(cni_evaluator *e, const cni_thing *list, cni_dialect dialect, cni_span span, gathering *g)
{
    bool good = g->depth < MAX_DEPTH && g->count + list->count <= MAX_TENSORS;
    if (!good) cni_evaluate_error(e, "I812", span, NULL, "more than %d tensors", MAX_TENSORS);
    g->depth++;
    for (size_t i = 0; good && i < list->count; i++) good = gather(e, list->items[i], dialect, span, g);
    g->depth--;
    return good;
}

static bool gather(cni_evaluator *e, cni_thing *thing, cni_dialect dialect, cni_span span, gathering *g)
{
    if (cni_thing_is_doubtful(thing)) return g->doubtful = thing, false;
    if (thing->type == CNI_THING_OPAQUE) thing = input_of_array(e, thing, dialect);
    if (cni_thing_is_list(thing) || thing->type == CNI_THING_DICT) return gather_items(e, thing, dialect, span, g);
    if (thing->type != CNI_THING_TENSOR) {
        const char *hint = cni_thing_is_module(thing) ? "call it: layer(x)" : NULL;
        if (thing->type == CNI_THING_NONE && thing->text)
            hint = cni_arena_printf(e->arena, "%.60s() returns nothing: end it with 'return x'", thing->text);
        cni_evaluate_error(e, "I804", thing->span.line ? thing->span : span, hint, "%s, where a tensor is expected",
                           cni_thing_describe(thing));
        return false;
    }
    if (g->count == g->capacity) {
        const int capacity = g->capacity ? 2 * g->capacity : 4;
        cni_tensor_reference *more = CNI_NEW_ARRAY(e->arena, cni_tensor_reference, (size_t)capacity);
        if (!more) return !(e->exhausted = true);
        if (g->count) memcpy(more, g->items, (size_t)g->count * sizeof *more);
        g->items = more, g->capacity = capacity;
    }
    g->items[g->count++] = thing->tensor;
    return true;
}

bool cni_tensors_of(cni_evaluator *e, cni_thing *inputs, cni_dialect dialect, cni_span span, cni_tensor_reference **out,
                    int *count)
{
    gathering g = {0};
    if (!gather(e, inputs, dialect, span, &g)) {
        if (g.doubtful) cni_thing_matters(e, g.doubtful);
        return false;
    }
    *out = g.items;
    *count = g.count;
    return true;
}

/* ---- applying ---- */

static bool takes_so_many(cni_evaluator *e, int layer, int count, cni_span span)
{
    const cni_described_layer *described = &e->layers[layer].described;
    const cni_layer_kind *kind = described->kind;
    if (!count)
        cni_evaluate_error(e, "I810", span, NULL, "%s is called without a tensor", described->class_name);
    else if (kind && !kind->merges && count > 1)
        cni_evaluate_error(e, "I804", span, NULL, "%s is called on %d tensors, and takes one", described->class_name,
                           count);
    else
        return true;
    return false;
}

cni_thing *cni_apply_layer(cni_evaluator *e, int layer, cni_thing *inputs, cni_span span)
{
    cni_described_call call = {.layer = layer, .span = span};
    if (layer < 0) return e->broken;
    e->layers[layer].used = true;
    gathering g = {0};
    if (!gather(e, inputs, e->layers[layer].dialect, span, &g)) {
        if (g.doubtful && g.doubtful->doubt) g.doubtful->doubt->fed = true;
        return g.doubtful ? cni_thing_follows(e, g.doubtful, span) : e->broken;
    }
    call.inputs = g.items;
    call.input_count = g.count;
    if (!takes_so_many(e, layer, call.input_count, span)) return e->broken;
    const int index = new_call(e, &call);
    const cni_source_model *model = e->layers[layer].model;
    if (!model || model->output_count < 2) return cni_thing_tensor(e, index, 0);
    cni_thing *all = cni_thing_new(e, CNI_THING_LIST, span);
    for (int i = 0; i < model->output_count; i++) cni_thing_append(e, all, cni_thing_tensor(e, index, i));
    return all;
}
