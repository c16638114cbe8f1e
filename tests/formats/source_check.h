/* SPDX-License-Identifier: Apache-2.0
 * Reads a text and says what came of it, for the tests of the source reader. */
#ifndef CORNU_TEST_SOURCE_CHECK_H
#define CORNU_TEST_SOURCE_CHECK_H

#include "formats/source/source.h"
#include "layers/layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct reading {
    cni_arena arena;
    cni_description *d;
    char text[8192]; /* what was asked for last */
} reading;

static inline void print_remarks(const cni_description *d)
{
    cni_text text = {0};
    for (int i = 0; i < d->remarks.count; i++) cni_remark_print(&text, d, &d->remarks.items[i], 0);
    fputs(cni_text_get(&text), stderr);
    cni_text_free(&text);
}

/** Reads; whatever the remarks say. */
static inline cni_description *read_any(reading *r, const char *text, const char *model)
{
    cni_error error = {0};
    cni_arena_init(&r->arena, 0);
    const cn_status status = cni_source_read(&r->arena, text, strlen(text), "model.py", model, &r->d, &error);
    if (status) fprintf(stderr, "%s\n", error.text);
    assert_int_equal(status, CN_OK);
    assert_non_null(r->d);
    return r->d;
}

/** Reads a text that holds no errors. */
static inline cni_description *read_good(reading *r, const char *text)
{
    cni_description *d = read_any(r, text, NULL);
    if (d->remarks.errors) print_remarks(d);
    assert_int_equal(d->remarks.errors, 0);
    return d;
}

static inline void done(reading *r)
{
    cni_arena_free(&r->arena);
}

static inline void show_call(const cni_description *d, int index, char *out, size_t size)
{
    const cni_described_call *call = &d->calls[index];
    size_t used = (size_t)snprintf(out, size, "%s", d->layers[call->layer].name);
    for (int i = 0; i < call->input_count; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "," : "(",
                                 d->layers[d->calls[call->inputs[i].call].layer].name);
    if (call->input_count) snprintf(out + used, size - used, ")");
}

/** The calls as text: "input_layer conv2d(input_layer) add(conv2d,input_layer) > add". */
static inline const char *wiring(reading *r, const cni_description *d)
{
    size_t used = 0;
    *r->text = '\0';
    for (int i = 0; i < d->call_count; i++) {
        char call[512];
        show_call(d, i, call, sizeof call);
        used += (size_t)snprintf(r->text + used, sizeof r->text - used, "%s%s", i ? " " : "", call);
    }
    for (int i = 0; i < d->output_count; i++)
        used += (size_t)snprintf(r->text + used, sizeof r->text - used, "%s%s", i ? "," : " > ",
                                 d->layers[d->calls[d->outputs[i].call].layer].name);
    return r->text;
}

/** The remarks of this severity as "I803 4:31-37; I810 5:1-7". */
static inline const char *remarks(reading *r, cni_severity severity)
{
    size_t used = 0;
    *r->text = '\0';
    for (int i = 0; i < r->d->remarks.count; i++) {
        const cni_remark *remark = &r->d->remarks.items[i];
        if (remark->severity != severity) continue;
        used += (size_t)snprintf(r->text + used, sizeof r->text - used, "%s%s %d:%d-%d", used ? "; " : "", remark->id,
                                 remark->span.line, remark->span.column, remark->span.end_column);
    }
    return r->text;
}

static inline const cni_described_layer *layer_named(const cni_description *d, const char *name)
{
    for (int i = 0; i < d->layer_count; i++)
        if (strcmp(d->layers[i].name, name) == 0) return &d->layers[i];
    fail_msg("no layer '%s'", name);
    return NULL;
}

static inline const int *ints_of(const cni_description *d, const char *layer, const char *key)
{
    const cni_described_layer *found = layer_named(d, layer);
    assert_non_null(found->config);
    const int *member = cni_object_member(found->config, key);
    assert_non_null(member);
    return member;
}

#endif
