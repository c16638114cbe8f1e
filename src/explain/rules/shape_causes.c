/* SPDX-License-Identifier: Apache-2.0
 * Which rule an error of shapes belongs to. */
#include "explain/rules/rules.h"

#include <string.h>

/* Rows of as many values as a Linear behind them counts: what the view cannot give is the Linear's matter. */
static bool view_does_not_fit(const cni_findings *findings, const cni_explained *node)
{
    int64_t batch, values;
    const cni_shape *in = node->input_count == 1 ? &cni_input_of(findings, node, 0)->shape : NULL;
    return cni_flat_view(node, &batch, &values) && in->rank > 1 && cni_shape_count(in, 1) > 0 &&
           cni_linear_behind(findings, node);
}

static bool groups_do_not_fit(const cni_findings *findings, const cni_explained *node)
{
    const int64_t groups = node->view.groups;
    int64_t filters = 0;
    if (groups < 2 || !cni_is(node, CNI_IS_CONVOLUTION) || node->input_count != 1) return false;
    const int64_t channels = cni_input_of(findings, node, 0)->channels;
    cni_outputs_key(node, &filters);
    return (channels > 0 && channels % groups) || filters % groups;
}

static bool window_does_not_fit(const cni_explained *node)
{
    for (int i = 0; cni_has_windows(node) && i < node->view.spatial; i++)
        if (cni_seen(node->axis[i].o) && node->axis[i].o <= 0 && node->axis[i].n > 0) return true;
    return false;
}

/* Arguments that exclude each other: each framework has its own. */
static cni_shape_cause cause_in_arguments(const cni_findings *findings, const cni_explained *node)
{
    const bool torch = cni_is_torch(findings);
    const int64_t stride = cni_written_most(node, cni_stride_key(findings), 1);
    const int64_t dilation = cni_written_most(node, cni_dilation_key(findings), 1);
    const int64_t extra = cni_written_most(node, "output_padding", 0);
    const char *padding = cni_value_as_text(cni_written(node, "padding"));
    for (int i = 0; torch && cni_is_pool(node) && i < node->view.spatial; i++)
        if (cni_has_windows(node) && node->view.axis[i].before > node->view.axis[i].size / 2)
            return CNI_CAUSE_POOL_PADDING;
    if (!cni_is(node, CNI_IS_CONVOLUTION)) return CNI_CAUSE_NONE;
    if (torch && padding && strcmp(padding, "same") == 0 && stride > 1) return CNI_CAUSE_SAME_STRIDE;
    if (extra > 0 && extra >= stride && !(torch && extra < dilation)) return CNI_CAUSE_OUTPUT_PADDING;
    return !torch && !node->layer->config && stride > 1 && dilation > 1 ? CNI_CAUSE_STRIDE_DILATION : CNI_CAUSE_NONE;
}

cni_shape_cause cni_shape_cause_of(const cni_findings *findings, const cni_explained *node)
{
    const char *key;
    int64_t expected, arriving;
    const cni_shape_cause cause = cause_in_arguments(findings, node);
    if (cause != CNI_CAUSE_NONE || !node->layer->config) return cause;
    if (cni_expected(findings->analysis, node, &key, &expected, &arriving) && expected != arriving)
        return strcmp(key, "in_features") == 0 ? CNI_CAUSE_LINEAR : CNI_CAUSE_CHANNELS;
    if (groups_do_not_fit(findings, node)) return CNI_CAUSE_GROUPS;
    if (!node->error.status) return CNI_CAUSE_NONE;
    if (window_does_not_fit(node)) return CNI_CAUSE_WINDOW;
    if (view_does_not_fit(findings, node)) return CNI_CAUSE_LINEAR;
    return cni_is(node, CNI_IS_MERGE) ? CNI_CAUSE_MERGE : CNI_CAUSE_OTHER;
}

void cni_each_cause(cni_findings *findings, const cni_rule *rule, cni_shape_cause cause,
                    void (*tell)(cni_findings *findings, const cni_rule *rule, const cni_explained *node))
{
    for (int i = 0; i < findings->analysis->count; i++)
        if (cni_shape_cause_of(findings, findings->analysis->nodes + i) == cause)
            tell(findings, rule, findings->analysis->nodes + i);
}
