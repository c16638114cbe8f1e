/* SPDX-License-Identifier: Apache-2.0
 * What the tests of layers share: objects from Keras' text, layers that belong to no model, the file of Keras' answers.
 */
#ifndef CORNU_LAYER_CASES_H
#define CORNU_LAYER_CASES_H

#include "layers/layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* An arena, a generator of seeds and an error: what objects are made of. */
typedef struct workshop {
    cni_arena arena;
    cni_mt19937 seeds;
    cni_error error;
} workshop;

static inline cni_maker workshop_maker(workshop *shop)
{
    return (cni_maker){&shop->arena, &shop->seeds, CN_CHANNELS_LAST, &shop->error};
}

static inline void workshop_open(workshop *shop)
{
    memset(shop, 0, sizeof *shop);
    cni_mt_seed_python(&shop->seeds, 1);
}

static inline void workshop_close(workshop *shop)
{
    cni_arena_free(&shop->arena);
}

static inline const cni_value *workshop_value(workshop *shop, const char *text)
{
    cni_value *value = NULL;
    if (cni_value_read(&shop->arena, text, "test", &value, &shop->error)) fail_msg("%s: %s", text, shop->error.text);
    return value;
}

/* NULL, with shop->error, when it is refused. */
static inline cni_object *workshop_object(workshop *shop, const cni_family *family, const char *text)
{
    cni_maker maker = workshop_maker(shop);
    cni_object *object = NULL;
    cni_object_make(&maker, family, workshop_value(shop, text), "it", &object);
    return object;
}

static inline cn_layer layer_of(workshop *shop, cni_object *config)
{
    return (cn_layer){.kind = (const cni_layer_kind *)config->kind,
                      .config = config,
                      .name = "x",
                      .trainable = true,
                      .arena = &shop->arena,
                      .seeds = &shop->seeds};
}

static inline cni_shape shape_of(const cni_value *list)
{
    cni_shape shape = {.rank = (int)list->count};
    for (size_t i = 0; i < list->count; i++)
        shape.dims[i] = list->items[i]->type == CNI_INT ? list->items[i]->integer : CNI_UNKNOWN;
    return shape;
}

static inline int shapes_of(const cni_value *lists, cni_shape *shapes)
{
    if (lists->type != CNI_LIST) return 0;
    for (size_t i = 0; i < lists->count; i++) shapes[i] = shape_of(lists->items[i]);
    return (int)lists->count;
}

#endif
