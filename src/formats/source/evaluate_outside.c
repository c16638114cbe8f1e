/* SPDX-License-Identifier: Apache-2.0
 * What the grammar leaves out.  The parser has told each such place as an error; where it has nothing to do with a
 * network (it stands in a function that nothing calls, or among data) the error becomes a note. */
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

static void keep(const cni_syntax **list, int *count, const cni_syntax *node)
{
    for (int i = 0; i < *count; i++)
        if (list[i] == node) return;
    if (*count < CNI_MAX_OUTSIDE) list[(*count)++] = node;
}

bool cni_outside_matters(cni_evaluator *e, const cni_syntax *node)
{
    const bool matters = e->frame ? mentions_layers(e, &node->span) : !e->data;
    if (e->quiet) return matters;
    if (matters)
        keep(e->needed, &e->needed_count, node);
    else
        keep(e->passed, &e->passed_count, node);
    return matters;
}

/* ---- what was told for nothing ---- */

static bool holds(const cni_syntax *const *list, int count, const cni_syntax *node)
{
    for (int i = 0; i < count; i++)
        if (list[i] == node) return true;
    return false;
}

static void soften(cni_evaluator *e, const cni_syntax *node)
{
    for (int i = 0; i < e->remarks->count; i++) {
        cni_remark *remark = &e->remarks->items[i];
        if (strcmp(remark->id, "I806") != 0 || remark->severity != CNI_ERROR) continue;
        if (remark->span.line != node->span.line || remark->span.column != node->span.column) continue;
        remark->severity = CNI_NOTE;
        e->remarks->errors--;
        return;
    }
}

void cni_soften_outside(cni_evaluator *e, const cni_syntax *node, bool inside)
{
    if (!node) return;
    if (node->type == CNI_SYNTAX_OUTSIDE || node->type == CNI_SYNTAX_UNREAD) {
        const bool passed = holds(e->passed, e->passed_count, node);
        if (!holds(e->needed, e->needed_count, node) && (passed || inside)) soften(e, node);
    }
    inside |= node->type == CNI_SYNTAX_DEF || node->type == CNI_SYNTAX_FOR || node->type == CNI_SYNTAX_IF ||
              node->type == CNI_SYNTAX_WITH;
    for (size_t i = 0; i < node->count; i++) cni_soften_outside(e, node->items[i], inside);
    for (size_t i = 0; node->keys && i < node->count; i++) cni_soften_outside(e, node->keys[i], inside);
}
