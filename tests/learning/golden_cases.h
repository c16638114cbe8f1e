/* SPDX-License-Identifier: Apache-2.0
 * What the cases of tests/golden/learning hold: objects with their configurations, shapes of arrays. */
#ifndef CORNU_TEST_GOLDEN_CASES_H
#define CORNU_TEST_GOLDEN_CASES_H

#include "golden.h"
#include "layers/kind.h"
#include "tensor/shape.h"

static inline cni_shape golden_shape(const cn_array *array, bool batched)
{
    cni_shape shape = {.rank = array->rank};
    for (int i = 0; i < array->rank; i++) shape.dims[i] = array->shape[i];
    if (batched) shape.dims[0] = CNI_UNKNOWN;
    return shape;
}

static inline cni_object *golden_object(golden *g, const cni_family *family, const cni_value *value, const char *id)
{
    cni_error error = {0};
    const cni_maker maker = {.arena = &g->arena, .data_format = CN_CHANNELS_LAST, .error = &error};
    cni_object *object;
    if (cni_object_make(&maker, family, value, id, &object)) fail_msg("%s", error.text);
    return object;
}

/* The configuration is Keras' to the last byte. */
static inline void golden_config(golden *g, const cni_object *object, const cni_value *c)
{
    cni_error error = {0};
    cni_bytes ours, theirs;
    const cni_value *config = cni_value_get(c, "config");
    if (!config) return;
    if (cni_json_write(&g->arena, cni_object_config(&g->arena, object), 0, &ours, &error) ||
        cni_json_write(&g->arena, config, 0, &theirs, &error))
        fail_msg("%s: %s", golden_id(c), error.text);
    if (strcmp((const char *)ours.data, (const char *)theirs.data) != 0)
        fail_msg("%s: config is\n%s\nKeras writes\n%s", golden_id(c), (const char *)ours.data,
                 (const char *)theirs.data);
}

#endif
