/* SPDX-License-Identifier: Apache-2.0
 * Findings T6..: what training would trip over. */
#include "explain/rules/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- T601 ---- */

static const char *bias_key(const cni_findings *findings)
{
    return cni_is_torch(findings) ? "bias" : "use_bias";
}

/* The mean is taken over all but the channels, where it takes a bias along. */
static bool keeps_channels(const cni_explained *norm)
{
    const int rank = norm->shape.rank;
    const bool first = norm->spatial && norm->format == CN_CHANNELS_FIRST;
    int64_t axis;
    return !cni_config_int(norm, "axis", &axis) || (axis < 0 ? axis + rank : axis) == (first ? 1 : rank - 1);
}

/* The batch norm, with a shift of its own, that takes this layer's sums as they are; NULL: none. */
static const cni_explained *norm_behind(const cni_findings *findings, const cni_explained *node)
{
    bool bias = false, shifts = false;
    if (!cni_is(node, CNI_IS_CONVOLUTION | CNI_IS_DENSE) || node->consumer_count != 1 || node->output) return NULL;
    if (!node->layer->config || !cni_config_bool(node, bias_key(findings), &bias) || !bias) return NULL;
    if (cni_layer_activation(node->layer->kind, node->layer->config)) return NULL;
    const cni_explained *norm = findings->analysis->nodes + node->consumers[0];
    if (!cni_is(norm, CNI_IS_BATCH_NORM) || !norm->layer->config || !keeps_channels(norm)) return NULL;
    return cni_config_bool(norm, cni_is_torch(findings) ? "affine" : "center", &shifts) && shifts ? norm : NULL;
}

/* A layer that is called twice has its bias cancelled only if every call is followed by a norm. */
static bool all_calls_have_one(const cni_findings *findings, const cni_explained *node)
{
    const cni_analysis *analysis = findings->analysis;
    for (int i = 0; i < analysis->count; i++)
        if (analysis->nodes[i].layer_index == node->layer_index && !norm_behind(findings, analysis->nodes + i))
            return false;
    return true;
}

static int64_t outputs_of(const cni_explained *node)
{
    return node->channels > 0 ? node->channels : 0;
}

static void look_t601(cni_findings *findings, const cni_rule *rule)
{
    const cni_analysis *analysis = findings->analysis;
    cni_node_list list;
    int64_t weights = 0;
    if (!cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < analysis->count; i++) {
        const cni_explained *node = analysis->nodes + i;
        if (!norm_behind(findings, node) || node->shared_with >= 0 || !all_calls_have_one(findings, node)) continue;
        const int before = list.count;
        cni_node_list_add(findings, rule, &list, i);
        if (list.count > before) weights += outputs_of(node);
    }
    if (!list.count) return;
    const cni_explained *node = analysis->nodes + list.nodes[0], *norm = norm_behind(findings, node);
    const char *others = list.count < 2 ? ""
                                        : cni_say(findings, " So are those of %s: %s weights in all.",
                                                  cni_say_names(findings, list.nodes + 1, list.count - 1),
                                                  cni_say_count(findings, weights));
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_HINT, node->id, "The bias of %s (%s weights) is cancelled by %s.%s",
        cni_say_node(findings, node), cni_say_count(findings, outputs_of(node)), cni_say_node(findings, norm), others);
    cni_finding_concerns(finding, &list);
    if (!finding || !findings->try_fixes) return;
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list.count; i++)
        cni_edit_argument(&edits, analysis->nodes + list.nodes[i], bias_key(findings), "False");
    cni_try(findings, finding, &edits);
}

const cni_rule cni_rule_t601 = {
    .id = "T601",
    .name = "bias-before-norm",
    .severity = CNI_HINT,
    .grade = 'A',
    .whole = true,
    .look = look_t601,
    .why = "Batch normalization subtracts the mean of each channel, and with it any constant that was added before: "
           "whatever the bias "
           "is, the result is the same, and its gradient is zero. The norm's own shift (beta) takes its place. Leaving "
           "the "
           "bias out saves its weights, the optimizer's state for them, and an addition per output. After training, a "
           "norm "
           "that is folded into the convolution brings a bias back.",
    .source = "Ioffe & Szegedy 2015, arXiv 1502.03167, section 3.2",
};

/* ---- T604 ---- */

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
    int64_t axis = -1;
    if (shape->rank < 2) return -1;
    if (cni_is(node, CNI_IS_SOFTMAX) && !cni_config_int(node, "axis", &axis)) cni_config_int(node, "dim", &axis);
    if (axis < 0) axis += shape->rank;
    return axis > 0 && axis < shape->rank ? shape->dims[axis] : -1;
}

/* A layer that makes the one value, to make two of. */
static void try_two(cni_findings *findings, cni_finding *finding, const cni_explained *node)
{
    static const char *const keys[] = {"units", "filters", "out_features", "out_channels"};
    int64_t now;
    while (!cni_is(node, CNI_IS_DENSE | CNI_IS_CONVOLUTION)) {
        if (node->input_count != 1 || node->view.type != CNI_VIEW_POINT) return;
        node = cni_input_of(findings, node, 0);
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!cni_config_int(node, keys[i], &now)) continue;
        cni_edits edits = {.count = 0};
        cni_edit_argument(&edits, node, keys[i], "2");
        cni_try(findings, finding, &edits);
        return;
    }
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
           "whatever x "
           "is: the output never changes and every gradient before it is zero. For yes or no take sigmoid with one "
           "output and "
           "binary_crossentropy, or two outputs with softmax and (sparse_)categorical_crossentropy.",
    .source = "definition of softmax; Nikanjam et al. 2021, arXiv 2105.08095",
};

/* ---- T611 ---- */

/* Conv2D(32, 3, 3): three integers by position, and the third is the second again. */
static bool repeats_kernel(const cni_explained *node, int64_t *filters, int64_t *k)
{
    const cni_described_layer *layer = node->layer;
    static const char *const keys[] = {"filters", "kernel_size", "strides"};
    if (!cni_is(node, CNI_IS_CONVOLUTION) || layer->argument_count < 3) return false;
    for (int i = 0; i < 3; i++) {
        const cni_described_argument *argument = layer->arguments + i;
        if (!argument->positional || !argument->key || strcmp(argument->key, keys[i]) != 0) return false;
        if (!argument->value || argument->value->type != CNI_INT) return false;
    }
    *filters = layer->arguments[0].value->integer;
    *k = layer->arguments[1].value->integer;
    return *k > 1 && layer->arguments[2].value->integer == *k;
}

static void look_t611(cni_findings *findings, const cni_rule *rule)
{
    cni_node_list list;
    int64_t filters, k;
    if (cni_is_torch(findings) || !cni_node_list_new(findings, &list)) return;
    for (int i = 0; i < findings->analysis->count; i++) {
        const cni_explained *node = findings->analysis->nodes + i;
        if (node->view.spatial == 2 && repeats_kernel(node, &filters, &k)) cni_node_list_add(findings, rule, &list, i);
    }
    if (!list.count) return;
    const cni_explained *node = findings->analysis->nodes + list.nodes[0];
    repeats_kernel(node, &filters, &k);
    const char *others =
        list.count < 2 ? ""
                       : cni_say(findings, " Likewise %s.", cni_say_names(findings, list.nodes + 1, list.count - 1));
    cni_finding *finding =
        cni_finding_add(findings, rule, CNI_WARNING, node->id,
                        "%s: %s(%" PRId64 ", %" PRId64 ", %" PRId64 ") means kernel %" PRId64 ", stride %" PRId64
                        ". For a %" PRId64 "x%" PRId64 " window write (%" PRId64 ", %" PRId64 ").%s",
                        cni_say_node(findings, node), node->layer->class_name, filters, k, k, k, k, k, k, k, k, others);
    cni_finding_concerns(finding, &list);
    if (!finding || !findings->try_fixes) return;
    cni_edits edits = {.count = 0};
    for (int i = 0; i < list.count; i++) {
        const cni_explained *each = findings->analysis->nodes + list.nodes[i];
        repeats_kernel(each, &filters, &k);
        cni_edit_argument(&edits, each, "kernel_size", cni_say(findings, "(%" PRId64 ", %" PRId64 ")", k, k));
        cni_edit_argument(&edits, each, "strides", "1");
    }
    cni_try(findings, finding, &edits);
}

const cni_rule cni_rule_t611 = {
    .id = "T611",
    .name = "positional-stride",
    .severity = CNI_WARNING,
    .grade = 'A',
    .whole = true,
    .look = look_t611,
    .why = "In Keras 1 Convolution2D(32, 3, 3) meant a 3x3 window: rows and columns were two arguments. Since Keras 2 "
           "the second is "
           "the window, a number or a pair, and the third is the stride. So the old habit gives windows that stand "
           "side by side: "
           "28x28 becomes 9x9 instead of 26x26, quietly. If it is meant (patches, as in vision transformers), "
           "strides=16 by name "
           "says so and ends this warning.",
    .source = "keras issues 10300, 16826",
};
