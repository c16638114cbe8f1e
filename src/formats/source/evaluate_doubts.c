/* SPDX-License-Identifier: Apache-2.0
 * Doubts: what could not be understood.  A text that trains a network holds much that is none: data, loops, pictures.
 * So a doubt goes along with the value that it concerns,
 *
 *     classes = load(path)                 BROKEN, doubt: 'load' is not defined
 *     n = len(classes)                     BROKEN, the same doubt
 *     layers.Dense(n)                      it reaches a layer: the doubt is told, as an error
 *
 * and is an error only where a layer, a list of layers or the result of a network comes from it.  Of the others a few
 * become notes. */
#include "formats/source/evaluate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NOTES = 3, MAX_DEPTH = 8 };

/* ---- finding them ---- */

static cni_doubt *find(const cni_evaluator *e, const char *id, const cni_span *span)
{
    for (cni_doubt *doubt = e->doubts; doubt; doubt = doubt->next)
        if (memcmp(&doubt->remark.span, span, sizeof *span) == 0 && strcmp(doubt->remark.id, id) == 0) return doubt;
    return NULL;
}

static cni_doubt *keep(cni_evaluator *e, const char *id, cni_span span, const char *hint, const char *text)
{
    cni_doubt *doubt = e->doubt_count < CNI_MAX_DOUBTS ? CNI_NEW(e->arena, cni_doubt) : e->last;
    if (!doubt || doubt == e->last) return doubt;
    doubt->remark = (cni_remark){.severity = CNI_ERROR, .span = span, .hint = hint};
    snprintf(doubt->remark.id, sizeof doubt->remark.id, "%s", id);
    doubt->remark.text = cni_arena_text(e->arena, text);
    if (!doubt->remark.text) return e->exhausted = true, NULL;
    if (e->last)
        e->last->next = doubt;
    else
        e->doubts = doubt;
    e->last = doubt;
    e->doubt_count++;
    return doubt;
}

cni_thing *cni_evaluate_doubt(cni_evaluator *e, const char *id, cni_span span, const char *hint, const char *format,
                              ...)
{
    char text[700];
    va_list arguments;
    if (e->quiet) return e->broken;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cni_add_site(e, text, sizeof text);
    cni_thing *thing = cni_thing_new(e, CNI_THING_BROKEN, span);
    cni_doubt *doubt = find(e, id, &span);
    if (thing != e->broken) thing->doubt = doubt ? doubt : keep(e, id, span, hint, text);
    return thing;
}

/* ---- following them ---- */

bool cni_thing_is_doubtful(const cni_thing *thing)
{
    return thing->type == CNI_THING_BROKEN || (thing->type == CNI_THING_OPAQUE && thing->doubt);
}

cni_thing *cni_thing_follows(cni_evaluator *e, cni_thing *from, cni_span span)
{
    const bool doubtful = from && cni_thing_is_doubtful(from);
    if (doubtful && from->type == CNI_THING_BROKEN) return from;
    cni_thing *thing = cni_thing_opaque(e, span);
    if (doubtful && thing != e->broken) thing->doubt = from->doubt;
    return thing;
}

/* ---- telling them ---- */

void cni_doubt_matters(cni_evaluator *e, cni_doubt *doubt)
{
    const cni_remark *r = &doubt->remark;
    if (doubt->told || e->quiet) return;
    doubt->told = true;
    cni_remark_add(e->remarks, r->id, CNI_ERROR, r->span, r->hint, "%s", r->text);
}

static void matters(cni_evaluator *e, const cni_thing *thing, int depth)
{
    if (cni_thing_is_doubtful(thing)) {
        if (thing->doubt)
            cni_doubt_matters(e, thing->doubt);
        else if (!e->remarks->errors && !e->quiet)
            e->lost = true;
    }
    const bool holds = cni_thing_is_list(thing) || thing->type == CNI_THING_DICT;
    for (size_t i = 0; holds && depth < MAX_DEPTH && i < thing->count && i < CNI_MAX_DOUBTS; i++)
        matters(e, thing->items[i], depth + 1);
}

void cni_thing_matters(cni_evaluator *e, const cni_thing *thing)
{
    matters(e, thing, 0);
}

void cni_doubts_matter(cni_evaluator *e, bool fed)
{
    for (cni_doubt *doubt = e->doubts; doubt; doubt = doubt->next)
        if (!fed || doubt->fed) cni_doubt_matters(e, doubt);
}

static void note(cni_evaluator *e, const cni_doubt *doubt, int more)
{
    const cni_remark *r = &doubt->remark;
    char others[60] = "";
    if (more) snprintf(others, sizeof others, ", nor %d other line%s", more, more == 1 ? "" : "s");
    cni_remark_add(e->remarks, r->id, CNI_NOTE, r->span, NULL, "%s; the network does not need it%s", r->text, others);
}

/* One for a line, and not many. */
void cni_doubts_settle(cni_evaluator *e)
{
    const cni_doubt *last = NULL, *shown[MAX_NOTES];
    int lines = 0;
    if (e->lost && !e->remarks->errors) cni_doubts_matter(e, false);
    for (const cni_doubt *doubt = e->doubts; doubt; doubt = doubt->next) {
        if (doubt->told || (last && last->remark.span.line == doubt->remark.span.line)) continue;
        if (lines < MAX_NOTES) shown[lines] = doubt;
        lines++;
        last = doubt;
    }
    for (int i = 0; i < lines && i < MAX_NOTES; i++) note(e, shown[i], i == MAX_NOTES - 1 ? lines - MAX_NOTES : 0);
}
