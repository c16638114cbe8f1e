/* SPDX-License-Identifier: Apache-2.0
 * Values from models: Keras' serialised objects, in Keras' order of keys. */
#include "model/config.h"

#include "model/compile.h"

#include <string.h>

/* Every helper answers NULL when the arena is exhausted, and cni_value_add refuses NULL: one check at the end. */

static cni_value *shape_value(cni_arena *arena, const cni_shape *shape)
{
    cni_value *list = cni_value_list(arena);
    for (int i = 0; list && i < shape->rank; i++) {
        cni_value *dim = shape->dims[i] < 0 ? cni_value_null(arena) : cni_value_int(arena, shape->dims[i]);
        if (!cni_value_add(arena, list, NULL, dim)) return NULL;
    }
    return list;
}

/* {"input_shape": [null, 28, 28, 1]}, or a list of shapes for a merge layer. */
static cni_value *build_config(cni_arena *arena, const cn_layer *layer)
{
    cni_value *config = cni_value_dict(arena), *shape = NULL;
    if (!config) return NULL;
    if (layer->inner && !layer->inner->sequential)
        shape = cni_value_null(arena);
    else if (layer->kind->merges) {
        shape = cni_value_list(arena);
        for (int i = 0; shape && i < layer->input_count; i++)
            if (!cni_value_add(arena, shape, NULL, shape_value(arena, layer->input_shapes + i))) return NULL;
    } else
        shape = shape_value(arena, layer->input_shapes);
    return cni_value_add(arena, config, "input_shape", shape) ? config : NULL;
}

static cni_value *layer_value(cni_arena *arena, const cn_layer *layer)
{
    cni_value *value =
        layer->inner ? cni_model_to_value(arena, layer->inner, false) : cni_object_write(arena, layer->config);
    if (!value || layer->inner) return value;
    if (!layer->kind->lazily_built || !layer->built || !layer->input_shapes) return value;
    return cni_value_add(arena, value, "build_config", build_config(arena, layer)) ? value : NULL;
}

static cni_value *sequential_config(cni_arena *arena, const cn_model *model)
{
    cni_value *config = cni_value_dict(arena), *layers = cni_value_list(arena);
    for (int i = 0; layers && i < model->layer_count; i++)
        if (!cni_value_add(arena, layers, NULL, layer_value(arena, model->layers[i]))) return NULL;
    bool made = config && cni_value_add(arena, config, "name", cni_value_text(arena, model->name)) &&
                cni_value_add(arena, config, "trainable", cni_value_bool(arena, model->trainable)) &&
                cni_value_add(arena, config, "dtype", cni_value_text(arena, "float32")) &&
                cni_value_add(arena, config, "layers", layers);
    if (made && model->complete)
        made = cni_value_add(arena, config, "build_input_shape", shape_value(arena, &model->inputs[0]->shape));
    return made ? config : NULL;
}

/* ---- Functional ---- */

static cni_value *history(cni_arena *arena, const cn_node *node)
{
    cni_value *list = cni_value_list(arena);
    bool made = list && cni_value_add(arena, list, NULL, cni_value_text(arena, node->call->layer->name)) &&
                cni_value_add(arena, list, NULL, cni_value_int(arena, node->call->kept_index)) &&
                cni_value_add(arena, list, NULL, cni_value_int(arena, node->tensor_index));
    return made ? list : NULL;
}

static cni_value *tensor_value(cni_arena *arena, const cn_node *node)
{
    cni_value *config = cni_value_dict(arena), *value = cni_value_dict(arena);
    bool made = config && value && cni_value_add(arena, config, "shape", shape_value(arena, &node->shape)) &&
                cni_value_add(arena, config, "dtype", cni_value_text(arena, "float32")) &&
                cni_value_add(arena, config, "keras_history", history(arena, node)) &&
                cni_value_add(arena, value, "class_name", cni_value_text(arena, "__keras_tensor__")) &&
                cni_value_add(arena, value, "config", config);
    return made ? value : NULL;
}

static cni_value *call_value(cni_arena *arena, const cni_call *call)
{
    cni_value *node = cni_value_dict(arena), *args = cni_value_list(arena), *tensors = cni_value_list(arena);
    if (!node || !args || !tensors) return NULL;
    bool list = call->layer->kind->merges || call->input_count > 1;
    for (int i = 0; i < call->input_count; i++)
        if (!cni_value_add(arena, list ? tensors : args, NULL, tensor_value(arena, call->inputs[i]))) return NULL;
    if (list && !cni_value_add(arena, args, NULL, tensors)) return NULL;
    bool made = cni_value_add(arena, node, "args", args) && cni_value_add(arena, node, "kwargs", cni_value_dict(arena));
    return made ? node : NULL;
}

static cni_value *calls_value(cni_arena *arena, const cn_model *model, const cn_layer *layer)
{
    cni_value *nodes = cni_value_list(arena);
    for (int i = 0; nodes && i < model->call_count; i++)
        if (model->calls[i]->layer == layer && model->calls[i]->input_count &&
            !cni_value_add(arena, nodes, NULL, call_value(arena, model->calls[i])))
            return NULL;
    return nodes;
}

/* Keras counts a nested functional model's own construction as its node 0, here and only here. */
static cni_value *output_history(cni_arena *arena, const cn_node *node)
{
    const cn_model *inner = node->call->layer->inner;
    cni_value *triple = history(arena, node);
    if (triple && inner && !inner->sequential) {
        triple->items[1]->integer++;
        triple->items[1]->real++;
    }
    return triple;
}

static cni_value *structure_value(cni_arena *arena, const cni_structure *structure, cn_node *const *nodes, int count)
{
    if (count == 1 && !structure->is_list && !structure->is_dict) return output_history(arena, nodes[0]);
    cni_value *value = structure->is_dict ? cni_value_dict(arena) : cni_value_list(arena);
    for (int i = 0; value && i < count; i++)
        if (!cni_value_add(arena, value, structure->is_dict ? structure->keys[i] : NULL,
                           output_history(arena, nodes[i])))
            return NULL;
    return value;
}

static cni_value *functional_config(cni_arena *arena, const cn_model *model)
{
    cni_value *config = cni_value_dict(arena), *layers = cni_value_list(arena);
    for (int i = 0; layers && i < model->layer_count; i++) {
        const cn_layer *layer = model->layers[i];
        if (layer->unused) continue;
        cni_value *entry = layer_value(arena, layer);
        bool made = entry && cni_value_add(arena, entry, "name", cni_value_text(arena, layer->name)) &&
                    cni_value_add(arena, entry, "inbound_nodes", calls_value(arena, model, layer)) &&
                    cni_value_add(arena, layers, NULL, entry);
        if (!made) return NULL;
    }
    bool made = config && cni_value_add(arena, config, "name", cni_value_text(arena, model->name)) &&
                cni_value_add(arena, config, "trainable", cni_value_bool(arena, model->trainable)) &&
                cni_value_add(arena, config, "layers", layers) &&
                cni_value_add(arena, config, "input_layers",
                              structure_value(arena, &model->input_structure, model->inputs, model->input_count)) &&
                cni_value_add(arena, config, "output_layers",
                              structure_value(arena, &model->output_structure, model->outputs, model->output_count));
    return made ? config : NULL;
}

static cni_value *model_build_config(cni_arena *arena, const cn_model *model)
{
    cni_value *config = cni_value_dict(arena);
    cni_value *shape =
        model->sequential && model->input_count ? shape_value(arena, &model->inputs[0]->shape) : cni_value_null(arena);
    return config && cni_value_add(arena, config, "input_shape", shape) ? config : NULL;
}

cni_value *cni_model_to_value(cni_arena *arena, const cn_model *model, bool compile)
{
    cni_value *value = cni_value_dict(arena);
    bool sequential = model->sequential;
    bool made =
        value &&
        cni_value_add(arena, value, "module",
                      cni_value_text(arena, sequential ? "keras" : "keras.src.models.functional")) &&
        cni_value_add(arena, value, "class_name", cni_value_text(arena, sequential ? "Sequential" : "Functional")) &&
        cni_value_add(arena, value, "config",
                      sequential ? sequential_config(arena, model) : functional_config(arena, model)) &&
        cni_value_add(arena, value, "registered_name",
                      sequential ? cni_value_null(arena) : cni_value_text(arena, "Functional")) &&
        (!model->complete || cni_value_add(arena, value, "build_config", model_build_config(arena, model))) &&
        cni_value_add(arena, value, "compile_config",
                      compile ? cni_compile_write(arena, model) : cni_value_dict(arena));
    return made ? value : NULL;
}
