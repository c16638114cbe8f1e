/* SPDX-License-Identifier: Apache-2.0
 * Layers from calls of their classes: each argument is matched with its row, read by it, and told where it stands when
 * it does not fit. */
#include "formats/source/evaluate.h"

#include "layers/kind_members.h"
#include "layers/layers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FIELDS = 64 };

/* ---- the table of layers ---- */

/* Where the function that makes a layer is called.  A class is made and called once, as a rule: its __init__ and
 * forward are where its layers stand. */
static void keep_site(const cni_evaluator *e, cni_described_layer *layer)
{
    static const char *const roots[] = {"__init__", "forward", "call", "build", "__call__"};
    for (const cni_frame *frame = e->frame; frame && frame->site.line; frame = frame->outer) {
        for (size_t i = 0; frame->self && i < sizeof roots / sizeof *roots; i++)
            if (strcmp(frame->definition->text, roots[i]) == 0) return;
        if (frame->site.line == frame->definition->span.line) return; /* no call of the text */
        if (!layer->inside) layer->inside = frame->definition->text;
        layer->site = frame->site;
    }
}

static int new_layer(cni_evaluator *e, cni_dialect dialect, const char *class_name, cni_span span)
{
    enum { WEIGHT = 1600 }; /* as many as 10,000 */
    if (!cni_evaluate_work(e, WEIGHT, span)) return -1;
    if (e->layer_count == e->layer_capacity) {
        const int capacity = e->layer_capacity ? 2 * e->layer_capacity : 64;
        cni_source_layer *more = CNI_NEW_ARRAY(e->arena, cni_source_layer, (size_t)capacity);
        if (!more) {
            e->exhausted = true;
            return -1;
        }
        if (e->layer_count) memcpy(more, e->layers, (size_t)e->layer_count * sizeof *more);
        e->layers = more, e->layer_capacity = capacity;
    }
    cni_described_layer *described = &e->layers[e->layer_count].described;
    e->layers[e->layer_count] = (cni_source_layer){.dialect = dialect};
    *described = (cni_described_layer){.class_name = class_name, .span = span};
    keep_site(e, described);
    return e->layer_count++;
}

int cni_make_unknown(cni_evaluator *e, const char *class_name, cni_dialect dialect, cni_span span)
{
    const int index = new_layer(e, dialect, class_name, span);
    if (index < 0) return index;
    e->layers[index].broken = true;
    if (dialect == CNI_KERAS) e->layers[index].described.name = cni_keras_name(e, class_name);
    return index;
}

void cni_layer_doubt(cni_evaluator *e, int layer, const cni_thing *doubtful)
{
    if (layer >= 0) e->layers[layer].doubt = doubtful->doubt;
}

/* ---- arguments ---- */

typedef struct making {
    cni_evaluator *e;
    const cni_layer_kind *kind;
    const char *class_name;
    cni_dialect dialect;
    cni_actuals *actuals;
    cni_maker maker;
    cni_error error;
    char where[80];
    cni_object *object;
    bool given[MAX_FIELDS];
    cni_described_argument arguments[MAX_FIELDS];
    int argument_count;
    const cni_value *input_shape;
    cni_span input_span;
    bool broken, shapeless;
} making;

/* The keyword alone, where there is one. */
static cni_span key_span(const cni_actual *actual)
{
    cni_span span = actual->span;
    if (actual->key) span.end_line = span.line, span.end_column = span.column + (int)strlen(actual->key);
    return span;
}

/* Rows up to the name, and that where it has a place: what follows is given by keyword only. */
static size_t positional_rows(const cni_layer_kind *kind)
{
    for (size_t i = 0; i < kind->kind.field_count; i++)
        if (strcmp(kind->kind.fields[i].key, "name") == 0) return i + ((kind->traits & CNI_NAME_HAS_PLACE) != 0);
    return kind->kind.field_count;
}

static bool is(const char *key, const char *text)
{
    return strcmp(key, text) == 0;
}

/* Arguments of every Keras layer beside its own: the shape of its input. */
static bool take_input_shape(making *m, const cni_actual *actual)
{
    static const char *const keys[] = {"input_shape", "batch_input_shape", "input_dim", "input_length", "weights"};
    const char *key = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (actual->key && is(actual->key, keys[i])) key = keys[i];
    if (!key || m->dialect != CNI_KERAS || m->kind == &cni_input_layer) return false;
    if (is(key, "input_length") || is(key, "weights")) return true;
    if (is(key, "input_dim") && m->kind->min_rank > 2) {
        m->broken = true;
        cni_evaluate_error(m->e, "I803", key_span(actual), "of maps it is input_shape=(rows, columns, channels)",
                           "%s() has no argument 'input_dim'", m->class_name);
        return true;
    }

    const cni_thing *culprit = NULL;
    const cni_value *value = cni_thing_value(m->e, actual->thing, false, &culprit);
    if (!value) {
        if (culprit && !*m->e->comments->input) cni_thing_matters(m->e, culprit);
        if (culprit && culprit->type != CNI_THING_BROKEN && !*m->e->comments->input)
            cni_evaluate_error(m->e, "I805", actual->span, "write the numbers, or a comment  # cornu: input 32x32x3",
                               "'%s' is not constant", key);
        return true;
    }
    cni_value *shape = cni_value_list(m->e->arena);
    const size_t skip = is(key, "batch_input_shape") ? 1 : 0;
    if (value->type == CNI_LIST)
        for (size_t i = skip; shape && i < value->count; i++) cni_value_add(m->e->arena, shape, NULL, value->items[i]);
    else if (shape)
        cni_value_add(m->e->arena, shape, NULL, (cni_value *)(uintptr_t)value);
    m->input_shape = shape;
    m->input_span = actual->span;
    return true;
}

/* Texts that only say where or how numbers are kept. */
static bool says_nothing(const making *m, const cni_field *field, const cni_thing *thing)
{
    if (m->dialect == CNI_TORCH) return is(field->key, "device") || is(field->key, "dtype");
    if (is(field->key, "name")) return thing->type != CNI_THING_TEXT && thing->type != CNI_THING_NONE;
    return is(field->key, "dtype") && m->kind == &cni_input_layer;
}

/* Where something that is not constant can be passed over: what weights start from changes no geometry. */
static bool may_be_open(const cni_field *field)
{
    return field->type == CNI_FIELD_OBJECT || is(field->key, "trainable");
}

static void refuse_open(making *m, const cni_field *field, const cni_actual *actual, const cni_thing *culprit)
{
    cni_thing_matters(m->e, culprit);
    if (culprit->type == CNI_THING_BROKEN) {
        m->broken = true;
        return;
    }
    if (m->kind == &cni_input_layer) {
        m->shapeless = true;
        if (*m->e->comments->input) return;
        cni_evaluate_error(m->e, "I805", actual->span, "write the numbers, or a comment  # cornu: input 32x32x3",
                           "'%s' is not constant", field->key);
        return;
    }
    const bool unknown = culprit->type == CNI_THING_OPAQUE;
    const char *name = culprit->text && unknown ? culprit->text : "";
    if (may_be_open(field)) {
        cni_evaluate_remark(m->e, "I805", CNI_WARNING, actual->span, NULL,
                            "'%s' is not known here: explained as if it were not given, and refused in training",
                            field->key);
        return;
    }
    m->broken = true;
    if (unknown)
        cni_evaluate_error(m->e, "I805", actual->span,
                           culprit->span.line ? cni_arena_printf(m->e->arena, "%s%scomes from line %d", name,
                                                                 *name ? " " : "it ", culprit->span.line)
                                              : NULL,
                           "'%s' is not constant", field->key);
    else
        cni_evaluate_error(m->e, "I804", actual->span,
                           culprit->type == CNI_THING_TENSOR ? "a layer is made first, and then called: Layer(...)(x)"
                                                             : NULL,
                           "%s(): %s is %s", m->class_name, field->key, cni_thing_describe(culprit));
}

/* PyTorch's ways in Keras, and the other way round. */
static const char *hint_for_value(const making *m, const cni_field *field, const cni_value *value)
{
    if (m->dialect == CNI_KERAS && field->type == CNI_FIELD_PADDING && value->type == CNI_INT)
        return value->integer == 0 ? "Keras writes padding='valid'"
                                   : "numbers are PyTorch's: in Keras padding='same', or ZeroPadding2D before it";
    return NULL;
}

static void read_member(making *m, const cni_field *field, const cni_actual *actual, const cni_value *value)
{
    const size_t index = (size_t)(field - m->kind->kind.fields);
    const cni_slot slot = cni_slot_of(&m->maker, &m->kind->kind, m->object, index, m->where);
    cni_error_clear(&m->error);
    if (cni_member_read(&slot, value)) {
        m->broken = true;
        cni_evaluate_error(m->e, "I804", actual->span, hint_for_value(m, field, value), "%s", m->error.text);
    }
}

static void keep_argument(making *m, const cni_field *field, const cni_actual *actual, const cni_value *value)
{
    m->arguments[m->argument_count++] =
        (cni_described_argument){.key = field->key, .value = value, .span = actual->span, .positional = !actual->key};
}

static void take_argument(making *m, const cni_field *field, const cni_actual *actual)
{
    const size_t index = (size_t)(field - m->kind->kind.fields);
    if (m->given[index]) {
        m->broken = true;
        cni_evaluate_error(m->e, "I811", key_span(actual), NULL, "%s() gets '%s' twice", m->class_name, field->key);
        return;
    }
    m->given[index] = true;
    if (says_nothing(m, field, actual->thing)) {
        m->given[index] = false;
        return;
    }
    const cni_thing *culprit = NULL;
    const cni_value *value = cni_thing_value(m->e, actual->thing, false, &culprit);
    if (!value) {
        if (culprit) refuse_open(m, field, actual, culprit);
        m->given[index] = culprit && !may_be_open(field);
        return;
    }
    read_member(m, field, actual, value);
    keep_argument(m, field, actual, value);
}

static void refuse_key(making *m, const cni_actual *actual)
{
    m->broken = true;
    cni_evaluate_error(m->e, "I803", key_span(actual), cni_hint_argument(m->e, &m->kind->kind, actual->key, m->dialect),
                       "%s() has no argument '%.60s'", m->class_name, actual->key);
}

static void refuse_position(making *m, const cni_actual *actual, size_t most)
{
    m->broken = true;
    const char *hint = NULL;
    if (m->kind->merges && cni_thing_is_list(actual->thing))
        hint = cni_arena_printf(m->e->arena, "it is made first, and then called: %s()([a, b])", m->class_name);
    else if (cni_thing_holds_tensor(actual->thing))
        hint = cni_arena_printf(m->e->arena, "it is made first, and then called: %s(...)(x)", m->class_name);
    cni_evaluate_error(m->e, "I804", actual->span, hint, "%s() takes %zu argument%s without a keyword, at most",
                       m->class_name, most, most == 1 ? "" : "s");
}

static void take_arguments(making *m)
{
    const cni_kind *kind = &m->kind->kind;
    const size_t most = m->dialect == CNI_KERAS ? positional_rows(m->kind) : kind->field_count;
    size_t position = 0;
    for (int i = 0; i < m->actuals->count; i++) {
        const cni_actual *actual = &m->actuals->items[i];
        const cni_field *field = NULL;
        if (take_input_shape(m, actual)) continue;
        if (actual->key) {
            field = cni_kind_field(kind, actual->key);
            if (!field) refuse_key(m, actual);
        } else if (position < most)
            field = &kind->fields[position++];
        else
            refuse_position(m, actual, most);
        if (field) take_argument(m, field, actual);
    }
}

static void fill_defaults(making *m)
{
    const cni_kind *kind = &m->kind->kind;
    for (size_t i = 0; i < kind->field_count; i++) {
        if (m->given[i]) continue;
        if (kind->fields[i].flags & CNI_REQUIRED) {
            if (!m->broken)
                cni_evaluate_error(m->e, "I810", m->actuals->callee,
                                   kind->keras ? cni_arena_printf(m->e->arena, "for example %s", kind->keras)
                                               : cni_hint_arguments(m->e, kind),
                                   "%s() needs the argument '%s'", m->class_name, kind->fields[i].key);
            m->broken = true;
            continue;
        }
        const cni_slot slot = cni_slot_of(&m->maker, kind, m->object, i, m->where);
        if (cni_member_default(&slot)) m->broken = true;
    }
}

static bool has_argument(const making *m, const char *key)
{
    for (int i = 0; i < m->argument_count; i++)
        if (is(m->arguments[i].key, key)) return true;
    return false;
}

/* An Input without a shape is one of unknown shape: the error for it is told. */
static void finish_object(making *m)
{
    if (m->broken) return;
    cni_error_clear(&m->error);
    if (m->kind == &cni_input_layer && !m->shapeless && !has_argument(m, "shape") && !has_argument(m, "batch_shape")) {
        cni_evaluate_error(m->e, "I810", m->actuals->callee, "for example Input(shape=(32, 32, 3))",
                           "%s() needs the argument 'shape'", m->class_name);
        m->shapeless = true;
    }
    if (m->shapeless) {
        m->broken = cni_describe_unknown_input(m->e->arena, NULL, &m->object, &m->error) != CN_OK;
    } else if (cni_object_finish(&m->maker, m->object, m->where)) {
        m->broken = true;
        cni_evaluate_error(m->e, "I804", m->actuals->span, NULL, "%s", m->error.text);
    }
}

static const char *given_name(const making *m)
{
    for (int i = 0; i < m->argument_count; i++)
        if (is(m->arguments[i].key, "name")) return cni_value_as_text(m->arguments[i].value);
    return NULL;
}

static void describe(making *m, cni_source_layer *layer)
{
    cni_described_layer *described = &layer->described;
    described->kind = m->kind;
    if (!m->broken) described->config = m->object;
    if (described->config) described->config->family = m->dialect == CNI_TORCH ? &cni_torch_layers : &cni_layers;
    if (m->kind == &cni_input_layer && described->config) described->config->family = &cni_layers;
    layer->broken = m->broken;
    layer->input_shape = m->input_shape;
    layer->input_span = m->input_span;
    described->name = m->dialect == CNI_KERAS || m->kind == &cni_input_layer ? given_name(m) : NULL;
    described->named = described->name != NULL;
    if (!described->name && m->dialect == CNI_KERAS) described->name = cni_keras_name(m->e, m->kind->kind.name);
    described->arguments = CNI_NEW_ARRAY(m->e->arena, cni_described_argument, (size_t)m->argument_count + 1);
    if (!described->arguments) {
        m->e->exhausted = true;
        return;
    }
    if (m->argument_count) memcpy(described->arguments, m->arguments, (size_t)m->argument_count * sizeof *m->arguments);
    described->argument_count = m->argument_count;
}

int cni_make_layer(cni_evaluator *e, const cni_layer_kind *kind, const char *class_name, cni_dialect dialect,
                   cni_actuals *actuals)
{
    if (!class_name) class_name = kind->kind.name;
    making m = {.e = e, .kind = kind, .class_name = class_name, .dialect = dialect, .actuals = actuals};
    m.maker = (cni_maker){.arena = e->arena, .data_format = CN_CHANNELS_LAST, .error = &m.error};
    snprintf(m.where, sizeof m.where, "%.60s()", class_name);
    const int index = new_layer(e, dialect, class_name, actuals->span);
    if (index < 0) return index;
    if (kind->kind.field_count > MAX_FIELDS || cni_object_new(&m.maker, &kind->kind, &m.object)) {
        e->exhausted = true;
        return -1;
    }
    take_arguments(&m);
    fill_defaults(&m);
    finish_object(&m);
    describe(&m, &e->layers[index]);
    return index;
}

void cni_layer_set(cni_evaluator *e, int index, const char *key, cni_thing *value)
{
    cni_described_layer *layer = &e->layers[index].described;
    const cni_field *field = layer->config ? cni_kind_field(&layer->kind->kind, key) : NULL;
    const cni_value *plain = field ? cni_thing_value(e, value, false, NULL) : NULL;
    if (!plain) return;
    cni_error error = {0};
    const cni_maker maker = {.arena = e->arena, .data_format = CN_CHANNELS_LAST, .error = &error};
    const cni_slot slot = cni_slot_of(&maker, &layer->kind->kind, layer->config,
                                      (size_t)(field - layer->kind->kind.fields), layer->class_name);
    if (cni_member_read(&slot, plain)) return;
    cni_described_argument *more = CNI_NEW_ARRAY(e->arena, cni_described_argument, (size_t)layer->argument_count + 1);
    if (!more) return;
    int count = 0;
    for (int i = 0; i < layer->argument_count; i++)
        if (!is(layer->arguments[i].key, key)) more[count++] = layer->arguments[i];
    more[count++] = (cni_described_argument){.key = field->key, .value = plain, .span = value->span};
    layer->arguments = more;
    layer->argument_count = count;
}

int cni_make_unknown_input(cni_evaluator *e, const char *name, cni_dialect dialect, cni_span span)
{
    cni_error error = {0};
    const int index = new_layer(e, dialect, "InputLayer", span);
    if (index < 0) return index;
    cni_described_layer *layer = &e->layers[index].described;
    layer->kind = &cni_input_layer;
    layer->name = name ? name : dialect == CNI_KERAS ? cni_keras_name(e, "InputLayer") : NULL;
    layer->named = name != NULL;
    if (cni_describe_unknown_input(e->arena, name, &layer->config, &error)) e->exhausted = true;
    return e->exhausted ? -1 : index;
}

int cni_make_model_layer(cni_evaluator *e, cni_source_model *model)
{
    static const char *const classes[] = {"Sequential", "Functional", "Model"};
    const int index = new_layer(e, model->dialect, classes[model->form], model->span);
    if (index < 0) return index;
    e->layers[index].model = model;
    e->layers[index].described.name = model->name;
    e->layers[index].described.named = model->named;
    return index;
}

/* ---- functions and operators ---- */

cni_thing *cni_apply_class(cni_evaluator *e, cni_dialect dialect, const char *class_name, const char *base,
                           cni_thing *inputs, cni_span span, ...)
{
    cni_actuals actuals = {.span = span, .callee = span};
    va_list list;
    va_start(list, span);
    for (const char *key; (key = va_arg(list, const char *));)
        cni_actuals_add(e, &actuals, key, va_arg(list, cni_thing *), span);
    va_end(list);
    const cni_function row = {.class_name = class_name, .path = base};
    return cni_apply_row(e, &row, dialect, inputs, &actuals);
}

static char *snake(cni_evaluator *e, const char *class_name)
{
    char name[80];
    cni_snake_case(class_name, name, sizeof name);
    return cni_arena_text(e->arena, name);
}

cni_thing *cni_apply_row(cni_evaluator *e, const cni_function *row, cni_dialect dialect, cni_thing *inputs,
                         cni_actuals *actuals)
{
    const cni_family *family = dialect == CNI_TORCH ? &cni_torch_layers : &cni_layers;
    const cni_kind *kind = cni_family_find(family, row->class_name);
    const cni_span span = actuals->span;
    if (inputs->type == CNI_THING_BROKEN) return inputs;
    int layer;
    if (kind)
        layer = cni_make_layer(e, (const cni_layer_kind *)kind, NULL, dialect, actuals);
    else {
        cni_evaluate_error(e, "I802", actuals->callee, NULL, "%s is not described", row->class_name);
        layer = cni_make_unknown(e, row->class_name, dialect, span);
    }
    if (layer < 0) return e->broken;
    e->layers[layer].base = row->path ? cni_path_last(row->path) : snake(e, row->class_name);
    return cni_apply_layer(e, layer, inputs, span);
}
