/* SPDX-License-Identifier: Apache-2.0
 * Expressions: what each kind of node stands for. */
#include "formats/source/evaluate.h"

#include <string.h>

/* ---- names and constants ---- */

static cni_thing *undefined(cni_evaluator *e, const cni_syntax *name)
{
    if (e->data) return cni_thing_opaque(e, name->span);
    /* Looking for what was meant takes time. */
    if (e->quiet || e->remarks->errors > CNI_MAX_ERRORS) return e->broken;
    if (e->doubt_count > 4 * CNI_MAX_ERRORS)
        return cni_evaluate_doubt(e, "I809", name->span, NULL, "'%.60s' is not defined", name->text);
    const char *layer = cni_hint_layer(e, name->text, e->torch && !e->keras ? CNI_TORCH : CNI_KERAS);
    const char *nearest[64];
    size_t count = 0;
    for (const cni_scope *scope = e->scope; scope; scope = scope->outer)
        for (int i = 0; i < scope->count && count < 64; i++) nearest[count++] = scope->bindings[i].name;
    const char *near = cni_nearest(name->text, nearest, count);
    const char *hint = near ? cni_arena_printf(e->arena, "did you mean %s?", near) : layer;
    return cni_evaluate_doubt(e, "I809", name->span, hint, "'%.60s' is not defined", name->text);
}

/* self.conv1 = nn.Conv2d(3, 6, 5) without its class: a piece of a text, whose module this is. */
static cni_thing *imply_self(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *class_ = cni_thing_new(e, CNI_THING_CLASS, node->span);
    cni_thing *self = cni_thing_new(e, CNI_THING_INSTANCE, node->span);
    if (class_ == e->broken || self == e->broken) return e->broken;
    class_->text = self->text = "self";
    class_->scope = cni_scope_new(e, NULL);
    self->scope = cni_scope_new(e, NULL);
    self->of = class_;
    cni_evaluate_remark(
        e, "I809", CNI_NOTE, node->span, NULL,
        "'self' is not defined here: its layers are explained one behind the other, or as they are called");
    cni_scope_set(e, e->module, "self", self);
    return self;
}

static cni_thing *name(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *thing = cni_evaluate_name(e, node->text, node->span);
    if (!thing && !e->frame && strcmp(node->text, "self") == 0) return imply_self(e, node);
    return thing ? thing : undefined(e, node);
}

static cni_thing *constant(cni_evaluator *e, const cni_syntax *node)
{
    return cni_thing_of_value(e, node->value, node->span);
}

static cni_thing *opaque(cni_evaluator *e, const cni_syntax *node)
{
    return cni_thing_opaque(e, node->span);
}

static cni_thing *ellipsis(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *thing = cni_thing_opaque(e, node->span);
    if (thing != e->broken) thing->text = "...";
    return thing;
}

/* lambda x: x */
static cni_thing *function(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *thing = cni_thing_new(e, CNI_THING_FUNCTION, node->span);
    if (thing == e->broken) return thing;
    thing->syntax = node;
    thing->scope = e->scope;
    thing->text = node->text;
    return thing;
}

/* ---- lists ---- */

static cni_thing *sequence(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *list = cni_thing_new(e, node->type == CNI_SYNTAX_LIST ? CNI_THING_LIST : CNI_THING_TUPLE, node->span);
    for (size_t i = 0; i < node->count; i++) cni_thing_append(e, list, cni_evaluate(e, node->items[i]));
    return list;
}

static void spread(cni_evaluator *e, cni_thing *dict, const cni_thing *other)
{
    for (size_t i = 0; other->type == CNI_THING_DICT && i < other->count; i++)
        cni_thing_put(e, dict, other->keys[i], other->items[i]);
}

static cni_thing *dict(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *made = cni_thing_new(e, CNI_THING_DICT, node->span);
    for (size_t i = 0; i < node->count; i++) {
        cni_thing *key = node->keys[i] ? cni_evaluate(e, node->keys[i]) : NULL;
        cni_thing *item = cni_evaluate(e, node->items[i]);
        if (key)
            cni_thing_put(e, made, key, item);
        else
            spread(e, made, item);
    }
    return made;
}

/* ---- operators ---- */

static cni_thing *unary(cni_evaluator *e, const cni_syntax *node)
{
    return cni_evaluate_unary(e, node->text, cni_evaluate(e, node->items[0]), node->span);
}

static cni_thing *binary(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *a = cni_evaluate(e, node->items[0]);
    return cni_evaluate_binary(e, node->text, a, cni_evaluate(e, node->items[1]), node->span);
}

static cni_thing *compare(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *a = cni_evaluate(e, node->items[0]);
    return cni_evaluate_compare(e, node->text, a, cni_evaluate(e, node->items[1]), node->span);
}

/* As Python: the operand that decides. */
static cni_thing *logic(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *a = cni_evaluate(e, node->items[0]);
    const int truth = cni_evaluate_truth(a);
    if (truth < 0) return cni_thing_follows(e, a, node->span);
    if ((node->type == CNI_SYNTAX_AND) != (truth == 1)) return a;
    return cni_evaluate(e, node->items[1]);
}

static cni_thing *conditional(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *condition = cni_evaluate(e, node->items[1]);
    const int truth = cni_evaluate_truth(condition);
    if (truth < 0) {
        cni_thing *doubt = cni_branch_doubt(e, condition, node->items[1], node->items[0], node->items[2]);
        return cni_thing_follows(e, doubt, node->span);
    }
    return cni_evaluate(e, node->items[truth ? 0 : 2]);
}

/* ---- parts ---- */

static cni_thing *attribute(cni_evaluator *e, const cni_syntax *node)
{
    return cni_evaluate_attribute(e, cni_evaluate(e, node->items[0]), node->text, node->span);
}

static cni_thing *slice(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *made = cni_thing_new(e, CNI_THING_SLICE, node->span);
    for (size_t i = 0; i < 3; i++) {
        const cni_syntax *part = i < node->count ? node->items[i] : NULL;
        cni_thing_append(e, made, part ? cni_evaluate(e, part) : e->none);
    }
    return made->count == 3 ? made : e->broken;
}

static cni_thing *call(cni_evaluator *e, const cni_syntax *node)
{
    return cni_evaluate_call(e, node, false);
}

cni_thing *cni_evaluate(cni_evaluator *e, const cni_syntax *expression)
{
    static cni_thing *(*const rules[])(cni_evaluator *, const cni_syntax *) = {
        [CNI_SYNTAX_CONSTANT] = constant,
        [CNI_SYNTAX_NAME] = name,
        [CNI_SYNTAX_ELLIPSIS] = ellipsis,
        [CNI_SYNTAX_TUPLE] = sequence,
        [CNI_SYNTAX_LIST] = sequence,
        [CNI_SYNTAX_DICT] = dict,
        [CNI_SYNTAX_CALL] = call,
        [CNI_SYNTAX_ATTRIBUTE] = attribute,
        [CNI_SYNTAX_SUBSCRIPT] = cni_evaluate_subscript,
        [CNI_SYNTAX_SLICE] = slice,
        [CNI_SYNTAX_UNARY] = unary,
        [CNI_SYNTAX_BINARY] = binary,
        [CNI_SYNTAX_COMPARE] = compare,
        [CNI_SYNTAX_AND] = logic,
        [CNI_SYNTAX_OR] = logic,
        [CNI_SYNTAX_CONDITIONAL] = conditional,
        [CNI_SYNTAX_FORMATTED] = opaque,
        [CNI_SYNTAX_OUTSIDE] = cni_evaluate_outside,
        [CNI_SYNTAX_DEF] = function,
    };
    if (!expression || e->stopped || e->exhausted) return e->broken;
    if ((size_t)expression->type >= sizeof rules / sizeof *rules || !rules[expression->type]) return e->broken;
    return rules[expression->type](e, expression);
}

/* ---- what a for goes through ---- */

static cni_thing *keys_of(cni_evaluator *e, const cni_thing *dict_)
{
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, dict_->span);
    for (size_t i = 0; i < dict_->count; i++) cni_thing_append(e, list, dict_->keys[i]);
    return list;
}

static cni_thing *letters_of(cni_evaluator *e, const cni_thing *text)
{
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, text->span);
    for (const char *c = text->text; *c && !e->stopped && !e->exhausted; c++)
        cni_thing_append(e, list, cni_thing_text(e, cni_arena_text_n(e->arena, c, 1), text->span));
    return list;
}

static cni_thing *parts_of(cni_evaluator *e, const cni_source_model *model, cni_span span)
{
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, span);
    for (int i = 0; i < model->part_count; i++) cni_thing_append(e, list, model->parts[i].thing);
    return list;
}

cni_thing *cni_evaluate_items(cni_evaluator *e, cni_thing *thing, cni_span span)
{
    if (cni_thing_is_list(thing)) return thing;
    if (thing->type == CNI_THING_DICT) return keys_of(e, thing);
    if (thing->type == CNI_THING_TEXT) return letters_of(e, thing);
    if (thing->type == CNI_THING_MODEL && thing->model->form == CNI_MODEL_CHAIN) return parts_of(e, thing->model, span);
    return NULL;
}
