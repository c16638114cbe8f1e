/* SPDX-License-Identifier: Apache-2.0
 * Calls: arguments, functions and classes of the text, which are inlined, and who answers for all others. */
#include "formats/source/evaluate.h"

#include <string.h>

enum { MAX_NESTING = 8 /* of functions; methods call each other more deeply */ };

/* ---- arguments ---- */

void cni_actuals_add(cni_evaluator *e, cni_actuals *actuals, const char *key, cni_thing *thing, cni_span span)
{
    if (actuals->count == actuals->capacity) {
        const int capacity = actuals->capacity ? 2 * actuals->capacity : 4;
        cni_actual *more = CNI_NEW_ARRAY(e->arena, cni_actual, (size_t)capacity);
        if (!more) {
            e->exhausted = true;
            return;
        }
        if (actuals->count) memcpy(more, actuals->items, (size_t)actuals->count * sizeof *more);
        actuals->items = more, actuals->capacity = capacity;
    }
    actuals->items[actuals->count++] = (cni_actual){.key = key, .thing = thing, .span = span};
}

cni_actual *cni_actuals_take(cni_actuals *actuals, int position, const char *key)
{
    int positional = 0;
    for (int i = 0; i < actuals->count; i++) {
        cni_actual *actual = &actuals->items[i];
        const bool here = actual->key ? key && strcmp(actual->key, key) == 0 : positional++ == position;
        if (!here) continue;
        actual->taken = true;
        return actual;
    }
    return NULL;
}

cni_thing *cni_actuals_thing(cni_actuals *actuals, int position, const char *key)
{
    const cni_actual *actual = cni_actuals_take(actuals, position, key);
    return actual ? actual->thing : NULL;
}

cni_actuals cni_actuals_rest(cni_evaluator *e, const cni_actuals *actuals)
{
    cni_actuals rest = {.span = actuals->span, .callee = actuals->callee};
    for (int i = 0; i < actuals->count; i++)
        if (!actuals->items[i].taken)
            cni_actuals_add(e, &rest, actuals->items[i].key, actuals->items[i].thing, actuals->items[i].span);
    return rest;
}

/* *list */
static void spread_list(cni_evaluator *e, cni_actuals *actuals, cni_thing *list, cni_span span)
{
    cni_thing *items = list->type == CNI_THING_BROKEN ? NULL : cni_evaluate_items(e, list, span);
    if (items) {
        for (size_t i = 0; i < items->count; i++)
            cni_actuals_add(e, actuals, NULL, items->items[i], items->items[i]->span);
        return;
    }
    if (list->type != CNI_THING_BROKEN && list->type != CNI_THING_OPAQUE)
        list =
            cni_evaluate_doubt(e, "I806", span, "write the arguments", "unpacking %s with *", cni_thing_describe(list));
    cni_actuals_add(e, actuals, NULL, list, span);
}

/* **dict; of an unknown one nothing is known */
static void spread_dict(cni_evaluator *e, cni_actuals *actuals, const cni_thing *dict, cni_span span)
{
    for (size_t i = 0; dict->type == CNI_THING_DICT && i < dict->count; i++)
        if (dict->keys[i]->type == CNI_THING_TEXT)
            cni_actuals_add(e, actuals, dict->keys[i]->text, dict->items[i], span);
}

/* A layer called on a name that is not defined: a piece of a network, whose input this is. */
static cni_thing *input_of_fragment(cni_evaluator *e, const cni_thing *callee, const cni_syntax *argument)
{
    const cni_syntax *name = argument->items[0];
    if (argument->text || name->type != CNI_SYNTAX_NAME || cni_evaluate_name(e, name->text, name->span)) return NULL;
    const cni_dialect dialect =
        callee->type == CNI_THING_LAYER ? e->layers[callee->layer].dialect : callee->model->dialect;
    cni_thing *input = cni_make_input(e, NULL, NULL, dialect, name->span);
    cni_evaluate_remark(e, "I809", CNI_NOTE, name->span, NULL, "'%.60s' is not defined here: it is taken as the input",
                        name->text);
    cni_scope_set(e, e->module, name->text, input);
    return input;
}

/* model.fit(x_train, y_train), print(history), plt.plot(losses): what they are called on need not be in the text. */
static bool takes_data(const cni_thing *callee)
{
    static const char *const methods[] = {"fit",  "compile",      "evaluate",     "predict",       "train_on_batch",
                                          "save", "save_weights", "load_weights", "test_on_batch", "fit_generator"};
    if (callee->type == CNI_THING_OPAQUE) return true;
    if (callee->type == CNI_THING_PATH)
        return strcmp(callee->text, "builtins.print") == 0 ||
               !(cni_path_under(callee->text, "builtins") || cni_path_under(callee->text, "keras") ||
                 cni_path_under(callee->text, "tensorflow") || cni_path_under(callee->text, "torch"));
    if (callee->type != CNI_THING_BOUND || callee->of->type != CNI_THING_MODEL) return false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(callee->text, methods[i]) == 0) return true;
    return false;
}

static cni_actuals actuals_of(cni_evaluator *e, const cni_syntax *call, const cni_thing *callee)
{
    cni_actuals actuals = {.span = call->span, .callee = call->items[0]->span};
    const bool applies = !e->frame && (callee->type == CNI_THING_LAYER || callee->type == CNI_THING_MODEL);
    const bool data = takes_data(callee);
    e->data += data;
    for (size_t i = 1; i < call->count; i++) {
        const cni_syntax *argument = call->items[i];
        cni_thing *input = applies && call->count == 2 ? input_of_fragment(e, callee, argument) : NULL;
        cni_thing *thing = input ? input : cni_evaluate(e, argument->items[0]);
        if (argument->text && strcmp(argument->text, "*") == 0)
            spread_list(e, &actuals, thing, argument->span);
        else if (argument->text && strcmp(argument->text, "**") == 0)
            spread_dict(e, &actuals, thing, argument->span);
        else
            cni_actuals_add(e, &actuals, argument->text, thing, argument->span);
    }
    e->data -= data;
    return actuals;
}

/* ---- functions of the text ---- */

static bool is_running(const cni_evaluator *e, const cni_thing *function, const cni_thing *self)
{
    for (const cni_frame *frame = e->frame; frame; frame = frame->outer)
        if (frame->definition == function->syntax && frame->self == self) return true;
    return false;
}

/* Frames of functions, without those of methods. */
static int nesting(const cni_evaluator *e)
{
    int count = 0;
    for (const cni_frame *frame = e->frame; frame; frame = frame->outer) count += !frame->self;
    return count;
}

/* NULL: it may be entered. */
static cni_thing *refuse_entry(cni_evaluator *e, const cni_thing *function, const cni_thing *self, cni_span span)
{
    const char *name = function->syntax->text;
    if (is_running(e, function, self))
        return cni_evaluate_doubt(e, "I812", span, "write a loop", "%.60s() calls itself", name);
    if (e->depth >= CNI_MAX_FRAMES || (!self && nesting(e) >= MAX_NESTING))
        return cni_evaluate_doubt(e, "I812", span, "call fewer functions inside each other",
                                  "functions nested more deeply than %d", self ? CNI_MAX_FRAMES : MAX_NESTING);
    return NULL;
}

typedef struct binding_state {
    cni_thing *function;
    const cni_thing *self;
    cni_actuals *actuals;
    cni_scope *scope;
} binding_state;

/* *rest, **rest: what is left. */
static void bind_rest(cni_evaluator *e, const binding_state *b, const char *name)
{
    const bool dict = name[1] == '*';
    cni_thing *rest = cni_thing_new(e, dict ? CNI_THING_DICT : CNI_THING_TUPLE, b->actuals->span);
    for (int i = 0; i < b->actuals->count; i++) {
        cni_actual *actual = &b->actuals->items[i];
        if (actual->taken || dict != (actual->key != NULL)) continue;
        actual->taken = true;
        if (dict)
            cni_thing_put(e, rest, cni_thing_text(e, actual->key, actual->span), actual->thing);
        else
            cni_thing_append(e, rest, actual->thing);
    }
    cni_scope_set(e, b->scope, name + (dict ? 2 : 1), rest);
}

static void bind_parameter(cni_evaluator *e, const binding_state *b, const cni_syntax *parameter, int position)
{
    cni_thing *thing = cni_actuals_thing(b->actuals, position, parameter->text);
    if (!thing && parameter->count) {
        cni_scope *caller = e->scope;
        e->scope = b->function->scope;
        thing = cni_evaluate(e, parameter->items[0]);
        e->scope = caller;
    }
    if (!thing)
        thing = cni_evaluate_error(e, "I810", b->actuals->span, NULL, "%.60s() needs the argument '%.60s'",
                                   b->function->syntax->text, parameter->text);
    cni_scope_set(e, b->scope, parameter->text, thing);
}

static void refuse_rest(cni_evaluator *e, const binding_state *b)
{
    const cni_syntax *definition = b->function->syntax;
    const char *names[64];
    size_t count = 0;
    for (size_t i = 1; i < definition->count && count < 64; i++) names[count++] = definition->items[i]->text;
    for (int i = 0; i < b->actuals->count; i++) {
        const cni_actual *actual = &b->actuals->items[i];
        if (actual->taken) continue;
        const char *near = actual->key ? cni_nearest(actual->key, names, count) : NULL;
        const char *hint = near ? cni_arena_printf(e->arena, "did you mean %s?", near) : NULL;
        bool twice = false;
        for (size_t j = 0; actual->key && j < count; j++) twice |= strcmp(names[j], actual->key) == 0;
        if (twice)
            cni_evaluate_error(e, "I811", actual->span, NULL, "%.60s() gets '%.60s' twice", definition->text,
                               actual->key);
        else if (actual->key)
            cni_evaluate_error(e, "I803", actual->span, hint, "%.60s() has no argument '%.60s'", definition->text,
                               actual->key);
        else
            cni_evaluate_error(e, "I804", actual->span, NULL, "too many arguments for %.60s()", definition->text);
    }
}

/* Parameters get their arguments, then their defaults. */
static void bind(cni_evaluator *e, const binding_state *b)
{
    const cni_syntax *definition = b->function->syntax;
    int position = 0;
    for (size_t i = 1; i < definition->count; i++) {
        const cni_syntax *parameter = definition->items[i];
        if (i == 1 && b->self) {
            cni_scope_set(e, b->scope, parameter->text, (cni_thing *)(uintptr_t)b->self);
        } else if (parameter->text[0] == '*')
            bind_rest(e, b, parameter->text);
        else
            bind_parameter(e, b, parameter, position++);
    }
    refuse_rest(e, b);
}

/* None, with its place: a return may have been forgotten. */
static cni_thing *returned_nothing(cni_evaluator *e, const char *name, cni_span span)
{
    cni_thing *none = cni_thing_new(e, CNI_THING_NONE, span);
    if (none != e->broken) none->text = name;
    return none;
}

cni_thing *cni_call_function(cni_evaluator *e, cni_thing *function, cni_thing *self, cni_thing *class_of,
                             cni_actuals *actuals)
{
    cni_thing *refused = e->stopped ? e->broken : refuse_entry(e, function, self, actuals->span);
    if (refused) return refused;
    const binding_state b = {function, self, actuals, cni_scope_new(e, function->scope)};
    bind(e, &b);
    cni_frame frame = {
        .outer = e->frame, .definition = function->syntax, .site = actuals->span, .self = self, .class_of = class_of};
    cni_scope *caller = e->scope;
    e->frame = &frame, e->scope = b.scope, e->depth++;
    cni_evaluate_block(e, function->syntax->items[0]);
    e->frame = frame.outer, e->scope = caller, e->depth--;
    return frame.result ? frame.result : returned_nothing(e, function->syntax->text, actuals->span);
}

/* ---- classes of the text ---- */

const char *cni_class_root(const cni_thing *class_)
{
    for (size_t i = 0; i < class_->count; i++) {
        const cni_thing *base = class_->items[i];
        const char *root = base->type == CNI_THING_CLASS  ? cni_class_root(base)
                           : base->type == CNI_THING_PATH ? base->text
                                                          : NULL;
        if (root) return root;
    }
    return NULL;
}

cni_thing *cni_class_member(const cni_thing *class_, const char *name, cni_thing **holder)
{
    cni_thing *member = cni_scope_get(class_->scope, name);
    if (member) {
        if (holder) *holder = (cni_thing *)(uintptr_t)class_;
        return member;
    }
    for (size_t i = 0; i < class_->count; i++)
        if (class_->items[i]->type == CNI_THING_CLASS && (member = cni_class_member(class_->items[i], name, holder)))
            return member;
    return NULL;
}

bool cni_is_chain_class(const cni_thing *class_)
{
    const char *root = cni_class_root(class_);
    return root && (strcmp(root, "torch.nn.Sequential") == 0 || strcmp(root, "keras.Sequential") == 0);
}

static bool is_module_root(const char *root)
{
    static const char *const roots[] = {"torch.nn.Module",    "torch.nn.Sequential", "keras.Model", "keras.Sequential",
                                        "keras.layers.Layer", "tensorflow.Module",   "keras.Layer"};
    for (size_t i = 0; root && i < sizeof roots / sizeof *roots; i++)
        if (strcmp(root, roots[i]) == 0) return true;
    return root && (cni_path_under(root, "pytorch_lightning") || cni_path_under(root, "lightning") ||
                    cni_path_under(root, "keras.layers"));
}

/* An object of a class: __init__ runs.  Where the class is no module, it is an object all the same. */
static cni_thing *instantiate(cni_evaluator *e, cni_thing *class_, cni_actuals *actuals)
{
    const char *root = cni_class_root(class_);
    cni_thing *instance = cni_thing_new(e, CNI_THING_INSTANCE, actuals->span), *holder = NULL;
    if (instance == e->broken) return instance;
    instance->of = class_;
    instance->text = class_->text;
    instance->scope = cni_scope_new(e, NULL);
    if (is_module_root(root)) {
        const bool torch = !cni_path_under(root, "keras") && !cni_path_under(root, "tensorflow");
        instance->model = cni_model_new(e, CNI_MODEL_CLASS, torch ? CNI_TORCH : CNI_KERAS, actuals->span);
        if (!instance->model) return e->broken;
        instance->model->thing = instance;
        instance->model->first_layer = e->layer_count;
        const cni_actual *name = torch ? NULL : cni_actuals_take(actuals, -1, "name");
        const bool named = name && name->thing->type == CNI_THING_TEXT;
        if (name) ((cni_actual *)(uintptr_t)name)->taken = false;
        instance->model->named = named;
        instance->model->name = named ? name->thing->text : torch ? class_->text : cni_keras_name(e, class_->text);
    }
    cni_thing *init = cni_class_member(class_, "__init__", &holder);
    if (init && init->type == CNI_THING_FUNCTION) cni_call_function(e, init, instance, holder, actuals);
    return instance;
}

/* ---- who answers ---- */

/* Something that cannot be understood, called on tensors, gives tensors of which nothing is known. */
cni_thing *cni_call_unknown(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    for (int i = 0; i < actuals->count && !actuals->unused; i++) {
        if (!cni_thing_holds_tensor(actuals->items[i].thing)) continue;
        const int layer = cni_make_unknown(e, name, e->torch ? CNI_TORCH : CNI_KERAS, actuals->span);
        cni_layer_doubt(
            e, layer,
            cni_evaluate_doubt(e, "I802", actuals->callee, NULL, "'%.60s' is called on a tensor, and not known", name));
        return cni_apply_layer(e, layer, actuals->items[i].thing, actuals->span);
    }
    cni_thing *made = cni_thing_opaque(e, actuals->span);
    for (int i = 0; i < actuals->count && made != e->broken && !made->doubt; i++)
        made->doubt = actuals->items[i].thing->doubt;
    return made;
}

static cni_thing *call_bound(cni_evaluator *e, cni_thing *bound, cni_actuals *actuals)
{
    if (bound->function) return cni_call_function(e, bound->function, bound->of, bound->holder, actuals);
    return cni_call_method(e, bound->of, bound->text, actuals);
}

static cni_thing *call_opaque(cni_evaluator *e, cni_thing *callee, cni_actuals *actuals)
{
    if (callee->doubt && !actuals->unused)
        for (int i = 0; i < actuals->count; i++) {
            if (!cni_thing_holds_tensor(actuals->items[i].thing)) continue;
            const int layer = cni_make_unknown(e, callee->text ? cni_path_last(callee->text) : "function",
                                               e->torch ? CNI_TORCH : CNI_KERAS, actuals->span);
            cni_layer_doubt(e, layer, callee);
            return cni_apply_layer(e, layer, actuals->items[i].thing, actuals->span);
        }
    cni_thing *made = cni_call_unknown(e, callee->text ? cni_path_last(callee->text) : "function", actuals);
    if (made->type == CNI_THING_OPAQUE && callee->doubt) made->doubt = callee->doubt;
    return made;
}

cni_thing *cni_call_thing(cni_evaluator *e, cni_thing *callee, cni_actuals *actuals)
{
    switch (callee->type) {
    case CNI_THING_BROKEN:
        return callee;
    case CNI_THING_PATH:
        return cni_call_path(e, callee->text, actuals);
    case CNI_THING_FUNCTION:
        return cni_call_function(e, callee, NULL, NULL, actuals);
    case CNI_THING_CLASS:
        return instantiate(e, callee, actuals);
    case CNI_THING_BOUND:
        return call_bound(e, callee, actuals);
    case CNI_THING_LAYER:
    case CNI_THING_MODEL:
    case CNI_THING_INSTANCE:
        return cni_apply(e, callee, actuals);
    case CNI_THING_VALUE:
        return cni_thing_opaque(e, actuals->span);
    case CNI_THING_OPAQUE:
        return call_opaque(e, callee, actuals);
    default:
        return cni_evaluate_doubt(e, "I804", actuals->callee, NULL, "%s cannot be called", cni_thing_describe(callee));
    }
}

/* ---- names that are not defined, called ---- */

/* model.add(...) where no model was made: a piece of a text, whose model this is. */
static void imply_model(cni_evaluator *e, const cni_syntax *callee)
{
    if (callee->type != CNI_SYNTAX_ATTRIBUTE || strcmp(callee->text, "add") != 0) return;
    const cni_syntax *name = callee->items[0];
    if (name->type != CNI_SYNTAX_NAME || cni_evaluate_name(e, name->text, name->span)) return;
    cni_source_model *model = cni_model_new(e, CNI_MODEL_CHAIN, CNI_KERAS, name->span);
    if (!model) return;
    model->name = cni_keras_name(e, "Sequential");
    model->variable = name->text;
    cni_evaluate_remark(e, "I809", CNI_NOTE, name->span, NULL,
                        "'%.60s' is not defined here: it is taken as Sequential()", name->text);
    cni_scope_set(e, e->module, name->text, model->thing);
}

static bool looks_like_class(const char *name)
{
    return name[0] >= 'A' && name[0] <= 'Z';
}

/* Conv2d(32, 3) in a Keras text; foo() as a statement. */
static cni_thing *call_undefined(cni_evaluator *e, const cni_syntax *name, bool statement)
{
    const cni_dialect dialect = e->torch && !e->keras ? CNI_TORCH : CNI_KERAS;
    const char *hint = looks_like_class(name->text) ? cni_hint_layer(e, name->text, dialect) : NULL;
    if (hint) {
        const int layer = cni_make_unknown(e, name->text, dialect, name->span);
        cni_layer_doubt(e, layer,
                        cni_evaluate_doubt(e, "I802", name->span, hint, "there is no layer '%.60s'", name->text));
        return cni_thing_layer(e, layer);
    }
    if (statement)
        return cni_evaluate_doubt(e, "I806", name->span, NULL, "'%.60s' is not defined, and is not run", name->text);
    return cni_evaluate(e, name);
}

/* Conv2d(32, 3) where nothing tells the dialect, and PyTorch's class needs more: Keras' Conv2D is meant. */
static bool is_misspelt(cni_evaluator *e, const cni_syntax *call, const cni_thing *called)
{
    const cni_syntax *callee = call->items[0];
    if (callee->type != CNI_SYNTAX_NAME || called->type != CNI_THING_PATH || e->torch) return false;
    if (called->span.line != callee->span.line || called->span.column != callee->span.column) return false; /* bound */
    bool is_layer = false;
    cni_dialect dialect = CNI_KERAS;
    const cni_layer_kind *kind = cni_path_layer(called->text, &is_layer, &dialect);
    if (!kind || dialect != CNI_TORCH || !cni_hint_layer(e, callee->text, CNI_KERAS)) return false;
    size_t needs = 0, given = call->count - 1;
    for (size_t i = 0; i < kind->kind.field_count; i++) needs += (kind->kind.fields[i].flags & CNI_REQUIRED) != 0;
    return given < needs;
}

/* models.add(layer), of something that is not understood. */
static bool loses_layer(const cni_syntax *callee, const cni_thing *called, const cni_actuals *actuals)
{
    static const char *const methods[] = {"add", "append", "extend", "insert", "add_module", "register_module"};
    bool loses = false;
    if (callee->type != CNI_SYNTAX_ATTRIBUTE || !cni_thing_is_doubtful(called)) return false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) loses |= strcmp(callee->text, methods[i]) == 0;
    for (int i = 0; loses && i < actuals->count; i++)
        if (cni_thing_is_module(actuals->items[i].thing)) return true;
    return false;
}

cni_thing *cni_evaluate_call(cni_evaluator *e, const cni_syntax *call, bool statement)
{
    const cni_syntax *callee = call->items[0];
    if (callee->type == CNI_SYNTAX_NAME && !cni_evaluate_name(e, callee->text, callee->span))
        return call_undefined(e, callee, statement);
    imply_model(e, callee);
    cni_thing *called = cni_evaluate(e, callee);
    if (is_misspelt(e, call, called)) return call_undefined(e, callee, statement);
    cni_actuals actuals = actuals_of(e, call, called);
    actuals.unused = statement;
    if (loses_layer(callee, called, &actuals)) cni_thing_matters(e, called);
    return e->stopped || e->exhausted ? e->broken : cni_call_thing(e, called, &actuals);
}
