/* SPDX-License-Identifier: Apache-2.0
 * Choices of algorithms that come from files, and what models remember of those that they were trained by. */
#include "model/plan_files.h"

#include "base/text.h"
#include "model/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ---- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void take_name(cn_context *context, const char *path)
{
    snprintf(context->plan_file, sizeof context->plan_file, "%s", path ? path : "");
    context->choices.measured = false;
}

static cn_status ready(cn_context *context, const char *what)
{
    cni_error_clear(&context->error);
    if (!context->running) return CN_OK;
    return cni_fail(&context->error, CN_ERR_STATE, "%s: a fit or an evaluation is running", what);
}

static cn_status load(cn_context *context, const char *path)
{
    cni_choices read = {.measure = context->choices.measure, .version = context->choices.version + 1};
    CN_TRY(ready(context, "cn_plan_file_load"));
    cn_status status = path ? cni_formats.read_plan(path, context->kernels.name, &read, &context->error) : CN_OK;
    if (status) {
        cni_choices_clear(&read);
        return status;
    }
    cni_choices_clear(&context->choices);
    cni_choices_clear(&context->planned);
    context->choices = read;
    take_name(context, path);
    return CN_OK;
}

static cn_status save(cn_context *context, const char *path)
{
    CN_TRY(ready(context, "cn_plan_file_save"));
    if (!path) return cni_fail(&context->error, CN_ERR_INVALID, "cn_plan_file_save: no path given (NULL)");
    if (strcmp(path, context->plan_file) == 0 && !context->choices.measured) return CN_OK;
    CN_TRY(cni_formats.write_plan(path, context->kernels.name, &context->choices, &context->error));
    take_name(context, path);
    return CN_OK;
}

static cn_status answer(cn_context *context, cn_status status, const char **error)
{
    if (error) *error = status ? context->error.text : NULL;
    return status;
}

cn_status cn_plan_file_load(cn_context *context, const char *path, const char **error)
{
    if (error) *error = NULL;
    if (!context) context = cn_default_context();
    return context ? answer(context, load(context, path), error) : CN_ERR_MEMORY;
}

cn_status cn_plan_file_save(cn_context *context, const char *path, const char **error)
{
    if (error) *error = NULL;
    if (!context) context = cn_default_context();
    return context ? answer(context, save(context, path), error) : CN_ERR_MEMORY;
}

/* ---- what models remember ---- */

void cni_note_planned(cn_context *context, const cni_choices *used)
{
    if (!*context->plan_file) return;
    for (int i = 0; i < used->count; i++) cni_choices_put(&context->planned, &used->rows[i]);
}

int cn_plan_convolutions(cn_context *context, int *known)
{
    if (known) *known = 0;
    if (!context) context = cn_default_context();
    if (!context) return 0;
    for (int i = 0; known && i < context->planned.count; i++) {
        const cni_choice *row = &context->planned.rows[i];
        *known += cni_choices_find(&context->choices, &row->shape, row->batch) != NULL;
    }
    return context->planned.count;
}

void cni_take_trained_ways(cn_model *model, cni_choices *used)
{
    const cn_context *context = model->context;
    cni_choices_clear(&model->trained_ways);
    if (!context->choices.count) return;
    model->trained_ways = *used;
    *used = (cni_choices){0};
    snprintf(model->trained_plan, sizeof model->trained_plan, "%.*s", CNI_PLAN_NAME - 1, last_part(context->plan_file));
    snprintf(model->trained_isa, sizeof model->trained_isa, "%s", context->kernels.name);
}

/* What would be taken now; NULL: that is still to be measured. */
static const char *way_now(const cn_context *context, const cni_choice *then)
{
    const cni_run run = {.batch = then->batch, .math = context->math, .kernels = &context->kernels};
    const cni_choice *row = cni_choices_find(&context->choices, &then->shape, then->batch);
    const bool direct = context->math == CN_MATH_DIRECT;
    if (!row && context->choices.measure && !direct) return NULL;
    const bool follows = row && cni_algorithm_allowed(row->algorithm, &then->shape, &run);
    const cni_algorithm now = follows ? row->algorithm : cni_choose_algorithm(&then->shape, &run);
    return cni_algorithm_rows[now].name;
}

static void tell_first(cni_text *text, const cni_choice *then, const char *now)
{
    static const char *const passes[CNI_PASSES] = {"forward", "for the data", "for the weights"};
    const cni_conv_shape *s = &then->shape;
    cni_text_printf(text, "%dx%d of %dx%dx%d, %s, batch %d: %s then, %s now", s->window[0], s->window[1], s->from[0],
                    s->from[1], s->from[2], passes[s->pass], then->batch, cni_algorithm_rows[then->algorithm].name,
                    now ? now : "to be measured");
}

static void tell(cni_text *text, const cn_model *model)
{
    const cni_choices *then = &model->trained_ways;
    const cn_context *context = model->context;
    cni_text first = {0};
    int others = 0;
    for (int i = 0; i < then->count; i++) {
        const char *now = way_now(context, &then->rows[i]);
        if (now && strcmp(now, cni_algorithm_rows[then->rows[i].algorithm].name) == 0) continue;
        if (!others++) tell_first(&first, &then->rows[i], now);
    }
    const bool isa = then->count && strcmp(model->trained_isa, context->kernels.name) != 0;
    if (others || isa) {
        cni_text_add(text, "it was trained ");
        if (*model->trained_plan) cni_text_printf(text, "with the plan file %s ", model->trained_plan);
        cni_text_printf(text, "on %s; ", model->trained_isa);
    }
    if (isa)
        cni_text_printf(text, "this is %s", context->kernels.name);
    else if (others)
        cni_text_printf(text, "%s %s now, %d of %d convolutions would be computed in another way (%s)",
                        *context->plan_file ? "with" : "there is",
                        *context->plan_file ? last_part(context->plan_file) : "none", others, then->count,
                        cni_text_get(&first));
    if (others || isa) cni_text_add(text, ": bits will differ from those of an unbroken training");
    cni_text_free(&first);
}

const char *cn_plan_note(cn_model *model)
{
    cni_text text = {0};
    if (!model) return "";
    tell(&text, model);
    free(model->text);
    model->text = cni_text_take(&text);
    return model->text ? model->text : "";
}
