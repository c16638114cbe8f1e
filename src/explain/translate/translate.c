/* SPDX-License-Identifier: Apache-2.0
 * The same network in the other framework's words: it is written as source text, and the text is explained. */
#include "explain/translate/translate.h"

#include "explain/explanation.h"
#include "layers/torch/torch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Keras' words ---- */

static bool is_input(const cni_explained *node)
{
    return node->layer->kind && node->layer->kind->traits & CNI_IS_INPUT;
}

static void say_input(const cni_explained *node, cni_text *out)
{
    char name[80];
    cni_text_printf(out, "%s = keras.Input((", cni_identifier(node, name, sizeof name));
    for (int i = 1; i < node->shape.rank; i++) {
        if (node->shape.dims[i] < 0)
            cni_text_add(out, "None, ");
        else
            cni_text_printf(out, "%" PRId64 ", ", node->shape.dims[i]);
    }
    cni_text_add(out, "))\n");
}

/* Conv2D(32, 3, data_format='channels_first') with a name; the layers of a list follow each other. */
static void say_layer(const cni_explained *node, const cni_value *call, bool last, cni_text *out)
{
    char name[80], shown[600];
    cni_identifier(node, name, sizeof name);
    cni_value_show(call, shown, sizeof shown);
    size_t length = strlen(shown);
    if (length && shown[length - 1] == ')') shown[length - 1] = 0;
    cni_text_printf(out, "layers.%s", shown);
    if (last) cni_text_printf(out, "%sname='%s'", shown[strlen(shown) - 1] == '(' ? "" : ", ", name);
    cni_text_char(out, ')');
}

static void say_arguments(const cni_analysis *analysis, const cni_explained *node, cni_text *out)
{
    char name[80];
    const bool list = node->layer->kind->merges;
    cni_text_add(out, list ? "([" : "(");
    for (int i = 0; i < node->input_count; i++)
        cni_text_printf(out, "%s%s", i ? ", " : "",
                        cni_identifier(&analysis->nodes[node->inputs[i]], name, sizeof name));
    cni_text_add(out, list ? "])\n" : ")\n");
}

bool cni_never_negative(const cni_analysis *analysis, const cni_explained *node)
{
    const unsigned keeps = CNI_IS_NOTHING | CNI_IS_PADDING | CNI_IS_DROPOUT | CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL;
    while (node->input_count == 1) {
        node = &analysis->nodes[node->inputs[0]];
        const cni_layer_kind *kind = node->layer->kind;
        if (!kind || !node->layer->config) return false;
        if (cni_layer_is_not_negative(kind, node->layer->config)) return true;
        if (!(kind->traits & keeps)) return false;
    }
    return false;
}

/* A window of odd size with a stride and padding=k//2: 'same' gives as many outputs. */
static bool is_habit(const cni_explained *node)
{
    const unsigned windows = CNI_IS_CONVOLUTION | CNI_IS_MAX_POOL | CNI_IS_AVERAGE_POOL;
    bool padded = false;
    if (node->view.type != CNI_VIEW_WINDOW || !(node->layer->kind->traits & windows) || node->view.ceil_mode)
        return false;
    for (int i = 0; i < node->view.spatial; i++) {
        const cni_view_axis *a = &node->view.axis[i];
        const int64_t extent = (a->size - 1) * a->dilation + 1;
        if (a->rule != CNI_PAD_GIVEN || extent % 2 == 0 || a->before != extent / 2 || a->after != extent / 2)
            return false;
        padded |= a->before > 0;
    }
    return padded;
}

/* "(3, 3)" of a member of the axes. */
static const char *sizes_text(const cni_view *view, size_t offset, char *text, size_t size)
{
    strcpy(text, "(");
    for (int i = 0; i < view->spatial; i++) {
        int64_t value;
        memcpy(&value, (const char *)&view->axis[i] + offset, sizeof value);
        snprintf(text + strlen(text), size - strlen(text), "%" PRId64 ",%s", value, i + 1 < view->spatial ? " " : "");
    }
    snprintf(text + strlen(text), size - strlen(text), ")");
    return text;
}

/* The padding goes, the window says 'same'. */
static cn_status make_habit(const cni_explained *node, cni_arena *arena, cni_value **list, cni_error *error)
{
    const unsigned is = node->layer->kind->traits;
    char text[300], size[80], stride[80];
    cni_value *call;
    if (is & CNI_IS_CONVOLUTION) {
        call = (*list)->items[(*list)->count - 1];
        const cni_value *said = cni_value_get(call, "padding");
        if (!said && !cni_value_add(arena, call, "padding", cni_value_text(arena, "same")))
            return cni_no_memory(error, "a translation");
    } else {
        snprintf(text, sizeof text, "%sPooling%dD(%s, strides=%s, padding='same', data_format='channels_first')",
                 is & CNI_IS_MAX_POOL ? "Max" : "Average", node->view.spatial,
                 sizes_text(&node->view, offsetof(cni_view_axis, size), size, sizeof size),
                 sizes_text(&node->view, offsetof(cni_view_axis, stride), stride, sizeof stride));
        CN_TRY(cni_value_read(arena, text, node->name, &call, error));
    }
    *list = cni_value_list(arena);
    return cni_value_add(arena, *list, NULL, call) ? CN_OK : cni_no_memory(error, "a translation");
}

/* What Keras has no equal of is said by habit, where there is one: an average that does not count its pads. */
static cn_status translate_node(const cni_explained *node, bool habits, const cni_torch_place *place, cni_arena *arena,
                                cni_value **list, cni_error *error)
{
    const bool habit = habits && is_habit(node);
    if (habit && !(node->layer->kind->traits & CNI_IS_CONVOLUTION)) return make_habit(node, arena, list, error);
    CN_TRY(cni_torch_translate(node->layer->config, place, arena, list, error));
    return habit ? make_habit(node, arena, list, error) : CN_OK;
}

static cn_status say_node(const cni_analysis *analysis, const cni_explained *node, bool habits, cni_arena *arena,
                          cni_text *out, cni_error *error)
{
    char name[80], argument[80];
    cni_value *list = NULL;
    const cni_layer_kind *kind = node->layer->kind;
    const cni_explained *input = node->input_count ? &analysis->nodes[node->inputs[0]] : NULL;
    const cni_torch_place place = {.in = input ? &input->shape : NULL,
                                   .not_negative = cni_never_negative(analysis, node)};
    if (!kind || !kind->keras || !node->layer->config || !input)
        return cni_fail(error, CN_ERR_UNSUPPORTED, "%s: %s cannot be said in Keras' words", node->name,
                        node->layer->class_name);
    const cn_status status = translate_node(node, habits, &place, arena, &list, error);
    if (status) return cni_fail_in(error, "layer '%s'", node->name);
    cni_identifier(node, name, sizeof name);
    if (!list->count) cni_text_printf(out, "%s = %s\n", name, cni_identifier(input, argument, sizeof argument));
    for (size_t i = 0; i < list->count; i++) {
        cni_text_printf(out, "%s = ", name);
        say_layer(node, list->items[i], i + 1 == list->count, out);
        if (i)
            cni_text_printf(out, "(%s)\n", name);
        else
            say_arguments(analysis, node, out);
    }
    return CN_OK;
}

static void say_ends(const cni_analysis *analysis, bool inputs, cni_text *out)
{
    char name[80];
    cni_text_char(out, '[');
    for (int i = 0, first = 1; i < analysis->count; i++) {
        const cni_explained *node = &analysis->nodes[i];
        if (inputs ? !is_input(node) : !node->output) continue;
        cni_text_printf(out, "%s%s", first ? "" : ", ", cni_identifier(node, name, sizeof name));
        first = 0;
    }
    cni_text_char(out, ']');
}

cn_status cni_say_in_keras(const cni_analysis *analysis, bool habits, cni_arena *arena, cni_text *out, cni_error *error)
{
    cni_text_add(out, "import keras\nfrom keras import layers\n\n");
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = &analysis->nodes[i];
        if (is_input(node))
            say_input(node, out);
        else
            CN_TRY(say_node(analysis, node, habits, arena, out, error));
    }
    cni_text_add(out, "model = keras.Model(");
    say_ends(analysis, true, out);
    cni_text_add(out, ", ");
    say_ends(analysis, false, out);
    cni_text_add(out, ")\n");
    return out->failed ? cni_no_memory(error, "a translation") : CN_OK;
}

/* ---- the public call ---- */

static _Thread_local cni_error translate_error;

static cn_status write_text(const cn_explanation *from, bool torch, bool habits, cni_text *text)
{
    cni_arena arena = {0};
    if (from->description->remarks.errors)
        return cni_fail(&translate_error, CN_ERR_INVALID, "%s: cannot be understood; explain it alone to see why",
                        from->source);
    const cn_status status = torch ? cni_say_in_torch(from->analysis, text, &translate_error)
                                   : cni_say_in_keras(from->analysis, habits, &arena, text, &translate_error);
    cni_arena_free(&arena);
    return status;
}

cn_status cn_explanation_translate(const cn_explanation *explanation, const char *dialect, cn_explanation **translated,
                                   const char **error)
{
    cni_text text = {0};
    const char *why = NULL;
    cni_error_clear(&translate_error);
    if (error) *error = NULL;
    if (translated) *translated = NULL;
    const bool torch = dialect && strcmp(dialect, "torch") == 0;
    const bool habits = dialect && strcmp(dialect, "keras-habits") == 0;
    cn_status status = CN_OK;
    if (!explanation || !translated || !dialect || (!torch && !habits && strcmp(dialect, "keras") != 0))
        status = cni_fail(&translate_error, CN_ERR_INVALID,
                          "cn_explanation_translate: dialect %s; expected keras or "
                          "torch, and a place for the result",
                          dialect ? dialect : "NULL");
    /* What speaks it already is read again as it is. */
    const bool spoken = !status && torch == (explanation->flat->dialect == CNI_TORCH);
    if (spoken)
        status = cni_fail(&translate_error, CN_ERR_INVALID, "%s: is written for %s already", explanation->source,
                          torch ? "PyTorch" : "Keras");
    if (!status) status = write_text(explanation, torch, habits, &text);
    if (!status) {
        cn_explain_options options = explanation->given;
        options.struct_size = sizeof options;
        options.input = options.model = NULL;
        status = cn_explain(cni_text_get(&text), &options, translated, &why);
        if (status) cni_fail(&translate_error, status, "%s", why ? why : "");
        if (!status) {
            (*translated)->source = torch ? "<in PyTorch>" : "<in Keras>";
            (*translated)->translated = true;
        }
    }
    cni_text_free(&text);
    if (status && error) *error = translate_error.text;
    return status;
}
