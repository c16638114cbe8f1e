/* SPDX-License-Identifier: Apache-2.0
 * model.weights.h5.
 *
 *     layers/conv2d/vars/0                    kernel        the path is the class in snake case, numbered
 *     layers/conv2d/vars/1                    bias
 *     layers/functional/layers/conv2d/vars/0                a model in the model
 *     optimizer/vars/0 ...                    iteration, learning_rate, slots
 *     vars                                    empty, but Keras 3.0 wants it */
#include "formats/weights_h5.h"

#include "base/text.h"
#include "model/compile.h"
#include "model/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names of groups ---- */

typedef struct numbering { /* how often each class was met, per container */
    const cni_layer_kind **kinds;
    int *counts;
    int count;
} numbering;

static bool numbering_new(numbering *n, const cn_model *model)
{
    *n = (numbering){calloc((size_t)model->layer_count + 1, sizeof *n->kinds),
                     calloc((size_t)model->layer_count + 1, sizeof *n->counts), 0};
    return n->kinds && n->counts;
}

static void numbering_free(numbering *n)
{
    free(n->kinds);
    free(n->counts);
}

static void group_name(numbering *n, const cn_layer *layer, char name[300])
{
    int i = 0;
    while (i < n->count && n->kinds[i] != layer->kind) i++;
    if (i == n->count) n->kinds[n->count++] = layer->kind;
    size_t length = cni_snake_case(layer->kind->kind.name, name, 280);
    if (n->counts[i]) snprintf(name + length, 20, "_%d", n->counts[i]);
    n->counts[i]++;
}

/* ---- reading ----
 * Into a model that is in use everything is read beside its weights first and taken over when nothing can fail any
 * more.
 */

typedef struct staged { /* numbers that wait for their place */
    struct staged *next;
    void *to;
    const void *from;
    size_t bytes;
    cni_variable *weight; /* NULL: the optimizer's */
} staged;

typedef struct reading {
    cni_arena *arena; /* NULL: a model that nobody has seen is read in place */
    staged *first;
} reading;

/* Where to read what belongs `to`. */
static cn_status stage(reading *r, void *to, size_t bytes, cni_variable *weight, void **out, cni_error *error)
{
    *out = to;
    if (!r->arena) return CN_OK;
    staged *s = CNI_NEW(r->arena, staged);
    *out = cni_arena_alloc(r->arena, bytes);
    if (!s || !*out) return cni_no_memory(error, "weights");
    *s = (staged){r->first, to, *out, bytes, weight};
    r->first = s;
    return CN_OK;
}

static void take_staged(const reading *r)
{
    for (const staged *s = r->first; s; s = s->next) {
        memcpy(s->to, s->from, s->bytes);
        if (s->weight) s->weight->version++;
    }
}

static cn_status check_dataset(cni_h5_object *dataset, const cni_shape *shape, const char *what, cni_error *error)
{
    cni_h5_info info;
    CN_TRY(cni_h5_dataset_info(dataset, &info, error));
    bool equal = info.rank == (unsigned)shape->rank;
    for (int i = 0; i < shape->rank && equal; i++) equal = info.dims[i] == (uint64_t)shape->dims[i];
    if (equal) return CN_OK;
    cni_shape found = {.rank = info.rank <= CNI_MAX_RANK ? (int)info.rank : CNI_MAX_RANK};
    for (int i = 0; i < found.rank; i++) found.dims[i] = info.dims[i] > INT32_MAX ? INT32_MAX : (int64_t)info.dims[i];
    return cni_fail(error, CN_ERR_SHAPE, "%s: %s: shape %s expected, found %s", cni_h5_path(dataset), what,
                    CNI_SHOW_SHAPE(shape), CNI_SHOW_SHAPE(&found));
}

static cn_status read_weight(reading *r, cni_h5_object *vars, int index, const cn_layer *layer, cni_variable *weight,
                             cni_error *error)
{
    char name[16], what[300];
    cni_h5_object *dataset;
    snprintf(name, sizeof name, "%d", index);
    snprintf(what, sizeof what, "%s: %s", CNI_LABEL(layer), weight->name);
    CN_TRY(cni_h5_get(vars, name, &dataset, error));
    CN_TRY(check_dataset(dataset, &weight->shape, what, error));
    CN_TRY(cni_variable_allocate(weight, error));
    const size_t count = (size_t)cni_shape_count(&weight->shape, 0);
    void *out;
    CN_TRY(stage(r, weight->data, count * sizeof(float), weight, &out, error));
    CN_TRY(cni_h5_read_f32(dataset, out, count, error));
    weight->version++;
    weight->stored_at = cni_h5_place(dataset, CNI_H5_F32);
    return CN_OK;
}

static cn_status read_model(reading *r, cn_model *model, cni_h5_object *group, cni_error *error);

static cn_status read_layer(reading *r, cn_layer *layer, cni_h5_object *container, const char *name, cni_error *error)
{
    cni_h5_object *group = NULL, *vars = NULL;
    size_t count = 0;
    const char *const *names;
    if (container) CN_TRY(cni_h5_find(container, name, &group, error));
    if (layer->inner) {
        if (group || !cn_count_params(layer->inner)) return group ? read_model(r, layer->inner, group, error) : CN_OK;
        return cni_fail(error, CN_ERR_FORMAT, "%s: the file has no group \"%s\" for its weights", CNI_LABEL(layer),
                        name);
    }
    if (group) CN_TRY(cni_h5_find(group, "vars", &vars, error));
    if (vars) CN_TRY(cni_h5_children(vars, &names, &count, error));
    if (count != (size_t)layer->weight_count)
        return cni_fail(error, CN_ERR_SHAPE, "%s: %d weights expected, the file has %zu under layers/%s",
                        CNI_LABEL(layer), layer->weight_count, count, name);
    for (int i = 0; i < layer->weight_count; i++) CN_TRY(read_weight(r, vars, i, layer, layer->weights[i], error));
    return CN_OK;
}

static cn_status read_layers(reading *r, cn_model *model, cni_h5_object *container, numbering *n, cni_error *error)
{
    for (int i = 0; i < model->layer_count; i++) {
        char name[300];
        if (!cni_layer_is_listed(model->layers[i])) continue;
        group_name(n, model->layers[i], name);
        CN_TRY(read_layer(r, model->layers[i], container, name, error));
    }
    return CN_OK;
}

/* Files of the 2.12 to 2.15 era call the container otherwise. */
static cn_status read_model(reading *r, cn_model *model, cni_h5_object *group, cni_error *error)
{
    cni_h5_object *container = NULL;
    numbering n;
    CN_TRY(cni_h5_find(group, "layers", &container, error));
    if (!container) CN_TRY(cni_h5_find(group, "_layer_checkpoint_dependencies", &container, error));
    cn_status status =
        numbering_new(&n, model) ? read_layers(r, model, container, &n, error) : cni_no_memory(error, "weights");
    numbering_free(&n);
    return status;
}

static cn_status read_optimizer_variable(reading *r, cni_h5_object *vars, int index,
                                         const cni_optimizer_variable *variable, cni_error *error)
{
    char name[16];
    cni_h5_object *dataset;
    snprintf(name, sizeof name, "%d", index);
    CN_TRY(cni_h5_get(vars, name, &dataset, error));
    CN_TRY(check_dataset(dataset, &variable->shape, variable->name, error));
    size_t count = (size_t)cni_shape_count(&variable->shape, 0);
    void *out, *to = variable->integer ? (void *)variable->integer : variable->data;
    CN_TRY(stage(r, to, count * (variable->integer ? sizeof(int64_t) : sizeof(float)), NULL, &out, error));
    return variable->integer ? cni_h5_read(dataset, CNI_H5_I64, out, count, error)
                             : cni_h5_read_f32(dataset, out, count, error);
}

/* As Keras: an optimizer whose variables do not fit is left as it is. */
static cn_status read_optimizer(reading *r, cn_model *model, cni_h5_object *root, cni_optimizer_state **loaded,
                                cni_error *error)
{
    cni_h5_object *vars = NULL;
    const char *const *names;
    size_t count = 0;
    if (!model->compiled) return CN_OK;
    CN_TRY(cni_h5_find(root, "optimizer/vars", &vars, error));
    if (vars) CN_TRY(cni_h5_children(vars, &names, &count, error));
    if (!count) return CN_OK;
    cni_optimizer_state *state = cni_compiled_state(model, error);
    if (!state) return error->status;
    if (count != (size_t)cni_optimizer_variable_count(state)) return CN_OK;
    for (int i = 0; i < (int)count; i++) {
        cni_optimizer_variable variable = cni_optimizer_variable_at(state, i);
        CN_TRY(read_optimizer_variable(r, vars, i, &variable, error));
    }
    *loaded = state;
    return CN_OK;
}

static void look_for_values(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)layer, (void)frozen;
    *(bool *)user |= weight->data != NULL;
}

static void drop_values(void *user, cn_layer *layer, cni_variable *weight, bool frozen)
{
    (void)user, (void)layer, (void)frozen;
    free(weight->data);
    weight->data = NULL;
}

cn_status cni_weights_read(cn_model *model, cni_h5_object *root, cni_arena *arena, cni_error *error)
{
    bool in_use = false;
    cni_model_weights(model, look_for_values, &in_use);
    reading r = {.arena = in_use ? arena : NULL};
    cni_optimizer_state *state = NULL;
    cn_status status = in_use ? cni_model_materialise(model, error) : CN_OK;
    if (!status) status = read_model(&r, model, root, error);
    if (!status) status = read_optimizer(&r, model, root, &state, error);
    if (status && !in_use) cni_model_weights(model, drop_values, NULL);
    if (status) return status;
    take_staged(&r);
    if (state) cni_optimizer_loaded(state);
    return CN_OK;
}

/* ---- writing ---- */

static void write_array(cni_h5_item *vars, int index, const cni_shape *shape, cni_h5_store type, const void *data)
{
    char name[16];
    uint64_t dims[CNI_MAX_RANK] = {0};
    snprintf(name, sizeof name, "%d", index);
    for (int i = 0; i < shape->rank; i++) dims[i] = (uint64_t)shape->dims[i];
    cni_h5_add_dataset(vars, name, type, (unsigned)shape->rank, dims, data);
}

static cn_status write_model(const cn_model *model, cni_h5_item *group, cni_error *error);

static cn_status write_layers(const cn_model *model, cni_h5_item *group, numbering *n, cni_error *error)
{
    cni_h5_item *layers = cni_h5_add_group(group, "layers");
    for (int i = 0; i < model->layer_count; i++) {
        const cn_layer *layer = model->layers[i];
        char name[300];
        if (!cni_layer_is_listed(layer)) continue;
        group_name(n, layer, name);
        cni_h5_item *own = cni_h5_add_group(layers, name);
        if (layer->inner) {
            CN_TRY(write_model(layer->inner, own, error));
            continue;
        }
        cni_h5_item *vars = cni_h5_add_group(own, "vars");
        cni_h5_add_text(vars, "name", layer->name);
        for (int j = 0; j < layer->weight_count; j++)
            write_array(vars, j, &layer->weights[j]->shape, CNI_H5_STORE_F32, layer->weights[j]->data);
    }
    return CN_OK;
}

static cn_status write_model(const cn_model *model, cni_h5_item *group, cni_error *error)
{
    numbering n;
    cni_h5_add_text(cni_h5_add_group(group, "vars"), "name", model->name);
    cn_status status =
        numbering_new(&n, model) ? write_layers(model, group, &n, error) : cni_no_memory(error, "weights");
    numbering_free(&n);
    return status;
}

static cn_status write_optimizer(cn_model *model, cni_arena *arena, cni_h5_item *root, cni_error *error)
{
    if (!model->compiled || !model->compiled->state) return CN_OK;
    cni_optimizer_state *state = model->compiled->state;
    cni_h5_item *vars = cni_h5_add_group(root, "optimizer/vars");
    const char *const *name = cni_object_member(model->compiled->optimizer, "name");
    if (name && *name) cni_h5_add_text(vars, "name", *name);
    for (int i = 0; i < cni_optimizer_variable_count(state); i++) {
        cni_optimizer_variable variable = cni_optimizer_variable_at(state, i);
        if (!variable.integer) {
            write_array(vars, i, &variable.shape, CNI_H5_STORE_F32, variable.data);
            continue;
        }
        int32_t *integer = CNI_NEW(arena, int32_t);
        if (!integer) return cni_no_memory(error, "weights");
        *integer = (int32_t)*variable.integer;
        write_array(vars, i, &variable.shape, CNI_H5_STORE_I32, integer);
    }
    return CN_OK;
}

cn_status cni_weights_write(cn_model *model, cni_arena *arena, cni_buffer *out, cni_error *error)
{
    cni_h5_writer *writer = cni_h5_writer_new(arena);
    CN_TRY(cni_model_materialise(model, error));
    if (!writer) return cni_no_memory(error, "weights");
    CN_TRY(write_model(model, cni_h5_writer_root(writer), error));
    CN_TRY(write_optimizer(model, arena, cni_h5_writer_root(writer), error));
    return cni_h5_serialise(writer, out, error);
}
