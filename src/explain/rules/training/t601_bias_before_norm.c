/* SPDX-License-Identifier: Apache-2.0
 * T601: biases that batch normalization cancels. */
#include "explain/rules/rules.h"

static const char *bias_key(const cni_findings *findings)
{
    return cni_is_torch(findings) ? "bias" : "use_bias";
}

/* The mean is taken over all but the channels, where it takes a bias along. */
static bool keeps_channels(const cni_explained *norm)
{
    const int rank = norm->shape.rank;
    const bool first = norm->spatial && norm->format == CN_CHANNELS_FIRST;
    const int channels = first ? 1 : rank - 1;
    return cni_config_axis(norm, rank, channels) == channels;
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
        if (cni_node_list_add(findings, rule, &list, i)) weights += outputs_of(node);
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
           "whatever the bias is, the result is the same, and its gradient is zero. The norm's own shift (beta) takes "
           "its place. Leaving the bias out saves its weights, the optimizer's state for them, and an addition per "
           "output. After training, a norm that is folded into the convolution brings a bias back.",
    .source = "Ioffe & Szegedy 2015, arXiv 1502.03167, section 3.2",
};
