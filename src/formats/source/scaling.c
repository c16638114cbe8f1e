/* SPDX-License-Identifier: Apache-2.0
 * Where a text scales its data outside of the model: x_train.astype("float32") / 255, rescale=1./255, ToTensor().  Who
 * trains the model alone has to know. */
#include "formats/source/evaluate.h"

#include <string.h>

/* 255 and its kin; as a factor the inverse. */
static bool is_scale(const cni_syntax *node, bool inverse)
{
    static const double scales[] = {255, 256, 127.5, 128};
    const cni_value *value = node->type == CNI_SYNTAX_CONSTANT ? node->value : NULL;
    if (node->type == CNI_SYNTAX_BINARY && strcmp(node->text, "/") == 0)
        return inverse && node->items[0]->type == CNI_SYNTAX_CONSTANT && is_scale(node->items[1], false);
    if (!value || (value->type != CNI_INT && value->type != CNI_REAL) || inverse) return false;
    const double number = value->type == CNI_INT ? (double)value->integer : value->real;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        if (number == scales[i]) return true;
    return false;
}

static bool scales(const cni_syntax *node)
{
    const bool operates = node->type == CNI_SYNTAX_BINARY || node->type == CNI_SYNTAX_AUGMENTED;
    if (operates && node->items[0]->type == CNI_SYNTAX_CONSTANT) return false;
    if (operates && strcmp(node->text, "/") == 0) return is_scale(node->items[1], false);
    if (operates && strcmp(node->text, "*") == 0) return is_scale(node->items[1], true);
    if (node->type == CNI_SYNTAX_ARGUMENT && node->text) /* of an ImageDataGenerator */
        return strcmp(node->text, "rescale") == 0 && is_scale(node->items[0], true);
    return node->type == CNI_SYNTAX_ATTRIBUTE && strcmp(node->text, "ToTensor") == 0;
}

int cni_scaling_line(const cni_syntax *node)
{
    if (!node || node->type == CNI_SYNTAX_CLASS) return 0;
    if (scales(node)) return node->span.line;
    for (size_t i = 0; i < node->count; i++) {
        const int line = cni_scaling_line(node->items[i]);
        if (line) return line;
    }
    return 0;
}
