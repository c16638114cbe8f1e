/* SPDX-License-Identifier: Apache-2.0
 * Seeds of initializers that a text makes as objects. */
#include "model/description_seeds.h"

#include <string.h>

/* One object of the text.  Every use of it is a copy of its value, with the same name at the same address. */
typedef struct made_object {
    const cni_value *value;
    bool alone; /* no other object was made at this place: it stands in no loop and no function */
    bool drawn;
    uint32_t seed;
} made_object;

struct cni_seeds {
    made_object *items;
    int count;
};

/* ---- finding them ---- */

static const cni_field *field_of(const cni_described_layer *layer, const char *key)
{
    for (size_t i = 0; i < layer->kind->kind.field_count; i++)
        if (strcmp(layer->kind->kind.fields[i].key, key) == 0) return layer->kind->kind.fields + i;
    return NULL;
}

/* Whether the argument is an initializer that draws a seed of its own when it is made. */
static bool draws(cni_arena *arena, const cni_described_layer *layer, const cni_described_argument *argument)
{
    const cni_maker maker = {.arena = arena};
    cni_object *object = NULL;
    if (!layer->kind || argument->value->type != CNI_CALL) return false;
    const cni_field *field = field_of(layer, argument->key);
    if (!field || field->family != &cni_initializers) return false;
    if (cni_object_make(&maker, field->family, argument->value, "", &object) || !object->kind->draws_seed) return false;
    const int *seed = cni_object_member(object, "seed");
    return seed && *seed == CNI_NONE_INT;
}

static made_object *find(const cni_seeds *seeds, const cni_value *value)
{
    for (int i = 0; i < seeds->count; i++)
        if (value->type == CNI_CALL && seeds->items[i].value->text == value->text) return seeds->items + i;
    return NULL;
}

static void add(cni_seeds *seeds, const cni_value *value)
{
    bool alone = value->line != 0;
    if (find(seeds, value)) return;
    for (int i = 0; i < seeds->count; i++) {
        made_object *other = seeds->items + i;
        if (other->value->line != value->line || other->value->column != value->column) continue;
        other->alone = alone = false;
    }
    seeds->items[seeds->count++] = (made_object){.value = value, .alone = alone};
}

cn_status cni_seeds_find(cni_arena *arena, const cni_description *d, cni_seeds **out, cni_error *error)
{
    size_t most = 1;
    cni_seeds *seeds = *out = CNI_NEW(arena, cni_seeds);
    for (int i = 0; i < d->made_count; i++) most += (size_t)d->made[i].argument_count;
    if (seeds) seeds->items = CNI_NEW_ARRAY(arena, made_object, most);
    if (!seeds || !seeds->items) return cni_no_memory(error, "a model");
    for (int i = 0; i < d->made_count; i++)
        for (int j = 0; j < d->made[i].argument_count; j++)
            if (draws(arena, d->made + i, d->made[i].arguments + j)) add(seeds, d->made[i].arguments[j].value);
    return CN_OK;
}

/* ---- drawing ---- */

static void draw(made_object *object, cni_mt19937 *python)
{
    if (!object->drawn) object->seed = cni_py_default_seed(python);
    object->drawn = true;
}

static bool stands_before(const cni_value *value, const cni_span *span)
{
    const int line = (int)value->line, column = (int)value->column;
    return span->line && (line < span->line || (line == span->line && column < span->column));
}

static cni_value *with_seed(cni_arena *arena, const cni_value *call, uint32_t seed)
{
    cni_value *copy = cni_value_call(arena, call->text);
    for (size_t i = 0; i < call->count; i++)
        if (!call->keys[i] || strcmp(call->keys[i], "seed") != 0)
            if (!cni_value_add(arena, copy, call->keys[i], call->items[i])) return NULL;
    return cni_value_add(arena, copy, "seed", cni_value_int(arena, seed)) ? copy : NULL;
}

cn_status cni_seeds_draw(cni_seeds *seeds, cni_arena *arena, const cni_described_layer *layer, cni_mt19937 *python,
                         cni_value **arguments, cni_error *error)
{
    for (int i = 0; i < seeds->count; i++)
        if (seeds->items[i].alone && stands_before(seeds->items[i].value, &layer->span)) draw(seeds->items + i, python);
    cni_described_layer copy = *layer;
    copy.arguments = CNI_DESCRIBED_COPY(arena, layer->arguments, layer->argument_count, 0);
    if (!copy.arguments) return cni_no_memory(error, "a model");
    for (int i = 0; i < copy.argument_count; i++) {
        cni_described_argument *argument = copy.arguments + i;
        made_object *object = find(seeds, argument->value);
        if (!object) continue;
        draw(object, python);
        argument->value = with_seed(arena, argument->value, object->seed);
        if (!argument->value) return cni_no_memory(error, "a model");
    }
    *arguments = cni_described_arguments(arena, &copy);
    return *arguments ? CN_OK : cni_no_memory(error, "a model");
}

void cni_seeds_hide(const cni_seeds *seeds, const cni_described_layer *layer, cni_object *config)
{
    for (int i = 0; i < layer->argument_count; i++) {
        const cni_object *nested =
            find(seeds, layer->arguments[i].value) ? cni_object_of(config, layer->arguments[i].key) : NULL;
        int *seed = nested ? cni_object_member(nested, "seed") : NULL;
        if (seed) *seed = CNI_NONE_INT;
    }
}
