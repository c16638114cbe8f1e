/* SPDX-License-Identifier: Apache-2.0
 * S102: other channels arrive than are expected, or they cannot be split into groups. */
#include "explain/rules/rules.h"

#include <inttypes.h>

static void tell_channels(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const char *key = NULL;
    int64_t expected = 0, arriving = 0;
    cni_edits edits = {.count = 0};
    if (!cni_expected(findings->analysis, node, &key, &expected, &arriving)) return;
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_ERROR, node->id, "%s expects %" PRId64 " channel%s, %" PRId64 " arrive%s (from %s, %s).",
        cni_say_node(findings, node), expected, expected == 1 ? "" : "s", arriving, arriving == 1 ? "s" : "",
        cni_say_node(findings, cni_input_of(findings, node, 0)),
        cni_say_shape(findings, &cni_input_of(findings, node, 0)->shape));
    if (!findings->try_fixes) return;
    cni_edit_argument(&edits, node, key, cni_say(findings, "%" PRId64, arriving));
    cni_try(findings, finding, &edits);
}

static int64_t filters_of(const cni_explained *node)
{
    int64_t filters = 0;
    cni_outputs_key(node, &filters);
    return filters;
}

/* The divisors of both that are nearest to `groups`, one below and one above. */
static void try_groups(cni_findings *findings, cni_finding *finding, const cni_explained *node, int64_t channels)
{
    const int64_t filters = filters_of(node), groups = node->view.groups;
    for (int step = -1; step <= 1; step += 2)
        for (int64_t g = groups + step; g >= 1 && g <= channels && g <= filters; g += step) {
            if (channels % g || filters % g) continue;
            cni_edits edits = {.count = 0};
            cni_edit_argument(&edits, node, "groups", cni_say(findings, "%" PRId64, g));
            cni_try(findings, finding, &edits);
            break;
        }
}

static void tell_groups(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const int64_t channels = cni_input_of(findings, node, 0)->channels, filters = filters_of(node);
    const int64_t groups = node->view.groups;
    const bool in = channels > 0 && channels % groups;
    char divisors[160];
    cni_common_divisors(channels > 0 ? channels : filters, filters, divisors, sizeof divisors);
    cni_finding *finding = cni_finding_add(
        findings, rule, CNI_ERROR, node->id, "%s: %" PRId64 " %s cannot be split into %" PRId64 " groups; %s would do.",
        cni_say_node(findings, node), in ? channels : filters, in ? "channels" : "filters", groups, divisors);
    if (finding && findings->try_fixes && channels > 0) try_groups(findings, finding, node, channels);
}

/* Keras refuses filters and groups before there is a layer. */
static void tell_written_groups(cni_findings *findings, const cni_rule *rule, const cni_explained *node)
{
    const cni_value *filters = cni_written(node, "filters"), *groups = cni_written(node, "groups");
    if (node->layer->config || !cni_is(node, CNI_IS_CONVOLUTION)) return;
    if (!filters || !groups || filters->type != CNI_INT || groups->type != CNI_INT || groups->integer < 1) return;
    if (filters->integer % groups->integer == 0) return;
    char divisors[160];
    cni_common_divisors(filters->integer, filters->integer, divisors, sizeof divisors);
    cni_finding_add(findings, rule, CNI_ERROR, node->id,
                    "%s: %" PRId64 " filters cannot be split into %" PRId64 " groups; %s would do.",
                    cni_say_node(findings, node), filters->integer, groups->integer, divisors);
}

static void look_s102(cni_findings *findings, const cni_rule *rule)
{
    cni_each_cause(findings, rule, CNI_CAUSE_CHANNELS, tell_channels);
    cni_each_cause(findings, rule, CNI_CAUSE_GROUPS, tell_groups);
    for (int i = 0; i < findings->analysis->count; i++)
        tell_written_groups(findings, rule, findings->analysis->nodes + i);
}

const cni_rule cni_rule_s102 = {
    .id = "S102",
    .name = "channel-mismatch",
    .severity = CNI_ERROR,
    .grade = 'A',
    .look = look_s102,
    .why = "A kernel has one slice for each channel that comes in. PyTorch wants that number written down, and it "
           "must be what the layer before puts out; Keras takes it from there. With groups=g both the channels that "
           "come in and the filters are dealt out to g groups of equal size, so g has to divide both numbers.",
    .source = "PyTorch and Keras reference of Conv2d / Conv2D",
};
