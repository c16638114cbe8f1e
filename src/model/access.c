/* SPDX-License-Identifier: Apache-2.0
 * Looking inside a model: its inputs and outputs, layers and weights. */
#include "model/config.h"
#include "model/model.h"

#include "tensor/convert.h"

#include <string.h>

const char *cn_model_name(const cn_model *model)
{
    return model ? model->name : "";
}

int cn_input_count(const cn_model *model)
{
    return model ? model->input_count : 0;
}

int cn_output_count(const cn_model *model)
{
    return model && model->complete ? model->output_count : 0;
}

static int copy_shape(cn_node *const *nodes, int count, int index, int64_t shape[CN_MAX_RANK])
{
    if (index < 0 || index >= count || !nodes[index]) return -1;
    if (shape) memcpy(shape, nodes[index]->shape.dims, sizeof nodes[index]->shape.dims);
    return nodes[index]->shape.rank;
}

int cn_input_shape(const cn_model *model, int index, int64_t shape[CN_MAX_RANK])
{
    return model ? copy_shape(model->inputs, model->input_count, index, shape) : -1;
}

int cn_output_shape(const cn_model *model, int index, int64_t shape[CN_MAX_RANK])
{
    return model ? copy_shape(model->outputs, cn_output_count(model), index, shape) : -1;
}

/* ---- names of classes ---- */

cn_status cn_set_labels(cn_model *model, int count, const char *const *labels)
{
    if (!model) return CN_ERR_MEMORY;
    const char **copies = count > 0 ? CNI_NEW_ARRAY(&model->arena, const char *, (size_t)count) : NULL;
    cni_error_clear(&model->call_error);
    if (count > 0 && !copies) return cni_no_memory(&model->call_error, "labels");
    for (int i = 0; i < count; i++) {
        copies[i] = cni_arena_text(&model->arena, labels[i] ? labels[i] : "");
        if (!copies[i]) return cni_no_memory(&model->call_error, "labels");
    }
    model->labels = copies;
    model->label_count = count > 0 ? count : 0;
    return CN_OK;
}

int cn_label_count(const cn_model *model)
{
    return model ? model->label_count : 0;
}

const char *cn_label(const cn_model *model, int index)
{
    return index >= 0 && index < cn_label_count(model) ? model->labels[index] : NULL;
}

/* ---- layers: a Sequential hides its InputLayer, as Keras does ---- */

int cn_layer_count(const cn_model *model)
{
    int count = 0;
    for (int i = 0; model && i < model->layer_count; i++) count += cni_layer_is_listed(model->layers[i]);
    return count;
}

cn_layer *cn_layer_at(const cn_model *model, int index)
{
    for (int i = 0; model && index >= 0 && i < model->layer_count; i++)
        if (cni_layer_is_listed(model->layers[i]) && index-- == 0) return model->layers[i];
    return NULL;
}

cn_layer *cn_get_layer(const cn_model *model, const char *name)
{
    return model && name ? cni_find_layer(model, name) : NULL;
}

const char *cn_layer_name(const cn_layer *layer)
{
    return layer ? layer->name : "";
}

const char *cn_layer_class(const cn_layer *layer)
{
    return layer ? layer->kind->kind.name : "";
}

bool cn_layer_trainable(const cn_layer *layer)
{
    return layer && layer->trainable;
}

void cn_set_trainable(cn_layer *layer, bool trainable)
{
    if (!layer) return;
    layer->trainable = trainable;
    if (layer->inner) cn_model_set_trainable(layer->inner, trainable);
    cni_layer_write_trainable(layer);
}

void cn_model_set_trainable(cn_model *model, bool trainable)
{
    if (!model) return;
    model->trainable = trainable;
    for (int i = 0; i < model->layer_count; i++) cn_set_trainable(model->layers[i], trainable);
}

/* ---- weights ---- */

/* A walk over weights that stops at one of them, or counts. */
typedef struct search {
    int wanted, seen;
    int64_t params;
    cn_layer *layer;
    cni_variable *found;
} search;

static void look(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)frozen;
    search *s = user;
    s->params += cni_shape_count(&weight->shape, 0);
    if (s->seen++ != s->wanted) return;
    s->found = weight;
    s->layer = layer;
}

static search search_layer(const cn_layer *layer, int wanted)
{
    search s = {.wanted = wanted};
    if (!layer) return s;
    if (layer->inner) cni_model_weights(layer->inner, look, &s);
    for (int i = 0; i < layer->weight_count; i++) look(&s, (cn_layer *)layer, layer->weights[i], false);
    return s;
}

static search search_model(const cn_model *model, int wanted)
{
    search s = {.wanted = wanted};
    if (model) cni_model_weights(model, look, &s);
    return s;
}

int64_t cn_layer_count_params(const cn_layer *layer)
{
    return search_layer(layer, -1).params;
}

int64_t cn_count_params(const cn_model *model)
{
    return search_model(model, -1).params;
}

static cn_array view(const search *s)
{
    cn_array array = {0};
    if (!s->found) return array;
    if (cni_model_materialise(s->layer->model, &s->layer->model->call_error)) return array;
    array.data = s->found->data;
    array.rank = s->found->shape.rank;
    memcpy(array.shape, s->found->shape.dims, sizeof array.shape);
    return array;
}

static cn_status set(const search *s, cn_model *model, int index, cn_array value)
{
    cni_error *error = &model->call_error;
    cni_error_clear(error);
    if (!s->found) return cni_fail(error, CN_ERR_INVALID, "there is no weight %d", index);
    cni_shape given = {.rank = value.rank};
    if (value.rank < 0 || value.rank > CNI_MAX_RANK || !value.data)
        return cni_fail(error, CN_ERR_INVALID, "weight %d: no array given", index);
    memcpy(given.dims, value.shape, sizeof given.dims);
    if (!cni_shape_equal(&given, &s->found->shape))
        return cni_fail(error, CN_ERR_SHAPE, "%s: weight \"%s\" has shape %s; the array has %s", CNI_LABEL(s->layer),
                        s->found->name, CNI_SHOW_SHAPE(&s->found->shape), CNI_SHOW_SHAPE(&given));
    CN_TRY(cni_model_materialise(s->layer->model, error));
    CN_TRY(cni_array_to_float(&value, 0, (size_t)cni_shape_count(&given, 0), s->found->data, error));
    s->found->version++;
    return CN_OK;
}

int cn_layer_weight_count(const cn_layer *layer)
{
    return search_layer(layer, -1).seen;
}

cn_array cn_layer_weight(const cn_layer *layer, int index)
{
    search s = search_layer(layer, index);
    return view(&s);
}

cn_status cn_layer_set_weight(cn_layer *layer, int index, cn_array value)
{
    if (!layer) return CN_ERR_INVALID;
    search s = search_layer(layer, index);
    return set(&s, layer->model, index, value);
}

int cn_weight_count(const cn_model *model)
{
    return search_model(model, -1).seen;
}

cn_array cn_weight(const cn_model *model, int index)
{
    search s = search_model(model, index);
    return view(&s);
}

cn_status cn_set_weight(cn_model *model, int index, cn_array value)
{
    if (!model) return CN_ERR_MEMORY;
    search s = search_model(model, index);
    return set(&s, model, index, value);
}
