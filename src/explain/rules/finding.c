/* SPDX-License-Identifier: Apache-2.0
 * Runs the rules, tries what would mend a finding on a copy of the description, and puts findings in order. */
#include "explain/rules/rules.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cni_rule *const cni_rules[] = {
    &cni_rule_s100, &cni_rule_s101, &cni_rule_s102, &cni_rule_s103, &cni_rule_s104, &cni_rule_s105, &cni_rule_s106,
    &cni_rule_s107, &cni_rule_s108, &cni_rule_s110, &cni_rule_s111, &cni_rule_p201, &cni_rule_p203, &cni_rule_p204,
    &cni_rule_p205, &cni_rule_p207, &cni_rule_p209, &cni_rule_k301, &cni_rule_k302, &cni_rule_k303, &cni_rule_k306,
    &cni_rule_k308, &cni_rule_r401, &cni_rule_r402, &cni_rule_c501, &cni_rule_t601, &cni_rule_t604, &cni_rule_t611,
};
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

/* ---- switched off ---- */

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

/* ---- how an edit is written ---- */

/* The text of a span, in one line. */
static bool slice(const cni_description *d, const cni_span *span, char *out, size_t size)
{
    const char *at = d->text, *end = d->text ? d->text + d->text_size : NULL;
    size_t length = 0;
    if (!at || !span->line) return false;
    int line = 1, column = 1;
    for (; at < end; at++) {
        if (line > span->end_line || (line == span->end_line && column >= span->end_column)) break;
        const bool inside = line > span->line || (line == span->line && column >= span->column);
        const bool blank = *at == '\n' || *at == '\r' || *at == ' ' || *at == '\t';
        if (inside && !(blank && length && out[length - 1] == ' ')) {
            if (length + 2 > size) return false;
            out[length++] = blank ? ' ' : *at;
        }
        if (*at == '\n') {
            line++;
            column = 1;
        } else if ((at[1] & 0xc0) != 0x80) {
            column++;
        }
    }
    out[length] = 0;
    return length > 0;
}

typedef struct writing {
    const cni_description *d;
    const cni_described_layer *layer;
    const cni_edit *edits;
    int count;
    char *out;
    size_t size, length;
} writing;

static void put(writing *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(writing *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(w->out + w->length, w->size - w->length, format, args);
    va_end(args);
    if (length > 0) w->length += (size_t)length;
    if (w->length >= w->size) w->length = w->size - 1;
}

static const char *edited(const writing *w, const char *key)
{
    const char *value = NULL;
    for (int i = 0; i < w->count; i++)
        if (w->edits[i].type == CNI_EDIT_ARGUMENT && strcmp(w->edits[i].key, key) == 0) value = w->edits[i].value;
    return value;
}

static bool is_default(const writing *w, const char *key, const char *value)
{
    const cni_kind *kind = &w->layer->kind->kind;
    for (size_t i = 0; i < kind->field_count; i++)
        if (strcmp(kind->fields[i].key, key) == 0)
            return kind->fields[i].otherwise && strcmp(kind->fields[i].otherwise, value) == 0;
    return false;
}

/* The layer's making with the edits in it: "MaxPooling2D(2, padding='same')"; false where it would be long. */
static bool write_call(writing *w)
{
    const cni_described_layer *layer = w->layer;
    const char *link = "";
    bool named = false;
    if (!layer->class_name) return false;
    put(w, "%s%s(", w->d->dialect == CNI_TORCH ? "nn." : "", layer->class_name);
    for (int i = 0; i < layer->argument_count; i++) {
        const cni_described_argument *argument = layer->arguments + i;
        const char *value = edited(w, argument->key);
        char text[64];
        if (value && is_default(w, argument->key, value)) {
            named = true; /* what stood behind it by position would move up */
            continue;
        }
        named |= !argument->positional;
        if (named && argument->positional) return false;
        if (!value && !slice(w->d, &argument->span, text, sizeof text)) return false;
        put(w, "%s%s%s%s", link, value && !argument->positional ? argument->key : "",
            value && !argument->positional ? "=" : "", value ? value : text);
        link = ", ";
    }
    for (int i = 0; i < w->count; i++) {
        const cni_edit *edit = w->edits + i;
        bool known = edit->type != CNI_EDIT_ARGUMENT;
        for (int j = 0; j < layer->argument_count; j++) known |= strcmp(layer->arguments[j].key, edit->key) == 0;
        if (!known) put(w, "%s%s=%s", link, edit->key, edit->value);
        if (!known) link = ", ";
    }
    put(w, ")");
    return w->length < 64;
}

static const char *layer_name(const cni_findings *findings, int layer)
{
    const char *name = findings->analysis->description->layers[layer].name;
    return name ? name : "?";
}

/* One layer's making with all edits of its arguments; NULL where it cannot be written so. */
static const char *whole_call(cni_findings *findings, int layer, const cni_edit *edits, int count)
{
    const cni_description *d = findings->analysis->description;
    char text[200];
    cni_edit *mine = CNI_NEW_ARRAY(findings->arena, cni_edit, (size_t)count);
    writing w = {.d = d, .layer = d->layers + layer, .edits = mine, .out = text, .size = sizeof text};
    for (int i = 0; mine && i < count; i++) {
        if (edits[i].type == CNI_EDIT_INPUT || edits[i].type == CNI_EDIT_BEFORE || edits[i].layer != layer) continue;
        if (edits[i].type != CNI_EDIT_ARGUMENT) return NULL;
        mine[w.count++] = edits[i];
    }
    return w.layer->kind && write_call(&w) ? cni_arena_text(findings->arena, text) : NULL;
}

static bool is_number(const char *name)
{
    return *name && name[strspn(name, "0123456789.")] == 0;
}

static bool same_change(const cni_edit *a, const cni_edit *b)
{
    return a->type == b->type && a->type != CNI_EDIT_INPUT &&
           strcmp(a->value ? a->value : "", b->value ? b->value : "") == 0 &&
           strcmp(a->key ? a->key : "", b->key ? b->key : "") == 0;
}

/* Whether other layers get what this one gets: they are told together. */
static bool is_one_of_many(const cni_edit *edits, int count, int layer)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count && edits[i].layer == layer; j++)
            if (edits[j].layer != layer && same_change(edits + i, edits + j)) return true;
    return false;
}

/* Whether an edit is told as the layer's whole making: the finding's own layer, and layers without a name that speaks.
 */
static const char *call_of(cni_findings *findings, const cni_finding *finding, const cni_edit *edits, int count, int i)
{
    const int layer = edits[i].layer;
    const int own = finding->node >= 0 ? findings->analysis->nodes[finding->node].layer_index : -1;
    if (edits[i].type != CNI_EDIT_ARGUMENT || is_one_of_many(edits, count, layer)) return NULL;
    const bool alone = finding->node_count < 2 && layer == own;
    if (!alone && !is_number(layer_name(findings, layer))) return NULL;
    const char *call = whole_call(findings, layer, edits, count);
    return !call || alone ? call : cni_say(findings, "%s: %s", layer_name(findings, layer), call);
}

static int count_same(const writing *w, int index)
{
    int count = 0;
    for (int i = 0; i < w->count; i++) count += same_change(w->edits + i, w->edits + index);
    return count;
}

/* "conv2d, conv2d_3": the layers of edits that say the same, from `first` on. */
static void put_layers(writing *w, cni_findings *findings, int first)
{
    enum { MOST = 4, SHOWN = 3 };
    const int all = count_same(w, first), shown = all > MOST ? SHOWN : all;
    int count = 0;
    for (int i = first; i < w->count && count < shown; i++) {
        if (!same_change(w->edits + i, w->edits + first)) continue;
        const char *name = layer_name(findings, w->edits[i].layer);
        const char *class_name = w->d->layers[w->edits[i].layer].class_name;
        put(w, "%s%s", count ? ", " : "", name);
        if (is_number(name) && class_name) put(w, " (%s)", class_name);
        count++;
    }
    if (shown < all) put(w, " and %d more", all - shown);
}

/* Whether two arguments are changed in the same layers. */
static bool same_layers(const writing *w, int a, int b)
{
    if (w->edits[b].type != CNI_EDIT_ARGUMENT || count_same(w, a) != count_same(w, b)) return false;
    for (int i = 0; i < w->count; i++) {
        bool both = !same_change(w->edits + i, w->edits + a);
        for (int j = 0; j < w->count && !both; j++)
            both = same_change(w->edits + j, w->edits + b) && w->edits[j].layer == w->edits[i].layer;
        if (!both) return false;
    }
    return true;
}

/* "decoder.2, decoder.4 kernel_size=4, padding=1": what else changes in the same layers goes with it. */
static void put_arguments(writing *w, int first, bool *said)
{
    const char *link = " ";
    for (int i = first; i < w->count; i++) {
        if (said[i] || (i != first && !same_layers(w, first, i))) continue;
        put(w, "%s%s=%s", link, w->edits[i].key, w->edits[i].value);
        link = ", ";
        for (int j = i; j < w->count; j++) said[j] |= same_change(w->edits + i, w->edits + j);
    }
}

static void put_edit(writing *w, cni_findings *findings, int i, bool *said)
{
    const cni_edit *edit = w->edits + i;
    const char *nn = w->d->dialect == CNI_TORCH ? "nn." : "";
    if (edit->type == CNI_EDIT_INPUT) {
        put(w, "input %lldx%lld", (long long)edit->rows, (long long)edit->columns);
        return;
    }
    if (edit->type == CNI_EDIT_BEFORE) put(w, "%s%s before ", nn, edit->value);
    if (edit->type == CNI_EDIT_REPLACE) put(w, "%s%s instead of ", nn, edit->value);
    if (edit->type == CNI_EDIT_REMOVE) put(w, "without ");
    put_layers(w, findings, i);
    if (edit->type == CNI_EDIT_ARGUMENT) put_arguments(w, i, said);
    for (int j = i; j < w->count; j++) said[j] |= same_change(edit, w->edits + j);
}

static const char *code_of(cni_findings *findings, const cni_finding *finding, const cni_edit *edits, int count)
{
    char text[400] = "";
    writing w = {
        .d = findings->analysis->description, .edits = edits, .count = count, .out = text, .size = sizeof text};
    bool *said = CNI_NEW_ARRAY(findings->arena, bool, (size_t)count + 1);
    for (int i = 0; said && i < count; i++) {
        const char *call = call_of(findings, finding, edits, count, i);
        if (said[i]) continue;
        if (w.length) put(&w, "; ");
        if (call)
            put(&w, "%s", call);
        else
            put_edit(&w, findings, i, said);
        for (int j = i; call && j < count; j++)
            said[j] |= edits[j].type == CNI_EDIT_ARGUMENT && edits[i].layer == edits[j].layer;
    }
    return said ? cni_arena_text(findings->arena, text) : NULL;
}

/* ---- trying ---- */

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
    if (edits && !code) fix.code = code_of(findings, t->finding, edits, t->count);
    if (edits && code && t->count > own) /* what PyTorch's layers count follows */
        fix.code = cni_say(findings, "%s; %s", code, code_of(findings, t->finding, edits + own, t->count - own));
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
        finding->advice = cni_say(findings, "layer by layer: %s.", code_of(findings, finding, t.edits, t.count));
    cni_arena_free(&t.arena);
    return helped;
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
