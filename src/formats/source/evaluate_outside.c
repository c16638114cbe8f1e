/* SPDX-License-Identifier: Apache-2.0
 * What the grammar leaves out.  The parser tells each such place as an error; the evaluator takes these errors back,
 * and has doubts instead where it comes by, which are errors only when a network depends on them. */
#include "formats/source/evaluate.h"

#include "layers/layers.h"

#include <ctype.h>
#include <string.h>

/* ---- the text of a piece ---- */

static const char *at_line(const cni_evaluator *e, int line)
{
    const char *at = e->text, *end = e->text + e->text_size;
    for (; line > 1 && at < end; at++)
        if (*at == '\n' || (*at == '\r' && at[1] != '\n')) line--;
    return at;
}

static bool names_layer(const cni_evaluator *e, const char *word)
{
    const cni_thing *thing = cni_scope_get(e->module, word);
    if (thing && thing->type == CNI_THING_CLASS) return cni_class_root(thing);
    return cni_family_find(&cni_layers, word) || cni_family_find(&cni_torch_layers, word);
}

/* Whether a word in the lines of this place is the name of a layer, or of a class of the text. */
static bool mentions_layers(const cni_evaluator *e, const cni_span *span)
{
    const char *at = at_line(e, span->line), *end = at_line(e, span->end_line + 1);
    while (at < end) {
        char word[64];
        size_t length = 0;
        while (at + length < end && (isalnum((unsigned char)at[length]) || at[length] == '_')) length++;
        if (length && length < sizeof word) {
            memcpy(word, at, length);
            word[length] = '\0';
            if (names_layer(e, word)) return true;
        }
        at += length ? length : 1;
    }
    return false;
}

/* ---- going past ---- */

void cni_outside_take(cni_evaluator *e)
{
    cni_remarks *remarks = e->remarks;
    const int lost = remarks->errors > CNI_MAX_ERRORS ? remarks->errors - CNI_MAX_ERRORS : 0;
    int kept = 0, errors = 0;
    for (int i = 0; i < remarks->count; i++) {
        const cni_remark *remark = &remarks->items[i];
        const bool outside = remark->severity == CNI_ERROR && strcmp(remark->id, "I806") == 0;
        if (outside)
            e->outside.items[e->outside.count++] = *remark;
        else if (strcmp(remark->id, "I806") != 0) { /* assert, del, raise: nothing to tell */
            errors += remark->severity == CNI_ERROR;
            remarks->items[kept++] = *remark;
        }
    }
    remarks->count = kept;
    remarks->errors = errors ? errors + lost : 0;
}

/* What the parser said about this place; NULL: nothing, or it was one too many. */
static const cni_remark *told(const cni_evaluator *e, const cni_syntax *node)
{
    for (int i = 0; i < e->outside.count; i++) {
        const cni_span *span = &e->outside.items[i].span;
        if (span->line == node->span.line && span->column == node->span.column) return &e->outside.items[i];
    }
    return NULL;
}

cni_thing *cni_evaluate_outside(cni_evaluator *e, const cni_syntax *node)
{
    static const char *const silent[] = {"break", "continue", "del", "assert", "raise", "global", "nonlocal"};
    const cni_remark *remark = told(e, node);
    const bool expression = node->type == CNI_SYNTAX_OUTSIDE;
    for (size_t i = 0; !expression && i < sizeof silent / sizeof *silent; i++)
        if (strcmp(node->text, silent[i]) == 0) return e->broken;
    if (expression && e->data) return cni_thing_opaque(e, node->span);
    cni_thing *made = remark ? cni_evaluate_doubt(e, "I806", remark->span, remark->hint, "%s", remark->text)
                             : cni_evaluate_doubt(e, "I806", node->span, NULL,
                                                  expression ? "not read: %s" : "not read: '%s'", node->text);
    if (!expression && mentions_layers(e, &node->span)) cni_thing_matters(e, made);
    return made;
}

/* ---- loops that are not gone through ---- */

static const cni_thing *named(cni_evaluator *e, const cni_syntax *node)
{
    return node->type == CNI_SYNTAX_NAME ? cni_evaluate_name(e, node->text, node->span) : NULL;
}

static bool binds(const cni_syntax *target, const char *name)
{
    if (target->type == CNI_SYNTAX_NAME) return strcmp(target->text, name) == 0;
    const bool list = target->type == CNI_SYNTAX_TUPLE || target->type == CNI_SYNTAX_LIST;
    for (size_t i = 0; list && i < target->count; i++)
        if (binds(target->items[i], name)) return true;
    return false;
}

/* layer(x), model.add(layer) */
static bool call_touches(cni_evaluator *e, const cni_syntax *call, const cni_syntax *target)
{
    const cni_syntax *callee = call->items[0];
    if (callee->type == CNI_SYNTAX_ATTRIBUTE && strcmp(callee->text, "add") == 0) {
        const cni_thing *of = named(e, callee->items[0]);
        return of && of->type == CNI_THING_MODEL;
    }
    if (callee->type != CNI_SYNTAX_NAME || !binds(target, callee->text)) return false;
    for (size_t i = 1; i < call->count; i++) {
        const cni_thing *argument = named(e, call->items[i]->items[0]);
        if (argument && argument->type == CNI_THING_TENSOR) return true;
    }
    return false;
}

static bool sets_tensor(cni_evaluator *e, const cni_syntax *node)
{
    if (!e->frame || !e->frame->self) return false;
    for (size_t i = 0; i + 1 < node->count; i++) {
        const cni_thing *old = named(e, node->items[i]);
        if (old && old->type == CNI_THING_TENSOR) return true;
    }
    return false;
}

bool cni_touches_network(cni_evaluator *e, const cni_syntax *node, const cni_syntax *target)
{
    if (!node || e->walked++ > 1000000) return false;
    if (node->type == CNI_SYNTAX_CALL && call_touches(e, node, target)) return true;
    if ((node->type == CNI_SYNTAX_ASSIGN || node->type == CNI_SYNTAX_AUGMENTED) && sets_tensor(e, node)) return true;
    for (size_t i = 0; i < node->count; i++)
        if (cni_touches_network(e, node->items[i], target)) return true;
    return false;
}
