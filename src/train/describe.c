/* SPDX-License-Identifier: Apache-2.0
 * cn_describe: the tables of kinds as text for a terminal of 80 columns. */
#include "train/describe.h"

#include "base/table.h"
#include "learning/losses.h"
#include "learning/metrics.h"
#include "learning/optimizers.h"
#include "train/callback.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const cni_group cni_groups[] = {
    {"layers", &cni_layers, "what a model is made of", NULL},
    {"activations", &cni_activations, "functions of every number", "cn_dense(10, .activation = \"%s\")"},
    {"initializers", &cni_initializers, "what weights start from", "cn_dense(10, .kernel_initializer = \"%s\")"},
    {"regularizers", &cni_regularizers, "penalties on weights or outputs, added to the loss",
     "cn_dense(10, .kernel_regularizer = \"%s\")"},
    {"constraints", &cni_constraints, "what weights are held to after each update",
     "cn_dense(10, .kernel_constraint = \"%s\")"},
    {"losses", &cni_losses, "what training makes small", "cn_compile(model, .loss = \"%s\");"},
    {"metrics", &cni_metrics, "what is measured beside the loss", "cn_compile(model, .metrics = {\"%s\"});"},
    {"optimizers", &cni_optimizers, "how gradients change weights", NULL},
    {"schedules", &cni_schedules, "learning rates that change with the steps",
     "cn_sgd(.learning_rate_schedule = \"%s\")"},
    {"callbacks", &cni_callbacks, "what happens round epochs and batches", NULL},
};
const size_t cni_group_count = sizeof cni_groups / sizeof *cni_groups;

enum { WIDTH = 80 };

static const char *module_of(const cni_group *group, const cni_kind *kind)
{
    return kind->module ? kind->module : group->family->module;
}

bool cni_group_owns(const cni_group *group, const cni_kind *kind)
{
    return strcmp(module_of(group, kind), group->family->module) == 0;
}

/* ---- one argument ---- */

bool cni_field_is_argument(const cni_field *field)
{
    return field->type != CNI_FIELD_NOTHING && !(field->flags & CNI_READ_ONLY);
}

static void add_choices(cni_text *out, const char *const *choices)
{
    for (const char *const *choice = choices; *choice; choice++)
        cni_text_printf(out, "%s'%s'", choice == choices ? "" : choice[1] ? ", " : " or ", *choice);
}

/* A layer's padding may be given per side where its kind turns that into a ZeroPadding2D. */
static bool takes_sides(const cni_group *group, const cni_kind *kind)
{
    return group->family == &cni_layers && ((const cni_layer_kind *)kind)->padding;
}

static void add_type(cni_text *out, const cni_group *group, const cni_kind *kind, const cni_field *field)
{
    static const char *const types[] = {
        [CNI_FIELD_INT] = "int",
        [CNI_FIELD_PAIR] = "int or (int, int)",
        [CNI_FIELD_REAL] = "float",
        [CNI_FIELD_BOOL] = "bool",
        [CNI_FIELD_TEXT] = "text",
        [CNI_FIELD_PADDING] = "'valid' or 'same'",
        [CNI_FIELD_FORMAT] = "'channels_last' or 'channels_first'",
        [CNI_FIELD_SIDES] = "int, (int, int) or ((int, int), (int, int))",
        [CNI_FIELD_INTS] = "int or list of ints",
        [CNI_FIELD_REALS] = "float or list of floats",
        [CNI_FIELD_TUPLE] = "int or tuple of ints",
    };
    static const char *const of_axes[][4] = {
        {"", "int", "int or (int, int)", "int or (int, int, int)"},
        {"", "int or (int, int)", "int, (int, int) or ((int, int), (int, int))",
         "int, (int, int, int) or ((int, int), (int, int), (int, int))"},
    };
    if (field->choices)
        add_choices(out, field->choices);
    else if (field->axes)
        cni_text_add(out, of_axes[field->type == CNI_FIELD_BORDERS][field->axes]);
    else if (field->type == CNI_FIELD_OBJECT)
        cni_text_add(out, field->family->what);
    else if (field->type == CNI_FIELD_PADDING && takes_sides(group, kind))
        cni_text_add(out, "'valid', 'same' or ((top, bottom), (left, right))");
    else
        cni_text_add(out, types[field->type]);
    if (field->type == CNI_FIELD_REAL && field->family) cni_text_printf(out, " or %s", field->family->what);
    bool nullable = (field->flags & CNI_NULLABLE) && !(field->otherwise && strcmp(field->otherwise, "None") == 0);
    if (nullable) cni_text_add(out, " or None");
}

static void add_default(cni_text *out, const cni_field *field)
{
    if (field->flags & CNI_REQUIRED)
        cni_text_add(out, ", required");
    else if (field->type == CNI_FIELD_FORMAT)
        cni_text_add(out, ", default as configured");
    else
        cni_text_printf(out, ", default %s", field->otherwise);
}

static void add_range(cni_text *out, const cni_field *field)
{
    char low[32], high[32];
    if (field->min == 0 && field->max == 0) return;
    cni_show_real(field->min, low);
    cni_show_real(field->max, high);
    char *const ends[] = {low, high};
    for (int i = 0; i < 2; i++) { /* a whole number needs no fraction here */
        size_t length = strlen(ends[i]);
        if (length > 2 && strcmp(ends[i] + length - 2, ".0") == 0) ends[i][length - 2] = 0;
    }
    bool open = field->flags & CNI_OPEN;
    if (field->max >= 1e9)
        cni_text_printf(out, ", %s %s", open ? "above" : "at least", low);
    else
        cni_text_printf(out, ", %s %s to %s", open ? "above" : "from", low, high);
}

void cni_describe_field(cni_text *out, const cni_group *group, const cni_kind *kind, const cni_field *field)
{
    add_type(out, group, kind, field);
    add_default(out, field);
    add_range(out, field);
}

void cni_describe_member(cni_text *out, const cni_group *group, const cni_kind *kind, const cni_field *field)
{
    if (group->usage || !kind->example) return;
    if (field->flags & CNI_NO_MEMBER) cni_text_add(out, "in Keras' text and JSON only");
    if (!(field->flags & CNI_NEGATED)) return;
    const char *dot = strrchr(field->member, '.');
    cni_text_printf(out, "in C .%s = %s", dot ? dot + 1 : field->member,
                    strcmp(field->otherwise, "True") == 0 ? "true" : "false");
}

void cni_describe_fixed(cni_text *out, const cni_kind *kind)
{
    for (size_t i = 0; i < kind->field_count; i++) {
        const cni_field *field = kind->fields + i;
        if (field->type != CNI_FIELD_NOTHING || (field->flags & CNI_READ_ONLY)) continue;
        if (out->length) cni_text_add(out, ", ");
        cni_text_printf(out, "%s=%s", field->key, field->otherwise);
    }
}

/* ---- examples ---- */

void cni_describe_keras(cni_text *out, const cni_group *group, const cni_kind *kind)
{
    if (kind->keras)
        cni_text_add(out, kind->keras);
    else if (group->usage)
        cni_text_add(out, kind->aliases ? kind->aliases[0] : kind->name);
    else
        cni_text_printf(out, "%s()", kind->name);
}

void cni_describe_c(cni_text *out, const cni_group *group, const cni_kind *kind)
{
    cni_text keras = {0};
    if (!group->usage) {
        cni_text_add(out, kind->example ? kind->example : "");
        return;
    }
    cni_describe_keras(&keras, group, kind);
    const char *hole = strstr(group->usage, "%s");
    cni_text_bytes(out, group->usage, (size_t)(hole - group->usage));
    cni_text_add(out, cni_text_get(&keras));
    cni_text_add(out, hole + 2);
    cni_text_free(&keras);
}

void cni_describe_limits(cni_text *out, const cni_group *group, const cni_kind *kind)
{
    if (group->family != &cni_layers) return;
    if (!((const cni_layer_kind *)kind)->lower)
        cni_text_add(out, "Models with this layer are read, summarised and explained; they cannot be run yet.");
    else if (!kind->example)
        cni_text_add(out, "It has no macro in C yet: models with this layer come from Keras' text and files.");
}

/* ---- one kind ---- */

static void add_title(cni_text *out, const cni_group *group, const cni_kind *kind)
{
    cni_text title = {0};
    cni_text_printf(&title, "%s: %s, %s.%s", kind->name, group->family->what, module_of(group, kind), kind->name);
    for (const char *const *alias = kind->aliases; alias && *alias; alias++)
        cni_text_printf(&title, "%s%s", alias == kind->aliases ? "; also " : ", ", *alias);
    cni_paragraph(out, cni_text_get(&title), 0, 4, WIDTH);
    cni_text_free(&title);
    cni_text_char(out, '\n');
    cni_paragraph(out, kind->help, 0, 0, WIDTH);
}

/* Formulas of a row are parted by a semicolon and two blanks. */
static void add_formula(cni_text *out, const char *formula)
{
    if (!formula) return;
    cni_text_char(out, '\n');
    for (const char *at = formula; *at;) {
        const char *end = strstr(at, ";  ");
        size_t length = end ? (size_t)(end - at) : strlen(at);
        char *line = strndup(at, length);
        cni_paragraph(out, line ? line : "", 4, 8, WIDTH);
        out->failed |= !line;
        free(line);
        at += length + (end ? 3 : 0);
    }
}

static void add_argument(cni_text *out, const cni_group *group, const cni_kind *kind, const cni_field *field)
{
    cni_text line = {0}, member = {0};
    cni_text_printf(&line, "%s: ", field->key);
    cni_describe_field(&line, group, kind, field);
    cni_describe_member(&member, group, kind, field);
    if (member.length) cni_text_printf(&line, " (%s)", cni_text_get(&member));
    cni_paragraph(out, cni_text_get(&line), 2, 6, WIDTH);
    cni_paragraph(out, field->help, 6, 6, WIDTH);
    out->failed |= line.failed | member.failed;
    cni_text_free(&line);
    cni_text_free(&member);
}

static void add_arguments(cni_text *out, const cni_group *group, const cni_kind *kind)
{
    bool any = false;
    for (size_t i = 0; i < kind->field_count; i++) {
        if (!cni_field_is_argument(kind->fields + i)) continue;
        if (!any) cni_text_add(out, "\nArguments\n");
        any = true;
        add_argument(out, group, kind, kind->fields + i);
    }
    cni_text fixed = {0};
    cni_describe_fixed(&fixed, kind);
    if (fixed.length) {
        cni_text line = {0};
        cni_text_printf(&line, "Taken at this value only: %s", cni_text_get(&fixed));
        cni_text_char(out, '\n');
        cni_paragraph(out, cni_text_get(&line), 0, 4, WIDTH);
        cni_text_free(&line);
    }
    cni_text_free(&fixed);
}

static void add_example(cni_text *out, const char *language, cni_text *example)
{
    cni_text_printf(out, "\nIn %s\n", language);
    cni_paragraph(out, cni_text_get(example), 2, 6, WIDTH);
    out->failed |= example->failed;
    cni_text_free(example);
}

static void add_kind(cni_text *out, const cni_group *group, const cni_kind *kind)
{
    cni_text keras = {0}, c = {0}, limits = {0};
    add_title(out, group, kind);
    add_formula(out, kind->formula);
    add_arguments(out, group, kind);
    cni_describe_keras(&keras, group, kind);
    cni_describe_c(&c, group, kind);
    add_example(out, "Keras", &keras);
    if (c.length)
        add_example(out, "C", &c);
    else
        cni_text_free(&c);
    cni_describe_limits(&limits, group, kind);
    if (limits.length) cni_text_char(out, '\n');
    if (limits.length) cni_paragraph(out, cni_text_get(&limits), 0, 0, WIDTH);
    cni_text_free(&limits);
}

/* ---- groups ---- */

static void add_group(cni_text *out, const cni_group *group)
{
    const cni_family *family = group->family;
    size_t widest = 0;
    for (size_t i = 0; i < family->count; i++)
        if (cni_group_owns(group, family->kinds[i]) && strlen(family->kinds[i]->name) > widest)
            widest = strlen(family->kinds[i]->name);
    cni_text_printf(out, "%s: %s\n\n", group->name, group->help);
    for (size_t i = 0; i < family->count; i++) {
        if (!cni_group_owns(group, family->kinds[i])) continue;
        cni_text line = {0};
        cni_text_printf(&line, "%-*s  %s", (int)widest, family->kinds[i]->name, family->kinds[i]->help);
        cni_paragraph(out, cni_text_get(&line), 2, (int)widest + 4, WIDTH);
        out->failed |= line.failed;
        cni_text_free(&line);
    }
}

static void add_overview(cni_text *out)
{
    cni_text_add(out, "What Cornu knows, by Keras' names.  Ask for one of them, or for a group.\n");
    for (size_t i = 0; i < cni_group_count; i++) {
        const cni_family *family = cni_groups[i].family;
        cni_text names = {0};
        cni_text_printf(out, "\n%s: %s\n", cni_groups[i].name, cni_groups[i].help);
        for (size_t j = 0; j < family->count; j++)
            if (cni_group_owns(cni_groups + i, family->kinds[j]))
                cni_text_printf(&names, "%s%s", j ? ", " : "", family->kinds[j]->name);
        cni_paragraph(out, cni_text_get(&names), 4, 4, WIDTH);
        cni_text_free(&names);
    }
}

/* ---- looking up ---- */

typedef int comparison(const char *a, const char *b);

static bool is_called(const cni_kind *kind, const char *name, comparison *compare)
{
    if (compare(kind->name, name) == 0) return true;
    for (const char *const *alias = kind->aliases; alias && *alias; alias++)
        if (compare(*alias, name) == 0) return true;
    return false;
}

/* Every kind of that name: "MeanSquaredError" is a loss and a metric. */
static int add_kinds(cni_text *out, const char *name, comparison *compare)
{
    int found = 0;
    for (size_t i = 0; i < cni_group_count; i++)
        for (size_t j = 0; j < cni_groups[i].family->count; j++) {
            const cni_kind *kind = cni_groups[i].family->kinds[j];
            if (!cni_group_owns(cni_groups + i, kind) || !is_called(kind, name, compare)) continue;
            if (found++) cni_text_add(out, "\n\n");
            add_kind(out, cni_groups + i, kind);
        }
    return found;
}

/* relu is an activation; ReLU, which differs in case only, is a layer. */
static void add_twins(cni_text *out, const char *name)
{
    for (size_t i = 0; i < cni_group_count; i++)
        for (size_t j = 0; j < cni_groups[i].family->count; j++) {
            const cni_kind *kind = cni_groups[i].family->kinds[j];
            if (cni_group_owns(cni_groups + i, kind) && is_called(kind, name, strcasecmp) &&
                !is_called(kind, name, strcmp))
                cni_text_printf(out, "\nSee also %s, %s %s.\n", kind->name,
                                strchr("aeiou", cni_groups[i].family->what[0]) ? "an" : "a",
                                cni_groups[i].family->what);
        }
}

static bool add_named(cni_text *out, const char *name)
{
    for (size_t i = 0; i < cni_group_count; i++)
        if (strcasecmp(cni_groups[i].name, name) == 0) {
            add_group(out, cni_groups + i);
            return true;
        }
    if (!add_kinds(out, name, strcmp)) return add_kinds(out, name, strcasecmp) > 0;
    add_twins(out, name);
    return true;
}

/* The name that was meant to be: one with a slip of the pen, or the first that begins so. */
static const char *nearest_name(const char *name)
{
    const char *names[512];
    size_t count = 0;
    for (size_t i = 0; i < cni_group_count; i++) {
        if (count < 512) names[count++] = cni_groups[i].name;
        for (size_t j = 0; j < cni_groups[i].family->count; j++) {
            const cni_kind *kind = cni_groups[i].family->kinds[j];
            if (count < 512) names[count++] = kind->name;
            for (const char *const *alias = kind->aliases; alias && *alias; alias++)
                if (count < 512) names[count++] = *alias;
        }
    }
    const char *nearest = cni_nearest(name, names, count);
    const size_t length = strlen(name);
    for (size_t i = 0; !nearest && length > 2 && i < count; i++)
        if (strncasecmp(names[i], name, length) == 0) nearest = names[i];
    return nearest;
}

char *cn_describe(const char *name, const char **nearest)
{
    cni_text out = {0};
    if (nearest) *nearest = NULL;
    if (!name) add_overview(&out);
    const char *dot = name ? strrchr(name, '.') : NULL; /* keras.layers.Conv2D */
    const char *last = dot ? dot + 1 : name;
    if (name && !add_named(&out, last)) {
        if (nearest) *nearest = nearest_name(last);
        return NULL;
    }
    return cni_text_take(&out);
}

void cn_text_free(char *text)
{
    free(text);
}
