/* SPDX-License-Identifier: Apache-2.0
 * Tries what would mend a finding on a copy of the description. */
#include "explain/rules/edit_words.h"
#include "explain/rules/rules.h"

#include <math.h>
#include <string.h>

typedef struct trial {
    cni_findings *findings;
    cni_finding *finding;
    cni_arena arena;
    cni_edit *edits;
    int count, capacity;
    bool apart; /* layers change one by one, wherever they come from */
    cni_analysis *after;
} trial;

/* A copy whose layers have no places in the text, and so nothing in common. */
static const cni_description *without_places(cni_arena *arena, const cni_description *d)
{
    cni_description *copy = CNI_NEW(arena, cni_description);
    cni_described_layer *layers = CNI_NEW_ARRAY(arena, cni_described_layer, (size_t)d->layer_count);
    if (!copy || !layers) return NULL;
    *copy = *d;
    for (int i = 0; i < d->layer_count; i++) {
        layers[i] = d->layers[i];
        layers[i].span = (cni_span){.line = 0};
    }
    copy->layers = layers;
    return copy;
}

static bool analyse(trial *t)
{
    const cni_analysis *before = t->findings->analysis;
    cni_explain_options options = before->options;
    cni_description *edited_description;
    int changes = 0;
    cni_edit *edits = CNI_NEW_ARRAY(&t->arena, cni_edit, (size_t)t->count + 1);
    if (!edits) return false;
    for (int i = 0; i < t->count; i++) {
        const cni_explained *image = before->nodes;
        if (t->edits[i].type != CNI_EDIT_INPUT) {
            edits[changes++] = t->edits[i];
            continue;
        }
        if (image->spatial != 2 || image->channels < 1) return false;
        const bool first = image->format == CN_CHANNELS_FIRST;
        options.input[0][first ? 1 : 0] = t->edits[i].rows;
        options.input[0][first ? 2 : 1] = t->edits[i].columns;
        options.input[0][first ? 0 : 2] = image->channels;
        if (!options.input_count) options.input_count = 1;
    }
    const cni_description *from = t->apart ? without_places(&t->arena, before->description) : before->description;
    return from && !cni_description_edit(&t->arena, from, edits, changes, &edited_description, NULL) &&
           !cni_analyse(&t->arena, edited_description, &options, &t->after, NULL);
}

static const cni_explained *first_of_layer(const cni_analysis *analysis, int layer)
{
    for (int i = 0; i < analysis->count; i++)
        if (analysis->nodes[i].layer_index == layer) return analysis->nodes + i;
    return NULL;
}

static bool is_wrong(const cni_findings *findings, const cni_explained *node)
{
    return node->error.status || cni_shape_cause_of(findings, node) != CNI_CAUSE_NONE;
}

/* PyTorch's layers count what arrives: those whose number is now another one get it, too. */
static bool follow(trial *t)
{
    const int before = t->count;
    for (int i = 0; i < t->after->count; i++) {
        const cni_explained *node = t->after->nodes + i;
        const char *key;
        int64_t expected, arriving;
        if (!cni_expected(t->after, node, &key, &expected, &arriving) || expected == arriving) continue;
        const cni_explained *old = first_of_layer(t->findings->analysis, node->layer_index);
        if (!old || is_wrong(t->findings, old) || t->count == t->capacity) continue;
        t->edits[t->count++] = (cni_edit){.type = CNI_EDIT_ARGUMENT,
                                          .layer = node->layer_index,
                                          .key = key,
                                          .value = cni_say(t->findings, "%lld", (long long)arriving)};
    }
    return t->count > before;
}

static bool has_new_error(const trial *t, const cni_findings *now)
{
    for (int i = 0; i < t->after->count; i++) {
        const cni_explained *node = t->after->nodes + i;
        if (!is_wrong(now, node)) continue;
        const cni_explained *old = first_of_layer(t->findings->analysis, node->layer_index);
        if (!old || !is_wrong(t->findings, old)) return true;
    }
    return false;
}

static bool concerns(const cni_analysis *analysis, const cni_finding *finding, int layer)
{
    if (finding->node >= 0 && analysis->nodes[finding->node].layer_index == layer) return true;
    for (int i = 0; i < finding->node_count; i++)
        if (analysis->nodes[finding->nodes[i]].layer_index == layer) return true;
    return false;
}

/* Layers of a finding, one after the other; false at the end. */
static bool layer_at(const cni_analysis *analysis, const cni_finding *finding, int i, int *layer)
{
    if (i == 0 && finding->node >= 0) *layer = analysis->nodes[finding->node].layer_index;
    if (i > 0 && i <= finding->node_count) *layer = analysis->nodes[finding->nodes[i - 1]].layer_index;
    if (i == 0 && finding->node < 0) *layer = -1;
    return i <= finding->node_count;
}

static bool is_among(const cni_findings *findings, int layer)
{
    for (int i = 0; i < findings->count; i++)
        if (concerns(findings->analysis, findings->items + i, layer)) return true;
    return false;
}

/* Whether a finding of the edited network says that the tried one is still there, or that there is a new one; `was`:
 * what the rule found before. */
static bool remains(const trial *t, const cni_findings *was, const cni_finding *found)
{
    const cni_analysis *before = t->findings->analysis;
    const cni_finding *tried = t->finding;
    int layer;
    if (tried->rule->whole) return true;
    const int primary = tried->node >= 0 ? before->nodes[tried->node].layer_index : -1;
    if (concerns(t->after, found, primary)) return true;
    if (found->severity < tried->severity) return false;
    for (int i = 0; layer_at(t->after, found, i, &layer); i++)
        if (concerns(before, tried, layer) || !is_among(was, layer)) return true;
    return false;
}

static bool helps(trial *t)
{
    cni_findings now = {.arena = &t->arena, .analysis = t->after};
    for (int round = 0;; round++) { /* a Linear behind a Linear needs one more */
        if (!analyse(t)) return false;
        now.analysis = t->after;
        if (round == 4 || !follow(t)) break;
    }
    if (has_new_error(t, &now)) return false;
    cni_findings was = {.arena = &t->arena, .analysis = t->findings->analysis};
    t->finding->rule->look(&now, t->finding->rule);
    if (now.count) t->finding->rule->look(&was, t->finding->rule);
    if (now.failed || was.failed) return false;
    for (int i = 0; i < now.count; i++)
        if (remains(t, &was, now.items + i)) return false;
    return true;
}

static bool is_edited(const trial *t, int layer)
{
    for (int i = 0; i < t->count; i++)
        if (t->edits[i].type != CNI_EDIT_INPUT && t->edits[i].layer == layer) return true;
    return false;
}

/* "6x6x64" where only the layer itself changes, else the sizes from the first change on. */
static const char *result_of(const trial *t)
{
    const cni_analysis *before = t->findings->analysis;
    if (t->finding->node < 0) return NULL;
    const int layer = before->nodes[t->finding->node].layer_index;
    const cni_explained *node = first_of_layer(t->after, layer), *old = first_of_layer(before, layer);
    if (!node || node->shape.rank < 2) return NULL;
    const cni_explained *first = NULL;
    for (const cni_explained *at = node;; at = t->after->nodes + at->inputs[0]) {
        if (is_edited(t, at->layer_index)) first = at;
        if (t->edits[0].type == CNI_EDIT_INPUT) first = at;
        if (!at->input_count) break;
    }
    if (!first || (first == node && cni_shape_equal(&node->shape, &old->shape))) return NULL;
    if (first == node || !node->spatial) return cni_say_shape(t->findings, &node->shape);
    const char *way = cni_say_way(t->findings, t->after, first->id, node->id, 0, ">");
    const char *was = cni_say_way(t->findings, before, -1, t->finding->node, 0, ">");
    const size_t length = strlen(way), longer = strlen(was);
    const bool same = longer >= length && strcmp(was + longer - length, way) == 0;
    return same || length > 40 || !strchr(way, '>') ? NULL : way;
}

static bool had_errors(const cni_findings *findings)
{
    for (int i = 0; i < findings->analysis->count; i++)
        if (is_wrong(findings, findings->analysis->nodes + i)) return true;
    return false;
}

static int64_t weights_of(const cni_analysis *analysis)
{
    return cni_amount_sum(analysis->params);
}

static void set_price(const trial *t, cni_fix *fix)
{
    const cni_analysis *before = t->findings->analysis;
    fix->macs_share = NAN;
    if (had_errors(t->findings)) return;
    if (cni_seen(weights_of(t->after)) && cni_seen(weights_of(before)))
        fix->params = weights_of(t->after) - weights_of(before);
    if (!cni_seen(t->after->macs) || !cni_seen(before->macs) || before->macs <= 0) return;
    fix->macs = t->after->macs - before->macs;
    fix->macs_share = (double)fix->macs / (double)before->macs;
}

static bool keep(trial *t, const char *code, int own)
{
    cni_findings *findings = t->findings;
    cni_edit *edits = CNI_NEW_ARRAY(findings->arena, cni_edit, (size_t)t->count);
    cni_fix fix = {.edits = edits, .edit_count = t->count, .code = cni_arena_text(findings->arena, code)};
    if (edits) memcpy(edits, t->edits, (size_t)t->count * sizeof *edits);
    if (edits && !code) fix.code = cni_say_edits(findings, t->finding, edits, t->count);
    if (edits && code && t->count > own) /* what PyTorch's layers count follows */
        fix.code = cni_say(findings, "%s; %s", code, cni_say_edits(findings, t->finding, edits + own, t->count - own));
    if (!edits || !fix.code) {
        findings->failed = true;
        return false;
    }
    fix.result = result_of(t);
    set_price(t, &fix);
    t->finding->fixes[t->finding->fix_count++] = fix;
    return true;
}

static bool begin(trial *t, cni_findings *findings, cni_finding *finding, const cni_edit *edits, int count)
{
    enum { FOLLOWING = 16 };
    if (!finding || !findings->try_fixes || findings->tries <= 0) return false;
    if (finding->node >= 0 && cni_finding_off(findings, finding->rule, finding->node)) return false;
    findings->tries--;
    *t = (trial){.findings = findings, .finding = finding, .count = count, .capacity = count + FOLLOWING};
    cni_arena_init(&t->arena, (size_t)256 << 20);
    t->edits = CNI_NEW_ARRAY(&t->arena, cni_edit, (size_t)t->capacity);
    if (t->edits) memcpy(t->edits, edits, (size_t)count * sizeof *edits);
    return true;
}

bool cni_finding_try(cni_findings *findings, cni_finding *finding, const cni_edit *edits, int count, const char *code)
{
    trial t;
    if (!finding || finding->fix_count == CNI_MAX_FIXES || !begin(&t, findings, finding, edits, count)) return false;
    const bool helped = t.edits && helps(&t) && keep(&t, code, count);
    cni_arena_free(&t.arena);
    return helped;
}

bool cni_finding_advise(cni_findings *findings, cni_finding *finding, const cni_edit *edits, int count)
{
    trial t;
    if (!begin(&t, findings, finding, edits, count)) return false;
    t.apart = true;
    const bool helped = t.edits && helps(&t);
    if (helped)
        finding->advice = cni_say(findings, "layer by layer: %s.", cni_say_edits(findings, finding, t.edits, t.count));
    cni_arena_free(&t.arena);
    return helped;
}
