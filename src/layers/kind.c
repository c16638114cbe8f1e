/* SPDX-License-Identifier: Apache-2.0
 * Objects from names, calls and dicts, by the rows of their kind; families. */
#include "layers/kind_members.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- objects ---- */

cn_status cni_object_new(const cni_maker *maker, const cni_kind *kind, cni_object **out)
{
    cni_object *object = CNI_NEW(maker->arena, cni_object);
    if (!object) return cni_no_memory(maker->error, kind->name);
    object->kind = kind;
    object->given = kind->name;
    object->args = cni_arena_alloc(maker->arena, kind->args_size);
    object->objects = CNI_NEW_ARRAY(maker->arena, cni_object *, kind->field_count);
    if (!object->args || !object->objects) return cni_no_memory(maker->error, kind->name);
    *out = object;
    return CN_OK;
}

cni_slot cni_slot_of(const cni_maker *maker, const cni_kind *kind, cni_object *object, size_t index, const char *where)
{
    const cni_field *field = kind->fields + index;
    return (cni_slot){maker, kind, field, object, (char *)object->args + field->offset, where};
}

/* Rules across arguments, then the seed. */
cn_status cni_object_finish(const cni_maker *maker, cni_object *object, const char *where)
{
    if (object->kind->check) {
        cni_error local = {0};
        cn_status status = object->kind->check(object->args, &local);
        if (status) return cni_fail(maker->error, status, "%s: %s", where, local.text);
    }
    if (!object->kind->draws_seed) return CN_OK;
    for (size_t i = 0; i < object->kind->field_count; i++) {
        const cni_field *field = object->kind->fields + i;
        if (strcmp(field->key, "seed") != 0) continue;
        int seed = *(int *)((char *)object->args + field->offset);
        if (seed != CNI_NONE_INT)
            object->seed = (uint32_t)seed;
        else if (maker->seeds)
            object->seed = cni_py_default_seed(maker->seeds);
    }
    return CN_OK;
}

const cni_field *cni_kind_field(const cni_kind *kind, const char *key)
{
    for (size_t i = 0; i < kind->field_count; i++)
        if (strcmp(kind->fields[i].key, key) == 0 ||
            (kind->fields[i].old_key && strcmp(kind->fields[i].old_key, key) == 0))
            return kind->fields + i;
    return NULL;
}

/* Arguments of Keras before 3, and what they are now. */
static const char *replacement(const cni_kind *kind, const char *key)
{
    static const char *const shape[] = {"input_shape", "input_dim", "batch_input_shape"};
    if (strcmp(key, "lr") == 0 && cni_kind_field(kind, "learning_rate")) return "it is called learning_rate now";
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        if (strcmp(key, shape[i]) == 0) return "the shape is given by a layer before this one, Input(shape)";
    return NULL;
}

/* What to do about a name that no argument has: the nearest one, all when they are few, or where to look. */
static void suggest(cni_text *to, const cni_kind *kind, const char *key)
{
    enum { MOST = 64, FEW = 6 };
    const char *names[MOST] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < kind->field_count && count < MOST; i++)
        if (!(kind->fields[i].flags & CNI_READ_ONLY)) names[count++] = kind->fields[i].key;
    const char *now = replacement(kind, key);
    if (now) {
        cni_text_add(to, now);
        return;
    }
    const char *nearest = cni_nearest(key, names, count);
    if (nearest)
        cni_text_printf(to, "did you mean %s?", nearest);
    else if (count > FEW)
        cni_text_printf(to, "see `cornu help %s`", kind->name);
    else
        cni_text_printf(to, "%s takes %s", kind->name, count ? names[0] : "no arguments");
    for (size_t i = 1; !nearest && count <= FEW && i < count; i++) cni_text_printf(to, ", %s", names[i]);
}

static cn_status unknown_argument(const cni_maker *maker, const cni_kind *kind, const char *key, const char *where)
{
    cni_text advice = {0};
    char shown[65];
    suggest(&advice, kind, key);
    snprintf(shown, sizeof shown, "%s", key);
    cn_status status =
        cni_fail(maker->error, CN_ERR_INVALID, "%s: unknown argument %s; %s", where, shown, cni_text_get(&advice));
    cni_text_free(&advice);
    return status;
}

/* The item for field `index`: by key, by old key, or by position. */
static const cni_value *argument(const cni_value *config, const cni_kind *kind, size_t index)
{
    if (!config || (config->type != CNI_DICT && config->type != CNI_CALL)) return NULL;
    const cni_value *value = cni_value_get(config, kind->fields[index].key);
    if (!value && kind->fields[index].old_key) value = cni_value_get(config, kind->fields[index].old_key);
    if (!value && config->type == CNI_CALL && index < config->count && !config->keys[index])
        value = config->items[index];
    return value;
}

cn_status cni_object_read(const cni_maker *maker, const cni_kind *kind, const cni_value *config, const char *where,
                          cni_object **out)
{
    cni_object *object;
    CN_TRY(cni_object_new(maker, kind, &object));
    for (size_t i = 0; config && i < config->count; i++) {
        const char *key = config->keys ? config->keys[i] : NULL;
        const bool looks_at_none = kind->ignores_unknown && !kind->field_count; /* PyTorch's Identity */
        if (!key && i >= kind->field_count && !looks_at_none)
            return cni_fail(maker->error, CN_ERR_INVALID, "%s: %zu arguments; %s takes at most %zu", where,
                            config->count, kind->name, kind->field_count);
        if (key && !cni_kind_field(kind, key) && !kind->ignores_unknown)
            return unknown_argument(maker, kind, key, where);
    }
    for (size_t i = 0; i < kind->field_count; i++) {
        cni_slot s = cni_slot_of(maker, kind, object, i, where);
        const cni_value *value = argument(config, kind, i);
        CN_TRY(value ? cni_member_read(&s, value) : cni_member_default(&s));
    }
    CN_TRY(cni_object_finish(maker, object, where));
    *out = object;
    return CN_OK;
}

/* The entries of a family's object dict beside its arguments. */
static cn_status make_from_dict(const cni_maker *maker, const cni_family *family, const cni_value *value,
                                const char *where, cni_object **object)
{
    const char *name = cni_value_as_text(cni_value_get(value, "class_name"));
    const cni_value *config = cni_value_get(value, "config");
    const char *registered = cni_value_as_text(cni_value_get(value, "registered_name"));
    if (!name)
        return cni_fail(maker->error, CN_ERR_INVALID, "%s: %s expected: a name, or a dict with class_name and config",
                        where, family->what);
    /* a function serialised by older releases: {"class_name": "function", "config": "mse"} */
    if (strcmp(name, "function") == 0 && cni_value_as_text(config))
        return cni_object_make(maker, family, config, where, object);
    const cni_kind *kind = cni_family_find(family, name);
    if (!kind || (registered && strcmp(registered, name) != 0)) {
        cni_value text = {.type = CNI_TEXT, .text = registered && kind ? registered : name};
        return cni_object_make(maker, family, &text, where, object);
    }
    CN_TRY(cni_object_read(maker, kind, config, where, object));
    (*object)->family = family;
    return CN_OK;
}

static bool is_absent(const cni_family *family, const char *name)
{
    for (const char *const *absent = family->absent; absent && *absent; absent++)
        if (strcasecmp(*absent, name) == 0) return true;
    return false;
}

static cn_status refuse_absent(const cni_maker *maker, const cni_family *family, const char *name, const char *where)
{
    cni_text names = {0};
    for (size_t i = 0; i < family->count; i++) cni_text_printf(&names, "%s%s", i ? ", " : "", family->kinds[i]->name);
    cni_fail(maker->error, CN_ERR_UNSUPPORTED, "%s='%s': Keras has this %s and Cornu does not; it has %s", where, name,
             family->what, cni_text_get(&names));
    cni_text_free(&names);
    return CN_ERR_UNSUPPORTED;
}

cn_status cni_object_make(const cni_maker *maker, const cni_family *family, const cni_value *value, const char *where,
                          cni_object **object)
{
    *object = NULL;
    cni_value none = {.type = CNI_TEXT, .text = family->none};
    if ((!value || value->type == CNI_NULL) && family->none) value = &none;
    if (!value || value->type == CNI_NULL) return CN_OK;
    if (value->type == CNI_DICT) return make_from_dict(maker, family, value, where, object);
    char shown[65];
    if (value->type != CNI_TEXT && value->type != CNI_CALL)
        return cni_fail(maker->error, CN_ERR_INVALID, "%s=%s: the name of %s expected", where,
                        cni_value_show(value, shown, sizeof shown), family->what);
    const cni_kind *kind = cni_family_find(family, value->text);
    if (!kind && is_absent(family, value->text)) return refuse_absent(maker, family, value->text, where);
    if (!kind) {
        enum { LISTED = 8 }; /* of more names a list is too long for a line */
        char all[300] = "";
        const char *nearest = cni_family_nearest(family, value->text);
        for (size_t i = 0; !nearest && family->count <= LISTED && i < family->count; i++)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "; known are ",
                     family->kinds[i]->name);
        cni_value name = {.type = CNI_TEXT, .text = value->text};
        return cni_fail(maker->error, CN_ERR_INVALID, "%s=%s: unknown %s%s%s%s", where,
                        cni_value_show(&name, shown, sizeof shown), family->what, nearest ? "; did you mean " : "",
                        nearest ? nearest : "", nearest ? "?" : all);
    }
    CN_TRY(cni_object_read(maker, kind, value->type == CNI_CALL ? value : NULL, where, object));
    (*object)->family = family;
    (*object)->by_name = value->type == CNI_TEXT;
    (*object)->given = cni_arena_text(maker->arena, value->text);
    return (*object)->given ? CN_OK : cni_no_memory(maker->error, where);
}
void *cni_object_member(const cni_object *object, const char *key)
{
    const cni_field *field = cni_kind_field(object->kind, key);
    return field && cni_member_size(field->type) && object->args ? (char *)object->args + field->offset : NULL;
}

const cni_object *cni_object_of(const cni_object *object, const char *key)
{
    const cni_field *field = cni_kind_field(object->kind, key);
    return field ? object->objects[field - object->kind->fields] : NULL;
}

/* ---- families ---- */

const cni_kind *cni_family_find(const cni_family *family, const char *name)
{
    for (size_t i = 0; i < family->count; i++) {
        const cni_kind *kind = family->kinds[i];
        int (*compare)(const char *, const char *) = kind->any_case ? strcasecmp : strcmp;
        if (compare(kind->name, name) == 0) return kind;
        for (const char *const *alias = kind->aliases; alias && *alias; alias++)
            if (compare(*alias, name) == 0) return kind;
    }
    return NULL;
}

const char *cni_family_nearest(const cni_family *family, const char *name)
{
    const char *names[256];
    size_t count = 0;
    for (size_t i = 0; i < family->count; i++) {
        if (count < 256) names[count++] = family->kinds[i]->name;
        for (const char *const *alias = family->kinds[i]->aliases; alias && *alias; alias++)
            if (count < 256) names[count++] = *alias;
    }
    return cni_nearest(name, names, count);
}
