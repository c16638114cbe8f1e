/* SPDX-License-Identifier: Apache-2.0
 * Methods of lists and dicts, and of arrays of numbers, of which the shape is known. */
#include "formats/source/evaluate.h"

#include <string.h>

typedef struct method {
    const char *name;
    cni_thing *(*run)(cni_evaluator *e, cni_thing *of, const struct method *method, cni_actuals *actuals);
} method;

static bool is(const char *name, const char *text)
{
    return strcmp(name, text) == 0;
}

static cni_thing *itself(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    (void)e, (void)m, (void)actuals;
    return of;
}

/* ---- lists and dicts ---- */

static cni_thing *append(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_thing *item = cni_actuals_thing(actuals, 0, NULL);
    (void)m;
    if (!item || of->type != CNI_THING_LIST) return e->none;
    if (of->count >= CNI_MAX_STEPS)
        return cni_evaluate_error(e, "I812", actuals->span, NULL, "a list of more than %d items", CNI_MAX_STEPS);
    cni_thing_append(e, of, item);
    return e->none;
}

static cni_thing *extend_list(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_thing *given = cni_actuals_thing(actuals, 0, NULL);
    cni_thing *items = given ? cni_evaluate_items(e, given, actuals->span) : NULL;
    (void)m;
    if (given && cni_thing_is_doubtful(given) && of->count < CNI_MAX_STEPS) cni_thing_append(e, of, given);
    for (size_t i = 0, n = items ? items->count : 0; i < n && of->count < CNI_MAX_STEPS; i++)
        cni_thing_append(e, of, items->items[i]);
    return e->none;
}

static cni_thing *insert(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    const cni_thing *at = cni_actuals_thing(actuals, 0, NULL);
    cni_thing *item = cni_actuals_thing(actuals, 1, NULL);
    (void)m;
    if (!at || !item || at->type != CNI_THING_INT || of->type != CNI_THING_LIST) return e->none;
    int64_t index = at->integer < 0 ? at->integer + (int64_t)of->count : at->integer;
    index = index < 0 ? 0 : index > (int64_t)of->count ? (int64_t)of->count : index;
    const size_t before = of->count;
    cni_thing_append(e, of, item);
    if (of->count == before) return e->none; /* no memory, or too much work */
    for (size_t i = of->count - 1; i > (size_t)index; i--) of->items[i] = of->items[i - 1];
    if ((size_t)index < of->count) of->items[index] = item;
    return e->none;
}

static cni_thing *pop_list(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    const cni_thing *at = cni_actuals_thing(actuals, 0, NULL);
    (void)m;
    if (!of->count || of->type != CNI_THING_LIST)
        return cni_evaluate_error(e, "I804", actuals->span, NULL, "pop() of an empty list");
    int64_t index = at && at->type == CNI_THING_INT ? at->integer : -1;
    index += index < 0 ? (int64_t)of->count : 0;
    if (index < 0 || index >= (int64_t)of->count)
        return cni_evaluate_error(e, "I804", actuals->span, NULL, "pop() outside of the list");
    cni_thing *item = of->items[index];
    for (size_t i = (size_t)index; i + 1 < of->count; i++) of->items[i] = of->items[i + 1];
    of->count--;
    return item;
}

static const method list_methods[] = {
    {"append", append}, {"extend", extend_list}, {"insert", insert}, {"pop", pop_list}, {"copy", itself},
};

/* keys(), values(), items() */
static cni_thing *entries(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    cni_thing *list = cni_thing_new(e, CNI_THING_LIST, actuals->span);
    for (size_t i = 0; i < of->count; i++) {
        cni_thing *entry = is(m->name, "keys") ? of->keys[i] : of->items[i];
        if (is(m->name, "items")) {
            entry = cni_thing_new(e, CNI_THING_TUPLE, actuals->span);
            cni_thing_append(e, entry, of->keys[i]);
            cni_thing_append(e, entry, of->items[i]);
        }
        cni_thing_append(e, list, entry);
    }
    return list;
}

static cni_thing *get(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    const cni_thing *key = cni_actuals_thing(actuals, 0, NULL);
    cni_thing *otherwise = cni_actuals_thing(actuals, 1, "default");
    (void)m;
    for (size_t i = 0; key && i < of->count; i++)
        if (cni_thing_equal(e, of->keys[i], key)) return of->items[i];
    return otherwise ? otherwise : e->none;
}

static cni_thing *update(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    const cni_thing *other = cni_actuals_thing(actuals, 0, NULL);
    (void)m;
    for (size_t i = 0; other && other->type == CNI_THING_DICT && i < other->count; i++)
        cni_thing_put(e, of, other->keys[i], other->items[i]);
    return e->none;
}

static const method dict_methods[] = {
    {"keys", entries}, {"values", entries}, {"items", entries}, {"get", get}, {"update", update},
};

/* ---- arrays ---- */

static cni_thing *reshape_array(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    (void)of, (void)m;
    const cni_function row = {0};
    return cni_function_array(e, &row, actuals);
}

/* astype, copy: the same shape */
static cni_thing *same_array(cni_evaluator *e, cni_thing *of, const method *m, cni_actuals *actuals)
{
    (void)m;
    return of->shape ? cni_thing_array(e, of->shape, actuals->span) : cni_thing_opaque(e, actuals->span);
}

static const method array_methods[] = {
    {"reshape", reshape_array},
    {"view", reshape_array},
    {"astype", same_array},
    {"copy", same_array},
    {"to", itself},
    {"cuda", itself},
    {"float", itself},
    {"requires_grad_", itself},
};

/* ---- all of them ---- */

static const method *find(const method *methods, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (is(methods[i].name, name)) return &methods[i];
    return NULL;
}
#define FIND(methods) find(methods, sizeof methods / sizeof *methods, name)

bool cni_is_array_method(const char *name)
{
    return FIND(array_methods);
}

cni_thing *cni_call_container(cni_evaluator *e, cni_thing *of, const char *name, cni_actuals *actuals)
{
    const method *found = of->type == CNI_THING_OPAQUE ? FIND(array_methods)
                          : of->type == CNI_THING_DICT ? FIND(dict_methods)
                                                       : FIND(list_methods);
    return found ? found->run(e, of, found, actuals) : cni_thing_opaque(e, actuals->span);
}
