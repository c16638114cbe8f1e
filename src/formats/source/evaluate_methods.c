/* SPDX-License-Identifier: Apache-2.0
 * Methods of models, and of tensors as PyTorch has them. */
#include "formats/source/evaluate.h"

#include "layers/layers.h"

#include <string.h>

typedef struct method {
    const char *name;
    cni_thing *(*run)(cni_evaluator *e, cni_thing *of, const struct method *method, cni_actuals *actuals);
    const char *class_name, *parameters;
} method;

static bool is(const char *name, const char *text)
{
    return strcmp(name, text) == 0;
}

static cni_thing *itself(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    (void)e, (void)m, (void)actuals;
    return of;
}

static cni_thing *nothing(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    (void)of, (void)m, (void)actuals;
    return e->none;
}

static cni_thing *unknown(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    (void)of, (void)m;
    return cni_thing_opaque(e, actuals->span);
}

/* ---- models ---- */

static cni_thing *add(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_actual *actual = cni_actuals_take(actuals, 0, is(m->name, "add") ? "layer" : "module");
    if (!actual) return cni_evaluate_error(e, "I810", actuals->span, NULL, "%s() needs a layer", m->name);
    if (of->model->form == CNI_MODEL_GRAPH)
        return cni_evaluate_error(e, "I806", actuals->span, "layers are added to a Sequential", "%s() to a Model",
                                  m->name);
    cni_model_append(e, of->model, NULL, actual->thing, actual->span);
    cni_model_count_build(e, of->model, false);
    return is(m->name, "append") ? of : e->none;
}

static cni_thing *extend(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_thing *list = cni_actuals_thing(actuals, 0, NULL);
    cni_thing *items = list ? cni_evaluate_items(e, list, actuals->span) : NULL;
    (void)m;
    if (list && cni_thing_is_doubtful(list)) cni_model_append(e, of->model, NULL, list, actuals->span);
    for (size_t i = 0; items && i < items->count; i++)
        cni_model_append(e, of->model, NULL, items->items[i], actuals->span);
    return of;
}

/* add_module("name", module), also of an object: an attribute. */
static cni_thing *add_module(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    const cni_thing *name = cni_actuals_thing(actuals, 0, "name");
    cni_thing *module = cni_actuals_thing(actuals, 1, "module");
    (void)m;
    if (!name || !module)
        return cni_evaluate_error(e, "I810", actuals->span, NULL, "add_module() needs a name and a module");
    const char *text = name->type == CNI_THING_TEXT ? name->text : NULL;
    if (of->type == CNI_THING_INSTANCE && of->model->form == CNI_MODEL_CLASS && !cni_is_chain_class(of->of)) {
        if (text) cni_scope_set(e, of->scope, text, module);
    } else
        cni_model_append(e, of->model, text, module, actuals->span);
    return e->none;
}

static cni_thing *pop(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_source_model *model = of->model;
    (void)m;
    if (!model->part_count)
        return cni_evaluate_error(e, "I804", actuals->span, NULL, "pop() of a model without layers");
    model->traced = false;
    cni_thing *last = model->parts[--model->part_count].thing;
    cni_model_count_build(e, model, false);
    return last;
}

/* build((None, 32, 32, 3)) */
static cni_thing *build(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_actual *actual = cni_actuals_take(actuals, 0, "input_shape");
    cni_shape shape;
    (void)m;
    if (!actual || !cni_thing_is_list(actual->thing) || actual->thing->count < 2) return e->none;
    cni_thing *const *items = actual->thing->items;
    shape.rank = actual->thing->count > CNI_MAX_RANK ? 0 : (int)actual->thing->count;
    for (int i = 0; i < shape.rank; i++) {
        if (items[i]->type != CNI_THING_INT && items[i]->type != CNI_THING_NONE) return e->none;
        shape.dims[i] = items[i]->type == CNI_THING_INT ? items[i]->integer : CNI_UNKNOWN;
    }
    cni_model_take_shape(of->model, 0, cni_shape_value(e, &shape), actual->span);
    cni_model_count_build(e, of->model, true);
    return e->none;
}

static const cni_value *recorded(cni_evaluator *e, const char *name, const cni_actuals *actuals)
{
    cni_value *call = cni_value_call(e->arena, name);
    for (int i = 0; call && i < actuals->count; i++) {
        cni_value *value = cni_thing_value(e, actuals->items[i].thing, true, NULL);
        if (!value || !cni_value_add(e->arena, call, actuals->items[i].key, value)) return NULL;
    }
    if (!call) return NULL;
    call->line = (uint32_t)actuals->span.line;
    call->column = (uint32_t)actuals->span.column;
    return call;
}

static cni_thing *compile(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    of->model->compile = recorded(e, m->name, actuals);
    return e->none;
}

static cni_thing *fit(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    of->model->fit = recorded(e, "fit", actuals);
    (void)m;
    return cni_thing_opaque(e, actuals->span);
}

static const char *layer_name(const cni_evaluator *e, const cni_thing *part)
{
    if (part->type == CNI_THING_LAYER) return e->layers[part->layer].described.name;
    const cni_source_model *model = cni_model_of(part);
    return model ? model->name : NULL;
}

static cni_thing *named_layer(cni_evaluator *e, const cni_source_model *model, const char *name)
{
    for (int i = 0; i < model->part_count; i++) {
        const char *other = layer_name(e, model->parts[i].thing);
        if (other && is(other, name)) return model->parts[i].thing;
    }
    for (int i = 0; i < e->layer_count; i++)
        if (e->layers[i].described.name && is(e->layers[i].described.name, name)) return cni_thing_layer(e, i);
    return NULL;
}

static cni_thing *get_layer(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    const cni_thing *name = cni_actuals_thing(actuals, 0, "name"), *index = cni_actuals_thing(actuals, -1, "index");
    (void)m;
    cni_thing *found = NULL;
    if (name && name->type == CNI_THING_TEXT) found = named_layer(e, of->model, name->text);
    if (index && index->type == CNI_THING_INT && index->integer >= 0 && index->integer < of->model->part_count)
        found = of->model->parts[index->integer].thing;
    if (found) return found;
    return cni_evaluate_error(e, "I809", actuals->span, NULL, "the model has no such layer");
}

/* m.forward(x), m.call(x) */
static cni_thing *apply(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    (void)m;
    return cni_call_thing(e, of, actuals);
}

static cni_thing *children(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    (void)m;
    if (of->type != CNI_THING_MODEL) return cni_thing_opaque(e, actuals->span);
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, actuals->span);
    for (int i = 0; i < of->model->part_count; i++) cni_thing_append(e, list, of->model->parts[i].thing);
    return list;
}

static const method model_methods[] = {
    {"add", add, NULL, NULL},
    {"append", add, NULL, NULL},
    {"extend", extend, NULL, NULL},
    {"add_module", add_module, NULL, NULL},
    {"register_module", add_module, NULL, NULL},
    {"pop", pop, NULL, NULL},
    {"build", build, NULL, NULL},
    {"compile", compile, NULL, NULL},
    {"fit", fit, NULL, NULL},
    {"fit_generator", fit, NULL, NULL},
    {"get_layer", get_layer, NULL, NULL},
    {"forward", apply, NULL, NULL},
    {"call", apply, NULL, NULL},
    {"__call__", apply, NULL, NULL},
    {"children", children, NULL, NULL},
    {"to", itself, NULL, NULL},
    {"cuda", itself, NULL, NULL},
    {"cpu", itself, NULL, NULL},
    {"float", itself, NULL, NULL},
    {"half", itself, NULL, NULL},
    {"double", itself, NULL, NULL},
    {"eval", itself, NULL, NULL},
    {"train", itself, NULL, NULL},
    {"apply", itself, NULL, NULL},
    {"requires_grad_", itself, NULL, NULL},
    {"summary", nothing, NULL, NULL},
};

/* ---- tensors ---- */

static cni_thing *layer_of_tensor(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_actuals all = {.span = actuals->span, .callee = actuals->callee};
    const char *path = cni_arena_printf(e->arena, "torch.%s", m->name);
    if (!path) return e->exhausted = true, e->broken;
    cni_actuals_add(e, &all, NULL, of, of->span);
    for (int i = 0; i < actuals->count; i++)
        cni_actuals_add(e, &all, actuals->items[i].key, actuals->items[i].thing, actuals->items[i].span);
    const cni_function row = {path, cni_function_layer, m->class_name, m->parameters};
    return cni_function_layer(e, &row, &all);
}

static cni_thing *operator_of_tensor(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_thing *other = cni_actuals_thing(actuals, 0, "other");
    if (!other) return cni_evaluate_error(e, "I810", actuals->span, NULL, "%s() needs a tensor", m->name);
    return cni_evaluate_binary(e, m->parameters, of, other, actuals->span);
}

static cni_thing *view(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    (void)m;
    return cni_view_tensor(e, of, actuals);
}

/* permute(0, 2, 3, 1), permute((0, 2, 3, 1)) */
static cni_thing *permute(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_thing *dims = cni_actuals_thing(actuals, 0, "dims");
    (void)m;
    if (!dims || !cni_thing_is_list(dims)) {
        dims = cni_thing_new(e, CNI_THING_LIST, actuals->span);
        for (int i = 0; i < actuals->count; i++) cni_thing_append(e, dims, actuals->items[i].thing);
    }
    return cni_apply_class(e, CNI_TORCH, "Permute", "permute", of, actuals->span, "dims", dims, (char *)NULL);
}

/* size(), size(1) */
static cni_thing *size(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_thing *shape = cni_evaluate_attribute(e, of, "shape", actuals->span);
    const cni_thing *dim = cni_actuals_thing(actuals, 0, "dim");
    (void)m;
    if (!dim || !cni_thing_is_list(shape)) return shape;
    const int64_t at = dim->type != CNI_THING_INT ? -1
                       : dim->integer < 0         ? dim->integer + (int64_t)shape->count
                                                  : dim->integer;
    return at >= 0 && at < (int64_t)shape->count ? shape->items[at] : cni_thing_opaque(e, actuals->span);
}

static cni_thing *rank(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    const cni_shape shape = cni_tensor_shape(e, of->tensor);
    (void)m;
    return shape.rank ? cni_thing_int(e, shape.rank, actuals->span) : cni_thing_opaque(e, actuals->span);
}

static const method tensor_methods[] = {
    {"view", view, NULL, NULL},
    {"reshape", view, NULL, NULL},
    {"size", size, NULL, NULL},
    {"dim", rank, NULL, NULL},
    {"flatten", layer_of_tensor, "Flatten", "start_dim end_dim"},
    {"mean", layer_of_tensor, "Mean", "dim keepdim"},
    {"amax", layer_of_tensor, "Amax", "dim keepdim"},
    {"relu", layer_of_tensor, "ReLU", ""},
    {"relu_", layer_of_tensor, "ReLU", ""},
    {"sigmoid", layer_of_tensor, "Sigmoid", ""},
    {"tanh", layer_of_tensor, "Tanh", ""},
    {"softmax", layer_of_tensor, "Softmax", "dim -dtype"},
    {"log_softmax", layer_of_tensor, "LogSoftmax", "dim -dtype"},
    {"squeeze", layer_of_tensor, "Squeeze", "dim"},
    {"unsqueeze", layer_of_tensor, "Unsqueeze", "dim"},
    {"transpose", layer_of_tensor, "Transpose", "dim0 dim1"},
    {"permute", permute, NULL, NULL},
    {"unflatten", layer_of_tensor, "Unflatten", "dim sizes=unflattened_size"},
    {"add", operator_of_tensor, NULL, "+"},
    {"add_", operator_of_tensor, NULL, "+"},
    {"sub", operator_of_tensor, NULL, "-"},
    {"mul", operator_of_tensor, NULL, "*"},
    {"mul_", operator_of_tensor, NULL, "*"},
    {"div", operator_of_tensor, NULL, "/"},
    {"contiguous", itself, NULL, NULL},
    {"expand_as", itself, NULL, NULL}, /* what is added or multiplied is spread anyway */
    {"expand", itself, NULL, NULL},
    {"clone", itself, NULL, NULL},
    {"detach", itself, NULL, NULL},
    {"to", itself, NULL, NULL},
    {"cuda", itself, NULL, NULL},
    {"cpu", itself, NULL, NULL},
    {"float", itself, NULL, NULL},
    {"requires_grad_", itself, NULL, NULL},
    {"set_shape", nothing, NULL, NULL},
    {"numpy", unknown, NULL, NULL},
    {"item", unknown, NULL, NULL},
    {"backward", nothing, NULL, NULL},
    {"argmax", unknown, NULL, NULL},
};

/* ---- all of them ---- */

static const method *find(const method *methods, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (is(methods[i].name, name)) return &methods[i];
    return NULL;
}
#define FIND(methods) find(methods, sizeof methods / sizeof *methods, name)

static bool holds_tensors(const cni_actuals *actuals)
{
    for (int i = 0; i < actuals->count; i++)
        if (cni_thing_holds_tensor(actuals->items[i].thing)) return true;
    return false;
}

/* super().__init__(...): of nn.Sequential its modules, of keras.Model its inputs and outputs, else nothing. */
static cni_thing *call_super(cni_evaluator *e, cni_thing *super_, const char *name, cni_actuals *actuals)
{
    cni_thing *instance = super_->of;
    cni_source_model *model = cni_model_of(instance);
    const char *root = instance->type == CNI_THING_INSTANCE ? cni_class_root(instance->of) : NULL;
    if (model && is(name, "__init__") && cni_is_chain_class(instance->of)) {
        if (model->dialect == CNI_TORCH)
            cni_model_append_all(e, model, actuals);
        else if (actuals->count && cni_thing_is_list(actuals->items[0].thing))
            for (size_t i = 0; i < actuals->items[0].thing->count; i++)
                cni_model_append(e, model, NULL, actuals->items[0].thing->items[i], actuals->span);
        return e->none;
    }
    if (model && root && is(root, "keras.Model") && is(name, "__init__") && holds_tensors(actuals)) {
        cni_thing *inputs = cni_actuals_thing(actuals, 0, "inputs"),
                  *outputs = cni_actuals_thing(actuals, 1, "outputs");
        model->form = CNI_MODEL_GRAPH;
        model->traced = true;
        if (inputs && outputs &&
            cni_tensors_of(e, inputs, CNI_KERAS, actuals->span, &model->inputs, &model->input_count))
            cni_tensors_of(e, outputs, CNI_KERAS, actuals->span, &model->outputs, &model->output_count);
        return e->none;
    }
    if (model && is(name, "forward"))
        return cni_apply_to(e, instance, actuals->count ? actuals->items[0].thing : e->broken, actuals->span);
    return holds_tensors(actuals) ? actuals->items[0].thing : cni_thing_opaque(e, actuals->span);
}

static cni_thing *unknown_method(cni_evaluator *e, cni_thing *of, const char *name, cni_actuals *actuals)
{
    if (of->type == CNI_THING_TENSOR) {
        const cni_dialect dialect = e->layers[e->calls[of->tensor.call].described.layer].dialect;
        const int layer = cni_make_unknown(e, name, dialect, actuals->span);
        cni_layer_doubt(e, layer,
                        cni_evaluate_doubt(e, "I806", actuals->span, NULL, "%.60s() of a tensor is not read", name));
        return cni_apply_layer(e, layer, of, actuals->span);
    }
    return cni_thing_follows(e, of, actuals->span);
}

/* self.__setattr__('level_1', ...) */
static cni_thing *call_special(cni_evaluator *e, cni_thing *of, const char *name, const cni_actuals *actuals)
{
    cni_actuals all = {.span = actuals->span, .callee = actuals->callee};
    cni_actuals_add(e, &all, NULL, of, of->span);
    for (int i = 0; i < actuals->count; i++)
        cni_actuals_add(e, &all, NULL, actuals->items[i].thing, actuals->items[i].span);
    return cni_call_builtin(e, is(name, "__setattr__") ? "setattr" : "getattr", &all);
}

cni_thing *cni_call_method(cni_evaluator *e, cni_thing *of, const char *name, cni_actuals *actuals)
{
    if (of->type == CNI_THING_INSTANCE && (is(name, "__setattr__") || is(name, "__getattr__")))
        return call_special(e, of, name, actuals);
    const method *found = NULL;
    if (of->type == CNI_THING_SUPER) return call_super(e, of, name, actuals);
    if (cni_model_of(of)) found = FIND(model_methods);
    if (of->type == CNI_THING_TENSOR) found = FIND(tensor_methods);
    if (of->type == CNI_THING_TEXT) return cni_call_text(e, of, name, actuals);
    if (cni_thing_is_list(of) || of->type == CNI_THING_DICT || of->type == CNI_THING_OPAQUE)
        return cni_call_container(e, of, name, actuals);
    if (of->type == CNI_THING_LAYER && (is(name, "call") || is(name, "forward"))) return cni_call_thing(e, of, actuals);
    if (of->type == CNI_THING_LAYER && FIND(model_methods) && FIND(model_methods)->run == itself) return of;
    return found ? found->run(e, of, found, actuals) : unknown_method(e, of, name, actuals);
}
