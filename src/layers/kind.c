/* SPDX-License-Identifier: Apache-2.0
 * Objects from names, calls, dicts and C structs, by the rows of their kind. */
#include "layers/kind.h"

#include "base/take.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZE = 8, MAX_REALS = 16 };

/* One argument being read: where it goes and how to speak of it. */
typedef struct slot {
    const cni_maker *maker;
    const cni_kind *kind;
    const cni_field *field;
    cni_object *object;
    void *member;
    const char *where; /* "Conv2D \"stem\"" */
} slot;

static size_t member_size(cni_field_type type)
{
    static const size_t sizes[] = {
        [CNI_FIELD_INT] = sizeof(int),
        [CNI_FIELD_PAIR] = sizeof(int[2]),
        [CNI_FIELD_REAL] = sizeof(double),
        [CNI_FIELD_BOOL] = sizeof(bool),
        [CNI_FIELD_TEXT] = sizeof(char *),
        [CNI_FIELD_OBJECT] = sizeof(char *),
        [CNI_FIELD_PADDING] = sizeof(cn_padding),
        [CNI_FIELD_FORMAT] = sizeof(cn_data_format),
        [CNI_FIELD_SIDES] = sizeof(int[2][2]),
        [CNI_FIELD_INTS] = sizeof(int[MAX_SIZE]),
        [CNI_FIELD_REALS] = sizeof(double[MAX_REALS]),
        [CNI_FIELD_NOTHING] = 0,
    };
    return sizes[type];
}

int cni_ints_count(const int *ints)
{
    int count = 0;
    while (count < MAX_SIZE && ints[count] != 0) count++;
    return count;
}

/* The end is +0.0, so the sign bit tells an explicit zero from the end. */
static bool is_unset(double real)
{
    return real == 0 && !signbit(real);
}

int cni_reals_count(const double *reals)
{
    int count = 0;
    while (count < MAX_REALS && !is_unset(reals[count])) count++;
    return count;
}

/* ---- messages ---- */

static cn_status refuse(const slot *s, cn_status status, const cni_value *value, const char *expected)
{
    char shown[65];
    return cni_fail(s->maker->error, status, "%s: %s=%s; expected %s", s->where, s->field->key,
                    cni_value_show(value, shown, sizeof shown), expected);
}

static const char *range_text(const cni_field *field, char buffer[80])
{
    const char *what = field->type == CNI_FIELD_REAL || field->type == CNI_FIELD_REALS ? "a number" : "an integer";
    const char *open = field->flags & CNI_OPEN ? "above" : "from";
    if (field->min == 0 && field->max == 0)
        snprintf(buffer, 80, "%s", what);
    else if (field->max >= 1e6)
        snprintf(buffer, 80, "%s %s %g%s", what, open, field->min, field->flags & CNI_OPEN ? "" : " upwards");
    else
        snprintf(buffer, 80, "%s %s %g to %g", what, open, field->min, field->max);
    return buffer;
}

static bool in_range(const cni_field *field, double value)
{
    if (field->min == 0 && field->max == 0) return true;
    if (isnan(value)) return false;
    return (field->flags & CNI_OPEN ? value > field->min : value >= field->min) && value <= field->max;
}

/* ---- values to members, one function per type ---- */

static cn_status read_int(const slot *s, const cni_value *v)
{
    char range[80];
    if ((s->field->flags & CNI_SHOWN_SINGLE) && v->type == CNI_LIST && v->count == 1) v = v->items[0];
    if (v->type != CNI_INT || v->integer <= CNI_NONE_INT || v->integer > INT32_MAX ||
        !in_range(s->field, (double)v->integer))
        return refuse(s, CN_ERR_INVALID, v, range_text(s->field, range));
    *(int *)s->member = (int)v->integer;
    return CN_OK;
}

static cn_status read_pair(const slot *s, const cni_value *v)
{
    int *pair = s->member;
    const cni_value *items[2] = {v, v};
    if (v->type == CNI_LIST) {
        if (v->count != 2) return refuse(s, CN_ERR_INVALID, v, "one integer or two");
        items[0] = v->items[0], items[1] = v->items[1];
    }
    for (int i = 0; i < 2; i++) {
        char range[80], expected[160];
        int64_t n = items[i]->type == CNI_BOOL ? items[i]->truth : items[i]->integer;
        if ((items[i]->type != CNI_INT && items[i]->type != CNI_BOOL) || n > INT32_MAX ||
            !in_range(s->field, (double)n)) {
            snprintf(expected, sizeof expected, "one or two of: %s", range_text(s->field, range));
            return refuse(s, CN_ERR_INVALID, v, expected);
        }
        pair[i] = (int)n;
    }
    return CN_OK;
}

static cn_status read_object(const slot *s, const cni_value *v);

static cn_status read_real(const slot *s, const cni_value *v)
{
    char range[80], either[160];
    if (s->field->family && (v->type == CNI_DICT || v->type == CNI_CALL)) {
        *(double *)s->member = NAN;
        return read_object(s, v);
    }
    if (s->field->family && v->type != CNI_REAL && v->type != CNI_INT) {
        snprintf(either, sizeof either, "a number or a %s with its arguments", s->field->family->what);
        return refuse(s, CN_ERR_INVALID, v, either);
    }
    if ((v->type != CNI_REAL && v->type != CNI_INT) || !in_range(s->field, v->real))
        return refuse(s, CN_ERR_INVALID, v, range_text(s->field, range));
    if ((s->field->flags & CNI_FLOAT) && v->type == CNI_INT)
        return refuse(s, CN_ERR_INVALID, v, "a float: write it with a decimal point, as Keras wants it");
    *(double *)s->member = v->real;
    return CN_OK;
}

static cn_status read_bool(const slot *s, const cni_value *v)
{
    if (v->type != CNI_BOOL &&
        !(v->type == CNI_INT && (v->integer == 0 || v->integer == 1) && strcmp(s->field->key, "trainable") != 0))
        return refuse(s, CN_ERR_INVALID, v, "True or False");
    bool truth = v->type == CNI_BOOL ? v->truth : v->integer != 0;
    *(bool *)s->member = truth != !!(s->field->flags & CNI_NEGATED);
    return CN_OK;
}

static cn_status read_text(const slot *s, const cni_value *v)
{
    const char *text = cni_value_as_text(v);
    if (!text) return refuse(s, CN_ERR_INVALID, v, "a text");
    if (s->field->choices) {
        cni_text list = {0};
        bool found = false;
        for (const char *const *choice = s->field->choices; *choice; choice++) {
            found |= strcmp(*choice, text) == 0;
            cni_text_printf(&list, "%s'%s'", choice == s->field->choices ? "one of " : ", ", *choice);
        }
        cn_status status = found ? CN_OK : refuse(s, CN_ERR_INVALID, v, cni_text_get(&list));
        cni_text_free(&list);
        CN_TRY(status);
    }
    const char *copy = cni_arena_text(s->maker->arena, text);
    if (!copy) return cni_no_memory(s->maker->error, s->field->key);
    *(const char **)s->member = copy;
    return CN_OK;
}

static cn_status read_object(const slot *s, const cni_value *v)
{
    char where[200];
    snprintf(where, sizeof where, "%s: %s", s->where, s->field->key);
    return cni_object_make(s->maker, s->field->family, v, where, &s->object->objects[s->field - s->kind->fields]);
}

static cn_status read_padding(const slot *s, const cni_value *v)
{
    cn_padding *padding = s->member;
    const char *text = cni_value_as_text(v);
    if (text && strcasecmp(text, "valid") == 0)
        padding->mode = CN_PADDING_VALID;
    else if (text && strcasecmp(text, "same") == 0)
        padding->mode = CN_PADDING_SAME;
    else if (v->type == CNI_LIST && v->count == 2 && v->items[0]->type == CNI_LIST && v->items[1]->type == CNI_LIST) {
        int sides[2][2];
        for (int i = 0; i < 2; i++)
            for (size_t j = 0; j < 2; j++) {
                const cni_value *axis = v->items[i];
                if (axis->count != 2 || axis->items[j]->type != CNI_INT || axis->items[j]->integer < 0 ||
                    axis->items[j]->integer > 1000000)
                    return refuse(s, CN_ERR_INVALID, v, "((top, bottom), (left, right)), integers from 0 upwards");
                sides[i][j] = (int)axis->items[j]->integer;
            }
        *padding = (cn_padding){CN_PADDING_SIDES, sides[0][0], sides[0][1], sides[1][0], sides[1][1]};
    } else
        return refuse(s, CN_ERR_INVALID, v, "'valid', 'same' or ((top, bottom), (left, right))");
    return CN_OK;
}

static cn_status read_format(const slot *s, const cni_value *v)
{
    const char *text = cni_value_as_text(v);
    cn_data_format *format = s->member;
    if (v->type == CNI_NULL)
        *format = s->maker->data_format;
    else if (text && strcasecmp(text, "channels_last") == 0)
        *format = CN_CHANNELS_LAST;
    else if (text && strcasecmp(text, "channels_first") == 0)
        *format = CN_CHANNELS_FIRST;
    else
        return refuse(s, CN_ERR_INVALID, v, "'channels_last' or 'channels_first'");
    return CN_OK;
}

/* p, (ph, pw) or ((top, bottom), (left, right)) */
static cn_status read_sides(const slot *s, const cni_value *v)
{
    int(*sides)[2] = s->member;
    const char *expected = "p, (rows, columns) or ((top, bottom), (left, right)), integers from 0 upwards";
    if (v->type == CNI_LIST && v->count != 2) return refuse(s, CN_ERR_INVALID, v, expected);
    for (size_t i = 0; i < 2; i++) {
        const cni_value *axis = v->type == CNI_LIST ? v->items[i] : v;
        if (axis->type == CNI_LIST && axis->count != 2) return refuse(s, CN_ERR_INVALID, v, expected);
        for (size_t j = 0; j < 2; j++) {
            const cni_value *side = axis->type == CNI_LIST ? axis->items[j] : axis;
            if (side->type != CNI_INT || side->integer < 0 || side->integer > 1000000)
                return refuse(s, CN_ERR_INVALID, v, expected);
            sides[i][j] = (int)side->integer;
        }
    }
    return CN_OK;
}

static cn_status read_ints(const slot *s, const cni_value *v)
{
    int *ints = s->member;
    size_t count = v->type == CNI_LIST ? v->count : 1;
    if (count > MAX_SIZE) return refuse(s, CN_ERR_INVALID, v, "at most 8 integers");
    for (size_t i = 0; i < count; i++) {
        const cni_value *item = v->type == CNI_LIST ? v->items[i] : v;
        if (item->type == CNI_NULL)
            ints[i] = CN_NONE;
        else if (item->type == CNI_INT && item->integer == 0 && (s->field->flags & CNI_ZEROS))
            ints[i] = CN_ZERO_INT;
        else if (item->type == CNI_INT && item->integer >= -1000000000 && item->integer <= 1000000000 &&
                 item->integer != 0)
            ints[i] = (int)item->integer;
        else
            return refuse(s, CN_ERR_INVALID, v, s->field->flags & CNI_ZEROS ? "integers" : "integers other than 0");
    }
    return CN_OK;
}

static cn_status read_reals(const slot *s, const cni_value *v)
{
    double *reals = s->member;
    size_t count = v->type == CNI_LIST ? v->count : 1;
    if (count > MAX_REALS) return refuse(s, CN_ERR_UNSUPPORTED, v, "at most 16 numbers");
    for (size_t i = 0; i < count; i++) {
        const cni_value *item = v->type == CNI_LIST ? v->items[i] : v;
        if (item->type != CNI_INT && item->type != CNI_REAL) return refuse(s, CN_ERR_INVALID, v, "numbers");
        reals[i] = item->real == 0 ? CN_ZERO : item->real;
    }
    return CN_OK;
}

static bool same_value(const cni_value *a, const cni_value *b)
{
    if (a->type != b->type) return false;
    char left[65], right[65];
    return strcmp(cni_value_show(a, left, sizeof left), cni_value_show(b, right, sizeof right)) == 0;
}

/* float32 as text, as Keras' policy dict, or absent. */
static bool is_float32(const cni_value *v)
{
    const char *text = cni_value_as_text(v);
    if (v->type == CNI_DICT) text = cni_value_as_text(cni_value_get(cni_value_get(v, "config"), "name"));
    return v->type == CNI_NULL || (text && strcmp(text, "float32") == 0);
}

static cn_status read_nothing(const slot *s, const cni_value *v)
{
    if (strcmp(s->field->key, "dtype") == 0)
        return is_float32(v) ? CN_OK : refuse(s, CN_ERR_UNSUPPORTED, v, "'float32': Cornu computes in it only");
    cni_arena arena = {0};
    cni_value *only = NULL;
    char expected[80];
    cn_status status = cni_value_read(&arena, s->field->otherwise, s->field->key, &only, s->maker->error);
    if (!status && v->type != CNI_NULL && !same_value(only, v)) {
        snprintf(expected, sizeof expected, "%s: nothing else is supported", s->field->otherwise);
        status = refuse(s, CN_ERR_UNSUPPORTED, v, expected);
    }
    cni_arena_free(&arena);
    return status;
}

static cn_status read_none(const slot *s, const cni_value *v)
{
    switch (s->field->type) {
    case CNI_FIELD_INT:
        *(int *)s->member = CNI_NONE_INT;
        return CN_OK;
    case CNI_FIELD_REAL:
        *(double *)s->member = NAN;
        return CN_OK;
    case CNI_FIELD_TEXT:
        *(const char **)s->member = NULL;
        return CN_OK;
    case CNI_FIELD_PAIR:
    case CNI_FIELD_INTS:
    case CNI_FIELD_REALS:
        return CN_OK; /* zeros */
    default:
        return refuse(s, CN_ERR_INVALID, v, "a value");
    }
}

static cn_status read_member(const slot *s, const cni_value *v)
{
    static cn_status (*const readers[])(const slot *, const cni_value *) = {
        [CNI_FIELD_INT] = read_int,         [CNI_FIELD_PAIR] = read_pair,     [CNI_FIELD_REAL] = read_real,
        [CNI_FIELD_BOOL] = read_bool,       [CNI_FIELD_TEXT] = read_text,     [CNI_FIELD_OBJECT] = read_object,
        [CNI_FIELD_PADDING] = read_padding, [CNI_FIELD_FORMAT] = read_format, [CNI_FIELD_SIDES] = read_sides,
        [CNI_FIELD_INTS] = read_ints,       [CNI_FIELD_REALS] = read_reals,   [CNI_FIELD_NOTHING] = read_nothing,
    };
    bool none = v->type == CNI_NULL && s->field->type != CNI_FIELD_OBJECT && s->field->type != CNI_FIELD_FORMAT &&
                s->field->type != CNI_FIELD_NOTHING;
    if (none && !(s->field->flags & CNI_NULLABLE)) return refuse(s, CN_ERR_INVALID, v, "a value");
    return none ? read_none(s, v) : readers[s->field->type](s, v);
}

static cn_status read_default(const slot *s)
{
    if (s->field->type == CNI_FIELD_NOTHING) return CN_OK;
    if (s->field->flags & CNI_REQUIRED)
        return cni_fail(s->maker->error, CN_ERR_INVALID, "%s: %s is missing (%s)", s->where, s->field->key,
                        s->field->help);
    cni_value *value = NULL;
    CN_TRY(cni_value_read(s->maker->arena, s->field->otherwise ? s->field->otherwise : "None", s->field->key, &value,
                          s->maker->error));
    return read_member(s, value);
}

/* ---- objects ---- */

static cn_status new_object(const cni_maker *maker, const cni_kind *kind, cni_object **out)
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

static slot slot_of(const cni_maker *maker, const cni_kind *kind, cni_object *object, size_t index, const char *where)
{
    const cni_field *field = kind->fields + index;
    return (slot){maker, kind, field, object, (char *)object->args + field->offset, where};
}

/* Rules across arguments, then the seed. */
static cn_status finish(const cni_maker *maker, cni_object *object, const char *where)
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

static const cni_field *find_field(const cni_kind *kind, const char *key)
{
    for (size_t i = 0; i < kind->field_count; i++)
        if (strcmp(kind->fields[i].key, key) == 0 ||
            (kind->fields[i].old_key && strcmp(kind->fields[i].old_key, key) == 0))
            return kind->fields + i;
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
    CN_TRY(new_object(maker, kind, &object));
    for (size_t i = 0; config && i < config->count; i++) {
        const char *key = config->keys ? config->keys[i] : NULL;
        if (!key && i >= kind->field_count)
            return cni_fail(maker->error, CN_ERR_INVALID, "%s: %zu arguments; %s takes at most %zu", where,
                            config->count, kind->name, kind->field_count);
        if (key && !find_field(kind, key) && !kind->ignores_unknown) return unknown_argument(maker, kind, key, where);
    }
    for (size_t i = 0; i < kind->field_count; i++) {
        slot s = slot_of(maker, kind, object, i, where);
        const cni_value *value = argument(config, kind, i);
        CN_TRY(value ? read_member(&s, value) : read_default(&s));
    }
    CN_TRY(finish(maker, object, where));
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
        const char *nearest = cni_family_nearest(family, value->text);
        cni_value name = {.type = CNI_TEXT, .text = value->text};
        return cni_fail(maker->error, CN_ERR_INVALID, "%s=%s: unknown %s%s%s%s", where,
                        cni_value_show(&name, shown, sizeof shown), family->what, nearest ? "; did you mean " : "",
                        nearest ? nearest : "", nearest ? "?" : "");
    }
    CN_TRY(cni_object_read(maker, kind, value->type == CNI_CALL ? value : NULL, where, object));
    (*object)->family = family;
    (*object)->by_name = value->type == CNI_TEXT;
    (*object)->given = cni_arena_text(maker->arena, value->text);
    return (*object)->given ? CN_OK : cni_no_memory(maker->error, where);
}

/* ---- C structs ---- */

static bool all_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i]) return false;
    return true;
}

/* Members that are taken as they stand must hold what a reader would have accepted. */
static cn_status check_copied(const slot *s)
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
static const char *copied_text(const slot *s, const unsigned char *args)
{
    const char *text = NULL;
    if (s->field->text_offset) memcpy(&text, args + s->field->text_offset, sizeof text);
    return text;
}

static cn_status copy_object(const slot *s, const char *text, bool number_too)
{
    cni_value *value = NULL;
    if (number_too)
        return cni_fail(s->maker->error, CN_ERR_INVALID,
                        "%s: %s is given both as a number and as a %s; give one of them", s->where, s->field->key,
                        s->field->family->what);
    CN_TRY(cni_value_read(s->maker->arena, text, s->field->key, &value, s->maker->error));
    return read_member(s, value);
}

/* Zero is "not given"; CN_ZERO and CN_ZERO_INT are zeros; a text is read as Keras text. */
static cn_status copy_member(const slot *s, const unsigned char *args)
{
    cni_error *error = s->maker->error;
    const void *given = args + s->field->offset;
    const char *text = copied_text(s, args);
    if (s->field->type == CNI_FIELD_NOTHING) return CN_OK;
    if (s->field->flags & CNI_NO_MEMBER) return read_default(s);
    if (text) return copy_object(s, text, !all_zero(given, member_size(s->field->type)));
    if (all_zero(given, member_size(s->field->type))) return read_default(s);
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
        CN_TRY(cni_value_read(arena, *(const char *const *)given, s->field->key, &value, error));
        break;
    case CNI_FIELD_BOOL:
        *(bool *)s->member = true;
        return CN_OK;
    case CNI_FIELD_PAIR: {
        const int *pair = given;
        value = cni_value_list(arena);
        for (int i = 0; value && i < 2; i++)
            if (!cni_value_add(arena, value, NULL, cni_value_int(arena, pair[i] ? pair[i] : pair[0]))) value = NULL;
        break;
    }
    default:
        memcpy(s->member, given, member_size(s->field->type));
        return check_copied(s);
    }
    return value ? read_member(s, value) : cni_no_memory(error, s->field->key);
}

cn_status cni_object_copy(const cni_maker *maker, const cni_kind *kind, const void *args, const char *where,
                          cni_object **out)
{
    size_t known = kind->public_size ? kind->public_size : kind->args_size;
    cni_object *object;
    CN_TRY(new_object(maker, kind, &object));
    unsigned char *given = cni_arena_alloc(maker->arena, kind->args_size);
    if (!given) return cni_no_memory(maker->error, kind->name);
    CN_TRY(cni_take_args(given, known, args, sizeof(cn_layer_args), where, maker->error));
    memcpy(object->args, given, sizeof(cn_layer_args));
    for (size_t i = 0; i < kind->field_count; i++) {
        slot s = slot_of(maker, kind, object, i, where);
        CN_TRY(copy_member(&s, given));
    }
    CN_TRY(finish(maker, object, where));
    *out = object;
    return CN_OK;
}

/* ---- back to values ---- */

static int plain_int(int integer)
{
    return integer == CN_ZERO_INT ? 0 : integer;
}

static cni_value *write_ints(cni_arena *arena, const cni_field *field, const int *ints, int count)
{
    if (count == 1 && (field->flags & CNI_SHOWN_SINGLE)) return cni_value_int(arena, plain_int(ints[0]));
    if (!count && (field->flags & CNI_NULLABLE)) return cni_value_null(arena);
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

static cni_value *write_sides(cni_arena *arena, const cni_field *field, int (*sides)[2])
{
    cni_value *list = cni_value_list(arena);
    for (int i = 0; list && i < 2; i++)
        if (!cni_value_add(arena, list, NULL, write_ints(arena, field, sides[i], 2))) return NULL;
    return list;
}

static cni_value *write_padding(cni_arena *arena, const cni_field *field, const cn_padding *padding)
{
    int sides[2][2] = {{padding->top, padding->bottom}, {padding->left, padding->right}};
    if (padding->mode == CN_PADDING_SIDES) return write_sides(arena, field, sides);
    return cni_value_text(arena, padding->mode == CN_PADDING_SAME ? "same" : "valid");
}

static cni_value *write_int(cni_arena *arena, int integer)
{
    return integer == CNI_NONE_INT ? cni_value_null(arena) : cni_value_int(arena, integer);
}

static cni_value *write_member(cni_arena *arena, const cni_object *object, size_t index)
{
    const cni_field *field = object->kind->fields + index;
    void *member = (char *)object->args + field->offset;
    switch (field->type) {
    case CNI_FIELD_INT:
        return write_int(arena, *(int *)member);
    case CNI_FIELD_PAIR:
        return write_ints(arena, field, member, ((int *)member)[0] ? 2 : 0);
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
        return write_sides(arena, field, member);
    case CNI_FIELD_INTS:
        return write_ints(arena, field, member, cni_ints_count(member));
    case CNI_FIELD_REALS:
        return write_reals(arena, field, member);
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
    return now && otherwise && same_value(now, otherwise);
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

void *cni_object_member(const cni_object *object, const char *key)
{
    const cni_field *field = find_field(object->kind, key);
    return field && member_size(field->type) && object->args ? (char *)object->args + field->offset : NULL;
}

const cni_object *cni_object_of(const cni_object *object, const char *key)
{
    const cni_field *field = find_field(object->kind, key);
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
