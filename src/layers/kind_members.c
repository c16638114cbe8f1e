/* SPDX-License-Identifier: Apache-2.0
 * Values to members of argument structs: one function per type of member, with its messages. */
#include "layers/kind_members.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

size_t cni_member_size(cni_field_type type)
{
    static const size_t sizes[] = {
        [CNI_FIELD_INT] = sizeof(int),
        [CNI_FIELD_PAIR] = sizeof(int[2]),
        [CNI_FIELD_SIZES] = sizeof(int[3]),
        [CNI_FIELD_REAL] = sizeof(double),
        [CNI_FIELD_BOOL] = sizeof(bool),
        [CNI_FIELD_TEXT] = sizeof(char *),
        [CNI_FIELD_OBJECT] = sizeof(char *),
        [CNI_FIELD_PADDING] = sizeof(cn_padding),
        [CNI_FIELD_FORMAT] = sizeof(cn_data_format),
        [CNI_FIELD_SIDES] = sizeof(int[2][2]),
        [CNI_FIELD_BORDERS] = sizeof(int[3][2]),
        [CNI_FIELD_INTS] = sizeof(int[CNI_MAX_INTS]),
        [CNI_FIELD_REALS] = sizeof(double[CNI_MAX_REALS]),
        [CNI_FIELD_TUPLE] = sizeof(cni_tuple),
        [CNI_FIELD_NOTHING] = 0,
    };
    return sizes[type];
}

int cni_ints_count(const int *ints)
{
    int count = 0;
    while (count < CNI_MAX_INTS && ints[count] != 0) count++;
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
    while (count < CNI_MAX_REALS && !is_unset(reals[count])) count++;
    return count;
}

/* ---- messages ---- */

static cn_status refuse(const cni_slot *s, cn_status status, const cni_value *value, const char *expected)
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

static cn_status read_int(const cni_slot *s, const cni_value *v)
{
    char range[80];
    if ((s->field->flags & CNI_SHOWN_SINGLE) && v->type == CNI_LIST && v->count == 1) v = v->items[0];
    if (v->type != CNI_INT || v->integer <= CNI_NONE_INT || v->integer > INT32_MAX ||
        !in_range(s->field, (double)v->integer))
        return refuse(s, CN_ERR_INVALID, v, range_text(s->field, range));
    *(int *)s->member = (int)v->integer;
    return CN_OK;
}

/* One integer for all axes, or one for each. */
static cn_status read_axes(const cni_slot *s, const cni_value *v, size_t count, int *out)
{
    static const char *const counts[] = {"", "an integer", "one integer or two", "one integer or three"};
    static const char *const shares[] = {"", "", "one or two of: ", "one or three of: "};
    if (v->type == CNI_LIST && v->count != count) return refuse(s, CN_ERR_INVALID, v, counts[count]);
    for (size_t i = 0; i < count; i++) {
        char range[80], expected[160];
        const cni_value *item = v->type == CNI_LIST ? v->items[i] : v;
        int64_t n = item->type == CNI_BOOL ? item->truth : item->integer;
        if ((item->type != CNI_INT && item->type != CNI_BOOL) || n <= CNI_NONE_INT || n > INT32_MAX ||
            !in_range(s->field, (double)n)) {
            snprintf(expected, sizeof expected, "%s%s", shares[count], range_text(s->field, range));
            return refuse(s, CN_ERR_INVALID, v, expected);
        }
        out[i] = (int)n;
    }
    return CN_OK;
}

static cn_status read_pair(const cni_slot *s, const cni_value *v)
{
    return read_axes(s, v, 2, s->member);
}

static cn_status read_sizes(const cni_slot *s, const cni_value *v)
{
    return read_axes(s, v, (size_t)s->field->axes, s->member);
}

static cn_status read_object(const cni_slot *s, const cni_value *v);

static cn_status read_real(const cni_slot *s, const cni_value *v)
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
    const bool number = v->type == CNI_REAL || v->type == CNI_INT;
    const bool nan = number && isnan(v->real) && !(s->field->flags & CNI_NULLABLE); /* else it is our None */
    if (!number || nan || !in_range(s->field, v->real))
        return refuse(s, CN_ERR_INVALID, v, range_text(s->field, range));
    if ((s->field->flags & CNI_FLOAT) && v->type == CNI_INT)
        return refuse(s, CN_ERR_INVALID, v, "a float: write it with a decimal point, as Keras wants it");
    *(double *)s->member = v->real;
    return CN_OK;
}

static cn_status read_bool(const cni_slot *s, const cni_value *v)
{
    if (v->type != CNI_BOOL &&
        !(v->type == CNI_INT && (v->integer == 0 || v->integer == 1) && strcmp(s->field->key, "trainable") != 0))
        return refuse(s, CN_ERR_INVALID, v, "True or False");
    bool truth = v->type == CNI_BOOL ? v->truth : v->integer != 0;
    *(bool *)s->member = truth != !!(s->field->flags & CNI_NEGATED);
    return CN_OK;
}

static cn_status read_text(const cni_slot *s, const cni_value *v)
{
    const char *text = cni_value_as_text(v);
    if (!text) return refuse(s, CN_ERR_INVALID, v, "a text");
    if (s->field->choices) {
        cni_text list = {0};
        bool found = false;
        for (const char *const *choice = s->field->choices; *choice; choice++) {
            if (s->field->flags & CNI_ANY_CASE && strcasecmp(*choice, text) == 0) text = *choice;
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

static cn_status read_object(const cni_slot *s, const cni_value *v)
{
    char where[200];
    snprintf(where, sizeof where, "%s: %s", s->where, s->field->key);
    return cni_object_make(s->maker, s->field->family, v, where, &s->object->objects[s->field - s->kind->fields]);
}

static cn_status read_padding(const cni_slot *s, const cni_value *v)
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

static cn_status read_format(const cni_slot *s, const cni_value *v)
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
static cn_status read_borders_of(const cni_slot *s, const cni_value *v, size_t count, const char *expected)
{
    int(*sides)[2] = s->member;
    const bool listed = v->type == CNI_LIST && count > 1; /* of one axis: (before, after) */
    if (listed && v->count != count) return refuse(s, CN_ERR_INVALID, v, expected);
    for (size_t i = 0; i < count; i++) {
        const cni_value *axis = listed ? v->items[i] : v;
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

static cn_status read_sides(const cni_slot *s, const cni_value *v)
{
    return read_borders_of(s, v, 2, "p, (rows, columns) or ((top, bottom), (left, right)), integers from 0 upwards");
}

static cn_status read_borders(const cni_slot *s, const cni_value *v)
{
    const size_t axes = (size_t)s->field->axes;
    return read_borders_of(s, v, axes,
                           axes == 1 ? "p or (before, after), integers from 0 upwards"
                                     : "p, one for each axis, or (before, after) for each axis");
}

static cn_status read_ints(const cni_slot *s, const cni_value *v)
{
    int *ints = s->member;
    size_t count = v->type == CNI_LIST ? v->count : 1;
    if (count > CNI_MAX_INTS) return refuse(s, CN_ERR_INVALID, v, "at most 8 integers");
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

static cn_status read_reals(const cni_slot *s, const cni_value *v)
{
    double *reals = s->member;
    size_t count = v->type == CNI_LIST ? v->count : 1;
    if (count > CNI_MAX_REALS) return refuse(s, CN_ERR_UNSUPPORTED, v, "at most 16 numbers");
    for (size_t i = 0; i < count; i++) {
        const cni_value *item = v->type == CNI_LIST ? v->items[i] : v;
        if ((item->type != CNI_INT && item->type != CNI_REAL) || isnan(item->real))
            return refuse(s, CN_ERR_INVALID, v, "numbers");
        reals[i] = item->real == 0 ? CN_ZERO : item->real;
    }
    return CN_OK;
}

static cn_status read_choice(const cni_slot *s, const cni_value *v, const char **out)
{
    for (const char *const *choice = s->field->choices; choice && *choice; choice++)
        if (strcmp(*choice, v->text) == 0) {
            *out = *choice;
            return CN_OK;
        }
    return refuse(s, CN_ERR_INVALID, v, s->field->help);
}

static cn_status read_tuple(const cni_slot *s, const cni_value *v)
{
    cni_tuple *tuple = s->member;
    if (v->type == CNI_TEXT) return read_choice(s, v, &tuple->text);
    const size_t count = v->type == CNI_LIST ? v->count : 1;
    if (!count || count > sizeof tuple->at / sizeof *tuple->at) return refuse(s, CN_ERR_INVALID, v, "1 to 8 integers");
    for (size_t i = 0; i < count; i++) {
        char range[80], expected[160];
        const cni_value *item = v->type == CNI_LIST ? v->items[i] : v;
        const bool none = item->type == CNI_NULL && (s->field->flags & CNI_NONES);
        if (!none && (item->type != CNI_INT || item->integer <= CNI_NONE_INT || item->integer > INT32_MAX ||
                      !in_range(s->field, (double)item->integer))) {
            snprintf(expected, sizeof expected, "one or more of: %s", range_text(s->field, range));
            return refuse(s, CN_ERR_INVALID, v, expected);
        }
        tuple->at[i] = none ? CNI_NONE_INT : (int)item->integer;
    }
    tuple->count = (int)count;
    return CN_OK;
}

bool cni_values_same(const cni_value *a, const cni_value *b)
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

static cn_status read_nothing(const cni_slot *s, const cni_value *v)
{
    if (strcmp(s->field->key, "dtype") == 0)
        return is_float32(v) ? CN_OK : refuse(s, CN_ERR_UNSUPPORTED, v, "'float32': Cornu computes in it only");
    cni_arena arena = {0};
    cni_value *only = NULL;
    char expected[80];
    cn_status status = cni_value_read(&arena, s->field->otherwise, s->field->key, &only, s->maker->error);
    if (!status && v->type != CNI_NULL && !cni_values_same(only, v)) {
        snprintf(expected, sizeof expected, "%s: nothing else is supported", s->field->otherwise);
        status = refuse(s, CN_ERR_UNSUPPORTED, v, expected);
    }
    cni_arena_free(&arena);
    return status;
}

static cn_status read_none(const cni_slot *s, const cni_value *v)
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
    case CNI_FIELD_SIZES: {
        const int axes = s->field->type == CNI_FIELD_PAIR ? 2 : s->field->axes;
        for (int i = 0; i < axes && (s->field->flags & CNI_ZEROS); i++) ((int *)s->member)[i] = CNI_NONE_INT;
        return CN_OK;
    }
    case CNI_FIELD_BOOL: /* PyTorch's align_corners=None is False */
    case CNI_FIELD_INTS:
    case CNI_FIELD_REALS:
    case CNI_FIELD_TUPLE:
        return CN_OK; /* zeros */
    default:
        return refuse(s, CN_ERR_INVALID, v, "a value");
    }
}

cn_status cni_member_read(const cni_slot *s, const cni_value *v)
{
    static cn_status (*const readers[])(const cni_slot *, const cni_value *) = {
        [CNI_FIELD_INT] = read_int,         [CNI_FIELD_PAIR] = read_pair,       [CNI_FIELD_REAL] = read_real,
        [CNI_FIELD_BOOL] = read_bool,       [CNI_FIELD_TEXT] = read_text,       [CNI_FIELD_OBJECT] = read_object,
        [CNI_FIELD_PADDING] = read_padding, [CNI_FIELD_FORMAT] = read_format,   [CNI_FIELD_SIDES] = read_sides,
        [CNI_FIELD_INTS] = read_ints,       [CNI_FIELD_REALS] = read_reals,     [CNI_FIELD_NOTHING] = read_nothing,
        [CNI_FIELD_SIZES] = read_sizes,     [CNI_FIELD_BORDERS] = read_borders, [CNI_FIELD_TUPLE] = read_tuple,
    };
    bool none = v->type == CNI_NULL && s->field->type != CNI_FIELD_OBJECT && s->field->type != CNI_FIELD_FORMAT &&
                s->field->type != CNI_FIELD_NOTHING;
    if (none && !(s->field->flags & CNI_NULLABLE)) return refuse(s, CN_ERR_INVALID, v, "a value");
    return none ? read_none(s, v) : readers[s->field->type](s, v);
}

cn_status cni_member_default(const cni_slot *s)
{
    if (s->field->type == CNI_FIELD_NOTHING) return CN_OK;
    if (s->field->flags & CNI_REQUIRED)
        return cni_fail(s->maker->error, CN_ERR_INVALID, "%s: %s is missing (%s)", s->where, s->field->key,
                        s->field->help);
    cni_value *value = NULL;
    CN_TRY(cni_value_read(s->maker->arena, s->field->otherwise ? s->field->otherwise : "None", s->field->key, &value,
                          s->maker->error));
    return cni_member_read(s, value);
}
