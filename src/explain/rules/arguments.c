/* SPDX-License-Identifier: Apache-2.0
 * Arguments of layers, as they were written and as they are. */
#include "explain/rules/arguments.h"

#include <string.h>

static const cni_field *field_of(const cni_explained *node, const char *key)
{
    const cni_layer_kind *kind = node->layer->kind;
    if (!kind || !node->layer->config) return NULL;
    for (size_t i = 0; i < kind->kind.field_count; i++)
        if (strcmp(kind->kind.fields[i].key, key) == 0) return kind->kind.fields + i;
    return NULL;
}

bool cni_has_argument(const cni_explained *node, const char *key)
{
    return field_of(node, key) != NULL;
}

bool cni_config_int(const cni_explained *node, const char *key, int64_t *value)
{
    const cni_field *field = field_of(node, key);
    const int *member = field && field->type == CNI_FIELD_INT ? cni_object_member(node->layer->config, key) : NULL;
    if (!member || *member == CNI_NONE_INT) return false;
    *value = *member;
    return true;
}

bool cni_config_bool(const cni_explained *node, const char *key, bool *value)
{
    const cni_field *field = field_of(node, key);
    const bool *member = field && field->type == CNI_FIELD_BOOL ? cni_object_member(node->layer->config, key) : NULL;
    if (!member) return false;
    *value = *member != ((field->flags & CNI_NEGATED) != 0);
    return true;
}

int64_t cni_config_axis(const cni_explained *node, int rank, int64_t otherwise)
{
    int64_t axis = otherwise;
    if (!cni_config_int(node, "axis", &axis)) cni_config_int(node, "dim", &axis);
    return axis < 0 ? axis + rank : axis;
}

const char *cni_outputs_key(const cni_explained *node, int64_t *outputs)
{
    static const char *const keys[] = {"filters", "out_channels", "units", "out_features"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (cni_config_int(node, keys[i], outputs)) return keys[i];
    return NULL;
}

const cni_value *cni_written(const cni_explained *node, const char *key)
{
    for (int i = 0; i < node->layer->argument_count; i++)
        if (node->layer->arguments[i].key && strcmp(node->layer->arguments[i].key, key) == 0)
            return node->layer->arguments[i].value;
    return NULL;
}

int64_t cni_written_most(const cni_explained *node, const char *key, int64_t otherwise)
{
    const cni_value *value = cni_written(node, key);
    if (value && value->type == CNI_INT) return value->integer;
    if (!value || value->type != CNI_LIST || !value->count) return otherwise;
    int64_t most = INT64_MIN;
    for (size_t i = 0; i < value->count; i++)
        if (value->items[i]->type == CNI_INT && value->items[i]->integer > most) most = value->items[i]->integer;
    return most == INT64_MIN ? otherwise : most;
}

bool cni_expected(const cni_analysis *analysis, const cni_explained *node, const char **key, int64_t *expected,
                  int64_t *arriving)
{
    static const char *const keys[] = {"in_channels", "num_features", "num_channels", "in_features"};
    if (analysis->description->dialect != CNI_TORCH || node->input_count != 1) return false;
    const cni_shape *in = &analysis->nodes[node->inputs[0]].shape;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!cni_config_int(node, keys[i], expected) || *expected < 1 || in->rank < 2) continue;
        const bool last = strcmp(keys[i], "in_features") == 0;
        if (!last && node->view.spatial && in->rank != node->view.spatial + 2) continue; /* an axis is missing */
        *key = keys[i];
        *arriving = in->dims[last ? in->rank - 1 : 1];
        return *arriving > 0;
    }
    return false;
}

bool cni_flat_view(const cni_explained *node, int64_t *batch, int64_t *values)
{
    const cni_value *shape = cni_written(node, "shape");
    if (!node->layer->kind || strcmp(node->layer->kind->kind.name, "View") != 0 || node->input_count != 1) return false;
    if (!shape || shape->type != CNI_LIST || shape->count != 2 || shape->items[1]->type != CNI_INT) return false;
    *batch = shape->items[0]->type == CNI_INT ? shape->items[0]->integer : CNI_UNSEEN;
    *values = shape->items[1]->integer;
    return *values > 0;
}

bool cni_in_pixels(const cni_receptive_field *field, int64_t length, int64_t *pixels)
{
    if (!field->local || field->unit < 1 || !cni_seen(length) || length % field->unit) return false;
    *pixels = length / field->unit;
    return true;
}
