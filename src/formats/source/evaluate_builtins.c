/* SPDX-License-Identifier: Apache-2.0
 * Python's own functions, computed on constants; and those that are never run. */
#include "formats/source/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 10000 };

typedef cni_thing *(*rule)(cni_evaluator *e, const char *name, cni_actuals *actuals);

static bool is(const char *name, const char *text)
{
    return strcmp(name, text) == 0;
}

static cni_thing *nothing(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    (void)name, (void)actuals;
    return e->none;
}

static cni_thing *unknown(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    (void)name;
    for (int i = 0; i < actuals->count; i++)
        if (cni_thing_is_doubtful(actuals->items[i].thing))
            return cni_thing_follows(e, actuals->items[i].thing, actuals->span);
    return cni_thing_opaque(e, actuals->span);
}

static cni_thing *refused(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    return cni_evaluate_error(e, "I806", actuals->span, "write what it would give", "%s() is never run", name);
}

static cni_thing *argument(cni_evaluator *e, cni_actuals *actuals, int index)
{
    cni_thing *thing = cni_actuals_thing(actuals, index, NULL);
    return thing ? thing : e->broken;
}

/* ---- lists ---- */

static cni_thing *range(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    int64_t numbers[3] = {0, 0, 1};
    const int count = actuals->count > 3 ? 3 : actuals->count;
    for (int i = 0; i < count; i++) {
        const cni_thing *thing = actuals->items[i].thing;
        if (thing->type != CNI_THING_INT) return unknown(e, name, actuals);
        numbers[count == 1 ? 1 : i] = thing->integer;
    }
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, actuals->span);
    const int64_t step = numbers[2];
    if (!step) return cni_evaluate_error(e, "I804", actuals->span, NULL, "range() with a step of 0");
    for (int64_t i = numbers[0]; step > 0 ? i < numbers[1] : i > numbers[1];) {
        cni_thing_append(e, list, cni_thing_int(e, i, actuals->span));
        if (e->stopped || e->exhausted || __builtin_add_overflow(i, step, &i)) break;
        if (list->count > MAX_ITEMS) return unknown(e, name, actuals);
    }
    return list;
}

static cni_thing *len(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    cni_thing *thing = argument(e, actuals, 0);
    if (thing->type == CNI_THING_BROKEN) return thing;
    if (thing->type == CNI_THING_TEXT) return cni_thing_int(e, (int64_t)strlen(thing->text), actuals->span);
    if (thing->type == CNI_THING_DICT) return cni_thing_int(e, (int64_t)thing->count, actuals->span);
    cni_thing *items = cni_evaluate_items(e, thing, actuals->span);
    return items ? cni_thing_int(e, (int64_t)items->count, actuals->span) : unknown(e, name, actuals);
}

static cni_thing *pair(cni_evaluator *e, cni_thing *a, cni_thing *b, cni_span span)
{
    cni_thing *tuple = cni_thing_new(e, CNI_THING_TUPLE, span);
    cni_thing_append(e, tuple, a);
    cni_thing_append(e, tuple, b);
    return tuple;
}

static cni_thing *enumerate(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    cni_thing *items = cni_evaluate_items(e, argument(e, actuals, 0), actuals->span);
    const cni_thing *start = cni_actuals_thing(actuals, 1, "start");
    if (!items) return unknown(e, name, actuals);
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, actuals->span);
    const int64_t first = start && start->type == CNI_THING_INT ? start->integer : 0;
    for (size_t i = 0; i < items->count; i++) {
        cni_thing *index = cni_thing_int(e, (int64_t)((uint64_t)first + i), actuals->span);
        cni_thing_append(e, list, pair(e, index, items->items[i], actuals->span));
    }
    return list;
}

static cni_thing *zip(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    cni_thing *lists = cni_thing_new(e, CNI_THING_LIST, actuals->span);
    size_t count = SIZE_MAX;
    for (int i = 0; i < actuals->count; i++) {
        cni_thing *items = cni_evaluate_items(e, actuals->items[i].thing, actuals->span);
        if (!items) return unknown(e, name, actuals);
        if (items->count < count) count = items->count;
        cni_thing_append(e, lists, items);
    }
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, actuals->span);
    for (size_t i = 0; lists->count && i < count; i++) {
        cni_thing *tuple = cni_thing_new(e, CNI_THING_TUPLE, actuals->span);
        for (size_t j = 0; j < lists->count; j++) cni_thing_append(e, tuple, lists->items[j]->items[i]);
        cni_thing_append(e, list, tuple);
    }
    return list;
}

static cni_thing *list(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    cni_thing *made = cni_thing_new(e, is(name, "tuple") ? CNI_THING_TUPLE : CNI_THING_LIST, actuals->span);
    if (!actuals->count) return made;
    cni_thing *given = argument(e, actuals, 0), *items = cni_evaluate_items(e, given, actuals->span);
    if (given->type == CNI_THING_BROKEN) return given;
    if (!items) return unknown(e, name, actuals);
    const bool backwards = is(name, "reversed");
    for (size_t i = 0, n = items->count; i < n; i++) cni_thing_append(e, made, items->items[backwards ? n - 1 - i : i]);
    return made;
}

static cni_thing *dict(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    cni_thing *made = cni_thing_new(e, CNI_THING_DICT, actuals->span);
    (void)name;
    for (int i = 0; i < actuals->count; i++) {
        const cni_actual *actual = &actuals->items[i];
        if (actual->key) cni_thing_put(e, made, cni_thing_text(e, actual->key, actual->span), actual->thing);
        for (size_t j = 0; !actual->key && cni_thing_is_list(actual->thing) && j < actual->thing->count; j++) {
            const cni_thing *entry = actual->thing->items[j];
            if (cni_thing_is_list(entry) && entry->count == 2) cni_thing_put(e, made, entry->items[0], entry->items[1]);
        }
        for (size_t j = 0; !actual->key && actual->thing->type == CNI_THING_DICT && j < actual->thing->count; j++)
            cni_thing_put(e, made, actual->thing->keys[j], actual->thing->items[j]);
    }
    return made;
}

/* ---- numbers ---- */

/* The arguments, or the items of the only one, when they are numbers; NULL: they are not. */
static cni_thing *numbers(cni_evaluator *e, cni_actuals *actuals)
{
    cni_thing *items = actuals->count == 1 ? cni_evaluate_items(e, argument(e, actuals, 0), actuals->span) : NULL;
    if (!items) {
        items = cni_thing_new(e, CNI_THING_LIST, actuals->span);
        for (int i = 0; i < actuals->count; i++)
            if (!actuals->items[i].key) cni_thing_append(e, items, actuals->items[i].thing);
    }
    for (size_t i = 0; i < items->count; i++)
        if (!cni_thing_is_number(items->items[i])) return NULL;
    return items->count ? items : NULL;
}

static cni_thing *extreme(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    cni_thing *items = numbers(e, actuals);
    if (!items) return unknown(e, name, actuals);
    cni_thing *best = items->items[0];
    for (size_t i = 1; i < items->count; i++) {
        const double a = cni_thing_number(items->items[i]), b = cni_thing_number(best);
        if (is(name, "max") ? a > b : a < b) best = items->items[i];
    }
    return best;
}

static cni_thing *sum(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    cni_thing *items = cni_evaluate_items(e, argument(e, actuals, 0), actuals->span);
    if (!items) return unknown(e, name, actuals);
    cni_thing *start = cni_actuals_thing(actuals, 1, "start");
    cni_thing *total = start ? start : cni_thing_int(e, 0, actuals->span);
    for (size_t i = 0; i < items->count; i++) {
        const bool first = i == 0 && !start && items->items[i]->type == CNI_THING_TENSOR;
        total = first ? items->items[i] : cni_evaluate_binary(e, "+", total, items->items[i], actuals->span);
    }
    return total;
}

static bool fits(double real)
{
    return real >= -9e18 && real <= 9e18;
}

static cni_thing *to_int(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    const cni_thing *thing = argument(e, actuals, 0);
    int64_t integer;
    if (thing->type == CNI_THING_INT) return cni_thing_int(e, thing->integer, actuals->span);
    if (thing->type == CNI_THING_TEXT && cni_read_int(thing->text, strlen(thing->text), &integer))
        return cni_thing_int(e, integer, actuals->span);
    if (!cni_thing_is_number(thing) || !fits(cni_thing_number(thing))) return unknown(e, name, actuals);
    return cni_thing_int(e, (int64_t)cni_thing_number(thing), actuals->span);
}

static cni_thing *to_float(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    const cni_thing *thing = argument(e, actuals, 0);
    if (!cni_thing_is_number(thing)) return unknown(e, name, actuals);
    return cni_thing_real(e, cni_thing_number(thing), actuals->span);
}

static cni_thing *to_bool(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    const int truth = cni_evaluate_truth(argument(e, actuals, 0));
    return truth < 0 ? unknown(e, name, actuals) : cni_thing_bool(e, truth, actuals->span);
}

static cni_thing *to_text(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    const cni_thing *thing = argument(e, actuals, 0);
    char buffer[32];
    const char *text = NULL;
    if (thing->type == CNI_THING_TEXT) text = thing->text;
    if (thing->type == CNI_THING_INT) text = cni_arena_printf(e->arena, "%lld", (long long)thing->integer);
    if (thing->type == CNI_THING_REAL) text = cni_arena_text(e->arena, cni_show_real(thing->real, buffer));
    if (thing->type == CNI_THING_BOOL) text = thing->truth ? "True" : "False";
    return text ? cni_thing_text(e, text, actuals->span) : unknown(e, name, actuals);
}

static cni_thing *absolute(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    cni_thing *thing = argument(e, actuals, 0);
    if (!cni_thing_is_number(thing)) return unknown(e, name, actuals);
    return cni_thing_number(thing) < 0 ? cni_evaluate_unary(e, "-", thing, actuals->span) : thing;
}

/* To even, as Python; with digits a float. */
static cni_thing *rounded(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    const cni_thing *thing = argument(e, actuals, 0), *digits = cni_actuals_thing(actuals, 1, "ndigits");
    if (!cni_thing_is_number(thing) || digits || !fits(cni_thing_number(thing))) return unknown(e, name, actuals);
    return cni_thing_int(e, (int64_t)nearbyint(cni_thing_number(thing)), actuals->span);
}

static cni_thing *power(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    if (actuals->count != 2) return unknown(e, name, actuals);
    return cni_evaluate_binary(e, "**", argument(e, actuals, 0), argument(e, actuals, 1), actuals->span);
}

static cni_thing *letter(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    const cni_thing *thing = argument(e, actuals, 0);
    if (is(name, "ord") && thing->type == CNI_THING_TEXT && thing->text[0] && !thing->text[1])
        return cni_thing_int(e, (unsigned char)thing->text[0], actuals->span);
    if (is(name, "ord") || thing->type != CNI_THING_INT || thing->integer < 32 || thing->integer > 126)
        return unknown(e, name, actuals);
    return cni_thing_text(e, cni_arena_printf(e->arena, "%c", (int)thing->integer), actuals->span);
}

/* ---- the module math ---- */

static const struct {
    const char *name;
    double (*compute)(double);
    bool whole; /* gives an int */
} real_functions[] = {
    {"ceil", ceil, true},  {"floor", floor, true},  {"trunc", trunc, true}, {"sqrt", sqrt, false}, {"log", log, false},
    {"log2", log2, false}, {"log10", log10, false}, {"exp", exp, false},    {"fabs", fabs, false},
};

/* math.ceil(x), and NumPy's, which gives a float; the product of a list. */
cni_thing *cni_call_math(cni_evaluator *e, const char *name, cni_actuals *actuals, bool *known)
{
    cni_thing *items = is(name, "prod") ? numbers(e, actuals) : NULL;
    const cni_thing *x = cni_actuals_thing(actuals, 0, NULL);
    *known = true;
    if (items) {
        cni_thing *product = items->items[0];
        for (size_t i = 1; i < items->count; i++)
            product = cni_evaluate_binary(e, "*", product, items->items[i], actuals->span);
        return product;
    }
    for (size_t i = 0; i < sizeof real_functions / sizeof *real_functions; i++) {
        if (!is(real_functions[i].name, name) || !x || !cni_thing_is_number(x)) continue;
        const double y = real_functions[i].compute(cni_thing_number(x));
        if (real_functions[i].whole && fits(y)) return cni_thing_int(e, (int64_t)y, actuals->span);
        return isfinite(y) ? cni_thing_real(e, y, actuals->span) : unknown(e, name, actuals);
    }
    *known = false;
    return NULL;
}

/* ---- questions ---- */

static bool names_type(const cni_thing *type, const char *name)
{
    return type->type == CNI_THING_PATH && is(cni_path_last(type->text), name);
}

static bool names_one(const cni_thing *types, const char *name)
{
    if (!cni_thing_is_list(types)) return names_type(types, name);
    for (size_t i = 0; i < types->count; i++)
        if (names_type(types->items[i], name)) return true;
    return false;
}

static cni_thing *isinstance(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    static const char *const types[] = {
        [CNI_THING_BOOL] = "bool",   [CNI_THING_INT] = "int",   [CNI_THING_REAL] = "float", [CNI_THING_TEXT] = "str",
        [CNI_THING_TUPLE] = "tuple", [CNI_THING_LIST] = "list", [CNI_THING_DICT] = "dict"};
    const cni_thing *thing = argument(e, actuals, 0), *type = argument(e, actuals, 1);
    if (thing->type == CNI_THING_LAYER && e->layers[thing->layer].described.kind)
        return cni_thing_bool(e, names_one(type, e->layers[thing->layer].described.kind->kind.name), actuals->span);
    if ((size_t)thing->type >= sizeof types / sizeof *types || !types[thing->type]) return unknown(e, name, actuals);
    return cni_thing_bool(e, names_one(type, types[thing->type]), actuals->span);
}

/* getattr(self, 'layer%d' % i), setattr(self, ...), hasattr(...) with a constant name, of objects of the text. */
static cni_thing *attribute(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    cni_thing *of = argument(e, actuals, 0), *key = argument(e, actuals, 1);
    cni_thing *third = cni_actuals_thing(actuals, 2, NULL);
    if (of->type == CNI_THING_BROKEN || key->type == CNI_THING_BROKEN) return e->broken;
    if (of->type != CNI_THING_INSTANCE || key->type != CNI_THING_TEXT)
        return is(name, "hasattr") ? unknown(e, name, actuals) : refused(e, name, actuals);
    const bool there = cni_scope_get(of->scope, key->text) || cni_class_member(of->of, key->text, NULL);
    if (is(name, "hasattr")) return cni_thing_bool(e, there, actuals->span);
    if (is(name, "getattr")) return !there && third ? third : cni_evaluate_attribute(e, of, key->text, actuals->span);
    if (!third) return e->broken;
    if (cni_model_of(third)) third->model->inside = true;
    cni_scope_set(e, of->scope, key->text, third);
    return e->none;
}

static cni_thing *super_(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    if (!e->frame || !e->frame->self) return unknown(e, name, actuals);
    cni_thing *thing = cni_thing_new(e, CNI_THING_SUPER, actuals->span);
    if (thing == e->broken) return thing;
    thing->of = e->frame->self;
    thing->function = e->frame->class_of;
    return thing;
}

static const struct {
    const char *name;
    rule run;
} rules[] = {
    {"range", range},
    {"len", len},
    {"print", nothing},
    {"max", extreme},
    {"min", extreme},
    {"int", to_int},
    {"float", to_float},
    {"str", to_text},
    {"bool", to_bool},
    {"list", list},
    {"tuple", list},
    {"reversed", list},
    {"dict", dict},
    {"enumerate", enumerate},
    {"zip", zip},
    {"sum", sum},
    {"abs", absolute},
    {"round", rounded},
    {"pow", power},
    {"isinstance", isinstance},
    {"super", super_},
    {"chr", letter},
    {"ord", letter},
    {"help", nothing},
    {"exec", refused},
    {"eval", refused},
    {"compile", refused},
    {"open", refused},
    {"input", refused},
    {"__import__", refused},
    {"getattr", attribute},
    {"hasattr", attribute},
    {"setattr", attribute},
    {"globals", refused},
    {"locals", refused},
    {"vars", refused},
    {"breakpoint", refused},
    {"exit", refused},
    {"quit", refused},
};

cni_thing *cni_call_builtin(cni_evaluator *e, const char *name, cni_actuals *actuals)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (is(rules[i].name, name)) return rules[i].run(e, name, actuals);
    return unknown(e, name, actuals);
}
