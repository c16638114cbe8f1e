/* SPDX-License-Identifier: Apache-2.0
 * Runs the rules: what they find is added, left out where it is turned off, and put in order. */
#include "explain/rules/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RULE_ROW(id) &cni_rule_##id,
const cni_rule *const cni_rules[] = {CNI_RULES(RULE_ROW)};
#undef RULE_ROW
const int cni_rule_count = sizeof cni_rules / sizeof *cni_rules;

const cni_rule *cni_rule_find(const char *id)
{
    for (int i = 0; i < cni_rule_count; i++)
        if (strcmp(cni_rules[i]->id, id) == 0) return cni_rules[i];
    return NULL;
}

/* ---- adding ---- */

static bool grow(cni_findings *findings)
{
    if (findings->count < findings->capacity) return true;
    const int capacity = findings->capacity ? 2 * findings->capacity : 16;
    cni_finding *items = CNI_NEW_ARRAY(findings->arena, cni_finding, (size_t)capacity);
    if (!items) {
        findings->failed = true;
        return false;
    }
    if (findings->count) memcpy(items, findings->items, (size_t)findings->count * sizeof *items);
    findings->items = items;
    findings->capacity = capacity;
    return true;
}

cni_finding *cni_finding_add(cni_findings *findings, const cni_rule *rule, cni_severity severity, int node,
                             const char *format, ...)
{
    char text[4000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!grow(findings)) return NULL;
    cni_finding *finding = findings->items + findings->count;
    *finding = (cni_finding){.rule = rule, .severity = severity, .node = node};
    finding->text = cni_arena_text(findings->arena, text);
    if (!finding->text) {
        findings->failed = true;
        return NULL;
    }
    if (node >= 0) finding->span = findings->analysis->nodes[node].span;
    findings->count++;
    return finding;
}

/* ---- turned off ---- */

/* A comment speaks of the lines of a span, and, where it stands alone, of the line after it. */
static bool comment_meets(const cni_description *description, int line, const cni_span *span)
{
    if (!span->line) return false;
    const int last = span->end_line > span->line ? span->end_line : span->line;
    if (line >= span->line && line <= last) return true;
    if (line + 1 != span->line) return false;
    const char *text = description->text;
    for (int i = 1; text && i < line; i++) {
        text = memchr(text, '\n', (size_t)(description->text + description->text_size - text));
        if (text) text++;
    }
    return !text || text[strspn(text, " \t")] == '#';
}

bool cni_finding_off(const cni_findings *findings, const cni_rule *rule, int node)
{
    const cni_description *description = findings->analysis->description;
    const cni_source_comments *comments = &description->comments;
    for (int i = 0; i < comments->off_count; i++) {
        if (strcmp(comments->off[i].id, rule->id) != 0) continue;
        if (node < 0) return true;
        const cni_explained *explained = findings->analysis->nodes + node;
        if (comment_meets(description, comments->off[i].line, &explained->span) ||
            comment_meets(description, comments->off[i].line, &explained->call_span))
            return true;
    }
    return false;
}

static bool is_named(const char *list, const char *id)
{
    for (const char *at = list; at && *at; at += strcspn(at, ",")) {
        at += strspn(at, ", ");
        const size_t length = strcspn(at, ", ");
        if (length == strlen(id) && strncmp(at, id, length) == 0) return true;
    }
    return false;
}

static cn_status check_names(const char *list, cni_error *error)
{
    for (const char *at = list; at && *at; at += strcspn(at, ",")) {
        char id[16];
        at += strspn(at, ", ");
        snprintf(id, sizeof id, "%.*s", (int)strcspn(at, ", "), at);
        if (*id && !cni_rule_find(id) && strncmp(id, "I8", 2) != 0)
            return cni_fail(error, CN_ERR_INVALID,
                            "there is no finding %s; they are named as K302 is, parted by commas", id);
    }
    return CN_OK;
}

/* ---- all rules ---- */

/* Large networks take longer to analyse again; what findings cost in all stays small. */
static int tries_for(const cni_analysis *analysis)
{
    enum { MOST = 16, LEAST = 5, NODES = 2200 };
    const int tries = NODES / (analysis->count + 1);
    return tries > MOST ? MOST : tries < LEAST ? LEAST : tries;
}

/* Errors, warnings, notes, hints; then in the order of the nodes; the whole network last. */
static bool comes_before(const cni_finding *a, const cni_finding *b)
{
    static const int ranks[] = {[CNI_ERROR] = 0, [CNI_WARNING] = 1, [CNI_NOTE] = 2, [CNI_HINT] = 3};
    if (a->severity != b->severity) return ranks[a->severity] < ranks[b->severity];
    if ((a->node < 0) != (b->node < 0)) return b->node < 0;
    return a->node < b->node;
}

static void sort(cni_findings *findings)
{
    for (int i = 1; i < findings->count; i++) {
        const cni_finding moving = findings->items[i];
        int at = i;
        for (; at > 0 && comes_before(&moving, findings->items + at - 1); at--)
            findings->items[at] = findings->items[at - 1];
        findings->items[at] = moving;
    }
}

static void drop_what_is_off(cni_findings *findings)
{
    int kept = 0;
    for (int i = 0; i < findings->count; i++)
        if (!cni_finding_off(findings, findings->items[i].rule, findings->items[i].node))
            findings->items[kept++] = findings->items[i];
    findings->count = kept;
}

cn_status cni_find(const cni_analysis *analysis, const char *off, const char *only, cni_findings **out,
                   cni_error *error)
{
    CN_TRY(check_names(off, error));
    CN_TRY(check_names(only, error));
    cni_findings *findings = CNI_NEW(analysis->arena, cni_findings);
    if (!findings) return cni_no_memory(error, "findings");
    *findings =
        (cni_findings){.arena = analysis->arena, .analysis = analysis, .try_fixes = true, .tries = tries_for(analysis)};
    for (int severity = CNI_ERROR; severity >= CNI_NOTE; severity--) /* the worst get the tries */
        for (int i = 0; i < cni_rule_count; i++) {
            const cni_rule *rule = cni_rules[i];
            if ((int)rule->severity != severity || is_named(off, rule->id)) continue;
            if (!only || !*only || is_named(only, rule->id)) rule->look(findings, rule);
        }
    if (findings->failed) return cni_no_memory(error, "findings");
    drop_what_is_off(findings);
    sort(findings);
    *out = findings;
    return CN_OK;
}
