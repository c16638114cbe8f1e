/* SPDX-License-Identifier: Apache-2.0
 * From a text to a description: parse, evaluate, describe. */
#include "formats/source/source.h"
#include "formats/source/evaluate.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TEXT = 1 << 20 };

void cni_add_site(const cni_evaluator *e, char *text, size_t size)
{
    const cni_frame *outermost = NULL;
    for (const cni_frame *frame = e->frame; frame; frame = frame->outer)
        if (frame->site.line) outermost = frame;
    const size_t used = strlen(text);
    if (!outermost || used + 40 > size) return;
    snprintf(text + used, size - used, "; %.40s() is called at line %d", outermost->definition->text,
             outermost->site.line);
}

/* A function may be called many times over. */
static bool is_told(const cni_evaluator *e, const char *id, const cni_span *span)
{
    for (int i = 0; i < e->remarks->count; i++)
        if (strcmp(e->remarks->items[i].id, id) == 0 && memcmp(&e->remarks->items[i].span, span, sizeof *span) == 0)
            return true;
    return false;
}

void cni_evaluate_remark(cni_evaluator *e, const char *id, cni_severity severity, cni_span span, const char *hint,
                         const char *format, ...)
{
    char text[700];
    va_list arguments;
    if (e->quiet || (severity == CNI_ERROR && is_told(e, id, &span))) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (severity == CNI_ERROR) cni_add_site(e, text, sizeof text);
    cni_remark_add(e->remarks, id, severity, span, hint, "%s", text);
}

cni_thing *cni_evaluate_error(cni_evaluator *e, const char *id, cni_span span, const char *hint, const char *format,
                              ...)
{
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cni_evaluate_remark(e, id, CNI_ERROR, span, hint, "%s", text);
    return e->broken;
}

static bool begin(cni_evaluator *e)
{
    e->broken = CNI_NEW(e->arena, cni_thing);
    e->none = CNI_NEW(e->arena, cni_thing);
    e->module = e->scope = CNI_NEW(e->arena, cni_scope);
    if (!e->broken || !e->none || !e->module) return false;
    e->broken->type = CNI_THING_BROKEN;
    e->none->type = CNI_THING_NONE;
    return true;
}

/* The model scales by itself. */
static bool has_rescaling(const cni_description *d)
{
    for (int i = 0; i < d->layer_count; i++) {
        const char *class_name = d->layers[i].class_name;
        if (strcmp(class_name, "Rescaling") == 0 || strcmp(class_name, "Normalization") == 0) return true;
        if (d->layers[i].inner && has_rescaling(d->layers[i].inner)) return true;
    }
    return false;
}

/* "# cornu: input 3xx3" is told, and then as if it were not there. */
static void check_input(cni_description *d)
{
    cni_source_size sizes[CN_MAX_ARRAYS];
    cni_error error = {0};
    int count;
    if (!*d->comments.input || !cni_source_sizes(d->comments.input, d->dialect, sizes, &count, &error)) return;
    cni_remark_add(&d->remarks, "I804", CNI_ERROR, d->comments.input_span, NULL, "%s", error.text);
    *d->comments.input = '\0';
}

cn_status cni_source_read(cni_arena *arena, const char *text, size_t size, const char *file, const char *model,
                          cni_description **out, cni_error *error)
{
    cni_description *d = CNI_NEW(arena, cni_description);
    char *kept = size <= MAX_TEXT ? cni_arena_text_n(arena, text, size) : NULL;
    if (size > MAX_TEXT)
        return cni_fail(error, CN_ERR_LIMIT, "%s: a text of %zu bytes; at most 1 MiB is read", file, size);
    if (!cni_utf8_valid(text, size)) return cni_fail(error, CN_ERR_FORMAT, "%s: the text is not UTF-8", file);
    if (!d || !kept || !(d->file = cni_arena_text(arena, file ? file : "<text>"))) return cni_no_memory(error, file);
    d->arena = arena;
    d->text = kept;
    d->text_size = size;
    d->remarks.arena = arena;
    cni_evaluator e = {
        .arena = arena, .remarks = &d->remarks, .text = kept, .text_size = size, .comments = &d->comments};
    const cni_syntax *tree = cni_syntax_read(arena, kept, size, &d->remarks, &d->comments);
    if (!tree || !begin(&e)) return cni_no_memory(error, file);
    cni_outside_take(&e);
    cni_evaluate_block(&e, tree);
    e.frame = NULL;
    e.scope = e.module;
    if (!model && *d->comments.name) model = d->comments.name;
    CN_TRY(cni_evaluate_describe(&e, model, d, error));
    check_input(d);
    if (!d->call_count && !d->remarks.errors) cni_doubts_matter(&e, false);
    if (!d->call_count && !d->remarks.errors) cni_evaluate_nothing(&e);
    cni_doubts_settle(&e);
    d->scaling_line = has_rescaling(d) ? 0 : cni_scaling_line(tree);
    if (e.exhausted) return cni_no_memory(error, file);
    *out = d;
    return CN_OK;
}
