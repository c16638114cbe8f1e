/* SPDX-License-Identifier: Apache-2.0
 * Statements: names are bound, loops with constants are unrolled, branches with constants are chosen, and what has
 * nothing to do with a network is passed over. */
#include "formats/source/evaluate.h"

#include <string.h>

static void statement(cni_evaluator *e, const cni_syntax *node);

/* Work is counted in statements; false: the limit was reached, which is told once. */
static bool step(cni_evaluator *e, cni_span span)
{
    if (e->stopped || e->exhausted) return false;
    if (e->steps++ < CNI_MAX_STEPS) return true;
    e->stopped = true;
    cni_evaluate_remark(e, "I812", CNI_ERROR, span, "use smaller numbers in loops, or take out what is no network",
                        "more than %d steps", CNI_MAX_STEPS);
    return false;
}

static bool is_done(const cni_evaluator *e)
{
    return e->stopped || e->exhausted || e->leaving || (e->frame && e->frame->result);
}

void cni_evaluate_block(cni_evaluator *e, const cni_syntax *block)
{
    for (size_t i = 0; block && i < block->count && !is_done(e); i++)
        if (block->items[i] && step(e, block->items[i]->span)) statement(e, block->items[i]);
}

/* ---- assignments ---- */

/* What a layer, model or function is first called is what its user calls it. */
static void keep_name(cni_thing *thing, const char *name)
{
    cni_source_model *model = cni_model_of(thing);
    if (model && !model->variable) model->variable = name;
    if (thing->type == CNI_THING_OPAQUE && !thing->text) thing->text = name;
}

static void assign_items(cni_evaluator *e, const cni_syntax *target, cni_thing *thing)
{
    cni_thing *items = thing->type == CNI_THING_BROKEN ? NULL : cni_evaluate_items(e, thing, target->span);
    const bool known = items && items->count == target->count;
    if (items && !known)
        thing =
            cni_evaluate_doubt(e, "I804", target->span, NULL, "%zu values for %zu names", items->count, target->count);
    for (size_t i = 0; i < target->count; i++) {
        cni_thing *item = known ? items->items[i] : cni_thing_follows(e, thing, thing->span);
        cni_evaluate_assign(e, target->items[i], item);
    }
}

/* layer.trainable = False, model.trainable = False */
static void set_trainable(cni_evaluator *e, cni_thing *of, cni_thing *trainable)
{
    if (of->type == CNI_THING_LAYER)
        cni_layer_set(e, of->layer, "trainable", trainable);
    else if (of->type == CNI_THING_MODEL)
        of->model->frozen = !trainable->truth;
}

static void assign_attribute(cni_evaluator *e, const cni_syntax *target, cni_thing *thing)
{
    cni_thing *of = cni_evaluate(e, target->items[0]);
    if (of->type == CNI_THING_INSTANCE || of->type == CNI_THING_CLASS) {
        if (cni_model_of(thing)) thing->model->inside = true;
        cni_scope_set(e, of->scope, target->text, thing);
        return;
    }
    if (strcmp(target->text, "trainable") == 0 && thing->type == CNI_THING_BOOL) set_trainable(e, of, thing);
    if (of->type == CNI_THING_MODEL && cni_thing_is_doubtful(thing)) cni_thing_matters(e, thing);
    if (of->type == CNI_THING_MODEL) cni_model_set_part(e, of->model, target->text, thing);
}

static void assign_subscript(cni_evaluator *e, const cni_syntax *target, cni_thing *thing)
{
    cni_thing *of = cni_evaluate(e, target->items[0]), *key = cni_evaluate(e, target->items[1]);
    if (of->type == CNI_THING_DICT && target->count == 2) {
        cni_thing_put(e, of, key, thing);
    } else if (of->type == CNI_THING_LIST && key->type == CNI_THING_INT) {
        const int64_t at = key->integer < 0 ? key->integer + (int64_t)of->count : key->integer;
        if (at >= 0 && at < (int64_t)of->count) of->items[at] = thing;
    } else if (of->type == CNI_THING_MODEL && key->type == CNI_THING_INT) {
        char name[24];
        cni_model_set_part(e, of->model, cni_part_at(of->model, key->integer, name), thing);
    } else if (of->type == CNI_THING_TENSOR)
        cni_evaluate_error(e, "I806", target->span, NULL, "assignment to a part of a tensor");
}

void cni_evaluate_assign(cni_evaluator *e, const cni_syntax *target, cni_thing *thing)
{
    switch (target->type) {
    case CNI_SYNTAX_NAME:
        keep_name(thing, target->text);
        cni_scope_set(e, e->scope, target->text, thing);
        break;
    case CNI_SYNTAX_TUPLE:
    case CNI_SYNTAX_LIST:
        assign_items(e, target, thing);
        break;
    case CNI_SYNTAX_ATTRIBUTE:
        assign_attribute(e, target, thing);
        break;
    case CNI_SYNTAX_SUBSCRIPT:
        assign_subscript(e, target, thing);
        break;
    default:
        break;
    }
}

static void assign(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *thing = cni_evaluate(e, node->items[node->count - 1]);
    for (size_t i = 0; i + 1 < node->count; i++) cni_evaluate_assign(e, node->items[i], thing);
}

static void augmented(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *old = cni_evaluate(e, node->items[0]), *value = cni_evaluate(e, node->items[1]);
    if (old->type == CNI_THING_LIST && cni_thing_is_list(value) && strcmp(node->text, "+") == 0) {
        for (size_t i = 0, count = value->count; i < count; i++) cni_thing_append(e, old, value->items[i]);
        return;
    }
    cni_evaluate_assign(e, node->items[0], cni_evaluate_binary(e, node->text, old, value, node->span));
}

/* ---- what only stands there ---- */

static void expression(cni_evaluator *e, const cni_syntax *node)
{
    if (node->items[0]->type == CNI_SYNTAX_CALL)
        cni_evaluate_call(e, node->items[0], true);
    else
        cni_evaluate(e, node->items[0]);
}

static void pass(cni_evaluator *e, const cni_syntax *node)
{
    (void)e, (void)node;
}

/* break and continue; of all others the parser has told. */
static void unread(cni_evaluator *e, const cni_syntax *node)
{
    if (strcmp(node->text, "break") == 0) e->leaving = CNI_LEAVING_LOOP;
    if (strcmp(node->text, "continue") == 0) e->leaving = CNI_LEAVING_ROUND;
    cni_evaluate_outside(e, node);
}

/* ---- loops and branches ---- */

static void forget(cni_evaluator *e, const cni_syntax *block, bool all);

static bool has_made_nothing(const cni_evaluator *e, int layers, int calls)
{
    return e->layer_count == layers && e->call_count == calls;
}

/* A loop that makes no part of a network, over more than can be gone through, trains or draws: it is left. */
static void loop(cni_evaluator *e, const cni_syntax *node, const cni_thing *items)
{
    enum { IDLE = 200 };
    const int layers = e->layer_count, calls = e->call_count;
    for (size_t i = 0; i < items->count && !is_done(e); i++) {
        if (i >= IDLE && has_made_nothing(e, layers, calls)) {
            forget(e, node->items[2], true);
            return;
        }
        cni_evaluate_assign(e, node->items[0], items->items[i]);
        if (step(e, node->span)) cni_evaluate_block(e, node->items[2]);
        const bool leave = e->leaving == CNI_LEAVING_LOOP;
        e->leaving = CNI_STAYING;
        if (leave) return;
    }
}

static void for_(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *through = cni_evaluate(e, node->items[1]);
    cni_thing *items = cni_evaluate_items(e, through, node->items[1]->span);
    if (items) {
        loop(e, node, items);
        return;
    }
    const bool builds = cni_touches_network(e, node->items[2], node->items[0]) || cni_builds_layers(e, node->items[2]);
    if (builds && cni_thing_is_doubtful(through)) cni_thing_matters(e, through);
    forget(e, node->items[2], false);
    if (through->type == CNI_THING_BROKEN) return;
    if (builds) {
        cni_evaluate_error(e, "I805", node->items[1]->span, "write the numbers: for i in range(4)",
                           "what this loop goes through is not constant");
        return;
    }
    if (e->frame) return; /* a method that goes through its parameters */
    cni_evaluate_remark(e, "I806", CNI_NOTE, node->items[1]->span, NULL,
                        "a loop over data is passed over: it makes no layers");
}

/* Names that statements bind stand for something unknown; unless `all`, those that mean something already keep it. */
static void forget(cni_evaluator *e, const cni_syntax *block, bool all)
{
    for (size_t i = 0; block && i < block->count; i++) {
        const cni_syntax *node = block->items[i];
        const bool assigns = node && (node->type == CNI_SYNTAX_ASSIGN || node->type == CNI_SYNTAX_AUGMENTED);
        for (size_t j = 0; assigns && j + 1 < node->count; j++)
            if (node->items[j]->type == CNI_SYNTAX_NAME && (all || !cni_scope_get(e->scope, node->items[j]->text)))
                cni_scope_set(e, e->scope, node->items[j]->text, cni_thing_opaque(e, node->span));
    }
}

static void if_(cni_evaluator *e, const cni_syntax *node)
{
    const cni_syntax *otherwise = node->count > 2 ? node->items[2] : NULL;
    cni_thing *condition = cni_evaluate(e, node->items[0]);
    const int truth = cni_evaluate_truth(condition);
    if (truth >= 0) {
        cni_evaluate_block(e, truth ? node->items[1] : otherwise);
        return;
    }
    cni_thing *doubt = cni_branch_doubt(e, condition, node->items[0], node->items[1], otherwise);
    cni_branch_forget(e, node->items[1], doubt);
    cni_branch_forget(e, otherwise, doubt);
}

/* ---- definitions ---- */

static cni_thing *definition(cni_evaluator *e, const cni_syntax *node, cni_thing_type type)
{
    cni_thing *thing = cni_thing_new(e, type, node->span);
    if (thing == e->broken) return thing;
    thing->syntax = node;
    thing->text = node->text;
    thing->scope = e->scope;
    cni_scope_set(e, e->scope, node->text, thing);
    return thing;
}

static void def(cni_evaluator *e, const cni_syntax *node)
{
    definition(e, node, CNI_THING_FUNCTION);
}

/* The body is gone through in a scope of its own: methods and constants. */
static void class_(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *bases = cni_thing_new(e, CNI_THING_LIST, node->span); /* before the class has its name */
    for (size_t i = 1; i < node->count; i++) {
        cni_thing *base = cni_evaluate(e, node->items[i]);
        e->torch |= base->type == CNI_THING_PATH && cni_path_under(base->text, "torch");
        cni_thing_append(e, bases, base);
    }
    cni_thing *thing = definition(e, node, CNI_THING_CLASS);
    if (thing == e->broken || bases == e->broken) return;
    thing->items = bases->items, thing->count = bases->count;
    cni_scope *outer = e->scope;
    thing->scope = e->scope = cni_scope_new(e, outer);
    cni_evaluate_block(e, node->items[0]);
    e->scope = outer;
}

static void return_(cni_evaluator *e, const cni_syntax *node)
{
    cni_thing *result = node->count ? cni_evaluate(e, node->items[0]) : e->none;
    if (e->frame) e->frame->result = result;
}

/* strategy.scope(), tf.device(...), torch.no_grad(): what stands below is gone through as if they were not there. */
static bool is_transparent(const cni_syntax *context)
{
    static const char *const names[] = {
        "scope",         "device", "no_grad", "name_scope", "inference_mode", "custom_object_scope", "set_grad_enabled",
        "variable_scope"};
    const cni_syntax *called = context->type == CNI_SYNTAX_CALL ? context->items[0] : context;
    for (size_t i = 0; called->text && i < sizeof names / sizeof *names; i++)
        if (strcmp(called->text, names[i]) == 0) return true;
    return false;
}

static void with(cni_evaluator *e, const cni_syntax *node)
{
    if (is_transparent(node->items[0]))
        cni_evaluate_block(e, node->items[1]);
    else if (cni_builds_layers(e, node->items[1]))
        cni_evaluate_error(e, "I806", node->items[0]->span, "take the layers out of the block",
                           "a 'with' block that makes layers is not read");
    else {
        cni_evaluate_remark(e, "I806", CNI_NOTE, node->items[0]->span, NULL, "a 'with' block is passed over");
        forget(e, node->items[1], false);
    }
}

static void statement(cni_evaluator *e, const cni_syntax *node)
{
    static void (*const rules[])(cni_evaluator *, const cni_syntax *) = {
        [CNI_SYNTAX_BLOCK] = cni_evaluate_block,
        [CNI_SYNTAX_EXPRESSION] = expression,
        [CNI_SYNTAX_ASSIGN] = assign,
        [CNI_SYNTAX_AUGMENTED] = augmented,
        [CNI_SYNTAX_IMPORT] = cni_evaluate_import,
        [CNI_SYNTAX_FROM] = cni_evaluate_import,
        [CNI_SYNTAX_FOR] = for_,
        [CNI_SYNTAX_IF] = if_,
        [CNI_SYNTAX_DEF] = def,
        [CNI_SYNTAX_CLASS] = class_,
        [CNI_SYNTAX_RETURN] = return_,
        [CNI_SYNTAX_WITH] = with,
        [CNI_SYNTAX_PASS] = pass,
        [CNI_SYNTAX_UNREAD] = unread,
    };
    if ((size_t)node->type < sizeof rules / sizeof *rules && rules[node->type]) rules[node->type](e, node);
}

/* ---- what a piece of text is about ---- */

static bool is_dotted(const cni_syntax *node)
{
    while (node->type == CNI_SYNTAX_ATTRIBUTE) node = node->items[0];
    return node->type == CNI_SYNTAX_NAME;
}

static bool builds(cni_evaluator *e, const cni_syntax *node, int depth);

/* A class of layers, or a function or class of the text that makes some. */
static bool names_layers(cni_evaluator *e, const cni_syntax *callee, int depth)
{
    enum { MAX_DEPTH = 6 };
    bool is_layer = false;
    cni_dialect dialect;
    if (!is_dotted(callee)) return false;
    e->quiet++;
    const cni_thing *thing = cni_evaluate(e, callee);
    e->quiet--;
    if (thing->type == CNI_THING_BOUND && thing->function) thing = thing->function;
    if (thing->type == CNI_THING_PATH) cni_path_layer(thing->text, &is_layer, &dialect);
    if (thing->type == CNI_THING_CLASS) return cni_class_root(thing);
    return is_layer || (thing->type == CNI_THING_FUNCTION && depth < MAX_DEPTH && builds(e, thing->syntax, depth + 1));
}

static bool builds(cni_evaluator *e, const cni_syntax *node, int depth)
{
    if (!node || e->walked++ > 1000000) return false;
    if (node->type == CNI_SYNTAX_CALL && names_layers(e, node->items[0], depth)) return true;
    for (size_t i = 0; i < node->count; i++)
        if (builds(e, node->items[i], depth)) return true;
    return false;
}

bool cni_builds_layers(cni_evaluator *e, const cni_syntax *node)
{
    return builds(e, node, 0);
}
