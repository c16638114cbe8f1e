/* SPDX-License-Identifier: Apache-2.0
 * Objects from C structs: zero is "not given", CN_ZERO is zero, a text is Keras text. */
#include "layers/kind_members.h"

#include "base/take.h"

#include <string.h>

static bool all_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i]) return false;
    return true;
}

/* Members that are taken as they stand must hold what a reader would have accepted. */
static cn_status check_copied(const cni_slot *s)
{
    const cn_padding *padding = s->member;
    const cn_data_format *format = s->member;
    const int *sides = s->member;
    cn_status status = CN_OK;
    if (s->field->type == CNI_FIELD_PADDING)
        status = (unsigned)padding->mode > CN_PADDING_SIDES || padding->top < 0 || padding->bottom < 0 ||
                 padding->left < 0 || padding->right < 0;
    if (s->field->type == CNI_FIELD_FORMAT) status = (unsigned)*format > CN_CHANNELS_FIRST;
    if (s->field->type == CNI_FIELD_SIDES) status = sides[0] < 0 || sides[1] < 0 || sides[2] < 0 || sides[3] < 0;
    if (!status) return CN_OK;
    return cni_fail(s->maker->error, CN_ERR_INVALID, "%s: %s holds a value that is not allowed (%s)", s->where,
                    s->field->key, s->field->help);
}

/* The object that the C struct may give instead of a number, as Keras text; NULL: none. */
static const char *copied_text(const cni_slot *s, const unsigned char *args)
{
    const char *text = NULL;
    if (s->field->text_offset) memcpy(&text, args + s->field->text_offset, sizeof text);
    return text;
}

static cn_status parse(const cni_slot *s, const char *text, cni_value **value)
{
    const cn_status status = cni_value_read(s->maker->arena, text, s->field->key, value, s->maker->error);
    return status ? cni_fail_in(s->maker->error, "%s", s->where) : CN_OK;
}

static cn_status copy_object(const cni_slot *s, const char *text, bool number_too)
{
    cni_value *value = NULL;
    if (number_too)
        return cni_fail(s->maker->error, CN_ERR_INVALID,
                        "%s: %s is given both as a number and as a %s; give one of them", s->where, s->field->key,
                        s->field->family->what);
    CN_TRY(parse(s, text, &value));
    return cni_member_read(s, value);
}

/* Zero is "not given"; CN_ZERO and CN_ZERO_INT are zeros; a text is read as Keras text. */
static cn_status copy_member(const cni_slot *s, const unsigned char *args)
{
    cni_error *error = s->maker->error;
    const void *given = args + s->field->offset;
    const char *text = copied_text(s, args);
    if (s->field->type == CNI_FIELD_NOTHING) return CN_OK;
    if (s->field->flags & CNI_NO_MEMBER) return cni_member_default(s);
    if (text) return copy_object(s, text, !all_zero(given, cni_member_size(s->field->type)));
    if (all_zero(given, cni_member_size(s->field->type))) return cni_member_default(s);
    cni_value *value = NULL;
    cni_arena *arena = s->maker->arena;
    switch (s->field->type) {
    case CNI_FIELD_INT: {
        int integer = *(const int *)given;
        value = cni_value_int(arena, integer == CN_ZERO_INT ? 0 : integer);
        break;
    }
    case CNI_FIELD_REAL:
        value = cni_value_real(arena, *(const double *)given + 0.0);
        break;
    case CNI_FIELD_TEXT:
        value = cni_value_text(arena, *(const char *const *)given);
        break;
    case CNI_FIELD_OBJECT:
        CN_TRY(parse(s, *(const char *const *)given, &value));
        break;
    case CNI_FIELD_BOOL:
        *(bool *)s->member = true;
        return CN_OK;
    case CNI_FIELD_PAIR: {
        const int *pair = given;
        value = cni_value_list(arena);
        for (int i = 0; value && i < 2; i++) {
            const int integer = pair[i] ? pair[i] : pair[0];
            cni_value *item = cni_value_int(arena, integer == CN_ZERO_INT ? 0 : integer);
            if (!cni_value_add(arena, value, NULL, item)) value = NULL;
        }
        break;
    }
    default:
        memcpy(s->member, given, cni_member_size(s->field->type));
        return check_copied(s);
    }
    return value ? cni_member_read(s, value) : cni_no_memory(error, s->field->key);
}

cn_status cni_object_copy(const cni_maker *maker, const cni_kind *kind, const void *args, const char *where,
                          cni_object **out)
{
    size_t known = kind->public_size ? kind->public_size : kind->args_size;
    cni_object *object;
    if (!kind->example)
        return cni_fail(maker->error, CN_ERR_UNSUPPORTED,
                        "%s: %s has no struct in cornu.h; Keras' text and JSON have it", where, kind->name);
    CN_TRY(cni_object_new(maker, kind, &object));
    unsigned char *given = cni_arena_alloc(maker->arena, kind->args_size);
    if (!given) return cni_no_memory(maker->error, kind->name);
    CN_TRY(cni_take_args(given, known, args, sizeof(cn_layer_args), where, maker->error));
    memcpy(object->args, given, sizeof(cn_layer_args));
    for (size_t i = 0; i < kind->field_count; i++) {
        cni_slot s = cni_slot_of(maker, kind, object, i, where);
        CN_TRY(copy_member(&s, given));
    }
    CN_TRY(cni_object_finish(maker, object, where));
    *out = object;
    return CN_OK;
}
