/* SPDX-License-Identifier: Apache-2.0
 * Descriptions of networks for tests, from lines of the form
 *
 *     Input(shape=(32, 32, 3))             calls the layer with the line before
 *     a: Conv2D(16, 3)                     the same, with a label
 *     b <- a: Conv2D(16, 3)                calls it with the line called a
 *     Add <- a, b: Add()
 *     c <- b: =a                           calls the layer of line a once more
 *
 * The last line is the output.  PyTorch's modules are read when the dialect says so, behind one Input line. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "explain/analysis/analysis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DESCRIBED_MOST = 512 };

typedef struct described_line {
    char label[32], inputs[16][32], text[400];
    int input_count;
} described_line;

static void describe_split(const char *text, size_t length, described_line *line)
{
    char head[200] = "";
    const char *colon = NULL;
    for (size_t i = 0; i < length && text[i] != '('; i++)
        if (text[i] == ':') colon = text + i;
    *line = (described_line){.input_count = -1};
    const char *body = colon ? colon + 1 : text;
    while (*body == ' ') body++;
    snprintf(line->text, sizeof line->text, "%.*s", (int)(text + length - body), body);
    if (!colon) return;
    snprintf(head, sizeof head, "%.*s", (int)(colon - text), text);
    char *arrow = strstr(head, "<-"), *save = NULL;
    if (arrow) {
        *arrow = 0;
        line->input_count = 0;
        for (char *name = strtok_r(arrow + 2, " ,", &save); name; name = strtok_r(NULL, " ,", &save))
            snprintf(line->inputs[line->input_count++], 32, "%s", name);
    }
    sscanf(head, "%31s", line->label);
}

static int describe_find(const described_line *lines, int count, const char *label)
{
    for (int i = count - 1; i >= 0; i--)
        if (!strcmp(lines[i].label, label)) return i;
    fprintf(stderr, "no line is called %s\n", label);
    abort();
}

static void describe_layer(cni_arena *arena, cni_description *d, cni_described_layer *layer, const char *text)
{
    cni_error error = {0};
    cni_value *value;
    const bool torch = d->dialect == CNI_TORCH && strncmp(text, "Input", 5);
    const cni_family *family = torch ? &cni_torch_layers : &cni_layers;
    const cni_maker maker = {.arena = arena, .data_format = CN_CHANNELS_LAST, .error = &error};
    if (cni_value_read(arena, text, text, &value, &error)) fprintf(stderr, "%s\n", error.text), abort();
    layer->class_name = value->text;
    layer->kind = (const cni_layer_kind *)cni_family_find(family, value->text);
    if (!layer->kind) return;
    if (value->type == CNI_TEXT) value = cni_value_call(arena, value->text);
    layer->arguments = CNI_NEW_ARRAY(arena, cni_described_argument, value->count);
    for (size_t i = 0; i < value->count; i++)
        layer->arguments[layer->argument_count++] = (cni_described_argument){
            .key = value->keys[i] ? value->keys[i] : layer->kind->kind.fields[i].key, .value = value->items[i]};
    if (cni_object_read(&maker, &layer->kind->kind, value, value->text, &layer->config))
        fprintf(stderr, "%s: %s\n", text, error.text), abort();
}

static cni_description *describe_as(cni_arena *arena, cni_dialect dialect, const char *text)
{
    static described_line lines[DESCRIBED_MOST];
    static int layer_of[DESCRIBED_MOST];
    cni_description *d = CNI_NEW(arena, cni_description);
    *d = (cni_description){.arena = arena, .dialect = dialect, .name = "test", .file = "<text>"};
    d->layers = CNI_NEW_ARRAY(arena, cni_described_layer, DESCRIBED_MOST);
    d->calls = CNI_NEW_ARRAY(arena, cni_described_call, DESCRIBED_MOST);
    d->inputs = CNI_NEW_ARRAY(arena, int, 8);
    d->outputs = CNI_NEW_ARRAY(arena, cni_tensor_reference, 1);
    while (*text) {
        const size_t length = strcspn(text, "\n");
        const int at = d->call_count++;
        described_line *line = lines + at;
        describe_split(text, length, line);
        if (!line->label[0]) snprintf(line->label, sizeof line->label, "layer_%d", at);
        text += length + (text[length] == '\n');
        const bool again = line->text[0] == '=';
        layer_of[at] = again ? layer_of[describe_find(lines, at, line->text + 1)] : d->layer_count++;
        cni_described_layer *layer = d->layers + layer_of[at];
        if (!again) {
            layer->name = cni_arena_text(arena, line->label);
            describe_layer(arena, d, layer, line->text);
        }
        cni_described_call *call = d->calls + at;
        call->layer = layer_of[at];
        const bool input = !strncmp(line->text, "Input", 5);
        if (input) d->inputs[d->input_count++] = at;
        call->input_count = input ? 0 : line->input_count < 0 ? 1 : line->input_count;
        call->inputs = CNI_NEW_ARRAY(arena, cni_tensor_reference, (size_t)call->input_count);
        for (int i = 0; i < call->input_count; i++)
            call->inputs[i].call = line->input_count < 0 ? at - 1 : describe_find(lines, at, line->inputs[i]);
    }
    d->output_count = 1;
    d->outputs[0].call = d->call_count - 1;
    return d;
}

static cni_analysis *explain_as(cni_arena *arena, cni_dialect dialect, const char *text,
                                const cni_explain_options *options)
{
    cni_error error = {0};
    cni_analysis *analysis = NULL;
    if (cni_analyse(arena, describe_as(arena, dialect, text), options, &analysis, &error))
        fprintf(stderr, "%s\n", error.text), abort();
    return analysis;
}

static inline cni_analysis *explain_keras(cni_arena *arena, const char *text)
{
    return explain_as(arena, CNI_KERAS, text, NULL);
}

#endif
