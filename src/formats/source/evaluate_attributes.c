/* SPDX-License-Identifier: Apache-2.0
 * Attributes: what stands behind the dot, of the world outside, of objects, tensors, layers and models. */
#include "formats/source/evaluate.h"

#include <string.h>

static cni_thing *of_path(cni_evaluator *e, const cni_thing *of, const char *name, cni_span span)
{
    const char *path = cni_arena_printf(e->arena, "%s.%s", of->text, name);
    if (!path) return e->exhausted = true, e->broken;
    if (strcmp(path, "math.pi") == 0 || strcmp(path, "numpy.pi") == 0)
        return cni_thing_real(e, 3.141592653589793, span);
    return cni_thing_path(e, cni_path_usual(e, path), span);
}

/* A method with its object, or a constant of the class. */
static cni_thing *of_class(cni_evaluator *e, cni_thing *self, const cni_thing *class_, const char *name, cni_span span)
{
    cni_thing *holder = NULL, *member = cni_class_member(class_, name, &holder);
    if (!member || member->type != CNI_THING_FUNCTION || !self) return member;
    cni_thing *bound = cni_thing_bound(e, self, name, member, span);
    if (bound != e->broken) bound->holder = holder;
    return bound;
}

/* What frameworks give to every module. */
static cni_thing *of_module(cni_evaluator *e, cni_thing *of, const char *name, cni_span span)
{
    static const char *const truths[] = {"training", "built", "trainable"};
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++)
        if (strcmp(name, truths[i]) == 0) return cni_thing_bool(e, i > 0, span);
    return cni_thing_bound(e, of, name, NULL, span);
}

static cni_thing *of_model(cni_evaluator *e, cni_thing *of, const char *name, cni_span span);

static cni_thing *of_instance(cni_evaluator *e, cni_thing *of, const char *name, cni_span span)
{
    cni_thing *own = cni_scope_get(of->scope, name);
    if (!own) own = of_class(e, of, of->of, name, span);
    if (own) return own;
    if (strcmp(name, "__setattr__") == 0 || strcmp(name, "__getattr__") == 0)
        return cni_thing_bound(e, of, name, NULL, span);
    if (of->model) return of_model(e, of, name, span);
    return cni_evaluate_doubt(e, "I809", span, NULL, "%.60s has no '%.60s'", of->text, name);
}

static cni_thing *of_super(cni_evaluator *e, const cni_thing *of, const char *name, cni_span span)
{
    const cni_thing *class_ = of->function;
    for (size_t i = 0; class_ && i < class_->count; i++)
        if (class_->items[i]->type == CNI_THING_CLASS) {
            cni_thing *member = of_class(e, of->of, class_->items[i], name, span);
            if (member) return member;
        }
    return cni_thing_bound(e, (cni_thing *)(uintptr_t)of, name, NULL, span);
}

/* ---- tensors and arrays ---- */

static cni_thing *dimensions(cni_evaluator *e, const cni_shape *shape, bool none, cni_span span)
{
    cni_thing *list = cni_thing_new(e, CNI_THING_TUPLE, span);
    for (int i = 0; i < shape->rank; i++)
        cni_thing_append(e, list,
                         shape->dims[i] >= 0 ? cni_thing_int(e, shape->dims[i], span)
                         : none              ? e->none
                                             : cni_thing_opaque(e, span));
    return list;
}

static cni_thing *of_tensor(cni_evaluator *e, cni_thing *of, const char *name, cni_span span)
{
    if (strcmp(name, "shape") == 0) {
        const cni_shape shape = cni_tensor_shape(e, of->tensor);
        const cni_dialect dialect = e->layers[e->calls[of->tensor.call].described.layer].dialect;
        return shape.rank ? dimensions(e, &shape, dialect == CNI_KERAS, span) : cni_thing_opaque(e, span);
    }
    if (strcmp(name, "dtype") == 0 || strcmp(name, "device") == 0 || strcmp(name, "name") == 0)
        return cni_thing_opaque(e, span);
    return cni_thing_bound(e, of, name, NULL, span);
}

static cni_thing *of_opaque(cni_evaluator *e, cni_thing *of, const char *name, cni_span span)
{
    if (of->shape && strcmp(name, "shape") == 0) return dimensions(e, of->shape, false, span);
    if (cni_is_array_method(name)) return cni_thing_bound(e, of, name, NULL, span);
    cni_thing *thing = cni_thing_follows(e, of, span);
    if (thing != e->broken) thing->text = name;
    return thing;
}

/* ---- layers and models ---- */

/* The first call of a layer, in the order of the text; -1: it is not called. */
static int first_call(const cni_evaluator *e, int layer)
{
    for (int i = 0; i < e->call_count; i++)
        if (e->calls[i].described.layer == layer) return i;
    return -1;
}

/* layer.output, layer.input: of its first call.  The models that hold it have to be laid out for that. */
static cni_thing *layer_tensor(cni_evaluator *e, int layer, bool output, cni_span span)
{
    for (int i = 0; i < e->model_count && first_call(e, layer) < 0; i++) cni_model_trace(e, e->models[i]);
    const int call = first_call(e, layer);
    if (call < 0) return cni_evaluate_doubt(e, "I809", span, NULL, "this layer is not called, and has no output");
    if (output) return cni_thing_tensor(e, call, 0);
    const cni_described_call *described = &e->calls[call].described;
    if (!described->input_count) return cni_thing_tensor(e, call, 0);
    return cni_thing_tensor(e, described->inputs[0].call, described->inputs[0].output);
}

static cni_thing *of_layer(cni_evaluator *e, cni_thing *of, const char *name, cni_span span)
{
    const cni_described_layer *layer = &e->layers[of->layer].described;
    if (strcmp(name, "output") == 0 || strcmp(name, "input") == 0)
        return layer_tensor(e, of->layer, *name == 'o', span);
    if (strcmp(name, "name") == 0)
        return layer->name ? cni_thing_text(e, layer->name, span) : cni_thing_opaque(e, span);
    for (int i = 0; i < layer->argument_count; i++)
        if (strcmp(layer->arguments[i].key, name) == 0) return cni_thing_of_value(e, layer->arguments[i].value, span);
    return of_module(e, of, name, span);
}

static cni_thing *tensors_of_model(cni_evaluator *e, cni_source_model *model, const char *name, cni_span span)
{
    const bool output = name[0] == 'o', list = name[strlen(name) - 1] == 's';
    if (!cni_model_trace(e, model)) return e->broken;
    const int count = output ? model->output_count : model->input_count;
    const cni_tensor_reference *tensors = output ? model->outputs : model->inputs;
    if (!list && count == 1) return cni_thing_tensor(e, tensors[0].call, tensors[0].output);
    cni_thing *all = cni_thing_new(e, CNI_THING_LIST, span);
    for (int i = 0; i < count; i++) cni_thing_append(e, all, cni_thing_tensor(e, tensors[i].call, tensors[i].output));
    return all;
}

static cni_thing *layers_of_model(cni_evaluator *e, const cni_source_model *model, cni_span span)
{
    if (model->form != CNI_MODEL_CHAIN) return cni_thing_opaque(e, span);
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, span);
    for (int i = 0; i < model->part_count; i++) cni_thing_append(e, list, model->parts[i].thing);
    return list;
}

static cni_thing *of_model(cni_evaluator *e, cni_thing *of, const char *name, cni_span span)
{
    static const char *const tensors[] = {"input", "inputs", "output", "outputs"};
    cni_source_model *model = of->model;
    for (size_t i = 0; model->dialect == CNI_KERAS && i < sizeof tensors / sizeof *tensors; i++)
        if (strcmp(tensors[i], name) == 0) return tensors_of_model(e, model, name, span);
    if (strcmp(name, "layers") == 0) return layers_of_model(e, model, span);
    if (strcmp(name, "name") == 0) return cni_thing_text(e, model->name, span);
    for (int i = 0; i < model->part_count; i++)
        if (model->parts[i].name && strcmp(model->parts[i].name, name) == 0) return model->parts[i].thing;
    return of_module(e, of, name, span);
}

cni_thing *cni_evaluate_attribute(cni_evaluator *e, cni_thing *of, const char *name, cni_span span)
{
    switch (of->type) {
    case CNI_THING_BROKEN:
        return of;
    case CNI_THING_PATH:
        return of_path(e, of, name, span);
    case CNI_THING_INSTANCE:
        return of_instance(e, of, name, span);
    case CNI_THING_CLASS: {
        cni_thing *member = of_class(e, NULL, of, name, span);
        return member ? member : cni_thing_bound(e, of, name, NULL, span);
    }
    case CNI_THING_SUPER:
        return of_super(e, of, name, span);
    case CNI_THING_TENSOR:
        return of_tensor(e, of, name, span);
    case CNI_THING_OPAQUE:
        return of_opaque(e, of, name, span);
    case CNI_THING_LAYER:
        return of_layer(e, of, name, span);
    case CNI_THING_MODEL:
        return of_model(e, of, name, span);
    default:
        return cni_thing_bound(e, of, name, NULL, span);
    }
}
