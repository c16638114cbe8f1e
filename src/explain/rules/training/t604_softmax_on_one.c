/* SPDX-License-Identifier: Apache-2.0
 * T604: a softmax over one value. */
#include "explain/rules/rules.h"

#include <strings.h>

static bool is_softmax(const cni_explained *node)
{
    if (!node->layer->kind || !node->layer->config) return false;
    const char *activation = cni_layer_activation(node->layer->kind, node->layer->config);
    return cni_is(node, CNI_IS_SOFTMAX) || (activation && strcasecmp(activation, "softmax") == 0);
}

/* The length of the axis that a softmax goes over; -1: not known. */
static int64_t softmax_length(const cni_explained *node)
{
    const cni_shape *shape = &node->shape;
    if (shape->rank < 2) return -1;
    const int64_t axis = cni_is(node, CNI_IS_SOFTMAX) ? cni_config_axis(node, shape->rank, -1) : shape->rank - 1;
    return axis > 0 && axis < shape->rank ? shape->dims[axis] : -1;
}

/* A layer that makes the one value, to make two of. */
static void try_two(cni_findings *findings, cni_finding *finding, const cni_explained *node)
{
    int64_t now;
    while (!cni_is(node, CNI_IS_DENSE | CNI_IS_CONVOLUTION)) {
        if (node->input_count != 1 || node->view.type != CNI_VIEW_POINT) return;
        node = cni_input_of(findings, node, 0);
    }
    const char *key = cni_outputs_key(node, &now);
    cni_edits edits = {.count = 0};
    if (!key) return;
    cni_edit_argument(&edits, node, key, "2");
    cni_try(findings, finding, &edits);
}

static void look_t604(cni_findings *findings, const cni_rule *rule)
{
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (!is_softmax(node) || node->suspect || softmax_length(node) != 1) continue;
        cni_finding *finding =
            cni_finding_add(findings, rule, CNI_ERROR, i,
                            "%s: softmax over an axis of length 1 (%s) is always 1, so nothing can be learned.",
                            cni_say_node(findings, node), cni_say_shape(findings, &node->shape));
        if (!finding || !findings->try_fixes) continue;
        cni_edits sigmoid = {.count = 0};
        if (cni_object_of(node->layer->config, "activation"))
            cni_edit_argument(&sigmoid, node, "activation", "'sigmoid'");
        else
            cni_edit_replace(&sigmoid, node, cni_is_torch(findings) ? "Sigmoid()" : "Activation('sigmoid')");
        cni_try(findings, finding, &sigmoid);
        try_two(findings, finding, node);
    }
}

const cni_rule cni_rule_t604 = {
    .id = "T604",
    .name = "softmax-on-one",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_t604,
    .why = "Softmax divides exp(x) by the sum of all exp(x) along its axis. With one value that is exp(x)/exp(x) = 1, "
           "whatever x is: the output never changes and every gradient before it is zero. For yes or no take sigmoid "
           "with one output and binary_crossentropy, or two outputs with softmax and "
           "(sparse_)categorical_crossentropy.",
    .source = "definition of softmax; Nikanjam et al. 2021, arXiv 2105.08095",
};
