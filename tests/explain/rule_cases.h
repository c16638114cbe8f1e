/* SPDX-License-Identifier: Apache-2.0
 * For tests of findings: texts that a rule speaks of, near misses that it does not, and fixes that are applied. */
#ifndef RULE_CASES_H
#define RULE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "explain/rules/finding.h"
#include "formats/source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct rule_case {
    const char *id;
    cni_severity severity;
    const char *layer; /* that the finding points at; NULL: the whole network */
    const char *text;  /* code with which it is found */
    const char *says;  /* a part of what it says */
    const char *near;  /* nearly the same code, with which it is not found */
    int fixes;         /* at least */
} rule_case;

typedef struct found {
    cni_arena arena;
    cni_description *description;
    cni_analysis *analysis;
    cni_findings *findings;
} found;

/* The size that a comment tells, as the command takes it; in the framework's order. */
static void take_comment(const cni_description *d, cni_explain_options *options)
{
    const char *at = d->comments.input;
    for (int i = 0; *at && i <= CNI_MAX_SPATIAL; i++, at += *at == 'x')
        options->input[0][i] = strtol(at, (char **)(uintptr_t)&at, 10);
    options->input_count = *d->comments.input != 0;
}

/* A description explained; `image`, `size`: with another size of that image; `only`: a rule, or NULL for all. */
static void find_in_edited(found *f, cni_description *flat, const cni_explained *image, const cni_edit *size,
                           const char *only)
{
    cni_error error = {0};
    cni_explain_options options = {0};
    take_comment(flat, &options);
    if (size) {
        const bool first = image->format == CN_CHANNELS_FIRST;
        options.input[0][first ? 1 : 0] = size->rows;
        options.input[0][first ? 2 : 1] = size->columns;
        options.input[0][first ? 0 : 2] = image->channels;
        options.input_count = 1;
    }
    if (cni_analyse(&f->arena, flat, &options, &f->analysis, &error) ||
        cni_find(f->analysis, NULL, only, &f->findings, &error))
        fail_msg("%s", error.text);
}

/* A text read and explained.  What the reader refuses fails, unless it is told not to. */
static void find_in_any(found *f, const char *text, const char *only, bool strict)
{
    cni_error error = {0};
    cni_description *read;
    *f = (found){.description = NULL};
    if (cni_source_read(&f->arena, text, strlen(text), "case.py", NULL, &read, &error) ||
        cni_description_flatten(&f->arena, read, &f->description, &error))
        fail_msg("%s\nin\n%s", error.text, text);
    for (int i = 0; strict && i < read->remarks.count; i++)
        if (read->remarks.items[i].severity == CNI_ERROR)
            fail_msg("%s: %s\nin\n%s", read->remarks.items[i].id, read->remarks.items[i].text, text);
    find_in_edited(f, f->description, NULL, NULL, only);
}

static void find_in(found *f, const char *text, const char *only)
{
    find_in_any(f, text, only, true);
}

static void forget(found *f)
{
    cni_arena_free(&f->arena);
}

static const cni_finding *finding_of(const found *f, const char *id)
{
    for (int i = 0; i < f->findings->count; i++)
        if (strcmp(f->findings->items[i].rule->id, id) == 0) return f->findings->items + i;
    return NULL;
}

static inline int count_of(const found *f, cni_severity severity)
{
    int count = 0;
    for (int i = 0; i < f->findings->count; i++) count += f->findings->items[i].severity == severity;
    return count;
}

/* Whether what was found at a layer, and as bad, is still there. */
static bool is_still_there(const found *now, const char *id, const char *layer, cni_severity severity, bool whole)
{
    for (int i = 0; i < now->findings->count; i++) {
        const cni_finding *finding = now->findings->items + i;
        if (strcmp(finding->rule->id, id) != 0) continue;
        if (whole || !layer || finding->node < 0) return true;
        if (strcmp(now->analysis->nodes[finding->node].name, layer) == 0) return true;
        for (int j = 0; finding->severity >= severity && j < finding->node_count; j++)
            if (strcmp(now->analysis->nodes[finding->nodes[j]].name, layer) == 0) return true;
    }
    return false;
}

/* A printed fix, applied to the description and to the text. */
static inline void check_fix(const found *f, const cni_finding *finding, const cni_fix *fix, const char *text)
{
    const char *layer = finding->node >= 0 ? f->analysis->nodes[finding->node].name : NULL;
    const char *id = finding->rule->id;
    found now = {.description = NULL};
    cni_error error = {0};
    cni_description *edited;
    assert_true(fix->code && *fix->code && fix->edit_count > 0);
    if (cni_description_edit(&now.arena, f->description, fix->edits, fix->edit_count, &edited, &error))
        fail_msg("%s: %s: %s\nin\n%s", id, fix->code, error.text, text);
    const cni_edit *size = NULL;
    for (int i = 0; i < fix->edit_count; i++)
        if (fix->edits[i].type == CNI_EDIT_INPUT) size = fix->edits + i;
    find_in_edited(&now, edited, f->analysis->nodes, size, id);
    if (is_still_there(&now, id, layer, finding->severity, finding->rule->whole))
        fail_msg("%s: %s does not help\nin\n%s", id, fix->code, text);
    forget(&now);

    char *changed = cni_description_edit_text(&now.arena, f->description, fix->edits, fix->edit_count, &error);
    if (!changed) {
        print_message("%s: %s: not in the text: %s\n", id, fix->code, error.text);
        forget(&now);
        return;
    }
    char *kept = strdup(changed);
    forget(&now);
    find_in(&now, kept, id);
    if (is_still_there(&now, id, layer, finding->severity, finding->rule->whole))
        fail_msg("%s: %s does not help in the text\n%s\nwhich was\n%s", id, fix->code, kept, text);
    forget(&now);
    free(kept);
}

static inline void check_position(const found *f, const cni_finding *finding, const char *text)
{
    if (finding->node < 0) return;
    const cni_span *span = &finding->span;
    const char *at = text;
    assert_true(span->line > 0 && span->column > 0);
    for (int line = 1; line < span->line; line++) at = strchr(at, '\n') + 1;
    at += span->column - 1;
    const char *class_name = f->analysis->nodes[finding->node].layer->class_name;
    const char *call = strstr(at, class_name);
    /* the call as written: the module, if there is one, and the class; or a function that stands for it */
    if (call && call - at < 20 && strcspn(at, "( \n") >= (size_t)(call - at)) return;
    if (strncmp(at, "F.", 2) == 0 || strncmp(at, "torch.", 6) == 0) return;
    fail_msg("%s points at \"%.20s\", not at %s", finding->rule->id, at, class_name);
}

static inline void check_case(void **state)
{
    const rule_case *c = *state;
    found f;
    find_in(&f, c->text, NULL);
    const cni_finding *finding = finding_of(&f, c->id);
    if (!finding) fail_msg("%s is not found in\n%s", c->id, c->text);
    if (finding->severity != c->severity)
        fail_msg("%s has severity %d, not %d: %s", c->id, finding->severity, c->severity, finding->text);
    const char *layer = finding->node < 0 ? NULL : f.analysis->nodes[finding->node].name;
    if (!layer != !c->layer || (layer && strcmp(layer, c->layer) != 0))
        fail_msg("%s is found at %s, not %s", c->id, layer ? layer : "none", c->layer ? c->layer : "none");
    if (!strstr(finding->text, c->says) && !(finding->history && strstr(finding->history, c->says)))
        fail_msg("%s says\n%s\n%s\nand not %s", c->id, finding->text, finding->history ? finding->history : "",
                 c->says);
    if (finding->fix_count < c->fixes)
        fail_msg("%s has %d fixes, not %d: %s", c->id, finding->fix_count, c->fixes, finding->text);
    check_position(&f, finding, c->text);
    for (int i = 0; i < finding->fix_count; i++) check_fix(&f, finding, finding->fixes + i, c->text);
    forget(&f);

    find_in(&f, c->near, NULL);
    finding = finding_of(&f, c->id);
    if (finding) fail_msg("%s is found where it should not be: %s\nin\n%s", c->id, finding->text, c->near);
    forget(&f);
}

/* Each case is a test of its own, beside others. */
static inline int run_cases(const char *name, const rule_case *cases, size_t count, const struct CMUnitTest *others,
                            size_t other_count)
{
    struct CMUnitTest *tests = calloc(count + other_count, sizeof *tests);
    char(*names)[64] = calloc(count + 1, sizeof *names);
    if (!tests || !names) return 1;
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "%s at %s (case %zu)", cases[i].id, cases[i].layer ? cases[i].layer : "all",
                 i);
        tests[i] = (struct CMUnitTest){names[i], check_case, NULL, NULL, (void *)(uintptr_t)(cases + i)};
    }
    for (size_t i = 0; i < other_count; i++) tests[count + i] = others[i];
    const int failed = _cmocka_run_group_tests(name, tests, count + other_count, NULL, NULL);
    free(names);
    free(tests);
    return failed;
}
#define RUN_CASES(name, cases, others)                                                                                 \
    run_cases((name), (cases), sizeof(cases) / sizeof *(cases), (others), sizeof(others) / sizeof *(others))

#endif
