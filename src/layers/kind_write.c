/* SPDX-License-Identifier: Apache-2.0
 * Objects back to values: Keras' JSON, its keys in Keras' order. */
#include "layers/kind_members.h"

#include <math.h>
#include <string.h>

static int plain_int(int integer)
{
    return integer == CN_ZERO_INT ? 0 : integer;
}

static cni_value *write_ints(cni_arena *arena, const cni_field *field, const int *ints, int count)
{
    if (count == 1 && (field->flags & CNI_SHOWN_SINGLE)) return cni_value_int(arena, plain_int(ints[0]));
    if (!count && (field->flags & CNI_NULLABLE) && !(field->flags & CNI_SHOWN_LIST)) return cni_value_null(arena);
    cni_value *list = cni_value_list(arena);
    for (int i = 0; list && i < count; i++) {
        bool none = ints[i] == CN_NONE && (field->flags & CNI_NONES);
        if (!cni_value_add(arena, list, NULL, none ? cni_value_null(arena) : cni_value_int(arena, plain_int(ints[i]))))
            return NULL;
    }
    return list;
}

static cni_value *write_real(cni_arena *arena, const cni_field *field, double real)
{
    if (isnan(real)) return cni_value_null(arena);
    if ((field->flags & CNI_WHOLE) && real == floor(real) && fabs(real) < 0x1p53)
        return cni_value_int(arena, (int64_t)real);
    return cni_value_real(arena, field->flags & CNI_FLOAT32 ? (double)(float)real : real);
}

static cni_value *write_reals(cni_arena *arena, const cni_field *field, const double *reals)
{
    int count = cni_reals_count(reals);
    if (count == 1 && !(field->flags & CNI_SHOWN_LIST)) return write_real(arena, field, reals[0] + 0.0);
    if (!count && (field->flags & CNI_NULLABLE)) return cni_value_null(arena);
    cni_value *list = cni_value_list(arena);
    for (int i = 0; list && i < count; i++)
        if (!cni_value_add(arena, list, NULL, write_real(arena, field, reals[i] + 0.0))) return NULL;
    return list;
}

static cni_value *write_borders(cni_arena *arena, const cni_field *field, int (*sides)[2], int count)
{
    cni_value *list = cni_value_list(arena);
    for (int i = 0; list && i < count; i++)
        if (!cni_value_add(arena, list, NULL, write_ints(arena, field, sides[i], 2))) return NULL;
    return list;
}

/* None is 0, or CNI_NONE_INT where zeros are allowed. */
static cni_value *write_sizes(cni_arena *arena, const cni_field *field, const int *sizes, int axes)
{
    const bool none = sizes[0] == CNI_NONE_INT || (sizes[0] == 0 && !(field->flags & CNI_ZEROS));
    return none ? cni_value_null(arena) : write_ints(arena, field, sizes, axes);
}

static cni_value *write_padding(cni_arena *arena, const cni_field *field, const cn_padding *padding)
{
    int sides[2][2] = {{padding->top, padding->bottom}, {padding->left, padding->right}};
    if (padding->mode == CN_PADDING_SIDES) return write_borders(arena, field, sides, 2);
    return cni_value_text(arena, padding->mode == CN_PADDING_SAME ? "same" : "valid");
}

static cni_value *write_int(cni_arena *arena, int integer)
{
    return integer == CNI_NONE_INT ? cni_value_null(arena) : cni_value_int(arena, integer);
}

static cni_value *write_tuple(cni_arena *arena, const cni_tuple *tuple)
{
    if (tuple->text || !tuple->count) return cni_value_text(arena, tuple->text);
    if (tuple->count == 1) return write_int(arena, tuple->at[0]);
    cni_value *list = cni_value_list(arena);
    for (int i = 0; list && i < tuple->count; i++)
        if (!cni_value_add(arena, list, NULL, write_int(arena, tuple->at[i]))) return NULL;
    return list;
}

static cni_value *write_member(cni_arena *arena, const cni_object *object, size_t index)
{
    const cni_field *field = object->kind->fields + index;
    void *member = (char *)object->args + field->offset;
    switch (field->type) {
    case CNI_FIELD_INT:
        return write_int(arena, *(int *)member);
    case CNI_FIELD_PAIR:
        return write_sizes(arena, field, member, 2);
    case CNI_FIELD_REAL:
        if (object->objects[index]) return cni_object_write(arena, object->objects[index]);
        return write_real(arena, field, *(double *)member);
    case CNI_FIELD_BOOL:
        return cni_value_bool(arena, *(bool *)member != !!(field->flags & CNI_NEGATED));
    case CNI_FIELD_TEXT:
        return cni_value_text(arena, *(const char **)member);
    case CNI_FIELD_OBJECT:
        return cni_object_write(arena, object->objects[index]);
    case CNI_FIELD_PADDING:
        return write_padding(arena, field, member);
    case CNI_FIELD_FORMAT:
        return cni_value_text(arena,
                              *(cn_data_format *)member == CN_CHANNELS_FIRST ? "channels_first" : "channels_last");
    case CNI_FIELD_SIDES:
        return write_borders(arena, field, member, 2);
    case CNI_FIELD_SIZES:
        return write_sizes(arena, field, member, field->axes);
    case CNI_FIELD_BORDERS:
        if (field->axes == 1) return write_ints(arena, field, member, 2);
        return write_borders(arena, field, member, field->axes);
    case CNI_FIELD_INTS:
        return write_ints(arena, field, member, cni_ints_count(member));
    case CNI_FIELD_REALS:
        return write_reals(arena, field, member);
    case CNI_FIELD_TUPLE:
        return write_tuple(arena, member);
    default: {
        cni_value *value = NULL;
        cni_value_read(arena, field->otherwise, field->key, &value, NULL);
        return value;
    }
    }
}

static bool is_default(cni_arena *arena, const cni_object *object, size_t index)
{
    const cni_field *field = object->kind->fields + index;
    cni_value *now = write_member(arena, object, index), *otherwise = NULL;
    if (field->flags & CNI_REQUIRED) return false;
    cni_value_read(arena, field->otherwise ? field->otherwise : "None", field->key, &otherwise, NULL);
    return now && otherwise && cni_values_same(now, otherwise);
}

static bool add_member(cni_arena *arena, cni_value *config, const cni_object *object, size_t index)
{
    return cni_value_add(arena, config, object->kind->fields[index].key, write_member(arena, object, index));
}

/* Keras writes what every layer has first, then activity_regularizer when it is set, then the layer's own. */
static bool is_base(const char *key)
{
    return strcmp(key, "name") == 0 || strcmp(key, "trainable") == 0 || strcmp(key, "dtype") == 0;
}

static bool add_early(cni_arena *arena, cni_value *config, const cni_object *object)
{
    for (size_t i = 0; i < object->kind->field_count; i++)
        if ((object->kind->fields[i].flags & CNI_EARLY) && object->objects[i] && !add_member(arena, config, object, i))
            return false;
    return true;
}

/* A key in its turn, unless it came early or is left out; what comes early comes after dtype. */
static bool add_in_turn(cni_arena *arena, cni_value *config, const cni_object *object, size_t index)
{
    const cni_field *field = object->kind->fields + index;
    bool skip = ((field->flags & CNI_EARLY) && object->objects[index]) ||
                ((field->flags & CNI_UNWRITTEN) && is_default(arena, object, index));
    return (skip || add_member(arena, config, object, index)) &&
           (strcmp(field->key, "dtype") != 0 || add_early(arena, config, object));
}

static bool add_ordered(cni_arena *arena, cni_value *config, const cni_object *object)
{
    for (const char *word = object->kind->order; *word;) {
        size_t length = strcspn(word, " ");
        for (size_t i = 0; i < object->kind->field_count; i++) {
            const char *key = object->kind->fields[i].key;
            if (strlen(key) == length && strncmp(key, word, length) == 0 && !add_in_turn(arena, config, object, i))
                return false;
        }
        word += length;
        word += *word == ' ';
    }
    return true;
}

cni_value *cni_object_config(cni_arena *arena, const cni_object *object)
{
    cni_value *config = cni_value_dict(arena);
    const cni_kind *kind = object->kind;
    if (!config) return NULL;
    if (kind->order) return add_ordered(arena, config, object) ? config : NULL;
    for (size_t i = 0; i < kind->field_count; i++)
        if (is_base(kind->fields[i].key) && !add_in_turn(arena, config, object, i)) return NULL;
    for (size_t i = 0; i < kind->field_count; i++)
        if (!is_base(kind->fields[i].key) && !(kind->fields[i].flags & CNI_READ_ONLY) &&
            !add_in_turn(arena, config, object, i))
            return NULL;
    return config;
}

static bool all_default(cni_arena *arena, const cni_object *object)
{
    for (size_t i = 0; i < object->kind->field_count; i++)
        if (!is_default(arena, object, i)) return false;
    return true;
}

cni_value *cni_object_write(cni_arena *arena, const cni_object *object)
{
    if (!object) return cni_value_null(arena);
    const cni_kind *kind = object->kind;
    if (object->family && object->family->written_by_name && !kind->module && all_default(arena, object))
        return cni_value_text(arena, kind->name);
    cni_value *value = cni_value_dict(arena);
    const char *module = kind->module ? kind->module : object->family ? object->family->module : NULL;
    const char *name = kind->written_as ? kind->written_as : kind->name;
    if (kind->written_as) module = "keras.layers";
    bool made = value && cni_value_add(arena, value, "module", cni_value_text(arena, module)) &&
                cni_value_add(arena, value, "class_name", cni_value_text(arena, name)) &&
                cni_value_add(arena, value, "config", cni_object_config(arena, object)) &&
                cni_value_add(arena, value, "registered_name", cni_value_null(arena));
    return made ? value : NULL;
}
