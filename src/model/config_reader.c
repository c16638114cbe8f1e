/* SPDX-License-Identifier: Apache-2.0
 * Models from values.  The whole description is checked while it is read; weights get shapes but no memory. */
#include "model/config.h"

#include "layers/layers.h"
#include "model/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 10000, MAX_CALLS = 100000 };

/* ---- layers ---- */

static bool is_model_class(const char *name)
{
    return strcmp(name, "Sequential") == 0 || strcmp(name, "Functional") == 0 || strcmp(name, "Model") == 0;
}

static int nesting(const cn_model *model)
{
    int depth = 0;
    for (; model; model = model->reading_in) depth++;
    return depth;
}

static cn_status read_model(cn_context *context, cn_model *outer, const cni_value *value, cn_model **out,
                            cni_error *error);

static cn_status inner_from_value(cn_model *model, const cni_value *value, cn_layer **layer)
{
    cn_model *inner = NULL;
    CN_TRY(read_model(model->context, model, value, &inner, &model->error));
    cn_status status = cni_layer_make_inner(model, inner, layer);
    if (status) cn_model_free(inner);
    return status;
}

/* "name" and "class_name" as a message wants them, before anything is known to be right. */
static void describe(const cni_value *config, const char *class_name, char *where, size_t size)
{
    const char *name = cni_value_as_text(cni_value_get(config, "name"));
    if (name)
        snprintf(where, size, "%.60s \"%.100s\"", class_name, name);
    else
        snprintf(where, size, "%.60s", class_name);
}

/* ---- input_shape, input_dim: what older texts give the first layer of a Sequential instead of an Input ---- */

static bool tells_input(const char *key)
{
    return key && (strcmp(key, "input_shape") == 0 || strcmp(key, "input_dim") == 0);
}

/* The arguments without these two, and the shape that they give (input_dim goes before); NULL: there is none. */
static cn_status split_arguments(cn_model *model, const cni_value **config, const cni_value **shape)
{
    cni_arena *arena = &model->arena;
    const cni_value *given = *config, *dim = cni_value_get(given, "input_dim");
    *shape = cni_value_get(given, "input_shape");
    if (!*shape && !dim) return CN_OK;
    cni_value *rest = given->type == CNI_CALL ? cni_value_call(arena, given->text) : cni_value_dict(arena);
    for (size_t i = 0; i < given->count && rest; i++)
        if (!tells_input(given->keys[i]) && !cni_value_add(arena, rest, given->keys[i], given->items[i])) rest = NULL;
    if (dim && dim->type != CNI_NULL) {
        cni_value *list = cni_value_list(arena);
        if (!list || !cni_value_add(arena, list, NULL, (cni_value *)(uintptr_t)dim)) rest = NULL;
        *shape = list;
    }
    *config = rest;
    return rest ? CN_OK : cni_no_memory(&model->error, "a layer");
}

static cn_status put_input_before(cn_model *model, const cni_value *shape)
{
    cni_arena *arena = &model->arena;
    cn_layer *layer;
    if (!shape || shape->type == CNI_NULL || !model->sequential || model->layer_count) return CN_OK;
    cni_value *input = cni_value_dict(arena), *config = cni_value_dict(arena);
    if (!input || !config || !cni_value_add(arena, config, "shape", (cni_value *)(uintptr_t)shape) ||
        !cni_value_add(arena, input, "class_name", cni_value_text(arena, "InputLayer")) ||
        !cni_value_add(arena, input, "config", config))
        return cni_no_memory(&model->error, "a layer");
    CN_TRY(cni_layer_from_value(model, input, &layer));
    return cni_sequential_append(model, layer);
}

cn_status cni_layer_from_value(cn_model *model, const cni_value *value, cn_layer **layer)
{
    bool call = value->type == CNI_CALL;
    const char *class_name = call ? value->text : cni_value_as_text(cni_value_get(value, "class_name"));
    const cni_value *config = call ? value : cni_value_get(value, "config");
    const char *registered = cni_value_as_text(cni_value_get(value, "registered_name"));
    char where[200];
    if (!class_name || !config)
        return cni_fail(&model->error, CN_ERR_FORMAT, "%s: a layer must be {\"class_name\": ..., \"config\": {...}}",
                        model->name);
    describe(config, class_name, where, sizeof where);
    if (is_model_class(class_name)) return inner_from_value(model, value, layer);
    const cni_kind *kind = cni_family_find(&cni_layers, class_name);
    if (!kind || (registered && strcmp(registered, class_name) != 0)) {
        const char *nearest = cni_family_nearest(&cni_layers, class_name);
        return cni_fail(&model->error, CN_ERR_UNSUPPORTED, "%s: %s is not a layer that Cornu knows%s%s%s", where,
                        registered && kind ? registered : class_name, nearest && !kind ? "; did you mean " : "",
                        nearest && !kind ? nearest : "", nearest && !kind ? "?" : "");
    }
    cni_maker maker = cni_model_maker(model);
    cni_object *object;
    const cni_value *shape = NULL;
    if (kind != &cni_input_layer.kind) CN_TRY(split_arguments(model, &config, &shape));
    CN_TRY(cni_object_read(&maker, kind, config, where, &object));
    CN_TRY(put_input_before(model, shape));
    object->family = &cni_layers;
    return cni_layer_make(model, (const cni_layer_kind *)kind, object, layer);
}

/* The layer in place `index` of "layers", which a message names by it where the layer has no name. */
static cn_status read_layer(cn_model *model, const cni_value *value, size_t index, cn_layer **layer)
{
    const cn_status status = cni_layer_from_value(model, value, layer);
    if (!status || cni_value_get(cni_value_get(value, "config"), "name")) return status;
    return cni_fail_in(&model->error, "layers[%zu]", index);
}

/* ---- Sequential ---- */

static bool shape_from_value(const cni_value *value, cni_shape *shape)
{
    if (!value || value->type != CNI_LIST || value->count < 1 || value->count > CNI_MAX_RANK) return false;
    shape->rank = (int)value->count;
    for (int i = 0; i < shape->rank; i++) {
        const cni_value *dim = value->items[i];
        if (dim->type != CNI_NULL && (dim->type != CNI_INT || dim->integer < 0 || dim->integer > INT32_MAX))
            return false;
        shape->dims[i] = dim->type == CNI_NULL ? CNI_UNKNOWN : dim->integer;
    }
    return true;
}

static cn_status read_sequential(cn_model *model, const cni_value *config)
{
    const cni_value *layers = cni_value_get(config, "layers");
    if (!layers || layers->type != CNI_LIST || layers->count > MAX_LAYERS)
        return cni_fail(&model->error, CN_ERR_FORMAT, "%s: \"layers\" must be a list of at most %d layers", model->name,
                        MAX_LAYERS);
    for (size_t i = 0; i < layers->count; i++) {
        cn_layer *layer;
        CN_TRY(read_layer(model, layers->items[i], i, &layer));
        CN_TRY(cni_sequential_append(model, layer));
    }
    cni_shape shape;
    if (!model->input_count && model->layer_count &&
        shape_from_value(cni_value_get(config, "build_input_shape"), &shape))
        CN_TRY(cni_sequential_build(model, &shape, &model->error));
    return CN_OK;
}

/* ---- Functional: all layers first, then their calls as soon as what they read exists ---- */

typedef struct reference {
    cn_layer *layer;
    int node, tensor;
} reference;

typedef struct pending { /* one call, not yet made */
    cn_layer *layer;
    reference *inputs;
    int count;
    cni_call *made;
    struct pending *below; /* the call that waits for this one */
    int next;              /* what it looks for next */
    bool waited;
} pending;

typedef struct named {
    const char *name;
    int layer; /* among the layers read */
} named;

typedef struct functional {
    cn_model *model;
    cn_layer **layers; /* in the order of the file */
    int layer_count;
    named *by_name;
    int *first, *count; /* of the calls of a layer */
    pending *calls;
    int call_count;
} functional;

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static int find_layer(const functional *f, const char *name)
{
    named key = {name, 0};
    const named *found = bsearch(&key, f->by_name, (size_t)f->layer_count, sizeof key, compare_names);
    return found ? found->layer : -1;
}

static bool is_int(const cni_value *value)
{
    return value->type == CNI_INT && value->integer >= 0 && value->integer < MAX_CALLS;
}

/* ["conv2d", 0, 0] */
static cn_status read_reference(const functional *f, const cni_value *value, const char *where, reference *out)
{
    const char *name = value->type == CNI_LIST && value->count >= 3 ? cni_value_as_text(value->items[0]) : NULL;
    char shown[65];
    if (!name || !is_int(value->items[1]) || !is_int(value->items[2]))
        return cni_fail(&f->model->error, CN_ERR_FORMAT, "%s: %s is not [layer name, node index, tensor index]", where,
                        cni_value_show(value, shown, sizeof shown));
    int layer = find_layer(f, name);
    if (layer < 0)
        return cni_fail(&f->model->error, CN_ERR_FORMAT, "%s: refers to a layer \"%.80s\" that the model does not have",
                        where, name);
    *out = (reference){f->layers[layer], (int)value->items[1]->integer, (int)value->items[2]->integer};
    return CN_OK;
}

static const cni_value *tensor_history(const cni_value *value)
{
    const char *class_name = cni_value_as_text(cni_value_get(value, "class_name"));
    if (!class_name || strcmp(class_name, "__keras_tensor__") != 0) return NULL;
    return cni_value_get(cni_value_get(value, "config"), "keras_history");
}

static bool holds_tensor(const cni_value *value)
{
    if (tensor_history(value)) return true;
    for (size_t i = 0; i < value->count; i++)
        if (holds_tensor(value->items[i])) return true;
    return false;
}

/* {"args": [tensor]} or {"args": [[tensor, tensor]]}; "mask" and "training" only record how Keras traced the call. */
static cn_status read_call(functional *f, const cni_value *node, pending *call)
{
    const char *where = CNI_LABEL(call->layer);
    const cni_value *args = cni_value_get(node, "args"), *kwargs = cni_value_get(node, "kwargs");
    if (!args || args->type != CNI_LIST || args->count != 1 || (kwargs && holds_tensor(kwargs)))
        return cni_fail(&f->model->error, CN_ERR_UNSUPPORTED,
                        "%s: an inbound node must hold one tensor or one list of tensors", where);
    const cni_value *tensors = args->items[0];
    bool list = tensors->type == CNI_LIST;
    size_t count = list ? tensors->count : 1;
    if (count < 1 || count > CNI_MAX_INPUTS)
        return cni_fail(&f->model->error, CN_ERR_LIMIT, "%s: %zu inputs; from 1 to %d", where, count, CNI_MAX_INPUTS);
    call->inputs = CNI_NEW_ARRAY(&f->model->arena, reference, count);
    if (!call->inputs) return cni_no_memory(&f->model->error, "a call of a layer");
    for (size_t i = 0; i < count; i++) {
        const cni_value *history = tensor_history(list ? tensors->items[i] : tensors);
        if (!history)
            return cni_fail(&f->model->error, CN_ERR_UNSUPPORTED, "%s: input %zu of an inbound node is not a tensor",
                            where, i);
        CN_TRY(read_reference(f, history, where, call->inputs + i));
    }
    call->count = (int)count;
    return CN_OK;
}

static cn_status read_layers(functional *f, const cni_value *layers)
{
    for (int i = 0; i < f->layer_count; i++) {
        const cni_value *entry = layers->items[i], *nodes = cni_value_get(entry, "inbound_nodes");
        CN_TRY(read_layer(f->model, entry, (size_t)i, f->layers + i));
        f->layers[i]->index = i;
        f->by_name[i] = (named){f->layers[i]->name, i};
        if (!nodes || nodes->type != CNI_LIST || nodes->count > MAX_CALLS - (size_t)f->call_count)
            return cni_fail(&f->model->error, CN_ERR_FORMAT, "%s: inbound_nodes must be a list",
                            CNI_LABEL(f->layers[i]));
        if (nodes->count && cni_is_input_layer(f->layers[i]))
            return cni_fail(&f->model->error, CN_ERR_FORMAT, "%s: inbound_nodes of an input must be empty",
                            CNI_LABEL(f->layers[i]));
        f->call_count += (int)nodes->count;
    }
    qsort(f->by_name, (size_t)f->layer_count, sizeof *f->by_name, compare_names);
    for (int i = 1; i < f->layer_count; i++)
        if (strcmp(f->by_name[i - 1].name, f->by_name[i].name) == 0)
            return cni_fail(&f->model->error, CN_ERR_FORMAT, "%s: two layers are called \"%s\"; names must be unique",
                            f->model->name, f->by_name[i].name);
    return CN_OK;
}

static cn_status read_calls(functional *f, const cni_value *layers)
{
    int next = 0;
    for (int i = 0; i < f->layer_count; i++) {
        const cni_value *nodes = cni_value_get(layers->items[i], "inbound_nodes");
        f->first[i] = next;
        f->count[i] = (int)nodes->count;
        for (size_t j = 0; j < nodes->count; j++) {
            f->calls[next].layer = f->layers[i];
            CN_TRY(read_call(f, nodes->items[j], f->calls + next++));
        }
    }
    return CN_OK;
}

/* The node that a reference means, NULL while it does not exist yet. */
static cn_node *resolve(const functional *f, reference r)
{
    cni_call *call = NULL;
    if (cni_is_input_layer(r.layer)) {
        for (int i = 0; i < f->model->input_count; i++)
            if (f->model->inputs[i]->call->layer == r.layer) call = f->model->inputs[i]->call;
    } else if (r.node < f->count[r.layer->index])
        call = f->calls[f->first[r.layer->index] + r.node].made;
    return call && r.tensor < call->output_count ? call->outputs[r.tensor] : NULL;
}

static cn_status unresolved(const functional *f, const pending *call)
{
    return cni_fail(&f->model->error, CN_ERR_FORMAT,
                    "%s: its inputs cannot be resolved: they form a cycle or do not exist", CNI_LABEL(call->layer));
}

/* What must be made before a call, one after the other: the layer's call before it, then what it reads.  NULL when that
 * is an input, or does not exist. */
static pending *need(const functional *f, const pending *call, int index)
{
    const int first = f->first[call->layer->index];
    if (index == 0) return call > f->calls + first ? f->calls + (call - f->calls) - 1 : NULL;
    const reference r = call->inputs[index - 1];
    if (cni_is_input_layer(r.layer) || r.node >= f->count[r.layer->index]) return NULL;
    return f->calls + f->first[r.layer->index] + r.node;
}

static cn_status make_call(functional *f, pending *call)
{
    cn_node *inputs[CNI_MAX_INPUTS];
    for (int i = 0; i < call->count; i++) {
        inputs[i] = resolve(f, call->inputs[i]);
        if (!inputs[i]) return unresolved(f, call);
    }
    return cni_call_padded(call->layer, call->count, inputs, &call->made);
}

/* Makes a call and all that it needs, without recursion: a hostile file may be 100,000 calls deep, in any order. */
static cn_status make_with_needs(functional *f, pending *call)
{
    for (pending *below = NULL; call; call = below) {
        pending *next = call->made || call->next > call->count ? NULL : need(f, call, call->next++);
        below = call;
        if (next && !next->made) {
            if (next->waited) return unresolved(f, next);
            next->waited = true;
            next->below = call;
            below = next;
        } else if (call->next > call->count || call->made) {
            if (!call->made) CN_TRY(make_call(f, call));
            below = call->below;
        }
    }
    return CN_OK;
}

static cn_status make_calls(functional *f)
{
    for (int i = 0; i < f->call_count; i++) {
        if (f->calls[i].made) continue;
        f->calls[i].waited = true;
        CN_TRY(make_with_needs(f, f->calls + i));
    }
    return CN_OK;
}

/* A triple, a list of triples, or a dict of triples. */
static const cni_value *structure_item(const cni_value *structure, size_t index, size_t *count)
{
    bool bare = structure->type == CNI_LIST && structure->count == 3 && structure->items[0]->type == CNI_TEXT;
    *count = bare ? 1 : structure->count;
    return bare ? structure : index < structure->count ? structure->items[index] : NULL;
}

static cn_status read_structure(functional *f, const cni_value *config, const char *key, cni_structure *kept,
                                reference *refs, int *out)
{
    const cni_value *structure = cni_value_get(config, key);
    size_t count = 0;
    if (structure && (structure->type == CNI_LIST || structure->type == CNI_DICT)) structure_item(structure, 0, &count);
    if (count < 1 || count > CN_MAX_ARRAYS)
        return cni_fail(&f->model->error, CN_ERR_FORMAT, "%s: %s must name 1 to %d layers", f->model->name, key,
                        CN_MAX_ARRAYS);
    for (size_t i = 0; i < count; i++) {
        CN_TRY(read_reference(f, structure_item(structure, i, &count), key, refs + i));
        if (structure->type != CNI_DICT) continue;
        kept->keys[i] = cni_arena_text(&f->model->arena, structure->keys[i]);
        if (!kept->keys[i]) return cni_no_memory(&f->model->error, key);
    }
    kept->is_dict = structure->type == CNI_DICT;
    kept->is_list = structure_item(structure, 0, &count) != structure;
    *out = (int)count;
    return CN_OK;
}

static cn_status make_inputs(functional *f, const reference *refs, int count)
{
    for (int i = 0; i < count; i++) {
        if (!cni_is_input_layer(refs[i].layer))
            return cni_fail(&f->model->error, CN_ERR_FORMAT, "%s: input_layers names it, but it is no InputLayer",
                            CNI_LABEL(refs[i].layer));
        for (int j = 0; j < i; j++)
            if (refs[j].layer == refs[i].layer)
                return cni_fail(&f->model->error, CN_ERR_FORMAT, "%s: input_layers names it twice",
                                CNI_LABEL(refs[i].layer));
        CN_TRY(cni_call_input(refs[i].layer));
    }
    return CN_OK;
}

static cn_status make_outputs(functional *f, const reference *refs, int count)
{
    cn_node *outputs[CN_MAX_ARRAYS];
    for (int i = 0; i < count; i++) {
        reference r = refs[i];
        /* Keras counts a functional model's own construction as its node 0 here, and only here. */
        if (r.layer->inner && !r.layer->inner->sequential && r.node > 0) r.node--;
        outputs[i] = resolve(f, r);
        if (!outputs[i])
            return cni_fail(&f->model->error, CN_ERR_FORMAT,
                            "%s: output_layers names node %d, tensor %d, which it has not", CNI_LABEL(r.layer),
                            refs[i].node, r.tensor);
    }
    return cni_model_set_outputs(f->model, count, outputs);
}

static cn_status read_with(functional *f, const cni_value *config, const cni_value *layers)
{
    reference inputs[CN_MAX_ARRAYS], outputs[CN_MAX_ARRAYS];
    int input_count, output_count;
    CN_TRY(read_layers(f, layers));
    f->calls = calloc((size_t)f->call_count + 1, sizeof *f->calls);
    if (!f->calls) return cni_no_memory(&f->model->error, "a model");
    CN_TRY(read_calls(f, layers));
    CN_TRY(read_structure(f, config, "input_layers", &f->model->input_structure, inputs, &input_count));
    CN_TRY(read_structure(f, config, "output_layers", &f->model->output_structure, outputs, &output_count));
    CN_TRY(make_inputs(f, inputs, input_count));
    CN_TRY(make_calls(f));
    return make_outputs(f, outputs, output_count);
}

static cn_status read_functional(cn_model *model, const cni_value *config)
{
    const cni_value *layers = cni_value_get(config, "layers");
    if (!layers || layers->type != CNI_LIST || !layers->count || layers->count > MAX_LAYERS)
        return cni_fail(&model->error, CN_ERR_FORMAT, "%s: \"layers\" must be a list of 1 to %d layers", model->name,
                        MAX_LAYERS);
    size_t count = layers->count;
    functional f = {.model = model,
                    .layer_count = (int)count,
                    .layers = calloc(count, sizeof *f.layers),
                    .by_name = calloc(count, sizeof *f.by_name),
                    .first = calloc(count, sizeof *f.first),
                    .count = calloc(count, sizeof *f.count)};
    cn_status status = f.layers && f.by_name && f.first && f.count ? read_with(&f, config, layers)
                                                                   : cni_no_memory(&model->error, "a model");
    free(f.layers);
    free(f.by_name);
    free(f.first);
    free(f.count);
    free(f.calls);
    return status;
}

/* ---- models ---- */

static cn_status read_into(cn_model *model, const cni_value *value, bool sequential)
{
    const cni_value *config = cni_value_get(value, "config"), *trainable = cni_value_get(config, "trainable");
    if (nesting(model) > CNI_MAX_NESTING)
        return cni_fail(&model->error, CN_ERR_LIMIT, "models are nested more than %d deep", CNI_MAX_NESTING);
    /* Keras writes the flag of a Sequential and does not read it: its layers' own survive. */
    if (trainable && trainable->type == CNI_BOOL && !sequential) model->trainable = model->trained = trainable->truth;
    CN_TRY(sequential ? read_sequential(model, config) : read_functional(model, config));
    return model->error.status;
}

static cn_status read_model(cn_context *context, cn_model *outer, const cni_value *value, cn_model **out,
                            cni_error *error)
{
    const char *class_name = cni_value_as_text(cni_value_get(value, "class_name"));
    const cni_value *config = cni_value_get(value, "config");
    const char *name = cni_value_as_text(cni_value_get(config, "name"));
    if (!class_name || !is_model_class(class_name))
        return cni_fail(error, CN_ERR_UNSUPPORTED, "class_name %s: a Sequential or Functional model expected",
                        class_name ? class_name : "is missing");
    if (!config || config->type != CNI_DICT)
        return cni_fail(error, CN_ERR_FORMAT, "%s: \"config\" must be a dict", class_name);
    bool sequential = strcmp(class_name, "Sequential") == 0;
    cn_model *model = sequential ? cn_sequential_in(context, name) : cn_functional_in(context, name);
    if (!model) return cni_no_memory(error, "a model");
    model->reading_in = outer;
    model->deferred = true;
    cn_status status = read_into(model, value, sequential);
    model->reading_in = NULL;
    if (status) {
        cni_fail(error, status, "%s", model->error.text);
        cn_model_free(model);
        return status;
    }
    *out = model;
    return CN_OK;
}

cn_status cni_model_from_value(cn_context *context, const cni_value *value, bool compile, cn_model **out,
                               cni_error *error)
{
    cn_model *model = NULL;
    *out = NULL;
    CN_TRY(read_model(context, NULL, value, &model, error));
    const cni_value *compiled = cni_value_get(value, "compile_config");
    if (compile && compiled && compiled->type == CNI_DICT && compiled->count) {
        cn_status status = cni_compile_read(model, compiled, &model->error);
        if (status) {
            cni_fail(error, status, "%s", model->error.text);
            cn_model_free(model);
            return status;
        }
    }
    *out = model;
    return CN_OK;
}
